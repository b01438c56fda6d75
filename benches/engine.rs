//! What jobs that wait for their kind's rate cost the others, and what a second process adds where handlers take their time.
//!
//! `cargo bench --bench engine`. How fast jobs are stored, started and ended is measured by `--bench speed`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stdout, missing_docs)]

use lamplighter::Engine;
use lamplighter::clock::Clock;
use lamplighter::model::{Kind, KindRules, NewJob, Outcome, Queue, Rate, Status};
use lamplighter::store::transactional::rusqlite::Connection;
use lamplighter::store::{OpenMode, Store};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::runtime::Builder;
use tokio::sync::mpsc;

/// Jobs that are drained; a multiple of a thousand.
const JOBS: usize = 32_000;
/// Jobs of the figure for several processes; a multiple of a thousand.
const SLOW_JOBS: u32 = 20_000;
/// Jobs that wait for their kind's rate; a multiple of a thousand.
const RATED: usize = 100_000;
/// The folder in which a child process works.
const CHILD: &str = "LAMPLIGHTER_BENCH_CHILD";

fn main() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return child(Path::new(&folder));
    }
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let drains = [0, RATED].map(|waiting| runtime.block_on(beside_rate(waiting)));
    println!("beside {RATED} that wait for a rate {:.2} x as fast", drains[1] / drains[0]);
    let rates = [1, 2].map(|processes| runtime.block_on(beside(processes)));
    println!("two processes do {:.2} x the work of one", rates[1] / rates[0]);
}

/// Jobs a second that start beside so many that wait for their kind's rate.
async fn beside_rate(waiting: usize) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lamplighter.db");
    let store = Store::open(&path, OpenMode::Migrate).unwrap();
    let clock = Clock::system();
    let (kind, rated) = (Kind::named("bench"), Kind::named("rated"));
    let (started, mut starts) = mpsc::unbounded_channel();
    let rate = Rate::per(Duration::from_hours(24), 1);
    let engine = Engine::builder(store.clone(), clock.clone()).queue(Queue::DEFAULT, 100);
    let engine = engine
        .kind(KindRules { rate: Some(rate), ..KindRules::new(rated.clone()) }, |_| async {
            Outcome::Done(true.into())
        })
        .kind(KindRules::new(kind.clone()), move |_| {
            started.send(()).unwrap();
            async { Outcome::Done(true.into()) }
        })
        .start()
        .unwrap();
    for _ in 0..waiting / 1_000 {
        store.enqueue_all(vec![NewJob::new(rated.clone()); 1_000], clock.now()).await.unwrap();
    }
    let conn = Connection::open(&path).unwrap();
    let new = "SELECT count(*) FROM jobs WHERE waits_for = 'admission' OR claim_order IS NOT NULL";
    while conn.query_row(new, [], |row| row.get::<_, i64>(0)).unwrap() > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let begun = Instant::now();
    for _ in 0..JOBS / 1_000 {
        store.enqueue_all(vec![NewJob::new(kind.clone()); 1_000], clock.now()).await.unwrap();
    }
    for _ in 0..JOBS {
        starts.recv().await.unwrap();
    }
    let took = begun.elapsed();
    line(&format!("beside {waiting} that wait for a rate"), JOBS, took);
    engine.stop(Duration::from_secs(30)).await;
    f64::from(JOBS as u32) / took.as_secs_f64()
}

/// Jobs a second that so many processes do, each with ten slots and a handler that takes 5 ms.
async fn beside(processes: usize) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("lamplighter.db"), OpenMode::Migrate).unwrap();
    let clock = Clock::system();
    let start = || {
        Command::new(std::env::current_exe().unwrap())
            .env(CHILD, folder.path())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let mut children: Vec<_> = (0..processes).map(|_| start()).collect();
    let watched = store.clone();
    let watching = tokio::spawn(async move { watched.watch_foreign_commits().await });
    let mut changes = store.changes();
    while store.workers().await.unwrap().len() < processes {
        changes.changed().await.unwrap();
    }
    let kind = Kind::parse("slow").unwrap();
    for _ in 0..SLOW_JOBS / 1_000 {
        store.enqueue_all(vec![NewJob::new(kind.clone()); 1_000], clock.now()).await.unwrap();
    }
    let done = async |store: &Store| {
        let counts = store.job_counts().await.unwrap();
        let counts = counts.iter().filter(|count| count.status == Status::Completed);
        u32::try_from(counts.map(|count| count.count).sum::<i64>()).unwrap()
    };
    // What was done while the jobs were stored does not count.
    let (begun, before) = (Instant::now(), done(&store).await);
    let mut ended = before;
    while ended < SLOW_JOBS {
        changes.changed().await.unwrap();
        ended = done(&store).await;
    }
    let rate = f64::from(ended - before) / begun.elapsed().as_secs_f64();
    println!("{processes} processes, 10 slots each, 5 ms a job: {rate:>8.0} jobs/s");
    for child in &mut children {
        drop(child.stdin.take());
        child.wait().unwrap();
    }
    watching.abort();
    rate
}

/// A process that runs the jobs of the kind `slow` until its standard input is closed.
fn child(folder: &Path) {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(&folder.join("lamplighter.db"), OpenMode::Migrate).unwrap();
        let rules = KindRules::new(Kind::parse("slow").unwrap());
        let engine = Engine::builder(store, Clock::system()).kind(rules, |context| async move {
            context.clock.sleep(Duration::from_millis(5)).await;
            Outcome::Done(true.into())
        });
        let engine = engine.start().unwrap();
        let closed = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        closed.await.unwrap().unwrap();
        engine.stop(Duration::from_secs(10)).await;
    });
}

fn line(what: &str, jobs: usize, took: Duration) {
    println!("{what:<32} {:>8} jobs/s", jobs as u128 * 1_000_000 / took.as_micros());
}
