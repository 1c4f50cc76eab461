//! What is no text: binary formats by their signature, NUL bytes, many control characters.

use std::path::Path;

use super::{BLOCK, count, line_of, refusal};
use crate::error::{Place, Result};

/// Whether there is a control character that texts have not, NUL among them.
pub(super) fn has_controls(bytes: &[u8]) -> bool {
    // Without a way out of a block, the compiler makes vectors of it.
    bytes.chunks(BLOCK).any(|block| block.iter().fold(false, |found, &byte| found | is_control(byte)))
}

fn is_control(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0B | 0x0C | 0x1A | 0x1B)
}

/// `controls` is what [`has_controls`] says of `bytes`.
pub(super) fn refuse_binary(bytes: &[u8], controls: bool, path: &Path) -> Result<()> {
    if let Some((name, remedy)) = known_format(bytes) {
        return Err(refusal(Place::file(path), format!("this is {name}, not a text file; {remedy}")));
    }
    if is_utf32(bytes) {
        return Err(refusal(
            Place::file(path),
            "the file looks like UTF-32 without a byte order mark, and UTF-32 is not read; convert it: iconv -f \
             UTF-32LE (or UTF-32BE) -t UTF-8 FILE > MENDED"
                .to_owned(),
        ));
    }
    if !controls {
        return Ok(());
    }
    if let Some(at) = bytes.iter().position(|&byte| byte == 0) {
        let count = count(bytes, 0);
        return Err(refusal(
            Place::line(path, line_of(&bytes[..at])),
            format!(
                "there are NUL bytes ({count}, the first at byte offset {at}), so this is binary or a damaged file; \
                 extract the text first, or fetch the file again"
            ),
        ));
    }
    let controls = bytes.iter().filter(|&&byte| is_control(byte)).count();
    if controls >= 4 && controls * 50 > bytes.len() {
        return Err(refusal(
            Place::file(path),
            format!("this looks like binary data ({controls} control characters); extract the text first"),
        ));
    }
    Ok(())
}

fn is_utf32(bytes: &[u8]) -> bool {
    let all = |read: fn([u8; 4]) -> u32| {
        bytes.chunks_exact(4).all(|c| {
            let code = read([c[0], c[1], c[2], c[3]]);
            code != 0 && char::from_u32(code).is_some()
        })
    };
    bytes.len() >= 8 && bytes.len().is_multiple_of(4) && (all(u32::from_le_bytes) || all(u32::from_be_bytes))
}

