//! Reports: that nothing which others wrote breaks out of them, that they keep to their limits, and that
//! they say what is undefined.

mod fixture;

use std::path::Path;

use ::markdown as markdown_crate;
use fixture::NASTY;
use kzstance::Error;
use kzstance::evaluate::gate::GateResult;
use kzstance::evaluate::metrics::Bin;
use kzstance::evaluate::risk::{Point, RiskCoverage};
use kzstance::report::svg::{self, IntervalRow};
use kzstance::report::{Comment, Html, Json, Junit, Render, Report, Summary, all, markdown, read_evaluation};
use markdown_crate::ParseOptions;
use markdown_crate::mdast::Node;
use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::events::Event;

#[test]
#[ignore = "writes the reports into the temporary folder, to be looked at"]
fn write_them_to_look_at() {
    let folder = std::env::temp_dir().join("kzstance-report");
    for (name, report) in [("full", fixture::report(4000)), ("empty", fixture::empty())] {
        for form in all() {
            let path = folder.join(name).join(form.name());
            kzstance::write::write_atomically(&path, form.render(&report).as_bytes()).unwrap();
        }
    }
    let plot = svg::standalone(&svg::intervals("Shares <&>", &rows()));
    kzstance::write::write_atomically(&folder.join("plot.svg"), plot.as_bytes()).unwrap();
}

fn rows() -> Vec<IntervalRow> {
    let row = |label: &str, value: Option<f64>, emphasis| IntervalRow {
        label: label.into(),
        value,
        low: value.map(|value| value - 0.1),
        high: value.map(|value| value + 0.1),
        emphasis,
        naive: value.map(|value| value + 0.15),
    };
    vec![row("favor", Some(0.3), true), row("معارض", Some(0.6), false), row("none <&\">", None, false)]
}

/// The report with other text wherever others write text.
fn written(text: &str) -> Report {
    let mut report = fixture::report(3);
    let evaluation = &mut report.evaluation;
    evaluation.corpus = text.into();
    evaluation.target = Some(text.into());
    evaluation.program = text.into();
    evaluation.digest = text.into();
    evaluation.notes = vec![text.into()];
    let axis = &mut evaluation.axes[0];
    axis.target = Some(text.into());
    axis.folds = text.into();
    axis.axis.name = text.into();
    for class in axis.axis.classes.iter_mut().chain(&mut axis.axis.polar) {
        *class = text.into();
    }
    for class in &mut axis.figures.classes {
        class.class = text.into();
    }
    for curve in &mut axis.curves {
        curve.class = text.into();
    }
    for beside in &mut axis.beside {
        (beside.name, beside.about) = (text.into(), text.into());
    }
    for slice in &mut axis.slices {
        (slice.by, slice.name) = (text.into(), text.into());
        slice.figures.accuracy.note = Some(text.into());
    }
    for error in &mut axis.worst {
        (error.id, error.truth, error.predicted) = (text.into(), text.into(), text.into());
        (error.outlet, error.text) = (Some(text.into()), Some(text.into()));
        error.evidence = vec![(text.into(), 0.5), (text.into(), -0.25)];
    }
    for origin in axis.origins.iter_mut().chain(&mut axis.probes) {
        // An origin without a name is said to be one.
        (origin.origin, origin.held_out) = (format!("o{text}"), text.into());
    }
    axis.origins[3].model = text.into();
    let reasons = std::mem::take(&mut axis.abstentions.reasons);
    axis.abstentions.reasons = reasons.into_values().take(1).map(|part| (text.to_owned(), part)).collect();
    for gate in &mut report.gates {
        (gate.expression, gate.message) = (text.into(), text.into());
        gate.place = Some((text.into(), 1));
    }
    report
}

// ---- Markdown

/// Markdown as GitHub reads it.
fn github() -> ParseOptions {
    let mut options = ParseOptions::gfm();
    options.constructs.math_text = true;
    options
}

