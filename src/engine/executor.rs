//! One job from its claim to its settlement.

use super::Stop;
use super::handler::{Answer, Context, Handler};
use crate::clock::Clock;
use crate::error::Code;
use crate::model::{AttemptEnd, Job, JobError, Lease, OnInterrupt, Outcome, Status};
use crate::store::Store;
use crate::{error_coded, warn_coded};
use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use tracing::Instrument;

/// Wait between tries to save the end of a job.
const SETTLE_AGAIN: Duration = Duration::from_secs(1);

/// Everything that one run needs.
pub(super) struct Run {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) stop: Stop,
    pub(super) handler: Handler,
    pub(super) on_interrupt: OnInterrupt,
    pub(super) job: Job,
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
        let (job, kind) = (self.job.id, &self.job.kind);
        let correlation_id =
            self.job.correlation_id.clone().unwrap_or_else(|| format!("job-{job}"));
        tracing::info_span!("job", %job, %kind, correlation_id)
    }

    async fn run(self) {
        tracing::debug!(epoch = self.lease.epoch, "started");
        let end = self.perform().await;
        if let Some(status) = self.save(end).await {
            tracing::debug!(%status, "settled");
        }
    }

    async fn perform(&self) -> AttemptEnd {
        let context = Context {
            job: self.job.clone(),
            lease: self.lease.clone(),
            clock: self.clock.clone(),
            stopping: self.stop.claims.clone(),
        };
        tokio::select! {
            biased;
            outcome = answered(|| (self.handler)(context)) => match outcome {
                Ok(outcome) => AttemptEnd::Answered(outcome),
                Err(panic) => AttemptEnd::Answered(Outcome::Failed(self.panicked(&*panic))),
            },
            () = self.stop.handlers.cancelled() => AttemptEnd::Stopped,
        }
    }

    fn panicked(&self, panic: &(dyn Any + Send)) -> JobError {
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
        JobError::new(Code::HandlerPanicked, format_args!("the handler panicked: {text}"))
    }

    /// Saves the end, again and again while the database refuses; `None` if the lease was lost.
    async fn save(&self, end: AttemptEnd) -> Option<Status> {
        loop {
            let (lease, chance, now) = (self.lease.clone(), self.clock.chance(), self.clock.now());
            match self.store.settle(lease, end.clone(), self.on_interrupt, chance, now).await {
                Ok(status) => return Some(status),
                Err(error) if error.is_lease_lost() || error.code() == Code::StoreClosed => {
                    tracing::info!(job = self.job.id.0, %error, "the end of a job was not saved");
                    return None;
                }
                Err(error) => {
                    warn_coded!(
                        Code::EngineSettle,
                        "settle job {} ({}): {error}",
                        self.job.id,
                        self.job.kind
                    );
                    self.clock.sleep_until(now.plus(SETTLE_AGAIN)).await;
                }
            }
        }
    }
}

/// Makes a handler's future and runs it to its end, or to its panic.
async fn answered(start: impl FnOnce() -> Answer) -> Result<Outcome, Box<dyn Any + Send>> {
    let mut future = catch_unwind(AssertUnwindSafe(start))?;
    poll_fn(|cx| {
        // A future that panicked is never polled again: the error ends it.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => std::task::Poll::Ready(Err(panic)),
        }
    })
    .await
}
