//! How fast the engine takes, starts and ends jobs, and whether that depends on how many there are already.
//!
//! `cargo bench --bench engine`; `LAMPLIGHTER_BENCH_FINAL=5000000` fills the file with so many final jobs first. Each
//! enqueue is acknowledged after its sync: the figures are the disk's as much as ours.
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
use tokio::task::JoinSet;

/// Callers that enqueue at the same time.
const CALLERS: usize = 64;
/// Jobs of each throughput figure; a multiple of the callers and of a thousand.
const JOBS: usize = 32_000;
/// Jobs of the latency figure, one after another.
const ONE_BY_ONE: usize = 2_000;
/// Jobs of the figure for several processes; a multiple of a thousand.
const SLOW_JOBS: u32 = 20_000;
/// Jobs that wait for their kind's rate; a multiple of a thousand.
const RATED: usize = 100_000;
/// The folder in which a child process works.
const CHILD: &str = "LAMPLIGHTER_BENCH_CHILD";
/// P15: a ready job starts within this.
const START: Duration = Duration::from_millis(250);

fn main() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return child(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lamplighter.db");
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let finals = std::env::var("LAMPLIGHTER_BENCH_FINAL").ok().and_then(|n| n.parse().ok());
    runtime.block_on(async {
        let store = Store::open(&path, OpenMode::Migrate).unwrap();
        if let Some(finals) = finals {
            fill(&path, finals);
        }
        run(&store).await;
    });
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

async fn run(store: &Store) {
    let clock = Clock::system();
    let kind = Kind::parse("bench").unwrap();
    rate("one caller, one by one", ONE_BY_ONE, async {
        for _ in 0..ONE_BY_ONE {
            store.enqueue(NewJob::new(kind.clone()), clock.now()).await.unwrap();
        }
    })
    .await;
    rate("64 callers at a time", JOBS, enqueue_at_once(store, &kind)).await;
    rate("1,000 in a call", JOBS, async {
        for _ in 0..JOBS / 1_000 {
            store.enqueue_all(vec![NewJob::new(kind.clone()); 1_000], clock.now()).await.unwrap();
        }
    })
    .await;
    let (started, mut starts) = mpsc::unbounded_channel();
    let rules = KindRules::new(kind.clone());
    let engine = Engine::builder(store.clone(), clock.clone()).queue(Queue::DEFAULT, 100);
    let engine = engine.kind(rules, move |_| {
        started.send(Instant::now()).unwrap();
        async { Outcome::Done(true.into()) }
    });
    let waiting = ONE_BY_ONE + 2 * JOBS;
    let begun = Instant::now();
    let engine = engine.start().unwrap();
    for _ in 0..waiting {
        starts.recv().await.unwrap();
    }
    line("run: jobs that wait, limit 100", waiting, begun.elapsed());
    let mut delays = Vec::with_capacity(ONE_BY_ONE);
    for _ in 0..ONE_BY_ONE {
        let asked = Instant::now();
        store.enqueue(NewJob::new(kind.clone()), clock.now()).await.unwrap();
        delays.push(starts.recv().await.unwrap().duration_since(asked));
    }
    delays.sort_unstable();
    let at = |part: usize| delays[delays.len() * part / 1_000];
    println!(
        "from enqueue to start:           p50 {:?}, p99 {:?}, max {:?}",
        at(500),
        at(990),
        at(999)
    );
    engine.stop(Duration::from_secs(30)).await;
    if at(990) > START {
        println!("MISSED: a ready job starts within {START:?} (p99)");
        std::process::exit(1);
    }
}

async fn enqueue_at_once(store: &Store, kind: &Kind) {
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (store, kind) = (store.clone(), kind.clone());
        callers.spawn(async move {
            for _ in 0..JOBS / CALLERS {
                store.enqueue(NewJob::new(kind.clone()), Clock::system().now()).await.unwrap();
            }
        });
    }
    callers.join_all().await;
}

async fn rate(what: &str, jobs: usize, work: impl Future<Output = ()>) {
    let begun = Instant::now();
    work.await;
    line(&format!("enqueue: {what}"), jobs, begun.elapsed());
}

fn line(what: &str, jobs: usize, took: Duration) {
    println!("{what:<32} {:>8} jobs/s", jobs as u128 * 1_000_000 / took.as_micros());
}

/// Final jobs as years of work leave them.
fn fill(path: &Path, jobs: u64) {
    let begun = Instant::now();
    let conn = Connection::open(path).unwrap();
    let insert = "
        INSERT INTO jobs (kind, payload, queue, priority, max_attempts)
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
        SELECT 'old', '{\"order\":' || i || '}', 'default', 0, 3 FROM n";
    let end = "
        UPDATE jobs
        SET status = 'cancelled', waits_for = NULL, finished_at = run_at
        WHERE kind = 'old' AND waits_for = 'admission'";
    for _ in 0..jobs.div_ceil(10_000) {
        conn.execute_batch(&format!("BEGIN IMMEDIATE; {insert}; {end}; COMMIT")).unwrap();
    }
    println!("{jobs} final jobs were made in {:.1?}", begun.elapsed());
}
