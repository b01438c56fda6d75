//! Leading and standing by: one worker leads, and every other one waits to lead.
//!
//! Who leads is a row with an epoch, and a lock of the operating system tells at once that the leader is dead: who gets
//! the lock leads, unless another worker than the dead one has taken the lead without it. A leader that *stands still*
//! keeps the lock; another worker that has seen its beat stand still for a lease leads by a new epoch, without the lock,
//! and every write of the old one as a leader is refused from then on (P9).
//!
//! A `lamplighter serve` leads before any other program, since the work of a server (following logs, filing findings) goes
//! with the lead: a program that leads gives the lead up when a server comes.
//!
//! The leader judges all others: a worker whose process is gone is lost at once, one whose beat stands still is lost
//! after the lease. A lost worker's jobs are rescued, and it registers anew if it still lives. No process is killed, with
//! one exception that hardens: a `lamplighter serve` kills another `lamplighter serve` that hangs with the lock.

mod judge;

use super::inspector::Inspector;
use super::life::Life;
use super::process;
use super::pruner::Pruner;
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::model::{Epoch, Leader, Process, Service, Worker, WorkerId};
use crate::store::{Leadership, Store};
use crate::{error_coded, warn_coded};
use judge::{Judge, Verdict};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often a worker that stands by tries to lead; P27 allows three seconds.
const LEAD_EVERY: Duration = Duration::from_millis(500);
/// How often the leader looks after the other workers.
const JUDGE_EVERY: Duration = Duration::from_secs(1);

/// What a worker that stands by has found.
enum Free {
    /// The leader lives.
    No,
    /// The lead is free. If its last holder is known to be dead, this is its name.
    Yes(Option<WorkerId>),
}

/// Takes the lead when it is free, and looks after the others while it leads.
pub(super) struct Overseer {
    store: Store,
    clock: Clock,
    life: Arc<Life>,
    is_server: bool,
    lock: Option<Leadership>,
    /// Whether the lead was taken in the epoch that `life` knows.
    led: bool,
    /// What is known of the others' beats; `None`: of the row of leading while no worker has it.
    judges: HashMap<Option<WorkerId>, Judge>,
    pruning: JoinSet<()>,
    /// The process that was killed last: the system may take a moment to end it.
    killed: Option<Process>,
}

impl Overseer {
    /// The overseer of one life of this process; `is_server`: it is `lamplighter serve`.
    pub(super) fn new(store: &Store, clock: &Clock, life: &Arc<Life>, is_server: bool) -> Self {
        Self {
            store: store.clone(),
            clock: clock.clone(),
            life: Arc::clone(life),
            is_server,
            lock: None,
            led: false,
            judges: HashMap::new(),
            pruning: JoinSet::new(),
            killed: None,
        }
    }

    /// Works until `quit` is cancelled, then gives the lead up.
    pub(super) async fn serve(mut self, quit: CancellationToken) {
        while !quit.is_cancelled() {
            let looked = self.run_once().await;
            let leads = self.life.leads.borrow().is_some();
            if let Err(error) = &looked {
                error_coded!(Code::EnginePoll, "look after the other processes: {error}");
            }
            if !leads {
                let said = looked.map(|()| "another process leads".to_owned());
                self.store.ran(&Service::Standby, self.clock.now(), said);
            }
            tokio::select! {
                () = self.clock.sleep(if leads { JUDGE_EVERY } else { LEAD_EVERY }) => {}
                () = quit.cancelled() => {}
            }
        }
        self.give_up().await;
    }

    async fn run_once(&mut self) -> Result<()> {
        let epoch = *self.life.leads.borrow();
        let workers = self.store.workers().await?;
        let others = workers.iter().map(|worker| Some(worker.id.clone()));
        let known: HashSet<_> = others.chain([None]).collect();
        self.judges.retain(|id, _| known.contains(id));
        if epoch.is_none() && self.led {
            // Another worker has taken over: the lock, if there is one, is worth nothing any more.
            self.stop_leading().await;
        }
        if !self.is_server && self.server_lives(&workers) {
            self.stop_leading().await;
            return Ok(());
        }
        let epoch = match epoch {
            Some(epoch) => Some(epoch),
            None => self.try_to_lead(&workers).await?,
        };
        let Some(epoch) = epoch else { return Ok(()) };
        let looked = self.look_after_all(&workers, epoch).await;
        let is_told =
            |error: &Error| [Code::EngineReplaced, Code::EngineLost].contains(&error.code());
        self.life.heed(looked).or_else(|error| if is_told(&error) { Ok(()) } else { Err(error) })
    }

