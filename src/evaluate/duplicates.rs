//! Near-duplicates: which documents are so alike that they must not be on two sides of a split.
//!
//! Documents are sets of word ids; likeness is their Jaccard similarity `|x ∩ y| / |x ∪ y|`.
//! The join is exact: no hashing trick decides. It finds all pairs by prefix filtering, with the
//! filters by size and by position: Bayardo, Ma and Srikant 2007, "Scaling up all pairs similarity
//! search", WWW; Xiao, Wang, Lin and Yu 2008, "Efficient similarity joins for near duplicate
//! detection" (`PPJoin`), WWW.

use std::borrow::Cow;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::folds::Components;

/// Never touched by a probe.
const UNSEEN: u32 = 0;
/// Ruled out by the filter by position.
const RULED_OUT: u32 = u32::MAX;

/// Enough pairs `(i, j, similarity)`, `i < j`, sorted, to know all pairs of sets that are at least
/// `threshold` alike.
///
/// Of identical sets only the first is compared with others. The result holds
/// - every pair of *first* sets whose Jaccard similarity is at least `threshold`, and no other, and
/// - every two neighbours in a run of identical sets, in order of index, with similarity 1 (so `m`
///   identical sets give `m - 1` pairs and not `m (m - 1) / 2`).
///
/// The connected components ([`clusters`]) are those of all similar pairs.
///
/// `sets[i]` holds the distinct word ids of document `i` in rising order; others are sorted and
/// deduplicated first, at some cost. An empty set is like nothing, not even another empty one, and
/// sets without a common word are never a pair, even at a threshold of 0 or less; a threshold above 1
/// or NaN gives no pairs. Indices are `u32`: sets beyond the first 2³² are not looked at.
///
/// Only words in the rarest part of a set, its prefix, are ever looked up, and the rarest words are
/// in few sets. For sets of `w` words the prefix has `w (1 - threshold) + 1`, so the cost grows
/// steeply as the threshold falls, to quadratic in the number of distinct sets at worst (all of
/// them alike, or a threshold near 0). In parallel; the result does not depend on the number of
/// threads. Memory: O(words in all), and 4 bytes per distinct set and thread.
pub fn near_duplicates(sets: &[Vec<u32>], threshold: f64) -> Vec<(u32, u32, f64)> {
    if threshold.is_nan() || threshold > 1.0 {
        return Vec::new();
    }
    let (distinct, mut pairs) = collapse(sets);
    let records = by_rising_size(&rank_words(distinct));
    pairs.par_extend(join(&records, threshold));
    pairs.par_sort_unstable_by_key(|&(i, j, _)| (i, j));
    pairs
}

/// The cluster of each of `n` documents when every pair is linked, numbered by first appearance.
///
/// `pairs` as from [`near_duplicates`], in any order; pairs with an index of `n` or above are left
/// out. Documents in no pair are clusters of their own. O(`n` + pairs), nearly.
pub fn clusters(n: usize, pairs: &[(u32, u32, f64)]) -> Vec<usize> {
    let mut components = Components::new(n);
    for &(i, j, _) in pairs {
        components.link(i as usize, j as usize);
    }
    components.numbered()
}

/// The index of a set and its words.
type Indexed<'a> = (u32, Cow<'a, [u32]>);

/// The first of all identical sets, without empty ones, and the pairs that chain the others to it.
fn collapse(sets: &[Vec<u32>]) -> (Vec<Indexed<'_>>, Vec<(u32, u32, f64)>) {
    let mut latest: FxHashMap<Cow<[u32]>, (u32, u32)> = FxHashMap::default();
    let mut chain = Vec::new();
    for (index, set) in (0..=u32::MAX).zip(sets) {
        if set.is_empty() {
            continue;
        }
        let set = if set.is_sorted_by(|a, b| a < b) {
            Cow::Borrowed(set.as_slice())
        } else {
            let mut sorted = set.clone();
            sorted.sort_unstable();
            sorted.dedup();
            Cow::Owned(sorted)
        };
        latest
            .entry(set)
            .and_modify(|(_, last)| {
                chain.push((*last, index, 1.0));
                *last = index;
            })
            .or_insert((index, index));
    }
    let mut distinct: Vec<Indexed> = latest.into_iter().map(|(set, (first, _))| (first, set)).collect();
    distinct.par_sort_unstable_by_key(|&(first, _)| first);
    (distinct, chain)
}

