//! The real store against a model of a few lines: sequences of fifty operations by chance, shrunk when they disagree.
//!
//! `PROPTEST_CASES=10000 cargo test --test it property` makes a campaign; a failure prints the shortest sequence.

use crate::support::{Played, START, ends_in_figures};
use lamplighter::Code;
use lamplighter::model::{
    Actor, AttemptEnd, Batch, BatchId, Cancelled, ConcurrencyKey, Enqueued, Filter, Job, JobEdit,
    JobError, JobId, Kind, KindRules, Lane, Lease, NewJob, OnInterrupt, Outcome, PollRequest,
    Queue, RunNow, Status, Timestamp, UniqueKey, WaitsFor, WorkerId,
};
use lamplighter::store::Store;
use lamplighter::testing;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Sequences, and operations in each.
const SEQUENCES: u32 = 1_000;
const LENGTH: usize = 50;
/// Jobs that may run at once in a queue while no operator says otherwise.
const LIMIT: u32 = 2;
/// Jobs of the kind `keyed` that may hold a key at once.
const KEY_LIMIT: usize = 2;
const RETRY_AFTER: Duration = Duration::from_secs(10);
const MAX_ATTEMPTS: u32 = 2;
/// Batches that are not finished at a time.
const BATCHES: usize = 2;

#[derive(Clone, Debug)]
enum Operation {
    Enqueue { job: Asked, after: Option<(usize, bool)>, batch: Option<usize> },
    Poll,
    Settle { nth: usize, how: How },
    LateSettle { nth: usize },
    Cancel { nth: usize },
    RunAgain { nth: usize },
    RunNow { nth: usize },
    Edit { nth: usize, priority: Option<i32>, delay: Option<u64> },
    Delete { nth: usize },
    Advance { seconds: u64 },
    Pause { queue: usize },
    Resume { queue: usize },
    Limit { queue: usize, limit: u32 },
    CloseBatch { slot: usize },
    CancelBatch { slot: usize },
    Crash,
}

/// What is asked of a new job.
#[derive(Clone, Copy, Debug)]
struct Asked {
    kind: usize,
    priority: Option<i32>,
    delay: u64,
    key: Option<u8>,
    unique: Option<u8>,
}

#[derive(Clone, Copy, Debug)]
enum How {
    Done,
    Failed,
    Fatal,
    Snooze,
    Limited,
    Stopped,
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::{
        Advance, Cancel, CancelBatch, CloseBatch, Crash, Delete, Edit, Enqueue, LateSettle, Limit,
        Pause, Poll, Resume, RunAgain, RunNow, Settle,
    };
    let how = prop_oneof![
        4 => Just(How::Done), 2 => Just(How::Failed), 1 => Just(How::Fatal),
        1 => Just(How::Snooze), 1 => Just(How::Limited), 1 => Just(How::Stopped),
    ];
    let delay = prop_oneof![3 => Just(0), 1 => 1_u64..30];
    let enqueue = (
        0..KINDS.len(),
        prop::option::weighted(0.3, -3..=3),
        delay,
        prop::option::weighted(0.4, 0_u8..2),
        prop::option::weighted(0.3, 0_u8..3),
        prop::option::weighted(0.3, (0..64_usize, prop::bool::weighted(0.3))),
        prop::option::weighted(0.4, 0..BATCHES),
    );
    let nth = 0..64_usize;
    let edit = (
        nth.clone(),
        prop::option::weighted(0.6, -3..=3),
        prop::option::weighted(0.5, prop_oneof![Just(0), 1_u64..30]),
    );
    prop_oneof![
        12 => enqueue.prop_map(|(kind, priority, delay, key, unique, after, batch)| {
            Enqueue { job: Asked { kind, priority, delay, key, unique }, after, batch }
        }),
        12 => Just(Poll),
        10 => (nth.clone(), how).prop_map(|(nth, how)| Settle { nth, how }),
        1 => nth.clone().prop_map(|nth| LateSettle { nth }),
        3 => nth.clone().prop_map(|nth| Cancel { nth }),
        1 => nth.clone().prop_map(|nth| RunAgain { nth }),
        2 => nth.clone().prop_map(|nth| RunNow { nth }),
        3 => edit.prop_map(|(nth, priority, delay)| Edit { nth, priority, delay }),
        1 => nth.prop_map(|nth| Delete { nth }),
        4 => (1_u64..40).prop_map(|seconds| Advance { seconds }),
        1 => (0..QUEUES.len()).prop_map(|queue| Pause { queue }),
        1 => (0..QUEUES.len()).prop_map(|queue| Resume { queue }),
        1 => ((0..QUEUES.len()), 0_u32..4).prop_map(|(queue, limit)| Limit { queue, limit }),
        2 => (0..BATCHES).prop_map(|slot| CloseBatch { slot }),
        1 => (0..BATCHES).prop_map(|slot| CancelBatch { slot }),
        1 => Just(Crash),
    ]
}

