//! The status machine: who may follow whom, and how an attempt ends.
//!
//! [`settlement`] is the only place that decides what becomes of a job whose attempt ended. The worker's own settle
//! and the rescue of a lost worker's jobs both call it; the store writes what it answers. [`placement`] decides where a
//! job that waits goes when its time or its priority changes. The schema repeats [`may_follow`] in a guard trigger, and
//! a test walks every pair of statuses against it.

use super::{Cause, OnInterrupt, ParkedBy, Status, Timestamp, WaitsFor};
use crate::error::Code;
use serde_json::Value;
use std::time::Duration;

/// Longest stored error, in bytes: a long trace is cut, its beginning tells the story.
pub(super) const MAX_ERROR_BYTES: usize = 8 * 1024;
/// Crashes that are counted; a job has long been a poison pill by then.
const MAX_CRASHES: u32 = 1_000_000;
/// Shortest wait of a job that spends no attempt: a limit that is over already must not make it run in circles.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// Whether a job in status `from` may come to be in status `to`. A status may follow itself while it is not final.
pub const fn may_follow(from: Status, to: Status) -> bool {
    use Status::{Cancelled, Completed, Failed, Queued, Running, Scheduled};
    match from {
        Scheduled => matches!(to, Scheduled | Queued | Cancelled),
        Queued => matches!(to, Queued | Running | Scheduled | Cancelled),
        Running => true,
        Completed | Failed | Cancelled => false,
    }
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobError {
    /// A registered code of ours, or one of the handler's own.
    pub code: String,
    /// For people; cut at 8 KiB.
    pub message: String,
}

impl JobError {
    /// An error under one of our codes; the message begins with it.
    pub fn new(code: Code, message: impl std::fmt::Display) -> Self {
        Self { code: code.as_str().into(), message: format!("[{code}] {message}") }
    }
}

/// A handler's error of any type, texts and boxed errors included, under `JOB-RUN-001`; an error of ours keeps its code.
///
/// One conversion for all is possible because `JobError` is no [`Error`](std::error::Error) itself.
impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for JobError {
    fn from(error: E) -> Self {
        let error = match error.into().downcast::<crate::Error>() {
            Ok(ours) => *ours,
            Err(other) => crate::Error::new(Code::HandlerFailed, "run the handler").because(other),
        };
        Self { code: error.code().as_str().into(), message: error.to_string() }
    }
}

/// What a handler answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is done; the value is kept as the job's result.
    Done(Value),
    /// It failed; it is tried again while attempts are left.
    Failed(JobError),
    /// It failed, and trying again would not help.
    Fatal(JobError),
    /// It failed, and the handler knows when another attempt may help, such as after the `Retry-After` of a server: then it is
    /// tried again while attempts are left. See [`Outcome::retry_in`] and [`Outcome::retry_at`].
    Retry {
        /// Why it failed.
        error: JobError,
        /// When it is tried again, in place of its kind's back-off.
        time: RetryTime,
    },
    /// The job cannot go on now: it is tried again after this length, at least a second, and spends no attempt.
    Snooze(Duration),
    /// A limit outside forbids it until then (a rate limit, a budget): the job waits, spending no attempt, and its
    /// whole queue is paused until then.
    Limited {
        /// When it may be tried again.
        until: Timestamp,
        /// Which limit, for people.
        reason: String,
    },
}

impl Outcome {
    /// It failed and is tried again after this length. Unlike [`Outcome::Snooze`] this spends an attempt, and the job fails
    /// if it was the last one.
    pub fn retry_in(length: Duration, error: impl Into<JobError>) -> Self {
        Self::Retry { error: error.into(), time: RetryTime::In(length) }
    }

    /// The same at an instant; one that is past makes the job due at once.
    pub fn retry_at(instant: Timestamp, error: impl Into<JobError>) -> Self {
        Self::Retry { error: error.into(), time: RetryTime::At(instant) }
    }
}

/// When a failed job is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryTime {
    /// After this length from the end of the attempt.
    In(Duration),
    /// At this instant.
    At(Timestamp),
}

impl RetryTime {
    /// The instant, for an attempt that ended at `now`: not before it.
    fn after(self, now: Timestamp) -> Timestamp {
        match self {
            Self::In(length) => now.plus(length),
            Self::At(instant) => instant.max(now),
        }
    }
}

