//! The TF-IDF matrix of some documents, kept as its factors.

use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array2, ArrayView2};

use super::config::Block;
use super::extract::Extractor;
use super::lexicon::Lexicon;
use super::vectorizer::{Frequencies, LEFT_OUT};
use super::vectors::Vectors;
use crate::sparse::Rows;

/// A matrix X (documents x features) that a solver can multiply with, K columns at a time.
pub trait Operator: Sync {
    /// Number of documents.
    fn n_rows(&self) -> usize;
    /// Number of features.
    fn n_features(&self) -> usize;
    /// out = X · v, with v (features x K) and out (documents x K).
    fn forward<const K: usize>(&self, v: &[[f64; K]], out: &mut [[f64; K]]);
    /// out = Xᵀ · r, with r (documents x K) and out (features x K).
    fn backward<const K: usize>(&self, r: &[[f64; K]], out: &mut [[f64; K]]);
}

/// The factored TF-IDF matrix of some documents. A product costs one visit for every word of every
/// document, one for every *place* in every word type (the n-grams that start there are a chain of
/// prefixes, added up once for all words) and one for every feature, times K.
#[derive(Debug, Clone)]
pub struct Design {
    /// Per document: (local word, term frequency weight).
    documents: Rows<(u32, f64)>,
    blocks: Vec<DesignBlock>,
    idf: Vec<f64>,
    manner: Range<usize>,
    /// Per feature: the feature that is its longest proper prefix, or [`LEFT_OUT`]. It comes first.
    parents: Vec<u32>,
    n_words: usize,
    tied: Option<Tied>,
}

/// The last block, whose features are not fitted one by one: what is fitted is a number for each
/// dimension of their vectors.
#[derive(Debug, Clone)]
struct Tied {
    vectors: Arc<Vectors>,
    /// The number of its first feature; there the solver's numbers for the dimensions begin.
    first: usize,
    /// Its features that these documents have.
    used: Vec<u32>,
}

#[derive(Debug, Clone)]
struct DesignBlock {
    /// Per local word: its features, numbered over all blocks; those are left out that a longer
    /// one at the same place implies. A feature that stands twice in the word stands twice here.
    patterns: Rows<u32>,
    /// Per document: block weight / length of its row; 0 where the row is empty.
    scales: Vec<f64>,
}

impl Design {
    /// The matrix of the documents `rows` of a lexicon, with the vocabulary and weights that
    /// `frequencies` found (in these or in other documents).
    pub fn new(lexicon: &Lexicon, frequencies: &Frequencies, rows: &[usize]) -> Self {
        let (documents, words) = local_documents(lexicon, frequencies.mean_length, rows);
        let mut blocks = Vec::new();
        for (number, block) in lexicon.config.blocks.iter().enumerate() {
            let numbers = &frequencies.numbers[number];
            let of_word = &lexicon.blocks[number].of_word;
            let mut patterns = Rows::new();
            let mut squares = Vec::with_capacity(words.len());
            let mut features: Vec<u32> = Vec::new();
            for &word in &words {
                features.clear();
                features.extend(
                    of_word
                        .row(word as usize)
                        .iter()
                        .map(|&f| numbers[f as usize])
                        .filter(|&f| f != LEFT_OUT),
                );
                features.sort_unstable();
                squares.push(squared_length(&features, &frequencies.idf));
                patterns.push(outermost(&features, &frequencies.parents));
            }
            let scales = documents.iter().map(|row| {
                let parts = row.iter().map(|&(word, tf)| {
                    if block.extractor.is_share() { tf } else { tf * tf * squares[word as usize] }
                });
                scale(block, parts.sum())
            });
            blocks.push(DesignBlock { scales: scales.collect(), patterns });
        }
        let tied = lexicon.config.blocks.iter().position(|block| block.extractor.is_tied());
        let tied = tied.zip(lexicon.vectors.clone()).map(|(number, vectors)| {
            let first = frequencies.len() - vectors.len();
            let mut used: Vec<u32> = blocks.get(number).map_or_else(Vec::new, |block: &DesignBlock| {
                block.patterns.iter().flatten().copied().collect()
            });
            used.sort_unstable();
            used.dedup();
            Tied { vectors, first, used }
        });
        Design {
            tied,
            documents,
            blocks,
            idf: frequencies.idf.clone(),
            manner: frequencies.manner(lexicon),
            parents: frequencies.parents.clone(),
            n_words: words.len(),
        }
    }

    /// The same matrix with nothing in the columns of polarity.
    pub(crate) fn without_polarity(mut self, lexicon: &Lexicon) -> Self {
        for (block, kind) in self.blocks.iter_mut().zip(&lexicon.config.blocks) {
            if matches!(kind.extractor, Extractor::Polarity { .. }) {
                block.scales.fill(0.0);
            }
        }
        self
    }

    /// The numbers of the features of manner and polarity.
    pub fn manner(&self) -> Range<usize> {
        self.manner.clone()
    }