/// Name, queue, what happens when its worker is lost.
const KINDS: [(&str, &str, OnInterrupt); 3] = [
    ("plain", "first", OnInterrupt::Retry),
    ("keyed", "second", OnInterrupt::Retry),
    ("once", "second", OnInterrupt::Fail),
];
const QUEUES: [&str; 2] = ["first", "second"];

fn queue(name: &str) -> Queue {
    Queue::parse(name).unwrap()
}

fn kinds() -> Arc<[KindRules]> {
    let rules = KINDS.map(|(name, lane, on_interrupt)| KindRules {
        queue: queue(lane),
        max_attempts: MAX_ATTEMPTS,
        on_interrupt,
        key_limit: KEY_LIMIT as u32,
        ..KindRules::new(Kind::parse(name).unwrap())
    });
    rules.into()
}

/// A job as the model knows it.
#[derive(Clone, Debug)]
struct Model {
    kind: usize,
    status: Status,
    /// Nobody has said one, and nobody has looked at it, while there is none.
    priority: Option<i32>,
    run_at: u64,
    attempt: u32,
    interrupted: u32,
    epoch: i64,
    cancel_asked: bool,
    /// Whether a limit was the last that happened to it.
    limited: bool,
    key: Option<u8>,
    unique: Option<u8>,
    wait: Wait,
    /// The job that it runs after, whether anyway, and how that one has ended as far as it was told.
    after: Option<(i64, bool, Option<Status>)>,
    /// The batch that it is counted in.
    batch: Option<usize>,
}

/// A batch as the model knows it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Counted {
    open: u64,
    completed: u64,
    failed: u64,
    cancelled: u64,
    closed: bool,
    /// The job that was made when it was finished.
    then: Option<i64>,
}

/// What a waiting job waits for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wait {
    /// The engine has to look at it.
    Look,
    /// Its time.
    Time,
    Key,
    /// The end of another job.
    After,
    /// Nothing; it holds a slot of its key, if it has one.
    Turn,
}

#[derive(Default)]
struct Queued {
    jobs: BTreeMap<i64, Model>,
    now: u64,
    batches: Vec<Counted>,
    /// Jobs that completed, failed and were cancelled, the deleted ones too.
    ends: [u64; 3],
    /// The id of the newest job.
    last_id: i64,
    paused: BTreeMap<&'static str, Option<u64>>,
    limits: BTreeMap<&'static str, u32>,
}

impl Queued {
    fn holds(job: &Model) -> bool {
        job.status == Status::Running || (job.status == Status::Queued && job.wait == Wait::Turn)
    }

    fn order(id: i64, job: &Model) -> (i64, i64) {
        (job.run_at as i64 * 1000 + i64::from(job.priority.unwrap_or(0)) * 600_000, id)
    }

    fn holders(&self, key: u8) -> usize {
        self.jobs.values().filter(|job| job.key == Some(key) && Self::holds(job)).count()
    }

    /// The next job that waits for the key is looked at again.
    fn call_up(&mut self, key: Option<u8>) {
        let Some(key) = key else { return };
        let waiting = self.jobs.iter().filter(|(_, job)| {
            job.key == Some(key) && job.status == Status::Queued && job.wait == Wait::Key
        });
        let next = waiting.map(|(id, job)| Self::order(*id, job)).min();
        if let Some((_, id)) = next {
            self.jobs.get_mut(&id).unwrap().wait = Wait::Look;
        }
    }

    fn insert(&mut self, id: i64, job: Model) {
        self.last_id = self.last_id.max(id);
        if let Some(batch) = job.batch {
            self.batches[batch].open += 1;
        }
        assert!(self.jobs.insert(id, job).is_none(), "the id {id} came twice");
    }

    /// Batches that were closed and have no open job are followed, each by one job.
    fn finish_batches(&mut self) {
        for batch in 0..self.batches.len() {
            let Counted { open, closed, then, .. } = self.batches[batch];
            if open == 0 && closed && then.is_none() {
                let id = self.last_id + 1;
                self.batches[batch].then = Some(id);
                self.insert(id, fresh(0, None, self.now, None, None));
            }
        }
    }

