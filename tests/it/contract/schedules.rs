//! The contract about schedules.

use super::{Leader, kind, later};
use crate::support::START;
use lamplighter::Code;
use lamplighter::model::{
    Actor, AttemptEnd, CatchUp, Ensured, JobError, NewSchedule, Outcome, Plan, PlanChange,
    PromptValues, Rule, ScheduleName, Status, Trigger, Verdict,
};
use lamplighter::store::Store;
use std::time::Duration;

fn name() -> ScheduleName {
    ScheduleName::parse("nightly").unwrap()
}

fn plan(minutes: u32) -> Plan {
    Plan::new(Rule::every(minutes, START).unwrap(), kind())
}

fn error(message: &str) -> JobError {
    JobError { code: "SCAN-RUN-001".into(), message: message.into() }
}

fn new(plan: Plan) -> NewSchedule {
    NewSchedule { name: name(), plan }
}

pub async fn schedules_make_jobs_and_say_what_they_decided(store: &Store) {
    let by = Actor::cli;
    store.create_schedule(new(plan(10)), by(), START).await.unwrap();
    let twice = store.create_schedule(new(plan(10)), by(), START).await.unwrap_err();
    assert_eq!(twice.code(), Code::ScheduleExists);
    let stored = store.schedule(name()).await.unwrap().unwrap();
    assert_eq!((stored.next_at, stored.plan), (Some(START), Ok(plan(10))), "due at once");
    let mut leader = Leader::new(store, "w").await;
    let polled = leader.poll(9, START).await;
    assert_eq!((polled.schedules, polled.claimed.len()), (1, 1));
    let made = &polled.claimed[0];
    assert_eq!((made.trigger, made.schedule_id), (Trigger::Scheduled, Some(stored.id)));
    assert_eq!(leader.poll(9, later(1)).await.schedules, 0, "P16: an occurrence is decided once");
    let decided = store.schedule_decisions(stored.id, 9).await.unwrap();
    assert_eq!(decided.len(), 1);
    assert_eq!((decided[0].decision, decided[0].job_id), (Verdict::Fired, Some(made.id)));
    assert_eq!(decided[0].job_status, Some(Status::Running), "how its job is now");
    let stored = store.schedule(name()).await.unwrap().unwrap();
    let past = store.schedule_runs(&stored, 9).await.unwrap();
    assert_eq!(past.runs.len(), 1);
    let run = &past.runs[0];
    let job = run.job.as_ref().unwrap();
    assert_eq!((&run.decision, job.id, job.status), (&decided[0], made.id, Status::Running));
    assert_eq!((job.started_at, job.finished_at, job.attempt), (Some(START), None, 1));
    assert!(past.deeds.is_empty(), "nobody has paused anything");
    let (all, count) = store.schedules(0, 9).await.unwrap();
    assert_eq!((all.len(), count), (1, 1));
    assert!(store.keep_schedules(later(1)).await.unwrap().is_empty(), "due when its rule says");

    let by_hand = store
        .run_schedule_now(name(), PromptValues::new(), by(), Some("r-1".into()), later(1))
        .await
        .unwrap();
    let by_hand = super::get(store, by_hand).await;
    assert_eq!((by_hand.trigger, by_hand.schedule_id), (Trigger::Manual, Some(stored.id)));
    assert_eq!((by_hand.occurrence, by_hand.correlation_id.as_deref()), (None, Some("r-1")));
}

