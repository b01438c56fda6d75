//! Batches: jobs that are counted together, and a job that is made when the last of them is over.

use super::Store;
use super::sqlite::Tx;
use super::{core, sql};
use crate::error::{Code, Error, Result};
use crate::model::{Actor, Batch, BatchId, JobId, NewJob, Timestamp};

impl Store {
    /// Makes a batch, which takes jobs ([`NewJob::batch`]) and is finished once it was closed and none of its jobs is open.
    /// `then` is made in the transaction that finishes it, once, whatever became of the jobs.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for a name that does not have 1 to 200 bytes, and for a `then` that cannot be stored or has a time, a
    /// key of its own or jobs before it.
    pub async fn open_batch(
        &self,
        name: String,
        then: Option<NewJob>,
        now: Timestamp,
    ) -> Result<BatchId> {
        let open = move |tx: &Tx<'_>| sql::batches::open(tx, &name, then.as_ref(), now);
        self.db.row("open a batch", open).await
    }

    /// Says that no further jobs come from outside, and answers the batch: its own jobs may add others while they run. A batch
    /// without open jobs is finished by it.
    ///
    /// # Errors
    /// `JOB-BATCH-001` if there is no such batch.
    pub async fn close_batch(&self, id: BatchId, now: Timestamp) -> Result<Batch> {
        self.db.rule("close a batch", now, move |tx, now| sql::batches::close(tx, id, now)).await
    }

    /// Finishes a slice of the batches that another program has closed or whose last job it has ended by SQL; answers whether
    /// there may be more.
    pub async fn finish_batches(&self, now: Timestamp) -> Result<bool> {
        self.db.rule("finish batches", now, core::prune::finish_batches).await
    }

    /// One batch.
    pub async fn batch(&self, id: BatchId) -> Result<Option<Batch>> {
        self.db.read("read a batch", move |c| sql::batches::get(c, id)).await
    }

    /// The batch that this job was made to follow.
    pub async fn batch_before(&self, then: JobId) -> Result<Option<Batch>> {
        self.db.read("find the batch of a job", move |c| sql::batches::before(c, then)).await
    }

    /// The newest batches below the cursor, at most `limit`.
    pub async fn batches(&self, before: Option<i64>, limit: usize) -> Result<Vec<Batch>> {
        self.db.read("list batches", move |c| sql::batches::list(c, before, limit)).await
    }

    /// Closes a batch, cancels its jobs that wait and asks those that run to end, in slices; answers the batch. The job that
    /// follows it is made as after any other end.
    ///
    /// # Errors
    /// `JOB-BATCH-001` if there is no such batch.
    pub async fn cancel_batch(&self, id: BatchId, actor: Actor, now: Timestamp) -> Result<Batch> {
        let unknown = || Error::new(Code::BatchUnknown, format!("there is no batch {id}"));
        self.batch(id).await?.ok_or_else(unknown)?;
        let mut after = Some(JobId(0));
        while let Some(from) = after {
            let actor = actor.clone();
            let slice =
                move |tx: &Tx<'_>, now| core::cancel::cancel_batch(tx, id, from, &actor, now);
            after = self.db.rule("cancel a batch", now, slice).await?;
        }
        self.batch(id).await?.ok_or_else(unknown)
    }
}