    /// What a poll claims, in its order.
    fn poll(&mut self) -> Vec<i64> {
        let now = self.now;
        self.paused.retain(|_, until| until.is_none_or(|until| until > now));
        self.tell_ends();
        for job in self.jobs.values_mut().filter(|job| job.status == Status::Scheduled) {
            if job.run_at <= now && job.wait == Wait::Time {
                (job.status, job.wait) = (Status::Queued, Wait::Look);
            }
        }
        let waits = |job: &Model| matches!(job.status, Status::Queued | Status::Scheduled);
        let new = self.jobs.iter().filter(|(_, job)| waits(job) && job.wait == Wait::Look);
        let mut new: Vec<_> = new.map(|(id, job)| Self::order(*id, job)).collect();
        new.sort_unstable();
        let held = |(_, id): &(_, i64)| {
            let after = self.jobs[id].after;
            after.filter(|after| after.2.is_none() || is_bad(*after)).map(|after| (*id, after))
        };
        let held: Vec<_> = new.iter().filter_map(held).collect();
        for (_, id) in new.iter().filter(|(_, id)| !held.iter().any(|held| held.0 == *id)) {
            self.admit(*id);
        }
        for (id, after) in held {
            self.hold(id, is_bad(after));
        }
        self.finish_batches();
        let mut claimed = Vec::new();
        for lane in QUEUES {
            let of_lane = |job: &Model| KINDS[job.kind].1 == lane;
            let running = self
                .jobs
                .values()
                .filter(|job| of_lane(job) && job.status == Status::Running)
                .count();
            let limit = self.limits.get(lane).copied().unwrap_or(LIMIT) as usize;
            let room =
                if self.paused.contains_key(lane) { 0 } else { limit.saturating_sub(running) };
            let ready = self.jobs.iter().filter(|(_, job)| {
                of_lane(job) && job.status == Status::Queued && job.wait == Wait::Turn
            });
            let mut ready: Vec<_> = ready.map(|(id, job)| Self::order(*id, job)).collect();
            ready.sort_unstable();
            claimed.extend(ready.into_iter().take(room).map(|(_, id)| id));
        }
        for id in &claimed {
            let job = self.jobs.get_mut(id).unwrap();
            job.status = Status::Running;
            job.attempt += 1;
            job.epoch += 1;
        }
        claimed
    }

    /// Those that run after a job which is over are told so.
    fn tell_ends(&mut self) {
        let over = self.jobs.iter().filter(|(_, job)| job.status.is_final());
        let over: BTreeMap<i64, Status> = over.map(|(id, job)| (*id, job.status)).collect();
        for job in self.jobs.values_mut() {
            let Some((earlier, _, ended)) = &mut job.after else { continue };
            *ended = ended.or_else(|| over.get(earlier).copied());
            if ended.is_some() && job.wait == Wait::After {
                (job.status, job.wait) = (Status::Queued, Wait::Look);
            }
        }
    }

    /// A job that was looked at and runs after another one waits for that, or ends with it.
    fn hold(&mut self, id: i64, is_broken: bool) {
        if is_broken {
            return self.end(id, Status::Cancelled, |_| {});
        }
        let now = self.now;
        let job = self.jobs.get_mut(&id).unwrap();
        job.wait = Wait::After;
        job.priority = job.priority.or(Some(0));
        job.status = if job.run_at > now { Status::Scheduled } else { Status::Queued };
        let key = job.key;
        self.call_up(key);
    }

    fn admit(&mut self, id: i64) {
        let job = self.jobs[&id].clone();
        let full = job.key.is_some_and(|key| self.holders(key) >= KEY_LIMIT);
        let place = self.jobs.get_mut(&id).unwrap();
        place.status = Status::Queued;
        place.priority = place.priority.or(Some(0));
        if job.run_at > self.now {
            (place.status, place.wait) = (Status::Scheduled, Wait::Time);
            // A fresh job was never called up, but passing a call on does no harm.
            self.call_up(job.key);
        } else if full {
            place.wait = Wait::Key;
        } else {
            place.wait = Wait::Turn;
            if job.key.is_some_and(|key| self.holders(key) < KEY_LIMIT) {
                self.call_up(job.key);
            }
        }
    }

