//! Cross-validation: every example judged by a fit that has not seen it, nor its outlet, nor a
//! near-duplicate of it. Vocabulary, frequencies, C, calibration and weights are fitted inside each fold.

use std::collections::BTreeSet;
use std::str::FromStr;

use rayon::prelude::*;

use super::assemble::{Detail, Judged, assemble, stance_by_sentiment};
use super::beside::{baselines, beside, count_fits as count_beside, time_splits};
use super::curve::{count_fits as count_curves, count_learning, learning_curve, origin_curves};
use super::evaluation::{AxisEvaluation, Evaluation, SCHEMA};
use super::folds::{join_groups, leave_one_out, stratified_group_folds};
use super::interval::LEVEL;
use super::origins::{EVIDENCE, Examples, Ground, count_registers};
use super::origins::{count_fits as count_origins, press_beside};
use super::probes::{Probe, evaluate_probes};
use super::sample::{RESAMPLES, duplicate_clusters, kept_together, lexicon_of, sample_of};
use super::splits::{Split, of_folds};
use crate::config::TrainConfig;
use crate::corpus::{Corpus, Example};
use crate::date::day;
use crate::error::{Error, Result};
use crate::label::Axis;
use crate::model::Scorer;

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
    /// Each of some runs of time, judged by a fit on all that is older.
    Temporal,
    /// Each origin judged by fits that were not trained on it; see [`super::origins`].
    Origins,
}

impl FromStr for FoldPlan {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        match given {
            "loo" => Ok(FoldPlan::LeaveOneOut),
            "logo" => Ok(FoldPlan::LeaveOneGroupOut),
            "time" => Ok(FoldPlan::Temporal),
            "origins" => Ok(FoldPlan::Origins),
            number => match number.parse() {
                Ok(folds) if folds >= 2 => Ok(FoldPlan::Grouped(folds)),
                _ => Err("give a number of folds from 2, loo (leave one out), logo (leave one outlet out), time, or origins"
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
            FoldPlan::Temporal => write!(f, "each run of time judged by a fit on all that is older"),
            FoldPlan::Origins => write!(f, "each origin judged by a model that was not trained on it"),
        }
    }
}

/// What an evaluation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// How examples are held out.
    pub folds: FoldPlan,
    /// Whether random folds, folds in time order, baselines and, where there are press articles among
    /// others, a model without those stand beside grouped folds.
    pub beside: bool,
    /// Draw learning curves.
    pub curve: bool,
    /// Probe the authored passages for give-aways, origins apart.
    pub probes: bool,
}

/// The folds alone.
impl From<FoldPlan> for Plan {
    fn from(folds: FoldPlan) -> Self {
        Plan { folds, beside: false, curve: false, probes: false }
    }
}

/// Cross-validates every axis of a corpus. Where examples name several targets, stance is learned
/// and judged for each target by itself, since stance toward one says nothing of another; other
/// axes do not depend on the target. `done` is called after each fit.
///
/// # Errors
/// [`Error::TooFew`], [`Error::Usage`] for a plan that does not fit the corpus, and whatever a fit can fail
/// with.
pub fn evaluate(
    corpus: &Corpus,
    config: &TrainConfig,
    plan: impl Into<Plan>,
    done: &(dyn Fn() + Sync),
) -> Result<Evaluation> {
    config.check()?;
    let plan = plan.into();
    if plan.folds == FoldPlan::Origins && corpus.origins().len() < 2 {
        return Err(Error::Usage(
            "origins can be told apart where the labels name two or more, in a column «origin»; cross-validate with --folds 5".into(),
        ));
    }
    if plan.probes && plan.folds != FoldPlan::Origins {
        return Err(Error::Usage("--probes go with --folds origins".into()));
    }
    let targets = Some(corpus.targets()).filter(|targets| targets.len() > 1).unwrap_or_default();
    let (axes, mean_semeval_f) = of_targets(corpus, &targets, &|target, axis| match target {
        Some(target) => evaluate_axis(&corpus.of_target(target)?, axis, config, plan, done),
        None => evaluate_axis(corpus, axis, config, plan, done),
    })?;
    Ok(Evaluation { axes, mean_semeval_f, ..about(corpus, config) })
}

