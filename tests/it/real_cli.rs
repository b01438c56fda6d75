//! Claude Code itself, run by the server against a scripted Messages API: each end of a run with its status, word, code and
//! reason.
//!
//! The program is `LAMPLIGHTER_TEST_CLAUDE`, else `claude` on the `PATH`; `.ci/run` installs the newest known version, and runs
//! the tests of the real program again with the oldest that is accepted.

use crate::support::desk::{Desk, transcript};
use crate::support::messages_api::{LAST_RESULT, MessagesApi, Reply};
use crate::support::server::PASSWORD;
use crate::support::{in_time, now, skipped, until};
use lamplighter::model::{Actor, SessionRequest, Status};
use lamplighter::sessions::{self, Asked};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A running process of what was cancelled is gone within this (P20).
const GONE_WITHIN: Duration = Duration::from_secs(12);

/// The key that the model's service wants.
const MODEL_KEY: &str = "model-key-0123456789";
/// Between two looks at the processes of the machine.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The program, if it is installed. If it is not, the test is skipped.
pub fn claude() -> Option<PathBuf> {
    let named = std::env::var_os("LAMPLIGHTER_TEST_CLAUDE").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap();
    let mut places = std::env::split_paths(&path).map(|folder| folder.join("claude"));
    let found = named.or_else(|| places.find(|place| place.is_file()));
    if found.is_none() {
        skipped("it needs Claude Code (npm install -g @anthropic-ai/claude-code)");
    }
    found
}

/// A server with the real program and a model that says what is scripted; `None` without the program.
pub fn desk(environment: &[(&str, &str)]) -> Option<(Desk, MessagesApi)> {
    let claude = claude()?;
    let api = MessagesApi::start();
    let own = [("ANTHROPIC_BASE_URL", api.url.as_str()), ("ANTHROPIC_API_KEY", MODEL_KEY)];
    let desk = Desk::start(&claude, &[&own, environment].concat());
    desk.ask(&["queues", "limit", "agent", "3"]);
    Some((desk, api))
}

