//! Exact counts of jobs per status, kind and queue: reading them, and a recount of the rows themselves.

use super::settings;
use crate::error::Result;
use crate::model::{JobCount, Queue};
use crate::store::sqlite::Tx;
use crate::store::sqlite::row::{self, word};
use rusqlite::{Connection, named_params};
use std::collections::HashMap;

/// The setting that counts the corrections, so that of two recounts at a time one corrects.
const CORRECTIONS: &str = "engine.recounts";

/// The counts.
pub(in crate::store) fn all(conn: &Connection) -> Result<Vec<JobCount>> {
    const SQL: &str = "
        SELECT status, kind, queue, count
        FROM job_counts
        WHERE count <> 0";
    list(conn, SQL)
}

/// What a recount found.
pub(in crate::store) struct Recount {
    /// By how much the counts are short of the rows themselves, where they differ.
    pub(in crate::store) missing: Vec<JobCount>,
    /// How many corrections there were before.
    corrections: i64,
}

/// Counts the rows themselves. Reads all of `jobs`.
pub(in crate::store) fn recount(conn: &Connection) -> Result<Recount> {
    const SQL: &str = "
        SELECT status, kind, coalesce(queue, ''), count(*)
        FROM jobs
        WHERE counted = 1
        GROUP BY status, kind, coalesce(queue, '')";
    let (counted, actual) = (all(conn)?, list(conn, SQL)?);
    let key = |count: &JobCount| (count.status, count.kind.clone(), count.queue.clone());
    let mut short: HashMap<_, i64> = HashMap::new();
    for count in &actual {
        *short.entry(key(count)).or_default() += count.count;
    }
    for count in &counted {
        *short.entry(key(count)).or_default() -= count.count;
    }
    let short = short.into_iter().filter(|(_, by)| *by != 0);
    let missing =
        short.map(|((status, kind, queue), count)| JobCount { status, kind, queue, count });
    Ok(Recount { missing: missing.collect(), corrections: corrections(conn)? })
}

/// Adds what a recount found missing. The counts and the rows were read on one snapshot, so that what changed since
/// stays right; if somebody else has corrected them since, nothing is done.
pub(in crate::store) fn correct(tx: &Tx<'_>, recount: &Recount) -> Result<()> {
    const SQL: &str = "
        INSERT INTO job_settings (key, value, updated_at, updated_by)
        VALUES (:key, :value, 0, 'engine')
        ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    if corrections(tx)? == recount.corrections {
        for job in &recount.missing {
            tx.add(job.status, &job.kind, job.queue.as_ref(), job.count);
        }
        let params =
            named_params! {":key": CORRECTIONS, ":value": (recount.corrections + 1).to_string()};
        tx.prepare_cached(SQL)?.execute(params)?;
    }
    Ok(())
}

fn corrections(conn: &Connection) -> Result<i64> {
    let setting = settings::get(conn, CORRECTIONS)?;
    Ok(setting.and_then(|setting| setting.value.as_i64()).unwrap_or(0))
}

fn list(conn: &Connection, sql: &str) -> Result<Vec<JobCount>> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        let queue: String = row.get(2)?;
        Ok(JobCount {
            status: word(row, 0)?,
            kind: row::kind(row, 1)?,
            queue: Queue::parse(queue).ok(),
            count: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
