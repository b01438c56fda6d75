//! Whether another process has a database open, and a hold that keeps others from reading it meanwhile.
//!
//! SQLite keeps a shared lock on a file in WAL mode for as long as a connection that has read it is open. So an exclusive lock
//! of the whole file is refused while one is, also to a program that neither leads nor writes.

use crate::error::{Code, Error, Result};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Holds the database at `path` so that no other process can begin to read it, until this is dropped. `None`: there is no such
/// file. This process must not have it open, nor open it meanwhile by another way than the answer: closing a file ends its
/// locks.
///
/// # Errors
/// `STORE-BUSY-002` if another process has it open, `STORE-IO-001` if this user may not write it.
pub(crate) fn hold(path: &Path) -> Result<Option<File>> {
    let doing = || format!("look who has {} open", path.display());
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|e| Error::new(Code::StoreIo, doing()).because(e))?,
    };
    match lock(&file) {
        Ok(true) => Ok(Some(file)),
        Ok(false) => {
            let why = format!("another process has {} open", path.display());
            Err(Error::new(Code::StoreInUse, "").because(why))
        }
        Err(error) => Err(Error::new(Code::StoreIo, doing()).because(error)),
    }
}

/// Whether this process has the lock now.
#[cfg(target_os = "linux")]
fn lock(file: &File) -> io::Result<bool> {
    use rustix::fs::{FlockOperation, fcntl_lock};
    use rustix::io::Errno;
    match fcntl_lock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::AGAIN | Errno::ACCESS) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Elsewhere the lock of the process that leads is all that is asked.
#[cfg(not(target_os = "linux"))]
fn lock(_file: &File) -> io::Result<bool> {
    Ok(true)
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_this_user_may_not_write_is_refused_and_one_that_is_not_there_is_not() {
        let folder = tempfile::tempdir().unwrap();
        assert!(hold(&folder.path().join("none")).unwrap().is_none());
        // Nobody may write this one, root neither.
        let refused = hold(Path::new("/sys/kernel/uevent_seqnum")).unwrap_err();
        assert_eq!(refused.code(), Code::StoreIo);
    }
}
