//! Tables of single judgements: who judged what, in which round.
//!
//! One row is one judgement: `id`, and `segment` where parts of an article are judged, name the
//! unit; `annotator` and, where there is such a column, `round` say whose judgement it is; each axis
//! has a column. What else a table has is passed over. An empty cell of an axis is no judgement,
//! and "none" is a class.
//!
//! The rater is the round where a table has rounds, so that several annotators who shared one round
//! of labelling count as one reading, else the annotator.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::labels::annotation_tables;
use super::{Form, Problems, ReadOptions, csv, form, parquet_rows, read_text};
use crate::error::{Error, Place, Result};
use crate::label::Axis;

/// Most classes of an axis: a column with more values is a note, not a judgement.
pub const MOST_CLASSES: usize = 100;
/// How sure an annotator can be: from a close call to sure.
pub const CONFIDENCE: std::ops::RangeInclusive<u8> = 1..=3;

/// One row of a table of judgements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The article.
    pub id: String,
    /// The part of it that was judged; `None` for the whole.
    pub segment: Option<String>,
    /// Who judged, or in which round.
    pub rater: String,
    /// One an axis of the table: the index of a class, or `None` where none was given.
    pub labels: Vec<Option<usize>>,
    /// How sure the annotator was: 1 (a close call), 2 or 3 (sure), where it was said. Another scale
    /// than this is not used.
    pub confidence: Option<u8>,
    /// Where it was read.
    pub place: Place,
}

/// A table of judgements. No rater judges a unit twice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Annotations {
    /// The file, as it was named.
    pub path: PathBuf,
    /// The column that says who the rater is.
    pub rater_column: String,
    /// What was judged.
    pub axes: Vec<Axis>,
    /// The judgements, by id, segment and rater.
    pub judgements: Vec<Judgement>,
}

