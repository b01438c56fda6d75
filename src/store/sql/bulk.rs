//! One act on many jobs: the look of a preview, and the search for what a slice acts on.

use super::filter::{Conditions, conditions};
use super::jobs;
use super::search::{WINDOW, Window};
use crate::error::{Code, Error, Result};
use crate::model::{Bulk, BulkAct, CommonError, Filter, Job, JobId, JobState, Skip, Timestamp};
use crate::store::sqlite::dialect;
use crate::store::sqlite::row;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use std::collections::{BTreeMap, HashMap};

/// Jobs that a preview shows.
const SAMPLE: usize = 20;
/// Errors that a preview shows.
const ERRORS: usize = 3;
/// Different errors that a preview tells apart.
const MAX_ERRORS: usize = 10_000;
/// Characters of an error that tell it from others.
const ERROR_CHARACTERS: usize = 200;

/// What was counted so far.
#[derive(Default)]
pub(in crate::store) struct Tally {
    pub(in crate::store) matched: u64,
    pub(in crate::store) skipped: BTreeMap<Skip, u64>,
    pub(in crate::store) looked_through: u64,
    /// The ids that were looked at: from the first to below the second.
    pub(in crate::store) ids: Option<(i64, i64)>,
    pub(in crate::store) sample: Vec<Job>,
    errors: HashMap<(Option<String>, String), CommonError>,
}

impl Tally {
    /// The commonest errors, the commonest first.
    pub(in crate::store) fn commonest(&mut self) -> Vec<CommonError> {
        let mut errors: Vec<_> = std::mem::take(&mut self.errors).into_values().collect();
        errors.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.example.cmp(&b.example)));
        errors.truncate(ERRORS);
        errors
    }

    fn add(&mut self, act: BulkAct, row: &Row<'_>, now: Timestamp) -> rusqlite::Result<i64> {
        let state = JobState {
            status: row::word(row, 1)?,
            run_at: Timestamp::from_millis(row.get(2)?),
            priority: row.get(3)?,
            is_asked_to_end: row.get(4)?,
        };
        self.matched += 1;
        if let Some(skip) = act.skip(state, now) {
            *self.skipped.entry(skip).or_default() += 1;
        }
        let (code, error) = (row::optional_text(row, 5)?, row::optional_text(row, 6)?);
        if let Some(example) = error.or_else(|| code.clone()) {
            let key = (code.clone(), without_numbers(&example));
            if self.errors.len() < MAX_ERRORS || self.errors.contains_key(&key) {
                let known = self.errors.entry(key);
                known.or_insert(CommonError { code, example, count: 0 }).count += 1;
            }
        }
        row.get(0)
    }
}

/// Errors that differ by numbers only are one.
fn without_numbers(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_ascii_digit() {
            true if plain.ends_with('#') => {}
            true => plain.push('#'),
            false => plain.push(c),
        }
    }
    plain
}

/// Counts in the next window of ids below the cursor; answers where the one after it begins.
pub(in crate::store) fn look(
    conn: &Connection,
    (filter, act): (&Filter, BulkAct),
    before: Option<i64>,
    now: Timestamp,
    tally: &mut Tally,
) -> Result<Option<i64>> {
    let fits = conditions(filter, now, 2).in_window(2);
    let sql = format!(
        "SELECT id, status, run_at, priority, cancel_requested_at IS NOT NULL, error_code,
            substr(error, 1, {ERROR_CHARACTERS})
         FROM {}
         WHERE id < ?1 AND id >= ?2 {}
         ORDER BY id DESC",
        fits.table(),
        fits.sql
    );
    let window = Window::of_jobs(conn, before, &fits)?;
    let mut statement = conn.prepare(&sql)?;
    let mut rows = statement.query(bound(fits, [window.before, window.floor]))?;
    while let Some(row) = rows.next()? {
        let id = tally.add(act, row, now)?;
        if tally.sample.len() < SAMPLE {
            match jobs::get(conn, JobId(id)) {
                Ok(job) => tally.sample.extend(job),
                // Another program wrote it; the act leaves it alone.
                Err(error) if error.code() == Code::StoreCorrupt => {}
                Err(error) => return Err(error),
            }
        }
    }
    tally.looked_through += window.length(window.floor);
    let before = tally.ids.map_or(window.before, |(_, before)| before);
    tally.ids = Some((window.floor, before));
    Ok(window.next())
}

/// The next jobs above the cursor that fit, at most `limit`, and where the slice after them begins.
pub(in crate::store) fn candidates(
    conn: &Connection,
    bulk: &Bulk,
    after: i64,
    limit: usize,
) -> Result<(Vec<i64>, Option<i64>)> {
    let fits = conditions(&bulk.filter, bulk.asked_at, 3);
    let sql = format!(
        "SELECT id
         FROM {}
         WHERE id > ?1 AND id <= ?2 {}
         ORDER BY id
         LIMIT ?3",
        dialect::by_id("jobs"),
        fits.sql
    );
    let after = after.max(bulk.from_id.saturating_sub(1));
    let end = match fits.ids {
        Some(_) => bulk.through_id,
        None => bulk.through_id.min(after.saturating_add(WINDOW)),
    };
    let mut statement = conn.prepare(&sql)?;
    let rows = statement.query_map(bound(fits, [after, end, limit as i64]), |row| row.get(0))?;
    let ids = rows.collect::<rusqlite::Result<Vec<i64>>>()?;
    let last = ids.last().copied().filter(|_| ids.len() == limit).unwrap_or(end);
    Ok((ids, (last < bulk.through_id).then_some(last)))
}

/// Those of these jobs, which fitted when they were chosen, that still fit, by id; `Err` for one that another program wrote with values that no job may have.
pub(in crate::store) fn still_fit(
    conn: &Connection,
    bulk: &Bulk,
    ids: &[i64],
) -> Result<Vec<Result<Job>>> {
    // To read the jobs of an act once more would hold the write lock for all of them.
    let fits = conditions(&bulk.filter.clone().without_acts(), bulk.asked_at, 1);
    let sql = format!(
        "SELECT {} FROM jobs WHERE id IN ({}) {} ORDER BY id",
        jobs::COLUMNS,
        dialect::members("?1"),
        fits.sql
    );
    let mut statement = conn.prepare(&sql)?;
    let params = bound(fits, [serde_json::json!(ids).to_string()]);
    let rows = statement.query_map(params, |row| Ok(jobs::from_row(row).map_err(Error::from)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A statement's own parameters, and those of the conditions after them.
fn bound<const N: usize>(fits: Conditions, own: [impl Into<Value>; N]) -> impl rusqlite::Params {
    let own = own.into_iter().map(Into::into);
    params_from_iter(own.chain(fits.values).collect::<Vec<Value>>())
}
