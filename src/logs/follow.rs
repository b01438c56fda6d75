//! Follows a log file: every line becomes one row, even if the file is renamed, emptied or deleted meanwhile.
//!
//! The position is stored in the transaction that stores the rows, so that neither a restart nor kill -9 loses or
//! repeats a line. A file is known by its device and number and by digests of its beginning and of what stands before
//! the position: one that was renamed is read to its end before the new one is begun, one that was copied and emptied is
//! finished in its copy, and one that was deleted is begun anew when it comes back. A file that takes the path while an
//! older one is read is held open until it is read itself. A last line without a line break waits for it; a row that the next
//! lines may still add to (a stack trace) waits a second.
//!
//! *Invariant:* the stored position is behind the last line of the last stored row.

mod heading;
pub(super) mod pattern;
mod place;
mod position;
mod reading;

pub use pattern::LogFiles;

use super::read::Defaults;
use crate::error::{Code, Error, Result};
use crate::model::{LogRules, LogStep, NewLogRow, Service, Timestamp, file_key};
use crate::redact::redactor;
use crate::store::LogStore;
use crate::written::Written;
use place::Upcoming;
use position::{Position, id};
use reading::{Next, Reading};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file that is followed.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    /// The source of rows whose lines name none.
    source: String,
    rules: LogRules,
    logs: LogStore,
    /// Whose runs of agents may have written where the file lies.
    data_dir: Option<PathBuf>,
    reading: Option<Box<Reading>>,
    /// Files that took the path while the last one was read.
    upcoming: Upcoming,
    /// Lines of files that are closed by now which held what could not be read as text.
    unread: u64,
    /// How many such lines are told in the log database.
    told: u64,
    /// The position as it is stored.
    stored: Option<String>,
}

impl LogFile {
    /// A file to be followed into `logs`, from where it was left, or from its start. `source` names rows whose lines
    /// name none; default is the file's name without its ending.
    pub fn new(path: impl Into<PathBuf>, source: Option<String>, logs: LogStore) -> Self {
        let path = path.into();
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let source = source.or(stem).unwrap_or_default();
        Self {
            path,
            source,
            rules: LogRules::default(),
            logs,
            data_dir: None,
            reading: None,
            upcoming: Upcoming::default(),
            unread: 0,
            told: 0,
            stored: None,
        }
    }

