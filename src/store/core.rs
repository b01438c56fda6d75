//! The rules between the statements: what the engine and people do to jobs, whatever database keeps them.
//!
//! A rule reads, decides by a function of the model, and writes, all in the transaction that it is given. It names no SQL and
//! no type of a database library; nothing of it is left over when its transaction is taken back, so it may be run again.

mod admit;
pub(super) mod again;
pub(super) mod budget;
#[cfg(feature = "web")]
pub(super) mod bulk;
pub(super) mod cancel;
mod claim;
pub(super) mod delete;
pub(super) mod edit;
mod fire;
mod park;
pub(super) mod poll;
pub(super) mod queues;
mod rescue;
pub(super) mod schedules;
pub(super) mod set_right;
pub(super) mod settle;
