//! Probabilities that mean what they say, fitted to what came of examples that the fits had not seen.
//!
//! A fit with balanced class weights gives probabilities as if all classes were equally frequent, and a
//! strong penalty makes them timid. Both are mended by
//!
//! ```text
//! q_k ∝ exp(slope · ln p_k + offset_k)
//! ```
//!
//! one slope (the temperature of Guo et al. 2017, *On calibration of modern neural networks*, inverted)
//! and an offset a class (their vector scaling; with two classes this is Platt 1999). Both are shrunk: the
//! slope to 1, the offsets to the logarithms of the classes' shares, as if what was expected had
//! the weight of a few examples. So two examples of a class do no harm, and no probability is ever
//! a hard 0.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::logistic::{ClassWeight, Scheme, decide, most_probable, normalize};
use super::path::Sample;
use super::prior::{shift, shift_to};

/// Curvature of the penalty on slope and offsets: about that of ten to twenty examples, whose own is
/// q · (1 - q) at most.
const SHRINK: f64 = 4.0;
/// Rows that one thread works on at a time.
const ROWS_AT_ONCE: usize = 1 << 11;
/// The slope is at least this: held-out scores may say nothing, but never the contrary of what they say.
const LEAST_SLOPE: f64 = 0.05;
/// Real examples of each side from which they alone are believed, and authored ones are not asked.
const ENOUGH_OF_EACH: f64 = 10.0;
/// Real examples from which their shares are taken for those of the field.
const ENOUGH_FOR_SHARES: usize = 20;

/// How much the decision makes up for a class's rarity: 0 would maximise the share of right decisions, 1
/// the mean recall of the classes. Between them lies what macro-F1 rewards: 0.5 costs none of it on four
/// public sets, and less accuracy than more would (benches/quality/README.md). It is not fitted to the
/// labels at hand, where so few examples of a rare class would decide it.
pub const RARE: f64 = 0.5;
/// A side and none, and the two sides, equally frequent.
const EVEN_STAGES: [f64; 3] = [0.25, 0.25, 0.5];

/// A correction of class probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// One; in two stages one for each.
    scalings: Vec<Scaling>,
    /// The share of each class that the calibrated probabilities assume, summing to 1.
    pub prior: Vec<f64>,
}

/// `q_k ∝ exp(slope · ln p_k + offset_k)`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scaling {
    slope: f64,
    offsets: Vec<f64>,
}

impl Scaling {
    fn apply(&self, p: &mut [f64]) {
        for (p, offset) in p.iter_mut().zip(&self.offsets) {
            *p = self.slope * libm::log(p.max(1e-300)) + offset;
        }
        softmax(p);
    }
}

