//! Every setting of the server: what an operator changes while it runs, on a page or by `lamplighter settings`.

use super::cadence::{self, CADENCE, ENABLED};
use crate::error::Result;
use crate::model::{Actor, Setting, Timestamp};
use crate::store::Store;
use crate::{repositories, sessions};

/// Those of self-monitoring.
const OF_SCANS: &[Setting] = &[ENABLED, CADENCE];

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
