//! One act on many jobs: the preview counts what the slices do, and nothing is done twice.

use crate::support::{START, foreign, store};
use lamplighter::Code;
use lamplighter::model::{
    Actor, Bulk, BulkAct, BulkSlice, Filter, JobId, Lease, Preview, Skip, Status, Timestamp,
    WorkerId,
};
use lamplighter::store::Store;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::time::Duration;

/// The job that does the whole act.
const OF: JobId = JobId(1_000_000);

fn run(conn: &Connection, sql: &str) {
    conn.execute_batch(&sql.replace(":now", &START.millis().to_string())).unwrap();
}

/// `count` jobs of a kind that failed with this error.
fn failed(conn: &Connection, kind: &str, count: u32, error: &str) {
    run(
        conn,
        &format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
             INSERT INTO jobs (kind) SELECT '{kind}' FROM n;
             UPDATE jobs SET status = 'running', waits_for = NULL, worker_id = 'w', epoch = 1, attempt = 1,
                 started_at = :now WHERE kind = '{kind}';
             UPDATE jobs SET status = 'failed', worker_id = NULL, finished_at = :now, error_code = 'X-YZ-001',
                 error = '{error} ' || id WHERE kind = '{kind}' AND status = 'running'"
        ),
    );
}

async fn preview(store: &Store, query: &str, act: BulkAct) -> Preview {
    let filter = Filter::parse(query).unwrap();
    store.preview(filter, act, None, START).await.unwrap()
}

/// All slices of a bulk action, and how many they were.
async fn act(store: &Store, bulk: &Bulk, of: JobId) -> (BulkSlice, usize) {
    let mut sum = BulkSlice::default();
    let (mut after, mut slices) = (0, 0);
    loop {
        let slice = store.act_slice(bulk.clone(), of, after, 1000, Actor::cli(), START);
        let slice = slice.await.unwrap();
        assert!(slice.done + slice.skipped.values().sum::<u64>() <= 200);
        sum.done += slice.done;
        for (skip, count) in slice.skipped {
            *sum.skipped.entry(skip).or_default() += count;
        }
        slices += 1;
        match slice.next {
            Some(next) => {
                assert!(next > after || slice.done > 0, "a slice gets on");
                after = next;
            }
            None => return (sum, slices),
        }
    }
}

async fn count(store: &Store, query: &str) -> usize {
    let filter = Filter::parse(query).unwrap();
    store.find_jobs(filter, None, 10_000, START).await.unwrap().rows.len()
}

#[tokio::test]
async fn a_preview_counts_shows_a_sample_and_names_the_commonest_errors() {
    let (folder, store) = store();
    let conn = foreign(folder.path());
    failed(&conn, "a", 30, "timeout after");
    failed(&conn, "b", 20, "refused by");
    failed(&conn, "c", 10, "full:");
    failed(&conn, "d", 5, "odd:");
    run(&conn, "INSERT INTO jobs (kind) VALUES ('a')");
    let seen = preview(&store, "kind:a,b,c,d", BulkAct::Retry).await;
    assert_eq!((seen.matched, seen.changes(), seen.next), (66, 65, None));
    assert_eq!(seen.skipped, BTreeMap::from([(Skip::NotFinal, 1)]));
    assert_eq!((seen.looked_through, seen.bulk.through_id), (66, 66));
    assert_eq!(
        seen.sample.iter().map(|job| job.id.0).collect::<Vec<_>>(),
        (47..=66).rev().collect::<Vec<_>>()
    );
    let errors: Vec<_> = seen.errors.iter().map(|e| (e.example.as_str(), e.count)).collect();
    assert_eq!(errors, [("timeout after 30", 30), ("refused by 50", 20), ("full: 60", 10)]);
    let nothing = preview(&store, "kind:none", BulkAct::Retry).await;
    assert_eq!((nothing.matched, nothing.errors.len(), nothing.sample.len()), (0, 0, 0));
    assert_eq!(act(&store, &nothing.bulk, OF).await.0, BulkSlice::default());
}

