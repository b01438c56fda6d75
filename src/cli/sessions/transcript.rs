//! `lamplighter sessions transcript` and `patch`: what a session did and changed, as a file or on standard output.

use super::super::{Cli, output};
use crate::actions::sessions as actions;
use crate::error::Result;
use crate::model::JobId;
use crate::sessions::{TranscriptFile, TranscriptForm};
use std::io::IsTerminal as _;
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
    let mut file = actions::NewFile::create(to)?;
    while let Some(part) = transcript.next().await? {
        file.write(&part)?;
    }
    file.finish()
}

/// Writes the patch of what a session has changed to a new file or, for `-`, to standard output.
pub(super) async fn patch(cli: &Cli, id: i64, to: &Path) -> Result<()> {
    let patch = actions::patch(&cli.existing_store()?, JobId(id)).await?;
    if to.as_os_str() == "-" {
        return print(patch.as_bytes()).map(|_| ());
    }
    let mut file = actions::NewFile::create(to)?;
    file.write(patch.as_bytes())?;
    file.finish()
}

/// Prints a part. A terminal gets no characters that it would obey. Answers whether there is still a reader.
fn print(part: &[u8]) -> Result<bool> {
    if std::io::stdout().is_terminal() {
        return output::bytes(output::for_terminal(&String::from_utf8_lossy(part)).as_bytes());
    }
    output::bytes(part)
}
