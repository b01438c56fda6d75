//! Every door that makes a session or a scan asks the same, and every command ends alike on the same fault.

use crate::support::server::program;
use crate::support::{Played, START, foreign, store};
use lamplighter::actions::Call;
use lamplighter::actions::jobs::{self, JobAdd, RunAgain};
use lamplighter::actions::queues::{self, QueueLimit};
use lamplighter::actions::scans::{self, ScanRun};
use lamplighter::actions::schedules::{self, RunScheduleNow};
use lamplighter::model::{Actor, JobId, Kind, KindRules, NewJob, ProcessFacts, Readiness};
use lamplighter::store::{Leadership, Store};
use lamplighter::{Code, Result};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};

fn new(kind: &str, payload: Value) -> JobAdd {
    JobAdd {
        kind: kind.into(),
        payload: payload.into(),
        queue: None,
        priority: None,
        start: None,
        max_attempts: None,
        timeout: None,
        unique_key: None,
        concurrency_key: None,
        after: Vec::new(),
        after_any: Vec::new(),
        tags: Vec::new(),
        idempotency_key: None,
        confirmed: false,
    }
}

async fn enqueue(store: &Store, kind: &str, payload: Value) -> Result<JobId> {
    let made = jobs::enqueue(store, &Call::by_owner(START), new(kind, payload)).await?;
    Ok(JobId(made.value.id))
}

/// A server of the test's own that says this of itself.
async fn server(store: &Store, facts: ProcessFacts) -> Leadership {
    store.say(|says| *says = facts);
    let kinds = [Kind::AGENT_SESSION, Kind::SELF_MONITORING].map(KindRules::new).into();
    let worker = Played::leading(store, "w", kinds, vec![], START).await.worker;
    store.try_lead(&worker).unwrap().unwrap()
}

/// A session that is over with this request, and its job's id.
fn over(folder: &Path, id: i64, status: &str, payload: &str) {
    let sql = format!(
        "INSERT INTO jobs (kind, queue, payload) VALUES ('agent_session', 'agent', '{payload}');
         UPDATE jobs SET status = 'running', waits_for = NULL, worker_id = 'w', epoch = 1, attempt = 1, started_at = 1
         WHERE id = {id};
         INSERT INTO sessions (job_id, profile, working_dir, place, began_at, cli_session_id)
         VALUES ({id}, 'read-only', '/', '{id}', 0, 'known');"
    );
    let conn = foreign(folder);
    conn.execute_batch(&sql).unwrap();
    // Where the agent program has kept it.
    std::fs::create_dir_all(folder.join(format!("jobs/{id}/config/projects"))).unwrap();
    if status != "running" {
        let end = format!(
            "UPDATE jobs SET status = '{status}', worker_id = NULL, finished_at = 2, error = 'x' WHERE id = {id}"
        );
        conn.execute(&end, []).unwrap();
    }
}

#[tokio::test]
async fn a_session_asked_for_as_a_job_inherits_and_goes_on_with_none_that_runs() {
    let (folder, store) = store();
    over(
        folder.path(),
        1,
        "failed",
        r#"{"prompt":"a","tier":2,"working_dir":"/","profile":"full"}"#,
    );
    over(folder.path(), 2, "running", r#"{"prompt":"b"}"#);
    let goes_on = |id: i64| json!({"prompt": "and then?", "continues": id});
    let refused = enqueue(&store, "agent_session", goes_on(2)).await.unwrap_err();
    assert_eq!(refused.code(), Code::SessionNotOver);
    let refused = enqueue(&store, "agent_session", goes_on(1)).await.unwrap_err();
    assert!(refused.sentence().contains("has no sandbox"), "it is as full: {refused}");
    let confirmed = JobAdd { confirmed: true, ..new("agent_session", goes_on(1)) };
    let made = jobs::enqueue(&store, &Call::by_owner(START), confirmed).await.unwrap();
    let job = store.job(JobId(made.value.id)).await.unwrap().unwrap();
    let payload: Value = serde_json::from_str(&job.payload).unwrap();
    let wanted = json!({
        "prompt": "and then?", "continues": 1, "tier": 2, "working_dir": "/", "profile": "full"
    });
    assert_eq!((payload, job.parent_id), (wanted, Some(JobId(1))));
}

#[tokio::test]
async fn every_door_that_makes_a_scan_asks_whether_the_server_can_file() {
    let (_folder, store) = store();
    let call = Call::by_owner(START);
    let over = store.enqueue(NewJob::new(Kind::SELF_MONITORING), START).await.unwrap().id();
    store.cancel(over, Actor::cli(), START).await.unwrap();
    let on = vec![("self_monitoring.enabled", Some(true.into()))];
    store.change_settings(on, Actor::cli(), START).await.unwrap();
    store.say(|facts| {
        facts.tracker = Some(Readiness::not_ready(Some("TRACK-AUTH-001"), "no token"));
    });
    let again = RunAgain { id: over.0, confirmed: false, seen: None };
    let refused = [
        scans::run_now(&store, &call, ScanRun::default()).await.unwrap_err(),
        enqueue(&store, "self_monitoring", json!({})).await.unwrap_err(),
        jobs::run_again(&store, &call, again).await.unwrap_err(),
        schedules::run_now(&store, &call, "self_monitoring", RunScheduleNow::default())
            .await
            .unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.code(), Code::TrackerNoToken, "{error}");
    }
    enqueue(&store, "self_monitoring", json!({"dry_run": true})).await.unwrap();
}

