//! `lamplighter approvals`: lists what waits to go to the issue tracker, approves and rejects it.

use super::{Cli, output};
use crate::actions::approvals;
use crate::actions::{self, Call};
use crate::error::Result;
use crate::model::FilingId;
use crate::store::Store;
use crate::wire;
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the texts that wait, oldest first
    List {
        /// At most this many, 1 to 1000
        #[arg(long, default_value = "50")]
        limit: String,
    },
    /// Approve a text, so that it goes to the tracker
    Approve {
        /// Its id
        id: i64,
    },
    /// Reject a text, so that it never goes to the tracker
    Reject {
        /// Its id
        id: i64,
    },
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    let (store, call) = (cli.existing_store()?, Call::by_owner(cli.now()));
    match command {
        Command::List { limit } => list(cli, &store, actions::rows(&limit)?).await,
        Command::Approve { id } => cli.say(&approvals::approve(&store, &call, FilingId(id)).await?),
        Command::Reject { id } => cli.say(&approvals::reject(&store, &call, FilingId(id)).await?),
    }
}

async fn list(cli: &Cli, store: &Store, limit: usize) -> Result<()> {
    let waiting = store.waiting_filings(limit).await?;
    let mut waiting = waiting.iter().map(wire::WaitingFiling::from);
    if cli.json {
        return waiting.try_for_each(|filing| output::json(&filing));
    }
    let rows: Vec<_> = waiting.map(|filing| row(&filing)).collect();
    output::table(&["ID", "ACT", "STATE", "ISSUE", "SCAN", "SINCE", "TITLE"], &rows)
}

fn row(filing: &wire::WaitingFiling) -> Vec<String> {
    let title = filing.title.as_ref().unwrap_or(&filing.issue_title);
    vec![
        filing.id.to_string(),
        filing.act.to_owned(),
        filing.state.to_owned(),
        filing.issue_id.to_string(),
        filing.scan_id.to_string(),
        filing.created_at.clone(),
        output::plain(title, 100),
    ]
}
