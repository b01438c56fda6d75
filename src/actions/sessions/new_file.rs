//! A new file in which a person wants what a session has left.

use crate::error::{Code, Error, Result, ignore};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A file that its owner alone may read, because it says what an agent saw. Unless it is finished, it is removed.
#[derive(Debug)]
pub struct NewFile {
    file: File,
    path: PathBuf,
    is_whole: bool,
}

impl NewFile {
    /// Makes the file. One that is there stays as it is.
    ///
    /// # Errors
    /// `CLI-OUTPUT-002` for a file that is there, `CLI-OUTPUT-001` with the system's reason else.
    pub fn create(path: &Path) -> Result<Self> {
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = made.map_err(|error| refused(path, error))?;
        Ok(Self { file, path: path.to_owned(), is_whole: false })
    }

    /// Appends to it.
    ///
    /// # Errors
    /// As [`NewFile::create`].
    pub fn write(&mut self, part: &[u8]) -> Result<()> {
        self.file.write_all(part).map_err(|error| refused(&self.path, error))
    }

    /// Says that it is whole.
    ///
    /// # Errors
    /// As [`NewFile::create`].
    pub fn finish(mut self) -> Result<()> {
        self.file.sync_all().map_err(|error| refused(&self.path, error))?;
        self.is_whole = true;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_whole {
            ignore(std::fs::remove_file(&self.path), "half a file is of no use to anybody");
        }
    }
}

fn refused(path: &Path, error: io::Error) -> Error {
    let doing = format!("write to {}", path.display());
    if error.kind() == io::ErrorKind::AlreadyExists {
        return Error::new(Code::OutputTaken, doing);
    }
    Error::new(Code::CliOutput, doing).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_kept_and_half_a_file_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("told.md");
        let mut half = NewFile::create(&path).unwrap();
        half.write(b"one").unwrap();
        drop(half);
        assert!(!path.exists());
        let mut whole = NewFile::create(&path).unwrap();
        whole.write(b"one").unwrap();
        whole.finish().unwrap();
        let refused = NewFile::create(&path).unwrap_err();
        assert_eq!(refused.code(), Code::OutputTaken);
        let refused = NewFile::create(&folder.path().join("no/folder")).unwrap_err();
        assert_eq!(refused.code(), Code::CliOutput);
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
    }
}
