//! Foreign keys of an application's tables that lead to jobs: SQLite refuses to remove a job that one of them names.

use crate::error::Result;
#[cfg(feature = "web")]
use crate::model::JobId;
use rusqlite::Connection;
#[cfg(feature = "web")]
use rusqlite::named_params;

/// What a statement adds to its conditions so that it passes over the rows of `jobs` whose removal a foreign key refuses, at
/// once or at the commit.
pub(super) fn none_leads_here(conn: &Connection) -> Result<String> {
    const SQL: &str = "
        SELECT m.name, k.\"from\"
        FROM sqlite_schema m
        JOIN pragma_foreign_key_list(m.name) k
        WHERE m.type = 'table' AND lower(k.\"table\") = 'jobs' AND lower(coalesce(k.\"to\", 'id')) = 'id'
          AND k.on_delete <> 'CASCADE' AND k.on_delete <> 'SET NULL'
        ORDER BY m.name, k.\"from\"";
    let mut statement = conn.prepare_cached(SQL)?;
    let mut keys = statement.query([])?;
    let mut conditions = Vec::new();
    while let Some(key) = keys.next()? {
        let (table, column) = (key.get::<_, String>(0)?, key.get::<_, String>(1)?);
        let (table, column) = (quoted(&table), quoted(&column));
        conditions
            .push(format!(" AND NOT EXISTS (SELECT 1 FROM {table} r WHERE r.{column} = jobs.id)"));
    }
    Ok(conditions.concat())
}

#[cfg(feature = "web")]
/// Whether a foreign key leads to this job, so that it cannot be removed.
pub(in crate::store) fn one_leads_to(conn: &Connection, id: JobId) -> Result<bool> {
    let none_leads_here = none_leads_here(conn)?;
    if none_leads_here.is_empty() {
        return Ok(false);
    }
    let sql = format!("SELECT NOT EXISTS (SELECT 1 FROM jobs WHERE id = :id {none_leads_here})");
    Ok(conn.prepare_cached(&sql)?.query_row(named_params! {":id": id.0}, |row| row.get(0))?)
}

/// A name of another program's as a statement takes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