/// The operator `?` in a handler with a type makes a failure of an error; the job is tried again.
impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for Outcome {
    fn from(error: E) -> Self {
        Self::Failed(JobError::from(error))
    }
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum AttemptEnd {
    /// The handler answered.
    Answered(Outcome),
    /// It did not answer in its time, or showed no life for too long; a failure that is tried again.
    TimedOut(JobError),
    /// Its handler put it off because a budget is used up, spending no attempt.
    OverBudget {
        /// When the next period begins.
        until: Timestamp,
        /// Which budget, for people.
        reason: String,
    },
    /// Its process stopped it on purpose before it could answer.
    Stopped,
    /// Its worker went away while it ran.
    Lost,
}

impl AttemptEnd {
    /// Whether the handler did its work.
    pub(crate) const fn is_done(&self) -> bool {
        matches!(self, Self::Answered(Outcome::Done(_)))
    }

    /// Why it failed, if its handler or its time said so.
    pub(crate) const fn error(&self) -> Option<&JobError> {
        match self {
            Self::Answered(
                Outcome::Failed(error) | Outcome::Fatal(error) | Outcome::Retry { error, .. },
            )
            | Self::TimedOut(error) => Some(error),
            Self::Answered(Outcome::Done(_) | Outcome::Snooze(_) | Outcome::Limited { .. })
            | Self::OverBudget { .. }
            | Self::Stopped
            | Self::Lost => None,
        }
    }
}

/// What the decision depends on, as stored in the job and its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Attempts begun, this one included.
    pub attempt: u32,
    /// Attempts allowed.
    pub max_attempts: u32,
    /// Crashes before this one.
    pub interrupted: u32,
    /// Whether somebody asked the job to stop.
    pub cancel_requested: bool,
    /// What the kind wants when its worker goes away.
    pub on_interrupt: OnInterrupt,
    /// The crash that ends the job as a poison pill.
    pub poison_after: u32,
}

/// What is written when an attempt ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Settlement {
    /// The next status.
    pub status: Status,
    /// Earliest next start, for `scheduled`.
    pub run_at: Option<Timestamp>,
    /// Attempts spent afterwards.
    pub attempt: u32,
    /// Crashes afterwards.
    pub interrupted: u32,
    /// The handler's answer.
    pub result: Option<Value>,
    /// Why the attempt failed.
    pub error: Option<JobError>,
    /// The word for `job_events`; `None` on the plain path from running to completed.
    pub cause: Option<Cause>,
    /// Why it was put off, for its history.
    pub detail: Option<String>,
    /// Why and until when the job's queue is paused.
    pub pause: Option<(String, Timestamp)>,
}

impl Settlement {
    /// What puts the job off, if it is scheduled.
    pub const fn parked_by(&self) -> Option<ParkedBy> {
        match self.cause {
            Some(Cause::Retry) => Some(ParkedBy::Retry),
            Some(Cause::Snooze) => Some(ParkedBy::Snooze),
            Some(Cause::Limited) => Some(ParkedBy::Limit),
            Some(Cause::Budget) => Some(ParkedBy::Budget),
            Some(
                Cause::Failed
                | Cause::Fatal
                | Cause::Poison
                | Cause::Interrupted
                | Cause::Resumed
                | Cause::Blocked
                | Cause::CancelRequested
                | Cause::Cancelled
                | Cause::After
                | Cause::RunNow
                | Cause::Rescheduled
                | Cause::Edited,
            )
            | None => None,
        }
    }
}

