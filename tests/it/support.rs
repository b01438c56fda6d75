//! What the tests share: folders, stores, a running server, a browser, a foreign shell.

pub mod chromium;
pub mod desk;
pub mod faces;
pub mod followed;
pub mod github;
pub mod messages_api;
pub mod mounted;
pub mod office;
pub mod openapi;
pub mod planted;
pub mod recorder;
pub mod server;
pub mod site;

use lamplighter::actions::Call;
use lamplighter::actions::scans::{self, ScanRun};
use lamplighter::clock::Clock;
use lamplighter::model::{
    Epoch, FiguresOf, Job, JobId, KindRules, PollRequest, Process, Queue, Registration, Timestamp,
    WorkerId,
};
use lamplighter::store::{OpenMode, Store};
use std::future::Future;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// How long anything may take before a test calls it stuck; far beyond what it takes.
pub const STUCK: Duration = Duration::from_mins(1);

/// The instant at which manual clocks start.
pub const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A new store in a folder of its own.
pub fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    (folder, store)
}

/// The store of a folder.
pub fn open(folder: &Path) -> Store {
    Store::open(&folder.join("lamplighter.db"), OpenMode::Migrate).unwrap()
}

/// A connection of a program that is not ours.
pub fn foreign(folder: &Path) -> rusqlite::Connection {
    let conn = rusqlite::Connection::open(folder.join("lamplighter.db")).unwrap();
    conn.busy_timeout(STUCK).unwrap();
    conn
}

/// Waits for something that must come; a test that waits in vain fails instead of hanging.
pub async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(STUCK, what).await.expect("this should have happened long ago")
}

/// Waits until a job is as it should be; wakes with every change of the store.
pub async fn until(store: &Store, id: JobId, wanted: impl Fn(&Job) -> bool) -> Job {
    let mut changes = store.changes();
    in_time(async {
        loop {
            changes.borrow_and_update();
            match store.job(id).await.unwrap() {
                Some(job) if wanted(&job) => return job,
                Some(_) | None => {}
            }
            changes.changed().await.unwrap();
        }
    })
    .await
}

/// Jobs that completed, failed and were cancelled, by the figures of all time.
pub async fn ends_in_figures(store: &Store) -> [u64; 3] {
    let always = (Timestamp::from_millis(0), Timestamp::from_millis(i64::MAX).hour());
    let rows = store.job_figures(FiguresOf::default(), always).await.unwrap();
    rows.iter().fold([0; 3], |sum, row| {
        let figures = &row.figures;
        let ends = [figures.completed, figures.failed, figures.cancelled];
        [0, 1, 2].map(|at| sum[at] + ends[at])
    })
}

/// Whether every job that is over is in the figures, in its minute and in its hour, and nothing else is: where none was removed.
pub fn has_exact_figures(conn: &rusqlite::Connection) -> rusqlite::Result<bool> {
    has_figures_of(conn, 0)
}

/// The same where so many cancelled jobs were deleted, which stay in the figures.
pub fn has_figures_of(conn: &rusqlite::Connection, deleted: i64) -> rusqlite::Result<bool> {
    const SQL: &str = "
        SELECT coalesce(sum(completed), 0) = (SELECT count(*) FROM jobs WHERE status = 'completed')
            AND coalesce(sum(failed), 0) = (SELECT count(*) FROM jobs WHERE status = 'failed')
            AND coalesce(sum(cancelled), 0) = (SELECT count(*) FROM jobs WHERE status = 'cancelled') + ?2
        FROM job_stats
        WHERE minutes = ?1";
    let is_exact =
        |minutes: i64| conn.query_row(SQL, [minutes, deleted], |row| row.get::<_, bool>(0));
    Ok(is_exact(1)? && is_exact(60)?)
}

/// Waits until the count that a query answers is 0.
pub async fn until_none(store: &Store, conn: &rusqlite::Connection, sql: &str) {
    let (begun, mut changes) = (std::time::Instant::now(), store.changes());
    loop {
        changes.borrow_and_update();
        if conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap() == 0 {
            return;
        }
        assert!(begun.elapsed() < STUCK * 2, "not none after {:?}: {sql}", begun.elapsed());
        in_time(changes.changed()).await.unwrap();
    }
}

