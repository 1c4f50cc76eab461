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
//! Everything is linear in the length of the file; beside the text itself, only tables of a few
//! kilobytes and a copy of the text in the encodings that have to be weighed are held.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use encoding_rs::{ISO_8859_6, WINDOWS_1252, WINDOWS_1256};

use crate::error::{Error, Place, Result};

/// The encodings that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// UTF-8 without a byte order mark.
    Utf8,
    /// UTF-8 that begins with a byte order mark. It is found, never asked for: `utf-8` reads both.
    Utf8Bom,
    /// UTF-16, low byte first, with or without a byte order mark.
    Utf16Le,
    /// UTF-16, high byte first, with or without a byte order mark.
    Utf16Be,
    /// Windows code page 1256 as the WHATWG Encoding Standard maps it.
    Windows1256,
}

impl Encoding {
    /// The encodings a user can ask for, in the order in which messages list them.
    pub const GIVEN: [Encoding; 4] =
        [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be, Encoding::Windows1256];

    /// The name, as [`fmt::Display`] writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 => "utf-8",
            Encoding::Utf8Bom => "utf-8-bom",
            Encoding::Utf16Le => "utf-16le",
            Encoding::Utf16Be => "utf-16be",
            Encoding::Windows1256 => "windows-1256",
        }
    }

    /// The encoding as it is asked for: UTF-8 with and without a mark are one.
    const fn asked(self) -> Self {
        match self {
            Encoding::Utf8Bom => Encoding::Utf8,
            other => other,
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Encoding {
    type Err = Error;

    /// Reads one of the names of [`Encoding::GIVEN`], in upper or lower case.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] with the known names for every other name, `utf-8-bom` among them.
    fn from_str(name: &str) -> Result<Self> {
        Encoding::GIVEN.into_iter().find(|known| known.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
            let hint = if name.eq_ignore_ascii_case("utf-8-bom") {
                "; utf-8 reads files with a mark too"
            } else {
                ""
            };
            Error::Usage(format!("unknown encoding «{name}»; known are {KNOWN}{hint}"))
        })
    }
}

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

const KNOWN: &str = "utf-8, utf-16le, utf-16be, windows-1256";
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
        return finish(bytes, text, mark.encoding, "byte order mark", path);
    }
    if let Some(encoding) = utf16_by_code_units(bytes) {
        let text = strict(bytes, 0, encoding).map_err(|fault| {
            fault.error(
                path,
                &format!(
                    "the file looks like {encoding} without a byte order mark, but {fault}; fetch or export it \
                     again, or pass --encoding NAME ({KNOWN}) if it is in another encoding"
                ),
            )
        })?;
        return finish(bytes, text, encoding, "UTF-16 code units", path);
    }
    refuse_binary(bytes, path)?;
    match std::str::from_utf8(bytes) {
        Ok(text) => finish(bytes, text.to_owned(), Encoding::Utf8, "valid UTF-8", path),
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
    if !given && let Some(at) = text.find('\0') {
        return Err(refusal(
            Place::line(path, line_of(&text.as_bytes()[..at])),
            format!("the {encoding} text has a NUL character; fetch or export the file again"),
        ));
    }
    match find_misreading(&text, given) {
        Some(misreading) => Err(misreading.error(bytes, encoding, given, path)),
        None => Ok(Decoded { text, encoding, evidence }),
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

// ---------------------------------------------------------------------------------------------
// Strict decoding

struct Mark {
    encoding: Encoding,
    len: usize,
}

fn byte_order_mark(bytes: &[u8], path: &Path) -> Result<Option<Mark>> {
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
struct Fault {
    offset: usize,
    line: u64,
    what: String,
}

impl Fault {
    /// `error` arose in `bytes[skip..]`.
    fn utf8(bytes: &[u8], skip: usize, error: std::str::Utf8Error) -> Self {
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

    fn error(&self, path: &Path, problem: &str) -> Error {
        refusal(Place::line(path, self.line), problem.to_owned())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte offset {}", self.what, self.offset)
    }
}

/// Decodes `bytes[skip..]`, where `skip` is the length of the mark.
fn strict(bytes: &[u8], skip: usize, encoding: Encoding) -> Result<String, Fault> {
    let body = &bytes[skip..];
    match encoding {
        Encoding::Utf8 | Encoding::Utf8Bom => match std::str::from_utf8(body) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => Err(Fault::utf8(bytes, skip, error)),
        },
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

fn code_units(bytes: &[u8], big: bool) -> impl Iterator<Item = u16> {
    bytes.chunks_exact(2).map(move |pair| {
        let pair = [pair[0], pair[1]];
        if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    })
}

// ---------------------------------------------------------------------------------------------
// UTF-16 and binary files

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

fn refuse_binary(bytes: &[u8], path: &Path) -> Result<()> {
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
    let is_control =
        |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0B | 0x0C | 0x1A | 0x1B);
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

// ---------------------------------------------------------------------------------------------
// Damaged UTF-8 and windows-1256

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

/// What speaks for and against a text's being Arabic that was read in the right code page.
#[derive(Default)]
struct Letters {
    /// Letters of the Arabic script, vowel signs not included.
    arabic: usize,
    /// Of these, the letters of Persian and Urdu.
    eastern: usize,
    /// Other letters outside ASCII.
    foreign: usize,
    /// Occurrences of each of [`COMMON`].
    common: [usize; COMMON.len()],
    /// Symbols outside ASCII that hardly occur in news.
    odd: usize,
    longest_odd_run: usize,
    /// Letters and signs where Arabic writing does not put them.
    misplaced: usize,
    /// Words that begin with the article.
    articles: usize,
}

/// The six most frequent letters, half of all letters in running Arabic.
const COMMON: [char; 6] = ['ا', 'ل', 'ي', 'م', 'ن', 'و'];

/// Fewer letters do not decide anything.
const FEWEST_LETTERS: usize = 12;

impl Letters {
    fn of(text: &str) -> Self {
        let mut found = Letters::default();
        let (mut before, mut last) = (' ', ' ');
        let mut odd_run = 0;
        for c in text.chars() {
            if is_arabic_letter(c) {
                found.arabic += 1;
                found.eastern += usize::from(c > '\u{0652}');
                if let Some(i) = COMMON.iter().position(|&common| common == c) {
                    found.common[i] += 1;
                }
                // Code pages of Latin script give single Arabic letters inside Latin words; ة ends words.
                found.misplaced += usize::from(is_latin_letter(last) || last == 'ة');
                found.articles += usize::from(c == 'ل' && last == 'ا' && !is_arabic_letter(before));
            } else if is_vowel_sign(c) {
                found.misplaced += usize::from(!is_arabic_letter(last) && !is_vowel_sign(last));
            } else if is_latin_letter(c) {
                found.foreign += usize::from(!c.is_ascii());
                found.misplaced += usize::from(is_arabic_letter(last));
            }
            if is_odd_symbol(c) {
                found.odd += 1;
                odd_run += 1;
                found.longest_odd_run = found.longest_odd_run.max(odd_run);
            } else {
                odd_run = 0;
            }
            (before, last) = (last, c);
        }
        found
    }

    /// Why the letters are not those of Arabic, if they are not.
    fn objection(&self) -> Option<&'static str> {
        let common: usize = self.common.iter().sum();
        let kinds = self.common.iter().filter(|&&count| count > 0).count();
        let most = self.common.iter().copied().max().unwrap_or(0);
        if self.foreign * 9 > self.arabic {
            Some("many letters would be Latin ones")
        } else if self.arabic < FEWEST_LETTERS {
            Some("there are too few letters to tell")
        } else if self.misplaced * 20 > self.arabic {
            Some("Arabic letters would stand where Arabic does not put them")
        } else if self.longest_odd_run >= 4 || self.odd * 20 > self.arabic {
            Some("there would be many odd symbols")
        } else if common * 4 < self.arabic
            || self.eastern * 4 > self.arabic
            || kinds < 3
            || most * 2 > self.arabic
        {
            Some("the frequencies of the letters would not be those of Arabic")
        } else {
            None
        }
    }

    /// Orders two readings of one file.
    fn naturalness(&self) -> (usize, usize) {
        (self.articles, self.common.iter().sum())
    }
}

fn is_arabic_letter(c: char) -> bool {
    matches!(c, '\u{0621}'..='\u{064A}' | '\u{0671}'..='\u{06D3}')
}

fn is_vowel_sign(c: char) -> bool {
    matches!(c, '\u{064B}'..='\u{0652}')
}

/// Of the letters of the code pages in question, those that are not Arabic.
fn is_latin_letter(c: char) -> bool {
    c.is_alphabetic() && !matches!(c, '\u{0600}'..='\u{06FF}')
}

fn is_odd_symbol(c: char) -> bool {
    const ODD: &str = "¢¤¥¦§¨¬¯±²³´µ¶¸¹¼¾÷ˆ‚„†‡‰";
    !c.is_ascii() && (c.is_control() || ODD.contains(c))
}

// ---------------------------------------------------------------------------------------------
// Text that was misread and saved

/// An earlier misreading, as [`find_misreading`] proves it.
struct Misreading {
    was: &'static str,
    read_as: &'static str,
    /// The first line it is seen in.
    line: u64,
    /// Whether the text is so as a whole.
    whole: bool,
    /// Whether every character leads back to a byte with iconv.
    mendable: bool,
}

impl Misreading {
    fn error(&self, bytes: &[u8], encoding: Encoding, given: bool, path: &Path) -> Error {
        let place = Place::line(path, self.line);
        if encoding == Encoding::Windows1256 && self.was == "UTF-8" {
            let problem = if given && std::str::from_utf8(bytes).is_ok() {
                "the bytes are UTF-8, not windows-1256; leave --encoding out, or pass --encoding utf-8"
            } else {
                "UTF-8 mixed with windows-1256: this line is UTF-8, others are not; convert the parts one by one"
            };
            return refusal(place, problem.to_owned());
        }
        let Misreading { was, read_as, .. } = self;
        let again = "in the program that wrote the file, read the source as";
        let back = match (encoding, bytes) {
            // iconv would keep this mark, and then find no byte for it.
            (Encoding::Utf8Bom, _) => format!("tail -c +4 FILE | iconv -f utf-8 -t {read_as}"),
            (Encoding::Utf16Le | Encoding::Utf16Be, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]) => {
                format!("iconv -f utf-16 -t {read_as} FILE")
            }
            _ => format!("iconv -f {encoding} -t {read_as} FILE"),
        };
        let remedy = if !self.whole {
            format!(
                "mend these lines ({again} {was}), or pass --encoding {} to take the text as it is",
                encoding.asked()
            )
        } else if !self.mendable {
            format!(
                "{again} {was} and export again (iconv cannot undo this, for there are characters that {read_as} \
                 has not; ftfy may)"
            )
        } else if *was == "UTF-8" {
            format!("mend it: {back} > MENDED, or {again} {was}")
        } else {
            format!("mend it: {back} | iconv -f {was} -t UTF-8 > MENDED, or {again} {was}")
        };
        refusal(
            place,
            format!("the text is double-encoded: {was} was read as {read_as} and saved again; {remedy}"),
        )
    }
}

/// Looks for UTF-8 that was read as windows-1252, ISO-8859-1 or windows-1256, and for windows-1256
/// that was read as windows-1252.
///
/// In the first three, every Arabic letter has become a pair: a letter that stands for one of the
/// lead bytes 0xD8 to 0xDB and a character that stands for a continuation byte («ا» is «Ø§» or
/// «ط§»). Genuine Arabic has such a pair where a word ends in ط before a punctuation mark, but
/// never two pairs in a row, and only pairs in a row count here.
fn find_misreading(text: &str, given: bool) -> Option<Misreading> {
    if text.is_ascii() {
        return None;
    }
    let back = bytes_of(WINDOWS_1252, true);
    let latin = Pairs::count(text, &back);
    if latin.prove(given) {
        // Where windows-1252 has a character, ISO-8859-1 has a control; five bytes are controls in both.
        let controls = text.chars().any(|c| matches!(c, '\u{80}'..='\u{9F}'));
        let beyond =
            text.chars().any(|c| c > '\u{FF}' && back.get(c as usize).is_some_and(|&byte| byte != 0));
        return Some(Misreading {
            was: "UTF-8",
            read_as: if controls && !beyond { "ISO-8859-1" } else { "windows-1252" },
            line: latin.line,
            whole: latin.most(given),
            mendable: !(controls && beyond || text.contains('\u{FFFD}')),
        });
    }
    let arabic = Pairs::count(text, &bytes_of(WINDOWS_1256, false));
    // Letters of Persian may well stand behind ط and ظ in pairs; what makes the six most frequent letters
    // are signs that no word has inside.
    if arabic.common > 0 && arabic.prove(given) {
        return Some(Misreading {
            was: "UTF-8",
            read_as: "windows-1256",
            line: arabic.line,
            whole: arabic.most(given),
            mendable: !text.contains('\u{FFFD}'),
        });
    }
    windows_1256_read_as_1252(text, given)
}

/// «ÇáÓíÇÓÉ»: in the whole text there is no Arabic letter, and the bytes it came from are Arabic in
/// windows-1256.
fn windows_1256_read_as_1252(text: &str, given: bool) -> Option<Misreading> {
    const CERTAIN: usize = 40;
    if text.chars().any(is_arabic_letter) {
        return None;
    }
    let back = bytes_of(WINDOWS_1252, true);
    let mut first = None;
    let bytes: Vec<u8> = text
        .char_indices()
        .map(|(at, c)| {
            if c.is_ascii() {
                return c as u8;
            }
            first.get_or_insert(at);
            // What has no byte becomes a letter that is not Arabic, and speaks against it.
            back.get(c as usize).copied().filter(|&byte| byte != 0).unwrap_or(0xE9)
        })
        .collect();
    let letters = Letters::of(&WINDOWS_1256.decode_without_bom_handling(&bytes).0);
    let fewest = if given { CERTAIN } else { FEWEST_LETTERS };
    if letters.arabic < fewest || letters.objection().is_some() {
        return None;
    }
    Some(Misreading {
        was: "windows-1256",
        read_as: "windows-1252",
        line: line_of(&text.as_bytes()[..first?]),
        whole: true,
        mendable: !text.chars().any(|c| matches!(c, '\u{80}'..='\u{9F}')),
    })
}

/// Per code point, the byte a code page has it at; 0 for characters it has not, and for ASCII.
/// With `controls`, U+0080 to U+009F stand for themselves too, as ISO-8859-1 has them.
fn bytes_of(page: &'static encoding_rs::Encoding, controls: bool) -> Vec<u8> {
    const END: usize = 0x2200;
    let mut back = vec![0; END];
    for byte in 0x80..=0xFF_u8 {
        if controls && byte < 0xA0 {
            back[usize::from(byte)] = byte;
        }
        for c in page.decode_without_bom_handling(&[byte]).0.chars() {
            if let Some(slot) = back.get_mut(c as usize) {
                *slot = byte;
            }
        }
    }
    back
}

/// How much of a text consists of UTF-8 sequences spelled out in the characters of a code page.
#[derive(Default)]
struct Pairs {
    /// Sequences that stand for Arabic letters, in runs of two and more.
    found: usize,
    /// Characters in these runs.
    covered: usize,
    /// Sequences in them that stand for one of [`COMMON`].
    common: usize,
    /// Characters outside ASCII.
    outside: usize,
    /// Whether a line mostly consists of such runs.
    certain: bool,
    /// The first such line; without one, the first that has a run.
    line: u64,
}

impl Pairs {
    fn count(text: &str, back: &[u8]) -> Self {
        /// Pairs in a line that settle the matter for it.
        const IN_A_LINE: usize = 8;
        let mut all = Pairs::default();
        let mut bytes = Vec::new();
        for (number, line) in (1..).zip(text.split('\n')) {
            if line.is_ascii() {
                continue;
            }
            bytes.clear();
            bytes.extend(line.chars().map(|c| match c {
                // A lost continuation byte.
                '\u{FFFD}' => 0xBF,
                c => back.get(c as usize).copied().unwrap_or(0),
            }));
            let (found, covered, common) = runs_of_pairs(&bytes);
            let outside = line.chars().filter(|c| !c.is_ascii()).count();
            let certain = found >= IN_A_LINE && covered * 2 >= outside;
            if found > 0 && all.found == 0 || certain && !all.certain {
                all.line = number;
            }
            all.certain |= certain;
            all.found += found;
            all.covered += covered;
            all.common += common;
            all.outside += outside;
        }
        all
    }

    fn prove(&self, given: bool) -> bool {
        self.most(given) || (!given && self.certain)
    }

    fn most(&self, given: bool) -> bool {
        if given {
            self.found >= 4 && self.covered * 5 >= self.outside * 4
        } else {
            self.found >= 2 && self.covered * 2 >= self.outside
        }
    }
}

/// Sequences for Arabic letters, and all characters, in runs with at least two such sequences; and how many
/// of these stand for one of [`COMMON`].
fn runs_of_pairs(bytes: &[u8]) -> (usize, usize, usize) {
    let (mut pairs, mut covered, mut common) = (0, 0, 0);
    let (mut run_pairs, mut run_covered, mut run_common) = (0, 0, 0);
    let mut rest = bytes;
    while let Some(&lead) = rest.first() {
        let len = match lead {
            0xC2..=0xDF => 2,
            0xE1..=0xEF => 3,
            _ => 1,
        };
        let sound = len > 1
            && rest.get(1..len).is_some_and(|tail| tail.iter().all(|byte| matches!(byte, 0x80..=0xBF)));
        if sound {
            run_pairs += usize::from(matches!(lead, 0xD8..=0xDB));
            run_covered += len;
            // ا ل ي م ن و
            run_common += usize::from(matches!(rest[..2], [0xD8, 0xA7] | [0xD9, 0x84..=0x86 | 0x88 | 0x8A]));
            rest = &rest[len..];
        }
        if !sound || rest.is_empty() {
            if run_pairs >= 2 {
                pairs += run_pairs;
                covered += run_covered;
                common += run_common;
            }
            (run_pairs, run_covered, run_common) = (0, 0, 0);
        }
        if !sound {
            rest = &rest[1..];
        }
    }
    (pairs, covered, common)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sentences that windows-1256 can write.
    const SENTENCES: [&str; 12] = [
        "افتتح الوزير صباح اليوم مستشفى جديدا في ضواحي المدينة، وقال إن العمل فيه يبدأ الشهر المقبل.",
        "ضغط المحتجون على البلدية وسط الساحة، فهل تلغي القرار الخاطئ؟ لا أحد يعرف حتى الآن!",
        "هبط سعر النفط؛ وربط الخبراء ذلك بحفظ الإنتاج عند مستوى ثابت: «لا نلاحظ نقصا»، كما قالوا.",
        "ظل الفلاحون ينتظرون المطر طوال الخريف، ثم هطل بغزارة فغطت المياه الطرق.",
        "رفضت النقابة عرض الشركة، ووصفته بأنه \"غير كاف\" لتعويض العمال عن غلاء المعيشة.",
        "فاز فريق القرية بثلاثة أهداف مقابل هدفين (3-2) أمام جمهور ملأ المدرجات.",
        "كَتَبَ المُعَلِّمُ دَرْسًا عَنِ النَّحْوِ، ثُمَّ سَأَلَ: مَنْ يَقْرَأُ؟",
        "وسط، شرط، خط؛ حظ، لفظ؟ ضبط! هذه كلمات في قائمة الإملاء.",
        "أعلنت شركة Nile Foods أن مصنعها في أسوان سيوظف مئتي عامل قبل نهاية العام 2031.",
        "لم تقنع الخطة أحدا ... فالميزانية – بحسب التقرير – لا تكفي لإصلاح نصف الجسور.",
        "قال الطبيب إن اللقاح آمن وفعال، ودعا الأهالي إلى عدم تأجيل موعد الجرعة الثانية.",
        "\u{200F}في المساء هدأت الريح وعادت القوارب الصغيرة إلى الميناء محملة بالسمك.",
    ];

    fn article() -> String {
        SENTENCES.join("\n")
    }

    fn run(bytes: &[u8]) -> Result<Decoded> {
        decode(bytes, None, Path::new("news.txt"))
    }

    fn run_as(bytes: &[u8], given: Encoding) -> Result<Decoded> {
        decode(bytes, Some(given), Path::new("news.txt"))
    }

    fn accepted(bytes: &[u8], encoding: Encoding) -> String {
        match run(bytes) {
            Ok(decoded) => {
                assert_eq!(decoded.encoding, encoding, "{}", decoded.text);
                decoded.text
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn refused<T: fmt::Debug>(result: Result<T>) -> (Option<u64>, String) {
        match result {
            Err(Error::Encoding { place, problem }) => {
                assert_eq!(place.path, Path::new("news.txt"));
                (place.line, problem)
            }
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn assert_says(problem: &str, parts: &[&str]) {
        for part in parts {
            assert!(problem.contains(part), "{part:?} is not in {problem:?}");
        }
    }

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
            .collect()
    }

    fn page(text: &str, page: &'static encoding_rs::Encoding) -> Vec<u8> {
        let (bytes, _, unmappable) = page.encode(text);
        assert!(!unmappable, "{text}");
        bytes.into_owned()
    }

    fn cp1256(text: &str) -> Vec<u8> {
        page(text, WINDOWS_1256)
    }

    fn encoded(text: &str, encoding: Encoding) -> Vec<u8> {
        match encoding {
            Encoding::Utf8 => text.as_bytes().to_vec(),
            Encoding::Utf8Bom => [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            Encoding::Utf16Le => utf16(text, false),
            Encoding::Utf16Be => utf16(text, true),
            Encoding::Windows1256 => cp1256(text),
        }
    }

    /// Reads bytes as a code page, as a program does that got its encoding wrong.
    fn misread(bytes: &[u8], page: &'static encoding_rs::Encoding) -> String {
        page.decode_without_bom_handling(bytes).0.into_owned()
    }

    const ALL: [Encoding; 5] =
        [Encoding::Utf8, Encoding::Utf8Bom, Encoding::Utf16Le, Encoding::Utf16Be, Encoding::Windows1256];

    #[test]
    fn names_are_read_as_they_are_written() {
        for encoding in Encoding::GIVEN {
            assert_eq!(encoding.to_string().parse::<Encoding>().unwrap(), encoding);
            assert_eq!(encoding.name().to_uppercase().parse::<Encoding>().unwrap(), encoding);
        }
        assert_eq!(Encoding::GIVEN.map(Encoding::name).join(", "), KNOWN);
        assert_eq!(Encoding::Utf8Bom.to_string(), "utf-8-bom");
        for unknown in ["utf-8-bom", "utf-16", "latin1", ""] {
            let error = unknown.parse::<Encoding>().unwrap_err();
            assert!(matches!(error, Error::Usage(_)));
            assert_says(&error.to_string(), &[unknown, KNOWN]);
        }
    }

    #[test]
    fn every_sentence_survives_every_encoding() {
        for sentence in SENTENCES.iter().copied().chain([article().as_str()]) {
            for encoding in ALL {
                assert_eq!(accepted(&encoded(sentence, encoding), encoding), sentence);
            }
        }
    }

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
    fn line_ends_are_kept() {
        let text = "السطر الأول من الخبر\r\nالسطر الثاني منه\nثم الثالث\r";
        for encoding in ALL {
            assert_eq!(accepted(&encoded(text, encoding), encoding), text);
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
        // One that slipped in does not make a text binary.
        assert!(run("خبر\u{1}".as_bytes()).is_ok());
        assert_says(&refused(run(b"\xEF\xBB\xBFa\nb\0")).1, &["NUL"]);
        assert_eq!(run_as(b"a\0b", Encoding::Utf8).unwrap().text, "a\0b");
        assert_eq!(refused(run_as(b"a\nb\0", Encoding::Windows1256)).0, Some(2));
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

    /// Sentences in other encodings, none of which may become Arabic.
    #[test]
    fn other_code_pages_do_not_become_arabic() {
        use encoding_rs::{
            BIG5, EUC_JP, EUC_KR, GBK, ISO_8859_7, KOI8_R, SHIFT_JIS, WINDOWS_874, WINDOWS_1250,
            WINDOWS_1251, WINDOWS_1254, WINDOWS_1255,
        };
        let foreign: &[(&'static encoding_rs::Encoding, &str)] = &[
            (
                WINDOWS_1252,
                "Le maire a inauguré l'hôtel à côté du théâtre ; l'été, ça plaît déjà à tous les élèves.",
            ),
            (
                WINDOWS_1252,
                "L'ÉTÉ À LA FORÊT : ÇA PLAÎT AUX ÉLÈVES, OÙ QU'ILS AIENT GRANDI. NOËL EST DÉJÀ PASSÉ.",
            ),
            (
                WINDOWS_1252,
                "Die Bürgermeisterin eröffnete für die Schüler größere Räume und ließ Bäume säen.",
            ),
            (
                WINDOWS_1252,
                "El año pasado llovió más en la montaña y el río creció también según el geólogo.",
            ),
            (
                WINDOWS_1252,
                "A estação não abrirá amanhã, disse o irmão do capitão, e ninguém pediu explicações.",
            ),
            (WINDOWS_1252, "På ön växer små träd; båten går över sjön när älven är fri från is och snö."),
            (
                WINDOWS_1250,
                "Źródło rzeki leży w górach, gdzie późną jesienią pada śnieg i wieją żywe wiatry łąk.",
            ),
            (
                WINDOWS_1254,
                "Çocuklar öğleden sonra bahçede oynuyor, büyükleri gölgede ağır ağır çay içiyordu.",
            ),
            (WINDOWS_1251, "Утром на площади открылся рынок, и рыбаки привезли свежую рыбу и овощи."),
            (WINDOWS_1251, "УТРОМ НА ПЛОЩАДИ ОТКРЫЛСЯ РЫНОК, И РЫБАКИ ПРИВЕЗЛИ СВЕЖУЮ РЫБУ И ОВОЩИ."),
            (KOI8_R, "Утром на площади открылся рынок, и рыбаки привезли свежую рыбу и овощи."),
            (KOI8_R, "утром на площади открылся рынок, и рыбаки привезли свежую рыбу и овощи."),
            (ISO_8859_7, "Το πρωί άνοιξε η αγορά στην πλατεία και οι ψαράδες έφεραν φρέσκα ψάρια."),
            (WINDOWS_1255, "בבוקר נפתח השוק בכיכר והדייגים הביאו דגים טריים וירקות מן הכפר."),
            (WINDOWS_874, "ตอนเช้าตลาดเปิดที่ลานกลางเมืองและชาวประมงนำปลาสดมาขาย"),
            (GBK, "早上广场上的市场开门了，渔民带来了新鲜的鱼和蔬菜，孩子们在旁边玩耍。"),
            (BIG5, "早上廣場上的市場開門了，漁民帶來了新鮮的魚和蔬菜，孩子們在旁邊玩耍。"),
            (SHIFT_JIS, "朝、広場に市場が開き、漁師たちが新しい魚と野菜を持ってきました。"),
            (EUC_JP, "朝、広場に市場が開き、漁師たちが新しい魚と野菜を持ってきました。"),
            (EUC_KR, "아침에 광장에서 시장이 열리고 어부들이 싱싱한 물고기와 채소를 가져왔다."),
        ];
        for &(encoding, text) in foreign {
            for bytes in [page(text, encoding), page(text, encoding).repeat(20)] {
                let (line, problem) = refused(run(&bytes));
                assert_eq!(line, Some(1));
                assert_says(&problem, &["UTF-8", "offset", "--encoding"]);
            }
            // As UTF-8 they are texts like any other.
            assert_eq!(accepted(text.as_bytes(), Encoding::Utf8), text);
        }
    }

    #[test]
    fn iso_8859_6_is_named() {
        let mut named = 0;
        for sentence in SENTENCES {
            let (bytes, _, unmappable) = ISO_8859_6.encode(sentence);
            if !unmappable {
                assert_says(&refused(run(&bytes)).1, &["iconv -f ISO-8859-6"]);
                named += 1;
            }
        }
        assert!(named >= 6, "{named}");
    }

    #[test]
    fn too_few_letters_decide_nothing() {
        assert_says(&refused(run(&cp1256("id,label\n1,نعم\n"))).1, &["too few letters"]);
        assert_eq!(
            run_as(&cp1256("id,label\n1,نعم\n"), Encoding::Windows1256).unwrap().text,
            "id,label\n1,نعم\n"
        );
        let repeated = refused(run(&[0xC7; 400])).1;
        assert_says(&repeated, &["frequencies"]);
    }

    #[test]
    fn double_encoding_is_named() {
        for text in ["ال", "الحكومة", &article()] {
            let latin = misread(text.as_bytes(), WINDOWS_1252);
            let arabic = misread(text.as_bytes(), WINDOWS_1256);
            for encoding in [Encoding::Utf8, Encoding::Utf8Bom, Encoding::Utf16Le] {
                let mark = if encoding == Encoding::Utf16Le { &b"\xFF\xFE"[..] } else { b"" };
                let (line, problem) = refused(run(&[mark, &encoded(&latin, encoding)].concat()));
                assert_eq!(line, Some(1));
                assert_says(&problem, &["double-encoded", "UTF-8 was read as windows-1252"]);
                let (_, problem) = refused(run(&[mark, &encoded(&arabic, encoding)].concat()));
                assert_says(&problem, &["double-encoded", "UTF-8 was read as windows-1256", "iconv -f"]);
            }
            if text.len() > 10 {
                assert_says(&refused(run_as(latin.as_bytes(), Encoding::Utf8)).1, &["double-encoded"]);
                assert_says(&refused(run_as(arabic.as_bytes(), Encoding::Utf8)).1, &["double-encoded"]);
            }
        }
        let latin1: String = article().bytes().map(char::from).collect();
        assert_says(&refused(run(latin1.as_bytes())).1, &["ISO-8859-1", "iconv -f utf-8 -t ISO-8859-1"]);
        let lossy =
            misread(article().as_bytes(), WINDOWS_1252).replace(['\u{81}', '\u{8D}', '\u{90}'], "\u{FFFD}");
        assert_says(&refused(run(lossy.as_bytes())).1, &["double-encoded", "iconv cannot undo"]);
        let cp1256_as_1252 = misread(&cp1256(SENTENCES[0]), WINDOWS_1252);
        let problem = refused(run(cp1256_as_1252.as_bytes())).1;
        assert_says(
            &problem,
            &["double-encoded", "windows-1256 was read as windows-1252", "iconv -f windows-1256"],
        );
    }

    #[test]
    fn double_encoded_lines_are_named_and_can_be_let_through() {
        let broken = misread("عاد الهدوء إلى الحي".as_bytes(), WINDOWS_1256);
        let text = format!("{}\n{broken}\n{}", article(), article());
        let (line, problem) = refused(run(text.as_bytes()));
        assert_eq!(line, Some(13));
        assert_says(&problem, &["double-encoded", "mend these lines", "--encoding utf-8"]);
        assert_eq!(run_as(text.as_bytes(), Encoding::Utf8).unwrap().text, text);
        // An article that quotes some is not double-encoded.
        let quoted = "ظهرت على الشاشة الرموز «ط§ظ„» بدل الحروف العربية، وكذلك «Ø§Ù„» في المتصفح.";
        assert_eq!(accepted(quoted.as_bytes(), Encoding::Utf8), quoted);
    }

    #[test]
    fn utf8_given_as_windows_1256_is_refused() {
        let problem = refused(run_as(article().as_bytes(), Encoding::Windows1256)).1;
        assert_says(&problem, &["the bytes are UTF-8, not windows-1256"]);
    }

    /// «طژ» would be a sequence for a sign of verse, «ظپ» one for ف.
    #[test]
    fn persian_letters_behind_ta_and_za_are_not_double_encoded() {
        for text in ["طژطژ", "ظپظپ", "ظپظپظپ ظپظپظپظپظپ ظپظپ", "عکعک غگغگ"]
        {
            assert_eq!(run(text.as_bytes()).unwrap().text, text);
            assert_eq!(run_as(text.as_bytes(), Encoding::Utf8).unwrap().text, text);
        }
    }

    #[test]
    fn latin_text_in_utf8_is_not_double_encoded() {
        for text in ["Ø", "Øystein så på ØÙ", "ÇÁÇÁÇÁÇÁÇÁÇÁ", "naïve façade", "ÅÄÖ", "«Ø»…", "ط", "ظ؟ ط،"]
        {
            assert_eq!(accepted(text.as_bytes(), Encoding::Utf8), text);
        }
    }

    fn words() -> impl Strategy<Value = String> {
        prop::collection::vec("[ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهويىًٌٍَُِّْپچژگکی]{1,9}[،؛؟!.:»]?", 1..40)
            .prop_map(|words| words.join(" "))
    }

    fn authored() -> impl Strategy<Value = String> {
        prop::collection::vec(
            (prop::sample::select(&SENTENCES[..]), prop::sample::select(&[" ", "\n", "\r\n"][..])),
            1..9,
        )
        .prop_map(|parts| parts.into_iter().flat_map(|(sentence, end)| [sentence, end]).collect())
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
        fn random_arabic_words_are_never_double_encoded(text in words()) {
            prop_assert_eq!(&run(text.as_bytes()).unwrap().text, &text);
            prop_assert_eq!(&run_as(text.as_bytes(), Encoding::Utf8).unwrap().text, &text);
        }

        #[test]
        fn words_of_ta_and_za_are_never_double_encoded(text in "([طظعغ]{1,4}[،؛؟»]? ){1,30}") {
            prop_assert_eq!(&run(text.as_bytes()).unwrap().text, &text);
        }

        #[test]
        fn misread_authored_text_is_always_found(text in authored()) {
            for page in [WINDOWS_1252, WINDOWS_1256] {
                let problem = refused(run(misread(text.as_bytes(), page).as_bytes())).1;
                prop_assert!(problem.contains("double-encoded"), "{}", problem);
            }
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
        fn high_bytes_are_not_taken_for_arabic(bytes in prop::collection::vec(0x80_u8.., 40..300)) {
            prop_assert!(run(&bytes).is_err());
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
