//! The poller: the one service that claims.

use super::executor::Run;
use super::handler::Handler;
use super::pruner::Pruner;
use super::standby::{Heart, Identity, Standby};
use super::{Preparation, Stop};
use crate::clock::Clock;
use crate::error::{Code, Result, ignore};
use crate::model::{
    Job, JobId, KindRules, Lane, PollRequest, Polled, Queue, QueueState, Service, Settlement,
    Timestamp,
};
use crate::store::{Leadership, Store};
use crate::{error_coded, warn_coded};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{self, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// How often the leader looks although nothing woke it.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Wait after an error before the next look.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

pub(super) struct Poller {
    store: Store,
    clock: Clock,
    /// Who claims.
    me: Identity,
    kinds: Arc<[KindRules]>,
    /// One for each of `kinds`, in the same order.
    handlers: Vec<(Handler, Arc<KindRules>)>,
    /// The limit of each queue that has one, unless an operator set another.
    limits: BTreeMap<Queue, u32>,
    /// Where the unblocking of the jobs of an earlier leader goes on; `None`: it is done.
    blocked: Option<String>,
    /// What is done before each lead.
    before_leading: Vec<Preparation>,
    /// One task per running job.
    running: JoinSet<()>,
    /// The job of each task.
    held: HashMap<task::Id, Held>,
    stop: Stop,
}

/// A job that runs here.
struct Held {
    job: JobId,
    /// Whose slot it holds.
    queue: Queue,
    cancel: CancellationToken,
}

/// Why a leader does not claim any more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// The engine stops.
    Stopped,
    /// Another process has taken over.
    Replaced,
}

impl Poller {
    pub(super) fn new(
        store: Store,
        clock: Clock,
        kinds: Vec<KindRules>,
        handlers: Vec<Handler>,
        limits: BTreeMap<Queue, u32>,
        stop: Stop,
    ) -> Self {
        let me = Identity::new(&clock);
        let handlers =
            handlers.into_iter().zip(kinds.iter().map(|rules| Arc::new(rules.clone()))).collect();
        let kinds = kinds.into();
        Self {
            store,
            clock,
            me,
            kinds,
            handlers,
            limits,
            blocked: None,
            before_leading: Vec::new(),
            running: JoinSet::new(),
            held: HashMap::new(),
            stop,
        }
    }

    /// The same with something to do before each lead.
    pub(super) fn preparing(self, before_leading: Vec<Preparation>) -> Self {
        Self { before_leading, ..self }
    }

    /// Stands by, leads, claims and runs until the stop, then waits for what runs.
    pub(super) async fn serve(
        mut self,
        mut leadership: Option<Leadership>,
        leads: watch::Sender<bool>,
    ) {
        let (store, clock) = (self.store.clone(), self.clock.clone());
        let heart = Heart::new(store, clock, self.me.clone(), leads.subscribe());
        let heart = Arc::new(heart.running(&self.kinds));
        let mut beating = JoinSet::new();
        beating.spawn(Arc::clone(&heart).serve());
        while let Some(_leadership) = self.lead(leadership.take(), &heart).await {
            let left = self.work(&leads).await;
            leads.send_replace(false);
            if left == Left::Stopped {
                break;
            }
        }
        beating.shutdown().await;
        if let Err(error) = self.store.retire(self.me.worker.clone()).await {
            tracing::info!(%error, "the row of this worker could not be removed; the next start removes it");
        }
    }

    /// Waits for the leadership and takes the database over; `None` if the stop came first.
    async fn lead(
        &mut self,
        mut leadership: Option<Leadership>,
        heart: &Heart,
    ) -> Option<Leadership> {
        loop {
            if let Some(leadership) = leadership.take() {
                match self.take_over(heart).await {
                    Ok(()) => return Some(leadership),
                    Err(error) => error_coded!(Code::EnginePoll, "take over the engine: {error}"),
                }
            }
            tracing::info!(
                "another process leads the engine; this one stands by and takes over when the other one is gone"
            );
            let standby = Standby::new(&self.store, &self.clock, heart);
            tokio::select! {
                found = standby.serve() => leadership = Some(found),
                () = self.stop.claims.cancelled() => return None,
            }
        }
    }

    async fn take_over(&mut self, heart: &Heart) -> Result<()> {
        for prepare in &self.before_leading {
            prepare().await?;
        }
        let Identity { worker, process } = self.me.clone();
        self.store.take_over(worker, process, self.lanes(), self.clock.now()).await?;
        self.blocked = Some(String::new());
        if let Err(error) = heart.sweep().await {
            warn_coded!(Code::EnginePoll, "remove the workers that are gone: {error}");
        }
        tracing::info!("this process leads the engine");
        Ok(())
    }

    /// Runs jobs and does the other work of a leader, until the stop or a new leader comes and no job runs here any more.
    async fn work(&mut self, leads: &watch::Sender<bool>) -> Left {
        let mut helpers = JoinSet::new();
        let store = self.store.clone();
        helpers.spawn(async move {
            ignore(
                store.watch_foreign_commits().await,
                "nothing is committed to a closed database",
            );
        });
        let (store, clock, kinds) =
            (self.store.clone(), self.clock.clone(), Arc::clone(&self.kinds));
        helpers.spawn(Pruner { store, clock, kinds }.serve());
        let left = self.claim_until_left(leads).await;
        if left == Left::Replaced {
            leads.send_replace(false);
            // The new leader runs these jobs again. Their leases here are lost, so they write nothing any more.
            self.running.shutdown().await;
        }
        self.drain().await;
        helpers.shutdown().await;
        left
    }

