//! One open log file: reading its lines, and noticing that it is not the log any more.

use super::place::{self, MAX_HEAD, Position};
use crate::files;
use crate::logs::parse::{Defaults, LineParser};
use crate::model::{NewLogRow, Timestamp};
use crate::redact::{RedactStream, redactor};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes read in one step: some thousand lines, which one commit stores.
const MAX_READ: usize = 256 * 1024;
/// How long the file must be silent before a row counts as whole and a renamed file as finished.
const QUIET: Duration = Duration::from_secs(1);

/// What a step came to.
pub(super) struct Step {
    pub(super) rows: Vec<NewLogRow>,
    /// Where reading goes on once the rows are stored.
    pub(super) position: Position,
    pub(super) next: Next,
}

/// What to do after a step.
pub(super) enum Next {
    /// There may be more to read.
    More,
    /// There is no new line.
    Wait,
    /// This file is finished or is another one now: the caller has to find the position anew.
    Elsewhere,
}

/// An open file and what was read of it but not yet made a row.
#[derive(Debug)]
pub(super) struct Reading {
    /// The path of the log, under which another file may be by now.
    log: PathBuf,
    file: File,
    id: (u64, u64),
    /// Its first bytes.
    head: Vec<u8>,
    /// Bytes read.
    read: u64,
    /// Where the line begins whose end is still to come.
    line_start: u64,
    /// Where the row begins that waits for further lines; all before it is in rows that were answered.
    kept: u64,
    clean: RedactStream<'static>,
    parser: LineParser,
    /// The last line was inside a secret: the row that begins there has not ended.
    inside_secret: bool,
    /// When something came last.
    heard_at: Timestamp,
}

impl Reading {
    /// Opens `file` for the log at the path `log`.
    pub(super) fn open(
        log: PathBuf,
        file: &Path,
        offset: u64,
        source: String,
        now: Timestamp,
    ) -> io::Result<Self> {
        let file = files::open_owned(file)?;
        let id = place::id(&file.metadata()?);
        let mut head = vec![0; offset.min(MAX_HEAD as u64) as usize];
        file.read_exact_at(&mut head, 0)?;
        Ok(Self {
            log,
            file,
            id,
            head,
            read: offset,
            line_start: offset,
            kept: offset,
            // Secrets go before the parser, which cuts long texts and takes each line of a bare PEM key for a row.
            clean: RedactStream::new(redactor()),
            parser: LineParser::new(Defaults { source, timestamp: now.to_string() }),
            inside_secret: false,
            heard_at: now,
        })
    }

    /// Reads the next piece.
    pub(super) fn step(&mut self, now: Timestamp) -> io::Result<Step> {
        let file = self.file.metadata()?;
        if file.len() < self.read || !place::begins_with(&self.file, &self.head)? {
            // Emptied, and perhaps written again; the line that was not whole is whole in a copy, if there is one.
            let rows = self.flush();
            return Ok(self.done(rows, Next::Elsewhere));
        }
        self.parser.set_time(now.to_string());
        let mut piece = vec![0; MAX_READ];
        let length = self.file.read_at(&mut piece, self.read)?;
        if length > 0 {
            self.heard_at = now;
            let rows = self.take(&piece[..length]);
            return Ok(self.done(rows, Next::More));
        }
        // A clock that was set back does not lengthen the wait.
        self.heard_at = self.heard_at.min(now);
        if now.since(self.heard_at) < QUIET {
            return Ok(self.done(Vec::new(), Next::Wait));
        }
        let is_over = match place::metadata(&self.log)? {
            Some(log) => place::id(&log) != self.id && log.len() > 0,
            None => file.nlink() == 0,
        };
        if !is_over {
            let rows = if self.inside_secret { Vec::new() } else { self.flush() };
            return Ok(self.done(rows, Next::Wait));
        }
        // Nothing will end the last line any more.
        let mut rows = if self.read > self.line_start { self.take(b"\n") } else { Vec::new() };
        rows.extend(self.flush());
        let mut step = self.done(rows, Next::Elsewhere);
        if let Some(next) = place::successor(&self.log, &file)? {
            step.position = Position::start_of(&next);
        }
        Ok(step)
    }

    fn done(&self, rows: Vec<NewLogRow>, next: Next) -> Step {
        let head = &self.head[..self.head.len().min(self.kept as usize)];
        Step { rows, position: Position::new(self.id, self.kept, head), next }
    }

    /// Makes rows of the lines in a piece.
    fn take(&mut self, piece: &[u8]) -> Vec<NewLogRow> {
        let room = MAX_HEAD.saturating_sub(self.head.len());
        self.head.extend(&piece[..piece.len().min(room)]);
        let mut rows = Vec::new();
        for part in piece.split_inclusive(|b| *b == b'\n') {
            let whole = part.ends_with(b"\n");
            let cleaned = self.clean.push(part);
            if whole {
                self.inside_secret = cleaned.is_empty();
            }
            for line in cleaned.lines() {
                let waited = self.parser.is_waiting();
                let whole = self.parser.push(line);
                if whole.is_some() || (!waited && self.parser.is_waiting()) {
                    // What waits now begins with this line.
                    self.kept = self.line_start;
                }
                rows.extend(whole);
            }
            self.read += part.len() as u64;
            if whole {
                self.line_start = self.read;
            }
        }
        rows
    }

    /// The row that waits: what comes after begins another.
    fn flush(&mut self) -> Vec<NewLogRow> {
        self.kept = self.line_start;
        self.parser.finish().into_iter().collect()
    }
}
