//! Parquet: tables in columns, read one row group at a time and within it some hundred rows at a time.
//!
//! Row groups are independent: several threads may each read one of the same [`ParquetFile`].

mod cells;
mod footer;
mod tree;

use std::cell::Cell;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Once, PoisonError};

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::column::reader::get_column_reader;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData,
};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;
use serde_json::{Map, Value};

use self::cells::Cursor;
use self::tree::Node;
use super::Columns;
use super::csv::Row;
use crate::document::Document;
use crate::error::{Error, Place, Result};

/// Rows held at a time, for each thread that reads: some 10 MB of long articles.
const BATCH: usize = 1024;
/// The first and the last bytes of every file.
const MAGIC: &[u8] = b"PAR1";
/// The same where the footer is encrypted.
const ENCRYPTED: &[u8] = b"PARE";
const DAMAGED: &str = "take a fresh copy of the file, or write it again";

/// An open Parquet file, whose footer has been read and found sound.
#[derive(Debug)]
pub struct ParquetFile {
    path: PathBuf,
    source: Arc<Source>,
    metadata: ParquetMetaData,
    fields: Vec<Field>,
    /// Rows before each row group, and at last all.
    before: Vec<u64>,
}

/// A column of the table, of which a nested one has several in the file.
#[derive(Debug)]
struct Field {
    name: String,
    node: Node,
}

impl ParquetFile {
    /// Opens a file and reads its footer: O(columns · row groups) time and memory, whatever its size.
    ///
    /// # Errors
    /// [`Error::Read`], and [`Error::Malformed`] for what is no Parquet file, or a damaged or encrypted one, or
    /// compressed in a way that is not known here.
    pub fn open(path: &Path) -> Result<Self> {
        let read = |source| Error::Read { path: path.to_owned(), source };
        let bad = |problem: String| Error::malformed(Place::file(path), problem);
        let file = File::open(path).map_err(read)?;
        let length = file.metadata().map_err(read)?.len();
        let source = Arc::new(Source { file: Arc::new(Mutex::new(file)), length });
        source.check_magic().map_err(|error| match error {
            ParquetError::External(error) => bad(format!("it cannot be read: {error}")),
            ParquetError::General(problem) => bad(problem),
            other => bad(other.to_string()),
        })?;
        let damaged = |problem| bad(format!("this Parquet file is damaged ({problem}); {DAMAGED}"));
        source.footer().and_then(|footer| footer::check(&footer)).map_err(damaged)?;
        let footer = || {
            // The page index tells where pages begin, which nothing here needs to know.
            let metadata = ParquetMetaDataReader::new().parse_and_finish(&*source).map_err(|e| plain(&e))?;
            let mut leaf = 0;
            let mut fields: Vec<Field> = Vec::new();
            for field in metadata.file_metadata().schema().get_fields() {
                fields.push(Field { name: field.name().to_owned(), node: Node::of(field, &mut leaf)? });
            }
            Ok((metadata, fields, leaf))
        };
        let (metadata, fields, leaves) = caught(footer).map_err(damaged)?;
        if fields.is_empty() {
            let problem = "the table has no column; write it with a text at least".into();
            return Err(Error::Empty { place: Place::file(path), problem });
        }
        for (index, field) in fields.iter().enumerate() {
            if fields[..index].iter().any(|other| other.name == field.name) {
                return Err(bad(format!("two columns are called «{}»; rename one", field.name)));
            }
        }
        let mut before = vec![0_u64];
        for group in metadata.row_groups() {
            check_group(group, leaves, length).map_err(damaged)?;
            let codec =
                group.columns().iter().map(ColumnChunkMetaData::compression).find(|&codec| !is_known(codec));
            if let Some(codec) = codec {
                let codec = codec.to_string();
                let codec = codec.split('(').next().unwrap_or_default();
                return Err(bad(format!(
                    "it is compressed with {codec}, which cannot be read here; write it with zstd, snappy, gzip or lz4"
                )));
            }
            let rows = u64::try_from(group.num_rows()).unwrap_or(0);
            let all = before.last().copied().unwrap_or(0).checked_add(rows);
            before.push(all.ok_or_else(|| damaged("it claims too many rows".into()))?);
        }
        Ok(ParquetFile { path: path.to_owned(), source, metadata, fields, before })
    }

