//! Files that hold many jobs before anything is measured.

use lamplighter::store::transactional::rusqlite::Connection;
use std::path::Path;

/// Jobs that are stored at a time.
const SLICE: usize = 10_000;

/// Stores so many jobs, rounded up to ten thousand, and puts them into a state: what an UPDATE sets. Kind and queue are SQL
/// that may use the job's number `i` in its slice. The counts are left alone.
pub(crate) fn put(path: &Path, how_many: usize, (kind, queue): (&str, &str), state: &str) {
    let conn = Connection::open(path).unwrap();
    let insert = format!(
        "INSERT INTO jobs (kind, payload, queue, priority, max_attempts)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {SLICE})
         SELECT {kind}, '{{\"order\":' || i || '}}', {queue}, 0, 3 FROM n"
    );
    let put = format!("UPDATE jobs SET {state}, counted = 1 WHERE waits_for = 'admission'");
    conn.execute_batch("PRAGMA synchronous = OFF").unwrap();
    for _ in 0..how_many.div_ceil(SLICE) {
        conn.execute_batch(&format!("BEGIN IMMEDIATE; {insert}; {put}; COMMIT")).unwrap();
    }
}

/// The state of jobs that are over.
pub(crate) const OVER: &str = "status = 'cancelled', waits_for = NULL, finished_at = run_at";
