//! One JSON object a line: texts or bag records.

use std::path::Path;

use serde_json::{Map, Value};

use super::record::Columns;
use crate::document::Document;
use crate::error::{Error, Place, Result};

/// The records of a text; empty lines are passed over.
pub fn documents(text: &str, path: &Path, columns: &Columns) -> Vec<Result<Document>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(index, line)| document(line, Place::line(path, index as u64 + 1), columns)).collect()
}

/// The record of one line.
///
/// # Errors
/// [`Error::Malformed`].
pub fn document(line: &str, place: Place, columns: &Columns) -> Result<Document> {
    let fields: Map<String, Value> = serde_json::from_str(line).map_err(|error| {
        let column = error.column();
        Error::malformed(
            place.clone(),
            format!("column {column}: not a JSON object ({error}); each line must hold one"),
        )
    })?;
    let number = place.line.unwrap_or(0);
    columns.document(fields, place, number)
}