/// Decides what becomes of a job whose attempt ended.
///
/// `retry_after` is how long a retry waits ([`Backoff::wait`](super::Backoff::wait)).
pub fn settlement(
    terms: Terms,
    end: AttemptEnd,
    now: Timestamp,
    retry_after: Duration,
) -> Settlement {
    let plain = Settlement {
        status: Status::Completed,
        run_at: None,
        attempt: terms.attempt,
        interrupted: terms.interrupted,
        result: None,
        error: None,
        cause: None,
        detail: None,
        pause: None,
    };
    let done = matches!(end, AttemptEnd::Answered(Outcome::Done(_)));
    if terms.cancel_requested && !done {
        return Settlement { status: Status::Cancelled, cause: Some(Cause::Cancelled), ..plain };
    }
    let unspent = terms.attempt.saturating_sub(1);
    match end {
        AttemptEnd::Answered(Outcome::Done(result)) => Settlement { result: Some(result), ..plain },
        AttemptEnd::Answered(Outcome::Fatal(error)) => failed(plain, error, Cause::Fatal),
        AttemptEnd::Answered(Outcome::Failed(error) | Outcome::Retry { error, .. })
        | AttemptEnd::TimedOut(error)
            if terms.attempt >= terms.max_attempts =>
        {
            failed(plain, error, Cause::Failed)
        }
        AttemptEnd::Answered(Outcome::Failed(error)) | AttemptEnd::TimedOut(error) => Settlement {
            run_at: Some(now.plus(retry_after)),
            error: Some(cut(error)),
            ..scheduled(plain, Cause::Retry)
        },
        AttemptEnd::Answered(Outcome::Retry { error, time }) => Settlement {
            run_at: Some(time.after(now)),
            error: Some(cut(error)),
            ..scheduled(plain, Cause::Retry)
        },
        AttemptEnd::Answered(Outcome::Snooze(wait)) => Settlement {
            run_at: Some(now.plus(wait.max(SHORTEST_WAIT))),
            attempt: unspent,
            ..scheduled(plain, Cause::Snooze)
        },
        AttemptEnd::Answered(Outcome::Limited { until, reason }) => Settlement {
            run_at: Some(until.max(now.plus(SHORTEST_WAIT))),
            attempt: unspent,
            detail: Some(reason.clone()),
            // A limit that is over already pauses nothing.
            pause: (until > now).then_some((reason, until)),
            ..scheduled(plain, Cause::Limited)
        },
        AttemptEnd::OverBudget { until, reason } => Settlement {
            run_at: Some(until.max(now.plus(SHORTEST_WAIT))),
            attempt: unspent,
            detail: Some(reason),
            ..scheduled(plain, Cause::Budget)
        },
        AttemptEnd::Stopped => interrupted(plain, unspent, terms.on_interrupt),
        AttemptEnd::Lost => {
            let crashes = terms.interrupted.saturating_add(1).min(MAX_CRASHES);
            let after = Settlement { interrupted: crashes, ..plain };
            if crashes >= terms.poison_after {
                let why = format!("the server died {crashes} times while this job ran");
                return failed(after, JobError::new(Code::PoisonPill, why), Cause::Poison);
            }
            interrupted(after, unspent, terms.on_interrupt)
        }
    }
}

/// Where a waiting job goes when its time or its priority changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// It stays where it is.
    Stays,
    /// It is queued, without a place in the claim order or a slot of its key: admission gives it both anew.
    Admitted,
    /// It is scheduled, and admission looks at it.
    AdmittedLater,
    /// It is scheduled, and gives up its place and its slot.
    Scheduled,
}

/// Decides where a job goes that is to start at `run_at` from now on; `None` if it does not wait, so that nothing of it
/// may change. `reordered`: whether its time or its priority is another one than before.
pub fn placement(
    status: Status,
    waits_for: Option<WaitsFor>,
    reordered: bool,
    run_at: Timestamp,
    now: Timestamp,
) -> Option<Placement> {
    let is_due = run_at <= now;
    Some(match (status, waits_for) {
        (Status::Running | Status::Completed | Status::Failed | Status::Cancelled, _) => {
            return None;
        }
        (_, _) if !reordered => Placement::Stays,
        // What is queued counts as due, whatever its time, so that another time takes it out of the queue.
        (Status::Queued, Some(WaitsFor::Admission | WaitsFor::After)) if !is_due => {
            Placement::AdmittedLater
        }
        // Admission looks at it in any case, and goes by its time.
        (_, Some(WaitsFor::Admission)) => Placement::Stays,
        // The same, once admission has looked whether it still has to wait.
        (Status::Scheduled, Some(WaitsFor::After)) if !is_due => Placement::AdmittedLater,
        (_, Some(WaitsFor::After)) => Placement::Admitted,
        (Status::Scheduled, _) if is_due => Placement::Admitted,
        (Status::Queued, _) if !is_due => Placement::Scheduled,
        // It has a place in the claim order, which is another one now.
        (Status::Queued, None) => Placement::Admitted,
        // The one waits for its time; the others are called up by their time and priority, whatever they are then.
        (Status::Scheduled, _)
        | (
            Status::Queued,
            Some(WaitsFor::Handler | WaitsFor::Key | WaitsFor::Rate | WaitsFor::Constraint),
        ) => Placement::Stays,
    })
}

