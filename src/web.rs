//! The admin pages: server-rendered HTML over the database that the engine works on.
//!
//! A request passes the guard (host, origin, time limit, headers), then the login check of its route's group, then the
//! role its route asks for, then its handler. A handler extracts (`extract`), asks the store, and composes components,
//! which are pure functions from data to `Markup`.
//!
//! Files use one another in one direction: pages use `nav`, `extract`, `page` and `components`; only `routes` knows the
//! pages.
//!
//! *Invariant:* deny by default. A route is public only if its row in `routes.rs` says so; every other path, known or
//! not, meets the login check first. No decision is made by looking at the text of a path.
//! *Invariant:* GET changes nothing, and every other method is refused unless our own page sent it.
//! *Invariant:* `axum`, `hyper` and `maud` are named nowhere else in the crate.

mod access;
#[cfg(feature = "monitor")]
mod agent;
mod answer;
mod api;
mod app;
#[cfg(feature = "monitor")]
mod approvals;
mod assets;
mod audit;
mod base;
mod batch;
mod batches;
mod bearer;
mod bulk;
mod bulk_job;
mod caller;
#[cfg(feature = "monitor")]
mod changes;
mod choices;
mod clocks;
mod components;
mod connections;
mod cookie;
mod counts;
mod dashboard;
mod error;
mod error_page;
mod errors;
mod extract;
mod face;
mod guard;
mod health;
mod host;
mod icon;
mod job;
mod job_body;
mod job_forms;
mod job_history;
mod job_ways;
mod jobs;
mod kinds;
mod live;
#[cfg(feature = "monitor")]
mod log_sources;
mod login;
#[cfg(feature = "monitor")]
mod logs;
#[cfg(feature = "monitor")]
mod markdown;
mod mount;
mod named;
mod nav;
mod needs;
mod new_job;
mod new_schedule;
#[cfg(feature = "monitor")]
mod otlp;
mod own;
mod page;
mod part;
mod password;
mod people;
mod person;
mod plan_form;
mod problem;
#[cfg(feature = "monitor")]
mod program;
mod proof;
mod queue;
mod queues;
#[cfg(feature = "monitor")]
mod repositories;
mod route;
mod routes;
mod rule_form;
mod schedule;
mod schedules;
mod secret;
#[cfg(feature = "monitor")]
mod self_monitoring;
mod serve;
#[cfg(feature = "monitor")]
mod session;
#[cfg(feature = "monitor")]
mod session_file;
#[cfg(feature = "monitor")]
mod session_rows;
#[cfg(feature = "monitor")]
mod session_search;
#[cfg(feature = "monitor")]
mod session_tiles;
#[cfg(feature = "monitor")]
mod sessions;
mod setting;
mod settings;
mod setup;
mod slice;
#[cfg(feature = "monitor")]
mod spend;
#[cfg(feature = "monitor")]
mod standing;
mod start_field;
#[cfg(feature = "monitor")]
mod stream;
#[cfg(all(debug_assertions, feature = "monitor"))]
mod styleguide;
mod text_link;
mod throttle;
mod tokens;
#[cfg(feature = "monitor")]
mod transcript;
#[cfg(feature = "monitor")]
mod trigger;
mod views;

#[cfg(feature = "monitor")]
pub use app::Program;
pub use app::{Options, Web};
pub use host::{Access, Person};
pub use mount::router;
pub use serve::serve;
pub use setup::{SETUP_CODE_LIFE, SetupCode, new_setup_code};

#[cfg(test)]
mod tests;