/// The format a signature at the beginning names, and how to get at its text.
fn known_format(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    const UNPACK: &str = "unpack it first";
    const IMAGE: &str = "it needs character recognition (OCR) first";
    const TABLE: &str = "export it as CSV or JSON lines in UTF-8 first";
    const SIGNATURES: &[(&[u8], &str, &str)] = &[
        (b"%PDF-", "a PDF", "extract the text first (pdftotext)"),
        (b"{\\rtf", "a rich text (RTF) document", "save it as plain text in UTF-8 first"),
        (
            b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
            "an older office document (doc? xls?)",
            "extract the text first (save it as plain text or CSV in UTF-8)",
        ),
        (b"PK\x05\x06", "an empty zip archive", UNPACK),
        (b"\x1F\x8B", "a gzip file", "decompress it first (gunzip)"),
        (b"\xFD7zXZ\0", "an xz file", "decompress it first (unxz)"),
        (b"\x28\xB5\x2F\xFD", "a zstd file", "decompress it first (unzstd)"),
        (b"7z\xBC\xAF\x27\x1C", "a 7z archive", UNPACK),
        (b"Rar!\x1A\x07", "a RAR archive", UNPACK),
        (b"\x89PNG\r\n\x1A\n", "a PNG image", IMAGE),
        (b"\xFF\xD8\xFF", "a JPEG image", IMAGE),
        (b"GIF87a", "a GIF image", IMAGE),
        (b"GIF89a", "a GIF image", IMAGE),
        (b"II*\0", "a TIFF image", IMAGE),
        (b"MM\0*", "a TIFF image", IMAGE),
        (b"SQLite format 3\0", "an SQLite database", TABLE),
        (b"ARROW1\0\0", "an Arrow file", TABLE),
        (b"\x7FELF", "a program (ELF)", "name the text file instead"),
    ];
    if bytes.starts_with(b"PK\x03\x04") {
        // The entries that name the format come first, but not at a fixed place.
        let head = &bytes[..bytes.len().min(4096)];
        let has = |name: &[u8]| head.windows(name.len()).any(|window| window == name);
        return Some(if has(b"word/") {
            ("a zip archive (docx)", "extract the text first (save it as plain text in UTF-8)")
        } else if has(b"xl/") {
            ("a zip archive (xlsx)", TABLE)
        } else if has(b"application/epub+zip") {
            ("a zip archive (epub)", "extract the text first")
        } else if has(b"application/vnd.oasis.opendocument") {
            ("a zip archive (OpenDocument)", "extract the text first (save it as plain text or CSV in UTF-8)")
        } else {
            ("a zip archive (docx? xlsx?)", "unpack it, or extract the text first")
        });
    }
    if bytes.starts_with(b"BZh") && bytes.get(4..10) == Some(b"1AY&SY") {
        return Some(("a bzip2 file", "decompress it first (bunzip2)"));
    }
    if bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1") && bytes.len() >= 12 {
        return Some(("a Parquet file", TABLE));
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Some(("a WebP image", IMAGE));
    }
    if bytes.get(4..8) == Some(b"ftyp") && bytes.starts_with(b"\0") {
        return Some(("a video or image (MP4, HEIC)", "extract the text first"));
    }
    SIGNATURES
        .iter()
        .find(|(signature, ..)| bytes.starts_with(signature))
        .map(|&(_, name, remedy)| (name, remedy))
}

#[cfg(test)]
mod tests {
    use super::super::encoding::Encoding;
    use super::super::samples::*;

    #[test]
    fn binary_formats_are_named() {
        for (bytes, name) in [
            (&b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n1 0 obj"[..], "a PDF"),
            (b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0word/document.xml", "docx"),
            (b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0xl/workbook.xml", "xlsx"),
            (b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0a.txt", "a zip archive"),
            (b"\x1F\x8B\x08\0abcdef", "gzip"),
            (b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR", "PNG"),
            (b"\xFF\xD8\xFF\xE0\0\x10JFIF", "JPEG"),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0", "doc?"),
            (b"{\\rtf1\\ansi\\ansicpg1256 \\'c7\\'e1}", "RTF"),
            (b"BZh91AY&SY\x01\x02", "bzip2"),
            (b"RIFF\x01\x02\x03\x04WEBPVP8 ", "WebP"),
            (b"PAR1\x15\x04\x15PAR1 PAR1", "Parquet"),
        ] {
            let (line, problem) = refused(run(bytes));
            assert_eq!(line, None, "{problem}");
            assert_says(&problem, &[name, "first"]);
        }
    }

    #[test]
    fn nul_and_control_characters_are_refused() {
        let (line, problem) = refused(run("خبر أول\nخبر\0 ثان".as_bytes()));
        assert_eq!(line, Some(2));
        assert_says(&problem, &["NUL", "byte offset 20"]);
        assert_says(&refused(run(b"ab\x01\x02cd\x03\x04ef")).1, &["control characters"]);
        let long = format!("{}\n\0", "خبر ".repeat(3000));
        assert_eq!(refused(run(long.as_bytes())).0, Some(2));
        // One that slipped in does not make a text binary.
        assert!(run("خبر\u{1}".as_bytes()).is_ok());
        assert_says(&refused(run(b"\xEF\xBB\xBFa\nb\0")).1, &["NUL"]);
        assert_eq!(run_as(b"a\0b", Encoding::Utf8).unwrap().text, "a\0b");
        assert_eq!(refused(run_as(b"a\nb\0", Encoding::Windows1256)).0, Some(2));
    }
}
