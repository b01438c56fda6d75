//! What the store can say of what waits for a person: schedules whose last runs failed, and what is put off.

use super::settings;
use crate::error::Result;
use crate::model::{Actor, ScheduleName, Status, Timestamp};
use crate::store::sqlite::row::{optional_text, text};
use rusqlite::{Connection, named_params};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is put off: a JSON object with the instant for each key.
const PUT_OFF: &str = "needs.put_off";
/// Past runs of a schedule that are looked at: a few may run still, and decisions without a job do not count.
const LOOKED_AT: usize = 12;

/// The schedules that are not paused and whose last `times` runs that ended have all failed, each with the newest error.
pub(in crate::store) fn failing(
    conn: &Connection,
    times: usize,
) -> Result<Vec<(ScheduleName, Option<String>)>> {
    const SCHEDULES: &str =
        "SELECT id, name FROM job_schedules WHERE paused_at IS NULL ORDER BY name";
    const RUNS: &str = "
        SELECT j.status, j.error
        FROM (SELECT job_id
              FROM job_decisions
              WHERE schedule_id = :id
              ORDER BY occurrence_at DESC
              LIMIT :looked_at) d
        JOIN jobs j ON j.id = d.job_id
        WHERE j.finished_at IS NOT NULL
        ORDER BY j.id DESC
        LIMIT :times";
    let mut schedules = conn.prepare_cached(SCHEDULES)?;
    let mut runs = conn.prepare_cached(RUNS)?;
    let names = schedules.query_map([], |row| Ok((row.get::<_, i64>(0)?, text(row, 1)?)))?;
    let mut failing = Vec::new();
    for named in names {
        let (id, name) = named?;
        let params = named_params! {
            ":id": id, ":looked_at": LOOKED_AT as i64, ":times": times as i64,
        };
        let ends = runs.query_map(params, |row| Ok((text(row, 0)?, optional_text(row, 1)?)))?;
        let ends = ends.collect::<rusqlite::Result<Vec<_>>>()?;
        let all_failed = ends.iter().all(|(status, _)| status == Status::Failed.as_str());
        if ends.len() == times
            && all_failed
            && let Ok(name) = ScheduleName::parse(&name)
        {
            failing.push((name, ends.into_iter().next().and_then(|(_, error)| error)));
        }
    }
    Ok(failing)
}

/// What is put off, each with the instant until which it is. What is over is left out.
pub(in crate::store) fn put_off(
    conn: &Connection,
    now: Timestamp,
) -> Result<BTreeMap<String, Timestamp>> {
    let stored = settings::get(conn, PUT_OFF)?.map(|setting| setting.value).unwrap_or_default();
    let Value::Object(stored) = stored else { return Ok(BTreeMap::new()) };
    let until = |value: &Value| value.as_i64().map(Timestamp::from_millis);
    let all = stored.into_iter().filter_map(|(key, value)| Some((key, until(&value)?)));
    Ok(all.filter(|(_, until)| *until > now).collect())
}

/// Stores what is put off.
pub(in crate::store) fn set_put_off(
    conn: &Connection,
    put_off: &BTreeMap<String, Timestamp>,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let millis: BTreeMap<_, _> = put_off.iter().map(|(key, until)| (key, until.millis())).collect();
    settings::set(conn, PUT_OFF, &serde_json::json!(millis).to_string(), actor, now)
}
