//! A setting: its name, its place, the type of its values, and its default.

use super::schedule::Rule;
use super::time::Timestamp;
use crate::error::{Code, Error, Result};
use serde_json::Value;
use std::collections::BTreeMap;

/// A setting that people change while the server runs, on a page or by `lamplighter settings`.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name.
    pub key: &'static str,
    /// The heading that it stands under.
    pub group: SettingGroup,
    /// What people call it.
    pub label: &'static str,
    /// The type of its values.
    pub values: ValueType,
    /// What it is while nobody has set it, as people type it.
    pub default: &'static str,
    /// What else changes with it.
    pub consequence: Consequence,
}

/// A setting as it is now.
#[derive(Clone, Debug)]
pub struct SettingState {
    /// The setting.
    pub setting: &'static Setting,
    /// Its value.
    pub value: Value,
    /// Whether a person has set it.
    pub is_set: bool,
}

/// A heading of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingGroup {
    /// Whether, when and how scans run.
    SelfMonitoring,
    /// What goes to the issue tracker.
    Tracker,
    /// What agents may do and spend.
    Agents,
    /// How golden repositories are described.
    GoldenRepositories,
    /// How long what is over is kept.
    Retention,
}

/// The type of a setting's values.
#[derive(Clone, Copy, Debug)]
pub enum ValueType {
    /// On or off.
    Switch {
        /// What is done while it is on.
        on: &'static str,
    },
    /// One of these words.
    Choice(&'static [Offered]),
    /// The name of an agent's model.
    Model,
    /// When something happens again and again.
    Cadence,
    /// A whole number.
    Whole {
        /// What is counted.
        unit: &'static str,
        /// The smallest that is taken.
        least: u32,
        /// The largest that is taken.
        most: u32,
    },
    /// An amount of dollars.
    Dollars {
        /// The period that it is for, as in `a day (UTC)`; empty: for one run.
        period: &'static str,
        /// Whether 0 is taken and stands for no limit; otherwise an amount is above 0.
        unlimited: bool,
        /// The largest that is taken: a slip of the finger costs no more.
        most: u32,
    },
    /// Some words.
    Text {
        /// The shortest that is taken, in characters.
        least: usize,
        /// The longest that is taken, in characters.
        most: usize,
    },
}

/// A value that is offered for choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The value as people type it.
    pub word: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// What it stands for, where the word does not say it.
    pub meaning: &'static str,
}

/// What else changes with a setting, in the same transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// Nothing.
    Nothing,
    /// The schedule by which scans run by themselves.
    ScanSchedule,
    /// Jobs that a budget has put off are looked at again.
    PutOffJobs,
}

/// The longest name of a model, in bytes.
const MAX_MODEL: usize = 200;

/// A value whose word says what it stands for.
pub(super) const fn offered(word: &'static str, label: &'static str) -> Offered {
    Offered { word, label, meaning: "" }
}

/// Models that are offered.
const MODELS: &[Offered] =
    &[offered("opus", "Opus"), offered("sonnet", "Sonnet"), offered("haiku", "Haiku")];
/// Cadences that are offered.
const CADENCES: &[Offered] = &[
    offered("15m", "15 min"),
    offered("30m", "30 min"),
    offered("1h", "1 h"),
    offered("6h", "6 h"),
    offered("24h", "24 h"),
];

impl Setting {
    /// Reads a value as people type it, and answers it as it is stored. A value out of range is refused, never replaced.
    ///
    /// # Errors
    /// `JOB-VALUE-001` with what it takes.
    pub fn parse(&self, text: &str) -> Result<Value> {
        let text = text.trim();
        self.values.read(text).map_err(|why| {
            let doing = format!("set {} to {text:?}: it takes {}", self.key, self.takes());
            let refused = Error::new(Code::ModelInvalid, doing);
            match why {
                Some(why) => refused.because(why),
                None => refused,
            }
        })
    }

    /// Its value among those that are stored; the default if nobody has set it, or if another hand made it unreadable.
    pub fn of(&self, stored: &BTreeMap<&'static str, Value>) -> Value {
        let stored = stored.get(self.key);
        let stored = stored.and_then(|value| self.values.read(&Self::text(value)).ok());
        stored.unwrap_or_else(|| self.default_value())
    }

    /// What it is while nobody has set it.
    pub fn default_value(&self) -> Value {
        self.values.read(self.default).unwrap_or_default()
    }

