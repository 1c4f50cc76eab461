//! Cross-validation: every example judged by a fit that has not seen it, nor its outlet, nor a
//! near-duplicate of it. Vocabulary, frequencies, C and weights are fitted inside each fold.

use std::str::FromStr;

use rayon::prelude::*;
use serde::Serialize;

use super::curve::{Point, learning_curves};
use super::folds::{join_groups, leave_one_out, stratified_group_folds};
use super::interval::Interval;
use super::metrics::{Bin, Confusion, Metrics, measure, reliability};
use super::origins::{Examples, OriginEvaluation, evaluate_origins};
use super::probes::{Probed, evaluate_probes};
use super::risk::{Abstentions, RiskCoverage, abstentions, risk_coverage};
use super::sample::{
    Prediction, bootstrap_metrics, duplicate_clusters, judge_split, kept_together, lexicon_of, sample_of,
};
use crate::config::TrainConfig;
use crate::corpus::Corpus;
use crate::error::{Error, Result};
use crate::features::Lexicon;
use crate::label::Axis;
use crate::learn::Judgement;
use crate::learn::path::Sample;
use crate::model::Scorer;
use crate::rng::RngSeed;

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
            FoldPlan::Grouped(folds) => {
                write!(f, "{folds} folds grouped by outlet, pair and near-duplicates")
            }
            FoldPlan::LeaveOneOut => write!(f, "leave one article out"),
            FoldPlan::LeaveOneGroupOut => write!(f, "leave one outlet out"),
        }
    }
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
    /// Probabilities against what came true; empty where they are none.
    pub reliability: Vec<Bin>,
    /// The error among the decisions that are surest, by the probability of the class decided on.
    pub risk: RiskCoverage,
    /// What was abstained from, for reasons that this axis alone can give.
    pub abstentions: Abstentions,
    /// The C chosen in each fold.
    pub c: Vec<f64>,
    /// Every held-out decision, in the order of ids.
    pub predictions: Vec<Prediction>,
    /// The same decisions by origin, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<OriginEvaluation>,
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
    /// Origins apart, axis by axis; see [`super::origins`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<AxisOrigins>,
    /// Documents that a given model was trained on, and that were therefore not judged.
    #[serde(skip_serializing_if = "is_zero")]
    pub left_out: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // The form that serde asks for.
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The evaluation of one axis with its origins apart.
#[derive(Debug, Clone, Serialize)]
pub struct AxisOrigins {
    /// The axis with its classes in order.
    pub axis: Axis,
    /// Origin by origin, press first and there beside it what other recipes make of the same articles.
    pub evaluations: Vec<OriginEvaluation>,
    /// What gives the authored passages' labels away, if asked for.
    pub probes: Vec<Probed>,
    /// Learning curves, if asked for.
    pub curve: Vec<Point>,
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
        origins: Vec::new(),
        left_out: 0,
    })
}

/// What an evaluation of origins also does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extras {
    /// Probe the authored passages for give-aways.
    pub probes: bool,
    /// Draw learning curves.
    pub curve: bool,
}

