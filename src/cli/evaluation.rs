//! An evaluation as tables for a terminal.

use kzstance::evaluate::evaluation::{
    AxisEvaluation, Beside, BesideKind, Evaluation, OriginCurvePoint, OriginEvaluation,
};
use kzstance::evaluate::figures::{Figure, Figures};
use kzstance::evaluate::risk::{Part, at_coverage};
use kzstance::evaluate::{Prediction, curve, origins::Recipe};
use kzstance::label::Axis;
use kzstance::model::card::figure;

use super::talk::{harmless, table};

/// All tables; with `listed`, also every seed article that was left out.
pub fn text(found: &Evaluation, listed: bool) -> String {
    let mut out = String::new();
    for axis in &found.axes {
        // Where origins are told apart and nothing is judged beside them, their figures are all there is.
        if axis.figures.n > 0 || axis.origins.is_empty() {
            out += &axis_text(axis);
        }
        out += &origins_text(axis, found.level);
        if listed {
            out += &seeds_text(&axis.axis, &axis.predictions);
        }
        out += &probes_text(axis);
        out += &curve_text(axis);
    }
    for (axis, mean) in &found.mean_semeval_f {
        out += &format!("{axis}: mean F of the polar classes over the targets {mean:.4}\n");
    }
    for note in &found.notes {
        out += &format!("{note}\n");
    }
    harmless(&out)
}

fn axis_text(found: &AxisEvaluation) -> String {
    let figures = &found.figures;
    let toward = found.target.as_ref().map(|target| format!(" toward {target}")).unwrap_or_default();
    let mut out = format!(
        "{}{toward}: n = {} in {} groups; {}\n",
        found.axis.name, figures.n, figures.groups, found.folds
    );
    let mut header: Vec<String> =
        ["class", "n", "decided", "precision", "recall", "F1", "AUC"].map(str::to_owned).to_vec();
    header.extend(found.axis.classes.iter().map(|class| format!("→ {class}")));
    let rows: Vec<Vec<String>> = figures
        .classes
        .iter()
        .zip(&found.confusion)
        .map(|(class, confusion)| {
            let mut row = vec![class.class.clone(), class.n.to_string(), class.predicted.to_string()];
            row.extend([&class.precision, &class.recall, &class.f1, &class.auc].map(|of| rate(of.value)));
            row.extend(confusion.iter().map(u64::to_string));
            row
        })
        .collect();
    out += &table(&header, &rows, 1);
    let mut line = |name: &str, told: String| out += &format!("{name:<19} {told}\n");
    line("macro-F1", headline(&figures.macro_f1));
    if let Some(semeval_f) = &figures.semeval_f {
        line("F of polar classes", headline(semeval_f));
        line("", format!("(mean F1 of {})", found.axis.polar.join(", ")));
    }
    line("accuracy", headline(&figures.accuracy));
    let [mcc, brier, log_loss, ece] =
        [&figures.mcc, &figures.brier, &figures.log_loss, &figures.ece].map(|of| rate(of.value));
    out += &format!("MCC {mcc}, Brier {brier}, log-loss {log_loss}, ECE {ece}\n");
    out += &sureness_text(found);
    let mut c = found.c.clone();
    c.sort_by(f64::total_cmp);
    c.dedup();
    if !c.is_empty() {
        let c: Vec<String> = c.iter().map(f64::to_string).collect();
        out += &format!("C chosen            {}\n", c.join(", "));
    }
    out.push('\n');
    if found.origins.is_empty() {
        out += &by_origin_slices(found);
    }
    out + &beside_text(found)
}

