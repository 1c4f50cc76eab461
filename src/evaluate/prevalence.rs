//! Shares of the classes in a collection, corrected for misclassification.
//!
//! Counting decisions is biased wherever the classifier errs more one way than the other, and the more so
//! the further the collection's shares are from those it was tuned to: with recalls of .80, .75 and .60
//! a month of 5, 15 and 80 % is counted as 17, 32 and 51 %, for instance, where of the articles of favor 5 % are
//! taken for against, of those against 10 % for favor, and of those of none 14 % for favor and 26 % for against. What
//! judged articles tell of the errors undoes that. With C[j, t] the share of articles of class t that are decided to be j, the decisions of a collection of
//! shares p are expected to have the shares C p, and p is looked for among all shares:
//!
//! ```text
//! minimise |C p - observed|² over p ≥ 0, Σ p = 1
//! ```
//!
//! - [`Method::Adjusted`]: C and `observed` count decisions: Vucetic and Obradovic 2001, "Classification on
//!   data with biased class distribution"; Forman 2008, "Quantifying counts and costs via classification"
//!   (adjusted count); Hopkins and King 2010, "A method of automated nonparametric content analysis for
//!   social science".
//! - [`Method::Probabilistic`]: C and `observed` are mean probabilities: Bella, Ferri, Hernández-Orallo and
//!   Ramírez-Quintana 2010, "Quantification via probability estimators".
//! - [`Method::Em`]: [`crate::learn::prior::estimate`], which needs no judged articles and believes the
//!   probabilities instead: Saerens, Latinne and Decaestecker 2002.
//!
//! All of them assume prior shift: the collection may have other shares of the classes than the judged
//! articles, but the articles of each class look alike in both, so that the same part of them is mistaken.
//!
//! # Shares and intervals from draws
//!
//! A Bayesian bootstrap (Rubin 1981, "The Bayesian bootstrap", Annals of Statistics 9): each group of judged
//! articles and each article of the collection is given a weight, exponential with mean 1, and the shares
//! are found anew. The share given is the mean of the draws, the ends are their percentiles. No draw loses a
//! class, as drawing with replacement would where there are six cases of one. To each column of C, and to
//! the observed counts, a draw also adds cases of chance weight, [`PSEUDO`] a class in the mean: without
//! groups this is a draw from the posterior under Jeffreys' prior, and keeps a class in which no error was
//! seen among six from counting as faultless. Articles of the collection are drawn singly: the interval
//! is of the shares in these outlets, not of those in others like them.
//!
//! Cases spread evenly over the classes would make small slices look more polarised than large ones. For the share
//! given of a slice a draw therefore adds as many cases of the same weight, picked from the whole collection
//! ([`Correction::within`]): a Dirichlet process centred on it (Ferguson 1973, "A Bayesian analysis of some
//! nonparametric problems", Annals of Statistics 1). The ends stay those with even cases: where twenty
//! articles all look alike, the others would make them narrower than they may be.
//!
//! Where a class has judged articles in fewer than [`ENOUGH_GROUPS`] groups, so few weights would not show how
//! groups differ: judged articles are then drawn singly ([`drawn_singly`]), and that is warned of.
//!
//! # Where the assumption is seen to fail
//!
//! Let e = observed - C p be what the solution leaves. Each draw leaves an e of its own, and their spread about
//! their mean is what chance does. Where |e| is greater than the spread of 99 in 100 draws, or nearly all draws
//! give one class the same share, no shares explain the collection by the measured errors: there is
//! no interval then ([`MISFIT`]).
//!
//! # What was chosen, and why
//!
//! By simulation (`benches/quality/prevalence.md`; Gaussian scores of a classifier that tells a side from none
//! with an AUC of 0.86 to 0.96, right, too sure or off; five shifts of shares): [`Method::Probabilistic`] has
//! the smaller error of the first two everywhere, and its 95 % interval holds (0.94 to 0.99) where
//! probabilities are wrong too, since C is measured on them. EM is better where they are right and few judged,
//! worse than counting where they are not, and no judged articles mend it. With 6, 6 and 36 judged
//! articles the mean of the draws has a mean error of 0.07 where the least-squares solution has 0.10; with
//! thousands they are the same. The usual bootstrap, with replacement, holds 0.91 to 0.95 of the time
//! there, this one 0.95 or more.

