//! Cross-validation: every example judged by a fit that has not seen it, nor its outlet, nor a
//! near-duplicate of it. Vocabulary, frequencies, C and weights are fitted inside each fold.

use std::str::FromStr;

use rayon::prelude::*;
use serde::Serialize;

use super::duplicates::{clusters, near_duplicates};
use super::folds::{join_groups, leave_one_out, stratified_group_folds};
use super::interval::{Interval, bootstrap_confusion, cluster_confusions};
use super::metrics::{Confusion, Metrics, measure};
use crate::config::TrainConfig;
use crate::corpus::Corpus;
use crate::error::{Error, Result};
use crate::features::vectorizer::Frequencies;
use crate::features::{Design, Lexicon};
use crate::label::Axis;
use crate::learn::logistic::{most_probable, probabilities};
use crate::learn::path::{Sample, choose_c};
use crate::model::Scorer;
use crate::rng::RngSeed;

/// Jaccard similarity of word sets from which two documents count as near-duplicates.
pub const NEAR_DUPLICATE: f64 = 0.8;
/// Resamples of an interval.
const RESAMPLES: usize = 1000;
/// Fewest examples that an interval is given for.
pub const ENOUGH: usize = 20;

/// Names the layout of [`Evaluation`] in JSON.
pub const SCHEMA: &str = "kzstance-evaluation/1";

/// How examples are held out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoldPlan {
    /// This many folds, no outlet and no near-duplicate cluster in two of them, classes spread
    /// evenly.
    Grouped(usize),
    /// Each example alone, with its near-duplicates; its outlet's other articles stay in training.
    LeaveOneOut,
    /// Each outlet alone.
    LeaveOneGroupOut,
}

impl FromStr for FoldPlan {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        match given {
            "loo" => Ok(FoldPlan::LeaveOneOut),
            "logo" => Ok(FoldPlan::LeaveOneGroupOut),
            number => match number.parse() {
                Ok(folds) if folds >= 2 => Ok(FoldPlan::Grouped(folds)),
                _ => Err("give a number of folds from 2, loo (leave one out) or logo (leave one outlet out)"
                    .into()),
            },
        }
    }
}

impl std::fmt::Display for FoldPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FoldPlan::Grouped(folds) => write!(f, "{folds} folds grouped by outlet and near-duplicates"),
            FoldPlan::LeaveOneOut => write!(f, "leave one article out"),
            FoldPlan::LeaveOneGroupOut => write!(f, "leave one outlet out"),
        }
    }
}

/// What was judged of one example by a fit that had not seen it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prediction {
    /// The example.
    pub id: String,
    /// Where it comes from.
    pub origin: String,
    /// The fold it was held out in.
    pub fold: usize,
    /// The class it was given by hand.
    pub truth: String,
    /// The class decided.
    pub predicted: String,
    /// One a class, in the axis's order.
    pub probabilities: Vec<f64>,
}

/// The evaluation of one axis, toward one target.
#[derive(Debug, Clone, Serialize)]
pub struct AxisEvaluation {
    /// The axis with its classes in order.
    pub axis: Axis,
    /// The target, where the corpus has several.
    pub target: Option<String>,
    /// How examples were held out, in words.
    pub folds: String,
    /// Groups that no fold divides.
    pub n_groups: usize,
    /// All metrics over the pooled held-out decisions.
    pub metrics: Metrics,
    /// 95 % interval of accuracy; `None` for too few examples.
    pub accuracy_interval: Option<Interval>,
    /// 95 % interval of macro-F1.
    pub macro_f1_interval: Option<Interval>,
    /// 95 % interval of the SemEval F.
    pub semeval_f_interval: Option<Interval>,
    /// Rows: the class given by hand; columns: the class decided.
    pub confusion: Vec<Vec<u64>>,
    /// The C chosen in each fold.
    pub c: Vec<f64>,
    /// Every held-out decision, in the order of ids.
    pub predictions: Vec<Prediction>,
}