/// Words replaced by their rank by rising frequency, sets sorted by it: the rarest word first.
fn rank_words(sets: Vec<Indexed<'_>>) -> Vec<(u32, Vec<u32>)> {
    let mut frequency: FxHashMap<u32, u32> = FxHashMap::default();
    for &word in sets.iter().flat_map(|(_, set)| set.iter()) {
        *frequency.entry(word).or_insert(0) += 1;
    }
    let mut words: Vec<(u32, u32)> = frequency.into_iter().map(|(word, count)| (count, word)).collect();
    words.par_sort_unstable();
    let rank: FxHashMap<u32, u32> = words.iter().zip(0..).map(|(&(_, word), rank)| (word, rank)).collect();
    sets.into_par_iter()
        .map(|(index, set)| {
            let mut ranks: Vec<u32> = set.iter().map(|word| rank[word]).collect();
            ranks.sort_unstable();
            (index, ranks)
        })
        .collect()
}

/// All sets in one piece of memory, small ones first.
struct Records {
    /// Each set's index in the input.
    index: Vec<u32>,
    /// Where each set begins in `words`, and where the last ends.
    starts: Vec<usize>,
    words: Vec<u32>,
}

fn by_rising_size(sets: &[(u32, Vec<u32>)]) -> Records {
    let mut order: Vec<&(u32, Vec<u32>)> = sets.iter().collect();
    order.par_sort_unstable_by_key(|(index, words)| (words.len(), *index));
    let mut records = Records { index: Vec::new(), starts: vec![0], words: Vec::new() };
    for (index, words) in order {
        records.index.push(*index);
        records.words.extend_from_slice(words);
        records.starts.push(records.words.len());
    }
    records
}

impl Records {
    fn len(&self) -> usize {
        self.index.len()
    }

    fn set(&self, record: usize) -> &[u32] {
        &self.words[self.starts[record]..self.starts[record + 1]]
    }
}

/// The least whole number that is not below `x`, at least 1. Errs downward when `x` is a whole number
/// but for rounding: a filter may let too much through, never too little.
fn at_least(x: f64) -> usize {
    ((x - 1e-6).ceil() as usize).max(1)
}

/// For each word (by rank) the records that have it in their prefix, in rising order, with its place
/// there.
struct Postings {
    starts: Vec<usize>,
    entries: Vec<(u32, u32)>,
}

impl Postings {
    /// A record is looked up by records at least as large as itself, with which it must then have
    /// `2 t / (1 + t) |y|` words in common.
    fn new(records: &Records, threshold: f64) -> Self {
        let prefix = |record: usize| {
            let set = records.set(record);
            let common = at_least(2.0 * threshold / (1.0 + threshold) * set.len() as f64);
            &set[..(set.len() + 1).saturating_sub(common)]
        };
        let words = records.words.iter().max().map_or(0, |&word| word as usize + 1);
        let mut starts = vec![0; words + 1];
        for record in 0..records.len() {
            for &word in prefix(record) {
                starts[word as usize + 1] += 1;
            }
        }
        for word in 0..words {
            starts[word + 1] += starts[word];
        }
        let mut next = starts.clone();
        let mut entries = vec![(0, 0); starts[words]];
        for record in 0..records.len() {
            for (place, &word) in (0..).zip(prefix(record)) {
                entries[next[word as usize]] = (record as u32, place);
                next[word as usize] += 1;
            }
        }
        Postings { starts, entries }
    }

    fn of(&self, word: u32) -> &[(u32, u32)] {
        &self.entries[self.starts[word as usize]..self.starts[word as usize + 1]]
    }
}

