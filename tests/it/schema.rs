//! The schema keeps the status machine by itself, whoever writes.

use crate::support::{foreign, now, store};
use lamplighter::model::{
    Actor, Kind, MAX_AT_ONCE, MAX_ATTEMPTS, MAX_KEY_BYTES, MAX_PAYLOAD_BYTES, MAX_TAG_BYTES,
    MAX_TAGS, MAX_TIER, NewJob, PRIORITIES, PRIORITY_STEP_MS, Status, may_follow,
};
use rusqlite::Connection;
use std::collections::BTreeSet;

/// What a row must have besides its status to be allowed to have it.
fn columns(status: Status) -> &'static str {
    match status {
        Status::Scheduled => "worker_id = NULL, finished_at = NULL, waits_for = NULL",
        Status::Queued => "worker_id = NULL, finished_at = NULL, waits_for = 'admission'",
        Status::Running => {
            "worker_id = 'w', finished_at = NULL, waits_for = NULL, attempt = 1, started_at = 1, \
             epoch = epoch + (status <> 'running')"
        }
        Status::Completed | Status::Failed | Status::Cancelled => {
            "worker_id = NULL, finished_at = 2, waits_for = NULL, started_at = coalesce(started_at, 1)"
        }
    }
}

fn set(conn: &Connection, id: i64, to: Status) -> rusqlite::Result<usize> {
    conn.execute(&format!("UPDATE jobs SET status = '{to}', {} WHERE id = {id}", columns(to)), [])
}

/// A row in the given status, got there the allowed way.
fn row_in(conn: &Connection, status: Status) -> i64 {
    conn.execute("INSERT INTO jobs (kind) VALUES ('walk')", []).unwrap();
    let id = conn.last_insert_rowid();
    match status {
        Status::Queued => {}
        Status::Scheduled | Status::Running | Status::Cancelled => {
            set(conn, id, status).unwrap();
        }
        Status::Completed | Status::Failed => {
            set(conn, id, Status::Running).unwrap();
            set(conn, id, status).unwrap();
        }
    }
    id
}

#[test]
fn a_column_of_json_that_may_be_null_says_so_since_older_sqlites_take_null_for_no_json() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let mut columns = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for part in text.split("CHECK (json_valid(").skip(1) {
            let column = part.split(')').next().unwrap();
            let declared = format!("\n  {column} ");
            let declared = text.split(&declared).skip(1).filter_map(|rest| rest.split('(').next());
            columns += 1;
            assert!(declared.into_iter().any(|rest| rest.contains("NOT NULL")), "{column}");
        }
    }
    assert!(columns > 5, "{columns} columns");
}

#[test]
fn every_pair_of_statuses_is_allowed_by_the_schema_exactly_if_by_the_model() {
    let (folder, _store) = store();
    let conn = foreign(folder.path());
    for &from in Status::ALL {
        for &to in Status::ALL {
            let id = row_in(&conn, from);
            let done = set(&conn, id, to);
            assert_eq!(done.is_ok(), may_follow(from, to), "{from} -> {to}: {done:?}");
            let now: String = conn
                .query_row("SELECT status FROM jobs WHERE id = ?1", [id], |row| row.get(0))
                .unwrap();
            assert_eq!(now, if done.is_ok() { to } else { from }.as_str());
        }
    }
}

#[test]
fn a_new_job_is_queued_or_scheduled() {
    let (folder, _store) = store();
    let conn = foreign(folder.path());
    for &status in Status::ALL {
        let sql = format!(
            "INSERT INTO jobs (kind, status, worker_id, epoch, attempt, started_at, finished_at, waits_for)
             VALUES ('x', '{status}', {0}, {1}, {1}, {1}, {2}, NULL)",
            if status == Status::Running { "'w'" } else { "NULL" },
            i32::from(status != Status::Queued && status != Status::Scheduled),
            if status.is_final() { "2" } else { "NULL" },
        );
        let waits = status == Status::Queued || status == Status::Scheduled;
        let sql = if waits {
            sql.replace("NULL)", "'admission')").replace(", NULL, 0, 0, 0,", ", NULL, 0, 0, NULL,")
        } else {
            sql
        };
        let wanted = status == Status::Queued || status == Status::Scheduled;
        assert_eq!(conn.execute(&sql, []).is_ok(), wanted, "{status}");
    }
}

#[test]
fn p10_a_final_row_is_frozen_and_only_a_final_row_may_be_deleted() {
    let (folder, _store) = store();
    let conn = foreign(folder.path());
    let id = row_in(&conn, Status::Completed);
    for change in
        ["result = '1'", "error = 'x'", "finished_at = 9", "priority = 1", "id = id + 100"]
    {
        let done =
            conn.execute(&format!("UPDATE OR REPLACE jobs SET {change} WHERE id = {id}"), []);
        assert!(done.is_err(), "{change}");
    }
    for sql in [
        "INSERT OR REPLACE INTO jobs (id, kind) VALUES (?1, 'x')",
        "REPLACE INTO jobs (id, kind) VALUES (?1, 'x')",
    ] {
        assert!(conn.execute(sql, [id]).is_err(), "{sql}");
    }
    for status in [Status::Queued, Status::Scheduled, Status::Running] {
        let open = row_in(&conn, status);
        assert!(conn.execute("DELETE FROM jobs WHERE id = ?1", [open]).is_err(), "{status}");
    }
    assert!(
        conn.execute("DELETE FROM jobs", []).is_err(),
        "a sweep is refused while anything is open"
    );
    assert_eq!(conn.execute("DELETE FROM jobs WHERE id = ?1", [id]).unwrap(), 1);
}

