//! The log store's way in: our own log lines, and files that are imported or followed.

mod follow;
mod import;
#[cfg(feature = "agents")]
mod journal;
mod layer;
pub mod otlp;
mod read;
mod reader;
mod redacted;
mod sources;

pub use follow::{LogFile, LogFiles};
pub use import::{Imported, import};
#[cfg(feature = "agents")]
pub(crate) use journal::journal_row;
pub use layer::{LogCounts, LogLayer, LogWriter, log_layer};
#[cfg(feature = "cli")]
pub use reader::LogReader;
pub use redacted::{Redacted, redacted};
pub use sources::{LogPlace, LogState, log_places};
