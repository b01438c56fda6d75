//! The contract about sessions: runs of agent programs, their transcripts and what they cost.

use super::{Leader, done, later, rules};
use crate::support::START;
use lamplighter::Code;
use lamplighter::model::{
    Actor, FolderGiven, Kind, KindRules, NewJob, Outcome, ParkedBy, Process, Profile, Queue,
    Reserve, RunEnding, RunSpent, SessionChanges, SessionEnd, SessionMeter, SessionStart, Status,
    TranscriptPiece, day_of,
};
use lamplighter::store::Store;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

fn session() -> NewJob {
    NewJob { payload: json!({"prompt": "look"}).into(), ..NewJob::new(Kind::AGENT_SESSION) }
}

fn of_sessions() -> KindRules {
    KindRules { kind: Kind::AGENT_SESSION, metered: true, queue: Queue::DEFAULT, ..rules() }
}

fn start() -> SessionStart {
    SessionStart {
        tier: 1,
        profile: Profile::ReadOnly,
        model: Some("small".into()),
        prompt_file: None,
        prompt_text: Some("look".into()),
        continues: None,
        working_dir: PathBuf::from("/srv/shop"),
        place: "1".into(),
        marker: "m-1".into(),
        cost_before: 0.0,
        answer_of: None,
        given: Some(FolderGiven { mcp_servers: vec!["db".into()], ..FolderGiven::default() }),
    }
}

fn piece(start: u64, first_line: u64, text: &str) -> TranscriptPiece {
    TranscriptPiece { start, first_line, at: START, bytes: text.into() }
}

pub async fn a_session_is_kept_from_its_request_to_its_record(store: &Store) {
    let id = super::add(store, session()).await;
    let second = super::add(store, session()).await;
    let mut leader = Leader::of(store, "w", of_sessions()).await;
    let lease = leader.claim(1).await.remove(0);
    assert_eq!(lease.id, id);
    assert_eq!(store.sessions_ahead(second).await.unwrap(), 1);
    assert_eq!(store.begin_session(lease.clone(), start(), later(1)).await.unwrap(), (0, 0));
    let main = Process { pid: 7, start: Some("then".into()) };
    store.session_started(lease.clone(), Some(main), "supervisor").await.unwrap();
    store.name_session(lease.clone(), "cli-1".into()).await.unwrap();
    let told = SessionMeter { cost_usd: 0.25, turns: 3, max_turns: Some(9), ..Default::default() };
    store.meter_session(lease.clone(), told).await.unwrap();
    let shown = store.session(id).await.unwrap().unwrap().run.unwrap();
    assert_eq!((shown.meter, shown.num_turns), (Some(told), None));
    assert!(store.open_runs().await.unwrap().is_empty(), "its worker lives and sees to it");
    let pieces = vec![piece(0, 0, "one\n"), piece(4, 1, "two\nthree\n")];
    store.append_transcript(lease.clone(), pieces.clone(), 5).await.unwrap();
    assert_eq!(store.transcript(id, 0, 100).await.unwrap(), pieces);
    assert_eq!(
        store.transcript(id, 6, 100).await.unwrap(),
        pieces[1..],
        "from the piece that holds it"
    );
    let (running, ended) = store.session_now().await.unwrap();
    assert_eq!((running.map(|one| one.id), ended.map(|one| one.id)), (Some(id), None));

    let end = SessionEnd { cost_usd: Some(1.5), ..SessionEnd::new(RunEnding::Done) };
    store.finish_session(lease.clone(), end.clone(), later(2)).await.unwrap();
    store.finish_session(lease.clone(), end, later(3)).await.unwrap();
    let (spent, _) = store.spent(None, later(2)).await.unwrap();
    assert!((spent.day - 1.5).abs() < 1e-9, "a run is paid for once: {spent:?}");
    let days = store.spend_since(day_of(START)).await.unwrap();
    assert_eq!((days.len(), days[0].runs), (1, 1));
    assert!(store.open_runs().await.unwrap().is_empty());
    assert_eq!(store.session_changes(id).await.unwrap(), None);
    let changes = SessionChanges { count: 1, ..SessionChanges::default() };
    let unknown = SessionChanges::unknown("it took too long");
    store.keep_changes(lease.clone(), unknown, String::new()).await.unwrap();
    store.keep_changes(lease.clone(), changes.clone(), "+1".into()).await.unwrap();
    assert_eq!(store.session_changes(id).await.unwrap(), Some(changes.clone()));
    assert_eq!(store.session_patch(id).await.unwrap().as_deref(), Some("+1"));
    leader.settle(lease.clone(), done()).await;
    let late = store.keep_changes(lease.clone(), changes, String::new()).await.unwrap_err();
    assert_eq!(late.code(), Code::StoreLeaseLost, "P9");
    let late = store.name_session(lease.clone(), "late".into()).await.unwrap_err();
    assert_eq!(late.code(), Code::StoreLeaseLost, "P9");
    let late = store.meter_session(lease, told).await.unwrap_err();
    assert_eq!(late.code(), Code::StoreLeaseLost, "P9");
    let kept = store.session(id).await.unwrap().unwrap();
    let run = kept.run.unwrap();
    assert_eq!((kept.status, run.cli_session_id.as_deref()), (Status::Completed, Some("cli-1")));
    assert_eq!((run.transcript_bytes, run.transcript_lines, run.transcript_dropped), (14, 3, 5));
    assert_eq!((run.ended_at, run.given), (Some(later(2)), start().given));
    let (all, count) = store.sessions(0, 9).await.unwrap();
    assert_eq!((all.len(), count, all[0].id), (2, 2, second), "newest first");
    let places = vec!["1".into(), id.to_string(), "99".into()];
    assert_eq!(store.orphaned_places(places).await.unwrap(), ["99"]);
}

