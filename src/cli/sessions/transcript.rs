//! `lamplighter sessions transcript` and `patch`: what a session did and changed, as a file or on standard output.

use super::super::{Cli, output};
use crate::actions::sessions as actions;
use crate::error::{Code, Error, Result, ignore};
use crate::model::JobId;
use crate::sessions::{TranscriptFile, TranscriptForm};
use std::fs::{File, OpenOptions};
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Writes the transcript of a session, as far as it has come, to a new file or, for `-`, to standard output.
pub(super) async fn write(cli: &Cli, id: i64, form: TranscriptForm, to: &Path) -> Result<()> {
    let store = cli.existing_store()?;
    let session = actions::existing(&store, JobId(id)).await?;
    let mut transcript = TranscriptFile::of(store, &session, form);
    if to.as_os_str() == "-" {
        while let Some(part) = transcript.next().await? {
            if !print(&part)? {
                break;
            }
        }
        return Ok(());
    }
    let mut file = new_file(to)?;
    let written = fill(&mut file, &mut transcript, to).await;
    if written.is_err() {
        ignore(std::fs::remove_file(to), "half a file is of no use, and the error says more");
    }
    written
}

/// Writes the patch of what a session has changed to a new file or, for `-`, to standard output.
pub(super) async fn patch(cli: &Cli, id: i64, to: &Path) -> Result<()> {
    let patch = actions::patch(&cli.existing_store()?, JobId(id)).await?;
    if to.as_os_str() == "-" {
        return print(patch.as_bytes()).map(|_| ());
    }
    let mut file = new_file(to)?;
    let written = file.write_all(patch.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| refused(to).because(error))
}

/// Prints a part. A terminal gets no characters that it would obey. Answers whether there is still a reader.
fn print(part: &[u8]) -> Result<bool> {
    if std::io::stdout().is_terminal() {
        return output::bytes(output::for_terminal(&String::from_utf8_lossy(part)).as_bytes());
    }
    output::bytes(part)
}

async fn fill(file: &mut File, transcript: &mut TranscriptFile, to: &Path) -> Result<()> {
    while let Some(part) = transcript.next().await? {
        file.write_all(&part).map_err(|error| refused(to).because(error))?;
    }
    file.sync_all().map_err(|error| refused(to).because(error))
}

/// A new file that its owner alone may read: a transcript says what the agent saw. A file that is there stays as it is.
fn new_file(to: &Path) -> Result<File> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    made.map_err(|error| refused(to).because(error))
}

fn refused(to: &Path) -> Error {
    Error::new(Code::CliOutput, format!("write to {}", to.display()))
}
