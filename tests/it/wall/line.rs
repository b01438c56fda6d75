//! Plain lines: what stands at the far end of the wall, and requests that are written by hand.

use crate::support::in_time;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex as AsyncMutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;

/// A server on the loopback.
pub(super) struct Far {
    /// `http://127.0.0.1:port`.
    pub(super) url: String,
    requests: Arc<Mutex<Vec<String>>>,
    lines: AsyncMutex<UnboundedReceiver<TcpStream>>,
    _serving: JoinSet<()>,
}

impl Far {
    /// Answers each request with this, and ends the connection.
    pub(super) async fn answering(answer: &'static str) -> Self {
        Self::start(Some(answer)).await
    }

    /// Answers nothing: the test does, by [`Far::next`].
    pub(super) async fn silent() -> Self {
        Self::start(None).await
    }

    async fn start(answer: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let (send, lines) = unbounded_channel();
        let (mut serving, seen) = (JoinSet::new(), Arc::clone(&requests));
        serving.spawn(async move {
            loop {
                let (mut line, _) = listener.accept().await.unwrap();
                let Some(answer) = answer else {
                    send.send(line).unwrap();
                    continue;
                };
                let request = read_request(&mut line).await;
                seen.lock().unwrap().push(request);
                line.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { url, requests, lines: AsyncMutex::new(lines), _serving: serving }
    }

    /// What was asked so far.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// The next connection.
    pub(super) async fn next(&self) -> TcpStream {
        in_time(self.lines.lock().await.recv()).await.unwrap()
    }
}

/// Sends a request, and answers the connection.
pub(super) async fn begin(at: SocketAddr, request: &str) -> TcpStream {
    let mut line = TcpStream::connect(at).await.unwrap();
    line.write_all(request.as_bytes()).await.unwrap();
    line
}

/// Sends a request and answers all that is answered.
pub(super) async fn ask(at: SocketAddr, request: &str) -> String {
    let mut line = TcpStream::connect(at).await.unwrap();
    // The proxy may answer, and end the line, before it has read everything.
    drop(line.write_all(request.as_bytes()).await);
    let head = read_head(&mut line).await;
    let body = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    let mut body = vec![0; body.map_or(0, |length| length.parse().unwrap())];
    in_time(line.read_exact(&mut body)).await.unwrap();
    head + &String::from_utf8(body).unwrap()
}

/// The head of a request or of an answer, its empty line included.
pub(super) async fn read_head(line: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(in_time(line.read_u8()).await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

async fn read_request(line: &mut TcpStream) -> String {
    let head = read_head(line).await;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    line.read_exact(&mut body).await.unwrap();
    head + &String::from_utf8(body).unwrap()
}
