//! The stand-off annotation of the seeds' segments: complete, in its place, and of these very texts.

mod common;

use std::collections::BTreeMap;

use common::{root, shared_seeds};
use kzstance::document::{Bag, Document, sha256_hex};
use kzstance::text::{Token, tokens};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Row {
    id: String,
    segment: usize,
    start: usize,
    end: usize,
    sha256: String,
    voice: String,
    speaker: String,
    stance: String,
    speaker_stance: String,
    sentiment: String,
    confidence: u8,
    note: String,
}

fn rows() -> Vec<Row> {
    let path = root().join("labels/segments.csv");
    csv::Reader::from_path(path).unwrap().into_deserialize().map(Result::unwrap).collect()
}

/// How many segments the features of each seed have.
fn kept() -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for entry in std::fs::read_dir(root().join("seeds")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("00") {
            let record: serde_json::Value =
                serde_json::from_str(std::fs::read_to_string(&path).unwrap().trim()).unwrap();
            counts.insert(
                record["id"].as_str().unwrap().to_owned(),
                record["segments"].as_array().unwrap().len(),
            );
        }
    }
    counts
}

#[test]
fn every_segment_of_every_seed_is_annotated_once_in_order() {
    let rows = rows();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut last = (String::new(), 0);
    for row in &rows {
        let count = counts.entry(row.id.clone()).or_insert(0);
        assert_eq!(row.segment, *count, "{}", row.id);
        *count += 1;
        let begins = if row.id == last.0 { last.1 } else { 0 };
        assert!(begins <= row.start && row.start < row.end, "{row:?}");
        last = (row.id.clone(), row.end);
    }
    assert_eq!(counts.len(), 5);
    assert_eq!(counts, kept());
}

#[test]
fn an_annotation_says_what_the_guide_asks_and_holds_no_text() {
    for row in rows() {
        assert!(["narration", "quotation", "attribution"].contains(&row.voice.as_str()), "{row:?}");
        assert!(["favor", "against", "none"].contains(&row.stance.as_str()), "{row:?}");
        assert!(["positive", "negative", "neutral"].contains(&row.sentiment.as_str()), "{row:?}");
        assert!((1..=3).contains(&row.confidence), "{row:?}");
        // Somebody else's words have a speaker with a stance, the author's have neither.
        let relayed = row.voice != "narration";
        assert_eq!(!row.speaker_stance.is_empty(), relayed, "{row:?}");
        assert_eq!(!row.speaker.is_empty(), relayed, "{row:?}");
        let arabic = |text: &str| text.chars().any(|c| ('\u{620}'..='\u{64A}').contains(&c));
        assert!(!arabic(&row.speaker) && !arabic(&row.note), "{row:?}");
    }
}

#[test]
fn offsets_and_hashes_are_those_of_the_seeds() {
    let Some(seeds) = shared_seeds() else { return };
    let mut texts: BTreeMap<String, (Vec<char>, Document)> = BTreeMap::new();
    for row in rows() {
        let (chars, document) = texts.entry(row.id.clone()).or_insert_with(|| {
            let text = std::fs::read_to_string(seeds.join(format!("{}.txt", row.id))).unwrap();
            (text.chars().collect(), Document::from_text(&row.id, text))
        });
        let words: String = chars[row.start..row.end].iter().collect();
        assert_eq!(sha256_hex(words.as_bytes()), row.sha256, "{} {}", row.id, row.segment);
        let found: Vec<Token> = tokens(&words).collect();
        assert_eq!(
            document.segments()[row.segment].bag,
            Bag::of(&words, &found),
            "{} {}",
            row.id,
            row.segment
        );
    }
}