    /// Waits for the running jobs. A person can cancel them meanwhile (P20).
    async fn drain(&mut self) {
        let mut changes = self.store.changes();
        loop {
            changes.borrow_and_update();
            if !self.running.is_empty()
                && let Err(error) = self.run_once().await
            {
                tracing::info!(%error, "requests to cancel could not be read");
            }
            // The look has joined what had ended.
            if self.running.is_empty() {
                break;
            }
            tokio::select! {
                Some(ended) = self.running.join_next_with_id() => self.free(ended),
                Ok(()) = changes.changed() => {}
                else => {}
            }
        }
        self.held.clear();
    }

    async fn claim_until_left(&mut self, leads: &watch::Sender<bool>) -> Left {
        let mut changes = self.store.changes();
        while !self.stop.claims.is_cancelled() {
            changes.borrow_and_update();
            let wake_at = match self.run_once().await {
                Ok(polled) if polled.more => Some(self.clock.now()),
                Ok(polled) => polled.wake_at,
                Err(error) if error.code() == Code::EngineReplaced => {
                    warn_coded!(Code::EngineReplaced, "look for work: another process leads now");
                    return Left::Replaced;
                }
                Err(error) => {
                    warn_coded!(Code::EnginePoll, "look for work: {error}");
                    // A look before the pause is over would meet the same error.
                    tokio::select! {
                        () = self.clock.sleep(LOOK_AGAIN) => continue,
                        () = self.stop.claims.cancelled() => break,
                    }
                }
            };
            leads.send_replace(true);
            tokio::select! {
                () = self.stop.claims.cancelled() => {}
                closed = changes.changed() => if closed.is_err() { break },
                Some(ended) = self.running.join_next_with_id() => self.free(ended),
                () = due(&self.clock, wake_at) => {}
                () = self.clock.sleep(LOOK_EVERY) => {}
            }
        }
        Left::Stopped
    }

    /// Looks once: claims what fits and starts it.
    async fn run_once(&mut self) -> Result<Polled> {
        while let Some(ended) = self.running.try_join_next_with_id() {
            self.free(ended);
        }
        if let Some(after) = self.blocked.clone() {
            self.blocked = self.store.unblock(Arc::clone(&self.kinds), after).await?;
        }
        let request = PollRequest {
            worker: self.me.worker.clone(),
            kinds: Arc::clone(&self.kinds),
            lanes: self.lanes(),
            running: self.held.values().map(|held| held.job).collect(),
            draining: self.stop.claims.is_cancelled(),
        };
        let polled = self.store.poll(request, self.clock.now()).await;
        self.tell(&polled);
        let mut polled = polled?;
        for (job, after) in &polled.rescued {
            report_rescue(job, after);
        }
        for held in self.held.values().filter(|held| polled.cancelled.contains(&held.job)) {
            held.cancel.cancel();
        }
        for job in std::mem::take(&mut polled.claimed) {
            self.start(job);
        }
        polled.more |= self.blocked.is_some();
        Ok(polled)
    }

    /// Says how a look ended.
    fn tell(&self, polled: &Result<Polled>) {
        let now = self.clock.now();
        let claimed =
            polled.as_ref().map(|polled| format!("claimed {} jobs", polled.claimed.len()));
        let fired =
            polled.as_ref().map(|polled| format!("{} schedules were due", polled.schedules));
        self.store.ran(&Service::Poller, now, claimed);
        self.store.ran(&Service::Scheduler, now, fired);
    }

    /// Every queue that has a limit of ours or a job that runs here.
    fn lanes(&self) -> Vec<Lane> {
        let lane = |queue: &Queue, limit| Lane { queue: queue.clone(), running: 0, limit };
        let mut lanes: BTreeMap<&Queue, Lane> =
            self.limits.iter().map(|(queue, limit)| (queue, lane(queue, *limit))).collect();
        for Held { queue, .. } in self.held.values() {
            let entry = lanes.entry(queue);
            entry.or_insert_with(|| lane(queue, QueueState::DEFAULT_LIMIT)).running += 1;
        }
        lanes.into_values().collect()
    }

    fn start(&mut self, job: Job) {
        let kind = self.kinds.iter().position(|rules| rules.kind == job.kind);
        let (Some(kind), Some(lease), Some(queue)) = (kind, job.lease(), job.queue.clone()) else {
            // Admission lets no other job into the claim order.
            unreachable!("claimed job {} without a kind, a lease or a queue", job.id)
        };
        let (handler, rules) = &self.handlers[kind];
        let held = Held { job: job.id, queue, cancel: CancellationToken::new() };
        let run = Run {
            store: self.store.clone(),
            clock: self.clock.clone(),
            stop: self.stop.clone(),
            handler: Arc::clone(handler),
            rules: Arc::clone(rules),
            cancel: held.cancel.clone(),
            job,
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

/// Returns when the instant is reached, if there is one.
async fn due(clock: &Clock, at: Option<Timestamp>) {
    match at {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
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
