//! The same works by Lamplighter's library, as an application would do them.

use super::filled::{OVER, put};
use super::{CALLERS, Figure, PAYLOAD, delays, peak_memory, rate};
use lamplighter::clock::Clock;
use lamplighter::engine::{self, Engine};
use lamplighter::model::{Actor, Kind, KindRules, NewJob, Outcome, Queue};
use lamplighter::store::transactional::rusqlite::{Connection, params};
use lamplighter::store::{OpenMode, Store};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

const KIND: Kind = Kind::named("email");
/// Jobs that are enqueued before anything is measured: more than the log takes before it is begun anew.
const WARM: usize = 120_000;
/// Jobs that start before the delays are measured.
const FIRST: usize = 400;
/// Jobs that run at once in the drain.
const SLOTS: u32 = 512;
/// Jobs that one call stores at most.
const BULK: usize = 10_000;
/// P15: a ready job starts within this.
const START: Duration = Duration::from_millis(250);
/// Set in a further process of a drain: the folder of the file.
const HELPER: &str = "LAMPLIGHTER_BENCH_SPEED_HELPER";

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn open(folder: &Path) -> Store {
    Store::open(&folder.join("lamplighter.db"), OpenMode::Migrate).unwrap()
}

fn job() -> NewJob {
    NewJob { payload: serde_json::from_str(PAYLOAD).unwrap(), ..NewJob::new(KIND) }
}

async fn enqueue_many(store: &Store, how_many: usize) {
    for first in (0..how_many).step_by(BULK) {
        let jobs = vec![job(); BULK.min(how_many - first)];
        store.enqueue_all(jobs, Clock::system().now()).await.unwrap();
    }
}

fn engine(store: &Store) -> engine::Builder {
    Engine::builder(store.clone(), Clock::system()).queue(Queue::DEFAULT, SLOTS)
}

/// A file whose log has been begun anew: commits overwrite it from then on, as in a process that has run for a while.
async fn warm(store: &Store) {
    for _ in 0..WARM / 1_000 {
        enqueue_many(store, 1_000).await;
    }
}

pub(super) fn enqueue_alone(folder: &TempDir, how_many: usize) -> Vec<Figure> {
    runtime().block_on(async {
        let store = open(folder.path());
        warm(&store).await;
        let begun = Instant::now();
        for _ in 0..how_many {
            store.enqueue(job(), Clock::system().now()).await.unwrap();
        }
        rate(how_many, begun.elapsed())
    })
}

pub(super) fn enqueue_at_once(folder: &TempDir, how_many: usize) -> Vec<Figure> {
    runtime().block_on(async {
        let store = open(folder.path());
        warm(&store).await;
        let begun = Instant::now();
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let store = store.clone();
            callers.spawn(async move {
                for _ in 0..how_many / CALLERS {
                    store.enqueue(job(), Clock::system().now()).await.unwrap();
                }
            });
        }
        callers.join_all().await;
        rate(how_many, begun.elapsed())
    })
}

pub(super) fn enqueue_bulk(folder: &TempDir, how_many: usize) -> Vec<Figure> {
    runtime().block_on(async {
        let store = open(folder.path());
        let begun = Instant::now();
        enqueue_many(&store, how_many).await;
        rate(how_many, begun.elapsed())
    })
}

/// What else a file holds while its jobs are drained.
#[derive(Clone, Copy)]
pub(super) enum Beside {
    /// Jobs that are over.
    Final(usize),
    /// Jobs of the best priority that are to start much later.
    Scheduled(usize),
    /// Jobs that wait for one concurrency key.
    Blocked(usize),
}

