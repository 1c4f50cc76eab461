//! Arabic orthography: one spelling for what readers take as one word.
//!
//! Every step has a name, is recorded in the model, and can be left out. The order is fixed. What a
//! step does is part of [`NORMALIZER_VERSION`]: a model made under another version is refused
//! instead of being scored with words it never learned.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::tokens::{Token, TokenKind, is_invisible};

/// The version of the tokeniser and of every normalisation step. It changes whenever any text could
/// give other words than before.
pub const NORMALIZER_VERSION: u32 = 1;

/// The word that stands for every link.
pub const URL_WORD: &str = "<url>";
/// The word that stands for every user name.
pub const USER_WORD: &str = "<user>";

/// One step of normalisation, in the order in which they are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Unicode NFKC: presentation forms, ligatures, full-width letters, composed hamza.
    Compatibility,
    /// Zero-width characters, bidi controls, soft hyphens and variation selectors are dropped.
    Invisible,
    /// Harakat, shadda, superscript alef and Quranic marks are dropped.
    Diacritics,
    /// Tatweel (kashida) is dropped.
    Tatweel,
    /// أ إ آ ٱ become ا.
    Alef,
    /// ى becomes ي.
    Yeh,
    /// ة becomes ه.
    TehMarbuta,
    /// ؤ becomes و, ئ becomes ي, and a lone ء is dropped.
    Hamza,
    /// Persian and Urdu ی ک ہ ە become ي ك ه ه.
    Persian,
    /// Arabic-Indic and Persian digits become 0-9.
    Digits,
    /// Three or more of one letter become two.
    Elongation,
    /// Letters of scripts that have cases become small.
    Case,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Step; 12] = [
        Step::Compatibility,
        Step::Invisible,
        Step::Diacritics,
        Step::Tatweel,
        Step::Alef,
        Step::Yeh,
        Step::TehMarbuta,
        Step::Hamza,
        Step::Persian,
        Step::Digits,
        Step::Elongation,
        Step::Case,
    ];

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of normalisation steps with the version that defines them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Normalizer {
    version: u32,
    bits: u16,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(default = "current_version")]
    version: u32,
    steps: Vec<Step>,
}

fn current_version() -> u32 {
    NORMALIZER_VERSION
}

impl From<Normalizer> for Stored {
    fn from(normalizer: Normalizer) -> Self {
        Stored { version: normalizer.version, steps: normalizer.steps().collect() }
    }
}

impl TryFrom<Stored> for Normalizer {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        if stored.version != NORMALIZER_VERSION {
            return Err(format!(
                "normaliser version {} (this program has {NORMALIZER_VERSION})",
                stored.version
            ));
        }
        Ok(Normalizer::new(&stored.steps))
    }
}

impl Default for Normalizer {
    /// Every step but [`Step::Hamza`], which joins words that differ in meaning.
    fn default() -> Self {
        let steps: Vec<Step> = Step::ALL.into_iter().filter(|&step| step != Step::Hamza).collect();
        Normalizer::new(&steps)
    }
}

impl Normalizer {
    /// A normaliser of the given steps (a set: their order is always that of [`Step::ALL`]).
    pub fn new(steps: &[Step]) -> Self {
        let bits = steps.iter().fold(0, |bits, step| bits | step.bit());
        Normalizer { version: NORMALIZER_VERSION, bits }
    }

    /// The version of the definitions of its steps.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Its steps, in order.
    pub fn steps(&self) -> impl Iterator<Item = Step> + use<> {
        let bits = self.bits;
        Step::ALL.into_iter().filter(move |step| bits & step.bit() != 0)
    }

    pub(super) fn has(&self, step: Step) -> bool {
        self.bits & step.bit() != 0
    }

