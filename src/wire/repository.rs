//! Repositories that an agent describes.

use crate::model;
use serde::Serialize;
use std::path::PathBuf;

/// A repository.
#[derive(Clone, Debug, Serialize)]
pub struct Repository {
    /// Its number.
    pub id: i64,
    /// What it is called here.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// What it is about; `null` until its first job has run.
    pub description: Option<model::Description>,
    /// Who says so: `agent`, or `files` while there was no agent program.
    pub described_by: Option<&'static str>,
    /// Since when.
    pub described_at: Option<String>,
    /// The job that described it last, or is to.
    pub job_id: Option<i64>,
    /// When it was registered.
    pub added_at: String,
}

/// A repository whose description was asked for.
#[derive(Clone, Debug, Serialize)]
pub struct RepositoryAsked {
    /// The repository's name.
    pub repository: String,
    /// The job that describes it.
    pub job_id: i64,
    /// Whether that job waited or ran already.
    pub existing: bool,
}

/// A repository that was removed.
#[derive(Clone, Debug, Serialize)]
pub struct RepositoryRemoved {
    /// The name it had.
    pub repository: String,
}

impl From<&model::GoldenRepo> for Repository {
    fn from(repository: &model::GoldenRepo) -> Self {
        let described = repository.description.as_ref();
        Self {
            id: repository.id,
            name: repository.name.clone(),
            path: repository.path.clone(),
            description: described.map(|(description, ..)| description.clone()),
            described_by: described.map(|(_, by, _)| by.as_str()),
            described_at: described.map(|(.., at)| at.to_string()),
            job_id: repository.job_id.map(|id| id.0),
            added_at: repository.added_at.to_string(),
        }
    }
}
