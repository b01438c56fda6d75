//! Everything that a person or a program may ask of the server, written once, with one file for each subject.
//!
//! An action is a plain async function: the store, the [`Call`] (who asks, when), and a typed request. It has all of the
//! validation, limits, defaults, rights, audit and consequences. Its [`Answer`] has the sentence for a person and the
//! value for a program. The faces (command line, pages) read what was asked, call one action and show its answer.
//!
//! *Invariant:* what one face refuses, all refuse, with the same error code and the same sentence.

mod answer;
#[cfg(feature = "monitor")]
pub mod approvals;
pub mod audit;
pub mod batches;
pub mod bulk;
mod call;
#[cfg(feature = "monitor")]
mod confirm;
#[cfg(feature = "monitor")]
mod earlier;
pub mod errors;
pub mod figures;
mod instant;
#[cfg(feature = "monitor")]
pub mod issues;
pub mod jobs;
#[cfg(feature = "monitor")]
pub mod kinds;
mod length;
#[cfg(feature = "monitor")]
pub mod logs;
pub mod needs;
pub mod people;
#[cfg(not(feature = "monitor"))]
mod plain;
mod priority;
#[cfg(feature = "monitor")]
pub mod prompts;
pub mod queues;
#[cfg(feature = "monitor")]
mod ready;
#[cfg(feature = "monitor")]
pub mod refile;
#[cfg(feature = "monitor")]
pub mod repositories;
mod right;
mod rows;
#[cfg(feature = "monitor")]
pub mod scans;
pub mod schedules;
#[cfg(feature = "monitor")]
pub mod sessions;
pub mod settings;
pub mod tokens;
pub mod views;
#[cfg_attr(
    not(feature = "monitor"),
    expect(dead_code, reason = "sessions and scans use it, which need `monitor`")
)]
mod waiting;

#[cfg(not(feature = "monitor"))]
use plain as kinds;
#[cfg(not(feature = "monitor"))]
use plain as ready;

pub use answer::Answer;
pub use call::{Call, Proof, Who};
pub use length::length;
pub use priority::priority;
pub use right::Right;
pub use rows::rows;
