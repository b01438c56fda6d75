//! A clock that was ahead and is right again: what was written under the later date neither stands still nor runs twice.

use crate::support::{START, in_time, open, store};
use lamplighter::actions::Call;
use lamplighter::actions::schedules::{next, story};
use lamplighter::actions::settings::{SettingChange, change};
use lamplighter::clock::Clock;
use lamplighter::engine::Builder;
use lamplighter::model::settings::{CADENCE, ENABLED};
use lamplighter::model::{
    Actor, Backoff, CatchUp, ConcurrencyKey, Filter, Job, Kind, KindRules, NewJob, NewSchedule,
    Outcome, Overlap, Plan, PlanChange, Queue, Rule, Schedule, ScheduleName, Setting, Status,
    Timestamp,
};
use lamplighter::store::Store;
use lamplighter::{Engine, testing};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const YEAR: Duration = Duration::from_hours(365 * 24);
const NO_GRACE: Duration = Duration::ZERO;

fn called(name: &str) -> ScheduleName {
    ScheduleName::parse(name).unwrap()
}

fn kind(name: &str) -> Kind {
    Kind::parse(name).unwrap()
}

fn cron(text: &str) -> Plan {
    Plan::new(Rule::cron(text, "UTC").unwrap(), kind("report"))
}

fn every(minutes: u32) -> Plan {
    Plan::new(Rule::every(minutes, START).unwrap(), kind("report"))
}

/// Adds a schedule just after START, which is 2027-01-15T08:00:00Z.
async fn add(store: &Store, name: &str, plan: Plan) {
    let new = NewSchedule { name: called(name), plan };
    let now = START.plus(Duration::from_millis(1));
    store.create_schedule(new, Actor::cli(), now).await.unwrap();
}

async fn get(store: &Store, name: &str) -> Schedule {
    store.schedule(called(name)).await.unwrap().unwrap()
}

async fn set(store: &Store, setting: Setting, text: &str, now: Timestamp) {
    let changes = [SettingChange::set(setting.key, text)];
    change(store, &Call::by_owner(now), &changes).await.unwrap();
}

fn engine(store: &Store, clock: &Clock) -> Builder {
    Engine::builder(store.clone(), clock.clone())
        .kind(KindRules::new(kind("report")), |_| async { Outcome::Done(true.into()) })
}

/// Lets an engine do what is due at an instant, and ends it.
async fn works_at(store: &Store, now: Timestamp) {
    let clock = Clock::manual(now);
    let running = engine(store, &clock).start().unwrap();
    in_time(testing::drain(store, &clock)).await.unwrap();
    running.stop(NO_GRACE).await;
}

/// The instants of the occurrences of a schedule that have a job, in order.
async fn made(store: &Store, name: &str) -> Vec<Timestamp> {
    let id = get(store, name).await.id;
    let jobs = store.find_jobs(Filter::default(), None, 1000, START).await.unwrap().rows;
    let of = |job: &Job| job.occurrence.filter(|occurrence| occurrence.schedule_id == id);
    let mut made: Vec<_> = jobs.iter().filter_map(of).map(|occurrence| occurrence.at).collect();
    made.sort();
    made
}

/// Waits until what is stored is so.
async fn until<T>(store: &Store, look: impl AsyncFn() -> Option<T>) -> T {
    let mut changes = store.changes();
    in_time(async {
        loop {
            changes.borrow_and_update();
            if let Some(found) = look().await {
                return found;
            }
            changes.changed().await.unwrap();
        }
    })
    .await
}

