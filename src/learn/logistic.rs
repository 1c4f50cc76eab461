//! The model: linear scores, and the probabilities they stand for.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::features::Operator;

/// How several classes are told apart. With two classes both are the plain binary model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// One binary model a class, each against all others; probabilities are scaled to sum to 1.
    OneVsRest,
    /// One softmax over all classes.
    Multinomial,
    /// For three classes of which the first two are polar (favor, against, none): one binary model tells
    /// whether a side is taken, a second which. With their probabilities s and t the classes have
    /// s·t, s·(1 - t) and 1 - s. Only the first is told of examples toward other targets, and only it
    /// sees the features of manner: neither has anything to say of the direction.
    TwoStage,
}

/// How much an example of a class counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeight {
    /// n / (classes · n of the class), as in scikit-learn: all classes count the same in total. In
    /// one-vs-rest the two sides of each binary model do.
    Balanced,
    /// Every example counts 1.
    None,
}

/// A fit to be made: minimise C · Σ wᵢ lossᵢ + ½ ‖W‖², the intercept free.
#[derive(Debug, Clone)]
pub struct Task<'a> {
    /// The class of each row, below `n_classes`.
    pub classes: &'a [usize],
    /// How much each row counts, from 0; empty where all count the same.
    pub weights: &'a [f64],
    /// Which rows are judged toward another target: in two stages they teach the first alone, other
    /// schemes leave them out. Empty where none is.
    pub foreign: &'a [bool],
    /// The features of manner, which the second of two stages does not see.
    pub manner: Range<usize>,
    /// Number of classes, at least 2.
    pub n_classes: usize,
    /// How the classes are told apart.
    pub scheme: Scheme,
    /// Weights of the classes.
    pub class_weight: ClassWeight,
    /// Inverse strength of the penalty, above 0.
    pub c: f64,
    /// Wanted bound of the relative gap to the optimum; see [`super::Solution::gap`].
    pub tolerance: f64,
    /// Newton or L-BFGS iterations at most.
    pub max_iterations: usize,
}

impl Task<'_> {
    /// Number of linear scores; see [`columns`].
    pub fn columns(&self) -> usize {
        columns(self.scheme, self.n_classes)
    }

    /// Whether the fit is of independent binary models, one a column.
    pub fn is_binary(&self) -> bool {
        self.n_classes == 2 || self.scheme != Scheme::Multinomial
    }

    /// Whether the fit is of two stages.
    pub fn has_stages(&self) -> bool {
        self.scheme == Scheme::TwoStage && self.n_classes == 3
    }

    /// Whether a row of class `class` is on the positive side of binary column `column`. With two
    /// classes the second is positive; in two stages the polar ones, then the first.
    pub fn positive(&self, class: usize, column: usize) -> bool {
        match (self.n_classes, self.has_stages(), column) {
            (2, ..) => class == 1,
            (_, true, 0) => class < 2,
            (_, true, _) => class == 0,
            _ => class == column,
        }
    }

    /// How much row `row` counts in column `column`, before class weights.
    fn weight(&self, row: usize, column: usize) -> f64 {
        let foreign = self.foreign.get(row).copied().unwrap_or(false);
        let taken = match (self.has_stages(), column) {
            (true, 0) => true,
            (true, _) => !foreign && self.classes[row] < 2,
            _ => !foreign,
        };
        if taken { self.weights.get(row).copied().unwrap_or(1.0) } else { 0.0 }
    }

    /// Whether a binary column has rows on one side only, and on which.
    pub(crate) fn one_sided(&self, column: usize) -> Option<bool> {
        let mut sides = [false; 2];
        for (row, &class) in self.classes.iter().enumerate() {
            if self.weight(row, column) > 0.0 {
                sides[usize::from(self.positive(class, column))] = true;
            }
        }
        if sides == [true, true] { None } else { Some(sides[1]) }
    }

    /// C · weight of each row in each column: rows of `columns` numbers. Balanced, the two sides of
    /// a binary column (the classes of a softmax) weigh the same in total.
    pub(crate) fn costs(&self) -> Vec<f64> {
        let columns = self.columns();
        let side = |class: usize, column: usize| {
            if self.is_binary() { usize::from(self.positive(class, column)) } else { class }
        };
        let mut sizes = vec![0.0; self.n_classes.max(2) * columns];
        for (row, &class) in self.classes.iter().enumerate() {
            for column in 0..columns {
                sizes[side(class, column) * columns + column] += self.weight(row, column);
            }
        }
        let share = |class: usize, column: usize| {
            let present = sizes[column..].iter().step_by(columns).filter(|&&size| size > 0.0);
            let (count, total): (f64, f64) = present.fold((0.0, 0.0), |(n, sum), size| (n + 1.0, sum + size));
            // As ever in scikit-learn: a binary column has two sides, a softmax the classes present.
            let parts = if self.is_binary() { 2.0 } else { count };
            let size = sizes[side(class, column) * columns + column];
            if size > 0.0 { total / (parts * size) } else { 1.0 }
        };
        let shares: Vec<f64> = match self.class_weight {
            ClassWeight::None => vec![1.0; self.n_classes * columns],
            ClassWeight::Balanced => (0..self.n_classes)
                .flat_map(|class| (0..columns).map(move |column| (class, column)))
                .map(|(class, column)| share(class, column))
                .collect(),
        };
        let mut costs = Vec::with_capacity(self.classes.len() * columns);
        for (row, &class) in self.classes.iter().enumerate() {
            costs.extend(
                (0..columns)
                    .map(|column| self.c * self.weight(row, column) * shares[class * columns + column]),
            );
        }
        costs
    }
}

