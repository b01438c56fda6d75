//! What lost workers have left outside of the database, and clearing it before their jobs are settled.

use crate::clock::Clock;
use crate::error::{Code, Result};
use crate::error_coded;
use crate::model::WorkerId;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Wait after something could not be cleared.
const AGAIN: Duration = Duration::from_secs(1);

/// The work that must succeed before the jobs of some kinds are settled that a lost worker ran.
pub(super) type Preparation =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<()>> + Send>> + Send + Sync>;

/// Clears beside the poller, which goes on claiming meanwhile.
pub(super) struct Sweeper {
    preparations: Vec<Preparation>,
    /// The workers that the sweep is for which runs now.
    lost: Vec<WorkerId>,
    /// Those that are swept, and that the next look is told of.
    swept: Vec<WorkerId>,
    sweeping: JoinSet<Result<()>>,
    /// Whether the last sweep failed.
    failed: bool,
}

impl Sweeper {
    pub(super) fn new(preparations: Vec<Preparation>) -> Self {
        let (lost, swept) = (Vec::new(), Vec::new());
        Self { preparations, lost, swept, sweeping: JoinSet::new(), failed: false }
    }

    /// Begins to clear what these workers have left, unless a sweep is on its way.
    pub(super) fn sweep(&mut self, lost: &[WorkerId]) {
        if lost.is_empty() || !self.sweeping.is_empty() || self.failed {
            return;
        }
        self.lost = lost.to_vec();
        let preparations = self.preparations.clone();
        self.sweeping.spawn(async move {
            for prepare in preparations {
                prepare().await?;
            }
            Ok(())
        });
    }

    /// The workers that were swept since the last call.
    pub(super) fn swept(&mut self) -> Vec<WorkerId> {
        std::mem::take(&mut self.swept)
    }

    /// Returns when the next look has something new: workers are swept, or a sweep that failed may be tried again. Cancel
    /// safe.
    pub(super) async fn done(&mut self, clock: &Clock) {
        if self.failed {
            clock.sleep(AGAIN).await;
            self.failed = false;
            return;
        }
        let Some(ended) = self.sweeping.join_next().await else { return pending().await };
        match ended {
            Ok(Ok(())) => self.swept.append(&mut self.lost),
            Ok(Err(error)) => self.fail(&error),
            Err(error) => self.fail(&error),
        }
    }

    fn fail(&mut self, error: &dyn std::fmt::Display) {
        error_coded!(Code::EngineSweep, "clear what lost processes have left: {error}");
        self.failed = true;
    }
}
