//! The rule of a schedule: which instants are its occurrences.
//!
//! Crontab names local times; what becomes of them where a zone's clock is changed is decided in `zone`, by us and
//! not by a library, so that it is written down once and tested against every zone there is (P18). What becomes of
//! occurrences that are due is decided by [`decide`].

mod decide;
mod policy;
mod run;
mod stored;
mod text;
mod warnings;
mod words;
mod zone;

#[cfg(feature = "web")]
pub(crate) use decide::GRACE;
pub use decide::{Decided, Decision, Situation, Verdict, decide};
pub use policy::{CatchUp, MAX_CAUGHT_UP, Overlap};
pub use run::{PastRun, PastRuns, PauseDeed, RunJob};
pub(crate) use stored::AHEAD;
pub use stored::{
    Ensured, NewSchedule, PastDecision, Plan, PlanChange, ReservedSchedule, Schedule,
};

use super::{Cron, Timestamp, Zone};
use crate::error::{Code, Error, Result};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Value, json};

/// Longest interval, in minutes: a week.
const MAX_MINUTES: u32 = 7 * 24 * 60;
/// Longest part of a refused text in the message, in characters: any real expression is shorter.
const MAX_SHOWN: usize = 200;
const MINUTE_MS: i64 = 60_000;
/// A day of UTC.
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// The end of the years that a date picker and ISO 8601 write with four digits: 9999-12-31T23:59:59Z.
/// Occurrences lie between 1970 and here, so that no sum below overflows. Those of crontab expressions end with 2100.
const LAST: Timestamp = Timestamp::from_millis(253_402_300_799_000);
/// How near the newest due occurrence the search for it begins, in milliseconds.
const NEAR_MS: i64 = 1_000;

/// When a schedule is due.
///
/// # Example
/// ```
/// use lamplighter::model::{Rule, Timestamp};
///
/// let rule = Rule::cron("30 2 * * *", "Europe/Berlin")?;
/// // On 2027-03-28 the clock goes from 02:00 to 03:00, which is 01:00 UTC: 02:30 does not exist.
/// let midnight = Timestamp::from_millis(1_806_192_000_000);
/// assert_eq!(rule.next_after(midnight).unwrap().to_string(), "2027-03-28T01:00:00.000Z");
/// # Ok::<(), lamplighter::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// At the local times that a crontab expression names, on the clocks of a zone.
    ///
    /// - A local time that the clock jumps over occurs once, at the first instant after the gap.
    /// - One that comes twice occurs once, the first time.
    /// - If the minute or the hour field begins with `*` ([`Cron::is_wild`]), the rule is about a pace and follows
    ///   elapsed time: it occurs at every instant at which the clock shows a time that it names. So `*/15 * * * *`
    ///   goes on every 15 minutes in both passages of a repeated hour, and nothing is made up for after a gap. Where
    ///   only one of the fields begins with `*`, the other may lie in the gap: `*/15 2 * * *` has a day off then.
    /// - Local times that map to one instant are one occurrence.
    ///
    /// *Limits:* the last occurrence is in the year 2100 ([`Cron`]).
    ///
    /// # Source
    /// cronie, `src/cron.c`: after a jump forward it runs wildcard jobs for the new minute alone and all others for
    /// each minute missed; after a jump backward wildcard jobs alone until the old time is reached again. There this
    /// ends at three hours; here a change of any size counts as one.
    Cron {
        /// The local times.
        cron: Cron,
        /// Whose clocks.
        zone: Tz,
    },
    /// Every so many minutes of elapsed time, from the anchor on; the anchor is the first occurrence.
    Every {
        /// 1 to 10,080 (a week).
        minutes: u32,
        /// An occurrence that the others are counted from: the last one before the rule was changed.
        anchor: Timestamp,
    },
    /// At one instant.
    Once(Timestamp),
}

/// How a rule is kept in the database and written in the API.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Stored {
    Cron { cron: String, zone: String },
    Every { minutes: u32, anchor: i64 },
    Once { at: i64 },
}

impl Rule {
    /// A rule of a crontab expression and the IANA name of a zone.
    ///
    /// # Errors
    /// `JOB-VALUE-001` with the position and the reason, or for a zone that is not known.
    pub fn cron(cron: &str, zone: &str) -> Result<Self> {
        let cron =
            Cron::parse(cron).map_err(|why| invalid(&format!("{:?}", shown(cron))).because(why))?;
        Ok(Self::Cron { cron, zone: time_zone(zone)? })
    }

