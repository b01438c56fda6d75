//! SIGKILL before the n-th system call that changes a file, n = 1 until none is left: a start can be cut off anywhere.
//!
//! strace counts the calls and kills. `LAMPLIGHTER_FILES=long cargo test --test it kills` is killed before every write of a
//! page as well, the short form before some of them.

use crate::support::mounted::Mounted;
use crate::support::server::{Server, program};
use crate::support::{foreign, open, say_loudly, skipped};
use lamplighter::store::{LogStore, OpenMode, schema};
use rusqlite::Connection;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// The calls, each with how many of them the short form steps over. A call that the machine's processor has not is none.
const CALLS: [(&str, usize); 9] = [
    ("?unlink", 1),
    ("?unlinkat", 1),
    ("?rename", 1),
    ("?link,?linkat", 1),
    ("?mkdir,?mkdirat", 1),
    ("fsync", 1),
    ("fdatasync", 1),
    ("ftruncate", 1),
    ("pwrite64", 6),
];

pub(crate) fn is_long() -> bool {
    std::env::var("LAMPLIGHTER_FILES").is_ok_and(|form| form == "long")
}

/// Whether strace is here and may trace.
fn can_trace() -> bool {
    let traced = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).status();
    let can = traced.is_ok_and(|ended| ended.success());
    if !can {
        skipped("it needs strace, which may trace here (Debian: apt-get install strace)");
    }
    can
}

/// What starts a server.
const SERVE: &[&str] = &["serve", "--listen", "127.0.0.1:0"];

/// Runs the program and kills it before its n-th such call; whether it was killed before it said anything.
fn is_killed(data: &Path, arguments: &[&str], call: &str, n: usize) -> bool {
    let served = program(data);
    let inject = format!("inject={call}:signal=KILL:when={n}");
    let mut traced = Command::new("strace");
    // With -D the child is the program itself, and strace ends with it.
    traced.args([
        "-D",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        &format!("trace={call}"),
        "-e",
        &inject,
    ]);
    traced.arg(served.get_program()).args(served.get_args());
    traced.args(arguments).env("HOME", data).process_group(0);
    let mut child = traced.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let first = BufReader::new(child.stdout.take().unwrap()).lines().next();
    child.kill().unwrap();
    child.wait().unwrap();
    first.is_none()
}

/// The names of files that a start should not leave.
fn leftovers(data: &Path) -> Vec<String> {
    let names = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    names.filter(|name| name.contains(".new") || name.ends_with("-journal")).collect()
}

/// Runs the program on a folder that `prepare` fills and kills it before each call of each kind; `found` looks at what the
/// kill left, then a server must start, and `judge` looks at that, with the jobs that are there. Answers the kills.
fn killed_before_every_call<G>(
    arguments: &[&str],
    prepare: impl Fn(&Path) -> G,
    mut found: impl FnMut(&Path),
    mut judge: impl FnMut(&Path, i64, &str),
) -> usize {
    let mut kills = 0;
    for (call, step) in CALLS {
        let step = if is_long() { 1 } else { step };
        for n in (1..).step_by(step) {
            let folder = tempfile::tempdir().unwrap();
            let data = folder.path().join("data");
            let _held = prepare(&data);
            if !is_killed(&data, arguments, call, n) {
                break;
            }
            kills += 1;
            found(&data);
            let server = Server::start_with(&data, &[], None);
            let jobs = "SELECT count(*) FROM jobs";
            let jobs = foreign(&data).query_row(jobs, [], |row| row.get(0)).unwrap();
            judge(&data, jobs, &format!("killed before {call} {n}"));
            server.kill();
        }
    }
    kills
}

/// A start that is cut off anywhere is followed by one that serves, has what was there before, and leaves nothing half-made.
fn a_start_is_killed(prepare: impl Fn(&Path), jobs: i64) {
    if !can_trace() {
        return;
    }
    let mut half_made = 0;
    let found =
        |data: &Path| half_made += usize::from(data.exists() && !leftovers(data).is_empty());
    let judge = |data: &Path, found, when: &str| {
        assert_eq!(leftovers(data), [""; 0], "{when}");
        assert_eq!(found, jobs, "{when}");
    };
    let kills = killed_before_every_call(SERVE, prepare, found, judge);
    println!(
        "{kills} kills, {half_made} of them left something half-made: 0 directories do not start"
    );
    assert!(half_made > 0, "no kill came in the midst of anything");
}

/// A file of an older version, which lacks the program's tables, with one job.
pub(crate) fn older(data: &Path, journal_mode: &str) {
    fs::create_dir_all(data).unwrap();
    let conn = Connection::open(data.join("lamplighter.db")).unwrap();
    conn.pragma_update(None, "journal_mode", journal_mode).unwrap();
    conn.pragma_update(None, "application_id", i32::from_be_bytes(*b"LMPL")).unwrap();
    conn.pragma_update(None, "user_version", 100).unwrap();
    for migration in schema::engine() {
        conn.execute_batch(&migration.sql).unwrap();
    }
    conn.execute_batch("INSERT INTO jobs (kind, payload) VALUES ('probe', '{\"number\": 7}')")
        .unwrap();
}

