//! Crontab's language: which local times an expression names.
//!
//! A [`Cron`] knows no time zone and no instant. It names times on a line without gaps and folds, one second after
//! the other; [`Rule`](super::Rule) maps them to instants.
//!
//! The text is read here, and the `cron` crate finds the next time from the sets that were read (`upcoming`). The reader
//! is our own because that crate reads another language: its errors have no position, its two day fields must both
//! match, its Sunday is 1 and it has no five fields. Its years end with 2100, so no expression names a time after them.
//!
//! # Source
//! cronie (Vixie cron), `src/entry.c`, `src/cron.c` and crontab(5). Its rules, where they are not obvious:
//! - A day matches when the day of month *or* the day of week does, if both fields are restricted. A field that begins
//!   with `*` (so also `*/2`) counts as unrestricted; then *both* must match, so `0 0 */2 * mon` is every Monday that
//!   is an odd day.
//! - A step larger than the field names its first value alone. Crontabs use that in the day fields, to make both match:
//!   `0 0 */100,1-7 * mon` is the first Monday of a month.
//! - A step needs a range or `*` before it. cronie refuses `5/15`, Vixie's own reads it as `5` without a word, others
//!   as `5-59/15`: here it is refused.
//! - Names are three letters in any case, in lists and ranges too (the manual says not, the program does it).
//! - Sunday is 0 and 7; the name `sun` is 0, so `fri-sun` runs backwards and is refused: `5-7`.
//!
//! Ours on top:
//! - Six fields, the first for seconds.
//! - In days of month, from Quartz: `L` is the last day, `L-3` the day three days before it, `15W` the working day (Monday
//!   to Friday) nearest to the 15th without leaving the month, `LW` the last working day. A month without the day that is
//!   named has none.
//! - In days of week: `mon#2` is the second Monday of a month, `friL` the last Friday; numbers do as well.
//! - A step larger than the field is refused outside the day fields: `*/90` minutes, which crontab takes for `0`, is a
//!   mistake. So are days that never come (30 February).

mod day_fields;
mod days;
mod error;
mod field;
mod list;
mod repair;
mod set;
mod times;
mod upcoming;

pub(super) use days::{Dates, Weekdays};
pub use error::CronError;
pub(super) use set::{members, range};

use chrono::NaiveDateTime;
use error::refuse;
use field::{HOURS, MINUTES, MONTHS, SECONDS};
use list::list;
use std::fmt;
pub(super) use times::Times;
use upcoming::Upcoming;

/// Longest expression, in bytes: every minute of the hour, spelled out, fits twice.
const MAX_BYTES: usize = 400;

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
/// *Limits:* the years 1970 to 2100.
///
/// # Example
/// ```
/// use chrono::NaiveDate;
/// use lamplighter::model::Cron;
///
/// let noon = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap().and_hms_opt(12, 0, 0).unwrap();
/// let leap = Cron::parse("0 12 29 2 *").unwrap();
/// assert_eq!(leap.next(noon(2092, 2, 29)), Some(noon(2096, 2, 29)));
///
/// let last_friday = Cron::parse("0 12 * * friL").unwrap();
/// assert_eq!(last_friday.next(noon(2026, 11, 1)), Some(noon(2026, 11, 27)));
///
/// let wrong = Cron::parse("0 25 * * *").unwrap_err();
/// assert_eq!(wrong.to_string(), "column 3: hours are 0 to 23, this is 25");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    text: String,
    pub(super) times: Times,
    upcoming: Upcoming,
    /// Crontab's wildcard rule: the minute or the hour field begins with `*`.
    wild: bool,
}

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
        let upcoming = Upcoming::of(&times);
        if upcoming.after(&times, NaiveDateTime::default()).is_none() {
            // A nickname's day comes, so these are the words of five or six fields.
            let at = words.len().checked_sub(3).and_then(|day| words.get(day));
            return refuse(at.map_or(0, |(at, _)| *at), never(&times));
        }
        Ok(Self { text: text.to_owned(), times, upcoming, wild })
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
        self.times.has(local)
    }

    /// The first local time after this one that it names; `None` if there is none up to the end of 2100.
    pub fn next(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        self.upcoming.after(&self.times, after)
    }
}