fn join(records: &Records, threshold: f64) -> Vec<(u32, u32, f64)> {
    let threshold = threshold.max(0.0);
    let postings = Postings::new(records, threshold);
    // The words that two sets with this many words together must have in common.
    let longest = records.len().checked_sub(1).map_or(0, |last| records.set(last).len());
    let needed: Vec<u32> =
        (0..=2 * longest).map(|sum| at_least(threshold / (1.0 + threshold) * sum as f64) as u32).collect();
    let scratch = || (vec![UNSEEN; records.len()], Vec::new());
    (0..records.len())
        .into_par_iter()
        .with_min_len(128)
        .map_init(scratch, |(common, candidates), x| {
            let set = records.set(x);
            let smallest = at_least(threshold * set.len() as f64);
            let prefix = (set.len() + 1).saturating_sub(smallest);
            for (place, &word) in set[..prefix].iter().enumerate() {
                let entries = postings.of(word);
                let large_enough =
                    entries.partition_point(|&(y, _)| records.set(y as usize).len() < smallest);
                for &(y, place_in_y) in entries[large_enough..].iter().take_while(|&&(y, _)| (y as usize) < x)
                {
                    let count = &mut common[y as usize];
                    if *count == RULED_OUT {
                        continue;
                    }
                    if *count == UNSEEN {
                        candidates.push(y);
                    }
                    let size = records.set(y as usize).len();
                    let still = (set.len() - place).min(size - place_in_y as usize) as u32;
                    *count = if *count + still < needed[set.len() + size] { RULED_OUT } else { *count + 1 };
                }
            }
            let mut found = Vec::new();
            for y in candidates.drain(..) {
                if std::mem::replace(&mut common[y as usize], UNSEEN) == RULED_OUT {
                    continue;
                }
                let other = records.set(y as usize);
                let Some(shared) = intersection(set, other, needed[set.len() + other.len()] as usize) else {
                    continue;
                };
                let similarity = shared as f64 / (set.len() + other.len() - shared) as f64;
                if similarity >= threshold {
                    let (i, j) = (records.index[x], records.index[y as usize]);
                    found.push((i.min(j), i.max(j), similarity));
                }
            }
            found
        })
        .flatten_iter()
        .collect()
}