#[tokio::test]
async fn slices_do_what_was_previewed_and_touch_nothing_that_came_later() {
    let (folder, store) = store();
    let conn = foreign(folder.path());
    failed(&conn, "a", 450, "no");
    let seen = preview(&store, "status:failed", BulkAct::Retry).await;
    failed(&conn, "later", 3, "no");
    let (done, slices) = act(&store, &seen.bulk, OF).await;
    assert_eq!((done.done, slices), (450, 3));
    assert!(done.skipped.is_empty());
    assert_eq!(count(&store, "trigger:retry kind:a status:queued").await, 450);
    assert_eq!(count(&store, "trigger:retry kind:later").await, 0);

    // Everything again, as after a crash that lost the cursor: nothing runs twice.
    let (again, _) = act(&store, &seen.bulk, OF).await;
    assert_eq!((again.done, again.skipped), (0, BTreeMap::from([(Skip::Repeated, 450)])));
    assert_eq!(count(&store, "trigger:retry").await, 450);
    // Another wish is another act.
    assert_eq!(act(&store, &seen.bulk, JobId(OF.0 + 1)).await.0.done, 450);
    assert_eq!(count(&store, "trigger:retry").await, 900);
    let deeds = store.deeds(9).await.unwrap();
    let bulk: Vec<_> = deeds.iter().filter(|deed| deed.action == "bulk retry").collect();
    assert_eq!(bulk.len(), 6, "one row for each slice");
    assert!(bulk[5].subject.contains("200 jobs, for job 1000000"), "{:?}", bulk[5]);
    assert!(bulk[5].after.as_deref().unwrap().starts_with("[1,2,3,"));
}

#[tokio::test]
async fn every_act_does_to_each_status_what_the_preview_says() {
    use BulkAct::{Cancel, Delete, Retry, RunNow, SetPriority};
    use Skip::{AskedAlready, Completed, DueAlready, Final, NotFinal, NotWaiting, Unchanged};
    // One job in each status, and a running one that was asked to end.
    const ROWS: &str = "
        INSERT INTO jobs (kind, run_at) VALUES ('scheduled', :now + 60000);
        INSERT INTO jobs (kind, run_at) VALUES ('queued', :now), ('running', :now), ('asked', :now), ('completed', :now),
            ('failed', :now), ('cancelled', :now);
        UPDATE jobs SET status = 'scheduled', waits_for = NULL, priority = 7 WHERE id = 1;
        UPDATE jobs SET status = 'running', waits_for = NULL, worker_id = 'w', epoch = 1, attempt = 1,
            started_at = :now WHERE id > 2 AND id < 7;
        UPDATE jobs SET cancel_requested_at = :now WHERE id = 4;
        UPDATE jobs SET status = kind, worker_id = NULL, waits_for = NULL, finished_at = :now WHERE id > 4;";
    for (act_on, done, skipped, then) in [
        (Cancel, 3, vec![(Final, 3), (AskedAlready, 1)], ("status:cancelled", 3)),
        (Retry, 2, vec![(NotFinal, 4), (Completed, 1)], ("trigger:retry kind:failed,cancelled", 2)),
        (RunNow, 1, vec![(NotWaiting, 5), (DueAlready, 1)], ("status:queued kind:scheduled", 1)),
        (Delete, 3, vec![(NotFinal, 4)], ("id:5,6,7", 0)),
        (SetPriority(7), 1, vec![(NotWaiting, 5), (Unchanged, 1)], ("status:queued", 1)),
    ] {
        let (folder, store) = store();
        run(&foreign(folder.path()), ROWS);
        let seen = preview(&store, "", act_on).await;
        let skipped: BTreeMap<_, _> = skipped.into_iter().collect();
        assert_eq!((seen.matched, seen.changes()), (7, done), "{act_on}");
        assert_eq!(seen.skipped, skipped, "{act_on}");
        let (slice, _) = act(&store, &seen.bulk, OF).await;
        assert_eq!((slice.done, &slice.skipped), (done, &skipped), "{act_on}");
        assert_eq!(count(&store, then.0).await, then.1, "{act_on}");
        // A repeated slice changes nothing: what was done is found done.
        let before = store.find_jobs(Filter::default(), None, 99, START).await.unwrap();
        assert_eq!(act(&store, &seen.bulk, OF).await.0.done, 0, "{act_on}");
        let after = store.find_jobs(Filter::default(), None, 99, START).await.unwrap();
        assert_eq!(before, after, "{act_on}");
    }
    let (_folder, store) = store();
    let wrong = store.preview(Filter::default(), SetPriority(101), None, START).await;
    assert_eq!(wrong.unwrap_err().code(), Code::ModelInvalid);
}

