//! A working process of a torture: it uses the queue as programs do, and says each answer of the queue once it has it.
//!
//! It ends when its standard input is closed, and so with the process that started it.

use super::folder::keep;
use super::ledger::Entry;
use crate::clock::Clock;
use crate::engine::{Builder, Context, Engine};
use crate::error::{Code, Error, Result, ignore};
use crate::files;
use crate::model::{
    Actor, Backoff, Cancelled, ConcurrencyKey, Filter, JobError, JobId, Kind, KindRules, NewJob,
    NewSchedule, OnInterrupt, Outcome, Plan, PromptValues, Rule, ScheduleName, Status,
};
use crate::store::{JOBS_FILE, OpenMode, Store};
use clap::ValueEnum;
use fastrand::Rng;
use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// A job that may run again and does nothing.
const FREE: &str = "torture_free";
/// One that must not run at the same time as another one of its key.
const KEYED: &str = "torture_keyed";
/// One whose first attempt fails.
const AGAIN: &str = "torture_again";
/// One that must not run twice.
pub(super) const ONCE: &str = "torture_once";
/// One that waits, and may be cancelled meanwhile.
pub(super) const PUT_OFF: &str = "torture_put_off";
/// One that fills the disk; no process runs it.
pub(super) const FILL: &str = "torture_fill";
/// Keys of [`KEYED`].
const KEYS: u64 = 3;
/// A worker is lost often here, which is the torture's doing and not the job's.
const NEVER: u32 = 1_000_000;
/// How long a job waits that may be cancelled.
const DELAY: Duration = Duration::from_secs(2);
/// How long one waits for its next attempt.
const BACKOFF: Duration = Duration::from_millis(100);
/// How long a process lets its jobs end when it is asked to stop.
const STOP: Duration = Duration::from_secs(10);
/// Those who store jobs wait this long for the last of them: as many are stored as are done.
const PACE: Duration = Duration::from_secs(1);
/// How long one waits after a refusal.
const REFUSED: Duration = Duration::from_millis(50);
/// The pauses between jobs that are cancelled, and those that a schedule makes by hand.
const SELDOM: Duration = Duration::from_millis(40);
/// Bytes that a file may have where the disk is to be full.
const FULL: u64 = 2 * 1024 * 1024;
/// Bytes of a job that fills the disk.
const FILLING: usize = 100_000;
/// Jobs that are tried to fill the disk at most, and refusals that are enough.
const FILLS: u64 = 200;
const REFUSALS: usize = 20;

/// What a working process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Stores, runs, cancels.
    Load,
    /// Runs what is left.
    Drain,
    /// Stores until the files may not grow any more.
    Fill,
}

/// The payload of a job that fills the disk.
#[derive(Deserialize, Serialize)]
pub(super) struct Fill {
    pub(super) number: u64,
    text: String,
}

fn kind(name: &'static str) -> Kind {
    Kind::named(name)
}

fn schedule() -> Result<ScheduleName> {
    ScheduleName::parse("torture_tick")
}

/// Says an answer of the queue. A parent that is gone hears nothing, and this process then ends by its input.
fn say(entry: &Entry) {
    let mut out = io::stdout().lock();
    ignore(writeln!(out, "{entry}").and_then(|()| out.flush()), "tell the torture");
}

/// Makes the database of a folder, with its schedule.
pub(super) async fn prepare(folder: &Path, clock: &Clock) -> Result<()> {
    let store = Store::open(&folder.join(JOBS_FILE), OpenMode::Migrate)?;
    let now = clock.now();
    let plan = Plan::new(Rule::every(1, now.plus(DELAY))?, kind(FREE));
    store.create_schedule(NewSchedule { name: schedule()?, plan }, Actor::program(), now).await
}

/// The body of a working process.
///
/// # Errors
/// Those of a database that cannot be used.
pub(crate) async fn work(folder: &Path, part: Part, seed: u64, clock: Clock) -> Result<()> {
    let done = part_of(folder, part, seed, clock).await;
    if let Err(error) = &done {
        say(&Entry::Failed(format!("{error:#}")));
    }
    done
}

