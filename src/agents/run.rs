//! A run, as the server sees it: its output, the order to stop, and how it ended.

use super::wire::{self, Frames, Order, Started};
use super::{Ended, Reason, Stream, Trace, command, sweep};
use crate::error::{Code, Error, Result, ignore};
use crate::model::Process;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{ChildStdin, ChildStdout};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::sync::{Mutex, oneshot};

/// Bytes that a program has written, as many as came at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Where it wrote them.
    pub stream: Stream,
    /// What it wrote; a line or a character may be cut at either end.
    pub bytes: Vec<u8>,
}

/// A running program. Its supervisor reads no more than 64 KiB ahead of [`Run::next`]: then the program waits.
///
/// Dropped, it is ended as if the server were gone: INT, TERM, after the grace KILL.
#[derive(Debug)]
pub struct Run {
    report: Receiver,
    frames: Incoming,
    control: Arc<Control>,
    /// The supervisor has ended and was asked how.
    gone: oneshot::Receiver<()>,
    trace: Trace,
    lingering: Vec<u32>,
    is_sandboxed: bool,
    grace: Duration,
    since: Instant,
    ended: Option<Ended>,
    is_over: bool,
}

/// The pipe on which orders are given: its end says that the server is gone, so only the [`Run`] keeps it.
type Control = Mutex<Sender>;

/// Ends a run from elsewhere than where its output is read. Clones stop the same run.
#[derive(Clone, Debug)]
pub struct Stopper(Weak<Control>);

impl Stopper {
    /// Has the run ended: INT to its program, TERM to every process of it, KILL after the grace. Does nothing if it is
    /// over.
    ///
    /// Returns when the order is given; [`Run::ended`] tells when it is done.
    pub async fn stop(&self) {
        let Some(control) = self.0.upgrade() else { return };
        let order = wire::frame(wire::STOP, b"");
        let told = control.lock().await.write_all(&order).await;
        ignore(told, "a supervisor that does not listen any more has nothing left to end");
    }
}

impl Run {
    /// What the program has written next; `None` once it is over. Cancel safe.
    pub async fn next(&mut self) -> Option<Chunk> {
        while !self.is_over {
            match receive(&mut self.report, &mut self.frames.0).await {
                Ok(Some((wire::STDOUT, bytes))) => {
                    return Some(Chunk { stream: Stream::Stdout, bytes });
                }
                Ok(Some((wire::STDERR, bytes))) => {
                    return Some(Chunk { stream: Stream::Stderr, bytes });
                }
                Ok(Some((wire::LINGERING, body))) => {
                    self.lingering = wire::read_json(&body).unwrap_or_default();
                }
                Ok(Some((wire::ENDED, body))) => self.ended = wire::read_json(&body).ok(),
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => self.is_over = true,
            }
        }
        None
    }

    /// How it ended, once no process of it is left. Output that was not taken is lost.
    ///
    /// # Errors
    /// `AGENT-TREE-001` if the supervisor was killed and something that it left behind cannot be ended.
    ///
    /// # Cancel safety
    /// It can be called again.
    pub async fn ended(&mut self) -> Result<Ended> {
        while self.next().await.is_some() {}
        if !self.gone.is_terminated() {
            let gone = (&mut self.gone).await;
            ignore(gone, "a waiting thread that is gone too says that the supervisor is");
        }
        if let Some(ended) = &self.ended {
            return Ok(ended.clone());
        }
        crate::warn_coded!(
            Code::AgentLost,
            "the supervisor of run {} is gone; looking for processes that it left",
            self.trace.marker
        );
        let swept = sweep(std::slice::from_ref(&self.trace), self.grace).await?;
        let ended = Ended {
            exit: None,
            reason: Reason::SupervisorLost,
            leftovers: swept.ended as u32,
            wall: self.since.elapsed(),
            cpu: Duration::ZERO,
        };
        Ok(self.ended.insert(ended).clone())
    }

    /// Has it ended; see [`Stopper::stop`].
    pub async fn stop(&self) {
        self.stopper().stop().await;
    }

