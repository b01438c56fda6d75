//! Reading what a schedule does, as people type it: one text for each field, each with a grammar of its own.

use super::choice::{RuleChoice, Runs};
use crate::actions::instant::instant;
use crate::actions::{length, priority};
use crate::error::{Code, Error, Result};
use crate::model::{CatchUp, Json, Kind, Overlap, PlanChange, Queue, Rule, Timestamp};
use chrono::DateTime;
use serde_json::Value;
use std::time::Duration;

/// The word for a queue or a priority that is the kind's own. On a page an empty field means the same.
const KINDS: &str = "kind";
/// The member of a session's payload that has the prompt.
const PROMPT: &str = "prompt";

/// The fields of a schedule's plan that are to be set. A field that is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct PlanTexts {
    /// When it is due.
    pub rule: Option<RuleText>,
    /// The kind of its jobs.
    pub kind: Option<String>,
    /// The payload of its jobs, as JSON.
    pub payload: Option<String>,
    /// The prompt of its sessions, which goes into the payload that is given beside it. An empty one goes nowhere.
    pub prompt: Option<String>,
    /// The queue of its jobs. Empty or `kind` is the kind's own queue.
    pub queue: Option<String>,
    /// The priority of its jobs. Empty or `kind` is the kind's own.
    pub priority: Option<String>,
    /// What becomes of missed occurrences: `once`, `skip` or `all:N`.
    pub catch_up: Option<String>,
    /// What becomes of an occurrence whose predecessor is not over yet: `queue_one`, `queue_all` or `skip`.
    pub overlap: Option<String>,
    /// How far apart the jobs of missed occurrences start: a number of seconds, or a length such as `5m`.
    pub stagger: Option<String>,
}

/// A rule, in the form in which a person typed it.
#[derive(Clone, Debug)]
pub enum RuleText {
    /// One field for every rule: an interval, a crontab expression with its zone, or an instant.
    Line(String),
    /// One of the choices of a form.
    Chosen(RuleChoice),
    /// A crontab expression. Without a zone it keeps the zone that the schedule has, or has UTC.
    Cron {
        /// The expression.
        cron: String,
        /// The zone's name.
        zone: Option<String>,
    },
    /// Another zone for the crontab expression that the schedule has.
    Zone(String),
    /// An interval: minutes, or a length such as `6h`.
    Every {
        /// The interval.
        every: String,
        /// A zone. It is refused, because an interval has none.
        zone: Option<String>,
    },
    /// One instant: a time with its offset, or a local time in a zone.
    At {
        /// The instant.
        at: String,
        /// The zone's name.
        zone: Option<String>,
    },
}

impl PlanTexts {
    /// Reads the texts as a change of a plan. `before` is the rule that the schedule has.
    ///
    /// # Errors
    /// `JOB-VALUE-001`; the error names the field that does not fit and what it takes.
    pub fn read(self, before: Option<&Rule>, now: Timestamp) -> Result<PlanChange> {
        let kinds = |text: &str| ["", KINDS].contains(&text.trim());
        let queue = |text: String| match text {
            text if kinds(&text) => Ok(None),
            text => Queue::parse(text.trim()).map(Some),
        };
        let priority = |text: String| match text {
            text if kinds(&text) => Ok(None),
            text => priority(&text).map(Some),
        };
        let kind = |text: String| Kind::parse(text.trim());
        Ok(PlanChange {
            rule: self.rule.map(|rule| rule.read(before, now)).transpose()?,
            kind: self.kind.map(kind).transpose()?,
            payload: self.payload.map(|text| payload(&text, self.prompt.as_deref())).transpose()?,
            queue: self.queue.map(queue).transpose()?,
            priority: self.priority.map(priority).transpose()?,
            catch_up: self.catch_up.map(|text| CatchUp::parse(text.trim())).transpose()?,
            overlap: self.overlap.map(|text| Overlap::parse(text.trim())).transpose()?,
            stagger: self.stagger.map(|text| stagger(text.trim())).transpose()?,
        })
    }
}

