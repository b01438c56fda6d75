//! The end of a server, and of what had not begun when it came.

use crate::support::server::Server;
use crate::support::{START, in_time, open, store, until};
use lamplighter::Engine;
use lamplighter::clock::Clock;
use lamplighter::model::{Kind, NewJob, Outcome, Status};
use lamplighter::sessions;
use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

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
