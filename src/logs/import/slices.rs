//! The part of a text that is new, as rows in slices, each of which is stored at once with the digest of the text up to its end.

use super::known::{Base, digest};
use crate::logs::read::{Carried, Defaults, Learned};
use crate::logs::stream::TextReader;
use crate::model::{LogSlice, NewLogRow};
use sha2::Sha256;

/// Bytes of text and rows that share a commit: large enough to be fast, small enough to let a running server in between.
const MAX_BYTES: u64 = 1024 * 1024;
const MAX_ROWS: usize = 5_000;

/// Rows that are stored together, and what is known of the text once they are.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) rows: Vec<NewLogRow>,
    pub(super) slices: Vec<LogSlice>,
}

/// Reads a text from where its known part ends.
#[derive(Debug)]
pub(super) struct Slicer {
    reader: TextReader,
    name: String,
    rows: Vec<NewLogRow>,
    after: String,
    /// Where the slice begins, counted from where this reader began, as all places here.
    from: u64,
    /// The text up to the last part.
    hash: Sha256,
    /// The text up to the line that has not ended.
    line: Sha256,
    within_line: bool,
    /// The text up to the row that waits, and what its reader must know.
    row: (u64, Sha256, Carried),
    /// Up to where the first row may reach and be known.
    ends: Vec<u64>,
    /// Rows that are known: none, or the first.
    known: u64,
    /// As many of them are rows of the slice that goes on.
    known_here: u64,
}

impl Slicer {
    pub(super) fn new(base: &Base, name: String, defaults: Defaults, learned: Learned) -> Self {
        // A text that is no JSON was never written by us; what it says is lost with it.
        let carried: Carried = serde_json::from_str(&base.carried).unwrap_or_default();
        Self {
            reader: TextReader::new(defaults, learned).carrying(carried.clone()),
            name,
            rows: Vec::new(),
            after: base.after.clone(),
            from: 0,
            hash: base.hash.clone(),
            line: base.hash.clone(),
            within_line: false,
            row: (0, base.hash.clone(), carried),
            ends: base.ends.clone(),
            known: 0,
            known_here: 0,
        }
    }

    /// Takes a line or a part of one, which stands for so many bytes, and the hash of the text up to its end.
    pub(super) fn push(&mut self, part: &[u8], length: u64, hash: &Sha256) -> Option<Batch> {
        if !self.within_line {
            self.line.clone_from(&self.hash);
        }
        self.hash.clone_from(hash);
        self.within_line = !part.ends_with(b"\n");
        let Self { reader, rows, ends, known_here, .. } = self;
        reader.push(part, length as usize, &mut |row, end| keep(rows, ends, known_here, row, end));
        if self.reader.row_start() != self.row.0 {
            self.row = (self.reader.row_start(), self.line.clone(), self.reader.carried().clone());
        }
        let is_full = self.row.0 - self.from >= MAX_BYTES || self.rows.len() >= MAX_ROWS;
        is_full.then(|| {
            let slice = self.slice(false);
            Batch { rows: std::mem::take(&mut self.rows), slices: slice.into_iter().collect() }
        })
    }

    /// The rest of the text, which ends here.
    pub(super) fn finish(&mut self) -> Option<Batch> {
        let mut slices: Vec<_> = self.slice(false).into_iter().collect();
        let before = self.rows.len();
        let Self { reader, rows, ends, known_here, .. } = self;
        reader.finish(&mut |row, end| keep(rows, ends, known_here, row, end));
        let rows = std::mem::take(&mut self.rows);
        self.row = (self.reader.row_start(), self.hash.clone(), self.reader.carried().clone());
        if let Some(last) = self.slice(true) {
            // The rows before are those of the slice before.
            let rows = last.rows + (rows.len() - before) as u64;
            slices.push(LogSlice { rows, ..last });
        }
        (!slices.is_empty()).then_some(Batch { rows, slices })
    }

    /// The slice up to the row that waits, if it holds anything. The next one begins there.
    fn slice(&mut self, is_last: bool) -> Option<LogSlice> {
        let (to, hash, carried) = &self.row;
        let length = to - self.from;
        if length == 0 {
            return None;
        }
        self.from = *to;
        let digest = digest(hash);
        let known = std::mem::take(&mut self.known_here);
        self.known += known;
        Some(LogSlice {
            after: std::mem::replace(&mut self.after, digest.clone()),
            digest,
            is_last,
            length,
            rows: self.rows.len() as u64 + known,
            name: self.name.clone(),
            carried: serde_json::json!(carried).to_string(),
        })
    }

    /// How many of the rows were known.
    pub(super) fn known(&self) -> u64 {
        self.known
    }

    /// How many lines held bytes that are not text.
    pub(super) fn unread(&self) -> u64 {
        self.reader.unread()
    }
}

/// Keeps a row, unless it is the last of a text that has grown since, and none of what is new belongs to it.
fn keep(rows: &mut Vec<NewLogRow>, ends: &mut Vec<u64>, known: &mut u64, row: NewLogRow, end: u64) {
    if std::mem::take(ends).iter().any(|known| end <= *known) {
        *known += 1;
    } else {
        rows.push(row);
    }
}
