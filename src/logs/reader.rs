//! The text of a log as rows, from bytes in pieces to rows without secrets.

use super::read::{Decoder, Defaults, Learned, Reader};
use crate::model::{NewLogRow, Timestamp};
use crate::redact::{RedactStream, redactor};

pub(super) use super::read::MAX_LEARNED;

/// Reads the text of a log into rows: JSON lines and text of every common form, in UTF-8 or UTF-16, whose traces are joined to the event
/// that they belong to. Secrets are taken out. One event is held at a time.
#[derive(Debug)]
pub struct LogReader {
    decoder: Decoder,
    // Secrets go before the reader, which cuts long texts and takes each line of a bare PEM key for a row.
    clean: RedactStream<'static>,
    reader: Reader,
}

impl LogReader {
    /// A reader at the start of a log that begins with `head`, of which the first 64 KiB teach what its events look like; the log itself is pushed from its
    /// start. Rows whose lines name no source get `source`, and those without a time `time`, which also lends its year.
    pub fn new(source: &str, time: Timestamp, head: &[u8]) -> Self {
        let defaults = Defaults { source: source.to_owned(), timestamp: time.to_string() };
        let reader = Reader::new(defaults, Learned::of(head, &time.to_string()));
        Self { decoder: Decoder::default(), clean: RedactStream::new(redactor()), reader }
    }

    /// Takes the next piece, cut anywhere; answers the rows that are whole now.
    pub fn push(&mut self, piece: &[u8]) -> Vec<NewLogRow> {
        let mut rows = Vec::new();
        let Self { decoder, clean, reader } = self;
        decoder.push(piece, |part, _| take(reader, clean, part, &mut rows));
        rows
    }

    /// The rows of what nothing will end any more.
    pub fn finish(&mut self) -> Vec<NewLogRow> {
        let mut rows = Vec::new();
        let Self { decoder, clean, reader } = self;
        decoder.finish(|part, _| take(reader, clean, part, &mut rows));
        take(reader, clean, b"\n", &mut rows);
        rows.extend(reader.finish().map(|mut row| {
            redactor().clean_row(&mut row);
            row
        }));
        rows
    }

    /// How many of the lines so far held bytes that are no text.
    pub fn unread(&self) -> u64 {
        self.reader.unread()
    }
}

fn take(
    reader: &mut Reader,
    clean: &mut RedactStream<'static>,
    part: &[u8],
    rows: &mut Vec<NewLogRow>,
) {
    for line in clean.push(part).lines() {
        if let Some(mut row) = reader.push(line) {
            // Again, since JSON may spell its texts in many ways.
            redactor().clean_row(&mut row);
            rows.push(row);
        }
    }
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
