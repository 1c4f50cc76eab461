//! Origins apart: how a model does on articles of an origin that it was not trained on.
//!
//! Cross-validation over a pooled corpus flatters where one origin is easier than another, and most of
//! all where part of it was written for the purpose. Here each origin is judged by fits that did not
//! see it (or, where it is the only teacher of the matter, not the judged part of it):
//!
//! | origin | held out at a time | trained on |
//! |---|---|---|
//! | `press` | all of it | every other origin |
//! | `authored` | one register | the rest, without the pairs that reach into the register |
//! | `other-target` | one target | the rest; only *whether* a side is taken can be judged |
//! | `seed`, and any other of twenty articles or fewer | one article | the rest |
//! | any other | all of it | every other origin |
//!
//! Whatever shares an outlet, a pair or a cluster of near-duplicates with what is held out is left out
//! of training too.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::Serialize;

use super::baselines::Baseline;
use super::interval::{Interval, cluster_bootstrap};
use super::metrics::{Confusion, Metrics, auc, measure};
use super::sample::{
    ENOUGH, Prediction, RESAMPLES, bootstrap_metrics, judge_split, kept_together, lexicon_of, sample_of,
};
use crate::config::TrainConfig;
use crate::corpus::{Corpus, Example};
use crate::error::{Error, Result};
use crate::features::Lexicon;
use crate::learn::path::Sample;
use crate::learn::{Judgement, Scheme};
use crate::rng::RngSeed;

/// A ranking's quality: area under the ROC curve, with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ranking {
    /// The area, 0 to 1; `None` where a side has no example.
    pub auc: Option<f64>,
    /// Examples on the positive side.
    pub positives: usize,
    /// Examples on the negative side.
    pub negatives: usize,
    /// `None` for fewer examples than an interval wants.
    pub interval: Option<Interval>,
}

/// Figures of some decisions.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// Examples judged.
    pub n: usize,
    /// Groups among them.
    pub n_groups: usize,
    /// Metrics of the decisions; `None` where only whether a side is taken can be judged.
    pub metrics: Option<Metrics>,
    /// 95 % interval of macro-F1.
    pub macro_f1_interval: Option<Interval>,
    /// 95 % interval of the mean F1 of the polar classes.
    pub semeval_f_interval: Option<Interval>,
    /// The polar classes against the rest, by 1 - p(rest).
    pub opinionated: Option<Ranking>,
    /// The first polar class against the second, among examples of the two.
    pub direction: Option<Ranking>,
}

/// How a model does on the articles of one origin.
#[derive(Debug, Clone, Serialize)]
pub struct OriginEvaluation {
    /// The origin.
    pub origin: String,
    /// What judged it.
    pub model: String,
    /// What was held out, and what was trained on, in words.
    pub held_out: String,
    /// Figures over its articles that are on target.
    pub all: Figures,
    /// The same without labels of confidence 1; `None` where all labels are surer, or none says.
    pub sure: Option<Figures>,
    /// Of the articles off target: how many were given a side, and how many there are.
    pub off_target: Option<(usize, usize)>,
    /// Every decision.
    pub predictions: Vec<Prediction>,
}

/// A part of a corpus that is judged, and what a fit for it may see: places of a sample.
#[derive(Debug, Clone)]
struct Split {
    train: Vec<usize>,
    held: Vec<usize>,
}

/// An origin of so few articles is judged one by one.
const FEW: usize = 20;

/// What judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipe {
    /// Trained as [`crate::train()`] does.
    Whole,
    /// Trained on authored passages alone.
    AuthoredOnly,
    /// Trained on everything but authored passages.
    RealOnly,
    /// One model of all classes, on the target's own articles.
    OwnTargetOneModel,
    /// One model of all classes, stance toward other targets taken for stance toward this one.
    PooledOneModel,
    /// No training.
    Baseline(Baseline),
}

