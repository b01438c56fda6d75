//! The machinery of the SQLite backend: one writer thread, a pool of readers, the file itself.
//!
//! *Invariant:* `rusqlite` and `r2d2` are named in this folder, in `store/sql` and in `store/transactional.rs`, which takes a
//! connection of the application, nowhere else.

#[cfg(feature = "cli")]
pub(super) mod alone;
mod batch;
mod check;
mod checkpoint;
mod database;
pub(super) mod dialect;
#[cfg(feature = "monitor")]
pub(super) mod door;
mod draft;
pub(super) mod error;
mod errors;
mod figures;
#[cfg(feature = "monitor")]
pub(super) mod foreign;
mod guard;
pub(super) mod guest;
mod header;
pub(super) mod ledger;
mod lock;
pub(super) mod lost;
#[cfg(feature = "cli")]
pub(super) mod moment;
#[cfg(feature = "web")]
mod note;
pub(super) mod open;
mod peek;
mod rewrite;
pub(super) mod row;
mod stat;
pub(super) mod statistics;
mod texts;
mod transaction;
pub(super) mod watch;
mod watched;
mod work;
mod writer;

#[cfg(test)]
pub(super) use batch::{run_bare, run_in_savepoint, take_back};
pub(super) use database::Database;
#[cfg(feature = "cli")]
pub(super) use database::lock_beside;
pub(super) use figures::Rows as FigureRows;
pub(super) use open::{Owner, Schema};
pub(super) use stat::place;
pub(super) use transaction::Tx;

/// A reader's connection, all of whose statements see one snapshot.
pub(super) type Snapshot = rusqlite::Connection;
