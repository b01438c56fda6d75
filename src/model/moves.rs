//! Moves: what becomes of a job that waits, at its admission and by what people and budgets do to it.
//!
//! Each function here decides from values alone. The store writes what it answers, by one verb, which owns the counts, the
//! places, the slots and the history. [`settlement`](super::settlement) decides the same for a job whose attempt ended.

use super::{
    Cause, ConcurrencyKey, Job, JobId, KindRules, NewJob, OnInterrupt, OverBudget,
    PRIORITY_STEP_MS, ParkedBy, Placement, Queue, RateShare, Status, Timestamp, Trigger, WaitsFor,
};

/// The reason of [`WaitsFor::Handler`].
const NO_HANDLER: &str = "no worker handles this kind";
/// Who does what nobody asked for by name.
pub(super) const POLLER: &str = "poller";

/// What a waiting job becomes. What is not named is gone: its place in the claim order, its slot, what it waited for and
/// what had parked it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Move {
    pub(crate) status: Status,
    /// Its time; `None`: as it was.
    pub(crate) run_at: Option<Timestamp>,
    pub(crate) waits_for: Option<WaitsFor>,
    pub(crate) parked_by: Option<ParkedBy>,
    /// Its place in the claim order.
    pub(crate) claim_order: Option<i64>,
    /// The slot of its key.
    pub(crate) key_slot: Option<u32>,
    /// What its start takes of its kind's rate, where it has a place or waits for that.
    pub(crate) rate: Option<RateShare>,
    /// What its kind says, at an admission.
    pub(crate) admitted: Option<Admitted>,
    /// What its history says of it; `None` on the plain path.
    pub(crate) step: Option<JobStep>,
}

/// What admission fills in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Admitted {
    pub(crate) queue: Queue,
    pub(crate) priority: i32,
    /// Of a job that says nothing itself.
    pub(crate) max_attempts: u32,
    pub(crate) on_interrupt: OnInterrupt,
    pub(crate) key: Option<ConcurrencyKey>,
}

impl Admitted {
    fn of(job: &Job, rules: &KindRules) -> Self {
        Self {
            queue: job.queue.as_ref().unwrap_or(&rules.queue).clone(),
            priority: priority(job, rules),
            max_attempts: rules.max_attempts,
            on_interrupt: rules.on_interrupt,
            key: key(job, rules).cloned(),
        }
    }
}

/// A place in the claim order that a job has from the beginning.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FirstPlace {
    pub(crate) admitted: Admitted,
    pub(crate) claim_order: i64,
}

impl FirstPlace {
    /// The place that admission would give a new job, if nothing but the rules of its kind has a say in it: it is to start at
    /// once, holds no key, is of no batch, runs after no other, and its kind has no rate. Of a kind of which only so many may
    /// wait, each waits for admission: a new job is counted there by its row.
    pub(crate) fn of(job: &NewJob, rules: &KindRules, now: Timestamp) -> Option<Self> {
        let has_key = job.concurrency_key.is_some() || rules.concurrency_key.is_some();
        let has_others = job.batch.is_some() || job.runs_after() > 0;
        let is_bounded = rules.rate.is_some() || job.kind.most_waiting().is_some();
        let starts_at = job.starts_at(now);
        if has_key || has_others || is_bounded || starts_at > now {
            return None;
        }
        let priority = priority_of(job.priority, job.trigger, rules);
        let admitted = Admitted {
            queue: job.queue.as_ref().unwrap_or(&rules.queue).clone(),
            priority,
            max_attempts: job.max_attempts.unwrap_or(rules.max_attempts),
            on_interrupt: rules.on_interrupt,
            key: None,
        };
        Some(Self { admitted, claim_order: place_of(starts_at, priority) })
    }
}

