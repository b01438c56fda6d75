//! Logs as OpenTelemetry's protocol brings them: a request of it, read from protobuf or JSON, as rows of our log.
//!
//! *Source:* the OTLP specification 1.9 and the data model of logs of OpenTelemetry.

mod message;
mod value;

use super::read::{Defaults, cut, extra, field, read_text, telemetry};
use crate::error::{Code, Error, Result};
use crate::model::{Level, NewLogRow, Timestamp};
use flate2::read::MultiGzDecoder;
use message::{Counted, Export, LogRecord, Resource, Scope};
use prost::Message as _;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::io::Read as _;
use value::{object, text};

/// The most that a request may have, unpacked, in bytes.
pub const MAX_UNPACKED: u64 = 4 * 1024 * 1024;
/// The most records of one request.
const MAX_RECORDS: usize = 50_000;
/// The most that the rows of one request may have, in bytes.
const MAX_ROWS: usize = 32 * 1024 * 1024;
/// The most that is kept of a resource with each of its records, in bytes.
const MAX_RESOURCE: usize = 4 * 1024;
/// The longest id of a trace or a span, in bytes; the protocol has 16.
const MAX_ID: usize = 32;
/// The most that an error says of why a request cannot be read, in bytes.
const MAX_WHY: usize = 300;
/// Objects of JSON that count as one record: the record, its body, and three attributes with their values.
const BRACES: usize = 8;
/// The source of records whose sender gives itself no name.
const NAMELESS: &str = "otlp";

/// How a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

/// What a request holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Its records as rows.
    pub rows: Vec<NewLogRow>,
    /// Records that say nothing: no body, no name of an event, no attribute.
    pub empty: u64,
}

/// Reads a request, which may be packed with gzip. Records without a time were made at `now`.
///
/// # Errors
/// `WEB-INPUT-001` if it is no request of OTLP, `JOB-SIZE-001` if it has more than 4 MiB, unpacked.
pub fn read(bytes: &[u8], encoding: Encoding, is_packed: bool, now: Timestamp) -> Result<Received> {
    let bytes = if is_packed { Cow::Owned(unpacked(bytes)?) } else { Cow::Borrowed(bytes) };
    // A record of two bytes takes some hundred in memory, so they are counted first.
    match encoding {
        Encoding::Protobuf => {
            let counted = Counted::decode(&*bytes).map_err(|error| refused(&error))?;
            refuse_many(counted.records())?;
        }
        Encoding::Json => refuse_many(bytes.split(|byte| *byte == b'{').count() / BRACES)?,
    }
    let export = match encoding {
        Encoding::Protobuf => Export::decode(&*bytes).map_err(|error| refused(&error)),
        // To the reader of JSON an array would be an object without the names.
        Encoding::Json if !bytes.trim_ascii_start().starts_with(b"{") => {
            Err(refused(&"it is no JSON object"))
        }
        Encoding::Json => serde_json::from_slice(&bytes).map_err(|error| refused(&error)),
    }?;
    rows(export, now)
}

fn refused(why: &impl ToString) -> Error {
    let mut why = why.to_string();
    // It repeats what was sent.
    why.truncate(why.floor_char_boundary(MAX_WHY));
    Error::new(Code::WebInput, "read the request as OTLP logs").because(why)
}

fn unpacked(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    let read = MultiGzDecoder::new(bytes).take(MAX_UNPACKED + 1).read_to_end(&mut plain);
    read.map_err(|error| refused(&error))?;
    if plain.len() as u64 > MAX_UNPACKED {
        return Err(Error::new(Code::JobTooLarge, "unpack the request: it has more than 4 MiB"));
    }
    Ok(plain)
}

/// Refuses a request with more records than are kept of one.
fn refuse_many(records: usize) -> Result<()> {
    if records > MAX_RECORDS {
        let why = format!("read the request: it has more than {MAX_RECORDS} records");
        return Err(Error::new(Code::JobTooLarge, why));
    }
    Ok(())
}

fn rows(export: Export, now: Timestamp) -> Result<Received> {
    let groups = export.resource_logs.iter().flat_map(|group| &group.scope_logs);
    refuse_many(groups.map(|group| group.log_records.len()).sum())?;
    let (mut received, mut bytes) = (Received::default(), 0);
    for group in export.resource_logs {
        let resource = group.resource.unwrap_or_default();
        for group in group.scope_logs {
            let sender = Sender::of(&resource, &group.scope.unwrap_or_default());
            for record in group.log_records {
                let Some(row) = row(record, &sender, now) else {
                    received.empty += 1;
                    continue;
                };
                bytes += row.message.len() + row.extra_data.as_ref().map_or(0, String::len);
                if bytes > MAX_ROWS {
                    let why = "keep the request: its rows would have more than 32 MiB";
                    return Err(Error::new(Code::JobTooLarge, why));
                }
                received.rows.push(row);
            }
        }
    }
    Ok(received)
}

/// What all records of a group have in common.
struct Sender {
    source: String,
    scope: String,
    /// What the resource says; its size alone, where that is much.
    resource: Option<Value>,
}