use std::cell::RefCell;
use std::cmp::Ordering;

use rand::RngCore;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;

use super::interval::{LEVEL, quantile};
use crate::learn::prior;
use crate::learn::validation::Validation;
use crate::rng::RngSeed;

/// Cases that a draw of an interval adds to each cell, in the mean (Jeffreys' prior).
pub const PSEUDO: f64 = 0.5;

/// Why there is no interval where no shares explain what was decided.
pub const MISFIT: &str = "no shares of the classes explain the decisions by the errors that were measured: articles are mistaken otherwise here than among the judged ones";

/// How shares are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// From counts of decisions.
    Adjusted,
    /// From mean probabilities.
    Probabilistic,
    /// From the likelihood of the probabilities, under guards.
    Em,
}

/// What was decided of the articles of a collection, a row an article.
#[derive(Debug, Clone, Copy)]
pub struct Collection<'a> {
    /// The class decided on.
    pub decided: &'a [usize],
    /// One a class, 0 to 1, summing to 1.
    pub probabilities: &'a [Vec<f64>],
}

impl Method {
    /// Every method, in the order in which they are reported.
    pub const ALL: [Method; 3] = [Method::Adjusted, Method::Probabilistic, Method::Em];

    /// Its name in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Method::Adjusted => "adjusted",
            Method::Probabilistic => "probabilistic",
            Method::Em => "em",
        }
    }
}

/// How shares are to be found.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// Draws of an interval; 0 for no intervals.
    pub resamples: usize,
    /// Seed of the draws.
    pub seed: RngSeed,
    /// Cases that a draw adds to each cell in the mean: 0, or [`PSEUDO`].
    pub pseudo: f64,
    /// The shares of the classes that the probabilities assume, which EM starts from; without them it is
    /// left out.
    pub assumed: Option<&'a [f64]>,
}

impl Default for Settings<'_> {
    fn default() -> Self {
        Settings { resamples: 1000, seed: RngSeed::default(), pseudo: PSEUDO, assumed: None }
    }
}

/// What a method says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimated {
    /// The method.
    pub method: Method,
    /// One a class, each at least 0, summing to 1: the mean of the draws, or the solution where there are
    /// none; `None` where they are undefined, see `reason`.
    /// EM has none where it stayed at the shares it started from.
    pub shares: Option<Vec<f64>>,
    /// The least-squares solution, for the record: with it a classifier that made no mistake has its own
    /// counts. With EM, what it says without guards.
    pub solution: Option<Vec<f64>>,
    /// The 95 % interval of each share, `[low, high]` within 0 and 1; `None` where there is none.
    pub intervals: Option<Vec<[f64; 2]>>,
    /// Why there are no shares, or no interval ([`MISFIT`]); with EM, why they moved or stayed.
    pub reason: Option<&'static str>,
}

/// The shares of the classes in a collection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prevalence {
    /// Number of articles.
    pub n: usize,
    /// Shares of the decisions, one a class; `None` for no article.
    pub naive: Option<Vec<f64>>,
    /// What each of [`Method::ALL`] says.
    pub estimates: Vec<Estimated>,
}

impl Prevalence {
    /// What one method says.
    pub fn by(&self, method: Method) -> Option<&Estimated> {
        self.estimates.iter().find(|found| found.method == method)
    }
}

/// What judged articles tell of a classifier's errors, ready to correct the shares of any number of
/// collections.
#[derive(Debug)]
pub struct Correction<'a> {
    n_classes: usize,
    settings: Settings<'a>,
    /// `None` where the errors on a class are unknown.
    errors: Option<Drawn>,
}

/// The errors as they were counted, and as each draw weighs them.
#[derive(Debug)]
struct Drawn {
    counted: Errors,
    draws: Vec<Errors>,
}

/// A whole collection, of which slices are looked at.
#[derive(Debug)]
pub struct Whole<'c>(Vec<Article<'c>>);

