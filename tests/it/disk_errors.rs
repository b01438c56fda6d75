//! A disk that refuses the n-th call, n = 1, 2, 3 until a run of the whole scenario meets none: each answer of the store is true, and
//! afterwards the file is whole and the store goes on.
//!
//! `LAMPLIGHTER_DISK=long cargo test --test it disk_errors -- --nocapture` refuses each call, the short form some of them.

use crate::support::recorder::{self, Done, EIO, ENOSPC, FOLDER, Failing};
use crate::support::{STUCK, foreign, has_figures_of};
use lamplighter::Error;
use lamplighter::clock::Clock;
use lamplighter::error::Class;
use lamplighter::model::{
    Actor, JobEdit, JobId, Kind, NewJob, NewSchedule, Payload, Queue, ScheduleName, Timestamp,
};
use lamplighter::store::{OpenMode, Store};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

/// The test that is the process where [`FOLDER`] is set.
const CHILD: &str = "disk_errors::a_process_does_one_deed_of_each_kind";
/// Set where the file is an application's, in which the store is a guest.
const GUEST: &str = "LAMPLIGHTER_DISK_GUEST";
/// Set where the disk refuses from some call on for good.
const STAYS: &str = "LAMPLIGHTER_DISK_STAYS";
/// The deeds, in their order. A later one may need that an earlier one was done.
const DEEDS: [&str; 16] = [
    "enqueue",
    "enqueue_all",
    "edit",
    "run_now",
    "cancel",
    "run_again",
    "delete",
    "pause",
    "resume",
    "limit",
    "stop",
    "resume_all",
    "schedule",
    "pause_schedule",
    "remove_schedule",
    "settings",
];
/// Jobs of one call.
const GROUP: i64 = 5;
/// What a process that works again must do at last.
const LAST: &str = "last";
/// How long the store may take until it works again after one refused call.
const HEALED: Duration = Duration::from_secs(20);

fn is_long() -> bool {
    std::env::var("LAMPLIGHTER_DISK").is_ok_and(|form| form == "long")
}

#[derive(Default, Deserialize, Serialize)]
struct Report {}

impl Payload for Report {
    const KIND: Kind = Kind::named("report");
    type Output = ();
}

fn job(deed: &str) -> NewJob {
    NewJob {
        delay: Some(Duration::from_hours(1)),
        payload: json!({"deed": deed}).into(),
        ..NewJob::new(Report::KIND)
    }
}

/// Does one deed as an actor of its name; answers whether it changed something. `None` if an earlier deed that it needs was refused.
async fn does(store: &Store, deed: &str, made: &mut Option<JobId>) -> Option<Result<bool, Error>> {
    let (by, now) = (Actor::named(deed), Clock::system().now());
    let schedule = || ScheduleName::parse("nightly").unwrap();
    let done = match deed {
        "enqueue" => match store.enqueue(job(deed), now).await {
            Ok(job) => {
                *made = Some(job.id());
                Ok(true)
            }
            Err(error) => Err(error),
        },
        "enqueue_all" => {
            store.enqueue_all(vec![job(deed); GROUP as usize], now).await.map(|_| true)
        }
        "edit" => {
            let edit = JobEdit { priority: Some(7), ..JobEdit::default() };
            store.edit_job((*made)?, edit, by, now).await.map(|_| true)
        }
        "run_now" => store.run_now((*made)?, by, now).await.map(|_| true),
        "cancel" => store.cancel((*made)?, by, now).await.map(|_| true),
        "run_again" => store.run_again((*made)?, by, None, now).await.map(|_| true),
        "delete" => delete(store, by, now).await.map(|()| true),
        "pause" => {
            store.pause_queue(Queue::DEFAULT, "why".into(), None, by, now).await.map(|()| true)
        }
        "resume" => store.resume_queue(Queue::DEFAULT, by, now).await,
        "limit" => store.set_queue_limit(Queue::DEFAULT, Some(3), by, now).await.map(|()| true),
        "stop" => store.stop_all("why".into(), by, now).await.map(|_| true),
        "resume_all" => store.resume_all(by, now).await,
        "schedule" => {
            let nightly = NewSchedule::cron("nightly", "15 2 * * *", "UTC").of(&Report::default());
            store.create_schedule(nightly.unwrap(), by, now).await.map(|()| true)
        }
        "pause_schedule" => store.pause_schedule(schedule(), by, now).await,
        "remove_schedule" => store.remove_schedule(schedule(), by, now).await.map(|()| true),
        "settings" => {
            let change = vec![("tracker.issues_per_scan", Some("1".parse().unwrap()))];
            store.change_settings(change, by, now).await.map(|()| true)
        }
        other => panic!("no deed {other}"),
    };
    Some(done)
}

