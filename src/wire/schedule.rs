//! Schedules: what they plan, when they are due, and what was decided.

use crate::model::{self, CatchUp, Json, Queue, Timestamp};
use serde::Serialize;
use serde_json::Value;

/// A schedule.
#[derive(Clone, Debug, Serialize)]
pub struct Schedule {
    /// Its name.
    pub name: String,
    /// Whether settings edit it, and nothing else.
    pub reserved: bool,
    /// What it does; `null` if what is stored cannot be read.
    pub plan: Option<SchedulePlan>,
    /// Why what is stored cannot be read.
    pub error: Option<String>,
    /// Its rule in words.
    pub words: Option<String>,
    /// Since when it makes no jobs.
    pub paused_at: Option<String>,
    /// Who paused it.
    pub paused_by: Option<String>,
    /// The newest occurrence that was decided.
    pub last_at: Option<String>,
    /// The next occurrence.
    pub next_at: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// When it was changed last.
    pub updated_at: String,
    /// Who changed it last.
    pub updated_by: String,
}

/// What a schedule does.
#[derive(Clone, Debug, Serialize)]
pub struct SchedulePlan {
    /// When it is due: `{"type":"cron","cron":…,"zone":…}`, `{"type":"every","minutes":…,"anchor":ms}` or
    /// `{"type":"once","at":ms}`.
    pub rule: Value,
    /// The kind of its jobs.
    pub kind: String,
    /// Their input.
    pub payload: Json,
    /// Where they wait; `null`: their kind's queue.
    pub queue: Option<String>,
    /// Lower runs first; `null`: their kind's.
    pub priority: Option<i32>,
    /// What becomes of missed occurrences: `once`, `skip` or `all:N`.
    pub catch_up: String,
    /// What becomes of one that meets its predecessor: `queue_one`, `queue_all` or `skip`.
    pub overlap: &'static str,
    /// How long after one another the jobs of missed occurrences start.
    pub stagger_ms: u64,
}

/// A schedule with what comes next.
#[derive(Clone, Debug, Serialize)]
pub struct SchedulePreview {
    /// The schedule.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// The next occurrences, in order.
    pub next: Vec<Occurrence>,
    /// What changes of the clock do to them, a sentence each.
    pub warnings: Vec<String>,
}

/// A rule that nobody has stored, with what it would do.
#[derive(Clone, Debug, Serialize)]
pub struct RulePreview {
    /// The rule, as in [`SchedulePlan`].
    pub rule: Value,
    /// The rule in words.
    pub words: String,
    /// The next occurrences, in order.
    pub next: Vec<Occurrence>,
    /// What changes of the clock do to them in the next year, a sentence each.
    pub warnings: Vec<String>,
}

/// An occurrence to come.
#[derive(Clone, Debug, Serialize)]
pub struct Occurrence {
    /// The instant.
    pub at: String,
    /// What the clocks of the rule's zone show then.
    pub local: String,
}

/// A schedule with what comes next and what was decided last.
#[derive(Clone, Debug, Serialize)]
pub struct ScheduleStory {
    /// The schedule and what comes next.
    #[serde(flatten)]
    pub preview: SchedulePreview,
    /// The last occurrence that started late or not at all, in a sentence; `null`: all of these started on time, or the
    /// schedule is paused.
    pub last: Option<String>,
    /// What became of the last occurrences, newest first.
    pub decisions: Vec<ScheduleDecision>,
}

/// What became of an occurrence whose time has come.
#[derive(Clone, Debug, Serialize)]
pub struct ScheduleDecision {
    /// The occurrence; the first one where this stands for several.
    pub occurrence_at: String,
    /// What the clocks of the rule's zone showed then.
    pub planned: String,
    /// `fired`, `caught_up`, `skipped`, `merged` or `over_budget`; `null`: nothing is decided yet.
    pub decision: Option<&'static str>,
    /// When it was decided.
    pub decided_at: Option<String>,
    /// The job it made; it may have been pruned since.
    pub job_id: Option<i64>,
    /// The status of that job; `null` without a job, and of one that was pruned.
    pub job_status: Option<&'static str>,
    /// When the first attempt of that job began.
    pub started_at: Option<String>,
    /// When that job ended.
    pub finished_at: Option<String>,
    /// How long after its time it started.
    pub late_ms: Option<i64>,
    /// What was written down with the decision.
    pub detail: String,
    /// What was decided and why, when it started, what it waited for, and how it ended, in sentences.
    pub says: String,
}

