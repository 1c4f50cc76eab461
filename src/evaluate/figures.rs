//! Every figure of some judged rows: its value, the rows it rests on, and a 95 % interval, all from one
//! bootstrap.
//!
//! The formulas, and when a figure is undefined, are those of [`super::metrics`], [`super::risk`] and
//! [`super::ranking`]; what is added here is that they are computed under row weights (0: the row is
//! absent, 2: it is there twice), from rows that are sorted once. A resample of the bootstrap, which is
//! nothing but weights, then costs O(rows · k) for all figures together.
//!
//! # Rows that do not fit
//!
//! Nothing here panics. A row counts if it is in all of [`Rows::truth`], [`Rows::predicted`] and
//! [`Rows::groups`], with both classes among the axis's; others are left out of everything, and
//! [`Figures::n`] says how many count. Figures of probabilities are all or nothing: they are undefined
//! unless every row that counts has a distribution over the axis's classes (see
//! [`super::metrics::log_loss`]). One certain class a row is a distribution too.

use serde::{Deserialize, Serialize};

use super::folds::number_by_appearance;
use super::interval::{Interval, bootstrap_weights};
use super::metrics::{Confusion, ECE_BINS, brier, log_loss, reliability};
use super::ranking::Ranked;
use super::risk::area;
use super::sample::ENOUGH;
use crate::label::Axis;
use crate::rng::RngSeed;

/// The figures of all rows together, by name, in the order of [`point`]. `semeval_f`, `auc_sided` and
/// `auc_direction` are of axes with polar classes only.
pub const HEADLINE: [&str; 10] = [
    "accuracy",
    "macro_f1",
    "semeval_f",
    "mcc",
    "brier",
    "log_loss",
    "ece",
    "aurc",
    "auc_sided",
    "auc_direction",
];

/// The figures of one class, by name, in the order of [`point`].
pub const OF_CLASS: [&str; 5] = ["precision", "recall", "f1", "auc", "average_precision"];

/// [`Figure::note`]: the figure has no value.
pub const UNDEFINED: &str = "undefined";
/// [`Figure::note`]: the figure rests on fewer than [`ENOUGH`] rows, and has no interval.
pub const TOO_FEW: &str = "too few";
/// Fewest groups that hold a class, for an interval of a figure of that class, or of one over all classes
/// where the class occurs: with fewer, intervals promise more than they hold (simulated in
/// `tests/coverage.rs`).
pub const GROUPS_OF_CLASS: usize = 4;
/// Fewest groups for any interval: with 12, intervals of 95 % hold some 92 %, and with a handful nothing.
pub const GROUPS: usize = 10;

/// [`Figure::note`]: the rows are enough, but their groups are not, or the figure is undefined in most
/// resamples.
pub const NO_INTERVAL: &str = "no interval";
/// [`Figure::note`]: two sets of rows are not the same examples, so that they have no differences.
pub const NOT_PAIRED: &str = "not paired";

/// One number, what it rests on, and how sure it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Figure {
    /// The value; `None` where it is undefined, which is neither 0 nor 1.
    pub value: Option<f64>,
    /// The lower end of the 95 % interval.
    pub low: Option<f64>,
    /// The upper end, at least `low`.
    pub high: Option<f64>,
    /// How many rows it rests on: all of them, and of recall those of the class, of precision those
    /// predicted as it, of F1 those that are either, of `auc_direction` those of the two polar classes.
    pub n: usize,
    /// Why there is no value or no interval: [`UNDEFINED`], [`TOO_FEW`], [`NO_INTERVAL`] or
    /// [`NOT_PAIRED`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Figure {
    /// A value, its interval, and the rows that it rests on.
    pub(crate) fn new(value: Option<f64>, interval: Option<Interval>, n: usize) -> Self {
        Figure::of(value, interval, n, n < ENOUGH)
    }

    /// The same, and whether that is too little for an interval.
    fn of(value: Option<f64>, interval: Option<Interval>, n: usize, few: bool) -> Self {
        let interval = interval.filter(|_| value.is_some() && !few);
        let note = match (value, interval) {
            (None, _) => Some(UNDEFINED),
            (Some(_), None) if few => Some(TOO_FEW),
            (Some(_), None) => Some(NO_INTERVAL),
            (Some(_), Some(_)) => None,
        };
        Figure {
            value,
            low: interval.map(|interval| interval.low),
            high: interval.map(|interval| interval.high),
            n,
            note: note.map(str::to_owned),
        }
    }

    /// The same value with an interval.
    #[must_use]
    pub(crate) fn with(self, interval: Option<Interval>) -> Self {
        Figure::new(self.value, interval, self.n)
    }
}

/// The figures of one class.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ClassFigures {
    /// The class's name.
    pub class: String,
    /// How often it occurs (support).
    pub n: u64,
    /// How often it was predicted.
    pub predicted: u64,
    /// [`Confusion::precision`].
    pub precision: Figure,
    /// [`Confusion::recall`].
    pub recall: Figure,
    /// [`Confusion::f1`].
    pub f1: Figure,
    /// [`Ranked::auc`] of the class against the rest, by its probability.
    pub auc: Figure,
    /// [`Ranked::average_precision`] of the same.
    pub average_precision: Figure,
}

impl ClassFigures {
    /// The figure of one of the names [`OF_CLASS`].
    pub fn get(&self, name: &str) -> Option<&Figure> {
        match name {
            "precision" => Some(&self.precision),
            "recall" => Some(&self.recall),
            "f1" => Some(&self.f1),
            "auc" => Some(&self.auc),
            "average_precision" => Some(&self.average_precision),
            _ => None,
        }
    }
}