#[tokio::test]
async fn a_retry_leaves_alone_what_there_is_no_room_for() {
    let (folder, store) = store();
    let conn = foreign(folder.path());
    failed(&conn, "agent_session", 3, "no");
    run(
        &conn,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
         INSERT INTO jobs (kind) SELECT 'agent_session' FROM n",
    );
    let seen = preview(&store, "status:failed", BulkAct::Retry).await;
    let (slice, _) = act(&store, &seen.bulk, OF).await;
    assert_eq!((slice.done, slice.skipped), (1, BTreeMap::from([(Skip::NoRoom, 2)])));
}

#[tokio::test]
async fn a_job_with_odd_stored_values_is_left_alone_and_stops_no_other() {
    let (folder, store) = store();
    let conn = foreign(folder.path());
    // Letters are counted by the table, bytes by us; and a number that none of ours fits.
    run(
        &conn,
        "PRAGMA ignore_check_constraints = ON;
         INSERT INTO jobs (kind, payload) VALUES ('a', json_quote(replace(hex(zeroblob(80000)), '0', 'ß')));
         INSERT INTO jobs (kind, max_attempts) VALUES ('a', 1 << 40)",
    );
    failed(&conn, "a", 2, "no");
    let seen = preview(&store, "status:failed", BulkAct::Retry).await;
    let (slice, _) = act(&store, &seen.bulk, OF).await;
    assert_eq!((slice.done, slice.skipped), (2, BTreeMap::from([(Skip::Unreadable, 2)])));
}

#[tokio::test]
async fn the_progress_of_a_slice_is_written_with_it_or_neither_is() {
    let (folder, store) = store();
    let conn = foreign(folder.path());
    run(
        &conn,
        "INSERT INTO jobs (kind, run_at, correlation_id) VALUES ('bulk_action', :now, 'request');
         UPDATE jobs SET status = 'running', waits_for = NULL, worker_id = 'w', epoch = 1, attempt = 1,
             started_at = :now",
    );
    failed(&conn, "a", 2, "no");
    let seen = preview(&store, "kind:a", BulkAct::Retry).await;
    let slice = async |epoch| {
        let lease = Lease { id: JobId(1), epoch, worker: WorkerId::parse("w").unwrap() };
        let told = |slice: &BulkSlice| format!("{} are done", slice.done);
        store
            .act_slice_of(seen.bulk.clone(), lease, (0, 200), Actor::cli(), START, Box::new(told))
            .await
    };
    assert_eq!(slice(0).await.unwrap_err().code(), Code::StoreLeaseLost);
    assert_eq!(count(&store, "trigger:retry").await, 0, "another runs the act now");
    assert_eq!(slice(1).await.unwrap().done, 2);
    let job = store.job(JobId(1)).await.unwrap().unwrap();
    assert_eq!(job.progress.as_deref(), Some("2 are done"));
    let again = Filter::parse("trigger:retry").unwrap();
    for job in store.find_jobs(again, None, 10, START).await.unwrap().rows {
        assert_eq!(job.correlation_id.as_deref(), Some("request"), "{job:?}");
    }
}

#[tokio::test]
async fn a_filter_with_a_length_of_time_keeps_the_time_of_its_preview() {
    let (folder, store) = store();
    failed(&foreign(folder.path()), "a", 3, "no");
    let seen = preview(&store, "status:failed since:1h", BulkAct::Retry).await;
    let tomorrow = START.plus(Duration::from_hours(24));
    let slice = store.act_slice(seen.bulk, OF, 0, 200, Actor::cli(), tomorrow).await.unwrap();
    assert_eq!(slice.done, 3);
}

