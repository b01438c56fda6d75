//! The one thread that writes: group commit, and what to believe after an error.
//!
//! Calls that wait together share one `BEGIN IMMEDIATE … COMMIT`, each in a savepoint of its own, and are answered only
//! after the commit (P1). What an error means decides the answer (P2):
//! - a call's own statement fails: its savepoint is rolled back, the others go on;
//! - SQLite gave the whole transaction up (full disk, I/O): every call of the batch hears that nothing was saved;
//! - the commit fails: every call hears *unknown*. Before anything else is written the file is opened anew and
//!   checkpointed, since the kernel may hold frames it never wrote; until that succeeds every call is refused, reads
//!   work, and writes resume by themselves.

use super::open::{self, Schema};
use crate::error::{Code, Error, Result};
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot, watch};

/// Calls that may wait for the writer; further callers wait for room. Two batches' worth.
const MAX_WAITING: usize = 1024;
/// Calls that share a commit: enough to spread the cost of a sync thin, few enough to bound its delay.
const MAX_BATCH: usize = 512;

/// What the writer is asked to do.
pub(super) enum Call {
    /// Run this in the next transaction.
    Write(Box<dyn Work>),
    /// Look whether another connection has committed since the last look, and say so to the listeners.
    Look,
}

/// One caller's share of a transaction.
pub(super) trait Work: Send {
    /// Runs the caller's statements and keeps what they gave.
    fn run(&mut self, conn: &Connection) -> Result<()>;
    /// Whether the poller should look for work once this is committed.
    fn wakes(&self) -> bool;
    /// Tells the caller how it ended; `Ok` only after the commit.
    fn answer(self: Box<Self>, end: Result<()>);
}

/// A closure as [`Work`].
pub(super) struct Task<F, T> {
    pub(super) run: Option<F>,
    pub(super) value: Option<T>,
    pub(super) doing: &'static str,
    pub(super) wakes: bool,
    pub(super) caller: oneshot::Sender<Result<T>>,
}

impl<T: Send, F: FnOnce(&Connection) -> Result<T> + Send> Work for Task<F, T> {
    fn run(&mut self, conn: &Connection) -> Result<()> {
        let run = self.run.take().expect("a call is run once");
        let value = catch_unwind(AssertUnwindSafe(|| run(conn))).unwrap_or_else(|_| {
            Err(Error::new(
                Code::StoreIo,
                "the call panicked; nothing was saved",
            ))
        })?;
        self.value = Some(value);
        Ok(())
    }

    fn wakes(&self) -> bool {
        self.wakes
    }

    fn answer(self: Box<Self>, end: Result<()>) {
        let Self {
            value,
            doing,
            caller,
            ..
        } = *self;
        let answer = match end {
            Ok(()) => Ok(value.expect("a call that succeeded left its value")),
            Err(error) => Err(error.while_doing(doing)),
        };
        // A caller that went away does not want to know.
        drop(caller.send(answer));
    }
}

/// Starts the writer thread on `conn`. It ends, after what was sent, when every sender is gone.
pub(super) fn start(
    conn: Connection,
    path: PathBuf,
    schema: &'static Schema,
    changes: Arc<watch::Sender<u64>>,
) -> Result<(mpsc::Sender<Call>, JoinHandle<()>)> {
    let (sender, calls) = mpsc::channel(MAX_WAITING);
    let seen = data_version(&conn)?;
    let writer = Writer {
        conn: Some(conn),
        path,
        schema,
        changes,
        seen,
    };
    let thread = std::thread::Builder::new()
        .name("writer".into())
        .spawn(move || writer.serve(calls))
        .map_err(|e| Error::new(Code::StoreIo, "start the writer thread").because(e))?;
    Ok((sender, thread))
}

struct Writer {
    /// `None` after a failed commit, until the file could be opened anew.
    conn: Option<Connection>,
    path: PathBuf,
    schema: &'static Schema,
    changes: Arc<watch::Sender<u64>>,
    /// SQLite's counter of other connections' commits at the last look.
    seen: i64,
}

