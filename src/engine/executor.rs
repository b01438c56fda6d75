//! One job from its claim to its settlement.

use super::Stop;
use super::handler::{Answer, Context, Handler, Holds};
use super::limits::{self, Limits};
use super::metrics::Recorder;
use crate::clock::Clock;
use crate::error::{Code, ignore};
use crate::heavy::heavy;
use crate::model::{
    AttemptEnd, Job, JobError, Kind, KindRules, Lease, Outcome, OverBudget, Queue, Status,
};
use crate::redact::redactor;
use crate::store::Store;
use crate::{error_coded, warn_coded};
use std::any::Any;
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::unconstrained;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// How long a handler that must end may clean up before it is dropped (P20 allows twelve seconds).
const CANCEL_GRACE: Duration = Duration::from_secs(10);
/// The bytes of a job's error that are logged; the job has all of it.
const MAX_REASON: usize = 1000;
/// Wait between tries to save the end of a job.
const SETTLE_AGAIN: Duration = Duration::from_secs(1);

/// Tells the poller that the end of a job has been sent to the database. The job's slot is free for the next look, which
/// shares its commit with the end: a job costs one commit instead of two.
#[derive(Debug, Default)]
pub(super) struct EndNotice {
    is_sent: AtomicBool,
    /// Wakes the poller.
    sent: Arc<Notify>,
}

impl EndNotice {
    /// A notice that wakes who waits for `sent`.
    pub(super) fn new(sent: &Arc<Notify>) -> Arc<Self> {
        Arc::new(Self { is_sent: AtomicBool::new(false), sent: Arc::clone(sent) })
    }

    /// Whether the end has been sent and was not refused.
    pub(super) fn is_sent(&self) -> bool {
        self.is_sent.load(Ordering::Acquire)
    }

    fn send(&self) {
        self.is_sent.store(true, Ordering::Release);
        self.sent.notify_one();
    }

    /// The database refused the end: the job holds its slot until the end is saved.
    fn withdraw(&self) {
        self.is_sent.store(false, Ordering::Release);
    }
}

/// Everything that one run needs.
pub(super) struct Run {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Recorder>,
    pub(super) stop: Stop,
    pub(super) handler: Handler,
    pub(super) rules: Arc<KindRules>,
    /// Cancelled when somebody cancels the job.
    pub(super) cancel: CancellationToken,
    /// Tells the poller that the job's end has been sent.
    pub(super) end_notice: Arc<EndNotice>,
    pub(super) job: Arc<Job>,
    pub(super) lease: Lease,
}

impl Run {
    /// Runs the handler and saves how it ended.
    pub(super) async fn execute(self) {
        let span = self.span();
        self.run().instrument(span).await;
    }

    /// Every line that is logged while the job runs says which job, and which request made it.
    fn span(&self) -> tracing::Span {
        let Job { id, kind, attempt, .. } = &*self.job;
        let queue = self.job.queue.as_ref().map(Queue::as_str);
        let correlation_id = self.job.correlation_id.clone();
        let correlation_id = correlation_id.unwrap_or_else(|| format!("job-{id}"));
        tracing::info_span!("job", %id, %kind, queue, attempt, correlation_id)
    }

    async fn run(self) {
        tracing::debug!(epoch = self.lease.epoch, "started");
        let begun = self.clock.now();
        self.metrics.started(&self.job.kind, self.job.run_at, begun);
        let end = self.perform().await;
        let end = heavy(length(&end), move || without_secrets(end)).await;
        let saved = self.save(end).await;
        let status = saved.as_ref().map(|(status, _)| *status);
        self.metrics.ended(&self.job.kind, status, self.clock.now().since(begun));
        if let Some((status, failure)) = saved {
            self.report(status, failure.as_ref());
        }
    }

    /// Says how the job ended. A failure for good is a warning under the job's own code, so that it becomes an issue; that
    /// of a scan is not, or each scan would find the one before.
    fn report(&self, status: Status, failure: Option<&JobError>) {
        let Job { id, kind, attempt, .. } = &*self.job;
        let reason = failure.map(reason);
        if status == Status::Failed && *kind != Kind::SELF_MONITORING {
            let (code, reason) = reason.unwrap_or_else(|| {
                (Code::Interrupted, "its process stopped while it ran".to_owned())
            });
            warn_coded!(code, "job {id} ({kind}) has failed on attempt {attempt}: {reason}");
        } else if let Some((code, reason)) = reason {
            tracing::info!(
                "job {id} ({kind}) is {status} after attempt {attempt}: {code} {reason}"
            );
        } else {
            tracing::debug!("job {id} ({kind}) is {status}");
        }
    }

