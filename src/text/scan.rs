//! The words of a text, each as a key of 16 bytes, in one pass and without allocating.
//!
//! Nearly every word of an Arabic text is made of letters of the block U+0600 and of digits, one to
//! sixteen of them once marks and tatweel are gone. Such a word is normalised letter by letter from a
//! table of 256 entries while it is read, and packed a byte a letter. All other tokens are left to
//! [`Normalizer::word`]; what either road gives is the same, which a property test holds.

use super::normalize::{Normalizer, Step, wants_composition};
use super::tokens::{Class, Token, TokenKind, class, token_at};

/// A space before or after a word, in a packed n-gram.
pub(crate) const SPACE: u8 = 0x0B;
/// Marks the key of a word that was packed as it stands in UTF-8.
const PLAIN: u128 = 0x0F << 120;
/// Marks the key of a surface token, not of a word.
const SURFACE: u128 = 0x0E << 120;

/// The letter is dropped.
const DROPPED: u16 = 0x100;
/// The token is to be read the long way.
const LONG_WAY: u16 = 0x101;
/// The character is no part of a word.
const NO_WORD: u16 = 0x102;

/// A word's letters, a byte each: the block U+0600 by its low byte (words hold nothing below U+0610), the
/// digits 0 to 9 as 1 to 10. `None` for other characters.
fn code(c: char) -> Option<u8> {
    match c {
        '0'..='9' => Some(1 + (c as u8 - b'0')),
        '\u{610}'..='\u{6FF}' => Some((c as u32 & 0xFF) as u8),
        _ => None,
    }
}

/// The character behind a byte of [`code`] or [`SPACE`].
fn letter(code: u8) -> char {
    match code {
        1..=10 => (b'0' + code - 1).into(),
        SPACE => ' ',
        _ => char::from_u32(0x600 | u32::from(code)).unwrap_or(' '),
    }
}

/// The packed letters of a word or of an n-gram with its spaces, the last one lowest; `None` where there
/// are none, more than 16, or others than those of the block U+0600, digits and spaces.
pub(crate) fn pack(text: &str) -> Option<u128> {
    let mut key = 0_u128;
    for c in text.chars() {
        let code = if c == ' ' { SPACE } else { code(c)? };
        if key >> 120 != 0 {
            return None;
        }
        key = key << 8 | u128::from(code);
    }
    (key != 0).then_some(key)
}

/// The letters of a packed word, in order; how many there are.
pub(crate) fn unpack(key: u128) -> ([u8; 16], usize) {
    let length = 16 - key.leading_zeros() as usize / 8;
    ((key << (8 * (16 - length) as u32 % 128)).to_be_bytes(), length)
}

/// The key of a normalised word: no two words share one. `None` for words that are too long for one.
pub(crate) fn word_key(word: &str) -> Option<u128> {
    pack(word).or_else(|| plain(word.as_bytes()).map(|bytes| PLAIN | bytes))
}

/// The key of a surface token, different from every word's; `None` where it is too long.
pub(crate) fn surface_key(surface: &str) -> Option<u128> {
    plain(surface.as_bytes()).map(|bytes| SURFACE | bytes)
}

fn plain(bytes: &[u8]) -> Option<u128> {
    if bytes.len() > 15 || bytes.contains(&0) {
        return None;
    }
    Some(bytes.iter().fold(0, |key, &byte| key << 8 | u128::from(byte)))
}

/// Whether a key is one of [`pack`]; the first bytes from 0x0C to 0x0F stand for other kinds of keys.
pub(crate) fn is_packed(key: u128) -> bool {
    !matches!((key >> 120) as u8, 0x0C..=0x0F)
}

/// The word behind a key of [`word_key`], appended to `word`.
pub(crate) fn write_word(key: u128, word: &mut String) {
    if is_packed(key) {
        let (letters, length) = unpack(key);
        word.extend(letters[..length].iter().map(|&code| letter(code)));
    } else {
        let bytes = (key & !(0xFF << 120)).to_be_bytes();
        let start = bytes.iter().position(|&byte| byte != 0).unwrap_or(bytes.len());
        word.push_str(&String::from_utf8_lossy(&bytes[start..]));
    }
}

/// What a scan comes upon.
pub(crate) enum Found {
    /// A normalised word by its key.
    Word(u128),
    /// A word of which normalisation leaves nothing.
    Nothing,
    /// A token that has to be read the long way, with its surface's key where that was had for nothing.
    Token(Token, Option<u128>),
}

