//! The bytes of a whole log, in pieces cut anywhere, as rows without secrets, each with the place where it ends.

use super::read::{Carried, Decoder, Defaults, Learned, LineReader};
use crate::model::{NewLogRow, Timestamp};
use crate::redact::{RedactStream, redactor};

pub(super) use super::read::MAX_LEARNED;

/// Reads the bytes of a log into rows: JSON lines and text of every common form, in UTF-8 or UTF-16, whose traces are joined to the event
/// that they belong to. Secrets are taken out. One event is held at a time.
#[derive(Debug)]
pub struct LogReader {
    decoder: Decoder,
    text: TextReader,
}

impl LogReader {
    /// A reader at the start of a log that begins with `head`, of which the first 64 KiB teach what its events look like; the log itself is pushed from its
    /// start. Rows whose lines name no source get `source`, and those without a time `time`, which also lends its year.
    pub fn new(source: &str, time: Timestamp, head: &[u8]) -> Self {
        let defaults = Defaults::new(source, time.to_string());
        let learned = Learned::of(head, &time.to_string());
        Self { decoder: Decoder::default(), text: TextReader::new(defaults, learned) }
    }

    /// Takes the next piece, cut anywhere; answers the rows that are whole now.
    pub fn push(&mut self, piece: &[u8]) -> Vec<NewLogRow> {
        let mut rows = Vec::new();
        let Self { decoder, text } = self;
        decoder.push(piece, |part, _| text.push(part, part.len(), &mut |row, _| rows.push(row)));
        rows
    }

    /// The rows of what nothing will end any more.
    pub fn finish(&mut self) -> Vec<NewLogRow> {
        let mut rows = Vec::new();
        let Self { decoder, text } = self;
        decoder.finish(|part, _| text.push(part, part.len(), &mut |row, _| rows.push(row)));
        text.finish(&mut |row, _| rows.push(row));
        rows
    }

    /// How many of the lines so far held bytes that are not text.
    pub fn unread(&self) -> u64 {
        self.text.unread()
    }
}

/// Reads the text of a log into rows, and knows how much of the text is in them.
///
/// Places count from where this reader began.
#[derive(Debug)]
pub(super) struct TextReader {
    // Secrets go before the reader of lines, which cuts long texts and takes each line of a bare PEM key for a row.
    clean: RedactStream<'static>,
    lines: LineReader,
    /// What was pushed, up to here.
    read: u64,
    /// Where the line begins whose end is still to come.
    line_start: u64,
    /// Where the row begins that waits for further lines; all before it is in rows that were answered.
    row_start: u64,
    /// Where the last line of that row ends.
    row_end: u64,
    /// The line whose end is still to come is a line of that row.
    is_in_row: bool,
}

impl TextReader {
    /// A reader at the start of a log of which this is known.
    pub(super) fn new(defaults: Defaults, learned: Learned) -> Self {
        Self {
            clean: RedactStream::new(redactor()),
            lines: LineReader::new(defaults, learned),
            read: 0,
            line_start: 0,
            row_start: 0,
            row_end: 0,
            is_in_row: false,
        }
    }

    /// A reader that goes on at the row of the same log where another one carried this.
    pub(super) fn carrying(self, carried: Carried) -> Self {
        Self { lines: self.lines.carrying(carried), ..self }
    }

    /// What it carries to the row that waits.
    pub(super) fn carried(&self) -> &Carried {
        self.lines.carried()
    }

    /// Takes a line or a part of one, which stands for so many bytes of the text. Gives each row that is whole now, and where its
    /// last line ends, to `take`.
    pub(super) fn push(
        &mut self,
        part: &[u8],
        length: usize,
        take: &mut impl FnMut(NewLogRow, u64),
    ) {
        self.read += length as u64;
        for line in self.clean.push(part).lines() {
            let waiting = self.lines.waiting_lines();
            let end = self.row_end;
            let before = self.lines.push(line);
            if before.is_some() || (waiting == 0 && self.lines.is_waiting()) {
                // What waits now begins with this line.
                self.row_start = self.line_start;
            }
            self.is_in_row |= before.is_some() || self.lines.waiting_lines() != waiting;
            if let Some(row) = before {
                take(cleaned(row), end);
            }
        }
        if self.is_in_row {
            self.row_end = self.read;
        }
        if part.ends_with(b"\n") {
            self.line_start = self.read;
            self.is_in_row = false;
        }
    }

