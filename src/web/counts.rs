//! What the navigation counts beside its pages: what waits for a person, and what runs.

use super::app::Web;
use crate::error::Result;

/// The counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NavCounts {
    /// The findings that wait for approval.
    pub(super) approvals: usize,
    /// The sessions that run.
    pub(super) sessions: u64,
}

#[cfg(feature = "monitor")]
impl NavCounts {
    /// The most findings that are counted.
    const MOST: usize = 100;

    /// Reads the counts, where there are pages of them.
    pub(super) async fn read(web: &Web) -> Result<Self> {
        use crate::model::{FilingState, Kind, Status};
        if !web.has_program() {
            return Ok(Self::default());
        }
        let filings = web.store.waiting_filings(Self::MOST).await?;
        let waits = filings.iter().filter(|one| one.state == FilingState::AwaitingApproval);
        let counts = web.store.job_counts().await?;
        let run = counts
            .iter()
            .filter(|count| count.status == Status::Running && count.kind == Kind::AGENT_SESSION);
        let sessions = run.map(|count| u64::try_from(count.count).unwrap_or(0)).sum();
        Ok(Self { approvals: waits.count(), sessions })
    }
}

/// Without scans and sessions there is nothing to count.
#[cfg(not(feature = "monitor"))]
#[expect(clippy::unused_async, reason = "with the feature `monitor` it waits for the store")]
impl NavCounts {
    pub(super) async fn read(_: &Web) -> Result<Self> {
        Ok(Self::default())
    }
}
