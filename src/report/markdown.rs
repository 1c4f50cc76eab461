//! An evaluation in Markdown as GitHub renders it: the summary of a build, and a comment on a change.
//!
//! What others wrote is set as code, with every ASCII punctuation mark as a character reference, so that
//! nothing in it is markup, and broken where GitHub would make a mention or a reference of it after
//! rendering. Where a report is too long, whole sections are left out, the last first, and named.

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::words::{self, Bit, Sentence, clipped, count, said};
use super::{Render, Report};
use crate::evaluate::evaluation::{AxisEvaluation, BesideKind, Slice};
use crate::evaluate::sample::ENOUGH;

/// `summary.md`: for `$GITHUB_STEP_SUMMARY`.
#[derive(Debug, Clone, Copy)]
pub struct Summary;

/// `comment.md`: for a pull request. Its first line is a mark by which the comment is found again.
#[derive(Debug, Clone, Copy)]
pub struct Comment;

/// GitHub takes summaries of 1 MiB.
pub const MOST_OF_SUMMARY: usize = 1_000_000;
/// GitHub takes comments of 65,536 UTF-16 units. UTF-8 has never fewer bytes than UTF-16 has units, so
/// bytes under this are units under it.
pub const MOST_OF_COMMENT: usize = 64_900;

impl Render for Summary {
    fn name(&self) -> &'static str {
        "summary.md"
    }

    fn render(&self, report: &Report) -> String {
        fit(String::new(), sections(report, 60), MOST_OF_SUMMARY)
    }
}

impl Render for Comment {
    fn name(&self) -> &'static str {
        "comment.md"
    }

    fn render(&self, report: &Report) -> String {
        fit(marker(&report.evaluation.corpus) + "\n", sections(report, 12), MOST_OF_COMMENT)
    }
}

/// The mark of the comments on a corpus.
pub fn marker(corpus: &str) -> String {
    let mut name = String::new();
    for byte in corpus.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' => name.push(char::from(byte)),
            // Two hyphens would end the mark.
            b'-' if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            _ => name += &format!("%{byte:02X}"),
        }
    }
    if name.len() > 100 || name.ends_with('-') {
        let digest: String =
            Sha256::digest(corpus.as_bytes()).iter().take(8).map(|b| format!("{b:02x}")).collect();
        name.truncate(80);
        name += &format!("_{digest}");
    }
    format!("<!-- kzstance-evaluation:{name} -->")
}

/// Words of others: what cannot become markup, a link, a mention or a reference, isolated in direction.
pub fn escape(text: &str) -> String {
    let mut out = String::from("<code>\u{2068}");
    for c in words::clean(text).chars() {
        match c {
            // GitHub looks for these in the rendered text; a word joiner behind them, which does not show,
            // keeps it from finding a name or a number.
            '@' | '#' => out += &format!("&#{};\u{2060}", u32::from(c)),
            c if c.is_ascii_punctuation() => out += &format!("&#{};", u32::from(c)),
            c => out.push(c),
        }
    }
    out + "\u{2069}</code>"
}

/// A sentence that may quote others, to be read as prose: as [`escape`], but not set as code. What GitHub
/// would take for the number of an issue or the name of a commit is broken by word joiners.
pub fn prose(text: &str) -> String {
    const JOINER: char = '\u{2060}';
    let mut out = String::from("\u{2068}");
    let mut hex = 0;
    for c in words::clean(text).chars() {
        hex = if c.is_ascii_hexdigit() { hex + 1 } else { 0 };
        if hex == 7 {
            out.push(JOINER);
            hex = 1;
        }
        if c.is_ascii_punctuation() {
            out += &format!("&#{};", u32::from(c));
        } else {
            out.push(c);
        }
        if matches!(c, '@' | '#' | '-' | ':') {
            out.push(JOINER);
        }
    }
    out + "\u{2069}"
}

fn sentence(bits: &Sentence) -> String {
    let bits = bits.iter().map(|bit| match bit {
        Bit::Said(text) => ours(text),
        Bit::Theirs(text) => escape(&clipped(text, 200)),
        Bit::Told(text) => prose(&clipped(text, 800)),
    });
    bits.collect()
}

