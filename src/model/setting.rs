//! Settings: what an operator changes while the server runs.

use crate::error::{Code, Error, Result};
use serde_json::Value;
use std::collections::BTreeMap;

/// A setting that people change while the server runs, on a page or by `lamplighter settings`.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name.
    pub key: &'static str,
    /// What it is while nobody has set it, as people type it.
    pub default: &'static str,
    /// What it takes, in words.
    pub takes: &'static str,
    /// Reads a value as people type it, and answers it as it is stored; `None` if it is not taken.
    pub read: fn(&str) -> Option<Value>,
}

impl Setting {
    /// Reads a value as people type it. A value out of range is refused, never replaced.
    ///
    /// # Errors
    /// `JOB-VALUE-001` with what it takes.
    pub fn parse(&self, text: &str) -> Result<Value> {
        (self.read)(text.trim()).ok_or_else(|| {
            let Self { key, takes, .. } = self;
            Error::new(Code::ModelInvalid, format!("set {key} to {text:?}: it takes {takes}"))
        })
    }

    /// Its value among those that are stored; the default if nobody has set it, or if another hand made it unreadable.
    pub fn of(&self, stored: &BTreeMap<&'static str, Value>) -> Value {
        let stored = stored.get(self.key).and_then(|value| (self.read)(&Self::text(value)));
        stored.or_else(|| (self.read)(self.default)).unwrap_or_default()
    }

    /// A stored value as people type it.
    pub fn text(value: &Value) -> String {
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    }
}
