//! Warnings of what the coming changes of the clock will do to a rule.

use super::{Rule, zone};
use crate::model::{Cron, Timestamp};
use chrono::NaiveDateTime;
use chrono_tz::Tz;

/// How far ahead is looked, in seconds: a year and a day.
const AHEAD: i64 = 366 * 86_400;
/// Most warnings: twice the most changes that a zone had in a year (Egypt, four in 2014).
const MAX_WARNINGS: usize = 8;
/// All hours of the day.
const ALL_HOURS: u64 = (1 << 24) - 1;

impl Rule {
    /// The changes of the clock in the next year that this rule notices, each in one English sentence: `on 2027-03-28
    /// 02:30 does not exist in Europe/Berlin: it runs at 03:00`. Empty for rules that go by elapsed time at all hours.
    pub fn clock_warnings(&self, now: Timestamp) -> Vec<String> {
        let Self::Cron { cron, zone } = self else { return Vec::new() };
        if cron.is_wild() && cron.times.hours == ALL_HOURS {
            return Vec::new();
        }
        let now = now.millis().div_euclid(1_000);
        let next = |from: i64| zone::change(*zone, from, now + AHEAD);
        std::iter::successors(next(now), |from| next(*from))
            .filter_map(|change| warning(cron, *zone, change))
            .take(MAX_WARNINGS)
            .collect()
    }
}

/// What one change does, if it touches a time of the rule.
fn warning(cron: &Cron, zone: Tz, change: i64) -> Option<String> {
    let before = zone::local(zone, change - 1)? + chrono::TimeDelta::seconds(1);
    let after = zone::local(zone, change)?;
    let forward = before < after;
    let (from, until) = if forward { (before, after) } else { (after, before) };
    let time = cron.next(from - chrono::TimeDelta::seconds(1)).filter(|time| *time < until)?;
    // A wildcard rule has a pace, so its warning names the whole stretch. Other warnings name the first time in it.
    let what =
        if cron.is_wild() { format!("{} to {}", clock(from), clock(until)) } else { clock(time) };
    let (happens, so) = match (forward, cron.is_wild()) {
        (true, true) => ("does not exist", "what falls there is left out".to_owned()),
        (true, false) => ("does not exist", format!("it runs at {}", clock(after))),
        (false, true) => ("comes twice", "it runs both times".to_owned()),
        (false, false) => ("comes twice", "it runs the first time".to_owned()),
    };
    Some(format!("on {} {what} {happens} in {zone}: {so}", from.date()))
}

fn clock(time: NaiveDateTime) -> String {
    let seconds = time.and_utc().timestamp() % 60 != 0;
    time.format(if seconds { "%H:%M:%S" } else { "%H:%M" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T08:00:00Z
    const NOW: Timestamp = Timestamp::from_millis(1_795_248_000_000);

    fn warnings(cron: &str, zone: &str) -> Vec<String> {
        Rule::cron(cron, zone).unwrap().clock_warnings(NOW)
    }

    #[test]
    fn a_fixed_time_in_a_gap_and_in_a_fold_is_told_with_what_happens() {
        assert_eq!(
            warnings("30 2 * * *", "Europe/Berlin"),
            [
                "on 2027-03-28 02:30 does not exist in Europe/Berlin: it runs at 03:00",
                "on 2027-10-31 02:30 comes twice in Europe/Berlin: it runs the first time",
            ]
        );
    }

    #[test]
    fn a_day_that_is_counted_in_its_month_is_warned_of_where_it_meets_a_change() {
        // Berlin changes on the last Sundays of March and October, New York on the second and the first.
        assert_eq!(
            warnings("30 2 * * sunL", "Europe/Berlin"),
            warnings("30 2 * * *", "Europe/Berlin")
        );
        assert!(warnings("30 2 * * sun#4", "Europe/Berlin")[0].starts_with("on 2027-03-28 02:30"));
        assert_eq!(
            warnings("30 2 * 3 sun#2", "America/New_York"),
            ["on 2027-03-14 02:30 does not exist in America/New_York: it runs at 03:00"]
        );
        assert!(warnings("30 2 L-1 * *", "Europe/Berlin").is_empty());
    }

    #[test]
    fn a_wildcard_rule_of_some_hours_is_told_of_the_stretch() {
        assert_eq!(
            warnings("*/15 2 * * *", "Europe/Berlin"),
            [
                "on 2027-03-28 02:00 to 03:00 does not exist in Europe/Berlin: what falls there is left out",
                "on 2027-10-31 02:00 to 03:00 comes twice in Europe/Berlin: it runs both times",
            ]
        );
    }

    #[test]
    fn rules_that_no_change_touches_are_not_warned_of() {
        assert!(warnings("0 12 * * *", "Europe/Berlin").is_empty());
        assert!(warnings("30 2 * * mon", "Europe/Berlin").is_empty());
        assert!(warnings("*/15 * * * *", "Europe/Berlin").is_empty());
        assert!(warnings("30 2 * * *", "Asia/Tokyo").is_empty());
        assert!(Rule::every(60, NOW).unwrap().clock_warnings(NOW).is_empty());
    }
}
