//! Writes the write-ahead log once more, as it is, and syncs it: after a commit that failed.
//!
//! A sync that fails leaves pages of the log in the kernel's memory that were never written and count as written. A later
//! commit syncs what it wrote itself; after a power cut the log would then end before it, at the first page that is missing.
//! Written again, each page is the kernel's to write, and the sync tells whether it did. That needs the write lock alone: a
//! reader, whose snapshot keeps the log from being emptied, sees the same bytes all the while.

use super::draft::beside;
use super::lock;
use crate::error::{Code, Error, Result, ignore};
use rusqlite::Connection;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes that are read and written at a time.
const PIECE: usize = 1 << 20;

/// Writes the log of the open database at `path` again and syncs it.
///
/// # Errors
/// `STORE-BUSY-001` while another program holds the write lock, `STORE-IO-001` if the disk refuses.
pub(super) fn log(conn: &Connection, path: &Path, within: Duration) -> Result<()> {
    let log = conn.path().filter(|name| !name.is_empty()).map_or(path, Path::new);
    let log: PathBuf = beside(log, "-wal");
    lock::begin(conn, within)?;
    // Unlike the other two files, SQLite never locks this one, so that closing it ends no lock.
    let written = again(&log);
    ignore(conn.execute_batch("ROLLBACK"), "nothing was changed in the transaction");
    let doing = || format!("write {} again after a failed commit", log.display());
    written.map_err(|error| Error::new(Code::StoreIo, doing()).because(error))
}

fn again(log: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(log)?;
    let (mut piece, mut at) = (vec![0; PIECE], 0);
    loop {
        let read = file.read_at(&mut piece, at)?;
        if read == 0 {
            return file.sync_all();
        }
        file.write_all_at(&piece[..read], at)?;
        at += read as u64;
    }
}
