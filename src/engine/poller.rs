//! The poller: the one service of a process that claims.
//!
//! Every process with an engine polls: it claims for its own free slots and its own kinds, one process after the other
//! through the database's write lock, so that limits and keys hold over all of them. The poller of the one that leads
//! does in the same transaction what is done for all: it rescues, resumes, fires, makes due and admits.

use super::executor::{EndNotice, Run};
use super::handler::Handler;
use super::life::Life;
use super::metrics::Recorder;
use super::standby::Overseer;
use super::sweep::{Preparation, Sweeper};
use super::{Settings, Stop, set_back};
use crate::clock::Clock;
use crate::error::{Code, Result};
use crate::model::{
    Differing, Job, JobId, Kind, KindRules, Lane, PollRequest, Polled, Queue, QueueState,
    Registration, Service, Settlement, Timestamp, WorkerId,
};
use crate::store::Store;
use crate::{error_coded, warn_coded};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};
use tokio::task::{self, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// How often a worker looks although nothing woke it.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Wait after an error before the next look.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long no process may have a handler for a kind before its jobs leave the claim order: a restart is shorter.
const ABANDONED_AFTER: Duration = Duration::from_mins(1);

pub(super) struct Poller {
    store: Store,
    clock: Clock,
    metrics: Arc<Recorder>,
    settings: Settings,
    kinds: Arc<[KindRules]>,
    /// One for each of `kinds`, in the same order.
    handlers: Vec<(Handler, Arc<KindRules>)>,
    /// Where the unblocking of what earlier processes left waiting goes on; `None`: it is done.
    blocked: Option<String>,
    /// Clears what lost workers have left outside of the database.
    sweeper: Sweeper,
    /// Since when no process has had a handler for a kind that jobs in the claim order are of.
    unhandled: HashMap<Kind, Instant>,
    /// One task per running job.
    running: JoinSet<()>,
    /// The job of each task.
    held: HashMap<task::Id, Held>,
    /// Notified when the end of a job has been sent to the database.
    ends_sent: Arc<Notify>,
    stop: Stop,
}

/// A job that runs here.
struct Held {
    job: JobId,
    /// Whose slot it holds.
    queue: Queue,
    cancel: CancellationToken,
    end_notice: Arc<EndNotice>,
}

/// Why a life of a worker has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// The engine stops.
    Stopped,
    /// The lease is lost.
    Lost,
    /// The database is not to be trusted any more: what ended here cannot be saved.
    Broken,
}

impl Poller {
    pub(super) fn new(
        (store, clock, metrics): (Store, Clock, Arc<Recorder>),
        (kinds, handlers): (Vec<KindRules>, Vec<Handler>),
        settings: Settings,
        preparations: Vec<Preparation>,
        stop: Stop,
    ) -> Self {
        let handlers =
            handlers.into_iter().zip(kinds.iter().map(|rules| Arc::new(rules.clone()))).collect();
        Self {
            store,
            clock,
            metrics,
            settings,
            kinds: kinds.into(),
            handlers,
            blocked: None,
            sweeper: Sweeper::new(preparations),
            unhandled: HashMap::new(),
            running: JoinSet::new(),
            held: HashMap::new(),
            ends_sent: Arc::new(Notify::new()),
            stop,
        }
    }

    /// Registers, claims and runs until the stop, then waits for what runs. After the loss of its lease it begins anew.
    pub(super) async fn serve(mut self, leads: watch::Sender<bool>) {
        let mut before = None;
        while let Some(life) = self.register(before.take()).await {
            let left = self.live(&life, &leads).await;
            leads.send_replace(false);
            if left == Left::Broken {
                break;
            }
            if left == Left::Stopped {
                let retired = self.store.retire(life.me.worker.clone(), self.clock.now()).await;
                if let Err(error) = retired {
                    tracing::info!(%error, "the row of this worker could not be removed; the process that leads removes it");
                }
                break;
            }
            before = Some(life.me.worker.clone());
        }
    }

