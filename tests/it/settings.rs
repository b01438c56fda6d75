//! `lamplighter settings`: one value, options anywhere, and no database where none was.

use crate::support::server::program;
use crate::support::store;
use std::path::Path;
use std::process::{Command, Output};

/// The program with a home of its own and no data directory named.
fn at_home(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lamplighter"));
    command.env_clear().env("HOME", home).args(arguments).output().unwrap()
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn options_behind_a_value_are_options() {
    let (data, _store) = store();
    let home = tempfile::tempdir().unwrap();
    let path = data.path().to_str().unwrap();
    let set = ["settings", "set", "tracker.server_name", "shop-7"];
    let said = out(&at_home(home.path(), &[&set[..], &["--data-dir", path]].concat()));
    assert_eq!(said, "tracker.server_name is shop-7 from now on.");
    let json = out(&at_home(home.path(), &[&set[..], &["--json", "--data-dir", path]].concat()));
    assert!(json.starts_with(r#"{"key":"tracker.server_name","value":"shop-7","#), "{json}");
    let help = out(&at_home(home.path(), &[&set[..], &["--help"]].concat()));
    assert!(help.contains("Change settings"), "{help}");
    let get = ["settings", "get", "tracker.server_name", "--data-dir", path];
    assert_eq!(out(&at_home(home.path(), &get)), "shop-7");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "the home stays empty");
}

#[test]
fn a_value_may_begin_with_a_hyphen_and_has_several_words_in_quotes_only() {
    let (data, _store) = store();
    let set = |value: &[&str]| {
        let command = ["settings", "set", "tracker.server_name"];
        program(data.path()).args(command).args(value).output().unwrap()
    };
    let now = |value: &str| format!("tracker.server_name is {value} from now on.");
    assert_eq!(out(&set(&["--", "--shop"])), now("--shop"));
    assert_eq!(out(&set(&["-7"])), now("-7"));
    assert_eq!(out(&set(&["shop seven"])), now("shop seven"));
    let refused = set(&["shop", "eight"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success(), "{refused:?}");
    assert!(said.contains("settings set tracker.server_name 'shop eight'"), "{said}");
    let get = ["settings", "get", "tracker.server_name"];
    assert_eq!(out(&program(data.path()).args(get).output().unwrap()), "shop seven");
}

#[test]
fn a_database_is_made_by_what_begins_something_and_by_nothing_else() {
    for command in [
        &["settings", "set", "tracker.server_name", "shop-7"][..],
        &["settings", "get"],
        &["jobs", "list"],
        &["schedules", "list"],
        &["queues", "pause", "--all"],
        &["users", "passwd", "admin"],
    ] {
        let home = tempfile::tempdir().unwrap();
        let output = at_home(home.path(), command);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(69), "{command:?}: {said}");
        assert!(said.contains("CONFIG-DIR-002"), "{command:?}: {said}");
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "{command:?}");
    }
    for command in [
        &["jobs", "enqueue", "greet"][..],
        &["run-now"],
        &["sessions", "trigger", "look"],
        &["schedules", "add", "nightly", "--every", "15m", "--kind", "greet"],
    ] {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        let named = ["--data-dir", data.to_str().unwrap()];
        out(&at_home(home.path(), &[command, &named].concat()));
        assert!(data.join("lamplighter.db").exists(), "{command:?}");
    }
}
