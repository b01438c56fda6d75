//! The shop's past, hour by hour: what was due is stored, claimed and ended, each at its instant.

use super::shop::{self, Work};
use super::{agent, findings};
use crate::error::{Code, Error, Result};
use crate::model::{
    Actor, AttemptEnd, CatchUp, Epoch, Filter, Job, JobCount, Json, Kind, KindRules, Lane, NewJob,
    NewSchedule, Outcome, Plan, PollRequest, Process, Queue, Registration, Rule, ScheduleName,
    Timestamp, WorkerId,
};
use crate::store::{LogStore, Store};
use fastrand::Rng;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// How much of the past there is.
const PAST: Duration = Duration::from_hours(7 * 24);
/// A gap that is shorter is not filled by a later start.
const GAP: Duration = Duration::from_hours(2);
/// When the mail server was down, and the disk of the exports full, before the first start.
const MAIL_DOWN: (Duration, Duration) = (Duration::from_hours(3), Duration::from_hours(2));
const DISK_FULL: Duration = Duration::from_hours(6);
/// When a scan ran: at the full hour before the day of the logs.
const SCAN: (Duration, Duration) = (Duration::from_hours(25), DAY);
/// The step in which the past goes on, and the longest time that a job waited in it.
const QUARTER: Duration = Duration::from_mins(15);
const LONGEST_WAIT: Duration = Duration::from_secs(3);
/// The mails of the hour in which the mail server was down.
const BURST: usize = 140;
/// How many jobs of a queue the made-up worker runs at once.
const SLOTS: u32 = 400;
/// The marks in a demo's database: a demo has made it, and its past was lived to the end.
const BEGUN: &str = "demo.begun";
const LIVED: &str = "demo.lived";

/// Makes the past of a demo that has none, or what the shop did since it was served last.
///
/// # Errors
/// `CONFIG-VALUE-001` for a database that no demo has made: its jobs are real. Those of the store.
pub(crate) async fn live(store: &Store, logs: &LogStore, now: Timestamp) -> Result<()> {
    let newest = store.find_jobs(Filter::default(), None, 1, now).await?.rows.pop();
    let marks = store.settings([BEGUN, LIVED]).await?;
    if newest.is_some() && !marks.contains_key(BEGUN) {
        let why = "this data directory holds jobs that no demo has made; name another one, or leave out --demo";
        return Err(Error::new(Code::ConfigInvalid, format!("serve a demo: {why}")));
    }
    mark(store, BEGUN, now).await?;
    // A past that was not finished, because the process ended meanwhile, goes on where it stopped.
    let first = !marks.contains_key(LIVED);
    let from = newest.map_or(now.minus(PAST), |job| job.created_at.max(now.minus(PAST)));
    if now.since(from) >= GAP {
        let past = Past::begin((store, logs), from.hour(), (first, now)).await?;
        past.go_on(now).await?;
    }
    if first {
        open_ends(store, now).await?;
        mark(store, LIVED, now).await?;
    }
    // Somebody comes in as the shop opens, and the scripted agent is at work.
    store.enqueue(NewJob::new(shop::PLACE_ORDER), now).await?;
    // One that was cut off runs again by itself; a second one would take the place that scans need.
    let is_open = |count: &JobCount| {
        count.kind == Kind::AGENT_SESSION && !count.status.is_final() && count.count > 0
    };
    if !store.job_counts().await?.iter().any(is_open) {
        agent::ask(store, now).await?;
    }
    Ok(())
}

/// Writes a mark of the demo's into its database.
async fn mark(store: &Store, key: &'static str, now: Timestamp) -> Result<()> {
    let changes = vec![(key, Some(true.into()))];
    store.change_settings(changes, Actor::named("demo"), now).await
}

