//! Fields as a row, within the limits of the columns.

use super::fields::Fields;
use super::time::Moment;
use crate::model::NewLogRow;
use serde_json::{Map, Value};

/// Longest message, in bytes: a deep stack trace; more is cut.
pub(super) const MAX_MESSAGE: usize = 64 * 1024;
/// What ends a message that was cut.
pub(super) const CUT: &str = "… (cut)";
/// Longest source, id and path, in bytes: columns that are looked up, not read.
const MAX_FIELD: usize = 1024;
/// Most bytes of other JSON keys kept with a row; more are dropped as a whole, since half a JSON object is none.
pub(super) const MAX_EXTRA: usize = 64 * 1024;

/// A row of what an event says; `source` where it does not say who speaks, `timestamp` where it does not say when.
pub(super) fn row(fields: Fields, source: &str, timestamp: impl FnOnce() -> String) -> NewLogRow {
    let (level, mut message) = (fields.level_or_guess(), fields.message);
    cut(&mut message);
    NewLogRow {
        timestamp: fields.time.map_or_else(timestamp, Moment::to_iso),
        level,
        source: fields.source.unwrap_or_else(|| field(source)),
        message,
        correlation_id: fields.correlation_id,
        user_id: fields.user_id,
        request_path: fields.request_path,
        extra_data: extra(fields.extra),
    }
}

/// Cuts a message to the limit, with a word that says so; a cut message is as long as the limit or a few bytes less.
pub(in crate::logs) fn cut(message: &mut String) {
    if message.len() > MAX_MESSAGE {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE - CUT.len()));
        message.push_str(CUT);
    }
}

/// A text as a column that is looked up.
pub(in crate::logs) fn field(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_FIELD)].to_owned()
}

/// The column of everything else.
pub(in crate::logs) fn extra(keys: Map<String, Value>) -> Option<String> {
    let text = (!keys.is_empty()).then(|| Value::Object(keys).to_string())?;
    if text.len() > MAX_EXTRA {
        Some(format!("{{\"dropped_bytes\":{}}}", text.len()))
    } else {
        Some(text)
    }
}