    /// Gives the rows of what nothing will end any more to `take`. What is pushed after begins a row of its own.
    pub(super) fn finish(&mut self, take: &mut impl FnMut(NewLogRow, u64)) {
        // Ends the last line, if nothing has.
        self.push(b"\n", 0, take);
        if let Some(row) = self.lines.finish() {
            take(cleaned(row), self.row_end);
        }
        self.row_start = self.read;
    }

    /// Where the row begins that waits for further lines: all before it is in rows that were answered.
    pub(super) fn row_start(&self) -> u64 {
        self.row_start
    }

    /// How many of the lines so far held bytes that are not text.
    pub(super) fn unread(&self) -> u64 {
        self.lines.unread()
    }
}

/// Takes the secrets out again, since JSON may spell its texts in many ways.
fn cleaned(mut row: NewLogRow) -> NewLogRow {
    redactor().clean_row(&mut row);
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::read::tests::PIECES;

    const TIME: &str = "2026-11-21T08:00:00Z";

    fn rows(bytes: &[u8], mut next: impl FnMut() -> usize) -> (Vec<NewLogRow>, u64) {
        let mut reader = LogReader::new("app", Timestamp::from_iso(TIME).unwrap(), bytes);
        let (mut rows, mut rest) = (Vec::new(), bytes);
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(next().clamp(1, rest.len()));
            rows.extend(reader.push(piece));
            rest = after;
        }
        rows.extend(reader.finish());
        (rows, reader.unread())
    }

    /// A text of lines of all kinds, and of bytes that are none.
    fn strange(random: &mut fastrand::Rng) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..random.usize(0..60) {
            match random.u8(..10) {
                0 => bytes.push(random.u8(..)),
                1..=3 => bytes.push(b'\n'),
                _ => bytes.extend(random.choice(PIECES).unwrap().as_bytes()),
            }
        }
        if random.u8(..4) == 0 {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let mark = if random.bool() { "\u{feff}" } else { "" };
            bytes = format!("{mark}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        }
        bytes
    }

    #[test]
    fn rows_are_the_same_however_the_bytes_are_cut() {
        let mut random = fastrand::Rng::with_seed(16);
        for _ in 0..3_000 {
            let bytes = strange(&mut random);
            let whole = rows(&bytes, || bytes.len());
            let cut = rows(&bytes, || random.usize(1..20));
            assert_eq!(whole, cut, "{:?}", String::from_utf8_lossy(&bytes));
            assert!(whole.0.iter().all(|row| Timestamp::from_iso(&row.timestamp).is_some()));
        }
    }

    #[test]
    fn utf_16_is_read_with_and_without_a_mark() {
        let text = "2026-11-21 05:29:51.12 spid5s      Error: 17204, Severity: 16.\r\n2026-11-21 05:29:52.12 spid5s      Datenbank \"Küche\" ist zu.\r\n";
        let expected = rows(text.as_bytes(), || 7);
        assert_eq!(expected.0.len(), 2);
        for mark in ["\u{feff}", ""] {
            let units: Vec<u16> = format!("{mark}{text}").encode_utf16().collect();
            let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
            assert_eq!(rows(&little, || 3), expected);
            assert_eq!(rows(&big, || 5), expected);
        }
    }

    #[test]
    fn secrets_do_not_pass() {
        let bytes = b"{\"msg\":\"up\",\"password\":\"hunter2hunter2\"}\npassword=hunter2hunter2\n";
        let (rows, _) = rows(bytes, || 4);
        assert!(!format!("{rows:?}").contains("hunter2"), "{rows:?}");
    }
}
