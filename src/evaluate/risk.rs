//! What abstaining is worth: the error among the documents that are kept, as fewer are kept, and
//! counts of what was abstained from.
//!
//! # The curve
//!
//! Rows are kept from the surest downward. The share kept is the coverage, the share of wrong rows
//! among those kept is the (selective) risk: El-Yaniv and Wiener 2010, "On the foundations of noise-free
//! selective classification", JMLR 11; Geifman and El-Yaniv 2017, "Selective classification for deep
//! neural networks", NIPS. The area under this curve, AURC, is the mean over i = 1, …, n of the risk of
//! the i surest rows; its excess is what it has over the area of the best possible order: Geifman,
//! Uziel and El-Yaniv 2019, "Bias-reduced uncertainty estimation for deep neural classifiers", ICLR. The
//! area mixes how often the rows are right with how well they are ordered; the excess is 0 where every
//! right row is surer than every wrong one, however many are wrong.
//!
//! # Ties
//!
//! A threshold keeps or drops rows of equal confidence together, so the curve has points only where a
//! tie ends. For the area, the risk within a tie is its mean over all orders of the tied rows. The order
//! of input therefore does not matter.
//!
//! Every row counts the same, so a common class has more of a say: see [`Abstentions::classes`] for
//! what becomes of a rare one.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::label::Axis;

/// Most points of [`RiskCoverage::points`].
pub const MOST_POINTS: usize = 50;

/// One threshold and what it keeps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The share of rows kept, in `(0, 1]`.
    pub coverage: f64,
    /// The share of wrong rows among them, in `[0, 1]`.
    pub risk: f64,
    /// Kept are the rows that are at least this sure; minus infinity (`null` in JSON) where rows
    /// without a confidence are kept too.
    #[serde(deserialize_with = "minus_infinity")]
    pub threshold: f64,
    /// The number of rows kept, at least 1.
    pub kept: usize,
}

/// JSON has no infinity: what cannot be written there is read back as it was.
fn minus_infinity<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NEG_INFINITY))
}

/// How the error falls as fewer rows are kept. See the module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RiskCoverage {
    /// The number of rows.
    pub n: usize,
    /// The area under the curve, in `[0, 1]`, lower is better; `None` without rows.
    pub aurc: Option<f64>,
    /// The area minus that of the best order of the same rows, from 0, lower is better; `None` without
    /// rows.
    pub excess_aurc: Option<f64>,
    /// Points of the curve, by rising coverage: all, or [`MOST_POINTS`] of more, the first and the last
    /// among them. [`points`] gives all.
    pub points: Vec<Point>,
}

/// All points of the risk-coverage curve, by rising coverage and falling threshold: one for each
/// different confidence; the last keeps all rows.
///
/// `confidences[row]` is any number, higher where surer; NaN counts as minus infinity, the least sure.
/// `right[row]` says whether the row's prediction is right. Rows beyond the shorter slice are left out.
/// O(rows · log rows).
pub fn points(confidences: &[f64], right: &[bool]) -> Vec<Point> {
    let ties = ties(confidences, right);
    let n: usize = ties.iter().map(|tie| tie.rows).sum();
    let (mut kept, mut wrong) = (0, 0);
    ties.iter()
        .map(|tie| {
            kept += tie.rows;
            wrong += tie.wrong;
            Point {
                coverage: kept as f64 / n as f64,
                risk: wrong as f64 / kept as f64,
                threshold: tie.confidence,
                kept,
            }
        })
        .collect()
}

/// The risk-coverage curve with its area; input as for [`points`]. O(rows · log rows).
pub fn risk_coverage(confidences: &[f64], right: &[bool]) -> RiskCoverage {
    let ties = ties(confidences, right);
    let n: usize = ties.iter().map(|tie| tie.rows).sum();
    let wrong = ties.iter().map(|tie| tie.wrong).sum();
    let best = [(n - wrong, 0), (wrong, wrong)];
    let aurc = area(ties.iter().map(|tie| (tie.rows, tie.wrong)));
    RiskCoverage {
        n,
        aurc,
        excess_aurc: aurc.zip(area(best.into_iter())).map(|(aurc, best)| aurc - best),
        points: thinned(points(confidences, right)),
    }
}

