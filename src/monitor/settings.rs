//! Every setting of the server: what an operator changes while it runs, on a page or by `lamplighter settings`.

use super::cadence::{self, CADENCE, ENABLED};
use super::readiness::may_scan;
use super::tracking;
use crate::agents::claude::Model;
use crate::error::Result;
use crate::model::{Actor, Setting, Timestamp};
use crate::sessions::{AgentState, Agents};
use crate::store::Store;
use crate::{repositories, sessions};
use serde_json::Value;
use std::time::Duration;

/// Those of self-monitoring.
const OF_SCANS: &[Setting] = &[ENABLED, CADENCE, ANALYZER, SCAN_MODEL, SCAN_BUDGET];

/// Who examines the rows of a scan.
pub const ANALYZER: Setting = Setting {
    key: "self_monitoring.analyzer",
    default: "auto",
    takes: "auto (the agent if its program is there, else the built-in one), agent or builtin",
    read: |text| ["auto", "agent", "builtin"].contains(&text).then(|| text.into()),
};

/// The model of scans.
pub const SCAN_MODEL: Setting = Setting {
    key: "self_monitoring.model",
    default: "opus",
    takes: "a model: opus, sonnet, haiku or a full name",
    read: |text| Model::parse(text).ok().map(|model| model.as_str().into()),
};

/// What a scan may cost.
pub const SCAN_BUDGET: Setting = Setting {
    key: "self_monitoring.budget_usd",
    default: "2",
    takes: "dollars above 0 that a scan may cost, up to 1000",
    read: |text| {
        let usd: f64 = text.parse().ok()?;
        (usd > 0.0 && usd <= 1_000.0).then(|| usd.into())
    },
};

/// How many days log rows are kept.
pub const LOGS_DAYS: Setting = Setting {
    key: "retention.logs_days",
    default: "7",
    takes: "days from 1 to 3650",
    read: |text| {
        text.parse::<u64>().ok().filter(|days| (1..=3_650).contains(days)).map(Value::from)
    },
};

/// How long what is over is kept: log rows, and jobs with all that belongs to them.
const OF_RETENTION: &[Setting] = &[
    LOGS_DAYS,
    Setting { key: "retention.self_monitoring_days", default: "365", ..LOGS_DAYS },
    Setting { key: "retention.golden_repo_days", default: "365", ..LOGS_DAYS },
    Setting { key: "retention.agent_session_days", default: "90", ..LOGS_DAYS },
    Setting { key: "retention.jobs_days", default: "30", ..LOGS_DAYS },
];

/// Those of golden repositories.
const OF_REPOSITORIES: &[Setting] = &[repositories::MODEL];

/// Every setting there is.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    OF_SCANS
        .iter()
        .chain(tracking::SETTINGS)
        .chain(sessions::SETTINGS)
        .chain(OF_REPOSITORIES)
        .chain(OF_RETENTION)
}

/// The setting of this name.
pub fn named(key: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.key == key)
}

/// Every setting with its value as people type it.
pub async fn values(store: &Store) -> Result<Vec<(&'static Setting, String)>> {
    let keys: Vec<&'static str> = all().map(|setting| setting.key).collect();
    let stored = store.settings(keys).await?;
    Ok(all().map(|setting| (setting, Setting::text(&setting.of(&stored)))).collect())
}

/// Reads a value as [`set`] does.
///
/// # Errors
/// `JOB-VALUE-001` with what the setting takes.
pub fn read(setting: &Setting, text: &str, now: Timestamp) -> Result<Value> {
    if setting.key == CADENCE.key {
        cadence::check(text, now)?;
    }
    setting.parse(text)
}

/// Sets a setting, or takes it back to its default (`None`). A running server follows at once.
///
/// # Errors
/// `JOB-VALUE-001` for a value that the setting does not take, and as [`may_scan`] for scans that are to run by themselves
/// while the running server says that it cannot take what they find to the tracker; nothing is changed then.
pub async fn set(
    store: &Store,
    setting: &'static Setting,
    text: Option<&str>,
    actor: Actor,
    now: Timestamp,
) -> Result<()> {
    let value = text.map(|text| setting.parse(text)).transpose()?;
    if setting.key == ENABLED.key && value == Some(true.into()) {
        may_scan(store.server_facts(now).await?.as_ref())?;
    }
    if [ENABLED.key, CADENCE.key].contains(&setting.key) {
        return cadence::set(store, setting, text, actor, now).await;
    }
    store.set_setting(setting.key, value, actor, now).await
}

/// Whether the agent examines the rows of scans, as things are now.
pub async fn scans_by_agent(agents: &Agents) -> Result<bool> {
    let set = agents.store.settings([ANALYZER.key]).await?;
    Ok(match ANALYZER.of(&set).as_str() {
        Some("agent") => true,
        Some("builtin") => false,
        _ => matches!(agents.program.state().await, AgentState::Ready { .. }),
    })
}

/// How long log rows are kept.
///
/// # Errors
/// `JOB-VALUE-001` if another hand has stored what the setting does not take: nothing may be removed then.
pub async fn logs_kept(store: &Store) -> Result<Duration> {
    let days = match store.settings([LOGS_DAYS.key]).await?.get(LOGS_DAYS.key) {
        Some(stored) => LOGS_DAYS.parse(&Setting::text(stored))?,
        None => LOGS_DAYS.parse(LOGS_DAYS.default)?,
    };
    Ok(Duration::from_hours(24 * days.as_u64().unwrap_or(u64::from(u32::MAX))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Kind, KindRules, Retention};

    #[test]
    fn every_setting_has_a_name_of_its_own_and_takes_its_default() {
        let mut names: Vec<_> = all().map(|setting| setting.key).collect();
        assert!(all().all(|setting| setting.parse(setting.default).is_ok()));
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn logs_are_kept_for_whole_days_up_to_ten_years() {
        for bad in ["0", "-1", "3651", "1.5", "", "\"7\"", "seven"] {
            let refused = LOGS_DAYS.parse(bad).unwrap_err();
            assert!(refused.to_string().contains("1 to 3650"), "{bad:?}: {refused}");
        }
        assert_eq!(LOGS_DAYS.parse(" 30 ").unwrap(), 30);
    }

    #[test]
    fn a_kinds_retention_is_told_as_its_rules_have_it() {
        let of_kind = [crate::monitor::rules(), sessions::rules(), repositories::rules()];
        let of_kind = of_kind.map(|rules| (format!("retention.{}_days", rules.kind), rules));
        let others = KindRules::new(Kind::parse("any").unwrap());
        for (key, rules) in of_kind.into_iter().chain([("retention.jobs_days".to_owned(), others)])
        {
            let days: u64 = named(&key).unwrap().default.parse().unwrap();
            assert_eq!(rules.retention, Retention::all(Duration::from_hours(24 * days)), "{key}");
        }
    }
}
