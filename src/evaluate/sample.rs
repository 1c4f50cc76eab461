//! From a corpus to what is fitted and judged: which examples, in which groups, with what weights, and
//! what a fit makes of examples that it had not seen.

use serde::{Deserialize, Serialize};

use super::duplicates::{clusters, near_duplicates};
use super::folds::{join_groups, leave_one_out, stratified_group_folds};
use super::interval::{Interval, bootstrap_confusions, cluster_confusions};
use super::metrics::Confusion;
use super::splits::Split;
use crate::config::TrainConfig;
use crate::corpus::{Corpus, Example};
use crate::error::{Error, Result};
use crate::features::Lexicon;
use crate::features::vectorizer::Frequencies;
use crate::learn::logistic::{Weights, probabilities, toward};
use crate::learn::path::{Sample, walk};
use crate::learn::{Judgement, LearnConfig, Scheme, Seen};
use crate::rng::RngSeed;

/// Jaccard similarity of word sets from which two documents count as near-duplicates.
pub const NEAR_DUPLICATE: f64 = 0.8;
/// Resamples of an interval.
pub(crate) const RESAMPLES: usize = 1000;
/// Fewest examples that an interval is given for.
pub const ENOUGH: usize = 20;

/// What was judged of one example by a fit that had not seen it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The example.
    pub id: String,
    /// Where it comes from.
    pub origin: String,
    /// Its outlet, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlet: Option<String>,
    /// Its register, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub register: Option<String>,
    /// Its date as given, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Its length in words.
    pub words: u64,
    /// Whether it is about the target at all, where that was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_target: Option<bool>,
    /// How sure whoever labelled it was, 1 to 3, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// The fold it was held out in.
    pub fold: usize,
    /// Its group, which the bootstrap draws as one: a number without meaning of its own.
    pub group: usize,
    /// The class it was given by hand.
    pub truth: String,
    /// The class decided.
    pub predicted: String,
    /// One a class, in the axis's order.
    pub probabilities: Vec<f64>,
    /// The classes that the example may well be of, at the level of the settings.
    pub set: Vec<String>,
    /// Why the decision should not be relied on, if it should not.
    pub abstain: Option<String>,
}

impl Prediction {
    /// What was made of an example of class `truth` among `classes`.
    pub(crate) fn new(
        example: &Example,
        group: usize,
        fold: usize,
        classes: &[String],
        truth: usize,
        judged: &Judgement,
    ) -> Self {
        let within = classes.iter().zip(&judged.set).filter(|(_, within)| **within);
        Prediction {
            id: example.document.id.clone(),
            origin: example.origin.clone(),
            outlet: example.outlet.clone(),
            register: example.register.clone(),
            date: example.date.clone(),
            words: example.document.n_words(),
            on_target: example.on_target,
            confidence: example.confidence,
            fold,
            group,
            truth: classes[truth].clone(),
            predicted: classes[judged.class].clone(),
            probabilities: judged.probabilities.clone(),
            set: within.map(|(class, _)| class.clone()).collect(),
            abstain: judged.abstain.map(str::to_owned),
        }
    }
}

/// The words of a corpus.
pub(crate) fn lexicon_of(corpus: &Corpus, config: &TrainConfig) -> Lexicon {
    let documents = corpus.examples.iter().map(|example| &example.document);
    Lexicon::with_vectors(&config.features, corpus.vectors.as_ref(), documents)
}

/// Clusters of near-duplicates: a number for each document of a lexicon.
pub fn duplicate_clusters(lexicon: &Lexicon) -> Vec<usize> {
    let sets: Vec<Vec<u32>> = (0..lexicon.len()).map(|index| lexicon.word_set(index)).collect();
    clusters(sets.len(), &near_duplicates(&sets, NEAR_DUPLICATE))
}

/// Groups that no fold may divide: outlets, minimal pairs and clusters of near-duplicates.
pub fn kept_together(corpus: &Corpus, lexicon: &Lexicon) -> Vec<usize> {
    let named = join_groups(&corpus.outlet_groups(), &corpus.pair_groups());
    join_groups(&named, &duplicate_clusters(lexicon))
}

