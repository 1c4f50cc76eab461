//! The vocabulary: which features a model knows, in which order, and how much each tells.

use std::ops::Range;
use std::sync::Arc;

use super::config::{Block, FeatureConfig};
use super::intern::Interner;
use super::lexicon::{Lexicon, LexiconBlock};
use crate::error::{Error, Result};

/// Marks a feature of the lexicon that the vocabulary leaves out.
pub(crate) const LEFT_OUT: u32 = u32::MAX;

/// Document frequencies of some documents of a lexicon, and the numbering of the features that
/// are kept. What a fold learns of its words, and nothing but its own documents went into it.
#[derive(Debug, Clone)]
pub struct Frequencies {
    /// For each block, for each of its lexicon features: its number, or [`LEFT_OUT`].
    pub(crate) numbers: Vec<Vec<u32>>,
    /// For each block, the lexicon feature behind each number, in order.
    kept: Vec<Vec<u32>>,
    /// For each number its document frequency.
    pub(crate) df: Vec<u32>,
    /// For each number its inverse document frequency; for a share 1 / its standard deviation.
    pub(crate) idf: Arc<Vec<f64>>,
    /// For each number that of its longest proper prefix, a smaller one, or [`LEFT_OUT`].
    pub(crate) parents: Arc<Vec<u32>>,
    /// Number of documents counted.
    pub(crate) n_documents: u32,
    /// Their mean length in words.
    pub(crate) mean_length: f64,
}

impl Frequencies {
    /// Counts the documents `rows` of a lexicon. Features are numbered block by block, by falling
    /// document frequency and then by their bytes: no counting order leaks into a model. Cost:
    /// one visit for every feature of every word of every document.
    ///
    /// # Errors
    /// [`Error::TooFew`] where no feature occurs in `min_df` documents.
    pub fn count(lexicon: &Lexicon, rows: &[usize]) -> Result<Self> {
        Self::from_df(lexicon, rows, Self::df(lexicon, rows))
    }

    /// For each block the number of the documents `rows` that have each feature of the lexicon; nothing of
    /// blocks whose frequencies are known from elsewhere.
    pub(crate) fn df(lexicon: &Lexicon, rows: &[usize]) -> Vec<Vec<u32>> {
        let blocks = lexicon.blocks.iter().zip(&lexicon.config.blocks);
        let df = |(block, kind): (&LexiconBlock, &Block)| match kind.extractor.is_tied() {
            true => Vec::new(),
            false => document_frequencies(&block.of_word, lexicon, rows, block.features.len()),
        };
        blocks.map(df).collect()
    }

    /// What [`Frequencies::count`] gives, from the document frequencies of `rows`.
    pub(crate) fn from_df(lexicon: &Lexicon, rows: &[usize], df: Vec<Vec<u32>>) -> Result<Self> {
        let mut found = Frequencies {
            numbers: Vec::new(),
            kept: Vec::new(),
            df: Vec::new(),
            idf: Arc::default(),
            parents: Arc::default(),
            n_documents: rows.len() as u32,
            mean_length: rows.iter().map(|&row| f64::from(lexicon.lengths[row])).sum::<f64>()
                / rows.len().max(1) as f64,
        };
        let mut parents = Vec::new();
        for ((block, kind), df) in lexicon.blocks.iter().zip(&lexicon.config.blocks).zip(df) {
            let tied = lexicon.vectors.as_ref().filter(|_| kind.extractor.is_tied());
            if let Some(vectors) = tied {
                // What is known of a stem is known from elsewhere, its frequency too.
                let numbers = (0..vectors.len() as u32).map(|stem| found.df.len() as u32 + stem);
                found.numbers.push(numbers.collect());
                found.kept.push((0..vectors.len() as u32).collect());
                found.df.extend(vectors.frequencies(found.n_documents));
                parents.extend(std::iter::repeat_n(LEFT_OUT, vectors.len()));
                continue;
            }
            let kept = by_falling_df(&block.by_bytes, &df, lexicon.config.min_df.max(1));
            let mut numbers = vec![LEFT_OUT; df.len()];
            for &feature in &kept {
                numbers[feature as usize] = found.df.len() as u32;
                found.df.push(df[feature as usize]);
            }
            // A prefix is at least as frequent, and sorts first among equals: it has the smaller number.
            let number_of = |feature: u32| numbers.get(feature as usize).copied().unwrap_or(LEFT_OUT);
            parents.extend(kept.iter().map(|&feature| number_of(block.parents[feature as usize])));
            found.numbers.push(numbers);
            found.kept.push(kept);
        }
        if found.df.is_empty() {
            let min_df = lexicon.config.min_df;
            return Err(Error::TooFew(format!(
                "no feature occurs in {min_df} of the {} training documents; give more documents or lower features.min_df",
                rows.len()
            )));
        }
        found.parents = Arc::new(parents);
        let mut idf: Vec<f64> =
            found.df.iter().map(|&df| lexicon.config.idf.weight(df, found.n_documents)).collect();
        let manner = found.manner(lexicon);
        if !manner.is_empty() {
            let deviations = share_deviations(&found, lexicon, rows, manner.clone());
            for (idf, deviation) in idf[manner].iter_mut().zip(deviations) {
                *idf = if deviation > 0.0 { 1.0 / deviation } else { 0.0 };
            }
        }
        found.idf = Arc::new(idf);
        Ok(found)
    }

