//! How often a schedule runs, as a form asks it: one of a few choices, with the fields that the choice needs.

use crate::error::{Code, Error, Result};
use crate::model::Rule;
use chrono::{NaiveTime, Timelike as _};

/// What a field has before anybody chooses.
const EVERY: &str = "15m";
const AT: &str = "02:30";
/// Monday to Friday, as crontab has them.
const WEEKDAYS: &str = "1-5";

/// How often a schedule runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Runs {
    /// At an interval.
    Every,
    /// Once an hour, at a minute.
    Hourly,
    /// Once a day, at a time.
    #[default]
    Daily,
    /// On Monday to Friday, at a time.
    Weekdays,
    /// On some days of the week, at a time.
    Weekly,
    /// Once a month, on a day and at a time.
    Monthly,
    /// As a crontab expression says.
    Cron,
    /// Once at all.
    Once,
}

impl Runs {
    /// All of them, in the order in which a form has them.
    pub const ALL: [Self; 8] = [
        Self::Every,
        Self::Hourly,
        Self::Daily,
        Self::Weekdays,
        Self::Weekly,
        Self::Monthly,
        Self::Cron,
        Self::Once,
    ];

    /// The word that a form sends.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Every => "every",
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekdays => "weekdays",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Cron => "cron",
            Self::Once => "once",
        }
    }

    /// Reads the word that a form sends.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for another word.
    pub fn parse(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|runs| runs.as_str() == text);
        found.ok_or_else(|| {
            let words = Self::ALL.map(Self::as_str).join(", ");
            invalid(format!("read how often it runs, {text:?}: it is one of {words}"))
        })
    }
}

/// How often a schedule runs, with what every choice needs. What the choice does not need is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleChoice {
    /// The choice.
    pub runs: Runs,
    /// The interval: minutes, or a length such as `6h`.
    pub every: String,
    /// The minute of the hour.
    pub minute: String,
    /// The time of day, such as `02:30`.
    pub at: String,
    /// The days of the week, as crontab has them: `1`, or `1-5`.
    pub days: String,
    /// The day of the month, or `L` for its last day.
    pub day: String,
    /// The crontab expression.
    pub cron: String,
    /// The one instant: a date and a time on the clocks of the zone, or with an offset from UTC.
    pub once: String,
    /// Whose clocks.
    pub zone: String,
}

impl Default for RuleChoice {
    fn default() -> Self {
        Self {
            runs: Runs::default(),
            every: EVERY.to_owned(),
            minute: "0".to_owned(),
            at: AT.to_owned(),
            days: "1".to_owned(),
            day: "1".to_owned(),
            cron: "30 2 * * *".to_owned(),
            once: String::new(),
            zone: "UTC".to_owned(),
        }
    }
}

impl RuleChoice {
    /// The choice that a rule is, with usual values in the fields of the others.
    pub fn of(rule: &Rule) -> Self {
        match rule {
            Rule::Every { .. } => {
                Self { runs: Runs::Every, every: rule.to_text(), ..Self::default() }
            }
            Rule::Once(at) => {
                let once = at.to_utc().format("%Y-%m-%dT%H:%M:%S").to_string();
                Self { runs: Runs::Once, once, ..Self::default() }
            }
            Rule::Cron { cron, zone } => {
                let zone = zone.name().to_owned();
                Self { zone, cron: cron.to_string(), ..Self::of_cron(&cron.to_string()) }
            }
        }
    }

    /// The choice whose crontab expression this is, letter by letter; otherwise the expression itself.
    fn of_cron(cron: &str) -> Self {
        let free = Self { runs: Runs::Cron, ..Self::default() };
        let fields: Vec<&str> = cron.split_whitespace().collect();
        let &[minute, hour, day, month, days] = fields.as_slice() else { return free };
        let at = |hour: &str| Some(format!("{:02}:{:02}", below(hour, 24)?, below(minute, 60)?));
        let chosen = match (hour, day, month, days) {
            ("*", "*", "*", "*") => below(minute, 60).map(|_| Self {
                runs: Runs::Hourly,
                minute: minute.to_owned(),
                ..Self::default()
            }),
            (_, "*", "*", "*") => {
                at(hour).map(|at| Self { runs: Runs::Daily, at, ..Self::default() })
            }
            (_, "*", "*", WEEKDAYS) => {
                at(hour).map(|at| Self { runs: Runs::Weekdays, at, ..Self::default() })
            }
            (_, "*", "*", days) if below(days, 7).is_some() => at(hour).map(|at| {
                let days = days.to_owned();
                Self { runs: Runs::Weekly, at, days, ..Self::default() }
            }),
            (_, day, "*", "*") if day == "L" || below(day, 32).is_some_and(|day| day > 0) => {
                let day = day.to_owned();
                at(hour).map(|at| Self { runs: Runs::Monthly, at, day, ..Self::default() })
            }
            _ => None,
        };
        chosen.unwrap_or(free)
    }

