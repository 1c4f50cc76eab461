//! A model that runs.
//!
//! A document's score is a sum over its words, and what a word adds depends on the word alone: its
//! features are looked up once per word type and kept.

use std::sync::{Mutex, PoisonError};

use super::file::Model;
use super::header::Header;
use super::index::{Layout, Resolver};
use super::words::{Line, Words};
use crate::document::{Body, Document};
use crate::error::Result;
use crate::features::design::scale;
use crate::label::Axis;
use crate::learn::logistic::{Scheme, probabilities_of, toward};
use crate::learn::{Judgement, Seen};
use crate::text::scan::{Found, Scanner};
use crate::text::segment::may_quote;
use crate::text::{Normalizer, Voice, segments, tokens};

/// A model ready to score.
#[derive(Debug)]
pub struct Scorer {
    header: Header,
    level: f64,
    scanner: Scanner,
    resolver: Resolver,
    heads: Vec<HeadState>,
    /// Of the training documents, rising.
    fingerprints: Vec<u64>,
    /// Stores of words that no session uses now.
    idle: Mutex<Vec<Words>>,
}

#[derive(Debug)]
struct HeadState {
    /// Where its scores begin among those of all heads.
    first: usize,
    scheme: Scheme,
    intercepts: Vec<f64>,
    /// See [`Calibration::deciding`](crate::learn::calibrate::Calibration).
    deciding: Vec<f64>,
    /// Shares of the classes to assume instead of the training's.
    assumed: Option<Vec<f64>>,
}

/// A thread's way to score: what it has learned of words stays with it from one document to the next, 262,144
/// words at most, those met last. A word takes some 100 bytes, and 64 for every eight numbers that it has: one
/// and as many as there are linear scores for each block of features that are no shares.
#[derive(Debug)]
pub struct Session<'s> {
    scorer: &'s Scorer,
    words: Words,
    /// The words' rows, each times the weight of its frequency, added up.
    totals: Vec<Line>,
    /// The words' rows, each times the square of that weight: first the squared length of each block.
    squares: Vec<f64>,
    /// For each word of the document, the weight of its frequency.
    weights: Vec<f64>,
    /// The words' shares, added up.
    shares: Vec<f64>,
    /// What each block's sums are multiplied by; last that of shares.
    scales: Vec<f64>,
    linear: Vec<f64>,
    raw: Vec<f64>,
    n_words: u64,
    known_words: u64,
    score: Score,
}

/// What a model makes of a document.
#[derive(Debug, Clone, PartialEq, Default)]
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

impl Scorer {
    /// Makes a model ready. Cost: one visit to every number of the model.
    ///
    /// # Errors
    /// None for a model that was opened; the signature leaves room for lazily read ones.
    pub fn new(model: &Model) -> Result<Self> {
        let header = model.header().clone();
        let damaged = |problem| crate::Error::ModelDamaged { path: header.name.clone().into(), problem };
        let mut heads = Vec::new();
        let mut columns = 0;
        for index in 0..header.heads.len() {
            let (_, intercepts) = model.weights(index).map_err(damaged)?;
            let first = columns;
            columns += intercepts.len();
            let scheme = header.heads[index].scheme;
            let deciding = header.heads[index].rule.calibration.deciding(scheme);
            let intercepts = intercepts.into_owned();
            heads.push(HeadState { first, scheme, intercepts, deciding, assumed: None });
        }
        let idf = model.inverse_document_frequencies().map_err(damaged)?;
        let mut side_by_side = vec![0.0_f32; idf.len() * columns];
        for (index, head) in heads.iter().enumerate() {
            let (coefficients, intercepts) = model.weights(index).map_err(damaged)?;
            let rows = coefficients.chunks_exact(intercepts.len().max(1));
            for (of_feature, row) in side_by_side.chunks_exact_mut(columns).zip(rows) {
                of_feature[head.first..head.first + row.len()].copy_from_slice(row);
            }
        }
        let kinds = &header.features.blocks;
        let blocks = kinds.iter().filter(|block| !block.extractor.is_share()).count();
        let resolver = Resolver {
            index: model.index(),
            layout: Layout { blocks, columns },
            idf,
            coefficients: side_by_side,
            weights: kinds.iter().map(|block| block.weight).collect(),
        };
        let fingerprints = model.fingerprints().map_err(damaged)?.into_owned();
        let scanner = Scanner::new(&header.features.normalizer);
        let level = header.learn.level;
        Ok(Scorer { header, level, scanner, resolver, heads, fingerprints, idle: Mutex::default() })
    }

