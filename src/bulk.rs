//! One act on many jobs as a job of its own: kind `bulk_action`, in slices, with its progress and how many it left alone.
//!
//! *Invariant:* it changes no job twice and none that was made after its preview, whenever it is killed. Each slice is one
//! transaction that writes the progress too, and the next one begins after the id that the progress names: what is counted
//! is what was done.

mod tally;

use crate::engine::{Builder, Context};
use crate::error::{Code, Error, Result};
use crate::model::{
    Actor, Backoff, Bulk, BulkAct, BulkSlice, ConcurrencyKey, Filter, Job, JobError, Kind,
    KindRules, NewJob, Outcome, Queue, Status, Timestamp, Trigger,
};
use crate::store::Store;
use serde::{Deserialize, Serialize};
use tally::Tally;

/// Jobs that one slice changes at most.
const SLICE: usize = 100;
/// The crash while it ran that ends a bulk action: it does nothing that a server could die of, so only a server that dies
/// of something else meets this.
const POISON_AFTER: u32 = 100;

/// The payload of these jobs: the act as it was previewed, and who asked for it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    act: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    priority: Option<i32>,
    query: String,
    asked_at_ms: i64,
    from_id: i64,
    through_id: i64,
    by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remote: Option<String>,
}

/// The rules of kind `bulk_action`: one at a time, tried again when a slice fails, going on after a kill.
///
/// # Panics
/// Never: the name of its key is a constant.
pub fn rules() -> KindRules {
    let key = ConcurrencyKey::parse(Kind::BULK_ACTION.as_str()).expect("a kind's name is a key");
    KindRules {
        queue: Queue::BULK,
        max_attempts: 10,
        backoff: Backoff::default(),
        poison_after: POISON_AFTER,
        concurrency_key: Some(key),
        ..KindRules::new(Kind::BULK_ACTION)
    }
}

/// Lets an engine do bulk actions.
pub fn register(builder: Builder, store: &Store) -> Builder {
    let store = store.clone();
    builder.queue(Queue::BULK, 1).kind(rules(), move |context| {
        let store = store.clone();
        async move {
            let done = act(&store, &context).await;
            done.unwrap_or_else(|error| Outcome::Failed(JobError::from(error)))
        }
    })
}

/// The job that does what was previewed.
///
/// # Errors
/// None that a preview's own values could bring about; `JOB-VALUE-001` if they are no JSON.
pub fn job(bulk: &Bulk, actor: Actor, correlation_id: Option<String>) -> Result<NewJob> {
    let priority = match bulk.act {
        BulkAct::SetPriority(to) => Some(to),
        BulkAct::Cancel | BulkAct::Retry | BulkAct::RunNow | BulkAct::Delete => None,
    };
    let request = Request {
        act: bulk.act.as_str().to_owned(),
        priority,
        query: bulk.filter.to_string(),
        asked_at_ms: bulk.asked_at.millis(),
        from_id: bulk.from_id,
        through_id: bulk.through_id,
        by: actor.name.clone(),
        remote: actor.remote.clone(),
    };
    Ok(NewJob {
        trigger: Trigger::Manual,
        actor: Some(actor),
        correlation_id,
        ..NewJob::untyped(Kind::BULK_ACTION, &request)?
    })
}

impl Request {
    fn bulk(&self) -> Result<Bulk> {
        let act = BulkAct::parse(&self.act, self.priority).ok_or_else(|| {
            let doing = format!("act on many jobs: there is no act {:?}", self.act);
            Error::new(Code::ModelInvalid, doing)
        })?;
        Ok(Bulk {
            filter: Filter::parse(&self.query)?,
            act,
            asked_at: Timestamp::from_millis(self.asked_at_ms),
            from_id: self.from_id,
            through_id: self.through_id,
        })
    }

    fn actor(&self) -> Actor {
        Actor { name: self.by.clone(), remote: self.remote.clone() }
    }
}

