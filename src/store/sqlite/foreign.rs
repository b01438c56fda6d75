//! Opens another program's database for one question, without a trace.
//!
//! *Source:* <https://sqlite.org/wal.html#read_only_databases>. A connection to a database in WAL mode makes the files `-wal` and `-shm`
//! where there are none; made by another user than the owner they would lock the owner out. So a database that nobody has open is read as if it
//! could not change, and what was read counts only if it has not.

mod view;

use super::peek;
use crate::error::{Code, Error, Result};
use crate::model::LogTable;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The longest that a transaction is open: for as long the other program's log cannot be written back, and where it has none, its writes wait.
pub(in crate::store) const MAX_TIME: Duration = Duration::from_secs(5);
/// How long a question waits for the other program's lock.
const BUSY: Duration = Duration::from_secs(5);
/// Steps of SQLite's machine between two looks at the time.
const STEPS: i32 = 1_000;
/// How often a database is read that somebody changes meanwhile though nobody had it open.
const MAX_TRIES: usize = 3;
/// SQLite's header: what it begins with, and where it says that the database is in WAL mode.
const MAGIC: &[u8] = b"SQLite format 3\0";
const VERSIONS: std::ops::Range<usize> = 18..20;

/// A question took longer than a transaction may be open.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Slow;

/// How a database is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// As its log has it.
    Shared,
    /// As it lies there: it is in WAL mode, and nobody has it open.
    Asleep,
}

/// Answers one question.
pub(in crate::store) fn read<T>(
    table: &LogTable,
    question: &impl Fn(&Connection) -> Result<T>,
) -> Result<std::result::Result<T, Slow>> {
    for _ in 0..MAX_TRIES {
        let before = about(&table.path)?;
        if way(&table.path, &before)? == Way::Shared {
            let conn = peek::open(&table.path).map_err(|error| unopened(&table.path, error))?;
            return ask(&conn, table, question);
        }
        let answer = peek::closed(&table.path, |conn| ask(conn, table, question));
        let after = about(&table.path)?;
        if state(&before) == state(&after) {
            return answer;
        }
    }
    Err(Error::new(Code::StoreBusy, "another program changed the file each time it was read"))
}

fn about(path: &Path) -> Result<Metadata> {
    let about = fs::metadata(path).map_err(|error| unread(&error))?;
    if about.is_file() {
        return Ok(about);
    }
    Err(Error::new(Code::LogTableUnread, "it is not a file"))
}

/// What changes with every write.
fn state(about: &Metadata) -> (u64, u64, u64, i64, i64, i64, i64) {
    let changed = (about.mtime(), about.mtime_nsec(), about.ctime(), about.ctime_nsec());
    (about.dev(), about.ino(), about.len(), changed.0, changed.1, changed.2, changed.3)
}

fn unread(error: &io::Error) -> Error {
    Error::new(Code::LogTableUnread, error.to_string())
}

fn unopened(path: &Path, error: rusqlite::Error) -> Error {
    let code = match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly) if beside(path, "-wal").exists() => {
            Code::LogTableApart
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Code::StoreBusy,
        _ => Code::LogTableUnread,
    };
    Error::new(code, "").because(error)
}

fn way(path: &Path, about: &Metadata) -> Result<Way> {
    let mut header = [0; 100];
    File::open(path).and_then(|mut file| file.read_exact(&mut header)).map_err(|error| {
        if error.kind() == io::ErrorKind::UnexpectedEof { no_database() } else { unread(&error) }
    })?;
    if !header.starts_with(MAGIC) {
        return Err(no_database());
    }
    if !header[VERSIONS].contains(&2) {
        return Ok(Way::Shared);
    }
    let has = |ending| beside(path, ending).exists();
    let log = fs::metadata(beside(path, "-wal")).map_or(0, |log| log.len());
    match (log > 0, has("-shm")) {
        (false, false) => Ok(Way::Asleep),
        (true, false) if about.uid() != rustix::process::geteuid().as_raw() => {
            let why = "its write-ahead log has no index (-shm) beside it, and one of ours would be none of its owner's";
            Err(Error::new(Code::LogTableApart, why))
        }
        (true, false) | (_, true) => Ok(Way::Shared),
    }
}

fn no_database() -> Error {
    Error::new(Code::LogTableUnread, "it is not a SQLite database")
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Asks on a connection that can do nothing else, in one transaction.
fn ask<T>(
    conn: &Connection,
    table: &LogTable,
    question: &impl Fn(&Connection) -> Result<T>,
) -> Result<std::result::Result<T, Slow>> {
    let is_slow = Arc::new(AtomicBool::new(false));
    let slow =
        |error: Error| if is_slow.load(Ordering::Relaxed) { Ok(Err(Slow)) } else { Err(error) };
    let failed = |error| unopened(&table.path, error);
    guard(conn).map_err(failed)?;
    let begun = Instant::now();
    let told = Arc::clone(&is_slow);
    conn.progress_handler(
        STEPS,
        Some(move || {
            let is_over = begun.elapsed() > MAX_TIME;
            told.store(is_over, Ordering::Relaxed);
            is_over
        }),
    )
    .map_err(failed)?;
    // The first look at the file, of which most failures come.
    conn.query_row("SELECT count(*) FROM main.sqlite_schema", [], |_| Ok(())).map_err(failed)?;
    // The view is of this connection alone, in memory.
    match view::create(conn, table) {
        Ok(()) => {}
        Err(error) => return slow(error),
    }
    conn.pragma_update(None, "query_only", true).map_err(failed)?;
    conn.execute_batch("BEGIN").map_err(failed)?;
    question(conn).map_or_else(slow, |answer| Ok(Ok(answer)))
}

fn guard(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // What is sorted is sorted in memory: no file is written anywhere.
    conn.pragma_update(None, "temp_store", "memory")
}
