//! The next time that an expression names, found by the `cron` crate.
//!
//! That crate is handed sets, not the text: each field as a list of numbers. Three things are said to it in another way:
//! - It asks for both day fields to match. Where crontab wants one of them, it gets two schedules, and the earlier
//!   time counts.
//! - Its Sunday is 1, ours is 0.
//! - It has no `L`, `W` and `#`. For those it gets every day that they name in some month, and what it finds is held
//!   against the days of that month.
//!
//! It is asked in UTC, which has no gaps and folds: it would leave out a time in a gap.

use super::set::members;
use super::times::{Times, YEARS};
use ::cron::Schedule;
use chrono::{Datelike, Days, NaiveDateTime, NaiveTime};

/// What the crate searches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Upcoming {
    /// The earliest that one of them finds counts.
    schedules: Vec<Schedule>,
    /// Whether they name more days than are meant.
    loose: bool,
}

impl Upcoming {
    pub(super) fn of(times: &Times) -> Self {
        let dates = numbers(times.dates.of_any_month(), 1, 31, 0);
        let weekdays = numbers(times.weekdays.of_any_week(), 0, 6, 1);
        let schedules = if times.either_day {
            vec![schedule(times, &dates, "*"), schedule(times, "*", &weekdays)]
        } else {
            vec![schedule(times, &dates, &weekdays)]
        };
        Self { schedules, loose: !times.has_plain_days() }
    }

    /// The first of these times after one.
    pub(super) fn after(&self, times: &Times, after: NaiveDateTime) -> Option<NaiveDateTime> {
        // The crate's sums overflow at the end of chrono's years, and it takes years for positive numbers.
        if after.year() > *YEARS.end() {
            return None;
        }
        let after = after.max(NaiveDateTime::default() - chrono::TimeDelta::seconds(1));
        self.schedules.iter().filter_map(|schedule| self.first(schedule, times, after)).min()
    }

    fn first(
        &self,
        schedule: &Schedule,
        times: &Times,
        after: NaiveDateTime,
    ) -> Option<NaiveDateTime> {
        let mut after = after;
        loop {
            let found = schedule.after(&after.and_utc()).next()?.naive_utc();
            if !self.loose || times.has(found) {
                return Some(found);
            }
            // It is not one of this month's days, so nothing on this day is meant.
            let tomorrow = found.date().checked_add_days(Days::new(1))?;
            after = tomorrow.and_time(NaiveTime::MIN) - chrono::TimeDelta::seconds(1);
        }
    }
}

fn schedule(times: &Times, dates: &str, weekdays: &str) -> Schedule {
    let seconds = numbers(times.seconds, 0, 59, 0);
    let minutes = numbers(times.minutes, 0, 59, 0);
    let hours = numbers(times.hours, 0, 23, 0);
    let months = numbers(times.months, 1, 12, 0);
    let text = format!("{seconds} {minutes} {hours} {dates} {months} {weekdays}");
    text.parse().expect("the crate reads lists of numbers that its fields have")
}

/// A set as the crate's list: `*` if it is full, and each number with an offset.
fn numbers(set: u64, low: u32, high: u32, offset: u32) -> String {
    if (low..=high).all(|value| super::set::has(set, value)) {
        return "*".into();
    }
    members(set).map(|value| (value + offset).to_string()).collect::<Vec<_>>().join(",")
}
