//! Rows of `job_workers`, `job_kinds` and `job_leader`: who is at work, for which kinds, and who leads.

use crate::error::{Code, Error, Result};
use crate::model::{
    Epoch, Kind, KindRules, LEASE, Leader, Process, ProcessFacts, Processes, RegisteredKind,
    Registration, SILENT, ServerFacts, Timestamp, Worker, WorkerId,
};
use crate::store::sqlite::row::{instant, optional_text, parsed, text};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use std::collections::BTreeMap;

const COLUMNS: &str = "
    w.id, w.pid, w.process_start, w.version, w.is_server, l.worker_id IS NOT NULL AS leads, w.slots, w.started_at,
    w.heartbeat_at, w.beat, w.lost_at";
const TABLES: &str = "job_workers w LEFT JOIN job_leader l ON l.worker_id = w.id";

/// Longest facts of a worker, in bytes: they are written every ten seconds.
const MAX_FACTS: usize = 64 * 1024;
/// The most workers and kinds that are read. There are a few processes on one machine; another program may have written
/// more rows.
pub(super) const MAX_ROWS: i64 = 1000;

fn from_row(row: &Row<'_>) -> rusqlite::Result<Worker> {
    let id = parsed(row, 0, |id| WorkerId::parse(id).ok())?;
    Ok(Worker {
        id: id.ok_or(rusqlite::Error::InvalidQuery)?,
        process: Process { pid: row.get(1)?, start: optional_text(row, 2)? },
        version: text(row, 3)?,
        is_server: row.get(4)?,
        leads: row.get(5)?,
        slots: row.get(6)?,
        started_at: Timestamp::from_millis(row.get(7)?),
        heartbeat_at: Timestamp::from_millis(row.get(8)?),
        beat: row.get(9)?,
        lost_at: instant(row, 10)?,
    })
}

/// Every worker, the one that leads first. A row that another program has spoilt names no process: it is left out.
pub(in crate::store) fn all(conn: &Connection) -> Result<Vec<Worker>> {
    let sql = format!(
        "SELECT {COLUMNS}
         FROM {TABLES}
         ORDER BY leads DESC, w.started_at, w.id
         LIMIT :limit"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(named_params! {":limit": MAX_ROWS})?;
    let mut workers = Vec::new();
    while let Some(row) = rows.next()? {
        workers.extend(from_row(row).ok());
    }
    Ok(workers)
}

/// The processes that are at work, by what they have written. Dates are compared here, so that people are not told of a
/// process that hangs as of one that works. No lease is judged by them. With a wrong date a process seems to be away, and
/// what it would have refused beforehand, a session or a scan of no use, is then refused when the job runs.
pub(in crate::store) fn processes(conn: &Connection, now: Timestamp) -> Result<Processes> {
    let sql = format!(
        "SELECT {COLUMNS}, w.facts
         FROM {TABLES}
         ORDER BY leads DESC, w.started_at DESC, w.id
         LIMIT :limit"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(named_params! {":limit": MAX_ROWS})?;
    let mut found = Processes::default();
    while let Some(row) = rows.next()? {
        let Ok(worker) = from_row(row) else { continue };
        found.seen_at = found.seen_at.max(Some(worker.heartbeat_at));
        if worker.lost_at.is_none() && now.since(worker.heartbeat_at) <= SILENT {
            // Facts that another program has spoilt are none.
            let says = optional_text(row, 11)?.and_then(|text| serde_json::from_str(&text).ok());
            found.at_work.push(ServerFacts { worker, says: says.unwrap_or_default() });
        }
    }
    found.kinds = kinds(conn)?;
    found.kinds.retain(|kind| found.at_work.iter().any(|one| one.worker.id == kind.worker));
    Ok(found)
}

/// The kinds that workers which are not lost have registered, the newest registration first.
pub(in crate::store) fn kinds(conn: &Connection) -> Result<Vec<RegisteredKind>> {
    registered(conn, "w.lost_at IS NULL")
}

/// The rules that hold for a kind; `None` if no worker has it that is not lost and has lately been heard of: the next one may
/// bring other rules. With a wrong date the worker seems to be away.
pub(in crate::store) fn rules_of(
    conn: &Connection,
    kind: &Kind,
    now: Timestamp,
) -> Result<Option<KindRules>> {
    const SQL: &str = "
        SELECT k.worker_id, k.kind, k.rules
        FROM job_kinds k
        JOIN job_workers w ON w.id = k.worker_id
        WHERE k.kind = :kind AND w.lost_at IS NULL AND w.heartbeat_at >= :since
        ORDER BY k.registered_at DESC";
    let mut statement = conn.prepare_cached(SQL)?;
    let since = now.minus(SILENT).millis();
    let mut rows = statement.query(named_params! {":kind": kind.as_str(), ":since": since})?;
    while let Some(row) = rows.next()? {
        if let Some(registered) = KindRow::of(row)?.read() {
            return Ok(Some(registered.rules));
        }
    }
    Ok(None)
}

/// The same with the kinds of lost workers.
pub(in crate::store) fn kinds_of_all(conn: &Connection) -> Result<Vec<RegisteredKind>> {
    registered(conn, "1 = 1")
}

/// A kind that a worker has registered, as it is stored.
#[derive(Debug)]
pub(super) struct KindRow {
    pub(super) worker: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) rules: Option<String>,
}

impl KindRow {
    /// A row of `worker_id, kind, rules`.
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (worker, kind) = (optional_text(row, 0)?, optional_text(row, 1)?);
        Ok(Self { worker, kind, rules: optional_text(row, 2)? })
    }

    /// What it says; a row that another program has spoilt says nothing.
    pub(super) fn read(&self) -> Option<RegisteredKind> {
        let worker = WorkerId::parse(self.worker.clone()?).ok()?;
        let kind = Kind::parse(self.kind.clone()?).ok()?;
        let rules = KindRules::from_json(kind, self.rules.as_deref().unwrap_or_default())?;
        Some(RegisteredKind { worker, rules })
    }
}

