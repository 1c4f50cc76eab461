//! From a word to what it adds: the model's terms, found by key, and their weights side by side.
//!
//! A word's n-grams are packed a byte a letter into numbers of 8 bytes, and looked up side by side.

use rustc_hash::FxHashMap;

use super::keys::KeyTable;
use super::words::Line;
use crate::features::design::squared_length;
use crate::features::extract::stem;
use crate::features::stem::stem_key;
use crate::features::{Extractor, FeatureConfig, manner, polarity};
use crate::text::scan::{SPACE, is_packed, pack, unpack, word_key};

/// Letters of the longest n-gram that is packed.
const MOST_PACKED: usize = 8;
/// Of the tables of terms, which no stranger fills.
const SEED: u64 = 0;

/// The places of a word's row: the squared length in each block that is no share, then for each of these a
/// sum for each column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Blocks that are no shares.
    pub(super) blocks: usize,
    /// Linear scores of all heads side by side.
    pub(super) columns: usize,
}

impl Layout {
    pub(super) fn width(self) -> usize {
        self.blocks + self.blocks * self.columns
    }

    /// Where the sums of a block begin.
    pub(super) fn sums(self, block: usize) -> usize {
        self.blocks + block * self.columns
    }
}

/// The terms of a model.
#[derive(Debug, Default)]
pub(crate) struct TermIndex {
    blocks: Vec<BlockIndex>,
}

#[derive(Debug)]
struct BlockIndex {
    extractor: Extractor,
    /// The number of its first term.
    first: u32,
    terms: Terms,
}

#[derive(Debug)]
enum Terms {
    /// Words and stems.
    Words(Named<u128>),
    /// Character n-grams.
    Chars(Named<u64>),
    /// Marks: which terms the marks of a listed word are, words packed and folded. Others are asked for by
    /// name.
    Marks { listed: KeyTable<u128>, marks: Vec<Vec<u32>>, named: Named<u128> },
}

/// Strings with a number each, most of them by a key.
#[derive(Debug)]
struct Named<K> {
    short: KeyTable<K>,
    long: FxHashMap<Box<str>, u32>,
}

impl Named<u128> {
    fn get(&self, text: &str) -> Option<u32> {
        word_key(text).map_or_else(|| self.long.get(text).copied(), |key| self.short.get(key))
    }
}

fn gram_key(term: &str) -> Option<u64> {
    pack(term).and_then(|key| u64::try_from(key).ok())
}

impl Named<u64> {
    fn get(&self, term: &str) -> Option<u32> {
        gram_key(term).map_or_else(|| self.long.get(term).copied(), |key| self.short.get(key))
    }
}

/// Names some terms; `None` where one stands twice.
fn name<'t, K: super::keys::Key>(
    terms: impl ExactSizeIterator<Item = &'t str>,
    key: impl Fn(&str) -> Option<K>,
) -> Option<Named<K>> {
    let mut named = Named { short: KeyTable::with_capacity(terms.len(), SEED), long: FxHashMap::default() };
    for (number, term) in (0..).zip(terms) {
        let is_new = match key(term) {
            Some(key) => named.short.insert(key, number),
            None => named.long.insert(term.into(), number).is_none(),
        };
        if !is_new {
            return None;
        }
    }
    Some(named)
}

impl TermIndex {
    /// An index of the terms of each block; `None` where a term stands twice. Cost: one visit to each.
    pub(crate) fn new<'t, B>(config: &FeatureConfig, blocks: impl Iterator<Item = B>) -> Option<Self>
    where
        B: ExactSizeIterator<Item = &'t str>,
    {
        let mut first = 0;
        let mut built = Vec::new();
        for (block, terms) in config.blocks.iter().zip(blocks) {
            let extractor = block.extractor;
            let size = terms.len() as u32;
            let terms = match extractor {
                Extractor::Word | Extractor::Stem | Extractor::Vectors { .. } => {
                    Terms::Words(name(terms, word_key)?)
                }
                Extractor::Chars { .. } => Terms::Chars(name(terms, gram_key)?),
                Extractor::Manner { .. } => marks(name(terms, word_key)?, manner::listed()),
                Extractor::Polarity { .. } => marks(name(terms, word_key)?, polarity::listed()),
            };
            built.push(BlockIndex { extractor, first, terms });
            first += size;
        }
        Some(TermIndex { blocks: built })
    }
}

fn marks(named: Named<u128>, lists: &manner::Marks) -> Terms {
    let mut listed = KeyTable::with_capacity(lists.len(), SEED);
    let mut numbers = Vec::new();
    for (word, marks) in lists {
        if let Some(key) = pack(word) {
            listed.insert(key, numbers.len() as u32);
            numbers.push(marks.iter().filter_map(|mark| named.get(mark)).collect());
        }
    }
    Terms::Marks { listed, marks: numbers, named }
}

/// What turns words into rows.
#[derive(Debug)]
pub(super) struct Resolver {
    pub(super) index: std::sync::Arc<TermIndex>,
    pub(super) layout: Layout,
    /// For each feature its inverse document frequency.
    pub(super) idf: Vec<f64>,
    /// For each feature, the coefficients of all columns.
    pub(super) coefficients: Vec<f32>,
    /// The weight of each block.
    pub(super) weights: Vec<f64>,
}

/// What a word adds to a document's scores.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// Its row, filled up with zeros.
    pub(super) row: Vec<Line>,
    /// For each column the sum over its shares, each times its block's weight.
    pub(super) shares: Vec<f64>,
    /// Whether the model has it among its words (without such, any part of it).
    pub(super) known: bool,
    features: Vec<u32>,
    numbers: Vec<f64>,
}

