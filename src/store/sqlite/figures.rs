//! The figures of jobs that a transaction changes: gathered in memory, written in one statement.

use crate::error::Result;
use crate::model::{JobFigures, Kind, Queue, Timestamp};
use rusqlite::{Connection, named_params};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// What jobs did, by minute, kind and queue, in this order.
#[derive(Debug, Default)]
pub(super) struct Figures(Vec<Figure>);

#[derive(Debug)]
struct Figure {
    minute: Timestamp,
    kind: Kind,
    queue: Option<Queue>,
    figures: JobFigures,
}

impl Figures {
    /// The figures of these jobs at an instant. Nothing is allocated if the transaction has counted such a job before.
    pub(super) fn of(
        &mut self,
        at: Timestamp,
        kind: &Kind,
        queue: Option<&Queue>,
    ) -> &mut JobFigures {
        let minute = began(at, MINUTE);
        let found = self.0.binary_search_by(|figure| {
            let key = (figure.minute, &figure.kind, figure.queue.as_ref());
            key.cmp(&(minute, kind, queue))
        });
        let index = found.unwrap_or_else(|index| {
            let (kind, queue) = (kind.clone(), queue.cloned());
            let figures = JobFigures::default();
            self.0.insert(index, Figure { minute, kind, queue, figures });
            index
        });
        &mut self.0[index].figures
    }

    /// Adds what another call has gathered.
    pub(super) fn merge(&mut self, other: Self) {
        if self.0.is_empty() {
            self.0 = other.0;
            return;
        }
        for Figure { minute, kind, queue, figures } in other.0 {
            self.of(minute, &kind, queue.as_ref()).merge(&figures);
        }
    }

    /// Adds them to the rows of their minutes and of their hours.
    pub(super) fn write(&self, conn: &Connection) -> Result<()> {
        let mut rows = Rows::default();
        for Figure { minute, kind, queue, figures } in &self.0 {
            for length in [MINUTE, HOUR] {
                rows.add(length, *minute, (kind.as_str(), queue.as_ref()), figures);
            }
        }
        rows.write(conn)
    }
}

/// Rows of `job_stats` that are to be added to those that are there.
#[derive(Debug, Default)]
pub(in crate::store) struct Rows<'a>(BTreeMap<(Duration, i64, &'a str, &'a str), JobFigures>);

impl<'a> Rows<'a> {
    /// Adds figures to the row that stands for the length around an instant.
    pub(in crate::store) fn add(
        &mut self,
        length: Duration,
        at: Timestamp,
        (kind, queue): (&'a str, Option<&'a Queue>),
        figures: &JobFigures,
    ) {
        let at = began(at, length).millis();
        let key = (length, at, kind, queue.map_or("", Queue::as_str));
        self.0.entry(key).or_default().merge(figures);
    }

    pub(in crate::store) fn write(&self, conn: &Connection) -> Result<()> {
        static SQL: LazyLock<String> = LazyLock::new(|| {
            let count = |column| format!("{column} = min({column} + excluded.{column}, {MOST})");
            let counts = ["completed", "failed", "cancelled", "retried"].map(count).join(", ");
            format!(
                "INSERT INTO job_stats (minutes, at, kind, queue, completed, failed, cancelled, retried, waits, runs)
                 SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
                     value ->> 7, value ->> 8, value ->> 9
                 FROM json_each(:rows)
                 WHERE true
                 ON CONFLICT (minutes, at, kind, queue) DO UPDATE SET {counts}, {}, {}",
                together("waits"),
                together("runs")
            )
        });
        let rows = self.0.iter().map(|((length, at, kind, queue), figures)| {
            let JobFigures { completed, failed, cancelled, retried, waits, runs } = figures;
            let (waits, runs) = (waits.to_json(), runs.to_json());
            let minutes = length.as_secs() / 60;
            json!([minutes, at, kind, queue, completed, failed, cancelled, retried, waits, runs])
        });
        let rows: Vec<Value> = rows.collect();
        if !rows.is_empty() {
            let params = named_params! {":rows": Value::from(rows).to_string()};
            conn.prepare_cached(&SQL)?.execute(params)?;
        }
        Ok(())
    }
}

/// When the length of UTC began that holds the instant.
fn began(at: Timestamp, length: Duration) -> Timestamp {
    let length = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(at.millis().saturating_sub(at.millis().rem_euclid(length)))
}

/// The most that a count says; the schema takes no more.
const MOST: i64 = 1_000_000_000_000;

/// Adds the counts of two histograms, each an object. What another program has made no count is left out.
fn together(column: &str) -> String {
    format!(
        "{column} = CASE excluded.{column} WHEN '{{}}' THEN {column} ELSE (
             SELECT json_group_object(key, count)
             FROM (
                 SELECT key, sum(value) AS count
                 FROM (
                     SELECT key, value FROM json_each(job_stats.{column})
                     UNION ALL
                     SELECT key, value FROM json_each(excluded.{column}))
                 WHERE typeof(value) = 'integer' AND value BETWEEN 0 AND {MOST}
                 GROUP BY key)) END"
    )
}