/// The evaluation of a corpus.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The corpus's name.
    pub corpus: String,
    /// SHA-256 of the examples.
    pub digest: String,
    /// Seed of folds and intervals.
    pub seed: RngSeed,
    /// One for each axis, and for each target of the stance axis.
    pub axes: Vec<AxisEvaluation>,
    /// For each axis with several targets, the mean of the targets' SemEval F.
    pub mean_semeval_f: Vec<(String, f64)>,
}

/// Cross-validates every axis of a corpus. Where examples name several targets, stance is learned
/// and judged for each target by itself, since stance toward one says nothing of another; other
/// axes do not depend on the target. `done` is called after each fold.
///
/// # Errors
/// [`Error::TooFew`] and whatever a fit can fail with.
pub fn evaluate(
    corpus: &Corpus,
    config: &TrainConfig,
    plan: FoldPlan,
    done: &(dyn Fn() + Sync),
) -> Result<Evaluation> {
    config.check()?;
    let targets = corpus.targets();
    let mut axes = Vec::new();
    let mut mean_semeval_f = Vec::new();
    for axis in 0..corpus.axes.len() {
        if corpus.axes[axis].name != "stance" || targets.len() < 2 {
            let lexicon = lexicon_of(corpus, config);
            axes.push(evaluate_axis(corpus, &lexicon, axis, config, plan, done)?);
            continue;
        }
        let first = axes.len();
        for target in &targets {
            let part = corpus.of_target(target)?;
            let lexicon = lexicon_of(&part, config);
            let found = evaluate_axis(&part, &lexicon, axis, config, plan, done)?;
            axes.push(AxisEvaluation { target: Some(target.clone()), ..found });
        }
        let each: Option<Vec<f64>> = axes[first..].iter().map(|found| found.metrics.semeval_f).collect();
        if let Some(each) = each {
            mean_semeval_f
                .push((corpus.axes[axis].name.clone(), each.iter().sum::<f64>() / each.len() as f64));
        }
    }
    Ok(Evaluation {
        schema: SCHEMA,
        corpus: corpus.name.clone(),
        digest: corpus.digest(),
        seed: config.seed,
        axes,
        mean_semeval_f,
    })
}

/// Number of folds that [`evaluate`] will report, for a progress bar.
pub fn count_folds(corpus: &Corpus, plan: FoldPlan) -> usize {
    let targets = corpus.targets().len().max(1);
    let of_plan = |parts: usize| match plan {
        FoldPlan::Grouped(folds) => folds * parts,
        FoldPlan::LeaveOneOut | FoldPlan::LeaveOneGroupOut => corpus.examples.len(),
    };
    corpus.axes.iter().map(|axis| of_plan(if axis.name == "stance" { targets } else { 1 })).sum()
}

/// The words of a corpus.
pub(crate) fn lexicon_of(corpus: &Corpus, config: &TrainConfig) -> Lexicon {
    Lexicon::new(&config.features, corpus.examples.iter().map(|example| &example.document))
}

/// Clusters of near-duplicates: a number for each document of a lexicon.
pub fn duplicate_clusters(lexicon: &Lexicon) -> Vec<usize> {
    let sets: Vec<Vec<u32>> = (0..lexicon.len()).map(|index| lexicon.word_set(index)).collect();
    clusters(sets.len(), &near_duplicates(&sets, NEAR_DUPLICATE))
}

/// The labelled examples of one axis as a sample of the lexicon, and the group of each.
pub(crate) fn sample_of(corpus: &Corpus, groups: &[usize], axis: usize) -> (Sample, Vec<usize>) {
    let mut sample =
        Sample { rows: Vec::new(), classes: Vec::new(), n_classes: corpus.axes[axis].classes.len() };
    let mut sample_groups = Vec::new();
    for (row, example) in corpus.examples.iter().enumerate() {
        if let Some(class) = example.labels[axis] {
            sample.rows.push(row);
            sample.classes.push(class);
            sample_groups.push(groups[row]);
        }
    }
    (sample, sample_groups)
}

