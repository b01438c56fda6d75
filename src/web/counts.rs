//! What the navigation counts beside its pages: what is new, what waits for a person, and what runs.

use super::app::Web;
use crate::actions::errors::NEW_FOR;
use crate::error::Result;

/// The most findings, and the most errors, that are counted.
const MOST: usize = 100;

/// The counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NavCounts {
    /// The findings that wait for approval.
    pub(super) approvals: usize,
    /// The sessions that run.
    pub(super) sessions: u64,
    /// The errors of jobs that were met for the first time a short while ago.
    pub(super) errors: u64,
}

impl NavCounts {
    /// Reads the counts, where there are pages of them.
    pub(super) async fn read(web: &Web) -> Result<Self> {
        let now = web.clock.now();
        let since = now.minus(NEW_FOR);
        let errors = web.store.new_job_errors(since, now, MOST).await?;
        Self { errors, ..Self::default() }.with_program(web).await
    }

    #[cfg(feature = "monitor")]
    async fn with_program(self, web: &Web) -> Result<Self> {
        use crate::model::{Kind, Status};
        if !web.has_program() {
            return Ok(self);
        }
        let (waits, _) = web.store.filings_to_approve(MOST).await?;
        let counts = web.store.job_counts().await?;
        let run = counts
            .iter()
            .filter(|count| count.status == Status::Running && count.kind == Kind::AGENT_SESSION);
        let sessions = run.map(|count| u64::try_from(count.count).unwrap_or(0)).sum();
        Ok(Self { approvals: usize::try_from(waits).unwrap_or(MOST), sessions, ..self })
    }

    /// Without scans and sessions there is nothing more to count.
    #[cfg(not(feature = "monitor"))]
    #[expect(clippy::unused_async, reason = "with the feature `monitor` it waits for the store")]
    async fn with_program(self, _: &Web) -> Result<Self> {
        Ok(self)
    }
}
