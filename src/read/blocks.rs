//! Inputs as a stream of blocks, each of which can be read by itself on any thread.
//!
//! - Small files are packed, several in a block, and decoded by whoever reads the block.
//! - Files of a few MiB are decoded as a whole, by evidence as [`decode()`] has it, and cut.
//! - Larger files of records stream. Their encoding is decided on the first MiB: UTF-8 is cut into blocks at record
//!   ends, and each block is checked when it is read. A file in another encoding is read as a whole into memory.
//! - A table in Parquet is read by a thread of its own, some thousand rows a block.
//! - Standard input is JSONL in UTF-8, and a line is passed on as soon as it has come.
//!
//! What a block holds depends only on where it begins: a run that goes on at the [`Position`] behind a block sees the
//! same blocks as one that was never stopped. Memory is that of a block, or of the longest record.

use std::io::{self, Cursor, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use serde::{Deserialize, Serialize};

use super::block::{Block, Checks, Data};
use super::csv::{Table, rows_end};
use super::open::{Source, fill, signed};
use super::{Form, ReadOptions, each_parquet_batch, form};
use crate::document::Document;
use crate::error::{Error, Place, Result};
use crate::text::{Encoding, decode};

/// Longest record that is read, in bytes.
pub const RECORD_LIMIT: usize = 64 << 20;
/// Small files in a block at most.
const PACK: usize = 256;
/// What standard input is called in messages.
const STANDARD: &str = "standard input";

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A file.
    File(PathBuf),
    /// JSONL from standard input.
    Standard,
}

/// A place between two records, to go on at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Index of the input.
    pub input: usize,
    /// Bytes of it that lie before: decompressed, and decoded where the whole file was.
    pub offset: u64,
    /// Line breaks before.
    pub lines: u64,
    /// Rows of a table before, its header not counted; of JSONL, lines.
    pub records: u64,
}

/// Sizes in bytes, so that tests can cross them with small inputs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Of a block, and of a file that is packed.
    pub block: usize,
    /// Up to this a file is decoded as a whole.
    pub whole: usize,
    /// What the encoding of a larger one is decided on.
    pub sample: usize,
    /// Of a record.
    pub record: usize,
}

const LIMITS: Limits = Limits { block: 256 << 10, whole: 4 << 20, sample: 1 << 20, record: RECORD_LIMIT };

/// Reads inputs block by block, in order.
pub struct Blocks {
    inputs: Vec<Input>,
    options: ReadOptions,
    limits: Limits,
    /// The next input to open.
    next: usize,
    /// Where to go on in it.
    start: Position,
    current: Option<Current>,
    /// A file that was opened and is too large to be packed: its beginning, and the rest.
    opened: Option<(Vec<u8>, Source)>,
    /// Batches of a Parquet table, each with the number of rows till its end; the table's size.
    rows: Option<(Receiver<Batch>, u64)>,
    /// Bytes read of the files as they lie on disk.
    count: Arc<AtomicU64>,
}

type Batch = (Vec<Result<Document>>, u64);

/// A file of records that is being cut.
struct Current {
    path: Arc<Path>,
    table: Option<Arc<Table>>,
    checks: Checks,
    source: Box<dyn Read + Send>,
    /// Read and not yet part of a block.
    held: Vec<u8>,
    at: Position,
    more: bool,
    /// Said behind the last block.
    failed: Option<Error>,
    notes: Vec<String>,
}

impl Blocks {
    /// The blocks of inputs from a position on, which one of them is a [`Block::position`] of, or the default one.
    pub fn new(inputs: Vec<Input>, options: ReadOptions, from: Position) -> Self {
        Self::with(inputs, options, from, LIMITS)
    }

    pub(super) fn with(inputs: Vec<Input>, options: ReadOptions, from: Position, limits: Limits) -> Self {
        let before = inputs.iter().take(from.input).map(|input| match input {
            Input::File(path) => std::fs::metadata(path).map_or(0, |file| file.len()),
            Input::Standard => 0,
        });
        let count = Arc::new(AtomicU64::new(before.sum()));
        let next = from.input;
        Blocks { inputs, options, limits, next, start: from, current: None, opened: None, rows: None, count }
    }

