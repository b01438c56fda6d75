//! The errors with which attempts failed in a transaction: gathered in memory, written before its commit.

use crate::error::Result;
use crate::model::{Kind, Timestamp};
use rusqlite::{Connection, named_params};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Errors that are kept: those that were met last.
const MAX_ERRORS: i64 = 10_000;

/// Failed attempts by fingerprint.
#[derive(Debug, Default)]
pub(super) struct Errors(BTreeMap<String, Met>);

#[derive(Debug)]
struct Met {
    kind: Kind,
    code: String,
    title: String,
    /// Failures by hour.
    hours: BTreeMap<Timestamp, u64>,
    first: Timestamp,
    last: Timestamp,
}

impl Errors {
    /// Counts an attempt that failed.
    pub(super) fn count(
        &mut self,
        fingerprint: &str,
        (kind, code, title): (&Kind, &str, &str),
        at: Timestamp,
    ) {
        if !self.0.contains_key(fingerprint) {
            let (code, title) = (code.to_owned(), title.to_owned());
            let met = Met {
                kind: kind.clone(),
                code,
                title,
                hours: BTreeMap::new(),
                first: at,
                last: at,
            };
            self.0.insert(fingerprint.to_owned(), met);
        }
        if let Some(met) = self.0.get_mut(fingerprint) {
            *met.hours.entry(at.hour()).or_default() += 1;
            (met.first, met.last) = (met.first.min(at), met.last.max(at));
        }
    }

    /// Adds what another call has met.
    pub(super) fn merge(&mut self, other: Self) {
        for (fingerprint, new) in other.0 {
            let Some(met) = self.0.get_mut(&fingerprint) else {
                self.0.insert(fingerprint, new);
                continue;
            };
            for (hour, failures) in new.hours {
                *met.hours.entry(hour).or_default() += failures;
            }
            (met.first, met.last) = (met.first.min(new.first), met.last.max(new.last));
        }
    }

    /// Adds them to their rows. While there are more than are kept, those that nobody has met for longest go.
    pub(super) fn write(&self, conn: &Connection) -> Result<()> {
        const ERRORS: &str = "
            INSERT INTO job_errors (fingerprint, kind, code, title, first_at, last_at, failures)
            SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
            FROM json_each(:errors)
            WHERE true
            ON CONFLICT (fingerprint) DO UPDATE SET
                first_at = min(first_at, excluded.first_at),
                last_at = max(last_at, excluded.last_at),
                failures = failures + excluded.failures
            RETURNING fingerprint, failures";
        const HOURS: &str = "
            INSERT INTO job_error_hours (fingerprint, hour, failures)
            SELECT value ->> 0, value ->> 1, value ->> 2
            FROM json_each(:hours)
            WHERE true
            ON CONFLICT (fingerprint, hour) DO UPDATE SET failures = failures + excluded.failures";
        const FORGET: &str = "
            DELETE FROM job_errors
            WHERE fingerprint IN (
                SELECT fingerprint
                FROM job_errors
                ORDER BY last_at
                LIMIT max(0, (SELECT count(*) FROM job_errors) - :most))";
        if self.0.is_empty() {
            return Ok(());
        }
        let errors = self.0.iter().map(|(fingerprint, met)| {
            let (first, last) = (met.first.millis(), met.last.millis());
            json!([
                fingerprint,
                met.kind.as_str(),
                met.code,
                met.title,
                first,
                last,
                met.failures()
            ])
        });
        let errors = Value::from(errors.collect::<Vec<_>>()).to_string();
        let mut is_any_new = false;
        let mut statement = conn.prepare_cached(ERRORS)?;
        let mut rows = statement.query(named_params! {":errors": errors})?;
        while let Some(row) = rows.next()? {
            let (fingerprint, failures): (String, i64) = (row.get(0)?, row.get(1)?);
            let met = self.0.get(&fingerprint).map(Met::failures);
            is_any_new |= met == u64::try_from(failures).ok();
        }
        let hours = self.0.iter().flat_map(|(fingerprint, met)| {
            met.hours
                .iter()
                .map(move |(hour, failures)| json!([fingerprint, hour.millis(), failures]))
        });
        let hours = Value::from(hours.collect::<Vec<_>>()).to_string();
        conn.prepare_cached(HOURS)?.execute(named_params! {":hours": hours})?;
        if is_any_new {
            conn.prepare_cached(FORGET)?.execute(named_params! {":most": MAX_ERRORS})?;
        }
        Ok(())
    }
}

impl Met {
    fn failures(&self) -> u64 {
        self.hours.values().sum()
    }
}
