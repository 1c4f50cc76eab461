//! Flat tables as Parquet, and whole files put one behind the other.
//!
//! The same rows give the same bytes, in whatever batches they come: there is no clock in a file, and row
//! groups end at fixed numbers of rows and bytes, or where [`TableWriter::end_row_group`] says so.

use std::fs::File;
use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, KeyValue, PageIndexPolicy, ParquetMetaData, ParquetMetaDataOptions,
    ParquetMetaDataReader,
};
use parquet::file::properties::WriterProperties;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};

use crate::error::{Error, Place, Result};

/// Rows of a row group: enough for good compression, few enough to be read by many threads.
const GROUP_ROWS: usize = 100_000;
/// Bytes of values after which a row group ends: they are all held in memory till then.
const GROUP_BYTES: usize = 64 << 20;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// UTF-8 that is JSON, and told to be.
    Json,
    /// A number.
    F64,
    /// A whole number.
    I64,
    /// True or false.
    Bool,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name; unique in its table.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Whether cells may be null.
    pub optional: bool,
}

impl Column {
    /// A column in which every cell has a value.
    pub fn required(name: impl Into<String>, kind: Kind) -> Self {
        Column { name: name.into(), kind, optional: false }
    }

    /// A column whose cells may be null.
    pub fn optional(name: impl Into<String>, kind: Kind) -> Self {
        Column { name: name.into(), kind, optional: true }
    }

    fn field(&self) -> Result<TypePtr, ParquetError> {
        let (physical, logical) = match self.kind {
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Json => (Physical::BYTE_ARRAY, Some(LogicalType::Json)),
            Kind::F64 => (Physical::DOUBLE, None),
            Kind::I64 => (Physical::INT64, None),
            Kind::Bool => (Physical::BOOLEAN, None),
        };
        let repetition = if self.optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
        let builder = Type::primitive_type_builder(&self.name, physical);
        builder.with_repetition(repetition).with_logical_type(logical).build().map(Arc::new)
    }
}

/// Cells of one column, one a row; `None` is null.
#[derive(Debug, Clone, PartialEq)]
pub enum Values<'a> {
    /// Of [`Kind::Text`] or [`Kind::Json`].
    Text(Vec<Option<&'a str>>),
    /// Of [`Kind::F64`].
    F64(Vec<Option<f64>>),
    /// Of [`Kind::I64`].
    I64(Vec<Option<i64>>),
    /// Of [`Kind::Bool`].
    Bool(Vec<Option<bool>>),
}

impl Values<'_> {
    fn rows(&self) -> usize {
        match self {
            Values::Text(cells) => cells.len(),
            Values::F64(cells) => cells.len(),
            Values::I64(cells) => cells.len(),
            Values::Bool(cells) => cells.len(),
        }
    }

    fn fits(&self, kind: Kind) -> bool {
        match self {
            Values::Text(_) => matches!(kind, Kind::Text | Kind::Json),
            Values::F64(_) => kind == Kind::F64,
            Values::I64(_) => kind == Kind::I64,
            Values::Bool(_) => kind == Kind::Bool,
        }
    }

    fn has_null(&self) -> bool {
        match self {
            Values::Text(cells) => cells.iter().any(Option::is_none),
            Values::F64(cells) => cells.iter().any(Option::is_none),
            Values::I64(cells) => cells.iter().any(Option::is_none),
            Values::Bool(cells) => cells.iter().any(Option::is_none),
        }
    }

    /// Bytes that a cell is held in.
    fn bytes(&self, row: usize) -> usize {
        match self {
            Values::Text(cells) => 16 + cells[row].map_or(0, str::len),
            Values::F64(_) | Values::I64(_) => 10,
            Values::Bool(_) => 3,
        }
    }
}

/// What is held of a column till its row group is complete: 1 or 0 for each cell, and those that are there.
#[derive(Debug, Default)]
struct Held {
    there: Vec<i16>,
    /// All texts, one behind the other, and where each ends.
    text: Vec<u8>,
    ends: Vec<usize>,
    f64s: Vec<f64>,
    i64s: Vec<i64>,
    bools: Vec<bool>,
}

impl Held {
    fn take(&mut self, values: &Values<'_>, rows: std::ops::Range<usize>) {
        fn take<T: Copy>(cells: &[Option<T>], there: &mut Vec<i16>, mut sink: impl FnMut(T)) {
            for cell in cells {
                there.push(i16::from(cell.is_some()));
                cell.map(&mut sink);
            }
        }
        let there = &mut self.there;
        match values {
            Values::Text(cells) => take(&cells[rows], there, |text| {
                self.text.extend_from_slice(text.as_bytes());
                self.ends.push(self.text.len());
            }),
            Values::F64(cells) => take(&cells[rows], there, |value| self.f64s.push(value)),
            Values::I64(cells) => take(&cells[rows], there, |value| self.i64s.push(value)),
            Values::Bool(cells) => take(&cells[rows], there, |value| self.bools.push(value)),
        }
    }

