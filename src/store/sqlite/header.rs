//! The first bytes of a database file of ours, read before SQLite sees the file: whose it is, and whether it is whole.

use super::draft::beside;
use crate::error::{Code, Error, Result};
use crate::files;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The `user_version` of a file whose versions stand in the ledger. Version 0.1.0 counted its migrations there, up to 6,
/// and refuses such a file as a newer one.
pub(super) const LEDGER_MARK: i32 = 100;
/// Bytes of the header.
pub(super) const LENGTH: usize = 100;
/// SQLite's magic, the first 16 bytes of each of its files.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Bytes at the beginning of a write-ahead log, and before each of its pages.
pub(super) const LOG_HEADER: u64 = 32;
pub(super) const FRAME_HEADER: u64 = 24;
/// A file is measured again where it seems too short: another process may just have written to it.
pub(super) const MEASURES: u32 = 3;

/// Refuses a file that is not ours, or that is shorter than its header says; answers whether this is the first look.
///
/// Closing a descriptor drops the locks that SQLite holds on the same file in this process, so a file is looked at
/// once per process, before its first open.
///
/// # Errors
/// `STORE-FILE-001` another program's, `STORE-FILE-002` a newer one, `STORE-FILE-005` one of version 0.1.0,
/// `STORE-FILE-007` one of which the end is missing.
pub(super) fn check(path: &Path, application_id: i32) -> Result<bool> {
    static SEEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let io = |source| Error::new(Code::StoreIo, format!("read {}", path.display())).because(source);
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let whole = path.canonicalize().map_err(io)?;
    if seen.contains(&whole) {
        return Ok(false);
    }
    let mut header = Header::read(path).map_err(io)?;
    let ours = header.as_ref().is_some_and(|header| header.is_of(application_id));
    let doing = format!("open {}", path.display());
    let Some(found) = header.take_if(|_| ours) else {
        return Err(Error::new(Code::StoreForeign, doing));
    };
    let version = found.number(60);
    match version.cmp(&LEDGER_MARK) {
        Ordering::Less => Err(Error::new(Code::StoreFirst, doing)),
        Ordering::Greater => {
            let doing = format!("{doing}: version {version}, known up to {LEDGER_MARK}");
            Err(Error::new(Code::StoreNewer, doing))
        }
        Ordering::Equal => {
            check_length(path, found)?;
            Ok(seen.insert(whole))
        }
    }
}

/// The header of a file.
struct Header([u8; LENGTH]);

impl Header {
    /// `None` if the file is too short to have one.
    fn read(path: &Path) -> std::io::Result<Option<Self>> {
        let mut header = [0; LENGTH];
        match files::open(path).and_then(|mut file| file.read_exact(&mut header)) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            read => read.map(|()| Some(Self(header))),
        }
    }

    fn is_of(&self, application_id: i32) -> bool {
        self.0.starts_with(MAGIC) && self.number(68) == application_id
    }

    fn number(&self, at: usize) -> i32 {
        i32::from_be_bytes([self.0[at], self.0[at + 1], self.0[at + 2], self.0[at + 3]])
    }

    fn page_size(&self) -> u64 {
        match u16::from_be_bytes([self.0[16], self.0[17]]) {
            1 => 65_536,
            size => u64::from(size),
        }
    }

    /// Bytes that the file has at least, were its log of `log` bytes written back; 0 where the header does not say it.
    fn least(&self, log: u64) -> u64 {
        let says = self.number(24) == self.number(92);
        let pages = if says { u64::from(self.number(28).unsigned_abs()) } else { 0 };
        let frame = self.page_size() + FRAME_HEADER;
        // A kill in the midst of a checkpoint may leave the header of a file whose last pages are in the log alone.
        pages.saturating_sub(log.saturating_sub(LOG_HEADER) / frame) * self.page_size()
    }
}

/// Refuses a file whose end is missing. A write that a kill cut off is undone by SQLite first.
fn check_length(path: &Path, mut header: Header) -> Result<()> {
    let io = |source| Error::new(Code::StoreIo, format!("read {}", path.display())).because(source);
    let length = |path: &Path| fs::metadata(path).map_or(0, |data| data.len());
    let (log, journal) = (beside(path, "-wal"), beside(path, "-journal"));
    let mut missing = 0;
    for _ in 0..MEASURES {
        let before = length(&log);
        if let Some(found) = Header::read(path).map_err(io)? {
            header = found;
        }
        let bytes = length(path);
        missing = header.least(before.max(length(&log))).saturating_sub(bytes);
        if missing == 0 || length(&journal) > 0 {
            return Ok(());
        }
    }
    let doing =
        format!("open {}: it is cut off, {missing} bytes are missing at its end", path.display());
    Err(Error::new(Code::StoreLost, doing))
}
