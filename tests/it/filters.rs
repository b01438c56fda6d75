//! Which jobs each word of a query finds, over rows that another program wrote.

use crate::support::{START, foreign, store};
use lamplighter::model::{Filter, JobPlace, Timestamp};
use lamplighter::store::Store;
use rusqlite::Connection;
use std::time::{Duration, Instant};

/// Six jobs, one in each status, as plain SQL makes them; `:now` is [`START`].
const JOBS: &str = r#"
    INSERT INTO job_schedules (name, rule, kind, cursor_at, created_at, updated_at, updated_by)
    VALUES ('nightly', '{}', 'report', 0, 0, 0, 'me');
    INSERT INTO jobs (kind, payload, created_at, run_at, unique_key, concurrency_key, tags)
    VALUES ('send_email', '{"customer_id": 1207, "customer": {"id": "7"}, "items": [{"id": 5}], "0": "zero",
        "ok": true, "none": null, "amount": 12.50, "big": 123456789012345678901234567890,
        "text": "say \"hi\"", "a b": "x,y", "list": [1,2]}', :now - 3*:h, :now - 3*:h, 'order-7', 'shop', '["billing","eu"]');
    INSERT INTO jobs (kind, queue, trigger, created_at, run_at, tags)
    VALUES ('send_email', 'mail', 'manual', :now - 5*:h, :now - 5*:h, '["billing"]');
    INSERT INTO jobs (kind, queue, payload, created_at, run_at)
    VALUES ('report', 'slow', '{"customer_id": "1207"}', :now - 48*:h, :now - 48*:h);
    INSERT INTO jobs (kind, created_at, run_at, tags) VALUES ('report', :now - :h, :now - :h, '["eu"]');
    INSERT INTO jobs (kind, trigger, created_at, run_at, schedule_id, occurrence_at)
    VALUES ('report', 'scheduled', :now - 10000, :now + :h, 1, :now);
    INSERT INTO jobs (kind, created_at, run_at, unique_key, unique_window_ms)
    VALUES ('x', :now - 600000, :now - 600000, 'daily-#-12', 3600000);
    UPDATE jobs SET status = 'running', waits_for = NULL, worker_id = 'w', epoch = 1, attempt = 3,
        started_at = :now - :h - 90000 WHERE id = 2;
    UPDATE jobs SET status = 'failed', worker_id = NULL, finished_at = :now - :h, error_code = 'X-YZ-001',
        error = '[X-YZ-001] SMTP 421 Überlast' WHERE id = 2;
    UPDATE jobs SET status = 'running', waits_for = NULL, worker_id = 'w', epoch = 1, attempt = 1,
        started_at = :now - 48*:h + 60000 WHERE id = 3;
    UPDATE jobs SET status = 'completed', worker_id = NULL, finished_at = :now - 48*:h + 660000,
        error_code = 'CMD-WARN-001', error = 'disk nearly full' WHERE id = 3;
    UPDATE jobs SET status = 'running', waits_for = NULL, worker_id = 'w', epoch = 1, attempt = 1,
        started_at = :now - 30000 WHERE id = 4;
    UPDATE jobs SET status = 'scheduled', waits_for = NULL WHERE id = 5;
    UPDATE jobs SET status = 'cancelled', waits_for = NULL, finished_at = :now - 540000 WHERE id = 6;
"#;

