//! The words of a corpus and the features of each, found once for all folds.
//!
//! Nothing here is *fitted*: no frequency is counted, no feature is dropped. So folds may share a
//! lexicon without any of them learning of another's documents.

use std::sync::Arc;

use super::config::FeatureConfig;
use super::intern::Interner;
use super::vectorizer::LEFT_OUT;
use super::vectors::Vectors;
use crate::document::Document;
use crate::sparse::Rows;

/// Word types, the features of each, and the documents as counts of word types.
#[derive(Debug, Clone)]
pub struct Lexicon {
    pub(crate) config: FeatureConfig,
    pub(crate) words: Interner,
    /// For each block: its features, and for each word the features it has.
    pub(crate) blocks: Vec<LexiconBlock>,
    /// For each document its words, by rising number, with counts.
    pub(crate) documents: Rows<(u32, u32)>,
    /// For each document its length in words.
    pub(crate) lengths: Vec<u32>,
    /// The vectors of a tied block.
    pub(crate) vectors: Option<Arc<Vectors>>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct LexiconBlock {
    pub(crate) features: Interner,
    /// For each feature the one that is its longest proper prefix, or [`LEFT_OUT`].
    pub(crate) parents: Vec<u32>,
    /// For each word its features, repeated ones repeatedly.
    pub(crate) of_word: Rows<u32>,
}

impl Lexicon {
    /// Reads documents. Cost: one pass over the text, and the features of each word type once.
    pub fn new<'d>(config: &FeatureConfig, documents: impl IntoIterator<Item = &'d Document>) -> Self {
        Self::with_vectors(config, None, documents)
    }

    /// The same with vectors for the block that wants them; without them it has no features.
    pub fn with_vectors<'d>(
        config: &FeatureConfig,
        vectors: Option<&Arc<Vectors>>,
        documents: impl IntoIterator<Item = &'d Document>,
    ) -> Self {
        let mut lexicon = Lexicon {
            vectors: vectors.cloned(),
            config: config.clone(),
            words: Interner::default(),
            blocks: vec![LexiconBlock::default(); config.blocks.len()],
            documents: Rows::new(),
            lengths: Vec::new(),
        };
        // All stems that have a vector, whether these documents have them or not: others may.
        for (block, kind) in lexicon.blocks.iter_mut().zip(&config.blocks) {
            if let Some(vectors) = vectors.filter(|_| kind.extractor.is_tied()) {
                block.features = vectors.terms.clone();
                block.parents = vec![LEFT_OUT; vectors.len()];
            }
        }
        let mut counts: Vec<(u32, u32)> = Vec::new();
        for document in documents {
            counts.clear();
            document.each_word(&config.normalizer, |word, count| {
                counts.push((lexicon_word(&mut lexicon, word), count));
            });
            counts.sort_unstable_by_key(|&(word, _)| word);
            counts.dedup_by(|next, kept| {
                let same = next.0 == kept.0;
                if same {
                    kept.1 = kept.1.saturating_add(next.1);
                }
                same
            });
            lexicon.lengths.push(counts.iter().fold(0, |sum: u32, &(_, count)| sum.saturating_add(count)));
            lexicon.documents.push(counts.iter().copied());
        }
        lexicon
    }

    /// Number of documents.
    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// Whether there are no documents.
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// Number of word types.
    pub fn n_words(&self) -> usize {
        self.words.len()
    }

    /// The word types of document `index`, by rising number.
    pub fn word_set(&self, index: usize) -> Vec<u32> {
        self.documents.row(index).iter().map(|&(word, _)| word).collect()
    }
}

/// The number of a word; its features are found when it first comes.
fn lexicon_word(lexicon: &mut Lexicon, word: &str) -> u32 {
    let (id, new) = lexicon.words.intern(word);
    if new {
        for (block, kind) in lexicon.blocks.iter_mut().zip(&lexicon.config.blocks) {
            let mut features: Vec<u32> = Vec::new();
            kind.extractor.each(word, |feature| {
                if kind.extractor.is_tied() {
                    features.extend(block.features.get(feature));
                    return;
                }
                let (id, new) = block.features.intern(feature);
                if new {
                    block.parents.push(
                        kind.extractor
                            .prefix(feature)
                            .and_then(|p| block.features.get(p))
                            .unwrap_or(LEFT_OUT),
                    );
                }
                features.push(id);
            });
            block.of_word.push(features);
        }
    }
    id
}
