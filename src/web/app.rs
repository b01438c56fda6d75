//! What the pages are served from, and what every handler shares.

use super::host::Access;
use super::password::Hasher;
use super::throttle::Throttle;
use crate::clock::Clock;
use crate::engine::Engine;
use crate::jobs::Jobs;
#[cfg(feature = "monitor")]
use crate::model::LogSource;
#[cfg(feature = "monitor")]
use crate::monitor::Tracking;
#[cfg(feature = "monitor")]
use crate::sessions::{Agents, Sandboxed};
use crate::store::Store;
#[cfg(feature = "monitor")]
use crate::store::{ForeignLog, LogStore};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// The most event streams of pages at once, over all browsers. A page without a stream asks again by itself, less often.
pub(super) const MAX_STREAMS: usize = 64;
/// The most transcript streams at once, over all browsers. They are counted apart from the streams of pages. Both
/// together leave some of the server's 256 connections free.
pub(super) const MAX_TAILS: usize = 128;

/// What the pages are served from. Made of an [`Engine`] or of [`Jobs`] it has the pages of jobs, schedules, queues and
/// settings.
#[derive(Clone, Debug)]
pub struct Web {
    /// The database that the pages show and change.
    pub store: Store,
    /// The clock that logins, limits and relative times go by.
    pub clock: Clock,
    /// What the operator decided before the start.
    pub options: Options,
    /// Whether this process leads the engine. If another one does, the pages say so. `None` if this process has no engine.
    pub leading: Option<watch::Receiver<bool>>,
    /// What the pages of sessions, scans, repositories and logs are served from. `None` if there are none of these pages.
    #[cfg(feature = "monitor")]
    pub program: Option<Program>,
}

/// What the program `lamplighter` has besides the engine.
#[cfg(feature = "monitor")]
#[derive(Clone, Debug)]
pub struct Program {
    /// The log rows that the pages show.
    pub logs: LogStore,
    /// The log that scans read, where it is another program's.
    pub scanned: Option<ForeignLog>,
    /// What sessions are run with. `None` if this server runs no sessions, which the pages say.
    pub agents: Option<Agents>,
    /// Where issues go, and whether the tracker is configured.
    pub tracking: Tracking,
    /// Whether this is the demo. The built-in analyzer examines its scans, whatever the settings say.
    pub demo: bool,
    /// The logs of other programs that this server follows.
    pub log_sources: Vec<LogSource>,
}

impl Web {
    /// Whether the operator wrote down that agents of every profile run without a sandbox.
    #[cfg(feature = "monitor")]
    pub(super) fn is_unboxed(&self) -> bool {
        let agents = self.program.as_ref().and_then(|program| program.agents.as_ref());
        agents.is_some_and(|agents| agents.sandbox == Sandboxed::Never)
    }

    /// Without agents there is nothing to put into a sandbox.
    #[cfg(not(feature = "monitor"))]
    #[expect(clippy::unused_self, reason = "the other features ask the same question")]
    pub(super) const fn is_unboxed(&self) -> bool {
        false
    }

    /// Whether another process leads the engine.
    pub(super) fn stands_by(&self) -> bool {
        self.leading.as_ref().is_some_and(|leading| !*leading.borrow())
    }

    /// Why this process does not take work, in a sentence; `None`: it takes work.
    pub(super) fn not_ready(&self) -> Option<String> {
        self.store.not_ready(self.leading.is_some())
    }
}

#[cfg(feature = "monitor")]
impl Web {
    /// Whether there are pages of sessions, scans, repositories and logs.
    pub(super) fn has_program(&self) -> bool {
        self.program.is_some()
    }

    /// How many log rows have a correlation id, counted up to `most`; `None` if there are no pages of logs.
    pub(super) async fn log_rows_of(
        &self,
        id: &str,
        most: usize,
    ) -> crate::error::Result<Option<u64>> {
        let Some(program) = &self.program else { return Ok(None) };
        program.logs.count_correlated(id.to_owned(), most).await.map(Some)
    }

    /// How large the database of the logs is, if there are pages of them.
    pub(super) fn log_bytes(&self) -> Option<u64> {
        self.program.as_ref().map(|program| program.logs.bytes())
    }

    /// A receiver that sees every change of the logs, if there are pages of them.
    pub(super) fn log_changes(&self) -> Option<watch::Receiver<u64>> {
        self.program.as_ref().map(|program| program.logs.changes())
    }
}

/// A build without the feature `monitor` has no such pages.
#[cfg(not(feature = "monitor"))]
#[expect(clippy::unused_self, reason = "with the feature `monitor` it says what the program has")]
impl Web {
    pub(super) fn has_program(&self) -> bool {
        false
    }

    #[expect(clippy::unused_async, reason = "with the feature `monitor` it waits for the store")]
    pub(super) async fn log_rows_of(&self, _: &str, _: usize) -> crate::error::Result<Option<u64>> {
        Ok(None)
    }

    pub(super) fn log_bytes(&self) -> Option<u64> {
        None
    }

    pub(super) fn log_changes(&self) -> Option<watch::Receiver<u64>> {
        None
    }
}

impl From<&Jobs> for Web {
    fn from(jobs: &Jobs) -> Self {
        Self {
            store: jobs.store().clone(),
            clock: jobs.clock().clone(),
            options: Options::default(),
            leading: None,
            #[cfg(feature = "monitor")]
            program: None,
        }
    }
}

impl From<&Engine> for Web {
    fn from(engine: &Engine) -> Self {
        Self { leading: Some(engine.leading()), ..Self::from(&engine.jobs()) }
    }
}

/// What the operator decides before the start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Host names that the server answers to besides `localhost`, `127.0.0.1` and `[::1]`, with or without a port.
    /// Default: none.
    pub allowed_hosts: Vec<String>,
    /// Peers whose `X-Forwarded-For` and `X-Forwarded-Proto` count. Default: none.
    pub trusted_proxies: Vec<IpAddr>,
    /// How long a request may take, its body included. The slowest page takes milliseconds, and a commit on a bad disk
    /// takes seconds. After this time the client is told that the outcome is unknown. Default: 30 seconds.
    pub request_limit: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            allowed_hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            request_limit: Duration::from_secs(30),
        }
    }
}

/// What every handler shares.
pub(super) struct Shared {
    pub(super) web: Web,
    /// Who may see the pages.
    pub(super) access: Access,
    pub(super) throttle: Mutex<Throttle>,
    /// The requests with tokens that there are not. They are counted apart from the sign-ins, which they must not hold up.
    pub(super) strangers: Mutex<Throttle>,
    pub(super) hasher: Hasher,
    /// Places for the pages' event streams.
    pub(super) streams: Arc<Semaphore>,
    /// Places for transcript streams, so that the followers of a session take no place from the pages.
    pub(super) tails: Arc<Semaphore>,
}

/// The state of the router.
pub(super) type App = Arc<Shared>;

impl Shared {
    /// Nobody has tried a password yet, and every place is free.
    pub(super) fn new(web: Web, access: Access) -> Self {
        Self {
            web,
            access,
            throttle: Mutex::default(),
            strangers: Mutex::default(),
            hasher: Hasher::default(),
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            tails: Arc::new(Semaphore::new(MAX_TAILS)),
        }
    }

    /// The throttle, locked. A panic while it was locked leaves its counters usable.
    pub(super) fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same for requests with tokens that there are not.
    pub(super) fn strangers(&self) -> MutexGuard<'_, Throttle> {
        self.strangers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
