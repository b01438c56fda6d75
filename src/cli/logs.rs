//! `lamplighter logs`: imports files into the log database.

mod templates;

use super::{Cli, output};
use crate::clock::Clock;
use crate::error::Result;
use crate::logs;
use clap::Subcommand;
use serde_json::json;
use std::path::PathBuf;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Append a file to the log database: JSON lines (journalctl -o json, tracing, Python), or plain text lines whose
    /// level is guessed
    Import {
        /// The file to read
        file: PathBuf,
    },
    /// Group the lines of any text log by what they say: each template with its count and its first and last line
    Templates(templates::Arguments),
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    match command {
        Command::Import { file } => {
            let rows = logs::import(&file, &cli.log_store()?, Clock::system().now()).await?;
            if cli.json {
                return output::line(json!({"imported": rows}));
            }
            output::line(format_args!("{rows} rows imported from {}", file.display()))
        }
        Command::Templates(arguments) => templates::run(cli.json, &arguments),
    }
}
