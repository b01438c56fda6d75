//! Sessions of a stub agent, whose prompts are shell scripts: what is recorded, what runs when, and what it may cost.

use crate::support::desk::{Desk, transcript, until_said};
use crate::support::office::{Office, stub};
use crate::support::server::{Browser, Server};
use crate::support::{START, foreign, in_time, now, open, until};
use lamplighter::clock::Clock;
use lamplighter::model::{
    Actor, JobId, Kind, KindRules, NewJob, NewSchedule, Plan, Queue, Readiness, Rule, RunEnding,
    ScheduleName, SessionRequest, Status, Trigger, Verdict,
};
use lamplighter::sessions;
use lamplighter::store::Store;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Has the stub, resumed, say what it is asked then.
const RESUMED: &str = r#"echo 'result 0.1 "resumed and asked: $(cat)"' > $KEPT/resumed.jsonl"#;
/// Has the stub use a tool.
const TOOL: &str = r#"echo '{"type":"assistant","message":{"content":[{"type":"tool_use","id":"t","name":"Bash","input":{"command":"x"}}]}}'"#;

#[tokio::test(flavor = "multi_thread")]
async fn after_kill_9_what_ran_has_failed_and_what_waited_runs_once_and_in_order() {
    let files = tempfile::tempdir().unwrap();
    let mut desk = Desk::start(&stub(files.path(), "2.1.329"), &[]);
    let order = files.path().join("order");
    let full = |script: &str| desk.enqueue(&json!({"prompt": script, "profile": "full"}));
    let first = full(&format!(
        "{RESUMED}; {TOOL}; echo said-before-the-end; sleep 98761 & sleep 98761; result 0 never"
    ));
    let ids: Vec<_> = (0..5)
        .map(|n| {
            // Counts what is left of the first, in words that its own arguments do not hold.
            let left = "$(grep -sl 9876[1] /proc/[0-9]*/cmdline | wc -l)";
            full(&format!("echo {n} >> {}; result 0.1 {left}", order.display()))
        })
        .collect();
    until_said(&desk.store, first, "said-before").await;
    desk.server.take().unwrap().kill();
    desk.serve();
    desk.ends(first, ("failed", "interrupted", Some("JOB-RUN-004"))).await;
    let mut started = desk.job(first)["started_at"].as_str().unwrap().to_owned();
    for id in &ids {
        let session = desk.ends(*id, ("completed", "done", None)).await;
        assert_eq!(session["response"], "0", "processes of the first were left");
        let next = session["started_at"].as_str().unwrap().to_owned();
        assert!(next > started, "{next} after {started}");
        started = next;
    }
    assert_eq!(fs::read_to_string(&order).unwrap(), "0\n1\n2\n3\n4\n");
    let kept = transcript(&desk.store, first).await;
    assert!(kept.contains("said-before-the-end"), "{kept}");

    let next = desk.trigger(&["and then?", "--continues", &first.to_string(), "--confirm", "full"]);
    let session = desk.ends(next, ("completed", "done", None)).await;
    assert_eq!(session["response"], "resumed and asked: and then?");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_started_beside_the_original_touches_nothing_of_it() {
    let files = tempfile::tempdir().unwrap();
    let mut desk = Desk::start(&stub(files.path(), "2.1.329"), &[]);
    let go = files.path().join("go");
    let wait = format!("while ! [ -e {} ]; do sleep 0.02; done", go.display());
    let script = format!("{RESUMED}; echo here; {wait}; result 0.25 end");
    let id = desk.enqueue(&json!({"prompt": script, "profile": "full"}));
    until_said(&desk.store, id, "here").await;
    let copied = tempfile::tempdir().unwrap();
    let path = copied.path().join("lamplighter.db");
    let copy = foreign(desk.folder.path());
    copy.execute("VACUUM INTO ?1", [path.to_str().unwrap()]).unwrap();

    let server = Server::start(copied.path(), &[]);
    let store = open(copied.path());
    let heard = store.clone();
    let watching = tokio::spawn(async move { heard.watch_foreign_commits().await });
    let there = until(&store, id, |job| job.status.is_final()).await;
    assert_eq!((there.status, there.error_code.as_deref()), (Status::Failed, Some("JOB-RUN-004")));
    let session = store.session(id).await.unwrap().unwrap();
    assert_eq!(session.run.unwrap().ending, Some(RunEnding::Interrupted));
    assert_eq!(server.terminate(), Some(0));
    watching.abort();

    fs::write(&go, "").unwrap();
    let session = desk.ends(id, ("completed", "done", None)).await;
    assert_eq!(session["response"], "end");
    assert!(!desk.server.as_mut().unwrap().has_ended(), "the original works on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_engine_ends_the_running_session_and_leaves_the_waiting_one() {
    let office = Office::open(Clock::system());
    let runs = office.ask("echo here; sleep 98762 & sleep 98762").await;
    let waits = office.ask("result 0 later").await;
    office.until(runs, Status::Running).await;
    until_said(&office.store, runs, "here").await;
    let begun = Instant::now();
    office.engine.stop(Duration::ZERO).await;
    println!("stopped after {:?}", begun.elapsed());
    let session = office.store.session(runs).await.unwrap().unwrap();
    assert_eq!(
        (session.status, session.error_code.as_deref()),
        (Status::Failed, Some("JOB-RUN-004"))
    );
    assert_eq!(session.run.unwrap().ending, Some(RunEnding::Interrupted));
    let waiting = office.store.job(waits).await.unwrap().unwrap();
    assert_eq!((waiting.status, waiting.attempt), (Status::Queued, 0));
    let left = fs::read_dir("/proc").unwrap().filter_map(Result::ok).filter(|folder| {
        fs::read(folder.path().join("cmdline")).unwrap_or_default() == b"sleep\x0098762\0"
    });
    assert_eq!(left.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_takes_milliseconds_while_a_run_holds_the_slot() {
    let office = Office::open(Clock::system());
    let holds = office.ask("while :; do echo busy; sleep 0.01; done").await;
    office.until(holds, Status::Running).await;
    let mut waits = Vec::new();
    for _ in 0..200 {
        let begun = Instant::now();
        office.ask("result 0 x").await;
        waits.push(begun.elapsed());
    }
    waits.sort();
    println!("a trigger while a run holds the slot: p50 {:?}, p99 {:?}", waits[100], waits[198]);
    assert_eq!(office.store.job(holds).await.unwrap().unwrap().status, Status::Running);
    let ahead = office.store.sessions_ahead(JobId(holds.0 + 200)).await.unwrap();
    assert_eq!(ahead, 200, "the run and 199 before it");
    office.engine.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_keeps_what_is_no_event_and_no_secret() {
    let office = Office::open(Clock::system());
    let key = "sk-ant-api03-";
    let rest = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AA";
    let id = office
        .ask(&format!(
            "printf 'no json: \\377\\376\\n{{\"type\":\"of tomorrow\",\"x\":1}}\\n'
             printf 'first half {key}'; sleep 0.4; printf '{rest}\\n'; echo 'to stderr {key}{rest}' >&2
             head -c 10000000 /dev/zero | tr '\\0' x; echo
             head -c 12000000 /dev/zero | tr '\\0' y; echo
             result 0.1 'the key is {key}{rest}'; printf 'without an end'"
        ))
        .await;
    let session = office.done(id).await;
    let kept = transcript(&office.store, id).await;
    let run = session.run.unwrap();
    assert_eq!(run.transcript_bytes, kept.len() as u64);
    assert_eq!(run.transcript_lines, kept.lines().count() as u64);
    assert_eq!(run.transcript_dropped, 0);
    let line = |start: &str| kept.lines().find(|line| line.starts_with(start)).unwrap();
    assert_eq!(line("no json"), "no json: \u{fffd}\u{fffd}");
    assert_eq!(line("{\"type\":\"of"), "{\"type\":\"of tomorrow\",\"x\":1}");
    assert_eq!(line("xxx").len(), 10_000_000);
    assert!(line("yyy").ends_with("y… (cut, 1514240 bytes dropped)"), "{:.80}", line("yyy"));
    assert_eq!(line("without"), "without an end");
    assert_eq!(line("first half"), "first half [redacted]");
    assert!(kept.contains("\"text\":\"to stderr [redacted]\""), "{}", line("{\"text"));
    assert_eq!(run.response.as_deref(), Some("the key is [redacted]"));
    assert!(!kept.contains(&rest[..10]));
    office.engine.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_words_of_a_run_are_cut_after_their_secrets_are_gone() {
    let office = Office::open(Clock::system());
    let key = "sk-ant-api03-";
    let rest = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AA";
    // The last 4 KB of the line begin in the middle of the key.
    let line = format!("printf '%s' '{key}{rest}' >&2; printf ' words%.0s' $(seq 677) >&2; exit 3");
    let id = office.ask(&line).await;
    let job = office.until(id, Status::Failed).await;
    let error = job.error.unwrap();
    assert!(error.contains("exit code 3") && error.contains(" words words"), "{error}");
    assert!(!error.contains("AA words") && !error.contains(&rest[50..60]), "{error}");
    office.engine.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_ends_at_50_mb_and_says_so() {
    let office = Office::open(Clock::system());
    let million = "head -c 999999 /dev/zero | tr '\\0' x; echo";
    let begun = Instant::now();
    let id = office.ask(&format!("for n in $(seq 55); do {million}; done; result 0.1 all")).await;
    let run = office.done(id).await.run.unwrap();
    println!("55 MB took {:?}", begun.elapsed());
    assert_eq!(run.response.as_deref(), Some("all"), "what is not kept is read all the same");
    assert_eq!(transcript(&office.store, id).await.len() as u64, run.transcript_bytes);
    assert!(run.transcript_bytes <= 50 * 1024 * 1024, "{}", run.transcript_bytes);
    assert!(run.transcript_bytes + run.transcript_dropped > 55_000_000, "{run:?}");
    office.engine.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_refuses_for_a_while_loses_no_line_and_no_cost() {
    let office = Office::open(Clock::system());
    let go = office.folder.path().join("go");
    let wait = format!("while ! [ -e {} ]; do sleep 0.02; done", go.display());
    let id =
        office.ask(&format!("echo before; {wait}; seq 5000; sleep 0.6; result 0.25 end")).await;
    let conn = foreign(office.folder.path());
    until_said(&office.store, id, "before").await;
    let refuse = "CREATE TRIGGER no_piece BEFORE INSERT ON transcript_pieces BEGIN SELECT raise(ABORT, 'no'); END;
                  CREATE TRIGGER no_end BEFORE UPDATE OF ended_at ON sessions BEGIN SELECT raise(ABORT, 'no'); END;";
    conn.execute_batch(refuse).unwrap();
    fs::write(&go, "").unwrap();
    // Long enough for the run to end meanwhile.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let held = transcript(&office.store, id).await;
    assert_eq!(office.store.job(id).await.unwrap().unwrap().status, Status::Running);
    conn.execute_batch("DROP TRIGGER no_piece; DROP TRIGGER no_end").unwrap();
    let session = office.done(id).await;
    let kept = transcript(&office.store, id).await;
    assert!(held.len() < kept.len());
    let numbers = kept.lines().filter(|line| line.parse::<u32>().is_ok()).count();
    assert_eq!((numbers, kept.lines().count()), (5000, 5003), "init, before, 5000, the report");
    assert_eq!(session.run.unwrap().cost_usd, Some(0.25));
    let spent = office.store.spent(None, now()).await.unwrap().0;
    assert!((spent.day - 0.25).abs() < 1e-9, "{spent:?}");
    office.engine.stop(Duration::ZERO).await;
}

/// A run that a budget forbids does not start (P25).
#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_budget_puts_sessions_off_to_midnight_and_says_so() {
    let clock = Clock::manual(START);
    let office = Office::open(clock.clone());
    office.set("agent.budget_day_usd", 1.0);
    for cost in ["0.7", "0.3"] {
        let id = office.ask(&format!("result {cost} x")).await;
        office.done(id).await;
    }
    let late = office.ask("result 0.5 y").await;
    let job = office.until(late, Status::Scheduled).await;
    assert_eq!(job.run_at.to_string(), "2027-01-16T00:00:00.000Z", "START is the 15th");
    let event = office.store.job_events(late).await.unwrap().pop().unwrap();
    assert_eq!((event.cause_word(), event.to), ("budget", Status::Scheduled));
    let why = office.store.why(late, clock.now()).await.unwrap().unwrap().to_string();
    assert!(why.contains("the budget of today, $1.00, is used up ($1.00)"), "{why}");
    clock.advance(job.run_at.since(clock.now()));
    assert_eq!(office.done(late).await.run.unwrap().cost_usd, Some(0.5));
    let days: Vec<_> = office.store.spend_since(0).await.unwrap();
    let days: Vec<_> = days.iter().map(|day| (day.kind.as_str(), day.cost_usd, day.runs)).collect();
    assert_eq!(days, [("agent_session", 0.5, 1), ("agent_session", 1.0, 2)]);
    office.engine.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_larger_budget_lets_those_go_that_the_old_one_put_off() {
    let clock = Clock::manual(START);
    let office = Office::open(clock.clone());
    office.set("agent.budget_day_usd", 1.0);
    let id = office.ask("result 1.5 x").await;
    office.done(id).await;
    let late = office.ask("result 0.5 y").await;
    office.until(late, Status::Scheduled).await;
    let more = Some(json!(5.0));
    let changes = vec![("agent.budget_day_usd", more)];
    let set = office.store.change_settings(changes, Actor::cli(), clock.now());
    set.await.unwrap();
    assert_eq!(office.done(late).await.run.unwrap().cost_usd, Some(0.5));
    office.engine.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_transcript_goes_in_slices_before_its_session() {
    let clock = Clock::manual(START);
    let office = Office::open(clock.clone());
    let script = "head -c 15000000 /dev/zero | tr '\\0' x | fold -w 1000; echo; result 0.1 x";
    let id = office.ask(script).await;
    office.done(id).await;
    office.engine.stop(Duration::ZERO).await;
    let later = clock.now().plus(Duration::from_hours(4 * 24));
    let days = |days: u64| {
        let (by, now) = (Actor::cli(), clock.now());
        let changes = vec![("retention.agent_session_days", Some(json!(days)))];
        office.store.change_settings(changes, by, now)
    };
    let keeps: Arc<[KindRules]> = [sessions::rules()].into();
    days(5).await.unwrap();
    assert!(!office.store.prune(keeps, later).await.unwrap(), "an operator keeps it for five days");
    days(3).await.unwrap();
    let kinds: Arc<[KindRules]> = [sessions::rules()].into();
    let pieces =
        |store: Store| async move { store.transcript(id, 0, u64::MAX / 4).await.unwrap().len() };
    let before = pieces(office.store.clone()).await;
    assert!(before > 200, "{before}");
    assert!(office.store.prune(kinds.clone(), later).await.unwrap(), "there is more");
    assert_eq!(pieces(office.store.clone()).await, before - 200);
    assert!(
        office.store.job(id).await.unwrap().is_some(),
        "it goes when nothing of its own is left"
    );
    while office.store.prune(kinds.clone(), later).await.unwrap() {}
    assert_eq!(office.store.job(id).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_has_a_budget_of_its_own() {
    let clock = Clock::manual(START);
    let office = Office::open(clock.clone());
    let payload = json!({"prompt": "result 0.3 z", "budget_day_usd": 0.5});
    let rule = Rule::every(60, START).unwrap();
    let plan = Plan { payload: payload.into(), ..Plan::new(rule, Kind::AGENT_SESSION) };
    let new = NewSchedule { name: ScheduleName::parse("checks").unwrap(), plan };
    office.store.create_schedule(new, Actor::cli(), START).await.unwrap();
    for id in [1, 2] {
        let session = office.done(JobId(id)).await;
        assert_eq!(session.run.unwrap().prompt_text.as_deref(), Some("result 0.3 z"));
        clock.advance(Duration::from_hours(1));
    }
    let late = office.until(JobId(3), Status::Scheduled).await;
    assert_eq!(late.run_at.to_string(), "2027-01-16T00:00:00.000Z");
    // Not by `why`: after an hour's jump of the clock the engine may not have said that it is alive.
    let why = office.store.job_events(late.id).await.unwrap().pop().unwrap().detail.unwrap();
    assert!(why.contains("its schedule for today, $0.50, is used up ($0.60)"), "{why}");
    let of = late.occurrence.unwrap();
    let decision = &office.store.schedule_decisions(of.schedule_id, 1).await.unwrap()[0];
    assert_eq!(decision.decision, Verdict::OverBudget);
    // Nobody else's: the day's own budget has room.
    let other = office.ask("result 0.1 other").await;
    office.done(other).await;
    office.engine.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_over_by_itself() {
    let clock = Clock::manual(START);
    let office = Office::open(clock.clone());
    let retry = r#"{"type":"system","subtype":"api_retry","attempt":1,"max_retries":10,"retry_delay_ms":3600000,"error_status":429,"error":"rate_limit"}"#;
    let script = format!(
        "if [ -e $KEPT/met.jsonl ]; then result 0.2 fine; else touch $KEPT/met.jsonl; echo '{retry}'; sleep 98763; fi"
    );
    let id = office.ask(&script).await;
    let job = office.until(id, Status::Scheduled).await;
    assert_eq!(job.run_at, START.plus(Duration::from_hours(1)));
    let said = "[AGENT-LIMIT-001] The limit of the model's service is reached";
    assert!(job.progress.is_some_and(|progress| progress.starts_with(said)), "not its last try");
    let why = office.store.why(id, START).await.unwrap().unwrap().to_string();
    assert!(why.contains(said), "{why}");
    let queues = office.store.queues().await.unwrap();
    let agents = queues.into_iter().find(|queue| queue.name == Queue::AGENT).unwrap();
    assert_eq!(agents.pause.unwrap().resume_at, Some(job.run_at));
    let behind = office.ask("result 0.1 behind").await;
    clock.advance(Duration::from_mins(59));
    assert_eq!(office.store.job(behind).await.unwrap().unwrap().status, Status::Queued);
    clock.advance(Duration::from_mins(1));
    let session = office.done(id).await;
    assert_eq!(session.run.unwrap().response.as_deref(), Some("fine"));
    office.done(behind).await;
    let marks = transcript(&office.store, id).await;
    assert!(marks.contains(r#"{"attempt":"#) && marks.contains(r#""type":"run""#), "{marks}");
    office.engine.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_a_limit_interrupted_goes_on_where_it_was_with_what_is_left_of_its_budget() {
    let clock = Clock::manual(START);
    let office = Office::open(clock.clone());
    let script = r#"
cat > $KEPT/resumed.jsonl <<'END'
case "$*" in *"--max-budget-usd 1.5 "*) result 0.9 "$(cat)" ;; *) result 0.9 "$*" ;; esac
END
echo '{"type":"assistant","message":{"content":[{"type":"tool_use","id":"t","name":"Bash","input":{"command":"x"}}]}}'
echo '{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"total_cost_usd":0.5,"num_turns":1,"duration_ms":1,"result":"API Error: Request rejected (429)","session_id":"67cf1229-f18b-4200-b873-0881f221331e"}'
exit 1"#;
    let id = office.ask(script).await;
    let parked = office.until(id, Status::Scheduled).await;
    let run = office.store.session(id).await.unwrap().unwrap().run.unwrap();
    assert_eq!((run.ending, run.cost_usd), (Some(RunEnding::Limit), Some(0.5)));
    assert!(parked.run_at > clock.now());
    // Whoever resumes the queue says that the limit is lifted.
    assert!(office.store.resume_queue(Queue::AGENT, Actor::cli(), clock.now()).await.unwrap());
    let run = office.done(id).await.run.unwrap();
    let response = run.response.unwrap();
    assert!(response.starts_with("The limit of the model's service"), "{response}");
    assert_eq!(run.cost_usd, Some(0.9), "of both attempts, counted once");
    assert_eq!(run.prompt_text.as_deref(), Some(script));
    let spent = office.store.spent(None, clock.now()).await.unwrap().0.day;
    assert!((spent - 0.9).abs() < 1e-9, "{spent}");
    office.engine.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_asks_for_goes_before_what_a_schedule_made_and_can_be_cancelled() {
    let office = Office::open(Clock::system());
    let holds = "echo here; while ! [ -e $HOME/go ]; do sleep 0.02; done; result 0 x";
    let holds = office.ask(holds).await;
    until_said(&office.store, holds, "here").await;
    let scheduled =
        NewJob::untyped(Kind::AGENT_SESSION, &SessionRequest::of("result 0 s")).unwrap();
    let scheduled = NewJob { trigger: Trigger::Scheduled, ..scheduled };
    let scheduled = office.store.enqueue(scheduled, now()).await.unwrap().id();
    let ids = [office.ask("result 0 a").await, office.ask("result 0 b").await];
    let cancelled = office.ask("result 0 c").await;
    until(&office.store, cancelled, |job| job.waits_for.is_none()).await;
    let ahead = async |id| office.store.sessions_ahead(id).await.unwrap();
    let places =
        [ahead(ids[0]).await, ahead(ids[1]).await, ahead(cancelled).await, ahead(scheduled).await];
    assert_eq!(places, [1, 2, 3, 4]);
    office.store.cancel(cancelled, Actor::cli(), now()).await.unwrap();
    let home = office.folder.path().join("jobs").join(holds.to_string()).join("home");
    fs::write(home.join("go"), "").unwrap();
    let mut started = Vec::new();
    for id in [holds, ids[0], ids[1], scheduled] {
        started.push(office.done(id).await.started_at);
    }
    assert!(started.is_sorted(), "{started:?}");
    let session = office.store.session(cancelled).await.unwrap().unwrap();
    assert_eq!((session.status, session.run), (Status::Cancelled, None));
    office.engine.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_ask_makes_a_session_and_the_view_tells_all_of_it() {
    let files = tempfile::tempdir().unwrap();
    let mut desk = Desk::start(&stub(files.path(), "2.1.128"), &[]);
    desk.set("agent.budget_day_usd", &json!(1));
    let prompts = desk.folder.path().join("prompts");
    fs::create_dir(&prompts).unwrap();
    fs::write(prompts.join("health_check.md"), "result 0.4 healthy").unwrap();
    let done = ("completed", "done", None);

    let twice = ["result 0.1 typed", "--tier", "2", "--model", "opus", "--idempotency-key", "k"];
    let typed = desk.trigger(&twice);
    assert_eq!(desk.trigger(&twice), typed);
    desk.ends(typed, done).await;
    let conn = foreign(desk.folder.path());
    let insert = r#"INSERT INTO jobs (kind, payload) VALUES ('agent_session', '{"prompt":"result 0.2 inserted"}')"#;
    conn.execute_batch(insert).unwrap();
    let inserted = JobId(conn.last_insert_rowid());
    desk.ends(inserted, done).await;
    let payload = r#"{"prompt_file":"health_check"}"#;
    let add =
        ["schedules", "add", "checks", "--every", "60", "--kind", "agent_session", "--payload"];
    desk.ask(&[add.as_slice(), &[payload]].concat());
    let scheduled = JobId(inserted.0 + 1);
    desk.ends(scheduled, done).await;
    let again = JobId(desk.ask(&["jobs", "retry", &typed.to_string()]).parse().unwrap());
    let session = desk.ends(again, done).await;
    assert_eq!((&session["trigger"], &session["parent_id"]), (&json!("retry"), &json!(typed.0)));
    let wrong = desk.trigger(&["echo oh >&2; exit 3"]);
    let session = desk.ends(wrong, ("failed", "no_report", Some("AGENT-RUN-002"))).await;
    assert!(session["error"].as_str().unwrap().contains("exit code 3: oh"), "{session:#}");

    let sql = "SELECT json_array(tier, model, prompt_file, status, exit_code, response, cost_usd, num_turns, duration_ms,
                   trigger, prompt_text), started_at <= ended_at
               FROM sessions_full ORDER BY id";
    let mut statement = conn.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| {
        assert!(row.get::<_, bool>(1)?);
        row.get::<_, String>(0)
    });
    let rows: Vec<_> = rows.unwrap().map(Result::unwrap).collect();
    for (row, told) in rows.iter().zip([
        r#"[2,"stub-1",null,"completed",0,"typed",0.1,3,42,"manual","result 0.1 typed"]"#,
        r#"[1,"stub-1",null,"completed",0,"inserted",0.2,3,42,"api","result 0.2 inserted"]"#,
        r#"[1,"stub-1","health_check","completed",0,"healthy",0.4,3,42,"scheduled",null]"#,
        r#"[2,"stub-1",null,"completed",0,"typed",0.1,3,42,"retry","result 0.1 typed"]"#,
        r#"[1,"stub-1",null,"failed",3,null,0.0,null,null,"manual","echo oh >&2; exit 3"]"#,
    ]) {
        assert_eq!(row, told);
    }
    assert_eq!(rows.len(), 5);

    assert_eq!(desk.server.take().unwrap().terminate(), Some(0));
    let logs = rusqlite::Connection::open(desk.folder.path().join("logs.db")).unwrap();
    let alarms = "SELECT group_concat(message) FROM logs WHERE message LIKE '[AGENT-BUDGET-001]%'";
    let alarms: String = logs.query_row(alarms, [], |row| row.get(0)).unwrap();
    assert_eq!(alarms, "[AGENT-BUDGET-001] $0.80 of the budget of today, $1.00, are spent");
}

/// Whether the server that runs says that it cannot use the agent program.
async fn unready(store: &Store) -> bool {
    let server = store.server_facts(now()).await.unwrap();
    matches!(server.and_then(|server| server.says.agent), Some(Readiness::NotReady { .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_usable_program_sessions_wait_with_the_reason_and_the_server_serves_on() {
    let files = tempfile::tempdir().unwrap();
    let old = stub(files.path(), "2.1.127");
    // One that never answers is ended after 20 s; until then it holds up nobody but sessions.
    let silent = files.path().join("silent");
    fs::write(&silent, "#!/bin/sh\nsleep 98764").unwrap();
    fs::set_permissions(&silent, fs::Permissions::from_mode(0o755)).unwrap();
    let begun = Instant::now();
    drop(Desk::start(&silent, &[]));
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    for (program, reason) in [
        (Path::new("/nowhere/claude"), "/nowhere/claude is not"),
        (old.as_path(), "is version 2.1.127; 2.1.128 or newer is needed"),
        (Path::new("/bin/true"), "--version tells no version"),
    ] {
        let desk = Desk::start(program, &[]);
        // A person is told at once, as soon as the server has looked; what a program or a schedule has asked for waits.
        let mut changes = desk.store.changes();
        let looked = async {
            while !unready(&desk.store).await {
                changes.changed().await.unwrap();
            }
        };
        in_time(looked).await;
        let refused = desk.refused(&["sessions", "trigger", "result 0 x"]);
        assert!(refused.contains("[AGENT-START-003]") && refused.contains(reason), "{refused}");
        let request =
            SessionRequest { profile: Some("full".into()), ..SessionRequest::of("result 0 x") };
        let session = NewJob::untyped(Kind::AGENT_SESSION, &request).unwrap();
        let id = desk.store.enqueue(session, now()).await.unwrap().id();
        let job = desk.until(id, Status::Scheduled).await;
        let waits = job.progress.unwrap();
        assert!(waits.contains("[AGENT-START-003]") && waits.contains(reason), "{waits}");
        assert_eq!(job.attempt, 0, "no attempt is spent");
        let url = desk.server.as_ref().unwrap().url.clone();
        let answer = tokio::task::spawn_blocking(move || Browser::new(&url).get("/healthz", &[]));
        assert_eq!(answer.await.unwrap().status, 200);
        let scan: i64 = desk.ask(&["run-now"]).parse().unwrap();
        desk.until(JobId(scan), Status::Completed).await;
    }
}
