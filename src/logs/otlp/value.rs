//! The values of attributes and bodies, and how the JSON of the protocol writes numbers and ids.

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use prost::{Message, Oneof};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// A value of any type; one without a type is empty.
#[derive(Clone, PartialEq, Message, Deserialize)]
pub(super) struct AnyValue {
    #[prost(oneof = "Typed", tags = "1, 2, 3, 4, 5, 6, 7")]
    #[serde(flatten)]
    typed: Option<Typed>,
}

/// A named value.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct KeyValue {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub(super) key: String,
    #[prost(message, optional, tag = "2")]
    pub(super) value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Oneof, Deserialize)]
enum Typed {
    #[prost(string, tag = "1")]
    #[serde(rename = "stringValue")]
    String(String),
    #[prost(bool, tag = "2")]
    #[serde(rename = "boolValue")]
    Bool(bool),
    #[prost(int64, tag = "3")]
    #[serde(rename = "intValue", deserialize_with = "signed")]
    Int(i64),
    #[prost(double, tag = "4")]
    #[serde(rename = "doubleValue", deserialize_with = "double")]
    Double(f64),
    #[prost(message, tag = "5")]
    #[serde(rename = "arrayValue")]
    Array(Array),
    #[prost(message, tag = "6")]
    #[serde(rename = "kvlistValue")]
    Pairs(Pairs),
    #[prost(bytes = "vec", tag = "7")]
    #[serde(rename = "bytesValue", deserialize_with = "base64")]
    Bytes(Vec<u8>),
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
struct Array {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    values: Vec<AnyValue>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
struct Pairs {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    values: Vec<KeyValue>,
}

/// A value as text: a text is itself, anything else is JSON.
pub(super) fn text(value: AnyValue) -> String {
    match json(value) {
        Value::String(text) => text,
        Value::Null => String::new(),
        value @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            value.to_string()
        }
    }
}

/// Pairs as an object; of two with one name the later counts.
pub(super) fn object(pairs: Vec<KeyValue>) -> Map<String, Value> {
    let named = pairs.into_iter().filter(|pair| !pair.key.is_empty());
    named.map(|pair| (pair.key, pair.value.map_or(Value::Null, json))).collect()
}

/// A value as JSON. Bytes are text in base64. The protocol's readers bound how deep values lie in each other.
fn json(value: AnyValue) -> Value {
    match value.typed {
        None => Value::Null,
        Some(Typed::String(text)) => Value::String(text),
        Some(Typed::Bool(is_so)) => Value::Bool(is_so),
        Some(Typed::Int(number)) => number.into(),
        // JSON has no infinity and no NaN.
        Some(Typed::Double(number)) => serde_json::Number::from_f64(number)
            .map_or_else(|| Value::String(number.to_string()), Value::Number),
        Some(Typed::Array(array)) => array.values.into_iter().map(json).collect(),
        Some(Typed::Pairs(pairs)) => Value::Object(object(pairs.values)),
        Some(Typed::Bytes(bytes)) => Value::String(BASE64.encode(&bytes)),
    }
}

/// A member that is missing or `null` has its default.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// A number of 64 bits: JSON text, or a JSON number of senders who do not know better.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number<N> {
    Plain(N),
    Text(String),
    Missing(()),
}

fn number<'de, D: Deserializer<'de>, N>(from: D) -> Result<N, D::Error>
where
    N: Deserialize<'de> + Default + std::str::FromStr,
{
    match Number::<N>::deserialize(from)? {
        Number::Plain(number) => Ok(number),
        Number::Text(text) if text.is_empty() => Ok(N::default()),
        Number::Text(text) => {
            text.parse().map_err(|_| D::Error::custom(format!("{text:?} is no such number")))
        }
        Number::Missing(()) => Ok(N::default()),
    }
}

pub(super) fn unsigned<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    number(from)
}

fn signed<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    number(from)
}

/// Also the words `NaN`, `Infinity` and `-Infinity`.
fn double<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    number(from)
}

/// A number, or the name of it: `SEVERITY_NUMBER_WARN2` is 14.
pub(super) fn number_of_severity<'de, D: Deserializer<'de>>(from: D) -> Result<i32, D::Error> {
    const GROUPS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
    match Number::<i32>::deserialize(from)? {
        Number::Plain(number) => Ok(number),
        Number::Missing(()) => Ok(0),
        Number::Text(text) => {
            let name = text.strip_prefix("SEVERITY_NUMBER_").unwrap_or(&text);
            let word = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
            let step = name[word.len()..].parse::<i32>().unwrap_or(1);
            let group = GROUPS.iter().zip(0..).find(|(known, _)| **known == word);
            // A name that is not known states no level.
            Ok(group.map_or(0, |(_, group)| 4 * group + step.clamp(1, 4)))
        }
    }
}

/// Bytes in hexadecimal digits.
pub(super) fn hex<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text: String = or_default(from)?;
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(D::Error::custom)
}

fn base64<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text: String = or_default(from)?;
    BASE64.decode(text.as_bytes()).map_err(D::Error::custom)
}
