//! The local times that an expression names, as sets.

use super::days::{Dates, Month, Weekdays};
use super::set::has;
use chrono::{Datelike, NaiveDateTime, Timelike};
use std::ops::RangeInclusive;

/// The years in which a time can be named: those that the `cron` crate knows.
pub(super) const YEARS: RangeInclusive<i32> = 1970..=2100;

/// The sets that the fields name, a bit for each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) struct Times {
    pub(in crate::model) seconds: u64,
    pub(in crate::model) minutes: u64,
    pub(in crate::model) hours: u64,
    pub(in crate::model) dates: Dates,
    /// Bits 1 to 12.
    pub(in crate::model) months: u64,
    pub(in crate::model) weekdays: Weekdays,
    /// One of the two day fields is enough: both are restricted.
    pub(in crate::model) either_day: bool,
}

impl Times {
    pub(super) fn has(&self, time: NaiveDateTime) -> bool {
        has(self.hours, time.hour())
            && has(self.minutes, time.minute())
            && has(self.seconds, time.second())
            && has(self.days_of(time.year(), time.month()), time.day())
    }

    /// The days of a month that are named.
    pub(super) fn days_of(&self, year: i32, month: u32) -> u64 {
        if !has(self.months, month) || !YEARS.contains(&year) {
            return 0;
        }
        let Some(month) = Month::of(year, month) else { return 0 };
        let (by_date, by_weekday) = (self.dates.of(month), self.weekdays.of(month));
        if self.either_day { by_date | by_weekday } else { by_date & by_weekday }
    }

    /// Whether the day fields name the same days in every month and week.
    pub(super) fn has_plain_days(&self) -> bool {
        self.dates.is_fixed() && self.weekdays.is_every_week()
    }
}
