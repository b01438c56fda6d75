//! The texts of the tables, indexes, triggers and views while a file is open.
//!
//! Every connection keeps the schema in memory from when it was opened. A text that is damaged in the file is met by the next
//! connection alone: where it still has the form that SQLite expects, a column is missing, or a trigger does something else.

use super::ledger::{self, Component};
use super::{check, open, statistics};
use crate::error::{Code, Error, Result};
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The texts of these components, as they were when they were first read.
#[derive(Debug)]
pub(super) struct Texts {
    components: &'static [&'static Component],
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// How many migrations were run.
    migrations: i64,
    texts: BTreeMap<&'static str, Vec<u8>>,
}

impl Texts {
    pub(super) fn read(
        conn: &Connection,
        components: &'static [&'static Component],
    ) -> Result<Self> {
        // The number of migrations and the texts must be of one moment: another process may be migrating.
        let known = read(&*conn.unchecked_transaction()?, components)?;
        Ok(Self { components, known: Mutex::new(known) })
    }

    /// Opens the file anew, compares them there, and runs `run` on the same snapshot. Then what ANALYZE has found out since
    /// the last time is removed.
    ///
    /// # Errors
    /// Besides those of `run`: those of [`Texts::expect`].
    pub(super) fn read_anew<T>(
        &self,
        path: &Path,
        run: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        let mut conn = open::connect_with(path, OpenFlags::empty())?;
        open::init_reader(&conn)?;
        let snapshot = conn.transaction()?;
        self.expect(&snapshot)?;
        let answer = run(&snapshot)?;
        drop(snapshot);
        statistics::clear(&conn, path, self.components);
        Ok(answer)
    }

    /// Compares them with those that this connection reads. After a migration, which another process has run, those hold.
    ///
    /// # Errors
    /// `STORE-FILE-008`, with the first name.
    fn expect(&self, conn: &Connection) -> Result<()> {
        let now = read(conn, self.components)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if now.migrations > known.migrations {
            *known = now;
        } else if let Some((name, _)) =
            known.texts.iter().find(|(name, text)| now.texts.get(*name) != Some(*text))
        {
            let doing = format!("look at the tables: the text of {name} is not what it was");
            return Err(Error::new(Code::StoreDamaged, doing));
        }
        Ok(())
    }
}

fn read(conn: &Connection, components: &[&'static Component]) -> Result<Known> {
    const SQL: &str = "
        SELECT CAST(name AS BLOB), CAST(sql AS BLOB)
        FROM sqlite_schema
        WHERE sql IS NOT NULL";
    let names = check::names(components);
    let mut statement = conn.prepare(SQL)?;
    let mut rows = statement.query([])?;
    let mut texts = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (name, text): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let name = std::str::from_utf8(&name).ok().and_then(|name| names.get(name).copied());
        texts.extend(name.map(|name| (name, text)));
    }
    Ok(Known { migrations: ledger::count(conn)?, texts })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use std::time::Duration;

    #[tokio::test]
    async fn a_text_that_changes_under_an_open_database_is_damage_and_a_migration_is_none() {
        const LONG: Duration = Duration::from_mins(1);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.db");
        let store = Store::open_scratch(&path).unwrap();
        let change = |sql: &str| {
            let conn = open::connect_with(&path, OpenFlags::empty()).unwrap();
            conn.execute_batch(&format!("BEGIN; PRAGMA writable_schema = ON; {sql}; COMMIT"))
                .unwrap();
        };
        let look = async || store.inspection().look_at("job_leader".to_owned(), LONG).await;
        assert!(look().await.unwrap());
        change(
            "UPDATE sqlite_schema SET sql = sql || ' ' WHERE name = 'job_leader';
             INSERT INTO job_schema (component, version, checksum) VALUES ('engine', 1000, 'x')",
        );
        assert!(look().await.unwrap(), "another process has run a migration");
        change(
            "UPDATE sqlite_schema SET sql = replace(sql, 'pid ', 'piq ') WHERE name = 'job_workers'",
        );
        let damaged = look().await.unwrap_err();
        assert_eq!(damaged.code(), Code::StoreDamaged, "{damaged}");
        assert!(damaged.to_string().contains("the text of job_workers"), "{damaged}");
    }
}
