//! Self-monitoring: scans of the log database that file issues, never twice for the same problem.
//!
//! A scan is a job of kind `self_monitoring`; the row is the trigger. It reads the rows above the log's watermark, has
//! the analyzer group and classify them, decides by a pure function which findings are new ([`triage`](self)), and
//! commits issues, counts and watermark in one transaction under its lease.

pub mod agent;
mod agent_run;
mod analyzer;
mod breaker;
mod builtin;
pub mod demo;
mod duplicates;
mod facts;
mod fence;
mod filing;
mod fingerprint;
mod grouping;
pub mod intake;
pub mod miner;
#[cfg(feature = "web")]
pub mod patterns;
pub mod prompt;
mod readiness;
mod refile;
mod remote_issues;
pub mod reply;
mod scan;
mod similar;
mod template;
mod tracking;
mod triage;
pub mod verify;
mod visible;
mod window;

pub use facts::Telling;
pub use filing::{Filings, check_filing};
pub use readiness::{can_file, may_scan};
pub use scan::{check_scan, register, rules};
pub use tracking::{Remote, Tracking};
pub use window::Window;
