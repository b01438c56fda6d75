//! What a job, a kind and a queue may ask for: keys, limits of time, cancelling, pauses, retention, counts.

use crate::support::{START, foreign, in_time, now, open, store, until};
use lamplighter::clock::Clock;
use lamplighter::engine::{Builder, Context};
use lamplighter::model::{
    Actor, Cancelled, ConcurrencyKey, Enqueued, Filter, Gate, Job, JobError, JobId, Kind,
    KindRules, NewJob, Outcome, Queue, Retention, Status, Tag, Timestamp, Trigger, UniqueKey,
};
use lamplighter::store::Store;
use lamplighter::store::transactional;
use lamplighter::{Code, Engine, testing};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

const NO_GRACE: Duration = Duration::ZERO;
const HOUR: Duration = Duration::from_hours(1);

fn kind(name: &str) -> Kind {
    Kind::parse(name).unwrap()
}

fn queue() -> Queue {
    Queue::DEFAULT
}

fn ada() -> Actor {
    Actor { name: "ada".into(), remote: None }
}

fn unique(name: &str) -> NewJob {
    NewJob { unique_key: Some(UniqueKey::parse(name).unwrap()), ..NewJob::new(kind("work")) }
}

async fn job(store: &Store, id: JobId) -> Job {
    store.job(id).await.unwrap().unwrap()
}

async fn causes(store: &Store, id: JobId) -> Vec<String> {
    store
        .job_events(id)
        .await
        .unwrap()
        .into_iter()
        .map(|event| event.cause_word().to_owned())
        .collect()
}

/// An engine on a manual clock whose kind `work` hands its contexts to the test and then does what it is told.
fn worker(
    store: &Store,
    clock: &Clock,
    rules: KindRules,
) -> (Builder, mpsc::UnboundedReceiver<(Context, Answer)>) {
    let (sender, contexts) = mpsc::unbounded_channel();
    let builder =
        Engine::builder(store.clone(), clock.clone()).kind(rules, move |context: Context| {
            let sender = sender.clone();
            async move {
                let (answer, told) = tokio::sync::oneshot::channel();
                sender.send((context, answer)).unwrap();
                told.await.unwrap_or(Outcome::Done(true.into()))
            }
        });
    (builder, contexts)
}

type Answer = tokio::sync::oneshot::Sender<Outcome>;

