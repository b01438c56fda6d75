//! The SQLite backend: one writer thread, a pool of readers, and the SQL.
//!
//! *Invariant:* `rusqlite` and `r2d2` are named nowhere outside this folder.

pub(super) mod accounts;
pub(super) mod approvals;
pub(super) mod audit;
pub(super) mod bulk;
mod checkpoint;
pub(super) mod claim;
pub(super) mod control;
pub(super) mod counts;
mod database;
pub(super) mod delete;
pub(super) mod door;
mod draft;
pub(super) mod edit;
mod error;
pub(super) mod filings;
mod filter;
pub(super) mod history;
mod idempotency;
pub(super) mod issues;
pub(super) mod jobs;
pub(super) mod logs;
mod open;
pub(super) mod prune;
pub(super) mod queues;
pub(super) mod repositories;
mod row;
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
pub(super) mod watch;
pub(super) mod why;
pub(super) mod workers;
mod writer;

pub(super) use counts::Tx;
pub(super) use database::Database;
pub(super) use open::Schema;