/// What both ways say in a draw, and the shares they say where cases were picked from the whole.
type Draw = ([Fit; 2], Option<[Vec<f64>; 2]>);

/// Shares, and what they leave of what was observed.
#[derive(Debug)]
struct Fit {
    shares: Vec<f64>,
    left: Vec<f64>,
}

impl<'a> Correction<'a> {
    /// Measures the errors on `n_classes` classes. They are unknown where a class has no judged article, or
    /// where the rows do not fit ([`Validation::check`]). O(resamples · (judged + classes²)), in parallel.
    pub fn new(validation: &Validation, n_classes: usize, settings: Settings<'a>) -> Self {
        let known =
            validation.check(n_classes).is_ok() && validation.counts(n_classes).iter().all(|&n| n > 0);
        let errors = known.then(|| {
            let singly = drawn_singly(validation, n_classes).then(|| validation.singly());
            let groups = groups_of(singly.as_ref().unwrap_or(validation), n_classes);
            let draw = |resample| {
                let rng = RefCell::new(settings.seed.stream(&format!("prevalence/judged/{resample}")));
                let mut weight = || exponential(&mut rng.borrow_mut());
                measure(&groups, n_classes, &mut weight, &mut || pseudo(&settings, &rng))
            };
            Drawn {
                counted: measure(&groups, n_classes, &mut || 1.0, &mut || 0.0),
                draws: (0..settings.resamples).into_par_iter().map(draw).collect(),
            }
        });
        Correction { n_classes, settings, errors }
    }

    /// Readies a collection for [`Correction::within`]. O(articles · log articles).
    pub fn whole<'c>(&self, collection: Collection<'c>) -> Whole<'c> {
        Whole(articles_of(collection, self.n_classes))
    }

    /// The shares of the classes in a collection.
    ///
    /// Neither the order of articles, nor that of judged ones or of groups, nor the number of threads changes a
    /// bit. Undefined are all shares of an empty collection, and those by the two first methods where
    /// errors are unknown. Rows of other lengths or classes out of range are passed over.
    /// O(resamples · (articles + classes⁴) + articles · log articles), in parallel.
    pub fn of(&self, collection: Collection<'_>) -> Prevalence {
        self.find(collection, &Whole(Vec::new()))
    }

    /// The same in a slice of a whole collection: for the shares given, what draws add to its articles is picked
    /// from the whole. Where that has no article, this is [`Correction::of`].
    pub fn within(&self, slice: Collection<'_>, whole: &Whole<'_>) -> Prevalence {
        self.find(slice, whole)
    }

    fn find(&self, collection: Collection<'_>, whole: &Whole<'_>) -> Prevalence {
        let k = self.n_classes;
        let articles = articles_of(collection, k);
        let n = articles.len();
        if n == 0 {
            let estimates =
                Method::ALL.map(|method| Estimated::undefined(method, "no article is left to count"));
            return Prevalence { n, naive: None, estimates: estimates.to_vec() };
        }
        let mut observed = observe(&articles, k, &mut || 1.0);
        observed.iter_mut().for_each(|shares| normalize(shares));
        let mut estimates = if let Some(errors) = &self.errors {
            let draw = |(resample, errors): (usize, &Errors)| {
                let rng = RefCell::new(self.settings.seed.stream(&format!("prevalence/articles/{resample}")));
                let mut weight = || exponential(&mut rng.borrow_mut());
                let seen = observe(&articles, k, &mut weight);
                let evenly = add_pseudo(&seen, &Whole(Vec::new()), &self.settings, &rng);
                let picked = (!whole.0.is_empty()).then(|| {
                    solve(errors, &add_pseudo(&seen, whole, &self.settings, &rng)).map(|fit| fit.shares)
                });
                (solve(errors, &evenly), picked)
            };
            let draws: Vec<Draw> = errors.draws.par_iter().enumerate().map(draw).collect();
            let solutions = solve(&errors.counted, &observed);
            let ways = [Method::Adjusted, Method::Probabilistic].into_iter().zip(solutions).enumerate();
            ways.map(|(way, (method, solution))| {
                let fits: Vec<&Fit> = draws.iter().map(|(fits, _)| &fits[way]).collect();
                let shares = draws
                    .iter()
                    .map(|(fits, picked)| picked.as_ref().map_or(&fits[way].shares, |shares| &shares[way]));
                Estimated::of(method, solution, &fits, &means(shares, k))
            })
            .collect()
        } else {
            let reason = "a class has no judged article, so that its errors are unknown";
            [Method::Adjusted, Method::Probabilistic].map(|way| Estimated::undefined(way, reason)).to_vec()
        };
        estimates.push(self.em(&articles));
        Prevalence { n, naive: Some(observed[0].clone()), estimates }
    }

    fn em(&self, articles: &[Article<'_>]) -> Estimated {
        let Some(assumed) = self.settings.assumed else {
            let reason = "the shares that the probabilities assume are not known; name the model";
            return Estimated::undefined(Method::Em, reason);
        };
        let probabilities: Vec<Vec<f64>> = articles.iter().map(|article| article.1.to_vec()).collect();
        let found = prior::estimate(&probabilities, assumed);
        Estimated {
            method: Method::Em,
            shares: found.moved.then_some(found.shares),
            solution: Some(found.plain),
            intervals: None,
            reason: Some(found.reason),
        }
    }
}

