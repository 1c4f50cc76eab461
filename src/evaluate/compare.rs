//! Two evaluations of the same articles: where they differ, and whether that can be told at this number.
//!
//! Two separate intervals say little of a difference: what is hard for one model is hard for the other, and
//! cancels out. So predictions are matched by id, and every difference is that of B minus that of A on the
//! same articles, with an interval from resamples that both are measured on ([`super::figures::differences`]).
//! What is resampled is whole groups, joined where either evaluation has two articles in one
//! ([`join_groups`]).
//!
//! | verdict | when |
//! |---|---|
//! | better, worse | the 95 % interval of the difference leaves 0 out |
//! | cannot tell | it does not |
//! | no difference | all that the figure is made of (decisions, or decisions and probabilities) is the same |
//! | too few | fewer than [`ENOUGH`] articles are in both |
//! | undefined | the figure is undefined in one of them |
//!
//! The intervals say what other articles would have changed, and nothing of what other folds, another seed
//! of folds or another fit would: two cross-validations of one and the same model differ too.
//!
//! That nothing can be told is no finding that they are alike: how many labels would be needed to tell stands
//! beside it ([`labels_needed`]).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::evaluation::{AxisEvaluation, Evaluation, OriginEvaluation};
use super::figures::{Figure, Figures, Rows, differences, figures};
use super::folds::join_groups;
use super::interval::LEVEL;
use super::sample::{ENOUGH, Prediction, RESAMPLES};
use crate::error::{Error, Place, Result};
use crate::label::Axis;
use crate::rng::RngSeed;

/// Names the layout of [`Comparison`] in JSON.
pub const SCHEMA: &str = "kzstance-comparison/1";

/// Differences below this are 0 in print, and nothing that more labels should be gathered to tell.
const NEGLIGIBLE: f64 = 0.0005;
/// The standard normal's 97.5th percentile: 95 %, two-sided.
const Z_LEVEL: f64 = 1.96;
/// Its 80th percentile: power.
const Z_POWER: f64 = 0.84;
/// More labels than anyone will gather.
const BEYOND_REACH: f64 = 1e9;

/// The figures that are compared, in order; the F1 of each class follows them.
const HEADLINE: [&str; 9] =
    ["accuracy", "macro_f1", "semeval_f", "mcc", "brier", "log_loss", "ece", "auc_sided", "auc_direction"];

/// What can be said of B against A.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// B is better.
    Better,
    /// B is worse.
    Worse,
    /// Either may be.
    CannotTell,
    /// They are the same, article by article.
    NoDifference,
    /// There are too few articles to say anything.
    TooFew,
    /// The figure is undefined in one of them.
    Undefined,
}

impl Verdict {
    /// In words, of what is called `name`.
    pub fn said(self, name: &str) -> String {
        match self {
            Verdict::Better => format!("{name} better"),
            Verdict::Worse => format!("{name} worse"),
            Verdict::CannotTell => "cannot tell at this n".into(),
            Verdict::NoDifference => "no difference".into(),
            Verdict::TooFew => "too few".into(),
            Verdict::Undefined => "undefined".into(),
        }
    }
}

/// One figure in A and in B.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FigureComparison {
    /// The figure's name, as in [`Figures::names`].
    pub name: String,
    /// Whether less of it is better.
    pub lower_is_better: bool,
    /// In A, on the articles that are in both.
    pub a: Figure,
    /// In B, on the same.
    pub b: Figure,
    /// B minus A, resampled together.
    pub difference: Figure,
    /// What that says of B.
    pub verdict: Verdict,
    /// The two-sided p value of the difference, from its interval: see [`p_of`]. Approximate.
    pub p: Option<f64>,
    /// The same, adjusted for all figures of the comparison by Holm's procedure; see [`holm`].
    pub p_holm: Option<f64>,
    /// About how many labels would be needed to tell; see [`labels_needed`].
    pub labels_needed: Option<u64>,
}

/// The exact test of whether A and B are right equally often, on the decisions that only one of them has
/// right.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Articles that A alone decided rightly.
    pub only_a_right: u64,
    /// Articles that B alone decided rightly.
    pub only_b_right: u64,
    /// Two-sided exact p value, in `[0, 1]`; `None` for fewer than [`ENOUGH`] articles.
    pub p: Option<f64>,
    /// Two-sided mid-p value, at most `p`; less conservative.
    pub mid_p: Option<f64>,
}

/// One axis, toward one target, in both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AxisComparison {
    /// The axis's name.
    pub axis: String,
    /// The target, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The origin, where the articles are those of one that was held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Articles in both.
    pub n: usize,
    /// Groups among them, which the bootstrap resamples.
    pub groups: usize,
    /// Articles that only A judged, and that do not count here.
    pub only_a: usize,
    /// Articles that only B judged.
    pub only_b: usize,
    /// Articles on which they decided alike.
    pub alike: usize,
    /// Figure by figure.
    pub figures: Vec<FigureComparison>,
    /// On the decisions. It counts articles as independent.
    pub mcnemar: McNemar,
}

