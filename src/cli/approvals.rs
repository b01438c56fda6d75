//! `lamplighter approvals`: lists what waits to go to the issue tracker, approves and rejects it.

use super::{Cli, output};
use crate::actions::approvals;
use crate::actions::{self, Call};
use crate::error::Result;
use crate::model::{FilingId, FilingPick, FilingVerdict};
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
    /// Approve texts, so that they go to the tracker: all of them or none
    Approve {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<i64>,
    },
    /// Reject texts, so that they never go to the tracker: all of them or none
    Reject {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<i64>,
    },
    /// Take decisions back before anything was sent: the texts wait again
    Undo {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<i64>,
    },
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    let (store, call) = (cli.existing_store()?, Call::by_owner(cli.now()));
    let (ids, verdict) = match command {
        Command::List { limit } => return list(cli, &store, actions::rows(&limit)?).await,
        Command::Approve { ids } => (ids, FilingVerdict::Approve),
        Command::Reject { ids } => (ids, FilingVerdict::Reject),
        Command::Undo { ids } => (ids, FilingVerdict::TakeBack),
    };
    let picks = FilingPick::all(ids.into_iter().map(FilingId));
    cli.say(&approvals::decide(&store, &call, picks, verdict).await?)
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
