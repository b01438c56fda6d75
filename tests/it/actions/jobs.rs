//! Actions on jobs, face by face.

use super::queues::check;
use crate::support::faces::{Faces, Page, Request, value};
use crate::support::{START, foreign, store};
use lamplighter::Code;
use lamplighter::actions::bulk::{self, BulkAsk};
use lamplighter::actions::jobs::{self, JobAdd, JobChange, JobStart, RunAgain};
use lamplighter::actions::{Call, length, priority, schedules, sessions};
use lamplighter::model::{BulkAct, JobId, Role};
use lamplighter::store::Store;
use std::path::Path;

/// A job in each status: 1 queued, 2 scheduled, 3 running, 4 completed, 5 failed, 6 cancelled; 7 is a session without a
/// sandbox that failed.
fn prepare(folder: &Path) {
    let sql = r#"
        INSERT INTO jobs (kind, run_at) VALUES ('work', 0), ('work', 4102444800000);
        INSERT INTO jobs (kind, run_at) VALUES ('work', 0), ('work', 0), ('work', 0), ('work', 0);
        INSERT INTO jobs (kind, run_at, payload) VALUES ('agent_session', 0, '{"prompt":"look","profile":"full"}');
        UPDATE jobs SET status = 'running', waits_for = NULL, worker_id = 'w', epoch = 1, attempt = 1, started_at = 1
        WHERE id >= 3;
        UPDATE jobs SET status = 'completed', worker_id = NULL, finished_at = 2, result = '{}' WHERE id = 4;
        UPDATE jobs SET status = 'failed', worker_id = NULL, finished_at = 2, error = 'no' WHERE id IN (5, 7);
        UPDATE jobs SET status = 'cancelled', worker_id = NULL, finished_at = 2 WHERE id = 6;"#;
    foreign(folder).execute_batch(sql).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_cancelled_and_run_again_alike_by_every_face() {
    let mut faces = Faces::start(prepare).await;
    for (id, says) in [
        (1, Ok("Job 1 is cancelled.")),
        (1, Err(Code::JobFinal)),
        (3, Ok("Job 3 runs, and was asked to end.")),
        (4, Err(Code::JobFinal)),
        (99, Err(Code::JobUnknown)),
    ] {
        let (word, path) = (id.to_string(), format!("/jobs/{id}/cancel"));
        let request = Request { cli: &["jobs", "cancel", &word], page: Some((&path, &[])) };
        let cancel = async |store: &_, call: &_| Ok(value(&jobs::cancel(store, call, id).await?));
        check(faces.ask(request, cancel).await, says);
        assert_eq!(faces.refused_below(Role::Viewer, request.page, cancel).await, Code::AuthRole);
    }
    let again = "Job 8 runs job 5 again.";
    let session = "Job 9 runs job 7 again.";
    for (id, confirmed, says) in [
        (5, false, Ok(again)),
        (2, false, Err(Code::JobNotFinal)),
        (99, false, Err(Code::JobUnknown)),
        (7, false, Err(Code::ModelInvalid)),
        (7, true, Ok(session)),
    ] {
        let confirm = if confirmed { "?confirm=full" } else { "" };
        let (word, path) = (id.to_string(), format!("/jobs/{id}/run-again{confirm}"));
        let mut cli = vec!["jobs", "retry", &word];
        cli.extend(confirmed.then_some(["--confirm", "full"]).into_iter().flatten());
        let request = Request { cli: &cli, page: Some((&path, &[])) };
        let again = async |store: &_, call: &_| {
            Ok(value(&jobs::run_again(store, call, RunAgain { id, confirmed, seen: None }).await?))
        };
        check(faces.ask(request, again).await, says);
        assert_eq!(faces.refused_below(Role::Viewer, request.page, again).await, Code::AuthRole);
    }
    let page: Page<'_> = ("/jobs/7/run-again?confirm=full", &[]);
    let session = async |store: &_, call: &_| {
        Ok(value(
            &jobs::run_again(store, call, RunAgain { id: 7, confirmed: true, seen: None }).await?,
        ))
    };
    assert_eq!(faces.refused_below(Role::Operator, Some(page), session).await, Code::AuthRole);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_made_due_and_deleted_alike_by_every_face() {
    let mut faces = Faces::start(prepare).await;
    let due = "Job 2 is due now.";
    let due_already = "Job 1 was due already.";
    for (id, says) in [
        (2, Ok(due)),
        (1, Ok(due_already)),
        (3, Err(Code::JobNotWaiting)),
        (4, Err(Code::JobNotWaiting)),
        (99, Err(Code::JobUnknown)),
    ] {
        let (word, path) = (id.to_string(), format!("/jobs/{id}/run-now"));
        let request = Request { cli: &["jobs", "run-now", &word], page: Some((&path, &[])) };
        let run = async |store: &_, call: &_| Ok(value(&jobs::run_now(store, call, id).await?));
        check(faces.ask(request, run).await, says);
        assert_eq!(faces.refused_below(Role::Viewer, request.page, run).await, Code::AuthRole);
    }
    for (id, says) in [
        (4, Ok("Job 4 is deleted, with its history.")),
        (4, Err(Code::JobUnknown)),
        (3, Err(Code::JobNotFinal)),
        (1, Err(Code::JobNotFinal)),
    ] {
        let (word, path) = (id.to_string(), format!("/jobs/{id}/delete"));
        let request = Request { cli: &["jobs", "delete", &word], page: Some((&path, &[])) };
        let delete = async |store: &_, call: &_| Ok(value(&jobs::delete(store, call, id).await?));
        check(faces.ask(request, delete).await, says);
        assert_eq!(faces.refused_below(Role::Operator, request.page, delete).await, Code::AuthRole);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_queued_alike_by_every_face() {
    let mut faces = Faces::start(prepare).await;
    let queued = "Job 8 (send_email) is queued.";
    let existing =
        "Nothing was queued: job 8 holds the unique key, or the same request made it before.";
    let after = "Job 9 (work) is queued. It runs after job 1, job 2, job 3.";
    let full = r#"{"prompt":"look","profile":"full"}"#;
    let cases: [(&[&str], Result<&str, Code>); 20] = [
        (&["send_email", r#"{"to":1}"#, "--unique-key", "k", "--tag", "eu"], Ok(queued)),
        (&["send_email", "--concurrency-key", ""], Err(Code::ModelInvalid)),
        (&["send_email", "{}", "--unique-key", "k"], Ok(existing)),
        (&["work", "{}", "--after", "1,3", "--after-any", "2"], Ok(after)),
        (&["work", "{}", "--after", "77"], Err(Code::JobAfterUnknown)),
        (&["work", "{}", "--after-any", "1,"], Err(Code::ModelInvalid)),
        (&["Send Email"], Err(Code::ModelInvalid)),
        (&["send_email", "{"], Err(Code::ModelInvalid)),
        (&["send_email", "@/no/such/file"], Err(Code::ModelInvalid)),
        (&["send_email", "--queue", "a b"], Err(Code::ModelInvalid)),
        (&["send_email", "--tag", ""], Err(Code::ModelInvalid)),
        (&["send_email", "--priority", "101"], Err(Code::ModelInvalid)),
        (&["send_email", "--max-attempts", "0"], Err(Code::ModelInvalid)),
        (&["send_email", "--delay", "10000000000day"], Err(Code::ModelInvalid)),
        (&["send_email", "--at", "someday"], Err(Code::ModelInvalid)),
        (&["send_email", "--at", "9000-01-01"], Err(Code::ModelInvalid)),
        (&["agent_session", "{}"], Err(Code::ModelInvalid)),
        (&["agent_session", full], Err(Code::ModelInvalid)),
        (&["self_monitoring", r#"{"x":1}"#], Err(Code::ModelInvalid)),
        (&["bulk_action", "{}"], Err(Code::ModelInvalid)),
    ];
    for (arguments, says) in cases {
        let cli = [&["jobs", "enqueue"], arguments].concat();
        let option = |name: &str| {
            let at = arguments.iter().position(|word| *word == name)?;
            arguments.get(at + 1).copied()
        };
        let payload = arguments.get(1).filter(|word| !word.starts_with("--")).copied();
        // Reading a file is the command line's own.
        if payload.is_some_and(|payload| payload.starts_with('@')) {
            continue;
        }
        let request = Request { cli: &cli, page: None };
        let enqueue = async |store: &_, call: &_| {
            let delay = option("--delay").map(|text| length(text, "delay a job")).transpose()?;
            let at = option("--at").map(jobs::parse_instant).transpose()?;
            let ids = |name| option(name).map_or(Ok(Vec::new()), jobs::parse_ids);
            let request = JobAdd {
                kind: arguments[0].into(),
                payload: jobs::parse_payload(payload.unwrap_or("{}"))?,
                queue: option("--queue").map(Into::into),
                priority: option("--priority").map(priority).transpose()?,
                start: delay.map(JobStart::After).or(at.map(JobStart::At)),
                max_attempts: option("--max-attempts").map(jobs::parse_attempts).transpose()?,
                timeout: None,
                unique_key: option("--unique-key").map(Into::into),
                concurrency_key: option("--concurrency-key").map(Into::into),
                after: ids("--after")?,
                after_any: ids("--after-any")?,
                tags: option("--tag").map(Into::into).into_iter().collect(),
                idempotency_key: None,
                confirmed: false,
            };
            Ok(value(&jobs::enqueue(store, call, request).await?))
        };
        check(faces.ask(request, enqueue).await, says);
        if says.is_ok() {
            assert_eq!(faces.refused_below(Role::Viewer, None, enqueue).await, Code::AuthRole);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_jobs_are_changed_alike_by_every_face() {
    let mut faces = Faces::start(prepare).await;
    let changed = "Job 1 is changed.";
    let cases: [(i64, &[&str], Result<&str, Code>); 8] = [
        (1, &["--priority", "5"], Ok(changed)),
        (1, &["--priority", "5"], Ok("Job 1 is as it was: nothing was changed.")),
        (1, &["--priority", "-101"], Err(Code::ModelInvalid)),
        (1, &["--max-attempts", "0"], Err(Code::ModelInvalid)),
        (1, &["--payload", "nonsense"], Err(Code::ModelInvalid)),
        (1, &[], Err(Code::ModelInvalid)),
        (4, &["--priority", "5"], Err(Code::JobNotWaiting)),
        (99, &["--priority", "5"], Err(Code::JobUnknown)),
    ];
    for (id, arguments, says) in cases {
        let word = id.to_string();
        let cli = [&["jobs", "edit", &word], arguments].concat();
        let option =
            |name: &str| arguments.first().filter(|word| **word == name).map(|_| arguments[1]);
        let edit = async |store: &_, call: &_| {
            let change = JobChange {
                id,
                priority: option("--priority").map(priority).transpose()?,
                payload: option("--payload").map(jobs::parse_payload).transpose()?,
                max_attempts: option("--max-attempts").map(jobs::parse_attempts).transpose()?,
                ..JobChange::default()
            };
            Ok(value(&jobs::edit(store, call, change).await?))
        };
        check(faces.ask(Request { cli: &cli, page: None }, edit).await, says);
        if says.is_ok() {
            assert_eq!(faces.refused_below(Role::Viewer, None, edit).await, Code::AuthRole);
        }
    }
    let payload = async |store: &_, call: &_| {
        let change = JobChange { id: 1, payload: Some(true.into()), ..JobChange::default() };
        Ok(value(&jobs::edit(store, call, change).await?))
    };
    assert_eq!(faces.refused_below(Role::Operator, None, payload).await, Code::AuthRole);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_unknown_to_every_face_in_the_same_words() {
    let faces = Faces::start(prepare).await;
    let job = async |store: &Store| jobs::story(store, 99).await.map(drop);
    let told = faces.look((&["jobs", "show", "99"], "/jobs/99"), job).await;
    assert_eq!(
        told,
        (
            Code::JobUnknown,
            "Could not find job 99: jobs are kept for 30 days after their end.".into()
        )
    );
    let session = async |store: &Store| sessions::existing(store, JobId(99)).await.map(drop);
    for path in ["/sessions/99", "/sessions/99/follow-up", "/sessions/99/stream"] {
        let told = faces.look((&["sessions", "show", "99"], path), session).await;
        assert_eq!(told, (Code::JobUnknown, "Could not find session 99.".into()));
    }
    let session = async |store: &Store| sessions::existing(store, JobId(1)).await.map(drop);
    let (code, said) = faces.look((&["sessions", "show", "1"], "/sessions/1"), session).await;
    assert_eq!(code, Code::JobUnknown);
    assert!(said.ends_with("job 1 is of kind work, which is no session."), "{said}");
    let schedule = async |store: &Store| schedules::story(store, "no", START).await.map(drop);
    let told = faces.look((&["schedules", "show", "no"], "/schedules/no"), schedule).await;
    let says = "Could not show a schedule: there is no schedule no.";
    assert_eq!(told, (Code::ScheduleUnknown, says.into()));
}

/// The command, the act, the query, whether it is confirmed, and what is answered.
type BulkCase<'a> = (&'a str, BulkAct, &'a str, bool, Result<&'a str, Code>);

#[tokio::test(flavor = "multi_thread")]
async fn the_jobs_of_a_query_are_changed_alike_by_every_face() {
    let mut faces = Faces::start(prepare).await;
    let cases: [BulkCase<'_>; 8] = [
        ("retry", BulkAct::Retry, "status:failed kind:work", false, Err(Code::ModelInvalid)),
        ("retry", BulkAct::Retry, "status:failed", true, Ok("One job was run again.")),
        ("cancel", BulkAct::Cancel, "", true, Err(Code::ModelInvalid)),
        ("cancel", BulkAct::Cancel, "status:faild", true, Err(Code::FilterInvalid)),
        (
            "cancel",
            BulkAct::Cancel,
            "kind:none",
            true,
            Ok("No job fits the query: nothing was changed."),
        ),
        (
            "run-now",
            BulkAct::RunNow,
            "status:queued",
            true,
            Ok("One job was made due, and 2 left alone (2 due already)."),
        ),
        (
            "cancel",
            BulkAct::Cancel,
            "kind:work",
            true,
            Ok("4 jobs were cancelled, or asked to end, and 3 left alone (3 over already)."),
        ),
        ("delete", BulkAct::Delete, "status:completed", true, Ok("One job was deleted.")),
    ];
    for (word, act, query, confirmed, says) in cases {
        let mut cli = vec!["jobs", word, "--query", query];
        cli.extend(confirmed.then_some("--yes"));
        let request = Request { cli: &cli, page: None };
        let bulk = async |store: &_, call: &_| {
            let ask = BulkAsk { query: query.into(), act, before: None, once_more: true };
            let previewed = bulk::preview(store, call, ask).await?;
            Ok(value(&bulk::act(store, call, previewed, confirmed).await?))
        };
        check(faces.ask(request, bulk).await, says);
        assert_eq!(faces.refused_below(Role::Viewer, request.page, bulk).await, Code::AuthRole);
    }
}

#[tokio::test]
async fn a_failure_midway_answers_what_was_changed_and_says_why_the_rest_was_not() {
    let (folder, store) = store();
    let sql = "
        INSERT INTO jobs (kind, run_at) VALUES ('work', 0), ('work', 0), ('work', 0), ('work', 0), ('work', 0);
        CREATE TRIGGER third BEFORE UPDATE OF status ON jobs WHEN NEW.id = 3
        BEGIN SELECT RAISE(ABORT, 'no further'); END";
    foreign(folder.path()).execute_batch(sql).unwrap();
    let call = Call::by_owner(START);
    let cancel = async |query: &str| {
        let ask =
            BulkAsk { query: query.into(), act: BulkAct::Cancel, before: None, once_more: true };
        let previewed = bulk::preview(&store, &call, ask).await?;
        bulk::act(&store, &call, previewed, true).await
    };
    let failed = cancel("id:3,4").await.unwrap_err();
    assert_eq!(failed.code(), Code::StoreConstraint, "nothing was changed");
    let done = cancel("kind:work").await.unwrap();
    assert_eq!(done.value.ids, [1, 2]);
    assert_eq!(done.value.skipped["STORE-RULE-001"], 3);
    let note = done.notes.last().unwrap();
    assert!(note.starts_with("It ended at job 3: [STORE-RULE-001] "), "{note}");
}

#[tokio::test]
async fn what_a_request_runs_again_has_its_correlation_id() {
    let (folder, store) = store();
    prepare(folder.path());
    let call = Call { correlation_id: Some("request".into()), ..Call::by_owner(START) };
    let again = RunAgain { id: 5, confirmed: false, seen: None };
    jobs::run_again(&store, &call, again).await.unwrap();
    let ask = BulkAsk { query: "id:6".into(), act: BulkAct::Retry, before: None, once_more: true };
    let previewed = bulk::preview(&store, &call, ask).await.unwrap();
    bulk::act(&store, &call, previewed, true).await.unwrap();
    for id in [8, 9] {
        let job = store.job(JobId(id)).await.unwrap().unwrap();
        assert_eq!(job.correlation_id.as_deref(), Some("request"), "{job:?}");
    }
}

#[tokio::test]
async fn who_runs_jobs_once_more_is_told_so_before_and_not_after() {
    let (folder, store) = store();
    prepare(folder.path());
    let call = Call::by_owner(START);
    let again = RunAgain { id: 6, confirmed: false, seen: None };
    jobs::run_again(&store, &call, again).await.unwrap();
    let ask = |once_more| {
        let ask = BulkAsk { query: "id:6".into(), act: BulkAct::Retry, before: None, once_more };
        bulk::preview(&store, &call, ask)
    };
    let left_out = ask(false).await.unwrap();
    assert_eq!((left_out.answer.value.changes, left_out.run_again()), (0, 1));
    let once_more = ask(true).await.unwrap();
    let said = &once_more.answer.sentence;
    assert!(said.ends_with("was run again already, and would run once more."), "{said}");
    let done = bulk::act(&store, &call, once_more, true).await.unwrap();
    assert_eq!(done.value.changed, 1);
    let said = format!("{} {}", done.sentence, done.notes.join(" "));
    assert!(!said.contains("already"), "{said}");
}
