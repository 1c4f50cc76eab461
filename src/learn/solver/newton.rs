//! Truncated Newton: conjugate gradients for the step, backtracking for its length.
//!
//! After Lin, Weng & Keerthi (2008), *Trust region Newton method for large-scale logistic
//! regression*, with a line search on stored margins instead of a trust region: a step's margins
//! come out of the conjugate gradients for free, so trying a length costs no product with X.
//!
//! One loop serves all schemes. The binary models of one-vs-rest and of two stages go through it side by side,
//! sharing every product with X, each column with step lengths of its own; the columns of a
//! multinomial model share theirs.

use super::{Solution, Solve};
use crate::error::{Error, Result};
use crate::features::Operator;
use crate::learn::logistic::{Scheme, Task, Weights, sigmoid, softplus};

/// Most columns that a multinomial model may have.
const MOST_COLUMNS: usize = 8;
/// One-vs-rest columns solved side by side.
const SIDE_BY_SIDE: usize = 4;
/// Conjugate gradient steps within one Newton step at most.
const MOST_CG_STEPS: usize = 250;

/// The default solver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newton;

impl Solve for Newton {
    fn solve(&self, x: &impl Operator, task: &Task<'_>, start: Option<&Weights>) -> Result<Solution> {
        let columns = task.columns();
        if !task.is_binary() {
            return match columns {
                3 => Ok(solve_columns::<3>(x, task, start, 0)),
                4 => Ok(solve_columns::<4>(x, task, start, 0)),
                5 => Ok(solve_columns::<5>(x, task, start, 0)),
                6 => Ok(solve_columns::<6>(x, task, start, 0)),
                7 => Ok(solve_columns::<7>(x, task, start, 0)),
                8 => Ok(solve_columns::<8>(x, task, start, 0)),
                _ => Err(Error::Usage(format!(
                    "a multinomial model of {columns} classes; use scheme one_vs_rest above {MOST_COLUMNS}"
                ))),
            };
        }
        let mut parts = Vec::new();
        let mut first = 0;
        while first < columns {
            let part = match (columns - first).min(SIDE_BY_SIDE) {
                1 => solve_columns::<1>(x, task, start, first),
                2 => solve_columns::<2>(x, task, start, first),
                3 => solve_columns::<3>(x, task, start, first),
                _ => solve_columns::<4>(x, task, start, first),
            };
            first += part.weights.columns;
            parts.push(part);
        }
        Ok(join(parts, x.n_features()))
    }
}

fn join(mut parts: Vec<Solution>, features: usize) -> Solution {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    let columns = parts.iter().map(|part| part.weights.columns).sum();
    let mut weights =
        Weights { columns, coefficients: Vec::with_capacity(features * columns), intercepts: Vec::new() };
    for feature in 0..features {
        for Solution { weights: part, .. } in &parts {
            weights
                .coefficients
                .extend(&part.coefficients[feature * part.columns..(feature + 1) * part.columns]);
        }
    }
    weights.intercepts.extend(parts.iter().flat_map(|part| &part.weights.intercepts));
    Solution {
        weights,
        objective: parts.iter().map(|part| part.objective).sum(),
        gap: parts.iter().map(|part| part.gap).fold(0.0, f64::max),
        iterations: parts.iter().map(|part| part.iterations).max().unwrap_or(0),
    }
}

/// K numbers, one a column. In a multinomial model `tie` makes them one.
type Per<const K: usize> = [f64; K];

/// A vector of the parameter space: coefficients and intercepts.
#[derive(Clone)]
struct Point<const K: usize> {
    w: Vec<Per<K>>,
    b: Per<K>,
}

impl<const K: usize> Point<K> {
    fn zero(features: usize) -> Self {
        Point { w: vec![[0.0; K]; features], b: [0.0; K] }
    }

    /// self += factor · other, column by column.
    fn add(&mut self, factor: Per<K>, other: &Self) {
        add_scaled(&mut self.w, factor, &other.w);
        for k in 0..K {
            self.b[k] += factor[k] * other.b[k];
        }
    }
}

