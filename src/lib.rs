//! A durable job queue in one SQLite file, made for agent work.
//!
//! The engine is a library: open a [`Store`](store::Store), register handlers for the kinds of jobs you have, start the
//! [`Engine`], enqueue. A job that was acknowledged survives kill -9 and power loss.
//!
//! ```
//! use lamplighter::clock::Clock;
//! use lamplighter::model::{Kind, KindRules, NewJob, Outcome};
//! use lamplighter::store::{OpenMode, Store};
//! use lamplighter::Engine;
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> lamplighter::Result<()> {
//! # let folder = tempfile::tempdir().expect("a folder");
//! # let path = folder.path().join("jobs.db");
//! let store = Store::open(&path, OpenMode::Migrate)?;
//! let greet = Kind::parse("greet")?;
//! let engine = Engine::builder(store.clone(), Clock::system())
//!     .kind(KindRules::new(greet.clone()), |context| async move {
//!         Outcome::Done(format!("hello from job {}", context.job.id).into())
//!     })
//!     .start()?;
//! let mut changes = store.changes();
//! let id = store.enqueue(NewJob::new(greet), Clock::system().now()).await?.id();
//! while !store.job(id).await?.is_some_and(|job| job.status.is_final()) {
//!     changes.changed().await.expect("the store is open");
//! }
//! engine.stop(Duration::from_secs(30)).await;
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//! `monitor` adds the log store and self-monitoring, `web` the admin pages, `agents` agent programs, `cli` the
//! program. All are on by default; `default-features = false` leaves the engine alone.

#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
#[cfg(feature = "cli")]
pub mod config;
pub mod engine;
pub mod error;
#[cfg(feature = "monitor")]
pub mod logs;
pub mod model;
#[cfg(feature = "monitor")]
pub mod monitor;
pub mod store;
#[cfg(feature = "web")]
pub mod web;

pub use engine::Engine;
pub use error::{Code, Error, Result};
