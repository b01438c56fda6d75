//! Rows of `job_views`: the queries that people keep.

use crate::error::Result;
use crate::model::{ListPage, SavedView, Timestamp};
use crate::store::sqlite::row::{self, text};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

const COLUMNS: &str = "id, page, name, query";

fn from_row(row: &Row<'_>) -> rusqlite::Result<SavedView> {
    Ok(SavedView {
        id: row.get(0)?,
        page: row::word(row, 1)?,
        name: text(row, 2)?,
        query: text(row, 3)?,
    })
}

/// The views of a person for a list, by name.
pub(in crate::store) fn of(
    conn: &Connection,
    owner: &str,
    page: ListPage,
) -> Result<Vec<SavedView>> {
    let sql = format!(
        "SELECT {COLUMNS}
         FROM job_views
         WHERE owner = :owner AND page = :page
         ORDER BY name"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {":owner": owner, ":page": page.as_str()};
    let views = statement.query_map(params, from_row)?;
    Ok(views.collect::<rusqlite::Result<_>>()?)
}

/// Keeps a query under a name, in place of the one that had the name.
pub(in crate::store) fn save(
    conn: &Connection,
    owner: &str,
    (page, name, query): (ListPage, &str, &str),
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO job_views (owner, page, name, query, created_at)
        VALUES (:owner, :page, :name, :query, :now)
        ON CONFLICT (owner, page, name) DO UPDATE SET query = excluded.query";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":owner": owner,
        ":page": page.as_str(),
        ":name": name,
        ":query": query,
        ":now": now.millis(),
    })?;
    Ok(())
}

/// Removes a view of this person; answers what it was.
pub(in crate::store) fn remove(
    conn: &Connection,
    owner: &str,
    id: i64,
) -> Result<Option<SavedView>> {
    let sql =
        format!("DELETE FROM job_views WHERE id = :id AND owner = :owner RETURNING {COLUMNS}");
    let mut statement = conn.prepare_cached(&sql)?;
    let params = named_params! {":id": id, ":owner": owner};
    Ok(statement.query_row(params, from_row).optional()?)
}

/// Removes all views of a person.
pub(in crate::store) fn forget(conn: &Connection, owner: &str) -> Result<()> {
    const SQL: &str = "
        DELETE FROM job_views
        WHERE owner = :owner";
    conn.prepare_cached(SQL)?.execute(named_params! {":owner": owner})?;
    Ok(())
}
