//! Schedules.

use super::Store;
use super::core;
use super::sql;
use super::sqlite::Tx;
use crate::error::Result;
use crate::model::{
    Actor, Ensured, JobId, NewSchedule, PastDecision, PastRuns, PlanChange, PromptValues, Schedule,
    ScheduleName, Timestamp,
};

impl Store {
    /// Adds a schedule. It counts from now on, this instant included: an interval anchored at `now` is due at once.
    ///
    /// # Errors
    /// `SCHED-NAME-002` if there is one of this name, `SCHED-NAME-003` for a reserved name, `SCHED-LIMIT-001` if there are
    /// 1,000, `SCHED-RULE-002` if the rule has no occurrence to come, `JOB-VALUE-001` for a value out of range.
    pub async fn create_schedule(
        &self,
        new: NewSchedule,
        actor: Actor,
        now: Timestamp,
    ) -> Result<()> {
        let create = move |tx: &Tx<'_>, now| core::schedules::create(tx, new.clone(), &actor, now);
        self.db.rule("add a schedule", now, create).await
    }

    /// Adds a schedule that is paused from the beginning: it makes no job until a person resumes it.
    ///
    /// # Errors
    /// As [`Store::create_schedule`].
    pub async fn create_paused_schedule(
        &self,
        new: NewSchedule,
        actor: Actor,
        now: Timestamp,
    ) -> Result<()> {
        let create =
            move |tx: &Tx<'_>, now| core::schedules::create_paused(tx, new.clone(), &actor, now);
        self.db.rule("add a schedule", now, create).await
    }

    /// Makes a schedule be as the program declares it: adds it, or gives the one of its name this plan. What a person did to
    /// it beyond its plan stays: a paused one is paused on. An interval of the same length keeps its occurrences.
    ///
    /// # Errors
    /// As [`Store::create_schedule`], but `SCHED-NAME-002`.
    pub async fn ensure_schedule(
        &self,
        new: NewSchedule,
        actor: Actor,
        now: Timestamp,
    ) -> Result<Ensured> {
        let ensure = move |tx: &Tx<'_>, now| core::schedules::ensure(tx, new.clone(), &actor, now);
        self.db.rule("declare a schedule", now, ensure).await
    }

    /// Changes a schedule's plan, from now on: a running engine notices, in whichever process. A change is no downtime, so
    /// nothing that the new rule would have had before `now` is missed; a new interval goes on from the last occurrence.
    /// A schedule whose first occurrence is due begins anew. Answers whether the plan has changed.
    ///
    /// # Errors
    /// `SCHED-NAME-001` if there is none of this name, `SCHED-NAME-003` if settings edit it, `SCHED-RULE-001` if what is
    /// stored cannot be read and the change leaves out its rule or its kind, `SCHED-RULE-002` if the rule has no occurrence
    /// to come, `JOB-VALUE-001` for a value out of range.
    pub async fn change_schedule(
        &self,
        name: ScheduleName,
        change: PlanChange,
        actor: Actor,
        now: Timestamp,
    ) -> Result<bool> {
        let change =
            move |tx: &Tx<'_>, now| core::schedules::change(tx, &name, change.clone(), &actor, now);
        self.db.rule("change a schedule", now, change).await
    }

    /// Keeps a schedule from making jobs; answers whether it was not paused before. The jobs it has made stay.
    ///
    /// # Errors
    /// `SCHED-NAME-001` if there is none of this name, `SCHED-NAME-003` if settings edit it.
    pub async fn pause_schedule(
        &self,
        name: ScheduleName,
        actor: Actor,
        now: Timestamp,
    ) -> Result<bool> {
        let pause = move |tx: &Tx<'_>, now| core::schedules::pause(tx, &name, &actor, now);
        self.db.rule("pause a schedule", now, pause).await
    }

