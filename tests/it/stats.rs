//! What jobs did over time: counted once in their minute and their hour, kept as long as is said, whatever the clock does.

use crate::support::{Played, START, ends_in_figures, foreign, has_exact_figures, open, store};
use lamplighter::model::{
    Actor, AttemptEnd, FIGURES_KEPT, FiguresOf, FiguresStep, JobError, JobFigures, JobSeries, Kind,
    KindRules, Lane, Lease, NewJob, Outcome, Queue, Status, Timestamp,
};
use lamplighter::store::{OpenMode, Store};
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

fn kind() -> Kind {
    Kind::named("probe")
}

fn all() -> FiguresOf {
    FiguresOf::default()
}

fn after(length: Duration) -> Timestamp {
    START.plus(length)
}

fn failed() -> Outcome {
    Outcome::Failed(JobError { code: "TEST-RUN-001".into(), message: "no".into() })
}

async fn worker(store: &Store, now: Timestamp) -> Played {
    Played::leading(
        store,
        "w",
        vec![KindRules { max_attempts: 2, ..KindRules::new(kind()) }],
        Vec::new(),
        now,
    )
    .await
}

/// Claims all that is due at an instant.
async fn claim(store: &Store, worker: &Played, now: Timestamp) -> Vec<Lease> {
    let lane = Lane { queue: Queue::DEFAULT, running: 0, slots: Some(100) };
    let mut request = worker.request(Vec::new());
    request.lanes = vec![lane];
    let polled = store.poll(request, now).await.unwrap();
    polled.claimed.iter().map(|job| job.lease().unwrap()).collect()
}

async fn settle(store: &Store, lease: Lease, outcome: Outcome, now: Timestamp) -> Status {
    store.settle(lease, AttemptEnd::Answered(outcome), HOUR, now).await.unwrap()
}

/// Stores a job at an instant, and has it complete after these lengths of waiting and running.
async fn complete(
    store: &Store,
    worker: &Played,
    at: Timestamp,
    (wait, run): (Duration, Duration),
) {
    store.enqueue(NewJob::new(kind()), at).await.unwrap();
    let lease = claim(store, worker, at.plus(wait)).await.remove(0);
    settle(store, lease, Outcome::Done(1.into()), at.plus(wait + run)).await;
}

async fn series(store: &Store, from: Timestamp, until: Timestamp, step: FiguresStep) -> JobSeries {
    store.job_series(all(), (from, until), Some(step), "Europe/Berlin").await.unwrap()
}

fn completed(series: &JobSeries) -> Vec<u64> {
    series.slots.iter().map(|slot| slot.figures.completed).collect()
}

