//! Rates: how many jobs of a kind start within a length of time.

use super::ConcurrencyKey;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// The most starts that a rate counts: each is a row for as long as the rate's length.
pub const MAX_RATE: u32 = 10_000;
/// The longest length of a rate.
const LONGEST: Duration = Duration::from_hours(366 * 24);
/// The units of a length in words, the longest first.
const UNITS: [(&str, u64); 5] = [
    ("a day", 24 * 60 * 60 * 1000),
    ("an hour", 60 * 60 * 1000),
    ("a minute", 60 * 1000),
    ("a second", 1000),
    ("a millisecond", 1),
];

/// A bound on the starts of a kind's jobs. In no stretch of time of this length do more of them start, whichever processes run
/// them; each attempt is a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Rate {
    /// Starts that the length has room for: 1 to 10,000.
    pub count: u32,
    /// The length: a millisecond to a year.
    pub length: Duration,
    /// Whether the jobs of each concurrency key are counted by themselves.
    pub by_key: bool,
}

impl Rate {
    /// So many starts in each stretch of this length, of all jobs of the kind together.
    pub const fn per(length: Duration, count: u32) -> Self {
        Self { count, length, by_key: false }
    }

    /// The same for the jobs of each concurrency key by themselves; the jobs without a key are counted together.
    #[must_use]
    pub const fn by_key(self) -> Self {
        Self { by_key: true, ..self }
    }

    /// Why no kind can have this rate.
    pub(super) fn wrong(&self) -> Option<String> {
        if !(1..=MAX_RATE).contains(&self.count) {
            return Some(format!("a rate counts 1 to {MAX_RATE} starts, not {}", self.count));
        }
        let is_length = self.length.as_millis() > 0 && self.length <= LONGEST;
        (!is_length).then(|| "a rate has a length of a millisecond to a year".to_owned())
    }

    /// The jobs among which one is counted that holds this key.
    pub(super) fn group(&self, key: Option<&ConcurrencyKey>) -> String {
        if !self.by_key {
            return String::new();
        }
        // No key is the empty text, so that nothing else is that of the whole kind.
        format!("key {}", key.map_or("", ConcurrencyKey::as_str))
    }
}

/// `at most 100 jobs an hour`
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let jobs = if self.count == 1 { "job" } else { "jobs" };
        write!(f, "at most {} {jobs} ", self.count)?;
        let millis = u64::try_from(self.length.as_millis()).unwrap_or(u64::MAX);
        let whole = UNITS.iter().find(|(_, unit)| millis >= *unit && millis % unit == 0);
        match whole {
            Some((name, unit)) if millis == *unit => f.write_str(name)?,
            Some((name, unit)) => {
                let (_, name) = name.split_once(' ').unwrap_or_default();
                write!(f, "in {} {name}s", millis / unit)?;
            }
            None => write!(f, "in {millis} milliseconds")?,
        }
        f.write_str(if self.by_key { " for each concurrency key" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_said_in_its_own_unit() {
        let said = |length, count| Rate::per(length, count).to_string();
        assert_eq!(said(Duration::from_hours(1), 100), "at most 100 jobs an hour");
        assert_eq!(said(Duration::from_secs(1), 1), "at most 1 job a second");
        assert_eq!(said(Duration::from_secs(90), 5), "at most 5 jobs in 90 seconds");
        assert_eq!(said(Duration::from_hours(48), 5), "at most 5 jobs in 2 days");
        let by_key = Rate::per(Duration::from_mins(1), 2).by_key().to_string();
        assert_eq!(by_key, "at most 2 jobs a minute for each concurrency key");
    }
}
