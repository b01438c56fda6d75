//! `sessions wait` and `sessions trigger --wait`: what a script reads, and the exit code that says how a session ended.

use crate::support::desk::{Desk, until_said};
use crate::support::office::stub;
use crate::support::server::program;
use crate::support::{in_time, now, open, until};
use lamplighter::model::{JobId, Kind, NewJob, SessionRequest, Status};
use serde_json::{Value, json};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};

/// A report that succeeds although a tool was denied.
const DENIED: &str = r#"echo '{"type":"result","subtype":"success","is_error":false,"num_turns":2,"total_cost_usd":0.1,"result":"so be it","permission_denials":[{"tool_name":"Bash","tool_use_id":"t","tool_input":{}}]}'"#;
/// A run that says `here` and then works on.
const WORKS: &str = "echo here; while :; do sleep 0.05; done";

/// What a command printed, and its exit code.
fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap().trim().to_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn ask(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    told(&program(folder).args(arguments).output().unwrap())
}

fn full(desk: &Desk, script: &str) -> JobId {
    desk.enqueue(&json!({"prompt": script, "profile": "full"}))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_waits_for_a_session_ends_as_the_session_did() {
    let files = tempfile::tempdir().unwrap();
    let desk = Desk::start(&stub(files.path(), "2.1.329"), &[]);
    let folder = desk.folder.path();
    let dear = "on_int 2.25; n=1; while :; do message m$n 1000000; n=$((n+1)); sleep 0.05; done";
    let cases = [
        ("result 0.1 'the disk is full'", 0, "the disk is full", ""),
        ("echo broken >&2; exit 3", 1, "", "[AGENT-RUN-002] Session"),
        (DENIED, 77, "so be it", "denied to its agent. A tool was not allowed: Bash: "),
    ];
    for (script, exit, answer, says) in cases {
        let id = full(&desk, script).to_string();
        let (code, out, err) = ask(folder, &["sessions", "wait", &id, "--timeout", "1m"]);
        assert_eq!((code, out.as_str()), (Some(exit), answer), "{script}: {err}");
        assert!(err.contains(says), "{script}: {err}");
        // What is over ends it the same way, at once.
        let (again, out, _) = ask(folder, &["--json", "sessions", "wait", &id]);
        let session: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((again, &session["id"].to_string()), (Some(exit), &id));
        let (tailed, _, err) = ask(folder, &["sessions", "tail", &id]);
        assert_eq!(tailed, Some(exit), "tail ends as wait does: {err}");
        assert!(err.contains(says), "{script}: {err}");
    }
    let budget = ["--budget", "1.5", "--profile", "full", "--confirm", "full", "--wait=1m"];
    let (code, _, err) = ask(folder, &[&["sessions", "trigger", dear], &budget[..]].concat());
    assert_eq!(code, Some(75), "{err}");
    assert!(err.contains("[AGENT-LIMIT-003] Session"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_runs_is_waited_for_until_it_is_stopped_or_the_time_is_up() {
    let files = tempfile::tempdir().unwrap();
    let desk = Desk::start(&stub(files.path(), "2.1.329"), &[]);
    let folder = desk.folder.path();
    let runs = full(&desk, WORKS);
    until_said(&desk.store, runs, "here").await;
    let waits = full(&desk, "result 0.1 later");
    let (id, next) = (runs.to_string(), waits.to_string());
    let (code, out, err) = ask(folder, &["sessions", "wait", &id, "--timeout", "200ms"]);
    assert_eq!((code, out.as_str()), (Some(124), ""), "{err}");
    assert!(err.contains(&format!("[JOB-WAIT-001] Session {id} is not over after 200ms")), "{err}");
    assert_eq!(desk.session(runs)["status"], "running", "it goes on");

    let mut waiting = program(folder);
    waiting.args(["sessions", "wait", &id]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let waiting = waiting.spawn().unwrap();
    let (code, _, err) = ask(folder, &["sessions", "wait", &next, "--timeout", "100ms"]);
    assert_eq!(code, Some(124), "{err}");
    desk.ask(&["sessions", "stop", &id]);
    let ended = tokio::task::spawn_blocking(|| waiting.wait_with_output().unwrap());
    let (code, _, err) = told(&in_time(ended).await.unwrap());
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains(&format!("Session {id} was stopped.")), "{err}");
    let (code, out, err) = ask(folder, &["sessions", "wait", &next]);
    assert_eq!((code, out.as_str()), (Some(0), "later"), "{err}");
    desk.until(waits, Status::Completed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_cannot_begin_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let other = NewJob::new(Kind::parse("report").unwrap());
    let other = store.enqueue(other, crate::support::now()).await.unwrap().id().to_string();
    for (arguments, exit, says) in [
        (&["sessions", "wait", "999"][..], 69, "[JOB-ID-001] Could not find session 999."),
        (&["sessions", "wait", &other], 69, "which is no session"),
        (&["sessions", "wait", &other, "--timeout", "soon"], 2, "Could not wait for a session"),
        (&["sessions", "trigger", "x", "--wait=0s"], 2, "it is no time at all"),
    ] {
        let (code, out, err) = ask(folder.path(), arguments);
        assert_eq!((code, out.as_str()), (Some(exit), ""), "{arguments:?}: {err}");
        assert!(err.contains(says), "{arguments:?}: {err}");
    }
    assert!(store.sessions(0, 10).await.unwrap().0.is_empty(), "a refused wait queues nothing");
    let (code, out, err) = ask(folder.path(), &["sessions", "trigger", "x", "--wait=100ms"]);
    assert_eq!((code, out.as_str()), (Some(124), ""), "{err}");
    assert!(err.contains("No server runs on this data directory"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_wait_for_the_agent_program_begin_when_it_is_found() {
    let files = tempfile::tempdir().unwrap();
    let agent = stub(files.path(), "2.1.329");
    let mode = |mode| std::fs::set_permissions(&agent, Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    let desk = Desk::start(&agent, &[]);
    let job = |script: &str| {
        let request = SessionRequest { profile: Some("full".into()), ..SessionRequest::of(script) };
        NewJob::untyped(Kind::AGENT_SESSION, &request).unwrap()
    };
    let store = &desk.store;
    let waits = store.enqueue(job("result 0.1 waited"), now()).await.unwrap().id();
    let put_off = until(store, waits, |job| job.status == Status::Scheduled).await;
    let said = put_off.progress.unwrap();
    let is_said = said.starts_with("[AGENT-START-003]") && said.contains("its mode has no x");
    assert!(is_said, "{said}");
    mode(0o755);
    // This one has the server look for the program, which it would else do within a minute.
    let finds = store.enqueue(job("result 0.1 found"), now()).await.unwrap().id();
    desk.until(finds, Status::Completed).await;
    desk.until(waits, Status::Completed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_folder_is_gone_is_not_continued_and_says_so_at_once() {
    let files = tempfile::tempdir().unwrap();
    let desk = Desk::start(&stub(files.path(), "2.1.329"), &[]);
    let shop = files.path().join("shop");
    std::fs::create_dir(&shop).unwrap();
    let asked = json!({"prompt": "result 0.1 done", "profile": "full", "working_dir": shop});
    let id = desk.enqueue(&asked);
    desk.until(id, Status::Completed).await;
    std::fs::remove_dir_all(&shop).unwrap();
    let id = id.to_string();
    let said = desk.refused(&["sessions", "trigger", "x", "--continues", &id, "--confirm", "full"]);
    assert!(said.contains("[AGENT-RESUME-001]"), "{said}");
    assert!(said.contains(&format!("its folder {} is gone", shop.display())), "{said}");

    // The same where its agent's own files are gone, as after a restore.
    std::fs::create_dir(&shop).unwrap();
    std::fs::remove_dir_all(desk.folder.path().join("jobs").join(&id)).unwrap();
    let said = desk.refused(&["sessions", "trigger", "x", "--continues", &id, "--confirm", "full"]);
    let why = "the files are gone in which its agent has kept what was said";
    assert!(said.contains("[AGENT-RESUME-001]") && said.contains(why), "{said}");
}