/// What Markdown comes to: its text, its raw HTML, and a count of the cells of each row of each table.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    text: String,
    raw: Vec<String>,
    cells: Vec<usize>,
    markup: Vec<String>,
}

fn seen(text: &str) -> Seen {
    let mut seen = Seen::default();
    look(&markdown_crate::to_mdast(text, &github()).unwrap(), &mut seen);
    seen
}

fn look(node: &Node, seen: &mut Seen) {
    match node {
        Node::Text(text) => seen.text += &text.value,
        Node::Html(html) => seen.raw.extend(tags_of(&html.value)),
        Node::TableRow(row) => seen.cells.push(row.children.len()),
        Node::Root(_)
        | Node::Paragraph(_)
        | Node::Table(_)
        | Node::TableCell(_)
        | Node::List(_)
        | Node::ListItem(_)
        | Node::Heading(_) => {}
        other => seen.markup.push(format!("{other:?}").split([' ', '(']).next().unwrap_or_default().into()),
    }
    node.children().into_iter().flatten().for_each(|child| look(child, seen));
    if matches!(node, Node::Paragraph(_) | Node::TableCell(_) | Node::Heading(_)) {
        seen.text.push('\n');
    }
}

/// What stands between angle brackets.
fn tags_of(html: &str) -> Vec<String> {
    html.split('<').skip(1).map(|tag| tag.split('>').next().unwrap_or_default().to_owned()).collect()
}

/// Whether GitHub would make a mention or a reference to an issue of something.
fn refers(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    chars.windows(2).any(|pair| matches!(pair[0], '@' | '#') && pair[1].is_alphanumeric())
}

/// Whether what turns the direction of text stands in it other than to isolate, or an isolate is left open.
fn turns(text: &str) -> bool {
    let mut open = 0_i64;
    for c in text.chars() {
        match c {
            '\u{2068}' => open += 1,
            '\u{2069}' => open -= 1,
            '\n' if open != 0 => return true,
            '\u{202a}'..='\u{202e}' | '\u{2066}' | '\u{2067}' | '\u{200e}' | '\u{200f}' => return true,
            _ => {}
        }
        if !(0..=1).contains(&open) {
            return true;
        }
    }
    open != 0
}

fn holds(text: &str) {
    for (escaped, is_code) in [(markdown::escape(text), true), (markdown::prose(text), false)] {
        let code = if is_code { vec!["code".to_owned(), "/code".to_owned()] } else { Vec::new() };
        for (around, cells) in [
            (format!("- {escaped}\n"), vec![]),
            (format!("| a | b |\n| --- | --- |\n| {escaped} | x |\n"), vec![2, 2]),
        ] {
            let seen = seen(&around);
            assert_eq!(seen.markup, [""; 0], "{text:?}: {around}");
            assert_eq!((&seen.raw, &seen.cells), (&code, &cells), "{text:?}: {around}");
            assert!(!refers(&seen.text) && !turns(&seen.text), "{text:?}: {around}");
        }
        // All that can be seen of it is there.
        let shown = |text: &str| -> String {
            let odd = |c: char| c.is_whitespace() || c.is_control() || c == '\u{fffd}' || !visible(c);
            text.chars().filter(|&c| !odd(c)).collect()
        };
        assert_eq!(shown(&seen(&escaped).text), shown(text), "{escaped}");
    }
}