    /// Number of rows, as the footer says.
    pub fn rows(&self) -> u64 {
        self.before.last().copied().unwrap_or(0)
    }

    /// Number of row groups.
    pub fn row_groups(&self) -> usize {
        self.metadata.num_row_groups()
    }

    /// Size of the file.
    pub fn bytes(&self) -> u64 {
        self.source.length
    }

    /// Number of rows of a row group; 0 for one that there is not.
    pub fn group_rows(&self, group: usize) -> u64 {
        match (self.before.get(group), self.before.get(group + 1)) {
            (Some(before), Some(after)) => after - before,
            _ => 0,
        }
    }

    /// Bytes that the columns of a row group take in the file; 0 for one that there is not. Summed over the
    /// row groups they are [`ParquetFile::bytes`] without the footer, and serve to show progress.
    pub fn group_bytes(&self, group: usize) -> u64 {
        let columns = self.metadata.row_groups().get(group).map_or(&[][..], RowGroupMetaData::columns);
        columns.iter().map(|column| column.byte_range().1).fold(0, u64::saturating_add)
    }

    /// The names of the columns, in their order; a nested one is one column.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.fields.iter().map(|field| field.name.as_str())
    }

    /// The names of the columns that play `parts` (`id`, `text`, `outlet`, or another name), for reading
    /// no others. With `text` come the `segments` of an article that has bags in place of its text.
    pub fn names_of(&self, columns: &Columns, parts: &[&str]) -> Vec<String> {
        let mut names: Vec<&str> = parts.iter().filter_map(|part| columns.find(part, self.names())).collect();
        if parts.contains(&"text") {
            names.extend(self.names().find(|&name| name == "segments"));
        }
        names.into_iter().map(str::to_owned).collect()
    }

    /// Keys and values that the writer left in the footer.
    pub fn metadata(&self) -> Vec<(&str, &str)> {
        let pairs = self.metadata.file_metadata().key_value_metadata().map_or(&[][..], Vec::as_slice);
        pairs.iter().map(|pair| (pair.key.as_str(), pair.value.as_deref().unwrap_or_default())).collect()
    }

    /// The documents of a row group, in order, their place being the file and the number of the row, from 1.
    /// `names` are the columns to read, all where `None`; one that the table does not have is left out.
    ///
    /// A row that cannot be used is an item of its own, and the next row follows. Damage ends the row group.
    ///
    /// # Errors
    /// [`Error::Usage`] for a row group that there is not, [`Error::Malformed`] for one that is damaged.
    pub fn documents<'f>(
        &'f self,
        group: usize,
        columns: &Columns,
        names: Option<&[String]>,
    ) -> Result<impl Iterator<Item = Result<Document>> + use<'f>> {
        let words: Vec<&str> =
            ["id", "text"].iter().filter_map(|part| columns.find(part, self.names())).collect();
        let records = self.read(group, names, &words)?;
        let columns = columns.clone();
        Ok(records.map(move |record| {
            let (row, mut fields) = record?;
            // In a table of texts and bags, a text has no segments: its cell is null.
            if fields.get("segments").is_some_and(Value::is_null) {
                fields.shift_remove("segments");
            }
            columns.document(fields, Place::line(&self.path, row), row)
        }))
    }

    /// The rows of a row group: the number of each, from 1 over the whole file, and its fields. As
    /// [`ParquetFile::documents`] otherwise.
    ///
    /// # Errors
    /// As [`ParquetFile::documents`].
    pub fn records(
        &self,
        group: usize,
        names: Option<&[String]>,
    ) -> Result<impl Iterator<Item = Result<(u64, Map<String, Value>)>>> {
        self.read(group, names, &[])
    }

    fn read(&self, group: usize, names: Option<&[String]>, words: &[&str]) -> Result<Records<'_>> {
        let Some(metadata) = self.metadata.row_groups().get(group) else {
            let path = self.path.display();
            return Err(Error::Usage(format!("{path}: row group {group} of {}", self.row_groups())));
        };
        let wanted = |field: &&Field| names.is_none_or(|names| names.contains(&field.name));
        let fields: Vec<&Field> = self.fields.iter().filter(wanted).collect();
        let mut cursors: Vec<Option<Cursor>> = Vec::new();
        cursors.resize_with(metadata.num_columns(), || None);
        let open = || {
            for field in &fields {
                for leaf in field.node.leaves.clone() {
                    let column = metadata.column(leaf);
                    let rows = usize::try_from(metadata.num_rows()).unwrap_or(0);
                    let pages = SerializedPageReader::new(self.source.clone(), column, rows, None)
                        .map_err(|error| plain(&error))?;
                    let reader = get_column_reader(column.column_descr_ptr(), Box::new(pages));
                    let text_wanted = words.contains(&field.name.as_str());
                    cursors[leaf] = Some(Cursor::new(column.column_descr(), reader, text_wanted));
                }
            }
            Ok(())
        };
        let before = self.before[group];
        caught(open).map_err(|problem| self.damaged(group, before, &problem))?;
        Ok(Records { file: self, group, fields, cursors, row: before, end: self.before[group + 1], held: 0 })
    }

    fn damaged(&self, group: usize, row: u64, problem: &str) -> Error {
        Error::malformed(
            Place::line(&self.path, row + 1),
            format!(
                "from this row on, row group {} of {} is damaged ({problem}); {DAMAGED}",
                group + 1,
                self.row_groups()
            ),
        )
    }
}

