//! The engine as a library: claims, limits, failures, interruptions, stops.

use crate::support::{START, foreign, in_time, now, open, store, until};
use lamplighter::Engine;
use lamplighter::clock::Clock;
use lamplighter::engine::Builder;
use lamplighter::model::{
    AttemptEnd, ConcurrencyKey, Event, JobError, Kind, KindRules, Lease, NewJob, OnInterrupt,
    Outcome, Queue, Status, WaitsFor,
};
use lamplighter::store::Store;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc, watch};

fn kind(name: &str) -> Kind {
    Kind::parse(name).unwrap()
}

fn error() -> JobError {
    JobError { code: "TEST-RUN-001".into(), message: "it broke".into() }
}

fn engine(store: &Store) -> Builder {
    Engine::builder(store.clone(), Clock::system())
}

const NO_GRACE: Duration = Duration::ZERO;

#[tokio::test]
async fn a_job_runs_and_keeps_its_result() {
    let (_folder, store) = store();
    let engine = engine(&store)
        .kind(KindRules::new(kind("double")), |context| async move {
            Outcome::Done((context.payload::<i64>().unwrap() * 2).into())
        })
        .start()
        .unwrap();
    let job = NewJob { payload: 21.into(), ..NewJob::new(kind("double")) };
    let id = store.enqueue(job, now()).await.unwrap().id();
    let job = until(&store, id, |job| job.status.is_final()).await;
    assert_eq!((job.status, job.result.as_deref()), (Status::Completed, Some("42")));
    assert_eq!((job.attempt, job.epoch, job.worker_id), (1, 1, None));
    assert!(store.job_events(id).await.unwrap().is_empty(), "the plain path leaves no event");
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_panic_fails_its_job_and_nothing_else() {
    let (_folder, store) = store();
    let rules = KindRules { max_attempts: 1, ..KindRules::new(kind("boom")) };
    let engine = engine(&store)
        .kind(rules, |_| async { panic!("wick too short") })
        .kind(KindRules::new(kind("fine")), |_| async { Outcome::Done(true.into()) })
        .start()
        .unwrap();
    let boom = store.enqueue(NewJob::new(kind("boom")), now()).await.unwrap().id();
    let job = until(&store, boom, |job| job.status.is_final()).await;
    assert_eq!(job.status, Status::Failed);
    assert_eq!(job.error_code.as_deref(), Some("JOB-RUN-002"));
    assert!(job.error.unwrap().contains("wick too short"));
    let fine = store.enqueue(NewJob::new(kind("fine")), now()).await.unwrap().id();
    until(&store, fine, |job| job.status == Status::Completed).await;
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn p12_a_failed_attempt_waits_for_its_retry_time_and_then_runs_again() {
    let (_folder, store) = store();
    let clock = Clock::manual(START);
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let engine =
        Engine::builder(store.clone(), clock.clone())
            .kind(KindRules::new(kind("shaky")), move |_| {
                let run = counted.fetch_add(1, Ordering::SeqCst);
                async move {
                    if run == 0 { Outcome::Failed(error()) } else { Outcome::Done(run.into()) }
                }
            })
            .kind(KindRules::new(kind("probe")), |_| async { Outcome::Done(true.into()) })
            .start()
            .unwrap();
    let id = store.enqueue(NewJob::new(kind("shaky")), START).await.unwrap().id();
    let waiting = until(&store, id, |job| job.status == Status::Scheduled).await;
    assert_eq!(waiting.run_at, START.plus(Duration::from_secs(10)));
    assert_eq!(waiting.error.as_deref(), Some("it broke"));
    clock.advance(Duration::from_millis(9_999));
    // Another job makes the poller look at this instant; the retry is not due at it.
    let probe = store.enqueue(NewJob::new(kind("probe")), clock.now()).await.unwrap().id();
    until(&store, probe, |job| job.status == Status::Completed).await;
    assert_eq!(store.job(id).await.unwrap().unwrap().status, Status::Scheduled);
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    clock.advance(Duration::from_millis(1));
    let job = until(&store, id, |job| job.status.is_final()).await;
    assert_eq!((job.status, job.attempt), (Status::Completed, 2));
    let events = store.job_events(id).await.unwrap();
    assert_eq!(events.iter().map(Event::cause_word).collect::<Vec<_>>(), ["retry"]);
    engine.stop(NO_GRACE).await;
}

/// A handler that says when it runs and ends when it is told to.
struct Gate {
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    release: Arc<Notify>,
    entered: mpsc::UnboundedReceiver<i64>,
}

fn gated(builder: Builder, rules: KindRules) -> (Builder, Gate) {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let release = Arc::new(Notify::new());
    let (enter, entered) = mpsc::unbounded_channel();
    let gate =
        Gate { running: running.clone(), most: most.clone(), release: release.clone(), entered };
    let builder = builder.kind(rules, move |context| {
        let (running, most, release) = (running.clone(), most.clone(), release.clone());
        let enter = enter.clone();
        async move {
            let now = running.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now, Ordering::SeqCst);
            enter.send(context.job.id.0).unwrap();
            release.notified().await;
            running.fetch_sub(1, Ordering::SeqCst);
            Outcome::Done(true.into())
        }
    });
    (builder, gate)
}

#[tokio::test]
async fn p8_at_most_its_limit_of_a_key_runs_and_p13_the_others_follow_in_order() {
    let (_folder, store) = store();
    let rules = KindRules {
        concurrency_key: Some(ConcurrencyKey::parse("printer").unwrap()),
        key_limit: 2,
        ..KindRules::new(kind("print"))
    };
    let (builder, mut gate) = gated(engine(&store), rules);
    let engine = builder.start().unwrap();
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(store.enqueue(NewJob::new(kind("print")), now()).await.unwrap().id());
    }
    let mut order = Vec::new();
    for _ in 0..6 {
        order.push(in_time(gate.entered.recv()).await.unwrap());
        let running = gate.running.load(Ordering::SeqCst);
        assert!((1..=2).contains(&running), "{running} run");
        if order.len() >= 2 {
            gate.release.notify_one();
        }
    }
    gate.release.notify_one();
    for id in &ids {
        until(&store, *id, |job| job.status == Status::Completed).await;
    }
    assert_eq!(order, ids.iter().map(|id| id.0).collect::<Vec<_>>());
    assert_eq!(gate.most.load(Ordering::SeqCst), 2);
    engine.stop(NO_GRACE).await;
}

