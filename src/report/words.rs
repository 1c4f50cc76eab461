//! The words and numbers that all reports have in common.

use crate::evaluate::evaluation::{AxisEvaluation, Beside, BesideKind, Evaluation, OriginEvaluation};
use crate::evaluate::figures::{Figure, Figures};
use crate::evaluate::sample::ENOUGH;

use super::GateResult;

/// The name of the judge under [`OriginEvaluation::model`] that is the evaluated model itself.
const THE_MODEL: &str = "the model";

/// A number with three digits after the point and a proper minus sign.
pub(super) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "undefined".into();
    }
    if value.abs() >= 1e9 {
        return format!("{value:.3e}").replace('-', "\u{2212}");
    }
    // What rounds to zero has no sign.
    let text = format!("{value:.3}");
    if text == "-0.000" { "0.000".into() } else { text.replace('-', "\u{2212}") }
}

/// A difference: as [`number`], with its sign.
pub(super) fn signed(value: f64) -> String {
    let text = number(value);
    if value > 0.0 && text != "0.000" { format!("+{text}") } else { text }
}

/// A count with its thousands set off.
pub(super) fn count(n: impl TryInto<u64>) -> String {
    let digits = n.try_into().unwrap_or(u64::MAX).to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number of things, in words: `1 gate`, `2 gates`.
pub(super) fn several(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{} {one}s", count(n)) }
}

/// A share in percent.
pub(super) fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.0} %", 100.0 * share) } else { "undefined".into() }
}

/// The value, or why there is none.
pub(super) fn value(figure: &Figure) -> String {
    figure.value.filter(|value| value.is_finite()).map_or_else(|| why_missing(figure), number)
}

/// Only the notes that there are: a file could say anything.
fn why_missing(figure: &Figure) -> String {
    let known = ["too few", "no interval", "undefined"];
    let note = figure.note.as_deref().filter(|note| known.contains(note));
    note.unwrap_or("undefined").to_owned()
}

/// The interval, or why there is none; empty where the value itself is missing.
pub(super) fn interval(figure: &Figure) -> String {
    match (figure.value, figure.low, figure.high) {
        (None, ..) => String::new(),
        (_, Some(low), Some(high)) => format!("{} to {}", number(low), number(high)),
        _ if figure.note.is_some() => why_missing(figure),
        _ if figure.n < ENOUGH => "too few".into(),
        _ => "no interval".into(),
    }
}

/// Value and interval: `0.632 (0.409 to 0.791)`, `1.000 (too few)`, `undefined`.
pub(super) fn whole(figure: &Figure) -> String {
    let interval = interval(figure);
    if interval.is_empty() { value(figure) } else { format!("{} ({interval})", value(figure)) }
}

/// The value and interval of a difference.
pub(super) fn difference(figure: &Figure) -> String {
    match (figure.value, figure.low, figure.high) {
        (Some(value), Some(low), Some(high)) => {
            format!("{} ({} to {})", signed(value), signed(low), signed(high))
        }
        (Some(value), ..) => format!("{} ({})", signed(value), interval(figure)),
        _ => value(figure),
    }
}

/// The figure of a part of the examples: of few it says so, and shows no number that would be read.
pub(super) fn of_part(figures: &Figures) -> String {
    if figures.n < ENOUGH { "too few".into() } else { whole(&figures.macro_f1) }
}

/// Text of others on one line: without control characters, and without characters that turn the
/// direction of what stands around them.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push(' '),
            // Marks between letters, which do not show; after them the text reads as it did, as everything
            // of others stands isolated.
            '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{200b}' | '\u{2060}' | '\u{feff}' => {}
            // What turns direction, what XML forbids, and tags that carry text nobody sees.
            '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{fffe}'
            | '\u{ffff}'
            | '\u{e0000}'..='\u{e007f}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// As [`clean`], of at most `most` characters.
pub(super) fn clipped(text: &str, most: usize) -> String {
    let text = clean(text);
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// As [`clipped`], isolated in direction: for the middle of a plain string.
pub(super) fn isolated(text: &str, most: usize) -> String {
    format!("\u{2068}{}\u{2069}", clipped(text, most))
}

/// Whether a text has Arabic letters, and is to be set as Arabic.
pub(super) fn is_arabic(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '\u{600}'..='\u{6ff}' | '\u{750}'..='\u{77f}' | '\u{8a0}'..='\u{8ff}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}'))
}

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Bit {
    /// Our words.
    Said(String),
    /// Words of others, to be escaped and isolated.
    Theirs(String),
    /// A sentence of ours that may quote others, to be escaped and isolated too, but to be read.
    Told(String),
}

