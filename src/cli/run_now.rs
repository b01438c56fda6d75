//! `lamplighter run-now`: asks for a scan.

use super::Cli;
use crate::actions::Call;
use crate::actions::scans::{self, ScanRun};
use crate::error::Result;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// File nothing: `scans show` then says what would be filed, and what would be skipped and why
    #[arg(long)]
    dry_run: bool,
}

/// Queues a scan and prints its id. A running server starts it; without one it waits for the next start.
pub(super) async fn run(cli: &Cli, arguments: &Arguments) -> Result<()> {
    let request = ScanRun { dry_run: arguments.dry_run };
    let asked = scans::run_now(&cli.store()?, &Call::by_owner(cli.now()), request).await?;
    cli.say_id(&asked, &asked.value.scan_id)
}
