//! Batches as an embedding program makes them.

use super::Jobs;
use crate::error::{Code, Error, Result};
use crate::model::{Batch, BatchId, JobId, NewJob, Payload};

/// Jobs that are stored in one transaction.
const SLICE: usize = 5_000;

/// A batch that is being put together. Nothing is stored before [`BatchDraft::enqueue`] or [`BatchDraft::open`].
///
/// # Example
/// ```
/// use lamplighter::prelude::*;
///
/// #[derive(Serialize, Deserialize)]
/// struct Import(u32);
/// impl Payload for Import {
///     const KIND: Kind = Kind::named("import");
///     type Output = ();
/// }
/// #[derive(Serialize, Deserialize)]
/// struct Report;
/// impl Payload for Report {
///     const KIND: Kind = Kind::named("report");
///     type Output = u64;
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> lamplighter::Result<()> {
/// # let folder = tempfile::tempdir().expect("a folder");
/// # let store = lamplighter::testing::store_in(folder.path())?;
/// let counts = Jobs::new(&store, &Clock::system());
/// let engine = Engine::builder(store.clone(), Clock::system())
///     .on::<Import, _, _>(|_, _| async { Ok(()) })
///     .on::<Report, _, _>(move |context, _| {
///         let counts = counts.clone();
///         async move { Ok(counts.batch_before(context.job.id).await?.map_or(0, |batch| batch.completed)) }
///     })
///     .start()?;
/// let jobs = engine.jobs();
/// let batch = jobs.batch("import-42").add(&Import(1))?.add(&Import(2))?.then(&Report)?.enqueue().await?;
/// # lamplighter::testing::drain(&store, &Clock::system()).await?;
/// let state = jobs.batch_state(batch).await?;
/// assert_eq!((state.total, state.completed, state.open), (2, 2, 0));
/// let then = state.then_id.expect("it was made when both were over");
/// assert_eq!(jobs.wait::<Report>(then, Duration::from_secs(30)).await?.done(), Some(2));
/// # engine.stop(Duration::ZERO).await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is stored yet"]
pub struct BatchDraft<'a> {
    jobs: &'a Jobs,
    name: String,
    drafts: Vec<NewJob>,
    then: Option<NewJob>,
}

impl BatchDraft<'_> {
    /// Adds a job with this payload.
    ///
    /// # Errors
    /// As [`NewJob::of`].
    #[expect(clippy::should_implement_trait, reason = "a batch is no sum")]
    pub fn add<P: Payload>(self, payload: &P) -> Result<Self> {
        Ok(self.add_job(NewJob::of(payload)?))
    }

    /// Adds a job.
    pub fn add_job(mut self, job: NewJob) -> Self {
        self.drafts.push(job);
        self
    }

    /// The job that is made when all jobs of the batch are over, whatever became of them. Its handler asks
    /// [`Jobs::batch_before`] for the counts.
    ///
    /// # Errors
    /// As [`NewJob::of`].
    pub fn then<P: Payload>(self, payload: &P) -> Result<Self> {
        Ok(Self { then: Some(NewJob::of(payload)?), ..self })
    }

    /// The same with options: queue, priority, attempts, time limit and concurrency key.
    pub fn then_job(self, job: NewJob) -> Self {
        Self { then: Some(job), ..self }
    }

    /// Stores the batch with its jobs, and closes it. More than 5,000 jobs are stored in several transactions: a program that
    /// ends between them leaves an open batch, which can be filled up, closed or cancelled.
    ///
    /// # Errors
    /// As [`Store::open_batch`](crate::store::Store::open_batch) and [`Jobs::add_to`].
    pub async fn enqueue(self) -> Result<BatchId> {
        let jobs = self.jobs;
        let id = self.open().await?;
        jobs.close(id).await?;
        Ok(id)
    }

    /// Stores the batch with its jobs and leaves it open for more ([`Jobs::add_to`]), until [`Jobs::close`].
    ///
    /// # Errors
    /// As [`BatchDraft::enqueue`].
    pub async fn open(self) -> Result<BatchId> {
        let Self { jobs, name, drafts, then } = self;
        let now = jobs.clock.now();
        let id = jobs.store.open_batch(name, then.map(|then| jobs.signed(then)), now).await?;
        jobs.add_to(id, drafts).await?;
        Ok(id)
    }
}

/// Batches: jobs that are counted together.
impl Jobs {
    /// A new batch of this name, which has 1 to 200 bytes and need not be the only one of its name.
    pub fn batch(&self, name: impl Into<String>) -> BatchDraft<'_> {
        BatchDraft { jobs: self, name: name.into(), drafts: Vec::new(), then: None }
    }

    /// Adds jobs to a batch that is not finished, in slices of 5,000. One whose unique key is held is not added.
    ///
    /// # Errors
    /// `JOB-BATCH-001` if there is no such batch, `JOB-BATCH-002` if it is finished or has 1,000,000 jobs; as [`Jobs::add`]. What
    /// was stored in the slices before stays.
    pub async fn add_to(&self, batch: BatchId, jobs: Vec<NewJob>) -> Result<()> {
        let mut jobs = jobs.into_iter().map(|job| NewJob { batch: Some(batch), ..job }).peekable();
        while jobs.peek().is_some() {
            self.add_all(jobs.by_ref().take(SLICE).collect()).await?;
        }
        Ok(())
    }

    /// Says that no further jobs of a batch come from outside; answers the batch.
    ///
    /// # Errors
    /// As [`Store::close_batch`](crate::store::Store::close_batch).
    pub async fn close(&self, batch: BatchId) -> Result<Batch> {
        self.store.close_batch(batch, self.clock.now()).await
    }

    /// How far a batch is.
    ///
    /// # Errors
    /// `JOB-BATCH-001` if there is no such batch.
    pub async fn batch_state(&self, id: BatchId) -> Result<Batch> {
        let unknown = || Error::new(Code::BatchUnknown, format!("there is no batch {id}"));
        self.store.batch(id).await?.ok_or_else(unknown)
    }

    /// The batch that this job was made to follow; `None` if it follows none.
    ///
    /// # Errors
    /// Those of a database that cannot be read.
    pub async fn batch_before(&self, then: JobId) -> Result<Option<Batch>> {
        self.store.batch_before(then).await
    }

    /// Closes a batch, cancels its jobs that wait and asks those that run to end; answers the batch. What follows it is made
    /// then too.
    ///
    /// # Errors
    /// As [`Store::cancel_batch`](crate::store::Store::cancel_batch).
    pub async fn cancel_batch(&self, id: BatchId) -> Result<Batch> {
        self.store.cancel_batch(id, self.actor(), self.clock.now()).await
    }
}