impl Recipe {
    /// Its name in tables.
    pub fn name(self) -> String {
        match self {
            Recipe::Whole => "the model".into(),
            Recipe::AuthoredOnly => "the model, authored passages only".into(),
            Recipe::RealOnly => "the model, real articles only".into(),
            Recipe::OwnTargetOneModel => "one-vs-rest, own target only".into(),
            Recipe::PooledOneModel => "one-vs-rest, targets pooled".into(),
            Recipe::Baseline(baseline) => format!("baseline: {}", baseline.name()),
        }
    }
}

/// The examples of one axis.
pub(crate) struct Examples<'c> {
    pub(crate) corpus: &'c Corpus,
    pub(crate) axis: usize,
    pub(crate) sample: Sample,
    pub(crate) groups: Vec<usize>,
}

/// The examples with their words: what fits are made on.
pub(crate) struct Ground<'c> {
    pub(crate) examples: Examples<'c>,
    pub(crate) lexicon: Cow<'c, Lexicon>,
}

impl<'c> Examples<'c> {
    fn example(&self, place: usize) -> &'c Example {
        &self.corpus.examples[self.sample.rows[place]]
    }

    fn places(&self, wanted: impl Fn(&Example) -> bool) -> Vec<usize> {
        (0..self.sample.rows.len()).filter(|&place| wanted(self.example(place))).collect()
    }

    /// Each origin with its figures, where there are several: `judged` is what some model made of all
    /// examples, `held_out` says how.
    pub(crate) fn by_origin(
        &self,
        judged: &[Judgement],
        held_out: &str,
        seed: RngSeed,
    ) -> Vec<OriginEvaluation> {
        let origins = order(self.corpus);
        let mut found = Vec::new();
        for origin in origins.iter().filter(|_| origins.len() > 1) {
            let places = self.places(|example| example.origin == *origin);
            let judged: BTreeMap<usize, Judgement> =
                places.into_iter().map(|place| (place, judged[place].clone())).collect();
            if !judged.is_empty() {
                found.push(self.evaluation(origin, Recipe::Whole, held_out, &judged, seed));
            }
        }
        found
    }

    fn evaluation(
        &self,
        origin: &str,
        recipe: Recipe,
        held_out: &str,
        judged: &BTreeMap<usize, Judgement>,
        seed: RngSeed,
    ) -> OriginEvaluation {
        let toward_target = self.corpus.axes[self.axis].is_toward_target();
        let off = |place: &usize| toward_target && self.example(*place).on_target == Some(false);
        let places: Vec<usize> = judged.keys().copied().collect();
        let (off_target, on_target): (Vec<usize>, Vec<usize>) = places.iter().partition(|&place| off(place));
        let sure: Vec<usize> =
            on_target.iter().copied().filter(|&place| self.example(place).confidence != Some(1)).collect();
        let figures = |places: &[usize]| self.figures(places, judged, seed);
        let polar = self.corpus.axes[self.axis].polar_indices();
        let sided = |place: &usize| polar.is_some_and(|polar| polar.contains(&judged[place].class));
        OriginEvaluation {
            origin: origin.to_owned(),
            model: recipe.name(),
            held_out: held_out.to_owned(),
            all: figures(&on_target),
            sure: (sure.len() < on_target.len()).then(|| figures(&sure)),
            off_target: (!off_target.is_empty())
                .then(|| (off_target.iter().filter(|place| sided(place)).count(), off_target.len())),
            predictions: places.iter().map(|&place| self.prediction(place, &judged[&place])).collect(),
        }
    }

    fn prediction(&self, place: usize, judged: &Judgement) -> Prediction {
        let classes = &self.corpus.axes[self.axis].classes;
        Prediction::new(self.example(place), 0, classes, self.sample.classes[place], judged)
    }

    fn figures(&self, places: &[usize], judged: &BTreeMap<usize, Judgement>, seed: RngSeed) -> Figures {
        let axis = &self.corpus.axes[self.axis];
        let truth: Vec<usize> = places.iter().map(|&place| self.sample.classes[place]).collect();
        let probabilities: Vec<Vec<f64>> =
            places.iter().map(|place| judged[place].probabilities.clone()).collect();
        let predicted: Vec<usize> = places.iter().map(|place| judged[place].class).collect();
        let groups: Vec<usize> = places.iter().map(|&place| self.groups[place]).collect();
        let mut distinct = groups.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let own = places.iter().any(|&place| !self.sample.foreign[place]);
        let polar = axis.polar_indices();
        let rank = |sides: Vec<Option<bool>>, scores: Vec<f64>| rank(&groups, &sides, &scores, seed);
        let opinionated = polar.map(|[a, b]| {
            rank(
                truth.iter().map(|&class| Some(class == a || class == b)).collect(),
                probabilities.iter().map(|p| p[a] + p[b]).collect(),
            )
        });
        let direction = polar.filter(|_| own).map(|[a, b]| {
            rank(
                truth.iter().map(|&class| (class == a || class == b).then_some(class == a)).collect(),
                probabilities.iter().map(|p| p[a] / (p[a] + p[b])).collect(),
            )
        });
        let intervals = |statistic: &(dyn Fn(&Confusion) -> Option<f64> + Sync)| {
            bootstrap_metrics(&groups, axis.classes.len(), &truth, &predicted, seed, statistic)
        };
        Figures {
            n: places.len(),
            n_groups: distinct.len(),
            macro_f1_interval: intervals(&|confusion| confusion.macro_f1().map(|(f1, _)| f1)).filter(|_| own),
            semeval_f_interval: polar
                .filter(|_| own)
                .and_then(|polar| intervals(&move |confusion| confusion.semeval_f(polar))),
            metrics: own.then(|| measure(axis, &truth, &predicted, Some(&probabilities))),
            opinionated,
            direction,
        }
    }
}