    fn end(&mut self, id: i64, status: Status, change: impl FnOnce(&mut Model)) {
        let job = self.jobs.get_mut(&id).unwrap();
        let (key, held) = (job.key, Self::holds(job));
        let waits = matches!(job.status, Status::Queued | Status::Scheduled);
        let was_called = waits && job.wait == Wait::Look;
        job.status = status;
        job.wait = if status == Status::Scheduled { Wait::Time } else { Wait::Look };
        job.limited = false;
        change(job);
        let final_ones = [Status::Completed, Status::Failed, Status::Cancelled];
        for (ends, one) in self.ends.iter_mut().zip(final_ones) {
            *ends += u64::from(status == one);
        }
        if let Some(batch) = job.batch
            && status.is_final()
        {
            let batch = &mut self.batches[batch];
            batch.open -= 1;
            *(match status {
                Status::Completed => &mut batch.completed,
                Status::Failed => &mut batch.failed,
                Status::Cancelled => &mut batch.cancelled,
                Status::Scheduled | Status::Queued | Status::Running => unreachable!(),
            }) += 1;
        }
        if held || was_called {
            self.call_up(key);
        }
    }

    fn settle(&mut self, id: i64, how: How) {
        let now = self.now;
        let job = self.jobs[&id].clone();
        let lane = KINDS[job.kind].1;
        let back = |job: &mut Model| job.attempt -= 1;
        match how {
            How::Done => self.end(id, Status::Completed, |_| {}),
            _ if job.cancel_asked => self.end(id, Status::Cancelled, |_| {}),
            How::Fatal => self.end(id, Status::Failed, |_| {}),
            How::Failed if job.attempt >= MAX_ATTEMPTS => self.end(id, Status::Failed, |_| {}),
            How::Failed => {
                self.end(id, Status::Scheduled, |job| job.run_at = now + RETRY_AFTER.as_secs());
            }
            How::Snooze => self.end(id, Status::Scheduled, |job| {
                back(job);
                job.run_at = now + 5;
            }),
            How::Limited => {
                self.end(id, Status::Scheduled, |job| {
                    back(job);
                    job.run_at = now + 15;
                    job.limited = true;
                });
                let until = self.paused.entry(lane).or_insert(Some(0));
                *until = until.map(|until| until.max(now + 15));
            }
            How::Stopped => self.interrupt(id, false),
        }
    }

    /// A person who resumes a queue says that its limit is lifted, also where a person's pause has taken the place of the
    /// limit's.
    fn resume(&mut self, lane: &'static str) {
        let now = self.now;
        if self.paused.remove(lane).is_none() {
            return;
        }
        for job in self.jobs.values_mut().filter(|job| KINDS[job.kind].1 == lane) {
            if job.status == Status::Scheduled && job.limited && job.run_at > now {
                (job.run_at, job.limited) = (now, false);
                (job.status, job.wait) = (Status::Queued, Wait::Look);
            }
        }
    }

    /// Another time or priority gives a job another place: it is looked at anew, or waits for its time, and the slot
    /// that it held is the next one's.
    fn change(&mut self, id: i64, priority: Option<i32>, run_at: Option<u64>) {
        let now = self.now;
        let job = self.jobs.get_mut(&id).unwrap();
        let (key, before) = (job.key, (job.priority, job.run_at));
        job.priority = priority.or(job.priority);
        job.run_at = run_at.unwrap_or(job.run_at);
        job.limited &= job.run_at == before.1;
        if (job.priority, job.run_at) == before {
            return;
        }
        let is_due = job.run_at <= now;
        match (job.status, job.wait) {
            // What is queued counts as due: another time takes it out of the queue at once.
            (Status::Queued, Wait::Look) if !is_due => job.status = Status::Scheduled,
            (_, Wait::After) if !is_due => {
                (job.status, job.wait) = (Status::Scheduled, Wait::Look);
            }
            (_, Wait::After) => (job.status, job.wait) = (Status::Queued, Wait::Look),
            (Status::Scheduled, Wait::Time) if is_due => {
                (job.status, job.wait) = (Status::Queued, Wait::Look);
            }
            (Status::Queued, Wait::Key) if !is_due => {
                (job.status, job.wait) = (Status::Scheduled, Wait::Time);
            }
            (Status::Queued, Wait::Turn) => {
                (job.status, job.wait) = if is_due {
                    (Status::Queued, Wait::Look)
                } else {
                    (Status::Scheduled, Wait::Time)
                };
                self.call_up(key);
            }
            (_, _) => {}
        }
    }

