//! `lamplighter audit`: what people did.

use super::{Cli, output};
use crate::actions;
use crate::actions::audit::{self, DeedsAsk};
use crate::error::Result;
use crate::model::Deed;
use crate::wire;
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List what people did, the newest first
    List {
        /// Only what this person did, by themselves or by a token of theirs
        #[arg(long)]
        who: Option<String>,
        /// Only verbs with this text in them, as "sign in"
        #[arg(long)]
        what: Option<String>,
        /// Only things with this text in their names, as "queue agent"
        #[arg(long)]
        subject: Option<String>,
        /// Only what was done then or later: 2h, 2026-11-21, 2026-11-21T08:00:00Z
        #[arg(long)]
        since: Option<String>,
        /// Only what was done before
        #[arg(long)]
        until: Option<String>,
        /// Only rows with an id below this one
        #[arg(long)]
        before: Option<i64>,
        /// At most this many rows
        #[arg(long, default_value = "50")]
        limit: String,
    },
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    let Command::List { who, what, subject, since, until, before, limit } = command;
    let ask = DeedsAsk { who, what, subject, since, until, before, limit: actions::rows(&limit)? };
    let store = cli.existing_store()?;
    let found = store.find_deeds(audit::filter(ask, cli.now())?).await?;
    if let Some(id) = found.next.filter(|_| found.cut_short) {
        output::note(&format!("100,000 rows were looked through; --before {id} goes on."));
    }
    if cli.json {
        return found.rows.iter().map(wire::Deed::from).try_for_each(|deed| output::json(&deed));
    }
    let rows: Vec<_> = found.rows.iter().map(row).collect();
    output::table(&["ID", "WHEN", "WHO", "FROM", "WHAT", "BEFORE", "AFTER"], &rows)
}

fn row(deed: &Deed) -> Vec<String> {
    let short = |text: &Option<String>| output::plain(text.as_deref().unwrap_or("-"), 60);
    vec![
        deed.id.to_string(),
        deed.at.to_string(),
        deed.by.name.clone(),
        deed.by.remote.clone().unwrap_or_else(|| "-".to_owned()),
        output::plain(&format!("{} {}", deed.action, deed.subject), 80),
        short(&deed.before),
        short(&deed.after),
    ]
}