pub async fn a_schedule_has_a_last_answer_once_a_session_of_it_was_done(store: &Store) {
    let schedule = 7;
    let of_schedule = NewJob { schedule_id: Some(schedule), ..session() };
    let first = super::add(store, of_schedule.clone()).await;
    let second = super::add(store, of_schedule).await;
    let other = super::add(store, session()).await;
    let mut leader = Leader::of(store, "w", of_sessions()).await;
    let lease = leader.claim(1).await.remove(0);
    assert_eq!(lease.id, first);
    store.begin_session(lease.clone(), start(), START).await.unwrap();
    let end = SessionEnd { response: Some("fine".into()), ..SessionEnd::new(RunEnding::Done) };
    store.finish_session(lease.clone(), end, START).await.unwrap();
    assert_eq!(store.last_answer(schedule, second).await.unwrap(), None, "it is not done");
    leader.settle(lease, done()).await;
    assert_eq!(
        store.last_answer(schedule, second).await.unwrap(),
        Some((first, "fine".to_owned()))
    );
    assert_eq!(store.last_answer(schedule, first).await.unwrap(), None, "its own");
    assert_eq!(store.last_answer(schedule + 1, other).await.unwrap(), None);
}

pub async fn a_search_finds_the_words_of_prompts_and_answers_and_says_how_much_it_read(
    store: &Store,
) {
    let asked = |prompt: &str| NewJob {
        payload: json!({"prompt": prompt}).into(),
        ..NewJob::new(Kind::AGENT_SESSION)
    };
    let first = super::add(store, asked("why is the \"Disk\" full?")).await;
    let second = super::add(store, asked("look at the mail")).await;
    super::add(store, super::job()).await;
    let third = super::add(store, asked("look again")).await;
    let mut leader = Leader::of(store, "w", of_sessions()).await;
    let lease = leader.claim(1).await.remove(0);
    store.begin_session(lease.clone(), start(), START).await.unwrap();
    let end = SessionEnd {
        response: Some("Old backups fill it: 100% used.".into()),
        ..SessionEnd::new(RunEnding::Done)
    };
    store.finish_session(lease.clone(), end, START).await.unwrap();
    leader.settle(lease, done()).await;
    let find = async |query: &str, before, limit| {
        let filter = query.parse().unwrap();
        let found = store.find_sessions(filter, before, limit, later(1)).await.unwrap();
        let ids: Vec<_> = found.rows.iter().map(|one| one.id).collect();
        (ids, found.next, found.looked_through)
    };
    assert_eq!(find("", None, 9).await, (vec![third, second, first], None, 3));
    assert_eq!(find("\"\\\"disk\\\" full\"", None, 9).await.0, [first], "a prompt");
    assert_eq!(find("BACKUPS", None, 9).await, (vec![first], None, 3), "an answer");
    assert_eq!(find("100%", None, 9).await.0, [first], "a sign is no pattern");
    assert_eq!(find("100_", None, 9).await.0, [], "a sign is no pattern");
    assert_eq!(find("look -mail", None, 9).await.0, [third]);
    assert_eq!(find("look status:completed", None, 9).await.0, []);
    assert_eq!(find("look", None, 1).await, (vec![third], Some(third.0), 1));
    assert_eq!(find("look", Some(third.0), 1).await, (vec![second], None, 2));
    assert_eq!(find("look", Some(1), 1).await, (vec![], None, 0));
}

