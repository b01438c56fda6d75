//! The time when a usage limit ends, read from what the program says to people.

use super::read::instant;
use crate::model::Timestamp;
use chrono::{
    DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc, Weekday,
};
use chrono_tz::Tz;
use std::time::Duration;

/// How long to wait if no text says it: a limit of requests a minute is over by then, and asking again costs nothing.
pub(super) const DEFAULT_WAIT: Duration = Duration::from_mins(5);
/// The shortest wait: what the program says may be over by a few seconds, and a run that is refused at once is not
/// started again and again.
const MIN_WAIT: Duration = Duration::from_mins(1);
/// The longest wait that is believed: spending limits start anew with the month.
const MAX_WAIT: Duration = Duration::from_hours(32 * 24);
/// A time of day this little ago is meant as it stands, not tomorrow: the limit has just been lifted.
const JUST_PASSED: TimeDelta = TimeDelta::minutes(15);
/// Words after "reset" that are looked at.
const MAX_WORDS: usize = 14;
/// How far behind such words is looked for a time, in bytes: the words may stand in a text very often.
const MAX_LOOK: usize = 300;
/// What comes before a time.
const BEFORE: [&str; 4] = ["reset", "regain access", "try again", "retry"];
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Until when to wait: as the program `reported` it, else as it says in `text`, else a default.
pub(super) fn wait_until(reported: Option<Timestamp>, text: &str, now: Timestamp) -> Timestamp {
    let said = reported.or_else(|| reset_time(text, now));
    match said.filter(|at| at.since(now) <= MAX_WAIT) {
        Some(at) => at.max(now.plus(MIN_WAIT)),
        None => now.plus(DEFAULT_WAIT),
    }
}

/// The instant a text names as the one at which a limit is lifted.
///
/// Understood are `…|1760000400`, `resets 3pm (Europe/Paris)`, `resets Oct 24 at 3:30pm (UTC)`, `reset at 15:00`,
/// `resets Monday 9am`, `reset tomorrow at 11pm`, `resets in 2h 15m`, `retry after 30 seconds`, `regain access on 2026-12-01 at 00:00 UTC` and RFC 3339.
/// A time without a zone is UTC's. An instant just passed is answered as it is.
///
/// # Source
/// Texts as users reported them: <https://github.com/anthropics/claude-code/issues/2087>, `/9046`, `/76709`, `/77978`, `/85572`.
pub fn reset_time(text: &str, now: Timestamp) -> Option<Timestamp> {
    epoch(text).or_else(|| {
        let lower = text.to_ascii_lowercase();
        let places = BEFORE.iter().flat_map(|key| lower.match_indices(key));
        places.map(|(at, key)| words(&text[at + key.len()..])).find_map(|words| moment(&words, now))
    })
}

/// `usage limit reached|1760000400`.
fn epoch(text: &str) -> Option<Timestamp> {
    text.split('|').skip(1).find_map(|after| {
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        ((10..=13).contains(&digits)).then(|| after[..digits].parse().ok().map(instant))?
    })
}

/// The first words of a line, without the marks around them.
fn words(text: &str) -> Vec<&str> {
    let text = &text[..text.floor_char_boundary(MAX_LOOK)];
    let marks = |c: char| ",;·∙•()[]\"'`.:-".contains(c);
    let line = text.lines().next().unwrap_or_default();
    let words = line.split_whitespace().map(|word| word.trim_matches(marks));
    words.filter(|word| !word.is_empty()).take(MAX_WORDS).collect()
}

