//! What people change in a job that waits: its time, its priority, its input.

use crate::error::{Code, Error, Result};
use crate::model::{
    Actor, Cause, Job, JobEdit, JobEvent, JobId, JobStep, Move, Placement, RunNow, Timestamp,
    placement,
};
use crate::store::sql::history::Line;
use crate::store::sql::{audit, history, jobs, moves, unblock};
use crate::store::sqlite::Tx;

/// Makes a waiting job due. A pause, a limit, a key or a budget holds it as before.
///
/// # Errors
/// `JOB-ID-001` if there is no such job, `JOB-ID-003` if it runs or is over.
pub(in crate::store) fn run_now(
    tx: &Tx<'_>,
    id: JobId,
    actor: &Actor,
    now: Timestamp,
) -> Result<RunNow> {
    let job = jobs::existing(tx, id)?;
    let answer = make_due(tx, &job, actor, now)?;
    if answer == RunNow::Due {
        audit::record(tx, actor, "run now", &format!("job {id} ({})", job.kind), now)?;
    }
    Ok(answer)
}

/// The same, without a row of the audit log.
pub(super) fn make_due(tx: &Tx<'_>, job: &Job, actor: &Actor, now: Timestamp) -> Result<RunNow> {
    let place = waiting(job, &JobEdit { run_at: Some(now), ..JobEdit::default() }, now)?;
    if job.run_at <= now {
        return Ok(RunNow::AlreadyDue);
    }
    let due = JobEdit { run_at: Some(now), ..JobEdit::default() };
    let detail = format!("its time was {}", job.run_at);
    let step = JobStep::new(Cause::RunNow, &actor.name, Some(detail));
    write(tx, job, &due, (place, step), now)?;
    Ok(RunNow::Due)
}

/// Changes a waiting job; answers it as it is then.
///
/// # Errors
/// `JOB-ID-001` if there is no such job, `JOB-ID-003` if it runs or is over, `JOB-VALUE-001` for a value out of range.
pub(in crate::store) fn edit(
    tx: &Tx<'_>,
    id: JobId,
    edit: JobEdit,
    actor: &Actor,
    now: Timestamp,
) -> Result<Job> {
    let job = jobs::existing(tx, id)?;
    if let Some((before, after)) = change(tx, &job, edit, actor, now)? {
        let subject = format!("job {id} ({})", job.kind);
        audit::record_change(tx, actor, "edit", &subject, (Some(&before), Some(&after)), now)?;
    }
    jobs::existing(tx, id)
}

/// The same, without a row of the audit log; answers the job before and after the edit if they differ.
pub(super) fn change(
    tx: &Tx<'_>,
    job: &Job,
    edit: JobEdit,
    actor: &Actor,
    now: Timestamp,
) -> Result<Option<(String, String)>> {
    // The refusal of a job that cannot be changed comes before the refusal of a value.
    waiting(job, &edit, now)?;
    let edit = edit.of(job)?;
    if edit.is_empty() {
        return Ok(None);
    }
    let place = waiting(job, &edit, now)?;
    let (before, after) = edit.lines(job);
    let cause = if edit.run_at.is_some() { Cause::Rescheduled } else { Cause::Edited };
    let step = JobStep::new(cause, &actor.name, Some(format!("{after}; before: {before}")));
    write(tx, job, &edit, (place, step), now)?;
    Ok(Some((before, after)))
}

/// Where the job goes with the edit, if it waits.
fn waiting(job: &Job, edit: &JobEdit, now: Timestamp) -> Result<Placement> {
    let reordered = edit.run_at.is_some() || edit.priority.is_some();
    // What is due stays so under another priority, also after a clock that was ahead.
    let own = if job.is_due(now) { job.run_at.min(now) } else { job.run_at };
    let run_at = edit.run_at.unwrap_or(own);
    placement(job.status, job.waits_for, reordered, run_at, now)
        .ok_or_else(|| Error::new(Code::JobNotWaiting, format!("job {} is {}", job.id, job.status)))
}

/// Writes the values that are another ones now, then moves the job where they lead.
fn write(
    tx: &Tx<'_>,
    job: &Job,
    edit: &JobEdit,
    (place, step): (Placement, JobStep),
    now: Timestamp,
) -> Result<()> {
    jobs::set_values(tx, job, edit)?;
    if let Some(to) = Move::edited(place, step.clone()) {
        moves::write(tx, &[(job, to)], now)?;
    } else {
        let (from, to) = (Some(job.status), job.status);
        tx.took(JobEvent::of(job, to, Some(step.cause), now));
        history::record(tx, Line { job: job.id, at: now, from, to, step })?;
    }
    if edit.run_at.is_some_and(|run_at| run_at > now) {
        // It may have been called up when a job that a constraint wants alone had ended: the next one may go.
        unblock::unblock_constraints(tx, [&job.kind])?;
    }
    Ok(())
}
