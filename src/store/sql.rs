//! The statements of the store, and what stands between them.

#[cfg(feature = "web")]
pub(super) mod accounts;
mod admit;
#[cfg(feature = "monitor")]
pub(super) mod approvals;
pub(super) mod audit;
#[cfg(feature = "web")]
pub(super) mod bulk;
mod claim;
pub(super) mod control;
pub(super) mod counts;
pub(super) mod delete;
pub(super) mod edit;
#[cfg(feature = "monitor")]
pub(super) mod filings;
mod filter;
pub(super) mod history;
mod idempotency;
#[cfg(feature = "monitor")]
pub(super) mod issues;
pub(super) mod jobs;
mod lines;
#[cfg(feature = "monitor")]
pub(super) mod logs;
pub(super) mod poll;
pub(super) mod prune;
pub(super) mod queues;
#[cfg(feature = "agents")]
pub(super) mod repositories;
mod rescue;
#[cfg(feature = "monitor")]
pub(super) mod scans;
pub(super) mod schedules;
pub(super) mod search;
#[cfg(feature = "agents")]
pub(super) mod sessions;
pub(super) mod settings;
pub(super) mod settle;
#[cfg(test)]
mod simulation;
#[cfg(feature = "monitor")]
pub(super) mod snapshot;
pub(super) mod spend;
pub mod transactional;
#[cfg(feature = "agents")]
pub(super) mod transcript;
pub(super) mod unblock;
pub(super) mod why;
pub(super) mod workers;