    /// Begins to score on this thread, with the words that a session before has learned if one has ended.
    pub fn session(&self) -> Session<'_> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Session {
            scorer: self,
            words: idle.unwrap_or_else(|| Words::new(&self.resolver)),
            totals: Vec::new(),
            squares: Vec::new(),
            weights: Vec::new(),
            shares: vec![0.0; self.resolver.layout.columns],
            scales: Vec::new(),
            linear: Vec::new(),
            raw: Vec::new(),
            n_words: 0,
            known_words: 0,
            score: Score::default(),
        }
    }

    /// Judges a document in a session of its own; see [`Session::score`].
    pub fn score(&self, document: &Document, explain: usize) -> Score {
        self.session().score(document, explain)
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
        let mut session = self.session();
        session.read(document);
        session.weighed(state.first, &factors, most)
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
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let words = std::mem::take(&mut self.words);
        self.scorer.idle.lock().unwrap_or_else(PoisonError::into_inner).push(words);
    }
}

impl Session<'_> {
    /// Judges a document; the same alone, among others, from its text and from its bag. With
    /// `explain`, the `explain` words of most weight come with it. Cost: one look-up a word of the document.
    pub fn score(&mut self, document: &Document, explain: usize) -> Score {
        self.judge(document, explain).clone()
    }

    /// As [`Session::score`], but what is given is overwritten by the next document.
    pub fn judge(&mut self, document: &Document, explain: usize) -> &Score {
        self.read(document);
        self.score.id.clone_from(&document.id);
        voices(document, &mut self.score.voices);
        self.decide();
        self.score.evidence.clear();
        if explain > 0
            && let (Some(head), Some(found)) = (self.scorer.heads.first(), self.score.heads.first())
        {
            let toward = toward(head.scheme, found.probabilities.len(), found.class);
            let words = self.weighed(head.first, &toward, explain).into_iter();
            let mut evidence =
                words.map(|(term, weight)| Evidence { term, span: None, weight }).collect::<Vec<_>>();
            place(&self.scorer.header.features.normalizer, document, &mut evidence);
            self.score.evidence = evidence;
        }
        &self.score
    }

    /// Adds a document up.
    fn read(&mut self, document: &Document) {
        self.words.begin();
        self.n_words = 0;
        match &document.body {
            Body::Text(text) => self.scan(text, 1),
            Body::Segments(segments) => {
                for (token, &count) in segments.iter().flat_map(|segment| &segment.bag.0) {
                    self.scan(token, count);
                }
            }
        }
        self.words.end();
        let header = &self.scorer.header;
        let Session { words, weights, totals, squares, shares, scales, .. } = self;
        let weight = |count| header.features.tf.weight(count, self.n_words as f64, header.mean_length);
        let once = weight(1);
        weights.clear();
        shares.fill(0.0);
        let (mut total_weight, mut known) = (0.0, 0);
        for touched in words.touched() {
            let tf = if touched.count == 1 { once } else { weight(touched.count) };
            weights.push(tf);
            total_weight += tf;
            known += if touched.is_known() { u64::from(touched.count) } else { 0 };
            if touched.has_shares() {
                shares.iter_mut().zip(words.shares(*touched)).for_each(|(sum, share)| *sum += tf * share);
            }
        }
        self.known_words = known;
        squares.clear();
        totals.clear();
        words.fetch();
        for line in 0..words.lines() {
            // One line at a time: its sums stay in registers, and many rows are fetched side by side.
            let (mut sum, mut square) = (Line::default(), Line::default());
            for (touched, &tf) in words.touched().iter().zip(&*weights) {
                let part = &words.row(touched.word)[line].0;
                for place in 0..8 {
                    sum.0[place] += tf * part[place];
                    square.0[place] += tf * tf * part[place];
                }
            }
            squares.extend_from_slice(&square.0);
            totals.push(sum);
        }
        let blocks = header.features.blocks.iter().filter(|block| !block.extractor.is_share());
        scales.clear();
        scales.extend(blocks.zip(&*squares).map(|(block, &square)| scale(block, square)));
        scales.push(if total_weight > 0.0 { 1.0 / total_weight } else { 0.0 });
    }

    fn scan(&mut self, text: &str, count: u32) {
        let Session { scorer, words, n_words, .. } = self;
        let normalizer = &scorer.header.features.normalizer;
        let mut found_words = 0;
        scorer.scanner.scan(text, |found| match found {
            Found::Word(key) => {
                words.meet(&scorer.resolver, key);
                found_words += 1;
            }
            Found::Nothing => {}
            Found::Token(token, key) => {
                let is_word = words.meet_token(&scorer.resolver, normalizer, text, (&token, key), count);
                found_words += u64::from(is_word);
            }
        });
        words.look_up(&scorer.resolver, count);
        *n_words += found_words * u64::from(count);
    }

    /// What a row, and shares beside it, give for a column of the linear scores.
    fn at(&self, row: &[Line], shares: &[f64], column: usize) -> f64 {
        let layout = self.scorer.resolver.layout;
        let blocks = self.scales.iter().take(layout.blocks).enumerate();
        let sums = blocks.map(|(block, scale)| {
            let place = layout.sums(block) + column;
            scale * row[place / 8].0[place % 8]
        });
        sums.sum::<f64>() + self.scales[layout.blocks] * shares[column]
    }

    /// Judges what was read.
    fn decide(&mut self) {
        let scorer = self.scorer;
        let seen = Seen::new((self.n_words, self.known_words));
        self.score.known_share = seen.known_share;
        self.score.n_words = self.n_words;
        let mut judged = std::mem::take(&mut self.score.heads);
        judged.resize_with(scorer.heads.len(), Judgement::default);
        for ((head, info), judged) in scorer.heads.iter().zip(&scorer.header.heads).zip(&mut judged) {
            let mut linear = std::mem::take(&mut self.linear);
            linear.clear();
            linear.extend(
                (head.first..)
                    .zip(&head.intercepts)
                    .map(|(column, b)| b + self.at(&self.totals, &self.shares, column)),
            );
            probabilities_of(head.scheme, &linear, &mut self.raw);
            self.linear = linear;
            let by = (scorer.level, head.deciding.as_slice());
            info.rule.judge_into(head.scheme, &mut self.raw, seen, by, judged);
            if let Some(prior) = &head.assumed {
                info.rule.assume(head.scheme, judged, prior);
            }
        }
        let axes = || scorer.header.heads.iter().map(|head| &head.axis);
        let off = axes().position(Axis::is_on_target).is_some_and(|gate| judged[gate].class == 1);
        for (head, _) in judged.iter_mut().zip(axes()).filter(|(_, axis)| axis.is_toward_target()) {
            // What is off the target is not ambiguous about it; what cannot be read may be either.
            if off && head.abstain.is_none_or(|reason| reason == "ambiguous") {
                head.abstain = Some("off-target");
            }
        }
        self.score.heads = judged;
    }

    /// The `most` words of most weight for the columns from `first` on, each times its factor.
    fn weighed(&self, first: usize, factors: &[f64], most: usize) -> Vec<(String, f64)> {
        let header = &self.scorer.header;
        let words = self.words.touched().iter().map(|touched| {
            let tf = header.features.tf.weight(touched.count, self.n_words as f64, header.mean_length);
            let (row, shares) = (self.words.row(touched.word), self.words.shares(*touched));
            let parts = (first..).zip(factors).map(|(column, factor)| factor * self.at(row, shares, column));
            (self.words.name(touched.word).to_owned(), tf * parts.sum::<f64>())
        });
        let mut words: Vec<(String, f64)> = words.collect();
        words.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then_with(|| a.0.cmp(&b.0)));
        words.truncate(most);
        words
    }
}

