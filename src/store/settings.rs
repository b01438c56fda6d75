//! Settings: what an operator changes while the server runs.

use super::Store;
use super::core;
use super::sql;
use super::sqlite::Tx;
use crate::error::Result;
use crate::model::settings;
use crate::model::{Actor, Setting, SettingState, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;

impl Store {
    /// The settings of these keys that somebody has set.
    pub async fn settings(
        &self,
        keys: impl AsRef<[&'static str]> + Send + 'static,
    ) -> Result<BTreeMap<&'static str, Value>> {
        let read = move |c: &_| sql::settings::read(c, keys.as_ref());
        self.db.read("read settings", read).await
    }

    /// Every setting as it is now, in the order of pages and lists.
    pub async fn all_settings(&self) -> Result<Vec<SettingState>> {
        let set = self.settings(settings::keys()).await?;
        let state = |setting: &'static Setting| {
            let is_set = set.contains_key(setting.key);
            SettingState { setting, value: setting.of(&set), is_set }
        };
        Ok(settings::ALL.iter().map(state).collect())
    }

    /// Sets settings, or takes them back to their defaults (`None`), and does what else changes with them: all in one
    /// transaction, so that all of them hold or none does.
    ///
    /// The schedule of scans follows. Switched off, it stays as a paused one, with its history. Switched on again under the
    /// same rule it goes on as after a restart: overdue, it runs once, else it waits. Under another budget, jobs that one has
    /// put off are looked at again.
    ///
    /// # Errors
    /// `JOB-VALUE-001` if the settings of scans stand for no schedule; nothing is changed then.
    pub async fn change_settings(
        &self,
        changes: Vec<(&'static str, Option<Value>)>,
        actor: Actor,
        now: Timestamp,
    ) -> Result<()> {
        let change = move |tx: &Tx<'_>, now| core::settings::change(tx, &changes, &actor, now);
        self.db.rule("change settings", now, change).await
    }
}