/// The labelled examples of one axis as a sample of the lexicon, and the group of each. Where some are
/// judged toward other targets than the corpus's own, the scheme is that of two stages.
///
/// # Errors
/// [`Error::Usage`] where two stages do not fit the classes of the axis.
pub(crate) fn sample_of(
    corpus: &Corpus,
    groups: &[usize],
    axis: usize,
    learn: &LearnConfig,
) -> Result<(Sample, Vec<usize>)> {
    let of = &corpus.axes[axis];
    let toward_target = of.is_toward_target();
    let labelled = |example: &&Example| example.labels[axis].is_some();
    let mixed =
        toward_target && corpus.examples.iter().filter(labelled).any(|example| corpus.is_foreign(example));
    let scheme = if mixed { Scheme::TwoStage } else { learn.scheme };
    if scheme == Scheme::TwoStage && (of.classes.len() != 3 || of.polar_indices() != Some([0, 1])) {
        return Err(Error::Usage(format!(
            "{}: two stages, which examples toward other targets ask for, want three classes, the two polar ones first (there are: {}); name them in this order, or leave the other targets out with --target",
            of.name,
            of.classes.join(", ")
        )));
    }
    let mut sample = Sample {
        rows: Vec::new(),
        classes: Vec::new(),
        weights: Vec::new(),
        foreign: Vec::new(),
        real: Vec::new(),
        n_classes: of.classes.len(),
        scheme,
    };
    let mut sample_groups = Vec::new();
    for (row, example) in corpus.examples.iter().enumerate() {
        let Some(class) = example.labels[axis] else { continue };
        sample.rows.push(row);
        sample.classes.push(class);
        sample.foreign.push(mixed && corpus.is_foreign(example));
        // What is about the target and what is not was gathered so, real or written: neither has shares to
        // learn from.
        sample.real.push(example.origin != "authored" || of.is_on_target());
        sample.weights.push(match example.confidence {
            // Off the target an author may well take a side, only not this one: such an article is no
            // example of taking none.
            _ if scheme == Scheme::TwoStage && example.on_target == Some(false) => 0.0,
            Some(sure @ 1..=3) if toward_target => learn.confidence_weights[usize::from(sure) - 1],
            _ => 1.0,
        });
        sample_groups.push(groups[row]);
    }
    Ok((sample, sample_groups))
}

/// Folds for the choice of C within some examples.
pub(crate) fn inner_folds(
    sample: &Sample,
    groups: &[usize],
    learn: &LearnConfig,
    seed: RngSeed,
) -> Result<Vec<usize>> {
    let mut names = groups.to_vec();
    names.sort_unstable();
    names.dedup();
    if names.len() < 2 {
        return Err(Error::TooFew(
            "the training examples are all of one group (an outlet, a pair, near-duplicates), so C cannot be chosen by holding some out; label others".into(),
        ));
    }
    if learn.leaves_out(sample.rows.len(), names.len()) {
        return Ok(leave_one_out(groups));
    }
    stratified_group_folds(groups, &sample.classes, sample.n_classes, learn.folds.min(names.len()), seed)
}

/// What a fit made of the examples that a split held out.
pub(crate) struct Held {
    /// The C chosen without them.
    pub(crate) c: f64,
    /// One for each held-out place.
    pub(crate) judgements: Vec<Judgement>,
    /// For each held-out place that was judged wrongly the words that weigh most for what was decided and
    /// against what was given by hand, by falling size; empty for the others.
    pub(crate) evidence: Vec<Vec<(String, f64)>>,
}

