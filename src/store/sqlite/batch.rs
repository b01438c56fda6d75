//! The calls of one transaction of the writer, bare or each in a savepoint; all are answered together.

use super::transaction::{Differences, Tx};
use super::work::{Parts, Work};
use crate::error::{Code, Error, Result, ignore};
use crate::planted::{self, Bug};
use rusqlite::{Connection, ErrorCode};
use std::collections::VecDeque;

/// Calls in the order in which they came.
pub(super) type Waiting = VecDeque<Box<dyn Work>>;

/// Adds to a call those behind it that want the same done.
pub(super) fn gather(work: &mut Box<dyn Work>, waiting: &mut Waiting) {
    if !work.takes_in() {
        return;
    }
    for other in std::mem::take(waiting) {
        waiting.extend(work.take_in(other));
    }
}

/// Tells a call that it failed. If it is several, one of them is at fault: each has a try of its own.
pub(super) fn answer_or_part(work: Box<dyn Work>, error: Error, waiting: &mut Waiting) {
    match work.part() {
        Parts::One(work) => work.answer(Err(error)),
        Parts::Several(calls) => {
            for call in calls.into_iter().rev() {
                waiting.push_front(call);
            }
        }
    }
}

/// Answers every call of a batch that surely changed nothing.
pub(super) fn refuse(calls: impl IntoIterator<Item = Box<dyn Work>>, error: &Error) {
    for work in calls {
        work.answer(Err(Error::new(error.code(), "nothing was saved").because(error.to_string())));
    }
}

/// Answers every call of a batch of which nobody can say whether it was saved.
pub(super) fn answer_unknown(batch: Vec<Box<dyn Work>>, error: &Error) {
    for work in batch {
        let unknown = Error::new(Code::StoreOutcomeUnknown, "").because(error.to_string());
        work.answer(Err(unknown));
    }
}

/// Takes a transaction back of which the callers are told that nothing was saved.
pub(super) fn roll_back(conn: &Connection) {
    if !conn.is_autocommit() {
        ignore(conn.execute_batch("ROLLBACK"), "SQLite has given the transaction up already");
    }
}

/// Runs a statement that is used again and again.
pub(super) fn run(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.execute([]).map(drop)
}

/// Runs one call and answers how many rows it changed, and the counts. After an error [`take_back`] is due.
///
/// # Errors
/// As the call's; `STORE-IO-001` if a trigger has taken the transaction back and the call did not notice.
pub(in crate::store) fn run_bare(
    conn: &Connection,
    call: &mut dyn FnMut(&Tx<'_>) -> Result<()>,
) -> Result<(u64, Differences)> {
    let before = conn.total_changes();
    let tx = Tx::new(conn);
    call(&tx)?;
    if conn.is_autocommit() {
        return Err(Error::new(Code::StoreIo, "the transaction was taken back within a call"));
    }
    Ok((conn.total_changes() - before, tx.into_differences()))
}

/// Takes back the transaction in which a bare call failed.
pub(in crate::store) fn take_back(conn: &Connection) {
    if planted::is(Bug::KeepsHalfACall) {
        ignore(conn.execute_batch("COMMIT"), "a planted bug has no promise to keep");
    }
    roll_back(conn);
}

/// Runs one call and answers how many rows it changed, and the counts. After an error either its savepoint is rolled back or, where
/// SQLite would not, the whole transaction.
pub(in crate::store) fn run_in_savepoint(
    conn: &Connection,
    call: &mut dyn FnMut(&Tx<'_>) -> Result<()>,
) -> Result<(u64, Differences)> {
    run(conn, "SAVEPOINT call")?;
    let done = run_bare(conn, call).and_then(|done| {
        run(conn, "RELEASE call")?;
        Ok(done)
    });
    let keeps = planted::is(Bug::KeepsHalfACall);
    let take_back = if keeps { "RELEASE call" } else { "ROLLBACK TO call; RELEASE call" };
    if done.is_err() && !conn.is_autocommit() && conn.execute_batch(take_back).is_err() {
        // The caller is told that nothing was saved, so nothing may be.
        roll_back(conn);
    }
    done
}

/// Whether a commit was refused by a constraint, and the transaction, which stays open then, is taken back.
pub(super) fn is_taken_back(conn: &Connection, error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
        && !conn.is_autocommit()
        && conn.execute_batch("ROLLBACK").is_ok()
}

/// Pages of the file that hold something, as this transaction sees it.
pub(super) fn pages(conn: &Connection) -> Result<i64> {
    let ask = |sql| conn.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0));
    Ok(ask("PRAGMA page_count")? - ask("PRAGMA freelist_count")?)
}
