//! One open log file: reading its lines, and noticing that it is not the log any more.

use super::heading;
use super::place::{self, Found, Upcoming};
use super::position::{Before, MAX_HEAD, Mark, Position, id};
use crate::logs::read::{Decoder, Defaults, Learned, LineReader, MAX_LEARNED, MAX_MARK};
use crate::model::{NewLogRow, Timestamp};
use crate::redact::{RedactStream, redactor};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
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
    /// What was there before it was begun.
    before: Before,
    /// Files that took its path since.
    upcoming: Upcoming,
    /// Its first bytes.
    head: Vec<u8>,
    /// Where the bytes end that were read.
    read: Mark,
    /// Where the bytes end that are in lines or parts of lines; behind them are parts of a character.
    decoded: Mark,
    /// Where the line begins whose end is still to come.
    line_start: Mark,
    /// Where the row begins that waits for further lines; all before it is in rows that were answered.
    kept: Mark,
    /// The bytes of the piece at hand, behind those of the last that were not decoded, and how many of them are by now.
    undecoded: Vec<u8>,
    taken: usize,
    decoder: Decoder,
    clean: RedactStream<'static>,
    reader: LineReader,
    /// The beginning of the file is still short: what comes may teach more of its events.
    learning: bool,
    /// The last line was inside a secret: the row that begins there has not ended.
    inside_secret: bool,
    /// When something came last.
    heard_at: Timestamp,
}

impl Reading {
    /// Begins with a file that was found for the log at the path `log`.
    pub(super) fn open(
        log: PathBuf,
        found: Found,
        mut upcoming: Upcoming,
        defaults: Defaults,
        now: Timestamp,
    ) -> io::Result<Self> {
        let Found { file, offset, before } = found;
        let id = id(&file.metadata()?);
        upcoming.let_go(id);
        let mark = Mark::read(&file, offset)?;
        let mut head = vec![0; offset.min(MAX_HEAD as u64) as usize];
        file.read_exact_at(&mut head, 0)?;
        let decoder = if offset > 0 {
            Decoder::within(&head[..head.len().min(MAX_MARK)])
        } else {
            Decoder::default()
        };
        Ok(Self {
            log,
            file,
            id,
            before,
            upcoming,
            head,
            read: mark,
            decoded: mark,
            line_start: mark,
            kept: mark,
            undecoded: Vec::new(),
            taken: 0,
            decoder,
            // Secrets go before the reader, which cuts long texts and takes each line of a bare PEM key for a row.
            clean: RedactStream::new(redactor()),
            reader: LineReader::new(defaults, Learned::default()),
            learning: true,
            inside_secret: false,
            heard_at: now,
        })
    }

    /// Reads the next piece.
    pub(super) fn step(&mut self, now: Timestamp) -> io::Result<Step> {
        let file = self.file.metadata()?;
        let has_next = self.upcoming.look(&self.log, self.id)?;
        if !self.read.is_in(&self.file, &self.head)? {
            // Emptied, and perhaps written again; the line that was not whole is whole in a copy, if there is one.
            let rows = self.flush();
            return Ok(self.done(rows, Next::Elsewhere));
        }
        self.reader.set_time(now.to_string());
        let mut piece = vec![0; MAX_READ];
        let length = self.file.read_at(&mut piece, self.read.at)?;
        if length > 0 {
            self.heard_at = now;
            self.learn(now)?;
            let rows = self.take(&piece[..length]);
            return Ok(self.done(rows, Next::More));
        }
        // A clock that was set back does not lengthen the wait.
        self.heard_at = self.heard_at.min(now);
        if now.since(self.heard_at) < QUIET {
            return Ok(self.done(Vec::new(), Next::Wait));
        }
        if !has_next && file.nlink() > 0 {
            let rows = if self.inside_secret { Vec::new() } else { self.flush() };
            return Ok(self.done(rows, Next::Wait));
        }
        // Nothing will end the last line any more.
        let mut rows = if self.read.at > self.line_start.at { self.end_line() } else { Vec::new() };
        rows.extend(self.flush());
        let mut step = self.done(rows, Next::Elsewhere);
        if let Some(next) = place::successor(&self.log, &file, &self.upcoming)? {
            step.position = next;
        }
        Ok(step)
    }

