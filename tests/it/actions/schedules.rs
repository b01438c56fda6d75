//! Actions on schedules, face by face.

use super::others::check;
use crate::support::faces::{Faces, Request, value};
use crate::support::server::program;
use lamplighter::Code;
use lamplighter::actions::schedules::{
    self, PlanTexts, RuleText, RunScheduleNow, ScheduleAdd, ScheduleEdit,
};
use lamplighter::model::Role;
use std::path::Path;

/// A rule whose next occurrence is the same for every face.
const CRON: &str = "0 0 1 1 *";

fn bare(_: &Path) {}

/// A schedule, and the one of self-monitoring.
fn prepare(folder: &Path) {
    for arguments in [
        &["schedules", "add", "nightly", "--cron", CRON, "--kind", "report"][..],
        &["settings", "set", "self_monitoring.enabled", "true"],
    ] {
        let done = program(folder).args(arguments).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_are_run_paused_and_resumed_alike_by_every_face() {
    let prepare = |folder: &Path| {
        let add = ["schedules", "add", "nightly", "--every", "1h", "--kind", "report"];
        let added = crate::support::server::program(folder).args(add).output().unwrap();
        assert!(added.status.success(), "{added:?}");
    };
    let mut faces = Faces::start(prepare).await;
    for (name, deed, says) in [
        ("nightly", "run-now", Ok("Job 1 is made as the schedule nightly would make it")),
        ("nightly", "pause", Ok("The schedule nightly makes no more jobs")),
        ("nightly", "pause", Ok("The schedule nightly ")),
        ("nightly", "resume", Ok("The schedule nightly goes on")),
        ("nobody", "run-now", Err(Code::ScheduleUnknown)),
        ("nobody", "pause", Err(Code::ScheduleUnknown)),
        ("nobody", "resume", Err(Code::ScheduleUnknown)),
    ] {
        let path = format!("/schedules/{name}/{deed}");
        let cli = ["schedules", deed, name];
        let request = Request { cli: &cli, page: Some((&path, &[])) };
        let act = async |store: &_, call: &_| {
            Ok(match deed {
                "run-now" => {
                    value(&schedules::run_now(store, call, name, RunScheduleNow::default()).await?)
                }
                "pause" => value(&schedules::pause(store, call, name).await?),
                _ => value(&schedules::resume(store, call, name).await?),
            })
        };
        check(&faces.ask(request, act).await, says);
        assert_eq!(faces.refused_below(Role::Viewer, request.page, act).await, Code::AuthRole);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_asks_for_what_a_session_asks_for() {
    let mut faces = Faces::start(bare).await;
    for (kind, payload, says) in [
        ("agent_session", r#"{"prompt":"x","profile":"full"}"#, Code::ModelInvalid),
        ("agent_session", "{}", Code::ModelInvalid),
        ("bulk_action", r#"{"act":"delete"}"#, Code::ModelInvalid),
    ] {
        let cli = ["schedules", "add", "s", "--every", "1h", "--kind", kind, "--payload", payload];
        let told = faces
            .ask(Request { cli: &cli, page: None }, async |store, call| {
                let plan = schedules::PlanTexts {
                    rule: Some(schedules::RuleText::Every { every: "1h".into(), zone: None }),
                    kind: Some(kind.into()),
                    payload: Some(payload.into()),
                    ..schedules::PlanTexts::default()
                };
                let add = ScheduleAdd { name: "s".into(), plan, confirmed: false, paused: false };
                Ok(value(&schedules::add(store, call, add).await?))
            })
            .await;
        check(&told, Err(says));
    }
}

/// An option of the command line, as it is sent by every face.
fn texts(option: &str, text: &str) -> PlanTexts {
    let given = |name: &str| (option == name).then(|| text.to_owned());
    PlanTexts {
        rule: None,
        kind: given("kind"),
        payload: given("payload"),
        prompt: None,
        queue: given("queue"),
        priority: given("priority"),
        catch_up: given("catch-up"),
        overlap: given("overlap"),
        stagger: given("stagger"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_are_added_alike_by_function_and_command() {
    let mut faces = Faces::start(prepare).await;
    for (name, option, text, says) in [
        ("weekly", "priority", "5", Ok("The schedule weekly makes a job of kind report ")),
        ("weekly", "priority", "5", Err(Code::ScheduleExists)),
        ("Odd-Name", "priority", "5", Err(Code::ModelInvalid)),
        ("self_monitoring", "priority", "5", Err(Code::ScheduleReserved)),
        ("other", "priority", "101", Err(Code::ModelInvalid)),
        ("other", "priority", "high", Err(Code::ModelInvalid)),
        ("other", "payload", "{", Err(Code::ModelInvalid)),
        ("other", "queue", "a b", Err(Code::ModelInvalid)),
        ("other", "catch-up", "twice", Err(Code::ModelInvalid)),
        ("other", "overlap", "run", Err(Code::ModelInvalid)),
        ("other", "stagger", "soon", Err(Code::ModelInvalid)),
    ] {
        let flag = format!("--{option}={text}");
        let cli = ["schedules", "add", name, "--cron", CRON, "--kind", "report", &flag];
        let add = async |store: &_, call: &_| {
            let plan = PlanTexts {
                rule: Some(RuleText::Cron { cron: CRON.into(), zone: None }),
                kind: Some("report".into()),
                ..texts(option, text)
            };
            let add = ScheduleAdd { name: name.into(), plan, confirmed: false, paused: false };
            Ok(value(&schedules::add(store, call, add).await?))
        };
        check(&faces.ask(Request { cli: &cli, page: None }, add).await, says);
        assert_eq!(faces.refused_below(Role::Viewer, None, add).await, Code::AuthRole);
    }
    for (flag, rule) in [
        ("--cron=61 * * * *", RuleText::Cron { cron: "61 * * * *".into(), zone: None }),
        ("--every=0", RuleText::Every { every: "0".into(), zone: None }),
        ("--at=someday", RuleText::At { at: "someday".into(), zone: None }),
    ] {
        let cli = ["schedules", "add", "other", flag, "--kind", "report"];
        let add = async |store: &_, call: &_| {
            let kind = Some("report".into());
            let plan = PlanTexts { rule: Some(rule.clone()), kind, ..PlanTexts::default() };
            let add = ScheduleAdd { name: "other".into(), plan, confirmed: false, paused: false };
            Ok(value(&schedules::add(store, call, add).await?))
        };
        let told = faces.ask(Request { cli: &cli, page: None }, add).await;
        check(&told, Err(Code::ModelInvalid));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_are_edited_alike_by_every_face() {
    let mut faces = Faces::start(prepare).await;
    let full = r#"{"prompt":"x","profile":"full"}"#;
    let does = "The schedule nightly makes a job of kind report ";
    let same = "The schedule nightly is as it was: nothing was changed.";
    for (name, option, text, says) in [
        ("nightly", "priority", "5", Ok(does)),
        ("nightly", "priority", "5", Ok(same)),
        ("nightly", "priority", "101", Err(Code::ModelInvalid)),
        ("nightly", "priority", "high", Err(Code::ModelInvalid)),
        ("nightly", "payload", r#"{"to":1}"#, Ok(does)),
        ("nightly", "payload", "{", Err(Code::ModelInvalid)),
        ("nightly", "kind", "A B", Err(Code::ModelInvalid)),
        ("nightly", "queue", "a b", Err(Code::ModelInvalid)),
        ("nightly", "queue", "mail", Ok(does)),
        ("nightly", "catch-up", "twice", Err(Code::ModelInvalid)),
        ("nightly", "catch-up", "all:3", Ok(does)),
        ("nightly", "overlap", "run", Err(Code::ModelInvalid)),
        ("nightly", "overlap", "skip", Ok(does)),
        ("nightly", "stagger", "soon", Err(Code::ModelInvalid)),
        ("nightly", "stagger", "2d", Err(Code::ModelInvalid)),
        ("nightly", "stagger", "5m", Ok(does)),
        ("nightly", "kind", "agent_session", Err(Code::ModelInvalid)),
        ("nobody", "priority", "5", Err(Code::ScheduleUnknown)),
        ("self_monitoring", "priority", "5", Err(Code::ScheduleReserved)),
    ] {
        let (flag, field) = (format!("--{option}={text}"), option.replace('-', "_"));
        let cli = ["schedules", "edit", name, &flag];
        let path = format!("/schedules/{name}/edit");
        // A page sends every field.
        let stored = faces.form_of_schedule(name).await;
        let form: Vec<_> = stored
            .iter()
            .map(|(name, stored)| (*name, if *name == field { text } else { stored.as_str() }))
            .collect();
        let request = Request { cli: &cli, page: Some((&path, &form)) };
        let edit = async |store: &_, call: &_| {
            let plan = texts(option, text);
            let edit = ScheduleEdit { name: name.into(), plan, confirmed: false };
            Ok(value(&schedules::edit(store, call, edit).await?))
        };
        check(&faces.ask(request, edit).await, says);
        assert_eq!(faces.refused_below(Role::Viewer, request.page, edit).await, Code::AuthRole);
    }
    // What a command cannot take as an argument, a page can be sent.
    let (most, large) = ("x".repeat(262_142), "x".repeat(262_143));
    for (kind, payload, confirmed, says) in [
        ("report", format!("\"{most}\""), false, Ok(does)),
        ("report", format!("\"{large}\""), false, Err(Code::JobTooLarge)),
        ("agent_session", full.to_owned(), false, Err(Code::ModelInvalid)),
    ] {
        let stored = faces.form_of_schedule("nightly").await;
        let mut form: Vec<_> = stored
            .iter()
            .map(|(name, stored)| match *name {
                "kind" => ("kind", kind),
                "payload" => ("payload", payload.as_str()),
                name => (name, stored.as_str()),
            })
            .collect();
        form.extend(confirmed.then_some(("confirm", "full")));
        let request = Request { cli: &[], page: Some(("/schedules/nightly/edit", &form)) };
        let edit = async |store: &_, call: &_| {
            let (kind, payload) = (Some(kind.to_owned()), Some(payload.clone()));
            let plan = PlanTexts { kind, payload, ..PlanTexts::default() };
            let edit = ScheduleEdit { name: "nightly".into(), plan, confirmed };
            Ok(value(&schedules::edit(store, call, edit).await?))
        };
        check(&faces.ask(request, edit).await, says);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_are_removed_alike_by_function_and_command() {
    let mut faces = Faces::start(prepare).await;
    for (name, says) in [
        ("nightly", Ok("The schedule nightly is removed; the jobs that it made stay.")),
        ("nightly", Err(Code::ScheduleUnknown)),
        ("Odd-Name", Err(Code::ScheduleUnknown)),
        ("self_monitoring", Err(Code::ScheduleReserved)),
    ] {
        let request = Request { cli: &["schedules", "remove", name], page: None };
        let remove =
            async |store: &_, call: &_| Ok(value(&schedules::remove(store, call, name).await?));
        check(&faces.ask(request, remove).await, says);
        assert_eq!(faces.refused_below(Role::Viewer, None, remove).await, Code::AuthRole);
    }
}
