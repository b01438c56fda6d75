//! Writes the WAL back into the database: a thread with a connection of its own, so that callers wait for commits only.
//!
//! By default, SQLite writes back every 1,000 pages in the thread that commits. That makes a caller wait, and a busy
//! writer outruns it: the log begins anew only if a commit finds all of it written back. So the writer asks this thread
//! every 2 MB, and from 4 MB on it waits, between two transactions, for one checkpoint that nothing outruns. So the log is
//! begun anew while it is small: a commit that writes over what the caches of kernel and disk still hold takes two thirds
//! of the time of one that writes over 32 MB in turn. The writers of other processes do not wait for it: once little is left
//! of a log that is too long, the rest is written back under the write lock.
//!
//! Only a reader's snapshot can make the log grow further: the frames after it must stay. That is said once from 256 MB
//! on, and at [`Limits::wal_bytes`] the writer refuses. While the file is larger than it need be, this thread tries every
//! second to write it back and to cut it, so that it is small again within seconds of the reader's end.
//!
//! The log of an application's file is written back and never cut: there the frames that are not written back yet take the
//! place of the file's size.
//!
//! *Invariant:* the sizes of files come from `stat`; see `open.rs` for what opening them would do.

use super::guard::Guard;
use super::header::FRAME_HEADER;
use super::lock;
use super::open::{self, Limits, Schema, WAL_SIZE_LIMIT};
use crate::clock::Clock;
use crate::error::{Code, Error, Result, ignore};
use crate::model::Service;
use crate::store::Board;
use crate::warn_coded;
use rusqlite::Connection;
use std::cell::Cell;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The log is written back each time it has grown by this: often enough for little to be left at a pause.
const ASK_EVERY: u64 = 2 * MB;
/// The log's length from which on the writer pauses: about that of SQLite's own 1,000 pages. Without the pause a busy writer
/// reaches 200 MB.
const PAUSE_AT: u64 = 4 * MB;
/// If a pause left the log as it was because somebody was just reading, the next pause comes after this many bytes.
const PAUSE_AGAIN: u64 = 2 * MB;
/// The longest pause; a checkpoint that takes longer goes on without it.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// How often a file that is too large is tried again, and one that other programs write to is looked at.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// What may be left to write back under the write lock, so that nobody waits for long.
const LITTLE: u64 = 16 * MB;
/// How long a checkpoint that left much waits for the readers it left it to. Pages and calls read for milliseconds, and a reader
/// that takes longer is waited for again when the log has grown by half.
const READERS_END: Duration = Duration::from_millis(20);
/// How long it waits between two tries: SQLite tells nobody of the end of a reader.
const READERS_LOOK: Duration = Duration::from_millis(1);
/// From this length on the writers of all processes wait for whatever is left.
const MUCH: u64 = 4 * WAL_SIZE_LIMIT;
/// How long a checkpoint waits for the write lock.
const HOLD_WITHIN: Duration = Duration::from_secs(1);
const MB: u64 = 1024 * 1024;

/// Tells how long the log is and writes nothing.
const LOOK: &str = "PRAGMA wal_checkpoint(NOOP)";
/// Writes back what no reader needs, and waits for nobody.
const WRITE_BACK: &str = "PRAGMA wal_checkpoint(PASSIVE)";
/// Empties the file as well. Takes the write lock, and waits for readers as long as the connection's busy timeout.
const EMPTY: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// How long the log is, in bytes. The file may be longer: it is written again from its beginning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Log {
    /// All of it.
    pub(super) held: u64,
    /// What is not in the database yet.
    pub(super) pending: u64,
}

/// The length of the log as `conn` sees it; `None` if another checkpoint holds it. Not inside a transaction.
pub(super) fn look(conn: &Connection) -> Result<Option<Log>> {
    run(conn, LOOK)
}

thread_local! {
    /// Pages that the log held after this thread's last commit.
    static HELD: Cell<u64> = const { Cell::new(0) };
}

/// Has SQLite note the length of the log after each commit on `conn`, in the thread that commits: a look costs a third of
/// what a small commit does besides its sync.
pub(super) fn note_length(conn: &Connection) {
    conn.wal_hook(Some(|_, pages| {
        HELD.set(u64::from(pages.unsigned_abs()));
        Ok(())
    }));
}

