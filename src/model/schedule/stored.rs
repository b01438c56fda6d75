//! Schedules as they are stored: their name, what they plan, and what was decided.

use super::super::limits::{check_payload, check_priority};
use super::{CatchUp, Overlap, Rule, Verdict};
use crate::error::{Code, Error, Result};
use crate::model::{JobId, Json, Kind, Queue, ScheduleName, SessionRequest, Status, Timestamp};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

/// Longest stagger.
const MAX_STAGGER: Duration = Duration::from_hours(24);
/// How far ahead of the clock something may lie without being taken for a mark of a clock that was set back: processes wait
/// for one another, and the clock is put right by moments all the time.
pub(crate) const AHEAD: Duration = Duration::from_mins(1);

/// What a schedule does: which job it makes when, and what becomes of occurrences that are late or in the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// When it is due.
    pub rule: Rule,
    /// The kind of its jobs.
    pub kind: Kind,
    /// Their input. Default `{}`.
    pub payload: Json,
    /// Where they wait; `None`: their kind's queue.
    pub queue: Option<Queue>,
    /// Lower runs first, −100 to 100; `None`: their kind's.
    pub priority: Option<i32>,
    /// What becomes of missed occurrences.
    pub catch_up: CatchUp,
    /// What becomes of an occurrence while jobs of this schedule are not final.
    pub overlap: Overlap,
    /// How long after one another the jobs of missed occurrences start. Default 0.
    pub stagger: Duration,
}

impl Plan {
    /// A plan with the default policies and an empty payload.
    pub fn new(rule: Rule, kind: Kind) -> Self {
        Self {
            rule,
            kind,
            payload: Json::default(),
            queue: None,
            priority: None,
            catch_up: CatchUp::default(),
            overlap: Overlap::default(),
            stagger: Duration::ZERO,
        }
    }

    /// The plan, if its payload and its priority are ones that a job can have, and its stagger is a day at most.
    ///
    /// # Errors
    /// `JOB-VALUE-001` if not; `JOB-SIZE-001` for a payload that is too large.
    pub fn checked(self) -> Result<Self> {
        check_payload(&self.payload)?;
        if self.kind == Kind::AGENT_SESSION {
            // It would be found out by night.
            let request = SessionRequest::deserialize(self.payload.value()).map_err(|error| {
                Error::new(Code::ModelInvalid, "its payload is no request of a session")
                    .because(error)
            })?;
            request.fits()?;
        }
        if self.stagger > MAX_STAGGER {
            return Err(Error::new(Code::ModelInvalid, "its stagger is a day at most"));
        }
        self.priority.map(check_priority).transpose()?;
        Ok(self)
    }

    /// The plan as a text of JSON, for the audit log.
    pub fn to_text(&self) -> String {
        let Self { rule, kind, payload, queue, priority, catch_up, overlap, stagger } = self;
        let others = json!({
            "rule": rule.to_json(),
            "kind": kind.as_str(),
            "queue": queue.as_ref().map(Queue::as_str),
            "priority": priority,
            "catch_up": catch_up.to_string(),
            "overlap": overlap.as_str(),
            "stagger_ms": stagger.as_millis() as u64,
        });
        // The payload is carried as it is.
        let others = others.to_string();
        format!("{},\"payload\":{payload}}}", others.strip_suffix('}').unwrap_or(&others))
    }
}

/// A schedule to be stored.
#[derive(Clone, Debug)]
pub struct NewSchedule {
    /// Its name, which no other schedule has.
    pub name: ScheduleName,
    /// What it does.
    pub plan: Plan,
}

/// What became of a schedule that a program declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ensured {
    /// There was none of its name: it was added.
    Added,
    /// Its plan was another one and was changed.
    Changed,
    /// It was there with this plan; nothing was changed.
    Kept,
}

/// What to change of a plan; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct PlanChange {
    /// When it is due. An interval of another length goes on from the last occurrence.
    pub rule: Option<Rule>,
    /// The kind of its jobs.
    pub kind: Option<Kind>,
    /// Their input.
    pub payload: Option<Json>,
    /// Where they wait; `Some(None)`: their kind's queue.
    pub queue: Option<Option<Queue>>,
    /// Their priority; `Some(None)`: their kind's.
    pub priority: Option<Option<i32>>,
    /// What becomes of missed occurrences.
    pub catch_up: Option<CatchUp>,
    /// What becomes of an occurrence while jobs of this schedule are not final.
    pub overlap: Option<Overlap>,
    /// How long after one another the jobs of missed occurrences start.
    pub stagger: Option<Duration>,
}

