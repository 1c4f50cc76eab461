//! Invented evaluations, for the tests of what is made of them.

#![allow(dead_code)] // Every test file uses a part of it.

use kzstance::config::TrainConfig;
use kzstance::evaluate::Prediction;
use kzstance::evaluate::evaluation::{
    AxisEvaluation, Beside, BesideKind, Evaluation, OriginEvaluation, SCHEMA, Slice,
};
use kzstance::evaluate::figures::{Figure, Figures, Rows, differences, figures};
use kzstance::evaluate::risk::{abstentions, risk_coverage};
use kzstance::label::Axis;
use kzstance::rng::RngSeed;

/// Resamples of the intervals.
pub const RESAMPLES: usize = 200;

/// A prediction toward the axis's class `truth`, decided as `predicted` with probability `p`.
pub fn prediction(axis: &Axis, row: usize, truth: usize, predicted: usize, p: f64) -> Prediction {
    let k = axis.classes.len();
    let rest = (1.0 - p) / (k - 1) as f64;
    Prediction {
        id: format!("doc-{row:03}"),
        origin: if row.is_multiple_of(2) { "press" } else { "authored" }.into(),
        outlet: Some(format!("قناة {}", row % 6)),
        register: None,
        date: None,
        words: 100,
        on_target: None,
        confidence: None,
        fold: row % 5,
        group: row / 2,
        truth: axis.classes[truth].clone(),
        predicted: axis.classes[predicted].clone(),
        probabilities: (0..k).map(|class| if class == predicted { p } else { rest }).collect(),
        set: Vec::new(),
        abstain: None,
    }
}

/// The rows of predictions.
pub fn rows(axis: &Axis, predictions: &[Prediction]) -> Rows {
    let index = |class: &String| axis.classes.iter().position(|known| known == class).unwrap();
    Rows {
        truth: predictions.iter().map(|prediction| index(&prediction.truth)).collect(),
        predicted: predictions.iter().map(|prediction| index(&prediction.predicted)).collect(),
        probabilities: predictions.iter().map(|prediction| prediction.probabilities.clone()).collect(),
        groups: predictions.iter().map(|prediction| prediction.group).collect(),
    }
}

/// All figures of predictions.
pub fn figures_of(axis: &Axis, predictions: &[Prediction]) -> Figures {
    figures(axis, &rows(axis, predictions), RESAMPLES, RngSeed::default())
}

/// `n` predictions of the three stances in turn; the rows for which `wrong` holds are decided wrongly.
pub fn predictions(axis: &Axis, n: usize, wrong: impl Fn(usize) -> bool) -> Vec<Prediction> {
    let k = axis.classes.len();
    (0..n)
        .map(|row| {
            let truth = row % k;
            let predicted = if wrong(row) { (truth + 1) % k } else { truth };
            prediction(axis, row, truth, predicted, 0.6 + 0.03 * (row % 10) as f64)
        })
        .collect()
}

/// An evaluation of one axis that holds nothing but predictions and their figures.
pub fn axis_of(axis: Axis, predictions: Vec<Prediction>) -> AxisEvaluation {
    let k = axis.classes.len();
    AxisEvaluation {
        target: None,
        folds: "5 folds".into(),
        figures: figures_of(&axis, &predictions),
        confusion: vec![vec![0; k]; k],
        reliability: Vec::new(),
        risk: risk_coverage(&[], &[]),
        abstentions: abstentions(&axis, &[], &[], &[]),
        curves: Vec::new(),
        c: vec![1.0],
        beside: Vec::new(),
        slices: Vec::new(),
        worst: Vec::new(),
        learning_curve: Vec::new(),
        origins: Vec::new(),
        probes: Vec::new(),
        origin_curves: Vec::new(),
        predictions,
        axis,
    }
}

/// An evaluation of these axes.
pub fn evaluation(axes: Vec<AxisEvaluation>) -> Evaluation {
    Evaluation {
        schema: SCHEMA.into(),
        program: "kzstance 0.1.0".into(),
        corpus: "invented".into(),
        target: Some("the railway".into()),
        digest: "0".repeat(64),
        n: axes.iter().map(|axis| axis.figures.n).max().unwrap_or(0),
        seed: RngSeed::default(),
        level: 0.95,
        resamples: RESAMPLES,
        left_out: 0,
        notes: Vec::new(),
        axes,
        mean_semeval_f: Vec::new(),
        stance_by_sentiment: None,
        settings: TrainConfig::default(),
    }
}

/// Stance of `n` articles, decided wrongly where `wrong` says so.
pub fn stance(n: usize, wrong: impl Fn(usize) -> bool) -> Evaluation {
    let axis = Axis::stance();
    let made = predictions(&axis, n, wrong);
    evaluation(vec![axis_of(axis, made)])
}

/// The same judged otherwise, wrong where `wrong` says so.
pub fn beside(of: &AxisEvaluation, name: &str, kind: BesideKind, wrong: impl Fn(usize) -> bool) -> Beside {
    let made = predictions(&of.axis, of.predictions.len(), wrong);
    let (own, other) = (rows(&of.axis, &of.predictions), rows(&of.axis, &made));
    Beside {
        name: name.into(),
        kind,
        about: "invented".into(),
        figures: figures_of(&of.axis, &made),
        differences: differences(&of.axis, &other, &own, RESAMPLES, RngSeed::default())
            .into_iter()
            .filter(|(name, _)| !name.contains('.') || name.rsplit('.').next() == Some("f1"))
            .collect(),
    }
}

/// A part of an evaluation's predictions.
pub fn slice(of: &AxisEvaluation, by: &str, name: &str, within: impl Fn(&Prediction) -> bool) -> Slice {
    let part: Vec<Prediction> =
        of.predictions.iter().filter(|prediction| within(prediction)).cloned().collect();
    Slice { by: by.into(), name: name.into(), figures: figures_of(&of.axis, &part) }
}

/// The articles of one origin, judged apart.
pub fn origin(of: &AxisEvaluation, name: &str) -> OriginEvaluation {
    let part: Vec<Prediction> =
        of.predictions.iter().filter(|prediction| prediction.origin == name).cloned().collect();
    OriginEvaluation {
        origin: name.into(),
        model: "the model".into(),
        held_out: "all of it".into(),
        figures: figures_of(&of.axis, &part),
        sure: None,
        off_target: None,
        predictions: part,
    }
}

/// A figure without an interval.
pub fn bare(value: Option<f64>, n: usize, note: &str) -> Figure {
    Figure { value, low: None, high: None, n, note: Some(note.into()) }
}
