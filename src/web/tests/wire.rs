//! Tests of the server behind a real socket.

use super::super::serve;
use super::*;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::{JoinSet, spawn_blocking};
use tokio_util::sync::CancellationToken;

/// Longer than any step of a test takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn talk(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn the_server_answers_on_its_socket_until_it_is_stopped() {
    let site = Site::empty();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let mut server = JoinSet::new();
    server.spawn(serve(listener, site.web.clone(), stop.clone()));
    let ask =
        async |request: String| spawn_blocking(move || talk(address, &request)).await.unwrap();

    let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let healthy = ask(request).await;
    assert!(
        healthy.starts_with("HTTP/1.1 200 OK\r\n") && healthy.ends_with("\r\n\r\nok\n"),
        "{healthy}"
    );
    let rebound =
        ask("GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n".into())
            .await;
    assert!(rebound.starts_with("HTTP/1.1 421 "), "{rebound}");
    let nameless = ask("GET /healthz HTTP/1.0\r\n\r\n".into()).await;
    assert!(nameless.starts_with("HTTP/1.0 421 "), "{nameless}");
    let long =
        format!("GET / HTTP/1.1\r\nHost: {address}\r\nX-Long: {}\r\n\r\n", "x".repeat(20_000));
    assert!(ask(long).await.starts_with("HTTP/1.1 431 "));

    let idle = spawn_blocking(move || {
        let keep_alive = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\n\r\n");
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(keep_alive.as_bytes()).unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).unwrap();
        (first, stream)
    });
    let (first, mut stream) = idle.await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    stop.cancel();
    server.join_next().await.unwrap().unwrap().unwrap();
    let rest = spawn_blocking(move || stream.read_to_end(&mut Vec::new()));
    assert!(rest.await.unwrap().is_ok(), "the idle connection was closed");
}
