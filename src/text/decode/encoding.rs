//! The names of the encodings.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// The encodings that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// UTF-8 without a byte order mark.
    Utf8,
    /// UTF-8 that begins with a byte order mark. It is found, never asked for: `utf-8` reads both.
    Utf8Bom,
    /// UTF-16, low byte first, with or without a byte order mark.
    Utf16Le,
    /// UTF-16, high byte first, with or without a byte order mark.
    Utf16Be,
    /// Windows code page 1256 as the WHATWG Encoding Standard maps it.
    Windows1256,
}

impl Encoding {
    /// The encodings a user can ask for, in the order in which messages list them.
    pub const GIVEN: [Encoding; 4] =
        [Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be, Encoding::Windows1256];

    /// The name, as [`fmt::Display`] writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 => "utf-8",
            Encoding::Utf8Bom => "utf-8-bom",
            Encoding::Utf16Le => "utf-16le",
            Encoding::Utf16Be => "utf-16be",
            Encoding::Windows1256 => "windows-1256",
        }
    }

    /// The encoding as it is asked for: UTF-8 with and without a mark are one.
    pub(super) const fn asked(self) -> Self {
        match self {
            Encoding::Utf8Bom => Encoding::Utf8,
            other => other,
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Encoding {
    type Err = Error;

    /// Reads one of the names of [`Encoding::GIVEN`], in upper or lower case.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] with the known names for every other name, `utf-8-bom` among them.
    fn from_str(name: &str) -> Result<Self> {
        Encoding::GIVEN.into_iter().find(|known| known.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
            let hint = if name.eq_ignore_ascii_case("utf-8-bom") {
                "; utf-8 reads files with a mark too"
            } else {
                ""
            };
            Error::Usage(format!("unknown encoding «{name}»; known are {KNOWN}{hint}"))
        })
    }
}

/// [`Encoding::GIVEN`], for messages.
pub(super) const KNOWN: &str = "utf-8, utf-16le, utf-16be, windows-1256";

#[cfg(test)]
mod tests {
    use super::super::samples::assert_says;
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for encoding in Encoding::GIVEN {
            assert_eq!(encoding.to_string().parse::<Encoding>().unwrap(), encoding);
            assert_eq!(encoding.name().to_uppercase().parse::<Encoding>().unwrap(), encoding);
        }
        assert_eq!(Encoding::GIVEN.map(Encoding::name).join(", "), KNOWN);
        assert_eq!(Encoding::Utf8Bom.to_string(), "utf-8-bom");
        for unknown in ["utf-8-bom", "utf-16", "latin1", ""] {
            let error = unknown.parse::<Encoding>().unwrap_err();
            assert!(matches!(error, Error::Usage(_)));
            assert_says(&error.to_string(), &[unknown, KNOWN]);
        }
    }
}