/// A sentence.
pub(super) type Sentence = Vec<Bit>;

pub(super) fn said(text: impl Into<String>) -> Bit {
    Bit::Said(text.into())
}

/// A sentence that may quote others, without its full stop.
pub(super) fn told(text: &str) -> Bit {
    Bit::Told(text.trim_end().trim_end_matches('.').to_owned())
}

fn theirs(text: &str) -> Bit {
    Bit::Theirs(text.to_owned())
}

/// The axis, and the target where there are several.
pub(super) fn axis_name(found: &AxisEvaluation) -> Sentence {
    let mut name = vec![theirs(&found.axis.name)];
    if let Some(target) = &found.target {
        name.extend([said(" toward "), theirs(target)]);
    }
    name
}

/// A figure under its name, with what it is.
pub(super) struct Row<'a> {
    pub name: &'static str,
    pub figure: &'a Figure,
    pub about: Sentence,
}

/// All figures of an axis, those to quote first.
pub(super) fn rows<'a>(found: &'a AxisEvaluation, figures: &'a Figures) -> Vec<Row<'a>> {
    let classes = figures.macro_f1_classes;
    let row = |name, figure, about: &str| Row { name, figure, about: vec![said(about)] };
    let mut rows =
        vec![row("macro-F1", &figures.macro_f1, &format!("mean F1 of {}", several_classes(classes)))];
    if let Some(figure) = &figures.semeval_f {
        rows.push(row("F of polar classes", figure, "mean F1 of the two that take a side (SemEval)"));
    }
    rows.push(row("accuracy", &figures.accuracy, "share of right decisions"));
    rows.push(row("MCC", &figures.mcc, "correlation of truth and decision, 0 by chance"));
    if let Some(figure) = &figures.auc_sided {
        rows.push(row(
            "AUC, sided or not",
            figure,
            "ranks articles that take a side above others, 0.5 by chance",
        ));
    }
    if let Some(figure) = &figures.auc_direction {
        let [first, second] = found.axis.polar.as_slice() else { return rows };
        let about =
            vec![said("ranks "), theirs(first), said(" above "), theirs(second), said(", 0.5 by chance")];
        rows.push(Row { name: "AUC, which side", figure, about });
    }
    rows.push(row("Brier score", &figures.brier, "of the probabilities, lower is better"));
    rows.push(row("log-loss", &figures.log_loss, "of the probabilities, lower is better"));
    rows.push(row("calibration error", &figures.ece, "expected (ECE), lower is better"));
    rows.push(row("area under risk-coverage", &figures.aurc, "lower is better"));
    rows
}

fn several_classes(n: usize) -> String {
    match n {
        0 => "no class".into(),
        1 => "1 class only".into(),
        n => format!("{n} classes"),
    }
}

/// What can be said of another judge beside the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The other one is lower, beyond chance.
    Lower,
    /// The other one is higher, beyond chance.
    Higher,
    /// The interval holds 0.
    Open,
    /// There is no interval.
    NoInterval,
    /// There is no difference to speak of.
    Undefined,
}

/// The difference of macro-F1 of another judge.
pub(super) fn gap(beside: &Beside) -> Option<&Figure> {
    beside.differences.iter().find(|(name, _)| name == "macro_f1").map(|(_, figure)| figure)
}

/// What the difference of macro-F1 says.
pub(super) fn verdict(beside: &Beside) -> Verdict {
    match gap(beside).map(|figure| (figure.value, figure.low, figure.high)) {
        Some((Some(_), _, Some(high))) if high < 0.0 => Verdict::Lower,
        Some((Some(_), Some(low), _)) if low > 0.0 => Verdict::Higher,
        Some((Some(_), Some(_), Some(_))) => Verdict::Open,
        Some((Some(_), ..)) => Verdict::NoInterval,
        _ => Verdict::Undefined,
    }
}

