//! From a corpus to a model.

use serde::{Deserialize, Serialize};

use crate::corpus::Corpus;
use crate::error::{Error, Result};
use crate::evaluate::cross::{duplicate_clusters, evaluate_axis, inner_folds, lexicon_of, sample_of};
use crate::evaluate::folds::join_groups;
use crate::evaluate::{AxisEvaluation, FoldPlan};
use crate::features::vectorizer::Frequencies;
use crate::features::{Design, FeatureConfig, Vectorizer};
use crate::learn::LearnConfig;
use crate::learn::path::{CPath, choose_c};
use crate::model::{FORMAT_VERSION, HeadInfo, Header, Model, Quality};
use crate::rng::RngSeed;

/// Everything that decides a model, beside the corpus.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// How words become features.
    pub features: FeatureConfig,
    /// How the heads are fitted.
    pub learn: LearnConfig,
    /// Seed of folds and intervals.
    pub seed: RngSeed,
}

impl TrainConfig {
    /// Checks every value, before any work.
    ///
    /// # Errors
    /// [`Error::Usage`].
    pub fn check(&self) -> Result<()> {
        self.features.check()?;
        self.learn.check()
    }
}

/// A model, and how it came about.
#[derive(Debug)]
pub struct Trained {
    /// The model.
    pub model: Model,
    /// For each head: how C was chosen.
    pub paths: Vec<CPath>,
    /// For each head: its cross-validation, where there were examples enough.
    pub evaluations: Vec<Option<AxisEvaluation>>,
}

/// Trains a head for every axis of the corpus, on one vocabulary counted over all its documents.
/// With a `plan`, each head is cross-validated as well, and the model records the figures. `done`
/// is called after each fold.
///
/// The model depends on the corpus, the configuration and the plan alone, to the last bit.
///
/// # Errors
/// [`Error::TooFew`] where an axis has examples of fewer than two classes or too few of any, and
/// whatever a fit can fail with.
pub fn train(corpus: &Corpus, config: &TrainConfig, plan: Option<FoldPlan>, done: &(dyn Fn() + Sync)) -> Result<Trained> {
    config.check()?;
    let lexicon = lexicon_of(corpus, config);
    let groups = join_groups(&corpus.outlet_groups(), &duplicate_clusters(&lexicon));
    let every_row: Vec<usize> = (0..lexicon.len()).collect();
    let frequencies = Frequencies::count(&lexicon, &every_row)?;
    let vectorizer = Vectorizer::new(&lexicon, &frequencies);
    let (mut heads, mut weights, mut paths, mut evaluations) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (number, axis) in corpus.axes.iter().enumerate() {
        let (sample, groups) = sample_of(corpus, &groups, number);
        let counts = corpus.counts(number);
        if counts.iter().filter(|&&count| count > 0).count() < 2 {
            let name = &axis.name;
            return Err(Error::TooFew(format!(
                "{name}: the {} labelled examples are not of two classes; label examples of another, or leave the axis out with --axis",
                sample.rows.len()
            )));
        }
        let path = choose_c(&config.learn, &lexicon, &sample, &inner_folds(&sample, &groups, config.learn.folds, config.seed)?)?;
        let x = Design::new(&lexicon, &frequencies, &sample.rows);
        let found = config.learn.fit(&x, &sample.classes, sample.n_classes, path.chosen, &axis.name)?;
        let evaluation = match plan.map(|plan| evaluate_axis(corpus, &lexicon, number, config, plan, done)) {
            None | Some(Err(Error::TooFew(_))) => None,
            Some(result) => Some(result?),
        };
        heads.push(HeadInfo {
            axis: axis.clone(),
            counts,
            c: path.chosen,
            gap: found.gap,
            quality: evaluation.as_ref().map(quality),
        });
        // Stored weights are single precision; the gap they are from the optimum is far below that.
        let coefficients: Vec<f32> = found.weights.coefficients.iter().map(|&w| w as f32).collect();
        weights.push((coefficients, found.weights.intercepts));
        paths.push(path);
        evaluations.push(evaluation);
    }
    let header = Header {
        format: FORMAT_VERSION,
        name: corpus.name.clone(),
        target: corpus.target.clone(),
        features: config.features.clone(),
        learn: config.learn.clone(),
        seed: config.seed.0,
        n_documents: vectorizer.n_documents,
        mean_length: vectorizer.mean_length,
        block_sizes: vectorizer.blocks.iter().map(|block| block.terms.len()).collect(),
        training_digest: corpus.digest(),
        origins: corpus.origins(),
        heads,
    };
    Ok(Trained { model: Model::new(header, &vectorizer, &weights)?, paths, evaluations })
}

fn quality(evaluation: &AxisEvaluation) -> Quality {
    Quality {
        folds: evaluation.folds.clone(),
        n: evaluation.metrics.n as usize,
        accuracy: evaluation.metrics.accuracy.unwrap_or(f64::NAN),
        macro_f1: evaluation.metrics.macro_f1,
        macro_f1_interval: evaluation.macro_f1_interval,
        semeval_f: evaluation.metrics.semeval_f,
        semeval_f_interval: evaluation.semeval_f_interval,
    }
}