fn moment(words: &[&str], now: Timestamp) -> Option<Timestamp> {
    let (mut date, mut time) = (None, None);
    let (mut weekday, mut in_days) = (None, None);
    let zone = words.iter().find_map(|word| word.parse::<Tz>().ok()).unwrap_or(Tz::UTC);
    let local_now = zone.from_utc_datetime(&now.to_utc().naive_utc()).naive_local();
    for (index, word) in words.iter().enumerate() {
        let next = words.get(index + 1).copied().unwrap_or_default();
        if let Ok(instant) = DateTime::parse_from_rfc3339(word) {
            return Some(Timestamp::from_millis(instant.timestamp_millis()));
        }
        if ["in", "after"].contains(word)
            && let Some(wait) = length(&words[index + 1..])
        {
            return Some(now.plus(wait));
        }
        date = date.or_else(|| calendar_day(word, next, local_now));
        weekday = weekday.or_else(|| word.parse::<Weekday>().ok());
        in_days = in_days.or_else(|| {
            ["today", "tomorrow"].iter().position(|day| day.eq_ignore_ascii_case(word))
        });
        time = time.or_else(|| time_of_day(word, next));
    }
    let named = in_days.map(|days| local_now.date() + TimeDelta::days(days as i64));
    let date = date.or(named).or_else(|| weekday.map(|day| next_weekday(day, time, local_now)));
    let local = match (date, time) {
        (Some(date), time) => date.and_time(time.unwrap_or_default()),
        (None, Some(time)) => {
            let today = local_now.date().and_time(time);
            let passed = today + JUST_PASSED < local_now;
            if passed { today + TimeDelta::days(1) } else { today }
        }
        (None, None) => return None,
    };
    // A time that the clocks skip in spring is an hour later.
    let found = zone.from_local_datetime(&local).earliest();
    let found =
        found.or_else(|| zone.from_local_datetime(&(local + TimeDelta::hours(1))).earliest())?;
    Some(Timestamp::from_millis(found.with_timezone(&Utc).timestamp_millis()))
}

/// The next day of this name on which the time is not over.
fn next_weekday(day: Weekday, time: Option<NaiveTime>, now: NaiveDateTime) -> NaiveDate {
    let ahead = TimeDelta::days(i64::from(day.days_since(now.weekday())));
    let date = now.date() + ahead;
    let is_over = date.and_time(time.unwrap_or_default()) + JUST_PASSED < now;
    if is_over { date + TimeDelta::days(7) } else { date }
}

/// `2026-12-01`, `Dec 1`, `December 1`: the next such day, or one of the last half year.
fn calendar_day(word: &str, next: &str, now: NaiveDateTime) -> Option<NaiveDate> {
    if let Ok(date) = word.parse::<NaiveDate>() {
        return Some(date);
    }
    let month = word.get(..3)?.to_ascii_lowercase();
    let month = 1 + MONTHS.iter().position(|name| *name == month)? as u32;
    let day = next.trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse().ok()?;
    let date = NaiveDate::from_ymd_opt(now.year(), month, day)?;
    let long_past = date + TimeDelta::days(183) < now.date();
    if long_past { date.with_year(now.year() + 1) } else { Some(date) }
}

/// `3pm`, `3:30pm`, `3 pm`, `15:00`.
fn time_of_day(word: &str, next: &str) -> Option<NaiveTime> {
    let lower = word.to_ascii_lowercase();
    let half = |text: &str| ["am", "pm"].into_iter().find(|half| text.ends_with(half));
    let (digits, half) = match half(&lower) {
        Some(half) => (lower.strip_suffix(half)?, Some(half)),
        None => (
            lower.as_str(),
            half(&next.to_ascii_lowercase()).filter(|half| half.len() == next.len()),
        ),
    };
    let (hour, minute) = match digits.split_once(':') {
        Some((hour, rest)) => (hour, rest.get(..2)?),
        None => (digits, half.map(|_| "0")?),
    };
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    let hour = match half {
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some("pm") => hour % 12 + 12,
        Some(_) => hour % 12,
        None => hour,
    };
    NaiveTime::from_hms_opt(hour, minute, 0)
}