impl RuleText {
    /// The choice as one would type it.
    fn of(choice: RuleChoice) -> Result<Self> {
        let zone = Some(choice.zone.trim().to_owned());
        if let Some(cron) = choice.crontab()? {
            return Ok(Self::Cron { cron, zone });
        }
        if choice.runs == Runs::Every {
            return Ok(Self::Every { every: choice.every, zone: None });
        }
        let has_offset = DateTime::parse_from_rfc3339(choice.once.trim()).is_ok();
        Ok(Self::At { at: choice.once, zone: zone.filter(|_| !has_offset) })
    }

    /// Reads the rule. `before` is the one that the schedule has.
    pub(super) fn read(self, before: Option<&Rule>, now: Timestamp) -> Result<Rule> {
        match self {
            Self::Line(text) => Rule::parse(&text, now),
            Self::Chosen(choice) => Self::of(choice)?.read(before, now),
            Self::Cron { cron, zone } => {
                let had = match before {
                    Some(Rule::Cron { zone, .. }) => zone.name(),
                    Some(Rule::Every { .. } | Rule::Once(_)) | None => "UTC",
                };
                Rule::cron(&cron, zone.as_deref().map_or(had, str::trim))
            }
            Self::Zone(zone) => match before {
                Some(Rule::Cron { cron, .. }) => Rule::cron(&cron.to_string(), zone.trim()),
                Some(Rule::Every { .. } | Rule::Once(_)) | None => {
                    let why = "the schedule has no crontab expression whose clocks it could be";
                    Err(invalid(format!("take the zone {zone:?}: {why}")))
                }
            },
            Self::Every { every, zone: None } => Rule::every(minutes(every.trim())?, now),
            Self::Every { every, zone: Some(zone) } => {
                let why = "an interval counts elapsed time, which is the same in every zone";
                Err(invalid(format!("take the zone {zone:?} with the interval {every:?}: {why}")))
            }
            Self::At { at, zone } => Rule::once(instant(at.trim(), zone.as_deref())?),
        }
    }
}

fn payload(text: &str, prompt: Option<&str>) -> Result<Json> {
    let read = Json::parse_as(text, "payload")?;
    let Some(prompt) = prompt.filter(|prompt| !prompt.trim().is_empty()) else { return Ok(read) };
    let Value::Object(mut members) = read.value() else {
        let why = "beside a prompt it is an object, such as {} or {\"tier\": 2}";
        return Err(invalid(format!("take the payload: {why}")));
    };
    members.insert(PROMPT.to_owned(), prompt.into());
    Json::parse(&Value::Object(members).to_string())
        .map_err(|why| invalid("write the payload".to_owned()).because(why))
}

/// The prompt in the payload of a session, and the rest of the payload. Without a prompt in it the payload is the rest.
pub fn prompt_apart(payload: &Json) -> (String, String) {
    let Value::Object(mut members) = payload.value() else {
        return (String::new(), payload.to_string());
    };
    match members.remove(PROMPT) {
        Some(Value::String(prompt)) => (prompt, Value::Object(members).to_string()),
        _ => (String::new(), payload.to_string()),
    }
}

/// Reads a number of minutes, or a length of whole minutes. The rule checks how many there may be.
fn minutes(text: &str) -> Result<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits {
        // A number that does not fit is read as the largest one, which the rule refuses as too long.
        return Ok(text.parse().unwrap_or(u32::MAX));
    }
    let doing = format!("take the interval {text:?}");
    let takes = "an interval is a number of minutes, or a length such as 15m, 6h or 1day";
    match humantime::parse_duration(text) {
        Ok(length) if length.as_nanos() % Duration::from_mins(1).as_nanos() == 0 => {
            Ok(u32::try_from(length.as_secs() / 60).unwrap_or(u32::MAX))
        }
        Ok(_) => Err(invalid(format!("{doing}: it is no whole number of minutes; {takes}"))),
        Err(_) => Err(invalid(format!("{doing}: {takes}"))),
    }
}

