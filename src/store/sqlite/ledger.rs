//! The ledger of a file: which components it has, in which versions, and the migrations that lead there.
//!
//! A component is added only where none of its names is taken, and that is looked at in the transaction that adds it: a
//! refused file stays as it is.

use crate::error::{Code, Error, Result};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write as _;

const LEDGER: &str = include_str!("../../../migrations/sqlite/ledger.sql");
const TABLE: &str = "job_schema";
/// Names that a refusal lists.
const MAX_NAMED: usize = 8;

/// Tables with a version of their own.
#[derive(Debug)]
pub(in crate::store) struct Component {
    pub(in crate::store) name: &'static str,
    /// All migrations in order; the n-th leads to version n.
    pub(in crate::store) migrations: &'static [&'static str],
}

impl Component {
    /// The newest version.
    pub(in crate::store) fn version(&self) -> u32 {
        self.migrations.len() as u32
    }

    /// The whole text of the migration that leads to `version`, with its row of the ledger.
    pub(in crate::store) fn step(&self, version: u32) -> String {
        let sql = self.migrations[version as usize - 1];
        let ledger = if version == 1 { LEDGER } else { "" };
        let (name, checksum) = (self.name, checksum(sql));
        format!(
            "{ledger}\n{sql}\nINSERT INTO {TABLE} (component, version, checksum) VALUES ('{name}', {version}, '{checksum}');\n"
        )
    }

    /// The names that the migrations after `version` give to tables, indexes, triggers and views.
    fn names_after(&self, version: u32) -> impl Iterator<Item = &'static str> {
        self.migrations.iter().skip(version as usize).flat_map(|sql| created(sql))
    }
}

/// The version in which the file has this component; 0: it has none.
///
/// # Errors
/// `STORE-FILE-002` a newer one; `STORE-TABLE-001` the ledger's name is taken; `STORE-TABLE-002` the tables were made by
/// other texts than ours, or are gone.
pub(super) fn version(conn: &Connection, component: &Component) -> Result<u32> {
    let rows = rows(conn, component.name)?;
    let name = component.name;
    let newest = rows.last().map_or(0, |(version, _)| *version);
    if newest > component.version() {
        let known = component.version();
        let doing = format!("component {name}: version {newest}, known up to {known}");
        return Err(Error::new(Code::StoreNewer, doing));
    }
    for (index, sql) in component.migrations.iter().enumerate().take(newest as usize) {
        let version = index as u32 + 1;
        let differs = match rows.get(index) {
            Some((found, sum)) if *found == version => *sum != checksum(sql),
            Some(_) | None => true,
        };
        if differs {
            let doing = format!(
                "component {name}: version {version} was made by another text than this program's (its checksum differs)"
            );
            return Err(Error::new(Code::StoreTablesDiffer, doing));
        }
    }
    let there = taken(conn)?;
    let wanted = component.migrations.iter().take(newest as usize).flat_map(|sql| created(sql));
    let gone: Vec<_> = wanted.filter(|name| !there.contains(*name)).collect();
    if gone.is_empty() {
        return Ok(newest);
    }
    let doing = format!("component {name}: it lacks {}", listed(&gone));
    Err(Error::new(Code::StoreTablesDiffer, doing))
}

/// Whether the file has the program's tables. Asks the ledger, for an application may have tables of the same names.
pub(in crate::store) fn has_program(conn: &Connection) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM job_schema WHERE component = 'program')";
    Ok(conn.prepare_cached(SQL)?.query_row([], |row| row.get(0))?)
}

/// How many migrations were run.
pub(super) fn count(conn: &Connection) -> Result<i64> {
    Ok(conn.query_row("SELECT count(*) FROM job_schema", [], |row| row.get(0))?)
}

/// Runs the migrations of `component` that the file lacks, one transaction each.
///
/// # Errors
/// As [`version`]; `STORE-TABLE-001` if a name is taken: nothing was changed then.
pub(super) fn apply(conn: &mut Connection, component: &Component) -> Result<()> {
    // Another process that was started at the same time may be quicker, so each transaction looks again.
    loop {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = version(&tx, component)?;
        if found == component.version() {
            return Ok(());
        }
        let there = taken(&tx)?;
        let ours = component.names_after(found).filter(|name| there.contains(*name));
        let clash: Vec<_> = ours.collect();
        if !clash.is_empty() {
            let doing = format!("add the component {}: {}", component.name, listed(&clash));
            return Err(Error::new(Code::StoreNamesTaken, doing));
        }
        tx.execute_batch(&component.step(found + 1))?;
        tx.commit()?;
    }
}

