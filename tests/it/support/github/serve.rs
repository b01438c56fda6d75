//! Plain HTTP/1.1 on threads: enough for one client, and in full command of when a connection ends.

use super::{Answer, Request, Shared};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

pub fn start(shared: &Arc<Shared>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        for stream in listener.incoming() {
            if shared.state().stopped {
                return;
            }
            let shared = Arc::clone(&shared);
            thread::spawn(move || converse(&stream.unwrap(), &shared));
        }
    });
    address
}

/// Answers request after request, until either side has enough.
fn converse(stream: &TcpStream, shared: &Shared) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(request) = read(&mut reader) {
        let arrives = shared.plug.is_due();
        let until_gone = || {
            // The client has nothing more to say, so this ends when it hangs up.
            reader.get_mut().read(&mut [0]).map(drop).unwrap_or_default();
        };
        let answer = shared.answer(&request, until_gone);
        // A program that is gone when its request arrives does not keep the request from being done.
        if arrives || shared.plug.is_due() {
            shared.plug.pull();
            return;
        }
        let Some(answer) = answer else {
            return;
        };
        if write(stream, shared, &answer).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    // A client that hangs up is no news.
    let length = reader.read_line(&mut line).unwrap_or(0);
    let (method, rest) = line[..length].split_once(' ')?;
    let (method, target) = (method.to_owned(), rest.split(' ').next().unwrap().to_owned());
    let (mut body_length, mut token, mut etag) = (0, None, None);
    let (mut agent, mut version) = (false, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => body_length = value.parse().unwrap(),
            "authorization" => token = value.strip_prefix("Bearer ").map(ToOwned::to_owned),
            "if-none-match" => etag = Some(value.to_owned()),
            "user-agent" => agent = true,
            "x-github-api-version" => version = true,
            _ => {}
        }
    }
    assert!(agent && version, "GitHub wants to know who asks, and for which version");
    let mut body = vec![0; body_length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    };
    Some(Request {
        method,
        path: path.to_owned(),
        query: query.split('&').filter(|text| !text.is_empty()).map(pair).collect(),
        body: (!body.is_empty()).then(|| serde_json::from_slice(&body).unwrap()),
        token,
        etag,
    })
}

fn write(mut stream: &TcpStream, shared: &Shared, answer: &Answer) -> std::io::Result<()> {
    // A bare text is not JSON at all.
    let body = answer.body.as_str().map_or_else(|| answer.body.to_string(), ToOwned::to_owned);
    let date = shared.clock.now().to_utc().format("%a, %d %b %Y %H:%M:%S GMT");
    let mut text = format!(
        "HTTP/1.1 {} x\r\nContent-Type: application/json; charset=utf-8\r\nDate: {date}\r\nContent-Length: {}\r\n",
        answer.status,
        body.len()
    );
    for (name, value) in &answer.headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    text += "\r\n";
    text += &body;
    stream.write_all(text.as_bytes())
}
