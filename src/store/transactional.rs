//! Enqueueing inside the caller's own transaction: the job exists exactly if the caller's rows do (P4).
//!
//! The jobs and the caller's tables must be in one file: [`Store::open_in`](crate::store::Store::open_in) keeps the jobs in
//! the caller's. (A transaction over two attached files in WAL mode is not one across a power cut.) A running engine
//! notices the commit as it notices any other program's.
//!
//! # Example
//! ```
//! use lamplighter::clock::Clock;
//! use lamplighter::model::{Kind, NewJob};
//! use lamplighter::store::transactional::{enqueue, rusqlite};
//! use lamplighter::store::{OpenMode, Store};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("app.db");
//! let store = Store::open_in(&path, OpenMode::Migrate)?;
//! let mut conn = rusqlite::Connection::open(&path)?;
//! conn.pragma_update(None, "foreign_keys", true)?;
//! conn.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT)", [])?;
//!
//! let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
//! tx.execute("INSERT INTO orders (item) VALUES ('lamp oil')", [])?;
//! let order = tx.last_insert_rowid();
//! let job = NewJob { payload: order.into(), ..NewJob::new(Kind::parse("confirm_order")?) };
//! enqueue(&tx, &job, Clock::system().now())?;
//! tx.commit()?;
//! # Ok(())
//! # }
//! ```

pub use rusqlite::{self, Connection};

use super::core;
use super::sqlite::{Tx, guest};
use crate::error::Result;
use crate::model::{Enqueued, NewJob, Timestamp};

/// Stores a job in the transaction that `conn` has open, or answers the one that holds its unique key or was made by
/// the same request before. The job is there when the caller's commit is, as durable as the caller's `synchronous`
/// pragma makes it (FULL for what [`Store::enqueue`](crate::store::Store::enqueue) promises).
///
/// # Errors
/// As [`Store::enqueue`](crate::store::Store::enqueue); the caller decides whether to roll back. `STORE-FILE-006` if the
/// connection's file is not in WAL mode, without which other programs block the engine and it blocks them.
pub fn enqueue(conn: &Connection, job: &NewJob, now: Timestamp) -> Result<Enqueued> {
    let insert = || -> Result<Enqueued> {
        guest::check_wal(conn)?;
        let tx = Tx::new(conn);
        let enqueued = core::enqueue::enqueue(&tx, job, now)?;
        tx.into_differences().write(conn)?;
        Ok(enqueued)
    };
    insert().map_err(|error| error.while_doing("enqueue a job"))
}