    /// The same with no trust in links and second names that an agent may have laid, whose runs are those of this data
    /// directory: where runs work as the server's user, its files are theirs.
    #[must_use]
    pub fn beside_runs_of(self, data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: Some(data_dir.into()), ..self }
    }

    /// The same read by these rules. What was read before stays as it was read.
    #[must_use]
    pub fn with_rules(self, rules: LogRules) -> Self {
        Self { rules, ..self }
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many of the lines read so far held bytes that are not text.
    pub fn unread(&self) -> u64 {
        self.unread + self.reading.as_deref().map_or(0, Reading::unread)
    }

    /// Says how a look at the file ended.
    pub fn tell<E: fmt::Display>(&self, ended: Result<(), E>, now: Timestamp) {
        let service = Service::Log(self.path.display().to_string());
        self.logs.ran(&service, now, ended.map(|()| "read what had come".to_owned()));
    }

    /// Whether a file is open, which may have more to read.
    pub(crate) fn is_open(&self) -> bool {
        self.reading.is_some()
    }

    /// Reads and stores what has come, a bounded piece of it; `true` if there may be more at once. A file that is not
    /// there is no error: it may come.
    ///
    /// # Errors
    /// `LOGS-FOLLOW-001` if the file cannot be read, and those of the log database. The next call goes on from the
    /// stored position.
    ///
    /// # Cancel safety
    /// Dropped early, it may have stored rows; the next call goes on from the stored position.
    pub async fn run_once(&mut self, now: Timestamp) -> Result<bool> {
        // The open file is taken out: after a failure below, the next call begins at the stored position.
        let reading = match self.reading.take() {
            Some(reading) => Some(reading),
            None => self.open(now).await?,
        };
        let Some(mut reading) = reading else {
            return Ok(false);
        };
        let (reading, step) =
            self.blocking(move || reading.step(now).map(|step| (reading, step))).await?;
        let to = step.position.to_text();
        let elsewhere = matches!(step.next, Next::Elsewhere) && self.stored.as_ref() != Some(&to);
        let unread = self.unread + reading.unread();
        if (!step.rows.is_empty() || elsewhere) && !self.save(step.rows, to, unread).await? {
            return Ok(true);
        }
        match step.next {
            Next::More | Next::Wait => self.reading = Some(reading),
            Next::Elsewhere => {
                self.unread += reading.unread();
                self.upcoming = reading.into_upcoming();
            }
        }
        Ok(!matches!(step.next, Next::Wait))
    }

    /// Forgets the open file: the next call goes on from the stored position, which another process may have moved.
    pub fn let_go(&mut self) {
        self.unread = self.unread();
        self.reading = None;
        self.upcoming = Upcoming::default();
    }

    async fn open(&mut self, now: Timestamp) -> Result<Option<Box<Reading>>> {
        let progress = self.logs.progress(&file_key(&self.path)).await?;
        self.stored = progress.map(|progress| progress.position);
        let position = self.stored.as_deref().and_then(Position::read);
        let defaults =
            Defaults::new(self.source.clone(), now.to_string()).ruled(self.rules.clone());
        let (path, data_dir) = (self.path.clone(), self.data_dir.clone());
        let upcoming = std::mem::take(&mut self.upcoming);
        let open = move || match place::find(&path, position.as_ref(), &upcoming)? {
            Some(found) => {
                if let Some(data_dir) = data_dir {
                    Written::read(&data_dir)?.admit(&path, &found.file)?;
                }
                Reading::open(path, found, upcoming, defaults, now).map(Box::new).map(Some)
            }
            None => Ok(None),
        };
        self.blocking(open).await
    }

    /// Stores rows and where they end; `unread` lines up to there held what is not text. `false` if somebody else has moved
    /// the position.
    async fn save(&mut self, mut rows: Vec<NewLogRow>, to: String, unread: u64) -> Result<bool> {
        // Again, since JSON may spell its texts in many ways.
        let clean = move || {
            for row in &mut rows {
                redactor().clean_row(row);
            }
            Ok(rows)
        };
        let rows = self.blocking(clean).await?;
        let new = unread.saturating_sub(self.told);
        let step = LogStep { from: self.stored.clone(), to: to.clone(), unread: new };
        let saved = self.logs.append_from(rows, &file_key(&self.path), step).await?;
        if saved {
            self.stored = Some(to);
            self.told = unread;
        }
        Ok(saved)
    }

    /// Runs work that may wait for a disk on a thread where nothing else waits for it.
    async fn blocking<T: Send + 'static>(
        &self,
        run: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let failed = || Error::new(Code::LogFollow, format!("follow {}", self.path.display()));
        match tokio::task::spawn_blocking(run).await {
            Ok(done) => done.map_err(|error| failed().because(error)),
            Err(error) => Err(failed().because(error)),
        }
    }
}

/// How many bytes there are at `path` and how many of them are not read yet, by a stored position; `None`: no file is there.
///
/// # Errors
/// Those of the file system, and `InvalidInput` for what is no plain file.
pub(super) fn left(path: &Path, stored: Option<&str>) -> io::Result<Option<(FileLook, u64)>> {
    let Some(file) = place::metadata(path)? else { return Ok(None) };
    let (bytes, changed_at) = (file.len(), file.modified()?);
    let read = stored
        .and_then(Position::read)
        .filter(|position| position.id() == id(&file) && position.offset <= bytes);
    let left = bytes - read.map_or(0, |position| position.offset);
    Ok(Some((FileLook { bytes, changed_at }, left)))
}

/// What a file looks like from outside.
pub(super) struct FileLook {
    pub(super) bytes: u64,
    pub(super) changed_at: SystemTime,
}
