//! From a corpus to a model.

use std::borrow::Cow;

use crate::config::TrainConfig;
use crate::corpus::Corpus;
use crate::error::{Error, Result};
use crate::evaluate::cross::{Judged, assemble};
use crate::evaluate::origins::{Examples, Ground, OriginEvaluation, Ranking};
use crate::evaluate::sample::{inner_folds, kept_together, lexicon_of, sample_of};
use crate::evaluate::{AxisEvaluation, FoldPlan, Interval};
use crate::features::Vectorizer;
use crate::features::vectorizer::Frequencies;
use crate::learn::path::{CPath, walk};
use crate::model::{FORMAT_VERSION, Figure, HeadInfo, Header, Model, OriginQuality, Quality};

/// A model, and how it came about.
#[derive(Debug)]
pub struct Trained {
    /// The model.
    pub model: Model,
    /// For each head: how C was chosen.
    pub paths: Vec<CPath>,
    /// For each head: its cross-validation.
    pub evaluations: Vec<AxisEvaluation>,
}

/// Trains a head for every axis of the corpus, on one vocabulary counted over all its documents. C is
/// chosen in folds that divide no outlet and no cluster of near-duplicates; what the folds' fits made
/// of their held-out documents is the quality that the model records, each fold under the C that the
/// other folds chose. `done` is called after each step of a path.
///
/// The model depends on the corpus and the configuration alone, to the last bit.
///
/// # Errors
/// [`Error::TooFew`] where an axis has examples of fewer than two classes or too few of any, and
/// whatever a fit can fail with.
pub fn train(corpus: &Corpus, config: &TrainConfig, done: &(dyn Fn() + Sync)) -> Result<Trained> {
    config.check()?;
    let lexicon = lexicon_of(corpus, config);
    let groups = kept_together(corpus, &lexicon);
    let every_row: Vec<usize> = (0..lexicon.len()).collect();
    let frequencies = Frequencies::count(&lexicon, &every_row)?;
    let vectorizer = Vectorizer::new(&lexicon, &frequencies);
    let (mut heads, mut weights, mut paths, mut evaluations) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (number, axis) in corpus.axes.iter().enumerate() {
        let (sample, groups) = sample_of(corpus, &groups, number, &config.learn)?;
        let counts = corpus.counts(number, false);
        if counts.iter().filter(|&&count| count > 0).count() < 2 {
            let name = &axis.name;
            return Err(Error::TooFew(format!(
                "{name}: the {} labelled examples are not of two classes; label examples of another, or leave the axis out with --axis",
                sample.rows.len()
            )));
        }
        let folds = inner_folds(&sample, &groups, &config.learn, config.seed)?;
        let walked = walk(&config.learn, &lexicon, &sample, &folds, done)?;
        let c = walked.path.chosen;
        let x = sample.design(&lexicon, &frequencies);
        let found = config.learn.fit(&x, &sample, c, &axis.name)?;
        let (fold_c, judgements) = walked.judge(&config.learn, &sample, &folds);
        let plan = format!("{}, C of each chosen by the others", FoldPlan::Grouped(fold_c.len()));
        let judged = Judged { folds, judgements, c: fold_c, plan };
        let mut evaluation = assemble(corpus, number, &sample, &groups, judged, config.seed);
        // The pooled folds had other press articles to learn from; what counts is how a model does without.
        if let Some(press) = evaluation.origins.iter_mut().find(|found| found.origin == "press") {
            let examples = Examples { corpus, axis: number, sample: sample.clone(), groups: groups.clone() };
            match (Ground { examples, lexicon: Cow::Borrowed(&lexicon) }).press_apart(config) {
                Ok(apart) => *press = apart,
                // The other origins do not suffice for a model: what the folds say is all there is.
                Err(Error::TooFew(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let foreign_counts =
            if sample.foreign.contains(&true) { corpus.counts(number, true) } else { Vec::new() };
        let quality = quality(&evaluation);
        let origins = evaluation.origins.iter().map(origin_quality).collect();
        let (axis, scheme, gap) = (axis.clone(), sample.scheme, found.gap);
        let rule = walked.rule(&sample, config.learn.class_weight);
        heads.push(HeadInfo { axis, scheme, counts, foreign_counts, c, gap, rule, quality, origins });
        // Those of shares are stored for the shares themselves, whose deviations the model need not know.
        let mut coefficients = x.spread(found.weights.coefficients, found.weights.columns);
        for feature in x.manner() {
            let row = &mut coefficients[feature * found.weights.columns..][..found.weights.columns];
            row.iter_mut().for_each(|weight| *weight *= frequencies.idf[feature]);
        }
        // Stored weights are single precision; the gap they are from the optimum is far below that.
        let coefficients: Vec<f32> = coefficients.iter().map(|&w| w as f32).collect();
        weights.push((coefficients, found.weights.intercepts));
        paths.push(walked.path);
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
    let mut fingerprints: Vec<u64> =
        corpus.examples.iter().map(|example| example.document.fingerprint()).collect();
    fingerprints.sort_unstable();
    Ok(Trained { model: Model::new(header, &vectorizer, &weights, &fingerprints)?, paths, evaluations })
}

fn quality(evaluation: &AxisEvaluation) -> Quality {
    Quality {
        folds: evaluation.folds.clone(),
        n: evaluation.metrics.n as usize,
        accuracy: evaluation.metrics.accuracy,
        macro_f1: evaluation.metrics.macro_f1,
        macro_f1_interval: evaluation.macro_f1_interval.map(ends),
        semeval_f: evaluation.metrics.semeval_f,
        semeval_f_interval: evaluation.semeval_f_interval.map(ends),
    }
}

fn origin_quality(found: &OriginEvaluation) -> OriginQuality {
    let figures = &found.all;
    let figure = |value, interval: Option<Interval>| Figure { value, interval: interval.map(ends) };
    let rank = |ranking: Option<Ranking>| {
        ranking.map_or(Figure::default(), |ranking| figure(ranking.auc, ranking.interval))
    };
    let metrics = figures.metrics.as_ref();
    OriginQuality {
        origin: found.origin.clone(),
        held_out: found.held_out.clone(),
        n: figures.n,
        sided: rank(figures.opinionated),
        direction: rank(figures.direction),
        semeval_f: figure(metrics.and_then(|metrics| metrics.semeval_f), figures.semeval_f_interval),
        macro_f1: figure(metrics.and_then(|metrics| metrics.macro_f1), figures.macro_f1_interval),
    }
}

fn ends(interval: Interval) -> [f64; 2] {
    [interval.low, interval.high]
}
