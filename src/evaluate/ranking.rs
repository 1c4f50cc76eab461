//! How well a score tells two kinds of rows apart: the ROC and the precision-recall curve, and the areas
//! under them.
//!
//! # Formulas
//!
//! A threshold takes the rows that score at least as high. With P positive and N negative rows, tp of
//! those and fp of these taken, recall (the true-positive rate) is `tp / P`, the false-positive rate is
//! `fp / N` and precision `tp / (tp + fp)`. There is one threshold for each different score; tied rows are
//! taken together.
//!
//! - The ROC curve is recall over the false-positive rate, its points joined by lines. The area under it
//!   is the probability that a positive row outscores a negative one, ties counted half: Hanley and
//!   `McNeil` 1982, "The meaning and use of the area under a receiver operating characteristic (ROC)
//!   curve", Radiology 143.
//! - Average precision is the sum over the thresholds, from the highest, of `(gain in recall) · precision`:
//!   the area under the precision-recall curve without joining its points by lines, which would flatter:
//!   Davis and Goadrich 2006, "The relationship between precision-recall and ROC curves", ICML. Chance is
//!   the share of positive rows, not ½.
//!
//! All of it agrees with scikit-learn: `roc_auc_score`, `average_precision_score`, `roc_curve` and
//! `precision_recall_curve`, the curves with `drop_intermediate=False`.
//!
//! # Weights
//!
//! A weight says how often a row is there: 0 leaves it out, 2 has it twice, exactly as if rows had been
//! left out and repeated. Rows are sorted once, whatever the weights are later, so that a resample of a
//! bootstrap costs no sorting.

/// Most points of a curve.
pub const MOST_POINTS: usize = 100;

/// Rows of two kinds, sorted by a score.
#[derive(Debug, Clone)]
pub struct Ranked {
    /// By falling score.
    places: Vec<Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    row: u32,
    positive: bool,
    /// Whether the next row, if there is one, has a lower score.
    ends_tie: bool,
}

impl Ranked {
    /// Sorts rows by score: `positive[row]` says of which kind the row is, `scores[row]` is any number,
    /// higher where the row looks more positive. Infinite scores are in order.
    ///
    /// `None` where a score is NaN, the slices differ in length, or there are more than `u32::MAX` rows.
    /// O(rows · log rows).
    pub fn new(positive: &[bool], scores: &[f64]) -> Option<Ranked> {
        let rows = positive.iter().zip(scores).enumerate();
        let rows = rows.map(|(row, (&positive, &score))| (row, positive, score));
        (positive.len() == scores.len()).then(|| Ranked::of(rows))?
    }

    /// As [`Ranked::new`], of some of the rows: their number, kind and score.
    pub(super) fn of(rows: impl Iterator<Item = (usize, bool, f64)>) -> Option<Ranked> {
        let mut rows = rows
            .map(|(row, positive, score)| Some((u32::try_from(row).ok()?, positive, score)))
            .map(|row| row.filter(|row| !row.2.is_nan()))
            .collect::<Option<Vec<_>>>()?;
        rows.sort_unstable_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
        let mut places: Vec<Place> =
            rows.iter().map(|&(row, positive, _)| Place { row, positive, ends_tie: true }).collect();
        for (place, pair) in places.iter_mut().zip(rows.windows(2)) {
            // 0 and -0 are tied, though one of them sorts first.
            place.ends_tie = pair[0].2 != pair[1].2;
        }
        Some(Ranked { places })
    }

    /// How many positive and how many negative rows each tie has, from the highest score; (0, 0) where
    /// all its rows have weight 0. A row without a weight has weight 0.
    pub(super) fn ties<'a>(&'a self, weights: &'a [u32]) -> impl Iterator<Item = (u64, u64)> + 'a {
        let mut tie = (0, 0);
        self.places.iter().filter_map(move |place| {
            let weight = u64::from(weights.get(place.row as usize).copied().unwrap_or(0));
            // Without a branch that no processor can predict.
            let up = weight * u64::from(place.positive);
            tie = (tie.0 + up, tie.1 + weight - up);
            place.ends_tie.then(|| std::mem::take(&mut tie))
        })
    }

    /// The ties of all rows, each there once.
    fn plain_ties(&self) -> Vec<(u64, u64)> {
        self.places
            .chunk_by(|place, _| !place.ends_tie)
            .map(|tied| {
                let up = tied.iter().filter(|place| place.positive).count();
                (up as u64, (tied.len() - up) as u64)
            })
            .collect()
    }

    /// The area under the ROC curve, in `[0, 1]`, ½ by chance; the same bits as
    /// [`super::metrics::auc`] of the rows repeated by their weights.
    ///
    /// `weights[row]` as the module says; rows without one have weight 0. `None` where no positive or no
    /// negative row is left. O(rows).
    pub fn auc(&self, weights: &[u32]) -> Option<f64> {
        self.areas(weights).0
    }

