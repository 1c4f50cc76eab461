//! An evaluation as one page that opens from disk, with its styles, plots and one small script inside.
//!
//! Nothing is fetched, and a content security policy says so. The page reads as a printed report: what can
//! be claimed first, then each axis, then how it was measured.

use base64::Engine;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::svg::{self, IntervalRow};
use super::words::{self, Bit, Sentence, clipped, count, is_arabic, percent};
use super::{Render, Report};
use crate::evaluate::evaluation::{
    AxisEvaluation, BesideKind, CrossTable, CurvePoint, OriginCurvePoint, OriginEvaluation, Slice, WorstError,
};
use crate::evaluate::figures::{Figure, Figures};
use crate::evaluate::risk::{Part, at_coverage};
use crate::evaluate::sample::ENOUGH;
use crate::label::Axis;

/// `report.html`.
#[derive(Debug, Clone, Copy)]
pub struct Html;

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// Most rows of a plot; the table beside it has all.
const MOST_PLOTTED: usize = 24;
/// From so many rows on a table is folded away.
const LONG: usize = 12;

impl Render for Html {
    fn name(&self) -> &'static str {
        "report.html"
    }

    fn render(&self, report: &Report) -> String {
        let title = format!("{}: evaluation", clipped(&report.evaluation.corpus, 120));
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy());
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="referrer" content="no-referrer";
                    title { (title) }
                    style { (PreEscaped(style())) }
                }
                body {
                    (head(report))
                    main { (main(report)) }
                    footer { p { "Made by " (theirs(&report.evaluation.program)) ". This page fetches nothing." } }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        page.into_string() + "\n"
    }
}

/// What the page may do: show its own styles and run its own script, known by its hash.
fn policy() -> String {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(SCRIPT.as_bytes()));
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
}

fn style() -> String {
    let (light, dark) = (svg::LIGHT, svg::DARK);
    format!(
        ":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}\n:root[data-theme=dark]{{{dark}}}\n@media print{{:root,:root:not([data-theme=light]){{{light}}}}}\n{STYLE}{}",
        svg::COLOUR_RULES
    )
}

/// Words of others.
fn theirs(text: &str) -> Markup {
    html! { bdi lang=[is_arabic(text).then_some("ar")] { (clipped(text, 300)) } }
}

fn sentence(bits: &Sentence) -> Markup {
    html! {
        @for bit in bits {
            @match bit {
                Bit::Said(text) => (text),
                Bit::Theirs(text) => (theirs(text)),
                // Mostly English whatever it quotes.
                Bit::Told(text) => bdi { (clipped(text, 2000)) },
            }
        }
    }
}

/// A class's or an axis's name in a sentence that is put together as text.
fn plain(bits: &Sentence) -> String {
    let text = bits.iter().map(|bit| match bit {
        Bit::Said(text) => text.clone(),
        Bit::Theirs(text) | Bit::Told(text) => clipped(text, 120),
    });
    text.collect()
}

fn is_word(text: &str) -> bool {
    !text.contains(|c: char| c.is_ascii_digit())
}

/// A value with its interval below it, in a table.
fn cell(figure: &Figure) -> Markup {
    let (value, interval) = (words::value(figure), words::interval(figure));
    html! {
        td.n data-v=[figure.value] {
            span.word[is_word(&value)] { (value) }
            @if !interval.is_empty() { span.under { (interval) } }
        }
    }
}

fn optional_cell(figure: Option<&Figure>) -> Markup {
    html! {
        @if let Some(figure) = figure { (cell(figure)) }
        @else { td.n { span.word { "not of this axis" } } }
    }
}

/// The cell of a part of the examples: of few it says so.
fn part_cell(figure: &Figure, n: usize) -> Markup {
    if n < ENOUGH {
        html! { td.n { span.word { "too few" } } }
    } else {
        cell(figure)
    }
}

fn n_cell(n: impl TryInto<u64> + Copy) -> Markup {
    html! { td.n data-v=(n.try_into().unwrap_or(u64::MAX)) { (count(n)) } }
}

/// What may be wider than a phone scrolls by itself, by keyboard too.
fn scroll(label: &str, table: Markup) -> Markup {
    html! { div.scroll tabindex="0" role="region" aria-label=(label) { (table) } }
}

