//! Opening a database file of our own: recognise it, create it, migrate it, and connect with settings that are read back.
//!
//! The order protects what is not ours. The first 100 bytes are read before SQLite ever sees the file, then a
//! connection that cannot write reads the ledger, and only then is the file opened for writing; a refused file stays
//! byte-identical (P28). A new file is built under another name and linked into place whole (`draft.rs`), so that a crash
//! while it is created leaves no half-made database. The file of an application is opened by `guest.rs`.

use super::draft::{self, Draft, beside};
use super::ledger::{self, Component};
use super::lost::{self, Witness};
use super::peek::{self, BUSY_TIMEOUT};
use super::stat::stat;
use super::{check, header};
use crate::error::{Class, Code, Error, Result};
use crate::files;
use crate::planted::{self, Bug};
use crate::store::OpenMode;
use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, MAIN_DB, OpenFlags};
use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::time::Duration;

/// How long a checkpoint waits for readers: a page's snapshot is short.
const CHECKPOINT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the checkpointer waits, with the write lock in its hand, for readers when it empties the WAL.
const EMPTY_TIMEOUT: Duration = Duration::from_millis(50);
/// Statements that a connection keeps prepared: all that the program has, by far; preparing one costs more than running it.
const CACHED_STATEMENTS: usize = 256;
/// The WAL file is cut to this size when it is begun anew: more than twice the largest transaction beyond where the writer
/// pauses, so that a busy writer finds room without growing it. Well under 64 MB, which is what is promised.
pub(super) const WAL_SIZE_LIMIT: u64 = 48 * 1024 * 1024;
/// What a database file looks like.
#[derive(Debug)]
pub(in crate::store) struct Schema {
    /// Whose the file is.
    pub(in crate::store) owner: Owner,
    /// What it has of ours, each after those that it needs.
    pub(in crate::store) components: &'static [&'static Component],
    /// Whether an acknowledged write must survive power loss (`synchronous` FULL, else NORMAL).
    pub(in crate::store) durable: bool,
    /// What shows that there was a file where none is.
    pub(in crate::store) witness: Option<Witness>,
}

/// Whose a database file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Owner {
    /// Ours: the header says so.
    Ours {
        /// SQLite's `application_id`, our mark in the header.
        application_id: i32,
    },
    /// An application's. We are guests in it: its header, folder, rights and write-ahead log are not for us to change.
    Application,
}

/// Bounds of an open database that only tests set otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// How long a call waits for another program's write lock before it is refused; see `Database::write`.
    pub(super) lock_wait: Duration,
    /// The size of the WAL file, in bytes, from which on a warning says that it cannot be written back.
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
    /// Whether the file is an application's.
    pub(super) fn is_guest(&self) -> bool {
        self.owner == Owner::Application
    }
}

/// Makes `path` a database of `schema` that is ready to connect to, or refuses it untouched. The file is ours, marked by
/// this `application_id`.
pub(super) fn prepare(
    path: &Path,
    application_id: i32,
    schema: &Schema,
    mode: OpenMode,
) -> Result<()> {
    let doing = || format!("open {}", path.display());
    let io = |source| Error::new(Code::StoreIo, doing()).because(source);
    let folder = draft::folder_of(path);
    files::make_private_folder(folder).map_err(io)?;
    lost::refuse(path, schema.witness.as_ref())?;
    // A program that opened the path before there was a database leaves an empty file, which counts as no file.
    draft::remove_empty(path).map_err(io)?;
    if !path.try_exists().map_err(io)? {
        if mode == OpenMode::Check {
            return Err(Error::new(Code::StoreOlder, format!("{}: there is no file", doing())));
        }
        create(path, application_id, schema)
            .map_err(|e| e.while_doing(&format!("create {}", path.display())))?;
    }
    let is_first = header::check(path, application_id)?;
    let is_behind =
        judge(path, application_id, schema, mode, is_first).map_err(|e| e.while_doing(&doing()))?;
    if is_behind {
        refuse_older(path, mode)?;
    }
    draft::sweep(path).map_err(io)?;
    if is_behind {
        migrate(path, schema).map_err(|e| e.while_doing(&format!("migrate {}", path.display())))?;
    }
    Ok(())
}

