//! Enqueue: stores a job, unless an earlier one is the answer.

use crate::error::{Code, Error, Result};
use crate::model::{
    Enqueued, FirstPlace, JobEvent, JobId, Kind, KindRules, Lease, NewJob, Receipt, Status,
    Timestamp, sha256_hex,
};
use crate::store::sql::jobs::NewRow;
use crate::store::sql::{after, audit, batches, folder_key, idempotency, jobs, lease, workers};
use crate::store::sqlite::Tx;
use std::slice;

/// Whether storing the job decides something that another write could make wrong: by an earlier request with its
/// idempotency key, by the holder of its unique key, by how many of its kind wait, by what it runs after, by the end of its
/// batch, or by the settings that hold for a session. Any other job is a row that is added: a [`Plain`] one.
pub(in crate::store) fn decides(job: &NewJob) -> bool {
    let looks_for_one = job.idempotency_key.is_some() || job.unique_key.is_some();
    let looks_for_one = looks_for_one || job.kind == Kind::AGENT_SESSION;
    looks_for_one || most_waiting(job).is_some() || job.runs_after() > 0 || job.batch.is_some()
}

/// A job that is a row and nothing else, checked and ready to be stored.
pub(in crate::store) struct Plain {
    job: NewJob,
    now: Timestamp,
}

impl Plain {
    /// A job of which nothing is to be decided.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for a value out of range, `JOB-SIZE-001` for a payload that is too large.
    pub(in crate::store) fn of(job: NewJob, now: Timestamp) -> Result<Self> {
        job.checked()?;
        Ok(Self { job, now })
    }

    /// Whether its payload is short.
    pub(in crate::store) fn is_short(&self) -> bool {
        self.job.payload.as_str().len() <= SHORT
    }
}

/// The longest payload, in bytes, of a job that is stored together with those of other callers: those of a batch are two
/// megabytes in one transaction.
const SHORT: usize = 4096;

/// Stores one of them.
pub(in crate::store) fn plain_one(tx: &Tx<'_>, job: &Plain) -> Result<JobId> {
    Ok(plain(tx, slice::from_ref(job))?[0])
}

/// Stores jobs of which nothing is to be decided; answers their ids in their order. Each has its place in the claim order at
/// once if a worker that is at work has its kind and nothing else has a say in it; the poller admits any other.
pub(in crate::store) fn plain(tx: &Tx<'_>, jobs: &[Plain]) -> Result<Vec<JobId>> {
    let mut rules = Rules::default();
    let rows = jobs.iter().map(|Plain { job, now }| {
        let rules = rules.of(tx, &job.kind, *now)?;
        let place = rules.and_then(|rules| FirstPlace::of(job, rules, *now));
        Ok(NewRow { job, unique_key: None, place, now: *now })
    });
    insert(tx, &rows.collect::<Result<Vec<_>>>()?)
}

/// The same for jobs of several callers.
pub(in crate::store) fn plain_together(tx: &Tx<'_>, jobs: &[Plain]) -> Result<Vec<Result<JobId>>> {
    Ok(plain(tx, jobs)?.into_iter().map(Ok).collect())
}

/// Stores rows, counts those that have a place from the beginning, and notes who made them.
fn insert(tx: &Tx<'_>, rows: &[NewRow<'_>]) -> Result<Vec<JobId>> {
    let ids = jobs::insert(tx, rows)?;
    for (NewRow { job, place, now, .. }, id) in rows.iter().zip(&ids) {
        if let Some(place) = place {
            let queue = &place.admitted.queue;
            tx.came(Status::Queued, &job.kind, Some(queue));
            tx.took(JobEvent::admitted_at_once(*id, job.kind.clone(), queue.clone(), *now));
        }
        note_actor(tx, *id, job, *now)?;
    }
    Ok(ids)
}

/// The rules of kinds, each read once.
#[derive(Default)]
struct Rules(Vec<(Kind, Option<KindRules>)>);

