//! The choice of C: a path of fits inside folds, each warm-started from the one before.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::logistic::{ClassWeight, Scheme, Task, Weights, probabilities};
use super::solver::{Solution, Solver, fit};
use crate::error::{Error, Result};
use crate::features::vectorizer::Frequencies;
use crate::features::{Design, Lexicon};

/// Gap that is close enough while C is still being chosen: the weights are then within about 0.1 %
/// of the optimum.
const PATH_TOLERANCE: f64 = 1e-6;

/// How a head is fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LearnConfig {
    /// One-vs-rest or multinomial.
    pub scheme: Scheme,
    /// Weights of the classes.
    pub class_weight: ClassWeight,
    /// How the optimum is found.
    pub solver: Solver,
    /// The values of C to choose from, rising.
    pub c: Vec<f64>,
    /// Folds in which C is chosen.
    pub folds: usize,
    /// Bound of the relative gap to the optimum that a final fit must reach.
    pub tolerance: f64,
    /// Newton or L-BFGS iterations at most.
    pub max_iterations: usize,
}

impl Default for LearnConfig {
    fn default() -> Self {
        LearnConfig {
            scheme: Scheme::OneVsRest,
            class_weight: ClassWeight::Balanced,
            solver: Solver::Newton,
            c: vec![0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0],
            folds: 5,
            tolerance: 1e-10,
            max_iterations: 100,
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
        if self.solver == Solver::Linfa && self.class_weight != ClassWeight::None {
            return fail("solver: linfa knows no class weights; set class_weight = \"none\" with it");
        }
        Ok(())
    }

    /// The task of fitting `classes` with some C.
    pub fn task<'a>(&self, classes: &'a [usize], n_classes: usize, c: f64, tolerance: f64) -> Task<'a> {
        Task {
            classes,
            n_classes,
            scheme: self.scheme,
            class_weight: self.class_weight,
            c,
            tolerance,
            max_iterations: self.max_iterations,
        }
    }

    /// Fits the rows of `x` to the final tolerance.
    ///
    /// # Errors
    /// [`Error::NotConverged`], and those of [`fit`].
    pub fn fit(&self, x: &Design, classes: &[usize], n_classes: usize, c: f64, what: &str) -> Result<Solution> {
        let task = self.task(classes, n_classes, c, self.tolerance);
        fit(self.solver, x, &task, None)?.require_converged(self.tolerance, what)
    }
}

/// Quality of each C on documents that its fits had not seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CPath {
    /// The values tried.
    pub c: Vec<f64>,
    /// For each, the class-balanced log-loss in nats: the mean over the classes of the mean
    /// -ln p of their documents; lower is better.
    pub loss: Vec<f64>,
    /// The value chosen.
    pub chosen: f64,
}

/// Labelled rows of a lexicon: what a fit is made of.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Documents of the lexicon.
    pub rows: Vec<usize>,
    /// The class of each.
    pub classes: Vec<usize>,
    /// Number of classes of the axis.
    pub n_classes: usize,
}

impl Sample {
    /// The examples at the given places of this sample.
    #[must_use]
    pub fn select(&self, places: &[usize]) -> Self {
        Sample {
            rows: places.iter().map(|&place| self.rows[place]).collect(),
            classes: places.iter().map(|&place| self.classes[place]).collect(),
            n_classes: self.n_classes,
        }
    }

    /// The examples outside and inside fold `fold`.
    pub fn split(&self, folds: &[usize], fold: usize) -> (Self, Self) {
        let (inside, outside): (Vec<usize>, Vec<usize>) = (0..self.rows.len()).partition(|&place| folds[place] == fold);
        (self.select(&outside), self.select(&inside))
    }
}

/// Chooses C: each fold's documents are scored by fits on the others, along the path from the
/// smallest C up, vocabulary and frequencies included. `folds` gives a fold number for each example
/// of the sample. Folds run in parallel; the result does not depend on how many threads there are.
///
/// # Errors
/// Those of [`fit`] and of [`Frequencies::count`].
pub fn choose_c(config: &LearnConfig, lexicon: &Lexicon, sample: &Sample, folds: &[usize]) -> Result<CPath> {
    if let [only] = config.c[..] {
        return Ok(CPath { c: vec![only], loss: Vec::new(), chosen: only });
    }
    let n_folds = folds.iter().max().map_or(0, |&fold| fold + 1);
    let by_fold: Vec<Vec<(usize, Vec<f64>)>> = (0..n_folds)
        .into_par_iter()
        .map(|fold| path_in_fold(config, lexicon, sample, folds, fold))
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .collect();
    let mut sums = vec![vec![0.0; config.c.len()]; sample.n_classes];
    let mut counts = vec![0.0_f64; sample.n_classes];
    for (class, losses) in by_fold.iter().flatten() {
        counts[*class] += 1.0;
        for (sum, loss) in sums[*class].iter_mut().zip(losses) {
            *sum += loss;
        }
    }
    let present = counts.iter().filter(|&&count| count > 0.0).count().max(1) as f64;
    let loss: Vec<f64> = (0..config.c.len())
        .map(|at| sums.iter().zip(&counts).map(|(sums, count)| sums[at] / count.max(1.0)).sum::<f64>() / present)
        .collect();
    let best = (0..loss.len()).min_by(|&a, &b| loss[a].total_cmp(&loss[b])).unwrap_or(0);
    Ok(CPath { c: config.c.clone(), chosen: config.c[best], loss })
}

/// For each document of the fold: its class, and -ln p of that class at each C.
fn path_in_fold(
    config: &LearnConfig,
    lexicon: &Lexicon,
    sample: &Sample,
    folds: &[usize],
    fold: usize,
) -> Result<Vec<(usize, Vec<f64>)>> {
    let (train, held) = sample.split(folds, fold);
    let frequencies = Frequencies::count(lexicon, &train.rows)?;
    let x = Design::new(lexicon, &frequencies, &train.rows);
    let unseen = Design::new(lexicon, &frequencies, &held.rows);
    let mut losses: Vec<(usize, Vec<f64>)> = held.classes.iter().map(|&class| (class, Vec::new())).collect();
    let mut start: Option<Weights> = None;
    for &c in &config.c {
        let task = config.task(&train.classes, train.n_classes, c, PATH_TOLERANCE);
        // Warm starts stay inside the fold: a start fitted on all rows would leak what is held out.
        let found = fit(config.solver, &x, &task, start.as_ref())?;
        let scores = found.weights.scores(&unseen);
        for ((class, losses), scores) in losses.iter_mut().zip(scores.chunks_exact(found.weights.columns)) {
            losses.push(-libm::log(probabilities(config.scheme, scores)[*class]));
        }
        start = Some(found.weights);
    }
    Ok(losses)
}

impl From<linfa::error::Error> for Error {
    fn from(error: linfa::error::Error) -> Self {
        Error::Usage(format!("linfa: {error}"))
    }
}