    /// The default as people read it.
    pub const fn default_words(&self) -> &'static str {
        if self.default.is_empty() { "none" } else { self.default }
    }

    /// What it takes, in words.
    pub fn takes(&self) -> String {
        self.values.in_words()
    }

    /// A stored value as people type it: whole dollars have no tenths.
    pub fn text(value: &Value) -> String {
        match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => {
                let text = number.to_string();
                text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
            }
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
        }
    }
}

impl SettingState {
    /// The value as people type it.
    pub fn text(&self) -> String {
        Setting::text(&self.value)
    }
}

impl SettingGroup {
    /// Whether its settings hand out power: what agents may do and spend, and what is written where others read it.
    pub const fn is_power(self) -> bool {
        match self {
            Self::Tracker | Self::Agents => true,
            Self::SelfMonitoring | Self::GoldenRepositories | Self::Retention => false,
        }
    }

    /// Every heading, in the order of pages and lists.
    pub const ALL: [Self; 5] = [
        Self::SelfMonitoring,
        Self::Tracker,
        Self::Agents,
        Self::GoldenRepositories,
        Self::Retention,
    ];

    /// The heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::SelfMonitoring => "Self-monitoring",
            Self::Tracker => "Issue tracker",
            Self::Agents => "Agents and budgets",
            Self::GoldenRepositories => "Repositories",
            Self::Retention => "Retention",
        }
    }

    /// The word that programs are told.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SelfMonitoring => "self_monitoring",
            Self::Tracker => "tracker",
            Self::Agents => "agent",
            Self::GoldenRepositories => "golden_repo",
            Self::Retention => "retention",
        }
    }
}

impl ValueType {
    /// Whether it is an amount at which a run is ended.
    pub const fn ends_a_run(self) -> bool {
        matches!(self, Self::Dollars { unlimited: false, .. })
    }

    /// The word that programs are told.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Switch { .. } => "switch",
            Self::Choice(_) => "choice",
            Self::Model => "model",
            Self::Cadence => "cadence",
            Self::Whole { .. } => "whole",
            Self::Dollars { .. } => "dollars",
            Self::Text { .. } => "text",
        }
    }

    /// The values that are offered for choice.
    pub const fn offered(self) -> &'static [Offered] {
        match self {
            Self::Choice(offered) => offered,
            Self::Model => MODELS,
            Self::Cadence => CADENCES,
            Self::Switch { .. } | Self::Whole { .. } | Self::Dollars { .. } | Self::Text { .. } => {
                &[]
            }
        }
    }

    /// What may be typed beside the offered values.
    pub const fn other(self) -> Option<&'static str> {
        match self {
            Self::Model => Some("A model's full name"),
            Self::Cadence => Some("Minutes, or crontab and zone: */15 8-18 * * 1-5 Europe/Berlin"),
            Self::Switch { .. }
            | Self::Choice(_)
            | Self::Whole { .. }
            | Self::Dollars { .. }
            | Self::Text { .. } => None,
        }
    }

    /// What a number counts.
    pub fn unit(self) -> Option<String> {
        match self {
            Self::Whole { unit, .. } => Some(unit.to_owned()),
            Self::Dollars { period: "", .. } => Some("dollars".to_owned()),
            Self::Dollars { period, .. } => Some(format!("dollars {period}")),
            Self::Switch { .. }
            | Self::Choice(_)
            | Self::Model
            | Self::Cadence
            | Self::Text { .. } => None,
        }
    }

    /// The smallest and the largest number that is taken.
    pub const fn range(self) -> Option<(u32, u32)> {
        match self {
            Self::Whole { least, most, .. } => Some((least, most)),
            Self::Dollars { most, .. } => Some((0, most)),
            Self::Switch { .. }
            | Self::Choice(_)
            | Self::Model
            | Self::Cadence
            | Self::Text { .. } => None,
        }
    }

    fn in_words(self) -> String {
        let words: Vec<_> = self.offered().iter().map(in_words).collect();
        let unit = self.unit().unwrap_or_default();
        match self {
            Self::Switch { .. } => "true or false".to_owned(),
            Self::Choice(_) => match words.split_last() {
                Some((last, [])) => last.clone(),
                Some((last, others)) => format!("{} or {last}", others.join(", ")),
                None => String::new(),
            },
            Self::Model => format!("a model: {} or a full name", words.join(", ")),
            Self::Cadence => {
                let words = words.join(", ");
                format!("{words}, minutes from 1 to 10080, or a crontab expression and a zone")
            }
            Self::Whole { least, most, .. } => format!("{unit} from {least} to {most}"),
            Self::Dollars { unlimited: true, most, .. } => {
                format!("{unit} up to {most}, 0 for no limit")
            }
            Self::Dollars { unlimited: false, most, .. } => format!("{unit} above 0, up to {most}"),
            Self::Text { least: 0, most } => format!("up to {most} characters, or nothing"),
            Self::Text { least, most } => format!("{least} to {most} characters"),
        }
    }

    /// Reads a value as people type it; an error says why it does not fit, where that is more than what is taken.
    fn read(self, text: &str) -> Result<Value, Option<Error>> {
        let taken = match self {
            Self::Switch { .. } => text.parse().ok().map(Value::Bool),
            Self::Choice(words) => {
                words.iter().any(|offered| offered.word == text).then(|| text.into())
            }
            Self::Model => is_model_name(text).then(|| text.into()),
            Self::Cadence => {
                let rule = recurring(text, Timestamp::default()).map_err(Some)?;
                Some(rule.to_text().into())
            }
            Self::Whole { least, most, .. } => {
                let number = text.parse::<u32>().ok();
                number.filter(|number| (least..=most).contains(number)).map(Value::from)
            }
            Self::Dollars { unlimited, most, .. } => {
                let usd = text.strip_prefix('$').unwrap_or(text).parse::<f64>().ok();
                let fits =
                    |usd: &f64| (0.0..=f64::from(most)).contains(usd) && (*usd > 0.0 || unlimited);
                usd.filter(fits).map(Value::from)
            }
            Self::Text { least, most } => {
                (least..=most).contains(&text.chars().count()).then(|| text.into())
            }
        };
        taken.ok_or(None)
    }
}

