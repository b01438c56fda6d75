//! The making of a sandbox: our program says from inside that it is made, just before it becomes the run's program.
//!
//! What `bwrap` says before that is why there is no sandbox, and nothing of the run has begun then. Both are said on the run's
//! standard error, in order: what stands before the word is `bwrap`'s, and what stands behind it is the run's.

use super::Exit;
use std::io::{self, Write};

/// The most that is kept of what `bwrap` says, in bytes.
const MAX_SAID: usize = 4096;
/// The word that the sandbox is made. What `bwrap` says is text, and has no such byte.
const MADE: u8 = 0;

/// Whether the sandbox of a run is made.
#[derive(Debug)]
pub(super) struct Making {
    is_made: bool,
    /// What was written to standard error before.
    said: Vec<u8>,
}

impl Making {
    /// A sandbox that is to be made; one that is made already if the program runs outside of sandboxes.
    pub(super) fn begin(is_made: bool) -> Self {
        Self { is_made, said: Vec::new() }
    }

    /// Whether it is made.
    pub(super) fn is_made(&self) -> bool {
        self.is_made
    }

    /// Takes what was written to standard error before it was known that the sandbox is made. Answers the bytes of it that are
    /// the run's, if it is known now.
    pub(super) fn hear<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let word = bytes.iter().position(|byte| *byte == MADE);
        let said = &bytes[..word.unwrap_or(bytes.len())];
        let room = MAX_SAID.saturating_sub(self.said.len());
        self.said.extend(&said[..said.len().min(room)]);
        self.is_made = word.is_some();
        word.map(|word| &bytes[word + 1..])
    }

    /// Why it was not made: what `bwrap` said, or how it ended.
    pub(super) fn why_not(&self, exit: Option<Exit>) -> String {
        let said = String::from_utf8_lossy(&self.said);
        let ended = match exit {
            Some(Exit::Code(code)) => format!("exit code {code}"),
            Some(Exit::Signal(signal)) => format!("signal {signal}"),
            None => "no exit code".to_owned(),
        };
        match said.trim() {
            "" => format!("bwrap made no sandbox, ended with {ended} and did not say why"),
            said => said.to_owned(),
        }
    }
}

/// Says it, from inside, before our program becomes that of the run.
pub(super) fn say_made() -> io::Result<()> {
    io::stderr().write_all(&[MADE])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_the_word_is_the_runs_however_the_bytes_arrive() {
        let written = b"bwrap: a warning\n\0begun\n\0 and on";
        for first in 0..=written.len() {
            let (mut making, mut own) = (Making::begin(false), Vec::<u8>::new());
            for bytes in [&written[..first], &written[first..]] {
                let heard = if making.is_made() { Some(bytes) } else { making.hear(bytes) };
                own.extend(heard.unwrap_or_default());
            }
            assert!(making.is_made());
            assert_eq!(own, b"begun\n\0 and on", "cut at {first}");
            assert_eq!(making.why_not(None), "bwrap: a warning");
        }
    }
}
