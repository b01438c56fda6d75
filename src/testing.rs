//! Help for the tests of programs that embed the engine.
//!
//! Give the engine a [manual clock](crate::clock::Clock::manual) and a [scratch store](store_in); enqueue, start,
//! [`drain`], and look at what is there. Nothing here sleeps.
//!
//! # Example
//! ```
//! use lamplighter::clock::Clock;
//! use lamplighter::model::{Kind, KindRules, NewJob, Outcome, Timestamp};
//! use lamplighter::{Engine, testing};
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> lamplighter::Result<()> {
//! # let folder = tempfile::tempdir().expect("a folder");
//! let store = testing::store_in(folder.path())?;
//! let clock = Clock::manual(Timestamp::from_millis(1_800_000_000_000));
//! let (remind, letter) = (Kind::parse("remind")?, Kind::parse("letter")?);
//! let engine = Engine::builder(store.clone(), clock.clone())
//!     .kind(KindRules::new(letter.clone()), |_| async { Outcome::Done(true.into()) })
//!     .kind(KindRules::new(remind.clone()), move |context| {
//!         let letter = NewJob::new(letter.clone());
//!         async move {
//!             context.enqueue(letter).await.expect("the store is open");
//!             Outcome::Done(true.into())
//!         }
//!     })
//!     .start()?;
//! let tomorrow = clock.now().plus(Duration::from_hours(24));
//! store.enqueue(NewJob { run_at: Some(tomorrow), ..NewJob::new(remind) }, clock.now()).await?;
//!
//! testing::drain(&store, &clock).await?;
//! testing::assert_none_enqueued(&store, "letter", |_| true).await;
//! clock.advance(Duration::from_hours(24));
//! testing::drain(&store, &clock).await?;
//! testing::assert_enqueued(&store, "letter", |job| job.payload == "{}").await;
//! engine.stop(Duration::ZERO).await;
//! # Ok(())
//! # }
//! ```

use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::model::{Filter, Job, Kind, Status};
use crate::store::Store;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

/// Jobs that an assertion looks at: a test that has more should ask the store itself.
const MAX_LOOKED_AT: usize = 1000;
/// How long nothing happens before a look whether anything can: what is on its way comes sooner.
const MOMENT: Duration = Duration::from_secs(1);
/// The moments without a change, a minute, after which nothing will come.
const MAX_STILL: u32 = 60;

/// A store in a folder that a test throws away: it commits without syncing, so that it is fast, and survives no power
/// cut.
///
/// # Errors
/// As [`Store::open`].
pub fn store_in(folder: &Path) -> Result<Store> {
    Store::open_scratch(&folder.join("lamplighter.db"))
}

/// Waits until nothing runs and nothing can start at the clock's time, with a running engine on the same store. Jobs
/// whose time has not come stay; so do those that no handler of the engine takes.
///
/// On a manual clock it does not wait for what cannot come: a handler that sleeps on the clock wakes when the test
/// advances it.
///
/// # Errors
/// On a manual clock `JOB-TIME-002` with the jobs and the instants if all that run sleep, or if nothing has happened for a
/// minute. As [`Store::is_idle`].
pub async fn drain(store: &Store, clock: &Clock) -> Result<()> {
    let mut changes = store.changes();
    let mut still = 0;
    loop {
        changes.borrow_and_update();
        if store.is_idle(clock.now()).await? {
            return Ok(());
        }
        if happens(changes.changed()).await {
            still = 0;
        } else {
            expect_to_end(store, clock, still).await?;
            still += 1;
        }
    }
}

/// Whether something happens within a moment, in the machine's own time.
async fn happens(what: impl Future) -> bool {
    tokio::time::timeout(MOMENT, what).await.is_ok()
}

/// Refuses to wait for what cannot come, now that nothing has happened for that many moments.
async fn expect_to_end(store: &Store, clock: &Clock, still: u32) -> Result<()> {
    let Some(sleepers) = clock.sleepers() else { return Ok(()) };
    let running = Filter::default().status(Status::Running);
    let running = store.find_jobs(running, None, MAX_LOOKED_AT, clock.now()).await?.rows;
    let name = |job: &Job| format!("job {} ({})", job.id, job.kind);
    let sleeps = |job: &Job| sleepers.iter().any(|sleeper| sleeper.who == name(job));
    let why = if !running.is_empty() && running.iter().all(sleeps) {
        let words =
            sleepers.iter().map(|sleeper| format!("{} until {}", sleeper.who, sleeper.until));
        let words = words.collect::<Vec<_>>().join(", ");
        format!(
            "these sleep on a manual clock, which stands at {}: {words}; advance it",
            clock.now()
        )
    } else if still >= MAX_STILL {
        let words = running.iter().map(name).collect::<Vec<_>>().join(", ");
        format!("nothing has happened for a minute; these run: {words}")
    } else {
        return Ok(());
    };
    Err(Error::new(Code::JobIdle, format!("drain the store: {why}")))
}

/// Fails the test unless a job of this kind fits, whatever its status; answers the newest one.
///
/// # Panics
/// If there is none, with what there is instead; or if the store cannot be read.
pub async fn assert_enqueued(store: &Store, kind: &str, fits: impl Fn(&Job) -> bool) -> Job {
    let jobs = jobs_of(store, kind).await;
    match jobs.iter().find(|job| fits(job)) {
        Some(job) => job.clone(),
        None => panic!("none of {} jobs of kind {kind} fits: {jobs:#?}", jobs.len()),
    }
}

/// Fails the test if a job of this kind fits.
///
/// # Panics
/// If there is one, with that one; or if the store cannot be read.
pub async fn assert_none_enqueued(store: &Store, kind: &str, fits: impl Fn(&Job) -> bool) {
    let jobs = jobs_of(store, kind).await;
    if let Some(job) = jobs.iter().find(|job| fits(job)) {
        panic!("there is a job of kind {kind} that fits: {job:#?}");
    }
}

async fn jobs_of(store: &Store, kind: &str) -> Vec<Job> {
    let kind = Kind::parse(kind).unwrap_or_else(|error| panic!("{error}"));
    let filter = Filter::default().kind(kind);
    let now = Clock::system().now();
    let found = store.find_jobs(filter, None, MAX_LOOKED_AT, now).await;
    found.unwrap_or_else(|error| panic!("{error}")).rows
}
