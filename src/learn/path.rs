//! The choice of C: a path of fits inside folds, each warm-started from the one before.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::calibrate::Calibration;
use super::decide::{Judgement, LEVEL, Rule, Seen};
use super::leave_out::leave_groups_out;
use super::logistic::{ClassWeight, Scheme, Task, Weights, probabilities};
use super::solver::{Solution, Solver, fit};
use crate::error::{Error, Result};
use crate::features::vectorizer::Frequencies;
use crate::features::{Design, Lexicon};

/// Gap that is close enough while C is still being chosen: the weights are then within about half a
/// percent of the optimum.
const PATH_TOLERANCE: f64 = 1e-5;

/// Most examples that may be left out one group at a time.
const MOST_LEFT_OUT: usize = 2000;

/// Once the loss is this share above its lowest value, larger C are not tried.
const WORSE: f64 = 0.01;

/// Examples that are fewer are judged by one thread.
const PLACES_AT_ONCE: usize = 1 << 10;

/// How a head is fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LearnConfig {
    /// How several classes are told apart; in two stages whatever it says where examples toward other
    /// targets are learned from.
    pub scheme: Scheme,
    /// Weights of the classes.
    pub class_weight: ClassWeight,
    /// How the optimum is found.
    pub solver: Solver,
    /// The values of C to choose from, rising.
    pub c: Vec<f64>,
    /// Folds in which C is chosen.
    pub folds: usize,
    /// Up to so many examples C is chosen, and probabilities are calibrated, by leaving out one group at a
    /// time instead, approximately, from one fit for each C: few examples make few folds a lottery. 0 for
    /// never.
    pub leave_out: usize,
    /// Bound of the relative gap to the optimum that a final fit must reach.
    pub tolerance: f64,
    /// Newton or L-BFGS iterations at most.
    pub max_iterations: usize,
    /// How much an example counts whose label is a close call, probable, sure (confidence 1, 2, 3).
    /// Without a confidence it counts 1.
    pub confidence_weights: [f64; 3],
    /// Share of a class's own examples that are to be judged possibly of it: a document that may be of
    /// two classes at this level is `ambiguous`. Above 0, below 1.
    pub level: f64,
}

impl Default for LearnConfig {
    fn default() -> Self {
        LearnConfig {
            scheme: Scheme::OneVsRest,
            class_weight: ClassWeight::Balanced,
            solver: Solver::Newton,
            c: vec![0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0],
            folds: 5,
            leave_out: 0,
            tolerance: 1e-10,
            max_iterations: 100,
            confidence_weights: [0.3, 0.7, 1.0],
            level: LEVEL,
        }
    }
}

impl LearnConfig {
    /// Checks every value, before any work.
    ///
    /// # Errors
    /// [`Error::Usage`] with the option's name and its range.
    pub fn check(&self) -> Result<()> {
        let fail = |what: &str| Err(Error::Usage(format!("learn.{what}")));
        if self.c.is_empty() || self.c.iter().any(|c| !(c.is_finite() && *c > 0.0)) || !self.c.is_sorted() {
            return fail("c: give one or more values above 0, rising");
        }
        if self.folds < 2 {
            return fail("folds: choosing C takes 2 folds at least");
        }
        if !(self.tolerance.is_finite() && self.tolerance > 0.0) || self.max_iterations == 0 {
            return fail("tolerance and max_iterations must be above 0");
        }
        if self.confidence_weights.iter().any(|weight| !(weight.is_finite() && *weight > 0.0)) {
            return fail("confidence_weights: they must be above 0");
        }
        if self.leave_out > MOST_LEFT_OUT {
            return fail("leave_out: from a few thousand examples folds are faster; give 2000 at most");
        }
        if !(self.level > 0.0 && self.level < 1.0) {
            return fail("level: it must be above 0 and below 1");
        }
        if self.solver == Solver::Linfa && self.class_weight != ClassWeight::None {
            return fail("solver: linfa knows no class weights; set class_weight = \"none\" with it");
        }
        Ok(())
    }

    /// Whether so many examples in so many groups are few enough to leave out one group at a time.
    pub(crate) fn leaves_out(&self, rows: usize, groups: usize) -> bool {
        rows <= self.leave_out && groups > self.folds
    }