    /// The word that a token stands for: written into `word`, which may stay empty (a token of
    /// nothing but marks says nothing).
    pub fn word(&self, text: &str, token: &Token, word: &mut String) {
        word.clear();
        match token.kind {
            TokenKind::Url => word.push_str(URL_WORD),
            TokenKind::Mention => word.push_str(USER_WORD),
            TokenKind::Word | TokenKind::Emoji => self.append(&text[token.bytes.clone()], word),
        }
    }

    /// The normalised form of one surface token, for lists and look-ups that must match words.
    pub fn normalize(&self, surface: &str) -> String {
        let mut word = String::with_capacity(surface.len());
        self.append(surface, &mut word);
        word
    }

    fn append(&self, surface: &str, word: &mut String) {
        if self.has(Step::Compatibility) && surface.chars().any(wants_composition) {
            // What is dropped must not stand between a letter and its mark. A hamza or madda on its
            // own code point is wanted by the composition, and NFKC of a few ligatures holds spaces.
            let kept = surface.chars().filter(|&c| is_hamza_mark(c) || self.letter(c).is_some());
            self.fold(kept.nfkc().filter(|c| !c.is_whitespace()), word);
        } else {
            self.fold(surface.chars(), word);
        }
    }

    fn fold(&self, chars: impl Iterator<Item = char>, word: &mut String) {
        let (mut last, mut run) = ('\0', 0);
        let mut push = |c: char| {
            run = if c == last { run + 1 } else { 1 };
            last = c;
            if run <= 2 || !self.has(Step::Elongation) || !c.is_alphabetic() {
                word.push(c);
            }
        };
        let small = self.has(Step::Case);
        for c in chars.filter_map(|c| self.letter(c)) {
            match small && !('\u{600}'..='\u{6FF}').contains(&c) {
                true => c.to_lowercase().for_each(&mut push),
                false => push(c),
            }
        }
    }

    /// One character after the letter-by-letter steps; `None` where it is dropped.
    pub(super) fn letter(&self, c: char) -> Option<char> {
        if c.is_ascii() {
            return Some(c);
        }
        let (step, to) = match c {
            'أ' | 'إ' | 'آ' | 'ٱ' => (Step::Alef, Some('ا')),
            'ى' => (Step::Yeh, Some('ي')),
            'ة' => (Step::TehMarbuta, Some('ه')),
            'ؤ' => (Step::Hamza, Some('و')),
            'ئ' => (Step::Hamza, Some('ي')),
            'ء' => (Step::Hamza, None),
            'ـ' => (Step::Tatweel, None),
            'ی' => (Step::Persian, Some('ي')),
            'ک' => (Step::Persian, Some('ك')),
            'ہ' | 'ە' => (Step::Persian, Some('ه')),
            '٠'..='٩' => (Step::Digits, char::from_digit(c as u32 - '٠' as u32, 10)),
            '۰'..='۹' => (Step::Digits, char::from_digit(c as u32 - '۰' as u32, 10)),
            _ if is_arabic_mark(c) => (Step::Diacritics, None),
            _ if is_invisible(c) => (Step::Invisible, None),
            _ => return Some(c),
        };
        if self.has(step) { to } else { Some(c) }
    }
}

fn is_arabic_mark(c: char) -> bool {
    matches!(c,
        '\u{610}'..='\u{61A}' | '\u{64B}'..='\u{65F}' | '\u{670}' | '\u{6D6}'..='\u{6DC}' | '\u{6DF}'..='\u{6E4}'
        | '\u{6E7}' | '\u{6E8}' | '\u{6EA}'..='\u{6ED}' | '\u{8CA}'..='\u{8E1}' | '\u{8E3}'..='\u{8FF}')
}

fn is_hamza_mark(c: char) -> bool {
    matches!(c, '\u{653}'..='\u{655}')
}

