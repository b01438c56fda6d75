//! A hostile neighbour: other programs that hold SQLite's locks and snapshots while a real engine works.
//!
//! The sleeps here are load, in the neighbours' own threads and in the pace of the callers; no test waits by them.
//! `LAMPLIGHTER_NEIGHBOUR_SECONDS` makes the whole thing last longer than its 20 s.

use crate::support::{STUCK, foreign, in_time, now, store, until};
use lamplighter::Engine;
use lamplighter::clock::Clock;
use lamplighter::model::{JobId, Kind, KindRules, NewJob, Outcome, Queue, Status};
use lamplighter::store::Store;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// The log is back under this within [`BACK_WITHIN`] after a reader's end, and never over it without one.
const SMALL: u64 = 64_000_000;
const BACK_WITHIN: Duration = Duration::from_secs(5);
/// The longest that a neighbour holds the write lock here.
const LONG_HOLD: Duration = Duration::from_secs(5);
const CALLERS: usize = 6;
/// Bytes of the log that a long reader holds back at least, before its end says anything.
const HELD_BACK: u64 = 32_000_000;

fn kind() -> Kind {
    Kind::parse("work").unwrap()
}

fn big_job(bytes: usize) -> NewJob {
    NewJob { payload: "x".repeat(bytes).into(), ..NewJob::new(kind()) }
}

fn wal_size(folder: &Path) -> u64 {
    folder.join("lamplighter.db-wal").metadata().map_or(0, |data| data.len())
}

/// Threads that do something again and again until they are told to stop.
struct Neighbours {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Neighbours {
    fn new() -> Self {
        Self { stop: Arc::default(), threads: Vec::new() }
    }

    fn add(&mut self, mut again: impl FnMut() + Send + 'static) {
        let stop = Arc::clone(&self.stop);
        self.threads.push(spawn(move || {
            while !stop.load(Ordering::SeqCst) {
                again();
            }
        }));
    }

    /// Looks at the log's size all the time; answers the largest.
    fn add_watch(&mut self, folder: &Path) -> Arc<AtomicU64> {
        let largest = Arc::new(AtomicU64::new(0));
        let (theirs, folder) = (Arc::clone(&largest), folder.to_owned());
        self.add(move || {
            theirs.fetch_max(wal_size(&folder), Ordering::SeqCst);
            sleep(Duration::from_millis(2));
        });
        largest
    }

    /// Holds the write lock, first for long, then for 0.1 to 3 s each time, and lets go for a moment.
    fn add_lock_holder(&mut self, folder: &Path) {
        let conn = foreign(folder);
        let mut hold = LONG_HOLD;
        let mut chance: u64 = 7;
        self.add(move || {
            conn.execute_batch("BEGIN IMMEDIATE").unwrap();
            sleep(hold);
            conn.execute_batch("COMMIT").unwrap();
            sleep(Duration::from_millis(300));
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            hold = Duration::from_millis(100 + (chance >> 33) % 2_900);
        });
    }

    /// Empties the log all the time, and holds the write lock while it waits for readers.
    fn add_truncater(&mut self, folder: &Path) {
        let conn = foreign(folder);
        conn.busy_timeout(Duration::from_millis(200)).unwrap();
        self.add(move || {
            conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
            sleep(Duration::from_millis(200));
        });
    }

    fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        for thread in self.threads {
            thread.join().unwrap();
        }
    }
}

/// What a caller went through: the jobs that were acknowledged and the longest wait for one.
async fn call(store: Store, stop: Arc<AtomicBool>) -> (Vec<JobId>, Duration) {
    let (mut acknowledged, mut longest) = (Vec::new(), Duration::ZERO);
    let mut pace = tokio::time::interval(Duration::from_millis(10));
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !stop.load(Ordering::SeqCst) {
        pace.tick().await;
        let asked = Instant::now();
        let answer = store.enqueue(big_job(100_000), now()).await;
        longest = longest.max(asked.elapsed());
        let id = answer.unwrap_or_else(|error| panic!("a caller heard {error}")).id();
        store.job(id).await.unwrap_or_else(|error| panic!("a reader heard {error}"));
        acknowledged.push(id);
    }
    (acknowledged, longest)
}

