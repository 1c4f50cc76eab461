//! What an evaluation found: the document that is saved as JSON, and that every report is rendered from.

use serde::{Deserialize, Serialize};

use super::figures::{Figure, Figures};
use super::metrics::Bin;
use super::risk::{Abstentions, RiskCoverage};
use super::sample::Prediction;
use crate::config::TrainConfig;
use crate::label::Axis;
use crate::rng::RngSeed;

/// Names the layout of [`Evaluation`] in JSON. The number rises when a field changes its meaning or goes;
/// fields may be added without it.
pub const SCHEMA: &str = "kzstance-evaluation/2";

/// The evaluation of a corpus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// [`SCHEMA`].
    pub schema: String,
    /// The program that made it, with its version.
    pub program: String,
    /// The corpus's name.
    pub corpus: String,
    /// What stance is taken toward, where the corpus has one target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// SHA-256 of the examples.
    pub digest: String,
    /// Number of examples.
    pub n: usize,
    /// Seed of folds and intervals.
    pub seed: RngSeed,
    /// Share of resamples inside an interval.
    pub level: f64,
    /// Resamples of an interval.
    pub resamples: usize,
    /// Documents that a given model was trained on, and that were therefore not judged.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
    /// What a reader should know of how this was measured, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// One for each axis, and for each target of the stance axis.
    pub axes: Vec<AxisEvaluation>,
    /// For each axis with several targets, the mean of the targets' SemEval F.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mean_semeval_f: Vec<(String, f64)>,
    /// Stance against sentiment, as labelled by hand, where both are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stance_by_sentiment: Option<CrossTable>,
    /// The settings that everything was fitted with.
    pub settings: TrainConfig,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // The form that serde asks for.
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The evaluation of one axis, toward one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AxisEvaluation {
    /// The axis with its classes in order.
    pub axis: Axis,
    /// The target, where the corpus has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// How examples were held out, in words.
    pub folds: String,
    /// All figures over the pooled held-out decisions.
    pub figures: Figures,
    /// Rows: the class given by hand; columns: the class decided.
    pub confusion: Vec<Vec<u64>>,
    /// Probabilities against what came true; empty where they are none.
    pub reliability: Vec<Bin>,
    /// The error among the decisions that are surest, by the probability of the class decided on.
    pub risk: RiskCoverage,
    /// What was abstained from, for reasons that this axis alone can give.
    pub abstentions: Abstentions,
    /// ROC and precision-recall curves, each class against the rest; of a class that nothing or everything
    /// is of there is none.
    pub curves: Vec<ClassCurves>,
    /// The C chosen in each fold.
    pub c: Vec<f64>,
    /// The same examples judged otherwise: random folds, folds by date, baselines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<Beside>,
    /// The same decisions, part by part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<Slice>,
    /// The errors that were surest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub worst: Vec<WorstError>,
    /// Figures by the number of training examples, if asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub learning_curve: Vec<CurvePoint>,
    /// Origins judged by models that were not trained on them; see [`super::origins`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<OriginEvaluation>,
    /// What gives the authored passages' labels away, if asked for; the first is the model itself, trained
    /// on authored passages alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<OriginEvaluation>,
    /// How figures on press articles grow with the examples of each origin, if asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origin_curves: Vec<OriginCurvePoint>,
    /// Every held-out decision, in the order of ids.
    pub predictions: Vec<Prediction>,
}

/// ROC and precision-recall curve of one class against the rest, by its probability; at most 100 points
/// each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassCurves {
    /// The class.
    pub class: String,
    /// (False-positive rate, recall), from (0, 0) to (1, 1).
    pub roc: Vec<[f64; 2]>,
    /// (Recall, precision), by rising recall.
    pub precision_recall: Vec<[f64; 2]>,
}

/// What kind of judge stands beside the evaluated one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BesideKind {
    /// The same model in folds drawn at random, without regard to outlets and near-duplicates: the
    /// figure that most papers print.
    Random,
    /// The same model, each part judged by a fit on what is older.
    Temporal,
    /// A judge that does not read what a model reads.
    Baseline,
}

