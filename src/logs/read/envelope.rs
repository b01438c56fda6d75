//! What a system put around a program's line: syslog, the journal's and the containers' prefixes, Docker's JSON.
//!
//! An envelope is taken off before lines are joined, since what it stamps is a line, and an event may have many.

mod syslog;

use super::level;
use super::time::{self, Moment, TimeFrame};
use crate::model::Level;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What an envelope says.
#[derive(Clone, Debug, Default)]
pub(super) struct Envelope<'a> {
    pub(super) time: Option<Moment>,
    /// The priority that the system knows.
    pub(super) level: Option<Level>,
    pub(super) source: Option<Cow<'a, str>>,
    /// Lines of one event come the same way: from one process, by one stream.
    pub(super) lane: u64,
    pub(super) joins: Joins,
    /// The line goes on in the next of its lane.
    pub(super) is_partial: bool,
    /// What else it says.
    pub(super) extra: Map<String, Value>,
}

/// Which of the lines that come one way may be one event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Joins {
    /// Each line is one by itself, unless a tab indents it.
    #[default]
    Tabs,
    /// Lines are stamped messages, of which a trace takes several.
    Traces,
    /// Lines are stamped as they come.
    All,
}

/// A line without its envelope.
#[derive(Debug)]
pub(super) struct Peeled<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) envelope: Envelope<'a>,
}

impl<'a> Peeled<'a> {
    fn new(text: &'a str, envelope: Envelope<'a>) -> Self {
        Self { text: Cow::Borrowed(text), envelope }
    }
}

impl Envelope<'_> {
    /// Of a line that has none.
    fn none() -> Self {
        Self { joins: Joins::All, ..Self::default() }
    }

    /// The same with texts of its own.
    pub(super) fn into_owned(self) -> Envelope<'static> {
        Envelope { source: self.source.map(|source| Cow::Owned(source.into_owned())), ..self }
    }
}

/// Takes the envelope off a line.
pub(super) fn peel(line: &str, frame: TimeFrame) -> Peeled<'_> {
    let peeled = match line.as_bytes().first() {
        Some(b'{') => docker(line),
        Some(b'<') => syslog::prioritized(line, frame),
        Some(b'0'..=b'9') => by_time(line, frame),
        Some(b'[') => pod(line).or_else(|| uptime(line)),
        Some(b'A'..=b'Z') => syslog::dated(line, frame).or_else(|| service(line)),
        Some(b'a'..=b'z') => dmesg(line).or_else(|| service(line)),
        _ => None,
    };
    peeled.unwrap_or_else(|| Peeled::new(line, Envelope::none()))
}

fn lane(parts: &[&str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

/// Names that only an object of a program's own has, in lower case.
const OWN: [&str; 11] = [
    "level",
    "levelname",
    "log_level",
    "loglevel",
    "lvl",
    "severity",
    "@level",
    "message",
    "msg",
    "@message",
    "short_message",
];
/// Docker cuts lines into pieces of 16 KiB; of a character that it cut, the bytes may be missing.
const PIECE: usize = 16 * 1000;

/// Whether an object of Docker's says that its line goes on: by a mark, or as a whole piece without the line's end.
fn goes_on(keys: &Map<String, Value>, text: &str) -> bool {
    let mark = keys.get("_p").or_else(|| keys.get("logtag")).and_then(Value::as_str);
    mark.map_or_else(|| !text.ends_with('\n') && text.len() >= PIECE, |mark| mark == "P")
}

/// `{"log":"…\n","stream":"stderr","time":"…"}`
fn docker(line: &str) -> Option<Peeled<'_>> {
    if !line.contains("\"log\":\"") {
        return None;
    }
    let mut keys: Map<String, Value> = serde_json::from_str(line).ok()?;
    let fits = keys.contains_key("stream") || keys.contains_key("time");
    if !fits || keys.keys().any(|key| OWN.iter().any(|own| key.eq_ignore_ascii_case(own))) {
        return None;
    }
    let Value::String(mut text) = keys.remove("log")? else { return None };
    let is_partial = goes_on(&keys, &text);
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    let text = match super::text::clean(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(clean) => clean,
    };
    let stream = lane(&[keys.get("stream").and_then(Value::as_str).unwrap_or_default()]);
    // The instant is Docker's own; it is read whatever the file's age.
    let time = keys.get("time").and_then(Value::as_str);
    let time = time.and_then(|text| time::leading(text, TimeFrame::NONE)).map(|(at, _)| at);
    if time.is_some() {
        keys.remove("time");
    }
    let envelope = Envelope {
        time,
        lane: stream,
        joins: Joins::All,
        is_partial,
        extra: keys,
        ..Envelope::default()
    };
    Some(Peeled { text: Cow::Owned(text), envelope })
}

/// What begins with a time of ISO 8601: a container runtime's line, syslog, Heroku, GitLab; or an octet count.
fn by_time(line: &str, frame: TimeFrame) -> Option<Peeled<'_>> {
    if line.as_bytes().get(10) != Some(&b'T') {
        return syslog::counted(line, frame);
    }
    let (moment, end) = time::leading(line, frame)?;
    let rest = line[end..].strip_prefix(' ')?;
    let envelope = Envelope { time: Some(moment), joins: Joins::All, ..Envelope::default() };
    for stream in ["stdout", "stderr"] {
        if let Some(rest) = rest.strip_prefix(stream) {
            let rest = rest.strip_prefix(' ')?;
            let (marks, text) = rest.split_once(' ').unwrap_or((rest, ""));
            let is_partial = match marks.split(':').next() {
                Some("P") => true,
                Some("F") => false,
                _ => return None,
            };
            return Some(Peeled::new(
                text,
                Envelope { lane: lane(&[stream]), is_partial, ..envelope },
            ));
        }
    }
    let each = Envelope { time: Some(moment), ..Envelope::default() };
    gitlab(rest).map(|text| Peeled::new(text, each)).or_else(|| syslog::tagged(rest, moment))
}

