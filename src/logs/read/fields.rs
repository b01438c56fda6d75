//! What an event says, field by field.

use super::level;
use super::time::Moment;
use crate::model::Level;
use serde_json::{Map, Value};

/// How sure a level is: what is stated beats what is guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// A word in a sentence.
    Word,
    /// What a system knows of a program, which may be its default.
    Priority,
    /// The program's own statement.
    Stated,
}

/// The fields of an event.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) time: Option<Moment>,
    pub(super) level: Option<(Weight, Level)>,
    pub(super) source: Option<String>,
    pub(super) message: String,
    pub(super) correlation_id: Option<String>,
    pub(super) user_id: Option<String>,
    pub(super) request_path: Option<String>,
    /// Everything else.
    pub(super) extra: Map<String, Value>,
}

impl Fields {
    /// Sets a level unless there is one that is surer.
    pub(super) fn set_level(&mut self, weight: Weight, level: Option<Level>) {
        if let Some(level) = level
            && self.level.is_none_or(|(known, _)| known < weight)
        {
            self.level = Some((weight, level));
        }
    }

    /// The level, by signs of a failure if none is stated.
    pub(super) fn level_or_guess(&self) -> Level {
        self.level.map_or_else(|| level::guess(&self.message), |(_, level)| level)
    }

    /// Takes over what lies within this event: it is nearer to who speaks, but its zone may be unknown.
    pub(super) fn absorb(&mut self, inner: Self) {
        self.time = nearer(self.time, inner.time);
        if let Some((weight, level)) = inner.level
            && self.level.is_none_or(|(known, _)| known <= weight)
        {
            self.level = Some((weight, level));
        }
        self.message = inner.message;
        self.source = self.source.take().or(inner.source);
        self.correlation_id = inner.correlation_id.or_else(|| self.correlation_id.take());
        self.user_id = inner.user_id.or_else(|| self.user_id.take());
        self.request_path = inner.request_path.or_else(|| self.request_path.take());
        for (key, value) in inner.extra {
            self.extra.insert(key, value);
        }
    }
}

/// How far a time without a zone may be from that of its envelope to be believed.
const NEAR: i64 = 5 * 60 * 1000;

/// Whether an instant within an event may be the event's own: if the event's is exact, only one that is near.
pub(super) fn may_be_own(outer: Option<Moment>, inner: Moment) -> bool {
    outer.is_none_or(|outer| !(outer.zoned && inner.zoned) || (outer.ms - inner.ms).abs() <= NEAR)
}

/// The program's own time, unless its clock was not set, or it names no zone and is far from the time of its envelope.
pub(super) fn nearer(outer: Option<Moment>, inner: Option<Moment>) -> Option<Moment> {
    let set = |time: Option<Moment>| time.filter(|time| time.is_set());
    match (set(outer), set(inner)) {
        (Some(outer), Some(inner))
            if outer.zoned && !inner.zoned && (outer.ms - inner.ms).abs() > NEAR =>
        {
            Some(outer)
        }
        (outer, inner) => inner.or(outer),
    }
}
