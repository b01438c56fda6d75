//! The commands on scans, issues, approvals and log rows, and what the command line says of a data directory that it may
//! not use.

use crate::support::server::program;
use crate::support::{now, run_now, store};
use lamplighter::actions::issues::{self, IssueDeed};
use lamplighter::actions::{Call, approvals};
use lamplighter::model::{
    FilingId, FilingPick, FilingVerdict, IssueId, Kind, Level, NewJob, NewLogRow,
};
use lamplighter::store::{LogStore, OpenMode};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn ask(folder: &Path, arguments: &[&str]) -> Output {
    program(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The exit code, and what stands on standard error.
fn refused(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), text(&output.stderr))
}

#[tokio::test]
async fn a_scan_that_is_asked_for_prints_its_id_alone_and_says_the_rest_beside_it() {
    let (folder, store) = store();
    let asked = ask(folder.path(), &["run-now"]);
    assert_eq!((asked.status.code(), text(&asked.stdout).as_str()), (Some(0), "1\n"));
    let said = text(&asked.stderr);
    assert!(said.contains("Scan 1 is queued.\n"), "{said}");
    assert_eq!(said.matches("No server runs").count(), 1, "{said}");
    let asked = ask(folder.path(), &["--json", "run-now", "--dry-run"]);
    let asked: Value = serde_json::from_slice(&asked.stdout).unwrap();
    assert_eq!((&asked["status"], &asked["scan_id"]), (&"queued".into(), &"2".into()));
    let list = text(&ask(folder.path(), &["scans", "list"]).stdout);
    assert_eq!(list.matches("waits: no server runs").count(), 2, "{list}");
    let show = ask(folder.path(), &["--json", "scans", "show", "1"]);
    let show: Value = serde_json::from_slice(&show.stdout).unwrap();
    assert_eq!((&show["id"], &show["waits"]), (&1.into(), &"waits: no server runs".into()));
    assert_eq!(show["findings"], serde_json::json!([]));

    let other =
        store.enqueue(NewJob::new(Kind::parse("send_email").unwrap()), now()).await.unwrap();
    for (id, why) in [(other.id().0, "is of the kind send_email"), (99, "there is no job 99")] {
        let (code, said) = refused(&ask(folder.path(), &["scans", "show", &id.to_string()]));
        assert!(code == Some(69) && said.contains("[SCAN-ID-001]") && said.contains(why), "{said}");
    }
}

#[tokio::test]
async fn what_the_actions_on_issues_and_approvals_refuse_the_commands_refuse_with_the_same_code() {
    let (folder, store) = store();
    run_now(&store).await;
    let call = Call::by_owner(now());
    let deeds = [
        (&["issues", "close", "7"][..], IssueDeed::Close),
        (&["issues", "close", "7", "--not-planned"], IssueDeed::CloseNotPlanned),
        (&["issues", "reopen", "7"], IssueDeed::Reopen),
        (&["issues", "mute", "7"], IssueDeed::Mute),
        (&["issues", "unmute", "7"], IssueDeed::Unmute),
    ];
    for (arguments, deed) in deeds {
        let error = issues::change(&store, &call, IssueId(7), deed).await.unwrap_err();
        let (code, said) = refused(&ask(folder.path(), arguments));
        assert_eq!(code, Some(i32::from(error.class().exit_code())), "{arguments:?}");
        assert!(said.contains(&format!("[{}] {}", error.code(), error.sentence())), "{said}");
    }
    let error =
        approvals::decide(&store, &call, FilingPick::all([FilingId(7)]), FilingVerdict::Approve)
            .await
            .unwrap_err();
    for verb in ["approve", "reject"] {
        let (code, said) = refused(&ask(folder.path(), &["approvals", verb, "7"]));
        assert_eq!(code, Some(i32::from(error.class().exit_code())), "{verb}");
        assert!(said.contains(&format!("[{}] ", error.code())), "{verb}: {said}");
    }
    for list in ["issues", "approvals", "scans"] {
        let (code, said) = refused(&ask(folder.path(), &[list, "list", "--limit", "0"]));
        assert!(
            code == Some(2) && said.contains("it is a number from 1 to 1000"),
            "{list}: {said}"
        );
        assert_eq!(ask(folder.path(), &[list, "list"]).status.code(), Some(0), "{list}");
    }
}