/// Finds where each term first stands.
fn place(normalizer: &Normalizer, document: &Document, evidence: &mut [Evidence]) {
    let Body::Text(text) = &document.body else { return };
    let (mut points, mut last) = (0, 0);
    let mut word = String::new();
    for token in tokens(text) {
        normalizer.word(text, &token, &mut word);
        if let Some(found) = evidence.iter_mut().find(|found| found.span.is_none() && found.term == word) {
            points += text[last..token.bytes.start].chars().count();
            last = token.bytes.start;
            found.span = Some((points, points + text[token.bytes].chars().count()));
        }
    }
}

/// The share of words in each voice, voices in order.
fn voices(document: &Document, found: &mut Vec<(Voice, f64)>) {
    let mut sizes = [0_u64; Voice::ALL.len()];
    match &document.body {
        Body::Text(text) if !may_quote(text) => {
            sizes[Voice::Narration as usize] = u64::from(tokens(text).next().is_some());
        }
        Body::Text(text) => {
            let tokens: Vec<_> = tokens(text).collect();
            for span in segments(text, &tokens) {
                sizes[span.voice as usize] += span.tokens.len() as u64;
            }
        }
        Body::Segments(segments) => {
            for segment in segments {
                sizes[segment.voice as usize] +=
                    segment.bag.0.values().map(|&count| u64::from(count)).sum::<u64>();
            }
        }
    }
    let all: u64 = sizes.iter().sum();
    found.clear();
    let sizes = Voice::ALL.into_iter().zip(sizes).filter(|(_, size)| *size > 0);
    found.extend(sizes.map(|(voice, size)| (voice, size as f64 / all as f64)));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::LazyLock;

    use super::*;
    use crate::features::design::squared_length;
    use crate::features::{Block, Extractor, FeatureConfig, TermFrequency};
    use crate::{Axis, Corpus, Example, TrainConfig};
    use proptest::prelude::*;

    /// Words of all kinds: of letters alone, spelt in two ways, with digits, Latin, long, listed, stand-ins.
    const WORDS: &str = "قوات القوات قواتٌ وقوات السلام سلام أكد اكد وأكد عدوان العدوان رائع رائعة شكرا ههههه هه 2022 ٢٠٢٢ 111 \
        CSTO csto covid19 ال19 https://a.b @someone 😂 👍🏽 فالاستقلاليةُ والاستراتيجياتهمالكبرى internationalisation ﻛﺎﺯﺍﺧﺴﺘﺎﻥ ا و ي \
        مدرسون مدرسين ـــ ق كازاخستان_2022 بلا1234567890123456";

    fn text(words: &[usize]) -> String {
        let all: Vec<&str> = WORDS.split_whitespace().collect();
        words.iter().map(|&word| all[word % all.len()]).collect::<Vec<_>>().join(" ")
    }

    fn models() -> &'static [Model] {
        static MODELS: LazyLock<Vec<Model>> = LazyLock::new(|| {
            let example = |index: usize| {
                let words: Vec<usize> = (0..9).map(|place| index * 7 + place * (3 + index % 5)).collect();
                Example::new(
                    Document::from_text(index.to_string(), text(&words)),
                    vec![Some(index % 3), Some(index % 2)],
                )
            };
            let axes = vec![Axis::stance(), Axis::named("mood", &["up".to_owned(), "down".to_owned()])];
            let corpus = Corpus {
                name: "words".into(),
                axes,
                examples: (0..60).map(example).collect(),
                ..Corpus::default()
            };
            let plain = FeatureConfig::default();
            let block = |extractor| Block { extractor, weight: 0.7 };
            let configs = [
                plain.clone(),
                FeatureConfig {
                    blocks: vec![block(Extractor::Word), block(Extractor::Chars { min: 1, max: 3 })],
                    tf: TermFrequency::Sublinear,
                    min_df: 1,
                    ..plain.clone()
                },
                FeatureConfig {
                    blocks: vec![block(Extractor::Chars { min: 3, max: 9 })],
                    normalizer: Normalizer::new(&[]),
                    ..plain.clone()
                },
                FeatureConfig { blocks: vec![block(Extractor::Chars { min: 4, max: 8 })], ..plain },
            ];
            let train = |features| {
                let config = TrainConfig { features, ..TrainConfig::default() };
                crate::train(&corpus, &config, &|| ()).unwrap().model
            };
            configs.map(train).into()
        });
        &MODELS
    }

    /// The linear scores of a document and how many of its words are known, by the definition.
    fn plainly(model: &Model, document: &Document) -> (Vec<f64>, u64, u64) {
        let vectorizer = model.vectorizer();
        let config = &vectorizer.config;
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        document.each_word(&config.normalizer, |word, count| {
            *counts.entry(word.to_owned()).or_default() += count;
        });
        let n_words: u64 = counts.values().map(|&count| u64::from(count)).sum();
        let heads: Vec<_> =
            (0..model.header().heads.len()).map(|head| model.weights(head).unwrap()).collect();
        let mut linear: Vec<f64> = heads.iter().flat_map(|(_, intercepts)| intercepts.to_vec()).collect();
        let mut features = Vec::new();
        for (block, kind) in config.blocks.iter().enumerate() {
            let (mut total, mut sums) = (0.0, vec![0.0; linear.len()]);
            for (word, &count) in &counts {
                vectorizer.features(block, word, &mut features);
                let tf = config.tf.weight(count, n_words as f64, vectorizer.mean_length);
                total += if kind.extractor.is_share() {
                    tf
                } else {
                    tf * tf * squared_length(&features, &vectorizer.idf)
                };
                for &feature in &features {
                    let of_heads = heads.iter().flat_map(|(coefficients, intercepts)| {
                        &coefficients[feature as usize * intercepts.len()..][..intercepts.len()]
                    });
                    for (sum, &coefficient) in sums.iter_mut().zip(of_heads) {
                        *sum += tf * vectorizer.idf[feature as usize] * f64::from(coefficient);
                    }
                }
            }
            linear.iter_mut().zip(sums).for_each(|(linear, sum)| *linear += scale(kind, total) * sum);
        }
        let known = |word: &str| {
            let mut has = |block: usize| {
                vectorizer.features(block, word, &mut features);
                !features.is_empty()
            };
            let blocks = || (0..config.blocks.len()).map(|block| (block, config.blocks[block].extractor));
            if blocks().any(|(_, extractor)| extractor.is_word()) {
                blocks().any(|(block, extractor)| extractor.is_word() && has(block))
            } else {
                blocks().any(|(block, extractor)| !extractor.is_share() && !extractor.is_tied() && has(block))
            }
        };
        let mut known = known;
        let known = counts.iter().filter(|(word, _)| known(word)).map(|(_, &count)| u64::from(count)).sum();
        (linear, n_words, known)
    }

    fn in_session(session: &mut Session<'_>, document: &Document) -> (Vec<f64>, u64, u64) {
        session.read(document);
        let heads = session.scorer.heads.iter().flat_map(|head| (head.first..).zip(&head.intercepts));
        let linear =
            heads.map(|(column, b)| b + session.at(&session.totals, &session.shares, column)).collect();
        (linear, session.n_words, session.known_words)
    }

    fn assert_alike(given: (Vec<f64>, u64, u64), plain: (Vec<f64>, u64, u64), of: &str) {
        assert_eq!((given.1, given.2), (plain.1, plain.2), "{of}");
        for (given, plain) in given.0.iter().zip(&plain.0) {
            assert!((given - plain).abs() <= 1e-12 * plain.abs().max(1.0), "{of}: {given} {plain}");
        }
    }

    proptest! {
        #[test]
        fn scores_are_those_of_the_plain_definition(
            words in prop::collection::vec(0_usize..60, 0..60), noise in "[ا-ي a-z0-9ًـ«»😂#@_.]{0,60}",
        ) {
            let text = format!("{} {noise}", text(&words));
            let document = Document::from_text("t", text.clone());
            for model in models() {
                let scorer = Scorer::new(model).unwrap();
                let mut session = scorer.session();
                assert_alike(in_session(&mut session, &document), plainly(model, &document), &text);
            }
        }

        #[test]
        fn what_a_session_met_before_changes_nothing(
            words in prop::collection::vec(0_usize..60, 0..40), others in prop::collection::vec(0_usize..60, 0..40),
        ) {
            let document = Document::from_text("t", text(&words));
            let bag = Document { body: Body::Segments(document.segments()), ..document.clone() };
            for model in models() {
                let alone = Scorer::new(model).unwrap().score(&document, 9);
                let scorer = Scorer::new(model).unwrap();
                let mut session = scorer.session();
                session.score(&Document::from_text("o", text(&others)), 2);
                prop_assert_eq!(&session.score(&document, 9), &alone);
                prop_assert_eq!(&session.score(&document, 9), &alone);
                let of_bag = session.score(&bag, 0);
                prop_assert_eq!(&of_bag.heads, &alone.heads);
            }
        }
    }

    #[test]
    fn a_session_that_forgets_scores_as_before() {
        let scorer = Scorer::new(&models()[0]).unwrap();
        let mut session = scorer.session();
        let document = Document::from_text("t", text(&(0..40).collect::<Vec<_>>()));
        let before = session.score(&document, 5);
        for number in 0..(super::super::words::MOST_WORDS as u32 * 2 / 500) {
            let words: String = (0..500).map(|word| format!("{}x ", number * 500 + word)).collect();
            session.judge(&Document::from_text("n", words), 0);
        }
        assert_eq!(session.score(&document, 5), before);
        assert!(session.words.len() <= super::super::words::MOST_WORDS + 500);
    }
}
