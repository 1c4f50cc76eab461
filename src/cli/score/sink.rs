//! Where scores go. A file comes into being when it is complete.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fs4::fs_std::FileExt;
use kzstance::read::Position;
use kzstance::write::AtomicFile;
use kzstance::{Error, Result};
use tempfile::SpooledTempFile;

use super::super::talk::stdout_error;
use super::beside;
use super::journal::Journal;

/// What is held back in memory for standard output; more is held in a temporary file.
const HELD: usize = 64 << 20;
/// The journal is written after so long, or so many bytes of output.
const EVERY: Duration = Duration::from_secs(5);
const EVERY_BYTES: u64 = 256 << 20;

pub enum Sink {
    /// Held back until all is well: a failure leaves standard output empty. A stream is passed on as it comes.
    Standard(SpooledTempFile),
    File(AtomicFile, PathBuf),
    Partial(Box<Partial>),
    /// A run before did everything.
    Complete,
}

/// An output that a later run can go on with.
pub struct Partial {
    output: PathBuf,
    path: PathBuf,
    /// Locked as long as it is open.
    file: File,
    journal: Journal,
    /// Written, the checkpoints' bytes included.
    bytes: u64,
    since: Instant,
    every: Option<u64>,
}

impl Sink {
    pub fn standard() -> Self {
        Sink::Standard(SpooledTempFile::new(HELD))
    }

    pub fn file(path: &Path) -> Result<Self> {
        Ok(Sink::File(AtomicFile::create(path)?, path.to_owned()))
    }

    /// Goes on with what is beside `output`, if anything is; `wanted` is the journal of a run that begins.
    pub fn resumed(output: &Path, wanted: Journal, every: Option<u64>, keep_going: bool) -> Result<Self> {
        let (path, journal_path) = (beside(output, ".partial"), beside(output, ".partial.json"));
        let found = Journal::read(&journal_path)?;
        if let Some(found) = &found {
            let different = found.differs_from(&wanted, keep_going);
            if let Some(what) = different {
                return Err(Error::Usage(format!(
                    "{}: it was begun with {what}; go on as it was begun, or delete it and {} to begin anew",
                    path.display(),
                    journal_path.display()
                )));
            }
            // Stopped between its last two steps.
            let complete = |path: &Path| std::fs::metadata(path).is_ok_and(|file| file.len() == found.bytes);
            if found.complete && !path.exists() && complete(output) {
                let fail = |source| Error::Write { path: journal_path.clone(), source };
                std::fs::remove_file(&journal_path).map_err(fail)?;
                return Ok(Sink::Complete);
            }
        }
        let fail = |source| Error::Write { path: path.clone(), source };
        // What would fail at the very end is said first.
        drop(AtomicFile::create(output)?);
        let begun = found.is_some();
        let mut file =
            OpenOptions::new().create(!begun).truncate(false).write(true).open(&path).map_err(|source| {
                if source.kind() == io::ErrorKind::NotFound {
                    return Error::Usage(format!(
                        "{}: its journal is here and it is not; delete {} to begin anew",
                        path.display(),
                        journal_path.display()
                    ));
                }
                Error::Write { path: path.clone(), source }
            })?;
        if !FileExt::try_lock_exclusive(&file).map_err(fail)? || !is_at(&file, &path) {
            return Err(Error::Usage(format!(
                "{}: another run is writing to it; wait for its end, or give another name with -o",
                path.display()
            )));
        }
        let journal = found.unwrap_or(wanted);
        if file.metadata().map_err(fail)?.len() < journal.bytes {
            return Err(Error::Usage(format!(
                "{}: it is shorter than its journal says, so something is lost; delete it and {} to begin anew",
                path.display(),
                journal_path.display()
            )));
        }
        file.set_len(journal.bytes).map_err(fail)?;
        file.seek(SeekFrom::End(0)).map_err(fail)?;
        if !begun {
            journal.write(&journal_path)?;
        }
        let bytes = journal.bytes;
        let output = output.to_owned();
        let partial = Partial { output, path, file, journal, bytes, since: Instant::now(), every };
        Ok(Sink::Partial(Box::new(partial)))
    }

