//! The TF-IDF matrix of some documents, kept as its factors.

use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

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
///
/// Products run in parallel where there is enough to do. Every sum is taken in one order, whatever the
/// number of threads: going back, words gather from documents, and features from words, along transposed
/// lists, so that no two threads add to one number.
#[derive(Debug, Clone)]
pub struct Design {
    /// Per document its words, in the order of the lexicon.
    documents: Rows<Entry>,
    /// The different weights of words in each document, document by document: most words of a document
    /// occur once and weigh the same.
    tf: Vec<f64>,
    /// Where each document begins in `tf`, and where the last ends.
    slots: Vec<u32>,
    groups: Vec<Group>,
    idf: Arc<Vec<f64>>,
    manner: Range<usize>,
    /// Per feature: the feature that is its longest proper prefix, or [`LEFT_OUT`]. It comes first.
    parents: Arc<Vec<u32>>,
    tied: Option<Tied>,
    spare: Arc<Spare>,
}

/// A local word, and the place of its weight in [`Design::tf`].
type Entry = (u32, u32);

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

/// One block, or two that go through the documents side by side.
#[derive(Debug, Clone)]
struct Group {
    /// Per block and document: block weight / length of its row; 0 where the row is empty.
    scales: Vec<Vec<f64>>,
    /// The words that have features of a block that most words have none of; none for other blocks.
    few: Option<Few>,
    /// Per word, and of a word per block: its features, numbered over all blocks; those are left out
    /// that a longer one at the same place implies. A feature that stands twice in the word stands
    /// twice here.
    patterns: Rows<u32>,
    /// The numbers of its features.
    features: Range<usize>,
    /// Made when first asked for: documents that are only scored need none.
    transposed: OnceLock<Transposed>,
}

/// What is left of the documents without the words that a block has nothing of.
#[derive(Debug, Clone)]
struct Few {
    /// The local words that are left, rising.
    words: Vec<u32>,
    /// The documents, words numbered as in `words`.
    documents: Rows<Entry>,
}

#[derive(Debug, Clone)]
struct Transposed {
    /// Per word the places in [`Design::tf`] of its occurrences.
    columns: Rows<u32>,
    /// Per feature the rows of [`Group::patterns`] that it is in.
    holders: Rows<u32>,
}

/// Memory that one product leaves to the next, of whichever matrix of the same lexicon: as much as products
/// run at a time is kept, and not as much as there are matrices.
#[derive(Debug, Default)]
pub(crate) struct Spare(Mutex<Vec<[Vec<f64>; 3]>>);

impl Spare {
    fn take(&self) -> [Vec<f64>; 3] {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn give(&self, memory: [Vec<f64>; 3]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
    }
}

/// The first `n` groups of `K` numbers in `memory`; what they hold is left over from before.
fn room<const K: usize>(memory: &mut Vec<f64>, n: usize) -> &mut [[f64; K]] {
    memory.resize(n * K, 0.0);
    memory.as_chunks_mut().0
}

/// Words whose features are found together.
const WORDS_AT_ONCE: usize = 4096;

/// A block on its way into a group.
struct Patterns {
    rows: Rows<u32>,
    /// Per word the squared length of its row.
    squares: Vec<f64>,
}

impl Patterns {
    fn of_words(lexicon: &Lexicon, frequencies: &Frequencies, number: usize, words: &[u32]) -> Self {
        let numbers = &frequencies.numbers[number];
        let of_word = &lexicon.blocks[number].of_word;
        let part = |words: &[u32]| {
            let mut part = Patterns { rows: Rows::new(), squares: Vec::with_capacity(words.len()) };
            let (mut features, mut runs) = (Vec::new(), Vec::new());
            for &word in words {
                features.clear();
                let known = of_word.row(word as usize).iter().map(|&f| numbers[f as usize]);
                features.extend(known.filter(|&f| f != LEFT_OUT));
                features.sort_unstable();
                part.squares.push(squared_length(&features, &frequencies.idf));
                outermost(&features, &frequencies.parents, &mut runs);
                part.rows
                    .push(runs.iter().flat_map(|&(f, left, _)| std::iter::repeat_n(f, left.max(0) as usize)));
            }
            part
        };
        let parts: Vec<Patterns> = words.par_chunks(WORDS_AT_ONCE).map(part).collect();
        let items = parts.iter().map(|part| part.rows.nnz()).sum();
        let mut all = Patterns {
            rows: Rows::with_capacity(words.len(), items),
            squares: Vec::with_capacity(words.len()),
        };
        for part in parts {
            all.rows.append(part.rows);
            all.squares.extend(part.squares);
        }
        all
    }
}

impl Design {
    /// The matrix of the documents `rows` of a lexicon, with the vocabulary and weights that
    /// `frequencies` found (in these or in other documents).
    pub fn new(lexicon: &Lexicon, frequencies: &Frequencies, rows: &[usize]) -> Self {
        let Local { documents, tf, slots, words } = Local::new(lexicon, frequencies.mean_length, rows);
        let mut groups: Vec<Group> = Vec::new();
        for (number, block) in lexicon.config.blocks.iter().enumerate() {
            let Patterns { rows: patterns, squares } =
                Patterns::of_words(lexicon, frequencies, number, &words);
            let part = |&(word, slot): &Entry| {
                let tf = tf[slot as usize];
                if block.extractor.is_share() { tf } else { tf * tf * squares[word as usize] }
            };
            let scales = documents.iter().map(|row| scale(block, row.iter().map(part).sum())).collect();
            let features = frequencies.of_block(number);
            let visits: usize =
                documents.iter().flatten().filter(|entry| !patterns.row(entry.0 as usize).is_empty()).count();
            if 2 * visits < documents.nnz() {
                groups.push(Group::few(scales, patterns, features, &documents));
                continue;
            }
            match groups.last_mut() {
                Some(last) if last.few.is_none() && last.scales.len() == 1 => {
                    last.join(scales, patterns, features);
                }
                _ => groups.push(Group::new(scales, patterns, features)),
            }
        }
        let tied = lexicon.config.blocks.iter().position(|block| block.extractor.is_tied());
        let tied = tied.zip(lexicon.vectors.clone()).map(|(_, vectors)| {
            let first = frequencies.len() - vectors.len();
            let features = groups.iter().flat_map(|group| group.patterns.iter().flatten().copied());
            let mut used: Vec<u32> = features.filter(|&feature| feature as usize >= first).collect();
            used.sort_unstable();
            used.dedup();
            Tied { vectors, first, used }
        });
        Design {
            tied,
            documents,
            tf,
            slots,
            groups,
            idf: Arc::clone(&frequencies.idf),
            manner: frequencies.manner(lexicon),
            parents: Arc::clone(&frequencies.parents),
            spare: Arc::clone(&lexicon.spare),
        }
    }

