//! Entries of systemd's journal as rows.

use super::read::{Defaults, read_text};
use crate::model::{NewLogRow, Timestamp};
use crate::redact::redactor;
use serde::Deserialize;

/// The name of our own lines in the journal; the log database has these lines already.
const OURSELVES: &str = "lamplighter";

/// What is needed of an entry besides its row.
#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "__CURSOR")]
    cursor: String,
    #[serde(rename = "SYSLOG_IDENTIFIER", default)]
    identifier: serde_json::Value,
}

/// An entry, one line of `journalctl -o json`, without the secrets in it, and its cursor. No row if it is our own; `None`
/// if it is no entry.
pub(crate) fn journal_row(
    line: &str,
    source: &str,
    now: Timestamp,
) -> Option<(Option<NewLogRow>, String)> {
    let entry: Entry = serde_json::from_str(line).ok()?;
    let row = (entry.identifier != OURSELVES).then(|| {
        let defaults = Defaults::new(source, now.to_string());
        let mut row = read_text(line.trim_end(), &defaults);
        redactor().clean_row(&mut row);
        row
    });
    Some((row, entry.cursor))
}
