//! linfa-logistic, made exact for wide data.
//!
//! linfa-logistic takes dense rows only. By the representer theorem the optimum lies in the span of
//! the rows, W = Xᵀα, so with K = X·Xᵀ = L·Lᵀ the fit on the rows of L (documents x rank) has the
//! same optimum as the fit on X: W = Xᵀ · L⁻ᵀ · V. It takes no weights of examples, and it does not
//! say whether it converged: the gap is measured here, on the very objective of [`super::newton`].

use linfa::Dataset;
use linfa::traits::Fit;
use linfa_logistic::{LogisticRegression, MultiLogisticRegression};
use ndarray::{Array1, Array2, Axis, s};

use super::{Solution, Solve};
use crate::error::{Error, Result};
use crate::features::Operator;
use crate::features::design::gram;
use crate::learn::logistic::{ClassWeight, Scheme, Task, Weights};
use crate::learn::solver::newton::Newton;

/// Most documents: the Gram matrix grows with their square.
const MOST_ROWS: usize = 6000;

/// The reference solver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linfa;

impl Solve for Linfa {
    fn solve(&self, x: &impl Operator, task: &Task<'_>, _start: Option<&Weights>) -> Result<Solution> {
        if task.class_weight != ClassWeight::None {
            return Err(Error::Usage(
                "solver linfa knows no class weights; use solver newton, or class_weight none".into(),
            ));
        }
        if task.has_stages()
            || task.foreign.contains(&true)
            || task.weights.iter().any(|&weight| weight != 1.0)
        {
            return Err(Error::Usage(
                "solver linfa knows neither two stages nor weights of examples; use solver newton".into(),
            ));
        }
        if x.n_rows() > MOST_ROWS {
            return Err(Error::Usage(format!(
                "solver linfa is offered up to {MOST_ROWS} documents; use solver newton"
            )));
        }
        for class in 0..task.n_classes {
            if !task.classes.contains(&class) {
                return Err(Error::TooFew(format!(
                    "solver linfa wants an example of every class; class {class} has none"
                )));
            }
        }
        let (factor, pivots) = cholesky(gram(x));
        let rows = factor.select(Axis(1), &pivots);
        let (v, intercepts) = fit(&rows, task)?;
        let coefficients = back(x, &factor, &pivots, &v);
        let weights = Weights { columns: task.columns(), coefficients, intercepts };
        // Nothing is fitted any more: objective and gap are measured, the intercepts brought to their
        // optimum for these coefficients.
        let measure = Task { max_iterations: 0, ..task.clone() };
        let found = Newton.solve(x, &measure, Some(&weights))?;
        Ok(Solution { iterations: task.max_iterations, ..found })
    }
}

/// Lower Cholesky factor of a positive semi-definite matrix; columns without a pivot (rows that are
/// combinations of earlier ones) stay zero. Also returns the columns that have one.
fn cholesky(gram: Array2<f64>) -> (Array2<f64>, Vec<usize>) {
    let n = gram.nrows();
    let mut factor = Array2::<f64>::zeros((n, n));
    let mut pivots = Vec::new();
    let largest = gram.diag().iter().copied().fold(0.0, f64::max);
    for j in 0..n {
        let row = factor.slice(s![j, ..j]).to_owned();
        let pivot = gram[[j, j]] - row.dot(&row);
        if pivot <= 1e-12 * largest {
            continue;
        }
        pivots.push(j);
        factor[[j, j]] = pivot.sqrt();
        let below = &gram.slice(s![j + 1.., j]) - &factor.slice(s![j + 1.., ..j]).dot(&row);
        factor.slice_mut(s![j + 1.., j]).assign(&(below / pivot.sqrt()));
    }
    (factor, pivots)
}

/// Fits on the rotated rows: (rank x columns) and intercepts.
fn fit(rows: &Array2<f64>, task: &Task<'_>) -> Result<(Array2<f64>, Vec<f64>)> {
    let columns = task.columns();
    let failed = |error: linfa_logistic::error::Error| Error::Usage(format!("solver linfa: {error}"));
    let (alpha, most) = (1.0 / task.c, task.max_iterations.max(1) as u64 * 100);
    // linfa's objective is the sum of losses + alpha/2 ‖W‖², ours is C times that.
    let gradient = 1e-8;
    if !task.is_binary() && task.scheme == Scheme::Multinomial {
        let data = Dataset::new(rows.clone(), Array1::from_vec(task.classes.to_vec()));
        let params =
            MultiLogisticRegression::default().alpha(alpha).max_iterations(most).gradient_tolerance(gradient);
        let model = params.fit(&data).map_err(failed)?;
        let mean = model.intercept().mean().unwrap_or(0.0);
        return Ok((model.params().clone(), model.intercept().iter().map(|b| b - mean).collect()));
    }
    let mut v = Array2::zeros((rows.ncols(), columns));
    let mut intercepts = Vec::new();
    for column in 0..columns {
        let positive: Array1<bool> = task.classes.iter().map(|&class| task.positive(class, column)).collect();
        let data = Dataset::new(rows.clone(), positive);
        let params =
            LogisticRegression::default().alpha(alpha).max_iterations(most).gradient_tolerance(gradient);
        let model = params.fit(&data).map_err(failed)?;
        // linfa calls the more frequent class positive.
        let sign = if model.labels().pos.class { 1.0 } else { -1.0 };
        v.column_mut(column).assign(&(model.params() * sign));
        intercepts.push(model.intercept() * sign);
    }
    Ok((v, intercepts))
}

/// W = Xᵀ · α with Lᵀ · α = V on the pivots.
fn back(x: &impl Operator, factor: &Array2<f64>, pivots: &[usize], v: &Array2<f64>) -> Vec<f64> {
    let columns = v.ncols();
    let mut coefficients = vec![0.0; x.n_features() * columns];
    for column in 0..columns {
        let mut alpha = vec![[0.0]; x.n_rows()];
        for (place, &j) in pivots.iter().enumerate().rev() {
            let later: f64 = pivots[place + 1..].iter().map(|&i| factor[[i, j]] * alpha[i][0]).sum();
            alpha[j] = [(v[[place, column]] - later) / factor[[j, j]]];
        }
        let mut w = vec![[0.0]; x.n_features()];
        x.backward(&alpha, &mut w);
        for (to, [w]) in coefficients.chunks_exact_mut(columns).zip(w) {
            to[column] = w;
        }
    }
    coefficients
}
