//! Workers: the processes that lead the engine or stand by.

use super::Store;
use super::sqlite::{self, Tx};
use crate::error::Result;
use crate::model::{KindRules, Lane, Process, Timestamp, Worker, WorkerId};
use std::sync::Arc;

impl Store {
    /// Every worker that has registered and is not known to be gone, the one that leads first.
    pub async fn workers(&self) -> Result<Vec<Worker>> {
        self.db.read("read the workers", sqlite::workers::all).await
    }

    /// Says that a worker is alive; the first time, and after its row was removed, this registers it as one that stands
    /// by.
    pub async fn heartbeat(
        &self,
        worker: WorkerId,
        process: Process,
        now: Timestamp,
    ) -> Result<()> {
        let heartbeat = move |tx: &Tx<'_>| sqlite::workers::heartbeat(tx, &worker, &process, now);
        self.db.write("heartbeat", heartbeat).await
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
        let take_over = move |tx: &Tx<'_>| {
            sqlite::workers::register(tx, &worker, &process, now)?;
            sqlite::queues::set_engine_limits(tx, &lanes)
        };
        self.db.write("take over the engine", take_over).await
    }

    /// Gives a slice of the jobs another chance that waited for a handler of these kinds or for a key: what an earlier
    /// leader may have left undone. `after` is empty at first, then what the call before answered; `None` is the end.
    pub async fn unblock(&self, kinds: Arc<[KindRules]>, after: String) -> Result<Option<String>> {
        let unblock = move |tx: &Tx<'_>| sqlite::unblock::unblock(tx, &kinds, &after);
        self.db.write("unblock jobs", unblock).await
    }

    /// Removes a worker that has stopped on purpose or is gone. One that lives all the same registers again with its
    /// next heartbeat.
    pub async fn retire(&self, worker: WorkerId) -> Result<()> {
        self.db.write("retire a worker", move |tx| sqlite::workers::retire(tx, &worker)).await
    }
}
