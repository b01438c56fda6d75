//! What people change in a job that waits.

use super::limits::{MAX_ATTEMPTS, check_payload, check_priority};
use super::{Job, Json, Timestamp};
use crate::error::{Code, Error, Result};

/// What becomes of a waiting job; `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobEdit {
    /// Lower runs first, -100 to 100.
    pub priority: Option<i32>,
    /// Its earliest start; one that is past makes it due.
    pub run_at: Option<Timestamp>,
    /// The handler's input.
    pub payload: Option<Json>,
    /// Attempts it has, more than have begun, at most 1,000,000.
    pub max_attempts: Option<u32>,
}

/// What became of a wish that a waiting job start now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunNow {
    /// The job waited for its time and does so no longer. Everything else that it waits for still holds it.
    Due,
    /// Its time had come before; nothing was changed.
    AlreadyDue,
}

impl JobEdit {
    /// The edit without what the job has already, if the table takes its values.
    ///
    /// # Errors
    /// `JOB-VALUE-001` with the value and its range.
    pub(crate) fn of(self, job: &Job) -> Result<Self> {
        let changed = Self {
            priority: self.priority.filter(|priority| job.priority != Some(*priority)),
            run_at: self.run_at.filter(|run_at| job.run_at != *run_at),
            payload: self.payload.filter(|payload| payload.as_str() != job.payload),
            max_attempts: self.max_attempts.filter(|max| job.max_attempts != Some(*max)),
        };
        changed.priority.map(check_priority).transpose()?;
        if let Some(max) = changed.max_attempts
            && !(job.attempt.saturating_add(1)..=MAX_ATTEMPTS).contains(&max)
        {
            let least = job.attempt.saturating_add(1);
            let why = format!(
                "its number of attempts is {least} to {MAX_ATTEMPTS}, not {max}, for {} have begun",
                job.attempt
            );
            return Err(Error::new(Code::ModelInvalid, why));
        }
        changed.payload.as_ref().map(check_payload).transpose()?;
        Ok(changed)
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What the job was, and what the edit makes of it, each in a line for people. The line gives the length of a payload
    /// only, because a payload may hold what must not be in a log.
    pub(crate) fn lines(&self, job: &Job) -> (String, String) {
        let or_none = |value: Option<String>| value.unwrap_or_else(|| "the kind's default".into());
        let fields = [
            self.priority.map(|new| {
                ("priority", or_none(job.priority.map(|old| old.to_string())), new.to_string())
            }),
            self.run_at.map(|new| ("start", job.run_at.to_string(), new.to_string())),
            self.max_attempts.map(|new| {
                ("attempts", or_none(job.max_attempts.map(|old| old.to_string())), new.to_string())
            }),
            self.payload.as_ref().map(|new| {
                let bytes = |length: usize| format!("{length} bytes");
                ("payload", bytes(job.payload.len()), bytes(new.as_str().len()))
            }),
        ];
        let fields: Vec<_> = fields.into_iter().flatten().collect();
        let line = |which: fn(&(&str, String, String)) -> String| {
            fields.iter().map(which).collect::<Vec<_>>().join(", ")
        };
        (
            line(|(name, old, _)| format!("{name} {old}")),
            line(|(name, _, new)| format!("{name} {new}")),
        )
    }
}
