//! What a fit would have said of a row, had the row's whole group not been trained on: from one fit,
//! without fitting again.
//!
//! The margins of a group G are moved by one Newton step from the optimum of all rows, on the
//! objective without G. Let r be the derivative of the loss by the margins, Λ its second derivative,
//! and A = X̃·H⁻¹·X̃ᵀ how margins answer to pulls at margins, with X̃ the rows and the intercept's 1,
//! and H the second derivative of the whole objective. At the optimum the objective without G has the
//! gradient `-X̃_Gᵀ·r_G`, and by Woodbury's identity its step moves the margins of G by
//!
//! ```text
//! (I - A_GG·Λ_G)⁻¹ · A_GG · r_G  =  u + A_GG·F · (I - Fᵀ·A_GG·F)⁻¹ · Fᵀ·u      u = A_GG·r_G, F·Fᵀ = Λ_G
//! ```
//!
//! For a single row of a binary model that is the known (p - y) / (p·(1 - p)) · (1 - b) / b. Nothing is
//! divided by Λ here, so rows of no weight and probabilities of 0 and 1 need no care. A itself comes
//! from the Gram matrix K = X·Xᵀ of the rows, with V = L⁻¹·Fᵀ·K and L·Lᵀ = I + Fᵀ·K·F over all rows, and
//! the intercept eliminated exactly.
//!
//! After Beirami, Razaviyayn, Shahrampour & Tarokh (2017), *On optimal generalization in parametric
//! learning*, and Rad & Maleki (2020), *A scalable estimate of the out-of-sample prediction error via
//! approximate leave-one-out cross-validation*; for groups as in Giordano, Stephenson, Liu, Jordan &
//! Broderick (2019), *A Swiss Army infinitesimal jackknife*, but with the second derivative of what is
//! left, not of all.

use std::cmp::Ordering;
use std::ops::Range;

use rayon::prelude::*;

use super::logistic::{Task, Weights, sigmoid};
use crate::error::{Error, Result};
use crate::features::Operator;

/// Most rows times free margins a row: the matrices grow with the square of this number.
const MOST_MARGINS: usize = 6000;
/// Columns of a factor that are worked on together, so that they stay in the cache.
const BLOCK: usize = 32;
/// Rows at least that are worked on by one thread at a time.
const BATCH: usize = 32;
/// Columns of the Gram matrix made with one visit of X.
const SIDE_BY_SIDE: usize = 8;
/// Least pivot of I - Fᵀ·A·F, whose eigenvalues lie between 0 (the group is all that bends the
/// objective) and 1 (it is nothing): below this all is rounding.
const LEAST_PIVOT: f64 = 1e-14;

