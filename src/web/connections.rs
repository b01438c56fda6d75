//! The open connections: how many there may be, and which one is closed when there are too many.
//!
//! A client that does not read cannot hold a connection: what cannot be written for a while ends it, and where all are
//! taken the one that has moved no byte for longest makes room. So somebody who opens them all keeps nobody out. And a
//! connection that is sent much gives the others their turns between.

use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet, coop};
use tokio::time::{Sleep, sleep};

/// The most connections at once.
pub(super) const MAX_CONNECTIONS: usize = 256;
/// The most connections of one address that is counted.
const MAX_OF_ADDRESS: usize = 64;
/// How long a client may take no byte of an answer.
const WRITE_LIMIT: Duration = Duration::from_secs(30);
/// The most bytes of one write, which nothing interrupts.
const MAX_WRITE: usize = 64 * 1024;
/// Bytes that spend one of the steps that a task has before it must let the others go on: 128 of tokio's make 512 KB a turn.
const BYTES_OF_STEP: usize = 4 * 1024;

/// Every open connection of the server.
#[derive(Default)]
pub(super) struct Connections {
    tasks: JoinSet<()>,
    open: HashMap<Id, Open>,
}

struct Open {
    /// Whose share it counts to.
    address: Option<IpAddr>,
    progress: Arc<Progress>,
    task: AbortHandle,
}

impl Connections {
    /// Serves a new connection. Where all connections, or all of its address, are taken, it closes the one that has made
    /// no progress for longest.
    ///
    /// Pass no address for a peer that speaks for many, such as a proxy.
    pub(super) fn serve<S, F>(
        &mut self,
        stream: S,
        address: Option<IpAddr>,
        serving: impl FnOnce(Progressing<S>) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let of_address = |open: &Open| address.is_some() && open.address == address;
        if self.open.values().filter(|open| of_address(open)).count() >= MAX_OF_ADDRESS {
            self.close_stalest(of_address);
        }
        if self.open.len() >= MAX_CONNECTIONS {
            self.close_stalest(|_| true);
        }
        let progress = Arc::new(Progress::new());
        let task = self.tasks.spawn(serving(Progressing::new(stream, progress.clone())));
        self.open.insert(task.id(), Open { address, progress, task });
    }

    /// The end of the next connection that ends by itself; `None` if none is open.
    pub(super) async fn ended(&mut self) -> Option<Result<(), JoinError>> {
        let ended = self.tasks.join_next_with_id().await?;
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
        self.open.remove(&id);
        Some(ended.map(|(_, ())| ()))
    }

    /// Closes them all at once.
    pub(super) async fn shutdown(&mut self) {
        self.tasks.shutdown().await;
        self.open.clear();
    }

    fn close_stalest(&mut self, is_meant: impl Fn(&Open) -> bool) {
        let meant = self.open.iter().filter(|(_, open)| is_meant(open));
        let stalest = meant.min_by_key(|(_, open)| open.progress.last()).map(|(id, _)| *id);
        if let Some(open) = stalest.and_then(|id| self.open.remove(&id)) {
            open.task.abort();
        }
    }
}

/// When a connection moved a byte last.
struct Progress {
    began: Instant,
    last: AtomicU64,
}

impl Progress {
    fn new() -> Self {
        Self { began: Instant::now(), last: AtomicU64::new(0) }
    }

    fn note(&self) {
        let micros = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.last.store(micros, Ordering::Relaxed);
    }

    fn last(&self) -> Instant {
        self.began + Duration::from_micros(self.last.load(Ordering::Relaxed))
    }
}

/// A stream that says when it moved a byte last, and fails if it could write none for a while.
pub(super) struct Progressing<S> {
    stream: S,
    progress: Arc<Progress>,
    /// How long the client may take no byte.
    limit: Duration,
    /// Runs while a write waits for the client.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<S> Progressing<S> {
    fn new(stream: S, progress: Arc<Progress>) -> Self {
        Self { stream, progress, limit: WRITE_LIMIT, stuck: None }
    }

