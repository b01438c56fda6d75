//! Foreign keys of an application's tables that lead to jobs: SQLite refuses to remove a job that one of them names.

use crate::error::Result;
use rusqlite::Connection;

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
    let mut conditions = String::new();
    while let Some(key) = keys.next()? {
        let (table, column) = (quoted(key.get(0)?), quoted(key.get(1)?));
        conditions +=
            &format!(" AND NOT EXISTS (SELECT 1 FROM {table} r WHERE r.{column} = jobs.id)");
    }
    Ok(conditions)
}

/// A name of another program's as a statement takes it.
fn quoted(name: String) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
