//! One life of this process as a worker: its name, its lease, and whether it leads.
//!
//! A worker's row is its lease. The worker says every ten seconds that it is alive, by a number in the row that only
//! grows. If the row says that the worker is lost, or is gone, another process runs its jobs: this life is over, its
//! handlers and their processes end, and the process begins a new life under a new name. So a process that stood still
//! for a minute, by a signal or in a debugger, writes nothing under its old lease and goes on working (P9).

mod others;

use super::process;
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::model::{Epoch, LEASE, Process, Registration, WorkerId, worker_name};
use crate::store::Store;
use crate::warn_coded;
use others::Others;
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
/// How long the look at what the process registered may take, which stands between two beats.
const LOOK_WITHIN: Duration = Duration::from_secs(2);
/// How long the beat of a worker may be behind those of others in the line for the write lock.
const LINE: Duration = Duration::from_secs(3);

const _: () = assert!(GIVE_UP_AFTER.as_secs() + BEAT_EVERY.as_secs() <= LEASE.as_secs());

/// The lengths of a life; a test's are short.
#[derive(Clone, Copy, Debug)]
struct Pace {
    beat_every: Duration,
    beat_again: Duration,
    give_up_after: Duration,
    line: Duration,
}

const PACE: Pace = Pace {
    beat_every: BEAT_EVERY,
    beat_again: BEAT_AGAIN,
    give_up_after: GIVE_UP_AFTER,
    line: LINE,
};

/// Who this process is.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    /// Its name, a new one for every life.
    pub(super) worker: WorkerId,
    pub(super) process: Process,
}