/// All figures of some rows. The three that are `None` on an axis without polar classes are left out of
/// JSON there; what is merely undefined is `null`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Figures {
    /// The rows that count.
    pub n: usize,
    /// The groups they are in.
    pub groups: usize,
    /// [`Confusion::accuracy`].
    pub accuracy: Figure,
    /// [`Confusion::macro_f1`].
    pub macro_f1: Figure,
    /// How many classes [`Figures::macro_f1`] is the mean of: those that occur or were predicted.
    pub macro_f1_classes: usize,
    /// [`Confusion::semeval_f`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub semeval_f: Option<Figure>,
    /// [`Confusion::mcc`].
    pub mcc: Figure,
    /// [`brier`].
    pub brier: Figure,
    /// [`log_loss`].
    pub log_loss: Figure,
    /// [`super::metrics::ece`].
    pub ece: Figure,
    /// [`super::risk::RiskCoverage::aurc`], a row being as sure as its predicted class is probable.
    pub aurc: Figure,
    /// [`Ranked::auc`] of the polar classes against the rest, by the sum of their probabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc_sided: Option<Figure>,
    /// [`Ranked::auc`] of the first polar class against the second, among rows of these two, by the
    /// first one's part of their common probability (half where they have none).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc_direction: Option<Figure>,
    /// The single classes, in the axis's order.
    pub classes: Vec<ClassFigures>,
}

impl Figures {
    /// The figure of a name: one of [`HEADLINE`], or a class and one of [`OF_CLASS`], as
    /// `favor.recall`. `None` for other names and for a figure that the axis does not have.
    pub fn get(&self, name: &str) -> Option<&Figure> {
        match name {
            "accuracy" => Some(&self.accuracy),
            "macro_f1" => Some(&self.macro_f1),
            "semeval_f" => self.semeval_f.as_ref(),
            "mcc" => Some(&self.mcc),
            "brier" => Some(&self.brier),
            "log_loss" => Some(&self.log_loss),
            "ece" => Some(&self.ece),
            "aurc" => Some(&self.aurc),
            "auc_sided" => self.auc_sided.as_ref(),
            "auc_direction" => self.auc_direction.as_ref(),
            _ => {
                let (class, name) = name.rsplit_once('.')?;
                self.classes.iter().find(|of| of.class == class)?.get(name)
            }
        }
    }

    /// The figure of who takes a side alone, all others undefined.
    #[must_use]
    pub fn only_sided(self) -> Self {
        let undefined = |figure: Figure| Figure::new(None, None, figure.n);
        let classes = self.classes.into_iter().map(|of| ClassFigures {
            precision: undefined(of.precision),
            recall: undefined(of.recall),
            f1: undefined(of.f1),
            auc: undefined(of.auc),
            average_precision: undefined(of.average_precision),
            ..of
        });
        Figures {
            n: self.n,
            groups: self.groups,
            accuracy: undefined(self.accuracy),
            macro_f1: undefined(self.macro_f1),
            macro_f1_classes: 0,
            semeval_f: self.semeval_f.map(undefined),
            mcc: undefined(self.mcc),
            brier: undefined(self.brier),
            log_loss: undefined(self.log_loss),
            ece: undefined(self.ece),
            aurc: undefined(self.aurc),
            auc_sided: self.auc_sided,
            auc_direction: self.auc_direction.map(undefined),
            classes: classes.collect(),
        }
    }

    /// The names of all figures that there are, in the order of [`point`].
    pub fn names(&self) -> Vec<String> {
        let headline = HEADLINE.iter().filter(|name| self.get(name).is_some()).map(|&name| name.to_owned());
        let of_classes = self
            .classes
            .iter()
            .flat_map(|of| OF_CLASS.iter().map(move |name| format!("{}.{name}", of.class)));
        headline.chain(of_classes).collect()
    }
}

/// Judged rows of one axis: four slices of one length, with a place for each row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    /// The true class of each row, an index into the axis's classes.
    pub truth: Vec<usize>,
    /// The class decided.
    pub predicted: Vec<usize>,
    /// One probability a class, in the axis's order; empty where there are none.
    pub probabilities: Vec<Vec<f64>>,
    /// Any number that names the cluster which the row is resampled with.
    pub groups: Vec<usize>,
}

impl Rows {
    /// The rows at some places, in their order, with repetition; places that are not in all of `truth`,
    /// `predicted` and `groups` are left out. O(places · k).
    #[must_use]
    pub fn select(&self, places: &[usize]) -> Rows {
        let mut selected = Rows::default();
        for &place in places {
            let (Some(&truth), Some(&predicted), Some(&group)) =
                (self.truth.get(place), self.predicted.get(place), self.groups.get(place))
            else {
                continue;
            };
            selected.truth.push(truth);
            selected.predicted.push(predicted);
            selected.groups.push(group);
            // Without its probabilities a row has no distribution, and is known to have none.
            selected.probabilities.push(self.probabilities.get(place).cloned().unwrap_or_default());
        }
        selected
    }

    /// The places of the rows that count among `k` classes.
    fn complete(&self, k: usize) -> Vec<usize> {
        let rows = self.truth.iter().zip(&self.predicted).zip(&self.groups).enumerate();
        rows.filter(|&(_, ((&truth, &predicted), _))| truth < k && predicted < k)
            .map(|(place, _)| place)
            .collect()
    }
}

/// Rows made ready for any weights.
struct Prepared {
    k: usize,
    polar: Option<[usize; 2]>,
    /// The cell of the confusion matrix that each row counts in.
    cells: Vec<usize>,
    /// The confusion of all rows, each there once.
    confusion: Confusion,
    /// `None` where the probabilities are no distributions, or there is no row.
    judged: Option<Judged>,
}

