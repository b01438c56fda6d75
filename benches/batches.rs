//! What it costs to count jobs in a batch: time and memory of a million jobs in a batch, beside as many without one.
//!
//! `cargo bench --bench batches`; `LAMPLIGHTER_BENCH_JOBS=100000` makes fewer. Each figure is that of a process of its own on
//! a file of its own.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stdout, missing_docs)]

use lamplighter::model::MAX_BATCH;
use lamplighter::prelude::*;
use lamplighter::store::Store;
use std::process::Command;
use std::time::Instant;

/// Jobs that are added in one call.
const SLICE: usize = 5_000;
/// Set in a child process: how its jobs are made.
const CHILD: &str = "LAMPLIGHTER_BENCH_BATCH";

#[derive(Deserialize, Serialize)]
struct Row(usize);

impl Payload for Row {
    const KIND: Kind = Kind::named("row");
    type Output = bool;
}

#[derive(Deserialize, Serialize)]
struct Report;

impl Payload for Report {
    const KIND: Kind = Kind::named("report");
    type Output = bool;
}

fn main() {
    let how_many = std::env::var("LAMPLIGHTER_BENCH_JOBS").ok().and_then(|jobs| jobs.parse().ok());
    let how_many = how_many.unwrap_or(MAX_BATCH as usize);
    if let Ok(way) = std::env::var(CHILD) {
        return child(&way, how_many);
    }
    for way in ["without a batch", "in a batch", "in one draft", "cancelled"] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        assert!(command.env(CHILD, way).status().unwrap().success(), "{way}");
    }
}

#[tokio::main(worker_threads = 2)]
async fn child(way: &str, how_many: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lamplighter.db");
    let (store, clock) = (Store::open(&path, OpenMode::Migrate).unwrap(), Clock::system());
    let jobs = Jobs::new(&store, &clock);
    let begun = Instant::now();
    let batch = make(&jobs, way, how_many).await;
    let made = begun.elapsed();
    let begun = Instant::now();
    if let ("cancelled", Some(batch)) = (way, batch) {
        jobs.cancel_batch(batch).await.unwrap();
    } else {
        run(store, &jobs, batch, how_many).await;
    }
    let took = begun.elapsed();
    println!(
        "{how_many} jobs {way:<16} made in {made:>6.1?}, over after {took:>6.1?}, memory {:>4} MiB at most, file {:>4} MiB",
        peak_kib() / 1024,
        std::fs::metadata(&path).unwrap().len() >> 20,
    );
}

async fn make(jobs: &Jobs, way: &str, how_many: usize) -> Option<BatchId> {
    let row = |number| NewJob::of(&Row(number)).unwrap();
    let draft = jobs.batch("rows").then(&Report).unwrap();
    if way == "in one draft" {
        let draft = (0..how_many).fold(draft, |draft, number| draft.add_job(row(number)));
        return Some(draft.enqueue().await.unwrap());
    }
    let batch = if way == "without a batch" { None } else { Some(draft.open().await.unwrap()) };
    for first in (0..how_many).step_by(SLICE) {
        let slice = (first..how_many.min(first + SLICE)).map(row).collect();
        match batch {
            Some(batch) => jobs.add_to(batch, slice).await.unwrap(),
            None => drop(jobs.add_all(slice).await.unwrap()),
        }
    }
    if let Some(batch) = batch {
        jobs.close(batch).await.unwrap();
    }
    batch
}

/// Runs the jobs until all are over and, of a batch, what follows it.
async fn run(store: Store, jobs: &Jobs, batch: Option<BatchId>, how_many: usize) {
    let engine = Engine::builder(store.clone(), Clock::system())
        .queue(Queue::DEFAULT, 100)
        .on::<Row, _, _>(|_, Row(_)| async { Ok(true) })
        .on::<Report, _, _>(|_, Report| async { Ok(true) })
        .start()
        .unwrap();
    let mut changes = store.changes();
    loop {
        changes.changed().await.unwrap();
        let is_over = if let Some(batch) = batch {
            jobs.batch_state(batch).await.unwrap().finished_at.is_some()
        } else {
            let counts = store.job_counts().await.unwrap();
            let over = counts.iter().filter(|count| count.status.is_final());
            over.map(|count| count.count).sum::<i64>() == how_many as i64
        };
        if is_over {
            break;
        }
    }
    if let Some(batch) = batch {
        let then = jobs.batch_state(batch).await.unwrap().then_id.unwrap();
        jobs.wait::<Report>(then, Duration::from_secs(30)).await.unwrap();
    }
    engine.stop(Duration::from_secs(10)).await;
}

/// The most memory that this process had.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
