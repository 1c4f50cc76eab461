//! What a model says of itself: a JSON object, kept in the file's metadata.

use serde::{Deserialize, Serialize};

use crate::features::FeatureConfig;
use crate::label::Axis;
use crate::learn::{LearnConfig, Rule, Scheme};

/// The version of the file's layout and of the meaning of its numbers.
pub const FORMAT_VERSION: u32 = 3;

/// The header. No clock, no path and no host: equal training gives equal bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT_VERSION`] of the writer.
    pub format: u32,
    /// The model's name.
    pub name: String,
    /// What stance is taken toward, in words.
    pub target: Option<String>,
    /// How words become features; holds the normaliser with its version.
    pub features: FeatureConfig,
    /// How the heads were fitted.
    pub learn: LearnConfig,
    /// Seed of folds and intervals.
    pub seed: u64,
    /// Number of documents that the vocabulary was counted on.
    pub n_documents: u32,
    /// Their mean length in words.
    pub mean_length: f64,
    /// Number of terms of each block.
    pub block_sizes: Vec<usize>,
    /// SHA-256 of the examples: ids, labels and words.
    pub training_digest: String,
    /// Number of examples by origin (`press`, `seed`, …), sorted.
    pub origins: Vec<(String, usize)>,
    /// The classifiers.
    pub heads: Vec<HeadInfo>,
}

/// One classifier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadInfo {
    /// The axis with its classes in order.
    pub axis: Axis,
    /// How its classes are told apart.
    pub scheme: Scheme,
    /// Number of training examples of each class.
    pub counts: Vec<usize>,
    /// Number of training examples judged toward other targets, of each class; empty where there are
    /// none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign_counts: Vec<usize>,
    /// The C chosen.
    pub c: f64,
    /// Bound of the relative gap to the optimum that the fit reached.
    pub gap: f64,
    /// Calibration, decision and abstention.
    pub rule: Rule,
    /// What cross-validation measured.
    pub quality: Quality,
    /// The same by origin, where the examples have several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<OriginQuality>,
    /// What the held-out judgements are of that the file keeps, see [`super::Model::validation`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validated: Vec<Validated>,
}

/// Examples that a head's errors were measured on, of one origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validated {
    /// The origin; empty where none was stated.
    pub origin: String,
    /// Examples judged.
    pub n: usize,
    /// How they were held out, in words.
    pub held_out: String,
}

/// A figure with its 95 % interval, where there are examples enough for one.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Figure {
    /// `None` where it is undefined.
    pub value: Option<f64>,
    /// Its ends.
    pub interval: Option<[f64; 2]>,
}

/// Quality on the articles of one origin that are on target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OriginQuality {
    /// The origin.
    pub origin: String,
    /// What judged it.
    pub held_out: String,
    /// Articles judged.
    pub n: usize,
    /// Area under the ROC curve of the polar classes against the rest.
    pub sided: Figure,
    /// Area under the ROC curve of one polar class against the other.
    pub direction: Figure,
    /// Mean F1 of the two polar classes.
    pub semeval_f: Figure,
    /// Mean F1 of all classes.
    pub macro_f1: Figure,
}

/// Quality by cross-validation: vocabulary, frequencies and weights fitted inside each fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// How the folds were made.
    pub folds: String,
    /// Examples judged.
    pub n: usize,
    /// Share of right decisions.
    pub accuracy: Option<f64>,
    /// Mean F1 of all classes.
    pub macro_f1: Option<f64>,
    /// Its 95 % interval.
    pub macro_f1_interval: Option<[f64; 2]>,
    /// Mean F1 of the two polar classes.
    pub semeval_f: Option<f64>,
    /// Its 95 % interval.
    pub semeval_f_interval: Option<[f64; 2]>,
}
