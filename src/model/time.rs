//! Instants as the database keeps them.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use std::fmt;
use std::time::Duration;

/// An instant: whole milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Reads ISO 8601 as logs write it: with a `T` or a space, with or without a fraction; in UTC if it names no zone.
    pub fn from_iso(text: &str) -> Option<Self> {
        let text = text.trim();
        let zoned = DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z")
            .or_else(|_| DateTime::parse_from_rfc3339(text));
        let millis = zoned.map(|at| at.timestamp_millis()).or_else(|_| {
            NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
                .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f"))
                .map(|at| at.and_utc().timestamp_millis())
        });
        millis.ok().map(Self)
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// The instant `by` later, as late as there is at most.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The same instant for chrono. Instants beyond chrono's years are the epoch.
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }
}

/// ISO 8601 in UTC with milliseconds: `2026-11-21T08:00:00.000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_utc().to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_times_of_logs_are_read_and_others_are_not() {
        for text in [
            "2027-01-15T08:00:00.000Z",
            "2027-01-15T08:00:00Z",
            "2027-01-15T09:00:00+01:00",
            "2027-01-15 08:00:00",
            "2027-01-15 08:00:00.000000",
            "2027-01-15T08:00:00",
            "2027-01-15 09:00:00 +0100",
            "2027-01-15 08:00:00Z",
        ] {
            assert_eq!(Timestamp::from_iso(text), Some(Timestamp(1_800_000_000_000)), "{text}");
        }
        for text in ["", "yesterday", "15/Jan/2027", "2027-01-15"] {
            assert_eq!(Timestamp::from_iso(text), None, "{text}");
        }
    }
}
