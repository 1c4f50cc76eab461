//! From the bytes of a file to Unicode text, without guessing silently.
//!
//! Arabic news files come as UTF-8, as UTF-16 (exports of office programs) and, from older
//! systems, as windows-1256. [`decode`] tells them apart by evidence and refuses, with the place
//! and a remedy, whatever the evidence does not settle.
//!
//! The order in which the evidence is heard:
//!
//! 1. the encoding the caller gives, decoded strictly;
//! 2. a byte order mark (UTF-8, UTF-16; UTF-32 is recognised and refused);
//! 3. nothing to read: no bytes, only a byte order mark, only white space;
//! 4. UTF-16 without a mark: nearly all code units are ASCII or Arabic in one byte order;
//! 5. binary formats by their signature, NUL bytes, many control characters;
//! 6. strict UTF-8; where most multi-byte sequences are sound, the file is damaged UTF-8 and is
//!    never read as something else;
//! 7. windows-1256, if the letters it gives are those of Arabic;
//! 8. in the text so found: an earlier misreading that was saved (double encoding).
//!
//! Everything is linear in the length of the file, and in sound UTF-8 not much slower than copying it; beside the text itself, only tables of a few
//! kilobytes and a copy of the text in the encodings that have to be weighed are held.

mod binary;
mod encoding;
mod letters;
mod misreading;
#[cfg(test)]
mod samples;
mod signs;
mod strict;

use std::path::Path;

use encoding_rs::{ISO_8859_6, WINDOWS_1256};

use self::binary::{has_controls, refuse_binary};
use self::encoding::KNOWN;
use self::letters::Letters;
use self::misreading::find_misreading;
use self::strict::{Fault, Mark, byte_order_mark, code_units, strict, strict_utf8};
use crate::error::{Error, Place, Result};

pub use self::encoding::Encoding;

/// A decoded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text: without a leading byte order mark, with its line ends as they were.
    pub text: String,
    /// The encoding the bytes were in.
    pub encoding: Encoding,
    /// What decided: `given`, `byte order mark`, `UTF-16 code units`, `valid UTF-8` or
    /// `Arabic letters`.
    pub evidence: &'static str,
}

/// How many bytes are scanned for something rare before it is asked whether it was there.
const BLOCK: usize = 4096;

const GIVEN: &str = "given";

/// Decodes a file's bytes; `path` is used for messages only.
///
/// The order of the evidence is that of the [module](self). With `given`, bytes are decoded
/// strictly with it and nothing else is tried; a mark that fits it is taken off (and shows as
/// [`Encoding::Utf8Bom`] where it is UTF-8's). Offsets in messages count bytes from 0, marks
/// included; lines end with LF and count from 1.
///
/// Time is linear in the length of `bytes`.
///
/// # Errors
///
/// [`Error::Empty`] if there is nothing but white space and byte order marks.
///
/// [`Error::Encoding`] if
/// - bytes are malformed in the given encoding, or in the one a byte order mark names; every byte
///   is a character of windows-1256, there only NUL counts as malformed;
/// - a byte order mark contradicts `given`, or is that of UTF-32;
/// - the file is of a binary format, or has NUL bytes or many control characters (not asked of
///   UTF-8 and UTF-16 that is given);
/// - it is damaged UTF-8, or UTF-8 mixed with something else;
/// - it is not UTF-8 and its letters, read as windows-1256, are not those of Arabic;
/// - the text is double-encoded. Without `given`, one line that mostly is suffices; with it, four
///   fifths of all that is not ASCII must be, so `given` takes a file with a few such lines as
///   it is.
pub fn decode(bytes: &[u8], given: Option<Encoding>, path: &Path) -> Result<Decoded> {
    let mark = byte_order_mark(bytes, path)?;
    if let Some(given) = given {
        return decode_given(bytes, given.asked(), mark, path);
    }
    if let Some(mark) = mark {
        let text = strict(bytes, mark.len, mark.encoding).map_err(|fault| {
            fault.error(
                path,
                &format!(
                    "the file begins with a {} byte order mark, but {fault}; fetch or export the file again",
                    mark.encoding.asked()
                ),
            )
        })?;
        refuse_nul(&text, mark.encoding, path)?;
        return finish(bytes, text, mark.encoding, "byte order mark", path);
    }
    let controls = has_controls(bytes);
    if controls && let Some(encoding) = utf16_by_code_units(bytes) {
        let text = strict(bytes, 0, encoding).map_err(|fault| {
            fault.error(
                path,
                &format!(
                    "the file looks like {encoding} without a byte order mark, but {fault}; fetch or export it \
                     again, or pass --encoding NAME ({KNOWN}) if it is in another encoding"
                ),
            )
        })?;
        refuse_nul(&text, encoding, path)?;
        return finish(bytes, text, encoding, "UTF-16 code units", path);
    }
    refuse_binary(bytes, controls, path)?;
    match strict_utf8(bytes) {
        Ok(text) => finish(bytes, text, Encoding::Utf8, "valid UTF-8", path),
        Err(error) => {
            let fault = Fault::utf8(bytes, 0, error);
            refuse_damaged_utf8(bytes, &fault, path)?;
            decode_windows_1256(bytes, &fault, path)
        }
    }
}

