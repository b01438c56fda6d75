//! How far a followed log was read: which file it was, and the bytes by which it is known again.
//!
//! A file is known by its device and number, and by what stands at its beginning and before the place where reading stopped. A copy of it has
//! the same bytes there; a file that only begins alike, as logs of one program do, has not.

use crate::model::sha256_hex;
use serde::{Deserialize, Serialize};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

/// Bytes at the beginning of a file by which it is known: a few lines with their times.
pub(super) const MAX_HEAD: usize = 1_024;
/// Bytes before a place by which that place is known.
const MAX_TAIL: usize = 128;
/// The fewest bytes of a beginning by which a copy is recognised.
const MIN_HEAD: u64 = 32;

/// How far which file was read, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    pub(super) device: u64,
    pub(super) inode: u64,
    /// Bytes of the file that are in stored rows.
    pub(super) offset: u64,
    /// Bytes of the beginning that `head` is of; at most `offset`.
    head_length: u64,
    /// SHA-256 of the beginning, replacement characters for what is not UTF-8.
    head: String,
    /// SHA-256 of the last bytes before `offset`, as `head` is. Without it nothing is compared there.
    #[serde(default)]
    tail: Option<String>,
    #[serde(default)]
    before: Before,
}

/// What was there before a file was begun: none of it is a copy of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Before {
    /// The file that was read until then, by device and number.
    last: Option<(u64, u64)>,
    /// The rotated files of the log, as they were.
    rotated: Vec<Look>,
}

/// What a file looked like: number, length, seconds and nanoseconds of its last change.
type Look = (u64, u64, i64, i64);

impl Before {
    /// What is there as a file is begun: the file that was read until now, and these rotated ones.
    pub(super) fn new<'a>(
        last: Option<(u64, u64)>,
        rotated: impl Iterator<Item = &'a Metadata>,
    ) -> Self {
        Self { last, rotated: rotated.map(look).collect() }
    }

    fn holds(&self, file: &Metadata) -> bool {
        self.last == Some(id(file)) || self.rotated.contains(&look(file))
    }
}

fn look(file: &Metadata) -> Look {
    (file.ino(), file.len(), file.mtime(), file.mtime_nsec())
}

/// Which file a file is.
pub(super) fn id(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

impl Position {
    /// The start of a file.
    pub(super) fn start_of(file: &Metadata, before: Before) -> Self {
        Self::new(id(file), Mark::START, b"", before)
    }

    pub(super) fn new(
        (device, inode): (u64, u64),
        mark: Mark,
        head: &[u8],
        before: Before,
    ) -> Self {
        let (head_length, head) = (head.len() as u64, digest(head));
        let tail = Some(digest(mark.tail()));
        Self { device, inode, offset: mark.at, head_length, head, tail, before }
    }

    /// Reads a stored position; a text that is no position counts as not stored.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(super) fn to_text(&self) -> String {
        serde_json::json!(self).to_string()
    }

    /// Which file it is of.
    pub(super) fn id(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// What was there before the file was begun.
    pub(super) fn before(&self) -> Before {
        self.before.clone()
    }

    /// Whether a file has what was read of this one: the same beginning, and the same bytes before the place.
    pub(super) fn is_in(&self, file: &File) -> io::Result<bool> {
        if file.metadata()?.len() < self.offset {
            return Ok(false);
        }
        let mut head = vec![0; self.head_length.min(MAX_HEAD as u64) as usize];
        file.read_exact_at(&mut head, 0)?;
        let tail = Mark::read(file, self.offset)?;
        Ok(digest(&head) == self.head
            && self.tail.as_ref().is_none_or(|known| *known == digest(tail.tail())))
    }

    /// Whether a file may be a copy of this one that was made while it was read.
    pub(super) fn may_be_copied_to(&self, file: &Metadata) -> bool {
        self.head_length >= MIN_HEAD && !self.before.holds(file)
    }
}

fn digest(bytes: &[u8]) -> String {
    sha256_hex(&String::from_utf8_lossy(bytes))
}

/// A place in a file, with the bytes before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) at: u64,
    length: usize,
    tail: [u8; MAX_TAIL],
}

impl Mark {
    pub(super) const START: Self = Self { at: 0, length: 0, tail: [0; MAX_TAIL] };

    /// The place `at` of a file.
    pub(super) fn read(file: &File, at: u64) -> io::Result<Self> {
        let mut mark = Self { at, length: at.min(MAX_TAIL as u64) as usize, ..Self::START };
        file.read_exact_at(&mut mark.tail[..mark.length], at - mark.length as u64)?;
        Ok(mark)
    }

    /// The place behind `bytes`, which follow this one.
    pub(super) fn after(&self, bytes: &[u8]) -> Self {
        let kept = self.length.min(MAX_TAIL.saturating_sub(bytes.len()));
        let new = &bytes[bytes.len().saturating_sub(MAX_TAIL)..];
        let mut mark =
            Self { at: self.at + bytes.len() as u64, length: kept + new.len(), ..Self::START };
        mark.tail[..kept].copy_from_slice(&self.tail[self.length - kept..self.length]);
        mark.tail[kept..mark.length].copy_from_slice(new);
        mark
    }

    fn tail(&self) -> &[u8] {
        &self.tail[..self.length]
    }

    /// Whether an open file still has the bytes before this place, and these at its beginning.
    pub(super) fn is_in(&self, file: &File, head: &[u8]) -> io::Result<bool> {
        let mut now = [0; MAX_HEAD];
        let now = &mut now[..head.len()];
        let same = file.read_exact_at(now, 0).and_then(|()| Self::read(file, self.at));
        match same {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            same => same.map(|there| now == head && there.tail() == self.tail()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_holds_the_last_bytes_before_its_place_however_they_came() {
        let bytes: Vec<u8> = (0..=255).cycle().take(700).collect();
        for step in [1, 7, 127, 128, 129, 300, 700] {
            let mark = bytes.chunks(step).fold(Mark::START, |mark, piece| mark.after(piece));
            assert_eq!((mark.at, mark.tail()), (700, &bytes[700 - MAX_TAIL..]), "{step}");
        }
    }
}
