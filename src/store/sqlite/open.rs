//! Opening a database file: recognise it, create it, migrate it, and connect with settings that are read back.
//!
//! The order protects what is not ours. The first 100 bytes are read before SQLite ever sees the file, then a
//! read-only connection reads the ids through the write-ahead log, and only then is it opened for writing; a refused
//! file stays byte-identical (P28). A new file is built under another name and linked into place whole, so that a
//! crash while it is created leaves no half-made database.

use crate::error::{Code, Error, Result};
use crate::store::OpenMode;
use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a statement waits for another program's lock. Longer than any write of ours by far; a program that holds
/// the file longer than this is an error worth reporting. The writer waits by [`Limits::lock_wait`] instead.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a checkpoint waits for readers: a page's snapshot is short.
const CHECKPOINT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the checkpointer waits, with the write lock in its hand, for readers when it empties the WAL.
const EMPTY_TIMEOUT: Duration = Duration::from_millis(50);
/// Statements that a connection keeps prepared: all that the program has, by far; preparing one costs more than running it.
const CACHED_STATEMENTS: usize = 256;
/// The WAL file is cut to this size when it is begun anew: where the writer pauses and one large transaction, so that a
/// busy writer finds room without growing it. Well under 64 MB, which is what is promised.
pub(super) const WAL_SIZE_LIMIT: u64 = 48 * 1024 * 1024;
/// SQLite's magic, the first 16 bytes of each of its files.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// What a database file of ours looks like.
#[derive(Debug)]
pub(in crate::store) struct Schema {
    /// SQLite's `application_id`, our mark in the header.
    pub(in crate::store) application_id: i32,
    /// All migrations in order; the n-th leads to `user_version` n.
    pub(in crate::store) migrations: &'static [&'static str],
    /// Whether an acknowledged write must survive power loss (`synchronous` FULL, else NORMAL).
    pub(in crate::store) durable: bool,
}

/// Bounds of an open database that only tests set otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// How long a call waits for another program's write lock before it is refused; see `Database::write`.
    pub(super) lock_wait: Duration,
    /// Bytes of the WAL file from which on it is said that it cannot be written back.
    pub(super) wal_alarm: u64,
    /// Bytes of the WAL file from which on every write is refused, of jobs and of their ends alike. It passes this by one
    /// transaction at most.
    pub(super) wal_bytes: u64,
}

impl Limits {
    /// What holds in production.
    pub(super) const DEFAULT: Self =
        Self { lock_wait: BUSY_TIMEOUT, wal_alarm: 256 * 1024 * 1024, wal_bytes: 4 << 30 };
}

impl Schema {
    fn version(&self) -> i32 {
        self.migrations.len() as i32
    }
}

/// Makes `path` a database of `schema` that is ready to connect to, or refuses it untouched.
pub(super) fn prepare(path: &Path, schema: &Schema, mode: OpenMode) -> Result<()> {
    let doing = || format!("open {}", path.display());
    let io = |source| Error::new(Code::StoreIo, doing()).because(source);
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => Path::new("/"),
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io)?;
    // Another program that opened the path before there was a database leaves an empty file, which is as good as none.
    let empty = path.metadata().is_ok_and(|data| data.is_file() && data.len() == 0);
    if empty {
        fs::remove_file(path).map_err(io)?;
    }
    if !path.try_exists().map_err(io)? {
        create(path, folder, schema)
            .map_err(|e| e.while_doing(&format!("create {}", path.display())))?;
    }
    check_header(path, schema)?;
    let found = version_of(path, schema).map_err(|e| e.while_doing(&doing()))?;
    if found > schema.version() {
        let versions = format!("{}: version {found}, known up to {}", doing(), schema.version());
        return Err(Error::new(Code::StoreNewer, versions));
    }
    let behind = found < schema.version();
    match mode {
        OpenMode::Current if behind => Err(Error::new(Code::StoreOlder, doing())),
        OpenMode::Migrate if behind => migrate(path, schema, found)
            .map_err(|e| e.while_doing(&format!("migrate {}", path.display()))),
        OpenMode::Current | OpenMode::Migrate => Ok(()),
    }
}

/// The writing connection. There is one of them in a process.
pub(super) fn connect_writer(path: &Path, schema: &Schema) -> Result<Connection> {
    let conn = connect(path)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", if schema.durable { "FULL" } else { "NORMAL" })?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "journal_size_limit", WAL_SIZE_LIMIT as i64)?;
    // `checkpoint.rs` does it instead.
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    let limit = WAL_SIZE_LIMIT.to_string();
    let wanted = [
        ("journal_mode", "wal"),
        ("synchronous", if schema.durable { "2" } else { "1" }),
        ("foreign_keys", "1"),
        ("trusted_schema", "0"),
        ("journal_size_limit", limit.as_str()),
        ("wal_autocheckpoint", "0"),
    ];
    for (name, value) in wanted {
        expect_pragma(&conn, path, name, value)?;
    }
    // A reader may keep the log from being emptied now; that only matters after a failed commit.
    checkpoint(&conn)?;
    Ok(conn)
}

