//! The jobs as an application works with them: it waits for them, follows them, changes them.

use crate::support::{START, foreign, in_time, open, store, until};
use lamplighter::jobs::Acted;
use lamplighter::model::Status::{Cancelled as Off, Completed, Failed, Queued, Running, Scheduled};
use lamplighter::model::{BulkAct, Cancelled, Cause, Filter, JobEdit, JobEvent, Lagged, Queue};
use lamplighter::prelude::*;
use lamplighter::{Code, testing};
use std::io::{self, Write};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tracing::dispatcher::{Dispatch, set_default};
use tracing_subscriber::layer::SubscriberExt;

const NO_GRACE: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_hours(1);

/// What its handler does with it.
#[derive(Serialize, Deserialize)]
enum Task {
    Add(u64, u64),
    Fail,
    Wait,
}

impl Payload for Task {
    const KIND: Kind = Kind::named("task");
    type Output = u64;
}

#[derive(Debug, Serialize, Deserialize)]
struct Other;

impl Payload for Other {
    const KIND: Kind = Kind::named("other");
    type Output = ();
}

fn engine(store: &Store, clock: &Clock) -> Engine {
    Engine::builder(store.clone(), clock.clone())
        .on::<Task, _, _>(|context, task| async move {
            match task {
                Task::Add(one, other) => Ok(one + other),
                Task::Fail => Err(Outcome::Fatal("it cannot be done".into())),
                Task::Wait => {
                    context.cancelled.cancelled().await;
                    Err(Outcome::from("cancelled"))
                }
            }
        })
        .start()
        .unwrap()
}

fn scene() -> (TempDir, Store, Clock, Engine, Jobs) {
    let (folder, store) = store();
    let clock = Clock::manual(START);
    let engine = engine(&store, &clock);
    let jobs = engine.jobs();
    (folder, store, clock, engine, jobs)
}

async fn make(jobs: &Jobs, task: Task) -> JobId {
    jobs.enqueue(&task).await.unwrap().id()
}

async fn wait(jobs: &Jobs, id: JobId) -> Waited<u64> {
    in_time(jobs.wait::<Task>(id, LONG)).await.unwrap()
}

fn step(event: &JobEvent) -> (JobId, Option<Status>, Status, Option<Cause>, u32) {
    (event.id, event.from, event.to, event.cause, event.attempt)
}

