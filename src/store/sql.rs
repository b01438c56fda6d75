//! The statements of the store, and what stands between them.

pub(super) mod accounts;
mod admit;
pub(super) mod approvals;
pub(super) mod audit;
pub(super) mod bulk;
mod claim;
pub(super) mod control;
pub(super) mod counts;
pub(super) mod delete;
pub(super) mod edit;
pub(super) mod filings;
mod filter;
pub(super) mod history;
mod idempotency;
pub(super) mod issues;
pub(super) mod jobs;
pub(super) mod logs;
pub(super) mod poll;
pub(super) mod prune;
pub(super) mod queues;
pub(super) mod repositories;
mod rescue;
pub(super) mod scans;
pub(super) mod schedules;
pub(super) mod search;
pub(super) mod sessions;
pub(super) mod settings;
pub(super) mod settle;
#[cfg(test)]
mod simulation;
pub(super) mod snapshot;
pub(super) mod spend;
pub mod transactional;
pub(super) mod transcript;
pub(super) mod unblock;
pub(super) mod why;
pub(super) mod workers;