/// The margins (linear scores, log-odds in nats) that each row would have, had its group not been
/// trained on: rows of [`Task::columns`] numbers, as [`Weights::scores`] gives them. `weights` are the
/// fit of `task` on `x`, at its optimum (a gap of 1e-10 or so; what it is short of the optimum is an
/// error of the result too); `groups[row]` is any number that names the row's group.
///
/// This is an approximation: one Newton step in place of each fit without the group. Its error grows
/// with the square of what the group does to the margins, so it is good for small groups and strong
/// penalties, and least so for groups that hold much of the data or most of a class. Held at what they are for all rows are the
/// features (vocabulary and frequencies), C, and the class weights: [`super::ClassWeight::Balanced`]
/// counts the left-out rows too. A row of weight 0 is moved by the others of its group alone.
///
/// Where what is left says nothing of a column, its margins are set as [`super::solver::fit`] does:
/// with r rows left, a binary column with examples on one side only has ±ln(2r + 1), and a class
/// without examples the probability that this gives it, 1 / (2r + 2), while the others of a softmax
/// share the rest as the step says. Where no example at all is left, the margins are 0. So a single
/// group with all rows has margins of 0 throughout.
///
/// With m = 1 for binary columns and m = classes - 1 for a softmax, this takes O(n²·m²) memory and
/// O(n³·m³) time for a softmax or a binary column, and n products with X and Xᵀ. The result does not
/// depend on the number of threads.
///
/// # Errors
/// [`Error::Usage`] where n·m is above 6000, where lengths, classes or columns do not fit together, and
/// where a number is not finite.
pub fn leave_groups_out(
    x: &impl Operator,
    task: &Task<'_>,
    weights: &Weights,
    groups: &[usize],
) -> Result<Vec<f64>> {
    check(x, task, weights, groups)?;
    let (n, columns) = (x.n_rows(), task.columns());
    let mut margins = weights.scores(x);
    let costs = task.costs();
    if costs.iter().any(|cost| !(cost.is_finite() && *cost >= 0.0)) {
        return Err(Error::Usage("weights of examples and C: give finite numbers, none below 0".into()));
    }
    finite(&margins)?;
    let groups = members(groups);
    let kernel = gram(x, 0..0);
    kernel.iter().try_for_each(|row| finite(row))?;
    if task.is_binary() {
        let covered = (task.has_stages() && !task.manner.is_empty()).then(|| gram(x, task.manner.clone()));
        for column in 0..columns {
            let kernel = covered.as_ref().filter(|_| column > 0).unwrap_or(&kernel);
            let of_column = |values: &[f64]| -> Vec<f64> {
                values.iter().skip(column).step_by(columns).copied().collect()
            };
            let sides: Vec<bool> = task.classes.iter().map(|&class| task.positive(class, column)).collect();
            let left = leave_binary(kernel, &of_column(&margins), &sides, &of_column(&costs), &groups);
            for row in 0..n {
                margins[row * columns + column] = left[row];
            }
        }
    } else {
        let costs: Vec<f64> = costs.iter().step_by(columns).copied().collect();
        leave_softmax(&kernel, &mut margins, columns, task.classes, &costs, &groups);
    }
    finite(&margins)?;
    Ok(margins)
}

fn check(x: &impl Operator, task: &Task<'_>, weights: &Weights, groups: &[usize]) -> Result<()> {
    let (n, features, columns) = (x.n_rows(), x.n_features(), task.columns());
    let fail = |what: String| Err(Error::Usage(what));
    let fits = |length: usize| length == 0 || length == n;
    if groups.len() != n || task.classes.len() != n || !fits(task.weights.len()) || !fits(task.foreign.len())
    {
        return fail(format!("{n} rows: give a class and a group for each, and weights for each or none"));
    }
    if task.n_classes < 2 || task.classes.iter().any(|&class| class >= task.n_classes) {
        return fail(format!("classes must be below their number, {}, of 2 at least", task.n_classes));
    }
    let wanted = (columns, features * columns, columns);
    if (weights.columns, weights.coefficients.len(), weights.intercepts.len()) != wanted {
        return fail(format!("the weights are not those of {columns} columns and {features} features"));
    }
    if task.has_stages() && (task.manner.start > task.manner.end || task.manner.end > features) {
        return fail(format!("features of manner {:?} of only {features}", task.manner));
    }
    let free = if task.is_binary() { 1 } else { columns - 1 };
    if n.saturating_mul(free) > MOST_MARGINS {
        return fail(format!(
            "leaving groups out of one fit is offered up to {MOST_MARGINS} rows (in a softmax, times \
             the classes but one), not {n} of {free}; fit again without each group"
        ));
    }
    Ok(())
}

fn finite(values: &[f64]) -> Result<()> {
    if values.iter().all(|value| value.is_finite()) {
        return Ok(());
    }
    Err(Error::Usage(
        "leaving groups out met numbers that are not finite; mend the features or lower C".into(),
    ))
}

/// The rows of each group, groups by rising name.
fn members(groups: &[usize]) -> Vec<Vec<usize>> {
    let mut rows: Vec<usize> = (0..groups.len()).collect();
    rows.sort_by_key(|&row| groups[row]);
    rows.chunk_by(|&a, &b| groups[a] == groups[b]).map(<[usize]>::to_vec).collect()
}

