//! Tests of what is said of past occurrences.

use super::*;
use crate::model::{
    Actor, AttemptEnd, Epoch, JobError, Kind, KindRules, Lane, Lease, NewSchedule, Outcome,
    PollRequest, Queue, Rule, ScheduleName, WorkerId,
};
use crate::testing;

/// An instant of 2027-01-15.
fn at(clock: &str) -> Timestamp {
    Timestamp::from_iso(&format!("2027-01-15T{clock}Z")).unwrap()
}

struct House {
    _folder: tempfile::TempDir,
    store: Store,
    worker: WorkerId,
    leads: Option<Epoch>,
}

impl House {
    /// With an hourly schedule and a worker that has run since half past seven.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = testing::store_in(folder.path()).unwrap();
        let plan = Plan::new(Rule::cron("0 * * * *", "UTC").unwrap(), kind());
        let new = NewSchedule { name: name(), plan };
        store.create_schedule(new, Actor::cli(), at("07:30:00")).await.unwrap();
        let (worker, leads) = store.played("w1", rules(), at("07:30:00")).await;
        Self { _folder: folder, store, worker, leads }
    }

    /// Looks as the worker does, and answers the lease of the job that begins then.
    async fn look(&self, clock: &str) -> Option<Lease> {
        let request = PollRequest {
            worker: self.worker.clone(),
            kinds: rules().into(),
            lanes: vec![Lane { queue: Queue::DEFAULT, running: 0, slots: Some(1) }],
            running: Vec::new(),
            draining: false,
            leads: self.leads,
            swept: Vec::new(),
            abandoned: Vec::new(),
        };
        let polled = self.store.poll(request, at(clock)).await.unwrap();
        polled.claimed.first().map(|job| job.lease().unwrap())
    }

    async fn settle(&self, lease: Option<Lease>, outcome: Outcome, clock: &str) {
        let end = AttemptEnd::Answered(outcome);
        self.store.settle(lease.unwrap(), end, Duration::from_mins(5), at(clock)).await.unwrap();
    }

    async fn record(&self, clock: &str, zone: Zone) -> Record {
        let schedule = self.store.schedule(name()).await.unwrap().unwrap();
        record(&self.store, &schedule, 50, zone, at(clock)).await.unwrap()
    }

    /// The newest row.
    async fn newest(&self, clock: &str) -> Told {
        self.record(clock, Zone::default()).await.rows.remove(0)
    }
}

fn name() -> ScheduleName {
    ScheduleName::parse("nightly").unwrap()
}

fn kind() -> Kind {
    Kind::parse("report").unwrap()
}

fn rules() -> Vec<KindRules> {
    vec![KindRules::new(kind())]
}

fn ann() -> Actor {
    Actor { name: "ann".into(), remote: None }
}

fn error(message: &str) -> JobError {
    JobError { code: "SCAN-RUN-001".into(), message: message.into() }
}

#[tokio::test]
async fn one_on_time_says_that_and_how_it_ended() {
    let house = House::new().await;
    let lease = house.look("08:00:00").await;
    assert_eq!(house.newest("08:01:00").await.says, "Started on time. Runs.");
    house.settle(lease, Outcome::Done(true.into()), "08:03:00").await;
    let record = house.record("08:30:00", Zone::default()).await;
    let told = &record.rows[0];
    assert_eq!(told.says, "Started on time. Completed after 3 min.");
    assert_eq!(told.planned, "Fri 2027-01-15 08:00:00 UTC");
    let lengths = (told.late().map(|l| l.as_secs()), told.took().map(|l| l.as_secs()));
    assert_eq!(lengths, (Some(0), Some(180)));
    assert_eq!((told.is_late_or_missed, record.last), (false, None));
}

/// A house whose queue ann has paused when the second occurrence is due.
async fn paused_house() -> House {
    let house = House::new().await;
    let lease = house.look("08:00:00").await;
    house.settle(lease, Outcome::Done(true.into()), "08:03:00").await;
    let pause = house.store.pause_queue(Queue::DEFAULT, "x".into(), None, ann(), at("08:50:00"));
    pause.await.unwrap();
    assert!(house.look("09:00:00").await.is_none());
    house
}

#[tokio::test]
async fn one_that_waited_in_a_paused_queue_says_how_long_and_who_paused_it() {
    let house = paused_house().await;
    let waits = house.newest("09:05:00").await;
    let says = &waits.says;
    assert!(says.starts_with("Not started yet, 5 min after its time: it waits"), "{says}");
    assert!(waits.is_late_or_missed && waits.waits());
    house.store.resume_queue(Queue::DEFAULT, ann(), at("09:12:00")).await.unwrap();
    let lease = house.look("09:12:00").await;
    house.settle(lease, Outcome::Fatal(error("no mail\nat line 7")), "09:13:30").await;
    let berlin = Zone::named("Europe/Berlin").unwrap();
    let record = house.record("09:30:00", berlin).await;
    let says = "Started 12 min late: it waited 12 min in queue default, which was paused by ann from \
        15 Jan 09:50:00 CET to 15 Jan 10:12:00 CET. Failed after 1 min: no mail.";
    assert_eq!(record.rows[0].says, says);
    let last = format!("The last one was planned for Fri 2027-01-15 09:00:00 UTC. {says}");
    assert_eq!(record.last.as_deref(), Some(last.as_str()));
}

