//! The words of a corpus and the features of each, found once for all folds.
//!
//! Nothing here is *fitted*: no frequency is counted, no feature is dropped. So folds may share a
//! lexicon without any of them learning of another's documents.

use std::sync::Arc;

use rayon::prelude::*;

use super::config::FeatureConfig;
use super::design::Spare;
use super::extract::Extractor;
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
    /// Memory of the products with its matrices.
    pub(crate) spare: Arc<Spare>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct LexiconBlock {
    pub(crate) features: Interner,
    /// For each feature the one that is its longest proper prefix, or [`LEFT_OUT`].
    pub(crate) parents: Vec<u32>,
    /// The features in the order of their bytes; empty where vectors are their features.
    pub(crate) by_bytes: Vec<u32>,
    /// For each word its features, repeated ones repeatedly.
    pub(crate) of_word: Rows<u32>,
}

impl Lexicon {
    /// Reads documents, in parallel; numbers do not depend on how many threads there are. Cost: one pass over
    /// the text, and the features of each word type once.
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
            spare: Arc::default(),
        };
        // All stems that have a vector, whether these documents have them or not: others may.
        for (block, kind) in lexicon.blocks.iter_mut().zip(&config.blocks) {
            if let Some(vectors) = vectors.filter(|_| kind.extractor.is_tied()) {
                block.features = vectors.terms.clone();
                block.parents = vec![LEFT_OUT; vectors.len()];
            }
        }
        // Each thread reads a run of documents with word numbers of its own. These are replaced by those of
        // the lexicon run by run, so that words are numbered by first appearance, as if one thread had read
        // everything.
        let documents: Vec<&Document> = documents.into_iter().collect();
        let threads = rayon::current_num_threads();
        let run = documents.len().div_ceil(threads).clamp(DOCUMENTS_AT_ONCE.0, DOCUMENTS_AT_ONCE.1);
        for documents in documents.chunks(run * threads) {
            let mut read: Vec<Run> =
                documents.par_chunks(run).map(|documents| Run::read(config, documents)).collect();
            let words = read.iter_mut().map(|run| std::mem::take(&mut run.words));
            let numbers: Vec<Vec<u32>> = words.map(|words| lexicon.words.absorb(words).0).collect();
            let renumbered = read.into_par_iter().zip(numbers).map(|(run, numbers)| run.renumbered(&numbers));
            for (rows, lengths) in renumbered.collect::<Vec<_>>() {
                lexicon.documents.append(rows);
                lexicon.lengths.extend(lengths);
            }
        }
        let Lexicon { words, blocks, .. } = &mut lexicon;
        let blocks = blocks.par_iter_mut().zip(&config.blocks);
        blocks.for_each(|(block, kind)| block.fill(words, kind.extractor));
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

/// Fewest and most documents that a thread reads in one go.
const DOCUMENTS_AT_ONCE: (usize, usize) = (1 << 8, 1 << 15);
/// Fewest and most words whose features a thread finds in one go.
const WORDS_AT_ONCE: (usize, usize) = (1 << 10, 1 << 17);

/// Some documents with words of their own.
struct Run {
    words: Interner,
    /// For each document its words as they come.
    documents: Rows<(u32, u32)>,
}

impl Run {
    fn read(config: &FeatureConfig, documents: &[&Document]) -> Self {
        let mut run = Run { words: Interner::default(), documents: Rows::new() };
        let mut counts: Vec<(u32, u32)> = Vec::new();
        for document in documents {
            counts.clear();
            document
                .each_word(&config.normalizer, |word, count| counts.push((run.words.intern(word).0, count)));
            run.documents.push(counts.iter().copied());
        }
        run
    }

    /// The documents as counts of words by rising number, and their lengths.
    fn renumbered(self, numbers: &[u32]) -> (Rows<(u32, u32)>, Vec<u32>) {
        let mut rows = Rows::with_capacity(self.documents.len(), self.documents.nnz());
        let mut lengths = Vec::with_capacity(self.documents.len());
        let mut counts: Vec<(u32, u32)> = Vec::new();
        for row in self.documents.iter() {
            counts.clear();
            counts.extend(row.iter().map(|&(word, count)| (numbers[word as usize], count)));
            counts.sort_unstable_by_key(|&(word, _)| word);
            counts.dedup_by(|next, kept| {
                let same = next.0 == kept.0;
                if same {
                    kept.1 = kept.1.saturating_add(next.1);
                }
                same
            });
            lengths.push(counts.iter().fold(0, |sum: u32, &(_, count)| sum.saturating_add(count)));
            rows.push(counts.iter().copied());
        }
        (rows, lengths)
    }
}

impl LexiconBlock {
    /// Finds the features of every word. As with words, each thread numbers those of a run of words by
    /// itself first.
    fn fill(&mut self, words: &Interner, extractor: Extractor) {
        let every_word: Vec<u32> = (0..words.len() as u32).collect();
        if extractor.is_tied() {
            for word in every_word {
                let mut found = Vec::new();
                extractor.each(words.resolve(word), |feature| found.extend(self.features.get(feature)));
                self.of_word.push(found);
            }
            return;
        }
        let threads = rayon::current_num_threads();
        let run = every_word.len().div_ceil(threads).clamp(WORDS_AT_ONCE.0, WORDS_AT_ONCE.1);
        for of_run in every_word.chunks(run * threads) {
            let parts: Vec<LexiconBlock> =
                of_run.par_chunks(run).map(|of_run| Self::of_words(words, of_run, extractor)).collect();
            for part in parts {
                let LexiconBlock { features, parents, of_word, .. } = part;
                let (numbers, new) = self.features.absorb(features);
                let number =
                    |feature: u32| if feature == LEFT_OUT { feature } else { numbers[feature as usize] };
                // A prefix stands in the same word, so that who knows the feature knows its prefix.
                self.parents.extend(new.iter().map(|&feature| number(parents[feature as usize])));
                for row in of_word.iter() {
                    self.of_word.push(row.iter().map(|&feature| number(feature)));
                }
            }
        }
        self.by_bytes = self.features.by_bytes();
    }

    fn of_words(words: &Interner, of_run: &[u32], extractor: Extractor) -> Self {
        let mut block = LexiconBlock::default();
        let mut found: Vec<u32> = Vec::new();
        for &word in of_run {
            found.clear();
            let LexiconBlock { features, parents, of_word, .. } = &mut block;
            extractor.each(words.resolve(word), |feature| {
                let (number, new) = features.intern(feature);
                if new {
                    let prefix = extractor.prefix(feature).and_then(|prefix| features.get(prefix));
                    parents.push(prefix.unwrap_or(LEFT_OUT));
                }
                found.push(number);
            });
            of_word.push(found.iter().copied());
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_features_are_numbered_alike_on_any_number_of_threads() {
        let text =
            |row: usize| format!("كلمة{} تقول word{} والكلمات {}", row % 700, row % 900, row * row % 37);
        let documents: Vec<Document> =
            (0..3000).map(|row| Document::from_text(row.to_string(), text(row))).collect();
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| Lexicon::new(&FeatureConfig::default(), &documents))
        };
        let one = on(1);
        assert!(one.n_words() > 1600);
        for threads in [2, 7] {
            let found = on(threads);
            assert_eq!((&found.words, &found.documents), (&one.words, &one.documents));
            assert_eq!(found.lengths, one.lengths);
            for (found, one) in found.blocks.iter().zip(&one.blocks) {
                assert_eq!((&found.features, &found.parents), (&one.features, &one.parents));
                assert_eq!(found.of_word, one.of_word);
            }
        }
    }
}
