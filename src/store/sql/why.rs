//! What decides when jobs start, read in one snapshot for one job or for a page of them.

use super::line::FIRST_OF_QUEUE;
#[cfg(feature = "agents")]
use super::session_gates::{self, Held};
use super::{after, counts, jobs, queues, rates, spend, workers};
use crate::error::Result;
use crate::model::{
    Budgets, Cause, Circumstances, Job, JobId, Kind, KindFacts, ParkedBy, Pause, ProcessFacts,
    Processes, PutOff, Queue, QueueState, Readiness, SessionRequest, Status, Timestamp, UsageLimit,
    WaitsFor, Why, why,
};
use crate::store::sqlite::ledger;
use crate::store::sqlite::row::{optional_text, text};
use rusqlite::{Connection, named_params};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Holders of a key or a queue that are named.
const MAX_HOLDERS: i64 = 10;
/// Up to where jobs ahead are counted, in all queues of a page together.
const MAX_AHEAD: usize = 1000;

/// Why these jobs are not running; missing jobs are left out. Without a leader (`is_led`) no row of a worker counts. The number of statements grows with the queues, schedules
/// and keys of the jobs, not with the jobs.
pub(in crate::store) fn of(
    conn: &Connection,
    ids: &[JobId],
    is_led: bool,
    now: Timestamp,
) -> Result<BTreeMap<JobId, Why>> {
    let jobs = jobs::of(conn, ids)?;
    let open: Vec<&Job> =
        jobs.iter().filter(|job| waits(job) || job.status == Status::Running).collect();
    let processes = if is_led && !open.is_empty() {
        workers::processes(conn, now)?
    } else {
        Processes::default()
    };
    let around = if jobs.iter().any(waits) {
        Around::read(conn, &jobs, processes, now)?
    } else {
        Around { kinds: processes.kind_facts(), processes, ..Around::default() }
    };
    #[cfg(feature = "agents")]
    let around = around.with_held(conn, &open, now)?;
    let told = jobs.iter().map(|job| (job.id, why(job, &around.of(job), now)));
    Ok(told.collect())
}

fn waits(job: &Job) -> bool {
    match job.status {
        Status::Scheduled | Status::Queued => true,
        Status::Running | Status::Completed | Status::Failed | Status::Cancelled => false,
    }
}

/// Everything around some jobs.
#[derive(Default)]
struct Around {
    /// The processes at work.
    processes: Processes,
    /// The facts of the kinds that they have handlers for.
    kinds: Vec<KindFacts>,
    stopped: Option<Pause>,
    lanes: HashMap<Queue, Lane>,
    /// The first holders of each key, and how many hold it.
    keys: HashMap<String, Vec<(JobId, u64)>>,
    /// What the history says of why each of them was put off.
    words: HashMap<JobId, String>,
    /// The open jobs that each of them runs after.
    after: BTreeMap<JobId, Vec<JobId>>,
    budgets: Option<Spending>,
    /// What keeps sessions from beginning that only their handler meets.
    #[cfg(feature = "agents")]
    held: HashMap<JobId, Held>,
    approvals: u64,
    /// When the first start counts no more, of each rate that a job waits for.
    rates: HashMap<(String, String), Timestamp>,
}

/// A queue, who runs in it, and who is first in its line.
struct Lane {
    state: QueueState,
    usage_limit: Option<UsageLimit>,
    holders: Vec<JobId>,
    line: HashMap<JobId, usize>,
    /// How far it is counted.
    most: u64,
}

/// The schedules of these jobs whose budgets are used up, with what each has spent.
struct Spending {
    budgets: Budgets,
    spent: HashMap<Option<i64>, crate::model::Spent>,
    now: Timestamp,
}

