//! What a prediction is worth: metrics over a fixed set of classes, from labels and predictions only.
//!
//! # Undefined is not zero
//!
//! A metric whose denominator is zero is `None`, never 0 and never 1. With `tp`, `fp`, `fn` the
//! true positives, false positives and false negatives of one class:
//!
//! | metric | formula | undefined when |
//! |---|---|---|
//! | precision | `tp / (tp + fp)` | the class was never predicted |
//! | recall | `tp / (tp + fn)` | the class never occurs |
//! | F1 | `2 tp / (2 tp + fp + fn)` | the class neither occurs nor was predicted |
//! | macro-F1 | mean of the defined F1 | no class has an F1 |
//! | `SemEval` F | mean F1 of the two polar classes | one of the two F1 is undefined |
//! | accuracy | right / all | there is no row |
//! | MCC | see [`Confusion::mcc`] | truth or prediction has one value only |
//!
//! So F1 is 0 for a class that occurs and was never predicted, although its precision is undefined.
//! Precision, recall, F1 and macro-F1 agree with scikit-learn (1.3 and later) called with
//! `labels=..., zero_division=nan`, whose macro average also leaves undefined classes out; how many
//! classes went into the average is reported beside it. Two deviations, both on purpose:
//! scikit-learn calls an undefined MCC 0, and its average over the two polar classes alone would
//! quietly become the F1 of one of them ([`Confusion::macro_f1_of`] gives that number, and says that
//! it is of one class).
//!
//! # Input that does not fit
//!
//! Nothing here panics. A pair with a class index outside `0..k` is not counted, nor is a row that
//! has a truth or a prediction only; `n` always says how many rows were counted. Probability metrics
//! are all or nothing: see [`log_loss`].

use serde::{Deserialize, Serialize};

use crate::label::Axis;

/// Number of equal-width confidence bins of [`ece`].
pub const ECE_BINS: usize = 15;

/// How far from 1 the sum of a row of probabilities may be.
const SUM_TOLERANCE: f64 = 1e-3;

/// How often each class was taken for each class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confusion {
    k: usize,
    /// Row: true class, column: predicted class; `k * k` counts, row by row.
    counts: Vec<u64>,
}

impl Confusion {
    /// `k` classes, nothing counted yet. O(k²).
    pub fn new(k: usize) -> Self {
        Confusion { k, counts: vec![0; k * k] }
    }

    /// The counts of all pairs of true and predicted class; rows beyond the shorter slice and pairs
    /// with an index outside `0..k` are left out. O(k² + rows).
    pub fn from_pairs(k: usize, truth: &[usize], predicted: &[usize]) -> Self {
        let mut confusion = Confusion::new(k);
        for (&truth, &predicted) in truth.iter().zip(predicted) {
            confusion.add(truth, predicted);
        }
        confusion
    }

    /// Counts one row. An index outside `0..k` leaves everything as it was. O(1).
    pub fn add(&mut self, truth: usize, predicted: usize) {
        if truth < self.k && predicted < self.k {
            let count = &mut self.counts[truth * self.k + predicted];
            *count = count.saturating_add(1);
        }
    }

    /// Adds all that `other` has counted. A matrix of another `k` leaves everything as it was.
    /// O(k²).
    pub fn merge(&mut self, other: &Confusion) {
        if self.k == other.k {
            self.add_counts(&other.counts, 1);
        }
    }

    /// Adds counts `times` over, cell by cell: the inner loop of the bootstrap.
    pub(super) fn add_counts(&mut self, counts: &[u64], times: u64) {
        for (sum, &count) in self.counts.iter_mut().zip(counts) {
            *sum = sum.saturating_add(count.saturating_mul(times));
        }
    }

    /// Back to nothing counted, without giving memory back.
    pub(super) fn clear(&mut self) {
        self.counts.fill(0);
    }

    /// The number of classes.
    pub fn k(&self) -> usize {
        self.k
    }

