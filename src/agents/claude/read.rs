//! Reads lines as events. Nothing here fails: a line that is not understood stays raw.

use super::event::{Denial, Event, RateLimit, Report, Tokens};
use super::meter::Usage;
use super::show::telling_field;
use super::{Line, Lines};
use crate::model::Timestamp;
use serde_json::Value;
use std::borrow::Cow;
use std::time::Duration;

/// Epoch numbers above this are milliseconds, below it seconds: it is the year 5138 in seconds, 1973 in milliseconds.
const MILLIS_FROM: i64 = 100_000_000_000;

/// Turns what the program prints, in chunks of any size, into events.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    lines: Lines,
}

impl Reader {
    /// Takes the next bytes and answers the events of the lines that they end.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<Event> {
        self.lines.push(chunk).iter().flat_map(Self::read).collect()
    }

    /// The events of a last line without an end.
    pub fn finish(&mut self) -> Vec<Event> {
        self.lines.finish().iter().flat_map(Self::read).collect()
    }

    /// The events of one line, for callers that keep the lines, as the transcript does.
    pub fn read(line: &Line) -> Vec<Event> {
        Self::read_all(line).events
    }

    /// All that a line tells.
    pub fn read_all(line: &Line) -> ReadLine {
        let text = String::from_utf8_lossy(&line.bytes);
        match parse(&text) {
            Some(object) if line.dropped == 0 => ReadLine {
                events: events(&object, &text),
                usage: usage(&object),
                is_partial: object["type"].as_str() == Some("stream_event"),
            },
            _ => {
                let events = vec![Event::Raw { text: text.into_owned(), dropped: line.dropped }];
                ReadLine { events, ..ReadLine::default() }
            }
        }
    }
}

/// What one line tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadLine {
    /// What happened.
    pub events: Vec<Event>,
    /// The tokens of a message.
    pub usage: Option<Usage>,
    /// Whether it is a part of an answer that is being written, and comes again with the whole of it.
    pub is_partial: bool,
}

/// The tokens of which a line tells. An answer that is being written tells its input when it begins, its length piece by
/// piece, and its output at its end.
fn usage(object: &Value) -> Option<Usage> {
    let nested = object["parent_tool_use_id"].is_string() || object["nested"] == true;
    let of_message = |message: &Value| {
        Usage::read(&text(message, "id"), &text(message, "model"), nested, &message["usage"])
    };
    let event = &object["event"];
    match (object["type"].as_str()?, event["type"].as_str().unwrap_or_default()) {
        ("assistant" | "usage", _) => of_message(&object["message"]),
        ("stream_event", "message_start") => of_message(&event["message"]),
        ("stream_event", "message_delta") => {
            let read = Usage::read(&text(object, "api_message_id"), "", nested, &event["usage"]);
            read.map(|usage| Usage { is_over: usage.tokens.output > 0, ..usage })
        }
        ("stream_event", "content_block_delta") => {
            // A signature is of the service's own making and no output of the model.
            let is_text = |name: &str| !matches!(name, "type" | "signature");
            let parts = event["delta"].as_object()?.iter().filter(|(name, _)| is_text(name));
            let written = parts.filter_map(|(_, part)| part.as_str()).map(str::len).sum::<usize>();
            let message = text(object, "api_message_id");
            Some(Usage { message, nested, written: written as u64, ..Usage::default() })
        }
        _ => None,
    }
}

/// The JSON object of a line. Half of a surrogate pair is replaced where it stands.
///
/// # Source
/// The program cuts long texts between UTF-16 units, so that an emoji can lose its second half; its JSON then holds a
/// lone `\ud83d`, which `serde_json` refuses for the whole line. A result line must not be lost to that.
fn parse(text: &str) -> Option<Value> {
    let text = text.trim_start_matches('\u{feff}');
    let value = serde_json::from_str(text)
        .or_else(|error| match mended(text) {
            Cow::Borrowed(_) => Err(error),
            Cow::Owned(mended) => serde_json::from_str(&mended),
        })
        .ok();
    value.filter(Value::is_object)
}