    /// The task of fitting `classes` with some C, every row counting the same.
    pub fn task<'a>(&self, classes: &'a [usize], n_classes: usize, c: f64, tolerance: f64) -> Task<'a> {
        Task {
            classes,
            weights: &[],
            foreign: &[],
            manner: 0..0,
            n_classes,
            scheme: self.scheme,
            class_weight: self.class_weight,
            c,
            tolerance,
            max_iterations: self.max_iterations,
        }
    }

    /// Fits a sample, whose rows are those of `x`, to the final tolerance.
    ///
    /// # Errors
    /// [`Error::NotConverged`], and those of [`fit`].
    pub fn fit(&self, x: &Design, sample: &Sample, c: f64, what: &str) -> Result<Solution> {
        let task = sample.task(self, x, c, self.tolerance);
        fit(self.solver, x, &task, None)?.require_converged(self.tolerance, what)
    }
}

/// Quality of each C on documents that its fits had not seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CPath {
    /// The values tried: the configured ones up to where the loss had clearly risen.
    pub c: Vec<f64>,
    /// For each, the class-balanced log-loss of calibrated probabilities in nats: the mean over the
    /// classes of the mean -ln p of their documents; lower is better.
    pub loss: Vec<f64>,
    /// The value chosen.
    pub chosen: f64,
}

/// Labelled rows of a lexicon: what a fit is made of. All lists are as long as `rows`.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Documents of the lexicon.
    pub rows: Vec<usize>,
    /// The class of each.
    pub classes: Vec<usize>,
    /// How much each counts.
    pub weights: Vec<f64>,
    /// Whether it was judged toward another target than the corpus's own.
    pub foreign: Vec<bool>,
    /// Whether it was found, and not written to be learned from.
    pub real: Vec<bool>,
    /// Number of classes of the axis.
    pub n_classes: usize,
    /// How the classes are told apart.
    pub scheme: Scheme,
}

impl Sample {
    /// The examples at the given places of this sample.
    #[must_use]
    pub fn select(&self, places: &[usize]) -> Self {
        Sample {
            rows: places.iter().map(|&place| self.rows[place]).collect(),
            classes: places.iter().map(|&place| self.classes[place]).collect(),
            weights: places.iter().map(|&place| self.weights[place]).collect(),
            foreign: places.iter().map(|&place| self.foreign[place]).collect(),
            real: places.iter().map(|&place| self.real[place]).collect(),
            n_classes: self.n_classes,
            scheme: self.scheme,
        }
    }

    /// The features of these examples, with a vocabulary counted on these or others. In two stages praise
    /// and blame are left out: a text that is full of grief takes no side by that, and press articles were
    /// told apart less well with them.
    pub fn design(&self, lexicon: &Lexicon, frequencies: &Frequencies) -> Design {
        let x = Design::new(lexicon, frequencies, &self.rows);
        if self.scheme == Scheme::TwoStage { x.without_polarity(lexicon) } else { x }
    }

    /// The task of fitting these examples, whose rows are those of `x`.
    pub fn task<'a>(&'a self, config: &LearnConfig, x: &Design, c: f64, tolerance: f64) -> Task<'a> {
        Task {
            weights: &self.weights,
            foreign: &self.foreign,
            manner: x.manner(),
            scheme: self.scheme,
            ..config.task(&self.classes, self.n_classes, c, tolerance)
        }
    }

    /// The examples outside and inside fold `fold`.
    pub fn split(&self, folds: &[usize], fold: usize) -> (Self, Self) {
        let (inside, outside): (Vec<usize>, Vec<usize>) =
            (0..self.rows.len()).partition(|&place| folds[place] == fold);
        (self.select(&outside), self.select(&inside))
    }
}

/// A path walked to its end.
#[derive(Debug, Clone)]
pub struct Walked {
    /// The losses and the choice.
    pub path: CPath,
    /// At each C tried, for each example of the sample, the class probabilities by the fit that had not
    /// seen it: one a class, example by example.
    pub probabilities: Vec<Vec<f64>>,
    /// For each example what that fit's vocabulary knew of it.
    pub seen: Vec<Seen>,
}