/// The text that it was parsed from.
impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether a word can be a field of days of week: to tell it from what follows an expression.
pub(super) fn is_weekdays(word: &str) -> bool {
    day_fields::weekdays(0, word).is_ok()
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
    let read = |field, (at, text): &(usize, &str)| list(field, *at, text);
    let times = Times {
        seconds: second.map_or(Ok(1), |second| read(&SECONDS, second))?,
        minutes: read(&MINUTES, minute)?,
        hours: read(&HOURS, hour)?,
        dates: day_fields::dates(day.0, day.1)?,
        months: read(&MONTHS, month)?,
        weekdays: day_fields::weekdays(weekday.0, weekday.1)?,
        either_day: !starred(day) && !starred(weekday),
    };
    Ok((times, starred(minute) || starred(hour)))
}

/// Why no date is among these days.
fn never(times: &Times) -> String {
    let any_weekday = Weekdays { every: range(0, 6), ..Weekdays::default() };
    let by_date = Times { weekdays: any_weekday, either_day: false, ..*times };
    if Upcoming::of(&by_date).after(&by_date, NaiveDateTime::default()).is_some() {
        return "no such date ever comes: those days of month are never those days of week".into();
    }
    let longest = members(times.months).map(days_in).max().unwrap_or(0);
    format!("no such date ever comes: those months have at most {longest} days")
}