/// An attempt that is interrupted is not spent; one that ends the job by that was its last.
fn interrupted(after: Settlement, unspent: u32, on_interrupt: OnInterrupt) -> Settlement {
    match on_interrupt {
        OnInterrupt::Retry => Settlement {
            status: Status::Queued,
            attempt: unspent,
            cause: Some(Cause::Interrupted),
            ..after
        },
        OnInterrupt::Fail => {
            let why = "interrupted: its process stopped or died while it ran";
            failed(after, JobError::new(Code::Interrupted, why), Cause::Interrupted)
        }
    }
}

fn scheduled(plain: Settlement, cause: Cause) -> Settlement {
    Settlement { status: Status::Scheduled, cause: Some(cause), ..plain }
}

fn failed(plain: Settlement, error: JobError, cause: Cause) -> Settlement {
    Settlement { status: Status::Failed, error: Some(cut(error)), cause: Some(cause), ..plain }
}

fn cut(mut error: JobError) -> JobError {
    let end = error.message.floor_char_boundary(MAX_ERROR_BYTES);
    error.message.truncate(end);
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const TERMS: Terms = Terms {
        attempt: 1,
        max_attempts: 3,
        interrupted: 0,
        cancel_requested: false,
        on_interrupt: OnInterrupt::Retry,
        poison_after: 3,
    };
    const RETRY_AFTER: Duration = Duration::from_secs(10);

    fn error() -> JobError {
        JobError { code: "X-YZ-001".into(), message: "broken".into() }
    }

    fn ends(terms: Terms, end: AttemptEnd) -> Settlement {
        settlement(terms, end, NOW, RETRY_AFTER)
    }

    #[test]
    fn done_completes_even_after_a_cancel_request() {
        let terms = Terms { cancel_requested: true, ..TERMS };
        let after = ends(terms, AttemptEnd::Answered(Outcome::Done(Value::from(1))));
        assert_eq!((after.status, after.result), (Status::Completed, Some(Value::from(1))));
    }

    #[test]
    fn a_failure_retries_after_its_wait_until_attempts_are_spent() {
        for end in [AttemptEnd::Answered(Outcome::Failed(error())), AttemptEnd::TimedOut(error())] {
            let first = ends(TERMS, end.clone());
            let due = NOW.plus(RETRY_AFTER);
            assert_eq!((first.status, first.run_at), (Status::Scheduled, Some(due)));
            assert_eq!(first.attempt, 1);
            let third = ends(Terms { attempt: 3, ..TERMS }, end);
            assert_eq!((third.status, third.error), (Status::Failed, Some(error())));
        }
    }

    #[test]
    fn a_limit_parks_the_job_spends_no_attempt_and_pauses_the_queue() {
        let limited = |until| {
            let outcome = Outcome::Limited { until, reason: "rate limit".into() };
            ends(TERMS, AttemptEnd::Answered(outcome))
        };
        let until = NOW.plus(Duration::from_mins(1));
        let after = limited(until);
        assert_eq!((after.status, after.run_at), (Status::Scheduled, Some(until)));
        assert_eq!((after.attempt, after.pause), (0, Some(("rate limit".into(), until))));
        let over = limited(NOW);
        assert_eq!((over.pause, over.run_at), (None, Some(NOW.plus(SHORTEST_WAIT))));
    }

    #[test]
    fn a_crash_spends_no_attempt_and_the_third_is_a_poison_pill() {
        let once = ends(TERMS, AttemptEnd::Lost);
        assert_eq!((once.status, once.attempt, once.interrupted), (Status::Queued, 0, 1));
        let thrice = ends(Terms { interrupted: 2, ..TERMS }, AttemptEnd::Lost);
        assert_eq!(thrice.status, Status::Failed);
        assert_eq!(thrice.error.unwrap().code, Code::PoisonPill.as_str());
    }

    #[test]
    fn a_clean_stop_counts_as_no_crash() {
        let after = ends(Terms { interrupted: 2, ..TERMS }, AttemptEnd::Stopped);
        assert_eq!((after.status, after.attempt, after.interrupted), (Status::Queued, 0, 2));
    }

    #[test]
    fn a_kind_that_must_not_run_twice_fails_when_interrupted() {
        let terms = Terms { on_interrupt: OnInterrupt::Fail, ..TERMS };
        for end in [AttemptEnd::Lost, AttemptEnd::Stopped] {
            let after = ends(terms, end);
            assert_eq!((after.status, after.attempt), (Status::Failed, 1), "its attempt counts");
            assert_eq!(after.error.unwrap().code, Code::Interrupted.as_str());
        }
    }

    #[test]
    fn a_cancel_request_ends_every_attempt_that_did_not_complete() {
        let terms = Terms { cancel_requested: true, ..TERMS };
        let snooze = AttemptEnd::Answered(Outcome::Snooze(Duration::from_secs(1)));
        let fatal = AttemptEnd::Answered(Outcome::Fatal(error()));
        for end in [snooze, fatal, AttemptEnd::Lost, AttemptEnd::Stopped] {
            assert_eq!(ends(terms, end).status, Status::Cancelled);
        }
    }

    #[test]
    fn an_error_of_any_type_is_a_failure_and_one_of_ours_keeps_its_code() {
        let io = || std::io::Error::other("the lamp is out");
        let boxed: Box<dyn std::error::Error + Send + Sync> = Box::new(io());
        let text = "the lamp is out";
        for error in [text.into(), text.to_owned().into(), io().into(), JobError::from(boxed)] {
            assert_eq!(error.message, "[JOB-RUN-001] run the handler: the lamp is out");
            assert_eq!(error.code, Code::HandlerFailed.as_str());
        }
        let ours = || crate::Error::new(Code::StoreFull, "save").because(io());
        let boxed: Box<dyn std::error::Error + Send + Sync> = Box::new(ours());
        for error in [ours().into(), JobError::from(boxed)] {
            assert_eq!(error.message, "[STORE-FULL-001] save: the lamp is out");
        }
        assert_eq!(Outcome::from(text), Outcome::Failed(text.into()));
    }

    #[test]
    fn a_waiting_job_goes_where_its_new_time_and_priority_say() {
        use Status::{Queued, Scheduled};
        use WaitsFor::{Admission, After, Constraint, Handler, Key};
        let later = NOW.plus(RETRY_AFTER);
        let (stays, admitted, scheduled) =
            (Placement::Stays, Placement::Admitted, Placement::Scheduled);
        let later_on = Placement::AdmittedLater;
        for (status, waits_for, due, not_due) in [
            (Scheduled, None, admitted, stays),
            (Scheduled, Some(Admission), stays, stays),
            (Scheduled, Some(After), admitted, later_on),
            (Queued, Some(After), admitted, later_on),
            (Queued, None, admitted, scheduled),
            (Queued, Some(Admission), stays, later_on),
            (Queued, Some(Handler), stays, scheduled),
            (Queued, Some(Key), stays, scheduled),
            (Queued, Some(Constraint), stays, scheduled),
        ] {
            let at = |run_at| placement(status, waits_for, true, run_at, NOW);
            assert_eq!((at(NOW), at(later)), (Some(due), Some(not_due)), "{status} {waits_for:?}");
            for run_at in [NOW, later] {
                assert_eq!(placement(status, waits_for, false, run_at, NOW), Some(stays));
            }
        }
        for status in [Status::Running, Status::Completed, Status::Failed, Status::Cancelled] {
            assert_eq!(placement(status, None, true, NOW, NOW), None, "{status}");
        }
    }

    #[test]
    fn a_long_error_is_cut_on_a_character() {
        let error = JobError { code: "X".into(), message: "ü".repeat(MAX_ERROR_BYTES) };
        let kept = ends(TERMS, AttemptEnd::Answered(Outcome::Fatal(error))).error.unwrap();
        assert_eq!(kept.message.len(), MAX_ERROR_BYTES);
    }
}
