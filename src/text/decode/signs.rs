//! What keeps the search for misreadings from texts in which there is nothing to find.

use super::BLOCK;

/// What a text must have for a search to find something in it, seen in its bytes alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Signs {
    /// Ø, Ù, Ú or Û (0xD8 to 0xDB, the lead bytes of Arabic) before a character outside ASCII.
    pub(super) latin: bool,
    /// ط or ظ (0xD8 or 0xD9) before a character that with it makes one of [`COMMON`](super::letters::COMMON).
    pub(super) arabic: bool,
    /// One of [`COMMON`](super::letters::COMMON) in windows-1256, read as windows-1252; three kinds of
    /// them have to occur.
    pub(super) letters: bool,
}

impl Signs {
    /// Looks at every four bytes in a row. A pair is four bytes and more, so none is missed; of single
    /// letters, what is missed at the very end is not the third.
    #[allow(clippy::needless_bitwise_bool)]
    pub(super) fn of(text: &str) -> Self {
        const WINDOW: usize = 4;
        let mut signs = Signs { latin: false, arabic: false, letters: false };
        let mut rest = text.as_bytes();
        while rest.len() >= WINDOW {
            // `&` and `|` branch nowhere, so the compiler makes vectors of this: ten times as fast.
            for window in rest[..rest.len().min(BLOCK)].windows(WINDOW) {
                let [a, b, c, d] = [window[0], window[1], window[2], window[3]];
                signs.latin |= (a == 0xC3) & (b & 0xFC == 0x98) & (c >= 0x80);
                // Ç á ã ä æ í
                signs.letters |= (a == 0xC3)
                    & ((b == 0x87) | (b == 0xA1) | (b == 0xA3) | (b == 0xA4) | (b == 0xA6) | (b == 0xAD));
                // ط§
                signs.arabic |= (a == 0xD8) & (b == 0xB7) & (c == 0xC2) & (d == 0xA7);
                // ظ„, ظ…, ظ† and others that begin with the same bytes; ظˆ; ظٹ
                signs.arabic |= (a == 0xD8)
                    & (b == 0xB8)
                    & ((c == 0xE2) & (d == 0x80) | (c == 0xCB) & (d == 0x86) | (c == 0xD9) & (d == 0xB9));
            }
            rest = &rest[rest.len().min(BLOCK + 1 - WINDOW)..];
        }
        signs
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{WINDOWS_1252, WINDOWS_1256};

    use super::super::letters::COMMON;
    use super::super::samples::*;
    use super::*;

    #[test]
    fn every_pair_for_an_arabic_letter_is_a_sign_in_latin() {
        for (lead, tail) in (0xD8..=0xDB).flat_map(|lead| (0x80..=0xBF).map(move |tail| (lead, tail))) {
            let pair = misread(&[lead, tail], WINDOWS_1252);
            assert!(Signs::of(&pair).latin, "{pair}");
            let pair: String = [lead, tail].map(char::from).iter().collect();
            assert!(Signs::of(&pair).latin, "{pair:?}");
            let lossy: String = [char::from(lead), '\u{FFFD}'].iter().collect();
            assert!(Signs::of(&lossy).latin, "{lossy}");
        }
    }

    #[test]
    fn every_common_letter_is_a_sign_in_windows_1256() {
        for letter in COMMON {
            let pair = misread(letter.to_string().as_bytes(), WINDOWS_1256);
            assert!(Signs::of(&pair).arabic, "{pair}");
            let single = misread(&cp1256(&letter.to_string()), WINDOWS_1252);
            assert!(Signs::of(&single.repeat(3)).letters, "{single}");
        }
    }

    #[test]
    fn signs_are_seen_wherever_a_block_ends() {
        for filling in BLOCK - 8..BLOCK + 8 {
            let signs = |text: &str| Signs::of(&format!("{}{text}", "x".repeat(filling)));
            assert!(signs("Ø§").latin && signs("ظ„").arabic && signs("ط§").arabic && signs("Ç Ç").letters);
            assert_eq!(signs("حفظ é"), Signs { latin: false, arabic: false, letters: false });
        }
    }

    #[test]
    fn sound_text_has_none() {
        for text in [&article(), "Øre, Ünal, été, naïve", "حفظ، حفظ؟ (حفظ) ضغط» وسط", "😀 – “”"]
        {
            assert_eq!(Signs::of(text), Signs { latin: false, arabic: false, letters: false }, "{text}");
        }
    }
}