#[tokio::test]
async fn p19_every_kind_of_schedule_counts_from_now_after_a_clock_that_was_a_year_ahead() {
    let (folder, first) = store();
    let all =
        Plan { catch_up: CatchUp::All { max: 3 }, overlap: Overlap::QueueAll, ..cron("0 * * * *") };
    let skip = Plan { catch_up: CatchUp::Skip, overlap: Overlap::Skip, ..cron("0 * * * *") };
    let plans = [
        ("hourly", cron("0 * * * *")),
        ("by_the_minute", cron("* * * * *")),
        ("daily", cron("0 9 * * *")),
        ("by_seconds", cron("0 */10 * * * *")),
        ("each_hour", every(60)),
        ("each_minute", every(1)),
        ("every_one", all),
        ("skips", skip),
    ];
    for (name, plan) in plans.clone() {
        add(&first, name, plan).await;
    }
    set(&first, CADENCE, "1h", START.plus(YEAR)).await;
    set(&first, ENABLED, "true", START.plus(YEAR)).await;
    works_at(&first, START.plus(YEAR).plus(MINUTE * 3)).await;
    let ahead = made(&first, "hourly").await;
    assert_eq!(ahead.len(), 1, "the missed ones of the year make one job");
    drop(first);
    let store = open(folder.path());
    let now = START.plus(MINUTE * 30);
    let preview = next(&store, "hourly", 1, now).await.unwrap();
    assert_eq!(preview.next[0].at, START.plus(HOUR).to_string());
    assert!(preview.warnings[0].starts_with("the clock was set back"), "{:?}", preview.warnings);
    let clock = Clock::manual(now);
    let running = engine(&store, &clock).start().unwrap();
    let reserved = until(&store, async || {
        let mut soon = get(&store, "self_monitoring").await;
        for (name, _) in &plans {
            soon = Some(get(&store, name).await)
                .filter(|schedule| schedule.is_ahead(now))
                .unwrap_or(soon);
        }
        (!soon.is_ahead(now)).then_some(soon)
    })
    .await;
    assert!(reserved.next_at.unwrap() <= now.plus(HOUR), "{reserved:?}");
    clock.advance(MINUTE * 30);
    in_time(testing::drain(&store, &clock)).await.unwrap();
    for (name, _) in &plans {
        let hour = START.plus(HOUR);
        let made = made(&store, name).await;
        assert_eq!(made.iter().filter(|at| **at == hour).count(), 1, "{name}: {made:?}");
        assert!(get(&store, name).await.next_at.unwrap() <= hour.plus(HOUR * 24), "{name}");
    }
    let told = story(&store, "hourly", clock.now()).await.unwrap();
    let why = told.decisions.iter().map(|decision| decision.detail.as_str());
    assert!(why.into_iter().any(|why| why.starts_with("the clock was set back")));
    assert!(told.preview.warnings.is_empty(), "{:?}", told.preview.warnings);
    running.stop(NO_GRACE).await;
}

