//! A rule in English, for pages and the command line.

mod days;

use super::Rule;
use crate::model::cron::members;
use crate::model::{Cron, Zone};
use chrono_tz::Tz;
use std::fmt::Write as _;

const ALL_MINUTES: u64 = (1 << 60) - 1;
const ALL_HOURS: u64 = (1 << 24) - 1;
/// The most times of a day in a sentence: nobody reads a longer one.
const MAX_TIMES: u32 = 4;

impl Rule {
    /// What the rule says, in English: `at 02:30 every day (Europe/Berlin)`. A crontab expression that makes no short
    /// sentence is given as it is.
    pub fn in_words(&self) -> String {
        self.in_words_by(Zone::default())
    }

    /// The same for a reader whose clocks are those of a zone: by them an instant is told that has no zone of its own.
    pub fn in_words_by(&self, reader: Zone) -> String {
        match self {
            Self::Cron { cron, zone } => crontab(cron, *zone),
            Self::Every { minutes, .. } => interval(*minutes),
            Self::Once(at) => format!("once, at {}", reader.show_as(*at, "%Y-%m-%d %H:%M:%S %Z")),
        }
    }
}

fn interval(minutes: u32) -> String {
    let (count, unit) = match minutes {
        10_080 => (1, "week"),
        _ if minutes.is_multiple_of(1_440) => (minutes / 1_440, "day"),
        _ if minutes.is_multiple_of(60) => (minutes / 60, "hour"),
        _ => (minutes, "minute"),
    };
    every(count, unit)
}

fn every(count: u32, unit: &str) -> String {
    if count == 1 { format!("every {unit}") } else { format!("every {count} {unit}s") }
}

fn crontab(cron: &Cron, zone: Tz) -> String {
    let sentence = pace(cron)
        .or_else(|| times(cron).zip(days::in_words(&cron.times)).map(|(t, d)| format!("{t} {d}")));
    match sentence {
        Some(sentence) => format!("{sentence} ({zone})"),
        None => format!("{cron} ({zone})"),
    }
}

/// Rules of every day that are about a pace.
fn pace(cron: &Cron) -> Option<String> {
    let t = &cron.times;
    if t.seconds != 1 || !days::is_every_day(t) {
        return None;
    }
    let minute = t.minutes.trailing_zeros();
    match (step(t.minutes, 60), step(t.hours, 24)) {
        (Some(step), Some(1)) if step < 60 => Some(every(step, "minute")),
        // With fixed hours the times of day say more than the pace.
        (Some(60), Some(step)) if step == 1 || step < 24 && cron.is_wild() => {
            Some(every(step, "hour"))
        }
        (None, Some(1)) if t.minutes.is_power_of_two() => {
            Some(format!("{minute} min past every hour"))
        }
        _ => None,
    }
}

/// The step of a set that begins at 0 and goes evenly around its size.
fn step(set: u64, size: u32) -> Option<u32> {
    let even = |by: &u32| (0..size).step_by(*by as usize).fold(0, |s, v| s | 1 << v) == set;
    (1..=size).filter(|by| size.is_multiple_of(*by)).find(even)
}

