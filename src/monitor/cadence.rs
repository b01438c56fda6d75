//! The cadence of scans: two settings, which one reserved schedule follows.
//!
//! | Key | Value | Default |
//! |---|---|---|
//! | `self_monitoring.enabled` | `true` or `false` | `false` |
//! | `self_monitoring.cadence` | see [`CADENCE`] | `1h` |
//!
//! The first time they are switched on, scans of an interval begin at once. Another interval goes on from the last
//! occurrence. After a restart, and after having been switched off, an overdue scan runs once and one that is not due
//! waits. Run Now needs none of this and shifts nothing.

use crate::error::{Code, Error, Result};
use crate::model::{Actor, Kind, Plan, ReservedSchedule, Rule, ScheduleName, Setting, Timestamp};
use crate::store::Store;
use serde_json::Value;
use std::collections::BTreeMap;

/// Cadences that a page offers.
pub const PRESETS: [&str; 5] = ["15m", "30m", "1h", "6h", "24h"];
/// Both settings, as the store reads them.
const KEYS: &[&str] = &[ENABLED.key, CADENCE.key];

/// Whether scans run by themselves. Run Now works either way.
pub const ENABLED: Setting = Setting {
    key: "self_monitoring.enabled",
    default: "false",
    takes: "true or false",
    read: |text| text.parse().ok().map(Value::Bool),
};

/// When they do. One of [`PRESETS`], or a number of minutes from 1 to 10,080 (`90`), of hours (`2h`), or a crontab
/// expression with the IANA name of its zone (`*/15 8-18 * * 1-5 Europe/Berlin`).
pub const CADENCE: Setting = Setting {
    key: "self_monitoring.cadence",
    default: "1h",
    takes: "15m, 30m, 1h, 6h, 24h, minutes from 1 to 10080, or a crontab expression and a zone",
    read: |text| rule(text, Timestamp::default()).ok().map(|rule| rule.to_text().into()),
};

/// Sets a setting, or takes it back to its default (`None`), and the schedule with it, in one transaction. A running
/// server follows at once.
///
/// # Errors
/// `JOB-VALUE-001` for a value that the setting does not take; nothing is changed then.
pub async fn set(
    store: &Store,
    setting: &Setting,
    text: Option<&str>,
    actor: Actor,
    now: Timestamp,
) -> Result<()> {
    if let Some(text) = text.filter(|_| setting.key == CADENCE.key) {
        check(text, now)?;
    }
    let value = text.map(|text| setting.parse(text)).transpose()?;
    let reserved = move |values: &BTreeMap<&'static str, Value>| reserved(values, now);
    store.change_settings((setting.key, value), KEYS, reserved, actor, now).await
}

/// Says what is wrong with a cadence.
pub(super) fn check(text: &str, now: Timestamp) -> Result<()> {
    rule(text.trim(), now).map(|_| ())
}

/// The schedule that the settings stand for. A cadence that cannot be read keeps nobody from switching it off.
fn reserved(values: &BTreeMap<&'static str, Value>, now: Timestamp) -> Result<ReservedSchedule> {
    let name = ScheduleName::SELF_MONITORING;
    match values.get(ENABLED.key) {
        Some(Value::Bool(true)) => {}
        Some(Value::Bool(false)) | None => return Ok(ReservedSchedule { name, plan: None }),
        Some(other) => return Err(refused(&ENABLED, &other.to_string())),
    }
    let rule = match values.get(CADENCE.key) {
        Some(Value::String(text)) => rule(text, now)?,
        Some(Value::Number(minutes)) => rule(&minutes.to_string(), now)?,
        Some(other) => return Err(refused(&CADENCE, &other.to_string())),
        None => rule(CADENCE.default, now)?,
    };
    Ok(ReservedSchedule { name, plan: Some(Plan::new(rule, Kind::SELF_MONITORING)) })
}

/// A cadence: a rule that occurs again and again.
fn rule(text: &str, anchor: Timestamp) -> Result<Rule> {
    let rule = Rule::parse(text, anchor)
        .map_err(|why| refused(&CADENCE, &format!("{text:?}")).because(why))?;
    match rule {
        Rule::Cron { .. } | Rule::Every { .. } => Ok(rule),
        Rule::Once(_) => Err(refused(&CADENCE, &format!("{text:?}"))),
    }
}

fn refused(setting: &Setting, value: &str) -> Error {
    let Setting { key, takes, .. } = setting;
    Error::new(Code::ModelInvalid, format!("set {key} to {value}: it takes {takes}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn of(enabled: impl Into<Value>, cadence: impl Into<Value>) -> Result<ReservedSchedule> {
        reserved(
            &BTreeMap::from([(ENABLED.key, enabled.into()), (CADENCE.key, cadence.into())]),
            NOW,
        )
    }

    #[test]
    fn cadences_are_presets_minutes_or_a_crontab_expression_with_its_zone() {
        for (text, stored) in [
            ("15m", "15m"),
            ("24h", "24h"),
            ("60", "1h"),
            ("1", "1m"),
            ("10080", "168h"),
            (" 90 ", "90m"),
            ("*/15 8-18 * * 1-5 Europe/Berlin", "*/15 8-18 * * 1-5 Europe/Berlin"),
        ] {
            assert_eq!(CADENCE.parse(text).unwrap(), stored, "{text}");
        }
        for preset in PRESETS {
            assert_eq!(CADENCE.parse(preset).unwrap(), preset);
        }
    }

    #[test]
    fn values_out_of_range_are_refused_with_what_is_allowed() {
        for bad in ["0", "10081", "-5", "1.5", "hourly", "", "*/15 * * * *", "2027-01-15T08:00:00Z"]
        {
            let refused = CADENCE.parse(bad).unwrap_err();
            assert_eq!(refused.code(), Code::ModelInvalid, "{bad:?}");
            assert!(refused.to_string().contains("1 to 10080"), "{bad:?}: {refused}");
        }
        for bad in ["yes", "TRUE", "1", ""] {
            assert!(ENABLED.parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn nothing_runs_by_itself_until_it_is_switched_on() {
        assert_eq!(reserved(&BTreeMap::new(), NOW).unwrap().plan, None);
        assert_eq!(of(false, "no cadence").unwrap().plan, None);
        let plan = of(true, "15m").unwrap().plan.unwrap();
        assert_eq!(plan, Plan::new(Rule::every(15, NOW).unwrap(), Kind::SELF_MONITORING));
        assert_eq!(of(true, 15).unwrap().plan.unwrap(), plan);
        let default = reserved(&BTreeMap::from([(ENABLED.key, true.into())]), NOW).unwrap();
        assert_eq!(default.plan.unwrap().rule, Rule::every(60, NOW).unwrap());
    }

    #[test]
    fn stored_values_of_another_hand_are_refused_too() {
        assert!(of("yes", "1h").is_err());
        assert!(of(true, "no cadence").is_err());
        assert!(of(true, Value::Null).is_err());
    }
}
