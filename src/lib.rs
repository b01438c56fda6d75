//! A durable job queue in one SQLite file, made for agent work.
//!
//! The engine is a library: open a [`Store`](store::Store), register handlers for the kinds of jobs you have, start the
//! [`Engine`], enqueue.
//!
//! # Quick start
//! ```
//! use lamplighter::prelude::*;
//!
//! #[derive(Serialize, Deserialize)]
//! struct Greet {
//!     name: String,
//! }
//! impl Payload for Greet {
//!     const KIND: Kind = Kind::named("greet");
//!     type Output = String;
//! }
//!
//! #[tokio::main]
//! async fn main() -> lamplighter::Result<()> {
//! #   let folder = tempfile::tempdir().expect("a folder");
//!     let path = "jobs.db".as_ref();
//! #   let path = &folder.path().join(path as &std::path::Path);
//!     let (store, clock) = (Store::open(path, OpenMode::Migrate)?, Clock::system());
//!     let engine = Engine::builder(store.clone(), clock.clone())
//!         .on::<Greet, _, _>(|_, greet| async move { Ok(format!("hello {}", greet.name)) })
//!         .start()?;
//!     store.enqueue(NewJob::of(&Greet { name: "Ada".into() })?, clock.now()).await?;
//!     engine.stop(Duration::from_secs(30)).await;
//!     Ok(())
//! }
//! ```
//!
//! # What is promised
//! - **P1** A job is acknowledged after its commit is synced to disk: it survives kill -9 and power loss.
//!   [`Error::is_outcome_unknown`] tells the one kind of failed write that may have happened from those that surely did not.
//! - **P4** One call is one transaction: [`Store::enqueue_all`](store::Store::enqueue_all) stores all of its jobs or none.
//! - **P7** A job runs at least once, or at most once where its kind says
//!   [`OnInterrupt::Fail`](model::OnInterrupt::Fail). Exactly once is claimed for nothing outside the file: a handler
//!   that may run twice should do no harm by it. A crash or a restart spends no attempt.
//!
//! The others are in `docs/promises.md`; the documentation cites them by number.
//!
//! # Handlers
//! A type of yours is a kind's [`Payload`](model::Payload). A [`Handler`](engine::Handler) is a value with state that runs its
//! jobs, [`Builder::on`](engine::Builder::on) does so with a closure, [`Builder::kind`](engine::Builder::kind) on the bare
//! payload of a kind that is known at run time only. Each is given a [`Context`](engine::Context): the job, its progress, the signal that it was
//! cancelled, a way to make further jobs. It answers its output or an [`Outcome`](model::Outcome): failed (tried again,
//! with the kind's back-off or when the handler says), fatal, snooze, or limited by something outside.
//! [`Builder::around`](engine::Builder::around) puts code of yours around all of them.
//!
//! # Options
//! [`NewJob`](model::NewJob) has those of one job: when, how urgent, how often tried, unique and idempotency keys.
//! [`KindRules`](model::KindRules) has those of a kind: queue, back-off, time limits, concurrency keys, retention.
//! [`Builder::queue`](engine::Builder::queue) sets how many jobs of a queue run at once, and the [`Store`](store::Store)
//! cancels, pauses, stops and says [why](store::Store::why) a job is not running.
//!
//! # Schedules
//! Stored rules make jobs by themselves, at an instant, at an interval or by a cron expression in a time zone.
//! [`Builder::ensure_schedule`](engine::Builder::ensure_schedule) declares one in code.
//!
//! # Testing
//! [`testing`] has a scratch store, [`drain`](testing::drain) and assertions; with a [manual clock](clock::Clock::manual)
//! a test waits a day in no time.
//!
//! # Enqueueing in your own transaction
//! If your tables are in the job database, [`transactional::enqueue`](store::transactional::enqueue) makes a job that
//! exists exactly if your rows do.
//!
//! # Features
//! `monitor` adds the log store and self-monitoring, `web` the admin pages (with `monitor` also those of sessions, scans
//! and logs), `agents` agent programs, `cli` the program. All are on by default; `default-features = false` leaves the engine alone.

#[cfg(feature = "web")]
pub mod actions;
#[cfg(feature = "agents")]
pub mod agents;
#[cfg(feature = "cli")]
mod backup;
#[cfg(feature = "web")]
pub mod bulk;
#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
#[cfg(feature = "cli")]
pub mod config;
#[cfg(feature = "cli")]
mod demo;
pub mod engine;
#[cfg(feature = "agents")]
mod environment;
pub mod error;
mod files;
#[cfg(all(test, target_os = "linux"))]
mod growth;
mod heavy;
pub mod jobs;
#[cfg(feature = "monitor")]
pub mod logs;
pub mod model;
#[cfg(feature = "monitor")]
pub mod monitor;
#[doc(hidden)]
pub mod planted;
pub mod prelude;
pub mod redact;
#[cfg(feature = "agents")]
pub mod repositories;
#[cfg(feature = "agents")]
pub mod sessions;
pub mod store;
pub mod testing;
#[cfg(feature = "cli")]
mod torture;
#[cfg(feature = "monitor")]
pub mod tracker;
#[cfg(feature = "web")]
#[cfg_attr(
    not(feature = "monitor"),
    expect(
        dead_code,
        reason = "the pages of sessions, scans and logs use it, which need `monitor`"
    )
)]
pub mod web;
#[cfg(feature = "web")]
pub mod wire;
#[cfg(feature = "agents")]
mod written;

pub use engine::Engine;
pub use error::{Class, Code, Error, Result};
pub use jobs::Jobs;
