//! Copies of whole databases: what a backup is made of, and the look at one.

use super::sqlite::moment::{Moment, whole};
use super::{Store, sql};
use crate::error::{Code, Error, Result};
use crate::model::JobCount;
use std::path::Path;

/// Counts that a refusal lists.
const MAX_NAMED: usize = 5;

/// A database as it is at one moment, for as long as this lives.
pub(crate) struct DatabaseMoment(Moment);

impl DatabaseMoment {
    /// The present moment of the database at `path`, which other processes may write on. Blocks.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        Moment::of(path).map(Self)
    }

    /// Copies it into a new file and looks at every page of the copy; `tell` is told the copied pages and how many there are.
    /// Blocks.
    ///
    /// # Errors
    /// `STORE-IO-001`, also where the file is there already; `STORE-FULL-001`; `STORE-FILE-008` if the copy is not whole.
    pub(crate) fn copy(&self, target: &Path, tell: &mut dyn FnMut(u64, u64)) -> Result<()> {
        self.0.copy(target, tell)
    }
}

/// Looks at every page, index and foreign key of the database at `path`. Blocks.
///
/// # Errors
/// `STORE-FILE-008`, with what SQLite complains about.
pub(crate) fn look_at_all(path: &Path) -> Result<()> {
    whole(path)
}

impl Store {
    /// Whether the counts of jobs are those of the rows themselves. Reads every job.
    ///
    /// # Errors
    /// `STORE-COUNT-001` with what differs.
    pub(crate) async fn check_counts(&self) -> Result<()> {
        let recount = self.db.read("recount the jobs", sql::counts::recount).await?;
        if recount.missing.is_empty() {
            return Ok(());
        }
        let differ = |count: &JobCount| {
            format!("{} {} jobs by {}", count.status.as_str(), count.kind, count.count)
        };
        let differ: Vec<_> = recount.missing.iter().take(MAX_NAMED).map(differ).collect();
        Err(Error::new(Code::StoreCounts, format!("recount the jobs: {}", differ.join(", "))))
    }
}