/// Every document of a file, as [`ParquetFile::documents`] has them.
///
/// # Errors
/// As [`ParquetFile::open`].
pub fn documents(path: &Path, columns: &Columns) -> Result<Vec<Result<Document>>> {
    let file = ParquetFile::open(path)?;
    let mut all = Vec::new();
    for group in 0..file.row_groups() {
        match file.documents(group, columns, None) {
            Ok(documents) => all.extend(documents),
            Err(error) => all.push(Err(error)),
        }
    }
    Ok(all)
}

/// Every row of a file, as [`ParquetFile::records`] has them.
///
/// # Errors
/// As [`ParquetFile::open`].
pub(super) fn rows(path: &Path) -> Result<Vec<Result<Row>>> {
    let file = ParquetFile::open(path)?;
    let mut all = Vec::new();
    for group in 0..file.row_groups() {
        match file.records(group, None) {
            Ok(records) => all.extend(records),
            Err(error) => all.push(Err(error)),
        }
    }
    Ok(all)
}

/// Rows of a row group, a batch of them read ahead.
struct Records<'f> {
    file: &'f ParquetFile,
    group: usize,
    fields: Vec<&'f Field>,
    /// One for each column of the file; `None` where it is not read.
    cursors: Vec<Option<Cursor>>,
    /// Rows of the file before the next.
    row: u64,
    /// Rows of the file to the end of the row group.
    end: u64,
    /// Rows of the batch that are left.
    held: usize,
}

impl Records<'_> {
    fn next_row(&mut self) -> Result<Result<Map<String, Value>>, String> {
        if self.held == 0 {
            let rows = usize::try_from(self.end - self.row).unwrap_or(BATCH).min(BATCH);
            let cursors = &mut self.cursors;
            caught(|| cursors.iter_mut().flatten().try_for_each(|cursor| cursor.fill(rows)))?;
            self.held = rows;
        }
        let mut problem = None;
        let mut record = Map::with_capacity(self.fields.len());
        for field in &self.fields {
            record.insert(field.name.clone(), field.node.value(&mut self.cursors, &mut problem)?);
            let columns = &self.cursors[field.node.leaves.clone()];
            // Each column of the field must have come to the next row.
            if columns.iter().flatten().any(|cursor| cursor.repetition().is_some_and(|level| level > 0)) {
                return Err(format!("the levels of column {} contradict each other", field.name));
            }
        }
        self.held -= 1;
        let place = || Place::line(&self.file.path, self.row + 1);
        Ok(problem.map_or(Ok(record), |problem| Err(Error::malformed(place(), problem))))
    }
}

impl Iterator for Records<'_> {
    type Item = Result<(u64, Map<String, Value>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.row == self.end {
            return None;
        }
        match self.next_row() {
            Ok(record) => {
                self.row += 1;
                Some(record.map(|record| (self.row, record)))
            }
            Err(problem) => {
                let error = self.file.damaged(self.group, self.row, &problem);
                self.row = self.end;
                Some(Err(error))
            }
        }
    }
}