/// `2h 15m`, `30 seconds`, `1 hour and 5 minutes`, `45`; a number without a unit is of seconds.
fn length(words: &[&str]) -> Option<Duration> {
    let text = words.join(" ").to_ascii_lowercase();
    let mut rest = text.as_str();
    let mut total = None;
    loop {
        rest = rest.trim_start();
        rest = rest.strip_prefix("and ").unwrap_or(rest);
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let Ok(number) = rest[..digits].parse::<u64>() else { return total };
        let after = rest[digits..].trim_start();
        let unit = after.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        let millis = match unit {
            "ms" => 1,
            "s" | "sec" | "secs" | "second" | "seconds" => 1_000,
            "m" | "min" | "mins" | "minute" | "minutes" => 60_000,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000,
            "d" | "day" | "days" => 86_400_000,
            _ if total.is_none() => return Some(Duration::from_secs(number)),
            _ => return total,
        };
        let part = Duration::from_millis(number.saturating_mul(millis));
        total = Some(total.unwrap_or(Duration::ZERO).saturating_add(part));
        rest = &after[unit.len()..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half past two in the afternoon, UTC; in Paris an hour later.
    const NOW: &str = "2026-11-21T14:30:00Z";

    fn at(text: &str) -> Timestamp {
        Timestamp::from_millis(DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
    }

    #[test]
    fn every_known_way_to_say_when_a_limit_is_lifted_is_understood() {
        for (text, expected) in [
            ("Claude AI usage limit reached|1795280400", "2026-11-21T17:00:00Z"),
            ("Claude AI usage limit reached|1795280400000", "2026-11-21T17:00:00Z"),
            ("You've hit your limit · resets 7pm (UTC)", "2026-11-21T19:00:00Z"),
            ("You've hit your limit · resets 7pm", "2026-11-21T19:00:00Z"),
            (
                "You've hit your session limit · resets 11:50pm (Asia/Riyadh)",
                "2026-11-21T20:50:00Z",
            ),
            ("5-hour limit reached ∙ resets 3 pm (America/New_York)", "2026-11-21T20:00:00Z"),
            ("Your limit will reset at 1pm (Etc/GMT+5).", "2026-11-21T18:00:00Z"),
            ("Your limit will reset at 12am.", "2026-11-22T00:00:00Z"),
            ("weekly limit reached · resets Nov 24, 6pm (Europe/Berlin)", "2026-11-24T17:00:00Z"),
            ("hit your weekly limit · resets Dec 3 at 10:30am (UTC)", "2026-12-03T10:30:00Z"),
            ("resets January 2nd at 9am (UTC)", "2027-01-02T09:00:00Z"),
            ("You will regain access on 2026-12-01 at 00:00 UTC.", "2026-12-01T00:00:00Z"),
            ("limit resets at 2026-11-21T16:20:30Z.", "2026-11-21T16:20:30Z"),
            // It is a Saturday.
            ("weekly limit reached · resets Monday 9am (UTC)", "2026-11-23T09:00:00Z"),
            ("resets Sat at 2:20pm", "2026-11-21T14:20:00Z"),
            ("resets saturday 9am", "2026-11-28T09:00:00Z"),
            ("Your limit will reset tomorrow at 11pm.", "2026-11-22T23:00:00Z"),
            ("resets today at 11pm (Europe/Paris)", "2026-11-21T22:00:00Z"),
            ("Please try again in 20s.", "2026-11-21T14:30:20Z"),
            ("resets in 2h 15m", "2026-11-21T16:45:00Z"),
            ("Try again in 1 hour and 5 minutes", "2026-11-21T15:35:00Z"),
            ("retry-after: 90", "2026-11-21T14:31:30Z"),
            ("Retry after 45 seconds; then reset at 3pm", "2026-11-21T15:00:00Z"),
            // In Paris it is 15:30: this was just now, the next one is tomorrow.
            ("resets 3:20pm (Europe/Paris)", "2026-11-21T14:20:00Z"),
            ("resets 3pm (Europe/Paris)", "2026-11-22T14:00:00Z"),
        ] {
            assert_eq!(reset_time(text, at(NOW)), Some(at(expected)), "{text}");
        }
    }

    #[test]
    fn a_text_that_names_no_time_is_not_given_one() {
        for text in [
            "",
            "API Error: Request rejected (429) · Number of requests exceeded your rate limit",
            "resets soon",
            "a|b|12",
            "try again in a moment",
            "reset 99pm",
            "May 5 is a day, 3pm a time, but nothing says reset before them? no: reset",
        ] {
            assert_eq!(reset_time(text, at(NOW)), None, "{text}");
        }
    }

    #[test]
    fn a_wait_is_at_least_a_minute_and_what_cannot_be_believed_is_the_default() {
        let now = at(NOW);
        let default = now.plus(DEFAULT_WAIT);
        for (text, until) in [
            ("usage limit reached|1700000000", now.plus(MIN_WAIT)),
            ("try again in 1s", now.plus(MIN_WAIT)),
            ("usage limit reached|9999999999", default),
            ("no time at all", default),
        ] {
            assert_eq!(wait_until(None, text, now), until, "{text}");
        }
        let reported = now.plus(Duration::from_hours(3));
        assert_eq!(wait_until(Some(reported), "try again in 20s", now), reported);
    }
}
