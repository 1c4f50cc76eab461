//! Strict decoding: the text, or the first place that is malformed.

use std::fmt;
use std::path::Path;
use std::str::Utf8Error;

use encoding_rs::{UTF_8, WINDOWS_1256};

use super::encoding::Encoding;
use super::{line_of, refusal};
use crate::error::{Error, Place, Result};

pub(super) struct Mark {
    pub(super) encoding: Encoding,
    pub(super) len: usize,
}

pub(super) fn byte_order_mark(bytes: &[u8], path: &Path) -> Result<Option<Mark>> {
    // UTF-32LE's mark begins with UTF-16LE's.
    if bytes.starts_with(b"\xFF\xFE\0\0") || bytes.starts_with(b"\0\0\xFE\xFF") {
        return Err(refusal(
            Place::line(path, 1),
            "the file begins with a UTF-32 byte order mark, and UTF-32 is not read; convert it: iconv -f UTF-32 -t \
             UTF-8 FILE > MENDED"
                .to_owned(),
        ));
    }
    Ok(if bytes.starts_with(b"\xEF\xBB\xBF") {
        Some(Mark { encoding: Encoding::Utf8Bom, len: 3 })
    } else if bytes.starts_with(b"\xFF\xFE") {
        Some(Mark { encoding: Encoding::Utf16Le, len: 2 })
    } else if bytes.starts_with(b"\xFE\xFF") {
        Some(Mark { encoding: Encoding::Utf16Be, len: 2 })
    } else {
        None
    })
}

/// The first malformed place of a file.
pub(super) struct Fault {
    offset: usize,
    line: u64,
    what: String,
}

impl Fault {
    /// `error` arose in `bytes[skip..]`.
    pub(super) fn utf8(bytes: &[u8], skip: usize, error: Utf8Error) -> Self {
        let offset = skip + error.valid_up_to();
        let what = match error.error_len() {
            None => "the file ends in the middle of a UTF-8 sequence".to_owned(),
            Some(_) => match bytes.get(offset) {
                Some(byte) => format!("byte 0x{byte:02X} is not valid UTF-8"),
                None => "a UTF-8 sequence is broken".to_owned(),
            },
        };
        Fault { offset, line: line_of(&bytes[..offset]), what }
    }

    pub(super) fn error(&self, path: &Path, problem: &str) -> Error {
        refusal(Place::line(path, self.line), problem.to_owned())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte offset {}", self.what, self.offset)
    }
}

/// Decodes `bytes[skip..]`, where `skip` is the length of the mark.
pub(super) fn strict(bytes: &[u8], skip: usize, encoding: Encoding) -> Result<String, Fault> {
    let body = &bytes[skip..];
    match encoding {
        Encoding::Utf8 | Encoding::Utf8Bom => {
            strict_utf8(body).map_err(|error| Fault::utf8(bytes, skip, error))
        }
        Encoding::Utf16Le | Encoding::Utf16Be => strict_utf16(body, skip, encoding == Encoding::Utf16Be),
        Encoding::Windows1256 => match body.iter().position(|&byte| byte == 0) {
            // It is the one sign of a wrong name that a code page with 256 characters leaves.
            Some(at) => Err(Fault {
                offset: skip + at,
                line: line_of(&body[..at]),
                what: "there is a NUL byte".to_owned(),
            }),
            None => Ok(WINDOWS_1256.decode_without_bom_handling(body).0.into_owned()),
        },
    }
}

/// The standard library goes byte by byte, `encoding_rs` through vectors, many times as fast: even with
/// a copy it is done before `String::from_utf8`, which copies nothing.
pub(super) fn strict_utf8(bytes: &[u8]) -> Result<String, Utf8Error> {
    match UTF_8.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => Ok(text.into_owned()),
        None => std::str::from_utf8(bytes).map(str::to_owned),
    }
}

