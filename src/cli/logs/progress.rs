//! The line of a terminal that says how far an import is.

use super::super::output::plain;
use crate::error::ignore;
use crate::logs::ImportProgress;
use crate::model::grouped;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the line changes at most.
const PAUSE: Duration = Duration::from_millis(200);
/// Most characters of a name.
const MAX_NAME: usize = 40;
/// Goes to the start of the line and clears it.
const CLEAR: &str = "\r\u{1b}[K";

/// The line. It is written on a terminal only, and gone when it is dropped.
pub(super) struct Line {
    name: String,
    begun: Instant,
    /// When it was written last; `None` where nobody sees it.
    written: Option<Instant>,
    is_shown: bool,
}

impl Line {
    pub(super) fn new(name: &str) -> Self {
        let now = Instant::now();
        let written = io::stderr().is_terminal().then_some(now);
        Self { name: plain(name, MAX_NAME), begun: now, written, is_shown: false }
    }

    /// Says how far the import is, if it is time to.
    pub(super) fn show(&mut self, progress: ImportProgress) {
        let Some(written) = &mut self.written else { return };
        let now = Instant::now();
        if now - *written < PAUSE {
            return;
        }
        *written = now;
        self.is_shown = true;
        let text = text(&self.name, progress, now - self.begun);
        write(&format!("{CLEAR}{text}"));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.is_shown {
            write(CLEAR);
        }
    }
}

fn write(text: &str) {
    let mut out = io::stderr().lock();
    ignore(out.write_all(text.as_bytes()).and_then(|()| out.flush()), "nobody is there to see it");
}

fn text(name: &str, progress: ImportProgress, took: Duration) -> String {
    let ImportProgress { rows, read, length } = progress;
    let percent = length.filter(|length| *length > 0).map(|length| read * 100 / length);
    let percent =
        percent.map_or_else(String::new, |percent| format!("{:>3} %  ", percent.min(100)));
    let rate = u128::from(rows) * 1_000 / took.as_millis().max(1);
    let rate = u64::try_from(rate).unwrap_or(u64::MAX);
    format!("{name}  {percent}{} rows  {}/s", grouped(rows), grouped(rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_share_rows_and_speed() {
        let took = Duration::from_secs(2);
        let progress = ImportProgress { rows: 1_204_000, read: 42, length: Some(100) };
        assert_eq!(text("a.gz", progress, took), "a.gz   42 %  1,204,000 rows  602,000/s");
        let pipe = ImportProgress { length: None, ..progress };
        assert_eq!(text("-", pipe, took), "-  1,204,000 rows  602,000/s");
    }
}
