//! Text that was misread earlier, and saved so.

use std::path::Path;

use encoding_rs::{WINDOWS_1252, WINDOWS_1256};

use super::encoding::Encoding;
use super::letters::{FEWEST_LETTERS, Letters, is_arabic_letter};
use super::signs::Signs;
use super::{line_of, refusal};
use crate::error::{Error, Place};

/// An earlier misreading, as [`find_misreading`] proves it.
#[derive(Debug, PartialEq)]
pub(super) struct Misreading {
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
    pub(super) fn error(&self, bytes: &[u8], encoding: Encoding, given: bool, path: &Path) -> Error {
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
///
/// Each is searched for only in texts, and in lines, that have its [`Signs`]: sound text has hardly any.
pub(super) fn find_misreading(text: &str, given: bool) -> Option<Misreading> {
    search(text, given, Signs::of)
}

/// `signs_of` is [`Signs::of`], or what never keeps from searching.
fn search(text: &str, given: bool, signs_of: fn(&str) -> Signs) -> Option<Misreading> {
    let signs = signs_of(text);
    let mut found = None;
    if signs.latin {
        found = utf8_read_as_latin(text, given, signs_of);
    }
    if found.is_none() && signs.arabic {
        found = utf8_read_as_1256(text, given, signs_of);
    }
    if found.is_none() && signs.letters {
        found = windows_1256_read_as_1252(text, given);
    }
    found
}

/// «Ø§Ù„Ø³ÙŠØ§Ø³Ø©»: UTF-8 read as windows-1252 or ISO-8859-1.
fn utf8_read_as_latin(text: &str, given: bool, signs_of: fn(&str) -> Signs) -> Option<Misreading> {
    let back = bytes_of(WINDOWS_1252, true);
    let latin = Pairs::count(text, &back, |line| signs_of(line).latin);
    latin.prove(given).then(|| {
        // Where windows-1252 has a character, ISO-8859-1 has a control; five bytes are controls in both.
        let controls = text.chars().any(|c| matches!(c, '\u{80}'..='\u{9F}'));
        let beyond =
            text.chars().any(|c| c > '\u{FF}' && back.get(c as usize).is_some_and(|&byte| byte != 0));
        Misreading {
            was: "UTF-8",
            read_as: if controls && !beyond { "ISO-8859-1" } else { "windows-1252" },
            line: latin.line,
            whole: latin.most(given),
            mendable: !(controls && beyond || text.contains('\u{FFFD}')),
        }
    })
}

/// «ط§ظ„ط³ظٹط§ط³ط©»: UTF-8 read as windows-1256.
fn utf8_read_as_1256(text: &str, given: bool, signs_of: fn(&str) -> Signs) -> Option<Misreading> {
    let back = bytes_of(WINDOWS_1256, false);
    // Letters of Persian may well stand behind ط and ظ in pairs; what makes the six most frequent letters
    // are signs that no word has inside.
    if Pairs::count(text, &back, |line| signs_of(line).arabic).common == 0 {
        return None;
    }
    // Pairs that are not common count as well, wherever they are.
    let arabic = Pairs::count(text, &back, |_| true);
    arabic.prove(given).then(|| Misreading {
        was: "UTF-8",
        read_as: "windows-1256",
        line: arabic.line,
        whole: arabic.most(given),
        mendable: !text.contains('\u{FFFD}'),
    })
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
    /// Searches the lines that `may_hold` pairs; in the others there must be none.
    fn count(text: &str, back: &[u8], may_hold: impl Fn(&str) -> bool) -> Self {
        /// Pairs in a line that settle the matter for it.
        const IN_A_LINE: usize = 8;
        let mut all = Pairs::default();
        let mut bytes = Vec::new();
        for (number, line) in (1..).zip(text.split('\n')) {
            if line.is_ascii() || !may_hold(line) {
                continue;
            }
            bytes.clear();
            bytes.extend(line.chars().map(|c| match c {
                // A lost continuation byte.
                '\u{FFFD}' => 0xBF,
                c => back.get(c as usize).copied().unwrap_or(0),
            }));
            let (found, covered, common) = runs_of_pairs(&bytes);
            let certain = found >= IN_A_LINE && covered * 2 >= outside_ascii(line);
            if found > 0 && all.found == 0 || certain && !all.certain {
                all.line = number;
            }
            all.certain |= certain;
            all.found += found;
            all.covered += covered;
            all.common += common;
        }
        all.outside = outside_ascii(text);
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

/// How many characters are not ASCII: the bytes that begin one of several.
fn outside_ascii(text: &str) -> usize {
    text.bytes().filter(|&byte| byte >= 0xC0).count()
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

    use super::super::samples::*;
    use super::*;

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

    /// Sound and misread text, and what may be taken for either, up to over the edge of a block.
    fn mixed() -> impl Strategy<Value = String> {
        let sentence = || prop::sample::select(&SENTENCES[..]);
        let piece = prop_oneof![
            sentence().prop_map(str::to_owned),
            "[ابتسلمنويطظعغ]{1,6}[…“„،؟»]",
            "[ابتسلمنويةء ]{1,20}".prop_map(|text| misread(text.as_bytes(), WINDOWS_1252)),
            "[ابتسلمنويةء ]{1,20}".prop_map(|text| misread(text.as_bytes(), WINDOWS_1256)),
            "[ابتسلمنويةء ]{1,20}".prop_map(|text| text.bytes().map(char::from).collect()),
            sentence().prop_map(|text| misread(&cp1256(text), WINDOWS_1252)),
            "[ØÙÚÛÃÂطظعغ§„…†ˆٹ©ª«»،؛\u{FFFD}\u{80}\u{90}Çáãäæíé€اa \n]{1,8}",
            Just("\n".to_owned()),
        ];
        let filling = prop_oneof![3 => Just(0), 1 => 4080..4100_usize];
        (filling, prop::collection::vec(piece.boxed(), 1..7))
            .prop_map(|(n, parts)| "x".repeat(n) + &parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

        #[test]
        fn what_has_no_signs_has_no_misreading(text in mixed(), given in any::<bool>()) {
            let always = |_: &str| Signs { latin: true, arabic: true, letters: true };
            prop_assert_eq!(find_misreading(&text, given), search(&text, given, always));
        }

        /// Of one kind throughout, so that a misreading is found more often than not.
        #[test]
        fn misread_words_have_signs(text in "[ابتسلمنوي]{1,6}( [ابتسلمنوي]{1,6}){0,9}", given in any::<bool>()) {
            let always = |_: &str| Signs { latin: true, arabic: true, letters: true };
            let latin1 = text.bytes().map(char::from).collect();
            let [as_1252, as_1256] = [WINDOWS_1252, WINDOWS_1256].map(|page| misread(text.as_bytes(), page));
            for misread in [as_1252, as_1256, latin1, misread(&cp1256(&text), WINDOWS_1252)] {
                prop_assert_eq!(find_misreading(&misread, given), search(&misread, given, always));
            }
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
    }
}