/// Folds for the choice of C within some examples.
pub(crate) fn inner_folds(
    sample: &Sample,
    groups: &[usize],
    folds: usize,
    seed: RngSeed,
) -> Result<Vec<usize>> {
    let mut names = groups.to_vec();
    names.sort_unstable();
    names.dedup();
    stratified_group_folds(groups, &sample.classes, sample.n_classes, folds.min(names.len()), seed)
}

/// Cross-validates one axis of a corpus whose words are `lexicon`.
pub(crate) fn evaluate_axis(
    corpus: &Corpus,
    lexicon: &Lexicon,
    axis: usize,
    config: &TrainConfig,
    plan: FoldPlan,
    done: &(dyn Fn() + Sync),
) -> Result<AxisEvaluation> {
    let duplicates = duplicate_clusters(lexicon);
    let groups = join_groups(&corpus.outlet_groups(), &duplicates);
    let (sample, groups) = sample_of(corpus, &groups, axis);
    let name = &corpus.axes[axis].name;
    let folds = match plan {
        FoldPlan::Grouped(k) => {
            stratified_group_folds(&groups, &sample.classes, sample.n_classes, k, config.seed)
        }
        FoldPlan::LeaveOneGroupOut => Ok(leave_one_out(&groups)),
        FoldPlan::LeaveOneOut => {
            Ok(leave_one_out(&sample.rows.iter().map(|&row| duplicates[row]).collect::<Vec<_>>()))
        }
    };
    let named = |error| match error {
        Error::TooFew(problem) => Error::TooFew(format!("{name}: {problem}")),
        other => other,
    };
    let folds = folds.map_err(named)?;
    let n_folds = folds.iter().max().map_or(0, |&fold| fold + 1);
    if n_folds < 2 {
        return Err(Error::TooFew(format!(
            "{name}: cross-validation wants two groups of labelled examples at least"
        )));
    }
    let by_fold = (0..n_folds)
        .into_par_iter()
        .map(|fold| {
            let found = judge_fold(lexicon, &sample, &groups, &folds, fold, config).map_err(named)?;
            done();
            Ok(found)
        })
        .collect::<Result<Vec<_>>>()?;
    let mut all = vec![Vec::new(); sample.rows.len()];
    let mut c = Vec::new();
    for (fold, (chosen, judged)) in by_fold.into_iter().enumerate() {
        c.push(chosen);
        let places = (0..folds.len()).filter(|&place| folds[place] == fold);
        for (place, p) in places.zip(judged) {
            all[place] = p;
        }
    }
    Ok(assemble(
        corpus,
        axis,
        &sample,
        &groups,
        Judged { folds, probabilities: all, c, plan: plan.to_string() },
        config.seed,
    ))
}

/// Evaluates a given model on a corpus: nothing is fitted.
///
/// # Errors
/// [`Error::Usage`] where the model judges none of the corpus's axes, or has other classes.
pub fn evaluate_model(corpus: &Corpus, scorer: &Scorer, seed: RngSeed) -> Result<Evaluation> {
    let heads = &scorer.header().heads;
    let scores: Vec<_> =
        corpus.examples.par_iter().map(|example| scorer.score(&example.document, 0)).collect();
    let config = TrainConfig { features: scorer.header().features.clone(), ..TrainConfig::default() };
    let duplicates = duplicate_clusters(&lexicon_of(corpus, &config));
    let all_groups = join_groups(&corpus.outlet_groups(), &duplicates);
    let mut axes = Vec::new();
    for (number, axis) in corpus.axes.iter().enumerate() {
        let Some(head) = heads.iter().position(|head| head.axis.name == axis.name) else { continue };
        if heads[head].axis.classes != axis.classes {
            return Err(Error::Usage(format!(
                "{}: the model has the classes {}, the labels have {}",
                axis.name,
                heads[head].axis.classes.join(", "),
                axis.classes.join(", ")
            )));
        }
        let (sample, groups) = sample_of(corpus, &all_groups, number);
        let judged = Judged {
            folds: vec![0; sample.rows.len()],
            probabilities: sample
                .rows
                .iter()
                .map(|&row| scores[row].heads[head].probabilities.clone())
                .collect(),
            c: vec![heads[head].c],
            plan: "a given model, nothing fitted".into(),
        };
        axes.push(assemble(corpus, number, &sample, &groups, judged, seed));
    }
    if axes.is_empty() {
        return Err(Error::Usage("the model judges none of the axes that these labels have".into()));
    }
    let (corpus, digest) = (corpus.name.clone(), corpus.digest());
    Ok(Evaluation { schema: SCHEMA, corpus, digest, seed, axes, mean_semeval_f: Vec::new() })
}