/// A step in a job's history.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JobStep {
    pub(crate) cause: Cause,
    pub(crate) actor: String,
    pub(crate) detail: Option<String>,
    /// Whether it is left out if the history ends with the same already: a job that is blocked again for the same reason
    /// has nothing new to tell.
    pub(crate) once: bool,
}

impl JobStep {
    pub(crate) fn new(cause: Cause, actor: &str, detail: Option<String>) -> Self {
        Self { cause, actor: actor.to_owned(), detail, once: false }
    }

    fn blocked(why: String) -> Self {
        Self { once: true, ..Self::new(Cause::Blocked, POLLER, Some(why)) }
    }
}

impl Move {
    fn to(status: Status) -> Self {
        Self {
            status,
            run_at: None,
            waits_for: None,
            parked_by: None,
            claim_order: None,
            key_slot: None,
            rate: None,
            admitted: None,
            step: None,
        }
    }

    /// Admission by the rules of the job's kind. `slot` is the free slot of its key, if it has one and needs one; `rated` is
    /// what a start takes of its kind's rate, and whether there is room for it.
    pub(crate) fn admission(
        job: &Job,
        rules: &KindRules,
        slot: Option<u32>,
        rated: Option<(RateShare, bool)>,
        now: Timestamp,
    ) -> Self {
        let key = key(job, rules);
        let admitted = Some(Admitted::of(job, rules));
        if !job.is_due(now) {
            return Self { admitted, parked_by: job.parked_by, ..Self::to(Status::Scheduled) };
        }
        let waits_for = match &rated {
            Some((_, false)) => Some(WaitsFor::Rate),
            Some((_, true)) | None if key.is_some() && slot.is_none() => Some(WaitsFor::Key),
            Some((_, true)) | None => None,
        };
        let place = waits_for.is_none().then(|| order(job, rules, now));
        let rate = rated.map(|(share, _)| share).filter(|_| waits_for != Some(WaitsFor::Key));
        Self {
            run_at: brought_back(job, now),
            waits_for,
            rate,
            claim_order: place,
            key_slot: slot,
            admitted,
            ..Self::to(Status::Queued)
        }
    }

    /// A job that it runs after is not over.
    pub(crate) fn after(job: &Job, rules: Option<&KindRules>, now: Timestamp) -> Self {
        let is_early = !job.is_due(now);
        Self {
            run_at: brought_back(job, now),
            waits_for: Some(WaitsFor::After),
            parked_by: job.parked_by.filter(|_| is_early),
            admitted: rules.map(|rules| Admitted::of(job, rules)),
            ..Self::to(if is_early { Status::Scheduled } else { Status::Queued })
        }
    }

    /// A job that it was to run after did not complete.
    pub(crate) fn broken(earlier: JobId, ended: Status) -> Self {
        let detail = Some(format!("job {earlier}, which it runs after, {}", ended_word(ended)));
        Self {
            step: Some(JobStep::new(Cause::After, POLLER, detail)),
            ..Self::to(Status::Cancelled)
        }
    }

    /// Where a job goes that nobody can run: its handler matters only when its time has come.
    pub(crate) fn without_handler(job: &Job, now: Timestamp) -> Self {
        if !job.is_due(now) {
            return Self { parked_by: job.parked_by, ..Self::to(Status::Scheduled) };
        }
        Self {
            run_at: brought_back(job, now),
            waits_for: Some(WaitsFor::Handler),
            step: Some(JobStep::blocked(NO_HANDLER.into())),
            ..Self::to(Status::Queued)
        }
    }

    /// The schema refused its claim.
    pub(crate) fn refused(why: String) -> Self {
        Self {
            waits_for: Some(WaitsFor::Constraint),
            step: Some(JobStep::blocked(why)),
            ..Self::to(Status::Queued)
        }
    }

    /// A budget is used up: the job waits for the next period (P25).
    pub(crate) fn put_off(over: &OverBudget) -> Self {
        Self {
            run_at: Some(over.until),
            parked_by: Some(ParkedBy::Budget),
            step: Some(JobStep::new(Cause::Budget, POLLER, Some(over.reason.clone()))),
            ..Self::to(Status::Scheduled)
        }
    }

