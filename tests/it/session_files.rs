//! What a session leaves to be taken along: its transcript as a file, and the search that finds it again.

use crate::support::desk::{Desk, transcript};
use crate::support::office::stub;
use crate::support::server::program;
use lamplighter::model::{JobId, Status};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;

/// A run that says these words, quotes not among them.
fn full(desk: &Desk, script: &str) -> JobId {
    desk.enqueue(&json!({"prompt": script, "profile": "full"}))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_is_written_to_a_new_file_or_to_standard_output() {
    let files = tempfile::tempdir().unwrap();
    let desk = Desk::start(&stub(files.path(), "2.1.329"), &[]);
    let secret = "ghp_0123456789abcdefghijklmnopqrstuvwxyzA";
    let session = full(&desk, &format!("echo {secret}; result 0.1 'the disk is full'"));
    desk.until(session, Status::Completed).await;
    let id = session.to_string();
    let kept = transcript(&desk.store, session).await;
    let to = files.path().join("told.jsonl");
    let asked = ["sessions", "transcript", &id, "--raw", "--output", to.to_str().unwrap()];
    desk.ask(&asked);
    assert_eq!(std::fs::read_to_string(&to).unwrap(), kept, "byte for byte");
    assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    let again = desk.refused(&asked);
    assert!(again.contains("told.jsonl") && again.contains("exists"), "{again}");
    let out = program(desk.folder.path()).args(&asked[..4]).output().unwrap();
    assert_eq!(out.stdout, kept.as_bytes());

    let text = desk.ask(&["sessions", "transcript", &id]);
    assert!(text.starts_with(&format!("# Session {id}")) && text.contains("- Status: completed"));
    assert!(text.contains("\n> echo ghp_"), "the prompt: {text}");
    assert!(text.contains("**report**") && text.contains("> the disk is full"), "{text}");
    let printed = text.split("## Transcript").nth(1).unwrap();
    assert!(!printed.contains(secret), "as it is kept: {printed}");
    assert!(desk.refused(&["sessions", "transcript", "99"]).contains("[JOB-ID-001]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_sessions_by_prompt_and_answer_and_says_how_many_it_read() {
    let files = tempfile::tempdir().unwrap();
    let desk = Desk::start(&stub(files.path(), "2.1.329"), &[]);
    let disk = full(&desk, "result 0.1 'old backups fill it' # why is the disk full?");
    let mail = full(&desk, "echo broken >&2; exit 3 # look at the mail");
    desk.until(disk, Status::Completed).await;
    desk.until(mail, Status::Failed).await;
    let search = |query: &str| {
        let asked = ["--json", "sessions", "list", "--search", query];
        let output = program(desk.folder.path()).args(asked).output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        let ids =
            out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone());
        (ids.collect::<Vec<_>>(), String::from_utf8(output.stderr).unwrap())
    };
    let (found, said) = search("Backups");
    assert_eq!(found, [json!(disk.0)]);
    assert!(said.contains("2 sessions were looked through: all of them."), "{said}");
    assert_eq!(search("status:failed mail").0, [json!(mail.0)]);
    assert_eq!(search("status:failed disk").0, [] as [Value; 0]);
    let (_, said) = search("status:lost");
    assert!(said.contains("[JOB-QUERY-001]"), "{said}");
}