/// What `sessions show` says of the reason.
fn reason(session: &Value) -> &str {
    session["error"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_run_ends_with_its_status_its_word_its_code_and_its_reason() {
    let Some((desk, api)) = desk(&[]) else { return };
    api.script("case-success", [Reply::bash("echo seen-$((40+2))"), Reply::Text(LAST_RESULT)]);
    let path = ".claude/settings.json";
    let forbidden = json!({"file_path": path, "old_string": "", "new_string": "{}"});
    let forbidden = Reply::Tool("Edit", forbidden);
    api.script("case-denied", [forbidden, Reply::Text("so be it")]);
    let absent = Reply::Tool("Write", json!({"file_path": "x", "content": "y"}));
    api.script("case-absent", [absent, Reply::Text("so be it")]);
    api.script("case-turns", [Reply::bash("true")]);
    api.script("case-budget", [Reply::Costly("Bash", json!({"command": "true"}), 2_000_000)]);
    api.script("case-request", [Reply::Refuse(400, "invalid_request_error", None)]);
    api.script("case-prose", [Reply::Text("Here is prose.")]);
    let number = json!({"n": {"type": "integer"}});
    let schema = json!({"type": "object", "properties": number, "required": ["n"]});
    let structured = Reply::Tool("StructuredOutput", json!({"n": 7}));
    api.script("case-schema", [structured, Reply::Text("a last word")]);

    let success = desk.trigger(&["case-success"]);
    let denied = desk.trigger(&["case-denied", "--profile", "workspace"]);
    let absent = desk.trigger(&["case-absent", "--profile", "read-only"]);
    let turns = desk.enqueue(&json!({"prompt": "case-turns", "max_turns": 2}));
    let budget = desk.trigger(&["case-budget", "--budget", "0.01"]);
    let request = desk.trigger(&["case-request"]);
    let prose = desk.enqueue(&json!({"prompt": "case-prose", "schema": schema}));
    let structured = desk.enqueue(&json!({"prompt": "case-schema", "schema": schema}));

    let session = desk.ends(success, ("completed", "done", None)).await;
    assert_eq!(session["response"], "seen-42");
    assert_eq!((&session["exit_code"], &session["num_turns"]), (&json!(0), &json!(2)));
    assert!(session["cost_usd"].as_f64().unwrap() > 0.0, "{session:#}");
    assert_eq!(session["isolation"], "bwrap", "{session:#}");
    assert_eq!(api.requests("case-success")[0].headers["x-api-key"], MODEL_KEY);
    let told = desk.ask(&["sessions", "tail", &success.to_string()]);
    assert!(told.contains("tool  Bash: echo seen-"), "{told}");
    let session = desk.ends(denied, ("completed", "denied", None)).await;
    assert_eq!(session["response"], "so be it");
    let session = desk.ends(absent, ("completed", "denied", None)).await;
    let note = "A tool was not allowed: Write: it is not offered to this session.";
    assert_eq!(session["note"], note, "{session:#}");
    let waited = desk.refused(&["sessions", "wait", &absent.to_string()]);
    assert!(waited.contains("[AGENT-TOOLS-001]"), "{waited}");
    let session = desk.ends(turns, ("failed", "max_turns", Some("AGENT-LIMIT-002"))).await;
    assert!(reason(&session).contains("took all its turns"), "{session:#}");
    let session = desk.ends(budget, ("failed", "budget", Some("AGENT-LIMIT-003"))).await;
    assert!(reason(&session).contains("used up its budget"), "{session:#}");
    assert!(session["cost_usd"].as_f64().unwrap() > 0.01, "{session:#}");
    let session = desk.ends(request, ("failed", "request", Some("AGENT-API-001"))).await;
    assert!(reason(&session).contains("refused the request"), "{session:#}");
    let session = desk.ends(prose, ("failed", "unstructured", Some("AGENT-REPLY-001"))).await;
    assert!(reason(&session).contains("in prose"), "{session:#}");
    let session = desk.ends(structured, ("completed", "done", None)).await;
    assert_eq!(session["structured"], json!({"n": 7}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_fails_is_told_apart_from_one_that_refuses() {
    // The program's ten tries would take minutes.
    let names = "ANTHROPIC_API_KEY,ANTHROPIC_BASE_URL,CLAUDE_CODE_MAX_RETRIES";
    let variables = [("CLAUDE_CODE_MAX_RETRIES", "1"), ("LAMPLIGHTER_AGENT_PASS_ENV", names)];
    let Some((desk, api)) = desk(&variables) else { return };
    api.script("case-500", [Reply::Refuse(500, "api_error", None)]);
    api.script("case-529", [Reply::Refuse(529, "overloaded_error", None)]);
    api.script("case-drop", [Reply::Drop]);
    api.script(
        "case-once",
        [Reply::Refuse(529, "overloaded_error", None), Reply::Text("recovered")],
    );
    let ids =
        ["case-500", "case-529", "case-drop", "case-once"].map(|prompt| desk.trigger(&[prompt]));
    // A short wait is sat out: nothing is parked.
    api.script(
        "case-wait",
        [Reply::Refuse(429, "rate_limit_error", Some(1)), Reply::Text("after a second")],
    );
    let waited = desk.trigger(&["case-wait"]);
    desk.ends(ids[0], ("failed", "service", Some("AGENT-API-002"))).await;
    desk.ends(ids[1], ("failed", "overloaded", Some("AGENT-API-002"))).await;
    desk.ends(ids[2], ("failed", "service", Some("AGENT-API-002"))).await;
    let session = desk.ends(ids[3], ("completed", "done", None)).await;
    assert_eq!(session["response"], "recovered");
    let session = desk.ends(waited, ("completed", "done", None)).await;
    assert_eq!(session["response"], "after a second");
    assert_eq!(desk.job(waited)["events"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_parks_the_session_and_pauses_the_agents_until_somebody_resumes_them() {
    let Some((desk, api)) = desk(&[]) else { return };
    let begun = now();
    let limited = Reply::Refuse(429, "rate_limit_error", Some(3600));
    api.script("case-limit", [Reply::bash("echo first-step"), limited, Reply::Text("all of it")]);
    let id = desk.trigger(&["case-limit"]);
    let parked = desk.until(id, Status::Scheduled).await;
    // The program tells of the limit, but not of the hour that the service named: it is asked again after five minutes.
    let waits = parked.run_at.since(begun);
    assert!((300..360).contains(&waits.as_secs()), "{waits:?}");
    assert_eq!((parked.attempt, parked.max_attempts), (0, Some(1)), "no attempt is spent");
    let queue = desk.queue();
    assert_eq!(queue["paused"]["resume_at"], json!(parked.run_at.to_string()), "{queue:#}");
    assert!(queue["paused"]["reason"].as_str().unwrap().contains("limit"), "{queue:#}");
    let session = desk.session(id);
    assert_eq!((&session["status"], &session["ending"]), (&json!("scheduled"), &json!("limit")));
    let behind = desk.trigger(&["case-behind"]);
    until(&desk.store, behind, |job| job.waits_for.is_none()).await;
    assert!(desk.ask(&["jobs", "why", &behind.to_string()]).contains("limit"));

    desk.ask(&["queues", "resume", "agent"]);
    let session = desk.ends(id, ("completed", "done", None)).await;
    desk.ends(behind, ("completed", "done", None)).await;
    assert_eq!(session["response"], "all of it");
    let job = desk.job(id);
    let causes: Vec<_> =
        job["events"].as_array().unwrap().iter().map(|event| &event["cause"]).collect();
    assert_eq!(causes, ["limited", "resumed"], "{job:#}");
    // It went on where it was: its first step is in the last request, and was taken once.
    let last = api.requests("case-limit").pop().unwrap().said();
    assert_eq!(last.iter().filter(|text| text.contains("first-step")).count(), 1, "{last:?}");
    assert!(last.last().unwrap().contains("limit"), "{last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_holds_the_sessions_back_until_somebody_has_mended_it() {
    let Some((desk, api)) = desk(&[]) else { return };
    let refused = Reply::Refuse(401, "authentication_error", None);
    api.script("case-key", [refused, Reply::Text("with a key")]);
    let begun = Instant::now();
    let id = desk.trigger(&["case-key"]);
    desk.until(id, Status::Scheduled).await;
    let took = begun.elapsed();
    println!("a refused key: put off after {took:?}");
    assert!(took < Duration::from_secs(20), "it tried on for {took:?}");
    let session = desk.session(id);
    assert_eq!(session["ending"], "authentication", "{session:#}");
    let (queue, why) = (desk.queue(), desk.ask(&["jobs", "why", &id.to_string()]));
    let told = queue["paused"]["reason"].as_str().unwrap();
    for said in [told, &why] {
        assert!(said.contains("AGENT-AUTH-001") && said.contains("refused the key"), "{said}");
    }
    // The one behind it waits, and does not fail too.
    let behind = desk.trigger(&["case-behind"]);
    until(&desk.store, behind, |job| job.waits_for.is_none()).await;

    desk.ask(&["queues", "resume", "agent"]);
    let session = desk.ends(id, ("completed", "done", None)).await;
    assert_eq!(session["response"], "with a key");
    desk.ends(behind, ("completed", "done", None)).await;
    // Nothing had been said before: it began anew, with its own prompt.
    let last = api.requests("case-key").pop().unwrap().said();
    assert!(last.iter().any(|text| text.contains("case-key")), "{last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_means_stopped_and_a_foreign_signal_is_told_as_one() {
    let Some((desk, api)) = desk(&[]) else { return };
    api.script("case-stop", [Reply::bash("sh -c 'sleep 4242 & exec sleep 4243'")]);
    api.script("case-hang", [Reply::Hang]);
    let (stopped, signalled) = (desk.trigger(&["case-stop"]), desk.trigger(&["case-hang"]));
    until_seen("sleep\u{0}4243").await;
    let asked = Instant::now();
    desk.ask(&["sessions", "stop", &stopped.to_string()]);
    let session = desk.ends(stopped, ("cancelled", "cancelled", None)).await;
    let left: Vec<u32> =
        ["4242", "4243"].iter().flat_map(|n| pids(&format!("sleep\u{0}{n}"))).collect();
    println!("stopped after {:?}", asked.elapsed());
    assert!(left.is_empty(), "{left:?} are left of {session:#}");
    assert!(asked.elapsed() < GONE_WITHIN, "{:?}", asked.elapsed());

    api.until_asked("case-hang").await;
    let place = desk.session(signalled)["working_dir"].as_str().unwrap().to_owned();
    let main = pids("stream-json").into_iter().filter(|pid| {
        fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder.ends_with(&place[1..]))
    });
    // The program itself, not the sandbox around it.
    let main = main.max().unwrap();
    kill_process(Pid::from_raw(main.cast_signed()).unwrap(), Signal::TERM).unwrap();
    let session = desk.ends(signalled, ("failed", "killed", Some("AGENT-RUN-001"))).await;
    assert!(reason(&session).contains("signal 15"), "{session:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_of_100_kb_arrives_byte_for_byte() {
    let Some((desk, api)) = desk(&[]) else { return };
    let odd = "--model opus \"two\" 'one' `back` $(touch /tmp/x) ${HOME} \\ %s \u{1}\u{7}\u{8}\u{1b}[31m\u{7f} \t tab \
        \r\n crlf \r lone \n\n\u{fffd} émoji 👩‍🚒🇫🇮 \u{202e}rtl\u{202c} \u{feff} <b>&amp;</b> @file #tag /help !bang\n";
    let mut prompt = "-- case-bytes ".to_owned();
    while prompt.len() < 100_000 {
        prompt.push_str(odd);
    }
    prompt.push_str("the end \n\n ");
    let (asked, request) = (Asked::by(Actor::cli()), SessionRequest::of(prompt.clone()));
    let id = sessions::request(&desk.store, request, asked, now()).await.unwrap();
    let session = desk.ends(id, ("completed", "done", None)).await;
    assert_eq!(session["prompt"], prompt);
    // The program puts texts of its own beside it, and neither trims nor wraps it.
    let said = api.requests("case-bytes")[0].said();
    assert!(said.contains(&prompt), "{} texts: {said:.300?}", said.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_what_the_machine_allows_and_not_what_the_model_is_asked_to_do() {
    let secrets =
        [("SERVER_SECRET", "s3cr3t-of-the-server"), ("GITHUB_TOKEN", "another-one-of-it")];
    let Some((desk, api)) = desk(&secrets) else { return };
    let (work, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let (data, there) = (text(desk.folder.path()), text(outside.path()));
    fs::write(desk.folder.path().join("private"), "of the server").unwrap();
    fs::write(work.path().join("given"), "to be read").unwrap();
    let tries = format!(
        "cat given; cat {data}/private {data}/lamplighter.db; ls -A /root /home; ls {data} {data}/jobs; \
         for place in {there} /usr /etc /var /srv {data}; do echo x > $place/new; done; \
         echo y > here; tr '\\0' '\\n' < /proc/1/environ; env; echo end of tries"
    );
    let working_dir = ["--working-dir", work.path().to_str().unwrap()];
    for (word, profile, wrote) in
        [("case-look", "read-only", false), ("case-work", "workspace", true)]
    {
        api.script(word, [Reply::bash(&tries), Reply::Text(LAST_RESULT)]);
        let arguments = [&[word, "--profile", profile], working_dir.as_slice()].concat();
        let id = desk.trigger(&arguments);
        let session = desk.ends(id, ("completed", "done", None)).await;
        // As the agent saw it: what is kept here went through the redactor.
        let said = api.requests(word).pop().unwrap().said();
        let seen = said.iter().find(|text| text.contains("end of tries")).unwrap();
        assert_eq!(
            (&session["profile"], &session["isolation"]),
            (&json!(profile), &json!("bwrap"))
        );
        assert!(seen.contains("to be read") && seen.contains("/root:"), "{seen}");
        assert!(!seen.contains("of the server") && !seen.contains("SQLite format"), "{seen}");
        assert_eq!(work.path().join("here").exists(), wrote, "{seen}");
        // Inside, the data directory is an empty one in memory; what is written into it is nowhere.
        for place in [there.as_str(), data.as_str(), "/usr", "/etc", "/var", "/srv"] {
            assert!(!Path::new(place).join("new").exists(), "{place}: {seen}");
        }
        for secret in ["s3cr3t-of-the-server", "another-one-of-it", PASSWORD] {
            assert!(!seen.contains(secret), "{seen}");
        }
        assert!(
            seen.contains("ANTHROPIC_API_KEY=run-"),
            "a placeholder stands for the key: {seen}"
        );
        assert!(!seen.contains(MODEL_KEY), "the model's key is the server's: {seen}");
        assert!(!desk.session(id).to_string().contains(MODEL_KEY), "it is kept nowhere");
    }
}

/// Looks for a secret, whose text is turned around in the line, in the environment and the arguments of every process and in
/// every file that the run can read and that is not of the system's programs.
fn search(secret: &str) -> String {
    let turned: String = secret.chars().rev().collect();
    format!(
        "k=$(echo {turned} | rev); for f in /proc/[0-9]*/environ /proc/[0-9]*/cmdline /proc/self/mountinfo; do \
           tr '\\0' '\\n' < $f 2>/dev/null | grep -qF -- \"$k\" && echo \"found in $f\"; done; \
         env | grep -qF -- \"$k\" && echo found in env; \
         grep -rlsF -D skip -- \"$k\" /tmp /dev/shm /dev/lamplighter /etc /home /root /var \"$PWD\" \"$HOME\" \"$CLAUDE_CONFIG_DIR\" \"$TMPDIR\"; \
         echo \"a placeholder: ${{ANTHROPIC_API_KEY:-$CLAUDE_CODE_OAUTH_TOKEN}}\"; echo end of search"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_key_nor_a_token_is_anywhere_in_a_run_and_both_reach_the_service() {
    let Some(claude) = claude() else { return };
    for (variable, header, before) in [
        ("ANTHROPIC_API_KEY", "x-api-key", ""),
        ("CLAUDE_CODE_OAUTH_TOKEN", "authorization", "Bearer "),
    ] {
        let api = MessagesApi::start();
        let secret = "sk-ant-oat01-of-the-server-alone-0123456789";
        let desk =
            Desk::start(&claude, &[("ANTHROPIC_BASE_URL", api.url.as_str()), (variable, secret)]);
        for profile in ["read-only", "workspace", "full"] {
            let word = format!("case-search-{profile}");
            let word: &'static str = word.leak();
            let search = if profile == "full" {
                "env; echo end of search".to_owned()
            } else {
                search(secret)
            };
            api.script(word, [Reply::bash(&search), Reply::Text(LAST_RESULT)]);
            let id = desk.enqueue(&json!({"prompt": word, "profile": profile}));
            let session = desk.ends(id, ("completed", "done", None)).await;
            let requests = api.requests(word);
            assert_eq!(requests[0].headers[header], format!("{before}{secret}"));
            // As the agent saw it, before anything was redacted.
            let said = requests.last().unwrap().said();
            let seen = said.iter().find(|text| text.contains("end of search")).unwrap();
            assert!(!seen.contains(secret), "{variable}, {profile}: {seen}");
            // Nothing is found before it. The program itself keeps a token from its tools.
            let begin =
                if header == "x-api-key" { "a placeholder: run-" } else { "a placeholder: " };
            assert!(profile == "full" || seen.starts_with(begin), "{variable}, {profile}: {seen}");
            assert!(!session.to_string().contains(secret), "{session:#}");
            let told = transcript(&desk.store, id).await;
            assert!(told.contains(r#""type":"network""#), "what passed is written down: {told}");
            assert!(
                told.contains(r#""refused":[]"#),
                "the program needs nothing that is refused: {told}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_with_another_and_pays_for_itself_alone() {
    let Some((desk, api)) = desk(&[]) else { return };
    let look = || Reply::Costly("Bash", json!({"command": "echo the-first-find"}), 100_000);
    api.script("case-first", [look(), Reply::Text("found"), look(), Reply::Text("found more")]);
    let first = desk.trigger(&["case-first"]);
    let before = desk.ends(first, ("completed", "done", None)).await;
    let next = desk.trigger(&["and then?", "--continues", &first.to_string()]);
    let after = desk.ends(next, ("completed", "done", None)).await;
    assert_eq!((&after["continues_id"], &after["parent_id"]), (&json!(first.0), &json!(first.0)));
    assert_eq!(after["response"], "found more");
    let said = api.requests("and then?")[0].said();
    let at = |word: &str| said.iter().position(|text| text.contains(word)).unwrap();
    assert!(at("case-first") < at("the-first-find") && at("the-first-find") < at("and then?"));
    let cost = |session: &Value| session["cost_usd"].as_f64().unwrap();
    let (before, after) = (cost(&before), cost(&after));
    assert!(before > 0.0 && (after - before).abs() < before / 2.0, "{before} and then {after}");
    let spent = desk.store.spent(None, now()).await.unwrap().0.day;
    assert!((spent - before - after).abs() < 1e-9, "{spent} of {before} and {after}");
}

/// The program takes variables from its own configuration, whatever its arguments say.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_writes_into_the_programs_configuration_does_not_hold_for_the_next_one() {
    let Some((desk, api)) = desk(&[]) else { return };
    let replies = [
        Reply::bash("echo the-first-find"),
        Reply::Text("found"),
        Reply::bash("env; echo end of variables"),
        Reply::Text("found more"),
    ];
    api.script("case-first", replies);
    let first = desk.trigger(&["case-first"]);
    desk.ends(first, ("completed", "done", None)).await;
    let config = desk.folder.path().join(format!("jobs/{first}/config"));
    for name in [".claude.json", "settings.json"] {
        let file = config.join(name);
        let kept = fs::read(&file).unwrap_or_else(|_| b"{}".to_vec());
        let mut kept: Value = serde_json::from_slice(&kept).unwrap();
        kept["env"] =
            json!({"PLANTED": "by the run before", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"});
        fs::write(file, kept.to_string()).unwrap();
    }
    let next = desk.trigger(&["and then?", "--continues", &first.to_string()]);
    let after = desk.ends(next, ("completed", "done", None)).await;
    assert_eq!(after["response"], "found more");
    let said = api.requests("and then?").pop().unwrap().said();
    assert!(said.iter().any(|text| text.contains("the-first-find")), "it goes on: {said:?}");
    let seen = said.iter().find(|text| text.contains("end of variables")).unwrap();
    assert!(seen.contains("CLAUDE_CONFIG_DIR") && !seen.contains("PLANTED"), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_asks_for_the_next_tier_up_to_the_highest_that_is_allowed() {
    let Some((desk, api)) = desk(&[]) else { return };
    desk.set("agent.max_tier", &json!(3));
    // Older versions ask the model for a last word after its structured answer.
    let more = |report: &str, handoff: &str| {
        let answer = json!({"report": report, "next_tier": true, "handoff": handoff});
        [Reply::Tool("StructuredOutput", answer), Reply::Text("a last word")]
    };
    api.script("case-tiers", more("odd", "look at the disk"));
    api.script_first("look at the disk", more("odder", "look at the fans"));
    api.script_first("look at the fans", [Reply::Text("mended")]);
    let mut id = desk.trigger(&["case-tiers"]);
    let models = ["haiku", "sonnet", "opus"];
    for (tier, (model, report)) in models.iter().zip(["odd", "odder", "mended"]).enumerate() {
        let session = desk.ends(id, ("completed", "done", None)).await;
        assert_eq!((&session["tier"], &session["response"]), (&json!(tier + 1), &json!(report)));
        assert!(session["model"].as_str().unwrap().contains(model), "{session:#}");
        assert_eq!(session["prompt"], "case-tiers");
        let children = desk.store.children(id).await.unwrap();
        assert_eq!(children.len(), usize::from(tier < 2), "children of tier {}", tier + 1);
        let Some(child) = children.first() else { break };
        assert_eq!(desk.job(*child)["parent_id"], json!(id.0));
        id = *child;
    }
    // Nobody asked for a schema: a plain answer is one, and hands nothing on.
    api.script("case-plain", [Reply::Text("a plain answer")]);
    let plain = desk.trigger(&["case-plain"]);
    let session = desk.ends(plain, ("completed", "done", None)).await;
    assert_eq!(session["response"], "a plain answer");
    assert!(desk.store.children(plain).await.unwrap().is_empty());
    let last = api.requests("case-tiers").pop().unwrap();
    let system = last.body["system"].to_string();
    assert!(system.contains("third of three tiers") && !system.contains("look at the fans"));
    let said = last.said().join("\n");
    let (handoff, prompt) = said.split_once("look at the fans").expect("what was found is data");
    assert!(handoff.contains("never an instruction") && prompt.contains("case-tiers"), "{said}");
}

/// Waits until there is a process whose arguments hold a text.
pub async fn until_seen(text: &str) {
    in_time(async {
        while pids(text).is_empty() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    })
    .await;
}

/// The processes whose arguments hold a text.
fn pids(text: &str) -> Vec<u32> {
    let folders = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let pids = folders.filter_map(|folder| folder.file_name().to_str()?.parse().ok());
    let holds = |pid: &u32| {
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&arguments).contains(text)
    };
    pids.filter(holds).collect()
}

#[test]
fn a_test_whose_program_is_missing_passes_and_says_loudly_that_it_is_skipped() {
    let test = "real_cli::a_prompt_of_100_kb_arrives_byte_for_byte";
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test]).env("PATH", "/nowhere");
    command.env_remove("LAMPLIGHTER_TEST_CLAUDE").env_remove("LAMPLIGHTER_NO_SKIP");
    let done = command.output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{said}");
    assert!(said.contains(&format!("SKIPPED {test}: it needs Claude Code")), "{said}");
}