    fn interrupt(&mut self, id: i64, crashed: bool) {
        let job = self.jobs[&id].clone();
        let interrupted = job.interrupted + u32::from(crashed);
        let fails = KINDS[job.kind].2 == OnInterrupt::Fail || interrupted >= 3;
        let status = if job.cancel_asked {
            Status::Cancelled
        } else if fails {
            Status::Failed
        } else {
            Status::Queued
        };
        self.end(id, status, |after| {
            if !job.cancel_asked {
                // The attempt that ends the job counts.
                after.attempt -= u32::from(!fails);
                after.interrupted = interrupted;
            }
        });
    }
}

/// Both sides, and what the one process of this world believes to run.
struct World {
    model: Queued,
    store: Store,
    worker: Played,
    started: u32,
    /// When the worker was last heard of.
    heard: u64,
    running: Vec<Lease>,
    over: Vec<Lease>,
    /// The ids of the model's batches.
    batches: Vec<BatchId>,
    /// The newest batch of each place.
    newest: [Option<usize>; BATCHES],
}

impl World {
    fn now(&self) -> Timestamp {
        START.plus(Duration::from_secs(self.model.now))
    }

    async fn apply(&mut self, operation: &Operation) {
        let (now, by) = (self.now(), Actor::cli());
        match *operation {
            Operation::Enqueue { job, after, batch } => self.enqueue(job, after, batch).await,
            Operation::Poll => self.poll().await,
            Operation::Settle { nth, how } => {
                if !self.running.is_empty() {
                    let lease = self.running.swap_remove(nth % self.running.len());
                    self.model.settle(lease.id.0, how);
                    self.store
                        .settle(lease.clone(), self.end(how), RETRY_AFTER, now)
                        .await
                        .unwrap();
                    self.over.push(lease);
                }
            }
            Operation::LateSettle { nth } => {
                if !self.over.is_empty() {
                    let lease = self.over[nth % self.over.len()].clone();
                    let job = &self.model.jobs[&lease.id.0];
                    if (job.status, job.epoch) == (Status::Running, lease.epoch) {
                        // Its process is gone, but nobody has settled it as lost yet: not over.
                        return;
                    }
                    let late =
                        self.store.settle(lease, self.end(How::Done), RETRY_AFTER, now).await;
                    assert!(late.unwrap_err().is_lease_lost(), "P9");
                }
            }
            Operation::Cancel { nth } => self.cancel(nth).await,
            Operation::RunAgain { nth } => self.run_again(nth).await,
            Operation::RunNow { nth } => self.run_now(nth).await,
            Operation::Edit { nth, priority, delay } => self.edit(nth, priority, delay).await,
            Operation::Delete { nth } => self.delete(nth).await,
            Operation::Advance { seconds } => self.model.now += seconds,
            Operation::Pause { queue: lane } => {
                self.model.paused.insert(QUEUES[lane], None);
                self.store
                    .pause_queue(queue(QUEUES[lane]), String::new(), None, by, now)
                    .await
                    .unwrap();
            }
            Operation::Resume { queue: lane } => {
                self.model.resume(QUEUES[lane]);
                self.store.resume_queue(queue(QUEUES[lane]), by, now).await.unwrap();
            }
            Operation::Limit { queue: lane, limit } => {
                self.model.limits.insert(QUEUES[lane], limit);
                self.store
                    .set_queue_limit(queue(QUEUES[lane]), Some(limit), by, now)
                    .await
                    .unwrap();
            }
            Operation::CloseBatch { slot } => {
                let batch = self.batch(slot).await;
                self.model.batches[batch].closed = true;
                self.store.close_batch(self.batches[batch], now).await.unwrap();
            }
            Operation::CancelBatch { slot } => self.cancel_batch(slot).await,
            Operation::Crash => self.crash().await,
        }
        self.model.finish_batches();
    }

    fn end(&self, how: How) -> AttemptEnd {
        let error = JobError { code: "TEST-RUN-001".into(), message: "by chance".into() };
        let until = self.now().plus(Duration::from_secs(15));
        AttemptEnd::Answered(match how {
            How::Done => Outcome::Done(1.into()),
            How::Failed => Outcome::Failed(error),
            How::Fatal => Outcome::Fatal(error),
            How::Snooze => Outcome::Snooze(Duration::from_secs(5)),
            How::Limited => Outcome::Limited { until, reason: "by chance".into() },
            How::Stopped => return AttemptEnd::Stopped,
        })
    }

