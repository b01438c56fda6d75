//! Crontab's language: which local times an expression names.
//!
//! A [`Cron`] knows no time zone and no instant. It names times on a line without gaps and folds, one second after
//! the other; [`Rule`](super::Rule) maps them to instants.
//!
//! # Source
//! cronie (Vixie cron), `src/entry.c`, `src/cron.c` and crontab(5). Its rules, where they are not obvious:
//! - A day matches when the day of month *or* the day of week does, if both fields are restricted. A field that begins
//!   with `*` (so also `*/2`) counts as unrestricted; then *both* must match, so `0 0 */2 * mon` is every Monday that
//!   is an odd day.
//! - A step needs a range or `*` before it. cronie refuses `5/15`, Vixie's own reads it as `5` without a word, others
//!   as `5-59/15`: here it is refused.
//! - Names are three letters in any case, in lists and ranges too (the manual says not, the program does it).
//! - Sunday is 0 and 7; the name `sun` is 0, so `fri-sun` runs backwards and is refused: `5-7`.
//!
//! Ours on top: six fields, the first for seconds; a step beyond the field's size (`*/90` minutes, which crontab
//! takes for `0`) and days that never come (30 February) are refused.

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use std::fmt;

/// Longest expression, in bytes: every minute of the hour, spelled out, fits twice.
const MAX_BYTES: usize = 400;
/// How far ahead a date is looked for, in months. 29 February on one day of the week is the rarest there is: it comes
/// every 28 years, and after 40 where a century year has no leap day.
const MAX_MONTHS: u32 = 41 * 12;

const SECONDS: Field = Field { name: "seconds", low: 0, high: 59, names: &[] };
const MINUTES: Field = Field { name: "minutes", low: 0, high: 59, names: &[] };
const HOURS: Field = Field { name: "hours", low: 0, high: 23, names: &[] };
const DAYS: Field = Field { name: "days of month", low: 1, high: 31, names: &[] };
const MONTHS: Field = Field {
    name: "months",
    low: 1,
    high: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAYS: Field = Field {
    name: "days of week",
    low: 0,
    high: 7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

/// What the nicknames stand for.
const NICKNAMES: &[(&str, &str)] = &[
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// A crontab expression: the local times that it names, to the second.
///
/// # Example
/// ```
/// use chrono::NaiveDate;
/// use lamplighter::model::Cron;
///
/// let noon = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap().and_hms_opt(12, 0, 0).unwrap();
/// let leap = Cron::parse("0 12 29 2 *").unwrap();
/// assert_eq!(leap.next(noon(2096, 2, 29)), Some(noon(2104, 2, 29)));
///
/// let wrong = Cron::parse("0 25 * * *").unwrap_err();
/// assert_eq!(wrong.to_string(), "column 3: hours are 0 to 23, this is 25");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    text: String,
    pub(super) times: Times,
    /// Crontab's wildcard rule: the minute or the hour field begins with `*`.
    wild: bool,
}

/// The sets that the fields name, a bit for each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) seconds: u64,
    pub(super) minutes: u64,
    pub(super) hours: u64,
    /// Bits 1 to 31.
    pub(super) days: u64,
    /// Bits 1 to 12.
    pub(super) months: u64,
    /// Bits 0 (Sunday) to 6.
    pub(super) weekdays: u64,
    /// One of the two day fields is enough: both are restricted.
    pub(super) either_day: bool,
}

/// Why a text is no crontab expression, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CronError {
    /// Where it goes wrong: bytes into the text, from 0.
    pub position: usize,
    /// What is wrong there, for people.
    pub reason: String,
}

/// `column 5: minutes are 0 to 59, this is 60`; columns count from 1.
impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.position + 1, self.reason)
    }
}

impl std::error::Error for CronError {}

