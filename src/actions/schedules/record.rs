//! What became of the past occurrences of a schedule, in words: planned against started.
//!
//! A sentence says what is stored, and no more: a wait whose reason nobody wrote down is told with its length and its queue.

use super::sentence;
use crate::error::Result;
use crate::model::{
    CatchUp, Cause, Event, GRACE, JobId, PastRun, PastRuns, Plan, RunJob, Schedule, Status,
    Timestamp, Verdict, Why, Worker, Zone, by_whom, in_units,
};
use crate::store::Store;
use crate::wire;
use std::collections::BTreeMap;
use std::time::Duration;

/// How many occurrences that nothing was decided about are told, the newest ones.
const UNDECIDED: usize = 10;
/// How long before a decision an engine may have started that is named with it: it decides with its first look.
const FIRST_LOOK: Duration = Duration::from_mins(2);

/// What became of an occurrence whose time has come.
#[derive(Clone, Debug)]
pub struct Told {
    /// When it was planned; the first one where this stands for several.
    pub planned_at: Timestamp,
    /// The same by the schedule's clocks.
    pub planned: String,
    /// What was decided; `None`: nothing yet.
    pub decision: Option<Verdict>,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// What was written down with the decision.
    pub detail: String,
    /// The job that it made; it may have been removed since.
    pub job_id: Option<JobId>,
    /// How that job stands.
    pub job_status: Option<Status>,
    /// When the job's first attempt began.
    pub started_at: Option<Timestamp>,
    /// When the job ended.
    pub finished_at: Option<Timestamp>,
    /// What was decided and why, when it started, what it waited for, and how it ended.
    pub says: String,
    /// Whether it did not start on time, or not at all.
    pub is_late_or_missed: bool,
}

impl Told {
    /// How long after its time it started.
    pub fn late(&self) -> Option<Duration> {
        self.started_at.map(|at| at.since(self.planned_at))
    }

    /// Whether its job is to start still.
    pub fn waits(&self) -> bool {
        self.job_status.is_some_and(waits)
    }

    /// How long its job took from the first start to the end, the waits between its attempts included.
    pub fn took(&self) -> Option<Duration> {
        Some(self.finished_at?.since(self.started_at?))
    }
}

/// The past of a schedule.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// What became of its occurrences, the newest first.
    pub rows: Vec<Told>,
    /// The last one that started late or not at all, in a sentence; `None`: none of these is known to have.
    pub last: Option<String>,
}

/// What became of the last occurrences of a schedule. Its sentences tell times by the clocks of `zone`.
///
/// # Errors
/// Those of reading the database.
pub async fn record(
    store: &Store,
    schedule: &Schedule,
    limit: usize,
    zone: Zone,
    now: Timestamp,
) -> Result<Record> {
    let past = store.schedule_runs(schedule, limit).await?;
    let waiting = past.runs.iter().filter_map(|run| run.job.as_ref());
    let waiting = waiting.filter(|job| waits(job.status)).map(|job| job.id).collect();
    let words = Words {
        whys: Why::all_by(store.whys(waiting, now).await?, zone),
        workers: store.workers().await?,
        schedule,
        past: &past,
        zone,
        now,
    };
    let mut rows = undecided(store, schedule, zone, now).await?;
    rows.extend(past.runs.iter().map(|run| words.told(run)));
    rows.truncate(limit);
    let last = last(schedule, &rows);
    Ok(Record { rows, last })
}

const fn waits(status: Status) -> bool {
    match status {
        Status::Scheduled | Status::Queued => true,
        Status::Running | Status::Completed | Status::Failed | Status::Cancelled => false,
    }
}

/// The sentence about the last one that was late or missed. Of a paused schedule the pause says it.
fn last(schedule: &Schedule, rows: &[Told]) -> Option<String> {
    let nth = rows.iter().position(|told| told.is_late_or_missed)?;
    let Told { planned, says, .. } = &rows[nth];
    match nth {
        _ if schedule.paused_at.is_some() => None,
        0 => Some(format!("The last one was planned for {planned}. {says}")),
        _ => {
            Some(format!("The last one that was late or missed was planned for {planned}. {says}"))
        }
    }
}

