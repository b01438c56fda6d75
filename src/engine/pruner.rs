//! The pruner: removes what is over and old, and recounts.

use crate::clock::Clock;
use crate::error::{Code, Result};
use crate::model::{KindRules, Timestamp};
use crate::store::Store;
use crate::warn_coded;
use std::sync::Arc;
use std::time::Duration;

/// How often it looks.
const PRUNE_EVERY: Duration = Duration::from_mins(1);
/// How often it compares the counts with the rows.
const RECOUNT_EVERY: Duration = Duration::from_hours(1);
/// Between two slices, so that everybody else's writes come first.
const BREATH: Duration = Duration::from_millis(50);

/// The service of the process that leads.
pub(super) struct Pruner {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) kinds: Arc<[KindRules]>,
}

impl Pruner {
    /// Prunes and recounts for ever. Cancel safe.
    pub(super) async fn serve(self) {
        let mut recounted_at = self.clock.now();
        loop {
            self.clock.sleep(PRUNE_EVERY).await;
            let done = self.run_once(&mut recounted_at).await;
            if let Err(error) = done {
                warn_coded!(Code::EnginePrune, "prune: {error}");
            }
        }
    }

    async fn run_once(&self, recounted_at: &mut Timestamp) -> Result<()> {
        while self.store.prune(Arc::clone(&self.kinds), self.clock.now()).await? {
            self.clock.sleep(BREATH).await;
        }
        if self.clock.now().since(*recounted_at) >= RECOUNT_EVERY {
            *recounted_at = self.clock.now();
            let missing = self.store.recount().await?;
            if !missing.is_empty() {
                tracing::info!("{} counts of jobs were wrong and are right now", missing.len());
            }
        }
        Ok(())
    }
}
