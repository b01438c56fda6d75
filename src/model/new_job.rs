//! A job to be stored, and what storing it answers.

mod options;

use super::begun::begun;
use super::limits::{
    MAX_AFTER, MAX_ATTEMPTS, MAX_KEY_BYTES, MAX_TAGS, check_payload, check_priority,
};
use super::{
    Actor, BatchId, ConcurrencyKey, JobId, Json, Kind, Occurrence, Payload, Queue, Tag, Timestamp,
    Trigger, UniqueKey,
};
use crate::error::{Code, Error, Result};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

begun! {
    /// A job to be stored.
    #[derive(Clone, Debug)]
    pub struct NewJob;

    /// A job of `kind` with an empty payload that may start at once.
    pub fn new(kind: Kind);

    /// Which handler runs it.
    pub kind: Kind = kind;
    /// The handler's input. Default `{}`.
    pub payload: Json = Json::default();
    /// What made it. Default [`Trigger::Api`].
    pub trigger: Trigger = Trigger::Api;
    /// Where it waits; `None`: its kind's queue.
    pub queue: Option<Queue> = None;
    /// Lower runs first, −100 to 100, each level worth ten minutes of waiting; `None`: its kind's.
    pub priority: Option<i32> = None;
    /// Earliest start; `None`: after the delay.
    pub run_at: Option<Timestamp> = None;
    /// Earliest start of a job without `run_at`, counted from when it is stored; `None`: at once.
    pub delay: Option<Duration> = None;
    /// Attempts it has, 1 to 1,000,000; `None`: its kind's.
    pub max_attempts: Option<u32> = None;
    /// How long an attempt may run; `None`: its kind's.
    pub timeout: Option<Duration> = None;
    /// At most one job of the kind holds the key; a second one is answered [`Enqueued::Existing`].
    pub unique_key: Option<UniqueKey> = None;
    /// How long the key is held. `None`: until its job is final. A length: for this window of the clock (an hour's window
    /// goes from one full hour to the next), even if its job becomes final earlier.
    pub unique_window: Option<Duration> = None;
    /// A limited number of running jobs hold it (the kind's `key_limit`); the others wait. A kind with a key of its
    /// own overrides it.
    pub concurrency_key: Option<ConcurrencyKey> = None;
    /// The caller's name for this request, at most 200 bytes. A second request with the same name is answered with the
    /// first job, for 24 hours and while that job is not final (P3).
    pub idempotency_key: Option<String> = None;
    /// The earlier jobs that it runs after. If one of them does not complete, it is cancelled.
    pub after: Vec<JobId> = Vec::new();
    /// The earlier jobs that it runs after, whatever becomes of them. With `after` at most 100.
    pub after_any: Vec<JobId> = Vec::new();
    /// The schedule's occurrence that it is for.
    pub occurrence: Option<Occurrence> = None;
    /// The schedule that pays for the job when it is for no occurrence.
    pub schedule_id: Option<i64> = None;
    /// The batch that it is counted in.
    pub batch: Option<BatchId> = None;
    /// The job that made it.
    pub parent_id: Option<JobId> = None;
    /// Ties the job's log lines to those of the request that made it, at most 200 bytes.
    pub correlation_id: Option<String> = None;
    /// Words by which it is found, whatever its kind: at most 10.
    pub tags: Vec<Tag> = Vec::new();
    /// Who asked for it: written to the audit log in the same transaction.
    pub actor: Option<Actor> = None;
}

impl NewJob {
    /// A job with this payload that may start at once, of the kind that the payload's type stands for.
    ///
    /// # Errors
    /// `JOB-VALUE-001` if the payload cannot be JSON, such as a map whose keys are not texts.
    pub fn of<P: Payload>(payload: &P) -> Result<Self> {
        Self::untyped(P::KIND, payload)
    }

