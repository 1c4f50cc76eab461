//! Whether letters are those of Arabic that was read in the right code page.

/// What speaks for and against a text's being Arabic that was read in the right code page.
#[derive(Default)]
pub(super) struct Letters {
    /// Letters of the Arabic script, vowel signs not included.
    pub(super) arabic: usize,
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
pub(super) const COMMON: [char; 6] = ['ا', 'ل', 'ي', 'م', 'ن', 'و'];

/// Fewer letters do not decide anything.
pub(super) const FEWEST_LETTERS: usize = 12;

impl Letters {
    pub(super) fn of(text: &str) -> Self {
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
    pub(super) fn objection(&self) -> Option<&'static str> {
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
    pub(super) fn naturalness(&self) -> (usize, usize) {
        (self.articles, self.common.iter().sum())
    }
}

pub(super) fn is_arabic_letter(c: char) -> bool {
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

#[cfg(test)]
mod tests {
    use encoding_rs::{ISO_8859_6, WINDOWS_1252};
    use proptest::prelude::*;

    use super::super::encoding::Encoding;
    use super::super::samples::*;

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

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

        #[test]
        fn high_bytes_are_not_taken_for_arabic(bytes in prop::collection::vec(0x80_u8.., 40..300)) {
            prop_assert!(run(&bytes).is_err());
        }
    }
}