/// Where an evaluation comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The file, as it was named.
    pub file: String,
    /// The program that made it.
    pub program: String,
    /// The corpus's name.
    pub corpus: String,
    /// SHA-256 of the examples.
    pub digest: String,
}

/// Two evaluations compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// [`SCHEMA`].
    pub schema: String,
    /// The first.
    pub a: Source,
    /// The second.
    pub b: Source,
    /// Seed of the intervals.
    pub seed: RngSeed,
    /// Share of resamples inside an interval.
    pub level: f64,
    /// Resamples of an interval.
    pub resamples: usize,
    /// Number of figures with a p value, which [`FigureComparison::p_holm`] is adjusted for.
    pub compared: usize,
    /// One for each axis and target in both.
    pub axes: Vec<AxisComparison>,
    /// What a reader should know, in sentences.
    pub notes: Vec<String>,
}

/// An evaluation and the file that it was read from.
#[derive(Debug, Clone, Copy)]
pub struct Named<'e> {
    /// The file, for messages.
    pub path: &'e Path,
    /// What is in it.
    pub evaluation: &'e Evaluation,
}

/// What to compare, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The axes; all that are in both where none is named.
    pub axes: Vec<String>,
    /// Seed of the intervals.
    pub seed: RngSeed,
    /// Resamples of an interval.
    pub resamples: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options { axes: Vec::new(), seed: RngSeed::default(), resamples: RESAMPLES }
    }
}

/// Compares two evaluations: B against A.
///
/// Every axis and target that is in both is compared, and every origin that both held out, where its
/// figures rest on all of its predictions. What is in one only is told in the notes.
/// O(`resamples` · figures · articles), in parallel; the same on any number of threads.
///
/// # Errors
/// [`Error::Usage`] for an axis that is wanted and not in both. [`Error::Labels`] where an article was given
/// another class, an axis has other classes, or nothing is in both; [`Error::Malformed`] for predictions
/// that do not fit their axis.
pub fn compare(a: Named<'_>, b: Named<'_>, options: &Options) -> Result<Comparison> {
    let mut notes = Vec::new();
    let mut axes = Vec::new();
    for name in &options.axes {
        wanted(name, a)?;
        wanted(name, b)?;
    }
    let chosen = |axis: &&AxisEvaluation| options.axes.is_empty() || options.axes.contains(&axis.axis.name);
    let same = |a: &AxisEvaluation, b: &AxisEvaluation| a.axis.name == b.axis.name && a.target == b.target;
    for left in a.evaluation.axes.iter().filter(chosen) {
        let Some(right) = b.evaluation.axes.iter().find(|right| same(left, right)) else {
            notes.push(format!("{} is in {} only.", called(left, None), a.path.display()));
            continue;
        };
        axes.extend(compare_axis([a.path, b.path], [left, right], options, &mut notes)?);
    }
    for right in b.evaluation.axes.iter().filter(chosen) {
        if !a.evaluation.axes.iter().any(|left| same(left, right)) {
            notes.push(format!("{} is in {} only.", called(right, None), b.path.display()));
        }
    }
    if axes.is_empty() {
        let mut problem = format!("nothing in it can be compared with {}", a.path.display());
        notes.iter().for_each(|note| problem += &format!(". {}", note.trim_end_matches('.')));
        return Err(Error::Labels {
            place: Place::file(b.path),
            problem: problem + "; evaluate both on the same labels and axes",
        });
    }
    let compared = adjust(&mut axes);
    if a.evaluation.digest != b.evaluation.digest {
        notes.push(
            "The corpora are not the same. Articles were matched by id: one whose text changed under its id goes unnoticed.".into(),
        );
    }
    notes.extend(cautions(&axes, compared));
    Ok(Comparison {
        schema: SCHEMA.into(),
        a: source(a),
        b: source(b),
        seed: options.seed,
        level: LEVEL,
        resamples: options.resamples,
        compared,
        axes,
        notes,
    })
}

fn source(named: Named<'_>) -> Source {
    Source {
        file: named.path.display().to_string(),
        program: named.evaluation.program.clone(),
        corpus: named.evaluation.corpus.clone(),
        digest: named.evaluation.digest.clone(),
    }
}

/// Refuses an axis that an evaluation has not.
fn wanted(name: &str, named: Named<'_>) -> Result<()> {
    let known: BTreeSet<&str> = named.evaluation.axes.iter().map(|axis| axis.axis.name.as_str()).collect();
    if known.contains(name) {
        return Ok(());
    }
    let known = known.into_iter().collect::<Vec<_>>().join(", ");
    Err(Error::Usage(format!("--axis {name}: {} has {known}", named.path.display())))
}

