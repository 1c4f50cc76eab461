//! A trained model: what is stored ([`Model`]), how it is stored ([`mod@file`]), how it runs
//! ([`Scorer`]), and what is told of it ([`card`]).

pub mod card;
pub mod file;
pub mod header;
mod index;
mod keys;
pub mod scorer;
pub mod terms;
mod words;

pub use crate::learn::Judgement;
pub use file::Model;
pub use header::{FORMAT_VERSION, Figure, HeadInfo, Header, OriginQuality, Quality, Validated};
pub use scorer::{Evidence, Score, Scorer, Session};
