//! The log store's way in: our own log lines, and files that are imported.

mod import;
mod layer;
mod parse;
mod redacted;

pub use import::import;
pub use layer::{LogCounts, LogLayer, LogWriter, log_layer};
pub use redacted::{Redacted, redacted};