fn in_words(offered: &Offered) -> String {
    match offered {
        Offered { word, meaning: "", .. } => (*word).to_owned(),
        Offered { word, meaning, .. } => format!("{word} ({meaning})"),
    }
}

/// A rule that occurs again and again: minutes, an interval, or a crontab expression with the IANA name of its zone.
///
/// # Errors
/// `JOB-VALUE-001` for anything else.
pub(super) fn recurring(text: &str, anchor: Timestamp) -> Result<Rule> {
    match Rule::parse(text, anchor)? {
        rule @ (Rule::Cron { .. } | Rule::Every { .. }) => Ok(rule),
        Rule::Once(_) => {
            let why = format!("{text:?}: it is an instant, which does not come again");
            Err(Error::new(Code::ModelInvalid, why))
        }
    }
}

/// Whether a text can be the name of an agent's model: 1 to 200 letters, digits and `-._:/@[]`, the first one no dash.
pub fn is_model_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._:/@[]".contains(c);
    (1..=MAX_MODEL).contains(&text.len()) && !text.starts_with('-') && text.chars().all(fits)
}

/// Whether a model's name is one that the agent program surely knows: an offered one, also with a variant such as
/// `opus[1m]`, or a full name of such a model. Behind a gateway, others can work too.
pub fn is_known_model(name: &str) -> bool {
    let plain = name.split('[').next().unwrap_or_default();
    MODELS.iter().any(|offered| offered.word == plain)
        || ["default", "opusplan"].contains(&plain)
        || name.contains("claude")
        || name.starts_with("arn:")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taking(values: ValueType) -> Setting {
        let (group, consequence) = (SettingGroup::Agents, Consequence::Nothing);
        Setting { key: "a.b", group, label: "B", values, default: "", consequence }
    }

    #[test]
    fn each_type_says_what_it_takes_and_takes_no_more() {
        const WORDS: &[Offered] = &[
            Offered { word: "auto", label: "Automatic", meaning: "as it comes" },
            offered("never", "Never"),
        ];
        let dollars = |period, unlimited| ValueType::Dollars { period, unlimited, most: 1_000 };
        let table: &[(ValueType, &str, &[&str], &[&str])] = &[
            (
                ValueType::Switch { on: "" },
                "true or false",
                &["true", " false "],
                &["yes", "TRUE", "1", ""],
            ),
            (
                ValueType::Choice(WORDS),
                "auto (as it comes) or never",
                &["auto", "never"],
                &["Auto", ""],
            ),
            (
                ValueType::Model,
                "a model: opus, sonnet, haiku or a full name",
                &["opus", "claude-opus-4-5", "opus[1m]"],
                &["--help", "two words", ""],
            ),
            (
                ValueType::Whole { unit: "days", least: 1, most: 3_650 },
                "days from 1 to 3650",
                &["1", "3650"],
                &["0", "-1", "3651", "1.5", "", "\"7\"", "99999999999999999999"],
            ),
            (
                dollars("a day", true),
                "dollars a day up to 1000, 0 for no limit",
                &["0", "$12.50", "1000"],
                &["-1", "NaN", "inf", "1e9", "lots", ""],
            ),
            (
                dollars("", false),
                "dollars above 0, up to 1000",
                &["0.01", "1000"],
                &["0", "-0.0", "1000.01"],
            ),
            (
                ValueType::Text { least: 1, most: 3 },
                "1 to 3 characters",
                &["a", "äöü"],
                &["", "  ", "abcd"],
            ),
            (
                ValueType::Text { least: 0, most: 3 },
                "up to 3 characters, or nothing",
                &["", "äöü"],
                &["abcd"],
            ),
        ];
        for (values, takes, right, wrong) in table {
            let setting = taking(*values);
            assert_eq!(setting.takes(), *takes);
            for text in *right {
                assert!(setting.parse(text).is_ok(), "{takes}: {text:?}");
            }
            for text in *wrong {
                let refused = setting.parse(text).unwrap_err();
                assert_eq!(refused.code(), Code::ModelInvalid);
                let said = format!("Could not set a.b to {:?}: it takes {takes}.", text.trim());
                assert_eq!(refused.sentence(), said);
            }
        }
    }

    #[test]
    fn cadences_are_offered_ones_minutes_or_a_crontab_expression_with_its_zone() {
        let setting = taking(ValueType::Cadence);
        for (text, stored) in [
            ("60", "1h"),
            ("1", "1m"),
            ("10080", "168h"),
            (" 90 ", "90m"),
            ("*/15 8-18 * * 1-5 Europe/Berlin", "*/15 8-18 * * 1-5 Europe/Berlin"),
        ] {
            assert_eq!(setting.parse(text).unwrap(), stored, "{text}");
        }
        for Offered { word, .. } in CADENCES {
            assert_eq!(setting.parse(word).unwrap(), *word);
        }
        for (bad, why) in [
            ("0", "1 to 10080 (a week)"),
            ("10081", "1 to 10080 (a week)"),
            ("-5", "interval"),
            ("1.5", "interval"),
            ("hourly", "interval"),
            ("", "interval"),
            ("*/15 * * * *", "name the zone"),
            ("61 * * * * UTC", "minute"),
            ("2027-01-15T08:00:00Z", "does not come again"),
        ] {
            let said = setting.parse(bad).unwrap_err().sentence();
            assert!(said.contains("minutes from 1 to 10080") && said.contains(why), "{said}");
        }
    }

    #[test]
    fn values_are_shown_as_people_type_them_and_unreadable_ones_count_as_not_set() {
        for (value, text) in [
            (Value::from(2.0), "2"),
            (Value::from(12.5), "12.5"),
            (Value::from(40), "40"),
            (Value::from(true), "true"),
            (Value::from("15m"), "15m"),
        ] {
            assert_eq!(Setting::text(&value), text);
        }
        let whole = ValueType::Whole { unit: "turns", least: 1, most: 9 };
        let setting = Setting { default: "4", ..taking(whole) };
        for (stored, value) in [(Value::from("many"), 4), (Value::from(2), 2), (Value::Null, 4)] {
            assert_eq!(setting.of(&BTreeMap::from([("a.b", stored)])), value);
        }
        assert_eq!(setting.of(&BTreeMap::new()), 4);
    }

    #[test]
    fn models_that_the_agent_program_does_not_know_by_itself_are_told_apart() {
        for known in ["opus", "sonnet[1m]", "claude-haiku-4-5", "us.anthropic.claude-opus-4-1-v1:0"]
        {
            assert!(is_known_model(known), "{known}");
        }
        for other in ["gpt-4", "opu", "o3"] {
            assert!(is_model_name(other) && !is_known_model(other), "{other}");
        }
    }
}
