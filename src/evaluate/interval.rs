//! How sure a metric is: intervals from a bootstrap that resamples whole clusters.
//!
//! Rows of one cluster (an outlet, an author, a family of near-duplicates) resemble each other, so
//! resampling single rows would give intervals that are far too narrow. Whole clusters are drawn
//! with replacement instead, as many as there are: Field and Welsh 2007, "Bootstrapping clustered
//! data", JRSS B 69; Cameron, Gelbach and Miller 2008, "Bootstrap-based improvements for inference
//! with clustered errors", Review of Economics and Statistics 90 (there: pairs cluster bootstrap).
//!
//! # From resamples to an interval
//!
//! The plain 2.5th and 97.5th percentiles are too narrow for few clusters, and askew for statistics
//! that a resample biases, such as F1 of a rare class. With `Φ` the normal distribution, `G`
//! clusters and `θ` the statistic of the sample itself, the ends are the quantiles `Φ(2 z - w)` and
//! `Φ(2 z + w)` of the resamples:
//!
//! - `z = Φ⁻¹(share of resamples below θ)`, ties counted half, within `[-1, 1]`, takes back the bias:
//!   the bias-corrected percentiles of Efron 1981, "Nonparametric standard errors and confidence
//!   intervals", Canadian Journal of Statistics 9.
//! - `w = t √(G / (G - 1))`, `t` being the 97.5th percentile of Student's distribution, is what a
//!   normal interval would be widened by for its estimated variance: the expanded percentiles of
//!   Hesterberg 2015, "What Teachers Should Know About the Bootstrap", The American Statistician 69.
//! - The degrees of freedom of `t` are not `G - 1` but what the statistic has: of 200 clusters, 6
//!   may hold the rare class, and all is then known from 6. With `κ` the kurtosis of the statistic
//!   over the `n` samples that leave one cluster out each (the jackknife),
//!   `2 n / (κ - (n - 3) / (n - 1))`, within `[1, G - 1]`: the squared mean of a variance estimate,
//!   doubled, by its variance (Satterthwaite 1946, "An approximate distribution of estimates of
//!   variance components", Biometrics Bulletin 2), the latter as in Mood, Graybill and Boes 1974,
//!   "Introduction to the theory of statistics", VI.2. It is `n - 1` for a normal kurtosis, 3. Of
//!   more than [`BLOCKS`] clusters, several are left out at a time.
//!
//! How often the truth is then within, by design and statistic, beside plain percentiles, is in
//! `benches/quality/coverage.md`, from `tests/coverage.rs`: about 95 % from 40 clusters, some 6 of
//! them with the rarer class; less below. [`Interval::clusters`] is there to be reported.
//!
//! # No interval
//!
//! No interval is better than a false one. A statistic that is the same in (nearly) all resamples,
//! such as the accuracy of a sample without an error, or the difference of two models that decide
//! alike, would get an interval without width, as if it could not be otherwise; one that is
//! undefined without one of the clusters (the only one with the class, say) rests on that cluster
//! alone. Both have none.
//!
//! # Chance
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

/// How often an [`Interval`] is meant to hold the truth.
pub const LEVEL: f64 = 0.95;
/// Most samples with clusters left out that an interval asks for.
pub const BLOCKS: u32 = 1000;

/// The 97.5th percentile of the normal distribution.
const Z: f64 = 1.959963984540054;
/// Most that the bias correction shifts by, in standard errors; beyond, it is no mere shift.
const MOST_BIAS: f64 = 1.0;