/// Fits on one corpus and judges another: the held-out file of a shared task. Training documents that are
/// near-duplicates of a judged one are left out of training.
///
/// # Errors
/// [`Error::Usage`] where the corpora have other axes or classes; else as [`evaluate`].
pub fn evaluate_held_out(
    training: &Corpus,
    test: &Corpus,
    config: &TrainConfig,
    done: &(dyn Fn() + Sync),
) -> Result<Evaluation> {
    config.check()?;
    if let (Some(own), Some(other)) = (&training.target, &test.target)
        && own != other
    {
        return Err(Error::Usage(format!(
            "the labels are of the target «{own}», the test file of «{other}»"
        )));
    }
    let targets = test.targets();
    let several = targets.len() > 1 || training.targets().len() > 1;
    if several && targets.is_empty() {
        return Err(Error::Usage(format!(
            "the labels are of several targets, and the test file names none: choose one with --target: {}",
            training.targets().join(", ")
        )));
    }
    if let Some(other) =
        targets.iter().find(|target| training.target.as_ref().is_some_and(|own| own != *target))
    {
        return Err(Error::Usage(format!(
            "the labels are of the target «{}», and the test file has articles on «{other}»",
            training.target.as_deref().unwrap_or_default()
        )));
    }
    let shared: Vec<Axis> =
        training.axes.iter().filter(|axis| test.axis(&axis.name).is_ok()).cloned().collect();
    let joined = join(training, test, &shared)?;
    let targets = if several { targets } else { Vec::new() };
    let (axes, mean_semeval_f) = of_targets(&joined, &targets, &|target, axis| {
        let joined = match target {
            Some(target) => join(&training.of_target(target)?, &test.of_target(target)?, &shared)?,
            None => joined.clone(),
        };
        let first = joined.examples.len()
            - target.map_or(Ok(test.clone()), |target| test.of_target(target))?.examples.len();
        judge_held_out(&joined, first, axis, config, done)
    })?;
    let alone = join(&Corpus { examples: Vec::new(), ..training.clone() }, test, &shared)?;
    let mut found = Evaluation { axes, mean_semeval_f, ..about(&alone, config) };
    found.corpus.clone_from(&test.name);
    found.notes.push(format!("Trained on «{}», {} documents.", training.name, training.examples.len()));
    let known: BTreeSet<u64> =
        training.examples.iter().map(|example| example.document.fingerprint()).collect();
    let twice =
        test.examples.iter().filter(|example| known.contains(&example.document.fingerprint())).count();
    if twice > 0 {
        found.notes.push(format!(
            "{twice} of the {} test documents have the same words as a training document; near-duplicates of test documents were left out of training.",
            test.examples.len()
        ));
    }
    Ok(found)
}

/// The examples of both with the labels of the shared axes, those of `test` behind.
fn join(training: &Corpus, test: &Corpus, shared: &[Axis]) -> Result<Corpus> {
    if shared.is_empty() {
        return Err(Error::Usage("the test file has labels of none of the axes that the labels have".into()));
    }
    let mut joined = Corpus { axes: shared.to_vec(), examples: Vec::new(), ..training.clone() };
    for corpus in [training, test] {
        let places = shared.iter().map(|axis| {
            let place = corpus.axis(&axis.name)?;
            let same = corpus.axes[place].classes == axis.classes;
            if same {
                Ok(place)
            } else {
                Err(other_classes(("the labels have", axis), ("the test file has", &corpus.axes[place])))
            }
        });
        let places = places.collect::<Result<Vec<usize>>>()?;
        joined.examples.extend(corpus.examples.iter().map(|example| {
            let labels = places.iter().map(|&place| example.labels[place]).collect();
            Example { labels, ..example.clone() }
        }));
    }
    Ok(joined)
}

/// The evaluations of axes, and means over targets of the F of their polar classes.
type Judgements = (Vec<AxisEvaluation>, Vec<(String, f64)>);

