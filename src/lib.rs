//! Stance and sentiment of Arabic news: train, score and evaluate, with honest intervals.
//!
//! The road of one article, one room a stage, in this order:
//!
//! 1. [`text`]: bytes to text, text to words and segments;
//! 2. [`document`]: bags of surface tokens, with or without the text;
//! 3. [`features`]: words to TF-IDF features, factored by word types;
//! 4. [`learn`]: logistic regression, its solvers, the choice of C;
//! 5. [`model`]: what is stored, and what runs;
//! 6. [`mod@evaluate`]: folds, metrics, intervals;
//! 7. [`report`]: what was found, for readers and for programs.
//!
//! [`read`] brings articles and labels in, [`train()`] walks the whole road. Everything is deterministic: the same
//! corpus, settings and seed give the same bytes at any number of threads.
//!
//! ```
//! use kzstance::{Axis, Corpus, Document, Example, Scorer, TrainConfig};
//!
//! let texts = [
//!     ("أ", "قرار صائب وخطوة ضرورية لحماية الناس", 0),
//!     ("ب", "خطوة ضرورية وقرار شجاع أعاد الهدوء", 0),
//!     ("ج", "احتلال سافر وعدوان على إرادة الناس", 1),
//!     ("د", "عدوان سافر وقمع لا يبرره شيء", 1),
//!     ("ه", "وصلت الطائرات إلى المطار صباح اليوم", 2),
//!     ("و", "قالت الوزارة إن الطائرات غادرت المطار", 2),
//! ];
//! let corpus = Corpus {
//!     name: "example".into(),
//!     axes: vec![Axis::stance()],
//!     examples: texts.iter().map(|&(id, text, class)| Example::new(Document::from_text(id, text), vec![Some(class)])).collect(),
//!     ..Corpus::default()
//! };
//! let trained = kzstance::train(&corpus, &TrainConfig::default(), &|| ())?;
//! let scorer = Scorer::new(&trained.model)?;
//! let score = scorer.score(&Document::from_text("x", "عدوان سافر على المطار"), 3);
//! assert_eq!(score.heads[0].probabilities.len(), 3);
//! assert_eq!(score.evidence.len(), 3);
//! # Ok::<(), kzstance::Error>(())
//! ```

pub mod check;
pub mod config;
pub mod corpus;
pub mod date;
pub mod document;
pub mod error;
pub mod evaluate;
pub mod extract;
pub mod features;
pub mod label;
pub mod learn;
pub mod model;
pub mod pipeline;
pub mod read;
pub mod report;
pub mod review;
pub mod rng;
pub mod sparse;
pub mod text;
pub mod train;
pub mod write;

pub use config::TrainConfig;
pub use corpus::{Corpus, Example};
pub use document::Document;
pub use error::{Error, Result};
pub use evaluate::evaluate;
pub use label::Axis;
pub use model::{Model, Scorer};
pub use read::read_labels;
pub use rng::RngSeed;
pub use train::{Trained, train};