    /// A number for every feature and column from what the solver found, row by row of `columns`: features
    /// of the tied block get what their vectors make of the numbers for the dimensions.
    pub fn spread(&self, coefficients: Vec<f64>, columns: usize) -> Vec<f64> {
        let Some(tied) = &self.tied else { return coefficients };
        let (own, shared) = coefficients.split_at(tied.first * columns);
        let mut all = own.to_vec();
        for stem in 0..tied.vectors.len() as u32 {
            all.extend((0..columns).map(|column| {
                let parts = tied.vectors.row(stem).iter().zip(shared[column..].iter().step_by(columns));
                parts.map(|(&value, weight)| f64::from(value) * weight).sum::<f64>()
            }));
        }
        all
    }

    /// Stored numbers: (words of documents, features of word types). The dense or classic sparse
    /// matrix would hold far more.
    pub fn nnz(&self) -> (usize, usize) {
        (self.documents.nnz(), self.blocks.iter().map(|block| block.patterns.nnz()).sum())
    }
}

/// What a document's row of a block is multiplied by: `total` is its squared length, or, for shares,
/// the sum of its words' weights. 0 for an empty row.
pub(crate) fn scale(block: &Block, total: f64) -> f64 {
    match (total > 0.0, block.extractor.is_share()) {
        (false, _) => 0.0,
        (true, true) => block.weight / total,
        (true, false) => block.weight / total.sqrt(),
    }
}

/// The squared length of a word's row: sum over its features of (count · idf)². `features` holds a
/// word's features in order, repeated ones repeatedly.
pub(crate) fn squared_length(features: &[u32], idf: &[f64]) -> f64 {
    let runs = features.chunk_by(|a, b| a == b);
    runs.map(|run| (run.len() as f64 * idf[run[0] as usize]).powi(2)).sum()
}

/// The features that no longer one at the same place implies: each occurrence of an n-gram is also
/// one of its prefix, so what remains of the prefix are its occurrences less those.
fn outermost(features: &[u32], parents: &[u32]) -> Vec<u32> {
    let mut kept: Vec<(u32, i32)> =
        features.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as i32)).collect();
    let counts = kept.clone();
    for (feature, count) in counts {
        let parent = parents[feature as usize];
        if let Ok(place) = kept.binary_search_by_key(&parent, |&(feature, _)| feature) {
            kept[place].1 -= count;
        }
    }
    kept.iter().flat_map(|&(feature, count)| std::iter::repeat_n(feature, count.max(0) as usize)).collect()
}

/// The documents with their words renumbered: those that occur, by falling document frequency, so
/// that what is visited most lies close together.
fn local_documents(lexicon: &Lexicon, mean_length: f64, rows: &[usize]) -> (Rows<(u32, f64)>, Vec<u32>) {
    let mut df = vec![0_u32; lexicon.n_words()];
    for &row in rows {
        for &(word, _) in lexicon.documents.row(row) {
            df[word as usize] += 1;
        }
    }
    let mut words: Vec<u32> = (0..df.len() as u32).filter(|&word| df[word as usize] > 0).collect();
    words.sort_by_key(|&word| std::cmp::Reverse(df[word as usize]));
    let mut local = vec![0_u32; df.len()];
    for (number, &word) in words.iter().enumerate() {
        local[word as usize] = number as u32;
    }
    let mut documents = Rows::new();
    for &row in rows {
        let length = f64::from(lexicon.lengths[row]);
        let weight = |count| lexicon.config.tf.weight(count, length, mean_length);
        documents.push(
            lexicon.documents.row(row).iter().map(|&(word, count)| (local[word as usize], weight(count))),
        );
    }
    (documents, words)
}

impl Design {
    /// What each feature gives together with all of its prefixes, which come before it.
    fn weighted<const K: usize>(&self, v: &[[f64; K]]) -> Vec<[f64; K]> {
        let own = self.tied.as_ref().map_or(v, |tied| &v[..tied.first]);
        let mut weighted: Vec<[f64; K]> =
            own.iter().zip(&self.idf).map(|(v, idf)| v.map(|v| v * idf)).collect();
        if let Some(tied) = &self.tied {
            weighted.resize(self.idf.len(), [0.0; K]);
            for &feature in &tied.used {
                let mut sum = [0.0; K];
                for (&value, v) in tied.row(feature).iter().zip(&v[tied.first..]) {
                    add(&mut sum, v, f64::from(value));
                }
                weighted[feature as usize] = sum.map(|sum| sum * self.idf[feature as usize]);
            }
        }
        for (feature, &parent) in self.parents.iter().enumerate() {
            if parent != LEFT_OUT {
                let prefixes = weighted[parent as usize];
                add(&mut weighted[feature], &prefixes, 1.0);
            }
        }
        weighted
    }

    /// What each word of each document adds to its row of X · v, in the order of the lexicon's words. The
    /// parts of a row sum to the row. O(words of documents · their features).
    pub(crate) fn by_word(&self, v: &[[f64; 1]]) -> Vec<Vec<f64>> {
        let weighted = self.weighted(v);
        let parts = self.documents.iter().enumerate().map(|(document, row)| {
            let word = |&(word, tf): &(u32, f64)| -> f64 {
                let blocks = self.blocks.iter().map(|block| {
                    let features = block.patterns.row(word as usize).iter();
                    block.scales[document]
                        * features.map(|&feature| weighted[feature as usize][0]).sum::<f64>()
                });
                tf * blocks.sum::<f64>()
            };
            row.iter().map(word).collect()
        });
        parts.collect()
    }
}

