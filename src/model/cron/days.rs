//! The days that the two day fields name, which differ from month to month.

use super::set::{members, range};
use chrono::{Datelike, NaiveDate};

/// The days of a month, as the field of that name gives them. The last days and the working days depend on the month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::model) struct Dates {
    /// Bits 1 to 31.
    pub(in crate::model) fixed: u64,
    /// `L` and `L-n`: bit 0 is the last day, bit n the day n days before it.
    pub(in crate::model) before_last: u64,
    /// `nW`: the working day (Monday to Friday) nearest to day n, in the same month. Bits 1 to 31.
    pub(in crate::model) near: u64,
    /// `LW`: the last working day.
    pub(in crate::model) last_working: bool,
}

/// The days of a week, as the field of that name gives them. Bit 0 is Sunday, bit 6 Saturday.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::model) struct Weekdays {
    /// In every week.
    pub(in crate::model) every: u64,
    /// `d#n`: the n-th of its name in a month, from the first on.
    pub(in crate::model) nth: [u64; 5],
    /// `dL`: the last of its name in a month.
    pub(in crate::model) last: u64,
}

/// A month, as far as it matters to which days of it are meant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Month {
    /// 28 to 31.
    length: u32,
    /// The day of the week of its first day, from Sunday.
    start: u32,
}

impl Month {
    pub(super) fn of(year: i32, month: u32) -> Option<Self> {
        let first = NaiveDate::from_ymd_opt(year, month, 1)?;
        let start = first.weekday().num_days_from_sunday();
        Some(Self { length: first.num_days_in_month().into(), start })
    }

    /// All its days.
    pub(super) fn days(self) -> u64 {
        range(1, self.length)
    }

    /// The working day nearest to a day of this month, without leaving it.
    fn working_day_near(self, day: u32) -> u32 {
        match (self.start + day - 1) % 7 {
            6 if day > 1 => day - 1,
            6 => day + 2,
            0 if day < self.length => day + 1,
            0 => day - 2,
            _ => day,
        }
    }

    /// The days that are one of these days of the week.
    fn weekdays(self, set: u64) -> u64 {
        // The week from the first day of this month on, five times over, with bit 1 for the 1st.
        let week = (set >> self.start | set << (7 - self.start)) & 0x7f;
        (0..5).fold(0, |days, n| days | week << (7 * n)) << 1 & self.days()
    }
}

impl Dates {
    /// Whether it is the same days in every month that has them.
    pub(in crate::model) fn is_fixed(&self) -> bool {
        *self == Self { fixed: self.fixed, ..Self::default() }
    }

    /// The days of one month.
    pub(super) fn of(&self, month: Month) -> u64 {
        let length = month.length;
        let counted = members(self.before_last).filter(|n| *n < length).map(|n| length - n);
        let near = members(self.near).chain(self.last_working.then_some(length));
        let near = near.filter(|day| *day <= length).map(|day| month.working_day_near(day));
        counted.chain(near).fold(self.fixed, |days, day| days | 1 << day) & month.days()
    }

    /// Every day that it names in some month.
    pub(super) fn of_any_month(&self) -> u64 {
        let months = (28..=31).flat_map(|length| (0..7).map(move |start| Month { length, start }));
        months.fold(0, |days, month| days | self.of(month))
    }
}

impl Weekdays {
    /// Whether it is the same days in every week.
    pub(in crate::model) fn is_every_week(&self) -> bool {
        *self == Self { every: self.every, ..Self::default() }
    }

    /// The days of one month.
    pub(super) fn of(&self, month: Month) -> u64 {
        let nth = (0..).step_by(7).zip(self.nth);
        let nth = nth.fold(0, |days, (before, set)| {
            days | month.weekdays(set) & range(before + 1, before + 7)
        });
        let last = month.weekdays(self.last) & range(month.length - 6, month.length);
        month.weekdays(self.every) | nth | last
    }

    /// Every day of the week that it names in some week.
    pub(super) fn of_any_week(&self) -> u64 {
        self.nth.iter().fold(self.every | self.last, |days, set| days | set)
    }
}