impl<'c> Ground<'c> {
    /// The examples of an axis. `grouping` is the corpus whose groups count (that of the texts, where
    /// `corpus` is a reduction of it).
    pub(crate) fn new(
        corpus: &'c Corpus,
        grouping: &Corpus,
        axis: usize,
        config: &TrainConfig,
    ) -> Result<Self> {
        let lexicon = lexicon_of(corpus, config);
        let groups = kept_together(grouping, &lexicon_of(grouping, &TrainConfig::default()));
        let (sample, groups) = sample_of(corpus, &groups, axis, &config.learn)?;
        Ok(Ground { examples: Examples { corpus, axis, sample, groups }, lexicon: Cow::Owned(lexicon) })
    }

    /// What a model without any press article makes of those.
    pub(crate) fn press_apart(&self, config: &TrainConfig) -> Result<OriginEvaluation> {
        let (splits, held_out) = self.splits("press");
        let judged = self.judge(&splits, Recipe::Whole, config, &|| ())?;
        Ok(self.examples.evaluation("press", Recipe::Whole, held_out, &judged, config.seed))
    }

    /// A split that holds out some places, and keeps out of training what belongs together with them.
    fn split(&self, held: Vec<usize>) -> Split {
        let groups: BTreeSet<usize> = held.iter().map(|&place| self.examples.groups[place]).collect();
        let train = (0..self.examples.sample.rows.len())
            .filter(|&place| !groups.contains(&self.examples.groups[place]))
            .collect();
        Split { train, held }
    }

    /// The splits by which an origin is judged, and how to say it.
    fn splits(&self, origin: &str) -> (Vec<Split>, &'static str) {
        let of_origin = |example: &Example| example.origin == origin;
        let by = |name: &dyn Fn(&Example) -> String| {
            let mut parts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
            for place in self.examples.places(of_origin) {
                parts.entry(name(self.examples.example(place))).or_default().push(place);
            }
            parts.into_values().map(|held| self.split(held)).collect::<Vec<_>>()
        };
        match (origin, self.examples.places(of_origin)) {
            ("press", held) => (vec![self.split(held)], "trained without any press article"),
            ("authored", _) => (
                by(&|example| example.register.clone().unwrap_or_default()),
                "one register left out at a time, with the pairs that reach into it",
            ),
            ("other-target", _) => {
                (by(&|example| example.target.clone().unwrap_or_default()), "one target left out at a time")
            }
            (_, held) if held.len() > FEW => (vec![self.split(held)], "trained without any of it"),
            _ => (by(&|example| example.document.id.clone()), "one article left out at a time"),
        }
    }

