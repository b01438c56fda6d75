//! How much of a text was imported before, told by the text alone: not by the name of its file, nor by how it is packed.
//!
//! The slices of what was imported are a chain of digests. A text is read along it without being made rows, one slice held at a time, so that
//! a pipe is known as a file is. Where no known slice fits, what is held is the beginning of what is new.
//!
//! The last slice of a text is its last event alone, which may go on once the text has grown. It is known if the text still ends there; else the
//! event is read again, and is new if what is new goes on with it.

use crate::model::LogSlice;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// Bytes of a line that are held: the redactor reads no more of it.
const MAX_LINE: usize = 1024 * 1024 + 1;
/// Bytes of the first line that tell which logs a text may be.
const MAX_FIRST: usize = 1024;

/// SHA-256 of a text so far.
pub(super) fn digest(hash: &Sha256) -> String {
    HEXLOWER.encode(&hash.clone().finalize())
}

/// What stands for the text before the first slice of a text that begins so.
pub(super) fn start(text: &[u8]) -> String {
    let end = text.iter().take(MAX_FIRST).position(|b| *b == b'\n');
    let line = &text[..end.map_or(text.len().min(MAX_FIRST), |end| end + 1)];
    format!("start {}", HEXLOWER.encode(&Sha256::digest(line)))
}

/// A line, or a part of one, and the digest of the text up to its end.
#[derive(Debug)]
pub(super) struct Part {
    /// Of a long line not all is held.
    pub(super) text: Vec<u8>,
    pub(super) length: u64,
    pub(super) hash: Sha256,
}

/// A text that is read along what is known.
#[derive(Debug)]
pub(super) struct Known {
    /// What the known text is called; its slices go on after it.
    base: String,
    base_hash: Sha256,
    carried: String,
    /// The slices that may come next.
    next: Vec<LogSlice>,
    held: Vec<Part>,
    held_length: u64,
    /// Bytes that are held of the line that has not ended.
    line: usize,
    /// Where last events ended that the text begins with here, in bytes from the base.
    ends: Vec<u64>,
    /// Rows of the known text.
    rows: u64,
    /// The name under which the text was imported.
    name: Option<String>,
}

/// Where the known part of a text ends.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) after: String,
    pub(super) hash: Sha256,
    /// What the reader of what follows must know; empty at the start.
    pub(super) carried: String,
    /// Up to where the first row that follows may reach and be known, in bytes from here.
    pub(super) ends: Vec<u64>,
    /// What was read of what follows.
    pub(super) held: Vec<Part>,
}

impl Known {
    /// At the start of a text: these slices may come first.
    pub(super) fn new(start: String, next: Vec<LogSlice>) -> Self {
        Self {
            base: start,
            base_hash: Sha256::new(),
            carried: String::new(),
            next,
            held: Vec::new(),
            held_length: 0,
            line: 0,
            ends: Vec::new(),
            rows: 0,
            name: None,
        }
    }

    /// Takes the next line or part of one, with the hash of the text up to its end.
    pub(super) fn push(&mut self, text: &[u8], hash: &Sha256) {
        let ends = text.ends_with(b"\n");
        let room = MAX_LINE.saturating_sub(self.line);
        let mut kept = text[..text.len().min(room)].to_vec();
        if ends && !kept.ends_with(b"\n") {
            kept.push(b'\n');
        }
        self.line = if ends { 0 } else { self.line + kept.len() };
        self.held_length += text.len() as u64;
        self.held.push(Part { text: kept, length: text.len() as u64, hash: hash.clone() });
    }

    /// The known slice that ends here, after which the slices that may come next are to be looked up.
    pub(super) fn passed(&mut self) -> Option<String> {
        if !self.next.iter().any(|slice| slice.length == self.held_length) {
            return None;
        }
        let hash = self.held.last().map_or(&self.base_hash, |part| &part.hash);
        let digest = digest(hash);
        let fits = |slice: &&LogSlice| slice.length == self.held_length && slice.digest == digest;
        if self.next.iter().any(|slice| slice.is_last && fits(&slice)) {
            self.ends.push(self.held_length);
        }
        let slice = self.next.iter().find(|slice| !slice.is_last && fits(slice))?.clone();
        self.base_hash = hash.clone();
        self.base.clone_from(&digest);
        self.carried = slice.carried;
        self.rows += slice.rows;
        self.name = Some(slice.name);
        self.held.clear();
        (self.held_length, self.line) = (0, 0);
        self.ends.clear();
        Some(digest)
    }

    /// The slices that may come next.
    pub(super) fn expect(&mut self, next: Vec<LogSlice>) {
        self.next = next;
    }

    /// Whether no known slice can fit any more.
    pub(super) fn is_over(&self) -> bool {
        // The text may end where a last event ended.
        let may_end = self.ends.contains(&self.held_length);
        self.next.iter().all(|slice| slice.length <= self.held_length) && !may_end
    }

    /// Whether a text that ends here is known to its end.
    pub(super) fn is_whole(&mut self) -> bool {
        if self.held_length == 0 {
            return true;
        }
        let last = self.next.iter().find(|slice| {
            slice.is_last && slice.length == self.held_length && self.ends.contains(&slice.length)
        });
        let Some(last) = last else { return false };
        self.rows += last.rows;
        self.name = Some(last.name.clone());
        true
    }

    /// Whether the known text ends without a last event: the import of it was cut off.
    pub(super) fn was_cut_off(&self) -> bool {
        self.rows > 0 && self.next.is_empty()
    }

    /// Rows of the known text.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// The name under which it was imported.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where what is new begins.
    pub(super) fn into_base(self) -> Base {
        let Self { base, base_hash, carried, ends, held, .. } = self;
        Base { after: base, hash: base_hash, carried, ends, held }
    }
}
