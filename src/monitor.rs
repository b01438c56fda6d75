//! Self-monitoring: scans of the log database that file issues, never twice for the same problem.
//!
//! A scan is a job of kind `self_monitoring`; the row is the trigger. It reads the rows above the log's watermark, has
//! the analyzer group and classify them, decides by a pure function which findings are new ([`triage`](self)), and
//! commits issues, counts and watermark in one transaction under its lease.

pub mod agent;
mod agent_run;
mod analyzer;
mod builtin;
pub mod demo;
mod facts;
mod fence;
mod filing;
mod fingerprint;
pub mod intake;
pub mod miner;
pub mod prompt;
mod readiness;
pub mod reply;
mod scan;
mod similar;
mod template;
mod tracking;
mod triage;
mod visible;
mod window;

pub use facts::Telling;
pub use filing::{Filings, check_filing};
pub use readiness::may_scan;
pub use scan::{check_scan, register, rules};
pub use tracking::{Remote, Tracking};
pub use window::Window;

use crate::error::Result;
use crate::model::{Actor, JobId, Kind, NewJob, Timestamp, Trigger};
use crate::store::Store;
use serde_json::json;

/// Queues a scan because somebody pressed Run Now. Never refused because a scan runs; each call is a job of its own.
/// The correlation id ties the scan's log lines to those of the request.
///
/// # Errors
/// As [`Tracking::check`] while self-monitoring is not configured; `JOB-LIMIT-001` while 1,000 scans wait.
pub async fn run_now(
    store: &Store,
    tracking: &Tracking,
    actor: Actor,
    correlation_id: Option<String>,
    now: Timestamp,
) -> Result<JobId> {
    tracking.check()?;
    queue_scan(store, actor, correlation_id, now).await
}

/// The same for a process that is not the server: [`may_scan`] says what can be known before.
pub async fn queue_scan(
    store: &Store,
    actor: Actor,
    correlation_id: Option<String>,
    now: Timestamp,
) -> Result<JobId> {
    let job = NewJob { correlation_id, ..by_hand(actor) };
    Ok(store.enqueue(job, now).await?.id())
}

/// Queues a scan that only says, in its job's result, what would be filed and what would be skipped by which tier: it files
/// nothing, and the rows are examined again by the next scan. An agent's run is paid all the same.
pub async fn dry_run(
    store: &Store,
    actor: Actor,
    correlation_id: Option<String>,
    now: Timestamp,
) -> Result<JobId> {
    let payload = json!({"dry_run": true});
    let job = NewJob { payload, correlation_id, ..by_hand(actor) };
    Ok(store.enqueue(job, now).await?.id())
}

fn by_hand(actor: Actor) -> NewJob {
    NewJob { trigger: Trigger::Manual, actor: Some(actor), ..NewJob::new(Kind::SELF_MONITORING) }
}