    /// Begins a life; `None` if the stop came first. `replaces` is the name of the one before.
    async fn register(&mut self, replaces: Option<WorkerId>) -> Option<Arc<Life>> {
        while !self.stop.claims.is_cancelled() {
            let life = Life::new(&self.clock, &self.stop.handlers);
            let registration =
                Registration { replaces: replaces.clone(), ..self.registration(&life) };
            match self.store.register(registration, self.clock.now()).await {
                Ok(differing) => {
                    warn_of(&differing);
                    self.blocked = Some(String::new());
                    return Some(Arc::new(life));
                }
                Err(error) => error_coded!(Code::EnginePoll, "register this process: {error}"),
            }
            if self.store.check_trust().is_err() {
                return None;
            }
            tokio::select! {
                () = self.clock.sleep(LOOK_AGAIN) => {}
                () = self.stop.claims.cancelled() => {}
            }
        }
        None
    }

    /// What a life says when it begins.
    fn registration(&self, life: &Life) -> Registration {
        Registration {
            worker: life.me.worker.clone(),
            process: life.me.process.clone(),
            is_server: self.settings.is_server,
            kinds: Arc::clone(&self.kinds),
            limits: self.settings.limits.clone().into_iter().collect(),
            slots: QueueState::DEFAULT_LIMIT,
            replaces: None,
        }
    }

    /// Works until the engine stops or the lease is lost, and no job runs here any more.
    async fn live(&mut self, life: &Arc<Life>, leads: &watch::Sender<bool>) -> Left {
        let (mut helpers, quit) = (JoinSet::new(), CancellationToken::new());
        let said = Arc::new(self.registration(life));
        helpers.spawn(Arc::clone(life).beat(self.store.clone(), self.clock.clone(), said));
        let leads_now = life.leads.subscribe();
        helpers.spawn(set_back::serve(self.store.clone(), self.clock.clone(), leads_now));
        let store = self.store.clone();
        helpers.spawn(hear_of_commits(store, self.clock.clone()));
        let overseer = Overseer::new(&self.store, &self.clock, life, self.settings.is_server);
        let mut leading = JoinSet::new();
        leading.spawn(overseer.serve(quit.clone()));
        let mut left = self.claim_until_left(life, leads).await;
        quit.cancel();
        leads.send_replace(false);
        while let Some(ended) = leading.join_next().await {
            if let Err(error) = ended {
                error_coded!(Code::EnginePoll, "look after the other processes: {error}");
            }
        }
        if left == Left::Stopped {
            left = self.drain(life).await;
        }
        if left != Left::Stopped {
            self.end_all(life).await;
        }
        helpers.shutdown().await;
        left
    }

    /// Waits for the running jobs. A person can cancel them meanwhile (P20).
    async fn drain(&mut self, life: &Life) -> Left {
        let mut changes = self.store.changes();
        while !life.lost.is_cancelled() {
            changes.borrow_and_update();
            if !self.running.is_empty()
                && let Err(error) = self.run_once(life).await
            {
                tracing::info!(%error, "requests to cancel could not be read");
            }
            // The look has joined what had ended.
            if self.running.is_empty() {
                self.held.clear();
                return Left::Stopped;
            }
            if self.store.check_trust().is_err() {
                return Left::Broken;
            }
            tokio::select! {
                Some(ended) = self.running.join_next_with_id() => self.free(ended),
                Ok(()) = changes.changed() => {}
                () = life.lost.cancelled() => {}
                _ = self.store.trust_lost() => {}
                else => {}
            }
        }
        Left::Lost
    }

    /// Ends every handler of a life whose lease is lost, and the processes of those that wind up. What they answer is
    /// written nowhere: the jobs run elsewhere.
    async fn end_all(&mut self, life: &Life) {
        life.handlers.cancel();
        while let Some(ended) = self.running.join_next_with_id().await {
            self.free(ended);
        }
        self.held.clear();
    }