    /// The crontab expression that the choice stands for. An interval and an instant have none.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for a field of the choice that does not fit.
    pub fn crontab(&self) -> Result<Option<String>> {
        let at = || time_of_day(self.at.trim());
        let of_day = |rest: &str| at().map(|(hour, minute)| format!("{minute} {hour} {rest}"));
        Ok(Some(match self.runs {
            Runs::Every | Runs::Once => return Ok(None),
            Runs::Hourly => format!("{} * * * *", self.minute.trim()),
            Runs::Daily => of_day("* * *")?,
            Runs::Weekdays => of_day(&format!("* * {WEEKDAYS}"))?,
            Runs::Weekly => of_day(&format!("* * {}", self.days.trim()))?,
            Runs::Monthly => of_day(&format!("{} * *", self.day.trim()))?,
            Runs::Cron => self.cron.trim().to_owned(),
        }))
    }
}

/// A number below a limit, written in digits alone.
fn below(text: &str, limit: u32) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number < limit)
}

fn time_of_day(text: &str) -> Result<(u32, u32)> {
    let read = ["%H:%M", "%H:%M:%S"].iter().find_map(|f| NaiveTime::parse_from_str(text, f).ok());
    let time = read.filter(|time| time.second() == 0).ok_or_else(|| {
        invalid(format!("read the time of day {text:?}: it is written 02:30, from 00:00 to 23:59"))
    })?;
    Ok((time.hour(), time.minute()))
}

fn invalid(what: String) -> Error {
    Error::new(Code::ModelInvalid, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::schedules::RuleText;
    use crate::model::Timestamp;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn a_rule_is_the_choice_that_makes_it_again() {
        for (text, runs) in [
            ("15m", Runs::Every),
            ("5 * * * * UTC", Runs::Hourly),
            ("30 2 * * * Europe/Berlin", Runs::Daily),
            ("0 7 * * 1-5 Asia/Tokyo", Runs::Weekdays),
            ("0 7 * * 0 UTC", Runs::Weekly),
            ("0 7 31 * * UTC", Runs::Monthly),
            ("0 7 L * * UTC", Runs::Monthly),
            ("*/15 8-18 * * 1-5 UTC", Runs::Cron),
            ("0 30 2 * * * UTC", Runs::Cron),
            ("0 7 1 * 1 UTC", Runs::Cron),
            ("2027-02-15T08:00:00Z", Runs::Once),
        ] {
            let rule = Rule::parse(text, NOW).unwrap();
            let choice = RuleChoice::of(&rule);
            assert_eq!(choice.runs, runs, "{text}");
            let again = RuleText::Chosen(choice).read(None, NOW).unwrap();
            assert_eq!(again, rule, "{text}");
        }
    }

    #[test]
    fn a_field_of_the_choice_that_does_not_fit_says_what_fits() {
        let daily = |at: &str| RuleChoice { at: at.to_owned(), ..RuleChoice::default() };
        for at in ["", "24:00", "2", "two", "02:30:10"] {
            let refused = RuleText::Chosen(daily(at)).read(None, NOW).unwrap_err();
            assert!(refused.sentence().contains("it is written 02:30"), "{refused}");
        }
        let other = RuleChoice { runs: Runs::Hourly, ..daily("not read") };
        assert_eq!(other.crontab().unwrap().as_deref(), Some("0 * * * *"));
        assert!(Runs::parse("yearly").unwrap_err().sentence().contains("daily, weekdays, weekly"));
    }
}
