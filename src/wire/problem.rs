//! Problems: what a program is told when a request was refused or failed (RFC 9457).

use crate::error::{Code, FieldError};
use serde::Serialize;

/// A problem.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    /// The name of its type: `urn:lamplighter:error:` and the code.
    #[serde(rename = "type")]
    pub problem_type: String,
    /// The code's title.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The error's code.
    pub code: &'static str,
    /// What happened, and what can be done.
    pub detail: String,
    /// What is wrong with each field of the request, where it is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemField>,
}

/// What is wrong with one field of a request.
#[derive(Clone, Debug, Serialize)]
pub struct ProblemField {
    /// The JSON pointer of the field.
    pub pointer: String,
    /// A sentence.
    pub detail: String,
}

impl Problem {
    /// The problem of this code; `what` says what happened.
    pub fn of(code: Code, status: u16, what: &str, fields: &[FieldError]) -> Self {
        let field = |FieldError { pointer, detail }: &FieldError| ProblemField {
            pointer: pointer.clone(),
            detail: detail.clone(),
        };
        Self {
            problem_type: format!("urn:lamplighter:error:{code}"),
            title: code.title(),
            status,
            code: code.as_str(),
            detail: format!("{what} {}", code.remedy()),
            errors: fields.iter().map(field).collect(),
        }
    }
}