/// What the probabilities are worth: a reliability table, the risk-coverage curve and the abstentions.
fn sureness_text(found: &AxisEvaluation) -> String {
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let rows: Vec<Vec<String>> = found
        .reliability
        .iter()
        .map(|bin| vec![percent(bin.confidence), percent(bin.accuracy), bin.n.to_string()])
        .collect();
    let mut out = String::new();
    if !rows.is_empty() {
        out += &table(&["probability said", "came true", "n"].map(str::to_owned), &rows, 0);
    }
    let error = |coverage: f64| rate(at_coverage(&found.risk.points, coverage).map(|point| point.risk));
    out += &format!(
        "error among the surest quarter {}, half {}, three quarters {}, all {}\n",
        error(0.25),
        error(0.5),
        error(0.75),
        error(1.0)
    );
    let part = |part: &Part| match part.accuracy {
        Some(accuracy) => format!("{} (accuracy {accuracy:.3})", part.n),
        None => part.n.to_string(),
    };
    let abstentions = &found.abstentions;
    let reasons: Vec<String> =
        abstentions.reasons.iter().map(|(reason, of)| format!("{reason} {}", part(of))).collect();
    out += &format!("kept {}", part(&abstentions.kept));
    if !reasons.is_empty() {
        out += &format!("; abstained: {}", reasons.join(", "));
    }
    out + "\n"
}

/// The gap to random folds, and what other judges make of the same examples.
/// The same decisions origin by origin.
fn by_origin_slices(found: &AxisEvaluation) -> String {
    let of_origin = found.slices.iter().filter(|slice| slice.by == "origin");
    let rows: Vec<Vec<String>> =
        of_origin.map(|slice| row(slice.name.clone(), &slice.figures, &found.axis)).collect();
    if rows.is_empty() { String::new() } else { table(&header("origin", &found.axis), &rows, 1) + "\n" }
}

fn beside_text(found: &AxisEvaluation) -> String {
    if found.beside.is_empty() {
        return String::new();
    }
    let header = ["macro-F1, judged by", "n", "macro-F1", "difference", "verdict"].map(str::to_owned);
    let rows: Vec<Vec<String>> = found
        .beside
        .iter()
        .map(|beside| {
            let name = match beside.kind {
                BesideKind::Random | BesideKind::Temporal => format!("the model, {} folds", beside.name),
                BesideKind::Baseline => format!("baseline: {}", beside.name),
            };
            let gap = beside.differences.iter().find(|(name, _)| name == "macro_f1").map(|(_, gap)| gap);
            vec![
                name,
                beside.figures.n.to_string(),
                short(&beside.figures.macro_f1),
                gap.map_or("undefined".into(), difference),
                verdict(beside, gap).into(),
            ]
        })
        .collect();
    table(&header, &rows, 1) + "differences to the model on the same examples, resampled together\n\n"
}

/// What a difference says.
fn verdict(beside: &Beside, gap: Option<&Figure>) -> &'static str {
    let Some(Figure { value: Some(_), low, high, .. }) = gap else { return "" };
    let (Some(low), Some(high)) = (*low, *high) else { return "cannot be told" };
    match beside.kind {
        BesideKind::Random if low > 0.0 => "random folds flatter",
        BesideKind::Random if high < 0.0 => "random folds are harder",
        BesideKind::Temporal if low > 0.0 => "the future is easier",
        BesideKind::Temporal if high < 0.0 => "the future is harder",
        BesideKind::Baseline if low > 0.0 => "the baseline is better",
        BesideKind::Baseline if high < 0.0 => "the model is better",
        _ => "not told apart",
    }
}

/// The origins, each judged by a model that was not trained on it, and what else judged them.
fn origins_text(found: &AxisEvaluation, level: f64) -> String {
    if found.origins.is_empty() {
        return String::new();
    }
    let axis = &found.axis;
    let (own, others): (Vec<_>, Vec<_>) =
        found.origins.iter().partition(|origin| origin.model == Recipe::Whole.name());
    let mut out = String::new();
    let mut told = Vec::new();
    if !own.is_empty() {
        out += &format!("{}: each origin judged by a model that was not trained on it\n", axis.name);
        out += &by_origin_text(axis, &own);
        let stated = own.iter().filter(|origin| !origin.held_out.is_empty());
        told.extend(stated.map(|origin| format!("{}: {}", name(origin), origin.held_out)));
        told.push(format!("{:.0} % intervals by a bootstrap over groups", 100.0 * level));
        out += &format!("{}\n\n", told.join("\n"));
    }
    let mut judged: Vec<&str> = Vec::new();
    for origin in &others {
        if !judged.contains(&name(origin)) {
            judged.push(name(origin));
        }
    }
    for origin in judged {
        let of = others.iter().filter(|other| name(other) == origin);
        let rows: Vec<_> = of.map(|other| row(other.model.clone(), &other.figures, axis)).collect();
        out += &(table(&header(&format!("{origin}, judged by"), axis), &rows, 1) + "\n");
    }
    for origin in &own {
        out += &seeds_text(axis, &origin.predictions);
    }
    out
}

