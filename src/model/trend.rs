//! How often a problem is met over time: new, growing, gone.

use super::Timestamp;
use super::job::word_enum;
use std::collections::BTreeMap;
use std::time::Duration;

/// A day, in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1_000;
/// Days before the last 24 hours to which these are compared.
const WEEK: i64 = 7;
/// Rows of a day below which nothing counts as growing: two are no trend.
const FEW: u64 = 10;
/// How many times as many rows as a usual day of its week count as growing.
const MORE: u64 = 2;

word_enum!(
    /// How often a problem is met lately.
    Trend {
        /// It was met for the first time in the last 24 hours.
        New = "new",
        /// In the last 24 hours it was met at least twice as often as on a usual day of the week before.
        Growing = "growing",
        /// As often as before, or less.
        Steady = "steady",
        /// Not once in the last 24 hours.
        Gone = "gone",
    }
);

/// How often a problem was met in the last 24 hours and in the week before them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenOverTime {
    /// Rows of each hour in which there were some, by its start.
    pub hours: BTreeMap<Timestamp, u64>,
    /// Rows of the last 24 hours.
    pub day: u64,
    /// Rows of the seven days before.
    pub week: u64,
    /// What that says.
    pub trend: Trend,
}

impl SeenOverTime {
    /// How far back the counts have to go.
    pub const SINCE: Duration = Duration::from_hours(8 * 24);

    /// The counts of an issue that was made then, by the hours of its rows; `None` if nothing is known of them.
    pub fn of(hours: BTreeMap<Timestamp, u64>, made: Timestamp, now: Timestamp) -> Option<Self> {
        let first = *hours.keys().next()?;
        let ago = |days: i64| Timestamp::from_millis(now.millis().saturating_sub(days * DAY));
        let (yesterday, before) = (ago(1), ago(1 + WEEK));
        let day = hours.range(yesterday..).map(|(_, rows)| rows).sum();
        let week = hours.range(before..yesterday).map(|(_, rows)| rows).sum::<u64>();
        let is_growing = day >= FEW && day * WEEK.unsigned_abs() >= week * MORE;
        let trend = if day == 0 {
            Trend::Gone
        } else if first >= yesterday && made >= yesterday {
            Trend::New
        } else if is_growing {
            Trend::Growing
        } else {
            Trend::Steady
        };
        Some(Self { hours, day, week, trend })
    }

    /// A word for the trend.
    pub const fn word(&self) -> &'static str {
        match self.trend {
            Trend::Gone => "not seen for 24 h",
            Trend::New | Trend::Growing | Trend::Steady => self.trend.as_str(),
        }
    }

    /// What a person is told: `growing: 40 rows in the last 24 hours, 5.0 a day in the week before`.
    pub fn sentence(&self) -> String {
        let (Self { day, week, .. }, word) = (self, self.word());
        let rows = if *day == 1 { "row" } else { "rows" };
        let tenths = (week * 10).div_ceil(WEEK.unsigned_abs());
        let (whole, part) = (tenths / 10, tenths % 10);
        format!(
            "{word}: {day} {rows} in the last 24 hours, {whole}.{part} a day in the week before"
        )
    }
}

/// How often something came in the newer half of a span of time, held against the older half.
#[cfg(all(feature = "web", feature = "monitor"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halves {
    /// How often in the older half.
    pub before: u64,
    /// How often in the newer half.
    pub lately: u64,
}

#[cfg(all(feature = "web", feature = "monitor"))]
impl Halves {
    /// By the counts of equal parts of the span, the oldest first. Of an odd number the middle one is of no half.
    pub fn of(counts: &[u64]) -> Self {
        let half = counts.len() / 2;
        let (before, lately) = (&counts[..half], &counts[counts.len() - half..]);
        Self { before: before.iter().sum(), lately: lately.iter().sum() }
    }

    /// A word for the difference, where there is one: at least twice as often or half as often, and not of a few alone.
    pub fn word(self) -> Option<&'static str> {
        let Self { before, lately } = self;
        if lately >= FEW && lately >= before * MORE {
            Some("more often")
        } else if before >= FEW && before >= lately * MORE {
            Some("less often")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    #[cfg(all(feature = "web", feature = "monitor"))]
    fn halves_are_told_apart_by_twice_as_much() {
        for (counts, before, lately, word) in [
            (&[1, 2, 9, 3, 7][..], 3, 10, Some("more often")),
            (&[20, 5, 4], 20, 4, Some("less often")),
            (&[6, 6], 6, 6, None),
            (&[1, 4], 1, 4, None),
            (&[7], 0, 0, None),
            (&[], 0, 0, None),
        ] {
            let halves = Halves::of(counts);
            assert_eq!((halves, halves.word()), (Halves { before, lately }, word), "{counts:?}");
        }
    }

    fn ago(hours: u64) -> Timestamp {
        NOW.minus(Duration::from_hours(hours)).hour()
    }

    fn seen(hours: &[(u64, u64)], made: u64) -> SeenOverTime {
        let hours = hours.iter().map(|(hours, rows)| (ago(*hours), *rows)).collect();
        SeenOverTime::of(hours, ago(made), NOW).unwrap()
    }

    #[test]
    fn the_last_day_is_compared_with_the_week_of_the_same_problem() {
        for (hours, made, trend) in [
            (&[(3, 1)][..], 2, Trend::New),
            // Its older rows are forgotten, and the issue tells that it is not new.
            (&[(3, 1)], 900, Trend::Steady),
            (&[(3, 20), (30, 70)], 40, Trend::Growing),
            (&[(3, 19), (30, 70)], 40, Trend::Steady),
            (&[(3, 9), (30, 1)], 40, Trend::Steady),
            (&[(30, 5)], 40, Trend::Gone),
            (&[(190, 5)], 200, Trend::Gone),
        ] {
            assert_eq!(seen(hours, made).trend, trend, "{hours:?}");
        }
        assert_eq!(SeenOverTime::of(BTreeMap::new(), NOW, NOW), None);
        let sentence = "growing: 20 rows in the last 24 hours, 10.0 a day in the week before";
        assert_eq!(seen(&[(3, 20), (30, 70), (195, 900)], 40).sentence(), sentence);
    }
}
