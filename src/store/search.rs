//! Lists with filters, and the figures of the dashboard.

use super::{Store, sql};
use crate::error::Result;
#[cfg(feature = "web")]
use crate::model::Retry;
use crate::model::{Filter, Found, Job, JobId, JobPlace, Neighbours, Overview, Timestamp};
#[cfg(feature = "web")]
use std::collections::BTreeMap;

impl Store {
    /// The newest jobs below the cursor that fit the filter, at most `limit`. Looks through 100,000 jobs at most and says
    /// so. Lengths such as `since:2h` count from `now`.
    pub async fn find_jobs(
        &self,
        filter: Filter,
        before: Option<i64>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Found<Job>> {
        let find = move |c: &_| sql::search::jobs(c, &filter, before, limit, now);
        self.db.read("list jobs", find).await
    }

    /// The jobs that fit the filter behind this place, in the order of a list ([`Filter::order`]), at most `limit`. Looks through
    /// 100,000 jobs at most and says so.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for a place without a time where the list goes by one and there is no job of its id.
    pub async fn list_jobs(
        &self,
        filter: Filter,
        behind: Option<JobPlace>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Found<Job, JobPlace>> {
        let find = move |c: &_| sql::job_list::jobs(c, &filter, behind, limit, now);
        self.db.read("list jobs in their order", find).await
    }

    /// The jobs that this job made, oldest first, at most 100.
    pub async fn children(&self, id: JobId) -> Result<Vec<JobId>> {
        self.db.read("list a job's children", move |c| sql::search::children(c, id)).await
    }

    /// The newest job that runs each of these again, for those that were run again.
    #[cfg(feature = "web")]
    pub async fn retries(&self, ids: Vec<JobId>) -> Result<BTreeMap<JobId, Retry>> {
        self.db.read("find retries", move |c| sql::search::retries(c, &ids)).await
    }

    /// What a job runs after, and what runs after it.
    pub async fn neighbours(&self, id: JobId) -> Result<Neighbours> {
        let of = move |c: &_| sql::after::neighbours(c, id);
        self.db.read("list what a job runs after", of).await
    }

    /// What the dashboard shows.
    pub async fn overview(&self, now: Timestamp) -> Result<Overview> {
        let (database_bytes, wal_bytes) = self.db.sizes();
        let overview =
            self.db.read("read the overview", move |c| sql::search::overview(c, now)).await?;
        Ok(Overview { database_bytes, wal_bytes, ..overview })
    }
}