#[test]
fn replace_deletes_no_holder_of_a_key() {
    let (folder, _store) = store();
    let conn = foreign(folder.path());
    let sql = "INSERT OR REPLACE INTO jobs (kind, unique_key) VALUES ('x', 'only')";
    conn.execute(sql, []).unwrap();
    assert!(conn.execute(sql, []).is_err());
    conn.execute("INSERT INTO jobs (kind, unique_key) VALUES ('x', 'other')", []).unwrap();
    let stolen = "UPDATE OR REPLACE jobs SET unique_key = 'only' WHERE unique_key = 'other'";
    assert!(conn.execute(stolen, []).is_err());
    conn.execute("INSERT INTO jobs (kind, unique_key) VALUES ('y', 'only')", []).unwrap();
    let rows: i64 = conn.query_row("SELECT count(*) FROM jobs", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 3);
}

#[test]
fn values_out_of_range_are_refused() {
    let (folder, _store) = store();
    let conn = foreign(folder.path());
    for values in [
        "kind = 'Not snake'",
        "kind = ''",
        "payload = '{'",
        "trigger = 'magic'",
        "priority = 101",
        "queue = 'a b'",
        "id = -1",
        "result = 'no json'",
        "max_attempts = 0",
        "status = 'paused'",
        "waits_for = 'me'",
        "parked_by = 'me'",
    ] {
        let (column, value) = values.split_once(" = ").unwrap();
        let sql = format!(
            "INSERT INTO jobs ({column}{}) VALUES ({value}{})",
            if column == "kind" { "" } else { ", kind" },
            if column == "kind" { "" } else { ", 'x'" }
        );
        assert!(conn.execute(&sql, []).is_err(), "{values}");
    }
}

#[test]
fn tags_are_up_to_ten_different_texts_that_stay_and_are_kept_apart_until_the_job_is_over() {
    let (folder, _store) = store();
    let conn = foreign(folder.path());
    let insert = |tags: &str| {
        conn.execute("INSERT INTO jobs (kind, tags) VALUES ('walk', ?1)", [tags])?;
        Ok::<_, rusqlite::Error>(conn.last_insert_rowid())
    };
    let many = format!("[{}]", (0..=MAX_TAGS).map(|n| n.to_string()).collect::<Vec<_>>().join(","));
    let long = format!("[\"{}\"]", "ä".repeat(MAX_TAG_BYTES / 2 + 1));
    for bad in
        ["", "a", "{}", "[]", "[1]", "[null]", "[[\"a\"]]", "[\"\"]", "[\"a\",\"a\"]", &many, &long]
    {
        assert!(insert(bad).is_err(), "{bad}");
    }
    let id = insert("[\"a\",\"b c\"]").unwrap();
    let other = insert("[\"a\"]").unwrap();
    let stolen = conn.execute("UPDATE jobs SET tags = NULL WHERE id = ?1", [id]);
    assert!(stolen.unwrap_err().to_string().contains("the tags of a job never change"));
    let kept = || {
        let mut statement = conn.prepare("SELECT tag, job_id FROM job_tags ORDER BY 1, 2").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<rusqlite::Result<Vec<(String, i64)>>>().unwrap()
    };
    assert_eq!(kept(), [("a".into(), id), ("a".into(), other), ("b c".into(), id)]);
    set(&conn, id, Status::Cancelled).unwrap();
    assert_eq!(kept(), [("a".into(), other)]);
}

/// What the schema bounds by numbers that the model has as constants, each as the schema writes it.
fn bounds_of_the_model() -> BTreeSet<String> {
    let key =
        |column: &str| format!("length(CAST({column} AS BLOB)) BETWEEN 1 AND {MAX_KEY_BYTES}");
    let up_to =
        |column: &str, least: u32, most: u32| format!("{column} BETWEEN {least} AND {most}");
    let (lowest, highest) = PRIORITIES.into_inner();
    let keys = ["worker_id", "unique_key", "concurrency_key", "correlation_id", "key"].map(key);
    let others = [
        format!("priority BETWEEN {lowest} AND {highest}"),
        format!("priority * {PRIORITY_STEP_MS}"),
        format!("length(payload) <= {MAX_PAYLOAD_BYTES}"),
        format!("json_array_length(tags) BETWEEN 1 AND {MAX_TAGS}"),
        format!("length(CAST(tag AS BLOB)) BETWEEN 1 AND {MAX_TAG_BYTES}"),
        up_to("attempt", 0, MAX_ATTEMPTS),
        up_to("max_attempts", 1, MAX_ATTEMPTS),
        up_to("interrupted", 0, MAX_ATTEMPTS),
        up_to("key_slot", 0, MAX_AT_ONCE),
        up_to("engine_limit", 0, MAX_AT_ONCE),
        up_to("operator_limit", 0, MAX_AT_ONCE),
        up_to("tier", 1, u32::from(MAX_TIER)),
    ];
    keys.into_iter().chain(others).collect()
}

