//! Who is held out when: folds for cross-validation that never tear a group apart.
//!
//! A group is whatever would leak if one of its rows were learned from while another is tested on:
//! the articles of one outlet or author, the near-duplicates of one text
//! ([`super::duplicates`]), or both at once ([`join_groups`]).

use rand::Rng;
use rustc_hash::FxHashMap;

use crate::error::{Error, Result};
use crate::rng::RngSeed;

/// A fold for every row, all in `0..k`, so that no group is in two folds, no fold is empty, and
/// every class is spread over the folds as evenly as a greedy choice can.
///
/// `groups[row]` is any number that names the row's group, `classes[row]` is in `0..n_classes`.
///
/// Groups are placed one after another, those that hold the greatest shares of their classes first
/// (so the large ones, and those of rare classes), in the fold that has least of what the group
/// brings: with `g` the rows of class `c` in the group, `x` those already in the fold and `n` all
/// there are, the fold with the smallest `Σ x g / n²` over the classes. That is the choice that
/// keeps the sum of squared deviations smallest at each step; scikit-learn's `StratifiedGroupKFold`
/// is the same greedy idea, with standard deviations. Ties go to the fold with fewer rows, then to
/// the lower number; groups of equal weight come in an order shuffled by the seed (stream `folds`).
///
/// With `xᵢ` the rows of class `c` in fold `i`, the result always keeps
/// `Σ over c, i of (xᵢ/n - 1/k)²  ≤  (1 - 1/k) · Σ over groups, c of (g/n)²`,
/// the right side being what assigning the groups at random gives on average; with one row per
/// group, two folds never differ by more than one row of a class.
///
/// The result depends on the group numbers, the classes and the seed only: rows in another order
/// get the same folds. O(rows + groups · (k · `n_classes` + log groups)).
///
/// # Errors
/// [`Error::TooFew`] when there are fewer groups than folds; [`Error::Usage`] when `k` is less than
/// 2, the slices differ in length or a class is not in `0..n_classes`.
pub fn stratified_group_folds(
    groups: &[usize],
    classes: &[usize],
    n_classes: usize,
    k: usize,
    seed: RngSeed,
) -> Result<Vec<usize>> {
    if k < 2 {
        return Err(Error::Usage(format!("{k} folds leave nothing to learn from: ask for at least 2")));
    }
    if groups.len() != classes.len() {
        let (g, c) = (groups.len(), classes.len());
        return Err(Error::Usage(format!("{g} rows have a group but {c} have a class: give both for each")));
    }
    if let Some(class) = classes.iter().find(|&&class| class >= n_classes) {
        return Err(Error::Usage(format!("class {class} is none of the {n_classes} classes 0, 1, ...")));
    }
    // Numbered by rising name, so that the order of rows cannot matter.
    let mut names = groups.to_vec();
    names.sort_unstable();
    names.dedup();
    if names.len() < k {
        let found = match names.len() {
            0 => "there are no rows".to_owned(),
            1 => "all rows are of one group".to_owned(),
            n => format!("the rows form only {n} groups"),
        };
        return Err(Error::TooFew(format!(
            "{k} folds need at least {k} groups, since a group is never split, but {found}: \
             ask for fewer folds, group by something finer, or label more"
        )));
    }
    let number: FxHashMap<usize, usize> = names.iter().enumerate().map(|(i, &name)| (name, i)).collect();

    let mut rows_of = vec![Vec::new(); names.len()];
    let mut totals = vec![0u32; n_classes];
    for (group, &class) in groups.iter().zip(classes) {
        rows_of[number[group]].push(class);
        totals[class] = totals[class].saturating_add(1);
    }
    // Only the classes a group has: (class, rows).
    let contents: Vec<Vec<(usize, f64)>> = rows_of
        .into_iter()
        .map(|mut rows| {
            rows.sort_unstable();
            rows.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as f64)).collect()
        })
        .collect();
    let scale: Vec<f64> = totals.iter().map(|&n| 1.0 / f64::from(n.max(1)).powi(2)).collect();

    let mut order: Vec<usize> = (0..names.len()).collect();
    shuffle(&mut order, seed);
    let weight: Vec<f64> =
        contents.iter().map(|content| content.iter().map(|&(class, g)| g * g * scale[class]).sum()).collect();
    order.sort_by(|&a, &b| weight[b].total_cmp(&weight[a]));

    let mut fold_of_group = vec![0; names.len()];
    let mut held = vec![vec![0.0; n_classes]; k];
    let mut sizes = vec![0.0; k];
    for group in order {
        let content = &contents[group];
        let mut best = (f64::INFINITY, f64::INFINITY, 0);
        for fold in 0..k {
            // 0 for an empty fold and at least 0 for others: with k groups or more, none stays empty.
            let cost = content.iter().map(|&(class, g)| held[fold][class] * g * scale[class]).sum();
            if (cost, sizes[fold]) < (best.0, best.1) {
                best = (cost, sizes[fold], fold);
            }
        }
        let fold = best.2;
        fold_of_group[group] = fold;
        for &(class, g) in content {
            held[fold][class] += g;
            sizes[fold] += g;
        }
    }
    Ok(groups.iter().map(|group| fold_of_group[number[group]]).collect())
}

