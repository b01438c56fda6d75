//! A database as it is at one moment, while other processes write on: it is copied whole, with its progress, and checked.

use super::check;
use super::draft::Draft;
use super::open::{self, connect_with};
use crate::error::{Code, Error, Result};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Pages that are copied between two words of progress: 4 MB.
const STEP: i32 = 1024;
/// What a database holds from now until this is dropped. Meanwhile its write-ahead log cannot begin anew.
pub(crate) struct DatabaseMoment {
    path: PathBuf,
    conn: Connection,
}

impl DatabaseMoment {
    /// The present moment of the database at `path`, which other processes may write on. Blocks.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        let doing = |e: Error| e.while_doing(&format!("read {}", path.display()));
        let begin = || {
            let conn = connect_with(path, OpenFlags::empty())?;
            open::init_reader(&conn)?;
            // The snapshot begins with the first read.
            conn.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")?;
            Ok(conn)
        };
        Ok(Self { path: path.to_owned(), conn: begin().map_err(doing)? })
    }

    /// Copies it into a new file at `target`, synced, and looks at every page of the copy. `tell` is told the pages that are
    /// copied, and how many there are. Blocks.
    ///
    /// # Errors
    /// `STORE-IO-001`, also where `target` is there already; `STORE-FULL-001`; `STORE-FILE-008` if the copy is not whole.
    pub(crate) fn copy(&self, target: &Path, tell: &mut dyn FnMut(u64, u64)) -> Result<()> {
        let doing = format!("copy {} to {}", self.path.display(), target.display());
        let draft = Draft::of(target)?;
        let copied = self.fill(draft.path(), tell).and_then(|()| look_at_all(draft.path()));
        copied.map_err(|e| e.while_doing(&doing))?;
        if draft.link(target)? {
            return Ok(());
        }
        Err(Error::new(Code::StoreIo, doing).because("there is such a file already"))
    }

    fn fill(&self, draft: &Path, tell: &mut dyn FnMut(u64, u64)) -> Result<()> {
        let mut copy = connect_with(draft, OpenFlags::empty())?;
        copy.pragma_update(None, "synchronous", "OFF")?;
        let backup = Backup::new(&self.conn, &mut copy)?;
        loop {
            let step = backup.step(STEP)?;
            let progress = backup.progress();
            let [left, all] = [progress.remaining, progress.pagecount].map(i64::from);
            tell((all - left).unsigned_abs(), all.unsigned_abs());
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                StepResult::Busy | StepResult::Locked | _ => {
                    return Err(Error::new(Code::StoreBusy, "copy pages"));
                }
            }
        }
        drop(backup);
        copy.close().map_err(|(_, error)| error)?;
        let synced = File::open(draft).and_then(|file| file.sync_all());
        synced.map_err(|e| Error::new(Code::StoreIo, "sync the copy").because(e))
    }
}

/// Looks at every page, index and foreign key of the database at `path`. Blocks.
///
/// # Errors
/// `STORE-FILE-008`, with what SQLite complains about.
pub(crate) fn look_at_all(path: &Path) -> Result<()> {
    let conn = connect_with(path, OpenFlags::empty())?;
    open::init_reader(&conn)?;
    check::whole(&conn)
}
