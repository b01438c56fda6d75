//! Connections that cannot write: what is found may be refused, and is then left as it is (P28).

use crate::error::Result;
use rusqlite::{Connection, OpenFlags};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

/// How long a statement waits for another program's lock. It is much longer than any write of ours; a program that holds the file
/// longer than this is an error worth reporting. The writer waits by `Limits::lock_wait` instead.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads the file as it lies there, without its log and without locks, and leaves nothing beside it. Only for a file
/// without a log that this process has not open: the descriptor is closed at the end.
#[expect(clippy::disallowed_methods, reason = "this module opens connections")]
pub(super) fn closed<T>(path: &Path, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    let mut uri = String::from("file:");
    for &byte in path.as_os_str().as_encoded_bytes() {
        if plain(byte) {
            uri.push(char::from(byte));
        } else {
            write!(uri, "%{byte:02X}").expect("a string takes every text");
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?;
    read(&conn)
}

/// Opens the file as its log has it.
#[expect(clippy::disallowed_methods, reason = "this module opens connections")]
pub(super) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    Ok(conn)
}
