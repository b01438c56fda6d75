//! The services that follow other programs' logs into the log database, and the one that removes old rows.
//!
//! Each log of the configuration has a task. It reads only while this process leads the engine, so that of two
//! servers on the same files one reads. A failure is logged once and tried again; the other services go on.

mod files;
#[cfg(feature = "agents")]
mod journal;
mod retention;
mod watch;

#[cfg(feature = "agents")]
pub use journal::Journal;
pub use retention::prune_logs;

use super::facts::Telling;
use super::filing;
use super::tracking::Tracking;
use crate::clock::Clock;
use crate::engine::Inspector;
use crate::error::{Code, Error};
use crate::logs::LogFiles;
use crate::store::{Inspection, LogStore, Store};
use crate::warn_coded;
use std::time::Duration;
use tokio::sync::watch::Receiver;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long what failed is left alone.
const RETRY: Duration = Duration::from_secs(10);

/// The running services. [`Intake::stop`] ends them, and so does dropping this.
#[derive(Debug)]
pub struct Intake {
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl Intake {
    /// Starts following on the current tokio runtime, whenever `leading` says that this process leads.
    /// A file that is named by itself is followed under that name, also where a pattern fits it; of several patterns the first that
    /// fits it counts.
    pub fn start(mut logs: Vec<LogFiles>, clock: &Clock, leading: &Receiver<bool>) -> Self {
        let (mut tasks, stop) = (JoinSet::new(), CancellationToken::new());
        let claimed = files::Claimed::default();
        logs.retain(|log| log.is_pattern() || claimed.claim(log.path()));
        let mut patterns: Vec<LogFiles> = Vec::new();
        for log in logs {
            let before = patterns.clone();
            patterns.extend(Some(log.clone()).filter(LogFiles::is_pattern));
            let others = files::Others { before, claimed: claimed.clone() };
            let serving = files::serve(log, others, clock.clone(), leading.clone());
            let stop = stop.clone();
            tasks.spawn(async move {
                stop.run_until_cancelled(serving).await;
            });
        }
        Self { tasks, stop }
    }

    /// Removes old log rows too, as the settings say.
    pub fn prune(&mut self, store: Store, logs: LogStore, clock: &Clock, leading: &Receiver<bool>) {
        let (stop, clock, leading) = (self.stop.clone(), clock.clone(), leading.clone());
        self.tasks.spawn(async move {
            stop.run_until_cancelled(retention::serve(store, logs, clock, leading)).await;
        });
    }

    /// Looks at the pages of the log database too.
    pub fn inspect(&mut self, logs: &LogStore, clock: &Clock, leading: &Receiver<bool>) {
        let (stop, clock, leading) = (self.stop.clone(), clock.clone(), leading.clone());
        let inspection = logs.inspection();
        self.tasks.spawn(async move {
            stop.run_until_cancelled(inspect_while_leading(inspection, clock, leading)).await;
        });
    }

    /// Says what this server can do too.
    pub fn tell(&mut self, telling: Telling, clock: &Clock) {
        let (stop, clock) = (self.stop.clone(), clock.clone());
        self.tasks.spawn(async move {
            stop.run_until_cancelled(telling.serve(clock)).await;
        });
    }

    /// Has the issue tracker told and asked too.
    pub fn file(
        &mut self,
        store: Store,
        tracking: Tracking,
        clock: &Clock,
        leading: &Receiver<bool>,
    ) {
        let (stop, clock, leading) = (self.stop.clone(), clock.clone(), leading.clone());
        self.tasks.spawn(async move {
            stop.run_until_cancelled(filing::serve(store, tracking, clock, leading)).await;
        });
    }

    /// Follows a journal too.
    #[cfg(feature = "agents")]
    pub fn follow(&mut self, journal: Journal, clock: &Clock, leading: &Receiver<bool>) {
        let (stop, clock, leading) = (self.stop.clone(), clock.clone(), leading.clone());
        self.tasks.spawn(journal.serve(clock, leading, stop));
    }

    /// Ends the services. At the next start they read again what they have not stored.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Inspects whenever this process leads, for ever.
async fn inspect_while_leading(inspection: Inspection, clock: Clock, mut leading: Receiver<bool>) {
    while leading.wait_for(|leads| *leads).await.is_ok() {
        let inspector = Inspector { inspection: inspection.clone(), clock: clock.clone() };
        tokio::select! {
            () = inspector.serve() => {}
            _ = leading.wait_for(|leads| !*leads) => {}
        }
    }
}

/// Logs a failure when it begins, and again only after a success in between.
#[derive(Debug, Default)]
struct Trouble {
    is_known: bool,
}

impl Trouble {
    fn says(&mut self, code: Code, error: &Error) {
        if !self.is_known {
            warn_coded!(code, "keep the log database: {error}; {}", code.remedy());
        }
        self.is_known = true;
    }

    fn ends(&mut self) {
        self.is_known = false;
    }
}