    async fn perform(&self) -> AttemptEnd {
        let life = Arc::new(Notify::new());
        let over_budget = Arc::new(OnceLock::new());
        let holds = Holds::default();
        let context = Context {
            job: Job::clone(&self.job),
            lease: self.lease.clone(),
            clock: self.clock.clone(),
            stopping: self.stop.claims.clone(),
            cancelled: self.cancel.clone(),
            store: self.store.clone(),
            life: Arc::clone(&life),
            holds: Arc::clone(&holds),
            over_budget: Arc::clone(&over_budget),
        };
        let mut handler = match catch_unwind(AssertUnwindSafe(|| (self.handler)(context))) {
            Ok(handler) => handler,
            Err(panic) => return self.panicked(&*panic),
        };
        let limits = Limits::of(&self.job, &self.rules);
        let end = tokio::select! {
            biased;
            outcome = answered(&mut handler) => self.end_of(outcome),
            () = self.stop.handlers.cancelled(), if !self.rules.winds_up => AttemptEnd::Stopped,
            () = self.stop.handlers.cancelled() => {
                self.cancel.cancel();
                self.wind_up(&mut handler, &holds, AttemptEnd::Stopped).await
            }
            () = self.cancel.cancelled() => {
                self.wind_up(&mut handler, &holds, AttemptEnd::Stopped).await
            }
            error = limits::exceeded(&self.clock, limits, &life) => {
                self.cancel.cancel();
                self.wind_up(&mut handler, &holds, AttemptEnd::TimedOut(error)).await
            }
        };
        // A handler's own code runs once more when it is dropped; what it did before still counts.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(handler))) {
            self.panicked(&*panic);
        }
        put_off(end, over_budget.get())
    }

    /// Gives a handler that must end its time to clean up. If it comes to its end meanwhile, its work counts, and so does its
    /// word, when the server stops, that the job has not begun; any other answer is what made it end.
    async fn wind_up(&self, handler: &mut Answer, holds: &Holds, end: AttemptEnd) -> AttemptEnd {
        tokio::select! {
            biased;
            outcome = answered(handler) => match self.end_of(outcome) {
                done @ AttemptEnd::Answered(Outcome::Done(_)) => done,
                put_off @ AttemptEnd::Answered(Outcome::Snooze(_)) if end == AttemptEnd::Stopped => put_off,
                AttemptEnd::Answered(_)
                | AttemptEnd::TimedOut(_)
                | AttemptEnd::OverBudget { .. }
                | AttemptEnd::Stopped
                | AttemptEnd::Lost => end,
            },
            () = self.patience(holds) => end,
            () = self.stop.handlers.cancelled(), if !self.rules.winds_up => end,
        }
    }

    /// Returns when a handler that must end has had its time, which begins anew with the end of its last hold. Nothing holds
    /// a job whose lease is lost: it is somebody else's.
    async fn patience(&self, holds: &Holds) {
        self.clock.sleep(CANCEL_GRACE).await;
        let lost = async {
            self.stop.handlers.cancelled().await;
            // A server that stops ends its handlers too, but its jobs are still its own.
            if self.stop.claims.is_cancelled() {
                pending::<()>().await;
            }
        };
        let mut standing = holds.subscribe();
        let released = async {
            while *standing.borrow() > 0 {
                let none = standing.wait_for(|holds| *holds == 0).await.map(drop);
                ignore(none, "this run has a sender of its own");
                self.clock.sleep(CANCEL_GRACE).await;
            }
        };
        tokio::select! {
            () = released => {}
            () = lost => {}
        }
    }

    fn end_of(&self, outcome: Result<Outcome, Box<dyn Any + Send>>) -> AttemptEnd {
        match outcome {
            Ok(outcome) => AttemptEnd::Answered(outcome),
            Err(panic) => self.panicked(&*panic),
        }
    }

    fn panicked(&self, panic: &(dyn Any + Send)) -> AttemptEnd {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        error_coded!(
            Code::HandlerPanicked,
            "the handler of {} panicked on job {}: {text}",
            self.job.kind,
            self.job.id
        );
        let error =
            JobError::new(Code::HandlerPanicked, format_args!("the handler panicked: {text}"));
        AttemptEnd::Answered(Outcome::Failed(error))
    }

    /// Saves the end, again and again while the database refuses, and answers the status and the failure; `None` if that
    /// was given up. A row that is still running then is in nobody's hands, and the next look settles it as lost.
    async fn save(&self, mut end: AttemptEnd) -> Option<(Status, Option<JobError>)> {
        let mut refused = false;
        let retry_after = self.rules.backoff.wait(self.job.attempt, self.clock.chance());
        loop {
            let now = self.clock.now();
            let lease = self.lease.clone();
            let saved = self.store.settle_claimed(&self.job, lease, end.clone(), retry_after, now);
            let mut saved = pin!(unconstrained(saved));
            // The first step puts the call into the writer's line, unless the line is full: the poller's next look is behind
            // it there. A look that comes first claims a job more for a moment than the process has slots; the limits of
            // queues and keys are read from the rows.
            let first = poll_fn(|cx| Poll::Ready(saved.as_mut().poll(cx))).await;
            self.end_notice.send();
            let saved = match first {
                Poll::Ready(saved) => saved,
                Poll::Pending => saved.await,
            };
            let error = match saved {
                Ok(status) => return Some((status, failure(end))),
                Err(error) => error,
            };
            self.end_notice.withdraw();
            let rules = [Code::StoreConstraint, Code::StoreCorrupt].contains(&error.code());
            if error.is_lease_lost() || error.code() == Code::StoreClosed {
                tracing::info!(%error, "the end of a job was not saved under its lease");
                return None;
            }
            warn_coded!(
                Code::EngineSettle,
                "settle job {} ({}): {error}",
                self.job.id,
                self.job.kind
            );
            if rules && refused {
                return None;
            }
            if rules {
                // The answer itself cannot be stored (nested too deep, too large): that is how the job failed.
                refused = true;
                end = AttemptEnd::Answered(Outcome::Fatal(JobError::from(error)));
                continue;
            }
            tokio::select! {
                () = self.clock.sleep(SETTLE_AGAIN) => {}
                () = self.stop.handlers.cancelled() => return None,
            }
        }
    }
}

