//! The campaign: working processes on a database of their own, killed at random moments, and what is there in the end.

use super::folder::Folder;
use super::judge::{Findings, Stored, judge, judge_full};
use super::ledger::{Entry, Ledger};
use super::work::{FILL, Fill, Part, prepare};
use super::{Plan, Progress};
use crate::agents::ourselves;
use crate::backup;
use crate::clock::Clock;
use crate::error::{Code, Error, Result, ignore};
use crate::model::{FiguresOf, Filter, Job, JobFigures, Kind, Timestamp};
use crate::store::{JOBS_FILE, OpenMode, Store};
use clap::ValueEnum;
use fastrand::Rng;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Jobs of one database: it is drained and judged then, and another one is begun, so that a long torture needs no more room.
const MAX_JOBS: usize = 5_000;
/// How long killed processes have to be back before the next kill comes all the same.
const READY: Duration = Duration::from_secs(30);
/// Entries of the ledger that a round waits for at least, so that each kill meets processes at work.
const AT_WORK: u64 = 20;
/// How long a round goes on after that, at most.
const ROUND: u64 = 700;
/// How long nothing changes before what is left counts as standing still.
const STILL: Duration = Duration::from_mins(1);
/// How often it is looked whether everything has run.
const LOOK: Duration = Duration::from_millis(100);
/// Jobs that are read at once.
const SLICE: usize = 1_000;
/// The subcommand under which our own binary works; `cli` has it.
const SUBCOMMAND: &str = "torture-work";

/// What came of a campaign.
#[derive(Debug, Default)]
pub(crate) struct Campaign {
    pub(crate) rounds: u64,
    pub(crate) kills: u64,
    pub(crate) length: Duration,
    pub(crate) findings: Findings,
    pub(crate) full: Findings,
}

impl Campaign {
    /// Counts a process that was ended; one that was over already has ended by itself.
    fn count(&mut self, was_at_work: bool) {
        if was_at_work {
            self.kills += 1;
        } else {
            self.findings.broken.push("a working process ended by itself".to_owned());
        }
    }
}

/// What the processes say, gathered while they work.
struct Shared {
    ledger: Mutex<Ledger>,
    /// Raised with each entry.
    news: watch::Sender<u64>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A working process. Dropped, it is killed.
struct Process {
    child: Child,
    input: Option<ChildStdin>,
    heard: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

impl Process {
    fn start(folder: &Path, part: Part, seed: u64, shared: &Arc<Shared>) -> Result<Self> {
        let failed = |e| Error::new(Code::StoreIo, "start a working process").because(e);
        let part = part.to_possible_value().map(|part| OsString::from(part.get_name()));
        let part = part.unwrap_or_default();
        let words = [SUBCOMMAND.into(), part, OsString::from(seed.to_string()), folder.into()];
        let mut child = ourselves(&words).map_err(failed)?;
        let number = child.id();
        let (input, output) = (child.stdin.take(), child.stdout.take());
        shared.lock().living.insert(number);
        let ours = Arc::clone(shared);
        let heard = tokio::task::spawn_blocking(move || {
            let lines = output.into_iter().flat_map(|output| BufReader::new(output).lines());
            for entry in lines.map_while(std::io::Result::ok).filter_map(|line| Entry::parse(&line))
            {
                ours.lock().take(number, entry);
                ours.news.send_modify(|entries| *entries += 1);
            }
            // It has ended; the one who waits looks whether it should have.
            ours.lock().ready.insert(number);
            ours.news.send_modify(|entries| *entries += 1);
        });
        Ok(Self { child, input, heard: Some(heard), shared: Arc::clone(shared) })
    }

    /// kill -9, and all that it has said before. Answers whether it was at work until then.
    async fn kill(mut self) -> bool {
        let was_at_work = matches!(self.child.try_wait(), Ok(None));
        self.end();
        if let Some(heard) = self.heard.take() {
            ignore(heard.await, "hear a process that was killed");
        }
        was_at_work
    }

    /// Closes its input, and hears it out. Answers whether it ended well.
    async fn finish(mut self) -> bool {
        drop(self.input.take());
        if let Some(heard) = self.heard.take() {
            ignore(heard.await, "hear a process that ends");
        }
        self.child.wait().is_ok_and(|status| status.success())
    }