/// `00O text`, `01E text`: the number of a stream, and which it is.
fn gitlab(rest: &str) -> Option<&str> {
    let bytes = rest.as_bytes();
    let is_hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    let fits = is_hex(0)
        && is_hex(1)
        && matches!(bytes.get(2), Some(b'O' | b'E'))
        && matches!(bytes.get(3), Some(b' ' | b'+'));
    fits.then(|| rest.get(4..).unwrap_or_default())
}

/// `[pod/web-1/nginx] text`, as `kubectl logs --prefix` has it.
fn pod(line: &str) -> Option<Peeled<'_>> {
    let (name, text) = line.strip_prefix("[pod/")?.split_once("] ")?;
    let source = name.rsplit('/').next().unwrap_or(name);
    Some(Peeled::new(
        text,
        Envelope {
            source: Some(source.into()),
            lane: lane(&[name]),
            joins: Joins::All,
            ..Envelope::default()
        },
    ))
}

/// `[   12.345678] text`: seconds since the kernel started, which is no date.
fn uptime(line: &str) -> Option<Peeled<'_>> {
    let text = without_uptime(line)?;
    Some(Peeled::new(
        text,
        Envelope { source: Some("kernel".into()), joins: Joins::Traces, ..Envelope::default() },
    ))
}

fn without_uptime(line: &str) -> Option<&str> {
    let (inside, text) = line.strip_prefix('[')?.split_once(']')?;
    let (seconds, fraction) = inside.trim_start().split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (digits(seconds) && fraction.len() == 6 && digits(fraction))
        .then_some(text.strip_prefix(' ').unwrap_or(text))
}

/// `kern  :err   : text`, as `dmesg -x` has it.
fn dmesg(line: &str) -> Option<Peeled<'_>> {
    const FACILITIES: [&str; 9] =
        ["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "cron"];
    let (facility, rest) = line.split_once(':')?;
    let (level, text) = rest.split_once(": ")?;
    let level = level::word(level.trim()).filter(|_| FACILITIES.contains(&facility.trim()))?;
    let envelope = Envelope {
        level: Some(level),
        source: Some("kernel".into()),
        joins: Joins::Traces,
        ..Envelope::default()
    };
    Some(Peeled::new(without_uptime(text).unwrap_or(text), envelope))
}

/// `web-1  | text`, as Docker Compose has it.
fn service(line: &str) -> Option<Peeled<'_>> {
    let (name, rest) = line.get(..line.floor_char_boundary(80))?.split_once(" |")?;
    let name = name.trim_end();
    let (service, number) = name.rsplit_once(['-', '_'])?;
    let fits = !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
        && !service.is_empty()
        && service.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        && (rest.is_empty() || rest.starts_with(' '));
    let text = line.split_once(" |").filter(|_| fits)?.1;
    let text = text.strip_prefix(' ').unwrap_or(text);
    Some(Peeled::new(
        text,
        Envelope {
            source: Some(service.into()),
            lane: lane(&[name]),
            joins: Joins::All,
            ..Envelope::default()
        },
    ))
}