/// The verdict in words.
pub(super) fn verdict_words(beside: &Beside) -> &'static str {
    use BesideKind::{Baseline, Random, Temporal};
    match (beside.kind, verdict(beside)) {
        (Baseline, Verdict::Lower) => "the model is better",
        (Baseline, Verdict::Higher) => "the baseline is better",
        (Baseline, Verdict::Open) => "not told apart from the model",
        (Random, Verdict::Higher) => "random folds flatter",
        (Random, Verdict::Lower) => "random folds are harder",
        (Random, Verdict::Open) => "no gap is seen",
        (Temporal, Verdict::Lower) => "the future is harder",
        (Temporal, Verdict::Higher) => "the future is easier",
        (Temporal, Verdict::Open) => "no difference is seen",
        (_, Verdict::NoInterval) => "cannot be told",
        (_, Verdict::Undefined) => "undefined",
    }
}

/// The baseline of the highest macro-F1 among those that judged every example; among all, where none did.
pub(super) fn best_baseline(found: &AxisEvaluation) -> Option<&Beside> {
    let baselines = found.beside.iter().filter(|beside| beside.kind == BesideKind::Baseline);
    let valued = baselines.filter_map(|beside| Some((beside.figures.macro_f1.value?, beside)));
    let rank = |(value, beside): (f64, &Beside)| (beside.figures.n == found.figures.n, value);
    valued.max_by(|&a, &b| rank(a).0.cmp(&rank(b).0).then(a.0.total_cmp(&b.0))).map(|(_, beside)| beside)
}

/// The other kinds of folds: random, temporal.
pub(super) fn of_kind(found: &AxisEvaluation, kind: BesideKind) -> impl Iterator<Item = &Beside> {
    found.beside.iter().filter(move |beside| beside.kind == kind)
}

/// The rows of origins that were judged by the evaluated model itself, and those by others.
pub(super) fn own_and_others(found: &AxisEvaluation) -> (Vec<&OriginEvaluation>, Vec<&OriginEvaluation>) {
    found.origins.iter().partition(|origin| origin.model == THE_MODEL)
}

/// What can be claimed of an axis: the figure with what it rests on, the gap to random folds, the best
/// baseline, and the origins.
pub(super) fn claims(evaluation: &Evaluation, found: &AxisEvaluation) -> Vec<Sentence> {
    let mut out = vec![headline(evaluation, found)];
    let (own, _) = own_and_others(found);
    if !own.is_empty() {
        let mut sentence = vec![said("On origins that the model was not trained on: ")];
        for (place, origin) in own.iter().take(12).enumerate() {
            sentence.push(said(if place > 0 { "; " } else { "" }));
            sentence.push(origin_name(&origin.origin));
            let n = several(origin.figures.n, "example");
            sentence.push(said(format!(" {}, {n}", whole(&origin.figures.macro_f1))));
        }
        sentence.push(said(if own.len() > 12 { "; and others." } else { "." }));
        out.push(sentence);
    }
    out.extend(of_kind(found, BesideKind::Random).map(random_claim));
    out.extend(of_kind(found, BesideKind::Temporal).map(temporal_claim));
    out.extend(baseline_claim(found));
    out
}

/// The name of an origin.
pub(super) fn origin_name(origin: &str) -> Bit {
    if origin.is_empty() { said("origin not stated") } else { theirs(origin) }
}

fn headline(evaluation: &Evaluation, found: &AxisEvaluation) -> Sentence {
    let figures = &found.figures;
    let figure = &figures.macro_f1;
    let groups = several(figures.groups, "group");
    let on = format!(" on {} in {groups}; ", several(figures.n, "example"));
    let figure = match (figure.value, figure.low, figure.high) {
        (Some(value), Some(low), Some(high)) => {
            let level = percent(evaluation.level);
            format!("macro-F1 {} ({level} interval {} to {})", number(value), number(low), number(high))
        }
        (Some(value), ..) => {
            format!("macro-F1 {}, {}, so nothing can be claimed", number(value), interval(figure))
        }
        _ => format!("macro-F1 is {}", value(figure)),
    };
    vec![said(figure + &on), told(&found.folds), said(".")]
}