fn run(conn: &Connection, checkpoint: &str) -> Result<Option<Log>> {
    let frames = |row: &rusqlite::Row<'_>| Ok((row.get(1)?, row.get(2)?));
    let (all, done): (i64, i64) = conn.prepare_cached(checkpoint)?.query_row([], frames)?;
    let frame = frame(conn)?;
    // Both are -1 where the checkpoint could not begin.
    let bytes = |frames: i64| u64::try_from(frames).ok().map(|frames| frames * frame);
    let log = bytes(all).zip(bytes(done));
    Ok(log.map(|(held, done)| Log { held, pending: held.saturating_sub(done) }))
}

/// What a page takes of the log, in bytes.
fn frame(conn: &Connection) -> Result<u64> {
    let ask = "PRAGMA page_size";
    let page: i64 = conn.prepare_cached(ask)?.query_row([], |row| row.get(0))?;
    Ok(page as u64 + FRAME_HEADER)
}

/// What the writer asks for after a commit.
#[derive(Debug, PartialEq, Eq)]
enum Ask {
    Nothing,
    Checkpoint,
    /// A checkpoint, and the writer waits for it.
    Pause,
}

/// Up to where the log was when something was asked for last, in bytes.
#[derive(Debug, Default)]
struct Pace {
    seen: u64,
    asked: u64,
    paused: u64,
}

impl Pace {
    /// Notes the log's length; a shorter one was begun anew.
    fn see(&mut self, held: u64) {
        if held < self.seen {
            *self = Self::default();
        }
        self.seen = held;
    }

    /// Whether a log of this length may ask for something; what it asks for, a look at the log tells.
    fn is_due(&mut self, held: u64) -> bool {
        self.see(held);
        held >= self.asked + ASK_EVERY || held >= PAUSE_AT.max(self.paused + PAUSE_AGAIN)
    }

    /// Decides what to ask for. Behind a reader the steps grow with the log, since each try has to sort all of it.
    fn next(&mut self, log: Log) -> Ask {
        self.see(log.held);
        let behind_a_reader = log.pending > PAUSE_AT;
        let step = if behind_a_reader { log.held / 2 } else { PAUSE_AGAIN };
        if log.held >= PAUSE_AT.max(self.paused + step) {
            (self.asked, self.paused) = (log.held, log.held);
            Ask::Pause
        } else if log.held >= self.asked + ASK_EVERY.max(log.held / 16) {
            self.asked = log.held;
            Ask::Checkpoint
        } else {
            Ask::Nothing
        }
    }
}

/// The writer's end of the checkpointer. Dropping it ends the thread after the checkpoint it may be at.
#[derive(Debug)]
pub(super) struct Checkpoints {
    asks: Arc<Asks>,
    pace: Pace,
    /// What a page takes of the log, in bytes; `None`: nobody has asked yet.
    frame: Option<u64>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Starts the thread; it connects when it is first asked.
    pub(super) fn start(
        path: &Path,
        schema: &'static Schema,
        limits: Limits,
        (board, guard): (Arc<Board>, Arc<Guard>),
    ) -> Result<Self> {
        let asks = Arc::new(Asks::default());
        let checkpointer = Checkpointer {
            path: path.to_owned(),
            is_guest: schema.is_guest(),
            pending: 0,
            limits,
            board,
            guard,
            conn: None,
            holder: None,
            tried_alone: 0,
            alarmed: false,
            failing: false,
        };
        let theirs = Arc::clone(&asks);
        let thread = std::thread::Builder::new()
            .name("checkpointer".into())
            .spawn(move || checkpointer.serve(&theirs))
            .map_err(|e| Error::new(Code::StoreIo, "start the checkpointer thread").because(e))?;
        Ok(Self { asks, pace: Pace::default(), frame: None, thread: Some(thread) })
    }

    /// Asks for what the log needs after a commit of this thread on `conn`, of which the length was noted; called between
    /// transactions. Returns within [`PAUSE_MAX`].
    ///
    /// # Errors
    /// As SQLite's when it is asked for the length of the log.
    pub(super) fn after_commit(&mut self, conn: &Connection) -> Result<()> {
        let frame = match self.frame {
            Some(frame) => frame,
            None => *self.frame.insert(frame(conn)?),
        };
        if self.pace.is_due(HELD.get() * frame)
            && let Some(log) = look(conn)?
        {
            // Others may have committed since.
            HELD.set(log.held / frame);
            self.tend(log);
        }
        Ok(())
    }

