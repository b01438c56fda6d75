//! JSON values as times, levels and texts.

use crate::logs::read::fields::Weight;
use crate::logs::read::level;
use crate::logs::read::row::field;
use crate::logs::read::time::{self, Moment, TimeFrame};
use crate::model::Level;
use serde_json::{Map, Value};

/// How deep a text is looked for in an object of unknown shape.
const MAX_DEPTH: usize = 4;

/// What is known where a value stands.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) path: &'a str,
    pub(super) frame: TimeFrame,
    /// An event of Windows, whose levels go from 1, critical, to 5.
    pub(super) is_windows: bool,
}

impl Reading<'_> {
    /// A text in any spelling, a number since 1970, or an object that holds one of them.
    pub(super) fn time(&self, value: &Value) -> Option<Moment> {
        self.any_time(value).filter(|time| time.is_set())
    }

    fn any_time(&self, value: &Value) -> Option<Moment> {
        match value {
            Value::Number(number) => time::epoch(number.as_f64()?),
            Value::String(text) => self.time_text(text),
            Value::Object(keys) => {
                let whole = |name: &str| keys.get(name).and_then(Value::as_f64);
                let parts = |seconds: &str, nanos: &str| {
                    Some(whole(seconds)? + whole(nanos).unwrap_or(0.0) / 1e9)
                };
                if let Some(seconds) =
                    parts("epochSecond", "nanoOfSecond").or_else(|| parts("seconds", "nanos"))
                {
                    return time::epoch(seconds);
                }
                ["$date", "$numberLong", "timestamp", "iso", "repr"]
                    .iter()
                    .find_map(|name| self.time(keys.get(*name)?))
            }
            Value::Null | Value::Bool(_) | Value::Array(_) => None,
        }
    }

    fn time_text(&self, text: &str) -> Option<Moment> {
        let text = text.trim();
        if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return time::epoch(text.parse().ok()?);
        }
        if let Some(rest) = text.strip_prefix("/Date(") {
            return time::epoch(rest.split([')', '+', '-']).next()?.parse().ok()?);
        }
        time::leading(text, self.frame).map(|(moment, _)| moment)
    }

    pub(super) fn level(&self, value: &Value) -> Option<(Weight, Level)> {
        let found = match value {
            Value::String(text) if self.path == "s" => letter(text),
            Value::String(text) if self.path == "at" => level::word(text),
            Value::String(text) => {
                level::word(text).or_else(|| self.number(text.trim().parse().ok()?))
            }
            Value::Number(number) => self.number(number.as_u64()?),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        found.map(|level| (Weight::Stated, level))
    }

    fn number(&self, number: u64) -> Option<Level> {
        if self.path.contains("number") {
            return level::telemetry(number);
        }
        if self.is_windows {
            let at = usize::try_from(number).ok()?;
            let levels = [
                Level::Info,
                Level::Critical,
                Level::Error,
                Level::Warning,
                Level::Info,
                Level::Debug,
            ];
            return levels.get(at).copied();
        }
        level::number(number)
    }

    /// The severity of syslog, as a number or a text of one.
    pub(super) fn severity(value: &Value) -> Option<Level> {
        let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
        number.map_or_else(|| value.as_str().and_then(level::word), level::severity)
    }
}

/// `E`, `D2`: a letter of `MongoDB`'s.
fn letter(text: &str) -> Option<Level> {
    let bytes = text.as_bytes();
    let short = bytes.len() == 1 || (bytes.len() == 2 && bytes[1].is_ascii_digit());
    short.then(|| level::letter(bytes[0])).flatten()
}

/// A text, the array of bytes that journald writes for a text it does not trust, texts in an array, or the text that an
/// object holds.
pub(super) fn message_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim_end().to_owned(),
        Value::Array(items) => array_text(items)?,
        Value::Object(keys) => object_text(keys)?,
        Value::Null | Value::Bool(_) | Value::Number(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn array_text(items: &[Value]) -> Option<String> {
    let bytes: Option<Vec<u8>> = items.iter().map(|b| u8::try_from(b.as_u64()?).ok()).collect();
    if let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) {
        return Some(String::from_utf8_lossy(&bytes).into_owned());
    }
    let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
    (!texts.is_empty()).then(|| texts.join(" "))
}

fn object_text(keys: &Map<String, Value>) -> Option<String> {
    let own = ["message", "msg", "stringValue", "text", "body"]
        .iter()
        .find_map(|name| keys.get(*name)?.as_str());
    if let Some(text) = own {
        return Some(text.trim_end().to_owned());
    }
    // OpenTelemetry's lists of pairs.
    if let Some(pairs) =
        keys.get("kvlistValue").and_then(|list| list.get("values")).and_then(Value::as_array)
    {
        let is_message = |pair: &&Value| matches!(pair["key"].as_str(), Some("message" | "msg"));
        let pair = pairs.iter().find(is_message).or_else(|| pairs.first())?;
        return pair["value"]["stringValue"].as_str().map(str::to_owned);
    }
    longest(keys)
}

/// Whether a text is words; a date is none.
fn is_said(text: &str) -> bool {
    text.trim().contains(' ') && text.contains(char::is_alphabetic)
}

/// The longest text of several words in an object.
pub(super) fn longest(keys: &Map<String, Value>) -> Option<String> {
    fn search<'a>(value: &'a Value, depth: usize, best: &mut &'a str) {
        match value {
            Value::String(text) if text.len() > best.len() && is_said(text) => *best = text,
            Value::Array(items) if depth > 0 => {
                for item in items {
                    search(item, depth - 1, best);
                }
            }
            Value::Object(keys) if depth > 0 => {
                for value in keys.values() {
                    search(value, depth - 1, best);
                }
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => {}
        }
    }
    let mut best = "";
    for value in keys.values() {
        search(value, MAX_DEPTH, &mut best);
    }
    (!best.is_empty()).then(|| best.trim_end().to_owned())
}

/// A stack trace: a text of several lines, or an array of them.
pub(super) fn trace_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim_end().to_owned(),
        Value::Array(lines) => {
            let lines: Option<Vec<&str>> = lines.iter().map(Value::as_str).collect();
            lines?.join("\n")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
    };
    text.contains('\n').then_some(text)
}

/// Who speaks: a text, or the name in an object.
pub(super) fn name(value: &Value) -> Option<String> {
    let text = value.as_str().or_else(|| value.get("name")?.as_str())?;
    (!text.trim().is_empty()).then(|| field(text))
}

/// An id or a path.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(field(text)),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