/// Counts the jobs that are not over.
pub const OPEN_JOBS: &str = "SELECT count(*) FROM jobs WHERE finished_at IS NULL";

/// A worker that a test plays.
#[derive(Clone)]
pub struct Played {
    pub worker: WorkerId,
    pub kinds: Vec<KindRules>,
    pub leads: Option<Epoch>,
}

impl Played {
    /// Registers a worker for these kinds, with its program's limits.
    pub async fn registered(
        store: &Store,
        name: &str,
        kinds: Vec<KindRules>,
        limits: Vec<(Queue, u32)>,
        now: Timestamp,
    ) -> Self {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        // A name is a new one at every start.
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let worker = WorkerId::parse(format!("{name}-{number}")).unwrap();
        let registration = Registration {
            worker: worker.clone(),
            process: Process { pid: 1, start: None },
            is_server: false,
            kinds: kinds.clone().into(),
            limits,
            slots: 10,
            replaces: None,
        };
        store.register(registration, now).await.unwrap();
        Self { worker, kinds, leads: None }
    }

    /// The same, leading; every worker before it is lost.
    pub async fn leading(
        store: &Store,
        name: &str,
        kinds: Vec<KindRules>,
        limits: Vec<(Queue, u32)>,
        now: Timestamp,
    ) -> Self {
        let played = Self::registered(store, name, kinds, limits, now).await;
        let seen = store.leader().await.unwrap().epoch;
        let epoch = store.lead(played.worker.clone(), seen, None, now).await.unwrap();
        let others = store.workers().await.unwrap().into_iter();
        let others = others.filter(|other| other.id != played.worker && other.lost_at.is_none());
        let others = others.map(|other| (other.id, other.beat)).collect();
        store.bury((played.worker.clone(), epoch.unwrap()), others, now).await.unwrap();
        Self { leads: epoch, ..played }
    }

    /// What it asks for at a look, while these jobs run in it.
    pub fn request(&self, running: Vec<JobId>) -> PollRequest {
        PollRequest {
            worker: self.worker.clone(),
            kinds: self.kinds.clone().into(),
            lanes: Vec::new(),
            running,
            draining: false,
            leads: self.leads,
            swept: Vec::new(),
            abandoned: Vec::new(),
        }
    }
}

/// Asks for a scan as the command line does.
pub async fn run_now(store: &Store) -> JobId {
    let asked = scans::run_now(store, &Call::by_owner(now()), ScanRun::default()).await.unwrap();
    JobId(asked.value.scan_id.parse().unwrap())
}

/// The current time of the machine.
pub fn now() -> Timestamp {
    Clock::system().now()
}

/// Says that a test, or a part of one, is skipped, and why. Where `LAMPLIGHTER_NO_SKIP` is set, as in CI, that is a failure.
pub fn skipped(why: &str) {
    assert!(std::env::var_os("LAMPLIGHTER_NO_SKIP").is_none(), "{why}");
    say_loudly(&format!("SKIPPED {}: {why}", thread::current().name().unwrap_or("a test")));
}

/// Writes a line to standard error. The test harness hides what a test that passes prints by `eprintln!`, but not this.
pub fn say_loudly(line: &str) {
    io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// Runs SQL in the machine's own `sqlite3` shell; `Err` holds what it complained about. `None` if the machine has no
/// such shell; the test is then skipped.
pub fn shell(folder: &Path, sql: &str) -> Option<Result<String, String>> {
    let db = folder.join("lamplighter.db");
    let Ok(output) =
        Command::new("sqlite3").arg("-cmd").arg(".timeout 10000").arg(db).arg(sql).output()
    else {
        skipped("it needs the sqlite3 shell (Debian: apt-get install sqlite3)");
        return None;
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
    Some(if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) })
}