    fn tend(&mut self, log: Log) {
        match self.pace.next(log) {
            Ask::Nothing => {}
            Ask::Checkpoint => {
                self.asks.ask();
            }
            Ask::Pause => self.asks.wait_for(self.asks.ask()),
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.asks.lock().stop = true;
        self.asks.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join().map_err(|_| "the checkpointer panicked");
            ignore(ended, "the next opening of the file writes its log back");
        }
    }
}

/// Numbered asks: a checkpoint answers all that were there when it began.
#[derive(Debug, Default)]
struct Asks {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    asked: u64,
    done: u64,
    stop: bool,
}

impl Asks {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self) -> u64 {
        let mut state = self.lock();
        state.asked += 1;
        self.changed.notify_all();
        state.asked
    }

    fn wait_for(&self, ask: u64) {
        let waits = |state: &mut State| state.done < ask;
        // After the longest pause the writer goes on, even if the checkpoint is not done.
        drop(self.changed.wait_timeout_while(self.lock(), PAUSE_MAX, waits));
    }

    /// Waits for an ask, a second at most, and answers the last done and the last asked; `None` at the end.
    fn next(&self) -> Option<(u64, u64)> {
        let idle = |state: &mut State| state.asked == state.done && !state.stop;
        let waited = self.changed.wait_timeout_while(self.lock(), RETRY_EVERY, idle);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (!state.stop).then_some((state.done, state.asked))
    }

    fn finish(&self, ask: u64) {
        self.lock().done = ask;
        self.changed.notify_all();
    }
}

struct Checkpointer {
    path: PathBuf,
    /// Whether the file is an application's.
    is_guest: bool,
    /// Bytes that the last checkpoint left in the log.
    pending: u64,
    limits: Limits,
    board: Arc<Board>,
    guard: Arc<Guard>,
    /// `None` before the first ask and after an error.
    conn: Option<Connection>,
    /// Holds the write lock while the rest of a long log is written back.
    holder: Option<Connection>,
    /// How long the log was when a checkpoint under the write lock left something of it; 0: none did.
    tried_alone: u64,
    /// Whether it was said that the log is large.
    alarmed: bool,
    /// Whether it was said that checkpoints fail.
    failing: bool,
}

impl Checkpointer {
    fn serve(mut self, asks: &Asks) {
        while let Some((done, asked)) = asks.next() {
            if asked != done || self.size() > WAL_SIZE_LIMIT {
                self.checkpoint();
            }
            self.watch_size();
            asks.finish(asked);
        }
    }

    /// How large the log is, for the limits.
    fn size(&self) -> u64 {
        if self.is_guest { self.pending } else { open::wal_size(&self.path) }
    }

    fn checkpoint(&mut self) {
        let ended = self.write_back();
        let ran = ended.as_ref().map(|()| "wrote the log back".to_owned());
        self.board.ran(&Service::Checkpointer, Clock::system().now(), ran);
        match ended {
            Ok(()) => self.failing = false,
            // Another program writes back or holds the lock: the next checkpoint comes soon.
            Err(error) if error.code() == Code::StoreBusy => {}
            Err(error) => {
                self.guard.heed(&error);
                if !mem::replace(&mut self.failing, true) {
                    let path = self.path.display();
                    warn_coded!(
                        Code::StoreCheckpoint,
                        "write back the write-ahead log of {path}: {error}"
                    );
                }
            }
        }
    }

