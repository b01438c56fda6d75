//! A durable job queue in one SQLite file.

pub mod clock;
pub mod error;
pub mod model;
pub mod store;

pub use error::{Code, Error, Result};
