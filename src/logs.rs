//! The log store's way in: our own log lines, and files that are imported.

mod import;
mod layer;
mod parse;

pub use import::import;
pub use layer::{LogLayer, LogWriter, log_layer};