    fn block(&self, data: Data, notes: Vec<String>, position: Position) -> Block {
        Block { data, notes, position, read: self.count.load(Ordering::Relaxed) }
    }

    /// A fault of the whole input at hand, which is passed over.
    fn failed(&mut self, error: Error) -> Block {
        self.next += 1;
        self.block(Data::Failed(error), Vec::new(), Position { input: self.next, ..Position::default() })
    }

    /// Takes as many small files as fit into a block; `None` where the next file is a large one, or there is none.
    fn pack(&mut self) -> Option<Block> {
        let (mut files, mut bytes) = (Vec::new(), 0);
        while bytes < self.limits.block
            && files.len() < PACK
            && self.start == (Position { input: self.start.input, ..Position::default() })
        {
            let Some(Input::File(path)) = self.inputs.get(self.next) else { break };
            if form(path) == Some(Form::Parquet) {
                break;
            }
            let beginning = Source::open(path, &self.count).and_then(|mut source| {
                let mut beginning = Vec::new();
                let more = fill(&mut source, &mut beginning, self.limits.block + 1);
                let more = more.map_err(|source| Error::Read { path: path.clone(), source })?;
                Ok((beginning, more.then_some(source)))
            });
            match beginning {
                Ok((beginning, Some(source))) => {
                    self.opened = Some((beginning, source));
                    break;
                }
                Ok((content, None)) => {
                    bytes += content.len();
                    files.push((path.clone(), Ok(content)));
                }
                Err(error) => files.push((path.clone(), Err(error))),
            }
            self.next += 1;
        }
        let position = Position { input: self.next, ..Position::default() };
        (!files.is_empty()).then(|| self.block(Data::Files(files), Vec::new(), position))
    }