/// Scores each fold's documents by fits on the others, along the path from the smallest C up,
/// vocabulary and frequencies included. `folds` gives a fold number for each example of the sample.
/// Folds run in parallel; the result does not depend on how many threads there are. `done` is
/// called after each step of the path.
///
/// # Errors
/// Those of [`fit`] and of [`Frequencies::count`].
pub fn walk(
    config: &LearnConfig,
    lexicon: &Lexicon,
    sample: &Sample,
    folds: &[usize],
    done: &(dyn Fn() + Sync),
) -> Result<Walked> {
    let n_folds = folds.iter().max().map_or(0, |&fold| fold + 1);
    let mut paths = if config.leaves_out(sample.rows.len(), n_folds) {
        Paths::LeaveOut(Box::new(LeaveOut::new(lexicon, sample, folds)?))
    } else {
        Paths::Folds(FoldPath::all(lexicon, sample, folds, n_folds)?)
    };
    let mut probabilities: Vec<Vec<f64>> = Vec::new();
    let mut loss: Vec<f64> = Vec::new();
    for &c in &config.c {
        let judged = paths.advance(config, folds, c)?;
        done();
        let step = loss.len();
        loss.push(balanced_loss(sample, &judged, config.class_weight, |_| true));
        probabilities.push(judged);
        // Past its lowest point the loss rises for good, and the largest C cost the most.
        if loss[step] > (1.0 + WORSE) * loss[lowest(&loss)] {
            break;
        }
    }
    let path = CPath { c: config.c[..loss.len()].to_vec(), chosen: config.c[lowest(&loss)], loss };
    Ok(Walked { path, probabilities, seen: paths.seen(folds) })
}

impl Walked {
    /// How the head is to judge with the C chosen, fitted to what its fits made of examples that they had
    /// not seen.
    pub fn rule(&self, sample: &Sample, class_weight: ClassWeight) -> Rule {
        let every: Vec<usize> = (0..sample.rows.len()).collect();
        self.rule_at(sample, &every, lowest(&self.path.loss), class_weight)
    }

    fn rule_at(&self, sample: &Sample, places: &[usize], step: usize, class_weight: ClassWeight) -> Rule {
        let raw = |place: usize| of_place(&self.probabilities[step], sample, place);
        Rule::fit(sample, places, raw, |place| self.seen[place], class_weight)
    }

    /// For each fold the C and the rule that the *other* folds' documents choose, and with them the
    /// judgements of the fold's documents. Weights, vocabulary and rule never saw the fold; the C only
    /// nearly so, since the fits that judged the other folds had the fold's documents among their
    /// training examples. [`mod@crate::evaluate`] nests the choice strictly, at some five times the cost.
    pub fn judge(
        &self,
        config: &LearnConfig,
        sample: &Sample,
        folds: &[usize],
    ) -> (Vec<f64>, Vec<Judgement>) {
        let n_folds = folds.iter().max().map_or(0, |&fold| fold + 1);
        let chosen: Vec<(usize, Rule)> = (0..n_folds)
            .into_par_iter()
            .map(|fold| {
                let loss = |step: usize| {
                    let raw = &self.probabilities[step];
                    balanced_loss(sample, raw, config.class_weight, |place| folds[place] != fold)
                };
                let step = lowest(&(0..self.path.c.len()).map(loss).collect::<Vec<f64>>());
                let others: Vec<usize> = (0..folds.len()).filter(|&place| folds[place] != fold).collect();
                (step, self.rule_at(sample, &others, step, config.class_weight))
            })
            .collect();
        let judged = folds.par_iter().enumerate().map(|(place, &fold)| {
            let (step, rule) = &chosen[fold];
            let raw = of_place(&self.probabilities[*step], sample, place);
            rule.judge(sample.scheme, raw, self.seen[place], config.level)
        });
        let judged = judged.collect();
        (chosen.iter().map(|(step, _)| self.path.c[*step]).collect(), judged)
    }
}

/// The class probabilities of one example.
fn of_place<'p>(probabilities: &'p [f64], sample: &Sample, place: usize) -> &'p [f64] {
    &probabilities[place * sample.n_classes..][..sample.n_classes]
}