/// Looks at the file without writing to it, and answers whether it lacks something.
fn judge(
    path: &Path,
    application_id: i32,
    schema: &Schema,
    mode: OpenMode,
    is_first: bool,
) -> Result<bool> {
    let look_at = |conn: &Connection| {
        let is_behind = behind(conn, schema)?;
        check::at_open(conn, schema.components, schema.is_guest(), mode == OpenMode::Migrate)?;
        if mode == OpenMode::Migrate && !is_behind {
            check::texts(conn, schema.components)?;
        }
        Ok(is_behind)
    };
    // No file beside it can change what the file says, and SQLite would leave a log beside a file that is refused.
    let is_alone = || !beside(path, "-wal").exists() && !beside(path, "-journal").exists();
    let changed = || fs::metadata(path).and_then(|data| data.modified()).ok();
    let before = changed();
    if is_first && is_alone() {
        let looked = peek::closed(path, look_at);
        // Another process may be writing to it by now; the second look reads it as that one does.
        let is_still = is_alone() && changed() == before;
        let is_sure = |e: &Error| e.code().class() == Class::Damaged && is_still;
        if looked.as_ref().map_or_else(is_sure, |_| true) {
            return looked;
        }
    }
    look(path, application_id, look_at)
}

/// Whether the file lacks a component, or a migration of one.
///
/// # Errors
/// As [`ledger::version`].
pub(super) fn behind(conn: &Connection, schema: &Schema) -> Result<bool> {
    let mut is_behind = false;
    for component in schema.components {
        is_behind |= ledger::version(conn, component)? < component.version();
    }
    Ok(is_behind)
}

/// Refuses a file that lacks something, unless it may be migrated.
pub(super) fn refuse_older(path: &Path, mode: OpenMode) -> Result<()> {
    match mode {
        OpenMode::Migrate => Ok(()),
        OpenMode::Current | OpenMode::Check => {
            Err(Error::new(Code::StoreOlder, format!("open {}", path.display())))
        }
    }
}

/// The writing connection. There is one of them in a process.
pub(super) fn connect_writer(path: &Path, schema: &Schema) -> Result<Connection> {
    let conn = connect(path)?;
    // An application's log is not cut, and its file is in WAL mode or was refused.
    let limit = if schema.is_guest() { -1 } else { WAL_SIZE_LIMIT as i64 };
    if !schema.is_guest() {
        conn.pragma_update(None, "journal_mode", "WAL")?;
    }
    let durable = schema.durable && !planted::is(Bug::SyncsNoCommit);
    conn.pragma_update(None, "synchronous", if durable { "FULL" } else { "NORMAL" })?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "journal_size_limit", limit)?;
    // `checkpoint.rs` does it instead.
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    // What a savepoint or a statement may have to take back goes into memory: as a file it had each job's pages written
    // once more with each statement.
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "cache_size", -8192)?;
    let limit = limit.to_string();
    let wanted = [
        ("journal_mode", "wal"),
        ("synchronous", if durable { "2" } else { "1" }),
        ("foreign_keys", "1"),
        ("trusted_schema", "0"),
        ("journal_size_limit", limit.as_str()),
        ("wal_autocheckpoint", "0"),
        ("temp_store", "2"),
    ];
    for (name, value) in wanted {
        expect_pragma(&conn, path, name, value)?;
    }
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
    stat(&beside(path, "-wal")).map_or(0, |(_, length)| length)
}

/// Sets up one connection of the reader pool.
pub(super) fn init_reader(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    tune(conn)?;
    conn.pragma_update(None, "query_only", true)?;
    conn.pragma_update(None, "trusted_schema", false)
}

/// Moves what the log of a database that was just opened holds into it. An application's log is the application's.
pub(super) fn write_back(conn: &Connection, schema: &Schema) -> Result<()> {
    if !schema.is_guest() {
        // A reader may keep the log from being emptied now; that only matters after a failed commit.
        checkpoint(conn, schema)?;
    }
    Ok(())
}