/// What is known of the probabilities.
struct Judged {
    terms: Vec<Term>,
    /// One a class: it against the rest.
    by_class: Vec<Ranked>,
    /// Wrong rows are the positive ones.
    by_sureness: Ranked,
    /// Sided, direction.
    by_polar: Option<[Ranked; 2]>,
}

/// What one row adds to the means over rows.
struct Term {
    brier: f64,
    log_loss: f64,
    confidence: f64,
    /// Whether the most probable class is the true one; the class decided may be another.
    right: bool,
    bin: usize,
}

impl Term {
    /// `None` where the row is no distribution.
    fn new(truth: usize, probabilities: &Vec<f64>) -> Option<Self> {
        // By the functions that define the metrics, each row on its own.
        let (truth, row) = ([truth], std::slice::from_ref(probabilities));
        let table = reliability(&truth, row)?;
        let sure = table.first()?;
        Some(Term {
            brier: brier(&truth, row)?,
            log_loss: log_loss(&truth, row)?,
            confidence: sure.confidence,
            right: sure.accuracy > 0.5,
            bin: (1..ECE_BINS).filter(|&m| m as f64 / (ECE_BINS as f64) < sure.confidence).count(),
        })
    }
}

impl Judged {
    /// `None` where a row is no distribution over `k` classes.
    fn new(k: usize, polar: Option<[usize; 2]>, rows: &Rows) -> Option<Self> {
        if rows.truth.is_empty() || rows.probabilities.iter().any(|row| row.len() != k) {
            return None;
        }
        let each = || rows.truth.iter().zip(&rows.probabilities).enumerate();
        let by_class =
            (0..k).map(|class| Ranked::of(each().map(|(row, (&truth, p))| (row, truth == class, p[class]))));
        let by_polar = |[a, b]: [usize; 2]| {
            let polar = move |class: usize| class == a || class == b;
            let share = move |p: &[f64]| {
                let both = p[a] + p[b];
                // Sure of neither: that the row is no more the one than the other is all that is said.
                if both > 0.0 { p[a] / both } else { 0.5 }
            };
            let of_polar = each().filter(|(_, (truth, _))| polar(**truth));
            Some([
                Ranked::of(each().map(|(row, (&truth, p))| (row, polar(truth), p[a] + p[b])))?,
                Ranked::of(of_polar.map(|(row, (&truth, p))| (row, truth == a, share(p))))?,
            ])
        };
        let sureness = each().map(|(row, (&truth, p))| {
            let predicted = rows.predicted[row];
            (row, truth != predicted, p[predicted])
        });
        Some(Judged {
            terms: each().map(|(_, (&truth, p))| Term::new(truth, p)).collect::<Option<_>>()?,
            by_class: by_class.collect::<Option<_>>()?,
            by_sureness: Ranked::of(sureness)?,
            by_polar: polar.and_then(by_polar),
        })
    }

    /// Brier score, log-loss and ECE.
    fn losses(&self, weights: &[u32]) -> [Option<f64>; 3] {
        let mut bins = [(0_u64, 0.0, 0_u64); ECE_BINS];
        let (mut brier, mut log_loss) = (0.0, 0.0);
        for (term, &weight) in self.terms.iter().zip(weights) {
            if weight > 0 {
                let times = f64::from(weight);
                brier += times * term.brier;
                log_loss += times * term.log_loss;
                let (n, confidence, right) = &mut bins[term.bin];
                *n += u64::from(weight);
                *confidence += times * term.confidence;
                *right += u64::from(weight) * u64::from(term.right);
            }
        }
        let n: u64 = bins.iter().map(|bin| bin.0).sum();
        if n == 0 {
            return [None; 3];
        }
        let filled =
            bins.iter().filter(|bin| bin.0 > 0).map(|&(n, confidence, right)| (n as f64, confidence, right));
        let surplus: f64 =
            filled.map(|(n, confidence, right)| (right as f64 / n - confidence / n).abs() * n).sum();
        [brier, log_loss, surplus].map(|sum| Some(sum / n as f64))
    }

    fn aurc(&self, weights: &[u32]) -> Option<f64> {
        let ties = self.by_sureness.ties(weights);
        area(ties.map(|(wrong, right)| ((wrong + right) as usize, wrong as usize)))
    }
}

impl Prepared {
    /// `rows` are such that all count.
    fn new(axis: &Axis, rows: &Rows) -> Self {
        let k = axis.classes.len();
        let polar = axis.polar_indices();
        Prepared {
            k,
            polar,
            cells: rows
                .truth
                .iter()
                .zip(&rows.predicted)
                .map(|(truth, predicted)| truth * k + predicted)
                .collect(),
            confusion: Confusion::from_pairs(k, &rows.truth, &rows.predicted),
            judged: Judged::new(k, polar, rows),
        }
    }

    fn confusion(&self, weights: &[u32]) -> Confusion {
        let mut counts = vec![0_u64; self.k * self.k];
        for (&cell, &weight) in self.cells.iter().zip(weights) {
            counts[cell] += u64::from(weight);
        }
        let mut confusion = Confusion::new(self.k);
        confusion.add_counts(&counts, 1);
        confusion
    }

    /// In the order of [`HEADLINE`].
    fn headline(&self, confusion: &Confusion, weights: &[u32]) -> [Option<f64>; HEADLINE.len()] {
        let judged = self.judged.as_ref();
        let [brier, log_loss, ece] = judged.map_or([None; 3], |judged| judged.losses(weights));
        let of_polar = |which: usize| judged?.by_polar.as_ref()?[which].auc(weights);
        [
            confusion.accuracy(),
            confusion.macro_f1().map(|(mean, _)| mean),
            self.polar.and_then(|polar| confusion.semeval_f(polar)),
            confusion.mcc(),
            brier,
            log_loss,
            ece,
            judged.and_then(|judged| judged.aurc(weights)),
            of_polar(0),
            of_polar(1),
        ]
    }

