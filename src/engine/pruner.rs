//! The pruner: removes what is over and old, and recounts.

use crate::clock::Clock;
use crate::error::{Code, Result};
use crate::model::{Hold, JobCount, Service, rules_in_force};
use crate::store::Store;
use crate::warn_coded;
use std::sync::Arc;
use std::time::Duration;

/// How often it looks.
const PRUNE_EVERY: Duration = Duration::from_mins(1);
/// How often it compares the counts with the rows.
const RECOUNT_EVERY: Duration = Duration::from_hours(1);
/// The pause between two slices; in it the writes of all others come first.
const BREATH: Duration = Duration::from_millis(50);

/// Wrong counts that a warning names.
const MAX_NAMED: usize = 5;

/// The service of the process that leads.
pub(super) struct Pruner {
    pub(super) store: Store,
    pub(super) clock: Clock,
}

impl Pruner {
    /// Prunes and recounts for ever. Cancel safe.
    pub(super) async fn serve(self) {
        let (mut recounted_at, mut hold) = (self.clock.uptime(), Hold::default());
        loop {
            self.clock.sleep(PRUNE_EVERY).await;
            let done = self.run_once(&mut recounted_at, &mut hold).await;
            if let Err(error) = &done {
                warn_coded!(Code::EnginePrune, "prune: {error}");
            }
            self.store.ran(&Service::Pruner, self.clock.now(), done);
        }
    }

    /// Answers what it did, in a few words.
    async fn run_once(&self, recounted_at: &mut Duration, hold: &mut Hold) -> Result<String> {
        let (mut slices, uptime) = (1, self.clock.uptime());
        // Jobs are kept as long as their kind says, whichever process runs it.
        let kinds: Arc<[_]> = rules_in_force(&self.store.registered_kinds().await?).into();
        let is_flood = self.store.is_flood(Arc::clone(&kinds), self.clock.now()).await?;
        if hold.holds(is_flood, uptime) {
            return Ok("waits for an hour, because more than a day of old jobs would go at once"
                .to_owned());
        }
        while self.store.prune(Arc::clone(&kinds), self.clock.now()).await? {
            slices += 1;
            self.clock.sleep(BREATH).await;
        }
        if uptime.saturating_sub(*recounted_at) >= RECOUNT_EVERY {
            *recounted_at = uptime;
            let missing = self.store.recount().await?;
            if !missing.is_empty() {
                let wrong = missing.len();
                warn_coded!(
                    Code::StoreCounts,
                    "{wrong} counts of jobs differed from the rows and were set right: {}",
                    some(&missing)
                );
                return Ok(format!("pruned, and set {wrong} wrong counts right"));
            }
            return Ok("pruned and recounted".to_owned());
        }
        Ok(format!("looked for old jobs in {slices} slices"))
    }
}

/// The first of the counts that were wrong, and by how much.
fn some(missing: &[JobCount]) -> String {
    let words = missing.iter().take(MAX_NAMED).map(|count| {
        let queue = count.queue.as_ref().map_or("no queue", |queue| queue.as_str());
        format!("{} {} in {queue} by {}", count.kind, count.status, count.count)
    });
    words.collect::<Vec<_>>().join(", ")
}