/// Another judge, or other folds, on the same examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Beside {
    /// Short name: `random`, `temporal`, `majority`, `outlet`, `lexicon`, `length`, `sentiment`.
    pub name: String,
    /// Of what kind it is.
    pub kind: BesideKind,
    /// What it does, in words.
    pub about: String,
    /// Its figures, on those of the examples that it can judge.
    pub figures: Figures,
    /// Its figures minus the evaluated ones on the same examples, resampled together; name and
    /// difference. For random folds this is the gap.
    pub differences: Vec<(String, Figure)>,
}

/// A part of the examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// What divides: `origin`, `outlet`, `register`, `target`, `date`, `length`, `outlet seen in training`.
    pub by: String,
    /// The part: an outlet's name, `2022-01`, `50-99 words`, …
    pub name: String,
    /// Its figures.
    pub figures: Figures,
}

/// A wrong decision that was sure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorstError {
    /// The example.
    pub id: String,
    /// Its outlet, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlet: Option<String>,
    /// The class given by hand.
    pub truth: String,
    /// The class decided.
    pub predicted: String,
    /// Its probability.
    pub probability: f64,
    /// The probability of the class given by hand.
    pub truth_probability: f64,
    /// How sure whoever labelled it was, 1 to 3, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// The words that weigh most for (above 0) or against the class decided and not the one given by hand,
    /// by falling size.
    pub evidence: Vec<(String, f64)>,
    /// How the text begins, where the text is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A point of the learning curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Share of the training groups of each fold.
    pub share: f64,
    /// Training examples of a fold, on average.
    pub n: usize,
    /// Mean F1 of all classes.
    pub macro_f1: Figure,
    /// Mean F1 of the polar classes, where the axis has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub semeval_f: Option<Figure>,
}

/// Counts of two axes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CrossTable {
    /// The axis of the rows.
    pub rows: Axis,
    /// The axis of the columns.
    pub columns: Axis,
    /// Number of examples, row by row.
    pub counts: Vec<Vec<u64>>,
    /// The share of examples whose stance is what their sentiment would make one think: positive for the
    /// first polar class, negative for the second, else the rest.
    pub agreement: Figure,
}

/// How a model does on the articles of one origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OriginEvaluation {
    /// The origin.
    pub origin: String,
    /// What judged it.
    pub model: String,
    /// What was held out, and what was trained on, in words.
    pub held_out: String,
    /// Figures over its articles that are on target. Where they are toward other targets, only whether a
    /// side is taken can be judged (`auc_sided`), and the rest is undefined.
    pub figures: Figures,
    /// The same without labels of confidence 1; `None` where all labels are surer, or none says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sure: Option<Figures>,
    /// Of the articles off target: how many were given a side, and how many there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_target: Option<(usize, usize)>,
    /// Every decision; empty for baselines and other recipes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub predictions: Vec<Prediction>,
}

/// A point of a curve over the examples of one origin: means over the draws for which a figure was
/// defined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OriginCurvePoint {
    /// Which examples were drawn: `authored`, `real`, or `real, beside all authored`.
    pub drawn: String,
    /// How many, whole pairs and outlets together, so about.
    pub n: usize,
    /// Area under the curve of the polar classes against the rest.
    pub auc_sided: Option<f64>,
    /// Area under the curve of one polar class against the other.
    pub auc_direction: Option<f64>,
    /// Mean F1 of the polar classes.
    pub semeval_f: Option<f64>,
    /// Mean F1 of all classes.
    pub macro_f1: Option<f64>,
}

impl Evaluation {
    /// The axis of a name, and for stance toward several targets that of the target.
    pub fn axis(&self, name: &str, target: Option<&str>) -> Option<&AxisEvaluation> {
        self.axes
            .iter()
            .find(|found| found.axis.name == name && (target.is_none() || found.target.as_deref() == target))
    }
}

impl AxisEvaluation {
    /// What stands beside it under a name.
    pub fn beside(&self, name: &str) -> Option<&Beside> {
        self.beside.iter().find(|beside| beside.name == name)
    }
}
