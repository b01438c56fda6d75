//! The time an attempt has: for all of it, and between two signs of life. Both on the monotonic clock (P19).

use crate::clock::Clock;
use crate::error::Code;
use crate::model::{Job, JobError, KindRules};
use std::time::Duration;
use tokio::sync::Notify;

/// The limits of one attempt; `None`: none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    whole: Option<Duration>,
    idle: Option<Duration>,
}

impl Limits {
    /// The job's own time limit goes before its kind's.
    pub(super) fn of(job: &Job, rules: &KindRules) -> Self {
        Self { whole: job.timeout.or(rules.timeout), idle: rules.idle_timeout }
    }
}

/// Returns when a limit is exceeded, with the error that names the limit. A sign of life notifies `life`.
pub(super) async fn exceeded(clock: &Clock, limits: Limits, life: &Notify) -> JobError {
    tokio::select! {
        length = over(clock, limits.whole) => {
            JobError::new(Code::JobTimedOut, format_args!("it ran for longer than {length:?}"))
        }
        length = silent(clock, limits.idle, life) => {
            JobError::new(Code::JobIdle, format_args!("it showed no sign of life for {length:?}"))
        }
    }
}

async fn over(clock: &Clock, limit: Option<Duration>) -> Duration {
    let Some(limit) = limit else { return std::future::pending().await };
    clock.sleep(limit).await;
    limit
}

async fn silent(clock: &Clock, limit: Option<Duration>, life: &Notify) -> Duration {
    let Some(limit) = limit else { return std::future::pending().await };
    loop {
        tokio::select! {
            biased;
            () = life.notified() => {}
            () = clock.sleep(limit) => return limit,
        }
    }
}