    /// What had parked the job is gone: it is due, and stays so if the clock is set back before it is admitted.
    pub(crate) fn lifted(actor: &str, now: Timestamp) -> Self {
        Self {
            run_at: Some(now),
            waits_for: Some(WaitsFor::Admission),
            step: Some(JobStep::new(Cause::Resumed, actor, None)),
            ..Self::to(Status::Queued)
        }
    }

    /// The clock was set back to `now` since the job was put off, at `since`. The length of a delay, a retry or a snooze begins
    /// anew; a limit or a budget is judged anew, by the right clock.
    pub(crate) fn clock_set_back(job: &Job, since: Timestamp, now: Timestamp) -> Self {
        let run_at = match job.parked_by {
            Some(ParkedBy::Delay | ParkedBy::Retry | ParkedBy::Snooze) => {
                now.plus(job.run_at.since(since))
            }
            Some(ParkedBy::Limit | ParkedBy::Budget) | None => now,
        };
        let why = format!("the clock was set back: its time was {}", job.run_at);
        Self {
            run_at: Some(run_at),
            waits_for: job.waits_for,
            parked_by: job.parked_by,
            step: Some(JobStep::new(Cause::Rescheduled, POLLER, Some(why))),
            ..Self::to(Status::Scheduled)
        }
    }

    /// Somebody cancelled it.
    pub(crate) fn cancelled(actor: &str) -> Self {
        Self {
            step: Some(JobStep::new(Cause::Cancelled, actor, None)),
            ..Self::to(Status::Cancelled)
        }
    }

    /// Its time or its priority is another one now; `None`: it stays where it is.
    pub(crate) fn edited(place: Placement, step: JobStep) -> Option<Self> {
        let to = match place {
            Placement::Stays => return None,
            Placement::Admitted => {
                Self { waits_for: Some(WaitsFor::Admission), ..Self::to(Status::Queued) }
            }
            Placement::AdmittedLater => {
                Self { waits_for: Some(WaitsFor::Admission), ..Self::to(Status::Scheduled) }
            }
            Placement::Scheduled => Self::to(Status::Scheduled),
        };
        Some(Self { step: Some(step), ..to })
    }
}

/// The key that the job takes a slot of. No job can override the key of its kind: scans stay exclusive even if another
/// program inserts them.
pub(crate) fn key<'a>(job: &'a Job, rules: &'a KindRules) -> Option<&'a ConcurrencyKey> {
    rules.concurrency_key.as_ref().or(job.concurrency_key.as_ref())
}

/// Where a job stands in the claim order. One that is due stands nowhere in the future, or newer work would overtake it.
pub(crate) fn order(job: &Job, rules: &KindRules, now: Timestamp) -> i64 {
    let ready = brought_back(job, now).unwrap_or(job.run_at);
    place_of(ready, priority(job, rules))
}

/// The place of a job that is ready then.
fn place_of(ready: Timestamp, priority: i32) -> i64 {
    ready.millis().saturating_add(i64::from(priority) * PRIORITY_STEP_MS)
}

/// The time of a job that is due, if it lies in the future because the clock was set back.
fn brought_back(job: &Job, now: Timestamp) -> Option<Timestamp> {
    (job.run_at > now && job.is_due(now)).then_some(now)
}

fn priority(job: &Job, rules: &KindRules) -> i32 {
    priority_of(job.priority, job.trigger, rules)
}

/// The priority that a job names, or that of its kind.
fn priority_of(named: Option<i32>, trigger: Trigger, rules: &KindRules) -> i32 {
    named.unwrap_or_else(|| rules.priority_for(trigger))
}

/// How a job has ended, after its name.
fn ended_word(ended: Status) -> &'static str {
    if ended == Status::Cancelled { "was cancelled" } else { ended.as_str() }
}