impl Calibration {
    /// Fits to the examples at `places` of a sample: `raw(place)` are the class probabilities by a fit
    /// that had not seen the example. Authored examples count only where there are too few real ones.
    /// Cost: some ten passes over the examples.
    pub fn fit<'p>(
        sample: &Sample,
        places: &[usize],
        raw: impl Fn(usize) -> &'p [f64],
        class_weight: ClassWeight,
    ) -> Self {
        Self::fit_to(sample, places, raw, class_weight, |place| sample.real[place])
    }

    fn fit_to<'p>(
        sample: &Sample,
        places: &[usize],
        raw: impl Fn(usize) -> &'p [f64],
        class_weight: ClassWeight,
        real: impl Fn(usize) -> bool,
    ) -> Self {
        let own: Vec<usize> = places
            .iter()
            .copied()
            .filter(|&place| !sample.foreign[place] && sample.weights[place] > 0.0)
            .collect();
        let of_field: Vec<usize> = own.iter().copied().filter(|&place| real(place)).collect();
        let field = if of_field.len() >= ENOUGH_FOR_SHARES { &of_field } else { &own };
        let prior = shares(
            field.iter().map(|&place| (sample.classes[place], sample.weights[place])),
            sample.n_classes,
        );
        let scaling = |rows: &Rows, prior: &[f64]| {
            let n_classes = prior.len();
            let counted = shares(rows.sides.iter().copied(), n_classes);
            let expected = match class_weight {
                ClassWeight::Balanced => counted.iter().map(|share| libm::log(*share)).collect(),
                ClassWeight::None => vec![0.0; n_classes],
            };
            let mut found = fit_scaling(rows, &expected, None);
            if found.slope < LEAST_SLOPE {
                found = fit_scaling(rows, &expected, Some(LEAST_SLOPE));
            }
            for ((offset, prior), counted) in found.offsets.iter_mut().zip(prior).zip(&counted) {
                *offset += libm::log(prior / counted);
            }
            found
        };
        if !is_staged(sample.scheme, sample.n_classes) {
            let rows =
                trusted(&own, sample, &real, sample.n_classes, |place| (raw(place), sample.classes[place]));
            return Calibration { scalings: vec![scaling(&rows, &prior)], prior };
        }
        let taught: Vec<usize> =
            places.iter().copied().filter(|&place| sample.weights[place] > 0.0).collect();
        let whether = trusted(&taught, sample, &real, 2, |place| {
            (stages(raw(place))[0], usize::from(sample.classes[place] == 2))
        });
        let sided: Vec<usize> = own.iter().copied().filter(|&place| sample.classes[place] < 2).collect();
        let which = trusted(&sided, sample, &real, 2, |place| (stages(raw(place))[1], sample.classes[place]));
        let taken = prior[0] + prior[1];
        let scalings = vec![
            scaling(&whether, &[taken, prior[2]]),
            scaling(&which, &[prior[0] / taken, prior[1] / taken]),
        ];
        Calibration { scalings, prior }
    }

    /// Fits to the examples at `places`, real and authored alike.
    pub(crate) fn fit_all<'p>(
        sample: &Sample,
        places: &[usize],
        raw: impl Fn(usize) -> &'p [f64],
        class_weight: ClassWeight,
    ) -> Self {
        Self::fit_to(sample, places, raw, class_weight, |_| true)
    }

    /// The probabilities shifted to equal shares of the classes; in two stages of a side and none, and of
    /// the two sides.
    pub(crate) fn even(&self, scheme: Scheme, probabilities: &[f64]) -> Vec<f64> {
        if is_staged(scheme, self.prior.len()) {
            return shift(probabilities, &self.prior, &EVEN_STAGES);
        }
        let n_classes = self.prior.len();
        shift(probabilities, &self.prior, &vec![1.0 / n_classes as f64; n_classes])
    }

    /// The calibrated probabilities: one a class, each above 0, summing to 1.
    pub fn apply(&self, raw: &[f64]) -> Vec<f64> {
        let mut q = Vec::new();
        self.apply_to(raw, &mut q);
        q
    }

    /// As [`Calibration::apply`], into `q`.
    pub(crate) fn apply_to(&self, raw: &[f64], q: &mut Vec<f64>) {
        q.clear();
        match self.scalings.as_slice() {
            [whether, which] => {
                let [mut side, mut polar] = stages(raw);
                whether.apply(&mut side);
                which.apply(&mut polar);
                q.extend([side[0] * polar[0], side[0] * polar[1], side[1]]);
            }
            scalings => {
                q.extend_from_slice(raw);
                if let Some(scaling) = scalings.first() {
                    scaling.apply(q);
                }
            }
        }
        normalize(q);
    }

    /// The class decided on, from probabilities that this calibration gave or that were shifted from
    /// them to other shares. Rare classes are favoured, so that they are found: of several classes that
    /// of the largest q / share^[`RARE`], share being what [`Calibration::prior`] says. In two stages
    /// the shares are taken to be a quarter, a quarter and a half: first it is decided whether a side is
    /// taken, and then which. Shifted to a
    /// smaller share, a class is decided on less often.
    pub fn decide(&self, scheme: Scheme, probabilities: &[f64]) -> usize {
        self.decide_by(scheme, probabilities, &self.deciding(scheme), &mut Vec::new())
    }

    /// As [`Calibration::decide`], with what [`Calibration::deciding`] gives and with scratch space.
    pub(crate) fn decide_by(
        &self,
        scheme: Scheme,
        probabilities: &[f64],
        deciding: &[f64],
        weighed: &mut Vec<f64>,
    ) -> usize {
        shift_to(probabilities, &self.prior, deciding, weighed);
        if is_staged(scheme, self.prior.len()) { decide(scheme, weighed) } else { most_probable(weighed) }
    }

    /// The shares of the classes, up to a factor, at which the most probable class is the one to decide on.
    pub(crate) fn deciding(&self, scheme: Scheme) -> Vec<f64> {
        if is_staged(scheme, self.prior.len()) {
            return EVEN_STAGES.to_vec();
        }
        self.prior.iter().map(|share| libm::pow(*share, 1.0 - RARE)).collect()
    }

    /// The probabilities as [`Calibration::decide`] weighs them: one a class, above 0, summing to 1.
    pub fn weighed(&self, scheme: Scheme, probabilities: &[f64]) -> Vec<f64> {
        shift(probabilities, &self.prior, &self.deciding(scheme))
    }

    /// Checks what was read from a file.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self, scheme: Scheme, n_classes: usize) -> Result<(), String> {
        let sizes: &[usize] = if is_staged(scheme, n_classes) { &[2, 2] } else { &[n_classes] };
        let shapes = self.scalings.iter().map(|scaling| scaling.offsets.len());
        if !shapes.eq(sizes.iter().copied()) || self.prior.len() != n_classes {
            return Err("the calibration does not fit the classes".into());
        }
        let mut numbers =
            self.scalings.iter().flat_map(|scaling| scaling.offsets.iter().chain([&scaling.slope]));
        if numbers.any(|number| !number.is_finite() || number.abs() > 1e6)
            || self.scalings.iter().any(|scaling| scaling.slope <= 0.0)
            || self.prior.iter().any(|share| !(*share > 0.0 && *share <= 1.0))
            || (self.prior.iter().sum::<f64>() - 1.0).abs() > 1e-6
        {
            return Err("the calibration holds a number out of range".into());
        }
        Ok(())
    }
}

