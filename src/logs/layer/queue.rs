//! The bounded queue between the layer and the writer, and the count of every line that was offered to it.

use crate::model::{Level, NewLogRow};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use tokio::sync::mpsc;

/// Lines that may wait to be written: a second's worth of what SQLite takes on a small machine.
const MAX_LINES: usize = 8_192;
/// Bytes that may wait, since a line may have 100 kB: what a busy server can spare.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// What a row takes besides its texts, in bytes, rounded up.
const ROW_BYTES: usize = 256;
const LEVELS: usize = Level::ALL.len();

/// What became of the lines since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogCounts {
    /// Lines that the program logged.
    pub offered: u64,
    /// Lines that are in the database.
    pub written: u64,
    dropped: [u64; LEVELS],
}

impl LogCounts {
    /// Lines for which there was no room, or which the database refused.
    pub fn dropped(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// Those of one level.
    pub fn dropped_of(&self, level: Level) -> u64 {
        self.dropped[level as usize]
    }
}

/// Counters that layer and writer share.
#[derive(Debug, Default)]
pub(super) struct Tally {
    offered: AtomicU64,
    written: AtomicU64,
    dropped: [AtomicU64; LEVELS],
    /// What waits now.
    lines: AtomicUsize,
    bytes: AtomicUsize,
}

impl Tally {
    /// Counts a line that came.
    pub(super) fn offer(&self) {
        self.offered.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a line that goes nowhere.
    pub(super) fn lose(&self, level: Level) {
        self.dropped[level as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts lines that are saved.
    pub(super) fn write(&self, lines: u64) {
        self.written.fetch_add(lines, Ordering::Relaxed);
    }

    /// The numbers at this moment.
    pub(super) fn counts(&self) -> LogCounts {
        LogCounts {
            offered: self.offered.load(Ordering::Relaxed),
            written: self.written.load(Ordering::Relaxed),
            dropped: std::array::from_fn(|level| self.dropped[level].load(Ordering::Relaxed)),
        }
    }

    /// Whether there is room for `bytes` more of this level.
    fn has_room(&self, level: Level, bytes: usize) -> bool {
        let share = |of: usize| match level {
            // A person who debugs can turn a flood down; the course of things must not crowd out what went wrong, and
            // a quarter of the queue takes the warnings of a burst.
            Level::Debug => of / 2,
            Level::Info => of / 4 * 3,
            Level::Warning | Level::Error | Level::Critical => of,
        };
        self.lines.load(Ordering::Relaxed) < share(MAX_LINES)
            && self.bytes.load(Ordering::Relaxed) + bytes <= share(MAX_BYTES)
    }
}

/// The end that takes lines.
#[derive(Debug)]
pub(super) struct Sender {
    tally: Arc<Tally>,
    lines: mpsc::Sender<NewLogRow>,
}

/// The end that gives them.
#[derive(Debug)]
pub(super) struct Receiver {
    tally: Arc<Tally>,
    lines: mpsc::Receiver<NewLogRow>,
}

/// An empty queue.
pub(super) fn queue() -> (Sender, Receiver) {
    let tally = Arc::new(Tally::default());
    let (sender, receiver) = mpsc::channel(MAX_LINES);
    let sender = Sender { tally: Arc::clone(&tally), lines: sender };
    (sender, Receiver { tally, lines: receiver })
}

impl Sender {
    /// Counts a line that comes; whether its level has room, so that it is worth making. `false` counts it as dropped.
    pub(super) fn offer(&self, level: Level) -> bool {
        self.tally.offer();
        let room = self.tally.has_room(level, ROW_BYTES);
        if !room {
            self.tally.lose(level);
        }
        room
    }

    /// Takes a line that was offered, or drops and counts it. Never waits. Threads that come at the same instant may
    /// exceed the limit of bytes by a line each; the limit of lines is the channel's own.
    pub(super) fn take(&self, row: NewLogRow) {
        let (level, bytes) = (row.level, size(&row));
        if !self.tally.has_room(level, bytes) {
            return self.tally.lose(level);
        }
        // The line is counted before it is sent, because the writer may take it at once.
        self.tally.lines.fetch_add(1, Ordering::Relaxed);
        self.tally.bytes.fetch_add(bytes, Ordering::Relaxed);
        if self.lines.try_send(row).is_err() {
            self.tally.lines.fetch_sub(1, Ordering::Relaxed);
            self.tally.bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.tally.lose(level);
        }
    }
}

impl Receiver {
    /// Waits for lines and adds up to `most` of them to `batch`; 0 once the queue is closed and empty. Cancel safe.
    pub(super) async fn recv_many(&mut self, batch: &mut Vec<NewLogRow>, most: usize) -> usize {
        let before = batch.len();
        let taken = self.lines.recv_many(batch, most).await;
        let bytes = batch[before..].iter().map(size).sum();
        self.tally.lines.fetch_sub(taken, Ordering::Relaxed);
        self.tally.bytes.fetch_sub(bytes, Ordering::Relaxed);
        taken
    }

    /// Takes no more lines; the writer still gets the lines that wait.
    pub(super) fn close(&mut self) {
        self.lines.close();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lines.is_closed()
    }

    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }
}

fn size(row: &NewLogRow) -> usize {
    let NewLogRow { timestamp, source, message, .. } = row;
    let optional = [&row.correlation_id, &row.user_id, &row.request_path, &row.extra_data];
    let optional: usize = optional.into_iter().flatten().map(String::len).sum();
    ROW_BYTES + timestamp.len() + source.len() + message.len() + optional
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(level: Level, bytes: usize) -> NewLogRow {
        NewLogRow::new("", level, "", "x".repeat(bytes))
    }

    /// Offers lines until one is dropped; answers how many found room.
    fn fill(sender: &Sender, level: Level, bytes: usize) -> usize {
        let before = sender.tally.counts().dropped_of(level);
        let mut taken = 0;
        loop {
            if sender.offer(level) {
                sender.take(row(level, bytes));
            }
            if sender.tally.counts().dropped_of(level) > before {
                return taken;
            }
            taken += 1;
        }
    }

    #[test]
    fn debug_has_half_of_the_lines_info_three_quarters_and_warnings_the_rest() {
        let (sender, _receiver) = queue();
        assert_eq!(fill(&sender, Level::Debug, 1), MAX_LINES / 2);
        assert_eq!(fill(&sender, Level::Info, 1), MAX_LINES / 4);
        assert_eq!(fill(&sender, Level::Debug, 1), 0);
        assert_eq!(fill(&sender, Level::Warning, 1), MAX_LINES / 4);
        assert_eq!(fill(&sender, Level::Critical, 1), 0);
        let counts = sender.tally.counts();
        assert_eq!(counts.offered, MAX_LINES as u64 + counts.dropped());
    }

    #[tokio::test]
    async fn bytes_are_bounded_too_and_room_comes_back() {
        let (sender, mut receiver) = queue();
        let line = 64 * 1024;
        let room = MAX_BYTES / (line + ROW_BYTES);
        assert_eq!(fill(&sender, Level::Error, line), room);
        assert_eq!(fill(&sender, Level::Debug, 1), 0);
        let mut batch = Vec::new();
        assert_eq!(receiver.recv_many(&mut batch, MAX_LINES).await, room);
        assert_eq!(fill(&sender, Level::Error, line), room);
    }

    #[tokio::test]
    async fn after_the_close_lines_are_dropped_and_those_that_wait_are_given() {
        let (sender, mut receiver) = queue();
        sender.take(row(Level::Info, 1));
        receiver.close();
        assert_eq!(fill(&sender, Level::Error, 1), 0);
        let mut batch = Vec::new();
        assert_eq!(receiver.recv_many(&mut batch, 9).await, 1);
        assert_eq!(receiver.recv_many(&mut batch, 9).await, 0);
    }
}