    /// All counts, row by row (row: true class, column: predicted class); `k * k` of them.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// How often the class `truth` was taken for the class `predicted`; 0 outside `0..k`.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        if truth < self.k && predicted < self.k { self.counts[truth * self.k + predicted] } else { 0 }
    }

    /// The number of rows counted.
    pub fn n(&self) -> u64 {
        sum(self.counts.iter().copied())
    }

    /// How often `class` occurs (its support); 0 outside `0..k`. O(k).
    pub fn support(&self, class: usize) -> u64 {
        sum((0..self.k).map(|other| self.count(class, other)))
    }

    /// How often `class` was predicted; 0 outside `0..k`. O(k).
    pub fn predicted(&self, class: usize) -> u64 {
        sum((0..self.k).map(|other| self.count(other, class)))
    }

    /// The share of rows that are right, in `[0, 1]`; `None` without rows.
    pub fn accuracy(&self) -> Option<f64> {
        ratio(sum((0..self.k).map(|class| self.count(class, class))), self.n())
    }

    /// `tp / (tp + fp)`, in `[0, 1]`; `None` when the class was never predicted.
    pub fn precision(&self, class: usize) -> Option<f64> {
        ratio(self.count(class, class), self.predicted(class))
    }

    /// `tp / (tp + fn)`, in `[0, 1]`; `None` when the class never occurs.
    pub fn recall(&self, class: usize) -> Option<f64> {
        ratio(self.count(class, class), self.support(class))
    }

    /// `2 tp / (2 tp + fp + fn)`, in `[0, 1]`; `None` when the class neither occurs nor was predicted.
    pub fn f1(&self, class: usize) -> Option<f64> {
        let all = self.support(class).saturating_add(self.predicted(class));
        ratio(self.count(class, class).saturating_mul(2), all)
    }

    /// The mean F1, in `[0, 1]`, of those classes that have one, and how many these are; `None`
    /// when none has. As scikit-learn's `f1_score(average="macro", zero_division=nan)`.
    pub fn macro_f1(&self) -> Option<(f64, usize)> {
        self.mean_f1(0..self.k)
    }

    /// As [`Confusion::macro_f1`], over the given classes only (scikit-learn's `labels=`; a class
    /// that is given twice counts twice).
    pub fn macro_f1_of(&self, classes: &[usize]) -> Option<(f64, usize)> {
        self.mean_f1(classes.iter().copied())
    }

    fn mean_f1(&self, classes: impl Iterator<Item = usize>) -> Option<(f64, usize)> {
        let (total, defined) = classes
            .filter_map(|class| self.f1(class))
            .fold((0.0, 0), |(total, defined), f1| (total + f1, defined + 1));
        (defined > 0).then(|| (total / defined as f64, defined))
    }

    /// The mean F1 of the two polar classes, in `[0, 1]`; `None` when either F1 is undefined.
    ///
    /// The official measure of `SemEval`-2016 Task 6 (Mohammad, Kiritchenko, Sobhani, Zhu and Cherry
    /// 2016, "`SemEval`-2016 Task 6: Detecting Stance in Tweets"): the third class counts by what is
    /// wrongly drawn from it or put into it. The whole of the given rows is pooled, as there.
    pub fn semeval_f(&self, polar: [usize; 2]) -> Option<f64> {
        Some(f64::midpoint(self.f1(polar[0])?, self.f1(polar[1])?))
    }

    /// Matthews' correlation of truth and prediction for any number of classes, in `[-1, 1]`; 0 is
    /// chance. `None` when the truth or the prediction has only one value (or there is no row).
    ///
    /// `(c s - Σ t p) / sqrt((s² - Σ t²) (s² - Σ p²))` over the classes, with `s` rows, `c` of them
    /// right, `t` a class's support and `p` how often it was predicted: R_K of Gorodkin 2004,
    /// "Comparing two K-category assignments by a K-category correlation coefficient",
    /// Computational Biology and Chemistry 28. O(k²).
    #[allow(clippy::doc_markdown)] // R_K is no identifier
    pub fn mcc(&self) -> Option<f64> {
        let margins: Vec<(u64, u64)> =
            (0..self.k).map(|class| (self.support(class), self.predicted(class))).collect();
        let varied = |side: fn(&(u64, u64)) -> u64| margins.iter().filter(|&m| side(m) > 0).count() > 1;
        if !varied(|m| m.0) || !varied(|m| m.1) {
            return None;
        }
        let s = self.n() as f64;
        let right = sum((0..self.k).map(|class| self.count(class, class))) as f64;
        let over = |product: fn(f64, f64) -> f64| -> f64 {
            margins.iter().map(|&(t, p)| product(t as f64, p as f64)).sum()
        };
        let both = right * s - over(|t, p| t * p);
        let of_truth = s * s - over(|t, _| t * t);
        let of_prediction = s * s - over(|_, p| p * p);
        Some((both / (of_truth * of_prediction).sqrt()).clamp(-1.0, 1.0))
    }
}

