//! How far raters agree: share of agreement, Cohen's kappa, Krippendorff's alpha, and their intervals.
//!
//! A unit is an article, or a segment of one. Who judged a unit on an axis rated it; a unit that
//! fewer than two raters rated says nothing of agreement and is left out.
//!
//! | figure | of | formula | undefined when |
//! |---|---|---|---|
//! | agreement | all raters | mean over units of the share of pairs of raters that agree | there is no unit |
//! | alpha | all raters | `1 - D_o / D_e`, see [`krippendorff_alpha`] | only one class was given |
//! | kappa | two raters | `(p_o - p_e) / (1 - p_e)`, see [`cohen_kappa`] | both gave one and the same class only |
//!
//! What is undefined is `None`, never 0 and never 1. Units of one article resemble each other, so
//! intervals resample whole articles; see [`super::interval`].

use std::collections::BTreeMap;

use serde::Serialize;

use super::interval::{Interval, cluster_bootstrap};
use super::metrics::Confusion;
use super::sample::{ENOUGH, RESAMPLES};
use crate::error::{Error, Result};
use crate::label::Axis;
use crate::read::annotations::{Annotations, CONFIDENCE, Judgement};
use crate::rng::RngSeed;

/// Names the layout of [`Agreement`] in JSON.
pub const SCHEMA: &str = "kzstance-agreement/1";

/// A figure with what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// The figure; `None` where it is undefined.
    pub value: Option<f64>,
    /// The number of units it is of.
    pub n: usize,
    /// Its 95 % interval; `None` for fewer than [`ENOUGH`] units, and where [`cluster_bootstrap`]
    /// has none.
    pub interval: Option<Interval>,
}

/// How far two raters agree, over the units that both rated.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairAgreement {
    /// The rater of the rows of `confusion`.
    pub first: String,
    /// The rater of its columns.
    pub second: String,
    /// The share of units with the same class, in `[0, 1]`.
    pub agreement: Estimate,
    /// [`cohen_kappa`].
    pub kappa: Estimate,
    /// Rows: the class the first gave; columns: the class the second gave.
    pub confusion: Vec<Vec<u64>>,
}

/// How far all raters agree on the units that were judged with some confidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConfidenceAgreement {
    /// The lowest confidence that any of a unit's raters stated.
    pub lowest: u8,
    /// [`mean_agreement`].
    pub agreement: Estimate,
    /// [`krippendorff_alpha`].
    pub alpha: Estimate,
}

/// A unit that its raters did not all give the same class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Disagreement {
    /// The article.
    pub id: String,
    /// The segment; `None` for the whole article.
    pub segment: Option<String>,
    /// The class that each of its raters gave.
    pub labels: BTreeMap<String, String>,
}

/// How far raters agree on one axis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AxisAgreement {
    /// The axis with its classes in order.
    pub axis: Axis,
    /// The number of units in the table.
    pub n_units: usize,
    /// How many of them two or more raters judged on this axis.
    pub n_shared: usize,
    /// The number of articles these are of: what intervals resample.
    pub n_articles: usize,
    /// [`mean_agreement`] over all raters.
    pub agreement: Estimate,
    /// [`krippendorff_alpha`] over all raters.
    pub alpha: Estimate,
    /// Each pair of raters that share a unit.
    pub pairs: Vec<PairAgreement>,
    /// One for each confidence, where the table states it.
    pub by_confidence: Vec<ConfidenceAgreement>,
    /// By id and segment.
    pub disagreements: Vec<Disagreement>,
}

/// How far the raters of one table agree.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableAgreement {
    /// The file, as it was named.
    pub file: String,
    /// The column that says who the rater is.
    pub rater_column: String,
    /// The raters, sorted.
    pub raters: Vec<String>,
    /// One an axis, in the table's order.
    pub axes: Vec<AxisAgreement>,
}

/// How far raters agree.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Seed of the intervals.
    pub seed: RngSeed,
    /// One a table.
    pub tables: Vec<TableAgreement>,
}