/// Reads the tables of judgements of a labels folder, or one table.
///
/// `wanted` says which axes, and may give their classes. Without it they are those that
/// `labels.toml` lists for each table, or the known axes (stance, sentiment) that a single table
/// has. An axis of the labels has their classes and aliases, a known axis its own, and any other
/// the values that its column holds, sorted.
///
/// Faults of single rows go to `problems` and the row is left out; see [`Problems::into_result`].
///
/// # Errors
/// What makes the whole unreadable, or leaves nothing to read; [`Error::Usage`] for an axis that no
/// table of the folder has.
pub fn read_annotations(
    path: &Path,
    wanted: &[(String, Vec<String>)],
    options: &ReadOptions,
    problems: &mut Problems,
    told: &mut dyn FnMut(String),
) -> Result<Vec<Annotations>> {
    let read = |source| Error::Read { path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(read)?.is_dir() {
        return folder_tables(path, wanted, options, problems, told);
    }
    let axes = wanted.iter().map(|(name, classes)| Axis::named(name, classes)).collect();
    Ok(vec![read_table(path, axes, options, problems, told)?])
}

fn folder_tables(
    folder: &Path,
    wanted: &[(String, Vec<String>)],
    options: &ReadOptions,
    problems: &mut Problems,
    told: &mut dyn FnMut(String),
) -> Result<Vec<Annotations>> {
    let manifest = folder.join("labels.toml");
    if !manifest.exists() {
        let problem = "there is no labels.toml here; give a folder that has one, or a .csv, .tsv, .jsonl or .parquet file of judgements";
        return Err(Error::Empty { place: Place::file(folder), problem: problem.into() });
    }
    let (own, tables) = annotation_tables(folder, told)?;
    if tables.is_empty() {
        let problem = "no [[annotations]] are listed; list each table's file and axes, or give a file of judgements itself";
        return Err(Error::Empty { place: Place::file(&manifest), problem: problem.into() });
    }
    if let Some(table) = tables.iter().find(|table| table.axes.is_empty()) {
        let problem = format!("{} has no axes; list its columns of judgement", table.file.display());
        return Err(Error::malformed(Place::file(&manifest), problem));
    }
    let is_there = |name: &String| tables.iter().any(|table| table.axes.contains(name));
    if let Some((name, _)) = wanted.iter().find(|(name, _)| !is_there(name)) {
        let problem = format!("{}: no table of judgements has an axis «{name}»", manifest.display());
        return Err(Error::Usage(problem));
    }
    let mut found = Vec::new();
    for table in tables {
        let axes: Vec<Axis> = table.axes.iter().filter_map(|name| folder_axis(name, &own, wanted)).collect();
        if !axes.is_empty() {
            found.push(read_table(&folder.join(&table.file), axes, options, problems, told)?);
        }
    }
    Ok(found)
}

/// The axis of a table that is called `name`, with classes where they are known; `None` where it is
/// not wanted.
fn folder_axis(name: &str, own: &[Axis], wanted: &[(String, Vec<String>)]) -> Option<Axis> {
    let classes: &[String] = match wanted.iter().find(|(axis, _)| axis == name) {
        Some((_, classes)) => classes,
        None if wanted.is_empty() => &[],
        None => return None,
    };
    let own = own.iter().find(|axis| axis.name == name);
    let own = own.filter(|axis| classes.is_empty() || axis.classes == classes);
    Some(own.cloned().unwrap_or_else(|| Axis::named(name, classes)))
}

/// One table. Without `axes`, the known ones that it has.
fn read_table(
    path: &Path,
    mut axes: Vec<Axis>,
    options: &ReadOptions,
    problems: &mut Problems,
    told: &mut dyn FnMut(String),
) -> Result<Annotations> {
    let before = problems.0.len();
    let mut rows = Vec::new();
    for record in records(path, options, told)? {
        match record {
            Ok((line, fields)) => rows.push((Place::line(path, line), fields)),
            Err(error) => problems.0.push(error),
        }
    }
    if rows.is_empty() && problems.0.len() == before {
        let problem = "there is no judgement here; write one row for each".into();
        return Err(Error::Empty { place: Place::file(path), problem });
    }
    if rows.is_empty() {
        // No row without a fault: that says more than which columns are missing.
        return Ok(Annotations { path: path.to_owned(), axes, ..Annotations::default() });
    }
    let names = column_names(&rows);
    if axes.is_empty() {
        axes = vec![Axis::stance(), Axis::sentiment()];
        axes.retain(|axis| column(&axis.name, &names, options).is_some());
    }
    if axes.is_empty() {
        let problem = "neither a stance nor a sentiment column; name one with --columns stance=NAME, or another axis with --axis";
        return Err(Error::malformed(Place::line(path, 1), problem));
    }
    let mut seen = BTreeSet::new();
    axes.retain(|axis| seen.insert(axis.name.clone()));
    let parts = Parts::find(&names, &axes, path, options)?;
    for (axis, name) in axes.iter_mut().zip(&parts.axes) {
        if axis.classes.is_empty() {
            axis.classes = values(&rows, name);
        }
        if axis.classes.len() > MOST_CLASSES {
            let problem = format!(
                "«{name}» has {} classes, and an axis {MOST_CLASSES} at most; name a column of judgement, or give its classes with --axis {}=CLASS,...",
                axis.classes.len(),
                axis.name
            );
            return Err(Error::malformed(Place::line(path, 1), problem));
        }
    }
    let mut judgements = Vec::new();
    for (place, fields) in rows {
        match parts.judgement(&fields, &axes, place) {
            Ok(judgement) => judgements.push(judgement),
            Err(error) => problems.0.push(error),
        }
    }
    Ok(Annotations {
        path: path.to_owned(),
        rater_column: parts.rater.to_owned(),
        judgements: without_duplicates(judgements, parts.rater, problems),
        axes,
    })
}

/// The rows of a table; one that cannot be read is an item of its own.
fn records(
    path: &Path,
    options: &ReadOptions,
    told: &mut dyn FnMut(String),
) -> Result<Vec<Result<csv::Row>>> {
    match form(path) {
        Some(Form::Separated(separator)) => csv::rows(&read_text(path, options, told)?, path, separator),
        Some(Form::Jsonl) => {
            let text = read_text(path, options, told)?;
            let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
            Ok(lines.map(|(index, line)| object(line, path, index as u64 + 1)).collect())
        }
        Some(Form::Parquet) => parquet_rows(path),
        Some(Form::Text) | None => {
            let problem = "unknown form; judgements stand in a .csv, .tsv, .jsonl or .parquet file";
            Err(Error::malformed(Place::file(path), problem))
        }
    }
}

fn object(line: &str, path: &Path, number: u64) -> Result<csv::Row> {
    let fields = serde_json::from_str(line).map_err(|error| {
        let column = error.column();
        let problem = format!("column {column}: not a JSON object ({error}); each line must hold one");
        Error::malformed(Place::line(path, number), problem)
    })?;
    Ok((number, fields))
}

/// The names of all fields, in the order in which they appear.
fn column_names(rows: &[(Place, Map<String, Value>)]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let names = rows.iter().flat_map(|(_, fields)| fields.keys());
    names.filter(|&name| seen.insert(name)).cloned().collect()
}

/// The column that plays a part.
fn column<'n>(part: &str, names: &'n [String], options: &ReadOptions) -> Option<&'n str> {
    options.columns.find(part, names.iter().map(String::as_str)).filter(|name| !name.is_empty())
}