    /// Begins with a large file. `Ok(None)`: it is being cut from now on.
    fn begin(&mut self, path: &Path) -> Result<Option<Block>> {
        let fail = |source| Error::Read { path: path.to_owned(), source };
        let form = form(path);
        if form == Some(Form::Parquet) {
            let size = std::fs::metadata(path).map_err(fail)?.len();
            let (path, columns) = (path.to_owned(), self.options.columns.clone());
            let before = std::mem::take(&mut self.start).records;
            let (sender, batches) = sync_channel(2);
            // Ends when nobody takes its batches any more.
            std::thread::spawn(move || {
                each_parquet_batch(&path, before, &columns, |batch, rows| match sender.send((batch, rows)) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                });
            });
            self.rows = Some((batches, size));
            return Ok(None);
        }
        let (mut held, mut source) = match self.opened.take() {
            Some(opened) => opened,
            None => (Vec::new(), Source::open(path, &self.count)?),
        };
        if form == Some(Form::Text) {
            if fill(&mut source, &mut held, self.limits.record + 1).map_err(fail)? {
                let problem = format!(
                    "this article is longer than {}; leave it out, or give its records as .jsonl",
                    size(self.limits.record)
                );
                return Err(Error::malformed(Place::file(path), problem));
            }
            self.next += 1;
            let position = Position { input: self.next, ..Position::default() };
            return Ok(Some(self.block(
                Data::Files(vec![(path.to_owned(), Ok(held))]),
                Vec::new(),
                position,
            )));
        }
        let separator = if let Some(Form::Separated(separator)) = form { Some(separator) } else { None };
        let mut more = fill(&mut source, &mut held, self.limits.whole + 1).map_err(fail)?;
        let mut notes = Vec::new();
        let (mut table, mut start) = (None, 0);
        let mut lines = 0;
        let given = self.options.encoding.is_some();
        let mut checks = Checks::Sound;
        if more {
            let sample = sample(&held[..self.limits.sample.min(held.len())], self.options.encoding);
            match decode(sample, self.options.encoding, path) {
                Ok(decoded) if matches!(decoded.encoding, Encoding::Utf8 | Encoding::Utf8Bom) => {
                    if decoded.encoding != Encoding::Utf8 {
                        notes.push(note(path, decoded.encoding, decoded.evidence));
                    }
                    checks = Checks::Utf8 { given };
                    start = sample.len() - decoded.text.len();
                    if let Some(separator) = separator {
                        let (found, first) = Table::of(&decoded.text, path, separator)?;
                        (table, lines) = (Some(Arc::new(found)), first.lines);
                        start += first.bytes as usize;
                    }
                }
                // White space goes on for a MiB, and what it hides may still be sound.
                Err(Error::Empty { .. }) if separator.is_none() => checks = Checks::Utf8 { given },
                Ok(_) => {
                    source.read_to_end(&mut held).map_err(fail)?;
                    more = false;
                }
                Err(error) => return Err(error),
            }
        }
        let mut rest: Box<dyn Read + Send> = Box::new(source);
        if !more {
            // Small enough, or in an encoding that does not stream.
            let decoded = decode(&held, self.options.encoding, path)?;
            drop(held);
            if decoded.encoding != Encoding::Utf8 {
                notes.push(note(path, decoded.encoding, decoded.evidence));
            }
            checks = Checks::Sound;
            if let Some(separator) = separator {
                let (found, first) = Table::of(&decoded.text, path, separator)?;
                (table, lines) = (Some(Arc::new(found)), first.lines);
                start = first.bytes as usize;
            }
            let mut text = Cursor::new(decoded.text.into_bytes());
            text.set_position(start.max(self.start.offset as usize) as u64);
            rest = Box::new(text);
            held = Vec::new();
        } else if self.start.offset > 0 {
            self.count.fetch_add(self.start.offset, Ordering::Relaxed);
            rest = Box::new(Source::open_at(path, self.start.offset, &self.count)?);
            held = Vec::new();
        } else {
            held.drain(..start);
        }
        let mut at = Position { input: self.next, offset: start as u64, lines, records: lines };
        if table.is_some() {
            at.records = 0;
        }
        if self.start.offset > 0 {
            at = Position { input: self.next, ..self.start };
        }
        self.start = Position::default();
        let path = Arc::from(path);
        self.current =
            Some(Current { path, table, checks, source: rest, held, at, more: true, failed: None, notes });
        Ok(None)
    }

    fn standard(&mut self) -> Result<()> {
        let path: Arc<Path> = Arc::from(Path::new(STANDARD));
        let fail = |source| Error::Read { path: PathBuf::from(STANDARD), source };
        let mut stdin = io::stdin();
        // As much as tells whether it is compressed, and no more: the next bytes may be long in coming.
        let mut beginning = Vec::new();
        for wanted in 1..=4 {
            let more = fill(&mut stdin, &mut beginning, wanted).map_err(fail)?;
            let signs = [&[0x1F, 0x8B][..], &[0x28, 0xB5, 0x2F, 0xFD]];
            if !more || !signs.iter().any(|sign| sign.starts_with(&beginning)) {
                break;
            }
        }
        let compression = signed(&beginning);
        let whole = Cursor::new(beginning).chain(stdin);
        let source = Source::new(whole, compression, &self.count).map_err(fail)?;
        self.current = Some(Current {
            path,
            table: None,
            checks: Checks::Standard,
            source: Box::new(source),
            held: Vec::new(),
            at: Position { input: self.next, ..Position::default() },
            more: true,
            failed: None,
            notes: Vec::new(),
        });
        Ok(())
    }
}