    /// The same for a kind whose payload has no type of its own, because it is known at run time only. Nothing holds the
    /// payload against what the handler reads.
    ///
    /// # Errors
    /// As [`NewJob::of`].
    pub fn untyped(kind: Kind, payload: &impl Serialize) -> Result<Self> {
        let payload = Json::of(payload).map_err(|error| {
            invalid(format!("write the payload of a job ({kind}) as JSON")).because(error)
        })?;
        Ok(Self { payload, ..Self::new(kind) })
    }

    /// The earliest start of the job if it is stored at `now`.
    pub(crate) fn starts_at(&self, now: Timestamp) -> Timestamp {
        self.run_at.unwrap_or_else(|| now.plus(self.delay.unwrap_or_default()))
    }

    /// Whether it is to start so much after it is stored, and not at an instant that somebody chose.
    pub(crate) fn is_delayed(&self) -> bool {
        self.run_at.is_none() && self.delay.is_some_and(|delay| !delay.is_zero())
    }

    /// The schedule that pays for it.
    pub(crate) fn payer(&self) -> Option<i64> {
        self.occurrence.map_or(self.schedule_id, |occurrence| Some(occurrence.schedule_id))
    }

    /// The unique key as it is stored: with a window, the window's number is part of it.
    ///
    /// # Errors
    /// `JOB-VALUE-001` if the key is too long with it.
    pub(crate) fn stored_unique_key(&self, now: Timestamp) -> Result<Option<UniqueKey>> {
        match (&self.unique_key, self.unique_window) {
            (Some(key), Some(window)) => {
                let length = i64::try_from(window.as_millis()).unwrap_or(i64::MAX).max(1);
                let bucket = now.millis().div_euclid(length);
                let key = UniqueKey::parse(format!("{key}#{bucket}"));
                let too_long = |_| {
                    let most = format!("at most {MAX_KEY_BYTES} bytes");
                    invalid(format!("its unique key with the number of its window has {most}"))
                };
                key.map(Some).map_err(too_long)
            }
            (key, _) => Ok(key.clone()),
        }
    }

    /// Its tags as they are stored, each once; `None`: it has none.
    pub(crate) fn stored_tags(&self) -> Option<String> {
        let tags: BTreeSet<&str> = self.tags.iter().map(Tag::as_str).collect();
        (!tags.is_empty()).then(|| serde_json::json!(tags).to_string())
    }

    /// A text of what the request asks for. Two requests under one idempotency key are the same request if their texts
    /// are. The text leaves out the sender (actor, correlation id) and the start (a delay counts anew from each request).
    /// The store keeps its hash, so its form must not change.
    pub(crate) fn body(&self) -> String {
        let millis = |length: Option<Duration>| length.map(|length| length.as_millis().to_string());
        let mut fields = vec![
            json!(self.kind.as_str()),
            json!(self.queue.as_ref().map(Queue::as_str)),
            json!(self.priority),
            json!(self.max_attempts),
            json!(millis(self.timeout)),
            json!(self.unique_key.as_ref().map(UniqueKey::as_str)),
            json!(millis(self.unique_window)),
            json!(self.concurrency_key.as_ref().map(ConcurrencyKey::as_str)),
        ];
        // What has come later stands there only if a request names it.
        fields.extend(self.stored_tags().map(Value::from));
        let after = json!({"after": self.after, "after_any": self.after_any});
        fields.extend(Some(after).filter(|_| self.runs_after() > 0));
        // The payload has its place after the kind. It is no value, which would not keep all digits of a number.
        let mut texts: Vec<_> = fields.iter().map(ToString::to_string).collect();
        texts.insert(1, self.payload.canonical());
        format!("[{}]", texts.join(","))
    }

    /// How many jobs it is told to run after.
    pub(crate) fn runs_after(&self) -> usize {
        self.after.len() + self.after_any.len()
    }