#[tokio::test]
async fn a_unique_key_is_held_until_its_job_is_final_also_over_a_retry() {
    let (_folder, store) = store();
    let clock = Clock::manual(START);
    let (builder, mut contexts) = worker(&store, &clock, KindRules::new(kind("work")));
    let first = store.enqueue(unique("a"), START).await.unwrap();
    assert!(matches!(first, Enqueued::Inserted(_)));
    assert_eq!(store.enqueue(unique("a"), START).await.unwrap(), Enqueued::Existing(first.id()));
    let other = NewJob { kind: kind("other"), ..unique("a") };
    assert!(matches!(store.enqueue(other, START).await.unwrap(), Enqueued::Inserted(_)));
    let engine = builder.start().unwrap();
    let (_, answer) = in_time(contexts.recv()).await.unwrap();
    let error = JobError { code: "TEST-RUN-001".into(), message: "not yet".into() };
    answer.send(Outcome::Failed(error)).unwrap();
    until(&store, first.id(), |job| job.status == Status::Scheduled).await;
    assert_eq!(store.enqueue(unique("a"), START).await.unwrap(), Enqueued::Existing(first.id()));
    clock.advance(HOUR);
    let (_, answer) = in_time(contexts.recv()).await.unwrap();
    answer.send(Outcome::Done(1.into())).unwrap();
    until(&store, first.id(), |job| job.status == Status::Completed).await;
    assert!(matches!(store.enqueue(unique("a"), START).await.unwrap(), Enqueued::Inserted(_)));
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_unique_window_holds_the_key_for_its_time_although_the_job_is_final() {
    let (_folder, store) = store();
    let hourly = || NewJob { unique_window: Some(HOUR), ..unique("report") };
    let first = store.enqueue(hourly(), START).await.unwrap().id();
    store.cancel(first, ada(), START).await.unwrap();
    let again = store.enqueue(hourly(), START.plus(Duration::from_secs(1))).await.unwrap();
    assert_eq!(again, Enqueued::Existing(first));
    let next = store.enqueue(hourly(), START.plus(HOUR)).await.unwrap();
    assert!(matches!(next, Enqueued::Inserted(_)));
}

#[tokio::test]
async fn p3_an_idempotency_key_answers_the_first_job_and_refuses_another_body() {
    let (_folder, store) = store();
    let request = |payload: i64| NewJob {
        payload: payload.into(),
        idempotency_key: Some("order-1".into()),
        ..NewJob::new(kind("work"))
    };
    let first = store.enqueue(request(1), START).await.unwrap().id();
    assert_eq!(store.enqueue(request(1), START).await.unwrap(), Enqueued::Existing(first));
    let other = store.enqueue(request(2), START).await.unwrap_err();
    assert_eq!(other.code(), Code::IdempotencyConflict);
    // While the job is not final the key is known for as long as that takes.
    let late = START.plus(Duration::from_hours(48));
    assert_eq!(store.enqueue(request(1), late).await.unwrap(), Enqueued::Existing(first));
    store.cancel(first, ada(), late).await.unwrap();
    assert!(matches!(store.enqueue(request(2), late).await.unwrap(), Enqueued::Inserted(_)));
}

#[tokio::test]
async fn p4_jobs_enqueued_together_are_all_there_or_none() {
    let (_folder, store) = store();
    let good: Vec<_> = (0..100).map(|n| unique(&n.to_string())).collect();
    let ids = store.enqueue_all(good.clone(), START).await.unwrap();
    assert_eq!(ids.len(), 100);
    let mut bad: Vec<_> = (200..300).map(|n| unique(&n.to_string())).collect();
    bad.push(NewJob { priority: Some(101), ..unique("bad") });
    assert_eq!(store.enqueue_all(bad, START).await.unwrap_err().code(), Code::ModelInvalid);
    let again = store.enqueue_all(good, START).await.unwrap();
    assert!(again.iter().zip(&ids).all(|(again, id)| *again == Enqueued::Existing(id.id())));
    assert!(store.enqueue(unique("250"), START).await.unwrap().id().0 > ids[99].id().0);
}

/// An application's own row and its job, in a transaction that is still open.
fn order(conn: &mut rusqlite::Connection) -> (Enqueued, rusqlite::Transaction<'_>) {
    let tx = conn.transaction().unwrap();
    tx.execute("INSERT INTO orders DEFAULT VALUES", []).unwrap();
    let enqueued = transactional::enqueue(&tx, &unique("order"), now()).unwrap();
    (enqueued, tx)
}

#[tokio::test]
async fn p4_a_job_enqueued_in_the_callers_transaction_lives_and_dies_with_it() {
    let (folder, store) = store();
    let done = |_| async { Outcome::Done(true.into()) };
    let engine = Engine::builder(store.clone(), Clock::system())
        .kind(KindRules::new(kind("work")), done)
        .start()
        .unwrap();
    let mut conn = foreign(folder.path());
    conn.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)", []).unwrap();
    let (_, tx) = order(&mut conn);
    tx.rollback().unwrap();
    assert!(
        store
            .find_jobs(lamplighter::model::Filter::default(), None, 9, START)
            .await
            .unwrap()
            .rows
            .is_empty()
    );
    let (enqueued, tx) = order(&mut conn);
    tx.commit().unwrap();
    until(&store, enqueued.id(), |job| job.status == Status::Completed).await;
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn p20_a_waiting_job_that_is_cancelled_never_starts_and_gives_its_key_on() {
    let (_folder, store) = store();
    let clock = Clock::manual(START);
    let rules = KindRules {
        concurrency_key: Some(ConcurrencyKey::parse("printer").unwrap()),
        ..KindRules::new(kind("work"))
    };
    let (builder, mut contexts) = worker(&store, &clock, rules);
    let engine = builder.start().unwrap();
    let running = store.enqueue(NewJob::new(kind("work")), START).await.unwrap().id();
    let (_, answer) = in_time(contexts.recv()).await.unwrap();
    let blocked = store.enqueue(NewJob::new(kind("work")), START).await.unwrap().id();
    let last = store.enqueue(NewJob::new(kind("work")), START).await.unwrap().id();
    until(&store, last, |job| job.waits_for.is_some_and(|by| by.as_str() == "key")).await;
    assert_eq!(store.cancel(blocked, ada(), START).await.unwrap(), Cancelled::Done);
    let again = store.cancel(blocked, ada(), START).await.unwrap();
    assert_eq!(again, Cancelled::AlreadyFinal(Status::Cancelled));
    answer.send(Outcome::Done(1.into())).unwrap();
    let (context, answer) = in_time(contexts.recv()).await.unwrap();
    assert_eq!(context.job.id, last);
    answer.send(Outcome::Done(1.into())).unwrap();
    until(&store, last, |job| job.status == Status::Completed).await;
    assert_eq!(job(&store, blocked).await.epoch, 0);
    assert_eq!(causes(&store, blocked).await.last().unwrap(), "cancelled");
    assert_eq!(job(&store, running).await.status, Status::Completed);
    assert!(store.cancel(JobId(999), ada(), START).await.unwrap_err().code() == Code::JobUnknown);
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn p20_a_running_job_is_asked_to_end_and_dropped_after_its_grace() {
    let (_folder, store) = store();
    let clock = Clock::manual(START);
    let (builder, mut contexts) = worker(&store, &clock, KindRules::new(kind("work")));
    let engine = builder.start().unwrap();
    let kind_one = store.enqueue(NewJob::new(kind("work")), START).await.unwrap().id();
    let (context, answer) = in_time(contexts.recv()).await.unwrap();
    assert_eq!(store.cancel(kind_one, ada(), START).await.unwrap(), Cancelled::Requested);
    in_time(context.cancelled.cancelled()).await;
    answer.send(Outcome::Snooze(HOUR)).unwrap();
    let ended = until(&store, kind_one, |job| job.status.is_final()).await;
    assert_eq!(ended.status, Status::Cancelled);

    let done_first = store.enqueue(NewJob::new(kind("work")), START).await.unwrap().id();
    let (context, answer) = in_time(contexts.recv()).await.unwrap();
    store.cancel(done_first, ada(), START).await.unwrap();
    in_time(context.cancelled.cancelled()).await;
    answer.send(Outcome::Done(7.into())).unwrap();
    let ended = until(&store, done_first, |job| job.status.is_final()).await;
    assert_eq!((ended.status, ended.result.as_deref()), (Status::Completed, Some("7")));

    let stubborn = store.enqueue(NewJob::new(kind("work")), START).await.unwrap().id();
    let (context, answer) = in_time(contexts.recv()).await.unwrap();
    store.cancel(stubborn, ada(), START).await.unwrap();
    in_time(context.cancelled.cancelled()).await;
    clock.advance(Duration::from_secs(10));
    let ended = until(&store, stubborn, |job| job.status.is_final()).await;
    assert_eq!(ended.status, Status::Cancelled);
    assert!(answer.is_closed(), "the handler was dropped");
    assert_eq!(causes(&store, stubborn).await, ["cancel_requested", "cancelled"]);
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn p21_a_job_out_of_time_is_asked_to_end_then_dropped_and_tried_again() {
    let (_folder, store) = store();
    let clock = Clock::manual(START);
    let rules = KindRules {
        timeout: Some(HOUR),
        idle_timeout: Some(Duration::from_mins(5)),
        max_attempts: 2,
        ..KindRules::new(kind("work"))
    };
    let (builder, mut contexts) = worker(&store, &clock, rules);
    let engine = builder.start().unwrap();
    let quick = NewJob { timeout: Some(Duration::from_secs(30)), ..NewJob::new(kind("work")) };
    let id = store.enqueue(quick, START).await.unwrap().id();
    let (context, answer) = in_time(contexts.recv()).await.unwrap();
    clock.advance(Duration::from_secs(30));
    in_time(context.cancelled.cancelled()).await;
    answer.send(Outcome::Snooze(HOUR)).unwrap();
    let waits = until(&store, id, |job| job.status == Status::Scheduled).await;
    assert_eq!((waits.error_code.as_deref(), waits.attempt), (Some("JOB-TIME-001"), 1));
    clock.advance(HOUR);
    let (context, answer) = in_time(contexts.recv()).await.unwrap();
    assert_eq!(context.job.attempt, 2);
    clock.advance(Duration::from_secs(30));
    in_time(context.cancelled.cancelled()).await;
    clock.advance(Duration::from_secs(10));
    let failed = until(&store, id, |job| job.status == Status::Failed).await;
    assert_eq!(failed.error_code.as_deref(), Some("JOB-TIME-001"));
    assert!(answer.is_closed());
    let attempts = store.job_attempts(id).await.unwrap();
    let ends: Vec<_> = attempts.iter().map(|a| (a.attempt, a.ended_word())).collect();
    assert_eq!(ends, [(1, "retry"), (2, "failed")]);
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn signs_of_life_hold_the_idle_limit_off_and_progress_is_one() {
    let (_folder, store) = store();
    let clock = Clock::manual(START);
    let rules = KindRules {
        idle_timeout: Some(Duration::from_mins(5)),
        max_attempts: 1,
        ..KindRules::new(kind("work"))
    };
    let (builder, mut contexts) = worker(&store, &clock, rules);
    let engine = builder.start().unwrap();
    let id = store.enqueue(NewJob::new(kind("work")), START).await.unwrap().id();
    let (context, _answer) = in_time(contexts.recv()).await.unwrap();
    for step in 1..=3 {
        context.progress(format!("{step} of 9")).await.unwrap();
        // The engine has heard of it once it looks at the next job.
        store.enqueue(NewJob::new(kind("work")), clock.now()).await.unwrap();
        let (_, answer) = in_time(contexts.recv()).await.unwrap();
        answer.send(Outcome::Done(1.into())).unwrap();
        clock.advance(Duration::from_mins(4));
        assert!(!context.cancelled.is_cancelled());
    }
    assert_eq!(job(&store, id).await.progress.as_deref(), Some("3 of 9"));
    clock.advance(Duration::from_mins(1));
    in_time(context.cancelled.cancelled()).await;
    clock.advance(Duration::from_secs(10));
    let failed = until(&store, id, |job| job.status == Status::Failed).await;
    assert_eq!(failed.error_code.as_deref(), Some("JOB-TIME-002"));
    let late = context.progress("too late").await.unwrap_err();
    assert!(late.is_lease_lost(), "P9");
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_limit_outside_parks_the_job_and_pauses_its_queue_until_then() {
    let (_folder, store) = store();
    let clock = Clock::manual(START);
    let (builder, mut contexts) = worker(&store, &clock, KindRules::new(kind("work")));
    let engine = builder.start().unwrap();
    let id = store.enqueue(NewJob::new(kind("work")), START).await.unwrap().id();
    let (_, answer) = in_time(contexts.recv()).await.unwrap();
    let until_then = START.plus(HOUR);
    answer.send(Outcome::Limited { until: until_then, reason: "rate limit".into() }).unwrap();
    let parked = until(&store, id, |job| job.status == Status::Scheduled).await;
    assert_eq!((parked.attempt, parked.run_at), (0, until_then));
    let other = store.enqueue(NewJob::new(kind("work")), START).await.unwrap().id();
    until(&store, other, |job| job.waits_for.is_none()).await;
    let why = store.why(other, START).await.unwrap().unwrap();
    let limit =
        Gate::UsageLimit { queue: queue(), reason: "rate limit".into(), until: Some(until_then) };
    assert_eq!(why.gates.as_slice(), std::slice::from_ref(&limit), "{why}");
    // The parked job waits for the same.
    assert_eq!(store.why(id, START).await.unwrap().unwrap().gates, [limit]);
    // The parked job was created first, but is ready later.
    clock.advance(HOUR);
    let (first, answer) = in_time(contexts.recv()).await.unwrap();
    answer.send(Outcome::Done(1.into())).unwrap();
    let (second, answer) = in_time(contexts.recv()).await.unwrap();
    answer.send(Outcome::Done(1.into())).unwrap();
    assert_eq!((first.job.id, second.job.id), (other, id));
    assert_eq!(second.job.attempt, 1);
    assert!(store.queues().await.unwrap()[0].pause.is_none());
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_queue_obeys_its_operator_and_stop_all_stops_everything() {
    let (_folder, store) = store();
    let clock = Clock::manual(START);
    let (builder, mut contexts) = worker(&store, &clock, KindRules::new(kind("work")));
    let engine = builder.queue(queue(), 2).start().unwrap();
    in_time(engine.leading().wait_for(|leads| *leads)).await.unwrap();
    store.set_queue_limit(queue(), Some(0), ada(), START).await.unwrap();
    let id = store.enqueue(NewJob::new(kind("work")), START).await.unwrap().id();
    until(&store, id, |job| job.waits_for.is_none()).await;
    let full = Gate::QueueFull { queue: queue(), limit: 0, holders: Vec::new() };
    assert_eq!(store.why(id, START).await.unwrap().unwrap().gates, [full]);
    store.pause_queue(queue(), "moving".into(), None, ada(), START).await.unwrap();
    store.set_queue_limit(queue(), None, ada(), START).await.unwrap();
    let gates = store.why(id, START).await.unwrap().unwrap().gates;
    assert!(matches!(gates.as_slice(), [Gate::QueuePaused(..)]), "{gates:?}");
    assert!(store.resume_queue(queue(), ada(), START).await.unwrap());
    let (context, _answer) = in_time(contexts.recv()).await.unwrap();
    assert_eq!(context.job.id, id);

    assert_eq!(store.stop_all("fire drill".into(), ada(), START).await.unwrap(), 1);
    in_time(context.cancelled.cancelled()).await;
    clock.advance(Duration::from_secs(10));
    until(&store, id, |job| job.status == Status::Cancelled).await;
    let waits = store.enqueue(NewJob::new(kind("work")), clock.now()).await.unwrap().id();
    until(&store, waits, |job| job.waits_for.is_none()).await;
    let why = store.why(waits, clock.now()).await.unwrap().unwrap();
    assert_eq!(why.to_string(), "All queues were stopped by ada: fire drill.");
    assert!(store.resume_all(ada(), clock.now()).await.unwrap());
    let (context, answer) = in_time(contexts.recv()).await.unwrap();
    assert_eq!(context.job.id, waits);
    answer.send(Outcome::Done(1.into())).unwrap();
    until(&store, waits, |job| job.status == Status::Completed).await;
    let typo = store.resume_queue(Queue::parse("defualt").unwrap(), ada(), START).await;
    assert_eq!(typo.unwrap_err().code(), Code::QueueUnknown);
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_final_job_runs_again_as_a_new_one() {
    let (_folder, store) = store();
    let first = NewJob { payload: "lamp".into(), ..NewJob::new(kind("work")) };
    let first = store.enqueue(first, START).await.unwrap().id();
    let early = store.run_again(first, ada(), None, START).await.unwrap_err();
    assert_eq!(early.code(), Code::JobNotFinal);
    store.cancel(first, ada(), START).await.unwrap();
    let before = job(&store, first).await;
    let again = store.run_again(first, ada(), None, START).await.unwrap().id();
    let again = job(&store, again).await;
    assert_eq!((again.parent_id, again.trigger), (Some(first), Trigger::Retry));
    assert_eq!((again.payload.as_str(), again.status), ("\"lamp\"", Status::Queued));
    assert_eq!(job(&store, first).await, before, "P10");
}

#[tokio::test]
async fn tags_come_with_a_job_and_with_its_copy_and_find_it() {
    let (_folder, store) = store();
    let tagged =
        NewJob::new(kind("x")).tag("eu").unwrap().tag("billing").unwrap().tag("eu").unwrap();
    for bad in [String::new(), "x".repeat(65)] {
        assert_eq!(tagged.clone().tag(bad).unwrap_err().code(), Code::ModelInvalid);
    }
    let many = (0..11).try_fold(NewJob::new(kind("x")), |job, n| job.tag(n.to_string())).unwrap();
    let refused = store.enqueue(many, START).await.unwrap_err();
    assert!(refused.to_string().contains("it has at most 10 tags"), "{refused}");
    let named = tagged.clone().idempotent("once");
    let id = store.enqueue(named.clone(), START).await.unwrap().id();
    assert_eq!(store.enqueue(named.clone(), START).await.unwrap(), Enqueued::Existing(id));
    let other = store.enqueue(named.tag("us").unwrap(), START).await.unwrap_err();
    assert_eq!(other.code(), Code::IdempotencyConflict);
    store.cancel(id, ada(), START).await.unwrap();
    let again = store.run_again(id, ada(), None, START).await.unwrap().id();
    let billing = Filter::parse("tag:billing").unwrap();
    let found = store.find_jobs(billing, None, 10, START).await.unwrap().rows;
    let found: Vec<_> =
        found.iter().map(|job| (job.id, job.tags.iter().map(Tag::as_str).collect())).collect();
    assert_eq!(found, [(again, vec!["billing", "eu"]), (id, vec!["billing", "eu"])]);
}

#[tokio::test]
async fn p6_retention_removes_what_is_final_and_old_and_nothing_else() {
    let (_folder, store) = store();
    let retention = Retention { failed: None, ..Retention::all(HOUR) };
    let rules = KindRules { retention, max_attempts: 1, ..KindRules::new(kind("work")) };
    let clock = Clock::manual(START);
    let (builder, mut contexts) = worker(&store, &clock, rules.clone());
    let engine = builder.start().unwrap();
    let mut ids = Vec::new();
    let error = JobError { code: "TEST-RUN-001".into(), message: "no".into() };
    for outcome in [Outcome::Done(1.into()), Outcome::Failed(error), Outcome::Snooze(HOUR * 9)] {
        let id = store.enqueue(NewJob::new(kind("work")), START).await.unwrap().id();
        let (_, answer) = in_time(contexts.recv()).await.unwrap();
        answer.send(outcome).unwrap();
        until(&store, id, |job| job.status != Status::Queued && job.status != Status::Running)
            .await;
        ids.push(id);
    }
    let many: Vec<_> = (0..700).map(|_| NewJob::new(kind("swept"))).collect();
    for swept in store.enqueue_all(many, START).await.unwrap() {
        store.cancel(swept.id(), ada(), START).await.unwrap();
    }
    let kinds: Arc<[KindRules]> = [rules].into();
    let prune = |at: Timestamp| store.prune(Arc::clone(&kinds), at);
    assert!(!prune(START.plus(HOUR)).await.unwrap(), "nothing is older than an hour yet");
    assert_eq!(job(&store, ids[0]).await.status, Status::Completed);
    assert!(!prune(START.plus(HOUR * 2)).await.unwrap());
    assert!(store.job(ids[0]).await.unwrap().is_none());
    assert_eq!(job(&store, ids[1]).await.status, Status::Failed, "kept for ever");
    assert_eq!(job(&store, ids[2]).await.status, Status::Scheduled);
    // A kind nobody runs is kept for the default of 30 days; 700 jobs are two slices.
    let late = START.plus(Duration::from_hours(31 * 24));
    assert!(prune(late).await.unwrap());
    assert!(!prune(late).await.unwrap());
    assert!(store.recount().await.unwrap().is_empty());
    let left: i64 = store.job_counts().await.unwrap().iter().map(|count| count.count).sum();
    assert_eq!(left, 2);
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn the_counts_are_exact_and_a_foreign_hand_is_found_by_the_recount() {
    let (folder, store) = store();
    let clock = Clock::manual(START);
    let (builder, mut contexts) = worker(&store, &clock, KindRules::new(kind("work")));
    let engine = builder.start().unwrap();
    for _ in 0..3 {
        store.enqueue(NewJob::new(kind("work")), START).await.unwrap();
    }
    foreign(folder.path())
        .execute("INSERT INTO jobs (kind, run_at) VALUES ('work', 0)", [])
        .unwrap();
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(in_time(contexts.recv()).await.unwrap());
    }
    let count = |status| {
        let store = store.clone();
        async move {
            let counts = store.job_counts().await.unwrap();
            counts.iter().filter(|c| c.status == status).map(|c| c.count).sum::<i64>()
        }
    };
    assert_eq!((count(Status::Running).await, count(Status::Queued).await), (4, 0));
    let (context, answer) = answers.pop().unwrap();
    answer.send(Outcome::Done(1.into())).unwrap();
    until(&store, context.job.id, |job| job.status == Status::Completed).await;
    assert_eq!((count(Status::Running).await, count(Status::Completed).await), (3, 1));
    assert!(store.recount().await.unwrap().is_empty());
    let later = NewJob { run_at: Some(START.plus(HOUR)), ..NewJob::new(kind("work")) };
    let later = store.enqueue(later, START).await.unwrap().id();
    until(&store, later, |job| job.status == Status::Scheduled).await;
    let foreign_cancel = "UPDATE jobs SET status = 'cancelled', finished_at = 1 WHERE id = ?1";
    foreign(folder.path()).execute(foreign_cancel, [later.0]).unwrap();
    let missing = store.recount().await.unwrap();
    assert_eq!(missing.len(), 2, "{missing:?}");
    assert_eq!((count(Status::Scheduled).await, count(Status::Cancelled).await), (0, 1));
    drop(answers);
    engine.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_handler_makes_jobs_of_its_own() {
    let (_folder, store) = store();
    let engine = Engine::builder(store.clone(), Clock::system())
        .kind(KindRules::new(kind("parent")), |context| async move {
            let child = context.enqueue(NewJob::new(kind("child"))).await.unwrap();
            Outcome::Done(child.id().0.into())
        })
        .kind(KindRules::new(kind("child")), |_| async { Outcome::Done(true.into()) })
        .start()
        .unwrap();
    let request = NewJob { correlation_id: Some("r-1".into()), ..NewJob::new(kind("parent")) };
    let parent = store.enqueue(request, now()).await.unwrap().id();
    until(&store, parent, |job| job.status == Status::Completed).await;
    in_time(testing::drain(&store, &Clock::system())).await.unwrap();
    let child =
        testing::assert_enqueued(&store, "child", |job| job.parent_id == Some(parent)).await;
    assert_eq!((child.trigger, child.correlation_id.as_deref()), (Trigger::Parent, Some("r-1")));
    engine.stop(NO_GRACE).await;
}

/// Keys that the four processes fight for, and how often each enqueues each of them.
const KEYS: usize = 1000;
const ROUNDS: usize = 10;

/// Enqueues every key again and again, a hundred at a time, and prints the id that each key was answered.
async fn enqueue_all_keys(folder: &std::path::Path) {
    let store = open(folder);
    for _ in 0..ROUNDS {
        for hundred in (0..KEYS).collect::<Vec<_>>().chunks(100) {
            let mut calls = JoinSet::new();
            for key in hundred.iter().copied() {
                let store = store.clone();
                calls.spawn(async move {
                    (key, store.enqueue(unique(&key.to_string()), now()).await.unwrap().id())
                });
            }
            for (key, id) in calls.join_all().await {
                println!("ANSWER {key} {id}");
            }
        }
    }
}

#[tokio::test]
async fn four_processes_enqueue_the_same_thousand_keys_and_each_key_has_one_job() {
    const CHILD: &str = "LAMPLIGHTER_TEST_UNIQUE_KEYS";
    if let Some(folder) = std::env::var_os(CHILD) {
        return enqueue_all_keys(std::path::Path::new(&folder)).await;
    }
    let (folder, store) = store();
    let name = "options::four_processes_enqueue_the_same_thousand_keys_and_each_key_has_one_job";
    let process = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", name, "--nocapture"]).env(CHILD, folder.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let processes = [process(), process(), process(), process()];
    let mut answers = 0;
    let mut of_key = vec![None; KEYS];
    for process in processes {
        let output = process.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        // The test harness may have printed its own words before the first one.
        for line in text.lines().filter_map(|line| line.split_once("ANSWER ")) {
            let (key, id) = line.1.split_once(' ').unwrap();
            let known = of_key[key.parse::<usize>().unwrap()].get_or_insert_with(|| id.to_owned());
            assert_eq!(known, id, "key {key}");
            answers += 1;
        }
    }
    assert_eq!(answers, 4 * KEYS * ROUNDS);
    let jobs: i64 = foreign(folder.path())
        .query_row("SELECT count(*) FROM jobs", [], |row| row.get(0))
        .unwrap();
    println!("{answers} enqueues of {KEYS} keys by 4 processes: {jobs} jobs");
    assert_eq!(jobs, KEYS as i64);
    drop(store);
}