#[tokio::test]
async fn a_wait_answers_the_output_in_its_type_or_how_else_the_job_ended() {
    let (_folder, store, clock, engine, jobs) = scene();
    let sum = make(&jobs, Task::Add(3, 4)).await;
    assert_eq!(wait(&jobs, sum).await, Waited::Done(7));
    assert_eq!(wait(&jobs, sum).await, Waited::Done(7), "one that is over needs no waiting");
    let failed = make(&jobs, Task::Fail).await;
    let Waited::Failed(error) = wait(&jobs, failed).await else { panic!("it did not fail") };
    assert_eq!(error.code, Code::HandlerFailed.as_str());
    assert!(error.message.contains("it cannot be done"), "{}", error.message);

    let endless = make(&jobs, Task::Wait).await;
    until(&store, endless, |job| job.status == Status::Running).await;
    let (open, ()) = tokio::join!(wait(&jobs, endless), async { clock.advance(LONG) });
    assert_eq!(open, Waited::Open(Status::Running));
    let cancel = async { jobs.by("ada").cancel(endless).await.unwrap() };
    let (ended, asked) = tokio::join!(wait(&jobs, endless), cancel);
    assert_eq!((ended, asked), (Waited::Cancelled, Cancelled::Requested));
    let by = store.job_events(endless).await.unwrap()[0].actor.clone();
    assert_eq!(by, "ada");

    let other = jobs.wait::<Other>(sum, LONG).await.unwrap_err();
    assert_eq!(other.code(), Code::ModelInvalid);
    let nobody = jobs.wait::<Task>(JobId(99), LONG).await.unwrap_err();
    assert_eq!(nobody.code(), Code::JobUnknown);
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_wait_and_a_stream_hear_of_jobs_that_another_process_ends() {
    let (folder, _store, clock, engine, there) = scene();
    // Another opening of the file is another process to SQLite and to us.
    let here = Jobs::new(&open(folder.path()), &clock);
    let before = make(&there, Task::Add(0, 0)).await;
    wait(&there, before).await;
    let mut events = here.events(&Filter::parse("kind:task").unwrap()).await.unwrap();
    for n in 1..4 {
        let id = make(&here, Task::Add(n, n)).await;
        assert_eq!(wait(&here, id).await, Waited::Done(2 * n));
        let mut next = async || {
            let of_job = async {
                loop {
                    let event = events.next().await.unwrap().unwrap();
                    if event.id == id {
                        return event;
                    }
                }
            };
            let told = async {
                tokio::select! {
                    event = of_job => event,
                    // Somebody has to watch for the other process's commits: here one who waits for another job.
                    _ = async { wait(&here, make(&here, Task::Wait).await).await } => unreachable!(),
                }
            };
            let told = in_time(told).await;
            (told.from, told.to)
        };
        assert_eq!(next().await, (None, Status::Queued), "stored here, with its place");
        assert_eq!(next().await, (None, Status::Completed), "run there");
    }
    engine.stop(NO_GRACE).await;
}

/// What this thread logs, sent to a test.
#[derive(Clone)]
struct Log(mpsc::UnboundedSender<String>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(String::from_utf8_lossy(bytes).into_owned()).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_look_at_other_programs_commits_that_fails_is_logged_and_made_again() {
    let (sender, mut log) = mpsc::unbounded_channel();
    let log_of_ours = tracing_subscriber::fmt::layer().with_writer(move || Log(sender.clone()));
    let _here = set_default(&Dispatch::new(tracing_subscriber::registry().with(log_of_ours)));
    let (folder, store) = store();
    let jobs = Jobs::new(&store, &Clock::manual(START));
    let mut events = jobs.events(&Filter::default()).await.unwrap();
    let theirs = foreign(folder.path());
    let follows = async {
        theirs.execute_batch("ALTER TABLE jobs RENAME TO jobs_put_away").unwrap();
        while !log.recv().await.unwrap().contains("STORE-WATCH-001") {}
        theirs
            .execute_batch(
                "ALTER TABLE jobs_put_away RENAME TO jobs;
                 PRAGMA ignore_check_constraints = ON;
                 INSERT INTO jobs (kind) VALUES ('No Kind'), ('task');
                 UPDATE jobs SET status = 'cancelled', waits_for = NULL, finished_at = 1900000000000",
            )
            .unwrap();
        events.next().await.unwrap().unwrap()
    };
    let told = tokio::select! {
        ended = store.watch_foreign_commits() => panic!("the watch has ended: {ended:?}"),
        told = in_time(follows) => told,
    };
    assert_eq!(
        (told.kind.as_str(), told.to),
        ("task", Off),
        "a row that cannot be read hides none"
    );
}

#[tokio::test]
async fn the_steps_of_a_job_are_told_in_their_order_with_their_causes() {
    let (_folder, _store, clock, engine, jobs) = scene();
    let mut events = jobs.events(&Filter::parse("kind:task").unwrap()).await.unwrap();
    let mut ends = jobs.events(&Filter::parse("status:failed,cancelled").unwrap()).await.unwrap();
    let later = NewJob::of(&Task::Fail).unwrap().delay(LONG);
    let id = jobs.add(later).await.unwrap().id();
    let mut next = async || step(&in_time(events.next()).await.unwrap().unwrap());
    assert_eq!(next().await, (id, None, Scheduled, None, 0));
    jobs.run_now(id).await.unwrap();
    assert_eq!(next().await, (id, Some(Scheduled), Queued, Some(Cause::RunNow), 0));
    assert_eq!(next().await, (id, Some(Queued), Running, None, 1));
    assert_eq!(next().await, (id, Some(Running), Failed, Some(Cause::Fatal), 1));

    let due = jobs.add(NewJob::of(&Task::Add(1, 1)).unwrap().delay(LONG)).await.unwrap().id();
    assert_eq!(next().await, (due, None, Scheduled, None, 0));
    clock.advance(LONG);
    assert_eq!(next().await, (due, Some(Scheduled), Queued, None, 0));
    assert_eq!(next().await, (due, Some(Queued), Running, None, 1));
    assert_eq!(next().await, (due, Some(Running), Completed, None, 1));

    let off = jobs.add(NewJob::of(&Task::Wait).unwrap().delay(LONG)).await.unwrap().id();
    assert_eq!(next().await, (off, None, Scheduled, None, 0));
    jobs.cancel(off).await.unwrap();
    assert_eq!(next().await, (off, Some(Scheduled), Off, Some(Cause::Cancelled), 0));
    for ended in [id, off] {
        assert_eq!(in_time(ends.next()).await.unwrap().unwrap().id, ended);
    }
    let refused = jobs.events(&Filter::parse("since:2h").unwrap()).await.unwrap_err();
    assert_eq!(refused.code(), Code::FilterInvalid);
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_reader_who_is_late_is_told_how_many_events_it_lost() {
    let (_folder, store, clock, engine, jobs) = scene();
    let mut events = jobs.events(&Filter::parse("status:completed").unwrap()).await.unwrap();
    let many = (0..1_500).map(|n| NewJob::of(&Task::Add(n, 0)).unwrap()).collect();
    jobs.add_all(many).await.unwrap();
    in_time(testing::drain(&store, &clock)).await.unwrap();
    for _ in 0..1024 {
        in_time(events.next()).await.unwrap().unwrap();
    }
    // The last steps may be told a moment after they can be read.
    let (mut lost, mut late) = (0, 0);
    while lost + late < 476 {
        match in_time(events.next()).await.unwrap() {
            Ok(_) => late += 1,
            Err(Lagged(n)) => lost += n,
        }
    }
    assert!(lost > 0 && lost + late == 476, "{lost} lost, {late} late");
    let one = make(&jobs, Task::Add(1, 1)).await;
    assert_eq!(in_time(events.next()).await.unwrap().unwrap().id, one, "it goes on");
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_job_in_the_callers_transaction_is_there_exactly_if_the_callers_rows_are() {
    let (folder, store, _clock, engine, jobs) = scene();
    let mut own = foreign(folder.path());
    let mut made = Vec::new();
    for commits in [false, true] {
        let tx = own.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
        let id = jobs.enqueue_in(&tx, &Task::Add(2, 2)).unwrap().id();
        if commits { tx.commit() } else { tx.rollback() }.unwrap();
        made.push((commits, id));
    }
    let [(_, lost), (_, kept)] = made[..] else { unreachable!() };
    assert_eq!(lost, kept, "an id that was never committed names no job");
    assert_eq!(wait(&jobs, kept).await, Waited::Done(4));
    assert_eq!(
        store.job(kept).await.unwrap().unwrap().payload_as::<Other>().unwrap_err().code(),
        Code::ModelInvalid
    );
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn acts_change_one_job_or_all_that_fit_and_name_who_asked() {
    let (_folder, store, _clock, engine, jobs) = scene();
    let ada = jobs.by("ada");
    let later = |n| NewJob::of(&Task::Add(n, 0)).unwrap().delay(LONG);
    let made = ada.add_all((0..5).map(later).collect()).await.unwrap();
    let all = Filter::default().kind(Task::KIND);
    until(&store, made[4].id(), |job| job.status == Status::Scheduled).await;

    let edit = JobEdit { priority: Some(-7), ..JobEdit::default() };
    assert_eq!(ada.edit(made[0].id(), edit).await.unwrap().priority, Some(-7));
    let acted = ada.act(&all, BulkAct::SetPriority(-7)).await.unwrap();
    assert_eq!(acted, Acted { done: 4, skipped: 1 });
    ada.run_now(made[0].id()).await.unwrap();
    assert_eq!(wait(&jobs, made[0].id()).await, Waited::Done(0));
    assert_eq!(ada.act(&all, BulkAct::Cancel).await.unwrap(), Acted { done: 4, skipped: 1 });
    let again = ada.retry(made[0].id()).await.unwrap().id();
    assert_eq!(wait(&jobs, again).await, Waited::Done(0));
    ada.delete(made[0].id()).await.unwrap();
    assert_eq!(jobs.get(made[0].id()).await.unwrap(), None);
    assert_eq!(jobs.list(&all).await.unwrap().len(), 5);

    ada.pause(Queue::DEFAULT, "a fire drill", None).await.unwrap();
    let held = make(&jobs, Task::Add(1, 1)).await;
    until(&store, held, |job| job.status == Status::Queued && job.queue.is_some()).await;
    assert!(jobs.why(held).await.unwrap().unwrap().to_string().contains("a fire drill"));
    assert!(jobs.resume(Queue::DEFAULT).await.unwrap());
    assert_eq!(wait(&jobs, held).await, Waited::Done(2));
    let deeds = store.deeds(100).await.unwrap();
    let by = |name: &str| deeds.iter().filter(|deed| deed.by.name == name).count();
    // Five enqueued, five edits, one run now, four cancels, one again, one deleted, one pause; the other resumed.
    assert_eq!((by("ada"), by("program")), (18, 1), "{deeds:#?}");
    engine.stop(NO_GRACE).await;
}