impl Estimated {
    fn undefined(method: Method, reason: &'static str) -> Self {
        Estimated { method, shares: None, solution: None, intervals: None, reason: Some(reason) }
    }

    fn of(method: Method, solution: Fit, draws: &[&Fit], means: &[f64]) -> Self {
        let ends: Vec<[f64; 2]> = (0..solution.shares.len()).map(|class| percentiles(draws, class)).collect();
        let shares = if draws.is_empty() { solution.shares.clone() } else { means.to_vec() };
        let misfit = !draws.is_empty() && (is_misfit(&solution, draws) || collapsed(&ends));
        // What is given can lie outside where nearly all draws are the same.
        let around = |(ends, share): (&[f64; 2], &f64)| [ends[0].min(*share), ends[1].max(*share)];
        let intervals =
            (!draws.is_empty() && !misfit).then(|| ends.iter().zip(&shares).map(around).collect());
        let reason = misfit.then_some(MISFIT);
        Estimated { method, shares: Some(shares), solution: Some(solution.shares), intervals, reason }
    }
}

/// How well a classifier tells each class from the others, by the judged articles: the least total variation
/// distance between the decisions on its articles and those on any mixture of the other classes, 0 (they
/// look alike) to 1 (it is never mistaken). `None` where a class has no judged article, or there is one
/// class only. O(rows + classes⁵).
pub fn separations(validation: &Validation, n_classes: usize) -> Option<Vec<f64>> {
    let counted = validation.check(n_classes).is_ok() && validation.counts(n_classes).iter().all(|&n| n > 0);
    if !counted || n_classes < 2 {
        return None;
    }
    let [columns, _] = measure(&groups_of(validation, n_classes), n_classes, &mut || 1.0, &mut || 0.0);
    let distance = |class: usize| {
        let others: Vec<Vec<f64>> =
            (0..n_classes).filter(|&other| other != class).map(|other| columns[other].clone()).collect();
        let shares = on_simplex(&others, &columns[class]);
        let mixed = |row: usize| -> f64 {
            others.iter().zip(&shares).map(|(column, share)| column[row] * share).sum()
        };
        (0..n_classes).map(|row| (columns[class][row] - mixed(row)).abs()).sum::<f64>() / 2.0
    };
    Some((0..n_classes).map(distance).collect())
}

/// Fewest judged articles of a class that go without a warning.
pub const ENOUGH: usize = 20;
/// Fewest articles of a slice that go without a warning.
pub const ENOUGH_ARTICLES: usize = 50;
/// Fewest groups with judged articles of each class for groups to be drawn as one.
pub const ENOUGH_GROUPS: usize = 10;
/// Below this separation a class is as good as a mixture of the others: its share is then multiplied by more
/// than ten where errors are.
pub const SEPARATION: f64 = 0.1;