    /// The numbers of the features of block `number`.
    pub(crate) fn of_block(&self, number: usize) -> Range<usize> {
        let first = self.kept[..number].iter().map(Vec::len).sum();
        first..first + self.kept[number].len()
    }

    /// The numbers of the features that are shares of words, whose blocks stand together.
    pub(crate) fn manner(&self, lexicon: &Lexicon) -> Range<usize> {
        let (mut first, mut shares) = (0, 0..0);
        for (block, kept) in lexicon.config.blocks.iter().zip(&self.kept) {
            let next = first + kept.len();
            if block.extractor.is_share() {
                shares = if shares.is_empty() { first..next } else { shares.start..next };
            }
            first = next;
        }
        shares
    }

    /// Length of document `row`, and how much of it the vocabulary knows: words whose whole (or, without a
    /// block of whole words, any part) is a feature.
    pub(crate) fn known_words(&self, lexicon: &Lexicon, row: usize) -> (u64, u64) {
        let blocks = || lexicon.config.blocks.iter().zip(&lexicon.blocks).zip(&self.numbers);
        let has_words = blocks().any(|((block, _), _)| block.extractor.is_word());
        let mut known = 0;
        for &(word, count) in lexicon.documents.row(row) {
            let found = blocks()
                .filter(|((block, _), _)| {
                    !block.extractor.is_share()
                        && !block.extractor.is_tied()
                        && block.extractor.is_word() == has_words
                })
                .any(|((_, of), numbers)| {
                    of.of_word.row(word as usize).iter().any(|&feature| numbers[feature as usize] != LEFT_OUT)
                });
            known += if found { u64::from(count) } else { 0 };
        }
        (u64::from(lexicon.lengths[row]), known)
    }

    /// Number of features.
    pub fn len(&self) -> usize {
        self.df.len()
    }

    /// Whether there are no features.
    pub fn is_empty(&self) -> bool {
        self.df.is_empty()
    }
}

/// The features of at least `min_df` documents, by falling document frequency, in the order of `features`
/// among equals. O(features + documents).
fn by_falling_df(features: &[u32], df: &[u32], min_df: u32) -> Vec<u32> {
    let most = df.iter().copied().max().unwrap_or(0) as usize;
    let kept = || features.iter().copied().filter(|&feature| df[feature as usize] >= min_df);
    // By the distance from the highest: how many come before, and then where the next one goes.
    let mut next = vec![0; most + 2];
    kept().for_each(|feature| next[most - df[feature as usize] as usize + 1] += 1);
    for at in 0..=most {
        next[at + 1] += next[at];
    }
    let mut sorted = vec![0; next[most + 1]];
    for feature in kept() {
        let place = &mut next[most - df[feature as usize] as usize];
        sorted[*place] = feature;
        *place += 1;
    }
    sorted
}

/// The standard deviation of each share over the documents `rows`.
fn share_deviations(
    found: &Frequencies,
    lexicon: &Lexicon,
    rows: &[usize],
    manner: Range<usize>,
) -> Vec<f64> {
    let blocks: Vec<usize> = (0..lexicon.blocks.len())
        .filter(|&block| lexicon.config.blocks[block].extractor.is_share())
        .collect();
    let (mut sums, mut squares) = (vec![0.0; manner.len()], vec![0.0; manner.len()]);
    let mut shares = vec![0.0; manner.len()];
    for &row in rows {
        shares.fill(0.0);
        let mut total = 0.0;
        for &(word, count) in lexicon.documents.row(row) {
            let tf = lexicon.config.tf.weight(count, f64::from(lexicon.lengths[row]), found.mean_length);
            total += tf;
            for &block in &blocks {
                for &feature in lexicon.blocks[block].of_word.row(word as usize) {
                    let number = found.numbers[block][feature as usize];
                    if number != LEFT_OUT {
                        shares[number as usize - manner.start] += tf;
                    }
                }
            }
        }
        for (place, share) in shares.iter().enumerate().filter(|(_, share)| **share > 0.0) {
            sums[place] += share / total;
            squares[place] += (share / total).powi(2);
        }
    }
    let n = rows.len() as f64;
    let deviation = |(sum, square): (f64, f64)| (square / n - (sum / n).powi(2)).max(0.0).sqrt();
    sums.into_iter().zip(squares).map(deviation).collect()
}