    /// A rule of an interval.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for 0 minutes or more than a week, or an anchor outside the years 1970 to 9999.
    pub fn every(minutes: u32, anchor: Timestamp) -> Result<Self> {
        if (1..=MAX_MINUTES).contains(&minutes) {
            Ok(Self::Every { minutes, anchor: in_range(anchor, "anchor")? })
        } else {
            Err(invalid(&format!(
                "every {minutes} minutes: 1 to {MAX_MINUTES} (a week) are allowed"
            )))
        }
    }

    /// A rule of one occurrence.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for an instant outside the years 1970 to 9999.
    pub fn once(at: Timestamp) -> Result<Self> {
        Ok(Self::Once(in_range(at, "instant")?))
    }

    /// Reads the stored form, such as `{"type":"cron","cron":"0 2 * * *","zone":"Europe/Berlin"}`.
    ///
    /// # Errors
    /// `JOB-VALUE-001` saying in words what does not fit.
    pub fn from_json(value: &Value) -> Result<Self> {
        let stored = Stored::deserialize(value)
            .map_err(|why| invalid(&shown(&value.to_string())).because(why))?;
        match stored {
            Stored::Cron { cron, zone } => Self::cron(&cron, &zone),
            Stored::Every { minutes, anchor } => {
                Self::every(minutes, Timestamp::from_millis(anchor))
            }
            Stored::Once { at } => Self::once(Timestamp::from_millis(at)),
        }
    }

    /// The stored form: `{"type":"cron","cron":…,"zone":…}`, `{"type":"every","minutes":…,"anchor":ms}` or
    /// `{"type":"once","at":ms}`.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Cron { cron, zone } => {
                json!({"type": "cron", "cron": cron.as_str(), "zone": zone.name()})
            }
            Self::Every { minutes, anchor } => {
                json!({"type": "every", "minutes": minutes, "anchor": anchor.millis()})
            }
            Self::Once(at) => json!({"type": "once", "at": at.millis()}),
        }
    }

    /// The first occurrence after an instant, never that instant itself; `None` if there is none up to the year 9999, for
    /// a crontab expression up to the year 2100 on the zone's clock.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        if after >= LAST {
            return None;
        }
        let after = after.max(Timestamp::from_millis(-1));
        let next = match self {
            Self::Cron { cron, zone } => {
                let after = after.millis().div_euclid(1_000);
                let next = if cron.is_wild() {
                    zone::next_shown(cron, *zone, after)
                } else {
                    zone::next_reached(cron, *zone, after)
                };
                next.map(|seconds| Timestamp::from_millis(seconds * 1_000))
            }
            Self::Every { anchor, .. } if after < *anchor => Some(*anchor),
            Self::Every { minutes, anchor } => {
                let period = i64::from(*minutes) * MINUTE_MS;
                let passed = (after.millis() - anchor.millis()) / period;
                Some(Timestamp::from_millis(anchor.millis() + (passed + 1) * period))
            }
            Self::Once(at) => Some(*at).filter(|at| *at > after),
        };
        next.filter(|at| *at <= LAST)
    }

    /// The zone whose clocks it goes by: UTC for an interval and for an instant.
    pub fn zone(&self) -> Zone {
        match self {
            Self::Cron { zone, .. } => (*zone).into(),
            Self::Every { .. } | Self::Once(_) => Tz::UTC.into(),
        }
    }

    /// Its crontab expression, if it has one.
    pub fn crontab(&self) -> Option<&str> {
        match self {
            Self::Cron { cron, .. } => Some(cron.as_str()),
            Self::Every { .. } | Self::Once(_) => None,
        }
    }

    /// The occurrences after an instant, in order.
    pub fn occurrences_after(&self, after: Timestamp) -> impl Iterator<Item = Timestamp> {
        std::iter::successors(self.next_after(after), |at| self.next_after(*at))
    }

    /// The last occurrence after one instant and not after another: the newest that is due.
    ///
    /// It asks [`next_after`](Self::next_after) in ever larger steps back from `until`, then bisects: under 200 times
    /// whatever lies between, so ten million missed seconds cost no more than ten.
    pub fn latest_between(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let due =
            |after: i64| self.next_after(Timestamp::from_millis(after)).filter(|at| *at <= until);
        // `low` is due; nothing after `high` is. One of them passes half of the way or a doubled step in each round.
        let mut low = due(after.millis())?.millis();
        let mut high = until.millis().min(LAST.millis());
        let mut step = NEAR_MS;
        while let Some(later) = due(low) {
            low = later.millis();
            let probe = (high - step).max(low + (high - low) / 2);
            match due(probe) {
                Some(later) => low = later.millis(),
                None => high = probe,
            }
            step = step.saturating_mul(2);
        }
        Some(Timestamp::from_millis(low))
    }

    /// The same rule counted from another occurrence: an interval keeps its pace from the last one when it is changed.
    /// Other rules stay as they are.
    #[must_use]
    pub fn anchored_at(self, anchor: Timestamp) -> Self {
        match self {
            Self::Every { minutes, .. } => Self::Every { minutes, anchor },
            Self::Cron { .. } | Self::Once(_) => self,
        }
    }

    /// The same rule for a clock that was set back to `now`: an interval that is counted from an occurrence in the future is
    /// counted from one that is past, a whole number of intervals before. Other rules stay as they are.
    #[must_use]
    pub fn counted_by(self, now: Timestamp) -> Self {
        match self {
            Self::Every { minutes, anchor } if anchor > now => {
                let period = i64::from(minutes) * MINUTE_MS;
                let beyond = (anchor.millis() - now.millis()).rem_euclid(period);
                let past = (now.millis() + beyond - period).max(0);
                Self::Every { minutes, anchor: Timestamp::from_millis(past) }
            }
            Self::Every { .. } | Self::Cron { .. } | Self::Once(_) => self,
        }
    }
}