/// Whether judged articles are drawn singly, since those of some class are of fewer than [`ENOUGH_GROUPS`] groups.
/// O(rows · log rows).
pub fn drawn_singly(validation: &Validation, n_classes: usize) -> bool {
    validation.check(n_classes).is_ok()
        && validation.groups_of_class(n_classes).iter().any(|&groups| groups < ENOUGH_GROUPS)
}

/// What speaks against relying on some judged articles, a sentence each: too few of a class, a class that is
/// not told from the others. `classes` are their names.
pub fn doubts_of_validation(validation: &Validation, classes: &[String]) -> Vec<String> {
    let k = classes.len();
    if validation.check(k).is_err() {
        return vec!["the judged articles do not fit the classes".into()];
    }
    let mut doubts = Vec::new();
    let few: Vec<String> = classes
        .iter()
        .zip(validation.counts(k))
        .filter(|(_, n)| *n < ENOUGH)
        .map(|(class, n)| format!("{n} {class}"))
        .collect();
    if !few.is_empty() {
        doubts.push(format!(
            "too few judged articles to correct well ({}; {ENOUGH} of each wanted): read the intervals, not the shares",
            few.join(", ")
        ));
    }
    if drawn_singly(validation, k) && validation.n_groups() < validation.len() {
        let groups: Vec<String> = (classes.iter().zip(validation.groups_of_class(k)))
            .filter(|(_, groups)| *groups < ENOUGH_GROUPS)
            .map(|(class, groups)| format!("{class} from {groups}"))
            .collect();
        doubts.push(format!(
            "outlets could not be resampled (judged articles of {}; {ENOUGH_GROUPS} outlets wanted): judged articles are drawn singly, and intervals are too narrow where outlets are mistaken differently",
            groups.join(", ")
        ));
    }
    let told = separations(validation, k).unwrap_or_default();
    for (class, distance) in classes.iter().zip(told).filter(|(_, distance)| *distance < SEPARATION) {
        doubts.push(format!(
            "{class} can hardly be told from the other classes: decisions on its articles differ by {:.0} % from those on others, and its corrected share is guesswork",
            100.0 * distance
        ));
    }
    doubts
}

/// What speaks against relying on the shares of a slice by `method`, a sentence each.
pub fn doubts_of_slice(found: &Prevalence, method: Method, classes: &[String]) -> Vec<String> {
    let mut doubts = Vec::new();
    if found.n < ENOUGH_ARTICLES {
        doubts.push(format!("fewer than {ENOUGH_ARTICLES} articles"));
    }
    let Some(chosen) = found.by(method) else { return doubts };
    let Some(shares) = &chosen.shares else {
        doubts.extend(chosen.reason.map(|reason| format!("undefined: {reason}")));
        return doubts;
    };
    if chosen.reason == Some(MISFIT) {
        doubts.push(format!("no interval: {MISFIT}"));
        return doubts;
    }
    let at_edge = |share: &f64| !(1e-9..=1.0 - 1e-9).contains(share);
    let edges: Vec<&str> = (chosen.solution.iter().flatten().zip(classes))
        .filter(|(share, _)| at_edge(share))
        .map(|(_, class)| class.as_str())
        .collect();
    // Few articles lie at an edge by chance alone.
    if !edges.is_empty() && method != Method::Em && found.n >= ENOUGH_ARTICLES {
        doubts.push(format!(
            "the decisions fit best with a share of {} at the edge of what is possible",
            edges.join(", ")
        ));
    }
    let Some(intervals) = &chosen.intervals else { return doubts };
    for other in found.estimates.iter().filter(|other| other.method != method) {
        let Some(theirs) = &other.shares else { continue };
        let apart: Vec<String> = (0..classes.len().min(shares.len()))
            .filter(|&class| theirs[class] < intervals[class][0] || theirs[class] > intervals[class][1])
            .map(|class| format!("{} {:.2}", classes[class], theirs[class]))
            .collect();
        if !apart.is_empty() {
            doubts.push(format!(
                "{} says otherwise ({}): the articles may not be like the judged ones",
                other.method.name(),
                apart.join(", ")
            ));
        }
    }
    doubts
}

/// An article: the class decided on, and the probabilities.
type Article<'a> = (usize, &'a [f64]);