fn document_frequencies(
    of_word: &crate::sparse::Rows<u32>,
    lexicon: &Lexicon,
    rows: &[usize],
    features: usize,
) -> Vec<u32> {
    let mut df = vec![0_u32; features];
    let mut seen = vec![u32::MAX; features];
    for (turn, &row) in rows.iter().enumerate() {
        for &(word, _) in lexicon.documents.row(row) {
            for &feature in of_word.row(word as usize) {
                let last = &mut seen[feature as usize];
                if *last != turn as u32 {
                    *last = turn as u32;
                    df[feature as usize] += 1;
                }
            }
        }
    }
    df
}

/// The vocabulary with its weights: everything that is needed to turn a word into features.
#[derive(Debug, Clone)]
pub struct Vectorizer {
    /// How words and features are found.
    pub config: FeatureConfig,
    /// Number of documents it was fitted on.
    pub n_documents: u32,
    /// Their mean length in words.
    pub mean_length: f64,
    pub(crate) blocks: Vec<BlockVocabulary>,
    pub(crate) df: Vec<u32>,
    pub(crate) idf: Vec<f64>,
}

/// The terms of one block; a term's number in the model is `first` + its number here.
#[derive(Debug, Clone)]
pub(crate) struct BlockVocabulary {
    pub(crate) first: u32,
    pub(crate) terms: Interner,
}

impl Vectorizer {
    /// The vocabulary that `frequencies` numbers.
    pub fn new(lexicon: &Lexicon, frequencies: &Frequencies) -> Self {
        let blocks = lexicon.blocks.iter().zip(&frequencies.kept);
        let terms = blocks.map(|(block, kept)| kept.iter().map(|&feature| block.features.resolve(feature)));
        let sizes = (frequencies.n_documents, frequencies.mean_length);
        Self::from_terms(lexicon.config.clone(), sizes, terms, frequencies.df.clone())
    }

    /// A vocabulary from its terms, block by block, and their document frequencies; `sizes` are the
    /// number of documents and their mean length.
    pub(crate) fn from_terms<'t, B>(
        config: FeatureConfig,
        sizes: (u32, f64),
        blocks: impl Iterator<Item = B>,
        df: Vec<u32>,
    ) -> Self
    where
        B: Iterator<Item = &'t str>,
    {
        let (n_documents, mean_length) = sizes;
        let mut first = 0;
        let blocks: Vec<BlockVocabulary> = blocks
            .map(|block| {
                let mut terms = Interner::default();
                for term in block {
                    terms.intern(term);
                }
                let vocabulary = BlockVocabulary { first, terms };
                first += vocabulary.terms.len() as u32;
                vocabulary
            })
            .collect();
        let mut idf: Vec<f64> = df.iter().map(|&df| config.idf.weight(df, n_documents)).collect();
        for (vocabulary, block) in blocks.iter().zip(&config.blocks) {
            if block.extractor.is_share() {
                // Coefficients of shares are stored for the shares themselves.
                let first = vocabulary.first as usize;
                idf[first..first + vocabulary.terms.len()].fill(1.0);
            }
        }
        Vectorizer { config, n_documents, mean_length, blocks, df, idf }
    }

    /// Number of features.
    pub fn len(&self) -> usize {
        self.df.len()
    }

    /// Whether there are no features.
    pub fn is_empty(&self) -> bool {
        self.df.is_empty()
    }

    /// The features of block `block` that `word` has, by rising number and repeated ones repeatedly,
    /// into `features`: the plain definition, which the running model is tested against.
    #[cfg(test)]
    pub(crate) fn features(&self, block: usize, word: &str, features: &mut Vec<u32>) {
        features.clear();
        let vocabulary = &self.blocks[block];
        self.config.blocks[block].extractor.each(word, |term| {
            if let Some(number) = vocabulary.terms.get(term) {
                features.push(vocabulary.first + number);
            }
        });
        features.sort_unstable();
    }

    /// The block and the term of feature `number`, counted over all blocks.
    pub fn term(&self, number: u32) -> (usize, &str) {
        let block = self.blocks.partition_point(|block| block.first <= number).saturating_sub(1);
        (block, self.blocks[block].terms.resolve(number - self.blocks[block].first))
    }

    /// The terms of each block, in order.
    pub(crate) fn terms(&self) -> impl Iterator<Item = impl Iterator<Item = &str>> {
        self.blocks.iter().map(|block| (0..block.terms.len() as u32).map(|id| block.terms.resolve(id)))
    }
}
