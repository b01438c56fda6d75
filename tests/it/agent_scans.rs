//! Scans by an agent, end to end: what it is given, what becomes of its answer, and that it is paid once.

use crate::support::desk::Desk;
use crate::support::messages_api::{MessagesApi, Reply};
use crate::support::{STUCK, foreign, in_time, now, until};
use lamplighter::model::{Job, JobId, Status};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Three rows of three problems.
const LOG: &str = r#"{"timestamp":"2026-11-21T10:00:00Z","level":"ERROR","source":"pay","message":"PaymentError: card 4711 declined by gateway"}
{"timestamp":"2026-11-21T10:00:01Z","level":"ERROR","source":"pay","message":"PaymentError: card 4712 declined by gateway"}
{"timestamp":"2026-11-21T10:00:02Z","level":"WARNING","source":"conf","message":"unknown key lamp.color in config"}
"#;
/// The server logs nothing of its own, so that the rows are 1 to 3.
const QUIET: (&str, &str) = ("LAMPLIGHTER_LOG", "error");
/// How often the server may be too quick to be killed between two of its commits.
const TRIES: usize = 20;

fn answer() -> Value {
    json!({
        "status": "success",
        "max_log_id_processed": 3,
        "issues_created": [
            {"classification": "server_bug", "title": "Payments are declined", "body": "By the gateway.",
             "error_codes": [], "source_log_ids": [1, 2], "source_files": ["src/pay.py"]},
            {"classification": "documentation_gap", "title": "A key is not documented", "body": "lamp.color",
             "error_codes": [], "source_log_ids": [3], "source_files": []},
        ],
    })
}

/// The same with a third finding, of a class that there is not: the real program would not let it pass.
fn answer_with_weather() -> Value {
    let mut answer = answer();
    answer["issues_created"].as_array_mut().unwrap().push(json!({
        "classification": "weather", "title": "It rains", "body": "x", "error_codes": [],
        "source_log_ids": [3], "source_files": [],
    }));
    answer
}

fn import(desk: &Desk) {
    let file = desk.folder.path().join("app.jsonl");
    fs::write(&file, LOG).unwrap();
    desk.ask(&["logs", "import", "--again", file.to_str().unwrap()]);
}

fn run_now(desk: &Desk) -> JobId {
    JobId(desk.ask(&["run-now"]).parse().unwrap())
}

fn titles(folder: &Path) -> Vec<String> {
    let conn = foreign(folder);
    let mut statement =
        conn.prepare("SELECT title FROM self_monitoring_issues ORDER BY id").unwrap();
    let titles = statement.query_map([], |row| row.get(0)).unwrap();
    titles.map(Result::unwrap).collect()
}

/// An agent program that gives this answer, and costs half a dollar each time it is asked.
fn stub(folder: &Path, answer: &Value) -> PathBuf {
    let report = json!({
        "type": "result", "subtype": "success", "is_error": false, "num_turns": 2, "duration_ms": 5,
        "total_cost_usd": 0.5, "result": "done", "structured_output": answer,
        "session_id": "67cf1229-f18b-4200-b873-0881f221331e",
    });
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = --version ]; then echo '2.1.329 (Claude Code)'; exit; fi\ncat > /dev/null\necho '{report}'\n"
    );
    let path = folder.join("agent");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_program_asks_the_snapshot_and_two_problems_end_as_two_issues() {
    let Some(claude) = super::real_cli::claude() else { return };
    two_problems_end_as_two_issues(&claude, &[]).await;
}

