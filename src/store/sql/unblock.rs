//! Has waiting jobs wait for admission once what they wait for has come, so that the next poll admits them.
//!
//! Statements here and beside this file name a condition twice, as in `(waits_for = 'handler' OR waits_for = 'constraint')
//! AND waits_for = 'handler'`: the first half repeats the condition of a partial index word by word, because SQLite uses
//! such an index only for a query that contains its condition; the second half says what is meant.

use super::line::{self, CalledUp};
use super::rates;
use crate::error::Result;
use crate::model::{Kind, KindRules};
use crate::store::sqlite::row;
use rusqlite::{Connection, named_params};
use std::collections::BTreeMap;

/// Jobs of a kind that are marked at a time, and keys that are walked. Bounds the time that other writers wait.
const MAX_MARKED: usize = 1000;

/// Calls up for admission a slice of the jobs that wait for a handler of one of these kinds, then the next of each key after
/// `after`: a process that takes over does not rely on an earlier one for it. Answers where the next slice begins.
pub(in crate::store) fn unblock(
    conn: &Connection,
    kinds: &[KindRules],
    after: &str,
) -> Result<Option<String>> {
    const KIND: &str = "
        UPDATE jobs
        SET waits_for = 'admission'
        WHERE id IN (
            SELECT id
            FROM jobs
            WHERE kind = :kind AND (waits_for = 'handler' OR waits_for = 'constraint') AND waits_for = 'handler'
            LIMIT :limit)";
    for rules in kinds {
        let params = named_params! {":kind": rules.kind.as_str(), ":limit": MAX_MARKED as i64};
        if conn.prepare_cached(KIND)?.execute(params)? == MAX_MARKED {
            return Ok(Some(after.to_owned()));
        }
        unblock_constraints(conn, [&rules.kind])?;
        rates::call_up_kind(conn, &rules.kind)?;
    }
    let mut keys: Vec<String> = Vec::new();
    while keys.len() < MAX_MARKED {
        let after = keys.last().map_or(after, String::as_str);
        // A key that another program made no text is read as another key: a walk that makes no progress ends.
        let Some(key) = next_blocked_key(conn, after)?.filter(|key| key.as_str() > after) else {
            break;
        };
        keys.push(key);
    }
    let names = keys.iter().map(String::as_str).collect();
    line::call_up(conn, &CalledUp { keys: names, most_of_keys: 1, ..CalledUp::default() })?;
    Ok(if keys.len() < MAX_MARKED { None } else { keys.pop() })
}

fn next_blocked_key(conn: &Connection, after: &str) -> Result<Option<String>> {
    const SQL: &str = "
        SELECT min(concurrency_key)
        FROM jobs
        WHERE waits_for = 'key' AND concurrency_key > :after";
    let params = named_params! {":after": after};
    Ok(conn.prepare_cached(SQL)?.query_row(params, |row| row::optional_text(row, 0))?)
}

/// Makes jobs that a constraint kept back wait for admission, for each of these jobs of a kind that ended or moved one of
/// that kind. A kind that is named more often lets as many go of the others: those are refused again if need be.
pub(in crate::store) fn unblock_constraints<'a>(
    conn: &Connection,
    ended: impl IntoIterator<Item = &'a Kind>,
) -> Result<()> {
    const SQL: &str = "
        UPDATE jobs
        SET waits_for = 'admission'
        WHERE id IN (
            SELECT j.id
            FROM json_each(:kinds) k
            JOIN jobs j ON j.id IN (
                SELECT id
                FROM jobs
                WHERE kind = k.value AND (waits_for = 'handler' OR waits_for = 'constraint')
                  AND waits_for = 'constraint'
                ORDER BY id
                LIMIT :most))";
    let mut kinds: BTreeMap<&str, i64> = BTreeMap::new();
    for kind in ended {
        *kinds.entry(kind.as_str()).or_default() += 1;
    }
    let Some(most) = kinds.values().max() else { return Ok(()) };
    let names = serde_json::json!(kinds.keys().collect::<Vec<_>>()).to_string();
    conn.prepare_cached(SQL)?.execute(named_params! {":kinds": names, ":most": most})?;
    Ok(())
}