    fn end(&mut self) {
        self.shared.lock().living.remove(&self.child.id());
        ignore(self.child.kill(), "kill a working process");
        ignore(self.child.wait(), "wait for a process that was killed");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Runs rounds on one database after the other until the time or the rounds of the plan are over, and the round of the full
/// disk.
pub(crate) async fn run(
    folder: &Folder,
    plan: &Plan,
    clock: &Clock,
    progress: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Campaign> {
    let began = clock.uptime();
    let mut chance = Rng::with_seed(plan.seed);
    let mut done = Campaign::default();
    let full = sub_folder(folder, 0)?;
    done.full = full_disk(&full, clock).await?;
    remove(&full)?;
    for number in 1.. {
        let path = sub_folder(folder, number)?;
        let is_over = series(&path, plan, clock, &mut chance, &mut done, began, progress).await?;
        remove(&path)?;
        if is_over {
            break;
        }
    }
    done.length = clock.uptime().saturating_sub(began);
    Ok(done)
}

fn sub_folder(folder: &Folder, number: u64) -> Result<PathBuf> {
    let path = folder.path().join(format!("series-{number}"));
    let doing = || format!("make {}", path.display());
    fs::create_dir(&path).map_err(|e| Error::of_disk(Code::StoreIo, doing(), e))?;
    Ok(path)
}

fn remove(path: &Path) -> Result<()> {
    let doing = || format!("remove {}", path.display());
    fs::remove_dir_all(path).map_err(|e| Error::of_disk(Code::StoreIo, doing(), e))
}

fn shared() -> Arc<Shared> {
    Arc::new(Shared { ledger: Mutex::default(), news: watch::Sender::new(0) })
}

/// Rounds on one database, and its judgement. Answers whether the plan is over.
async fn series(
    folder: &Path,
    plan: &Plan,
    clock: &Clock,
    chance: &mut Rng,
    done: &mut Campaign,
    began: Duration,
    progress: &mut (dyn FnMut(&Progress) + Send),
) -> Result<bool> {
    prepare(folder, clock).await?;
    let shared = shared();
    let mut processes = Vec::new();
    let start = |chance: &mut Rng| Process::start(folder, Part::Load, chance.u64(..), &shared);
    for _ in 0..plan.processes {
        processes.push(start(chance)?);
    }
    let is_over = loop {
        let acknowledged = done.findings.enqueued + shared.lock().enqueued.len() as u64;
        let spent = clock.uptime().saturating_sub(began);
        progress(&Progress { rounds: done.rounds, kills: done.kills, acknowledged, spent });
        let is_over = plan.rounds.map_or(spent >= plan.length, |rounds| done.rounds >= rounds);
        if is_over || shared.lock().enqueued.len() >= MAX_JOBS || !shared.lock().failed.is_empty() {
            break is_over || !shared.lock().failed.is_empty();
        }
        done.rounds += 1;
        // One in eight comes while processes start.
        if chance.u64(..8) > 0 {
            at_work(&shared, &processes, clock).await;
        }
        clock.sleep(Duration::from_millis(chance.u64(..ROUND))).await;
        let all = chance.u64(..3) == 0;
        let victims = if all { 0..plan.processes } else { one_of(chance, plan.processes) };
        let killed: Vec<Process> = processes.drain(victims).collect();
        for process in killed {
            done.count(process.kill().await);
        }
        while processes.len() < plan.processes {
            processes.push(start(chance)?);
        }
    };
    for process in processes {
        done.count(process.kill().await);
    }
    let drained = Process::start(folder, Part::Drain, chance.u64(..), &shared)?;
    drain(folder, clock).await?;
    let ended_well = drained.finish().await;
    let mut found = look(folder, &shared, clock).await?;
    if !ended_well && found.is_whole() {
        found.broken.push("the last working process did not end well".to_owned());
    }
    done.findings.add(found);
    Ok(is_over)
}

fn one_of(chance: &mut Rng, processes: usize) -> std::ops::Range<usize> {
    let one = chance.usize(..processes);
    one..one + 1
}

/// Waits until every process works and the ledger has grown.
async fn at_work(shared: &Shared, processes: &[Process], clock: &Clock) {
    let mut news = shared.news.subscribe();
    let from = shared.lock().entries;
    let is_at_work = |_: &u64| {
        let ledger = shared.lock();
        let ready = processes.iter().all(|process| ledger.ready.contains(&process.child.id()));
        ready && (ledger.entries >= from + AT_WORK || !ledger.failed.is_empty())
    };
    tokio::select! {
        _ = news.wait_for(is_at_work) => {}
        () = clock.sleep(READY) => {}
    }
}

/// Waits until every job is over, or nothing has changed for a minute.
async fn drain(folder: &Path, clock: &Clock) -> Result<()> {
    let store = Store::open(&folder.join(JOBS_FILE), OpenMode::Current)?;
    let (mut before, mut since) = (Vec::new(), clock.uptime());
    loop {
        let counts = store.job_counts().await?;
        let open = counts.iter().filter(|count| !count.status.is_final() && count.count > 0);
        if open.count() == 0 {
            return Ok(());
        }
        if counts != before {
            (before, since) = (counts, clock.uptime());
        } else if clock.uptime().saturating_sub(since) > STILL {
            return Ok(());
        }
        clock.sleep(LOOK).await;
    }
}

/// Judges a database in which nothing works any more.
async fn look(folder: &Path, shared: &Shared, clock: &Clock) -> Result<Findings> {
    let store = Store::open(&folder.join(JOBS_FILE), OpenMode::Current)?;
    let jobs = jobs(&store, &Filter::default(), clock).await?;
    let wrong_figures = wrong_figures(&store, &jobs).await?;
    let stored: Vec<Stored> = jobs.into_iter().map(Stored::from).collect();
    let mut found = judge(&shared.lock(), &stored);
    found.broken.extend(damage(&store, folder).await);
    found.broken.extend(wrong_figures);
    Ok(found)
}

/// What is wrong with the figures of what jobs did: none of the jobs was removed, so they are those of the rows.
async fn wrong_figures(store: &Store, jobs: &[Job]) -> Result<Option<String>> {
    let always = (Timestamp::from_millis(0), Timestamp::from_millis(i64::MAX));
    let mut figures = JobFigures::default();
    for row in store.job_figures(FiguresOf::default(), always).await? {
        figures.merge(&row.figures);
    }
    let mut rows = JobFigures::default();
    for job in jobs {
        rows.count_final(job.status);
    }
    let ends = |of: &JobFigures| [of.completed, of.failed, of.cancelled];
    let (said, are) = (ends(&figures), ends(&rows));
    Ok((said != are).then(|| {
        format!("the figures say that {said:?} jobs completed, failed and were cancelled; they are {are:?}")
    }))
}

/// What is wrong with the pages, the indexes and the counts.
async fn damage(store: &Store, folder: &Path) -> Option<String> {
    let path = folder.to_owned();
    let checked = tokio::task::spawn_blocking(move || backup::check_databases(&path)).await;
    let counted = store.check_counts().await;
    match (checked, counted) {
        (Ok(Err(error)), _) | (_, Err(error)) => Some(format!("{error:#}")),
        (Err(error), Ok(())) => Some(error.to_string()),
        (Ok(Ok(_)), Ok(())) => None,
    }
}

async fn jobs(store: &Store, filter: &Filter, clock: &Clock) -> Result<Vec<Job>> {
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let slice = store.find_jobs(filter.clone(), before, SLICE, clock.now()).await?;
        found.extend(slice.rows);
        before = slice.next;
        if before.is_none() {
            return Ok(found);
        }
    }
}

/// Has a process store jobs until its files may not grow any more, and judges what is there.
async fn full_disk(folder: &Path, clock: &Clock) -> Result<Findings> {
    prepare(folder, clock).await?;
    let shared = shared();
    let mut process = Process::start(folder, Part::Fill, 0, &shared)?;
    let heard = process.heard.take();
    if let Some(heard) = heard {
        ignore(heard.await, "hear a process that fills the disk");
    }
    drop(process);
    let store = Store::open(&folder.join(JOBS_FILE), OpenMode::Current)?;
    let filter = Filter::default().kind(Kind::named(FILL));
    let numbers = |job: Job| {
        let fill: Option<Fill> = serde_json::from_str(&job.payload).ok();
        fill.map(|fill| (job.id.0, fill.number))
    };
    let numbers: BTreeMap<i64, u64> =
        jobs(&store, &filter, clock).await?.into_iter().filter_map(numbers).collect();
    let mut found = judge_full(&shared.lock(), &numbers);
    found.broken.extend(damage(&store, folder).await);
    found.broken.extend(shared.lock().failed.iter().map(|why| format!("a process ended: {why}")));
    Ok(found)
}
