//! `lamplighter sessions tail`: what a session does, while it does it.

use super::super::output;
use crate::actions::sessions as actions;
use crate::agents::claude::{Event, Lines, Reader};
use crate::error::{Result, ignore};
use crate::model::JobId;
use crate::store::Store;

/// Bytes of transcript that are read at a time.
const CHUNK: u64 = 256 * 1024;

/// Prints the transcript, goes on with it until the session is over, and ends as the session did.
pub(super) async fn tail(store: &Store, id: i64, raw: bool) -> Result<()> {
    // Another process runs the session: its commits are seen by watching the file.
    let watched = store.clone();
    tokio::select! {
        error = async move { watched.watch_foreign_commits().await } => error,
        done = follow(store, id, raw) => done,
    }
}

async fn follow(store: &Store, id: i64, raw: bool) -> Result<()> {
    let mut changes = store.changes();
    let mut lines = Lines::default();
    let mut from = 0;
    loop {
        changes.borrow_and_update();
        let is_over = actions::existing(store, JobId(id)).await?.status.is_final();
        let pieces = store.transcript(JobId(id), from, CHUNK).await?;
        for piece in &pieces {
            from = piece.end();
            for line in lines.push(&piece.bytes) {
                if raw {
                    output::line(output::for_terminal(&String::from_utf8_lossy(&line.bytes)))?;
                } else {
                    Reader::read(&line).iter().try_for_each(say)?;
                }
            }
        }
        if !pieces.is_empty() {
            continue;
        }
        if is_over {
            return actions::outcome(&actions::existing(store, JobId(id)).await?);
        }
        ignore(changes.changed().await, "the store is open, so the wait ends with a change");
    }
}

/// Events that mean nothing here are for `--raw`.
fn say(event: &Event) -> Result<()> {
    if matches!(event, Event::Other { .. }) {
        return Ok(());
    }
    output::line(format_args!("{:>8}  {}", event.label(), output::for_terminal(&event.text())))
}
