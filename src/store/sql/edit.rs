//! What people change in a job that waits: its time, its priority, its input.

use super::control::existing;
use super::{audit, history, unblock};
use crate::error::{Code, Error, Result};
use crate::model::{
    Actor, Cause, Event, Job, JobEdit, JobEvent, JobId, Placement, RunNow, Status, Timestamp,
    WaitsFor, placement,
};
use crate::store::sqlite::Tx;
use rusqlite::named_params;

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
    let job = existing(tx, id)?;
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
    write(tx, job, &due, place, now)?;
    let detail = format!("its time was {}", job.run_at);
    record(tx, job, place, (Cause::RunNow, detail), actor, now)?;
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
    let job = existing(tx, id)?;
    if let Some((before, after)) = change(tx, &job, edit, actor, now)? {
        let subject = format!("job {id} ({})", job.kind);
        audit::record_change(tx, actor, "edit", &subject, (Some(&before), Some(&after)), now)?;
    }
    existing(tx, id)
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
    write(tx, job, &edit, place, now)?;
    let (before, after) = edit.lines(job);
    let cause = if edit.run_at.is_some() { Cause::Rescheduled } else { Cause::Edited };
    record(tx, job, place, (cause, format!("{after}; before: {before}")), actor, now)?;
    Ok(Some((before, after)))
}

/// Where the job goes with the edit, if it waits.
fn waiting(job: &Job, edit: &JobEdit, now: Timestamp) -> Result<Placement> {
    let reordered = edit.run_at.is_some() || edit.priority.is_some();
    let run_at = edit.run_at.unwrap_or(job.run_at);
    placement(job.status, job.waits_for, reordered, run_at, now)
        .ok_or_else(|| Error::new(Code::JobNotWaiting, format!("job {} is {}", job.id, job.status)))
}

fn write(tx: &Tx<'_>, job: &Job, edit: &JobEdit, place: Placement, now: Timestamp) -> Result<()> {
    const SQL: &str = "
        UPDATE jobs
        SET priority = coalesce(:priority, priority),
            run_at = coalesce(:run_at, run_at),
            payload = coalesce(:payload, payload),
            max_attempts = coalesce(:max_attempts, max_attempts),
            status = :status,
            waits_for = iif(:moves, :waits_for, waits_for),
            claim_order = iif(:moves, NULL, claim_order),
            key_slot = iif(:moves, NULL, key_slot),
            counted = max(counted, :moves)
        WHERE id = :id";
    let status = status_after(job, place);
    let moves = place != Placement::Stays;
    tx.prepare_cached(SQL)?.execute(named_params! {
        ":id": job.id.0,
        ":priority": edit.priority,
        ":run_at": edit.run_at.map(Timestamp::millis),
        ":payload": edit.payload.as_ref().map(ToString::to_string),
        ":max_attempts": edit.max_attempts,
        ":status": status.as_str(),
        ":moves": moves,
        ":waits_for": (place == Placement::Admitted).then_some(WaitsFor::Admission.as_str()),
    })?;
    if moves {
        tx.moved(job, status, job.queue.as_ref());
    }
    if edit.run_at.is_some_and(|run_at| run_at > now) {
        // It may have been called up when a job that a constraint wants alone had ended: the next one may go.
        unblock::unblock_constraint(tx, &job.kind)?;
    }
    Ok(())
}

fn status_after(job: &Job, place: Placement) -> Status {
    match place {
        Placement::Stays => job.status,
        Placement::Admitted => Status::Queued,
        Placement::Scheduled => Status::Scheduled,
    }
}

fn record(
    tx: &Tx<'_>,
    job: &Job,
    place: Placement,
    (cause, detail): (Cause, String),
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    tx.took(JobEvent::of(job, status_after(job, place), Some(cause), now));
    let event = Event {
        at: now,
        from: Some(job.status),
        to: status_after(job, place),
        cause: Ok(cause),
        actor: actor.name.clone(),
        detail: Some(detail),
    };
    history::record(tx, job.id, &event)
}