/// Everything of the plan.
impl From<Plan> for PlanChange {
    fn from(plan: Plan) -> Self {
        let Plan { rule, kind, payload, queue, priority, catch_up, overlap, stagger } = plan;
        Self {
            rule: Some(rule),
            kind: Some(kind),
            payload: Some(payload),
            queue: Some(queue),
            priority: Some(priority),
            catch_up: Some(catch_up),
            overlap: Some(overlap),
            stagger: Some(stagger),
        }
    }
}

impl PlanChange {
    /// The changed plan. A stored plan that cannot be read (`None`) is replaced: the change must then name the rule and
    /// the kind, the rest has its defaults. `None` if it does not.
    pub fn applied_to(self, stored: Option<Plan>) -> Option<Plan> {
        let plan = match stored {
            Some(plan) => plan,
            None => Plan::new(self.rule.clone()?, self.kind.clone()?),
        };
        Some(Plan {
            // The same pace keeps its anchor.
            rule: self.rule.filter(|rule| !rule.is_same_pace(&plan.rule)).unwrap_or(plan.rule),
            kind: self.kind.unwrap_or(plan.kind),
            payload: self.payload.unwrap_or(plan.payload),
            queue: self.queue.unwrap_or(plan.queue),
            priority: self.priority.unwrap_or(plan.priority),
            catch_up: self.catch_up.unwrap_or(plan.catch_up),
            overlap: self.overlap.unwrap_or(plan.overlap),
            stagger: self.stagger.unwrap_or(plan.stagger),
        })
    }
}

/// A stored schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Row id; never used again.
    pub id: i64,
    /// What it is called.
    pub name: ScheduleName,
    /// What it does; `Err` says why the stored plan cannot be read. Such a schedule makes no jobs.
    pub plan: Result<Plan, String>,
    /// Whether settings edit it, and nothing else.
    pub reserved: bool,
    /// Since when it makes no jobs, if somebody paused it.
    pub paused_at: Option<Timestamp>,
    /// Who paused it.
    pub paused_by: Option<String>,
    /// Every occurrence up to here is decided.
    pub cursor_at: Timestamp,
    /// The newest occurrence that was decided.
    pub last_at: Option<Timestamp>,
    /// The next occurrence; past while the engine has not looked at it, `None` if there is none.
    pub next_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When somebody changed it last.
    pub updated_at: Timestamp,
    /// Who did.
    pub updated_by: String,
}

impl Schedule {
    /// Whether everything up to an instant in the future is decided. No rule explains that, since what is decided has been
    /// due: the clock was later once, and was set back.
    pub fn is_ahead(&self, now: Timestamp) -> bool {
        self.cursor_at > now.plus(AHEAD)
    }

    /// The occurrences to come after `now`, in order; none while its plan cannot be read. A paused schedule has them
    /// too: they are what it would do.
    pub fn upcoming(&self, now: Timestamp) -> impl Iterator<Item = Timestamp> {
        self.upcoming_apart(now, Duration::ZERO)
    }

    /// The same without those that come sooner than a length after the one before, so that a day of a rule that is due each
    /// second is no long list.
    pub fn upcoming_apart(
        &self,
        now: Timestamp,
        apart: Duration,
    ) -> impl Iterator<Item = Timestamp> {
        let is_ahead = self.is_ahead(now);
        let after = if is_ahead { now } else { self.cursor_at.max(now) };
        let rule = self.plan.as_ref().ok().map(|plan| plan.rule.clone());
        let rule = rule.map(|rule| if is_ahead { rule.counted_by(now) } else { rule });
        let next = move |after: Timestamp| rule.as_ref().and_then(|rule| rule.next_after(after));
        let skipped = apart.saturating_sub(Duration::from_millis(1));
        std::iter::successors(next(after), move |at| next(at.plus(skipped)))
    }

    /// The next occurrence as people are told of it; `None` if there is none.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        if self.is_ahead(now) { self.upcoming(now).next() } else { self.next_at }
    }

    /// What a person should know of its occurrences: that the clock was set back, and what changes of a zone's clock do to
    /// them; each a sentence without its full stop.
    pub fn warnings(&self, now: Timestamp) -> Vec<String> {
        let ahead = self.is_ahead(now).then(|| {
            let plan = self.plan.as_ref().ok();
            let until = plan.map_or_else(
                || self.cursor_at.to_string(),
                |plan| plan.rule.local(self.cursor_at),
            );
            format!(
                "the clock was set back: everything up to {until} is decided, and it counts from now on again as soon as a \
                 server looks at it"
            )
        });
        let changes = self.plan.as_ref().ok().map(|plan| plan.rule.clock_warnings(now));
        ahead.into_iter().chain(changes.into_iter().flatten()).collect()
    }
}

