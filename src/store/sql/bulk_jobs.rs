//! The jobs of an act on many jobs: those that it changed, and the new ones if it ran jobs again. The audit log names the changed ones.

use crate::error::Result;
use crate::store::sqlite::dialect;
use rusqlite::{Connection, named_params};

/// The newest rows of the audit log that are looked through for the slices of an act.
const NEWEST: i64 = 100_000;

/// A query for the ids of the jobs of these acts. `of` is a parameter with a JSON list of the ids of the acts' own jobs.
pub(super) fn query(of: &str) -> String {
    let acts = dialect::members(of);
    let slices = format!(
        "({acts}) w CROSS JOIN {}",
        dialect::unfolded(&dialect::by_id("job_audit a"), "a.after")
    );
    // A slice's subject is `100 jobs, for job 7`; its row names the jobs as they were before.
    let is_of = format!(
        "a.id > (SELECT coalesce(max(id), 0) FROM job_audit) - {NEWEST}
         AND a.subject LIKE '% jobs, for job ' || w.value"
    );
    format!(
        "SELECT d.value
         FROM {slices}
         WHERE a.action IN ('bulk cancel', 'bulk run_now', 'bulk set_priority') AND {is_of}
         UNION ALL
         SELECT r.id
         FROM {slices} CROSS JOIN {}
         WHERE a.action = 'bulk retry' AND {is_of}
           AND r.trigger = 'retry' AND r.parent_id = d.value AND r.id > w.value
           AND r.correlation_id IS NOT DISTINCT FROM (SELECT correlation_id FROM jobs WHERE id = w.value)",
        dialect::by_index("jobs r", "jobs_retries"),
    )
}

/// The lowest and the highest id of the jobs of these acts; `None` if there are none.
pub(super) fn ids_of(conn: &Connection, acts: &[i64]) -> Result<Option<(i64, i64)>> {
    let sql = format!("SELECT min(value), max(value) FROM ({})", query(":of"));
    let params = named_params! {":of": serde_json::json!(acts).to_string()};
    let ends = |row: &rusqlite::Row<'_>| Ok(row.get::<_, Option<i64>>(0)?.zip(row.get(1)?));
    Ok(conn.prepare_cached(&sql)?.query_row(params, ends)?)
}
