//! The evaluation for programs, and for the next evaluation to be compared with.
//!
//! Indented for reading and for `diff`, but each prediction and each figure on a line of its own: an
//! example that is judged otherwise is one changed line.

use std::path::Path;

use serde_json::{Map, Value};

use super::{Render, Report};
use crate::error::{Error, Place, Result};
use crate::evaluate::evaluation::{Evaluation, SCHEMA};

/// `evaluation.json`.
#[derive(Debug, Clone, Copy)]
pub struct Json;

/// What to do about a file that is something else.
const FOREIGN: &str = "give a file that `kzstance evaluate --report` wrote (evaluation.json)";

/// The widest thing that is put on one line.
const WIDTH: usize = 160;

impl Render for Json {
    fn name(&self) -> &'static str {
        "evaluation.json"
    }

    fn render(&self, report: &Report) -> String {
        // Serialising plain data cannot fail.
        let mut value = serde_json::to_value(&report.evaluation).unwrap_or_default();
        if let Value::Object(fields) = &mut value
            && !report.gates.is_empty()
        {
            fields.insert("gates".into(), serde_json::to_value(&report.gates).unwrap_or_default());
        }
        let mut out = String::new();
        write(&mut out, &value, "", 0);
        out + "\n"
    }
}

/// Writes a value, and the members of what is under `predictions` on a line each.
fn write(out: &mut String, value: &Value, key: &str, depth: usize) {
    let (open, close, n) = match value {
        Value::Array(members) => ('[', ']', members.len()),
        Value::Object(fields) => ('{', '}', fields.len()),
        scalar => return *out += &scalar.to_string(),
    };
    if n == 0 || on_one_line(value) {
        return *out += &value.to_string();
    }
    let indent = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    out.push(open);
    match value {
        Value::Array(members) => {
            for (place, member) in members.iter().enumerate() {
                *out += if place > 0 { "," } else { "" };
                indent(out, depth + 1);
                if key == "predictions" {
                    *out += &member.to_string();
                } else {
                    write(out, member, "", depth + 1);
                }
            }
        }
        Value::Object(fields) => {
            for (place, (name, member)) in fields.iter().enumerate() {
                *out += if place > 0 { "," } else { "" };
                indent(out, depth + 1);
                *out += &format!("{}: ", Value::from(name.as_str()));
                write(out, member, name, depth + 1);
            }
        }
        _ => {}
    }
    indent(out, depth);
    out.push(close);
}

/// Whether a value holds scalars and short lists of them alone, and not many.
fn on_one_line(value: &Value) -> bool {
    let scalar = |value: &Value| !value.is_array() && !value.is_object();
    let flat = match value {
        Value::Array(members) => members.iter().all(scalar),
        Value::Object(fields) => fields.values().all(scalar),
        _ => true,
    };
    flat && value.to_string().len() <= WIDTH
}

/// Reads what [`Json`] wrote.
///
/// # Errors
/// [`Error::Read`], and [`Error::Malformed`] for what is damaged, of another version, or something else.
pub fn read_evaluation(path: &Path) -> Result<Evaluation> {
    let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    let damaged = |problem: &serde_json::Error, remedy: &str| {
        let place = Place::line(path, problem.line().max(1) as u64);
        Error::malformed(place, format!("this is no whole evaluation ({problem}); {remedy}"))
    };
    let fields: Map<String, Value> =
        serde_json::from_slice(bytes).map_err(|problem| damaged(&problem, FOREIGN))?;
    let foreign = |problem: String| Err(Error::malformed(Place::file(path), problem));
    let Some(schema) = fields.get("schema").and_then(Value::as_str) else {
        return foreign(format!("this is JSON, but no evaluation: it names no schema; {FOREIGN}"));
    };
    if schema != SCHEMA {
        let shown = super::words::clipped(schema, 60);
        return foreign(match (version(schema), version(SCHEMA)) {
            (Some(found), Some(own)) if found < own => format!(
                "its schema «{shown}» is older than {SCHEMA}, the one that is read here; evaluate again with this version"
            ),
            (Some(_), _) => format!(
                "its schema «{shown}» is newer than {SCHEMA}, the one that is read here; update kzstance, or evaluate again with this version"
            ),
            _ => format!("its schema is «{shown}», not {SCHEMA}; {FOREIGN}"),
        });
    }
    serde_json::from_slice(bytes).map_err(|problem| damaged(&problem, "evaluate again"))
}

/// The number of a schema of evaluations.
fn version(schema: &str) -> Option<u64> {
    schema.strip_prefix("kzstance-evaluation/")?.parse().ok()
}
