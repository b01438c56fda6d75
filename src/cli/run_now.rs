//! `lamplighter run-now`: asks for a scan.

use super::{Cli, output};
use crate::clock::Clock;
use crate::error::Result;
use crate::model::Actor;
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
    let (store, tracking) = (cli.store()?, cli.tracking()?);
    if !arguments.dry_run {
        tracking.check()?;
    }
    if store.try_lead()?.is_some() {
        output::note(
            "No server runs on this data directory: the scan starts with the next `lamplighter serve`.",
        );
    }
    let (actor, now) = (Actor::cli(), Clock::system().now());
    let asked = if arguments.dry_run {
        monitor::dry_run(&store, actor, None, now).await
    } else {
        monitor::run_now(&store, &tracking, actor, None, now).await
    };
    let id = asked?;
    if cli.json {
        output::line(json!({"status": "queued", "scan_id": id.to_string()}))
    } else {
        output::line(id)
    }
}
