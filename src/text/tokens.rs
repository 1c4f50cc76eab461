//! Tokens: where the words, links, names and emoji of a text stand.
//!
//! A word is a run of letters, marks and digits of any script. Invisible controls (bidi marks,
//! zero-width joiners, soft hyphens) never break a word. `#` and `_` are separators, so a hashtag
//! gives its words. A link is one token, a user name (`@name`) is one, every emoji is one.

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Letters, marks and digits.
    Word,
    /// A link: `http://…`, `https://…`, `www.…`.
    Url,
    /// A user name: `@` and Latin letters, digits or `_`.
    Mention,
    /// One emoji or pictograph, without skin tone and variation selectors.
    Emoji,
}

/// A token's kind and place: byte offsets into the text it was found in, on character boundaries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Bytes of the original text; trailing invisible characters are not part of it.
    pub bytes: Range<usize>,
}

impl Token {
    /// The key of this token in a bag of surface tokens: the text as it stands, but links and user
    /// names without what they say (`https://`, `@user`), since a bag is made to be shared.
    ///
    /// Taken by itself a surface is again exactly one token of the same kind.
    pub fn surface<'t>(&self, text: &'t str) -> &'t str {
        match self.kind {
            TokenKind::Url => "https://",
            TokenKind::Mention => "@user",
            TokenKind::Word | TokenKind::Emoji => &text[self.bytes.clone()],
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Word,
    Invisible,
    Emoji,
    Other,
}

/// Characters that show nothing and must not break a word: bidi controls, zero-width characters,
/// soft hyphen, variation selectors, byte order marks inside the text.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{1F3FB}'..='\u{1F3FF}'
        | '\u{E0000}'..='\u{E01EF}')
}

fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{2600}'..='\u{27BF}' | '\u{2B05}'..='\u{2B55}' | '\u{1F000}'..='\u{1F0FF}' | '\u{1F1E6}'..='\u{1F1FF}'
        | '\u{1F300}'..='\u{1FAFF}')
}

pub(super) fn class(c: char) -> Class {
    match c {
        '0'..='9' | 'A'..='Z' | 'a'..='z' | '\u{620}'..='\u{669}' => Class::Word,
        // What stands between words most often, before the tables of Unicode are asked.
        '\0'..='\u{7F}' | '،' | '؛' | '؟' | '«' | '»' | '\u{66A}'..='\u{66D}' | '\u{2010}'..='\u{2027}' => {
            Class::Other
        }
        _ if is_invisible(c) => Class::Invisible,
        _ if is_emoji(c) => Class::Emoji,
        _ if c.is_alphanumeric() || is_combining_mark(c) => Class::Word,
        _ => Class::Other,
    }
}

/// The tokens of a text, in order. One pass, no allocation.
///
/// ```
/// let text = "قوّاتُ #حفظ_السلام https://a.b/c 🕊";
/// let found: Vec<&str> = kzstance::text::tokens(text).map(|t| &text[t.bytes]).collect();
/// assert_eq!(found, ["قوّاتُ", "حفظ", "السلام", "https://a.b/c", "🕊"]);
/// ```
pub fn tokens(text: &str) -> Tokens<'_> {
    Tokens { text, at: 0 }
}

/// Iterator of [`tokens`].
#[derive(Debug, Clone)]
pub struct Tokens<'t> {
    text: &'t str,
    at: usize,
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let chars = self.text[self.at..].char_indices();
        for (offset, _) in chars {
            if let Some(token) = token_at(self.text, self.at + offset) {
                self.at = token.bytes.end;
                return Some(token);
            }
        }
        self.at = self.text.len();
        None
    }
}

/// The token that starts at this byte, if one does.
pub(super) fn token_at(text: &str, start: usize) -> Option<Token> {
    let c = text[start..].chars().next()?;
    let (kind, end) = match class(c) {
        Class::Word => match url_end(text, start) {
            Some(end) => (TokenKind::Url, end),
            None => (TokenKind::Word, word_end(text, start)),
        },
        Class::Emoji => (TokenKind::Emoji, emoji_end(text, start, c)),
        Class::Other if c == '@' => (TokenKind::Mention, mention_end(text, start)?),
        Class::Other | Class::Invisible => return None,
    };
    Some(Token { kind, bytes: start..end })
}

fn word_end(text: &str, start: usize) -> usize {
    let mut end = start;
    for (offset, c) in text[start..].char_indices() {
        match class(c) {
            Class::Word => end = start + offset + c.len_utf8(),
            Class::Invisible => {}
            Class::Emoji | Class::Other => break,
        }
    }
    end
}