fn sum(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The metrics of one class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassMetrics {
    /// The class's name.
    pub class: String,
    /// How often it occurs (support).
    pub n: u64,
    /// How often it was predicted.
    pub predicted: u64,
    /// [`Confusion::precision`].
    pub precision: Option<f64>,
    /// [`Confusion::recall`].
    pub recall: Option<f64>,
    /// [`Confusion::f1`].
    pub f1: Option<f64>,
}

/// All metrics of one axis. What is undefined is `None`; see the module.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metrics {
    /// The number of rows counted.
    pub n: u64,
    /// [`Confusion::accuracy`].
    pub accuracy: Option<f64>,
    /// [`Confusion::macro_f1`].
    pub macro_f1: Option<f64>,
    /// How many classes [`Metrics::macro_f1`] is the mean of: those that occur or were predicted.
    pub macro_f1_classes: usize,
    /// [`Confusion::semeval_f`]; also `None` when the axis has no polar classes.
    pub semeval_f: Option<f64>,
    /// [`Confusion::mcc`].
    pub mcc: Option<f64>,
    /// The single classes, in the axis's order.
    pub classes: Vec<ClassMetrics>,
    /// [`brier`]; also `None` without probabilities.
    pub brier: Option<f64>,
    /// [`log_loss`]; also `None` without probabilities.
    pub log_loss: Option<f64>,
    /// [`ece`]; also `None` without probabilities.
    pub ece: Option<f64>,
}

/// All metrics of one axis.
///
/// `truth` and `predicted` hold a class index per row, `probabilities` a row of one probability per
/// class of the axis. What does not fit is left out, as the module says. O(k² + rows · k).
pub fn measure(
    axis: &Axis,
    truth: &[usize],
    predicted: &[usize],
    probabilities: Option<&[Vec<f64>]>,
) -> Metrics {
    let k = axis.classes.len();
    let confusion = Confusion::from_pairs(k, truth, predicted);
    let macro_f1 = confusion.macro_f1();
    let probabilities = probabilities.filter(|rows| rows.iter().all(|row| row.len() == k));
    Metrics {
        n: confusion.n(),
        accuracy: confusion.accuracy(),
        macro_f1: macro_f1.map(|(mean, _)| mean),
        macro_f1_classes: macro_f1.map_or(0, |(_, classes)| classes),
        semeval_f: axis.polar_indices().and_then(|polar| confusion.semeval_f(polar)),
        mcc: confusion.mcc(),
        classes: (axis.classes.iter().enumerate())
            .map(|(class, name)| ClassMetrics {
                class: name.clone(),
                n: confusion.support(class),
                predicted: confusion.predicted(class),
                precision: confusion.precision(class),
                recall: confusion.recall(class),
                f1: confusion.f1(class),
            })
            .collect(),
        brier: probabilities.and_then(|rows| brier(truth, rows)),
        log_loss: probabilities.and_then(|rows| log_loss(truth, rows)),
        ece: probabilities.and_then(|rows| ece(truth, rows)),
    }
}

/// Whether `probabilities` are what every probability metric needs.
fn are_distributions(truth: &[usize], probabilities: &[Vec<f64>]) -> bool {
    !truth.is_empty()
        && truth.len() == probabilities.len()
        && truth.iter().zip(probabilities).all(|(&class, row)| {
            class < row.len()
                && row.len() == probabilities[0].len()
                && row.iter().all(|p| *p >= 0.0) // false for NaN too
                && (row.iter().sum::<f64>() - 1.0).abs() <= SUM_TOLERANCE
        })
}

