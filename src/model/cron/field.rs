//! The fields of an expression: the values each can have, and their names.

use super::error::{CronError, refuse};

/// The values a field can have, and what it calls them.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) low: u32,
    pub(super) high: u32,
    /// Names of the values from `low` on.
    pub(super) names: &'static [&'static str],
    /// Whether a step may be larger than the field: then it names the first value alone, as in crontab. Only the day
    /// fields need it, see [`Cron`](super::Cron)'s module.
    pub(super) long_steps: bool,
}

pub(super) const SECONDS: Field =
    Field { name: "seconds", low: 0, high: 59, names: &[], long_steps: false };
pub(super) const MINUTES: Field =
    Field { name: "minutes", low: 0, high: 59, names: &[], long_steps: false };
pub(super) const HOURS: Field =
    Field { name: "hours", low: 0, high: 23, names: &[], long_steps: false };
pub(super) const DAYS: Field =
    Field { name: "days of month", low: 1, high: 31, names: &[], long_steps: true };
pub(super) const MONTHS: Field = Field {
    name: "months",
    low: 1,
    high: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    long_steps: false,
};
pub(super) const WEEKDAYS: Field = Field {
    name: "days of week",
    low: 0,
    high: 7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    long_steps: true,
};

impl Field {
    /// How many numbers it has, both of Sunday's counted.
    pub(super) fn size(&self) -> u32 {
        self.high - self.low + 1
    }

    /// The last value that no other number means too: Saturday, though Sunday is 7 as well.
    pub(super) fn last(&self) -> u32 {
        if self.high == 7 { 6 } else { self.high }
    }

    /// The value that a number means: Sunday is 0, also when it was written as 7.
    pub(super) fn meant(&self, value: u32) -> u32 {
        if value > self.last() { self.low } else { value }
    }

    /// A number, or one of the field's names.
    pub(super) fn value(&self, at: usize, text: &str) -> Result<u32, CronError> {
        let (name, low, high) = (self.name, self.low, self.high);
        if let Some(n) = self.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return Ok(low + u32::try_from(n).unwrap_or(0));
        }
        match text.parse() {
            Ok(value) if digits(text) && (low..=high).contains(&value) => Ok(value),
            _ if text.is_empty() => {
                refuse(at, format!("a number is missing: {name} are {low} to {high}"))
            }
            _ if digits(text) => refuse(at, format!("{name} are {low} to {high}, this is {text}")),
            _ => {
                let or = match (self.names.first(), self.names.last()) {
                    (Some(first), Some(last)) => format!(" or {first} to {last}"),
                    _ => String::new(),
                };
                refuse(at, format!("{name} are {low} to {high}{or}, this is {text:?}"))
            }
        }
    }
}

/// Whether it is a plain number: Rust's own reader takes a sign too.
pub(super) fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}
