//! Lines of a text file as log rows: JSON lines and plain text of the common shapes.
//!
//! The parser holds one row at a time, so that a file of any length is read in bounded memory: a line that continues
//! the row before it (a stack trace) is added to that row's message, up to a limit. Nothing is refused; what is not
//! recognised is a row of level info whose message is the line.

use crate::model::{Level, NewLogRow, Timestamp};
use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime};
use serde_json::{Map, Value};

/// Longest message, in bytes: a deep stack trace; more is cut.
const MAX_MESSAGE: usize = 64 * 1024;
/// What ends a message that was cut.
const CUT: &str = "… (cut)";
/// Longest source, id and path, in bytes: columns that are looked up, not read.
const MAX_FIELD: usize = 1024;
/// Most bytes of other JSON keys kept with a row; more are dropped as a whole, since half a JSON object is none.
const MAX_EXTRA: usize = 64 * 1024;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const TRACEBACK: &str = "Traceback (most recent call last)";
/// The beginnings of lines that continue a stack trace although they are not indented.
const CONTINUES: [&str; 6] = [
    "Caused by",
    "stack backtrace:",
    "note: run with `RUST_BACKTRACE",
    "During handling of the above",
    "The above exception was",
    "... ",
];

// Keys in the order of preference: the first that is there is taken, the others stay in `extra_data`.
const MESSAGE: &str = "MESSAGE message msg event";
const TIME: &str = "__REALTIME_TIMESTAMP timestamp time ts @timestamp asctime";
const LEVEL: &str = "PRIORITY level levelname severity log.level";
const SOURCE: &str = "_SYSTEMD_UNIT SYSLOG_IDENTIFIER _COMM logger name source target module";
const CORRELATION: &str = "correlation_id request_id trace_id";
const USER: &str = "user_id";
const PATH: &str = "request_path path";

/// What a row takes where its line says nothing.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    /// The source, commonly the file's name without its suffix.
    pub(crate) source: String,
    /// The instant, ISO 8601, commonly when the file was last changed; also lends its year to syslog lines.
    pub(crate) timestamp: String,
}

/// Turns lines into rows and joins the lines of a stack trace.
#[derive(Debug)]
pub(crate) struct LineParser {
    defaults: Defaults,
    pending: Option<NewLogRow>,
    /// A traceback or a panic is open: its last line, which is not indented, is still to come.
    open: bool,
}

impl LineParser {
    /// A parser at the start of a file.
    pub(crate) fn new(defaults: Defaults) -> Self {
        Self { defaults, pending: None, open: false }
    }

    /// Takes the next line, with or without its line break; answers the row before it once that is complete.
    pub(crate) fn push(&mut self, line: &str) -> Option<NewLogRow> {
        let line = line.trim_end().trim_start_matches('\u{feff}');
        if line.is_empty() {
            return None;
        }
        if self.continues(line)
            && let Some(row) = &mut self.pending
        {
            append(&mut row.message, line);
            return None;
        }
        self.open = opens_trace(line);
        self.pending.replace(parse_line(line, &self.defaults))
    }

    /// The last row of the file, or of those so far: what comes after begins a row of its own.
    pub(crate) fn finish(&mut self) -> Option<NewLogRow> {
        self.open = false;
        self.pending.take()
    }

    /// Whether a row waits for the next line.
    pub(crate) fn is_waiting(&self) -> bool {
        self.pending.is_some()
    }

    /// Gives later lines without a time this one, ISO 8601.
    pub(crate) fn set_time(&mut self, timestamp: String) {
        self.defaults.timestamp = timestamp;
    }

    /// Whether the line belongs to the row before it.
    fn continues(&mut self, line: &str) -> bool {
        let Some(row) = &self.pending else {
            return false;
        };
        if line.starts_with([' ', '\t']) {
            self.open |= opens_trace(line);
            return true;
        }
        if opens_trace(line) {
            // A program logs an error together with its traceback. A traceback after a line of another level is a row of its own.
            let belongs = row.level >= Level::Warning && timed(line, &self.defaults).is_none();
            self.open |= belongs;
            return belongs;
        }
        let ends_trace =
            self.open && !line.starts_with('{') && timed(line, &self.defaults).is_none();
        self.open &= !ends_trace;
        ends_trace || CONTINUES.iter().any(|start| line.starts_with(start))
    }
}

