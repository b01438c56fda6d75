//! SIGKILL before each call by which a working process changes a file: what it acknowledged is there, and nothing is half done.
//!
//! A kill leaves what the process has had the kernel do. Between two calls that change a file, or a name, there is nothing that a kill
//! could leave otherwise, so these calls are all points at which it can. What each is about to do is named, and each name is met (`docs/proof.md`).
//!
//! `LAMPLIGHTER_FILES=long cargo test --test it power_loss::kill -- --nocapture` kills before every call, the short form before some of each
//! name.

use super::verdict::Acknowledged;
use super::{CHILD, DEEDS, FIRST, SAID, SEED, bugs, copy, crash_folder};
use crate::kills::{is_long, older};
use crate::support::open;
use crate::support::recorder::{self, Done, EIO, Failing, KILL, Step};
use lamplighter::model::{NewJob, Timestamp};
use lamplighter::planted::Bug;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use tokio::runtime::{Builder, Runtime};

/// What each caller does.
const EACH: u64 = 3;
/// Kills before calls of one name in the short form.
const SHORT: usize = 3;
const SIGKILL: i32 = 9;

/// What a process is about to do.
type Point = &'static str;
const DRAFT: Point = "a new file is made under another name";
const NAMED: Point = "a new file gets its name";
const IN_TRANSACTION: Point = "a transaction is written to the log";
const COMMIT: Point = "a commit is synced";
const ANSWER: Point = "a commit is synced, and its answer is not given yet";
const WRITE_BACK: Point = "the log is written back";
const WRITTEN_BACK: Point = "what was written back is synced";
const CUT: Point = "the log is cut or goes";
const JOURNAL: Point = "the file is changed with a journal";
const OTHER: Point = "something else";

/// A call, and the file that it changes: its name, `.` for the folder, `*` for a file that is made under another name.
type Change = (String, String);

/// What a change is for.
fn point((call, name): &Change) -> Point {
    match (call.as_str(), name.as_str()) {
        ("link", _) => NAMED,
        (_, "*") => DRAFT,
        ("write", SAID) => ANSWER,
        ("create" | "write", "lamplighter.db-wal") => IN_TRANSACTION,
        ("sync", "lamplighter.db-wal") => COMMIT,
        (_, "lamplighter.db-wal") => CUT,
        ("write" | "length", "lamplighter.db") => WRITE_BACK,
        ("sync", "lamplighter.db") => WRITTEN_BACK,
        (_, "lamplighter.db-journal") => JOURNAL,
        _ => OTHER,
    }
}

/// The changes of a record; the one before which the process was killed is the last.
fn changes(steps: &[Step]) -> Vec<Change> {
    let mut names = HashMap::from([(0, ".")]);
    let mut changes = Vec::new();
    for step in steps {
        let call = match &step.done {
            Done::Name(name) => {
                names.insert(step.file, if name.contains(".new") { "*" } else { name });
                continue;
            }
            Done::Refused => continue,
            Done::Create => "create",
            Done::Write { .. } => "write",
            Done::Length(_) => "length",
            Done::Sync | Done::FailedSync | Done::FolderSync => "sync",
            Done::Remove => "remove",
            Done::Link(_) => "link",
            Done::Killed(call) => call,
        };
        changes.push((call.to_owned(), names[&step.file].to_owned()));
    }
    changes
}

/// A process that begins with these files, on a disk that may refuse a call.
struct Scenario {
    before: PathBuf,
    library: PathBuf,
    failing: Option<Failing>,
    bug: Option<Bug>,
    runtime: Runtime,
    /// In memory: a kill leaves what the kernel has, whatever the disk.
    folder: tempfile::TempDir,
}

impl Scenario {
    fn new(failing: Option<Failing>, bug: Option<Bug>, prepare: impl FnOnce(&Path)) -> Self {
        let folder = crash_folder();
        let before = folder.path().join("before");
        fs::create_dir(&before).unwrap();
        prepare(&before);
        let library = recorder::build(folder.path());
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self { before, library, failing, bug, runtime, folder }
    }

    /// Runs the process, and kills it before the n-th change of this kind. Answers its changes, whether it was killed, and what
    /// is wrong then.
    fn run(&self, at: Option<(&Change, usize)>) -> (Vec<Change>, bool, Result<(), String>) {
        let (data, record) = (self.folder.path().join("data"), self.folder.path().join("record"));
        copy(&self.before, &data);
        let mut command = recorder::recorded(&self.library, CHILD, &data, &record, self.failing);
        command.env(SEED, "11").env(FIRST, "1").env(DEEDS, EACH.to_string());
        if let Some(((call, name), n)) = at {
            command.env(KILL, format!("{call} {n} {name}"));
        }
        bugs::ask_for(&mut command, self.bug);
        let Output { status, stderr, .. } = command.output().unwrap();
        let is_killed = status.signal() == Some(SIGKILL);
        assert!(is_killed || status.success(), "{}", String::from_utf8_lossy(&stderr));
        let changes = changes(&recorder::read(&record));
        let verdict = Acknowledged::of(&data).holds(&data, &self.runtime);
        fs::remove_dir_all(&data).unwrap();
        (changes, is_killed, verdict)
    }