fn add_scaled<const K: usize>(to: &mut [Per<K>], factor: Per<K>, from: &[Per<K>]) {
    for (to, from) in to.iter_mut().zip(from) {
        for k in 0..K {
            to[k] += factor[k] * from[k];
        }
    }
}

fn dot<const K: usize>(a: &[Per<K>], b: &[Per<K>]) -> Per<K> {
    let mut sum = [0.0; K];
    for (a, b) in a.iter().zip(b) {
        for k in 0..K {
            sum[k] += a[k] * b[k];
        }
    }
    sum
}

fn sum<const K: usize>(rows: &[Per<K>]) -> Per<K> {
    let mut sum = [0.0; K];
    for row in rows {
        for k in 0..K {
            sum[k] += row[k];
        }
    }
    sum
}

/// The loss of a task on some columns, as a function of the margins.
struct Loss<'t, const K: usize> {
    classes: &'t [usize],
    multinomial: bool,
    /// Per row and column: C · weight.
    costs: Vec<Per<K>>,
    /// Per class and column: is the class the column's positive side.
    positive: Vec<[bool; K]>,
    /// Features that `blind` columns do not see.
    manner: std::ops::Range<usize>,
    blind: [bool; K],
}

impl<const K: usize> Loss<'_, K> {
    /// Makes one number of the columns' numbers where the columns are one model.
    fn tie(&self, per: Per<K>) -> Per<K> {
        if self.multinomial { [per.iter().sum(); K] } else { per }
    }

    /// Takes out of a gradient what blind columns do not see.
    fn cover(&self, gradient: &mut [Per<K>]) {
        for gradient in &mut gradient[self.manner.clone()] {
            for k in 0..K {
                gradient[k] = if self.blind[k] { 0.0 } else { gradient[k] };
            }
        }
    }

    /// The loss of one row, in a multinomial model all in the first column.
    #[inline]
    fn value(&self, class: usize, costs: &Per<K>, z: &Per<K>) -> Per<K> {
        let mut value = [0.0; K];
        if self.multinomial {
            let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = z.iter().map(|z| libm::exp(z - most)).sum();
            value[0] = costs[0] * (most + libm::log(total) - z[class]);
        } else {
            for k in 0..K {
                let margin = if self.positive[class][k] { z[k] } else { -z[k] };
                value[k] = costs[k] * softplus(-margin);
            }
        }
        value
    }

    fn total(&self, z: &[Per<K>]) -> Per<K> {
        let mut total = [0.0; K];
        for ((&class, costs), z) in self.classes.iter().zip(&self.costs).zip(z) {
            let value = self.value(class, costs, z);
            for k in 0..K {
                total[k] += value[k];
            }
        }
        self.tie(total)
    }

    /// The probabilities of every row, and the derivative of its loss by its margins.
    fn gradient(&self, z: &[Per<K>], p: &mut [Per<K>], residual: &mut [Per<K>]) {
        let rows = self.classes.iter().zip(&self.costs).zip(z).zip(p).zip(residual);
        for ((((&class, costs), z), p), residual) in rows {
            if self.multinomial {
                let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                *p = z.map(|z| libm::exp(z - most));
                let total: f64 = p.iter().sum();
                *p = p.map(|p| p / total);
            } else {
                *p = z.map(sigmoid);
            }
            for k in 0..K {
                let wanted = if self.positive[class][k] { 1.0 } else { 0.0 };
                residual[k] = costs[k] * (p[k] - wanted);
            }
        }
    }

    /// The second derivative of a row's loss by its margins, times `q`.
    #[inline]
    fn curve(&self, costs: &Per<K>, p: &Per<K>, q: &Per<K>) -> Per<K> {
        let mut out = [0.0; K];
        let mean: f64 = if self.multinomial { (0..K).map(|k| p[k] * q[k]).sum() } else { 0.0 };
        for k in 0..K {
            let change = if self.multinomial { q[k] - mean } else { (1.0 - p[k]) * q[k] };
            out[k] = costs[k] * p[k] * change;
        }
        out
    }
}

