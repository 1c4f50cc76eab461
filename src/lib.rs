//! Stance and sentiment of Arabic news.

pub mod check;
pub mod config;
pub mod corpus;
pub mod document;
pub mod error;
pub mod evaluate;
pub mod extract;
pub mod features;
pub mod label;
pub mod learn;
pub mod model;
pub mod read;
pub mod rng;
pub mod sparse;
pub mod text;
pub mod train;
pub mod write;

pub use corpus::{Corpus, Example};
pub use document::Document;
pub use error::{Error, Result};