/// What was decided about an occurrence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastDecision {
    /// The occurrence; the first one where a row stands for several.
    pub occurrence_at: Timestamp,
    /// What became of it.
    pub decision: Verdict,
    /// When.
    pub decided_at: Timestamp,
    /// The job it made; it may have been pruned since.
    pub job_id: Option<JobId>,
    /// Why, for people.
    pub detail: String,
    /// How that job is now, if it is there.
    pub job_status: Option<Status>,
}

impl PastDecision {
    /// How many of the last decisions pages and the list of what needs a person look at.
    pub const SHOWN: usize = 30;

    /// How many of the last jobs failed one after the other, of decisions with the newest first. What has no end yet, and what
    /// made no job, says nothing.
    pub fn failed_in_a_row(decisions: &[Self]) -> usize {
        let ended = decisions.iter().filter_map(|decision| decision.job_status);
        let ended = ended.filter(|status| status.is_final());
        ended.take_while(|status| *status == Status::Failed).count()
    }
}

/// The schedule that settings stand for.
#[derive(Clone, Debug, PartialEq)]
pub struct ReservedSchedule {
    /// What it is called.
    pub name: ScheduleName,
    /// What it does; `None`: it is switched off and does nothing.
    pub plan: Option<Plan>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(rule: &str) -> Plan {
        let rule = Rule::parse(rule, Timestamp::from_millis(7)).unwrap();
        Plan { priority: Some(3), ..Plan::new(rule, Kind::parse("report").unwrap()) }
    }

    #[test]
    fn failures_are_counted_back_to_the_last_job_that_ended_otherwise() {
        let of = |job_status| PastDecision {
            occurrence_at: Timestamp::default(),
            decision: Verdict::Fired,
            decided_at: Timestamp::default(),
            job_id: None,
            detail: String::new(),
            job_status,
        };
        let row = |ends: &[Option<Status>]| {
            let all: Vec<_> = ends.iter().copied().map(of).collect();
            PastDecision::failed_in_a_row(&all)
        };
        let (bad, good) = (Some(Status::Failed), Some(Status::Completed));
        assert_eq!(row(&[]), 0);
        assert_eq!(row(&[Some(Status::Running), None, bad, bad, good, bad]), 2);
        assert_eq!(row(&[good, bad, bad]), 0);
    }

    #[test]
    fn a_change_leaves_what_it_does_not_name() {
        let change = PlanChange { overlap: Some(Overlap::Skip), ..PlanChange::default() };
        let changed = change.applied_to(Some(plan("1h"))).unwrap();
        assert_eq!(changed, Plan { overlap: Overlap::Skip, ..plan("1h") });
        let change = PlanChange { priority: Some(None), ..PlanChange::default() };
        assert_eq!(change.applied_to(Some(plan("1h"))).unwrap().priority, None);
    }

    #[test]
    fn a_session_that_could_never_run_is_no_plan() {
        let of = |payload| Plan { kind: Kind::AGENT_SESSION, payload, ..plan("1h") }.checked();
        assert!(of(json!({"prompt_file": "health_check", "tier": 2}).into()).is_ok());
        for payload in [json!({}), json!({"promt": "x"}), json!({"prompt": "x", "tier": 9})] {
            assert_eq!(
                of(payload.clone().into()).unwrap_err().code(),
                Code::ModelInvalid,
                "{payload}"
            );
        }
    }

    #[test]
    fn the_same_interval_keeps_its_anchor() {
        let later = Rule::every(60, Timestamp::from_millis(99)).unwrap();
        let change = PlanChange { rule: Some(later), ..PlanChange::default() };
        assert_eq!(change.applied_to(Some(plan("1h"))).unwrap(), plan("1h"));
    }

    #[test]
    fn a_plan_that_cannot_be_read_is_replaced_by_one_that_says_kind_and_rule() {
        let rule = Some(plan("1h").rule);
        let half = PlanChange { rule: rule.clone(), ..PlanChange::default() };
        assert_eq!(half.applied_to(None), None);
        let kind = Some(plan("1h").kind);
        let whole = PlanChange { rule, kind, ..PlanChange::default() };
        assert_eq!(whole.applied_to(None).unwrap(), Plan { priority: None, ..plan("1h") });
    }

    #[test]
    fn values_that_no_job_can_have_are_refused() {
        assert!(plan("1h").checked().is_ok());
        assert!(Plan { priority: Some(101), ..plan("1h") }.checked().is_err());
        let payload = Json::from("x".repeat(crate::model::MAX_PAYLOAD_BYTES));
        let refused = Plan { payload, ..plan("1h") }.checked().unwrap_err();
        assert_eq!(refused.code(), Code::JobTooLarge);
        for bad in ["", "Nightly", "a-b", "a b", &"x".repeat(65)] {
            assert!(ScheduleName::parse(bad).is_err(), "{bad:?}");
        }
    }
}
