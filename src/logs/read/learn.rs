//! What a file's beginning teaches about its events.

use super::bytes::Decoder;
use super::columns::Columns;
use super::envelope::peel;
use super::head;
use super::level;
use super::logfmt;
use super::text;
use super::time::{self, TimeFrame};
use super::trace;

/// Lines that are learned from.
const MAX_LINES: usize = 100;
/// Bytes that are learned from; the caller need not read more.
pub(crate) const MAX_LEARNED: usize = 64 * 1024;
/// Fewest lines that make a file one of indented events.
const MIN_INDENTED: usize = 5;

/// What is known of a file's events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Learned {
    /// Events begin with a time: what begins with none goes on with the event before it.
    pub(super) dated: bool,
    /// Events are indented: a line goes on with nothing for that reason.
    pub(super) indented: bool,
    /// A header names the columns.
    pub(super) columns: Option<Columns>,
}

#[derive(Default)]
struct Count {
    dated: usize,
    undated: usize,
    indented: usize,
    all: usize,
    /// The first line is indented.
    begins_indented: bool,
}

impl Learned {
    /// Whether the file may have further headers, as the extended format of the W3C has at each start of the server.
    pub(crate) fn has_headers(&self) -> bool {
        matches!(self.columns, Some(Columns::Extended(_)))
    }

    /// Learns from the beginning of a file, or as much of it as there is.
    pub(crate) fn of(head: &[u8], timestamp: &str) -> Self {
        let frame = super::frame(timestamp, None);
        let mut text = Vec::new();
        let mut decoder = Decoder::default();
        decoder.push(&head[..head.len().min(MAX_LEARNED)], |part, _| text.extend_from_slice(part));
        // The last line may not be whole.
        let end = text.iter().rposition(|b| *b == b'\n').unwrap_or(0);
        let text = String::from_utf8_lossy(&text[..end]);
        let (mut count, mut columns) = (Count::default(), None);
        for line in text.lines().take(MAX_LINES) {
            let line = text::clean(line);
            if columns.is_none() && (count.all == 0 || line.starts_with("#Fields: ")) {
                columns = Columns::header(&line);
            }
            if !line.starts_with('#') {
                count.line(&line, frame);
            }
        }
        Self {
            dated: count.dated > 0
                && (count.undated == 0 || (count.dated > 1 && count.dated * 3 >= count.undated)),
            indented: count.begins_indented
                && count.dated == 0
                && count.all >= MIN_INDENTED
                && count.indented * 10 >= count.all * 9,
            columns,
        }
    }
}

impl Count {
    fn line(&mut self, line: &str, frame: TimeFrame) {
        let peeled = peel(line, frame);
        let text = peeled.text.as_ref();
        if text.is_empty() {
            return;
        }
        let indented = text.starts_with([' ', '\t']);
        self.begins_indented |= self.all == 0 && indented;
        self.all += 1;
        if indented {
            self.indented += 1;
        } else if head::lead(text, frame).is_some() || time::bracketed(text, frame).is_some() {
            self.dated += 1;
        } else if !(text.starts_with(['{', '}'])
            || logfmt::is_likely(text)
            || trace::continues(text)
            || trace::opens(text)
            || trace::is_exception(text)
            || trace::is_go(text)
            || level::stated(text).is_some())
        {
            self.undated += 1;
        }
    }
}
