//! Bugs that were found, each as the test that would have caught it.

use crate::support::{foreign, in_time, now, run_now, store, until, until_none};
use lamplighter::clock::Clock;
use lamplighter::engine::Builder;
use lamplighter::model::{
    Actor, ConcurrencyKey, Filter, JobId, Kind, KindRules, NewJob, Outcome, Queue, Status, Trigger,
};
use lamplighter::store::Store;
use lamplighter::{Code, Engine};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

fn kind(name: &str) -> Kind {
    Kind::parse(name).unwrap()
}

/// An engine with a kind `good` that always completes.
fn engine(store: &Store) -> Builder {
    let done = |_| async { Outcome::Done(true.into()) };
    Engine::builder(store.clone(), Clock::system()).kind(KindRules::new(kind("good")), done)
}

/// Starts an engine that also has a kind whose jobs end when the semaphore gives them a permit each.
fn gated(builder: Builder, rules: KindRules) -> (Engine, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let waits = Arc::clone(&gate);
    let builder = builder.kind(rules, move |_| {
        let waits = Arc::clone(&waits);
        async move {
            waits.acquire().await.unwrap().forget();
            Outcome::Done(true.into())
        }
    });
    (builder.start().unwrap(), gate)
}

async fn good_job_completes(store: &Store) {
    let id = store.enqueue(NewJob::new(kind("good")), now()).await.unwrap().id();
    until(store, id, |job| job.status == Status::Completed).await;
}

fn foreign_sql(folder: &Path, sql: &str) {
    foreign(folder).execute_batch(sql).unwrap();
}

#[tokio::test]
async fn rows_that_are_hard_to_read_stop_nobody_else() {
    let (folder, store) = store();
    let engine = engine(&store).start().unwrap();
    let hostile = [
        "payload = CAST(x'22ff22' AS TEXT)",
        "unique_key = CAST(x'ff' AS TEXT)",
        "concurrency_key = replace(hex(zeroblob(66)), '00', 'é')",
        "concurrency_key = CAST(x'ffff' AS TEXT)",
        "correlation_id = CAST(x'ff' AS TEXT)",
        "run_at = 9223372036854775807",
        "run_at = -9223372036854775808",
        "created_at = 9223372036854775807",
        "parent_id = -9223372036854775808",
        "priority = 100",
        "max_attempts = 1000000",
    ];
    for setting in hostile {
        let (column, value) = setting.split_once(" = ").unwrap();
        for kind in ["good", "nobody_knows"] {
            let sql = format!("INSERT INTO jobs (kind, {column}) VALUES ('{kind}', {value})");
            foreign(folder.path())
                .execute(&sql, [])
                .unwrap_or_else(|error| panic!("{setting}: {error}"));
        }
    }
    // Running in the name of nobody, with every text unreadable.
    foreign_sql(
        folder.path(),
        "INSERT INTO jobs (kind) VALUES ('good');
         UPDATE jobs
         SET status = 'running', waits_for = NULL, claim_order = NULL, worker_id = CAST(x'ff' AS TEXT), epoch = epoch + 1,
             attempt = 1000000, started_at = 1, error = CAST(x'ff' AS TEXT), error_code = CAST(x'ff' AS TEXT)
         WHERE id = last_insert_rowid() AND status = 'queued'",
    );
    good_job_completes(&store).await;
    let rows = store.find_jobs(Filter::default(), None, 100, now()).await.unwrap().rows;
    assert!(rows.len() >= 2 * hostile.len());
    engine.stop(Duration::ZERO).await;
}

#[test]
fn numbers_and_names_that_nobody_could_read_are_refused_by_the_schema() {
    let (folder, _store) = store();
    let conn = foreign(folder.path());
    for (column, value) in [
        ("attempt", "5000000000"),
        ("max_attempts", "5000000000"),
        ("interrupted", "5000000000"),
        ("key_slot", "5000000000"),
        ("epoch", "9223372036854775807"),
        ("id", "9223372036854775807"),
        ("queue", "'a' || char(0)"),
        ("concurrency_key", "replace(hex(zeroblob(150)), '00', 'é')"),
        ("waits_for", "'key'"),
        ("waits_for", "'handler'"),
        ("claim_order", "1"),
        ("parked_by", "'limit'"),
        ("counted", "1"),
        ("worker_id", "'w'"),
    ] {
        let sql = format!("INSERT INTO jobs (kind, {column}) VALUES ('x', {value})");
        assert!(conn.execute(&sql, []).is_err(), "{column} = {value}");
    }
    conn.execute("INSERT INTO jobs (kind) VALUES ('x')", []).unwrap();
    for set in ["epoch = NULL", "epoch = 7", "created_at = NULL", "id = NULL", "id = 2"] {
        assert!(conn.execute(&format!("UPDATE OR REPLACE jobs SET {set}"), []).is_err(), "{set}");
    }
}

