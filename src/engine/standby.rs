//! Standing by: every process with an engine says that it is alive, and one that does not lead waits to lead.
//!
//! The leadership is a lock of the operating system. The lock ends with the process that holds it, and a process that
//! stands by has it half a second later. A process that *hangs* keeps the lock, though: a signal stopped it, or its
//! handlers block every thread of its runtime. On Linux the process that stands by kills it and then takes over; on other
//! systems it logs that it cannot kill it, and waits.
//!
//! A leader whose lock is no good any more, since its file was deleted, is another matter: the other one's take-over
//! has marked its row, its next look for work is refused, and it stands by itself. What it ran meanwhile is under
//! stale leases, which write nothing (P9).

mod judge;
mod process;

use crate::clock::Clock;
use crate::error::{Code, Result};
use crate::model::{KindFacts, KindRules, Process, ProcessFacts, Service, Worker, WorkerId};
use crate::store::{Leadership, Store};
use crate::{error_coded, warn_coded};
use judge::{Judge, Verdict};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};

/// How often a process that stands by tries to lead; P27 allows three seconds.
const LEAD_EVERY: Duration = Duration::from_millis(500);
/// How often a process says that it is alive.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(10);
/// Wait after a heartbeat that was not saved.
const HEARTBEAT_AGAIN: Duration = Duration::from_secs(1);
/// A row that has been silent for so long is removed even if nobody can tell whether its process is gone. One that lives
/// has a row again with its next heartbeat.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(1);

/// Who this process is.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    /// Its name, a new one at every start of an engine.
    pub(super) worker: WorkerId,
    pub(super) process: Process,
}

impl Identity {
    pub(super) fn new(clock: &Clock) -> Self {
        let (process, start) = (process::own(), clock.now().millis());
        let name = format!("{}-{start}-{:06}", process.pid, (clock.chance() * 1e6) as u32);
        let worker = WorkerId::parse(name).expect("a worker's name is short");
        Self { worker, process }
    }
}

/// The sign of life of this process. It has a task of its own, so that the poller's waits do not delay it.
pub(super) struct Heart {
    store: Store,
    clock: Clock,
    me: Identity,
    leads: watch::Receiver<bool>,
    /// What it has handlers for.
    kinds: Vec<KindFacts>,
    /// When a heartbeat was last saved.
    saved_at: watch::Sender<Option<Instant>>,
    /// Somebody wants one now.
    wanted: Notify,
}

impl Heart {
    /// The heart of `me`; `leads` says whether it leads.
    pub(super) fn new(
        store: Store,
        clock: Clock,
        me: Identity,
        leads: watch::Receiver<bool>,
    ) -> Self {
        let (saved_at, wanted) = (watch::Sender::new(None), Notify::new());
        Self { store, clock, me, leads, kinds: Vec::new(), saved_at, wanted }
    }

    /// The same of a process that has handlers for these kinds.
    pub(super) fn running(mut self, kinds: &[KindRules]) -> Self {
        self.kinds = kinds.iter().map(KindFacts::of).collect();
        self
    }

    /// Beats until it is dropped, at once when the process has something new to say. A jump of the date neither delays nor
    /// hastens it (P19).
    pub(super) async fn serve(self: Arc<Self>) {
        let mut said = self.store.says_changed();
        loop {
            said.borrow_and_update();
            let wait = match self.run_once().await {
                Ok(()) => HEARTBEAT_EVERY,
                Err(error) => {
                    warn_coded!(Code::EnginePoll, "say that this process is alive: {error}");
                    HEARTBEAT_AGAIN
                }
            };
            tokio::select! {
                () = self.clock.sleep(wait) => {}
                () = self.wanted.notified() => {}
                Ok(()) = said.changed() => {}
            }
        }
    }

    async fn run_once(&self) -> Result<()> {
        let Identity { worker, process } = self.me.clone();
        let facts = ProcessFacts { kinds: self.kinds.clone(), ..self.store.says() };
        self.store.heartbeat(worker, process, facts, self.clock.now()).await?;
        self.saved_at.send_replace(Some(Instant::now()));
        let leads = *self.leads.borrow();
        if leads { self.sweep().await } else { Ok(()) }
    }

    /// Removes the rows of workers that are gone. The caller leads.
    pub(super) async fn sweep(&self) -> Result<()> {
        let now = self.clock.now();
        let gone = |other: &Worker| {
            other.id != self.me.worker
                && (process::is_gone(&other.process)
                    || now.since(other.heartbeat_at) >= FORGOTTEN_AFTER)
        };
        for other in self.store.workers().await?.into_iter().filter(gone) {
            self.store.retire(other.id).await?;
        }
        Ok(())
    }
}

/// Waits for the leadership of a database.
pub(super) struct Standby<'a> {
    store: &'a Store,
    clock: &'a Clock,
    heart: &'a Heart,
    judge: Judge,
}

impl<'a> Standby<'a> {
    pub(super) fn new(store: &'a Store, clock: &'a Clock, heart: &'a Heart) -> Self {
        Self { store, clock, heart, judge: Judge::default() }
    }

    /// Returns with the leadership. Cancel safe.
    pub(super) async fn serve(mut self) -> Leadership {
        loop {
            self.clock.sleep(LEAD_EVERY).await;
            let looked = self.run_once().await;
            let ended = looked.as_ref().map(|found| match found {
                Some(_) => "took the lead".to_owned(),
                None => "another process leads".to_owned(),
            });
            self.store.ran(&Service::Standby, self.clock.now(), ended);
            match looked {
                Ok(Some(leadership)) => return leadership,
                Ok(None) => {}
                Err(error) => error_coded!(Code::EnginePoll, "try to lead: {error}"),
            }
        }
    }

    /// Tries to lead, else looks after who does.
    async fn run_once(&mut self) -> Result<Option<Leadership>> {
        if let Some(leadership) = self.store.try_lead()? {
            return Ok(Some(leadership));
        }
        let leader = self.store.workers().await?.into_iter().find(|worker| worker.leads);
        // Another engine of this process does not hang, because this one does not.
        if let Some(leader) = leader.filter(|leader| leader.process != self.heart.me.process) {
            self.look_after(&leader);
        }
        Ok(None)
    }

    fn look_after(&mut self, leader: &Worker) {
        let now = Instant::now();
        // A signal may have stopped the leader in the middle of a write. Its write lock then keeps us from writing too.
        let stopped = process::is_stopped(&leader.process).then_some(now);
        let proof = stopped.or(*self.heart.saved_at.borrow());
        match self.judge.look(leader, proof, now) {
            Verdict::Alive => {}
            Verdict::Doubtful => self.heart.wanted.notify_one(),
            Verdict::Hung => {
                // If it does not die of this, it is judged anew.
                self.judge = Judge::default();
                end(leader);
            }
        }
    }
}

/// Kills a leader that hangs, so that its lock falls.
fn end(leader: &Worker) {
    let (id, pid) = (&leader.id, leader.process.pid);
    match process::kill(&leader.process) {
        Ok(()) => warn_coded!(
            Code::EngineHung,
            "killed process {pid} (worker {id}): it led the engine and had not said for 30 seconds that it was alive"
        ),
        Err(error) => warn_coded!(
            Code::EngineHangs,
            "process {pid} (worker {id}) leads the engine, has not said for 30 seconds that it is alive, and cannot be killed: {error}"
        ),
    }
}
