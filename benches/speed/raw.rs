//! The limit: the same works by a thin loop over SQLite, on a realistic table of jobs.
//!
//! It knows one kind and no rules, keeps no counts and looks at nothing twice: it is no queue, but what one is measured by.
//! It syncs each commit as we do; its cache is larger than ours, and its callers are threads, where ours are tasks.

use super::{CALLERS, Figure, PAYLOAD, delays, peak_memory, rate};
use lamplighter::store::transactional::rusqlite::{Connection, params};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// Jobs that a drain claims at once, and calls that share a commit.
const BATCH: usize = 512;
/// Rows that are written before anything is measured, so that the log has its steady size.
const WARM: usize = 1_500;

const TABLE: &str = "
    CREATE TABLE jobs (
      id INTEGER PRIMARY KEY,
      kind TEXT NOT NULL, queue TEXT NOT NULL, status TEXT NOT NULL,
      priority INTEGER NOT NULL DEFAULT 0, run_at INTEGER NOT NULL,
      attempt INTEGER NOT NULL DEFAULT 0, max_attempts INTEGER NOT NULL DEFAULT 25,
      payload TEXT NOT NULL, created_at INTEGER NOT NULL,
      concurrency_key TEXT,
      lease_owner TEXT, lease_token INTEGER, lease_expires_at INTEGER, finished_at INTEGER);
    CREATE INDEX jobs_ready ON jobs (queue, priority, run_at, id) WHERE status = 'queued';
    CREATE UNIQUE INDEX jobs_ckey ON jobs (concurrency_key) WHERE status = 'running';
    CREATE INDEX jobs_lease ON jobs (lease_expires_at) WHERE status = 'running';";
const INSERT: &str = "
    INSERT INTO jobs (kind, queue, status, priority, run_at, payload, created_at)
    VALUES (?1, ?2, 'queued', ?3, ?4, ?5, ?6)";
const CLAIM: &str = "
    UPDATE jobs
    SET status = 'running', attempt = attempt + 1, lease_owner = ?1, lease_token = ?2, lease_expires_at = ?3
    WHERE id IN (
        SELECT id
        FROM jobs
        WHERE status = 'queued' AND queue = ?4 AND run_at <= ?5
        ORDER BY priority, run_at, id
        LIMIT ?6)
    RETURNING *";
const COMPLETE: &str = "
    UPDATE jobs
    SET status = 'succeeded', finished_at = ?3, lease_owner = NULL, lease_token = NULL, lease_expires_at = NULL
    WHERE id = ?1 AND status = 'running' AND lease_token = ?2";

fn open(folder: &TempDir) -> Connection {
    let conn = Connection::open(folder.path().join("raw.db")).unwrap();
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 1000;
         PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; PRAGMA busy_timeout = 10000;",
    )
    .unwrap();
    conn.set_prepared_statement_cache_capacity(64);
    conn
}

fn create(folder: &TempDir) -> Connection {
    let conn = open(folder);
    conn.execute_batch(TABLE).unwrap();
    conn
}

/// A file whose log has been through a checkpoint: commits overwrite it from then on, as in a process that has run for a while.
fn create_warm(folder: &TempDir) -> Connection {
    let conn = create(folder);
    conn.execute_batch("PRAGMA synchronous = OFF").unwrap();
    for _ in 0..WARM {
        insert(&conn, 1);
    }
    conn.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
    conn.execute_batch("DELETE FROM jobs; PRAGMA synchronous = FULL").unwrap();
    conn
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

fn run(conn: &Connection, sql: &str) {
    conn.prepare_cached(sql).unwrap().execute([]).unwrap();
}

fn insert(conn: &Connection, how_many: usize) {
    let (mut statement, now) = (conn.prepare_cached(INSERT).unwrap(), now_ms());
    for n in 0..how_many {
        statement.execute(params!["email", "default", (n % 3) as i64, now, PAYLOAD, now]).unwrap();
    }
}

/// A job as its handler would get it.
struct Claimed {
    id: i64,
    _kind: String,
    _payload: String,
}

fn claim(conn: &Connection, most: usize, token: i64, claimed: &mut Vec<Claimed>) {
    let (mut statement, now) = (conn.prepare_cached(CLAIM).unwrap(), now_ms());
    let params = params!["worker-1", token, now + 30_000, "default", now, most as i64];
    let mut rows = statement.query(params).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let (id, kind, payload) = (row.get(0), row.get(1), row.get(8));
        claimed.push(Claimed { id: id.unwrap(), _kind: kind.unwrap(), _payload: payload.unwrap() });
    }
}

