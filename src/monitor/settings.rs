//! Every setting of the server: what an operator changes while it runs, on a page or by `lamplighter settings`.

use super::cadence::{self, CADENCE, ENABLED};
use crate::agents::claude::Model;
use crate::error::Result;
use crate::model::{Actor, Setting, Timestamp};
use crate::sessions::{AgentState, Agents};
use crate::store::Store;
use crate::{repositories, sessions};

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

/// Those of golden repositories.
const OF_REPOSITORIES: &[Setting] = &[repositories::MODEL];

/// Every setting there is.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    OF_SCANS.iter().chain(sessions::SETTINGS).chain(OF_REPOSITORIES)
}

/// The setting of this name.
pub fn named(key: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.key == key)
}

/// Every setting with its value as people type it.
pub async fn values(store: &Store) -> Result<Vec<(&'static Setting, String)>> {
    let keys: Vec<&'static str> = all().map(|setting| setting.key).collect();
    let stored = store.settings(keys).await?;
    let text = |setting: &Setting| {
        stored.get(setting.key).map_or_else(|| setting.default.to_owned(), Setting::text)
    };
    Ok(all().map(|setting| (setting, text(setting))).collect())
}

/// Sets a setting, or takes it back to its default (`None`). A running server follows at once.
///
/// # Errors
/// `JOB-VALUE-001` for a value that the setting does not take; nothing is changed then.
pub async fn set(
    store: &Store,
    setting: &'static Setting,
    text: Option<&str>,
    actor: Actor,
    now: Timestamp,
) -> Result<()> {
    if [ENABLED.key, CADENCE.key].contains(&setting.key) {
        return cadence::set(store, setting, text, actor, now).await;
    }
    let value = text.map(|text| setting.parse(text)).transpose()?;
    store.set_setting(setting.key, value, actor, now).await
}

/// Whether the agent examines the rows of scans, as things are now.
pub async fn scans_by_agent(agents: &Agents) -> Result<bool> {
    let set = agents.store.settings([ANALYZER.key]).await?;
    let choice = set.get(ANALYZER.key).and_then(|value| value.as_str());
    Ok(match choice.unwrap_or(ANALYZER.default) {
        "agent" => true,
        "builtin" => false,
        _ => matches!(agents.program.state().await, AgentState::Ready { .. }),
    })
}
