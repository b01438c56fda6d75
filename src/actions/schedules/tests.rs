//! Tests of the actions on schedules.

use super::*;
use crate::actions::Answer;
use crate::error::Class;
use crate::model::Actor;
#[cfg(feature = "monitor")]
use crate::model::Json;
use crate::model::Timestamp;
use crate::testing;
use std::time::Duration;

/// 2027-01-15T08:00:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn house() -> (tempfile::TempDir, Store, Call) {
    let folder = tempfile::tempdir().unwrap();
    let store = testing::store_in(folder.path()).unwrap();
    (folder, store, Call::by_owner(NOW))
}

fn plan(rule: &str, kind: &str) -> PlanTexts {
    PlanTexts {
        rule: Some(RuleText::Line(rule.into())),
        kind: Some(kind.into()),
        ..PlanTexts::default()
    }
}

fn new(name: &str, plan: PlanTexts) -> ScheduleAdd {
    ScheduleAdd { name: name.into(), plan, confirmed: false, paused: false }
}

fn change(name: &str, plan: PlanTexts) -> ScheduleEdit {
    ScheduleEdit { name: name.into(), plan, confirmed: false }
}

fn said<T: std::fmt::Debug>(done: Result<Answer<T>>) -> (Code, Class, String) {
    let error = done.unwrap_err();
    (error.code(), error.class(), error.sentence())
}

/// The schedule that settings edit, as they make it.
async fn reserve(store: &Store) {
    let changes = vec![
        ("self_monitoring.enabled", Some(true.into())),
        ("self_monitoring.cadence", Some("30m".into())),
    ];
    store.change_settings(changes, Actor::cli(), NOW).await.unwrap();
}

#[tokio::test]
async fn a_schedule_is_added_with_what_it_does_and_what_the_clocks_do_to_it() {
    let (_folder, store, call) = house();
    let nightly = plan("30 2 * * * Europe/Berlin", "report");
    let added = add(&store, &call, new("nightly", nightly.clone())).await.unwrap();
    assert_eq!(
        added.sentence,
        "The schedule nightly makes a job of kind report at 02:30 every day (Europe/Berlin); \
         the next is due Sat 2027-01-16 02:30:00 CET."
    );
    assert!(added.notes[0].starts_with("No process works"), "{:?}", added.notes);
    assert!(added.notes[1].starts_with("On 2027-03-28 02:30 does not exist"));
    assert_eq!((added.value.next.len(), added.value.warnings.len()), (NEXT, 2));
    let every = add(&store, &call, new("often", plan("15m", "report"))).await.unwrap();
    assert!(every.sentence.ends_with("the next is due Fri 2027-01-15 08:00:00 UTC."));
    assert_eq!(store.schedules(0, 10).await.unwrap().1, 2);
}

#[tokio::test]
async fn what_cannot_be_added_is_refused_with_the_reason() {
    let (_folder, store, call) = house();
    let nightly = plan("30 2 * * * Europe/Berlin", "report");
    add(&store, &call, new("nightly", nightly.clone())).await.unwrap();
    let once = PlanTexts {
        rule: Some(RuleText::At { at: "2020-01-01T00:00:00Z".into(), zone: None }),
        ..plan("", "report")
    };
    for (request, refused) in [
        (
            new("Odd-Name", nightly.clone()),
            (
                Code::ModelInvalid,
                Class::Invalid,
                "Could not read the schedule's name \"Odd-Name\": only a-z, 0-9 and _ are allowed.",
            ),
        ),
        (
            new("nightly", nightly.clone()),
            (
                Code::ScheduleExists,
                Class::Conflict,
                "Could not add a schedule: there is a schedule nightly already.",
            ),
        ),
        (
            new("self_monitoring", nightly),
            (
                Code::ScheduleReserved,
                Class::Conflict,
                "Could not add a schedule: its settings edit self_monitoring, and nothing else does.",
            ),
        ),
        (
            new("late", once),
            (
                Code::ScheduleOver,
                Class::Invalid,
                "Could not add a schedule: the rule of late has no occurrence to come.",
            ),
        ),
        (
            new("x", PlanTexts { kind: None, ..plan("1h", "") }),
            (
                Code::ModelInvalid,
                Class::Invalid,
                "Could not add a schedule: it needs a rule and a kind.",
            ),
        ),
        (
            new("x", PlanTexts { payload: Some("{}".into()), ..plan("1h", "golden_repo") }),
            (
                Code::ModelInvalid,
                Class::Invalid,
                "Could not read the payload of a golden_repo: missing field `repository`.",
            ),
        ),
    ] {
        let (code, class, sentence) = said(add(&store, &call, request).await);
        assert_eq!((code, class, sentence.as_str()), refused);
    }
    assert_eq!(store.schedules(0, 10).await.unwrap().1, 1);
}

