//! One act on many jobs by a job of its own: a killed server goes on with it, and no job is changed twice.

use crate::support::server::{Server, program};
use crate::support::{foreign, in_time, open, until};
use lamplighter::model::{Filter, JobId, Status};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::path::Path;

/// Jobs of the query.
const JOBS: i64 = 3000;

/// Stores jobs of a kind that nobody has a handler for, which have failed.
fn failed(conn: &Connection, kind: &str, count: i64) {
    let sql = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
         INSERT INTO jobs (kind, run_at) SELECT '{kind}', 0 FROM n;
         UPDATE jobs SET status = 'running', waits_for = NULL, worker_id = 'w', epoch = 1, attempt = 1, started_at = 0
         WHERE kind = '{kind}';
         UPDATE jobs SET status = 'failed', worker_id = NULL, finished_at = 1, error = 'no' WHERE kind = '{kind}'"
    );
    conn.execute_batch(&sql).unwrap();
}

fn count(conn: &Connection, condition: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM jobs WHERE {condition}");
    conn.query_row(&sql, [], |row| row.get(0)).unwrap()
}

/// What the command line answers to a program.
fn ask(folder: &Path, arguments: &[&str]) -> Value {
    let output = program(folder).arg("--json").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", text(output.stderr));
    serde_json::from_str(&text(output.stdout)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_action_over_thousands_of_jobs_goes_on_after_a_kill_and_runs_none_twice() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let watched = store.clone();
    let watch = tokio::spawn(async move { watched.watch_foreign_commits().await });
    let conn = foreign(folder.path());
    failed(&conn, "send_email", JOBS);
    let asked = ask(folder.path(), &["jobs", "retry", "--query", "status:failed", "--yes"]);
    assert_eq!((&asked["changed"], &asked["action"]), (&json!(JOBS), &json!("retry")), "{asked}");
    let id = JobId(asked["job_id"].as_i64().unwrap());
    assert!(asked["notes"][0].as_str().unwrap().contains("No server runs"), "{asked}");
    failed(&conn, "came_later", 3);
    // However slow this test is, the server gets no further than to the half.
    let half = format!(
        "CREATE TRIGGER half BEFORE INSERT ON jobs WHEN NEW.parent_id > {}
         BEGIN SELECT RAISE(ABORT, 'no further'); END",
        JOBS / 2
    );
    conn.execute_batch(&half).unwrap();

    let server = Server::start(folder.path(), &[]);
    let mut changes = store.changes();
    in_time(async {
        loop {
            changes.borrow_and_update();
            // Nothing is written while this connection holds the lock: what is seen is what the kill leaves.
            conn.execute_batch("BEGIN IMMEDIATE").unwrap();
            let begun = count(&conn, "trigger = 'retry'") > 0;
            if begun {
                break;
            }
            conn.execute_batch("COMMIT").unwrap();
            changes.changed().await.unwrap();
        }
    })
    .await;
    server.kill();
    conn.execute_batch("DROP TRIGGER half; COMMIT").unwrap();
    let half = count(&conn, "trigger = 'retry'");
    assert!((1..JOBS).contains(&half), "{half} of {JOBS} were run again when it was killed");

    let server = Server::start(folder.path(), &[]);
    let done = until(&store, id, |job| job.status.is_final()).await;
    assert_eq!(done.status, Status::Completed, "{done:?}");
    let result: Value = serde_json::from_str(done.result.as_deref().unwrap()).unwrap();
    assert_eq!(result["changed"], json!(JOBS), "{result}");
    assert_eq!(count(&conn, "trigger = 'retry'"), JOBS);
    let twice = "SELECT count(DISTINCT parent_id) FROM jobs WHERE trigger = 'retry'";
    let once: i64 = conn.query_row(twice, [], |row| row.get(0)).unwrap();
    assert_eq!(once, JOBS, "each has one copy");
    let of = Filter::parse(&format!("bulk:{id}")).unwrap();
    let new = store.find_jobs(of.clone(), None, 5000, done.created_at).await.unwrap().rows;
    assert_eq!(new.len() as i64, JOBS, "the query finds what it made");
    assert!(new.iter().all(|job| job.parent_id.is_some_and(|parent| parent.0 <= JOBS)), "{of}");
    let rest = of.and(Filter::parse("-trigger:retry").unwrap());
    assert!(store.find_jobs(rest, None, 9, done.created_at).await.unwrap().rows.is_empty());
    assert_eq!(count(&conn, "kind = 'came_later'"), 3, "nothing is done to what came later");
    assert_eq!(server.terminate(), Some(0));
    watch.abort();
}

#[test]
fn a_bulk_act_without_a_terminal_is_done_only_if_it_says_yes() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let conn = foreign(folder.path());
    failed(&conn, "send_email", 5);
    let cancel = ["jobs", "delete", "--query", "status:failed"];
    let refused = program(folder.path()).args(cancel).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("5 jobs fit the query; 5 would be deleted."), "{said}");
    assert!(
        said.contains("delete 5 jobs: it was not confirmed") && said.contains("--yes"),
        "{said}"
    );
    let preview = ask(folder.path(), &[&cancel[..], &["--dry-run"]].concat());
    assert_eq!((&preview["matched"], &preview["changes"]), (&json!(5), &json!(5)), "{preview}");
    assert_eq!(preview["errors"][0]["example"], "no");
    assert_eq!(count(&conn, "status = 'failed'"), 5);
    let done = ask(folder.path(), &[&cancel[..], &["--yes"]].concat());
    assert_eq!((&done["changed"], &done["ids"]), (&json!(5), &json!([1, 2, 3, 4, 5])), "{done}");
    assert_eq!(done["answer"], "5 jobs were deleted.");
    assert_eq!(count(&conn, "1"), 0);
}
