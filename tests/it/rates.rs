//! Rates of kinds: how many jobs start within a length of time.

use crate::support::{START, in_time, open, store, until};
use lamplighter::clock::Clock;
use lamplighter::model::{
    ConcurrencyKey, Gate, JobId, Kind, KindRules, NewJob, Outcome, Queue, Rate, Status, Timestamp,
    WaitsFor,
};
use lamplighter::store::Store;
use lamplighter::{Code, Engine, testing};
use std::path::Path;
use std::time::Duration;

const LENGTH: Duration = Duration::from_mins(5);
const COUNT: u32 = 7;
const NO_GRACE: Duration = Duration::ZERO;

fn kind() -> Kind {
    Kind::named("mail")
}

fn engine(store: &Store, clock: &Clock, rate: Option<Rate>) -> Engine {
    let rules = KindRules { rate, ..KindRules::new(kind()) };
    let builder = Engine::builder(store.clone(), clock.clone());
    builder.kind(rules, |_| async { Outcome::Done(true.into()) }).start().unwrap()
}

fn job(key: Option<&str>) -> NewJob {
    let concurrency_key = key.map(|key| ConcurrencyKey::parse(key).unwrap());
    NewJob { concurrency_key, ..NewJob::new(kind()) }
}

/// When the jobs of this key have started, in order.
async fn starts(store: &Store, key: Option<&str>) -> Vec<i64> {
    let found = store.find_jobs("kind:mail".parse().unwrap(), None, 1000, START).await.unwrap();
    let of_key = found.rows.into_iter().filter(|job| {
        key.is_none() || job.concurrency_key.as_ref().map(ConcurrencyKey::as_str) == key
    });
    let mut starts: Vec<i64> = of_key.filter_map(|job| Some(job.started_at?.millis())).collect();
    starts.sort_unstable();
    starts
}

/// What a rate allows that is used as early as it can be, looked at then.
fn model(looks: &[Timestamp], jobs: usize) -> Vec<i64> {
    let mut starts: Vec<i64> = Vec::new();
    for look in looks.iter().map(|look| look.millis()) {
        let counts = |start: &&i64| **start + LENGTH.as_millis() as i64 > look;
        while starts.len() < jobs && starts.iter().filter(counts).count() < COUNT as usize {
            starts.push(look);
        }
    }
    starts
}

/// Two processes work on one file, and one after the other is stopped and begins anew.
async fn hour(folder: &Path, rate: Rate, keys: &[Option<&str>]) -> (Store, Vec<Timestamp>) {
    let clock = Clock::manual(START);
    let stores = [open(folder), open(folder)];
    let mut engines = stores.each_ref().map(|store| Some(engine(store, &clock, Some(rate))));
    let jobs = keys.iter().flat_map(|key| vec![job(*key); 60]).collect();
    stores[0].enqueue_all(jobs, clock.now()).await.unwrap();
    let mut rng = fastrand::Rng::with_seed(7);
    let mut looks = Vec::new();
    while clock.now() < START.plus(Duration::from_hours(1)) {
        testing::drain(&stores[0], &clock).await.unwrap();
        looks.push(clock.now());
        if looks.len() % 20 == 0 {
            let at = looks.len() / 20 % 2;
            engines[at].take().unwrap().stop(NO_GRACE).await;
            engines[at] = Some(engine(&stores[at], &clock, Some(rate)));
        }
        clock.advance(Duration::from_millis(rng.u64(1..60_000)));
    }
    for engine in engines.into_iter().flatten() {
        engine.stop(NO_GRACE).await;
    }
    let [store, _] = stores;
    (store, looks)
}

#[tokio::test]
async fn a_rate_is_used_up_and_never_passed_over_an_hour_two_processes_and_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let (store, looks) = hour(folder.path(), Rate::per(LENGTH, COUNT), &[None]).await;
    assert_eq!(starts(&store, None).await, model(&looks, 60));
}

/// No look is due for them: the next one forgets them.
#[tokio::test]
async fn starts_that_count_no_more_are_nothing_that_can_start() {
    let (_folder, store) = store();
    let clock = Clock::manual(START);
    let engine = engine(&store, &clock, Some(Rate::per(LENGTH, COUNT)));
    store.enqueue(job(None), clock.now()).await.unwrap();
    testing::drain(&store, &clock).await.unwrap();
    engine.stop(NO_GRACE).await;
    assert!(store.is_idle(START.plus(LENGTH * 2)).await.unwrap());
}

