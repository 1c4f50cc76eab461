//! What `kzstance score` wrote, read again: JSONL, CSV or Parquet.

use std::path::Path;

use serde_json::{Map, Value};

use super::{Form, ReadOptions, csv, form, parquet_rows, read_text};
use crate::error::{Error, Place, Result};
use crate::label::Axis;

/// The abstention of an article that is not about the target.
pub const OFF_TARGET: &str = "off-target";
/// The key of a judgement that was made under other shares of the classes than the model's own; it holds them.
pub const ASSUMED: &str = "assumed";
/// With an axis's name behind, the key of the same fact in the metadata of a table in Parquet.
pub const ASSUMED_KEY: &str = "kzstance.assumed.";
/// The axis that tells whether an article is about the target.
const ON_TARGET: &str = "on_target";
/// How far from 1 the probabilities of an article may sum.
const SUM_TOLERANCE: f64 = 0.02;
/// What to do about a file that was not scored.
const REMEDY: &str = "give what «kzstance score --format jsonl» or «--format csv» wrote";

/// Named fields and where they stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The fields, in their order.
    pub fields: Map<String, Value>,
    /// Where they were read.
    pub place: Place,
}

impl Record {
    /// A field as text; `None` where it is missing, null or empty.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.fields.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned),
            other => Some(other.to_string()),
        }
    }
}

/// An article as it was scored on one axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The class decided on.
    pub decided: usize,
    /// One a class, 0 to 1, summing to 1.
    pub probabilities: Vec<f64>,
    /// Whether it was set aside as not being about the target, by any axis, or judged to be false by `on_target`: an
    /// article that was abstained from for another reason may be off target too.
    pub off_target: bool,
    /// Why this axis abstained, if it did.
    pub abstain: Option<String>,
}

/// The records of a `.jsonl`, `.csv`, `.tsv` or `.parquet` file; a bad one is an item of its own.
///
/// # Errors
/// [`Error::Usage`] for another form, and what makes the whole file unreadable.
pub fn read_records(
    path: &Path,
    options: &ReadOptions,
    told: &mut dyn FnMut(String),
) -> Result<Vec<Result<Record>>> {
    let form = form(path);
    // What cannot be opened is said first.
    std::fs::metadata(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    match form {
        Some(Form::Jsonl) => Ok(jsonl(&read_text(path, options, told)?, path)),
        Some(Form::Separated(separator)) => table(&read_text(path, options, told)?, path, separator),
        Some(Form::Parquet) => {
            refuse_assumed(path)?;
            let record = |(row, fields)| Record { fields, place: Place::line(path, row) };
            Ok(parquet_rows(path)?.into_iter().map(|row| row.map(record)).collect())
        }
        _ => {
            let path = path.display();
            Err(Error::Usage(format!("{path}: unknown form; give a .jsonl, .csv, .tsv or .parquet file")))
        }
    }
}

/// Refuses a table whose metadata says that its probabilities are those under other shares than the model's.
#[cfg(feature = "parquet")]
fn refuse_assumed(path: &Path) -> Result<()> {
    let file = super::parquet::ParquetFile::open(path)?;
    match file.metadata().iter().find_map(|(key, _)| key.strip_prefix(ASSUMED_KEY)) {
        Some(axis) => Err(Error::malformed(Place::file(path), of_other_shares(axis))),
        None => Ok(()),
    }
}

// As its namesake, which can fail.
#[cfg(not(feature = "parquet"))]
#[allow(clippy::unnecessary_wraps)]
fn refuse_assumed(_: &Path) -> Result<()> {
    Ok(())
}

fn of_other_shares(axis: &str) -> String {
    format!(
        "the probabilities of {axis} are those under other shares than the model's («score --prior»), and its errors were not measured so; score it again without --prior"
    )
}

/// The records of a text that has no name: JSONL where it begins with an object, CSV elsewhere.
///
/// # Errors
/// What makes the whole text unreadable.
pub fn records_of(text: &str, name: &Path) -> Result<Vec<Result<Record>>> {
    let text = text.trim_start_matches('\u{FEFF}');
    if text.trim_start().starts_with('{') { Ok(jsonl(text, name)) } else { table(text, name, b',') }
}

fn jsonl(text: &str, path: &Path) -> Vec<Result<Record>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            let place = Place::line(path, index as u64 + 1);
            serde_json::from_str(line).map(|fields| Record { fields, place: place.clone() }).map_err(
                |error| {
                    let column = error.column();
                    Error::malformed(
                        place,
                        format!("column {column}: not a JSON object ({error}); each line must hold one"),
                    )
                },
            )
        })
        .collect()
}

fn table(text: &str, path: &Path, separator: u8) -> Result<Vec<Result<Record>>> {
    let header = text.lines().next().unwrap_or_default();
    let written = char::from(separator);
    if let Some(other) = [',', ';', '\t'].into_iter().find(|&other| header.contains(other))
        && !header.contains(written)
    {
        let remedy = match (other, written) {
            ('\t', ',') => "name it .tsv",
            (',', '\t') => "name it .csv",
            _ => "save it again with commas, as .csv",
        };
        let problem = format!("the columns are separated by {other:?}, and {written:?} is wanted; {remedy}");
        return Err(Error::malformed(Place::line(path, 1), problem));
    }
    let rows = csv::rows(text, path, separator)?.into_iter();
    Ok(rows.map(|row| row.map(|(line, fields)| Record { fields, place: Place::line(path, line) })).collect())
}