/// Evaluates every axis with the corpus's origins apart; see [`super::origins`]. Probes and curves are of
/// the axis that has a target. `done` is called after each fit.
///
/// # Errors
/// [`Error::Usage`] for a corpus of one origin, [`Error::TooFew`], and whatever a fit can fail with.
pub fn evaluate_by_origin(
    corpus: &Corpus,
    config: &TrainConfig,
    extras: Extras,
    done: &(dyn Fn() + Sync),
) -> Result<Evaluation> {
    if corpus.origins().len() < 2 {
        return Err(Error::Usage(
            "origins can be told apart where the labels name two or more, in a column «origin»; cross-validate with --folds 5".into(),
        ));
    }
    let mut origins = Vec::new();
    for (number, axis) in corpus.axes.iter().enumerate() {
        let toward = axis.is_toward_target();
        let evaluations = evaluate_origins(corpus, number, config, done)?;
        let probes =
            if extras.probes && toward { evaluate_probes(corpus, number, config, done)? } else { Vec::new() };
        let curve =
            if extras.curve && toward { learning_curves(corpus, number, config, done)? } else { Vec::new() };
        origins.push(AxisOrigins { axis: axis.clone(), evaluations, probes, curve });
    }
    Ok(Evaluation {
        schema: SCHEMA,
        corpus: corpus.name.clone(),
        digest: corpus.digest(),
        seed: config.seed,
        axes: Vec::new(),
        mean_semeval_f: Vec::new(),
        origins,
        left_out: 0,
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

/// Cross-validates one axis of a corpus whose words are `lexicon`.
pub(crate) fn evaluate_axis(
    corpus: &Corpus,
    lexicon: &Lexicon,
    axis: usize,
    config: &TrainConfig,
    plan: FoldPlan,
    done: &(dyn Fn() + Sync),
) -> Result<AxisEvaluation> {
    let (sample, groups) = sample_of(corpus, &kept_together(corpus, lexicon), axis, &config.learn)?;
    let name = &corpus.axes[axis].name;
    let folds = match plan {
        FoldPlan::Grouped(k) => {
            stratified_group_folds(&groups, &sample.classes, sample.n_classes, k, config.seed)
        }
        FoldPlan::LeaveOneGroupOut => Ok(leave_one_out(&groups)),
        FoldPlan::LeaveOneOut => {
            let alike = join_groups(&corpus.pair_groups(), &duplicate_clusters(lexicon));
            Ok(leave_one_out(&sample.rows.iter().map(|&row| alike[row]).collect::<Vec<_>>()))
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
    let mut all: Vec<(usize, Judgement)> = Vec::with_capacity(sample.rows.len());
    let mut c = Vec::new();
    for (fold, (chosen, judged)) in by_fold.into_iter().enumerate() {
        c.push(chosen);
        all.extend((0..folds.len()).filter(|&place| folds[place] == fold).zip(judged));
    }
    all.sort_by_key(|(place, _)| *place);
    let judgements = all.into_iter().map(|(_, judged)| judged).collect();
    Ok(assemble(
        corpus,
        axis,
        &sample,
        &groups,
        Judged { folds, judgements, c, plan: plan.to_string() },
        config.seed,
    ))
}

/// Evaluates a given model on a corpus: nothing is fitted. Documents whose words the model was trained
/// on are left out, and counted.
///
/// # Errors
/// [`Error::Usage`] where the model judges none of the corpus's axes, has other classes, or was trained
/// on all of the documents.
pub fn evaluate_model(corpus: &Corpus, scorer: &Scorer, seed: RngSeed) -> Result<Evaluation> {
    let heads = &scorer.header().heads;
    let mut unseen = corpus.clone();
    unseen.examples.retain(|example| !scorer.was_trained_on(&example.document));
    let left_out = corpus.examples.len() - unseen.examples.len();
    if unseen.examples.is_empty() {
        return Err(Error::Usage(
            "the model was trained on these very articles: figures on them would say nothing; leave -m out to cross-validate".into(),
        ));
    }
    let corpus = &unseen;
    let scores: Vec<_> =
        corpus.examples.par_iter().map(|example| scorer.score(&example.document, 0)).collect();
    let config = TrainConfig { features: scorer.header().features.clone(), ..TrainConfig::default() };
    let all_groups = kept_together(corpus, &lexicon_of(corpus, &config));
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
        let learn = &scorer.header().learn;
        let (sample, groups) = sample_of(corpus, &all_groups, number, learn)?;
        let judged = Judged {
            folds: vec![0; sample.rows.len()],
            judgements: sample.rows.iter().map(|&row| scores[row].heads[head].clone()).collect(),
            c: vec![heads[head].c],
            plan: "a given model, nothing fitted".into(),
        };
        axes.push(assemble(corpus, number, &sample, &groups, judged, seed));
    }
    if axes.is_empty() {
        return Err(Error::Usage("the model judges none of the axes that these labels have".into()));
    }
    let (corpus, digest) = (corpus.name.clone(), corpus.digest());
    Ok(Evaluation {
        schema: SCHEMA,
        corpus,
        digest,
        seed,
        axes,
        mean_semeval_f: Vec::new(),
        origins: Vec::new(),
        left_out,
    })
}

/// Decisions on the examples of a sample, in its order.
pub(crate) struct Judged {
    pub(crate) folds: Vec<usize>,
    pub(crate) judgements: Vec<Judgement>,
    pub(crate) c: Vec<f64>,
    pub(crate) plan: String,
}

/// What is known of some decisions, those on examples of the corpus's own target.
pub(crate) fn assemble(
    corpus: &Corpus,
    axis: usize,
    sample: &Sample,
    groups: &[usize],
    judged: Judged,
    seed: RngSeed,
) -> AxisEvaluation {
    let examples = Examples { corpus, axis, sample: sample.clone(), groups: groups.to_vec() };
    let origins = examples.by_origin(&judged.judgements, &judged.plan, seed);
    let own: Vec<usize> = (0..sample.rows.len()).filter(|&place| !sample.foreign[place]).collect();
    let sample = &sample.select(&own);
    let groups: &[usize] = &own.iter().map(|&place| groups[place]).collect::<Vec<_>>();
    let folds: Vec<usize> = own.iter().map(|&place| judged.folds[place]).collect();
    let judgements: Vec<&Judgement> = own.iter().map(|&place| &judged.judgements[place]).collect();
    let probabilities: Vec<Vec<f64>> = judgements.iter().map(|judged| judged.probabilities.clone()).collect();
    let axis = &corpus.axes[axis];
    let predicted: Vec<usize> = judgements.iter().map(|judged| judged.class).collect();
    let predicted = &predicted;
    let metrics = measure(axis, &sample.classes, predicted, Some(&probabilities));
    let interval = |statistic: &(dyn Fn(&Confusion) -> Option<f64> + Sync)| {
        bootstrap_metrics(groups, sample.n_classes, &sample.classes, predicted, seed, statistic)
    };
    let mut distinct = groups.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let confusion = Confusion::from_pairs(sample.n_classes, &sample.classes, predicted);
    let polar = axis.polar_indices();
    let right: Vec<bool> = predicted.iter().zip(&sample.classes).map(|(made, truth)| made == truth).collect();
    let sureness: Vec<f64> = judgements.iter().map(|judged| judged.probabilities[judged.class]).collect();
    let reasons: Vec<Option<&'static str>> = judgements.iter().map(|judged| judged.abstain).collect();
    let predictions = judgements.iter().enumerate().map(|(place, judged)| {
        let example = &corpus.examples[sample.rows[place]];
        Prediction::new(example, folds[place], &axis.classes, sample.classes[place], judged)
    });
    AxisEvaluation {
        axis: axis.clone(),
        target: None,
        folds: judged.plan,
        n_groups: distinct.len(),
        accuracy_interval: interval(&Confusion::accuracy),
        macro_f1_interval: interval(&|confusion| confusion.macro_f1().map(|(f1, _)| f1)),
        semeval_f_interval: polar.and_then(|polar| interval(&move |confusion| confusion.semeval_f(polar))),
        confusion: confusion.counts().chunks(sample.n_classes).map(<[u64]>::to_vec).collect(),
        reliability: reliability(&sample.classes, &probabilities).unwrap_or_default(),
        risk: risk_coverage(&sureness, &right),
        abstentions: abstentions(axis, &reasons, &sample.classes, predicted),
        c: judged.c,
        predictions: predictions.collect(),
        metrics,
        origins,
    }
}

/// The C chosen without the fold, and the judgements of the fold's examples.
fn judge_fold(
    lexicon: &Lexicon,
    sample: &Sample,
    groups: &[usize],
    folds: &[usize],
    fold: usize,
    config: &TrainConfig,
) -> Result<(f64, Vec<Judgement>)> {
    let (held, train): (Vec<usize>, Vec<usize>) = (0..folds.len()).partition(|&place| folds[place] == fold);
    judge_split(lexicon, sample, groups, &train, &held, config)
}
