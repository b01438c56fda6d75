//! Workers: the processes that lead the engine or stand by.

use super::Store;
use super::sql;
use super::sqlite::Tx;
use crate::error::Result;
use crate::model::{
    Kind, KindRules, Lane, NO_SERVER, Process, ProcessFacts, SILENT, ServerFacts, Service,
    Timestamp, Worker, WorkerId,
};
use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;

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
        self.db.board().ran(service, at, ended);
    }

    /// Every worker that has registered and is not known to be gone, the one that leads first.
    pub async fn workers(&self) -> Result<Vec<Worker>> {
        self.db.read("read the workers", sql::workers::all).await
    }

    /// What the process says of itself that leads the engine; `None`: no server runs.
    ///
    /// # Errors
    /// Those of reading, and of the lock file that says at once that a leader is gone.
    pub async fn server_facts(&self, now: Timestamp) -> Result<Option<ServerFacts>> {
        let leader = self.db.read("read what the server says", sql::workers::leading).await?;
        let lives = |leader: &ServerFacts| now.since(leader.worker.heartbeat_at) <= SILENT;
        let Some(leader) = leader.filter(lives) else { return Ok(None) };
        // One that was killed has left its row, but not its lock.
        Ok(self.is_led()?.then_some(leader))
    }

    /// Notes for a person who asks for a job of this kind: no server runs, no process has a handler for it, or the program
    /// that it needs is missing. Empty if none of these is so.
    ///
    /// # Errors
    /// As [`Store::server_facts`].
    pub async fn notes_for(&self, kind: &Kind, now: Timestamp) -> Result<Vec<String>> {
        Ok(match self.server_facts(now).await? {
            Some(server) => server.notes_for(kind.as_str()),
            None => vec![NO_SERVER.to_owned()],
        })
    }

    /// Says that a worker is alive, and `facts` of it; the first time, and after its row was removed, this registers it
    /// as one that stands by.
    pub async fn heartbeat(
        &self,
        worker: WorkerId,
        process: Process,
        facts: ProcessFacts,
        now: Timestamp,
    ) -> Result<()> {
        let heartbeat =
            move |tx: &Tx<'_>| sql::workers::heartbeat(tx, &worker, &process, Some(&facts), now);
        self.db.row("heartbeat", heartbeat).await
    }

    /// Makes a worker that has the [`Leadership`](super::Leadership) the one that leads. `lanes` are its queues with their
    /// limits. [`Store::unblock`] is what it does next.
    ///
    /// From this commit on every earlier leader's [`Store::poll`] is refused (P9).
    pub async fn take_over(
        &self,
        worker: WorkerId,
        process: Process,
        lanes: Vec<Lane>,
        now: Timestamp,
    ) -> Result<()> {
        let take_over = move |tx: &Tx<'_>, now| {
            sql::workers::register(tx, &worker, &process, now)?;
            sql::queues::set_engine_limits(tx, &lanes)
        };
        self.db.rule("take over the engine", now, take_over).await
    }

    /// Gives a slice of the jobs another chance that waited for a handler of these kinds or for a key: what an earlier
    /// leader may have left undone. `after` is empty at first, then what the call before answered; `None` is the end.
    pub async fn unblock(&self, kinds: Arc<[KindRules]>, after: String) -> Result<Option<String>> {
        let unblock = move |tx: &Tx<'_>| sql::unblock::unblock(tx, &kinds, &after);
        self.db.row("unblock jobs", unblock).await
    }

    /// Removes a worker that has stopped on purpose or is gone. One that lives all the same registers again with its
    /// next heartbeat.
    pub async fn retire(&self, worker: WorkerId) -> Result<()> {
        self.db.row("retire a worker", move |tx| sql::workers::retire(tx, &worker)).await
    }
}