fn visible(c: char) -> bool {
    !matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{feff}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

#[test]
fn nothing_in_a_name_is_markdown() {
    NASTY.iter().for_each(|text| holds(text));
}

#[test]
fn the_mention_check_sees_mentions() {
    assert!(refers(&seen("ask @octocat").text) && refers("see #12") && turns("a\u{202e}b"));
    assert!(!seen("<b>x</b> https://example.org").raw.is_empty());
    assert!(!seen("https://example.org").markup.is_empty());
}

#[test]
fn a_whole_report_of_hostile_names_has_the_markup_of_one_of_plain_names() {
    for form in [&Comment as &dyn Render, &Summary] {
        let plain = seen(&form.render(&written("plain")));
        for text in NASTY {
            let rendered = form.render(&written(text));
            let seen = seen(&rendered);
            assert_eq!(seen.markup, plain.markup, "{text:?}");
            assert_eq!((&seen.raw[1..], &seen.cells), (&plain.raw[1..], &plain.cells), "{text:?}");
            assert!(!refers(&seen.text), "{text:?}: {}", seen.text);
            assert!(rendered.lines().all(|line| !turns(line)), "{text:?}");
        }
    }
}

#[test]
fn the_first_line_of_a_comment_finds_it_again_and_is_hidden() {
    let first = |corpus: &str| {
        let mut report = fixture::empty();
        report.evaluation.corpus = corpus.into();
        Comment.render(&report).lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(first("kz-intervention"), "<!-- kzstance-evaluation:kz-intervention -->");
    let long = "ن".repeat(5000);
    let mut all: Vec<String> = NASTY.iter().map(|name| first(name)).collect();
    all.extend([first("a-"), first("a"), first("-a"), first(&long), first(&format!("{long}ن"))]);
    for mark in &all {
        assert_eq!(mark.matches("--").count(), 2, "{mark}");
        assert!(mark.len() < 200 && mark.ends_with(" -->") && mark.is_ascii(), "{mark}");
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), NASTY.len() + 5, "two corpora have one mark");
}

#[test]
fn what_does_not_fit_is_left_out_by_whole_sections_and_named() {
    let small = fixture::report(0);
    for form in [&Comment as &dyn Render, &Summary] {
        assert!(!form.render(&small).contains("Left out for want of room"));
    }
    let mut report = written(&"وكالة|<@a> 😀 ".repeat(300));
    let axis = report.evaluation.axes[0].clone();
    report.evaluation.axes.extend(std::iter::repeat_n(axis, 150));
    let gate = report.gates[1].clone();
    report.gates.extend(std::iter::repeat_n(gate, 500));
    for (form, limit) in [(&Comment as &dyn Render, 65_000), (&Summary, 1 << 20)] {
        let rendered = form.render(&report);
        assert!(rendered.len() < limit && rendered.encode_utf16().count() < limit, "{}", rendered.len());
        let last = rendered.lines().last().unwrap_or_default();
        assert!(last.starts_with("Left out for want of room: ") && last.contains(" more."), "{last}");
        let seen = seen(&rendered);
        // Failed gates are set strong, and nothing else is marked up.
        assert!(seen.markup.iter().all(|markup| markup == "Strong"), "{:?}", seen.markup);
        let opened = rendered.matches("<details>").count();
        assert_eq!(opened, rendered.matches("</details>").count());
        // Whatever table has begun has all its cells, and every failed gate that is shown stands on top.
        let parts = rendered.split("\n\n").filter(|part| part.starts_with("| ")).count();
        assert!(parts > 0 && seen.cells.len() > 2 * parts);
    }
}

#[test]
fn failed_gates_stand_on_top() {
    for form in [&Comment as &dyn Render, &Summary, &Html] {
        let rendered = form.render(&fixture::report(0));
        let place = |page: &str, markdown: &str| rendered.find(page).or(rendered.find(markdown));
        let failed = place("<bdi>0.117 is above", "0&#46;117 is above");
        let passed = place("<bdi>0.630</bdi>", "\u{2068}0&#46;630");
        assert!(failed.is_some() && failed < passed, "{}: {failed:?} {passed:?}", form.name());
        assert!(rendered.contains("2 of 3 gates failed"), "{}", form.name());
    }
}

// ---- JSON

fn read_back(text: &str) -> Result<kzstance::evaluate::evaluation::Evaluation, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old evaluation.json");
    std::fs::write(&path, text).unwrap();
    read_evaluation(&path)
}

