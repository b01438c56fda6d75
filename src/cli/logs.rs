//! `lamplighter logs`: lists and follows the rows of the log database, and imports files into it.

mod import;
mod progress;
mod rows;
mod sources;
mod templates;

use super::Cli;
use crate::error::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List the newest rows that fit the options, the oldest of them first
    List {
        #[command(flatten)]
        conditions: rows::Conditions,
        /// Only rows with ids below this one
        #[arg(long, value_name = "ID")]
        before: Option<i64>,
    },
    /// Print the newest rows that fit the options, then each new one as it comes
    Tail(rows::Conditions),
    /// Append logs to the log database: JSON lines or text of any common form, in UTF-8 or UTF-16, plain or packed
    #[command(after_help = import::HELP)]
    Import(import::Arguments),
    /// List the logs of other programs that the server follows, and how far each was read
    Sources(sources::Arguments),
    /// Group the events of any text log by what they say: each template with its count and its first and last event
    Templates(templates::Arguments),
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    match command {
        Command::List { conditions, before } => rows::list(cli, conditions, before).await,
        Command::Tail(conditions) => rows::tail(cli, conditions).await,
        Command::Import(arguments) => import::run(cli, arguments).await,
        Command::Sources(arguments) => sources::run(cli, &arguments).await,
        Command::Templates(arguments) => templates::run(cli.json, &arguments, cli.now()),
    }
}
