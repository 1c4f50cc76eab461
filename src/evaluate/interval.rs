//! How sure a metric is: percentile intervals from a bootstrap that resamples whole clusters.
//!
//! Rows of one cluster (an outlet, an author, a family of near-duplicates) resemble each other, so
//! resampling single rows would give intervals that are far too narrow. Whole clusters are drawn
//! with replacement instead, as many as there are: Field and Welsh 2007, "Bootstrapping clustered
//! data", JRSS B 69; Cameron, Gelbach and Miller 2008, "Bootstrap-based improvements for inference
//! with clustered errors", Review of Economics and Statistics 90 (there: pairs cluster bootstrap).
//! With few clusters, say below 30, even these intervals tend to be too narrow;
//! [`Interval::clusters`] is there to be reported.
//!
//! The draws depend on the seed, the number of clusters and the resample's number only (stream
//! `bootstrap/<number>`), so they are the same on any number of threads, and the same for every
//! statistic of the same clusters.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::folds::number_by_appearance;
use super::metrics::Confusion;
use crate::rng::RngSeed;

/// The share of resamples inside an [`Interval`].
pub const LEVEL: f64 = 0.95;

/// A percentile interval and what it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end: the 2.5th percentile of the resamples.
    pub low: f64,
    /// The upper end, at least `low`: the 97.5th percentile.
    pub high: f64,
    /// [`LEVEL`].
    pub level: f64,
    /// How many clusters there are to draw from, at least 2.
    pub clusters: usize,
    /// How many resamples were drawn.
    pub resamples: usize,
    /// In how many of them the statistic was defined: at least half. Where this is not all of
    /// them, the interval is conditional on the statistic being defined.
    pub defined: usize,
}

/// The 95 % interval of any statistic of the rows.
///
/// `groups[row]` is any number that names the row's cluster. `statistic` is given the rows of one
/// resample, as indices into `groups` with repetition, cluster by cluster; an undefined or
/// non-finite value counts as undefined.
///
/// Percentiles are taken of the defined values and interpolated linearly (definition 7 of Hyndman
/// and Fan 1996, the default of R and `NumPy`).
///
/// `None` when there are fewer than 2 clusters (or more than `u32::MAX`), no resamples, or when
/// fewer than half of the resamples are defined.
///
/// O(`resamples` · (rows + `statistic`)), in parallel; one vector of rows per thread.
pub fn cluster_bootstrap(
    groups: &[usize],
    resamples: usize,
    seed: RngSeed,
    statistic: impl Fn(&[usize]) -> Option<f64> + Sync,
) -> Option<Interval> {
    let (cluster_of, clusters) = number_by_appearance(groups.iter().copied());
    let mut rows_of = vec![Vec::new(); clusters];
    for (row, &cluster) in cluster_of.iter().enumerate() {
        rows_of[cluster].push(row);
    }
    percentiles(clusters, resamples, seed, Vec::new, |rows: &mut Vec<usize>, draws| {
        rows.clear();
        draws.for_each(|cluster| rows.extend_from_slice(&rows_of[cluster]));
        statistic(rows)
    })
}

/// One confusion matrix per cluster, in the order of the clusters' first appearance.
///
/// `groups[row]` is any number that names the row's cluster, `truth[row]` and `predicted[row]` are
/// in `0..k`; other rows are not counted, as by [`Confusion::from_pairs`], but their cluster is
/// there. The order depends on `groups` only: two prediction sets over the same `groups` fit
/// [`bootstrap_paired`]. O(rows + clusters · k²).
pub fn cluster_confusions(
    groups: &[usize],
    k: usize,
    truth: &[usize],
    predicted: &[usize],
) -> Vec<Confusion> {
    let (cluster_of, clusters) = number_by_appearance(groups.iter().copied());
    let mut confusions = vec![Confusion::new(k); clusters];
    for ((&cluster, &truth), &predicted) in cluster_of.iter().zip(truth).zip(predicted) {
        confusions[cluster].add(truth, predicted);
    }
    confusions
}

/// As [`cluster_bootstrap`], for statistics of the confusion matrix, given one matrix per cluster
/// (see [`cluster_confusions`]): a resample costs O(clusters · k²) however many rows there are.
///
/// Gives exactly what [`cluster_bootstrap`] gives for the same clusters and seed. `None` also when
/// the matrices differ in their number of classes.
pub fn bootstrap_confusion(
    clusters: &[Confusion],
    resamples: usize,
    seed: RngSeed,
    statistic: impl Fn(&Confusion) -> Option<f64> + Sync,
) -> Option<Interval> {
    let table = Table::new(&[clusters])?;
    percentiles(
        clusters.len(),
        resamples,
        seed,
        || table.scratch(),
        |scratch, draws| {
            table.sum(scratch, draws);
            statistic(&scratch.sums[0])
        },
    )
}

