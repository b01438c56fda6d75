//! Opening the database of an application: our components are added to it, and nothing else of it changes.
//!
//! The file is opened by SQLite only. To open and close it by other means would drop the locks that the application's
//! connections in this process hold on it.

use super::open::{self, Schema};
use super::{check, ledger};
use crate::error::{Code, Error, Result};
use crate::store::OpenMode;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::Path;

/// Makes the database at `path` have what `schema` says, or refuses it untouched. A file without a page, or none, is made
/// a database in WAL mode, unless `mode` only compares.
pub(super) fn prepare(path: &Path, schema: &Schema, mode: OpenMode) -> Result<()> {
    let doing = || format!("open {}", path.display());
    let opened = connect(path, mode).and_then(|mut conn| fit(&mut conn, path, schema, mode));
    opened.map_err(|error| error.while_doing(&doing()))
}

fn connect(path: &Path, mode: OpenMode) -> Result<Connection> {
    let flags = match mode {
        OpenMode::Migrate | OpenMode::Current => OpenFlags::SQLITE_OPEN_CREATE,
        OpenMode::Check => OpenFlags::empty(),
    };
    open::connect_with(path, flags)
}

fn fit(conn: &mut Connection, path: &Path, schema: &Schema, mode: OpenMode) -> Result<()> {
    let pages: i64 = conn
        .query_row("PRAGMA page_count", [], |row| row.get(0))
        .map_err(|error| foreign(error, path))?;
    let is_new = pages == 0;
    if is_new && mode != OpenMode::Check {
        conn.pragma_update(None, "journal_mode", "WAL")?;
    }
    check_settings(conn, path)?;
    let is_behind = open::behind(conn, schema)?;
    check::at_open(conn, schema.components, true, mode == OpenMode::Migrate)?;
    if !is_behind {
        return Ok(());
    }
    let may_make = match mode {
        OpenMode::Migrate => true,
        OpenMode::Current => !has_any(conn, schema)?,
        OpenMode::Check => false,
    };
    if !may_make {
        open::refuse_older(path, mode)?;
    }
    open::apply(conn, schema)
}

/// Refuses a file whose settings do not let an acknowledged job survive a crash, or that our texts do not fit.
///
/// # Errors
/// `STORE-FILE-006`, naming the setting.
fn check_settings(conn: &Connection, path: &Path) -> Result<()> {
    for (name, wanted) in [("journal_mode", "wal"), ("encoding", "UTF-8")] {
        let found = open::pragma(conn, name)?;
        if found != wanted {
            return Err(unfit(&path.display().to_string(), name, &found, wanted));
        }
    }
    Ok(())
}

/// Refuses a connection whose file is not in WAL mode. A database in memory has no file.
///
/// # Errors
/// `STORE-FILE-006`.
pub(in crate::store) fn check_wal(conn: &Connection) -> Result<()> {
    let path = conn.path().unwrap_or_default();
    if path.is_empty() {
        return Ok(());
    }
    let ask = "PRAGMA journal_mode";
    let mode: String = conn.prepare_cached(ask)?.query_row([], |row| row.get(0))?;
    if mode == "wal" { Ok(()) } else { Err(unfit(path, "journal_mode", &mode, "wal")) }
}

/// Whether the file has a version of one of the components.
fn has_any(conn: &Connection, schema: &Schema) -> Result<bool> {
    for component in schema.components {
        if ledger::version(conn, component)? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

fn unfit(path: &str, name: &str, found: &str, wanted: &str) -> Error {
    let doing = format!("use {path}: its {name} is {found}, and jobs need {wanted}");
    Error::new(Code::StoreUnfit, doing)
}

/// What SQLite says of a file that is no database, in our words.
fn foreign(error: rusqlite::Error, path: &Path) -> Error {
    if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) {
        let doing = format!("read {}", path.display());
        return Error::new(Code::StoreForeign, doing).because(error);
    }
    error.into()
}

#[cfg(test)]
mod tests {
    use super::super::ledger::Component;
    use super::super::open::Owner;
    use super::*;

    const ONE: Component = Component { name: "one", migrations: &["CREATE TABLE one (x INT);"] };
    const TWO: Component =
        Component { migrations: &[ONE.migrations[0], "CREATE TABLE two (x INT);"], ..ONE };
    const FIRST: Schema =
        Schema { owner: Owner::Application, components: &[&ONE], durable: true, witness: None };
    const SECOND: Schema = Schema { components: &[&TWO], ..FIRST };

    #[test]
    fn both_migrate_on_side_by_side() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let app = connect(&path, OpenMode::Migrate).unwrap();
        app.execute_batch("PRAGMA journal_mode = WAL").unwrap();
        let step = |number: i64| {
            let sql = format!(
                "BEGIN; CREATE TABLE app{number} (x); PRAGMA user_version = {number}; COMMIT"
            );
            app.execute_batch(&sql).unwrap();
        };
        let version = || open::pragma(&app, "user_version").unwrap();
        step(12);
        prepare(&path, &FIRST, OpenMode::Migrate).unwrap();
        step(13);
        let older = prepare(&path, &SECOND, OpenMode::Current).unwrap_err();
        assert_eq!(older.code(), Code::StoreOlder);
        prepare(&path, &SECOND, OpenMode::Migrate).unwrap();
        assert_eq!(version(), "13");
        step(14);
        prepare(&path, &SECOND, OpenMode::Check).unwrap();
        let newer = prepare(&path, &FIRST, OpenMode::Migrate).unwrap_err();
        assert_eq!(newer.code(), Code::StoreNewer);
        assert_eq!(version(), "14");
        let tables =
            "SELECT count(*) FROM sqlite_schema WHERE name GLOB 'app*' OR name IN ('one', 'two')";
        assert_eq!(app.query_row(tables, [], |row| row.get::<_, i64>(0)).unwrap(), 5);
    }
}