/// How far the job of an act on many jobs is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The act that it does.
    pub bulk: Bulk,
    /// Jobs that were changed.
    pub changed: u64,
    /// Jobs that were left alone.
    pub left_alone: u64,
    /// How much of the ids was looked through, in percent.
    pub percent: u64,
}

/// The jobs of an act on more than so many are not listed: each look reads the ids of all.
const MOST_LISTED: u64 = 10_000;

impl Progress {
    /// Whether it has changed jobs, and few enough to list them.
    pub fn is_listed(&self) -> bool {
        (1..=MOST_LISTED).contains(&self.changed)
    }
}

/// How far an act on many jobs is; `None` for any other job.
pub fn progress(job: &Job) -> Option<Progress> {
    let request = serde_json::from_str::<Request>(&job.payload).ok();
    let bulk = request.filter(|_| job.kind == Kind::BULK_ACTION)?.bulk().ok()?;
    let tally = job.progress.as_deref().and_then(Tally::read).unwrap_or_default();
    let (from, last) = (bulk.from_id, bulk.through_id.max(bulk.from_id));
    let looked = (tally.through - from + 1).clamp(0, last - from + 1);
    let percent =
        if job.status == Status::Completed { 100 } else { looked * 100 / (last - from + 1) };
    Some(Progress {
        changed: tally.changed,
        left_alone: tally.skipped.values().sum(),
        percent: u64::try_from(percent).unwrap_or(0),
        bulk,
    })
}

async fn act(store: &Store, context: &Context) -> Result<Outcome> {
    let request: Request = context.payload()?;
    let bulk = match request.bulk() {
        Ok(bulk) => bulk,
        Err(error) => return Ok(Outcome::Fatal(JobError::from(error))),
    };
    // The jobs that an earlier attempt has changed are not looked at again.
    let mut tally = context.job.progress.as_deref().and_then(Tally::read).unwrap_or_default();
    let last = bulk.through_id;
    loop {
        if context.cancelled.is_cancelled() {
            let doing = format!("act on all jobs: it was asked to end after job {}", tally.through);
            return Ok(Outcome::Fatal(JobError::from(Error::new(Code::JobFinal, doing))));
        }
        let (lease, now) = (context.lease.clone(), context.clock.now());
        let before = tally.clone();
        let told = Box::new(move |slice: &BulkSlice| {
            let mut so_far = before.clone();
            so_far.add(slice, last);
            so_far.to_string()
        });
        let from = (tally.through, SLICE);
        let slice = store.act_slice_of(bulk.clone(), lease, from, request.actor(), now, told);
        let slice = slice.await?;
        context.alive();
        tally.add(&slice, last);
        if slice.next.is_none() {
            return Ok(Outcome::Done(tally.result()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bulk_action_survives_its_way_through_a_payload() {
        for act in [
            BulkAct::Cancel,
            BulkAct::Retry,
            BulkAct::RunNow,
            BulkAct::Delete,
            BulkAct::SetPriority(-7),
        ] {
            let bulk = Bulk {
                filter: Filter::parse("status:failed -kind:a error~\"SMTP 421\" since:2h").unwrap(),
                act,
                asked_at: Timestamp::from_millis(7),
                from_id: 1,
                through_id: 9,
            };
            let job = job(&bulk, Actor { name: "ada".into(), remote: None }, None).unwrap();
            let read: Request = serde_json::from_str(job.payload.as_str()).unwrap();
            assert_eq!(read.bulk().unwrap(), bulk);
            assert_eq!(read.actor().name, "ada");
        }
        let strange = Request {
            act: "explode".into(),
            priority: None,
            query: String::new(),
            asked_at_ms: 0,
            from_id: 1,
            through_id: 1,
            by: "ada".into(),
            remote: None,
        };
        assert_eq!(strange.bulk().unwrap_err().code(), Code::ModelInvalid);
    }
}
