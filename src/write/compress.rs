//! Compression, told by a file's ending.

use std::io::Write;
use std::path::Path;

use crate::error::{Error, Result};

/// Level of zstd; it is the default of its program, as flate2's is that of gzip.
const ZSTD_LEVEL: i32 = 3;

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// gzip, of one member or several.
    Gzip,
    /// zstd, of one frame or several.
    Zstd,
}

impl Compression {
    /// What a path's last ending says: `.gz` or `.zst`.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "gz" => Some(Compression::Gzip),
            "zst" => Some(Compression::Zstd),
            _ => None,
        }
    }

    /// The name of the format.
    pub const fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }

    /// One member (gzip) or frame (zstd) that holds `bytes`: several, one behind the other, are a file too, so that
    /// parts of an output can be compressed apart.
    ///
    /// # Errors
    /// [`Error::Write`] where the encoder fails; it does not for want of room.
    pub fn compress(self, bytes: &[u8], path: &Path) -> Result<Vec<u8>> {
        let done = match self {
            Compression::Gzip => {
                let level = flate2::Compression::default();
                let room = Vec::with_capacity(bytes.len() / 4);
                let mut encoder = flate2::write::GzEncoder::new(room, level);
                encoder.write_all(bytes).and_then(|()| encoder.finish())
            }
            Compression::Zstd => zstd::bulk::compress(bytes, ZSTD_LEVEL),
        };
        done.map_err(|source| Error::Write { path: path.to_owned(), source })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn parts_that_were_compressed_apart_are_one_file() {
        let parts = ["أول ".repeat(100), String::new(), "آخر".to_owned()];
        for compression in [Compression::Gzip, Compression::Zstd] {
            let path = Path::new("out");
            let file: Vec<u8> =
                parts.iter().flat_map(|part| compression.compress(part.as_bytes(), path).unwrap()).collect();
            let mut text = String::new();
            let read = match compression {
                Compression::Gzip => flate2::read::MultiGzDecoder::new(&file[..]).read_to_string(&mut text),
                Compression::Zstd => zstd::Decoder::new(&file[..]).unwrap().read_to_string(&mut text),
            };
            assert_eq!(read.unwrap(), text.len());
            assert_eq!(text, parts.concat());
        }
    }
}