/// What is unfinished when the demo is opened for the first time.
async fn open_ends(store: &Store, now: Timestamp) -> Result<()> {
    let mut dice = Rng::with_seed(3);
    let before = now.minus(Duration::from_mins(26));
    let ops = || Actor::named("ops-night");
    let newsletter = ScheduleName::parse("newsletter")?;
    store.pause_schedule(newsletter, ops(), now.minus(DAY)).await?;
    let charges = Work::of(&shop::CHARGE).into_iter().cycle().take(8);
    let charges = charges.map(|work| NewJob { queue: Some(shop::BILLING), ..work.job(&mut dice) });
    store.enqueue_all(charges.collect(), before).await?;
    let (reason, until) = ("card provider maintenance".to_owned(), now.plus(HOUR));
    store.pause_queue(shop::BILLING, reason, Some(until), ops(), before).await?;
    let customers = [1_207, 1_168, 1_233, 1_191, 1_214, 1_156];
    let crm = customers.map(|customer| NewJob {
        payload: json!({"customer_id": customer}).into(),
        ..NewJob::new(shop::CRM)
    });
    store.enqueue_all(crm.into(), before).await.map(drop)
}

/// The made-up worker of the past.
struct Past {
    store: Store,
    /// The identity of the log that its scan reads.
    log: String,
    worker: WorkerId,
    epoch: Option<Epoch>,
    kinds: Arc<[KindRules]>,
    from: Timestamp,
    /// When the demo is opened for the first time, if this is its first past.
    opened: Option<Timestamp>,
    dice: Rng,
}

impl Past {
    async fn begin(
        (store, logs): (&Store, &LogStore),
        from: Timestamp,
        (first, now): (bool, Timestamp),
    ) -> Result<Self> {
        if first {
            for schedule in schedules()? {
                store.ensure_schedule(schedule, Actor::named("ada"), from).await?;
            }
        }
        let own = [Kind::SELF_MONITORING, Kind::AGENT_SESSION].map(|kind| {
            let queue = if kind == Kind::AGENT_SESSION { Queue::AGENT } else { Queue::DEFAULT };
            KindRules { queue, ..KindRules::new(kind) }
        });
        let works = shop::WORKS.iter().map(Work::rules);
        let kinds: Arc<[KindRules]> = works.chain(own).collect();
        // A name of its own: one that was killed is known to be gone, and its jobs are rescued.
        let worker = WorkerId::parse(format!("demo-{}", now.millis()))?;
        let registration = Registration {
            worker: worker.clone(),
            process: Process { pid: std::process::id(), start: None },
            is_server: false,
            kinds: Arc::clone(&kinds),
            limits: Vec::new(),
            slots: SLOTS,
            replaces: None,
        };
        store.register(registration, from).await?;
        let seen = store.leader().await?.epoch;
        let epoch = store.lead(worker.clone(), seen, None, from).await?;
        let dice = Rng::with_seed(from.millis() as u64);
        let opened = first.then_some(now);
        let (store, log) = (store.clone(), logs.identity().to_owned());
        Ok(Self { store, log, worker, epoch, kinds, from, opened, dice })
    }

    /// Lives one quarter of an hour after the other until now.
    async fn go_on(mut self, now: Timestamp) -> Result<()> {
        let mut at = self.from;
        while at.plus(LONGEST_WAIT) <= now {
            self.quarter(at).await?;
            at = at.plus(QUARTER);
        }
        if let Some(epoch) = self.epoch {
            self.store.resign(self.worker.clone(), epoch).await?;
        }
        self.store.retire(self.worker, now).await
    }

    /// What is due at this quarter of an hour. Schedules are on time at full hours.
    async fn quarter(&mut self, at: Timestamp) -> Result<()> {
        let is_full_hour = at == at.hour();
        let daylight = (7..22).contains(&(at.millis() / 3_600_000 % 24));
        let is_down = self.is_within(at, MAIL_DOWN);
        let mut jobs = Vec::new();
        for work in shop::WORKS {
            let most = if daylight { work.an_hour.div_ceil(3) } else { work.an_hour / 7 };
            // The mails of the hour in which none goes through come together.
            let most = if work.kind == shop::MAIL && is_down { 0 } else { most };
            let count = if most == 0 { 0 } else { self.dice.usize(0..=most) };
            jobs.extend((0..count).map(|_| work.job(&mut self.dice)));
        }
        if is_full_hour && is_down {
            let mail = Work::of(&shop::MAIL).into_iter().cycle().take(BURST);
            jobs.extend(mail.map(|work| work.job(&mut self.dice)));
        }
        if is_full_hour && self.is_within(at, SCAN) {
            jobs.push(NewJob::new(Kind::SELF_MONITORING));
        }
        self.store.enqueue_all(jobs, at).await?;
        let waited = Duration::from_millis(self.dice.u64(80..2_500));
        self.run_all(at.plus(waited)).await
    }