    /// In the order of [`point`].
    fn values(&self, weights: &[u32]) -> Vec<Option<f64>> {
        let confusion = self.confusion(weights);
        let mut values = self.headline(&confusion, weights).to_vec();
        for class in 0..self.k {
            let (auc, average_precision) =
                self.judged.as_ref().map_or((None, None), |judged| judged.by_class[class].areas(weights));
            values.extend([
                confusion.precision(class),
                confusion.recall(class),
                confusion.f1(class),
                auc,
                average_precision,
            ]);
        }
        values
    }

    /// How many rows each figure rests on, in the order of [`point`].
    fn rest_on(&self) -> Vec<usize> {
        let all = self.cells.len();
        let of = |class| self.confusion.support(class) as usize;
        let predicted = |class| self.confusion.predicted(class) as usize;
        let mut rest_on = vec![all; HEADLINE.len()];
        rest_on[HEADLINE.len() - 1] =
            self.polar.map_or(0, |[a, b]| if a == b { of(a) } else { of(a) + of(b) });
        for class in 0..self.k {
            let either = of(class) + predicted(class) - self.confusion.count(class, class) as usize;
            rest_on.extend([predicted(class), of(class), either, all, all]);
        }
        rest_on
    }

    /// Whether each figure rests on too few rows for an interval, or on a class in too few groups, in the order of
    /// [`point`].
    fn few(&self, groups: &[usize]) -> Vec<bool> {
        let in_groups = |wanted: &dyn Fn(usize) -> bool| {
            let of = self.cells.iter().zip(groups).filter(|(cell, _)| wanted(*cell / self.k));
            number_by_appearance(of.map(|(_, &group)| group)).1 < GROUPS_OF_CLASS
        };
        let handful = number_by_appearance(groups.iter().copied()).1 < GROUPS;
        let mut few: Vec<bool> = self.rest_on().into_iter().map(|n| handful || n < ENOUGH).collect();
        let of_class: Vec<bool> = (0..self.k).map(|class| in_groups(&|other| other == class)).collect();
        for (few, class) in few[HEADLINE.len()..].chunks_mut(OF_CLASS.len()).zip(&of_class) {
            few.iter_mut().for_each(|few| *few |= class);
        }
        let mut mark = |name: &str, is_few: bool| {
            let place = HEADLINE.iter().position(|other| *other == name);
            place.into_iter().for_each(|place| few[place] |= is_few);
        };
        // A resample without one of the classes is a mean over fewer.
        mark("macro_f1", (0..self.k).any(|class| self.confusion.support(class) > 0 && of_class[class]));
        if let Some([a, b]) = self.polar {
            mark("semeval_f", of_class[a] || of_class[b]);
            mark("auc_direction", of_class[a] || of_class[b]);
            let sided = |class: usize| class == a || class == b;
            mark("auc_sided", in_groups(&sided) || in_groups(&|class| !sided(class)));
        }
        few
    }

    /// Whether the axis has the figure of this name.
    fn has(&self, name: &str) -> bool {
        self.polar.is_some() || !["semeval_f", "auc_sided", "auc_direction"].contains(&name)
    }
}

/// The values of all figures under weights: those of [`HEADLINE`], then those of [`OF_CLASS`] for each
/// class in turn, `10 + 5k` in all; `None` where undefined, and where the axis does not have the figure.
///
/// `weights[row]` says how often a row of `rows` is there; rows without a weight are absent. This sorts
/// the rows anew each time. O(rows · (k log rows + k) + sum of weights).
pub fn point(axis: &Axis, rows: &Rows, weights: &[u32]) -> Vec<Option<f64>> {
    let places = rows.complete(axis.classes.len());
    let weights: Vec<u32> = places.iter().map(|&place| weights.get(place).copied().unwrap_or(0)).collect();
    Prepared::new(axis, &rows.select(&places)).values(&weights)
}

/// All figures of some rows, with intervals from one cluster bootstrap over their groups
/// ([`bootstrap_weights`]); none for figures that rest on fewer than [`ENOUGH`] rows.
///
/// Deterministic, whatever the number of threads. O(rows · k log rows + `resamples` · rows · k), the
/// second part in parallel.
pub fn figures(axis: &Axis, rows: &Rows, resamples: usize, seed: RngSeed) -> Figures {
    let rows = rows.select(&rows.complete(axis.classes.len()));
    let prepared = Prepared::new(axis, &rows);
    let n = rows.truth.len();
    let values = prepared.values(&vec![1; n]);
    let resamples = if n < ENOUGH { 0 } else { resamples };
    let intervals =
        bootstrap_weights(&rows.groups, values.len(), resamples, seed, |weights| prepared.values(weights));
    let found = values.iter().zip(intervals).zip(prepared.rest_on()).zip(prepared.few(&rows.groups));
    let mut found = found.map(|(((&value, interval), n), few)| Figure::of(value, interval, n, few));
    let mut next = || found.next().unwrap_or_default();
    let polar = prepared.polar.is_some();
    let confusion = &prepared.confusion;
    // The fields are filled in the order they stand here, which is that of the values.
    Figures {
        n,
        groups: number_by_appearance(rows.groups.iter().copied()).1,
        accuracy: next(),
        macro_f1: next(),
        macro_f1_classes: confusion.macro_f1().map_or(0, |(_, classes)| classes),
        semeval_f: Some(next()).filter(|_| polar),
        mcc: next(),
        brier: next(),
        log_loss: next(),
        ece: next(),
        aurc: next(),
        auc_sided: Some(next()).filter(|_| polar),
        auc_direction: Some(next()).filter(|_| polar),
        classes: (axis.classes.iter().enumerate())
            .map(|(class, name)| ClassFigures {
                class: name.clone(),
                n: confusion.support(class),
                predicted: confusion.predicted(class),
                precision: next(),
                recall: next(),
                f1: next(),
                auc: next(),
                average_precision: next(),
            })
            .collect(),
    }
}

