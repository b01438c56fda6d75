//! What people do in the simulation: they schedule, cancel, edit, delete, pause and stop.

use super::World;
use crate::model::{
    Actor, Cancelled, CatchUp, JobEdit, JobId, Kind, NewSchedule, Overlap, Plan, PlanChange, Queue,
    Rule, ScheduleName, Status, Timestamp,
};
use crate::planted::{self, Bug};
use crate::store::core::{again, cancel, delete, edit, queues, schedules};
use crate::store::sql::{self, jobs};
use std::time::Duration;

impl World {
    /// Adds a schedule or edits one.
    pub(super) fn schedule(&mut self) {
        let (now, by) = (Timestamp::from_millis(self.now), Actor::cli());
        let name = ScheduleName::parse(format!("s{}", self.rng.u8(..3))).unwrap();
        let rule = match self.rng.u8(..4) {
            0 => Rule::every(self.rng.u32(1..90), now),
            1 => Rule::once(now.plus(Duration::from_secs(self.rng.u64(1..9_000)))),
            2 => Rule::cron("*/20 * * * *", "Europe/Berlin"),
            _ => Rule::cron("30 2,14 * * *", "America/New_York"),
        };
        let catch_up = [CatchUp::Once, CatchUp::Skip, CatchUp::All { max: 5 }];
        let mut plan = Plan::new(rule.unwrap(), Kind::parse("plain").unwrap());
        plan.catch_up = self.rng.choice(catch_up).unwrap();
        plan.overlap =
            self.rng.choice([Overlap::QueueOne, Overlap::QueueAll, Overlap::Skip]).unwrap();
        let known = sql::schedules::get(&self.conn, &name).unwrap().is_some();
        let what = self.rng.u8(..4);
        self.call(|tx| match what {
            _ if !known => schedules::create(tx, NewSchedule { name, plan }, &by, now),
            0 => schedules::pause(tx, &name, &by, now).map(drop),
            1 | 2 => schedules::resume(tx, &name, &by, now).map(drop),
            _ => {
                let change = PlanChange { rule: Some(plan.rule), ..PlanChange::default() };
                schedules::change(tx, &name, change, &by, now).map(drop)
            }
        });
    }

    /// The job that is to be claimed next.
    fn first_in_line(&self) -> Option<JobId> {
        const SQL: &str =
            "SELECT id FROM jobs WHERE claim_order IS NOT NULL ORDER BY claim_order LIMIT 1";
        let mut statement = self.conn.prepare_cached(SQL).unwrap();
        let mut ids = statement.query_map([], |row| Ok(JobId(row.get(0)?))).unwrap();
        ids.next().map(Result::unwrap)
    }

    /// P20: a person cancels a job of which a claim may have taken hold since the person looked.
    pub(super) fn cancel(&mut self) {
        let first = if self.rng.bool() { self.first_in_line() } else { None };
        let Some(id) = first.or_else(|| self.any_job()) else { return };
        let seen = jobs::get(&self.conn, id).unwrap().unwrap();
        if first.is_some() && self.rng.bool() {
            *self.done.entry("claim before a cancel").or_default() += 1;
            self.poll();
        }
        let now = Timestamp::from_millis(self.now);
        let answer = if planted::is(Bug::CancelsWhatItSaw) {
            self.call(|tx| cancel::cancel_as_seen(tx, &seen, &Actor::cli(), now))
        } else {
            self.call(|tx| cancel::cancel(tx, id, &Actor::cli(), now))
        };
        let job = jobs::get(&self.conn, id).unwrap().unwrap();
        let is_true = match answer {
            None => true,
            Some(Cancelled::Done) => job.status == Status::Cancelled,
            Some(Cancelled::Requested) => {
                job.status == Status::Running && job.cancel_requested_at.is_some()
            }
            Some(Cancelled::AlreadyFinal(status)) => status.is_final() && job.status == status,
        };
        assert!(is_true, "P20: the person heard {answer:?} of {job:?}");
    }

    pub(super) fn run_again(&mut self) {
        let Some(id) = self.rng.choice(self.acknowledged.keys().copied()) else { return };
        if jobs::get(&self.conn, JobId(id)).unwrap().is_some() {
            let now = Timestamp::from_millis(self.now);
            let again =
                self.call(|tx| again::run_again(tx, JobId(id), &Actor::cli(), (None, None), now));
            self.acknowledged.extend(again.map(|again| (again.id().0, Status::Queued)));
        }
    }

    /// One of the jobs that were acknowledged and are there still.
    pub(super) fn any_job(&mut self) -> Option<JobId> {
        let id = JobId(self.rng.choice(self.acknowledged.keys().copied())?);
        jobs::get(&self.conn, id).unwrap().map(|job| job.id)
    }

    pub(super) fn run_now(&mut self) {
        let Some(id) = self.any_job() else { return };
        let now = Timestamp::from_millis(self.now);
        if self.call(|tx| edit::run_now(tx, id, &Actor::cli(), now)).is_some() {
            let job = jobs::get(&self.conn, id).unwrap().unwrap();
            assert!(job.run_at <= now && !job.status.is_final(), "{job:?} was made due");
        }
    }

    pub(super) fn edit(&mut self) {
        let Some(id) = self.any_job() else { return };
        let now = Timestamp::from_millis(self.now);
        let later = self.now + self.rng.i64(-600_000..600_000);
        let edit = JobEdit {
            priority: self.rng.bool().then(|| self.rng.i32(-5..=5)),
            run_at: self.rng.bool().then(|| Timestamp::from_millis(later)),
            ..JobEdit::default()
        };
        let wanted = (edit.priority, edit.run_at);
        if let Some(job) = self.call(|tx| edit::edit(tx, id, edit, &Actor::cli(), now)) {
            assert!(wanted.0.is_none_or(|priority| job.priority == Some(priority)), "{job:?}");
            assert!(wanted.1.is_none_or(|run_at| job.run_at == run_at), "{job:?}");
        }
    }

    pub(super) fn delete(&mut self) {
        let Some(id) = self.any_job() else { return };
        let was = jobs::get(&self.conn, id).unwrap().unwrap().status;
        let now = Timestamp::from_millis(self.now);
        if self.call(|tx| delete::delete(tx, id, &Actor::cli(), now)).is_some() {
            assert!(was.is_final(), "P6: {was} job {id} was deleted");
            self.acknowledged.remove(&id.0);
        }
    }

    pub(super) fn operate(&mut self) {
        let now = Timestamp::from_millis(self.now);
        let queue = if self.rng.bool() { Queue::DEFAULT } else { Queue::AGENT };
        let (what, limit) = (self.rng.u8(..3), self.rng.u32(..5));
        self.call(|tx| {
            tx.execute(
                "INSERT INTO job_queues (name, engine_limit) VALUES (?1, 3)
                 ON CONFLICT (name) DO UPDATE SET engine_limit = 3",
                [queue.as_str()],
            )?;
            match what {
                0 => queues::pause(
                    tx,
                    &queue,
                    "by chance",
                    Some(now.plus(Duration::from_mins(5))),
                    &Actor::cli(),
                    now,
                ),
                1 => queues::resume(tx, &queue, &Actor::cli(), now).map(drop),
                _ => queues::set_limit(tx, &queue, Some(limit), &Actor::cli(), now),
            }
        });
    }

    pub(super) fn stop_all(&mut self) {
        let now = Timestamp::from_millis(self.now);
        self.call(|tx| queues::stop_all(tx, "by chance", &Actor::cli(), now));
        self.poll();
        while self.call(|tx| queues::resume_all(tx, &Actor::cli(), now)).is_none() {}
    }
}
