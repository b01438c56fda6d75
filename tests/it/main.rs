//! One integration binary: the library, the program and the schema as others see them.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs, unreachable_pub)]

mod analyzer;
mod browser;
mod crash;
mod demo;
mod engine;
mod foreign;
mod logs;
mod redact;
mod regress;
mod run_now;
mod schema;
mod support;
mod tidy;