/// What would make the library panic, or read where nothing is.
fn check_group(group: &RowGroupMetaData, leaves: usize, length: u64) -> Result<(), String> {
    if group.num_rows() < 0 {
        return Err("a row group with a negative number of rows".into());
    }
    if group.num_columns() != leaves {
        return Err(format!("a row group with {} columns of {leaves}", group.num_columns()));
    }
    for column in group.columns() {
        let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
        let range = u64::try_from(start).ok().zip(u64::try_from(column.compressed_size()).ok());
        let end = range.and_then(|(start, size)| start.checked_add(size));
        if end.is_none_or(|end| end > length) {
            return Err(format!("column {} reaches beyond the file", column.column_path().string()));
        }
        if let Some(other) = column.file_path() {
            return Err(format!("column {} is in another file, {other}", column.column_path().string()));
        }
    }
    Ok(())
}

fn is_known(codec: Compression) -> bool {
    !matches!(codec, Compression::LZO | Compression::BROTLI(_))
}

/// Runs what reads bytes that others wrote. The library means to answer with errors; where it panics on what it
/// did not expect, the file is damaged, and the program goes on.
fn caught<T>(run: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    static QUIET: Once = Once::new();
    thread_local! {
        static CAUGHT: Cell<bool> = const { Cell::new(false) };
    }
    // What is caught is told as the error of a file, and not as a crash besides: the hook that tells of panics
    // is there for all threads, and is kept for every other panic.
    QUIET.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !CAUGHT.get() {
                before(panic);
            }
        }));
    });
    let outer = CAUGHT.replace(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    CAUGHT.set(outer);
    result.unwrap_or_else(|_| Err("its parts contradict each other".into()))
}

/// An error of the library without the words that it puts before each.
fn plain(error: &ParquetError) -> String {
    match error {
        ParquetError::General(problem) | ParquetError::EOF(problem) | ParquetError::NYI(problem) => {
            problem.clone()
        }
        other => other.to_string(),
    }
}

/// A file that several threads read, each at its own place: the library's own way to read a file moves the one
/// place that all handles of it share.
#[derive(Debug)]
struct Source {
    file: Arc<Mutex<File>>,
    length: u64,
}

impl Source {
    fn check_magic(&self) -> ParquetResult<()> {
        let ends =
            |tail: u64| -> ParquetResult<_> { Ok((self.get_bytes(0, 4)?, self.get_bytes(tail + 4, 4)?)) };
        let ends = self.length.checked_sub(8).map(ends);
        let problem = match ends.transpose()? {
            Some((first, last)) if first == MAGIC && last == MAGIC => return Ok(()),
            Some((first, last)) if first == ENCRYPTED || last == ENCRYPTED => {
                "this Parquet file is encrypted; decrypt it first, with the program that wrote it"
            }
            Some((first, _)) if first == MAGIC => {
                "this Parquet file is cut off: its end is missing; take a fresh copy of the file, or write it again"
            }
            _ => "this is no Parquet file; name it after what it is (.csv, .jsonl, .txt), or write it again",
        };
        Err(ParquetError::General(problem.into()))
    }
}

impl Source {
    /// The bytes of the footer, which stand before their number and the last four bytes.
    fn footer(&self) -> Result<Bytes, String> {
        let tail = self.length - 8;
        let number = self.get_bytes(tail, 4).map_err(|error| plain(&error))?;
        let number = number.iter().rev().fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
        let start = tail.checked_sub(number).ok_or("its footer reaches beyond the file")?;
        self.get_bytes(start, number as usize).map_err(|error| plain(&error))
    }
}

impl Length for Source {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Source {
    type T = BufReader<Reader>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(BufReader::new(Reader { file: self.file.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        // Before memory is taken for what is not there.
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF("a part reaches beyond the file".into()));
        }
        let mut bytes = vec![0; length];
        Reader { file: self.file.clone(), at: start }.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

/// A place in a file.
struct Reader {
    file: Arc<Mutex<File>>,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let read = file.read(into)?;
        self.at += read as u64;
        Ok(read)
    }
}