/// Compares two articles, so that sums do not depend on the order in which they came.
fn compare(a: &Article<'_>, b: &Article<'_>) -> Ordering {
    let orders = a.1.iter().zip(b.1).map(|(a, b)| a.total_cmp(b));
    orders.fold(a.0.cmp(&b.0), Ordering::then)
}

fn articles_of(collection: Collection<'_>, n_classes: usize) -> Vec<Article<'_>> {
    let rows = collection.decided.iter().zip(collection.probabilities);
    let mut articles: Vec<Article<'_>> = rows
        .filter(|(decided, p)| **decided < n_classes && p.len() == n_classes)
        .map(|(&decided, p)| (decided, p.as_slice()))
        .collect();
    articles.sort_unstable_by(compare);
    articles
}

/// The judged articles by group: the class given by hand, and what was decided.
fn groups_of(validation: &Validation, n_classes: usize) -> Vec<Vec<(usize, Article<'_>)>> {
    if validation.check(n_classes).is_err() {
        return Vec::new();
    }
    let mut by_number: std::collections::BTreeMap<usize, Vec<(usize, Article<'_>)>> =
        std::collections::BTreeMap::new();
    for row in 0..validation.len() {
        let article = (validation.decided[row], validation.probabilities[row].as_slice());
        by_number.entry(validation.groups[row]).or_default().push((validation.truth[row], article));
    }
    let order = |a: &(usize, Article<'_>), b: &(usize, Article<'_>)| a.0.cmp(&b.0).then(compare(&a.1, &b.1));
    let mut groups: Vec<Vec<(usize, Article<'_>)>> = by_number.into_values().collect();
    groups.iter_mut().for_each(|group| group.sort_unstable_by(order));
    groups.sort_by(|a, b| {
        let orders = a.iter().zip(b).map(|(a, b)| order(a, b));
        orders.fold(Ordering::Equal, Ordering::then).then(a.len().cmp(&b.len()))
    });
    groups
}

/// A column for each class: what shares of its articles are decided to be of each; the same of mean
/// probabilities.
type Errors = [Vec<Vec<f64>>; 2];

fn measure(
    groups: &[Vec<(usize, Article<'_>)>],
    n_classes: usize,
    weight: &mut dyn FnMut() -> f64,
    pseudo: &mut dyn FnMut() -> f64,
) -> Errors {
    let mut errors = [vec![vec![0.0; n_classes]; n_classes], vec![vec![0.0; n_classes]; n_classes]];
    for group in groups {
        let weight = weight();
        for (truth, article) in group {
            add(&mut errors, |errors| &mut errors[*truth], article, weight);
        }
    }
    for class in 0..n_classes {
        for cell in 0..n_classes {
            let more = pseudo();
            errors.iter_mut().for_each(|columns| columns[class][cell] += more);
        }
    }
    errors.iter_mut().flatten().for_each(|column| normalize(column));
    errors
}

/// Weights of the decisions, and weighted sums of the probabilities.
fn observe(articles: &[Article<'_>], n_classes: usize, weight: &mut dyn FnMut() -> f64) -> [Vec<f64>; 2] {
    let mut sums = [vec![0.0; n_classes], vec![0.0; n_classes]];
    for article in articles {
        add(&mut sums, |sums| sums, article, weight());
    }
    sums
}

/// The shares of what was seen and of as many cases of chance weight as there are classes: one of each, or
/// articles picked from the whole.
fn add_pseudo(
    seen: &[Vec<f64>; 2],
    whole: &Whole<'_>,
    settings: &Settings<'_>,
    rng: &RefCell<ChaCha8Rng>,
) -> [Vec<f64>; 2] {
    let mut observed = seen.clone();
    for cell in 0..observed[0].len() {
        let more = pseudo(settings, rng);
        if whole.0.is_empty() {
            observed.iter_mut().for_each(|shares| shares[cell] += more);
        } else {
            let picked = (uniform(&mut rng.borrow_mut()) * whole.0.len() as f64) as usize;
            add(&mut observed, |sums| sums, &whole.0[picked.min(whole.0.len() - 1)], more);
        }
    }
    observed.iter_mut().for_each(|shares| normalize(shares));
    observed
}

/// Adds an article of some weight to counts of decisions and to sums of probabilities.
fn add<T>(sums: &mut [T; 2], place: impl Fn(&mut T) -> &mut Vec<f64>, article: &Article<'_>, weight: f64) {
    let [counts, totals] = sums;
    place(counts)[article.0] += weight;
    for (sum, p) in place(totals).iter_mut().zip(article.1) {
        *sum += weight * p;
    }
}

fn normalize(numbers: &mut [f64]) {
    let sum: f64 = numbers.iter().sum();
    if sum > 0.0 {
        numbers.iter_mut().for_each(|number| *number /= sum);
    }
}

/// The shares by counts, and by probabilities.
fn solve(errors: &Errors, observed: &[Vec<f64>; 2]) -> [Fit; 2] {
    let [counts, totals] = errors;
    [fit(counts, &observed[0]), fit(totals, &observed[1])]
}

fn fit(columns: &[Vec<f64>], observed: &[f64]) -> Fit {
    let shares = on_simplex(columns, observed);
    let expected =
        |row: usize| -> f64 { columns.iter().zip(&shares).map(|(column, share)| column[row] * share).sum() };
    let left = observed.iter().enumerate().map(|(row, seen)| seen - expected(row)).collect();
    Fit { shares, left }
}

/// Part of the draws whose spread what is left over may not exceed.
const SPREAD: f64 = 0.99;
/// What is left over by rounding alone, and the width of an interval that is none.
const NOTHING: f64 = 1e-6;

/// Whether the solution leaves more than chance does.
fn is_misfit(solution: &Fit, draws: &[&Fit]) -> bool {
    let length = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>().sqrt();
    let left = length(&mut solution.left.iter().copied());
    if left <= NOTHING {
        return false;
    }
    let n = draws.len() as f64;
    let means: Vec<f64> = (0..solution.left.len())
        .map(|row| draws.iter().map(|draw| draw.left[row]).sum::<f64>() / n)
        .collect();
    let mut spread: Vec<f64> = draws
        .iter()
        .map(|draw| length(&mut draw.left.iter().zip(&means).map(|(left, mean)| left - mean)))
        .collect();
    spread.sort_unstable_by(f64::total_cmp);
    left > quantile(&spread, SPREAD)
}

/// Whether nearly all draws give some class the same share.
fn collapsed(ends: &[[f64; 2]]) -> bool {
    ends.len() > 1 && ends.iter().any(|[low, high]| high - low < NOTHING)
}

/// The ends between which a class's share is in draws; 0 without any.
fn percentiles(draws: &[&Fit], class: usize) -> [f64; 2] {
    if draws.is_empty() {
        return [0.0, 0.0];
    }
    let tail = (1.0 - LEVEL) / 2.0;
    let mut values: Vec<f64> = draws.iter().map(|draw| draw.shares[class]).collect();
    values.sort_unstable_by(f64::total_cmp);
    [quantile(&values, tail), quantile(&values, 1.0 - tail)]
}

/// The mean of each class's share.
fn means<'s>(draws: impl Iterator<Item = &'s Vec<f64>>, n_classes: usize) -> Vec<f64> {
    let mut sums = vec![0.0; n_classes];
    for shares in draws {
        sums.iter_mut().zip(shares).for_each(|(sum, share)| *sum += share);
    }
    normalize(&mut sums);
    sums
}

/// The weight that a draw adds to a cell.
fn pseudo(settings: &Settings<'_>, rng: &RefCell<ChaCha8Rng>) -> f64 {
    2.0 * settings.pseudo * half(&mut rng.borrow_mut())
}

/// Exponential with mean 1.
fn exponential(rng: &mut ChaCha8Rng) -> f64 {
    -libm::log(uniform(rng))
}

/// Gamma of shape ½: half the square of a normal number (Box and Muller 1958).
fn half(rng: &mut ChaCha8Rng) -> f64 {
    let turn = libm::cos(std::f64::consts::TAU * uniform(rng));
    exponential(rng) * turn * turn
}

/// Above 0 and below 1.
fn uniform(rng: &mut ChaCha8Rng) -> f64 {
    ((rng.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

/// Added to the diagonal of the normal equations: of shares that fit equally well, the most even are taken.
const RIDGE: f64 = 1e-10;
/// A slope below the others' by less is none.
const SLOPE: f64 = 1e-12;

/// The shares p ≥ 0, Σ p = 1, for which the mixture of `columns` is nearest to `observed`, by least
/// squares: the active-set method of Lawson and Hanson 1974, *Solving least squares problems*, ch. 23, with
/// the sum kept at 1. All columns are as long as `observed`; no column gives no share.
///
/// O(n⁴) for n columns, in practice O(n³).
pub fn on_simplex(columns: &[Vec<f64>], observed: &[f64]) -> Vec<f64> {
    let n = columns.len();
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let gram: Vec<Vec<f64>> = (0..n)
        .map(|a| {
            let ridge = |b| if a == b { RIDGE } else { 0.0 };
            (0..n).map(|b| dot(&columns[a], &columns[b]) + ridge(b)).collect()
        })
        .collect();
    let wanted: Vec<f64> = columns.iter().map(|column| dot(column, observed)).collect();
    let alone = |class: &usize| gram[*class][*class] / 2.0 - wanted[*class];
    let Some(first) = (0..n).min_by(|a, b| alone(a).total_cmp(&alone(b))) else { return Vec::new() };
    let mut shares = vec![0.0; n];
    shares[first] = 1.0;
    let mut free = vec![first];
    // Each round lowers the distance, and no set of free classes comes twice; the bound is for rounding.
    for _ in 0..10 * n {
        let slopes: Vec<f64> = (0..n).map(|class| dot(&gram[class], &shares) - wanted[class]).collect();
        let level = dot(&slopes, &shares);
        let held = (0..n).filter(|class| !free.contains(class));
        let Some(steepest) = held.min_by(|&a, &b| slopes[a].total_cmp(&slopes[b])) else { break };
        if slopes[steepest] >= level - SLOPE {
            break;
        }
        free.push(steepest);
        while let Some(aim) = stationary(&gram, &wanted, &free) {
            let low = |(place, &class): (usize, &usize)| {
                (aim[place] <= 0.0).then(|| (shares[class] / (shares[class] - aim[place]), class))
            };
            let nearest = free.iter().enumerate().filter_map(low).min_by(|a, b| a.0.total_cmp(&b.0));
            let step = nearest.map_or(1.0, |(step, _)| if step.is_finite() { step } else { 0.0 });
            for (place, &class) in free.iter().enumerate() {
                shares[class] += step * (aim[place] - shares[class]);
            }
            let Some((_, pinned)) = nearest else { break };
            shares[pinned] = 0.0;
            free.retain(|&class| class != pinned);
        }
    }
    shares.iter_mut().for_each(|share| *share = share.max(0.0));
    normalize(&mut shares);
    shares
}

/// The point at which all slopes of the free classes are equal, their shares summing to 1; `None` where
/// rounding leaves none. Gaussian elimination with pivots.
fn stationary(gram: &[Vec<f64>], wanted: &[f64], free: &[usize]) -> Option<Vec<f64>> {
    let n = free.len();
    // A row for each free class, one for the sum; the last column is the right-hand side.
    let mut rows: Vec<Vec<f64>> =
        free.iter().map(|&a| free.iter().map(|&b| gram[a][b]).chain([1.0, wanted[a]]).collect()).collect();
    rows.push(free.iter().map(|_| 1.0).chain([0.0, 1.0]).collect());
    for column in 0..=n {
        let pivot = (column..=n).max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs()))?;
        rows.swap(column, pivot);
        let scale = rows[column][column];
        if !(scale.abs() > 0.0 && scale.is_finite()) {
            return None;
        }
        let pivot = rows[column].clone();
        for row in (0..=n).filter(|&row| row != column) {
            let factor = rows[row][column] / scale;
            for (number, above) in rows[row].iter_mut().zip(&pivot) {
                *number -= factor * above;
            }
        }
    }
    Some((0..n).map(|place| rows[place][n + 1] / rows[place][place]).collect())
}