/// The axes that a record was scored on, with their classes in order.
fn axes(fields: &Map<String, Value>) -> Vec<(String, Vec<String>)> {
    let of = |(name, value): (&String, &Value)| {
        let classes: Vec<String> = match value {
            Value::Object(judged) if judged.contains_key("label") => {
                judged.get("probabilities")?.as_object()?.keys().cloned().collect()
            }
            Value::String(_) => {
                let start = format!("{name}_p_");
                fields.keys().filter_map(|key| key.strip_prefix(&start)).map(str::to_owned).collect()
            }
            _ => return None,
        };
        (classes.len() >= 2).then(|| (name.clone(), classes))
    };
    fields.iter().filter_map(of).collect()
}

/// The axis that records were scored on: the one of the name `wanted`, else the first.
///
/// # Errors
/// [`Error::Malformed`] where the first record was not scored at all, [`Error::Usage`] with the axes there
/// are where it has not the one wanted, [`Error::Empty`] for no record.
pub fn axis_of(records: &[Result<Record>], wanted: Option<&str>, path: &Path) -> Result<Axis> {
    let Some(record) = records.iter().flatten().next() else {
        let problem = format!("there is no scored article in it; {REMEDY}");
        return Err(Error::Empty { place: Place::file(path), problem });
    };
    let found = axes(&record.fields);
    if found.is_empty() {
        let problem = format!("this was not scored: it has no label with its probabilities; {REMEDY}");
        return Err(Error::malformed(record.place.clone(), problem));
    }
    let named = found.iter().find(|(name, _)| wanted.is_none_or(|wanted| wanted == name));
    named.map(|(name, classes)| Axis::named(name, classes)).ok_or_else(|| {
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        Error::Usage(format!(
            "{}: there is no axis «{}»; there are: {}",
            path.display(),
            wanted.unwrap_or_default(),
            names.join(", ")
        ))
    })
}

/// Whether a record holds a judgement on an axis.
pub fn is_scored(record: &Record, axis: &Axis) -> bool {
    axes(&record.fields).iter().any(|(name, _)| *name == axis.name)
}

/// What a record says of one axis.
///
/// # Errors
/// [`Error::Malformed`] where it says nothing, or nothing that can be; [`Error::UnknownLabel`].
pub fn scored(record: &Record, axis: &Axis) -> Result<Scored> {
    let bad = |problem: String| Error::malformed(record.place.clone(), problem);
    let name = &axis.name;
    let absent = || bad(format!("there is no {name} with its probabilities; {REMEDY}"));
    let value = record.fields.get(name).ok_or_else(absent)?;
    let nested = value.as_object();
    let label = nested.map_or(Some(value), |judged| judged.get("label")).and_then(Value::as_str);
    let decided = axis.parse(label.ok_or_else(absent)?, &record.place)?;
    let of_class = |class: &String| -> Result<f64> {
        let found = match nested {
            Some(judged) => judged.get("probabilities").and_then(|each| each.get(class)),
            None => record.fields.get(&format!("{name}_p_{class}")),
        };
        let number = match found.ok_or_else(absent)? {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        };
        number
            .filter(|p| (0.0..=1.0).contains(p))
            .ok_or_else(|| bad(format!("the probability of {class} is not a number from 0 to 1; {REMEDY}")))
    };
    let probabilities: Vec<f64> = axis.classes.iter().map(of_class).collect::<Result<_>>()?;
    let sum: f64 = probabilities.iter().sum();
    if (sum - 1.0).abs() > SUM_TOLERANCE {
        return Err(bad(format!("the probabilities of {name} sum to {sum}, not to 1; {REMEDY}")));
    }
    if nested.is_some_and(|judged| judged.contains_key(ASSUMED)) {
        return Err(bad(of_other_shares(name)));
    }
    let probabilities = probabilities.into_iter().map(|p| p / sum).collect();
    let abstain = match nested {
        Some(judged) => judged.get("abstain"),
        None => record.fields.get(&format!("{name}_abstain")),
    };
    let abstain = abstain.and_then(Value::as_str).filter(|reason| !reason.is_empty()).map(str::to_owned);
    Ok(Scored { decided, probabilities, off_target: is_off_target(record), abstain })
}

/// Whether any axis abstained as off target, or `on_target` was judged to be false. JSONL has that label; CSV has its
/// probability alone, of which less than one half is always false.
fn is_off_target(record: &Record) -> bool {
    let says = |value: Option<&Value>, word: &str| value.and_then(Value::as_str) == Some(word);
    let abstained = record.fields.iter().any(|(key, value)| match value {
        Value::Object(judged) => says(judged.get("abstain"), OFF_TARGET),
        other => key.ends_with("_abstain") && says(Some(other), OFF_TARGET),
    });
    let judged = record.fields.get(ON_TARGET).and_then(Value::as_object);
    let is_false = judged.is_some_and(|judged| says(judged.get("label"), "false"));
    let p = record.text(&format!("{ON_TARGET}_p_true")).and_then(|p| p.parse::<f64>().ok());
    abstained || is_false || p.is_some_and(|p| p < 0.5)
}
