//! Issue trackers elsewhere: GitHub over its REST API, and how an accepted finding gets there exactly once.
//!
//! [`Client`] asks and tells, [`title`] and [`body`] write what it is told, [`file()`] takes a
//! [`Filing`](crate::model::Filing) as far as it gets by the decisions of [`model`](crate::model).
//! The local tracker is the issue list in our own database and needs none of this.
//!
//! *Invariant:* a token is read for each request, has no `Debug`, and goes to the configured address alone.

mod client;
mod duplicate;
mod filing;
mod github;
mod inert;
mod remote;
mod render;
mod token;

pub use client::{Client, ClientTurn};
pub use duplicate::NO_ACCOUNT;
pub use filing::{Ending, Ledger, file, new_marker};
pub use github::{CloseReason, Closed, GitHub, Listed, Options, RemoteComment, RemoteIssue, Turn};
pub use remote::repository_of;
pub use render::{Report, body, inert, inert_line, title, undone};
pub use token::TokenSource;