impl Sender {
    fn of(resource: &Resource, scope: &Scope) -> Self {
        let service = resource.attributes.iter().find(|pair| pair.key == "service.name");
        let service = service.and_then(|pair| pair.value.clone()).map(text);
        let names = service.into_iter().chain([scope.name.clone(), NAMELESS.to_owned()]);
        let source = names.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        let resource = Some(object(resource.attributes.clone())).filter(|pairs| !pairs.is_empty());
        let resource = resource.map(Value::Object).map(|said| match said.to_string().len() {
            bytes if bytes > MAX_RESOURCE => serde_json::json!({"dropped_bytes": bytes}),
            _ => said,
        });
        Self { source: field(&source), scope: field(&scope.name), resource }
    }
}

/// A record as a row; `None` if it says nothing.
fn row(record: LogRecord, sender: &Sender, now: Timestamp) -> Option<NewLogRow> {
    let mut more = object(record.attributes);
    let stated = severity(record.severity_number, &record.severity_text);
    let mut message =
        message(&record.body.map(text).unwrap_or_default(), &record.event_name, &mut more)?;
    let source = sender.source.clone();
    let time = [record.time_unix_nano, record.observed_time_unix_nano].into_iter();
    let timestamp = time.filter(|time| *time > 0).find_map(instant);
    let timestamp = timestamp.unwrap_or(now).to_string();
    let mut row = match stated {
        Some(level) => {
            cut(&mut message);
            NewLogRow::new(timestamp, level, source, message)
        }
        // A collector that reads files sends their lines as they are.
        None => read_text(&message, &Defaults::new(source, timestamp)),
    };
    let mut take = |names: &[&str]| {
        names.iter().find_map(|name| more.remove(*name)).and_then(|value| match value {
            Value::String(text) => Some(field(&text)).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        })
    };
    row.user_id = row.user_id.or_else(|| take(&["enduser.id", "user.id"]));
    row.request_path =
        row.request_path.or_else(|| take(&["url.path", "http.route", "http.target"]));
    row.correlation_id = id(&record.trace_id).or(row.correlation_id);
    // What the reader of lines has found beside the message.
    let found = row.extra_data.take().and_then(|text| serde_json::from_str(&text).ok());
    for (name, value) in found.into_iter().flat_map(|found: Map<String, Value>| found) {
        more.entry(name).or_insert(value);
    }
    for (name, text) in [
        ("span_id", id(&record.span_id).unwrap_or_default()),
        ("event_name", record.event_name),
        ("severity_text", record.severity_text),
        ("scope", sender.scope.clone()),
    ] {
        if !text.is_empty() {
            more.insert(name.to_owned(), Value::String(text));
        }
    }
    if let Some(resource) = &sender.resource {
        more.insert("resource".to_owned(), resource.clone());
    }
    row.extra_data = extra(more);
    Some(row)
}

/// The id of a trace or a span; one of zeros alone is none.
fn id(bytes: &[u8]) -> Option<String> {
    let is_one = (1..=MAX_ID).contains(&bytes.len()) && bytes.iter().any(|byte| *byte != 0);
    is_one.then(|| data_encoding::HEXLOWER.encode(bytes))
}

/// What the record says: its body, else the name of its event, else its exception, else its attributes. The stack of an
/// exception follows it.
fn message(body: &str, event: &str, more: &mut Map<String, Value>) -> Option<String> {
    let mut take = |name: &str| match more.remove(name) {
        Some(Value::String(text)) if !text.trim().is_empty() => Some(text),
        Some(other) => {
            more.insert(name.to_owned(), other);
            None
        }
        None => None,
    };
    let (stack, kind, why) =
        (take("exception.stacktrace"), take("exception.type"), take("exception.message"));
    let exception = [kind, why].into_iter().flatten().collect::<Vec<_>>().join(": ");
    let first = [body, event, &exception].into_iter().find(|text| !text.trim().is_empty());
    let mut said = match (first, &stack) {
        (Some(first), _) => first.trim_end().to_owned(),
        (None, Some(_)) => String::new(),
        (None, None) if more.is_empty() => return None,
        (None, None) => Value::Object(more.clone()).to_string(),
    };
    let is_new = |text: &String| !text.is_empty() && !said.contains(text.as_str());
    let trace = stack.or(Some(exception)).filter(is_new);
    if let Some(trace) = trace {
        if !said.is_empty() {
            said.push('\n');
        }
        said.push_str(trace.trim_end());
    }
    Some(said)
}

/// The level that the record states: its number, else its word.
fn severity(number: i32, word: &str) -> Option<Level> {
    let by_number = u64::try_from(number).ok().and_then(telemetry);
    by_number.or_else(|| word.parse().ok())
}

fn instant(nanos: u64) -> Option<Timestamp> {
    i64::try_from(nanos / 1_000_000).ok().map(Timestamp::from_millis)
}

/// The answer to a request of which so many records were not kept, and why.
pub fn answer(encoding: Encoding, rejected: u64, why: &str) -> Vec<u8> {
    match (encoding, rejected) {
        (Encoding::Protobuf, 0) => Vec::new(),
        (Encoding::Json, 0) => b"{}".to_vec(),
        (Encoding::Protobuf, _) => message::Answer::partial(rejected, why).encode_to_vec(),
        (Encoding::Json, _) => {
            // A number of 64 bits is a text in the JSON of protobuf.
            let partial = serde_json::json!({
                "partialSuccess": {"rejectedLogRecords": rejected.to_string(), "errorMessage": why}
            });
            partial.to_string().into_bytes()
        }
    }
}

/// The answer to a protobuf request that failed.
pub fn failure(why: &str) -> Vec<u8> {
    message::Status { code: 0, message: why.to_owned() }.encode_to_vec()
}