async fn part_of(folder: &Path, part: Part, seed: u64, clock: Clock) -> Result<()> {
    let closed = tokio::task::spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new()));
    let failed = |e| Error::new(Code::StoreIo, "keep the folder of a torture").because(e);
    let _kept = keep(folder).map_err(failed)?;
    let store = Store::open(&folder.join(JOBS_FILE), OpenMode::Current)?;
    if part == Part::Fill {
        return fill(&store, &clock).await;
    }
    let builder = kinds(Engine::builder(store.clone(), clock.clone()), folder);
    let mut engine = builder.start()?;
    say(&Entry::Ready);
    let ended = tokio::select! {
        _ = closed => None,
        error = engine.ended() => Some(error),
        error = follow(&store, &clock) => Some(error),
        () = load(&store, &clock, seed), if part == Part::Load => None,
    };
    if let Some(error) = ended {
        return Err(error);
    }
    engine.stop(STOP).await;
    Ok(())
}

fn kinds(mut builder: Builder, folder: &Path) -> Builder {
    let rules = |name| KindRules {
        poison_after: NEVER,
        backoff: Backoff { base: BACKOFF, cap: BACKOFF },
        ..KindRules::new(kind(name))
    };
    let once = KindRules { on_interrupt: OnInterrupt::Fail, max_attempts: 1, ..rules(ONCE) };
    let folder: Arc<Path> = folder.into();
    for rules in [rules(FREE), rules(KEYED), rules(AGAIN), once, rules(PUT_OFF)] {
        let folder = Arc::clone(&folder);
        builder = builder.kind(rules, move |context| run(context, Arc::clone(&folder)));
    }
    builder
}

/// Runs a job: says that it begins, holds its key for as long as it runs, and does nothing.
async fn run(context: Context, folder: Arc<Path>) -> Outcome {
    let (job, epoch) = (context.job.id.0, context.job.epoch);
    let key = context.job.concurrency_key.as_ref().map(|key| folder.join(key.as_str()));
    let held = match key.map(hold).transpose() {
        Ok(held) => held,
        Err(error) => return Outcome::Failed(JobError::from(error.to_string())),
    };
    say(&Entry::Begun { job, epoch });
    if let Some(Err(holder)) = held {
        say(&Entry::Overlap { job, holder });
    }
    let length: u64 = context.payload().unwrap_or_default();
    context.clock.sleep(Duration::from_millis(length)).await;
    if context.job.kind.as_str() == AGAIN && context.job.attempt == 1 {
        return Outcome::Failed(JobError::from("the first attempt fails".to_owned()));
    }
    drop(held);
    Outcome::Done(true.into())
}

/// Takes the file of a key for as long as the answer lives, or answers which process has it. The system takes it back
/// from a process that ends.
fn hold(path: PathBuf) -> io::Result<std::result::Result<File, u32>> {
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    if files::try_lock(&file)? {
        file.set_len(0)?;
        file.write_all(std::process::id().to_string().as_bytes())?;
        return Ok(Ok(file));
    }
    let mut holder = String::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_string(&mut holder)?;
    Ok(Err(holder.trim().parse().unwrap_or_default()))
}

/// Says which jobs have completed, once that is committed. Returns when the database cannot be read.
async fn follow(store: &Store, clock: &Clock) -> Error {
    let completed = Filter::default().status(Status::Completed);
    let mut steps = match store.job_steps(&completed, clock.now()).await {
        Ok(steps) => steps,
        Err(error) => return error,
    };
    while let Some(step) = steps.next().await {
        // Steps that came too quickly were not told, and are not judged.
        let Ok(step) = step else { continue };
        match store.job(step.id).await {
            Ok(Some(job)) => say(&Entry::Completed { job: job.id.0, epoch: job.epoch }),
            Ok(None) => {}
            Err(error) => return error,
        }
    }
    Error::new(Code::StoreClosed, "follow the jobs of a torture")
}

/// Stores, cancels and has a schedule make jobs, for as long as it is asked to.
async fn load(store: &Store, clock: &Clock, seed: u64) {
    let [mut one, mut other] = [seed, seed.wrapping_add(1)].map(Rng::with_seed);
    tokio::join!(
        enqueue(store, clock, &mut one),
        enqueue(store, clock, &mut other),
        cancel(store, clock),
        tick(store, clock),
    );
}