    /// Lets a schedule go on; answers whether it was paused. What fell into the pause is skipped, with one decision that
    /// says so: a pause is meant, it is no downtime. The catch-up `all:N`, for which every occurrence matters, makes up
    /// for it.
    ///
    /// # Errors
    /// `SCHED-NAME-001` if there is none of this name, `SCHED-NAME-003` if settings edit it.
    pub async fn resume_schedule(
        &self,
        name: ScheduleName,
        actor: Actor,
        now: Timestamp,
    ) -> Result<bool> {
        let resume = move |tx: &Tx<'_>, now| core::schedules::resume(tx, &name, &actor, now);
        self.db.rule("resume a schedule", now, resume).await
    }

    /// Removes a schedule and what was decided; the jobs it has made stay.
    ///
    /// # Errors
    /// `SCHED-NAME-001` if there is none of this name, `SCHED-NAME-003` if settings edit it.
    pub async fn remove_schedule(
        &self,
        name: ScheduleName,
        actor: Actor,
        now: Timestamp,
    ) -> Result<()> {
        let remove = move |tx: &Tx<'_>, now| core::schedules::remove(tx, &name, &actor, now);
        self.db.rule("remove a schedule", now, remove).await
    }

    /// Stores a job as the schedule makes them, by hand: its cadence is not shifted, and its overlap policy does not count
    /// the job. A paused schedule can do it too.
    ///
    /// # Errors
    /// `SCHED-NAME-001` if there is none of this name, `SCHED-RULE-001` if what is stored cannot be read, `JOB-LIMIT-001` if
    /// 1,000 scans wait.
    pub async fn run_schedule_now(
        &self,
        name: ScheduleName,
        set: PromptValues,
        actor: Actor,
        correlation_id: Option<String>,
        now: Timestamp,
    ) -> Result<JobId> {
        let run = move |tx: &Tx<'_>, now| {
            core::schedules::run_now(tx, &name, &set, (&actor, correlation_id.clone()), now)
        };
        self.db.rule("run a schedule now", now, run).await
    }

    /// Looks whether all schedules are due when their rules say, and that of scans is as its settings have it. Where another
    /// program has changed that it sets it right, and answers the names.
    pub async fn keep_schedules(&self, now: Timestamp) -> Result<Vec<ScheduleName>> {
        // The look goes by a reading connection, because it asks the rule of each.
        let look = move |c: &_| sql::strayed::find(c, now);
        if self.db.read("look at when schedules are due", look).await?.is_empty() {
            return Ok(Vec::new());
        }
        let keep = move |tx: &Tx<'_>, now| core::schedules::keep(tx, now);
        self.db.rule("set right when schedules are due", now, keep).await
    }

    /// One schedule.
    pub async fn schedule(&self, name: ScheduleName) -> Result<Option<Schedule>> {
        self.db.read("read a schedule", move |c| sql::schedules::get(c, &name)).await
    }

    /// The schedules after the first `skip`, by name, and how many there are (at most 1,000).
    pub async fn schedules(&self, skip: u64, limit: usize) -> Result<(Vec<Schedule>, u64)> {
        let list = move |c: &_| sql::schedules::list(c, skip, limit);
        self.db.read("list schedules", list).await
    }

    /// What was decided last about the occurrences of a schedule, newest first.
    pub async fn schedule_decisions(&self, id: i64, limit: usize) -> Result<Vec<PastDecision>> {
        let decisions = move |c: &_| sql::schedules::decisions(c, id, limit);
        self.db.read("read a schedule's decisions", decisions).await
    }

    /// The last occurrences of a schedule that were decided, newest first, each with what is known of its job; and the
    /// pauses of queues and of this schedule that the newest rows of the audit log tell.
    pub async fn schedule_runs(&self, schedule: &Schedule, limit: usize) -> Result<PastRuns> {
        let (id, name) = (schedule.id, schedule.name.clone());
        let runs = move |c: &_| sql::past_runs::of(c, (id, &name), limit);
        self.db.read("read what became of a schedule's occurrences", runs).await
    }
}
