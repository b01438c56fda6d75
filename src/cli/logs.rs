//! `lamplighter logs`: lists and follows the rows of the log database, and imports files into it.

mod rows;
mod sources;
mod templates;

use super::{Cli, output};
use crate::error::Result;
use crate::logs;
use crate::wire;
use clap::Subcommand;
use std::path::PathBuf;

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
    /// Append a file to the log database: JSON lines or text of any common form, in UTF-8 or UTF-16
    Import {
        /// The file to read
        file: PathBuf,
    },
    /// List the logs of other programs that the server follows, and how far each was read
    Sources(sources::Arguments),
    /// Group the events of any text log by what they say: each template with its count and its first and last event
    Templates(templates::Arguments),
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    match command {
        Command::List { conditions, before } => rows::list(cli, conditions, before).await,
        Command::Tail(conditions) => rows::tail(cli, conditions).await,
        Command::Import { file } => {
            let imported = logs::import(&file, &cli.log_store()?, cli.now()).await?;
            let logs::Imported { rows, unread } = imported;
            if cli.json {
                return output::json(&wire::LogsImported { imported: rows, unread });
            }
            let unread = match unread {
                0 => String::new(),
                1 => ", 1 line holds bytes that are no text".to_owned(),
                _ => format!(", {unread} lines hold bytes that are no text"),
            };
            output::line(format_args!("{rows} rows imported from {}{unread}", file.display()))
        }
        Command::Sources(arguments) => sources::run(cli, &arguments).await,
        Command::Templates(arguments) => templates::run(cli.json, &arguments, cli.now()),
    }
}