/// The Gram matrix X·Xᵀ of what is left of X without the features `hidden`, row by row.
fn gram(x: &impl Operator, hidden: Range<usize>) -> Vec<Vec<f64>> {
    let n = x.n_rows();
    let starts: Vec<usize> = (0..n).step_by(SIDE_BY_SIDE).collect();
    let blocks = starts.into_par_iter().map(|start| {
        let (mut units, mut rows) = (vec![[0.0; SIDE_BY_SIDE]; n], vec![[0.0; SIDE_BY_SIDE]; x.n_features()]);
        let taken = SIDE_BY_SIDE.min(n - start);
        for k in 0..taken {
            units[start + k][k] = 1.0;
        }
        x.backward(&units, &mut rows);
        rows[hidden.clone()].fill([0.0; SIDE_BY_SIDE]);
        x.forward(&rows, &mut units);
        (0..taken).map(|k| units.iter().map(|unit| unit[k]).collect()).collect::<Vec<Vec<f64>>>()
    });
    blocks.collect::<Vec<_>>().concat()
}

/// How sure one is of what `rows` examples agree on: ln(2·rows + 1).
fn sure(rows: usize) -> f64 {
    libm::log(2.0 * rows as f64 + 1.0)
}

/// How many rows that count, of `rows`, are of each of `kinds` kinds.
fn count(rows: impl Iterator<Item = usize>, kind: &[usize], costs: &[f64], kinds: usize) -> Vec<usize> {
    let mut counts = vec![0; kinds];
    rows.filter(|&row| costs[row] > 0.0).for_each(|row| counts[kind[row]] += 1);
    counts
}

/// The margins of a binary column, each row's group left out.
fn leave_binary(
    kernel: &[Vec<f64>],
    margins: &[f64],
    sides: &[bool],
    costs: &[f64],
    groups: &[Vec<usize>],
) -> Vec<f64> {
    let n = margins.len();
    let kinds: Vec<usize> = sides.iter().map(|&side| usize::from(side)).collect();
    let all = count(0..n, &kinds, costs, 2);
    let mut left = margins.to_vec();
    let mut open = Vec::new();
    for group in groups {
        let inside = count(group.iter().copied(), &kinds, costs, 2);
        let margin = match (all[0] - inside[0], all[1] - inside[1]) {
            (0, 0) => 0.0,
            (0, _) => sure(n - group.len()),
            (_, 0) => -sure(n - group.len()),
            _ => {
                open.push(group.as_slice());
                continue;
            }
        };
        group.iter().for_each(|&row| left[row] = margin);
    }
    let changes = Bend::binary(margins, sides, costs).changes(kernel, &open);
    for (left, change) in left.iter_mut().zip(changes) {
        *left += change;
    }
    left
}

/// Moves the margins of a softmax, `columns` a row, to where they are with each row's group left out.
fn leave_softmax(
    kernel: &[Vec<f64>],
    margins: &mut [f64],
    columns: usize,
    classes: &[usize],
    costs: &[f64],
    groups: &[Vec<usize>],
) {
    let n = classes.len();
    let all = count(0..n, classes, costs, columns);
    let counts = |group: &[usize]| count(group.iter().copied(), classes, costs, columns);
    let open: Vec<&[usize]> = groups.iter().map(Vec::as_slice).filter(|group| counts(group) != all).collect();
    // The fit knows of the classes with a row only: of two it makes a binary model.
    let present: Vec<usize> = (0..columns).filter(|class| classes.contains(class)).collect();
    if let [first, second] = present[..] {
        let margin: Vec<f64> =
            margins.chunks_exact(columns).map(|margins| margins[second] - margins[first]).collect();
        let sides: Vec<bool> = classes.iter().map(|&class| class == second).collect();
        let changes = Bend::binary(&margin, &sides, costs).changes(kernel, &open);
        for (margins, change) in margins.chunks_exact_mut(columns).zip(changes) {
            margins[first] -= 0.5 * change;
            margins[second] += 0.5 * change;
        }
    } else if present.len() > 2 {
        let basis = contrasts(present.len());
        let seen: Vec<f64> = margins
            .chunks_exact(columns)
            .flat_map(|margins| present.iter().map(|&class| margins[class]))
            .collect();
        let places: Vec<usize> = classes
            .iter()
            .map(|class| present.iter().position(|other| other == class).unwrap_or(0))
            .collect();
        let changes = Bend::softmax(&seen, &places, costs, &basis).changes(kernel, &open);
        for (margins, change) in margins.chunks_exact_mut(columns).zip(changes.chunks_exact(basis.len())) {
            for (place, &class) in present.iter().enumerate() {
                margins[class] +=
                    basis.iter().zip(change).map(|(axis, change)| axis[place] * change).sum::<f64>();
            }
        }
    }
    for group in groups {
        let left: Vec<bool> = all.iter().zip(counts(group)).map(|(all, inside)| *all > inside).collect();
        let least = -sure(n - group.len());
        for &row in group {
            close(&mut margins[row * columns..(row + 1) * columns], &left, least);
        }
    }
}