fn strict_utf16(body: &[u8], skip: usize, big: bool) -> Result<String, Fault> {
    let mut text = String::with_capacity(body.len());
    let mut offset = skip;
    for decoded in char::decode_utf16(code_units(body, big)) {
        match decoded {
            Ok(c) => {
                text.push(c);
                offset += 2 * c.len_utf16();
            }
            Err(error) => {
                let what = format!("code unit 0x{:04X} is an unpaired surrogate", error.unpaired_surrogate());
                return Err(Fault { offset, line: line_of(text.as_bytes()), what });
            }
        }
    }
    if body.len() % 2 == 1 {
        let what = "the file ends in the middle of a UTF-16 code unit".to_owned();
        return Err(Fault { offset, line: line_of(text.as_bytes()), what });
    }
    Ok(text)
}

pub(super) fn code_units(bytes: &[u8], big: bool) -> impl Iterator<Item = u16> {
    bytes.chunks_exact(2).map(move |pair| {
        let pair = [pair[0], pair[1]];
        if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples::*;
    use super::*;

    #[test]
    fn marks_decide_and_are_taken_off() {
        for (mark, encoding) in [
            (&b"\xEF\xBB\xBF"[..], Encoding::Utf8Bom),
            (b"\xFF\xFE", Encoding::Utf16Le),
            (b"\xFE\xFF", Encoding::Utf16Be),
        ] {
            // Of Chinese text the code units alone say nothing.
            for text in ["نعم", "東京", "a"] {
                let body = encoded(text, encoding.asked());
                let bytes = [mark, &body].concat();
                assert_eq!(accepted(&bytes, encoding), text);
                assert_eq!(run(&bytes).unwrap().evidence, "byte order mark");
                let given = run_as(&bytes, encoding.asked()).unwrap();
                assert_eq!((given.text.as_str(), given.encoding, given.evidence), (text, encoding, "given"));
                let twice = [mark, mark, &body].concat();
                assert_eq!(accepted(&twice, encoding), text);
            }
        }
    }

    #[test]
    fn marks_that_contradict_are_refused() {
        let (line, problem) = refused(run_as(b"\xFF\xFE\x27\x06", Encoding::Utf8));
        assert_eq!(line, Some(1));
        assert_says(&problem, &["--encoding utf-8", "utf-16le byte order mark"]);
        let (_, problem) = refused(run_as(b"\xEF\xBB\xBFabc", Encoding::Windows1256));
        assert_says(&problem, &["pass --encoding utf-8"]);
        for bytes in [&b"\xFF\xFE\0\0a\0\0\0"[..], b"\0\0\xFE\xFF\0\0\0a"] {
            assert_says(&refused(run(bytes)).1, &["UTF-32 byte order mark", "iconv"]);
            assert_says(&refused(run_as(bytes, Encoding::Utf16Le)).1, &["UTF-32"]);
        }
        let (_, problem) = refused(run(b"a\0\0\0b\0\0\0c\0\0\0"));
        assert_says(&problem, &["UTF-32 without a byte order mark"]);
    }

    #[test]
    fn line_ends_are_kept() {
        let text = "السطر الأول من الخبر\r\nالسطر الثاني منه\nثم الثالث\r";
        for encoding in ALL {
            assert_eq!(accepted(&encoded(text, encoding), encoding), text);
        }
    }

    #[test]
    fn damaged_utf16_names_the_place() {
        let mut bytes = encoded(&article(), Encoding::Utf16Le);
        bytes.pop();
        let (line, problem) = refused(run(&bytes));
        assert_eq!(line, Some(12));
        assert_says(
            &problem,
            &["utf-16le", "middle of a UTF-16 code unit", &format!("offset {}", bytes.len() - 1)],
        );
        let text = "سطر\nسطر ثان\n";
        let mut bytes = [b"\xFE\xFF".to_vec(), encoded(text, Encoding::Utf16Be)].concat();
        let at = bytes.len();
        bytes.extend(b"\xD8\x01\x06\x27");
        let (line, problem) = refused(run(&bytes));
        assert_eq!(line, Some(3));
        assert_says(&problem, &["unpaired surrogate", "0xD801", &format!("offset {at}")]);
        assert_eq!(refused(run_as(&bytes, Encoding::Utf16Be)).0, Some(3));
    }
}
