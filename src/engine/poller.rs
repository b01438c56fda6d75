//! The poller: the one service that claims.

use super::Stop;
use super::executor::Run;
use super::handler::Handler;
use super::pruner::Pruner;
use crate::clock::Clock;
use crate::error::{Code, Result};
use crate::model::{
    Job, JobId, KindRules, Lane, PollRequest, Polled, Queue, QueueState, Status, WorkerId,
};
use crate::store::{Leadership, Store};
use crate::{error_coded, warn_coded};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{self, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// How often a process that stands by tries to lead; P27 allows three seconds.
const LEAD_EVERY: Duration = Duration::from_millis(500);
/// How often the leader says that it is alive.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(10);
/// Wait after an error before the next look.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

pub(super) struct Poller {
    store: Store,
    clock: Clock,
    worker: WorkerId,
    kinds: Arc<[KindRules]>,
    /// One for each of `kinds`, in the same order.
    handlers: Vec<(Handler, Arc<KindRules>)>,
    /// The limit of each queue, unless an operator set another.
    limits: BTreeMap<Queue, u32>,
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

impl Poller {
    pub(super) fn new(
        store: Store,
        clock: Clock,
        kinds: Vec<KindRules>,
        handlers: Vec<Handler>,
        limits: BTreeMap<Queue, u32>,
        stop: Stop,
    ) -> Self {
        let start = clock.now().millis();
        let name = format!("{}-{start}-{:06}", std::process::id(), (clock.chance() * 1e6) as u32);
        let worker = WorkerId::parse(name).expect("a worker's name is short");
        let handlers =
            handlers.into_iter().zip(kinds.iter().map(|rules| Arc::new(rules.clone()))).collect();
        let kinds = kinds.into();
        Self {
            store,
            clock,
            worker,
            kinds,
            handlers,
            limits,
            running: JoinSet::new(),
            held: HashMap::new(),
            stop,
        }
    }

    /// Leads, claims and runs until the stop, then waits for what runs.
    pub(super) async fn serve(
        mut self,
        leadership: Option<Leadership>,
        leads: watch::Sender<bool>,
    ) {
        let Some(_leadership) = self.lead(leadership).await else {
            return;
        };
        let mut helpers = JoinSet::new();
        let store = self.store.clone();
        helpers.spawn(async move { store.watch_foreign_commits().await.unwrap_or_default() });
        let (store, clock, kinds) =
            (self.store.clone(), self.clock.clone(), Arc::clone(&self.kinds));
        helpers.spawn(Pruner { store, clock, kinds }.serve());
        self.claim_until_stopped(&leads).await;
        while self.running.join_next().await.is_some() {}
        helpers.shutdown().await;
        if let Err(error) = self.store.retire(self.worker.clone()).await {
            tracing::info!(%error, "the worker's row stays until the next start");
        }
    }

    /// Waits for the leadership and takes the database over; `None` if the stop came first.
    async fn lead(&mut self, mut leadership: Option<Leadership>) -> Option<Leadership> {
        loop {
            if let Some(leadership) = leadership.take() {
                let (kinds, now) = (Arc::clone(&self.kinds), self.clock.now());
                let (worker, pid) = (self.worker.clone(), std::process::id());
                match self.store.take_over(worker, pid, kinds, self.lanes(), now).await {
                    Ok(queues) => {
                        self.know(queues);
                        return Some(leadership);
                    }
                    Err(error) => error_coded!(Code::EnginePoll, "take over the engine: {error}"),
                }
            }
            tokio::select! {
                () = self.clock.sleep_until(self.clock.now().plus(LEAD_EVERY)) => {}
                () = self.stop.claims.cancelled() => return None,
            }
            leadership = self.store.try_lead().unwrap_or_else(|error| {
                error_coded!(Code::EnginePoll, "try to lead: {error}");
                None
            });
        }
    }

    async fn claim_until_stopped(&mut self, leads: &watch::Sender<bool>) {
        let mut changes = self.store.changes();
        let mut heartbeat_at = self.clock.now().plus(HEARTBEAT_EVERY);
        while !self.stop.claims.is_cancelled() {
            changes.borrow_and_update();
            let wake_at = match self.run_once().await {
                Ok(polled) if polled.more => self.clock.now(),
                Ok(polled) => polled.wake_at.map_or(heartbeat_at, |at| at.min(heartbeat_at)),
                Err(error) => {
                    warn_coded!(Code::EnginePoll, "look for work: {error}");
                    // Whatever wakes us meanwhile would meet the same error.
                    tokio::select! {
                        () = self.clock.sleep_until(self.clock.now().plus(LOOK_AGAIN)) => continue,
                        () = self.stop.claims.cancelled() => return,
                    }
                }
            };
            leads.send_replace(true);
            tokio::select! {
                () = self.stop.claims.cancelled() => {}
                closed = changes.changed() => if closed.is_err() { return },
                Some(ended) = self.running.join_next_with_id() => self.free(ended),
                () = self.clock.sleep_until(wake_at) => {}
            }
            if self.clock.now() >= heartbeat_at {
                heartbeat_at = self.clock.now().plus(HEARTBEAT_EVERY);
                self.heartbeat().await;
            }
        }
    }

    async fn heartbeat(&self) {
        if let Err(error) = self.store.heartbeat(self.worker.clone(), self.clock.now()).await {
            warn_coded!(Code::EnginePoll, "heartbeat: {error}");
        }
    }

    /// Looks once: claims what fits and starts it.
    async fn run_once(&mut self) -> Result<Polled> {
        while let Some(ended) = self.running.try_join_next_with_id() {
            self.free(ended);
        }
        let request = PollRequest {
            worker: self.worker.clone(),
            kinds: Arc::clone(&self.kinds),
            lanes: self.lanes(),
            running: self.held.values().map(|held| held.job).collect(),
        };
        let mut polled = self.store.poll(request, self.clock.now()).await?;
        for (job, status) in &polled.rescued {
            report_rescue(job, *status);
        }
        for held in self.held.values().filter(|held| polled.cancelled.contains(&held.job)) {
            held.cancel.cancel();
        }
        for job in std::mem::take(&mut polled.claimed) {
            self.start(job);
        }
        polled.more |= self.know(std::mem::take(&mut polled.new_queues));
        Ok(polled)
    }

    /// Every queue with its limit and how many of its jobs run here.
    fn lanes(&self) -> Vec<Lane> {
        let running =
            |queue: &Queue| self.held.values().filter(|held| held.queue == *queue).count();
        let lane = |(queue, limit): (&Queue, &u32)| Lane {
            queue: queue.clone(),
            running: running(queue) as u32,
            limit: *limit,
        };
        self.limits.iter().map(lane).collect()
    }

    /// Takes in queues that no kind named; answers whether there were any.
    fn know(&mut self, queues: Vec<Queue>) -> bool {
        let before = self.limits.len();
        for queue in queues {
            self.limits.entry(queue).or_insert(QueueState::DEFAULT_LIMIT);
        }
        self.limits.len() > before
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

    /// Frees the slot of a job that has ended, whatever became of its task.
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

fn report_rescue(job: &Job, status: Status) {
    let (id, kind) = (job.id, &job.kind);
    if status == Status::Failed {
        let crashes = job.interrupted + 1;
        warn_coded!(
            Code::PoisonPill,
            "job {id} ({kind}) was lost {crashes} times with its worker and has failed"
        );
    } else {
        tracing::info!("job {id} ({kind}) was lost with its worker and is {status} now");
    }
}
