//! Judges a ledger by the jobs that are in the database: what was acknowledged and is lost, and what was done twice.

use super::ledger::Ledger;
use super::work::{ONCE, PUT_OFF};
use crate::model::{Job, Occurrence, Status};
use std::collections::{BTreeMap, BTreeSet};

/// What is asked about a stored job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) status: Status,
    pub(crate) occurrence: Option<Occurrence>,
}

impl From<Job> for Stored {
    fn from(job: Job) -> Self {
        let kind = job.kind.to_string();
        Self { id: job.id.0, kind, status: job.status, occurrence: job.occurrence }
    }
}

/// What was found, in words for people, and the counts of what was acknowledged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// Jobs that were acknowledged as stored.
    pub(crate) enqueued: u64,
    /// Jobs that were told as completed.
    pub(crate) completed: u64,
    /// Jobs that were acknowledged as cancelled.
    pub(crate) cancelled: u64,
    /// Runs that began.
    pub(crate) runs: u64,
    /// Writes that were surely refused.
    pub(crate) refused: u64,
    /// Writes of which nobody knows whether they were made.
    pub(crate) unknown: u64,
    /// What was acknowledged and is not there.
    pub(crate) lost: Vec<String>,
    /// What was done twice.
    pub(crate) doubled: Vec<String>,
    /// What else is not as it should be: damage, and processes that ended by themselves.
    pub(crate) broken: Vec<String>,
}

impl Findings {
    /// Whether nothing is wrong.
    pub(crate) fn is_whole(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.broken.is_empty()
    }

    /// Adds those of a further database.
    pub(crate) fn add(&mut self, more: Self) {
        self.enqueued += more.enqueued;
        self.completed += more.completed;
        self.cancelled += more.cancelled;
        self.runs += more.runs;
        self.refused += more.refused;
        self.unknown += more.unknown;
        self.lost.extend(more.lost);
        self.doubled.extend(more.doubled);
        self.broken.extend(more.broken);
    }
}

/// Holds what the processes have said against what is stored, once nothing is left to run.
pub(crate) fn judge(ledger: &Ledger, stored: &[Stored]) -> Findings {
    let stored: BTreeMap<i64, &Stored> = stored.iter().map(|job| (job.id, job)).collect();
    let is_lost = |id: &i64, status| stored.get(id).is_some_and(|job| job.status != status);
    let mut lost = Vec::new();
    let said = |what: &str, id: &i64| format!("job {id} was acknowledged as {what}");
    for id in ledger.enqueued.iter().filter(|id| !stored.contains_key(*id)) {
        lost.push(format!("{} and is gone", said("stored", id)));
    }
    for id in ledger.completed.keys().filter(|id| is_lost(id, Status::Completed)) {
        let status = stored[id].status;
        lost.push(format!("{} and is {status} now", said("completed", id)));
    }
    for id in ledger.cancelled.keys().filter(|id| is_lost(id, Status::Cancelled)) {
        let status = stored[id].status;
        lost.push(format!("{} and is {status} now", said("cancelled", id)));
    }
    for job in stored.values().filter(|job| !has_ended(job)) {
        lost.push(format!(
            "job {} ({}) is {} and did not get to its end",
            job.id, job.kind, job.status
        ));
    }
    Findings {
        enqueued: ledger.enqueued.len() as u64,
        completed: ledger.completed.len() as u64,
        cancelled: ledger.cancelled.len() as u64,
        runs: ledger.begun.values().map(|epochs| epochs.len() as u64).sum(),
        refused: ledger.refused.len() as u64,
        unknown: ledger.unknown,
        lost,
        doubled: doubled(ledger, &stored),
        broken: ledger.failed.iter().map(|why| format!("a process ended: {why}")).collect(),
    }
}

/// Whether a job has ended as its kind does here: one fails only if it must not run twice, and one that nobody cancels completes.
fn has_ended(job: &Stored) -> bool {
    match job.status {
        Status::Completed => true,
        Status::Failed => job.kind == ONCE,
        Status::Cancelled => job.kind == PUT_OFF,
        Status::Scheduled | Status::Queued | Status::Running => false,
    }
}

fn doubled(ledger: &Ledger, stored: &BTreeMap<i64, &Stored>) -> Vec<String> {
    let mut found = Vec::new();
    for (id, epochs) in &ledger.begun {
        let claims: BTreeSet<i64> = epochs.iter().copied().collect();
        if claims.len() < epochs.len() {
            found.push(format!("job {id} ran twice under one claim"));
        }
        if ledger.completed.get(id).is_some_and(|done| claims.iter().any(|epoch| epoch > done)) {
            found.push(format!("job {id} was told as completed and ran again"));
        }
        if claims.len() > 1 && stored.get(id).is_some_and(|job| job.kind == ONCE) {
            found.push(format!("job {id} must not run twice and did"));
        }
        if ledger.cancelled.get(id).is_some_and(|then| claims.iter().any(|epoch| epoch > then)) {
            found.push(format!("job {id} was acknowledged as cancelled and ran"));
        }
    }
    for id in &ledger.overlaps {
        found.push(format!("job {id} ran while another job of its key did"));
    }
    let mut occurrences = BTreeSet::new();
    for job in stored.values() {
        let Some(Occurrence { schedule_id, at }) = job.occurrence else { continue };
        if !occurrences.insert((schedule_id, at)) {
            found.push(format!("job {} is the second one of an occurrence of a schedule", job.id));
        }
    }
    found
}

