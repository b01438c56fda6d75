//! The end of a server, and of what had not begun when it came.

use crate::support::desk::until_said;
use crate::support::office::Office;
use crate::support::server::Server;
use crate::support::{START, in_time, now, open, store, until};
use lamplighter::Engine;
use lamplighter::clock::Clock;
use lamplighter::engine::Context;
use lamplighter::model::{Actor, ConcurrencyKey, Kind, KindRules, NewJob, Outcome, Status};
use lamplighter::sessions;
use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Holds the write lock of a file until it is dropped.
fn locked(path: &Path) -> Connection {
    let conn = Connection::open(path).unwrap();
    conn.busy_timeout(Duration::from_secs(10)).unwrap();
    conn.execute_batch("BEGIN IMMEDIATE").unwrap();
    conn
}

fn terminate(server: &Server) {
    let pid = Pid::from_raw(i32::try_from(server.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
}

#[test]
fn p22_a_server_ends_within_45_seconds_whatever_other_programs_lock() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let locks = ["lamplighter.db", "logs.db"].map(|file| locked(&folder.path().join(file)));
    let begun = Instant::now();
    terminate(&server);
    let code = server.ended();
    let took = begun.elapsed();
    println!("with both files locked the server ended {took:?} after SIGTERM");
    assert!(took < Duration::from_secs(45), "{took:?}");
    assert_eq!(code, Some(0));
    drop(locks);
    Server::start(folder.path(), &[]).terminate();
}

#[test]
fn p22_a_second_signal_ends_a_server_at_once_whatever_other_programs_lock() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &[]);
    let locks = ["lamplighter.db", "logs.db"].map(|file| locked(&folder.path().join(file)));
    let begun = Instant::now();
    // Signals that come together count as one, so that a person who insists sends more.
    while !server.has_ended() {
        terminate(&server);
        std::thread::yield_now();
    }
    let took = begun.elapsed();
    let code = server.ended();
    println!("with both files locked the server ended {took:?} after the second SIGTERM");
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(code, Some(0));
    drop(locks);
}

#[tokio::test]
async fn p7_a_session_whose_agent_was_never_started_waits_on_when_the_server_stops_or_dies() {
    let (folder, first) = store();
    let clock = Clock::manual(START);
    // A handler that never comes to begin the run, as while another program holds the file.
    let engine = |store| {
        Engine::builder(store, clock.clone())
            .kind(sessions::rules(), |_| std::future::pending::<Outcome>())
            .start()
            .unwrap()
    };
    let running = engine(first.clone());
    let job =
        NewJob { payload: json!({"prompt": "look"}).into(), ..NewJob::new(Kind::AGENT_SESSION) };
    let id = first.enqueue(job, START).await.unwrap().id();
    until(&first, id, |job| job.status == Status::Running).await;
    in_time(async {
        let stopped = running.stop(Duration::ZERO);
        let moved = async {
            loop {
                tokio::task::yield_now().await;
                clock.advance(Duration::from_secs(1));
            }
        };
        tokio::select! {
            () = stopped => {}
            () = moved => {}
        }
    })
    .await;
    let job = first.job(id).await.unwrap().unwrap();
    assert_eq!((job.status, job.attempt, job.error_code), (Status::Queued, 0, None));
    drop(first);
    let again = open(folder.path());
    let running = engine(again.clone());
    until(&again, id, |job| job.status == Status::Running).await;
    drop(running);
}

#[tokio::test]
async fn p20_a_job_that_its_handler_holds_keeps_its_key_past_the_grace() {
    let (_folder, store) = store();
    let clock = Clock::manual(START);
    let gone = Arc::new(Notify::new());
    let held = Arc::clone(&gone);
    let kind = Kind::parse("print").unwrap();
    let rules = KindRules { winds_up: true, ..KindRules::new(kind.clone()) };
    let engine = Engine::builder(store.clone(), clock.clone())
        .kind(rules, move |context: Context| {
            let gone = Arc::clone(&held);
            async move {
                let alive = context.hold();
                gone.notified().await;
                drop(alive);
                std::future::pending::<Outcome>().await
            }
        })
        .start()
        .unwrap();
    let key = ConcurrencyKey::parse("printer").unwrap();
    let job = || NewJob { concurrency_key: Some(key.clone()), ..NewJob::new(kind.clone()) };
    let first = store.enqueue(job(), START).await.unwrap().id();
    until(&store, first, |job| job.status == Status::Running).await;
    let second = store.enqueue(job(), START).await.unwrap().id();
    store.cancel(first, Actor::cli(), START).await.unwrap();
    for _ in 0..100 {
        clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let status = async |id| store.job(id).await.unwrap().unwrap().status;
    assert_eq!(status(first).await, Status::Running, "what it holds lives");
    assert_ne!(status(second).await, Status::Running);
    gone.notify_one();
    in_time(async {
        while status(first).await == Status::Running {
            clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(status(first).await, Status::Cancelled);
    until(&store, second, |job| job.status == Status::Running).await;
    drop(engine);
}

#[tokio::test(flavor = "multi_thread")]
async fn p20_a_stopped_session_is_not_over_while_a_process_of_it_lives() {
    let office = Office::open(Clock::system());
    let file = office.folder.path().join("supervisor");
    let script = format!("echo $PPID > {}; echo here; sleep 98763", file.display());
    let id = office.ask(&script).await;
    until_said(&office.store, id, "here").await;
    let supervisor = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
    let supervisor = Pid::from_raw(supervisor).unwrap();
    // While its supervisor stands still nobody ends the run.
    kill_process(supervisor, Signal::STOP).unwrap();
    let waits = office.ask("result 0 later").await;
    office.store.cancel(id, Actor::cli(), now()).await.unwrap();
    let says = |job: &lamplighter::model::Job| {
        job.progress.as_ref().is_some_and(|text| text.starts_with("[AGENT-TREE-001]"))
    };
    let job = until(&office.store, id, |job| says(job) || job.status.is_final()).await;
    assert_eq!(job.status, Status::Running, "its processes live");
    let why = office.store.why(id, now()).await.unwrap().unwrap().to_string();
    assert!(why.starts_with("It runs, and was asked to end. It cannot end: [AGENT-TREE-001] the process that supervises"), "{why}");
    assert!(why.contains("end them as their own user"), "{why}");
    let next = office.store.job(waits).await.unwrap().unwrap();
    assert_eq!(next.status, Status::Queued, "the slot is taken");
    kill_process(supervisor, Signal::CONT).unwrap();
    office.until(id, Status::Cancelled).await;
    office.done(waits).await;
}