#[tokio::test]
async fn an_edit_says_what_it_made_and_one_that_changes_nothing_says_that() {
    let (_folder, store, call) = house();
    add(&store, &call, new("nightly", plan("30 2 * * * UTC", "report"))).await.unwrap();
    let later = Call::by_owner(NOW.plus(Duration::from_mins(1)));
    let same = plan("30 2 * * * UTC", "report");
    let nothing = edit(&store, &later, change("nightly", same)).await.unwrap();
    assert_eq!(nothing.sentence, "The schedule nightly is as it was: nothing was changed.");
    assert!(!nothing.value.changed);
    assert_eq!(nothing.value.preview.schedule.updated_at, NOW.to_string());
    assert_eq!(store.deeds(10).await.unwrap().len(), 1, "nothing is no deed");
    let zone =
        PlanTexts { rule: Some(RuleText::Zone("Asia/Tokyo".into())), ..PlanTexts::default() };
    let moved = edit(&store, &later, change(" nightly ", zone)).await.unwrap();
    assert!(moved.value.changed);
    assert!(moved.sentence.contains("at 02:30 every day (Asia/Tokyo)"), "{}", moved.sentence);
    let lost = change("no_such", PlanTexts::default());
    assert_eq!(
        said(edit(&store, &call, lost).await),
        (
            Code::ScheduleUnknown,
            Class::NotFound,
            "Could not change a schedule: there is no schedule no_such.".into()
        )
    );
    let bad = PlanTexts { priority: Some("101".into()), ..PlanTexts::default() };
    assert_eq!(said(edit(&store, &call, change("nightly", bad)).await).1, Class::Invalid);
    let session = PlanTexts { kind: Some("agent_session".into()), ..PlanTexts::default() };
    assert_eq!(
        said(edit(&store, &call, change("nightly", session)).await).2,
        "Could not ask for a session: a prompt is required."
    );
    let over = plan("2020-01-01T00:00:00Z", "report");
    assert_eq!(
        said(edit(&store, &call, change("nightly", over)).await),
        (
            Code::ScheduleOver,
            Class::Invalid,
            "Could not change a schedule: the rule of nightly has no occurrence to come.".into()
        )
    );
    let mut low = call.clone();
    low.who.role = Role::Viewer;
    let refused = said(edit(&store, &low, change("nightly", PlanTexts::default())).await);
    assert_eq!((refused.0, refused.1), (Code::AuthRole, Class::Forbidden));
}