fn registered(conn: &Connection, which: &str) -> Result<Vec<RegisteredKind>> {
    let sql = format!(
        "SELECT k.worker_id, k.kind, k.rules
         FROM job_kinds k
         JOIN job_workers w ON w.id = k.worker_id
         WHERE {which}
         ORDER BY k.registered_at DESC, k.worker_id, k.kind
         LIMIT :limit"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(named_params! {":limit": MAX_ROWS})?;
    let mut kinds = Vec::new();
    while let Some(row) = rows.next()? {
        kinds.extend(KindRow::of(row)?.read());
    }
    Ok(kinds)
}

/// Facts as they are stored. If they are too long, those of services are left out.
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
    write(&ProcessFacts { services: BTreeMap::new(), ..facts.clone() })
}

fn lease_until(now: Timestamp) -> i64 {
    now.plus(LEASE).millis()
}

/// Stores a worker, with its first beat.
pub(in crate::store) fn insert(
    conn: &Connection,
    registration: &Registration,
    facts: &ProcessFacts,
    file: &str,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO job_workers (
            id, pid, process_start, file, version, is_server, slots, started_at, heartbeat_at, beat, lease_until, facts)
        VALUES (
            :id, :pid, :process_start, :file, :version, :is_server, :slots, :now, :now, 1, :lease_until, :facts)";
    let Registration { worker, process, .. } = registration;
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":id": worker.as_str(),
        ":pid": process.pid,
        ":process_start": process.start,
        ":file": file,
        ":version": env!("CARGO_PKG_VERSION"),
        ":is_server": registration.is_server,
        ":slots": registration.slots,
        ":now": now.millis(),
        ":lease_until": lease_until(now),
        ":facts": facts_text(facts)?,
    })?;
    Ok(())
}

/// Registers a kind of a worker, as the newest of its name.
pub(in crate::store) fn insert_kind(
    conn: &Connection,
    worker: &WorkerId,
    rules: &KindRules,
    now: Timestamp,
) -> Result<()> {
    // The newest by count, not by date: a clock that was set back makes no old registration the newest.
    const SQL: &str = "
        INSERT INTO job_kinds (worker_id, kind, rules, registered_at)
        SELECT :id, :kind, :rules, CASE WHEN max(registered_at) >= :now THEN max(registered_at) + 1 ELSE :now END
        FROM job_kinds
        WHERE kind = :kind";
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":id": worker.as_str(),
        ":kind": rules.kind.as_str(),
        ":rules": rules.to_json(),
        ":now": now.millis(),
    })?;
    Ok(())
}

