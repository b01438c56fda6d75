//! What a change of the audit log did, field by field.

use super::text::folded;
use maud::{Markup, html};
use serde_json::{Map, Value};

/// The most fields of a change that are shown at once, and the most characters. A longer one unfolds.
const SHOWN: usize = 3;
const LENGTH: usize = 200;

/// What was so before and is so after, as `limit: 4 → 6`; only the fields that differ. `id` names what unfolds.
pub(in crate::web) fn changed(id: &str, before: Option<&str>, after: Option<&str>) -> Markup {
    let lines = lines(before.map(read), after.map(read));
    let length = lines.iter().map(|line| line.chars().count()).sum::<usize>();
    html! {
        @if lines.len() <= SHOWN && length <= LENGTH { @for line in &lines { div { (line) } } }
        @else { (folded(id, &lines.join("\n"))) }
    }
}

/// The value of a stored text, which is JSON or a word of its own.
fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

fn lines(before: Option<Value>, after: Option<Value>) -> Vec<String> {
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => of_fields(&before, &after),
        (None, Some(Value::Object(after))) => all(&after),
        (Some(Value::Object(before)), None) => all(&before),
        (Some(before), Some(after)) => vec![format!("{} → {}", word(&before), word(&after))],
        (None, Some(after)) => vec![word(&after)],
        (Some(before), None) => vec![format!("{} → none", word(&before))],
        (None, None) => Vec::new(),
    }
}

/// The fields of one side alone; what has no value is left out.
fn all(fields: &Map<String, Value>) -> Vec<String> {
    let set = fields.iter().map(|(name, value)| (name, word(value)));
    let set = set.filter(|(_, word)| *word != none());
    set.map(|(name, word)| format!("{}: {word}", spoken(name))).collect()
}

fn of_fields(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<String> {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let line = |name: &String| {
        let side = |fields: &Map<String, Value>| fields.get(name).map_or_else(none, word);
        let (before, after) = (side(before), side(after));
        (before != after).then(|| format!("{}: {before} → {after}", spoken(name)))
    };
    after.keys().chain(gone).filter_map(line).collect()
}

/// A name of a field without the marks of programs.
fn spoken(name: &str) -> String {
    name.replace('_', " ")
}

/// A value as people read it.
fn word(value: &Value) -> String {
    match value {
        Value::Null => none(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) if text.is_empty() => none(),
        Value::String(text) => text.clone(),
        Value::Array(all) if all.is_empty() => none(),
        Value::Array(all) => all.iter().map(word).collect::<Vec<_>>().join(", "),
        Value::Object(fields) if fields.is_empty() => none(),
        Value::Object(fields) => {
            let field =
                |(name, value): (&String, &Value)| format!("{} {}", spoken(name), word(value));
            fields.iter().map(field).collect::<Vec<_>>().join(", ")
        }
        Value::Number(number) => number.to_string(),
    }
}

fn none() -> String {
    "none".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_names_only_the_fields_that_differ() {
        let of = |before: Option<&str>, after: Option<&str>| {
            lines(before.map(read), after.map(read)).join("; ")
        };
        let (old, new) = (r#"{"limit":4,"reason":"x","till":null}"#, r#"{"limit":6,"reason":"x"}"#);
        assert_eq!(of(Some(old), Some(new)), "limit: 4 → 6");
        let new = r#"{"is_on":true,"of":["a","b"],"queue":null,"rule":{"cron":"0 2 * * *"}}"#;
        assert_eq!(of(None, Some(new)), "is on: yes; of: a, b; rule: cron 0 2 * * *");
        assert_eq!(of(Some("viewer"), Some("admin")), "viewer → admin");
        assert_eq!(of(Some("7"), None), "7 → none");
        assert_eq!(of(None, None), "");
    }
}
