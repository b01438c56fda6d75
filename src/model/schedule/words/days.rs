//! The days of a crontab expression in English.

use super::MAX_TIMES;
use crate::model::cron::{Dates, Times, Weekdays, members, range};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const ORDINALS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];
/// Bits 1 to 31.
const ALL_DAYS: u64 = (1 << 32) - 2;
/// Bits 1 to 12.
const ALL_MONTHS: u64 = (1 << 13) - 2;
const ALL_WEEKDAYS: u64 = (1 << 7) - 1;
/// Monday to Friday.
const WORKDAYS: u64 = 0b11_1110;
/// The days that every month has.
const COMMON_DAYS: u32 = 28;

/// Some days of a month, as `the last day`, and whether there are months without them.
struct Phrase {
    parts: Vec<String>,
    rare: bool,
}

/// Whether no day is left out.
pub(super) fn is_every_day(t: &Times) -> bool {
    let (dates, weekdays) = (t.dates.fixed == ALL_DAYS, t.weekdays.every == ALL_WEEKDAYS);
    t.months == ALL_MONTHS && (dates && weekdays || t.either_day && (dates || weekdays))
}

/// `every day`, `on Monday to Friday`, `on the last day of every month`, `on 29 February`. `None` for days that make no
/// short sentence.
pub(super) fn in_words(t: &Times) -> Option<String> {
    if is_every_day(t) {
        return Some("every day".into());
    }
    // Two sets of days in one sentence would have to say which of crontab's two rules joins them.
    if t.either_day {
        return None;
    }
    match (t.dates.fixed == ALL_DAYS, t.weekdays.every == ALL_WEEKDAYS) {
        (true, true) => None,
        (true, false) if t.weekdays.is_every_week() => {
            (t.months == ALL_MONTHS).then(|| format!("on {}", names(t.weekdays.every)))
        }
        (true, false) => of_months(t.months, &of_a_month(&t.weekdays)?),
        (false, true) if t.dates.is_fixed() && t.months.is_power_of_two() => {
            let day = t.dates.fixed.is_power_of_two().then(|| t.dates.fixed.trailing_zeros())?;
            Some(format!("on {day} {}", month(t.months)))
        }
        (false, true) => of_months(t.months, &dates(&t.dates)?),
        (false, false) => of_months(t.months, &week_of_a_month(t)?),
    }
}

/// `Monday to Friday`, `Sunday and Saturday`.
fn names(weekdays: u64) -> String {
    if weekdays == WORKDAYS {
        return "Monday to Friday".into();
    }
    list(&members(weekdays).map(|day| WEEKDAYS[day as usize].to_owned()).collect::<Vec<_>>())
}

/// `the second Monday`, `the last Friday`.
fn of_a_month(weekdays: &Weekdays) -> Option<Phrase> {
    if weekdays.every != 0 {
        return None;
    }
    let sets =
        weekdays.nth.into_iter().chain([weekdays.last]).zip(ORDINALS.into_iter().chain(["last"]));
    let part = |nth, day| format!("the {nth} {}", WEEKDAYS[day as usize]);
    let parts = sets.flat_map(|(set, nth)| members(set).map(move |day| part(nth, day)));
    Some(Phrase { parts: parts.collect(), rare: weekdays.nth[4] != 0 })
}

/// The same where crontab's own means say it: days 1 to 7 that are Mondays are the first Monday.
fn week_of_a_month(t: &Times) -> Option<Phrase> {
    if !t.dates.is_fixed() || !t.weekdays.is_every_week() {
        return None;
    }
    let week = (0..4).find(|week| t.dates.fixed == range(7 * week + 1, 7 * week + 7))?;
    let mut nth = [0; 5];
    nth[week as usize] = t.weekdays.every;
    of_a_month(&Weekdays { nth, ..Weekdays::default() })
}

/// `day 31`, `the last day`, `the working day nearest to day 15`.
fn dates(dates: &Dates) -> Option<Phrase> {
    let latest = dates.fixed | dates.near | dates.before_last << 1;
    let rare = latest >> (COMMON_DAYS + 1) != 0;
    if dates.is_fixed() {
        let days: Vec<_> = members(dates.fixed).map(|day| day.to_string()).collect();
        return match days.len() {
            1 => Some(Phrase { parts: vec![format!("day {}", days[0])], rare }),
            many if many <= MAX_TIMES as usize => {
                let parts = days.into_iter().enumerate();
                let parts = parts.map(|(n, day)| if n == 0 { format!("days {day}") } else { day });
                Some(Phrase { parts: parts.collect(), rare })
            }
            _ => None,
        };
    }
    let fixed = members(dates.fixed).map(|day| format!("day {day}"));
    let near = members(dates.near).map(|day| format!("the working day nearest to day {day}"));
    let before = members(dates.before_last).map(|before| match before {
        0 => "the last day".to_owned(),
        1 => "the day before the last".to_owned(),
        _ => format!("the day {before} days before the last"),
    });
    let working = dates.last_working.then(|| "the last working day".to_owned());
    Some(Phrase { parts: fixed.chain(near).chain(before).chain(working).collect(), rare })
}

/// `on the last day of every month`.
fn of_months(months: u64, days: &Phrase) -> Option<String> {
    let parts = &days.parts;
    if parts.len() > MAX_TIMES as usize {
        return None;
    }
    let months = match (months == ALL_MONTHS, days.rare, parts.len()) {
        (true, false, _) => "every month".to_owned(),
        (true, true, 1) => "every month that has one".to_owned(),
        (true, true, _) => "every month, where it has them".to_owned(),
        (false, ..) if months.is_power_of_two() => month(months).to_owned(),
        (false, ..) => return None,
    };
    Some(format!("on {} of {months}", list(parts)))
}

/// The name of the only month of a set.
fn month(months: u64) -> &'static str {
    MONTHS[months.trailing_zeros() as usize - 1]
}

/// `06:00, 12:00 and 18:00`.
pub(super) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
