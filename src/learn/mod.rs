//! Learning: L2-regularised logistic regression, its solvers, and the choice of C.

pub mod classifier;
pub mod logistic;
pub mod path;
pub mod solver;

pub use classifier::{Classifier, Logistic};
pub use logistic::{ClassWeight, Scheme, Task, Weights};
pub use path::{CPath, LearnConfig, Sample};
pub use solver::{Solution, Solve, Solver};
