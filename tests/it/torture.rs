//! `lamplighter torture` on real disks: what it says, what it leaves, and that it finds a loss.

use crate::support::server::program;
use crate::support::{STUCK, foreign, skipped};
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Rounds of the torture that has to lose nothing; 4 where it is not set.
const ROUNDS: &str = "LAMPLIGHTER_TORTURE";

/// The program with a data directory that is not there: a torture makes none.
fn torture(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = program(&folder.join("no-data"));
    command.arg("torture").arg(folder).args(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn answer(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|error| {
        panic!("{error}: {text}\n{}", String::from_utf8_lossy(&output.stderr))
    })
}

fn names(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Waits for the answer of something that another process makes.
fn until<T>(what: impl Fn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = what() {
            return found;
        }
        assert!(began.elapsed() < STUCK, "this should have happened long ago");
        sleep(Duration::from_millis(20));
    }
}

/// A torture that goes on for long, once its processes have completed some jobs; and the folder of its database.
fn at_work(folder: &Path, rounds: &str) -> (Child, PathBuf) {
    let child = torture(folder, &["--rounds", rounds, "--json"]).spawn().unwrap();
    let series = until(|| {
        let made = names(folder).into_iter().next()?.join("series-1");
        made.join("lamplighter.db").exists().then_some(made)
    });
    let completed = "SELECT count(*) FROM jobs WHERE status = 'completed'";
    until(|| {
        let count: i64 = foreign(&series).query_row(completed, [], |row| row.get(0)).ok()?;
        (count >= 20).then_some(())
    });
    (child, series)
}

#[test]
fn a_torture_loses_nothing_and_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let rounds = std::env::var(ROUNDS).unwrap_or_else(|_| "4".to_owned());
    let done = torture(folder.path(), &["--rounds", &rounds, "--seed", "7", "--json"]).output();
    let done = done.unwrap();
    let said = answer(&done);
    println!(
        "{rounds} rounds: {} kills, {} acknowledged, {} completed, {} runs",
        said["kills"], said["acknowledged"], said["completed"], said["runs"]
    );
    for wrong in ["lost", "doubled", "broken"] {
        assert_eq!(said[wrong], Value::Array(Vec::new()), "{said}");
    }
    let rounds: u64 = rounds.parse().unwrap();
    assert_eq!((&said["seed"], &said["rounds"]), (&7.into(), &rounds.into()));
    for some in ["kills", "acknowledged", "completed", "cancelled", "runs", "full_disk_refused"] {
        assert!(said[some].as_u64().unwrap() > 0, "{some}: {said}");
    }
    // What the disk of this machine deserves is not the test's to say: the verdict has to fit what was found.
    let against = |remark: &Value| remark["is_against"] == true;
    let is_doubted = said["disk"]["remarks"].as_array().unwrap().iter().any(against);
    let (code, verdict) = if is_doubted { (78, "not_proven") } else { (0, "kept") };
    assert_eq!((done.status.code(), &said["verdict"]), (Some(code), &verdict.into()), "{said}");
    assert_eq!(names(folder.path()), [""; 0].map(PathBuf::from));
}

#[test]
fn memory_is_never_called_kept() {
    let Ok(folder) = TempDir::new_in("/dev/shm") else {
        return skipped("it needs /dev/shm");
    };
    let done = torture(folder.path(), &["--rounds", "2"]).output().unwrap();
    let (text, error) =
        (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    if error.contains("[STORE-FULL-001]") {
        return println!("/dev/shm has too little room: {error}");
    }
    assert_eq!(done.status.code(), Some(78), "{text}{error}");
    assert!(text.starts_with("Not proven: "), "{text}");
    assert!(text.contains("tmpfs is in memory and not on a disk"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(error.starts_with("lamplighter: [DISK-SYNC-001] Not proven: "), "{error}");
    assert_eq!(names(folder.path()), [""; 0].map(PathBuf::from));
}

#[test]
fn a_torture_that_is_ended_by_a_signal_leaves_nothing() {
    for name in ["-TERM", "-INT"] {
        let folder = TempDir::new().unwrap();
        let (child, _) = at_work(folder.path(), "1000000");
        let sent = Command::new("kill").arg(name).arg(child.id().to_string()).status().unwrap();
        assert!(sent.success());
        let done = child.wait_with_output().unwrap();
        let error = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(130), "{error}");
        assert!(error.contains("[CLI-SIGNAL-001]"), "{error}");
        assert_eq!(names(folder.path()), [""; 0].map(PathBuf::from));
    }
}

#[test]
fn what_a_killed_torture_left_is_removed_by_the_next_one() {
    let folder = TempDir::new().unwrap();
    let (mut child, series) = at_work(folder.path(), "1000000");
    child.kill().unwrap();
    child.wait().unwrap();
    let left = series.parent().unwrap();
    assert!(left.exists());
    // Its processes end with it: each holds this file until then.
    File::open(left.join("everything-here-may-be-removed")).unwrap().lock().unwrap();
    let done = torture(folder.path(), &["--rounds", "1", "--json"]).output().unwrap();
    assert_ne!(answer(&done)["verdict"], "broken");
    assert_eq!(names(folder.path()), [""; 0].map(PathBuf::from));
}

#[test]
fn a_loss_is_found_and_named() {
    let folder = TempDir::new().unwrap();
    let (child, series) = at_work(folder.path(), "12");
    // The torture waits meanwhile; its processes work on.
    let tell = |signal: &str| {
        let sent = Command::new("kill").arg(signal).arg(child.id().to_string()).status();
        assert!(sent.unwrap().success());
    };
    tell("-STOP");
    let gone = foreign(&series).execute("DELETE FROM jobs WHERE status = 'completed'", []).unwrap();
    tell("-CONT");
    assert!(gone >= 20);
    let done = child.wait_with_output().unwrap();
    let said = answer(&done);
    assert_eq!((done.status.code(), &said["verdict"]), (Some(1), &"broken".into()), "{said}");
    let lost = said["lost"].as_array().unwrap();
    assert!(lost.iter().any(|text| text.as_str().unwrap().ends_with("and is gone")), "{said}");
    let error = String::from_utf8_lossy(&done.stderr);
    assert!(error.contains("[DISK-LOST-001] Broken: "), "{error}");
    assert_eq!(names(folder.path()), [""; 0].map(PathBuf::from));
}

#[test]
fn a_torture_that_cannot_be_is_refused_and_makes_nothing() {
    let folder = TempDir::new().unwrap();
    let code = |command: &mut Command| command.output().unwrap().status.code();
    assert_eq!(code(&mut torture(folder.path(), &["--minutes", "0"])), Some(2));
    assert_eq!(code(&mut torture(folder.path(), &["--rounds", "0"])), Some(2));
    assert_eq!(code(&mut torture(&folder.path().join("none"), &[])), Some(69));
    assert_eq!(names(folder.path()), [""; 0].map(PathBuf::from));
    let help = program(folder.path()).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("  torture ") && !help.contains("torture-work"), "{help}");
}
