//! Removes what ANALYZE has counted in our tables, for SQLite plans statements by that as long as it is there.
//!
//! Counted when there were forty jobs, it has each claim read all jobs when there are a million. Our statements have the plans
//! that were looked at (`store/sql/plans.txt`) where nothing was counted. The engine never runs ANALYZE, nor `PRAGMA optimize`;
//! an application in whose file it is a guest may, and so may a person. What was counted in other tables stays.

use super::ledger::Component;
use super::{check, dialect, open};
use crate::error::{Result, ignore};
use rusqlite::{Connection, OpenFlags, TransactionBehavior, named_params};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// How long the removal waits for another program's write lock: it is tried again.
const LOCK_WAIT: Duration = Duration::from_secs(1);
/// Where ANALYZE writes what it has counted. The second is there if SQLite was built so.
const TABLES: [&str; 2] = ["sqlite_stat1", "sqlite_stat4"];

/// Removes what was counted in the tables of these components, if this connection sees some; whether it did. The connection
/// itself may have read it before, and knows it until its next statement. What fails is left to the next start or heartbeat.
pub(in crate::store) fn clear(conn: &Connection, path: &Path, components: &[&Component]) -> bool {
    let names = json!(check::names(components)).to_string();
    match are_there(conn, &names) {
        Ok(false) => false,
        Ok(true) => {
            let removed = remove(path, &names);
            let is_done = removed.is_ok();
            ignore(removed, "what ANALYZE counted stays until the next start or heartbeat");
            is_done
        }
        Err(error) => {
            ignore(Err::<(), _>(error), "whether there is anything is looked for again");
            false
        }
    }
}

fn are_there(conn: &Connection, names: &str) -> Result<bool> {
    for table in TABLES {
        if !has(conn, table)? {
            continue;
        }
        let of_ours = format!(
            "SELECT EXISTS (SELECT 1 FROM {table} WHERE tbl IN ({}))",
            dialect::members(":names")
        );
        let params = named_params! {":names": names};
        if conn.query_row(&of_ours, params, |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn has(conn: &Connection, table: &str) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = :name)";
    Ok(conn.query_row(SQL, named_params! {":name": table}, |row| row.get(0))?)
}

fn remove(path: &Path, names: &str) -> Result<()> {
    let mut conn = open::connect_with(path, OpenFlags::empty())?;
    conn.busy_timeout(LOCK_WAIT)?;
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut removed = 0;
    for table in TABLES {
        if has(&tx, table)? {
            let of_ours =
                format!("DELETE FROM {table} WHERE tbl IN ({})", dialect::members(":names"));
            removed += tx.execute(&of_ours, named_params! {":names": names})?;
        }
    }
    if removed == 0 {
        // Another process was here first.
        return Ok(());
    }
    // Every connection of every process has in memory what it read, until the schema has another number.
    let number: i64 = tx.pragma_query_value(None, "schema_version", |row| row.get(0))?;
    tx.pragma_update(None, "schema_version", number + 1)?;
    tx.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Kind, NewJob, Timestamp};
    use crate::store::{OpenMode, Store};
    use std::time::Duration;

    /// Where the store's reader begins: with the steps of jobs, or with all jobs once there were fewer of these.
    async fn plan(store: &Store) -> String {
        const SQL: &str =
            "EXPLAIN QUERY PLAN SELECT j.kind FROM job_events e JOIN jobs j ON j.id = e.job_id";
        // A statement that runs notices that the schema has another number; one that is explained does not.
        let plan = |conn: &Connection| {
            conn.query_row("SELECT count(*) FROM job_leader", [], |_| Ok(()))?;
            Ok(conn.query_row(SQL, [], |row| row.get(3))?)
        };
        store.db.read("plan", plan).await.unwrap()
    }

    fn run(path: &Path, sql: &str) {
        let conn = open::connect_with(path, OpenFlags::SQLITE_OPEN_CREATE).unwrap();
        conn.execute_batch(sql).unwrap();
    }

    fn rows(path: &Path) -> Vec<String> {
        let conn = open::connect_with(path, OpenFlags::empty()).unwrap();
        let mut statement = conn.prepare("SELECT DISTINCT tbl FROM sqlite_stat1").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// A file with one job, which ANALYZE saw. As an application's it has a table of the application's.
    async fn analyzed(path: &Path, is_guest: bool) -> Store {
        if is_guest {
            run(path, "PRAGMA journal_mode = WAL");
            run(path, "CREATE TABLE orders (id INTEGER); INSERT INTO orders VALUES (1)");
        }
        let store = opened(path, is_guest);
        let job = NewJob::new(Kind::parse("plain").unwrap());
        store.enqueue(job, Timestamp::from_millis(0)).await.unwrap();
        assert!(plan(&store).await.starts_with("SCAN e"));
        run(path, "ANALYZE");
        assert!(plan(&store).await.starts_with("SCAN j"), "SQLite believes what was counted");
        store
    }

    fn opened(path: &Path, is_guest: bool) -> Store {
        let open = if is_guest { Store::open_in } else { Store::open };
        open(path, OpenMode::Migrate).unwrap()
    }

    #[tokio::test]
    async fn a_start_removes_what_was_counted_in_our_tables_and_in_no_others() {
        for is_guest in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("lamplighter.db");
            drop(analyzed(&path, is_guest).await);
            let store = opened(&path, is_guest);
            assert!(plan(&store).await.starts_with("SCAN e"));
            assert_eq!(rows(&path), if is_guest { vec!["orders"] } else { vec![] });
        }
    }

    #[tokio::test]
    async fn a_look_at_the_open_file_removes_it_and_every_open_connection_plans_anew() {
        for is_guest in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("lamplighter.db");
            let store = analyzed(&path, is_guest).await;
            let other = opened(&path, is_guest);
            run(&path, "ANALYZE");
            assert!(plan(&other).await.starts_with("SCAN j"));
            let long = Duration::from_mins(1);
            assert!(store.inspection().look_at("job_leader".to_owned(), long).await.unwrap());
            for store in [&store, &other] {
                assert!(plan(store).await.starts_with("SCAN e"));
            }
        }
    }
}
