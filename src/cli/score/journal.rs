//! What a run that may be stopped notes down, so that a later one can go on.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use kzstance::document::sha256_hex;
use kzstance::read::{Input, Position};
use kzstance::write::AtomicFile;
use kzstance::{Error, Result};
use serde::{Deserialize, Serialize};

const SCHEMA: &str = "kzstance-journal/1";
/// Of each end of an input, what is compared.
const END: u64 = 64 << 10;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    schema: String,
    program: String,
    /// SHA-256.
    model: String,
    /// Everything that shapes the output.
    options: BTreeMap<String, String>,
    inputs: Vec<Known>,
    /// What is written is the output of everything before it.
    pub position: Position,
    /// Length of the output until there.
    pub bytes: u64,
    pub documents: u64,
    pub skipped: u64,
    /// Whether only the last steps are left: to give the output its name, and to delete this.
    pub complete: bool,
}

/// An input as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    path: String,
    size: u64,
    /// SHA-256 of its first and last 64 KiB.
    ends: String,
}

impl Journal {
    /// Of a run that begins.
    pub fn of(model: String, options: BTreeMap<String, String>, inputs: &[Input]) -> Result<Self> {
        let files = inputs.iter().filter_map(|input| match input {
            Input::File(path) => Some(path),
            Input::Standard => None,
        });
        Ok(Journal {
            schema: SCHEMA.into(),
            program: env!("CARGO_PKG_VERSION").into(),
            model,
            options,
            inputs: files.map(|path| Known::of(path)).collect::<Result<_>>()?,
            position: Position::default(),
            bytes: 0,
            documents: 0,
            skipped: 0,
            complete: false,
        })
    }

    /// The journal at `path`, if there is one.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Read { path: path.to_owned(), source }),
        };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            Error::Usage(format!(
                "{}: not a journal of this program ({error}); delete it and the file beside it to begin anew",
                path.display()
            ))
        })
    }

    /// Replaces the journal at `path`, and is on the disk then.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut file = AtomicFile::create(path)?;
        // Serialising plain data cannot fail.
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        file.write_all(&text).map_err(|source| Error::Write { path: path.to_owned(), source })?;
        file.sync()?;
        file.commit()
    }

    /// What a run would do otherwise than this one did.
    pub fn differs_from(&self, other: &Journal, keep_going: bool) -> Option<String> {
        if (&self.schema, &self.program) != (&other.schema, &other.program) {
            return Some(format!("version {} of this program", self.program));
        }
        if self.model != other.model {
            return Some("another model".into());
        }
        let name = |name: &String| {
            let given = self.options.get(name).map_or("", String::as_str);
            if given.is_empty() { format!("no {name}") } else { format!("{name} {given}") }
        };
        let option = other.options.iter().find(|(name, value)| self.options.get(*name) != Some(value));
        if let Some((option, _)) = option {
            return Some(name(option));
        }
        if self.skipped > 0 && !keep_going {
            return Some("--keep-going, and has skipped records".into());
        }
        let paths =
            |journal: &Journal| journal.inputs.iter().map(|input| input.path.clone()).collect::<Vec<_>>();
        if paths(self) != paths(other) {
            return Some("other inputs".into());
        }
        let changed = self.inputs.iter().zip(&other.inputs).find(|(before, now)| before != now);
        changed.map(|(input, _)| format!("another content of {}", input.path))
    }
}

impl Known {
    fn of(path: &Path) -> Result<Self> {
        let read = || -> std::io::Result<Known> {
            let mut file = File::open(path)?;
            let size = file.metadata()?.len();
            let mut ends = Vec::new();
            (&mut file).take(END).read_to_end(&mut ends)?;
            file.seek(SeekFrom::Start(size.saturating_sub(END)))?;
            file.take(END).read_to_end(&mut ends)?;
            Ok(Known { path: path.to_string_lossy().into_owned(), size, ends: sha256_hex(&ends) })
        };
        read().map_err(|source| Error::Read { path: path.to_owned(), source })
    }
}