impl Cron {
    /// Parses five fields, six with leading seconds, or a nickname such as `@daily`.
    ///
    /// # Errors
    /// The first place that is wrong, and why; also for an expression that no date ever matches, and for `@reboot`.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        if text.len() > MAX_BYTES {
            return refuse(MAX_BYTES, format!("it is longer than {MAX_BYTES} characters"));
        }
        // Beyond this line a byte is a character, so that columns are what an editor shows.
        if let Some((at, other)) =
            text.char_indices().find(|(_, c)| !c.is_ascii_graphic() && *c != ' ' && *c != '\t')
        {
            return refuse(at, format!("{other:?} has no meaning here"));
        }
        let words = words(text);
        let (times, wild) = match words.first() {
            Some((at, name)) if name.starts_with('@') => {
                let fields = nickname(*at, name)?;
                if let Some((at, more)) = words.get(1) {
                    return refuse(*at, format!("nothing follows {name}, this is {more:?}"));
                }
                times(&self::words(fields), fields.len())?
            }
            Some(_) | None => times(&words, text.len())?,
        };
        Ok(Self { text: text.to_owned(), times, wild })
    }

    /// The text that it was parsed from.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is one of crontab's wildcard jobs: its minute or its hour field begins with `*`.
    ///
    /// Such a rule is about the pace, not about a time of day: at a change of the clock it follows elapsed time.
    pub fn is_wild(&self) -> bool {
        self.wild
    }

    /// Whether it names this local time; parts of a second do not count.
    pub fn matches(&self, local: NaiveDateTime) -> bool {
        let times = &self.times;
        has(times.hours, local.hour())
            && has(times.minutes, local.minute())
            && has(times.seconds, local.second())
            && has(times.days_of(local.year(), local.month()), local.day())
    }

    /// The first local time after this one that it names; `None` at the end of chrono's years.
    pub fn next(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        let from = after.with_nanosecond(0)?.checked_add_signed(chrono::TimeDelta::seconds(1))?;
        let times = &self.times;
        if has(times.days_of(from.year(), from.month()), from.day())
            && let Some(time) = times.time_from(from.time())
        {
            return Some(from.date().and_time(time));
        }
        let date = times.date_from(from.date().checked_add_days(Days::new(1))?)?;
        Some(date.and_time(times.time_from(NaiveTime::MIN)?))
    }
}

/// The text that it was parsed from.
impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Times {
    /// The first time of day that is named, from this one on.
    fn time_from(&self, from: NaiveTime) -> Option<NaiveTime> {
        let (hour, minute) = (from.hour(), from.minute());
        let first = |set| first_from(set, 0);
        if has(self.hours, hour) {
            if has(self.minutes, minute)
                && let Some(second) = first_from(self.seconds, from.second())
            {
                return NaiveTime::from_hms_opt(hour, minute, second);
            }
            if let Some(minute) = first_from(self.minutes, minute + 1) {
                return NaiveTime::from_hms_opt(hour, minute, first(self.seconds)?);
            }
        }
        let hour = first_from(self.hours, hour + 1)?;
        NaiveTime::from_hms_opt(hour, first(self.minutes)?, first(self.seconds)?)
    }

    /// The first date that is named, from this one on.
    fn date_from(&self, from: NaiveDate) -> Option<NaiveDate> {
        let (mut year, mut month, mut day) = (from.year(), from.month(), from.day());
        for _ in 0..=MAX_MONTHS {
            if let Some(day) = first_from(self.days_of(year, month), day) {
                return NaiveDate::from_ymd_opt(year, month, day);
            }
            (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            day = 1;
        }
        None
    }

    /// The days of a month that are named.
    fn days_of(&self, year: i32, month: u32) -> u64 {
        let Some(first) = NaiveDate::from_ymd_opt(year, month, 1) else { return 0 };
        if !has(self.months, month) {
            return 0;
        }
        // The week from its first day of this month on, five times over, with bit 1 for the 1st.
        let start = first.weekday().num_days_from_sunday();
        let week = (self.weekdays >> start | self.weekdays << (7 - start)) & 0x7f;
        let by_weekday = (0..5).fold(0, |days, n| days | week << (7 * n)) << 1;
        let days = if self.either_day { self.days | by_weekday } else { self.days & by_weekday };
        days & range(1, u32::from(first.num_days_in_month()))
    }
}

/// The values a field can have, and what it calls them.
struct Field {
    name: &'static str,
    low: u32,
    high: u32,
    /// Names of the values from `low` on.
    names: &'static [&'static str],
}

