//! What the store refuses, as a person reads it: what could not be done, said once, and why.

use crate::support::{START, store};
use lamplighter::model::{
    Actor, BulkAct, CatchUp, FilingId, FilingPick, FilingVerdict, Filter, IssueChange, IssueId,
    JobEdit, JobId, Kind, NewJob, NewSchedule, Plan, Queue, Rule, ScheduleName,
};
use lamplighter::store::Store;
use lamplighter::{Code, Result};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn said<T: std::fmt::Debug>(refused: Result<T>) -> String {
    refused.unwrap_err().sentence()
}

fn kind() -> Kind {
    Kind::parse("report").unwrap()
}

async fn queued(store: &Store, job: NewJob) -> JobId {
    store.enqueue(job, START).await.unwrap().id()
}

#[tokio::test]
async fn a_refusal_of_one_job_says_once_what_could_not_be_done() {
    let (_folder, store) = store();
    let cli = Actor::cli;
    let (id, none) = (queued(&store, NewJob::new(kind())).await, JobId(999));
    let (urgent, many) = (
        JobEdit { priority: Some(101), ..JobEdit::default() },
        JobEdit { max_attempts: Some(0), ..JobEdit::default() },
    );
    for (refused, says) in [
        (said(store.cancel(none, cli(), START).await), "cancel a job: there is no job 999"),
        (said(store.run_now(none, cli(), START).await), "make a job due: there is no job 999"),
        (
            said(store.run_again(none, cli(), None, START).await),
            "run a job again: there is no job 999",
        ),
        (said(store.run_again(id, cli(), None, START).await), "run a job again: job 1 is queued"),
        (said(store.delete_job(id, cli(), START).await), "delete a job: job 1 is queued"),
        (
            said(store.edit_job(id, urgent, cli(), START).await),
            "change a job: a priority is a number from -100 to 100, not 101",
        ),
        (
            said(store.edit_job(id, many, cli(), START).await),
            "change a job: its number of attempts is 1 to 1000000, not 0, for 0 have begun",
        ),
    ] {
        assert_eq!(refused, format!("Could not {says}."));
    }
    store.cancel(id, cli(), START).await.unwrap();
    let edit = JobEdit { priority: Some(1), ..JobEdit::default() };
    let refused = said(store.edit_job(id, edit, cli(), START).await);
    assert_eq!(refused, "Could not change a job: job 1 is cancelled.");
}

#[tokio::test]
async fn a_refusal_of_a_new_job_says_once_what_could_not_be_done() {
    let (_folder, store) = store();
    let job = NewJob { idempotency_key: Some("k".into()), ..NewJob::new(kind()) };
    let id = queued(&store, job.clone()).await;
    let scans = vec![NewJob::new(Kind::SELF_MONITORING); 1000];
    store.enqueue_all(scans, START).await.unwrap();
    let large = lamplighter::model::Json::from("x".repeat(300_000));
    for (job, says) in [
        (
            NewJob { priority: Some(-101), ..NewJob::new(kind()) },
            "a priority is a number from -100 to 100, not -101".to_owned(),
        ),
        (
            NewJob { payload: large, ..NewJob::new(kind()) },
            "a payload has at most 262144 bytes, and this one has 300002".to_owned(),
        ),
        (
            NewJob { max_attempts: Some(0), ..NewJob::new(kind()) },
            "its number of attempts is 1 to 1000000".to_owned(),
        ),
        (
            NewJob { payload: 1.into(), ..job },
            format!("another request with the same key made job {id}"),
        ),
        (
            NewJob::new(Kind::SELF_MONITORING),
            "1000 jobs of kind self_monitoring wait already".to_owned(),
        ),
    ] {
        let refused = said(store.enqueue(job, START).await);
        assert_eq!(refused, format!("Could not enqueue a job: {says}."));
    }
    let act = store.preview(Filter::default(), BulkAct::SetPriority(101), None, START).await;
    let says = "change the jobs of a query: a priority is a number from -100 to 100, not 101";
    assert_eq!(said(act), format!("Could not {says}."));
}

