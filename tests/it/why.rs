//! Why real jobs wait, what a server says of itself, and what is said of jobs that fail.

use crate::support::desk::Desk;
use crate::support::server::program;
use crate::support::{Played, START, foreign, in_time, now, store, until};
use lamplighter::Engine;
use lamplighter::actions::Call;
use lamplighter::actions::settings::{SettingChange, change};
use lamplighter::clock::Clock;
use lamplighter::engine::Context;
use lamplighter::error::Code;
use lamplighter::model::{
    Actor, ConcurrencyKey, Gate, JobError, JobId, Kind, KindRules, NewJob, NewSchedule, Note,
    Opening, Outcome, OverBudget, Plan, ProcessFacts, Queue, Readiness, Rule, ScheduleName,
    Service, Status, Wait, Zone,
};
use lamplighter::monitor::may_scan;
use lamplighter::store::Store;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;
use tokio::sync::mpsc;
use tracing::dispatcher::{DefaultGuard, Dispatch, set_default};
use tracing_subscriber::prelude::*;

const NO_GRACE: Duration = Duration::ZERO;
const HOUR: Duration = Duration::from_hours(1);

fn kind(name: &str) -> Kind {
    Kind::parse(name).unwrap()
}

fn words(gates: &[Gate]) -> Vec<&'static str> {
    gates.iter().map(Gate::word).collect()
}

/// An engine whose kind `work` waits for its key and runs until it is told how to end.
fn worker(store: &Store, clock: &Clock) -> (Engine, mpsc::UnboundedReceiver<(JobId, Answer)>) {
    let (sender, begun) = mpsc::unbounded_channel();
    let rules = KindRules { max_attempts: 2, ..KindRules::new(kind("work")) };
    let engine = Engine::builder(store.clone(), clock.clone());
    let engine = engine.kind(rules, move |context: Context| {
        let sender = sender.clone();
        async move {
            let (answer, told) = tokio::sync::oneshot::channel();
            sender.send((context.job.id, answer)).unwrap();
            told.await.unwrap_or(Outcome::Done(true.into()))
        }
    });
    (engine.start().unwrap(), begun)
}

type Answer = tokio::sync::oneshot::Sender<Outcome>;

/// Returns when a process runs the kind `work`.
async fn registered(store: &Store, clock: &Clock) {
    let mut changes = store.changes();
    in_time(async {
        loop {
            changes.borrow_and_update();
            if store.processes(clock.now()).await.unwrap().kind("work").is_some() {
                return;
            }
            changes.changed().await.unwrap();
        }
    })
    .await;
}