#[test]
fn p23_a_first_start_that_is_killed_before_any_call_starts_again() {
    a_start_is_killed(|_| {}, 0);
}

#[test]
fn p23_a_migration_that_is_killed_before_any_call_starts_again() {
    a_start_is_killed(|data| older(data, "WAL"), 1);
}

#[test]
fn p23_a_migration_of_a_restored_copy_that_is_killed_before_any_call_starts_again() {
    // A copy that `VACUUM INTO` made is not in WAL mode before its first start.
    a_start_is_killed(|data| older(data, "DELETE"), 1);
}

#[test]
fn a_backup_that_is_killed_before_any_call_is_made_again_in_the_same_folder() {
    if !can_trace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    drop(open(&data));
    fs::create_dir(data.join("prompts")).unwrap();
    fs::write(data.join("prompts/mine.md"), "mine\n").unwrap();
    let (mut kills, mut unfinished) = (0, 0);
    for (call, step) in CALLS {
        for n in (1..).step_by(if is_long() { 1 } else { step }) {
            let backup = folder.path().join(format!("{}-{n}", call.len()));
            let name = backup.to_str().unwrap();
            let said =
                |arguments: &[&str]| program(&data).arg("db").args(arguments).output().unwrap();
            if !is_killed(&data, &["db", "backup", name], call, n) {
                fs::remove_dir_all(&backup).unwrap();
                break;
            }
            kills += 1;
            let is_whole = || said(&["check", "--backup", name]).status.success();
            if !is_whole() {
                unfinished += 1;
                let again = said(&["backup", name]);
                assert!(again.status.success() && is_whole(), "{call} {n}: {again:?}");
            }
            fs::remove_dir_all(&backup).unwrap();
        }
    }
    println!(
        "{kills} kills, {unfinished} before the backup was whole: 0 folders that cannot be used again"
    );
    assert!(unfinished > 0, "no kill came in the midst of anything");
}

#[test]
fn a_restore_that_is_killed_before_any_call_leaves_what_was_there_or_the_backup() {
    restore_is_killed(|_| {});
}

#[test]
fn a_restore_over_a_mounted_file_that_is_killed_before_any_call_keeps_what_was_there() {
    let (probe, file) = (tempfile::tempdir().unwrap(), "file");
    fs::write(probe.path().join(file), "").unwrap();
    if Mounted::on_itself(&probe.path().join(file)).is_none() {
        return say_loudly("SKIPPED: this user may not mount a file by itself");
    }
    restore_is_killed(|data| Mounted::on_itself(&data.join("lamplighter.db")).unwrap());
}

/// Kills a restore of two jobs over one; `prepare` does something to the folder before each.
fn restore_is_killed<G>(prepare: impl Fn(&Path) -> G) {
    if !can_trace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup");
    let filled = |data: &Path, jobs: i64| {
        drop(open(data));
        let conn = foreign(data);
        for _ in 0..jobs {
            conn.execute_batch("INSERT INTO jobs (kind, payload) VALUES ('probe', '{}')").unwrap();
        }
        fs::create_dir(data.join("prompts")).unwrap();
        fs::write(data.join("prompts/jobs"), jobs.to_string()).unwrap();
        drop(LogStore::open(&data.join("logs.db"), OpenMode::Migrate).unwrap());
    };
    let source = folder.path().join("source");
    filled(&source, 2);
    let made = program(&source).args(["db", "backup"]).arg(&backup).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let restore = ["db", "restore", backup.to_str().unwrap()];
    let prepare = |data: &Path| {
        filled(data, 1);
        prepare(data)
    };
    let is_halfway = |data: &Path| data.join(".lamplighter-restored/plan").exists();
    let (mut halfway, mut new) = (0, 0);
    let found = |data: &Path| halfway += usize::from(is_halfway(data));
    let judge = |data: &Path, jobs: i64, when: &str| {
        let prompt = fs::read_to_string(data.join("prompts/jobs")).unwrap();
        assert_eq!(prompt, jobs.to_string(), "{when}");
        assert!(!is_halfway(data), "{when}");
        if jobs == 2 {
            new += 1;
            let folders = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
            let mut replaced = folders.filter(|path| path.join("lamplighter.db").exists());
            let replaced = replaced.next().expect("the replaced database is in a folder");
            let jobs = "SELECT count(*) FROM jobs";
            let kept: i64 = foreign(&replaced).query_row(jobs, [], |row| row.get(0)).unwrap();
            assert_eq!(kept, 1, "{when}");
        }
    };
    let kills = killed_before_every_call(&restore, prepare, found, judge);
    println!(
        "{kills} kills, {halfway} of them halfway; {new} went on to the backup: 0 do not start"
    );
    assert!(halfway > 0 && new > 0 && new < kills, "no kill came in the midst of anything");
}
