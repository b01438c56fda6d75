//! `lamplighter db`: copies the data directory, puts a copy in its place, and looks at every page.

use super::{Cli, output};
use crate::backup;
use crate::error::{Code, Error, Result};
use clap::Subcommand;
use serde_json::json;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Copy both databases as they are at one moment, the prompts and lamplighter.toml; a server may run
    Backup {
        /// A new or empty folder, or - for a tar archive on standard output
        #[arg(value_name = "DIR|-")]
        target: PathBuf,
    },
    /// Put a backup in the place of what is in the data directory; no server may run
    Restore {
        /// The folder of the backup
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Look at every page, index and foreign key, and recount the jobs; a server may run
    Check {
        /// Look at the files of this backup instead
        #[arg(long, value_name = "DIR")]
        backup: Option<PathBuf>,
    },
}

pub(super) async fn run(cli: &Cli, command: Command) -> Result<()> {
    match command {
        Command::Backup { target } if target == Path::new("-") => archive(cli),
        Command::Backup { target } => {
            let manifest = backup::make(&source(cli)?, &target, cli.now(), &mut progress())?;
            if cli.json {
                return output::json(&json!({"folder": target, "manifest": manifest}));
            }
            output::line(format!(
                "The backup is in {}: {} files, {} bytes.",
                target.display(),
                manifest.files.len(),
                manifest.bytes()
            ))
        }
        Command::Restore { folder } => restore(cli, &folder),
        Command::Check { backup: Some(folder) } => {
            let manifest = backup::check(&folder)?;
            if cli.json {
                return output::json(&manifest);
            }
            output::line(format!(
                "The backup of {} is whole: {} files, {} bytes.",
                manifest.made_at,
                manifest.files.len(),
                manifest.bytes()
            ))
        }
        Command::Check { backup: None } => {
            let data_dir = source(cli)?;
            backup::check_databases(&data_dir)?;
            cli.existing_store()?.check_counts().await?;
            output::line(
                "Every page, index and foreign key is sound, and the counts of jobs are right.",
            )
        }
    }
}

/// The data directory, which has a job database.
fn source(cli: &Cli) -> Result<PathBuf> {
    // Opening it says whether the file is ours, and of this version.
    drop(cli.existing_store()?);
    cli.data_dir(false)
}

fn archive(cli: &Cli) -> Result<()> {
    let data_dir = source(cli)?;
    let folder = tempfile::tempdir_in(&data_dir).map_err(|e| unmade(&data_dir).because(e))?;
    backup::make(&data_dir, folder.path(), cli.now(), &mut progress())?;
    let mut out = tar::Builder::new(io::stdout().lock());
    let written = out.append_dir_all(".", folder.path()).and_then(|()| out.into_inner()?.flush());
    written.map_err(|e| Error::new(Code::CliOutput, "write to standard output").because(e))
}

fn unmade(data_dir: &Path) -> Error {
    Error::new(Code::StoreIo, format!("make a folder in {}", data_dir.display()))
}

fn restore(cli: &Cli, folder: &Path) -> Result<()> {
    let data_dir = cli.data_dir(false)?;
    let done = backup::restore(folder, &data_dir, cli.now())?;
    if cli.json {
        return output::json(&json!({"manifest": done.manifest, "replaced": done.aside}));
    }
    output::line(format!("{} is as it was at {}.", data_dir.display(), done.manifest.made_at))?;
    if let Some(aside) = done.aside {
        output::note(&format!("What was there before is in {}.", aside.display()));
    }
    Ok(())
}

/// Shows at a terminal how far a file is copied.
#[expect(clippy::print_stderr, reason = "the progress goes beside the answer")]
fn progress() -> impl FnMut(&str, u64, u64) {
    let is_terminal = io::stderr().is_terminal();
    move |name, done, all| {
        if is_terminal && all > 0 {
            let end = if done == all { "\n" } else { "" };
            eprint!("\r{name}: {}%{end}", done * 100 / all);
        }
    }
}
