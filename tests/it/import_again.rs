//! What an import knows of those before it, and for how long; and where its events begin.

use crate::support::server::program;
use crate::support::{STUCK, now, store};
use lamplighter::monitor::intake::prune_logs;
use lamplighter::store::{LogStore, OpenMode};
use std::path::Path;
use std::time::Duration;

/// Imports a log of a folder; answers what it says.
fn import(folder: &Path, arguments: &[&str]) -> String {
    let mut command = program(&folder.join("data"));
    let output = command.args(["logs", "import"]).args(arguments).current_dir(folder).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn database(folder: &Path) -> rusqlite::Connection {
    let conn = rusqlite::Connection::open(folder.join("data/logs.db")).unwrap();
    conn.busy_timeout(STUCK).unwrap();
    conn
}

fn messages(folder: &Path) -> Vec<String> {
    let conn = database(folder);
    let sql = "SELECT message FROM logs WHERE source NOT LIKE 'lamplighter%' ORDER BY id";
    let mut rows = conn.prepare(sql).unwrap();
    rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn lines(range: std::ops::Range<u32>) -> String {
    let line = |number| format!("2026-11-21 05:29:51 INFO order {number} came in\n");
    range.map(line).collect::<Vec<_>>().concat()
}

#[tokio::test]
async fn what_was_imported_is_known_as_long_as_its_rows_are_kept_or_the_log_grows() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    // Both begin with the same line, and the long one has two slices.
    let grows = lines(0..1) + &lines(20_000..20_010);
    write("done.log", &lines(0..7_000));
    write("grows.log", &grows);
    assert!(import(folder, &["done.log"]).starts_with("7,000 rows"));
    assert!(import(folder, &["grows.log"]).starts_with("11 rows"));
    let (_store_folder, store) = store();
    let logs = LogStore::open(&folder.join("data/logs.db"), OpenMode::Migrate).unwrap();
    let prune = async || while prune_logs(&store, &logs, now()).await.unwrap() {};
    let marks = || -> i64 {
        let sql = "SELECT count(*) FROM log_slices";
        database(folder).query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let age = || {
        let eight_days = Duration::from_hours(8 * 24).as_millis();
        for table in ["logs", "log_slices"] {
            let sql = format!("UPDATE {table} SET created_at = created_at - {eight_days}");
            database(folder).execute_batch(&sql).unwrap();
        }
    };
    let before = marks();
    prune().await;
    assert_eq!((marks(), messages(folder).len()), (before, 7_011), "nothing is old");
    age();
    write("grows.log", &(grows.clone() + &lines(20_010..20_012)));
    assert!(import(folder, &["grows.log"]).contains("new after 11 rows"));
    prune().await;
    assert_eq!(messages(folder).len(), 2, "the rows of before are gone");
    assert!(marks() < before && marks() >= 2, "{} of {before}", marks());
    // What has grown is known from its start; the other is added again.
    assert!(import(folder, &["grows.log"]).contains("nothing is new"));
    assert!(import(folder, &["done.log"]).starts_with("7,000 rows"));
    assert_eq!(messages(folder).len(), 7_002);
    // What was added again on demand is known for as long as that was added.
    age();
    assert!(import(folder, &["--again", "done.log"]).starts_with("7,000 rows"));
    prune().await;
    assert_eq!(messages(folder).len(), 7_000);
    assert!(import(folder, &["done.log"]).contains("nothing is new"));
    // Nothing is left of it all in the end.
    age();
    prune().await;
    assert_eq!(marks(), 0);
}

#[test]
fn events_begin_where_the_command_says_and_what_was_imported_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("a.log"), "> one\nand\n{\"more\":1}\n> two\nERROR of two\n")
        .unwrap();
    let said = import(folder, &["--begins", "^>", "a.log"]);
    assert!(said.starts_with("2 rows"), "{said}");
    assert_eq!(messages(folder), ["> one\nand\n{\"more\":1}", "> two\nERROR of two"]);
    let said = import(folder, &["--begins", "^", "a.log"]);
    assert!(said.contains("nothing is new"), "{said}");
    let mut command = program(&folder.join("data"));
    let arguments = ["logs", "import", "--begins", "(", "a.log"];
    let output = command.args(arguments).current_dir(folder).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("JOB-VALUE-001") && said.contains("unclosed group"), "{said}");
}
