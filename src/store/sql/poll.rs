//! The poller's transaction: what a leader does for all, then the claims of one worker for its own free slots.

use super::lines::{Line, MAX_ADMITTED, first_of, lines};
use super::{admit, claim, control, queues, rescue, schedules};
use crate::error::Result;
use crate::model::{JobEvent, JobId, PollRequest, Polled, Queue, Status, Timestamp};
use crate::store::sqlite::Tx;
use crate::store::sqlite::row;
use rusqlite::{Connection, OptionalExtension, named_params};

/// Looks for work. A worker that leads does first what is done for all.
pub(in crate::store) fn poll(tx: &Tx<'_>, request: &PollRequest, now: Timestamp) -> Result<Polled> {
    let mut polled = Polled::default();
    rescue::rescue(tx, request, &mut polled, now)?;
    if request.leads.is_some() {
        queues::resume_due(tx, now)?;
        polled.schedules = schedules::fire(tx, now)?;
        polled.more |= make_due(tx, now)? == MAX_ADMITTED;
        polled.more |= admit::admit(tx, now)? == MAX_ADMITTED;
    }
    let lines = lines(tx)?;
    if request.leads.is_some() {
        abandon(tx, &lines, request, &mut polled, now)?;
    }
    if !request.draining {
        claim::claim(tx, &lines, request, &mut polled, now)?;
    }
    if request.leads.is_some() {
        let wake_at = [next_run_at(tx)?, queues::next_resume(tx)?, schedules::next_due(tx)?];
        polled.wake_at = wake_at.into_iter().flatten().min();
    }
    polled.cancelled = control::cancel_requests(tx, &request.worker)?;
    Ok(polled)
}

/// Takes jobs out of the claim order that no process has been able to run for some time: they give their keys' slots back.
fn abandon(
    tx: &Tx<'_>,
    lines: &[Line],
    request: &PollRequest,
    polled: &mut Polled,
    now: Timestamp,
) -> Result<()> {
    for line in lines.iter().filter(|line| !line.is_handled) {
        if !polled.unhandled.contains(&line.kind) {
            polled.unhandled.push(line.kind.clone());
        }
        if request.abandoned.contains(&line.kind) {
            let jobs = first_of(tx, &line.queue, &[&line.kind], MAX_ADMITTED)?;
            polled.more |= jobs.len() == MAX_ADMITTED;
            for id in jobs {
                admit::without_handler(tx, id, now)?;
            }
        }
    }
    Ok(())
}

fn make_due(tx: &Tx<'_>, now: Timestamp) -> Result<usize> {
    const SQL: &str = "
        UPDATE jobs
        SET status = 'queued', waits_for = 'admission'
        WHERE id IN (
            SELECT id
            FROM jobs
            WHERE status = 'scheduled' AND waits_for IS NULL AND run_at <= :now
            ORDER BY run_at, id
            LIMIT :limit)
        RETURNING kind, queue, counted, id, attempt";
    let params = named_params! {":now": now.millis(), ":limit": MAX_ADMITTED as i64};
    let mut statement = tx.prepare_cached(SQL)?;
    let mut rows = statement.query(params)?;
    let mut due = 0;
    while let Some(row) = rows.next()? {
        due += 1;
        if row.get(2)? {
            let kind = row::kind(row, 0)?;
            let queue = row::parsed(row, 1, |name| Queue::parse(name).ok())?;
            tx.left(Status::Scheduled, &kind, queue.as_ref());
            tx.came(Status::Queued, &kind, queue.as_ref());
            let (id, attempt) = (JobId(row.get(3)?), row.get(4)?);
            let (from, to) = (Some(Status::Scheduled), Status::Queued);
            tx.took(JobEvent { id, kind, queue, from, to, cause: None, at: now, attempt });
        }
    }
    Ok(due)
}

fn next_run_at(conn: &Connection) -> Result<Option<Timestamp>> {
    const SQL: &str = "
        SELECT run_at
        FROM jobs
        WHERE status = 'scheduled' AND waits_for IS NULL
        ORDER BY run_at
        LIMIT 1";
    let next: Option<i64> = conn.prepare_cached(SQL)?.query_row([], |row| row.get(0)).optional()?;
    Ok(next.map(Timestamp::from_millis))
}
