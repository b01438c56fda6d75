//! Who is at work and who leads: workers register, take the lead, are judged lost, and end.

use crate::error::Result;
use crate::model::{Differing, Epoch, ProcessFacts, Registration, Timestamp, WorkerId, differing};
use crate::store::sql::{queues, workers};
use crate::store::sqlite::Tx;

/// Registers a worker with its kinds and its program's limits; answers what another worker has
/// registered in another way.
///
/// Workers of another `file` are lost from now on: this database is a copy of theirs, which was restored or moved, and nothing
/// that they do is written here. Their processes may well live, at work on their own file, and are not touched.
pub(in crate::store) fn register(
    tx: &Tx<'_>,
    registration: &Registration,
    facts: &ProcessFacts,
    file: &str,
    now: Timestamp,
) -> Result<Differing> {
    let Registration { worker, kinds, limits, .. } = registration;
    for other in workers::of_other_files(tx, file)? {
        lose(tx, &other, None, now)?;
    }
    if let Some(before) = &registration.replaces {
        retire(tx, before, now)?;
    }
    workers::insert(tx, registration, facts, file, now)?;
    for rules in kinds.iter() {
        workers::insert_kind(tx, worker, rules, now)?;
    }
    queues::register(tx, worker, limits, now)?;
    keep_queues(tx, registration)?;
    let mut differing = differing(&workers::kinds(tx)?);
    differing.retain(|kind| kinds.iter().any(|rules| rules.kind == *kind));
    Ok(Differing { kinds: differing, queues: queues::differing(tx, worker)? })
}

/// Makes the queues of a worker known, and gives each queue the limit that holds.
pub(in crate::store) fn keep_queues(tx: &Tx<'_>, registration: &Registration) -> Result<()> {
    queues::make_known(tx, &registration.kinds, &registration.limits)?;
    queues::set_engine_limits(tx)
}

/// Makes a worker the one that leads, unless somebody has taken the lead since it was `seen`. The one that led before is
/// lost if it `died`.
///
/// # Errors
/// `ENGINE-LEASE-001` if it was judged lost.
pub(in crate::store) fn lead(
    tx: &Tx<'_>,
    worker: &WorkerId,
    seen: Epoch,
    died: Option<&WorkerId>,
    now: Timestamp,
) -> Result<Option<Epoch>> {
    workers::expect_alive(tx, worker)?;
    if !workers::take_lead(tx, worker, seen)? {
        return Ok(None);
    }
    if let Some(died) = died.filter(|died| *died != worker) {
        lose(tx, died, None, now)?;
    }
    Ok(Some(Epoch(seen.0 + 1)))
}

/// Marks workers lost that have not said since these beats that they are alive, and removes the rows of lost ones under
/// whose names nothing runs; answers those that are lost from now on.
///
/// # Errors
/// `ENGINE-LEAD-001` if the worker does not lead by this epoch.
pub(in crate::store) fn bury(
    tx: &Tx<'_>,
    (leader, epoch): (&WorkerId, Epoch),
    gone: &[(WorkerId, i64)],
    now: Timestamp,
) -> Result<Vec<WorkerId>> {
    workers::expect_leader(tx, leader, epoch)?;
    let mut lost = Vec::new();
    for (worker, beat) in gone {
        if lose(tx, worker, Some(*beat), now)? {
            lost.push(worker.clone());
        }
    }
    workers::delete_lost(tx)?;
    Ok(lost)
}

/// Removes a worker that has ended. If a job still runs under its name, nobody knows what became of it: the worker is lost.
pub(in crate::store) fn retire(tx: &Tx<'_>, worker: &WorkerId, now: Timestamp) -> Result<()> {
    if workers::delete_idle(tx, worker)? {
        return queues::set_engine_limits(tx);
    }
    lose(tx, worker, None, now).map(drop)
}

/// Marks a worker lost, unless it has said since `beat` that it is alive; answers whether it is lost from now on. Its
/// program's limits end with it.
fn lose(tx: &Tx<'_>, worker: &WorkerId, beat: Option<i64>, now: Timestamp) -> Result<bool> {
    let is_lost = workers::mark_lost(tx, worker, beat, now)?;
    if is_lost {
        queues::set_engine_limits(tx)?;
    }
    Ok(is_lost)
}