fn is_staged(scheme: Scheme, n_classes: usize) -> bool {
    scheme == Scheme::TwoStage && n_classes == 3
}

/// Whether a side is taken, and which if one is.
fn stages(p: &[f64]) -> [[f64; 2]; 2] {
    match p {
        [first, second, none] => {
            let taken = (first + second).max(1e-300);
            [[taken, *none], [first / taken, second / taken]]
        }
        _ => [[0.5; 2]; 2],
    }
}

/// The share of each class, one example of each added.
fn shares(classes: impl Iterator<Item = (usize, f64)>, n_classes: usize) -> Vec<f64> {
    let mut sizes = vec![1.0; n_classes];
    classes.for_each(|(class, weight)| sizes[class] += weight);
    let total: f64 = sizes.iter().sum();
    sizes.iter().map(|size| size / total).collect()
}

/// What a scaling is fitted to.
struct Rows {
    /// Row by row the logarithms of the probabilities, one a class.
    logs: Vec<f64>,
    /// The class of each row, and how much it counts.
    sides: Vec<(usize, f64)>,
}

/// The rows to fit to, of `k` classes: real examples where there are enough of each class, else all.
fn trusted<P: AsRef<[f64]>>(
    places: &[usize],
    sample: &Sample,
    real: impl Fn(usize) -> bool,
    k: usize,
    of: impl Fn(usize) -> (P, usize),
) -> Rows {
    let rows = |wanted: &dyn Fn(usize) -> bool| {
        let mut rows = Rows { logs: Vec::new(), sides: Vec::new() };
        for &place in places.iter().filter(|&&place| wanted(place)) {
            let (p, class) = of(place);
            rows.logs.extend(p.as_ref().iter().map(|p| libm::log(p.max(1e-300))));
            rows.sides.push((class, sample.weights[place]));
        }
        rows
    };
    let found = rows(&real);
    let mut sizes = vec![0.0; k];
    found.sides.iter().for_each(|&(class, weight)| sizes[class] += weight);
    if sizes.iter().all(|size| *size >= ENOUGH_OF_EACH) { found } else { rows(&|_| true) }
}

/// Minimises `Σ weight · -ln q(class) + SHRINK / 2 · ((slope - 1)² + Σ (offset - expected)²)` by Newton
/// steps, the slope held where it is given. The objective is strongly convex.
fn fit_scaling(rows: &Rows, expected: &[f64], slope: Option<f64>) -> Scaling {
    let k = expected.len();
    let mut at: Vec<f64> = std::iter::once(slope.unwrap_or(1.0)).chain(expected.iter().copied()).collect();
    let target = at.clone();
    for _ in 0..60 {
        let (value, gradient, hessian) = objective(rows, &at, &target, slope.is_none());
        let Some(step) = solve(hessian, &gradient) else { break };
        let fall: f64 = step.iter().zip(&gradient).map(|(s, g)| s * g).sum();
        if fall <= 1e-14 * value.max(1e-300) {
            break;
        }
        let mut length = 1.0;
        let moved =
            |length: f64| -> Vec<f64> { at.iter().zip(&step).map(|(at, s)| at - length * s).collect() };
        while length > 1e-10
            && objective(rows, &moved(length), &target, slope.is_none()).0 > value - 1e-4 * length * fall
        {
            length *= 0.5;
        }
        if length <= 1e-10 {
            break;
        }
        at = moved(length);
    }
    Scaling { slope: at[0], offsets: at[1..=k].to_vec() }
}