/// The number of common elements of two sorted sets, or `None` as soon as it cannot reach `needed`.
fn intersection(mut x: &[u32], mut y: &[u32], needed: usize) -> Option<usize> {
    let mut shared = 0;
    while let ([a, x_rest @ ..], [b, y_rest @ ..]) = (x, y) {
        if shared + x.len().min(y.len()) < needed {
            return None;
        }
        shared += usize::from(a == b);
        if a <= b {
            x = x_rest;
        }
        if b <= a {
            y = y_rest;
        }
    }
    (shared >= needed).then_some(shared)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn jaccard(x: &[u32], y: &[u32]) -> f64 {
        let (x, y): (BTreeSet<_>, BTreeSet<_>) = (x.iter().collect(), y.iter().collect());
        let shared = x.intersection(&y).count();
        if shared == 0 { 0.0 } else { shared as f64 / (x.len() + y.len() - shared) as f64 }
    }

    /// All similar pairs.
    fn all_pairs(sets: &[Vec<u32>], threshold: f64) -> Vec<(u32, u32, f64)> {
        let mut pairs = Vec::new();
        for j in 0..sets.len() {
            for i in 0..j {
                let similarity = jaccard(&sets[i], &sets[j]);
                if similarity > 0.0 && similarity >= threshold {
                    pairs.push((i as u32, j as u32, similarity));
                }
            }
        }
        pairs.sort_by_key(|&(i, j, _)| (i, j));
        pairs
    }

    /// What the documentation of [`near_duplicates`] says of them.
    fn enough_pairs(sets: &[Vec<u32>], threshold: f64) -> Vec<(u32, u32, f64)> {
        let same = |i: u32, j: u32| sets[i as usize] == sets[j as usize];
        let first = |i: u32| (0..i).all(|earlier| !same(earlier, i));
        let neighbours = |i: u32, j: u32| same(i, j) && (i + 1..j).all(|between| !same(i, between));
        let mut pairs = all_pairs(sets, threshold);
        pairs.retain(|&(i, j, _)| neighbours(i, j) || (first(i) && first(j)));
        pairs
    }

    fn sets(words: u32, size: usize, n: usize) -> impl Strategy<Value = Vec<Vec<u32>>> {
        // The square makes some words frequent and some rare.
        let word = (0..words).prop_map(move |word| word * word / words);
        let set = prop::collection::btree_set(word, 0..size).prop_map(|set| set.into_iter().collect());
        prop::collection::vec(set, 0..n)
    }

    /// Any threshold, and above all the fractions that a similarity can equal.
    fn threshold() -> impl Strategy<Value = f64> {
        prop_oneof![
            0.0..1.0f64,
            (1u32..20, 1u32..20).prop_map(|(a, b)| f64::from(a.min(b)) / f64::from(a.max(b))),
            Just(1.0),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn the_join_finds_what_brute_force_finds(sets in sets(60, 12, 40), threshold in threshold()) {
            prop_assert_eq!(near_duplicates(&sets, threshold), enough_pairs(&sets, threshold));
        }

        #[test]
        fn the_join_finds_what_brute_force_finds_among_few_words(sets in sets(9, 8, 40), threshold in threshold()) {
            prop_assert_eq!(near_duplicates(&sets, threshold), enough_pairs(&sets, threshold));
        }

        #[test]
        fn clusters_are_those_of_all_similar_pairs(sets in sets(14, 8, 30), threshold in threshold()) {
            let got = clusters(sets.len(), &near_duplicates(&sets, threshold));
            prop_assert_eq!(got, clusters(sets.len(), &all_pairs(&sets, threshold)));
        }

        #[test]
        fn any_list_of_words_is_taken_as_a_set(
            lists in prop::collection::vec(prop::collection::vec(prop_oneof![0u32..6, any::<u32>()], 0..6), 0..12),
            threshold in prop_oneof![any::<f64>(), 0.0..1.0f64],
        ) {
            let sets: Vec<Vec<u32>> =
                lists.iter().map(|list| list.iter().copied().collect::<BTreeSet<_>>().into_iter().collect()).collect();
            prop_assert_eq!(near_duplicates(&lists, threshold), near_duplicates(&sets, threshold));
            prop_assert_eq!(near_duplicates(&lists, threshold), enough_pairs(&sets, threshold));
        }
    }

    #[test]
    fn near_duplicates_of_many_sizes_are_found() {
        // Copies of long sets with a few words exchanged, at the threshold exactly and just below.
        let base: Vec<u32> = (0..90).collect();
        let exact: Vec<u32> = (0..81).collect(); // 81 / 90 = 0.9
        let below: Vec<u32> = (0..80).collect(); // 80 / 90, and 80 / 81 with `exact`
        let got = near_duplicates(&[base, exact, below], 0.9);
        assert_eq!(got, [(0, 1, 0.9), (1, 2, 80.0 / 81.0)]);
    }

    #[test]
    fn empty_sets_are_never_duplicates() {
        assert!(near_duplicates(&[vec![], vec![], vec![]], 0.5).is_empty());
        assert!(near_duplicates(&[vec![], vec![], vec![1]], 0.0).is_empty());
        assert_eq!(clusters(3, &near_duplicates(&[vec![], vec![], vec![1]], 0.5)), [0, 1, 2]);
        assert!(near_duplicates(&[], 0.5).is_empty());
    }

    #[test]
    fn identical_sets_make_a_chain() {
        let sets = [vec![1, 2], vec![3], vec![1, 2], vec![1, 2], vec![1, 2, 4]];
        let third = 2.0 / 3.0;
        assert_eq!(near_duplicates(&sets, 0.6), [(0, 2, 1.0), (0, 4, third), (2, 3, 1.0)]);
        assert_eq!(clusters(5, &near_duplicates(&sets, 0.6)), [0, 1, 0, 0, 0]);
    }

    #[test]
    fn thousands_of_identical_sets_are_not_compared_with_each_other() {
        let sets: Vec<Vec<u32>> = (0..20_000).map(|i| vec![1, 2, 3, 4 + i % 2]).collect();
        let pairs = near_duplicates(&sets, 0.6);
        assert_eq!(pairs.len(), 19_998 + 1);
        assert!(clusters(sets.len(), &pairs).iter().all(|&cluster| cluster == 0));
    }

    #[test]
    fn a_threshold_that_nothing_can_reach_gives_no_pairs() {
        let sets = [vec![1, 2], vec![1, 2]];
        assert!(near_duplicates(&sets, 1.0 + 1e-9).is_empty());
        assert!(near_duplicates(&sets, f64::INFINITY).is_empty());
        assert!(near_duplicates(&sets, f64::NAN).is_empty());
        assert_eq!(near_duplicates(&sets, f64::NEG_INFINITY), [(0, 1, 1.0)]);
    }

    #[test]
    fn pairs_are_the_same_on_any_number_of_threads() {
        let sets: Vec<Vec<u32>> = (0..3000u32)
            .map(|i| (0..10).map(|j| j * 10 + (i * (j + 3)) % 7 * (i % 5) % 9).collect())
            .collect();
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| near_duplicates(&sets, 0.6))
        };
        let one = on(1);
        assert!(!one.is_empty());
        assert_eq!(on(2), one);
        assert_eq!(on(7), one);
    }

    #[test]
    fn pairs_of_documents_that_do_not_exist_are_left_out() {
        assert_eq!(clusters(2, &[(0, 5, 1.0), (9, 9, 1.0), (1, 1, 1.0)]), [0, 1]);
    }
}
