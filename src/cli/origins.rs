//! Tables of an evaluation with its origins apart.

use kzstance::evaluate::cross::AxisOrigins;
use kzstance::evaluate::origins::{Figures, OriginEvaluation, Ranking, Recipe};
use kzstance::evaluate::{Interval, Metrics, curve, probes};
use kzstance::label::Axis;
use kzstance::model::card::figure;

use super::evaluate::{ends, seeds_text};
use super::talk::table;

/// The tables of one axis.
pub fn origins_text(found: &AxisOrigins) -> String {
    let mut out = format!("{}: each origin judged by a model that was not trained on it\n", found.axis.name);
    let (own, others): (Vec<_>, Vec<_>) =
        found.evaluations.iter().partition(|evaluation| evaluation.model == Recipe::Whole.name());
    out += &by_origin_text(&found.axis, &own);
    let held_out: Vec<String> =
        own.iter().map(|evaluation| format!("{}: {}", evaluation.origin, evaluation.held_out)).collect();
    out += &format!("{}\n95 % intervals by a bootstrap over groups\n\n", held_out.join("\n"));
    if !others.is_empty() {
        let rows: Vec<_> = others
            .iter()
            .map(|evaluation| row(evaluation.model.clone(), &evaluation.all, &found.axis))
            .collect();
        out += &table(&header("press, judged by", &found.axis), &rows, 1);
        out.push('\n');
    }
    for evaluation in &own {
        out += &seeds_text(&found.axis, &evaluation.predictions);
    }
    out += &probes_text(found);
    out += &curve_text(found);
    out
}

/// The figures of each origin.
pub fn by_origin_text(axis: &Axis, evaluations: &[&OriginEvaluation]) -> String {
    let mut rows = Vec::new();
    for evaluation in evaluations {
        let origin = if evaluation.origin.is_empty() { "not stated" } else { &evaluation.origin };
        rows.push(row(origin.to_owned(), &evaluation.all, axis));
        if let Some(sure) = &evaluation.sure {
            rows.push(row("  surer labels".into(), sure, axis));
        }
    }
    let mut out = table(&header("origin", axis), &rows, 1);
    for evaluation in evaluations.iter().filter(|_| axis.is_on_target()) {
        let share = |truth: &str| {
            let of: Vec<_> = evaluation.predictions.iter().filter(|made| made.truth == truth).collect();
            let off = of.iter().filter(|made| made.predicted == "false").count();
            if of.is_empty() { "none there".into() } else { format!("{off} of {}", of.len()) }
        };
        out += &format!(
            "taken for off target, {}: on target {}, off target {}\n",
            evaluation.origin,
            share("true"),
            share("false")
        );
    }
    for evaluation in evaluations {
        let Some((sided, n)) = evaluation.off_target else { continue };
        out += &format!("off target, {}: {sided} of {n} were given a side\n", evaluation.origin);
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
    let rank = |ranking: Option<Ranking>| {
        ranking.map_or("—".to_owned(), |ranking| short(ranking.auc, ranking.interval))
    };
    let metrics = figures.metrics.as_ref();
    let of = |value: fn(&Metrics) -> Option<f64>, interval| {
        metrics.map_or("—".to_owned(), |metrics| short(value(metrics), interval))
    };
    let mut row = vec![name, figures.n.to_string()];
    if axis.polar.len() == 2 {
        row.extend([rank(figures.opinionated), rank(figures.direction)]);
        row.push(of(|metrics| metrics.semeval_f, figures.semeval_f_interval));
    }
    row.push(of(|metrics| metrics.macro_f1, figures.macro_f1_interval));
    row
}

/// A figure with its interval, or a word where there are too few examples for one.
fn short(value: Option<f64>, interval: Option<Interval>) -> String {
    match (value, interval) {
        (Some(value), None) => format!("{value:.3} (too few)"),
        (value, interval) => figure(value, ends(interval)),
    }
}

fn probes_text(found: &AxisOrigins) -> String {
    if found.probes.is_empty() {
        return String::new();
    }
    let name = |probed: &probes::Probed| probed.probe.map_or("the model", probes::Probe::name).to_owned();
    let judged = found.probes.iter().filter_map(|probed| Some((name(probed), probed.found.as_ref()?)));
    let rows: Vec<_> = judged.map(|(name, judged)| row(name, &judged.all, &found.axis)).collect();
    let told = found.probes.iter().find_map(|probed| Some(probed.found.as_ref()?.held_out.as_str()));
    let told = told.unwrap_or_default();
    table(&header("authored, judged by", &found.axis), &rows, 1)
        + &format!("trained on authored passages alone, {told}\n\n")
}

fn curve_text(found: &AxisOrigins) -> String {
    if found.curve.is_empty() {
        return String::new();
    }
    let mut header: Vec<String> = vec!["press, trained on".into(), "about".into()];
    header.extend(figures_of(&found.axis));
    let rate = |value: Option<f64>| value.map_or("undefined".into(), |value| format!("{value:.3}"));
    let rows: Vec<Vec<String>> = found
        .curve
        .iter()
        .map(|point| {
            let mut row = vec![point.drawn.clone(), point.n.to_string()];
            row.extend([point.opinionated, point.direction, point.semeval_f, point.macro_f1].map(rate));
            row
        })
        .collect();
    table(&header, &rows, 1) + &format!("means of {} draws\n\n", curve::DRAWS)
}