/// What stands in a cell, without the space around it; `None` for one that is empty or absent.
fn cell(fields: &Map<String, Value>, name: &str, place: &Place) -> Result<Option<String>> {
    let text = match fields.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
        Some(Value::Array(_) | Value::Object(_)) => {
            let problem = format!("{name} is a list or an object; give a text or a number");
            return Err(Error::malformed(place.clone(), problem));
        }
    };
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// The distinct values of a column, sorted; those that differ in case only are one, as everywhere
/// among the labels of an axis.
fn values(rows: &[(Place, Map<String, Value>)], name: &str) -> Vec<String> {
    let mut values: Vec<String> =
        rows.iter().filter_map(|(place, fields)| cell(fields, name, place).ok().flatten()).collect();
    values.sort_by_cached_key(|value| (value.to_lowercase(), value.clone()));
    values.dedup_by_key(|value| value.to_lowercase());
    values
}

/// The columns of a table, by the part they play.
struct Parts<'n> {
    id: &'n str,
    segment: Option<&'n str>,
    rater: &'n str,
    confidence: Option<&'n str>,
    /// One an axis.
    axes: Vec<&'n str>,
}

impl<'n> Parts<'n> {
    fn find(names: &'n [String], axes: &[Axis], path: &Path, options: &ReadOptions) -> Result<Self> {
        let find = |part: &str| column(part, names, options);
        let missing = |part: &str| {
            let problem = format!("there is no column «{part}»; name it with --columns {part}=NAME");
            Error::malformed(Place::line(path, 1), problem)
        };
        let needed = |part: &str| find(part).ok_or_else(|| missing(part));
        Ok(Parts {
            id: needed("id")?,
            segment: find("segment"),
            rater: find("round").map_or_else(|| needed("annotator"), Ok)?,
            confidence: find("confidence"),
            axes: axes.iter().map(|axis| needed(&axis.name)).collect::<Result<_>>()?,
        })
    }

    /// The judgement of a row.
    fn judgement(&self, fields: &Map<String, Value>, axes: &[Axis], place: Place) -> Result<Judgement> {
        let text = |name: &str| cell(fields, name, &place);
        let needed = |name: &str, remedy: &str| {
            let problem = || Error::malformed(place.clone(), format!("a judgement without {name}; {remedy}"));
            text(name)?.ok_or_else(problem)
        };
        let mut labels = Vec::new();
        for (axis, name) in axes.iter().zip(&self.axes) {
            labels.push(text(name)?.map(|label| axis.parse(&label, &place)).transpose()?);
        }
        Ok(Judgement {
            id: needed(self.id, "name the article it is about")?,
            segment: self.segment.map_or(Ok(None), text)?,
            rater: needed(self.rater, "say whose it is")?,
            labels,
            confidence: self
                .confidence
                .map_or(Ok(None), text)?
                .and_then(|sure| sure.parse().ok())
                .filter(|sure| CONFIDENCE.contains(sure)),
            place,
        })
    }
}

