//! From raw class probabilities to a judgement: calibrated probabilities, a decision, and a reason where
//! neither should be relied on. Three separate steps, all fitted to examples that the fits had not seen.

use serde::{Deserialize, Serialize};

use super::calibrate::Calibration;
use super::conformal::Conformal;
use super::logistic::{ClassWeight, Scheme};
use super::path::Sample;
use super::prior::shift;

/// Share of a class's own examples that its conformal set keeps, unless another is asked for.
pub const LEVEL: f64 = 0.8;
/// Share of training documents that may be shorter, or less known, than what is still judged.
const TAIL: f64 = 0.01;
/// No text of this many words is too short, whatever the training documents were.
const LONG_ENOUGH: u32 = 10;
/// Real examples from which the floors are taken from them alone.
const ENOUGH: usize = 20;

/// How a head judges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// From raw probabilities to calibrated ones.
    pub calibration: Calibration,
    /// Which classes can be excluded.
    pub conformal: Conformal,
    /// The least share of known words that is still familiar; a text may fall short of it by the standard
    /// error of its own length.
    pub known_share: f64,
    /// The fewest words that are not too short.
    pub words: u32,
}

/// What is known of a document beside its scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Share of its words that the vocabulary has, 0 to 1.
    pub known_share: f64,
    /// Number of its words.
    pub n_words: u64,
}

impl Seen {
    /// Of a number of words, so many known.
    pub fn new((n_words, known): (u64, u64)) -> Self {
        Seen { known_share: if n_words == 0 { 0.0 } else { known as f64 / n_words as f64 }, n_words }
    }
}

/// A head's judgement of a document.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Judgement {
    /// The class decided on.
    pub class: usize,
    /// One a class, above 0, summing to 1.
    pub probabilities: Vec<f64>,
    /// For each class whether the document may well be of it: the conformal set at the level asked
    /// for. All `true` where there are too few examples to exclude anything.
    pub set: Vec<bool>,
    /// Why the decision should not be relied on, if it should not: `too-short`, `unfamiliar` or
    /// `ambiguous`, the first that holds.
    pub abstain: Option<&'static str>,
}

impl Judgement {
    /// The judgement of raw probabilities that nothing was fitted to.
    pub fn plain(scheme: Scheme, raw: &[f64]) -> Self {
        let class = super::logistic::decide(scheme, raw);
        Judgement { class, probabilities: raw.to_vec(), set: vec![true; raw.len()], abstain: None }
    }
}

impl Rule {
    /// Fits to the examples at `places` of a sample: `raw(place)` are the class probabilities by a fit
    /// that had not seen the example, `seen(place)` how much of it that fit's vocabulary had.
    pub fn fit<'p>(
        sample: &Sample,
        places: &[usize],
        raw: impl Fn(usize) -> &'p [f64],
        seen: impl Fn(usize) -> Seen,
        class_weight: ClassWeight,
    ) -> Self {
        let calibration = Calibration::fit(sample, places, &raw, class_weight);
        let judged: Vec<usize> =
            (0..sample.n_classes).flat_map(|class| of_class(sample, places, class)).collect();
        let probabilities: Vec<Vec<f64>> =
            judged.iter().map(|&place| calibration.apply(raw(place))).collect();
        let classes: Vec<usize> = judged.iter().map(|&place| sample.classes[place]).collect();
        let conformal = Conformal::fit(&probabilities, &classes, &[], sample.n_classes);
        let real: Vec<usize> = places.iter().copied().filter(|&place| sample.real[place]).collect();
        let typical = if real.len() >= ENOUGH { &real } else { places };
        let mut shares: Vec<f64> = typical.iter().map(|&place| seen(place).known_share).collect();
        shares.sort_unstable_by(f64::total_cmp);
        let mut lengths: Vec<u64> = typical.iter().map(|&place| seen(place).n_words).collect();
        lengths.sort_unstable();
        let tail = (TAIL * typical.len() as f64) as usize;
        Rule {
            calibration,
            conformal,
            known_share: shares.get(tail).copied().unwrap_or(0.0),
            words: lengths.get(tail).map_or(1, |&words| words.clamp(1, u64::from(LONG_ENOUGH)) as u32),
        }
    }

    /// Judges raw probabilities, assuming the shares of [`Calibration::prior`].
    pub fn judge(&self, scheme: Scheme, raw: &[f64], seen: Seen, level: f64) -> Judgement {
        let mut judged = Judgement::default();
        let deciding = self.calibration.deciding(scheme);
        self.judge_into(scheme, &mut raw.to_vec(), seen, (level, &deciding), &mut judged);
        judged
    }

    /// As [`Rule::judge`], over a judgement that is no longer wanted; with [`Calibration::deciding`], and
    /// with the raw probabilities as scratch space.
    pub(crate) fn judge_into(
        &self,
        scheme: Scheme,
        raw: &mut Vec<f64>,
        seen: Seen,
        (level, deciding): (f64, &[f64]),
        judged: &mut Judgement,
    ) {
        let Judgement { class, probabilities, set, abstain } = judged;
        self.calibration.apply_to(raw, probabilities);
        let tells = self.conformal.set_into(probabilities, level, set);
        // An empty set is not ambiguous: there is no second class that the document could have.
        let ambiguous = tells && set.iter().filter(|within| **within).count() > 1;
        if !tells {
            set.clear();
            set.resize(probabilities.len(), true);
        }
        *abstain = if seen.n_words > 0 && seen.known_share <= 0.0 {
            Some("unfamiliar")
        } else if seen.n_words < u64::from(self.words.max(1)) {
            Some("too-short")
        } else if self.is_unfamiliar(seen) {
            Some("unfamiliar")
        } else if ambiguous {
            Some("ambiguous")
        } else {
            None
        };
        *class = self.calibration.decide_by(scheme, probabilities, deciding, raw);
    }

    fn is_unfamiliar(&self, seen: Seen) -> bool {
        let floor = self.known_share;
        let error = (floor * (1.0 - floor) / seen.n_words.max(1) as f64).sqrt();
        seen.known_share < floor - error
    }

    /// The same judgement if the classes had the shares `prior`: probabilities and decision move, what is
    /// ambiguous does not depend on shares.
    pub fn assume(&self, scheme: Scheme, judged: &mut Judgement, prior: &[f64]) {
        judged.probabilities = shift(&judged.probabilities, &self.calibration.prior, prior);
        judged.class = self.calibration.decide(scheme, &judged.probabilities);
    }

    /// Checks what was read from a file.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self, scheme: Scheme, n_classes: usize) -> Result<(), String> {
        self.calibration.check(scheme, n_classes)?;
        self.conformal.check(n_classes)?;
        if !(0.0..=1.0).contains(&self.known_share) {
            return Err("the least known share is not between 0 and 1".into());
        }
        Ok(())
    }
}

/// The examples that say what a class looks like: its own, real ones where there are enough, and for
/// taking none also those judged toward other targets.
fn of_class(sample: &Sample, places: &[usize], class: usize) -> Vec<usize> {
    let of_class = |&place: &usize| {
        sample.classes[place] == class
            && sample.weights[place] > 0.0
            && (!sample.foreign[place] || class == 2)
    };
    let all: Vec<usize> = places.iter().copied().filter(of_class).collect();
    let real: Vec<usize> = all.iter().copied().filter(|&place| sample.real[place]).collect();
    if real.len() >= ENOUGH { real } else { all }
}