impl Iterator for Blocks {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        loop {
            if let Some(current) = &mut self.current {
                if let Some((data, notes, position)) = current.next(&self.limits) {
                    return Some(self.block(data, notes, position));
                }
                self.current = None;
                self.next += 1;
            }
            if let Some((batches, size)) = &self.rows {
                if let Ok((documents, records)) = batches.recv() {
                    let position = Position { input: self.next, records, ..Position::default() };
                    return Some(self.block(Data::Documents(documents), Vec::new(), position));
                }
                self.count.fetch_add(*size, Ordering::Relaxed);
                self.rows = None;
                self.next += 1;
            }
            if self.opened.is_none()
                && let Some(block) = self.pack()
            {
                return Some(block);
            }
            let begun = match self.inputs.get(self.next).cloned()? {
                Input::File(path) => self.begin(&path),
                Input::Standard => self.standard().map(|()| None),
            };
            match begun {
                Ok(None) => {}
                Ok(Some(block)) => return Some(block),
                Err(error) => {
                    self.start = Position::default();
                    return Some(self.failed(error));
                }
            }
        }
    }
}

impl Current {
    fn next(&mut self, limits: &Limits) -> Option<(Data, Vec<String>, Position)> {
        let mut wanted = limits.block;
        let (end, records) = loop {
            if self.more {
                let read = if matches!(self.checks, Checks::Standard) {
                    self.read_some(limits.block)
                } else {
                    fill(&mut self.source, &mut self.held, wanted)
                };
                self.more = read.unwrap_or_else(|source| {
                    self.failed = Some(Error::Read { path: self.path.to_path_buf(), source });
                    false
                });
            }
            // More may be held: of a file what its encoding was decided on.
            let standard = matches!(self.checks, Checks::Standard);
            let window = if standard { self.held.len() } else { self.held.len().min(wanted) };
            let last = !self.more && window == self.held.len();
            // A fault of the stream cut the last record off.
            let all = last && self.failed.is_none();
            let within = &self.held[..window];
            let found = match &self.table {
                Some(table) => rows_end(within, table.separator, all),
                None if all => (window, 0),
                None => (memchr::memrchr(b'\n', within).map_or(0, |last| last + 1), 0),
            };
            if found.0 > 0 || last {
                break found;
            }
            if window > limits.record {
                let error = self.too_long(limits);
                return Some((Data::Failed(error), std::mem::take(&mut self.notes), self.at));
            }
            wanted = (2 * window).max(limits.block);
        };
        let notes = std::mem::take(&mut self.notes);
        if end == 0 {
            self.held.clear();
            return self.failed.take().map(|error| (Data::Failed(error), notes, self.at));
        }
        let before = self.at;
        // The rest is a part of a record: the longer of both parts keeps its place.
        let rest = self.held[end..].to_vec();
        self.held.truncate(end);
        let bytes = std::mem::replace(&mut self.held, rest);
        let lines = memchr::memchr_iter(b'\n', &bytes).count() as u64;
        self.at.offset += end as u64;
        self.at.lines += lines;
        self.at.records += if self.table.is_some() { records } else { lines };
        let checks = self.checks;
        let data = match &self.table {
            Some(table) => Data::Rows { table: table.clone(), bytes, before, checks },
            None => Data::Lines { path: self.path.clone(), bytes, before, checks },
        };
        Some((data, notes, self.at))
    }