impl Rules {
    /// The rules that hold for a kind, if a worker that is at work has it.
    fn of(&mut self, tx: &Tx<'_>, kind: &Kind, now: Timestamp) -> Result<Option<&KindRules>> {
        let known = self.0.iter().position(|(known, _)| known == kind);
        let at = known.unwrap_or(self.0.len());
        if known.is_none() {
            self.0.push((kind.clone(), workers::rules_of(tx, kind, now)?));
        }
        Ok(self.0[at].1.as_ref())
    }
}

/// The audit log has the jobs that people make.
fn note_actor(tx: &Tx<'_>, id: JobId, job: &NewJob, now: Timestamp) -> Result<()> {
    let Some(actor) = &job.actor else { return Ok(()) };
    let subject = format!("job {id} ({})", job.kind);
    audit::record(tx, actor, "enqueue", &subject, now)
}

/// Stores any job, for the poller to admit. Answers the earlier one of the same request or
/// with the same unique key instead, if there is one.
///
/// # Errors
/// `JOB-KEY-001` if its idempotency key belongs to another request, `JOB-LIMIT-001` if as many of its kind wait as may,
/// `JOB-AFTER-001` if there is no such job as it is to run after, `JOB-BATCH-001` if there is no such batch, `JOB-BATCH-002` if
/// the batch is finished or full, `JOB-VALUE-001` for a value out of range, `JOB-SIZE-001` for a payload that is too large.
pub(in crate::store) fn enqueue(tx: &Tx<'_>, job: &NewJob, now: Timestamp) -> Result<Enqueued> {
    Ok(with_receipt(tx, job, now)?.enqueued)
}

/// The same; says also what the first request answered, if this one repeats it.
///
/// # Errors
/// As [`enqueue`].
pub(in crate::store) fn with_receipt(tx: &Tx<'_>, job: &NewJob, now: Timestamp) -> Result<Receipt> {
    let job = &*folder_key::with(tx, job.checked()?)?;
    let request = Request::of(job);
    if let Some(request) = &request
        && let Some(first) = request.first_answer(tx, now)?
    {
        return Ok(Receipt { enqueued: Enqueued::Existing(first.id()), repeats: Some(first) });
    }
    let unique_key = job.stored_unique_key(now)?;
    let holder = match &unique_key {
        Some(key) => jobs::holder(tx, &job.kind, key)?,
        None => None,
    };
    let enqueued = if let Some(holder) = holder {
        Enqueued::Existing(holder)
    } else {
        if let Some(limit) = most_waiting(job) {
            expect_room(tx, &job.kind, limit)?;
        }
        expect_those_before(tx, job)?;
        expect_open_batch(tx, job)?;
        let row = NewRow { job, unique_key: unique_key.as_ref(), place: None, now };
        let id = insert(tx, &[row])?[0];
        after::insert(tx, id, job)?;
        Enqueued::Inserted(id)
    };
    if let Some(Request { key, body_hash }) = &request {
        let body_hash = marked(body_hash, enqueued);
        idempotency::remember(tx, key, &body_hash, enqueued.id(), now)?;
    }
    Ok(Receipt { enqueued, repeats: None })
}

/// The same for a job that a running job makes, under its lease.
///
/// # Errors
/// `STORE-LEASE-001` if the lease is not held any more (P9); as [`enqueue`].
pub(in crate::store) fn under_lease(
    tx: &Tx<'_>,
    lease: &Lease,
    job: &NewJob,
    now: Timestamp,
) -> Result<Enqueued> {
    lease::expect_held(tx, lease)?;
    enqueue(tx, job, now)
}

/// A request under an idempotency key (P3).
struct Request<'a> {
    key: &'a str,
    body_hash: String,
}

impl<'a> Request<'a> {
    /// The request that makes this job, if it has a key.
    fn of(job: &'a NewJob) -> Option<Self> {
        let key = job.idempotency_key.as_deref()?;
        Some(Self { key, body_hash: sha256_hex(&job.body()) })
    }

