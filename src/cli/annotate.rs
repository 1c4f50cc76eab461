//! What GitHub shows beside a change: annotations for gates that failed.
//!
//! A runner reads such lines on either stream of a step; here they are talk, and standard output stays data.

use kzstance::evaluate::gate::GateResult;

/// How many errors GitHub shows of one step.
const MOST: usize = 10;

/// Says on standard error which gates failed, where a runner reads it.
pub fn annotate(results: &[GateResult]) {
    if std::env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true") {
        annotations(results).iter().for_each(|line| eprintln!("{line}"));
    }
}

/// How many gates failed, and then each of these, as workflow commands: [`MOST`] lines at most; none where
/// all passed.
fn annotations(results: &[GateResult]) -> Vec<String> {
    let failed: Vec<&GateResult> = results.iter().filter(|result| !result.passed).collect();
    if failed.is_empty() {
        return Vec::new();
    }
    let mut all = format!("{} of {} gates failed", failed.len(), results.len());
    if failed.len() >= MOST {
        all += &format!("; the first {} follow, the summary has all", MOST - 1);
    }
    let first = format!("::error title=kzstance::{}", message(&all));
    std::iter::once(first).chain(failed.into_iter().take(MOST - 1).map(annotation)).collect()
}

fn annotation(result: &GateResult) -> String {
    let place = result.place.as_ref();
    let place = place.map(|(file, line)| format!("file={},line={line},", property(file)));
    let why = result.why.as_ref().map(|why| format!("\n{why}")).unwrap_or_default();
    format!(
        "::error {}title={}::{}",
        place.unwrap_or_default(),
        property(&result.expression),
        message(&format!("{}{why}", result.message))
    )
}

/// A message: one line, in which `%` begins an escape.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property, which `:` and `,` would end.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(number: u64, passed: bool) -> GateResult {
        GateResult {
            expression: format!("stance.slice.outlet.\"a:b,c\".n >= {number}"),
            why: Some("50 % of them\r\nare needed".into()),
            passed,
            message: "7 is not >= 9: too few, really".into(),
            place: Some(("labels/a,b:c.toml".into(), number)),
        }
    }

    #[test]
    fn an_annotation_names_the_line_and_breaks_no_syntax() {
        let found = annotations(&[result(4, false), result(5, true)]);
        assert_eq!(
            found,
            [
                "::error title=kzstance::1 of 2 gates failed",
                "::error file=labels/a%2Cb%3Ac.toml,line=4,title=stance.slice.outlet.\"a%3Ab%2Cc\".n >= 4::7 is not >= 9: too few, really%0A50 %25 of them%0D%0Aare needed",
            ]
        );
        let typed = GateResult { place: None, why: None, ..result(1, false) };
        assert!(annotations(&[typed])[1].starts_with("::error title=stance."));
    }

    #[test]
    fn no_more_are_written_than_are_shown() {
        let many: Vec<GateResult> = (1..=30).map(|number| result(number, number % 2 == 0)).collect();
        let found = annotations(&many);
        assert_eq!(found.len(), 10);
        assert!(found[0].ends_with("::15 of 30 gates failed; the first 9 follow, the summary has all"));
        assert_eq!(annotations(&many[..18]).len(), 10);
        assert!(annotations(&many[..18])[0].ends_with("::9 of 18 gates failed"));
        assert!(annotations(&[result(1, true)]).is_empty());
    }
}