pub async fn an_interrupted_run_stays_open_until_its_processes_are_gone(store: &Store) {
    let id = super::add(store, session()).await;
    let mut leader = Leader::of(store, "w", of_sessions()).await;
    let lease = leader.claim(1).await.remove(0);
    store.begin_session(lease.clone(), start(), START).await.unwrap();
    let main = Process { pid: 7, start: Some("then".into()) };
    store.session_started(lease, Some(main.clone()), "supervisor").await.unwrap();
    // Who leads next finds the worker gone.
    Leader::of(store, "x", of_sessions()).await;
    let run = store.open_runs().await.unwrap().remove(0);
    assert_eq!((run.id, run.marker.as_str(), &run.main), (id, "m-1", &Some(main)));
    let other = lamplighter::model::OpenRun { marker: "m-2".into(), ..run.clone() };
    store.close_run(other, RunSpent::default(), None, later(1)).await.unwrap();
    assert_eq!(store.open_runs().await.unwrap().len(), 1, "it is another run");
    store.close_run(run, RunSpent::default(), None, later(1)).await.unwrap();
    assert!(store.open_runs().await.unwrap().is_empty());
    let ended = store.session(id).await.unwrap().unwrap().run.unwrap();
    assert_eq!(ended.ending, Some(RunEnding::Interrupted));
}

pub async fn sessions_that_wait_for_the_program_are_woken_when_it_is_there(store: &Store) {
    let id = super::add(store, NewJob { queue: Some(Queue::AGENT), ..session() }).await;
    let mut leader = Leader::of(store, "w", of_sessions()).await;
    let lease = leader.claim(1).await.remove(0);
    leader.settle(lease, Outcome::Snooze(Duration::from_mins(5))).await;
    let due = async || store.job(id).await.unwrap().unwrap().run_at;
    assert!(due().await > later(60));
    store.wake_sessions(Actor::cli(), later(1)).await.unwrap();
    assert!(due().await <= later(1));
}

pub async fn an_attempt_starts_without_what_the_one_before_it_printed_and_said(store: &Store) {
    let id = super::add(store, session()).await;
    let mut leader = Leader::of(store, "w", of_sessions()).await;
    let lease = leader.claim(1).await.remove(0);
    store.begin_session(lease.clone(), start(), START).await.unwrap();
    store.append_transcript(lease.clone(), vec![piece(0, 0, "one\n")], 0).await.unwrap();
    let limited = SessionEnd {
        note: Some("it cost more than it may".into()),
        cost_usd: Some(0.5),
        num_turns: Some(2),
        ..SessionEnd::new(RunEnding::Limit)
    };
    store.finish_session(lease.clone(), limited, later(1)).await.unwrap();
    assert_eq!(store.begin_session(lease, start(), later(2)).await.unwrap(), (4, 1));
    let run = store.session(id).await.unwrap().unwrap().run.unwrap();
    assert_eq!((run.note, run.ending, run.cost_usd), (None, None, Some(0.5)));
    // The process dies before the attempt has printed a line.
    Leader::of(store, "x", of_sessions()).await;
    let run = store.open_runs().await.unwrap().remove(0);
    assert_eq!((run.id, run.transcript_from), (id, 4), "the first attempt is paid already");
    let spent = RunSpent { num_turns: Some(3), ..RunSpent::default() };
    store.close_run(run, spent, None, later(3)).await.unwrap();
    let run = store.session(id).await.unwrap().unwrap().run.unwrap();
    assert_eq!(
        (run.cost_usd, run.num_turns),
        (Some(0.5), Some(5)),
        "what is not known adds nothing"
    );
}

