//! The writer's connection while one call runs, and what the call changes in the exact counts and figures of jobs.

use super::errors::Errors;
use super::figures::Figures;
use crate::error::Result;
use crate::model::{Job, JobEvent, JobFigures, Kind, Queue, Status, Timestamp};
use rusqlite::{Connection, named_params};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Deref;

/// What changed: the counts by status, kind and queue (empty before admission), what jobs did by minute, and the steps that
/// made the change.
#[derive(Debug, Default)]
pub(in crate::store) struct Differences {
    counts: BTreeMap<(&'static str, Kind, Option<Queue>), i64>,
    figures: Figures,
    errors: Errors,
    steps: Vec<JobEvent>,
}

impl Differences {
    fn add(&mut self, status: Status, kind: &Kind, queue: Option<&Queue>, by: i64) {
        let key = (status.as_str(), kind.clone(), queue.cloned());
        *self.counts.entry(key).or_default() += by;
    }

    /// The steps that jobs took, in their order.
    pub(in crate::store) fn steps(&self) -> &[JobEvent] {
        &self.steps
    }

    /// Adds what another call changed.
    pub(super) fn merge(&mut self, other: Self) {
        for (key, by) in other.counts {
            *self.counts.entry(key).or_default() += by;
        }
        self.figures.merge(other.figures);
        self.errors.merge(other.errors);
        self.steps.extend(other.steps);
    }

    /// Writes them, the counts in one statement, the figures in one and errors in a few; the batch's last before its commit. A count of nothing stays as a row, so that a queue
    /// that was spoken of once is known.
    pub(in crate::store) fn write(&self, conn: &Connection) -> Result<()> {
        const SQL: &str = "
            INSERT INTO job_counts (status, kind, queue, count)
            SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3
            FROM json_each(:differences)
            WHERE true
            ON CONFLICT (status, kind, queue) DO UPDATE SET count = count + excluded.count";
        let changed = self.counts.iter().filter(|(_, by)| **by != 0);
        let rows = changed.map(|((status, kind, queue), by)| {
            json!([status, kind.as_str(), queue.as_ref().map_or("", Queue::as_str), by])
        });
        let rows: Vec<Value> = rows.collect();
        if !rows.is_empty() {
            let params = named_params! {":differences": Value::from(rows).to_string()};
            conn.prepare_cached(SQL)?.execute(params)?;
        }
        self.figures.write(conn)?;
        self.errors.write(conn)
    }
}

/// The writer's connection while one call runs, and what the call changes in the counts.
pub(in crate::store) struct Tx<'a> {
    conn: &'a Connection,
    differences: RefCell<Differences>,
}

impl Deref for Tx<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.conn
    }
}

impl<'a> Tx<'a> {
    pub(in crate::store) fn new(conn: &'a Connection) -> Self {
        Self { conn, differences: RefCell::default() }
    }

    /// What the call changed.
    pub(in crate::store) fn into_differences(self) -> Differences {
        self.differences.into_inner()
    }

    /// A job came to `(status, queue)`; it left where it was if the counts knew it.
    pub(in crate::store) fn moved(&self, job: &Job, status: Status, queue: Option<&Queue>) {
        if job.counted {
            self.left(job.status, &job.kind, job.queue.as_ref());
        }
        self.came(status, &job.kind, queue);
    }

    /// What jobs of this kind and queue did around an instant, for their next start or end to be counted.
    pub(in crate::store) fn did(
        &self,
        at: Timestamp,
        kind: &Kind,
        queue: Option<&Queue>,
        count: impl FnOnce(&mut JobFigures),
    ) {
        count(self.differences.borrow_mut().figures.of(at, kind, queue));
    }

    /// An attempt failed with the error of this fingerprint: that of a kind, a code and a title.
    pub(in crate::store) fn failed(
        &self,
        fingerprint: &str,
        error: (&Kind, &str, &str),
        at: Timestamp,
    ) {
        self.differences.borrow_mut().errors.count(fingerprint, error, at);
    }

    /// A job took a step: told to those who wait for it or follow the jobs, after the commit.
    pub(in crate::store) fn took(&self, step: JobEvent) {
        self.differences.borrow_mut().steps.push(step);
    }

    /// A job came to be there.
    pub(in crate::store) fn came(&self, status: Status, kind: &Kind, queue: Option<&Queue>) {
        self.add(status, kind, queue, 1);
    }

    /// A job that the counts knew is not there any more.
    pub(in crate::store) fn left(&self, status: Status, kind: &Kind, queue: Option<&Queue>) {
        self.add(status, kind, queue, -1);
    }

    /// The count there changes.
    pub(in crate::store) fn add(
        &self,
        status: Status,
        kind: &Kind,
        queue: Option<&Queue>,
        by: i64,
    ) {
        self.differences.borrow_mut().add(status, kind, queue, by);
    }
}
