//! The answer of an action: it says what was done, in words for a person and as a value for a program.

use crate::wire::Answered;
use serde::Serialize;

/// What an action answers when it was not refused.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    /// What a program is told: a type of [`wire`](crate::wire).
    pub value: T,
    /// What a person is told: one sentence, or a few.
    pub sentence: String,
    /// What a person should know besides, such as that no server runs. Each note is one sentence; there may be none.
    pub notes: Vec<String>,
}

impl<T: Serialize> Answer<T> {
    /// An answer without notes.
    pub fn new(value: T, sentence: impl Into<String>) -> Self {
        Self { value, sentence: sentence.into(), notes: Vec::new() }
    }

    /// The same answer with these notes.
    #[must_use]
    pub fn with_notes(mut self, notes: Vec<String>) -> Self {
        self.notes = notes;
        self
    }

    /// The same answer with another value.
    pub fn map<U: Serialize>(self, value: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { value: value(self.value), sentence: self.sentence, notes: self.notes }
    }

    /// The answer for a program: the members of the value, `answer` with the sentence, and `notes` if there are some.
    pub fn as_wire(&self) -> Answered<'_, T> {
        Answered { value: &self.value, answer: &self.sentence, notes: &self.notes }
    }
}
