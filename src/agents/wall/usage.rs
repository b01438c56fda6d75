//! Reads the tokens that the model's service tells in its answers, while they pass.
//!
//! *Source:* the Messages API: in a stream `message_start` has the model and the first `usage`, each `message_delta` the
//! cumulative one; an answer in one piece has both in its object.

use super::ledger::Ledger;
use crate::agents::claude::{Tokens, Usage};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderMap};
use serde::Deserialize;
use serde_json::Value;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// The longest line of a stream that is read for its tokens; those that tell them have a few hundred bytes.
const MAX_LINE: usize = 256 * 1024;
/// The longest answer in one piece that is.
const MAX_OBJECT: usize = 8 * 1024 * 1024;
/// What a line that tells tokens holds.
const MARK: &[u8] = b"\"usage\"";

/// The body of an answer, which is read while it passes.
pub(super) struct Metered {
    body: Incoming,
    reader: AnswerReader,
}

impl Metered {
    pub(super) fn new(body: Incoming, headers: &HeaderMap, ledger: &Arc<Ledger>) -> Self {
        Self { body, reader: AnswerReader::of(headers, Arc::clone(ledger)) }
    }
}

impl Body for Metered {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(bytes) = frame.data_ref()
        {
            self.reader.push(bytes);
        }
        Poll::Ready(frame)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// How an answer tells its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Stream,
    Object,
    /// Not at all.
    Silent,
}

/// Reads one answer, which is over when this is dropped: hyper asks for no frame after the last byte of a known length.
struct AnswerReader {
    form: Form,
    /// A line that has not ended yet, or the object so far.
    held: Vec<u8>,
    /// Whether the line, or the object, is too long to be read.
    is_too_long: bool,
    model: String,
    /// Names the answer among those of the run.
    name: String,
    counted: Option<Tokens>,
    ledger: Arc<Ledger>,
}

/// The parts that matter of an event and of a whole answer.
#[derive(Deserialize)]
struct Told {
    message: Option<Message>,
    model: Option<String>,
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Message {
    model: Option<String>,
    usage: Option<Value>,
}

impl AnswerReader {
    fn of(headers: &HeaderMap, ledger: Arc<Ledger>) -> Self {
        let kind =
            headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let form = match kind.split(';').next().unwrap_or_default().trim() {
            "text/event-stream" => Form::Stream,
            "application/json" => Form::Object,
            _ => Form::Silent,
        };
        Self {
            form,
            held: Vec::new(),
            is_too_long: false,
            model: String::new(),
            name: ledger.next_answer(),
            counted: None,
            ledger,
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        match self.form {
            Form::Stream => {
                for part in bytes.split_inclusive(|byte| *byte == b'\n') {
                    self.hold(part, MAX_LINE);
                    if part.ends_with(b"\n") {
                        self.line();
                    }
                }
            }
            Form::Object => self.hold(bytes, MAX_OBJECT),
            Form::Silent => {}
        }
    }

    fn end(&mut self) {
        match self.form {
            Form::Stream => self.line(),
            Form::Object if !self.is_too_long => {
                let held = std::mem::take(&mut self.held);
                self.read(&held);
            }
            Form::Object | Form::Silent => {}
        }
    }

    fn hold(&mut self, bytes: &[u8], most: usize) {
        self.is_too_long |= self.held.len() + bytes.len() > most;
        if self.is_too_long {
            self.held.clear();
        } else {
            self.held.extend_from_slice(bytes);
        }
    }

    fn line(&mut self) {
        let line = std::mem::take(&mut self.held);
        if !std::mem::take(&mut self.is_too_long)
            && let Some(data) = line.strip_prefix(b"data:")
        {
            self.read(data);
        }
    }

    fn read(&mut self, object: &[u8]) {
        if !object.windows(MARK.len()).any(|window| window == MARK) {
            return;
        }
        // What is not of this form tells no tokens.
        let Ok(told) = serde_json::from_slice::<Told>(object) else { return };
        let (model, usage) = match told.message {
            Some(message) => (message.model, message.usage),
            None => (told.model, told.usage),
        };
        if let Some(model) = model {
            self.model = model;
        }
        let usage = usage.and_then(|usage| Usage::read(&self.name, &self.model, false, &usage));
        let Some(usage) = usage else { return };
        let before = self.counted.unwrap_or_default();
        // Each number counts the whole answer so far; one that is left out is as it was.
        let now = usage.tokens.max(before);
        self.ledger.count(&usage, self.counted.is_none(), now.minus(before));
        self.counted = Some(now);
    }
}

impl Drop for AnswerReader {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::super::ledger::ModelUsage;
    use super::*;

