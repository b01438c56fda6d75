//! Handlers in the application's own types, and how each of their answers ends the job.

use crate::support::{START, store, until};
use lamplighter::engine::Builder;
use lamplighter::prelude::*;
use lamplighter::{Code, testing};
use tempfile::TempDir;

const NO_GRACE: Duration = Duration::ZERO;

#[derive(Debug, Deserialize, Serialize)]
struct Letter {
    to: String,
    lines: Vec<String>,
}

#[derive(Deserialize, Serialize)]
struct Receipt {
    lines: usize,
    to: String,
}

impl Payload for Letter {
    const KIND: Kind = Kind::named("letter");
    type Output = Receipt;
}

fn letter(to: &str) -> NewJob {
    let letter = Letter { to: to.into(), lines: vec!["Dear reader,".into()] };
    NewJob::of(&letter).unwrap()
}

/// An engine whose kind `letter` is delivered according to whom it goes to.
fn post_office() -> (TempDir, Store, Clock, Builder) {
    let (folder, store) = store();
    let clock = Clock::manual(START);
    let builder = Engine::builder(store.clone(), clock.clone()).on::<Letter, _, _>(
        |context, letter| async move {
            match letter.to.as_str() {
                "nobody" => return Err(Outcome::Fatal("there is no such address".into())),
                "the cellar" => panic!("it is dark"),
                "the future" if context.clock.now() == START => {
                    return Err(Outcome::Snooze(Duration::from_hours(1)));
                }
                "the 300th" if context.job.attempt == 1 => drop("300".parse::<u8>()?),
                "the absent" => Err("nobody is at home")?,
                _ => {}
            }
            Ok(Receipt { to: letter.to, lines: letter.lines.len() })
        },
    );
    (folder, store, clock, builder)
}

async fn enqueue(store: &Store, job: NewJob) -> JobId {
    let answer = store.enqueue(job, START).await.unwrap();
    assert!(matches!(answer, Enqueued::Inserted(_)));
    answer.id()
}

async fn job(store: &Store, id: JobId) -> Job {
    store.job(id).await.unwrap().unwrap()
}

#[tokio::test]
async fn the_output_of_a_typed_handler_is_the_result_of_its_job() {
    let (_folder, store, clock, builder) = post_office();
    let engine = builder.start().unwrap();
    let id = enqueue(&store, letter("ada")).await;
    testing::drain(&store, &clock).await.unwrap();
    let sent = job(&store, id).await;
    assert_eq!(sent.status, Status::Completed);
    assert_eq!(sent.result.as_deref(), Some(r#"{"lines":1,"to":"ada"}"#));
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_payload_of_another_shape_fails_its_job_for_good_and_names_the_field() {
    let (_folder, store, clock, builder) = post_office();
    let engine = builder.start().unwrap();
    let wrong = serde_json::json!({ "to": "ada", "lines": ["Dear Ada,", 7] });
    let wrong = enqueue(&store, NewJob::untyped(Letter::KIND, &wrong).unwrap()).await;
    let empty = enqueue(&store, NewJob::new(Letter::KIND)).await;
    testing::drain(&store, &clock).await.unwrap();
    for (id, words) in [(wrong, "read the payload's lines[1] of job"), (empty, "field `to`")] {
        let failed = job(&store, id).await;
        assert_eq!((failed.status, failed.attempt), (Status::Failed, 1));
        assert_eq!(failed.error_code.as_deref(), Some(Code::ModelInvalid.as_str()));
        let error = failed.error.unwrap();
        assert!(error.starts_with("[JOB-VALUE-001]") && error.contains(words), "{error}");
    }
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn an_error_by_question_mark_is_tried_again_and_a_fatal_one_is_not() {
    let (_folder, store, clock, builder) = post_office();
    let engine = builder.start().unwrap();
    let once = enqueue(&store, letter("the 300th")).await;
    let always = enqueue(&store, letter("the absent")).await;
    let never = enqueue(&store, letter("nobody")).await;
    testing::drain(&store, &clock).await.unwrap();
    let waits = job(&store, once).await;
    assert_eq!((waits.status, waits.attempt), (Status::Scheduled, 1));
    assert_eq!(waits.error_code.as_deref(), Some(Code::HandlerFailed.as_str()));
    let error = waits.error.unwrap();
    assert!(error.ends_with("run the handler: number too large to fit in target type"), "{error}");
    let fatal = job(&store, never).await;
    assert_eq!((fatal.status, fatal.attempt), (Status::Failed, 1));
    for _ in 0..2 {
        clock.advance(Duration::from_hours(1));
        testing::drain(&store, &clock).await.unwrap();
    }
    let sent = job(&store, once).await;
    assert_eq!((sent.status, sent.attempt), (Status::Completed, 2));
    let failed = job(&store, always).await;
    assert_eq!((failed.status, failed.attempt), (Status::Failed, 3));
    assert_eq!(failed.error.as_deref(), Some("[JOB-RUN-001] run the handler: nobody is at home"));
    assert_eq!(job(&store, never).await, fatal, "P10");
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_typed_handler_snoozes_without_spending_an_attempt() {
    let (_folder, store, clock, builder) = post_office();
    let engine = builder.start().unwrap();
    let id = enqueue(&store, letter("the future")).await;
    testing::drain(&store, &clock).await.unwrap();
    let later = job(&store, id).await;
    assert_eq!((later.status, later.attempt, later.error), (Status::Scheduled, 0, None));
    assert_eq!(later.run_at, START.plus(Duration::from_hours(1)));
    clock.advance(Duration::from_hours(1));
    let sent = until(&store, id, |job| job.status.is_final()).await;
    assert_eq!((sent.status, sent.attempt), (Status::Completed, 1));
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_typed_handler_that_panics_fails_its_own_job_alone() {
    let (_folder, store, clock, builder) = post_office();
    let engine = builder.start().unwrap();
    let dark = NewJob { max_attempts: Some(1), ..letter("the cellar") };
    let dark = enqueue(&store, dark).await;
    let other = enqueue(&store, letter("ada")).await;
    testing::drain(&store, &clock).await.unwrap();
    let failed = job(&store, dark).await;
    assert_eq!(failed.status, Status::Failed);
    assert_eq!(failed.error_code.as_deref(), Some(Code::HandlerPanicked.as_str()));
    assert_eq!(job(&store, other).await.status, Status::Completed);
    engine.stop(NO_GRACE).await;
}

#[test]
fn a_payload_that_is_no_json_is_refused_before_it_is_stored() {
    let keys = std::collections::BTreeMap::from([((1, 2), 3)]);
    let refused = NewJob::untyped(Letter::KIND, &keys).unwrap_err();
    assert_eq!(refused.code(), Code::ModelInvalid);
}