    /// What the same request answered before.
    ///
    /// # Errors
    /// `JOB-KEY-001` if the key belongs to a request with another body.
    fn first_answer(&self, tx: &Tx<'_>, now: Timestamp) -> Result<Option<Enqueued>> {
        let is_mine = |of: Enqueued, kept: &str| marked(&self.body_hash, of) == kept;
        match idempotency::known(tx, self.key, now)? {
            Some((id, kept)) if is_mine(Enqueued::Inserted(id), &kept) => {
                Ok(Some(Enqueued::Inserted(id)))
            }
            Some((id, kept)) if is_mine(Enqueued::Existing(id), &kept) => {
                Ok(Some(Enqueued::Existing(id)))
            }
            Some((id, _)) => Err(Error::new(
                Code::IdempotencyConflict,
                format!("another request with the same key made job {id}"),
            )),
            None => Ok(None),
        }
    }
}

/// The hash of a request's body as it is kept: with a mark behind it if the request found a job that held its unique key, so
/// that a repetition is answered as the request was.
fn marked(body_hash: &str, answer: Enqueued) -> String {
    match answer {
        Enqueued::Inserted(_) => body_hash.to_owned(),
        Enqueued::Existing(_) => format!("{body_hash} found"),
    }
}

/// How many jobs of its kind may wait at most with it. An occurrence of a schedule is never lost: its own policies bound
/// how many of its jobs wait.
fn most_waiting(job: &NewJob) -> Option<i64> {
    job.kind.most_waiting().filter(|_| job.occurrence.is_none())
}

/// Refuses a job if as many of its kind wait as may. Jobs that are not admitted yet count too.
fn expect_room(tx: &Tx<'_>, kind: &Kind, limit: i64) -> Result<()> {
    if jobs::count_waiting(tx, kind, limit)? < limit {
        return Ok(());
    }
    Err(Error::new(Code::QueueFull, format!("{limit} jobs of kind {kind} wait already")))
}

/// Refuses a job that is to run after one that does not exist.
fn expect_those_before(tx: &Tx<'_>, job: &NewJob) -> Result<()> {
    let Some(id) = after::missing(tx, job)? else { return Ok(()) };
    Err(Error::new(Code::JobAfterUnknown, format!("there is no job {id} to run after")))
}

/// Refuses a job of a batch that is finished or full.
fn expect_open_batch(tx: &Tx<'_>, job: &NewJob) -> Result<()> {
    let Some(id) = job.batch else { return Ok(()) };
    match batches::takes_more(tx, id)? {
        Some(true) => Ok(()),
        Some(false) => Err(Error::new(Code::BatchOver, format!("batch {id} takes no more jobs"))),
        None => Err(Error::new(Code::BatchUnknown, format!("there is no batch {id}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BatchId, Occurrence, UniqueKey};

    #[test]
    fn a_plain_job_is_a_row_and_what_looks_at_others_is_a_rule() {
        let job = |kind: &str| NewJob::new(Kind::parse(kind).unwrap());
        assert!(!decides(&job("send_email")));
        let key = UniqueKey::parse("customer-7").ok();
        assert!(decides(&NewJob { unique_key: key, ..job("send_email") }));
        let key = Some("request-9".to_owned());
        assert!(decides(&NewJob { idempotency_key: key, ..job("send_email") }));
        assert!(decides(&job("send_email").after([JobId(3)])));
        assert!(decides(&NewJob { batch: Some(BatchId(1)), ..job("send_email") }));
        let scan = NewJob::new(Kind::SELF_MONITORING);
        assert!(decides(&scan), "a thousand of them may wait");
        let occurrence = Some(Occurrence { schedule_id: 1, at: Timestamp::from_millis(0) });
        assert!(!decides(&NewJob { occurrence, ..scan }));
    }
}