#[test]
fn an_evaluation_is_read_back_as_it_was_with_gates_beside_it_and_a_line_for_each_prediction() {
    for report in [fixture::report(40), fixture::empty(), written(NASTY[9])] {
        let text = Json.render(&report);
        assert_eq!(read_back(&text).unwrap(), report.evaluation);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let gates: Vec<GateResult> =
            value.get("gates").map_or(Vec::new(), |gates| serde_json::from_value(gates.clone()).unwrap());
        assert_eq!(gates, report.gates);
        let predictions: usize = report.evaluation.axes.iter().map(|axis| axis.predictions.len()).sum();
        let lines: Vec<&str> =
            text.lines().map(str::trim).filter(|line| line.contains("\"fold\":")).collect();
        assert_eq!(lines.len(), predictions);
        assert!(
            lines
                .iter()
                .all(|line| line.starts_with("{\"id\":") && line.trim_end_matches(',').ends_with('}'))
        );
    }
}

#[test]
fn what_is_no_evaluation_of_this_version_is_refused_with_the_remedy() {
    let whole = Json.render(&fixture::report(2));
    let cases = [
        (whole.replacen("evaluation/2", "evaluation/1", 1), "older"),
        (whole.replacen("evaluation/2", "evaluation/3", 1), "update kzstance"),
        (whole.replacen("kzstance-evaluation/2", "other/2", 1), "evaluate --report"),
        (whole[..whole.len() / 2].to_owned(), "no whole evaluation"),
        (whole.replacen("\"n\": 1772", "\"n\": -1", 1), "no whole evaluation"),
        (whole.replacen("\"digest\"", "\"digets\"", 1), "digest"),
        ("{\"type\": \"FeatureCollection\"}".to_owned(), "no schema"),
        ("[1, 2]".to_owned(), "evaluate --report"),
        ("id,stance\na,favor\n".to_owned(), "evaluate --report"),
        (String::new(), "evaluate --report"),
        ("[".repeat(100_000), "evaluate --report"),
    ];
    for (text, wanted) in cases {
        let error = read_back(&text).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
        let said = error.to_string();
        assert!(said.contains("old evaluation.json") && said.contains(wanted), "{said}");
        assert_eq!(error.exit_code(), 3);
    }
    let error = read_evaluation(Path::new("no/such/evaluation.json")).unwrap_err();
    assert!(matches!(error, Error::Read { .. }) && error.exit_code() == 3, "{error:?}");
}

// ---- JUnit

#[test]
fn the_test_report_is_xml_whatever_the_gates_say() {
    let mut report = fixture::report(0);
    report.evaluation.corpus = NASTY[14].into();
    report.gates = NASTY
        .iter()
        .enumerate()
        .map(|(place, text)| GateResult {
            expression: (*text).into(),
            why: Some((*text).into()),
            passed: place % 2 == 0,
            message: NASTY[NASTY.len() - 1 - place].into(),
            place: (place % 3 == 0).then(|| ((*text).into(), place as u64)),
        })
        .collect();
    let (mut cases, mut failures) = (Vec::new(), 0);
    let text = Junit.render(&report);
    for tag in xml(&text) {
        match tag.name.as_str() {
            "testcase" => cases.push(tag),
            "failure" => failures += 1,
            "testsuite" => assert_eq!((tag.get("tests"), tag.get("failures")), ("18", "9")),
            _ => {}
        }
    }
    assert_eq!((cases.len(), failures), (18, 9));
    // What stands in an attribute has its line breaks read as spaces.
    let same = |a: &str, b: &str| {
        let of = |text: &str| -> String {
            text.chars().filter(|c| !c.is_whitespace() && !c.is_control() && *c != '\u{fffd}').collect()
        };
        of(a) == of(b)
    };
    for (case, gate) in cases.iter().zip(&report.gates) {
        assert!(same(case.get("name"), &gate.expression), "{} {:?}", case.get("name"), gate.expression);
        assert_eq!(case.get("classname"), NASTY[14]);
        assert_eq!(case.get("line").is_empty(), gate.place.is_none());
    }
}