#[tokio::test]
async fn a_job_that_changed_after_the_search_is_judged_as_it_is() {
    let (folder, store) = store();
    run(&foreign(folder.path()), "INSERT INTO jobs (kind, run_at) VALUES ('a', :now), ('a', :now)");
    let seen = preview(&store, "status:queued", BulkAct::Cancel).await;
    store.cancel(JobId(1), Actor::cli(), START).await.unwrap();
    let (slice, _) = act(&store, &seen.bulk, OF).await;
    assert_eq!((slice.done, slice.skipped.len()), (1, 0), "the first one fits no longer");
    assert_eq!(count(&store, "status:cancelled").await, 2);
}

#[tokio::test]
async fn a_long_transcript_goes_in_pieces_and_processes_that_may_be_left_keep_their_job() {
    let (folder, store) = store();
    let conn = foreign(folder.path());
    failed(&conn, "a", 3, "no");
    run(
        &conn,
        "INSERT INTO sessions (job_id, profile, working_dir, place, began_at, marker)
         VALUES (1, 'read_only', '/', '1', 0, NULL), (2, 'read_only', '/', '2', 0, 'marker'),
             (3, 'read_only', '/', '3', 0, NULL);
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450)
         INSERT INTO transcript_pieces (job_id, start, first_line, at, bytes)
         SELECT column1, i, i, 0, x'61' FROM n, (VALUES (1), (3))",
    );
    let pieces = || -> i64 {
        conn.query_row("SELECT count(*) FROM transcript_pieces", [], |row| row.get(0)).unwrap()
    };
    store.delete_job(JobId(1), Actor::cli(), START).await.unwrap();
    assert_eq!(pieces(), 450);
    let left = store.delete_job(JobId(2), Actor::cli(), START).await.unwrap_err();
    assert_eq!(left.code(), Code::JobNotFinal);
    let seen = preview(&store, "status:failed", BulkAct::Delete).await;
    let first = store.act_slice(seen.bulk.clone(), OF, 0, 200, Actor::cli(), START).await.unwrap();
    assert_eq!((first.done, first.next, pieces()), (0, Some(2), 250));
    let (rest, _) = act(&store, &seen.bulk, OF).await;
    assert_eq!((rest.done, pieces()), (1, 0));
    assert!(rest.skipped[&Skip::ProcessesLeft] >= 1);
    assert_eq!(count(&store, "status:failed").await, 1);
}

#[tokio::test]
async fn a_job_that_a_row_of_another_table_names_is_left_alone_by_a_deletion() {
    let (folder, store) = store();
    let conn = foreign(folder.path());
    failed(&conn, "a", 2, "no");
    conn.execute_batch(
        "CREATE TABLE notes (job INTEGER REFERENCES jobs (id)); INSERT INTO notes VALUES (1)",
    )
    .unwrap();
    let seen = preview(&store, "status:failed", BulkAct::Delete).await;
    let (slice, _) = act(&store, &seen.bulk, OF).await;
    assert_eq!((slice.done, slice.skipped[&Skip::Referenced]), (1, 1));
}

#[tokio::test]
async fn a_preview_of_millions_says_where_it_stopped() {
    let (folder, store) = store();
    let conn = foreign(folder.path());
    run(&conn, "INSERT INTO jobs (kind) VALUES ('old')");
    // Ids are given by the database, and rows that are gone leave their ids behind.
    run(
        &conn,
        "UPDATE sqlite_sequence SET seq = 1100000 WHERE name = 'jobs'; INSERT INTO jobs (kind) VALUES ('new')",
    );
    let seen = preview(&store, "status:queued", BulkAct::Cancel).await;
    assert_eq!((seen.matched, seen.next), (1, Some(100_002)));
    assert_eq!((seen.looked_through, seen.bulk.from_id), (1_000_000, 100_002));
    assert_eq!(act(&store, &seen.bulk, OF).await.0.done, 1);
    assert_eq!(count(&store, "id:1 status:queued").await, 1, "it was not looked at");
    let filter = Filter::parse("status:queued").unwrap();
    let older = store.preview(filter, BulkAct::Cancel, seen.next, START).await.unwrap();
    assert_eq!((older.matched, older.next), (1, None));
    assert_eq!(act(&store, &older.bulk, OF).await.0.done, 1);
    let cancelled = store.job(JobId(1)).await.unwrap().unwrap();
    assert_eq!(
        (cancelled.status, cancelled.finished_at),
        (Status::Cancelled, Some::<Timestamp>(START))
    );
}