/// Also where the tier, not the payload, says that there is no sandbox.
#[cfg(feature = "monitor")]
#[tokio::test]
async fn sessions_without_a_sandbox_are_run_by_hand_by_an_admin_alone_who_confirms_it_afresh() {
    use crate::actions::Proof;
    use crate::actions::settings::{self, SettingChange};
    let (_folder, store, owner) = house();
    let session = PlanTexts {
        payload: Some(r#"{"prompt":"look"}"#.into()),
        ..plan("30 2 * * * UTC", "agent_session")
    };
    add(&store, &owner, new("nightly", session)).await.unwrap();
    let schedule = known(&store, "nightly", "show a schedule").await.unwrap();
    assert!(!is_full(&store, &schedule).await.unwrap());
    let full = [SettingChange::set("agent.tier_1_profile", "full")];
    settings::change(&store, &owner, &full).await.unwrap();
    assert!(is_full(&store, &schedule).await.unwrap());

    let mut operator = owner.clone();
    operator.who.role = Role::Operator;
    let mut stale = owner.clone();
    stale.who.proof = Proof::Login(NOW.minus(Duration::from_mins(6)));
    let by = |confirmed| RunScheduleNow { confirmed, ..RunScheduleNow::default() };
    for (call, confirmed, code) in [
        (&operator, true, Code::AuthRole),
        (&owner, false, Code::ModelInvalid),
        (&stale, true, Code::AuthStale),
    ] {
        let refused = run_now(&store, call, "nightly", by(confirmed)).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
    }
    assert_eq!(run_now(&store, &owner, "nightly", by(true)).await.unwrap().value.id, 1);
}

#[cfg(feature = "monitor")]
#[tokio::test]
async fn values_of_one_run_go_before_those_of_the_schedule_and_are_an_admins() {
    let (folder, store, owner) = house();
    let prompts = folder.path().join("prompts");
    std::fs::create_dir(&prompts).unwrap();
    let text = "---\nparameters: customer, days\n---\nLook at {{customer}} for {{days}} days.";
    std::fs::write(prompts.join("ask.md"), text).unwrap();
    let session = PlanTexts {
        payload: Some(r#"{"prompt_file":"ask","set":{"customer":"Ann","days":"7"}}"#.into()),
        ..plan("30 2 * * * UTC", "agent_session")
    };
    add(&store, &owner, new("weekly", session)).await.unwrap();
    add(&store, &owner, new("nightly", plan("30 2 * * * UTC", "report"))).await.unwrap();
    let with = |name: &str| RunScheduleNow {
        set: [(name.to_owned(), "Bob".to_owned())].into(),
        ..RunScheduleNow::default()
    };
    let made = run_now(&store, &owner, "weekly", with("customer")).await.unwrap();
    let job = store.job(crate::model::JobId(made.value.id)).await.unwrap().unwrap();
    let payload = Json::stored(&job.payload).value();
    assert_eq!(payload["set"], serde_json::json!({"customer": "Bob", "days": "7"}));
    let kept = known(&store, "weekly", "show a schedule").await.unwrap();
    assert!(kept.plan.unwrap().payload.as_str().contains("Ann"), "the schedule stays as it is");
    let mut operator = owner.clone();
    operator.who.role = Role::Operator;
    for (call, schedule, name, code) in [
        (&owner, "weekly", "nobody", Code::AgentPrompt),
        (&owner, "nightly", "customer", Code::ModelInvalid),
        (&operator, "weekly", "customer", Code::AuthRole),
    ] {
        let refused = run_now(&store, call, schedule, with(name)).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
    }
}

#[tokio::test]
async fn a_schedule_is_paused_resumed_run_and_removed() {
    let (_folder, store, call) = house();
    add(&store, &call, new("nightly", plan("30 2 * * * UTC", "report"))).await.unwrap();
    let paused = pause(&store, &call, "nightly").await.unwrap();
    assert_eq!(
        paused.sentence,
        "The schedule nightly makes no more jobs until a person resumes it."
    );
    let again = pause(&store, &call, "nightly").await.unwrap();
    assert_eq!(again.sentence, "The schedule nightly was paused already.");
    assert_eq!((again.value.paused, again.value.changed), (true, false));
    let call = Call { correlation_id: Some("request".into()), ..call };
    let run = run_now(&store, &call, "nightly", RunScheduleNow::default()).await.unwrap();
    let made = store.job(crate::model::JobId(1)).await.unwrap().unwrap();
    assert_eq!(made.correlation_id.as_deref(), Some("request"));
    assert_eq!(
        run.sentence,
        "Job 1 is made as the schedule nightly would make it; the times of the schedule stay as they are."
    );
    assert_eq!((run.value.id, run.notes.len()), (1, 1), "no server runs: {:?}", run.notes);
    let resumed = resume(&store, &call, "nightly").await.unwrap();
    assert_eq!(
        resumed.sentence,
        "The schedule nightly goes on; what fell into the pause is skipped."
    );
    let again = resume(&store, &call, "nightly").await.unwrap();
    assert_eq!(again.sentence, "The schedule nightly was not paused.");
    let all = PlanTexts { catch_up: Some("all:3".into()), ..PlanTexts::default() };
    edit(&store, &call, change("nightly", all)).await.unwrap();
    pause(&store, &call, "nightly").await.unwrap();
    let resumed = resume(&store, &call, "nightly").await.unwrap();
    assert!(resumed.sentence.contains("the newest 3 make a job each"), "{}", resumed.sentence);
    let removed = remove(&store, &call, "nightly").await.unwrap();
    assert_eq!(removed.sentence, "The schedule nightly is removed; the jobs that it made stay.");
    for name in ["nightly", "Odd-Name"] {
        for (done, doing) in [
            (remove(&store, &call, name).await.map(|_| ()), "remove a schedule"),
            (pause(&store, &call, name).await.map(|_| ()), "pause a schedule"),
            (resume(&store, &call, name).await.map(|_| ()), "resume a schedule"),
            (
                run_now(&store, &call, name, RunScheduleNow::default()).await.map(|_| ()),
                "run a schedule now",
            ),
            (
                next(&store, name, 5, NOW).await.map(|_| ()),
                "find the next occurrences of a schedule",
            ),
            (story(&store, name, NOW).await.map(|_| ()), "show a schedule"),
        ] {
            let error = done.unwrap_err();
            assert_eq!((error.code(), error.class()), (Code::ScheduleUnknown, Class::NotFound));
            let says = format!("Could not {doing}: there is no schedule {name}.");
            assert_eq!(error.sentence(), says);
        }
    }
}

#[tokio::test]
async fn the_reserved_schedule_is_refused_at_every_door_but_can_be_run() {
    let (_folder, store, call) = house();
    reserve(&store).await;
    let name = "self_monitoring";
    let bad = PlanTexts { priority: Some("high".into()), ..PlanTexts::default() };
    for (done, doing) in [
        (edit(&store, &call, change(name, bad)).await.map(|_| ()), "change a schedule"),
        (remove(&store, &call, name).await.map(|_| ()), "remove a schedule"),
        (pause(&store, &call, name).await.map(|_| ()), "pause a schedule"),
        (resume(&store, &call, name).await.map(|_| ()), "resume a schedule"),
    ] {
        let error = done.unwrap_err();
        assert_eq!((error.code(), error.class()), (Code::ScheduleReserved, Class::Conflict));
        let says =
            format!("Could not {doing}: its settings edit self_monitoring, and nothing else does.");
        assert_eq!(error.sentence(), says);
    }
    assert_eq!(run_now(&store, &call, name, RunScheduleNow::default()).await.unwrap().value.id, 1);
}

#[tokio::test]
async fn a_viewer_changes_no_schedule_and_an_operator_every_one_but_those_of_agents() {
    let (_folder, store, owner) = house();
    let session = PlanTexts {
        payload: Some(r#"{"prompt":"look"}"#.into()),
        ..plan("30 2 * * * UTC", "agent_session")
    };
    add(&store, &owner, new("nightly", plan("30 2 * * * UTC", "report"))).await.unwrap();
    add(&store, &owner, new("agents", session.clone())).await.unwrap();
    let mut call = owner.clone();
    for (role, refused) in [(Role::Viewer, true), (Role::Operator, false)] {
        call.who.role = role;
        let of = |name: &str| change(name, plan("30 3 * * * UTC", "report"));
        for done in [
            pause(&store, &call, "nightly").await.map(|_| ()),
            resume(&store, &call, "nightly").await.map(|_| ()),
            run_now(&store, &call, "nightly", RunScheduleNow::default()).await.map(|_| ()),
            edit(&store, &call, of("nightly")).await.map(|_| ()),
            add(&store, &call, new("mine", plan("1h", "report"))).await.map(|_| ()),
            remove(&store, &call, "mine").await.map(|_| ()),
        ] {
            assert_eq!(done.is_err_and(|e| e.code() == Code::AuthRole), refused, "{role:?}");
        }
        for done in [
            edit(&store, &call, of("agents")).await.map(|_| ()),
            edit(&store, &call, change("nightly", session.clone())).await.map(|_| ()),
            remove(&store, &call, "agents").await.map(|_| ()),
            add(&store, &call, new("mine", session.clone())).await.map(|_| ()),
        ] {
            let (code, class, sentence) = said(done.map(|()| Answer::new((), "")));
            assert_eq!((code, class), (Code::AuthRole, Class::Forbidden), "{sentence}");
        }
    }
    let role = |role, name| {
        let store = store.clone();
        async move { may_own(role, &known(&store, name, "show a schedule").await.unwrap()) }
    };
    assert!(role(Role::Operator, "nightly").await && !role(Role::Operator, "agents").await);
    assert!(role(Role::Admin, "agents").await && !role(Role::Viewer, "nightly").await);
}

#[tokio::test]
async fn a_schedule_can_begin_paused() {
    let (_folder, store, call) = house();
    let request = ScheduleAdd { paused: true, ..new("still", plan("15m", "report")) };
    let added = add(&store, &call, request).await.unwrap();
    assert!(added.sentence.ends_with("once a person resumes it."), "{}", added.sentence);
    assert!(known(&store, "still", "show it").await.unwrap().paused_at.is_some());
    let deeds = store.deeds(10).await.unwrap();
    assert_eq!(deeds.len(), 2, "both are in the audit log: {deeds:?}");
}

#[tokio::test]
async fn a_story_tells_the_rule_the_next_five_and_what_was_decided() {
    let (_folder, store, call) = house();
    add(&store, &call, new("often", plan("15m", "report"))).await.unwrap();
    let told = story(&store, "often", NOW).await.unwrap();
    let json = serde_json::to_value(&told).unwrap();
    assert_eq!(json["words"], "every 15 minutes");
    assert_eq!(json["plan"]["rule"]["type"], "every");
    assert_eq!(json["next"].as_array().unwrap().len(), 5);
    assert_eq!(json["next"][0]["at"], NOW.to_string(), "due, and not looked at yet");
    assert_eq!(json["decisions"], serde_json::json!([]));
    assert_eq!(decisions(&store, "often", 5, NOW).await.unwrap().len(), 0);
}