/// The most days that a month ever has.
fn days_in(month: u32) -> u32 {
    match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
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
        assert_eq!(sets("0 0 * * mon-fri/2").weekdays.every, 0b10_1010);
        assert_eq!(sets("*/60 * * * *").minutes, 1);
        assert_eq!(sets("5 * * * *").seconds, 1);
        assert_eq!(sets("*/30 5 * * * *").seconds, 1 | 1 << 30);
    }

    #[test]
    fn sunday_is_0_and_7() {
        let sunday = Cron::parse("0 0 * * sun").unwrap().times;
        assert_eq!(Cron::parse("0 0 * * 0").unwrap().times, sunday);
        assert_eq!(Cron::parse("0 0 * * 7").unwrap().times, sunday);
        assert_eq!(Cron::parse("0 0 * * 5-7").unwrap().times.weekdays.every, 0b110_0001);
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
    fn a_step_beyond_a_day_field_names_its_first_value_and_a_star_before_it_still_counts() {
        assert_eq!(
            times("5 12 */100,1-7 * 1", "2026-11-28T12:00:00", 3),
            ["12-07 12:05:00", "01-04 12:05:00", "02-01 12:05:00"]
        );
        assert_eq!(
            times("0 0 */40,25-31 * fri", "2026-11-28T12:00:00", 3),
            ["12-25 00:00:00", "01-01 00:00:00", "01-29 00:00:00"]
        );
        assert_eq!(
            times("0 0 1-7 * */8", "2026-11-28T12:00:00", 2),
            ["12-06 00:00:00", "01-03 00:00:00"]
        );
        let same = |one, other| {
            let (one, other) = (Cron::parse(one).unwrap(), Cron::parse(other).unwrap());
            assert_eq!(one.times, other.times);
        };
        same("0 0 */99999999999 * *", "0 0 */31 * *");
        same("0 0 3-9/40 * *", "0 0 3 * *");
        same("0 0 * * */100", "0 0 * * */8");
    }

    #[test]
    fn days_are_counted_from_the_end_of_a_month_and_in_it() {
        let from = "2026-11-28T12:00:00";
        for (days, found) in [
            ("L * *", ["11-30", "12-31", "01-31", "02-28"]),
            ("l-2,L * *", ["11-30", "12-29", "12-31", "01-29"]),
            ("L-30 * *", ["12-01", "01-01", "03-01", "05-01"]),
            // 1 August 2027 is a Sunday, 31 October too; 1 May is a Saturday.
            ("1W 5-8 *", ["05-03", "06-01", "07-01", "08-02"]),
            ("31w 7-12 *", ["12-31", "07-30", "08-31", "10-29"]),
            ("LW * *", ["11-30", "12-31", "01-29", "02-26"]),
            ("15W,L * *", ["11-30", "12-15", "12-31", "01-15"]),
            ("* * mon#2", ["12-14", "01-11", "02-08", "03-08"]),
            ("* * MON#5", ["11-30", "03-29", "05-31", "08-30"]),
            ("* * friL", ["12-25", "01-29", "02-26", "03-26"]),
            ("* * 7L,0#1", ["11-29", "12-06", "12-27", "01-03"]),
            // Both restricted: either is enough.
            ("L * mon#1", ["11-30", "12-07", "12-31", "01-04"]),
            // A star: both must match.
            ("*/2 * 5L", ["12-25", "01-29", "07-25", "09-25"]),
        ] {
            let found: Vec<_> = found.iter().map(|day| format!("{day} 00:00:00")).collect();
            if days == "*/2 * 5L" {
                assert_eq!(times(&format!("0 0 {days}"), from, 2), found[..2], "{days}");
            } else {
                assert_eq!(times(&format!("0 0 {days}"), from, 4), found, "{days}");
            }
        }
    }

    #[test]
    fn a_leap_day_is_found_up_to_the_last_year_and_nothing_after_it() {
        let next = |cron, from| Cron::parse(cron).unwrap().next(at(from)).map(|t| t.to_string());
        let found = |text: &str| Some(text.to_owned());
        assert_eq!(next("0 0 29 2 *", "2092-02-29T00:00:00"), found("2096-02-29 00:00:00"));
        // The rarest date: a 29 February on one day of the week.
        assert_eq!(next("0 0 29 2 */7", "2060-02-29T00:00:00"), found("2088-02-29 00:00:00"));
        assert_eq!(next("0 0 29 2 *", "2096-02-29T00:00:00"), None);
        assert_eq!(next("* * * * * *", "2100-12-31T23:59:58"), found("2100-12-31 23:59:59"));
        assert_eq!(next("* * * * * *", "2100-12-31T23:59:59"), None);
        for after in [NaiveDateTime::MIN, at("-0005-03-01T00:00:00"), at("1969-12-31T23:59:59")] {
            let every = Cron::parse("* * * * *").unwrap();
            assert_eq!(every.next(after), Some(NaiveDateTime::default()), "{after}");
        }
        assert_eq!(Cron::parse("* * * * *").unwrap().next(NaiveDateTime::MAX), None);
    }

    #[test]
    fn the_next_time_is_the_one_that_a_walk_over_all_minutes_finds() {
        for text in [
            "*/7 1-5 * * *",
            "3 2 13 * 5",
            "0 0 29-31 2-4 *",
            "59 */5 * * sat",
            "1,2 0 */9 * */2",
            "0 1 L,L-3,15W * *",
            "*/9 3 * * mon#2,friL",
            "30 4 LW,3 * tueL",
            "0 0 */2 * sat#3",
        ] {
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

    fn refused(text: &str) -> String {
        Cron::parse(text).unwrap_err().to_string()
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
            ("*/ * * * *", "column 3: a step of minutes is 1 to 60, this is \"\""),
            ("*/2/3 * * * *", "column 3: a step of minutes is 1 to 60, this is \"2/3\""),
            ("0 0 30 2 *", "column 5: no such date ever comes: those months have at most 29 days"),
            (
                "0 0 31 4,6 */2",
                "column 5: no such date ever comes: those months have at most 30 days",
            ),
            (
                "0 0 L-30 2 *",
                "column 5: no such date ever comes: those months have at most 29 days",
            ),
            (
                "0 0 */100 * mon#2",
                "column 5: no such date ever comes: those days of month are never those days of week",
            ),
            ("@reboot", "column 1: @reboot is an event, not a time"),
            ("@daily 5", "column 8: nothing follows @daily, this is \"5\""),
            ("0 0 1 é *", "column 7: 'é' has no meaning here"),
            ("0 0\n* * *", "column 4: '\\n' has no meaning here"),
        ] {
            assert_eq!(refused(text), message, "{text}");
        }
        let long = "0,".repeat(MAX_BYTES);
        for (text, position) in
            [("", 0), ("  ", 2), ("0 2 * *", 7), ("0 0 2 * * * *", 12), ("@dayly", 0), (&long, 400)]
        {
            assert_eq!(Cron::parse(text).unwrap_err().position, position, "{text}");
        }
        assert!(Cron::parse("0 0 30 2 mon").is_ok(), "the Mondays of February come");
    }

    #[test]
    fn a_bad_step_is_refused_with_what_to_write() {
        for (text, message) in [
            (
                "*/90 * * * *",
                "column 3: a step of minutes is 1 to 60, this is 90: crontab would take 0 alone, so write */60, or use \
                 an interval",
            ),
            (
                "0 8-18/48 * * *",
                "column 8: a step of hours is 1 to 24, this is 48: crontab would take 8 alone, so write 8, or use an \
                 interval",
            ),
            ("0 0 */0 * *", "column 7: a step of days of month is from 1 on, this is \"0\""),
            ("5/0 * * * *", "column 3: a step of minutes is 1 to 60, this is \"0\""),
            ("0 0 * * 1/3", "column 10: a step follows `*` or a range: write 1-6/3"),
            ("0 0 * * 7/2", "column 10: a step follows `*` or a range: write 0-6/2"),
            ("0 0 * * tue/2", "column 12: a step follows `*` or a range: write tue-sat/2"),
            ("50/90 * * * *", "column 3: a step follows `*` or a range: write 50"),
            ("0 22-2/2 * * *", "column 3: 22-2 runs backwards: write 22,0,2"),
            ("0 0 * * 7-2", "column 9: 7-2 runs backwards: write 0-2"),
            ("5/15 * * * *", "column 2: a step follows `*` or a range: write 5-59/15"),
        ] {
            assert_eq!(refused(text), message, "{text}");
        }
    }

    #[test]
    fn a_bad_word_for_a_day_is_refused_with_the_position_and_the_reason() {
        for (text, message) in [
            ("L * * * *", "column 1: minutes are 0 to 59, this is \"L\""),
            ("0 0 * L *", "column 7: months are 1 to 12 or jan to dec, this is \"L\""),
            ("0 0 1,L-31 * *", "column 9: L is followed by -1 to -30, this is \"31\""),
            ("0 0 L-3W * *", "column 7: L is followed by -1 to -30, this is \"3W\""),
            ("0 0 L/2 * *", "column 5: L stands alone or as L-3 or LW, this is \"L/2\""),
            ("0 0 32W * *", "column 5: days of month are 1 to 31, this is 32"),
            ("0 0 1-5W * *", "column 5: W follows one day or L, as in 15W, this is \"1-5W\""),
            ("0 0 1#2 * *", "column 5: # belongs to days of week, as in mon#2, this is \"1#2\""),
            (
                "0 0 * * mon,tue#6",
                "column 17: a month has a day of week 1 to 5 times, this is \"6\"",
            ),
            ("0 0 * * 8#1", "column 9: days of week are 0 to 7, this is 8"),
            ("0 0 * * #1", "column 9: a number is missing: days of week are 0 to 7"),
            (
                "0 0 * * mon-friL",
                "column 9: days of week are 0 to 7 or sun to sat, this is \"mon-fri\"",
            ),
            ("0 0 * * L", "column 9: in days of week L follows its day, as in friL"),
        ] {
            assert_eq!(refused(text), message, "{text}");
        }
    }
}
