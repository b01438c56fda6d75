//! Acts on several jobs: by their ids one after another, or by a query at once.

use super::super::{Cli, output};
use crate::actions::Call;
use crate::actions::bulk::{self, BulkAsk, Previewed};
use crate::error::Result;
use crate::model::BulkAct;
use crate::redact::redactor;
use crate::store::Store;
use std::io::{BufRead, IsTerminal, Write};

/// Which jobs.
#[derive(clap::Args)]
pub(in crate::cli) struct Which {
    /// The jobs' ids
    #[arg(required_unless_present = "query", conflicts_with = "query")]
    ids: Vec<i64>,
    /// All jobs that fit this query, as `jobs list` takes it
    #[arg(long)]
    query: Option<String>,
    /// Only say what would be done
    #[arg(long, requires = "query")]
    dry_run: bool,
    /// Do it without asking
    #[arg(long, requires = "query")]
    yes: bool,
}

impl Which {
    pub(super) fn ids(&self) -> &[i64] {
        &self.ids
    }

    pub(super) fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }
}

/// Does it to each job. One that is refused does not keep the others from it; the last refusal is the command's.
pub(super) async fn each(ids: &[i64], act: impl AsyncFn(i64) -> Result<()>) -> Result<()> {
    let mut refused = Ok(());
    for id in ids {
        match act(*id).await {
            Err(error) if error.class().is_refusal() => {
                if let Err(before) = std::mem::replace(&mut refused, Err(error)) {
                    output::note(&redactor().text(&format!("{before:#}")));
                }
            }
            done => done?,
        }
    }
    refused
}

/// Does it to the jobs of the query, after a look at what that would be.
pub(super) async fn many(
    cli: &Cli,
    store: &Store,
    call: &Call,
    which: &Which,
    act: BulkAct,
) -> Result<()> {
    let query = which.query().unwrap_or_default().to_owned();
    let ask = BulkAsk { query, act, before: None, once_more: true };
    let previewed = bulk::preview(store, call, ask).await?;
    if which.dry_run {
        return cli.say(&previewed.answer);
    }
    let confirmed = which.yes || confirmed(&previewed);
    cli.say(&bulk::act(store, call, previewed, confirmed).await?)
}

/// Shows what would be done, and asks the person at the terminal. Without a terminal nobody can confirm it.
fn confirmed(previewed: &Previewed) -> bool {
    output::note(&previewed.answer.sentence);
    let (mut ask, stdin) = (std::io::stderr(), std::io::stdin());
    if previewed.answer.value.changes == 0 || !stdin.is_terminal() || !ask.is_terminal() {
        return false;
    }
    let asked = write!(ask, "Do it? [y/N] ").and_then(|()| ask.flush());
    let mut said = String::new();
    let read = asked.and_then(|()| stdin.lock().read_line(&mut said));
    read.is_ok() && ["y", "yes"].contains(&said.trim().to_ascii_lowercase().as_str())
}
