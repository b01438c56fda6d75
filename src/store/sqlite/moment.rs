//! A database as it is at one moment, while other processes write on: it is copied whole, with its progress, and checked.

use super::draft::Draft;
use super::open::{self, connect_with};
use crate::error::{Code, Error, Result};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Pages that are copied between two words of progress: 4 MB.
const STEP: i32 = 1024;
/// Complaints that a refusal lists.
const MAX_NAMED: usize = 5;

/// What the database holds from now until this is dropped. Meanwhile the write-ahead log cannot begin anew.
pub(in crate::store) struct Moment {
    path: PathBuf,
    conn: Connection,
}

impl Moment {
    /// The present moment of the database at `path`, whose file is there.
    pub(in crate::store) fn of(path: &Path) -> Result<Self> {
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
    /// copied, and how many there are.
    ///
    /// # Errors
    /// `STORE-IO-001`, also where `target` is there already; `STORE-FULL-001`; `STORE-FILE-008` if the copy is not whole.
    pub(in crate::store) fn copy(
        &self,
        target: &Path,
        tell: &mut dyn FnMut(u64, u64),
    ) -> Result<()> {
        let doing = format!("copy {} to {}", self.path.display(), target.display());
        let draft = Draft::of(target)?;
        let copied = self.fill(draft.path(), tell).and_then(|()| whole(draft.path()));
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
                _ => return Err(Error::new(Code::StoreBusy, "copy pages")),
            }
        }
        drop(backup);
        copy.close().map_err(|(_, error)| error)?;
        let synced = File::open(draft).and_then(|file| file.sync_all());
        synced.map_err(|e| Error::new(Code::StoreIo, "sync the copy").because(e))
    }
}

/// Looks at every page, index and foreign key of the database at `path`. It reads all of it.
///
/// # Errors
/// `STORE-FILE-008`, with what SQLite complains about.
pub(in crate::store) fn whole(path: &Path) -> Result<()> {
    let conn = connect_with(path, OpenFlags::empty())?;
    open::init_reader(&conn)?;
    let mut found: Vec<String> = list(&conn, "PRAGMA integrity_check", |row| row.get(0))?;
    found.retain(|line| line != "ok");
    let broken = |row: &rusqlite::Row<'_>| {
        let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
        Ok(format!("a row of {table} names one of {parent} that is not there"))
    };
    found.extend(list(&conn, "PRAGMA foreign_key_check", broken)?);
    if found.is_empty() {
        return Ok(());
    }
    found.truncate(MAX_NAMED);
    Err(Error::new(Code::StoreDamaged, format!("look at its pages: {}", found.join("; "))))
}

fn list(
    conn: &Connection,
    pragma: &str,
    read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<String>,
) -> Result<Vec<String>> {
    let mut statement = conn.prepare(pragma)?;
    let rows = statement.query_map([], read)?;
    Ok(rows.take(MAX_NAMED).collect::<rusqlite::Result<_>>()?)
}
