//! The pruner: removes what is over and old, recounts, and looks whether schedules are due when their rules say.

use crate::clock::Clock;
use crate::error::{Code, Result};
use crate::model::{Hold, JobCount, ScheduleName, Service, rules_in_force};
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
        // What is due by itself waits for no hold.
        let finished = self.finish_batches().await;
        let kept = self.keep_schedules().await;
        let pruned = self.prune(hold).await;
        // The counts are set right also while something keeps old jobs from being removed.
        let recounted = self.recount_if_due(recounted_at).await;
        let done = pruned?.map_or_else(
            || "waits for an hour, because more than a day of old rows would go at once".to_owned(),
            |slices| format!("looked for old jobs in {slices} slices"),
        );
        finished?;
        kept?;
        Ok(recounted?.unwrap_or(done))
    }

    async fn finish_batches(&self) -> Result<()> {
        while self.store.finish_batches(self.clock.now()).await? {
            self.clock.sleep(BREATH).await;
        }
        Ok(())
    }

    /// A schedule whose row another program has changed would make no job for ever.
    async fn keep_schedules(&self) -> Result<()> {
        let kept = self.store.keep_schedules(self.clock.now()).await?;
        if !kept.is_empty() {
            let names: Vec<_> = kept.iter().map(ScheduleName::as_str).collect();
            warn_coded!(
                Code::StoreChanged,
                "these schedules are due again when their rules and settings say: {}",
                names.join(", ")
            );
        }
        Ok(())
    }

    /// Removes what is old; answers in how many slices. `None`: more than a day of it would go at once, which waits for an
    /// hour, because the clock may have jumped.
    async fn prune(&self, hold: &mut Hold) -> Result<Option<u64>> {
        let mut slices = 1;
        // Jobs are kept as long as their kind says, whichever process runs it.
        let kinds: Arc<[_]> = rules_in_force(&self.store.registered_kinds().await?).into();
        // All slices go by the one date that was looked at: the clock may jump between two of them.
        let now = self.clock.now();
        let is_flood = self.store.is_flood(Arc::clone(&kinds), now).await?;
        if hold.holds(is_flood, self.clock.uptime()) {
            return Ok(None);
        }
        while self.store.prune(Arc::clone(&kinds), now).await? {
            slices += 1;
            self.clock.sleep(BREATH).await;
        }
        Ok(Some(slices))
    }

    /// Compares the counts with the rows once an hour; answers what came of it, if it did.
    async fn recount_if_due(&self, recounted_at: &mut Duration) -> Result<Option<String>> {
        let uptime = self.clock.uptime();
        if uptime.saturating_sub(*recounted_at) < RECOUNT_EVERY {
            return Ok(None);
        }
        *recounted_at = uptime;
        let missing = self.store.recount().await?;
        if missing.is_empty() {
            return Ok(Some("pruned and recounted".to_owned()));
        }
        let wrong = missing.len();
        warn_coded!(
            Code::StoreCounts,
            "{wrong} counts of jobs differed from the rows and were set right: {}",
            some(&missing)
        );
        Ok(Some(format!("pruned, and set {wrong} wrong counts right")))
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
