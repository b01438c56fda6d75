//! The making of a sandbox: our program says from inside that it is made, just before it becomes the run's program.
//!
//! What `bwrap` says before that is why there is no sandbox, and nothing of the run has begun then.

use super::Exit;
use super::words::READY;
use rustix::io::{FdFlags, fcntl_setfd};
use std::fs::OpenOptions;
use std::io::{self, PipeWriter, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;

/// The most that is kept of what `bwrap` says, in bytes.
const MAX_SAID: usize = 4096;
/// How long the end of the pipe is waited for once every process of the run is gone. It is there at once.
const END: Duration = Duration::from_millis(500);

/// Whether the sandbox of a run is made.
#[derive(Debug)]
pub(super) struct Making {
    /// Where it is said; `None` once it was said, or can be said no more.
    word: Option<Receiver>,
    is_made: bool,
    /// What was written to standard error before.
    said: Vec<u8>,
}

impl Making {
    /// What needs no making: a program outside of sandboxes.
    pub(super) fn done() -> Self {
        Self { word: None, is_made: true, said: Vec::new() }
    }

    /// A sandbox that is to be made, and the end of the pipe that its processes get.
    pub(super) fn begin() -> io::Result<(Self, PipeWriter)> {
        let (word, said) = io::pipe()?;
        fcntl_setfd(&said, FdFlags::empty())?;
        let word = Receiver::from_owned_fd(OwnedFd::from(word))?;
        Ok((Self { word: Some(word), is_made: false, said: Vec::new() }, said))
    }

    /// Whether it is made.
    pub(super) fn is_made(&self) -> bool {
        self.is_made
    }

    /// Waits until it is made. It waits for ever if it is made already, or never will be. Cancel safe.
    pub(super) async fn made(&mut self) {
        while let Some(word) = &mut self.word {
            let count = word.read(&mut [0]).await.unwrap_or(0);
            self.word = None;
            if count > 0 {
                self.is_made = true;
                return;
            }
        }
        std::future::pending::<()>().await;
    }

    /// Looks for the last time, once no process of the run is left. Answers whether it was made since the last look.
    pub(super) async fn ended(&mut self) -> bool {
        self.word.is_some() && tokio::time::timeout(END, self.made()).await.is_ok()
    }

    /// Keeps what is written to standard error meanwhile.
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        let room = MAX_SAID.saturating_sub(self.said.len());
        self.said.extend(&bytes[..bytes.len().min(room)]);
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

/// The value of the variable that names the pipe.
pub(super) fn name(said: &PipeWriter) -> String {
    said.as_raw_fd().to_string()
}

/// Says it, from inside, before our program becomes that of the run: which gets neither the pipe, closed then, nor its name.
pub(super) fn say_made() -> io::Result<()> {
    let missing = || io::Error::other(format!("{READY} names no descriptor"));
    let number = std::env::var(READY).ok().and_then(|name| name.parse::<u32>().ok());
    let number = number.ok_or_else(missing)?;
    let mut pipe = OpenOptions::new().write(true).open(format!("/proc/self/fd/{number}"))?;
    pipe.write_all(b"!")
}