/// How far the raters of each table agree, on each of its axes.
///
/// The order of judgements does not matter. A label that is no class of its axis is left out; of
/// two judgements of a unit by one rater, which [`crate::read::annotations`] does not let pass, one
/// counts.
///
/// # Errors
/// [`Error::TooFew`] for a table with one rater only.
pub fn agree(tables: &[Annotations], seed: RngSeed) -> Result<Agreement> {
    let tables = tables.iter().map(|table| agree_on_table(table, seed)).collect::<Result<_>>()?;
    Ok(Agreement { schema: SCHEMA, seed, tables })
}

fn agree_on_table(table: &Annotations, seed: RngSeed) -> Result<TableAgreement> {
    let mut raters: Vec<&str> = table.judgements.iter().map(|judgement| judgement.rater.as_str()).collect();
    raters.sort_unstable();
    raters.dedup();
    if raters.len() < 2 {
        let by = match raters.first() {
            Some(rater) => format!("every judgement is by one rater, {} «{rater}»", table.rater_column),
            None => "there is no judgement".into(),
        };
        return Err(Error::TooFew(format!(
            "{}: {by}; agreement wants two raters at least: have the same articles judged again",
            table.path.display()
        )));
    }
    let axes = (0..table.axes.len()).map(|axis| agree_on_axis(table, axis, &raters, seed));
    Ok(TableAgreement {
        file: table.path.display().to_string(),
        rater_column: table.rater_column.clone(),
        axes: axes.collect(),
        raters: raters.into_iter().map(str::to_owned).collect(),
    })
}

fn agree_on_axis(table: &Annotations, number: usize, raters: &[&str], seed: RngSeed) -> AxisAgreement {
    let axis = &table.axes[number];
    let k = axis.classes.len();
    let mut units = units(&table.judgements, number, k, raters);
    let n_units = units.len();
    units.retain(|unit| unit.ratings.len() > 1);
    let mut by_confidence = Vec::new();
    if table.judgements.iter().any(|judgement| judgement.confidence.is_some()) {
        for lowest in CONFIDENCE {
            let of_level: Vec<&Unit> = units.iter().filter(|unit| unit.lowest == Some(lowest)).collect();
            let (agreement, alpha) = over_all(&of_level, seed);
            by_confidence.push(ConfidenceAgreement { lowest, agreement, alpha });
        }
    }
    let all: Vec<&Unit> = units.iter().collect();
    let (agreement, alpha) = over_all(&all, seed);
    let disagreements = units.iter().filter(|unit| unit.tally.classes.len() > 1).map(|unit| Disagreement {
        id: unit.id.to_owned(),
        segment: unit.segment.map(str::to_owned),
        labels: unit
            .ratings
            .iter()
            .map(|(&rater, &class)| (raters[rater].to_owned(), axis.classes[class].clone()))
            .collect(),
    });
    AxisAgreement {
        n_units,
        n_shared: units.len(),
        n_articles: articles(&all).last().map_or(0, |last| last + 1),
        agreement,
        alpha,
        pairs: pairs(&units, k, raters, seed),
        by_confidence,
        disagreements: disagreements.collect(),
        axis: axis.clone(),
    }
}

/// What was said of one unit on one axis.
struct Unit<'a> {
    id: &'a str,
    segment: Option<&'a str>,
    /// The class that each rater gave, below the number of classes.
    ratings: BTreeMap<usize, usize>,
    /// The classes without the raters.
    tally: Tally,
    /// The lowest confidence stated by those who gave a class.
    lowest: Option<u8>,
}

/// All units of some judgements, by id and segment; raters are numbered by their place in `raters`,
/// which is sorted.
fn units<'a>(judgements: &'a [Judgement], axis: usize, k: usize, raters: &[&str]) -> Vec<Unit<'a>> {
    let mut of_unit: BTreeMap<(&str, Option<&str>), Vec<&Judgement>> = BTreeMap::new();
    for judgement in judgements {
        of_unit.entry((&judgement.id, judgement.segment.as_deref())).or_default().push(judgement);
    }
    let unit = |((id, segment), judgements): ((&'a str, Option<&'a str>), Vec<&Judgement>)| {
        let mut ratings = BTreeMap::new();
        let mut lowest: Option<u8> = None;
        for judgement in judgements {
            let class = judgement.labels.get(axis).copied().flatten().filter(|&class| class < k);
            let rater = raters.binary_search(&judgement.rater.as_str());
            if let (Some(class), Ok(rater)) = (class, rater) {
                ratings.insert(rater, class);
                lowest = lowest.into_iter().chain(judgement.confidence).min();
            }
        }
        let tally = Tally::of(ratings.values().copied());
        Unit { id, segment, ratings, tally, lowest }
    };
    of_unit.into_iter().map(unit).collect()
}

