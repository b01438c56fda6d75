//! The answer of an action for a program: its value, and the sentence that a person reads.

use serde::Serialize;

/// The members of a value, with the sentence and the notes that a person is told.
#[derive(Clone, Debug, Serialize)]
pub struct Answered<'a, T: Serialize> {
    /// What was done, as a value.
    #[serde(flatten)]
    pub value: &'a T,
    /// What was done, as a sentence.
    pub answer: &'a str,
    /// What a person should know besides.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub notes: &'a [String],
}
