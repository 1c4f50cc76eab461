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

use super::assemble::Judged;
use super::baselines::Baseline;
use super::beside::by_baseline;
use super::evaluation::OriginEvaluation;
use super::figures::{Figures, figures};
use super::sample::{Prediction, RESAMPLES, judge_split, kept_together, lexicon_of, sample_of};
use super::splits::Split;
use crate::config::TrainConfig;
use crate::corpus::{Corpus, Example};
use crate::error::{Error, Result};
use crate::features::Lexicon;
use crate::learn::path::Sample;
use crate::learn::{Judgement, Scheme};
use crate::rng::RngSeed;

/// Words that come with an error.
pub(crate) const EVIDENCE: usize = 8;

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
            Recipe::Baseline(Baseline::Lexicon) => "baseline: keyword lexicon".into(),
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
    pub(crate) fn example(&self, place: usize) -> &'c Example {
        &self.corpus.examples[self.sample.rows[place]]
    }

    fn places(&self, wanted: impl Fn(&Example) -> bool) -> Vec<usize> {
        (0..self.sample.rows.len()).filter(|&place| wanted(self.example(place))).collect()
    }

    /// Each origin with its figures, where there are several: `judged` is what some model made of all
    /// examples.
    pub(crate) fn by_origin(&self, judged: &Judged, seed: RngSeed) -> Vec<OriginEvaluation> {
        let origins = order(self.corpus);
        let several = origins.iter().filter(|_| origins.len() > 1);
        let found = several.filter_map(|origin| {
            let places = self.places(|example| example.origin == *origin);
            let of: Vec<usize> =
                places.into_iter().filter(|place| judged.judgements.contains_key(place)).collect();
            (!of.is_empty()).then(|| self.evaluation(origin, Recipe::Whole, judged, &of, seed))
        });
        found.collect()
    }

    /// What a recipe made of some places.
    fn evaluation(
        &self,
        origin: &str,
        recipe: Recipe,
        judged: &Judged,
        places: &[usize],
        seed: RngSeed,
    ) -> OriginEvaluation {
        let toward_target = self.corpus.axes[self.axis].is_toward_target();
        let off = |place: &usize| toward_target && self.example(*place).on_target == Some(false);
        let (off_target, on_target): (Vec<usize>, Vec<usize>) = places.iter().partition(|&place| off(place));
        let sure: Vec<usize> =
            on_target.iter().copied().filter(|&place| self.example(place).confidence != Some(1)).collect();
        let polar = self.corpus.axes[self.axis].polar_indices();
        let judgement = |place: &usize| &judged.judgements[place].1;
        let sided = |place: &usize| polar.is_some_and(|polar| polar.contains(&judgement(place).class));
        let predictions = places.iter().map(|&place| {
            let (fold, judgement) = &judged.judgements[&place];
            self.prediction(place, *fold, judgement)
        });
        OriginEvaluation {
            origin: origin.to_owned(),
            model: recipe.name(),
            held_out: judged.plan.clone(),
            figures: self.figures(&on_target, judged, seed),
            sure: (sure.len() < on_target.len()).then(|| self.figures(&sure, judged, seed)),
            off_target: (!off_target.is_empty())
                .then(|| (off_target.iter().filter(|place| sided(place)).count(), off_target.len())),
            predictions: if recipe == Recipe::Whole { predictions.collect() } else { Vec::new() },
        }
    }

    pub(crate) fn prediction(&self, place: usize, fold: usize, judged: &Judgement) -> Prediction {
        let classes = &self.corpus.axes[self.axis].classes;
        let truth = self.sample.classes[place];
        Prediction::new(self.example(place), self.groups[place], fold, classes, truth, judged)
    }

    fn figures(&self, places: &[usize], judged: &Judged, seed: RngSeed) -> Figures {
        let wanted: BTreeSet<usize> = places.iter().copied().collect();
        let (_, rows) = judged.rows(self, |place| wanted.contains(&place));
        let found = figures(&self.corpus.axes[self.axis], &rows, RESAMPLES, seed);
        // Which side an author takes toward another target says nothing of this one.
        let own = places.iter().any(|&place| !self.sample.foreign[place]);
        if own || places.is_empty() { found } else { found.only_sided() }
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
        self.origin("press", Recipe::Whole, config, &|| ())
    }

    /// What a recipe makes of the articles of an origin without having seen them.
    pub(crate) fn origin(
        &self,
        origin: &str,
        recipe: Recipe,
        config: &TrainConfig,
        done: &(dyn Fn() + Sync),
    ) -> Result<OriginEvaluation> {
        let judged = self.judge_origin(origin, recipe, config, done)?;
        let places: Vec<usize> = judged.judgements.keys().copied().collect();
        Ok(self.examples.evaluation(origin, recipe, &judged, &places, config.seed))
    }

    /// The same, place by place.
    pub(crate) fn judge_origin(
        &self,
        origin: &str,
        recipe: Recipe,
        config: &TrainConfig,
        done: &(dyn Fn() + Sync),
    ) -> Result<Judged> {
        let (splits, held_out) = self.splits(origin);
        Ok(Judged { plan: held_out.to_owned(), ..self.judge(&splits, recipe, config, done)? })
    }

    /// A split that holds out some places, and keeps out of training what belongs together with them.
    fn split(&self, held: Vec<usize>) -> Split {
        Split::apart(held, &self.examples.groups)
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

    /// What a recipe makes of what the splits hold out.
    fn judge(
        &self,
        splits: &[Split],
        recipe: Recipe,
        config: &TrainConfig,
        done: &(dyn Fn() + Sync),
    ) -> Result<Judged> {
        let mut sample = Cow::Borrowed(&self.examples.sample);
        let mut splits = Cow::Borrowed(splits);
        let mut train_on = |wanted: &dyn Fn(usize) -> bool| {
            splits.to_mut().iter_mut().for_each(|split| split.train.retain(|&place| wanted(place)));
        };
        let authored = |place: usize| self.examples.example(place).origin == "authored";
        let mut explain = 0;
        match recipe {
            Recipe::Whole => explain = EVIDENCE,
            Recipe::AuthoredOnly => train_on(&authored),
            Recipe::RealOnly => train_on(&|place| !authored(place)),
            Recipe::OwnTargetOneModel => {
                train_on(&|place| !self.examples.sample.foreign[place]);
                sample.to_mut().scheme = Scheme::OneVsRest;
            }
            Recipe::PooledOneModel => {
                sample.to_mut().foreign.fill(false);
                sample.to_mut().scheme = Scheme::OneVsRest;
            }
            Recipe::Baseline(baseline) => return Ok(by_baseline(self, &splits, baseline)),
        }
        self.judge_sample(&sample, &splits, &self.examples.groups, config, explain, done)
    }

    /// What the model makes of what the splits hold out. C is chosen in folds that divide no group of
    /// `inner`. With `explain`, so many words of each error come with it.
    pub(crate) fn judge_in(
        &self,
        splits: &[Split],
        inner: &[usize],
        config: &TrainConfig,
        explain: usize,
        done: &(dyn Fn() + Sync),
    ) -> Result<Judged> {
        self.judge_sample(&self.examples.sample, splits, inner, config, explain, done)
    }

    fn judge_sample(
        &self,
        sample: &Sample,
        splits: &[Split],
        inner: &[usize],
        config: &TrainConfig,
        explain: usize,
        done: &(dyn Fn() + Sync),
    ) -> Result<Judged> {
        let found = splits
            .par_iter()
            .map(|split| {
                let found = judge_split(&self.lexicon, sample, inner, split, config, explain)?;
                done();
                Ok(found)
            })
            .collect::<Result<Vec<_>>>()?;
        let mut judged = Judged::default();
        for (fold, (split, found)) in splits.iter().zip(found).enumerate() {
            judged.c.push(found.c);
            for ((&place, judgement), words) in split.held.iter().zip(found.judgements).zip(found.evidence) {
                judged.judgements.insert(place, (fold, judgement));
                if !words.is_empty() {
                    judged.evidence.insert(place, words);
                }
            }
        }
        Ok(judged)
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
    Ok(ground.origins(config, done)?.1)
}

impl Ground<'_> {
    /// Every origin apart: all judgements together, and the figures origin by origin; of the press articles
    /// also what other recipes make of them.
    pub(crate) fn origins(
        &self,
        config: &TrainConfig,
        done: &(dyn Fn() + Sync),
    ) -> Result<(Judged, Vec<OriginEvaluation>)> {
        let corpus = self.examples.corpus;
        let axis = &corpus.axes[self.examples.axis];
        let mut all = Judged {
            plan: "each origin judged by a model that was not trained on it".into(),
            ..Judged::default()
        };
        let mut found = Vec::new();
        for origin in order(corpus) {
            let judged = self.judge_origin(&origin, Recipe::Whole, config, done).map_err(|error| match error {
                Error::TooFew(problem) => Error::TooFew(format!(
                    "{}, origin «{origin}» held out: {problem}; or cross-validate over all origins with --folds 5",
                    axis.name
                )),
                other => other,
            })?;
            if judged.judgements.is_empty() {
                continue;
            }
            let places: Vec<usize> = judged.judgements.keys().copied().collect();
            found.push(self.examples.evaluation(&origin, Recipe::Whole, &judged, &places, config.seed));
            all.c.extend(&judged.c);
            all.judgements.extend(judged.judgements);
            all.evidence.extend(judged.evidence);
            if origin == "press" && axis.is_toward_target() {
                found.extend(self.recipes(
                    &[
                        Recipe::AuthoredOnly,
                        Recipe::RealOnly,
                        Recipe::OwnTargetOneModel,
                        Recipe::PooledOneModel,
                        Recipe::Baseline(Baseline::Majority),
                        Recipe::Baseline(Baseline::Lexicon),
                    ],
                    config,
                    done,
                )?);
            }
        }
        Ok((all, found))
    }

    /// What some recipes make of the press articles; those without enough to train on are left out.
    pub(crate) fn recipes(
        &self,
        recipes: &[Recipe],
        config: &TrainConfig,
        done: &(dyn Fn() + Sync),
    ) -> Result<Vec<OriginEvaluation>> {
        let mut found = Vec::new();
        for &recipe in recipes {
            match self.origin("press", recipe, config, done) {
                Ok(judged) => found.push(judged),
                // A corpus without authored passages has nothing to compare here.
                Err(Error::TooFew(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
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
    Ground::new(reduced, corpus, axis, config)?.origin("authored", Recipe::AuthoredOnly, config, done)
}

/// Press articles judged by a fit on some of the other examples; see [`super::curve`].
pub(crate) fn judge_press(
    ground: &Ground<'_>,
    keep: &(dyn Fn(&Example) -> bool + Sync),
    config: &TrainConfig,
) -> Result<Figures> {
    let (mut splits, _) = ground.splits("press");
    for split in &mut splits {
        split.train.retain(|&place| keep(ground.examples.example(place)));
    }
    let judged = ground.judge(&splits, Recipe::Whole, config, &|| ())?;
    let places: Vec<usize> = judged.judgements.keys().copied().collect();
    Ok(ground.examples.evaluation("press", Recipe::Whole, &judged, &places, config.seed).figures)
}

/// The press articles judged by a model that saw none of them, and by what stands beside it; nothing for a
/// corpus without others to learn from.
pub(crate) fn press_beside(ground: &Ground<'_>, config: &TrainConfig) -> Result<Vec<OriginEvaluation>> {
    let origins = ground.examples.corpus.origins();
    if origins.len() < 2 || !origins.iter().any(|(origin, _)| origin == "press") {
        return Ok(Vec::new());
    }
    let toward = ground.examples.corpus.axes[ground.examples.axis].is_toward_target();
    let recipes = [Recipe::Whole, Recipe::Baseline(Baseline::Majority), Recipe::Baseline(Baseline::Lexicon)];
    ground.recipes(if toward { &recipes } else { &recipes[..1] }, config, &|| ())
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