#[tokio::test]
async fn a_refusal_of_what_is_no_job_says_once_what_could_not_be_done() {
    let (folder, store) = store();
    let cli = Actor::cli;
    // Once a queue has a limit of the engine, others are typing errors.
    crate::support::foreign(folder.path())
        .execute("INSERT INTO job_queues (name, engine_limit) VALUES ('agent', 1)", [])
        .unwrap();
    let queue = || Queue::parse("agnet").unwrap();
    let new = |name: &str, payload: serde_json::Value| NewSchedule {
        name: ScheduleName::parse(name).unwrap(),
        plan: Plan {
            payload: payload.into(),
            catch_up: CatchUp::Once,
            ..Plan::new(Rule::every(60, START).unwrap(), Kind::AGENT_SESSION)
        },
    };
    let ill = serde_json::json!({"prompt": "x", "tier": 9});
    let unread = serde_json::json!({"promt": "x"});
    let filing = FilingId(7);
    for (refused, says) in [
        (
            said(store.change_issue(IssueId(7), IssueChange::Muted(true), cli(), START).await),
            "change an issue: there is no issue 7",
        ),
        (
            said(
                store
                    .decide_filings(FilingPick::all([filing]), FilingVerdict::Approve, cli(), START)
                    .await,
            ),
            "approve what is filed: there is no filing 7",
        ),
        (
            said(store.pause_queue(queue(), String::new(), None, cli(), START).await),
            "pause a queue: there is no queue agnet",
        ),
        (
            said(store.create_schedule(new("a", ill), cli(), START).await),
            "add a schedule: its tier is 1, 2 or 3",
        ),
    ] {
        assert_eq!(refused, format!("Could not {says}."));
    }
    let refused = said(store.create_schedule(new("a", unread), cli(), START).await);
    let says = "Could not add a schedule: its payload is no request of a session: unknown field";
    assert!(refused.starts_with(says), "{refused}");
}

/// The first word of the first text literal of `code`, if nothing but `format!(` stands before it.
fn first_word(code: &str) -> Option<&str> {
    let text = code.trim_start();
    let text = text.strip_prefix("format!(").unwrap_or(text).trim_start().strip_prefix('"')?;
    text.split(|letter: char| !letter.is_ascii_alphabetic()).next().filter(|word| !word.is_empty())
}

/// The store names the deed before what its statements say, so they say why and name no deed.
#[test]
fn what_the_store_refuses_inside_a_deed_names_no_second_one() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let files = |folder: &Path| {
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let files = files.filter(|file| file.extension().is_some_and(|name| name == "rs"));
        files.map(|file| fs::read_to_string(file).unwrap()).collect::<Vec<_>>()
    };
    let mut verbs = BTreeSet::new();
    for text in files(&source) {
        for call in [".read(", ".rule(", ".rule_together(", ".row("] {
            verbs.extend(text.split(call).skip(1).filter_map(first_word).map(str::to_owned));
        }
    }
    assert!(verbs.contains("cancel") && verbs.contains("change"), "{verbs:?}");
    let more = ["find", "take", "edit", "decide", "queue", "repeat", "mute", "ask"];
    verbs.extend(more.map(str::to_owned));
    let refuses = |name: &str| {
        let code = Code::ALL.iter().find(|code| format!("{code:?}") == name);
        code.is_some_and(|code| code.class().is_refusal())
    };
    let mut found = 0;
    for text in ["sql", "core"].iter().flat_map(|folder| files(&source.join(folder))) {
        for made in text.split("Error::new(").skip(1) {
            let Some((code, rest)) =
                made.trim_start().strip_prefix("Code::").and_then(|made| made.split_once(','))
            else {
                continue;
            };
            if let Some(word) = first_word(rest).filter(|_| refuses(code)) {
                found += 1;
                assert!(!verbs.contains(word), "a refusal begins with {word:?}: {}", &rest[..60]);
            }
        }
    }
    assert!(found > 8, "only {found} refusals were found");
}