impl Writer {
    fn serve(mut self, mut calls: mpsc::Receiver<Call>) {
        let mut waiting = Vec::with_capacity(MAX_BATCH);
        while calls.blocking_recv_many(&mut waiting, MAX_BATCH) > 0 {
            let mut batch = Vec::with_capacity(waiting.len());
            let mut look = false;
            for call in waiting.drain(..) {
                match call {
                    Call::Write(work) => batch.push(work),
                    Call::Look => look = true,
                }
            }
            if look {
                self.look();
            }
            if !batch.is_empty() {
                self.commit(batch);
            }
        }
    }

    /// Tells the listeners if another connection committed.
    fn look(&mut self) {
        // A failed look is made up for by the next one, at most 250 ms later.
        if let Some(version) = self.conn.as_ref().and_then(|conn| data_version(conn).ok())
            && version != self.seen
        {
            self.seen = version;
            self.changes.send_modify(|n| *n += 1);
        }
    }

    fn commit(&mut self, batch: Vec<Box<dyn Work>>) {
        if let Err(error) = self.reopen_if_needed().and_then(|()| self.begin()) {
            return refuse(batch, &error);
        }
        let Some(conn) = &self.conn else { return };
        let mut kept = Vec::with_capacity(batch.len());
        let mut batch = batch.into_iter();
        while let Some(mut work) = batch.next() {
            match run_in_savepoint(conn, work.as_mut()) {
                Ok(()) => kept.push(work),
                Err(error) if conn.is_autocommit() => {
                    // SQLite has rolled the whole transaction back.
                    kept.push(work);
                    kept.extend(batch);
                    return refuse(kept, &error);
                }
                Err(error) => work.answer(Err(error)),
            }
        }
        if let Err(error) = conn.execute_batch("COMMIT") {
            return self.unknown(kept, error);
        }
        if kept.iter().any(|work| work.wakes()) {
            self.changes.send_modify(|n| *n += 1);
        }
        for work in kept {
            work.answer(Ok(()));
        }
    }

    fn begin(&self) -> Result<()> {
        let Some(conn) = &self.conn else {
            return Ok(());
        };
        Ok(conn.execute_batch("BEGIN IMMEDIATE")?)
    }

    fn unknown(&mut self, batch: Vec<Box<dyn Work>>, error: rusqlite::Error) {
        let error = Error::from(error);
        self.conn = None;
        for work in batch {
            let unknown = Error::new(Code::StoreOutcomeUnknown, "").because(error.to_string());
            work.answer(Err(unknown));
        }
    }

    fn reopen_if_needed(&mut self) -> Result<()> {
        if self.conn.is_none() {
            let conn = open::connect_writer(&self.path, self.schema)?;
            self.seen = data_version(&conn)?;
            self.conn = Some(conn);
            // Whatever happened meanwhile, everybody should look.
            self.changes.send_modify(|n| *n += 1);
        }
        Ok(())
    }
}

/// Answers every call of a batch that surely changed nothing.
fn refuse(batch: Vec<Box<dyn Work>>, error: &Error) {
    for work in batch {
        work.answer(Err(
            Error::new(error.code(), "nothing was saved").because(error.to_string())
        ));
    }
}

fn run_in_savepoint(conn: &Connection, work: &mut dyn Work) -> Result<()> {
    conn.prepare_cached("SAVEPOINT call")?.execute([])?;
    let done = work.run(conn).and_then(|()| {
        conn.prepare_cached("RELEASE call")?.execute([])?;
        Ok(())
    });
    if done.is_err() && !conn.is_autocommit() {
        conn.execute_batch("ROLLBACK TO call; RELEASE call")?;
    }
    done
}

/// SQLite's count of commits by *other* connections, as this one sees it.
fn data_version(conn: &Connection) -> Result<i64> {
    Ok(conn
        .prepare_cached("PRAGMA data_version")?
        .query_row([], |row| row.get(0))?)
}
