//! Other programs on the same file: the machine's own `sqlite3` shell against a running server.

use crate::support::server::{Browser, Server};
use crate::support::{STUCK, foreign, shell};
use std::path::Path;
use std::time::Instant;

/// A row of a scan as another program might try to run it by hand.
const RUN_BY_HAND: &str = "status = 'running', worker_id = 'me', epoch = epoch + 1, attempt = 1, started_at = 1, \
    waits_for = NULL, claim_order = NULL";

fn value(data: &Path, sql: &str) -> i64 {
    foreign(data).query_row(sql, [], |row| row.get(0)).unwrap()
}

fn wait_for(data: &Path, what: &str, sql: &str) {
    let begun = Instant::now();
    while value(data, sql) == 0 {
        assert!(begun.elapsed() < STUCK, "{what} never happened");
    }
}

#[test]
fn a_foreign_shell_cannot_break_the_rules() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    // No server runs, so that the rows stay as the shell leaves them.
    Server::start(data, &[]).kill();
    let Some(made) =
        shell(data, "INSERT INTO jobs(kind) VALUES ('self_monitoring'), ('self_monitoring')")
    else {
        return;
    };
    made.unwrap();
    let run = |sql: &str| shell(data, sql).unwrap();
    run(&format!("UPDATE jobs SET {RUN_BY_HAND} WHERE id = 1")).unwrap();
    for update in ["UPDATE", "UPDATE OR REPLACE", "UPDATE OR IGNORE"] {
        let second = run(&format!("{update} jobs SET {RUN_BY_HAND} WHERE id = 2"));
        assert!(second.unwrap_err().contains("one self_monitoring job runs at a time"), "{update}");
    }
    assert_eq!(value(data, "SELECT count(*) FROM jobs WHERE status = 'running'"), 1);
    run("UPDATE jobs SET status = 'completed', worker_id = NULL, finished_at = 2 WHERE id = 1")
        .unwrap();
    let again = run(&format!("UPDATE jobs SET {RUN_BY_HAND}, finished_at = NULL WHERE id = 1"));
    assert!(again.unwrap_err().contains("a final job never changes"));
    let over = run("INSERT OR REPLACE INTO jobs(id, kind) VALUES (1, 'other')");
    assert!(over.unwrap_err().contains("a job is never replaced"));
    assert_eq!(
        run("SELECT kind || ' ' || status FROM jobs WHERE id = 1").unwrap(),
        "self_monitoring completed"
    );
}

#[test]
fn p15_a_plain_insert_by_a_foreign_shell_starts_and_two_in_one_transaction_run_in_turn() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let server = Server::start(data, &[]);
    // The time includes the shell's own commit, and a busy machine delays either; a look by the clock would be in time by
    // chance now and then, but not four times.
    let mut in_time = 0;
    let mut waits = Vec::new();
    while in_time < 4 {
        assert!(
            waits.len() < 16,
            "a scan that another program inserts starts within 50 ms: {waits:?}"
        );
        let Some(made) =
            shell(data, "INSERT INTO jobs(kind,payload) VALUES('self_monitoring','{}')")
        else {
            return;
        };
        made.unwrap();
        wait_for(
            data,
            "the scan's end",
            "SELECT count(*) = 0 FROM jobs WHERE status <> 'completed'",
        );
        let wait = value(data, "SELECT started_at - created_at FROM jobs ORDER BY id DESC LIMIT 1");
        in_time += usize::from(wait < 50);
        waits.push(wait);
    }
    println!("from a foreign INSERT to the scan's start, in ms: {waits:?}");

    let before = waits.len();
    let two = "BEGIN; INSERT INTO jobs(kind,payload) VALUES('self_monitoring','{}');
               INSERT INTO jobs(kind,payload) VALUES('self_monitoring','{}'); COMMIT;";
    shell(data, two).unwrap().unwrap();
    let both = format!("SELECT count(*) = {} FROM jobs WHERE status = 'completed'", before + 2);
    wait_for(data, "both scans' end", &both);
    let turn = "SELECT (SELECT started_at FROM jobs ORDER BY id DESC LIMIT 1) >=
                       (SELECT finished_at FROM jobs ORDER BY id DESC LIMIT 1 OFFSET 1)";
    assert_eq!(value(data, turn), 1, "one after the other, in order");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn an_unknown_kind_from_a_foreign_shell_waits_with_its_reason_and_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let server = Server::start(data, &[]);
    let Some(made) = shell(data, "INSERT INTO jobs(kind,payload) VALUES('brew_coffee','{}')")
    else {
        return;
    };
    made.unwrap();
    wait_for(
        data,
        "its reason",
        "SELECT count(*) FROM jobs WHERE status = 'queued' AND waits_for = 'handler'",
    );
    let sneaky = "INSERT INTO jobs(kind, queue, priority, max_attempts, claim_order, waits_for)
                  VALUES('brew_tea', 'agent', 0, 1, 0, NULL)";
    let refused = shell(data, sneaky).unwrap().unwrap_err();
    assert!(refused.contains("a new job is admitted by the engine"), "{refused}");
    let mut browser = Browser::signed_in(&server.url);
    let id = browser.run_now();
    wait_for(
        data,
        "the scan's end",
        &format!("SELECT count(*) FROM jobs WHERE id = {id} AND status = 'completed'"),
    );
    assert_eq!(
        value(data, "SELECT count(*) FROM jobs WHERE status = 'queued' AND waits_for = 'handler'"),
        1
    );
    let page = browser.get("/jobs", &[]);
    assert!(
        page.body.contains("brew_coffee") && page.body.contains("no worker handles"),
        "{}",
        page.body
    );
    assert_eq!(server.terminate(), Some(0));
}