/// The message of a JSON line, if it is one and has a message.
#[cfg(feature = "cli")]
pub(crate) fn json_message(line: &str) -> Option<String> {
    let line = line.trim();
    let keys: Map<String, Value> = (line.starts_with('{') && line.ends_with('}'))
        .then(|| serde_json::from_str(line).ok())??;
    let fields = keys.get("fields").and_then(Value::as_object);
    let find = |keys: &Map<String, Value>| {
        MESSAGE.split(' ').find_map(|name| keys.get(name).and_then(message_text))
    };
    find(&keys).or_else(|| find(fields?))
}

/// One line as a row by itself.
pub(crate) fn parse_line(line: &str, defaults: &Defaults) -> NewLogRow {
    let json =
        line.trim_start().starts_with('{').then(|| serde_json::from_str(line)).and_then(Result::ok);
    match json {
        Some(keys) => json_row(keys, line, defaults),
        None => text_row(line, defaults),
    }
}

fn opens_trace(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with(TRACEBACK) || (line.contains(" panicked at ") && line.ends_with(':'))
}

fn append(message: &mut String, line: &str) {
    if message.len() < MAX_MESSAGE {
        message.push('\n');
        message.push_str(line);
        cut(message);
    }
}

/// Cuts a message to the limit, with a word that says so; a cut message is as long as the limit or a few bytes less.
fn cut(message: &mut String) {
    if message.len() > MAX_MESSAGE {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE - CUT.len()));
        message.push_str(CUT);
    }
}

fn json_row(mut keys: Map<String, Value>, line: &str, defaults: &Defaults) -> NewLogRow {
    // tracing keeps message and fields one level deeper.
    if let Some(Value::Object(fields)) = keys.remove("fields") {
        for (key, value) in fields {
            keys.entry(key).or_insert(value);
        }
    }
    let message = take(&mut keys, MESSAGE, |_, value| message_text(value));
    let mut message = message.unwrap_or_else(|| line.to_owned());
    cut(&mut message);
    let timestamp = take(&mut keys, TIME, json_time).unwrap_or_else(|| defaults.timestamp.clone());
    let level = take(&mut keys, LEVEL, json_level).unwrap_or_else(|| guess_level(&message));
    let source = take(&mut keys, SOURCE, |_, value| value.as_str().map(field));
    let mut row = NewLogRow::new(
        timestamp,
        level,
        source.unwrap_or_else(|| defaults.source.clone()),
        message,
    );
    row.correlation_id = take(&mut keys, CORRELATION, |_, value| scalar(value));
    row.user_id = take(&mut keys, USER, |_, value| scalar(value));
    row.request_path = take(&mut keys, PATH, |_, value| scalar(value));
    row.extra_data = extra(keys);
    row
}

/// Removes the first of the `names` whose value can be read as the wanted type.
fn take<T>(
    keys: &mut Map<String, Value>,
    names: &str,
    read: impl Fn(&str, &Value) -> Option<T>,
) -> Option<T> {
    let taken = |name| Some((name, read(name, keys.get(name)?)?));
    let (name, value) = names.split(' ').find_map(taken)?;
    keys.remove(name);
    Some(value)
}

/// A text, or the array of bytes that journald writes for a text it does not trust.
fn message_text(value: &Value) -> Option<String> {
    if let Some(bytes) = value.as_array() {
        let bytes: Option<Vec<u8>> = bytes.iter().map(|b| u8::try_from(b.as_u64()?).ok()).collect();
        return Some(String::from_utf8_lossy(&bytes?).into_owned());
    }
    value.as_str().map(|text| text.trim_end().to_owned())
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(field(text)),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn field(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_FIELD)].to_owned()
}

pub(super) fn extra(keys: Map<String, Value>) -> Option<String> {
    let text = (!keys.is_empty()).then(|| Value::Object(keys).to_string())?;
    if text.len() > MAX_EXTRA {
        Some(format!("{{\"dropped_bytes\":{}}}", text.len()))
    } else {
        Some(text)
    }
}

