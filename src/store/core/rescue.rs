//! Rescue: what lost workers left running is settled as lost.

use super::settle::{self, POISON_AFTER};
use crate::error::Result;
use crate::model::{Job, PollRequest, Polled, RegisteredKind, Timestamp};
use crate::store::sql::moves::Ended;
use crate::store::sql::{lease, workers};
use crate::store::sqlite::Tx;

/// Settles as lost what runs in the name of this worker without really running here, and, for a worker that leads, what
/// runs in the name of one that is lost or has no row.
///
/// A job in our own name that nobody runs is one whose claim was committed although the commit seemed to fail. Jobs of
/// kinds whose runs leave something outside of the database wait until a process that has the kind has cleared it.
pub(super) fn rescue(
    tx: &Tx<'_>,
    request: &PollRequest,
    polled: &mut Polled,
    now: Timestamp,
) -> Result<()> {
    let others = request.leads.is_some() || request.kinds.iter().any(|rules| rules.swept);
    let lost = lease::orphaned(tx, &request.worker, &request.running, others)?;
    if lost.is_empty() {
        return Ok(());
    }
    let registered = workers::kinds_of_all(tx)?;
    for job in lost {
        let rules = rules(&registered, &job).map(|known| &known.rules);
        let worker = job.worker_id.clone().filter(|worker| *worker != request.worker);
        let own = request.kinds.iter().find(|own| own.kind == job.kind);
        let is_swept = rules.is_some_and(|rules| rules.swept) || own.is_some_and(|own| own.swept);
        if let Some(worker) = worker.filter(|_| is_swept) {
            if own.is_none() {
                continue;
            }
            if !request.swept.contains(&worker) {
                let is_ours = request.leads.is_some() || !workers::leader_has(tx, &job.kind)?;
                if is_ours && !polled.unswept.contains(&worker) {
                    polled.unswept.push(worker);
                }
                continue;
            }
        } else if job.worker_id.as_ref() != Some(&request.worker) && request.leads.is_none() {
            continue;
        }
        let poison_after = rules.map_or(POISON_AFTER, |rules| rules.poison_after);
        let after = settle::loss(tx, &job, poison_after, now)?;
        polled.rescued.push((job, after));
    }
    let ended =
        polled.rescued.iter().map(|(job, after)| Ended { job, after, print: None, at: now });
    settle::write(tx, &ended.collect::<Vec<_>>())
}

/// The rules by which the worker of this job ran it, or else those of the newest registration.
fn rules<'a>(registered: &'a [RegisteredKind], job: &Job) -> Option<&'a RegisteredKind> {
    let of_kind = |known: &&RegisteredKind| known.rules.kind == job.kind;
    let of_worker = |known: &&RegisteredKind| Some(&known.worker) == job.worker_id.as_ref();
    let own = registered.iter().find(|known| of_kind(known) && of_worker(known));
    own.or_else(|| registered.iter().find(of_kind))
}