impl Resolver {
    /// Looks a word up; `key` is its [`word_key`] or any other that is not packed.
    pub(super) fn resolve(&self, key: u128, word: &str, resolved: &mut Resolved) {
        let Resolved { row, shares, known, features, numbers } = resolved;
        let layout = self.layout;
        let columns = layout.columns;
        numbers.clear();
        numbers.resize(layout.width().next_multiple_of(8), 0.0);
        shares.clear();
        shares.resize(columns, 0.0);
        let (mut whole, mut parts) = (None, false);
        let mut place = 0;
        let mut stemmed = None;
        for (block, &weight) in self.index.blocks.iter().zip(&self.weights) {
            features.clear();
            match (&block.terms, block.extractor) {
                (Terms::Words(terms), Extractor::Word) => {
                    features.extend(terms.get(word));
                    whole = Some(whole.unwrap_or(false) || !features.is_empty());
                }
                (Terms::Words(terms), extractor) => {
                    // A stem is as short as its word, so that either both have keys or none has.
                    features.extend(if is_packed(key) {
                        terms.short.get(*stemmed.get_or_insert_with(|| stem_key(key)))
                    } else {
                        terms.get(&stem(word))
                    });
                    if extractor == Extractor::Stem {
                        whole = Some(whole.unwrap_or(false) || !features.is_empty());
                    }
                }
                (Terms::Chars(grams), extractor) => {
                    if chars(grams, extractor, key, word, features) {
                        features.sort_unstable();
                    }
                    parts |= !features.is_empty();
                }
                (Terms::Marks { listed, marks, named }, extractor) => {
                    look_up_marks(listed, marks, named, extractor, key, word, features);
                }
            }
            features.iter_mut().for_each(|feature| *feature += block.first);
            let (sums, weight) = if block.extractor.is_share() {
                (&mut shares[..], weight)
            } else {
                numbers[place] = squared_length(features, &self.idf);
                place += 1;
                (&mut numbers[layout.sums(place - 1)..][..columns], 1.0)
            };
            for &feature in features.iter() {
                let factor = self.idf[feature as usize] * weight;
                let of_feature = &self.coefficients[feature as usize * columns..][..columns];
                for (sum, &coefficient) in sums.iter_mut().zip(of_feature) {
                    *sum += factor * f64::from(coefficient);
                }
            }
        }
        *known = whole.unwrap_or(parts);
        row.clear();
        row.extend(numbers.chunks_exact(8).map(|line| {
            let mut filled = Line::default();
            filled.0.copy_from_slice(line);
            filled
        }));
    }
}

fn look_up_marks(
    listed: &KeyTable<u128>,
    marks: &[Vec<u32>],
    named: &Named<u128>,
    extractor: Extractor,
    key: u128,
    word: &str,
    features: &mut Vec<u32>,
) {
    match Some(key).filter(|key| is_packed(*key)).map(fold).filter(|folded| *folded != 0) {
        Some(folded) => {
            let found =
                listed.get(folded).or_else(|| without_conjunction(folded).and_then(|rest| listed.get(rest)));
            features.extend(found.into_iter().flat_map(|place| &marks[place as usize]));
        }
        None => extractor.each(word, |mark| features.extend(named.get(mark))),
    }
}

/// [`manner::fold`] of a packed word.
fn fold(key: u128) -> u128 {
    let (letters, length) = unpack(key);
    let folded = letters[..length].iter().filter_map(|&code| match code {
        0x4B..=0x5F | 0x70 | 0x40 => None,
        0x22 | 0x23 | 0x25 | 0x71 => Some(0x27),
        0x49 | 0x26 => Some(0x4A),
        0x24 => Some(0x48),
        0x29 => Some(0x47),
        code => Some(code),
    });
    folded.fold(0, |key, code| key << 8 | u128::from(code))
}

/// What is left of a packed word without a conjunction before it, as [`manner::forms`] has it.
fn without_conjunction(key: u128) -> Option<u128> {
    let (letters, length) = unpack(key);
    let rest = key & !(0xFF << (8 * (length.max(1) - 1)));
    (length > 2 && matches!(letters[0], 0x48 | 0x41)).then_some(rest)
}

/// The n-grams of a word that are terms, as [`Extractor::Chars`] gives them, in some order; whether one may
/// stand twice.
fn chars(grams: &Named<u64>, extractor: Extractor, key: u128, word: &str, features: &mut Vec<u32>) -> bool {
    let Extractor::Chars { min, max } = extractor else { return false };
    if !is_packed(key) || max > MOST_PACKED {
        extractor.each(word, |gram| features.extend(grams.get(gram)));
        return true;
    }
    let (letters, length) = unpack(key);
    let mut padded = [SPACE; 18];
    padded[1..=length].copy_from_slice(&letters[..length]);
    let padded = &padded[..length + 2];
    let min = min.min(padded.len());
    // Every n-gram of every length, the shortest first.
    let mut keys = [0_u64; 18 * MOST_PACKED];
    let starts = padded.len() + 1 - min;
    let mut of_length = [0_u64; 18];
    for (start, gram) in of_length[..starts].iter_mut().enumerate() {
        *gram = padded[start..start + min].iter().fold(0, |gram, &code| gram << 8 | u64::from(code));
    }
    let mut count = 0;
    for length in min..=max.min(padded.len()) {
        let starts = padded.len() + 1 - length;
        keys[count..count + starts].copy_from_slice(&of_length[..starts]);
        count += starts;
        for start in 0..starts - 1 {
            of_length[start] = of_length[start] << 8 | u64::from(padded[start + length]);
        }
    }
    grams.short.get_all(&keys[..count], |feature| features.push(feature));
    // What repeats, repeats with its beginning.
    let shortest = &keys[..starts];
    (1..starts).any(|place| shortest[..place].contains(&shortest[place]))
}