async fn enqueue(store: &Store, clock: &Clock, chance: &mut Rng) {
    loop {
        let jobs: Vec<NewJob> = (0..=chance.u64(..6)).map(|_| new_job(chance)).collect();
        match store.enqueue_all(jobs, clock.now()).await {
            Ok(made) => {
                for job in &made {
                    say(&Entry::Enqueued(job.id().0));
                }
                let last = made.last().map(|job| job.id());
                tokio::select! {
                    () = ended(store, last) => {}
                    () = clock.sleep(PACE) => {}
                }
            }
            Err(error) => refused(clock, &error, chance.u64(..)).await,
        }
    }
}

async fn ended(store: &Store, job: Option<JobId>) {
    if let Some(job) = job {
        ignore(store.wait(job).await, "wait for a job of a torture");
    }
}

async fn refused(clock: &Clock, error: &Error, number: u64) {
    let is_unknown = error.is_outcome_unknown();
    say(&if is_unknown { Entry::Unknown } else { Entry::Refused(number) });
    clock.sleep(REFUSED).await;
}

fn new_job(chance: &mut Rng) -> NewJob {
    let name = [FREE, FREE, KEYED, KEYED, AGAIN, ONCE][chance.usize(..6)];
    let key = format!("key-{}", chance.u64(..KEYS));
    let concurrency_key = ConcurrencyKey::parse(key).ok().filter(|_| name == KEYED);
    let payload = chance.u64(..4).into();
    NewJob { payload, concurrency_key, ..NewJob::new(kind(name)) }
}

/// Stores jobs that wait, and cancels them while they do.
async fn cancel(store: &Store, clock: &Clock) {
    loop {
        let job = NewJob { delay: Some(DELAY), ..NewJob::new(kind(PUT_OFF)) };
        if let Ok(made) = store.enqueue(job, clock.now()).await {
            let id = made.id();
            say(&Entry::Enqueued(id.0));
            let cancelled = store.cancel(id, Actor::program(), clock.now()).await;
            if let Ok(Cancelled::Done) = cancelled
                && let Ok(Some(job)) = store.job(id).await
            {
                say(&Entry::Cancelled { job: id.0, epoch: job.epoch });
            }
        }
        clock.sleep(SELDOM).await;
    }
}

/// Has the schedule make jobs by hand, beside those that it makes by itself.
async fn tick(store: &Store, clock: &Clock) {
    let Ok(name) = schedule() else { return };
    loop {
        let (name, set) = (name.clone(), PromptValues::default());
        let made = store.run_schedule_now(name, set, Actor::program(), None, clock.now()).await;
        if let Ok(id) = made {
            say(&Entry::Enqueued(id.0));
        }
        clock.sleep(SELDOM).await;
    }
}

/// Stores jobs until the files of this process may not grow any more, as on a full disk, and some more.
async fn fill(store: &Store, clock: &Clock) -> Result<()> {
    let failed =
        |e: io::Error| Error::new(Code::StoreIo, "bound the files of a process").because(e);
    // The signal would end the process; with somebody who listens the write is refused instead.
    let _heard = signal(SignalKind::from_raw(Signal::XFSZ.as_raw())).map_err(failed)?;
    let limit = Rlimit { current: Some(FULL), maximum: Some(FULL) };
    setrlimit(Resource::Fsize, limit).map_err(|e| failed(e.into()))?;
    let text = "x".repeat(FILLING);
    let mut refusals = 0;
    for number in 0..FILLS {
        let job = NewJob::untyped(kind(FILL), &Fill { number, text: text.clone() })?;
        match store.enqueue(job, clock.now()).await {
            Ok(made) => say(&Entry::Enqueued(made.id().0)),
            Err(error) if error.is_outcome_unknown() => {
                say(&Entry::Unknown);
                refusals += 1;
            }
            Err(_) => {
                say(&Entry::Refused(number));
                refusals += 1;
            }
        }
        if refusals == REFUSALS {
            break;
        }
    }
    Ok(())
}
