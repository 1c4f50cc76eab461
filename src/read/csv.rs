//! Rows of a table with a header line. No value is ever taken for missing: "None" is text.

use std::path::Path;

use serde_json::{Map, Value};

use super::record::Columns;
use crate::document::Document;
use crate::error::{Error, Place, Result};

/// A row: its line and its fields by name.
pub(crate) type Row = (u64, Map<String, Value>);

/// The rows of a table; a row that does not fit its header is an item of its own.
///
/// # Errors
/// [`Error::Malformed`] for a header that cannot be used.
pub(crate) fn rows(text: &str, path: &Path, separator: u8) -> Result<Vec<Result<Row>>> {
    let mut reader =
        ::csv::ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(text.as_bytes());
    let header =
        reader.headers().map_err(|error| Error::malformed(Place::line(path, 1), error.to_string()))?.clone();
    let names: Vec<&str> = header.iter().map(str::trim).collect();
    for (index, name) in names.iter().enumerate() {
        if !name.is_empty() && names[..index].contains(name) {
            let problem = format!("two columns are called «{name}»; rename one");
            return Err(Error::malformed(Place::line(path, 1), problem));
        }
    }
    let rows = reader.records().map(|record| {
        let record = record.map_err(|error| {
            let line = error.position().map_or(1, ::csv::Position::line);
            Error::malformed(Place::line(path, line), error.to_string())
        })?;
        let line = record.position().map_or(1, ::csv::Position::line);
        if record.len() != names.len() {
            let problem = format!(
                "{} fields where the header has {}; quote fields that hold a separator, a quotation mark or a line break",
                record.len(),
                names.len()
            );
            return Err(Error::malformed(Place::line(path, line), problem));
        }
        let fields = names.iter().zip(&record).map(|(name, value)| ((*name).to_owned(), Value::from(value)));
        Ok((line, fields.collect()))
    });
    Ok(rows.collect())
}

/// The documents of a table.
///
/// # Errors
/// [`Error::Malformed`]: a header that cannot be used.
pub fn documents(text: &str, path: &Path, separator: u8, columns: &Columns) -> Result<Vec<Result<Document>>> {
    let document = |(index, row): (usize, Result<Row>)| {
        let (line, fields) = row?;
        columns.document(fields, Place::line(path, line), index as u64 + 1)
    };
    Ok(rows(text, path, separator)?.into_iter().enumerate().map(document).collect())
}