    /// The same matrix with nothing in the columns of polarity.
    pub(crate) fn without_polarity(mut self, lexicon: &Lexicon) -> Self {
        let scales = self.groups.iter_mut().flat_map(|group| &mut group.scales);
        for (scales, kind) in scales.zip(&lexicon.config.blocks) {
            if matches!(kind.extractor, Extractor::Polarity { .. }) {
                scales.fill(0.0);
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
        (self.documents.nnz(), self.groups.iter().map(|group| group.patterns.nnz()).sum())
    }
}

impl Group {
    fn new(scales: Vec<f64>, patterns: Rows<u32>, features: Range<usize>) -> Self {
        Group { scales: vec![scales], few: None, patterns, features, transposed: OnceLock::new() }
    }

    /// Takes the next block to it.
    fn join(&mut self, scales: Vec<f64>, patterns: Rows<u32>, features: Range<usize>) {
        let mut both = Rows::with_capacity(2 * patterns.len(), self.patterns.nnz() + patterns.nnz());
        for (first, second) in self.patterns.iter().zip(patterns.iter()) {
            both.push(first.iter().copied());
            both.push(second.iter().copied());
        }
        self.patterns = both;
        self.scales.push(scales);
        self.features.end = features.end;
    }

    /// A block of which most words have no feature.
    fn few(scales: Vec<f64>, patterns: Rows<u32>, features: Range<usize>, documents: &Rows<Entry>) -> Self {
        let words: Vec<u32> =
            (0..patterns.len() as u32).filter(|&word| !patterns.row(word as usize).is_empty()).collect();
        let mut number = vec![LEFT_OUT; patterns.len()];
        let mut kept = Rows::with_capacity(words.len(), patterns.nnz());
        for (place, &word) in (0..).zip(&words) {
            number[word as usize] = place;
            kept.push(patterns.row(word as usize).iter().copied());
        }
        let mut left = Rows::with_capacity(documents.len(), 0);
        for row in documents.iter() {
            let entries = row.iter().map(|&(word, slot)| (number[word as usize], slot));
            left.push(entries.filter(|&(word, _)| word != LEFT_OUT));
        }
        let few = Some(Few { words, documents: left });
        Group { scales: vec![scales], few, patterns: kept, features, transposed: OnceLock::new() }
    }

    fn documents<'d>(&'d self, all: &'d Rows<Entry>) -> &'d Rows<Entry> {
        self.few.as_ref().map_or(all, |few| &few.documents)
    }

    fn transposed(&self, all: &Rows<Entry>) -> &Transposed {
        self.transposed.get_or_init(|| {
            let words = self.patterns.len() / self.scales.len();
            let first = self.features.start as u32;
            Transposed {
                columns: self.documents(all).transpose(words, |_, &(word, slot)| (word, slot)),
                holders: self
                    .patterns
                    .transpose(self.features.len(), |row, &feature| (feature - first, row as u32)),
            }
        })
    }

    /// The features of a local word in one of its blocks.
    fn pattern(&self, word: u32, block: usize) -> &[u32] {
        match &self.few {
            None => self.patterns.row(word as usize * self.scales.len() + block),
            Some(few) => few.words.binary_search(&word).map_or(&[], |place| self.patterns.row(place)),
        }
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
/// one of its prefix, so what remains of the prefix are its occurrences less those. `runs` gets each
/// feature with what remains of its occurrences, and with all of them.
fn outermost(features: &[u32], parents: &[u32], runs: &mut Vec<(u32, i32, i32)>) {
    runs.clear();
    runs.extend(features.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as i32, run.len() as i32)));
    for at in 0..runs.len() {
        let (feature, _, count) = runs[at];
        let parent = parents[feature as usize];
        if parent == LEFT_OUT {
            continue;
        }
        if let Ok(place) = runs.binary_search_by_key(&parent, |&(feature, ..)| feature) {
            runs[place].1 -= count;
        }
    }
}

/// Documents with their words renumbered: those that occur, by falling document frequency, so that what
/// is visited most lies close together.
struct Local {
    documents: Rows<Entry>,
    tf: Vec<f64>,
    slots: Vec<u32>,
    words: Vec<u32>,
}

impl Local {
    fn new(lexicon: &Lexicon, mean_length: f64, rows: &[usize]) -> Self {
        let mut df = vec![0_u32; lexicon.n_words()];
        for &row in rows {
            for &(word, _) in lexicon.documents.row(row) {
                df[word as usize] += 1;
            }
        }
        let mut words: Vec<u32> = (0..df.len() as u32).filter(|&word| df[word as usize] > 0).collect();
        words.sort_by_key(|&word| std::cmp::Reverse(df[word as usize]));
        let mut local = df;
        for (number, &word) in (0..).zip(&words) {
            local[word as usize] = number;
        }
        let entries = rows.iter().map(|&row| lexicon.documents.row(row).len()).sum();
        let mut documents = Rows::with_capacity(rows.len(), entries);
        let mut tf: Vec<f64> = Vec::with_capacity(rows.len() + rows.len() / 2);
        let mut slots = Vec::with_capacity(rows.len() + 1);
        slots.push(0);
        let mut counts: Vec<u32> = Vec::new();
        for &row in rows {
            let (row, length) = (lexicon.documents.row(row), f64::from(lexicon.lengths[row]));
            counts.clear();
            counts.extend(row.iter().map(|&(_, count)| count));
            counts.sort_unstable();
            counts.dedup();
            let first = tf.len();
            tf.extend(counts.iter().map(|&count| lexicon.config.tf.weight(count, length, mean_length)));
            slots.push(tf.len() as u32);
            documents.push(row.iter().map(|&(word, count)| {
                let place = counts.binary_search(&count).unwrap_or(0);
                (local[word as usize], (first + place) as u32)
            }));
        }
        Local { documents, tf, slots, words }
    }
}

impl Design {
    /// What each feature gives together with all of its prefixes, which come before it.
    fn weighted<const K: usize>(&self, v: &[[f64; K]], weighted: &mut [[f64; K]]) {
        let own = self.tied.as_ref().map_or(self.idf.len(), |tied| tied.first);
        for feature in 0..own {
            let mut whole = v[feature].map(|v| v * self.idf[feature]);
            let parent = self.parents[feature];
            if parent != LEFT_OUT {
                add(&mut whole, &weighted[parent as usize], 1.0);
            }
            weighted[feature] = whole;
        }
        if let Some(tied) = &self.tied {
            for &feature in &tied.used {
                let mut sum = [0.0; K];
                for (&value, v) in tied.row(feature).iter().zip(&v[tied.first..]) {
                    add(&mut sum, v, f64::from(value));
                }
                weighted[feature as usize] = sum.map(|sum| sum * self.idf[feature as usize]);
            }
        }
    }

    /// What each word of each document adds to its row of X · v, in the order of the lexicon's words. The
    /// parts of a row sum to the row. O(words of documents · their features).
    pub(crate) fn by_word(&self, v: &[[f64; 1]]) -> Vec<Vec<f64>> {
        let mut weighted = vec![[0.0]; self.idf.len()];
        self.weighted(v, &mut weighted);
        let parts = self.documents.iter().enumerate().map(|(document, row)| {
            let word = |&(word, slot): &Entry| -> f64 {
                let blocks = self.groups.iter().flat_map(|group| {
                    let blocks = group.scales.iter().enumerate();
                    blocks.map(move |(block, scales)| (scales, group.pattern(word, block)))
                });
                let blocks = blocks.map(|(scales, features)| {
                    scales[document]
                        * features.iter().map(|&feature| weighted[feature as usize][0]).sum::<f64>()
                });
                self.tf[slot as usize] * blocks.sum::<f64>()
            };
            row.iter().map(word).collect()
        });
        parts.collect()
    }

    /// out += the part of a group of `B` blocks in X · v, from what its features give.
    fn forward_group<const K: usize, const B: usize>(
        &self,
        group: &Group,
        weighted: &[[f64; K]],
        memory: &mut Vec<f64>,
        out: &mut [[f64; K]],
    ) {
        let of_words = room::<K>(memory, group.patterns.len());
        group.patterns.each_into(of_words, &|_, features, sum| {
            *sum = [0.0; K];
            for &feature in features {
                add(sum, &weighted[feature as usize], 1.0);
            }
        });
        let (of_words, _) = of_words.as_chunks::<B>();
        group.documents(&self.documents).each_into(out, &|document, row, out| {
            let mut sums = [[0.0; K]; B];
            for &(word, slot) in row {
                let (tf, of_word) = (self.tf[slot as usize], &of_words[word as usize]);
                for block in 0..B {
                    add(&mut sums[block], &of_word[block], tf);
                }
            }
            for block in 0..B {
                add(out, &sums[block], group.scales[block][document]);
            }
        });
    }

    /// out = the part of a group of `B` blocks in Xᵀ · r, of its features alone, without their weights
    /// and without what longer ones give to their prefixes.
    fn backward_group<const K: usize, const B: usize>(
        &self,
        group: &Group,
        r: &[[f64; K]],
        [of_slots, of_words]: [&mut Vec<f64>; 2],
        out: &mut [[f64; K]],
    ) {
        let Transposed { columns, holders } = group.transposed(&self.documents);
        let of_slots = room::<K>(of_slots, self.tf.len() * B).as_chunks_mut::<B>().0;
        for (document, (r, bounds)) in r.iter().zip(self.slots.windows(2)).enumerate() {
            let scaled: [[f64; K]; B] =
                std::array::from_fn(|block| r.map(|r| r * group.scales[block][document]));
            for slot in bounds[0] as usize..bounds[1] as usize {
                of_slots[slot] = scaled.map(|scaled| scaled.map(|r| r * self.tf[slot]));
            }
        }
        let of_slots: &[[[f64; K]; B]] = of_slots;
        let of_words = room::<K>(of_words, columns.len() * B);
        columns.each_into(of_words.as_chunks_mut::<B>().0, &|_, slots, sums| {
            let mut found = [[0.0; K]; B];
            for &slot in slots {
                for block in 0..B {
                    add(&mut found[block], &of_slots[slot as usize][block], 1.0);
                }
            }
            *sums = found;
        });
        let of_words: &[[f64; K]] = of_words;
        holders.each_into(out, &|_, words, sum| {
            let mut found = [0.0; K];
            for &word in words {
                add(&mut found, &of_words[word as usize], 1.0);
            }
            *sum = found;
        });
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
        let mut memory = self.spare.take();
        let [weighted, of_words, _] = &mut memory;
        let weighted = room(weighted, self.idf.len());
        self.weighted(v, weighted);
        out.fill([0.0; K]);
        for group in &self.groups {
            match group.scales.len() {
                1 => self.forward_group::<K, 1>(group, weighted, of_words, out),
                _ => self.forward_group::<K, 2>(group, weighted, of_words, out),
            }
        }
        self.spare.give(memory);
    }

    fn backward<const K: usize>(&self, r: &[[f64; K]], out: &mut [[f64; K]]) {
        let mut memory = self.spare.take();
        let [inner, of_slots, of_words] = &mut memory;
        match &self.tied {
            None => self.backward_own(r, [of_slots, of_words], out),
            Some(tied) => {
                let inner = room(inner, self.idf.len());
                self.backward_own(r, [of_slots, of_words], inner);
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
        self.spare.give(memory);
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
    fn backward_own<const K: usize>(
        &self,
        r: &[[f64; K]],
        [of_slots, of_words]: [&mut Vec<f64>; 2],
        out: &mut [[f64; K]],
    ) {
        for group in &self.groups {
            let (out, memory) = (&mut out[group.features.clone()], [&mut *of_slots, &mut *of_words]);
            match group.scales.len() {
                1 => self.backward_group::<K, 1>(group, r, memory, out),
                _ => self.backward_group::<K, 2>(group, r, memory, out),
            }
        }
        // Longer features come after their prefixes, so that each is whole when it is passed on.
        for feature in (0..self.idf.len()).rev() {
            let (whole, parent) = (out[feature], self.parents[feature]);
            if parent != LEFT_OUT {
                add(&mut out[parent as usize], &whole, 1.0);
            }
            out[feature] = whole.map(|whole| whole * self.idf[feature]);
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