/// A schedule that was asked to change.
#[derive(Clone, Debug, Serialize)]
pub struct ScheduleChanged {
    /// The schedule as it is now, and what comes next.
    #[serde(flatten)]
    pub preview: SchedulePreview,
    /// Whether anything is different.
    pub changed: bool,
}

/// A schedule that was told to pause.
#[derive(Clone, Debug, Serialize)]
pub struct SchedulePaused {
    /// Its name.
    pub name: String,
    /// Whether it is paused now.
    pub paused: bool,
    /// Whether that is different from before.
    pub changed: bool,
}

/// A schedule that was removed.
#[derive(Clone, Debug, Serialize)]
pub struct ScheduleRemoved {
    /// Its name.
    pub name: String,
}

/// A job that a schedule was told to make.
#[derive(Clone, Debug, Serialize)]
pub struct ScheduleRun {
    /// The job.
    pub id: i64,
    /// The schedule's name.
    pub schedule: String,
}

impl From<&model::Schedule> for Schedule {
    fn from(schedule: &model::Schedule) -> Self {
        let at = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let plan = schedule.plan.as_ref();
        Self {
            name: schedule.name.to_string(),
            reserved: schedule.reserved,
            plan: plan.ok().map(SchedulePlan::from),
            error: plan.err().cloned(),
            words: plan.ok().map(|plan| plan.rule.in_words()),
            paused_at: at(schedule.paused_at),
            paused_by: schedule.paused_by.clone(),
            last_at: at(schedule.last_at),
            next_at: at(schedule.next_at),
            created_at: schedule.created_at.to_string(),
            updated_at: schedule.updated_at.to_string(),
            updated_by: schedule.updated_by.clone(),
        }
    }
}

impl From<&model::Plan> for SchedulePlan {
    fn from(plan: &model::Plan) -> Self {
        Self {
            rule: plan.rule.to_json(),
            kind: plan.kind.to_string(),
            payload: plan.payload.clone(),
            queue: plan.queue.as_ref().map(Queue::to_string),
            priority: plan.priority,
            catch_up: CatchUp::to_string(&plan.catch_up),
            overlap: plan.overlap.as_str(),
            stagger_ms: plan.stagger.as_millis() as u64,
        }
    }
}

impl SchedulePreview {
    /// The schedule with its next `count` occurrences. One that is due and was not looked at yet is the first of them.
    pub fn of(schedule: &model::Schedule, count: usize, now: Timestamp) -> Self {
        let due = schedule.next_at.filter(|at| *at <= now);
        let next = due.into_iter().chain(schedule.upcoming(now)).take(count);
        let rule = schedule.plan.as_ref().ok().map(|plan| &plan.rule);
        let occurrence =
            |at: Timestamp| Some(Occurrence { at: at.to_string(), local: rule?.local(at) });
        Self {
            schedule: Schedule {
                next_at: schedule.next(now).map(|at| at.to_string()),
                ..Schedule::from(schedule)
            },
            next: next.filter_map(occurrence).collect(),
            warnings: schedule.warnings(now),
        }
    }
}

impl RulePreview {
    /// The rule with these occurrences, and what changes of the clock do to them.
    pub fn of(rule: &model::Rule, next: &[Timestamp], warnings: Vec<String>) -> Self {
        let occurrence = |at: &Timestamp| Occurrence { at: at.to_string(), local: rule.local(*at) };
        Self {
            rule: rule.to_json(),
            words: rule.in_words(),
            next: next.iter().map(occurrence).collect(),
            warnings,
        }
    }
}
