//! Schedules with a real engine: what is due, what was missed, what people and settings change.

use crate::support::{Played, START, foreign, in_time, open, store, until};
use lamplighter::actions::Call;
use lamplighter::actions::settings::{SettingChange, change};
use lamplighter::clock::Clock;
use lamplighter::engine::Builder;
use lamplighter::model::Setting;
use lamplighter::model::settings::{CADENCE, ENABLED};
use lamplighter::model::{
    Actor, CatchUp, Filter, Job, Kind, KindRules, NewSchedule, Outcome, Overlap, PastDecision,
    Plan, PlanChange, Polled, PromptValues, Queue, Rule, Schedule, ScheduleName, SettingState,
    Status, Timestamp, Trigger,
};
use lamplighter::store::Store;
use lamplighter::{Code, Engine, testing};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);
const NO_GRACE: Duration = Duration::ZERO;

fn called(name: &str) -> ScheduleName {
    ScheduleName::parse(name).unwrap()
}

fn kind() -> Kind {
    Kind::parse("report").unwrap()
}

/// START is 2027-01-15T08:00:00Z.
fn hours(n: u32) -> Timestamp {
    START.plus(HOUR * n)
}

fn hourly() -> Plan {
    Plan::new(Rule::cron("0 * * * *", "UTC").unwrap(), kind())
}

/// Adds a schedule just after its occurrence at START.
async fn add(store: &Store, name: &str, plan: Plan) {
    let new = NewSchedule { name: called(name), plan };
    let now = START.plus(Duration::from_millis(1));
    store.create_schedule(new, Actor::cli(), now).await.unwrap();
}

async fn get(store: &Store, name: &str) -> Schedule {
    store.schedule(called(name)).await.unwrap().unwrap()
}

/// The decisions, oldest first, as `hour decision`.
async fn decisions(store: &Store, name: &str) -> Vec<String> {
    let id = get(store, name).await.id;
    let all = store.schedule_decisions(id, 1000).await.unwrap();
    let row = |decision: &PastDecision| {
        let hour = decision.occurrence_at.since(START).as_secs_f64() / 3600.0;
        format!("{hour} {}", decision.decision)
    };
    all.iter().rev().map(row).collect()
}

/// The jobs that schedules have made, oldest first.
async fn made(store: &Store) -> Vec<Job> {
    let mut jobs = store.find_jobs(Filter::default(), None, 1000, START).await.unwrap().rows;
    jobs.retain(|job| job.occurrence.is_some());
    jobs.reverse();
    jobs
}

/// Looks once, as the poller does, without a handler for anything.
async fn look(store: &Store, now: Timestamp) -> Polled {
    let workers = store.workers().await.unwrap();
    let known = workers.into_iter().find(|worker| worker.leads);
    let played = match known {
        Some(known) => {
            let leads = Some(store.leader().await.unwrap().epoch);
            Played { worker: known.id, kinds: vec![], leads }
        }
        None => Played::leading(store, "tests", vec![], vec![], now).await,
    };
    let request = played.request(vec![]);
    store.poll(request, now).await.unwrap()
}

fn engine(store: &Store, clock: &Clock) -> Builder {
    Engine::builder(store.clone(), clock.clone())
        .kind(KindRules::new(kind()), |_| async { Outcome::Done(true.into()) })
}

async fn drained(store: &Store, clock: &Clock) {
    in_time(testing::drain(store, clock)).await.unwrap();
}

