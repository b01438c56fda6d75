//! One integration binary: the library, the program and the schema as others see them.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs, unreachable_pub)]

mod agent_scans;
mod analyzer;
mod browser;
mod claude_streams;
mod contract;
mod crash;
mod demo;
mod engine;
mod escape;
mod filing;
mod follow;
mod foreign;
mod github;
mod issues;
mod logs;
mod neighbour;
mod options;
mod processes;
mod property;
mod real_cli;
mod redact;
mod regress;
mod repositories;
mod run_now;
mod scans;
mod schedules;
mod schema;
mod sessions;
mod standby;
mod support;
mod templates;
mod tidy;
mod tracking;
mod typed;
mod zones;