/// Claims, runs and completes jobs beside others.
pub(super) fn drain_beside(folder: &TempDir, beside: Beside) -> Vec<Figure> {
    drop(open(folder.path()));
    let (how_many, state) = match beside {
        Beside::Final(jobs) => (jobs, OVER),
        Beside::Scheduled(jobs) => (
            jobs,
            "status = 'scheduled', waits_for = NULL, run_at = run_at + 1000000000, priority = -100",
        ),
        Beside::Blocked(jobs) => (jobs, "waits_for = 'key', concurrency_key = 'one'"),
    };
    put(&folder.path().join("lamplighter.db"), how_many, ("'other'", "'default'"), state);
    drain(folder, 100_000, 1)
}

/// Claims, runs and completes what waits in so many queues.
pub(super) fn drain_queues(folder: &TempDir, how_many: usize, queues: usize) -> Vec<Figure> {
    runtime().block_on(async {
        let store = open(folder.path());
        let queue = |n: usize| Queue::parse(format!("queue_{}", n % queues)).ok();
        let team = Team::at_work(&store, folder.path(), 1).await;
        store.stop_all(String::new(), Actor::cli(), Clock::system().now()).await.unwrap();
        for first in (0..how_many).step_by(BULK) {
            let jobs = (first..first + BULK).map(|n| NewJob { queue: queue(n), ..job() });
            store.enqueue_all(jobs.collect(), Clock::system().now()).await.unwrap();
        }
        team.drain(&store, how_many).await
    })
}

/// Enqueues so many jobs while so many processes that have their kind hold all queues, and has the processes drain them.
pub(super) fn drain(folder: &TempDir, how_many: usize, processes: usize) -> Vec<Figure> {
    runtime().block_on(async {
        let store = open(folder.path());
        let team = Team::at_work(&store, folder.path(), processes).await;
        store.stop_all(String::new(), Actor::cli(), Clock::system().now()).await.unwrap();
        enqueue_many(&store, how_many).await;
        let figures = team.drain(&store, how_many).await;
        with_size(folder, how_many, figures)
    })
}

/// Enqueues so many jobs of a kind that no process has, and drains them: each is admitted first.
pub(super) fn drain_unknown(folder: &TempDir, how_many: usize) -> Vec<Figure> {
    runtime().block_on(async {
        let store = open(folder.path());
        enqueue_many(&store, how_many).await;
        store.stop_all(String::new(), Actor::cli(), Clock::system().now()).await.unwrap();
        let team = Team::at_work(&store, folder.path(), 1).await;
        team.drain(&store, how_many).await
    })
}

/// By how much the file has grown for each job.
fn with_size(folder: &TempDir, how_many: usize, mut figures: Vec<Figure>) -> Vec<Figure> {
    let empty = tempfile::tempdir().unwrap();
    drop(open(empty.path()));
    let bytes = [folder, &empty].map(|folder| {
        let conn = Connection::open(folder.path().join("lamplighter.db")).unwrap();
        let size = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        conn.query_row(size, [], |row| row.get::<_, u32>(0)).unwrap()
    });
    let grown = f64::from(bytes[0]) - f64::from(bytes[1]);
    figures.push(Figure { name: "file", value: grown / f64::from(how_many as u32) });
    figures
}

/// The processes of a drain: this one and further ones.
struct Team {
    engine: Engine,
    helpers: Vec<Child>,
}

impl Team {
    /// They are at work once this one leads.
    async fn at_work(store: &Store, folder: &Path, processes: usize) -> Self {
        let program = std::env::current_exe().unwrap();
        let helper = |_| {
            let mut command = Command::new(&program);
            let command = command.env_remove(super::CHILD).env(HELPER, folder);
            command.stdin(Stdio::piped()).spawn().unwrap()
        };
        let engine = engine(store)
            .kind(KindRules::new(KIND), |_| async { Outcome::Done(true.into()) })
            .start()
            .unwrap();
        engine.leading().wait_for(|leads| *leads).await.unwrap();
        let helpers: Vec<_> = (1..processes).map(helper).collect();
        while store.workers().await.unwrap().len() < processes {
            sleep(Duration::from_millis(5)).await;
        }
        Self { engine, helpers }
    }

