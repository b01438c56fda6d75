//! The language between the server and a supervisor: frames of a length, a letter and a body, over two pipes.
//!
//! Both ends are the same binary, so there are no versions. A body is JSON where it is more than bytes.

use super::AgentUser;
use crate::error::{Code, Error, Result};
use crate::model::Resources;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The most bytes of one frame: the longest input of a run, and to spare.
const MAX_FRAME: usize = 2 * super::MAX_STDIN;

/// Server: this is to be run ([`Order`]).
pub(super) const ORDER: u8 = b'R';
/// Server: its standard input; always the second frame.
pub(super) const STDIN: u8 = b'I';
/// Server: end it.
pub(super) const STOP: u8 = b'X';
/// Supervisor: it runs ([`Started`]).
pub(super) const STARTED: u8 = b'S';
/// Supervisor: it could not be started; the body is the reason.
pub(super) const FAILED: u8 = b'F';
/// Supervisor: bytes of its standard output.
pub(super) const STDOUT: u8 = b'o';
/// Supervisor: bytes of its standard error.
pub(super) const STDERR: u8 = b'e';
/// Supervisor: processes of it were killed and live on; the body is their numbers.
pub(super) const LINGERING: u8 = b'L';
/// Supervisor: it is over, and every process of it is gone ([`Ended`]). Nothing follows.
pub(super) const ENDED: u8 = b'Z';

/// What a supervisor is to do.
#[derive(Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) argv: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) working_dir: PathBuf,
    /// Which folder that is, by its [`FolderId`](super::FolderId), if it was looked at before.
    pub(super) folder: Option<String>,
    pub(super) marker: String,
    pub(super) wall: Duration,
    pub(super) idle: Duration,
    /// Lines with these texts are no sign of life.
    pub(super) heartbeats: Vec<String>,
    pub(super) output: u64,
    /// From INT to KILL.
    pub(super) grace: Duration,
    /// What it may take of the machine.
    pub(super) resources: Resources,
    /// Whether the program is `bwrap`; with its end everything inside ends.
    pub(super) wrapped: bool,
    /// As whom the program runs, if not as the server. In the sandbox the words of `argv` say it.
    pub(super) user: Option<AgentUser>,
}

/// The main process of a run.
#[derive(Serialize, Deserialize)]
pub(super) struct Started {
    pub(super) pid: u32,
    pub(super) start: Option<String>,
}

/// Where a program wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Its standard output.
    Stdout,
    /// Its standard error.
    Stderr,
}

/// How a run ended: told when no process of it is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// How its main process ended; `None` if the supervisor was killed, which alone knew it.
    pub exit: Option<Exit>,
    /// Why it ended.
    pub reason: Reason,
    /// How many processes were seen to outlive the main one, and were ended. Those that were hit with their group as
    /// they were forked are not counted, nor those in a sandbox, which end with the main one.
    pub leftovers: u32,
    /// From its start to the end of its last process.
    pub wall: Duration,
    /// Time of the processor that its processes used, in steps of 10 ms.
    pub cpu: Duration,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// By itself, with this exit code. In a sandbox also by a signal: 128 and the signal's number, as a shell says it.
    Code(i32),
    /// By the signal of this number.
    Signal(i32),
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Its main process ended, with any exit code.
    Exited,
    /// It was stopped on order.
    Stopped,
    /// It ran for longer than its limit.
    TimedOut,
    /// It wrote nothing for longer than its limit.
    Idle,
    /// It wrote more than its limit.
    OutputLimit,
    /// Its processes took more memory than they may.
    MemoryLimit,
    /// It had more processes than it may.
    ProcessLimit,
    /// It left less room on a disk than must stay, or wrote a file that is larger than it may be.
    DiskLimit,
    /// The server that had it run is gone.
    ServerGone,
    /// Its supervisor was killed; what was left of it was found and ended.
    SupervisorLost,
}

/// The bytes of a frame.
pub(super) fn frame(letter: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(5 + body.len());
    bytes.extend((body.len() as u32).to_be_bytes());
    bytes.push(letter);
    bytes.extend(body);
    bytes
}

/// The bytes of a frame whose body is JSON.
pub(super) fn json_frame(letter: u8, body: &impl Serialize) -> Vec<u8> {
    frame(letter, &serde_json::to_vec(body).expect("texts and numbers are JSON"))
}

/// Reads a frame's body that is JSON.
pub(super) fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| broken().because(error))
}

/// The error of an end that does not speak as agreed.
pub(super) fn broken() -> Error {
    Error::new(Code::AgentLost, "understand what the other end of a supervisor's pipe says")
}

/// Bytes as they come in, and the frames that they make.
#[derive(Default)]
pub(super) struct Frames(Vec<u8>);

impl Frames {
    /// Where the next bytes are to be appended.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    /// The next whole frame: its letter and its body.
    pub(super) fn take(&mut self) -> Result<Option<(u8, Vec<u8>)>> {
        let Some((head, rest)) = self.0.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*head) as usize;
        if length > MAX_FRAME {
            return Err(broken());
        }
        let Some((letter, rest)) = rest.split_first() else { return Ok(None) };
        let (letter, Some(body)) = (*letter, rest.get(..length)) else { return Ok(None) };
        let body = body.to_vec();
        self.0.drain(..5 + length);
        Ok(Some((letter, body)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_as_they_went_in_however_they_are_cut() {
        let bytes =
            [frame(STDOUT, b"hello"), frame(STDERR, b""), frame(STDOUT, &[0, 255])].concat();
        for size in 1..bytes.len() {
            let mut frames = Frames::default();
            let mut found = Vec::new();
            for piece in bytes.chunks(size) {
                frames.buffer().extend(piece);
                while let Some(frame) = frames.take().unwrap() {
                    found.push(frame);
                }
            }
            let wanted = [(STDOUT, b"hello".to_vec()), (STDERR, vec![]), (STDOUT, vec![0, 255])];
            assert_eq!(found, wanted, "in pieces of {size}");
        }
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_before_it_is_read() {
        let mut frames = Frames::default();
        frames.buffer().extend([255, 255, 255, 255]);
        assert_eq!(frames.take().unwrap_err().code(), Code::AgentLost);
    }
}
