//! Segments: stretches of one sentence in one voice.
//!
//! A boundary never lies inside a token, so the bags of a text's segments add up to the bag of the
//! text. Quotation is what stands between quotation marks of any kind, nested or not; a paragraph's
//! end closes what was left open, since many outlets repeat the opening mark in each paragraph.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::tokens::Token;

/// Who speaks in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Voice {
    /// The author.
    Narration,
    /// Somebody else, between quotation marks.
    Quotation,
    /// Somebody else, in indirect speech.
    Attribution,
    /// Voices were not told apart.
    Whole,
}

impl Voice {
    /// Every voice, in order.
    pub const ALL: [Voice; 4] = [Voice::Narration, Voice::Quotation, Voice::Attribution, Voice::Whole];
}

/// A segment of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Who speaks.
    pub voice: Voice,
    /// Indices of its tokens; never empty.
    pub tokens: Range<usize>,
}

/// Splits a text into segments: at sentence ends, at paragraph ends, and where the voice changes.
///
/// `tokens` are the tokens of `text` in order; every token lies in exactly one segment. Cost is
/// linear in the length of the text.
pub fn segments(text: &str, tokens: &[Token]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let (mut depth, mut start, mut last_end) = (0_usize, 0, 0);
    let mut voice = Voice::Narration;
    for (index, token) in tokens.iter().enumerate() {
        let abbreviation = index > 0 && text[tokens[index - 1].bytes.clone()].chars().nth(1).is_none();
        let ends = read_gap(text, last_end..token.bytes.start, &mut depth, abbreviation);
        let now = if depth > 0 { Voice::Quotation } else { Voice::Narration };
        if index > start && (ends || now != voice) {
            spans.push(Span { voice, tokens: start..index });
            start = index;
        }
        voice = now;
        last_end = token.bytes.end;
    }
    if start < tokens.len() {
        spans.push(Span { voice, tokens: start..tokens.len() });
    }
    spans
}

/// Reads what stands between two tokens: follows the quotation marks in `depth`, and says whether
/// a sentence ends. The full stop after a single letter (د. for Dr.) ends none.
fn read_gap(text: &str, gap: Range<usize>, depth: &mut usize, abbreviation: bool) -> bool {
    let mut ends = false;
    let mut before = text[..gap.start].chars().next_back();
    let mut chars = text[gap.clone()].char_indices().peekable();
    while let Some((offset, c)) = chars.next() {
        let after = chars
            .peek()
            .map(|&(_, c)| c)
            .or_else(|| text[gap.start + offset + c.len_utf8()..].chars().next());
        match c {
            '\n' | '\u{2029}' => {
                *depth = 0;
                ends = true;
            }
            '!' | '?' | '؟' | '…' | '۔' => ends = true,
            '.' if !abbreviation && after.is_none_or(|c| c.is_whitespace() || is_quote(c) || c == ')') => {
                ends = true;
            }
            _ if is_quote(c) => match opens(c, before, after, *depth) {
                true => *depth += 1,
                false => *depth = depth.saturating_sub(1),
            },
            _ => {}
        }
        before = Some(c);
    }
    ends
}

/// Whether a text may hold a quotation mark: where it does not, all of it is narration. Never wrong in that;
/// other characters may look like one to it.
pub(crate) fn may_quote(text: &str) -> bool {
    let bytes = text.as_bytes();
    // The bytes with which all that `is_quote` knows begins.
    memchr::memchr3_iter(b'"', 0xC2, 0xE2, bytes).any(|at| {
        bytes[at] == b'"'
            || matches!(bytes[at..], [0xC2, 0xAB | 0xBB, ..] | [0xE2, 0x80, 0x9C..=0x9F | 0xB3, ..])
    }) || memchr::memchr_iter(0xEF, bytes).any(|at| bytes.get(at + 1) == Some(&0xBC))
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '«' | '»' | '“' | '”' | '„' | '‟' | '″' | '＂')
}

/// Whether a quotation mark opens. Guillemets say so themselves. The others are used in both
/// directions in Arabic, so their place decides: an opening one has space before and none behind.
fn opens(mark: char, before: Option<char>, after: Option<char>, depth: usize) -> bool {
    match mark {
        '«' => return true,
        '»' => return false,
        _ => {}
    }
    let free = |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || "([«:،,-–—".contains(c));
    let ended = |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || ".,،؛:!?؟)]»".contains(c));
    match (free(before), ended(after)) {
        (true, false) => true,
        (false, true) => false,
        _ => depth == 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tokens;
    use proptest::prelude::*;

    fn voices(text: &str) -> Vec<(Voice, String)> {
        let tokens: Vec<Token> = tokens(text).collect();
        segments(text, &tokens)
            .into_iter()
            .map(|span| {
                let words: Vec<&str> = tokens[span.tokens].iter().map(|t| &text[t.bytes.clone()]).collect();
                (span.voice, words.join(" "))
            })
            .collect()
    }

    fn narration(text: &str) -> (Voice, String) {
        (Voice::Narration, text.to_owned())
    }

    fn quotation(text: &str) -> (Voice, String) {
        (Voice::Quotation, text.to_owned())
    }

    #[test]
    fn sentences_end_at_stops_but_not_inside_numbers_links_or_titles() {
        assert_eq!(
            voices("وصل د. سمير في 3.5 ساعات. ثم غادر؟ نعم"),
            [narration("وصل د سمير في 3 5 ساعات"), narration("ثم غادر"), narration("نعم")]
        );
        assert_eq!(voices("انظر https://a.b/c.d هنا").len(), 1);
    }

    #[test]
    fn every_kind_of_mark_quotes() {
        for text in
            ["قال «نعم أكيد» ومضى", "قال \"نعم أكيد\" ومضى", "قال “نعم أكيد” ومضى", "قال ”نعم أكيد“ ومضى"]
        {
            assert_eq!(voices(text), [narration("قال"), quotation("نعم أكيد"), narration("ومضى")], "{text}");
        }
    }

    #[test]
    fn a_quotation_inside_a_quotation_does_not_end_it() {
        let text = "قالت \"يلوم \"المخربين\" وحدهم\" ثم صمتت";
        assert_eq!(voices(text), [narration("قالت"), quotation("يلوم المخربين وحدهم"), narration("ثم صمتت")]);
    }

    #[test]
    fn a_quotation_left_open_ends_with_its_paragraph() {
        assert_eq!(
            voices("وأضاف \"لم نغادر\nوفي سياق آخر"),
            [narration("وأضاف"), quotation("لم نغادر"), narration("وفي سياق آخر")]
        );
    }

    proptest! {
        #[test]
        fn a_text_that_cannot_quote_is_narration(text in "[ا-ي «»\"“”„‟″＂…❤،.é\n]{0,6}") {
            prop_assert!(may_quote(&text) || voices(&text).iter().all(|(voice, _)| *voice == Voice::Narration));
            prop_assert!(may_quote(&text) || !text.chars().any(is_quote));
        }

        #[test]
        fn every_token_lies_in_exactly_one_segment(text in any::<String>()) {
            let tokens: Vec<Token> = tokens(&text).collect();
            let mut next = 0;
            for span in segments(&text, &tokens) {
                prop_assert_eq!(span.tokens.start, next);
                prop_assert!(span.tokens.end > span.tokens.start);
                next = span.tokens.end;
            }
            prop_assert_eq!(next, tokens.len());
        }
    }
}
