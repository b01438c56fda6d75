//! The network wall from a run's side: who passes, what is put in and left out, where it leads, and what is counted.

mod line;

use crate::support::in_time;
use lamplighter::agents::wall::{Entry, Passage, Wall};
use lamplighter::model::AllowedHost;
use line::{Far, ask, begin, read_head};
use serde_json::json;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const KEY: &str = "sk-real-key-of-the-server";
const TOKEN: &str = "real-token-of-the-server";

/// A wall in front of this service, with a key and a token.
fn wall(base_url: &str, allowed: &[&str]) -> Wall {
    wall_by(base_url, allowed, &[])
}

/// The same with more variables.
fn wall_by(base_url: &str, allowed: &[&str], more: &[(&str, &str)]) -> Wall {
    let own = [
        ("ANTHROPIC_BASE_URL", base_url),
        ("ANTHROPIC_API_KEY", KEY),
        ("CLAUDE_CODE_OAUTH_TOKEN", TOKEN),
    ];
    let allowed: Vec<AllowedHost> = allowed.iter().map(|host| host.parse().unwrap()).collect();
    let found = |name: &str| {
        let mut all = own.iter().chain(more);
        all.find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    Wall::of_environment(found, allowed).unwrap()
}

/// A passage of a run without a sandbox, and its address and placeholder.
fn passage(wall: &Wall) -> (Passage, SocketAddr, String) {
    let passage = wall.open(Entry::Port { is_open: false }, "session 1".to_owned()).unwrap();
    let env = passage.environment();
    let at = env["ANTHROPIC_BASE_URL"].strip_prefix("http://").unwrap().parse().unwrap();
    let placeholder = env["ANTHROPIC_API_KEY"].clone();
    (passage, at, placeholder)
}

fn post(path: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn connect(target: &str, login: &str) -> String {
    format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{login}\r\n")
}

#[tokio::test]
async fn the_service_sees_the_real_key_and_the_run_never_does() {
    let far = Far::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
    let (passage, at, placeholder) = passage(&wall(&format!("{}/team/a", far.url), &[]));
    let said = passage.environment();
    assert!(!format!("{said:?} {passage:?}").contains("real-"), "{said:?}");
    assert_eq!(said["CLAUDE_CODE_OAUTH_TOKEN"], placeholder);

    let headers = format!(
        "x-api-key: {placeholder}\r\nConnection: x-odd\r\nX-Odd: 1\r\nAccept-Encoding: gzip\r\nanthropic-beta: b\r\n"
    );
    let answer = ask(at, &post("/v1/messages?beta=true", &headers, "{\"a\":1}")).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n{}"), "{answer}");
    let seen = far.requests().remove(0);
    assert!(seen.starts_with("POST /team/a/v1/messages?beta=true HTTP/1.1\r\n"), "{seen}");
    assert!(
        seen.contains(&format!("x-api-key: {KEY}\r\n")) && seen.ends_with("{\"a\":1}"),
        "{seen}"
    );
    let host = far.url.strip_prefix("http://").unwrap();
    for part in
        [&format!("host: {host}\r\n"), "anthropic-beta: b\r\n", "accept-encoding: identity\r\n"]
    {
        assert!(seen.contains(part), "{part}: {seen}");
    }
    assert!(
        !seen.contains(&placeholder) && !seen.contains("x-odd") && !seen.contains("gzip"),
        "{seen}"
    );

    let headers = format!("Authorization: Bearer {placeholder}\r\n");
    ask(at, &post("/v1/messages", &headers, "{}")).await;
    let seen = far.requests().remove(1);
    assert!(seen.contains(&format!("authorization: Bearer {TOKEN}\r\n")), "{seen}");
}

#[tokio::test]
async fn a_request_of_another_run_or_of_nobody_is_refused_and_reaches_nothing() {
    let far = Far::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
    let wall = wall(&far.url, &[]);
    let (one, at, own) = passage(&wall);
    let (_other, _, foreign) = passage(&wall);
    assert_ne!(own, foreign);
    let key = |value: &str| format!("x-api-key: {value}\r\n");
    for (request, status) in [
        (post("/v1/messages", "", "{}"), 401),
        (post("/v1/messages", &key(&foreign), "{}"), 401),
        (post("/v1/messages", &key(KEY), "{}"), 401),
        (
            post("/v1/messages", &format!("{}Authorization: Bearer {TOKEN}\r\n", key(&own)), "{}"),
            401,
        ),
        (post("/v1/files", &key(&own), "{}"), 403),
        (post("/v1/messages/batches", &key(&own), "{}"), 403),
        (post(&format!("{}/v1/messages", far.url), &key(&own), "{}"), 403),
        ("GET http://169.254.169.254/latest HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 403),
        (format!("GET / HTTP/1.1\r\nHost: x\r\nx: {}\r\n\r\n", "y".repeat(1_000_000)), 431),
    ] {
        let answer = ask(at, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:.200}\n{answer}");
        assert!(!answer.contains("real-"), "{answer}");
    }
    assert!(far.requests().is_empty());
    let account = one.account().unwrap();
    assert_eq!(account["hosts"], json!([]));
    let refused = account["refused"].to_string();
    for part in
        ["POST /v1/files: a run may ask models", "\"times\":4", "plain HTTP is not forwarded"]
    {
        assert!(refused.contains(part), "{part}: {refused}");
    }
}

#[tokio::test]
async fn an_answer_comes_piece_by_piece_and_its_tokens_are_counted_on_the_way() {
    let far = Far::silent().await;
    let (passage, at, placeholder) = passage(&wall(&far.url, &[]));
    let headers = format!("x-api-key: {placeholder}\r\n");
    let mut run = begin(at, &post("/v1/messages", &headers, "{}")).await;
    let mut service = far.next().await;
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    service.write_all(head.as_bytes()).await.unwrap();
    let said = read_head(&mut run).await;
    assert!(said.starts_with("HTTP/1.1 200") && said.contains("text/event-stream"), "{said}");
    let usage = |output: u64| json!({"input_tokens": 10, "output_tokens": output});
    let start = json!({"type": "message_start", "message": {"model": "claude-haiku-4-5", "usage": usage(1)}});
    let delta = json!({"type": "message_delta", "usage": {"output_tokens": 25}});
    for (event, output) in [(start, 1), (delta, 25)] {
        let event = format!("data: {event}\n\n");
        let chunk = format!("{:x}\r\n{event}\r\n", event.len());
        service.write_all(chunk.as_bytes()).await.unwrap();
        // The service goes on only after the run has read what it said so far.
        let mut read = vec![0; chunk.len()];
        in_time(run.read_exact(&mut read)).await.unwrap();
        assert!(read.eq_ignore_ascii_case(chunk.as_bytes()), "{}", String::from_utf8_lossy(&read));
        let expected = json!([{
            "model": "claude-haiku-4-5",
            "answers": 1,
            "input_tokens": 10,
            "output_tokens": output,
            "cache_read_tokens": 0,
            "cache_write_tokens": 0,
        }]);
        assert_eq!(passage.account().unwrap()["usage"], expected);
    }
    drop(service);
    let mut rest = Vec::new();
    // The answer has not ended: the run sees that, and what was told counts all the same.
    drop(in_time(run.read_to_end(&mut rest)).await);
    assert!(!rest.ends_with(b"0\r\n\r\n"), "{rest:?}");
    assert_eq!(passage.account().unwrap()["usage"][0]["output_tokens"], 25);
    // Ten tokens at one dollar a million, and 25 at five.
    assert!((passage.cost() - 135e-6).abs() < 1e-9, "{}", passage.cost());
    let host = passage.account().unwrap()["hosts"][0].clone();
    assert!(host["received"].as_u64() > Some(100) && host["sent"].as_u64() > Some(50), "{host}");
}

#[tokio::test]
async fn an_answer_in_one_piece_of_a_known_length_is_counted() {
    let far = Far::answering(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 75\r\n\r\n\
         {\"model\":\"claude-haiku-4-5\",\"usage\":{\"input_tokens\":10,\"output_tokens\":25}}",
    )
    .await;
    let (passage, at, placeholder) = passage(&wall(&far.url, &[]));
    let headers = format!("x-api-key: {placeholder}\r\n");
    let answer = ask(at, &post("/v1/messages", &headers, "{}")).await;
    assert!(answer.ends_with("25}}"), "{answer}");
    let used = passage.account().unwrap()["usage"][0].clone();
    assert_eq!((&used["input_tokens"], &used["output_tokens"]), (&json!(10), &json!(25)), "{used}");
    assert!((passage.cost() - 135e-6).abs() < 1e-9, "{}", passage.cost());
}

#[tokio::test]
async fn a_run_has_a_bounded_number_of_lines_open() {
    let far = Far::silent().await;
    let named = far.url.replace("http://", "");
    let (_passage, at, placeholder) = passage(&wall("http://127.0.0.1:9", &[&named]));
    let login = data_encoding::BASE64.encode(format!("run:{placeholder}").as_bytes());
    let request = connect(&named, &format!("Proxy-Authorization: Basic {login}\r\n"));
    let mut open = Vec::new();
    let refused = loop {
        let mut run = begin(at, &request).await;
        let said = read_head(&mut run).await;
        if !said.starts_with("HTTP/1.1 200") {
            break said;
        }
        open.push((run, far.next().await));
        assert!(open.len() <= 64, "a line more was opened");
    };
    assert!(refused.starts_with("HTTP/1.1 502") && open.len() == 64, "{}: {refused}", open.len());
}

#[tokio::test]
async fn a_line_leads_to_the_named_address_and_port_and_nowhere_else() {
    let (far, other) = (Far::silent().await, Far::silent().await);
    let (named, unnamed) = (far.url.replace("http://", ""), other.url.replace("http://", ""));
    let localhost = unnamed.replace("127.0.0.1", "localhost");
    let wall = wall("http://127.0.0.1:9", &[&named, &localhost]);
    let (passage, at, placeholder) = passage(&wall);
    let login = |password: &str| {
        let login = data_encoding::BASE64.encode(format!("run:{password}").as_bytes());
        format!("Proxy-Authorization: Basic {login}\r\n")
    };
    for (target, login, status) in [
        (named.as_str(), String::new(), 407),
        (&named, login("another"), 407),
        (&unnamed, login(&placeholder), 403),
        ("169.254.169.254:80", login(&placeholder), 403),
        ("[::1]:443", login(&placeholder), 403),
        // The name is on the list, but leads into this machine.
        (&localhost, login(&placeholder), 403),
    ] {
        let answer = ask(at, &connect(target, &login)).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{target}: {answer}");
    }
    let mut run = begin(at, &connect(&named, &login(&placeholder))).await;
    let said = read_head(&mut run).await;
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    let mut there = far.next().await;
    for (from, to) in [(&mut run, &mut there)] {
        from.write_all(b"ping").await.unwrap();
        let mut read = [0; 4];
        in_time(to.read_exact(&mut read)).await.unwrap();
        to.write_all(b"pong!").await.unwrap();
        let mut read = [0; 5];
        in_time(from.read_exact(&mut read)).await.unwrap();
        assert_eq!(&read, b"pong!");
    }
    let hosts = passage.account().unwrap()["hosts"].clone();
    let expected = json!([{"host": named, "connections": 1, "sent": 4, "received": 5}]);
    assert_eq!(hosts, expected);
    // With the passage every line ends.
    drop(passage);
    assert_eq!(in_time(there.read(&mut [0; 1])).await.unwrap_or(0), 0);
    assert_eq!(in_time(run.read(&mut [0; 1])).await.unwrap_or(0), 0);
    assert!(tokio::net::TcpStream::connect(at).await.is_err(), "the port is closed");
}

#[tokio::test]
async fn the_proxy_of_the_server_is_asked_and_its_login_stays_with_the_server() {
    let proxy = Far::answering("HTTP/1.1 503 Busy\r\n\r\n").await;
    let address = proxy.url.replace("http://", "http://me:hunter22@");
    let wall = wall_by("https://model.example", &["repo.example"], &[("HTTPS_PROXY", &address)]);
    let (passage, at, placeholder) = passage(&wall);
    let said = format!("{:?}", passage.environment());
    assert!(!said.contains("hunter22") && !said.contains(&proxy.url), "{said}");
    let answer =
        ask(at, &post("/v1/messages", &format!("x-api-key: {placeholder}\r\n"), "{}")).await;
    assert!(answer.starts_with("HTTP/1.1 502") && answer.contains("503 Busy"), "{answer}");
    let login = data_encoding::BASE64.encode(format!("run:{placeholder}").as_bytes());
    let login = format!("Proxy-Authorization: Basic {login}\r\n");
    let answer = ask(at, &connect("repo.example:443", &login)).await;
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
    let own = data_encoding::BASE64.encode(b"me:hunter22");
    for (seen, host) in proxy.requests().iter().zip(["model.example", "repo.example"]) {
        let expected = format!(
            "CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\nProxy-Authorization: Basic {own}\r\n\r\n"
        );
        assert_eq!(*seen, expected);
    }
    assert_eq!(proxy.requests().len(), 2);
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_said_to_be_the_reason() {
    let (_passage, at, placeholder) = passage(&wall("http://127.0.0.1:1", &[]));
    let answer =
        ask(at, &post("/v1/messages", &format!("x-api-key: {placeholder}\r\n"), "{}")).await;
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
    assert!(answer.contains("The model's service cannot be reached: "), "{answer}");
}

#[tokio::test]
async fn a_socket_may_lie_deep_and_is_gone_with_its_run() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a".repeat(150)).join("wall");
    let wall = wall("http://127.0.0.1:1", &[]);
    let passage = wall.open(Entry::Socket(&deep), "session 1".to_owned()).unwrap();
    let socket = passage.socket().unwrap().to_owned();
    assert!(socket.exists() && socket.starts_with(&deep));
    assert_eq!(passage.environment()["ANTHROPIC_BASE_URL"], "http://127.0.0.1:3128");
    drop(passage);
    assert!(!socket.exists());
}
