//! People and schedules at the command line: what is printed, and how a command ends.

use crate::support::server::{PASSWORD, program};
use crate::support::{open, store};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

/// The exit code, what is printed, and what is noted.
fn run(data: &Path, input: &str, line: &[&str]) -> (Option<i32>, String, String) {
    let mut command = program(data);
    command.args(line).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn users_are_added_listed_changed_and_removed() {
    let (folder, _store) = store();
    let data = folder.path();
    let password = format!("{PASSWORD}\nnotes of a password manager\n");
    let (code, out, err) = run(data, &password, &["users", "add", "ada", "--role", "admin"]);
    assert_eq!(
        (code, out.as_str()),
        (Some(0), "The user ada can sign in and has the role admin."),
        "{err}"
    );
    assert!(err.contains("The first line is the password; the lines after it"), "{err}");
    let (_, out, _) = run(data, "", &["--json", "users", "list"]);
    let listed: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&listed["name"], &listed["role"], &listed["logins"]),
        (&"ada".into(), &"admin".into(), &0.into())
    );
    let (code, _, err) = run(data, "", &["users", "role", "ada", "viewer"]);
    assert!(code == Some(1) && err.contains("[AUTH-ROLE-002]"), "{err}");
    for (line, code) in [
        (&["users", "add", "Odd Name", "--role", "admin"][..], 2),
        (&["users", "role", "ada", "root"], 2),
        (&["users", "add", "bob", "--role", "viewer"], 2),
        (&["users", "passwd", "nobody"], 69),
        (&["users", "remove", "nobody"], 69),
        (&["users", "remove", "ada"], 1),
    ] {
        let (ended, _, err) = run(data, "too short\n", line);
        assert_eq!(ended, Some(code), "{line:?}: {err}");
    }
    run(data, &password, &["users", "add", "bob", "--role", "admin"]);
    let (_, out, _) = run(data, "", &["--json", "users", "remove", "ada"]);
    let removed: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(removed["answer"], "The user ada is removed and signed out.");
    drop(open(data));
}

#[test]
fn a_schedule_that_does_not_fit_ends_with_2_and_hears_of_its_own_option_only() {
    let (folder, _store) = store();
    let add = |rest: &[&str]| {
        let line = [&["schedules", "add", "a", "--kind", "report"], rest].concat();
        run(folder.path(), "", &line)
    };
    for (rest, says) in [
        (&["--every", "90s"][..], "no whole number of minutes"),
        (&["--every", "15m", "--zone", "Europe/Berlin"], "an interval counts elapsed time"),
        (&["--at", "2027-01-15"], "it has no time of day"),
        (&["--at", "2027-01-15 08:00"], "it names no zone"),
        (&["--cron", "61 * * * *"], "minutes are 0 to 59"),
        (&["--cron", "0 3 * * *", "--zone", "Istanbul"], "it is a part of several"),
        (&["--every", "1h", "--priority", "101"], "from -100 to 100"),
        (&["--every", "1h", "--catch-up", "all:0"], "1 to 100"),
        (&["--every", "1h", "--payload", "{"], "it is no JSON"),
        (&["--every", "1h", "--stagger", "soon"], "90s, 10m, 2h 30m"),
    ] {
        let (code, _, err) = add(rest);
        assert!(code == Some(2) && err.contains(says), "{rest:?}: {code:?} {err}");
        let line = err.lines().next().unwrap_or_default();
        assert_eq!(line.matches("JOB-VALUE-001").count(), 1, "{err}");
        assert!(!line.contains("name the zone after the crontab expression"), "{err}");
    }
    let far = add(&["--at", "2999-01-15 08:00", "--zone", "Europe/Berlin"]);
    assert!(far.1.contains("2999-01-15 07:00:00 UTC"), "{far:?}");
    assert!(far.2.contains("No process works on this database"), "{far:?}");
    let (code, out, _) = run(folder.path(), "", &["schedules", "show", "a"]);
    assert!(code == Some(0) && out.contains("once, at 2999") && out.contains("DECISION"), "{out}");
    let (code, out, _) = run(folder.path(), "", &["schedules", "edit", "a"]);
    assert_eq!(
        (code, out.as_str()),
        (Some(0), "The schedule a is as it was: nothing was changed.")
    );
    assert_eq!(run(folder.path(), "", &["schedules", "show", "Odd-Name"]).0, Some(69));
    assert_eq!(add(&["--every", "1h"]).0, Some(1), "there is one of this name");
}
