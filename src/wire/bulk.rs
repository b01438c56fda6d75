//! One act on many jobs: what it would do, and what it did.

use super::Job;
use crate::model;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a bulk action would do.
#[derive(Clone, Debug, Serialize)]
pub struct BulkPreview {
    /// What would be done to each job: `cancel`, `retry`, `run_now`, `delete` or `set_priority`.
    pub action: &'static str,
    /// The query as it was understood.
    pub query: String,
    /// Jobs that fit it.
    pub matched: u64,
    /// How many of them would be changed.
    pub changes: u64,
    /// How many of them would be left alone, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
    /// The highest id that was looked at: no job that was made later is touched.
    pub through_id: i64,
    /// If older jobs were not looked at: the id below which to go on.
    pub before: Option<i64>,
    /// The commonest errors of the jobs that fit, at most three.
    pub errors: Vec<BulkError>,
    /// The newest of the jobs that fit, at most twenty.
    pub sample: Vec<Job>,
}

/// An error that several jobs have; their numbers may differ.
#[derive(Clone, Debug, Serialize)]
pub struct BulkError {
    /// Its code.
    pub code: Option<String>,
    /// The beginning of the newest one's text.
    pub example: String,
    /// How many jobs have it.
    pub count: u64,
}

/// What became of a bulk action.
#[derive(Clone, Debug, Serialize)]
pub struct BulkDone {
    /// What is done to each job.
    pub action: &'static str,
    /// The query as it was understood.
    pub query: String,
    /// The job of kind `bulk_action` that does it; `null`: it is done.
    pub job_id: Option<i64>,
    /// Jobs that were changed; with a job of its own, that will be.
    pub changed: u64,
    /// Jobs that were left alone, by reason or error code.
    pub skipped: BTreeMap<String, u64>,
    /// The changed jobs, if it is done: for `retry` those that run again, not their copies.
    pub ids: Vec<i64>,
}

impl From<&model::Preview> for BulkPreview {
    fn from(preview: &model::Preview) -> Self {
        Self {
            action: preview.bulk.act.as_str(),
            query: preview.bulk.filter.to_string(),
            matched: preview.matched,
            changes: preview.changes(),
            skipped: preview.skipped.iter().map(|(skip, count)| (skip.as_str(), *count)).collect(),
            through_id: preview.bulk.through_id,
            before: preview.next,
            errors: preview.errors.iter().map(BulkError::from).collect(),
            sample: preview.sample.iter().map(Job::from).collect(),
        }
    }
}

impl From<&model::CommonError> for BulkError {
    fn from(error: &model::CommonError) -> Self {
        let model::CommonError { code, example, count } = error.clone();
        Self { code, example, count }
    }
}