    async fn enqueue(
        &mut self,
        Asked { kind, priority, delay, key, unique }: Asked,
        after: Option<(usize, bool)>,
        batch: Option<usize>,
    ) {
        let batch = match batch {
            Some(slot) => Some(self.batch(slot).await),
            None => None,
        };
        let after = after.and_then(|(nth, anyway)| {
            let (id, job) = self.any(nth)?;
            Some((id, anyway, Some(job.status).filter(|status| status.is_final())))
        });
        let run_at = self.model.now + delay;
        let job = NewJob {
            priority,
            run_at: (delay > 0).then(|| START.plus(Duration::from_secs(run_at))),
            concurrency_key: key.map(|key| ConcurrencyKey::parse(format!("k{key}")).unwrap()),
            unique_key: unique.map(|unique| UniqueKey::parse(format!("u{unique}")).unwrap()),
            batch: batch.map(|batch| self.batches[batch]),
            ..NewJob::new(Kind::parse(KINDS[kind].0).unwrap())
        };
        let earlier = |anyway| after.filter(|after| after.1 == anyway).map(|after| JobId(after.0));
        let job = job.after(earlier(false)).after_any(earlier(true));
        let same = |(_, job): &(&i64, &Model)| {
            job.kind == kind && job.unique == unique && !job.status.is_final()
        };
        let holder = unique.and_then(|_| self.model.jobs.iter().find(same).map(|(id, _)| *id));
        let enqueued = self.store.enqueue(job, self.now()).await.unwrap();
        if let Some(holder) = holder {
            assert_eq!(enqueued, Enqueued::Existing(JobId(holder)));
        } else {
            assert!(matches!(enqueued, Enqueued::Inserted(_)));
            let (id, job) = (enqueued.id().0, fresh(kind, priority, run_at, key, unique));
            let is_plain = key.is_none() && unique.is_none() && after.is_none() && batch.is_none();
            self.model.insert(id, Model { after, batch, ..job });
            // A worker that is silent for long may bring other rules when it is heard of again.
            if is_plain && delay == 0 && self.model.now - self.heard <= 30 {
                self.model.admit(id);
            }
        }
    }

