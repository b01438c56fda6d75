//! Looks at the pages of a database: whole where it is small, else at both ends of each table and index.
//!
//! A damaged page is met only by the statement that reads it, so that a server could take jobs for days which it can never
//! run. Every table and index is therefore looked at before the first write.

use super::ledger::{self, Component, created};
use crate::error::{Code, Error, Result};
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A file of up to this many bytes is looked at whole when a server starts on it; that takes a second at most.
const WHOLE_UP_TO: i64 = 256 * 1024 * 1024;
/// Steps of SQLite between two looks at the time.
const STEPS: i32 = 10_000;
/// Complaints of SQLite that a refusal lists.
const MAX_NAMED: usize = 3;

/// Looks at the tables and indexes of these components.
///
/// # Errors
/// `STORE-FILE-008`, with what SQLite complains about.
pub(super) fn at_open(
    conn: &Connection,
    components: &[&Component],
    is_guest: bool,
    may_take_a_second: bool,
) -> Result<()> {
    let bytes: i64 = conn.query_row(
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
        [],
        |row| row.get(0),
    )?;
    let names = names(components);
    if !may_take_a_second || bytes > WHOLE_UP_TO {
        return ends(conn, &names);
    }
    if !is_guest {
        return quick_check(conn, None);
    }
    tables(conn, &names)?.iter().try_for_each(|table| quick_check(conn, Some(table)))
}

/// Compares the texts of the tables, indexes, triggers and views of these components with what the migrations make: a page of
/// damaged text has the form that SQLite expects, and every statement that needs the trigger fails.
///
/// # Errors
/// `STORE-TABLE-002`, with the first name.
#[expect(clippy::disallowed_methods, reason = "a database in memory, to compare with")]
pub(super) fn texts(conn: &Connection, components: &[&Component]) -> Result<()> {
    const SQL: &str = "SELECT CAST(sql AS BLOB) FROM sqlite_schema WHERE name = ?1";
    let mut fresh = Connection::open_in_memory()?;
    components.iter().try_for_each(|component| ledger::apply(&mut fresh, component))?;
    let text = |conn: &Connection, name: &str| {
        let found = conn.query_row(SQL, [name], |row| row.get::<_, Option<Vec<u8>>>(0));
        found.optional().map(Option::flatten)
    };
    for name in names(components) {
        if text(conn, name)? != text(&fresh, name)? {
            let doing = format!("look at the tables: the text of {name} is not this program's");
            return Err(Error::new(Code::StoreTablesDiffer, doing));
        }
    }
    Ok(())
}

/// Looks at all pages of one table and its indexes within this time; whether it finished.
///
/// # Errors
/// `STORE-FILE-008`.
pub(super) fn table(conn: &Connection, table: &str, within: Duration) -> Result<bool> {
    let begun = Instant::now();
    conn.progress_handler(STEPS, Some(move || begun.elapsed() >= within))?;
    let checked = quick_check(conn, Some(table));
    conn.progress_handler(0, None::<fn() -> bool>)?;
    match checked {
        // It was interrupted.
        Err(error) if error.code() != Code::StoreDamaged && begun.elapsed() >= within => Ok(false),
        Err(error) => Err(error.while_doing(&format!("look at {table}"))),
        Ok(()) => Ok(true),
    }
}

/// SQLite's check of the file, or of one table with its indexes.
///
/// # Errors
/// `STORE-FILE-008`.
fn quick_check(conn: &Connection, table: Option<&str>) -> Result<()> {
    let name = table.map_or(String::new(), |table| format!("('{table}')"));
    refuse(&lines(conn, &format!("PRAGMA quick_check{name}"), |row| row.get(0))?)
}

/// SQLite's whole check of the file, with its foreign keys.
///
/// # Errors
/// `STORE-FILE-008`.
#[cfg(feature = "cli")]
pub(super) fn whole(conn: &Connection) -> Result<()> {
    let broken = |row: &rusqlite::Row<'_>| {
        let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
        Ok(format!("a row of {table} names one of {parent} that is not there"))
    };
    let mut found = lines(conn, "PRAGMA integrity_check", |row| row.get(0))?;
    found.extend(lines(conn, "PRAGMA foreign_key_check", broken)?);
    refuse(&found)
}

/// What a pragma complains about.
fn lines(
    conn: &Connection,
    pragma: &str,
    read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<String>,
) -> Result<Vec<String>> {
    let mut statement = conn.prepare(pragma)?;
    let rows = statement.query_map([], read)?;
    let mut found = rows.take(MAX_NAMED).collect::<rusqlite::Result<Vec<_>>>()?;
    found.retain(|line| line != "ok");
    Ok(found)
}

fn refuse(found: &[String]) -> Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    let lines = found.iter().flat_map(|text| text.lines());
    let lines: Vec<_> = lines.filter(|line| !line.starts_with("***")).take(MAX_NAMED).collect();
    Err(Error::new(Code::StoreDamaged, format!("look at its pages: {}", lines.join("; "))))
}

