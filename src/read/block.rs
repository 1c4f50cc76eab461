//! A block of an input, read into documents.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::blocks::Position;
use super::csv::Table;
use super::{ReadOptions, documents_of, jsonl};
use crate::document::Document;
use crate::error::{Error, Place, Result};
use crate::text::decode;

/// Whole records of inputs, in order.
#[derive(Debug)]
pub struct Block {
    pub(super) data: Data,
    pub(super) notes: Vec<String>,
    pub(super) position: Position,
    pub(super) read: u64,
}

#[derive(Debug)]
pub(super) enum Data {
    /// Small files as they are, or why they could not be read.
    Files(Vec<(PathBuf, Result<Vec<u8>>)>),
    /// Lines of JSONL; `before` is where they begin.
    Lines { path: Arc<Path>, bytes: Vec<u8>, before: Position, checks: Checks },
    /// Rows of a table.
    Rows { table: Arc<Table>, bytes: Vec<u8>, before: Position, checks: Checks },
    /// Rows of a Parquet table, which is read by one thread.
    Documents(Vec<Result<Document>>),
    /// A fault, and nothing else.
    Failed(Error),
}

/// What is not yet known of the bytes of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checks {
    /// They are sound text.
    Sound,
    /// The file began as UTF-8; whether that was asked for.
    Utf8 { given: bool },
    /// Standard input must be UTF-8, and nothing more is asked of it.
    Standard,
}

/// What there is in a block.
#[derive(Debug)]
pub enum Found {
    /// A document.
    Document(Document),
    /// What a reader should know: encodings other than plain UTF-8.
    Note(String),
    /// A bad record, or a file that cannot be read.
    Fault(Error),
}

impl Block {
    /// Where to go on behind it.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Bytes read of all inputs until it was cut, as they lie on disk.
    pub fn bytes_read(&self) -> u64 {
        self.read
    }

    /// Whether it came from standard input.
    pub fn is_from_standard_input(&self) -> bool {
        matches!(self.data, Data::Lines { checks: Checks::Standard, .. })
    }

    /// Reads it and hands over what is found, in order, until `each` has enough.
    pub fn read(self, options: &ReadOptions, mut each: impl FnMut(Found) -> ControlFlow<()>) {
        let _ = self.read_while(options, &mut each);
    }

    fn read_while(
        self,
        options: &ReadOptions,
        each: &mut impl FnMut(Found) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for note in self.notes {
            each(Found::Note(note))?;
        }
        match self.data {
            Data::Failed(error) => each(Found::Fault(error)),
            Data::Documents(documents) => {
                documents.into_iter().try_for_each(|document| each(document.into()))
            }
            Data::Files(files) => {
                for (path, bytes) in files {
                    let mut notes = Vec::new();
                    let told = &mut |note| notes.push(note);
                    let read = bytes.and_then(|bytes| documents_of(&bytes, &path, options, told));
                    for note in notes {
                        each(Found::Note(note))?;
                    }
                    match read {
                        Ok(documents) => documents.into_iter().try_for_each(|found| each(found.into()))?,
                        Err(error) => each(Found::Fault(error))?,
                    }
                }
                ControlFlow::Continue(())
            }
            Data::Lines { path, bytes, before, checks } => {
                if let Err(error) = once_misread(&bytes, checks, &path, before) {
                    return each(Found::Fault(error));
                }
                read_lines(&bytes, checks, &path, before, options, each)
            }
            Data::Rows { table, bytes, before, checks } => {
                if let Err(error) = once_misread(&bytes, checks, &table.path, before) {
                    return each(Found::Fault(error));
                }
                let layout = table.layout(&options.columns);
                let nul = checks == Checks::Utf8 { given: false } && memchr::memchr(0, &bytes).is_some();
                let mut number = before.records;
                table.each_row(&bytes, before.lines, |line, row| {
                    number += 1;
                    let place = || Place::line(&table.path, line);
                    each(match row {
                        Ok(row) if nul && row.as_slice().contains('\0') => Found::Fault(has_nul(place())),
                        Ok(row) => table.document(row, layout, &options.columns, place(), number).into(),
                        Err(error) => Found::Fault(error),
                    })
                })
            }
        }
    }
}

impl From<Result<Document>> for Found {
    fn from(read: Result<Document>) -> Self {
        read.map_or_else(Found::Fault, Found::Document)
    }
}