    async fn claim_until_left(&mut self, life: &Life, leads: &watch::Sender<bool>) -> Left {
        let mut changes = self.store.changes();
        let mut leading = life.leads.subscribe();
        while !self.stop.claims.is_cancelled() {
            if self.store.check_trust().is_err() {
                return Left::Broken;
            }
            if life.lost.is_cancelled() {
                return Left::Lost;
            }
            changes.borrow_and_update();
            let epoch = *leading.borrow_and_update();
            let wake_at = match self.run_once(life).await {
                Ok(polled) if polled.more => Some(self.clock.now()),
                Ok(polled) => polled.wake_at,
                Err(error) if [Code::EngineReplaced, Code::EngineLost].contains(&error.code()) => {
                    continue;
                }
                Err(error) => {
                    warn_coded!(Code::EnginePoll, "look for work: {error}");
                    // A look before the pause is over would meet the same error.
                    tokio::select! {
                        () = self.clock.sleep(LOOK_AGAIN) => {}
                        () = self.stop.claims.cancelled() => {}
                        () = life.lost.cancelled() => {}
                    }
                    continue;
                }
            };
            leads.send_if_modified(|leads| std::mem::replace(leads, epoch.is_some()) != *leads);
            tokio::select! {
                () = self.stop.claims.cancelled() => {}
                () = life.lost.cancelled() => {}
                _ = self.store.trust_lost() => {}
                closed = changes.changed() => if closed.is_err() { break },
                Ok(()) = leading.changed() => {}
                () = self.ends_sent.notified() => {}
                Some(ended) = self.running.join_next_with_id() => self.free(ended),
                () = self.sweeper.done(&self.clock) => {}
                () = due(&self.clock, wake_at) => {}
                () = self.clock.sleep(LOOK_EVERY) => {}
            }
        }
        Left::Stopped
    }

    /// Looks once: claims what fits and starts it.
    async fn run_once(&mut self, life: &Life) -> Result<Polled> {
        while let Some(ended) = self.running.try_join_next_with_id() {
            self.free(ended);
        }
        if let Some(after) = self.blocked.clone() {
            self.blocked = self.store.unblock(Arc::clone(&self.kinds), after).await?;
        }
        let request = self.request(life);
        let leads = request.leads.is_some();
        let begun = Instant::now();
        let polled = life.heed(self.store.poll(request, self.clock.now()).await);
        self.metrics.polled(begun.elapsed());
        self.tell(&polled, leads);
        let mut polled = polled?;
        for (job, after) in &polled.rescued {
            report_rescue(job, after);
        }
        for held in self.held.values().filter(|held| polled.cancelled.contains(&held.job)) {
            held.cancel.cancel();
        }
        for job in std::mem::take(&mut polled.claimed) {
            self.start(life, job);
        }
        self.sweeper.sweep(&polled.unswept);
        let now = Instant::now();
        self.unhandled.retain(|kind, _| polled.unhandled.contains(kind));
        for kind in &polled.unhandled {
            self.unhandled.entry(kind.clone()).or_insert(now);
        }
        polled.more |= self.blocked.is_some();
        Ok(polled)
    }

    fn request(&mut self, life: &Life) -> PollRequest {
        let is_abandoned = |since: &&Instant| since.elapsed() >= ABANDONED_AFTER;
        let abandoned = self.unhandled.iter().filter(|(_, since)| is_abandoned(since));
        PollRequest {
            worker: life.me.worker.clone(),
            kinds: Arc::clone(&self.kinds),
            lanes: self.lanes(),
            running: self.held.values().map(|held| held.job).collect(),
            draining: self.stop.claims.is_cancelled(),
            leads: *life.leads.borrow(),
            swept: self.sweeper.swept(),
            abandoned: abandoned.map(|(kind, _)| kind.clone()).collect(),
        }
    }

    /// Says how a look ended.
    fn tell(&self, polled: &Result<Polled>, leads: bool) {
        let now = self.clock.now();
        let claimed =
            polled.as_ref().map(|polled| format!("claimed {} jobs", polled.claimed.len()));
        self.store.ran(&Service::Poller, now, claimed);
        if leads {
            let fired =
                polled.as_ref().map(|polled| format!("{} schedules were due", polled.schedules));
            self.store.ran(&Service::Scheduler, now, fired);
        }
    }