/// Deletes a job that was made for it.
async fn delete(store: &Store, by: Actor, now: Timestamp) -> Result<(), Error> {
    let id = store.enqueue(job("gone"), now).await?.id();
    store.cancel(id, Actor::cli(), now).await?;
    store.delete_job(id, by, now).await
}

/// Whether the disk refuses from some call on for good.
fn stays_ill() -> bool {
    std::env::var_os(STAYS).is_some()
}

/// Opens a file of ours, or an application's.
fn opened(folder: &Path, is_guest: bool) -> Result<Store, Error> {
    let path = folder.join("lamplighter.db");
    if is_guest {
        Store::open_in(&path, OpenMode::Migrate)
    } else {
        Store::open(&path, OpenMode::Migrate)
    }
}

/// The body of the process. It says what each deed came to, a line each.
fn work(folder: &Path) {
    let mut said = OpenOptions::new().append(true).create(true).open(folder.join("said")).unwrap();
    let mut say = |line: String| said.write_all(format!("{line}\n").as_bytes()).unwrap();
    let begun = Instant::now();
    let store = loop {
        match opened(folder, std::env::var_os(GUEST).is_some()) {
            Ok(store) => break store,
            Err(error) if begun.elapsed() < HEALED && !stays_ill() => {
                say(format!("{} open", word(&error)));
            }
            Err(error) => return say(format!("{} open", word(&error))),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(async {
        let mut made = None;
        for deed in DEEDS {
            match does(&store, deed, &mut made).await {
                None | Some(Ok(false)) => {}
                Some(Ok(true)) => say(format!("done {deed}")),
                Some(Err(error)) => {
                    eprintln!("{deed}: {error}");
                    say(format!("{} {deed}", word(&error)));
                }
            }
        }
        let begun = Instant::now();
        while begun.elapsed() < HEALED {
            if store.enqueue(job(LAST), Timestamp::from_millis(0)).await.is_ok() {
                return say(format!("done {LAST}"));
            }
            if stays_ill() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}

/// What an error says of the deed: it was not done, it may have been, or the store has another answer.
fn word(error: &Error) -> &'static str {
    let class = error.class();
    if matches!(class, Class::Busy | Class::Unavailable) {
        "refused"
    } else if class == Class::Unknown {
        "unknown"
    } else {
        "answered"
    }
}

/// How much of a deed is in the file.
fn evidence(conn: &rusqlite::Connection, deed: &str) -> i64 {
    let jobs = "SELECT count(*) FROM jobs WHERE payload ->> 'deed' = ?1 AND parent_id IS NULL";
    let audit = "SELECT count(*) FROM job_audit WHERE actor = ?1";
    let sql = if deed.starts_with("enqueue") || deed == LAST { jobs } else { audit };
    conn.query_row(sql, [deed], |row| row.get(0)).unwrap()
}

/// Runs the scenario with this failure; whether the failure was met, and what the answers were.
fn run(library: &Path, (before, is_guest): (&Path, bool), failing: Failing) -> (bool, usize) {
    let folder = tempfile::tempdir().unwrap();
    let (data, record) = (folder.path().join("data"), folder.path().join("record"));
    std::fs::create_dir(&data).unwrap();
    for entry in std::fs::read_dir(before).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), data.join(entry.file_name())).unwrap();
    }
    let mut command = recorder::recorded(library, CHILD, &data, &record, Some(failing));
    for (is_so, name) in [(failing.how == "on", STAYS), (is_guest, GUEST)] {
        if is_so {
            command.env(name, "1");
        }
    }
    let begun = Instant::now();
    let Output { status, stderr, .. } = command.output().unwrap();
    let what = format!("{} {} {} {}", failing.call, failing.error, failing.at, failing.how);
    assert!(status.success(), "{what}: {}", String::from_utf8_lossy(&stderr));
    assert!(begun.elapsed() < STUCK, "{what}: it takes {:?}", begun.elapsed());
    let steps = recorder::read(&record);
    let met = steps.iter().any(|step| matches!(step.done, Done::Refused | Done::FailedSync));

    // The disk is well again.
    let store = opened(&data, is_guest).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert!(runtime.block_on(store.recount()).unwrap().is_empty(), "{what}: counts are wrong");
    let conn = foreign(&data);
    let whole: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok", "{what}");
    // A deed deletes a cancelled job, and the audit log says whether it did.
    let deleted = "SELECT count(*) FROM job_audit WHERE action = 'delete'";
    let deleted = conn.query_row(deleted, [], |row| row.get(0)).unwrap();
    assert!(has_figures_of(&conn, deleted).unwrap(), "{what}: an end is not in the figures once");
    let said = std::fs::read_to_string(data.join("said")).unwrap_or_default();
    let mut refused = 0;
    for line in said.lines() {
        let (word, deed) = line.split_once(' ').unwrap();
        refused += usize::from(word != "done");
        if deed == "open" {
            continue;
        }
        let found = evidence(&conn, deed);
        match word {
            "done" => assert!(found > 0, "{what}: {deed} was done and is not there\n{said}"),
            "refused" => assert_eq!(found, 0, "{what}: {deed} was refused and is there\n{said}"),
            _ => {}
        }
        if deed == "enqueue_all" {
            assert!(found == 0 || found == GROUP, "{what}: {found} jobs of {GROUP}");
        }
    }
    let healed = said.ends_with(&format!("done {LAST}\n"));
    let text = String::from_utf8_lossy(&stderr);
    assert!(failing.how == "on" || healed, "{what}: the store does not work again\n{said}\n{text}");
    (met, refused)
}

/// The database that a process opens.
#[derive(Clone, Copy, Default)]
struct Found {
    /// Whether a log lies beside it, as a kill leaves one.
    is_killed: bool,
    /// Whether it is an application's.
    is_guest: bool,
}

/// A folder with a database in which little happened.
fn prepared(folder: &Path, found: Found) {
    let made = folder.with_extension("made");
    for folder in [folder, &made] {
        std::fs::create_dir(folder).unwrap();
    }
    if found.is_guest {
        let conn = rusqlite::Connection::open(made.join("lamplighter.db")).unwrap();
        conn.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE orders (id INTEGER)").unwrap();
    }
    let store = opened(&made, found.is_guest).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(store.enqueue(job("before"), Timestamp::from_millis(0))).unwrap();
    let kept = Some(store).filter(|_| found.is_killed);
    for name in ["lamplighter.db", "lamplighter.db-wal"] {
        if made.join(name).exists() {
            std::fs::copy(made.join(name), folder.join(name)).unwrap();
        }
    }
    assert_eq!(folder.join("lamplighter.db-wal").exists(), kept.is_some());
}

/// Refuses one call after the other until there is none left to refuse.
fn refuses_each(call: &'static str, errors: &[i32], found: Found) {
    let folder = tempfile::tempdir().unwrap();
    let before = folder.path().join("before");
    prepared(&before, found);
    let library = recorder::build(folder.path());
    for how in ["once", "on"] {
        for error in errors {
            let (mut at, mut runs, mut refused) = (1, 0, 0);
            loop {
                let (met, answers) = run(
                    &library,
                    (&before, found.is_guest),
                    Failing { call, error: *error, at, how },
                );
                if !met {
                    break;
                }
                runs += 1;
                refused += answers;
                at += if is_long() { 1 } else { 1 + at / 8 };
            }
            println!(
                "{call} refused with {error} {how}: {runs} runs, {at} calls, {refused} deeds not done"
            );
            assert!(runs > 0, "nothing was refused");
        }
    }
}

#[test]
fn a_process_does_one_deed_of_each_kind() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        work(Path::new(&folder));
    }
}

#[test]
fn p2_a_refused_write_is_told_truly_and_the_store_goes_on() {
    refuses_each("write", &[EIO, ENOSPC], Found::default());
}

#[test]
fn p2_a_refused_sync_is_told_truly_and_the_store_goes_on() {
    refuses_each("sync", &[EIO], Found::default());
}

#[test]
fn p2_a_file_that_cannot_be_opened_is_told_truly_and_the_store_goes_on() {
    // No more descriptors, and no memory.
    for (is_killed, is_guest) in [(false, false), (true, false), (false, true), (true, true)] {
        refuses_each("open", &[24, 12], Found { is_killed, is_guest });
    }
}
