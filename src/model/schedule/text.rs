//! A rule as people type it, and an instant as the clocks of its zone show it.

use super::{Rule, invalid, shown};
use crate::error::Result;
use crate::model::{Timestamp, cron};
use chrono::DateTime;

/// Minutes of an hour.
const HOUR: u32 = 60;

impl Rule {
    /// Reads one line of text:
    /// - an interval: `90`, `90m` or `6h`, from a minute to a week, counted from `anchor`;
    /// - a crontab expression and the IANA name of a zone after it: `*/15 8-18 * * 1-5 Europe/Berlin`;
    /// - an instant (RFC 3339): `2027-01-15T08:00:00Z`.
    ///
    /// # Errors
    /// `JOB-VALUE-001` with the position and the reason.
    ///
    /// # Example
    /// ```
    /// use lamplighter::model::{Rule, Timestamp};
    ///
    /// let rule = Rule::parse("*/15 8-18 * * 1-5 Europe/Berlin", Timestamp::default())?;
    /// assert_eq!(rule.to_text(), "*/15 8-18 * * 1-5 Europe/Berlin");
    /// assert_eq!(Rule::parse("90", Timestamp::default())?.in_words(), "every 90 minutes");
    /// # Ok::<(), lamplighter::Error>(())
    /// ```
    pub fn parse(text: &str, anchor: Timestamp) -> Result<Self> {
        let text = text.trim();
        if let Some(minutes) = minutes(text) {
            return Self::every(minutes, anchor);
        }
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Self::once(Timestamp::from_millis(at.timestamp_millis()));
        }
        match text.rsplit_once(char::is_whitespace) {
            Some((cron, zone)) if !is_field(zone) => Self::cron(cron.trim_end(), zone),
            Some(_) => Err(invalid(&format!(
                "{:?}: name the zone after the crontab expression, as in \"0 2 * * * Europe/Berlin\"",
                shown(text)
            ))),
            None => Err(invalid(&format!(
                "{:?}: it is an interval (15m, 6h), a crontab expression and a zone \
                 (0 2 * * * Europe/Berlin) or an instant (2027-01-15T08:00:00Z)",
                shown(text)
            ))),
        }
    }

    /// The rule as [`Rule::parse`] reads it. An interval's anchor is no part of the text.
    pub fn to_text(&self) -> String {
        match self {
            Self::Cron { cron, zone } => format!("{cron} {zone}"),
            Self::Every { minutes, .. } if minutes.is_multiple_of(HOUR) => {
                format!("{}h", minutes / HOUR)
            }
            Self::Every { minutes, .. } => format!("{minutes}m"),
            Self::Once(at) => at.to_string(),
        }
    }

    /// What the clocks of the rule's zone show at an instant, in UTC for a rule that names no zone:
    /// `Sun 2027-03-28 03:00:00 CEST`.
    pub fn local(&self, at: Timestamp) -> String {
        self.local_as(at, "%a %Y-%m-%d %H:%M:%S %Z")
    }

    /// The same in a format of chrono's.
    pub(crate) fn local_as(&self, at: Timestamp, format: &str) -> String {
        match self {
            Self::Cron { zone, .. } => at.to_utc().with_timezone(zone).format(format).to_string(),
            Self::Every { .. } | Self::Once(_) => at.to_utc().format(format).to_string(),
        }
    }

    /// Whether both are the same rule; the anchor of an interval does not count.
    pub fn is_same_pace(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Every { minutes, .. }, Self::Every { minutes: other, .. }) => minutes == other,
            _ => self == other,
        }
    }
}

/// `90`, `90m` or `6h`. A number too large for an interval stays one, so that it is refused as such.
fn minutes(text: &str) -> Option<u32> {
    let (number, unit) = match text.strip_suffix('h') {
        Some(hours) => (hours, HOUR),
        None => (text.strip_suffix('m').unwrap_or(text), 1),
    };
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| number.parse::<u32>().unwrap_or(u32::MAX).saturating_mul(unit))
}

/// Whether a word is a field of a crontab expression rather than the name of a zone.
fn is_field(word: &str) -> bool {
    !word.bytes().any(|b| b.is_ascii_alphabetic())
        || word.starts_with('@')
        || cron::is_weekdays(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn a_rule_is_read_as_it_is_written() {
        for text in [
            "1m",
            "90m",
            "1h",
            "24h",
            "168h",
            "*/15 8-18 * * 1-5 Europe/Berlin",
            "0 30 2 * * mon-fri UTC",
            "@daily America/New_York",
            "0 2 * * friL,mon#2 Europe/Berlin",
            "0 2 L-3,15W * * UTC",
            "2027-01-15T08:00:00.000Z",
        ] {
            assert_eq!(Rule::parse(text, NOW).unwrap().to_text(), text);
        }
        for zone in ["Berlin", "berlin", "europe/berlin"] {
            let rule = Rule::parse(&format!("0 2 * * * {zone}"), NOW).unwrap();
            assert_eq!(rule.to_text(), "0 2 * * * Europe/Berlin", "the whole name is kept");
        }
        assert_eq!(Rule::parse("60", NOW).unwrap(), Rule::every(60, NOW).unwrap());
        assert_eq!(Rule::parse(" 6h ", NOW).unwrap(), Rule::every(360, NOW).unwrap());
    }

    #[test]
    fn what_is_no_rule_is_refused_with_what_is_missing() {
        for (text, why) in [
            ("0", "1 to 10080"),
            ("10081", "1 to 10080"),
            ("169h", "1 to 10080"),
            ("99999999999999999999", "1 to 10080"),
            ("*/15 * * * *", "name the zone"),
            ("0 2 * * 1-5", "name the zone"),
            ("0 2 * * mon,fri", "name the zone"),
            ("0 2 * * mon-fri/2", "name the zone"),
            ("0 2 * * friL", "name the zone"),
            ("0 2 * * 1,mon#2", "name the zone"),
            ("0 2 * * * Istanbul", "several, Asia/Istanbul, Europe/Istanbul: name one of them"),
            ("0 2 * * * CEST", "as the IANA does, as in Europe/Berlin"),
            ("0 2 * * * Nowhere", "as the IANA does, as in Europe/Berlin"),
            ("0 25 * * * UTC", "25"),
            ("tomorrow", "an interval"),
            ("", "an interval"),
            ("-5", "an interval"),
        ] {
            let refused = Rule::parse(text, NOW).unwrap_err();
            assert_eq!(refused.code(), Code::ModelInvalid, "{text:?}");
            assert!(refused.to_string().contains(why), "{text:?}: {refused}");
        }
    }

    #[test]
    fn an_instant_is_shown_by_the_clocks_of_the_zone() {
        let at = Timestamp::from_millis(1_806_195_600_000);
        let berlin = Rule::cron("0 3 * * *", "Europe/Berlin").unwrap();
        assert_eq!(berlin.local(at), "Sun 2027-03-28 03:00:00 CEST");
        assert_eq!(Rule::every(5, NOW).unwrap().local(at), "Sun 2027-03-28 01:00:00 UTC");
    }
}