fn solve_columns<const K: usize>(
    x: &impl Operator,
    task: &Task<'_>,
    start: Option<&Weights>,
    first: usize,
) -> Solution {
    let costs = task.costs();
    let loss = Loss::<K> {
        classes: task.classes,
        multinomial: !task.is_binary() && task.scheme == Scheme::Multinomial,
        costs: costs
            .chunks_exact(task.columns())
            .map(|row| std::array::from_fn(|k| row[first + k]))
            .collect(),
        manner: if task.has_stages() { task.manner.clone() } else { 0..0 },
        blind: std::array::from_fn(|k| first + k > 0),
        positive: (0..task.n_classes)
            .map(|class| std::array::from_fn(|k| task.positive(class, first + k)))
            .collect(),
    };
    let (n, d) = (x.n_rows(), x.n_features());
    let mut at = Point::<K>::zero(d);
    let mut z = vec![[0.0; K]; n];
    if let Some(start) = start {
        for (w, row) in at.w.iter_mut().zip(start.coefficients.chunks_exact(start.columns)) {
            *w = std::array::from_fn(|k| row[first + k]);
        }
        at.b = std::array::from_fn(|k| start.intercepts[first + k]);
        x.forward(&at.w, &mut z);
        z.iter_mut().for_each(|z| (0..K).for_each(|k| z[k] += at.b[k]));
    }
    let (mut p, mut residual) = (vec![[0.0; K]; n], vec![[0.0; K]; n]);
    let mut gradient = Point::<K>::zero(d);
    let mut first_norm = None;
    let mut iterations = 0;
    loop {
        centre(&loss, &mut at.b, &mut z);
        let penalty = loss.tie(dot(&at.w, &at.w)).map(|square| 0.5 * square);
        let value = add_per(loss.total(&z), penalty);
        loss.gradient(&z, &mut p, &mut residual);
        x.backward(&residual, &mut gradient.w);
        loss.cover(&mut gradient.w);
        add_scaled(&mut gradient.w, [1.0; K], &at.w);
        gradient.b = sum(&residual);
        let norm = loss.tie(dot(&gradient.w, &gradient.w));
        let gaps: Per<K> = std::array::from_fn(|k| 0.5 * norm[k] / value[k].max(f64::MIN_POSITIVE));
        let gap = gaps.iter().copied().fold(0.0, f64::max);
        let open = gaps.map(|gap| gap > task.tolerance);
        let stuck = !gap.is_finite();
        if stuck || iterations == task.max_iterations || !open.contains(&true) {
            return finish(&loss, at, value, if stuck { f64::INFINITY } else { gap }, iterations);
        }
        iterations += 1;
        let first_norm = *first_norm.get_or_insert(norm);
        // Solve roughly while far away, and ever more exactly near the optimum.
        let forcing: Per<K> = std::array::from_fn(|k| {
            let progress = (norm[k] / first_norm[k].max(f64::MIN_POSITIVE)).sqrt();
            0.25_f64.min(progress.sqrt()).powi(2) * norm[k]
        });
        let (direction, change) = conjugate_gradients(x, &loss, &p, &gradient, &forcing, open);
        let slope =
            add_per(dot(&gradient.w, &direction.w), std::array::from_fn(|k| gradient.b[k] * direction.b[k]));
        let length = step_length(&loss, &at, &direction, &z, &change, value, loss.tie(slope));
        if length.iter().all(|&length| length == 0.0) {
            return finish(&loss, at, value, gap, iterations);
        }
        at.add(length, &direction);
        add_scaled(&mut z, length, &change);
    }
}

