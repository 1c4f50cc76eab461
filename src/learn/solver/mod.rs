//! Ways to find the optimum of a [`Task`].

pub mod linfa;
pub mod newton;

use serde::{Deserialize, Serialize};

use super::logistic::{Scheme, Task, Weights};
use crate::error::{Error, Result};
use crate::features::Operator;

/// A way to fit.
pub trait Solve {
    /// Minimises the task's objective over the rows of `x`, starting at `start` or at zero.
    ///
    /// # Errors
    /// [`Error::Usage`] where the solver does not offer what the task asks. A fit that stopped
    /// short is *not* an error here: see [`Solution::require_converged`].
    fn solve(&self, x: &impl Operator, task: &Task<'_>, start: Option<&Weights>) -> Result<Solution>;
}

/// What a solver found, and how sure it is.
#[derive(Debug, Clone)]
pub struct Solution {
    /// The weights.
    pub weights: Weights,
    /// The objective there.
    pub objective: f64,
    /// Upper bound of (objective - optimum) / objective, the largest over the binary models of
    /// one-vs-rest. With the intercepts at their optimum for the coefficients, the objective is
    /// 1-strongly convex in the coefficients, so the distance to the optimum is at most half the
    /// squared norm of the gradient (Boyd & Vandenberghe 2004, 9.1.2).
    pub gap: f64,
    /// Iterations used.
    pub iterations: usize,
}

impl Solution {
    /// The solution, or the error that says it stopped short of its optimum.
    ///
    /// # Errors
    /// [`Error::NotConverged`].
    pub fn require_converged(self, tolerance: f64, what: &str) -> Result<Self> {
        if self.gap <= tolerance {
            return Ok(self);
        }
        Err(Error::NotConverged {
            what: what.to_owned(),
            gap: self.gap,
            wanted: tolerance,
            iterations: self.iterations,
        })
    }
}

/// The solvers on offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Solver {
    /// Newton with conjugate gradients on the sparse factors: the default.
    Newton,
    /// linfa-logistic on the exact dual rotation: a reference for up to a few thousand documents.
    Linfa,
}

/// Solves a task in which classes may be absent, as happens in folds of small corpora: those are
/// set aside, and come back with no evidence and an intercept that makes them improbable. So does a
/// stage of two that has examples on one side only.
///
/// # Errors
/// [`Error::TooFew`] where fewer than two classes have an example, and those of [`Solve::solve`].
pub fn fit(solver: Solver, x: &impl Operator, task: &Task<'_>, start: Option<&Weights>) -> Result<Solution> {
    let present: Vec<usize> = (0..task.n_classes).filter(|class| task.classes.contains(class)).collect();
    if task.has_stages() && present.len() > 1 {
        let mut found = solver.solve(x, task, start)?;
        for (column, intercept) in found.weights.intercepts.iter_mut().enumerate() {
            if let Some(positive) = task.one_sided(column) {
                let sure = libm::log(2.0 * task.classes.len() as f64 + 1.0);
                *intercept = if positive { sure } else { -sure };
            }
        }
        return Ok(found);
    }
    if present.len() == task.n_classes {
        return solver.solve(x, task, start);
    }
    if present.len() < 2 {
        return Err(Error::TooFew(
            "the training examples are all of one class; label examples of another".into(),
        ));
    }
    let classes: Vec<usize> = task
        .classes
        .iter()
        .map(|class| present.iter().position(|other| other == class).unwrap_or(0))
        .collect();
    let reduced = Task { classes: &classes, n_classes: present.len(), ..task.clone() };
    // A start of other columns says nothing here.
    let found = solver.solve(x, &reduced, None)?;
    let weights = expand(&found.weights, &present, task, classes.len());
    Ok(Solution { weights, ..found })
}

/// The weights of all classes from those of the present ones.
fn expand(found: &Weights, present: &[usize], task: &Task<'_>, rows: usize) -> Weights {
    let columns = task.columns();
    let features = found.coefficients.len() / found.columns;
    let mut weights = Weights::zero(features, columns);
    weights.intercepts.fill(-libm::log(2.0 * rows as f64 + 1.0));
    // A binary model is the two sides of one number; a softmax halves it.
    let half = if task.scheme == Scheme::Multinomial { 0.5 } else { 1.0 };
    let side = |place: usize, row: &[f64]| match row {
        [one] if found.columns == 1 => half * if place == 1 { *one } else { -one },
        row => row[place],
    };
    for (place, &class) in present.iter().enumerate() {
        for feature in 0..features {
            let row = &found.coefficients[feature * found.columns..(feature + 1) * found.columns];
            weights.coefficients[feature * columns + class] = side(place, row);
        }
        weights.intercepts[class] = side(place, &found.intercepts);
    }
    weights
}

impl Solve for Solver {
    fn solve(&self, x: &impl Operator, task: &Task<'_>, start: Option<&Weights>) -> Result<Solution> {
        match self {
            Solver::Newton => newton::Newton.solve(x, task, start),
            Solver::Linfa => linfa::Linfa.solve(x, task, start),
        }
    }
}