#[tokio::test]
async fn a_rate_by_key_holds_for_each_key_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let keys = [Some("a"), Some("b")];
    let rules = Rate::per(LENGTH, COUNT).by_key();
    let clock = Clock::manual(START);
    let store = open(folder.path());
    let rules = KindRules { rate: Some(rules), key_limit: 100, ..KindRules::new(kind()) };
    let builder = Engine::builder(store.clone(), clock.clone());
    let engine = builder.kind(rules, |_| async { Outcome::Done(true.into()) }).start().unwrap();
    let jobs = keys.iter().flat_map(|key| vec![job(*key); 20]).collect();
    store.enqueue_all(jobs, clock.now()).await.unwrap();
    let mut looks = Vec::new();
    for _ in 0..30 {
        testing::drain(&store, &clock).await.unwrap();
        looks.push(clock.now());
        clock.advance(Duration::from_secs(61));
    }
    for key in keys {
        assert_eq!(starts(&store, key).await, model(&looks, 20), "{key:?}");
    }
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_job_says_that_it_waits_for_its_rate_and_a_higher_one_or_none_calls_it_up() {
    let (_folder, store) = store();
    let clock = Clock::manual(START);
    let hour = Duration::from_hours(1);
    let first = engine(&store, &clock, Some(Rate::per(hour, 2)));
    let ids = store.enqueue_all(vec![job(None); 9], clock.now()).await.unwrap();
    let ids: Vec<JobId> = ids.into_iter().map(lamplighter::model::Enqueued::id).collect();
    testing::drain(&store, &clock).await.unwrap();
    let waits = store.job(ids[2]).await.unwrap().unwrap();
    assert_eq!((waits.status, waits.waits_for), (Status::Queued, Some(WaitsFor::Rate)));
    let why = store.why(ids[2], clock.now()).await.unwrap().unwrap();
    let gate = Gate::RateReached {
        kind: kind(),
        rate: Some(Rate::per(hour, 2)),
        until: Some(START.plus(hour)),
    };
    assert_eq!(why.gates, [gate]);
    assert_eq!(
        why.to_string(),
        "Its kind mail starts at most 2 jobs an hour, and the next may start at 15 Jan 09:00:00 UTC."
    );
    first.stop(NO_GRACE).await;
    let second = engine(&store, &clock, Some(Rate::per(hour, 5)));
    until(&store, ids[4], |job| job.status == Status::Completed).await;
    testing::drain(&store, &clock).await.unwrap();
    assert_eq!(store.job(ids[5]).await.unwrap().unwrap().waits_for, Some(WaitsFor::Rate));
    second.stop(NO_GRACE).await;
    let third = engine(&store, &clock, None);
    until(&store, ids[8], |job| job.status == Status::Completed).await;
    third.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_place_that_is_given_up_goes_to_the_next_and_a_clock_that_goes_back_gives_none() {
    let (_folder, store) = store();
    let clock = Clock::manual(START);
    let queue = Queue::DEFAULT;
    let actor = lamplighter::model::Actor::cli();
    store.pause_queue(queue.clone(), "later".into(), None, actor.clone(), START).await.unwrap();
    let rate = Some(Rate::per(LENGTH, 1));
    let before = engine(&store, &clock, rate);
    let ids = store.enqueue_all(vec![job(None); 4], clock.now()).await.unwrap();
    let ids: Vec<JobId> = ids.into_iter().map(lamplighter::model::Enqueued::id).collect();
    until(&store, ids[3], |job| job.waits_for == Some(WaitsFor::Rate)).await;
    let has_place = |at: usize| until(&store, ids[at], |job| job.waits_for.is_none());
    has_place(0).await;
    store.cancel(ids[0], actor.clone(), START).await.unwrap();
    has_place(1).await;
    assert_eq!(store.job(ids[2]).await.unwrap().unwrap().waits_for, Some(WaitsFor::Rate));
    store.resume_queue(queue, actor, START).await.unwrap();
    testing::drain(&store, &clock).await.unwrap();
    assert_eq!(starts(&store, None).await, [START.millis()]);
    before.stop(NO_GRACE).await;
    let earlier = Clock::manual(Timestamp::from_millis(START.millis() - 7_200_000));
    let after = engine(&store, &earlier, rate);
    testing::drain(&store, &earlier).await.unwrap();
    assert_eq!(starts(&store, None).await, [START.millis()], "the start still counts");
    earlier.advance(Duration::from_hours(2) + LENGTH);
    testing::drain(&store, &earlier).await.unwrap();
    assert_eq!(starts(&store, None).await, [START, START.plus(LENGTH)].map(Timestamp::millis));
    after.stop(NO_GRACE).await;
}

#[tokio::test]
async fn p19_a_start_under_a_clock_that_was_a_year_ahead_counts_for_the_length_of_its_rate_only() {
    let (folder, first) = store();
    let rate = Some(Rate::per(LENGTH, 1));
    let ahead = Clock::manual(START.plus(Duration::from_hours(365 * 24)));
    let before = engine(&first, &ahead, rate);
    let ids = first.enqueue_all(vec![job(None); 2], ahead.now()).await.unwrap();
    let ids: Vec<JobId> = ids.into_iter().map(lamplighter::model::Enqueued::id).collect();
    testing::drain(&first, &ahead).await.unwrap();
    until(&first, ids[1], |job| job.waits_for == Some(WaitsFor::Rate)).await;
    before.stop(NO_GRACE).await;
    drop(first);
    let store = open(folder.path());
    let clock = Clock::manual(START);
    let after = engine(&store, &clock, rate);
    let free = Some(START.plus(LENGTH));
    let waits_for_it = async || {
        let why = store.why(ids[1], START).await.unwrap().unwrap();
        why.gates
            .iter()
            .any(|gate| matches!(gate, Gate::RateReached { until, .. } if *until == free))
    };
    let mut changes = store.changes();
    while !waits_for_it().await {
        in_time(changes.changed()).await.unwrap();
    }
    clock.advance(LENGTH);
    let done = until(&store, ids[1], |job| job.status == Status::Completed).await;
    assert_eq!(done.started_at, Some(START.plus(LENGTH)));
    after.stop(NO_GRACE).await;
}

#[test]
fn a_rate_that_no_kind_can_have_is_refused() {
    let minute = Duration::from_mins(1);
    let year = Duration::from_hours(366 * 24);
    for rate in [
        Rate::per(minute, 0),
        Rate::per(minute, 10_001),
        Rate::per(Duration::ZERO, 1),
        Rate::per(year + minute, 1),
    ] {
        let rules = KindRules { rate: Some(rate), ..KindRules::new(kind()) };
        assert_eq!(rules.check().unwrap_err().code(), Code::ModelInvalid, "{rate:?}");
    }
}