/// The number of the article of each unit, counted from 0; units are in the order of ids.
fn articles(units: &[&Unit]) -> Vec<usize> {
    let mut number = 0;
    let place = |place: usize| {
        number += usize::from(place > 0 && units[place].id != units[place - 1].id);
        number
    };
    (0..units.len()).map(place).collect()
}

/// Agreement and alpha over all raters.
fn over_all(units: &[&Unit], seed: RngSeed) -> (Estimate, Estimate) {
    let groups = articles(units);
    let tally = |&row: &usize| &units[row].tally;
    (
        estimate(&groups, seed, |rows| mean_agreement(rows.iter().map(tally))),
        estimate(&groups, seed, |rows| krippendorff_alpha(rows.iter().map(tally))),
    )
}

/// A figure of all rows, and its interval where there are enough of them.
fn estimate(groups: &[usize], seed: RngSeed, statistic: impl Fn(&[usize]) -> Option<f64> + Sync) -> Estimate {
    let all: Vec<usize> = (0..groups.len()).collect();
    let value = statistic(&all);
    let enough = groups.len() >= ENOUGH && value.is_some();
    let interval = if enough { cluster_bootstrap(groups, RESAMPLES, seed, statistic) } else { None };
    Estimate { value, n: groups.len(), interval }
}

/// Every pair of raters that share a unit, in the order of their names.
fn pairs(units: &[Unit], k: usize, raters: &[&str], seed: RngSeed) -> Vec<PairAgreement> {
    let mut shared: BTreeMap<(usize, usize), Vec<&Unit>> = BTreeMap::new();
    for unit in units {
        for &first in unit.ratings.keys() {
            for &second in unit.ratings.keys().filter(|&&second| second > first) {
                shared.entry((first, second)).or_default().push(unit);
            }
        }
    }
    let pair = |((first, second), units): ((usize, usize), Vec<&Unit>)| {
        let groups = articles(&units);
        let classes: Vec<(usize, usize)> =
            units.iter().map(|unit| (unit.ratings[&first], unit.ratings[&second])).collect();
        let confusion = |rows: &[usize]| {
            let mut confusion = Confusion::new(k);
            rows.iter().for_each(|&row| confusion.add(classes[row].0, classes[row].1));
            confusion
        };
        let all: Vec<usize> = (0..units.len()).collect();
        PairAgreement {
            first: raters[first].to_owned(),
            second: raters[second].to_owned(),
            agreement: estimate(&groups, seed, |rows| confusion(rows).accuracy()),
            kappa: estimate(&groups, seed, |rows| cohen_kappa(&confusion(rows))),
            confusion: confusion(&all).counts().chunks(k.max(1)).map(<[u64]>::to_vec).collect(),
        }
    };
    shared.into_iter().map(pair).collect()
}

/// Cohen's kappa of two raters, in `[-1, 1]`; 0 is what chance would give. `None` when both gave one
/// and the same class only, or there is no unit.
///
/// `(p_o - p_e) / (1 - p_e)`, with `p_o` the share of units with the same class, and `p_e` the sum
/// over the classes of the product of the shares in which either rater gave it: Cohen 1960, "A
/// coefficient of agreement for nominal scales", Educational and Psychological Measurement 20. The
/// same for the raters changed about. O(k²).
pub fn cohen_kappa(confusion: &Confusion) -> Option<f64> {
    let n = confusion.n() as f64;
    let over = |of: &dyn Fn(usize) -> f64| (0..confusion.k()).map(of).sum::<f64>();
    let same = over(&|class| confusion.count(class, class) as f64);
    let by_chance = over(&|class| confusion.support(class) as f64 * confusion.predicted(class) as f64);
    let room = n * n - by_chance;
    (room > 0.0).then(|| ((n * same - by_chance) / room).clamp(-1.0, 1.0))
}

/// How often each class was given to one unit, whoever gave it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Class and count; each class once, in order, and no count is 0.
    classes: Vec<(usize, u64)>,
    raters: u64,
    /// Ordered pairs of raters that agree.
    agreeing: u64,
}