#[tokio::test]
async fn p16_an_occurrence_that_has_its_job_gets_no_second_one_when_the_clock_is_set_back() {
    let (_folder, store) = store();
    add(&store, "hourly", cron("0 * * * *")).await;
    add(&store, "single", Plan::new(Rule::once(START.plus(HOUR)).unwrap(), kind("report"))).await;
    works_at(&store, START.plus(HOUR)).await;
    let clock = Clock::manual(START.plus(MINUTE * 30));
    let running = engine(&store, &clock).start().unwrap();
    let hourly = until(&store, async || {
        Some(get(&store, "hourly").await).filter(|schedule| !schedule.is_ahead(clock.now()))
    })
    .await;
    assert_eq!(hourly.next_at, Some(START.plus(HOUR)));
    for _ in 0..3 {
        clock.advance(MINUTE * 30);
        in_time(testing::drain(&store, &clock)).await.unwrap();
    }
    assert_eq!(made(&store, "hourly").await, [START.plus(HOUR), START.plus(HOUR * 2)]);
    assert_eq!(made(&store, "single").await, [START.plus(HOUR)]);
    running.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_change_and_a_resume_count_from_now_whatever_the_clock_was() {
    let (_folder, store) = store();
    for name in ["edited", "same", "resumed"] {
        add(&store, name, cron("0 * * * *")).await;
    }
    add(&store, "paced", every(60)).await;
    works_at(&store, START.plus(YEAR)).await;
    let now = START.plus(MINUTE * 30);
    let actor = Actor::cli;
    let edit = |name, rule| {
        let change = PlanChange { rule: Some(rule), ..PlanChange::default() };
        store.change_schedule(called(name), change, actor(), now)
    };
    edit("edited", Rule::cron("45 * * * *", "UTC").unwrap()).await.unwrap();
    edit("same", Rule::cron("0 * * * *", "UTC").unwrap()).await.unwrap();
    edit("paced", Rule::every(20, now).unwrap()).await.unwrap();
    store.pause_schedule(called("resumed"), actor(), now).await.unwrap();
    store.resume_schedule(called("resumed"), actor(), now).await.unwrap();
    assert_eq!(get(&store, "edited").await.next_at, Some(START.plus(MINUTE * 45)));
    assert_eq!(get(&store, "same").await.next_at, Some(START.plus(HOUR)));
    assert_eq!(get(&store, "resumed").await.next_at, Some(START.plus(HOUR)));
    assert!(get(&store, "paced").await.next_at.unwrap() <= now.plus(MINUTE * 20));
}

/// An engine with a queue of one place, whose jobs wait until the gate lets them end; those with a key share one.
fn gated(store: &Store, clock: &Clock, gate: &Arc<Semaphore>) -> Engine {
    let gate = Arc::clone(gate);
    let rules = KindRules { queue: Queue::parse("line").unwrap(), ..KindRules::new(kind("line")) };
    let keyed = KindRules {
        concurrency_key: ConcurrencyKey::parse("scan").ok(),
        backoff: Backoff { base: MINUTE, ..Backoff::default() },
        ..KindRules::new(kind("keyed"))
    };
    let passes = move |_| {
        let gate = Arc::clone(&gate);
        async move {
            gate.acquire().await.unwrap().forget();
            Outcome::Done(true.into())
        }
    };
    Engine::builder(store.clone(), clock.clone())
        .queue(Queue::parse("line").unwrap(), 1)
        .kind(rules, passes.clone())
        .kind(keyed, passes)
        .kind(
            KindRules {
                backoff: Backoff { base: MINUTE, ..Backoff::default() },
                ..KindRules::new(kind("fails_once"))
            },
            |context| async move {
                if context.job.attempt == 1 {
                    Outcome::from("not yet")
                } else {
                    Outcome::Done(true.into())
                }
            },
        )
        .start()
        .unwrap()
}

async fn enqueue(store: &Store, name: &str, now: Timestamp) -> Job {
    let id = store.enqueue(NewJob::new(kind(name)), now).await.unwrap().id();
    store.job(id).await.unwrap().unwrap()
}

async fn is(store: &Store, job: &Job, status: Status) -> Job {
    until(store, async || store.job(job.id).await.unwrap().filter(|job| job.status == status)).await
}

#[tokio::test]
async fn p19_work_of_a_clock_that_was_a_day_ahead_is_due_at_once_and_in_its_order() {
    let (folder, first) = store();
    let day = START.plus(HOUR * 24);
    let shut = Arc::new(Semaphore::new(0));
    let clock = Clock::manual(day);
    let running = gated(&first, &clock, &shut);
    let rescued = enqueue(&first, "keyed", day).await;
    is(&first, &rescued, Status::Running).await;
    let waits = enqueue(&first, "keyed", day).await;
    let mut line = Vec::new();
    for _ in 0..3 {
        line.push(enqueue(&first, "line", day).await);
    }
    is(&first, &line[0], Status::Running).await;
    let retried = enqueue(&first, "fails_once", day).await;
    is(&first, &retried, Status::Scheduled).await;
    running.stop(NO_GRACE).await;
    // Nobody has looked at it yet.
    let fresh = enqueue(&first, "line", day).await;
    drop(first);

    let store = open(folder.path());
    let clock = Clock::manual(START);
    let open_gate = Arc::new(Semaphore::new(100));
    let newer: Vec<_> =
        [enqueue(&store, "line", START).await, enqueue(&store, "line", START).await].into();
    let running = gated(&store, &clock, &open_gate);
    for job in [&rescued, &waits, &fresh].into_iter().chain(&line).chain(&newer) {
        let done = is(&store, job, Status::Completed).await;
        assert_eq!(done.started_at, Some(START), "job {}", job.id);
    }
    let again =
        until(&store, async || store.job(retried.id).await.unwrap().filter(|job| job.run_at < day))
            .await;
    assert_eq!(again.run_at, START.plus(MINUTE), "the length of the wait, from now on");
    clock.advance(MINUTE);
    is(&store, &retried, Status::Completed).await;
    running.stop(NO_GRACE).await;
}

#[tokio::test]
async fn p14_a_place_of_the_future_is_not_overtaken_by_newer_work_for_ever() {
    let (folder, first) = store();
    let day = START.plus(HOUR * 24);
    let shut = Arc::new(Semaphore::new(0));
    let running = gated(&first, &Clock::manual(day), &shut);
    let holder = enqueue(&first, "line", day).await;
    is(&first, &holder, Status::Running).await;
    let old = enqueue(&first, "line", day).await;
    until(&first, async || first.job(old.id).await.unwrap().filter(|job| job.waits_for.is_none()))
        .await;
    running.stop(NO_GRACE).await;
    drop(first);
    let store = open(folder.path());
    let clock = Clock::manual(START);
    let gate = Arc::new(Semaphore::new(0));
    let running = gated(&store, &clock, &gate);
    until(&store, async || {
        store
            .job(old.id)
            .await
            .unwrap()
            .filter(|job| job.run_at <= START || job.status != Status::Queued)
    })
    .await;
    clock.advance(MINUTE);
    let newer = enqueue(&store, "line", clock.now()).await;
    for _ in 0..2 {
        let runs = until(&store, async || {
            let jobs = [store.job(holder.id).await, store.job(old.id).await];
            let mut jobs = jobs.into_iter().map(|job| job.unwrap().unwrap());
            jobs.find(|job| job.status == Status::Running)
        })
        .await;
        assert_eq!(store.job(newer.id).await.unwrap().unwrap().status, Status::Queued);
        gate.add_permits(1);
        is(&store, &runs, Status::Completed).await;
    }
    gate.add_permits(1);
    is(&store, &newer, Status::Completed).await;
    running.stop(NO_GRACE).await;
}

#[tokio::test]
async fn p19_a_delay_and_an_idempotency_key_of_a_clock_that_was_a_day_ahead_count_from_now() {
    let (folder, first) = store();
    let day = START.plus(HOUR * 24);
    let report = || NewJob::new(kind("report"));
    let asked = |payload: i64| NewJob {
        payload: payload.into(),
        idempotency_key: Some("order 7".into()),
        ..report()
    };
    let add = async |store: &Store, job: NewJob, now| store.enqueue(job, now).await.unwrap().id();
    let delayed = add(&first, report().delay(MINUTE * 10), day).await;
    let chosen = add(&first, report().at(day.plus(MINUTE * 10)), day).await;
    let keyed = add(&first, asked(1), day).await;
    let waits = add(&first, report().delay(MINUTE * 10).after([delayed]), day).await;
    works_at(&first, day).await;
    // Nobody has looked at it yet.
    let fresh = add(&first, report().delay(MINUTE * 20), day).await;
    drop(first);

    let store = open(folder.path());
    let clock = Clock::manual(START);
    let running = engine(&store, &clock).start().unwrap();
    let run_at = async |id| {
        until(&store, async || store.job(id).await.unwrap().filter(|job| job.run_at < day))
            .await
            .run_at
    };
    assert_eq!(run_at(delayed).await, START.plus(MINUTE * 10), "the length, from now on");
    assert_eq!(run_at(waits).await, START.plus(MINUTE * 10));
    assert_eq!(run_at(fresh).await, START.plus(MINUTE * 20));
    let left = store.job(chosen).await.unwrap().unwrap();
    assert_eq!(left.run_at, day.plus(MINUTE * 10), "an instant that somebody chose");
    clock.advance(MINUTE * 10);
    for id in [delayed, waits] {
        until(&store, async || {
            store.job(id).await.unwrap().filter(|job| job.status == Status::Completed)
        })
        .await;
    }
    assert_eq!(add(&store, asked(1), clock.now()).await, keyed, "the key is known");
    clock.advance(HOUR * 24);
    let second = add(&store, asked(2), clock.now()).await;
    assert!(second > keyed, "for a day from when the clock was right");
    running.stop(NO_GRACE).await;
}
