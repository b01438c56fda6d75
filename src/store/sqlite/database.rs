//! One open database file: its writer thread, its readers, and the signal that something changed.

use super::check;
use super::draft::beside;
use super::error::is_of_schema;
use super::guard::Guard;
use super::guest;
use super::open::{self, Limits, Owner, Schema};
use super::stat::place;
use super::statistics;
use super::texts::Texts;
use super::transaction::Tx;
use super::work::{Several, Share, Task, Together};
use super::writer::{self, Call};
use crate::error::{Code, Error, Result, ignore};
use crate::model::Timestamp;
use crate::planted::{self, Bug};
use crate::store::{Board, News, OpenMode};
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};

/// Reading connections: as many pages as can be rendered at once on a small machine.
const READERS: u32 = 4;
/// How long a page waits for a free reader before it says that the server is overloaded.
const READER_WAIT: Duration = Duration::from_secs(10);

/// An open database. Dropping it ends the writer thread after the writes that were sent.
#[derive(Debug)]
pub(in crate::store) struct Database {
    path: PathBuf,
    file: Arc<str>,
    schema: &'static Schema,
    readers: r2d2::Pool<SqliteConnectionManager>,
    texts: Arc<Texts>,
    changes: Arc<watch::Sender<u64>>,
    board: Arc<Board>,
    guard: Arc<Guard>,
    news: Arc<News>,
    #[cfg(feature = "web")]
    notes: super::note::Notes,
    calls: Option<mpsc::Sender<Call>>,
    thread: Option<JoinHandle<()>>,
}

impl Database {
    pub(in crate::store) fn open(
        path: &Path,
        schema: &'static Schema,
        mode: OpenMode,
    ) -> Result<Self> {
        Self::open_with(path, schema, mode, Limits::DEFAULT)
    }

    pub(super) fn open_with(
        path: &Path,
        schema: &'static Schema,
        mode: OpenMode,
        limits: Limits,
    ) -> Result<Self> {
        // The program may work in another directory later.
        let path = &std::path::absolute(path).map_err(|e| {
            Error::new(Code::StoreIo, format!("open {}", path.display())).because(e)
        })?;
        let doing = format!("open {}", path.display());
        match schema.owner {
            Owner::Ours { application_id } => open::prepare(path, application_id, schema, mode)?,
            Owner::Application => guest::prepare(path, schema, mode)?,
        }
        let connect = || open::connect_writer(path, schema).map_err(|e| e.while_doing(&doing));
        let mut conn = connect()?;
        if mode != OpenMode::Check && statistics::clear(&conn, path, schema.components) {
            conn = connect()?;
        }
        if !planted::is(Bug::ReopensWithoutLog) {
            open::write_back(&conn, schema).map_err(|e| e.while_doing(&doing))?;
        }
        // A reader that is asked for now would have the pool open another one, which may outlive a database that is closed soon.
        let texts = Texts::read(&conn, schema.components).map_err(|e| e.while_doing(&doing))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let manager = SqliteConnectionManager::file(path)
            .with_flags(flags)
            .with_init(|conn| open::init_reader(conn));
        let readers = r2d2::Pool::builder()
            .max_size(READERS)
            .min_idle(Some(1))
            .connection_timeout(READER_WAIT)
            .build(manager)
            .map_err(|e| Error::new(Code::StoreIo, doing.clone()).because(e))?;
        let changes = Arc::new(watch::Sender::new(0));
        let board = Arc::new(Board::default());
        let guard = Arc::new(Guard::of(path));
        let news = Arc::new(News::default());
        let listeners = (Arc::clone(&changes), Arc::clone(&news));
        let (calls, thread) =
            writer::start(conn, path, schema, limits, listeners, (&board, &guard))?;
        let data =
            std::fs::metadata(path).map_err(|e| Error::new(Code::StoreIo, doing).because(e))?;
        let (device, inode) = place(&data);
        Ok(Self {
            path: path.to_owned(),
            file: format!("{device}:{inode}").into(),
            schema,
            readers,
            texts: Arc::new(texts),
            changes,
            board,
            guard,
            news,
            #[cfg(feature = "web")]
            notes: super::note::Notes::default(),
            calls: Some(calls),
            thread: Some(thread),
        })
    }