/// A flag is two regional indicators; everything else is one character (the parts of a joined
/// sequence become tokens of their own).
fn emoji_end(text: &str, start: usize, c: char) -> usize {
    let end = start + c.len_utf8();
    let regional = |c: char| ('\u{1F1E6}'..='\u{1F1FF}').contains(&c);
    match text[end..].chars().next() {
        Some(next) if regional(c) && regional(next) => end + next.len_utf8(),
        _ => end,
    }
}

/// The end of the link that starts here. It ends at white space, quotes and brackets, and before
/// Arabic letters: posts often glue a link to the next word.
fn url_end(text: &str, start: usize) -> Option<usize> {
    let rest = &text[start..];
    if !rest.starts_with(['h', 'H', 'w', 'W']) {
        return None;
    }
    let is_link = ["http://", "https://", "www."]
        .iter()
        .any(|scheme| rest.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme)));
    // A word that runs into "http" (جديدhttp://…) is not a link's start; see `word_end`.
    if !is_link {
        return None;
    }
    let end = rest.find(|c: char| {
        c.is_whitespace() || "\"«»“”<>()[]{}،؛".contains(c) || ('\u{600}'..='\u{6FF}').contains(&c)
    });
    Some(start + end.unwrap_or(rest.len()))
}

/// The end of the user name that starts at this `@`; none inside an e-mail address.
fn mention_end(text: &str, at: usize) -> Option<usize> {
    if text[..at].chars().next_back().is_some_and(|c| class(c) == Class::Word) {
        return None;
    }
    let name = &text[at + 1..];
    let length = name.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    (length > 0).then_some(at + 1 + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(text: &str) -> Vec<(TokenKind, &str)> {
        tokens(text).map(|t| (t.kind, &text[t.bytes])).collect()
    }

    fn words(text: &str) -> Vec<&str> {
        found(text).into_iter().map(|(_, token)| token).collect()
    }

    #[test]
    fn diacritics_tatweel_and_bidi_controls_do_not_break_a_word() {
        assert_eq!(words("مُحَمَّد العربيّة"), ["مُحَمَّد", "العربيّة"]);
        assert_eq!(words("ال\u{200F}قوات"), ["ال\u{200F}قوات"]);
        assert_eq!(words("الســــلام"), ["الســــلام"]);
        assert_eq!(words("\u{202B}قوات\u{202C}"), ["قوات"]);
    }

    #[test]
    fn hashtags_and_underscores_give_their_words() {
        assert_eq!(words("#حفظ_السلام_2022"), ["حفظ", "السلام", "2022"]);
    }

    #[test]
    fn links_and_user_names_are_one_token() {
        use TokenKind::{Mention, Url, Word};
        assert_eq!(
            found("RT @a_b1: https://t.co/x?y=1,2 نص"),
            [(Word, "RT"), (Mention, "@a_b1"), (Url, "https://t.co/x?y=1,2"), (Word, "نص")]
        );
        assert_eq!(found("www.a.com"), [(Url, "www.a.com")]);
        assert_eq!(words("someone@example.org"), ["someone", "example", "org"]);
        assert_eq!(words("@ الجزيرة"), ["الجزيرة"]);
        assert_eq!(words("https://t.co/xyzنعم"), ["https://t.co/xyz", "نعم"]);
    }

    #[test]
    fn emoji_are_tokens_without_their_modifiers() {
        assert_eq!(words("نعم👍🏽❤️🇰🇿!"), ["نعم", "👍", "❤", "🇰🇿"]);
    }

    #[test]
    fn punctuation_of_either_script_separates() {
        assert_eq!(words("قال: «نعم»، ثم؟ (لا)."), ["قال", "نعم", "ثم", "لا"]);
    }

    proptest! {
        #[test]
        fn tokens_are_ordered_disjoint_and_on_boundaries(text in any::<String>()) {
            let mut last = 0;
            for token in tokens(&text) {
                prop_assert!(token.bytes.start >= last && token.bytes.end > token.bytes.start);
                prop_assert!(text.get(token.bytes.clone()).is_some());
                last = token.bytes.end;
            }
        }

        #[test]
        fn a_surface_is_one_token_of_its_kind(text in "[ا-ي\u{64B}-\u{652}ـ a-z@#_:/.👍❤️🇰🇿\u{200F}\u{200C}htps«»]{0,40}") {
            for token in tokens(&text) {
                let surface = token.surface(&text);
                let again: Vec<Token> = tokens(surface).collect();
                prop_assert_eq!(again.len(), 1, "{:?}", surface);
                prop_assert_eq!(again[0].kind, token.kind);
                prop_assert_eq!(again[0].surface(surface), surface);
            }
        }
    }
}