pub async fn a_schedule_that_fails_is_told_until_it_is_well_or_paused(store: &Store) {
    let by = Actor::cli;
    store.create_schedule(new(plan(10)), by(), START).await.unwrap();
    let mut leader = Leader::new(store, "w").await;
    let failing = async || store.failing_schedules(2).await.unwrap();
    for (run, (outcome, told)) in [
        (Outcome::Done(true.into()), None),
        (Outcome::Fatal(error("first")), None),
        (Outcome::Fatal(error("second")), Some("second")),
        (Outcome::Done(true.into()), None),
        (Outcome::Fatal(error("third")), None),
        (Outcome::Fatal(error("fourth")), Some("fourth")),
    ]
    .into_iter()
    .enumerate()
    {
        let now = later(600 * run as u64);
        let polled = leader.poll(9, now).await;
        let lease = polled.claimed[0].lease().unwrap();
        // What runs still says nothing.
        let (end, wait) = (AttemptEnd::Answered(outcome), Duration::ZERO);
        store.settle(lease, end, wait, now).await.unwrap();
        let found = failing().await;
        let found = found.first().map(|(schedule, error)| (schedule.clone(), error.as_deref()));
        assert_eq!(found, told.map(|told| (name(), Some(told))), "run {run}");
    }
    let until = Some(later(9000));
    let put_off = |until| store.put_off_need("schedule_fails:nightly".into(), until, by(), START);
    assert!(put_off(until).await.unwrap());
    assert!(!put_off(until).await.unwrap(), "it was so before");
    let stored = store.put_off_needs(later(8999)).await.unwrap();
    assert_eq!(stored.get("schedule_fails:nightly"), Some(&later(9000)));
    assert!(store.put_off_needs(later(9000)).await.unwrap().is_empty(), "it is over");
    assert!(put_off(None).await.unwrap());
    assert!(store.put_off_needs(START).await.unwrap().is_empty());
    assert!(store.free_disk().is_some_and(|bytes| bytes > 0));
    store.pause_schedule(name(), by(), START).await.unwrap();
    assert!(failing().await.is_empty());
}

pub async fn schedules_are_changed_paused_and_removed(store: &Store) {
    let by = Actor::cli;
    let ensure = |plan| store.ensure_schedule(new(plan), by(), START);
    assert_eq!(ensure(plan(10)).await.unwrap(), Ensured::Added);
    assert_eq!(ensure(plan(10)).await.unwrap(), Ensured::Kept);
    assert_eq!(ensure(plan(20)).await.unwrap(), Ensured::Changed);
    let catch_up = PlanChange { catch_up: Some(CatchUp::Skip), ..PlanChange::default() };
    let change = |change| store.change_schedule(name(), change, by(), START);
    assert!(change(catch_up.clone()).await.unwrap());
    assert!(!change(catch_up).await.unwrap(), "it was so before");
    assert!(store.pause_schedule(name(), by(), START).await.unwrap());
    assert!(!store.pause_schedule(name(), by(), START).await.unwrap());
    let still = NewSchedule { name: ScheduleName::parse("still").unwrap(), ..new(plan(10)) };
    store.create_paused_schedule(still, by(), START).await.unwrap();
    let mut leader = Leader::new(store, "w").await;
    assert_eq!(leader.poll(9, later(3600)).await.schedules, 0, "both are paused");
    assert!(store.resume_schedule(name(), by(), later(3600)).await.unwrap());
    let stored = store.schedule(name()).await.unwrap().unwrap();
    assert!(stored.paused_at.is_none() && stored.next_at > Some(later(3600)), "{stored:?}");
    let decided = store.schedule_decisions(stored.id, 9).await.unwrap();
    assert_eq!(decided[0].decision, Verdict::Skipped, "what fell into a pause is skipped");
    let past = store.schedule_runs(&stored, 9).await.unwrap();
    assert_eq!((&past.runs[0].decision, &past.runs[0].job), (&decided[0], &None));
    let deeds: Vec<_> = past.deeds.iter().map(|deed| (deed.at, deed.paused)).collect();
    assert_eq!(deeds, [(START, true), (later(3600), false)], "not those of another schedule");
    store.remove_schedule(name(), by(), START).await.unwrap();
    assert!(store.schedule(name()).await.unwrap().is_none());
    let gone = store.remove_schedule(name(), by(), START).await.unwrap_err();
    assert_eq!(gone.code(), Code::ScheduleUnknown);
}
