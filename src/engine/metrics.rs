//! Metrics: what an engine has done since it started, in plain numbers.

use crate::model::{Kind, Queue, Status, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The upper bounds of a histogram's buckets, in seconds. A last bucket has what is longer.
pub const BUCKETS: [f64; 15] = [
    0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0, 21_600.0,
];

/// What an engine has done since it started, and how deep the queues are. Counters only grow; lengths are in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    /// The jobs that this process has run, by kind.
    pub kinds: BTreeMap<Kind, KindMetrics>,
    /// Looks for work.
    pub polls: u64,
    /// How long they took, failed ones included.
    pub poll_seconds: Histogram,
    /// Commits to the database: those of this process, one for all calls that it saved together, and those of other programs
    /// that it has noticed.
    pub commits: u64,
    /// The jobs of each queue that are not over, of all processes.
    pub queues: Vec<QueueDepth>,
}

/// The attempts of a kind's jobs that this process has run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KindMetrics {
    /// Attempts that have begun.
    pub started: u64,
    /// Jobs that an attempt has completed.
    pub completed: u64,
    /// Jobs that have failed for good.
    pub failed: u64,
    /// Attempts after which the job is to run again: failed ones, and those that were put off or interrupted.
    pub retried: u64,
    /// Jobs that were cancelled while they ran.
    pub cancelled: u64,
    /// Attempts that run now.
    pub running: u64,
    /// From a job's time to the start of its attempt.
    pub waiting_seconds: Histogram,
    /// From the start of an attempt until its end was saved.
    pub run_seconds: Histogram,
}

/// The jobs of one queue that are not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    /// Which queue.
    pub queue: Queue,
    /// Jobs whose time has not come.
    pub scheduled: u64,
    /// Jobs that wait for room or for something else.
    pub queued: u64,
    /// Jobs that run.
    pub running: u64,
}

/// How many lengths fell into each of [`BUCKETS`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    counts: [u64; BUCKETS.len() + 1],
    sum: f64,
}

impl Histogram {
    /// How many lengths there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Their sum in seconds.
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// Each bucket's upper bound in seconds, and how many lengths were up to there: the last one has all.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        let bounds = BUCKETS.into_iter().chain([f64::INFINITY]);
        bounds.zip(self.counts).scan(0, |sum, (bound, count)| {
            *sum += count;
            Some((bound, *sum))
        })
    }

    fn add(&mut self, length: Duration) {
        let seconds = length.as_secs_f64();
        let bucket = BUCKETS.partition_point(|bound| *bound < seconds);
        self.counts[bucket] += 1;
        self.sum += seconds;
    }
}

/// What the tasks of an engine note.
#[derive(Debug, Default)]
pub(super) struct Recorder(Mutex<Metrics>);

impl Recorder {
    /// A look for work has ended.
    pub(super) fn polled(&self, took: Duration) {
        let mut metrics = self.lock();
        metrics.polls += 1;
        metrics.poll_seconds.add(took);
    }

    /// An attempt of a job of this kind has begun that could have begun since `due`.
    pub(super) fn started(&self, kind: &Kind, due: Timestamp, now: Timestamp) {
        let mut metrics = self.lock();
        let kind = of_kind(&mut metrics, kind);
        kind.started += 1;
        kind.running += 1;
        kind.waiting_seconds.add(now.since(due));
    }

    /// The attempt has ended; `None`: that could not be saved.
    pub(super) fn ended(&self, kind: &Kind, after: Option<Status>, took: Duration) {
        let mut metrics = self.lock();
        let kind = of_kind(&mut metrics, kind);
        kind.running = kind.running.saturating_sub(1);
        kind.run_seconds.add(took);
        match after {
            Some(Status::Completed) => kind.completed += 1,
            Some(Status::Failed) => kind.failed += 1,
            Some(Status::Cancelled) => kind.cancelled += 1,
            Some(Status::Scheduled | Status::Queued) => kind.retried += 1,
            Some(Status::Running) | None => {}
        }
    }

    /// What was noted so far.
    pub(super) fn seen(&self) -> Metrics {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Metrics> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of_kind<'a>(metrics: &'a mut Metrics, kind: &Kind) -> &'a mut KindMetrics {
    if !metrics.kinds.contains_key(kind) {
        metrics.kinds.insert(kind.clone(), KindMetrics::default());
    }
    metrics.kinds.get_mut(kind).expect("it was put there")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_in_the_bucket_that_ends_with_it_or_after_it() {
        let mut histogram = Histogram::default();
        for millis in [0, 1, 2, 500, 501, 100_000_000] {
            histogram.add(Duration::from_millis(millis));
        }
        let filled: Vec<_> = histogram.buckets().collect();
        assert_eq!(filled[..2], [(0.001, 2), (0.005, 3)]);
        assert_eq!(filled[5..7], [(0.5, 4), (1.0, 5)]);
        assert_eq!(filled[14..], [(21_600.0, 5), (f64::INFINITY, 6)]);
        assert_eq!(histogram.count(), 6);
        assert!((histogram.sum() - 100_001.004).abs() < 1e-6);
    }
}