/// Judgements by id, segment and rater; where a rater has judged a unit twice, the first row stays.
fn without_duplicates(rows: Vec<Judgement>, rater_column: &str, problems: &mut Problems) -> Vec<Judgement> {
    let mut kept: BTreeMap<(String, Option<String>, String), Judgement> = BTreeMap::new();
    for row in rows {
        let key = (row.id.clone(), row.segment.clone(), row.rater.clone());
        if let Some(first) = kept.get(&key) {
            let segment = row.segment.map(|segment| format!(", segment «{segment}»")).unwrap_or_default();
            let problem = format!(
                "«{}»{segment} is judged by {rater_column} «{}» already at {}; remove one",
                row.id, row.rater, first.place
            );
            problems.0.push(Error::Labels { place: row.place, problem });
        } else {
            kept.insert(key, row);
        }
    }
    kept.into_values().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is read of a table of that name, and the faults of its rows.
    fn read(name: &str, text: &str) -> (Result<Vec<Annotations>>, Problems) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let mut problems = Problems::default();
        let tables = read_annotations(&path, &[], &ReadOptions::default(), &mut problems, &mut |_| ());
        (tables, problems)
    }

    #[test]
    fn columns_are_found_whatever_their_case_and_judgements_are_sorted() {
        let text = "ID,Segment,Annotator,Stance\nb, ,sami,Favour\na,2,sami, \na,1,sami,NONE\n";
        let (tables, problems) = read("own.csv", text);
        assert!(problems.0.is_empty(), "{problems:?}");
        let table = &tables.unwrap()[0];
        assert_eq!(table.rater_column, "Annotator");
        assert_eq!(table.axes, [Axis::stance()]);
        let found = table
            .judgements
            .iter()
            .map(|row| (row.id.as_str(), row.segment.as_deref(), row.labels[0], row.place.line));
        assert_eq!(
            found.collect::<Vec<_>>(),
            [
                ("a", Some("1"), Some(2), Some(4)),
                ("a", Some("2"), None, Some(3)),
                ("b", None, Some(0), Some(2))
            ]
        );
    }

    #[test]
    fn values_that_differ_in_case_are_one_class() {
        let rows = ["true", "False", " TRUE", "", "false", "10", "9"]
            .map(|value| (Place::default(), Map::from_iter([("on_target".to_owned(), Value::from(value))])));
        assert_eq!(values(&rows, "on_target"), ["10", "9", "False", "TRUE"]);
    }

    proptest! {
        #[test]
        fn any_table_is_read_or_refused(
            rows in "(id|annotator|round|stance|confidence|segment|,|\n){0,12}\n([ab,12\n\"\u{64B}]|none|pro){0,60}",
            objects in "(\\{(\"(id|annotator|stance|confidence)\": (1|\"a\"|\"none\"|null|\\[\\]),? ?){0,4}\\}?\n){0,8}",
        ) {
            for (name, text) in [("own.csv", &rows), ("own.tsv", &rows), ("own.jsonl", &objects)] {
                let (tables, _) = read(name, text);
                for table in tables.into_iter().flatten() {
                    let key = |row: &Judgement| (row.id.clone(), row.segment.clone(), row.rater.clone());
                    prop_assert!(table.judgements.is_sorted_by(|a, b| key(a) < key(b)));
                    for row in &table.judgements {
                        prop_assert_eq!(row.labels.len(), table.axes.len());
                        let fits = |(label, axis): (&Option<usize>, &Axis)| label.is_none_or(|label| label < axis.classes.len());
                        prop_assert!(row.labels.iter().zip(&table.axes).all(fits));
                    }
                }
            }
        }
    }
}