impl Operator for Design {
    fn n_rows(&self) -> usize {
        self.documents.len()
    }

    fn n_features(&self) -> usize {
        self.tied.as_ref().map_or(self.idf.len(), |tied| tied.first + tied.vectors.dimensions)
    }

    fn forward<const K: usize>(&self, v: &[[f64; K]], out: &mut [[f64; K]]) {
        let weighted = self.weighted(v);
        let mut of_word = vec![[0.0; K]; self.n_words];
        out.fill([0.0; K]);
        for block in &self.blocks {
            for (sum, pattern) in of_word.iter_mut().zip(block.patterns.iter()) {
                *sum = [0.0; K];
                for &feature in pattern {
                    add(sum, &weighted[feature as usize], 1.0);
                }
            }
            for ((out, row), &scale) in out.iter_mut().zip(self.documents.iter()).zip(&block.scales) {
                let mut sum = [0.0; K];
                for &(word, tf) in row {
                    add(&mut sum, &of_word[word as usize], tf);
                }
                add(out, &sum, scale);
            }
        }
    }

    fn backward<const K: usize>(&self, r: &[[f64; K]], out: &mut [[f64; K]]) {
        let Some(tied) = &self.tied else { return self.backward_own(r, out) };
        let mut inner = vec![[0.0; K]; self.idf.len()];
        self.backward_own(r, &mut inner);
        let (own, shared) = out.split_at_mut(tied.first);
        own.copy_from_slice(&inner[..tied.first]);
        shared.fill([0.0; K]);
        for &feature in &tied.used {
            for (&value, shared) in tied.row(feature).iter().zip(shared.iter_mut()) {
                add(shared, &inner[feature as usize], f64::from(value));
            }
        }
    }
}

impl Tied {
    /// The vector of a feature.
    fn row(&self, feature: u32) -> &[f32] {
        self.vectors.row(feature - self.first as u32)
    }
}

impl Design {
    /// Xᵀ · r as if every feature were fitted by itself.
    fn backward_own<const K: usize>(&self, r: &[[f64; K]], out: &mut [[f64; K]]) {
        let mut of_word = vec![[0.0; K]; self.n_words];
        out.fill([0.0; K]);
        for block in &self.blocks {
            of_word.fill([0.0; K]);
            for ((r, row), &scale) in r.iter().zip(self.documents.iter()).zip(&block.scales) {
                let scaled = r.map(|r| r * scale);
                for &(word, tf) in row {
                    add(&mut of_word[word as usize], &scaled, tf);
                }
            }
            for (sum, pattern) in of_word.iter().zip(block.patterns.iter()) {
                for &feature in pattern {
                    add(&mut out[feature as usize], sum, 1.0);
                }
            }
        }
        for (feature, &parent) in self.parents.iter().enumerate().rev() {
            if parent != LEFT_OUT {
                let whole = out[feature];
                add(&mut out[parent as usize], &whole, 1.0);
            }
        }
        for (out, idf) in out.iter_mut().zip(&self.idf) {
            *out = out.map(|out| out * idf);
        }
    }
}

#[inline]
fn add<const K: usize>(sum: &mut [f64; K], term: &[f64; K], factor: f64) {
    for (sum, term) in sum.iter_mut().zip(term) {
        *sum += factor * term;
    }
}

/// A dense matrix, for small data and for tests.
impl Operator for ArrayView2<'_, f64> {
    fn n_rows(&self) -> usize {
        self.nrows()
    }

    fn n_features(&self) -> usize {
        self.ncols()
    }

    fn forward<const K: usize>(&self, v: &[[f64; K]], out: &mut [[f64; K]]) {
        for (out, row) in out.iter_mut().zip(self.rows()) {
            *out = [0.0; K];
            for (&x, v) in row.iter().zip(v) {
                add(out, v, x);
            }
        }
    }

    fn backward<const K: usize>(&self, r: &[[f64; K]], out: &mut [[f64; K]]) {
        out.fill([0.0; K]);
        for (r, row) in r.iter().zip(self.rows()) {
            for (out, &x) in out.iter_mut().zip(row) {
                add(out, r, x);
            }
        }
    }
}

/// The Gram matrix X · Xᵀ (documents x documents), for solvers in the dual.
pub fn gram(x: &impl Operator) -> Array2<f64> {
    let n = x.n_rows();
    let mut gram = Array2::zeros((n, n));
    let (mut unit, mut row, mut column) = (vec![[0.0]; n], vec![[0.0]; x.n_features()], vec![[0.0]; n]);
    for i in 0..n {
        unit[i] = [1.0];
        x.backward(&unit, &mut row);
        x.forward(&row, &mut column);
        unit[i] = [0.0];
        for (j, [value]) in column.iter().enumerate() {
            gram[[j, i]] = *value;
        }
    }
    gram
}