/// The first instant after `from`, up to `until`, at which the clocks of a zone are changed.
#[cfg(feature = "web")]
pub(crate) fn clock_change(of: Zone, from: Timestamp, until: Timestamp) -> Option<Timestamp> {
    let second = |at: Timestamp| at.millis().div_euclid(1_000);
    let change = zone::change(of.tz(), second(from), second(until))?;
    Some(Timestamp::from_millis(change * 1_000))
}

/// The zone of this name of the IANA, or the one zone of whose name this is a part: `Berlin` is Europe/Berlin.
///
/// # Errors
/// `JOB-VALUE-001` if there is none, and with their names if it is a part of several.
pub(crate) fn time_zone(name: &str) -> Result<Tz> {
    if let Ok(zone) = name.parse() {
        return Ok(zone);
    }
    let hint = match &Zone::named_in_part(name)[..] {
        [zone] => return Ok(zone.tz()),
        [] => "zones are named as the IANA does, as in Europe/Berlin".to_owned(),
        several => {
            let names: Vec<_> = several.iter().take(MAX_ZONES).map(Zone::to_string).collect();
            let more = if several.len() > MAX_ZONES { " and others" } else { "" };
            format!("it is a part of several, {}{more}: name one of them whole", names.join(", "))
        }
    };
    Err(Error::new(Code::ModelInvalid, format!("read the time zone {:?}: {hint}", shown(name))))
}

/// The most zones that are named to one who has typed a part of their names: more than one line has room for.
const MAX_ZONES: usize = 6;

/// When the local day began that lies so many days after that of an instant: the first instant that belongs to it.
pub(crate) fn midnight(zone: Tz, at: Timestamp, days: u64) -> Timestamp {
    let began = || {
        let date = zone::local(zone, at.millis().div_euclid(1_000))?.date();
        let date = date.checked_add_days(chrono::Days::new(days))?;
        zone::reached(zone, date.and_time(chrono::NaiveTime::MIN))?.checked_mul(1_000)
    };
    let day = i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(DAY_MS);
    let utc = || at.millis().saturating_sub(at.millis().rem_euclid(DAY_MS)).saturating_add(day);
    Timestamp::from_millis(began().unwrap_or_else(utc))
}

fn in_range(at: Timestamp, what: &str) -> Result<Timestamp> {
    if (0..=LAST.millis()).contains(&at.millis()) {
        Ok(at)
    } else {
        let millis = at.millis();
        Err(invalid(&format!("the {what} {millis} is not in the years 1970 to 9999")))
    }
}

/// The beginning of a text that was refused, for the message.
fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}