/// Sets a row's margins of the classes that have no example left to `least` against all others; where
/// none has one, all to 0.
fn close(margins: &mut [f64], left: &[bool], least: f64) {
    if !left.contains(&true) {
        margins.fill(0.0);
        return;
    }
    let known = || margins.iter().zip(left).filter(|(_, left)| **left).map(|(margin, _)| *margin);
    let most = known().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = known().map(|margin| libm::exp(margin - most)).sum();
    let margin = most + libm::log(total) + least;
    margins.iter_mut().zip(left).filter(|(_, left)| !**left).for_each(|(to, _)| *to = margin);
}

/// An orthonormal basis of the vectors of `n` numbers whose sum is 0 (Helmert's). A softmax does not
/// feel a constant for all classes, and the penalty feels no turn, so these n - 1 margins are a fit of
/// their own, with a second derivative that is not singular.
fn contrasts(n: usize) -> Vec<Vec<f64>> {
    let axis = |a: usize| {
        let length = ((a * (a + 1)) as f64).sqrt();
        (0..n).map(move |k| match k.cmp(&a) {
            Ordering::Less => 1.0 / length,
            Ordering::Equal => -(a as f64) / length,
            Ordering::Greater => 0.0,
        })
    };
    (1..n).map(|a| axis(a).collect()).collect()
}

/// First and second derivatives of a loss by the margins of each row, m a row.
struct Bend {
    m: usize,
    /// Per row m numbers: the first derivative r.
    pulls: Vec<f64>,
    /// Per row m x m numbers: F with F·Fᵀ = Λ, the second derivative.
    roots: Vec<f64>,
    /// The rows that have any.
    active: Vec<usize>,
}

impl Bend {
    fn binary(margins: &[f64], sides: &[bool], costs: &[f64]) -> Self {
        let (mut pulls, mut roots) = (Vec::new(), Vec::new());
        for ((&z, &side), &cost) in margins.iter().zip(sides).zip(costs) {
            // Each side's own sigmoid keeps the digits that 1 - p would lose.
            let (above, below) = (sigmoid(z), sigmoid(-z));
            pulls.push(cost * if side { -below } else { above });
            roots.push((cost * above * below).sqrt());
        }
        Bend::new(1, pulls, roots)
    }

