//! Files as streams of bytes, decompressed where their ending says so.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use crate::error::{Error, Result};
use crate::write::Compression;

/// Bytes that a decompressor is given at a time.
const GIVEN: usize = 64 << 10;

/// What the first bytes of a stream say; `None` also where they are too few.
pub(super) fn signed(bytes: &[u8]) -> Option<Compression> {
    match bytes {
        [0x1F, 0x8B, ..] => Some(Compression::Gzip),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => Some(Compression::Zstd),
        _ => None,
    }
}

/// A path without the ending of its compression.
pub(super) fn uncompressed(path: &Path) -> std::path::PathBuf {
    if Compression::of(path).is_some() { path.with_extension("") } else { path.to_owned() }
}

/// A stream of bytes that says what is wrong with it in words.
pub(super) struct Source {
    inner: Box<dyn Read + Send>,
    compression: Option<Compression>,
}

/// Counts what it passes on.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.count.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl Source {
    /// Opens a file; `count` is raised by every byte of it that is read, before decompression.
    pub(super) fn open(path: &Path, count: &Arc<AtomicU64>) -> Result<Self> {
        Self::open_at(path, 0, count)
    }

    /// Opens a file behind so many decompressed bytes: a plain file seeks, a compressed one is read up to there.
    pub(super) fn open_at(path: &Path, offset: u64, count: &Arc<AtomicU64>) -> Result<Self> {
        let fail = |source| Error::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(fail)?;
        let compression = Compression::of(path);
        if compression.is_none() && offset > 0 {
            file.seek(SeekFrom::Start(offset)).map_err(fail)?;
        }
        let mut source = Self::new(file, compression, count).map_err(fail)?;
        if compression.is_some() && offset > 0 {
            let passed = io::copy(&mut (&mut source).take(offset), &mut io::sink()).map_err(fail)?;
            if passed < offset {
                return Err(fail(io::Error::other("it is shorter than it was")));
            }
        }
        Ok(source)
    }

    /// A stream that may be compressed.
    pub(super) fn new(
        inner: impl Read + Send + 'static,
        compression: Option<Compression>,
        count: &Arc<AtomicU64>,
    ) -> io::Result<Self> {
        let counted = Counted { inner, count: count.clone() };
        let inner: Box<dyn Read + Send> = match compression {
            None => Box::new(counted),
            Some(Compression::Gzip) => {
                Box::new(MultiGzDecoder::new(BufReader::with_capacity(GIVEN, counted)))
            }
            Some(Compression::Zstd) => {
                Box::new(zstd::Decoder::with_buffer(BufReader::with_capacity(GIVEN, counted))?)
            }
        };
        Ok(Source { inner, compression })
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let found = self.inner.read(buffer);
        let Some(compression) = self.compression else { return found };
        found.map_err(|error| {
            let name = compression.name();
            match error.kind() {
                io::ErrorKind::UnexpectedEof => io::Error::new(
                    error.kind(),
                    format!("the {name} data end too early, so the file was cut off; fetch it again"),
                ),
                io::ErrorKind::Interrupted => error,
                kind => io::Error::new(
                    kind,
                    format!("the {name} data are damaged ({error}); fetch the file again"),
                ),
            }
        })
    }
}

/// All bytes of a file, decompressed.
///
/// # Errors
/// [`Error::Read`].
pub(super) fn read_all(path: &Path) -> Result<Vec<u8>> {
    let fail = |source| Error::Read { path: path.to_owned(), source };
    if Compression::of(path).is_none() {
        return std::fs::read(path).map_err(fail);
    }
    let mut bytes = Vec::new();
    Source::open(path, &Arc::default())?.read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}

/// Reads until `buffer` has `wanted` bytes; whether the stream goes on.
pub(super) fn fill(source: &mut impl Read, buffer: &mut Vec<u8>, wanted: usize) -> io::Result<bool> {
    let missing = wanted.saturating_sub(buffer.len());
    // `Take` reads into the spare room of the vector and retries what was interrupted.
    let read = source.take(missing as u64).read_to_end(buffer)?;
    Ok(read == missing)
}