/// The connection that only writes the WAL back.
pub(super) fn connect_checkpointer(path: &Path) -> Result<Connection> {
    let conn = connect(path)?;
    conn.busy_timeout(EMPTY_TIMEOUT)?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    expect_pragma(&conn, path, "synchronous", "2")?;
    // Reading this also has SQLite open the WAL; before that a checkpoint finds nothing to do.
    expect_pragma(&conn, path, "journal_mode", "wal")?;
    Ok(conn)
}

/// Bytes of the WAL file of the database at `path`, by `stat`.
pub(super) fn wal_size(path: &Path) -> u64 {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    fs::metadata(wal).map_or(0, |data| data.len())
}

/// Sets up one connection of the reader pool.
pub(super) fn init_reader(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    tune(conn)?;
    conn.pragma_update(None, "query_only", true)?;
    conn.pragma_update(None, "trusted_schema", false)
}

/// Moves every committed frame of the WAL into the database, syncs it, and answers whether it could do so whole.
///
/// At a start, and after a commit that failed, this settles what the kernel may hold without having written it.
pub(super) fn checkpoint(conn: &Connection) -> Result<bool> {
    conn.busy_timeout(CHECKPOINT_TIMEOUT)?;
    let busy: bool = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    Ok(!busy)
}

#[expect(clippy::disallowed_methods, reason = "this module opens connections")]
fn connect(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    tune(&conn)?;
    Ok(conn)
}

/// Has statements prepared once. Without the stability guarantee SQLite prepares one anew whenever a bound value might
/// suit a partial index, which costs far more than running it; no statement of ours needs that.
pub(super) fn tune(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

fn expect_pragma(conn: &Connection, path: &Path, name: &str, wanted: &str) -> Result<()> {
    // A pragma answers a number or a word.
    let got = conn.pragma_query_value(None, name, |row| row.get(0))?;
    let got = match got {
        Value::Integer(number) => number.to_string(),
        Value::Text(word) => word,
        Value::Null | Value::Real(_) | Value::Blob(_) => String::new(),
    };
    if got == wanted {
        return Ok(());
    }
    let doing = format!("set {name} of {} to {wanted}: it stayed {got}", path.display());
    Err(Error::new(Code::StorePragma, doing))
}

fn create(path: &Path, folder: &Path, schema: &Schema) -> Result<()> {
    let io = |source: std::io::Error| Error::new(Code::StoreIo, "").because(source);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = folder.join(format!(".{name}.{}.new", std::process::id()));
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(error)),
        Ok(()) | Err(_) => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(io)?;
    let mut conn = connect(&draft)?;
    conn.pragma_update(None, "application_id", schema.application_id)?;
    apply(&mut conn, schema, 0)?;
    conn.close().map_err(|(_, error)| error)?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft).map_err(io)?;
    match linked {
        // Another process was quicker: its file is as good.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(io(error)),
        Ok(()) => File::open(folder).and_then(|dir| dir.sync_all()).map_err(io),
    }
}

fn migrate(path: &Path, schema: &Schema, found: i32) -> Result<()> {
    let mut conn = connect(path)?;
    let backup = path.with_extension(format!("v{found}.db"));
    if !backup.try_exists().unwrap_or(false) {
        // Made under another name: a backup that was cut off must not pass for one.
        let io = |source: std::io::Error| Error::new(Code::StoreIo, "back up").because(source);
        let draft = backup.with_extension("new");
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)
            .map_err(io)?;
        conn.execute("VACUUM INTO ?1", [draft.to_string_lossy()])?;
        File::open(&draft).and_then(|file| file.sync_all()).map_err(io)?;
        fs::rename(&draft, &backup).map_err(io)?;
    }
    apply(&mut conn, schema, found)
}

/// Runs the migrations after version `found`, one transaction each.
fn apply(conn: &mut Connection, schema: &Schema, found: i32) -> Result<()> {
    for (index, sql) in schema.migrations.iter().enumerate().skip(found as usize) {
        let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        tx.execute_batch(sql)?;
        tx.pragma_update(None, "user_version", index as i32 + 1)?;
        tx.commit()?;
    }
    Ok(())
}

