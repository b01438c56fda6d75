//! The rules between the statements: what the engine and people do to jobs, whatever database keeps them.
//!
//! A rule reads, decides by a function of the model, and writes, all in the transaction that it is given. It names no SQL and
//! no type of a database library; nothing of it is left over when its transaction is taken back, so it may be run again.

#[cfg(feature = "web")]
pub(super) mod accounts;
mod admit;
pub(super) mod again;
#[cfg(feature = "monitor")]
pub(super) mod approvals;
pub(super) mod budget;
#[cfg(feature = "web")]
pub(super) mod bulk;
pub(super) mod cancel;
mod claim;
pub(super) mod delete;
#[cfg(feature = "monitor")]
pub(super) mod duplicates;
pub(super) mod edit;
pub(super) mod enqueue;
pub(super) mod errors;
#[cfg(feature = "monitor")]
pub(super) mod filings;
mod fire;
#[cfg(feature = "monitor")]
pub(super) mod issues;
#[cfg(feature = "web")]
pub(super) mod logins;
#[cfg(feature = "web")]
pub(super) mod needs;
pub(super) mod park;
pub(super) mod poll;
pub(super) mod prune;
pub(super) mod queues;
#[cfg(feature = "monitor")]
pub(super) mod refilings;
#[cfg(feature = "agents")]
pub(super) mod repositories;
mod rescue;
#[cfg(feature = "monitor")]
pub(super) mod scans;
pub(super) mod schedules;
#[cfg(feature = "agents")]
pub(super) mod sessions;
pub(super) mod set_right;
pub(super) mod settings;
pub(super) mod settle;
#[cfg(feature = "web")]
pub(super) mod tokens;
#[cfg(feature = "monitor")]
pub(super) mod tracker_issues;
#[cfg(feature = "web")]
pub(super) mod views;
pub(super) mod workers;
