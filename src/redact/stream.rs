//! Redaction of a text that arrives in pieces.

use super::{Redactor, Within};

/// Longest line that is kept until its end comes, in bytes; of a longer one the rest is left out.
const MAX_LINE: usize = 1024 * 1024;
/// What ends a line that was cut.
const CUT: &str = "… (cut)";

/// Redacts a text that arrives in pieces, cut anywhere, also inside a character. What comes out is what
/// [`Redactor::text`] makes of the whole, but that a line over 1 MiB is cut. Text that is not UTF-8 gets replacement
/// characters.
#[derive(Debug)]
pub struct RedactStream<'a> {
    redactor: &'a Redactor,
    within: Within,
    /// The line that has not ended yet.
    tail: Vec<u8>,
    /// The line was too long: its rest is left out.
    skipping: bool,
}

impl<'a> RedactStream<'a> {
    /// A stream at its start.
    pub fn new(redactor: &'a Redactor) -> Self {
        Self { redactor, within: Within::default(), tail: Vec::new(), skipping: false }
    }

    /// Takes the next piece; answers the lines that are whole now.
    pub fn push(&mut self, piece: &[u8]) -> String {
        let mut out = String::new();
        for part in piece.split_inclusive(|b| *b == b'\n') {
            let ends = part.ends_with(b"\n");
            if !self.skipping {
                self.tail.extend_from_slice(part);
            }
            if ends && !self.skipping {
                self.flush(&mut out);
            } else if self.tail.len() > MAX_LINE {
                self.cut(&mut out);
            }
            if ends && self.skipping {
                self.skipping = false;
                out.push('\n');
            }
        }
        out
    }

    /// Whether the rest of a line that is too long is being left out, of which the beginning has been answered.
    pub fn is_skipping(&self) -> bool {
        self.skipping
    }

    /// The last line, which no line break ended.
    pub fn finish(mut self) -> String {
        let mut out = String::new();
        self.flush(&mut out);
        out
    }

    fn flush(&mut self, out: &mut String) {
        out.push_str(&self.redactor.line(&String::from_utf8_lossy(&self.tail), &mut self.within));
        self.tail.clear();
    }

    /// Answers the line so far, less its last word: half a token has no shape.
    fn cut(&mut self, out: &mut String) {
        self.tail.truncate(MAX_LINE);
        let word = self.tail.iter().rposition(u8::is_ascii_whitespace).unwrap_or(0);
        self.tail.truncate(word);
        self.flush(out);
        out.push_str(CUT);
        self.skipping = true;
    }
}