/// Judges what a full disk has left: what was acknowledged is there, what was refused is not.
pub(crate) fn judge_full(ledger: &Ledger, numbers: &BTreeMap<i64, u64>) -> Findings {
    let lost = ledger.enqueued.iter().filter(|id| !numbers.contains_key(id));
    let kept = numbers.values().filter(|number| ledger.refused.contains(number));
    Findings {
        enqueued: ledger.enqueued.len() as u64,
        refused: ledger.refused.len() as u64,
        unknown: ledger.unknown,
        lost: lost
            .map(|id| format!("job {id} was acknowledged on the full disk and is gone"))
            .collect(),
        broken: kept
            .map(|n| format!("write {n} was refused on the full disk and was made"))
            .collect(),
        ..Findings::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::ledger::Entry;
    use super::*;
    use crate::model::Timestamp;

    fn ledger(lines: &[&str]) -> Ledger {
        let mut ledger = Ledger { living: [1, 2].into(), ..Ledger::default() };
        for line in lines {
            ledger.take(1, Entry::parse(line).unwrap());
        }
        ledger
    }

    fn stored(id: i64, kind: &str, status: Status) -> Stored {
        Stored { id, kind: kind.into(), status, occurrence: None }
    }

    #[test]
    fn what_is_as_it_was_acknowledged_is_whole() {
        let said = ledger(&[
            "enqueued 1",
            "begun 1 1",
            "begun 1 2",
            "completed 1 2",
            "enqueued 2",
            "cancelled 2 0",
            "enqueued 3",
            "begun 3 1",
            "refused 9",
        ]);
        let there = [
            stored(1, "torture_free", Status::Completed),
            stored(2, PUT_OFF, Status::Cancelled),
            stored(3, ONCE, Status::Failed),
            // It was stored, and its process killed before it could say so.
            stored(4, "torture_free", Status::Completed),
        ];
        let found = judge(&said, &there);
        assert!(found.is_whole(), "{found:?}");
        assert_eq!((found.enqueued, found.completed, found.cancelled), (3, 1, 1));
        assert_eq!((found.runs, found.refused), (3, 1));
    }

    #[test]
    fn a_lost_job_a_lost_end_and_a_job_that_stands_still_are_named() {
        let said =
            ledger(&["enqueued 1", "enqueued 2", "completed 2 1", "enqueued 3", "cancelled 3 0"]);
        let there =
            [stored(2, "torture_free", Status::Queued), stored(3, PUT_OFF, Status::Completed)];
        let found = judge(&said, &there);
        assert_eq!(
            found.lost,
            [
                "job 1 was acknowledged as stored and is gone",
                "job 2 was acknowledged as completed and is queued now",
                "job 3 was acknowledged as cancelled and is completed now",
                "job 2 (torture_free) is queued and did not get to its end",
            ]
        );
        assert!(found.doubled.is_empty());
    }

    #[test]
    fn each_way_of_being_done_twice_is_named() {
        let at = Timestamp::from_millis(60_000);
        let occurrence = Some(Occurrence { schedule_id: 1, at });
        let said = ledger(&[
            "begun 1 1",
            "begun 1 1",
            "begun 2 1",
            "completed 2 1",
            "begun 2 2",
            "begun 3 1",
            "begun 3 2",
            "cancelled 4 0",
            "begun 4 1",
            "overlap 5 2",
            "overlap 5 999",
        ]);
        let kinds = [(3, ONCE), (4, PUT_OFF), (1, "a"), (2, "a"), (5, "a")];
        let mut there: Vec<_> = kinds.map(|(id, kind)| stored(id, kind, Status::Completed)).into();
        there[1].status = Status::Cancelled;
        there.extend([6, 7].map(|id| Stored { occurrence, ..stored(id, "a", Status::Completed) }));
        let found = judge(&said, &there);
        assert_eq!(
            found.doubled,
            [
                "job 1 ran twice under one claim",
                "job 2 was told as completed and ran again",
                "job 3 must not run twice and did",
                "job 4 was acknowledged as cancelled and ran",
                "job 5 ran while another job of its key did",
                "job 7 is the second one of an occurrence of a schedule",
            ]
        );
        assert!(found.lost.is_empty());
    }

    #[test]
    fn a_full_disk_keeps_what_it_acknowledged_and_nothing_that_it_refused() {
        let said = ledger(&["enqueued 1", "enqueued 2", "refused 7", "refused 8", "unknown"]);
        let whole = judge_full(&said, &[(1, 0), (2, 1), (3, 9)].into());
        assert!(whole.is_whole(), "{whole:?}");
        let torn = judge_full(&said, &[(1, 0), (3, 8)].into());
        assert_eq!(torn.lost, ["job 2 was acknowledged on the full disk and is gone"]);
        assert_eq!(torn.broken, ["write 8 was refused on the full disk and was made"]);
    }
}
