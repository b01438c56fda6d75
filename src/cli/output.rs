//! Tables and JSON on standard output.

use crate::error::{Code, Error, Result};
use serde::Serialize;
use std::io::Write;

/// Prints a line of the answer. A reader that went away (`| head`) wants no more of it, which is no error.
pub(super) fn line(text: impl std::fmt::Display) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(|error| {
            Error::new(Code::CliOutput, "write to standard output").because(error)
        }),
    }
}

/// Prints a value of [`wire`](crate::wire) as one line of JSON.
pub(super) fn json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(value);
    line(text.map_err(|error| {
        Error::new(Code::StoreCorrupt, "write an answer as JSON").because(error)
    })?)
}

/// Prints many lines of the answer, as [`line`] does, but at once. Answers whether there is still a reader.
pub(super) fn lines(mut texts: impl Iterator<Item = impl std::fmt::Display>) -> Result<bool> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = texts.try_for_each(|text| writeln!(out, "{text}"));
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        done => done.map(|()| true).map_err(|error| {
            Error::new(Code::CliOutput, "write to standard output").because(error)
        }),
    }
}

/// Writes bytes of the answer as they are. Answers whether there is still a reader.
pub(super) fn bytes(bytes: &[u8]) -> Result<bool> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        done => done.map(|()| true).map_err(|error| {
            Error::new(Code::CliOutput, "write to standard output").because(error)
        }),
    }
}

/// Says something on standard error that is not the answer.
#[expect(clippy::print_stderr, reason = "notes go beside the answer")]
pub(super) fn note(text: &str) {
    eprintln!("lamplighter: {text}");
}

/// Prints rows under a header, each column as wide as its widest cell. What a terminal would obey in a cell becomes a space.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> Result<()> {
    laid_out(header, rows).iter().try_for_each(line)
}

fn laid_out(header: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let header = header.iter().map(|cell| (*cell).to_owned()).collect();
    let clean = |row: &Vec<String>| row.iter().map(|cell| plain(cell, usize::MAX)).collect();
    let rows: Vec<Vec<String>> = std::iter::once(header).chain(rows.iter().map(clean)).collect();
    let mut widths = vec![0; rows[0].len()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let format = |cells: &Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(format).collect()
}

/// Text of others with its lines, but without what a terminal would obey.
pub(super) fn for_terminal(text: &str) -> String {
    text.chars().filter(|c| !is_obeyed(*c) || *c == '\n' || *c == '\t').collect()
}

/// Whether a terminal does something with a character other than show it: controls, breaks of lines, and the marks that turn
/// the direction of writing.
fn is_obeyed(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || c.is_control()
}

/// Text of others made fit for a terminal: one line, no control characters, at most `most` characters.
pub(super) fn plain(text: &str, most: usize) -> String {
    let clean: String = text.chars().map(|c| if is_obeyed(c) { ' ' } else { c }).collect();
    if clean.chars().count() <= most {
        return clean;
    }
    clean.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_columns_and_nothing_that_a_terminal_obeys() {
        let rows = [["1", "\u{1b}[2J\u{202e}ann\r"], ["20", "eve"]]
            .map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(laid_out(&["ID", "WHO"], &rows), ["ID  WHO", "1    [2J ann", "20  eve"]);
    }
}