/// An interval and what it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end, one of the resamples' quantiles; see the module.
    pub low: f64,
    /// The upper end, above `low`.
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
/// sample, as indices into `groups` with repetition, cluster by cluster; an undefined or
/// non-finite value counts as undefined.
///
/// Quantiles are taken of the defined values and interpolated linearly (definition 7 of Hyndman
/// and Fan 1996, the default of R and `NumPy`).
///
/// `None` when there are fewer than 2 clusters (or more than `u32::MAX`), no resamples, fewer than
/// half of them defined, both ends alike to 12 digits, or the statistic undefined for all clusters
/// or without one of them; see the module.
///
/// O((`resamples` + min(clusters, [`BLOCKS`])) · (rows + `statistic`)), in parallel; one vector of
/// rows per thread.
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
    only(intervals(clusters, 1, resamples, seed, Vec::new, |rows: &mut Vec<usize>, picked| {
        rows.clear();
        picked.for_each(|cluster| rows.extend_from_slice(&rows_of[cluster]));
        vec![statistic(rows)]
    }))
}

/// The 95 % intervals of several statistics of the rows, all from the same resamples.
///
/// `groups[row]` is any number that names the row's cluster. `statistics` is given one weight per
/// row, how often the row's cluster is in the sample (all 1: the sample itself), and gives
/// `n_statistics` values; an undefined or non-finite value counts as undefined, and so does one
/// that is missing. A difference of two models is a statistic as any other.
///
/// `n_statistics` intervals, each what [`cluster_bootstrap`] gives for that statistic alone, and
/// `None` where it gives none. O((`resamples` + min(clusters, [`BLOCKS`])) · (rows +
/// `statistics`)), in parallel; memory for as many times `n_statistics` values, and one vector of
/// weights per thread.
pub fn bootstrap_weights(
    groups: &[usize],
    n_statistics: usize,
    resamples: usize,
    seed: RngSeed,
    statistics: impl Fn(&[u32]) -> Vec<Option<f64>> + Sync,
) -> Vec<Option<Interval>> {
    let (cluster_of, clusters) = number_by_appearance(groups.iter().copied());
    let scratch = || (vec![0; clusters], vec![0; groups.len()]);
    intervals(clusters, n_statistics, resamples, seed, scratch, |(times, weights), picked| {
        times.fill(0);
        picked.for_each(|cluster| times[cluster] += 1);
        for (weight, &cluster) in weights.iter_mut().zip(&cluster_of) {
            *weight = times[cluster];
        }
        statistics(weights)
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
    only(bootstrap_confusions(clusters, 1, resamples, seed, |confusion| vec![statistic(confusion)]))
}

/// As [`bootstrap_confusion`], for `n_statistics` statistics from the same resamples.
pub(crate) fn bootstrap_confusions(
    clusters: &[Confusion],
    n_statistics: usize,
    resamples: usize,
    seed: RngSeed,
    statistics: impl Fn(&Confusion) -> Vec<Option<f64>> + Sync,
) -> Vec<Option<Interval>> {
    let Some(table) = Table::new(&[clusters]) else { return vec![None; n_statistics] };
    let scratch = || table.scratch();
    intervals(clusters.len(), n_statistics, resamples, seed, scratch, |scratch, picked| {
        table.sum(scratch, picked);
        statistics(&scratch.sums[0])
    })
}

/// The 95 % interval of the difference (first minus second) of a statistic between two prediction
/// sets, both measured on the same resampled clusters.
///
/// `first[i]` and `second[i]` are the matrices of the same cluster `i` (see
/// [`cluster_confusions`]). A difference is defined where both values are. An interval without 0
/// speaks for a real difference, and is far sharper than comparing two separate intervals, since
/// what is hard for both cancels out.
///
/// `None` as for [`bootstrap_confusion`], hence also for predictions that are all the same, and
/// when the slices differ in length. O(`resamples` · clusters · k²), in parallel.
pub fn bootstrap_paired(
    first: &[Confusion],
    second: &[Confusion],
    resamples: usize,
    seed: RngSeed,
    statistic: impl Fn(&Confusion) -> Option<f64> + Sync,
) -> Option<Interval> {
    let table = Table::new(&[first, second])?;
    let scratch = || table.scratch();
    only(intervals(first.len(), 1, resamples, seed, scratch, |scratch, picked| {
        table.sum(scratch, picked);
        let values = statistic(&scratch.sums[0]).zip(statistic(&scratch.sums[1]));
        vec![values.map(|(first, second)| first - second)]
    }))
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
    /// How many clusters are of each kind.
    sizes: Vec<u64>,
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
        let mut sizes = vec![0; kinds.len()];
        kind_of.iter().for_each(|&kind| sizes[kind as usize] += 1);
        Some(Table { k, sets: sets.len(), kind_of, kinds, sizes })
    }

    fn scratch(&self) -> Scratch {
        Scratch { drawn: vec![0; self.kinds.len()], sums: vec![Confusion::new(self.k); self.sets] }
    }

    /// Sums the matrices of the picked clusters, one sum per prediction set.
    fn sum(&self, scratch: &mut Scratch, picked: Picked) {
        if let Picked::Without { block, blocks, .. } = picked {
            // What is left out is far less than what is left.
            scratch.drawn.copy_from_slice(&self.sizes);
            if block < blocks {
                let out = self.kind_of.iter().skip(block as usize).step_by(blocks as usize);
                out.for_each(|&kind| scratch.drawn[kind as usize] -= 1);
            }
        } else {
            scratch.drawn.fill(0);
            picked.for_each(|cluster| scratch.drawn[self.kind_of[cluster] as usize] += 1);
        }
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

/// The clusters of one sample.
#[allow(clippy::large_enum_variant)] // one a sample, and none is kept
enum Picked {
    /// As many as there are, with replacement.
    Drawn { rng: ChaCha8Rng, clusters: u32, left: u32 },
    /// Each once, from the number `next` on, but for those whose number is `block` modulo `blocks`.
    Without { block: u32, blocks: u32, next: u32, clusters: u32 },
}

impl Iterator for Picked {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        match self {
            Picked::Drawn { rng, clusters, left } => {
                *left = left.checked_sub(1)?;
                Some(rng.gen_range(0..*clusters) as usize)
            }
            Picked::Without { block, blocks, next, clusters } => {
                if *next % *blocks == *block {
                    *next = next.saturating_add(1);
                }
                let cluster = *next;
                *next = next.saturating_add(1);
                (cluster < *clusters).then_some(cluster as usize)
            }
        }
    }
}

/// Picks the samples, and makes intervals of what `values` says of each.
fn intervals<S>(
    clusters: usize,
    n_statistics: usize,
    resamples: usize,
    seed: RngSeed,
    scratch: impl Fn() -> S + Sync + Send,
    values: impl Fn(&mut S, Picked) -> Vec<Option<f64>> + Sync + Send,
) -> Vec<Option<Interval>> {
    let Some(clusters) = u32::try_from(clusters).ok().filter(|&clusters| clusters >= 2) else {
        return vec![None; n_statistics];
    };
    if resamples == 0 {
        return vec![None; n_statistics];
    }
    let blocks = clusters.div_ceil(clusters.div_ceil(BLOCKS));
    // First without each block, then without none, then the resamples.
    let first_drawn = blocks as usize + 1;
    let found: Vec<Vec<Option<f64>>> = (0..first_drawn.saturating_add(resamples))
        .into_par_iter()
        .map_init(scratch, |scratch, sample| {
            let picked = match sample.checked_sub(first_drawn) {
                None => Picked::Without { block: sample as u32, blocks, next: 0, clusters },
                Some(resample) => {
                    let rng = seed.stream(&format!("bootstrap/{resample}"));
                    Picked::Drawn { rng, clusters, left: clusters }
                }
            };
            values(scratch, picked)
        })
        .collect();
    let value = |sample: &Vec<Option<f64>>, at: usize| sample.get(at).copied().flatten();
    (0..n_statistics)
        .map(|at| {
            let mut column = found.iter().map(|sample| value(sample, at).filter(|value| value.is_finite()));
            let without: Vec<f64> = column.by_ref().take(blocks as usize).collect::<Option<_>>()?;
            let whole = column.next()??;
            interval(whole, &without, column.flatten().collect(), clusters as usize, resamples)
        })
        .collect()
}

/// The interval of the one statistic there is.
fn only(mut intervals: Vec<Option<Interval>>) -> Option<Interval> {
    intervals.pop().flatten()
}

/// The interval of a statistic that is `whole` for the sample itself, `without` when each block of
/// clusters is left out, and `drawn` in those of `resamples` resamples in which it is defined.
fn interval(
    whole: f64,
    without: &[f64],
    mut drawn: Vec<f64>,
    clusters: usize,
    resamples: usize,
) -> Option<Interval> {
    let defined = drawn.len();
    if defined == 0 || defined < resamples.div_ceil(2) {
        return None;
    }
    drawn.sort_unstable_by(f64::total_cmp);
    let (bias, reach) = (median_bias(&drawn, whole), reach(without, clusters));
    let low = quantile(&drawn, normal_share_below(2.0 * bias - reach));
    let high = quantile(&drawn, normal_share_below(2.0 * bias + reach));
    // Sums in another order differ in the last digits: no width either.
    (high - low > 1e-12 * low.abs().max(high.abs())).then_some(Interval {
        low,
        high,
        level: LEVEL,
        clusters,
        resamples,
        defined,
    })
}

/// The `z` of the module: how many standard errors the median of the sorted `drawn` lies below
/// `whole`, in `[-MOST_BIAS, MOST_BIAS]`.
fn median_bias(drawn: &[f64], whole: f64) -> f64 {
    // Values that differ by rounding are ties.
    let near = 1e-9 * (drawn[drawn.len() - 1] - drawn[0]);
    let below = drawn.partition_point(|&value| value < whole - near);
    let up_to = drawn.partition_point(|&value| value <= whole + near);
    let share = (below + up_to) as f64 / (2 * drawn.len()) as f64;
    let (mut low, mut high) = (-MOST_BIAS, MOST_BIAS);
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        if normal_share_below(middle) < share { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// The `w` of the module: how many standard errors an interval reaches to either side.
fn reach(without: &[f64], clusters: usize) -> f64 {
    let (n, most) = (without.len() as f64, (clusters - 1) as f64);
    let mean = without.iter().sum::<f64>() / n;
    let squares = || without.iter().map(|value| (value - mean) * (value - mean));
    let second = squares().sum::<f64>() / n;
    let kurtosis = squares().map(|square| square * square).sum::<f64>() / n / (second * second);
    let freedom = 2.0 * n / (kurtosis - (n - 3.0) / (n - 1.0));
    // Without any difference there is no kurtosis.
    let freedom = if freedom.is_finite() { freedom.clamp(1.0, most) } else { most };
    student(freedom) * (clusters as f64 / most).sqrt()
}

/// The share of a normal distribution below `z`.
fn normal_share_below(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// The 97.5th percentile of Student's distribution for `freedom` degrees of freedom, at least 1.
///
/// Abramowitz and Stegun 1964, "Handbook of Mathematical Functions", 26.7.5: right to 0.2 % from 3
/// degrees of freedom, 0.8 % too small for 2 and 11 % for 1, where a thousand resamples have no
/// quantile so far out anyway.
fn student(freedom: f64) -> f64 {
    let square = Z * Z;
    let terms = [
        Z,
        Z * (square + 1.0) / 4.0,
        Z * ((5.0 * square + 16.0) * square + 3.0) / 96.0,
        Z * (((3.0 * square + 19.0) * square + 17.0) * square - 15.0) / 384.0,
        Z * ((((79.0 * square + 776.0) * square + 1482.0) * square - 1920.0) * square - 945.0) / 92160.0,
    ];
    terms.iter().rev().fold(0.0, |sum, term| sum / freedom + term)
}

/// The quantile `q`, in `[0, 1]`, of sorted values, at least one, interpolated linearly.
pub(crate) fn quantile(sorted: &[f64], q: f64) -> f64 {
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
        let first = |rows: &[usize]| Some(rows.iter().filter(|&&row| row == 0).count() as f64);
        assert_eq!(cluster_bootstrap(&[4, 5], 0, SEED, first), None);
        assert_eq!(cluster_bootstrap(&[4, 4], 100, SEED, first), None);
        let two = cluster_bootstrap(&[4, 5], 100, SEED, first).unwrap();
        assert_eq!((two.low, two.high, two.clusters), (0.0, 2.0, 2));
        assert_eq!(bootstrap_confusion(&[], 100, SEED, Confusion::accuracy), None);
    }

    #[test]
    fn a_statistic_that_is_mostly_undefined_has_no_interval() {
        // Two certain rows are both missing from a resample of n clusters with probability
        // (1 - 2/n)^n, about 0.13.
        let groups: Vec<usize> = (0..50).collect();
        let times = |rows: &[usize], wanted: usize| rows.iter().filter(|&&row| row == wanted).count() as f64;
        let either = |rows: &[usize]| {
            let (first, second) = (times(rows, 0), times(rows, 1));
            (first + second > 0.0).then(|| first / (first + second))
        };
        let got = cluster_bootstrap(&groups, 1000, SEED, either).unwrap();
        assert!((830..910).contains(&got.defined), "{got:?}");
        // Defined for the sample itself and without any one row, but not in most resamples.
        let most = |rows: &[usize]| {
            let mut kinds = rows.to_vec();
            kinds.sort_unstable();
            kinds.dedup();
            (kinds.len() >= 49 || kinds.len().is_multiple_of(3)).then(|| times(rows, 0))
        };
        assert_eq!(cluster_bootstrap(&groups, 1000, SEED, most), None);
        assert_eq!(cluster_bootstrap(&groups, 1000, SEED, |_| Some(f64::NAN)), None);
    }

    #[test]
    fn what_rests_on_a_single_cluster_has_no_interval() {
        let groups: Vec<usize> = (0..50).map(|row| row / 2).collect();
        let recall = |positive: &[usize]| {
            let positive = positive.to_vec();
            cluster_bootstrap(&groups, 1000, SEED, move |rows| {
                let of: Vec<usize> = rows.iter().copied().filter(|row| positive.contains(row)).collect();
                let found = of.iter().filter(|&row| row % 2 == 0).count();
                (!of.is_empty()).then(|| found as f64 / of.len() as f64)
            })
        };
        assert_eq!(recall(&[0, 1]), None);
        assert!(recall(&[0, 3]).is_some());
    }

    #[test]
    fn what_never_varies_has_no_interval() {
        let (groups, truth, predicted) = example();
        let perfect = cluster_confusions(&groups, 3, &truth, &truth);
        let flawed = cluster_confusions(&groups, 3, &truth, &predicted);
        assert_eq!(bootstrap_confusion(&perfect, 200, SEED, Confusion::accuracy), None);
        assert_eq!(bootstrap_confusion(&flawed, 200, SEED, |_| Some(0.0)), None);
        assert!(bootstrap_confusion(&flawed, 200, SEED, Confusion::accuracy).is_some());
        // The same mean, but for the order of summation.
        let alike = vec![0.1; groups.len()];
        assert_eq!(cluster_bootstrap(&groups, 200, SEED, mean(&alike)), None);
        // One resample shows no variation.
        assert_eq!(bootstrap_confusion(&flawed, 1, SEED, Confusion::accuracy), None);
        assert_eq!(bootstrap_paired(&flawed, &flawed, 200, SEED, Confusion::accuracy), None);
    }

    #[test]
    fn better_predictions_differ() {
        let (groups, truth, predicted) = example();
        let perfect = cluster_confusions(&groups, 3, &truth, &truth);
        let flawed = cluster_confusions(&groups, 3, &truth, &predicted);
        let better = bootstrap_paired(&perfect, &flawed, 200, SEED, Confusion::accuracy).unwrap();
        let worse = bootstrap_paired(&flawed, &perfect, 200, SEED, Confusion::accuracy).unwrap();
        assert!(better.low > 0.0);
        assert!((better.low + worse.high).abs() < 1e-9 && (better.high + worse.low).abs() < 1e-9);
    }

    #[test]
    fn few_clusters_widen_the_interval_and_few_that_matter_widen_it_further() {
        // The share of even rows among the first 6, alone, or among 60 that have no say.
        let share = |rows: &[usize]| {
            let of: Vec<usize> = rows.iter().copied().filter(|&row| row < 6).collect();
            (!of.is_empty()).then(|| of.iter().filter(|&row| row % 2 == 0).count() as f64 / of.len() as f64)
        };
        let reached = |clusters: usize| {
            let rest = |out| (0..clusters).filter(|&row| row != out).collect::<Vec<_>>();
            let without: Vec<f64> = (0..clusters).map(|out| share(&rest(out)).unwrap()).collect();
            reach(&without, clusters)
        };
        assert!((reached(6) - student(5.0) * 1.2_f64.sqrt()).abs() < 1e-9);
        // The kurtosis of 3 up, 3 down and 60 at 0 is 11; 2 · 66 / (11 - 63/65) = 13.160.
        assert!((reached(66) - student(13.160) * (66.0_f64 / 65.0).sqrt()).abs() < 1e-3);
        // Which is what an interval is made with: wider than plain percentiles of the same draws.
        let groups: Vec<usize> = (0..66).collect();
        let graded = |rows: &[usize]| {
            let of: Vec<usize> = rows.iter().copied().filter(|&row| row < 6).collect();
            (!of.is_empty()).then(|| of.iter().sum::<usize>() as f64 / of.len() as f64)
        };
        let drawn = std::sync::Mutex::new(Vec::new());
        let got = cluster_bootstrap(&groups, 2000, SEED, |rows| {
            if rows.len() == 66 {
                drawn.lock().unwrap().extend(graded(rows));
            }
            graded(rows)
        });
        let (got, mut drawn) = (got.unwrap(), drawn.into_inner().unwrap());
        drawn.sort_unstable_by(f64::total_cmp);
        assert!(got.low < quantile(&drawn, 0.025) && got.high > quantile(&drawn, 0.975), "{got:?}");
    }

    #[test]
    fn the_degrees_of_freedom_of_normal_values_are_one_less_than_their_number() {
        // Two equal spikes of weight 1/6 each and the rest at 0 have the kurtosis 3 of a normal.
        let without: Vec<f64> = (0..60).map(|i| [1.0, -1.0, 0.0, 0.0, 0.0, 0.0][i % 6]).collect();
        assert!((reach(&without, 60) - student(59.0) * (60.0_f64 / 59.0).sqrt()).abs() < 1e-9);
        // And nothing that varies gives the most there can be.
        assert!((reach(&[0.5; 60], 60) - student(59.0) * (60.0_f64 / 59.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn percentiles_of_student_are_those_of_tables() {
        for (freedom, golden, within) in [
            (1.0, 12.7062, 0.12),
            (2.0, 4.30265, 0.008),
            (3.0, 3.18245, 0.002),
            (5.0, 2.57058, 0.002),
            (10.0, 2.22814, 1e-5),
            (30.0, 2.04227, 1e-5),
            (100.0, 1.98397, 1e-5),
        ] {
            assert!((student(freedom) / golden - 1.0).abs() < within, "{freedom}: {}", student(freedom));
        }
    }

    #[test]
    fn the_bias_is_that_of_the_median() {
        let drawn: Vec<f64> = (0..1000).map(f64::from).collect();
        // 84.13 % of a normal distribution lie below 1, 69.15 % below 0.5.
        for (whole, golden) in [(499.5, 0.0), (691.0, 0.5), (308.0, -0.5), (2000.0, 1.0), (-9.0, -1.0)] {
            assert!((median_bias(&drawn, whole) - golden).abs() < 0.01, "{whole}");
        }
        // Ties count half.
        assert!(median_bias(&[0.0, 1.0, 1.0, 1.0, 2.0], 1.0).abs() < 1e-9);
    }

    #[test]
    fn blocks_of_clusters_are_left_out_where_there_are_many() {
        let rest = |block, blocks, clusters| -> Vec<usize> {
            Picked::Without { block, blocks, next: 0, clusters }.collect()
        };
        assert_eq!(rest(1, 3, 7), [0, 2, 3, 5, 6]);
        assert_eq!(rest(0, 3, 3), [1, 2]);
        assert_eq!(rest(2, 3, 3), [0, 1]);
        assert_eq!(rest(3, 3, 4), [0, 1, 2, 3]);
        // 2,500 clusters, in 834 blocks of 3: about as many evaluations as resamples.
        let groups: Vec<usize> = (0..2500).collect();
        let asked = std::sync::atomic::AtomicUsize::new(0);
        cluster_bootstrap(&groups, 10, SEED, |rows| {
            asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Some(rows.len() as f64)
        });
        assert_eq!(asked.into_inner(), 10 + 834 + 1);
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
                prop_assert!(0.0 <= got.low && got.low < got.high && got.high <= 1.0);
                prop_assert!(got.defined * 2 >= resamples && got.clusters == clusters.len());
            }
        }

        #[test]
        fn all_ways_to_ask_give_the_same_interval(
            rows in prop::collection::vec((0usize..12, 0usize..3, 0usize..3, 0usize..3), 0..60), resamples in 0usize..60,
        ) {
            let column = |of: fn(&(usize, usize, usize, usize)) -> usize| rows.iter().map(of).collect::<Vec<_>>();
            let (groups, truth) = (column(|row| row.0), column(|row| row.1));
            let (first, second) = (column(|row| row.2), column(|row| row.3));
            let macro_f1 = |confusion: &Confusion| confusion.macro_f1().map(|found| found.0);
            let recall = |confusion: &Confusion| confusion.recall(1);
            let matrices = [&first, &second].map(|predicted| cluster_confusions(&groups, 3, &truth, predicted));
            let of = |predicted: &[usize], rows: &mut dyn Iterator<Item = usize>| {
                let mut confusion = Confusion::new(3);
                rows.for_each(|row| confusion.add(truth[row], predicted[row]));
                confusion
            };
            let together = bootstrap_weights(&groups, 3, resamples, SEED, |weights| {
                let rows = || (0..weights.len()).flat_map(|row| std::iter::repeat_n(row, weights[row] as usize));
                let [a, b] = [&first, &second].map(|predicted| of(predicted, &mut rows()));
                vec![macro_f1(&a), recall(&a), macro_f1(&a).zip(macro_f1(&b)).map(|(a, b)| a - b)]
            });
            let apart = vec![
                bootstrap_confusion(&matrices[0], resamples, SEED, macro_f1),
                cluster_bootstrap(&groups, resamples, SEED, |rows| recall(&of(&first, &mut rows.iter().copied()))),
                bootstrap_paired(&matrices[0], &matrices[1], resamples, SEED, macro_f1),
            ];
            prop_assert_eq!(&together, &apart);
            // A statistic that is asked for and not given is undefined; one that is not asked for, nothing.
            let short = bootstrap_weights(&groups, 2, resamples, SEED, |weights| vec![Some(f64::from(weights[0]))]);
            prop_assert!(short.len() == 2 && short[1].is_none());
            prop_assert!(bootstrap_weights(&groups, 0, resamples, SEED, |_| vec![Some(1.0)]).is_empty());
        }
    }
}