/// An axis in words.
fn called(axis: &AxisEvaluation, origin: Option<&str>) -> String {
    let target = axis.target.as_ref().map(|target| format!(" toward {target}")).unwrap_or_default();
    let origin = origin.map(|origin| format!(", {origin}")).unwrap_or_default();
    format!("{}{target}{origin}", axis.axis.name)
}

/// The whole axis, and the origins that both held out.
fn compare_axis(
    paths: [&Path; 2],
    axes: [&AxisEvaluation; 2],
    options: &Options,
    notes: &mut Vec<String>,
) -> Result<Vec<AxisComparison>> {
    let mut found = Vec::new();
    let whole = axes.map(|axis| axis.predictions.iter().collect::<Vec<_>>());
    let is_defined = |sets: [Option<&Figures>; 2], name: &str| {
        sets.into_iter().flatten().all(|set| set.get(name).is_some_and(|figure| figure.value.is_some()))
    };
    match whole.each_ref().map(Vec::is_empty) {
        [false, false] => found.push(compare_rows(paths, axes, None, &whole, options, |_| true)?),
        [true, true] => {}
        [a_empty, _] => {
            let path = if a_empty { paths[0] } else { paths[1] };
            notes.push(format!("{}: {} holds no predictions.", called(axes[0], None), path.display()));
        }
    }
    for left in axes[0].origins.iter().filter(|origin| !origin.predictions.is_empty()) {
        let same = |right: &&OriginEvaluation| {
            right.origin == left.origin && right.model == left.model && !right.predictions.is_empty()
        };
        let Some(right) = axes[1].origins.iter().find(same) else { continue };
        let Some(sets) = on_target(left).zip(on_target(right)) else {
            notes.push(format!(
                "{}: some of its articles are off target and not marked as such, so it was not compared.",
                called(axes[0], Some(&left.origin))
            ));
            continue;
        };
        let figures = [Some(&left.figures), Some(&right.figures)];
        let defined = |name: &str| is_defined(figures, name);
        found.push(compare_rows(paths, axes, Some(&left.origin), &[sets.0, sets.1], options, defined)?);
    }
    Ok(found)
}

/// The predictions that an origin's figures rest on; `None` where they cannot be told from others.
pub(super) fn on_target(origin: &OriginEvaluation) -> Option<Vec<&Prediction>> {
    let all: Vec<&Prediction> = origin.predictions.iter().collect();
    let on = all.iter().copied().filter(|made| made.on_target != Some(false)).collect();
    [all, on].into_iter().find(|some: &Vec<&Prediction>| some.len() == origin.figures.n)
}

fn compare_rows(
    paths: [&Path; 2],
    axes: [&AxisEvaluation; 2],
    origin: Option<&str>,
    predictions: &[Vec<&Prediction>; 2],
    options: &Options,
    defined: impl Fn(&str) -> bool,
) -> Result<AxisComparison> {
    let axis = &axes[0].axis;
    let pair = pair(paths, [axis, &axes[1].axis], predictions)
        .map_err(|error| about(error, &called(axes[0], origin)))?;
    let [a, b] = [&pair.a, &pair.b].map(|rows| figures(axis, rows, options.resamples, options.seed));
    let mut differences = pair.differences(axis, options.resamples, options.seed);
    let classes = axis.classes.iter().map(|class| format!("{class}.f1"));
    let names = HEADLINE.into_iter().map(str::to_owned).chain(classes).filter(|name| defined(name));
    let figures = names.filter_map(|name| {
        let difference = differences.remove(&name)?;
        let verdict = pair.verdict(&name, &difference);
        Some(FigureComparison {
            lower_is_better: lower_is_better(&name),
            a: a.get(&name).cloned()?,
            b: b.get(&name).cloned()?,
            p: p_of(&difference),
            p_holm: None,
            labels_needed: labels_needed(&difference, pair.a.truth.len()),
            verdict,
            difference,
            name,
        })
    });
    let figures = figures.collect();
    let right = |rows: &Rows, row: usize| rows.truth[row] == rows.predicted[row];
    let rows = 0..pair.a.truth.len();
    let alone = |first: &Rows, second: &Rows| {
        rows.clone().filter(|&row| right(first, row) && !right(second, row)).count() as u64
    };
    let test = mcnemar(alone(&pair.a, &pair.b), alone(&pair.b, &pair.a));
    let enough = pair.a.truth.len() >= ENOUGH;
    Ok(AxisComparison {
        axis: axis.name.clone(),
        target: axes[0].target.clone(),
        origin: origin.map(str::to_owned),
        n: pair.a.truth.len(),
        groups: pair.a.groups.iter().collect::<BTreeSet<_>>().len(),
        only_a: pair.only_a,
        only_b: pair.only_b,
        alike: rows.clone().filter(|&row| pair.a.predicted[row] == pair.b.predicted[row]).count(),
        figures,
        mcnemar: McNemar { p: test.p.filter(|_| enough), mid_p: test.mid_p.filter(|_| enough), ..test },
    })
}

