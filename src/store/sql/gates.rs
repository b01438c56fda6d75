//! The gates: all that decides what a poll may do, apart from the jobs themselves, in one look.

use super::queues::STOPPED;
use super::workers::{self, KindRow};
use crate::error::{Code, Error, Result};
use crate::model::settings::{BUDGET_DAY, BUDGET_MONTH};
use crate::model::{
    Budgets, Epoch, JobId, Kind, KindRules, Lane, Pause, PollRequest, Queue, QueueState, Spent,
    Timestamp, day_of, month_start, rules_in_force,
};
use crate::store::sqlite::row::{optional_text, text};
use rusqlite::{Connection, Row, named_params};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// What a poll goes by.
#[derive(Debug, Default)]
pub(in crate::store) struct Gates {
    is_alive: bool,
    settings: BTreeMap<String, Option<String>>,
    leader: Option<(Epoch, String)>,
    /// Whether somebody has stopped all queues.
    pub(in crate::store) is_stopped: bool,
    bounds: BTreeMap<String, Bounds>,
    running: BTreeMap<String, u32>,
    /// The jobs of this worker that somebody asked to end.
    pub(in crate::store) cancelled: Vec<JobId>,
    /// Whether jobs have ended for whose end others wait.
    pub(in crate::store) has_ends: bool,
    /// When the next scheduled job is due that is not due yet.
    pub(in crate::store) next_job: Option<Timestamp>,
    /// When the next schedule is due.
    pub(in crate::store) next_schedule: Option<Timestamp>,
    /// When the next pause is over.
    pub(in crate::store) next_resume: Option<Timestamp>,
    pub(in crate::store) rates: Rates,
    /// The kinds of all workers that are not lost, the newest registration first; only a leader is told.
    kinds: Vec<KindRow>,
    /// The budgets, and what was spent by each schedule; read if the worker has kinds that spend.
    pub(in crate::store) budgets: Option<Budgets>,
    spent: HashMap<Option<i64>, Spent>,
}

/// The limit of a queue over all processes, and when its pause is over.
#[derive(Debug, Default)]
struct Bounds {
    limit: Option<u32>,
    /// A person has paused it.
    is_paused: bool,
    /// A usage limit has.
    is_limited: bool,
    resume_at: Option<Timestamp>,
}

/// The starts that count for rates, and who waits for one.
#[derive(Debug, Default)]
pub(in crate::store) struct Rates {
    /// Whether there are starts that count no more.
    pub(in crate::store) has_over: bool,
    /// Whether a job waits for its kind's rate.
    pub(in crate::store) has_waiting: bool,
    /// When the next start counts no more of those that count.
    pub(in crate::store) next: Option<Timestamp>,
}

/// One row for each of them: what it is, and its name, number, instant and text; a kind has its own name last.
const SQL: &str = "
    SELECT 'worker' AS what, id AS name, NULL AS number, NULL AS at, NULL AS said, NULL AS kind
    FROM job_workers
    WHERE id = :me AND lost_at IS NULL
    UNION ALL
    SELECT 'leader', worker_id, epoch, NULL, NULL, NULL
    FROM job_leader
    UNION ALL
    SELECT 'setting', key, NULL, NULL, value, NULL
    FROM job_settings
    WHERE key = :stopped OR (:metered AND (key = :budget_day OR key = :budget_month))
    UNION ALL
    SELECT 'queue', name, coalesce(operator_limit, engine_limit), resume_at,
        CASE WHEN paused_at IS NOT NULL THEN coalesce(paused_by, '') END, NULL
    FROM job_queues
    WHERE operator_limit IS NOT NULL OR engine_limit IS NOT NULL OR paused_at IS NOT NULL
    UNION ALL
    SELECT 'running', queue, count(*), NULL, NULL, NULL
    FROM jobs
    WHERE status = 'running' AND queue IS NOT NULL
    GROUP BY queue
    UNION ALL
    SELECT 'cancelled', NULL, id, NULL, NULL, NULL
    FROM jobs
    WHERE status = 'running' AND worker_id = :me AND cancel_requested_at IS NOT NULL
    UNION ALL
    SELECT 'job', NULL, NULL, (
        SELECT run_at
        FROM jobs
        WHERE status = 'scheduled' AND waits_for IS NULL AND run_at > :now
        ORDER BY run_at
        LIMIT 1), NULL, NULL
    UNION ALL
    SELECT 'ended', NULL, EXISTS (SELECT 1 FROM job_ended), NULL, NULL, NULL
    UNION ALL
    SELECT 'schedule', NULL, NULL, (
        SELECT next_at
        FROM job_schedules
        WHERE next_at IS NOT NULL AND paused_at IS NULL
        ORDER BY next_at
        LIMIT 1), NULL, NULL
    UNION ALL
    SELECT 'rates', NULL,
        EXISTS (SELECT 1 FROM job_rates WHERE free_at <= :now)
            + 2 * EXISTS (SELECT 1 FROM jobs WHERE waits_for = 'rate'), (
        SELECT free_at
        FROM job_rates
        WHERE free_at > :now
        ORDER BY free_at
        LIMIT 1), NULL, NULL
    WHERE :leads
    UNION ALL
    SELECT 'spent', schedule_id, sum(CASE WHEN day = :day THEN cost_usd ELSE 0.0 END), NULL, sum(cost_usd), NULL
    FROM job_spend
    WHERE :metered AND day >= :month AND day <= :day
    GROUP BY schedule_id
    UNION ALL
    SELECT 'kind', worker_id, NULL, NULL, rules, kind
    FROM (
        SELECT k.worker_id, k.rules, k.kind
        FROM job_kinds k
        JOIN job_workers w ON w.id = k.worker_id
        WHERE :leads AND w.lost_at IS NULL
        ORDER BY k.registered_at DESC, k.worker_id, k.kind
        LIMIT :most_kinds)";