#[tokio::test]
async fn texts_with_a_nul_are_whole_in_errors_histories_and_keys() {
    let (_folder, store) = store();
    let fails = |_| async { Outcome::Fatal("before\0after".into()) };
    let builder = engine(&store).kind(KindRules::new(kind("bad")), fails);
    let (engine, gate) = gated(builder, KindRules::new(kind("gated")));
    let id = store.enqueue(NewJob::new(kind("bad")), now()).await.unwrap().id();
    let job = until(&store, id, |job| job.status == Status::Failed).await;
    let events = store.job_events(id).await.unwrap();
    let attempts = store.job_attempts(id).await.unwrap();
    let told = [&job.error, &events.last().unwrap().detail, &attempts[0].error];
    for text in told {
        assert!(text.as_ref().is_some_and(|text| text.ends_with("before\0after")), "{text:?}");
    }
    // What differs only behind the NUL are two keys, and each lets one job run.
    let mut running = Vec::new();
    for key in ["a\0b", "a\0c"] {
        let key = Some(ConcurrencyKey::parse(key).unwrap());
        let job = NewJob { concurrency_key: key, ..NewJob::new(kind("gated")) };
        running.push(store.enqueue(job, now()).await.unwrap().id());
    }
    for id in running {
        until(&store, id, |job| job.status == Status::Running).await;
    }
    gate.add_permits(2);
    engine.stop(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn whoever_frees_a_key_lets_the_next_job_run() {
    let (folder, store) = store();
    let rules = KindRules {
        concurrency_key: Some(ConcurrencyKey::parse("one").unwrap()),
        ..KindRules::new(kind("keyed"))
    };
    let (engine, release) = gated(engine(&store), rules);
    let first = store.enqueue(NewJob::new(kind("keyed")), now()).await.unwrap().id();
    let second = store.enqueue(NewJob::new(kind("keyed")), now()).await.unwrap().id();
    until(&store, first, |job| job.status == Status::Running).await;
    until(&store, second, |job| job.waits_for.is_some_and(|by| by.as_str() == "key")).await;
    // Another program ends the first by hand.
    foreign_sql(
        folder.path(),
        "UPDATE jobs SET status = 'cancelled', worker_id = NULL, key_slot = NULL, finished_at = 5 WHERE id = 1",
    );
    until(&store, second, |job| job.status == Status::Running).await;
    release.add_permits(2);
    until(&store, second, |job| job.status == Status::Completed).await;
    engine.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn p13_slots_of_a_key_are_given_by_priority_not_by_id() {
    let (_folder, store) = store();
    let plain = store.enqueue(NewJob::new(kind("keyed")), now()).await.unwrap().id();
    let urgent = NewJob { trigger: Trigger::Manual, ..NewJob::new(kind("keyed")) };
    let urgent = store.enqueue(urgent, now()).await.unwrap().id();
    let rules = KindRules {
        concurrency_key: Some(ConcurrencyKey::parse("one").unwrap()),
        ..KindRules::new(kind("keyed"))
    };
    let (order, mut started) = tokio::sync::mpsc::unbounded_channel();
    let engine = engine(&store)
        .kind(rules, move |context| {
            order.send(context.job.id).unwrap();
            async { Outcome::Done(true.into()) }
        })
        .start()
        .unwrap();
    assert_eq!(in_time(started.recv()).await, Some(urgent));
    assert_eq!(in_time(started.recv()).await, Some(plain));
    engine.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_stored_fails_its_job_and_frees_its_slot() {
    let (_folder, store) = store();
    let engine = engine(&store)
        .kind(KindRules::new(kind("deep")), |_| async {
            let nested = (0..3000).fold(serde_json::Value::Null, |inner, _| vec![inner].into());
            Outcome::Done(nested)
        })
        .start()
        .unwrap();
    let id = store.enqueue(NewJob::new(kind("deep")), now()).await.unwrap().id();
    let job = until(&store, id, |job| job.status.is_final()).await;
    assert_eq!((job.status, job.error_code.as_deref()), (Status::Failed, Some("STORE-RULE-001")));
    in_time(engine.stop(Duration::from_secs(5))).await;
}

/// Panics when it is dropped, as a guard object of a handler might.
struct Spiteful;

impl Drop for Spiteful {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "dropped");
    }
}

#[tokio::test]
async fn a_panic_while_a_handler_is_dropped_costs_nobody_else_anything() {
    let (_folder, store) = store();
    let engine = engine(&store)
        .kind(KindRules::new(kind("spite")), |_| async {
            let _held = Spiteful;
            std::future::pending::<()>().await;
            Outcome::Done(true.into())
        })
        .start()
        .unwrap();
    let id = store.enqueue(NewJob::new(kind("spite")), now()).await.unwrap().id();
    until(&store, id, |job| job.status == Status::Running).await;
    good_job_completes(&store).await;
    engine.stop(Duration::from_millis(10)).await;
    assert_eq!(store.job(id).await.unwrap().unwrap().status, Status::Queued);
}

#[tokio::test]
async fn rules_out_of_range_are_refused_before_the_engine_starts() {
    let (_folder, store) = store();
    let rules = || KindRules::new(kind("bad"));
    for bad in [
        KindRules { priority: 101, ..rules() },
        KindRules { max_attempts: 0, ..rules() },
        KindRules { key_limit: 0, ..rules() },
    ] {
        let started = engine(&store).kind(bad, |_| async { Outcome::Done(true.into()) }).start();
        assert_eq!(started.unwrap_err().code(), Code::ModelInvalid);
    }
    // The best priority there is stays in range for a manual job too.
    let best = KindRules { priority: -98, ..rules() };
    let engine =
        engine(&store).kind(best, |_| async { Outcome::Done(true.into()) }).start().unwrap();
    let job = NewJob { trigger: Trigger::Manual, ..NewJob::new(kind("bad")) };
    let id = store.enqueue(job, now()).await.unwrap().id();
    until(&store, id, |job| job.status == Status::Completed).await;
    engine.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_job_in_our_own_name_that_nobody_runs_is_settled_as_lost() {
    let (folder, store) = store();
    let (engine, release) = gated(engine(&store), KindRules::new(kind("held")));
    let real = store.enqueue(NewJob::new(kind("held")), now()).await.unwrap().id();
    let real = until(&store, real, |job| job.status == Status::Running).await;
    // As if a claim had been committed whose commit seemed to fail.
    let worker = real.worker_id.clone().unwrap();
    foreign_sql(
        folder.path(),
        &format!(
            "BEGIN; INSERT INTO jobs (kind) VALUES ('good');
             UPDATE jobs
             SET status = 'running', waits_for = NULL, worker_id = '{}', epoch = 1, attempt = 1, started_at = 1,
                 on_interrupt = 'retry'
             WHERE id = last_insert_rowid();
             COMMIT",
            worker.as_str()
        ),
    );
    let orphan = JobId(real.id.0 + 1);
    let job = until(&store, orphan, |job| job.status == Status::Completed).await;
    assert_eq!((job.interrupted, job.epoch), (1, 2));
    assert_eq!(
        store.job(real.id).await.unwrap().unwrap(),
        real,
        "the job that does run is left alone"
    );
    release.add_permits(1);
    engine.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn the_first_admin_can_sign_in_although_somebody_was_audited_before() {
    let (_folder, store) = store();
    run_now(&store).await;
    let at = now();
    let admin = store.create_first_admin("hash".into(), Actor::cli(), at).await.unwrap().unwrap();
    store.login(admin.clone(), "id".into(), "Firefox".into(), Actor::cli(), at).await.unwrap();
    let found = store.login_by_id("id".into(), true, at).await.unwrap().unwrap();
    assert_eq!((found.account, found.began_at), (admin, at));
}

/// The reason why readiness does not depend on the number of final jobs (P23).
#[test]
fn a_poll_reads_no_table_whole() {
    let (folder, _store) = store();
    let conn = foreign(folder.path());
    for sql in [
        "SELECT * FROM jobs WHERE status = 'running' AND (worker_id <> 'me' OR id NOT IN (SELECT value FROM json_each('[]'))) ORDER BY worker_id, id",
        "SELECT id FROM jobs WHERE status = 'scheduled' AND waits_for IS NULL AND run_at <= 1 ORDER BY run_at, id LIMIT 9",
        "SELECT * FROM jobs WHERE waits_for = 'admission' ORDER BY id LIMIT 9",
        "SELECT id, kind FROM jobs WHERE queue = 'q' AND claim_order IS NOT NULL ORDER BY claim_order, id LIMIT 9",
        "SELECT key_slot FROM jobs WHERE concurrency_key = 'k' AND key_slot IS NOT NULL ORDER BY key_slot",
        "SELECT id FROM jobs WHERE concurrency_key = 'k' AND waits_for = 'key' ORDER BY run_at + priority * 600000, id LIMIT 1",
    ] {
        let plan = format!("EXPLAIN QUERY PLAN {sql}");
        let mut statement = conn.prepare(&plan).unwrap();
        let steps = statement.query_map([], |row| row.get::<_, String>(3)).unwrap();
        for step in steps.map(Result::unwrap).filter(|step| step.contains("jobs")) {
            assert!(step.contains("INDEX jobs_"), "{sql}\n{step}");
        }
    }
}

#[tokio::test]
async fn a_job_that_was_called_up_for_a_key_and_is_cancelled_first_passes_the_call_on() {
    let (folder, store) = store();
    let printer = || NewJob {
        concurrency_key: Some(ConcurrencyKey::parse("printer").unwrap()),
        ..NewJob::new(kind("good"))
    };
    let (engine, gate) =
        gated(Engine::builder(store.clone(), Clock::system()), KindRules::new(kind("good")));
    let first = store.enqueue(printer(), now()).await.unwrap().id();
    until(&store, first, |job| job.status == Status::Running).await;
    let (second, third) = (printer(), printer());
    let second = store.enqueue(second, now()).await.unwrap().id();
    let third = store.enqueue(third, now()).await.unwrap().id();
    until(&store, third, |job| job.waits_for.is_some_and(|by| by.as_str() == "key")).await;
    // In one transaction of another hand, so that no poll sees the time between.
    let sql = format!(
        "BEGIN IMMEDIATE;
         UPDATE jobs SET waits_for = 'admission' WHERE id = {second};
         UPDATE jobs SET status = 'cancelled', waits_for = NULL, finished_at = 1 WHERE id = {second};
         COMMIT"
    );
    foreign_sql(folder.path(), &sql);
    gate.add_permits(2);
    until(&store, third, |job| job.status == Status::Completed).await;
    engine.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_kind_that_changes_its_key_leaves_nobody_waiting_for_the_old_one() {
    let (_folder, store) = store();
    let keyed = |key: &str| KindRules {
        concurrency_key: Some(ConcurrencyKey::parse(key).unwrap()),
        ..KindRules::new(kind("good"))
    };
    let (engine, _gate) = gated(Engine::builder(store.clone(), Clock::system()), keyed("old"));
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(store.enqueue(NewJob::new(kind("good")), now()).await.unwrap().id());
    }
    until(&store, ids[3], |job| job.waits_for.is_some_and(|by| by.as_str() == "key")).await;
    engine.stop(Duration::ZERO).await;
    let done = |_| async { Outcome::Done(true.into()) };
    let engine = Engine::builder(store.clone(), Clock::system());
    let engine = engine.kind(keyed("new"), done).start().unwrap();
    for id in ids {
        until(&store, id, |job| job.status == Status::Completed).await;
    }
    engine.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn p20_a_job_is_cancelled_also_while_the_engine_stops() {
    let (_folder, store) = store();
    let engine = Engine::builder(store.clone(), Clock::system())
        .kind(KindRules::new(kind("patient")), |context| async move {
            context.cancelled.cancelled().await;
            Outcome::Snooze(Duration::from_hours(1))
        })
        .start()
        .unwrap();
    let id = store.enqueue(NewJob::new(kind("patient")), now()).await.unwrap().id();
    until(&store, id, |job| job.status == Status::Running).await;
    let stop = engine.stop(Duration::from_mins(10));
    let cancel = async {
        let by = Actor { name: "ada".into(), remote: None };
        store.cancel(id, by, now()).await.unwrap();
    };
    in_time(async { tokio::join!(stop, cancel) }).await;
    assert_eq!(store.job(id).await.unwrap().unwrap().status, Status::Cancelled);
}

#[tokio::test]
async fn a_process_whose_registration_another_program_removes_registers_anew() {
    let (folder, store) = store();
    let engine = engine(&store).start().unwrap();
    good_job_completes(&store).await;
    let name = async || store.workers().await.unwrap().pop().unwrap().id;
    let before = name().await;
    foreign_sql(folder.path(), "DELETE FROM job_kinds");
    // The next beat comes at once.
    store.say(|facts| facts.listen = Some("elsewhere".into()));
    good_job_completes(&store).await;
    assert_ne!(name().await, before);
    engine.stop(Duration::ZERO).await;
}

/// What a process writes once and goes by from then on, changed by another program: each of these ended in silence, or would.
const WRITTEN_ONCE: [&str; 19] = [
    "DELETE FROM job_kinds",
    "UPDATE job_kinds SET kind = 'goof' WHERE kind = 'good'",
    "UPDATE job_kinds SET rules = '{}'",
    "DELETE FROM job_limits",
    "UPDATE job_limits SET engine_limit = 0",
    "UPDATE job_limits SET queue = 'defauld'",
    "UPDATE job_queues SET engine_limit = 0",
    "UPDATE job_queues SET engine_limit = NULL",
    "UPDATE job_queues SET name = 'defauld' WHERE name = 'default'",
    "DELETE FROM job_queues",
    "DELETE FROM job_workers",
    "UPDATE job_workers SET lost_at = 1",
    "PRAGMA foreign_keys = OFF; UPDATE job_workers SET id = 'other', pid = 1",
    "UPDATE job_workers SET pid = 1, process_start = 'x', file = 'elsewhere', slots = 0, facts = '{}'",
    "DELETE FROM job_leader",
    "UPDATE job_leader SET worker_id = NULL, epoch = 0",
    "UPDATE job_leader SET epoch = epoch + 9, worker_id = 'dead'",
    "DELETE FROM job_counts; DELETE FROM job_settings",
    "DELETE FROM sqlite_sequence",
];

#[tokio::test]
async fn what_a_process_wrote_once_holds_again_with_its_next_beat_after_another_program_changed_it()
{
    let (folder, store) = store();
    let engine = engine(&store).queue(Queue::DEFAULT, 7).start().unwrap();
    good_job_completes(&store).await;
    let rows = foreign(folder.path());
    for (nth, changed) in WRITTEN_ONCE.iter().enumerate() {
        rows.execute_batch(changed).unwrap_or_else(|error| panic!("{changed}: {error}"));
        // The next beat comes at once.
        store.say(|facts| facts.listen = Some(nth.to_string()));
        let begun = Instant::now();
        let wrong = "SELECT 1 - EXISTS (
            SELECT 1
            FROM job_leader l
            JOIN job_workers w ON w.id = l.worker_id AND w.lost_at IS NULL
            JOIN job_kinds k ON k.worker_id = w.id AND k.kind = 'good' AND k.rules <> '{}'
            JOIN job_limits m ON m.worker_id = w.id AND m.queue = 'default' AND m.engine_limit = 7
            JOIN job_queues q ON q.name = 'default' AND q.engine_limit = 7)";
        until_none(&store, &rows, wrong).await;
        good_job_completes(&store).await;
        println!("{changed}: set right, and a job done, after {:?}", begun.elapsed());
    }
    engine.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn an_issue_whose_texts_are_no_utf8_does_not_hide_the_others() {
    let (folder, store) = store();
    foreign_sql(
        folder.path(),
        "INSERT INTO self_monitoring_issues (scan_id, tracker, number, url, title, body, classification, error_codes, source, template,
             source_files, evidence, occurrences, created_at, last_seen_at)
         SELECT 1, 'local', value, CAST(x'ff' || value AS TEXT), CAST(x'61ff' || value AS TEXT), CAST(x'ff' AS TEXT), 'server_bug', '[]',
             CAST(x'ff' AS TEXT), CAST(x'ff' AS TEXT), '[]', '[]', 1, 1, 1
         FROM json_each('[1, 2]')",
    );
    let (issues, count) = store.issue_list(0, 9).await.unwrap();
    assert_eq!((issues.len(), count), (2, 2));
    assert_eq!(issues[1].title, "a\u{fffd}1");
    assert_eq!(store.issues_of_scan(JobId(1)).await.unwrap().len(), 2);
}
