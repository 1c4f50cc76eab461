//! From a corpus to a model.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use crate::config::TrainConfig;
use crate::corpus::Corpus;
use crate::error::{Error, Result};
use crate::evaluate::assemble::{Detail, Judged, assemble};
use crate::evaluate::evaluation::{AxisEvaluation, OriginEvaluation};
use crate::evaluate::origins::{Examples, Ground};
use crate::evaluate::sample::{inner_folds, kept_together, lexicon_of, sample_of};
use crate::evaluate::{FoldPlan, figures};
use crate::features::Vectorizer;
use crate::features::vectorizer::Frequencies;
use crate::learn::Validation;
use crate::learn::path::{CPath, walk};
use crate::model::{FORMAT_VERSION, Figure, HeadInfo, Header, Model, OriginQuality, Quality, Validated};

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
    let mut samples = Vec::new();
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
        let judgements = folds.iter().copied().zip(judgements).enumerate().collect();
        let judged = Judged { judgements, c: fold_c, plan, ..Judged::default() };
        let examples = Examples { corpus, axis: number, sample: sample.clone(), groups: groups.clone() };
        let mut evaluation = assemble(&examples, &judged, Detail::Headline, config.seed);
        evaluation.origins = examples.by_origin(&judged, config.seed);
        // The pooled folds had other press articles to learn from; what counts is how a model does without.
        if let Some(press) = evaluation.origins.iter_mut().find(|found| found.origin == "press") {
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
        samples.push((sample.rows.clone(), groups.clone()));
        heads.push(HeadInfo {
            axis,
            scheme,
            counts,
            foreign_counts,
            c,
            gap,
            rule,
            quality,
            origins,
            validated: Vec::new(),
        });
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
    let off = called_off_target(&evaluations);
    let mut validations = Vec::new();
    for (number, (rows, groups)) in samples.iter().enumerate() {
        let (rows, validated) = validation(corpus, number, rows, groups, &evaluations[number], &off);
        heads[number].validated = validated;
        validations.push(rows);
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
        corpus.examples.par_iter().map(|example| example.document.fingerprint()).collect();
    fingerprints.sort_unstable();
    let model = Model::new(header, &vectorizer, &weights, &fingerprints, &validations)?;
    Ok(Trained { model, paths, evaluations })
}

/// The examples that the folds' fits of the head `on_target` call false.
fn called_off_target(evaluations: &[AxisEvaluation]) -> HashSet<String> {
    let gate = evaluations.iter().filter(|found| found.axis.is_on_target());
    gate.flat_map(|found| &found.predictions)
        .filter(|found| found.predicted == "false")
        .map(|found| found.id.clone())
        .collect()
}

/// The held-out judgements that tell how a head errs in the field: those of the pooled folds, which are
/// calibrated as the head is, of real examples on target and toward the corpus's own. Of these, what the
/// head `on_target` calls false (`off`, by id) is left out, as it is in collections. Where all examples are of
/// one origin, all that are on target count.
fn validation(
    corpus: &Corpus,
    axis: usize,
    rows: &[usize],
    groups: &[usize],
    evaluation: &AxisEvaluation,
    off: &HashSet<String>,
) -> (Validation, Vec<Validated>) {
    let of = &corpus.axes[axis];
    let place_of: HashMap<&str, usize> = rows
        .iter()
        .enumerate()
        .map(|(place, &row)| (corpus.examples[row].document.id.as_str(), place))
        .collect();
    let one_origin = corpus.origins().len() < 2;
    let mut validation = Validation::default();
    // Kept and left out, by origin.
    let mut counts: Vec<(&str, [usize; 2])> = Vec::new();
    for found in &evaluation.predictions {
        let Some(&place) = place_of.get(found.id.as_str()) else { continue };
        let example = &corpus.examples[rows[place]];
        let of_target = !corpus.is_foreign(example) && example.on_target != Some(false);
        let real = one_origin || example.origin != "authored";
        let (Some(truth), Some(decided)) = (of.index(&found.truth), of.index(&found.predicted)) else {
            continue;
        };
        if !real || !(of_target || of.is_on_target()) {
            continue;
        }
        let left_out = !of.is_on_target() && off.contains(&found.id);
        if !left_out {
            validation.push(truth, decided, found.probabilities.clone(), groups[place]);
        }
        match counts.iter_mut().find(|known| known.0 == found.origin) {
            Some(known) => known.1[usize::from(left_out)] += 1,
            None => counts.push((&found.origin, if left_out { [0, 1] } else { [1, 0] })),
        }
    }
    let validated = |(origin, [n, left_out]): (&str, [usize; 2])| {
        let mut held_out = evaluation.folds.clone();
        if left_out > 0 {
            held_out += &format!("; {left_out} more that on_target takes for off target are left out");
        }
        Validated { origin: origin.to_owned(), n, held_out }
    };
    let kept = counts.into_iter().filter(|(_, [n, _])| *n > 0);
    let validated = kept.map(validated).collect();
    (validation, validated)
}

fn quality(evaluation: &AxisEvaluation) -> Quality {
    let figures = &evaluation.figures;
    let (macro_f1, semeval_f) = (stored(Some(&figures.macro_f1)), stored(figures.semeval_f.as_ref()));
    Quality {
        folds: evaluation.folds.clone(),
        n: figures.n,
        accuracy: figures.accuracy.value,
        macro_f1: macro_f1.value,
        macro_f1_interval: macro_f1.interval,
        semeval_f: semeval_f.value,
        semeval_f_interval: semeval_f.interval,
    }
}

fn origin_quality(found: &OriginEvaluation) -> OriginQuality {
    let figures = &found.figures;
    OriginQuality {
        origin: found.origin.clone(),
        held_out: found.held_out.clone(),
        n: figures.n,
        sided: stored(figures.auc_sided.as_ref()),
        direction: stored(figures.auc_direction.as_ref()),
        semeval_f: stored(figures.semeval_f.as_ref()),
        macro_f1: stored(Some(&figures.macro_f1)),
    }
}

/// A figure as a model stores it.
fn stored(figure: Option<&figures::Figure>) -> Figure {
    figure.map_or(Figure::default(), |figure| Figure {
        value: figure.value,
        interval: figure.low.zip(figure.high).map(|(low, high)| [low, high]),
    })
}