/// The point of least coverage among those that keep at least the share `coverage` of the rows; the
/// first for a share of 0 or less.
///
/// `points` by rising coverage: all of them ([`points`]) for the exact answer; of thinned ones the
/// nearest above. `None` without points, and for a share that is above 1 or NaN. O(log points).
pub fn at_coverage(points: &[Point], coverage: f64) -> Option<Point> {
    if coverage.is_nan() {
        return None;
    }
    points.get(points.partition_point(|point| point.coverage < coverage)).copied()
}

/// Rows of one confidence.
struct Tie {
    confidence: f64,
    rows: usize,
    wrong: usize,
}

/// The ties, the surest first.
fn ties(confidences: &[f64], right: &[bool]) -> Vec<Tie> {
    let sure = |confidence: f64| if confidence.is_nan() { f64::NEG_INFINITY } else { confidence };
    let mut rows: Vec<(f64, bool)> =
        confidences.iter().zip(right).map(|(&confidence, &right)| (sure(confidence), right)).collect();
    rows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    rows.chunk_by(|a, b| a.0 == b.0)
        .map(|tied| Tie {
            // 0 and -0 are one tie, whichever of them stands first.
            confidence: tied[0].0 + 0.0,
            rows: tied.len(),
            wrong: tied.iter().filter(|row| !row.1).count(),
        })
        .collect()
}

/// The mean over i of the expected risk of the first i rows, given the numbers of rows and of wrong
/// rows of each tie in turn; `None` without rows.
pub(super) fn area(ties: impl Iterator<Item = (usize, usize)>) -> Option<f64> {
    let (mut kept, mut before, mut sum) = (0_usize, 0, 0.0);
    for (rows, wrong) in ties {
        for taken in 1..=rows {
            kept += 1;
            // Of some rows of a tie, as many are wrong on average as of the whole tie.
            let expected = before as f64 + wrong as f64 * taken as f64 / rows as f64;
            sum += expected / kept as f64;
        }
        before += wrong;
    }
    (kept > 0).then(|| sum / kept as f64)
}

/// At most [`MOST_POINTS`], evenly over the thresholds, the first and the last among them.
fn thinned(points: Vec<Point>) -> Vec<Point> {
    if points.len() <= MOST_POINTS {
        return points;
    }
    (0..MOST_POINTS).map(|place| points[place * (points.len() - 1) / (MOST_POINTS - 1)]).collect()
}

/// Some of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Part {
    /// The number of rows.
    pub n: u64,
    /// The share of right ones, in `[0, 1]`; `None` without rows.
    pub accuracy: Option<f64>,
}

/// The rows of one true class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassAbstentions {
    /// The class's name.
    pub class: String,
    /// Those kept; their accuracy is the class's recall among them.
    pub kept: Part,
    /// Those abstained from.
    pub abstained: Part,
}

/// What was kept, what was abstained from and why. Abstaining pays where the accuracy of what is
/// abstained from is well below that of what is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Abstentions {
    /// Rows without a reason to abstain.
    pub kept: Part,
    /// Rows with one.
    pub abstained: Part,
    /// These by reason, sorted.
    pub reasons: BTreeMap<String, Part>,
    /// By true class, in the axis's order.
    pub classes: Vec<ClassAbstentions>,
}

/// Rows and right rows.
#[derive(Clone, Copy, Default)]
struct Tally {
    n: u64,
    right: u64,
}

impl Tally {
    fn add(&mut self, right: bool) {
        self.n += 1;
        self.right += u64::from(right);
    }

    fn part(self) -> Part {
        Part { n: self.n, accuracy: (self.n > 0).then(|| self.right as f64 / self.n as f64) }
    }
}