/// Moves every committed frame of the WAL into the database, syncs it, and answers whether it could do so whole.
///
/// At a start, and after a failed commit, this writes what the kernel may hold without having written it.
pub(super) fn checkpoint(conn: &Connection, schema: &Schema) -> Result<bool> {
    let how = if schema.is_guest() { "FULL" } else { "TRUNCATE" };
    conn.busy_timeout(CHECKPOINT_TIMEOUT)?;
    let sql = format!("PRAGMA wal_checkpoint({how})");
    let busy: bool = conn.query_row(&sql, [], |row| row.get(0))?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    Ok(!busy)
}

fn connect(path: &Path) -> Result<Connection> {
    connect_with(path, OpenFlags::empty())
}

/// A connection that may write, with further flags.
///
/// # Errors
/// `STORE-IO-001` also where the system lets nobody write just now: SQLite would open the file for reading alone, whatever the
/// cause, and refuse every write until it is opened anew.
#[expect(clippy::disallowed_methods, reason = "this module opens connections")]
pub(super) fn connect_with(path: &Path, more: OpenFlags) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let conn = Connection::open_with_flags(path, flags)?;
    if conn.is_readonly(MAIN_DB)? {
        let refused = Error::new(Code::StoreIo, format!("open {} for writing", path.display()));
        return Err(match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) => refused.because(error),
            Ok(_) => refused.because("the system refused it a moment ago"),
        });
    }
    conn.busy_timeout(BUSY_TIMEOUT)?;
    tune(&conn)?;
    Ok(conn)
}