#[tokio::test]
async fn every_door_that_makes_a_session_asks_whether_the_agent_can_be_used() {
    let (folder, store) = store();
    let call = Call::by_owner(START);
    over(folder.path(), 1, "failed", r#"{"prompt":"a"}"#);
    let agent = Some(Readiness::not_ready(None, "claude is not installed"));
    let _lock = server(&store, ProcessFacts { agent, ..ProcessFacts::default() }).await;
    let again = RunAgain { id: 1, confirmed: false, seen: None };
    let refused = [
        enqueue(&store, "agent_session", json!({"prompt": "x"})).await.unwrap_err(),
        jobs::run_again(&store, &call, again).await.unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.code(), Code::AgentMissing, "{error}");
    }
}

#[tokio::test]
async fn a_limit_that_was_set_is_answered_although_the_queues_cannot_be_read_afterwards() {
    let (folder, store) = store();
    let conn = foreign(folder.path());
    let spoilt =
        "PRAGMA ignore_check_constraints = 1; INSERT INTO job_queues (name) VALUES ('no name!')";
    conn.execute_batch(spoilt).unwrap();
    assert!(store.queues().await.is_err(), "another program has spoilt a row");
    let request = QueueLimit { queue: "mail".into(), limit: Some(3) };
    let answer = queues::limit(&store, &Call::by_owner(START), request).await.unwrap();
    assert_eq!(answer.sentence, "The queue mail runs at most 3 jobs at a time.");
    assert_eq!(answer.notes, ["What else is known of the queue mail cannot be read now."]);
    let limit = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    let stored =
        conn.query_row("SELECT operator_limit FROM job_queues WHERE name = 'mail'", [], limit);
    assert_eq!(stored.unwrap(), 3);
}

fn ask(folder: &Path, line: &[&str]) -> Output {
    program(folder).args(line).output().unwrap()
}

fn ended(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8(output.stderr.clone()).unwrap())
}

#[test]
fn a_file_that_is_not_there_ends_every_command_alike() {
    let (folder, _store) = store();
    let none = folder.path().join("none");
    let none = none.to_str().unwrap();
    let payload = format!("@{none}");
    for line in [
        &["repos", "add", none][..],
        &["logs", "import", none],
        &["logs", "templates", none],
        &["prompts", "set", "self_monitoring", none],
        &["jobs", "enqueue", "x", &payload],
        &["serve", "--config", none],
    ] {
        let (code, said) = ended(&ask(folder.path(), line));
        assert!(code == Some(69) && said.contains("[INPUT-FILE-001]"), "{line:?}: {code:?} {said}");
    }
}

#[test]
fn a_configuration_that_may_not_be_read_is_a_matter_of_permissions_and_one_that_is_wrong_ends_in_a_word()
 {
    let (folder, _store) = store();
    let file = folder.path().join("lamplighter.toml");
    fs::write(&file, "x = = 1\n").unwrap();
    let (code, said) = ended(&ask(folder.path(), &["serve"]));
    assert_eq!(code, Some(78), "{said}");
    assert!(!said.lines().any(|line| line.trim() == "."), "{said}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(&file).is_ok() {
        eprintln!("SKIPPED: permissions do not bind this user");
        return;
    }
    let (code, said) = ended(&ask(folder.path(), &["serve"]));
    assert!(code == Some(77) && said.contains("[INPUT-FILE-002]"), "{code:?} {said}");
}

#[test]
fn help_that_cannot_be_written_is_no_success() {
    let (folder, _store) = store();
    for line in [&["--help"][..], &["--version"], &["jobs", "--help"]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut command = program(folder.path());
        let output = command.args(line).stdout(Stdio::from(full)).output().unwrap();
        let (code, said) = ended(&output);
        assert!(code == Some(1) && said.contains("[CLI-OUTPUT-001]"), "{line:?}: {code:?} {said}");
    }
    assert_eq!(ask(folder.path(), &["--help"]).status.code(), Some(0));
    assert_eq!(ask(folder.path(), &["--no-such"]).status.code(), Some(2));
}

#[test]
fn a_number_below_zero_is_a_value_and_no_option() {
    let (folder, _store) = store();
    for line in [
        &["jobs", "show", "-5"][..],
        &["sessions", "show", "-5"],
        &["scans", "show", "-5"],
        &["queues", "limit", "agent", "-1"],
        &["jobs", "enqueue", "x", "{}", "--timeout", "-1"],
        &["settings", "set", "agent.max_turns", "-1"],
    ] {
        let (code, said) = ended(&ask(folder.path(), line));
        assert!(code != Some(0) && !said.contains("tip:"), "{line:?}: {code:?} {said}");
    }
}