/// The mean over the rows, if all of them are distributions.
fn mean_over_rows(
    truth: &[usize],
    probabilities: &[Vec<f64>],
    loss: impl Fn(usize, &[f64]) -> f64,
) -> Option<f64> {
    are_distributions(truth, probabilities).then(|| {
        let total: f64 = truth.iter().zip(probabilities).map(|(&class, row)| loss(class, row)).sum();
        total / truth.len() as f64
    })
}

/// The mean of `-ln p(true class)`, at least 0; lower is better.
///
/// A probability is first clipped to `[ε, 1 - ε]` with ε = 2⁻⁵², as scikit-learn's `log_loss` does,
/// so that one certain error costs 36.04 and not infinity.
///
/// `None`, as for [`brier`] and [`ece`], unless there is at least one row, `truth` and
/// `probabilities` have as many rows, all rows of `probabilities` have the same length, with the
/// true class in it, no value is negative or NaN, and every row sums to 1 within 0.001: a mean over
/// only those rows that happen to fit would be a number about something else. O(rows · k).
pub fn log_loss(truth: &[usize], probabilities: &[Vec<f64>]) -> Option<f64> {
    mean_over_rows(truth, probabilities, |class, row| {
        -row[class].clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
    })
}

/// The Brier score for several classes, in `[0, 2]`; lower is better: the mean over the rows of the
/// sum over the classes of `(p - [class is true])²`.
///
/// Brier 1950, "Verification of forecasts expressed in terms of probability", Monthly Weather Review
/// 78; scikit-learn's `brier_score_loss(scale_by_half=False)`. `None` as for
/// [`log_loss`]. O(rows · k).
pub fn brier(truth: &[usize], probabilities: &[Vec<f64>]) -> Option<f64> {
    mean_over_rows(truth, probabilities, |class, row| {
        row.iter().enumerate().map(|(c, p)| (p - f64::from(u8::from(c == class))).powi(2)).sum()
    })
}

/// The expected calibration error, in `[0, 1]`; lower is better.
///
/// The confidence of a row is its greatest probability, and the row is right if the class that has
/// it (the first of several) is the true one. The rows are put into [`ECE_BINS`] bins of equal
/// width, `((m - 1)/15, m/15]`, and the result is the mean over the bins, weighted by their rows, of
/// `|share of right rows - mean confidence|`: Guo, Pleiss, Sun and Weinberger 2017, "On Calibration
/// of Modern Neural Networks", ICML, formula (3).
///
/// It is biased upward where bins hold few rows; read it beside [`brier`], which is proper. `None`
/// as for [`log_loss`]. O(rows · k).
pub fn ece(truth: &[usize], probabilities: &[Vec<f64>]) -> Option<f64> {
    let bins = reliability(truth, probabilities)?;
    // |right / n - confidence / n| * n / all = |right - confidence| / all
    let surplus = bins.iter().map(|bin| (bin.accuracy - bin.confidence).abs() * bin.n as f64);
    Some(surplus.sum::<f64>() / truth.len() as f64)
}

/// One bin of a reliability table: rows of about the same confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Rows in it, at least 1.
    pub n: usize,
    /// Their mean confidence, in `[0, 1]`.
    pub confidence: f64,
    /// The share of them whose most probable class was the true one, in `[0, 1]`.
    pub accuracy: f64,
}

/// The reliability table behind [`ece`]: its bins that hold rows, by rising confidence. Calibrated
/// probabilities have `accuracy` near `confidence` in every one. `None` as for [`log_loss`]. O(rows · k).
pub fn reliability(truth: &[usize], probabilities: &[Vec<f64>]) -> Option<Vec<Bin>> {
    if !are_distributions(truth, probabilities) {
        return None;
    }
    let mut bins = [(0_usize, 0.0, 0_usize); ECE_BINS];
    for (&class, row) in truth.iter().zip(probabilities) {
        let (mut top, mut confidence) = (0, 0.0);
        for (candidate, &p) in row.iter().enumerate() {
            if p > confidence {
                (top, confidence) = (candidate, p);
            }
        }
        let bin = &mut bins[(1..ECE_BINS).filter(|&m| m as f64 / (ECE_BINS as f64) < confidence).count()];
        *bin = (bin.0 + 1, bin.1 + confidence, bin.2 + usize::from(top == class));
    }
    let bins = bins.iter().filter(|bin| bin.0 > 0);
    let of = |&(n, confidence, right): &(usize, f64, usize)| Bin {
        n,
        confidence: confidence / n as f64,
        accuracy: right as f64 / n as f64,
    };
    Some(bins.map(of).collect())
}

