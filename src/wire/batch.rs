//! Batches: how far one is.

use crate::model;
use serde::Serialize;

/// A batch of jobs.
#[derive(Clone, Debug, Serialize)]
pub struct Batch {
    /// Its id.
    pub id: i64,
    /// What its maker calls it.
    pub name: String,
    /// Jobs that it has.
    pub total: u64,
    /// Those that are not over.
    pub open: u64,
    /// Those that completed.
    pub completed: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that were cancelled.
    pub cancelled: u64,
    /// Whether it waits for more jobs.
    pub held: bool,
    /// The job that was made when it was finished.
    pub then_id: Option<i64>,
    /// When it was made.
    pub created_at: String,
    /// When it was finished.
    pub finished_at: Option<String>,
}

impl From<&model::Batch> for Batch {
    fn from(batch: &model::Batch) -> Self {
        Self {
            id: batch.id.0,
            name: batch.name.clone(),
            total: batch.total,
            open: batch.open,
            completed: batch.completed,
            failed: batch.failed,
            cancelled: batch.cancelled,
            held: batch.held,
            then_id: batch.then_id.map(|id| id.0),
            created_at: batch.created_at.to_string(),
            finished_at: batch.finished_at.map(|at| at.to_string()),
        }
    }
}
