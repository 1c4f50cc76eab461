//! Cells that a spreadsheet shall not take for formulas.

use std::borrow::Cow;

/// A text cell as a spreadsheet may open it: an apostrophe stands before whatever it could take for the beginning of a
/// formula (`=`, `+`, `-`, `@`, a tab or a line break), at the beginning of the cell and behind a character at which a
/// program with other settings may divide it (comma, semicolon, tab, bar, line breaks, quotation mark). So OWASP
/// advises. Numbers stay as they are: a minus before a number is no formula.
pub fn guarded(cell: &str) -> Cow<'_, str> {
    let starts =
        |c: char| matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠');
    let divides = |c: char| matches!(c, ',' | ';' | '\t' | '|' | '\r' | '\n' | '"' | '\'');
    if !cell.contains(starts) || is_number(cell) {
        return Cow::Borrowed(cell);
    }
    let mut safe = String::with_capacity(cell.len() + 2);
    let mut first = true;
    for c in cell.chars() {
        if first && starts(c) {
            safe.push('\'');
        }
        safe.push(c);
        // White space may be passed over before a formula.
        first = divides(c) || first && c == ' ';
    }
    Cow::Owned(safe)
}

/// Digits with a sign, a point and an exponent at most: nothing that could be a name.
fn is_number(cell: &str) -> bool {
    cell.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'))
        && cell.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_could_be_a_formula_has_an_apostrophe_before_it_and_all_else_is_as_it_was() {
        for (cell, wanted) in [
            ("خبر", "خبر"),
            ("a-b = c", "a-b = c"),
            ("-0.25", "-0.25"),
            ("+1e5", "+1e5"),
            ("=1+2", "'=1+2"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t'=1"),
            (" =1", " '=1"),
            ("a;=1", "a;'=1"),
            ("a,\"=1", "a,\"'=1"),
            ("a\n+1", "a\n'+1"),
            ("＝1", "'＝1"),
            ("-inf", "'-inf"),
        ] {
            assert_eq!(guarded(cell), wanted);
        }
    }

    proptest! {
        #[test]
        fn no_part_of_a_guarded_cell_begins_like_a_formula(cell in "[=+@a1 ,;\t\r\n\"'|-]{0,12}") {
            prop_assume!(!is_number(&cell));
            let safe = guarded(&cell);
            for part in safe.split([',', ';', '\t', '|', '\r', '\n', '"', '\'']).map(|part| part.trim_start_matches(' ')) {
                // Right behind the apostrophe that was put there.
                let at = part.as_ptr() as usize - safe.as_ptr() as usize;
                let quoted = safe[..at].ends_with('\'');
                prop_assert!(quoted || !part.starts_with(['=', '+', '-', '@']), "{safe:?}");
            }
        }
    }
}
