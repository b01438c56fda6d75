//! Rows: reading a page of them, and reading one column, which another program may have spoiled.

use super::error::unreadable;
#[cfg(feature = "agents")]
use crate::error::Result;
use crate::model::{Kind, Timestamp};
use rusqlite::Row;
#[cfg(feature = "agents")]
use rusqlite::{Connection, named_params};
use std::str::FromStr;

/// Reads the name of a kind.
pub(in crate::store) fn kind(row: &Row<'_>, column: usize) -> rusqlite::Result<Kind> {
    parsed(row, column, |text| Kind::parse(text).ok())?.ok_or_else(|| unreadable(column, "kind"))
}

/// Reads a text that another program may have written in bytes that are no UTF-8: one such row must not stop
/// everybody who reads the table.
pub(in crate::store) fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    optional_text(row, column)?.ok_or_else(|| unreadable(column, "text"))
}

/// Reads a text that may be NULL.
pub(in crate::store) fn optional_text(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<Option<String>> {
    parsed(row, column, |text| Some(text.to_owned()))
}

/// Reads one of our words.
pub(in crate::store) fn word<T: FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let read = parsed(row, column, |text| Some(T::from_str(text).map_err(|_| text.to_owned())))?;
    let read = read.ok_or_else(|| unreadable(column, "text"))?;
    read.map_err(|text| unreadable(column, &format!("word {text:?}")))
}

/// Reads an instant that may be NULL.
pub(in crate::store) fn instant(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
}

/// Reads a text that may be NULL, and parses it.
pub(in crate::store) fn parsed<T>(
    row: &Row<'_>,
    column: usize,
    parse: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<Option<T>> {
    let Some(bytes) = row.get_ref(column)?.as_bytes_or_null()? else {
        return Ok(None);
    };
    parse(&String::from_utf8_lossy(bytes)).map(Some).ok_or_else(|| unreadable(column, "text"))
}

/// A page of rows after the first `skip`, and how many rows there are in all. `rows` takes `:skip` and `:limit`.
#[cfg(feature = "agents")]
pub(in crate::store) fn page<T>(
    conn: &Connection,
    (count, rows): (&str, &str),
    (skip, limit): (u64, usize),
    from_row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<(Vec<T>, u64)> {
    let count: i64 = conn.prepare_cached(count)?.query_row([], |row| row.get(0))?;
    let mut statement = conn.prepare_cached(rows)?;
    let params = named_params! {":limit": limit as i64, ":skip": skip as i64};
    let page = statement.query_map(params, from_row)?.collect::<rusqlite::Result<_>>()?;
    Ok((page, count.max(0) as u64))
}
