//! What the pages are served from, and what every handler shares.

use super::password::Hasher;
use super::throttle::Throttle;
use crate::clock::Clock;
use crate::monitor::Tracking;
use crate::sessions::Agents;
use crate::store::{LogStore, Store};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// Event streams of pages at once over all browsers; a page without one asks less often by itself.
pub(super) const MAX_STREAMS: usize = 64;
/// Transcript streams at once over all browsers. They have places of their own, and with the pages' own streams leave
/// some of the server's 256 connections free.
pub(super) const MAX_TAILS: usize = 128;

/// What the pages are served from.
#[derive(Clone, Debug)]
pub struct Web {
    /// The database that the pages show and change.
    pub store: Store,
    /// The log rows that the pages show.
    pub logs: LogStore,
    /// The time of logins, limits and relative times.
    pub clock: Clock,
    /// What the operator decided before the start.
    pub options: Options,
    /// Whether this process runs the engine; the pages say so when it does not.
    pub leading: watch::Receiver<bool>,
    /// What sessions are run with; `None`: none is taken here, and the pages say so.
    pub agents: Option<Agents>,
    /// Where issues go, and whether that is configured.
    pub tracking: Tracking,
    /// Whether this is the demo, whose scans are the built-in analyzer's whatever the settings say.
    pub demo: bool,
}

/// What the operator decides before the start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Host names the server answers to besides `localhost`, `127.0.0.1` and `[::1]`, with or without a port.
    /// Default: none.
    pub allowed_hosts: Vec<String>,
    /// Peers whose `X-Forwarded-For` and `X-Forwarded-Proto` count. Default: none.
    pub trusted_proxies: Vec<IpAddr>,
    /// How long a request may take, its body included: the slowest page takes milliseconds, a commit on a bad disk seconds.
    /// Then it is told that its answer is unknown. Default: 30 seconds.
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
    pub(super) throttle: Mutex<Throttle>,
    pub(super) hasher: Hasher,
    /// Places for the pages' event streams.
    pub(super) streams: Arc<Semaphore>,
    /// Places for transcripts as streams: followers of a session never take a page its own.
    pub(super) tails: Arc<Semaphore>,
}

/// The state of the router.
pub(super) type App = Arc<Shared>;

impl Shared {
    /// Nobody has tried a password yet, and every place is free.
    pub(super) fn new(web: Web) -> Self {
        Self {
            web,
            throttle: Mutex::default(),
            hasher: Hasher::default(),
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            tails: Arc::new(Semaphore::new(MAX_TAILS)),
        }
    }

    /// The throttle, for a moment. A panic while somebody held it leaves counters that are still counters.
    pub(super) fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
