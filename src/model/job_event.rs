//! One step of a job, as those are told who follow the jobs of a store.

use super::filter::{Condition, Term};
use super::{Cause, Filter, Job, JobId, Kind, Queue, Status, Timestamp};
use crate::error::{Code, Error, Result};
use std::fmt;

/// A job took a step, and the step is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobEvent {
    /// Which job.
    pub id: JobId,
    /// Which handler runs it.
    pub kind: Kind,
    /// Its lane; `None` until admitted.
    pub queue: Option<Queue>,
    /// Where it was; `None` at its admission, and at the end of a job that another process ran. A job that another process
    /// stored with its place begins with its start here.
    pub from: Option<Status>,
    /// Where it is.
    pub to: Status,
    /// What caused a step outside the plain path; `None` on it, and where another process took the step.
    pub cause: Option<Cause>,
    /// When.
    pub at: Timestamp,
    /// Attempts begun.
    pub attempt: u32,
}

impl JobEvent {
    /// The first step of a job that has its place from the beginning.
    pub(crate) fn admitted_at_once(id: JobId, kind: Kind, queue: Queue, at: Timestamp) -> Self {
        let (from, to) = (None, Status::Queued);
        Self { id, kind, queue: Some(queue), from, to, cause: None, at, attempt: 0 }
    }

    /// The step of this job, as it was, to another status.
    pub(crate) fn of(job: &Job, to: Status, cause: Option<Cause>, at: Timestamp) -> Self {
        Self {
            id: job.id,
            kind: job.kind.clone(),
            queue: job.queue.clone(),
            from: job.counted.then_some(job.status),
            to,
            cause,
            at,
            attempt: job.attempt,
        }
    }
}

/// So many events were lost, because they were not taken in time. What they said stands in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lagged(pub u64);

impl fmt::Display for Lagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events were lost, because they were not taken in time", self.0)
    }
}

impl std::error::Error for Lagged {}

/// Which events are meant: the part of [`Filter`] that a step itself can answer.
#[derive(Debug)]
pub(crate) struct EventFilter(Vec<Term>);

impl EventFilter {
    /// The events of the jobs that fit the filter. `status:` is the one after the step.
    ///
    /// # Errors
    /// `JOB-QUERY-001` if the filter asks for more than `id`, `kind`, `queue` and `status`.
    pub(crate) fn of(filter: &Filter) -> Result<Self> {
        let unknown = filter.terms().iter().find(|term| answer(&term.condition, None).is_none());
        if let Some(term) = unknown {
            let why = format!("follow {term}: events are chosen by id, kind, queue and status");
            return Err(Error::new(Code::FilterInvalid, why));
        }
        Ok(Self(filter.terms().to_vec()))
    }

    /// Whether it is meant.
    pub(crate) fn fits(&self, event: &JobEvent) -> bool {
        self.0.iter().all(|term| answer(&term.condition, Some(event)) == Some(!term.negated))
    }
}

/// Whether an event fits a condition; `None` if no event could say. Without an event: some answer if one could.
fn answer(condition: &Condition, event: Option<&JobEvent>) -> Option<bool> {
    let fits = |fits: &dyn Fn(&JobEvent) -> bool| Some(event.is_some_and(fits));
    match condition {
        Condition::Status(values) => fits(&|event| values.contains(&event.to)),
        Condition::Kind(values) => fits(&|event| values.contains(&event.kind)),
        Condition::Queue(values) => {
            fits(&|event| event.queue.as_ref().is_some_and(|queue| values.contains(queue)))
        }
        Condition::Id(values) => fits(&|event| values.contains(&event.id.0)),
        Condition::Trigger(_)
        | Condition::Schedule(_)
        | Condition::Key(_)
        | Condition::Tag(_)
        | Condition::Batch(_)
        | Condition::Bulk(_)
        | Condition::ErrorCode(_)
        | Condition::ErrorText(_)
        | Condition::ErrorGroup(_)
        | Condition::Payload(..)
        | Condition::Since(_)
        | Condition::Before(_)
        | Condition::Attempt(..)
        | Condition::Took(..)
        | Condition::Waited(..)
        | Condition::Is(_)
        | Condition::Text(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_chosen_by_what_a_step_can_answer() {
        let event = JobEvent {
            id: JobId(7),
            kind: Kind::named("mail"),
            queue: Some(Queue::DEFAULT),
            from: Some(Status::Running),
            to: Status::Failed,
            cause: Some(Cause::Failed),
            at: Timestamp::from_millis(0),
            attempt: 3,
        };
        let fits = |text| EventFilter::of(&Filter::parse(text).unwrap()).unwrap().fits(&event);
        for yes in ["", "kind:mail,letter status:failed", "id:7", "-status:running queue:default"] {
            assert!(fits(yes), "{yes}");
        }
        for no in ["kind:letter", "-kind:mail", "status:running", "id:8", "queue:slow"] {
            assert!(!fits(no), "{no}");
        }
        for unknown in ["since:2h", ".customer:7", "lamp", "kind:mail is:overdue"] {
            let refused = EventFilter::of(&Filter::parse(unknown).unwrap()).unwrap_err();
            assert_eq!(refused.code(), Code::FilterInvalid, "{unknown}");
        }
    }
}