/// Fisher and Yates's shuffle, drawing `u64` so that it is the same on every platform.
fn shuffle(order: &mut [usize], seed: RngSeed) {
    let mut rng = seed.stream("folds");
    for last in (1..order.len()).rev() {
        let other = rng.gen_range(0..=last as u64) as usize;
        order.swap(last, other);
    }
}

/// A fold for every row that is its group's own: each group is held out once, alone.
///
/// Folds are numbered by the first appearance of their group, so there are as many as groups: one
/// more than the greatest number of the result. With fewer than two, nothing is left to learn from.
/// O(rows).
pub fn leave_one_out(groups: &[usize]) -> Vec<usize> {
    number_by_appearance(groups.iter().copied()).0
}

/// The finest groups of rows that split no group of `a` and none of `b`: the connected components
/// when rows that share a group in either are linked.
///
/// `a[row]` and `b[row]` are any numbers that name a group; numbers of `a` have nothing to do with
/// those of `b`. The result is numbered by first appearance, from 0. A row beyond the end of the
/// shorter slice is linked by the longer alone. O(rows), nearly.
pub fn join_groups(a: &[usize], b: &[usize]) -> Vec<usize> {
    let n = a.len().max(b.len());
    let mut components = Components::new(n);
    for groups in [a, b] {
        let mut first: FxHashMap<usize, usize> = FxHashMap::default();
        for (row, &group) in groups.iter().enumerate() {
            components.link(*first.entry(group).or_insert(row), row);
        }
    }
    components.numbered()
}

/// The items numbered from 0 by first appearance, and how many different ones there are.
pub(super) fn number_by_appearance(items: impl Iterator<Item = usize>) -> (Vec<usize>, usize) {
    let mut numbers: FxHashMap<usize, usize> = FxHashMap::default();
    let numbered = items
        .map(|item| {
            let next = numbers.len();
            *numbers.entry(item).or_insert(next)
        })
        .collect();
    (numbered, numbers.len())
}

/// Union-find (Galler and Fischer 1964) with path halving; the root of a component is its smallest
/// item, which keeps the result free of the order of links.
pub(super) struct Components {
    parent: Vec<usize>,
}

impl Components {
    /// `n` items, each for itself.
    pub(super) fn new(n: usize) -> Self {
        Components { parent: (0..n).collect() }
    }

    fn root(&mut self, mut item: usize) -> usize {
        while self.parent[item] != item {
            self.parent[item] = self.parent[self.parent[item]];
            item = self.parent[item];
        }
        item
    }

    /// Makes one component of two. Items that do not exist are linked to nothing.
    pub(super) fn link(&mut self, a: usize, b: usize) {
        if a < self.parent.len() && b < self.parent.len() {
            let (a, b) = (self.root(a), self.root(b));
            self.parent[a.max(b)] = a.min(b);
        }
    }

