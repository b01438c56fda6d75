//! The record of a run: every line that it prints, secrets removed, kept in the database while it runs.

use crate::agents::claude::{Line, Lines, ReadLine, Reader, Usage};
use crate::agents::{Chunk, Stream};
use crate::clock::Clock;
use crate::error::{Code, Error, Result};
use crate::heavy::heavy;
use crate::model::{Lease, TranscriptPiece};
use crate::redact::redactor;
use crate::store::Store;
use crate::warn_coded;
use serde_json::{Value, json};
use std::time::Duration;

/// How often the output is saved; a page that shows it is that far behind.
pub(super) const FLUSH_EVERY: Duration = Duration::from_millis(250);
/// Between two tries to save the end of a run.
pub(super) const FINISH_AGAIN: Duration = Duration::from_secs(1);
/// How often saving is tried. After these minutes the job fails, and the cost of its run is missing.
pub(super) const FINISH_TRIES: u32 = 300;
/// Between two lines of the log that say that the database refuses.
const SAY_EVERY: Duration = Duration::from_mins(1);
/// So many tries to save the end of a run make one line of the log: a minute of them.
pub(super) const TRIES_A_LINE: u32 = 60;
/// The largest piece, in bytes: the schema's limit.
const MAX_PIECE: usize = 64 * 1024;
/// The most bytes of one commit: a few milliseconds of the writer.
const MAX_COMMIT: usize = 256 * 1024;
/// The longest transcript, in bytes; what comes after it is counted, but for the account of the network.
const MAX_TRANSCRIPT: u64 = 50 * 1024 * 1024;
/// The most bytes that are kept in memory while the database refuses them.
const MAX_WAITING: usize = 16 * 1024 * 1024;
/// The bytes of standard error that are kept for the verdict: the program's last words.
const MAX_STDERR: usize = 4 * 1024;

/// Takes what a run prints.
pub(super) struct Recorder {
    store: Store,
    lease: Lease,
    clock: Clock,
    stdout: Lines,
    stderr: Lines,
    /// The end of standard error.
    last_words: String,
    /// Whole lines that are not saved yet.
    waiting: Vec<u8>,
    /// Bytes and lines that were saved.
    saved: (u64, u64),
    /// Bytes that came after the limit, not saved yet.
    dropped: u64,
    /// When it was last said that the database refused, by the clock's uptime.
    said_at: Option<Duration>,
}

impl Recorder {
    /// Goes on after the bytes and lines that earlier attempts have left.
    pub(super) fn new(store: Store, lease: Lease, clock: Clock, saved: (u64, u64)) -> Self {
        Self {
            store,
            lease,
            clock,
            stdout: Lines::default(),
            stderr: Lines::default(),
            last_words: String::new(),
            waiting: Vec::new(),
            saved,
            dropped: 0,
            said_at: None,
        }
    }

    /// Takes bytes and answers what the lines tell that they end.
    pub(super) async fn push(&mut self, chunk: &Chunk) -> Vec<ReadLine> {
        match chunk.stream {
            Stream::Stdout => {
                let lines = self.stdout.push(&chunk.bytes);
                self.take(lines).await
            }
            Stream::Stderr => {
                let lines = self.stderr.push(&chunk.bytes);
                for line in lines {
                    self.complain(line).await;
                }
                Vec::new()
            }
        }
    }

    /// Takes the last lines, which may have no end.
    pub(super) async fn end(&mut self) -> Vec<ReadLine> {
        if let Some(line) = self.stderr.finish() {
            self.complain(line).await;
        }
        let last = self.stdout.finish();
        self.take(Vec::from_iter(last)).await
    }

    /// The end of standard error.
    pub(super) fn last_words(&self) -> &str {
        &self.last_words
    }

