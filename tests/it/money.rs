//! Money: what a run has cost is in the books however it ends, and never twice.

use crate::support::desk::{Desk, transcript, until_said};
use crate::support::office::{Office, stub};
use crate::support::{START, now, until};
use lamplighter::actions::Call;
use lamplighter::actions::sessions::{SessionTrigger, trigger};
use lamplighter::clock::Clock;
use lamplighter::model::{
    Actor, Cost, Gate, JobId, Kind, NewJob, NewSchedule, Plan, PromptValues, Queue, Rule,
    RunEnding, ScheduleName, SessionRequest, Spend, Status, WaitsFor,
};
use lamplighter::sessions::{self, Asked};
use lamplighter::store::Store;
use serde_json::json;
use std::path::Path;
use std::time::{Duration, Instant};

/// Waits until somebody ends it.
const WAITS: &str = "echo here; sleep 98765; sleep 98765";

/// What the books say of all days: dollars, runs, and those of them that may have cost more.
async fn books(store: &Store) -> (f64, u64, u64) {
    let rows: Vec<Spend> = store.spend_since(0).await.unwrap();
    rows.iter().fold((0.0, 0, 0), |(usd, runs, at_least), row| {
        (usd + row.cost_usd, runs + row.runs, at_least + row.at_least)
    })
}

