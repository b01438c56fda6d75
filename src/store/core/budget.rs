//! Budgets: runs that may not start are put off until the next period (P25).

use crate::error::Result;
use crate::model::{Actor, Job, KindRules, Move, ParkedBy, SessionRequest, Timestamp};
use crate::store::sql::gates::Gates;
use crate::store::sql::schedules;
use crate::store::sqlite::Tx;

/// A waiting job and where it goes.
type Moved<'a> = (&'a Job, Move);

/// Parts the chosen jobs into those that may start and those that a budget puts off.
pub(super) fn put_off<'a>(
    gates: &Gates,
    chosen: Vec<&'a Job>,
    kinds: &[KindRules],
    now: Timestamp,
) -> (Vec<&'a Job>, Vec<Moved<'a>>) {
    let Some(budgets) = gates.budgets else { return (chosen, Vec::new()) };
    let metered = |job: &Job| kinds.iter().any(|rules| rules.kind == job.kind && rules.metered);
    let (mut allowed, mut put_off) = (Vec::with_capacity(chosen.len()), Vec::new());
    for job in chosen {
        let spent = gates.spent(job.schedule_id);
        match budgets.over(spent, SessionRequest::budget_of(job), now).filter(|_| metered(job)) {
            Some(over) => put_off.push((job, Move::put_off(&over))),
            None => allowed.push(job),
        }
    }
    (allowed, put_off)
}

/// Writes into the decisions about their occurrences that these jobs were put off. A session that another session made has
/// no decision about the occurrence.
pub(super) fn note_decisions(tx: &Tx<'_>, put_off: &[Moved<'_>]) -> Result<()> {
    let decided = put_off.iter().filter(|(job, _)| job.parent_id.is_none());
    let decided = decided.filter_map(|(job, to)| {
        Some((job.occurrence?, to.step.as_ref()?.detail.as_deref().unwrap_or_default()))
    });
    schedules::decide_over_budget(tx, &decided.collect::<Vec<_>>())
}

/// Makes the jobs due that a budget has put off, after the budget was changed.
pub(in crate::store) fn lift(tx: &Tx<'_>, actor: &Actor, now: Timestamp) -> Result<()> {
    super::park::lift(tx, ParkedBy::Budget, None, actor, now)
}
