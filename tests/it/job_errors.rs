//! Errors of jobs: failed attempts that say the same are one, counted in the commit of their end, and found by it.

use crate::support::{Played, START, foreign, open, store};
use lamplighter::model::{
    Actor, AttemptEnd, BulkAct, ErrorMute, Filter, JobError, JobErrorGroup, JobId, Kind, KindRules,
    Lane, NewJob, Outcome, Queue, Timestamp,
};
use lamplighter::store::Store;
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

fn mail() -> Kind {
    Kind::named("mail")
}

fn error(text: &str) -> JobError {
    JobError { code: "SHOP-MAIL-001".into(), message: text.into() }
}

async fn worker(store: &Store) -> Played {
    let kinds = vec![KindRules { max_attempts: 2, ..KindRules::new(mail()) }];
    Played::leading(store, "w", kinds, Vec::new(), START).await
}

/// Stores a job and ends its first attempt so.
async fn end(store: &Store, worker: &Played, outcome: Outcome, at: Timestamp) -> JobId {
    let id = store.enqueue(NewJob::new(mail()), at).await.unwrap().id();
    let lane = Lane { queue: Queue::DEFAULT, running: 0, slots: Some(100) };
    let mut request = worker.request(Vec::new());
    request.lanes = vec![lane];
    let claimed = store.poll(request, at).await.unwrap().claimed;
    let lease = claimed.iter().find(|job| job.id == id).unwrap().lease().unwrap();
    store.settle(lease, AttemptEnd::Answered(outcome), HOUR * 1000, at).await.unwrap();
    id
}

async fn listed(store: &Store) -> Vec<JobErrorGroup> {
    store.job_errors((START.hour(), START.plus(HOUR * 24)), 50).await.unwrap()
}

async fn found(store: &Store, query: &str) -> Vec<JobId> {
    let filter = Filter::parse(query).unwrap();
    let found = store.find_jobs(filter, None, 100, START).await.unwrap();
    found.rows.iter().map(|job| job.id).collect()
}

#[tokio::test]
async fn attempts_that_fail_alike_are_one_error_with_its_hours_and_its_jobs() {
    let (folder, store) = store();
    let worker = worker(&store).await;
    let bounced = |n: u32| error(&format!("mail {n} to mx{n}.example.com bounced"));
    let first = end(&store, &worker, Outcome::Fatal(bounced(7)), START).await;
    let retried = end(&store, &worker, Outcome::Failed(bounced(8)), START.plus(HOUR)).await;
    end(&store, &worker, Outcome::Fatal(error("no room")), START.plus(HOUR)).await;
    end(&store, &worker, Outcome::Done(1.into()), START.plus(HOUR)).await;

    let groups = listed(&store).await;
    assert_eq!(groups.len(), 2);
    let group = &groups[0];
    assert_eq!((group.failures, group.in_range(), group.still_failed), (2, 2, 1));
    assert_eq!((group.first_at, group.last_at), (START, START.plus(HOUR)));
    assert_eq!(group.hours.len(), 2);
    assert_eq!((&group.kind, group.title.as_str()), (&mail(), "mail ‹n› to ‹host› bounced"));
    let query = format!("error_group:{}", group.fingerprint);
    assert_eq!(found(&store, &query).await, [retried, first]);
    assert_eq!(found(&store, &format!("{query} status:failed")).await, [first]);
    assert_eq!(found(&store, &format!("-{query} status:failed")).await.len(), 1);
    let attempts = store.job_attempts(first).await.unwrap();
    assert_eq!(attempts[0].fingerprint.as_ref(), Some(&group.fingerprint));
    let later = (START.plus(HOUR), START.plus(HOUR * 2));
    let alone = store.job_error(group.fingerprint.clone(), later).await.unwrap().unwrap();
    assert_eq!((alone.in_range(), alone.failures), (1, 2));
    drop(store);
    assert_eq!(listed(&open(folder.path())).await, groups, "it is as durable as the jobs");
}