fn decode_given(bytes: &[u8], given: Encoding, mark: Option<Mark>, path: &Path) -> Result<Decoded> {
    let (encoding, skip) = match mark {
        Some(mark) if mark.encoding.asked() == given => (mark.encoding, mark.len),
        Some(mark) => {
            let found = mark.encoding.asked();
            return Err(refusal(
                Place::line(path, 1),
                format!(
                    "--encoding {given} was given, but the file begins with a {found} byte order mark; leave \
                     --encoding out, or pass --encoding {found}"
                ),
            ));
        }
        None => (given, 0),
    };
    let text = strict(bytes, skip, encoding).map_err(|fault| {
        fault.error(
            path,
            &format!(
                "not {given}, as --encoding says: {fault}; leave --encoding out to have the encoding found, pass \
                 the right one ({KNOWN}), or mend the file"
            ),
        )
    })?;
    finish(bytes, text, encoding, GIVEN, path)
}

/// The byte order in which at least nine tenths of the code units are ASCII text or Arabic. One
/// byte order at most can do so, for the other swaps U+06xx and U+00xx into unrelated scripts.
fn utf16_by_code_units(bytes: &[u8]) -> Option<Encoding> {
    const FEWEST: usize = 4;
    // ASCII leaves NUL bytes and Arabic 0x06: without either there is nothing to weigh.
    if !bytes.iter().any(|byte| matches!(byte, 0x00 | 0x06)) {
        return None;
    }
    let fits = |big: bool| {
        let units = bytes.len() / 2;
        let usual = code_units(bytes, big)
            .filter(|unit| {
                matches!(unit, 0x09 | 0x0A | 0x0D | 0x20..=0x7E | 0x0600..=0x06FF | 0xFB50..=0xFDFF | 0xFE70..=0xFEFF)
            })
            .count();
        units >= FEWEST && usual * 10 >= units * 9
    };
    match (fits(false), fits(true)) {
        (true, false) => Some(Encoding::Utf16Le),
        (false, true) => Some(Encoding::Utf16Be),
        _ => None,
    }
}

/// Weighs the sound multi-byte sequences against the broken ones. In windows-1256 a sound one
/// arises only where a letter meets a punctuation mark («ة؟» is 0xC9 0xBF), a few in a hundred
/// letters; in UTF-8 with a damaged place nearly all are sound.
fn refuse_damaged_utf8(bytes: &[u8], fault: &Fault, path: &Path) -> Result<()> {
    let (mut sound, mut broken) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        sound += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    if sound * 4 <= broken {
        return Ok(());
    }
    let problem = if sound >= broken * 10 || sound > 0 && broken == 1 {
        let places = if broken == 1 { "one place" } else { "several places" };
        format!(
            "damaged UTF-8: {fault}, and {sound} other sequences are sound, {places} broken; fetch or export the \
             file again, or pass --encoding NAME ({KNOWN}) if it is in another encoding"
        )
    } else {
        format!(
            "UTF-8 mixed with another encoding: {fault}; {sound} sequences are sound and {broken} places are \
             broken; convert the parts one by one, or pass --encoding NAME ({KNOWN})"
        )
    };
    Err(fault.error(path, &problem))
}