    /// Reads what there is: whoever types, or pipes line by line, need not wait for a full block.
    fn read_some(&mut self, most: usize) -> io::Result<bool> {
        let old = self.held.len();
        self.held.resize(old + most, 0);
        let read = loop {
            match self.source.read(&mut self.held[old..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.held.truncate(old + read.as_ref().map_or(0, |&n| n));
        read.map(|n| n > 0)
    }

    /// Passes a record over that is too long; in a table, where a mark that is never closed is the likely cause, all
    /// that comes behind.
    fn too_long(&mut self, limits: &Limits) -> Error {
        let place = Place::line(&self.path, self.at.lines + 1);
        let limit = size(limits.record);
        let problem = if self.table.is_some() {
            self.more = false;
            self.held = Vec::new();
            format!(
                "the row that begins here is longer than {limit}, and what follows is not read; is a quotation mark never closed?"
            )
        } else {
            loop {
                // Up to the limit was looked at; the line end may be held behind it.
                if let Some(end) = memchr::memchr(b'\n', &self.held) {
                    self.held.drain(..=end);
                    self.at.offset += end as u64 + 1;
                    self.at.lines += 1;
                    self.at.records += 1;
                    break;
                }
                self.at.offset += self.held.len() as u64;
                self.held.clear();
                if !self.more {
                    break;
                }
                match fill(&mut self.source, &mut self.held, limits.block) {
                    Ok(more) => self.more = more,
                    Err(source) => {
                        self.failed = Some(Error::Read { path: self.path.to_path_buf(), source });
                        self.more = false;
                    }
                }
            }
            format!("this line is longer than {limit}; split the record, or leave it out")
        };
        Error::malformed(place, problem)
    }
}

fn size(bytes: usize) -> String {
    if bytes >= 1 << 20 { format!("{} MiB", bytes >> 20) } else { format!("{bytes} bytes") }
}

fn note(path: &Path, encoding: Encoding, evidence: &str) -> String {
    format!("{}: read as {encoding} ({evidence})", path.display())
}

/// The beginning of a file without the character that is cut at its end; of UTF-16, whose NUL bytes show, up to the
/// last whole line.
fn sample(bytes: &[u8], given: Option<Encoding>) -> &[u8] {
    let wide = matches!(given, Some(Encoding::Utf16Le | Encoding::Utf16Be))
        || given.is_none() && memchr::memchr(0, bytes).is_some();
    if !wide {
        return whole_characters(bytes);
    }
    let even = bytes.len() & !1;
    let last = bytes[..even].chunks_exact(2).rposition(|pair| matches!(pair, [b'\n', 0] | [0, b'\n']));
    &bytes[..last.map_or(even, |last| 2 * last + 2)]
}

/// Without a UTF-8 sequence that is cut at the end.
fn whole_characters(bytes: &[u8]) -> &[u8] {
    let cut = bytes.iter().rev().take(3).position(|&byte| byte >= 0xC0);
    match cut {
        Some(back) if std::str::from_utf8(&bytes[bytes.len() - back - 1..]).is_err() => {
            &bytes[..bytes.len() - back - 1]
        }
        _ => bytes,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::ops::ControlFlow;

    use proptest::prelude::*;

    use super::*;
    use crate::read::{Found, documents_of};

    /// Everything small, so that short texts have several blocks.
    const TINY: Limits = Limits { block: 16, whole: 40, sample: 24, record: 1 << 20 };

    fn said(found: Found) -> String {
        match found {
            Found::Document(document) => format!("{document:?}"),
            Found::Fault(error) => format!("fault: {error}"),
            Found::Note(note) => format!("note: {note}"),
        }
    }

    fn of_block(block: Block, options: &ReadOptions) -> Vec<String> {
        let mut all = Vec::new();
        block.read(options, |found| {
            all.push(said(found));
            ControlFlow::Continue(())
        });
        all
    }

    fn streamed(path: &Path, limits: Limits) -> Vec<String> {
        let options = ReadOptions::default();
        let inputs = vec![Input::File(path.to_owned())];
        let blocks = Blocks::with(inputs, options.clone(), Position::default(), limits);
        blocks.flat_map(|block| of_block(block, &options)).collect()
    }

    fn at_once(path: &Path, bytes: &[u8]) -> Vec<String> {
        match documents_of(bytes, path, &ReadOptions::default(), &mut |_| {}) {
            Ok(documents) => documents.into_iter().map(|found| said(found.into())).collect(),
            Err(error) => vec![format!("fault: {error}")],
        }
    }

    fn gz(bytes: &[u8]) -> Vec<u8> {
        // Two members.
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let member = |part: &[u8]| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(part).unwrap();
            encoder.finish().unwrap()
        };
        [member(first), member(second)].concat()
    }

    /// As it is, and compressed.
    fn forms(folder: &Path, name: &str, bytes: &[u8]) -> [PathBuf; 3] {
        let paths =
            [name.to_owned(), format!("{name}.gz"), format!("{name}.zst")].map(|name| folder.join(name));
        std::fs::write(&paths[0], bytes).unwrap();
        std::fs::write(&paths[1], gz(bytes)).unwrap();
        std::fs::write(&paths[2], zstd::encode_all(bytes, 0).unwrap()).unwrap();
        paths
    }

    fn same_without_endings(path: &Path, found: Vec<String>) -> Vec<String> {
        let ending = path.extension().filter(|ending| *ending == "gz" || *ending == "zst");
        let Some(ending) = ending.and_then(|ending| ending.to_str()) else { return found };
        found
            .into_iter()
            .map(|line| line.replace(&format!("l.{ending}"), "l").replace(&format!("v.{ending}"), "v"))
            .collect()
    }

    fn check(name: &str, bytes: &[u8]) -> Result<(), TestCaseError> {
        let folder = tempfile::tempdir().unwrap();
        let wanted = at_once(&folder.path().join(name), bytes);
        for path in forms(folder.path(), name, bytes) {
            let found = same_without_endings(&path, streamed(&path, TINY));
            prop_assert_eq!(&found, &wanted, "{}", path.display());
            let inputs = vec![Input::File(path.clone())];
            let options = ReadOptions::default();
            let blocks: Vec<Block> =
                Blocks::with(inputs.clone(), options.clone(), Position::default(), TINY).collect();
            let from: Vec<Position> = blocks.iter().map(Block::position).collect();
            let parts: Vec<Vec<String>> = blocks.into_iter().map(|block| of_block(block, &options)).collect();
            for (index, position) in from.into_iter().enumerate() {
                let rest = Blocks::with(inputs.clone(), options.clone(), position, TINY);
                let rest: Vec<String> = rest.flat_map(|block| of_block(block, &options)).collect();
                prop_assert_eq!(rest, parts[index + 1..].concat(), "from {:?}", position);
            }
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn lines_by_blocks_are_those_of_the_whole_file(
            lines in prop::collection::vec(
                prop_oneof![
                    "[ا-ي ]{0,40}".prop_map(|text| format!("{{\"id\": \"a\", \"text\": \"{text}\"}}")),
                    Just(String::new()), Just("  ".to_owned()), Just("{\"text\": 1}".to_owned()), Just("not JSON".to_owned()),
                ],
                1..30,
            ),
            end in prop::sample::select(vec!["\n", "\r\n"]),
            last in any::<bool>(),
        ) {
            let text = lines.join(end) + if last { end } else { "" };
            prop_assume!(!text.trim().is_empty());
            check("a.jsonl", text.as_bytes())?;
        }

        #[test]
        fn rows_by_blocks_are_those_of_the_whole_file(
            header in prop::sample::select(vec!["id,text\n", "\n\nid,text\r\n", "text,x\n", "text,text\n", "\"i\nd\",text\r"]),
            // Marks where they open a field and where they do not, all line ends, empty lines.
            body in "([اب\"]|,|\"\"|\"\n|\r\n|\n|\r|,\"| ){0,120}",
        ) {
            check("a.csv", format!("{header}{body}").as_bytes())?;
        }
    }

    #[test]
    fn a_cut_off_file_gives_what_is_whole_and_then_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let lines: String = (0..20_000_u64)
            .map(|i| format!("{{\"id\":\"{i}\",\"text\":\"كلمة {}\"}}\n", i * i * 7919))
            .collect();
        let limits = Limits { block: 1 << 10, whole: 2 << 10, ..LIMITS };
        for path in &forms(folder.path(), "a.jsonl", lines.as_bytes())[1..] {
            let bytes = std::fs::read(path).unwrap();
            std::fs::write(path, &bytes[..bytes.len() * 9 / 10]).unwrap();
            let found = streamed(path, limits);
            let (last, whole) = found.split_last().unwrap();
            assert!(whole.len() > 500 && whole.iter().all(|line| line.starts_with("Document")), "{last}");
            assert!(last.contains("end too early, so the file was cut off"), "{last}");
        }
    }

    #[test]
    fn a_record_without_end_is_named_and_the_next_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits { record: 1000, ..TINY };
        let long = "ا".repeat(5000);
        let text = format!("{{\"text\":\"أ\"}}\n{{\"text\":\"{long}\"}}\n{{\"text\":\"ب\"}}\n");
        for path in forms(folder.path(), "a.jsonl", text.as_bytes()) {
            let found = streamed(&path, limits);
            assert_eq!(found.len(), 3, "{found:?}");
            assert!(found[1].contains(":2: this line is longer than 1000 bytes"), "{}", found[1]);
            assert!(found[2].contains("row-3"), "{}", found[2]);
        }
        let table = format!("text\nأ\n\"{long}\n");
        let path = folder.path().join("a.csv");
        std::fs::write(&path, table).unwrap();
        let found = streamed(&path, limits);
        assert!(found[1].contains(":3: the row that begins here is longer than 1000 bytes"), "{found:?}");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn faults_of_the_encoding_far_behind_name_their_line() {
        let folder = tempfile::tempdir().unwrap();
        let good = "{\"text\":\"خبر قصير عن الطقس\"}\n".repeat(20);
        let twice: String =
            "{\"text\":\"قالت الوزارة إن الطائرات غادرت المطار\"}".bytes().map(char::from).collect();
        let page = "{\"text\":\"قالت الوزارة إن الطائرات غادرت المطار\"}".as_bytes();
        let page = encoding_rs::WINDOWS_1256.decode_without_bom_handling(page).0.into_owned();
        let one_line = Limits { block: 1, ..TINY };
        for (bad, words) in [
            (b"{\"text\":\"\xC7\xE1\"}".to_vec(), "21: damaged UTF-8: byte 0xC7"),
            ("{\"text\":\"أ\0\"}".into(), "21: the utf-8 text has a NUL"),
            (twice.into_bytes(), "21: the text is double-encoded: UTF-8 was read as ISO-8859-1"),
            (page.into_bytes(), "21: the text is double-encoded: UTF-8 was read as windows-1256"),
        ] {
            let bytes = [good.as_bytes(), &bad, b"\n", good.as_bytes()].concat();
            let path = folder.path().join("a.jsonl");
            std::fs::write(&path, bytes).unwrap();
            let found = streamed(&path, one_line);
            assert!(found[..20].iter().all(|line| line.starts_with("Document")));
            assert!(found[20].contains(words), "{}", found[20]);
            // Of a block that was misread, nothing is taken.
            assert!(found.len() > 35 && found[21..].iter().all(|line| line.starts_with("Document")));
        }
    }

    #[test]
    fn another_encoding_is_read_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let text = "{\"text\":\"افتتح الوزير صباح اليوم مستشفى جديدا في ضواحي المدينة\"}\n".repeat(9);
        let limits = Limits { sample: 300, ..TINY };
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let utf16_marked = [b"\xFF\xFE".to_vec(), utf16.clone()].concat();
        let cp1256 = encoding_rs::WINDOWS_1256.encode(&text).0.into_owned();
        for bytes in [utf16, utf16_marked, cp1256] {
            for path in forms(folder.path(), "a.jsonl", &bytes) {
                let found = streamed(&path, limits);
                assert!(found[0].starts_with("note: ") && found[0].contains("read as"), "{}", found[0]);
                assert_eq!(found.len(), 10);
                assert!(found[9].contains("مستشفى") && found[9].contains("row-9"), "{}", found[9]);
            }
        }
        let marked = format!("\u{FEFF}{text}");
        for path in forms(folder.path(), "a.jsonl", marked.as_bytes()) {
            let found = streamed(&path, limits);
            assert!(found[0].contains("read as utf-8-bom") && found.len() == 10, "{found:?}");
        }
    }
}