impl Around {
    fn read(conn: &Connection, jobs: &[Job], processes: Processes, now: Timestamp) -> Result<Self> {
        let kinds = processes.kind_facts();
        let waiting: Vec<_> = jobs.iter().filter(|job| waits(job)).collect();
        let mut around = Self { processes, kinds, ..Self::default() };
        around.stopped = queues::stopped(conn)?;
        let running = counts::all(conn)?;
        let names: BTreeSet<Queue> = waiting.iter().filter_map(|job| around.queue(job)).collect();
        let most = MAX_AHEAD / names.len().max(1);
        for name in names {
            let here = running.iter().filter(|count| count.queue.as_ref() == Some(&name));
            let here = here.filter(|count| count.status == Status::Running);
            let lane = Lane::read(conn, &name, here.map(|count| count.count).sum(), most)?;
            around.lanes.insert(name, lane);
        }
        let names: BTreeSet<String> = waiting.iter().filter_map(|job| around.key(job)).collect();
        around.keys = key_holders(conn, &names)?;
        around.words = words(conn, &waiting)?;
        for job in waiting.iter().filter(|job| job.waits_for == Some(WaitsFor::Rate)) {
            let of = (job.kind.to_string(), job.rate_key.clone().unwrap_or_default());
            if !around.rates.contains_key(&of)
                && let Some(at) = rates::next_free(conn, &of.0, &of.1)?
            {
                around.rates.insert(of, at);
            }
        }
        let ids: Vec<JobId> = waiting.iter().map(|job| job.id).collect();
        around.after = after::open(conn, &ids)?;
        if waiting.iter().any(|job| around.spends(job)) {
            let schedules: BTreeSet<_> = waiting.iter().map(|job| job.schedule_id).collect();
            around.budgets = Some(Spending::read(conn, schedules, now)?);
        }
        if waiting.iter().any(|job| job.kind == Kind::FILE_FINDINGS) {
            around.approvals = approvals(conn)?;
        }
        Ok(around)
    }

    /// The same with what keeps sessions from beginning that only their handler meets.
    #[cfg(feature = "agents")]
    fn with_held(mut self, conn: &Connection, open: &[&Job], now: Timestamp) -> Result<Self> {
        let spend: Vec<_> = open.iter().filter(|job| self.spends(job)).copied().collect();
        self.held = session_gates::of(conn, &spend, now)?;
        Ok(self)
    }

    /// The facts of a kind that some process runs.
    fn kind(&self, kind: &str) -> Option<&KindFacts> {
        self.kinds.iter().find(|known| known.kind == kind)
    }

    /// What the server says.
    fn says(&self) -> Option<&ProcessFacts> {
        self.processes.server().map(|server| &server.says)
    }

    /// The queue in which a job waits or will wait: its own, or else the queue of its kind.
    fn queue(&self, job: &Job) -> Option<Queue> {
        let of_kind = || Queue::parse(self.kind(job.kind.as_str())?.queue.clone()).ok();
        job.queue.clone().or_else(of_kind)
    }

    /// The key that a job waits for or will wait for: the key of its kind goes before its own.
    fn key(&self, job: &Job) -> Option<String> {
        let of_kind = self.kind(job.kind.as_str()).and_then(|kind| kind.key.clone());
        of_kind.or_else(|| job.concurrency_key.as_ref().map(ToString::to_string))
    }

    /// Whether a used up budget keeps it from starting, by the engine or by its own handler.
    fn spends(&self, job: &Job) -> bool {
        let kind = job.kind.as_str();
        job.parked_by == Some(ParkedBy::Budget)
            || self.kind(kind).is_some_and(|kind| kind.metered)
            || self.says().is_some_and(|says| says.spends.iter().any(|spends| spends == kind))
    }

