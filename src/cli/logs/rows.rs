//! `lamplighter logs list` and `logs tail`: the rows of the log database.

use super::super::{Cli, output};
use crate::actions::{self, logs};
use crate::error::{Result, ignore};
use crate::model::{LogRow, Timestamp, Zone};
use crate::store::LogStore;
use crate::wire;

/// Which rows are meant.
#[derive(clap::Args)]
pub(in crate::cli) struct Conditions {
    /// Only this level and worse: debug, info, warning, error or critical
    #[arg(long)]
    level: Option<String>,
    /// Only this source
    #[arg(long)]
    source: Option<String>,
    /// Only messages with this error code
    #[arg(long)]
    code: Option<String>,
    /// Only messages with this text, upper and lower case alike
    #[arg(long)]
    text: Option<String>,
    /// Only rows of this correlation id
    #[arg(long, value_name = "ID")]
    correlation_id: Option<String>,
    /// Only rows from then on: a length back from now (24h), a day, or an instant (2027-01-15T08:00:00+01:00)
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Only rows before then, written alike
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// At most this many, 1 to 1000; `tail` begins with them
    #[arg(long, default_value = "50")]
    limit: String,
}

impl Conditions {
    fn ask(self, now: Timestamp) -> Result<logs::LogsAsk> {
        let Self { level, source, code, text, correlation_id, since, until, limit } = self;
        let limit = actions::rows(&limit)?;
        Ok(logs::LogsAsk {
            level,
            source,
            code,
            text,
            correlation_id,
            ids: None,
            since,
            until,
            now,
            zone: Zone::default(),
            before: None,
            limit,
        })
    }
}

/// Prints the newest rows, oldest first.
pub(in crate::cli) async fn list(
    cli: &Cli,
    conditions: Conditions,
    before: Option<i64>,
) -> Result<()> {
    let filter = logs::filter(logs::LogsAsk { before, ..conditions.ask(cli.now())? })?;
    let found = cli.existing_log_store()?.search(filter).await?;
    if found.cut_short {
        output::note(&format!(
            "{} rows were looked through; go on with --before {}",
            found.looked_through,
            found.next.unwrap_or_default()
        ));
    }
    found.rows.iter().rev().try_for_each(|row| say(cli, row))
}

/// Prints the newest rows and those that come, until it is ended.
pub(in crate::cli) async fn tail(cli: &Cli, conditions: Conditions) -> Result<()> {
    let store = cli.existing_log_store()?;
    // Other processes write the rows: their commits are seen by watching the file.
    let watched = store.clone();
    tokio::select! {
        error = async move { watched.watch_foreign_commits().await } => error,
        done = follow(cli, &store, conditions) => done,
    }
}

async fn follow(cli: &Cli, store: &LogStore, conditions: Conditions) -> Result<()> {
    let filter = logs::filter(conditions.ask(cli.now())?)?;
    let mut changes = store.changes();
    changes.borrow_and_update();
    let mut last = store.last_id().await?;
    let begin = store.search(filter.clone()).await?;
    for row in begin.rows.iter().rev() {
        say(cli, row)?;
        last = last.max(row.id);
    }
    loop {
        ignore(changes.changed().await, "the store is open, so the wait ends with a change");
        changes.borrow_and_update();
        for row in logs::since(store, &filter, last).await? {
            say(cli, &row)?;
            last = row.id;
        }
    }
}

fn say(cli: &Cli, row: &LogRow) -> Result<()> {
    if cli.json {
        return output::json(&wire::LogRow::from(row));
    }
    let LogRow { id, row } = row;
    // Every line but the first is set in, so that none of them looks like a row of its own.
    let message = output::for_terminal(&row.message).replace('\n', "\n          ");
    output::line(format_args!(
        "{id:>8}  {}  {:8}  {}  {message}",
        output::plain(&row.timestamp, 40),
        row.level.as_str(),
        output::plain(&row.source, 60)
    ))
}
