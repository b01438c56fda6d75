//! The versions of Claude Code that CI runs, which one file pins.

use lamplighter::agents::claude::Version;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.ci"))
}

/// The version of this name.
fn pinned(name: &str) -> Version {
    let file = fs::read_to_string(folder().join("claude-code-versions")).unwrap();
    let mut lines = file.lines();
    let version = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    Version::parse(version.unwrap()).unwrap()
}

#[test]
fn the_oldest_version_that_ci_runs_is_the_oldest_that_is_accepted() {
    assert_eq!(pinned("oldest"), Version::OLDEST);
    assert!(pinned("newest") > Version::OLDEST);
}

#[test]
fn a_newer_version_at_npm_is_said_and_ends_with_1() {
    let tools = tempfile::tempdir().unwrap();
    let npm = tools.path().join("npm");
    let path = format!("{}:{}", tools.path().display(), std::env::var("PATH").unwrap());
    let newest = pinned("newest").to_string();
    for (latest, exit, says) in [
        (newest.as_str(), 0, "is the newest"),
        ("2.1.9", 0, "is the newest: npm has 2.1.9"),
        ("2.1.1000", 1, "Claude Code 2.1.1000 is newer than"),
        ("10.0.0", 1, "Claude Code 10.0.0 is newer than"),
    ] {
        fs::write(&npm, format!("#!/bin/sh\necho {latest}\n")).unwrap();
        fs::set_permissions(&npm, fs::Permissions::from_mode(0o755)).unwrap();
        let mut look = Command::new(folder().join("claude-code-newer"));
        let said = look.env("PATH", &path).output().unwrap();
        let text = String::from_utf8(said.stdout).unwrap();
        assert_eq!(said.status.code(), Some(exit), "{latest}: {text}");
        assert!(text.contains(says), "{latest}: {text}");
    }
}