/// An idle read transaction until it is `over`; answers the log's size at its end, and how long it then took to be small.
fn hold_a_snapshot(folder: &Path, over: impl Fn(Duration) -> bool) -> (u64, Duration) {
    let conn = foreign(folder);
    conn.execute_batch("BEGIN; SELECT count(*) FROM jobs").unwrap();
    let begun = Instant::now();
    while !over(begun.elapsed()) {
        sleep(Duration::from_millis(1));
    }
    let size = wal_size(folder);
    conn.execute_batch("COMMIT").unwrap();
    let ended = Instant::now();
    while wal_size(folder) >= SMALL && ended.elapsed() < BACK_WITHIN * 2 {
        sleep(Duration::from_millis(1));
    }
    (size, ended.elapsed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p26_a_hostile_neighbour_makes_callers_wait_and_nothing_else() {
    let seconds = std::env::var("LAMPLIGHTER_NEIGHBOUR_SECONDS");
    let seconds = seconds.map_or(20, |text| text.parse().unwrap()).max(10);
    let begun = Instant::now();
    let (folder, store) = store();
    let engine = Engine::builder(store.clone(), Clock::system())
        .queue(Queue::DEFAULT, 50)
        .kind(KindRules::new(kind()), |_| async { Outcome::Done(true.into()) })
        .start()
        .unwrap();
    let mut neighbours = Neighbours::new();
    let largest = neighbours.add_watch(folder.path());
    neighbours.add_lock_holder(folder.path());
    neighbours.add_truncater(folder.path());
    let path = folder.path().to_owned();
    // On a busy machine it takes longer until there is something to hold back.
    let reader = spawn(move || {
        let half = Duration::from_secs(seconds / 2);
        let is_large = || wal_size(&path) > HELD_BACK;
        hold_a_snapshot(&path, |held| held >= half && is_large() || held > STUCK)
    });
    let mut callers = JoinSet::new();
    let stop = Arc::new(AtomicBool::new(false));
    for _ in 0..CALLERS {
        callers.spawn(call(store.clone(), Arc::clone(&stop)));
    }
    // The last few seconds are for what was acknowledged and still waits.
    tokio::time::sleep(Duration::from_secs(seconds - 3)).await;
    let reader = tokio::task::spawn_blocking(move || reader.join().unwrap());
    let (behind_reader, back) = reader.await.unwrap();
    stop.store(true, Ordering::SeqCst);
    let (mut acknowledged, mut longest) = (Vec::new(), Duration::ZERO);
    for (ids, wait) in callers.join_all().await {
        acknowledged.extend(ids);
        longest = longest.max(wait);
    }
    neighbours.stop();
    for id in &acknowledged {
        let job = until(&store, *id, |job| job.status.is_final()).await;
        assert_eq!((job.status, job.attempt), (Status::Completed, 1), "job {}", id.0);
    }
    let rows: i64 =
        foreign(folder.path()).query_row("SELECT count(*) FROM jobs", [], |r| r.get(0)).unwrap();
    println!(
        "{} jobs; longest wait {longest:?}; log {} MB behind the reader, {} MB at most, small {back:?} after it; {:?} in all",
        acknowledged.len(),
        behind_reader / 1_000_000,
        largest.load(Ordering::SeqCst) / 1_000_000,
        begun.elapsed(),
    );
    assert_eq!(rows, acknowledged.len() as i64, "what waited is done once");
    assert!(longest >= Duration::from_secs(1), "the neighbour held nobody up");
    assert!(behind_reader > HELD_BACK, "the reader held back only {behind_reader} bytes");
    assert!(back < BACK_WITHIN, "the log is large for {back:?} after the reader's end");
    engine.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p26_after_a_readers_end_the_log_is_small_again_while_writes_go_on() {
    let (folder, store) = store();
    let path = folder.path().to_owned();
    let held_back =
        move || hold_a_snapshot(&path, |held| wal_size(&path) > SMALL * 2 || held > STUCK);
    let reader = tokio::task::spawn_blocking(held_back);
    let stop = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        callers.spawn(call(store.clone(), Arc::clone(&stop)));
    }
    let (behind_reader, back) = reader.await.unwrap();
    stop.store(true, Ordering::SeqCst);
    let longest = in_time(callers.join_all()).await.into_iter().map(|(_, wait)| wait).max();
    println!(
        "log {behind_reader} bytes behind the reader, small {back:?} after it; longest wait {longest:?}"
    );
    assert!(behind_reader > SMALL, "the reader held back only {behind_reader} bytes");
    assert!(back < BACK_WITHIN, "the log is large for {back:?} after the reader's end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p26_without_a_foreign_reader_a_busy_writer_keeps_the_log_small() {
    let (folder, store) = store();
    let mut neighbours = Neighbours::new();
    let largest = neighbours.add_watch(folder.path());
    let mut callers = JoinSet::new();
    let begun = Instant::now();
    // So many at once that a batch of them would be larger than the log may become.
    for _ in 0..400 {
        let store = store.clone();
        callers.spawn(async move {
            for _ in 0..4 {
                let id = store.enqueue(big_job(200_000), now()).await.unwrap().id();
                store.job(id).await.unwrap().unwrap();
            }
        });
    }
    in_time(callers.join_all()).await;
    neighbours.stop();
    let largest = largest.load(Ordering::SeqCst);
    println!("320 MB in {:?}; log {} MB at most", begun.elapsed(), largest / 1_000_000);
    assert!(largest < SMALL, "{largest} bytes");
}