    async fn poll(&mut self) {
        let request = PollRequest {
            lanes: QUEUES.map(|lane| self.lane(lane)).into(),
            ..self.worker.request(self.running.iter().map(|lease| lease.id).collect())
        };
        // Whatever runs and is nobody's is settled as lost first.
        let lost = self.model.jobs.iter().filter(|(id, job)| {
            job.status == Status::Running && !self.running.iter().any(|lease| lease.id.0 == **id)
        });
        for id in lost.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.model.interrupt(id, true);
        }
        self.model.finish_batches();
        let wanted = self.model.poll();
        let polled = self.store.poll(request, self.now()).await.unwrap();
        let claimed: Vec<_> = polled.claimed.iter().map(|job| job.id.0).collect();
        assert_eq!(claimed, wanted, "P13");
        self.running.extend(polled.claimed.iter().map(|job| job.lease().unwrap()));
    }

    fn lane(&self, lane: &str) -> Lane {
        let here =
            self.running.iter().filter(|lease| KINDS[self.model.jobs[&lease.id.0].kind].1 == lane);
        Lane { queue: queue(lane), running: here.count() as u32, slots: None }
    }

    async fn cancel(&mut self, nth: usize) {
        let Some(id) = self.model.jobs.keys().nth(nth % self.model.jobs.len().max(1)).copied()
        else {
            return;
        };
        let answer = self.store.cancel(JobId(id), Actor::cli(), self.now()).await.unwrap();
        match self.model.jobs[&id].status {
            Status::Scheduled | Status::Queued => {
                assert_eq!(answer, Cancelled::Done);
                self.model.end(id, Status::Cancelled, |_| {});
            }
            Status::Running => {
                assert_eq!(answer, Cancelled::Requested);
                self.model.jobs.get_mut(&id).unwrap().cancel_asked = true;
            }
            status @ (Status::Completed | Status::Failed | Status::Cancelled) => {
                assert_eq!(answer, Cancelled::AlreadyFinal(status));
            }
        }
    }

    /// The batch of this place that is not finished; a new one if there is none.
    async fn batch(&mut self, slot: usize) -> usize {
        let takes_more = |batch: &usize| self.model.batches[*batch].then.is_none();
        if let Some(batch) = self.newest[slot].filter(takes_more) {
            return batch;
        }
        let then = Some(NewJob::new(Kind::parse(KINDS[0].0).unwrap()));
        let id = self.store.open_batch("by chance".into(), then, self.now()).await.unwrap();
        self.batches.push(id);
        self.model.batches.push(Counted::default());
        *self.newest[slot].insert(self.batches.len() - 1)
    }

    async fn cancel_batch(&mut self, slot: usize) {
        let batch = self.batch(slot).await;
        self.model.batches[batch].closed = true;
        // It takes no more jobs.
        self.newest[slot] = None;
        self.model.finish_batches();
        let open = self.model.jobs.iter();
        let open = open.filter(|(_, job)| job.batch == Some(batch) && !job.status.is_final());
        for id in open.map(|(id, _)| *id).collect::<Vec<_>>() {
            let job = self.model.jobs.get_mut(&id).unwrap();
            if job.status == Status::Running {
                job.cancel_asked = true;
            } else {
                self.model.end(id, Status::Cancelled, |_| {});
            }
        }
        self.store.cancel_batch(self.batches[batch], Actor::cli(), self.now()).await.unwrap();
    }

    fn any(&self, nth: usize) -> Option<(i64, Model)> {
        let nth = nth % self.model.jobs.len().max(1);
        self.model.jobs.iter().nth(nth).map(|(id, job)| (*id, job.clone()))
    }

    async fn run_now(&mut self, nth: usize) {
        let Some((id, job)) = self.any(nth) else { return };
        let answer = self.store.run_now(JobId(id), Actor::cli(), self.now()).await;
        match job.status {
            Status::Scheduled | Status::Queued if job.run_at <= self.model.now => {
                assert_eq!(answer.unwrap(), RunNow::AlreadyDue);
            }
            Status::Scheduled | Status::Queued => {
                assert_eq!(answer.unwrap(), RunNow::Due);
                self.model.change(id, None, Some(self.model.now));
            }
            Status::Running | Status::Completed | Status::Failed | Status::Cancelled => {
                assert_eq!(answer.unwrap_err().code(), Code::JobNotWaiting);
            }
        }
    }

    async fn edit(&mut self, nth: usize, priority: Option<i32>, delay: Option<u64>) {
        let Some((id, job)) = self.any(nth) else { return };
        let run_at = delay.map(|delay| self.model.now + delay);
        let edit = JobEdit {
            priority,
            run_at: run_at.map(|at| START.plus(Duration::from_secs(at))),
            ..JobEdit::default()
        };
        let answer = self.store.edit_job(JobId(id), edit, Actor::cli(), self.now()).await;
        if job.status == Status::Running || job.status.is_final() {
            assert_eq!(answer.unwrap_err().code(), Code::JobNotWaiting);
            return;
        }
        answer.unwrap();
        self.model.change(id, priority, run_at);
    }

    async fn delete(&mut self, nth: usize) {
        let Some((id, job)) = self.any(nth) else { return };
        let answer = self.store.delete_job(JobId(id), Actor::cli(), self.now()).await;
        if job.status.is_final() {
            answer.unwrap();
            for other in self.model.jobs.values_mut() {
                if let Some((earlier, _, ended @ None)) = &mut other.after
                    && *earlier == id
                {
                    *ended = Some(job.status);
                }
            }
            self.model.jobs.remove(&id);
            self.over.retain(|lease| lease.id.0 != id);
        } else {
            assert_eq!(answer.unwrap_err().code(), Code::JobNotFinal);
        }
    }

    async fn run_again(&mut self, nth: usize) {
        let over: Vec<_> =
            self.model.jobs.iter().filter(|(_, job)| job.status.is_final()).collect();
        let Some((id, job)) = over.get(nth % over.len().max(1)) else { return };
        let again =
            self.store.run_again(JobId(**id), Actor::cli(), None, self.now()).await.unwrap();
        // Somebody's own wish goes before the programs': six levels.
        let again_model = fresh(job.kind, Some(-6), self.model.now, job.key, None);
        self.model.insert(again.id().0, again_model);
    }

    /// The process is gone, and the next one takes over.
    async fn crash(&mut self) {
        self.over.append(&mut self.running);
        self.start().await;
    }

    async fn start(&mut self) {
        self.started += 1;
        self.heard = self.model.now;
        let name = format!("w{}", self.started);
        let limits = QUEUES.map(|lane| (queue(lane), LIMIT)).into();
        let now = self.now();
        self.worker = Played::leading(&self.store, &name, kinds().to_vec(), limits, now).await;
        assert_eq!(self.store.unblock(kinds(), String::new()).await.unwrap(), None);
        let keys: std::collections::BTreeSet<_> =
            self.model.jobs.values().filter_map(|job| job.key).collect();
        for key in keys {
            self.model.call_up(Some(key));
        }
    }

    /// Every job is as the model says.
    async fn compare(&self) {
        let found = self.store.find_jobs(Filter::default(), None, 1000, self.now());
        let jobs = found.await.unwrap().rows;
        assert_eq!(jobs.len(), self.model.jobs.len());
        for job in jobs {
            assert_eq!(stored(&job), modelled(&self.model.jobs[&job.id.0]), "job {}", job.id);
        }
        for (id, batch) in self.batches.iter().zip(&self.model.batches) {
            let stored = self.store.batch(*id).await.unwrap().unwrap();
            let total = batch.open + batch.completed + batch.failed + batch.cancelled;
            assert_eq!(counted(&stored), (total, batch.clone()), "batch {id}");
        }
    }
}

