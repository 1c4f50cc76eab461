//! What features a model has. Saved in the model, since scoring must do what training did.

use serde::{Deserialize, Serialize};

use super::extract::Extractor;
use super::manner::MANNER_VERSION;
use super::polarity::POLARITY_VERSION;
use crate::error::{Error, Result};
use crate::text::Normalizer;

/// How often a word occurs in a document, as a weight.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum TermFrequency {
    /// 1 + ln(count).
    Sublinear,
    /// Okapi BM25 (Robertson & Zaragoza 2009): count · (k1 + 1) / (count + k1 · (1 - b + b · length / mean length)),
    /// lengths in words.
    Bm25 {
        /// Where repetition saturates, above 0.
        k1: f64,
        /// How much length counts, 0 to 1.
        b: f64,
    },
}

impl TermFrequency {
    /// The weight of a word that occurs `count` times in a document of `length` words.
    #[inline]
    pub fn weight(self, count: u32, length: f64, mean_length: f64) -> f64 {
        let count = f64::from(count);
        match self {
            TermFrequency::Sublinear => 1.0 + libm::log(count),
            TermFrequency::Bm25 { k1, b } => {
                let relative = if mean_length > 0.0 { length / mean_length } else { 1.0 };
                count * (k1 + 1.0) / (count + k1 * (1.0 - b + b * relative))
            }
        }
    }
}

/// How much a feature that occurs in `df` of `n` documents tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InverseDocumentFrequency {
    /// ln((1 + n) / (1 + df)) + 1, the smoothed form of scikit-learn.
    Smooth,
    /// ln(1 + (n - df + 0.5) / (df + 0.5)), that of BM25 kept above 0 (Lucene).
    Bm25,
}

impl InverseDocumentFrequency {
    /// The weight; finite and above 0 for 0 <= df <= n.
    pub fn weight(self, df: u32, n: u32) -> f64 {
        let (df, n) = (f64::from(df), f64::from(n));
        match self {
            InverseDocumentFrequency::Smooth => libm::log((1.0 + n) / (1.0 + df)) + 1.0,
            InverseDocumentFrequency::Bm25 => libm::log(1.0 + (n - df + 0.5) / (df + 0.5)),
        }
    }
}

/// A group of features of one kind, brought to the same length in every document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// Which features.
    pub extractor: Extractor,
    /// The length of a document's row in this block, above 0; of shares, the standard deviation of
    /// each.
    pub weight: f64,
}

/// Everything that decides a document's features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeatureConfig {
    /// One spelling for each word.
    pub normalizer: Normalizer,
    /// The blocks, in order.
    pub blocks: Vec<Block>,
    /// Weight of a word in its document.
    pub tf: TermFrequency,
    /// Weight of a feature in the corpus.
    pub idf: InverseDocumentFrequency,
    /// Features that occur in fewer training documents are left out.
    pub min_df: u32,
}

impl Default for FeatureConfig {
    fn default() -> Self {
        FeatureConfig {
            normalizer: Normalizer::default(),
            blocks: vec![
                Block { extractor: Extractor::Stem, weight: 1.0 },
                Block { extractor: Extractor::Chars { min: 2, max: 5 }, weight: 1.0 },
                Block { extractor: Extractor::Manner { version: MANNER_VERSION }, weight: 0.1 },
                Block { extractor: Extractor::Polarity { version: POLARITY_VERSION }, weight: 0.1 },
            ],
            tf: TermFrequency::Bm25 { k1: 1.2, b: 0.75 },
            idf: InverseDocumentFrequency::Bm25,
            min_df: 2,
        }
    }
}

impl FeatureConfig {
    /// Checks every value, before any work.
    ///
    /// # Errors
    /// [`Error::Usage`] with the option's name and its range.
    pub fn check(&self) -> Result<()> {
        let fail = |what: String| Err(Error::Usage(format!("features.{what}")));
        if self.blocks.is_empty() {
            return fail("blocks: name at least one block".into());
        }
        if self.min_df == 0 {
            return fail("min_df: 0; it wants 1 at least".into());
        }
        for block in &self.blocks {
            if !(block.weight.is_finite() && block.weight > 0.0) {
                return fail(format!("blocks: a weight is {}; it must be above 0", block.weight));
            }
            if let Extractor::Chars { min, max } = block.extractor
                && (min < 1 || max < min || max > 16)
            {
                return fail(format!("blocks: chars from {min} to {max}; it wants 1 <= min <= max <= 16"));
            }
        }
        let last = self.blocks.len() - 1;
        if self.blocks.iter().take(last).any(|block| block.extractor.is_tied()) {
            return fail("blocks: vectors stand last, and once".into());
        }
        if let Extractor::Vectors { dimensions } = self.blocks[last].extractor
            && (dimensions == 0 || dimensions > 1000 || last == 0)
        {
            return fail("blocks: vectors want 1 to 1000 dimensions, and another block before them".into());
        }
        let known = [
            Extractor::Manner { version: MANNER_VERSION },
            Extractor::Polarity { version: POLARITY_VERSION },
        ];
        let shares: Vec<usize> =
            (0..=last).filter(|&block| self.blocks[block].extractor.is_share()).collect();
        for &block in &shares {
            let extractor = self.blocks[block].extractor;
            let name = extractor.name();
            if !known.contains(&extractor) {
                return fail(format!(
                    "blocks: {name} of another version than this program, which knows {MANNER_VERSION} of manner and {POLARITY_VERSION} of polarity; train again"
                ));
            }
            if shares.iter().filter(|&&other| self.blocks[other].extractor == extractor).count() > 1 {
                return fail(format!("blocks: {name} stands twice"));
            }
        }
        if shares.windows(2).any(|pair| pair[1] != pair[0] + 1) {
            return fail("blocks: manner and polarity stand side by side".into());
        }
        if let TermFrequency::Bm25 { k1, b } = self.tf
            && !(k1.is_finite() && k1 > 0.0 && (0.0..=1.0).contains(&b))
        {
            return fail(format!("tf: k1 = {k1}, b = {b}; it wants k1 > 0 and 0 <= b <= 1"));
        }
        Ok(())
    }
}