    /// Every queue of which this process says how many jobs it runs, and those of which a job runs here.
    fn lanes(&self) -> Vec<Lane> {
        let lane = |queue: &Queue, slots| Lane { queue: queue.clone(), running: 0, slots };
        let mut lanes: BTreeMap<&Queue, Lane> = self
            .settings
            .slots
            .iter()
            .map(|(queue, slots)| (queue, lane(queue, Some(*slots))))
            .collect();
        // The slot of a job whose end has been sent is free: that call is before this look in the writer's line.
        for Held { queue, .. } in self.held.values().filter(|held| !held.end_notice.is_sent()) {
            lanes.entry(queue).or_insert_with(|| lane(queue, None)).running += 1;
        }
        lanes.into_values().collect()
    }

    fn start(&mut self, life: &Life, job: Job) {
        let kind = self.kinds.iter().position(|rules| rules.kind == job.kind);
        let (Some(kind), Some(lease), Some(queue)) = (kind, job.lease(), job.queue.clone()) else {
            // A worker claims its own kinds, and admission gives every job a queue.
            unreachable!("claimed job {} without a kind, a lease or a queue", job.id)
        };
        let (handler, rules) = &self.handlers[kind];
        let (cancel, end_notice) = (CancellationToken::new(), EndNotice::new(&self.ends_sent));
        let held = Held { job: job.id, queue, cancel, end_notice };
        let stop = Stop { handlers: life.handlers.clone(), ..self.stop.clone() };
        let run = Run {
            store: self.store.clone(),
            clock: self.clock.clone(),
            metrics: Arc::clone(&self.metrics),
            stop,
            handler: Arc::clone(handler),
            rules: Arc::clone(rules),
            cancel: held.cancel.clone(),
            end_notice: Arc::clone(&held.end_notice),
            job: Arc::new(job),
            lease,
        };
        let task = self.running.spawn(run.execute());
        self.held.insert(task.id(), held);
    }

    /// Frees the slot of a job that has ended, even if its task panicked.
    fn free(&mut self, ended: std::result::Result<(task::Id, ()), JoinError>) {
        let task = match ended {
            Ok((task, ())) => task,
            Err(error) => {
                error_coded!(Code::HandlerPanicked, "a job's task ended: {error}");
                error.id()
            }
        };
        self.held.remove(&task);
    }
}

/// Hears of other programs' commits until the database is closed.
async fn hear_of_commits(store: Store, clock: Clock) {
    while let Err(error) = store.watch_foreign_commits().await {
        if error.code() == Code::StoreClosed {
            return;
        }
        warn_coded!(Code::StoreWatch, "watch for other programs' commits: {error}");
        clock.sleep(LOOK_AGAIN).await;
    }
}

/// Returns when the instant is reached, if there is one.
async fn due(clock: &Clock, at: Option<Timestamp>) {
    match at {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn warn_of(differing: &Differing) {
    if !differing.kinds.is_empty() {
        let names: Vec<_> = differing.kinds.iter().map(Kind::as_str).collect();
        warn_coded!(
            Code::EngineKinds,
            "another process has registered other rules for {}: those of this process hold now",
            names.join(", ")
        );
    }
    if !differing.queues.is_empty() {
        let names: Vec<_> = differing.queues.iter().map(Queue::as_str).collect();
        warn_coded!(
            Code::EngineLimits,
            "another process has registered another limit for {}: that of this process holds now",
            names.join(", ")
        );
    }
}

fn report_rescue(job: &Job, after: &Settlement) {
    let (id, kind, status) = (job.id, &job.kind, after.status);
    let error = after.error.as_ref().map(|error| error.code.as_str());
    if error == Some(Code::PoisonPill.as_str()) {
        let crashes = after.interrupted;
        warn_coded!(
            Code::PoisonPill,
            "job {id} ({kind}) was lost {crashes} times with its worker and has failed"
        );
    } else if error == Some(Code::Interrupted.as_str()) {
        warn_coded!(
            Code::Interrupted,
            "job {id} ({kind}) was lost with its worker and has failed: it must not run twice"
        );
    } else {
        tracing::info!("job {id} ({kind}) was lost with its worker and is {status} now");
    }
}
