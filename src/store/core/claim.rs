//! Claims: the first jobs of a worker's kinds start under its name, as far as it has slots and the queues have room.

use super::admit::MAX_ADMITTED;
use super::budget;
use crate::error::Result;
use crate::model::{Job, Kind, Move, PollRequest, Polled, Queue, QueueState, Timestamp};
use crate::store::sql::gates::Gates;
use crate::store::sql::history::Line;
use crate::store::sql::line::{self, Reach};
use crate::store::sql::moves;
use crate::store::sqlite::Tx;
use std::collections::HashMap;

/// Claims from each line of the worker's kinds. A leader also takes the jobs of abandoned kinds out of their lines. Answers
/// until when the first of those waits that a budget has put off.
pub(super) fn claim(
    tx: &Tx<'_>,
    gates: &Gates,
    request: &PollRequest,
    polled: &mut Polled,
    steps: &mut Vec<Line>,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let own: Vec<&Kind> = request.kinds.iter().map(|rules| &rules.kind).collect();
    let else_room = if gates.is_stopped { 0 } else { QueueState::DEFAULT_LIMIT as usize };
    let rooms = gates.rooms(&request.lanes);
    let leads = request.leads.is_some();
    let abandoned = if leads { request.abandoned.as_slice() } else { &[] };
    let many = (abandoned, MAX_ADMITTED);
    let jobs = line::first(tx, &Reach { own: &own, many, rooms: &rooms, else_room })?;
    let unhandled: Vec<&Job> =
        jobs.iter().filter(|job| leads && !gates.is_handled(&job.kind)).collect();
    let mut out: Vec<(&Job, Move)> = Vec::new();
    for job in unhandled {
        if !polled.unhandled.contains(&job.kind) {
            polled.unhandled.push(job.kind.clone());
        }
        if abandoned.contains(&job.kind) {
            out.push((job, Move::without_handler(job, now)));
        }
    }
    polled.more |= out.len() >= MAX_ADMITTED;
    let chosen = if request.draining {
        Vec::new()
    } else {
        let is_out = |job: &Job| out.iter().any(|(other, _)| other.id == job.id);
        let may_start = |job: &&Job| {
            let rules = request.kinds.iter().find(|rules| rules.kind == job.kind);
            let does_without = rules.is_some_and(|rules| rules.runs_while_limited);
            rules.is_some() && (does_without || !gates.is_limited(job.queue.as_ref()))
        };
        let candidates = jobs.iter().filter(may_start).filter(|job| !is_out(job));
        let mut chosen = within_rooms(candidates, &rooms, else_room);
        // In the order of their queues' names; what one queue has stays in its order.
        chosen.sort_by(|a, b| a.queue.cmp(&b.queue));
        chosen
    };
    let (allowed, put_off) = budget::put_off(gates, chosen, &request.kinds, now);
    // A job that is put off makes room for the next one.
    polled.more |= !put_off.is_empty();
    let until = put_off.iter().filter_map(|(_, to)| to.run_at).min();
    budget::note_decisions(tx, &put_off)?;
    out.extend(put_off);
    moves::place(tx, &out, now)?;
    steps.extend(moves::steps(&out, now));
    polled.claimed = start(tx, &allowed, request, steps, now)?;
    Ok(until)
}

/// Those that their queues have room for, in their order.
fn within_rooms<'a>(
    jobs: impl Iterator<Item = &'a Job>,
    rooms: &[(Queue, usize)],
    else_room: usize,
) -> Vec<&'a Job> {
    let mut left: HashMap<Option<&Queue>, usize> =
        rooms.iter().map(|(queue, room)| (Some(queue), *room)).collect();
    let fits = |job: &&'a Job| {
        let room = left.entry(job.queue.as_ref()).or_insert(else_room);
        let fits = *room > 0;
        *room = room.saturating_sub(1);
        fits
    };
    jobs.filter(fits).collect()
}

/// Claims the chosen jobs at once; if a constraint refuses one of them, one by one.
fn start(
    tx: &Tx<'_>,
    chosen: &[&Job],
    request: &PollRequest,
    steps: &mut Vec<Line>,
    now: Timestamp,
) -> Result<Vec<Job>> {
    if let Ok(claimed) = moves::start(tx, chosen, &request.worker, now)? {
        return Ok(claimed);
    }
    let mut claimed = Vec::new();
    let mut refused = Vec::new();
    for job in chosen {
        match moves::start(tx, &[job], &request.worker, now)? {
            Ok(jobs) => claimed.extend(jobs),
            Err(why) => refused.push((*job, Move::refused(why))),
        }
    }
    moves::place(tx, &refused, now)?;
    steps.extend(moves::steps(&refused, now));
    Ok(claimed)
}