/// The 95 % interval of the difference (first minus second) of a statistic between two prediction
/// sets, both measured on the same resampled clusters.
///
/// `first[i]` and `second[i]` are the matrices of the same cluster `i` (see
/// [`cluster_confusions`]). A difference is defined where both values are. An interval without 0
/// speaks for a real difference, and is far sharper than comparing two separate intervals, since
/// what is hard for both cancels out.
///
/// `None` as for [`bootstrap_confusion`], and when the slices differ in length.
/// O(`resamples` · clusters · k²), in parallel.
pub fn bootstrap_paired(
    first: &[Confusion],
    second: &[Confusion],
    resamples: usize,
    seed: RngSeed,
    statistic: impl Fn(&Confusion) -> Option<f64> + Sync,
) -> Option<Interval> {
    let table = Table::new(&[first, second])?;
    percentiles(
        first.len(),
        resamples,
        seed,
        || table.scratch(),
        |scratch, draws| {
            table.sum(scratch, draws);
            Some(statistic(&scratch.sums[0])? - statistic(&scratch.sums[1])?)
        },
    )
}

/// The matrices of all clusters, each different one kept once: most clusters are small, and there
/// are few ways to have one row.
struct Table {
    k: usize,
    /// How many matrices a cluster has: one per prediction set.
    sets: usize,
    /// Which of `kinds` a cluster has.
    kind_of: Vec<u32>,
    /// The different contents of clusters, `sets * k * k` counts each.
    kinds: Vec<Vec<u64>>,
}

struct Scratch {
    drawn: Vec<u64>,
    sums: Vec<Confusion>,
}

impl Table {
    fn new(sets: &[&[Confusion]]) -> Option<Self> {
        let clusters = sets.first()?;
        let k = clusters.first()?.k();
        if sets.iter().any(|set| set.len() != clusters.len() || set.iter().any(|matrix| matrix.k() != k)) {
            return None;
        }
        let mut numbers = FxHashMap::default();
        let mut kinds = Vec::new();
        let mut kind_of = Vec::with_capacity(clusters.len());
        for cluster in 0..clusters.len() {
            let content: Vec<u64> = sets.iter().flat_map(|set| set[cluster].counts()).copied().collect();
            let kind = *numbers.entry(content).or_insert_with_key(|content| {
                kinds.push(content.clone());
                kinds.len() - 1
            });
            kind_of.push(u32::try_from(kind).ok()?);
        }
        Some(Table { k, sets: sets.len(), kind_of, kinds })
    }

    fn scratch(&self) -> Scratch {
        Scratch { drawn: vec![0; self.kinds.len()], sums: vec![Confusion::new(self.k); self.sets] }
    }

    /// Sums the matrices of the drawn clusters, one sum per prediction set.
    fn sum(&self, scratch: &mut Scratch, draws: Draws) {
        scratch.drawn.fill(0);
        draws.for_each(|cluster| scratch.drawn[self.kind_of[cluster] as usize] += 1);
        let cells = self.k * self.k;
        for (set, sum) in scratch.sums.iter_mut().enumerate() {
            sum.clear();
            for (kind, &times) in self.kinds.iter().zip(&scratch.drawn) {
                if times > 0 {
                    sum.add_counts(&kind[set * cells..(set + 1) * cells], times);
                }
            }
        }
    }
}

/// The clusters of one resample.
struct Draws {
    rng: ChaCha8Rng,
    clusters: u32,
    left: u32,
}

impl Iterator for Draws {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        Some(self.rng.gen_range(0..self.clusters) as usize)
    }
}