fn complete(conn: &Connection, jobs: &[Claimed], token: i64) {
    let (mut statement, now) = (conn.prepare_cached(COMPLETE).unwrap(), now_ms());
    for job in jobs {
        assert_eq!(statement.execute(params![job.id, token, now]).unwrap(), 1);
    }
}

pub(super) fn enqueue_alone(folder: &TempDir, how_many: usize) -> Vec<Figure> {
    let conn = create_warm(folder);
    let begun = Instant::now();
    for _ in 0..how_many {
        insert(&conn, 1);
    }
    rate(how_many, begun.elapsed())
}

/// Callers hand their jobs to one thread, which commits what has come.
pub(super) fn enqueue_at_once(folder: &TempDir, how_many: usize) -> Vec<Figure> {
    let conn = create_warm(folder);
    let (calls, line) = mpsc::channel::<mpsc::SyncSender<()>>();
    let writer = std::thread::spawn(move || {
        while let Ok(first) = line.recv() {
            let mut callers = vec![first];
            callers.extend(line.try_iter().take(BATCH - 1));
            run(&conn, "BEGIN IMMEDIATE");
            insert(&conn, callers.len());
            run(&conn, "COMMIT");
            for caller in callers {
                caller.send(()).unwrap();
            }
        }
    });
    let begun = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let calls = calls.clone();
            std::thread::spawn(move || {
                for _ in 0..how_many / CALLERS {
                    let (done, answer) = mpsc::sync_channel(1);
                    calls.send(done).unwrap();
                    answer.recv().unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.join().unwrap();
    }
    let took = begun.elapsed();
    drop(calls);
    writer.join().unwrap();
    rate(how_many, took)
}

pub(super) fn enqueue_bulk(folder: &TempDir, how_many: usize) -> Vec<Figure> {
    let conn = create(folder);
    let begun = Instant::now();
    run(&conn, "BEGIN IMMEDIATE");
    insert(&conn, how_many);
    run(&conn, "COMMIT");
    rate(how_many, begun.elapsed())
}

/// One commit completes the last batch and claims the next.
pub(super) fn drain(folder: &TempDir, how_many: usize) -> Vec<Figure> {
    let conn = create(folder);
    run(&conn, "BEGIN IMMEDIATE");
    insert(&conn, how_many);
    run(&conn, "COMMIT");
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let begun = Instant::now();
    let (mut before, mut claimed, mut done) = (Vec::new(), Vec::new(), 0);
    loop {
        run(&conn, "BEGIN IMMEDIATE");
        complete(&conn, &before, 5);
        claimed.clear();
        claim(&conn, BATCH, 5, &mut claimed);
        run(&conn, "COMMIT");
        done += before.len();
        std::mem::swap(&mut before, &mut claimed);
        if before.is_empty() {
            break;
        }
    }
    let took = begun.elapsed();
    assert_eq!(done, how_many);
    let mut figures = rate(how_many, took);
    figures.push(peak_memory());
    let size = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    let bytes: u32 = conn.query_row(size, [], |row| row.get(0)).unwrap();
    figures.push(Figure { name: "file", value: f64::from(bytes) / f64::from(how_many as u32) });
    figures
}

/// From before an enqueue to the start of its job in another thread, which has claimed it in a commit of its own.
pub(super) fn delay(folder: &TempDir, how_many: usize) -> Vec<Figure> {
    let conn = create_warm(folder);
    let (wake, woken) = mpsc::channel::<()>();
    let (start, starts) = mpsc::channel::<Instant>();
    let worker = open(folder);
    let worker = std::thread::spawn(move || {
        let mut claimed = Vec::new();
        while woken.recv().is_ok() {
            claimed.clear();
            claim(&worker, 64, 3, &mut claimed);
            for _ in &claimed {
                start.send(Instant::now()).unwrap();
            }
            complete(&worker, &claimed, 3);
        }
    });
    let mut seen = Vec::with_capacity(how_many);
    for _ in 0..how_many {
        // The queue is idle when the next one comes.
        std::thread::sleep(Duration::from_millis(5));
        let asked = Instant::now();
        insert(&conn, 1);
        wake.send(()).unwrap();
        seen.push(starts.recv().unwrap().duration_since(asked));
    }
    drop(wake);
    worker.join().unwrap();
    delays(seen)
}
