//! The engine as an application embeds it: kinds by type, handlers with state, layers, declared schedules.

use crate::support::{START, in_time, store, until};
use lamplighter::model::{Actor, Ensured, Filter, Overlap, ScheduleName, Timestamp};
use lamplighter::prelude::*;
use lamplighter::{Code, testing};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

const NO_GRACE: Duration = Duration::ZERO;

#[derive(Serialize, Deserialize)]
struct SendInvoice {
    number: u64,
}

impl Payload for SendInvoice {
    const KIND: Kind = Kind::named("send_invoice");
    type Output = String;

    fn rules() -> KindRules {
        // Of another kind by mistake, as after a copy: the type's own kind goes before it.
        KindRules { max_attempts: 2, ..KindRules::new(Kind::named("copied_from")) }
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Report {}

impl Payload for Report {
    const KIND: Kind = Kind::named("report");
    type Output = ();
}

/// A handler with state of its own: what it sent, and how it takes each invoice.
struct Mailer {
    sent: Arc<Mutex<Vec<u64>>>,
    again: fn(u64, Timestamp) -> Option<Outcome>,
}

impl Handler<SendInvoice> for Mailer {
    async fn run(&self, context: Context, invoice: SendInvoice) -> Result<String, Outcome> {
        if let Some(outcome) = (self.again)(invoice.number, context.clock.now()) {
            return Err(outcome);
        }
        self.sent.lock().unwrap().push(invoice.number);
        Ok(format!("receipt {}", invoice.number))
    }
}

fn mailer(again: fn(u64, Timestamp) -> Option<Outcome>) -> (Mailer, Arc<Mutex<Vec<u64>>>) {
    let sent = Arc::new(Mutex::default());
    (Mailer { sent: Arc::clone(&sent), again }, sent)
}

fn scene() -> (TempDir, Store, Clock) {
    let (folder, store) = store();
    (folder, store, Clock::manual(START))
}

async fn enqueue(store: &Store, number: u64) -> JobId {
    store.enqueue(NewJob::of(&SendInvoice { number }).unwrap(), START).await.unwrap().id()
}

async fn job(store: &Store, id: JobId) -> Job {
    store.job(id).await.unwrap().unwrap()
}

fn nightly(cron: &str) -> NewSchedule {
    NewSchedule::cron("nightly", cron, "Europe/Berlin").of(&Report::default()).unwrap()
}

#[test]
fn the_first_program_has_fifteen_lines_and_one_use_and_is_the_readmes() {
    let hello = include_str!("../../examples/hello.rs");
    let code = &hello[hello.find("use lamplighter").unwrap()..];
    assert_eq!(code.lines().filter(|line| !line.is_empty()).count(), 15);
    assert_eq!(code.lines().filter(|line| line.starts_with("use ")).count(), 1);
    assert!(include_str!("../../README.md").contains(code), "README.md shows another program");
}

#[tokio::test]
async fn a_handler_is_a_value_with_state_and_its_payload_type_stands_for_the_kind() {
    let (_folder, store, clock) = scene();
    let (mailer, sent) = mailer(|_, _| None);
    let engine = Engine::builder(store.clone(), clock.clone()).handler(mailer).start().unwrap();
    let id = enqueue(&store, 7).await;
    testing::drain(&store, &clock).await.unwrap();
    let done = job(&store, id).await;
    assert_eq!((done.kind.as_str(), done.max_attempts), ("send_invoice", Some(2)));
    assert_eq!(done.result.as_deref(), Some(r#""receipt 7""#));
    assert_eq!(*sent.lock().unwrap(), [7]);
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_failure_with_a_delay_spends_an_attempt_and_waits_as_long_as_the_handler_says() {
    let (_folder, store, clock) = scene();
    let (mailer, sent) = mailer(|number, now| match number {
        1 if now == START => Some(Outcome::retry_in(Duration::from_hours(5), "503, come back")),
        2 => Some(Outcome::retry_at(START.plus(Duration::from_hours(1)), "not before nine")),
        _ => None,
    });
    let engine = Engine::builder(store.clone(), clock.clone()).handler(mailer).start().unwrap();
    let (once, always) = (enqueue(&store, 1).await, enqueue(&store, 2).await);
    testing::drain(&store, &clock).await.unwrap();
    for (id, hours, reason) in [(once, 5, "503, come back"), (always, 1, "not before nine")] {
        let waits = job(&store, id).await;
        assert_eq!((waits.status, waits.attempt), (Status::Scheduled, 1));
        assert_eq!(waits.run_at, START.plus(Duration::from_hours(hours)));
        assert!(waits.error.unwrap().contains(reason));
    }
    clock.advance(Duration::from_hours(5));
    testing::drain(&store, &clock).await.unwrap();
    assert_eq!(job(&store, once).await.status, Status::Completed);
    // The second and last attempt of the other has failed: its instant is past, and no attempt is left.
    let failed = job(&store, always).await;
    assert_eq!((failed.status, failed.attempt), (Status::Failed, 2));
    assert_eq!(*sent.lock().unwrap(), [1]);
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn layers_run_around_every_handler_the_first_outermost_and_see_the_outcome() {
    let (_folder, store, clock) = scene();
    let (mailer, sent) = mailer(|_, _| None);
    let told = Arc::new(Mutex::new(Vec::new()));
    let (outer, inner) = (Arc::clone(&told), Arc::clone(&told));
    let engine = Engine::builder(store.clone(), clock.clone())
        .around(move |context, next| {
            let told = Arc::clone(&outer);
            async move {
                told.lock().unwrap().push("outer begins".to_owned());
                let outcome = next.run(context).await;
                told.lock().unwrap().push(format!("outer sees {outcome:?}"));
                outcome
            }
        })
        .handler(mailer)
        .kind(KindRules::new(Kind::named("bare")), |_| async { Outcome::Done(true.into()) })
        .around(move |context, next| {
            let told = Arc::clone(&inner);
            async move {
                told.lock().unwrap().push("inner begins".to_owned());
                if context.job.payload.contains("13") {
                    return Outcome::Fatal("13 is refused".into());
                }
                next.run(context).await
            }
        })
        .start()
        .unwrap();
    let refused = enqueue(&store, 13).await;
    testing::drain(&store, &clock).await.unwrap();
    assert_eq!(job(&store, refused).await.status, Status::Failed);
    assert_eq!(*sent.lock().unwrap(), [] as [u64; 0], "a layer kept the handler from running");
    {
        let told = told.lock().unwrap();
        assert_eq!(told[..2], ["outer begins", "inner begins"]);
        assert!(told[2].starts_with("outer sees Fatal") && told[2].contains("13 is refused"));
    }
    let bare = store.enqueue(NewJob::new(Kind::named("bare")), START).await.unwrap().id();
    testing::drain(&store, &clock).await.unwrap();
    assert_eq!(job(&store, bare).await.status, Status::Completed);
    assert_eq!(told.lock().unwrap().len(), 6, "the kind that was registered between them too");
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_declared_schedule_is_there_after_the_start_and_stays_paused_after_the_next() {
    let (_folder, store, clock) = scene();
    let start = |schedule: NewSchedule| {
        Engine::builder(store.clone(), clock.clone())
            .on::<Report, _, _>(|_, _| async { Ok(()) })
            .ensure_schedule(schedule)
            .start()
    };
    let name = || ScheduleName::parse("nightly").unwrap();
    let stored = || async { store.schedule(name()).await.unwrap().unwrap() };
    start(nightly("15 2 * * *")).unwrap().stop(NO_GRACE).await;
    let first = stored().await;
    assert_eq!(first.plan.unwrap(), nightly("15 2 * * *").plan);
    assert_eq!(first.updated_by, "program");

    store.pause_schedule(name(), Actor::named("ada"), START).await.unwrap();
    let changed = nightly("30 3 * * *").overlap(Overlap::Skip);
    start(changed.clone()).unwrap().stop(NO_GRACE).await;
    let second = stored().await;
    assert_eq!((second.id, second.paused_by.as_deref()), (first.id, Some("ada")));
    assert_eq!(second.plan.unwrap(), changed.plan);

    let kept = store.ensure_schedule(changed, Actor::program(), START).await.unwrap();
    assert_eq!(kept, Ensured::Kept);
}

#[tokio::test]
async fn a_schedule_that_cannot_be_is_told_when_the_engine_starts() {
    let (_folder, store, clock) = scene();
    let past = NewSchedule::once("past", Timestamp::from_millis(0)).of(&Report::default()).unwrap();
    let refused = Engine::builder(store.clone(), clock).ensure_schedule(past).start().unwrap_err();
    assert_eq!(refused.code(), Code::ScheduleOver);
    let named = NewSchedule::cron("Nightly", "15 2 * * *", "UTC").of(&Report::default());
    assert_eq!(named.unwrap_err().code(), Code::ModelInvalid);
    let rule = NewSchedule::cron("nightly", "61 2 * * *", "UTC").of(&Report::default());
    assert_eq!(rule.unwrap_err().code(), Code::ModelInvalid);
}

#[test]
fn an_interval_of_no_whole_minutes_is_refused_with_its_length() {
    for seconds in [0, 30, 90, 8 * 24 * 3_600] {
        let declared = NewSchedule::every("often", Duration::from_secs(seconds));
        let refused = declared.of(&Report::default()).unwrap_err();
        assert_eq!(refused.code(), Code::ModelInvalid, "{refused}");
    }
}

#[tokio::test]
async fn an_interval_that_a_program_declares_keeps_its_beat_over_restarts() {
    let (_folder, store, clock) = scene();
    let run = |store: Store, clock: Clock| async move {
        let hourly =
            NewSchedule::every("hourly", Duration::from_hours(1)).of(&Report::default()).unwrap();
        let engine = Engine::builder(store.clone(), clock.clone())
            .on::<Report, _, _>(|_, _| async { Ok(()) })
            .ensure_schedule(hourly)
            .start()
            .unwrap();
        testing::drain(&store, &clock).await.unwrap();
        engine.stop(NO_GRACE).await;
    };
    // START is a full hour; each start comes 25 minutes after the one before.
    for _ in 0..6 {
        run(store.clone(), clock.clone()).await;
        clock.advance(Duration::from_mins(25));
    }
    let reports = store.find_jobs(Filter::default().kind(Report::KIND), None, 10, START).await;
    let hours: Vec<u64> = (reports.unwrap().rows.iter().rev())
        .map(|job| job.occurrence.unwrap().at.since(START).as_secs() / 3600)
        .collect();
    assert_eq!(hours, [0, 1, 2]);
}

#[tokio::test]
async fn a_delay_counts_from_when_the_job_is_stored() {
    let (_folder, store, clock) = scene();
    let (mailer, _) = mailer(|_, _| None);
    let engine = Engine::builder(store.clone(), clock.clone()).handler(mailer).start().unwrap();
    let delayed = NewJob::of(&SendInvoice { number: 1 }).unwrap().delay(Duration::from_hours(2));
    let delayed = delayed.unique("inv-1").unwrap().priority(-3);
    clock.advance(Duration::from_hours(1));
    let id = store.enqueue(delayed.clone(), clock.now()).await.unwrap().id();
    let again = store.enqueue(delayed, clock.now()).await.unwrap();
    assert_eq!(again, Enqueued::Existing(id));
    let waits = until(&store, id, |job| job.status == Status::Scheduled).await;
    assert_eq!((waits.run_at, waits.priority), (START.plus(Duration::from_hours(3)), Some(-3)));
    in_time(engine.stop(NO_GRACE)).await;
}

#[tokio::test]
async fn a_drain_that_cannot_end_on_a_manual_clock_names_the_handler_that_sleeps() {
    let (_folder, store, clock) = scene();
    let captured = clock.clone();
    let engine = Engine::builder(store.clone(), clock.clone())
        .on::<Report, _, _>(move |_, _| {
            let clock = captured.clone();
            async move {
                clock.sleep(Duration::from_hours(1)).await;
                Ok(())
            }
        })
        .start()
        .unwrap();
    let report = store.enqueue(NewJob::of(&Report::default()).unwrap(), START).await.unwrap().id();
    let stuck = in_time(testing::drain(&store, &clock)).await.unwrap_err();
    let words = format!("job {report} (report) until {}", START.plus(Duration::from_hours(1)));
    assert!(stuck.to_string().contains(&words), "{stuck}");
    clock.advance(Duration::from_hours(1));
    in_time(testing::drain(&store, &clock)).await.unwrap();
    assert_eq!(job(&store, report).await.status, Status::Completed);
    engine.stop(NO_GRACE).await;
}
