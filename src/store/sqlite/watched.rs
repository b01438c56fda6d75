//! The files of an open database as `stat` sees them: still the ones that were opened, and no shorter.
//!
//! A file that was deleted, renamed or replaced goes on taking writes that nobody finds again. So before a commit is
//! answered, and while nothing is written with each look for other programs' commits, the paths are compared with what was
//! opened. The files themselves are not opened: see `open.rs`.

use super::checkpoint;
use super::draft::beside;
use super::header::{LOG_HEADER, MEASURES};
use super::open;
use super::stat::{Place, stat};
use crate::error::{Code, Error, Result};
use rusqlite::Connection;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The two files of a database that is open.
#[derive(Debug)]
pub(super) struct Watched {
    main: One,
    log: One,
    /// SQLite's counter of changes of the schema: a VACUUM moves it, and is the one thing that makes a file shorter.
    schema: i64,
}

/// One file.
#[derive(Debug)]
struct One {
    path: PathBuf,
    /// `None`: it was not there yet.
    place: Option<Place>,
    length: u64,
}

impl One {
    fn of(path: PathBuf) -> Self {
        let (place, length) = stat(&path).ok().unzip();
        Self { path, place, length: length.unwrap_or_default() }
    }

    /// How long it is now.
    ///
    /// # Errors
    /// `STORE-FILE-009` if it is gone or another one, `STORE-IO-001` if that cannot be told.
    fn look(&mut self) -> Result<u64> {
        let (place, length) = match stat(&self.path) {
            Ok(found) => found,
            Err(error)
                if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) =>
            {
                return Err(self.replaced("is not there any more"));
            }
            Err(error) => {
                let doing = format!("look at {}", self.path.display());
                return Err(Error::new(Code::StoreIo, doing).because(error));
            }
        };
        if *self.place.get_or_insert(place) != place {
            return Err(self.replaced("is another file than the one that was opened"));
        }
        Ok(length)
    }

    fn replaced(&self, what: &str) -> Error {
        Error::new(Code::StoreReplaced, format!("{} {what}", self.path.display()))
    }
}

impl Watched {
    /// The files that `conn` has open, of which `path` was opened.
    pub(super) fn of(conn: &Connection, path: &Path) -> Result<Self> {
        // SQLite keeps the log beside the file that a link leads to.
        let log = conn.path().filter(|name| !name.is_empty()).map_or(path, Path::new);
        let (main, log) = (One::of(path.to_owned()), One::of(beside(log, "-wal")));
        Ok(Self { main, log, schema: schema(conn)? })
    }

    /// Takes whichever log is at the path for ours at the next look.
    pub(super) fn expect_new_log(&mut self) {
        (self.log.place, self.log.length) = (None, 0);
    }

    /// How many bytes the log had at the last look.
    pub(super) fn log_size(&self) -> u64 {
        self.log.length
    }

    /// Compares the paths with what was opened. Not inside a transaction.
    ///
    /// # Errors
    /// `STORE-FILE-009` a file is gone, another one, or cut off; `STORE-FILE-008` it cannot be read; `STORE-IO-001` if nothing
    /// can be told.
    pub(super) fn look(&mut self, conn: &Connection) -> Result<()> {
        let (main, log) = (self.main.look()?, self.log.look()?);
        if main < self.main.length {
            self.check_shorter(conn, main)?;
        }
        if log < self.log.length {
            self.check_log(conn)?;
        }
        (self.main.length, self.log.length) = (main, log);
        Ok(())
    }

    /// A file gets shorter by a VACUUM alone: its pages are fewer then. By the time of this look it may have grown again, in
    /// its log; then the schema's counter tells.
    fn check_shorter(&mut self, conn: &Connection, length: u64) -> Result<()> {
        const SQL: &str = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        let bytes: i64 = conn.query_row(SQL, [], |row| row.get(0))?;
        let schema = schema(conn)?;
        let is_vacuumed = std::mem::replace(&mut self.schema, schema) != schema;
        let shrinks_by_itself = open::pragma(conn, "auto_vacuum")? != "0";
        if bytes.unsigned_abs() <= length || is_vacuumed || shrinks_by_itself {
            return Ok(());
        }
        Err(self.main.replaced(&format!("was cut off: it has {length} bytes of {bytes}")))
    }

