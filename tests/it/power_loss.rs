//! Power that fails at any moment: what was acknowledged is there afterwards, whatever the disk still had to write.
//!
//! A process works, and a recorder that is loaded into it writes down each write, sync and removal of its files, with what the
//! process acknowledged between them (`support/recorder.rs`). From the record a disk is played forward (`disk`): at any of its
//! moments the power fails, and of what no sync covers nothing is left, everything, the first writes, or any of them in
//! pieces of 512 bytes with junk between. The store opens what is left, and `verdict` looks.
//!
//! `LAMPLIGHTER_POWER=500000 cargo test --test it power_loss -- --nocapture` looks at so many crashes, the short form at 1,000, `.ci/run` at 5,000.
//! `LAMPLIGHTER_POWER_RECORD=FOLDER` plays a record again that a failed run kept.

mod disk;
mod first;
mod kill;
#[cfg(debug_assertions)]
mod planted;
mod verdict;

use crate::support::open;
use crate::support::planted as bugs;
use crate::support::recorder::{self, Done, EIO, FOLDER, Failing, Step};
use disk::{Disk, Left, NUMBERS};
use fastrand::Rng;
use lamplighter::Engine;
use lamplighter::clock::Clock;
use lamplighter::engine::Context;
use lamplighter::model::{
    Actor, Cancelled, ConcurrencyKey, JobId, Kind, KindRules, NewJob, Outcome, Queue, Timestamp,
};
use lamplighter::planted::Bug;
use lamplighter::store::Store;
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use verdict::Acknowledged;

/// The test that is the process where [`FOLDER`] is set.
const CHILD: &str = "power_loss::a_process_works_while_it_is_recorded";
const SEED: &str = "LAMPLIGHTER_POWER_SEED";
/// Where the numbers of the process begin; those of an earlier one are lower.
const FIRST: &str = "LAMPLIGHTER_POWER_FIRST";
/// Set where the disk refuses every sync from some on: the process ends as a kill ends it.
const ENDS_BADLY: &str = "LAMPLIGHTER_POWER_ENDS_BADLY";
/// At which sync the disk begins to refuse.
const REFUSED: usize = 40;
/// Callers at the same time, and how many things each does if the environment does not say it.
const CALLERS: u64 = 6;
const DEEDS: &str = "LAMPLIGHTER_POWER_DEEDS";
const MOST_DEEDS: u64 = 80;
/// The files that are the database, and the one that holds what was acknowledged.
const DATABASE: [&str; 2] = ["lamplighter.db", "lamplighter.db-wal"];
const SAID: &str = "acknowledged";
/// The log's index: memory, of which a crash leaves nothing or junk.
const INDEX: &str = "lamplighter.db-shm";

/// Crashes that all tests look at together.
fn crashes() -> usize {
    std::env::var("LAMPLIGHTER_POWER").map_or(1_000, |number| number.parse().unwrap())
}

/// How many jobs a group has.
fn size_of(group: i64) -> usize {
    2 + (group % 19) as usize
}

fn kind(name: &str) -> Kind {
    Kind::parse(name).unwrap()
}

fn now() -> Timestamp {
    Clock::system().now()
}

/// What the process acknowledges to a person who keeps it, a line each.
#[derive(Clone)]
struct Said(Arc<File>);

impl Said {
    fn say(&self, line: &str) {
        let line = format!("{line}\n");
        assert_eq!((&*self.0).write(line.as_bytes()).unwrap(), line.len());
    }
}