/// Says which axis an error of its predictions is about.
fn about(error: Error, what: &str) -> Error {
    match error {
        Error::Labels { place, problem } => Error::Labels { place, problem: format!("{what}: {problem}") },
        Error::Malformed { place, problem } => {
            Error::Malformed { place, problem: format!("{what}: {problem}") }
        }
        other => other,
    }
}

/// The articles that two sets of predictions have in common, in the order of ids.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) a: Rows,
    /// The same articles in the same order, of the same groups.
    pub(super) b: Rows,
    pub(super) only_a: usize,
    pub(super) only_b: usize,
}

impl Pair {
    /// What a difference of B minus A says of B. Where both sides of a figure are made of the same, there is
    /// no difference, and no interval of one either.
    pub(super) fn verdict(&self, name: &str, difference: &Figure) -> Verdict {
        let alike = difference.value.is_some() && self.a.truth.len() >= ENOUGH && self.is_alike(name);
        if alike { Verdict::NoDifference } else { verdict(name, difference) }
    }

    /// Whether A and B have all that a figure is made of in common.
    fn is_alike(&self, name: &str) -> bool {
        let decided = name.rsplit('.').next().is_some_and(|name| {
            matches!(name, "accuracy" | "macro_f1" | "semeval_f" | "mcc" | "precision" | "recall" | "f1")
        });
        self.a.predicted == self.b.predicted && (decided || self.a.probabilities == self.b.probabilities)
    }

    /// B minus A, by name.
    pub(super) fn differences(
        &self,
        axis: &Axis,
        resamples: usize,
        seed: RngSeed,
    ) -> BTreeMap<String, Figure> {
        differences(axis, &self.b, &self.a, resamples, seed).into_iter().collect()
    }
}

/// Matches predictions by id. `paths` are those of A and of B, for messages.
pub(super) fn pair(paths: [&Path; 2], axes: [&Axis; 2], predictions: &[Vec<&Prediction>; 2]) -> Result<Pair> {
    let labels = |problem: String| Error::Labels { place: Place::file(paths[1]), problem };
    if axes[0].classes != axes[1].classes {
        let [first, second] = axes.map(|axis| axis.classes.join(", "));
        return Err(labels(format!(
            "the classes are {second}, but {first} in {}; name the same classes in the same order with --axis NAME=CLASS,...",
            paths[0].display()
        )));
    }
    let [left, right] = [by_id(paths[0], &predictions[0])?, by_id(paths[1], &predictions[1])?];
    let shared: Vec<[&Prediction; 2]> =
        left.iter().filter_map(|(id, a)| right.get(id).map(|b| [*a, *b])).collect();
    if shared.is_empty() {
        let first = |set: &BTreeMap<&str, &Prediction>| {
            set.keys().next().map_or("has none".to_owned(), |id| format!("begins with «{id}»"))
        };
        return Err(labels(format!(
            "no article is in both: by id it {}, {} {}; evaluate both on the same labels",
            first(&right),
            paths[0].display(),
            first(&left)
        )));
    }
    if let Some([a, b]) = shared.iter().find(|[a, b]| a.truth != b.truth) {
        return Err(labels(format!(
            "«{}» is labelled {}, but {} in {}; evaluate both on the same labels",
            a.id,
            b.truth,
            a.truth,
            paths[0].display()
        )));
    }
    let groups = |side: usize| shared.iter().map(|pair| pair[side].group).collect::<Vec<_>>();
    let groups = join_groups(&groups(0), &groups(1));
    let rows = |side: usize| -> Result<Rows> {
        let mut rows = Rows { groups: groups.clone(), ..Rows::default() };
        for pair in &shared {
            let (truth, predicted) = indices(paths[side], axes[side], pair[side])?;
            rows.truth.push(truth);
            rows.predicted.push(predicted);
            rows.probabilities.push(pair[side].probabilities.clone());
        }
        Ok(rows)
    };
    let (only_a, only_b) = (left.len() - shared.len(), right.len() - shared.len());
    Ok(Pair { a: rows(0)?, b: rows(1)?, only_a, only_b })
}

fn by_id<'p>(path: &Path, predictions: &[&'p Prediction]) -> Result<BTreeMap<&'p str, &'p Prediction>> {
    let mut found = BTreeMap::new();
    for prediction in predictions {
        if found.insert(prediction.id.as_str(), *prediction).is_some() {
            let problem =
                format!("«{}» was judged twice; give every article an id of its own", prediction.id);
            return Err(Error::malformed(Place::file(path), problem));
        }
    }
    Ok(found)
}