    /// Where to go on in the inputs.
    pub fn position(&self) -> Position {
        match self {
            Sink::Partial(partial) => partial.journal.position,
            _ => Position::default(),
        }
    }

    /// Records scored and records skipped before that.
    pub fn counts(&self) -> (u64, u64) {
        match self {
            Sink::Partial(partial) => (partial.journal.documents, partial.journal.skipped),
            _ => (0, 0),
        }
    }

    /// Whether all is written already.
    pub fn is_complete(&self) -> bool {
        match self {
            Sink::Partial(partial) => partial.journal.complete,
            Sink::Complete => true,
            Sink::Standard(_) | Sink::File(..) => false,
        }
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Sink::Standard(held) => held.write_all(bytes).map_err(stdout_error),
            Sink::File(file, path) => {
                file.write_all(bytes).map_err(|source| Error::Write { path: path.clone(), source })
            }
            Sink::Partial(partial) => {
                partial.bytes += bytes.len() as u64;
                let path = &partial.path;
                partial.file.write_all(bytes).map_err(|source| Error::Write { path: path.clone(), source })
            }
            Sink::Complete => Ok(()),
        }
    }

    /// Passes on what was held back for standard output.
    pub fn pass_on(&mut self) -> Result<()> {
        let Sink::Standard(held) = self else { return Ok(()) };
        let pass = |held: &mut SpooledTempFile| {
            let mut out = io::stdout().lock();
            held.rewind()?;
            io::copy(held, &mut out)?;
            out.flush()?;
            held.rewind()?;
            held.set_len(0)
        };
        pass(held).map_err(stdout_error)
    }

    /// Notes that everything before `position` is written, where there is a journal and it is time.
    pub fn checkpoint(&mut self, position: Position, documents: u64, skipped: u64) -> Result<()> {
        let Sink::Partial(partial) = self else { return Ok(()) };
        let due = match partial.every {
            Some(every) => documents + skipped >= partial.journal.documents + partial.journal.skipped + every,
            None => partial.since.elapsed() >= EVERY || partial.bytes >= partial.journal.bytes + EVERY_BYTES,
        };
        let journal = &mut partial.journal;
        if due {
            (journal.position, journal.documents, journal.skipped) = (position, documents, skipped);
            partial.checkpoint()?;
        }
        Ok(())
    }

    pub fn finish(mut self) -> Result<()> {
        self.pass_on()?;
        match self {
            Sink::Standard(_) | Sink::Complete => Ok(()),
            Sink::File(file, _) => file.commit(),
            Sink::Partial(partial) => partial.finish(),
        }
    }
}

impl Partial {
    fn checkpoint(&mut self) -> Result<()> {
        // The journal never says more than the disk has.
        self.file.sync_data().map_err(|source| Error::Write { path: self.path.clone(), source })?;
        self.journal.bytes = self.bytes;
        self.journal.write(&beside(&self.output, ".partial.json"))?;
        self.since = Instant::now();
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        let journal = beside(&self.output, ".partial.json");
        self.journal.complete = true;
        self.checkpoint()?;
        let Partial { path, output, file, .. } = self;
        // Elsewhere the lock is held until all is done; there an open file has no other name.
        #[cfg(windows)]
        drop(file);
        std::fs::rename(path, &output).map_err(|source| Error::Write { path: output.clone(), source })?;
        let done = std::fs::remove_file(journal).map_err(|source| Error::Write { path: output, source });
        #[cfg(not(windows))]
        drop(file);
        done
    }
}

/// Whether an open file is still the one of this name: a run that has just ended has renamed it.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let of = |found: io::Result<std::fs::Metadata>| found.map(|found| (found.dev(), found.ino())).ok();
    of(file.metadata()).is_some_and(|here| Some(here) == of(std::fs::metadata(path)))
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}
