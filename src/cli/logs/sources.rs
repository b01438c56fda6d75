//! `lamplighter logs sources`: the logs of other programs that the server follows, and how far each was read.

use super::super::{Cli, output};
use crate::config::configuration;
use crate::environment;
use crate::error::Result;
use crate::logs::{LogPlace, log_places};
use crate::wire;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Configuration file [default: lamplighter.toml in the data directory, if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(in crate::cli) async fn run(cli: &Cli, arguments: &Arguments) -> Result<()> {
    let config = configuration(
        &cli.data_dir(false)?,
        arguments.config.as_deref(),
        environment::variable,
        None,
    )?;
    let places = log_places(&config.log_sources, &cli.existing_log_store()?).await?;
    if cli.json {
        return places.iter().map(wire::LogSource::from).try_for_each(|log| output::json(&log));
    }
    if places.is_empty() {
        output::note("no log is followed; name one as [[log_source]] in the configuration");
    }
    let rows: Vec<_> = places.iter().map(row).collect();
    output::table(&["LOG", "STATE", "ROWS", "NO TEXT", "STORED", "ZONE", "BEGINS"], &rows)
}

fn row(place: &LogPlace) -> Vec<String> {
    let LogPlace { name, rules, state, progress, .. } = place;
    let none = || "-".to_owned();
    let (rows, unread, stored) = match progress {
        Some(known) => {
            (known.rows.to_string(), known.unread.to_string(), known.moved_at.to_string())
        }
        None => (none(), none(), none()),
    };
    let (zone, begins) = (rules.zone(), rules.begins());
    let begins = begins.map_or_else(none, |begins| output::plain(begins, 60));
    let (name, state) = (output::plain(name, 100), output::plain(&state.to_string(), 100));
    vec![name, state, rows, unread, stored, zone.map_or_else(none, str::to_owned), begins]
}