/// What a wish to cancel a job comes to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cancellation {
    /// It is over.
    AlreadyFinal,
    /// It runs, and was asked to end before.
    AlreadyAsked,
    /// It runs, and is asked to end.
    Asks(JobStep),
    /// It waits, and ends.
    Ends(Move),
}

/// Decides what a wish to cancel the job comes to.
pub(crate) fn cancellation(job: &Job, actor: &str) -> Cancellation {
    match job.status {
        Status::Completed | Status::Failed | Status::Cancelled => Cancellation::AlreadyFinal,
        Status::Running if job.cancel_requested_at.is_some() => Cancellation::AlreadyAsked,
        Status::Running => Cancellation::Asks(JobStep::new(Cause::CancelRequested, actor, None)),
        Status::Scheduled | Status::Queued => Cancellation::Ends(Move::cancelled(actor)),
    }
}

/// The slots of keys that nobody holds, while a set of jobs is admitted.
#[derive(Debug, Default)]
pub(crate) struct Slots(std::collections::HashMap<String, std::collections::BTreeSet<u32>>);

impl Slots {
    /// By what is held.
    pub(crate) fn held(rows: impl IntoIterator<Item = (String, u32)>) -> Self {
        let mut slots = Self::default();
        for (key, slot) in rows {
            slots.0.entry(key).or_default().insert(slot);
        }
        slots
    }

    /// Takes the lowest free slot of the key, if one is free.
    pub(crate) fn take(&mut self, key: &ConcurrencyKey, limit: u32) -> Option<u32> {
        let free = self.free(key, limit)?;
        self.0.entry(key.to_string()).or_default().insert(free);
        Some(free)
    }

    /// How many slots of the key are free.
    pub(crate) fn count_free(&self, key: &ConcurrencyKey, limit: u32) -> usize {
        let held = self.0.get(key.as_str()).map_or(0, |held| held.range(..limit).count());
        (limit as usize).saturating_sub(held)
    }