    fn of(&self, job: &Job) -> Circumstances {
        let lane = self.queue(job).and_then(|queue| self.lanes.get(&queue));
        let held = self.key(job).and_then(|key| self.keys.get(&key));
        let held = held.map(Vec::as_slice).unwrap_or_default();
        let others = held.iter().filter(|(id, _)| *id != job.id);
        let count = held.first().map_or(0, |(_, count)| *count);
        let missing = match self.says().and_then(|says| says.agent.as_ref()) {
            Some(Readiness::NotReady { why, .. }) => Some(why.clone()),
            Some(Readiness::Ready { .. }) | None => None,
        };
        let open = self.after.get(&job.id).map(Vec::as_slice).unwrap_or_default();
        let kind = self.kind(job.kind.as_str());
        // A scan that only the agent may examine starts, and parks itself until the limit is lifted.
        let does_without = kind.is_some_and(|kind| kind.runs_while_limited) && !self.spends(job);
        let is_metered = kind.is_some_and(|kind| kind.metered);
        let spending = self.budgets.as_ref().filter(|_| self.spends(job));
        #[cfg(feature = "agents")]
        let Held { set_aside, folder: folder_held } =
            self.held.get(&job.id).cloned().unwrap_or_default();
        #[cfg(not(feature = "agents"))]
        let (set_aside, folder_held) = (None, None);
        Circumstances {
            set_aside,
            folder_held,
            seen_at: self.processes.seen_at,
            deserted: self.processes.at_work.is_empty(),
            kinds: self.kinds.clone(),
            stopped: self.stopped.clone(),
            queue: lane.map(|lane| lane.state.clone()),
            queue_holders: lane.map(|lane| lane.holders.clone()).unwrap_or_default(),
            key_holders: others.clone().map(|(id, _)| *id).collect(),
            key_held: count.saturating_sub((held.len() - others.count()) as u64),
            after: open.iter().take(MAX_HOLDERS as usize).copied().collect(),
            after_open: open.len() as u64,
            ahead: lane.map_or(0, |lane| lane.ahead(job)),
            ahead_is_least: lane.is_some_and(|lane| lane.ahead(job) >= lane.most),
            put_off: put_off(job, &self.words),
            over_budget: spending.and_then(|spending| spending.over(job)),
            usage_limit: lane.and_then(|lane| lane.usage_limit.clone()).filter(|_| !does_without),
            agent_missing: missing.filter(|_| is_metered),
            rate_free_at: job
                .rate_key
                .as_ref()
                .and_then(|group| self.rates.get(&(job.kind.to_string(), group.clone())).copied()),
            approvals: if job.kind == Kind::FILE_FINDINGS { self.approvals } else { 0 },
        }
    }
}

impl Lane {
    fn read(conn: &Connection, name: &Queue, running: i64, most: usize) -> Result<Self> {
        const HOLDERS: &str = "
            SELECT id
            FROM jobs INDEXED BY jobs_running
            WHERE status = 'running' AND queue = :queue
            ORDER BY worker_id, id
            LIMIT :limit";
        let mut state = QueueState { running, ..queues::get(conn, name)? };
        let usage_limit = state.pause.take_if(|pause| pause.is_by_limit());
        let usage_limit =
            usage_limit.map(|pause| UsageLimit { reason: pause.reason, until: pause.resume_at });
        let ids = |sql: &str, limit: i64| -> Result<Vec<JobId>> {
            let mut statement = conn.prepare_cached(sql)?;
            let params = named_params! {":queue": name.as_str(), ":limit": limit};
            let ids = statement.query_map(params, |row| row.get(0).map(JobId))?;
            Ok(ids.collect::<rusqlite::Result<_>>()?)
        };
        let holders = ids(HOLDERS, MAX_HOLDERS)?;
        let line = ids(FIRST_OF_QUEUE, most as i64)?;
        let line = line.into_iter().enumerate().map(|(at, id)| (id, at)).collect();
        Ok(Self { state, usage_limit, holders, line, most: most as u64 })
    }

    /// How many start before the job: those before it in the line, or all of it for one that is not in it yet.
    fn ahead(&self, job: &Job) -> u64 {
        let at = match job.status {
            Status::Queued => self.line.get(&job.id).copied().unwrap_or(self.line.len()),
            Status::Scheduled
            | Status::Running
            | Status::Completed
            | Status::Failed
            | Status::Cancelled => 0,
        };
        at as u64
    }
}

impl Spending {
    fn read(conn: &Connection, schedules: BTreeSet<Option<i64>>, now: Timestamp) -> Result<Self> {
        let spent = schedules.into_iter().map(|id| Ok((id, spend::spent(conn, id, now)?)));
        Ok(Self { budgets: spend::budgets(conn)?, spent: spent.collect::<Result<_>>()?, now })
    }

    fn over(&self, job: &Job) -> Option<crate::model::OverBudget> {
        let spent = self.spent.get(&job.schedule_id)?;
        let (wanted, schedule) = (SessionRequest::wanted_by(job), SessionRequest::budget_of(job));
        self.budgets.short(wanted, *spent, schedule, self.now)
    }
}

