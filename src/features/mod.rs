//! From words to TF-IDF: a document is a bag of words, a word is a bag of features.
//!
//! The usual TF-IDF matrix X (documents x features) repeats a word's features for each of its
//! occurrences. Features here never cross a word's edge, so X factors into
//!
//! ```text
//! X_b = N_b · C · P_b · diag(idf_b)      for each block b, side by side
//!
//! C    documents x words     weighted term frequency
//! P_b  words x features      how often a word has each feature of block b
//! N_b  documents             1 / sqrt( sum over words (c_w² · ||g_w||²) ), so rows have unit length
//!                            with words taken as orthogonal
//! ```
//!
//! (In a block of manner a row is divided by the sum of its words' weights instead, so that it holds
//! shares, and each share by its standard deviation.) X itself is never stored: training multiplies by the
//! thin factors, scoring adds up one number a word and class.

pub mod config;
pub mod design;
pub mod extract;
pub mod intern;
pub mod lexicon;
pub mod manner;
pub mod polarity;
pub(crate) mod stem;
mod svd;
pub mod vectorizer;
pub mod vectors;

pub use config::{Block, FeatureConfig, InverseDocumentFrequency, TermFrequency};
pub use design::{Design, Operator};
pub use extract::Extractor;
pub use lexicon::Lexicon;
pub use vectorizer::Vectorizer;