/// The occurrences whose time has come and about which nothing is decided, the newest first.
async fn undecided(
    store: &Store,
    schedule: &Schedule,
    zone: Zone,
    now: Timestamp,
) -> Result<Vec<Told>> {
    let Ok(plan) = &schedule.plan else { return Ok(Vec::new()) };
    let before = |at: &Timestamp| {
        let until = at.minus(Duration::from_millis(1));
        plan.rule.latest_between(schedule.cursor_at, until)
    };
    let is_paused = schedule.paused_at.is_some();
    // What is due is decided with the engine's next look.
    let until = if is_paused { now } else { now.minus(GRACE) };
    let newest = plan.rule.latest_between(schedule.cursor_at, until);
    let due: Vec<_> = std::iter::successors(newest, before).take(UNDECIDED).collect();
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let why = match schedule.paused_at {
        Some(at) => paused(schedule, plan, at, zone),
        None => not_looked_at(store, zone, now).await?,
    };
    let is_before = |at: Timestamp| schedule.paused_at.is_some_and(|paused_at| at < paused_at);
    let says = |at| {
        if is_before(at) {
            format!("Due before the pause, and nothing was decided by then. {why}")
        } else {
            why.clone()
        }
    };
    let told = |at: Timestamp| Told {
        planned_at: at,
        planned: plan.rule.local(at),
        decision: None,
        decided_at: None,
        detail: String::new(),
        job_id: None,
        job_status: None,
        started_at: None,
        finished_at: None,
        says: says(at),
        is_late_or_missed: !is_paused,
    };
    Ok(due.into_iter().map(told).collect())
}

/// Why nothing comes of an occurrence while its schedule is paused, and what becomes of it then.
fn paused(schedule: &Schedule, plan: &Plan, at: Timestamp, zone: Zone) -> String {
    let at = zone.in_short(at);
    if schedule.reserved {
        return format!("No job: the settings have this schedule switched off since {at}.");
    }
    let by = schedule.paused_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let then = match plan.catch_up {
        CatchUp::Once | CatchUp::Skip => "is skipped".to_owned(),
        CatchUp::All { max } => format!("makes a job if it is one of the newest {max}"),
    };
    format!(
        "No job: the schedule is paused since {at}{by}. When somebody resumes it, this one {then}."
    )
}

/// Why nothing is decided about an occurrence that is due.
async fn not_looked_at(store: &Store, zone: Zone, now: Timestamp) -> Result<String> {
    let processes = store.processes(now).await?;
    if !processes.at_work.is_empty() {
        return Ok("Due, and nothing is decided yet, though an engine runs. The log of that process says why.".to_owned());
    }
    let seen =
        processes.seen_at.map(|at| format!("; one was last heard of at {}", zone.in_short(at)));
    let seen = seen.unwrap_or_default();
    Ok(format!("Due, and nothing is decided yet: no engine is running{seen}."))
}

/// What the sentences about occurrences are made of.
struct Words<'a> {
    schedule: &'a Schedule,
    past: &'a PastRuns,
    /// Of the jobs that wait.
    whys: BTreeMap<JobId, Why>,
    workers: Vec<Worker>,
    zone: Zone,
    now: Timestamp,
}

