//! Actions on sessions, scans, repositories and issues, face by face.

use crate::support::faces::{Faces, Request, Told, value};
use crate::support::foreign;
use lamplighter::Code;
use lamplighter::actions::issues::{self, IssueDeed};
use lamplighter::actions::repositories::{self, RepositoryAdd};
use lamplighter::actions::scans::{self, ScanRun};
use lamplighter::actions::sessions::{self, SessionTrigger, parse_budget, parse_id, parse_tier};
use lamplighter::model::{IssueId, Role, SessionRequest};
use std::path::Path;

fn bare(_: &Path) {}

/// What a face says: the beginning of its sentence, or the code of its refusal.
pub(super) fn check(told: &Told, says: Result<&str, Code>) {
    match (told, says) {
        (Told::Done(value), Ok(begins)) => {
            let answer = value["answer"].as_str().unwrap();
            assert!(answer.starts_with(begins), "{answer}");
        }
        (Told::Refused(code, said), Err(expected)) => {
            assert_eq!(*code, expected, "{said}");
            assert!(said.ends_with('.'), "{said}");
        }
        (told, says) => panic!("{told:?} where {says:?} was expected"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_asked_for_alike_by_every_face() {
    let mut faces = Faces::start(bare).await;
    for (option, value_of, says) in [
        ("", "", Ok("Session 1 is queued.")),
        ("tier", "2", Ok("Session 2 is queued")),
        ("tier", "4", Err(Code::ModelInvalid)),
        ("tier", "two", Err(Code::ModelInvalid)),
        ("model", "--help", Err(Code::AgentValue)),
        ("profile", "root", Err(Code::ModelInvalid)),
        ("profile", "full", Err(Code::ModelInvalid)),
        ("budget", "0", Err(Code::ModelInvalid)),
        ("budget", "lots", Err(Code::ModelInvalid)),
        ("working-dir", "a/b", Err(Code::ModelInvalid)),
        ("working-dir", "/no/such/folder", Err(Code::ModelInvalid)),
        ("continues", "99", Err(Code::JobUnknown)),
        ("continues", "1", Err(Code::SessionNotOver)),
    ] {
        let flag = format!("--{option}={value_of}");
        let mut cli = vec!["sessions", "trigger", "look"];
        let mut form = vec![("prompt", "look")];
        let field = if option == "budget" { "budget_usd" } else { &option.replace('-', "_") };
        if !option.is_empty() {
            cli.push(&flag);
            form.push((field, value_of));
        }
        let request = Request { cli: &cli, page: Some(("/sessions/trigger", &form)) };
        let trigger = async |store: &_, call: &_| {
            let given = |name: &str| (option == name).then(|| value_of.to_owned());
            let request = SessionRequest {
                tier: given("tier").as_deref().map(parse_tier).transpose()?,
                model: given("model"),
                profile: given("profile"),
                budget_usd: given("budget").as_deref().map(parse_budget).transpose()?,
                working_dir: given("working-dir").map(Into::into),
                continues: given("continues").as_deref().map(parse_id).transpose()?,
                ..SessionRequest::of("look")
            };
            let asked = SessionTrigger { request, ..SessionTrigger::default() };
            Ok(value(&sessions::trigger(store, call, asked).await?))
        };
        check(&faces.ask(request, trigger).await, says);
        if says.is_ok() {
            let refused = faces.refused_below(Role::Operator, request.page, trigger).await;
            assert_eq!(refused, Code::AuthRole);
        }
    }
    let form = [("prompt", " ")];
    let cli = ["sessions", "trigger", " "];
    let request = Request { cli: &cli, page: Some(("/sessions/trigger", &form)) };
    let told = faces
        .ask(request, async |store, call| {
            let asked =
                SessionTrigger { request: SessionRequest::of(" "), ..SessionTrigger::default() };
            Ok(value(&sessions::trigger(store, call, asked).await?))
        })
        .await;
    assert_eq!(told, Told::Refused(Code::ModelInvalid, "A prompt is required.".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn scans_are_asked_for_alike_by_every_face() {
    let mut faces = Faces::start(bare).await;
    for (cli, path, dry_run, begins) in [
        (&["run-now"][..], "/admin/self-monitoring/run-now", false, "Scan 1 "),
        (&["run-now", "--dry-run"], "/admin/self-monitoring/dry-run", true, "Dry run 2 "),
    ] {
        let request = Request { cli, page: Some((path, &[])) };
        let run = async |store: &_, call: &_| {
            Ok(value(&scans::run_now(store, call, ScanRun { dry_run }).await?))
        };
        check(&faces.ask(request, run).await, Ok(begins));
        assert_eq!(faces.refused_below(Role::Viewer, request.page, run).await, Code::AuthRole);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_are_refused_alike_by_every_face() {
    let mut faces = Faces::start(bare).await;
    for (path, name, code) in
        [("/no/such/repository", "shop", Code::InputMissing), ("/etc", "etc", Code::RepositoryPath)]
    {
        let form = [("path", path), ("name", name)];
        let cli = ["repos", "add", path, "--name", name];
        let request = Request { cli: &cli, page: Some(("/repositories", &form)) };
        let add = async |store: &_, call: &_| {
            let add = RepositoryAdd { path: path.into(), name: name.into() };
            Ok(value(&repositories::add(store, call, add).await?))
        };
        check(&faces.ask(request, add).await, Err(code));
        assert_eq!(faces.refused_below(Role::Operator, request.page, add).await, Code::AuthRole);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn issues_are_closed_and_reopened_alike_by_every_face() {
    let prepare = |folder: &Path| {
        let issue = "
            INSERT INTO self_monitoring_issues (scan_id, tracker, number, title, body, classification, error_codes,
                source, template, source_files, evidence, occurrences, created_at, last_seen_at)
            VALUES (1, 'local', 1, 'It broke', 'b', 'server_bug', '[]', 's', 't', '[]', '[]', 1, 1, 1)";
        foreign(folder).execute_batch(issue).unwrap();
    };
    let mut faces = Faces::start(prepare).await;
    for (id, deed, word, says) in [
        (1, IssueDeed::Close, "close", Ok("Issue ")),
        (1, IssueDeed::Reopen, "reopen", Ok("Issue ")),
        (1, IssueDeed::Mute, "mute", Ok("Issue ")),
        (7, IssueDeed::Close, "close", Err(Code::IssueUnknown)),
    ] {
        let (number, path) = (id.to_string(), format!("/admin/self-monitoring/issues/{id}/{word}"));
        let cli = ["issues", word, &number];
        let request = Request { cli: &cli, page: Some((&path, &[])) };
        let change = async |store: &_, call: &_| {
            Ok(value(&issues::change(store, call, IssueId(id), deed).await?))
        };
        check(&faces.ask(request, change).await, says);
        assert_eq!(faces.refused_below(Role::Viewer, request.page, change).await, Code::AuthRole);
    }
}
