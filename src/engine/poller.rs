//! The poller: the one service that claims.

use super::Stop;
use super::executor::Run;
use super::handler::Handler;
use crate::clock::Clock;
use crate::error::{Code, Result};
use crate::model::{Job, JobId, KindRules, PollRequest, Polled, Queue, Status, WorkerId};
use crate::store::{Leadership, Store};
use crate::{error_coded, warn_coded};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{self, JoinError, JoinSet};

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
    handlers: Vec<Handler>,
    /// Free slots of each queue.
    room: BTreeMap<Queue, usize>,
    /// One task per running job.
    running: JoinSet<()>,
    /// The job of each task, and the queue whose slot it holds.
    held: HashMap<task::Id, (JobId, Queue)>,
    stop: Stop,
}

impl Poller {
    pub(super) fn new(
        store: Store,
        clock: Clock,
        kinds: Vec<KindRules>,
        handlers: Vec<Handler>,
        room: BTreeMap<Queue, usize>,
        stop: Stop,
    ) -> Self {
        let start = clock.now().millis();
        let name = format!("{}-{start}-{:06}", std::process::id(), (clock.chance() * 1e6) as u32);
        let worker = WorkerId::parse(name).expect("a worker's name is short");
        let kinds = kinds.into();
        Self {
            store,
            clock,
            worker,
            kinds,
            handlers,
            room,
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
        let mut watcher = JoinSet::new();
        let store = self.store.clone();
        watcher.spawn(async move { store.watch_foreign_commits().await });
        self.claim_until_stopped(&leads).await;
        while self.running.join_next().await.is_some() {}
        watcher.shutdown().await;
        if let Err(error) = self.store.retire(self.worker.clone()).await {
            tracing::info!(%error, "the worker's row stays until the next start");
        }
    }

    /// Waits for the leadership and takes the database over; `None` if the stop came first.
    async fn lead(&mut self, mut leadership: Option<Leadership>) -> Option<Leadership> {
        loop {
            if let Some(leadership) = leadership.take() {
                let (kinds, now) = (Arc::clone(&self.kinds), self.clock.now());
                let taken =
                    self.store.take_over(self.worker.clone(), std::process::id(), kinds, now).await;
                match taken {
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
                Ok(polled) => polled.next_run_at.map_or(heartbeat_at, |at| at.min(heartbeat_at)),
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
            room: self.room.iter().map(|(queue, free)| (queue.clone(), *free)).collect(),
            running: self.held.values().map(|(job, _)| *job).collect(),
        };
        let mut polled = self.store.poll(request, self.clock.now()).await?;
        for (job, status) in &polled.rescued {
            report_rescue(job, *status);
        }
        for job in std::mem::take(&mut polled.claimed) {
            self.start(job);
        }
        polled.more |= self.know(std::mem::take(&mut polled.new_queues));
        Ok(polled)
    }

    /// Gives queues that no kind named their slots; answers whether there were any.
    fn know(&mut self, queues: Vec<Queue>) -> bool {
        let before = self.room.len();
        for queue in queues {
            self.room.entry(queue).or_insert(super::DEFAULT_LIMIT);
        }
        self.room.len() > before
    }

    fn start(&mut self, job: Job) {
        let kind = self.kinds.iter().position(|rules| rules.kind == job.kind);
        let (Some(kind), Some(lease), Some(queue)) = (kind, job.lease(), job.queue.clone()) else {
            // Admission lets no other job into the claim order.
            unreachable!("claimed job {} without a kind, a lease or a queue", job.id)
        };
        *self.room.entry(queue.clone()).or_default() -= 1;
        let id = job.id;
        let run = Run {
            store: self.store.clone(),
            clock: self.clock.clone(),
            stop: self.stop.clone(),
            handler: Arc::clone(&self.handlers[kind]),
            job,
            lease,
        };
        let task = self.running.spawn(run.execute());
        self.held.insert(task.id(), (id, queue));
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
        if let Some((_, queue)) = self.held.remove(&task) {
            *self.room.entry(queue).or_default() += 1;
        }
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
