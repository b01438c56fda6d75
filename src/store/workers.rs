//! Workers: registration, leases, leading, and what processes say of themselves.

use super::Store;
use super::core;
use super::sql;
use super::sqlite::Tx;
use crate::error::{Code, Error, Result};
use crate::model::{
    Differing, Epoch, Kind, KindRules, Leader, Note, ProcessFacts, Processes, RegisteredKind,
    Registration, ServerFacts, Service, Timestamp, Worker, WorkerId,
};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long the look at a table of registrations may take. It has a few rows.
const LOOK_WITHIN: Duration = Duration::from_secs(5);

/// What processes say of themselves.
impl Store {
    /// Changes what this process says of itself; an engine on this store writes it into the worker's row at once.
    pub fn say(&self, change: impl FnOnce(&mut ProcessFacts)) {
        self.db.board().say(change);
    }

    /// What this process says of itself.
    pub fn says(&self) -> ProcessFacts {
        self.db.board().says()
    }

    /// A receiver that sees a new number whenever [`Store::say`] has changed something.
    pub fn says_changed(&self) -> watch::Receiver<u64> {
        self.db.board().changes()
    }

    /// Says how a background service ended that ran until `at`: `Ok` with what it did in a few words. It is written with
    /// the next heartbeat.
    pub fn ran<E: fmt::Display>(&self, service: &Service, at: Timestamp, ended: Result<String, E>) {
        if *service == Service::Poller && ended.is_ok() {
            self.db.guard().looked();
        }
        self.db.board().ran(service, at, ended);
    }

    /// Every worker that has a row: those at work, and lost ones whose jobs are not rescued yet. The one that leads is first.
    pub async fn workers(&self) -> Result<Vec<Worker>> {
        self.db.read("read the workers", sql::workers::all).await
    }

    /// The processes that are at work, and the kinds that they have handlers for.
    ///
    /// # Errors
    /// Those of reading, and of the lock file that says at once that a leader is gone.
    pub async fn processes(&self, now: Timestamp) -> Result<Processes> {
        let read = move |conn: &_| sql::workers::processes(conn, now);
        let processes = self.db.read("read who is at work", read).await?;
        // Processes that were killed have left their rows, but not the lock.
        if !processes.at_work.is_empty() && !self.is_led()? {
            return Ok(Processes::default());
        }
        Ok(processes)
    }

    /// What the process says of itself that can say what the server can do: a `lamplighter serve`, else the process that
    /// leads; `None`: no process is at work.
    ///
    /// # Errors
    /// As [`Store::processes`].
    pub async fn server_facts(&self, now: Timestamp) -> Result<Option<ServerFacts>> {
        Ok(self.processes(now).await?.server().cloned())
    }

    /// Notes for a person who asks for a job of this kind: no process is at work, none has a handler for the kind, or the
    /// program that it needs is missing. Empty if none of these is so.
    ///
    /// # Errors
    /// As [`Store::processes`].
    pub async fn notes_for(&self, kind: &Kind, now: Timestamp) -> Result<Vec<Note>> {
        Ok(self.processes(now).await?.notes_for(kind))
    }

    /// The kinds that workers which are not lost have registered, the newest registration first.
    pub async fn registered_kinds(&self) -> Result<Vec<RegisteredKind>> {
        self.db.read("read the registered kinds", sql::workers::kinds).await
    }
}

/// The lease of a worker.
impl Store {
    /// Registers a worker with its kinds and the limits of its program; from this commit on it may claim. Answers
    /// what another worker has registered in another way. [`Store::unblock`] is what it does next.
    pub async fn register(&self, registration: Registration, now: Timestamp) -> Result<Differing> {
        let (facts, file) = (self.says(), Arc::clone(self.db.file()));
        let register =
            move |tx: &Tx<'_>, now| core::workers::register(tx, &registration, &facts, &file, now);
        self.db.rule("register a worker", now, register).await
    }

    /// Says that a worker is alive, and what this process says of itself: its lease goes on.
    ///
    /// # Errors
    /// `ENGINE-LEASE-001` if the worker was judged lost: what ran under its name is not its own any more.
    pub async fn beat(&self, worker: WorkerId, now: Timestamp) -> Result<()> {
        let facts = self.says();
        let beat = move |tx: &Tx<'_>| sql::workers::beat(tx, &worker, &facts, now);
        self.db.row("say that a worker is alive", beat).await
    }

    /// Looks whether the file still says what a worker registered. Where it does not, jobs of its kinds would wait for ever,
    /// with a reason that is not true.
    ///
    /// # Errors
    /// `STORE-FILE-008` if the tables are damaged: the file is not trusted any more. `ENGINE-LEASE-001` if they are whole,
    /// so that another program has changed the rows: the worker registers anew.
    pub async fn expect_registered(&self, said: Arc<Registration>) -> Result<()> {
        let read = move |conn: &_| sql::workers::is_registered(conn, &said);
        if self.db.read("read what this process registered", read).await? {
            return Ok(());
        }
        // An index can lead past a row without an error. SQLite's check sees that its pages are damaged.
        for table in ["job_kinds", "job_limits"] {
            self.db.inspect(table.to_owned(), LOOK_WITHIN).await?;
        }
        Err(Error::new(Code::EngineLost, "find the kinds and limits that this process registered"))
    }