/// A start tag.
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn get(&self, name: &str) -> &str {
        self.attributes.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }
}

fn tag(start: &quick_xml::events::BytesStart) -> Tag {
    let attributes = start.attributes().map(|attribute| {
        let attribute = attribute.unwrap();
        let value = quick_xml::escape::unescape(&attribute.value).unwrap();
        (attribute.key.as_ref().to_owned(), value.into_owned())
    });
    Tag { name: start.name().as_ref().to_owned(), attributes: attributes.collect() }
}

/// The tags of XML that is well-formed, and has only characters that XML can hold.
fn xml(text: &str) -> Vec<Tag> {
    let forbidden =
        |c: char| (c < ' ' && !matches!(c, '\n' | '\t' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}');
    assert!(!text.contains(forbidden), "{text:?}");
    let mut reader = Reader::from_str(text);
    let mut open = 0_i32;
    let mut tags = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                open += 1;
                tags.push(tag(&start));
            }
            Event::Empty(start) => tags.push(tag(&start)),
            Event::End(_) => open -= 1,
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(open, 0, "{text}");
    tags
}

// ---- HTML

/// The tags of a page, each closed where it must be; contents of scripts and styles are set aside.
fn html(page: &str) -> Vec<Tag> {
    const VOID: [&str; 4] = ["meta", "br", "!DOCTYPE", "link"];
    let mut rest = page.to_owned();
    for name in ["script", "style"] {
        let (start, end) =
            (rest.find(&format!("<{name}>")).unwrap(), rest.find(&format!("</{name}>")).unwrap());
        rest.replace_range(start + name.len() + 2..end, "");
    }
    let mut reader = Reader::from_str(&rest);
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let (mut open, mut tags) = (Vec::new(), Vec::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                let tag = tag(&start);
                if !VOID.contains(&tag.name.as_str()) {
                    open.push(tag.name.clone());
                }
                tags.push(tag);
            }
            Event::Empty(start) => tags.push(tag(&start)),
            Event::End(end) => {
                let name = end.name().as_ref().to_owned();
                assert_eq!(open.pop(), Some(name));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(open, [""; 0]);
    tags
}

#[test]
fn a_page_of_hostile_names_has_the_tags_of_one_of_plain_names() {
    // The length of a name decides nothing; whether it is Arabic decides an attribute.
    let names = |text: &str| -> Vec<String> {
        let page = Html.render(&written(text));
        assert!(!page.contains(|c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}' | '\u{2067}')
            || (c.is_control() && c != '\n')));
        html(&page).into_iter().map(|tag| tag.name).collect()
    };
    let plain = names("plain");
    for text in NASTY {
        assert_eq!(names(text), plain, "{text:?}");
    }
}

#[test]
fn a_page_fetches_nothing_and_runs_its_own_script_only() {
    let page = Html.render(&fixture::report(12_000));
    assert!(page.len() < 2_000_000, "{}", page.len());
    for tag in html(&page) {
        assert!(!["link", "iframe", "object", "embed", "img", "base", "form"].contains(&tag.name.as_str()));
        for (name, value) in &tag.attributes {
            assert!(!name.starts_with("on") && name != "src" && !value.contains("url("), "{name}={value}");
            assert!(name != "href" || value.starts_with('#'), "{name}={value}");
        }
    }
    let policy =
        html(&page).into_iter().find(|tag| tag.get("http-equiv") == "Content-Security-Policy").unwrap();
    let (start, end) = (page.find("<script>").unwrap() + 8, page.find("</script>").unwrap());
    let hash = <sha2::Sha256 as sha2::Digest>::digest(&page.as_bytes()[start..end]);
    let hash = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, hash);
    assert!(policy.get("content").starts_with("default-src 'none';"));
    assert!(policy.get("content").contains(&format!("script-src 'sha256-{hash}';")));
    let style = &page[page.find("<style>").unwrap()..page.find("</style>").unwrap()];
    assert!(!style.contains("url(") && !style.contains("@import") && !style.contains("http"));
    assert_eq!(page.matches("<script").count(), 1);
}