/// Returns when the server has said so much.
async fn told(store: &Store, clock: &Clock, wanted: impl Fn(&ProcessFacts) -> bool) {
    let mut changes = store.changes();
    in_time(async {
        loop {
            changes.borrow_and_update();
            let server = store.server_facts(clock.now()).await.unwrap();
            if server.is_some_and(|server| wanted(&server.says)) {
                return;
            }
            changes.changed().await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn every_gate_of_a_real_job_is_named_with_its_holders_and_its_opening() {
    let (_folder, store) = store();
    let clock = Clock::manual(START);
    let (engine, mut begun) = worker(&store, &clock);
    let keyed = || NewJob {
        concurrency_key: Some(ConcurrencyKey::parse("printer").unwrap()),
        ..NewJob::new(kind("work"))
    };
    let first = store.enqueue(keyed(), START).await.unwrap().id();
    let (runs, _answer) = in_time(begun.recv()).await.unwrap();
    assert_eq!(runs, first);
    registered(&store, &clock).await;

    let ada = || Actor { name: "ada".into(), ..Actor::cli() };
    store.set_queue_limit(Queue::DEFAULT, Some(1), ada(), START).await.unwrap();
    store.pause_queue(Queue::DEFAULT, "disk being moved".into(), None, ada(), START).await.unwrap();
    let second = store.enqueue(keyed(), START).await.unwrap().id();
    until(&store, second, |job| job.waits_for.is_some_and(|by| by.as_str() == "key")).await;
    let unknown = NewJob { queue: Some(Queue::DEFAULT), ..NewJob::new(kind("send_email")) };
    let unknown = store.enqueue(unknown, START).await.unwrap().id();
    until(&store, unknown, |job| job.waits_for.is_some_and(|by| by.as_str() == "handler")).await;
    let later = NewJob { run_at: Some(START.plus(HOUR)), ..keyed() };
    let later = store.enqueue(later, START).await.unwrap().id();
    until(&store, later, |job| job.status == Status::Scheduled).await;
    // The one that was put off has passed its call for the key on.
    until(&store, second, |job| job.waits_for.is_some_and(|by| by.as_str() == "key")).await;

    let ids = vec![first, second, unknown, later, JobId(99)];
    let whys = store.whys(ids, START).await.unwrap();
    assert_eq!(whys.len(), 4, "nobody knows job 99");
    assert_eq!(whys[&first].headline(), "runs");
    let why = &whys[&second];
    assert_eq!(words(&why.gates), ["queue_paused", "queue_full", "key_held"]);
    assert_eq!(why.gates[1].holders(), [first]);
    assert_eq!(why.gates[2].holders(), [first]);
    let opened = [
        Opening::ResumeQueue(Queue::DEFAULT),
        Opening::RaiseLimit(Queue::DEFAULT),
        Opening::CancelHolder(vec![first]),
    ];
    assert_eq!(why.openings(), opened);
    let said = format!(
        "Three things hold it: the queue default is paused by ada: disk being moved; the queue default is full, 1 at a \
         time: job {first}; its concurrency key printer is held by job {first}."
    );
    assert_eq!(why.to_string(), said);
    let short = "waits: the queue default is paused by ada: disk being moved (and 2 more)";
    assert_eq!(why.headline(), short);
    assert_eq!(words(&whys[&unknown].gates), ["no_handler", "queue_paused", "queue_full"]);
    let no_handler = &whys[&unknown].gates[0];
    let said = "No worker handles send_email (workers handle work).";
    assert_eq!(no_handler.sentence(Zone::default()), said);
    assert_eq!(words(&whys[&later].gates), ["time", "queue_paused", "queue_full", "key_held"]);
    assert_eq!(whys[&later].gates[0].until(), Some(START.plus(HOUR)));
    assert_eq!(store.why(second, START).await.unwrap().as_ref(), Some(why), "alone as in a list");

    store.stop_all("fire drill".into(), ada(), START).await.unwrap();
    let why = store.why(second, START).await.unwrap().unwrap();
    assert_eq!(why.gates[0].word(), "stopped");
    engine.stop(NO_GRACE).await;
    let why = store.why(second, START).await.unwrap().unwrap();
    assert_eq!(why.gates[0], Gate::NoEngine { kind: kind("work"), seen_at: None }, "{why}");
}

#[tokio::test]
async fn a_job_says_which_attempt_failed_and_starts_now_only_while_nothing_holds_it() {
    let (_folder, store) = store();
    let clock = Clock::manual(START);
    let (engine, mut begun) = worker(&store, &clock);
    let id = store.enqueue(NewJob::new(kind("work")), START).await.unwrap().id();
    let (_, answer) = in_time(begun.recv()).await.unwrap();
    answer.send(Outcome::Failed(JobError::new(Code::HandlerFailed, "no oil"))).unwrap();
    until(&store, id, |job| job.status == Status::Scheduled).await;
    let why = store.why(id, START).await.unwrap().unwrap();
    let [Gate::Time { wait: Wait::Retry { attempt: 1 }, until: then }] = why.gates.as_slice()
    else {
        panic!("{why}")
    };
    assert!(!why.starts_now() && *then > START, "{why}");
    store.set_queue_limit(Queue::DEFAULT, Some(2), Actor::cli(), START).await.unwrap();
    registered(&store, &clock).await;
    store.pause_queue(Queue::DEFAULT, "x".into(), None, Actor::cli(), START).await.unwrap();
    let next = store.enqueue(NewJob::new(kind("work")), START).await.unwrap().id();
    until(&store, next, |job| job.waits_for.is_none()).await;
    assert!(!store.why(next, START).await.unwrap().unwrap().starts_now());
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_deferred_job_that_nobody_can_run_is_scheduled_and_counts_so() {
    let (_folder, store) = store();
    let clock = Clock::manual(START);
    let (engine, _begun) = worker(&store, &clock);
    let then = START.plus(Duration::from_secs(20));
    let job = NewJob { run_at: Some(then), ..NewJob::new(kind("send_email")) };
    let id = store.enqueue(job, START).await.unwrap().id();
    let waits = until(&store, id, |job| job.status == Status::Scheduled).await;
    assert_eq!(waits.waits_for, None);
    let counts = store.job_counts().await.unwrap();
    let counts: Vec<_> = counts.iter().map(|count| (count.status, count.count)).collect();
    assert_eq!(counts, [(Status::Scheduled, 1)]);
    registered(&store, &clock).await;
    let why = store.why(id, START).await.unwrap().unwrap();
    assert_eq!(words(&why.gates), ["no_handler", "time"], "{why}");
    clock.advance(Duration::from_secs(20));
    let due = until(&store, id, |job| job.status == Status::Queued).await;
    assert!(due.waits_for.is_some());
    until(&store, id, |job| job.waits_for.is_some_and(|by| by.as_str() == "handler")).await;
    assert!(store.recount().await.unwrap().is_empty());
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_server_says_what_it_runs_and_how_its_services_ended_until_it_is_gone() {
    let (folder, store) = store();
    let clock = Clock::manual(START);
    let none = store.notes_for(&kind("work"), START).await.unwrap();
    assert_eq!(none, [Note::NoProcess(kind("work"))]);
    let (engine, mut begun) = worker(&store, &clock);
    store.enqueue(NewJob::new(kind("work")), START).await.unwrap();
    drop(in_time(begun.recv()).await.unwrap());
    store.say(|facts| facts.listen = Some("127.0.0.1:8745".into()));
    told(&store, &clock, |says| says.listen.is_some() && says.services.contains_key("poller"))
        .await;
    let server = store.server_facts(START).await.unwrap().unwrap();
    assert_eq!(server.worker.version, env!("CARGO_PKG_VERSION"));
    let poller = &server.says.services["poller"];
    assert_eq!(poller.at(), START);
    assert!(poller.ended().unwrap().starts_with("claimed"), "{poller:?}");
    assert!(server.says.services["scheduler"].ended().is_ok());
    assert!(store.notes_for(&kind("work"), START).await.unwrap().is_empty());
    let notes = store.notes_for(&kind("tpyo"), START).await.unwrap();
    assert_eq!(notes, [Note::NoHandler(kind("tpyo"))]);

    let spoilt = "UPDATE job_workers SET facts = '{\"kinds\": 7}'";
    foreign(folder.path()).execute(spoilt, []).unwrap();
    let server = store.server_facts(START).await.unwrap().unwrap();
    assert_eq!(server.says, ProcessFacts::default(), "facts that cannot be read are none");
    assert!(foreign(folder.path()).execute("UPDATE job_workers SET facts = 'x'", []).is_err());
    engine.stop(NO_GRACE).await;
    assert_eq!(store.server_facts(START).await.unwrap(), None);
}

#[tokio::test]
async fn a_server_that_left_its_row_behind_or_was_not_heard_of_for_long_does_not_run() {
    let (_folder, store) = store();
    let worker = Played::leading(&store, "w", vec![], vec![], START).await.worker;
    assert_eq!(store.server_facts(START).await.unwrap(), None, "its lock is free");
    let lock = store.try_lead(&worker).unwrap();
    assert!(store.server_facts(START).await.unwrap().is_some());
    let later = START.plus(Duration::from_secs(31));
    assert_eq!(store.server_facts(later).await.unwrap(), None);
    let long = |at: usize| (format!("log {at}"), Ok::<_, String>("x".repeat(500)));
    for (name, did) in (0..200).map(long) {
        store.ran(&Service::Log(name), later, did);
    }
    store.say(|facts| facts.listen = Some("here".into()));
    store.beat(worker, later).await.unwrap();
    let says = store.server_facts(later).await.unwrap().unwrap().says;
    assert_eq!((says.services.len(), says.listen.as_deref()), (0, Some("here")), "too many to say");
    drop(lock);
}

#[tokio::test]
async fn scans_are_judged_by_what_the_running_server_says_and_by_nothing_else() {
    let (_folder, store) = store();
    let enabled = async |text| {
        let changes = [SettingChange::set("self_monitoring.enabled", text)];
        change(&store, &Call::by_owner(START), &changes).await
    };
    enabled("true").await.unwrap();
    enabled("default").await.unwrap();
    let clock = Clock::manual(START);
    let (engine, _begun) = worker(&store, &clock);
    let token = Readiness::not_ready(Some("TRACK-AUTH-001"), "ask the issue tracker");
    store.say(|facts| facts.tracker = Some(token));
    told(&store, &clock, |says| says.tracker.is_some()).await;
    let refused = enabled("true").await.unwrap_err();
    assert_eq!(refused.code(), Code::TrackerNoToken);
    let said = "[TRACK-AUTH-001] set self_monitoring.enabled to true: ask the issue tracker";
    assert_eq!(refused.to_string(), said);
    store.say(|facts| facts.tracker = Some(Readiness::ready("local")));
    let mut changes = store.changes();
    in_time(async {
        while may_scan(store.server_facts(START).await.unwrap().as_ref()).is_err() {
            changes.changed().await.unwrap();
        }
    })
    .await;
    enabled("true").await.unwrap();
    engine.stop(NO_GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_without_the_servers_token_asks_for_a_scan_and_the_server_judges() {
    let folder = tempfile::tempdir().unwrap();
    let agent = folder.path().join("none");
    let config = |desk: &Desk| {
        let text = "[tracker]\nkind = \"github\"\nrepository = \"o/r\"\napi_url = \"http://127.0.0.1:9\"\n";
        fs::write(desk.folder.path().join("lamplighter.toml"), text).unwrap();
    };
    let mut desk = Desk::start(&agent, &[("GITHUB_TOKEN", "ghp_0123456789")]);
    desk.server.take().unwrap().kill();
    config(&desk);
    desk.serve();
    let clock = Clock::system();
    told(&desk.store, &clock, |says| says.tracker.is_some()).await;
    // The program's environment is empty.
    desk.ask(&["run-now"]).parse::<i64>().unwrap();
    desk.ask(&["settings", "set", "self_monitoring.enabled", "true"]);
    desk.server.take().unwrap().kill();

    let mut bare = Desk::start(&agent, &[]);
    bare.server.take().unwrap().kill();
    config(&bare);
    // Where no server runs, nothing is judged.
    bare.ask(&["run-now"]).parse::<i64>().unwrap();
    bare.serve();
    told(&bare.store, &clock, |says| says.tracker.is_some()).await;
    let output = program(bare.folder.path()).arg("run-now").env("GITHUB_TOKEN", "x").output();
    let output = output.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(said.contains("TRACK-AUTH-001"), "the shell's own token does not help: {said}");
    let facts = bare.store.server_facts(now()).await.unwrap().unwrap();
    assert!(facts.says.config.unwrap().ends_with("lamplighter.toml"));
    let missing = facts.says.agent;
    assert!(missing.is_none_or(|agent| matches!(agent, Readiness::NotReady { .. })));
}

/// The lines that are logged on this thread from now on, of level info or worse.
fn listen() -> (mpsc::UnboundedReceiver<String>, DefaultGuard) {
    #[derive(Clone)]
    struct Lines(mpsc::UnboundedSender<String>);
    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            drop(self.0.send(String::from_utf8_lossy(bytes).into_owned()));
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (sender, lines) = mpsc::unbounded_channel();
    let lines_to = Lines(sender);
    let layer = tracing_subscriber::fmt::layer().with_ansi(false);
    let layer = layer.with_writer(move || lines_to.clone());
    let level = tracing_subscriber::filter::LevelFilter::INFO;
    let here = set_default(&Dispatch::new(tracing_subscriber::registry().with(layer).with(level)));
    (lines, here)
}

async fn line(lines: &mut mpsc::UnboundedReceiver<String>, word: &str) -> String {
    in_time(async {
        loop {
            let line = lines.recv().await.unwrap();
            if line.contains(word) {
                return line;
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_job_that_fails_for_good_is_a_coded_warning_with_its_reason_and_a_scan_is_not() {
    let (_folder, store) = store();
    let (mut lines, _here) = listen();
    let clock = Clock::manual(START);
    let fails = |context: Context| async move {
        match context.payload::<String>().unwrap().as_str() {
            "ours" => Outcome::Failed(JobError::new(Code::HandlerFailed, "no oil\nat the pump")),
            _ => Outcome::Fatal(JobError { code: "PUMP-7".into(), message: "it is broken".into() }),
        }
    };
    let rules = KindRules { max_attempts: 2, ..KindRules::new(kind("work")) };
    let engine = Engine::builder(store.clone(), clock.clone())
        .kind(rules, fails)
        .kind(KindRules::new(Kind::SELF_MONITORING), fails)
        .start()
        .unwrap();
    let ask = |name: Kind, what: &str| {
        let (store, job) = (store.clone(), NewJob::untyped(name, &what).unwrap());
        let at = clock.now();
        async move { store.enqueue(job, at).await.unwrap().id() }
    };
    let ours = ask(kind("work"), "ours").await;
    let retry = line(&mut lines, &format!("job {ours} (work)")).await;
    assert!(retry.contains("INFO") && retry.contains("scheduled after attempt 1"), "{retry}");
    assert!(retry.contains("JOB-RUN-001 no oil"), "{retry}");
    clock.advance(HOUR);
    let failed = line(&mut lines, &format!("job {ours} (work)")).await;
    let words = format!("[JOB-RUN-001] job {ours} (work) has failed on attempt 2: no oil");
    assert!(failed.contains("WARN") && failed.contains(&words), "{failed}");
    assert!(!failed.contains("pump"), "{failed}");

    let own = ask(kind("work"), "own").await;
    let failed = line(&mut lines, &format!("job {own} (work)")).await;
    let words =
        format!("[JOB-RUN-001] job {own} (work) has failed on attempt 1: PUMP-7: it is broken");
    assert!(failed.contains("WARN") && failed.contains(&words), "{failed}");

    let scan = ask(Kind::SELF_MONITORING, "own").await;
    let failed = line(&mut lines, &format!("job {scan} (self_monitoring)")).await;
    assert!(failed.contains("INFO") && !failed.contains("WARN"), "{failed}");
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_recount_that_finds_wrong_counts_is_a_coded_warning() {
    let (folder, store) = store();
    let (mut lines, _here) = listen();
    let clock = Clock::manual(START);
    let (engine, _begun) = worker(&store, &clock);
    let later = NewJob { run_at: Some(START.plus(HOUR * 9)), ..NewJob::new(kind("work")) };
    let later = store.enqueue(later, START).await.unwrap().id();
    until(&store, later, |job| job.status == Status::Scheduled).await;
    let cancel = "UPDATE jobs SET status = 'cancelled', finished_at = 1 WHERE id = ?1";
    foreign(folder.path()).execute(cancel, [later.0]).unwrap();
    clock.advance(HOUR);
    let said = line(&mut lines, "counts of jobs").await;
    assert!(said.contains("WARN") && said.contains("[STORE-COUNT-001] 2 counts"), "{said}");
    assert!(said.contains("work scheduled in default by -1"), "{said}");
    engine.stop(NO_GRACE).await;
}

#[tokio::test]
async fn a_run_that_its_handler_puts_off_for_a_budget_says_so_and_goes_when_the_budget_is_raised() {
    let (_folder, store) = store();
    let clock = Clock::manual(START);
    let midnight = START.plus(HOUR);
    let over = |until| {
        let reason = "the budget of today, $1.00, is used up ($1.20)".to_owned();
        OverBudget { until, reason, setting: Some("agent.budget_day_usd") }
    };
    let engine = Engine::builder(store.clone(), clock.clone());
    let rules = KindRules::new(Kind::SELF_MONITORING);
    let engine = engine.kind(rules, move |context: Context| async move {
        match context.job.epoch {
            1 => context.over_budget(over(midnight)),
            _ => Outcome::Done(true.into()),
        }
    });
    let engine = engine.start().unwrap();
    let scan = store.enqueue(NewJob::new(Kind::SELF_MONITORING), START).await.unwrap().id();
    let parked = until(&store, scan, |job| job.status == Status::Scheduled).await;
    assert_eq!((parked.attempt, parked.run_at), (0, midnight));
    let why = store.why(scan, START).await.unwrap().unwrap();
    assert_eq!(words(&why.gates), ["budget"], "{why}");
    assert_eq!(why.until(), Some(midnight));
    assert!(why.to_string().contains("$1.00, is used up ($1.20)"), "{why}");
    let scans = store.scan_now().await.unwrap();
    assert_eq!((scans.waiting, scans.first), (1, Some(scan)), "the click is not lost");
    let more = vec![("agent.budget_day_usd", Some(json!(5.0)))];
    let more = store.change_settings(more, Actor::cli(), START);
    more.await.unwrap();
    until(&store, scan, |job| job.status == Status::Completed).await;
    let scans = store.scan_now().await.unwrap();
    assert_eq!((scans.waiting, scans.first), (0, None));
    engine.stop(NO_GRACE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_somebody_asks_a_schedule_for_are_booked_to_it_and_its_budget_holds() {
    let folder = tempfile::tempdir().unwrap();
    let report = json!({
        "type": "result", "subtype": "success", "is_error": false, "num_turns": 1, "duration_ms": 5,
        "total_cost_usd": 0.3, "result": "done", "session_id": "67cf1229-f18b-4200-b873-0881f221331e",
    });
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = --version ]; then echo '2.1.329 (Claude Code)'; exit; fi\ncat > /dev/null\necho '{report}'\n"
    );
    let agent = folder.path().join("agent");
    fs::write(&agent, script).unwrap();
    fs::set_permissions(&agent, fs::Permissions::from_mode(0o755)).unwrap();
    let desk = Desk::start(&agent, &[]);
    let payload = json!({"prompt": "x", "budget_day_usd": 0.25});
    let rule = Rule::every(10_080, now()).unwrap();
    let plan = Plan { payload: payload.into(), ..Plan::new(rule, Kind::AGENT_SESSION) };
    let new = NewSchedule { name: ScheduleName::parse("checks").unwrap(), plan };
    let far = now().plus(Duration::from_hours(1));
    desk.store.create_schedule(new, Actor::cli(), far).await.unwrap();
    let run = || JobId(desk.ask(&["schedules", "run-now", "checks"]).parse().unwrap());
    let first = run();
    let done = until(&desk.store, first, |job| job.status.is_final()).await;
    assert_eq!((done.status, done.occurrence), (Status::Completed, None), "{done:?}");
    let spent = desk.store.spend_since(0).await.unwrap();
    let spent: Vec<_> = spent.iter().map(|day| (day.schedule_id, day.runs)).collect();
    assert_eq!(spent, [(done.schedule_id, 1)]);
    assert!(done.schedule_id.is_some());
    let second = run();
    let parked = desk.until(second, Status::Scheduled).await;
    let again = desk.ask(&["jobs", "retry", &first.to_string()]);
    let again = desk.until(JobId(again.parse().unwrap()), Status::Scheduled).await;
    assert_eq!(again.schedule_id, parked.schedule_id, "run again, it is the schedule's too");
    let why = desk.store.why(second, now()).await.unwrap().unwrap();
    assert_eq!(words(&why.gates), ["budget"], "{why}");
    assert!(why.to_string().contains("its schedule for today, $0.25, is used up ($0.30)"), "{why}");
}