impl Words<'_> {
    fn told(&self, run: &PastRun) -> Told {
        let decision = &run.decision;
        let planned_at = decision.occurrence_at;
        let rule = self.schedule.plan.as_ref().ok().map(|plan| &plan.rule);
        let started_at = run.job.as_ref().and_then(|job| job.started_at);
        // What has not started yet is as late as the clock says.
        let reached = started_at.unwrap_or(self.now);
        let is_late = run.job.as_ref().is_some_and(|job| {
            let may_start = started_at.is_some() || waits(job.status);
            may_start && reached.since(planned_at) > GRACE
        });
        let is_unstarted = |job: &RunJob| job.status.is_final() && job.started_at.is_none();
        let made_none = match decision.decision {
            Verdict::Skipped | Verdict::Merged => true,
            Verdict::Fired | Verdict::CaughtUp | Verdict::OverBudget => {
                run.job.as_ref().is_some_and(is_unstarted)
            }
        };
        Told {
            planned_at,
            planned: rule.map_or_else(|| planned_at.to_string(), |rule| rule.local(planned_at)),
            decision: Some(decision.decision),
            decided_at: Some(decision.decided_at),
            detail: decision.detail.clone(),
            job_id: decision.job_id,
            job_status: decision.job_status,
            started_at,
            finished_at: run.job.as_ref().and_then(|job| job.finished_at),
            says: self.says(run),
            is_late_or_missed: is_late || made_none,
        }
    }

    /// What became of an occurrence, in sentences.
    fn says(&self, run: &PastRun) -> String {
        let decision = &run.decision;
        let mut said = Vec::new();
        match decision.decision {
            Verdict::Fired | Verdict::CaughtUp => {}
            Verdict::Skipped | Verdict::Merged | Verdict::OverBudget => said.push(self.why(run)),
        }
        said.extend(self.late_decision(run));
        match (&run.job, decision.job_id) {
            (Some(job), _) => {
                said.push(self.start(run, job));
                said.extend(self.end(job));
            }
            (None, Some(_)) => said.push("Its job is not kept any more.".to_owned()),
            (None, None) => {}
        }
        said.join(" ")
    }

    /// The reason that was written down with a decision.
    fn why(&self, run: &PastRun) -> String {
        let decision = &run.decision;
        let reason = match decision.detail.trim_end_matches('.') {
            "" => "no reason was written down",
            reason => reason,
        };
        let reason = match decision.decision {
            Verdict::Skipped | Verdict::Merged => format!("No job: {reason}."),
            Verdict::Fired | Verdict::CaughtUp | Verdict::OverBudget => sentence(reason),
        };
        match self.pause_of_schedule(run) {
            Some(pause) if decision.decision == Verdict::Skipped => {
                format!("{reason} The schedule was {pause}.")
            }
            Some(_) | None => reason,
        }
    }

    /// That it was decided long after its time, with what is known of the reason.
    fn late_decision(&self, run: &PastRun) -> Option<String> {
        let (planned, decided) = (run.decision.occurrence_at, run.decision.decided_at);
        let late = decided.since(planned);
        let pause = self.pause_of_schedule(run);
        match (run.decision.decision, pause) {
            _ if late <= GRACE => None,
            // Its sentence has the pause.
            (Verdict::Skipped, Some(_)) => None,
            (
                Verdict::Fired | Verdict::CaughtUp | Verdict::Merged | Verdict::OverBudget,
                Some(pause),
            ) => Some(format!(
                "Decided {} after its time: the schedule was {pause}.",
                in_units(late)
            )),
            (
                Verdict::Fired
                | Verdict::CaughtUp
                | Verdict::Skipped
                | Verdict::Merged
                | Verdict::OverBudget,
                None,
            ) => {
                let started = |at: &Timestamp| *at >= planned && *at <= decided;
                let first = self.workers.iter().map(|worker| worker.started_at).filter(started);
                let first = first.min().filter(|at| decided.since(*at) <= FIRST_LOOK);
                let engine = first.map(|at| format!(", when an engine started ({})", self.at(at)));
                let engine = engine.unwrap_or_default();
                Some(format!("Decided {} after its time{engine}.", in_units(late)))
            }
        }
    }

    /// When it started, how late that was, and what it waited for.
    fn start(&self, run: &PastRun, job: &RunJob) -> String {
        let planned = run.decision.occurrence_at;
        let ready = planned.max(run.decision.decided_at);
        match job.started_at {
            Some(at) if at.since(planned) <= GRACE => "Started on time.".to_owned(),
            Some(at) => {
                let late = in_units(at.since(planned));
                let waited = at.since(ready);
                if waited <= GRACE {
                    format!("Started {late} late.")
                } else {
                    format!("Started {late} late: {}.", self.waited(job, (ready, at), waited))
                }
            }
            None if waits(job.status) => {
                let late = in_units(self.now.since(planned));
                let why = self.whys.get(&job.id).map(|why| format!(": it {}", why.headline()));
                let why = why.unwrap_or_default();
                format!("Not started yet, {late} after its time{why}.")
            }
            None => "It did not start.".to_owned(),
        }
    }

    /// What is known of the wait of a job until its first start.
    fn waited(&self, job: &RunJob, (from, to): (Timestamp, Timestamp), wait: Duration) -> String {
        let queue = job.queue.as_ref().map(|queue| format!(" in queue {queue}"));
        let waited = format!("it waited {}{}", in_units(wait), queue.unwrap_or_default());
        let step = job.first_step.as_ref().filter(|step| step.at < to);
        if let Some(step) = step {
            return format!("{waited}; {}", self.step(step));
        }
        let subject = job.queue.as_ref().map(|queue| format!("queue {queue}"));
        let pause = subject.and_then(|subject| self.pause(&subject, from, to));
        if let Some(pause) = pause {
            return format!("{waited}, which was {pause}");
        }
        // Without a step, the first start goes by the time that its schedule gave it.
        if job.attempt <= 1 && job.run_at > from && job.run_at <= to {
            let at = self.at(job.run_at);
            return format!(
                "{waited}; its schedule has the jobs of missed ones start one after another, this one at {at}"
            );
        }
        waited
    }

    /// The step that put it off before its first start.
    fn step(&self, step: &Event) -> String {
        let did = match &step.cause {
            Ok(Cause::Budget) => "a budget put it off".to_owned(),
            Ok(Cause::Blocked) => "the database kept it back".to_owned(),
            Ok(Cause::Rescheduled) => format!("{} gave it another time", by_whom(&step.actor)),
            Ok(Cause::Edited) => format!("{} changed it", by_whom(&step.actor)),
            Ok(Cause::RunNow | Cause::Resumed) => {
                format!("{} made it due", by_whom(&step.actor))
            }
            Ok(cause) => format!("its history says {cause}"),
            Err(word) => format!("its history says {word}"),
        };
        format!("{did} at {}", self.at(step.at))
    }

    /// How it ended, or how it stands after its first start.
    fn end(&self, job: &RunJob) -> Option<String> {
        let attempt = match job.attempt {
            0 | 1 => String::new(),
            attempt => format!(" in attempt {attempt}"),
        };
        let error = job.error.as_deref().map(|error| format!(": {}", first_line(error)));
        let error = error.unwrap_or_default();
        let took = job.started_at.zip(job.finished_at).map(|(from, to)| took(to.since(from)));
        let took = took.map(|took| format!(" after {took}")).unwrap_or_default();
        let earlier = if error.is_empty() || job.attempt < 2 {
            String::new()
        } else {
            format!(" An attempt before failed{error}.")
        };
        Some(match job.status {
            Status::Completed => format!("Completed{took}{attempt}.{earlier}"),
            Status::Failed => format!("Failed{took}{attempt}{error}."),
            Status::Cancelled => {
                let steps = [job.first_step.clone(), job.last_step.clone()];
                let steps: Vec<_> = steps.into_iter().flatten().collect();
                let by = Event::cancelled_by(&steps)
                    .map(|by| format!(" by {}", by_whom(by)))
                    .unwrap_or_default();
                format!("Cancelled{took}{by}.")
            }
            Status::Running => format!("Runs{attempt}.{earlier}"),
            Status::Scheduled | Status::Queued => {
                job.started_at?;
                let why = self.whys.get(&job.id).map(|why| format!(" Now it {}.", why.headline()));
                format!("Attempt {} ended{error}.{}", job.attempt, why.unwrap_or_default())
            }
        })
    }

    fn pause_of_schedule(&self, run: &PastRun) -> Option<String> {
        let subject = format!("schedule {}", self.schedule.name);
        self.pause(&subject, run.decision.occurrence_at, run.decision.decided_at)
    }

    /// The pause of a thing between two instants, as the end of a clause.
    fn pause(&self, subject: &str, from: Timestamp, to: Timestamp) -> Option<String> {
        let (deed, resumed) = self.past.pause_between(subject, from, to)?;
        let (by, began) = (by_whom(&deed.by), self.at(deed.at));
        Some(match resumed {
            Some(end) => format!("paused by {by} from {began} to {}", self.at(end)),
            None => format!("paused by {by} at {began}"),
        })
    }

    fn at(&self, at: Timestamp) -> String {
        self.zone.in_short(at)
    }
}

/// How long something took; what took less than a minute to a tenth of a second.
fn took(length: Duration) -> String {
    match length.as_secs() {
        // Cut, not rounded: no length is 60.0 s.
        0..60 => format!("{}.{} s", length.as_secs(), length.subsec_millis() / 100),
        _ => in_units(length),
    }
}

/// The first line of a text, without its full stop.
fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim().trim_end_matches('.')
}

impl From<&Told> for wire::ScheduleDecision {
    fn from(told: &Told) -> Self {
        let at = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let length = |length: Duration| i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
        Self {
            occurrence_at: told.planned_at.to_string(),
            planned: told.planned.clone(),
            decision: told.decision.map(Verdict::as_str),
            decided_at: at(told.decided_at),
            job_id: told.job_id.map(|id| id.0),
            job_status: told.job_status.map(Status::as_str),
            started_at: at(told.started_at),
            finished_at: at(told.finished_at),
            late_ms: told.late().map(length),
            detail: told.detail.clone(),
            says: told.says.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
