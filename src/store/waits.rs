//! Waiting for the end of a job, and following the steps of all.

use super::news::{self, JobEvents};
use super::{Store, sql, sqlite};
use crate::error::{Code, Error, Result};
use crate::model::{EventFilter, Filter, Job, JobId, Timestamp};
use crate::warn_coded;
use std::pin::pin;
use std::time::Duration;

/// How soon one who waits looks anyhow, should the one who watches for other programs' commits not be polled.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// Wait after a look that failed: what it missed is looked for again, also if nothing more is committed.
const LOOK_ANEW: Duration = Duration::from_secs(1);
/// Ends that one look after another program's commit reads at most; a further look reads the others.
const MAX_ENDS: usize = 1000;

impl Store {
    /// Returns when a job is final, with the job. It reads the job's row when it begins and once when the job has ended,
    /// whatever else is committed meanwhile, in this process or in another. Cancel safe; waits without an end.
    ///
    /// # Errors
    /// `JOB-ID-001` if there is no such job.
    pub async fn wait(&self, id: JobId) -> Result<Job> {
        let waiting = self.db.news().wait_for(id);
        loop {
            let mut ended = pin!(waiting.ended.notified());
            ended.as_mut().enable();
            self.db.news().count_read();
            match self.job(id).await? {
                Some(job) if job.status.is_final() => return Ok(job),
                Some(_) => {}
                None => return Err(Error::new(Code::JobUnknown, format!("find job {id}"))),
            }
            tokio::select! {
                () = ended => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                closed = self.watch_foreign_commits() => closed?,
            }
        }
    }

    /// The steps that the jobs which fit the filter take from `now` on. Of a job that another process runs, the stream
    /// tells the end alone, and only while [`Store::watch_foreign_commits`] runs, as it does in an engine.
    ///
    /// # Errors
    /// `JOB-QUERY-001` if the filter asks for more than `id`, `kind`, `queue` and `status`.
    pub async fn job_steps(&self, filter: &Filter, now: Timestamp) -> Result<JobEvents> {
        let filter = EventFilter::of(filter)?;
        let since = news::since(now);
        let ended = move |c: &_| sql::jobs::ends(c, since, MAX_ENDS);
        let (ended, _) = self.db.read("look which jobs have ended", ended).await?;
        Ok(self.db.news().follow(filter, now, &ended))
    }

    /// Watches for other programs' commits and announces them to [`Store::changes`] and to those who wait for jobs; returns
    /// only with an error, when the database closes: a look that fails is told in the log and made again. However many ask for
    /// it, one of them watches. Cancel safe.
    pub async fn watch_foreign_commits(&self) -> Result<()> {
        let news = self.db.news();
        let mut foreign = news.watching.lock().await;
        // It holds the buffer of what the system tells: not for each of those who only wait their turn.
        let watching = Box::pin(sqlite::watch::foreign_commits(&self.db));
        let telling = pin!(async {
            while foreign.changed().await.is_ok() {
                while let Err(error) = self.look_at_jobs().await {
                    warn_coded!(Code::StoreWatch, "{error}");
                    tokio::time::sleep(LOOK_ANEW).await;
                }
            }
            Ok(())
        });
        tokio::select! {
            ended = watching => ended,
            ended = telling => ended,
        }
    }

    /// Tells what another program's commit may have ended.
    async fn look_at_jobs(&self) -> Result<()> {
        let news = self.db.news();
        let waited = news.waited();
        if !waited.is_empty() {
            let gone = move |c: &_| sql::jobs::not_open(c, &waited);
            news.wake(&self.db.read("look at the jobs that are waited for", gone).await?);
        }
        let Some(mut since) = news.ends_since() else { return Ok(()) };
        let back = news.went_back();
        loop {
            let ends = move |c: &_| sql::jobs::ends(c, since, MAX_ENDS);
            let (ends, more) = self.db.read("look which jobs have ended", ends).await?;
            news.tell_ends(&ends);
            match ends.last() {
                // A full look that found nothing newer would be made for ever.
                Some(last) if more && last.at > since => since = last.at,
                Some(_) | None => break,
            }
        }
        news.looked(back);
        Ok(())
    }

    /// The jobs that somebody waits for.
    #[cfg(test)]
    pub(crate) fn waited_jobs(&self) -> Vec<JobId> {
        self.db.news().waited()
    }

    /// How many rows were read for those who wait.
    #[cfg(test)]
    pub(crate) fn reads_of_waiters(&self) -> u64 {
        self.db.news().reads()
    }
}