/// Draws the resamples and takes the percentiles of what `value` says of each.
fn percentiles<S>(
    clusters: usize,
    resamples: usize,
    seed: RngSeed,
    scratch: impl Fn() -> S + Sync + Send,
    value: impl Fn(&mut S, Draws) -> Option<f64> + Sync + Send,
) -> Option<Interval> {
    let n = u32::try_from(clusters).ok().filter(|&n| n >= 2)?;
    let mut values: Vec<f64> = (0..resamples)
        .into_par_iter()
        .map_init(scratch, |scratch, resample| {
            let rng = seed.stream(&format!("bootstrap/{resample}"));
            value(scratch, Draws { rng, clusters: n, left: n }).filter(|value| value.is_finite())
        })
        .flatten_iter()
        .collect();
    let defined = values.len();
    if defined == 0 || defined < resamples.div_ceil(2) {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    let tail = (1.0 - LEVEL) / 2.0;
    Some(Interval {
        low: quantile(&values, tail),
        high: quantile(&values, 1.0 - tail),
        level: LEVEL,
        clusters,
        resamples,
        defined,
    })
}

/// The quantile `q`, in `[0, 1]`, of sorted values, at least one, interpolated linearly.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = q * (sorted.len() - 1) as f64;
    let below = sorted[place.floor() as usize];
    let above = sorted[(place.ceil() as usize).min(sorted.len() - 1)];
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SEED: RngSeed = RngSeed(2022);

    /// 120 rows in 40 clusters, right in two of three.
    fn example() -> (Vec<usize>, Vec<usize>, Vec<usize>) {
        let groups = (0..120).map(|row| row * 7 % 40 + 100).collect();
        let truth: Vec<usize> = (0..120).map(|row| row * row % 3).collect();
        let predicted = truth.iter().enumerate().map(|(row, t)| (t + row * 11 % 7 / 5) % 3).collect();
        (groups, truth, predicted)
    }

    fn mean(values: &[f64]) -> impl Fn(&[usize]) -> Option<f64> + Sync {
        |rows| Some(rows.iter().map(|&row| values[row]).sum::<f64>() / rows.len() as f64)
    }

    fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
    }

    #[test]
    fn the_interval_is_the_same_on_any_number_of_threads() {
        let (groups, truth, predicted) = example();
        let clusters = cluster_confusions(&groups, 3, &truth, &predicted);
        let interval = || bootstrap_confusion(&clusters, 501, SEED, |c| c.macro_f1().map(|m| m.0)).unwrap();
        let one = on_threads(1, interval);
        for threads in [2, 3, 8] {
            assert_eq!(on_threads(threads, interval), one);
        }
        assert_ne!(bootstrap_confusion(&clusters, 501, RngSeed(1), |c| c.macro_f1().map(|m| m.0)), Some(one));
    }

    #[test]
    fn matrices_and_rows_give_the_same_interval() {
        let (groups, truth, predicted) = example();
        let clusters = cluster_confusions(&groups, 3, &truth, &predicted);
        let of_matrices = bootstrap_confusion(&clusters, 300, SEED, Confusion::mcc).unwrap();
        let of_rows = cluster_bootstrap(&groups, 300, SEED, |rows| {
            let pick = |from: &[usize]| rows.iter().map(|&row| from[row]).collect::<Vec<_>>();
            Confusion::from_pairs(3, &pick(&truth), &pick(&predicted)).mcc()
        });
        assert_eq!(Some(of_matrices), of_rows);
        assert_eq!((of_matrices.clusters, of_matrices.resamples, of_matrices.defined), (40, 300, 300));
        let point = Confusion::from_pairs(3, &truth, &predicted).mcc().unwrap();
        assert!(of_matrices.low < point && point < of_matrices.high);
    }

    #[test]
    fn the_width_of_a_mean_is_that_of_the_normal_approximation() {
        // 400 independent rows, half 0 and half 1: standard error 0.5 / 20.
        let values: Vec<f64> = (0..400).map(|row| f64::from(row % 2)).collect();
        let groups: Vec<usize> = (0..400).collect();
        let got = cluster_bootstrap(&groups, 4000, SEED, mean(&values)).unwrap();
        assert!((got.low - (0.5 - 1.96 * 0.025)).abs() < 0.005, "{got:?}");
        assert!((got.high - (0.5 + 1.96 * 0.025)).abs() < 0.005, "{got:?}");
        assert_eq!(got.level, 0.95);
    }

    #[test]
    fn repeating_rows_inside_their_clusters_buys_no_certainty() {
        let values: Vec<f64> = (0..50).map(|row| f64::from(row % 5)).collect();
        let groups: Vec<usize> = (0..50).collect();
        let many: Vec<f64> = values.iter().flat_map(|&value| [value; 20]).collect();
        let grouped: Vec<usize> = groups.iter().flat_map(|&group| [group; 20]).collect();
        let single = cluster_bootstrap(&groups, 400, SEED, mean(&values)).unwrap();
        let repeated = cluster_bootstrap(&grouped, 400, SEED, mean(&many)).unwrap();
        assert!((single.low - repeated.low).abs() < 1e-12 && (single.high - repeated.high).abs() < 1e-12);
        let naive: Vec<usize> = (0..1000).collect();
        let naive = cluster_bootstrap(&naive, 400, SEED, mean(&many)).unwrap();
        assert!((naive.high - naive.low) * 3.0 < repeated.high - repeated.low);
    }

    #[test]
    fn fewer_than_two_clusters_have_no_interval() {
        assert_eq!(cluster_bootstrap(&[], 100, SEED, |_| Some(1.0)), None);
        assert_eq!(cluster_bootstrap(&[4, 4, 4], 100, SEED, |_| Some(1.0)), None);
        assert_eq!(cluster_bootstrap(&[4, 5], 0, SEED, |_| Some(1.0)), None);
        assert!(cluster_bootstrap(&[4, 5], 1, SEED, |_| Some(1.0)).is_some());
        assert_eq!(bootstrap_confusion(&[], 100, SEED, Confusion::accuracy), None);
    }

    #[test]
    fn a_statistic_that_is_mostly_undefined_has_no_interval() {
        // Row 0 is missing from a resample of n clusters with probability (1 - 1/n)^n, about 0.37.
        let groups: Vec<usize> = (0..50).collect();
        let present = |rows: &[usize]| rows.contains(&0);
        let got = cluster_bootstrap(&groups, 1000, SEED, |rows| present(rows).then_some(1.0)).unwrap();
        assert!((580..680).contains(&got.defined), "{got:?}");
        assert_eq!(cluster_bootstrap(&groups, 1000, SEED, |rows| (!present(rows)).then_some(1.0)), None);
        assert_eq!(cluster_bootstrap(&groups, 1000, SEED, |_| Some(f64::NAN)), None);
    }

    #[test]
    fn equal_predictions_do_not_differ_and_better_ones_do() {
        let (groups, truth, predicted) = example();
        let perfect = cluster_confusions(&groups, 3, &truth, &truth);
        let flawed = cluster_confusions(&groups, 3, &truth, &predicted);
        let same = bootstrap_paired(&flawed, &flawed, 200, SEED, Confusion::accuracy).unwrap();
        assert_eq!((same.low, same.high), (0.0, 0.0));
        let better = bootstrap_paired(&perfect, &flawed, 200, SEED, Confusion::accuracy).unwrap();
        let worse = bootstrap_paired(&flawed, &perfect, 200, SEED, Confusion::accuracy).unwrap();
        assert!(better.low > 0.0);
        assert!((better.low + worse.high).abs() < 1e-12 && (better.high + worse.low).abs() < 1e-12);
    }

    #[test]
    fn matrices_that_do_not_fit_have_no_interval() {
        let (two, three) = (vec![Confusion::new(2); 4], vec![Confusion::new(3); 4]);
        assert_eq!(bootstrap_paired(&two, &three, 10, SEED, |_| Some(0.0)), None);
        assert_eq!(bootstrap_paired(&two, &two[..3], 10, SEED, |_| Some(0.0)), None);
        assert_eq!(bootstrap_confusion(&[two[0].clone(), three[0].clone()], 10, SEED, |_| Some(0.0)), None);
    }

    #[test]
    fn quantiles_are_those_of_numpy() {
        // numpy.quantile([1, 2, 4, 8, 16], [0, 0.025, 0.4, 0.975, 1])
        let values = [1.0, 2.0, 4.0, 8.0, 16.0];
        for (q, golden) in [(0.0, 1.0), (0.025, 1.1), (0.4, 3.2), (0.975, 15.2), (1.0, 16.0)] {
            assert!((quantile(&values, q) - golden).abs() < 1e-12);
        }
        assert_eq!(quantile(&[3.0], 0.3), 3.0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn any_clusters_and_labels_are_taken(
            rows in prop::collection::vec((any::<usize>(), 0usize..5, 0usize..5), 0..30), resamples in 0usize..30,
        ) {
            let groups: Vec<usize> = rows.iter().map(|row| row.0 % 9).collect();
            let truth: Vec<usize> = rows.iter().map(|row| row.1).collect();
            let predicted: Vec<usize> = rows.iter().map(|row| row.2).collect();
            let clusters = cluster_confusions(&groups, 3, &truth, &predicted);
            if let Some(got) = bootstrap_confusion(&clusters, resamples, SEED, Confusion::accuracy) {
                prop_assert!(0.0 <= got.low && got.low <= got.high && got.high <= 1.0);
                prop_assert!(got.defined * 2 >= resamples && got.clusters == clusters.len());
            }
        }
    }
}
