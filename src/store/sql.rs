//! The statements of the store.

#[cfg(feature = "web")]
pub(super) mod accounts;
pub(super) mod after;
pub(super) mod ahead;
#[cfg(feature = "monitor")]
pub(super) mod approvals;
pub(super) mod audit;
pub(super) mod batches;
#[cfg(feature = "web")]
pub(super) mod bulk;
mod bulk_jobs;
#[cfg(feature = "agents")]
pub(super) mod changes;
pub(super) mod counts;
#[cfg(feature = "monitor")]
pub(super) mod duplicates;
pub(super) mod errors;
#[cfg(feature = "monitor")]
pub(super) mod filings;
mod filter;
pub(super) mod folder_key;
pub(super) mod gates;
pub(super) mod history;
pub(super) mod idempotency;
#[cfg(feature = "monitor")]
pub(super) mod issue_records;
#[cfg(feature = "monitor")]
pub(super) mod issues;
pub(super) mod job_list;
pub(super) mod jobs;
pub(super) mod lease;
pub(super) mod line;
#[cfg(feature = "monitor")]
pub(super) mod log_search;
#[cfg(feature = "web")]
pub(super) mod logins;
#[cfg(feature = "monitor")]
pub(super) mod logs;
#[cfg(feature = "web")]
pub(super) mod maker;
pub(super) mod moves;
#[cfg(feature = "web")]
pub(super) mod needs;
pub(super) mod past_runs;
pub(super) mod prune;
pub(super) mod queues;
pub(super) mod rates;
pub(super) mod references;
#[cfg(feature = "monitor")]
pub(super) mod refilings;
pub(super) mod remove;
#[cfg(feature = "agents")]
pub(super) mod repositories;
mod row_set;
#[cfg(feature = "monitor")]
pub(super) mod scans;
pub(super) mod schedules;
pub(super) mod search;
#[cfg(feature = "agents")]
pub(super) mod session_gates;
#[cfg(feature = "agents")]
pub(super) mod session_search;
#[cfg(feature = "agents")]
pub(super) mod sessions;
pub(super) mod settings;
#[cfg(test)]
mod simulation;
#[cfg(feature = "monitor")]
pub(super) mod snapshot;
pub(super) mod spend;
#[cfg(test)]
mod statements;
pub(super) mod stats;
pub(super) mod strayed;
#[cfg(feature = "monitor")]
pub(super) mod superseded;
#[cfg(feature = "monitor")]
pub(super) mod templates;
#[cfg(feature = "web")]
pub(super) mod tokens;
#[cfg(feature = "monitor")]
pub(super) mod tracker_issues;
#[cfg(feature = "agents")]
pub(super) mod transcript;
pub(super) mod unblock;
#[cfg(feature = "web")]
pub(super) mod views;
pub(super) mod why;
pub(super) mod workers;