    /// Of a softmax, by its margins along the axes of `basis`.
    fn softmax(margins: &[f64], classes: &[usize], costs: &[f64], basis: &[Vec<f64>]) -> Self {
        let m = basis.len();
        let (mut pulls, mut roots) = (Vec::new(), Vec::new());
        for ((z, &class), &cost) in margins.chunks_exact(m + 1).zip(classes).zip(costs) {
            let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let mut p: Vec<f64> = z.iter().map(|z| libm::exp(z - most)).collect();
            let total: f64 = p.iter().sum();
            p.iter_mut().for_each(|p| *p /= total);
            let between = |k: usize, l: usize| basis.iter().map(move |axis| axis[k] - axis[l]);
            let (mut pull, mut bend) = (vec![0.0; m], vec![vec![0.0; m]; m]);
            // As sums over pairs of classes, so that nothing cancels where one class is all but sure.
            for k in 0..=m {
                for (pull, axis) in pull.iter_mut().zip(between(k, class)) {
                    *pull += cost * p[k] * axis;
                }
                for l in 0..k {
                    let axes: Vec<f64> = between(k, l).collect();
                    for (bend, a) in bend.iter_mut().zip(&axes) {
                        bend.iter_mut().zip(&axes).for_each(|(bend, b)| *bend += cost * p[k] * p[l] * a * b);
                    }
                }
            }
            pulls.extend(pull);
            roots.extend(root(&bend).concat());
        }
        Bend::new(m, pulls, roots)
    }

    fn new(m: usize, pulls: Vec<f64>, roots: Vec<f64>) -> Self {
        let any = |row: &usize| roots[row * m * m..(row + 1) * m * m].iter().any(|&root| root != 0.0);
        let active = (0..pulls.len() / m).filter(any).collect();
        Bend { m, pulls, roots, active }
    }

    /// Row `c` of the root of row `row`.
    fn root(&self, row: usize, c: usize) -> &[f64] {
        let start = (row * self.m + c) * self.m;
        &self.roots[start..start + self.m]
    }

    /// What leaving out each row's group does to the row's margins, m numbers a row; 0 for rows of none
    /// of the `groups`.
    fn changes(&self, kernel: &[Vec<f64>], groups: &[&[usize]]) -> Vec<f64> {
        let mut changes = vec![0.0; self.pulls.len()];
        if groups.is_empty() || self.active.is_empty() {
            return changes;
        }
        let answer = Answer::new(self, kernel);
        let found: Vec<Vec<f64>> = batches(groups)
            .into_par_iter()
            .flat_map_iter(|batch| {
                let mut solved = answer.solved(&batch.concat()).into_iter();
                let of_groups = batch.iter().map(|group| {
                    let solved: Vec<Vec<f64>> = solved.by_ref().take(group.len() * self.m).collect();
                    self.step(&answer.within(group, &solved), group)
                });
                of_groups.collect::<Vec<_>>()
            })
            .collect();
        for (group, found) in groups.iter().zip(found) {
            for (&row, change) in group.iter().zip(found.chunks_exact(self.m)) {
                changes[row * self.m..(row + 1) * self.m].copy_from_slice(change);
            }
        }
        changes
    }

    /// The step of a group's margins, with A among them given as `a`.
    fn step(&self, a: &[Vec<f64>], group: &[usize]) -> Vec<f64> {
        let m = self.m;
        let pulls: Vec<f64> =
            group.iter().flat_map(|&row| &self.pulls[row * m..(row + 1) * m]).copied().collect();
        let mut moved: Vec<f64> = a.iter().map(|a| dot(a, &pulls)).collect();
        // Each row of A·F, then I - Fᵀ·A·F from them.
        let rooted: Vec<Vec<f64>> = a.iter().map(|a| self.times_root(group, a)).collect();
        let mut left: Vec<Vec<f64>> = (0..a.len()).map(|i| vec![0.0; i + 1]).collect();
        for (i, left) in left.iter_mut().enumerate() {
            let (place, column) = (i / m, i % m);
            for c in 0..m {
                let root = self.root(group[place], c)[column];
                if root != 0.0 {
                    for (left, rooted) in left.iter_mut().zip(&rooted[place * m + c]) {
                        *left -= root * rooted;
                    }
                }
            }
            left[i] += 1.0;
        }
        cholesky(&mut left, LEAST_PIVOT);
        let mut solved = self.times_root(group, &moved);
        advance(&mut solved, &left, 0);
        retreat(&mut solved, &left);
        for (moved, rooted) in moved.iter_mut().zip(&rooted) {
            *moved += dot(rooted, &solved);
        }
        moved
    }