    /// The lowest free slot of the key.
    fn free(&self, key: &ConcurrencyKey, limit: u32) -> Option<u32> {
        let mut free = 0;
        for slot in self.0.get(key.as_str()).into_iter().flatten() {
            if *slot > free {
                break;
            }
            free = slot + 1;
        }
        (free < limit).then_some(free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BatchId, Kind, Rate};
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn rules() -> KindRules {
        KindRules::new(Kind::parse("plain").unwrap())
    }

    fn job() -> Job {
        Job { kind: rules().kind, run_at: NOW, ..Job::for_tests() }
    }

    fn keyed() -> Job {
        Job { concurrency_key: ConcurrencyKey::parse("k").ok(), ..job() }
    }

    #[test]
    fn a_place_from_the_beginning_is_what_admission_would_give() {
        let rules = KindRules { priority: 3, queue: Queue::AGENT, max_attempts: 5, ..rules() };
        let plain = NewJob::new(rules.kind.clone());
        let earlier = Some(Timestamp::from_millis(NOW.millis() - 90_000));
        let placed = [
            plain.clone(),
            NewJob { queue: Some(Queue::BULK), priority: Some(-7), ..plain.clone() },
            NewJob { trigger: Trigger::Manual, max_attempts: Some(1), ..plain.clone() },
            NewJob { run_at: earlier, ..plain.clone() },
        ];
        for new in placed {
            let stored = Job {
                queue: new.queue.clone(),
                priority: new.priority,
                trigger: new.trigger,
                max_attempts: new.max_attempts,
                run_at: new.starts_at(NOW),
                counted: false,
                ..job()
            };
            let to = Move::admission(&stored, &rules, None, None, NOW);
            let place = FirstPlace::of(&new, &rules, NOW).unwrap();
            assert_eq!((to.waits_for, to.claim_order), (None, Some(place.claim_order)));
            let max_attempts = stored.max_attempts.unwrap_or(rules.max_attempts);
            assert_eq!(to.admitted.map(|by| Admitted { max_attempts, ..by }), Some(place.admitted));
        }
        let key = ConcurrencyKey::parse("k").ok();
        let later = Some(Timestamp::from_millis(NOW.millis() + 1));
        for held in [
            NewJob { concurrency_key: key.clone(), ..plain.clone() },
            NewJob { run_at: later, ..plain.clone() },
            NewJob { delay: Some(Duration::from_secs(1)), ..plain.clone() },
            plain.clone().after([JobId(3)]),
            NewJob { batch: Some(BatchId(1)), ..plain.clone() },
            NewJob::new(Kind::AGENT_SESSION),
        ] {
            assert_eq!(FirstPlace::of(&held, &rules, NOW), None, "{held:?}");
        }
        let rate = Some(Rate::per(Duration::from_secs(20), 1));
        for rules in
            [KindRules { concurrency_key: key, ..rules.clone() }, KindRules { rate, ..rules }]
        {
            assert_eq!(FirstPlace::of(&plain, &rules, NOW), None);
        }
    }

    #[test]
    fn a_due_job_gets_its_place_and_one_whose_key_is_held_waits_for_it() {
        let plain = Move::admission(&job(), &rules(), None, None, NOW);
        assert_eq!((plain.status, plain.waits_for), (Status::Queued, None));
        assert_eq!(plain.claim_order, Some(order(&job(), &rules(), NOW)));
        let held = Move::admission(&keyed(), &rules(), None, None, NOW);
        assert_eq!((held.waits_for, held.claim_order), (Some(WaitsFor::Key), None));
        let free = Move::admission(&keyed(), &rules(), Some(3), None, NOW);
        assert_eq!((free.waits_for, free.key_slot), (None, Some(3)));
        assert!(free.claim_order.is_some());
        let share = RateShare { group: String::new(), length: Duration::from_mins(1) };
        let admit = |slot, room| {
            Move::admission(&keyed(), &rules(), slot, Some((share.clone(), room)), NOW)
        };
        let full = admit(None, false);
        assert_eq!((full.waits_for, full.rate.as_ref()), (Some(WaitsFor::Rate), Some(&share)));
        assert_eq!(
            (admit(None, true).waits_for, admit(None, true).rate),
            (Some(WaitsFor::Key), None)
        );
        assert_eq!(
            (admit(Some(0), true).waits_for, admit(Some(0), true).rate),
            (None, Some(share.clone()))
        );
    }

    #[test]
    fn a_job_before_its_time_waits_for_it_with_a_handler_or_without_and_stays_parked() {
        let early = Job {
            status: Status::Scheduled,
            run_at: Timestamp::from_millis(2_000_000),
            parked_by: Some(ParkedBy::Retry),
            ..job()
        };
        for to in
            [Move::admission(&early, &rules(), None, None, NOW), Move::without_handler(&early, NOW)]
        {
            assert_eq!((to.status, to.claim_order, to.waits_for), (Status::Scheduled, None, None));
            assert_eq!((to.parked_by, to.step), (Some(ParkedBy::Retry), None));
        }
        let due = Move::without_handler(&job(), NOW);
        assert_eq!((due.status, due.waits_for), (Status::Queued, Some(WaitsFor::Handler)));
        assert!(due.step.is_some_and(|step| step.once && step.cause == Cause::Blocked));
    }

    #[test]
    fn a_time_that_has_come_is_no_reason_to_wait_once_the_clock_is_set_back() {
        let ahead = NOW.plus(Duration::from_hours(24));
        let queued = Job { run_at: ahead, created_at: ahead, ..job() };
        let fresh = Job { counted: false, ..queued.clone() };
        for job in [&queued, &fresh] {
            for to in
                [Move::admission(job, &rules(), None, None, NOW), Move::without_handler(job, NOW)]
            {
                assert_eq!((to.status, to.run_at), (Status::Queued, Some(NOW)));
            }
            let place = Move::admission(job, &rules(), None, None, NOW).claim_order;
            assert_eq!(place, Move::admission(&self::job(), &rules(), None, None, NOW).claim_order);
        }
        let wanted_later = Job { created_at: NOW, ..fresh };
        let scheduled = Job { status: Status::Scheduled, ..queued };
        for job in [&wanted_later, &scheduled] {
            let to = Move::admission(job, &rules(), None, None, NOW);
            assert_eq!((to.status, to.run_at), (Status::Scheduled, None));
        }
    }

    #[test]
    fn a_length_that_was_begun_under_a_later_clock_begins_anew() {
        let (since, minute) = (NOW.plus(Duration::from_hours(24)), Duration::from_mins(1));
        let parked = |by| Job {
            status: Status::Scheduled,
            run_at: since.plus(minute),
            parked_by: Some(by),
            ..job()
        };
        for (by, until) in [
            (ParkedBy::Delay, NOW.plus(minute)),
            (ParkedBy::Retry, NOW.plus(minute)),
            (ParkedBy::Snooze, NOW.plus(minute)),
            (ParkedBy::Budget, NOW),
            (ParkedBy::Limit, NOW),
        ] {
            let to = Move::clock_set_back(&parked(by), since, NOW);
            assert_eq!((to.run_at, to.parked_by), (Some(until), Some(by)));
            assert_eq!(to.status, Status::Scheduled);
        }
    }

    #[test]
    fn a_job_waits_for_the_end_of_others_under_its_own_time_and_ends_with_a_bad_one() {
        let run_at = Timestamp::from_millis(2_000_000);
        let late = Job { status: Status::Scheduled, run_at, ..job() };
        for (job, status) in [(job(), Status::Queued), (late, Status::Scheduled)] {
            let to = Move::after(&job, Some(&rules()), NOW);
            assert_eq!((to.status, to.waits_for), (status, Some(WaitsFor::After)));
            assert!(to.claim_order.is_none() && to.step.is_none() && to.admitted.is_some());
        }
        for (ended, says) in [(Status::Failed, "failed"), (Status::Cancelled, "was cancelled")] {
            let to = Move::broken(JobId(7), ended);
            let step = to.step.unwrap();
            assert_eq!((to.status, step.cause), (Status::Cancelled, Cause::After));
            assert_eq!(step.detail, Some(format!("job 7, which it runs after, {says}")));
        }
    }

    #[test]
    fn a_wish_to_cancel_ends_what_waits_asks_what_runs_once_and_leaves_what_is_over() {
        let of = |status, asked: Option<Timestamp>| {
            cancellation(&Job { status, cancel_requested_at: asked, ..job() }, "ada")
        };
        for status in [Status::Scheduled, Status::Queued] {
            assert_eq!(of(status, None), Cancellation::Ends(Move::cancelled("ada")));
        }
        assert!(
            matches!(of(Status::Running, None), Cancellation::Asks(step) if step.actor == "ada")
        );
        assert_eq!(of(Status::Running, Some(NOW)), Cancellation::AlreadyAsked);
        for status in [Status::Completed, Status::Failed, Status::Cancelled] {
            assert_eq!(of(status, None), Cancellation::AlreadyFinal);
        }
    }

    #[test]
    fn the_lowest_free_slot_of_a_key_is_taken_up_to_its_limit() {
        let key = ConcurrencyKey::parse("k").unwrap();
        let mut slots = Slots::held([("k".to_owned(), 1), ("other".to_owned(), 0)]);
        let taken: Vec<_> = (0..3).map(|_| slots.take(&key, 3)).collect();
        assert_eq!(taken, [Some(0), Some(2), None]);
        assert_eq!(slots.free(&key, 4), Some(3));
    }
}