fn head_row(names: &[&str], numeric_from: usize) -> Markup {
    html! {
        thead { tr {
            @for (place, name) in names.iter().enumerate() {
                th.n[place >= numeric_from] scope="col" { (name) }
            }
        } }
    }
}

fn figure(svg: &str, caption: Markup) -> Markup {
    html! { figure { (PreEscaped(svg)) figcaption { (caption) } } }
}

/// Folds away what is long.
fn folded(long: bool, summary: &str, content: Markup) -> Markup {
    if long {
        html! { details { summary { (summary) } (content) } }
    } else {
        content
    }
}

fn head(report: &Report) -> Markup {
    let evaluation = &report.evaluation;
    html! {
        header {
            h1 { "Evaluation of " (theirs(&evaluation.corpus)) }
            p.sub {
                @if let Some(target) = &evaluation.target { "Stance toward " (theirs(target)) " · " }
                (words::several(evaluation.n, "example"))
                @if evaluation.left_out > 0 { " · " (count(evaluation.left_out)) " left out" }
            }
        }
        nav aria-label="Contents" {
            @if !report.gates.is_empty() { a href="#gates" { "Gates" } }
            @for (place, found) in evaluation.axes.iter().enumerate() {
                a href=(format!("#axis-{place}")) { (sentence(&words::axis_name(found))) }
            }
            @if evaluation.stance_by_sentiment.is_some() { a href="#cross" { "Stance by sentiment" } }
            a href="#method" { "How it was measured" }
        }
    }
}

fn main(report: &Report) -> Markup {
    let evaluation = &report.evaluation;
    html! {
        section.verdict aria-label="What can be claimed" {
            p.status { (gate_status(report)) }
            @for (place, found) in evaluation.axes.iter().enumerate() { (claim(report, place, found)) }
            @for (axis, mean) in &evaluation.mean_semeval_f {
                p { (theirs(axis)) ": mean F of the polar classes over the targets " (words::number(*mean)) "." }
            }
            @if evaluation.axes.is_empty() { p { "No axis was judged, so nothing can be claimed." } }
        }
        @if !report.gates.is_empty() { (gates(report)) }
        @for (place, found) in evaluation.axes.iter().enumerate() { (axis(place, found)) }
        @if let Some(cross) = &evaluation.stance_by_sentiment { (cross_table(cross)) }
        (method(report))
    }
}

fn gate_status(report: &Report) -> Markup {
    let failed = report.gates.iter().any(|gate| !gate.passed);
    let told = words::gate_status(&report.gates);
    html! {
        @if report.gates.is_empty() { (told) "." }
        @else if failed { strong.failed { "✗ " (told) "." } }
        @else { strong.passed { "✓ " (told) "." } }
    }
}

fn claim(report: &Report, place: usize, found: &AxisEvaluation) -> Markup {
    let figure = &found.figures.macro_f1;
    let (value, interval) = (words::value(figure), words::interval(figure));
    html! {
        div.claim {
            div.key {
                div.axisname { a href=(format!("#axis-{place}")) { (sentence(&words::axis_name(found))) } }
                div.big.word[is_word(&value)] { (value) }
                div {
                    "macro-F1"
                    @if !interval.is_empty() { ", " (interval) }
                    br;
                    "n = " (count(found.figures.n))
                }
            }
            div { @for claim in words::claims(&report.evaluation, found) { p { (sentence(&claim)) } } }
        }
    }
}