/// Refuses a file that is not ours by its first bytes, without SQLite.
///
/// Closing a descriptor drops the locks that SQLite holds on the same file in this process, so a file is looked at
/// once per process, before its first open.
fn check_header(path: &Path, schema: &Schema) -> Result<()> {
    static SEEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let io = |source| Error::new(Code::StoreIo, format!("read {}", path.display())).because(source);
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let whole = path.canonicalize().map_err(io)?;
    if seen.contains(&whole) {
        return Ok(());
    }
    let mut header = [0_u8; 100];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    let number = |at: usize| {
        i32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let ours = match read {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => false,
        Err(error) => return Err(io(error)),
        Ok(()) => header.starts_with(MAGIC) && number(68) == schema.application_id,
    };
    if !ours {
        return Err(Error::new(Code::StoreForeign, format!("open {}", path.display())));
    }
    if number(60) > schema.version() {
        let doing = format!(
            "open {}: version {}, known up to {}",
            path.display(),
            number(60),
            schema.version()
        );
        return Err(Error::new(Code::StoreNewer, doing));
    }
    seen.insert(whole);
    Ok(())
}

/// The file's `user_version` as the WAL has it, by a connection that cannot write.
#[expect(clippy::disallowed_methods, reason = "this module opens connections")]
fn version_of(path: &Path, schema: &Schema) -> Result<i32> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    let id: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if id != schema.application_id {
        return Err(Error::new(Code::StoreForeign, ""));
    }
    Ok(conn.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Schema = Schema {
        application_id: 77,
        migrations: &["CREATE TABLE one (x INT) STRICT"],
        durable: true,
    };

    fn refused(path: &Path, schema: &Schema, mode: OpenMode) -> Code {
        let before = fs::read(path).unwrap();
        let code = prepare(path, schema, mode).unwrap_err().code();
        assert_eq!(fs::read(path).unwrap(), before, "a refused file stays byte-identical");
        assert_eq!(
            fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
        code
    }

    #[test]
    fn p28_foreign_files_are_refused_untouched() {
        const FOREIGN: [&[u8]; 3] =
            [b"notes", &[0; 4096], b"SQLite format 3\0 and then some other program's"];
        for bytes in FOREIGN {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.db");
            fs::write(&path, bytes).unwrap();
            assert_eq!(refused(&path, &FIRST, OpenMode::Migrate), Code::StoreForeign);
        }
    }

    #[test]
    fn an_empty_file_is_as_good_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        fs::write(&path, b"").unwrap();
        prepare(&path, &FIRST, OpenMode::Current).unwrap();
        assert_eq!(version_of(&path, &FIRST).unwrap(), 1);
    }

    #[test]
    fn p28_another_programs_database_is_refused_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let other = Schema { application_id: 5, ..FIRST };
        prepare(&path, &other, OpenMode::Migrate).unwrap();
        // A copy: this process has looked at the first path already.
        let copy = folder.path().join("y.db");
        fs::rename(&path, &copy).unwrap();
        assert_eq!(refused(&copy, &FIRST, OpenMode::Migrate), Code::StoreForeign);
    }

    #[test]
    fn p28_a_newer_database_is_refused_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let newer =
            Schema { migrations: &["CREATE TABLE one (x)", "CREATE TABLE two (x)"], ..FIRST };
        prepare(&path, &newer, OpenMode::Migrate).unwrap();
        assert_eq!(refused(&path, &FIRST, OpenMode::Migrate), Code::StoreNewer);
    }

    #[test]
    fn p28_only_migrate_mode_migrates_and_it_makes_a_backup_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        prepare(&path, &FIRST, OpenMode::Current).unwrap();
        let second =
            Schema { migrations: &["CREATE TABLE one (x)", "CREATE TABLE two (x)"], ..FIRST };
        assert_eq!(refused(&path, &second, OpenMode::Current), Code::StoreOlder);
        prepare(&path, &second, OpenMode::Migrate).unwrap();
        assert_eq!(version_of(&path, &second).unwrap(), 2);
        assert_eq!(version_of(&folder.path().join("x.v1.db"), &second).unwrap(), 1);
    }

    #[test]
    fn p28_a_migration_that_fails_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        prepare(&path, &FIRST, OpenMode::Migrate).unwrap();
        let broken =
            Schema { migrations: &["", "CREATE TABLE two (x); CREATE TABLE one (x)"], ..FIRST };
        prepare(&path, &broken, OpenMode::Migrate).unwrap_err();
        assert_eq!(version_of(&path, &FIRST).unwrap(), 1);
        let conn = connect(&path).unwrap();
        assert!(conn.prepare("SELECT * FROM two").is_err());
    }

    #[test]
    fn the_files_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/x.db");
        prepare(&path, &FIRST, OpenMode::Migrate).unwrap();
        let conn = connect_writer(&path, &FIRST).unwrap();
        conn.execute("INSERT INTO one VALUES (1)", []).unwrap();
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        for file in ["x.db", "x.db-wal", "x.db-shm"] {
            assert_eq!(mode(&path.with_file_name(file)), 0o600, "{file}");
        }
    }
}