    /// The result of a write, or that the client has taken nothing for too long.
    fn in_time<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck = None;
            self.progress.note();
            return written;
        }
        let limit = self.limit;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(stuck.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

/// Counts written bytes to the turn of the task, which tokio counts by calls.
fn spend(context: &mut Context<'_>, written: &Poll<io::Result<usize>>) {
    if let Poll::Ready(Ok(bytes)) = written {
        for _ in 0..bytes / BYTES_OF_STEP {
            match coop::poll_proceed(context) {
                Poll::Ready(step) => step.made_progress(),
                Poll::Pending => break,
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Progressing<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
        self.progress.note();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Progressing<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let bytes = &bytes[..bytes.len().min(MAX_WRITE)];
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        spend(context, &written);
        self.in_time(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if parts.iter().map(|part| part.len()).sum::<usize>() > MAX_WRITE {
            let first = parts.iter().find(|part| !part.is_empty());
            return self.poll_write(context, first.map_or(&[], |part| part));
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        spend(context, &written);
        self.in_time(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    /// Opens a connection whose server reads as long as there is something, and keeps the client's end.
    fn open(connections: &mut Connections, address: Option<IpAddr>) -> DuplexStream {
        let (ours, theirs) = duplex(8);
        connections.serve(ours, address, |mut stream| async move {
            while stream.read_u8().await.is_ok() {}
            pending::<()>().await;
        });
        theirs
    }

    /// Whether the server has closed its end.
    async fn is_closed(client: &mut DuplexStream) -> bool {
        let mut byte = [0];
        tokio::select! {
            biased;
            read = client.read(&mut byte) => read.is_ok_and(|bytes| bytes == 0),
            () = tokio::task::yield_now() => false,
        }
    }

    #[tokio::test]
    async fn when_all_are_taken_the_one_without_progress_for_longest_makes_room() {
        let mut connections = Connections::default();
        let mut clients: Vec<_> =
            (0..MAX_CONNECTIONS).map(|_| open(&mut connections, None)).collect();
        // The oldest one goes on.
        clients[0].write_u8(1).await.unwrap();
        tokio::task::yield_now().await;
        drop(open(&mut connections, None));
        assert!(connections.ended().await.unwrap().unwrap_err().is_cancelled());
        assert!(is_closed(&mut clients[1]).await, "it was the stalest");
        assert!(!is_closed(&mut clients[0]).await && !is_closed(&mut clients[2]).await);
        assert_eq!(connections.open.len(), MAX_CONNECTIONS);
    }

    #[tokio::test]
    async fn an_address_that_has_its_share_closes_its_own_and_nobody_elses() {
        let mut connections = Connections::default();
        let mut other = open(&mut connections, Some(address(2)));
        let mut first = open(&mut connections, Some(address(1)));
        let kept: Vec<_> =
            (0..MAX_OF_ADDRESS).map(|_| open(&mut connections, Some(address(1)))).collect();
        assert!(connections.ended().await.unwrap().is_err());
        assert!(is_closed(&mut first).await && !is_closed(&mut other).await);
        assert_eq!(connections.open.len(), kept.len() + 1);
        // A proxy speaks for many.
        let many: Vec<_> = (0..=MAX_OF_ADDRESS).map(|_| open(&mut connections, None)).collect();
        assert_eq!(connections.open.len(), kept.len() + 1 + many.len());
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_loses_its_connection_and_one_that_takes_a_little_does_not()
    {
        let progressing = |stream, limit| Progressing {
            limit,
            ..Progressing::new(stream, Arc::new(Progress::new()))
        };
        let (ours, mut theirs) = duplex(8);
        let mut stream = progressing(ours, WRITE_LIMIT);
        stream.write_all(&[0; 8]).await.unwrap();
        assert!(stream.stuck.is_none());
        let refused = std::future::poll_fn(|context| {
            assert!(Pin::new(&mut stream).poll_write(context, &[0]).is_pending());
            Poll::Ready(stream.stuck.is_some())
        });
        assert!(refused.await, "its time runs");
        theirs.read_u8().await.unwrap();
        stream.write_all(&[0]).await.unwrap();
        assert!(stream.stuck.is_none(), "it starts anew with each byte");

        let (ours, _theirs) = duplex(8);
        let mut stream = progressing(ours, Duration::from_millis(1));
        let refused = stream.write_all(&[0; 9]).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut);
    }
}
