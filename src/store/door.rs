//! The query door: one SELECT on the snapshot of a scan, for an agent that has read what strangers wrote.
//!
//! The door is safe without a sandbox around it: a question reads this file or nothing, and ends in time.

pub use super::sqlite::door::SNAPSHOT_ID;

use super::sqlite;
use crate::error::Result;
use serde_json::Value;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

/// Asks a snapshot, and hands over the names of the columns and the values row by row until `row` breaks off.
///
/// A value is a number, a text or null; bytes come as the text `x'00ff'`. Blocks.
///
/// # Errors
/// `AGENT-DOOR-001` if `file` is a link or no snapshot, if `sql` is more than one SELECT or names what it may not, and
/// if the `time` is over; the rows up to then have been handed over.
pub fn ask(
    file: &Path,
    sql: &str,
    time: Duration,
    row: impl FnMut(&[String], Vec<Value>) -> ControlFlow<()>,
) -> Result<()> {
    sqlite::door::ask(file, sql, time, row)
}
