//! Truncated Newton: conjugate gradients for the step, backtracking for its length.
//!
//! After Lin, Weng & Keerthi (2008), *Trust region Newton method for large-scale logistic
//! regression*, with a line search on stored margins instead of a trust region: a step's margins
//! come out of the conjugate gradients for free, so trying a length costs no product with X.
//!
//! One loop serves all schemes. The binary models of one-vs-rest and of two stages go through it side by side,
//! sharing every product with X, each column with step lengths of its own; the columns of a
//! multinomial model share theirs.

use rayon::prelude::*;

use super::{Solution, Solve};
use crate::error::{Error, Result};
use crate::features::Operator;
use crate::learn::logistic::{Scheme, Task, Weights};

/// Most columns that a multinomial model may have.
const MOST_COLUMNS: usize = 8;
/// One-vs-rest columns solved side by side.
const SIDE_BY_SIDE: usize = 4;
/// Conjugate gradient steps within one Newton step at most.
const MOST_CG_STEPS: usize = 250;
/// Rows whose losses are computed by one thread at a time.
const ROWS_AT_ONCE: usize = 1 << 11;

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

/// to += other, and the product of what comes out with `with`, or with itself.
fn add_and_dot<const K: usize>(to: &mut [Per<K>], other: &[Per<K>], with: Option<&[Per<K>]>) -> Per<K> {
    let mut sum = [0.0; K];
    for (place, (to, other)) in to.iter_mut().zip(other).enumerate() {
        for k in 0..K {
            to[k] += other[k];
        }
        let with = with.map_or(*to, |with| with[place]);
        for k in 0..K {
            sum[k] += with[k] * to[k];
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

/// What a row says at some margins.
#[derive(Clone, Copy)]
struct Said<const K: usize> {
    value: Per<K>,
    p: Per<K>,
    residual: Per<K>,
}

/// What all rows say.
struct Measured<const K: usize>(Vec<Said<K>>);

impl<const K: usize> Measured<K> {
    fn new(rows: usize) -> Self {
        Measured(vec![Said { value: [0.0; K], p: [0.0; K], residual: [0.0; K] }; rows])
    }
}

/// Memory of the conjugate gradients, kept from one Newton step to the next.
struct Work<const K: usize> {
    /// Of the coefficients.
    direction: Vec<Per<K>>,
    /// Of the margins.
    change: Vec<Per<K>>,
    residual: Vec<Per<K>>,
    search: Vec<Per<K>>,
    product: Vec<Per<K>>,
    q: Vec<Per<K>>,
    curved: Vec<Per<K>>,
}

impl<const K: usize> Work<K> {
    fn new(rows: usize, features: usize) -> Self {
        let (of_rows, of_features) = (|| vec![[0.0; K]; rows], || vec![[0.0; K]; features]);
        Work {
            direction: of_features(),
            change: of_rows(),
            residual: of_features(),
            search: of_features(),
            product: of_features(),
            q: of_rows(),
            curved: of_rows(),
        }
    }
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

    /// What one row says at the margins `z`: its loss (in a multinomial model all of it in the first
    /// column), its probabilities, and the derivative of the loss by the margins. One exponential a
    /// column serves all three.
    #[inline]
    fn row(&self, class: usize, costs: &Per<K>, z: &Per<K>) -> (Per<K>, Per<K>, Per<K>) {
        let (mut value, mut p, mut residual) = ([0.0; K], [0.0; K], [0.0; K]);
        if self.multinomial {
            let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            p = z.map(|z| libm::exp(z - most));
            let total: f64 = p.iter().sum();
            value[0] = costs[0] * (most + libm::log(total) - z[class]);
            p = p.map(|p| p / total);
        } else {
            for k in 0..K {
                // The sigmoid of z and the softplus of -z (or of z, on the other side).
                let small = libm::exp(-z[k].abs());
                p[k] = if z[k] >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) };
                let against = if self.positive[class][k] { -z[k] } else { z[k] };
                value[k] = costs[k] * (against.max(0.0) + libm::log1p(small));
            }
        }
        for k in 0..K {
            let wanted = if self.positive[class][k] { 1.0 } else { 0.0 };
            residual[k] = costs[k] * (p[k] - wanted);
        }
        (value, p, residual)
    }

    /// What all rows say at the margins `z`, into `rows`; gives the loss. Rows are worked on in parallel and
    /// summed in order.
    fn measure(&self, z: &[Per<K>], rows: &mut Measured<K>) -> Per<K> {
        let parts = z.par_chunks(ROWS_AT_ONCE).zip(rows.0.par_chunks_mut(ROWS_AT_ONCE)).enumerate();
        parts.for_each(|(number, (z, rows))| {
            let first = number * ROWS_AT_ONCE;
            for (row, (z, said)) in (first..).zip(z.iter().zip(rows)) {
                let (value, p, residual) = self.row(self.classes[row], &self.costs[row], z);
                *said = Said { value, p, residual };
            }
        });
        let mut total = [0.0; K];
        for said in &rows.0 {
            total = add_per(total, said.value);
        }
        self.tie(total)
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
    let mut rows = Measured::new(n);
    let mut loss_at = loss.measure(&z, &mut rows);
    let mut residual = vec![[0.0; K]; n];
    let mut gradient = Point::<K>::zero(d);
    let mut work = Work::new(n, d);
    let mut first_norm = None;
    let mut iterations = 0;
    loop {
        centre(&loss, &mut at.b, &mut z, &mut rows, &mut loss_at);
        let square = loss.tie(dot(&at.w, &at.w));
        let value = add_per(loss_at, square.map(|square| 0.5 * square));
        residual.iter_mut().zip(&rows.0).for_each(|(residual, said)| *residual = said.residual);
        x.backward(&residual, &mut gradient.w);
        loss.cover(&mut gradient.w);
        let norm = loss.tie(add_and_dot(&mut gradient.w, &at.w, None));
        gradient.b = sum(&residual);
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
        let b = conjugate_gradients(x, &loss, &rows, &gradient, &forcing, open, &mut work);
        let slope = dot(&gradient.w, &work.direction);
        let slope = loss.tie(add_per(slope, std::array::from_fn(|k| gradient.b[k] * b[k])));
        let norms = Norms {
            square,
            across: loss.tie(dot(&at.w, &work.direction)),
            along: loss.tie(dot(&work.direction, &work.direction)),
        };
        let length = step_length(&loss, &norms, &mut z, &work.change, value, slope, &mut rows, &mut loss_at);
        if length.iter().all(|&length| length == 0.0) {
            return finish(&loss, at, value, gap, iterations);
        }
        add_scaled(&mut at.w, length, &work.direction);
        for k in 0..K {
            at.b[k] += length[k] * b[k];
        }
    }
}

/// Brings the intercepts to their optimum for the coefficients as they are. What is left of the
/// objective is then 1-strongly convex in the coefficients, as the bound of the gap wants it. `rows` and
/// `loss_at` are what `loss` says at `z`, before and after.
fn centre<const K: usize>(
    loss: &Loss<'_, K>,
    b: &mut Per<K>,
    z: &mut [Per<K>],
    rows: &mut Measured<K>,
    loss_at: &mut Per<K>,
) {
    let mut moved = vec![[0.0; K]; z.len()];
    for _ in 0..50 {
        let mut gradient = [0.0; K];
        rows.0.iter().for_each(|said| gradient = add_per(gradient, said.residual));
        let value = *loss_at;
        let step = eliminate(intercept_hessian(loss, rows), gradient);
        let fall = loss.tie(std::array::from_fn(|k| gradient[k] * step[k]));
        let open: [bool; K] = std::array::from_fn(|k| fall[k] > 1e-24 * value[k]);
        if !open.contains(&true) {
            return;
        }
        let mut length: Per<K> = open.map(|open| if open { 1.0 } else { 0.0 });
        let mut reached_there = false;
        for _ in 0..40 {
            moved.copy_from_slice(z);
            moved.iter_mut().for_each(|z| (0..K).for_each(|k| z[k] -= length[k] * step[k]));
            *loss_at = loss.measure(&moved, rows);
            let done: [bool; K] = std::array::from_fn(|k| loss_at[k] <= value[k] * (1.0 + 1e-13));
            if !done.contains(&false) {
                reached_there = true;
                break;
            }
            (0..K).filter(|&k| !done[k]).for_each(|k| length[k] *= 0.5);
        }
        if reached_there {
            z.copy_from_slice(&moved);
        } else {
            z.iter_mut().for_each(|z| (0..K).for_each(|k| z[k] -= length[k] * step[k]));
            *loss_at = loss.measure(z, rows);
        }
        (0..K).for_each(|k| b[k] -= length[k] * step[k]);
    }
}

/// The second derivative of the loss by the intercepts.
fn intercept_hessian<const K: usize>(loss: &Loss<'_, K>, rows: &Measured<K>) -> [[f64; K]; K] {
    let mut h = [[0.0; K]; K];
    for (costs, Said { p, .. }) in loss.costs.iter().zip(&rows.0) {
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
/// the residual is what the next gradient will be. Leaves the direction and what it does to the margins
/// in `work`, and gives the direction of the intercepts. Columns that are not `open` stay at zero.
fn conjugate_gradients<const K: usize>(
    x: &impl Operator,
    loss: &Loss<'_, K>,
    rows: &Measured<K>,
    gradient: &Point<K>,
    forcing: &Per<K>,
    open: [bool; K],
    work: &mut Work<K>,
) -> Per<K> {
    let Work { direction, change, residual, search, product, q, curved } = work;
    let of_intercepts = intercept_hessian(loss, rows);
    let mut active = open;
    let on = |active: [bool; K], value: Per<K>| -> Per<K> {
        std::array::from_fn(|k| if active[k] { value[k] } else { 0.0 })
    };
    let sign = on(active, [-1.0; K]);
    let mut square = [0.0; K];
    for (residual, gradient) in residual.iter_mut().zip(&gradient.w) {
        for k in 0..K {
            residual[k] = sign[k] * gradient[k];
            square[k] += residual[k] * residual[k];
        }
    }
    let mut square = loss.tie(square);
    search.copy_from_slice(residual);
    direction.fill([0.0; K]);
    change.fill([0.0; K]);
    let mut of_direction = [0.0; K];
    for _ in 0..MOST_CG_STEPS {
        x.forward(search, q);
        let mut pull = [0.0; K];
        for (q, (costs, said)) in q.iter().zip(loss.costs.iter().zip(&rows.0)) {
            pull = add_per(pull, loss.curve(costs, &said.p, q));
        }
        let b = eliminate(of_intercepts, pull).map(|b| -b);
        for ((q, curved), (costs, said)) in
            q.iter_mut().zip(curved.iter_mut()).zip(loss.costs.iter().zip(&rows.0))
        {
            *q = add_per(*q, b);
            *curved = loss.curve(costs, &said.p, q);
        }
        x.backward(curved, product);
        loss.cover(product);
        let bend = loss.tie(add_and_dot(product, search, Some(search)));
        let alpha =
            on(active, std::array::from_fn(|k| if bend[k] > 0.0 { square[k] / bend[k] } else { 0.0 }));
        of_direction = std::array::from_fn(|k| of_direction[k] + alpha[k] * b[k]);
        add_scaled(change, alpha, q);
        // One pass over the long vectors for what could be three.
        let mut next = [0.0; K];
        let steps = direction.iter_mut().zip(residual.iter_mut()).zip(search.iter().zip(product.iter()));
        for ((direction, residual), (search, product)) in steps {
            for k in 0..K {
                direction[k] += alpha[k] * search[k];
                residual[k] += -alpha[k] * product[k];
                next[k] += residual[k] * residual[k];
            }
        }
        let next = loss.tie(next);
        for k in 0..K {
            active[k] = active[k] && next[k] > forcing[k] && alpha[k] > 0.0;
        }
        if !active.contains(&true) {
            break;
        }
        let beta = on(active, std::array::from_fn(|k| next[k] / square[k]));
        square = next;
        for (search, residual) in search.iter_mut().zip(residual.iter()) {
            for k in 0..K {
                search[k] = residual[k] + beta[k] * search[k];
            }
        }
    }
    of_direction
}

/// Squared norms of the coefficients and of a direction, and their product.
struct Norms<const K: usize> {
    square: Per<K>,
    across: Per<K>,
    along: Per<K>,
}

/// Halves the step until the objective has fallen enough (Armijo, 1e-4), and takes it: `z`, `rows` and
/// `loss_at` are then those of the new place. Margins and squared norms are linear and quadratic in the
/// length, so no product with X is needed.
#[allow(clippy::too_many_arguments)] // what it starts from, what it moves
fn step_length<const K: usize>(
    loss: &Loss<'_, K>,
    norms: &Norms<K>,
    z: &mut [Per<K>],
    change: &[Per<K>],
    value: Per<K>,
    slope: Per<K>,
    rows: &mut Measured<K>,
    loss_at: &mut Per<K>,
) -> Per<K> {
    let Norms { square, across, along } = norms;
    let mut length: Per<K> = slope.map(|slope| if slope < 0.0 { 1.0 } else { 0.0 });
    let mut done = length.map(|length| length == 0.0);
    let mut moved = vec![[0.0; K]; z.len()];
    for _ in 0..40 {
        moved.copy_from_slice(z);
        add_scaled(&mut moved, length, change);
        *loss_at = loss.measure(&moved, rows);
        for k in 0..K {
            let t = length[k];
            let reached = loss_at[k] + 0.5 * (square[k] + t * (2.0 * across[k] + t * along[k]));
            // Near the optimum the fall drowns in rounding; a full Newton step is right there.
            let rounding = 1e-13 * value[k].abs();
            done[k] = done[k] || reached <= value[k] + 1e-4 * t * slope[k] + rounding;
        }
        if !done.contains(&false) {
            z.copy_from_slice(&moved);
            return length;
        }
        for k in 0..K {
            if !done[k] {
                length[k] *= 0.5;
            }
        }
    }
    let length = std::array::from_fn(|k| if done[k] { length[k] } else { 0.0 });
    add_scaled(z, length, change);
    *loss_at = loss.measure(z, rows);
    length
}
