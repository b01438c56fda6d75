//! A JSON object as the fields of an event: whatever names its writer gives to time, level, message, source and ids.

mod roles;
mod values;

use super::fields::{Fields, Weight};
use super::time::TimeFrame;
use roles::{Best, ROLES, Role};
use serde_json::{Map, Value};
use values::{longest, message_text, name, scalar, trace_text};

/// How deep names are looked for.
const MAX_DEPTH: usize = 3;
/// Longest path of names that is known.
const MAX_PATH: usize = 64;

/// Reads an object. What names no field stays in `extra`; where none is the message, the longest text is, and where there
/// is none either, `line`.
pub(super) fn read(mut keys: Map<String, Value>, line: &str, frame: TimeFrame) -> Fields {
    unwrap(&mut keys);
    let mut best = Best::default();
    let is_windows = keys.contains_key("ProviderName") || keys.contains_key("EventID");
    visit(&keys, &mut String::new(), &mut Vec::new(), &mut |path, role, rank, names, value| {
        best.offer(role, rank, names, value, &values::Reading { path, frame, is_windows });
    });
    let mut fields = Fields { time: best.time.take_value(&mut keys), ..Fields::default() };
    if let Some(level) = best.level.take_value(&mut keys) {
        fields.level = Some(level);
    }
    let message = best.message.take_value(&mut keys);
    let trace = best.trace.take_value(&mut keys);
    fields.message = match message.or_else(|| trace.clone()).or_else(|| longest(&keys)) {
        Some(message) => message,
        None => line.to_owned(),
    };
    if let Some(trace) = trace.filter(|trace| !fields.message.contains(trace.as_str())) {
        fields.message.push('\n');
        fields.message.push_str(&trace);
    }
    fields.source = best.source.take_value(&mut keys);
    fields.correlation_id = best.correlation.take_value(&mut keys);
    fields.user_id = best.user.take_value(&mut keys);
    fields.request_path = best.path.take_value(&mut keys);
    fields.extra = keys;
    fields
}

/// What stands for the event lies deeper in tracing's `fields` and in OpenTelemetry's exports.
fn unwrap(keys: &mut Map<String, Value>) {
    if keys.get("fields").is_some_and(Value::is_object)
        && let Some(Value::Object(fields)) = keys.remove("fields")
    {
        let mut kept = Map::new();
        for (key, value) in fields {
            // What the object says itself stays beside what its fields say.
            if keys.contains_key(&key) {
                kept.insert(key, value);
            } else {
                keys.insert(key, value);
            }
        }
        if !kept.is_empty() {
            keys.insert("fields".into(), kept.into());
        }
    }
    let record =
        keys.get("resourceLogs").and_then(|logs| logs.pointer("/0/scopeLogs/0/logRecords/0"));
    if let Some(Value::Object(record)) = record.cloned() {
        for (key, value) in record {
            keys.entry(key).or_insert(value);
        }
    }
}

/// What is done with a value whose path is known: path, role, rank, the names as they are, value.
type Found<'a> = dyn FnMut(&str, Role, u16, &[&str], &Value) + 'a;

fn visit<'a>(
    keys: &'a Map<String, Value>,
    path: &mut String,
    names: &mut Vec<&'a str>,
    found: &mut Found<'_>,
) {
    for (key, value) in keys {
        let length = path.len();
        if length + key.len() > MAX_PATH {
            continue;
        }
        if length > 0 {
            path.push('.');
        }
        path.extend(key.chars().map(|c| c.to_ascii_lowercase()));
        names.push(key);
        if let Some((role, rank)) = ROLES.get(path.as_str()) {
            found(path, *role, *rank, names, value);
        }
        if let Value::Object(inner) = value
            && names.len() < MAX_DEPTH
        {
            visit(inner, path, names, found);
        }
        names.pop();
        path.truncate(length);
    }
}

impl Best {
    /// Takes the value if it can be read as what its role wants, and is better than the one before.
    fn offer(
        &mut self,
        role: Role,
        rank: u16,
        names: &[&str],
        value: &Value,
        reading: &values::Reading<'_>,
    ) {
        match role {
            Role::Time => self.time.offer(rank, names, value, || reading.time(value)),
            Role::Level => self.level.offer(rank, names, value, || reading.level(value)),
            Role::Priority => self.level.offer(rank, names, value, || {
                values::Reading::severity(value).map(|level| (Weight::Priority, level))
            }),
            Role::Message => self.message.offer(rank, names, value, || message_text(value)),
            Role::Trace => self.trace.offer(rank, names, value, || trace_text(value)),
            Role::Source => self.source.offer(rank, names, value, || name(value)),
            Role::Correlation => self.correlation.offer(rank, names, value, || scalar(value)),
            Role::User => self.user.offer(rank, names, value, || scalar(value)),
            Role::Path => self.path.offer(rank, names, value, || scalar(value)),
        }
    }
}