/// The text with every escaped UTF-16 unit that is half of a pair replaced by `\ufffd`.
fn mended(text: &str) -> Cow<'_, str> {
    let unit = |at: usize| {
        let hex = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(hex, 16).ok()
    };
    let mut mended = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(offset) = text[at..].find('\\') {
        at += offset;
        match (unit(at), unit(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at += 12,
            (Some(0xd800..=0xdfff), _) => {
                mended.push_str(&text[copied..at]);
                mended.push_str("\\ufffd");
                at += 6;
                copied = at;
            }
            // An escape of one character, which may be a backslash itself or, in garbage, of several bytes.
            _ => at += 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8),
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    mended.push_str(&text[copied..]);
    Cow::Owned(mended)
}

fn events(object: &Value, raw: &str) -> Vec<Event> {
    let (kind, subtype) = (text(object, "type"), text(object, "subtype"));
    let other = || {
        let name = if subtype.is_empty() { kind.clone() } else { format!("{kind}/{subtype}") };
        vec![Event::Other { name, raw: raw.to_owned() }]
    };
    let found = match (kind.as_str(), subtype.as_str()) {
        ("system", "init") => vec![started(object)],
        ("system", "api_retry") => vec![retry(object)],
        ("system", "permission_denied") => vec![Event::Denied(Denial {
            tool: text(object, "tool_name"),
            id: text(object, "tool_use_id"),
            telling: text(object, "message"),
        })],
        // Ours: a transcript keeps lines of standard error so.
        ("stderr", _) => vec![Event::Raw { text: text(object, "text"), dropped: 0 }],
        // Ours too: tokens of an answer that was not whole yet.
        ("usage", _) => return Vec::new(),
        ("rate_limit_event", _) => vec![rate_limit(&object["rate_limit_info"])],
        ("assistant", _) => assistant(object),
        ("user", _) => user(object),
        ("result", _) => vec![Event::Report(Box::new(report(object)))],
        _ => Vec::new(),
    };
    if found.is_empty() { other() } else { found }
}

fn started(object: &Value) -> Event {
    // One of the web that wants a login gets none: nobody is there to give it.
    let broken =
        |server: &&Value| matches!(server["status"].as_str(), Some("failed" | "needs-auth"));
    Event::Started {
        session: text(object, "session_id"),
        model: text(object, "model"),
        version: text(object, "claude_code_version"),
        directory: text(object, "cwd"),
        tools: list(object, "tools").len(),
        broken_servers: list(object, "mcp_servers")
            .iter()
            .filter(broken)
            .map(|server| text(server, "name"))
            .collect(),
    }
}

fn retry(object: &Value) -> Event {
    let wait = object["retry_delay_ms"].as_f64().filter(|ms| *ms > 0.0).unwrap_or(0.0);
    Event::Retry {
        attempt: object["attempt"].as_u64().unwrap_or(0),
        most: object["max_retries"].as_u64().unwrap_or(0),
        wait: Duration::from_millis(wait as u64),
        status: status(&object["error_status"]),
        error: text(object, "error"),
    }
}

/// # Source
/// `rate_limit_event` comes with subscription logins since 2.1.45; `resetsAt` is in seconds and may be missing.
/// A user who pays for usage over the limit is not refused.
fn rate_limit(info: &Value) -> Event {
    let over = info["isUsingOverage"].as_bool() == Some(true);
    Event::RateLimit(RateLimit {
        refused: info["status"].as_str() == Some("rejected") && !over,
        until: info["resetsAt"].as_i64().map(instant),
        which: text(info, "rateLimitType"),
    })
}

/// An instant given in seconds or milliseconds since 1970.
pub(super) fn instant(epoch: i64) -> Timestamp {
    let millis = if epoch < MILLIS_FROM { epoch.saturating_mul(1_000) } else { epoch };
    Timestamp::from_millis(millis)
}

fn assistant(object: &Value) -> Vec<Event> {
    let nested = object["parent_tool_use_id"].is_string();
    let blocks = list(&object["message"], "content");
    if let Some(error) = object["error"].as_str() {
        let texts: Vec<_> = blocks.iter().map(|block| text(block, "text")).collect();
        return vec![Event::ApiError {
            error: error.to_owned(),
            status: status(&object["api_error_status"]),
            text: texts.concat(),
        }];
    }
    let event = |block: &Value| match block["type"].as_str() {
        Some("text") => Some(Event::Text { text: text(block, "text"), nested }),
        Some("thinking") => Some(Event::Thinking(text(block, "thinking"))),
        Some("tool_use" | "server_tool_use" | "mcp_tool_use") => Some(Event::ToolUse {
            id: text(block, "id"),
            name: text(block, "name"),
            telling: telling_field(&block["input"]),
            nested,
        }),
        _ => None,
    };
    blocks.iter().filter_map(event).collect()
}

fn user(object: &Value) -> Vec<Event> {
    let content = &object["message"]["content"];
    if let Some(words) = content.as_str() {
        return vec![Event::Remark(words.to_owned())];
    }
    let events = |block: &Value| match block["type"].as_str() {
        Some("text") => vec![Event::Remark(text(block, "text"))],
        Some("tool_result") => {
            let result = Event::ToolResult {
                id: text(block, "tool_use_id"),
                text: result_text(&block["content"]),
                is_error: block["is_error"].as_bool() == Some(true),
            };
            not_offered(&result).map(Event::Denied).into_iter().chain([result]).collect()
        }
        _ => Vec::new(),
    };
    list(&object["message"], "content").iter().flat_map(events).collect()
}

/// The denial of a tool that the program does not offer to the model: a tool's answer is all that it says of that.
///
/// # Source
/// `<tool_use_error>Error: No such tool available: Write. Write is disabled for this session, …`, of 2.1.329; the sentence
/// after the name is another one in 2.1.128, and there is none where no tool has that name.
fn not_offered(result: &Event) -> Option<Denial> {
    let Event::ToolResult { id, text, is_error: true } = result else { return None };
    let told = text.strip_prefix("<tool_use_error>Error: No such tool available: ")?;
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let tool = told.split(|c| !is_of_name(c)).next().filter(|tool| !tool.is_empty())?;
    let telling = "it is not offered to this session".to_owned();
    Some(Denial { tool: tool.to_owned(), id: id.clone(), telling })
}

/// What a tool answered: a text, or a list of blocks.
fn result_text(content: &Value) -> String {
    let block = |block: &Value| match block["text"].as_str() {
        Some(text) => text.to_owned(),
        None => format!("[{}]", block["type"].as_str().unwrap_or("?")),
    };
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks.iter().map(block).collect::<Vec<_>>().join("\n"),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}

fn report(object: &Value) -> Report {
    let owned = |key: &str| object[key].as_str().map(str::to_owned);
    let denial = |denial: &Value| Denial {
        tool: text(denial, "tool_name"),
        id: text(denial, "tool_use_id"),
        telling: telling_field(&denial["tool_input"]),
    };
    Report {
        subtype: text(object, "subtype"),
        is_error: object["is_error"].as_bool() == Some(true),
        text: owned("result"),
        errors: list(object, "errors")
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        terminal_reason: owned("terminal_reason"),
        status: status(&object["api_error_status"]),
        cost_usd: object["total_cost_usd"].as_f64(),
        num_turns: object["num_turns"].as_u64(),
        duration_ms: object["duration_ms"].as_u64(),
        tokens: object["usage"].is_object().then(|| Tokens::read(&object["usage"])),
        denials: list(object, "permission_denials").iter().map(denial).collect(),
        structured: object.get("structured_output").filter(|value| !value.is_null()).cloned(),
        session: owned("session_id"),
    }
}

fn status(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|status| u16::try_from(status).ok())
}

