//! What each queue does now: who is first in it, who runs, what it did in the last hour, and what nobody works at.

use crate::error::{Code, Error, Result};
use crate::model::{
    FiguresStep, Job, JobCount, JobSeries, Kind, Queue, QueueState, Status, Timestamp, Zone,
};
use crate::store::Store;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The most queues that are told. A queue's name is a word in a program, so there are few.
const MAX_QUEUES: usize = 100;
/// The most running jobs of a queue that are named.
const MAX_HOLDERS: usize = 10;

/// A queue and what it does.
#[derive(Clone, Debug)]
pub struct QueueLine {
    /// The queue, its limit, its pause and its counts.
    pub state: QueueState,
    /// The job that starts next, if one is ready.
    pub first: Option<Job>,
    /// Jobs that run, at most ten.
    pub holders: Vec<Job>,
    /// Kinds of which jobs wait here and that no process has a handler for, by name.
    pub unhandled: BTreeSet<Kind>,
    /// What its jobs did in the last hour, a slot for each minute; `None`: nothing.
    pub hour: Option<JobSeries>,
}

/// What each queue does now, by name. Costs the same however many jobs there are.
///
/// # Errors
/// Those of reading the database.
pub async fn lines(store: &Store, now: Timestamp) -> Result<Vec<QueueLine>> {
    of(store, store.queues().await?.into_iter().take(MAX_QUEUES).collect(), now).await
}

/// What one queue does now.
///
/// # Errors
/// `JOB-VALUE-001` for a text that is no name; `QUEUE-NAME-001` for a queue that nobody has spoken of.
pub async fn line(store: &Store, name: &str, now: Timestamp) -> Result<QueueLine> {
    let name = Queue::parse(name.trim())?;
    let mut states = store.queues().await?;
    states.retain(|state| state.name == name);
    let lines = of(store, states, now).await?;
    let unknown = || Error::new(Code::QueueUnknown, format!("show the queue {name}"));
    lines.into_iter().next().ok_or_else(unknown)
}

/// What these queues do now.
async fn of(store: &Store, states: Vec<QueueState>, now: Timestamp) -> Result<Vec<QueueLine>> {
    let hour = (now.minus(Duration::from_mins(59)), now.plus(Duration::from_millis(1)));
    let utc = Zone::from(chrono_tz::UTC).to_string();
    let mut hours = store.series_by_queue(hour, FiguresStep::Minutes(1), &utc).await?;
    let mut unhandled = unhandled(store, now).await?;
    let mut lines = Vec::new();
    for state in states {
        let (first, holders) = store.queue_line(state.name.clone(), MAX_HOLDERS).await?;
        let (hour, unhandled) =
            (hours.remove(&state.name), unhandled.remove(&state.name).unwrap_or_default());
        lines.push(QueueLine { state, first, holders, unhandled, hour });
    }
    Ok(lines)
}

/// By queue, the kinds of waiting jobs that no process has a handler for.
async fn unhandled(store: &Store, now: Timestamp) -> Result<BTreeMap<Queue, BTreeSet<Kind>>> {
    let mut found = BTreeMap::<_, BTreeSet<_>>::new();
    for count in counts_without_worker(store, now).await? {
        if let Some(queue) = count.queue {
            found.entry(queue).or_default().insert(count.kind);
        }
    }
    Ok(found)
}

/// How many jobs are queued that no process has a handler for.
pub async fn without_worker(store: &Store, now: Timestamp) -> Result<u64> {
    let counts = counts_without_worker(store, now).await?;
    Ok(counts.iter().map(|count| count.count.max(0).unsigned_abs()).sum())
}

/// The counts of queued jobs that no process has a handler for. Empty while no process is at work at all, which is told
/// elsewhere.
async fn counts_without_worker(store: &Store, now: Timestamp) -> Result<Vec<JobCount>> {
    let processes = store.processes(now).await?;
    if processes.at_work.is_empty() {
        return Ok(Vec::new());
    }
    let mut counts = store.job_counts().await?;
    counts.retain(|count| {
        let waits = count.status == Status::Queued && count.count > 0;
        waits && processes.kind(count.kind.as_str()).is_none()
    });
    Ok(counts)
}
