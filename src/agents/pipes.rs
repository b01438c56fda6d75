//! The pipes of a supervisor: to and from the server, and to and from the program.

use super::wire::{self, Frames};
use crate::error::Result;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net;
use std::process::ChildStdin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::pipe::{Receiver, Sender};

/// Bytes read at once.
const READ: usize = 16 * 1024;
/// The most bytes that wait for the server; beyond them the program's output is not read, and the program waits.
const MAX_WAITING: usize = 64 * 1024;
/// How long the output may stay silent once the tree is gone. It ends at once, but for a descriptor that the program
/// has handed to a process that is not of its tree.
const STRAY_WRITER: Duration = Duration::from_millis(500);

/// What comes through the pipes.
pub(super) enum Happening {
    /// The server orders the end.
    Stop,
    /// The server is gone.
    ServerGone,
    /// The program has written: the letter of the stream's frames, and the bytes.
    Output(u8, Vec<u8>),
    /// Something was passed on.
    Moved,
}

/// All pipes of a supervisor; each is `None` once it has ended.
pub(super) struct Pipes {
    control: Option<Receiver>,
    frames: Frames,
    report: Option<Sender>,
    /// Frames that wait for the server to take them.
    outgoing: Vec<u8>,
    stdin: Option<Sender>,
    /// Whether standard output is read: not before the run's program has begun.
    hears_stdout: bool,
    /// What the program has not read yet.
    input: Vec<u8>,
    stdout: Option<UnixStream>,
    stderr: Option<UnixStream>,
}

impl Pipes {
    /// The pipes to the server, which are this process's standard input and output.
    pub(super) fn open() -> io::Result<Self> {
        let control = io::stdin().as_fd().try_clone_to_owned()?;
        let report = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(Self {
            control: Some(Receiver::from_owned_fd(control)?),
            frames: Frames::default(),
            report: Some(Sender::from_owned_fd(report)?),
            outgoing: Vec::new(),
            stdin: None,
            hears_stdout: false,
            input: Vec::new(),
            stdout: None,
            stderr: None,
        })
    }

    /// The server's next frame; `None` if it is gone.
    pub(super) async fn receive(&mut self) -> Result<Option<(u8, Vec<u8>)>> {
        loop {
            if let Some(frame) = self.frames.take()? {
                return Ok(Some(frame));
            }
            if read(&mut self.control, self.frames.buffer()).await == 0 {
                return Ok(None);
            }
        }
    }

    /// Takes the program's end of things, and what it is to read.
    pub(super) fn connect(
        &mut self,
        stdin: Option<ChildStdin>,
        (stdout, stderr): (net::UnixStream, net::UnixStream),
        input: Vec<u8>,
    ) -> io::Result<()> {
        let receiver = |socket: net::UnixStream| {
            socket.set_nonblocking(true)?;
            UnixStream::from_std(socket)
        };
        (self.stdout, self.stderr) = (Some(receiver(stdout)?), Some(receiver(stderr)?));
        let stdin = stdin.filter(|_| !input.is_empty());
        self.stdin = stdin.map(|pipe| Sender::from_owned_fd(pipe.into())).transpose()?;
        self.input = input;
        Ok(())
    }

    /// Has standard output be read too, since the run's program has begun.
    pub(super) fn hear_stdout(&mut self) {
        self.hears_stdout = true;
    }

    /// Queues a frame for the server.
    pub(super) fn send(&mut self, frame: &[u8]) {
        if self.report.is_some() {
            self.outgoing.extend(frame);
        }
    }

    /// Whether the server takes less than the program writes.
    pub(super) fn is_full(&self) -> bool {
        self.outgoing.len() >= MAX_WAITING
    }

    /// Moves bytes until something is to be decided. Cancel safe.
    pub(super) async fn next(&mut self) -> Happening {
        if let Ok(Some((wire::STOP, _))) = self.frames.take() {
            return Happening::Stop;
        }
        let has_room = !self.is_full();
        let Self { control, frames, report, outgoing, stdin, hears_stdout, input, stdout, stderr } =
            self;
        let (mut out, mut err) = (Vec::with_capacity(READ), Vec::with_capacity(READ));
        tokio::select! {
            bytes = read(control, frames.buffer()), if control.is_some() => {
                if bytes == 0 { Happening::ServerGone } else { Happening::Moved }
            }
            () = write(report, outgoing), if !outgoing.is_empty() => Happening::Moved,
            () = feed(stdin, input), if stdin.is_some() => Happening::Moved,
            _ = read(stdout, &mut out), if has_room && *hears_stdout && stdout.is_some() => {
                Happening::Output(wire::STDOUT, out)
            }
            _ = read(stderr, &mut err), if has_room && stderr.is_some() => {
                Happening::Output(wire::STDERR, err)
            }
            else => std::future::pending().await,
        }
    }

    /// What the program wrote before its end: the next bytes of it, or `None` once all of it was read.
    pub(super) async fn rest(&mut self) -> Option<(u8, Vec<u8>)> {
        for (pipe, letter) in [(&mut self.stdout, wire::STDOUT), (&mut self.stderr, wire::STDERR)] {
            if pipe.is_none() || (letter == wire::STDOUT && !self.hears_stdout) {
                continue;
            }
            let mut bytes = Vec::with_capacity(READ);
            match tokio::time::timeout(STRAY_WRITER, read(pipe, &mut bytes)).await {
                Ok(0) => {}
                Ok(_) => return Some((letter, bytes)),
                Err(_) => *pipe = None,
            }
        }
        None
    }

    /// Waits until the server has everything, or is gone.
    pub(super) async fn flush(&mut self) {
        while self.report.is_some() && !self.outgoing.is_empty() {
            write(&mut self.report, &mut self.outgoing).await;
        }
    }
}

/// Appends what there is to read, and answers how much; 0 at the end, after which the pipe is `None`.
async fn read(pipe: &mut Option<impl AsyncRead + Unpin>, into: &mut Vec<u8>) -> usize {
    let Some(open) = pipe else { return 0 };
    into.reserve(READ);
    // A pipe that cannot be read is as good as one that has ended.
    let bytes = open.read_buf(into).await.unwrap_or(0);
    if bytes == 0 {
        *pipe = None;
    }
    bytes
}

/// Writes more of the input; after the last of it the program reads the end.
async fn feed(pipe: &mut Option<Sender>, input: &mut Vec<u8>) {
    write(pipe, input).await;
    if input.is_empty() {
        *pipe = None;
    }
}

/// Writes the first of these bytes, as many as fit, and removes them; all of them if nobody reads any more.
async fn write(pipe: &mut Option<Sender>, bytes: &mut Vec<u8>) {
    let written = match pipe {
        Some(open) => open.write(bytes).await.ok(),
        None => None,
    };
    match written {
        Some(count) => drop(bytes.drain(..count)),
        None => bytes.clear(),
    }
    if written.is_none() {
        *pipe = None;
    }
}