    /// Fᵀ·v for a vector of a group's margins.
    fn times_root(&self, group: &[usize], v: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; v.len()];
        let rows = group.iter().zip(v.chunks_exact(self.m)).zip(out.chunks_exact_mut(self.m));
        for ((&row, v), out) in rows {
            for (c, v) in v.iter().enumerate() {
                for (out, root) in out.iter_mut().zip(self.root(row, c)) {
                    *out += root * v;
                }
            }
        }
        out
    }
}

/// Runs of groups with [`BATCH`] rows or more each, so that a factor is read once for many rows.
fn batches<'a>(groups: &[&'a [usize]]) -> Vec<Vec<&'a [usize]>> {
    let mut batches: Vec<Vec<&[usize]>> = Vec::new();
    let mut rows = BATCH;
    for &group in groups {
        if rows >= BATCH {
            batches.push(Vec::new());
            rows = 0;
        }
        rows += group.len();
        if let Some(batch) = batches.last_mut() {
            batch.push(group);
        }
    }
    batches
}

/// How margins answer to pulls at margins: A, as its parts.
struct Answer<'a> {
    bend: &'a Bend,
    kernel: &'a [Vec<f64>],
    /// L with L·Lᵀ = I + Fᵀ·K·F over the active rows, m numbers each.
    factor: Vec<Vec<f64>>,
    /// L⁻¹·Fᵀ·1, a row for each intercept.
    intercepts: Vec<Vec<f64>>,
    /// The factor of their products: how stiff the intercepts are, the coefficients going along.
    stiffness: Vec<Vec<f64>>,
}

impl<'a> Answer<'a> {
    fn new(bend: &'a Bend, kernel: &'a [Vec<f64>]) -> Self {
        let m = bend.m;
        let rows = (0..bend.active.len() * m).into_par_iter().map(|i| {
            let (row, column) = (bend.active[i / m], i % m);
            let mut out = Vec::with_capacity(i + 1);
            for &other in &bend.active[..=i / m] {
                let near = kernel[row][other];
                out.extend((0..m).map(|b| {
                    near * (0..m).map(|c| bend.root(row, c)[column] * bend.root(other, c)[b]).sum::<f64>()
                }));
            }
            out.truncate(i + 1);
            out[i] += 1.0;
            out
        });
        let mut factor: Vec<Vec<f64>> = rows.collect();
        // No eigenvalue is below 1, so no pivot is.
        cholesky(&mut factor, 1.0);
        let root = |c: usize| bend.active.iter().flat_map(move |&row| bend.root(row, c)).copied();
        let mut intercepts: Vec<Vec<f64>> = (0..m).map(|c| root(c).collect()).collect();
        substitute(&factor, &mut intercepts);
        let mut stiffness: Vec<Vec<f64>> =
            (0..m).map(|a| (0..=a).map(|b| dot(&intercepts[a], &intercepts[b])).collect()).collect();
        let most = (0..m).map(|a| stiffness[a][a]).fold(0.0, f64::max);
        cholesky(&mut stiffness, (most * LEAST_PIVOT).max(f64::MIN_POSITIVE));
        Answer { bend, kernel, factor, intercepts, stiffness }
    }

    /// V: for each of the rows' margins a row, L⁻¹·Fᵀ·K of it.
    fn solved(&self, rows: &[usize]) -> Vec<Vec<f64>> {
        let of_margin = |row: usize, c: usize| -> Vec<f64> {
            let active = self.bend.active.iter();
            active
                .flat_map(|&other| {
                    self.bend.root(other, c).iter().map(move |root| root * self.kernel[row][other])
                })
                .collect()
        };
        let mut solved: Vec<Vec<f64>> = rows
            .iter()
            .flat_map(|&row| (0..self.bend.m).map(move |c| (row, c)))
            .map(|(row, c)| of_margin(row, c))
            .collect();
        substitute(&self.factor, &mut solved);
        solved
    }