#[tokio::test]
async fn p17_ten_missed_periods_make_one_run_and_the_cadence_stays() {
    let (_folder, store) = store();
    add(&store, "report", hourly()).await;
    let clock = Clock::manual(hours(10).plus(MINUTE * 30));
    let engine = engine(&store, &clock).start().unwrap();
    drained(&store, &clock).await;
    assert_eq!(decisions(&store, "report").await, ["1 merged", "10 caught_up"]);
    let jobs = made(&store).await;
    assert_eq!(jobs.len(), 1);
    assert_eq!((jobs[0].status, jobs[0].trigger), (Status::Completed, Trigger::Scheduled));
    assert_eq!(jobs[0].occurrence.unwrap().at, hours(10));
    assert_eq!(get(&store, "report").await.next_at, Some(hours(11)));
    clock.advance(MINUTE * 30);
    drained(&store, &clock).await;
    assert_eq!(made(&store).await.len(), 2, "11:00 is on time");
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn p16_a_restart_respects_the_cadence() {
    let (folder, first) = store();
    add(&first, "report", hourly()).await;
    let clock = Clock::manual(hours(1));
    let running = engine(&first, &clock).start().unwrap();
    drained(&first, &clock).await;
    running.stop(NO_GRACE).await;
    drop(first);
    let again = open(folder.path());
    clock.advance(MINUTE * 59);
    let running = engine(&again, &clock).start().unwrap();
    drained(&again, &clock).await;
    assert_eq!(decisions(&again, "report").await, ["1 fired"], "not due: it waits");
    running.stop(NO_GRACE).await;
    clock.advance(HOUR * 3);
    let running = engine(&again, &clock).start().unwrap();
    drained(&again, &clock).await;
    assert_eq!(decisions(&again, "report").await, ["1 fired", "2 merged", "4 caught_up"]);
    assert_eq!(made(&again).await.len(), 2, "overdue: one run");
    running.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_live_change_moves_the_next_occurrence_at_once_also_from_another_process() {
    let (folder, store) = store();
    let clock = Clock::manual(START);
    let engine = engine(&store, &clock).start().unwrap();
    let plan = Plan::new(Rule::every(60, START).unwrap(), kind());
    let new = NewSchedule { name: called("report"), plan };
    store.create_schedule(new, Actor::cli(), START).await.unwrap();
    drained(&store, &clock).await;
    assert_eq!(decisions(&store, "report").await, ["0 fired"], "an interval begins at once");
    clock.advance(MINUTE * 40);
    let other = open(folder.path());
    let rule = |minutes| Some(Rule::every(minutes, clock.now()).unwrap());
    let change = PlanChange { rule: rule(15), ..PlanChange::default() };
    other.change_schedule(called("report"), change, Actor::cli(), clock.now()).await.unwrap();
    let next = get(&store, "report").await.next_at;
    assert_eq!(next, Some(START.plus(MINUTE * 45)), "counted from the last occurrence");
    assert_eq!(made(&store).await.len(), 1, "a change is no downtime");
    // The engine sleeps until an instant that it knew before: it must hear of the new one.
    let mut changes = store.changes();
    clock.advance(MINUTE * 5);
    in_time(async {
        while made(&store).await.len() < 2 {
            changes.changed().await.unwrap();
        }
    })
    .await;
    assert_eq!(decisions(&store, "report").await, ["0 fired", "0.75 fired"]);
    let change =
        PlanChange { overlap: Some(Overlap::Skip), rule: rule(15), ..PlanChange::default() };
    store.change_schedule(called("report"), change, Actor::cli(), clock.now()).await.unwrap();
    let schedule = get(&store, "report").await;
    assert_eq!(schedule.next_at, Some(START.plus(HOUR)), "the same pace keeps its place");
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_scan_longer_than_its_cadence_leaves_at_most_one_scheduled_job_waiting() {
    let (_folder, store) = store();
    let clock = Clock::manual(START);
    let gate = Arc::new(Semaphore::new(0));
    let permits = Arc::clone(&gate);
    let engine = Engine::builder(store.clone(), clock.clone())
        .queue(Queue::AGENT, 1)
        .kind(lamplighter::monitor::rules(), move |_| {
            let permits = Arc::clone(&permits);
            async move {
                permits.acquire().await.unwrap().forget();
                Outcome::Done(true.into())
            }
        })
        .start()
        .unwrap();
    set(&store, CADENCE, "15m", START).await.unwrap();
    set(&store, ENABLED, "true", START).await.unwrap();
    let first = in_time(first_job(&store)).await;
    until(&store, first.id, |job| job.status == Status::Running).await;
    let mut changes = store.changes();
    for period in 1..=10 {
        clock.advance(MINUTE * 15);
        let at = START.plus(MINUTE * 15 * period);
        in_time(async {
            while get(&store, "self_monitoring").await.last_at != Some(at) {
                changes.changed().await.unwrap();
            }
        })
        .await;
        let waiting = made(&store).await.iter().filter(|job| !job.status.is_final()).count() - 1;
        assert_eq!(waiting, 1, "after {period} periods");
    }
    gate.add_permits(10);
    drained(&store, &clock).await;
    assert_eq!(made(&store).await.len(), 2);
    let merged = decisions(&store, "self_monitoring").await;
    assert_eq!(merged.iter().filter(|row| row.ends_with("merged")).count(), 9);
    engine.stop(NO_GRACE).await;
}

async fn first_job(store: &Store) -> Job {
    let mut changes = store.changes();
    loop {
        changes.borrow_and_update();
        if let Some(job) = made(store).await.into_iter().next() {
            return job;
        }
        changes.changed().await.unwrap();
    }
}

#[tokio::test]
async fn a_pause_is_no_downtime_except_where_every_occurrence_matters() {
    let (_folder, store) = store();
    let catch_up = CatchUp::All { max: 10 };
    let all = Plan { catch_up, overlap: Overlap::QueueAll, ..hourly() };
    add(&store, "once", hourly()).await;
    add(&store, "all", all).await;
    for name in ["once", "all"] {
        assert!(store.pause_schedule(called(name), Actor::cli(), START).await.unwrap());
        assert!(!store.pause_schedule(called(name), Actor::cli(), START).await.unwrap());
    }
    let now = hours(3).plus(MINUTE);
    assert_eq!(look(&store, now).await.wake_at, None, "nothing is due while paused");
    assert!(made(&store).await.is_empty());
    for name in ["once", "all"] {
        assert!(store.resume_schedule(called(name), Actor::cli(), now).await.unwrap());
        assert!(!store.resume_schedule(called(name), Actor::cli(), now).await.unwrap());
    }
    let wake_at = look(&store, now).await.wake_at;
    assert_eq!(wake_at, Some(hours(4)));
    assert_eq!(decisions(&store, "once").await, ["1 skipped"]);
    assert_eq!(decisions(&store, "all").await, ["1 caught_up", "2 caught_up", "3 fired"]);
    let made_by: Vec<_> = made(&store).await.iter().map(|job| job.occurrence.unwrap().at).collect();
    assert_eq!(made_by, [hours(1), hours(2), hours(3)]);
}

#[tokio::test]
async fn a_manual_run_does_not_shift_the_cadence_and_is_not_counted_by_the_overlap() {
    let (_folder, store) = store();
    add(&store, "report", Plan { overlap: Overlap::Skip, payload: 7.into(), ..hourly() }).await;
    let before = get(&store, "report").await;
    let id = store
        .run_schedule_now(called("report"), PromptValues::new(), Actor::cli(), None, hours(0))
        .await
        .unwrap();
    assert_eq!(get(&store, "report").await, before);
    let job = store.job(id).await.unwrap().unwrap();
    assert_eq!((job.trigger, job.payload.as_str(), job.occurrence), (Trigger::Manual, "7", None));
    look(&store, hours(1)).await;
    assert_eq!(decisions(&store, "report").await, ["1 fired"]);
}

#[tokio::test]
async fn overlap_policies_see_the_schedules_own_jobs() {
    let (_folder, store) = store();
    for overlap in [Overlap::QueueOne, Overlap::QueueAll, Overlap::Skip] {
        add(&store, overlap.as_str(), Plan { overlap, ..hourly() }).await;
    }
    look(&store, hours(1)).await;
    look(&store, hours(2)).await;
    assert_eq!(decisions(&store, "queue_one").await, ["1 fired", "2 merged"]);
    assert_eq!(decisions(&store, "queue_all").await, ["1 fired", "2 fired"]);
    assert_eq!(decisions(&store, "skip").await, ["1 fired", "2 skipped"]);
    let queued = made(&store).await.into_iter().find(|job| job.occurrence.unwrap().at == hours(1));
    let first = queued.unwrap();
    store.cancel(first.id, Actor::cli(), hours(2)).await.unwrap();
    look(&store, hours(3)).await;
    assert_eq!(decisions(&store, "queue_one").await.last().unwrap(), "3 fired");
}

#[tokio::test]
async fn caught_up_jobs_start_one_stagger_after_the_other() {
    let (_folder, store) = store();
    let plan = Plan {
        catch_up: CatchUp::All { max: 3 },
        overlap: Overlap::QueueAll,
        stagger: Duration::from_mins(2),
        ..hourly()
    };
    add(&store, "report", plan).await;
    let now = hours(5).plus(MINUTE * 30);
    look(&store, now).await;
    let starts: Vec<_> = made(&store).await.iter().map(|job| job.run_at.since(now)).collect();
    assert_eq!(starts, [Duration::ZERO, MINUTE * 2, MINUTE * 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p16_two_stores_that_look_at_once_make_one_job_for_each_occurrence() {
    let (folder, store) = store();
    for name in 0..30 {
        add(&store, &format!("report_{name}"), hourly()).await;
    }
    // Both look as the worker that leads from here on.
    look(&store, START).await;
    let mut looks = JoinSet::new();
    for _ in 0..2 {
        let store = open(folder.path());
        looks.spawn(async move {
            for _ in 0..5 {
                look(&store, hours(1)).await;
            }
        });
    }
    looks.join_all().await;
    assert_eq!(made(&store).await.len(), 30);
}

#[tokio::test]
async fn p16_a_decided_occurrence_never_makes_a_second_job_wherever_the_cursor_is_put() {
    let (folder, store) = store();
    add(&store, "report", Plan { overlap: Overlap::QueueAll, ..hourly() }).await;
    look(&store, hours(1)).await;
    let sql = "UPDATE job_schedules SET cursor_at = ?1, next_at = ?1";
    foreign(folder.path()).execute(sql, [START.millis()]).unwrap();
    look(&store, hours(1)).await;
    assert_eq!(decisions(&store, "report").await, ["1 fired"]);
    assert_eq!(made(&store).await.len(), 1);
    assert_eq!(get(&store, "report").await.next_at, Some(hours(2)));
}

#[tokio::test]
async fn schedules_that_another_program_changed_are_due_again_when_their_rules_and_settings_say() {
    let (folder, store) = store();
    add(&store, "report", hourly()).await;
    add(&store, "paused", hourly()).await;
    set(&store, ENABLED, "true", START).await.unwrap();
    store.pause_schedule(called("paused"), Actor::cli(), START).await.unwrap();
    let before = get(&store, "self_monitoring").await.plan;
    assert!(store.keep_schedules(START).await.unwrap().is_empty());
    for (changed, name) in [
        ("UPDATE job_schedules SET next_at = NULL WHERE name = 'report'", "report"),
        ("UPDATE job_schedules SET next_at = 9000000000000000 WHERE name = 'report'", "report"),
        ("UPDATE job_schedules SET next_at = next_at + 4096 WHERE name = 'report'", "report"),
        ("DELETE FROM job_schedules WHERE name = 'self_monitoring'", "self_monitoring"),
        ("UPDATE job_schedules SET paused_at = 1 WHERE reserved", "self_monitoring"),
        ("UPDATE job_schedules SET name = 'seen' WHERE reserved", "self_monitoring"),
    ] {
        foreign(folder.path()).execute(changed, []).unwrap();
        assert_eq!(store.keep_schedules(START).await.unwrap(), [called(name)], "{changed}");
        assert!(store.keep_schedules(START).await.unwrap().is_empty(), "{changed}");
        assert_eq!(get(&store, "report").await.next_at, Some(hours(1)), "{changed}");
        let scans = get(&store, "self_monitoring").await;
        assert_eq!((&scans.plan, scans.next_at), (&before, Some(START)), "{changed}");
        assert!(scans.reserved && scans.paused_at.is_none(), "{changed}");
    }
    assert!(get(&store, "paused").await.paused_at.is_some());
    set(&store, ENABLED, "false", START).await.unwrap();
    assert!(store.keep_schedules(hours(9)).await.unwrap().is_empty(), "what is off stays off");
}

#[tokio::test]
async fn a_schedule_whose_next_instant_another_program_removed_makes_jobs_again_within_a_minute() {
    let (folder, store) = store();
    let clock = Clock::manual(START);
    add(&store, "report", hourly()).await;
    let done = |_| async { Outcome::Done(true.into()) };
    let engine = Engine::builder(store.clone(), clock.clone()).kind(KindRules::new(kind()), done);
    let engine = engine.start().unwrap();
    in_time(engine.leading().wait_for(|leads| *leads)).await.unwrap();
    foreign(folder.path()).execute("UPDATE job_schedules SET next_at = NULL", []).unwrap();
    let next = async || get(&store, "report").await.next_at;
    let mut changes = store.changes();
    in_time(async {
        while next().await.is_none() {
            changes.borrow_and_update();
            clock.advance(MINUTE);
            changes.changed().await.unwrap();
        }
    })
    .await;
    assert!(clock.now() < hours(1), "before it was due");
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_schedule_that_cannot_be_read_says_so_and_stops_no_other() {
    let (folder, store) = store();
    add(&store, "broken", hourly()).await;
    add(&store, "sound", hourly()).await;
    let sql = "UPDATE job_schedules SET rule = '{\"type\":\"lunar\"}' WHERE name = 'broken'";
    foreign(folder.path()).execute(sql, []).unwrap();
    assert_eq!(look(&store, hours(1)).await.wake_at, Some(hours(2)));
    assert_eq!(decisions(&store, "sound").await, ["1 fired"]);
    assert_eq!(decisions(&store, "broken").await, ["1 skipped"]);
    let broken = get(&store, "broken").await;
    assert!(broken.plan.as_ref().is_err_and(|why| why.contains("lunar")), "{broken:?}");
    assert_eq!(broken.next_at, None);
    let run = store
        .run_schedule_now(called("broken"), PromptValues::new(), Actor::cli(), None, hours(1))
        .await;
    assert_eq!(run.unwrap_err().code(), Code::ScheduleUnreadable);
    let half = PlanChange { kind: Some(kind()), ..PlanChange::default() };
    let refused =
        store.change_schedule(called("broken"), half.clone(), Actor::cli(), hours(1)).await;
    assert_eq!(refused.unwrap_err().code(), Code::ScheduleUnreadable);
    let whole = PlanChange { rule: Some(hourly().rule), ..half };
    store.change_schedule(called("broken"), whole, Actor::cli(), hours(1)).await.unwrap();
    assert_eq!(get(&store, "broken").await.next_at, Some(hours(2)));
}

#[tokio::test]
async fn more_schedules_than_one_look_takes_are_all_decided() {
    let (_folder, store) = store();
    for name in 0..130 {
        add(&store, &format!("report_{name}"), hourly()).await;
    }
    let clock = Clock::manual(hours(1));
    let engine = engine(&store, &clock).start().unwrap();
    drained(&store, &clock).await;
    assert_eq!(made(&store).await.len(), 130);
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn names_rules_and_removal_answer_with_their_codes() {
    let (folder, store) = store();
    add(&store, "report", hourly()).await;
    let actor = Actor::cli;
    let new = |name: &str, plan| NewSchedule { name: called(name), plan };
    let create = |new| store.create_schedule(new, actor(), START);
    let twice = create(new("report", hourly())).await;
    assert_eq!(twice.unwrap_err().code(), Code::ScheduleExists);
    let reserved = create(new("self_monitoring", hourly())).await;
    assert_eq!(reserved.unwrap_err().code(), Code::ScheduleReserved);
    let past = Rule::once(Timestamp::from_millis(START.millis() - 1)).unwrap();
    let over = create(new("past", Plan::new(past, kind()))).await;
    assert_eq!(over.unwrap_err().code(), Code::ScheduleOver);
    look(&store, hours(1)).await;
    store.remove_schedule(called("report"), actor(), hours(1)).await.unwrap();
    assert_eq!(made(&store).await.len(), 1, "its jobs stay");
    let gone = store.remove_schedule(called("report"), actor(), hours(1)).await;
    assert_eq!(gone.unwrap_err().code(), Code::ScheduleUnknown);
    let audit = "SELECT group_concat(action || ' ' || subject, ', ') FROM
        (SELECT * FROM job_audit WHERE subject LIKE 'schedule %' ORDER BY id)";
    let deeds: String = foreign(folder.path()).query_row(audit, [], |row| row.get(0)).unwrap();
    assert_eq!(deeds, "add schedule report, remove schedule report");
}

async fn set(
    store: &Store,
    setting: Setting,
    text: &str,
    now: Timestamp,
) -> lamplighter::Result<()> {
    let changes = [SettingChange::set(setting.key, text)];
    change(store, &Call::by_owner(now), &changes).await.map(drop)
}

#[tokio::test]
async fn the_settings_make_pause_and_change_the_self_monitoring_schedule() {
    let (_folder, store) = store();
    let name = "self_monitoring";
    set(&store, CADENCE, "30", START).await.unwrap();
    assert_eq!(store.schedule(called(name)).await.unwrap(), None, "a cadence alone starts nothing");
    set(&store, ENABLED, "true", START).await.unwrap();
    look(&store, START).await;
    assert_eq!(decisions(&store, name).await, ["0 fired"], "the first enabling runs at once");
    let job = made(&store).await.remove(0);
    assert_eq!((job.kind, job.trigger), (Kind::SELF_MONITORING, Trigger::Scheduled));
    store.cancel(job.id, Actor::cli(), START).await.unwrap();

    let now = START.plus(MINUTE * 10);
    set(&store, ENABLED, "false", now).await.unwrap();
    assert_eq!(look(&store, hours(1)).await.wake_at, None, "off");
    set(&store, ENABLED, "true", START.plus(MINUTE * 20)).await.unwrap();
    let wake_at = look(&store, START.plus(MINUTE * 20)).await.wake_at;
    assert_eq!(wake_at, Some(START.plus(MINUTE * 30)), "on again and not due: it waits");
    set(&store, ENABLED, "false", now).await.unwrap();
    set(&store, ENABLED, "true", hours(5)).await.unwrap();
    look(&store, hours(5)).await;
    assert_eq!(made(&store).await.len(), 2, "on again and overdue: one run");

    set(&store, CADENCE, "6h", hours(5)).await.unwrap();
    assert_eq!(get(&store, name).await.next_at, Some(hours(11)), "from the last occurrence");
    set(&store, CADENCE, "0 9 * * 1-5 Europe/Berlin", hours(5)).await.unwrap();
    let next = get(&store, name).await.next_at.unwrap();
    assert_eq!(next.to_string(), "2027-01-18T08:00:00.000Z");
    set(&store, CADENCE, "default", hours(5)).await.unwrap();
    assert_eq!(get(&store, name).await.next_at, Some(hours(6)), "the default is an hour");
}

#[tokio::test]
async fn a_cadence_that_changes_before_the_first_scan_does_not_put_it_off() {
    let moment = Duration::from_millis(1);
    for order in [[ENABLED, CADENCE], [CADENCE, ENABLED]] {
        for apart in [false, true] {
            let (_folder, store) = store();
            let change_of = |setting: Setting| {
                SettingChange::set(
                    setting.key,
                    if setting.key == ENABLED.key { "true" } else { "15m" },
                )
            };
            let changes = order.map(change_of);
            let parts: Vec<_> =
                if apart { changes.chunks(1).collect() } else { vec![&changes[..]] };
            let mut now = START;
            for part in parts {
                now = now.plus(moment);
                change(&store, &Call::by_owner(now), part).await.unwrap();
            }
            look(&store, now.plus(moment)).await;
            let first = get(&store, "self_monitoring").await;
            assert_eq!(
                (made(&store).await.len(), first.last_at),
                (1, Some(now)),
                "{apart} {order:?}"
            );
            assert_eq!(first.next_at, Some(now.plus(MINUTE * 15)));
        }
    }
}

#[tokio::test]
async fn a_schedule_that_is_edited_before_its_first_occurrence_begins_anew() {
    let (_folder, store) = store();
    add(
        &store,
        "report",
        Plan::new(Rule::every(60, START.plus(Duration::from_millis(1))).unwrap(), kind()),
    )
    .await;
    let now = START.plus(Duration::from_secs(1));
    let rule = Some(Rule::every(30, now).unwrap());
    let edit = PlanChange { rule, ..PlanChange::default() };
    store.change_schedule(called("report"), edit, Actor::cli(), now).await.unwrap();
    look(&store, now).await;
    assert_eq!((made(&store).await.len(), get(&store, "report").await.last_at), (1, Some(now)));
}

#[tokio::test]
async fn values_out_of_range_change_nothing_and_people_leave_the_reserved_schedule_alone() {
    let (_folder, store) = store();
    set(&store, ENABLED, "true", START).await.unwrap();
    let before = get(&store, "self_monitoring").await;
    for bad in ["0", "10081", "hourly", "* * * * *", "61 * * * * UTC", "2030-01-01T00:00:00Z"] {
        let refused = set(&store, CADENCE, bad, hours(1)).await.unwrap_err();
        assert_eq!(refused.code(), Code::ModelInvalid, "{bad}");
    }
    let name = || called("self_monitoring");
    let refused = [
        store.change_schedule(name(), PlanChange::default(), Actor::cli(), START).await.err(),
        store.pause_schedule(name(), Actor::cli(), START).await.err(),
        store.resume_schedule(name(), Actor::cli(), START).await.err(),
        store.remove_schedule(name(), Actor::cli(), START).await.err(),
    ];
    for error in refused {
        assert_eq!(error.unwrap().code(), Code::ScheduleReserved);
    }
    assert_eq!(get(&store, "self_monitoring").await, before);
    let all = store.all_settings().await.unwrap();
    let texts: Vec<_> = all.iter().map(SettingState::text).take(2).collect();
    assert_eq!(texts, ["true", "1h"]);
}

#[test]
fn the_command_line_adds_edits_and_tells_what_is_next() {
    let folder = tempfile::tempdir().unwrap();
    let run = |line: &[&str]| {
        let output = crate::support::server::program(folder.path()).args(line).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let add = ["schedules", "add", "nightly", "--kind", "report", "--payload", "{\"a\":1}"];
    let (code, out, err) =
        run(&[&add[..], &["--cron", "30 2 * * *", "--zone", "Europe/Berlin"]].concat());
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("at 02:30 every day (Europe/Berlin)"), "{out}");
    assert_eq!(run(&[&add[..], &["--every", "15"]].concat()).0, Some(1), "there is one");
    let (code, _, err) = run(&["schedules", "add", "bad", "--kind", "x", "--cron", "61 * * * *"]);
    assert!(code == Some(2) && err.contains("61"), "{err}");
    assert_eq!(run(&["schedules", "add", "bad", "--kind", "x"]).0, Some(2), "no rule");
    let (_, out, _) = run(&["schedules", "next", "nightly", "--count", "3"]);
    assert_eq!(out.matches("02:30:00 CE").count(), 3, "{out}");
    assert!(out.contains("comes twice in Europe/Berlin"), "{out}");
    let (_, out, err) = run(&["schedules", "edit", "nightly", "--cron", "0 4 * * *"]);
    assert!(out.contains("at 04:00 every day (Europe/Berlin)"), "the zone stays: {out}{err}");
    let (code, out, err) =
        run(&["schedules", "edit", "nightly", "--every", "6h", "--overlap", "skip"]);
    assert!(code == Some(0) && out.contains("every 6 hours"), "{out}{err}");
    let (_, out, _) = run(&["--json", "schedules", "list"]);
    let listed: serde_json::Value = serde_json::from_str(out.trim()).unwrap();
    assert_eq!(
        (&listed["plan"]["overlap"], &listed["plan"]["payload"]["a"]),
        (&"skip".into(), &1.into())
    );
    assert_eq!(run(&["schedules", "run-now", "nightly"]).1.trim(), "1");
    let paused = "The schedule nightly makes no more jobs until a person resumes it.";
    assert_eq!(run(&["schedules", "pause", "nightly"]).1.trim(), paused);
    assert!(run(&["schedules", "list"]).1.contains("by cli"));
    let resumed = "The schedule nightly goes on; what fell into the pause is skipped.";
    assert_eq!(run(&["schedules", "resume", "nightly"]).1.trim(), resumed);
    let removed = "The schedule nightly is removed; the jobs that it made stay.";
    assert_eq!(run(&["schedules", "remove", "nightly"]).1.trim(), removed);
    assert_eq!(run(&["schedules", "pause", "nightly"]).0, Some(69));
    let cron = ["settings", "set", "self_monitoring.cadence", "*/15 8-18 * * 1-5 Europe/Berlin"];
    let (_, out, _) = run(&cron);
    let said = "self_monitoring.cadence is */15 8-18 * * 1-5 Europe/Berlin from now on. Scans run by Run Now only.";
    assert_eq!(out.trim(), said);
    let (_, out, _) = run(&["settings", "set", "self_monitoring.enabled", "true"]);
    assert!(out.contains("is true from now on. Scans run by themselves, "), "{out}");
    assert_eq!(run(&["settings", "get", "self_monitoring.enabled"]).1.trim(), "true");
    let (code, _, err) = run(&["settings", "set", "self_monitoring.cadence", "0"]);
    assert!(code == Some(2) && err.contains("1 to 10080"), "{err}");
    let (code, _, err) = run(&["settings", "get", "no.such.key"]);
    assert!(code == Some(2) && err.contains("self_monitoring.cadence"), "{err}");
    let (code, _, err) = run(&["schedules", "pause", "self_monitoring"]);
    assert!(code == Some(1) && err.contains("settings set"), "{err}");
    let (_, out, _) = run(&["settings", "list"]);
    assert!(out.contains("self_monitoring.enabled") && out.contains("false"), "{out}");
}