/// Decisions on the examples of a sample, in its order.
pub(crate) struct Judged {
    pub(crate) folds: Vec<usize>,
    pub(crate) probabilities: Vec<Vec<f64>>,
    pub(crate) c: Vec<f64>,
    pub(crate) plan: String,
}

pub(crate) fn assemble(
    corpus: &Corpus,
    axis: usize,
    sample: &Sample,
    groups: &[usize],
    judged: Judged,
    seed: RngSeed,
) -> AxisEvaluation {
    let axis = &corpus.axes[axis];
    let predicted: Vec<usize> = judged.probabilities.iter().map(|p| most_probable(p)).collect();
    let predicted = &predicted;
    let metrics = measure(axis, &sample.classes, predicted, Some(&judged.probabilities));
    let matrices = cluster_confusions(groups, sample.n_classes, &sample.classes, predicted);
    let interval = |statistic: &(dyn Fn(&Confusion) -> Option<f64> + Sync)| {
        let enough = sample.rows.len() >= ENOUGH;
        if enough { bootstrap_confusion(&matrices, RESAMPLES, seed, statistic) } else { None }
    };
    let confusion = Confusion::from_pairs(sample.n_classes, &sample.classes, predicted);
    let polar = axis.polar_indices();
    let class_name = |class: usize| axis.classes[class].clone();
    let predictions = judged.probabilities.iter().enumerate().map(|(place, probabilities)| {
        let example = &corpus.examples[sample.rows[place]];
        Prediction {
            id: example.document.id.clone(),
            origin: example.origin.clone(),
            fold: judged.folds[place],
            truth: class_name(sample.classes[place]),
            predicted: class_name(predicted[place]),
            probabilities: probabilities.clone(),
        }
    });
    AxisEvaluation {
        axis: axis.clone(),
        target: None,
        folds: judged.plan,
        n_groups: matrices.len(),
        accuracy_interval: interval(&Confusion::accuracy),
        macro_f1_interval: interval(&|confusion| confusion.macro_f1().map(|(f1, _)| f1)),
        semeval_f_interval: polar.and_then(|polar| interval(&move |confusion| confusion.semeval_f(polar))),
        confusion: confusion.counts().chunks(sample.n_classes).map(<[u64]>::to_vec).collect(),
        c: judged.c,
        predictions: predictions.collect(),
        metrics,
    }
}

/// The C chosen without the fold, and the class probabilities of the fold's examples.
fn judge_fold(
    lexicon: &Lexicon,
    sample: &Sample,
    groups: &[usize],
    folds: &[usize],
    fold: usize,
    config: &TrainConfig,
) -> Result<(f64, Vec<Vec<f64>>)> {
    let (train, held) = sample.split(folds, fold);
    let places = (0..folds.len()).filter(|&place| folds[place] != fold);
    let train_groups: Vec<usize> = places.map(|place| groups[place]).collect();
    let inner = inner_folds(&train, &train_groups, config.learn.folds, config.seed)?;
    let c = choose_c(&config.learn, lexicon, &train, &inner)?;
    let frequencies = Frequencies::count(lexicon, &train.rows)?;
    let x = Design::new(lexicon, &frequencies, &train.rows);
    let what = format!("fold {fold} with C = {c}");
    let found = config.learn.fit(&x, &train.classes, train.n_classes, c, &what)?;
    let scores = found.weights.scores(&Design::new(lexicon, &frequencies, &held.rows));
    let columns = found.weights.columns;
    Ok((c, scores.chunks_exact(columns).map(|scores| probabilities(config.learn.scheme, scores)).collect()))
}
