//! Standard error without secrets.

use crate::redact::redactor;
use std::io::{self, Write};
use tracing_subscriber::fmt::MakeWriter;

/// What [`redacted`] answers.
#[derive(Clone, Copy, Debug)]
pub struct Redacted<M>(M);

/// A writer for `tracing_subscriber::fmt` that takes the secrets out of every line before `make`'s writer gets it.
pub fn redacted<M>(make: M) -> Redacted<M> {
    Redacted(make)
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Redacted<M> {
    type Writer = Lines<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Lines(self.0.make_writer())
    }
}

/// A writer of whole lines: `fmt` formats an event first and writes it at once.
#[derive(Debug)]
pub struct Lines<W>(W);

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(lines);
        self.0.write_all(redactor().text(&text).as_bytes())?;
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
