//! Reads an agent's answer: one JSON object, strictly first, then out of the text around it.
//!
//! *Invariant:* every claim of an answer is checked. A finding that does not fit is rejected
//! with its reason, and the others go on; an answer in which no object of this shape is found is an error.

mod find;
mod proposal;

pub use proposal::Proposal;

use super::visible::visible;
use crate::error::{Code, Error, Result};
use crate::redact::redactor;
use serde_json::{Value, json};

/// The most findings of one answer; an agent that reports more has reported one problem many times.
const MAX_FINDINGS: usize = 100;
/// The most reasons that are kept; later ones repeat the first.
const MAX_REASONS: usize = 100;
/// Longest answer that is searched for its object, in bytes: a hundred long findings and a title of a megabyte.
const MAX_ANSWER: usize = 8 * 1024 * 1024;
/// How many characters of an unreadable answer are shown.
const MAX_SHOWN: usize = 500;

/// The shape of an answer, for an agent that can be held to one. `verifies`: it has a repository to check against.
pub fn schema(verifies: bool) -> Value {
    let strings = || json!({"type": "array", "items": {"type": "string"}});
    let mut schema = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["status", "max_log_id_processed", "issues_created"],
        "properties": {
            "status": {"enum": ["success", "error"]},
            "max_log_id_processed": {"type": "integer", "minimum": 0},
            "error": {"type": "string"},
            "issues_created": {
                "type": "array",
                "maxItems": MAX_FINDINGS,
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": [
                        "classification", "title", "body", "error_codes", "source_log_ids", "source_files",
                    ],
                    "properties": {
                        "classification": {"enum": ["server_bug", "client_misuse", "documentation_gap"]},
                        "title": {"type": "string", "minLength": 1, "maxLength": proposal::MAX_TITLE},
                        "body": {"type": "string", "maxLength": proposal::MAX_BODY},
                        "error_codes": strings(),
                        "source_log_ids": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": proposal::MAX_IDS,
                            "items": {"type": "integer", "minimum": 1},
                        },
                        "source_files": strings(),
                        "duplicate_of": {"type": "integer", "minimum": 1},
                    },
                },
            },
        },
    });
    if verifies {
        schema["properties"]["issues_created"]["items"]["properties"]["verified_at"] = json!({
            "type": "array",
            "maxItems": proposal::MAX_PLACES,
            "items": {
                "type": "object",
                "additionalProperties": false,
                "required": ["file", "line"],
                "properties": {
                    "file": {"type": "string", "minLength": 1},
                    "line": {"type": "integer", "minimum": 1},
                },
            },
        });
    }
    schema
}

/// An answer that makes sense.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The last log row that the agent says it looked at.
    pub max_log_id_processed: Option<i64>,
    /// The findings that are well formed; what they say of the log is still to be checked.
    pub proposals: Vec<Proposal>,
    /// The others.
    pub rejected: Rejected,
}

/// Findings that were not accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejected {
    /// How many.
    pub count: u64,
    /// Why, of the first hundred.
    pub reasons: Vec<String>,
}

impl Rejected {
    /// Counts one and keeps its reason, if there is room.
    pub(super) fn add(&mut self, reason: impl FnOnce() -> String) {
        self.count += 1;
        if self.reasons.len() < MAX_REASONS {
            self.reasons.push(reason());
        }
    }

    /// Keeps what is wrong with the answer besides its findings.
    pub(super) fn note(&mut self, reason: String) {
        self.reasons.insert(0, reason);
    }
}

/// Reads an answer: the object that the agent's program took out of it, if it did, else the text.
///
/// # Errors
/// `SCAN-REPLY-001` with the beginning of an answer that holds no such object, `SCAN-REPLY-002` with what the agent says
/// if it says that it could not do its work.
pub fn parse(structured: Option<&Value>, text: &str) -> Result<Reply> {
    if let Some(value) = structured.filter(|value| has_shape(value)) {
        return read(value);
    }
    if text.len() > MAX_ANSWER {
        return Err(senseless(text, "it is longer than 8 MB"));
    }
    let strict = serde_json::from_str(text).ok().filter(has_shape);
    let found = strict.or_else(|| find::last(text, has_shape));
    found.map_or_else(
        || Err(senseless(text, "it holds no object of the shape asked for")),
        |v| read(&v),
    )
}

/// What the agent says of its work.
fn succeeded(value: &Value) -> Option<bool> {
    match value["status"].as_str()?.to_ascii_lowercase().as_str() {
        "success" => Some(true),
        "error" | "failure" | "failed" => Some(false),
        _ => None,
    }
}

fn has_shape(value: &Value) -> bool {
    match succeeded(value) {
        Some(true) => value["issues_created"].is_array(),
        Some(false) => value["error"].is_string() || value["issues_created"].is_array(),
        None => false,
    }
}

fn read(value: &Value) -> Result<Reply> {
    if succeeded(value) == Some(false) {
        let said = value["error"].as_str().unwrap_or("without a reason");
        return Err(Error::new(Code::ScanAgent, "analyse the log").because(shown(said)));
    }
    let mut reply =
        Reply { max_log_id_processed: value["max_log_id_processed"].as_i64(), ..Reply::default() };
    for (index, finding) in value["issues_created"].as_array().into_iter().flatten().enumerate() {
        let read = if index < MAX_FINDINGS {
            Proposal::read(finding)
        } else {
            Err(format!("it comes after {MAX_FINDINGS} others"))
        };
        match read {
            Ok(proposal) => reply.proposals.push(proposal),
            Err(why) => reply.rejected.add(|| reason(index, &finding["title"], &why)),
        }
    }
    Ok(reply)
}

/// Why a finding was rejected, with as much of its title as tells which one it is.
fn reason(index: usize, title: &Value, why: &str) -> String {
    let title: String = title.as_str().map(shown).unwrap_or_default().chars().take(80).collect();
    format!("finding {} ({title:?}): {why}", index + 1)
}

/// The beginning of an agent's text, fit for an error.
fn shown(text: &str) -> String {
    // The text is cut twice: before, so that not too much is cleaned, and after, because a secret must be whole to be found.
    let begin: String = text.trim().chars().take(4 * MAX_SHOWN).collect();
    visible(&redactor().text(&begin)).chars().take(MAX_SHOWN).collect()
}

fn senseless(text: &str, why: &str) -> Error {
    let begins = match shown(text) {
        empty if empty.is_empty() => "it is empty".to_owned(),
        begin => format!("{why}; it begins with: {begin}"),
    };
    Error::new(Code::ScanReply, "read the agent's answer").because(begins)
}

#[cfg(test)]
mod tests;