impl Field {
    /// The set that a comma-separated list at `at` names.
    fn list(&self, at: usize, text: &str) -> Result<u64, CronError> {
        let mut set = 0;
        let mut at = at;
        for item in text.split(',') {
            set |= self.item(at, item)?;
            at += item.len() + 1;
        }
        Ok(set)
    }

    /// `*`, `5`, `1-30`, and the first and the last with a step.
    fn item(&self, at: usize, text: &str) -> Result<u64, CronError> {
        let (values, step) = match text.split_once('/') {
            Some((values, step)) => (values, Some((at + values.len() + 1, step))),
            None => (text, None),
        };
        let (low, high) = match values.split_once('-') {
            None if values == "*" => (self.low, self.high),
            None => {
                let value = self.value(at, values)?;
                if let Some((at, step)) = step {
                    let range = format!("{values}-{}/{step}", self.high);
                    return refuse(at - 1, format!("a step follows `*` or a range: write {range}"));
                }
                (value, value)
            }
            Some((low, high)) => {
                let behind = at + low.len() + 1;
                let (first, last) = (self.value(at, low)?, self.value(behind, high)?);
                if first > last {
                    let reason = format!("{values} runs backwards: {}", self.around(low, high));
                    return refuse(at, reason);
                }
                (first, last)
            }
        };
        let Some((at, step)) = step else { return Ok(range(low, high)) };
        let size = self.high - self.low + 1;
        match step.parse::<u16>() {
            Ok(by) if digits(step) && (1..=size).contains(&u32::from(by)) => {
                Ok((low..=high).step_by(by.into()).fold(0, |set, value| set | 1 << value))
            }
            _ => refuse(at, format!("a step of {} is 1 to {size}, this is {step:?}", self.name)),
        }
    }

    /// A number, or one of the field's names.
    fn value(&self, at: usize, text: &str) -> Result<u32, CronError> {
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

    /// How to write a range that goes past the end of the field.
    fn around(&self, low: &str, high: &str) -> String {
        match (self.high, high.to_ascii_lowercase().as_str()) {
            // Sunday has a number at the other end.
            (7, "sun" | "0") => match self.value(0, low) {
                Ok(low) => format!("write {low}-7"),
                Err(_) => "write it as two".into(),
            },
            (7, _) => format!("write {low}-6,0-{high}"),
            (last, _) => format!("write {low}-{last},{}-{high}", self.low),
        }
    }
}

fn nickname(at: usize, name: &str) -> Result<&'static str, CronError> {
    if name == "@reboot" {
        return refuse(at, "@reboot is an event, not a time".into());
    }
    if let Some((_, fields)) = NICKNAMES.iter().find(|(nickname, _)| *nickname == name) {
        return Ok(fields);
    }
    let known: Vec<_> = NICKNAMES.iter().map(|(name, _)| *name).collect();
    refuse(at, format!("{name} is none of {}", known.join(", ")))
}

