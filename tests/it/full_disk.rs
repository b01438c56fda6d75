//! A disk that is really full: an engine works on a file system of a few megabytes until there is no byte left.
//!
//! Each write is refused by its code, reads are answered, and once there is room the same store writes again and the engine ends
//! its jobs, with nobody doing anything. Every acknowledged job is there; none that was refused is.

use crate::support::mounted::Mounted;
use crate::support::{STUCK, in_time, now, open, skipped, until};
use lamplighter::clock::Clock;
use lamplighter::engine::Context;
use lamplighter::model::{Filter, JobId, Kind, KindRules, NewJob, Outcome, Queue};
use lamplighter::store::Store;
use lamplighter::{Code, Engine};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Set in the process that may mount because it is in a name space of its own.
const INSIDE: &str = "LAMPLIGHTER_FULL_DISK_INSIDE";
const TEST: &str =
    "full_disk::p2_a_full_disk_refuses_writes_by_code_answers_reads_and_heals_by_itself";
/// The whole disk, and what a file of somebody else takes of it at first.
const ROOM: &str = "size=5m";
const OTHERS: usize = 1 << 20;
/// Bytes of a job.
const PAYLOAD: usize = 6_000;
/// So many calls that are refused one after the other show that SQLite gives back no more.
const REFUSALS: usize = 20;
/// How long a store that may write again may take to do so.
const HEALED: Duration = Duration::from_secs(30);

/// Uses up every byte that is left.
fn fill(filler: &Path) {
    let mut file = OpenOptions::new().append(true).create(true).open(filler).unwrap();
    for piece in [4096, 1] {
        let full = loop {
            if let Err(error) = file.write_all(&vec![1; piece]) {
                break error;
            }
        };
        assert_eq!(full.kind(), ErrorKind::StorageFull);
    }
}

fn job(number: usize, payload: usize) -> NewJob {
    NewJob {
        payload: json!({"number": number, "filler": "x".repeat(payload)}).into(),
        ..NewJob::new(Kind::named("plain"))
    }
}

async fn run(context: Context) -> Outcome {
    let payload: serde_json::Value = context.payload().unwrap();
    Outcome::Done(payload["number"].clone())
}

/// What became of the jobs, by the numbers in them.
#[derive(Default)]
struct Asked {
    stored: BTreeMap<usize, JobId>,
    refused: BTreeSet<usize>,
    unknown: BTreeSet<usize>,
}

impl Asked {
    fn next(&self) -> usize {
        self.stored.len() + self.refused.len() + self.unknown.len()
    }

    /// Asks for one more job; whether it was stored. A commit that fails is of unknown outcome; all else says that the disk is full.
    async fn ask(&mut self, store: &Store, payload: usize) -> bool {
        let number = self.next();
        match store.enqueue(job(number, payload), now()).await {
            Ok(made) => {
                self.stored.insert(number, made.id());
                return true;
            }
            Err(error) if error.code() == Code::StoreOutcomeUnknown => self.unknown.insert(number),
            Err(error) => {
                assert_eq!(error.code(), Code::StoreFull, "{error}");
                self.refused.insert(number)
            }
        };
        false
    }
}

/// Whether everything that was acknowledged is there and nothing that was refused.
async fn holds(store: &Store, asked: &Asked) {
    let mut found = BTreeMap::new();
    for id in 1..=asked.next() as i64 {
        if let Some(job) = store.job(JobId(id)).await.unwrap() {
            let payload: serde_json::Value = serde_json::from_str(&job.payload).unwrap();
            found.insert(payload["number"].as_u64().unwrap() as usize, job.id);
        }
    }
    for (number, id) in &asked.stored {
        assert_eq!(found.get(number), Some(id), "job {id} was acknowledged");
    }
    assert!(
        asked.refused.iter().all(|number| !found.contains_key(number)),
        "a refused job is there"
    );
    assert!(store.recount().await.unwrap().is_empty(), "the counts are wrong");
}

async fn works_until_it_is_full(disk: &Path) {
    let (data, filler) = (disk.join("data"), disk.join("filler"));
    fs::write(&filler, vec![0; OTHERS]).unwrap();
    let store = open(&data);
    let rules = KindRules::new(Kind::named("plain"));
    let builder = Engine::builder(store.clone(), Clock::system()).queue(Queue::DEFAULT, 4);
    let engine = builder.kind(rules, run).start().unwrap();
    let mut asked = Asked::default();
    // The engine itself fills the disk, and then somebody else takes what SQLite gives back of it.
    while asked.refused.is_empty() {
        asked.ask(&store, PAYLOAD).await;
    }
    let full = asked.stored.len();
    let mut in_a_row = 0;
    while in_a_row < REFUSALS {
        fill(&filler);
        in_a_row = if asked.ask(&store, 1).await { 0 } else { in_a_row + 1 };
    }
    let first = store.job(asked.stored[&0]).await.unwrap();
    assert!(first.is_some(), "reads are answered");
    let newest = store.find_jobs(Filter::default(), None, 50, now()).await.unwrap();
    assert!(!newest.rows.is_empty());
    store.overview(now()).await.unwrap();

    fs::remove_file(&filler).unwrap();
    let freed = Instant::now();
    while !asked.ask(&store, 1).await {
        assert!(freed.elapsed() < HEALED, "the store does not write again");
    }
    let healed = freed.elapsed();
    for id in asked.stored.values() {
        until(&store, *id, |job| job.status.is_final()).await;
    }
    println!(
        "{full} jobs filled the disk, {} refused, {} unknown; it wrote again {healed:?} after there was room, and all ended {:?} after it",
        asked.refused.len(),
        asked.unknown.len(),
        freed.elapsed()
    );
    holds(&store, &asked).await;
    in_time(engine.stop(STUCK)).await;
    drop(store);
    holds(&open(&data), &asked).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p2_a_full_disk_refuses_writes_by_code_answers_reads_and_heals_by_itself() {
    let disk = tempfile::tempdir().unwrap();
    if let Some(_mounted) = Mounted::memory(ROOM, disk.path()) {
        return works_until_it_is_full(disk.path()).await;
    }
    assert!(std::env::var_os(INSIDE).is_none(), "it may not mount in its own name space");
    let mut inside = Command::new("unshare");
    inside.args(["--map-root-user", "--mount"]);
    let can = inside.arg("true").stderr(Stdio::null()).status().is_ok_and(|ended| ended.success());
    if !can {
        return skipped(
            "a full disk is a small file system, which this user may not mount, nor with unshare",
        );
    }
    let mut inside = Command::new("unshare");
    inside.args(["--map-root-user", "--mount"]).arg(std::env::current_exe().unwrap());
    let ended = inside.args(["--exact", TEST, "--nocapture"]).env(INSIDE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    // A name that no test has would run nothing, and that would be no failure.
    assert!(
        ended.status.success() && said.contains("1 passed"),
        "in a name space of its own: {said}"
    );
}