/// The classes given by hand and decided on, as indices.
fn indices(path: &Path, axis: &Axis, prediction: &Prediction) -> Result<(usize, usize)> {
    let fault = |what: String| {
        let problem = format!("«{}»: {what}; the file was changed by hand: evaluate again", prediction.id);
        Error::malformed(Place::file(path), problem)
    };
    let index = |class: &str| {
        let found = axis.classes.iter().position(|known| known == class);
        found.ok_or_else(|| fault(format!("«{class}» is none of {}", axis.classes.join(", "))))
    };
    let (given, wanted) = (prediction.probabilities.len(), axis.classes.len());
    if given != 0 && given != wanted {
        return Err(fault(format!("{given} probabilities for {wanted} classes")));
    }
    Ok((index(&prediction.truth)?, index(&prediction.predicted)?))
}

/// Whether less of a figure is better: of errors and losses.
pub fn lower_is_better(name: &str) -> bool {
    matches!(name, "brier" | "log_loss" | "ece" | "aurc")
}

/// What a difference of B minus A says of B.
pub fn verdict(name: &str, difference: &Figure) -> Verdict {
    let (Some(_), Some(low), Some(high)) = (difference.value, difference.low, difference.high) else {
        return match difference.value {
            None => Verdict::Undefined,
            Some(_) if difference.n < ENOUGH => Verdict::TooFew,
            Some(_) => Verdict::CannotTell,
        };
    };
    match (low > 0.0, high < 0.0) {
        (true, _) if lower_is_better(name) => Verdict::Worse,
        (_, true) if lower_is_better(name) => Verdict::Better,
        (true, _) => Verdict::Better,
        (_, true) => Verdict::Worse,
        _ => Verdict::CannotTell,
    }
}

/// The standard error that a 95 % interval stands for: a quarter of its width, nearly.
fn standard_error(difference: &Figure) -> Option<f64> {
    Some((difference.high? - difference.low?) / (2.0 * Z_LEVEL)).filter(|error| *error > 0.0)
}

/// The two-sided p value of a difference, in `[0, 1]`, as its interval implies it: that of `|d| / SE` under
/// the standard normal, with SE the interval's width over `2 · 1.96` (Altman and Bland 2011, "How to obtain
/// the P value from a confidence interval", BMJ 343:d2304). `None` without an interval, or with one of no
/// width.
pub fn p_of(difference: &Figure) -> Option<f64> {
    let z = difference.value?.abs() / standard_error(difference)?;
    Some(libm::erfc(z / std::f64::consts::SQRT_2))
}

/// About how many labels would be needed to tell a difference of this size, measured on `n` articles, with 80 % power at the 95 %
/// level: `n ((1.96 + 0.84) SE / |d|)²`, rounded up to one significant digit, since the difference itself is
/// known so roughly (Cohen 1988, "Statistical power analysis for the behavioral sciences", for the
/// formula).
///
/// It assumes that further labels are like these: the same difference, as varied, in groups as large. `None`
/// without an interval; where the difference is 0 to the digits that are printed, as there is none to tell;
/// and beyond 10⁹.
pub fn labels_needed(difference: &Figure, n: usize) -> Option<u64> {
    let size = difference.value?.abs();
    let needed = n as f64 * ((Z_LEVEL + Z_POWER) * standard_error(difference)? / size).powi(2);
    (size >= NEGLIGIBLE && needed <= BEYOND_REACH).then(|| rounded_up(needed))
}

/// Up to one significant digit; at least 1. `value` is at most 10⁹.
fn rounded_up(value: f64) -> u64 {
    let whole = (value.ceil() as u64).max(1);
    let unit = 10_u64.pow(whole.ilog10());
    whole.div_ceil(unit) * unit
}

/// The exact test of McNemar for paired decisions: whether of those that only one side has right, each
/// side has half.
///
/// With `n` such decisions and `k` those of the side that has fewer, the p value is
/// `min(1, 2 P(X ≤ k))` for X binomial of `n` and 1/2 (McNemar 1947, "Note on the sampling error of the
/// difference between correlated proportions or percentages", Psychometrika 12, in its exact form). The
/// mid-p value is `p - P(X = k)`, and `1 - P(X = k) / 2` where both sides have as many: Fagerland, Lydersen
/// and Laake 2013, "The McNemar test for binary matched-pairs data: mid-p and asymptotic are better than
/// exact conditional", BMC Medical Research Methodology 13:91. Both are 1 where there is no such decision.
///
/// Decisions count as independent: where those of one outlet are alike, p is too small. O(k).
pub fn mcnemar(only_a_right: u64, only_b_right: u64) -> McNemar {
    let n = only_a_right.saturating_add(only_b_right);
    let k = only_a_right.min(only_b_right);
    let test = |p: f64, mid_p: f64| McNemar {
        only_a_right,
        only_b_right,
        p: Some(p.clamp(0.0, 1.0)),
        mid_p: Some(mid_p.clamp(0.0, 1.0)),
    };
    if n == 0 {
        return test(1.0, 1.0);
    }
    let factorial = |m: u64| libm::lgamma(m as f64 + 1.0);
    let at_k = factorial(n) - factorial(k) - factorial(n - k) - n as f64 * std::f64::consts::LN_2;
    let at_k = libm::exp(at_k);
    if only_a_right == only_b_right {
        return test(1.0, 1.0 - at_k / 2.0);
    }
    // Downward from k, where the terms are largest, until they no longer count.
    let (mut term, mut below) = (at_k, 0.0);
    for successes in (1..=k).rev() {
        term *= successes as f64 / (n - successes + 1) as f64;
        below += term;
        if term <= below * f64::EPSILON {
            break;
        }
    }
    test(2.0 * (at_k + below), at_k + 2.0 * below)
}