    /// Removes a worker that has stopped on purpose. If a job still runs under its name the worker is lost instead.
    pub async fn retire(&self, worker: WorkerId, now: Timestamp) -> Result<()> {
        let retire = move |tx: &Tx<'_>, now| core::workers::retire(tx, &worker, now);
        self.db.rule("retire a worker", now, retire).await
    }

    /// Gives a slice of the jobs another chance that waited for a handler of these kinds or for a key: what an earlier
    /// process may have left undone. `after` is empty at first, then what the call before answered; `None` is the end.
    pub async fn unblock(&self, kinds: Arc<[KindRules]>, after: String) -> Result<Option<String>> {
        let unblock = move |tx: &Tx<'_>| sql::unblock::unblock(tx, &kinds, &after);
        self.db.row("unblock jobs", unblock).await
    }
}

/// Leading.
impl Store {
    /// Who leads.
    pub async fn leader(&self) -> Result<Leader> {
        self.db.read("read who leads", sql::workers::leader).await
    }

    /// Makes a worker the one that leads, if the newest time of leading is still `seen`; answers the new one, or `None` if
    /// another worker was faster. From this commit on every write of an earlier leader is refused (P9). `died` is a worker
    /// that is known to be dead.
    ///
    /// # Errors
    /// `ENGINE-LEASE-001` if the worker was judged lost.
    pub async fn lead(
        &self,
        worker: WorkerId,
        seen: Epoch,
        died: Option<WorkerId>,
        now: Timestamp,
    ) -> Result<Option<Epoch>> {
        let lead =
            move |tx: &Tx<'_>, now| core::workers::lead(tx, &worker, seen, died.as_ref(), now);
        self.db.rule("take the lead", now, lead).await
    }

    /// Gives the lead up, if the worker still has it by this epoch.
    pub async fn resign(&self, worker: WorkerId, epoch: Epoch) -> Result<()> {
        let resign = move |tx: &Tx<'_>| sql::workers::resign(tx, &worker, epoch);
        self.db.row("give the lead up", resign).await
    }

    /// Says that a worker is no server any more: it stops, and another program may lead meanwhile.
    pub async fn serve_no_more(&self, worker: WorkerId) -> Result<()> {
        let end = move |tx: &Tx<'_>| sql::workers::serve_no_more(tx, &worker);
        self.db.row("stop to serve", end).await
    }

    /// Marks workers lost that have not said since that they are alive, and removes the rows of lost ones under whose names
    /// nothing runs any more. Each of `gone` is a worker with the beat at which it was seen last. Answers those that are lost
    /// from now on.
    ///
    /// # Errors
    /// `ENGINE-LEAD-001` if the caller does not lead any more; nothing is changed then (P9).
    pub async fn bury(
        &self,
        (leader, epoch): (WorkerId, Epoch),
        gone: Vec<(WorkerId, i64)>,
        now: Timestamp,
    ) -> Result<Vec<WorkerId>> {
        let bury = move |tx: &Tx<'_>, now| core::workers::bury(tx, (&leader, epoch), &gone, now);
        self.db.rule("mark workers lost", now, bury).await
    }
}

/// For tests of a writer that hangs.
#[cfg(test)]
impl Store {
    /// Keeps the writer busy, without the write lock, until `held` ends; answers then that nothing was saved.
    pub(crate) async fn hang(self, held: std::sync::mpsc::Receiver<()>) -> Result<()> {
        let held = std::sync::Mutex::new(held);
        let hang = move |tx: &Tx<'_>| {
            tx.execute_batch("ROLLBACK")?;
            drop(held.lock().map(|held| held.recv()));
            Err(crate::error::Error::new(crate::error::Code::StoreIo, "hang"))
        };
        self.db.row("hang", hang).await
    }
}

/// For tests of what other layers say about workers.
#[cfg(test)]
#[cfg(feature = "web")]
impl Store {
    /// Registers a worker for these kinds that leads; what other workers run goes on.
    pub(crate) async fn played(
        &self,
        name: &str,
        kinds: Vec<KindRules>,
        now: Timestamp,
    ) -> (WorkerId, Option<Epoch>) {
        let worker = WorkerId::parse(name).unwrap();
        let registration = Registration {
            worker: worker.clone(),
            process: crate::model::Process { pid: 1, start: None },
            is_server: true,
            kinds: kinds.into(),
            limits: Vec::new(),
            slots: 10,
            replaces: None,
        };
        self.register(registration, now).await.unwrap();
        let seen = self.leader().await.unwrap().epoch;
        let leads = self.lead(worker.clone(), seen, None, now).await.unwrap();
        (worker, leads)
    }
}
