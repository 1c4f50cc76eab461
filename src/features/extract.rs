//! The features of one word.

use serde::{Deserialize, Serialize};
use snowball_stemmers_rs::{Algorithm, Stemmer};

use super::manner::marks;
use super::polarity;
use super::stem::stem_key;
use crate::text::scan::{pack, write_word};

/// A kind of feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Extractor {
    /// The word itself.
    Word,
    /// Its stem by the Snowball algorithm for Arabic.
    Stem,
    /// Its character n-grams, the word padded with a space on either side (`char_wb` in scikit-learn).
    Chars {
        /// Shortest, in characters, at least 1.
        min: usize,
        /// Longest, in characters.
        max: usize,
    },
    /// The marks of manner that it is one of; see [`super::manner`].
    Manner {
        /// Version of the lists of words, [`super::manner::MANNER_VERSION`].
        version: u32,
    },
    /// The marks of praise, blame and laughter that it bears; see [`super::polarity`].
    Polarity {
        /// Version of the lists of words, [`super::polarity::POLARITY_VERSION`].
        version: u32,
    },
    /// Its stem, by the vector that unlabelled text gave it: what is learned of one stem is shared with
    /// those that are used alike; see [`super::vectors`].
    Vectors {
        /// Numbers in a vector.
        dimensions: usize,
    },
}

impl Extractor {
    /// A short name, for tables.
    pub fn name(self) -> String {
        match self {
            Extractor::Word => "word".into(),
            Extractor::Stem => "stem".into(),
            Extractor::Chars { min, max } => format!("chars {min}-{max}"),
            Extractor::Manner { .. } => "manner".into(),
            Extractor::Polarity { .. } => "polarity".into(),
            Extractor::Vectors { dimensions } => format!("vectors of {dimensions}"),
        }
    }

    /// The feature that stands wherever `feature` does: an n-gram less its last character. Shorter
    /// ones come out of [`Extractor::each`] first.
    pub(crate) fn prefix(self, feature: &str) -> Option<&str> {
        match self {
            Extractor::Chars { .. } => feature.char_indices().next_back().map(|(last, _)| &feature[..last]),
            _ => None,
        }
    }

    /// Calls `sink` with each feature of `word`, repeated ones repeatedly.
    pub fn each(self, word: &str, mut sink: impl FnMut(&str)) {
        match self {
            Extractor::Word => sink(word),
            Extractor::Stem | Extractor::Vectors { .. } => sink(&stem(word)),
            Extractor::Chars { min, max } => char_ngrams(word, min, max, sink),
            Extractor::Polarity { .. } => polarity::marks(word).iter().copied().for_each(sink),
            Extractor::Manner { .. } => marks(word).iter().copied().for_each(sink),
        }
    }

    /// Whether its features are whole words or stand for them.
    pub fn is_word(self) -> bool {
        matches!(self, Extractor::Word | Extractor::Stem)
    }

    /// Whether its features are bound together by vectors.
    pub fn is_tied(self) -> bool {
        matches!(self, Extractor::Vectors { .. })
    }

    /// Whether its features are shares of a document's words, each brought to a standard deviation of
    /// the block's weight, instead of a row of that length.
    pub fn is_share(self) -> bool {
        matches!(self, Extractor::Manner { .. } | Extractor::Polarity { .. })
    }
}

/// The Snowball stem of an Arabic word; other words, and words that would lose everything, stay.
pub(crate) fn stem(word: &str) -> std::borrow::Cow<'_, str> {
    if !word.chars().all(|c| ('\u{620}'..='\u{64A}').contains(&c)) {
        return word.into();
    }
    if let Some(key) = pack(word) {
        let stem = stem_key(key);
        if stem == key {
            return word.into();
        }
        let mut text = String::with_capacity(word.len());
        write_word(stem, &mut text);
        return text.into();
    }
    let stem = Stemmer::create(Algorithm::Arabic).stem(word);
    if stem.is_empty() { word.into() } else { stem }
}

/// As scikit-learn's `char_wb`: for each n all runs of n characters of " word "; where the padded
/// word is shorter than n it counts once as a whole, and longer n are left out. Stand-ins such as
/// `<url>` have no characters to speak of.
fn char_ngrams(word: &str, min: usize, max: usize, mut sink: impl FnMut(&str)) {
    if word.starts_with('<') {
        return;
    }
    let padded = format!(" {word} ");
    let mut bounds: Vec<usize> = padded.char_indices().map(|(at, _)| at).collect();
    bounds.push(padded.len());
    let length = bounds.len() - 1;
    for n in min..=max {
        if n >= length {
            sink(&padded);
            break;
        }
        for start in 0..=length - n {
            sink(&padded[bounds[start]..bounds[start + n]]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn features(extractor: Extractor, word: &str) -> Vec<String> {
        let mut found = Vec::new();
        extractor.each(word, |feature| found.push(feature.to_owned()));
        found
    }

    #[test]
    fn ngrams_keep_the_words_edges() {
        let found = features(Extractor::Chars { min: 2, max: 3 }, "سلم");
        assert_eq!(found, [" س", "سل", "لم", "م ", " سل", "سلم", "لم "]);
    }

    #[test]
    fn stems_drop_endings_of_arabic_words_and_leave_others_alone() {
        assert_eq!(features(Extractor::Stem, "csto"), ["csto"]);
        assert_eq!(features(Extractor::Stem, "سوق2022"), ["سوق2022"]);
        assert_eq!(features(Extractor::Stem, "مدرسون"), features(Extractor::Stem, "مدرسين"));
    }

    proptest! {
        #[test]
        fn every_word_has_a_stem(word in "[\u{620}-\u{64A}]{1,12}") {
            let found = features(Extractor::Stem, &word);
            prop_assert_eq!(found.len(), 1);
            prop_assert!(!found[0].is_empty());
        }
    }
}