/// A scan by the real program that asks the snapshot, on a server with these variables.
pub async fn two_problems_end_as_two_issues(claude: &Path, environment: &[(&str, &str)]) {
    let api = MessagesApi::start();
    let own = [
        ("ANTHROPIC_BASE_URL", api.url.as_str()),
        ("ANTHROPIC_API_KEY", "model-key-0123456789"),
        QUIET,
    ];
    let desk = Desk::start(claude, &[&own, environment].concat());
    // The snapshot's path as the prompt names it: scan 1 is the first job.
    let snapshot = desk.folder.path().canonicalize().unwrap().join("jobs/1.scan/snapshot.db");
    let question =
        format!("sqlite3 -json {} 'SELECT source, count FROM templates'", snapshot.display());
    api.script(
        "snapshot.db",
        [Reply::bash(&question), Reply::Tool("StructuredOutput", answer()), Reply::Text("done")],
    );
    import(&desk);
    let id = run_now(&desk);
    let job = until(&desk.store, id, |job| job.status.is_final()).await;
    assert_eq!(job.status, Status::Completed, "{:?}", job.error);
    let result: Value = serde_json::from_str(&job.result.unwrap()).unwrap();
    assert_eq!(
        (&result["issues_created"], &result["rejected"]),
        (&json!(2), &json!(0)),
        "{result}"
    );
    assert_eq!(
        titles(desk.folder.path()),
        ["[BUG] Payments are declined", "[DOCS] A key is not documented"]
    );
    let said = api.requests("snapshot.db").last().unwrap().said().join("\n");
    assert!(said.contains(r#""source":"pay","count":2"#), "the door answered: {said}");
    assert!(!said.contains("4711"), "rows are asked for, not given");
    let session = desk.session(id);
    assert_eq!((&session["profile"], &session["ending"]), (&json!("scan"), &json!("done")));
    let left: Vec<_> = fs::read_dir(desk.folder.path().join("jobs")).unwrap().collect();
    assert!(left.is_empty(), "the copy of the log and the agent's files are gone: {left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_program_checks_the_source_it_is_given_and_says_where() {
    let Some(claude) = super::real_cli::claude() else { return };
    let files = tempfile::tempdir().unwrap();
    let root = files.path().canonicalize().unwrap();
    let (shop, outside) = (root.join("shop"), root.join("outside.txt"));
    for folder in [".git", "src"] {
        fs::create_dir_all(shop.join(folder)).unwrap();
    }
    fs::write(shop.join("src/pay.py"), "def charge(card):\n    decline(card)  # blue lamp\n")
        .unwrap();
    fs::write(&outside, "a green lamp\n").unwrap();
    let api = MessagesApi::start();
    let own = [
        ("ANTHROPIC_BASE_URL", api.url.as_str()),
        ("ANTHROPIC_API_KEY", "model-key-0123456789"),
        QUIET,
    ];
    let desk = Desk::start(&claude, &own);
    // Nobody describes it here.
    desk.ask(&["queues", "pause", "agent"]);
    let described = desk.ask(&["repos", "add", shop.to_str().unwrap()]);
    desk.ask(&["jobs", "cancel", &described]);
    desk.ask(&["queues", "resume", "agent"]);
    desk.ask(&["settings", "set", "self_monitoring.repository", "shop"]);
    let mut found = answer();
    found["issues_created"][0]["verified_at"] = json!([
        {"file": "src/pay.py", "line": 2}, {"file": "src/pay.py", "line": 99}, {"file": "../outside.txt", "line": 1},
    ]);
    api.script(
        "snapshot.db",
        [
            Reply::Tool("Read", json!({"file_path": shop.join("src/pay.py")})),
            Reply::Tool("Grep", json!({"pattern": "blue", "path": shop, "output_mode": "content"})),
            Reply::Tool("Read", json!({"file_path": outside})),
            Reply::bash("sqlite3 -json none.db 'SELECT 1'"),
            Reply::Tool("StructuredOutput", found),
            Reply::Text("done"),
        ],
    );
    import(&desk);
    let id = run_now(&desk);
    let job = until(&desk.store, id, |job| job.status.is_final()).await;
    assert_eq!(job.status, Status::Completed, "{:?}", job.error);
    let asked = api.requests("snapshot.db");
    let prompt = asked[0].said().join("\n");
    assert!(prompt.contains(&format!("`shop` at `{}`", shop.display())), "{prompt}");
    let said = asked.last().unwrap().said().join("\n");
    // The oldest version that is accepted offers no Grep: there it reads alone.
    let searches = !said.contains("No such tool available: Grep");
    let seen = 1 + usize::from(searches);
    assert!(said.matches("blue lamp").count() >= seen, "it reads and searches there: {said}");
    assert!(!said.contains("green lamp"), "and nowhere else: {said}");
    let body = "SELECT body FROM self_monitoring_issues ORDER BY id LIMIT 1";
    let body: String = foreign(desk.folder.path()).query_row(body, [], |row| row.get(0)).unwrap();
    assert!(body.contains("src/pay.py:2: decline(card)"), "{body}");
    assert!(!body.contains("pay.py:99") && !body.contains("outside"), "{body}");
    let scan: Value =
        serde_json::from_str(&desk.ask(&["--json", "scans", "show", &id.to_string()])).unwrap();
    assert!(scan["rejections"].to_string().contains("2 were left out"), "{scan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_paid_for_is_used_after_a_crash() {
    let agents = tempfile::tempdir().unwrap();
    let agent = stub(agents.path(), &answer());
    for _ in 0..TRIES {
        let mut desk = Desk::start(&agent, &[QUIET]);
        import(&desk);
        let id = run_now(&desk);
        let Some(lock) = locked_between(desk.folder.path()) else { continue };
        desk.server.take().unwrap().kill();
        drop(lock);
        assert!(titles(desk.folder.path()).is_empty(), "nothing was decided yet");
        desk.serve();
        desk.until(id, Status::Completed).await;
        assert_eq!(titles(desk.folder.path()).len(), 2);
        let spent = "SELECT sum(runs), sum(cost_usd) FROM job_spend";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let spent: (i64, f64) = foreign(desk.folder.path()).query_row(spent, [], read).unwrap();
        assert_eq!(spent, (1, 0.5), "the agent was paid once");
        return;
    }
    panic!("the server was never caught between the two commits");
}

/// Takes the write lock after the agent's record is saved and before the scan is committed; `None` if the server was
/// quicker.
fn locked_between(folder: &Path) -> Option<rusqlite::Connection> {
    let conn = foreign(folder);
    let since = Instant::now();
    let state = "SELECT (SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL),
                        (SELECT count(*) FROM self_monitoring_scans)";
    while since.elapsed() < STUCK {
        conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let (ended, committed): (i64, i64) = conn.query_row(state, [], read).unwrap();
        match (ended, committed) {
            (0, _) => conn.execute_batch("ROLLBACK").unwrap(),
            (_, 0) => return Some(conn),
            (_, _) => return None,
        }
        std::thread::yield_now();
    }
    panic!("the agent never ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_fails_the_scan_and_the_rows_are_examined_again() {
    let agents = tempfile::tempdir().unwrap();
    let agent = stub(agents.path(), &json!("no object"));
    let desk = Desk::start(&agent, &[QUIET]);
    import(&desk);
    let job = in_time(async { desk.until(run_now(&desk), Status::Failed).await }).await;
    assert_eq!(job.error_code.as_deref(), Some("SCAN-REPLY-001"), "{:?}", job.error);
    stub(agents.path(), &answer_with_weather());
    let job = desk.until(run_now(&desk), Status::Completed).await;
    let result: Value = serde_json::from_str(&job.result.unwrap()).unwrap();
    assert_eq!(
        (&result["issues_created"], &result["rejected"]),
        (&json!(2), &json!(1)),
        "{result}"
    );
    assert_eq!(titles(desk.folder.path()).len(), 2, "the watermark had not moved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_be_filed_and_files_nothing() {
    let agents = tempfile::tempdir().unwrap();
    let desk = Desk::start(&stub(agents.path(), &answer()), &[QUIET]);
    import(&desk);
    let dry = |desk: &Desk| JobId(desk.ask(&["run-now", "--dry-run"]).parse().unwrap());
    let would = async |id: JobId| {
        let job = desk.until(id, Status::Completed).await;
        let result: Value = serde_json::from_str(&job.result.unwrap()).unwrap();
        let would = result["would"].as_array().unwrap().clone();
        would.iter().map(|one| one["verdict"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(would(dry(&desk)).await, ["new issue", "new issue"]);
    assert!(titles(desk.folder.path()).is_empty());
    desk.until(run_now(&desk), Status::Completed).await;
    assert_eq!(titles(desk.folder.path()).len(), 2, "the dry run has not moved the watermark");
    import(&desk);
    let again = json!({
        "status": "success",
        "issues_created": [
            {"classification": "server_bug", "title": "Payments are declined", "body": "By the gateway.",
             "error_codes": [], "source_log_ids": [4, 5], "source_files": ["src/pay.py"]},
        ],
    });
    stub(agents.path(), &again);
    assert_eq!(would(dry(&desk)).await, ["skipped: its fingerprint is known (tier 2)"]);
}

/// Makes the stub refuse with these words, as a report says them.
fn refuses(folder: &Path, status: u16, words: &str) {
    let report = json!({
        "type": "result", "subtype": "success", "is_error": true, "api_error_status": status, "num_turns": 1,
        "total_cost_usd": 0.25, "result": words,
    });
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = --version ]; then echo '2.1.329 (Claude Code)'; exit; fi\ncat > /dev/null\necho '{report}'\nexit 1\n"
    );
    fs::write(folder.join("agent"), script).unwrap();
}

/// Runs a scan to its end, and answers who examined the rows and why the agent did not.
async fn scanned(desk: &Desk) -> (String, Option<String>) {
    let scan = scan_of(desk).await;
    let text = |key: &str| scan[key].as_str().map(str::to_owned);
    (text("analyzer").unwrap(), text("fallback"))
}

/// Runs a scan to its end, and answers its record.
async fn scan_of(desk: &Desk) -> Value {
    import(desk);
    let id = run_now(desk);
    let job = until(&desk.store, id, |job| job.status.is_final()).await;
    assert_eq!(job.status, Status::Completed, "{:?}", job.error);
    serde_json::from_str(&desk.ask(&["--json", "scans", "show", &id.to_string()])).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_the_agent_from_looking_does_not_make_monitoring_blind() {
    let agents = tempfile::tempdir().unwrap();
    let mut answer = answer();
    answer["max_log_id_processed"] = json!(1_000_000);
    let agent = stub(agents.path(), &answer);
    let desk = Desk::start(&agent, &[QUIET]);
    let by_agent = ("claude".to_owned(), None);
    assert_eq!(scanned(&desk).await, by_agent);
    let falls_back = async |word: &str| {
        let (analyzer, why) = scanned(&desk).await;
        assert_eq!(analyzer, "builtin");
        assert!(why.as_ref().is_some_and(|why| why.contains(word)), "{why:?} without {word}");
    };

    // The agent's own run is refused: by the key, and by a limit.
    refuses(agents.path(), 401, "Invalid API key");
    falls_back("refused the key").await;
    desk.ask(&["queues", "resume", "agent"]);
    let scan = scan_of(&desk).await;
    assert_eq!(scan["analyzer"], "builtin");
    assert_eq!(scan["cost_usd"], 0.25, "the agent's run is paid all the same: {scan}");
    assert!(scan["model"].is_string(), "{scan}");
    // Either has paused the queue, so that the next scan asks nobody until somebody resumes it.
    falls_back("takes no runs now").await;
    assert!(desk.ask(&["queues", "list"]).contains("AGENT-AUTH-001"));
    desk.ask(&["queues", "resume", "agent"]);
    refuses(agents.path(), 429, "You have hit your limit, resets in 2h");
    falls_back("limit of the model").await;
    falls_back("takes no runs now").await;
    assert!(desk.ask(&["queues", "list"]).contains("limit"));
    desk.ask(&["queues", "resume", "agent"]);
    // A session that meets the limit pauses the queue; a scan starts all the same, and asks nobody.
    let session = desk.trigger(&["look"]);
    desk.until(session, Status::Scheduled).await;
    stub(agents.path(), &answer);
    falls_back("takes no runs now").await;
    // Who wants the agent alone waits for it.
    desk.set("self_monitoring.analyzer", &json!("agent"));
    import(&desk);
    let waits = run_now(&desk);
    desk.until(waits, Status::Scheduled).await;
    desk.set("self_monitoring.analyzer", &json!("auto"));
    desk.ask(&["queues", "resume", "agent"]);
    desk.until(waits, Status::Completed).await;
    assert_eq!(scanned(&desk).await, by_agent, "the next scan tries the agent again");

    let spent = "INSERT INTO job_spend (day, kind, schedule_id, cost_usd, runs)
        VALUES (strftime('%s', 'now') / 86400, 'agent_session', 7, 20.5, 1)";
    foreign(desk.folder.path()).execute(spent, []).unwrap();
    falls_back("the budget of today, $20.00, is used up").await;
    // A person's pause holds scans too.
    desk.ask(&["queues", "pause", "agent", "--reason", "hands off"]);
    let held = run_now(&desk);
    until(&desk.store, held, |job| job.waits_for.is_none()).await;
    let why = desk.ask(&["jobs", "why", &held.to_string()]);
    assert!(why.contains("hands off"), "{why}");
    desk.ask(&["queues", "resume", "agent"]);
    desk.until(held, Status::Completed).await;
}

/// Makes a scan as the schedule does, and waits until it is over.
async fn scan_of_the_schedule(desk: &Desk) -> Job {
    import(desk);
    let conn = foreign(desk.folder.path());
    conn.execute(
        "INSERT INTO jobs (kind, payload, trigger) VALUES ('self_monitoring', '{}', 'scheduled')",
        [],
    )
    .unwrap();
    until(&desk.store, JobId(conn.last_insert_rowid()), |job| job.status.is_final()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_three_scans_that_were_paid_for_in_vain_no_agent_is_asked_until_a_person_does() {
    let agents = tempfile::tempdir().unwrap();
    let desk = Desk::start(&stub(agents.path(), &json!("no object")), &[QUIET]);
    for _ in 0..3 {
        let job = scan_of_the_schedule(&desk).await;
        assert_eq!(job.error_code.as_deref(), Some("SCAN-REPLY-001"), "{:?}", job.error);
    }
    let spent = async || desk.store.spent(None, now()).await.unwrap().0.day;
    assert!((spent().await - 1.5).abs() < 1e-9);
    let job = scan_of_the_schedule(&desk).await;
    assert_eq!(job.status, Status::Completed, "{:?}", job.error);
    let scan = desk.ask(&["--json", "scans", "show", &job.id.to_string()]);
    let scan: Value = serde_json::from_str(&scan).unwrap();
    let why = scan["fallback"].as_str().unwrap_or_default();
    assert!(why.starts_with("the last three scans by the agent failed"), "{scan:#}");
    // Where the setting wants the agent alone, the scan fails and says so.
    desk.set("self_monitoring.analyzer", &json!("agent"));
    let job = scan_of_the_schedule(&desk).await;
    assert_eq!(job.error_code.as_deref(), Some("SCAN-HOLD-001"), "{:?}", job.error);
    assert!((spent().await - 1.5).abs() < 1e-9, "no agent was asked");

    // A person's scan asks the agent, and one that ends well lets those of the schedule ask again.
    let mut answer = answer();
    answer["max_log_id_processed"] = json!(1_000_000);
    stub(agents.path(), &answer);
    import(&desk);
    desk.until(run_now(&desk), Status::Completed).await;
    let job = scan_of_the_schedule(&desk).await;
    assert_eq!(job.status, Status::Completed, "{:?}", job.error);
    assert!((spent().await - 2.5).abs() < 1e-9);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_and_the_builtin_analyzer_find_one_problem_in_the_same_rows() {
    let agents = tempfile::tempdir().unwrap();
    let agent = stub(agents.path(), &answer());
    let desk = Desk::start(&agent, &[QUIET]);
    desk.ask(&["settings", "set", "self_monitoring.analyzer", "builtin"]);
    import(&desk);
    desk.until(run_now(&desk), Status::Completed).await;
    let found = titles(desk.folder.path());
    assert_eq!(found.len(), 2, "{found:?}");
    // The agent judges both otherwise, and names them in its own words.
    desk.ask(&["settings", "set", "self_monitoring.analyzer", "agent"]);
    let again = json!({
        "status": "success",
        "max_log_id_processed": 6,
        "issues_created": [
            {"classification": "client_misuse", "title": "Cards without cover", "body": "Ask the customers.",
             "error_codes": [], "source_log_ids": [4, 5], "source_files": []},
            {"classification": "server_bug", "title": "A key is lost", "body": "lamp.color",
             "error_codes": [], "source_log_ids": [6], "source_files": []},
        ],
    });
    stub(agents.path(), &again);
    import(&desk);
    let job = desk.until(run_now(&desk), Status::Completed).await;
    let result: Value = serde_json::from_str(&job.result.unwrap()).unwrap();
    assert_eq!(
        (&result["issues_created"], &result["duplicates_skipped"]),
        (&json!(0), &json!(2)),
        "{result}"
    );
    assert_eq!(titles(desk.folder.path()), found);
    let shown: Value = serde_json::from_str(&desk.ask(&["--json", "issues", "show", "1"])).unwrap();
    assert_eq!(shown["occurrences"], 4, "{shown}");
}