/// Reads a number of seconds, or a length. The plan checks how long it may be.
fn stagger(text: &str) -> Result<Duration> {
    let zero = || humantime::parse_duration(text).is_ok_and(|length| length.is_zero());
    match text.parse() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) if zero() => Ok(Duration::ZERO),
        Err(_) => length(text, "stagger jobs"),
    }
}

fn invalid(what: String) -> Error {
    Error::new(Code::ModelInvalid, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn read(rule: RuleText) -> Result<Rule> {
        rule.read(None, NOW)
    }

    fn every(text: &str) -> RuleText {
        RuleText::Every { every: text.into(), zone: None }
    }

    fn at(text: &str, zone: Option<&str>) -> RuleText {
        RuleText::At { at: text.into(), zone: zone.map(str::to_owned) }
    }

    #[test]
    fn an_interval_is_minutes_or_a_length_and_nothing_else() {
        for (text, minutes) in
            [("90", 90), ("90m", 90), ("6h", 360), ("1h 30m", 90), ("1day", 1440)]
        {
            assert_eq!(read(every(text)).unwrap(), Rule::every(minutes, NOW).unwrap(), "{text}");
        }
        for (text, says) in [
            ("90s", "it is no whole number of minutes; an interval is"),
            ("0", "1 to 10080 (a week) are allowed"),
            ("8days", "1 to 10080 (a week) are allowed"),
            ("99999999999999", "1 to 10080 (a week) are allowed"),
            ("0 2 * * *", "take the interval \"0 2 * * *\": an interval is a number of minutes"),
            ("2027-01-15T08:00:00Z", "an interval is a number of minutes"),
            ("", "an interval is a number of minutes"),
        ] {
            let refused = read(every(text)).unwrap_err();
            assert!(refused.sentence().contains(says), "{text}: {}", refused.sentence());
            assert!(!refused.sentence().contains("crontab"), "{}", refused.sentence());
        }
        let zoned = RuleText::Every { every: "15m".into(), zone: Some("Europe/Berlin".into()) };
        assert_eq!(
            read(zoned).unwrap_err().sentence(),
            "Could not take the zone \"Europe/Berlin\" with the interval \"15m\": an interval \
             counts elapsed time, which is the same in every zone."
        );
    }

    #[test]
    fn an_instant_has_an_offset_or_a_zone_and_a_time_of_day() {
        let utc = Rule::parse("2027-01-15T07:00:00Z", NOW).unwrap();
        for (text, zone) in [
            ("2027-01-15T08:00:00+01:00", None),
            ("2027-01-15 08:00", Some("Europe/Berlin")),
            ("2027-01-15T08:00:00", Some("Europe/Berlin")),
            ("2027-01-15 08:00", Some("Berlin")),
        ] {
            assert_eq!(read(at(text, zone)).unwrap(), utc, "{text}");
        }
        // The clocks of Berlin show 02:30 twice on 2027-10-31, and never on 2027-03-28.
        let twice = read(at("2027-10-31 02:30", Some("Europe/Berlin"))).unwrap();
        assert_eq!(twice, Rule::parse("2027-10-31T00:30:00Z", NOW).unwrap(), "the first time");
        for (text, zone, says) in [
            ("2027-03-28 02:30", Some("Europe/Berlin"), "the clocks of Europe/Berlin skip it"),
            ("2027-01-15 08:00", None, "it names no zone"),
            ("2027-01-15", Some("UTC"), "it has no time of day"),
            ("2027-01-15", None, "it has no time of day"),
            ("2027-01-15T08:00:00Z", Some("UTC"), "leave out the zone"),
            ("2027-01-15 08:00", Some("Atlantis"), "time zone \"Atlantis\""),
            ("tomorrow", None, "an instant is written"),
            ("90", None, "an instant is written"),
        ] {
            let refused = read(at(text, zone)).unwrap_err();
            assert_eq!(refused.code(), Code::ModelInvalid);
            assert!(refused.sentence().contains(says), "{text}: {}", refused.sentence());
        }
    }

    #[test]
    fn a_crontab_expression_keeps_its_zone_until_another_is_named() {
        let berlin = Rule::cron("0 2 * * *", "Europe/Berlin").unwrap();
        let cron = |zone: Option<&str>| RuleText::Cron {
            cron: "0 3 * * *".into(),
            zone: zone.map(str::to_owned),
        };
        let kept = cron(None).read(Some(&berlin), NOW).unwrap();
        assert_eq!(kept.to_text(), "0 3 * * * Europe/Berlin");
        let named = cron(Some("Asia/Tokyo")).read(Some(&berlin), NOW).unwrap();
        assert_eq!(named.to_text(), "0 3 * * * Asia/Tokyo");
        assert_eq!(read(cron(None)).unwrap().to_text(), "0 3 * * * UTC");
        let moved = RuleText::Zone("Asia/Tokyo".into()).read(Some(&berlin), NOW).unwrap();
        assert_eq!(moved.to_text(), "0 2 * * * Asia/Tokyo");
        let refused = read(RuleText::Zone("UTC".into())).unwrap_err();
        assert!(refused.sentence().contains("has no crontab expression"), "{refused}");
    }

    #[test]
    fn a_prompt_goes_into_the_payload_and_comes_apart_again() {
        let read = |payload: &str, prompt: &str| {
            let texts = PlanTexts {
                payload: Some(payload.into()),
                prompt: Some(prompt.into()),
                ..PlanTexts::default()
            };
            texts.read(None, NOW).map(|change| change.payload.unwrap())
        };
        let whole = read(r#"{"tier":2}"#, "Look at it.").unwrap();
        assert_eq!(whole.value(), serde_json::json!({"tier": 2, "prompt": "Look at it."}));
        assert_eq!(prompt_apart(&whole), ("Look at it.".to_owned(), r#"{"tier":2}"#.to_owned()));
        let file = read(r#"{"prompt_file":"ask"}"#, " ").unwrap();
        assert_eq!(prompt_apart(&file), (String::new(), r#"{"prompt_file":"ask"}"#.to_owned()));
        let refused = read("[1]", "Look").unwrap_err();
        assert!(refused.sentence().contains("it is an object"), "{refused}");
    }

    #[test]
    fn every_other_field_says_what_it_takes() {
        let of = |texts: PlanTexts| texts.read(None, NOW);
        let some = |text: &str| Some(text.to_owned());
        let all = of(PlanTexts {
            queue: some("kind"),
            priority: some(""),
            stagger: some("0"),
            payload: some("{\"a\": 1}"),
            ..PlanTexts::default()
        });
        let all = all.unwrap();
        assert_eq!(
            (all.queue, all.priority, all.stagger),
            (Some(None), Some(None), Some(Duration::ZERO))
        );
        let long = of(PlanTexts { stagger: some("5m"), ..PlanTexts::default() }).unwrap();
        assert_eq!(long.stagger, Some(Duration::from_mins(5)));
        for (texts, says) in [
            (PlanTexts { kind: some("No Kind"), ..PlanTexts::default() }, "only a-z, 0-9 and _"),
            (PlanTexts { payload: some("{"), ..PlanTexts::default() }, "it is no JSON"),
            (PlanTexts { queue: some("a-b"), ..PlanTexts::default() }, "only a-z, 0-9 and _"),
            (PlanTexts { priority: some("101"), ..PlanTexts::default() }, "from -100 to 100"),
            (PlanTexts { priority: some("high"), ..PlanTexts::default() }, "from -100 to 100"),
            (PlanTexts { catch_up: some("all:0"), ..PlanTexts::default() }, "1 to 100"),
            (
                PlanTexts { overlap: some("both"), ..PlanTexts::default() },
                "queue_one, queue_all or",
            ),
            (PlanTexts { stagger: some("-1"), ..PlanTexts::default() }, "90s, 10m, 2h 30m"),
        ] {
            let refused = of(texts).unwrap_err();
            assert_eq!(refused.code(), Code::ModelInvalid);
            let said = refused.sentence();
            assert!(said.starts_with("Could not ") && said.contains(says), "{said}");
        }
    }
}