/// The body of the process that is recorded.
fn work(folder: &Path) {
    bugs::plant_what_was_asked_for();
    let number = |name| std::env::var(name).unwrap().parse().unwrap();
    let (seed, first): (u64, u64) = (number(SEED), number(FIRST));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(async {
        let store = open(folder);
        let file = OpenOptions::new().append(true).create(true).open(folder.join(SAID));
        let said = Said(Arc::new(file.unwrap()));
        let builder = Engine::builder(store.clone(), Clock::system()).queue(Queue::DEFAULT, 8);
        let handled = |builder: lamplighter::engine::Builder, rules| builder.kind(rules, run);
        let rules = ["plain", "later"].map(|name| KindRules::new(kind(name)));
        let builder = rules.into_iter().fold(builder, handled);
        let engine = handled(builder, KindRules { key_limit: 1, ..KindRules::new(kind("keyed")) });
        let engine = engine.start().unwrap();
        let numbers = Arc::new(AtomicI64::new(first as i64));
        let deeds = std::env::var(DEEDS).map_or(MOST_DEEDS, |deeds| deeds.parse().unwrap());
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let random = Rng::with_seed(seed ^ caller);
            let numbers = Arc::clone(&numbers);
            callers.spawn(call(store.clone(), said.clone(), random, numbers, deeds));
        }
        callers.join_all().await;
        if std::env::var_os(ENDS_BADLY).is_some() {
            std::process::exit(0);
        }
        engine.stop(Duration::from_secs(10)).await;
    });
}

async fn run(context: Context) -> Outcome {
    let payload: serde_json::Value = context.payload().unwrap();
    if payload["number"].as_i64().unwrap() % 5 == 0 {
        return Outcome::Fatal("it fails for good".into());
    }
    Outcome::Done(payload)
}

/// A job with its number, and with bytes enough that the log is written back now and then.
fn job(random: &mut Rng, number: i64, group: Option<i64>) -> NewJob {
    let length = random.usize(..1500);
    let filler: String = std::iter::repeat_with(|| random.alphanumeric()).take(length).collect();
    let name =
        if group.is_some() { "plain" } else { ["plain", "keyed", "later"][random.usize(..3)] };
    let key = (name == "keyed").then(|| format!("key-{}", random.u8(..4)));
    NewJob {
        concurrency_key: key.map(|key| ConcurrencyKey::parse(key).unwrap()),
        delay: (name == "later").then_some(Duration::from_hours(24)),
        payload: json!({"number": number, "group": group, "filler": filler}).into(),
        ..NewJob::new(kind(name))
    }
}

/// Does what callers do, and says what was acknowledged as soon as it was. A call that fails was not.
async fn call(store: Store, said: Said, mut random: Rng, numbers: Arc<AtomicI64>, deeds: u64) {
    let mut mine: Vec<JobId> = Vec::new();
    for _ in 0..deeds {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        match random.u8(..10) {
            0..=4 => {
                if let Ok(made) = store.enqueue(job(&mut random, number, None), now()).await {
                    said.say(&format!("enqueued {} {number}", made.id()));
                    mine.push(made.id());
                }
            }
            5 | 6 => {
                let jobs = (0..size_of(number)).map(|_| job(&mut random, number, Some(number)));
                if store.enqueue_all(jobs.collect(), now()).await.is_ok() {
                    said.say(&format!("group {number} {}", size_of(number)));
                }
            }
            7 if !mine.is_empty() => {
                let id = mine[random.usize(..mine.len())];
                if let Ok(Cancelled::Done) = store.cancel(id, Actor::cli(), now()).await {
                    said.say(&format!("ended {id} cancelled"));
                }
            }
            _ => {
                for id in &mine {
                    let job = store.job(*id).await;
                    if let Some(job) = job.ok().flatten().filter(|job| job.status.is_final()) {
                        said.say(&format!("ended {id} {}", job.status));
                    }
                }
            }
        }
    }
}

/// Records of processes that worked one after the other, and the files that the first began with.
struct Recorded {
    folder: PathBuf,
    /// Removes the folder, unless the record is kept.
    kept: Option<TempDir>,
}

impl Recorded {
    /// The one that is given, or a new one.
    fn take(seed: u64, syncs: &[Syncs]) -> Self {
        if let Some(folder) = std::env::var_os("LAMPLIGHTER_POWER_RECORD") {
            return Self { folder: folder.into(), kept: None };
        }
        Self::take_with(seed, syncs, None)
    }

    /// A new one, of processes that may have a bug, each with its disk.
    fn take_with(seed: u64, syncs: &[Syncs], bug: Option<Bug>) -> Self {
        Self::begun_with(seed, (syncs, MOST_DEEDS), bug, |data| drop(open(data)))
    }

