//! An evaluation for readers: a page, a comment, a summary, a test report, and the figures for programs.
//!
//! Everything is rendered from one [`Report`]; no renderer measures anything. What stands in a report
//! besides figures (names of outlets, ids, words of articles) was written by others: every format escapes
//! it by its own rules, takes away what would turn the direction of the text around it, and says what is
//! undefined or rests on too few examples in words.

use crate::evaluate::evaluation::Evaluation;
use crate::evaluate::gate::GateResult;

pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod share;
pub mod share_plot;
pub mod svg;
mod words;

pub use html::Html;
pub use json::{Json, read_evaluation};
pub use junit::Junit;
pub use markdown::{Comment, Summary};
pub use share::{Share, share};

/// What is reported.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What was found.
    pub evaluation: Evaluation,
    /// What was asked of it.
    pub gates: Vec<GateResult>,
}

/// A form of a report.
pub trait Render {
    /// The file's name.
    fn name(&self) -> &'static str;

    /// The file's content.
    fn render(&self, report: &Report) -> String;
}

/// Every form, that for programs first.
pub fn all() -> Vec<Box<dyn Render>> {
    vec![Box::new(Json), Box::new(Html), Box::new(Summary), Box::new(Comment), Box::new(Junit)]
}
