//! Lengths of time and instants as a filter names them: `90s`, `1h30m`, `2026-11-21`, `2026-11-21T08:00:00Z`.

use crate::model::Timestamp;
use chrono::Datelike;
use std::fmt;
use std::time::Duration;

/// Each unit's name and its milliseconds, the longest first.
const UNITS: [(&str, u64); 6] = [
    ("w", 7 * 24 * 3600 * 1000),
    ("d", 24 * 3600 * 1000),
    ("h", 3600 * 1000),
    ("m", 60 * 1000),
    ("s", 1000),
    ("ms", 1),
];
/// Longest length: a hundred years, beyond every job.
const MAX_MS: u64 = 100 * 366 * 24 * 3600 * 1000;

/// A length of time, in whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Length(u64);

impl Length {
    /// Reads numbers with their units.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let mut sum: u64 = 0;
        while !rest.is_empty() {
            let (digits, after) = split(rest, |c| c.is_ascii_digit())?;
            let (name, after) = split(after, |c| c.is_ascii_alphabetic())?;
            let (_, unit) = UNITS.iter().find(|(unit, _)| *unit == name)?;
            let part = digits.parse::<u64>().ok()?.checked_mul(*unit)?;
            sum = sum.checked_add(part).filter(|sum| *sum <= MAX_MS)?;
            rest = after;
        }
        (!text.is_empty()).then_some(Self(sum))
    }

    /// Its milliseconds.
    pub(crate) fn millis(self) -> i64 {
        self.0 as i64
    }
}

/// The leading characters of this sort, at least one, and the rest.
fn split(text: &str, sort: impl Fn(char) -> bool) -> Option<(&str, &str)> {
    let end = text.find(|c| !sort(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

impl From<Duration> for Length {
    fn from(length: Duration) -> Self {
        Self(u64::try_from(length.as_millis()).unwrap_or(MAX_MS).min(MAX_MS))
    }
}

impl From<Length> for Duration {
    fn from(length: Length) -> Self {
        Self::from_millis(length.0)
    }
}

/// Each unit once, the longest first; no weeks, which few count in.
impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut left = self.0;
        for (name, unit) in &UNITS[1..] {
            let count = left / unit;
            if count > 0 {
                write!(f, "{count}{name}")?;
            }
            left %= unit;
        }
        Ok(())
    }
}

/// An instant, or a length before the time at which the filter is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Ago(Length),
    At(Timestamp),
}

impl Moment {
    /// Reads a length, a day (its beginning in UTC) or an instant.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(length) = Length::parse(text) {
            return Some(Self::Ago(length));
        }
        let is_day = text.len() == "2026-11-21".len() && !text.contains(':');
        let instant = if is_day { format!("{text}T00:00:00Z") } else { text.to_owned() };
        // What is shown must be readable again, and years have four digits there.
        let at = Timestamp::from_iso(&instant)?;
        (1..=9999).contains(&at.to_utc().year()).then_some(Self::At(at))
    }

    /// The instant that is meant at `now`.
    pub(crate) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(length) => {
                Timestamp::from_millis(now.millis().saturating_sub(length.millis()))
            }
            Self::At(at) => at,
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ago(length) => length.fmt(f),
            Self::At(at) => at.fmt(f),
        }
    }
}
