//! Self-monitoring: scans of the log database that file issues, never twice for the same problem.
//!
//! A scan is a job of kind `self_monitoring`; the row is the trigger. It reads the rows above the log's watermark, has
//! the analyzer group and classify them, decides by a pure function which findings are new ([`triage`](self)), and
//! commits issues, counts and watermark in one transaction under its lease.

pub mod agent;
mod agent_run;
mod builtin;
pub mod cadence;
pub mod demo;
mod fence;
mod fingerprint;
pub mod intake;
pub mod miner;
pub mod prompt;
pub mod reply;
mod scan;
pub mod settings;
mod similar;
mod template;
mod triage;
mod visible;

pub use scan::{Window, register, rules};

use crate::error::Result;
use crate::model::{Actor, Kind, NewJob, ScanRequest, Timestamp, Trigger};
use crate::store::Store;

/// Queues a scan because somebody pressed Run Now. Never refused because a scan runs; each call is a job of its own.
/// The correlation id ties the scan's log lines to those of the request.
pub async fn run_now(
    store: &Store,
    actor: Actor,
    correlation_id: Option<String>,
    now: Timestamp,
) -> Result<ScanRequest> {
    let job = NewJob {
        trigger: Trigger::Manual,
        actor: Some(actor),
        correlation_id,
        ..NewJob::new(Kind::SELF_MONITORING)
    };
    store.request_scan(job, now).await
}