fn decode_windows_1256(bytes: &[u8], fault: &Fault, path: &Path) -> Result<Decoded> {
    let text = WINDOWS_1256.decode_without_bom_handling(bytes).0.into_owned();
    let letters = Letters::of(&text);
    let rival = ISO_8859_6
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map(|text| Letters::of(&text))
        .filter(|rival| rival.objection().is_none());
    let objection = letters.objection();
    if let Some(rival) = rival
        && (objection.is_some() || rival.naturalness() > letters.naturalness())
    {
        return Err(fault.error(
            path,
            &format!(
                "not UTF-8 ({fault}); the letters speak for ISO-8859-6, which is not read; convert it: iconv -f \
                 ISO-8859-6 -t UTF-8 FILE > MENDED"
            ),
        ));
    }
    match objection {
        None => finish(bytes, text, Encoding::Windows1256, "Arabic letters", path),
        Some(objection) => Err(fault.error(
            path,
            &format!(
                "neither UTF-8 ({fault}) nor UTF-16 nor plausible windows-1256 ({objection}); pass --encoding NAME \
                 ({KNOWN}) if you know it, or convert the file: iconv -f NAME -t UTF-8 FILE > MENDED"
            ),
        )),
    }
}

/// What holds for every text, however its encoding was found.
fn finish(
    bytes: &[u8],
    mut text: String,
    encoding: Encoding,
    evidence: &'static str,
    path: &Path,
) -> Result<Decoded> {
    // Programs that each add a mark leave several.
    let body = text.trim_start_matches('\u{FEFF}').len();
    text.drain(..text.len() - body);
    if text.chars().all(|c| c.is_whitespace() || c == '\u{FEFF}') {
        let what = match (bytes.is_empty(), text.is_empty()) {
            (true, _) => "the file is empty",
            (_, true) => "the file is empty (there is only a byte order mark)",
            _ => "the file is empty (there is only white space)",
        };
        let problem = format!("{what}; check the program that wrote it, or leave the file out");
        return Err(Error::Empty { place: Place::file(path), problem });
    }
    let given = evidence == GIVEN;
    match find_misreading(&text, given) {
        Some(misreading) => Err(misreading.error(bytes, encoding, given, path)),
        None => Ok(Decoded { text, encoding, evidence }),
    }
}

/// NUL bytes do not make UTF-16 binary, but NUL characters do.
fn refuse_nul(text: &str, encoding: Encoding, path: &Path) -> Result<()> {
    match text.find('\0') {
        Some(at) => Err(refusal(
            Place::line(path, line_of(&text.as_bytes()[..at])),
            format!("the {encoding} text has a NUL character; fetch or export the file again"),
        )),
        None => Ok(()),
    }
}

fn refusal(place: Place, problem: String) -> Error {
    Error::Encoding { place, problem }
}

#[allow(clippy::naive_bytecount)] // A crate of its own for this is not worth it.
fn count(bytes: &[u8], wanted: u8) -> usize {
    bytes.iter().filter(|&&byte| byte == wanted).count()
}