/// Whether NFKC can change a string that holds this character: anything but ASCII and the plain
/// Arabic letters, digits and harakat, which are already composed.
pub(super) fn wants_composition(c: char) -> bool {
    !matches!(c, '\0'..='\u{7F}' | '\u{620}'..='\u{652}' | '\u{660}'..='\u{669}' | '\u{66E}'..='\u{674}' | '\u{679}'..='\u{6BF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tokens;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        let normalizer = Normalizer::default();
        tokens(text)
            .map(|token| {
                let mut word = String::new();
                normalizer.word(text, &token, &mut word);
                word
            })
            .collect()
    }

    #[test]
    fn each_step_does_what_its_name_says_and_nothing_without_it() {
        let cases = [
            (Step::Compatibility, "ﻛﺎﺯﺍﺧﺴﺘﺎﻥ", "كازاخستان"),
            (Step::Invisible, "ال\u{200F}قو\u{200C}ات", "القوات"),
            (Step::Diacritics, "مُحَمَّدٌ", "محمد"),
            (Step::Tatweel, "ســـلام", "سلام"),
            (Step::Alef, "أإآٱا", "ااااا"),
            (Step::Yeh, "على", "علي"),
            (Step::TehMarbuta, "قوة", "قوه"),
            (Step::Hamza, "سؤال", "سوال"),
            (Step::Persian, "کیف", "كيف"),
            (Step::Digits, "٢٠۲۲", "2022"),
            (Step::Elongation, "لاااااا", "لاا"),
            (Step::Case, "CSTO", "csto"),
        ];
        for (step, raw, wanted) in cases {
            assert_eq!(Normalizer::new(&[step]).normalize(raw), wanted, "{step:?}");
            assert_eq!(Normalizer::new(&[]).normalize(raw), raw, "{step:?}");
        }
    }

    #[test]
    fn presentation_forms_and_decomposed_hamza_meet_the_plain_spelling() {
        let normalizer = Normalizer::default();
        assert_eq!(normalizer.normalize("ﻻ"), "لا");
        assert_eq!(normalizer.normalize("مو\u{654}تمر"), normalizer.normalize("مؤتمر"));
        assert_eq!(normalizer.normalize("ا\u{653}سيا"), normalizer.normalize("آسيا"));
        assert!(!normalizer.normalize("\u{FDFA}").contains(' '));
    }

    #[test]
    fn links_names_and_emoji_keep_their_place() {
        assert_eq!(words("@أحمد @ahmad https://x.y 😂"), ["احمد", USER_WORD, URL_WORD, "😂"]);
    }

    #[test]
    fn laughter_of_any_length_is_one_word() {
        assert_eq!(words("ههههههههه ههههه"), ["هه", "هه"]);
    }

    #[test]
    fn the_stored_form_names_version_and_steps() {
        let stored = serde_json::to_string(&Normalizer::new(&[Step::Tatweel, Step::Alef])).unwrap();
        assert_eq!(stored, r#"{"version":1,"steps":["tatweel","alef"]}"#);
        let newer = r#"{"version":99,"steps":[]}"#;
        assert!(serde_json::from_str::<Normalizer>(newer).unwrap_err().to_string().contains("version 99"));
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in any::<String>()) {
            let normalizer = Normalizer::default();
            for token in tokens(&text) {
                let mut once = String::new();
                normalizer.word(&text, &token, &mut once);
                if token.kind == TokenKind::Word {
                    prop_assert_eq!(normalizer.normalize(&once), once);
                }
            }
        }

        #[test]
        fn a_token_means_the_same_alone_and_in_its_text(text in "[ا-ي\u{64B}-\u{652}ـ a-zA-Z@#_:/.0-9٠-٩👍❤️\u{200F}]{0,60}") {
            let normalizer = Normalizer::default();
            let alone: Vec<String> = tokens(&text).flat_map(|t| words(t.surface(&text))).collect();
            let (mut within, mut word) = (Vec::new(), String::new());
            for token in tokens(&text) {
                normalizer.word(&text, &token, &mut word);
                within.push(word.clone());
            }
            prop_assert_eq!(alone, within);
        }
    }
}