    /// The judgements of what the splits hold out, by place.
    fn judge(
        &self,
        splits: &[Split],
        recipe: Recipe,
        config: &TrainConfig,
        done: &(dyn Fn() + Sync),
    ) -> Result<BTreeMap<usize, Judgement>> {
        let judged = splits
            .par_iter()
            .map(|split| {
                let found = self.judge_one(split, recipe, config)?;
                done();
                Ok(split.held.iter().copied().zip(found).collect::<Vec<_>>())
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(judged.into_iter().flatten().collect())
    }

    fn judge_one(&self, split: &Split, recipe: Recipe, config: &TrainConfig) -> Result<Vec<Judgement>> {
        let mut sample = self.examples.sample.clone();
        let authored = |place: &usize| self.examples.example(*place).origin == "authored";
        let mut train = split.train.clone();
        match recipe {
            Recipe::Whole => {}
            Recipe::AuthoredOnly => train.retain(authored),
            Recipe::RealOnly => train.retain(|place| !authored(place)),
            Recipe::OwnTargetOneModel => {
                train.retain(|&place| !sample.foreign[place]);
                sample.scheme = Scheme::OneVsRest;
            }
            Recipe::PooledOneModel => {
                sample.foreign.fill(false);
                sample.scheme = Scheme::OneVsRest;
            }
            Recipe::Baseline(baseline) => {
                let classes: Vec<usize> = train.iter().map(|&place| sample.classes[place]).collect();
                let axis = &self.examples.corpus.axes[self.examples.axis];
                return Ok(split
                    .held
                    .iter()
                    .map(|&place| {
                        let p = baseline.judge(&self.examples.example(place).document, axis, &classes);
                        Judgement::plain(sample.scheme, &p)
                    })
                    .collect());
            }
        }
        judge_split(&self.lexicon, &sample, &self.examples.groups, &train, &split.held, config)
            .map(|(_, judged)| judged)
    }
}

/// Ranks the rows whose side is known, with an interval that resamples whole groups.
fn rank(groups: &[usize], sides: &[Option<bool>], scores: &[f64], seed: RngSeed) -> Ranking {
    let known: Vec<usize> = (0..sides.len()).filter(|&row| sides[row].is_some()).collect();
    let area = |rows: &[usize]| {
        let positive: Vec<bool> = rows.iter().map(|&row| sides[known[row]] == Some(true)).collect();
        let scores: Vec<f64> = rows.iter().map(|&row| scores[known[row]]).collect();
        auc(&positive, &scores)
    };
    let of_known: Vec<usize> = known.iter().map(|&row| groups[row]).collect();
    let positives = known.iter().filter(|&&row| sides[row] == Some(true)).count();
    Ranking {
        auc: area(&(0..known.len()).collect::<Vec<_>>()),
        positives,
        negatives: known.len() - positives,
        interval: (known.len() >= ENOUGH)
            .then(|| cluster_bootstrap(&of_known, RESAMPLES, seed, area))
            .flatten(),
    }
}

/// Evaluates every origin of one axis apart; and, where there are press articles of the corpus's own
/// target, what other recipes make of those. `done` is called after each fit.
///
/// # Errors
/// [`Error::TooFew`], and whatever a fit can fail with.
pub fn evaluate_origins(
    corpus: &Corpus,
    axis: usize,
    config: &TrainConfig,
    done: &(dyn Fn() + Sync),
) -> Result<Vec<OriginEvaluation>> {
    config.check()?;
    let ground = Ground::new(corpus, corpus, axis, config)?;
    let mut found = Vec::new();
    for origin in order(corpus) {
        let (splits, held_out) = ground.splits(&origin);
        let judged = ground.judge(&splits, Recipe::Whole, config, done).map_err(|error| match error {
            Error::TooFew(problem) => Error::TooFew(format!(
                "{}, origin «{origin}» held out: {problem}; or cross-validate over all origins with --folds 5",
                corpus.axes[axis].name
            )),
            other => other,
        })?;
        if judged.is_empty() {
            continue;
        }
        found.push(ground.examples.evaluation(&origin, Recipe::Whole, held_out, &judged, config.seed));
        if origin != "press" || !corpus.axes[axis].is_toward_target() {
            continue;
        }
        for recipe in [
            Recipe::AuthoredOnly,
            Recipe::RealOnly,
            Recipe::OwnTargetOneModel,
            Recipe::PooledOneModel,
            Recipe::Baseline(Baseline::Majority),
            Recipe::Baseline(Baseline::Lexicon),
        ] {
            match ground.judge(&splits, recipe, config, done) {
                Ok(judged) => {
                    found.push(ground.examples.evaluation(&origin, recipe, held_out, &judged, config.seed));
                }
                // A corpus without authored passages has nothing to compare here.
                Err(Error::TooFew(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(found)
}

/// The authored part alone, one register left out at a time, of a reduction of the corpus; see
/// [`super::probes`].
pub(crate) fn evaluate_authored(
    reduced: &Corpus,
    corpus: &Corpus,
    axis: usize,
    config: &TrainConfig,
    done: &(dyn Fn() + Sync),
) -> Result<OriginEvaluation> {
    let ground = Ground::new(reduced, corpus, axis, config)?;
    let (splits, held_out) = ground.splits("authored");
    let judged = ground.judge(&splits, Recipe::AuthoredOnly, config, done)?;
    Ok(ground.examples.evaluation("authored", Recipe::AuthoredOnly, held_out, &judged, config.seed))
}

/// Press articles judged by a fit on some of the other examples; see [`super::curve`].
pub(crate) fn judge_press(
    ground: &Ground<'_>,
    keep: &(dyn Fn(&Example) -> bool + Sync),
    config: &TrainConfig,
) -> Result<OriginEvaluation> {
    let (mut splits, held_out) = ground.splits("press");
    for split in &mut splits {
        split.train.retain(|&place| keep(ground.examples.example(place)));
    }
    let judged = ground.judge(&splits, Recipe::Whole, config, &|| ())?;
    Ok(ground.examples.evaluation("press", Recipe::Whole, held_out, &judged, config.seed))
}

/// The origins, press first: the figure that counts.
fn order(corpus: &Corpus) -> Vec<String> {
    let mut origins: Vec<String> = corpus.origins().into_iter().map(|(origin, _)| origin).collect();
    origins.sort_by_key(|origin| (origin != "press", origin.clone()));
    origins
}

/// Number of registers that authored passages have: the fits of one probe.
pub fn count_registers(corpus: &Corpus) -> usize {
    let authored = corpus.examples.iter().filter(|example| example.origin == "authored");
    authored.map(|example| example.register.as_deref()).collect::<BTreeSet<_>>().len()
}

/// Number of fits that [`evaluate_origins`] reports, for a progress bar.
pub fn count_fits(corpus: &Corpus, axis: usize) -> usize {
    let distinct = |origin: &str, name: &dyn Fn(&Example) -> Option<String>| {
        let of_origin = corpus.examples.iter().filter(|example| example.origin == origin);
        of_origin.map(name).collect::<BTreeSet<_>>().len()
    };
    let fits = |origin: &String| match origin.as_str() {
        "press" if corpus.axes[axis].is_toward_target() => 7,
        "press" => 1,
        "authored" => distinct(origin, &|example| example.register.clone()),
        "other-target" => distinct(origin, &|example| example.target.clone()),
        _ => match distinct(origin, &|example| Some(example.document.id.clone())) {
            few @ 0..=FEW => few,
            _ => 1,
        },
    };
    order(corpus).iter().map(fits).sum()
}