/// What each query finds.
const FINDS: &[(&str, &[i64])] = &[
    ("", &[1, 2, 3, 4, 5, 6]),
    ("status:queued", &[1]),
    ("status:failed,completed", &[2, 3]),
    ("status:scheduled", &[5]),
    ("status:running status:failed", &[]),
    ("kind:report", &[3, 4, 5]),
    ("kind:report -status:running", &[3, 5]),
    ("queue:slow,mail", &[2, 3]),
    // What has no queue is not in this one.
    ("-queue:slow", &[1, 2, 4, 5, 6]),
    ("trigger:manual,scheduled", &[2, 5]),
    ("schedule:nightly", &[5]),
    ("schedule:other", &[]),
    ("key:order-7", &[1]),
    ("key:shop", &[1]),
    ("key:daily-", &[6]),
    ("key:daily", &[]),
    ("-key:shop,daily-", &[2, 3, 4, 5]),
    ("tag:billing", &[1, 2]),
    ("tag:eu,billing", &[1, 2, 4]),
    ("tag:eu tag:billing", &[1]),
    ("-tag:eu", &[2, 3, 5, 6]),
    ("tag:EU", &[]),
    // Those that are not over are found by their tags.
    ("tag:eu,billing status:queued,running", &[1, 4]),
    ("tag:billing status:running", &[]),
    ("tag:billing -status:queued", &[2]),
    ("tag:billing status:queued,failed", &[1, 2]),
    ("tag:eu -tag:billing status:running", &[4]),
    ("#3", &[3]),
    ("id:2,5,999", &[2, 5]),
    ("id:2,5 id:5,6", &[5]),
    ("-id:2,5", &[1, 3, 4, 6]),
    ("error:x-yz-001", &[2]),
    ("error:CMD-WARN-001,X-YZ-001", &[2, 3]),
    ("error~421", &[2]),
    ("error~\"smtp 421\"", &[2]),
    ("error~Überlast,\"nearly full\"", &[2, 3]),
    ("error~%", &[]),
    ("error~\"' OR 1=1 --\"", &[]),
    (".customer_id:1207", &[1, 3]),
    ("payload.customer_id:1207.0", &[1]),
    (".customer.id:7", &[1]),
    (".items.0.id:5", &[1]),
    (".items.1.id:5", &[]),
    (".\"0\":zero", &[1]),
    (".ok:true", &[1]),
    (".ok:1", &[]),
    (".none:null", &[1]),
    (".missing:null", &[]),
    ("-.customer_id:1207", &[2, 4, 5, 6]),
    (".amount:12.5", &[1]),
    (".amount:12.50", &[1]),
    (".big:123456789012345678901234567890", &[1]),
    (".text:\"say \\\"hi\\\"\"", &[1]),
    (".\"a b\":\"x,y\"", &[1]),
    (".\"a b\":x,y", &[]),
    (".list:\"[1,2]\"", &[1]),
    (".\"x') OR 1=1 --\":1", &[]),
    // Each by the time of its status: 2 ended an hour ago, 4 began 30 seconds ago, 5 was made 10 seconds ago.
    ("since:30m", &[4, 5, 6]),
    ("since:1h", &[2, 4, 5, 6]),
    ("before:1h", &[1, 3]),
    ("since:4h until:2h", &[1]),
    ("attempt>1", &[2]),
    ("attempt:1", &[3, 4]),
    ("attempt<1", &[1, 5, 6]),
    ("took>1m", &[2, 3]),
    ("took>90s", &[3]),
    ("took<1m", &[4]),
    ("-took>0s", &[1, 5, 6]),
    ("waited>2h", &[1, 2]),
    ("waited>59m", &[1, 2, 4]),
    ("waited<1m", &[5]),
    ("is:overdue", &[1]),
    ("is:warning", &[3]),
    ("-is:warning,overdue", &[2, 4, 5, 6]),
    ("is:retried", &[]),
    ("status:failed,cancelled -is:retried", &[2, 6]),
    ("bulk:2", &[]),
    ("1207", &[1, 3]),
    ("customer_id", &[1, 3]),
    ("smtp", &[2]),
    ("SMTP \"421 Ü\"", &[2]),
    ("\"say \\\"hi\\\"\"", &[1]),
    ("-1207 -421", &[4, 5, 6]),
];

fn fill(conn: &Connection) {
    let sql = JOBS.replace(":now", &START.millis().to_string()).replace(":h", "3600000");
    conn.execute_batch(&sql).unwrap();
}

async fn found(store: &Store, query: &str) -> Vec<i64> {
    let filter = Filter::parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let found = store.find_jobs(filter, None, 100, START).await.unwrap();
    assert_eq!((found.next, found.cut_short), (None, false), "{query}");
    found.rows.iter().rev().map(|job| job.id.0).collect()
}

#[tokio::test]
async fn every_word_finds_what_fits_and_nothing_else() {
    let (folder, store) = store();
    fill(&foreign(folder.path()));
    for (query, wanted) in FINDS {
        assert_eq!(found(&store, query).await, *wanted, "{query}");
        let canonical = Filter::parse(query).unwrap().to_string();
        assert_eq!(found(&store, &canonical).await, *wanted, "{query}, written {canonical}");
    }
}