#[test]
fn a_page_can_be_read_without_seeing_it() {
    let page = Html.render(&fixture::report(0));
    let tags = html(&page);
    let count = |name: &str| tags.iter().filter(|tag| tag.name == name).count();
    assert_eq!((count("h1"), count("main"), count("nav")), (1, 1, 1));
    assert_eq!(count("table"), count("caption"));
    assert!(count("svg") > 20);
    assert!(tags.iter().filter(|tag| tag.name == "svg").all(|tag| tag.get("role") == "img"));
    assert_eq!((count("desc"), count("svg")), (count("svg"), page.matches("role=\"img\"><title>").count()));
    assert!(tags.iter().filter(|tag| tag.name == "th").all(|tag| !tag.get("scope").is_empty()));
    for tag in tags.iter().filter(|tag| tag.name == "a") {
        let target = tag.get("href").trim_start_matches('#');
        assert!(tags.iter().any(|other| other.get("id") == target), "{target}");
    }
    assert!(page.contains("<bdi lang=\"ar\">روسيا اليوم</bdi>"));
}

#[test]
fn what_is_undefined_or_rests_on_few_is_said_in_words() {
    let empty = fixture::empty();
    for form in [&Html as &dyn Render, &Comment, &Summary] {
        let rendered = form.render(&empty);
        // The settings have zeros of their own.
        let rendered = rendered.split("<pre>").next().unwrap_or_default();
        assert!(rendered.contains("macro-F1 is undefined"), "{}", form.name());
        for zero in ["0.000", "NaN", "inf", ">0.0<"] {
            assert!(!rendered.contains(zero), "{}: {zero}", form.name());
        }
    }
    let report = fixture::report(0);
    // A part of 12 examples has no figure in any report, one of 31 has.
    let page = Html.render(&report);
    let row = |name: &str| {
        let start = page.find(&format!("<bdi>{name}</bdi></th>")).unwrap();
        page[start..].split("</tr>").next().unwrap_or_default()
    };
    let few = row("300 words and more");
    assert_eq!((few.matches("too few").count(), few.matches("data-v").count()), (4, 1), "{few}");
    assert_eq!(row("under 50 words").matches("too few").count(), 0);
    let summary = Summary.render(&report);
    let line = summary.lines().find(|line| line.contains("300 words and more")).unwrap();
    assert!(line.ends_with("| 12 | too few | too few |"), "{line}");
}

// ---- SVG

#[test]
fn a_plot_is_xml_with_a_title_and_marks_only_what_has_a_value() {
    let plot = svg::intervals("Shares <&>", &rows());
    let tags = xml(&plot);
    let count = |name: &str| tags.iter().filter(|tag| tag.name == name).count();
    // Two values, and two hollow marks of a ground and a ring each.
    assert_eq!(count("circle"), 6);
    assert!(plot.contains("<title>Shares &lt;&amp;&gt;</title>") && plot.contains("undefined"));
    assert!(plot.contains("favor: 0.300 (0.200 to 0.400), naively 0.450; \u{0645}"), "{plot}");
    assert!(tags[0].get("width").is_empty() && !tags[0].get("viewBox").is_empty());
    let file = svg::standalone(&plot);
    // A style and the title as text.
    assert_eq!(xml(&file).len(), tags.len() + 2);
    assert!(file.contains(">Shares &lt;&amp;&gt;</text>"));
    assert!(file.contains("prefers-color-scheme:dark"));
}

