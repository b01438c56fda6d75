//! What must be refused: writes under a lease that is over, and in another worker's name.

use super::{World, settle_one};
use crate::model::{AttemptEnd, Job, Lease, Outcome, Timestamp};
use crate::store::sql::jobs;
use std::time::Duration;

impl World {
    /// P9: what is written under a lease that is over changes nothing.
    pub(super) fn late_write(&mut self) {
        let Some(lease) = self.rng.choice(self.stale.iter()).cloned() else { return };
        let job = jobs::get(&self.conn, lease.id).unwrap();
        // Its claim may never have been heard of, and nobody has looked since: as good as lost, not stale.
        if job.as_ref().and_then(Job::lease).as_ref() != Some(&lease) {
            self.is_refused(&lease, "a stale lease wrote");
        }
    }

    /// P9: to know a job and its epoch is not to hold its lease.
    pub(super) fn write_in_anothers_name(&mut self) {
        let running: Vec<Lease> =
            self.processes.iter().flatten().flat_map(|server| server.running.clone()).collect();
        let Some(lease) = self.rng.choice(running.iter()).cloned() else { return };
        let names = self.processes.iter().flatten().map(|server| server.worker.clone());
        let others: Vec<_> = names.filter(|name| *name != lease.worker).collect();
        if let Some(worker) = self.rng.choice(others) {
            self.is_refused(&Lease { worker, ..lease }, "a lease of another worker wrote");
        }
    }

    fn is_refused(&mut self, lease: &Lease, what: &str) {
        let before = jobs::get(&self.conn, lease.id).unwrap();
        let now = Timestamp::from_millis(self.now);
        let end = AttemptEnd::Answered(Outcome::Done("late".into()));
        let answer = self.call(|tx| settle_one(tx, lease, end, Duration::ZERO, now));
        assert!(answer.is_none(), "P9: {what}: {lease:?}");
        assert_eq!(jobs::get(&self.conn, lease.id).unwrap(), before, "P9: {what}");
    }
}