    /// Average precision, in `(0, 1]`, the share of positive rows by chance.
    ///
    /// `weights` as for [`Ranked::auc`]. `None` where no positive row is left; 1 where no negative one
    /// is. O(rows).
    pub fn average_precision(&self, weights: &[u32]) -> Option<f64> {
        self.areas(weights).1
    }

    /// [`Ranked::auc`] and [`Ranked::average_precision`] in one pass.
    pub(super) fn areas(&self, weights: &[u32]) -> (Option<f64>, Option<f64>) {
        let (mut positives, mut negatives) = (0_u64, 0_u64);
        // Twice the number of (positive, negative) pairs in the right order: a whole number, so exact.
        let mut twice = 0_u128;
        let mut gained = 0.0;
        for (up, down) in self.ties(weights) {
            twice += u128::from(down) * (2 * u128::from(positives) + u128::from(up));
            positives += up;
            negatives += down;
            if up > 0 {
                gained += up as f64 * (positives as f64 / (positives + negatives) as f64);
            }
        }
        let pairs = positives as f64 * negatives as f64;
        (
            (positives > 0 && negatives > 0).then(|| twice as f64 / 2.0 / pairs),
            (positives > 0).then(|| (gained / positives as f64).min(1.0)),
        )
    }

    /// The ROC curve: points of false-positive rate and recall, both in `[0, 1]` and rising, from (0, 0)
    /// to (1, 1). All points, or the [`MOST_POINTS`] of more that keep its shape, the ends among them.
    ///
    /// Empty where there is no positive or no negative row. O(rows · [`MOST_POINTS`]) at most.
    pub fn roc(&self) -> Vec<[f64; 2]> {
        let ties = self.plain_ties();
        let (all_up, all_down) = total(&ties);
        if all_up == 0 || all_down == 0 {
            return Vec::new();
        }
        let rates =
            running(&ties).map(|(up, down)| [down as f64 / all_down as f64, up as f64 / all_up as f64]);
        thinned(std::iter::once([0.0, 0.0]).chain(rates).collect())
    }

    /// The precision-recall curve: points of recall, in `[0, 1]` and rising, and precision, in `[0, 1]`,
    /// from (0, 1), which is so by definition, to recall 1 and the share of positive rows. This is
    /// scikit-learn's order reversed. All points, or the [`MOST_POINTS`] of more that keep its shape, the
    /// ends among them.
    ///
    /// Empty where there is no positive row. O(rows · [`MOST_POINTS`]) at most.
    pub fn precision_recall(&self) -> Vec<[f64; 2]> {
        let ties = self.plain_ties();
        let (all_up, _) = total(&ties);
        if all_up == 0 {
            return Vec::new();
        }
        let points =
            running(&ties).map(|(up, down)| [up as f64 / all_up as f64, up as f64 / (up + down) as f64]);
        thinned(std::iter::once([0.0, 1.0]).chain(points).collect())
    }
}

fn total(ties: &[(u64, u64)]) -> (u64, u64) {
    ties.iter().fold((0, 0), |sum, tie| (sum.0 + tie.0, sum.1 + tie.1))
}

/// The rows of both kinds that are taken at each threshold.
fn running(ties: &[(u64, u64)]) -> impl Iterator<Item = (u64, u64)> + '_ {
    ties.iter().scan((0, 0), |sum, tie| {
        *sum = (sum.0 + tie.0, sum.1 + tie.1);
        Some(*sum)
    })
}

/// A piece of a curve between two points that are kept, and the point of it that strays furthest.
struct Piece {
    start: usize,
    end: usize,
    furthest: usize,
    distance: f64,
}

impl Piece {
    fn new(points: &[[f64; 2]], start: usize, end: usize) -> Self {
        let ([x0, y0], [x1, y1]) = (points[start], points[end]);
        let (dx, dy) = (x1 - x0, y1 - y0);
        let length = dx.hypot(dy);
        let mut piece = Piece { start, end, furthest: start, distance: 0.0 };
        for place in start + 1..end {
            let (x, y) = (points[place][0] - x0, points[place][1] - y0);
            let distance = if length > 0.0 { (dx * y - dy * x).abs() / length } else { x.hypot(y) };
            if distance > piece.distance {
                (piece.furthest, piece.distance) = (place, distance);
            }
        }
        piece
    }
}