pub async fn a_budget_parks_a_run_and_its_end_makes_it_due(store: &Store) {
    let budget = |usd: i32| vec![("agent.budget_day_usd", Some(json!(usd)))];
    store.change_settings(budget(1), Actor::cli(), START).await.unwrap();
    super::add(store, session()).await;
    let mut leader = Leader::of(store, "w", of_sessions()).await;
    let lease = leader.claim(1).await.remove(0);
    store.begin_session(lease.clone(), start(), START).await.unwrap();
    let end = SessionEnd { cost_usd: Some(2.0), ..SessionEnd::new(RunEnding::Done) };
    store.finish_session(lease.clone(), end, START).await.unwrap();
    leader.settle(lease, done()).await;
    let (id, plain) = (super::add(store, session()).await, super::add(store, super::job()).await);
    assert!(leader.claim(2).await.is_empty(), "P25");
    let parked = super::get(store, id).await;
    assert_eq!((parked.status, parked.parked_by), (Status::Scheduled, Some(ParkedBy::Budget)));
    assert!(parked.run_at > later(60) && super::get(store, plain).await.parked_by.is_none());
    store.change_settings(budget(100), Actor::cli(), START).await.unwrap();
    let lifted = super::get(store, id).await;
    assert_eq!((lifted.run_at, lifted.parked_by), (START, None));
    assert_eq!(leader.claim(2).await.len(), 1);
}

pub async fn runs_at_once_share_what_is_left_of_a_budget(store: &Store) {
    let budget = vec![("agent.budget_day_usd", Some(json!(3)))];
    store.change_settings(budget, Actor::cli(), START).await.unwrap();
    for _ in 0..3 {
        super::add(store, NewJob { queue: Some(Queue::DEFAULT), ..session() }).await;
    }
    let mut leader = Leader::of(store, "w", of_sessions()).await;
    let leases = leader.claim(3).await;
    let reserve = async |at: usize, wanted: f64| {
        store.reserve(leases[at].clone(), wanted, None, START).await.unwrap()
    };
    assert_eq!(reserve(0, 1.0).await, Reserve::Granted(1.0));
    assert_eq!(reserve(0, 2.0).await, Reserve::Granted(2.0), "its own part is not in its way");
    assert_eq!(reserve(1, 2.0).await, Reserve::Granted(1.0));
    assert_eq!(reserve(2, 2.0).await, Reserve::Held { reserved: 3.0 });
    store.begin_session(leases[0].clone(), start(), START).await.unwrap();
    let end = SessionEnd { cost_usd: Some(0.5), ..SessionEnd::new(RunEnding::Done) };
    store.finish_session(leases[0].clone(), end, START).await.unwrap();
    assert_eq!(reserve(2, 2.0).await, Reserve::Granted(1.5), "what the first one left");
    let own = store.reserve(leases[2].clone(), 2.0, Some(0.25), START).await.unwrap();
    assert_eq!(own, Reserve::Granted(0.25), "its schedule allows no more");
    leader.settle(leases[1].clone(), done()).await;
    assert_eq!(reserve(2, 9.0).await, Reserve::Granted(2.5), "one that runs no more holds nothing");
    let late = store.reserve(leases[1].clone(), 1.0, None, START).await.unwrap_err();
    assert_eq!(late.code(), Code::StoreLeaseLost, "P9");
}