    fn write<W: Write + Send>(
        self,
        column: &Column,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        fn write<T: DataType, W: Write + Send>(
            group: &mut SerializedRowGroupWriter<'_, W>,
            values: &[T::T],
            levels: Option<&[i16]>,
        ) -> Result<(), ParquetError> {
            if let Some(mut writer) = group.next_column()? {
                writer.typed::<T>().write_batch(values, levels, None)?;
                writer.close()?;
            }
            Ok(())
        }
        let levels = column.optional.then_some(self.there.as_slice());
        match column.kind {
            Kind::Text | Kind::Json => {
                let all = Bytes::from(self.text);
                let mut start = 0;
                let mut cut = |end: usize| {
                    let value = ByteArray::from(all.slice(start..end));
                    start = end;
                    value
                };
                let values: Vec<ByteArray> = self.ends.iter().map(|&end| cut(end)).collect();
                write::<ByteArrayType, W>(group, &values, levels)
            }
            Kind::F64 => write::<DoubleType, W>(group, &self.f64s, levels),
            Kind::I64 => write::<Int64Type, W>(group, &self.i64s, levels),
            Kind::Bool => write::<BoolType, W>(group, &self.bools, levels),
        }
    }
}

/// Writes a table, a batch of rows at a time. It holds one row group: at most 100 000 rows, and 64 MB and a row.
pub struct TableWriter<W: Write + Send> {
    path: PathBuf,
    columns: Vec<Column>,
    writer: SerializedFileWriter<W>,
    held: Vec<Held>,
    rows: usize,
    bytes: usize,
}

impl<W: Write + Send> TableWriter<W> {
    /// Begins a table. `path` names `out` where writing fails; `metadata` goes into the footer, in its order.
    ///
    /// # Errors
    /// [`Error::Usage`] for columns that are no table, [`Error::Write`].
    pub fn new(out: W, path: &Path, columns: Vec<Column>, metadata: &[(String, String)]) -> Result<Self> {
        let usage = |problem: String| Error::Usage(format!("{}: {problem}", path.display()));
        if columns.is_empty() {
            return Err(usage("a table without columns".into()));
        }
        for (index, column) in columns.iter().enumerate() {
            if columns[..index].iter().any(|other| other.name == column.name) {
                return Err(usage(format!("two columns are called «{}»; rename one", column.name)));
            }
        }
        let write = |error| failed(path, error);
        let fields = columns.iter().map(Column::field).collect::<Result<_, _>>().map_err(write)?;
        let schema = Type::group_type_builder("schema").with_fields(fields).build().map_err(write)?;
        let pairs = metadata.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect();
        let writer = begin(out, Arc::new(schema), pairs).map_err(write)?;
        let mut table =
            TableWriter { path: path.to_owned(), columns, writer, held: Vec::new(), rows: 0, bytes: 0 };
        table.empty();
        Ok(table)
    }

    fn empty(&mut self) -> Vec<Held> {
        (self.rows, self.bytes) = (0, 0);
        let fresh = self.columns.iter().map(|_| Held::default()).collect();
        std::mem::replace(&mut self.held, fresh)
    }

    /// Adds rows: the cells of each column, in the order of the columns.
    ///
    /// # Errors
    /// [`Error::Usage`] for cells that do not fit the columns, in which case none is added; [`Error::Write`].
    pub fn write(&mut self, batch: &[Values<'_>]) -> Result<()> {
        let rows = batch.first().map_or(0, Values::rows);
        let usage = |problem: String| Error::Usage(format!("{}: {problem}", self.path.display()));
        if batch.len() != self.columns.len() {
            return Err(usage(format!("{} columns of cells for {}", batch.len(), self.columns.len())));
        }
        for (column, values) in self.columns.iter().zip(batch) {
            let name = &column.name;
            if values.rows() != rows || !values.fits(column.kind) {
                return Err(usage(format!("the cells of column «{name}» do not fit it")));
            }
            if !column.optional && values.has_null() {
                return Err(usage(format!("column «{name}» has a null, and may have none")));
            }
        }
        let mut start = 0;
        for row in 0..rows {
            let bytes: usize = batch.iter().map(|values| values.bytes(row)).sum();
            let full = self.rows + (row - start) == GROUP_ROWS;
            if full || (self.bytes > 0 && self.bytes + bytes > GROUP_BYTES) {
                self.take(batch, start..row);
                self.end_row_group()?;
                start = row;
            }
            self.bytes += bytes;
        }
        self.take(batch, start..rows);
        Ok(())
    }

    fn take(&mut self, batch: &[Values<'_>], rows: std::ops::Range<usize>) {
        self.rows += rows.len();
        self.held.iter_mut().zip(batch).for_each(|(held, values)| held.take(values, rows.clone()));
    }

    /// Ends the row group here, if it has any row.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn end_row_group(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let held = self.empty();
        let write = || {
            let mut group = self.writer.next_row_group()?;
            for (column, held) in self.columns.iter().zip(held) {
                held.write(column, &mut group)?;
            }
            group.close().map(drop)
        };
        write().map_err(|error| failed(&self.path, error))
    }

    /// Ends the table and gives back what it was written to.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn finish(mut self) -> Result<W> {
        self.end_row_group()?;
        self.writer.into_inner().map_err(|error| failed(&self.path, error))
    }
}

