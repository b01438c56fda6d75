//! Settings: each change has its row in the audit log with what was set before, and what else changes follows.

use super::{budget, schedules};
use crate::error::Result;
use crate::model::settings::named;
use crate::model::{Actor, Consequence, SCAN_SCHEDULE, Timestamp, scan_schedule};
use crate::store::sql::{audit, settings};
use crate::store::sqlite::Tx;
use serde_json::Value;

/// Sets settings, or takes them back to their defaults (`None`), and does what else changes with them.
///
/// # Errors
/// `JOB-VALUE-001` if the settings of scans stand for no schedule.
pub(in crate::store) fn change(
    tx: &Tx<'_>,
    changes: &[(&'static str, Option<Value>)],
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    for (key, value) in changes {
        match value {
            Some(value) => set(tx, key, value, actor, now)?,
            // Whether it was set makes no difference.
            None => drop(unset(tx, key, actor, now)?),
        }
    }
    let known = changes.iter().filter_map(|(key, _)| named(key));
    let consequences: Vec<_> = known.map(|setting| setting.consequence).collect();
    if consequences.contains(&Consequence::PutOffJobs) {
        budget::lift(tx, actor, now)?;
    }
    if consequences.contains(&Consequence::ScanSchedule) {
        let set = settings::read(tx, SCAN_SCHEDULE)?;
        schedules::follow(tx, scan_schedule(&set, now)?, actor, now)?;
    }
    Ok(())
}

/// Sets it, with its row in the audit log.
pub(in crate::store) fn set(
    tx: &Tx<'_>,
    key: &str,
    value: &Value,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let before = settings::get(tx, key)?.map(|setting| setting.value.to_string());
    let after = value.to_string();
    settings::set(tx, key, &after, actor, now)?;
    audit::record_change(tx, actor, "set", key, (before.as_deref(), Some(&after)), now)
}

/// Takes it back to its default; answers whether it was set.
pub(in crate::store) fn unset(
    tx: &Tx<'_>,
    key: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool> {
    let Some(before) = settings::get(tx, key)? else { return Ok(false) };
    settings::unset(tx, key)?;
    let before = before.value.to_string();
    audit::record_change(tx, actor, "unset", key, (Some(&before), None), now)?;
    Ok(true)
}