/// The evaluation of every axis of a corpus, stance target by target where some are given, and then the means of their
/// F of the polar classes.
fn of_targets(
    corpus: &Corpus,
    targets: &[String],
    of_axis: &dyn Fn(Option<&str>, usize) -> Result<AxisEvaluation>,
) -> Result<Judgements> {
    let mut axes: Vec<AxisEvaluation> = Vec::new();
    let mut mean_semeval_f = Vec::new();
    for axis in 0..corpus.axes.len() {
        if !corpus.axes[axis].is_toward_target() || targets.is_empty() {
            axes.push(of_axis(None, axis)?);
            continue;
        }
        let first = axes.len();
        for target in targets {
            axes.push(AxisEvaluation { target: Some(target.clone()), ..of_axis(Some(target), axis)? });
        }
        let each = axes[first..].iter().map(|found| found.figures.semeval_f.as_ref()?.value);
        if let Some(each) = each.collect::<Option<Vec<f64>>>() {
            mean_semeval_f
                .push((corpus.axes[axis].name.clone(), each.iter().sum::<f64>() / each.len() as f64));
        }
    }
    Ok((axes, mean_semeval_f))
}

/// All of an evaluation but what was found.
fn about(corpus: &Corpus, config: &TrainConfig) -> Evaluation {
    let groups = kept_together(corpus, &lexicon_of(corpus, config));
    let mut notes = Vec::new();
    let unknown =
        corpus.examples.iter().filter(|example| example.outlet.is_none() && example.pair.is_none()).count();
    if unknown == corpus.examples.len() {
        notes.push("No outlets are known: folds keep near-duplicates together and nothing else, and figures flatter where outlets differ.".into());
    } else if unknown > 0 {
        notes.push(format!("No outlet is known of {unknown} of the {} examples.", corpus.examples.len()));
    }
    let unreadable = corpus.examples.iter().filter_map(|example| example.date.as_deref());
    let unreadable = unreadable.filter(|date| day(date).is_none()).count();
    if unreadable > 0 {
        notes.push(format!("{unreadable} dates cannot be read, and count as none; write them as 2022-01-07, or name their column with --columns date=NAME."));
    }
    Evaluation {
        schema: SCHEMA.into(),
        program: format!("kzstance {}", env!("CARGO_PKG_VERSION")),
        corpus: corpus.name.clone(),
        target: corpus.target.clone(),
        digest: corpus.digest(),
        n: corpus.examples.len(),
        seed: config.seed,
        level: LEVEL,
        resamples: RESAMPLES,
        left_out: 0,
        notes,
        axes: Vec::new(),
        mean_semeval_f: Vec::new(),
        stance_by_sentiment: stance_by_sentiment(corpus, &groups, config.seed),
        settings: config.clone(),
    }
}

/// Number of fits that [`evaluate`] will report at most, for a progress bar.
pub fn count_fits(corpus: &Corpus, plan: Plan) -> usize {
    let targets = corpus.targets().len().max(1);
    // Near-duplicates make fewer groups still.
    let groups = |of: &[usize]| of.iter().max().map_or(0, |&greatest| greatest + 1);
    let of_axis = |axis: usize| {
        let toward = corpus.axes[axis].is_toward_target();
        let mut fits = match plan.folds {
            FoldPlan::Grouped(folds) => folds,
            FoldPlan::LeaveOneOut => groups(&corpus.pair_groups()),
            FoldPlan::LeaveOneGroupOut => {
                groups(&join_groups(&corpus.outlet_groups(), &corpus.pair_groups()))
            }
            FoldPlan::Temporal => 4,
            FoldPlan::Origins => count_origins(corpus, axis),
        };
        if let (FoldPlan::Grouped(folds), true) = (plan.folds, plan.beside) {
            fits += count_beside(folds);
        }
        if plan.curve {
            fits += match plan.folds {
                FoldPlan::Origins if toward => count_curves(corpus),
                FoldPlan::Origins => 0,
                FoldPlan::Grouped(folds) => count_learning(folds),
                _ => count_learning(fits),
            };
        }
        if plan.probes && toward {
            fits += count_registers(corpus) * (1 + Probe::ALL.len());
        }
        if toward { fits * targets } else { fits }
    };
    (0..corpus.axes.len()).map(of_axis).sum()
}