/// The sets of five or six fields, and whether the minute or the hour field is wild.
fn times(words: &[(usize, &str)], end: usize) -> Result<(Times, bool), CronError> {
    let (second, five) = match words {
        [second, five @ ..] if five.len() == 5 => (Some(second), five),
        five => (None, five),
    };
    let [minute, hour, day, month, weekday] = five else {
        let at = words.get(6).map_or(end, |(at, _)| *at);
        let names = "minute, hour, day of month, month, day of week";
        let reason =
            format!("five fields ({names}), or six with seconds first: this has {}", words.len());
        return refuse(at, reason);
    };
    let starred = |field: &(usize, &str)| field.1.starts_with('*');
    let read = |field: Field, (at, text): &(usize, &str)| field.list(*at, text);
    let times = Times {
        seconds: second.map_or(Ok(1), |second| read(SECONDS, second))?,
        minutes: read(MINUTES, minute)?,
        hours: read(HOURS, hour)?,
        days: read(DAYS, day)?,
        months: read(MONTHS, month)?,
        weekdays: both_sundays(read(WEEKDAYS, weekday)?),
        either_day: !starred(day) && !starred(weekday),
    };
    if times.date_from(NaiveDate::default()).is_none() {
        let longest = (1..=12).filter(|month| has(times.months, *month)).map(days_in).max();
        let longest = longest.unwrap_or(0);
        return refuse(
            day.0,
            format!("no such date ever comes: those months have at most {longest} days"),
        );
    }
    Ok((times, starred(minute) || starred(hour)))
}

/// The words of a text and where they begin.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    let mut words = Vec::new();
    for word in text.split([' ', '\t']) {
        if !word.is_empty() {
            words.push((at, word));
        }
        at += word.len() + 1;
    }
    words
}

fn refuse<T>(position: usize, reason: String) -> Result<T, CronError> {
    Err(CronError { position, reason })
}

/// Whether it is a plain number: Rust's own reader takes a sign too.
fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Sunday is bit 0, also when it was written as 7.
fn both_sundays(set: u64) -> u64 {
    (set | set >> 7) & 0x7f
}

