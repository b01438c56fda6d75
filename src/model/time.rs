//! Instants as the database keeps them.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, TimeZone, Utc};
use std::fmt;
use std::time::{Duration, SystemTime};

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

    /// When its hour began.
    #[must_use]
    pub const fn hour(self) -> Self {
        Self(self.0 - self.0.rem_euclid(60 * 60 * 1_000))
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

    /// The instant `by` earlier, as early as there is at least.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
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

/// A length for people, in its two largest units from minutes up: `41 s`, `12 min`, `3 h 5 min`, `1 d 5 h`.
pub(crate) fn in_units(length: Duration) -> String {
    let minutes = length.as_secs() / 60;
    match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
        (0, 0, 0) => format!("{} s", length.as_secs()),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// The whole milliseconds of it, towards 1970.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let millis = |length: Duration| i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => Self(millis(after)),
            Err(before) => Self(-millis(before.duration())),
        }
    }
}

/// The whole milliseconds of it.
impl<Zone: TimeZone> From<DateTime<Zone>> for Timestamp {
    fn from(time: DateTime<Zone>) -> Self {
        Self(time.timestamp_millis())
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
    fn instants_of_the_standard_library_and_of_chrono_become_ours() {
        let before = SystemTime::UNIX_EPOCH - Duration::from_millis(1_500);
        let after = SystemTime::UNIX_EPOCH + Duration::from_micros(2_500);
        assert_eq!([before, after].map(|time| Timestamp::from(time).millis()), [-1_500, 2]);
        let noon = DateTime::parse_from_rfc3339("2026-11-21T13:00:00+01:00").unwrap();
        assert_eq!(Timestamp::from(noon).to_string(), "2026-11-21T12:00:00.000Z");
    }

    #[test]
    fn a_length_stands_in_a_sentence_in_its_two_largest_units() {
        let told = [41, 720, 11_100, 104_400].map(|seconds| in_units(Duration::from_secs(seconds)));
        assert_eq!(told, ["41 s", "12 min", "3 h 5 min", "1 d 5 h"]);
    }

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
