//! What an engine says of what it has done.

use crate::support::{START, store, until};
use lamplighter::clock::Clock;
use lamplighter::engine::{Context, Metrics};
use lamplighter::model::{Enqueued, JobError, Kind, KindRules, NewJob, Outcome, Status};
use lamplighter::{Engine, testing};
use std::time::Duration;

/// Fails for good, fails once, or is done, as its payload says.
async fn handle(context: Context) -> Outcome {
    let error = || JobError::from("no");
    match context.job.payload.as_str() {
        "\"never\"" => Outcome::Fatal(error()),
        "\"later\"" if context.job.attempt == 1 => Outcome::Failed(error()),
        _ => Outcome::Done(true.into()),
    }
}

async fn metrics(engine: &Engine, wanted: impl Fn(&Metrics) -> bool) -> Metrics {
    // A job's end is noted in the moment after it was saved.
    loop {
        let metrics = engine.metrics().await.unwrap();
        if wanted(&metrics) {
            return metrics;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_engine_counts_attempts_their_ends_and_how_long_they_waited() {
    let (_folder, store) = store();
    let clock = Clock::manual(START);
    let kind = Kind::named("work");
    let builder = Engine::builder(store.clone(), clock.clone());
    let engine = builder.kind(KindRules::new(kind.clone()), handle).start().unwrap();
    let job = |payload: &str| NewJob { payload: payload.into(), ..NewJob::new(kind.clone()) };
    let mut jobs = vec![job("good"), job("never"), job("later"), job("good")];
    jobs[3].run_at = Some(START.plus(Duration::from_hours(24)));
    let ids = store.enqueue_all(jobs, START).await.unwrap();
    let ids: Vec<_> = ids.into_iter().map(Enqueued::id).collect();
    until(&store, ids[2], |job| job.status == Status::Scheduled).await;
    testing::drain(&store, &clock).await.unwrap();
    let first = metrics(&engine, |seen| seen.kinds[&kind].running == 0).await;
    let work = &first.kinds[&kind];
    assert_eq!((work.started, work.completed, work.failed, work.retried), (3, 1, 1, 1));
    assert_eq!((work.waiting_seconds.count(), work.run_seconds.count()), (3, 3));
    assert!(first.polls > 0 && first.poll_seconds.count() == first.polls && first.commits > 0);
    let depth = &first.queues.iter().find(|depth| depth.queue.as_str() == "default").unwrap();
    assert_eq!((depth.scheduled, depth.queued, depth.running), (2, 0, 0));
    let retry = store.job(ids[2]).await.unwrap().unwrap();
    clock.advance(retry.run_at.since(START) + Duration::from_secs(20));
    until(&store, ids[2], |job| job.status == Status::Completed).await;
    let second = metrics(&engine, |seen| seen.kinds[&kind].completed == 2).await;
    let work = &second.kinds[&kind];
    assert_eq!((work.started, work.retried, work.cancelled), (4, 1, 0));
    let (bound, many) = work.waiting_seconds.buckets().nth(9).unwrap();
    assert_eq!((bound, many), (30.0, 4));
    assert!((work.waiting_seconds.sum() - 20.0).abs() < 0.001, "{}", work.waiting_seconds.sum());
    engine.stop(Duration::ZERO).await;
}
