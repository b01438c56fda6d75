//! The terms of a filter, and how each one is written.

use super::length::{Length, Moment};
use crate::model::job::word_enum;
use crate::model::{Kind, Queue, ScheduleName, Status, Trigger};
use std::fmt;

/// Words that join terms in other languages. Here they would be searched for, which nobody wants.
pub(crate) const JOINING: [&str; 3] = ["AND", "OR", "NOT"];

/// One term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    /// Whether a job must not fit the condition.
    pub(crate) negated: bool,
    pub(crate) condition: Condition,
}

/// What a filter asks of a job. If a term names several values, one of them is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Status(Vec<Status>),
    Kind(Vec<Kind>),
    Queue(Vec<Queue>),
    Trigger(Vec<Trigger>),
    Schedule(Vec<ScheduleName>),
    /// A unique or a concurrency key.
    Key(Vec<String>),
    Tag(Vec<String>),
    Id(Vec<i64>),
    Batch(Vec<i64>),
    /// The job that did an act on many jobs, of which this is one: a job that it changed, or a retry that it made.
    Bulk(Vec<i64>),
    ErrorCode(Vec<String>),
    ErrorText(Vec<String>),
    /// The fingerprint of an error with which an attempt failed.
    ErrorGroup(Vec<String>),
    /// The value of a field of the payload.
    Payload(Vec<PathStep>, Vec<String>),
    Since(Moment),
    Before(Moment),
    Attempt(Compare, u32),
    Took(Compare, Length),
    Waited(Compare, Length),
    Is(Vec<Mark>),
    /// Text in the error or in the payload.
    Text(String),
}

/// One step of a path into a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PathStep {
    /// A field of an object.
    Field(String),
    /// An element of a list, from 0.
    Element(u32),
}

/// How a number is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Equal,
    Above,
    Below,
}

impl Compare {
    /// As it is written in a filter.
    const fn operator(self) -> char {
        match self {
            Self::Equal => ':',
            Self::Above => '>',
            Self::Below => '<',
        }
    }
}

word_enum!(
    /// What `is:` asks for.
    Mark {
        /// It still waits, a while after its time.
        Overdue = "overdue",
        /// It completed, with an error code.
        Warning = "warning",
        /// Somebody has run it again.
        Retried = "retried",
        /// It failed, and nobody has run it again.
        StillFailed = "still_failed",
    }
);

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negated {
            f.write_str("-")?;
        }
        self.condition.fmt(f)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(values) => list(f, "status:", values),
            Self::Kind(values) => list(f, "kind:", values),
            Self::Queue(values) => list(f, "queue:", values),
            Self::Trigger(values) => list(f, "trigger:", values),
            Self::Schedule(values) => list(f, "schedule:", values),
            Self::Key(values) => list(f, "key:", values),
            Self::Tag(values) => list(f, "tag:", values),
            Self::Id(values) => list(f, "id:", values),
            Self::Batch(values) => list(f, "batch:", values),
            Self::Bulk(values) => list(f, "bulk:", values),
            Self::ErrorCode(values) => list(f, "error:", values),
            Self::ErrorText(values) => list(f, "error~", values),
            Self::ErrorGroup(values) => list(f, "error_group:", values),
            Self::Payload(path, values) => {
                for step in path {
                    step.fmt(f)?;
                }
                list(f, ":", values)
            }
            Self::Since(moment) => write!(f, "since:{moment}"),
            Self::Before(moment) => write!(f, "before:{moment}"),
            Self::Attempt(how, count) => write!(f, "attempt{}{count}", how.operator()),
            Self::Took(how, length) => write!(f, "took{}{length}", how.operator()),
            Self::Waited(how, length) => write!(f, "waited{}{length}", how.operator()),
            Self::Is(marks) => list(f, "is:", marks),
            Self::Text(text) if is_bare_text(text) => f.write_str(text),
            Self::Text(text) => quoted(f, text),
        }
    }
}

impl fmt::Display for PathStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(".")?;
        match self {
            Self::Element(place) => place.fmt(f),
            Self::Field(name) if is_bare_field(name) => f.write_str(name),
            Self::Field(name) => quoted(f, name),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, word: &str, values: &[impl ToString]) -> fmt::Result {
    f.write_str(word)?;
    for (place, value) in values.iter().map(ToString::to_string).enumerate() {
        if place > 0 {
            f.write_str(",")?;
        }
        if value.is_empty() || value.contains(|c: char| c.is_whitespace() || ",\"\\".contains(c)) {
            quoted(f, &value)?;
        } else {
            f.write_str(&value)?;
        }
    }
    Ok(())
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Whether the text is read as the same text without quotes.
fn is_bare_text(text: &str) -> bool {
    !JOINING.contains(&text)
        && text.starts_with(|c: char| c.is_alphanumeric())
        && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

/// Whether the field is read as the same field without quotes, and not as the place of an element.
pub(crate) fn is_bare_field(name: &str) -> bool {
    !name.chars().all(|c| c.is_ascii_digit())
        && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}