/// Cross-validates one axis.
fn evaluate_axis(
    corpus: &Corpus,
    axis: usize,
    config: &TrainConfig,
    plan: Plan,
    done: &(dyn Fn() + Sync),
) -> Result<AxisEvaluation> {
    let ground = Ground::new(corpus, corpus, axis, config)?;
    let toward = corpus.axes[axis].is_toward_target();
    if plan.folds == FoldPlan::Origins {
        let (judged, origins) = ground.origins(config, done)?;
        let mut found = assemble(&ground.examples, &judged, Detail::Full, config.seed);
        found.origins = origins;
        if plan.probes && toward {
            found.probes = evaluate_probes(corpus, axis, config, done)?;
        }
        if plan.curve && toward {
            found.origin_curves = origin_curves(corpus, axis, config, done)?;
        }
        return Ok(found);
    }
    let name = &corpus.axes[axis].name;
    let named = |error| match error {
        Error::TooFew(problem) => Error::TooFew(format!("{name}: {problem}")),
        other => other,
    };
    let splits = plan_splits(&ground, plan.folds, config).map_err(named)?;
    let judged = ground.judge_in(&splits, &ground.examples.groups, config, EVIDENCE, done).map_err(named)?;
    let judged = Judged { plan: plan.folds.to_string(), ..judged };
    let mut found = assemble(&ground.examples, &judged, Detail::Full, config.seed);
    if let (FoldPlan::Grouped(folds), true) = (plan.folds, plan.beside) {
        found.beside = beside(&ground, (&splits, &judged), folds, config, done).map_err(named)?;
        found.origins = press_beside(&ground, config)?;
    }
    if plan.curve {
        found.learning_curve = learning_curve(&ground, (&splits, &judged), config, done).map_err(named)?;
    }
    Ok(found)
}

/// What is held out at a time.
fn plan_splits(ground: &Ground<'_>, plan: FoldPlan, config: &TrainConfig) -> Result<Vec<Split>> {
    let (sample, groups) = (&ground.examples.sample, &ground.examples.groups);
    let folds = match plan {
        FoldPlan::Grouped(k) => {
            stratified_group_folds(groups, &sample.classes, sample.n_classes, k, config.seed)?
        }
        FoldPlan::LeaveOneGroupOut => leave_one_out(groups),
        FoldPlan::LeaveOneOut => {
            let corpus = ground.examples.corpus;
            let alike = join_groups(&corpus.pair_groups(), &duplicate_clusters(&ground.lexicon));
            leave_one_out(&sample.rows.iter().map(|&row| alike[row]).collect::<Vec<_>>())
        }
        FoldPlan::Temporal => {
            let splits = time_splits(ground);
            if splits.is_empty() {
                return Err(Error::TooFew(
                    "a split by time wants forty examples or more with a date, of two days or more; name their column with --columns date=NAME (dates as 2022-01-07)".into(),
                ));
            }
            return Ok(splits);
        }
        FoldPlan::Origins => Vec::new(),
    };
    let splits = of_folds(&folds);
    if splits.len() < 2 {
        return Err(Error::TooFew("cross-validation wants two groups of labelled examples at least".into()));
    }
    Ok(splits)
}

/// Fits on the examples before row `first`, and judges the others.
fn judge_held_out(
    corpus: &Corpus,
    first: usize,
    axis: usize,
    config: &TrainConfig,
    done: &(dyn Fn() + Sync),
) -> Result<AxisEvaluation> {
    let ground = Ground::new(corpus, corpus, axis, config)?;
    let sample = &ground.examples.sample;
    let alike = duplicate_clusters(&ground.lexicon);
    let (train, held): (Vec<usize>, Vec<usize>) =
        (0..sample.rows.len()).partition(|&place| sample.rows[place] < first);
    if held.is_empty() {
        return Err(Error::TooFew(format!("{}: the test file has no label of it", corpus.axes[axis].name)));
    }
    let tested: BTreeSet<usize> = held.iter().map(|&place| alike[sample.rows[place]]).collect();
    let train = train.into_iter().filter(|&place| !tested.contains(&alike[sample.rows[place]])).collect();
    let splits = [Split { train, held }];
    let judged = ground.judge_in(&splits, &ground.examples.groups, config, EVIDENCE, done).map_err(
        |error| match error {
            Error::TooFew(problem) => Error::TooFew(format!(
                "{}, trained on what is no near-duplicate of a test document: {problem}",
                corpus.axes[axis].name
            )),
            other => other,
        },
    )?;
    let judged = Judged { plan: "a held-out file".into(), ..judged };
    let mut found = assemble(&ground.examples, &judged, Detail::Full, config.seed);
    found.beside = baselines(&ground, (&splits, &judged), None, config.seed);
    Ok(found)
}

