//! The one thread that writes: group commit, and what to believe after an error.
//!
//! Calls that wait together share one `BEGIN IMMEDIATE … COMMIT` and are answered only after the commit (P1). What an error
//! means decides the answer (P2):
//! - a call's own statement fails: the transaction is taken back and the others are run again, now and for some time each
//!   in a savepoint of its own, which is rolled back alone. Savepoints for all would cost more than the calls;
//! - SQLite gave the whole transaction up (full disk, I/O): every call of the batch hears that nothing was saved;
//! - the commit is refused by a constraint of the application's that is checked there: nothing was saved, and each call has
//!   a transaction of its own, so that the one at fault alone is refused;
//! - the commit fails otherwise: every call hears *unknown*. Before anything else is written the file is opened anew and its
//!   log is written once more, since the kernel may hold frames it never wrote (`rewrite.rs`); until that succeeds every call
//!   is refused, reads work, and writes resume by themselves;
//! - the file at the path is another one, or a page is damaged: nothing is acknowledged any more (`guard.rs`).
//!
//! While another program holds the write lock nothing has begun, so waiting is safe: each call waits as long as it may
//! since its caller asked, and then hears that nothing was saved; the calls behind it go on waiting for their own time.

use super::batch::{
    Waiting, answer_or_part, answer_unknown, gather, is_taken_back, pages, refuse, roll_back, run,
    run_bare, run_in_savepoint, take_back,
};
use super::checkpoint::{self, Checkpoints};
use super::guard::Guard;
use super::lock;
use super::open::{self, Limits, Schema};
use super::rewrite;
use super::transaction::Differences;
use super::watched::Watched;
use super::work::{Parts, Work};
use crate::error::{Code, Error, Result, ignore};
use crate::planted::{self, Bug};
use crate::store::{Board, News};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::{mpsc, watch};

/// Calls that may wait for the writer; further callers wait for room. Two batches' worth.
const MAX_WAITING: usize = 1024;
/// Calls that share a commit: enough to spread the cost of a sync thin, few enough to bound its delay.
const MAX_BATCH: usize = 512;
/// New pages, 16 MB, that a transaction takes before the calls left go into the next: most of what the WAL may grow by
/// between two looks at its length. Changes of pages that are there come on top, and one call alone may take more.
const MAX_PAGES: i64 = 4096;
/// Transactions in which each call has a savepoint after a call has failed: where one fails, more may.
const CAUTIOUS: u32 = 100;
/// A request to the writer.
pub(super) enum Call {
    /// Run this in the next transaction.
    Write(Box<dyn Work>),
    /// Look whether another connection has committed since the last look, and say so to the listeners.
    Look,
}