    /// The job, if the table takes its values.
    ///
    /// # Errors
    /// `JOB-VALUE-001` with the value and its range, `JOB-SIZE-001` for a payload that is too large.
    pub(crate) fn checked(&self) -> Result<&Self> {
        let too_short = |length: Option<Duration>| {
            length.is_some_and(|length| !(1..=i64::MAX as u128).contains(&length.as_millis()))
        };
        self.priority.map(check_priority).transpose()?;
        check_payload(&self.payload)?;
        let wrong = match self {
            Self { max_attempts: Some(attempts), .. } if !(1..=MAX_ATTEMPTS).contains(attempts) => {
                return Err(invalid(format!("its number of attempts is 1 to {MAX_ATTEMPTS}")));
            }
            Self { timeout, .. } if too_short(*timeout) => {
                "its time limit is a millisecond or more"
            }
            _ if self.runs_after() > MAX_AFTER => {
                return Err(invalid(format!("it runs after at most {MAX_AFTER} jobs")));
            }
            Self { unique_window: Some(_), unique_key: None, .. } => {
                "its unique window has no unique key to hold"
            }
            Self { unique_window, .. } if too_short(*unique_window) => {
                "its unique window is a millisecond or more"
            }
            Self { correlation_id: Some(id), .. } if id.is_empty() || id.len() > MAX_KEY_BYTES => {
                return Err(invalid(format!("its correlation id has 1 to {MAX_KEY_BYTES} bytes")));
            }
            Self { idempotency_key: Some(key), .. }
                if key.is_empty() || key.len() > MAX_KEY_BYTES =>
            {
                let takes = format!("its idempotency key has 1 to {MAX_KEY_BYTES} bytes");
                return Err(invalid(takes));
            }
            Self { tags, .. } if tags.len() > MAX_TAGS => {
                return Err(invalid(format!("it has at most {MAX_TAGS} tags")));
            }
            _ => return Ok(self),
        };
        Err(invalid(wrong.to_owned()))
    }
}

fn invalid(doing: String) -> Error {
    Error::new(Code::ModelInvalid, doing)
}

/// What storing a job answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// It was stored, under this id.
    Inserted(JobId),
    /// This job holds its unique key, or was made by the same request before; nothing was stored.
    Existing(JobId),
}

impl Enqueued {
    /// The job to look at, whichever it is.
    pub fn id(self) -> JobId {
        match self {
            Self::Inserted(id) | Self::Existing(id) => id,
        }
    }
}

/// What storing a job answers to a caller who must give a repeated request the answer of the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// The job.
    pub(crate) enqueued: Enqueued,
    /// What the first request answered, if this one repeats it under its idempotency key.
    pub(crate) repeats: Option<Enqueued>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(window: Option<Duration>) -> NewJob {
        NewJob {
            unique_key: Some(UniqueKey::parse("report").unwrap()),
            unique_window: window,
            ..NewJob::new(Kind::parse("x").unwrap())
        }
    }

    #[test]
    fn a_window_is_part_of_the_stored_key_and_changes_with_the_clock() {
        let hour = Some(Duration::from_hours(1));
        let key = |at| job(hour).stored_unique_key(Timestamp::from_millis(at)).unwrap().unwrap();
        assert_eq!(key(0), key(3_599_999));
        assert_ne!(key(3_599_999), key(3_600_000));
        assert_ne!(key(-1), key(0));
        let plain = job(None).stored_unique_key(Timestamp::from_millis(0)).unwrap().unwrap();
        assert_eq!(plain.as_str(), "report");
        assert!(job(Some(Duration::ZERO)).checked().is_err());
    }

    #[test]
    fn another_body_is_told_apart_and_the_sender_is_no_part_of_it() {
        let first = job(None);
        let same = NewJob { correlation_id: Some("r-2".into()), ..first.clone() };
        let later = NewJob { run_at: Some(Timestamp::from_millis(9)), ..first.clone() };
        let other = NewJob { payload: 1.into(), ..first.clone() };
        let after = NewJob { after: vec![JobId(7)], ..first.clone() };
        assert_ne!(first.body(), after.body());
        assert_ne!(after.body(), NewJob { after_any: vec![JobId(7)], ..first.clone() }.body());
        assert_eq!(first.body(), later.body());
        assert_eq!(first.body(), same.body());
        assert_ne!(first.body(), other.body());
    }
}
