//! The model: linear scores, and the probabilities they stand for.

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
    /// Number of classes, at least 2.
    pub n_classes: usize,
    /// One-vs-rest or multinomial.
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
    /// Number of linear scores: 1 for two classes, else one a class.
    pub fn columns(&self) -> usize {
        if self.n_classes == 2 { 1 } else { self.n_classes }
    }

    /// Whether the fit is of independent binary models, one a column.
    pub fn is_binary(&self) -> bool {
        self.n_classes == 2 || self.scheme == Scheme::OneVsRest
    }

    /// Whether a row of class `class` is on the positive side of binary column `column`. With two
    /// classes the second is positive.
    pub fn positive(&self, class: usize, column: usize) -> bool {
        class == if self.n_classes == 2 { 1 } else { column }
    }

    /// C · weight of a row of each class, in each column: (classes x columns).
    pub(crate) fn costs(&self) -> Vec<Vec<f64>> {
        let n = self.classes.len() as f64;
        let mut sizes = vec![0.0; self.n_classes];
        for &class in self.classes {
            sizes[class] += 1.0;
        }
        let cost = |class: usize, column: usize| match self.class_weight {
            ClassWeight::None => self.c,
            ClassWeight::Balanced if self.is_binary() => {
                let size: f64 = (0..self.n_classes)
                    .filter(|&other| self.positive(other, column) == self.positive(class, column))
                    .map(|other| sizes[other])
                    .sum();
                if size > 0.0 { self.c * n / (2.0 * size) } else { self.c }
            }
            // Classes without an example are left out of the count, as in scikit-learn.
            ClassWeight::Balanced => {
                let present = sizes.iter().filter(|&&size| size > 0.0).count() as f64;
                if sizes[class] > 0.0 { self.c * n / (present * sizes[class]) } else { self.c }
            }
        };
        (0..self.n_classes)
            .map(|class| (0..self.columns()).map(|column| cost(class, column)).collect())
            .collect()
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
        let (mut v, mut out) = (vec![[0.0]; x.n_features()], vec![[0.0]; x.n_rows()]);
        for column in 0..self.columns {
            for (v, row) in v.iter_mut().zip(self.coefficients.chunks_exact(self.columns)) {
                *v = [row[column]];
            }
            x.forward(&v, &mut out);
            for (scores, [score]) in scores.chunks_exact_mut(self.columns).zip(&out) {
                scores[column] = score + self.intercepts[column];
            }
        }
        scores
    }
}

/// Class probabilities from a row's linear scores: one number a class, each above 0, summing to 1.
pub fn probabilities(scheme: Scheme, scores: &[f64]) -> Vec<f64> {
    let mut p: Vec<f64> = match (scores, scheme) {
        ([score], _) => vec![sigmoid(-score), sigmoid(*score)],
        (_, Scheme::OneVsRest) => scores.iter().map(|&score| sigmoid(score)).collect(),
        (_, Scheme::Multinomial) => {
            let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            scores.iter().map(|&score| libm::exp(score - most)).collect()
        }
    };
    // Scores far apart underflow; no class is ever given a hard 0.
    for p in &mut p {
        *p = p.max(1e-12);
    }
    let sum: f64 = p.iter().sum();
    p.iter().map(|p| p / sum).collect()
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

/// ln(1 + exp(x)), without overflow.
pub(crate) fn softplus(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
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