#[tokio::test]
async fn a_wait_without_a_reason_on_record_is_told_with_its_length_alone() {
    let house = House::new().await;
    let busy = PollRequest {
        worker: house.worker.clone(),
        kinds: rules().into(),
        lanes: vec![Lane { queue: Queue::DEFAULT, running: 1, slots: Some(1) }],
        running: Vec::new(),
        draining: false,
        leads: house.leads,
        swept: Vec::new(),
        abandoned: Vec::new(),
    };
    assert!(house.store.poll(busy, at("08:00:00")).await.unwrap().claimed.is_empty());
    let lease = house.look("08:12:00").await;
    house.settle(lease, Outcome::Failed(error("no disk")), "08:12:30").await;
    let retry = house.newest("08:13:00").await.says;
    let wait = "Started 12 min late: it waited 12 min in queue default.";
    let waits = format!("{wait} Attempt 1 ended: no disk. Now it waits");
    assert!(retry.starts_with(&waits), "{retry}");
    let lease = house.look("08:17:30").await;
    house.settle(lease, Outcome::Done(true.into()), "08:20:00").await;
    let says = house.newest("08:30:00").await.says;
    let end = "Completed after 8 min in attempt 2. An attempt before failed: no disk.";
    assert_eq!(says, format!("{wait} {end}"));
}

#[tokio::test]
async fn a_downtime_says_what_is_known_of_it() {
    let mut house = House::new().await;
    let lease = house.look("08:00:00").await;
    house.settle(lease, Outcome::Done(true.into()), "08:00:02").await;
    let due = house.newest("09:10:00").await;
    let says = &due.says;
    assert!(
        says.starts_with("Due, and nothing is decided yet: no engine is running; one was last")
    );
    assert_eq!((due.decision, due.is_late_or_missed), (None, true));
    (house.worker, house.leads) = house.store.played("w2", rules(), at("11:29:58")).await;
    house.look("11:30:00").await.unwrap();
    let record = house.record("11:30:10", Zone::default()).await;
    let says: Vec<_> = record.rows.iter().map(|told| told.says.as_str()).collect();
    assert_eq!(
        says,
        [
            "Decided 30 min after its time, when an engine started (15 Jan 11:29:58 UTC). Started 30 min late. Runs.",
            "No job: 2 occurrences from this one on were missed; the job of Fri 2027-01-15 11:00:00 UTC stands for them. \
             Decided 2 h 30 min after its time, when an engine started (15 Jan 11:29:58 UTC).",
            "Started on time. Completed after 2.0 s.",
        ]
    );
    let ahead = "The last one was planned for Fri 2027-01-15 11:00:00 UTC. Decided 30 min";
    assert!(record.last.is_some_and(|last| last.starts_with(ahead)));
}

#[tokio::test]
async fn one_in_a_pause_is_told_before_and_after_the_resume() {
    let house = House::new().await;
    house.store.pause_schedule(name(), ann(), at("07:40:00")).await.unwrap();
    let record = house.record("09:30:00", Zone::default()).await;
    let planned: Vec<_> = record.rows.iter().map(|told| told.planned_at).collect();
    assert_eq!(planned, [at("09:00:00"), at("08:00:00")]);
    let says = "No job: the schedule is paused since 15 Jan 07:40:00 UTC by ann. When somebody resumes it, \
        this one is skipped.";
    assert!(record.rows.iter().all(|told| told.says == says && told.decision.is_none()));
    assert_eq!(record.last, None, "the page says already that it is paused");
    house.store.resume_schedule(name(), ann(), at("09:40:00")).await.unwrap();
    let told = house.newest("09:41:00").await;
    let says = "No job: it and those up to Fri 2027-01-15 09:00:00 UTC fell into a pause. The schedule was paused by ann \
        from 15 Jan 07:40:00 UTC to 15 Jan 09:40:00 UTC.";
    assert_eq!((told.says.as_str(), told.decision), (says, Some(Verdict::Skipped)));
    let json = serde_json::to_value(wire::ScheduleDecision::from(&told)).unwrap();
    assert_eq!((json["decision"].as_str(), json["says"].as_str()), (Some("skipped"), Some(says)));
}

#[tokio::test]
async fn an_overlap_and_a_cancelled_job_say_what_kept_them() {
    let house = paused_house().await;
    assert!(house.look("10:00:00").await.is_none());
    let merged = house.newest("10:00:01").await;
    assert_eq!(merged.says, "No job: a job of this schedule was already waiting.");
    assert!(merged.is_late_or_missed && merged.job_id.is_none());
    house.store.cancel(JobId(2), ann(), at("10:01:00")).await.unwrap();
    let record = house.record("10:02:00", Zone::default()).await;
    assert_eq!(record.rows[1].says, "It did not start. Cancelled by ann.");
    assert!(!record.rows[1].waits() && record.rows[1].is_late_or_missed);
}

#[tokio::test]
async fn one_that_somebody_stopped_names_them_and_not_the_worker() {
    let house = House::new().await;
    let lease = house.look("08:00:00").await;
    house.store.cancel(JobId(1), ann(), at("08:02:00")).await.unwrap();
    house.settle(lease, Outcome::Fatal(error("stopped")), "08:03:00").await;
    let told = house.newest("08:04:00").await;
    assert_eq!(told.job_status, Some(Status::Cancelled));
    assert_eq!(told.says, "Started on time. Cancelled after 3 min by ann.");
}

#[tokio::test]
async fn what_was_due_before_a_pause_is_not_put_down_to_it() {
    let house = House::new().await;
    house.store.pause_schedule(name(), ann(), at("08:30:00")).await.unwrap();
    let rows = house.record("09:30:00", Zone::default()).await.rows;
    assert!(rows[0].says.starts_with("No job: the schedule is paused since"), "{}", rows[0].says);
    assert!(rows[1].says.starts_with("Due before the pause, and nothing was decided by then."));
    let schedule = house.store.schedule(name()).await.unwrap().unwrap();
    let one = record(&house.store, &schedule, 1, Zone::default(), at("09:30:00")).await.unwrap();
    assert_eq!(one.rows.len(), 1, "as many as were asked for");
}
