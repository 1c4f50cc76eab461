//! What is held out at a time, and what is trained on meanwhile.

use std::collections::BTreeSet;

/// A part of the examples that is judged, and what a fit for it may see: places of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Split {
    pub(crate) train: Vec<usize>,
    pub(crate) held: Vec<usize>,
}

impl Split {
    /// Holds out some places, and keeps out of training whatever shares a group with them.
    pub(crate) fn apart(held: Vec<usize>, groups: &[usize]) -> Self {
        let together: BTreeSet<usize> = held.iter().map(|&place| groups[place]).collect();
        let train = (0..groups.len()).filter(|&place| !together.contains(&groups[place])).collect();
        Split { train, held }
    }
}

/// One split a fold: `folds` gives the number of the fold that each place is held out in.
pub(crate) fn of_folds(folds: &[usize]) -> Vec<Split> {
    let n = folds.iter().max().map_or(0, |&fold| fold + 1);
    (0..n)
        .map(|fold| {
            let (held, train) = (0..folds.len()).partition(|&place| folds[place] == fold);
            Split { train, held }
        })
        .collect()
}

/// Each part of the dated places judged by a fit on all that is older: a forecast from a rolling origin
/// (Tashman 2000, "Out-of-sample tests of forecasting accuracy", International Journal of Forecasting 16).
///
/// `days[place]` is any number that rises with time; places without one are neither judged nor trained on.
/// The dated places are cut into `parts` runs of about the same size, at changes of day; the first run is
/// trained on alone. What shares a number of `alike` (near-duplicates) with the held-out run is left out
/// of training. Fewer runs where there are fewer days; none for fewer than two. O(places · parts).
pub(crate) fn temporal(days: &[Option<i64>], alike: &[usize], parts: usize) -> Vec<Split> {
    let mut dated: Vec<(i64, usize)> =
        days.iter().enumerate().filter_map(|(place, day)| Some(((*day)?, place))).collect();
    dated.sort_unstable();
    let mut cuts: Vec<usize> = (1..parts)
        .map(|part| {
            let about = part * dated.len() / parts;
            let day = dated.get(about).map(|(day, _)| *day);
            dated.partition_point(|(other, _)| Some(*other) < day)
        })
        .filter(|&cut| cut > 0 && cut < dated.len())
        .collect();
    cuts.dedup();
    let ends = cuts.iter().skip(1).copied().chain([dated.len()]);
    cuts.iter()
        .zip(ends)
        .map(|(&start, end)| {
            let held: Vec<usize> = dated[start..end].iter().map(|(_, place)| *place).collect();
            let known: BTreeSet<usize> = held.iter().map(|&place| alike[place]).collect();
            let older = dated[..start].iter().map(|(_, place)| *place);
            let mut train: Vec<usize> = older.filter(|&place| !known.contains(&alike[place])).collect();
            train.sort_unstable();
            Split { train, held }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_hold_each_place_out_once() {
        let splits = of_folds(&[0, 1, 0, 2]);
        assert_eq!(splits.len(), 3);
        assert_eq!(splits[0], Split { train: vec![1, 3], held: vec![0, 2] });
        assert!(of_folds(&[]).is_empty());
    }

    #[test]
    fn a_model_is_never_judged_on_what_is_older_than_its_training() {
        let days: Vec<Option<i64>> = [5, 1, 3, 2, 4, 9, 8, 7, 6, 0].map(Some).to_vec();
        let splits = temporal(&days, &(0..10).collect::<Vec<_>>(), 5);
        assert_eq!(splits.len(), 4);
        let mut judged: Vec<usize> = Vec::new();
        for split in &splits {
            let newest = split.train.iter().filter_map(|&place| days[place]).max();
            assert!(split.held.iter().all(|&place| days[place] > newest), "{split:?}");
            judged.extend(&split.held);
        }
        judged.sort_unstable();
        // The two oldest have nothing to learn from.
        assert_eq!(judged, [0, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn a_day_is_not_divided_and_the_undated_are_left_out() {
        let days = [Some(1), None, Some(1), Some(1), Some(2), Some(2)];
        let splits = temporal(&days, &[0, 1, 2, 3, 4, 5], 3);
        assert_eq!(splits, [Split { train: vec![0, 2, 3], held: vec![4, 5] }]);
        assert!(temporal(&[Some(1); 6], &[0, 1, 2, 3, 4, 5], 3).is_empty());
        assert!(temporal(&[None; 3], &[0, 1, 2], 3).is_empty());
        assert!(temporal(&[], &[], 3).is_empty());
    }

    #[test]
    fn a_near_duplicate_of_what_is_judged_is_not_trained_on() {
        let days = [Some(1), Some(1), Some(2), Some(2)];
        let splits = temporal(&days, &[7, 8, 7, 9], 2);
        assert_eq!(splits, [Split { train: vec![1], held: vec![2, 3] }]);
    }
}