/// The most days that a month ever has.
fn days_in(month: u32) -> u32 {
    match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn range(low: u32, high: u32) -> u64 {
    (u64::MAX >> (63 - high)) & (u64::MAX << low)
}

fn has(set: u64, value: u32) -> bool {
    set >> value & 1 == 1
}

/// The first member of a set that is at least `from`, which is at most 60.
fn first_from(set: u64, from: u32) -> Option<u32> {
    let rest = set >> from;
    (rest != 0).then(|| from + rest.trailing_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    /// The first times after `from`, as `MM-DD HH:MM:SS`.
    fn times(cron: &str, from: &str, count: usize) -> Vec<String> {
        let cron = Cron::parse(cron).unwrap();
        let all = std::iter::successors(cron.next(at(from)), |time| cron.next(*time));
        let all: Vec<_> = all.take(count).collect();
        assert!(all.iter().all(|time| cron.matches(*time)));
        all.iter().map(|time| time.format("%m-%d %H:%M:%S").to_string()).collect()
    }

    #[test]
    fn fields_are_lists_of_values_names_ranges_and_steps() {
        let sets = |text| Cron::parse(text).unwrap().times;
        assert_eq!(sets("*/20 * * * *").minutes, 1 | 1 << 20 | 1 << 40);
        assert_eq!(
            sets("1-30/7,50 * * * *").minutes,
            1 << 1 | 1 << 8 | 1 << 15 | 1 << 22 | 1 << 29 | 1 << 50
        );
        assert_eq!(sets("0 0 * jan,MAR-May *").months, 1 << 1 | 1 << 3 | 1 << 4 | 1 << 5);
        assert_eq!(sets("0 0 * * mon-fri/2").weekdays, 0b10_1010);
        assert_eq!(sets("*/60 * * * *").minutes, 1);
        assert_eq!(sets("5 * * * *").seconds, 1);
        assert_eq!(sets("*/30 5 * * * *").seconds, 1 | 1 << 30);
    }

    #[test]
    fn sunday_is_0_and_7() {
        let sunday = Cron::parse("0 0 * * sun").unwrap().times;
        assert_eq!(Cron::parse("0 0 * * 0").unwrap().times, sunday);
        assert_eq!(Cron::parse("0 0 * * 7").unwrap().times, sunday);
        assert_eq!(Cron::parse("0 0 * * 5-7").unwrap().times.weekdays, 0b110_0001);
    }

    #[test]
    fn nicknames_stand_for_their_fields_and_the_text_is_kept() {
        for (name, fields) in NICKNAMES {
            let cron = Cron::parse(&format!(" {name}\t")).unwrap();
            assert_eq!(cron.times, Cron::parse(fields).unwrap().times);
            assert_eq!(cron.as_str(), format!(" {name}\t"));
        }
        assert_eq!(
            times("@weekly", "2026-11-21T00:00:00", 2),
            ["11-22 00:00:00", "11-29 00:00:00"]
        );
    }

    #[test]
    fn one_day_field_is_enough_when_both_are_restricted() {
        assert_eq!(
            times("0 12 13 * 5", "2026-11-01T00:00:00", 5),
            [
                "11-06 12:00:00",
                "11-13 12:00:00",
                "11-20 12:00:00",
                "11-27 12:00:00",
                "12-04 12:00:00"
            ]
        );
        assert_eq!(
            times("0 12 13 * 1", "2026-11-01T00:00:00", 4),
            ["11-02 12:00:00", "11-09 12:00:00", "11-13 12:00:00", "11-16 12:00:00"]
        );
    }

    #[test]
    fn a_day_field_that_begins_with_a_star_is_unrestricted_and_both_must_match() {
        assert_eq!(
            times("0 0 */2 * mon", "2026-11-01T00:00:00", 3),
            ["11-09 00:00:00", "11-23 00:00:00", "12-07 00:00:00"]
        );
        assert_eq!(
            times("0 0 13 * */5", "2026-01-01T00:00:00", 3),
            ["02-13 00:00:00", "03-13 00:00:00", "09-13 00:00:00"]
        );
    }

    #[test]
    fn the_next_time_carries_through_every_field() {
        assert_eq!(times("59 23 31 12 *", "2026-12-31T23:59:00", 1), ["12-31 23:59:00"]);
        assert_eq!(
            times("0 0 31 * *", "2026-01-31T00:00:00", 3),
            ["03-31 00:00:00", "05-31 00:00:00", "07-31 00:00:00"]
        );
        assert_eq!(
            times("10 5 6 * * *", "2026-01-31T06:05:09.999", 2),
            ["01-31 06:05:10", "02-01 06:05:10"]
        );
        assert_eq!(times("10 5 6 * * *", "2026-01-31T06:05:10", 1), ["02-01 06:05:10"]);
        assert_eq!(times("0 30 4 * * *", "2026-01-31T04:45:00", 1), ["02-01 04:30:00"]);
    }

    #[test]
    fn a_leap_day_is_found_over_a_century_without_one() {
        let next = |cron, from| Cron::parse(cron).unwrap().next(at(from)).unwrap().to_string();
        assert_eq!(next("0 0 29 2 *", "2096-02-29T00:00:00"), "2104-02-29 00:00:00");
        // The rarest date: a 29 February on one day of the week.
        assert_eq!(next("0 0 29 2 */7", "2088-02-29T00:00:00"), "2128-02-29 00:00:00");
        assert_eq!(Cron::parse("* * * * *").unwrap().next(NaiveDateTime::MAX), None);
    }

    #[test]
    fn the_next_time_is_the_one_that_a_walk_over_all_minutes_finds() {
        for text in
            ["*/7 1-5 * * *", "3 2 13 * 5", "0 0 29-31 2-4 *", "59 */5 * * sat", "1,2 0 */9 * */2"]
        {
            let cron = Cron::parse(text).unwrap();
            let minutes =
                (0..366 * 1_440).map(|n| at("2026-11-21T00:00:00") + chrono::TimeDelta::minutes(n));
            let walked: Vec<_> = minutes.filter(|minute| cron.matches(*minute)).collect();
            let found =
                std::iter::successors(cron.next(at("2026-11-20T23:59:59")), |t| cron.next(*t));
            assert_eq!(found.take(walked.len()).collect::<Vec<_>>(), walked, "{text}");
        }
    }

    #[test]
    fn wild_is_a_minute_or_hour_field_that_begins_with_a_star() {
        for (text, wild) in [
            ("0 * * * *", true),
            ("*/15 2 * * *", true),
            ("@hourly", true),
            ("30 */2 * * *", true),
            ("0 0-23 * * *", false),
            ("@daily", false),
            ("* 30 2 * * *", false),
            ("5,*/9 2 * * *", false),
        ] {
            assert_eq!(Cron::parse(text).unwrap().is_wild(), wild, "{text}");
        }
    }

    #[test]
    fn bad_expressions_are_refused_with_the_position_and_the_reason() {
        for (text, message) in [
            ("60 * * * *", "column 1: minutes are 0 to 59, this is 60"),
            ("0 2 0 * *", "column 5: days of month are 1 to 31, this is 0"),
            ("0 0 1,32 * *", "column 7: days of month are 1 to 31, this is 32"),
            ("0 0 * 13 *", "column 7: months are 1 to 12, this is 13"),
            ("0 0 * foo *", "column 7: months are 1 to 12 or jan to dec, this is \"foo\""),
            ("0 0 * * 8", "column 9: days of week are 0 to 7, this is 8"),
            ("0 0 * * ?", "column 9: days of week are 0 to 7 or sun to sat, this is \"?\""),
            ("0 99999999999 * * *", "column 3: hours are 0 to 23, this is 99999999999"),
            ("0 +5 * * *", "column 3: hours are 0 to 23, this is \"+5\""),
            ("0 1, * * *", "column 5: a number is missing: hours are 0 to 23"),
            ("-5 * * * *", "column 1: a number is missing: minutes are 0 to 59"),
            ("0 22-2 * * *", "column 3: 22-2 runs backwards: write 22-23,0-2"),
            ("0 0 * * fri-sun", "column 9: fri-sun runs backwards: write 5-7"),
            ("0 0 * * fri-mon", "column 9: fri-mon runs backwards: write fri-6,0-mon"),
            ("*/0 * * * *", "column 3: a step of minutes is 1 to 60, this is \"0\""),
            ("*/90 * * * *", "column 3: a step of minutes is 1 to 60, this is \"90\""),
            ("*/ * * * *", "column 3: a step of minutes is 1 to 60, this is \"\""),
            ("5/15 * * * *", "column 2: a step follows `*` or a range: write 5-59/15"),
            ("*/2/3 * * * *", "column 3: a step of minutes is 1 to 60, this is \"2/3\""),
            ("0 0 30 2 *", "column 5: no such date ever comes: those months have at most 29 days"),
            (
                "0 0 31 4,6 */2",
                "column 5: no such date ever comes: those months have at most 30 days",
            ),
            ("@reboot", "column 1: @reboot is an event, not a time"),
            ("@daily 5", "column 8: nothing follows @daily, this is \"5\""),
            ("0 0 1 é *", "column 7: 'é' has no meaning here"),
            ("0 0\n* * *", "column 4: '\\n' has no meaning here"),
        ] {
            assert_eq!(Cron::parse(text).unwrap_err().to_string(), message, "{text}");
        }
        let long = "0,".repeat(MAX_BYTES);
        for (text, position) in
            [("", 0), ("  ", 2), ("0 2 * *", 7), ("0 0 2 * * * *", 12), ("@dayly", 0), (&long, 400)]
        {
            assert_eq!(Cron::parse(text).unwrap_err().position, position, "{text}");
        }
        assert!(Cron::parse("0 0 30 2 mon").is_ok(), "the Mondays of February come");
    }
}
