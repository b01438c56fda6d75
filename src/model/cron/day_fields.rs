//! The two day fields: what every field holds, and the words that count days from the end of a month or in it.

use super::days::{Dates, Weekdays};
use super::error::{CronError, refuse};
use super::field::{DAYS, WEEKDAYS, digits};
use super::list::{item, items};

/// The days of month that a list at `at` names.
pub(super) fn dates(at: usize, text: &str) -> Result<Dates, CronError> {
    let mut dates = Dates::default();
    for (at, text) in items(at, text) {
        let upper = text.to_ascii_uppercase();
        if upper == "L" {
            dates.before_last |= 1;
        } else if upper == "LW" {
            dates.last_working = true;
        } else if let Some(before) = upper.strip_prefix("L-") {
            dates.before_last |= 1 << days_before(at + 2, before)?;
        } else if upper.contains('L') {
            return refuse(at, format!("L stands alone or as L-3 or LW, this is {text:?}"));
        } else if upper.contains('#') {
            return refuse(at, format!("# belongs to days of week, as in mon#2, this is {text:?}"));
        } else if let Some(day) = upper.strip_suffix('W') {
            if !digits(day) {
                return refuse(at, format!("W follows one day or L, as in 15W, this is {text:?}"));
            }
            dates.near |= 1 << DAYS.value(at, day)?;
        } else {
            dates.fixed |= item(&DAYS, at, text)?;
        }
    }
    Ok(dates)
}

/// The days of week that a list at `at` names.
pub(super) fn weekdays(at: usize, text: &str) -> Result<Weekdays, CronError> {
    let mut weekdays = Weekdays::default();
    for (at, text) in items(at, text) {
        if let Some((day, nth)) = text.split_once('#') {
            let day = WEEKDAYS.meant(WEEKDAYS.value(at, day)?);
            let Some(n) = ["1", "2", "3", "4", "5"].iter().position(|n| *n == nth) else {
                let at = at + text.len() - nth.len();
                let reason = "a month has a day of week 1 to 5 times, this is";
                return refuse(at, format!("{reason} {nth:?}"));
            };
            weekdays.nth[n] |= 1 << day;
        } else if let Some(day) = text.strip_suffix(['L', 'l']) {
            if day.is_empty() {
                return refuse(at, "in days of week L follows its day, as in friL".into());
            }
            weekdays.last |= 1 << WEEKDAYS.meant(WEEKDAYS.value(at, day)?);
        } else {
            let set = item(&WEEKDAYS, at, text)?;
            weekdays.every |= (set | set >> 7) & 0x7f;
        }
    }
    Ok(weekdays)
}

/// The number of `L-n`.
fn days_before(at: usize, text: &str) -> Result<u32, CronError> {
    match text.parse() {
        Ok(before @ 1..=30) if digits(text) => Ok(before),
        _ => refuse(at, format!("L is followed by -1 to -30, this is {text:?}")),
    }
}