fn random_claim(beside: &Beside) -> Sentence {
    let told = format!("Random folds say {}", value(&beside.figures.macro_f1));
    let gap = gap(beside).map_or_else(|| "undefined".into(), difference);
    let means = match verdict(beside) {
        Verdict::Higher => "what outlets and near-duplicates on both sides of a fold give away",
        Verdict::Lower => {
            "they are harder here: pairs or near-duplicates with other labels stand on both sides of a fold, and mislead"
        }
        Verdict::Open => "none that could be told from chance",
        Verdict::NoInterval => "without an interval, nothing can be told",
        Verdict::Undefined => "there is nothing to compare",
    };
    vec![said(format!("{told}, a gap of {gap}: {means}."))]
}

fn temporal_claim(beside: &Beside) -> Sentence {
    let told = value(&beside.figures.macro_f1);
    let gap = gap(beside).map_or_else(|| "undefined".into(), difference);
    let n = several(beside.figures.n, "example");
    vec![said(format!(
        "Judged by fits on what is older: {told} on {n}, difference {gap}: {}.",
        verdict_words(beside)
    ))]
}

fn baseline_claim(found: &AxisEvaluation) -> Option<Sentence> {
    of_kind(found, BesideKind::Baseline).next()?;
    let Some(best) = best_baseline(found) else {
        return Some(vec![said("No baseline has a defined macro-F1.")]);
    };
    let gap = gap(best).map_or_else(|| "undefined".into(), difference);
    let figures = value(&best.figures.macro_f1);
    Some(vec![
        said("Best baseline: "),
        theirs(&best.name),
        said(format!(", {figures}; its difference to the model is {gap}: {}.", verdict_words(best))),
    ])
}

/// How the gates came out, in a few words.
pub(super) fn gate_status(gates: &[GateResult]) -> String {
    let failed = gates.iter().filter(|gate| !gate.passed).count();
    match (gates.len(), failed) {
        (0, _) => "No gate was set".into(),
        (1, 0) => "The one gate passed".into(),
        (n, 0) => format!("All {} passed", several(n, "gate")),
        (n, failed) => format!("{} of {} failed", count(failed), several(n, "gate")),
    }
}

/// The gates, those that failed on top.
pub(super) fn failed_first(gates: &[GateResult]) -> Vec<&GateResult> {
    let mut gates: Vec<&GateResult> = gates.iter().collect();
    gates.sort_by_key(|gate| gate.passed);
    gates
}

/// Where a gate stands.
pub(super) fn place(gate: &GateResult) -> Option<String> {
    gate.place.as_ref().map(|(file, line)| format!("{file}:{line}"))
}

/// How everything was measured, in sentences of name and value.
pub(super) fn method(evaluation: &Evaluation) -> Vec<(&'static str, Sentence)> {
    let mut out = vec![
        ("program", vec![theirs(&evaluation.program)]),
        ("corpus", vec![theirs(&evaluation.corpus)]),
        ("examples", vec![said(count(evaluation.n))]),
        ("digest of the examples", vec![said("SHA-256 "), theirs(&evaluation.digest)]),
        (
            "intervals",
            vec![said(format!(
                "{} by a bootstrap over groups, {} resamples; from {ENOUGH} examples up",
                percent(evaluation.level),
                count(evaluation.resamples)
            ))],
        ),
        ("seed", vec![said(evaluation.seed.0.to_string())]),
    ];
    if let Some(target) = &evaluation.target {
        out.insert(2, ("target", vec![theirs(target)]));
    }
    if evaluation.left_out > 0 {
        let told = "left out, as the model was trained on them or they stand in the training part too";
        out.push(("not judged", vec![said(format!("{} {told}", several(evaluation.left_out, "document")))]));
    }
    for found in &evaluation.axes {
        let mut told = axis_name(found);
        told.extend([said(": "), self::told(&found.folds)]);
        let chosen = chosen_c(found);
        if !chosen.is_empty() {
            told.push(said(format!("; C chosen: {chosen}")));
        }
        out.push(("held out", told));
    }
    out.extend(evaluation.notes.iter().map(|note| ("note", vec![told(note)])));
    out
}

/// The different C that folds chose.
pub(super) fn chosen_c(found: &AxisEvaluation) -> String {
    let mut c = found.c.clone();
    c.sort_by(f64::total_cmp);
    c.dedup();
    c.iter().map(f64::to_string).collect::<Vec<_>>().join(", ")
}
