//! Everything that a person or a program may ask of the server, written once, with one file for each subject.
//!
//! An action is a plain async function: the store, the [`Call`] (who asks, when), and a typed request. It has all of the
//! validation, limits, defaults, rights, audit and consequences. Its [`Answer`] has the sentence for a person and the
//! value for a program. The faces (command line, pages) read what was asked, call one action and show its answer.
//!
//! *Invariant:* what one face refuses, all refuse, with the same error code and the same sentence.

mod answer;
pub mod approvals;
pub mod bulk;
mod call;
mod confirm;
mod earlier;
pub mod issues;
pub mod jobs;
pub mod kinds;
mod length;
pub mod logs;
pub mod people;
mod priority;
pub mod prompts;
pub mod queues;
mod ready;
pub mod repositories;
mod right;
mod rows;
pub mod scans;
pub mod schedules;
pub mod sessions;
pub mod settings;
mod waiting;

pub use answer::Answer;
pub use call::{Call, Proof, Who};
pub use length::length;
pub use priority::priority;
pub use right::Right;
pub use rows::rows;
