//! Durable state: what is acknowledged here survives kill -9 and power loss (P1).
//!
//! [`Store`] is the job database (`lamplighter.db`), [`LogStore`] the log database (`logs.db`). Both hide their backend:
//! signatures hold model types, std and chrono only, and a call that depends on the time takes `now`.
//!
//! *Invariant:* a write is answered after its commit. An error means that nothing was saved, except where
//! [`Error::is_outcome_unknown`](crate::Error::is_outcome_unknown) says otherwise (P2).

mod accounts;
mod approvals;
mod board;
mod bulk;
mod core;
pub mod door;
mod filings;
mod jobs;
mod leader;
mod logs;
mod news;
mod queues;
mod repositories;
mod scans;
mod schedules;
mod search;
mod sessions;
mod settings;
mod snapshot;
mod sql;
mod sqlite;
mod waits;
mod workers;

pub use leader::Leadership;
pub use logs::LogStore;
pub use news::JobEvents;
pub use snapshot::{Snapshot, SnapshotPlan};
pub use sql::transactional;

use crate::error::Result;
use board::Board;
use news::News;
use sqlite::{Database, Schema};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// `LMPL`, the mark of `lamplighter.db` in SQLite's header.
const APPLICATION_ID: i32 = i32::from_be_bytes(*b"LMPL");

static SCHEMA: Schema = Schema { durable: true, ..SCRATCH };

/// The same for stores that nobody would miss.
static SCRATCH_SCHEMA: Schema = SCRATCH;

const SCRATCH: Schema = Schema {
    application_id: APPLICATION_ID,
    migrations: &[concat!(
        include_str!("../migrations/sqlite/engine.sql"),
        include_str!("../migrations/sqlite/program.sql"),
    )],
    durable: false,
};

/// The treatment of a database file of an older version. A missing file is created in both modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// Back it up and migrate it.
    Migrate,
    /// Refuse it.
    Current,
}

/// The job database. Clones share it; the last one to go closes it.
#[derive(Clone, Debug)]
pub struct Store {
    db: Arc<Database>,
}

impl Store {
    /// Opens or creates the database at `path`, in a folder that is created if need be. Blocks.
    ///
    /// # Errors
    /// `STORE-FILE-001` a foreign file, `-002` a newer one, `-003` an older one in [`OpenMode::Current`], `-004` a file
    /// system without what WAL needs; `STORE-IO-001`, `STORE-FULL-001`. A refused file is left byte-identical (P28).
    pub fn open(path: &Path, mode: OpenMode) -> Result<Self> {
        Ok(Self { db: Arc::new(Database::open(path, &SCHEMA, mode)?) })
    }

    /// The same for a test's throw-away database, without the syncs that make a commit survive a power cut.
    pub(crate) fn open_scratch(path: &Path) -> Result<Self> {
        let db = Database::open(path, &SCRATCH_SCHEMA, OpenMode::Migrate)?;
        Ok(Self { db: Arc::new(db) })
    }

    /// The folder that the database is in: the data directory of a server.
    pub fn folder(&self) -> Option<&Path> {
        self.db.path().parent()
    }

    /// A receiver that sees a new number after every commit that changed something, ours at once, another program's
    /// while [`Store::watch_foreign_commits`] runs. Arm it, look, then wait.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.db.changes()
    }
}
