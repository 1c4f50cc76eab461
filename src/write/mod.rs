//! Outputs that are whole or absent.

pub mod cells;
mod compress;
#[cfg(feature = "parquet")]
pub mod parquet;

use std::io::Write;
use std::path::Path;

pub use compress::Compression;

use crate::error::{Error, Result};

/// Writes a file beside its place and renames it there: a reader sees the old file or the new one,
/// and a failure leaves nothing behind. Missing folders are made.
///
/// # Errors
/// [`Error::Write`].
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut output = AtomicFile::create(path)?;
    output.write_all(bytes).map_err(|source| Error::Write { path: path.to_owned(), source })?;
    output.commit()
}

/// A file that comes into being when it is complete.
#[derive(Debug)]
pub struct AtomicFile {
    path: std::path::PathBuf,
    file: tempfile::NamedTempFile,
}

impl AtomicFile {
    /// Begins a file at `path`.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn create(path: &Path) -> Result<Self> {
        let fail = |source| Error::Write { path: path.to_owned(), source };
        if path.is_dir() {
            return Err(fail(std::io::Error::other("this is a folder")));
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(folder).map_err(fail)?;
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // Subject to the umask, as for any file that a program creates.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let file = builder.prefix(".kzstance-").tempfile_in(folder).map_err(fail)?;
        Ok(AtomicFile { path: path.to_owned(), file })
    }

    /// Waits until what was written is on the disk.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn sync(&mut self) -> Result<()> {
        let fail = |source| Error::Write { path: self.path.clone(), source };
        self.file.flush().map_err(fail)?;
        self.file.as_file().sync_data().map_err(fail)
    }

    /// Puts the complete file in its place.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn commit(mut self) -> Result<()> {
        let AtomicFile { path, file } = &mut self;
        let fail = |source| Error::Write { path: path.clone(), source };
        file.flush().map_err(fail)?;
        let path = self.path.clone();
        self.file.persist(&self.path).map_err(|error| Error::Write { path, source: error.error })?;
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}