impl Tally {
    /// The tally of the classes that raters gave, one a rater. O(raters · log).
    pub fn of(ratings: impl IntoIterator<Item = usize>) -> Self {
        let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
        ratings.into_iter().for_each(|class| *counts.entry(class).or_default() += 1);
        Tally {
            raters: counts.values().sum(),
            agreeing: counts.values().map(|count| count * (count - 1)).sum(),
            classes: counts.into_iter().collect(),
        }
    }
}

/// The mean, over the units of two raters or more, of the share of pairs of raters that agree, in
/// `[0, 1]`; `None` when there is no such unit.
///
/// With two raters the share of units with the same class, with the same number of raters for each
/// unit the mean `P_i` of Fleiss 1971, "Measuring nominal scale agreement among many raters",
/// Psychological Bulletin 76. O(units).
pub fn mean_agreement<'t>(units: impl IntoIterator<Item = &'t Tally>) -> Option<f64> {
    let (total, n) = units
        .into_iter()
        .filter(|unit| unit.raters > 1)
        .map(|unit| unit.agreeing as f64 / (unit.raters * (unit.raters - 1)) as f64)
        .fold((0.0, 0_u64), |(total, n), share| (total + share, n + 1));
    (n > 0).then(|| total / n as f64)
}

/// Krippendorff's alpha for nominal data, in `[-1, 1]`, of any number of raters of whom each may
/// have rated any of the units; 0 is what chance would give. `None` when only one class was given,
/// or no unit has two raters.
///
/// `((n - 1) Σ o_cc - Σ n_c (n_c - 1)) / (n (n - 1) - Σ n_c (n_c - 1))` over the classes, with `n_c`
/// the number of times that `c` was given to units of two raters or more, `n` the sum of these, and
/// `o_cc` the sum over those units of the ordered pairs of raters that both gave `c`, divided by the
/// unit's number of raters less one: Krippendorff 2011, "Computing Krippendorff's
/// Alpha-Reliability", section C. O(units · classes of a unit · classes).
pub fn krippendorff_alpha<'t>(units: impl IntoIterator<Item = &'t Tally>) -> Option<f64> {
    // Few classes: looking through them is faster than hashing.
    let mut given: Vec<(usize, u64)> = Vec::new();
    let mut observed = 0.0;
    for unit in units.into_iter().filter(|unit| unit.raters > 1) {
        for &(class, count) in &unit.classes {
            match given.iter_mut().find(|(other, _)| *other == class) {
                Some((_, sum)) => *sum += count,
                None => given.push((class, count)),
            }
        }
        observed += unit.agreeing as f64 / (unit.raters - 1) as f64;
    }
    if given.len() < 2 {
        return None;
    }
    let pairs = |count: u64| u128::from(count) * u128::from(count.saturating_sub(1));
    let n: u64 = given.iter().map(|(_, count)| count).sum();
    let all = pairs(n) as f64;
    let by_chance = given.iter().map(|&(_, count)| pairs(count)).sum::<u128>() as f64;
    Some((((n - 1) as f64 * observed - by_chance) / (all - by_chance)).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::Place;

    /// Units of Krippendorff 2011, section C: a line an observer, a column a unit, 0 for no value.
    const OBSERVERS: [[usize; 12]; 4] = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
        [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ];

    fn close(got: Option<f64>, wanted: f64) {
        assert!(got.is_some_and(|got| (got - wanted).abs() < 1e-12), "{got:?}, not {wanted}");
    }

    fn kappa(k: usize, first: &[usize], second: &[usize]) -> Option<f64> {
        cohen_kappa(&Confusion::from_pairs(k, first, second))
    }

    /// The alpha of units of two raters.
    fn alpha(first: &[usize], second: &[usize]) -> Option<f64> {
        let units: Vec<Tally> = first.iter().zip(second).map(|(&a, &b)| Tally::of([a, b])).collect();
        krippendorff_alpha(&units)
    }

    fn judgement(id: usize, segment: usize, rater: usize, class: Option<usize>) -> Judgement {
        Judgement {
            id: format!("doc-{id:03}"),
            segment: (segment > 0).then(|| segment.to_string()),
            rater: format!("r{rater}"),
            labels: vec![class],
            confidence: None,
            place: Place::default(),
        }
    }

    /// A table of one axis with three classes.
    fn table(judgements: Vec<Judgement>) -> Annotations {
        Annotations {
            path: "own.csv".into(),
            rater_column: "annotator".into(),
            axes: vec![Axis::stance()],
            judgements,
        }
    }

    fn measured(judgements: Vec<Judgement>) -> AxisAgreement {
        agree(&[table(judgements)], RngSeed(2022)).unwrap().tables.remove(0).axes.remove(0)
    }

    #[test]
    fn alpha_is_that_of_krippendorffs_examples() {
        let column =
            |unit: usize| OBSERVERS.iter().map(move |observer| observer[unit]).filter(|&value| value > 0);
        let units: Vec<Tally> = (0..12).map(|unit| Tally::of(column(unit))).collect();
        let four = krippendorff_alpha(&units);
        close(four, (39.0 * 32.0 - 344.0) / (40.0 * 39.0 - 344.0));
        assert_eq!(format!("{:.3}", four.unwrap()), "0.743");
        // Section A: binary data, two observers, no value missing.
        let binary = alpha(&[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], &[1, 1, 1, 0, 0, 1, 0, 0, 0, 0]);
        assert_eq!(format!("{:.3}", binary.unwrap()), "0.095");
        // Section B: nominal data, two observers, no value missing.
        let nominal = alpha(&[0, 0, 1, 1, 3, 2, 2, 2, 4, 3, 3, 0], &[1, 0, 1, 1, 1, 2, 2, 2, 4, 3, 3, 3]);
        assert_eq!(format!("{:.3}", nominal.unwrap()), "0.692");
    }

    #[test]
    fn kappa_agrees_with_scikit_learn() {
        // cohen_kappa_score(first, second), scikit-learn 1.x
        let first = [0, 0, 1, 1, 2, 2, 2, 0, 1, 2, 2, 2, 0, 1, 2];
        let second = [0, 1, 1, 1, 2, 2, 0, 0, 2, 2, 2, 2, 0, 0, 2];
        close(kappa(3, &first, &second), 0.5833333333333333);
        let (first, second) = ([0, 1, 0, 1, 1, 0, 2, 2], [1, 0, 1, 0, 0, 1, 2, 0]);
        close(kappa(3, &first, &second), -0.36585365853658547);
        // By hand: 35 of 50 the same, and 25 of 50 by chance.
        let mut confusion = Confusion::new(2);
        for (first, second, times) in [(0, 0, 20), (0, 1, 5), (1, 0, 10), (1, 1, 15)] {
            (0..times).for_each(|_| confusion.add(first, second));
        }
        close(cohen_kappa(&confusion), 0.4);
    }

    #[test]
    fn the_mean_agreement_of_fleiss_s_table_is_as_published() {
        // Fourteen raters, ten units; P-bar is 0.378.
        let table = [
            [0, 0, 0, 0, 14],
            [0, 2, 6, 4, 2],
            [0, 0, 3, 5, 6],
            [0, 3, 9, 2, 0],
            [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0],
            [3, 2, 6, 3, 0],
            [2, 5, 3, 2, 2],
            [6, 5, 2, 1, 0],
            [0, 2, 2, 3, 7],
        ];
        let unit = |counts: &[usize; 5]| {
            Tally::of(counts.iter().enumerate().flat_map(|(class, &n)| std::iter::repeat_n(class, n)))
        };
        let units: Vec<Tally> = table.iter().map(unit).collect();
        assert_eq!(format!("{:.3}", mean_agreement(&units).unwrap()), "0.378");
    }

    #[test]
    fn what_says_nothing_of_agreement_is_undefined() {
        assert_eq!(kappa(3, &[], &[]), None);
        assert_eq!(kappa(0, &[], &[]), None);
        assert_eq!(kappa(3, &[1, 1], &[1, 1]), None, "both gave one class only");
        assert_eq!(kappa(3, &[1, 1], &[1, 2]), Some(0.0), "one of them told two apart");
        assert_eq!(alpha(&[], &[]), None);
        assert_eq!(alpha(&[1, 1], &[1, 1]), None);
        let alone = [Tally::of([0]), Tally::of([1]), Tally::of([])];
        assert_eq!((krippendorff_alpha(&alone), mean_agreement(&alone)), (None, None));
        let found = measured(vec![judgement(0, 0, 1, Some(0)), judgement(1, 0, 2, Some(1))]);
        assert_eq!((found.n_units, found.n_shared, found.n_articles), (2, 0, 0));
        assert!(found.pairs.is_empty() && found.disagreements.is_empty());
        let json = serde_json::to_value(&found).unwrap();
        assert!(json["alpha"]["value"].is_null() && json["agreement"]["value"].is_null());
    }

    #[test]
    fn one_rater_has_nobody_to_agree_with() {
        for judgements in [vec![], vec![judgement(0, 0, 1, Some(0)), judgement(1, 0, 1, None)]] {
            let error = agree(&[table(judgements)], RngSeed(1)).unwrap_err();
            assert!(matches!(error, Error::TooFew(_)));
            assert!(error.to_string().starts_with("own.csv: "), "{error}");
            assert_eq!(error.exit_code(), 3);
        }
    }

    #[test]
    fn units_are_counted_paired_and_listed() {
        let rows = vec![
            judgement(0, 0, 1, Some(0)),
            judgement(0, 0, 2, Some(1)),
            judgement(0, 1, 1, Some(2)),
            judgement(0, 1, 2, Some(2)),
            judgement(1, 0, 1, Some(1)),
            judgement(1, 0, 2, None),
            judgement(1, 0, 3, Some(1)),
            judgement(2, 0, 3, Some(9)),
        ];
        let found = measured(rows);
        assert_eq!((found.n_units, found.n_shared, found.n_articles), (4, 3, 2));
        close(found.agreement.value, 2.0 / 3.0);
        assert_eq!(found.agreement.interval, None, "three units are too few");
        let names: Vec<(&str, &str, usize)> =
            found.pairs.iter().map(|pair| (&*pair.first, &*pair.second, pair.kappa.n)).collect();
        assert_eq!(names, [("r1", "r2", 2), ("r1", "r3", 1)]);
        assert_eq!(found.pairs[0].confusion, [[0, 1, 0], [0, 0, 0], [0, 0, 1]]);
        assert_eq!(found.pairs[1].kappa.value, None);
        assert_eq!(found.disagreements.len(), 1);
        assert_eq!((&*found.disagreements[0].id, &found.disagreements[0].segment), ("doc-000", &None));
        assert_eq!(found.disagreements[0].labels["r2"], "against");
        assert!(found.by_confidence.is_empty());
    }

    #[test]
    fn a_unit_is_as_sure_as_the_least_sure_of_those_who_judged_it() {
        let sure = |id, rater, class, confidence| Judgement { confidence, ..judgement(id, 0, rater, class) };
        let found = measured(vec![
            sure(0, 1, Some(0), Some(3)),
            sure(0, 2, Some(0), Some(3)),
            sure(1, 1, Some(0), Some(3)),
            sure(1, 2, Some(1), Some(1)),
            sure(1, 3, None, Some(2)),
            sure(2, 1, Some(1), Some(2)),
            sure(2, 2, Some(1), None),
            sure(3, 1, Some(1), None),
            sure(3, 2, Some(1), None),
        ]);
        let levels: Vec<(u8, usize, Option<f64>)> = found
            .by_confidence
            .iter()
            .map(|level| (level.lowest, level.agreement.n, level.agreement.value))
            .collect();
        assert_eq!(levels, [(1, 1, Some(0.0)), (2, 1, Some(1.0)), (3, 1, Some(1.0))]);
    }

    /// `n` units in articles of two, judged by two raters who agree on four of five.
    fn many(n: usize) -> Vec<Judgement> {
        let both = |unit: usize| {
            let (id, segment, class) = (unit / 2, unit % 2 + 1, unit % 3);
            let other = (class + usize::from(unit.is_multiple_of(5))) % 3;
            [judgement(id, segment, 1, Some(class)), judgement(id, segment, 2, Some(other))]
        };
        (0..n).flat_map(both).collect()
    }

    #[test]
    fn intervals_want_twenty_units_and_resample_articles() {
        assert_eq!(measured(many(19)).alpha.interval, None);
        let found = measured(many(60));
        close(found.agreement.value, 0.8);
        for estimate in [&found.agreement, &found.alpha, &found.pairs[0].agreement, &found.pairs[0].kappa] {
            let (value, interval) = (estimate.value.unwrap(), estimate.interval.unwrap());
            assert_eq!((estimate.n, interval.clusters), (60, 30));
            assert!(interval.low < value && value < interval.high, "{estimate:?}");
        }
        assert_eq!(found.agreement, found.pairs[0].agreement, "with two raters it is the same");
        let mut turned = many(60);
        turned.reverse();
        assert_eq!(measured(turned), found);
        let other = agree(&[table(many(60))], RngSeed(7)).unwrap();
        assert_ne!(other.tables[0].axes[0].alpha.interval, found.alpha.interval);
    }

    /// Judgements of up to eight articles of two segments by four raters; no rater judges twice.
    fn judgements() -> impl Strategy<Value = Vec<Judgement>> {
        let row = (0usize..8, 0usize..2, 0usize..4, prop::option::weighted(0.9, 0usize..3));
        prop::collection::vec(row, 2..60).prop_filter_map("one rater only", |rows| {
            let rows: BTreeMap<_, _> =
                rows.into_iter().map(|(id, segment, rater, class)| ((id, segment, rater), class)).collect();
            let first = rows.keys().next()?.2;
            rows.keys().any(|key| key.2 != first).then(|| {
                rows.into_iter()
                    .map(|((id, segment, rater), class)| judgement(id, segment, rater, class))
                    .collect()
            })
        })
    }

    proptest! {
        #[test]
        fn the_order_of_judgements_is_not_seen(
            (rows, shuffled) in judgements().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        ) {
            prop_assert_eq!(measured(rows), measured(shuffled));
        }

        #[test]
        fn raters_may_change_their_names(rows in judgements()) {
            let found = measured(rows.clone());
            let renamed = |name: &str| format!("r{}", 9 - name[1..].parse::<usize>().unwrap());
            let rename = |row: Judgement| Judgement { rater: renamed(&row.rater), ..row };
            let other = measured(rows.into_iter().map(rename).collect());
            prop_assert_eq!(&found.alpha, &other.alpha);
            prop_assert_eq!(&found.agreement, &other.agreement);
            prop_assert_eq!(found.pairs.len(), other.pairs.len());
            for pair in &found.pairs {
                let names = (renamed(&pair.second), renamed(&pair.first));
                let turned = other.pairs.iter().find(|other| (&other.first, &other.second) == (&names.0, &names.1));
                let turned = turned.unwrap();
                prop_assert_eq!(&pair.agreement, &turned.agreement);
                prop_assert_eq!(&pair.kappa, &turned.kappa);
                for (row, column) in (0..3).flat_map(|row| (0..3).map(move |column| (row, column))) {
                    prop_assert_eq!(pair.confusion[row][column], turned.confusion[column][row]);
                }
            }
        }

        #[test]
        fn figures_stay_in_their_ranges(rows in judgements()) {
            let found = measured(rows);
            let within = |estimate: &Estimate, low: f64| estimate.value.is_none_or(|v| (low..=1.0).contains(&v));
            prop_assert!(within(&found.agreement, 0.0) && within(&found.alpha, -1.0));
            prop_assert_eq!(found.agreement.value.is_some(), found.n_shared > 0);
            for pair in &found.pairs {
                prop_assert!(within(&pair.agreement, 0.0) && within(&pair.kappa, -1.0));
                prop_assert!(pair.kappa.n > 0 && pair.kappa.n <= found.n_shared);
            }
        }

        #[test]
        fn those_who_agree_on_all_agree_perfectly(rows in judgements()) {
            // The class depends on the unit alone.
            let same = |row: Judgement| {
                let class = row.id.bytes().map(usize::from).sum::<usize>() % 3;
                Judgement { labels: vec![row.labels[0].map(|_| class)], ..row }
            };
            let found = measured(rows.into_iter().map(same).collect());
            prop_assert!(found.disagreements.is_empty());
            prop_assert!(found.agreement.value.is_none_or(|value| value == 1.0));
            prop_assert!(found.alpha.value.is_none_or(|value| value == 1.0));
            for pair in &found.pairs {
                let classes = (0..3).filter(|&class| pair.confusion[class][class] > 0).count();
                prop_assert_eq!(pair.kappa.value, (classes > 1).then_some(1.0));
            }
        }
    }
}
