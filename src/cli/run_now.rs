//! `lamplighter run-now`: asks for a scan.

use super::{Cli, output};
use crate::clock::Clock;
use crate::error::Result;
use crate::model::{Actor, Kind};
use crate::monitor;
use serde_json::json;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Only say what would be filed and what would be skipped, and why: see the job's result
    #[arg(long)]
    dry_run: bool,
}

/// Queues a scan and prints its id. A running server starts it; without one it waits for the next start.
pub(super) async fn run(cli: &Cli, arguments: &Arguments) -> Result<()> {
    let store = cli.store()?;
    let (actor, now) = (Actor::cli(), Clock::system().now());
    if !arguments.dry_run {
        monitor::may_scan(store.server_facts(now).await?.as_ref())?;
    }
    for note in store.notes_for(&Kind::SELF_MONITORING, now).await? {
        output::note(&note);
    }
    let asked = if arguments.dry_run {
        monitor::dry_run(&store, actor, None, now).await
    } else {
        monitor::queue_scan(&store, actor, None, now).await
    };
    let id = asked?;
    if cli.json {
        output::line(json!({"status": "queued", "scan_id": id.to_string()}))
    } else {
        output::line(id)
    }
}