/// `at 02:30`, `at 06:00 and 18:00`.
fn times(cron: &Cron) -> Option<String> {
    let t = &cron.times;
    let single = t.seconds.is_power_of_two() && t.minutes.is_power_of_two();
    if !single
        || t.hours.count_ones() > MAX_TIMES
        || t.hours == ALL_HOURS
        || t.minutes == ALL_MINUTES
    {
        return None;
    }
    let (minute, second) = (t.minutes.trailing_zeros(), t.seconds.trailing_zeros());
    let mut times = Vec::new();
    for hour in members(t.hours) {
        let mut time = format!("{hour:02}:{minute:02}");
        if second != 0 {
            write!(time, ":{second:02}").ok()?;
        }
        times.push(time);
    }
    Some(format!("at {}", days::list(&times)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn common_rules_are_sentences() {
        for (cron, words) in [
            ("* * * * *", "every minute"),
            ("*/15 * * * *", "every 15 minutes"),
            ("0-59/15 * * * *", "every 15 minutes"),
            ("@hourly", "every hour"),
            ("5 * * * *", "5 min past every hour"),
            ("0 */6 * * *", "every 6 hours"),
            ("0 0,12 * * *", "at 00:00 and 12:00 every day"),
            ("30 2 * * *", "at 02:30 every day"),
            ("30 2 */1 * mon", "at 02:30 on Monday"),
            ("0 6,18 * * 1-5", "at 06:00 and 18:00 on Monday to Friday"),
            ("0 0 * * sat,sun", "at 00:00 on Sunday and Saturday"),
            ("0 12 15 * *", "at 12:00 on day 15 of every month"),
            ("0 12 31 * *", "at 12:00 on day 31 of every month that has one"),
            ("0 12 1,15 * *", "at 12:00 on days 1 and 15 of every month"),
            ("0 12 1,29,31 * *", "at 12:00 on days 1, 29 and 31 of every month, where it has them"),
            ("0 12 L * *", "at 12:00 on the last day of every month"),
            ("0 12 L 2 *", "at 12:00 on the last day of February"),
            ("0 12 L-1 * *", "at 12:00 on the day before the last of every month"),
            ("0 12 L-3 * *", "at 12:00 on the day 3 days before the last of every month"),
            (
                "0 12 L-28 * *",
                "at 12:00 on the day 28 days before the last of every month that has one",
            ),
            ("0 12 15W * *", "at 12:00 on the working day nearest to day 15 of every month"),
            ("0 12 1,LW * *", "at 12:00 on day 1 and the last working day of every month"),
            ("0 12 * * mon#2", "at 12:00 on the second Monday of every month"),
            ("0 12 * * 5#5", "at 12:00 on the fifth Friday of every month that has one"),
            ("0 12 * jun friL", "at 12:00 on the last Friday of June"),
            (
                "0 12 * * sun#1,7L",
                "at 12:00 on the first Sunday and the last Sunday of every month",
            ),
            ("5 12 */100,1-7 * 1", "at 12:05 on the first Monday of every month"),
            ("0 0 8-14 * */7", "at 00:00 on the second Sunday of every month"),
            ("@yearly", "at 00:00 on 1 January"),
            ("0 0 29 feb *", "at 00:00 on 29 February"),
            ("15 30 2 * * *", "at 02:30:15 every day"),
        ] {
            let rule = Rule::cron(cron, "Europe/Berlin").unwrap();
            assert_eq!(rule.in_words(), format!("{words} (Europe/Berlin)"), "{cron}");
        }
    }

    #[test]
    fn a_rule_without_a_short_sentence_is_given_as_it_is() {
        for cron in [
            "0 12 13 * 5",
            "*/7 * * * *",
            "0 0 1 1,2 *",
            "* * * * * *",
            "0 1-20 * * *",
            "0 0 29 2 0-6",
            "0 0 L * fri",
            "0 0 */2 * friL",
            "0 0 * * mon,fri#2",
            "0 0 * 1,2 friL",
            "0 0 1W,2W,3W,4W,5W * *",
            "0 0 */40,25-31 * fri",
        ] {
            let rule = Rule::cron(cron, "UTC").unwrap();
            assert_eq!(rule.in_words(), format!("{cron} (UTC)"));
        }
    }

    #[test]
    fn intervals_are_said_in_their_largest_unit() {
        let words = |minutes| Rule::every(minutes, Timestamp::default()).unwrap().in_words();
        let all: Vec<_> = [1, 15, 60, 90, 120, 1_440, 2_880, 10_080].map(words).into();
        assert_eq!(
            all.join(", "),
            "every minute, every 15 minutes, every hour, every 90 minutes, every 2 hours, every day, every 2 days, \
             every week"
        );
        let once = Rule::once(Timestamp::from_millis(1_000)).unwrap();
        assert_eq!(once.in_words(), "once, at 1970-01-01 00:00:01 UTC");
        let tokyo = Zone::named("Asia/Tokyo").unwrap();
        assert_eq!(once.in_words_by(tokyo), "once, at 1970-01-01 09:00:01 JST");
    }
}