fn fresh(
    kind: usize,
    priority: Option<i32>,
    run_at: u64,
    key: Option<u8>,
    unique: Option<u8>,
) -> Model {
    Model {
        kind,
        status: Status::Queued,
        priority,
        run_at,
        attempt: 0,
        interrupted: 0,
        epoch: 0,
        cancel_asked: false,
        limited: false,
        key,
        unique,
        wait: Wait::Look,
        after: None,
        batch: None,
    }
}

/// All jobs of a batch, and how far it is.
fn counted(batch: &Batch) -> (u64, Counted) {
    let counted = Counted {
        open: batch.open,
        completed: batch.completed,
        failed: batch.failed,
        cancelled: batch.cancelled,
        closed: !batch.held,
        then: batch.then_id.map(|id| id.0),
    };
    (batch.total, counted)
}

/// Whether a job cannot run any more because of what it runs after.
fn is_bad((_, anyway, ended): (i64, bool, Option<Status>)) -> bool {
    !anyway && matches!(ended, Some(Status::Failed | Status::Cancelled))
}

type Seen = (Status, u64, u32, u32, i64, bool);

fn stored(job: &Job) -> Seen {
    let run_at = job.run_at.since(START).as_secs();
    let waits = job.waits_for == Some(WaitsFor::After);
    (job.status, run_at, job.attempt, job.interrupted, job.epoch, waits)
}

fn modelled(job: &Model) -> Seen {
    let waits = job.wait == Wait::After && !job.status.is_final();
    (job.status, job.run_at, job.attempt, job.interrupted, job.epoch, waits)
}

async fn run(operations: &[Operation]) {
    let folder = tempfile::tempdir().unwrap();
    let store = testing::store_in(folder.path()).unwrap();
    let worker = WorkerId::parse("nobody").unwrap();
    let worker = Played { worker, kinds: Vec::new(), leads: None };
    let mut world = World {
        model: Queued::default(),
        store,
        worker,
        started: 0,
        heard: 0,
        running: Vec::new(),
        over: Vec::new(),
        batches: Vec::new(),
        newest: [None; BATCHES],
    };
    world.start().await;
    for operation in operations {
        world.apply(operation).await;
        world.compare().await;
    }
    assert!(world.store.recount().await.unwrap().is_empty(), "the counts are exact");
    assert_eq!(ends_in_figures(&world.store).await, world.model.ends, "the figures are exact");
}

#[test]
fn the_store_does_what_a_model_of_a_few_lines_does() {
    let mut config =
        Config { max_shrink_iters: 2_000, failure_persistence: None, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = SEQUENCES;
    }
    let sequences = AtomicUsize::new(0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let operations = prop::collection::vec(operation(), LENGTH);
    let tested = TestRunner::new(config.clone()).run(&operations, |operations| {
        sequences.fetch_add(1, Ordering::Relaxed);
        let run = std::panic::AssertUnwindSafe(|| runtime.block_on(run(&operations)));
        // A panic is a difference too: proptest shrinks both alike.
        std::panic::catch_unwind(run).map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            TestCaseError::fail(text)
        })
    });
    tested.unwrap_or_else(|difference| panic!("{difference}"));
    let sequences = sequences.into_inner();
    println!("{sequences} sequences of {LENGTH} operations: no difference");
    assert!(sequences >= config.cases as usize);
}