    /// The same, which begin with a folder that `prepare` fills.
    fn begun_with(
        seed: u64,
        (syncs, deeds): (&[Syncs], u64),
        bug: Option<Bug>,
        prepare: impl FnOnce(&Path),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (data, before) = (folder.path().join("data"), folder.path().join("before"));
        std::fs::create_dir(&data).unwrap();
        prepare(&data);
        copy(&data, &before);
        let library = recorder::build(folder.path());
        for (at, syncs) in syncs.iter().enumerate() {
            let record = record(folder.path(), at);
            let failing = |how| Failing { call: "sync", error: EIO, at: REFUSED, how };
            let failing = match syncs {
                Syncs::Good => None,
                Syncs::SomeFail => Some(failing("each")),
                Syncs::FailInTheEnd => Some(failing("on")),
            };
            let mut command = recorder::recorded(&library, CHILD, &data, &record, failing);
            command.env(SEED, (seed + at as u64).to_string());
            command.env(DEEDS, deeds.to_string());
            command.env(FIRST, (1 + at * 1_000_000).to_string());
            if matches!(syncs, Syncs::FailInTheEnd) {
                command.env(ENDS_BADLY, "1");
            }
            bugs::ask_for(&mut command, bug);
            let ended = command.output().unwrap();
            assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        }
        Self { folder: folder.path().to_owned(), kept: Some(folder) }
    }

    /// Keeps the record of a failed run.
    fn keep(self) -> PathBuf {
        self.kept.map_or(self.folder, TempDir::keep)
    }
}

/// What the disk of a process makes of its syncs.
#[derive(Clone, Copy)]
enum Syncs {
    Good,
    /// One in [`REFUSED`] fails.
    SomeFail,
    /// All fail from one on, and then the process ends as by a kill: the kernel holds what the disk never got.
    FailInTheEnd,
}

/// Copies a database, and what was acknowledged of it, into a new folder.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for name in DATABASE.into_iter().chain([SAID]) {
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}

/// The record of one of the processes.
fn record(folder: &Path, at: usize) -> PathBuf {
    folder.join(format!("record-{at}"))
}

/// The steps of all processes; no two of them have a number for a file in common.
fn steps(folder: &Path) -> Vec<Step> {
    let records = (0..).map(|at| record(folder, at)).take_while(|record| record.exists());
    let steps = records.zip((0..=u8::MAX).step_by(NUMBERS.into())).flat_map(|(record, first)| {
        recorder::read(&record)
            .into_iter()
            .map(move |step| Step { file: step.file + first, ..step })
    });
    steps.collect()
}

/// What was seen of a record's crashes.
#[derive(Default)]
struct Report {
    crashes: usize,
    acknowledged: usize,
    wrong: Vec<String>,
}

