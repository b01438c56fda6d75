//! Reading jobs: a list by a query, one job's story, and why a job is not running.

use super::texts::ROWS;
use super::{known, unknown};
use crate::actions::Answer;
use crate::error::{Code, Error, Result};
use crate::model::{Filter, Found, Job, JobId, JobPlace, Status, Timestamp, Why, Zone};
use crate::store::Store;
use crate::wire;
use std::collections::BTreeMap;

/// The most terms that are read of a query that cannot be read as a whole.
const MAX_TERMS: usize = 20;

/// A request for a list of jobs.
#[derive(Clone, Debug)]
pub struct JobsAsk {
    /// The query, in the language of [`Filter`]; empty: every job.
    pub query: String,
    /// The cursor: only jobs behind this one.
    pub before: Option<JobPlace>,
    /// At most this many jobs.
    pub rows: usize,
}

/// The jobs that fit a query, in the order of their status ([`Filter::order`]).
///
/// # Errors
/// `JOB-QUERY-001` for a query that cannot be read, with the column; `JOB-VALUE-001` for more than 1,000 jobs, and for a cursor
/// that leads nowhere.
pub async fn find(store: &Store, ask: JobsAsk, now: Timestamp) -> Result<Found<Job, JobPlace>> {
    let filter = Filter::parse(&ask.query)?;
    if !ROWS.contains(&ask.rows) {
        let why = format!("list {} jobs: it is a number from 1 to 1000", ask.rows);
        return Err(Error::new(Code::ModelInvalid, why));
    }
    store.list_jobs(filter, ask.before, ask.rows, now).await
}

/// What of a query can be read: its terms that stand by themselves. It is for a person whose query as a whole cannot be, such
/// as a pasted error.
pub fn readable(query: &str) -> Filter {
    let terms = Filter::typed_terms(query);
    let read = terms.iter().filter_map(|term| Filter::parse(term).ok());
    let all = read.take(MAX_TERMS).fold(Filter::default(), Filter::and);
    // Together they may be more than one query takes.
    Filter::parse(&all.to_string()).unwrap_or_default()
}

/// What each waiting job of these waits for, in one line, with times by the clocks of a zone.
///
/// # Errors
/// Those of reading the database.
pub async fn waits(
    store: &Store,
    jobs: &[Job],
    zone: Zone,
    now: Timestamp,
) -> Result<BTreeMap<JobId, String>> {
    let waits = whys(store, jobs, zone, now).await?;
    Ok(waits.into_iter().map(|(id, why)| (id, why.headline())).collect())
}

async fn whys(
    store: &Store,
    jobs: &[Job],
    zone: Zone,
    now: Timestamp,
) -> Result<BTreeMap<JobId, Why>> {
    let waiting = |job: &&Job| match job.status {
        Status::Scheduled | Status::Queued => true,
        Status::Running | Status::Completed | Status::Failed | Status::Cancelled => false,
    };
    let ids = jobs.iter().filter(waiting).map(|job| job.id).collect();
    Ok(Why::all_by(store.whys(ids, now).await?, zone))
}

/// The same in the few words of a list's row.
///
/// # Errors
/// Those of reading the database.
#[cfg(feature = "web")]
pub async fn short_waits(
    store: &Store,
    jobs: &[Job],
    zone: Zone,
    now: Timestamp,
) -> Result<BTreeMap<JobId, crate::model::Short>> {
    let waits = whys(store, jobs, zone, now).await?;
    Ok(waits.into_iter().map(|(id, why)| (id, why.short())).collect())
}

/// One job with its steps and attempts.
///
/// # Errors
/// `JOB-ID-001` if there is none of this id.
pub async fn story(store: &Store, id: i64) -> Result<wire::JobStory> {
    let job = known(store, id).await?;
    let events = store.job_events(job.id).await?;
    let attempts = store.job_attempts(job.id).await?;
    let neighbours = store.neighbours(job.id).await?;
    Ok(wire::JobStory {
        job: wire::Job::from(&job),
        events: events.iter().map(wire::JobEvent::from).collect(),
        attempts: attempts.iter().map(wire::JobAttempt::from).collect(),
        after: neighbours.after.iter().map(wire::JobAfter::from).collect(),
        before: neighbours.before.iter().map(|id| id.0).collect(),
    })
}

/// Says why a job is not running.
///
/// # Errors
/// `JOB-ID-001` if there is none of this id.
pub async fn why(store: &Store, id: i64, now: Timestamp) -> Result<Answer<wire::JobWhy>> {
    let job = known(store, id).await?;
    let Some(why) = store.why(job.id, now).await? else { return Err(unknown(store, id).await) };
    Ok(Answer::new(wire::JobWhy::from(&why), why.to_string()))
}
