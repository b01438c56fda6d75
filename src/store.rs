//! Durable state: what is acknowledged here survives kill -9 and power loss (P1).
//!
//! [`Store`] is the job database (`lamplighter.db`), [`LogStore`] the log database (`logs.db`). Both hide their backend:
//! signatures hold model types, std and chrono only, and a call that depends on the time takes `now`.
//!
//! *Invariant:* a write is answered after its commit. An error means that nothing was saved, except where
//! [`Error::is_outcome_unknown`](crate::Error::is_outcome_unknown) says otherwise (P2).

#[cfg(feature = "web")]
mod accounts;
#[cfg(feature = "monitor")]
mod approvals;
#[cfg(feature = "web")]
mod audit;
mod batches;
mod board;
#[cfg(feature = "web")]
mod bulk;
mod core;
#[cfg(feature = "monitor")]
pub mod door;
mod errors;
#[cfg(doctest)]
mod features;
#[cfg(feature = "monitor")]
mod filings;
#[cfg(feature = "monitor")]
mod foreign;
mod inspection;
mod jobs;
mod leader;
#[cfg(feature = "web")]
mod logins;
#[cfg(feature = "monitor")]
mod logs;
#[cfg(feature = "web")]
mod needs;
mod news;
mod queues;
mod ready;
#[cfg(feature = "monitor")]
mod refilings;
#[cfg(feature = "agents")]
mod repositories;
#[cfg(feature = "monitor")]
mod scanned;
#[cfg(feature = "monitor")]
mod scans;
mod schedules;
pub mod schema;
mod search;
#[cfg(feature = "agents")]
mod sessions;
mod settings;
#[cfg(feature = "monitor")]
mod snapshot;
mod sql;
mod sqlite;
mod stats;
#[cfg(feature = "web")]
mod tokens;
#[cfg(feature = "monitor")]
mod tracker_issues;
pub mod transactional;
#[cfg(feature = "web")]
mod views;
mod waits;
mod workers;

#[cfg(feature = "monitor")]
pub use foreign::ForeignLog;
pub(crate) use inspection::Inspection;
pub use leader::Leadership;
#[cfg(feature = "cli")]
pub(crate) use leader::lock_of;
#[cfg(feature = "monitor")]
pub use logs::LogStore;
pub use news::JobEvents;
#[cfg(feature = "monitor")]
pub use scanned::ScannedLog;
#[cfg(feature = "monitor")]
pub use snapshot::{Grouping, Snapshot, SnapshotPlan};

use crate::error::Result;
use board::Board;
use news::News;
#[cfg(feature = "cli")]
pub(crate) use sqlite::alone::hold as hold_database;
use sqlite::lost::Witness;
#[cfg(feature = "cli")]
pub(crate) use sqlite::moment::{DatabaseMoment, look_at_all};
use sqlite::{Database, Owner, Schema};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// `LMPL`, the mark of `lamplighter.db` in SQLite's header.
const APPLICATION_ID: i32 = i32::from_be_bytes(*b"LMPL");

static SCHEMA: Schema = Schema { durable: true, ..SCRATCH };

/// The same for stores that nobody would miss.
static SCRATCH_SCHEMA: Schema = SCRATCH;

/// The name of the job database in the data directory of a server.
#[cfg(feature = "cli")]
pub(crate) const JOBS_FILE: &str = "lamplighter.db";
/// The name of the log database in the folder of the jobs.
#[cfg(feature = "monitor")]
pub(crate) const LOGS_FILE: &str = "logs.db";

/// A server makes the log database after that of the jobs, so rows there show that there were jobs.
#[cfg(feature = "monitor")]
const WITNESS: Option<Witness> = Some(Witness {
    name: LOGS_FILE,
    application_id: logs::APPLICATION_ID,
    has_rows: "SELECT EXISTS (SELECT 1 FROM logs)",
});
#[cfg(not(feature = "monitor"))]
const WITNESS: Option<Witness> = None;

const SCRATCH: Schema = Schema {
    owner: Owner::Ours { application_id: APPLICATION_ID },
    components: &[
        &schema::ENGINE,
        #[cfg(any(feature = "agents", feature = "web"))]
        &schema::PROGRAM,
    ],
    durable: false,
    witness: WITNESS,
};

/// The jobs in an application's database.
static GUEST: Schema = Schema {
    owner: Owner::Application,
    components: &[&schema::ENGINE],
    durable: true,
    witness: None,
};

/// The treatment of a database file that lacks tables of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// A missing file is created. An older one is migrated; a copy of a file of our own is kept beside it.
    Migrate,
    /// A missing file is created, an older one is refused.
    Current,
    /// A missing file is refused as an older one is: nothing is created, and what is there is compared.
    Check,
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
    /// system without what WAL needs, `-005` one of version 0.1.0; `STORE-TABLE-002` changed tables; `STORE-IO-001`, `STORE-FULL-001`. A refused file is left byte-identical (P28).
    pub fn open(path: &Path, mode: OpenMode) -> Result<Self> {
        Ok(Self { db: Arc::new(Database::open(path, &SCHEMA, mode)?) })
    }

    /// Opens the database of an application at `path`, whatever other tables it has, and keeps the jobs there: a job and rows
    /// of the application can then be saved in one transaction (see [`transactional`]). Blocks.
    ///
    /// The tables `jobs` and `job_…` are added; [`schema`] has their migrations for the application's own tool. Nothing
    /// else of the file changes: neither `user_version` nor `application_id`, its journal mode, its rights or its folder.
    /// Its write-ahead log is written back, and never cut. A missing file is created in WAL mode.
    ///
    /// # Errors
    /// `STORE-TABLE-001` names that we need are taken, `-002` our tables are not those of this version; `STORE-FILE-001`
    /// no database, `-002` our tables are newer, `-003` they are older or missing and `mode` does not make them, `-006` a file
    /// that is not in WAL mode or not in UTF-8; `STORE-IO-001`, `STORE-FULL-001`. Nothing was written then.
    pub fn open_in(path: &Path, mode: OpenMode) -> Result<Self> {
        Ok(Self { db: Arc::new(Database::open(path, &GUEST, mode)?) })
    }

    /// The same for a test's throw-away database, without the syncs that make a commit survive a power cut.
    pub(crate) fn open_scratch(path: &Path) -> Result<Self> {
        let db = Database::open(path, &SCRATCH_SCHEMA, OpenMode::Migrate)?;
        Ok(Self { db: Arc::new(db) })
    }

    /// Refuses a path at which there was a database, and none is now. Nothing is opened and nothing is made.
    ///
    /// # Errors
    /// `STORE-FILE-007`, with the names of the files beside it that show it.
    #[cfg(feature = "cli")]
    pub(crate) fn refuse_lost(path: &Path) -> Result<()> {
        sqlite::lost::refuse(path, SCHEMA.witness.as_ref())
    }

    /// The folder that the database is in: the data directory of a server.
    pub fn folder(&self) -> Option<&Path> {
        self.db.path().parent()
    }

    /// Whether the database is an application's, which has the tables of the engine and no others of ours.
    pub fn is_guest(&self) -> bool {
        self.db.is_guest()
    }

    /// A receiver that sees a new number after every commit that changed something, ours at once, another program's
    /// while [`Store::watch_foreign_commits`] runs. Arm it, look, then wait.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.db.changes()
    }
}