    /// A among the margins of a group: K - Vᵀ·V, and what the intercepts add to it.
    fn within(&self, group: &[usize], solved: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let m = self.bend.m;
        let mut shifts: Vec<Vec<f64>> = (0..solved.len())
            .map(|i| {
                let own = |c: usize| if c == i % m { 1.0 } else { 0.0 };
                (0..m).map(|c| own(c) - dot(&solved[i], &self.intercepts[c])).collect()
            })
            .collect();
        substitute(&self.stiffness, &mut shifts);
        let row = |i: usize| -> Vec<f64> {
            (0..=i)
                .map(|j| {
                    let near = if i % m == j % m { self.kernel[group[i / m]][group[j / m]] } else { 0.0 };
                    near - dot(&solved[i], &solved[j]) + dot(&shifts[i], &shifts[j])
                })
                .collect()
        };
        let mut a: Vec<Vec<f64>> = (0..solved.len()).into_par_iter().map(row).collect();
        for i in 0..a.len() {
            let mirrored: Vec<f64> = (i + 1..a.len()).map(|j| a[j][i]).collect();
            a[i].extend(mirrored);
        }
        a
    }
}

/// F with F·Fᵀ = Λ for a small positive semi-definite matrix; no pivot, no column.
fn root(bend: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let m = bend.len();
    let mut root = vec![vec![0.0; m]; m];
    for k in 0..m {
        let pivot = bend[k][k] - dot(&root[k][..k], &root[k][..k]);
        if pivot > f64::EPSILON * bend[k][k] {
            root[k][k] = pivot.sqrt();
            for i in k + 1..m {
                root[i][k] = (bend[i][k] - dot(&root[i][..k], &root[k][..k])) / root[k][k];
            }
        }
    }
    root
}

/// Makes of the lower half of a positive definite matrix its factor L: row i has i + 1 numbers, and
/// no pivot is taken to be below `least`.
fn cholesky(rows: &mut [Vec<f64>], least: f64) {
    for start in (0..rows.len()).step_by(BLOCK) {
        let end = rows.len().min(start + BLOCK);
        let (above, below) = rows.split_at_mut(end);
        for i in start..end {
            let (above, row) = above.split_at_mut(i);
            let row = &mut row[0];
            advance(row, &above[start..], start);
            row[i] = (row[i] - dot(&row[..i], &row[..i])).max(least).sqrt();
        }
        below.par_iter_mut().with_min_len(BATCH).for_each(|row| advance(row, &above[start..], start));
    }
}

/// Makes L⁻¹·v of each row v.
fn substitute(factor: &[Vec<f64>], rows: &mut [Vec<f64>]) {
    rows.par_chunks_mut(BATCH).for_each(|rows| {
        for start in (0..factor.len()).step_by(BLOCK) {
            let end = factor.len().min(start + BLOCK);
            rows.iter_mut().for_each(|row| advance(row, &factor[start..end], start));
        }
    });
}

/// Solves L·v = row for the places from `start` on that the rows `block` of L have, those before being
/// solved.
fn advance(row: &mut [f64], block: &[Vec<f64>], start: usize) {
    for (i, factor) in (start..).zip(block) {
        row[i] = (row[i] - dot(&row[..i], &factor[..i])) / factor[i];
    }
}

/// Solves Lᵀ·v = row.
fn retreat(row: &mut [f64], factor: &[Vec<f64>]) {
    for (i, factor) in factor.iter().enumerate().rev() {
        let solved = row[i] / factor[i];
        row[i] = solved;
        for (row, factor) in row.iter_mut().zip(&factor[..i]) {
            *row -= solved * factor;
        }
    }
}

/// The sum of products, always added up in the same order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Sums side by side do not wait for each other.
    let mut sums = [0.0; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        for k in 0..8 {
            sums[k] += a[k] * b[k];
        }
    }
    sums.iter().sum::<f64>() + rest
}
