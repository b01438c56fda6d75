//! What waiting costs.

use super::Engine;
use crate::clock::Clock;
use crate::jobs::{Jobs, Waited};
use crate::model::{Enqueued, JobId, Kind, NewJob, Payload};
use crate::store::Store;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

#[derive(Serialize, Deserialize)]
struct Number(u64);

impl Payload for Number {
    const KIND: Kind = Kind::named("number");
    type Output = u64;
}

const WAITERS: u64 = 500;
const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn those_who_wait_read_their_jobs_when_they_begin_and_at_the_end_not_at_each_commit() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_scratch(&folder.path().join("jobs.db")).unwrap();
    let clock = Clock::system();
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let engine = Engine::builder(store.clone(), clock.clone())
        .on::<Number, _, _>(move |_, Number(n)| {
            let gate = Arc::clone(&closed);
            async move {
                drop(gate.acquire().await?);
                Ok(n)
            }
        })
        .start()
        .unwrap();
    let jobs = engine.jobs();
    let made = (0..WAITERS).map(|n| NewJob::of(&Number(n)).unwrap()).collect();
    let ids: Vec<JobId> = jobs.add_all(made).await.unwrap().into_iter().map(Enqueued::id).collect();
    let mut waiting = JoinSet::new();
    for id in ids {
        let jobs: Jobs = jobs.clone();
        waiting.spawn(async move { jobs.wait::<Number>(id, MINUTE).await.unwrap().done() });
    }
    // All of them wait; then each of hundreds of commits is nothing to them.
    let changes = store.changes();
    while store.reads_of_waiters() < WAITERS {
        tokio::task::yield_now().await;
    }
    for n in 0..300 {
        let later = NewJob::of(&Number(n)).unwrap().delay(MINUTE);
        jobs.add(later).await.unwrap();
    }
    assert!(changes.has_changed().unwrap(), "others heard of each");
    assert_eq!(store.reads_of_waiters(), WAITERS);

    gate.add_permits(1);
    let mut sum = 0;
    while let Some(done) = waiting.join_next().await {
        sum += done.unwrap().expect("it is done");
    }
    assert_eq!(sum, (0..WAITERS).sum::<u64>());
    assert_eq!(store.reads_of_waiters(), 2 * WAITERS);
    engine.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_wait_ends_with_its_time_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_scratch(&folder.path().join("jobs.db")).unwrap();
    let clock = Clock::manual(Clock::system().now());
    let jobs = Jobs::new(&store, &clock);
    let id = jobs.enqueue(&Number(1)).await.unwrap().id();
    let open = async { jobs.wait::<Number>(id, MINUTE).await.unwrap() };
    let advance = async { clock.advance(MINUTE) };
    let (open, ()) = tokio::join!(open, advance);
    assert!(matches!(open, Waited::Open(_)), "{open:?}");
    let nobody = store.waited_jobs();
    assert!(nobody.is_empty(), "{nobody:?}");
}