/// Reads them.
pub(in crate::store) fn read(
    conn: &Connection,
    request: &PollRequest,
    now: Timestamp,
) -> Result<Gates> {
    let metered = request.kinds.iter().any(|rules| rules.metered);
    let mut gates =
        Gates { budgets: metered.then(|| Budgets::of(&BTreeMap::new())), ..Gates::default() };
    let mut statement = conn.prepare_cached(SQL)?;
    let mut rows = statement.query(named_params! {
        ":me": request.worker.as_str(),
        ":now": now.millis(),
        ":stopped": STOPPED,
        ":metered": metered,
        ":budget_day": BUDGET_DAY.key,
        ":budget_month": BUDGET_MONTH.key,
        ":day": day_of(now),
        ":month": month_start(now),
        ":leads": request.leads.is_some(),
        ":most_kinds": workers::MAX_ROWS,
    })?;
    while let Some(row) = rows.next()? {
        gates.take(row, request.leads.is_some(), now)?;
    }
    gates.is_stopped = gates.settings.remove(STOPPED).is_some();
    if metered {
        gates.budgets = Some(Budgets::of(&known(&gates.settings)));
    }
    Ok(gates)
}

/// The budgets that are set; a value that is not JSON any more counts as null.
fn known(settings: &BTreeMap<String, Option<String>>) -> BTreeMap<&'static str, Value> {
    let read = |key: &'static str| {
        let stored = settings.get(key)?.as_deref().unwrap_or_default();
        Some((key, serde_json::from_str(stored).unwrap_or_default()))
    };
    [BUDGET_DAY.key, BUDGET_MONTH.key].into_iter().filter_map(read).collect()
}

impl Gates {
    /// Takes in a row.
    fn take(&mut self, row: &Row<'_>, leads: bool, now: Timestamp) -> Result<()> {
        let at = row.get::<_, Option<i64>>(3)?.map(Timestamp::from_millis);
        match text(row, 0)?.as_str() {
            "worker" => self.is_alive = true,
            "leader" => {
                let name = optional_text(row, 1)?;
                self.leader =
                    name.map(|name| Ok::<_, Error>((Epoch(row.get(2)?), name))).transpose()?;
            }
            "setting" => self.settings.extend([(text(row, 1)?, optional_text(row, 4)?)]),
            "queue" => {
                let limit = row.get(2)?;
                // Who leads ends the pauses in this very poll.
                let is_over = leads && at.is_some_and(|at| at <= now);
                let by: Option<String> = optional_text(row, 4)?.filter(|_| !is_over);
                let is_limited = by.as_deref().is_some_and(Pause::is_limits);
                let is_paused = by.is_some() && !is_limited;
                self.next_resume = self.next_resume.into_iter().chain(at).min();
                self.bounds
                    .insert(text(row, 1)?, Bounds { limit, is_paused, is_limited, resume_at: at });
            }
            "running" => drop(self.running.insert(text(row, 1)?, row.get(2)?)),
            "cancelled" => self.cancelled.push(JobId(row.get(2)?)),
            "ended" => self.has_ends = row.get(2)?,
            "job" => self.next_job = at,
            "schedule" => self.next_schedule = at,
            "rates" => {
                let seen: i64 = row.get(2)?;
                self.rates = Rates { has_over: seen % 2 == 1, has_waiting: seen >= 2, next: at };
            }
            "kind" => {
                let (worker, kind) = (optional_text(row, 1)?, optional_text(row, 5)?);
                self.kinds.push(KindRow { worker, kind, rules: optional_text(row, 4)? });
            }
            _ => {
                let schedule = Some(row.get::<_, i64>(1)?).filter(|id| *id != 0);
                let (day, month) = (row.get(2)?, row.get(4)?);
                self.spent.insert(schedule, Spent { day, month, schedule: day });
            }
        }
        Ok(())
    }

