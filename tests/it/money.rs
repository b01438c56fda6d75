//! Money: what a run has cost is in the books however it ends, and never twice.

use crate::support::desk::{Desk, transcript, until_said};
use crate::support::now;
use crate::support::office::{Office, stub};
use lamplighter::clock::Clock;
use lamplighter::model::{Actor, Cost, JobId, RunEnding, Spend, Status};
use lamplighter::store::Store;
use serde_json::json;
use std::time::{Duration, Instant};

/// Waits until somebody ends it.
const WAITS: &str = "echo here; sleep 98765; sleep 98765";

/// What the books say of all days: dollars, runs, and those of them that may have cost more.
async fn books(store: &Store) -> (f64, u64, u64) {
    let rows: Vec<Spend> = store.spend_since(0).await.unwrap();
    rows.iter().fold((0.0, 0, 0), |(usd, runs, at_least), row| {
        (usd + row.cost_usd, runs + row.runs, at_least + row.at_least)
    })
}

async fn cost(store: &Store, id: JobId) -> (RunEnding, Option<Cost>) {
    let run = store.session(id).await.unwrap().unwrap().run.unwrap();
    (run.ending.unwrap(), run.cost())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_tells_what_it_has_cost() {
    let office = Office::open(Clock::system());
    let told = office.ask(&format!("on_int 1.5; {WAITS}")).await;
    until_said(&office.store, told, "here").await;
    let begun = Instant::now();
    office.store.cancel(told, Actor::cli(), now()).await.unwrap();
    office.until(told, Status::Cancelled).await;
    println!("stopped after {:?}", begun.elapsed());
    let expected = (RunEnding::Cancelled, Some(Cost::exactly(1.5)));
    assert_eq!(cost(&office.store, told).await, expected);

    // One that has no word for it has cost at least what its messages did.
    let mute = office.ask(&format!("message a 1000000; message b 500000; {WAITS}")).await;
    until_said(&office.store, mute, "here").await;
    office.store.cancel(mute, Actor::cli(), now()).await.unwrap();
    office.until(mute, Status::Cancelled).await;
    let expected = (RunEnding::Cancelled, Some(Cost::at_least(1.5)));
    assert_eq!(cost(&office.store, mute).await, expected);
    let run = office.store.session(mute).await.unwrap().unwrap().run.unwrap();
    assert_eq!((run.num_turns, run.input_tokens), (Some(2), Some(1_500_000)));
    assert_eq!(books(&office.store).await, (3.0, 2, 1));
    office.engine.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ends_with_the_server_or_by_itself_without_a_report_is_in_the_books() {
    let office = Office::open(Clock::system());
    let broken = office.ask("message a 1000000; exit 3").await;
    office.until(broken, Status::Failed).await;
    let expected = (RunEnding::NoReport, Some(Cost::at_least(1.0)));
    assert_eq!(cost(&office.store, broken).await, expected);
    let runs = office.ask(&format!("on_int 0.75; {WAITS}")).await;
    until_said(&office.store, runs, "here").await;
    let store = office.store.clone();
    office.engine.stop(Duration::ZERO).await;
    let expected = (RunEnding::Interrupted, Some(Cost::exactly(0.75)));
    assert_eq!(cost(&store, runs).await, expected);
    assert_eq!(books(&store).await, (1.75, 2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_kill_9_the_books_have_what_the_transcript_tells_once() {
    let files = tempfile::tempdir().unwrap();
    let mut desk = Desk::start(&stub(files.path(), "2.1.329"), &[]);
    let begin = r#"echo '{"type":"stream_event","event":{"type":"message_start","message":{"id":"b","model":"claude-haiku-4-5","usage":{"input_tokens":500000}}}}'"#;
    let script = format!("message a 1000000; {begin}; {WAITS}");
    let id = desk.enqueue(&json!({"prompt": script, "profile": "full"}));
    until_said(&desk.store, id, "here").await;
    for _ in 0..2 {
        desk.server.take().unwrap().kill();
        desk.serve();
        desk.ends(id, ("failed", "interrupted", Some("JOB-RUN-004"))).await;
    }
    let session = desk.session(id);
    assert_eq!((&session["cost_usd"], &session["cost_at_least"]), (&json!(1.5), &json!(true)));
    assert_eq!(books(&desk.store).await, (1.5, 1, 1));
    let shown = desk.ask(&["sessions", "show", &id.to_string()]);
    assert!(shown.contains("at least $1.5000"), "{shown}");
    let kept = transcript(&desk.store, id).await;
    assert!(!kept.contains("stream_event"), "a part of an answer is a sign of life only: {kept}");
}
