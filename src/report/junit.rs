//! The gates as a `JUnit` report, which build servers list as tests.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::words::{gate_status, place};
use super::{GateResult, Render, Report};

/// `junit.xml`: one test case a gate.
#[derive(Debug, Clone, Copy)]
pub struct Junit;

impl Render for Junit {
    fn name(&self) -> &'static str {
        "junit.xml"
    }

    fn render(&self, report: &Report) -> String {
        let mut out = Writer::new_with_indent(Vec::new(), b' ', 2);
        // Writing to memory cannot fail.
        let _ = write(&mut out, report);
        String::from_utf8(out.into_inner()).unwrap_or_default() + "\n"
    }
}

fn write(out: &mut Writer<Vec<u8>>, report: &Report) -> std::io::Result<()> {
    let corpus = xml(&report.evaluation.corpus);
    let tests = report.gates.len().to_string();
    let failures = report.gates.iter().filter(|gate| !gate.passed).count().to_string();
    let counts = [
        ("tests", tests.as_str()),
        ("failures", &failures),
        ("errors", "0"),
        ("skipped", "0"),
        ("time", "0"),
    ];
    out.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let suites =
        out.create_element("testsuites").with_attribute(("name", "kzstance")).with_attributes(counts);
    suites.write_inner_content(|out| {
        let suite = out.create_element("testsuite").with_attribute(("name", corpus.as_str()));
        let suite = suite.with_attributes(counts);
        suite.write_inner_content(|out| {
            report.gates.iter().try_for_each(|gate| write_gate(out, &corpus, gate))?;
            let told = xml(&format!("{}.", gate_status(&report.gates)));
            out.create_element("system-out").write_text_content(BytesText::new(&told))?;
            Ok(())
        })?;
        Ok(())
    })?;
    Ok(())
}

fn write_gate(out: &mut Writer<Vec<u8>>, corpus: &str, gate: &GateResult) -> std::io::Result<()> {
    let (name, message) = (xml(&gate.expression), xml(&gate.message));
    let mut case = out.create_element("testcase").with_attributes([
        ("name", name.as_str()),
        ("classname", corpus),
        ("time", "0"),
    ]);
    if let Some((file, line)) = &gate.place {
        let (file, line) = (xml(file), line.to_string());
        case = case.with_attributes([("file", file.as_str()), ("line", line.as_str())]);
    }
    if gate.passed {
        case.write_empty().map(|_| ())
    } else {
        let at = place(gate).map(|place| xml(&format!("{place}: "))).unwrap_or_default();
        case.write_inner_content(|out| {
            let failure = out.create_element("failure");
            let failure = failure.with_attributes([("message", message.as_str()), ("type", "gate")]);
            failure.write_text_content(BytesText::new(&format!("{at}{name}: {message}")))?;
            Ok(())
        })?;
        Ok(())
    }
}

/// Text without the characters that no XML can hold, escaped or not.
fn xml(text: &str) -> String {
    let allowed = |c: char| !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
    text.chars().map(|c| if allowed(c) { c } else { '\u{fffd}' }).collect()
}