fn name(origin: &OriginEvaluation) -> &str {
    if origin.origin.is_empty() { "not stated" } else { &origin.origin }
}

/// The figures of each origin.
fn by_origin_text(axis: &Axis, origins: &[&OriginEvaluation]) -> String {
    let mut rows = Vec::new();
    for origin in origins {
        rows.push(row(name(origin).to_owned(), &origin.figures, axis));
        if let Some(sure) = &origin.sure {
            rows.push(row("  surer labels".into(), sure, axis));
        }
    }
    let mut out = table(&header("origin", axis), &rows, 1);
    for origin in origins.iter().filter(|_| axis.is_on_target()) {
        let share = |truth: &str| {
            let of: Vec<_> = origin.predictions.iter().filter(|made| made.truth == truth).collect();
            let off = of.iter().filter(|made| made.predicted == "false").count();
            if of.is_empty() { "none there".into() } else { format!("{off} of {}", of.len()) }
        };
        let (on, off) = (share("true"), share("false"));
        out += &format!("taken for off target, {}: on target {on}, off target {off}\n", name(origin));
    }
    for origin in origins {
        let Some((sided, n)) = origin.off_target else { continue };
        out += &format!("off target, {}: {sided} of {n} were given a side\n", name(origin));
    }
    out
}

fn header(first: &str, axis: &Axis) -> Vec<String> {
    let mut header = vec![first.to_owned(), "n".to_owned()];
    header.extend(figures_of(axis));
    header
}

/// The figures that a row has: for an axis without polar classes macro-F1 alone.
fn figures_of(axis: &Axis) -> Vec<String> {
    let mut names = Vec::new();
    if let [first, second] = axis.polar.as_slice() {
        let rest = axis.classes.iter().filter(|class| !axis.polar.contains(class));
        let rest: Vec<&str> = rest.map(String::as_str).collect();
        names.push(format!("AUC sided : {}", rest.join("/")));
        names.push(format!("AUC {first} : {second}"));
        names.push("F of polar classes".into());
    }
    names.push("macro-F1".into());
    names
}

fn row(name: String, figures: &Figures, axis: &Axis) -> Vec<String> {
    let of = |figure: Option<&Figure>| figure.map_or("—".to_owned(), short);
    let mut row = vec![name, figures.n.to_string()];
    if axis.polar.len() == 2 {
        row.extend([&figures.auc_sided, &figures.auc_direction, &figures.semeval_f].map(|f| of(f.as_ref())));
    }
    row.push(short(&figures.macro_f1));
    row
}

/// The seed articles, each left out of training; empty where none was judged.
fn seeds_text(axis: &Axis, predictions: &[Prediction]) -> String {
    let seeds: Vec<_> = predictions.iter().filter(|prediction| prediction.origin == "seed").collect();
    if seeds.is_empty() {
        return String::new();
    }
    let mut header = ["seed, left out", "by hand", "decided"].map(str::to_owned).to_vec();
    header.extend(axis.classes.iter().cloned());
    let rows: Vec<Vec<String>> = seeds
        .iter()
        .map(|seed| {
            let mut row = vec![seed.id.clone(), seed.truth.clone(), seed.predicted.clone()];
            row.extend(seed.probabilities.iter().map(|p| format!("{p:.3}")));
            row
        })
        .collect();
    table(&header, &rows, 3) + "\n"
}

