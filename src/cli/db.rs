//! `lamplighter db`: copies the data directory, puts a copy in its place, and looks at every page.

use super::{Cli, output};
use crate::backup;
use crate::error::Result;
use crate::wire;
use clap::Subcommand;
use std::io::{self, IsTerminal};
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
            let made = backup::make(&source(cli)?, &target, cli.now(), &mut progress())?;
            if cli.json {
                return output::json(&wire::Backup::made(&made, &target));
            }
            note_left_out(&made.left_out);
            let contents = contents(&made.manifest);
            output::line(format!("The backup is in {}: {contents}.", target.display()))
        }
        Command::Restore { folder } => restore(cli, &folder),
        Command::Check { backup: Some(folder) } => {
            let manifest = backup::check(&folder)?;
            if cli.json {
                return output::json(&wire::Backup::new(&manifest, Some(&folder), None));
            }
            output::line(format!(
                "The backup of {} is whole: {}.",
                manifest.made_at,
                contents(&manifest)
            ))
        }
        Command::Check { backup: None } => {
            let data_dir = source(cli)?;
            let files = backup::check_databases(&data_dir)?;
            cli.existing_store()?.check_counts().await?;
            if cli.json {
                return output::json(&wire::DatabaseCheck { files, sound: true });
            }
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
    let out = io::stdout().lock();
    let left_out = backup::archive(&source(cli)?, cli.now(), out, &mut progress())?;
    note_left_out(&left_out);
    Ok(())
}

fn note_left_out(left_out: &[PathBuf]) {
    for path in left_out {
        output::note(&format!(
            "The backup does not have {}: a prompt is a file of the folder itself, and its name is text.",
            path.display()
        ));
    }
}

fn restore(cli: &Cli, folder: &Path) -> Result<()> {
    let data_dir = cli.data_dir(false)?;
    let done = backup::restore(folder, &data_dir, cli.now())?;
    if cli.json {
        return output::json(&wire::Backup::new(&done.manifest, None, done.aside.as_deref()));
    }
    output::line(format!("{} is as it was at {}.", data_dir.display(), done.manifest.made_at))?;
    if let Some(aside) = done.aside {
        output::note(&format!("What was there before is in {}.", aside.display()));
    }
    Ok(())
}

fn contents(manifest: &backup::Manifest) -> String {
    let files = match manifest.files.len() {
        1 => "1 file".to_owned(),
        many => format!("{many} files"),
    };
    format!("{files}, {} bytes", manifest.bytes())
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