/// The first holders of each of these keys, each with how many there are.
fn key_holders(
    conn: &Connection,
    keys: &BTreeSet<String>,
) -> Result<HashMap<String, Vec<(JobId, u64)>>> {
    const SQL: &str = "
        SELECT concurrency_key, id, many
        FROM (
            SELECT concurrency_key, id,
                row_number() OVER (PARTITION BY concurrency_key ORDER BY key_slot) AS place,
                count(*) OVER (PARTITION BY concurrency_key) AS many
            FROM jobs
            WHERE key_slot IS NOT NULL AND concurrency_key IN (SELECT value FROM json_each(:keys)))
        WHERE place <= :limit
        ORDER BY concurrency_key, place";
    let mut holders: HashMap<String, Vec<(JobId, u64)>> = HashMap::new();
    if keys.is_empty() {
        return Ok(holders);
    }
    let keys = serde_json::json!(keys).to_string();
    let mut statement = conn.prepare_cached(SQL)?;
    let mut rows = statement.query(named_params! {":keys": keys, ":limit": MAX_HOLDERS})?;
    while let Some(row) = rows.next()? {
        let held = (JobId(row.get(1)?), row.get::<_, i64>(2)? as u64);
        holders.entry(text(row, 0)?).or_default().push(held);
    }
    Ok(holders)
}

/// The words of the newest step with the cause that keeps each of these jobs where it is: what it says, not what it means.
fn words(conn: &Connection, jobs: &[&Job]) -> Result<HashMap<JobId, String>> {
    const SQL: &str = "
        SELECT e.job_id, e.detail
        FROM (SELECT value ->> 0 AS job_id, value ->> 1 AS cause FROM json_each(:kept)) k
        JOIN job_events e ON e.job_id = k.job_id AND e.sequence = (
            SELECT max(sequence)
            FROM job_events
            WHERE job_id = k.job_id AND cause = k.cause)";
    let kept = jobs.iter().filter_map(|job| Some(json!([job.id.0, cause(job)?.as_str()])));
    let kept = Value::from(kept.collect::<Vec<_>>()).to_string();
    let mut statement = conn.prepare_cached(SQL)?;
    let words = statement.query_map(named_params! {":kept": kept}, |row| {
        Ok((JobId(row.get(0)?), optional_text(row, 1)?.unwrap_or_default()))
    })?;
    Ok(words.collect::<rusqlite::Result<_>>()?)
}

/// The cause of the step that says why the job waits.
fn cause(job: &Job) -> Option<Cause> {
    match (job.parked_by, job.waits_for) {
        (Some(ParkedBy::Limit), _) => Some(Cause::Limited),
        (Some(ParkedBy::Budget), _) => Some(Cause::Budget),
        (_, Some(WaitsFor::Constraint)) => Some(Cause::Blocked),
        (Some(ParkedBy::Delay | ParkedBy::Retry | ParkedBy::Snooze) | None, _) => None,
    }
}

/// What has put the job off, or keeps it back.
fn put_off(job: &Job, words: &HashMap<JobId, String>) -> Option<PutOff> {
    let words = || words.get(&job.id).cloned().unwrap_or_default();
    match (job.parked_by, job.waits_for) {
        (Some(ParkedBy::Retry), _) => Some(PutOff::Retry),
        (Some(ParkedBy::Snooze), _) => Some(PutOff::Snooze),
        (Some(ParkedBy::Limit), _) => Some(PutOff::Limited(words())),
        (Some(ParkedBy::Budget), _) => Some(PutOff::Budget(words())),
        (None, Some(WaitsFor::Constraint)) => Some(PutOff::Refused(words())),
        (Some(ParkedBy::Delay) | None, _) => None,
    }
}

/// Findings that wait for a person, if nothing else is on its way to the tracker.
fn approvals(conn: &Connection) -> Result<u64> {
    const SQL: &str = "
        SELECT count(*) FILTER (WHERE state = 'awaiting_approval'),
            count(*) FILTER (WHERE state <> 'awaiting_approval')
        FROM filings
        WHERE state <> 'filed' AND state <> 'rejected'";
    if !ledger::has_program(conn)? {
        return Ok(0);
    }
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let (waiting, going) = conn.prepare_cached(SQL)?.query_row([], read)?;
    Ok(if going == 0 { waiting as u64 } else { 0 })
}