    /// Whether a server is at work, which leads or will in a moment.
    fn server_lives(&mut self, workers: &[Worker]) -> bool {
        let servers = workers.iter().filter(|other| other.is_server && other.lost_at.is_none());
        let mut servers = servers.filter(|other| !process::is_gone(&other.process));
        servers.any(|server| !self.is_silent(Some(&server.id), server.beat, Some(server)))
    }

    /// Gives up the lead, and the lock, if this worker has them.
    async fn stop_leading(&mut self) {
        self.led = false;
        self.pruning.shutdown().await;
        let epoch = self.life.leads.send_replace(None);
        if let Some(epoch) = epoch
            && let Err(error) = self.store.resign(self.life.me.worker.clone(), epoch).await
        {
            tracing::info!(%error, "the lead could not be given up; its lock tells the others");
        }
        if let Some(lock) = self.lock.take() {
            lock.give_up();
        }
    }

    async fn try_to_lead(&mut self, workers: &[Worker]) -> Result<Option<Epoch>> {
        let me = self.life.me.worker.clone();
        let leader = self.store.leader().await?;
        if self.lock.is_none() {
            self.lock = self.store.try_lead(&me)?;
        }
        let died = self.lock.as_ref().map(|lock| lock.died().cloned());
        let free = match died {
            Some(Some(died)) if self.lives_without_lock(&leader, &died, workers) => {
                if let Some(lock) = self.lock.take() {
                    lock.put_back();
                }
                return Ok(None);
            }
            Some(died) => Free::Yes(died),
            None => self.judge_leader(&leader, workers),
        };
        let Free::Yes(died) = free else { return Ok(None) };
        let taken = self.store.lead(me, leader.epoch, died, self.clock.now()).await;
        let Some(epoch) = self.life.heed(taken)? else { return Ok(None) };
        self.led = true;
        let pruner = Pruner { store: self.store.clone(), clock: self.clock.clone() };
        self.pruning.spawn(pruner.serve());
        let (inspection, clock) = (self.store.inspection(), self.clock.clone());
        self.pruning.spawn(Inspector { inspection, clock }.serve());
        tracing::info!("this process leads the engine");
        self.life.leads.send_replace(Some(epoch));
        Ok(Some(epoch))
    }

    /// Whether another worker than the one that died with the lock leads and lives: it led before the lock was free, and
    /// takes it with its next look.
    fn lives_without_lock(&mut self, leader: &Leader, died: &WorkerId, workers: &[Worker]) -> bool {
        let leads = |worker: &&Worker| Some(&worker.id) == leader.worker.as_ref();
        let other = workers.iter().find(leads).filter(|worker| worker.id != *died);
        other.is_some_and(|worker| {
            worker.lost_at.is_none()
                && worker.id != self.life.me.worker
                && !process::is_gone(&worker.process)
                && !self.is_silent(Some(&worker.id), worker.beat, Some(worker))
        })
    }

    /// Whether the leader, which another worker than this one is and whose lock is held, is dead or hangs.
    fn judge_leader(&mut self, leader: &Leader, workers: &[Worker]) -> Free {
        let of_leader = |worker: &&Worker| Some(&worker.id) == leader.worker.as_ref();
        let Some(worker) = workers.iter().find(of_leader) else {
            // Nobody leads although somebody has the lock: it takes the lead in a moment, or hangs.
            let holder = self.store.lock_holder();
            let holder = workers.iter().find(|worker| Some(&worker.id) == holder.as_ref());
            let hangs = self.is_silent(None, leader.epoch.0, holder);
            return if hangs { self.free_of(holder) } else { Free::No };
        };
        if process::is_gone(&worker.process) {
            return Free::Yes(Some(worker.id.clone()));
        }
        let hangs = self.is_silent(Some(&worker.id), worker.beat, Some(worker));
        if hangs { self.free_of(Some(worker)) } else { Free::No }
    }

