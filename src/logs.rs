//! The log store's way in: our own log lines, and files that are imported or followed.

mod follow;
mod import;
#[cfg(feature = "agents")]
mod journal;
mod layer;
pub mod otlp;
mod read;
mod redacted;
mod sources;
mod stream;

pub use follow::{LogFile, LogFiles};
pub use import::{
    ImportOptions, ImportProgress, Imported, Input, import, import_input, named_logs, not_all,
};
#[cfg(feature = "agents")]
pub(crate) use journal::journal_row;
pub use layer::{LogCounts, LogLayer, LogWriter, log_layer};
pub(crate) use read::said_by_object;
pub use redacted::{Redacted, redacted};
pub use sources::{LogPlace, LogState, log_places};
pub use stream::LogReader;