/// Brings the intercepts to their optimum for the coefficients as they are. What is left of the
/// objective is then 1-strongly convex in the coefficients, as the bound of the gap wants it.
fn centre<const K: usize>(loss: &Loss<'_, K>, b: &mut Per<K>, z: &mut [Per<K>]) {
    let (mut p, mut residual) = (vec![[0.0; K]; z.len()], vec![[0.0; K]; z.len()]);
    for _ in 0..50 {
        loss.gradient(z, &mut p, &mut residual);
        let gradient = sum(&residual);
        let value = loss.total(z);
        let step = eliminate(intercept_hessian(loss, &p), gradient);
        let fall = loss.tie(std::array::from_fn(|k| gradient[k] * step[k]));
        let open: [bool; K] = std::array::from_fn(|k| fall[k] > 1e-24 * value[k]);
        if !open.contains(&true) {
            return;
        }
        let mut length: Per<K> = open.map(|open| if open { 1.0 } else { 0.0 });
        for _ in 0..40 {
            let mut moved = z.to_vec();
            moved.iter_mut().for_each(|z| (0..K).for_each(|k| z[k] -= length[k] * step[k]));
            let reached = loss.total(&moved);
            let done: [bool; K] = std::array::from_fn(|k| reached[k] <= value[k] * (1.0 + 1e-13));
            if !done.contains(&false) {
                break;
            }
            (0..K).filter(|&k| !done[k]).for_each(|k| length[k] *= 0.5);
        }
        z.iter_mut().for_each(|z| (0..K).for_each(|k| z[k] -= length[k] * step[k]));
        (0..K).for_each(|k| b[k] -= length[k] * step[k]);
    }
}

/// The second derivative of the loss by the intercepts.
fn intercept_hessian<const K: usize>(loss: &Loss<'_, K>, p: &[Per<K>]) -> [[f64; K]; K] {
    let mut h = [[0.0; K]; K];
    for (costs, p) in loss.costs.iter().zip(p) {
        for k in 0..K {
            h[k][k] += costs[k] * p[k] * if loss.multinomial { 1.0 } else { 1.0 - p[k] };
            if loss.multinomial {
                (0..K).for_each(|j| h[k][j] -= costs[k] * p[k] * p[j]);
            }
        }
    }
    let mean = (0..K).map(|k| h[k][k]).sum::<f64>() / K as f64;
    for k in 0..K {
        h[k][k] += 1e-12 * mean + 1e-300;
        if loss.multinomial {
            // A constant for all changes nothing: any curvature along it will do.
            (0..K).for_each(|j| h[k][j] += mean / K as f64);
        }
    }
    h
}

/// Solves h · x = rhs for a positive definite h.
fn eliminate<const K: usize>(mut h: [[f64; K]; K], mut rhs: Per<K>) -> Per<K> {
    for k in 0..K {
        for i in k + 1..K {
            let factor = h[i][k] / h[k][k];
            (k..K).for_each(|j| h[i][j] -= factor * h[k][j]);
            rhs[i] -= factor * rhs[k];
        }
    }
    for k in (0..K).rev() {
        let known: f64 = (k + 1..K).map(|j| h[k][j] * rhs[j]).sum();
        rhs[k] = (rhs[k] - known) / h[k][k];
    }
    rhs
}

fn add_per<const K: usize>(a: Per<K>, b: Per<K>) -> Per<K> {
    std::array::from_fn(|k| a[k] + b[k])
}

fn finish<const K: usize>(
    loss: &Loss<'_, K>,
    mut at: Point<K>,
    value: Per<K>,
    gap: f64,
    iterations: usize,
) -> Solution {
    if loss.multinomial {
        // A constant added to all intercepts changes nothing: of all optima take the centred one.
        let mean = at.b.iter().sum::<f64>() / K as f64;
        at.b = at.b.map(|b| b - mean);
    }
    let objective = if loss.multinomial { value[0] } else { value.iter().sum() };
    let weights = Weights { columns: K, coefficients: at.w.into_flattened(), intercepts: at.b.to_vec() };
    Solution { weights, objective, gap, iterations }
}