fn text(object: &Value, key: &str) -> String {
    object[key].as_str().unwrap_or_default().to_owned()
}

fn list<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object[key].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Vec<Event> {
        Reader::read(&Line { bytes: line.into(), dropped: 0 })
    }

    #[test]
    fn half_an_emoji_does_not_lose_the_line() {
        let line = r#"{"type":"result","subtype":"success","result":"\\ud83d \ud83d\ude00 \ud83d|\ude00"}"#;
        let Some(Event::Report(report)) = read(line).pop() else { panic!("no report") };
        assert_eq!(report.text.as_deref(), Some("\\ud83d 😀 \u{fffd}|\u{fffd}"));
    }

    #[test]
    fn a_tool_that_is_not_offered_is_denied_whatever_a_command_prints() {
        let answered = |text: &str, is_error: bool| {
            let content = serde_json::json!([
                {"type": "tool_result", "tool_use_id": "t", "content": text, "is_error": is_error}]);
            read(&serde_json::json!({"type": "user", "message": {"content": content}}).to_string())
        };
        for more in ["</tool_use_error>", ". Write is disabled for this session.</tool_use_error>"]
        {
            let text = format!("<tool_use_error>Error: No such tool available: Write{more}");
            let found = answered(&text, true);
            let telling = "it is not offered to this session".to_owned();
            let denial = Denial { tool: "Write".into(), id: "t".into(), telling };
            assert_eq!(found[0], Event::Denied(denial), "{text}");
            assert!(matches!(&found[1], Event::ToolResult { is_error: true, .. }));
            assert_eq!(answered(&text, false).len(), 1, "a tool that succeeds is offered");
            assert_eq!(answered(&format!("Exit code 1\n{text}"), true).len(), 1);
        }
        assert_eq!(answered("<tool_use_error>Error: No such tool available: ", true).len(), 1);
    }

    #[test]
    fn several_blocks_of_one_line_are_several_events_and_a_subagents_are_marked() {
        let line = r#"{"type":"assistant","parent_tool_use_id":"t1","message":{"content":[
            {"type":"text","text":"a"},{"type":"tool_use","id":"t2","name":"Grep","input":{"pattern":"x"}},{"type":"new"}]}}"#;
        let use_of = |name: &str, telling: &str| Event::ToolUse {
            id: "t2".into(),
            name: name.into(),
            telling: telling.into(),
            nested: true,
        };
        let text = Event::Text { text: "a".into(), nested: true };
        assert_eq!(read(&line.replace('\n', "")), [text, use_of("Grep", "x")]);
    }

    #[test]
    fn a_refused_rate_limit_says_until_when_in_seconds_or_milliseconds() {
        for at in ["1778565600", "1778565600000"] {
            let line = format!(
                r#"{{"type":"rate_limit_event","rate_limit_info":{{"status":"rejected","resetsAt":{at},"rateLimitType":"five_hour"}}}}"#
            );
            let limit = RateLimit {
                refused: true,
                until: Some(Timestamp::from_millis(1_778_565_600_000)),
                which: "five_hour".into(),
            };
            assert_eq!(read(&line), [Event::RateLimit(limit)]);
        }
        let paid = r#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","isUsingOverage":true}}"#;
        let bare = RateLimit { refused: false, until: None, which: String::new() };
        for line in [r#"{"type":"rate_limit_event"}"#, paid] {
            assert_eq!(read(line), [Event::RateLimit(bare.clone())]);
        }
    }

    #[test]
    fn servers_that_did_not_come_up_are_named() {
        let servers = r#"[{"name":"a","status":"connected"},{"name":"b","status":"failed"},{"name":"c","status":"needs-auth"}]"#;
        let line = format!(r#"{{"type":"system","subtype":"init","mcp_servers":{servers}}}"#);
        let Event::Started { broken_servers, .. } = read(&line).remove(0) else {
            panic!("it is ready")
        };
        assert_eq!(broken_servers, ["b", "c"]);
    }

    #[test]
    fn what_is_not_understood_stays_as_it_came() {
        for line in ["not json", "[1]", "7", "null", "{\"type\":\"result\"", "\u{1b}[31mred"] {
            assert_eq!(read(line), [Event::Raw { text: line.into(), dropped: 0 }]);
        }
        for (line, name) in [
            (r#"{"type":"system","subtype":"brand_new","x":1}"#, "system/brand_new"),
            (r#"{"type":"assistant","message":5}"#, "assistant"),
            ("{}", ""),
        ] {
            assert_eq!(read(line), [Event::Other { name: name.into(), raw: line.into() }]);
        }
    }

    #[test]
    fn an_answer_that_is_written_counts_its_text_until_it_tells_its_output() {
        let usage = |event: &str| {
            let line = format!(r#"{{"type":"stream_event","event":{event}}}"#);
            Reader::read_all(&Line { bytes: line.into(), dropped: 0 }).usage.unwrap()
        };
        for (delta, written) in [
            (r#"{"type":"text_delta","text":"12345"}"#, 5),
            (r#"{"type":"input_json_delta","partial_json":"{}"}"#, 2),
            (r#"{"type":"thinking_delta","thinking":"123"}"#, 3),
            (r#"{"type":"signature_delta","signature":"c2lnbmF0dXJl"}"#, 0),
        ] {
            let told = usage(&format!(r#"{{"type":"content_block_delta","delta":{delta}}}"#));
            assert_eq!((told.written, told.is_over), (written, false), "{delta}");
        }
        for (told, is_over) in [(r#"{"output_tokens":7}"#, true), ("{}", false)] {
            let told = usage(&format!(r#"{{"type":"message_delta","usage":{told}}}"#));
            assert_eq!(told.is_over, is_over);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn time_grows_with_the_length_whatever_a_line_repeats() {
        for piece in [
            "{",
            "[",
            "{\"a\":",
            "\"",
            "\\",
            "\\ud83d",
            "\\ude00",
            "\\u",
            "\u{feff}",
            "resets ",
            "reset",
            "try again |",
            "|1795280400",
            "0",
            " ",
            "ä",
            "\r",
        ] {
            crate::growth::grows_with_its_length(piece, piece, |text| drop(read(text)));
            crate::growth::grows_with_its_length(piece, piece, |text| {
                let text = serde_json::to_string(text).unwrap();
                drop(read(&format!("{{\"type\":\"result\",\"result\":{text}}}")));
                drop(read(&format!("{{\"type\":\"result\",\"result\":{text},\"a\":\"\\ud83d\"}}")));
            });
            crate::growth::grows_with_its_length(piece, piece, |text| {
                let now = Timestamp::from_millis(1_795_280_400_000);
                crate::agents::claude::reset_time(text, now);
            });
        }
    }
}