/// Why no job starves (P14).
#[tokio::test]
async fn a_better_priority_starts_first_and_ten_minutes_of_waiting_weigh_one_level() {
    let (_folder, store) = store();
    let lane = Queue::parse("lane").unwrap();
    let rules = KindRules { queue: lane.clone(), ..KindRules::new(kind("work")) };
    let at = now();
    let job = |priority, created: Duration| {
        let job = NewJob { priority: Some(priority), ..NewJob::new(kind("work")) };
        store.enqueue(job, at.plus(created))
    };
    let patient = job(0, Duration::ZERO).await.unwrap().id();
    let urgent = job(-1, Duration::from_millis(599_999)).await;
    assert!(urgent.is_ok());
    // Both are stored before the engine starts; the urgent one's run_at must not be in the future for the claim.
    let store2 = store.clone();
    let clock = Clock::manual(at.plus(Duration::from_mins(11)));
    let (builder, mut gate) = gated(Engine::builder(store2, clock).queue(lane, 1), rules);
    let engine = builder.start().unwrap();
    let first = in_time(gate.entered.recv()).await.unwrap();
    assert_eq!(first, urgent.unwrap().id().0);
    gate.release.notify_one();
    assert_eq!(in_time(gate.entered.recv()).await.unwrap(), patient.0);
    gate.release.notify_one();
    until(&store, patient, |job| job.status.is_final()).await;
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn an_unknown_kind_waits_with_its_reason_until_a_process_knows_it() {
    let (_folder, store) = store();
    let first = engine(&store).start().unwrap();
    let id = store.enqueue(NewJob::new(kind("later")), now()).await.unwrap().id();
    let job = until(&store, id, |job| job.waits_for == Some(WaitsFor::Handler)).await;
    assert_eq!(job.status, Status::Queued);
    first.stop(NO_GRACE).await;
    let done = |_| async { Outcome::Done(true.into()) };
    let second = engine(&store).kind(KindRules::new(kind("later")), done).start().unwrap();
    until(&store, id, |job| job.status == Status::Completed).await;
    second.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_job_that_names_a_queue_of_its_own_runs_there() {
    let (_folder, store) = store();
    let done = |_| async { Outcome::Done(true.into()) };
    let engine = engine(&store).kind(KindRules::new(kind("any")), done).start().unwrap();
    let queue = Queue::parse("side_lane").unwrap();
    let job = NewJob { queue: Some(queue.clone()), ..NewJob::new(kind("any")) };
    let id = store.enqueue(job, now()).await.unwrap().id();
    let job = until(&store, id, |job| job.status == Status::Completed).await;
    assert_eq!(job.queue, Some(queue));
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn p22_a_stop_gives_running_jobs_their_grace_and_then_queues_them_again() {
    let (_folder, store) = store();
    let (builder, mut gate) = gated(engine(&store), KindRules::new(kind("slow")));
    let rules = KindRules { on_interrupt: OnInterrupt::Fail, ..KindRules::new(kind("once")) };
    let (builder, mut once) = gated(builder, rules);
    let engine = builder.start().unwrap();
    let slow = store.enqueue(NewJob::new(kind("slow")), now()).await.unwrap().id();
    let never_twice = store.enqueue(NewJob::new(kind("once")), now()).await.unwrap().id();
    in_time(gate.entered.recv()).await.unwrap();
    in_time(once.entered.recv()).await.unwrap();
    engine.stop(Duration::from_millis(10)).await;
    let job = store.job(slow).await.unwrap().unwrap();
    assert_eq!((job.status, job.attempt, job.interrupted), (Status::Queued, 0, 0));
    let job = store.job(never_twice).await.unwrap().unwrap();
    assert_eq!((job.status, job.error_code.as_deref()), (Status::Failed, Some("JOB-RUN-004")));
}

#[tokio::test]
async fn p27_a_second_engine_stands_by_and_takes_over() {
    let (folder, store) = store();
    let rules = || KindRules::new(kind("job"));
    let done = |_| async { Outcome::Done(true.into()) };
    let first = engine(&store).kind(rules(), done).start().unwrap();
    in_time(first.leading().wait_for(|leads| *leads)).await.unwrap();
    let other = open(folder.path());
    let second = engine(&other).kind(rules(), done).start().unwrap();
    let by_other = other.enqueue(NewJob::new(kind("job")), now()).await.unwrap().id();
    until(&store, by_other, |job| job.status == Status::Completed).await;
    assert!(!*second.leading().borrow(), "one process leads");
    first.stop(NO_GRACE).await;
    in_time(second.leading().wait_for(|leads| *leads)).await.unwrap();
    let after = store.enqueue(NewJob::new(kind("job")), now()).await.unwrap().id();
    until(&other, after, |job| job.status == Status::Completed).await;
    second.stop(NO_GRACE).await;
}

#[tokio::test]
async fn p11_a_lost_workers_job_is_queued_again_and_the_third_loss_is_a_poison_pill() {
    let (folder, store) = store();
    let (builder, mut gate) = gated(engine(&store), KindRules::new(kind("risky")));
    let engine = builder.start().unwrap();
    let id = store.enqueue(NewJob::new(kind("risky")), now()).await.unwrap().id();
    for loss in 1..=3 {
        in_time(gate.entered.recv()).await.unwrap();
        // Another hand gives the job to a worker that does not exist, as if that one had crashed.
        foreign(folder.path())
            .execute("UPDATE jobs SET worker_id = 'ghost' WHERE id = ?1", [id.0])
            .unwrap();
        until(&store, id, |job| job.interrupted == loss).await;
    }
    let job = until(&store, id, |job| job.status.is_final()).await;
    assert_eq!((job.status, job.error_code.as_deref()), (Status::Failed, Some("JOB-RUN-003")));
    // The stale runs answer now; P9: their leases write nothing.
    gate.release.notify_waiters();
    engine.stop(Duration::from_secs(5)).await;
    assert_eq!(store.job(id).await.unwrap().unwrap(), job);
}

#[tokio::test]
async fn p9_a_settle_under_a_stale_lease_changes_nothing() {
    let (folder, store) = store();
    let (builder, mut gate) = gated(engine(&store), KindRules::new(kind("job")));
    let (leases, mut lease) = watch::channel(None);
    let builder = builder.kind(KindRules::new(kind("spy")), move |context| {
        leases.send_replace(Some(context.lease));
        async { Outcome::Done(1.into()) }
    });
    let engine = builder.start().unwrap();
    let id = store.enqueue(NewJob::new(kind("job")), now()).await.unwrap().id();
    store.enqueue(NewJob::new(kind("spy")), now()).await.unwrap().id();
    let spy = in_time(lease.wait_for(Option::is_some)).await.unwrap().clone().unwrap();
    let first = Lease { id, epoch: 1, ..spy };
    in_time(gate.entered.recv()).await.unwrap();
    // The first run is lost and the same worker runs the job again, under the next epoch.
    let ghost = "UPDATE jobs SET worker_id = 'ghost' WHERE id = ?1";
    foreign(folder.path()).execute(ghost, [id.0]).unwrap();
    in_time(gate.entered.recv()).await.unwrap();
    let before = store.job(id).await.unwrap().unwrap();
    assert_eq!((before.epoch, before.worker_id.as_ref()), (2, Some(&first.worker)));
    let end = AttemptEnd::Answered(Outcome::Done(2.into()));
    let late = store.settle(first, end, NO_GRACE, now()).await;
    assert!(late.unwrap_err().is_lease_lost());
    assert_eq!(store.job(id).await.unwrap().unwrap(), before);
    // Both runs wait at the gate.
    gate.release.notify_one();
    gate.release.notify_one();
    until(&store, id, |job| job.status == Status::Completed).await;
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn what_an_earlier_process_left_is_cleared_before_its_jobs_are_settled_and_their_keys_given_on()
 {
    let (folder, store) = store();
    let rules = || KindRules {
        concurrency_key: Some(ConcurrencyKey::parse("printer").unwrap()),
        on_interrupt: OnInterrupt::Fail,
        ..KindRules::new(kind("print"))
    };
    let (started, mut first_runs) = mpsc::channel(1);
    let first = engine(&store)
        .kind(rules(), move |_| {
            let started = started.clone();
            async move {
                started.send(()).await.unwrap();
                std::future::pending().await
            }
        })
        .start()
        .unwrap();
    let lost = store.enqueue(NewJob::new(kind("print")), now()).await.unwrap().id();
    let next = store.enqueue(NewJob::new(kind("print")), now()).await.unwrap().id();
    in_time(first_runs.recv()).await.unwrap();
    // It goes without settling, as by kill -9.
    drop(first);
    let again = open(folder.path());
    let (fails, seen) = (Arc::new(AtomicUsize::new(1)), Arc::new(AtomicUsize::new(0)));
    let (looking, looked, left) = (again.clone(), seen.clone(), fails.clone());
    let second = engine(&again)
        .kind(rules(), |_| async { Outcome::Done(true.into()) })
        .before_rescue([kind("print")], move || {
            let (store, looked, left) = (looking.clone(), looked.clone(), left.clone());
            async move {
                let jobs = [store.job(lost).await?.unwrap(), store.job(next).await?.unwrap()];
                let untouched =
                    jobs[0].status == Status::Running && jobs[1].status == Status::Queued;
                looked.fetch_add(usize::from(untouched), Ordering::SeqCst);
                if left.swap(0, Ordering::SeqCst) == 1 {
                    let doing = "end what is left";
                    return Err(lamplighter::Error::new(lamplighter::Code::AgentTree, doing));
                }
                Ok(())
            }
        })
        .start()
        .unwrap();
    let job = until(&again, next, |job| job.status.is_final()).await;
    assert_eq!(job.status, Status::Completed);
    assert_eq!(
        seen.load(Ordering::SeqCst),
        2,
        "once in vain, once well, and nothing was touched before"
    );
    assert_eq!(again.job(lost).await.unwrap().unwrap().status, Status::Failed);
    second.stop(NO_GRACE).await;
}

/// Ready in time behind many jobs. The benchmark `engine` has the figures with 5,000,000 of them.
#[tokio::test]
async fn p23_behind_100_000_final_jobs_an_engine_is_ready_within_5_s_of_a_crash() {
    let (folder, store) = store();
    drop(store);
    let conn = foreign(folder.path());
    conn.execute_batch(
        "PRAGMA synchronous = OFF;
         BEGIN;
         INSERT INTO jobs (kind)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
         SELECT 'old' FROM n;
         UPDATE jobs SET status = 'cancelled', waits_for = NULL, finished_at = run_at WHERE kind = 'old';
         INSERT INTO jobs (kind)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
         SELECT 'work' FROM n;
         UPDATE jobs
         SET status = 'running', waits_for = NULL, worker_id = 'killed', epoch = 1, attempt = 1, started_at = 1,
             on_interrupt = 'retry'
         WHERE kind = 'work';
         COMMIT",
    )
    .unwrap();
    let begun = Instant::now();
    let store = open(folder.path());
    let (builder, mut gate) =
        gated(Engine::builder(store, Clock::system()), KindRules::new(kind("work")));
    let engine = builder.start().unwrap();
    in_time(gate.entered.recv()).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "ready after {:?}", begun.elapsed());
    engine.stop(NO_GRACE).await;
}