/// ISO text, or a number since 1970 in the unit its size tells: seconds, ms, µs or ns.
fn json_time(_: &str, value: &Value) -> Option<String> {
    let iso = value.as_str().and_then(iso).map(|(at, _)| at);
    iso.or_else(|| epoch(value.as_f64().or_else(|| value.as_str()?.parse().ok())?))
}

fn epoch(number: f64) -> Option<String> {
    // Seconds reach 1e11 in the year 5138, ms in 1973: no log is that young or that old.
    let per_ms = match number {
        n if !(1e8..1e20).contains(&n) => return None,
        n if n < 1e11 => 1e-3,
        n if n < 1e14 => 1.0,
        n if n < 1e17 => 1e3,
        _ => 1e6,
    };
    Some(Timestamp::from_millis((number / per_ms).round() as i64).to_string())
}

/// A word, the syslog priority 0 to 7, or the number of pino and bunyan (10 trace to 60 fatal).
fn json_level(name: &str, value: &Value) -> Option<Level> {
    use Level::{Critical, Debug, Error, Info, Warning};
    if let Some(level) = value.as_str().and_then(|word| word.parse().ok()) {
        return Some(level);
    }
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    let at = usize::try_from(number).ok()?;
    if name == "PRIORITY" {
        return [Critical, Critical, Critical, Error, Warning, Info, Info, Debug].get(at).copied();
    }
    [Debug, Debug, Info, Warning, Error, Critical].get((at / 10).checked_sub(1)?).copied()
}

fn text_row(line: &str, defaults: &Defaults) -> NewLogRow {
    let access = access_status(line);
    let dated = timed(line, defaults);
    let is_syslog = MONTHS.iter().any(|month| line.starts_with(month));
    let tagged = dated.as_ref().and_then(|(_, rest)| syslog_tag(rest, is_syslog));
    let (timestamp, rest) = match dated {
        Some((at, rest)) => (Some(at), rest),
        None => (access.and_then(|_| access_time(line)), line),
    };
    let timestamp = timestamp.unwrap_or_else(|| defaults.timestamp.clone());
    let (source, message) = tagged.unwrap_or((&defaults.source, rest));
    let level = match access {
        Some((_, status)) if status >= 500 => Level::Error,
        Some((_, status)) if status >= 400 => Level::Warning,
        Some(_) => Level::Info,
        None => guess_level(message),
    };
    let mut message = message.to_owned();
    cut(&mut message);
    let mut row = NewLogRow::new(timestamp, level, field(source), message);
    row.request_path = access.map(|(path, _)| field(path));
    row
}

/// The instant a line begins with, and the rest of the line.
fn timed<'a>(line: &'a str, defaults: &Defaults) -> Option<(String, &'a str)> {
    let bare = line.strip_prefix('[').unwrap_or(line);
    let (at, rest) = iso(bare).or_else(|| syslog_time(bare, defaults))?;
    let rest = if bare.len() < line.len() { rest.strip_prefix(']').unwrap_or(rest) } else { rest };
    // Python's `time - name - level`, and the colon or the dash of others.
    let rest = rest.trim_start_matches([' ', '\t']);
    Some((at, rest.strip_prefix("- ").unwrap_or(rest)))
}

/// `2026-11-21 05:29:51`, with `T` or slashes, a fraction, a zone; without a zone it is read as UTC.
fn iso(text: &str) -> Option<(String, &str)> {
    let bytes = text.as_bytes();
    let two = |at: usize| number(text, at, 2);
    let divided = |at: usize, by: &[u8]| bytes.get(at).is_some_and(|b| by.contains(b));
    let shaped = divided(4, b"-/") && divided(7, b"-/") && divided(10, b"T ");
    if !(shaped && divided(13, b":") && divided(16, b":")) {
        return None;
    }
    let day = NaiveDate::from_ymd_opt(number(text, 0, 4)? as i32, two(5)?, two(8)?)?;
    let rest = text.get(19..)?;
    let (millis, rest) = fraction(rest);
    let at = day.and_hms_milli_opt(two(11)?, two(14)?, two(17)?, millis)?;
    let (offset, rest) = zone(rest);
    Some((instant(at, offset), rest))
}

fn number(text: &str, at: usize, digits: usize) -> Option<u32> {
    let part = text.get(at..at + digits)?;
    part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok())?
}