/// Reads the first and the last row by each table and each index.
///
/// # Errors
/// `STORE-FILE-008`, with the name of the table or index.
fn ends(conn: &Connection, names: &BTreeSet<&str>) -> Result<()> {
    for (name, select) in selects(conn, names)? {
        for (direction, other) in [("ASC", "DESC"), ("DESC", "ASC")] {
            let sql = select.replace('@', direction).replace('~', other);
            conn.prepare(&sql)
                .and_then(|mut statement| statement.query([])?.next().map(drop))
                .map_err(|error| Error::from(error).while_doing(&format!("look at {name}")))?;
        }
    }
    Ok(())
}

/// The tables of these components.
pub(super) fn own_tables(conn: &Connection, components: &[&Component]) -> Result<Vec<String>> {
    tables(conn, &names(components))
}

/// The tables with one of these names.
fn tables(conn: &Connection, names: &BTreeSet<&str>) -> Result<Vec<String>> {
    let mut statement = conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let tables = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut tables = tables.collect::<rusqlite::Result<Vec<_>>>()?;
    tables.retain(|table| names.contains(table.as_str()));
    Ok(tables)
}

/// For each table and each of its indexes the statement that reads the row at one end; an @ stands for each direction.
fn selects(conn: &Connection, names: &BTreeSet<&str>) -> Result<Vec<(String, String)>> {
    const COLUMNS: &str = "SELECT group_concat(name || ' @') FROM (SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk)";
    const INDEXES: &str = "
        SELECT i.name, s.sql, (SELECT group_concat(x.name || ' @') FROM pragma_index_info(i.name) x)
        FROM pragma_index_list(?1) i
        JOIN sqlite_schema s ON s.type = 'index' AND s.name = i.name";
    let mut selects = Vec::new();
    for table in tables(conn, names)? {
        let is_rowid: bool = conn.query_row(
            "SELECT NOT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1",
            [&table],
            |row| row.get(0),
        )?;
        let order: Option<String> = conn.query_row(COLUMNS, [&table], |row| row.get(0))?;
        let order = order.filter(|_| !is_rowid).unwrap_or_else(|| "rowid @".into());
        let select = format!("SELECT * FROM {table} NOT INDEXED ORDER BY {order} LIMIT 1");
        selects.push((table.clone(), select));
        let mut statement = conn.prepare(INDEXES)?;
        let indexes = statement.query_map([&table], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?, row.get(2)?))
        })?;
        for index in indexes {
            let (name, sql, columns): (_, _, Option<String>) = index?;
            let (order, condition) = match &sql {
                Some(sql) => terms(sql),
                None => (columns.unwrap_or_default(), ""),
            };
            let select = format!(
                "SELECT * FROM {table} INDEXED BY {name} {condition} ORDER BY {order} LIMIT 1"
            );
            selects.push((name, select));
        }
    }
    Ok(selects)
}