/// A normaliser made ready to scan.
#[derive(Debug, Clone)]
pub(crate) struct Scanner {
    /// For each character of the block U+0600: its letter's code, or what else is to be done.
    letters: [u16; 256],
}

impl Scanner {
    pub(crate) fn new(normalizer: &Normalizer) -> Self {
        let mut letters = [NO_WORD; 256];
        for (low, entry) in (0_u32..).zip(&mut letters) {
            let Some(c) = char::from_u32(0x600 + low) else { continue };
            *entry = match class(c) {
                Class::Other => NO_WORD,
                Class::Invisible | Class::Emoji => LONG_WAY,
                Class::Word if normalizer.has(Step::Compatibility) && wants_composition(c) => LONG_WAY,
                Class::Word => match normalizer.letter(c) {
                    None => DROPPED,
                    Some(c) => code(c).map_or(LONG_WAY, u16::from),
                },
            };
        }
        Scanner { letters }
    }

    /// Calls `sink` with every token of a text, in order. Linear in its length.
    #[inline]
    pub(crate) fn scan(&self, text: &str, mut sink: impl FnMut(Found)) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            let starts = match byte {
                0xD8..=0xDB => match self.letter(bytes, at) {
                    NO_WORD => {
                        at += 2;
                        continue;
                    }
                    LONG_WAY => false,
                    _ => true,
                },
                b'0'..=b'9' => true,
                b'A'..=b'Z' | b'a'..=b'z' | 0xF0 => {
                    let short = if byte == 0xF0 { emoji(bytes, at) } else { latin(bytes, at) };
                    if let Some((key, end)) = short {
                        let kind = if byte == 0xF0 { TokenKind::Emoji } else { TokenKind::Word };
                        sink(Found::Token(Token { kind, bytes: at..end }, Some(SURFACE | key)));
                        at = end;
                        continue;
                    }
                    false
                }
                b'@' | 0x80.. => false,
                _ => {
                    at += 1;
                    continue;
                }
            };
            if starts && let Some((found, end)) = self.word(bytes, at) {
                sink(found);
                at = end;
            } else if let Some(token) = token_at(text, at) {
                at = token.bytes.end;
                sink(Found::Token(token, None));
            } else {
                at += width(byte);
            }
        }
    }

    #[inline]
    fn letter(&self, bytes: &[u8], at: usize) -> u16 {
        // The byte after a leading byte is there in every string.
        let low = bytes.get(at + 1).map_or(0, |next| next & 0x3F);
        self.letters[usize::from((bytes[at] & 3) << 6 | low)]
    }

    /// The word that starts here, with its end; `None` where it takes the long way.
    #[inline]
    fn word(&self, bytes: &[u8], start: usize) -> Option<(Found, usize)> {
        let (mut key, mut at) = (0_u128, start);
        while let Some(&byte) = bytes.get(at) {
            let code = match byte {
                0xD8..=0xDB => {
                    let code = self.letter(bytes, at);
                    match code {
                        NO_WORD => break,
                        LONG_WAY => return None,
                        _ => at += 2,
                    }
                    if code == DROPPED {
                        continue;
                    }
                    code
                }
                b'0'..=b'9' => {
                    at += 1;
                    u16::from(byte - b'0') + 1
                }
                b'A'..=b'Z' | b'a'..=b'z' | 0x80.. => return None,
                _ => break,
            };
            // A third time the same letter, or no room for another one.
            if (code > 10 && key as u16 == code << 8 | code) || key >> 120 != 0 {
                return None;
            }
            key = key << 8 | u128::from(code);
        }
        Some((if key == 0 { Found::Nothing } else { Found::Word(key) }, at))
    }
}

/// The bytes of a word of Latin letters and digits that starts here, and its end; `None` where it is long, goes
/// on in other letters, or may be a link.
#[inline]
fn latin(bytes: &[u8], start: usize) -> Option<(u128, usize)> {
    if matches!(bytes[start] | 0x20, b'h' | b'w') {
        return None;
    }
    let (mut key, mut at) = (0, start);
    while let Some(&byte) = bytes.get(at).filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii()) {
        if at - start == 15 || !byte.is_ascii() {
            return None;
        }
        key = key << 8 | u128::from(byte);
        at += 1;
    }
    Some((key, at))
}