#[tokio::test]
async fn each_word_and_its_opposite_part_the_jobs() {
    let (folder, store) = store();
    fill(&foreign(folder.path()));
    for (word, operators, _) in lamplighter::model::filter_words() {
        for operator in operators.chars() {
            let value = match (word, operator) {
                ("status", _) => "failed,queued",
                ("trigger", _) => "api",
                ("since" | "before" | "until" | "took" | "waited", _) => "1h",
                ("is", _) => "overdue",
                ("payload", _) => "customer_id:1207",
                ("id" | "batch" | "bulk", _) => "2,7",
                ("attempt", _) => "1",
                (_, _) => "report",
            };
            let term = format!("{word}{operator}{value}");
            let mut both = found(&store, &term).await;
            both.extend(found(&store, &format!("-{term}")).await);
            both.sort_unstable();
            assert_eq!(both, [1, 2, 3, 4, 5, 6], "{term}");
        }
    }
}

#[tokio::test]
async fn a_search_says_how_far_it_looked_and_goes_on_from_there() {
    let (folder, store) = store();
    let conn = foreign(folder.path());
    let rare =
        "INSERT INTO jobs (kind, payload, tags) VALUES ('rare', '{\"lamp\":1}', '[\"lamp\"]')";
    conn.execute(rare, []).unwrap();
    conn.execute_batch(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100100)
         INSERT INTO jobs (kind, payload) SELECT 'common', '{\"n\":' || i || '}' FROM n",
    )
    .unwrap();
    let find = async |query: &str, before| {
        let filter = Filter::parse(query).unwrap();
        let begun = Instant::now();
        let found = store.find_jobs(filter, before, 10, START).await.unwrap();
        println!("{query}: {:?} for {} ids", begun.elapsed(), found.looked_through);
        found
    };
    for query in ["kind:rare", ".lamp:1", "lamp"] {
        let first = find(query, None).await;
        assert!(first.rows.is_empty() && first.cut_short, "{query}");
        assert_eq!((first.looked_through, first.next), (100_000, Some(102)), "{query}");
        let rest = find(query, first.next).await;
        let ids: Vec<_> = rest.rows.iter().map(|job| job.id.0).collect();
        assert_eq!((ids.as_slice(), rest.next, rest.cut_short), ([1].as_slice(), None, false));
        assert_eq!(rest.looked_through, 101);
    }
    let by_id = find("id:1 kind:rare", None).await;
    assert_eq!((by_id.rows.len(), by_id.next, by_id.cut_short), (1, None, false));
    let by_tag = find("tag:lamp status:queued", None).await;
    assert_eq!((by_tag.rows.len(), by_tag.next, by_tag.cut_short), (1, None, false));
    let full = find("kind:common", None).await;
    assert_eq!((full.rows.len(), full.next, full.cut_short), (10, Some(100_092), false));
    assert_eq!(full.looked_through, 10);
}

#[tokio::test]
async fn a_length_of_time_is_counted_from_the_search() {
    let (folder, store) = store();
    fill(&foreign(folder.path()));
    let recent = Filter::parse("since:30m").unwrap();
    let later = START.plus(Duration::from_mins(25));
    let at = async |now: Timestamp| {
        let found = store.find_jobs(recent.clone(), None, 9, now).await.unwrap();
        found.rows.iter().map(|job| job.id.0).collect::<Vec<_>>()
    };
    assert_eq!(at(START).await, [6, 5, 4]);
    assert_eq!(at(later).await, [5, 4], "the sixth ended nine minutes before the first search");
}

/// Jobs 1 to 9, of which pairs ended in the same millisecond and the oldest ended last; the others are in another status.
fn ended(conn: &Connection, status: &str, at: &[i64]) {
    for (id, at) in (1..).zip(at) {
        conn.execute("INSERT INTO jobs (kind) VALUES ('x')", []).unwrap();
        let run =
            "UPDATE jobs SET status = 'running', waits_for = NULL, worker_id = 'w', epoch = 1,
            attempt = 1, started_at = ?2 WHERE id = ?1";
        conn.execute(run, [id, *at]).unwrap();
        let end = "UPDATE jobs SET status = ?3, worker_id = NULL, finished_at = ?2 WHERE id = ?1";
        conn.execute(end, (id, at, status)).unwrap();
    }
}