    /// Lets the queues go on and measures until so many jobs are over.
    async fn drain(mut self, store: &Store, how_many: usize) -> Vec<Figure> {
        let begun = Instant::now();
        store.resume_all(Actor::cli(), Clock::system().now()).await.unwrap();
        let mut changes = store.changes();
        let watched = store.clone();
        let watching = tokio::spawn(async move { watched.watch_foreign_commits().await });
        while done(store).await < how_many as i64 {
            changes.changed().await.unwrap();
        }
        let took = begun.elapsed();
        watching.abort();
        self.engine.stop(Duration::from_secs(30)).await;
        for helper in &mut self.helpers {
            drop(helper.stdin.take());
            helper.wait().unwrap();
        }
        let mut figures = rate(how_many, took);
        figures.push(peak_memory());
        figures
    }
}

async fn done(store: &Store) -> i64 {
    let counts = store.job_counts().await.unwrap();
    counts.iter().filter(|count| count.status.is_final()).map(|count| count.count).sum()
}

pub(super) fn is_child() -> bool {
    std::env::var_os(HELPER).is_some()
}

/// A further process of a drain: it works until its standard input is closed.
pub(super) fn child() {
    let folder = std::env::var_os(HELPER).unwrap();
    runtime().block_on(async {
        let store = open(Path::new(&folder));
        let engine = engine(&store)
            .kind(KindRules::new(KIND), |_| async { Outcome::Done(true.into()) })
            .start()
            .unwrap();
        let end = || std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        tokio::task::spawn_blocking(end).await.unwrap().unwrap();
        engine.stop(Duration::from_secs(30)).await;
    });
}

pub(super) fn delay(folder: &TempDir, how_many: usize) -> Vec<Figure> {
    let enqueue = async |store: &Store, _: &Connection| {
        store.enqueue(job(), Clock::system().now()).await.unwrap();
    };
    starts_after(folder, how_many, &enqueue)
}

/// Another program's plain INSERT, without a word to us.
pub(super) fn foreign_delay(folder: &TempDir, how_many: usize) -> Vec<Figure> {
    const SQL: &str = "INSERT INTO jobs (kind, payload) VALUES (?1, ?2)";
    let insert = async |_: &Store, conn: &Connection| {
        let mut statement = conn.prepare_cached(SQL).unwrap();
        assert_eq!(statement.execute(params![KIND.as_str(), PAYLOAD]).unwrap(), 1);
    };
    starts_after(folder, how_many, &insert)
}

/// The delays from before an enqueue to the start of its job, on an engine that is idle.
fn starts_after(
    folder: &TempDir,
    how_many: usize,
    enqueue: &impl AsyncFn(&Store, &Connection),
) -> Vec<Figure> {
    runtime().block_on(async {
        let store = open(folder.path());
        let (start, mut starts) = mpsc::unbounded_channel();
        let engine = engine(&store)
            .kind(KindRules::new(KIND), move |_| {
                start.send(Instant::now()).unwrap();
                async { Outcome::Done(true.into()) }
            })
            .start()
            .unwrap();
        let conn = Connection::open(folder.path().join("lamplighter.db")).unwrap();
        conn.execute_batch("PRAGMA synchronous = FULL; PRAGMA busy_timeout = 10000").unwrap();
        let mut seen = Vec::with_capacity(how_many);
        for n in 0..how_many + FIRST {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let asked = Instant::now();
            enqueue(&store, &conn).await;
            let delay = starts.recv().await.unwrap().duration_since(asked);
            if n >= FIRST {
                seen.push(delay);
            }
        }
        engine.stop(Duration::from_secs(30)).await;
        seen.sort_unstable();
        let p99 = seen[(seen.len() - 1) * 99 / 100];
        assert!(p99 <= START, "P15: a ready job starts within {START:?}, not {p99:?} (p99)");
        delays(seen)
    })
}