/// The area under the ROC curve of a score for one of two classes, in `[0, 1]`: the probability
/// that a random positive row has a higher score than a random negative one, ties counted half.
///
/// By ranks: `(R - n₊ (n₊ + 1) / 2) / (n₊ n₋)`, `R` being the sum of the positive rows' mid-ranks
/// (Mann and Whitney 1947; Hanley and `McNeil` 1982, Radiology 143).
///
/// `None` when a class is absent, a score is NaN, or the slices differ in length. Infinite scores
/// are in order. O(rows · log rows).
pub fn auc(positive: &[bool], scores: &[f64]) -> Option<f64> {
    let n = positive.len();
    let positives = positive.iter().filter(|&&p| p).count();
    if n != scores.len() || positives == 0 || positives == n || scores.iter().any(|s| s.is_nan()) {
        return None;
    }
    let mut rows: Vec<(f64, bool)> = scores.iter().copied().zip(positive.iter().copied()).collect();
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    // Twice the number of (positive, negative) pairs in the right order: a whole number, so exact.
    let mut twice: u128 = 0;
    let mut negatives_below: u128 = 0;
    for tied in rows.chunk_by(|a, b| a.0 == b.0) {
        let up = tied.iter().filter(|row| row.1).count() as u128;
        let down = tied.len() as u128 - up;
        twice += up * (2 * negatives_below + down);
        negatives_below += down;
    }
    Some(twice as f64 / 2.0 / (positives as f64 * (n - positives) as f64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All golden numbers: scikit-learn 1.9.1, with `labels=range(k)` and `zero_division=nan`.
    fn assert_close(got: Option<f64>, golden: f64) {
        match got {
            Some(got) => assert!((got - golden).abs() < 1e-12, "got {got}, golden {golden}"),
            None => assert!(golden.is_nan(), "undefined, golden {golden}"),
        }
        assert_eq!(got.is_none(), golden.is_nan(), "got {got:?}, golden {golden}");
    }

    fn assert_classes(confusion: &Confusion, precision: &[f64], recall: &[f64], f1: &[f64]) {
        for class in 0..confusion.k() {
            assert_close(confusion.precision(class), precision[class]);
            assert_close(confusion.recall(class), recall[class]);
            assert_close(confusion.f1(class), f1[class]);
        }
    }

    const TRUTH: [usize; 24] = [2, 0, 2, 1, 0, 1, 2, 0, 0, 1, 2, 2, 2, 0, 1, 0, 0, 1, 2, 2, 1, 2, 0, 0];
    const PREDICTED: [usize; 24] = [2, 0, 2, 0, 0, 2, 2, 0, 0, 1, 1, 2, 2, 2, 1, 1, 0, 1, 1, 2, 1, 2, 0, 0];

    /// `PREDICTED` is their argmax; row 3 is certain and wrong.
    fn probabilities() -> Vec<Vec<f64>> {
        [
            [0.09, 0.04, 0.87],
            [0.98, 0.01, 0.01],
            [0.17, 0.27, 0.56],
            [1.0, 0.0, 0.0],
            [0.75, 0.0, 0.25],
            [0.09, 0.44, 0.47],
            [0.29, 0.12, 0.59],
            [0.63, 0.2, 0.17],
            [0.67, 0.0, 0.33],
            [0.02, 0.71, 0.27],
            [0.13, 0.62, 0.25],
            [0.15, 0.18, 0.67],
            [0.05, 0.33, 0.62],
            [0.24, 0.08, 0.68],
            [0.33, 0.47, 0.2],
            [0.0, 0.52, 0.48],
            [0.64, 0.02, 0.34],
            [0.19, 0.56, 0.25],
            [0.05, 0.49, 0.46],
            [0.16, 0.27, 0.57],
            [0.03, 0.93, 0.04],
            [0.1, 0.44, 0.46],
            [0.5, 0.12, 0.38],
            [0.53, 0.33, 0.14],
        ]
        .map(|row| row.to_vec())
        .to_vec()
    }

    #[test]
    fn three_classes_agree_with_scikit_learn() {
        let got = measure(&Axis::stance(), &TRUTH, &PREDICTED, Some(&probabilities()));
        let confusion = Confusion::from_pairs(3, &TRUTH, &PREDICTED);
        // confusion_matrix
        assert_eq!(confusion.counts(), [7, 1, 1, 1, 4, 1, 0, 2, 7]);
        // precision_score, recall_score, f1_score (average=None)
        assert_classes(
            &confusion,
            &[0.875, 0.5714285714285714, 0.7777777777777778],
            &[0.7777777777777778, 0.6666666666666666, 0.7777777777777778],
            &[0.8235294117647058, 0.6153846153846154, 0.7777777777777778],
        );
        assert_eq!(got.n, 24);
        assert_close(got.accuracy, 0.75); // accuracy_score
        assert_close(got.macro_f1, 0.738897268309033); // f1_score(average="macro")
        assert_eq!(got.macro_f1_classes, 3);
        assert_close(got.semeval_f, 0.7194570135746606); // f1_score(labels=[0, 1], average="macro")
        assert_close(got.mcc, 0.62369284899125); // matthews_corrcoef
        assert_close(got.log_loss, 3.5273630691385236); // log_loss
        assert_close(got.brier, 0.45059999999999995); // brier_score_loss(scale_by_half=False)
        // calibration_curve(right, confidence, n_bins=15), |difference| weighted by the bins' rows
        assert_close(got.ece, 0.18624999999999997);
        let against = &got.classes[1];
        assert_eq!((against.class.as_str(), against.n, against.predicted), ("against", 6, 7));
    }

    #[test]
    fn five_classes_agree_with_scikit_learn() {
        let truth = [
            3, 3, 0, 1, 4, 2, 4, 3, 4, 1, 3, 1, 3, 2, 1, 0, 4, 0, 0, 4, 3, 3, 3, 2, 1, 4, 2, 1, 4, 0, 1, 4,
            4, 4, 3, 1, 0, 3, 3, 0,
        ];
        let predicted = [
            0, 3, 2, 1, 1, 0, 3, 3, 2, 1, 0, 2, 0, 0, 3, 3, 2, 3, 1, 4, 1, 3, 2, 3, 2, 0, 1, 3, 1, 4, 1, 3,
            0, 1, 1, 4, 2, 2, 1, 1,
        ];
        let confusion = Confusion::from_pairs(5, &truth, &predicted);
        // confusion_matrix, accuracy_score, precision_score, recall_score, f1_score, matthews_corrcoef
        assert_eq!(
            confusion.counts(),
            [0, 2, 2, 2, 1, 0, 3, 2, 2, 1, 2, 1, 0, 1, 0, 3, 3, 2, 3, 0, 2, 3, 2, 2, 1]
        );
        assert_close(confusion.accuracy(), 0.175);
        assert_classes(
            &confusion,
            &[0.0, 0.25, 0.0, 0.3, 0.3333333333333333],
            &[0.0, 0.375, 0.0, 0.2727272727272727, 0.1],
            &[0.0, 0.3, 0.0, 0.2857142857142857, 0.15384615384615385],
        );
        assert_close(confusion.macro_f1().map(|m| m.0), 0.1479120879120879);
        assert_close(confusion.mcc(), -0.02979127824245356);
    }

    #[test]
    fn absent_classes_agree_with_scikit_learn() {
        // Class 1 is never predicted, class 2 never occurs, class 3 is in neither.
        let confusion = Confusion::from_pairs(4, &[0, 0, 1, 1, 1, 0, 0, 1], &[0, 2, 0, 2, 2, 0, 0, 0]);
        let nan = f64::NAN;
        // precision_score, recall_score, f1_score (average=None), accuracy_score, matthews_corrcoef
        assert_classes(
            &confusion,
            &[0.6, nan, 0.0, nan],
            &[0.75, 0.0, nan, nan],
            &[0.6666666666666666, 0.0, 0.0, nan],
        );
        assert_close(confusion.accuracy(), 0.375);
        assert_close(confusion.mcc(), 0.12909944487358055);
        let (macro_f1, classes) = confusion.macro_f1().unwrap();
        assert_close(Some(macro_f1), 0.2222222222222222); // f1_score(average="macro")
        assert_eq!(classes, 3);
        assert_close(confusion.semeval_f([0, 1]), 0.3333333333333333); // f1_score(labels=[0, 1], ...)
    }

    #[test]
    fn semeval_f_is_undefined_when_one_of_its_classes_is() {
        let (truth, predicted) = ([1, 1, 2, 2, 1], [1, 2, 2, 2, 1]);
        let confusion = Confusion::from_pairs(3, &truth, &predicted);
        assert_eq!(confusion.semeval_f([0, 1]), None);
        // f1_score(labels=[0, 1], average="macro") is 0.8: the F1 of one class, and we say so.
        assert_eq!(confusion.macro_f1_of(&[0, 1]), Some((0.8, 1)));
        assert_close(confusion.mcc(), 0.6666666666666666); // matthews_corrcoef
    }

    #[test]
    fn mcc_is_undefined_when_truth_or_prediction_has_one_value() {
        for (truth, predicted) in [([1, 1, 1], [1, 1, 1]), ([1, 1, 1], [0, 1, 2]), ([0, 1, 2], [1, 1, 1])] {
            let confusion = Confusion::from_pairs(3, &truth, &predicted);
            assert_eq!(confusion.mcc(), None);
        }
        assert_eq!(Confusion::from_pairs(3, &[0, 1, 2], &[0, 1, 2]).mcc(), Some(1.0));
    }

    #[test]
    fn without_rows_every_metric_is_undefined() {
        let got = measure(&Axis::stance(), &[], &[], Some(&[]));
        assert_eq!(got.n, 0);
        assert_eq!(got.macro_f1_classes, 0);
        let all = [got.accuracy, got.macro_f1, got.semeval_f, got.mcc, got.brier, got.log_loss, got.ece];
        assert!(all.iter().all(Option::is_none), "{got:?}");
        assert!(got.classes.iter().all(|c| c.precision.or(c.recall).or(c.f1).is_none()));
    }

    #[test]
    fn an_undefined_metric_is_written_as_null() {
        let got = measure(&Axis::stance(), &[1], &[1], None);
        let json = serde_json::to_value(&got).unwrap();
        assert!(json["semeval_f"].is_null() && json["classes"][0]["f1"].is_null() && json["ece"].is_null());
        assert_eq!(json["macro_f1"], 1.0);
        assert_eq!(json["macro_f1_classes"], 1);
    }

    #[test]
    fn an_axis_without_polar_classes_has_no_semeval_f() {
        let axis = Axis::named("tone", &["calm".to_owned(), "loud".to_owned()]);
        assert_eq!(measure(&axis, &[0, 1], &[0, 1], None).semeval_f, None);
    }

    #[test]
    fn rows_outside_the_label_set_are_not_counted() {
        let got = measure(&Axis::stance(), &[0, 1, 9, 2], &[0, 7, 1], None);
        assert_eq!(got.n, 1);
        assert_eq!(got.accuracy, Some(1.0));
    }

    #[test]
    fn what_is_no_distribution_has_no_probability_metric() {
        let good = vec![0.5, 0.3, 0.2];
        let bad: [&[f64]; 6] = [
            &[0.5, 0.3],
            &[0.5, 0.3, 0.3],
            &[1.2, -0.2, 0.0],
            &[f64::NAN, 0.5, 0.5],
            &[f64::INFINITY, 0.0, 0.0],
            &[],
        ];
        for bad in bad {
            let rows = [good.clone(), bad.to_vec()];
            let got = measure(&Axis::stance(), &[0, 0], &[0, 0], Some(&rows));
            assert_eq!((got.brier, got.log_loss, got.ece), (None, None, None), "{bad:?}");
            assert_eq!(got.accuracy, Some(1.0));
        }
        assert_eq!(log_loss(&[0], &[good.clone(), good.clone()]), None);
        assert_eq!(brier(&[3], std::slice::from_ref(&good)), None);
        assert_eq!(ece(&[], &[]), None);
        // Rounding as of single precision is no fault.
        assert!(log_loss(&[0], &[vec![1.0 + 1e-7, 0.0, 1e-7]]).is_some_and(|loss| loss >= 0.0));
    }

    #[test]
    fn a_perfectly_confident_and_right_prediction_costs_nothing() {
        let rows = [vec![1.0, 0.0], vec![0.0, 1.0]];
        assert_eq!(brier(&[0, 1], &rows), Some(0.0));
        assert_eq!(ece(&[0, 1], &rows), Some(0.0));
        assert!(log_loss(&[0, 1], &rows).unwrap() < 1e-15);
        assert_eq!(brier(&[1, 0], &rows), Some(2.0));
    }

    #[test]
    fn auc_agrees_with_scikit_learn() {
        // roc_auc_score(t == class, P[:, class])
        for (class, golden) in [(0, 0.8148148148148148), (1, 0.7731481481481481), (2, 0.8592592592592593)] {
            let positive = TRUTH.map(|t| t == class);
            let scores: Vec<f64> = probabilities().iter().map(|row| row[class]).collect();
            assert_close(auc(&positive, &scores), golden);
        }
        // roc_auc_score([0, 0, 1, 1, 1, 0, 0, 1, 1, 0], scores)
        let positive = [0, 0, 1, 1, 1, 0, 0, 1, 1, 0].map(|y| y == 1);
        assert_close(auc(&positive, &[0.1, 0.4, 0.4, 0.4, 0.8, 0.8, 0.2, 0.9, 0.1, 0.5]), 0.6);
    }

    #[test]
    fn auc_needs_both_classes_and_ordered_scores() {
        assert_eq!(auc(&[], &[]), None);
        assert_eq!(auc(&[true, true], &[0.1, 0.2]), None);
        assert_eq!(auc(&[false, false], &[0.1, 0.2]), None);
        assert_eq!(auc(&[true, false], &[0.1]), None);
        assert_eq!(auc(&[true, false], &[0.1, f64::NAN]), None);
        assert_eq!(auc(&[true, false], &[0.0, -0.0]), Some(0.5));
        assert_eq!(auc(&[true, false], &[f64::INFINITY, f64::NEG_INFINITY]), Some(1.0));
    }

    proptest! {
        #[test]
        fn metrics_stay_in_their_ranges(pairs in prop::collection::vec((0usize..5, 0usize..5), 0..60)) {
            let (truth, predicted): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            let confusion = Confusion::from_pairs(4, &truth, &predicted);
            let unit = |m: Option<f64>| m.is_none_or(|m| (0.0..=1.0).contains(&m));
            for class in 0..6 {
                prop_assert!(unit(confusion.precision(class)) && unit(confusion.recall(class)));
                prop_assert!(unit(confusion.f1(class)));
            }
            prop_assert!(unit(confusion.accuracy()) && unit(confusion.semeval_f([0, 9])));
            prop_assert!(confusion.mcc().is_none_or(|m| (-1.0..=1.0).contains(&m)));
        }

        #[test]
        fn auc_is_the_share_of_pairs_in_order(rows in prop::collection::vec((any::<bool>(), 0i8..8), 0..40)) {
            let positive: Vec<bool> = rows.iter().map(|row| row.0).collect();
            let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.1)).collect();
            let (mut pairs, mut ordered) = (0.0, 0.0);
            for (_, up) in rows.iter().filter(|row| row.0) {
                for (_, down) in rows.iter().filter(|row| !row.0) {
                    pairs += 1.0;
                    ordered += f64::midpoint(f64::from(u8::from(up > down)), f64::from(u8::from(up >= down)));
                }
            }
            prop_assert_eq!(auc(&positive, &scores), (pairs > 0.0).then(|| ordered / pairs));
        }

        #[test]
        fn the_matrix_of_all_rows_is_the_sum_of_the_matrices_of_parts(
            pairs in prop::collection::vec((0usize..3, 0usize..3), 0..40), cut in 0usize..40,
        ) {
            let (truth, predicted): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            let cut = cut.min(truth.len());
            let mut parts = Confusion::from_pairs(3, &truth[..cut], &predicted[..cut]);
            parts.merge(&Confusion::from_pairs(3, &truth[cut..], &predicted[cut..]));
            parts.merge(&Confusion::new(7));
            prop_assert_eq!(parts, Confusion::from_pairs(3, &truth, &predicted));
        }
    }
}