/// The bytes of the pictograph here, and its end; `None` for flags and for what is none.
#[inline]
fn emoji(bytes: &[u8], start: usize) -> Option<(u128, usize)> {
    let four: [u8; 4] = bytes.get(start..start + 4)?.try_into().ok()?;
    let point = four.iter().skip(1).fold(0_u32, |point, byte| point << 6 | u32::from(byte & 0x3F));
    let stands_alone = (0x1F300..=0x1FAFF).contains(&point) && !(0x1F3FB..=0x1F3FF).contains(&point);
    stands_alone.then(|| (u128::from(u32::from_be_bytes(four)), start + 4))
}

/// Bytes of the character that begins with `byte`.
fn width(byte: u8) -> usize {
    match byte {
        0..=0xBF => 1,
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0.. => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tokens;
    use proptest::prelude::*;

    /// The words of a text by the long way.
    fn plainly(text: &str, normalizer: &Normalizer) -> Vec<String> {
        let mut word = String::new();
        let of_token = |token: Token| {
            normalizer.word(text, &token, &mut word);
            word.clone()
        };
        tokens(text).map(of_token).collect()
    }

    fn scanned(text: &str, normalizer: &Normalizer) -> Vec<String> {
        let mut words = Vec::new();
        Scanner::new(normalizer).scan(text, |found| {
            let mut word = String::new();
            match found {
                Found::Word(key) => {
                    write_word(key, &mut word);
                    assert_eq!(word_key(&word), Some(key));
                }
                Found::Nothing => {}
                Found::Token(token, key) => {
                    assert!(key.is_none_or(|key| surface_key(&text[token.bytes.clone()]) == Some(key)));
                    normalizer.word(text, &token, &mut word);
                }
            }
            words.push(word);
        });
        words
    }

    fn steps() -> impl Strategy<Value = Normalizer> {
        prop_oneof![
            Just(Normalizer::default()),
            prop::sample::subsequence(Step::ALL.to_vec(), 0..=12).prop_map(|steps| Normalizer::new(&steps))
        ]
    }

    #[test]
    fn words_of_every_length_and_mixture_have_keys_of_their_own() {
        let words = [
            "ا",
            "اا",
            "1",
            "11",
            "a",
            "ا1",
            "1ا",
            "aا",
            "<url>",
            "😂",
            "ااااااااااااااا1",
            "abcdefghijklmno",
        ];
        let keys: std::collections::BTreeSet<_> = words.iter().map(|word| word_key(word).unwrap()).collect();
        assert_eq!(keys.len(), words.len());
        for word in words {
            let mut back = String::new();
            write_word(word_key(word).unwrap(), &mut back);
            assert_eq!(back, word);
            assert!(surface_key(word).is_none_or(|key| !keys.contains(&key)));
        }
        assert_eq!(word_key("abcdefghijklmnop"), None);
        assert_eq!(word_key("ااااااااااااااااا"), None);
        assert_eq!(pack(" س "), Some(0x0B_33_0B));
    }

    proptest! {
        #[test]
        fn a_scan_finds_the_words_that_the_long_way_finds(
            text in "[ا-ي\u{600}-\u{6FF}\u{64B}-\u{652}ـ a-zA-Z@#_:/.0-9٠-٩👍❤️🇰🇿«»\"\u{200F}\u{200C}ﻛﻻé\n]{0,80}",
            normalizer in steps(),
        ) {
            prop_assert_eq!(scanned(&text, &normalizer), plainly(&text, &normalizer));
        }

        #[test]
        fn so_it_does_in_any_text(text in any::<String>(), normalizer in steps()) {
            prop_assert_eq!(scanned(&text, &normalizer), plainly(&text, &normalizer));
        }

        #[test]
        fn elongated_words_are_scanned_alike(text in "([اهلو]{1,20}|[0-9]{1,18}| |ـ|ْ){0,30}") {
            let normalizer = Normalizer::default();
            prop_assert_eq!(scanned(&text, &normalizer), plainly(&text, &normalizer));
        }

        #[test]
        fn equal_keys_mean_equal_words(a in "[ا-د0-2a-c]{1,4}", b in "[ا-د0-2a-c]{1,4}") {
            prop_assert_eq!(word_key(&a) == word_key(&b), a == b);
        }
    }
}