impl Identity {
    fn new(clock: &Clock) -> Self {
        let process = process::own();
        Self { worker: worker_name(process.pid, clock.now(), clock.chance()), process }
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
    pace: Pace,
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
            pace: PACE,
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
    /// the poller's waits do not delay it. A jump of the date neither delays nor hastens it (P19). With each beat it looks
    /// whether the file still says what this worker `registered`.
    pub(super) async fn beat(
        self: Arc<Self>,
        store: Store,
        clock: Clock,
        registered: Arc<Registration>,
    ) {
        let mut said = store.says_changed();
        loop {
            said.borrow_and_update();
            // A beat that hangs is no answer, so the look at the others goes on beside it.
            let over = tokio::select! {
                beaten = self.beat_until_saved(&store, &clock) => beaten.err(),
                over = self.look_at_others(&store) => Some(over),
            };
            let over = match over {
                None => is_forgotten(&store, &registered).await,
                Some(_) => over,
            };
            if let Some(error) = over {
                warn_coded!(Code::EngineLost, "end all handlers and register anew: {error}");
                return self.lose();
            }
            tokio::select! {
                () = clock.sleep(self.pace.beat_every) => {}
                () = self.wanted.notified() => {}
                Ok(()) = said.changed() => {}
            }
        }
    }

    /// Tries until a beat is saved. The error ends the life.
    async fn beat_until_saved(&self, store: &Store, clock: &Clock) -> Result<()> {
        loop {
            match store.beat(self.me.worker.clone(), clock.now()).await {
                Ok(()) => {
                    self.saved_at.send_replace(Instant::now());
                    return Ok(());
                }
                Err(error) if self.is_over(&error) => return Err(error),
                Err(error) => {
                    warn_coded!(Code::EnginePoll, "say that this process is alive: {error}");
                }
            }
            tokio::select! {
                () = clock.sleep(self.pace.beat_again) => {}
                () = self.wanted.notified() => {}
            }
        }
    }

    /// Whether a beat that was refused ends the life. A refusal because of a write lock, a full disk or a long log may go
    /// for everybody, so that nobody can judge this worker lost: [`Life::look_at_others`] finds out.
    fn is_over(&self, error: &Error) -> bool {
        let may_go_for_all =
            [Code::StoreBusy, Code::StoreFull, Code::StoreWalFull].contains(&error.code());
        error.code() == Code::EngineLost
            || (!may_go_for_all && self.saved_at().elapsed() >= self.pace.give_up_after)
    }

    /// Returns when the lease is as good as lost: other workers write, and this one could not renew it for too long. It looks
    /// from the time on when a beat of ours is overdue, by the monotonic clock; reads work when writes do not.
    async fn look_at_others(&self, store: &Store) -> Error {
        let Pace { beat_every, beat_again, give_up_after, line } = self.pace;
        let saved_at = self.saved_at();
        let overdue = (beat_every + beat_again).saturating_sub(saved_at.elapsed());
        tokio::time::sleep(overdue).await;
        let mut others = Others::default();
        loop {
            // What cannot be read says nothing; the beat itself tells how the database is.
            if let Ok(workers) = store.workers().await
                && others.look(&self.me.worker, &workers, line, Instant::now())
                && saved_at.elapsed() >= give_up_after
            {
                let length = saved_at.elapsed().as_secs();
                let doing = format!("save a beat for {length} seconds, while others could");
                return Error::new(Code::EngineLost, doing);
            }
            tokio::time::sleep(beat_again).await;
        }
    }

    /// Ends the life and, whatever the poller waits for, its handlers.
    fn lose(&self) {
        self.lost.cancel();
        self.handlers.cancel();
    }

    /// What became of a write of this worker: a refusal tells it where it stands.
    pub(super) fn heed<T>(&self, done: Result<T>) -> Result<T> {
        if let Err(error) = &done {
            if error.code() == Code::EngineReplaced {
                self.replaced();
            } else if error.code() == Code::EngineLost {
                self.lose();
            }
        }
        done
    }
}

/// Why a life is over whose beats are saved: other programs cannot see any more what it runs. A file that is damaged ends
/// the engine by itself, and what could not be read is read again with the next beat.
async fn is_forgotten(store: &Store, registered: &Arc<Registration>) -> Option<Error> {
    let looking = async {
        store.expect_registered(Arc::clone(registered)).await?;
        store.keep_queues(Arc::clone(registered)).await
    };
    // A look that waits must not hold up the next beat.
    let looked = tokio::time::timeout(LOOK_WITHIN, looking).await.unwrap_or_else(|_| {
        let why = format!("the database gave no answer within {LOOK_WITHIN:?}");
        Err(Error::new(Code::StoreIo, "read it").because(why))
    });
    match looked {
        Err(error) if error.code() == Code::EngineLost => return Some(error),
        Ok(true) => {}
        Ok(false) => {
            warn_coded!(Code::StoreChanged, "the limits that programs registered hold again");
        }
        Err(error) => {
            warn_coded!(Code::EnginePoll, "look at what this process registered: {error}");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::sync::mpsc;
    use tokio::task::JoinSet;

    const SHORT: Pace = Pace {
        beat_every: Duration::from_millis(20),
        beat_again: Duration::from_millis(10),
        give_up_after: Duration::from_millis(100),
        line: Duration::from_millis(50),
    };

    /// A life that has registered in a store of its own.
    async fn life(folder: &Path, clock: &Clock) -> (Arc<Life>, Store, Arc<Registration>) {
        let store = Store::open_scratch(&folder.join("jobs.db")).unwrap();
        let handlers = CancellationToken::new();
        let life = Life { pace: SHORT, ..Life::new(clock, &handlers) };
        let registration = Registration {
            worker: life.me.worker.clone(),
            process: life.me.process.clone(),
            is_server: false,
            kinds: Arc::new([]),
            limits: Vec::new(),
            slots: 10,
            replaces: None,
        };
        store.register(registration.clone(), clock.now()).await.unwrap();
        (Arc::new(life), store, Arc::new(registration))
    }

    #[tokio::test]
    async fn a_worker_whose_beat_hangs_while_others_beat_ends_its_handlers_by_itself() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::system());
        let (ours, store, said) = life(folder.path(), &clock).await;
        let (theirs, other, _) = life(folder.path(), &clock).await;
        let (let_go, held) = mpsc::channel::<()>();
        // Our writer hangs and holds no lock.
        let (mut hangs, mut beats) = (JoinSet::new(), JoinSet::new());
        hangs.spawn(store.clone().hang(held));
        beats.spawn(Arc::clone(&ours).beat(store.clone(), clock.clone(), said));
        let begun = Instant::now();
        while !ours.lost.is_cancelled() {
            assert!(begun.elapsed() < Duration::from_mins(1), "it goes on");
            other.beat(theirs.me.worker.clone(), clock.now()).await.unwrap();
        }
        assert!(ours.handlers.is_cancelled());
        beats.join_next().await.unwrap().unwrap();
        let rows = other.workers().await.unwrap();
        assert!(rows.iter().all(|row| row.lost_at.is_none()), "nobody had judged it lost");
        drop(let_go);
        hangs.join_next().await.unwrap().unwrap().unwrap_err();
    }
}