    fn done(&self, rows: Vec<NewLogRow>, next: Next) -> Step {
        let head = &self.head[..self.head.len().min(self.kept.at as usize)];
        Step { rows, position: Position::new(self.id, self.kept, head, self.before.clone()), next }
    }

    /// Learns from the beginning of the file what its events look like, as long as there may be more of it.
    fn learn(&mut self, now: Timestamp) -> io::Result<()> {
        if self.learning {
            let mut beginning = vec![0; MAX_LEARNED];
            let length = self.file.read_at(&mut beginning, 0)?;
            self.learning = length < MAX_LEARNED;
            let learned = Learned::of(&beginning[..length], &now.to_string());
            let begins = self.read.at > 0 && self.read.at == self.kept.at;
            if begins && learned.has_headers() && !self.reader.is_waiting() {
                let header = heading::before(&self.file, self.read.at)?;
                self.reader.learn(learned);
                if let Some(header) = header {
                    self.reader.push(&header);
                }
                return Ok(());
            }
            self.reader.learn(learned);
        }
        Ok(())
    }

    /// The files that took the path meanwhile, which are still to be read.
    pub(super) fn into_upcoming(self) -> Upcoming {
        self.upcoming
    }

    /// How many of the lines held what could not be read as text.
    pub(super) fn unread(&self) -> u64 {
        self.reader.unread()
    }

    /// Makes rows of the lines in a piece.
    fn take(&mut self, piece: &[u8]) -> Vec<NewLogRow> {
        let room = MAX_HEAD.saturating_sub(self.head.len());
        self.head.extend(&piece[..piece.len().min(room)]);
        self.read = self.read.after(piece);
        self.undecoded.drain(..self.taken);
        self.taken = 0;
        self.undecoded.extend(piece);
        let mut rows = Vec::new();
        let mut decoder = std::mem::take(&mut self.decoder);
        decoder.push(piece, |part, length| self.take_part(part, length, &mut rows));
        self.decoder = decoder;
        rows
    }

    /// The line that nothing will end any more.
    fn end_line(&mut self) -> Vec<NewLogRow> {
        let mut rows = Vec::new();
        let mut decoder = std::mem::take(&mut self.decoder);
        decoder.finish(|part, length| self.take_part(part, length, &mut rows));
        self.take_part(b"\n", 0, &mut rows);
        rows
    }

    /// Takes a line or a part of one, which was made of so many bytes of the file.
    fn take_part(&mut self, part: &[u8], length: usize, rows: &mut Vec<NewLogRow>) {
        let whole = part.ends_with(b"\n");
        let cleaned = self.clean.push(part);
        if whole {
            self.inside_secret = cleaned.is_empty();
        }
        for line in cleaned.lines() {
            let waited = self.reader.is_waiting();
            let before = self.reader.push(line);
            if before.is_some() || (!waited && self.reader.is_waiting()) {
                // What waits now begins with this line.
                self.kept = self.line_start;
            }
            rows.extend(before);
        }
        let (from, to) = (self.taken, (self.taken + length).min(self.undecoded.len()));
        self.decoded = self.decoded.after(&self.undecoded[from..to]);
        self.taken = to;
        if whole {
            self.line_start = self.decoded;
        }
    }

    /// The row that waits: what comes after begins another. Not within a line that is too long to be kept whole: its row begins where the position
    /// stays, and is read again from there.
    fn flush(&mut self) -> Vec<NewLogRow> {
        if self.clean.is_skipping() {
            return Vec::new();
        }
        self.kept = self.line_start;
        self.reader.finish().into_iter().collect()
    }
}
