//! The lock beside a database: it tells at once that the process which led is dead.
//!
//! Who leads is a row (`job_leader`), whose epoch every write of a leader names. The lock is only the fast way to know
//! that the lead is free: the operating system gives it back when its holder ends, however that ends.

use super::Store;
use super::sqlite;
use crate::error::{Code, Error, Result, ignore};
use crate::files;
use crate::model::WorkerId;
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Longest text of the lock file that is read: a worker's name is shorter.
const MAX_NAME: u64 = 1000;

/// The lock of the process that leads (P27), held by one process at a time.
///
/// The file has the name of the worker that holds it. A worker that gives the lock up wipes its name out, so that a name
/// which is found there is that of a worker that ended without doing so.
#[derive(Debug)]
pub struct Leadership {
    lock: File,
    died: Option<WorkerId>,
}

impl Leadership {
    /// The worker that held the lock before and ended without giving it up.
    pub fn died(&self) -> Option<&WorkerId> {
        self.died.as_ref()
    }

    /// Gives the lock back as it was found: with the name of the worker that died with it.
    pub(crate) fn put_back(mut self) {
        let name = self.died.as_ref().map_or("", WorkerId::as_str);
        let written = write_name(&mut self.lock, name);
        if let Err(error) = written {
            tracing::info!(%error, "the name in the lock file could not be put back");
        }
    }

    /// Gives the lock back while this process lives on.
    pub fn give_up(self) {
        // A name that stays says that a worker is dead which is not: its lease, not this file, would then be what it loses.
        if let Err(error) = self.lock.set_len(0) {
            tracing::info!(%error, "the name in the lock file could not be wiped out");
        }
    }
}

/// To close the file alone would not do: a program that is just being started has the lock too until it runs.
impl Drop for Leadership {
    fn drop(&mut self) {
        ignore(self.lock.unlock(), "closing the file ends the lock a moment later");
    }
}

impl Store {
    /// Takes the lock for `worker` if nobody has it.
    ///
    /// # Errors
    /// `STORE-IO-001` if the lock file cannot be made.
    pub fn try_lead(&self, worker: &WorkerId) -> Result<Option<Leadership>> {
        let path = self.db.lock_path();
        let Some(file) = lock(&path)? else { return Ok(None) };
        sign(file, worker).map(Some).map_err(|e| unlocked(&path, e))
    }

    /// The name in the lock file: the worker that holds the lock, or that ended without giving it up.
    pub(crate) fn lock_holder(&self) -> Option<WorkerId> {
        let mut name = String::new();
        let file = files::open(&self.db.lock_path()).ok()?;
        file.take(MAX_NAME).read_to_string(&mut name).ok()?;
        WorkerId::parse(name).ok()
    }

    /// Whether a process has the lock now. The look makes no file, and two looks at once do not disturb each other.
    ///
    /// # Errors
    /// `STORE-IO-001` if the lock file cannot be looked at.
    pub(crate) fn is_led(&self) -> Result<bool> {
        let path = self.db.lock_path();
        let io = |e| Error::new(Code::StoreIo, format!("look at {}", path.display())).because(e);
        let file = match files::open(&path) {
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

/// Takes the lock of a file, which is made if need be; `None` while somebody has it.
///
/// # Errors
/// `STORE-IO-001` if the file cannot be made or locked.
fn lock(path: &Path) -> Result<Option<File>> {
    let file = files::open_or_make(path).map_err(|e| unlocked(path, e))?;
    let is_taken = files::try_lock(&file).map_err(|e| unlocked(path, e))?;
    // The file may have been deleted between the open and the lock: such a lock would keep nobody out.
    Ok((is_taken && is_same(&file, path)).then_some(file))
}

/// The same of the lock beside a database of our own.
#[cfg(feature = "cli")]
pub(crate) fn lock_of(database: &Path) -> Result<Option<File>> {
    lock(&sqlite::lock_beside(database))
}

fn unlocked(path: &Path, error: std::io::Error) -> Error {
    Error::new(Code::StoreIo, format!("lock {}", path.display())).because(error)
}

/// Writes the name of the holder into the locked file, and reads who held it before.
fn sign(mut lock: File, worker: &WorkerId) -> std::io::Result<Leadership> {
    let mut name = Vec::new();
    Read::by_ref(&mut lock).take(MAX_NAME).read_to_end(&mut name)?;
    let died = String::from_utf8(name).ok().and_then(|name| WorkerId::parse(name).ok());
    write_name(&mut lock, worker.as_str())?;
    Ok(Leadership { lock, died })
}

fn write_name(lock: &mut File, name: &str) -> std::io::Result<()> {
    lock.set_len(0)?;
    lock.seek(SeekFrom::Start(0))?;
    lock.write_all(name.as_bytes())
}

fn is_same(file: &File, path: &Path) -> bool {
    file.metadata().is_ok_and(|held| {
        path.metadata().is_ok_and(|there| sqlite::place(&held) == sqlite::place(&there))
    })
}
