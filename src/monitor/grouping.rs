//! The grave rows of a window, grouped: by the same templates in every scan, whoever examines the rows.

use super::builtin::{Analyzer, Grouped};
use super::window::{MAX_ROWS, Window};
use crate::error::Result;
use crate::heavy::heavy;
use crate::redact::redactor;
use crate::store::{ScannedLog, Store};

/// Rows read at a time: a megabyte or so, and a reader is never held for long.
const CHUNK: usize = 1_000;
/// Templates of earlier scans that rows are compared with: those met last.
const MAX_KNOWN: usize = 2_000;

/// How far a window was read.
pub(super) struct Read {
    pub(super) rows: u64,
    /// The last row that was looked at.
    pub(super) end: i64,
    /// Whether rows remain.
    pub(super) follow_up: bool,
}

/// Reads the rows of warning or worse and groups them.
pub(super) async fn grouped(
    store: &Store,
    logs: &ScannedLog,
    window: Window,
) -> Result<(Grouped, Read)> {
    let known = store.log_templates(logs.identity().to_owned(), MAX_KNOWN).await?;
    let mut analyzer = Analyzer::new(known);
    let (mut rows, mut end) = (0, window.after);
    loop {
        let room = MAX_ROWS - rows;
        let limit = CHUNK.min(room as usize);
        let mut chunk = logs.warnings(end, window.newest, limit).await?;
        rows += chunk.len() as u64;
        if let Some(last) = chunk.last() {
            end = last.id;
        }
        let all = chunk.len() < limit;
        let read = move || {
            for row in &mut chunk {
                // Other programs write rows too. Before the analyzer cuts anything: half a token has no shape.
                redactor().clean_row(&mut row.row);
                analyzer.push(row);
            }
            analyzer
        };
        // Nobody has counted how long the rows are.
        analyzer = heavy(usize::MAX, read).await;
        if all || rows == MAX_ROWS {
            let end = if all { window.newest } else { end };
            let grouped = heavy(usize::MAX, move || analyzer.finish()).await;
            return Ok((grouped, Read { rows, end, follow_up: end < window.newest }));
        }
    }
}