/// Why an attempt failed that ended so.
fn failure(end: AttemptEnd) -> Option<JobError> {
    match end {
        AttemptEnd::Answered(
            Outcome::Failed(error) | Outcome::Fatal(error) | Outcome::Retry { error, .. },
        )
        | AttemptEnd::TimedOut(error) => Some(error),
        AttemptEnd::Answered(Outcome::Done(_) | Outcome::Snooze(_) | Outcome::Limited { .. })
        | AttemptEnd::OverBudget { .. }
        | AttemptEnd::Stopped
        | AttemptEnd::Lost => None,
    }
}

/// The first line of a job's error, and its code if that is a registered one; a handler's own code stays in the text.
fn reason(error: &JobError) -> (Code, String) {
    let code = Code::ALL.iter().copied().find(|code| code.as_str() == error.code);
    let line = error.message.lines().next().unwrap_or_default();
    let line = &line[..line.floor_char_boundary(MAX_REASON)];
    let said = line.strip_prefix(&format!("[{}] ", error.code)).unwrap_or(line);
    match code {
        Some(code) => (code, said.to_owned()),
        None => (Code::HandlerFailed, format!("{}: {said}", error.code)),
    }
}

/// The end of an attempt whose handler found a budget used up.
fn put_off(end: AttemptEnd, over: Option<&OverBudget>) -> AttemptEnd {
    match (end, over) {
        (AttemptEnd::Answered(Outcome::Snooze(_)), Some(over)) => {
            AttemptEnd::OverBudget { until: over.until, reason: over.reason.clone() }
        }
        (end, _) => end,
    }
}

/// How long the text is that a handler ended with, in bytes.
fn length(end: &AttemptEnd) -> usize {
    match end {
        AttemptEnd::Answered(
            Outcome::Failed(error) | Outcome::Fatal(error) | Outcome::Retry { error, .. },
        )
        | AttemptEnd::TimedOut(error) => error.message.len(),
        AttemptEnd::Answered(Outcome::Limited { reason, .. }) => reason.len(),
        AttemptEnd::Answered(Outcome::Done(_) | Outcome::Snooze(_))
        | AttemptEnd::OverBudget { .. }
        | AttemptEnd::Stopped
        | AttemptEnd::Lost => 0,
    }
}

/// The end with no secret in its error, which is stored and shown.
fn without_secrets(end: AttemptEnd) -> AttemptEnd {
    let clean = |mut error: JobError| {
        redactor().clean(&mut error.message);
        error
    };
    match end {
        AttemptEnd::Answered(Outcome::Failed(error)) => {
            AttemptEnd::Answered(Outcome::Failed(clean(error)))
        }
        AttemptEnd::Answered(Outcome::Fatal(error)) => {
            AttemptEnd::Answered(Outcome::Fatal(clean(error)))
        }
        AttemptEnd::Answered(Outcome::Retry { error, time }) => {
            AttemptEnd::Answered(Outcome::Retry { error: clean(error), time })
        }
        AttemptEnd::Answered(Outcome::Limited { until, mut reason }) => {
            redactor().clean(&mut reason);
            AttemptEnd::Answered(Outcome::Limited { until, reason })
        }
        AttemptEnd::TimedOut(error) => AttemptEnd::TimedOut(clean(error)),
        AttemptEnd::Answered(Outcome::Done(_) | Outcome::Snooze(_))
        | AttemptEnd::OverBudget { .. }
        | AttemptEnd::Stopped
        | AttemptEnd::Lost => end,
    }
}

/// Runs a handler to its end, or to its panic. A future that panicked is never polled again: the error ends it.
async fn answered(handler: &mut Answer) -> Result<Outcome, Box<dyn Any + Send>> {
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}
