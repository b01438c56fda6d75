//! A batch over kill -9: a process that settles its jobs is killed again and again, and one job follows the batch.
//!
//! `LAMPLIGHTER_WORKERS=long cargo test --test it batches -- --nocapture` kills ten times as often; the short form is a part
//! of every `cargo test`. The process is this test binary itself.

use crate::support::{STUCK, foreign, open};
use lamplighter::engine::Context;
use lamplighter::model::{Batch, BatchId, KindRules, Status};
use lamplighter::prelude::*;
use lamplighter::store::Store;
use lamplighter::{Code, jobs::Jobs};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use tokio::sync::watch;

/// Set in a child process: its folder.
const FOLDER: &str = "LAMPLIGHTER_TEST_BATCH";
const CHILD: &str =
    "batches::a_batch_whose_process_is_killed_again_and_again_is_followed_by_one_job";
/// Jobs that the program adds; each hundredth of them adds one more while it runs.
const JOBS: u64 = 10_000;
/// Jobs that are added after each of the first kills.
const LATER: u64 = 100;

#[derive(Serialize, Deserialize)]
struct Row(u64);

impl Payload for Row {
    const KIND: Kind = Kind::named("row");
    type Output = ();

    fn rules() -> KindRules {
        // A process that is lost so often is the test's doing, not the job's.
        KindRules { poison_after: 100_000, ..KindRules::new(Self::KIND) }
    }
}

#[derive(Serialize, Deserialize)]
struct Report;

impl Payload for Report {
    const KIND: Kind = Kind::named("report");
    type Output = u64;

    fn rules() -> KindRules {
        KindRules { poison_after: 100_000, ..KindRules::new(Self::KIND) }
    }
}

/// Adds one more job to the batch, once however often this one runs.
async fn row(jobs: Jobs, context: Context, number: u64) -> lamplighter::Result<()> {
    if number.is_multiple_of(100) {
        let batch = context.job.batch_id.expect("it is of a batch");
        let once = Some(format!("one more of {number}"));
        let more = NewJob { idempotency_key: once, ..NewJob::of(&Row(number + 1))? };
        jobs.add_to(batch, vec![more]).await?;
    }
    Ok(())
}

async fn report(jobs: Jobs, context: Context) -> lamplighter::Result<u64> {
    let batch = jobs.batch_before(context.job.id).await?.expect("it follows a batch");
    Ok(batch.completed)
}

/// The body of the child process, which works until its standard input is closed.
#[tokio::main]
async fn work(folder: &Path) {
    let (store, clock) = (open(folder), Clock::system());
    let jobs = Jobs::new(&store, &clock);
    let of_rows = jobs.clone();
    let engine = Engine::builder(store, clock)
        .on::<Row, _, _>(move |context, Row(number)| {
            let jobs = of_rows.clone();
            async move { Ok(row(jobs, context, number).await?) }
        })
        .on::<Report, _, _>(move |context, Report| {
            let jobs = jobs.clone();
            async move { Ok(report(jobs, context).await?) }
        })
        .start()
        .unwrap();
    let closed = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    closed.await.unwrap().unwrap();
    engine.stop(Duration::ZERO).await;
}

/// A process that works. Dropped, it is killed.
struct Process(Child);

impl Process {
    fn start(folder: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", CHILD, "--nocapture"]).env(FOLDER, folder);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already cannot be killed again.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The batch, seen from outside after each commit of the process.
struct Seen {
    store: Store,
    changes: watch::Receiver<u64>,
    id: BatchId,
}

impl Seen {
    async fn batch(&self) -> Batch {
        self.store.batch(self.id).await.unwrap().unwrap()
    }

    /// Waits until the batch is as it should be.
    async fn until(&mut self, wanted: impl Fn(&Batch) -> bool) -> Batch {
        let begun = Instant::now();
        loop {
            self.changes.borrow_and_update();
            let batch = self.batch().await;
            assert!(batch.completed + batch.open == batch.total, "{batch:?}");
            assert_eq!(batch.then_id.is_some(), batch.finished_at.is_some(), "{batch:?}");
            if wanted(&batch) {
                return batch;
            }
            assert!(begun.elapsed() < STUCK, "{batch:?}");
            self.changes.changed().await.unwrap();
        }
    }
}

fn rows(from: u64, how_many: u64) -> Vec<NewJob> {
    (from..from + how_many).map(|number| NewJob::of(&Row(number)).unwrap()).collect()
}

#[test]
fn a_batch_whose_process_is_killed_again_and_again_is_followed_by_one_job() {
    if let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) {
        return work(&folder);
    }
    kill_again_and_again();
}

#[tokio::main]
async fn kill_again_and_again() {
    let is_long = std::env::var("LAMPLIGHTER_WORKERS").is_ok_and(|form| form == "long");
    let (kills, at_the_end) = if is_long { (200, 60) } else { (9, 4) };
    let folder = tempfile::tempdir().unwrap();
    let (data, store) = (folder.path(), open(folder.path()));
    let (begun, jobs) = (Instant::now(), Jobs::new(&store, &Clock::system()));
    let heard = store.clone();
    let watching = tokio::spawn(async move { heard.watch_foreign_commits().await });
    let id = jobs.batch("rows").then(&Report).unwrap().open().await.unwrap();
    let late = (kills / 3).min(10) * LATER;
    jobs.add_to(id, rows(0, JOBS - late)).await.unwrap();
    let mut seen = Seen { changes: store.changes(), store, id };
    let (mut process, mut added, mut in_time) = (Process::start(data), JOBS - late, 0);
    for kill in 1..=kills {
        // The first kills are spread over the jobs; each of the last ones comes with the first end of a job that is seen.
        let spread = kills - at_the_end;
        let enough = if kill <= spread {
            JOBS * 98 / 100 * kill / spread
        } else {
            seen.batch().await.completed + 1
        };
        let batch = seen.until(|batch| batch.completed >= enough || batch.open == 0).await;
        drop(process);
        in_time += u64::from(batch.open > 0);
        if added < JOBS {
            jobs.add_to(id, rows(added, LATER)).await.unwrap();
            added += LATER;
            if added == JOBS {
                jobs.close(id).await.unwrap();
            }
        }
        process = Process::start(data);
    }
    let batch = seen.until(|batch| batch.finished_at.is_some()).await;
    println!("{batch:?}, {in_time} of {kills} kills while jobs were open, {:?}", begun.elapsed());
    assert!(in_time > kills - at_the_end, "{in_time} kills while jobs were open");
    assert_eq!((batch.total, batch.completed, batch.open), (JOBS + JOBS / 100, batch.total, 0));
    let then = batch.then_id.unwrap();
    let done = jobs.wait::<Report>(then, STUCK).await.unwrap();
    assert_eq!(done.done(), Some(batch.total), "it has the counts of the whole");
    drop(process);
    let process = Process::start(data);
    seen.until(|batch| batch.finished_at.is_some()).await;
    let reports = "SELECT count(*) FROM jobs WHERE kind = 'report'";
    let reports: i64 = foreign(data).query_row(reports, [], |row| row.get(0)).unwrap();
    assert_eq!(reports, 1);
    let after = jobs.get(then).await.unwrap().unwrap();
    assert_eq!((after.status, seen.batch().await), (Status::Completed, batch));
    let refused = jobs.add_to(id, rows(0, 1)).await.unwrap_err();
    assert_eq!(refused.code(), Code::BatchOver);
    drop(process);
    watching.abort();
}