#[tokio::test]
async fn log_rows_are_listed_by_their_conditions_and_followed_across_processes() {
    let (folder, _store) = store();
    let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
    let row = |level, text: &str| NewLogRow::new("2027-01-15T08:00:00Z", level, "shop", text);
    let rows = vec![row(Level::Info, "opened"), row(Level::Error, "[SHOP-PAY-001] no money")];
    logs.append(rows).await.unwrap();
    let list = text(&ask(folder.path(), &["logs", "list", "--level", "warn"]).stdout);
    assert!(list.contains("no money") && !list.contains("opened"), "{list}");
    let list = ask(folder.path(), &["--json", "logs", "list", "--code", "SHOP-PAY-001"]);
    let list: Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!((&list["id"], &list["level"]), (&2.into(), &"ERROR".into()));
    let (code, said) = refused(&ask(folder.path(), &["logs", "list", "--level", "loud"]));
    assert!(code == Some(2) && said.contains("there is no such level"), "{said}");

    let mut tail = program(folder.path());
    let mut tail =
        tail.args(["logs", "tail", "--source", "shop"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert!(next().contains("opened"));
    assert!(next().contains("no money"));
    logs.append(vec![row(Level::Info, "closed")]).await.unwrap();
    assert!(next().contains("closed"));
    tail.kill().unwrap();
    tail.wait().unwrap();
}

#[test]
fn a_data_directory_that_is_refused_is_told_from_one_that_is_empty() {
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let own = home.path().join("lamplighter");
    fs::copy(env!("CARGO_BIN_EXE_lamplighter"), &own).unwrap();
    let data = home.path().join("data");
    fs::create_dir(&data).unwrap();
    File::create(data.join("lamplighter.db")).unwrap();
    let is_root = rustix::process::getuid().is_root();
    fs::set_permissions(&data, PermissionsExt::from_mode(if is_root { 0o700 } else { 0 })).unwrap();
    let list = ["jobs", "list"];
    let run = |data: &Path, arguments: &[&str]| {
        let mut command = Command::new(&own);
        command.arg("--data-dir").arg(data).args(arguments).env_clear();
        if is_root {
            command.uid(65_534).gid(65_534);
        }
        refused(&command.output().unwrap())
    };
    for below in [data.clone(), data.join("folder")] {
        let (code, said) = run(&below, &list);
        assert!(code == Some(77) && said.contains("[CONFIG-DIR-003]"), "{code:?} {said}");
        assert!(said.contains("Run the command as the server's user."), "{said}");
    }
    let (code, said) = run(&own, &list);
    assert!(code == Some(69) && said.contains("[CONFIG-DIR-004]"), "{code:?} {said}");
    let bare = home.path().join("bare");
    fs::create_dir(&bare).unwrap();
    fs::set_permissions(&bare, PermissionsExt::from_mode(0o555)).unwrap();
    for below in [bare.clone(), bare.join("folder/of")] {
        let (code, said) = run(&below, &["run-now"]);
        assert!(code == Some(77) && said.contains("[CONFIG-DIR-003]"), "{code:?} {said}");
    }
    let (code, said) = run(&home.path().join("nothing"), &list);
    assert!(code == Some(69) && said.contains("[CONFIG-DIR-002]"), "{code:?} {said}");
    fs::set_permissions(&data, PermissionsExt::from_mode(0o700)).unwrap();
}

#[test]
fn an_answer_that_cannot_be_written_is_not_called_a_fault_of_the_database() {
    let (folder, _store) = store();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = program(folder.path()).args(["jobs", "list"]).stdout(full).output().unwrap();
    let (code, said) = refused(&output);
    assert!(code == Some(1) && said.contains("[CLI-OUTPUT-001]"), "{code:?} {said}");
    let (_, said) = refused(&ask(folder.path(), &["logs", "templates", "/nope"]));
    assert!(
        said.contains("The named file or folder is not there") && !said.contains("import"),
        "{said}"
    );
}
