//! What a process runs at once while the database refuses the ends of its jobs.

use crate::support::{foreign, now, open, until};
use lamplighter::Engine;
use lamplighter::clock::Clock;
use lamplighter::model::{Kind, KindRules, NewJob, Outcome, Queue, Status};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Jobs of the queue `default` that the process runs at once.
const SLOTS: u32 = 2;

#[tokio::test]
async fn a_job_whose_end_is_refused_keeps_its_slot_until_the_end_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let conn = foreign(folder.path());
    // Neither a constraint nor damage: an error that may pass, as a full disk is.
    conn.execute_batch(
        "CREATE TRIGGER no_end BEFORE UPDATE ON jobs WHEN NEW.kind = 'stuck' AND NEW.status = 'completed'
         BEGIN SELECT abs(-9223372036854775807 - 1); END",
    )
    .unwrap();
    let kind = |name: &str| Kind::parse(name).unwrap();
    let started = Arc::new(AtomicUsize::new(0));
    let starts = Arc::clone(&started);
    let beside =
        KindRules { queue: Queue::parse("beside").unwrap(), ..KindRules::new(kind("beside")) };
    let engine = Engine::builder(store.clone(), Clock::system())
        .slots(Queue::DEFAULT, SLOTS)
        .kind(KindRules::new(kind("stuck")), move |_| {
            starts.fetch_add(1, Ordering::Relaxed);
            async { Outcome::Done(true.into()) }
        })
        .kind(beside, |_| async { Outcome::Done(true.into()) })
        .start()
        .unwrap();
    let stuck = store.enqueue_all(vec![NewJob::new(kind("stuck")); 20], now()).await.unwrap();
    for _ in 0..20 {
        let id = store.enqueue(NewJob::new(kind("beside")), now()).await.unwrap().id();
        until(&store, id, |job| job.status == Status::Completed).await;
    }
    // A look that was under way when the first ends were refused may have filled their slots once more.
    let run = started.load(Ordering::Relaxed);
    assert!(run <= 2 * SLOTS as usize, "{run} jobs started in {SLOTS} slots");
    conn.execute_batch("DROP TRIGGER no_end").unwrap();
    for added in stuck {
        until(&store, added.id(), |job| job.status == Status::Completed).await;
    }
    engine.stop(Duration::ZERO).await;
}