fn lowest(losses: &[f64]) -> usize {
    (0..losses.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap_or(0)
}

/// The class-balanced log-loss of the places that `counts` admits, given the class probabilities of all:
/// the mean over the classes of the mean -ln p of their documents. What was judged toward another target
/// counts beside that as two classes more, taking a side and taking none: which side, nobody could know.
///
/// The probabilities are calibrated first, as they will be in the end: a small C makes raw ones timid, and
/// would lose by that although it tells the classes apart best.
fn balanced_loss(
    sample: &Sample,
    probabilities: &[f64],
    class_weight: ClassWeight,
    counts: impl Fn(usize) -> bool,
) -> f64 {
    let places: Vec<usize> = (0..sample.rows.len()).filter(|&place| counts(place)).collect();
    let raw = |place: usize| of_place(probabilities, sample, place);
    let calibration = Calibration::fit_all(sample, &places, raw, class_weight);
    let losses: Vec<(usize, f64)> = places
        .par_iter()
        .with_min_len(PLACES_AT_ONCE)
        .map(|&place| {
            let p = calibration.even(sample.scheme, &calibration.apply(raw(place)));
            let class = sample.classes[place];
            let (kind, p) = match (sample.foreign[place], class) {
                (false, class) => (class, p[class]),
                (true, 0 | 1) => (sample.n_classes, p[0] + p[1]),
                (true, class) => (sample.n_classes + 1, p[class]),
            };
            (kind, sample.weights[place] * libm::log(p))
        })
        .collect();
    let mut sums = vec![(0.0, 0.0_f64); sample.n_classes + 2];
    for ((kind, loss), place) in losses.into_iter().zip(places) {
        sums[kind].0 -= loss;
        sums[kind].1 += sample.weights[place];
    }
    let present = sums.iter().filter(|(_, count)| *count > 0.0);
    present.clone().map(|(sum, count)| sum / count).sum::<f64>() / present.count().max(1) as f64
}

/// Fits on their way along the path.
enum Paths {
    /// One for each fold.
    Folds(Vec<FoldPath>),
    /// One for all, each fold left out approximately.
    LeaveOut(Box<LeaveOut>),
}

impl Paths {
    /// Fits with the next C, and gives the class probabilities of each example as if its fold had not been
    /// trained on.
    fn advance(&mut self, config: &LearnConfig, folds: &[usize], c: f64) -> Result<Vec<f64>> {
        match self {
            Paths::Folds(paths) => {
                let judged = paths.par_iter_mut().map(|path| path.advance(config, c));
                let judged = judged.collect::<Result<Vec<_>>>()?;
                let rows = judged.iter().zip(paths.iter());
                let mut rows: Vec<_> =
                    rows.map(|(judged, path)| judged.chunks_exact(path.train.n_classes)).collect();
                Ok(folds.iter().filter_map(|&fold| rows[fold].next()).flatten().copied().collect())
            }
            Paths::LeaveOut(path) => path.advance(config, folds, c),
        }
    }

    /// What each fit's vocabulary knew of the examples left out.
    fn seen(self, folds: &[usize]) -> Vec<Seen> {
        match self {
            Paths::Folds(paths) => in_place(folds, paths.into_iter().map(|path| path.seen).collect()),
            Paths::LeaveOut(path) => path.seen,
        }
    }
}

/// Puts what was found fold by fold into the order of the examples.
fn in_place<T>(folds: &[usize], found: Vec<Vec<T>>) -> Vec<T> {
    let mut found: Vec<_> = found.into_iter().map(Vec::into_iter).collect();
    folds.iter().filter_map(|&fold| found[fold].next()).collect()
}

/// All examples on their way along the path.
struct LeaveOut {
    sample: Sample,
    x: Design,
    seen: Vec<Seen>,
    start: Option<Weights>,
}

impl LeaveOut {
    fn new(lexicon: &Lexicon, sample: &Sample, folds: &[usize]) -> Result<Self> {
        let frequencies = Frequencies::count(lexicon, &sample.rows)?;
        let x = sample.design(lexicon, &frequencies);
        // The vocabulary is that of all examples; what an example would be known by without its fold is
        // counted all the same.
        let n_folds = folds.iter().max().map_or(0, |&fold| fold + 1);
        let seen = (0..n_folds)
            .into_par_iter()
            .map(|fold| {
                let (train, held) = sample.split(folds, fold);
                // A vocabulary that is empty without the fold knows nothing of it.
                let without = Frequencies::count(lexicon, &train.rows).ok();
                let known = |row| {
                    let nothing = (u64::from(lexicon.lengths[row]), 0);
                    Seen::new(without.as_ref().map_or(nothing, |without| without.known_words(lexicon, row)))
                };
                held.rows.iter().map(|&row| known(row)).collect()
            })
            .collect::<Vec<Vec<Seen>>>();
        Ok(LeaveOut { sample: sample.clone(), x, seen: in_place(folds, seen), start: None })
    }

    fn advance(&mut self, config: &LearnConfig, folds: &[usize], c: f64) -> Result<Vec<f64>> {
        // The approximation is of one step from the optimum: it must be the optimum.
        let task = self.sample.task(config, &self.x, c, config.tolerance);
        let found = fit(config.solver, &self.x, &task, self.start.as_ref())?.weights;
        let scores = leave_groups_out(&self.x, &task, &found, folds)?;
        let scheme = self.sample.scheme;
        let rows = scores.chunks_exact(found.columns);
        let judged = rows.flat_map(|scores| probabilities(scheme, scores)).collect();
        self.start = Some(found);
        Ok(judged)
    }
}

/// One fold on its way along the path.
struct FoldPath {
    train: Sample,
    x: Design,
    unseen: Design,
    seen: Vec<Seen>,
    /// Warm starts stay inside the fold: a start fitted on all rows would leak what is held out.
    start: Option<Weights>,
}

impl FoldPath {
    fn all(lexicon: &Lexicon, sample: &Sample, folds: &[usize], n_folds: usize) -> Result<Vec<Self>> {
        // What a fold is not trained on is counted, and taken from the whole: each example is looked at
        // once and not once a fold.
        let held: Vec<Vec<Vec<u32>>> = (0..n_folds)
            .into_par_iter()
            .map(|fold| {
                let inside = folds.iter().zip(&sample.rows).filter(|(of, _)| **of == fold);
                Frequencies::df(lexicon, &inside.map(|(_, &row)| row).collect::<Vec<_>>())
            })
            .collect();
        let mut whole: Vec<Vec<u32>> = held.first().cloned().unwrap_or_default();
        for fold in held.iter().skip(1) {
            let counts = whole.iter_mut().flatten().zip(fold.iter().flatten());
            counts.for_each(|(whole, held)| *whole += held);
        }
        let paths = held.into_par_iter().enumerate().map(|(fold, mut df)| {
            let counts = df.iter_mut().flatten().zip(whole.iter().flatten());
            counts.for_each(|(held, whole)| *held = whole - *held);
            Self::new(lexicon, sample, folds, fold, df)
        });
        paths.collect()
    }

    fn new(
        lexicon: &Lexicon,
        sample: &Sample,
        folds: &[usize],
        fold: usize,
        df: Vec<Vec<u32>>,
    ) -> Result<Self> {
        let (train, held) = sample.split(folds, fold);
        let frequencies = Frequencies::from_df(lexicon, &train.rows, df)?;
        let x = train.design(lexicon, &frequencies);
        let unseen = held.design(lexicon, &frequencies);
        let seen = held.rows.iter().map(|&row| Seen::new(frequencies.known_words(lexicon, row))).collect();
        Ok(FoldPath { train, x, unseen, seen, start: None })
    }

    /// Fits with the next C, and gives the class probabilities of each held-out document, one after
    /// another.
    fn advance(&mut self, config: &LearnConfig, c: f64) -> Result<Vec<f64>> {
        let task = self.train.task(config, &self.x, c, PATH_TOLERANCE);
        let found = fit(config.solver, &self.x, &task, self.start.as_ref())?.weights;
        let scores = found.scores(&self.unseen);
        let scheme = self.train.scheme;
        let rows = scores.chunks_exact(found.columns);
        let judged = rows.flat_map(|scores| probabilities(scheme, scores)).collect();
        self.start = Some(found);
        Ok(judged)
    }
}

impl From<linfa::error::Error> for Error {
    fn from(error: linfa::error::Error) -> Self {
        Error::Usage(format!("linfa: {error}"))
    }
}