fn other_classes((of, axis): (&str, &Axis), (of_other, other): (&str, &Axis)) -> Error {
    Error::Usage(format!(
        "{}: {of} the classes {}, {of_other} {}",
        axis.name,
        axis.classes.join(", "),
        other.classes.join(", ")
    ))
}

/// Evaluates a given model on a corpus: nothing is fitted. Documents whose words the model was trained
/// on are left out, and counted.
///
/// # Errors
/// [`Error::Usage`] where the model judges none of the corpus's axes, has other classes, or was trained
/// on all of the documents.
pub fn evaluate_model(corpus: &Corpus, scorer: &Scorer, config: &TrainConfig) -> Result<Evaluation> {
    let header = scorer.header();
    let mut unseen = corpus.clone();
    unseen.examples.retain(|example| !scorer.was_trained_on(&example.document));
    let left_out = corpus.examples.len() - unseen.examples.len();
    if unseen.examples.is_empty() {
        return Err(Error::Usage(
            "the model was trained on these very articles: figures on them would say nothing; leave -m out to cross-validate".into(),
        ));
    }
    let corpus = &unseen;
    if corpus.targets().len() > 1 && corpus.axes.iter().any(Axis::is_toward_target) {
        return Err(Error::Usage(format!(
            "stance toward several targets, and a model has one; choose it with --target: {}",
            corpus.targets().join(", ")
        )));
    }
    let scores: Vec<_> =
        corpus.examples.par_iter().map(|example| scorer.score(&example.document, 0)).collect();
    let config =
        TrainConfig { features: header.features.clone(), learn: header.learn.clone(), ..config.clone() };
    let lexicon = lexicon_of(corpus, &config);
    let all_groups = kept_together(corpus, &lexicon);
    let mut axes = Vec::new();
    for (number, axis) in corpus.axes.iter().enumerate() {
        let Some(head) = header.heads.iter().position(|head| head.axis.name == axis.name) else { continue };
        if header.heads[head].axis.classes != axis.classes {
            return Err(other_classes(
                ("the model has", &header.heads[head].axis),
                ("the labels have", axis),
            ));
        }
        let (sample, groups) = sample_of(corpus, &all_groups, number, &header.learn)?;
        let mut judged = Judged {
            c: vec![header.heads[head].c],
            plan: "a given model, nothing fitted".into(),
            ..Judged::default()
        };
        for (place, &row) in sample.rows.iter().enumerate() {
            let made = &scores[row].heads[head];
            if made.class != sample.classes[place] {
                let document = &corpus.examples[row].document;
                let words =
                    scorer.words_between(document, head, (made.class, sample.classes[place]), EVIDENCE);
                judged.evidence.insert(place, words);
            }
            judged.judgements.insert(place, (0, made.clone()));
        }
        let examples = Examples { corpus, axis: number, sample, groups };
        axes.push(assemble(&examples, &judged, Detail::Full, config.seed));
    }
    if axes.is_empty() {
        return Err(Error::Usage("the model judges none of the axes that these labels have".into()));
    }
    let mut found = Evaluation { left_out, axes, ..about(corpus, &config) };
    found.notes.push(format!(
        "Judged by the model «{}», trained on examples of the digest {}.",
        header.name, header.training_digest
    ));
    match (&header.target, corpus.targets().first()) {
        (Some(own), Some(other)) if own != other => {
            found
                .notes
                .push(format!("The model judges stance toward «{own}»; these labels are of «{other}»."));
        }
        _ => {}
    }
    Ok(found)
}
