//! The statements of the store.

pub(super) mod accounts;
pub(super) mod approvals;
pub(super) mod audit;
pub(super) mod bulk;
pub(super) mod counts;
pub(super) mod filings;
mod filter;
pub(super) mod gates;
pub(super) mod history;
mod idempotency;
pub(super) mod issues;
pub(super) mod jobs;
pub(super) mod lease;
pub(super) mod line;
pub(super) mod logs;
pub(super) mod moves;
pub(super) mod prune;
pub(super) mod queues;
pub(super) mod remove;
pub(super) mod repositories;
pub(super) mod scans;
pub(super) mod schedules;
pub(super) mod search;
pub(super) mod sessions;
pub(super) mod settings;
#[cfg(test)]
mod simulation;
pub(super) mod snapshot;
pub(super) mod spend;
#[cfg(test)]
mod statements;
pub mod transactional;
pub(super) mod transcript;
pub(super) mod unblock;
pub(super) mod why;
pub(super) mod workers;