    const STREAM: &str = "event: message_start\n\
        data: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-x\",\"usage\":{\"input_tokens\":10,\"cache_read_input_tokens\":5,\"cache_creation_input_tokens\":7,\"output_tokens\":1}}}\n\n\
        data: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"say \\\"usage\\\": {\\\"output_tokens\\\": 999}\"}}\r\n\r\n\
        data: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":20}}\n\n\
        data: {\"type\":\"message_stop\"}\n\n";

    fn reader(kind: &str) -> (AnswerReader, Arc<Ledger>) {
        let ledger = Arc::<Ledger>::default();
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind.parse().unwrap())]);
        (AnswerReader::of(&headers, Arc::clone(&ledger)), ledger)
    }

    fn whole() -> [ModelUsage; 1] {
        let tokens = Tokens { input: 10, output: 20, cache_read: 5, cache_write: 7 };
        [ModelUsage { model: "claude-x".into(), answers: 1, tokens }]
    }

    #[test]
    fn a_stream_tells_its_tokens_wherever_it_is_cut_into_pieces() {
        for size in 1..STREAM.len() {
            let (mut reader, ledger) = reader("text/event-stream; charset=utf-8");
            STREAM.as_bytes().chunks(size).for_each(|chunk| reader.push(chunk));
            drop(reader);
            assert_eq!(ledger.usage(), whole(), "pieces of {size} bytes");
        }
    }

    #[test]
    fn an_answer_that_is_cut_off_counts_as_far_as_it_came() {
        let (mut reader, ledger) = reader("text/event-stream");
        reader.push(&STREAM.as_bytes()[..STREAM.find("content_block").unwrap()]);
        let tokens = Tokens { input: 10, output: 1, cache_read: 5, cache_write: 7 };
        assert_eq!(ledger.usage(), [ModelUsage { model: "claude-x".into(), answers: 1, tokens }]);
    }

    #[test]
    fn an_answer_in_one_piece_tells_its_tokens_at_its_end() {
        let (mut reader, ledger) = reader("application/json");
        let answer = r#"{"type":"message","model":"claude-x","content":[],"usage":{"input_tokens":10,
            "output_tokens":20,"cache_read_input_tokens":5,"cache_creation_input_tokens":7,"service_tier":"standard"}}"#;
        answer.as_bytes().chunks(7).for_each(|chunk| reader.push(chunk));
        assert_eq!(ledger.usage(), []);
        drop(reader);
        assert_eq!(ledger.usage(), whole());
    }

    #[test]
    fn a_line_without_an_end_is_not_held_and_the_next_one_is_read() {
        let (mut reader, ledger) = reader("text/event-stream");
        for _ in 0..1_000 {
            reader.push(&[b'x'; 1_024]);
            assert!(reader.held.len() <= MAX_LINE);
        }
        reader.push(b"\n");
        reader.push(STREAM.as_bytes());
        assert_eq!(ledger.usage(), whole());
    }

    #[test]
    fn what_is_no_answer_of_a_model_counts_nothing() {
        for (kind, text) in [
            ("application/json", r#"{"input_tokens":12}"#),
            ("application/json", r#"{"usage":"none"}"#),
            ("text/html", r#"{"model":"m","usage":{"input_tokens":1}}"#),
        ] {
            let (mut reader, ledger) = reader(kind);
            reader.push(text.as_bytes());
            drop(reader);
            assert_eq!(ledger.usage(), [], "{text}");
        }
    }
}
