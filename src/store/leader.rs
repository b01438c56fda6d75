//! The leadership of a database: the right of one process to run its engine.

use super::Store;
use crate::error::{Code, Error, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// The right to run the engine of a database, held by one process at a time (P27).
///
/// It is a lock of the operating system on a file beside the database, so it ends with the process, however that ends.
/// A process that gets it knows that no job runs under the lease of another one any more.
#[derive(Debug)]
pub struct Leadership {
    _lock: File,
}

impl Store {
    /// Takes the leadership if nobody has it.
    ///
    /// # Errors
    /// `STORE-IO-001` if the lock file cannot be made.
    pub fn try_lead(&self) -> Result<Option<Leadership>> {
        let path = self.db.lock_path();
        let io = |e| Error::new(Code::StoreIo, format!("lock {}", path.display())).because(e);
        let options = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path);
        let file = options.map_err(io)?;
        match file.try_lock() {
            // The file may have been deleted between the open and the lock: such a lock would keep nobody out.
            Ok(()) if is_same(&file, &path) => Ok(Some(Leadership { _lock: file })),
            Ok(()) | Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
    }

    /// Whether a process has the leadership now. The look makes no file, and two looks at once do not disturb each other.
    ///
    /// # Errors
    /// `STORE-IO-001` if the lock file cannot be looked at.
    pub(crate) fn is_led(&self) -> Result<bool> {
        let path = self.db.lock_path();
        let io = |e| Error::new(Code::StoreIo, format!("look at {}", path.display())).because(e);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(io(error)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
    }
}

fn is_same(file: &File, path: &Path) -> bool {
    let place = |data: &std::fs::Metadata| (data.dev(), data.ino());
    file.metadata()
        .is_ok_and(|held| path.metadata().is_ok_and(|there| place(&held) == place(&there)))
}