/// Starts the writer thread on `conn`. It ends, after what was sent, when every sender is gone.
pub(super) fn start(
    conn: Connection,
    path: &Path,
    schema: &'static Schema,
    limits: Limits,
    (changes, news): (Arc<watch::Sender<u64>>, Arc<News>),
    (board, guard): (&Arc<Board>, &Arc<Guard>),
) -> Result<(mpsc::Sender<Call>, JoinHandle<()>)> {
    let (sender, calls) = mpsc::channel(MAX_WAITING);
    let (seen, watched) = (data_version(&conn)?, Watched::of(&conn, path)?);
    checkpoint::note_length(&conn);
    let ours = (Arc::clone(board), Arc::clone(guard));
    let checkpoints = Checkpoints::start(path, schema, limits, ours)?;
    let writer = Writer {
        conn: Some(conn),
        path: path.to_owned(),
        schema,
        limits,
        changes,
        news,
        guard: Arc::clone(guard),
        watched,
        checkpoints,
        seen,
        cautious: 0,
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
    limits: Limits,
    changes: Arc<watch::Sender<u64>>,
    news: Arc<News>,
    guard: Arc<Guard>,
    watched: Watched,
    checkpoints: Checkpoints,
    /// SQLite's counter of other connections' commits at the last look.
    seen: i64,
    /// In so many more transactions each call has a savepoint.
    cautious: u32,
}

impl Writer {
    fn serve(mut self, mut calls: mpsc::Receiver<Call>) {
        let mut received = Vec::with_capacity(MAX_BATCH);
        let mut waiting = Waiting::with_capacity(MAX_BATCH);
        while calls.blocking_recv_many(&mut received, MAX_BATCH) > 0 {
            let mut look = false;
            for call in received.drain(..) {
                look |= sort(call, &mut waiting);
            }
            if look {
                self.look();
            }
            while !waiting.is_empty() {
                if self.commit(&mut waiting, &mut calls, MAX_BATCH) {
                    self.look();
                }
                self.tend_log();
            }
        }
    }

    /// Has the WAL written back as its length asks for, now that no transaction is open and every caller has its answer.
    fn tend_log(&mut self) {
        if let Some(conn) = &self.conn {
            let tended = self.guard.heeded(self.checkpoints.after_commit(conn));
            ignore(tended, "the look after the next commit makes up for it");
        }
    }

    /// Tells the listeners if another connection committed, and looks whether the files are still the ones at the paths.
    fn look(&mut self) {
        if let Err(error) = self.look_at_files() {
            self.guard.heed(&error);
        }
        // If this look fails, the next one makes up for it, at most 250 ms later.
        if let Some(version) = self.conn.as_ref().and_then(|conn| data_version(conn).ok())
            && version != self.seen
        {
            self.seen = version;
            self.changes.send_modify(|n| *n += 1);
            self.news.tell_foreign();
        }
    }

    /// Runs what is waiting, up to [`MAX_PAGES`], in one transaction, and what comes while it waits for the write lock or
    /// runs, up to `most` calls: it would else wait for another sync. Answers whether somebody has asked for a look meanwhile.
    fn commit(
        &mut self,
        waiting: &mut Waiting,
        calls: &mut mpsc::Receiver<Call>,
        most: usize,
    ) -> bool {
        let begun = self
            .guard
            .check()
            .and_then(|()| self.reopen_if_needed())
            .and_then(|()| self.look_at_files())
            .and_then(|()| self.check_log())
            .and_then(|()| self.begin(waiting));
        if let Err(error) = begun {
            self.guard.heed(&error);
            self.guard.refused(&error);
            refuse(waiting.drain(..), &error);
            return false;
        }
        let Some(conn) = self.conn.as_ref().filter(|conn| !conn.is_autocommit()) else {
            return false;
        };
        let (mut changed, mut look) = (false, false);
        let mut differences = Differences::default();
        let mut kept = Vec::with_capacity(waiting.len());
        let full = pages(conn).map_or(i64::MAX, |pages| pages + MAX_PAGES);
        // Calls that fail count too: they would else keep the others from their answers.
        let mut taken = waiting.len();
        loop {
            while taken < most
                && let Ok(call) = calls.try_recv()
            {
                taken += 1;
                look |= sort(call, waiting);
            }
            let Some(mut work) = waiting.pop_front() else { break };
            gather(&mut work, waiting);
            let has_savepoint = self.cautious > 0 && !kept.is_empty();
            let run = if has_savepoint { run_in_savepoint } else { run_bare };
            match run(conn, &mut |tx| work.run(tx)) {
                Ok((rows, of_call)) => {
                    changed |= rows > 0;
                    differences.merge(of_call);
                    kept.push(work);
                }
                Err(error) if conn.is_autocommit() || error.code() == Code::StoreDamaged => {
                    // SQLite has rolled the whole transaction back, or it is for us to do, for the file is damaged.
                    roll_back(conn);
                    self.guard.heed(&error);
                    self.guard.refused(&error);
                    kept.push(work);
                    kept.extend(waiting.drain(..));
                    refuse(kept, &error);
                    return look;
                }
                Err(_) if !has_savepoint && !kept.is_empty() => {
                    // What it was refused for may be taken back with the others: it hears how its second run ends.
                    take_back(conn);
                    self.cautious = CAUTIOUS;
                    kept.push(work);
                    kept.into_iter().rev().for_each(|work| waiting.push_front(work));
                    return look;
                }
                Err(error) => {
                    answer_or_part(work, error, waiting);
                    if !has_savepoint {
                        take_back(conn);
                        return look;
                    }
                }
            }
            if pages(conn).is_ok_and(|pages| pages >= full) {
                break;
            }
        }
        self.cautious = self.cautious.saturating_sub(1);
        self.finish(kept, &differences, changed, calls) || look
    }

    /// Commits the open transaction and answers its calls. Answers whether somebody has asked for a look meanwhile.
    fn finish(
        &mut self,
        mut kept: Vec<Box<dyn Work>>,
        differences: &Differences,
        changed: bool,
        calls: &mut mpsc::Receiver<Call>,
    ) -> bool {
        let Some(conn) = &self.conn else { return false };
        // A reader may have met damage since the transaction began, and told a caller of it whose call came in after that.
        if let Err(error) = self.guard.check() {
            roll_back(conn);
            refuse(kept, &error);
            return false;
        }
        if let Err(error) = differences.write(conn) {
            // A change must be saved together with its counts.
            roll_back(conn);
            self.guard.heed(&error);
            refuse(kept, &error);
            return false;
        }
        if planted::is(Bug::AnswersBeforeCommit) {
            kept.drain(..).for_each(|work| work.answer(Ok(())));
        }
        if let Err(error) = run(conn, "COMMIT") {
            if is_taken_back(conn, &error) {
                return self.commit_each(kept, calls, error);
            }
            let error = Error::from(error);
            self.guard.heed(&error);
            self.guard.refused(&error);
            self.disconnect();
            answer_unknown(kept, &error);
            return false;
        }
        // What was saved in a file that nobody finds again is not saved.
        if let Err(error) = self.look_at_files() {
            self.guard.heed(&error);
            // It is saved somewhere: every listener should look.
            self.changes.send_modify(|n| *n += 1);
            self.news.tell_foreign();
            answer_unknown(kept, &error);
            return false;
        }
        self.guard.committed();
        if changed {
            self.changes.send_modify(|n| *n += 1);
        }
        self.news.tell(differences.steps());
        for work in kept {
            work.answer(Ok(()));
        }
        false
    }

    /// Refuses writes while the WAL is at its limit; the checkpointer tries to shrink it.
    fn check_log(&self) -> Result<()> {
        let pending = |conn| checkpoint::look(conn).ok().flatten().map_or(0, |log| log.pending);
        let size = if self.schema.is_guest() {
            self.conn.as_ref().map_or(0, pending)
        } else {
            self.watched.log_size()
        };
        if size < self.limits.wal_bytes {
            return Ok(());
        }
        let why = format!("the log has {size} bytes, the limit is {}", self.limits.wal_bytes);
        Err(Error::new(Code::StoreWalFull, why))
    }

    /// Waits for the write lock without an end and refuses meanwhile each call whose time is over. Without a call
    /// left it takes none.
    fn begin(&self, waiting: &mut Waiting) -> Result<()> {
        let Some(conn) = &self.conn else {
            return Ok(());
        };
        let mut is_first = true;
        while !waiting.is_empty() {
            match lock::try_begin(conn, std::mem::take(&mut is_first)) {
                Err(error) if error.code() == Code::StoreBusy => {
                    let over = |asked: Instant| asked.elapsed() >= self.limits.lock_wait;
                    let (late, rest): (Waiting, Waiting) =
                        std::mem::take(waiting).into_iter().partition(|work| over(work.asked()));
                    *waiting = rest;
                    if !late.is_empty() {
                        self.guard.refused(&error);
                    }
                    refuse(late, &error);
                }
                begun => return begun,
            }
        }
        Ok(())
    }

    /// Commits each of these calls by itself, of which nothing was saved. One that was alone in its transaction is refused.
    fn commit_each(
        &mut self,
        kept: Vec<Box<dyn Work>>,
        calls: &mut mpsc::Receiver<Call>,
        error: rusqlite::Error,
    ) -> bool {
        let (mut look, is_alone) = (false, kept.len() == 1);
        let mut each = Vec::with_capacity(kept.len());
        for work in kept {
            match work.part() {
                Parts::One(work) if is_alone => {
                    refuse([work], &Error::from(error));
                    return look;
                }
                Parts::One(work) => each.push(work),
                Parts::Several(works) => each.extend(works),
            }
        }
        for work in each {
            let mut waiting = Waiting::from([work]);
            while !waiting.is_empty() {
                look |= self.commit(&mut waiting, calls, 1);
            }
        }
        look
    }

    /// Looks whether the files are still the ones at the paths. Not inside a transaction.
    fn look_at_files(&mut self) -> Result<()> {
        match &self.conn {
            Some(conn) => self.watched.look(conn),
            None => Ok(()),
        }
    }

    /// Closes the connection. Where no other one has the file open, SQLite removes the log then, and the next connection makes
    /// a new one.
    fn disconnect(&mut self) {
        if let Err(error) = self.look_at_files() {
            self.guard.heed(&error);
        }
        self.conn = None;
        self.watched.expect_new_log();
    }

    fn reopen_if_needed(&mut self) -> Result<()> {
        if self.conn.is_none() {
            let conn = open::connect_writer(&self.path, self.schema)?;
            if !planted::is(Bug::ReopensWithoutLog) {
                // First the log: what is in the database and not in the log is torn by a loss of power.
                rewrite::log(&conn, &self.path, self.limits.lock_wait)?;
                open::write_back(&conn, self.schema)?;
            }
            self.seen = data_version(&conn)?;
            checkpoint::note_length(&conn);
            self.conn = Some(conn);
            // Something may have changed meanwhile, so every listener should look.
            self.changes.send_modify(|n| *n += 1);
            self.news.tell_foreign();
        }
        Ok(())
    }
}

/// Puts a call into the line; answers whether it is for a look instead.
fn sort(call: Call, waiting: &mut Waiting) -> bool {
    match call {
        Call::Write(work) => waiting.push_back(work),
        Call::Look => return true,
    }
    false
}

/// SQLite's count of commits by *other* connections, as this one sees it.
fn data_version(conn: &Connection) -> Result<i64> {
    Ok(conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::super::ledger::Component;
    use super::super::transaction::Tx;
    use super::super::{Database, Owner, Schema};
    use super::{Instant, Limits, MAX_BATCH, open};
    use crate::error::{Code, Error, Result};
    use crate::store::OpenMode;
    use rusqlite::Connection;
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::task::{Context, Waker};
    use std::time::Duration;
    use tempfile::TempDir;

    static SCHEMA: Schema = Schema {
        owner: Owner::Ours { application_id: 78 },
        components: &[&ONE],
        durable: true,
        witness: None,
    };
    static ONE: Component = Component {
        name: "one",
        migrations: &["
CREATE TABLE one (x INT UNIQUE, fill BLOB) STRICT;
CREATE TABLE two (y INT REFERENCES one (x) DEFERRABLE INITIALLY DEFERRED) STRICT;"],
    };

    fn database() -> (TempDir, Database) {
        let folder = tempfile::tempdir().unwrap();
        let db = Database::open(&folder.path().join("x.db"), &SCHEMA, OpenMode::Migrate).unwrap();
        (folder, db)
    }

    fn insert(conn: &Connection, x: i64) -> Result<()> {
        conn.execute("INSERT INTO one (x) VALUES (?1)", [x])?;
        Ok(())
    }

    async fn rows(db: &Database) -> i64 {
        let count =
            |c: &Connection| Ok(c.query_row("SELECT count(*) FROM one", [], |row| row.get(0))?);
        db.read("count", count).await.unwrap()
    }

    #[tokio::test]
    async fn p4_a_call_that_fails_takes_back_its_own_statements_and_nobody_elses() {
        let (_folder, db) = database();
        let good = db.row("insert", |c| insert(c, 1));
        let bad = db.row("insert", |c| insert(c, 2).and_then(|()| insert(c, 1)));
        let also = db.row("insert", |c| insert(c, 3));
        let (good, bad, also) = tokio::join!(good, bad, also);
        assert!(good.is_ok() && also.is_ok());
        assert_eq!(bad.unwrap_err().code(), Code::StoreConstraint);
        assert_eq!(rows(&db).await, 2);
    }

    /// Inserts each, and refuses 7 by an answer of its own.
    fn insert_all(tx: &Tx<'_>, all: &[i64]) -> Result<Vec<Result<usize>>> {
        let each = all.iter().map(|x| match x {
            7 => Ok(Err(Error::new(Code::StoreLeaseLost, "seven"))),
            x => insert(tx, *x).map(|()| Ok(all.len())),
        });
        each.collect()
    }

    /// Puts a call into the line that fails and puts the next one like it there, until `failed` has come to [`ENDLESS`].
    fn fail_again(db: &Arc<Database>, failed: &Arc<AtomicUsize>) {
        let (line, count) = (Arc::clone(db), Arc::clone(failed));
        let call = db.row("fail", move |_| {
            if count.fetch_add(1, Ordering::Relaxed) < ENDLESS {
                fail_again(&line, &count);
            }
            Err::<(), _>(Error::new(Code::StoreConstraint, "again"))
        });
        // The first step sends the call; nobody waits for its answer.
        let sent = pin!(call).poll(&mut Context::from_waker(Waker::noop()));
        assert!(sent.is_pending());
    }

    const ENDLESS: usize = 2_000_000;

    #[tokio::test]
    async fn calls_that_fail_and_come_again_keep_no_other_call_from_its_answer() {
        let (_folder, db) = database();
        let (db, failed) = (Arc::new(db), Arc::new(AtomicUsize::new(0)));
        let (line, count) = (Arc::clone(&db), Arc::clone(&failed));
        let good = db.row("insert", move |c| {
            fail_again(&line, &count);
            insert(c, 1)
        });
        good.await.unwrap();
        let meanwhile = failed.swap(ENDLESS, Ordering::Relaxed);
        assert!(meanwhile < ENDLESS, "it was answered after {meanwhile} others");
        assert_eq!(rows(&db).await, 1);
    }

    #[tokio::test]
    async fn calls_that_want_the_same_done_are_one_and_each_hears_its_own_answer() {
        let (_folder, db) = database();
        let calls = (1..=9).map(|x| db.rule_together("insert", x, insert_all));
        let answers = futures_util::future::join_all(calls).await;
        let refused: Vec<_> = answers.iter().map(Result::is_err).collect();
        assert_eq!(refused, [false, false, false, false, false, false, true, false, false]);
        assert_eq!(answers[6].as_ref().unwrap_err().code(), Code::StoreLeaseLost);
        assert!(answers.iter().flatten().any(|together| *together > 1), "{answers:?}");
        assert_eq!(rows(&db).await, 8);
    }

    #[tokio::test]
    async fn one_call_that_spoils_the_set_is_refused_and_the_others_are_done() {
        let (_folder, db) = database();
        db.row("insert", |c| insert(c, 3)).await.unwrap();
        let calls = (1..=5).map(|x| db.rule_together("insert", x, insert_all));
        let answers = futures_util::future::join_all(calls).await;
        let refused: Vec<_> = answers.iter().map(Result::is_err).collect();
        assert_eq!(refused, [false, false, true, false, false]);
        assert_eq!(answers[2].as_ref().unwrap_err().code(), Code::StoreConstraint);
        assert_eq!(rows(&db).await, 5);
    }

    #[tokio::test]
    async fn a_call_that_panics_saves_nothing_and_the_writer_goes_on() {
        let (_folder, db) = database();
        let panics = |c: &Tx<'_>| -> Result<()> {
            insert(c, 1)?;
            panic!("as if by a bug")
        };
        assert!(db.row("insert", panics).await.is_err());
        db.row("insert", |c| insert(c, 2)).await.unwrap();
        assert_eq!(rows(&db).await, 1);
    }

    #[tokio::test]
    async fn p2_a_transaction_that_sqlite_gave_up_is_refused_to_every_caller() {
        let (_folder, db) = database();
        // What an I/O error inside a statement does to the whole transaction.
        let gives_up = |c: &Tx<'_>| -> Result<()> {
            c.execute_batch("ROLLBACK")?;
            Err(Error::new(Code::StoreIo, "disk I/O error"))
        };
        let first = db.row("insert", |c| insert(c, 1));
        let second = db.row("insert", gives_up);
        let third = db.row("insert", |c| insert(c, 3));
        // In one batch or several: each caller that shared the batch of the second call hears that nothing was saved.
        let (first, second, third) = tokio::join!(first, second, third);
        let said = [first.is_ok(), third.is_ok()].into_iter().filter(|ok| *ok).count();
        assert_eq!(second.unwrap_err().code(), Code::StoreIo);
        assert_eq!(rows(&db).await, said as i64, "saved is exactly what was acknowledged");
        db.row("insert", |c| insert(c, 4)).await.unwrap();
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a file beside ours")]
    async fn p2_a_commit_that_fails_is_unknown_and_the_next_write_works_on_a_fresh_connection() {
        let (folder, db) = database();
        // The commit needs the lock of a second file, which somebody reads.
        let path = folder.path().join("second.db");
        let second = Connection::open(&path).unwrap();
        second.execute_batch("CREATE TABLE t (x); BEGIN; SELECT * FROM t").unwrap();
        let path = path.to_str().unwrap().to_owned();
        let fails = move |c: &Tx<'_>| {
            c.execute("ATTACH :path AS second", [&path])?;
            c.execute_batch("INSERT INTO second.t VALUES (1)")?;
            insert(c, 1)
        };
        let unknown = db.row("insert", fails).await.unwrap_err();
        assert!(unknown.is_outcome_unknown(), "{unknown}");
        db.row("insert", |c| insert(c, 2)).await.unwrap();
        assert_eq!(rows(&db).await, 1);
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "a file beside ours")]
    async fn p26_after_a_failed_commit_a_foreign_reader_keeps_no_write_refused() {
        let (folder, db) = database();
        db.row("insert", |c| insert(c, 1)).await.unwrap();
        let reader = open::connect_writer(&folder.path().join("x.db"), &SCHEMA).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM one").unwrap();
        db.row("insert", |c| insert(c, 2)).await.unwrap();
        let path = folder.path().join("second.db");
        let second = Connection::open(&path).unwrap();
        second.execute_batch("CREATE TABLE t (x); BEGIN; SELECT * FROM t").unwrap();
        let path = path.to_str().unwrap().to_owned();
        let fails = move |c: &Tx<'_>| {
            c.execute("ATTACH :path AS second", [&path])?;
            c.execute_batch("INSERT INTO second.t VALUES (1)")?;
            insert(c, 3)
        };
        let log = folder.path().join("x.db-wal");
        assert!(db.row("insert", fails).await.unwrap_err().is_outcome_unknown());
        let before = std::fs::read(&log).unwrap();
        db.row("insert", |c| insert(c, 4)).await.unwrap();
        let after = std::fs::read(&log).unwrap();
        assert!(after.len() > before.len(), "the reader keeps the log from being emptied");
        assert_eq!(after[..before.len()], before, "what was written again is what was there");
        let count: i64 =
            reader.query_row("SELECT count(*) FROM one", [], |row| row.get(0)).unwrap();
        assert_eq!((count, rows(&db).await), (1, 3));
    }

    #[tokio::test]
    async fn p2_what_a_commit_refuses_by_a_constraint_is_refused_alone_and_surely_not_saved() {
        let (_folder, db) = database();
        let spoil = |c: &Tx<'_>| {
            // A deferred constraint is checked by the COMMIT itself.
            c.execute("INSERT INTO two VALUES (99)", [])?;
            insert(c, 9)
        };
        let together: super::super::work::Together<i64, ()> = |c, numbers| {
            for number in numbers {
                c.execute("INSERT INTO two SELECT 99 WHERE :x = 7", [number])?;
                insert(c, *number)?;
            }
            Ok(numbers.iter().map(|_| Ok(())).collect())
        };
        let (first, second, third, fourth, fifth) = tokio::join!(
            db.row("insert", |c| insert(c, 1)),
            db.row("insert", spoil),
            db.row("insert", |c| insert(c, 3)),
            db.rule_together("insert together", 5, together),
            db.rule_together("insert together", 7, together),
        );
        assert_eq!(
            [first.is_ok(), third.is_ok(), fourth.is_ok()],
            [true; 3],
            "{first:?} {third:?} {fourth:?}"
        );
        for refused in [second.unwrap_err(), fifth.unwrap_err()] {
            assert_eq!(refused.code(), Code::StoreConstraint, "{refused}");
        }
        assert_eq!(rows(&db).await, 3);
    }

    #[tokio::test]
    async fn p26_on_a_full_disk_writes_are_refused_reads_work_and_writes_resume() {
        let (_folder, db) = database();
        let limit =
            |pages: i64| move |c: &Tx<'_>| Ok(c.pragma_update(None, "max_page_count", pages)?);
        let big = |c: &Tx<'_>| {
            c.execute("INSERT INTO one (x, fill) VALUES (9, zeroblob(1000000))", [])?;
            Ok(())
        };
        db.row("insert", |c| insert(c, 1)).await.unwrap();
        db.row("limit", limit(8)).await.unwrap();
        assert_eq!(db.row("insert", big).await.unwrap_err().code(), Code::StoreFull);
        assert_eq!(rows(&db).await, 1);
        db.row("limit", limit(1_000_000)).await.unwrap();
        db.row("insert", big).await.unwrap();
        assert_eq!(rows(&db).await, 2);
    }

    #[tokio::test]
    async fn p2_behind_a_foreign_lock_every_call_waits_its_whole_time_and_none_waits_for_two() {
        // Long beside what a loaded machine takes to hand out the answers: once that was more than a second.
        const WAIT: Duration = Duration::from_secs(4);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let limits = Limits { lock_wait: WAIT, ..Limits::DEFAULT };
        let db = Database::open_with(&path, &SCHEMA, OpenMode::Migrate, limits).unwrap();
        let foreign = open::connect_writer(&path, &SCHEMA).unwrap();
        foreign.execute_batch("BEGIN IMMEDIATE").unwrap();
        // More than one batch takes.
        let calls = (0..MAX_BATCH as i64 + 100).map(|x| {
            let db = &db;
            async move {
                let asked = Instant::now();
                (db.row("insert", move |c| insert(c, x)).await, asked.elapsed())
            }
        });
        for (answer, waited) in futures_util::future::join_all(calls).await {
            let error = answer.unwrap_err();
            assert_eq!(error.code(), Code::StoreBusy);
            assert!(!error.to_string().contains("locked"), "{error}");
            assert!(waited >= WAIT && waited < WAIT.mul_f32(1.9), "{waited:?}");
        }
        foreign.execute_batch("ROLLBACK").unwrap();
        assert_eq!(rows(&db).await, 0, "what was refused is not done later");
        db.row("insert", |c| insert(c, 1)).await.unwrap();
    }

    #[tokio::test]
    async fn listeners_hear_of_every_commit_that_changed_something_and_of_no_other() {
        let (_folder, db) = database();
        let changes = db.changes();
        db.row("nothing", |_| Ok(())).await.unwrap();
        let taken_back = |c: &Tx<'_>| insert(c, 9).and_then(|()| insert(c, 9));
        db.row("a change that is rolled back", taken_back).await.unwrap_err();
        assert!(!changes.has_changed().unwrap());
        db.row("insert", |c| insert(c, 1)).await.unwrap();
        assert!(changes.has_changed().unwrap());
    }

    #[tokio::test]
    async fn a_write_happens_even_if_its_caller_goes_away() {
        let (_folder, db) = database();
        let ran = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&ran);
        let write = db.row("insert", move |c| {
            flag.store(true, Ordering::SeqCst);
            insert(c, 1)
        });
        // Polled once: the call is sent; then the caller is dropped.
        tokio::select! {
            biased;
            _ = write => {}
            () = std::future::ready(()) => {}
        }
        db.row("after", |c| insert(c, 2)).await.unwrap();
        assert!(ran.load(Ordering::SeqCst));
        assert_eq!(rows(&db).await, 2);
    }
}
