//! Extracted features: a document without its text, to be shared and kept.
//!
//! After the HathiTrust Research Center's extracted features: unordered counts of surface tokens
//! per segment. The text cannot be read back from them; whoever has it can check it by its hash.

use serde_json::{Map, Value, json};

use crate::document::{Body, Document, features_digest, sha256_hex};

/// Changes whenever the same text could give another record.
pub const EXTRACTOR_VERSION: u32 = 1;

/// The bag record of a document: its id, every other field it came with, and for texts the language
/// and the SHA-256 of the UTF-8 text; then the segments and their SHA-256.
pub fn bag_record(document: &Document) -> Value {
    let mut record = Map::new();
    record.insert("id".into(), json!(document.id));
    record.extend(document.fields.clone());
    if let Body::Text(text) = &document.body {
        if let Some(lang) = language(text) {
            record.entry("lang").or_insert_with(|| json!(lang));
        }
        record.insert("chars".into(), json!(text.chars().count()));
        record.insert("sha256".into(), json!(sha256_hex(text.as_bytes())));
        record.insert("extractor".into(), json!(EXTRACTOR_VERSION));
    }
    let segments = document.segments();
    record.insert("features_sha256".into(), json!(features_digest(&segments)));
    record.insert("segments".into(), json!(segments));
    Value::Object(record)
}

/// `ar` where most letters are Arabic.
fn language(text: &str) -> Option<&'static str> {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let arabic = text.chars().filter(|c| ('\u{620}'..='\u{64A}').contains(c)).count();
    (arabic * 2 > letters).then_some("ar")
}