    /// One checkpoint that waits for readers for a moment at most, and for nobody else. If it left little of a log that is too long, the rest is written back while
    /// nobody else may write; if it left nothing and the file is large, the file is emptied.
    fn write_back(&mut self) -> Result<()> {
        // After an error the connections are dropped, and the next checkpoint opens new ones.
        let conn = match self.conn.take() {
            Some(conn) => conn,
            None => open::connect_checkpointer(&self.path)?,
        };
        let mut log = run(&conn, WRITE_BACK)?;
        let begun = Instant::now();
        while log.is_some_and(|log| log.pending > PAUSE_AT) && begun.elapsed() < READERS_END {
            #[expect(clippy::disallowed_methods, reason = "this thread does nothing else")]
            std::thread::sleep(READERS_LOOK);
            log = run(&conn, WRITE_BACK)?;
        }
        if log.as_ref().is_some_and(|log| self.is_outrun(log)) {
            log = self.write_back_alone(&conn)?;
            // What is left then is behind a reader.
            self.tried_alone = log.filter(|log| log.pending > 0).map_or(0, |log| log.held);
        }
        self.pending = log.map_or(self.pending, |log| log.pending);
        if log.is_some_and(|log| log.pending == 0) && !self.is_guest && self.size() > WAL_SIZE_LIMIT
        {
            run(&conn, EMPTY)?;
        }
        self.conn = Some(conn);
        Ok(())
    }

    /// Whether other processes may have written on while this one wrote back: the log is too long, and little of it is left or
    /// it is so long that they have to wait for more. What they added meanwhile is not counted in `log`: nothing pending says
    /// only that all was written back that was there when the checkpoint began. Behind a reader that is tried ever more seldom.
    fn is_outrun(&self, log: &Log) -> bool {
        let tried = self.tried_alone;
        let is_long = log.held > WAL_SIZE_LIMIT;
        let is_enough = log.pending <= LITTLE || log.held > MUCH;
        is_long && is_enough && (log.held < tried || log.held >= tried / 4 * 5)
    }

    /// A checkpoint while a second connection holds the write lock: the next one who writes begins the log anew.
    fn write_back_alone(&mut self, conn: &Connection) -> Result<Option<Log>> {
        let holder = match self.holder.take() {
            Some(holder) => holder,
            None => open::connect_checkpointer(&self.path)?,
        };
        lock::begin(&holder, HOLD_WITHIN)?;
        let log = run(conn, WRITE_BACK);
        holder.execute_batch("ROLLBACK")?;
        self.holder = Some(holder);
        log
    }

    /// Says once that the log is large, and once that it is small again.
    fn watch_size(&mut self) {
        let (size, path) = (self.size(), self.path.display());
        if size >= self.limits.wal_alarm && !self.alarmed {
            self.alarmed = true;
            let (size, limit) = (size / MB, self.limits.wal_bytes / MB);
            warn_coded!(
                Code::StoreWalLarge,
                "the write-ahead log of {path} has {size} MB and cannot be written back; at {limit} MB writes are refused"
            );
        } else if size <= WAL_SIZE_LIMIT && self.alarmed {
            self.alarmed = false;
            tracing::info!(
                "the write-ahead log of {path} is written back; it has {} MB",
                size / MB
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ledger::Component;
    use super::super::{Database, Owner};
    use super::*;
    use crate::store::OpenMode;
    use tokio::task::JoinSet;

    const LARGE: u64 = 80 * MB;

    static SCHEMA: Schema = Schema {
        owner: Owner::Ours { application_id: 79 },
        components: &[&ONE],
        durable: false,
        witness: None,
    };
    static ONE: Component =
        Component { name: "one", migrations: &["CREATE TABLE one (fill BLOB) STRICT;"] };

    async fn fill(db: &Database) -> Result<()> {
        let insert = |c: &super::super::Tx<'_>| {
            c.execute("INSERT INTO one VALUES (randomblob(4000000))", [])?;
            Ok(())
        };
        db.row("fill", insert).await
    }

    #[test]
    fn the_writer_asks_every_2_mb_and_pauses_from_4_mb_on_until_the_log_begins_anew() {
        let mut pace = Pace::default();
        let mut next = |held: u64| {
            let is_due = pace.is_due(held * MB);
            let ask = pace.next(Log { held: held * MB, pending: 0 });
            assert!(is_due || ask == Ask::Nothing, "{ask:?} without a look at {held} MB");
            ask
        };
        assert_eq!([next(1), next(2), next(3)], [Ask::Nothing, Ask::Checkpoint, Ask::Nothing]);
        assert_eq!([next(4), next(5), next(6)], [Ask::Pause, Ask::Nothing, Ask::Pause]);
        assert_eq!([next(9), next(1), next(2)], [Ask::Pause, Ask::Nothing, Ask::Checkpoint]);
    }

    #[test]
    fn what_is_noted_of_a_log_is_what_a_look_says_whatever_the_size_of_its_pages() {
        let folder = tempfile::tempdir().unwrap();
        for page in [512, 4096, 65_536] {
            let path = folder.path().join(page.to_string());
            let conn = open::connect_with(&path, rusqlite::OpenFlags::SQLITE_OPEN_CREATE).unwrap();
            let begin = format!(
                "PRAGMA page_size = {page}; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0"
            );
            conn.execute_batch(&begin).unwrap();
            note_length(&conn);
            conn.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(100000))")
                .unwrap();
            let noted = HELD.get() * frame(&conn).unwrap();
            assert_eq!(noted, look(&conn).unwrap().unwrap().held, "{page}");
            assert!(noted > 100_000, "{noted}");
        }
    }

    #[test]
    fn behind_a_reader_the_writer_pauses_ever_more_seldom_and_at_once_when_the_reader_is_gone() {
        let mut pace = Pace::default();
        let mut pauses = 0;
        for held in 1..=1000 {
            let log = Log { held: held * MB, pending: held * MB };
            pauses += u32::from(pace.next(log) == Ask::Pause);
        }
        assert!(pauses < 20, "{pauses} pauses");
        let written_back = Log { held: 1005 * MB, pending: MB };
        assert_eq!(pace.next(written_back), Ask::Pause);
    }

    #[test]
    fn the_alarm_is_raised_once_and_ends_when_the_log_is_small_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        // A file of the right size serves, because nothing here opens it as a database.
        let wal = std::fs::File::create(folder.path().join("x.db-wal")).unwrap();
        let limits = Limits::DEFAULT;
        let mut checkpointer = Checkpointer {
            is_guest: false,
            pending: 0,
            path: path.clone(),
            limits,
            board: Arc::default(),
            guard: Arc::new(Guard::of(&path)),
            conn: None,
            holder: None,
            tried_alone: 0,
            alarmed: false,
            failing: false,
        };
        let mut alarmed = |size: u64| {
            wal.set_len(size * MB).unwrap();
            checkpointer.watch_size();
            checkpointer.alarmed
        };
        assert_eq!([255, 256, 300, 100, 48].map(&mut alarmed), [false, true, true, true, false]);
    }