/// What the figures of the same examples, judged twice, differ by: `a` minus `b`, by name, with
/// intervals from the same resamples of groups for both. An interval without 0 speaks for a real
/// difference, and is far sharper than a comparison of two intervals, since what is hard for both
/// cancels out. A difference is defined where both values are.
///
/// Figures that the axis does not have are left out. Rows count if they do in both; where these are not
/// the same examples (another truth or group at the same place), every figure is undefined
/// ([`NOT_PAIRED`]). Costs twice what [`figures`] costs, at most.
pub fn differences(
    axis: &Axis,
    a: &Rows,
    b: &Rows,
    resamples: usize,
    seed: RngSeed,
) -> Vec<(String, Figure)> {
    let k = axis.classes.len();
    let in_b = b.complete(k);
    let mut places = a.complete(k);
    places.retain(|place| in_b.binary_search(place).is_ok());
    let paired = a.truth == b.truth && a.groups == b.groups;
    let (a, b) = (a.select(&places), b.select(&places));
    let (first, second) = (Prepared::new(axis, &a), Prepared::new(axis, &b));
    let n = places.len();
    let values = |weights: &[u32]| -> Vec<Option<f64>> {
        let pairs = first.values(weights).into_iter().zip(second.values(weights));
        pairs.map(|(first, second)| Some(first? - second?)).collect()
    };
    let resamples = if paired && n >= ENOUGH { resamples } else { 0 };
    let whole = values(&vec![1; n]);
    let intervals = bootstrap_weights(&a.groups, whole.len(), resamples, seed, values);
    // What is too few for either is too few for their difference.
    let rest_on = first.rest_on().into_iter().zip(second.rest_on()).map(|(a, b)| a.min(b));
    let few = first.few(&a.groups).into_iter().zip(second.few(&a.groups)).map(|(a, b)| a || b);
    let rest_on = rest_on.zip(few);
    let headline = HEADLINE.iter().map(|&name| (name.to_owned(), first.has(name)));
    let of_classes = axis
        .classes
        .iter()
        .flat_map(|class| OF_CLASS.iter().map(move |name| (format!("{class}.{name}"), true)));
    let figures = headline.chain(of_classes).zip(whole).zip(intervals).zip(rest_on);
    figures
        .filter(|((((_, has), _), _), _)| *has)
        .map(|((((name, _), value), interval), (n, few))| {
            let not_paired = Figure { n, note: Some(NOT_PAIRED.to_owned()), ..Figure::default() };
            (name, if paired { Figure::of(value, interval, n, few) } else { not_paired })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::interval::{bootstrap_confusion, cluster_bootstrap, cluster_confusions};
    use super::super::metrics::{auc, measure};
    use super::super::risk::risk_coverage;
    use super::*;

    const SEED: RngSeed = RngSeed(2022);

    /// 200 rows in 50 groups; the probabilities lean to the truth, with ties.
    fn example(lean: u32) -> Rows {
        let truth: Vec<usize> = (0..200).map(|row| row * row % 11 % 3).collect();
        let probabilities: Vec<Vec<f64>> = (0..200_u32)
            .map(|row| {
                let mut counts = [1 + row * 7 % 5, 1 + row * 3 % 7, 1 + row * 5 % 6];
                counts[truth[row as usize]] += lean;
                let all: u32 = counts.iter().sum();
                counts.iter().map(|&count| f64::from(count) / f64::from(all)).collect()
            })
            .collect();
        let top = |row: &Vec<f64>| (0..3).rev().max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
        Rows {
            predicted: probabilities.iter().map(top).collect(),
            groups: (0..200).map(|row| row * 7 % 50).collect(),
            truth,
            probabilities,
        }
    }

    /// Every figure by the functions that define it, of rows that are all there once.
    fn by_definition(axis: &Axis, rows: &Rows) -> Vec<Option<f64>> {
        let (truth, p) = (&rows.truth, &rows.probabilities);
        let metrics = measure(axis, truth, &rows.predicted, Some(p));
        let right: Vec<bool> = truth.iter().zip(&rows.predicted).map(|(a, b)| a == b).collect();
        let sureness: Vec<f64> = p.iter().zip(&rows.predicted).map(|(p, &class)| p[class]).collect();
        let against_rest = |class: usize| {
            let positive: Vec<bool> = truth.iter().map(|&truth| truth == class).collect();
            (positive, p.iter().map(|p| p[class]).collect::<Vec<f64>>())
        };
        let sided = axis.polar_indices().and_then(|[a, b]| {
            let positive: Vec<bool> = truth.iter().map(|&truth| truth == a || truth == b).collect();
            auc(&positive, &p.iter().map(|p| p[a] + p[b]).collect::<Vec<f64>>())
        });
        let direction = axis.polar_indices().and_then(|[a, b]| {
            let polar = || truth.iter().zip(p).filter(|(truth, _)| **truth == a || **truth == b);
            let positive: Vec<bool> = polar().map(|(&truth, _)| truth == a).collect();
            let scores = polar().map(|(_, p)| if p[a] + p[b] > 0.0 { p[a] / (p[a] + p[b]) } else { 0.5 });
            auc(&positive, &scores.collect::<Vec<f64>>())
        });
        let aurc = risk_coverage(&sureness, &right).aurc;
        let of_all = [metrics.accuracy, metrics.macro_f1, metrics.semeval_f, metrics.mcc];
        let of_probabilities = [metrics.brier, metrics.log_loss, metrics.ece, aurc, sided, direction];
        let mut values = [of_all.as_slice(), &of_probabilities].concat();
        for (class, of) in metrics.classes.iter().enumerate() {
            let (positive, scores) = against_rest(class);
            let ranked = Ranked::new(&positive, &scores).unwrap();
            let average_precision = ranked.average_precision(&vec![1; positive.len()]);
            values.extend([of.precision, of.recall, of.f1, auc(&positive, &scores), average_precision]);
        }
        values
    }

    fn axis_of(k: usize) -> Axis {
        let names: Vec<String> = (0..k).map(|class| format!("c{class}")).collect();
        if k == 3 { Axis::stance() } else { Axis::named("tone", &names) }
    }

    #[test]
    fn intervals_are_those_of_a_bootstrap_for_each_figure_alone() {
        let (axis, rows) = (Axis::stance(), example(2));
        let got = figures(&axis, &rows, 300, SEED);
        let matrices = cluster_confusions(&rows.groups, 3, &rows.truth, &rows.predicted);
        let mcc = bootstrap_confusion(&matrices, 300, SEED, Confusion::mcc).unwrap();
        assert_eq!((got.mcc.low, got.mcc.high), (Some(mcc.low), Some(mcc.high)));
        for (place, name) in got.names().iter().enumerate() {
            let figure = got.get(name).unwrap();
            let alone = cluster_bootstrap(&rows.groups, 300, SEED, |places| {
                by_definition(&axis, &rows.select(places))[place]
            });
            let alone = alone.unwrap();
            let near = |got: Option<f64>, golden: f64| got.is_some_and(|got| (got - golden).abs() < 1e-12);
            assert!(
                near(figure.low, alone.low) && near(figure.high, alone.high),
                "{name}: {figure:?} {alone:?}"
            );
            assert!(figure.low < figure.value && figure.value < figure.high, "{name}: {figure:?}");
            assert_eq!(figure.note, None, "{name}");
        }
        assert_eq!((got.n, got.groups, got.macro_f1_classes), (200, 50, 3));
    }

    #[test]
    fn figures_are_the_same_on_any_number_of_threads() {
        let rows = example(1);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| figures(&Axis::stance(), &rows, 101, SEED))
        };
        assert_eq!(on(1), on(3));
    }

    #[test]
    fn a_figure_says_how_many_rows_it_rests_on() {
        let mut rows = example(2);
        rows.predicted[0] = 2;
        let got = figures(&Axis::stance(), &rows, 0, SEED);
        let count = |of: &dyn Fn(usize) -> bool| (0..200).filter(|&row| of(row)).count();
        for (class, of) in got.classes.iter().enumerate() {
            let (is, made) =
                (|row: usize| rows.truth[row] == class, |row: usize| rows.predicted[row] == class);
            assert_eq!(of.recall.n, count(&is));
            assert_eq!(of.precision.n, count(&made));
            assert_eq!(of.f1.n, count(&|row| is(row) || made(row)));
            assert_eq!((of.n as usize, of.predicted as usize), (of.recall.n, of.precision.n));
            assert_eq!((of.auc.n, of.average_precision.n), (200, 200));
        }
        assert_eq!(got.auc_direction.unwrap().n, count(&|row| rows.truth[row] < 2));
        assert_eq!(got.auc_sided.unwrap().n, 200);
        assert_eq!(got.semeval_f.unwrap().n, 200);
    }

    #[test]
    fn a_figure_without_value_or_interval_says_why() {
        let note = |figure: &Figure| figure.note.clone().unwrap_or_default();
        let mut rows = example(2);
        // Against is never said, and of none there are few.
        for row in 0..200 {
            if rows.predicted[row] == 1 {
                rows.predicted[row] = 0;
            }
            if rows.truth[row] == 2 && row > 30 {
                rows.truth[row] = 0;
            }
        }
        let got = figures(&Axis::stance(), &rows, 200, SEED);
        let [against, none] = [&got.classes[1], &got.classes[2]];
        assert_eq!((against.precision.value, note(&against.precision).as_str()), (None, UNDEFINED));
        assert_eq!((against.precision.low, against.precision.n), (None, 0));
        // No resample differs from another: that is no certainty.
        assert_eq!((against.f1.value, note(&against.f1).as_str()), (Some(0.0), NO_INTERVAL));
        assert!(none.n > 0 && (none.n as usize) < ENOUGH);
        assert!(none.recall.value.is_some() && none.recall.low.is_none());
        assert_eq!(note(&none.recall), TOO_FEW);

        rows.groups.fill(7);
        let got = figures(&Axis::stance(), &rows, 200, SEED);
        assert_eq!((got.groups, note(&got.accuracy).as_str(), got.accuracy.low), (1, TOO_FEW, None));
        assert!(got.accuracy.value.is_some());

        let few = figures(&Axis::stance(), &example(2).select(&(0..19).collect::<Vec<_>>()), 200, SEED);
        assert_eq!((few.accuracy.low, note(&few.accuracy).as_str()), (None, TOO_FEW));
        let none = figures(&Axis::stance(), &Rows::default(), 200, SEED);
        assert!(none.names().iter().all(|name| note(none.get(name).unwrap()) == UNDEFINED));
    }

    #[test]
    fn every_figure_has_a_name() {
        let got = figures(&Axis::stance(), &example(2), 0, SEED);
        let names = got.names();
        assert_eq!(names.len(), HEADLINE.len() + 3 * OF_CLASS.len());
        assert_eq!((names[0].as_str(), names[10].as_str()), ("accuracy", "favor.precision"));
        assert_eq!(got.get("favor.recall"), Some(&got.classes[0].recall));
        assert_eq!(got.get("none.average_precision"), Some(&got.classes[2].average_precision));
        for unknown in ["", ".", "recall", "favor", "favor.", "favor.accuracy", "maybe.recall"] {
            assert_eq!(got.get(unknown), None, "{unknown}");
        }
        let mut dotted = Axis::named("tone", &["a.b".to_owned(), "c".to_owned(), "d".to_owned()]);
        let got = figures(&dotted, &example(2), 0, SEED);
        assert_eq!(got.get("a.b.f1"), Some(&got.classes[0].f1));
        assert_eq!(got.names().len(), HEADLINE.len() - 3 + 3 * OF_CLASS.len());
        assert!(got.semeval_f.is_none() && got.get("auc_sided").is_none() && got.auc_direction.is_none());
        dotted.polar = vec!["c".into(), "a.b".into()];
        assert!(figures(&dotted, &example(2), 0, SEED).auc_direction.is_some_and(|of| of.value.is_some()));
    }

    #[test]
    fn rows_that_do_not_fit_are_left_out_of_everything() {
        let rows = example(2);
        let mut longer = rows.clone();
        longer.truth.extend([0, 3, 1, 2]);
        longer.predicted.extend([9, 0, 1]);
        longer.groups.extend([7, 7]);
        longer.probabilities.push(vec![f64::NAN]);
        assert_eq!(figures(&Axis::stance(), &longer, 50, SEED), figures(&Axis::stance(), &rows, 50, SEED));
        // Weights go by the places of the rows that are given.
        let mut shifted = rows.clone();
        shifted.truth.insert(0, 7);
        shifted.predicted.insert(0, 0);
        shifted.groups.insert(0, 0);
        shifted.probabilities.insert(0, Vec::new());
        let weights: Vec<u32> = (0..200).map(|row| row % 3).collect();
        let after = [&[5], weights.as_slice()].concat();
        let got = point(&Axis::stance(), &shifted, &after);
        assert_eq!(got, point(&Axis::stance(), &rows, &weights));
        assert_eq!(rows.select(&[3, 900, 3]).truth, [rows.truth[3]; 2]);
    }

    #[test]
    fn without_distributions_there_are_no_figures_of_probabilities() {
        let rows = example(2);
        let whole = figures(&Axis::stance(), &rows, 0, SEED);
        let of_probabilities = |name: &str| {
            let last = name.rsplit('.').next().unwrap_or(name);
            ["brier", "log_loss", "ece", "aurc", "auc_sided", "auc_direction", "auc", "average_precision"]
                .contains(&last)
        };
        let with = |row: Vec<f64>| {
            let mut rows = rows.clone();
            rows.probabilities[17] = row;
            rows
        };
        let shorter = Rows { probabilities: rows.probabilities[..199].to_vec(), ..rows.clone() };
        let absent = Rows { probabilities: Vec::new(), ..rows.clone() };
        let bad = [vec![0.5, 0.5], vec![0.5; 3], vec![f64::NAN, 0.5, 0.5], vec![1.5, -0.5, 0.0]].map(with);
        for rows in bad.iter().chain([&shorter, &absent]) {
            let got = figures(&Axis::stance(), rows, 0, SEED);
            for name in whole.names() {
                let value = |of: &Figures| of.get(&name).unwrap().value;
                let expected = value(&whole).filter(|_| !of_probabilities(&name));
                assert_eq!(value(&got), expected, "{name}");
            }
        }
    }

    #[test]
    fn certain_predictions_that_take_no_side_tell_no_direction() {
        // The majority baseline: always certain of none.
        let mut rows = example(2);
        rows.predicted.fill(2);
        rows.probabilities.fill(vec![0.0, 0.0, 1.0]);
        let got = figures(&Axis::stance(), &rows, 100, SEED);
        let half = |of: &Figure| (of.value, of.low, of.high) == (Some(0.5), None, None);
        assert!(
            half(&got.auc_direction.unwrap()) && half(&got.auc_sided.unwrap()) && half(&got.classes[0].auc)
        );
        assert_eq!(got.mcc.value, None);
        assert!(got.log_loss.value > Some(15.0));
    }

    #[test]
    fn differences_are_paired() {
        let axis = Axis::stance();
        let (a, b) = (example(4), example(1));
        let of = |rows: &Rows| figures(&axis, rows, 200, SEED);
        let (got, of_a, of_b) = (differences(&axis, &a, &b, 200, SEED), of(&a), of(&b));
        let turned = differences(&axis, &b, &a, 200, SEED);
        assert_eq!(got.iter().map(|of| of.0.clone()).collect::<Vec<_>>(), of_a.names());
        for ((name, difference), (_, turned)) in got.iter().zip(&turned) {
            let [first, second] = [&of_a, &of_b].map(|of| of.get(name).unwrap());
            assert_eq!(difference.value, Some(first.value.unwrap() - second.value.unwrap()), "{name}");
            assert_eq!((difference.n, &difference.note), (first.n.min(second.n), &None), "{name}");
            let (low, high) = (difference.low.unwrap(), difference.high.unwrap());
            assert!((low + turned.high.unwrap()).abs() < 1e-12 && (high + turned.low.unwrap()).abs() < 1e-12);
        }
        let accuracy = &got[0].1;
        assert!(accuracy.low > Some(0.0), "{accuracy:?}");
        // Sharper than the difference of two that vary apart.
        let width = |of: &Figure| of.high.unwrap() - of.low.unwrap();
        assert!(width(accuracy) < width(&of_a.accuracy).hypot(width(&of_b.accuracy)), "{accuracy:?}");
        for (name, same) in differences(&axis, &a, &a, 50, SEED) {
            assert_eq!((same.value, same.low, same.high), (Some(0.0), None, None), "{name}");
        }
        let plain = Axis::named("tone", &axis.classes);
        let names: Vec<_> = differences(&plain, &a, &b, 50, SEED).into_iter().map(|of| of.0).collect();
        assert_eq!(names[..7], ["accuracy", "macro_f1", "mcc", "brier", "log_loss", "ece", "aurc"]);
        assert_eq!(names.len(), 7 + 3 * OF_CLASS.len());
    }

    #[test]
    fn other_examples_are_not_paired() {
        let a = example(2);
        let mut truth = a.clone();
        truth.truth[5] = (truth.truth[5] + 1) % 3;
        let mut group = a.clone();
        group.groups[5] = 9999;
        let fewer = a.select(&(0..150).collect::<Vec<_>>());
        for b in [truth, group, fewer, Rows::default()] {
            for (_, figure) in differences(&Axis::stance(), &a, &b, 50, SEED) {
                assert_eq!((figure.value, figure.low), (None, None));
                assert_eq!(figure.note.as_deref(), Some(NOT_PAIRED));
            }
        }
    }

    #[test]
    fn figures_are_read_as_they_were_written() {
        for axis in [Axis::stance(), axis_of(4)] {
            let got = figures(&axis, &example(2), 40, SEED);
            let text = serde_json::to_string(&got).unwrap();
            assert_eq!(serde_json::from_str::<Figures>(&text).unwrap(), got);
            assert_eq!(text.contains("semeval_f"), axis.polar_indices().is_some());
        }
        let undefined = serde_json::to_string(&Figure::new(None, None, 3)).unwrap();
        assert_eq!(undefined, r#"{"value":null,"low":null,"high":null,"n":3,"note":"undefined"}"#);
    }

    /// Rows of k classes with whole multiples of 1/30 as probabilities (some of them bounds of bins), or
    /// certain ones, and a weight for each.
    fn some_rows() -> impl Strategy<Value = (usize, Rows, Vec<u32>)> {
        (1usize..5).prop_flat_map(|k| {
            let cuts = prop_oneof![
            3 => prop::collection::vec(0..k, 30),
            1 => (0..k).prop_map(|class| vec![class; 30]),
            ];
            let row = (0..k, 0..k, cuts, 0u32..4);
            prop::collection::vec(row, 0..40).prop_map(move |drawn| {
                let share = |cuts: &[usize], class| cuts.iter().filter(|&&cut| cut == class).count();
                let rows = Rows {
                    truth: drawn.iter().map(|row| row.0).collect(),
                    predicted: drawn.iter().map(|row| row.1).collect(),
                    probabilities: (drawn.iter())
                        .map(|row| (0..k).map(|class| share(&row.2, class) as f64 / 30.0).collect())
                        .collect(),
                    groups: (0..drawn.len()).collect(),
                };
                (k, rows, drawn.iter().map(|row| row.3).collect())
            })
        })
    }

    proptest! {
        #[test]
        fn values_under_weights_are_those_of_repeated_rows((k, rows, weights) in some_rows()) {
            let axis = axis_of(k);
            let places: Vec<usize> = weights.iter().enumerate()
                .flat_map(|(row, &times)| std::iter::repeat_n(row, times as usize)).collect();
            let got = point(&axis, &rows, &weights);
            let expected = by_definition(&axis, &rows.select(&places));
            prop_assert_eq!(got.len(), expected.len());
            // In sums over rows the order differs, in whole numbers nothing does.
            let summed = |place: usize| {
                (4..7).contains(&place) || place >= HEADLINE.len() && (place - HEADLINE.len()) % 5 == 4
            };
            for (place, (got, expected)) in got.iter().zip(&expected).enumerate() {
                if let (true, Some(got), Some(expected)) = (summed(place), got, expected) {
                    prop_assert!((got - expected).abs() < 1e-12, "{} {} {}", place, got, expected);
                } else {
                    prop_assert_eq!(got, expected, "{}", place);
                }
            }
        }

        #[test]
        fn rows_that_are_all_there_once_have_the_plain_values_bit_for_bit((k, rows, _) in some_rows()) {
            let axis = axis_of(k);
            prop_assert_eq!(point(&axis, &rows, &vec![1; rows.truth.len()]), by_definition(&axis, &rows));
        }

        #[test]
        fn anything_is_taken(
            k in 0usize..5,
            truth in prop::collection::vec(0usize..6, 0..40),
            predicted in prop::collection::vec(0usize..6, 0..40),
            probabilities in prop::collection::vec(prop::collection::vec(prop::num::f64::ANY, 0..5), 0..40),
            groups in prop::collection::vec(any::<usize>(), 0..40),
        ) {
            let rows = Rows { truth, predicted, probabilities, groups };
            let got = figures(&axis_of(k), &rows, 5, SEED);
            for name in got.names() {
                let figure = got.get(&name).unwrap();
                prop_assert_eq!(figure.value.is_none(), figure.note.as_deref() == Some(UNDEFINED));
                prop_assert_eq!(figure.low.is_some(), figure.note.is_none());
                prop_assert!(figure.n <= got.n);
            }
            prop_assert!(differences(&axis_of(k), &rows, &rows, 5, SEED).len() >= HEADLINE.len() - 3);
        }
    }
}
