//! An article as this program knows it: a bag of surface tokens per segment, and facts about it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::error::Place;
use crate::text::{Normalizer, Token, Voice, segments, tokens};

/// Surface tokens and how often each occurs, sorted by their bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bag(pub BTreeMap<String, u32>);

impl Bag {
    /// The bag of some tokens of a text.
    pub fn of(text: &str, tokens: &[Token]) -> Self {
        let mut bag = BTreeMap::new();
        for token in tokens {
            *bag.entry(token.surface(text).to_owned()).or_insert(0) += 1;
        }
        Bag(bag)
    }
}

/// A stretch of an article in one voice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Who speaks.
    pub voice: Voice,
    /// What words, how often; their order is not kept.
    pub bag: Bag,
}

/// What is known of an article's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// The text itself.
    Text(String),
    /// Bags only.
    Segments(Vec<Segment>),
}

/// An article: a name, its words, and whatever else came with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Names the article; unique in its collection.
    pub id: String,
    /// Its words.
    pub body: Body,
    /// Every other field of its record (outlet, date, url, …), kept as it came.
    pub fields: Map<String, Value>,
    /// Where it was read.
    pub place: Place,
}

impl Document {
    /// A text without further facts.
    pub fn from_text(id: impl Into<String>, text: impl Into<String>) -> Self {
        Document { id: id.into(), body: Body::Text(text.into()), fields: Map::new(), place: Place::default() }
    }

    /// Calls `sink` with every normalised word and a count, in the order in which they stand (a word
    /// may come several times). Text and bags pass through the same tokeniser and normaliser, so a
    /// text and its bag give the same words with the same total counts.
    pub fn each_word(&self, normalizer: &Normalizer, mut sink: impl FnMut(&str, u32)) {
        let mut word = String::new();
        let mut pass = |text: &str, count: u32| {
            for token in tokens(text) {
                normalizer.word(text, &token, &mut word);
                if !word.is_empty() {
                    sink(&word, count);
                }
            }
        };
        match &self.body {
            Body::Text(text) => pass(text, 1),
            Body::Segments(segments) => {
                for (token, &count) in segments.iter().flat_map(|segment| &segment.bag.0) {
                    pass(token, count);
                }
            }
        }
    }

    /// Number of its words, as the default normaliser leaves them.
    pub fn n_words(&self) -> u64 {
        let mut words = 0_u64;
        self.each_word(&Normalizer::default(), |_, count| words += u64::from(count));
        words
    }

    /// The bags of its segments: made from the text, or as they came.
    pub fn segments(&self) -> Vec<Segment> {
        match &self.body {
            Body::Segments(segments) => segments.clone(),
            Body::Text(text) => {
                let tokens: Vec<Token> = tokens(text).collect();
                segments(text, &tokens)
                    .into_iter()
                    .map(|span| Segment { voice: span.voice, bag: Bag::of(text, &tokens[span.tokens]) })
                    .collect()
            }
        }
    }

    /// Tells whether two documents have the same words, whatever their ids and voices: the first eight
    /// bytes of the SHA-256 of the bag of all words, little-endian.
    pub fn fingerprint(&self) -> u64 {
        let mut all = Bag::default();
        for (token, count) in self.segments().into_iter().flat_map(|segment| segment.bag.0) {
            let sum = all.0.entry(token).or_insert(0);
            *sum = sum.saturating_add(count);
        }
        // Serialising a map with string keys cannot fail.
        let digest = Sha256::digest(serde_json::to_string(&all).unwrap_or_default());
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        u64::from_le_bytes(first)
    }

    /// A field's text; numbers and booleans as they are written. Null and absent are `None`.
    pub fn field(&self, name: &str) -> Option<String> {
        match self.fields.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            other => Some(other.to_string()),
        }
    }
}

/// SHA-256 of segments, over their canonical JSON: the identity of an article of which no text is
/// kept. Lower-case hexadecimal.
pub fn features_digest(segments: &[Segment]) -> String {
    // Serialising maps with string keys cannot fail.
    sha256_hex(serde_json::to_string(segments).unwrap_or_default().as_bytes())
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(document: &Document) -> BTreeMap<String, u32> {
        let mut counts = BTreeMap::new();
        document.each_word(&Normalizer::default(), |word, count| {
            *counts.entry(word.to_owned()).or_insert(0) += count;
        });
        counts
    }

    #[test]
    fn the_digest_is_that_of_the_canonical_json() {
        let document = Document::from_text("a", "قال «نعم نعم»");
        let segments = document.segments();
        assert_eq!(
            serde_json::to_string(&segments).unwrap(),
            r#"[{"voice":"narration","bag":{"قال":1}},{"voice":"quotation","bag":{"نعم":2}}]"#
        );
        assert_eq!(features_digest(&[]), sha256_hex(b"[]"));
    }

    proptest! {
        #[test]
        fn a_text_and_its_bags_have_the_same_words(text in "[ا-يأإىة\u{64B}-\u{652}ـ a-zA-Z@#_:/.0-9٠-٩👍❤️\u{200F}«»\"\n]{0,120}") {
            let document = Document::from_text("a", text);
            let bags = Document { body: Body::Segments(document.segments()), ..document.clone() };
            prop_assert_eq!(words(&document), words(&bags));
            prop_assert_eq!(document.fingerprint(), bags.fingerprint());
            prop_assert_eq!(document.segments(), bags.segments());
        }
    }
}