    /// Claims and ends what may start.
    async fn run_all(&mut self, at: Timestamp) -> Result<()> {
        let polled = self.store.poll(self.request(), at).await?;
        let mut ends = JoinSet::new();
        for job in polled.claimed {
            let Some(lease) = job.lease() else { continue };
            let (took, outcome) = self.end(&job, at).await?;
            let (store, end) = (self.store.clone(), AttemptEnd::Answered(outcome));
            let again = Duration::from_mins(1);
            ends.spawn(async move { store.settle(lease, end, again, at.plus(took)).await });
        }
        while let Some(ended) = ends.join_next().await {
            ended.expect("a settlement does not panic")?;
        }
        Ok(())
    }

    /// How a job ends, and after how long.
    async fn end(&mut self, job: &Job, at: Timestamp) -> Result<(Duration, Outcome)> {
        if job.kind == Kind::AGENT_SESSION {
            return agent::tell(&self.store, job, at).await;
        }
        if job.kind == Kind::SELF_MONITORING {
            return findings::scan(&self.store, &self.log, job, at).await;
        }
        let Some(work) = Work::of(&job.kind) else {
            return Ok((HOUR / 3_600, Outcome::Done(json!({}))));
        };
        let (took, outcome) = work.run(&mut self.dice);
        if job.kind == shop::MAIL && self.is_within(at, MAIL_DOWN) {
            let why = shop::said(shop::MAIL_DOWN, &mut self.dice);
            return Ok((took, Outcome::Fatal(shop::error(&why))));
        }
        let is_full = self.opened.is_none_or(|opened| opened.since(at) < DISK_FULL);
        if job.kind == shop::EXPORT && is_full {
            return Ok((took, work.failure(&mut self.dice)));
        }
        Ok((took, outcome))
    }

    /// Whether this lies between two lengths before the demo is opened for the first time.
    fn is_within(&self, at: Timestamp, (from, until): (Duration, Duration)) -> bool {
        let Some(opened) = self.opened else { return false };
        (until..from).contains(&opened.since(at))
    }

    fn request(&self) -> PollRequest {
        let lane = |queue: &Queue| Lane { queue: queue.clone(), running: 0, slots: Some(SLOTS) };
        let mut queues: Vec<&Queue> = self.kinds.iter().map(|rules| &rules.queue).collect();
        queues.sort();
        queues.dedup();
        PollRequest {
            worker: self.worker.clone(),
            kinds: Arc::clone(&self.kinds),
            lanes: queues.into_iter().map(lane).collect(),
            running: Vec::new(),
            draining: false,
            leads: self.epoch,
            swept: Vec::new(),
            abandoned: Vec::new(),
        }
    }
}

/// The schedules of the shop.
fn schedules() -> Result<Vec<NewSchedule>> {
    let named =
        |name: &str, cron: &str, kind: Kind, payload: serde_json::Value| -> Result<NewSchedule> {
            let plan = Plan::new(Rule::cron(cron, "UTC")?, kind);
            let plan = Plan { payload: Json::from(payload), catch_up: CatchUp::Skip, ..plan };
            Ok(NewSchedule { name: ScheduleName::parse(name)?, plan })
        };
    Ok(vec![
        named("export_orders", "0 * * * *", shop::EXPORT, json!({}))?,
        named("morning_look", "0 8 * * *", Kind::AGENT_SESSION, agent::morning())?,
        named("newsletter", "0 9 * * 1", shop::MAIL, json!({"template": "newsletter"}))?,
        named("nightly_report", "0 2 * * *", Kind::named("nightly_report"), json!({}))?,
        named("sync_stock", "0 * * * *", Kind::named("sync_stock"), json!({}))?,
    ])
}