    /// The order to stop, for somebody else to give.
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::downgrade(&self.control))
    }

    /// What it can be found by after a crash, its main process included.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The processes of it that were killed seconds ago and live on, as the kernel numbers them; none while nothing has to end.
    pub fn lingering(&self) -> &[u32] {
        &self.lingering
    }

    /// Whether it runs in the sandbox.
    pub fn is_sandboxed(&self) -> bool {
        self.is_sandboxed
    }
}

/// Frames as they come in. `Debug` says nothing: they hold what programs write.
struct Incoming(Frames);

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Incoming")
    }
}

/// Starts a supervisor and gives it an order; returns when the program runs.
pub(super) async fn start(
    program: &Path,
    order: &Order,
    stdin: &[u8],
    mut trace: Trace,
) -> Result<Run> {
    let failed = |error: io::Error| Error::new(Code::AgentStart, "").because(error);
    let since = Instant::now();
    let ((control, report), gone) = supervisor(program, &trace).await.map_err(failed)?;
    let mut control = Sender::from_owned_fd(OwnedFd::from(control)).map_err(failed)?;
    let mut report = Receiver::from_owned_fd(OwnedFd::from(report)).map_err(failed)?;
    let said = [wire::json_frame(wire::ORDER, order), wire::frame(wire::STDIN, stdin)].concat();
    control.write_all(&said).await.map_err(failed)?;
    let mut frames = Frames::default();
    match receive(&mut report, &mut frames).await? {
        Some((wire::STARTED, body)) => {
            let Started { pid, start } = wire::read_json(&body)?;
            trace.main = Some(Process { pid, start });
        }
        Some((wire::FAILED, reason)) => {
            return Err(failed(io::Error::other(String::from_utf8_lossy(&reason).into_owned())));
        }
        Some(_) => return Err(wire::broken()),
        None => return Err(failed(io::Error::other("its supervisor ended at once"))),
    }
    Ok(Run {
        report,
        frames: Incoming(frames),
        control: Arc::new(Mutex::new(control)),
        gone,
        trace,
        lingering: Vec::new(),
        is_sandboxed: order.wrapped,
        grace: order.grace,
        since,
        ended: None,
        is_over: false,
    })
}

type Pipes = (ChildStdin, ChildStdout);

/// Starts a supervisor from a thread that lives as long as the supervisor does, and then says that it is gone.
///
/// Each supervisor has a thread: the supervisor is told when the thread that started it ends, and the thread waits for it.
async fn supervisor(program: &Path, trace: &Trace) -> io::Result<(Pipes, oneshot::Receiver<()>)> {
    let (answer, started) = oneshot::channel();
    let (over, gone) = oneshot::channel();
    let (program, marker) = (program.to_owned(), trace.marker.clone());
    std::thread::Builder::new().name("supervisor".to_owned()).spawn(move || {
        let child = command::supervisor(&program, &marker).map(|mut child| {
            let pipes = child.stdin.take().zip(child.stdout.take());
            (child, pipes.expect("both were asked for"))
        });
        match child {
            Ok((mut child, pipes)) => {
                let taken = answer.send(Ok(pipes)).map_err(|_| "the pipes end here");
                ignore(taken, "where nobody waits any more, the supervisor ends with its pipes");
                ignore(child.wait(), "a supervisor that nobody can wait for is gone");
            }
            Err(error) => {
                let told = answer.send(Err(error)).map_err(|_| "it was not started");
                ignore(told, "nobody waits any more for a supervisor to start");
            }
        }
        ignore(
            over.send(()).map_err(|()| "it is over"),
            "the run was dropped before its supervisor",
        );
    })?;
    let pipes = started.await.map_err(io::Error::other)??;
    Ok((pipes, gone))
}

/// The next frame; `None` at the end of the pipe.
async fn receive(pipe: &mut Receiver, frames: &mut Frames) -> Result<Option<(u8, Vec<u8>)>> {
    loop {
        if let Some(frame) = frames.take()? {
            return Ok(Some(frame));
        }
        let read = pipe.read_buf(frames.buffer()).await;
        if read.map_err(|error| wire::broken().because(error))? == 0 {
            return Ok(None);
        }
    }
}