/// Whether the rows still say what a worker registered, when they are looked for as admission and claims look for them.
pub(in crate::store) fn is_registered(conn: &Connection, said: &Registration) -> Result<bool> {
    const KIND: &str = "
        SELECT EXISTS (
            SELECT 1
            FROM job_kinds
            WHERE worker_id = :id AND kind = :kind AND rules = :rules)";
    const LIMIT: &str = "
        SELECT EXISTS (
            SELECT 1
            FROM job_limits
            WHERE worker_id = :id AND queue = :queue AND engine_limit = :limit)";
    let id = said.worker.as_str();
    let (mut kind, mut limit) = (conn.prepare_cached(KIND)?, conn.prepare_cached(LIMIT)?);
    for rules in said.kinds.iter() {
        let (name, rules) = (rules.kind.as_str(), rules.to_json());
        let named = named_params! {":id": id, ":kind": name, ":rules": rules};
        if !kind.query_row(named, |row| row.get::<_, bool>(0))? {
            return Ok(false);
        }
    }
    for (queue, most) in &said.limits {
        let named = named_params! {":id": id, ":queue": queue.as_str(), ":limit": most};
        if !limit.query_row(named, |row| row.get::<_, bool>(0))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Says that the worker is alive, with its facts.
pub(in crate::store) fn beat(
    conn: &Connection,
    worker: &WorkerId,
    facts: &ProcessFacts,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        UPDATE job_workers
        SET beat = beat + 1, heartbeat_at = :now, lease_until = :lease_until, facts = :facts
        WHERE id = :id AND lost_at IS NULL";
    let beaten = conn.prepare_cached(SQL)?.execute(named_params! {
        ":id": worker.as_str(),
        ":now": now.millis(),
        ":lease_until": lease_until(now),
        ":facts": facts_text(facts)?,
    })?;
    if beaten == 1 { Ok(()) } else { Err(lost(worker)) }
}

/// The error of a worker that was judged lost, or has no row.
pub(super) fn lost(worker: &WorkerId) -> Error {
    Error::new(Code::EngineLost, format!("work as {worker}"))
}

/// Refuses a worker that was judged lost, or has no row.
pub(in crate::store) fn expect_alive(conn: &Connection, worker: &WorkerId) -> Result<()> {
    if is_alive(conn, worker)? { Ok(()) } else { Err(lost(worker)) }
}

/// Whether a worker has its lease.
pub(super) fn is_alive(conn: &Connection, worker: &WorkerId) -> Result<bool> {
    const SQL: &str = "
        SELECT EXISTS (
            SELECT 1
            FROM job_workers
            WHERE id = :id AND lost_at IS NULL)";
    let id = named_params! {":id": worker.as_str()};
    Ok(conn.prepare_cached(SQL)?.query_row(id, |row| row.get(0))?)
}

/// Who leads.
pub(in crate::store) fn leader(conn: &Connection) -> Result<Leader> {
    const SQL: &str = "
        SELECT epoch, worker_id
        FROM job_leader";
    let read = |row: &Row<'_>| {
        let worker = parsed(row, 1, |id| WorkerId::parse(id).ok())?;
        Ok(Leader { epoch: Epoch(row.get(0)?), worker })
    };
    let found = conn.prepare_cached(SQL)?.query_row([], read).optional()?;
    Ok(found.unwrap_or(Leader { epoch: Epoch(0), worker: None }))
}

/// Refuses a worker that does not lead by this epoch.
pub(in crate::store) fn expect_leader(
    conn: &Connection,
    worker: &WorkerId,
    epoch: Epoch,
) -> Result<()> {
    let leader = leader(conn)?;
    if leader.epoch == epoch && leader.worker.as_ref() == Some(worker) {
        return Ok(());
    }
    Err(Error::new(Code::EngineReplaced, format!("lead as {worker}")))
}

/// Makes a worker the one that leads, unless somebody has taken the lead since it was `seen`; answers whether it leads.
pub(in crate::store) fn take_lead(
    conn: &Connection,
    worker: &WorkerId,
    seen: Epoch,
) -> Result<bool> {
    const SQL: &str = "
        INSERT INTO job_leader (id, epoch, worker_id)
        VALUES (1, :seen + 1, :worker)
        ON CONFLICT (id) DO UPDATE SET
            epoch = excluded.epoch,
            worker_id = excluded.worker_id
        WHERE job_leader.epoch = :seen";
    let params = named_params! {":seen": seen.0, ":worker": worker.as_str()};
    Ok(conn.prepare_cached(SQL)?.execute(params)? == 1)
}

/// Gives the lead up.
pub(in crate::store) fn resign(conn: &Connection, worker: &WorkerId, epoch: Epoch) -> Result<()> {
    const SQL: &str = "
        UPDATE job_leader
        SET worker_id = NULL
        WHERE epoch = :epoch AND worker_id = :worker";
    let params = named_params! {":epoch": epoch.0, ":worker": worker.as_str()};
    conn.prepare_cached(SQL)?.execute(params)?;
    Ok(())
}

/// Makes a worker one that is no server.
pub(in crate::store) fn serve_no_more(conn: &Connection, worker: &WorkerId) -> Result<()> {
    const SQL: &str = "
        UPDATE job_workers
        SET is_server = 0
        WHERE id = :id";
    conn.prepare_cached(SQL)?.execute(named_params! {":id": worker.as_str()})?;
    Ok(())
}

/// Marks a worker lost, unless it has said since `beat` that it is alive; answers whether it is lost from now on.
pub(in crate::store) fn mark_lost(
    conn: &Connection,
    worker: &WorkerId,
    beat: Option<i64>,
    now: Timestamp,
) -> Result<bool> {
    const SQL: &str = "
        UPDATE job_workers
        SET lost_at = :now
        WHERE id = :id AND lost_at IS NULL AND beat = coalesce(:beat, beat)";
    let params = named_params! {":id": worker.as_str(), ":beat": beat, ":now": now.millis()};
    Ok(conn.prepare_cached(SQL)?.execute(params)? == 1)
}

/// The workers at work that have registered in another file, of which this one is a copy.
pub(in crate::store) fn of_other_files(conn: &Connection, file: &str) -> Result<Vec<WorkerId>> {
    const SQL: &str = "
        SELECT id
        FROM job_workers
        WHERE lost_at IS NULL AND file IS NOT :file
        ORDER BY id";
    let mut statement = conn.prepare_cached(SQL)?;
    let mut rows = statement.query(named_params! {":file": file})?;
    let mut workers = Vec::new();
    while let Some(row) = rows.next()? {
        workers.extend(parsed(row, 0, |id| WorkerId::parse(id).ok())?);
    }
    Ok(workers)
}

/// Removes the rows of lost workers under whose names nothing runs. The rules of a lost worker's kinds say how its jobs are
/// rescued, so they stay until then.
pub(in crate::store) fn delete_lost(conn: &Connection) -> Result<()> {
    const SQL: &str = "
        DELETE FROM job_workers
        WHERE lost_at IS NOT NULL
          AND NOT EXISTS (
              SELECT 1
              FROM jobs
              WHERE status = 'running' AND worker_id = job_workers.id)";
    conn.prepare_cached(SQL)?.execute([])?;
    Ok(())
}

/// Removes a worker if no job runs under its name; answers whether it did.
pub(in crate::store) fn delete_idle(conn: &Connection, worker: &WorkerId) -> Result<bool> {
    const SQL: &str = "
        DELETE FROM job_workers
        WHERE id = :id
          AND NOT EXISTS (
              SELECT 1
              FROM jobs
              WHERE status = 'running' AND worker_id = :id)";
    Ok(conn.prepare_cached(SQL)?.execute(named_params! {":id": worker.as_str()})? == 1)
}

/// Whether the worker that leads has a handler for the kind: then it clears what was left.
pub(in crate::store) fn leader_has(conn: &Connection, kind: &Kind) -> Result<bool> {
    const SQL: &str = "
        SELECT EXISTS (
            SELECT 1
            FROM job_leader l
            JOIN job_kinds k ON k.worker_id = l.worker_id
            JOIN job_workers w ON w.id = l.worker_id
            WHERE k.kind = :kind AND w.lost_at IS NULL)";
    let kind = named_params! {":kind": kind.as_str()};
    Ok(conn.prepare_cached(SQL)?.query_row(kind, |row| row.get(0))?)
}