/// Fits on the training part of a split, vocabulary, choice of C and calibration included, and judges what
/// it holds out. With `explain`, so many words of each error come with it.
pub(crate) fn judge_split(
    lexicon: &Lexicon,
    sample: &Sample,
    groups: &[usize],
    split: &Split,
    config: &TrainConfig,
    explain: usize,
) -> Result<Held> {
    let train_groups: Vec<usize> = split.train.iter().map(|&place| groups[place]).collect();
    let (train, held) = (sample.select(&split.train), sample.select(&split.held));
    let inner = inner_folds(&train, &train_groups, &config.learn, config.seed)?;
    let walked = walk(&config.learn, lexicon, &train, &inner, &|| ())?;
    let (c, rule) = (walked.path.chosen, walked.rule(&train, config.learn.class_weight));
    let frequencies = Frequencies::count(lexicon, &train.rows)?;
    let x = train.design(lexicon, &frequencies);
    let what = format!("a fold's fit with C = {c}");
    let found = config.learn.fit(&x, &train, c, &what)?;
    let scores = found.weights.scores(&held.design(lexicon, &frequencies));
    let judged = held.rows.iter().zip(scores.chunks_exact(found.weights.columns)).map(|(&row, scores)| {
        let raw = probabilities(sample.scheme, scores);
        let seen = Seen::new(frequencies.known_words(lexicon, row));
        rule.judge(sample.scheme, &raw, seen, config.learn.level)
    });
    let judgements: Vec<Judgement> = judged.collect();
    let mut evidence = vec![Vec::new(); judgements.len()];
    if explain > 0 {
        let wrong: Vec<usize> =
            (0..judgements.len()).filter(|&place| judgements[place].class != held.classes[place]).collect();
        let decided: Vec<usize> = wrong.iter().map(|&place| judgements[place].class).collect();
        let found = words_for(lexicon, &held.select(&wrong), &frequencies, &found.weights, &decided, explain);
        for (place, words) in wrong.into_iter().zip(found) {
            evidence[place] = words;
        }
    }
    Ok(Held { c, judgements, evidence })
}

/// For each example the `most` words that weigh most for the class decided on and against the one given.
fn words_for(
    lexicon: &Lexicon,
    sample: &Sample,
    frequencies: &Frequencies,
    weights: &Weights,
    decided: &[usize],
    most: usize,
) -> Vec<Vec<(String, f64)>> {
    let x = sample.design(lexicon, frequencies);
    let columns: Vec<Vec<Vec<f64>>> = (0..weights.columns)
        .map(|column| {
            let of_column = weights.coefficients.iter().skip(column).step_by(weights.columns);
            x.by_word(&of_column.map(|&weight| [weight]).collect::<Vec<_>>())
        })
        .collect();
    (0..sample.rows.len())
        .map(|place| {
            let for_class = |class| toward(sample.scheme, sample.n_classes, class);
            let (decided, given) = (for_class(decided[place]), for_class(sample.classes[place]));
            let factors: Vec<f64> = decided.iter().zip(&given).map(|(a, b)| a - b).collect();
            let words = lexicon.documents.row(sample.rows[place]).iter().enumerate();
            let mut words: Vec<(String, f64)> = words
                .map(|(number, &(word, _))| {
                    let weight = columns.iter().zip(&factors).map(|(of, factor)| factor * of[place][number]);
                    (lexicon.words.resolve(word).to_owned(), weight.sum())
                })
                .collect();
            words.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then_with(|| a.0.cmp(&b.0)));
            words.truncate(most);
            words
        })
        .collect()
}

/// The 95 % intervals of statistics of the confusion, by a bootstrap over groups; `None` for fewer
/// examples than [`ENOUGH`].
pub(crate) fn bootstrap_metrics<const N: usize>(
    groups: &[usize],
    n_classes: usize,
    truth: &[usize],
    predicted: &[usize],
    seed: RngSeed,
    statistics: impl Fn(&Confusion) -> [Option<f64>; N] + Sync,
) -> [Option<Interval>; N] {
    if truth.len() < ENOUGH {
        return [None; N];
    }
    let matrices = cluster_confusions(groups, n_classes, truth, predicted);
    let found =
        bootstrap_confusions(&matrices, N, RESAMPLES, seed, |confusion| statistics(confusion).to_vec());
    std::array::from_fn(|at| found.get(at).copied().flatten())
}