fn line_of(before: &[u8]) -> u64 {
    1 + count(before, b'\n') as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::samples::*;
    use super::*;

    #[test]
    fn every_sentence_survives_every_encoding() {
        for sentence in SENTENCES.iter().copied().chain([article().as_str()]) {
            for encoding in ALL {
                assert_eq!(accepted(&encoded(sentence, encoding), encoding), sentence);
            }
        }
    }

    #[test]
    fn nothing_to_read_is_said() {
        for (bytes, what) in [
            (&b""[..], "the file is empty;"),
            (b"\xEF\xBB\xBF", "only a byte order mark"),
            (b"\xFF\xFE", "only a byte order mark"),
            (b" \r\n\t\n", "only white space"),
            (b"\xEF\xBB\xBF \n", "only white space"),
            (b" \0\n\0 \0\n\0", "only white space"),
            ("\u{00A0}\u{3000}".as_bytes(), "only white space"),
        ] {
            match run(bytes) {
                Err(Error::Empty { place, problem }) => {
                    assert_eq!(place, Place::file("news.txt"));
                    assert_says(&problem, &["the file is empty", what]);
                }
                other => panic!("{bytes:?}: {other:?}"),
            }
        }
        for encoding in Encoding::GIVEN {
            assert!(matches!(run_as(b"", encoding), Err(Error::Empty { .. })));
        }
    }

    #[test]
    fn utf16_without_mark_is_found_by_its_code_units() {
        let digits = "بلغ العدد ٤٥ في عام ٢٠٣١، أي \u{201C}ضعف\u{201D} ما كان 😀";
        for text in ["word,label\nyes,1\n", "نعمثملا", digits] {
            for encoding in [Encoding::Utf16Le, Encoding::Utf16Be] {
                let bytes = encoded(text, encoding);
                assert_eq!(accepted(&bytes, encoding), text);
                assert_eq!(run(&bytes).unwrap().evidence, "UTF-16 code units");
            }
        }
    }

    #[test]
    fn damaged_utf8_is_never_another_encoding() {
        let text = article();
        let whole = text.as_bytes();
        for end in 1..whole.len() {
            let cut = &whole[..end];
            match run(cut) {
                Ok(decoded) => assert_eq!((decoded.encoding, decoded.text.as_bytes()), (Encoding::Utf8, cut)),
                Err(error) => {
                    let valid = std::str::from_utf8(cut).unwrap_err().valid_up_to();
                    let (line, problem) = refused::<()>(Err(error));
                    assert_eq!(line, Some(line_of(&cut[..valid])));
                    assert_says(&problem, &[&format!("byte offset {valid}"), "--encoding"]);
                    if end > 2 {
                        assert_says(&problem, &["damaged UTF-8", "ends in the middle"]);
                    }
                }
            }
        }
        let (line, problem) = refused(run_as(&whole[..whole.len() - 2], Encoding::Utf8));
        assert_eq!(line, Some(12));
        assert_says(&problem, &["not utf-8", "byte offset"]);
    }

    #[test]
    fn utf8_and_windows_1256_in_one_file_are_refused() {
        let (first, second) = (SENTENCES[0], SENTENCES[3]);
        let bytes = [first.as_bytes(), b"\n", &cp1256(second)].concat();
        let (line, problem) = refused(run(&bytes));
        assert_eq!(line, Some(2));
        assert_says(&problem, &["mixed", &format!("offset {}", first.len() + 1)]);
        let bytes = [cp1256(&article().repeat(5)).as_slice(), b"\n", second.as_bytes()].concat();
        let (line, problem) = refused(run(&bytes));
        assert_eq!(line, Some(56 + 1));
        assert_says(&problem, &["mixed"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

        #[test]
        fn authored_text_survives_every_encoding(text in authored(), encoding in prop::sample::select(&ALL[..])) {
            let bytes = encoded(&text, encoding);
            let found = run(&bytes).unwrap();
            prop_assert_eq!((&found.text, found.encoding), (&text, encoding));
            let given = run_as(&bytes, encoding.asked()).unwrap();
            prop_assert_eq!((&given.text, given.encoding, given.evidence), (&text, encoding, "given"));
        }

        #[test]
        fn damage_in_utf8_is_an_error_or_leaves_utf8(
            text in authored(),
            at in any::<prop::sample::Index>(),
            byte in 0x80_u8..,
        ) {
            let mut bytes = text.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            match run(&bytes) {
                Ok(decoded) => prop_assert_eq!(decoded.text.as_bytes(), &bytes[..]),
                Err(error) => prop_assert!(error.to_string().contains("damaged UTF-8"), "{}", error),
            }
        }

        #[test]
        fn no_bytes_make_it_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            given in prop::option::of(prop::sample::select(&ALL[..])),
        ) {
            if let Ok(decoded) = decode(&bytes, given, Path::new("news.txt")) {
                prop_assert!(!decoded.text.starts_with('\u{FEFF}'), "a mark in the text");
                prop_assert!(!decoded.text.is_empty());
                if given.is_none() && decoded.encoding == Encoding::Utf8 {
                    prop_assert_eq!(decoded.text.as_bytes(), &bytes[..]);
                }
            }
        }

        #[test]
        fn marked_bytes_do_not_make_it_panic(
            mark in prop::sample::select(vec![&b"\xEF\xBB\xBF"[..], b"\xFF\xFE", b"\xFE\xFF", b"PK\x03\x04"]),
            bytes in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            if let Ok(decoded) = run(&[mark, &bytes].concat()) {
                prop_assert_eq!(decoded.evidence, "byte order mark");
                prop_assert!(!decoded.text.starts_with('\u{FEFF}'), "a mark in the text");
            }
        }
    }
}