/// Plays a record and looks at so many crashes, spread evenly over its moments.
fn play(recorded: &Path, crashes: usize, seed: u64, lies: bool) -> Report {
    // The short form leaves the processors to the tests beside it.
    let threads = if crashes < 5_000 { 1 } else { 2 };
    let report = std::thread::scope(|scope| {
        let share = |thread| {
            scope.spawn(move || play_share(recorded, crashes, seed, lies, (thread, threads)))
        };
        let threads: Vec<_> = (0..threads).map(share).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    report.into_iter().fold(Report::default(), |mut all, part| {
        all.crashes += part.crashes;
        all.acknowledged = all.acknowledged.max(part.acknowledged);
        all.wrong.extend(part.wrong);
        all
    })
}

fn play_share(
    recorded: &Path,
    crashes: usize,
    seed: u64,
    lies: bool,
    share: (usize, usize),
) -> Report {
    let steps = steps(recorded);
    let seed = seed.wrapping_add(share.0 as u64);
    let mut disk = Disk::of(&recorded.join("before"), &DATABASE, seed);
    if lies {
        disk = disk.that_lies();
    }
    let folder = crash_folder();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut report = Report::default();
    let mut said = Acknowledged::of(&recorded.join("before"));
    let is_said = |step: &&Step| matches!(&step.done, Done::Name(name) if name == SAID);
    let said_as: Vec<u8> = steps.iter().filter(is_said).map(|step| step.file).collect();
    // Of several processes the last is looked at, from its first answer on.
    let answers =
        |step: &Step| Some(&step.file) == said_as.last() && matches!(step.done, Done::Write { .. });
    let begins = if said_as.len() > 1 { steps.iter().position(answers).unwrap() } else { 0 };
    let is_moment = |step: &&Step| !said_as.contains(&step.file);
    let moments = steps[begins..].iter().filter(is_moment).count();
    let mut moment = 0;
    for (at, step) in steps.iter().enumerate() {
        if said_as.contains(&step.file) {
            if let Done::Write { bytes, .. } = &step.done {
                said.take(std::str::from_utf8(bytes).unwrap());
            }
            continue;
        }
        disk.take(step);
        if at < begins {
            continue;
        }
        let due = |moment: usize| moment * crashes / moments;
        for crash in (due(moment)..due(moment + 1)).filter(|crash| crash % share.1 == share.0) {
            let left = Left::ALL[crash / share.1 % Left::ALL.len()];
            report.crashes += 1;
            if let Err(what) = crash_here(&mut disk, &said, folder.path(), &runtime, left) {
                report.wrong.push(format!("after moment {moment}, with {left:?} left: {what}"));
            }
        }
        moment += 1;
    }
    report.acknowledged = said.len();
    report
}

/// Memory where there is a folder of it: what a crash left is read once.
fn crash_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

fn crash_here(
    disk: &mut Disk,
    said: &Acknowledged,
    folder: &Path,
    runtime: &Runtime,
    left: Left,
) -> Result<(), String> {
    for entry in std::fs::read_dir(folder).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    disk.crash_into(folder, SAID, left);
    // A machine that starts again has no index; a copy of the files may bring a wrong one.
    if matches!(left, Left::Pieces) {
        std::fs::write(folder.join(INDEX), vec![0xA5; 32 * 1024]).unwrap();
    }
    said.holds(folder, runtime)
}

/// Looks at the crashes of processes, and keeps their record if one is wrong.
fn nothing_is_lost(name: &str, crashes: usize, syncs: &[Syncs]) {
    judged(name, crashes, |seed| Recorded::take(seed, syncs));
}

/// The same of a record that is taken with a seed.
fn judged(name: &str, crashes: usize, take: impl FnOnce(u64) -> Recorded) {
    let seed = std::env::var(SEED).map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    let begun = Instant::now();
    let recorded = take(seed);
    let report = play(&recorded.folder, crashes, seed, false);
    println!(
        "{name}, seed {seed}: {} crashes, {} things acknowledged, {} wrong, {:?}",
        report.crashes,
        report.acknowledged,
        report.wrong.len(),
        begun.elapsed()
    );
    assert_eq!(report.crashes, crashes);
    if let Some(first) = report.wrong.first() {
        panic!("{first}; the record is kept in {}", recorded.keep().display());
    }
}

#[test]
fn a_process_works_while_it_is_recorded() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        work(Path::new(&folder));
    }
}

#[test]
fn p1_whatever_a_power_loss_leaves_what_was_acknowledged_is_there_and_nothing_is_half_done() {
    nothing_is_lost("a power loss", crashes() * 8 / 10, &[Syncs::Good]);
}

#[test]
fn p1_a_sync_that_fails_takes_back_what_it_covered_and_nothing_that_was_acknowledged() {
    nothing_is_lost("failing syncs", crashes() / 10, &[Syncs::SomeFail]);
}

#[test]
fn p1_what_a_disk_never_got_is_written_by_the_process_that_starts_after_it() {
    nothing_is_lost("a start after it", crashes() / 10, &[Syncs::FailInTheEnd, Syncs::Good]);
}

#[test]
fn a_disk_that_loses_one_synced_write_of_twenty_is_found_out() {
    let recorded = Recorded::take(7, &[Syncs::Good]);
    let report = play(&recorded.folder, 100, 7, true);
    println!("a disk that lies: {} of {} crashes are wrong", report.wrong.len(), report.crashes);
    assert!(report.wrong.len() * 4 > report.crashes, "{:?}", report.wrong);
}
