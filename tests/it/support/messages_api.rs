//! A scripted Messages API on loopback, so that a real agent program runs without a network, a key and a cost, and the
//! test decides word for word what the model says.
//!
//! Conversations are told apart by a word that only their prompt holds, so that many run at once on one server.

use super::in_time;
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{sleep, spawn};
use std::time::Duration;
use tokio::sync::watch;

/// Stands in a reply for what the last tool answered.
pub const LAST_RESULT: &str = "{{last_tool_result}}";

/// What the model answers to one request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Says something and ends its turn.
    Text(&'static str),
    /// Says something and uses a tool.
    Tool(&'static str, Value),
    /// The same, and reports to have read so many tokens: they cost money.
    Costly(&'static str, Value, u64),
    /// Refuses with a status, the API's word for it, and seconds to wait, if it names them.
    Refuse(u16, &'static str, Option<u64>),
    /// Ends the connection without an answer.
    Drop,
    /// Begins to answer and never ends.
    Hang,
    /// Says a word so many times, with this pause before each.
    Drip(&'static str, usize, Duration),
}

impl Reply {
    /// Runs a command.
    pub fn bash(command: &str) -> Self {
        Self::Tool("Bash", json!({"command": command, "description": "look"}))
    }
}

/// One request as it came in.
#[derive(Clone, Debug)]
pub struct Request {
    /// Names in small letters.
    pub headers: HashMap<String, String>,
    /// The Messages API's request.
    pub body: Value,
}

impl Request {
    /// Every text that the user has said in it, tools' results included, in order.
    pub fn said(&self) -> Vec<String> {
        let messages = self.body["messages"].as_array().into_iter().flatten();
        messages.filter(|m| m["role"] == "user").flat_map(|m| texts(&m["content"])).collect()
    }
}

/// The server; it answers as long as the test's process lives.
#[derive(Clone)]
pub struct MessagesApi {
    /// `http://127.0.0.1:port`.
    pub url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// By the word that a conversation's prompt holds: what is said next.
    scripts: VecDeque<(&'static str, VecDeque<Reply>)>,
    requests: Vec<Request>,
    arrivals: watch::Sender<()>,
}

impl MessagesApi {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        spawn(move || {
            for connection in listener.incoming() {
                let shared = Arc::clone(&shared);
                // A program that is killed does not read its answer to the end.
                spawn(move || serve(connection.unwrap(), &shared).unwrap_or_default());
            }
        });
        Self { url, state }
    }

    /// From now on conversations with this word are answered so, the last reply again and again.
    pub fn script(&self, word: &'static str, replies: impl IntoIterator<Item = Reply>) {
        let mut state = self.state.lock().unwrap();
        state.scripts.retain(|(other, _)| *other != word);
        state.scripts.push_back((word, replies.into_iter().collect()));
    }

    /// The same, also for conversations that hold the words of earlier scripts too.
    pub fn script_first(&self, word: &'static str, replies: impl IntoIterator<Item = Reply>) {
        self.state.lock().unwrap().scripts.push_front((word, replies.into_iter().collect()));
    }

    /// Every request so far of the conversations with this word.
    pub fn requests(&self, word: &str) -> Vec<Request> {
        let requests = &self.state.lock().unwrap().requests;
        requests.iter().filter(|request| holds(request, word)).cloned().collect()
    }

    /// Waits until a conversation with this word has asked something.
    pub async fn until_asked(&self, word: &str) {
        let mut arrivals = self.state.lock().unwrap().arrivals.subscribe();
        in_time(async {
            while self.requests(word).is_empty() {
                arrivals.changed().await.unwrap();
            }
        })
        .await;
    }
}

fn holds(request: &Request, word: &str) -> bool {
    request.said().iter().any(|text| text.contains(word))
}

/// Answers one connection's one request.
fn serve(mut connection: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    let mut reader = BufReader::new(connection.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    if !first.starts_with("POST /v1/messages") || first.contains("count_tokens") {
        return answer(&mut connection, 200, None, &json!({"input_tokens": 1, "data": []}));
    }
    let request = Request { headers, body: serde_json::from_slice(&body).unwrap() };
    let reply = {
        let mut state = state.lock().unwrap();
        state.requests.push(request.clone());
        state.arrivals.send_replace(());
        let script = state.scripts.iter_mut().find(|(word, _)| holds(&request, word));
        let script = script.map(|(_, replies)| replies);
        match script {
            Some(replies) if replies.len() > 1 => replies.pop_front(),
            Some(replies) => replies.front().cloned(),
            None => None,
        }
    };
    let say = |text: &str| json!({"type": "text", "text": text});
    let using =
        |name: &str, input: Value| json!({"type": "tool_use", "name": name, "input": input});
    let (blocks, tokens) = match reply.unwrap_or(Reply::Text("nothing was scripted")) {
        Reply::Text(text) => (vec![say(&text.replace(LAST_RESULT, &last_result(&request)))], 100),
        Reply::Tool(name, input) => (vec![say("I will look."), using(name, input)], 100),
        Reply::Costly(name, input, tokens) => (vec![using(name, input)], tokens),
        Reply::Refuse(status, kind, wait) => {
            let error = json!({"type": "error", "error": {"type": kind, "message": "scripted"}});
            return answer(&mut connection, status, wait, &error);
        }
        Reply::Drop => return Ok(()),
        Reply::Hang => (Vec::new(), 100),
        Reply::Drip(word, times, pause) => {
            let events = events(&request, &[say(word)], 100);
            return drip(&mut connection, &events, times, pause);
        }
    };
    let events = events(&request, &blocks, tokens);
    if blocks.is_empty() {
        stream(&mut connection, &events[..1])?;
        // Until the program gives up or is ended.
        return reader.read_to_end(&mut Vec::new()).map(drop);
    }
    stream(&mut connection, &events)
}

fn answer(
    connection: &mut TcpStream,
    status: u16,
    retry_after: Option<u64>,
    body: &Value,
) -> io::Result<()> {
    let body = body.to_string();
    let wait = retry_after.map_or(String::new(), |wait| format!("retry-after: {wait}\r\n"));
    write!(
        connection,
        "HTTP/1.1 {status} Scripted\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         {wait}connection: close\r\n\r\n{body}",
        body.len(),
    )
}

/// Streams a message of one block, whose piece comes again and again.
fn drip(
    connection: &mut TcpStream,
    events: &[Value],
    times: usize,
    pause: Duration,
) -> io::Result<()> {
    let piece = events.iter().position(|event| event["type"] == "content_block_delta").unwrap();
    stream(connection, &events[..piece])?;
    for _ in 0..times {
        sleep(pause);
        write_events(connection, &events[piece..=piece])?;
    }
    write_events(connection, &events[piece + 1..])
}

fn stream(connection: &mut TcpStream, events: &[Value]) -> io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    connection.write_all(head.as_bytes())?;
    write_events(connection, events)
}

fn write_events(connection: &mut TcpStream, events: &[Value]) -> io::Result<()> {
    for event in events {
        write!(connection, "event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap())?;
    }
    connection.flush()
}

/// The events of the API's stream for one whole message.
fn events(request: &Request, blocks: &[Value], tokens: u64) -> Vec<Value> {
    let message = json!({
        "id": format!("msg_{:08x}", fastrand::u32(..)), "type": "message", "role": "assistant", "model": request.body["model"],
        "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": tokens, "output_tokens": 1},
    });
    let mut events = vec![json!({"type": "message_start", "message": message})];
    let mut stop_reason = "end_turn";
    for (index, block) in blocks.iter().enumerate() {
        let (start, delta) = if block["type"] == "text" {
            let delta = json!({"type": "text_delta", "text": block["text"]});
            (json!({"type": "text", "text": ""}), delta)
        } else {
            stop_reason = "tool_use";
            let id = format!("toolu_{:08x}", fastrand::u32(..));
            let delta =
                json!({"type": "input_json_delta", "partial_json": block["input"].to_string()});
            (json!({"type": "tool_use", "id": id, "name": block["name"], "input": {}}), delta)
        };
        events.extend([
            json!({"type": "content_block_start", "index": index, "content_block": start}),
            json!({"type": "content_block_delta", "index": index, "delta": delta}),
            json!({"type": "content_block_stop", "index": index}),
        ]);
    }
    let delta = json!({"stop_reason": stop_reason, "stop_sequence": null});
    events.extend([
        json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 20}}),
        json!({"type": "message_stop"}),
    ]);
    events
}

/// What the last tool answered.
fn last_result(request: &Request) -> String {
    let messages = request.body["messages"].as_array().into_iter().flatten().rev();
    let blocks = messages.flat_map(|message| message["content"].as_array().into_iter().flatten());
    let result = blocks.into_iter().find(|block| block["type"] == "tool_result");
    result.map_or(String::new(), |block| texts(&block["content"]).concat())
}

/// The texts of a message's content: plain, text blocks, tools' results.
fn texts(content: &Value) -> Vec<String> {
    match content {
        Value::String(text) => vec![text.clone()],
        Value::Array(blocks) => blocks.iter().flat_map(texts).collect(),
        Value::Object(block) => {
            block.get("text").or(block.get("content")).map(texts).unwrap_or_default()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}