fn probes_text(found: &AxisEvaluation) -> String {
    let Some(first) = found.probes.first() else { return String::new() };
    let rows: Vec<_> =
        found.probes.iter().map(|probe| row(probe.model.clone(), &probe.figures, &found.axis)).collect();
    table(&header("authored, judged by", &found.axis), &rows, 1)
        + &format!("trained on authored passages alone, {}\n\n", first.held_out)
}

fn curve_text(found: &AxisEvaluation) -> String {
    let mut out = String::new();
    if !found.learning_curve.is_empty() {
        let header = ["share of training", "about", "F of polar classes", "macro-F1"].map(str::to_owned);
        let rows: Vec<Vec<String>> = found
            .learning_curve
            .iter()
            .map(|point| {
                let share = format!("{:.0} %", 100.0 * point.share);
                let semeval_f = point.semeval_f.as_ref().map_or("—".to_owned(), short);
                vec![share, point.n.to_string(), semeval_f, short(&point.macro_f1)]
            })
            .collect();
        out += &(table(&header, &rows, 0) + "\n");
    }
    if !found.origin_curves.is_empty() {
        let mut header = vec!["press, trained on".to_owned(), "about".into()];
        header.extend(figures_of(&found.axis));
        let polar = found.axis.polar.len() == 2;
        let rows: Vec<Vec<String>> = found
            .origin_curves
            .iter()
            .map(|point: &OriginCurvePoint| {
                let mut row = vec![point.drawn.clone(), point.n.to_string()];
                if polar {
                    row.extend([point.auc_sided, point.auc_direction, point.semeval_f].map(rate));
                }
                row.push(rate(point.macro_f1));
                row
            })
            .collect();
        out += &(table(&header, &rows, 1) + &format!("means of {} draws\n\n", curve::DRAWS));
    }
    out
}

fn rate(value: Option<f64>) -> String {
    value.map_or("undefined".into(), |value| format!("{value:.3}"))
}

fn ends(of: &Figure) -> Option<[f64; 2]> {
    Some([of.low?, of.high?])
}

/// A figure with its interval, on a line of its own.
fn headline(of: &Figure) -> String {
    match (of.value, of.note.as_deref()) {
        (Some(value), Some("too few")) => format!("{value:.3} (too few for an interval)"),
        (value, _) => figure(value, ends(of)),
    }
}

/// A figure with its interval, or a word where there are too few examples for one.
fn short(of: &Figure) -> String {
    match (of.value, ends(of)) {
        (Some(value), None) => {
            format!("{value:.3} ({})", of.note.as_deref().unwrap_or("too few"))
        }
        (value, ends) => figure(value, ends),
    }
}

/// A difference with its interval.
fn difference(of: &Figure) -> String {
    match (of.value, ends(of)) {
        (None, _) => "undefined".into(),
        (Some(value), None) => format!("{value:+.3} ({})", of.note.as_deref().unwrap_or("too few")),
        (Some(value), Some([low, high])) => format!("{value:+.3} ({low:+.3} to {high:+.3})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_steer_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\u{202e}\r\nم"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}\nم");
    }

    #[test]
    fn what_is_missing_is_said_in_words() {
        let missing = Figure { note: Some("undefined".into()), ..Figure::default() };
        assert_eq!([short(&missing), headline(&missing), difference(&missing)], ["undefined"; 3]);
        let few = Figure { value: Some(-0.25), n: 5, note: Some("too few".into()), ..Figure::default() };
        assert_eq!(short(&few), "-0.250 (too few)");
        assert_eq!(headline(&few), "-0.250 (too few for an interval)");
        assert_eq!(difference(&few), "-0.250 (too few)");
        let whole = Figure { low: Some(-0.3), high: Some(0.1), n: 50, note: None, ..few };
        assert_eq!(short(&whole), "-0.250 (-0.300 to 0.100)");
        assert_eq!(difference(&whole), "-0.250 (-0.300 to +0.100)");
    }
}
