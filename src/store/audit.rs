//! The audit log. It only grows: triggers of the schema refuse to change or delete a row, whoever asks.

use super::Store;
use super::sql;
use crate::error::Result;
use crate::model::{Deed, DeedFilter, Found, JobId, JobMaker};

impl Store {
    /// The newest rows of the audit log, newest first.
    pub async fn deeds(&self, limit: usize) -> Result<Vec<Deed>> {
        let newest = DeedFilter { limit, ..DeedFilter::default() };
        Ok(self.find_deeds(newest).await?.rows)
    }

    /// Who made a job, as the audit log and the job's schedule say.
    pub async fn job_maker(&self, id: JobId) -> Result<JobMaker> {
        self.db.read("read who made a job", move |c| sql::maker::of(c, id)).await
    }

    /// The rows of the audit log that fit, newest first, looking through 100,000 of them.
    pub async fn find_deeds(&self, filter: DeedFilter) -> Result<Found<Deed>> {
        self.db.read("read the audit log", move |c| sql::search::deeds(c, &filter)).await
    }
}