#[tokio::test]
async fn a_start_and_an_end_are_each_counted_in_their_own_minute() {
    let (_folder, store) = store();
    let worker = worker(&store, START).await;
    complete(&store, &worker, START, (MINUTE * 2, MINUTE * 3)).await;
    let minutes = series(&store, START, after(MINUTE * 10), FiguresStep::Minutes(1)).await;
    let of = |minute: usize| &minutes.slots[minute].figures;
    assert_eq!(completed(&minutes), [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    assert_eq!((of(2).waits.count(), of(5).runs.count()), (1, 1));
    for (said, was) in
        [(of(2).waits.percentile(50), MINUTE * 2), (of(5).runs.percentile(95), MINUTE * 3)]
    {
        let part = said.unwrap().as_secs_f64() / was.as_secs_f64();
        assert!((0.9..1.1).contains(&part), "{said:?} for {was:?}");
    }
}

#[tokio::test]
async fn an_attempt_that_failed_is_no_end_of_its_job_and_what_was_put_off_did_not_run() {
    let (_folder, store) = store();
    let worker = worker(&store, START).await;
    let id = store.enqueue(NewJob::new(kind()), START).await.unwrap().id();
    for (outcome, at) in
        [(failed(), START), (Outcome::Snooze(HOUR), after(HOUR * 2)), (failed(), after(HOUR * 4))]
    {
        let lease = claim(&store, &worker, at).await.remove(0);
        settle(&store, lease, outcome, at.plus(MINUTE)).await;
    }
    assert_eq!(store.job(id).await.unwrap().unwrap().status, Status::Failed);
    let rows = store.job_figures(all(), (START, after(HOUR * 5))).await.unwrap();
    let JobFigures { completed, failed, cancelled, retried, waits, runs } = &rows[0].figures;
    assert_eq!((*completed, *failed, *cancelled, *retried), (0, 1, 0, 1));
    assert_eq!((waits.count(), runs.count()), (3, 2));
}

#[tokio::test]
async fn a_job_that_is_cancelled_before_any_look_counts_in_no_queue() {
    let (folder, store) = store();
    let id = store.enqueue(NewJob::new(kind()), START).await.unwrap().id();
    store.cancel(id, Actor::cli(), START).await.unwrap();
    let rows = store.job_figures(all(), (START.hour(), after(HOUR))).await.unwrap();
    assert_eq!((rows[0].figures.cancelled, &rows[0].queue), (1, &None));
    assert!(has_exact_figures(&foreign(folder.path())).unwrap());
}

#[tokio::test]
async fn minutes_go_hours_become_days_and_no_end_is_lost_before_its_time() {
    let (folder, store) = store();
    let worker = worker(&store, START).await;
    // 08:00 to 17:00 UTC, on one day of UTC and of Berlin.
    for hour in 0..9 {
        complete(&store, &worker, after(HOUR * hour), (MINUTE, MINUTE)).await;
    }
    let conn = foreign(folder.path());
    let rows = || -> Vec<(i64, i64)> {
        let sql = "SELECT minutes, count(*) FROM job_stats GROUP BY 1 ORDER BY 1";
        let mut statement = conn.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let prune = async |at: Timestamp| while store.prune(Arc::new([]), at).await.unwrap() {};
    assert_eq!(rows(), [(1, 18), (60, 9)]);
    prune(after(FIGURES_KEPT[0]).minus(MINUTE)).await;
    assert_eq!(rows(), [(1, 18), (60, 9)]);
    prune(after(FIGURES_KEPT[0] + HOUR * 24)).await;
    assert_eq!(rows(), [(60, 9)]);
    // The first five hours are old enough.
    prune(after(FIGURES_KEPT[1] + HOUR * 4 + MINUTE)).await;
    assert_eq!(rows(), [(60, 4), (1440, 1)]);
    prune(after(FIGURES_KEPT[1] + DAY)).await;
    assert_eq!(rows(), [(1440, 1)]);
    assert_eq!(ends_in_figures(&store).await, [9, 0, 0]);
    let days = series(&store, START, after(DAY), FiguresStep::Days).await;
    assert_eq!(completed(&days), [9, 0]);
    assert_eq!((days.total().waits.count(), days.total().runs.count()), (9, 9));
    prune(after(FIGURES_KEPT[2] + DAY)).await;
    assert_eq!(rows(), []);
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_negative_length_and_loses_no_end() {
    let (folder, store) = store();
    let ahead = after(DAY * 10);
    let before = worker(&store, ahead).await;
    store.enqueue(NewJob::new(kind()), ahead).await.unwrap();
    let lease = claim(&store, &before, ahead.plus(MINUTE)).await.remove(0);
    // It ends and the next one runs under a clock that is ten days behind.
    settle(&store, lease, Outcome::Done(1.into()), START).await;
    complete(&store, &before, START, (MINUTE, MINUTE)).await;
    assert!(has_exact_figures(&foreign(folder.path())).unwrap());
    let now = series(&store, START, after(MINUTE * 5), FiguresStep::Minutes(1)).await;
    assert_eq!(completed(&now), [1, 0, 1, 0, 0]);
    assert_eq!(now.slots[0].figures.runs.percentile(95), Some(Duration::ZERO));
    assert_eq!(ends_in_figures(&store).await, [2, 0, 0]);
}

#[tokio::test]
async fn a_day_of_25_hours_is_one_day_and_a_day_of_23_hours_too() {
    let (_folder, store) = store();
    let at = |text: &str| Timestamp::from_iso(text).unwrap();
    let first = at("2026-10-24T21:30:00Z");
    let worker = worker(&store, first).await;
    // Berlin: 23:30, and 26 times an hour later, over the night in which 02:00 comes twice.
    for hour in 0..27 {
        complete(&store, &worker, first.plus(HOUR * hour), (Duration::ZERO, MINUTE)).await;
    }
    let until = first.plus(HOUR * 27);
    assert_eq!(completed(&series(&store, first, until, FiguresStep::Days).await), [1, 25, 1]);
    let six = series(&store, first, until, FiguresStep::Hours(6)).await;
    assert_eq!(completed(&six), [1, 6, 6, 6, 6, 1, 1]);
}

#[tokio::test]
async fn figures_of_a_range_are_exact_to_the_minute_and_those_of_a_kind_its_own() {
    let (_folder, store) = store();
    let worker = worker(&store, START).await;
    let first = after(MINUTE * 50);
    for at in 0..40 {
        complete(&store, &worker, first.plus(MINUTE * at), (Duration::ZERO, Duration::ZERO)).await;
    }
    let sum = async |of: FiguresOf, from: u32, until: u32| {
        let range = (first.plus(MINUTE * from), first.plus(MINUTE * until));
        let rows = store.job_figures(of, range).await.unwrap();
        rows.iter().map(|row| row.figures.completed).sum::<u64>()
    };
    for (from, until) in [(0, 40), (3, 7), (5, 15), (10, 40), (0, 10), (9, 11), (12, 39)] {
        assert_eq!(sum(all(), from, until).await, u64::from(until - from), "{from} to {until}");
    }
    assert_eq!(sum(FiguresOf { kind: Some(kind()), queue: None }, 0, 40).await, 40);
    assert_eq!(sum(FiguresOf { kind: Some(Kind::named("other")), queue: None }, 0, 40).await, 0);
}

#[tokio::test]
async fn what_is_usual_is_the_median_of_the_days_before() {
    let (_folder, store) = store();
    let worker = worker(&store, START).await;
    // One job a day, two on one, none on another; of the last day's four nothing counts yet.
    for (day, jobs) in [(0, 1), (1, 2), (3, 1), (4, 4)] {
        for _ in 0..jobs {
            let at = after(DAY * day);
            complete(&store, &worker, at, (MINUTE * day, MINUTE)).await;
        }
    }
    let usual = store.usual_figures(all(), after(DAY * 4 + HOUR)).await.unwrap();
    assert_eq!((usual.days, usual.ended), (3, 1));
    assert!(usual.failed_part.abs() < f64::EPSILON);
    let wait = usual.long_wait.unwrap().as_secs_f64() / 60.0;
    assert!((0.9..1.1).contains(&wait), "the median of 0, 1 and 3 minutes: {wait}");
}

#[tokio::test]
async fn an_applications_database_has_figures_too_and_they_survive_its_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lamplighter.db");
    let guest = Store::open_in(&path, OpenMode::Migrate).unwrap();
    let worker = worker(&guest, START).await;
    complete(&guest, &worker, START, (MINUTE, MINUTE)).await;
    drop(guest);
    let guest = Store::open_in(&path, OpenMode::Check).unwrap();
    assert_eq!(ends_in_figures(&guest).await, [1, 0, 0]);
}

#[tokio::test]
async fn a_row_that_another_program_has_spoiled_stops_nobody() {
    let (folder, store) = store();
    let worker = worker(&store, START).await;
    complete(&store, &worker, START, (Duration::ZERO, Duration::ZERO)).await;
    let conn = foreign(folder.path());
    let spoil = |waits: &str| conn.execute("UPDATE job_stats SET waits = ?1", [waits]);
    for waits in ["no JSON", "[]", "7", "\"x\""] {
        assert!(spoil(waits).is_err(), "{waits} would stop the writer");
    }
    let many = "UPDATE job_stats SET completed = 9223372036854775807";
    assert!(conn.execute(many, []).is_err(), "so would this");
    let most = "{\"3\":9223372036854775807}";
    for waits in ["{}", "{\"a\":\"b\"}", most, "{\"5\":{\"x\":1}}"] {
        spoil(waits).unwrap();
        complete(&store, &worker, START, (Duration::ZERO, Duration::ZERO)).await;
    }
    assert_eq!(ends_in_figures(&open(folder.path())).await, [5, 0, 0]);
}
