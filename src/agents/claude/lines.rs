//! Bytes in chunks of any size, cut into lines of a limited length.

/// Longest line, in bytes: a tool's result with a picture in it takes a few million. Of a longer one the beginning is
/// kept and the rest is counted, so that a program that never ends its line cannot fill the memory.
pub const MAX_LINE_BYTES: usize = 10 * 1024 * 1024;

/// One line, without its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// What was kept; any bytes, UTF-8 or not.
    pub bytes: Vec<u8>,
    /// How many bytes at its end were dropped; zero for a whole line.
    pub dropped: u64,
}

/// Cuts bytes into lines. Empty lines are left out.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    open: Line,
}

impl Lines {
    /// Takes the next bytes and answers the lines that they end.
    pub fn push(&mut self, mut chunk: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        while let Some(end) = chunk.iter().position(|byte| *byte == b'\n') {
            self.keep(&chunk[..end]);
            lines.extend(self.finish());
            chunk = &chunk[end + 1..];
        }
        self.keep(chunk);
        lines
    }

    /// Ends the line that is open: the program was killed while it wrote, or ends its output without a newline.
    pub fn finish(&mut self) -> Option<Line> {
        let mut line = std::mem::take(&mut self.open);
        if line.bytes.last() == Some(&b'\r') {
            line.bytes.pop();
        }
        let blank = line.dropped == 0 && line.bytes.trim_ascii().is_empty();
        (!blank).then_some(line)
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MAX_LINE_BYTES - self.open.bytes.len();
        let kept = bytes.len().min(room);
        self.open.bytes.extend_from_slice(&bytes[..kept]);
        self.open.dropped += (bytes.len() - kept) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_newlines_wherever_the_chunks_do() {
        let text = b"one\r\n\n  \ntwo\nthree";
        for size in 1..=text.len() {
            let mut lines = Lines::default();
            let mut found: Vec<Line> = text.chunks(size).flat_map(|c| lines.push(c)).collect();
            found.extend(lines.finish());
            let found: Vec<&[u8]> = found.iter().map(|line| line.bytes.as_slice()).collect();
            assert_eq!(found, [b"one".as_slice(), b"two", b"three"]);
            assert_eq!(lines.finish(), None);
        }
    }

    #[test]
    fn of_a_line_that_is_too_long_the_beginning_stays_and_the_rest_is_counted() {
        let mut lines = Lines::default();
        let chunk = vec![b'x'; MAX_LINE_BYTES / 2 + 1];
        for _ in 0..4 {
            assert_eq!(lines.push(&chunk), []);
        }
        let found = lines.push(b"\nshort\n");
        assert_eq!(found[0].bytes.len(), MAX_LINE_BYTES);
        assert_eq!(found[0].dropped, (4 * chunk.len() - MAX_LINE_BYTES) as u64);
        assert_eq!(found[1], Line { bytes: b"short".into(), dropped: 0 });
    }
}
