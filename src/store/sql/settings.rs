//! Rows of `job_settings`: what an operator changes while the server runs.

use crate::error::Result;
use crate::model::{Actor, Timestamp};
use crate::store::sqlite::row::text;
use rusqlite::{Connection, OptionalExtension, named_params};
use serde_json::Value;
use std::collections::BTreeMap;

/// A stored setting.
#[derive(Clone, Debug)]
pub(in crate::store) struct Setting {
    pub(in crate::store) value: Value,
    pub(in crate::store) updated_at: Timestamp,
    pub(in crate::store) updated_by: String,
}

/// A setting that somebody has set. A value that is not JSON any more counts as null.
pub(in crate::store) fn get(conn: &Connection, key: &str) -> Result<Option<Setting>> {
    const SQL: &str = "
        SELECT value, updated_at, updated_by
        FROM job_settings
        WHERE key = :key";
    let setting = conn.prepare_cached(SQL)?.query_row(named_params! {":key": key}, |row| {
        Ok(Setting {
            value: serde_json::from_str(&text(row, 0)?).unwrap_or_default(),
            updated_at: Timestamp::from_millis(row.get(1)?),
            updated_by: text(row, 2)?,
        })
    });
    Ok(setting.optional()?)
}

/// The settings of these keys that somebody has set.
pub(in crate::store) fn read(
    conn: &Connection,
    keys: &[&'static str],
) -> Result<BTreeMap<&'static str, Value>> {
    let mut values = BTreeMap::new();
    for key in keys {
        if let Some(setting) = get(conn, key)? {
            values.insert(*key, setting.value);
        }
    }
    Ok(values)
}

/// Sets it to this JSON.
pub(in crate::store) fn set(
    conn: &Connection,
    key: &str,
    value: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO job_settings (key, value, updated_at, updated_by)
        VALUES (:key, :value, :now, :by)
        ON CONFLICT (key) DO UPDATE SET
            value = excluded.value,
            updated_at = excluded.updated_at,
            updated_by = excluded.updated_by";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":key": key, ":value": value, ":now": now.millis(), ":by": actor.name,
    })?;
    Ok(())
}

/// Takes it back to its default.
pub(in crate::store) fn unset(conn: &Connection, key: &str) -> Result<()> {
    const SQL: &str = "
        DELETE FROM job_settings
        WHERE key = :key";
    conn.prepare_cached(SQL)?.execute(named_params! {":key": key})?;
    Ok(())
}
