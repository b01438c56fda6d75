//! The log of another program that scans read, as the configuration names it.

use super::super::{JOBS_DB, LOGS_DB};
use crate::error::Result;
use crate::model::LogTable;
use crate::store::{ForeignLog, Store};
use crate::warn_coded;
use std::path::Path;

/// The log of another program that scans are to read. What is wrong with it is told, and may be set right while the server runs.
pub(super) async fn open(
    table: Option<LogTable>,
    data_dir: &Path,
    store: &Store,
) -> Result<Option<ForeignLog>> {
    let Some(table) = table else { return Ok(None) };
    let own = [JOBS_DB, LOGS_DB].map(|own| data_dir.join(own));
    let log = ForeignLog::beside(table, &own)?;
    let name = log.table().to_string();
    tracing::info!("scans read the log {name}");
    store.say(|facts| facts.scanned_log = Some(name));
    if let Err(error) = log.check().await {
        let (code, said) = (error.code(), error.sentence());
        warn_coded!(code, "{said} {}", code.remedy());
    }
    Ok(Some(log))
}