    /// The lead that a worker which hangs leaves behind. It is ended before anything is written: one that was stopped in the
    /// middle of a write keeps every other process from writing, the new leader's first row too.
    fn free_of(&mut self, hung: Option<&Worker>) -> Free {
        if let Some(hung) = hung {
            self.end(hung);
        }
        Free::Yes(None)
    }

    /// Marks the workers lost that are dead or whose lease is over.
    async fn look_after_all(&mut self, workers: &[Worker], epoch: Epoch) -> Result<()> {
        let me = self.life.me.worker.clone();
        if self.lock.is_none() {
            self.lock = self.store.try_lead(&me)?;
        }
        let mut gone = Vec::new();
        for worker in workers.iter().filter(|other| other.id != me && other.lost_at.is_none()) {
            if process::is_gone(&worker.process)
                || self.is_silent(Some(&worker.id), worker.beat, Some(worker))
            {
                self.end(worker);
                gone.push((worker.id.clone(), worker.beat));
            }
        }
        if gone.is_empty() && workers.iter().all(|worker| worker.lost_at.is_none()) {
            return Ok(());
        }
        let lost = self.store.bury((me, epoch), gone, self.clock.now()).await?;
        for worker in workers.iter().filter(|worker| lost.contains(&worker.id)) {
            let (id, pid) = (&worker.id, worker.process.pid);
            if process::is_gone(&worker.process) {
                // A person or the system ended it; what it ran is told job by job.
                tracing::info!("process {pid} (worker {id}) is gone: its jobs run elsewhere");
                continue;
            }
            warn_coded!(
                Code::EngineBuried,
                "process {pid} (worker {id}) has not said for 30 seconds that it is alive: its jobs run elsewhere"
            );
        }
        Ok(())
    }

    /// Whether the beat of a worker has stood still for a lease in which nothing kept it from beating.
    fn is_silent(&mut self, id: Option<&WorkerId>, beat: i64, worker: Option<&Worker>) -> bool {
        let now = Instant::now();
        // A signal may have stopped the worker in the middle of a write. Its write lock then keeps us from writing too.
        let is_stopped = worker.is_some_and(|worker| process::is_stopped(&worker.process));
        let proof = if is_stopped { now } else { self.life.saved_at() };
        let judge = self.judges.entry(id.cloned()).or_default();
        match judge.look(beat, proof, now) {
            Verdict::Alive => false,
            Verdict::Doubtful => {
                self.life.want_beat();
                false
            }
            Verdict::Silent => true,
        }
    }

    /// Kills a worker that hangs while it holds the lock, if it and this process are both `lamplighter serve`: its sessions'
    /// processes end with it. A row alone is no proof: in a copy of a file that is served, it names a server that lives.
    fn end(&mut self, worker: &Worker) {
        let both_serve = self.is_server && worker.is_server;
        let holds_the_lock =
            self.lock.is_none() && self.store.lock_holder().as_ref() == Some(&worker.id);
        // Another engine of this process does not hang, because this one does not.
        if !both_serve
            || !holds_the_lock
            || worker.process == self.life.me.process
            || self.killed.as_ref() == Some(&worker.process)
            || process::is_gone(&worker.process)
        {
            return;
        }
        let (id, pid) = (&worker.id, worker.process.pid);
        match process::kill(&worker.process) {
            Ok(()) => {
                self.killed = Some(worker.process.clone());
                warn_coded!(
                    Code::EngineHung,
                    "killed process {pid} (worker {id}): it had not said for 30 seconds that it was alive"
                );
            }
            Err(error) => warn_coded!(
                Code::EngineHangs,
                "process {pid} (worker {id}) has not said for 30 seconds that it is alive, and cannot be killed: {error}"
            ),
        }
    }

    /// Lets another worker lead at once, while this one ends its jobs.
    async fn give_up(mut self) {
        if self.is_server
            && let Err(error) = self.store.serve_no_more(self.life.me.worker.clone()).await
        {
            tracing::info!(%error, "other programs lead when this server has ended");
        }
        self.stop_leading().await;
    }
}
