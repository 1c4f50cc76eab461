//! A model that runs.
//!
//! A document's score is a sum over its words, and what a word adds depends on the word alone: its
//! features are looked up once per word type and kept.

use std::collections::BTreeMap;
use std::sync::Mutex;

use rustc_hash::FxHashMap;

use super::file::Model;
use super::header::Header;
use crate::document::{Body, Document};
use crate::error::Result;
use crate::features::design::{scale, squared_length};
use crate::features::{Extractor, Vectorizer};
use crate::label::Axis;
use crate::learn::logistic::{Scheme, probabilities, toward};
use crate::learn::{Judgement, Seen};
use crate::text::{Voice, tokens};

/// Word types kept at most; beyond that the store is emptied and fills again.
const MOST_WORDS: usize = 1 << 20;

/// A model ready to score.
#[derive(Debug)]
pub struct Scorer {
    header: Header,
    level: f64,
    vectorizer: Vectorizer,
    heads: Vec<HeadState>,
    /// Linear scores of all heads side by side.
    columns: usize,
    /// Of the training documents, rising.
    fingerprints: Vec<u64>,
    words: Mutex<FxHashMap<Box<str>, std::sync::Arc<Word>>>,
}

#[derive(Debug)]
struct HeadState {
    /// Where its scores begin among those of all heads.
    first: usize,
    scheme: Scheme,
    intercepts: Vec<f64>,
    coefficients: Vec<f32>,
    /// Shares of the classes to assume instead of the training's.
    assumed: Option<Vec<f64>>,
}

/// What a word adds, for each block: squared length, then one sum a column.
#[derive(Debug)]
struct Word {
    known: bool,
    sums: Vec<f64>,
}

/// A document, added up.
struct Read {
    n_words: u64,
    known_words: u64,
    stride: usize,
    /// One a block.
    scales: Vec<f64>,
    /// As [`Word::sums`], over all words.
    totals: Vec<f64>,
    /// Each word with its weight by frequency.
    words: Vec<(String, f64, std::sync::Arc<Word>)>,
}

impl Read {
    /// What some sums give for a column.
    fn at(&self, sums: &[f64], column: usize) -> f64 {
        let blocks = self.scales.iter().enumerate();
        blocks.map(|(block, scale)| scale * sums[block * self.stride + 1 + column]).sum()
    }

    /// The `most` words of most weight for the columns from `first` on, each times its factor.
    fn weighed(&self, first: usize, factors: &[f64], most: usize) -> Vec<(String, f64)> {
        let weight = |sums: &[f64]| -> f64 {
            factors.iter().enumerate().map(|(column, factor)| factor * self.at(sums, first + column)).sum()
        };
        let words = self.words.iter().map(|(word, tf, found)| (word.clone(), tf * weight(&found.sums)));
        let mut words: Vec<(String, f64)> = words.collect();
        words.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then_with(|| a.0.cmp(&b.0)));
        words.truncate(most);
        words
    }
}

/// What a model makes of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// The document.
    pub id: String,
    /// One for each head of the model, in its order.
    pub heads: Vec<Judgement>,
    /// Share of the document's words that the model knows, 0 to 1; 0 for no words.
    pub known_share: f64,
    /// Number of words.
    pub n_words: u64,
    /// Share of words in each voice that occurs.
    pub voices: Vec<(Voice, f64)>,
    /// The words that weigh most for and against the first head's decision, by falling size; empty
    /// unless asked for.
    pub evidence: Vec<Evidence>,
}

/// A word's part in a decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The normalised word.
    pub term: String,
    /// Code points from the text's start to its first occurrence and to that one's end; `None`
    /// where only a bag was given.
    pub span: Option<(usize, usize)>,
    /// What it adds to the linear score of the decided class, all occurrences together.
    pub weight: f64,
}

/// A thread's way to score: what it has learned of words stays with it from one document to the next.
#[derive(Debug)]
pub struct Session<'s> {
    scorer: &'s Scorer,
}

impl Session<'_> {
    /// Judges a document, as [`Scorer::score`] does.
    pub fn score(&mut self, document: &Document, explain: usize) -> Score {
        self.scorer.score(document, explain)
    }
}

