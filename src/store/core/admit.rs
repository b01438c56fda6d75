//! Admission: new, freed and due jobs get their place in the claim order, or a reason why they have none.
//!
//! Admission is the only place that puts a waiting job into the claim order or says why the job is not in it; a new job that
//! nothing but the rules of its kind has a say in is stored with the same place (`enqueue.rs`). An event that may
//! change that answer (a freed key, a new handler of a kind) only makes the job wait for admission again. It goes by the
//! rules that the workers have registered, so it serves the kinds of all of them, whichever leads.

use crate::error::Result;
use crate::model::{
    ConcurrencyKey, Job, Kind, KindRules, Move, Precedence, Status, Timestamp, WaitsFor, key,
    order, share,
};
use crate::store::sql::gates::Gates;
use crate::store::sql::history::Line;
use crate::store::sql::line::{self, CalledUp};
use crate::store::sql::moves;
use crate::store::sqlite::Tx;

/// Jobs that one poll admits, finds due or takes out of the claim order, of each at most. Bounds the time that other writers
/// wait for the poller's transaction.
pub(super) const MAX_ADMITTED: usize = 1000;

/// What an admission did.
pub(super) struct Admitted {
    /// Whether there may be more to admit.
    pub(super) more: bool,
    /// Whether one of them waits for its kind's rate.
    pub(super) waits_for_rate: bool,
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
    known.sort_by_key(|(job, rules)| (rules.map(|rules| order(job, rules, now)), job.id));
    let known: Vec<(&Job, &KindRules)> =
        known.into_iter().filter_map(|(job, rules)| Some((job, rules?))).collect();
    let unknown = unknown.into_iter().map(|(job, _)| (job, Move::without_handler(job, now)));
    let (mut all, next) = place(tx, &known, now)?;
    all.extend(unknown);
    let held = held(&jobs, rules, now);
    // Those that run after a job which was cancelled here are told of it in the next poll.
    more |= held.iter().any(|(_, to)| to.status == Status::Cancelled);
    all.extend(held);
    moves::place(tx, &all, now)?;
    line::call_up(tx, &next)?;
    steps.extend(moves::steps(&all, now));
    let times = all.iter().filter(|(_, to)| to.status == Status::Scheduled);
    let waits_for_rate = all.iter().any(|(_, to)| to.waits_for == Some(WaitsFor::Rate));
    Ok(Admitted { more, waits_for_rate, next: times.map(|(job, _)| job.run_at).min() })
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

/// Calls up so many of a key.
fn call_key<'a>(next: &mut CalledUp<'a>, key: &'a ConcurrencyKey, many: usize) {
    if many > 0 && !next.keys.contains(&key.as_str()) {
        next.keys.push(key.as_str());
        next.most_of_keys = next.most_of_keys.max(many);
    }
}

/// Calls up so many of a group of a kind with a rate.
fn call_group<'a>(next: &mut CalledUp<'a>, kind: &'a Kind, group: &str, many: usize) {
    let is_known = |known: &(&Kind, String)| known.0 == kind && known.1 == group;
    if many > 0 && !next.groups.iter().any(is_known) {
        next.groups.push((kind, group.to_owned()));
        next.most_of_groups = next.most_of_groups.max(many.min(MAX_ADMITTED));
    }
}

/// The moves of jobs whose kind has rules, in their order.
fn place<'a>(
    tx: &Tx<'_>,
    known: &[(&'a Job, &'a KindRules)],
    now: Timestamp,
) -> Result<(Vec<(&'a Job, Move)>, CalledUp<'a>)> {
    let is_due = |job: &Job| job.is_due(now);
    let wanted = |job: &'a Job, rules: &'a KindRules| key(job, rules).filter(|_| is_due(job));
    let mut keys: Vec<_> = known.iter().filter_map(|(job, rules)| wanted(job, rules)).collect();
    keys.sort_unstable();
    keys.dedup();
    let rated = known.iter().filter(|(job, rules)| rules.rate.is_some() && is_due(job));
    let mut groups: Vec<_> = rated
        .filter_map(|(job, rules)| Some((&rules.kind, share(rules, key(job, rules))?.group)))
        .collect();
    groups.sort_unstable();
    groups.dedup();
    let (mut slots, mut used) = line::taken(tx, &keys, &groups)?;
    let mut next = CalledUp::default();
    let mut taken = Vec::new();
    let mut placed = Vec::with_capacity(known.len());
    for (job, rules) in known {
        let rated = share(rules, key(job, rules)).filter(|_| is_due(job));
        let rated = rated.map(|share| (used.left(rules, &share.group) > 0, share));
        let key = wanted(job, rules);
        let has_room = rated.as_ref().is_none_or(|(has_room, _)| *has_room);
        let slot = key.filter(|_| has_room).and_then(|key| slots.take(key, rules.key_limit));
        if slot.is_some() {
            taken.extend(key.map(|key| (key, rules.key_limit)));
        }
        let to = Move::admission(
            job,
            rules,
            slot,
            rated.map(|(has_room, share)| (share, has_room)),
            now,
        );
        if let (Some(rate), Some(_)) = (&to.rate, to.claim_order) {
            used.take(rules, &rate.group);
        }
        placed.push((*job, to));
    }
    for (key, limit) in taken {
        // The limit may have been raised since the others began to wait.
        call_key(&mut next, key, slots.count_free(key, limit));
    }
    for ((job, to), (_, rules)) in placed.iter().zip(known) {
        // The rate too.
        if let (Some(rate), Some(_)) = (&to.rate, to.claim_order) {
            let left = used.left(rules, &rate.group) as usize;
            call_group(&mut next, &job.kind, &rate.group, left);
        }
        // It may have been called up for a key or a rate that its kind does not use any more: the next of that may go.
        let old = job.concurrency_key.as_ref().filter(|old| key(job, rules) != Some(*old));
        if let Some(old) = old {
            call_key(&mut next, old, 1);
        }
        let group = share(rules, key(job, rules)).map(|share| share.group);
        if let Some(old) = job.rate_key.as_ref().filter(|old| group.as_ref() != Some(*old)) {
            call_group(&mut next, &job.kind, old, MAX_ADMITTED);
        }
    }
    Ok((placed, next))
}