fn gates(report: &Report) -> Markup {
    let table = html! {
        table.wide {
            caption { "What was asked of this evaluation, and what was found" }
            (head_row(&["Gate", "Asked", "Found", "Stands in"], 9))
            tbody {
                @for gate in words::failed_first(&report.gates) {
                    tr {
                        td {
                            @if gate.passed { span.badge.passed { "✓ passed" } }
                            @else { span.badge.failed { "✗ failed" } }
                        }
                        td { (theirs(&gate.expression)) }
                        td { (theirs(&gate.message)) }
                        td { @if let Some(place) = words::place(gate) { (theirs(&place)) } }
                    }
                }
            }
        }
    };
    html! { section.plain #gates { h2 { "Gates" } (scroll("Gates", table)) } }
}

fn axis(place: usize, found: &AxisEvaluation) -> Markup {
    let name = plain(&words::axis_name(found));
    html! {
        section.axis id=(format!("axis-{place}")) aria-label=(name) {
            h2 { (sentence(&words::axis_name(found))) }
            p { "Held out: " (sentence(&vec![words::told(&found.folds)])) "." }
            h3 { "Figures" }
            (figures_table(found))
            h3 { "Classes" }
            (class_table(found))
            h3 { "Confusion" }
            (confusion(&found.axis, &found.axis, &found.confusion, ["By hand", "decided"]))
            (curves(&name, found))
            @if !found.beside.is_empty() { (beside(&name, found)) }
            @if !found.origins.is_empty() { (origins(found)) }
            @if !found.probes.is_empty() { (probes(found)) }
            @if !found.origin_curves.is_empty() { (origin_curves(&found.origin_curves)) }
            (slices(&name, found))
            (abstentions(found))
            @if !found.learning_curve.is_empty() { (learning_curve(&name, &found.learning_curve)) }
            @if !found.worst.is_empty() { (worst(found)) }
        }
    }
}

fn figures_table(found: &AxisEvaluation) -> Markup {
    let rows = words::rows(found, &found.figures);
    let table = html! {
        table {
            caption { "All figures over the pooled held-out decisions" }
            thead { tr {
                th scope="col" { "Figure" }
                th.n scope="col" { "Value" }
                th.n scope="col" { "Interval" }
                th.n scope="col" { "n" }
                th scope="col" { "What it is" }
            } }
            tbody {
                @for row in &rows {
                    tr {
                        th scope="row" { (row.name) }
                        @let value = words::value(row.figure);
                        td.n { span.word[is_word(&value)] { (value) } }
                        td.n.iv { (words::interval(row.figure)) }
                        td.n { (count(row.figure.n)) }
                        td.about { (sentence(&row.about)) }
                    }
                }
            }
        }
    };
    scroll("Figures", table)
}

fn class_table(found: &AxisEvaluation) -> Markup {
    let names = ["Class", "n", "Decided", "Precision", "Recall", "F1", "AUC", "Average precision"];
    let table = html! {
        table.wide {
            caption { "Each class against the rest; intervals below the values" }
            (head_row(&names, 1))
            tbody {
                @for class in &found.figures.classes {
                    tr {
                        th scope="row" { (theirs(&class.class)) }
                        (n_cell(class.n)) (n_cell(class.predicted))
                        (cell(&class.precision)) (cell(&class.recall)) (cell(&class.f1))
                        (cell(&class.auc)) (cell(&class.average_precision))
                    }
                }
            }
        }
    };
    scroll("Classes", table)
}

/// Counts of two axes, darker by their share of the row.
fn confusion(rows: &Axis, columns: &Axis, counts: &[Vec<u64>], names: [&str; 2]) -> Markup {
    let same = rows.classes == columns.classes;
    let table = html! {
        table.heat {
            caption { (names[0]) " in rows, " (names[1]) " in columns; shares are of the row" }
            thead { tr {
                td {}
                @for class in &columns.classes { th.n scope="col" style="text-align:center" { (theirs(class)) } }
            } }
            tbody {
                @for (row, (class, counts)) in rows.classes.iter().zip(counts).enumerate() {
                    @let sum: u64 = counts.iter().fold(0, |sum, n| sum.saturating_add(*n));
                    tr {
                        th scope="row" { (theirs(class)) }
                        @for (column, &n) in counts.iter().take(columns.classes.len()).enumerate() {
                            @let share = (sum > 0).then(|| n as f64 / sum as f64);
                            td.right[same && row == column] style=[share.map(|share| format!("--s:{share:.3}"))] {
                                (count(n))
                                span.under { (share.map_or_else(|| "none there".into(), percent)) }
                            }
                        }
                    }
                }
            }
        }
    };
    scroll("Confusion", table)
}

fn curves(name: &str, found: &AxisEvaluation) -> Markup {
    let surest = |share: f64| {
        let point = at_coverage(&found.risk.points, share);
        point.map_or_else(|| "undefined".into(), |point| words::number(point.risk))
    };
    html! {
        h3 { "What the probabilities are worth" }
        div.plots {
            @if found.reliability.is_empty() {
                p.note { "There are no probabilities, so nothing can be said of their calibration." }
            } @else {
                (figure(&svg::calibration(&format!("{name}: calibration"), &found.reliability), html! {
                    b { "Calibration." } " On the dashed line a probability is what comes true. The area of a dot is its number of examples. Expected error " (words::whole(&found.figures.ece)) "."
                }))
            }
            @if found.risk.points.is_empty() {
                p.note { "No decision was judged, so there is no risk-coverage curve." }
            } @else {
                (figure(&svg::risk_coverage(&format!("{name}: risk and coverage"), &found.risk), html! {
                    b { "Risk and coverage." } " The error among the surest quarter is " (surest(0.25)) ", half " (surest(0.5)) ", three quarters " (surest(0.75)) ", all " (surest(1.0)) " (dashed)."
                }))
            }
            @if found.curves.is_empty() {
                p.note { "ROC and precision-recall curves are undefined: no class has examples in and outside it." }
            } @else {
                (figure(&svg::roc(&format!("{name}: ROC curves"), &found.curves), html! {
                    b { "ROC." } " Each class against the rest; the diagonal is chance."
                }))
                (figure(&svg::precision_recall(&format!("{name}: precision-recall curves"), &found.curves), html! {
                    b { "Precision and recall." } " Each class against the rest; chance is the class's share."
                }))
            }
        }
    }
}

fn beside(name: &str, found: &AxisEvaluation) -> Markup {
    let random = words::of_kind(found, BesideKind::Random).next();
    let model = IntervalRow {
        emphasis: true,
        naive: random.and_then(|random| random.figures.macro_f1.value),
        ..IntervalRow::of("the model", &found.figures.macro_f1)
    };
    let others = found.beside.iter().filter(|beside| beside.kind != BesideKind::Random);
    let others =
        others.map(|beside| IntervalRow::of(label(&beside.name, beside.kind), &beside.figures.macro_f1));
    let rows: Vec<IntervalRow> = std::iter::once(model).chain(others).take(MOST_PLOTTED).collect();
    let table = html! {
        table.wide.sortable {
            caption { "Macro-F1 of others on the same examples; differences are theirs minus the model's, resampled together" }
            thead { tr {
                th scope="col" { "Judged by" }
                th.n scope="col" { "n" }
                th.n scope="col" { "Macro-F1" }
                th.n scope="col" { "Difference" }
                th scope="col" { "Verdict" }
                th scope="col" { "What it does" }
            } }
            tbody {
                tr.main {
                    th scope="row" { "the model" }
                    (n_cell(found.figures.n)) (cell(&found.figures.macro_f1)) td {} td {} td {}
                }
                @for beside in &found.beside {
                    tr {
                        th scope="row" {
                            (theirs(&beside.name))
                            @if beside.kind != BesideKind::Baseline { " folds" }
                        }
                        (n_cell(beside.figures.n)) (cell(&beside.figures.macro_f1))
                        @match words::gap(beside) {
                            Some(gap) => td.n data-v=[gap.value] {
                                @match gap.value {
                                    Some(value) => (words::signed(value)),
                                    None => span.word { (words::value(gap)) },
                                }
                                @match (gap.low, gap.high) {
                                    (Some(low), Some(high)) => span.under { (words::signed(low)) " to " (words::signed(high)) },
                                    _ => span.under { (words::interval(gap)) },
                                }
                            },
                            None => td.n { span.word { "undefined" } },
                        }
                        td { (words::verdict_words(beside)) }
                        td.about { (theirs(&beside.about)) }
                    }
                }
            }
        }
    };
    html! {
        h3 { "Random folds, dates and baselines" }
        figure.one {
            (PreEscaped(svg::intervals(&format!("{name}: macro-F1 of the model and of others on the same examples"), &rows)))
            figcaption {
                b { "Macro-F1 with intervals." } " The dashed line is the model."
                @if random.is_some() { " The hollow mark is what random folds would say of it." }
            }
        }
        (scroll("Random folds, dates and baselines", table))
    }
}

fn label(name: &str, kind: BesideKind) -> String {
    match kind {
        BesideKind::Random | BesideKind::Temporal => format!("{} folds", clipped(name, 60)),
        BesideKind::Baseline => clipped(name, 60),
    }
}

/// The head of tables of [`origin_row`].
fn origin_head(first: &str, axis: &Axis) -> Markup {
    let mut names = vec![first.to_owned(), "n".into()];
    if let [one, other] = axis.polar.as_slice() {
        names.extend([
            "AUC, sided or not".into(),
            format!("AUC, {} or {}", words::isolated(one, 40), words::isolated(other, 40)),
        ]);
        names.push("F of polar classes".into());
    }
    names.push("Macro-F1".into());
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    head_row(&names, 1)
}

fn origin_row(name: Markup, figures: &Figures, axis: &Axis) -> Markup {
    html! {
        tr {
            th scope="row" { (name) }
            (n_cell(figures.n))
            @if axis.polar.len() == 2 {
                (optional_cell(figures.auc_sided.as_ref()))
                (optional_cell(figures.auc_direction.as_ref()))
                (optional_cell(figures.semeval_f.as_ref()))
            }
            (cell(&figures.macro_f1))
        }
    }
}

fn origins(found: &AxisEvaluation) -> Markup {
    let (own, others) = words::own_and_others(found);
    let name = |origin: &OriginEvaluation| sentence(&vec![words::origin_name(&origin.origin)]);
    let table = html! {
        table.wide {
            caption { "Each origin judged by a model that was not trained on it" }
            (origin_head("Origin", &found.axis))
            tbody {
                @for origin in &own {
                    (origin_row(name(origin), &origin.figures, &found.axis))
                    @if let Some(sure) = &origin.sure {
                        (origin_row(html! { span.about { "— surer labels" } }, sure, &found.axis))
                    }
                }
            }
        }
    };
    html! {
        h3 { "Origins" }
        (scroll("Origins", table))
        @for origin in &own {
            p.note {
                (name(origin)) ": " (sentence(&vec![words::told(&origin.held_out)]))
                @if let Some((sided, n)) = origin.off_target {
                    "; off target, " (count(sided)) " of " (count(n)) " were given a side"
                }
                "."
            }
        }
        @if !others.is_empty() {
            (scroll("Origins, judged otherwise", html! {
                table.wide {
                    caption { "The same articles, judged otherwise" }
                    (origin_head("Judged by", &found.axis))
                    tbody {
                        @for origin in &others {
                            @let by = html! { (name(origin)) ", " (theirs(&origin.model)) };
                            (origin_row(by, &origin.figures, &found.axis))
                        }
                    }
                }
            }))
        }
    }
}

fn probes(found: &AxisEvaluation) -> Markup {
    let table = html! {
        table.wide {
            caption { "What gives the labels of authored passages away: all trained on authored passages alone" }
            (origin_head("Judged by", &found.axis))
            tbody { @for probe in &found.probes { (origin_row(theirs(&probe.model), &probe.figures, &found.axis)) } }
        }
    };
    html! {
        h3 { "Probes" }
        (scroll("Probes", table))
        @if let Some(probe) = found.probes.first() {
            p.note { "Held out: " (sentence(&vec![words::told(&probe.held_out)])) "." }
        }
    }
}

fn origin_curves(points: &[OriginCurvePoint]) -> Markup {
    let value = |value: Option<f64>| cell(&Figure { value, n: usize::MAX, note: None, ..Figure::default() });
    let bare = |of: Option<f64>| match of {
        Some(of) => html! { td.n { (words::number(of)) } },
        None => value(None),
    };
    let table = html! {
        table.wide {
            caption { "Figures on press articles by the examples trained on; means over draws, so without intervals" }
            (head_row(&["Trained on", "About", "AUC, sided or not", "AUC, which side", "F of polar classes", "Macro-F1"], 1))
            tbody {
                @for point in points {
                    tr {
                        th scope="row" { (theirs(&point.drawn)) }
                        (n_cell(point.n))
                        (bare(point.auc_sided)) (bare(point.auc_direction)) (bare(point.semeval_f)) (bare(point.macro_f1))
                    }
                }
            }
        }
    };
    html! { h3 { "What more examples of an origin bring" } (scroll("Examples of an origin", table)) }
}

fn slices(name: &str, found: &AxisEvaluation) -> Markup {
    let mut ways: Vec<&str> = Vec::new();
    for slice in &found.slices {
        if !ways.contains(&slice.by.as_str()) {
            ways.push(&slice.by);
        }
    }
    html! { @for by in ways { (slice(name, by, found)) } }
}

fn slice(name: &str, by: &str, found: &AxisEvaluation) -> Markup {
    let parts: Vec<&Slice> = found.slices.iter().filter(|slice| slice.by == by).collect();
    let few = parts.iter().filter(|slice| slice.figures.n < ENOUGH).count();
    let mut enough: Vec<&Slice> = parts.iter().copied().filter(|slice| slice.figures.n >= ENOUGH).collect();
    if enough.len() > MOST_PLOTTED {
        enough.sort_by_key(|slice| std::cmp::Reverse(slice.figures.n));
    }
    let shown = enough.len().min(MOST_PLOTTED);
    let all = IntervalRow { emphasis: true, ..IntervalRow::of("all", &found.figures.macro_f1) };
    let rows = enough[..shown].iter().map(|slice| IntervalRow::of(&slice.name, &slice.figures.macro_f1));
    let rows: Vec<IntervalRow> = std::iter::once(all).chain(rows).collect();
    let by_shown = clipped(by, 60);
    let table = html! {
        table.wide.sortable {
            caption { "By " (theirs(by)) "; parts of fewer than " (ENOUGH) " are too few for a figure" }
            (head_row(&["Part", "n", "Macro-F1", "F of polar classes", "Accuracy", "Calibration error"], 1))
            tbody {
                @for slice in &parts {
                    @let (figures, n) = (&slice.figures, slice.figures.n);
                    tr {
                        th scope="row" { (theirs(&slice.name)) }
                        (n_cell(n))
                        (part_cell(&figures.macro_f1, n))
                        @match &figures.semeval_f {
                            Some(figure) => (part_cell(figure, n)),
                            None => (optional_cell(None)),
                        }
                        (part_cell(&figures.accuracy, n)) (part_cell(&figures.ece, n))
                    }
                }
            }
        }
    };
    html! {
        h3 { "By " (theirs(by)) }
        @if shown > 0 {
            figure.one {
                (PreEscaped(svg::intervals(&format!("{name}: macro-F1 by {by_shown}"), &rows)))
                figcaption {
                    b { "Macro-F1 with intervals." } " The dashed line is all examples."
                    @if shown < enough.len() { " The " (shown) " largest of " (enough.len()) " parts that are large enough." }
                    @if few > 0 { " " (count(few)) " of " (words::several(parts.len(), "part")) @if few == 1 { " has" } @else { " have" } " too few examples." }
                }
            }
        } @else {
            p.note { "Every part has fewer than " (ENOUGH) " examples: too few for a figure." }
        }
        (folded(parts.len() > LONG, &format!("All {} as a table", words::several(parts.len(), "part")), scroll("Parts", table)))
    }
}

fn abstentions(found: &AxisEvaluation) -> Markup {
    let of = &found.abstentions;
    let part = |part: &Part| {
        html! {
            (n_cell(part.n))
            @match part.accuracy {
                Some(accuracy) => td.n { (words::number(accuracy)) },
                None => td.n { span.word { "undefined" } },
            }
        }
    };
    let reasons = html! {
        table {
            caption { "Abstaining pays where what is abstained from is less often right" }
            (head_row(&["Decisions", "n", "Accuracy"], 1))
            tbody {
                tr { th scope="row" { "kept" } (part(&of.kept)) }
                tr { th scope="row" { "abstained from" } (part(&of.abstained)) }
                @for (reason, of) in &of.reasons { tr { th scope="row" { "— " (theirs(reason)) } (part(of)) } }
            }
        }
    };
    let classes = html! {
        table {
            caption { "By the class given by hand" }
            (head_row(&["Class", "Kept", "Recall", "Abstained", "Recall"], 1))
            tbody {
                @for class in &of.classes {
                    tr { th scope="row" { (theirs(&class.class)) } (part(&class.kept)) (part(&class.abstained)) }
                }
            }
        }
    };
    html! {
        h3 { "Abstentions" }
        div.plots { (scroll("Abstentions", reasons)) (scroll("Abstentions by class", classes)) }
    }
}

fn learning_curve(name: &str, points: &[CurvePoint]) -> Markup {
    let table = html! {
        table {
            caption { "By the share of each fold's training groups" }
            (head_row(&["Share", "Examples", "Macro-F1", "F of polar classes"], 0))
            tbody {
                @for point in points {
                    tr {
                        td.n { (percent(point.share)) }
                        (n_cell(point.n)) (cell(&point.macro_f1)) (optional_cell(point.semeval_f.as_ref()))
                    }
                }
            }
        }
    };
    html! {
        h3 { "Learning curve" }
        div.plots {
            (figure(&svg::learning_curve(&format!("{name}: learning curve"), points), html! {
                b { "Learning curve." } " Where it still rises at its end, more labels of the same kind help."
            }))
            (scroll("Learning curve", table))
        }
    }
}

fn worst(found: &AxisEvaluation) -> Markup {
    html! {
        h3 { "The errors that were surest" }
        p.note { "Bars: words for the class decided and not the one given by hand (solid), or against it (hatched)." }
        ol.errors { @for error in &found.worst { (worst_error(error)) } }
    }
}

fn worst_error(error: &WorstError) -> Markup {
    let most = error.evidence.iter().map(|(_, weight)| weight.abs()).filter(|weight| weight.is_finite());
    let most = most.fold(f64::MIN_POSITIVE, f64::max);
    let width = |weight: f64| if weight.is_finite() { 100.0 * weight.abs() / most } else { 0.0 };
    html! {
        li {
            div {
                p {
                    span.id { (theirs(&error.id)) }
                    @if let Some(outlet) = &error.outlet { " · " (theirs(outlet)) }
                }
                p {
                    "Decided " strong { (theirs(&error.predicted)) } " with " (words::number(error.probability))
                    "; by hand " strong { (theirs(&error.truth)) } ", which had " (words::number(error.truth_probability)) "."
                }
                @if let Some(sure) = error.confidence {
                    p.note { "How sure the label is: " (sure) " of 3." }
                }
                @match &error.text {
                    Some(text) => p.quote lang=[is_arabic(text).then_some("ar")] dir="auto" { (clipped(text, 400)) },
                    None => p.note { "The text is not kept; look it up by its id." },
                }
            }
            @if error.evidence.is_empty() { p.note { "No known word weighs on it." } }
            @else {
                table.bars {
                    caption { "Words of most weight" }
                    tbody {
                        @for (term, weight) in &error.evidence {
                            tr {
                                th scope="row" { (theirs(&clipped(term, 40))) }
                                td.bar { i.against[*weight < 0.0] style=(format!("--w:{:.1}", width(*weight))) {} }
                                td.n { (words::signed(*weight)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cross_table(cross: &CrossTable) -> Markup {
    let n: u64 = cross.counts.iter().flatten().fold(0, |sum, n| sum.saturating_add(*n));
    let names = [
        format!("By hand {}", words::isolated(&cross.rows.name, 60)),
        words::isolated(&cross.columns.name, 60),
    ];
    html! {
        section.plain #cross {
            h2 { "Stance by sentiment" }
            p {
                "Of " (words::several(usize::try_from(n).unwrap_or(usize::MAX), "example")) " labelled on both, the stance is what the sentiment would make one think in a share of "
                (words::whole(&cross.agreement)) "."
            }
            (confusion(&cross.rows, &cross.columns, &cross.counts, [&names[0], &names[1]]))
        }
    }
}

fn method(report: &Report) -> Markup {
    let settings = &report.evaluation.settings;
    let settings = toml::to_string_pretty(settings)
        .or_else(|_| serde_json::to_string_pretty(settings))
        .unwrap_or_default();
    html! {
        section.plain #method {
            h2 { "How it was measured" }
            dl {
                @for (name, told) in words::method(&report.evaluation) {
                    dt { (name) }
                    dd { (sentence(&told)) }
                }
            }
            details { summary { "Settings" } pre { (settings) } }
        }
    }
}
