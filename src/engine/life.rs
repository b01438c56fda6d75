//! One life of this process as a worker: its name, its lease, and whether it leads.
//!
//! A worker's row is its lease. The worker says every ten seconds that it is alive, by a number in the row that only
//! grows. If the row says that the worker is lost, or is gone, another process runs its jobs: this life is over, its
//! handlers and their processes end, and the process begins a new life under a new name. So a process that stood still
//! for a minute, by a signal or in a debugger, writes nothing under its old lease and goes on working (P9).

use super::process;
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::model::{Epoch, LEASE, Process, WorkerId};
use crate::store::Store;
use crate::warn_coded;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// How often a worker says that it is alive: three times in a lease.
const BEAT_EVERY: Duration = Duration::from_secs(10);
/// Wait after a beat that was not saved.
const BEAT_AGAIN: Duration = Duration::from_secs(1);
/// A worker that could not renew its lease for so long ends its handlers by itself, well before others may judge it lost.
const GIVE_UP_AFTER: Duration = Duration::from_secs(20);

const _: () = assert!(GIVE_UP_AFTER.as_secs() + BEAT_EVERY.as_secs() <= LEASE.as_secs());

/// Who this process is.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    /// Its name, a new one for every life.
    pub(super) worker: WorkerId,
    pub(super) process: Process,
}

impl Identity {
    fn new(clock: &Clock) -> Self {
        let (process, start) = (process::own(), clock.now().millis());
        let name = format!("{}-{start}-{:06}", process.pid, (clock.chance() * 1e6) as u32);
        let worker = WorkerId::parse(name).expect("a worker's name is short");
        Self { worker, process }
    }
}

/// A life of a worker, from its registration to its retirement or its loss.
pub(super) struct Life {
    pub(super) me: Identity,
    /// Cancelled when the lease is lost.
    pub(super) lost: CancellationToken,
    /// Handlers of this life are dropped, or asked to end if their kind winds up.
    pub(super) handlers: CancellationToken,
    /// The time of leading of this worker, while it leads.
    pub(super) leads: watch::Sender<Option<Epoch>>,
    /// When a beat was last saved.
    saved_at: watch::Sender<Instant>,
    /// Somebody wants a beat now.
    wanted: Notify,
}

impl Life {
    /// A new life, which ends its handlers when `handlers` is cancelled.
    pub(super) fn new(clock: &Clock, handlers: &CancellationToken) -> Self {
        Self {
            me: Identity::new(clock),
            lost: CancellationToken::new(),
            handlers: handlers.child_token(),
            leads: watch::Sender::new(None),
            saved_at: watch::Sender::new(Instant::now()),
            wanted: Notify::new(),
        }
    }

    /// When this process could last write.
    pub(super) fn saved_at(&self) -> Instant {
        *self.saved_at.borrow()
    }

    /// Asks for a beat now.
    pub(super) fn want_beat(&self) {
        self.wanted.notify_one();
    }

    /// Says that this worker does not lead any more.
    pub(super) fn replaced(&self) {
        if self.leads.send_replace(None).is_some() {
            warn_coded!(
                Code::EngineReplaced,
                "another process leads now; this one goes on working"
            );
        }
    }

    /// Beats until the lease is lost, at once when the process has something new to say. It has a task of its own, so that
    /// the poller's waits do not delay it. A jump of the date neither delays nor hastens it (P19).
    pub(super) async fn beat(self: Arc<Self>, store: Store, clock: Clock) {
        let mut said = store.says_changed();
        loop {
            said.borrow_and_update();
            let wait = match store.beat(self.me.worker.clone(), clock.now()).await {
                Ok(()) => {
                    self.saved_at.send_replace(Instant::now());
                    BEAT_EVERY
                }
                Err(error) if self.is_over(&error) => {
                    warn_coded!(Code::EngineLost, "end all handlers and register anew: {error}");
                    return self.lost.cancel();
                }
                Err(error) => {
                    warn_coded!(Code::EnginePoll, "say that this process is alive: {error}");
                    BEAT_AGAIN
                }
            };
            tokio::select! {
                () = clock.sleep(wait) => {}
                () = self.wanted.notified() => {}
                Ok(()) = said.changed() => {}
            }
        }
    }

    /// Whether a beat that was refused ends the life. While a write lock is held or the disk is full nobody else can write
    /// either, so nobody can judge this worker lost.
    fn is_over(&self, error: &Error) -> bool {
        let others_wait_too =
            [Code::StoreBusy, Code::StoreFull, Code::StoreWalFull].contains(&error.code());
        error.code() == Code::EngineLost
            || (!others_wait_too && self.saved_at().elapsed() >= GIVE_UP_AFTER)
    }

    /// What became of a write of this worker: a refusal tells it where it stands.
    pub(super) fn heed<T>(&self, done: Result<T>) -> Result<T> {
        if let Err(error) = &done {
            if error.code() == Code::EngineReplaced {
                self.replaced();
            } else if error.code() == Code::EngineLost {
                self.lost.cancel();
            }
        }
        done
    }
}