/// Number of linear scores: 1 for two classes, 2 for two stages, else one a class.
pub fn columns(scheme: Scheme, n_classes: usize) -> usize {
    match (n_classes, scheme) {
        (2, _) => 1,
        (3, Scheme::TwoStage) => 2,
        _ => n_classes,
    }
}

/// What of the linear scores speaks for class `class`: a factor for each column.
pub fn toward(scheme: Scheme, n_classes: usize, class: usize) -> Vec<f64> {
    match (n_classes, scheme) {
        (2, _) => vec![if class == 1 { 1.0 } else { -1.0 }],
        (3, Scheme::TwoStage) => [[1.0, 1.0], [1.0, -1.0], [-1.0, 0.0]][class].to_vec(),
        _ => (0..n_classes).map(|column| if column == class { 1.0 } else { 0.0 }).collect(),
    }
}

/// Fitted weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// Number of linear scores.
    pub columns: usize,
    /// Feature by feature, `columns` numbers each.
    pub coefficients: Vec<f64>,
    /// One a column.
    pub intercepts: Vec<f64>,
}

impl Weights {
    /// No preference at all.
    pub fn zero(features: usize, columns: usize) -> Self {
        Weights { columns, coefficients: vec![0.0; features * columns], intercepts: vec![0.0; columns] }
    }

    /// The linear scores of every row of `x`, `columns` numbers each.
    pub fn scores(&self, x: &impl Operator) -> Vec<f64> {
        let mut scores = vec![0.0; x.n_rows() * self.columns];
        let mut first = 0;
        while first < self.columns {
            first += match self.columns - first {
                1 => self.some_scores::<1>(x, first, &mut scores),
                2 => self.some_scores::<2>(x, first, &mut scores),
                _ => self.some_scores::<3>(x, first, &mut scores),
            };
        }
        scores
    }

    /// The scores of `K` columns from `first` on; gives `K`.
    fn some_scores<const K: usize>(&self, x: &impl Operator, first: usize, scores: &mut [f64]) -> usize {
        let rows = self.coefficients.chunks_exact(self.columns);
        let v: Vec<[f64; K]> = rows.map(|row| std::array::from_fn(|k| row[first + k])).collect();
        let mut out = vec![[0.0; K]; x.n_rows()];
        x.forward(&v, &mut out);
        for (scores, out) in scores.chunks_exact_mut(self.columns).zip(&out) {
            for k in 0..K {
                scores[first + k] = out[k] + self.intercepts[first + k];
            }
        }
        K
    }
}

/// Class probabilities from a row's linear scores: one number a class, each above 0, summing to 1.
pub fn probabilities(scheme: Scheme, scores: &[f64]) -> Vec<f64> {
    let mut p = Vec::new();
    probabilities_of(scheme, scores, &mut p);
    p
}

/// As [`probabilities`], into `p`.
pub(crate) fn probabilities_of(scheme: Scheme, scores: &[f64], p: &mut Vec<f64>) {
    p.clear();
    match (scores, scheme) {
        ([score], _) => p.extend([sigmoid(-score), sigmoid(*score)]),
        ([side, which], Scheme::TwoStage) => {
            let taken = sigmoid(*side);
            p.extend([taken * sigmoid(*which), taken * sigmoid(-which), sigmoid(-side)]);
        }
        (_, Scheme::OneVsRest | Scheme::TwoStage) => p.extend(scores.iter().map(|&score| sigmoid(score))),
        (_, Scheme::Multinomial) => {
            let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            p.extend(scores.iter().map(|&score| libm::exp(score - most)));
        }
    }
    // Scores far apart underflow; no class is ever given a hard 0.
    normalize(p);
}

/// Scales probabilities to a sum of 1, none of them 0.
pub(crate) fn normalize(p: &mut [f64]) {
    p.iter_mut().for_each(|p| *p = p.max(1e-12));
    let sum: f64 = p.iter().sum();
    p.iter_mut().for_each(|p| *p /= sum);
}

/// The class decided on: the most probable one; in two stages first whether a side is taken, and only
/// then which, so that doubt about the side does not count for none.
pub fn decide(scheme: Scheme, probabilities: &[f64]) -> usize {
    match (scheme, probabilities) {
        (Scheme::TwoStage, [first, second, none]) if first + second > *none => usize::from(second > first),
        (Scheme::TwoStage, [_, _, _]) => 2,
        _ => most_probable(probabilities),
    }
}

/// The class of the highest probability; the first of equals.
pub fn most_probable(probabilities: &[f64]) -> usize {
    let mut best = 0;
    for (class, &p) in probabilities.iter().enumerate() {
        if p > probabilities[best] {
            best = class;
        }
    }
    best
}

/// 1 / (1 + exp(-x)), without overflow.
pub(crate) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + libm::exp(-x))
    } else {
        let e = libm::exp(x);
        e / (1.0 + e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn probabilities_sum_to_one_and_are_never_zero(scores in prop::collection::vec(-800.0..800.0_f64, 1..5)) {
            for scheme in [Scheme::OneVsRest, Scheme::Multinomial] {
                let p = probabilities(scheme, &scores);
                prop_assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                prop_assert!(p.iter().all(|&p| p > 0.0));
            }
        }
    }
}