/// What an index is in the order of, and the condition of its rows. Its text is `CREATE INDEX … ON … (…) WHERE …`. `@` stands
/// for the direction of a term, `~` for that of one that goes the other way.
fn terms(sql: &str) -> (String, &str) {
    let begin = sql.find('(').map_or(sql.len(), |at| at + 1);
    let (mut depth, mut terms, mut of_term) = (1, Vec::new(), begin);
    for (at, letter) in sql[begin..].char_indices() {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        if depth == 0 || (depth == 1 && letter == ',') {
            terms.push(directed(&sql[of_term..begin + at]));
            of_term = begin + at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    (terms.join(", "), &sql[of_term.min(sql.len())..])
}

/// A term of an index with a sign for its direction.
fn directed(term: &str) -> String {
    let term = term.trim();
    let without = |word: &str| {
        let (head, tail) = term.split_at_checked(term.len().checked_sub(word.len())?)?;
        let is_word = tail.eq_ignore_ascii_case(word) && head.ends_with(char::is_whitespace);
        is_word.then(|| head.trim_end())
    };
    match without("DESC") {
        Some(term) => format!("{term} ~"),
        None => format!("{} @", without("ASC").unwrap_or(term)),
    }
}

pub(super) fn names<'a>(components: &[&'a Component]) -> BTreeSet<&'a str> {
    let migrations = components.iter().flat_map(|component| component.migrations);
    migrations.flat_map(|sql| created(sql)).chain(["job_schema"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema::ALL;

    #[expect(clippy::disallowed_methods, reason = "a database of this test's own, in memory")]
    fn memory() -> Connection {
        let mut conn = Connection::open_in_memory().unwrap();
        for &component in ALL {
            ledger::apply(&mut conn, component).unwrap();
        }
        conn
    }

    #[test]
    fn an_index_of_an_applications_is_read_in_its_own_order() {
        let conn = memory();
        conn.execute_batch(
            "CREATE INDEX mine ON jobs (kind desc, lower(queue), created_at DESC, id ASC) WHERE id > (1)",
        )
        .unwrap();
        let selects = selects(&conn, &names(ALL)).unwrap();
        let mine = selects.iter().find(|(name, _)| name == "mine").unwrap();
        let wanted = "WHERE id > (1) ORDER BY kind ~, lower(queue) @, created_at ~, id @ LIMIT 1";
        assert!(mine.1.ends_with(wanted), "{}", mine.1);
        ends(&conn, &names(ALL)).unwrap();
    }

    #[test]
    fn both_ends_of_each_table_and_index_are_sought_and_none_is_sorted() {
        let conn = memory();
        let selects = selects(&conn, &names(ALL)).unwrap();
        for (name, select) in &selects {
            for direction in ["ASC", "DESC"] {
                let sql = format!("EXPLAIN QUERY PLAN {}", select.replace('@', direction));
                let mut statement = conn.prepare(&sql).unwrap();
                let rows = statement.query_map([], |row| row.get::<_, String>(3)).unwrap();
                let plan: Vec<_> = rows.map(Result::unwrap).collect();
                assert!(plan.iter().all(|step| !step.contains("TEMP")), "{name}: {plan:?}");
                let is_index = select.contains(" INDEXED BY ") && !select.contains("NOT INDEXED");
                assert_eq!(
                    plan[0].contains(name) && plan[0].contains("INDEX"),
                    is_index,
                    "{name}: {plan:?}"
                );
            }
        }
        let all = "SELECT name FROM sqlite_schema WHERE rootpage > 0 AND name <> 'sqlite_sequence'";
        let mut statement = conn.prepare(all).unwrap();
        let all = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let all: BTreeSet<_> = all.map(Result::unwrap).collect();
        let sought: BTreeSet<_> = selects.into_iter().map(|(name, _)| name).collect();
        assert_eq!(sought, all);
    }

    #[test]
    fn a_whole_database_is_whole() {
        let conn = memory();
        at_open(&conn, ALL, false, true).unwrap();
        at_open(&conn, ALL, true, true).unwrap();
        at_open(&conn, ALL, false, false).unwrap();
    }
}

#[cfg(test)]
#[cfg(feature = "monitor")]
mod tests_of_looks {
    use super::super::draft::beside;
    use super::super::open::connect_with;
    use super::*;
    use crate::store::{LogStore, OpenMode, Store};
    use std::fs::OpenOptions;
    use std::os::unix::fs::FileExt;
    use std::path::Path;

    /// Looks at all tables of the database at `path`, as the inspector does, before and after a deed.
    async fn inspected(path: &Path, deed: impl FnOnce()) -> Result<()> {
        const LONG: Duration = Duration::from_mins(1);
        let looks = if path.ends_with("logs.db") {
            LogStore::open(path, OpenMode::Migrate).unwrap().inspection()
        } else {
            Store::open(path, OpenMode::Migrate).unwrap().inspection()
        };
        let tables = looks.tables().await.unwrap();
        for table in tables.clone() {
            assert!(looks.look_at(table, LONG).await.unwrap());
        }
        deed();
        for table in tables {
            assert!(looks.look_at(table, LONG).await?);
        }
        Ok(())
    }

    #[tokio::test]
    async fn p28_any_root_page_that_is_zeroed_under_an_open_database_is_met_by_a_look_at_each_table()
     {
        const ROOTS: &str = "SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0 AND name <> 'sqlite_sequence'";
        let folder = tempfile::tempdir().unwrap();
        for name in ["lamplighter.db", "logs.db"] {
            let [path, copy] = ["whole", "copy"].map(|part| folder.path().join(part).join(name));
            std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
            inspected(&path, || ()).await.unwrap();
            let foreign = |path| connect_with(path, rusqlite::OpenFlags::empty()).unwrap();
            let conn = foreign(&path);
            let mut statement = conn.prepare(ROOTS).unwrap();
            let roots =
                statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?))).unwrap();
            for (root, page) in roots.map(|root: rusqlite::Result<(String, i64)>| root.unwrap()) {
                std::fs::copy(&path, &copy).unwrap();
                let zeroed = || {
                    let conn = foreign(&copy);
                    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
                    let file = OpenOptions::new().write(true).open(&copy).unwrap();
                    file.write_all_at(&[0; 4096], (page.unsigned_abs() - 1) * 4096).unwrap();
                    // A commit of another program has every page read anew.
                    conn.pragma_update(None, "user_version", 100).unwrap();
                };
                let met = inspected(&copy, zeroed).await.expect_err(&root);
                assert_eq!(met.code(), Code::StoreDamaged, "{root}: {met}");
                for suffix in ["", "-wal", "-shm"] {
                    drop(std::fs::remove_file(beside(&copy, suffix)));
                }
            }
        }
    }
}