/// p values adjusted so that, with no real difference anywhere, any is at most 0.05 one time in twenty:
/// Holm 1979, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics
/// 6. It holds however the tests depend on one another. In the order given; O(m log m).
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut adjusted = vec![0.0; p.len()];
    let mut least = 0.0_f64;
    for (rank, &test) in order.iter().enumerate() {
        least = least.max((p[test] * (p.len() - rank) as f64).min(1.0));
        adjusted[test] = least;
    }
    adjusted
}

/// Adjusts the p values of all figures together, and counts them.
fn adjust(axes: &mut [AxisComparison]) -> usize {
    let all = || axes.iter().flat_map(|axis| &axis.figures);
    let given: Vec<f64> = all().filter_map(|figure| figure.p).collect();
    let mut adjusted = holm(&given).into_iter();
    for figure in axes.iter_mut().flat_map(|axis| &mut axis.figures).filter(|figure| figure.p.is_some()) {
        figure.p_holm = adjusted.next();
    }
    given.len()
}

/// What the figures do not say of themselves.
fn cautions(axes: &[AxisComparison], compared: usize) -> Vec<String> {
    let mut out = Vec::new();
    let all = || axes.iter().flat_map(|axis| &axis.figures);
    if compared > 1 {
        let told = |figure: &&FigureComparison| matches!(figure.verdict, Verdict::Better | Verdict::Worse);
        let firm = |figure: &&FigureComparison| figure.p_holm.is_some_and(|p| p <= 1.0 - LEVEL);
        let held = match (all().filter(told).count(), all().filter(told).filter(firm).count()) {
            (0, _) => String::new(),
            (told, firm) => {
                format!(" Adjusted for that (Holm), {firm} of {told} verdicts better or worse hold.")
            }
        };
        out.push(format!(
            "{compared} figures were compared, each at the 95 % level: without any real difference, about one in twenty looks like one.{held} Decide on the figure before you look."
        ));
    }
    if all().any(|figure| figure.labels_needed.is_some()) {
        out.push(
            "Labels to tell: for a difference of this size, at 80 % power, if further labels resemble these; an order of magnitude.".into(),
        );
    }
    if axes.iter().any(|axis| axis.n >= ENOUGH) {
        out.push("McNemar's test counts articles as independent; the intervals keep groups together.".into());
    }
    if let Some(few) = axes.iter().find(|axis| axis.n < ENOUGH) {
        out.push(format!(
            "{}: {} articles are too few for intervals and tests, which are given from {ENOUGH} up.",
            few.axis, few.n
        ));
    }
    out
}

impl AxisComparison {
    /// What is compared, and on how many articles, in words.
    pub fn heading(&self) -> String {
        let mut out = self.axis.clone();
        if let Some(target) = &self.target {
            out += &format!(" toward {target}");
        }
        if let Some(origin) = &self.origin {
            out += &format!(", {origin}");
        }
        let articles = |n: usize| if n == 1 { "article" } else { "articles" };
        out += &format!(": {} {} in both, in {} groups", self.n, articles(self.n), self.groups);
        match (self.only_a, self.only_b) {
            (0, 0) => {}
            (a, b) => out += &format!("; left out: {a} only in A, {b} only in B"),
        }
        out + &format!("; decided alike: {}", self.alike)
    }

    /// The names of the columns of [`AxisComparison::rows`].
    pub const COLUMNS: [&str; 7] =
        ["figure", "A", "B", "B minus A (95 %)", "p (Holm)", "labels to tell", "verdict"];

    /// The figures as cells of a table.
    pub fn rows(&self) -> Vec<Vec<String>> {
        self.figures.iter().map(FigureComparison::row).collect()
    }

