//! Exact counts of jobs per status, kind and queue: gathered as differences while calls run, written once a commit.

use super::row::{self, word};
use super::settings;
use crate::error::Result;
use crate::model::{Job, JobCount, Kind, Queue, Status};
use rusqlite::{Connection, named_params};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Deref;

/// The setting that counts the corrections, so that of two recounts at a time one corrects.
const CORRECTIONS: &str = "engine.recounts";

/// What changed, by status, kind and queue (empty before admission).
#[derive(Debug, Default)]
pub(super) struct Differences(BTreeMap<(&'static str, String, String), i64>);

impl Differences {
    fn add(&mut self, status: Status, kind: &str, queue: &str, by: i64) {
        let key = (status.as_str(), kind.to_owned(), queue.to_owned());
        *self.0.entry(key).or_default() += by;
    }

    /// Adds what another call changed.
    pub(super) fn merge(&mut self, other: Self) {
        for (key, by) in other.0 {
            *self.0.entry(key).or_default() += by;
        }
    }

    /// Writes them; the batch's last statements before its commit.
    pub(super) fn write(&self, conn: &Connection) -> Result<()> {
        const SQL: &str = "
            INSERT INTO job_counts (status, kind, queue, count)
            VALUES (:status, :kind, :queue, :by)
            ON CONFLICT (status, kind, queue) DO UPDATE SET count = count + excluded.count";
        const NONE_LEFT: &str = "
            DELETE FROM job_counts
            WHERE status = :status AND kind = :kind AND queue = :queue AND count = 0";
        for ((status, kind, queue), by) in self.0.iter().filter(|(_, by)| **by != 0) {
            conn.prepare_cached(SQL)?.execute(named_params! {
                ":status": status, ":kind": kind, ":queue": queue, ":by": by,
            })?;
            if *by < 0 {
                conn.prepare_cached(NONE_LEFT)?.execute(named_params! {
                    ":status": status, ":kind": kind, ":queue": queue,
                })?;
            }
        }
        Ok(())
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
    pub(super) fn new(conn: &'a Connection) -> Self {
        Self { conn, differences: RefCell::default() }
    }

    /// What the call changed.
    pub(super) fn into_differences(self) -> Differences {
        self.differences.into_inner()
    }

    /// A job came to `(status, queue)`; it left where it was if the counts knew it.
    pub(super) fn moved(&self, job: &Job, status: Status, queue: Option<&Queue>) {
        if job.counted {
            self.left(job.status, &job.kind, job.queue.as_ref());
        }
        self.came(status, &job.kind, queue);
    }

    /// A job came to be there.
    pub(super) fn came(&self, status: Status, kind: &Kind, queue: Option<&Queue>) {
        self.add(status, kind, queue, 1);
    }

    /// A job that the counts knew is not there any more.
    pub(super) fn left(&self, status: Status, kind: &Kind, queue: Option<&Queue>) {
        self.add(status, kind, queue, -1);
    }

    fn add(&self, status: Status, kind: &Kind, queue: Option<&Queue>, by: i64) {
        let queue = queue.map_or("", Queue::as_str);
        self.differences.borrow_mut().add(status, kind.as_str(), queue, by);
    }
}

/// The counts.
pub(in crate::store) fn all(conn: &Connection) -> Result<Vec<JobCount>> {
    const SQL: &str = "
        SELECT status, kind, queue, count
        FROM job_counts";
    list(conn, SQL)
}

/// What a recount found.
pub(in crate::store) struct Recount {
    /// By how much the counts are short of the rows themselves, where they differ.
    pub(in crate::store) missing: Vec<JobCount>,
    /// How many corrections there were before.
    corrections: i64,
}

/// Counts the rows themselves. Reads all of `jobs`.
pub(in crate::store) fn recount(conn: &Connection) -> Result<Recount> {
    const SQL: &str = "
        SELECT status, kind, coalesce(queue, ''), count(*)
        FROM jobs
        WHERE counted = 1
        GROUP BY status, kind, coalesce(queue, '')";
    let (counted, actual) = (all(conn)?, list(conn, SQL)?);
    let key = |count: &JobCount| (count.status, count.kind.clone(), count.queue.clone());
    let mut short: HashMap<_, i64> = HashMap::new();
    for count in &actual {
        *short.entry(key(count)).or_default() += count.count;
    }
    for count in &counted {
        *short.entry(key(count)).or_default() -= count.count;
    }
    let short = short.into_iter().filter(|(_, by)| *by != 0);
    let missing =
        short.map(|((status, kind, queue), count)| JobCount { status, kind, queue, count });
    Ok(Recount { missing: missing.collect(), corrections: corrections(conn)? })
}

/// Adds what a recount found missing. The counts and the rows were read on one snapshot, so that what changed since
/// stays right; if somebody else has corrected them since, nothing is done.
pub(in crate::store) fn correct(tx: &Tx<'_>, recount: &Recount) -> Result<()> {
    const SQL: &str = "
        INSERT INTO job_settings (key, value, updated_at, updated_by)
        VALUES (:key, :value, 0, 'engine')
        ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    if corrections(tx)? == recount.corrections {
        for job in &recount.missing {
            tx.add(job.status, &job.kind, job.queue.as_ref(), job.count);
        }
        let params =
            named_params! {":key": CORRECTIONS, ":value": (recount.corrections + 1).to_string()};
        tx.prepare_cached(SQL)?.execute(params)?;
    }
    Ok(())
}

fn corrections(conn: &Connection) -> Result<i64> {
    let setting = settings::get(conn, CORRECTIONS)?;
    Ok(setting.and_then(|setting| setting.value.as_i64()).unwrap_or(0))
}

fn list(conn: &Connection, sql: &str) -> Result<Vec<JobCount>> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        let queue: String = row.get(2)?;
        Ok(JobCount {
            status: word(row, 0)?,
            kind: row::kind(row, 1)?,
            queue: Queue::parse(queue).ok(),
            count: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
