//! Rows of `workers`: processes with an engine, one of which leads.

use crate::error::{Code, Error, Result};
use crate::model::{Process, ProcessFacts, ServerFacts, Timestamp, Worker, WorkerId};
use crate::store::sqlite::row::{parsed, text};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

const COLUMNS: &str = "id, pid, process_start, version, leads, started_at, heartbeat_at";

/// Longest facts of a worker, in bytes: they are written every ten seconds.
const MAX_FACTS: usize = 64 * 1024;
/// The most workers that are read. There are a few processes on one machine; another program may have written more rows.
const MAX_WORKERS: i64 = 1000;

fn from_row(row: &Row<'_>) -> rusqlite::Result<Worker> {
    let id = parsed(row, 0, |id| WorkerId::parse(id).ok())?;
    Ok(Worker {
        id: id.ok_or(rusqlite::Error::InvalidQuery)?,
        process: Process { pid: row.get(1)?, start: parsed(row, 2, Some)? },
        version: text(row, 3)?,
        leads: row.get(4)?,
        started_at: Timestamp::from_millis(row.get(5)?),
        heartbeat_at: Timestamp::from_millis(row.get(6)?),
    })
}

/// Every worker, the one that leads first. A row that another program has spoilt names no process: it is left out.
pub(in crate::store) fn all(conn: &Connection) -> Result<Vec<Worker>> {
    let sql = format!(
        "SELECT {COLUMNS}
         FROM job_workers
         ORDER BY leads DESC, started_at, id
         LIMIT :limit"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(named_params! {":limit": MAX_WORKERS})?;
    let mut workers = Vec::new();
    while let Some(row) = rows.next()? {
        workers.extend(from_row(row).ok());
    }
    Ok(workers)
}

/// The worker that leads, with what it says of itself; of several that claim to, the one that was heard of last.
pub(in crate::store) fn leading(conn: &Connection) -> Result<Option<ServerFacts>> {
    let sql = format!(
        "SELECT {COLUMNS}, facts
         FROM job_workers
         WHERE leads = 1
         ORDER BY heartbeat_at DESC
         LIMIT 1"
    );
    let read = |row: &Row<'_>| {
        // Facts that another program has spoilt are none.
        let says = parsed(row, 7, Some)?.and_then(|text| serde_json::from_str(&text).ok());
        Ok(ServerFacts { worker: from_row(row)?, says: says.unwrap_or_default() })
    };
    Ok(conn.prepare_cached(&sql)?.query_row([], read).optional()?)
}

/// Facts as they are stored. If they are too long, the kinds are left out: nothing untrue is said without them.
fn facts_text(facts: &ProcessFacts) -> Result<String> {
    let write = |facts: &ProcessFacts| {
        serde_json::to_string(facts).map_err(|error| {
            Error::new(Code::ModelInvalid, "write a worker's facts").because(error)
        })
    };
    let text = write(facts)?;
    if text.len() <= MAX_FACTS {
        return Ok(text);
    }
    write(&ProcessFacts { kinds: Vec::new(), ..facts.clone() })
}

/// Says that the worker is alive, with its facts. A worker without a row gets one, as a worker that stands by.
pub(in crate::store) fn heartbeat(
    conn: &Connection,
    worker: &WorkerId,
    process: &Process,
    facts: Option<&ProcessFacts>,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO job_workers (id, pid, process_start, version, leads, started_at, heartbeat_at, facts)
        VALUES (:id, :pid, :process_start, :version, 0, :now, :now, coalesce(:facts, '{}'))
        ON CONFLICT (id) DO UPDATE SET
            heartbeat_at = excluded.heartbeat_at,
            facts = coalesce(:facts, facts)";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":id": worker.as_str(),
        ":pid": process.pid,
        ":process_start": process.start,
        ":version": env!("CARGO_PKG_VERSION"),
        ":now": now.millis(),
        ":facts": facts.map(facts_text).transpose()?,
    })?;
    Ok(())
}

/// Registers a worker as the one that leads.
pub(in crate::store) fn register(
    conn: &Connection,
    worker: &WorkerId,
    process: &Process,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE job_workers
        SET leads = (id = :id)
        WHERE leads <> (id = :id)";
    heartbeat(conn, worker, process, None, now)?;
    conn.prepare_cached(SQL)?.execute(named_params! {":id": worker.as_str()})?;
    Ok(())
}

/// Refuses a worker in whose place another one leads, or has led.
pub(in crate::store) fn expect_leader(conn: &Connection, worker: &WorkerId) -> Result<()> {
    const SQL: &str = "
        SELECT EXISTS (
            SELECT 1
            FROM job_workers
            WHERE (leads = 1 AND id <> :id) OR (leads = 0 AND id = :id))";
    let id = named_params! {":id": worker.as_str()};
    let replaced: bool = conn.prepare_cached(SQL)?.query_row(id, |row| row.get(0))?;
    if replaced {
        return Err(Error::new(Code::EngineReplaced, format!("lead as {worker}")));
    }
    Ok(())
}

/// Removes a worker.
pub(in crate::store) fn retire(conn: &Connection, worker: &WorkerId) -> Result<()> {
    const SQL: &str = "
        DELETE FROM job_workers
        WHERE id = :id";
    conn.prepare_cached(SQL)?.execute(named_params! {":id": worker.as_str()})?;
    Ok(())
}
