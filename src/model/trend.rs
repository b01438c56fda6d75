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

    /// What a person is told: `growing: 40 rows in the last 24 hours, 5.0 a day in the week before`.
    pub fn sentence(&self) -> String {
        let Self { day, week, trend, .. } = self;
        let rows = if *day == 1 { "row" } else { "rows" };
        let tenths = (week * 10).div_ceil(WEEK.unsigned_abs());
        let (whole, part) = (tenths / 10, tenths % 10);
        format!(
            "{trend}: {day} {rows} in the last 24 hours, {whole}.{part} a day in the week before"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

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
