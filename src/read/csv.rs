//! Rows of a table with a header line. No value is ever taken for missing: "None" is text.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use csv::StringRecord;
use serde_json::{Map, Value};

use super::record::Columns;
use crate::document::{Body, Document};
use crate::error::{Error, Place, Result};

/// A row: its line and its fields by name.
pub(crate) type Row = (u64, Map<String, Value>);

/// What is known of a table before its rows are read.
#[derive(Debug)]
pub(super) struct Table {
    pub path: PathBuf,
    pub separator: u8,
    names: Vec<String>,
}

/// Where the rows of a table begin: bytes and line breaks before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    pub bytes: u64,
    pub lines: u64,
}

/// Where the parts of a document stand in a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    id: Option<usize>,
    text: usize,
}

impl Table {
    /// Reads the header at the beginning of `text`.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a header that cannot be used.
    pub(super) fn of(text: &str, path: &Path, separator: u8) -> Result<(Self, Start)> {
        let mut reader =
            ::csv::ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(text.as_bytes());
        let header = reader
            .headers()
            .map_err(|error| Error::malformed(Place::line(path, 1), error.to_string()))?
            .clone();
        let names: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
        for (index, name) in names.iter().enumerate() {
            if !name.is_empty() && names[..index].contains(name) {
                let problem = format!("two columns are called «{name}»; rename one");
                return Err(Error::malformed(Place::line(path, 1), problem));
            }
        }
        let at = reader.position();
        let start = Start { bytes: at.byte(), lines: at.line() - 1 };
        Ok((Table { path: path.to_owned(), separator, names }, start))
    }

    /// Reads rows without a header, which `lines` line breaks stand before; a row that does not fit is an item of
    /// its own. `each` may end the reading.
    pub(super) fn each_row(
        &self,
        bytes: &[u8],
        lines: u64,
        mut each: impl FnMut(u64, Result<&StringRecord>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut reader = ::csv::ReaderBuilder::new()
            .delimiter(self.separator)
            .flexible(true)
            .has_headers(false)
            .from_reader(bytes);
        let mut record = StringRecord::new();
        loop {
            let before = reader.position().clone();
            let read = reader.read_record(&mut record);
            if matches!(read, Ok(false)) {
                return ControlFlow::Continue(());
            }
            // Line ends that the row before left over, and empty lines.
            let passed = bytes.get(before.byte() as usize..).unwrap_or_default();
            let passed = passed.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
            let line = lines + before.line() + passed.filter(|&&byte| byte == b'\n').count() as u64;
            let fault = match read {
                Err(error) => Some(error.to_string()),
                Ok(_) if record.len() == self.names.len() => None,
                Ok(_) => Some(format!(
                    "{} fields where the header has {}; quote fields that hold a separator, a quotation mark or a line break",
                    record.len(),
                    self.names.len()
                )),
            };
            match fault {
                None => each(line, Ok(&record))?,
                Some(problem) => {
                    each(line, Err(Error::malformed(Place::line(&self.path, line), problem)))?;
                }
            }
        }
    }

    /// A row's fields by name.
    fn fields(&self, record: &StringRecord) -> Map<String, Value> {
        self.names.iter().zip(record).map(|(name, value)| (name.clone(), Value::from(value))).collect()
    }

    /// Where a document's parts stand, if that is the same in every row: with names that stand once, and no
    /// segments.
    pub(super) fn layout(&self, columns: &Columns) -> Option<Layout> {
        let find = |part: &str| {
            let found = columns.find(part, self.names.iter().map(String::as_str))?;
            self.names.iter().position(|name| name == found)
        };
        let (id, text) = (find("id"), find("text")?);
        let nameless = self.names.iter().filter(|name| name.is_empty()).count();
        let plain = nameless < 2 && id != Some(text) && !self.names.iter().any(|name| name == "segments");
        plain.then_some(Layout { id, text })
    }

    /// The document of a row: the same with and without its layout.
    pub(super) fn document(
        &self,
        record: &StringRecord,
        layout: Option<Layout>,
        columns: &Columns,
        place: Place,
        number: u64,
    ) -> Result<Document> {
        let Some(layout) = layout else {
            return columns.document(self.fields(record), place, number);
        };
        let id = layout.id.and_then(|index| record.get(index)).filter(|id| !id.is_empty());
        let id = id.map_or_else(|| format!("row-{number}"), str::to_owned);
        let text = record.get(layout.text).unwrap_or_default().to_owned();
        let others = self.names.iter().zip(record).enumerate();
        let others = others.filter(|(index, _)| Some(*index) != layout.id && *index != layout.text);
        let fields = others.map(|(_, (name, value))| (name.clone(), Value::from(value))).collect();
        Ok(Document { id, body: Body::Text(text), fields, place })
    }
}

/// Where the last whole row in `bytes` ends, and how many rows end until there. `bytes` begins with a row; with
/// `all` its end ends a row too.
///
/// A quotation mark opens a quoted field only where a field begins, and elsewhere is a character like others, as the
/// `csv` crate has it: so the marks alone need be visited, and the line ends between them.
pub(super) fn rows_end(bytes: &[u8], separator: u8, all: bool) -> (usize, u64) {
    let (mut end, mut rows_at_end, mut rows) = (0, 0, 0);
    let (mut start, mut at) = (0, 0);
    while let Some(found) = memchr::memchr3(b'"', b'\n', b'\r', &bytes[at..]) {
        let here = at + found;
        at = here + 1;
        if bytes[here] == b'"' {
            let before = if here == start { separator } else { bytes[here - 1] };
            if before == separator {
                let Some(close) = closing(bytes, at) else { break };
                at = close + 1;
            }
            continue;
        }
        // An empty line is no row.
        rows += u64::from(here > start);
        start = at;
        // Behind CR, LF may still come.
        if bytes[here] == b'\n' || bytes.get(at).is_some_and(|&next| next != b'\n') {
            (end, rows_at_end) = (at, rows);
        }
    }
    if all { (bytes.len(), rows + u64::from(start < bytes.len())) } else { (end, rows_at_end) }
}

/// The quotation mark that closes a field whose content begins at `at`; a doubled one does not.
fn closing(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let mark = at + memchr::memchr(b'"', &bytes[at..])?;
        if bytes.get(mark + 1) != Some(&b'"') {
            return Some(mark);
        }
        at = mark + 2;
    }
}

/// The rows of a table; a row that does not fit its header is an item of its own.
///
/// # Errors
/// [`Error::Malformed`] for a header that cannot be used.
pub(crate) fn rows(text: &str, path: &Path, separator: u8) -> Result<Vec<Result<Row>>> {
    let (table, start) = Table::of(text, path, separator)?;
    let mut rows = Vec::new();
    let _ = table.each_row(&text.as_bytes()[start.bytes as usize..], start.lines, |line, row| {
        rows.push(row.map(|record| (line, table.fields(record))));
        ControlFlow::Continue(())
    });
    Ok(rows)
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
