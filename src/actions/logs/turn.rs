//! Turns at work that keeps a core or much memory busy.

use crate::error::{Code, Error, Result};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// The turn of a request among those that are at work, for which it waits so long at most.
pub(super) async fn turn(
    places: &'static Semaphore,
    wait: Duration,
    doing: &str,
) -> Result<SemaphorePermit<'static>> {
    let turn = tokio::time::timeout(wait, places.acquire()).await.ok().and_then(Result::ok);
    turn.ok_or_else(|| Error::new(Code::LogBusy, doing))
}