    /// A log is emptied where all of it is in the database: it has no frames then, or newer ones.
    fn check_log(&mut self, conn: &Connection) -> Result<()> {
        for _ in 0..MEASURES {
            let Some(log) = checkpoint::look(conn)? else { return Ok(()) };
            if log.held == 0 || self.log.look()? >= LOG_HEADER + log.held {
                return Ok(());
            }
        }
        Err(self.log.replaced("was cut off"))
    }
}

fn schema(conn: &Connection) -> Result<i64> {
    Ok(conn.pragma_query_value(None, "schema_version", |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::super::ledger::Component;
    use super::super::{Database, Owner, Schema, Tx};
    use super::*;
    use crate::store::OpenMode;
    use std::fs::{self, OpenOptions};
    use std::os::unix::fs::FileExt;
    use std::time::{Duration, Instant};

    static SCHEMA: Schema = Schema {
        owner: Owner::Ours { application_id: 80 },
        components: &[&ONE],
        durable: true,
        witness: None,
    };
    static ONE: Component = Component {
        name: "one",
        migrations: &["CREATE TABLE one (x INT, fill BLOB) STRICT;
CREATE INDEX one_x ON one (x);"],
    };

    type Deed = fn(&Path);

    /// A database that has been opened again, and so is written back, with a row more in its log.
    async fn database(folder: &Path) -> Database {
        let open = || Database::open(&folder.join("x.db"), &SCHEMA, OpenMode::Migrate).unwrap();
        let first = open();
        insert(&first).await.unwrap();
        drop(first);
        let db = open();
        insert(&db).await.unwrap();
        db
    }

    async fn insert(db: &Database) -> Result<()> {
        let insert = |c: &Tx<'_>| {
            c.execute("INSERT INTO one VALUES (7, zeroblob(50000))", [])?;
            Ok(())
        };
        db.row("insert", insert).await
    }

    fn cut(path: &Path, length: u64) {
        OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
    }

    fn copied(path: &Path) {
        let copy = path.with_extension("copy");
        fs::copy(path, &copy).unwrap();
        fs::rename(copy, path).unwrap();
    }

    const DEEDS: [(&str, Deed); 9] = [
        ("deleted", |path| fs::remove_file(path).unwrap()),
        ("renamed", |path| fs::rename(path, path.with_extension("old")).unwrap()),
        ("replaced by a copy", copied),
        ("emptied", |path| cut(path, 0)),
        ("cut off", |path| cut(path, 8192)),
        ("log deleted", |path| fs::remove_file(beside(path, "-wal")).unwrap()),
        ("log replaced by a copy", |path| copied(&beside(path, "-wal"))),
        ("log emptied", |path| cut(&beside(path, "-wal"), 0)),
        ("folder renamed", |path| {
            let folder = path.parent().unwrap();
            fs::rename(folder, folder.with_extension("old")).unwrap();
        }),
    ];

    #[tokio::test]
    async fn p1_nothing_is_acknowledged_after_a_file_was_deleted_renamed_replaced_or_cut_off() {
        for (name, deed) in DEEDS {
            let folder = tempfile::tempdir().unwrap();
            let folder = folder.path().join("data");
            let db = database(&folder).await;
            deed(&folder.join("x.db"));
            let first = insert(&db).await.unwrap_err();
            let is_told = first.is_outcome_unknown() || first.code() == Code::StoreReplaced;
            assert!(is_told, "{name}: {first}");
            assert_eq!(insert(&db).await.unwrap_err().code(), Code::StoreReplaced, "{name}");
            assert_eq!(db.guard().check().unwrap_err().code(), Code::StoreReplaced, "{name}");
        }
    }

    #[tokio::test]
    async fn p1_the_same_is_noticed_while_nothing_is_written() {
        for (name, deed) in DEEDS {
            let folder = tempfile::tempdir().unwrap();
            let folder = folder.path().join("data");
            let db = database(&folder).await;
            db.guard().check().unwrap();
            deed(&folder.join("x.db"));
            db.look().await.unwrap();
            let error = tokio::time::timeout(Duration::from_secs(20), db.guard().breaks()).await;
            assert_eq!(error.expect(name).code(), Code::StoreReplaced, "{name}");
        }
    }

    #[tokio::test]
    async fn a_vacuum_by_another_program_is_no_damage_whatever_it_writes_after_it() {
        for more in ["", "INSERT INTO one SELECT 1, zeroblob(1000000)"] {
            let folder = tempfile::tempdir().unwrap();
            let db = database(folder.path()).await;
            let path = folder.path().join("x.db");
            let other = open::connect_with(&path, rusqlite::OpenFlags::empty()).unwrap();
            let length = || fs::metadata(&path).unwrap().len();
            other
                .execute_batch(
                    "INSERT INTO one VALUES (1, zeroblob(3000000)); PRAGMA wal_checkpoint(FULL)",
                )
                .unwrap();
            db.look().await.unwrap();
            insert(&db).await.unwrap();
            let before = length();
            other
                .execute_batch(
                    "DELETE FROM one WHERE x = 1; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)",
                )
                .unwrap();
            assert!(length() < before);
            other.execute_batch(more).unwrap();
            db.look().await.unwrap();
            insert(&db).await.unwrap();
            db.guard().check().unwrap();
        }
    }

    #[tokio::test]
    async fn p1_nothing_is_acknowledged_after_a_damaged_page_was_met_by_a_write_or_a_read() {
        for by_read in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.db");
            drop(database(folder.path()).await);
            let db = Database::open(&path, &SCHEMA, OpenMode::Migrate).unwrap();
            let root = |c: &Connection| -> Result<u64> {
                let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'one_x'";
                Ok(c.query_row(sql, [], |row| row.get::<_, i64>(0))?.unsigned_abs())
            };
            let page = db.read("find a page", root).await.unwrap();
            let file = OpenOptions::new().write(true).open(&path).unwrap();
            file.write_all_at(&[0; 4096], (page - 1) * 4096).unwrap();
            let seek = |c: &Connection| -> Result<i64> {
                Ok(c.query_row("SELECT count(x) FROM one INDEXED BY one_x", [], |row| row.get(0))?)
            };
            let met = if by_read {
                db.read("seek", seek).await.unwrap_err()
            } else {
                insert(&db).await.unwrap_err()
            };
            assert_eq!(met.code(), Code::StoreDamaged, "{met}");
            let sound = |c: &Tx<'_>| Ok(c.execute("CREATE TABLE sound (x)", []).map(drop)?);
            let refused = db.row("write elsewhere", sound).await.unwrap_err();
            assert_eq!(refused.code(), Code::StoreDamaged, "{refused}");
        }
    }

    #[tokio::test]
    async fn a_look_at_the_files_costs_microseconds() {
        const LOOKS: u32 = 2_000;
        let folder = tempfile::tempdir().unwrap();
        let db = database(folder.path()).await;
        let path = folder.path().join("x.db");
        let conn = open::connect_with(&path, rusqlite::OpenFlags::empty()).unwrap();
        let mut watched = Watched::of(&conn, &path).unwrap();
        let begun = Instant::now();
        for _ in 0..LOOKS {
            watched.look(&conn).unwrap();
        }
        let each = begun.elapsed() / LOOKS;
        println!("a look takes {each:?}");
        assert!(each < Duration::from_millis(1), "{each:?}");
        drop(db);
    }
}
