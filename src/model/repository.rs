//! Repositories of this machine, and what they are about.

use super::{JobId, Timestamp};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A repository that somebody has registered.
#[derive(Clone, Debug, PartialEq)]
pub struct GoldenRepo {
    /// Its number.
    pub id: i64,
    /// What it is called here.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// What it is about, who says so, and since when; `None` until the first job has run.
    pub description: Option<(Description, DescribedBy, Timestamp)>,
    /// The job that described it last or will describe it.
    pub job_id: Option<JobId>,
    /// When it was registered.
    pub added_at: Timestamp,
}

super::job::word_enum!(
    /// Who described a repository.
    DescribedBy {
        /// The agent, after a look at it.
        Agent = "agent",
        /// Our own code, from the repository's files, while there was no agent program. The agent does it again later.
        Files = "files",
    }
);

/// What a repository is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// A few sentences.
    pub summary: String,
    /// Languages, frameworks, databases.
    pub technologies: Vec<String>,
    /// What it can do.
    pub features: Vec<String>,
    /// What it is used for.
    pub use_cases: Vec<String>,
    /// Why it exists, in a sentence.
    pub purpose: String,
}
