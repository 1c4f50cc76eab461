//! How fast a model scores texts in process, reading and writing left out:
//! `cargo bench --bench scoring -- MODEL TEXTS.jsonl [PASSES]`.
//!
//! Each line of the texts is an object with `text`. Prints JSON: `bytes` of text (UTF-8), `documents`, and the
//! `seconds` of each pass over all of them, `cold` by a scorer and a session that have seen nothing, `warm` by a
//! session that has seen the same texts before. One thread.

use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use kzstance::model::Session;
use kzstance::{Document, Model, Scorer};
use serde_json::{Value, json};

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [model, texts, passes @ ..] = given.as_slice() else {
        // `cargo bench` and `cargo test --benches` run every benchmark, this one without its files.
        eprintln!("scoring: nothing to measure; give a model and a .jsonl file of texts");
        return ExitCode::SUCCESS;
    };
    let passes = passes.first().map_or(Ok(5), |passes| passes.parse());
    let measured = passes.map_err(Into::into).and_then(|passes| measure(model, texts, passes));
    match measured {
        Ok(found) => {
            println!("{found}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("scoring: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// The measured call.
fn score_all(session: &mut Session<'_>, documents: &[Document]) -> usize {
    documents.iter().map(|document| black_box(session.score(document, 0)).heads[0].class).sum()
}

fn measure(model: &str, texts: &str, passes: usize) -> Result<Value, Box<dyn std::error::Error>> {
    let model = Model::open(Path::new(model))?;
    let (mut documents, mut bytes) = (Vec::new(), 0);
    for (index, line) in std::fs::read_to_string(texts)?.lines().enumerate() {
        let record: Value = serde_json::from_str(line)?;
        let text = record["text"].as_str().ok_or_else(|| format!("{texts}:{}: no text", index + 1))?;
        bytes += text.len();
        documents.push(Document::from_text(index.to_string(), text));
    }
    let timed = |session: &mut Session<'_>| {
        let start = Instant::now();
        black_box(score_all(session, &documents));
        start.elapsed().as_secs_f64()
    };
    let (mut cold, mut warm, mut ready) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..passes {
        let start = Instant::now();
        let scorer = Scorer::new(&model)?;
        ready.push(start.elapsed().as_secs_f64());
        let mut session = scorer.session();
        cold.push(timed(&mut session));
        warm.push(timed(&mut session));
    }
    Ok(json!({
        "bytes": bytes, "documents": documents.len(), "ready": summary(ready),
        "cold": summary(cold), "warm": summary(warm),
    }))
}

fn summary(mut seconds: Vec<f64>) -> Value {
    let each = seconds.clone();
    seconds.sort_by(f64::total_cmp);
    json!({ "best": seconds.first(), "median": seconds.get(seconds.len() / 2), "seconds": each })
}