/// The value of the objective, its gradient and its second derivative, by the slope and then the offsets.
fn objective(rows: &Rows, at: &[f64], target: &[f64], free_slope: bool) -> (f64, Vec<f64>, Vec<Vec<f64>>) {
    let size = at.len();
    let k = size - 1;
    let mut value = 0.0;
    let mut gradient = vec![0.0; size];
    let mut hessian = vec![vec![0.0; size]; size];
    for place in 0..size {
        let off = at[place] - target[place];
        value += 0.5 * SHRINK * off * off;
        gradient[place] = SHRINK * off;
        hessian[place][place] = SHRINK;
    }
    // Exponentials in parallel, sums in the order of the rows.
    let mut said = vec![0.0; rows.sides.len() * (k + 1)];
    let parts = said.par_chunks_mut(ROWS_AT_ONCE * (k + 1)).zip(rows.logs.par_chunks(ROWS_AT_ONCE * k));
    parts.zip(rows.sides.par_chunks(ROWS_AT_ONCE)).for_each(|((said, logs), sides)| {
        let each = said.chunks_exact_mut(k + 1).zip(logs.chunks_exact(k)).zip(sides);
        for ((said, logs), &(class, _)) in each {
            let (q, loss) = said.split_at_mut(k);
            q.iter_mut().enumerate().for_each(|(class, u)| *u = at[0] * logs[class] + at[1 + class]);
            let (most, own) = (q.iter().copied().fold(f64::NEG_INFINITY, f64::max), q[class]);
            q.iter_mut().for_each(|u| *u = libm::exp(*u - most));
            let total: f64 = q.iter().sum();
            loss[0] = most + libm::log(total) - own;
            q.iter_mut().for_each(|q| *q /= total);
        }
    });
    let each = said.chunks_exact(k + 1).zip(rows.logs.chunks_exact(k)).zip(&rows.sides);
    for ((said, logs), &(class, weight)) in each {
        let (q, loss) = said.split_at(k);
        value += weight * loss[0];
        let mean: f64 = q.iter().zip(logs).map(|(q, log)| q * log).sum();
        gradient[0] += weight * (mean - logs[class]);
        for a in 0..k {
            gradient[1 + a] += weight * (q[a] - if a == class { 1.0 } else { 0.0 });
            hessian[0][0] += weight * q[a] * (logs[a] - mean).powi(2);
            let cross = weight * q[a] * (logs[a] - mean);
            hessian[0][1 + a] += cross;
            hessian[1 + a][0] += cross;
            hessian[1 + a][1 + a] += weight * q[a];
            for b in 0..k {
                hessian[1 + a][1 + b] -= weight * q[a] * q[b];
            }
        }
    }
    if !free_slope {
        gradient[0] = 0.0;
        hessian[0].fill(0.0);
        hessian.iter_mut().for_each(|row| row[0] = 0.0);
        hessian[0][0] = 1.0;
    }
    (value, gradient, hessian)
}

/// Solves a · x = b for a positive definite a; `None` where rounding made it singular.
fn solve(mut a: Vec<Vec<f64>>, b: &[f64]) -> Option<Vec<f64>> {
    let n = b.len();
    let mut x = b.to_vec();
    for i in 0..n {
        if a[i][i].is_nan() || a[i][i] <= 0.0 {
            return None;
        }
        for j in i + 1..n {
            let factor = a[j][i] / a[i][i];
            for column in i..n {
                a[j][column] -= factor * a[i][column];
            }
            x[j] -= factor * x[i];
        }
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|j| a[i][j] * x[j]).sum();
        x[i] = (x[i] - known) / a[i][i];
    }
    Some(x)
}

fn softmax(u: &mut [f64]) {
    let most = u.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    u.iter_mut().for_each(|u| *u = libm::exp(*u - most));
    let total: f64 = u.iter().sum();
    u.iter_mut().for_each(|e| *e /= total);
}