#[test]
fn the_numbers_of_the_schema_are_those_of_the_model() {
    let (folder, _store) = store();
    let conn = foreign(folder.path());
    let mut statement =
        conn.prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").unwrap();
    let texts = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let schema: Vec<String> = texts.map(Result::unwrap).collect();
    // Comments apart, every number that bounds one of these columns.
    let lines =
        schema.iter().flat_map(|text| text.lines()).map(|line| line.split("--").next().unwrap());
    let lines: Vec<&str> = lines.collect();
    let wanted = bounds_of_the_model();
    for bound in &wanted {
        assert!(lines.iter().any(|line| line.contains(bound.as_str())), "the schema lacks {bound}");
    }
    for bound in &wanted {
        let number = bound.rfind(|c: char| !c.is_ascii_digit()).unwrap() + 1;
        for line in &lines {
            for (at, _) in line.match_indices(&bound[..number]) {
                let before = line[..at].chars().next_back();
                let whole = before.is_none_or(|c| !c.is_alphanumeric() && c != '_');
                let rest = &line[at + number..];
                let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                assert!(!whole || rest[..end] == bound[number..], "{line}: the model says {bound}");
            }
        }
    }
}

#[tokio::test]
async fn of_a_long_history_the_first_and_the_newest_steps_are_kept() {
    let (folder, store) = store();
    let id = store.enqueue(NewJob::new(Kind::named("polls")), now()).await.unwrap().id();
    let many = "
        CREATE TEMP TABLE n AS
        WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2000) SELECT n FROM n;
        INSERT INTO job_events (job_id, sequence, at, to_status, cause, actor)
        SELECT (SELECT max(id) FROM jobs), n, n, 'scheduled', 'snoozed', 'w' FROM n ORDER BY n;
        INSERT INTO job_attempts (job_id, epoch, attempt, ended_at, ended_as)
        SELECT (SELECT max(id) FROM jobs), n, 1, n, 'snoozed' FROM n ORDER BY n;";
    foreign(folder.path()).execute_batch(many).unwrap();
    let kept: Vec<i64> = (1..=100).chain(1601..=2000).collect();
    let events = store.job_events(id).await.unwrap();
    assert_eq!(events.iter().map(|event| event.number).collect::<Vec<_>>(), kept);
    assert_eq!(events[100].left_out_after(&events[99]), 1500);
    assert_eq!(events[1].left_out_after(&events[0]), 0);
    let attempts = store.job_attempts(id).await.unwrap();
    assert_eq!(attempts.iter().map(|attempt| attempt.epoch).collect::<Vec<_>>(), kept);
}

#[tokio::test]
async fn another_program_can_neither_change_nor_delete_nor_slip_in_a_row_of_the_audit_log() {
    let (folder, store) = store();
    for days in 1..=3 {
        let change = vec![("retention.logs_days", Some(serde_json::json!(days)))];
        store.change_settings(change, Actor::named("ada"), now()).await.unwrap();
    }
    let conn = foreign(folder.path());
    let all = || {
        let sql = "SELECT group_concat(id || ' ' || actor || ' ' || action || ' ' || coalesce(after, '')) FROM job_audit";
        conn.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap()
    };
    let before = all();
    for (sql, why) in [
        ("UPDATE job_audit SET actor = 'eve' WHERE id = 2", "never changes"),
        ("UPDATE job_audit SET id = id + 100", "never changes"),
        ("UPDATE OR REPLACE job_audit SET id = 1 WHERE id = 2", "never changes"),
        ("DELETE FROM job_audit WHERE id = 2", "never deleted"),
        ("DELETE FROM job_audit", "never deleted"),
        (
            "INSERT OR REPLACE INTO job_audit (id, at, actor, action) VALUES (2, 1, 'eve', 'x')",
            "never replaced",
        ),
        (
            "REPLACE INTO job_audit (id, at, actor, action) VALUES (2, 1, 'eve', 'x')",
            "never replaced",
        ),
        (
            "INSERT INTO job_audit (id, at, actor, action) VALUES (2, 1, 'eve', 'x')
             ON CONFLICT (id) DO UPDATE SET actor = 'eve'",
            "never replaced",
        ),
        (
            "INSERT INTO job_audit (id, at, actor, action) VALUES (0, 1, 'eve', 'x')",
            "ids are given",
        ),
    ] {
        let refused = conn.execute(sql, []).unwrap_err().to_string();
        assert!(refused.starts_with("job_audit: ") && refused.contains(why), "{sql}: {refused}");
    }
    assert_eq!(all(), before);
    conn.execute("INSERT INTO job_audit (at, actor, action) VALUES (1, 'app', 'note')", [])
        .unwrap();
    assert_eq!(all(), format!("{before},4 app note "), "it grows");
}