/// Our own words: a sign in them is no markup.
fn ours(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' | '>' | '&' | '*' | '_' | '`' | '[' | ']' | '|' | '\\' | '~' | '@' | '#' | '!' => {
                out += &format!("&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// A part of a report that is kept or left out as a whole.
struct Section {
    name: String,
    body: String,
}

/// The sections that fit, in order, and a sentence on those that do not.
fn fit(mut out: String, sections: Vec<Section>, most: usize) -> String {
    // Room for the sentence at the end.
    let room = most.saturating_sub(2_000);
    let mut dropped: Vec<String> = Vec::new();
    for section in sections {
        // From the first that does not fit all are left out: figures without those before them mislead.
        if dropped.is_empty() && out.len() + section.body.len() < room {
            out += &section.body;
        } else {
            dropped.push(section.name);
        }
    }
    if !dropped.is_empty() {
        let (n, shown) = (dropped.len(), dropped.len().min(8));
        let more = if n > shown { format!(" and {} more", count(n - shown)) } else { String::new() };
        let names = dropped[..shown].join(", ");
        out +=
            &format!("\nLeft out for want of room: {names}{more}. The JSON and the page have everything.\n");
    }
    out
}

fn sections(report: &Report, most_rows: usize) -> Vec<Section> {
    let evaluation = &report.evaluation;
    let mut head = format!("## Evaluation of {}\n\n", escape(&clipped(&evaluation.corpus, 80)));
    if let Some(target) = &evaluation.target {
        head += &format!("Stance toward {}. ", escape(&clipped(target, 120)));
    }
    head += &format!("{}: {}.\n", several_examples(evaluation.n), ours(&words::gate_status(&report.gates)));
    let mut out = vec![Section { name: "heading".into(), body: head }];
    if !report.gates.is_empty() {
        out.push(Section { name: "gates".into(), body: gates(report, most_rows) });
    }
    // What each axis comes to stands before the details of any.
    for found in &evaluation.axes {
        let name = words::axis_name(found);
        let mut body = format!("\n### {}\n\n", sentence(&name));
        for claim in words::claims(evaluation, found) {
            body += &format!("- {}\n", sentence(&claim));
        }
        out.push(named(found, "what can be claimed", body));
    }
    for (axis, mean) in &evaluation.mean_semeval_f {
        let body = format!(
            "\n{}: mean F of the polar classes over the targets {}.\n",
            escape(&clipped(axis, 80)),
            words::number(*mean)
        );
        out.push(Section { name: "mean over targets".into(), body });
    }
    for found in &evaluation.axes {
        out.push(named(found, "figures", figures(found)));
        out.push(named(found, "classes", classes(found)));
        out.push(named(found, "confusion", confusion(found)));
        if !found.beside.is_empty() {
            out.push(named(found, "random folds, dates and baselines", beside(found, most_rows)));
        }
        if !found.origins.is_empty() {
            out.push(named(found, "origins", origins(found, most_rows)));
        }
        out.push(named(found, "abstentions", abstentions(found)));
    }
    for found in &evaluation.axes {
        if !found.worst.is_empty() {
            out.push(named(found, "worst errors", worst(found, most_rows)));
        }
    }
    for found in &evaluation.axes {
        let mut ways: Vec<&str> = Vec::new();
        for slice in &found.slices {
            if !ways.contains(&slice.by.as_str()) {
                ways.push(&slice.by);
            }
        }
        for by in ways {
            out.push(named(found, &format!("by {}", escape(&clipped(by, 30))), slices(found, by, most_rows)));
        }
    }
    let mut body = details_start("How it was measured");
    for (name, told) in words::method(evaluation).iter().take(60) {
        body += &format!("- {name}: {}\n", sentence(told));
    }
    out.push(Section { name: "how it was measured".into(), body: body + DETAILS_END });
    out
}

fn several_examples(n: usize) -> String {
    words::several(n, "example")
}

fn named(found: &AxisEvaluation, what: &str, body: String) -> Section {
    let target = found.target.as_ref().map(|target| format!(" toward {}", escape(&clipped(target, 30))));
    let name = format!("{}{}: {}", escape(&clipped(&found.axis.name, 30)), target.unwrap_or_default(), what);
    Section { name, body }
}

/// A heading inside an axis, which names the axis again: sections may stand far from its own heading.
fn title(found: &AxisEvaluation, what: &str) -> String {
    format!("{}: {}", sentence(&words::axis_name(found)), what)
}

const DETAILS_END: &str = "\n</details>\n";

/// The start of what is folded away. An empty line must follow for Markdown to be read inside.
fn details_start(summary: &str) -> String {
    format!("\n<details><summary>{summary}</summary>\n\n")
}

/// A table. Cells are Markdown already; the columns of numbers are set to the right.
fn table(header: &[String], rows: &[Vec<String>], numbers: Range<usize>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule = (0..header.len()).map(|at| if numbers.contains(&at) { "--:" } else { "---" }.to_owned());
    let rule: Vec<String> = rule.collect();
    line(header) + &line(&rule) + &rows.iter().map(|row| line(row)).collect::<String>()
}

fn header(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// What is not in a table that would be too long.
fn more(all: usize, shown: usize, what: &str) -> String {
    if all > shown {
        format!("\n{} more {what} are in the JSON.\n", count(all - shown))
    } else {
        String::new()
    }
}

fn gates(report: &Report, most: usize) -> String {
    let rows: Vec<Vec<String>> = words::failed_first(&report.gates)
        .into_iter()
        .take(most)
        .map(|gate| {
            let state = if gate.passed { "passed" } else { "**failed**" };
            vec![state.into(), escape(&clipped(&gate.expression, 200)), prose(&clipped(&gate.message, 300))]
        })
        .collect();
    let told = more(report.gates.len(), rows.len(), "gates");
    format!("\n{}{told}", table(&header(&["gate", "asked", "found"]), &rows, 0..0))
}

fn figures(found: &AxisEvaluation) -> String {
    let rows: Vec<Vec<String>> = words::rows(found, &found.figures)
        .into_iter()
        .map(|row| {
            let value = words::value(row.figure);
            vec![
                row.name.into(),
                value,
                words::interval(row.figure),
                count(row.figure.n),
                sentence(&row.about),
            ]
        })
        .collect();
    let header = header(&["figure", "value", "interval", "n", ""]);
    format!("\n#### {}\n\n{}", title(found, "figures"), table(&header, &rows, 1..4))
}

fn classes(found: &AxisEvaluation) -> String {
    let rows: Vec<Vec<String>> = found
        .figures
        .classes
        .iter()
        .map(|class| {
            let mut row = vec![escape(&clipped(&class.class, 60)), count(class.n), count(class.predicted)];
            let figures = [&class.precision, &class.recall, &class.f1, &class.auc, &class.average_precision];
            row.extend(figures.map(|figure| ours(&words::whole(figure))));
            row
        })
        .collect();
    let names = header(&["class", "n", "decided", "precision", "recall", "F1", "AUC", "average precision"]);
    format!("\n#### {}\n\n{}", title(found, "classes"), table(&names, &rows, 1..8))
}

fn confusion(found: &AxisEvaluation) -> String {
    let classes = &found.axis.classes;
    let mut names = vec!["by hand ↓, decided →".to_owned()];
    names.extend(classes.iter().map(|class| escape(&clipped(class, 60))));
    let rows: Vec<Vec<String>> = classes
        .iter()
        .zip(&found.confusion)
        .map(|(class, counts)| {
            let sum: u64 = counts.iter().fold(0, |sum, n| sum.saturating_add(*n));
            let mut row = vec![escape(&clipped(class, 60))];
            row.extend(counts.iter().take(classes.len()).map(|&n| {
                if sum == 0 {
                    count(n)
                } else {
                    format!("{} ({})", count(n), words::percent(n as f64 / sum as f64))
                }
            }));
            row.resize(classes.len() + 1, String::new());
            row
        })
        .collect();
    format!("\n#### {}\n\n{}", title(found, "confusion"), table(&names, &rows, 1..names.len()))
}

fn beside(found: &AxisEvaluation, most: usize) -> String {
    let mut rows = vec![vec![
        "**the model**".into(),
        count(found.figures.n),
        ours(&words::whole(&found.figures.macro_f1)),
        String::new(),
        String::new(),
    ]];
    rows.extend(found.beside.iter().take(most).map(|beside| {
        let kind = match beside.kind {
            BesideKind::Random | BesideKind::Temporal => " folds",
            BesideKind::Baseline => "",
        };
        vec![
            escape(&clipped(&beside.name, 60)) + kind,
            count(beside.figures.n),
            ours(&words::whole(&beside.figures.macro_f1)),
            words::gap(beside).map_or_else(|| "undefined".into(), |gap| ours(&words::difference(gap))),
            words::verdict_words(beside).into(),
        ]
    }));
    let names = header(&["judged by", "n", "macro-F1", "difference", "verdict"]);
    let told = more(found.beside.len() + 1, rows.len(), "judges");
    format!(
        "\n#### {}\n\n{}{told}",
        title(found, "random folds, dates and baselines"),
        table(&names, &rows, 1..4)
    )
}

fn origins(found: &AxisEvaluation, most: usize) -> String {
    let (own, others) = words::own_and_others(found);
    let all: Vec<_> = own.into_iter().chain(others).collect();
    let figure = |figure: Option<&crate::evaluate::figures::Figure>| {
        figure.map_or_else(|| "—".into(), |figure| ours(&words::whole(figure)))
    };
    let rows: Vec<Vec<String>> = all
        .iter()
        .take(most)
        .map(|origin| {
            let figures = &origin.figures;
            vec![
                sentence(&vec![words::origin_name(&origin.origin)]),
                escape(&clipped(&origin.model, 60)),
                count(figures.n),
                figure(figures.auc_sided.as_ref()),
                figure(figures.auc_direction.as_ref()),
                figure(figures.semeval_f.as_ref()),
                figure(Some(&figures.macro_f1)),
            ]
        })
        .collect();
    let names = header(&[
        "origin",
        "judged by",
        "n",
        "AUC, sided or not",
        "AUC, which side",
        "F of polar classes",
        "macro-F1",
    ]);
    let told = more(all.len(), rows.len(), "rows");
    format!("\n#### {}\n\n{}{told}", title(found, "origins"), table(&names, &rows, 2..7))
}

fn abstentions(found: &AxisEvaluation) -> String {
    let part = |part: &crate::evaluate::risk::Part| match part.accuracy {
        Some(accuracy) => format!("{}, accuracy {}", count(part.n), words::number(accuracy)),
        None => count(part.n),
    };
    let found_here = &found.abstentions;
    let mut bits = vec![said(format!(
        "Kept {}; abstained from {}",
        part(&found_here.kept),
        part(&found_here.abstained)
    ))];
    for (place, (reason, of)) in found_here.reasons.iter().take(12).enumerate() {
        bits.push(said(if place == 0 { ": " } else { "; " }));
        bits.push(Bit::Theirs(reason.clone()));
        bits.push(said(format!(" {}", part(of))));
    }
    format!("\n#### {}\n\n{}.\n", title(found, "abstentions"), sentence(&bits))
}

fn slices(found: &AxisEvaluation, by: &str, most: usize) -> String {
    let mut of: Vec<&Slice> = found.slices.iter().filter(|slice| slice.by == by).collect();
    of.sort_by_key(|slice| std::cmp::Reverse(slice.figures.n));
    let rows: Vec<Vec<String>> = of
        .iter()
        .take(most)
        .map(|slice| {
            let n = slice.figures.n;
            let accuracy =
                if n < ENOUGH { "too few".into() } else { ours(&words::whole(&slice.figures.accuracy)) };
            vec![escape(&clipped(&slice.name, 60)), count(n), ours(&words::of_part(&slice.figures)), accuracy]
        })
        .collect();
    let told = more(of.len(), rows.len(), "parts");
    let summary = format!("{}: by {}", sentence(&words::axis_name(found)), escape(&clipped(by, 60)));
    let names = header(&["", "n", "macro-F1", "accuracy"]);
    format!("{}{}{told}{DETAILS_END}", details_start(&summary), table(&names, &rows, 1..4))
}

fn worst(found: &AxisEvaluation, most: usize) -> String {
    let rows: Vec<Vec<String>> = found
        .worst
        .iter()
        .take(most)
        .map(|error| {
            let evidence: Vec<String> = error
                .evidence
                .iter()
                .take(5)
                .map(|(term, weight)| format!("{} {}", escape(&clipped(term, 40)), words::signed(*weight)))
                .collect();
            vec![
                escape(&clipped(&error.id, 80)),
                error.outlet.as_deref().map_or_else(|| "—".into(), |outlet| escape(&clipped(outlet, 60))),
                escape(&clipped(&error.truth, 40)),
                format!("{} {}", escape(&clipped(&error.predicted, 40)), words::percent(error.probability)),
                evidence.join(", "),
            ]
        })
        .collect();
    let told = more(found.worst.len(), rows.len(), "errors");
    let names = header(&["id", "outlet", "by hand", "decided", "words of most weight"]);
    let summary = format!("{}: the errors that were surest", sentence(&words::axis_name(found)));
    format!("{}{}{told}{DETAILS_END}", details_start(&summary), table(&names, &rows, 0..0))
}
