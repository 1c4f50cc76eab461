//! Reading: articles in any of the accepted forms, and folders or files of labels.

pub mod annotations;
pub mod block;
pub mod blocks;
pub mod csv;
pub mod jsonl;
pub mod labels;
mod open;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod record;
pub mod scored;

use std::path::{Path, PathBuf};

use crate::document::Document;
use crate::error::{Error, Place, Result};
use crate::text::{Encoding, decode};
use crate::write::Compression;

use open::read_all;

pub use block::{Block, Found};
pub use blocks::{Blocks, Input, Position, RECORD_LIMIT};
pub use labels::{Problems, read_labels};
pub use record::Columns;

/// Documents of a Parquet table that are handed on together.
#[cfg(feature = "parquet")]
const PARQUET_BATCH: usize = 1024;

/// How input is read.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// Encoding of text files; found by evidence where `None`.
    pub encoding: Option<Encoding>,
    /// Which column or field plays which part.
    pub columns: Columns,
}

/// The forms of input, told by a file's ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Jsonl,
    Separated(u8),
    Parquet,
}

/// A compressed file has the form that its ending before `.gz` or `.zst` tells.
fn form(path: &Path) -> Option<Form> {
    match open::uncompressed(path).extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "txt" => Some(Form::Text),
        "jsonl" | "ndjson" => Some(Form::Jsonl),
        "csv" => Some(Form::Separated(b',')),
        "tsv" => Some(Form::Separated(b'\t')),
        // Its columns are compressed within; a reader wants to go to and fro in the file.
        "parquet" if Compression::of(path).is_none() => Some(Form::Parquet),
        _ => None,
    }
}

/// What names the article of a text file.
fn stem(path: &Path) -> String {
    open::uncompressed(path).file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The files that inputs stand for: files themselves, and in folders every file of a known form,
/// folders below included, sorted by name.
///
/// # Errors
/// [`Error::Read`], [`Error::Usage`] for an unknown form, [`Error::Empty`] for a folder without any.
pub fn files(inputs: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for input in inputs {
        let read = |source| Error::Read { path: input.clone(), source };
        if !std::fs::metadata(input).map_err(read)?.is_dir() {
            if form(input).is_none() {
                let path = input.display();
                return Err(Error::Usage(format!(
                    "{path}: unknown form; give .txt, .jsonl, .csv, .tsv, .parquet or a folder of these (.gz or .zst may stand behind)"
                )));
            }
            files.push(input.clone());
            continue;
        }
        let before = files.len();
        walk(input, &mut files)?;
        if files.len() == before {
            let problem =
                "no .txt, .jsonl, .csv, .tsv or .parquet file in this folder (.gz or .zst may stand behind)"
                    .into();
            return Err(Error::Empty { place: Place::file(input), problem });
        }
    }
    Ok(files)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let read = |source| Error::Read { path: folder.to_owned(), source };
    let mut entries =
        std::fs::read_dir(folder).map_err(read)?.collect::<Result<Vec<_>, _>>().map_err(read)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if form(&path).is_some() {
            files.push(path);
        }
    }
    Ok(())
}

/// The documents of a file, in order; a bad record is an item of its own, so that a caller may go
/// on. `told` is given what a reader should know: encodings other than plain UTF-8.
///
/// # Errors
/// What makes the whole file unreadable.
pub fn read_file(
    path: &Path,
    options: &ReadOptions,
    told: &mut dyn FnMut(String),
) -> Result<Vec<Result<Document>>> {
    if form(path) == Some(Form::Parquet) {
        return parquet_documents(path, &options.columns);
    }
    documents_of(&read_all(path)?, path, options, told)
}

/// The documents of a file's decompressed bytes.
fn documents_of(
    bytes: &[u8],
    path: &Path,
    options: &ReadOptions,
    told: &mut dyn FnMut(String),
) -> Result<Vec<Result<Document>>> {
    let text = text_of(bytes, path, options, told)?;
    match form(path) {
        Some(Form::Jsonl) => Ok(jsonl::documents(&text, path, &options.columns)),
        Some(Form::Separated(separator)) => csv::documents(&text, path, separator, &options.columns),
        _ => Ok(vec![Ok(Document { place: Place::file(path), ..Document::from_text(stem(path), text) })]),
    }
}

/// Calls `each` with some thousand documents of a table at a time, those of the first `before` rows left out,
/// until it has enough. What is wrong with the table as a whole comes as such a batch too.
#[cfg(feature = "parquet")]
fn each_parquet_batch(
    path: &Path,
    before: u64,
    columns: &Columns,
    mut each: impl FnMut(Vec<Result<Document>>, u64) -> std::ops::ControlFlow<()>,
) {
    let file = match parquet::ParquetFile::open(path) {
        Ok(file) => file,
        Err(error) => {
            let _ = each(vec![Err(error)], before);
            return;
        }
    };
    let (mut rows, mut batch) = (0, Vec::new());
    for group in 0..file.row_groups() {
        let end = rows + file.group_rows(group);
        if end > before {
            match file.documents(group, columns, None) {
                Ok(documents) => {
                    for document in documents {
                        rows += 1;
                        if rows > before {
                            batch.push(document);
                        }
                        if batch.len() >= PARQUET_BATCH && each(std::mem::take(&mut batch), rows).is_break() {
                            return;
                        }
                    }
                }
                Err(error) => batch.push(Err(error)),
            }
        }
        rows = end;
        if !batch.is_empty() && each(std::mem::take(&mut batch), rows).is_break() {
            return;
        }
    }
}

#[cfg(not(feature = "parquet"))]
fn each_parquet_batch(
    path: &Path,
    before: u64,
    _: &Columns,
    mut each: impl FnMut(Vec<Result<Document>>, u64) -> std::ops::ControlFlow<()>,
) {
    let _ = each(vec![Err(without_parquet(path))], before);
}

#[cfg(feature = "parquet")]
fn parquet_documents(path: &Path, columns: &Columns) -> Result<Vec<Result<Document>>> {
    parquet::documents(path, columns)
}

/// The rows of a table: the number of each, from 1, and its fields.
#[cfg(feature = "parquet")]
fn parquet_rows(path: &Path) -> Result<Vec<Result<csv::Row>>> {
    parquet::rows(path)
}

#[cfg(not(feature = "parquet"))]
fn parquet_documents(path: &Path, _: &Columns) -> Result<Vec<Result<Document>>> {
    Err(without_parquet(path))
}

#[cfg(not(feature = "parquet"))]
fn parquet_rows(path: &Path) -> Result<Vec<Result<csv::Row>>> {
    Err(without_parquet(path))
}

/// That a build without Parquet cannot read a file.
#[cfg(not(feature = "parquet"))]
fn without_parquet(path: &Path) -> Error {
    let path = path.display();
    Error::Usage(format!(
        "{path}: this program was built without Parquet; convert the table to .csv or .jsonl, or build it with --features parquet"
    ))
}

/// A file's text, decompressed where its ending is `.gz` or `.zst`.
///
/// # Errors
/// [`Error::Read`], and those of [`decode()`].
pub fn read_text(path: &Path, options: &ReadOptions, told: &mut dyn FnMut(String)) -> Result<String> {
    text_of(&read_all(path)?, path, options, told)
}

fn text_of(bytes: &[u8], path: &Path, options: &ReadOptions, told: &mut dyn FnMut(String)) -> Result<String> {
    let decoded = decode(bytes, options.encoding, path)?;
    if decoded.encoding != Encoding::Utf8 {
        told(format!("{}: read as {} ({})", path.display(), decoded.encoding, decoded.evidence));
    }
    Ok(decoded.text)
}
