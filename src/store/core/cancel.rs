//! Cancelling: a job that waits ends, a running one is asked to end.

use crate::error::Result;
use crate::model::{
    Actor, BatchId, Cancellation, Cancelled, Cause, Job, JobEvent, JobId, JobStep, Status,
    Timestamp, cancellation,
};
use crate::store::sql::history::Line;
use crate::store::sql::{audit, batches, history, jobs, lease, moves};
use crate::store::sqlite::Tx;

/// Jobs of a batch that are cancelled in one transaction.
const SLICE: usize = 500;

/// Cancels a job that waits, or asks a running one to end.
///
/// # Errors
/// `JOB-ID-001` if there is no such job.
pub(in crate::store) fn cancel(
    tx: &Tx<'_>,
    id: JobId,
    actor: &Actor,
    now: Timestamp,
) -> Result<Cancelled> {
    cancel_as_seen(tx, &jobs::existing(tx, id)?, actor, now)
}

/// The same for a job that was read in this transaction.
pub(in crate::store) fn cancel_as_seen(
    tx: &Tx<'_>,
    job: &Job,
    actor: &Actor,
    now: Timestamp,
) -> Result<Cancelled> {
    let wish = cancellation(job, &actor.name);
    let changes = matches!(wish, Cancellation::Asks(_) | Cancellation::Ends(_));
    let cancelled = carry_out(tx, job, wish, now)?;
    if changes {
        audit::record(tx, actor, "cancel", &format!("job {} ({})", job.id, job.kind), now)?;
    }
    Ok(cancelled)
}

/// The same, without a row of the audit log.
#[cfg(feature = "web")]
pub(super) fn cancel_job(
    tx: &Tx<'_>,
    job: &Job,
    actor: &Actor,
    now: Timestamp,
) -> Result<Cancelled> {
    carry_out(tx, job, cancellation(job, &actor.name), now)
}

fn carry_out(tx: &Tx<'_>, job: &Job, wish: Cancellation, now: Timestamp) -> Result<Cancelled> {
    Ok(match wish {
        Cancellation::AlreadyFinal => Cancelled::AlreadyFinal(job.status),
        Cancellation::AlreadyAsked => Cancelled::Requested,
        Cancellation::Asks(step) => {
            ask(tx, std::slice::from_ref(job), &step, now)?;
            Cancelled::Requested
        }
        Cancellation::Ends(to) => {
            moves::write(tx, &[(job, to)], now)?;
            Cancelled::Done
        }
    })
}

/// Cancels a slice of a batch's open jobs, and closes the batch with the first slice; answers the last job if there may be
/// more.
pub(in crate::store) fn cancel_batch(
    tx: &Tx<'_>,
    id: BatchId,
    after: JobId,
    actor: &Actor,
    now: Timestamp,
) -> Result<Option<JobId>> {
    if after.0 == 0 {
        audit::record(tx, actor, "cancel", &format!("batch {id}"), now)?;
        batches::cancel(tx, id, now)?;
    }
    let jobs = batches::open_jobs(tx, id, after, SLICE)?;
    let (mut ends, mut asked) = (Vec::new(), Vec::new());
    for job in &jobs {
        match cancellation(job, &actor.name) {
            Cancellation::Ends(to) => ends.push((job, to)),
            Cancellation::Asks(_) => asked.push(job.clone()),
            Cancellation::AlreadyFinal | Cancellation::AlreadyAsked => {}
        }
    }
    moves::write(tx, &ends, now)?;
    ask_all(tx, &asked, actor, now)?;
    Ok(jobs.last().map(|job| job.id).filter(|_| jobs.len() == SLICE))
}

/// Asks everything that runs to end; answers how many jobs that is.
pub(in crate::store) fn cancel_running(
    tx: &Tx<'_>,
    actor: &Actor,
    now: Timestamp,
) -> Result<usize> {
    let running = lease::not_asked(tx)?;
    ask_all(tx, &running, actor, now)?;
    Ok(running.len())
}

fn ask_all(tx: &Tx<'_>, running: &[Job], actor: &Actor, now: Timestamp) -> Result<()> {
    ask(tx, running, &JobStep::new(Cause::CancelRequested, &actor.name, None), now)
}

fn ask(tx: &Tx<'_>, running: &[Job], step: &JobStep, now: Timestamp) -> Result<()> {
    let ids: Vec<JobId> = running.iter().map(|job| job.id).collect();
    lease::ask_to_end(tx, &ids, now)?;
    for job in running {
        tx.took(JobEvent::of(job, Status::Running, Some(step.cause), now));
    }
    let line = |job: &Job| Line {
        job: job.id,
        at: now,
        from: Some(Status::Running),
        to: Status::Running,
        step: step.clone(),
    };
    history::record_all(tx, &running.iter().map(line).collect::<Vec<_>>())
}
