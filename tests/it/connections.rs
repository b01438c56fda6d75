//! Clients that take connections and do nothing with them, against a real server.

use crate::support::server::Server;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// As many as the server takes at once.
const ALL: usize = 256;
/// Far more than the kernel keeps for one connection.
const ANSWERS: usize = 20;

/// What a client gets that asks once.
fn asked(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The path of the largest style sheet of the sign-in page.
fn style_sheet(address: &str) -> String {
    let page = asked(address, "/login");
    let sheets = page.split('"').filter(|part| part.starts_with("/assets/"));
    let sheets = sheets.filter(|path| path.contains(".css"));
    sheets.max_by_key(|path| asked(address, path).len()).unwrap().to_owned()
}

#[test]
fn clients_that_never_read_keep_nobody_from_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let address = server.url.strip_prefix("http://").unwrap();
    let sheet = style_sheet(address);
    let request = format!("GET {sheet} HTTP/1.1\r\nHost: {address}\r\n\r\n").repeat(ANSWERS);
    let open = || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    };
    let mut stuck: Vec<_> = (0..ALL).map(|_| open()).collect();
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        let begun = Instant::now();
        assert!(asked(address, "/healthz").starts_with("HTTP/1.1 200"));
        slowest = slowest.max(begun.elapsed());
        // Each who is closed to make room comes back at once.
        stuck.push(open());
    }
    println!("{} clients that never read; others were answered within {slowest:?}", stuck.len());
    drop(stuck);
    assert_eq!(server.terminate(), Some(0));
}
