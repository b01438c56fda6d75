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

use super::name::{Kind, ScheduleName};
use super::schedule::{Plan, ReservedSchedule};
use super::setting::{Setting, recurring};
use super::settings::{CADENCE, ENABLED};
use super::time::Timestamp;
use crate::error::{Code, Error, Result};
use serde_json::Value;
use std::collections::BTreeMap;

/// Both settings.
pub const SCAN_SCHEDULE: &[&str] = &[ENABLED.key, CADENCE.key];

/// The schedule that the stored values of [`SCAN_SCHEDULE`] stand for. A cadence that cannot be read keeps nobody from
/// switching it off.
///
/// # Errors
/// `JOB-VALUE-001` for a value of another hand that the settings do not take.
pub fn scan_schedule(
    values: &BTreeMap<&'static str, Value>,
    now: Timestamp,
) -> Result<ReservedSchedule> {
    let name = ScheduleName::SELF_MONITORING;
    match values.get(ENABLED.key) {
        Some(Value::Bool(true)) => {}
        Some(Value::Bool(false)) | None => return Ok(ReservedSchedule { name, plan: None }),
        Some(other) => return Err(refused(&ENABLED, &other.to_string())),
    }
    let text = match values.get(CADENCE.key) {
        Some(value @ (Value::String(_) | Value::Number(_))) => Setting::text(value),
        Some(other) => return Err(refused(&CADENCE, &other.to_string())),
        None => CADENCE.default.to_owned(),
    };
    let rule = recurring(&text, now).map_err(|_| refused(&CADENCE, &format!("{text:?}")))?;
    Ok(ReservedSchedule { name, plan: Some(Plan::new(rule, Kind::SELF_MONITORING)) })
}

fn refused(setting: &Setting, value: &str) -> Error {
    let (key, takes) = (setting.key, setting.takes());
    Error::new(Code::ModelInvalid, format!("{key} is {value}, and takes {takes}"))
}

#[cfg(test)]
mod tests {
    use super::super::schedule::Rule;
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn of(enabled: impl Into<Value>, cadence: impl Into<Value>) -> Result<ReservedSchedule> {
        scan_schedule(
            &BTreeMap::from([(ENABLED.key, enabled.into()), (CADENCE.key, cadence.into())]),
            NOW,
        )
    }

    #[test]
    fn nothing_runs_by_itself_until_it_is_switched_on() {
        assert_eq!(scan_schedule(&BTreeMap::new(), NOW).unwrap().plan, None);
        assert_eq!(of(false, "no cadence").unwrap().plan, None);
        let plan = of(true, "15m").unwrap().plan.unwrap();
        assert_eq!(plan, Plan::new(Rule::every(15, NOW).unwrap(), Kind::SELF_MONITORING));
        assert_eq!(of(true, 15).unwrap().plan.unwrap(), plan);
        let default = scan_schedule(&BTreeMap::from([(ENABLED.key, true.into())]), NOW).unwrap();
        assert_eq!(default.plan.unwrap().rule, Rule::every(60, NOW).unwrap());
    }

    #[test]
    fn stored_values_of_another_hand_are_refused_too() {
        assert!(of("yes", "1h").is_err());
        assert!(of(true, "no cadence").is_err());
        assert!(of(true, Value::Null).is_err());
    }
}