    /// Bytes of the file with its write-ahead log, and of that log alone. Never opens the files: see `open.rs`.
    pub(in crate::store) fn sizes(&self) -> (u64, u64) {
        let wal = open::wal_size(&self.path);
        (std::fs::metadata(&self.path).map_or(0, |data| data.len()) + wal, wal)
    }

    /// What this process has to say of itself.
    pub(in crate::store) fn board(&self) -> &Board {
        &self.board
    }

    /// Who waits for which job.
    pub(in crate::store) fn news(&self) -> &Arc<News> {
        &self.news
    }

    /// Which file this is, whatever its name: the device and the file system's number. A copy is another one.
    pub(in crate::store) fn file(&self) -> &Arc<str> {
        &self.file
    }

    pub(in crate::store) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file is an application's.
    pub(in crate::store) fn is_guest(&self) -> bool {
        self.schema.owner == Owner::Application
    }

    /// The file whose lock is the leadership. Beside an application's database its name is one that no other program gives.
    pub(in crate::store) fn lock_path(&self) -> PathBuf {
        match self.schema.owner {
            Owner::Ours { .. } => lock_beside(&self.path),
            Owner::Application => beside(&self.path, "-job-lock"),
        }
    }

    /// A receiver that sees a new number after every commit that changed something.
    pub(in crate::store) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The door of what decides something: runs `run` in a transaction, one after the other with every other rule of every
    /// process, and answers after its commit. `now` is the rule's time; it reads no other clock.
    ///
    /// A rule may be run again, from the beginning and with nothing left of the run before, so it is an `Fn` that keeps what
    /// it was given.
    ///
    /// While another program holds the write lock the call waits. No call is refused before it has waited for 30 s, and
    /// no call waits much longer for a lock: the time counts from here and includes the wait in the queue. A page's
    /// request ends after the same 30 s and may be told first that the answer is unknown (`WEB-TIME-001`).
    ///
    /// # Errors
    /// Besides those of `run`: `STORE-BUSY-001` after those 30 s and `STORE-WAL-002` while the WAL is at its limit, which
    /// goes for every write, also the end of a job; `STORE-FULL-001`, `STORE-IO-001`; nothing was saved then.
    /// `STORE-COMMIT-001`: unknown.
    ///
    /// # Cancel safety
    /// Once the call is sent, which waits only while the writer's queue is full, the write happens even if the caller
    /// goes away.
    pub(in crate::store) async fn rule<T: Send + 'static>(
        &self,
        doing: &'static str,
        now: Timestamp,
        run: impl Fn(&Tx<'_>, Timestamp) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.write(doing, move |tx: &Tx<'_>| run(tx, now)).await
    }

    /// The door of what only adds rows or touches one, and decides nothing that another write could make wrong. On this
    /// backend it is the same writer.
    ///
    /// # Errors
    /// As [`Database::rule`].
    pub(in crate::store) async fn row<T: Send + 'static>(
        &self,
        doing: &'static str,
        run: impl Fn(&Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.write(doing, run).await
    }

    /// Notes something of a thing, as its use, in a write for which nobody waits: at most one of the thing at a time. If it
    /// fails, only the log says so.
    #[cfg(feature = "web")]
    pub(in crate::store) async fn note(
        &self,
        doing: &'static str,
        thing: String,
        run: impl Fn(&Tx<'_>) -> Result<()> + Send + 'static,
    ) {
        if let Some(calls) = &self.calls {
            self.notes.send(calls, (doing, thing), run).await;
        }
    }

    /// A rule that does for several callers in one run what each wants: those that wait together are one call. It answers
    /// each of them; what it answers one with an error it has changed nothing for. Its times are in what it is given.
    ///
    /// # Errors
    /// As [`Database::rule`]. If `run` fails as a whole, each call is run by itself.
    pub(in crate::store) async fn rule_together<I, T>(
        &self,
        doing: &'static str,
        input: I,
        run: Together<I, T>,
    ) -> Result<T>
    where
        I: Send + 'static,
        T: Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let share = Share { input, asked: Instant::now(), caller };
        self.call(Call::Write(Box::new(Several::new(doing, run, share)))).await?;
        answer.await.unwrap_or_else(|_| Err(closed(doing)))
    }

    async fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        run: impl Fn(&Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (caller, answer) = oneshot::channel();
        let task = Task { run, value: None, doing, asked: Instant::now(), caller };
        self.call(Call::Write(Box::new(task))).await?;
        answer.await.unwrap_or_else(|_| Err(closed(doing)))
    }

    /// Runs `run` on a reader, all its statements on one snapshot.
    pub(in crate::store) async fn read<T: Send + 'static>(
        &self,
        doing: &'static str,
        run: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (readers, path, texts) =
            (self.readers.clone(), self.path.clone(), Arc::clone(&self.texts));
        let read = move || {
            snapshot(&readers, run).or_else(|error| {
                if is_of_schema(&error) {
                    texts.read_anew(&path, |_| Ok(()))?;
                }
                Err(error)
            })
        };
        let answer = tokio::task::spawn_blocking(read).await;
        let answer = answer.unwrap_or_else(|e| Err(Error::new(Code::StoreIo, "").because(e)));
        // A page that cannot be read is damaged for the writer too.
        self.guard.heeded(answer).map_err(|e| e.while_doing(doing))
    }

    /// The same on a connection that is opened for it. It has nothing in memory: what it reads is what the next program reads
    /// that opens the file. It looks at the schema first.
    ///
    /// # Errors
    /// Besides those of `run`: `STORE-FILE-008` if the schema is damaged.
    pub(in crate::store) async fn read_anew<T: Send + 'static>(
        &self,
        doing: &'static str,
        run: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (path, texts) = (self.path.clone(), Arc::clone(&self.texts));
        let read = move || texts.read_anew(&path, run);
        let answer = tokio::task::spawn_blocking(read).await;
        let answer = answer.unwrap_or_else(|e| Err(Error::new(Code::StoreIo, "").because(e)));
        self.guard.heeded(answer).map_err(|e| e.while_doing(doing))
    }

    /// The same as [`Database::read`] in the caller's thread, which it blocks.
    #[cfg(feature = "monitor")]
    pub(in crate::store) fn read_here<T>(
        &self,
        doing: &str,
        run: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        let answer = snapshot(&self.readers, run);
        self.guard.heeded(answer).map_err(|e| e.while_doing(doing))
    }

    /// The tables of ours that the file has.
    pub(in crate::store) async fn own_tables(&self) -> Result<Vec<String>> {
        let components = self.schema.components;
        self.read("list the tables", move |conn| check::own_tables(conn, components)).await
    }

    /// Looks at all pages of a table and its indexes within this time; whether it finished.
    ///
    /// # Errors
    /// `STORE-FILE-008`: the trust in the file is lost then.
    pub(in crate::store) async fn inspect(&self, table: String, within: Duration) -> Result<bool> {
        let look = move |conn: &Connection| check::table(conn, &table, within);
        self.read_anew("inspect", look).await
    }

    /// What is known of the file: whether it is to be trusted, and when it last took a write.
    pub(in crate::store) fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Has the writer look for other programs' commits, and at the files.
    pub(in crate::store) async fn look(&self) -> Result<()> {
        self.call(Call::Look).await
    }

    /// The same, without a wait.
    pub(in crate::store) fn look_soon(&self) {
        if let Some(calls) = &self.calls {
            let asked = calls.try_send(Call::Look);
            ignore(asked, "the writes that fill the line have the files looked at too");
        }
    }

    async fn call(&self, call: Call) -> Result<()> {
        let calls = self.calls.as_ref().ok_or_else(|| closed("write"))?;
        calls.send(call).await.map_err(|_| closed("write"))
    }
}

/// The file whose lock is the leadership over a database of our own.
pub(in crate::store) fn lock_beside(database: &Path) -> PathBuf {
    database.with_extension("lock")
}

fn snapshot<T>(
    readers: &r2d2::Pool<SqliteConnectionManager>,
    run: impl FnOnce(&Connection) -> Result<T>,
) -> Result<T> {
    let mut conn =
        readers.get().map_err(|e| Error::new(Code::StoreIo, "get a reader").because(e))?;
    let snapshot = conn.transaction()?;
    run(&snapshot)
}

impl Drop for Database {
    fn drop(&mut self) {
        self.calls = None;
        if let Some(thread) = self.thread.take() {
            let ended = thread.join().map_err(|_| "the writer panicked");
            ignore(ended, "the callers of a writer that panicked heard that it is gone");
        }
    }
}

fn closed(doing: &str) -> Error {
    Error::new(Code::StoreClosed, doing)
}
