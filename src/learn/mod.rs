//! Learning: L2-regularised logistic regression, its solvers, the choice of C, and what is made of its
//! scores: calibrated probabilities, decisions, abstentions.

pub mod calibrate;
pub mod classifier;
pub mod conformal;
pub mod decide;
pub mod leave_out;
pub mod logistic;
pub mod path;
pub mod prior;
pub mod solver;
pub mod validation;

pub use classifier::{Classifier, Logistic};
pub use decide::{Judgement, Rule, Seen};
pub use logistic::{ClassWeight, Scheme, Task, Weights};
pub use path::{CPath, LearnConfig, Sample};
pub use solver::{Solution, Solve, Solver};
pub use validation::Validation;