#[tokio::test]
async fn a_job_that_somebody_runs_again_or_deletes_is_not_still_failed() {
    let (_folder, store) = store();
    let worker = worker(&store).await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(end(&store, &worker, Outcome::Fatal(error("bounced")), START).await);
    }
    let still = async || listed(&store).await[0].still_failed;
    assert_eq!(still().await, 4);
    let again = store.run_again(ids[0], Actor::cli(), None, START).await.unwrap().id();
    assert_eq!(still().await, 3);
    let retried = async || {
        let filter = Filter::parse("is:retried").unwrap();
        let found = store.find_jobs(filter, None, 9, START).await.unwrap().rows;
        found.iter().map(|job| job.id).collect::<Vec<_>>()
    };
    assert_eq!(retried().await, [ids[0]]);
    store.cancel(again, Actor::cli(), START).await.unwrap();
    store.delete_job(again, Actor::cli(), START).await.unwrap();
    assert_eq!(retried().await, [ids[0]], "the failed one knows of it without the new one");
    store.delete_job(ids[1], Actor::cli(), START).await.unwrap();
    assert_eq!(still().await, 2);
    let query = format!("status:failed error_group:{}", listed(&store).await[0].fingerprint);
    let filter = Filter::parse(&query).unwrap();
    let preview = store.preview(filter, BulkAct::Retry, None, START).await.unwrap();
    assert_eq!(preview.matched, 3);
    store.act_slice(preview.bulk, JobId(999), 0, 10, Actor::cli(), START).await.unwrap();
    assert_eq!(still().await, 0);
    assert_eq!(listed(&store).await[0].failures, 4, "what was, was");
}

#[tokio::test]
async fn an_attempt_that_is_lost_with_its_worker_is_counted_when_that_ends_the_job() {
    let (_folder, store) = store();
    let first = worker(&store).await;
    let once = NewJob { max_attempts: Some(1), ..NewJob::new(mail()) };
    store.enqueue(once, START).await.unwrap();
    for _ in 0..3 {
        // Each new worker finds the one before lost.
        let worker = worker(&store).await;
        let lane = Lane { queue: Queue::DEFAULT, running: 0, slots: Some(100) };
        let mut request = worker.request(Vec::new());
        request.lanes = vec![lane];
        store.poll(request, START).await.unwrap();
    }
    let last = worker(&store).await;
    store.poll(last.request(Vec::new()), START).await.unwrap();
    drop(first);
    let groups = listed(&store).await;
    assert_eq!(groups.len(), 1, "{groups:?}");
    assert_eq!(groups[0].still_failed, 1);
}

#[tokio::test]
async fn an_error_is_muted_until_its_time_and_the_audit_log_says_by_whom() {
    let (_folder, store) = store();
    let worker = worker(&store).await;
    end(&store, &worker, Outcome::Fatal(error("bounced")), START).await;
    let fingerprint = listed(&store).await[0].fingerprint.clone();
    let until = START.plus(HOUR);
    let mute = ErrorMute { until: Some(until), by: "ada".into() };
    let set = async |mute: Option<ErrorMute>, of: &str| {
        store.mute_job_error(of.into(), mute, Actor::named("ada"), START).await.unwrap()
    };
    assert!(set(Some(mute.clone()), &fingerprint).await);
    let group = listed(&store).await.remove(0);
    assert_eq!(group.mute, Some(mute));
    assert!(group.is_muted(START) && !group.is_muted(until));
    // It goes on being counted.
    end(&store, &worker, Outcome::Fatal(error("bounced")), START).await;
    assert_eq!(listed(&store).await[0].failures, 2);
    assert!(set(None, &fingerprint).await);
    assert!(!set(None, "nothing").await, "there is no such error");
    assert_eq!(listed(&store).await[0].mute, None);
    let deeds = store.deeds(9).await.unwrap();
    let said: Vec<_> = deeds.iter().map(|deed| deed.action.as_str()).collect();
    assert_eq!(said.iter().filter(|action| action.ends_with("mute")).count(), 2, "{said:?}");
}

#[tokio::test]
async fn the_ten_thousand_errors_that_were_met_last_are_kept() {
    let (folder, store) = store();
    let worker = worker(&store).await;
    let conn = foreign(folder.path());
    conn.execute_batch(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
         INSERT INTO job_errors (fingerprint, kind, code, title, first_at, last_at, failures)
         SELECT 'old' || i, 'mail', 'X', 'old', i, i, 1 FROM n;
         INSERT INTO job_error_hours (fingerprint, hour, failures) VALUES ('old1', 0, 1), ('old3', 0, 1)",
    )
    .unwrap();
    for text in ["one", "two", "one"] {
        end(&store, &worker, Outcome::Fatal(error(text)), START).await;
    }
    let count = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM job_errors"), 10_000);
    assert_eq!(count("SELECT min(last_at) FROM job_errors"), 3);
    assert_eq!(count("SELECT count(*) FROM job_error_hours WHERE hour = 0"), 1);
}