    /// Writes so many times 4 MB, and answers how large the log's file was at most.
    async fn largest(db: Database, times: usize) -> u64 {
        let mut largest = 0;
        for _ in 0..times {
            fill(&db).await.unwrap();
            largest = largest.max(db.sizes().1);
        }
        largest
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn several_writers_of_one_file_do_not_outrun_the_checkpoints() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let open = || Database::open(&path, &SCHEMA, OpenMode::Migrate).unwrap();
        let all: JoinSet<u64> =
            [open(), open(), open()].map(|db| largest(db, 50)).into_iter().collect();
        for largest in all.join_all().await {
            let largest = largest / MB;
            println!("the log had {largest} MB at most");
            assert!(largest < 400, "{largest} MB of 600 that were written");
        }
    }

    #[tokio::test]
    async fn p26_at_its_limit_behind_a_reader_the_log_refuses_writes_and_recovers_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let limits = Limits { wal_bytes: LARGE, wal_alarm: LARGE / 2, ..Limits::DEFAULT };
        let db = Database::open_with(&path, &SCHEMA, OpenMode::Migrate, limits).unwrap();
        let reader = open::connect_checkpointer(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM one").unwrap();
        let mut saved = 0;
        let refused = loop {
            match fill(&db).await {
                Ok(()) => saved += 1,
                Err(error) => break error,
            }
            assert!(saved < 100, "the limit refuses nothing");
        };
        assert_eq!(refused.code(), Code::StoreWalFull, "{refused}");
        assert!(db.sizes().1 >= LARGE);
        let count = |c: &Connection| -> Result<i64> {
            Ok(c.query_row("SELECT count(*) FROM one", [], |row| row.get(0))?)
        };
        assert_eq!(db.read("count", count).await.unwrap(), saved, "reads work");
        reader.execute_batch("COMMIT").unwrap();
        let begun = std::time::Instant::now();
        while fill(&db).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(5), "it does not recover");
            tokio::task::yield_now().await;
        }
        assert!(db.sizes().1 < 64_000_000, "{} bytes", db.sizes().1);
        assert_eq!(db.read("count", count).await.unwrap(), saved + 1);
    }
}