    /// Whether so much waits that it should be saved now.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= MAX_COMMIT
    }

    /// Keeps lines and answers what they tell.
    async fn take(&mut self, lines: Vec<Line>) -> Vec<ReadLine> {
        let bytes = lines.iter().map(|line| line.bytes.len()).sum();
        let read = heavy(bytes, move || lines.iter().map(read).collect::<Vec<_>>()).await;
        let mut all = Vec::with_capacity(read.len());
        for (read, kept) in read {
            if let Some(kept) = kept {
                self.add(&kept);
            }
            all.push(read);
        }
        all
    }

    async fn complain(&mut self, line: Line) {
        let bytes = line.bytes.len();
        let clean = move || {
            // Half a token has no shape: the whole text is cleaned before it is cut.
            let mut text = String::from_utf8_lossy(&line.bytes).into_owned();
            redactor().clean(&mut text);
            let kept = clean(json!({"type": "stderr", "text": text}).to_string());
            let end = text.ceil_char_boundary(text.len().saturating_sub(MAX_STDERR));
            (text[end..].to_owned(), kept)
        };
        let (text, kept) = heavy(bytes, clean).await;
        self.last_words.push_str(&text);
        self.last_words.push('\n');
        let start = self.last_words.len().saturating_sub(MAX_STDERR);
        let start = self.last_words.ceil_char_boundary(start);
        self.last_words.drain(..start);
        self.add(&kept);
    }

    /// Keeps a line of our own.
    pub(super) fn keep(&mut self, line: String) {
        self.add(&clean(line));
    }

    /// Keeps a line of our own of some ten thousand bytes at most, however long the transcript is: a run that prints without end
    /// must not hide what it has reached.
    fn keep_apart(&mut self, line: &Value) {
        self.waiting.extend_from_slice(clean(line.to_string()).as_bytes());
    }

    /// Keeps a line that has no secrets.
    fn add(&mut self, line: &str) {
        let (bytes, _) = self.saved;
        let room = MAX_TRANSCRIPT.saturating_sub(bytes + self.waiting.len() as u64);
        if line.len() as u64 > room || self.waiting.len() + line.len() > MAX_WAITING {
            self.dropped += line.len() as u64;
        } else {
            self.waiting.extend_from_slice(line.as_bytes());
        }
    }

    /// Saves everything that waits, with the account of the network as its last line, and tries again for as long as the
    /// database refuses.
    ///
    /// # Errors
    /// As [`Recorder::flush`].
    pub(super) async fn finish(&mut self, account: Option<Value>) -> Result<()> {
        if let Some(account) = account {
            self.keep_apart(&account);
        }
        for _ in 0..FINISH_TRIES {
            self.flush().await?;
            if self.waiting.is_empty() && self.dropped == 0 {
                break;
            }
            self.clock.sleep(FINISH_AGAIN).await;
        }
        Ok(())
    }

    /// Saves what waits. After a refusal of the database it waits for the next call.
    ///
    /// # Errors
    /// `STORE-LEASE-001` if the job is not this run's any more, `STORE-CLOSED-001` if the store is closed.
    pub(super) async fn flush(&mut self) -> Result<()> {
        while !self.waiting.is_empty() || self.dropped > 0 {
            let length = self.waiting.len().min(MAX_COMMIT);
            let pieces = self.pieces(length);
            let end = pieces.last().map_or(self.saved, |last| (last.end(), last.end_line()));
            let saved = self.store.append_transcript(self.lease.clone(), pieces, self.dropped);
            match saved.await {
                Ok(()) => {}
                Err(error) if error.is_lease_lost() || error.code() == Code::StoreClosed => {
                    return Err(error);
                }
                Err(error) => {
                    self.refused(&error);
                    return Ok(());
                }
            }
            self.waiting.drain(..length);
            (self.saved, self.dropped) = (end, 0);
        }
        Ok(())
    }

    /// Says that the database refused, not oftener than once a minute: saving is tried several times a second.
    fn refused(&mut self, error: &Error) {
        let now = self.clock.uptime();
        if self.said_at.is_none_or(|at| now >= at + SAY_EVERY) {
            self.said_at = Some(now);
            let id = self.lease.id;
            warn_coded!(Code::AgentTranscript, "job {id}: saving is tried again: {error}");
        }
    }

    fn pieces(&self, length: usize) -> Vec<TranscriptPiece> {
        let at = self.clock.now();
        let (mut start, mut first_line) = self.saved;
        let mut pieces = Vec::new();
        for bytes in self.waiting[..length].chunks(MAX_PIECE) {
            let piece = TranscriptPiece { start, first_line, at, bytes: bytes.to_vec() };
            (start, first_line) = (piece.end(), piece.end_line());
            pieces.push(piece);
        }
        pieces
    }
}

/// What a line tells, and what is kept of it. Of a part of an answer, which comes again with the whole of it, the tokens
/// alone are kept: a program that is killed meanwhile does not tell them again.
fn read(line: &Line) -> (ReadLine, Option<String>) {
    let read = Reader::read_all(line);
    let kept = if read.is_partial {
        let told = read.usage.as_ref().filter(|usage| usage.written == 0);
        told.map(Usage::line)
    } else {
        let text = String::from_utf8_lossy(&line.bytes).into_owned();
        Some(match line.dropped {
            0 => text,
            dropped => format!("{text}… (cut, {dropped} bytes dropped)"),
        })
    };
    (read, kept.map(clean))
}

/// A line without secrets, with its end.
fn clean(mut line: String) -> String {
    redactor().clean(&mut line);
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{JobId, WorkerId};
    use crate::testing;

    #[tokio::test]
    async fn the_account_of_the_network_follows_a_transcript_that_is_full() {
        let folder = tempfile::tempdir().unwrap();
        let store = testing::store_in(folder.path()).unwrap();
        let lease = Lease { id: JobId(1), worker: WorkerId::parse("one").unwrap(), epoch: 1 };
        let mut recorder = Recorder::new(store, lease, Clock::system(), (MAX_TRANSCRIPT, 9));
        recorder.keep("a line".to_owned());
        assert_eq!((recorder.waiting.len(), recorder.dropped), (0, 7));
        recorder.keep_apart(&json!({"type": "network", "refused": []}));
        assert_eq!(recorder.waiting, b"{\"refused\":[],\"type\":\"network\"}\n");
        let pieces = recorder.pieces(recorder.waiting.len());
        assert_eq!((pieces[0].start, pieces[0].first_line), (MAX_TRANSCRIPT, 9));
    }
}