#[test]
fn every_colour_of_a_plot_is_mapped() {
    let page = Html.render(&fixture::report(0));
    let mut colours: Vec<String> = Vec::new();
    for tag in html(&page) {
        for name in ["fill", "stroke"] {
            let value = tag.get(name);
            if !value.is_empty() && value != "none" {
                colours.push(format!("[{name}=\"{value}\"]"));
            }
        }
    }
    colours.sort();
    colours.dedup();
    assert!(colours.len() > 8, "{colours:?}");
    for colour in colours {
        assert!(svg::COLOUR_RULES.contains(&colour), "{colour}");
    }
}

#[test]
fn documents_that_do_not_fit_together_are_rendered_too() {
    let mut report = fixture::report(2);
    let axis = &mut report.evaluation.axes[0];
    axis.confusion = vec![vec![u64::MAX; 7], vec![], vec![1]];
    axis.figures.classes.clear();
    axis.axis.polar.truncate(1);
    axis.figures.macro_f1.value = Some(f64::NAN);
    axis.figures.accuracy.low = Some(f64::INFINITY);
    axis.slices[0].figures.macro_f1.value = Some(f64::NEG_INFINITY);
    axis.slices[1].figures.macro_f1 = fixture::figure(1e300, 1e300, 100);
    axis.learning_curve[0].n = usize::MAX;
    axis.c = vec![f64::NAN];
    for form in all() {
        assert!(!form.render(&report).is_empty(), "{}", form.name());
    }
    assert!(Html.render(&report).contains("undefined"));
}

fn numbers() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(prop::num::f64::ANY, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_is_markdown(text in r"([@#<>\[\]()!|`*_~$:/.\\&;\n -]|www\.|https://|a@b\.cd|GH-1|[a-z0-9]{1,8}|\PC|[\x{200e}-\x{202f}\x{2060}-\x{2069}]|\pC){0,20}") {
        holds(&text);
    }

    #[test]
    fn any_finite_figure_is_read_back_exactly(
        values in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO, 3),
        text in any::<String>(),
    ) {
        let mut report = fixture::report(2);
        let axis = &mut report.evaluation.axes[0];
        axis.figures.macro_f1 = kzstance::evaluate::figures::Figure {
            value: Some(values[0]), low: Some(values[1]), high: Some(values[2]), n: 3, note: Some(text.clone()),
        };
        axis.predictions[0].probabilities.clone_from(&values);
        axis.predictions[1].id = text;
        prop_assert_eq!(read_back(&Json.render(&report)).unwrap(), report.evaluation);
    }

    #[test]
    fn any_number_can_be_drawn(x in numbers(), y in numbers(), label in any::<String>()) {
        let both = || x.iter().zip(&y);
        let rows: Vec<IntervalRow> = both()
            .map(|(&x, &y)| IntervalRow { label: label.clone(), value: Some(x), low: Some(y), high: Some(x), emphasis: x > 0.0, naive: Some(y) })
            .collect();
        let bins: Vec<Bin> = both().map(|(&x, &y)| Bin { n: x.to_bits() as usize, confidence: x, accuracy: y }).collect();
        let points = both().map(|(&x, &y)| Point { coverage: x, risk: y, threshold: x, kept: 1 }).collect();
        let risk = RiskCoverage { n: 1, aurc: None, excess_aurc: None, points };
        let curve = kzstance::evaluate::evaluation::ClassCurves {
            class: label.clone(),
            roc: both().map(|(&x, &y)| [x, y]).collect(),
            precision_recall: both().map(|(&x, &y)| [y, x]).collect(),
        };
        for plot in [
            svg::intervals(&label, &rows),
            svg::calibration(&label, &bins),
            svg::risk_coverage(&label, &risk),
            svg::roc(&label, &[curve.clone(), curve.clone()]),
            svg::precision_recall(&label, &[curve]),
        ] {
            prop_assert!(xml(&plot).len() > 3);
            prop_assert!(!plot.contains("NaN") || label.contains("NaN"));
        }
    }
}
