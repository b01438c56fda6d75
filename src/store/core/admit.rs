//! Admission: new, freed and due jobs get their place in the claim order, or a reason why they have none.
//!
//! Admission is the only place that puts a job into the claim order or says why the job is not in it. An event that may
//! change that answer (a freed key, a new handler of a kind) only makes the job wait for admission again. It goes by the
//! rules that the workers have registered, so it serves the kinds of all of them, whichever leads.

use crate::error::Result;
use crate::model::{
    ConcurrencyKey, Job, KindRules, Move, Precedence, Status, Timestamp, WaitsFor, key, order,
};
use crate::store::sql::gates::Gates;
use crate::store::sql::history::Line;
use crate::store::sql::{line, moves};
use crate::store::sqlite::Tx;

/// Jobs that one poll admits, finds due or takes out of the claim order, of each at most. Bounds the time that other writers
/// wait for the poller's transaction.
pub(super) const MAX_ADMITTED: usize = 1000;

/// What an admission did.
pub(super) struct Admitted {
    /// Whether there may be more to admit.
    pub(super) more: bool,
    /// When the first of those is due that were given a time.
    pub(super) next: Option<Timestamp>,
}

/// Admits what is new, freed or due; adds what the histories say of it to `steps`.
pub(super) fn admit(
    tx: &Tx<'_>,
    gates: &Gates,
    steps: &mut Vec<Line>,
    now: Timestamp,
) -> Result<Admitted> {
    let jobs = line::to_admit(tx, now, MAX_ADMITTED)?;
    let fresh = jobs.iter().filter(|(job, _)| job.waits_for == Some(WaitsFor::Admission)).count();
    let mut more = fresh == MAX_ADMITTED || jobs.len() - fresh == MAX_ADMITTED;
    let kinds = if jobs.is_empty() { Vec::new() } else { gates.rules() };
    let rules = |job: &Job| kinds.iter().find(|rules| rules.kind == job.kind);
    let clear = jobs.iter().filter(|(_, precedence)| *precedence == Precedence::Clear);
    let (mut known, unknown): (Vec<_>, Vec<_>) =
        clear.map(|(job, _)| (job, rules(job))).partition(|(_, rules)| rules.is_some());
    // Slots of a key are given in claim order too (P13).
    known.sort_by_key(|(job, rules)| (rules.map(|rules| order(job, rules)), job.id));
    let known: Vec<(&Job, &KindRules)> =
        known.into_iter().filter_map(|(job, rules)| Some((job, rules?))).collect();
    let unknown = unknown.into_iter().map(|(job, _)| (job, Move::without_handler(job, now)));
    let (mut all, freed) = place(tx, &known, now)?;
    all.extend(unknown);
    let held = held(&jobs, rules, now);
    // Those that run after a job which was cancelled here are told of it in the next poll.
    more |= held.iter().any(|(_, to)| to.status == Status::Cancelled);
    all.extend(held);
    moves::place(tx, &all, now)?;
    line::call_up(tx, freed.keys.iter().map(|key| key.as_str()), freed.most)?;
    steps.extend(moves::steps(&all, now));
    let times = all.iter().filter(|(_, to)| to.status == Status::Scheduled);
    Ok(Admitted { more, next: times.map(|(job, _)| job.run_at).min() })
}

/// The moves of jobs that run after others: those wait of which one is open, and those end of which one did not complete.
fn held<'a, 'r>(
    jobs: &'a [(Job, Precedence)],
    rules: impl Fn(&Job) -> Option<&'r KindRules>,
    now: Timestamp,
) -> Vec<(&'a Job, Move)> {
    let moves = jobs.iter().filter_map(|(job, precedence)| match precedence {
        Precedence::Broken(earlier, ended) => Some((job, Move::broken(*earlier, *ended))),
        Precedence::Open => Some((job, Move::after(job, rules(job), now))),
        Precedence::Clear => None,
    });
    moves.collect()
}

/// Keys of which the next jobs may go, and how many of each at most.
#[derive(Default)]
struct Freed<'a> {
    keys: Vec<&'a ConcurrencyKey>,
    most: usize,
}

/// The moves of jobs whose kind has rules, in their order.
fn place<'a>(
    tx: &Tx<'_>,
    known: &[(&'a Job, &'a KindRules)],
    now: Timestamp,
) -> Result<(Vec<(&'a Job, Move)>, Freed<'a>)> {
    let wanted =
        |(job, rules): &(&'a Job, &'a KindRules)| key(job, rules).filter(|_| job.run_at <= now);
    let mut keys: Vec<_> = known.iter().filter_map(wanted).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut slots = line::slots(tx, &keys)?;
    let mut freed = Freed::default();
    let mut taken = Vec::new();
    let placed = known.iter().map(|(job, rules)| {
        let key = wanted(&(job, rules));
        let slot = key.and_then(|key| slots.take(key, rules.key_limit));
        if slot.is_some() {
            taken.extend(key.map(|key| (key, rules.key_limit)));
        }
        (*job, Move::admission(job, rules, slot, now))
    });
    let placed = placed.collect();
    for (key, limit) in taken {
        // The limit may have been raised since the others began to wait.
        let free = slots.count_free(key, limit);
        if free > 0 && !freed.keys.contains(&key) {
            freed.keys.push(key);
            freed.most = freed.most.max(free);
        }
    }
    for (job, rules) in known {
        // It may have been called up for a key that its kind does not use any more: the next of that key may go.
        let old = job.concurrency_key.as_ref().filter(|old| key(job, rules) != Some(*old));
        if let Some(old) = old.filter(|old| !freed.keys.contains(old)) {
            freed.keys.push(old);
            freed.most = freed.most.max(1);
        }
    }
    Ok((placed, freed))
}