/// The versions of a component that were reached, with the checksums, in order.
fn rows(conn: &Connection, component: &str) -> Result<Vec<(u32, String)>> {
    const SQL: &str = "
        SELECT version, checksum
        FROM job_schema
        WHERE component = ?1
        ORDER BY version";
    const OURS: &str = "
        SELECT count(*) = 4
        FROM pragma_table_info('job_schema')
        WHERE name = 'component' OR name = 'version' OR name = 'checksum' OR name = 'applied_at'";
    let there = "SELECT 1 FROM sqlite_schema WHERE name = 'job_schema' COLLATE NOCASE";
    if conn.query_row(there, [], |_| Ok(())).optional()?.is_none() {
        return Ok(Vec::new());
    }
    if !conn.query_row(OURS, [], |row| row.get(0))? {
        return Err(Error::new(Code::StoreNamesTaken, format!("read the ledger: {TABLE}")));
    }
    let mut statement = conn.prepare(SQL)?;
    let rows = statement.query_map([component], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Every name in the file, in small letters, for SQLite's names have no case.
fn taken(conn: &Connection) -> Result<BTreeSet<String>> {
    let mut statement = conn.prepare("SELECT lower(name) FROM sqlite_schema")?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// The names that a migration of ours creates. In our files, CREATE begins a line only where it begins a statement.
pub(super) fn created(sql: &'static str) -> impl Iterator<Item = &'static str> {
    const WORDS: [&str; 6] = ["CREATE", "UNIQUE", "TABLE", "INDEX", "TRIGGER", "VIEW"];
    let name = |line: &'static str| line.split_whitespace().find(|word| !WORDS.contains(word));
    sql.lines().filter(|line| line.starts_with("CREATE ")).filter_map(name)
}

fn listed(names: &[&str]) -> String {
    let more = names.len().saturating_sub(MAX_NAMED);
    let list = names[..names.len() - more].join(", ");
    if more == 0 { list } else { format!("{list} and {more} more") }
}

fn checksum(sql: &str) -> String {
    Sha256::digest(sql.as_bytes()).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes every text");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema::ALL;

    const FIRST: Component = Component { name: "one", migrations: &["CREATE TABLE one (x INT);"] };
    const SECOND: Component = Component {
        name: "one",
        migrations: &["CREATE TABLE one (x INT);", "CREATE TABLE two (x INT);"],
    };

    #[expect(clippy::disallowed_methods, reason = "a database of this test's own, in memory")]
    fn memory() -> Connection {
        Connection::open_in_memory().unwrap()
    }

    fn refusal(conn: &mut Connection, component: &Component) -> (Code, String) {
        let before = taken(conn).unwrap();
        let error = apply(conn, component).unwrap_err();
        assert_eq!(taken(conn).unwrap(), before, "nothing was added");
        (error.code(), error.to_string())
    }

    #[test]
    fn a_component_is_made_once_and_migrated_step_by_step() {
        let mut conn = memory();
        assert_eq!(version(&conn, &FIRST).unwrap(), 0);
        apply(&mut conn, &FIRST).unwrap();
        apply(&mut conn, &FIRST).unwrap();
        assert_eq!(version(&conn, &SECOND).unwrap(), 1);
        apply(&mut conn, &SECOND).unwrap();
        assert_eq!(version(&conn, &SECOND).unwrap(), 2);
        assert!(!has_program(&conn).unwrap());
    }

    #[test]
    fn a_newer_component_and_one_of_another_text_are_refused() {
        let mut conn = memory();
        apply(&mut conn, &SECOND).unwrap();
        let (code, said) = refusal(&mut conn, &FIRST);
        assert_eq!(code, Code::StoreNewer);
        assert!(said.contains("component one: version 2, known up to 1"), "{said}");
        let other = Component { migrations: &["CREATE TABLE one (x TEXT);", ""], ..FIRST };
        let (code, said) = refusal(&mut conn, &other);
        assert_eq!(code, Code::StoreTablesDiffer);
        assert!(said.contains("component one: version 1 was made by another text"), "{said}");
    }

    #[test]
    fn a_table_that_is_gone_is_named() {
        let mut conn = memory();
        apply(&mut conn, &SECOND).unwrap();
        conn.execute_batch("DROP TABLE one").unwrap();
        let (code, said) = refusal(&mut conn, &SECOND);
        assert_eq!(code, Code::StoreTablesDiffer);
        assert!(said.contains("it lacks one"), "{said}");
    }

    #[test]
    fn names_that_are_taken_are_listed_whatever_has_them_and_however_they_are_written() {
        let mut conn = memory();
        conn.execute_batch("CREATE TABLE One (x); CREATE INDEX TWO ON One (x)").unwrap();
        let (code, said) = refusal(&mut conn, &SECOND);
        assert_eq!(code, Code::StoreNamesTaken);
        assert!(said.ends_with("one, two"), "{said}");
        let mut conn = memory();
        conn.execute_batch("CREATE TABLE job_schema (component, version)").unwrap();
        assert_eq!(refusal(&mut conn, &FIRST).0, Code::StoreNamesTaken);
    }

    #[test]
    fn the_names_that_a_migration_creates_are_all_found() {
        let mut conn = memory();
        let mut found = BTreeSet::from([TABLE.to_owned()]);
        for &component in ALL {
            apply(&mut conn, component).unwrap();
            found.extend(component.names_after(0).map(str::to_lowercase));
        }
        let mut there = taken(&conn).unwrap();
        there.retain(|name| !name.starts_with("sqlite_"));
        assert_eq!(found, there);
    }
}