/// At most [`MOST_POINTS`] of the points. The ends are kept, then again and again the point that is
/// furthest from the line which would stand for it: Douglas and Peucker 1973, "Algorithms for the
/// reduction of the number of points required to represent a digitized line or its caricature", with a
/// number of points for its end in place of a tolerance.
fn thinned(points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    if points.len() <= MOST_POINTS {
        return points;
    }
    let mut pieces = vec![Piece::new(&points, 0, points.len() - 1)];
    while pieces.len() + 1 < MOST_POINTS {
        let worst =
            (0..pieces.len()).rev().max_by(|&a, &b| pieces[a].distance.total_cmp(&pieces[b].distance));
        let Some(worst) = worst.filter(|&worst| pieces[worst].distance > 0.0) else { break };
        let Piece { start, end, furthest, .. } = pieces[worst];
        pieces[worst] = Piece::new(&points, start, furthest);
        pieces.insert(worst + 1, Piece::new(&points, furthest, end));
    }
    let starts = pieces.iter().map(|piece| points[piece.start]);
    starts.chain(points.last().copied()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::metrics;
    use super::*;

    fn by_rows(rows: &[(bool, f64)]) -> Ranked {
        let (positive, scores): (Vec<bool>, Vec<f64>) = rows.iter().copied().unzip();
        Ranked::new(&positive, &scores).unwrap()
    }

    fn repeated(rows: &[(bool, f64)], weights: &[u32]) -> Vec<(bool, f64)> {
        let rows = rows.iter().zip(weights);
        rows.flat_map(|(&row, &times)| std::iter::repeat_n(row, times as usize)).collect()
    }

    fn auc_of(rows: &[(bool, f64)]) -> Option<f64> {
        let (positive, scores): (Vec<bool>, Vec<f64>) = rows.iter().copied().unzip();
        metrics::auc(&positive, &scores)
    }

    /// Average precision from its definition, threshold by threshold.
    fn average_precision_of(rows: &[(bool, f64)]) -> Option<f64> {
        let mut thresholds: Vec<f64> = rows.iter().map(|row| row.1).collect();
        thresholds.sort_by(|a, b| b.total_cmp(a));
        let positives = rows.iter().filter(|row| row.0).count() as f64;
        let (mut sum, mut before) = (0.0, 0.0);
        for threshold in thresholds {
            let taken = rows.iter().filter(|row| row.1 >= threshold).count() as f64;
            let right = rows.iter().filter(|row| row.1 >= threshold && row.0).count() as f64;
            sum += (right - before) / positives * (right / taken);
            before = right;
        }
        (positives > 0.0).then_some(sum)
    }

    fn area_below(points: &[[f64; 2]]) -> f64 {
        points.windows(2).map(|pair| (pair[1][0] - pair[0][0]) * f64::midpoint(pair[0][1], pair[1][1])).sum()
    }

    /// Of a thousand rows, ties in between, the positive ones higher up but not all of them.
    fn long() -> Vec<(bool, f64)> {
        let lean = |row: u32| row * row % 7;
        (0..1000).map(|row| (lean(row) > 1, f64::from(row % 331 + lean(row) * 60))).collect()
    }

    #[test]
    fn what_cannot_be_sorted_is_refused() {
        assert!(Ranked::new(&[true, false], &[0.5]).is_none());
        assert!(Ranked::new(&[true], &[0.5, 0.5]).is_none());
        assert!(Ranked::new(&[true, false], &[0.5, f64::NAN]).is_none());
        let infinite = by_rows(&[(false, f64::NEG_INFINITY), (true, f64::INFINITY)]);
        assert_eq!((infinite.auc(&[1, 1]), infinite.average_precision(&[1, 1])), (Some(1.0), Some(1.0)));
    }

    #[test]
    fn without_a_kind_of_rows_its_areas_and_curves_are_undefined() {
        let none = by_rows(&[]);
        assert_eq!((none.auc(&[]), none.average_precision(&[])), (None, None));
        assert!(none.roc().is_empty() && none.precision_recall().is_empty());
        let positive = by_rows(&[(true, 0.5), (true, 0.1)]);
        assert_eq!((positive.auc(&[1, 1]), positive.average_precision(&[1, 1])), (None, Some(1.0)));
        assert!(positive.roc().is_empty());
        assert_eq!(positive.precision_recall(), [[0.0, 1.0], [0.5, 1.0], [1.0, 1.0]]);
        let both = by_rows(&[(true, 0.5), (false, 0.1)]);
        assert_eq!((both.auc(&[0, 3]), both.average_precision(&[0, 3])), (None, None));
        // A row without a weight is absent.
        assert_eq!((both.auc(&[1]), both.average_precision(&[1])), (None, Some(1.0)));
    }

    #[test]
    fn curves_by_hand() {
        // From above: positive; a tie of one of each; negative.
        let ranked = by_rows(&[(false, 0.2), (true, 0.9), (false, 0.5), (true, 0.5)]);
        assert_eq!(ranked.roc(), [[0.0, 0.0], [0.0, 0.5], [0.5, 1.0], [1.0, 1.0]]);
        assert_eq!(ranked.precision_recall(), [[0.0, 1.0], [0.5, 1.0], [1.0, 2.0 / 3.0], [1.0, 0.5]]);
        assert_eq!(ranked.auc(&[1; 4]), Some(0.875));
        assert_eq!(ranked.average_precision(&[1; 4]), Some(f64::midpoint(1.0, 2.0 / 3.0)));
    }

    #[test]
    fn the_points_of_straight_lines_are_not_kept() {
        let perfect: Vec<(bool, f64)> = (0..1000).map(|row| (row < 400, -f64::from(row))).collect();
        assert_eq!(by_rows(&perfect).roc(), [[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]]);
    }

    #[test]
    fn long_curves_are_thinned_and_keep_ends_and_shape() {
        let rows = long();
        let ranked = by_rows(&rows);
        let ties = ranked.plain_ties();
        assert!(ties.len() > 3 * MOST_POINTS);
        let roc = ranked.roc();
        assert_eq!(roc.len(), MOST_POINTS);
        assert_eq!((roc[0], roc[MOST_POINTS - 1]), ([0.0, 0.0], [1.0, 1.0]));
        assert!(roc.windows(2).all(|pair| pair[0][0] <= pair[1][0] && pair[0][1] <= pair[1][1]));
        let auc = auc_of(&rows).unwrap();
        assert!(auc > 0.6 && auc < 0.95, "{auc}");
        assert!((area_below(&roc) - auc).abs() < 0.001, "{}", area_below(&roc));

        let curve = ranked.precision_recall();
        assert_eq!(curve.len(), MOST_POINTS);
        let share = rows.iter().filter(|row| row.0).count() as f64 / rows.len() as f64;
        assert_eq!((curve[0], curve[MOST_POINTS - 1]), ([0.0, 1.0], [1.0, share]));
        // No point that was left out is far from the line that stands for it.
        let all_up = total(&ties).0 as f64;
        let all: Vec<[f64; 2]> =
            running(&ties).map(|(up, down)| [up as f64 / all_up, up as f64 / (up + down) as f64]).collect();
        for point in all {
            let near = curve.windows(2).any(|pair| {
                let between = Piece::new(&[pair[0], point, pair[1]], 0, 2);
                pair[0][0] <= point[0] && point[0] <= pair[1][0] && between.distance < 0.01
            });
            assert!(near, "{point:?}");
        }
    }

    fn some_rows(most: usize) -> impl Strategy<Value = Vec<(bool, f64)>> {
        prop::collection::vec((any::<bool>(), (-6i8..6).prop_map(|score| f64::from(score) / 3.0)), 0..most)
    }

    proptest! {
        #[test]
        fn the_area_is_that_of_the_metric_bit_for_bit(
            rows in prop_oneof![
                some_rows(60),
                prop::collection::vec((any::<bool>(), -1e3..1e3), 0..60),
            ],
            weights in prop::collection::vec(0u32..4, 60),
        ) {
            let ranked = by_rows(&rows);
            prop_assert_eq!(ranked.auc(&vec![1; rows.len()]), auc_of(&rows));
            prop_assert_eq!(ranked.auc(&weights), auc_of(&repeated(&rows, &weights)));
        }

        #[test]
        fn average_precision_is_its_definition(
            rows in some_rows(40), weights in prop::collection::vec(0u32..4, 40),
        ) {
            let got = by_rows(&rows).average_precision(&weights);
            let golden = average_precision_of(&repeated(&rows, &weights));
            prop_assert_eq!(got.is_some(), golden.is_some());
            prop_assert!(got.zip(golden).is_none_or(|(got, golden)| (got - golden).abs() < 1e-12));
        }

        #[test]
        fn the_area_is_that_below_the_curve(rows in some_rows(80)) {
            let ranked = by_rows(&rows);
            match ranked.auc(&vec![1; rows.len()]) {
                Some(auc) => prop_assert!((area_below(&ranked.roc()) - auc).abs() < 1e-12),
                None => prop_assert!(ranked.roc().is_empty()),
            }
        }

        #[test]
        fn anything_is_taken(
            positive in prop::collection::vec(any::<bool>(), 0..200),
            scores in prop::collection::vec(prop::num::f64::ANY, 200),
            weights in prop::collection::vec(any::<u32>(), 0..200),
        ) {
            let scores = &scores[..positive.len()];
            let Some(ranked) = Ranked::new(&positive, scores) else {
                prop_assert!(scores.iter().any(|score| score.is_nan()));
                return Ok(());
            };
            let areas = [ranked.auc(&weights), ranked.average_precision(&weights)];
            prop_assert!(areas.iter().flatten().all(|area| (0.0..=1.0).contains(area)), "{areas:?}");
            for curve in [ranked.roc(), ranked.precision_recall()] {
                prop_assert!(curve.len() <= MOST_POINTS);
                prop_assert!(curve.iter().flatten().all(|rate| (0.0..=1.0).contains(rate)));
            }
        }
    }
}