/// Has statements prepared once. Without the stability guarantee SQLite prepares one anew whenever a bound value might
/// suit a partial index, which costs far more than running it; no statement of ours needs that.
pub(in crate::store) fn tune(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// What a pragma says, a number or a word, as text.
pub(super) fn pragma(conn: &Connection, name: &str) -> Result<String> {
    Ok(match conn.pragma_query_value(None, name, |row| row.get(0))? {
        Value::Integer(number) => number.to_string(),
        Value::Text(word) => word,
        Value::Null | Value::Real(_) | Value::Blob(_) => String::new(),
    })
}

fn expect_pragma(conn: &Connection, path: &Path, name: &str, wanted: &str) -> Result<()> {
    let got = pragma(conn, name)?;
    if got == wanted {
        return Ok(());
    }
    let doing = format!("set {name} of {} to {wanted}: it stayed {got}", path.display());
    Err(Error::new(Code::StorePragma, doing))
}

/// Makes a new database. It is a whole one in WAL mode before it gets its name: to switch an existing file to WAL is a
/// write with a journal, and a kill in its midst would leave both.
fn create(path: &Path, application_id: i32, schema: &Schema) -> Result<()> {
    let io = |e| Error::new(Code::StoreIo, "").because(e);
    let draft = Draft::of(path)?;
    let mut conn = connect(draft.path())?;
    // A draft that is cut off is thrown away, so it is synced once, at its end.
    conn.pragma_update(None, "synchronous", "OFF")?;
    conn.pragma_update(None, "journal_mode", "MEMORY")?;
    conn.pragma_update(None, "application_id", application_id)?;
    conn.pragma_update(None, "user_version", header::LEDGER_MARK)?;
    apply(&mut conn, schema)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    expect_pragma(&conn, draft.path(), "journal_mode", "wal")?;
    conn.close().map_err(|(_, error)| error)?;
    if !planted::is(Bug::NamesBeforeSync) {
        File::open(draft.path()).and_then(|file| file.sync_all()).map_err(io)?;
    }
    // If another process was quicker, its file is as good.
    draft.link(path).map(drop)
}

fn migrate(path: &Path, schema: &Schema) -> Result<()> {
    let mut conn = connect(path)?;
    let mut found = Vec::new();
    for component in schema.components {
        found.push(format!("{}{}", component.name, ledger::version(&conn, component)?));
    }
    // `lamplighter.engine1-program1.db`
    back_up(&conn, &path.with_extension(format!("{}.db", found.join("-"))))?;
    apply(&mut conn, schema)
}

/// Copies the database to `backup` unless there is one. It is made as a draft: a backup that was cut off must not pass for one.
fn back_up(conn: &Connection, backup: &Path) -> Result<()> {
    let io = |source: std::io::Error| Error::new(Code::StoreIo, "back up").because(source);
    if !backup.try_exists().map_err(io)? {
        let draft = Draft::of(backup)?;
        conn.execute("VACUUM INTO ?1", [draft.path().to_string_lossy()])?;
        File::open(draft.path()).and_then(|file| file.sync_all()).map_err(io)?;
        draft.link(backup)?;
    }
    draft::sweep(backup).map_err(io)
}

/// Runs the migrations that the file lacks.
pub(in crate::store) fn apply(conn: &mut Connection, schema: &Schema) -> Result<()> {
    schema.components.iter().try_for_each(|component| ledger::apply(conn, component))
}

/// Reads the file as its write-ahead log has it, by a connection that cannot write.
///
/// A process that was killed in the midst of a write without WAL (a restored copy is not in WAL mode until its first start)
/// leaves a journal, and SQLite reads nothing before the write is undone. The header has proven the file ours, so that is
/// done here, as SQLite would have done it for any program that opens the file.
fn look<T>(
    path: &Path,
    application_id: i32,
    read: impl FnOnce(&Connection) -> Result<T>,
) -> Result<T> {
    let (conn, id) = match read_id(path) {
        Err(error) if needs_rollback(&error) => {
            // Reading anything by a connection that may write has SQLite undo it.
            connect(path)?.pragma_query_value(None, "user_version", |_| Ok(()))?;
            read_id(path)?
        }
        found => found?,
    };
    if id != application_id {
        return Err(Error::new(Code::StoreForeign, ""));
    }
    read(&conn)
}

/// A connection that cannot write, and the `application_id`.
fn read_id(path: &Path) -> rusqlite::Result<(Connection, i32)> {
    let conn = peek::open(path)?;
    let id = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    Ok((conn, id))
}

fn needs_rollback(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    code == Some(rusqlite::ffi::SQLITE_READONLY_ROLLBACK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    const ID: i32 = 77;
    const ONE: Component =
        Component { name: "one", migrations: &["CREATE TABLE one (x INT) STRICT;"] };
    const TWO: Component = Component {
        migrations: &["CREATE TABLE one (x INT) STRICT;", "CREATE TABLE two (x);"],
        ..ONE
    };
    const BROKEN: Component = Component {
        migrations: &[ONE.migrations[0], "CREATE TABLE two (x); INSERT INTO two VALUES (y);"],
        ..ONE
    };
    const FIRST: Schema = Schema {
        owner: Owner::Ours { application_id: ID },
        components: &[&ONE],
        durable: true,
        witness: None,
    };
    const SECOND: Schema = Schema { components: &[&TWO], ..FIRST };

    fn prepare(path: &Path, schema: &Schema, mode: OpenMode) -> Result<()> {
        super::prepare(path, ID, schema, mode)
    }

    fn version_of(path: &Path) -> u32 {
        look(path, ID, |conn| ledger::version(conn, &TWO)).unwrap()
    }

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

    /// The file under another name: this process has looked at the first one already.
    fn renamed(path: &Path) -> PathBuf {
        let other = path.with_file_name("y.db");
        fs::rename(path, &other).unwrap();
        other
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
        assert_eq!(version_of(&path), 1);
    }

    #[test]
    fn p28_another_programs_database_is_refused_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        super::prepare(&path, 5, &FIRST, OpenMode::Migrate).unwrap();
        let copy = renamed(&path);
        assert_eq!(refused(&copy, &FIRST, OpenMode::Migrate), Code::StoreForeign);
    }

    #[test]
    fn p28_a_newer_database_is_refused_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        prepare(&path, &SECOND, OpenMode::Migrate).unwrap();
        let copy = renamed(&path);
        assert_eq!(refused(&copy, &FIRST, OpenMode::Migrate), Code::StoreNewer);
    }

    #[test]
    fn p28_only_migrate_mode_migrates_and_it_makes_a_backup_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        prepare(&path, &FIRST, OpenMode::Current).unwrap();
        let path = renamed(&path);
        assert_eq!(refused(&path, &SECOND, OpenMode::Current), Code::StoreOlder);
        prepare(&path, &SECOND, OpenMode::Migrate).unwrap();
        assert_eq!(version_of(&path), 2);
        assert_eq!(version_of(&folder.path().join("y.one1.db")), 1);
    }

    #[test]
    fn p28_a_migration_that_fails_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        prepare(&path, &FIRST, OpenMode::Migrate).unwrap();
        let broken = Schema { components: &[&BROKEN], ..FIRST };
        prepare(&path, &broken, OpenMode::Migrate).unwrap_err();
        assert_eq!(version_of(&path), 1);
        let conn = connect(&path).unwrap();
        assert!(conn.prepare("SELECT * FROM two").is_err());
    }

    /// The database and the journal that a kill in the midst of a write without WAL leaves.
    fn cut_off(path: &Path, write: &str) {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("x.db");
        prepare(&whole, &FIRST, OpenMode::Migrate).unwrap();
        let conn = connect(&whole).unwrap();
        // Every page goes to the file at once, as at a commit; the journal holds what was there before.
        conn.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN IMMEDIATE")
            .unwrap();
        conn.execute_batch(write).unwrap();
        let pages = "INSERT INTO one SELECT 7 FROM (WITH RECURSIVE n(i) AS
                     (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) SELECT i FROM n)";
        conn.execute_batch(pages).unwrap();
        fs::copy(&whole, path).unwrap();
        fs::copy(beside(&whole, "-journal"), beside(path, "-journal")).unwrap();
    }

    fn is_hot(path: &Path) -> bool {
        read_id(path).is_err_and(|error| needs_rollback(&error))
    }

    #[test]
    fn p23_a_write_that_a_kill_cut_off_is_undone_at_the_next_start() {
        // In the midst of a restored copy's first write, of a migration, and of the switch to WAL.
        for (write, wal) in
            [("", false), ("DELETE FROM job_schema", false), ("CREATE TABLE y (x)", true)]
        {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.db");
            cut_off(&path, write);
            if wal {
                let mut bytes = fs::read(&path).unwrap();
                bytes[18..20].copy_from_slice(&[2, 2]);
                fs::write(&path, bytes).unwrap();
            }
            assert!(is_hot(&path), "{write}");
            prepare(&path, &FIRST, OpenMode::Current).unwrap();
            let conn = connect_writer(&path, &FIRST).unwrap();
            let count: i64 =
                conn.query_row("SELECT count(*) FROM one", [], |row| row.get(0)).unwrap();
            assert_eq!(count, 0, "{write}");
            assert!(!beside(&path, "-journal").exists(), "{write}");
        }
    }

    #[test]
    fn p28_a_foreign_database_with_a_cut_off_write_is_refused_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        cut_off(&path, "");
        let before = [&path, &beside(&path, "-journal")].map(|file| fs::read(file).unwrap());
        assert_eq!(
            super::prepare(&path, 5, &FIRST, OpenMode::Migrate).unwrap_err().code(),
            Code::StoreForeign
        );
        assert_eq!([&path, &beside(&path, "-journal")].map(|file| fs::read(file).unwrap()), before);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn p23_a_new_file_is_in_wal_mode_before_it_has_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        create(&path, ID, &FIRST).unwrap();
        assert_eq!(fs::read(&path).unwrap()[18..20], [2, 2]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn the_next_start_removes_what_a_killed_one_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let names = [
            ".x.db.7.new",
            ".x.db.7.new-journal",
            ".x.one1.db.7-0.new",
            ".x.one1.db.7-0.new-journal",
        ];
        prepare(&path, &FIRST, OpenMode::Migrate).unwrap();
        for name in names {
            fs::write(folder.path().join(name), "left").unwrap();
        }
        prepare(&path, &SECOND, OpenMode::Migrate).unwrap();
        let left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "the database and its backup: {left:?}");
    }

    #[test]
    fn two_processes_that_migrate_at_once_both_succeed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        prepare(&path, &FIRST, OpenMode::Migrate).unwrap();
        // Both have read version 1.
        migrate(&path, &SECOND).unwrap();
        migrate(&path, &SECOND).unwrap();
        assert_eq!(version_of(&path), 2);
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