/// The milliseconds of `.123456` or `,123`.
fn fraction(text: &str) -> (u32, &str) {
    let Some(digits) = text.strip_prefix(['.', ',']) else {
        return (0, text);
    };
    let len = digits.bytes().take_while(u8::is_ascii_digit).count();
    let millis =
        digits[..len].bytes().chain(*b"000").take(3).fold(0, |n, b| 10 * n + u32::from(b - b'0'));
    if len == 0 { (0, text) } else { (millis, &digits[len..]) }
}

/// `Z`, `+00:00`, `+0000`, also after a blank, and ` UTC`; the offset is in seconds.
fn zone(text: &str) -> (i32, &str) {
    for utc in ["Z", " UTC", " Z"] {
        if let Some(rest) = text.strip_prefix(utc)
            && !rest.starts_with(|c: char| c.is_alphanumeric())
        {
            return (0, rest);
        }
    }
    let bare = text.strip_prefix(' ').unwrap_or(text);
    let sign = match bare.as_bytes().first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return (0, text),
    };
    let minutes = if bare.as_bytes().get(3) == Some(&b':') { 4 } else { 3 };
    match (number(bare, 1, 2), number(bare, minutes, 2)) {
        (Some(h), Some(m)) if h < 24 && m < 60 => {
            (sign * (h * 3600 + m * 60) as i32, &bare[minutes + 2..])
        }
        _ => (0, text),
    }
}

fn instant(at: NaiveDateTime, offset: i32) -> String {
    Timestamp::from_millis(at.and_utc().timestamp_millis() - i64::from(offset) * 1_000).to_string()
}

/// `Nov 21 05:29:51`, or with a blank before a day of one digit, in the year that the defaults suggest.
fn syslog_time<'a>(text: &'a str, defaults: &Defaults) -> Option<(String, &'a str)> {
    let month = 1 + MONTHS.iter().position(|name| text.starts_with(name))? as u32;
    let day = number(text, 4, 2)
        .or_else(|| text.get(4..5).filter(|b| *b == " ").and_then(|_| number(text, 5, 1)))?;
    let clock = text
        .get(7..15)
        .filter(|clock| clock.as_bytes()[2] == b':' && clock.as_bytes()[5] == b':')?;
    let latest: DateTime<FixedOffset> = defaults.timestamp.parse().ok()?;
    // A day of slack for clocks and zones: a line is older than its file's end, so December in January is last year.
    let latest = latest.naive_utc() + chrono::TimeDelta::days(1);
    let in_year = |year: i32| {
        let day = NaiveDate::from_ymd_opt(year, month, day)?;
        day.and_hms_opt(number(clock, 0, 2)?, number(clock, 3, 2)?, number(clock, 6, 2)?)
    };
    let at =
        in_year(latest.year()).filter(|at| *at <= latest).or_else(|| in_year(latest.year() - 1))?;
    Some((instant(at, 0), &text[15..]))
}

/// `host prog[pid]: message` as program and message. After an ISO time the pid is asked for, since there any words
/// with a colon may stand.
fn syslog_tag(rest: &str, is_syslog: bool) -> Option<(&str, &str)> {
    let (_host, tagged) = rest.split_once(' ')?;
    let (tag, message) = match tagged.split_once(": ") {
        Some(parts) => parts,
        None => (tagged.strip_suffix(':')?, ""),
    };
    let (program, pid) = tag.split_once('[').unwrap_or((tag, ""));
    let has_pid = pid.strip_suffix(']').is_some_and(|pid| pid.parse::<u32>().is_ok());
    let fits =
        !program.is_empty() && !program.contains(' ') && (has_pid || (is_syslog && pid.is_empty()));
    fits.then_some((program, message))
}

/// Path (without its query) and status of an access log's line: `… "GET /a?b HTTP/1.1" 200 …`.
fn access_status(line: &str) -> Option<(&str, u16)> {
    let (before, after) = line.split_once("\" ")?;
    let (_, request) = before.split_once('"')?;
    let mut words = request.split(' ');
    let (_method, path, version) = (words.next()?, words.next()?, words.next()?);
    let status = number(after, 0, 3).filter(|status| (100..600).contains(status))?;
    version.starts_with("HTTP/").then(|| (path.split('?').next().unwrap_or(path), status as u16))
}

