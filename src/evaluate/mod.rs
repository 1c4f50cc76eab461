//! How good a model is: folds, cross-validation, metrics and their intervals.

pub mod agreement;
pub(crate) mod assemble;
pub mod baselines;
pub(crate) mod beside;
pub mod compare;
pub mod cross;
pub mod curve;
pub mod duplicates;
pub mod evaluation;
pub mod figures;
pub mod folds;
pub mod gate;
pub mod interval;
pub mod metrics;
pub mod origins;
pub mod prevalence;
pub mod probes;
pub mod ranking;
pub mod risk;
pub mod sample;
pub(crate) mod slices;
pub(crate) mod splits;

pub use cross::{FoldPlan, Plan, evaluate};
pub use evaluation::{AxisEvaluation, Evaluation};
pub use figures::{Figure, Figures};
pub use interval::Interval;
pub use metrics::{Confusion, Metrics};
pub use sample::Prediction;