async fn cost(store: &Store, id: JobId) -> (RunEnding, Option<Cost>) {
    let run = store.session(id).await.unwrap().unwrap().run.unwrap();
    (run.ending.unwrap(), run.cost())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_tells_what_it_has_cost() {
    let office = Office::open(Clock::system());
    let told = office.ask(&format!("on_int 1.5; {WAITS}")).await;
    until_said(&office.store, told, "here").await;
    let begun = Instant::now();
    office.store.cancel(told, Actor::cli(), now()).await.unwrap();
    office.until(told, Status::Cancelled).await;
    println!("stopped after {:?}", begun.elapsed());
    let expected = (RunEnding::Cancelled, Some(Cost::exactly(1.5)));
    assert_eq!(cost(&office.store, told).await, expected);

    // One that has no word for it has cost at least what its messages did.
    let mute = office.ask(&format!("message a 1000000; message b 500000; {WAITS}")).await;
    until_said(&office.store, mute, "here").await;
    office.store.cancel(mute, Actor::cli(), now()).await.unwrap();
    office.until(mute, Status::Cancelled).await;
    let expected = (RunEnding::Cancelled, Some(Cost::at_least(1.5)));
    assert_eq!(cost(&office.store, mute).await, expected);
    let run = office.store.session(mute).await.unwrap().unwrap().run.unwrap();
    assert_eq!((run.num_turns, run.input_tokens), (Some(2), Some(1_500_000)));
    assert_eq!(books(&office.store).await, (3.0, 2, 1));
    office.engine.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_ends_with_the_server_or_by_itself_without_a_report_is_in_the_books() {
    let office = Office::open(Clock::system());
    let broken = office.ask("message a 1000000; exit 3").await;
    office.until(broken, Status::Failed).await;
    let expected = (RunEnding::NoReport, Some(Cost::at_least(1.0)));
    assert_eq!(cost(&office.store, broken).await, expected);
    let runs = office.ask(&format!("on_int 0.75; {WAITS}")).await;
    until_said(&office.store, runs, "here").await;
    let store = office.store.clone();
    office.engine.stop(Duration::ZERO).await;
    let expected = (RunEnding::Interrupted, Some(Cost::exactly(0.75)));
    assert_eq!(cost(&store, runs).await, expected);
    assert_eq!(books(&store).await, (1.75, 2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_kill_9_the_books_have_what_the_transcript_tells_once() {
    let files = tempfile::tempdir().unwrap();
    let mut desk = Desk::start(&stub(files.path(), "2.1.329"), &[]);
    let begin = r#"echo '{"type":"stream_event","event":{"type":"message_start","message":{"id":"b","model":"claude-haiku-4-5","usage":{"input_tokens":500000}}}}'"#;
    // A line of the agent is a line of the agent, whatever our own lines look like.
    let mark = r#"echo '{"type":"run","attempt":2}'"#;
    let script = format!("message a 1000000; {mark}; {begin}; {WAITS}");
    let id = desk.enqueue(&json!({"prompt": script, "profile": "full"}));
    until_said(&desk.store, id, "here").await;
    for _ in 0..2 {
        desk.server.take().unwrap().kill();
        desk.serve();
        desk.ends(id, ("failed", "interrupted", Some("JOB-RUN-004"))).await;
    }
    let session = desk.session(id);
    assert_eq!((&session["cost_usd"], &session["cost_at_least"]), (&json!(1.5), &json!(true)));
    assert_eq!(books(&desk.store).await, (1.5, 1, 1));
    let shown = desk.ask(&["sessions", "show", &id.to_string()]);
    assert!(shown.contains("at least $1.50"), "{shown}");
    let kept = transcript(&desk.store, id).await;
    assert!(!kept.contains("stream_event"), "a part of an answer is a sign of life only: {kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_ends_a_run_that_goes_on_beyond_its_budget_or_its_turns() {
    let office = Office::open(Clock::system());
    office.set("agent.budget_run_usd", 1.5);
    let reports = "n=1; while [ $n -lt 30 ]; do result $n.0 so-far; message m$n 1; n=$((n+1)); sleep 0.05; done";
    let dear = "n=1; while [ $n -lt 30 ]; do message m$n 1000000; n=$((n+1)); sleep 0.05; done";
    let long = "n=1; while [ $n -lt 90 ]; do message m$n 1; n=$((n+1)); sleep 0.02; done";
    for (script, ending, most) in [
        (reports, RunEnding::Budget, 2.5),
        (dear, RunEnding::Budget, 3.5),
        (long, RunEnding::MaxTurns, 0.01),
    ] {
        let id = office.ask(&format!("on_int 2.25; {script}")).await;
        office.until(id, Status::Failed).await;
        let (found, cost) = cost(&office.store, id).await;
        assert_eq!(found, ending, "{script}");
        println!("{script:.40}: {ending} at {cost:?}, {most}");
        if script == dear {
            // What it reported when it was ended has no tokens, its messages had a million each.
            let session = office.store.session(id).await.unwrap().unwrap();
            let run = session.run.unwrap();
            assert!(run.input_tokens.is_some_and(|read| read >= 2_000_000), "{run:?}");
            let told = run.count(run.input_tokens).unwrap();
            assert_eq!(told, format!("at least {}", run.input_tokens.unwrap()));
        }
    }
    // One that ends by itself is done, and it stands beside it that it was dear.
    let id = office.ask("result 31.0 done").await;
    let run = office.done(id).await.run.unwrap();
    let note = run.note.unwrap();
    assert!(note.contains("$31.00, more than its budget of $1.50"), "{note}");
    office.engine.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_was_replaced_in_place_is_looked_at_anew() {
    let office = Office::open(Clock::system());
    let first = office.ask("result 0.1 x").await;
    let run = office.done(first).await.run.unwrap();
    assert_eq!(run.agent_version.as_deref(), Some("2.1.329"));
    stub(office.folder.path(), "2.1.330");
    let run = office.ask("result 0.1 x").await;
    let run = office.done(run).await.run.unwrap();
    assert_eq!(run.agent_version.as_deref(), Some("2.1.330"));
    stub(office.folder.path(), "2.1.100");
    let refused = office.ask("result 0.1 x").await;
    let waits = office.until(refused, Status::Scheduled).await.progress.unwrap();
    assert!(waits.contains("2.1.100; 2.1.128 or newer is needed"), "{waits}");
    office.engine.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_a_limit_parked_goes_on_after_a_persons_pause_and_resume() {
    let office = Office::open(Clock::manual(START));
    let retry = r#"{"type":"system","subtype":"api_retry","attempt":1,"max_retries":10,"retry_delay_ms":3600000,"error_status":429,"error":"rate_limit"}"#;
    let script = format!(
        "if [ -e $KEPT/met.jsonl ]; then result 0.2 fine; else touch $KEPT/met.jsonl; echo '{retry}'; sleep 98765; fi"
    );
    let id = office.ask(&script).await;
    office.until(id, Status::Scheduled).await;
    let (agent, ada) = (|| Queue::AGENT, Actor::cli);
    office.store.pause_queue(agent(), "hands off".into(), None, ada(), START).await.unwrap();
    assert!(office.store.resume_queue(agent(), ada(), START).await.unwrap());
    office.done(id).await;
    office.engine.stop(Duration::ZERO).await;
}

/// What the answer to a request for a session says.
async fn said(office: &Office, request: SessionRequest) -> (JobId, String) {
    let asked = SessionTrigger { request, ..SessionTrigger::default() };
    let call = Call::by_owner(now());
    let answer = trigger(&office.store, &call, asked).await.unwrap();
    (JobId(answer.value.id), answer.sentence)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_not_said_to_start_now_while_others_have_the_money_or_its_folder() {
    let office = Office::open(Clock::system());
    office.store.set_queue_limit(Queue::AGENT, Some(3), Actor::cli(), now()).await.unwrap();
    let (shop, go) = (tempfile::tempdir().unwrap(), office.folder.path().join("go"));
    let inner = shop.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    let waits =
        format!("echo here; while ! [ -e {} ]; do sleep 0.02; done; result 0 x", go.display());
    let ask = |script: &str, folder: &Path| SessionRequest {
        profile: Some("workspace".to_owned()),
        working_dir: Some(folder.to_owned()),
        ..SessionRequest::of(script)
    };
    let (first, _) = said(&office, ask(&waits, &inner)).await;
    // By then the engine has said which kinds it runs.
    until_said(&office.store, first, "here").await;
    let (second, kept) = said(&office, ask("result 0 y", shop.path())).await;
    let held = format!("session {first} may write in {} until it is over", inner.display());
    assert!(kept.starts_with(&format!("Session {second} is queued")), "{kept}");
    assert!(kept.contains(&format!("[AGENT-FOLDER-001] {held}.")), "{kept}");
    office.until(second, Status::Scheduled).await;
    let why = office.store.why(second, now()).await.unwrap().unwrap();
    assert_eq!(why.gates.iter().map(Gate::word).collect::<Vec<_>>(), ["folder_held"], "{why}");
    assert_eq!(why.gates[0].holders(), [first]);

    let budget = vec![("agent.budget_day_usd", Some(json!(2.0)))];
    office.store.change_settings(budget, Actor::cli(), now()).await.unwrap();
    let (third, kept) = said(&office, SessionRequest::of("result 0 z")).await;
    let held = "The runs that are under way may use up what is left of a budget: $2.00 are set aside for them.";
    assert!(kept.starts_with(&format!("Session {third} is queued")), "{kept}");
    assert!(kept.ends_with(held), "{kept}");
    office.until(third, Status::Scheduled).await;
    let why = office.store.why(third, now()).await.unwrap().unwrap();
    assert_eq!(why.to_string(), held, "the pages and `jobs why` say the same");
    std::fs::write(&go, "").unwrap();
    office.done(first).await;
    office.engine.stop(Duration::ZERO).await;
}

/// Has the stub spend all that it may: `$b`.
const BUDGET: &str = r#"b=$(echo "$*" | sed 's/.*--max-budget-usd \([0-9.]*\).*/\1/')"#;

#[tokio::test(flavor = "multi_thread")]
async fn three_at_once_share_what_is_left_of_the_day() {
    let office = Office::open(Clock::system());
    let budget = async |usd: f64| {
        let change = vec![("agent.budget_day_usd", Some(json!(usd)))];
        office.store.change_settings(change, Actor::cli(), now()).await.unwrap();
    };
    budget(3.0).await;
    office.store.set_queue_limit(Queue::AGENT, Some(3), Actor::cli(), now()).await.unwrap();
    let go = office.folder.path().join("go");
    let script = format!(
        "{BUDGET}; echo here; while ! [ -e {} ]; do sleep 0.02; done; result $b x",
        go.display()
    );
    let ids = [office.ask(&script).await, office.ask(&script).await];
    for id in ids {
        until_said(&office.store, id, "here").await;
    }
    let third = office.ask(&script).await;
    let waits = office.until(third, Status::Scheduled).await;
    let why = waits.progress.unwrap();
    assert!(why.contains("$3.00 are set aside"), "{why}");
    office.store.cancel(third, Actor::cli(), now()).await.unwrap();
    std::fs::write(&go, "").unwrap();
    let mut costs = Vec::new();
    for id in ids {
        costs.push(office.done(id).await.run.unwrap().cost_usd.unwrap());
    }
    costs.sort_by(f64::total_cmp);
    assert_eq!(costs, [1.0, 2.0]);
    assert!((books(&office.store).await.0 - 3.0).abs() < 1e-9, "never over the day");
    // What a run leaves of its part is there for the next one.
    budget(4.0).await;
    let cheap = office.ask("result 0.25 x").await;
    office.done(cheap).await;
    let rest = office.ask(&format!("{BUDGET}; result $b x")).await;
    let rest = office.done(rest).await.run.unwrap().cost_usd.unwrap();
    assert!((rest - 0.75).abs() < 1e-9, "{rest}");
    office.engine.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_a_person_runs_now_is_held_by_its_budget() {
    let clock = Clock::manual(START);
    let office = Office::open(clock.clone());
    let payload = json!({"prompt": "result 0.3 x", "budget_day_usd": 0.25});
    let rule = Rule::every(60 * 24, START.plus(Duration::from_hours(5))).unwrap();
    let plan = Plan { payload: payload.into(), ..Plan::new(rule, Kind::AGENT_SESSION) };
    let name = ScheduleName::parse("checks").unwrap();
    let new = NewSchedule { name: name.clone(), plan };
    office.store.create_schedule(new, Actor::cli(), START).await.unwrap();
    let run_now = async || {
        office
            .store
            .run_schedule_now(name.clone(), PromptValues::new(), Actor::cli(), None, clock.now())
            .await
            .unwrap()
    };
    office.done(run_now().await).await;
    let second = run_now().await;
    office.until(second, Status::Scheduled).await;
    let rows = office.store.spend_since(0).await.unwrap();
    assert_eq!((rows.len(), rows[0].schedule_id), (1, Some(1)), "{rows:?}");
    office.engine.stop(Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_session_that_would_write_in_a_folder_waits_for_the_first() {
    let office = Office::open(Clock::system());
    office.store.set_queue_limit(Queue::AGENT, Some(3), Actor::cli(), now()).await.unwrap();
    let shop = tempfile::tempdir().unwrap();
    let ask = async |script: &str, profile: &str| {
        let request = SessionRequest {
            profile: Some(profile.to_owned()),
            working_dir: Some(shop.path().to_owned()),
            ..SessionRequest::of(script)
        };
        let asked = Asked::by(Actor::cli());
        sessions::request(&office.store, request, asked, now()).await.unwrap()
    };
    let first =
        ask("echo here; while ! [ -e go ]; do sleep 0.02; done; result 0 x", "workspace").await;
    until_said(&office.store, first, "here").await;
    let second = ask("result 0 y", "workspace").await;
    until(&office.store, second, |job| job.waits_for == Some(WaitsFor::Key)).await;
    let why = office.store.why(second, now()).await.unwrap().unwrap().to_string();
    let folder = format!("folder {}", shop.path().display());
    assert!(why.contains(&folder) && why.contains(&first.to_string()), "{why}");
    office.done(ask("result 0 z", "read-only").await).await;
    // What a session may do that names no profile, its tier says: here also of one that follows a batch.
    let writes = vec![("agent.tier_1_profile", Some(json!("workspace")))];
    office.store.change_settings(writes, Actor::cli(), now()).await.unwrap();
    let by_tier = NewJob {
        payload: json!({"prompt": "result 0 v", "tier": 1, "working_dir": shop.path()}).into(),
        ..NewJob::new(Kind::AGENT_SESSION)
    };
    let alone = office.store.enqueue(by_tier.clone(), now()).await.unwrap().id();
    let batch = office.store.open_batch("mend".into(), Some(by_tier), now()).await.unwrap();
    let then = office.store.close_batch(batch, now()).await.unwrap().then_id.unwrap();
    for id in [alone, then] {
        until(&office.store, id, |job| job.waits_for == Some(WaitsFor::Key)).await;
    }
    std::fs::write(shop.path().join("go"), "").unwrap();
    for id in [second, alone, then] {
        office.done(id).await;
    }
    office.engine.stop(Duration::ZERO).await;
}
