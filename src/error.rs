//! Everything that can go wrong, said so that the user can mend it.
//!
//! Each message names the place (`file:line` where there is one), what was found, and the next
//! step. The command line maps [`Error::exit_code`] to the process's exit status.

use std::fmt;
use std::path::{Path, PathBuf};

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A place in the input: a file and, where it has lines, the line (counted from 1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// The file as the user named it; empty for input that has no file.
    pub path: PathBuf,
    /// The line, counted from 1.
    pub line: Option<u64>,
}

impl Place {
    /// A whole file.
    pub fn file(path: impl AsRef<Path>) -> Self {
        Place { path: path.as_ref().to_owned(), line: None }
    }

    /// A line of a file.
    pub fn line(path: impl AsRef<Path>, line: u64) -> Self {
        Place { path: path.as_ref().to_owned(), line: Some(line) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.path.display()),
            None => write!(f, "{}", self.path.display()),
        }
    }
}

/// A failure the user can mend.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The call itself does not fit together.
    #[error("{0}")]
    Usage(String),

    /// A file could not be read.
    #[error("{path}: cannot be read: {source}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    /// An output could not be written; nothing half-written was left behind.
    #[error("{path}: cannot be written: {source}; name another place (-o, --report)", path = .path.display())]
    Write {
        /// The output.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    /// The bytes are not text in any encoding that is known here.
    #[error("{place}: {problem}")]
    Encoding {
        /// Where.
        place: Place,
        /// What was seen, and the remedy.
        problem: String,
    },

    /// There is nothing to work on.
    #[error("{place}: {problem}")]
    Empty {
        /// Where.
        place: Place,
        /// What is missing, and the remedy.
        problem: String,
    },

    /// A row or record is not of the form that was expected.
    #[error("{place}: {problem}")]
    Malformed {
        /// Where.
        place: Place,
        /// What was found, and the remedy.
        problem: String,
    },

    /// A label that is no class of its axis.
    #[error("{place}: «{label}» is no class of {axis} ({classes}); correct it, or add the class or an alias to labels.toml", classes = .classes.join(", "))]
    UnknownLabel {
        /// Where.
        place: Place,
        /// The label as written.
        label: String,
        /// The axis.
        axis: String,
        /// The classes it has.
        classes: Vec<String>,
    },

    /// Labels that contradict each other or the articles they are about.
    #[error("{place}: {problem}")]
    Labels {
        /// Where.
        place: Place,
        /// What contradicts, and the remedy.
        problem: String,
    },

    /// Not enough labelled examples for what was asked.
    #[error("{0}")]
    TooFew(String),

    /// A model file that is damaged, truncated, or no model at all.
    #[error("{path}: {problem}; take a fresh copy of the model or train it again", path = .path.display())]
    ModelDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },

    /// A sound model that this version cannot run.
    #[error("{path}: {problem}", path = .path.display())]
    ModelIncompatible {
        /// The file.
        path: PathBuf,
        /// What does not fit, and the remedy.
        problem: String,
    },

    /// A fit that stopped before its optimum.
    #[error(
        "{what} did not converge: gap at most {gap:.1e} of the objective after {iterations} iterations, wanted {wanted:.1e}; raise learn.max_iterations or choose a smaller C"
    )]
    NotConverged {
        /// Which fit.
        what: String,
        /// Upper bound of the relative gap to the optimum.
        gap: f64,
        /// The tolerance.
        wanted: f64,
        /// Newton or L-BFGS iterations used.
        iterations: usize,
    },
}

impl Error {
    /// The process exit status this failure stands for: 2 usage (also an output that cannot be
    /// written), 3 bad input, 4 damaged or incompatible model, 70 internal.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Usage(_) | Error::Write { .. } => 2,
            Error::ModelDamaged { .. } | Error::ModelIncompatible { .. } => 4,
            Error::NotConverged { .. } => 70,
            _ => 3,
        }
    }

    /// A [`Error::Malformed`] at a place.
    pub fn malformed(place: Place, problem: impl Into<String>) -> Self {
        Error::Malformed { place, problem: problem.into() }
    }
}