    /// How often it makes each change.
    fn changes(&self) -> BTreeMap<Change, usize> {
        let (changes, is_killed, verdict) = self.run(None);
        verdict.unwrap();
        assert!(!is_killed);
        let mut often = BTreeMap::new();
        for change in changes {
            *often.entry(change).or_default() += 1;
        }
        often
    }

    /// Kills the process before its changes, and looks. Answers how often it was killed at which point.
    fn is_killed(&self) -> BTreeMap<Point, usize> {
        let mut kills = BTreeMap::new();
        for (change, often) in self.changes() {
            let point = point(&change);
            let most = if is_long() { often } else { SHORT.min(often) };
            // The first, the last, and some between. Another run may make fewer: callers that ask together share a transaction.
            for n in (0..most).map(|at| 1 + at * (often - 1) / (most - 1).max(1)) {
                let (_, is_killed, verdict) = self.run(Some((&change, n)));
                if let Err(wrong) = verdict {
                    panic!("killed before {change:?} {n} ({point}): {wrong}");
                }
                *kills.entry(point).or_default() += usize::from(is_killed);
            }
        }
        kills
    }
}

/// Kills a process at all points, of which these are some.
fn nothing_is_lost(name: &str, failing: Option<Failing>, points: &[Point], prepare: fn(&Path)) {
    let kills = Scenario::new(failing, None, prepare).is_killed();
    let all: usize = kills.values().sum();
    println!("{name}: {all} kills, nothing lost: {kills:#?}");
    for point in points {
        assert!(kills.get(point).is_some_and(|kills| *kills > 0), "{name}: no kill when {point}");
    }
}

#[test]
fn p1_a_kill_at_any_point_of_a_first_start_and_of_work_loses_nothing() {
    let points = [DRAFT, NAMED, IN_TRANSACTION, COMMIT, ANSWER, WRITE_BACK, WRITTEN_BACK, CUT];
    nothing_is_lost("a first start and work", None, &points, |_| {});
}

#[test]
fn p1_a_kill_at_any_point_of_a_start_that_finds_a_log_loses_nothing() {
    let points = [IN_TRANSACTION, COMMIT, ANSWER, WRITE_BACK, WRITTEN_BACK, CUT];
    nothing_is_lost("a start that finds a log", None, &points, |before| {
        let made = before.with_extension("made");
        let store = open(&made);
        let payload = json!({"number": 7}).into();
        let job = NewJob { payload, ..NewJob::new(super::kind("probe")) };
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let id = runtime.block_on(store.enqueue(job, Timestamp::from_millis(0))).unwrap().id();
        fs::remove_dir(before).unwrap();
        fs::write(made.join(SAID), format!("enqueued {id} 7\n")).unwrap();
        copy(&made, before);
        assert!(fs::metadata(before.join("lamplighter.db-wal")).unwrap().len() > 0);
    });
}

#[test]
fn p23_a_kill_at_any_point_of_a_migration_loses_nothing() {
    for (mode, point) in [("WAL", COMMIT), ("DELETE", JOURNAL)] {
        let prepare = if mode == "WAL" { in_wal } else { with_a_journal };
        nothing_is_lost(mode, None, &[DRAFT, NAMED, point, ANSWER], prepare);
    }
}

fn in_wal(before: &Path) {
    older(before, "WAL");
    fs::write(before.join(SAID), "enqueued 1 7\n").unwrap();
}

fn with_a_journal(before: &Path) {
    older(before, "DELETE");
    fs::write(before.join(SAID), "enqueued 1 7\n").unwrap();
}

#[test]
fn p1_a_kill_while_the_file_is_opened_anew_after_a_refused_sync_loses_nothing() {
    let failing = Failing { call: "sync", error: EIO, at: 3, how: "once" };
    let points = [IN_TRANSACTION, COMMIT, ANSWER, WRITE_BACK, WRITTEN_BACK, CUT];
    nothing_is_lost("a reopening", Some(failing), &points, |data| drop(open(data)));
}

#[cfg(debug_assertions)]
#[test]
fn p1_an_answer_before_the_commit_is_found_by_a_planted_kill() {
    let bug = Some(Bug::AnswersBeforeCommit);
    let scenario = Scenario::new(None, bug, |data| drop(open(data)));
    let change = ("write".to_owned(), "lamplighter.db-wal".to_owned());
    let often = scenario.run(None).0.iter().filter(|made| **made == change).count();
    let wrong = (1..=often).filter_map(|n| scenario.run(Some((&change, n))).2.err());
    let wrong = wrong.into_iter().find(|wrong| wrong.contains("is lost"));
    println!("{bug:?}: {wrong:?}");
    assert!(wrong.is_some(), "it is not found");
}