/// The ids of a whole list, read in slices of two; `between` is run after each.
async fn pages(store: &Store, query: &str, between: impl Fn(JobPlace)) -> Vec<i64> {
    let filter = Filter::parse(query).unwrap();
    let (mut ids, mut behind) = (Vec::new(), None);
    loop {
        let found = store.list_jobs(filter.clone(), behind, 2, START).await.unwrap();
        assert!(!found.cut_short, "{query}");
        ids.extend(found.rows.iter().map(|job| job.id.0));
        let Some(next) = found.next else { return ids };
        let written: JobPlace = next.to_string().parse().unwrap();
        assert_eq!(written, next, "an address carries it");
        between(next);
        behind = Some(written);
    }
}

#[tokio::test]
async fn a_list_of_what_is_over_begins_with_the_last_end_and_shows_each_once_at_equal_times() {
    for status in ["failed", "cancelled", "completed"] {
        let (folder, store) = store();
        let conn = foreign(folder.path());
        ended(&conn, status, &[900, 500, 500, 500, 700, 700, 100, 800, 500]);
        conn.execute("INSERT INTO jobs (kind) VALUES ('x')", []).unwrap();
        let query = format!("status:{status}");
        let wanted = [1, 8, 6, 5, 9, 4, 3, 2, 7];
        assert_eq!(pages(&store, &query, |_| ()).await, wanted, "{status}");
        let narrow = format!("status:{status} kind:x took<1h");
        assert_eq!(pages(&store, &narrow, |_| ()).await, wanted, "{status}");
        let delete = |place: JobPlace| {
            conn.execute("DELETE FROM jobs WHERE id = ?1", [place.id]).unwrap();
        };
        assert_eq!(
            pages(&store, &query, delete).await,
            wanted,
            "{status}: the cursor's job is gone"
        );
    }
}

#[tokio::test]
async fn a_list_of_what_waits_for_its_time_begins_with_the_next_start_also_of_jobs_that_are_new() {
    let (folder, store) = store();
    let conn = foreign(folder.path());
    for (id, at) in (1..).zip([900, 500, 500, 700, 100, 500]) {
        let new = "INSERT INTO jobs (kind, status, run_at) VALUES ('x', 'scheduled', ?1)";
        conn.execute(new, [START.millis() + at]).unwrap();
        if id % 2 == 0 {
            conn.execute("UPDATE jobs SET waits_for = NULL WHERE id = ?1", [id]).unwrap();
        }
    }
    assert_eq!(pages(&store, "status:scheduled", |_| ()).await, [5, 2, 3, 6, 4, 1]);
    let run = "UPDATE jobs SET status = 'running', waits_for = NULL, worker_id = 'w', epoch = 1,
        attempt = 1, started_at = 1000 - id % 2 WHERE id = ?1";
    for id in 7..=10 {
        conn.execute("INSERT INTO jobs (kind) VALUES ('x')", []).unwrap();
        conn.execute(run, [id]).unwrap();
    }
    assert_eq!(
        pages(&store, "status:running", |_| ()).await,
        [10, 8, 9, 7],
        "the last start first"
    );
}

#[tokio::test]
async fn a_list_by_ends_says_how_far_it_looked_and_goes_on_from_there() {
    let (folder, store) = store();
    let conn = foreign(folder.path());
    conn.execute_batch(
        "INSERT INTO jobs (kind) VALUES ('rare');
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100010)
         INSERT INTO jobs (kind) SELECT 'common' FROM n;
         UPDATE jobs SET status = 'running', waits_for = NULL, worker_id = 'w', epoch = 1, attempt = 1, started_at = 1;
         UPDATE jobs SET status = 'completed', worker_id = NULL, finished_at = 1 + id / 3;",
    )
    .unwrap();
    let filter = Filter::parse("status:completed kind:rare").unwrap();
    let first = store.list_jobs(filter.clone(), None, 10, START).await.unwrap();
    assert!(first.rows.is_empty() && first.cut_short, "{first:?}");
    assert_eq!(first.looked_through, 100_000);
    let rest = store.list_jobs(filter, first.next, 10, START).await.unwrap();
    assert_eq!((rest.rows[0].id.0, rest.next, rest.cut_short), (1, None, false));
}