fn read_lines(
    bytes: &[u8],
    checks: Checks,
    path: &Path,
    before: Position,
    options: &ReadOptions,
    each: &mut impl FnMut(Found) -> ControlFlow<()>,
) -> ControlFlow<()> {
    // One look at the whole is faster than one at each line.
    let text = std::str::from_utf8(bytes).ok();
    let nul = checks == Checks::Utf8 { given: false } && memchr::memchr(0, bytes).is_some();
    let (mut number, mut start) = (before.lines, 0);
    while start < bytes.len() {
        let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |length| start + length);
        let range = start..end;
        number += 1;
        let place = || Place::line(path, number);
        let line = match text {
            Some(text) => Ok(&text[range.clone()]),
            None => std::str::from_utf8(&bytes[range.clone()]),
        };
        let mut line = match line {
            Ok(line) => line,
            Err(error) => {
                let at = range.start + error.valid_up_to();
                let problem = if checks == Checks::Standard {
                    "not UTF-8; standard input must be UTF-8".to_owned()
                } else {
                    format!(
                        "damaged UTF-8: byte 0x{:02X} is not valid UTF-8 at byte offset {}, and what is before is sound; fetch or export the file again, or mend the line",
                        bytes[at.min(bytes.len() - 1)],
                        before.offset + at as u64
                    )
                };
                each(Found::Fault(Error::Encoding { place: place(), problem }))?;
                start = end + 1;
                continue;
            }
        };
        if number == 1 && checks == Checks::Standard {
            line = line.trim_start_matches('\u{FEFF}');
        }
        if nul && line.contains('\0') {
            each(Found::Fault(has_nul(place())))?;
        } else if !line.trim().is_empty() {
            let line = line.strip_suffix('\r').unwrap_or(line);
            each(jsonl::document(line, place(), &options.columns).into())?;
        }
        start = end + 1;
    }
    ControlFlow::Continue(())
}

fn has_nul(place: Place) -> Error {
    let problem = "the utf-8 text has a NUL character; fetch or export the file again".into();
    Error::Encoding { place, problem }
}

/// Refuses a block whose text was misread and saved, as [`decode()`] refuses a file.
fn once_misread(bytes: &[u8], checks: Checks, path: &Path, before: Position) -> Result<()> {
    if checks != (Checks::Utf8 { given: false })
        || !may_be_misread(bytes, path)
        || std::str::from_utf8(bytes).is_err()
    {
        return Ok(());
    }
    match decode(bytes, None, path) {
        Err(Error::Encoding { mut place, problem }) => {
            place.line = place.line.map(|line| line + before.lines);
            Err(Error::Encoding { place, problem })
        }
        _ => Ok(()),
    }
}

/// Whether a closer look is due, which costs as much as all other reading: a line is misread by itself, or there are
/// accented letters and no Arabic ones. Only lines with signs that every misreading leaves, and other texts seldom have,
/// are looked at.
fn may_be_misread(bytes: &[u8], path: &Path) -> bool {
    // Ø Ù Ú Û, which the lead bytes of Arabic letters become.
    let latin = memchr::memchr_iter(0xC3, bytes).filter(|at| matches!(bytes.get(at + 1), Some(0x98..=0x9B)));
    // «ط§», which ا becomes, and ظ with what ل ي م ن و become.
    let alif = memchr::memmem::Finder::new("ط§");
    let others = memchr::memmem::Finder::new("ظ");
    let others = others.find_iter(bytes).filter(|at| {
        ["„", "…", "†", "ˆ", "ٹ"].iter().any(|sign| bytes[at + 2..].starts_with(sign.as_bytes()))
    });
    let foreign = memchr::memchr(0xC3, bytes).is_some() && memchr::memchr2(0xD8, 0xD9, bytes).is_none();
    foreign
        || a_line_is_misread(bytes, latin, path)
        || a_line_is_misread(bytes, alif.find_iter(bytes), path)
        || a_line_is_misread(bytes, others, path)
}

/// Whether one of the lines in which `signs` stand, rising, is misread by itself.
fn a_line_is_misread(bytes: &[u8], mut signs: impl Iterator<Item = usize>, path: &Path) -> bool {
    let mut seen = 0;
    signs.any(|at| {
        if at < seen {
            return false;
        }
        let start = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |end| end + 1);
        seen = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |length| at + length);
        matches!(decode(&bytes[start..seen], None, path), Err(Error::Encoding { .. }))
    })
}