/// Counts what was kept and what was abstained from.
///
/// `reasons[row]` says why the row was abstained from, if it was; `truth` and `predicted` (what would
/// have been said) hold a class index per row. Not counted are rows beyond the shortest slice, and those
/// with an index outside the axis's classes. O(k + rows · log reasons).
pub fn abstentions(
    axis: &Axis,
    reasons: &[Option<&'static str>],
    truth: &[usize],
    predicted: &[usize],
) -> Abstentions {
    let k = axis.classes.len();
    // Kept, abstained.
    let mut all = [Tally::default(); 2];
    let mut of_class = vec![[Tally::default(); 2]; k];
    let mut of_reason: BTreeMap<&'static str, Tally> = BTreeMap::new();
    for ((&reason, &truth), &predicted) in reasons.iter().zip(truth).zip(predicted) {
        if truth >= k || predicted >= k {
            continue;
        }
        let (side, right) = (usize::from(reason.is_some()), truth == predicted);
        all[side].add(right);
        of_class[truth][side].add(right);
        if let Some(reason) = reason {
            of_reason.entry(reason).or_default().add(right);
        }
    }
    Abstentions {
        kept: all[0].part(),
        abstained: all[1].part(),
        reasons: of_reason.into_iter().map(|(reason, tally)| (reason.to_owned(), tally.part())).collect(),
        classes: (axis.classes.iter().zip(of_class))
            .map(|(name, [kept, abstained])| ClassAbstentions {
                class: name.clone(),
                kept: kept.part(),
                abstained: abstained.part(),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_close(got: Option<f64>, golden: f64) {
        assert!(got.is_some_and(|got| (got - golden).abs() < 1e-12), "got {got:?}, golden {golden}");
    }

    fn point(kept: usize, n: usize, wrong: usize, threshold: f64) -> Point {
        let risk = wrong as f64 / kept as f64;
        Point { coverage: kept as f64 / n as f64, risk, threshold, kept }
    }

    #[test]
    fn a_curve_by_hand() {
        let got = risk_coverage(&[0.6, 0.9, 0.7, 0.8], &[false, true, true, false]);
        // Risks 0, 1/2, 1/3, 1/2; at best 0, 0, 1/3, 1/2.
        assert_close(got.aurc, 1.0 / 3.0);
        assert_close(got.excess_aurc, 1.0 / 3.0 - 5.0 / 24.0);
        let all = [point(1, 4, 0, 0.9), point(2, 4, 1, 0.8), point(3, 4, 1, 0.7), point(4, 4, 2, 0.6)];
        assert_eq!((got.n, got.points.as_slice()), (4, &all[..]));
        for (coverage, kept) in [(-1.0, 1), (0.0, 1), (0.25, 1), (0.26, 2), (0.5, 2), (0.9, 4), (1.0, 4)] {
            assert_eq!(at_coverage(&all, coverage).unwrap().kept, kept, "{coverage}");
        }
        assert_eq!(at_coverage(&all, 1.1), None);
        assert_eq!(at_coverage(&all, f64::NAN), None);
        assert_eq!(at_coverage(&[], 0.5), None);
    }

    #[test]
    fn a_tie_is_kept_whole_and_its_area_is_the_mean_of_its_orders() {
        let got = risk_coverage(&[0.5, 0.9, 0.5, 0.5], &[true, true, false, true]);
        assert_eq!(got.points, [point(1, 4, 0, 0.9), point(4, 4, 1, 0.5)]);
        // The wrong row second, third or last.
        let orders = [1.0 / 2.0 + 1.0 / 3.0 + 1.0 / 4.0, 1.0 / 3.0 + 1.0 / 4.0, 1.0 / 4.0];
        assert_close(got.aurc, orders.iter().sum::<f64>() / 3.0 / 4.0);
        assert_eq!(at_coverage(&got.points, 0.3).unwrap().kept, 4);
    }

    #[test]
    fn of_rows_that_are_all_tied_every_share_has_the_same_risk() {
        let got = risk_coverage(&[0.0, -0.0, 0.0, -0.0, 0.0], &[true, false, true, true, false]);
        assert_close(got.aurc, 0.4);
        assert_eq!(got.points, [point(5, 5, 2, 0.0)]);
        assert!(got.points[0].threshold.is_sign_positive());
    }

    #[test]
    fn the_best_order_has_no_excess_and_the_worst_the_most() {
        let right: Vec<bool> = (0..30).map(|row| row < 20).collect();
        let falling: Vec<f64> = (0..30).map(|row| -f64::from(row)).collect();
        let rising: Vec<f64> = (0..30).map(f64::from).collect();
        let best = risk_coverage(&falling, &right);
        assert_eq!(best.excess_aurc, Some(0.0));
        assert_close(best.aurc, (21..=30).map(|i| f64::from(i - 20) / f64::from(i)).sum::<f64>() / 30.0);
        let worst = risk_coverage(&rising, &right);
        assert_close(
            worst.aurc,
            (1..=30).map(|i: i32| f64::from(i.min(10)) / f64::from(i)).sum::<f64>() / 30.0,
        );
        // Right and wrong rows tied among themselves only: as good as the best.
        let two: Vec<f64> = right.iter().map(|&right| if right { 0.9 } else { 0.1 }).collect();
        assert_eq!(risk_coverage(&two, &right).excess_aurc, Some(0.0));
        for (outcome, aurc) in [(true, 0.0), (false, 1.0)] {
            let got = risk_coverage(&falling, &[outcome; 30]);
            assert_eq!((got.aurc, got.excess_aurc), (Some(aurc), Some(0.0)));
        }
    }

    #[test]
    fn without_rows_there_is_no_area() {
        for got in [risk_coverage(&[], &[]), risk_coverage(&[0.5], &[]), risk_coverage(&[], &[true])] {
            assert_eq!(got, RiskCoverage { n: 0, aurc: None, excess_aurc: None, points: Vec::new() });
        }
    }

    #[test]
    fn no_confidence_is_the_least() {
        let got = risk_coverage(&[f64::NAN, -1e300, -f64::NAN, f64::INFINITY], &[false, true, false, true]);
        assert_eq!(got.excess_aurc, Some(0.0));
        assert_eq!(got.points[2], point(4, 4, 2, f64::NEG_INFINITY));
        let text = serde_json::to_string(&got.points[2]).unwrap();
        assert_eq!(text, r#"{"coverage":1.0,"risk":0.5,"threshold":null,"kept":4}"#);
    }

    #[test]
    fn long_curves_are_thinned_and_keep_their_ends() {
        for n in [49_u32, 50, 51, 99, 100, 5000] {
            let confidences: Vec<f64> = (0..n).map(f64::from).collect();
            let right: Vec<bool> = (0..n).map(|row| row % 3 > 0).collect();
            let all = points(&confidences, &right);
            let got = risk_coverage(&confidences, &right).points;
            assert_eq!((all.len(), got.len()), (n as usize, MOST_POINTS.min(n as usize)));
            assert_eq!((got[0], got[got.len() - 1]), (all[0], all[all.len() - 1]));
            assert!(got.windows(2).all(|pair| pair[0].kept < pair[1].kept));
        }
    }

    #[test]
    fn abstentions_by_hand() {
        let axis = Axis::stance();
        let reasons = [None, Some("short"), None, Some("ambiguous"), Some("short"), None, None];
        let got = abstentions(&axis, &reasons, &[0, 0, 0, 2, 2, 2, 9], &[0, 0, 1, 1, 0, 2, 0]);
        let part = |n, right: u64| Part { n, accuracy: (n > 0).then(|| right as f64 / n as f64) };
        assert_eq!((got.kept, got.abstained), (part(3, 2), part(3, 1)));
        assert_eq!(
            got.reasons,
            BTreeMap::from([("ambiguous".to_owned(), part(1, 0)), ("short".to_owned(), part(2, 1))])
        );
        let classes: Vec<(&str, Part, Part)> =
            got.classes.iter().map(|of| (of.class.as_str(), of.kept, of.abstained)).collect();
        let golden = [
            ("favor", part(2, 1), part(1, 1)),
            ("against", part(0, 0), part(0, 0)),
            ("none", part(1, 1), part(2, 0)),
        ];
        assert_eq!(classes, golden);
        let text = serde_json::to_string(&got).unwrap();
        assert!(
            text.contains(r#""reasons":{"ambiguous":{"n":1,"accuracy":0.0},"short":{"n":2,"accuracy":0.5}}"#)
        );
        let empty = abstentions(&axis, &[], &[], &[]);
        assert_eq!((empty.kept, empty.abstained, empty.classes.len()), (Part::default(), Part::default(), 3));
    }

    /// All orders of some rows.
    fn orders(rows: &[bool]) -> Vec<Vec<bool>> {
        if rows.is_empty() {
            return vec![Vec::new()];
        }
        (0..rows.len())
            .flat_map(|first| {
                let mut rest = rows.to_vec();
                let head = rest.remove(first);
                orders(&rest).into_iter().map(move |tail| [vec![head], tail].concat())
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn the_order_of_rows_does_not_matter(
            (rows, shuffled) in prop::collection::vec((-5i8..5, any::<bool>()), 0..200)
                .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        ) {
            let curve = |rows: &[(i8, bool)]| {
                let sure: Vec<f64> = rows.iter().map(|row| 1.0 / f64::from(row.0)).collect();
                risk_coverage(&sure, &rows.iter().map(|row| row.1).collect::<Vec<_>>())
            };
            prop_assert_eq!(curve(&rows), curve(&shuffled));
        }

        #[test]
        fn a_tie_has_the_mean_area_of_all_its_orders(
            before in prop::collection::vec(any::<bool>(), 0..4),
            tied in prop::collection::vec(any::<bool>(), 1..6),
            after in prop::collection::vec(any::<bool>(), 0..4),
        ) {
            let right = [before.clone(), tied.clone(), after.clone()].concat();
            let end = before.len() + tied.len();
            let sure = |row: usize| if row < before.len() || row >= end { row } else { before.len() };
            let confidences: Vec<f64> = (0..right.len()).map(|row| -(sure(row) as f64)).collect();
            let strict: Vec<f64> = (0..right.len()).map(|row| -(row as f64)).collect();
            let orders = orders(&tied);
            let sum: f64 = orders
                .iter()
                .filter_map(|order| {
                    risk_coverage(&strict, &[before.clone(), order.clone(), after.clone()].concat()).aurc
                })
                .sum();
            let got = risk_coverage(&confidences, &right).aurc.unwrap();
            prop_assert!((got - sum / orders.len() as f64).abs() < 1e-12);
        }

        #[test]
        fn anything_is_taken(
            confidences in prop::collection::vec(prop::num::f64::ANY, 0..80),
            right in prop::collection::vec(any::<bool>(), 0..80),
            coverage in prop::num::f64::ANY,
        ) {
            let got = risk_coverage(&confidences, &right);
            prop_assert_eq!(got.n, confidences.len().min(right.len()));
            prop_assert_eq!(got.aurc.is_some(), got.n > 0);
            if let (Some(aurc), Some(excess)) = (got.aurc, got.excess_aurc) {
                prop_assert!((0.0..=1.0).contains(&aurc) && excess >= 0.0 && excess <= aurc);
                prop_assert_eq!(got.points[got.points.len() - 1].coverage, 1.0);
            }
            prop_assert!(got.points.iter().all(|point| (0.0..=1.0).contains(&point.risk)));
            let _ = at_coverage(&got.points, coverage);
        }
    }
}
