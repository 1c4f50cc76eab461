//! From bytes to words: decoding, tokens, Arabic normalisation, segments with a voice.
//!
//! Tokens are found in the *original* text and keep their place in it; normalisation works on one
//! token at a time. So every normalised word can be shown where it stood, and a bag of surface
//! tokens normalises to the very words that its text would have given.

pub mod decode;
pub mod normalize;
pub(crate) mod scan;
pub mod segment;
pub mod tokens;

pub use decode::{Decoded, Encoding, decode};
pub use normalize::{NORMALIZER_VERSION, Normalizer, Step};
pub use segment::{Span, Voice, segments};
pub use tokens::{Token, TokenKind, tokens};