    /// Refuses a worker that was judged lost, and one that leads no more.
    ///
    /// # Errors
    /// `ENGINE-LEASE-001`, `ENGINE-LEAD-001`.
    pub(in crate::store) fn expect(&self, request: &PollRequest) -> Result<()> {
        if !self.is_alive {
            return Err(workers::lost(&request.worker));
        }
        let leads = |epoch| {
            let (of, name) = self.leader.as_ref()?;
            (*of == epoch && name == request.worker.as_str()).then_some(())
        };
        match request.leads {
            Some(epoch) if leads(epoch).is_none() => {
                Err(Error::new(Code::EngineReplaced, format!("lead as {}", request.worker)))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether a pause is over.
    pub(in crate::store) fn has_ended_pause(&self, now: Timestamp) -> bool {
        self.bounds.values().any(|bounds| bounds.resume_at.is_some_and(|at| at <= now))
    }

    /// The rules that hold, one for each kind that a living worker has.
    pub(in crate::store) fn rules(&self) -> Vec<KindRules> {
        let registered: Vec<_> = self.kinds.iter().filter_map(KindRow::read).collect();
        rules_in_force(&registered)
    }

    /// Whether a living worker has a handler for the kind; a leader knows.
    pub(in crate::store) fn is_handled(&self, kind: &Kind) -> bool {
        self.kinds.iter().any(|row| row.kind.as_deref() == Some(kind.as_str()))
    }

    /// A job of this queue runs no more.
    pub(in crate::store) fn ended(&mut self, queue: Option<&Queue>) {
        if let Some(running) = queue.and_then(|queue| self.running.get_mut(queue.as_str())) {
            *running = running.saturating_sub(1);
        }
    }

    /// Whether a usage limit has paused a queue: only jobs start that can do without what it forbids.
    pub(in crate::store) fn is_limited(&self, queue: Option<&Queue>) -> bool {
        let said = queue.and_then(|queue| self.bounds.get(queue.as_str()));
        said.is_some_and(|said| said.is_limited)
    }

    /// How many jobs the worker may claim from a queue: as many as it has free slots, and no more than the queue's limit leaves
    /// over all processes, by the rows. A pause by a usage limit leaves room: some jobs can do without what it forbids.
    pub(in crate::store) fn room(&self, queue: &Queue, lanes: &[Lane]) -> usize {
        let said = self.bounds.get(queue.as_str());
        if self.is_stopped || said.is_some_and(|said| said.is_paused) {
            return 0;
        }
        let limit = said.and_then(|said| said.limit).or_else(|| QueueState::own_limit(queue));
        let lane = lanes.iter().find(|lane| lane.queue == *queue);
        let (slots, here) = lane.map_or((None, 0), |lane| (lane.slots, lane.running));
        let slots = slots.or(limit).unwrap_or(QueueState::DEFAULT_LIMIT);
        let running = self.running.get(queue.as_str()).copied().unwrap_or(0);
        let left = limit.map_or(u32::MAX, |limit| limit.saturating_sub(running));
        slots.saturating_sub(here).min(left) as usize
    }

    /// The rooms of the queues that differ from one of which nobody has spoken.
    pub(in crate::store) fn rooms(&self, lanes: &[Lane]) -> Vec<(Queue, usize)> {
        let named = self.bounds.keys().chain(self.running.keys());
        let named = named.filter_map(|name| Queue::parse(name.clone()).ok());
        let own = [Queue::AGENT, Queue::TRACKER, Queue::BULK];
        let mut queues: Vec<Queue> =
            named.chain(lanes.iter().map(|lane| lane.queue.clone())).chain(own).collect();
        queues.sort();
        queues.dedup();
        queues.into_iter().map(|queue| (queue.clone(), self.room(&queue, lanes))).collect()
    }

    /// What was spent today, this month, and today by this schedule.
    pub(in crate::store) fn spent(&self, schedule: Option<i64>) -> Spent {
        let sum = |of: fn(&Spent) -> f64| self.spent.values().map(of).sum();
        let own = schedule.and_then(|id| self.spent.get(&Some(id)));
        Spent {
            day: sum(|spent| spent.day),
            month: sum(|spent| spent.month),
            schedule: own.map_or(0.0, |spent| spent.day),
        }
    }
}
