//! A JSON text, kept as it was given: what is carried for others is not written anew.

use crate::error::{Code, Error, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// A text that is JSON, byte for byte as it was given, without the white space around it: numbers of any length keep their
/// digits, and members keep their order.
///
/// Anything that [`serde_json::Value`] can be made of can be made one: `json!({"lamps": 7}).into()`, `7.into()`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Json(Box<str>);

impl Json {
    /// The text, if it is JSON.
    ///
    /// # Errors
    /// `JOB-VALUE-001` if not, also for a number beyond the range of a double and for more than 127 levels.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_as(text, "text")
    }

    /// The same for a text that the caller calls otherwise.
    pub(crate) fn parse_as(text: &str, what: &str) -> Result<Self> {
        let text = text.trim_matches([' ', '\t', '\n', '\r']);
        match serde_json::from_str::<Value>(text) {
            Ok(_) => Ok(Self(text.into())),
            Err(why) => {
                let doing = format!("take the {what}: it is no JSON");
                Err(Error::new(Code::ModelInvalid, doing).because(why))
            }
        }
    }

    /// A value as JSON.
    ///
    /// # Errors
    /// `JOB-VALUE-001` if it cannot be JSON, such as a map whose keys are not texts.
    pub fn of(value: &impl Serialize) -> Result<Self> {
        let text = serde_json::to_string(value);
        text.map(|text| Self(text.into()))
            .map_err(|why| Error::new(Code::ModelInvalid, "write a value as JSON").because(why))
    }

    /// A text that the store has taken before.
    pub(crate) fn stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it says, for a look at its members; `null` if another program has stored what no value can be. Numbers beyond 64
    /// bits are not exact here.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// A text that is the same for two texts which say the same: without white space between, members in the order of their
    /// names. Numbers keep their digits.
    pub(crate) fn canonical(&self) -> String {
        serde_json::from_str(&self.0).map_or_else(|_| self.0.to_string(), canonical)
    }
}

/// `{}`
impl Default for Json {
    fn default() -> Self {
        Self("{}".into())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<T: Into<Value>> From<T> for Json {
    fn from(value: T) -> Self {
        Self(value.into().to_string().into())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// Only from JSON itself, not from a value that was read of it.
impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(|raw| Self(raw.get().into()))
    }
}

fn canonical(raw: &RawValue) -> String {
    let text = raw.get();
    let parts = |parts: Vec<String>| parts.join(",");
    if let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(text) {
        let member = |(name, raw)| format!("{}:{}", Value::String(name), canonical(raw));
        return format!("{{{}}}", parts(members.into_iter().map(member).collect()));
    }
    if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text) {
        return format!("[{}]", parts(items.into_iter().map(canonical).collect()));
    }
    match serde_json::from_str::<String>(text) {
        Ok(said) => Value::String(said).to_string(),
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_is_kept_byte_for_byte_and_what_is_no_json_is_refused() {
        for text in [
            r#"{"id":12345678901234567890123}"#,
            r#"{"a":1.10,"b":1e2,"c":-0}"#,
            r#"{"b" : 1, "a":2, "a":3}"#,
            "18446744073709551616",
            r#""\u00e9\/""#,
        ] {
            let kept = Json::parse(&format!(" {text}\n")).unwrap();
            assert_eq!(kept.as_str(), text);
            let inside = serde_json::to_string(&[&kept]).unwrap();
            assert_eq!(inside, format!("[{text}]"));
            assert_eq!(serde_json::from_str::<Vec<Json>>(&inside).unwrap(), [kept]);
        }
        let deep = "[".repeat(200) + &"]".repeat(200);
        for bad in ["", "{", "1E400", "{'a':1}", "NaN", "1 2", &deep] {
            assert_eq!(Json::parse(bad).unwrap_err().code(), Code::ModelInvalid, "{bad}");
        }
    }

    #[test]
    fn two_texts_that_say_the_same_have_one_canonical_text_and_numbers_keep_their_digits() {
        let of = |text: &str| Json::parse(text).unwrap().canonical();
        assert_eq!(
            of(r#"{ "b": [1, {"d":4,"c":"\u0041"}], "a":null }"#),
            r#"{"a":null,"b":[1,{"c":"A","d":4}]}"#
        );
        assert_ne!(of("12345678901234567890123"), of("12345678901234567890124"));
        let value = json!({"z": [1, 2.5, true, "é\n"], "a": {}});
        assert_eq!(Json::from(value.clone()).canonical(), value.to_string());
    }
}
