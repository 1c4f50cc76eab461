//! How good a model is: folds, cross-validation, metrics and their intervals.

pub mod agreement;
pub mod baselines;
pub mod cross;
pub mod curve;
pub mod duplicates;
pub mod folds;
pub mod interval;
pub mod metrics;
pub mod origins;
pub mod probes;
pub mod risk;
pub mod sample;

pub use cross::{AxisEvaluation, Evaluation, FoldPlan, evaluate};
pub use interval::Interval;
pub use metrics::{Confusion, Metrics};
pub use sample::Prediction;