impl Scorer {
    /// Begins to score on this thread.
    pub fn session(&self) -> Session<'_> {
        Session { scorer: self }
    }

    /// Makes a model ready. Cost: one visit to every term.
    ///
    /// # Errors
    /// None for a model that was opened; the signature leaves room for lazily read ones.
    pub fn new(model: &Model) -> Result<Self> {
        let header = model.header().clone();
        let mut first = 0;
        let mut heads = Vec::new();
        for index in 0..header.heads.len() {
            let (coefficients, intercepts) = model.weights(index).map_err(|problem| {
                crate::Error::ModelDamaged { path: header.name.clone().into(), problem }
            })?;
            let columns = intercepts.len();
            heads.push(HeadState {
                first,
                scheme: header.heads[index].scheme,
                intercepts: intercepts.into_owned(),
                coefficients: coefficients.into_owned(),
                assumed: None,
            });
            first += columns;
        }
        let fingerprints = model
            .fingerprints()
            .map_err(|problem| crate::Error::ModelDamaged { path: header.name.clone().into(), problem })?
            .into_owned();
        let vectorizer = model.vectorizer();
        let level = header.learn.level;
        Ok(Scorer { level, header, vectorizer, heads, columns: first, fingerprints, words: Mutex::default() })
    }

    /// Whether the model was trained on these very words, under whatever id.
    pub fn was_trained_on(&self, document: &Document) -> bool {
        self.fingerprints.binary_search(&document.fingerprint()).is_ok()
    }

    /// Assumes that the classes of a head have the shares `prior`, one a class, each above 0, summing to 1;
    /// `None` for those that its probabilities were calibrated to.
    ///
    /// # Errors
    /// [`crate::Error::Usage`] where they are no such shares.
    pub fn assume(&mut self, head: usize, prior: Option<Vec<f64>>) -> Result<()> {
        let classes = self.header.heads[head].axis.classes.len();
        let sound = |prior: &Vec<f64>| {
            prior.len() == classes
                && prior.iter().all(|share| *share > 0.0 && *share < 1.0)
                && (prior.iter().sum::<f64>() - 1.0).abs() < 1e-6
        };
        if prior.as_ref().is_some_and(|prior| !sound(prior)) {
            return Err(crate::Error::Usage(format!(
                "{}: its {classes} classes want shares above 0 that sum to 1",
                self.header.heads[head].axis.name
            )));
        }
        self.heads[head].assumed = prior;
        Ok(())
    }

    /// The shares of a head's classes that its probabilities assume, in the axis's order.
    pub fn prior(&self, head: usize) -> &[f64] {
        self.heads[head].assumed.as_deref().unwrap_or(&self.header.heads[head].rule.calibration.prior)
    }

    /// Calls a document ambiguous where it may be of more than one class at `level`, above 0 and below 1,
    /// instead of at the level that the model was trained with.
    ///
    /// # Errors
    /// [`crate::Error::Usage`] for a level out of range.
    pub fn set_level(&mut self, level: f64) -> Result<()> {
        if !(level > 0.0 && level < 1.0) {
            return Err(crate::Error::Usage(format!("level {level}: it must be above 0 and below 1")));
        }
        for head in self.header.heads.iter().filter(|head| !head.axis.is_on_target()) {
            let examples = head.rule.conformal.classes.iter().map(|class| class.n).min().unwrap_or(0);
            // So many examples cannot exclude a class at this level, and nothing would be told apart.
            let most = examples as f64 / (examples as f64 + 1.0);
            if level > most && level > self.header.learn.level {
                return Err(crate::Error::Usage(format!(
                    "level {level}: {} has {examples} examples of its rarest class to judge by, which carry a level up to {:.2}",
                    head.axis.name,
                    (100.0 * most).floor() / 100.0
                )));
            }
        }
        self.level = level;
        Ok(())
    }

    /// What the model says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Judges a document; the same alone, among others, from its text and from its bag. With
    /// `explain`, the `explain` words of most weight come with it.
    pub fn score(&self, document: &Document, explain: usize) -> Score {
        let read = self.read(document);
        let seen = Seen::new((read.n_words, read.known_words));
        let mut heads: Vec<Judgement> = self
            .heads
            .iter()
            .zip(&self.header.heads)
            .map(|(head, info)| {
                let scores = head
                    .intercepts
                    .iter()
                    .enumerate()
                    .map(|(column, b)| b + read.at(&read.totals, head.first + column));
                let raw = probabilities(head.scheme, &scores.collect::<Vec<f64>>());
                let mut judged = info.rule.judge(head.scheme, &raw, seen, self.level);
                if let Some(prior) = &head.assumed {
                    info.rule.assume(head.scheme, &mut judged, prior);
                }
                judged
            })
            .collect();
        let axes = || self.header.heads.iter().map(|head| &head.axis);
        let off = axes().position(Axis::is_on_target).is_some_and(|gate| heads[gate].class == 1);
        for (head, _) in heads.iter_mut().zip(axes()).filter(|(_, axis)| axis.is_toward_target()) {
            // What is off the target is not ambiguous about it; what cannot be read may be either.
            if off && head.abstain.is_none_or(|reason| reason == "ambiguous") {
                head.abstain = Some("off-target");
            }
        }
        let mut evidence = Vec::new();
        if let (Some(head), Some(score), true) = (self.heads.first(), heads.first(), explain > 0) {
            let toward = toward(head.scheme, score.probabilities.len(), score.class);
            let words = read.weighed(head.first, &toward, explain);
            evidence =
                words.into_iter().map(|(term, weight)| Evidence { term, span: None, weight }).collect();
            self.place(document, &mut evidence);
        }
        Score {
            id: document.id.clone(),
            heads,
            known_share: seen.known_share,
            n_words: read.n_words,
            voices: voices(document),
            evidence,
        }
    }

    /// The `most` words that weigh most for one class of a head (above 0) and not another, or against it, by
    /// falling size.
    pub(crate) fn words_between(
        &self,
        document: &Document,
        head: usize,
        (class, other): (usize, usize),
        most: usize,
    ) -> Vec<(String, f64)> {
        let (state, classes) = (&self.heads[head], self.header.heads[head].axis.classes.len());
        let [class, other] = [class, other].map(|class| toward(state.scheme, classes, class));
        let factors: Vec<f64> = class.iter().zip(&other).map(|(a, b)| a - b).collect();
        self.read(document).weighed(state.first, &factors, most)
    }

    /// Adds a document up.
    fn read(&self, document: &Document) -> Read {
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        let mut n_words = 0_u64;
        document.each_word(&self.vectorizer.config.normalizer, |word, count| {
            n_words += u64::from(count);
            if let Some(known) = counts.get_mut(word) {
                *known = known.saturating_add(count);
            } else {
                counts.insert(word.to_owned(), count);
            }
        });
        let stride = 1 + self.columns;
        let blocks = self.vectorizer.config.blocks.len();
        let mut totals = vec![0.0; stride * blocks];
        let mut known_words = 0_u64;
        let mut words = Vec::with_capacity(counts.len());
        for (word, count) in counts {
            let found = self.word(&word);
            known_words += if found.known { u64::from(count) } else { 0 };
            let tf = self.vectorizer.config.tf.weight(count, n_words as f64, self.vectorizer.mean_length);
            for (block, kind) in self.vectorizer.config.blocks.iter().enumerate() {
                let place = block * stride;
                totals[place] += if kind.extractor.is_share() { tf } else { tf * tf * found.sums[place] };
                for column in 1..stride {
                    totals[place + column] += tf * found.sums[place + column];
                }
            }
            words.push((word, tf, found));
        }
        let kinds = self.vectorizer.config.blocks.iter().enumerate();
        let scales = kinds.map(|(block, kind)| scale(kind, totals[block * stride])).collect();
        Read { n_words, known_words, stride, scales, totals, words }
    }

    /// Finds where each term first stands.
    fn place(&self, document: &Document, evidence: &mut [Evidence]) {
        let Body::Text(text) = &document.body else { return };
        let (mut points, mut last) = (0, 0);
        let mut word = String::new();
        for token in tokens(text) {
            self.vectorizer.config.normalizer.word(text, &token, &mut word);
            if let Some(found) = evidence.iter_mut().find(|found| found.span.is_none() && found.term == word)
            {
                points += text[last..token.bytes.start].chars().count();
                last = token.bytes.start;
                found.span = Some((points, points + text[token.bytes].chars().count()));
            }
        }
    }

    fn word(&self, word: &str) -> std::sync::Arc<Word> {
        let mut words = self.words.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(found) = words.get(word) {
            return found.clone();
        }
        let found = std::sync::Arc::new(self.resolve(word));
        if words.len() >= MOST_WORDS {
            words.clear();
        }
        words.insert(word.into(), found.clone());
        found
    }

    fn resolve(&self, word: &str) -> Word {
        let stride = 1 + self.columns;
        let config = &self.vectorizer.config;
        let mut sums = vec![0.0; stride * config.blocks.len()];
        let mut features = Vec::new();
        let (mut whole, mut parts) = (None, false);
        for (block, sums) in sums.chunks_exact_mut(stride).enumerate() {
            self.vectorizer.features(block, word, &mut features);
            match config.blocks[block].extractor {
                Extractor::Chars { .. } => parts |= !features.is_empty(),
                Extractor::Manner { .. } | Extractor::Polarity { .. } | Extractor::Vectors { .. } => {}
                Extractor::Word | Extractor::Stem => {
                    whole = Some(whole.unwrap_or(false) || !features.is_empty());
                }
            }
            sums[0] = squared_length(&features, &self.vectorizer.idf);
            for &feature in &features {
                let idf = self.vectorizer.idf[feature as usize];
                for head in &self.heads {
                    let columns = head.intercepts.len();
                    for column in 0..columns {
                        let weight = head.coefficients[feature as usize * columns + column];
                        sums[1 + head.first + column] += idf * f64::from(weight);
                    }
                }
            }
        }
        Word { known: whole.unwrap_or(parts), sums }
    }
}

/// The share of words in each voice.
fn voices(document: &Document) -> Vec<(Voice, f64)> {
    let mut sizes: BTreeMap<Voice, u64> = BTreeMap::new();
    for segment in document.segments() {
        *sizes.entry(segment.voice).or_insert(0) +=
            segment.bag.0.values().map(|&count| u64::from(count)).sum::<u64>();
    }
    let all: u64 = sizes.values().sum();
    sizes.into_iter().map(|(voice, size)| (voice, size as f64 / all.max(1) as f64)).collect()
}