/// Solves H · d = -gradient roughly. The intercepts are eliminated: every direction of the
/// coefficients is taken together with the intercepts that suit it best, so that what is measured of
/// the residual is what the next gradient will be. Returns the direction and what it does to the
/// margins. Columns that are not `open` stay at zero.
fn conjugate_gradients<const K: usize>(
    x: &impl Operator,
    loss: &Loss<'_, K>,
    p: &[Per<K>],
    gradient: &Point<K>,
    forcing: &Per<K>,
    open: [bool; K],
) -> (Point<K>, Vec<Per<K>>) {
    let (n, d) = (x.n_rows(), x.n_features());
    let of_intercepts = intercept_hessian(loss, p);
    let mut active = open;
    let on = |active: [bool; K], value: Per<K>| -> Per<K> {
        std::array::from_fn(|k| if active[k] { value[k] } else { 0.0 })
    };
    let mut residual = vec![[0.0; K]; d];
    add_scaled(&mut residual, on(active, [-1.0; K]), &gradient.w);
    let mut search = residual.clone();
    let mut square = loss.tie(dot(&residual, &residual));
    let mut direction = Point::<K>::zero(d);
    let mut change = vec![[0.0; K]; n];
    let (mut q, mut curved) = (vec![[0.0; K]; n], vec![[0.0; K]; n]);
    let mut product = vec![[0.0; K]; d];
    for _ in 0..MOST_CG_STEPS {
        x.forward(&search, &mut q);
        let mut pull = [0.0; K];
        for (q, (costs, p)) in q.iter().zip(loss.costs.iter().zip(p)) {
            pull = add_per(pull, loss.curve(costs, p, q));
        }
        let b = eliminate(of_intercepts, pull).map(|b| -b);
        for ((q, curved), (costs, p)) in q.iter_mut().zip(&mut curved).zip(loss.costs.iter().zip(p)) {
            *q = add_per(*q, b);
            *curved = loss.curve(costs, p, q);
        }
        x.backward(&curved, &mut product);
        loss.cover(&mut product);
        add_scaled(&mut product, [1.0; K], &search);
        let bend = loss.tie(dot(&search, &product));
        let alpha =
            on(active, std::array::from_fn(|k| if bend[k] > 0.0 { square[k] / bend[k] } else { 0.0 }));
        add_scaled(&mut direction.w, alpha, &search);
        direction.b = std::array::from_fn(|k| direction.b[k] + alpha[k] * b[k]);
        add_scaled(&mut change, alpha, &q);
        add_scaled(&mut residual, alpha.map(|alpha| -alpha), &product);
        let next = loss.tie(dot(&residual, &residual));
        for k in 0..K {
            active[k] = active[k] && next[k] > forcing[k] && alpha[k] > 0.0;
        }
        if !active.contains(&true) {
            break;
        }
        let beta = on(active, std::array::from_fn(|k| next[k] / square[k]));
        square = next;
        for (search, residual) in search.iter_mut().zip(&residual) {
            for k in 0..K {
                search[k] = residual[k] + beta[k] * search[k];
            }
        }
    }
    (direction, change)
}

/// Halves the step until the objective has fallen enough (Armijo, 1e-4). Margins and squared norms
/// are linear and quadratic in the length, so no product with X is needed.
fn step_length<const K: usize>(
    loss: &Loss<'_, K>,
    at: &Point<K>,
    direction: &Point<K>,
    z: &[Per<K>],
    change: &[Per<K>],
    value: Per<K>,
    slope: Per<K>,
) -> Per<K> {
    let across = loss.tie(dot(&at.w, &direction.w));
    let along = loss.tie(dot(&direction.w, &direction.w));
    let square = loss.tie(dot(&at.w, &at.w));
    let mut length: Per<K> = slope.map(|slope| if slope < 0.0 { 1.0 } else { 0.0 });
    let mut done = length.map(|length| length == 0.0);
    let mut moved = vec![[0.0; K]; z.len()];
    for _ in 0..40 {
        moved.copy_from_slice(z);
        add_scaled(&mut moved, length, change);
        let losses = loss.total(&moved);
        for k in 0..K {
            let t = length[k];
            let reached = losses[k] + 0.5 * (square[k] + t * (2.0 * across[k] + t * along[k]));
            // Near the optimum the fall drowns in rounding; a full Newton step is right there.
            let rounding = 1e-13 * value[k].abs();
            done[k] = done[k] || reached <= value[k] + 1e-4 * t * slope[k] + rounding;
        }
        if !done.contains(&false) {
            return length;
        }
        for k in 0..K {
            if !done[k] {
                length[k] *= 0.5;
            }
        }
    }
    std::array::from_fn(|k| if done[k] { length[k] } else { 0.0 })
}