/// `[21/Nov/2026:05:29:51 +0000]` anywhere in the line.
fn access_time(line: &str) -> Option<String> {
    let (_, text) = line.split_once('[')?;
    let (text, _) = text.split_once(']')?;
    let at = DateTime::parse_from_str(text, "%d/%b/%Y:%H:%M:%S %z").ok()?;
    Some(Timestamp::from_millis(at.timestamp_millis()).to_string())
}

/// The level by the words of a text: the first word that states a level, else signs of a failure, else info.
fn guess_level(text: &str) -> Level {
    // The words that state a level stand in front; a long text is not read for them.
    let first = text.lines().next().unwrap_or_default();
    let mut failed = opens_trace(first);
    let mut before = "";
    for word in first.split_whitespace() {
        if let Some(level) = stated_level(word) {
            return level;
        }
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let is_failure = ["failed", "panic", "panicked", "traceback"]
            .iter()
            .any(|w| bare.eq_ignore_ascii_case(w));
        let is_exception = word.ends_with("Error:") || word.ends_with("Exception:");
        failed |= is_exception || (is_failure && !matches!(before, "0" | "no" | "not"));
        before = bare;
    }
    if failed { Level::Error } else { Level::Info }
}

/// `ERROR`, `[error]`, `error:`, `ERROR:root:text`, `level=error`; a lower-case word by itself is prose.
fn stated_level(word: &str) -> Option<Level> {
    if let Some((key, value)) = word.split_once('=') {
        let is_level = matches!(key, "level" | "lvl" | "severity");
        return if is_level { value.trim_matches('"').parse().ok() } else { None };
    }
    let bracketed = word.starts_with(['[', '(', '<']);
    let bare = word.trim_start_matches(['[', '(', '<']);
    let end = bare.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(bare.len());
    let (name, rest) = bare.split_at(end);
    let upper = name.bytes().all(|b| b.is_ascii_uppercase());
    let alone = rest.is_empty() || rest.starts_with([':', ']', ')', '>', ',', '|']);
    let stated = alone
        && (upper || rest.starts_with(':') || (bracketed && rest.starts_with([']', ')', '>'])));
    if stated { name.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> Defaults {
        Defaults { source: "app".into(), timestamp: "2026-11-21T08:00:00.000Z".into() }
    }

    fn one(line: &str) -> NewLogRow {
        parse_line(line, &defaults())
    }

    fn rows(text: &str) -> Vec<NewLogRow> {
        let mut parser = LineParser::new(defaults());
        let mut rows: Vec<_> = text.lines().filter_map(|line| parser.push(line)).collect();
        rows.extend(parser.finish());
        rows
    }

    #[test]
    fn a_line_of_journalctl_is_read() {
        let row = one(
            r#"{"MESSAGE":"disk full","PRIORITY":"3","__REALTIME_TIMESTAMP":"1795238991123456",
                "_SYSTEMD_UNIT":"nginx.service","_COMM":"nginx","_PID":"7"}"#,
        );
        let mut expected =
            NewLogRow::new("2026-11-21T05:29:51.123Z", Level::Error, "nginx.service", "disk full");
        expected.extra_data = Some(r#"{"_COMM":"nginx","_PID":"7"}"#.into());
        assert_eq!(row, expected);
        let bytes = one(r#"{"MESSAGE":[104,105,255],"PRIORITY":7,"SYSLOG_IDENTIFIER":"su"}"#);
        assert_eq!((bytes.message.as_str(), bytes.level), ("hi\u{fffd}", Level::Debug));
        assert_eq!((bytes.source.as_str(), bytes.extra_data), ("su", None));
    }

    #[test]
    fn a_line_of_tracing_is_read() {
        let row = one(
            r#"{"timestamp":"2026-11-21T05:29:51.123456Z","level":"WARN","target":"shop::cart",
                "fields":{"message":"slow","took_ms":7,"request_id":"r1"},"span":{"name":"s"}}"#,
        );
        assert_eq!(row.timestamp, "2026-11-21T05:29:51.123Z");
        assert_eq!((row.level, row.source.as_str()), (Level::Warning, "shop::cart"));
        assert_eq!((row.message.as_str(), row.correlation_id.as_deref()), ("slow", Some("r1")));
        assert_eq!(row.extra_data.as_deref(), Some(r#"{"span":{"name":"s"},"took_ms":7}"#));
    }

    #[test]
    fn general_json_is_read_with_numbers_for_time_and_level() {
        let row = one(
            r#"{"ts":1795238991.5,"level":50,"name":"shop","msg":"no","user_id":42,"path":"/a"}"#,
        );
        assert_eq!(row.timestamp, "2026-11-21T05:29:51.500Z");
        assert_eq!((row.level, row.user_id.as_deref()), (Level::Error, Some("42")));
        assert_eq!((row.request_path.as_deref(), row.extra_data), (Some("/a"), None));
        let python =
            one(r#"{"time":"2026-11-21 05:29:51,250","levelname":"CRITICAL","message":"x"}"#);
        assert_eq!(python.timestamp, "2026-11-21T05:29:51.250Z");
        assert_eq!((python.level, python.source.as_str()), (Level::Critical, "app"));
        for ts in ["1795238991500", "1795238991500000", "1795238991500000000", "\"1795238991.5\""] {
            assert_eq!(
                one(&format!(r#"{{"ts":{ts},"msg":"x"}}"#)).timestamp,
                row.timestamp,
                "{ts}"
            );
        }
    }

    #[test]
    fn json_without_a_message_or_broken_json_is_its_own_message() {
        let row = one(r#"{"a":1,"level":"fatal","time":"soon"}"#);
        assert_eq!(
            (row.level, row.message.as_str()),
            (Level::Critical, r#"{"a":1,"level":"fatal","time":"soon"}"#)
        );
        assert_eq!(row.timestamp, defaults().timestamp);
        assert_eq!(one("{not json").message, "{not json");
        let big = format!(r#"{{"msg":"x","blob":"{}"}}"#, "y".repeat(MAX_EXTRA));
        assert_eq!(one(&big).extra_data.as_deref(), Some("{\"dropped_bytes\":65547}"));
    }

    #[test]
    fn leading_times_of_all_shapes_become_iso_in_utc() {
        for (line, at) in [
            ("2026-11-21 05:29:51 x", "2026-11-21T05:29:51.000Z"),
            ("2026/11/21 05:29:51 x", "2026-11-21T05:29:51.000Z"),
            ("[2026-11-21 05:29:51] x", "2026-11-21T05:29:51.000Z"),
            ("2026-11-21 05:29:51,123 - x", "2026-11-21T05:29:51.123Z"),
            ("2026-11-21T05:29:51.123456Z  x", "2026-11-21T05:29:51.123Z"),
            ("2026-11-21T05:29:51.5+02:00 x", "2026-11-21T03:29:51.500Z"),
            ("2026-11-21 05:29:51 -0130 x", "2026-11-21T06:59:51.000Z"),
            ("2026-11-21 05:29:51 UTC x", "2026-11-21T05:29:51.000Z"),
        ] {
            let row = one(line);
            assert_eq!((row.timestamp.as_str(), row.message.as_str()), (at, "x"), "{line}");
        }
        for line in ["2026-13-21 05:29:51 x", "2026-11-21 25:29:51 x", "ä026-11-21", "12345"] {
            assert_eq!(
                (one(line).timestamp, one(line).message.as_str()),
                (defaults().timestamp, line)
            );
        }
    }

    #[test]
    fn syslog_lines_give_their_program_and_take_the_year_of_the_file() {
        let row = one("Nov 21 05:29:51 web1 sshd[812]: error: no route");
        assert_eq!(
            (row.timestamp.as_str(), row.source.as_str()),
            ("2026-11-21T05:29:51.000Z", "sshd")
        );
        assert_eq!((row.level, row.message.as_str()), (Level::Error, "error: no route"));
        let old = one("Dec  3 05:29:51 web1 kernel: up");
        assert_eq!(
            (old.timestamp.as_str(), old.source.as_str()),
            ("2025-12-03T05:29:51.000Z", "kernel")
        );
        let iso = one("2026-11-21T05:29:51+00:00 web1 cron[7]: ran");
        assert_eq!((iso.source.as_str(), iso.message.as_str()), ("cron", "ran"));
        let plain = one("2026-11-21T05:29:51Z Marking it done: all");
        assert_eq!((plain.source.as_str(), one("Marking it: all").source.as_str()), ("app", "app"));
    }

    #[test]
    fn access_logs_give_time_path_and_a_level_by_status() {
        let line = |status| {
            format!(
                "::1 - - [21/Nov/2026:05:29:51 +0100] \"GET /a?t=ERROR HTTP/1.1\" {status} 12 \"-\" \"UA\""
            )
        };
        for (status, level) in [(200, Level::Info), (404, Level::Warning), (503, Level::Error)] {
            let row = one(&line(status));
            assert_eq!((row.level, row.request_path.as_deref()), (level, Some("/a")));
            assert_eq!(
                (row.timestamp.as_str(), row.message),
                ("2026-11-21T04:29:51.000Z", line(status))
            );
        }
    }

    #[test]
    fn the_level_is_guessed_from_whole_words() {
        for (level, lines) in [
            (Level::Critical, "x CRITICAL y|[FATAL] y|level=fatal msg=x"),
            (
                Level::Error,
                "ERROR x|x [error] 1#0: y|error: x|ERROR:root:x|it failed|ValueError: x|a panic",
            ),
            (Level::Warning, "WARN x|warning: x|[warn] x|shop - WARNING - x"),
            (
                Level::Info,
                "x|INFO after ERROR|no errors|terror: x|ERRORS|0 failed|an error of mine|failed-over",
            ),
            (Level::Debug, "DEBUG x failed|[trace] x"),
        ] {
            for line in lines.split('|') {
                assert_eq!(one(line).level, level, "{line}");
            }
        }
    }

    #[test]
    fn a_line_of_dpkg_is_info_with_its_time() {
        let row = one("2026-11-01 10:00:00 status half-configured libc6:amd64 2.36");
        let message = "status half-configured libc6:amd64 2.36";
        assert_eq!(row, NewLogRow::new("2026-11-01T10:00:00.000Z", Level::Info, "app", message));
    }

    #[test]
    fn the_lines_of_a_trace_belong_to_the_row_before() {
        let python =
            "ERROR no\nTraceback (most recent call last):\n  File \"a.py\", line 3\n\nKeyError: 1";
        let rust = "WARN no\nthread 'a' panicked at src/a.rs:3:7:\nindex out\nstack backtrace:\n   0: main";
        let java = "ERROR x\n\tat a.B(C.java:1)\nCaused by: y\n    at d.E\n... 3 more";
        let all = rows(&format!("\u{feff}INFO up\n{python}\n{rust}\n{java}\nINFO down\n\n"));
        let messages: Vec<_> = all.iter().map(|row| row.message.as_str()).collect();
        assert_eq!(messages, ["INFO up", &python.replace("\n\n", "\n"), rust, java, "INFO down"]);
    }

    #[test]
    fn a_trace_behind_a_good_line_is_an_error_by_itself() {
        let all = rows("INFO up\nTraceback (most recent call last):\n  x\nKeyError: 1\nnext");
        let seen: Vec<_> = all.iter().map(|row| (row.level, row.message.lines().count())).collect();
        assert_eq!(seen, [(Level::Info, 1), (Level::Error, 3), (Level::Info, 1)]);
    }

    #[test]
    fn a_trace_without_its_last_line_ends_at_the_next_row() {
        let trace = "Traceback (most recent call last):\n  x\n";
        for next in ["2026-11-21 05:29:51 up", r#"{"msg":"up"}"#] {
            assert_eq!(rows(&format!("{trace}{next}"))[1].message, "up");
        }
        assert_eq!(rows("  at a line with nothing before").len(), 1);
        assert!(rows("\n \n").is_empty());
    }

    #[test]
    fn a_long_message_is_cut_and_says_so() {
        let single = one(&"ä".repeat(MAX_MESSAGE)).message;
        let joined = rows(&format!("x\n{}", format!("  {}\n", "ä".repeat(400)).repeat(200)));
        for message in [&single, &joined[0].message] {
            assert!(message.len() <= MAX_MESSAGE && message.len() > MAX_MESSAGE - 4);
            assert!(message.ends_with(CUT) && message.matches(CUT).count() == 1);
        }
        assert_eq!(joined.len(), 1);
    }
}
