//! Reading: articles in any of the accepted forms, and folders or files of labels.

pub mod annotations;
pub mod csv;
pub mod jsonl;
pub mod labels;
pub mod record;
pub mod scored;

use std::path::{Path, PathBuf};

use crate::document::Document;
use crate::error::{Error, Place, Result};
use crate::text::{Encoding, decode};

pub use labels::{Problems, read_labels};
pub use record::Columns;

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
}

fn form(path: &Path) -> Option<Form> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "txt" => Some(Form::Text),
        "jsonl" | "ndjson" => Some(Form::Jsonl),
        "csv" => Some(Form::Separated(b',')),
        "tsv" => Some(Form::Separated(b'\t')),
        _ => None,
    }
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
                    "{path}: unknown form; give .txt, .jsonl, .csv, .tsv or a folder of these"
                )));
            }
            files.push(input.clone());
            continue;
        }
        let before = files.len();
        walk(input, &mut files)?;
        if files.len() == before {
            let problem = "no .txt, .jsonl, .csv or .tsv file in this folder".into();
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
    let text = read_text(path, options, told)?;
    match form(path) {
        Some(Form::Jsonl) => Ok(jsonl::documents(&text, path, &options.columns)),
        Some(Form::Separated(separator)) => csv::documents(&text, path, separator, &options.columns),
        _ => {
            let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            Ok(vec![Ok(Document { place: Place::file(path), ..Document::from_text(id, text) })])
        }
    }
}

/// A file's text.
///
/// # Errors
/// [`Error::Read`], and those of [`decode()`].
pub fn read_text(path: &Path, options: &ReadOptions, told: &mut dyn FnMut(String)) -> Result<String> {
    let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let decoded = decode(&bytes, options.encoding, path)?;
    if decoded.encoding != Encoding::Utf8 {
        told(format!("{}: read as {} ({})", path.display(), decoded.encoding, decoded.evidence));
    }
    Ok(decoded.text)
}
