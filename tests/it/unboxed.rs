//! Where the sandbox cannot be used nothing runs in its place, unless the operator wrote that down; then everything says so.

use crate::support::desk::Desk;
use crate::support::office::stub;
use crate::support::server::Browser;
use crate::support::until;
use lamplighter::model::{JobId, Status};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

/// A `PATH` on which there is what the stub needs, and no bwrap.
fn without_bwrap() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    for program in ["cat", "env"] {
        symlink(format!("/usr/bin/{program}"), folder.path().join(program)).unwrap();
    }
    let path = folder.path().display().to_string();
    (folder, path)
}

fn log(desk: &Desk) -> String {
    desk.ask(&["logs", "list", "--level", "warning"])
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_usable_sandbox_sessions_are_refused_with_a_remedy_and_full_runs() {
    let (folder, path) = without_bwrap();
    let agent = stub(folder.path(), "2.1.329");
    let desk = Desk::start(&agent, &[("PATH", &path)]);
    // Whether the server knows yet what it can do when it is asked, or finds out when it starts the session.
    let id = desk.enqueue(&json!({"prompt": "result 0 never", "profile": "full"}));
    desk.ends(id, ("completed", "done", None)).await;
    let payload = json!({"prompt": "result 0 never", "profile": "workspace"}).to_string();
    let refused = desk.refused(&["jobs", "enqueue", "agent_session", &payload]);
    for part in ["AGENT-BOX-001", "bwrap is not installed", "apt-get install bubblewrap"] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    assert_eq!(desk.session(id)["isolation"], "supervisor");
    let warned = log(&desk);
    assert!(warned.contains("[AGENT-BOX-001] no agent runs except by profile full"), "{warned}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_another_program_makes_fails_where_the_sandbox_cannot_be_used() {
    let (folder, path) = without_bwrap();
    let agent = stub(folder.path(), "2.1.329");
    let desk = Desk::start(&agent, &[("PATH", &path)]);
    let sql = "INSERT INTO jobs (kind, payload) VALUES ('agent_session', ?1)";
    let payload = json!({"prompt": "echo x > /tmp/never; result 0 never"}).to_string();
    let conn = crate::support::foreign(desk.folder.path());
    conn.execute(sql, [payload]).unwrap();
    let id = JobId(conn.last_insert_rowid());
    let job = until(&desk.store, id, |job| job.status.is_final()).await;
    assert_eq!((job.status, job.error_code.as_deref()), (Status::Failed, Some("AGENT-BOX-001")));
    assert_eq!(desk.session(id)["ending"], "not_started");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_is_done_by_the_built_in_analyzer_where_the_sandbox_cannot_be_used_and_says_so() {
    let (folder, path) = without_bwrap();
    let agent = stub(folder.path(), "2.1.329");
    let desk = Desk::start(&agent, &[("PATH", &path), ("LAMPLIGHTER_LOG", "error")]);
    let file = desk.folder.path().join("app.jsonl");
    let row = json!({"timestamp": "2026-11-21T10:00:00Z", "level": "ERROR", "source": "pay", "message": "PaymentError: card declined"});
    fs::write(&file, row.to_string()).unwrap();
    desk.ask(&["logs", "import", file.to_str().unwrap()]);
    let id = JobId(desk.ask(&["run-now"]).parse().unwrap());
    desk.until(id, Status::Completed).await;
    let shown: Value =
        serde_json::from_str(&desk.ask(&["--json", "scans", "show", &id.to_string()])).unwrap();
    assert_eq!(shown["analyzer"], "builtin", "{shown:#}");
    let said = desk.ask(&["scans", "show", &id.to_string()]);
    for part in [
        "the agent could not examine the rows",
        "sandbox cannot be used",
        "apt-get install bubblewrap",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // Who demands the agent is told that there is none.
    desk.ask(&["settings", "set", "self_monitoring.analyzer", "agent"]);
    fs::write(&file, row.to_string().replace("10:00:00", "11:00:00")).unwrap();
    desk.ask(&["logs", "import", file.to_str().unwrap()]);
    let id = JobId(desk.ask(&["run-now"]).parse().unwrap());
    let job = desk.until(id, Status::Failed).await;
    assert_eq!(job.error_code.as_deref(), Some("AGENT-BOX-001"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_who_wants_no_sandbox_gets_none_and_every_page_of_a_run_says_so() {
    let (folder, path) = without_bwrap();
    let agent = stub(folder.path(), "2.1.329");
    let none = ("LAMPLIGHTER_AGENT_SANDBOX", "none");
    let desk =
        Desk::start(&agent, &[("PATH", &path), none, ("ANTHROPIC_API_KEY", "the-real-key-of-it")]);
    let id = desk.trigger(&["result 0 $ANTHROPIC_API_KEY:$HTTPS_PROXY:$ANTHROPIC_BASE_URL"]);
    let session = desk.ends(id, ("completed", "done", None)).await;
    assert_eq!(session["isolation"], "supervisor");
    // Also without a sandbox the key stays with the server.
    let said = session["response"].as_str().unwrap();
    assert!(said.starts_with("run-") && said.contains("@127.0.0.1:"), "{said}");
    assert!(log(&desk).contains("[AGENT-BOX-002] Agents run without a sandbox"));
    let mut browser = Browser::signed_in(&desk.server.as_ref().unwrap().url);
    for page in [&format!("/sessions/{id}"), "/sessions", "/admin/self-monitoring", "/repositories"]
    {
        let answer = browser.get(page, &[]);
        assert_eq!(answer.status, 200, "{page}");
        assert!(answer.body.contains("AGENT-BOX-002"), "{page}");
    }
    assert!(!browser.get("/jobs", &[]).body.contains("AGENT-BOX-002"));
}