    /// The component of each item, numbered by first appearance.
    pub(super) fn numbered(mut self) -> Vec<usize> {
        let roots: Vec<usize> = (0..self.parent.len()).map(|item| self.root(item)).collect();
        number_by_appearance(roots.into_iter()).0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SEED: RngSeed = RngSeed(2022);

    /// Both sides of the bound that the documentation promises.
    fn imbalance(groups: &[usize], classes: &[usize], folds: &[usize], k: usize) -> (f64, f64) {
        let (mut got, mut allowed) = (0.0, 0.0);
        for class in 0..=classes.iter().copied().max().unwrap_or(0) {
            let rows: Vec<usize> = (0..classes.len()).filter(|&row| classes[row] == class).collect();
            if rows.is_empty() {
                continue;
            }
            let share = |key: &[usize], value| {
                rows.iter().filter(|&&row| key[row] == value).count() as f64 / rows.len() as f64
            };
            got += (0..k).map(|fold| (share(folds, fold) - 1.0 / k as f64).powi(2)).sum::<f64>();
            let mut names = groups.to_vec();
            names.sort_unstable();
            names.dedup();
            allowed += names.into_iter().map(|name| share(groups, name).powi(2)).sum::<f64>();
        }
        (got, allowed * (1.0 - 1.0 / k as f64))
    }

    fn rows() -> impl Strategy<Value = (Vec<usize>, Vec<usize>, usize)> {
        (prop::collection::vec((0usize..25, 0usize..4), 1..120), 2usize..8).prop_map(|(rows, k)| {
            let (groups, classes): (Vec<_>, Vec<_>) = rows.into_iter().map(|(g, c)| (g * 1000, c)).unzip();
            (groups, classes, k)
        })
    }

    fn count_groups(groups: &[usize]) -> usize {
        number_by_appearance(groups.iter().copied()).1
    }

    proptest! {
        #[test]
        fn folds_are_a_partition_that_splits_no_group_and_leaves_none_empty((groups, classes, k) in rows()) {
            match stratified_group_folds(&groups, &classes, 4, k, SEED) {
                Ok(folds) => {
                    prop_assert_eq!(folds.len(), groups.len());
                    let mut fold_of = FxHashMap::default();
                    for (group, fold) in groups.iter().zip(&folds) {
                        prop_assert_eq!(fold_of.entry(group).or_insert(fold), &fold);
                    }
                    let mut used = folds.clone();
                    used.sort_unstable();
                    used.dedup();
                    prop_assert_eq!(used, (0..k).collect::<Vec<_>>());
                }
                Err(error) => {
                    prop_assert!(matches!(error, Error::TooFew(_)));
                    prop_assert!(count_groups(&groups) < k);
                }
            }
        }

        #[test]
        fn classes_are_never_less_even_than_by_chance((groups, classes, k) in rows(), seed in any::<u64>()) {
            if let Ok(folds) = stratified_group_folds(&groups, &classes, 4, k, RngSeed(seed)) {
                let (got, allowed) = imbalance(&groups, &classes, &folds, k);
                prop_assert!(got <= allowed + 1e-12, "{} > {}", got, allowed);
            }
        }

        #[test]
        fn rows_in_another_order_get_the_same_folds(
            (groups, classes, k) in rows(), order in any::<prop::sample::Index>(),
        ) {
            if let Ok(folds) = stratified_group_folds(&groups, &classes, 4, k, SEED) {
                let mut rows: Vec<usize> = (0..groups.len()).collect();
                rows.rotate_left(order.index(groups.len()));
                rows.reverse();
                let pick = |from: &[usize]| rows.iter().map(|&row| from[row]).collect::<Vec<_>>();
                let again = stratified_group_folds(&pick(&groups), &pick(&classes), 4, k, SEED).unwrap();
                prop_assert_eq!(again, pick(&folds));
            }
        }

        #[test]
        fn single_rows_are_spread_to_within_one(classes in prop::collection::vec(0usize..4, 8..100), k in 2usize..8) {
            let groups: Vec<usize> = (0..classes.len()).collect();
            let folds = stratified_group_folds(&groups, &classes, 4, k, SEED).unwrap();
            for class in 0..4 {
                let counts: Vec<usize> = (0..k)
                    .map(|fold| (0..folds.len()).filter(|&r| folds[r] == fold && classes[r] == class).count())
                    .collect();
                prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{:?}", counts);
            }
        }

        #[test]
        fn joined_groups_are_the_connected_components(
            rows in prop::collection::vec((0usize..12, 0usize..12), 0..40),
        ) {
            let (a, b): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
            // Brute force: spread the smallest row number until nothing changes.
            let mut least: Vec<usize> = (0..a.len()).collect();
            loop {
                let before = least.clone();
                for i in 0..a.len() {
                    for j in 0..a.len() {
                        if a[i] == a[j] || b[i] == b[j] {
                            least[i] = least[i].min(least[j]);
                        }
                    }
                }
                if least == before {
                    break;
                }
            }
            prop_assert_eq!(join_groups(&a, &b), number_by_appearance(least.into_iter()).0);
        }
    }

    #[test]
    fn another_seed_gives_other_folds() {
        let groups: Vec<usize> = (0..60).collect();
        let classes: Vec<usize> = (0..60).map(|row| row % 3).collect();
        let folds = |seed| stratified_group_folds(&groups, &classes, 3, 5, RngSeed(seed)).unwrap();
        assert_eq!(folds(1), folds(1));
        assert_ne!(folds(1), folds(2));
    }

    #[test]
    fn too_few_groups_are_said_with_what_to_do() {
        let said = stratified_group_folds(&[7, 7, 9], &[0, 1, 0], 2, 5, SEED).unwrap_err().to_string();
        assert_eq!(
            said,
            "5 folds need at least 5 groups, since a group is never split, but the rows form only 2 groups: \
             ask for fewer folds, group by something finer, or label more"
        );
        assert!(matches!(stratified_group_folds(&[], &[], 3, 2, SEED), Err(Error::TooFew(_))));
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        for bad in [
            stratified_group_folds(&[1, 2], &[0, 0], 1, 1, SEED),
            stratified_group_folds(&[1, 2], &[0, 0], 1, 0, SEED),
            stratified_group_folds(&[1, 2], &[0], 1, 2, SEED),
            stratified_group_folds(&[1, 2], &[0, 1], 1, 2, SEED),
        ] {
            assert!(matches!(bad, Err(Error::Usage(_))), "{bad:?}");
        }
    }

    #[test]
    fn leaving_one_group_out_gives_each_its_own_fold() {
        assert_eq!(leave_one_out(&[40, 7, 40, 1]), [0, 1, 0, 2]);
        assert!(leave_one_out(&[]).is_empty());
    }

    #[test]
    fn groups_that_share_a_row_become_one() {
        // 0 and 1 by a, 1 and 2 by b, 3 alone.
        assert_eq!(join_groups(&[5, 5, 6, 7], &[1, 2, 2, 5]), [0, 0, 0, 1]);
        // A group number means nothing across the two.
        assert_eq!(join_groups(&[1, 2], &[2, 1]), [0, 1]);
        assert_eq!(join_groups(&[1, 2, 1], &[3]), [0, 1, 0]);
    }
}