    /// The test on the decisions, in words.
    pub fn mcnemar_said(&self) -> String {
        let McNemar { only_a_right, only_b_right, p, mid_p } = self.mcnemar;
        let counts = format!("A alone right {only_a_right}, B alone right {only_b_right}");
        match (p, mid_p) {
            (Some(p), Some(mid_p)) => {
                format!("McNemar: {counts}; exact {}, mid-{}", p_said(p), p_said(mid_p))
            }
            _ => format!("McNemar: {counts}; too few"),
        }
    }
}

fn p_said(p: f64) -> String {
    if p < 0.001 { "p < 0.001".into() } else { format!("p = {p:.3}") }
}

impl FigureComparison {
    fn row(&self) -> Vec<String> {
        let value = |figure: &Figure| figure.value.map_or("undefined".into(), |value| format!("{value:.3}"));
        let difference = match (self.difference.value, self.difference.low, self.difference.high) {
            (Some(value), Some(low), Some(high)) => {
                format!("{} ({} to {})", signed(value), signed(low), signed(high))
            }
            (Some(value), ..) if self.verdict == Verdict::NoDifference => signed(value),
            (Some(value), ..) => format!("{} (no interval)", signed(value)),
            (None, ..) => "undefined".into(),
        };
        let p =
            self.p_holm.map_or("—".into(), |p| p_said(p).trim_start_matches("p = ").replace("p < ", "< "));
        let labels = match (self.labels_needed, self.difference.value) {
            (Some(needed), _) => format!("about {needed}"),
            (None, Some(value)) if value.abs() < NEGLIGIBLE && self.difference.n >= ENOUGH => {
                "nothing to tell".into()
            }
            _ => "—".into(),
        };
        let name =
            if self.lower_is_better { format!("{} (less is better)", self.name) } else { self.name.clone() };
        vec![name, value(&self.a), value(&self.b), difference, p, labels, self.verdict.said("B")]
    }
}

/// With its sign, and no sign where it is 0 in print.
fn signed(value: f64) -> String {
    if value.abs() < NEGLIGIBLE { "0.000".into() } else { format!("{value:+.3}") }
}

impl Comparison {
    /// What the intervals are, in a sentence.
    pub fn intervals_said(&self) -> String {
        format!(
            "95 % intervals by a paired bootstrap over groups, {} resamples, seed {}: what other articles would change, not what other folds or another fit would.",
            self.resamples, self.seed.0
        )
    }

    /// As GitHub's Markdown. Names that come from labels are made harmless: no markup, no mentions.
    pub fn markdown(&self) -> String {
        let file = |source: &Source| {
            format!("{} ({}, {})", escape(&source.file), escape(&source.corpus), escape(&source.program))
        };
        let mut out = format!("**A** {}<br>\n**B** {}\n\n", file(&self.a), file(&self.b));
        for axis in &self.axes {
            out += &format!("### {}\n\n", escape(&axis.heading()));
            out += &format!("| {} |\n", AxisComparison::COLUMNS.join(" | "));
            out += "|---|---:|---:|---:|---:|---:|---|\n";
            for row in axis.rows() {
                let cells: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
                out += &format!("| {} |\n", cells.join(" | "));
            }
            out += &format!("\n{}.\n\n", escape(&axis.mcnemar_said()));
        }
        for note in &self.notes {
            out += &format!("- {}\n", escape(note));
        }
        out + &format!("- {}\n", self.intervals_said())
    }
}

/// Text as GitHub's Markdown shows it literally, on one line.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            // An entity would still be a mention.
            '@' => out += "@\u{200b}",
            // What would be made a link is broken by a word joiner, which does not show.
            ':' => out += ":\u{2060}",
            '.' if out.to_lowercase().ends_with("www") => out += "\u{2060}.",
            c if is_bidi_control(c) => out.push('\u{fffd}'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    // Arabic names must not turn around what stands beside them.
    if text.chars().any(is_right_to_left) { format!("\u{2068}{out}\u{2069}") } else { out }
}

fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}')
}

fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(got: Option<f64>, golden: f64) {
        let got = got.unwrap();
        assert!((got - golden).abs() <= 1e-12 + 1e-9 * golden, "got {got}, golden {golden}");
    }

    fn difference(value: f64, low: f64, high: f64, n: usize) -> Figure {
        Figure { value: Some(value), low: Some(low), high: Some(high), n, note: None }
    }

    #[test]
    fn the_test_of_mcnemar_agrees_with_scipy_and_with_fagerland() {
        // Fagerland, Lydersen and Laake 2013, table 2 (airway hyper-responsiveness): 0.070 and 0.039.
        let airway = mcnemar(1, 7);
        close(airway.p, 18.0 / 256.0);
        close(airway.mid_p, 10.0 / 256.0);
        // scipy 1.17: binomtest(k, n, 0.5).pvalue, minus binom.pmf(k, n, 0.5).
        for (a, b, p, mid_p) in [
            (0, 5, 0.0625, 0.03125),
            (1, 9, 0.021484375, 0.01171875),
            (12, 20, 0.21532714972272515, 0.16275565745308984),
            (7, 7, 1.0, 0.8952636718750001),
            (59, 16, 6.114156572521501e-7, 3.8509778235297136e-7),
            (300, 360, 0.02157234823197109, 0.019541266266901856),
            (40_000, 41_000, 0.0004478218231375636, 0.0004419761965309523),
            (100, 400, 1.65962947521744e-43, 1.0359048787658359e-43),
        ] {
            let found = mcnemar(a, b);
            close(found.p, p);
            close(found.mid_p, mid_p);
        }
        assert_eq!((mcnemar(0, 0).p, mcnemar(0, 0).mid_p), (Some(1.0), Some(1.0)));
        assert!(mcnemar(u64::MAX, 3).p.is_some_and(|p| p < 1e-9));
    }

    #[test]
    fn p_values_follow_from_intervals() {
        // scipy: 2 * norm.sf(|d| / (width / 3.92)).
        close(p_of(&difference(0.1, 0.05, 0.15, 50)), 8.854896862414149e-5);
        close(p_of(&difference(-0.03, -0.07, 0.01, 50)), 0.14156175398337117);
        assert_eq!(p_of(&difference(0.1, 0.1, 0.1, 50)), None);
    }

    #[test]
    fn holm_steps_down() {
        // 3 · 0.01, then 2 · 0.02 = 0.04, then 0.03 held up to 0.04.
        assert_eq!(holm(&[0.03, 0.01, 0.02]), [0.04, 0.03, 0.04]);
        assert_eq!(holm(&[0.6, 0.7]), [1.0, 1.0]);
    }

    #[test]
    fn labels_to_tell_are_rounded_up_to_one_digit() {
        // SE = 0.0392 / 3.92 = 0.01: (2.8 * 0.01 / 0.02)² * 100 = 196.
        assert_eq!(labels_needed(&difference(0.02, 0.0004, 0.0396, 60), 100), Some(200));
        // (2.8 * 0.01 / 0.01)² * 100 = 784.
        assert_eq!(labels_needed(&difference(-0.01, -0.0296, 0.0096, 60), 100), Some(800));
        assert_eq!(labels_needed(&difference(0.0, -0.02, 0.02, 60), 100), None);
        assert_eq!(labels_needed(&difference(0.5, 0.5, 0.5, 60), 100), None);
        assert_eq!([1.0, 9.5, 10.0, 101.0, 1e9].map(rounded_up), [1, 10, 10, 200, 1_000_000_000]);
    }

    #[test]
    fn less_is_better_for_losses() {
        let up = difference(0.1, 0.05, 0.15, 50);
        let down = difference(-0.1, -0.15, -0.05, 50);
        assert_eq!((verdict("macro_f1", &up), verdict("macro_f1", &down)), (Verdict::Better, Verdict::Worse));
        for name in ["brier", "log_loss", "ece"] {
            assert_eq!((verdict(name, &up), verdict(name, &down)), (Verdict::Worse, Verdict::Better));
        }
        assert_eq!(verdict("mcc", &difference(0.1, 0.0, 0.2, 50)), Verdict::CannotTell);
        assert_eq!(verdict("mcc", &Figure { value: Some(0.3), n: 19, ..Figure::default() }), Verdict::TooFew);
        assert_eq!(verdict("mcc", &Figure { n: 40, ..Figure::default() }), Verdict::Undefined);
    }

    #[test]
    fn what_labels_say_is_no_markup() {
        assert_eq!(escape("a|b <img> @you\n*x*"), "a\\|b &lt;img&gt; @\u{200b}you \\*x\\*");
        assert_eq!(escape("قناة"), "\u{2068}قناة\u{2069}");
    }

    proptest! {
        #[test]
        fn mid_p_is_below_p_and_both_are_the_same_from_either_side(a in 0u64..3000, b in 0u64..3000) {
            let (one, other) = (mcnemar(a, b), mcnemar(b, a));
            let (p, mid) = (one.p.unwrap(), one.mid_p.unwrap());
            prop_assert!(0.0 <= mid && mid <= p && p <= 1.0, "{p} {mid}");
            prop_assert_eq!((one.p, one.mid_p), (other.p, other.mid_p));
        }

        #[test]
        fn holm_keeps_the_order_and_never_lowers(p in prop::collection::vec(0.0f64..=1.0, 0..20)) {
            let adjusted = holm(&p);
            for i in 0..p.len() {
                prop_assert!(adjusted[i] >= p[i] && adjusted[i] <= 1.0);
                for j in 0..p.len() {
                    prop_assert!(p[i] > p[j] || adjusted[i] <= adjusted[j]);
                }
            }
        }
    }
}