/// Puts complete files with the same columns and metadata one behind the other, row group by row group and
/// without decoding any: O(bytes) time, O(columns · row groups) memory. Of tables that end where row groups do
/// this gives the bytes of the one table that all their rows would have given.
///
/// # Errors
/// [`Error::Usage`] for no part, [`Error::Read`], [`Error::Malformed`] for a part that is damaged or does not fit
/// the first, [`Error::Write`] with `path`, which names `out`.
pub fn concatenate<W: Write + Send>(parts: &[PathBuf], out: W, path: &Path) -> Result<W> {
    let Some(first) = parts.first() else {
        return Err(Error::Usage(format!("{}: there is no part to put together", path.display())));
    };
    let (_, metadata) = open(first)?;
    let expected = metadata.file_metadata();
    let pairs = expected.key_value_metadata().cloned().unwrap_or_default();
    let schema = expected.schema_descr().root_schema_ptr();
    let mut writer = begin(out, schema, pairs).map_err(|error| failed(path, error))?;
    for part in parts {
        let (file, metadata) = open(part)?;
        let bad =
            |problem: &str| Error::malformed(Place::file(part), format!("{problem} {}", first.display()));
        let found = metadata.file_metadata();
        if found.schema() != expected.schema() {
            return Err(bad("its columns are not those of"));
        }
        if found.key_value_metadata() != expected.key_value_metadata() {
            return Err(bad("it was written by another model or version than"));
        }
        copy(&file, &metadata, &mut writer).map_err(|error| failed(path, error))?;
    }
    writer.into_inner().map_err(|error| failed(path, error))
}

fn open(part: &Path) -> Result<(File, ParquetMetaData)> {
    let file = File::open(part).map_err(|source| Error::Read { path: part.to_owned(), source })?;
    // All that stands in the footer, so that it may be written again as it was.
    let options = ParquetMetaDataOptions::new().with_encoding_stats_as_mask(false);
    let reader = ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Optional)
        .with_metadata_options(Some(options));
    // Parts are our own, but a disk may have lost some of their bytes.
    let read = std::panic::catch_unwind(AssertUnwindSafe(|| {
        reader.parse_and_finish(&file).map_err(|error| error.to_string())
    }));
    let metadata =
        read.unwrap_or_else(|_| Err("its parts contradict each other".into())).map_err(|problem| {
            let problem = format!("this part is damaged ({problem}); delete it and make it again");
            Error::malformed(Place::file(part), problem)
        })?;
    Ok((file, metadata))
}

fn copy<W: Write + Send>(
    file: &File,
    metadata: &ParquetMetaData,
    writer: &mut SerializedFileWriter<W>,
) -> Result<(), ParquetError> {
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let mut copied = writer.next_row_group()?;
        for (place, column) in group.columns().iter().enumerate() {
            let index = metadata.page_index();
            let closed = ColumnCloseResult {
                bytes_written: u64::try_from(column.compressed_size())?,
                rows_written: u64::try_from(group.num_rows())?,
                metadata: as_written(column)?,
                bloom_filter: None,
                column_index: index.and_then(|index| index.column_index(number, place)).cloned(),
                offset_index: index.and_then(|index| index.offset_index(number, place)).cloned(),
            };
            copied.append_column(file, closed)?;
        }
        copied.close()?;
    }
    Ok(())
}

/// A column as the footer has it, and again with the older fields for the least and the greatest of its numbers,
/// which the writer fills and the reader leaves out.
fn as_written(column: &ColumnChunkMetaData) -> Result<ColumnChunkMetaData, ParquetError> {
    if !column.column_descr().sort_order().is_signed() {
        return Ok(column.clone());
    }
    let statistics = match column.statistics() {
        Some(Statistics::Int64(of)) => Statistics::Int64(of.clone().with_backwards_compatible_min_max(true)),
        Some(Statistics::Double(of)) => {
            Statistics::Double(of.clone().with_backwards_compatible_min_max(true))
        }
        _ => return Ok(column.clone()),
    };
    column.clone().into_builder().set_statistics(statistics).build()
}

fn begin<W: Write + Send>(
    out: W,
    schema: TypePtr,
    metadata: Vec<KeyValue>,
) -> Result<SerializedFileWriter<W>, ParquetError> {
    let properties = WriterProperties::builder()
        .set_created_by(concat!("kzstance ", env!("CARGO_PKG_VERSION")).to_owned())
        // A table of scores was a sixth smaller than with snappy, for a quarter more time to write it.
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_dictionary_enabled(true)
        .set_key_value_metadata((!metadata.is_empty()).then_some(metadata))
        .build();
    SerializedFileWriter::new(out, schema, Arc::new(properties))
}

fn failed(path: &Path, error: ParquetError) -> Error {
    let source = match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(error) => *error,
            Err(other) => std::io::Error::other(other),
        },
        other => std::io::Error::other(other.to_string()),
    };
    Error::Write { path: path.to_owned(), source }
}