fn invalid(what: &str) -> Error {
    Error::new(Code::ModelInvalid, format!("read the schedule {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        let parsed = chrono::DateTime::parse_from_rfc3339(text).unwrap();
        Timestamp::from_millis(parsed.timestamp_millis())
    }

    /// The first instants after `from`, as `DD HH:MM` UTC.
    fn instants(cron: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let rule = Rule::cron(cron, zone).unwrap();
        let all = rule.occurrences_after(at(from)).take(count);
        all.map(|at| at.to_utc().format("%d %H:%M").to_string()).collect()
    }

    #[test]
    fn a_time_in_a_gap_occurs_once_at_the_first_instant_after_it() {
        // Berlin 2027-03-28: 02:00 (01:00 UTC) becomes 03:00.
        let from = "2027-03-27T12:00:00Z";
        assert_eq!(instants("30 2 * * *", "Europe/Berlin", from, 2), ["28 01:00", "29 00:30"]);
        assert_eq!(
            instants("0,20,40 2,3 * * *", "Europe/Berlin", from, 4),
            ["28 01:00", "28 01:20", "28 01:40", "29 00:00"]
        );
        assert_eq!(
            instants("0-59 0-59 2 * * *", "Europe/Berlin", from, 2),
            ["28 01:00", "29 00:00"]
        );
    }

    #[test]
    fn a_time_in_a_fold_occurs_once_the_first_time() {
        // Berlin 2027-10-31: 03:00 (01:00 UTC) becomes 02:00.
        let from = "2027-10-30T12:00:00Z";
        assert_eq!(instants("30 2 * * *", "Europe/Berlin", from, 2), ["31 00:30", "01 01:30"]);
        assert_eq!(
            instants("0,30 2,3 * * *", "Europe/Berlin", from, 4),
            ["31 00:00", "31 00:30", "31 02:00", "31 02:30"]
        );
        for after in [
            "2027-10-31T00:30:00Z",
            "2027-10-31T01:00:00Z",
            "2027-10-31T01:15:00.5Z",
            "2027-10-31T01:59:59Z",
        ] {
            assert_eq!(instants("0-59 30 0-4 * * *", "Europe/Berlin", after, 1)[0].len(), 8);
            assert_eq!(
                instants("0,30 2,3 * * *", "Europe/Berlin", after, 1),
                ["31 02:00"],
                "{after}"
            );
        }
    }

    #[test]
    fn a_wildcard_rule_follows_elapsed_time() {
        assert_eq!(
            instants("0 * * * *", "Europe/Berlin", "2027-03-27T23:30:00Z", 4),
            ["28 00:00", "28 01:00", "28 02:00", "28 03:00"]
        );
        assert_eq!(
            instants("0 * * * *", "Europe/Berlin", "2027-10-30T23:30:00Z", 4),
            ["31 00:00", "31 01:00", "31 02:00", "31 03:00"]
        );
        assert_eq!(
            instants("*/30 2 * * *", "Europe/Berlin", "2027-03-27T12:00:00Z", 1),
            ["29 00:00"]
        );
        assert_eq!(
            instants("*/30 2 * * *", "Europe/Berlin", "2027-10-30T12:00:00Z", 5),
            ["31 00:00", "31 00:30", "31 01:00", "31 01:30", "01 01:00"]
        );
    }

    #[test]
    fn a_change_of_any_size_is_one_change() {
        // Samoa left out the 30th of December 2011.
        assert_eq!(
            instants("0 12 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", 3),
            ["29 22:00", "30 10:00", "30 22:00"]
        );
        // Kwajalein left out the 21st of August 1993; the Lord Howe Island moves by half an hour.
        assert_eq!(instants("0 0 * * *", "Pacific/Kwajalein", "1993-08-20T00:00:00Z", 2).len(), 2);
        assert_eq!(
            instants("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", 2),
            ["03 15:30", "04 15:15"]
        );
        assert_eq!(
            instants("45 1 * * *", "Australia/Lord_Howe", "2027-04-03T00:00:00Z", 2),
            ["03 14:45", "04 15:15"]
        );
    }

    #[test]
    fn far_occurrences_are_found_on_the_right_side_of_a_change() {
        let next =
            |cron, from| Rule::cron(cron, "Europe/Berlin").unwrap().next_after(at(from)).unwrap();
        assert_eq!(
            next("* 5 29 2 *", "2092-03-01T00:00:00Z").to_string(),
            "2096-02-29T04:00:00.000Z"
        );
        assert_eq!(next("0 5 1 7 *", "2026-11-21T00:00:00Z"), at("2027-07-01T03:00:00Z"));
        assert_eq!(next("* 5 1 7 *", "2026-11-21T00:00:00Z"), at("2027-07-01T03:00:00Z"));
    }

    #[test]
    fn occurrences_lie_strictly_after_and_within_the_years_up_to_9999() {
        let rules = [
            Rule::cron("* * * * * *", "Asia/Tokyo").unwrap(),
            Rule::cron("0-59 0-59 0-23 * * *", "Asia/Tokyo").unwrap(),
            Rule::every(1, at("2026-11-21T08:00:00.123Z")).unwrap(),
            Rule::once(at("2026-11-21T08:00:00.123Z")).unwrap(),
        ];
        for rule in rules {
            for after in
                [i64::MIN, -1, 0, 1, 1_795_248_000_123, LAST.millis() - 1, LAST.millis(), i64::MAX]
            {
                let after = Timestamp::from_millis(after);
                assert!(
                    rule.next_after(after).is_none_or(|at| at > after && at <= LAST),
                    "{rule:?} {after:?}"
                );
            }
        }
    }

    #[test]
    fn the_latest_is_the_last_that_a_walk_finds() {
        let rules = ["0 3 * * *", "*/20 1-3 * * *", "0 0 31 * *", "0-59 2 * * 0", "0 0 29 2 *"];
        let from = at("2027-10-20T00:00:00Z");
        for rule in rules.map(|cron| Rule::cron(cron, "Europe/Berlin").unwrap()) {
            for minutes in (0..20 * 1_440).step_by(97) {
                let until = Timestamp::from_millis(from.millis() + minutes * MINUTE_MS);
                let walked = rule.occurrences_after(from).take_while(|at| *at <= until).last();
                assert_eq!(rule.latest_between(from, until), walked, "{rule:?} {until}");
                if let Some(walked) = walked {
                    assert_eq!(rule.latest_between(from, walked), Some(walked));
                }
            }
        }
        let every = Rule::every(1, Timestamp::default()).unwrap();
        let (start, end) = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
        assert_eq!(every.latest_between(start, end), Some(at("9999-12-31T23:59:00Z")));
        assert_eq!(every.latest_between(end, start), None);
    }

    #[test]
    fn an_interval_occurs_at_its_anchor_and_counts_from_there() {
        let anchor = at("2026-11-21T08:00:07.500Z");
        let rule = Rule::every(90, anchor).unwrap();
        assert_eq!(rule.next_after(Timestamp::default()), Some(anchor));
        assert_eq!(rule.next_after(anchor), Some(at("2026-11-21T09:30:07.500Z")));
        assert_eq!(
            rule.next_after(at("2026-11-21T09:30:07.499Z")),
            Some(at("2026-11-21T09:30:07.500Z"))
        );
    }

    #[test]
    fn the_stored_form_comes_back() {
        for value in [
            json!({"type": "cron", "cron": " @daily", "zone": "Europe/Berlin"}),
            json!({"type": "every", "minutes": 10_080, "anchor": 1_795_248_000_000_i64}),
            json!({"type": "once", "at": 0}),
        ] {
            assert_eq!(Rule::from_json(&value).unwrap().to_json(), value);
        }
    }

    #[test]
    fn a_bad_rule_is_refused_in_words() {
        for (value, why) in [
            (
                json!({"type": "cron", "cron": "0 24 * * *", "zone": "UTC"}),
                "column 3: hours are 0 to 23, this is 24",
            ),
            (
                json!({"type": "cron", "cron": "0 2 * * *", "zone": "Atlantis"}),
                "zones are named as the IANA does, as in Europe/Berlin",
            ),
            (
                json!({"type": "cron", "cron": "0 2 * * *", "zone": "Istanbul"}),
                "it is a part of several, Asia/Istanbul, Europe/Istanbul: name one of them whole",
            ),
            (json!({"type": "cron", "cron": "0 2 * * *"}), "missing field `zone`"),
            (
                json!({"type": "every", "minutes": 0, "anchor": 0}),
                "1 to 10080 (a week) are allowed",
            ),
            (
                json!({"type": "every", "minutes": 10_081, "anchor": 0}),
                "1 to 10080 (a week) are allowed",
            ),
            (
                json!({"type": "every", "minutes": 5, "anchor": -1}),
                "the anchor -1 is not in the years 1970 to 9999",
            ),
            (json!({"type": "once", "at": i64::MAX}), "is not in the years 1970 to 9999"),
            (
                json!({"type": "once", "at": 0, "zone": "UTC"}),
                "unknown field `zone`, expected `at`",
            ),
            (
                json!({"type": "sometimes"}),
                "unknown variant `sometimes`, expected one of `cron`, `every`, `once`",
            ),
            (json!("0 2 * * *"), "invalid type: string"),
        ] {
            let error = Rule::from_json(&value).unwrap_err();
            assert_eq!(error.code(), Code::ModelInvalid);
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
