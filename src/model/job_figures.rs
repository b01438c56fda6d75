//! What jobs did in a length of time: how many ended how, how long they waited and ran.

use super::{Cause, Histogram, Job, Kind, Queue, Settlement, Status, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;

/// What jobs did in a length of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFigures {
    /// Jobs that completed.
    pub completed: u64,
    /// Jobs that failed for good.
    pub failed: u64,
    /// Jobs that were cancelled.
    pub cancelled: u64,
    /// Attempts that failed and are followed by another.
    pub retried: u64,
    /// How long jobs that started had waited since they were due.
    pub waits: Histogram,
    /// How long attempts ran that completed or failed.
    pub runs: Histogram,
}

impl JobFigures {
    /// Counts the start of an attempt. A job is due at its time, and not before it was stored; a clock that was set back
    /// makes no negative length.
    pub fn count_start(&mut self, job: &Job, now: Timestamp) {
        self.waits.add(now.since(job.run_at.max(job.created_at)));
    }

    /// Counts the end of an attempt. How long it ran is counted if it ran to an end of its own, or to its time limit.
    pub fn count_end(&mut self, job: &Job, after: &Settlement, now: Timestamp) {
        self.count_final(after.status);
        self.retried += u64::from(after.cause == Some(Cause::Retry));
        let ran = after.status == Status::Completed
            || matches!(after.cause, Some(Cause::Failed | Cause::Fatal | Cause::Retry));
        if let Some(started) = job.started_at.filter(|_| ran) {
            self.runs.add(now.since(started));
        }
    }

    /// Counts a job that came to this status, if it is final.
    pub fn count_final(&mut self, status: Status) {
        match status {
            Status::Completed => self.completed += 1,
            Status::Failed => self.failed += 1,
            Status::Cancelled => self.cancelled += 1,
            Status::Scheduled | Status::Queued | Status::Running => {}
        }
    }

    /// Adds those of another length of time, kind or queue.
    pub fn merge(&mut self, other: &Self) {
        let Self { completed, failed, cancelled, retried, waits, runs } = other;
        self.completed = self.completed.saturating_add(*completed);
        self.failed = self.failed.saturating_add(*failed);
        self.cancelled = self.cancelled.saturating_add(*cancelled);
        self.retried = self.retried.saturating_add(*retried);
        self.waits.merge(waits);
        self.runs.merge(runs);
    }

    /// The part of the jobs that failed, of those that completed or failed; `None` if there were none.
    #[expect(clippy::cast_precision_loss, reason = "a part, for people")]
    pub fn failed_part(&self) -> Option<f64> {
        let ran = self.completed.saturating_add(self.failed);
        (ran > 0).then(|| self.failed as f64 / ran as f64)
    }
}

/// The figures of jobs of one kind and queue in one length of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFiguresRow {
    /// When it began.
    pub at: Timestamp,
    /// How long it was: a minute, an hour or a day.
    pub length: Duration,
    /// Of which jobs.
    pub kind: Kind,
    /// Their queue; `None` before admission.
    pub queue: Option<Queue>,
    /// What they did.
    pub figures: JobFigures,
}

impl JobFiguresRow {
    /// One row for each kind and queue, which stands for the whole range.
    pub(crate) fn together(rows: Vec<Self>, (from, until): (Timestamp, Timestamp)) -> Vec<Self> {
        let mut sums = BTreeMap::<_, JobFigures>::new();
        for Self { kind, queue, figures, .. } in rows {
            sums.entry((kind, queue)).or_default().merge(&figures);
        }
        let length = until.since(from);
        let row = |((kind, queue), figures)| Self { at: from, length, kind, queue, figures };
        sums.into_iter().map(row).collect()
    }
}

/// Of which jobs figures are asked: those of a kind, of a queue, of both, or all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FiguresOf {
    /// Jobs of this kind only.
    pub kind: Option<Kind>,
    /// Jobs of this queue only.
    pub queue: Option<Queue>,
}

/// How long minutes are kept, hours, and days.
pub const FIGURES_KEPT: [Duration; 3] =
    [Duration::from_hours(48), Duration::from_hours(30 * 24), Duration::from_hours(400 * 24)];

/// What is usual at this time of the day: the median over the days before that had any jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct UsualFigures {
    /// Days that are known.
    pub days: u32,
    /// Jobs that completed or failed within the same 24 hours of each day.
    pub ended: u64,
    /// The part of them that failed.
    pub failed_part: f64,
    /// The wait that 95 of 100 jobs had at most.
    pub long_wait: Option<Duration>,
    /// The run that 95 of 100 attempts had at most.
    pub long_run: Option<Duration>,
}

impl UsualFigures {
    /// The median of days.
    pub(crate) fn of(days: &[JobFigures]) -> Self {
        let known: Vec<_> =
            days.iter().filter(|day| day.completed.saturating_add(day.failed) > 0).collect();
        let waits = known.iter().filter_map(|day| day.waits.percentile(95));
        let runs = known.iter().filter_map(|day| day.runs.percentile(95));
        let ended = known.iter().map(|day| day.completed.saturating_add(day.failed));
        let mut failed: Vec<_> = known.iter().filter_map(|day| day.failed_part()).collect();
        failed.sort_by(f64::total_cmp);
        Self {
            days: u32::try_from(known.len()).unwrap_or(u32::MAX),
            ended: median(ended).unwrap_or(0),
            failed_part: failed.get(failed.len() / 2).copied().unwrap_or(0.0),
            long_wait: median(waits),
            long_run: median(runs),
        }
    }
}

fn median<T: Ord>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut values: Vec<_> = values.collect();
    values.sort();
    let middle = values.len() / 2;
    values.into_iter().nth(middle)
}
