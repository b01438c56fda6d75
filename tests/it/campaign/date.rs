//! The machine's date moves by an hour, forward and back, under processes that work.
//!
//! `libfaketime` shows the processes another date than the machine has, and changes it while they run; how long a wait takes
//! (the monotonic clock) stays as it is, as when a person sets the date. The long form waits for longer than a lease after
//! each move.

use super::{
    Form, LEASE, Process, STUCK, TAKE_OVER, at_work, bugs, kind, name_of, pause, until_workers,
};
use crate::support::{OPEN_JOBS, foreign, open, skipped, until_none};
use lamplighter::clock::Clock;
use lamplighter::model::{Actor, JobId, NewJob, Timestamp};
use lamplighter::planted::Bug;
use lamplighter::store::Store;
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Jobs that are made after each move of the date.
const JOBS: usize = 100;
/// How long the date stays an hour ahead under a job that may run for half an hour: what looks at the date does so each second.
const AHEAD: Duration = Duration::from_secs(3);
/// Jobs that are not over, but for the one that runs all the while.
const OPEN: &str = "SELECT count(*) FROM jobs WHERE finished_at IS NULL AND kind <> 'patient'";

/// The library that shows a program another date, where it is installed.
pub(super) fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let beside = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    beside.chain([PathBuf::from("/usr/lib/faketime/libfaketimeMT.so.1")]).find(|path| path.exists())
}

/// Moves the date of the processes to so many seconds from the machine's.
pub(super) fn set_date(file: &Path, seconds: &str) {
    let next = file.with_extension("next");
    fs::write(&next, seconds).unwrap();
    fs::rename(next, file).unwrap();
}

/// Has a command see the date of this file. The file is read at each look at the clock: `FAKETIME_CACHE_DURATION=1` would keep
/// what was read for up to two seconds, another time in each process, so that nobody knew when all of them see a new date.
pub(super) fn shown(command: &mut Command, library: &Path, date: &Path) {
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", date)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
}

/// Does jobs until each of them was started at the date that is wanted.
async fn until_started_at(store: &Store, conn: &Connection, hours: i64) {
    const SQL: &str = "
        SELECT count(*)
        FROM (SELECT started_at FROM jobs WHERE kind <> 'patient' ORDER BY id DESC LIMIT ?1)
        WHERE abs(started_at - ?2) > 600000";
    let begun = Instant::now();
    loop {
        do_jobs(store, conn).await;
        let wanted = Clock::system().now().millis() + hours * 3_600_000;
        if conn.query_row(SQL, [JOBS as i64, wanted], |row| row.get::<_, i64>(0)).unwrap() == 0 {
            return;
        }
        assert!(begun.elapsed() < STUCK * 2, "the processes do not see the other date");
    }
}

/// Makes jobs and waits until they have ended.
async fn do_jobs(store: &Store, conn: &Connection) {
    let jobs: Vec<NewJob> = (0..JOBS)
        .map(|at| NewJob { payload: (at % 7).into(), ..NewJob::new(kind("free")) })
        .collect();
    store.enqueue_all(jobs, Timestamp::from_millis(1)).await.unwrap();
    until_none(store, conn, OPEN).await;
}

/// Makes a job that runs for the whole campaign, although its kind has a time limit and a limit of silence, of half an hour
/// each; answers once it runs.
async fn start_patient(store: &Store, conn: &Connection) -> JobId {
    let job = store.enqueue(NewJob::new(kind("patient")), Timestamp::from_millis(1)).await.unwrap();
    until_none(store, conn, "SELECT count(*) FROM jobs WHERE status <> 'running'").await;
    job.id()
}

/// Whether the job that runs all the while goes on for so long.
async fn is_patient(store: &Store, conn: &Connection, within: Duration) -> bool {
    const IT_RUNS: &str =
        "SELECT count(*) FROM jobs WHERE kind = 'patient' AND status = 'running' AND epoch = 1";
    tokio::select! {
        biased;
        () = until_none(store, conn, IT_RUNS) => false,
        () = pause(within) => true,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p19_the_date_moves_an_hour_both_ways_and_nobody_loses_a_lease() {
    let Some(library) = library() else {
        return skipped(
            "the date of running programs cannot be moved: libfaketime is not installed",
        );
    };
    the_date_moves(&library, None, AHEAD).await.unwrap();
}

#[cfg(debug_assertions)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p19_a_planted_time_limit_that_the_date_measures_is_found() {
    let Some(library) = library() else {
        return skipped(
            "the date of running programs cannot be moved: libfaketime is not installed",
        );
    };
    let begun = Instant::now();
    let red = the_date_moves(&library, Some(Bug::MeasuresByDate), STUCK).await.unwrap_err();
    println!("MeasuresByDate: found after {:?}: {red}", begun.elapsed());
    assert_eq!(red, "the date is 1 h ahead: a job was timed out");
}

/// Moves the date under two processes, with or without a bug; the error says which promise was broken. A job that is in the midst
/// of its time is looked at for so long when the date is an hour ahead.
async fn the_date_moves(library: &Path, bug: Option<Bug>, ahead: Duration) -> Result<(), String> {
    let form = Form::of_this_run();
    let folder = tempfile::tempdir().unwrap();
    let (data, store) = (folder.path(), open(folder.path()));
    let heard = store.clone();
    let watching = tokio::spawn(async move { heard.watch_foreign_commits().await });
    let clock_file = data.join("date");
    set_date(&clock_file, "+0");
    let start = || {
        Process::start_with(data, 0, |command| {
            shown(command, library, &clock_file);
            bugs::ask_for(command, bug);
        })
    };
    let processes = [start(), start()];
    let mut names = Vec::new();
    for process in &processes {
        until_workers(&store, |workers| at_work(workers, process.pid())).await;
        names.push(name_of(&store, process.pid()).await);
    }
    let conn = foreign(data);
    let patient = start_patient(&store, &conn).await;
    do_jobs(&store, &conn).await;
    for hours in [1, 0, -1, 0] {
        set_date(&clock_file, &format!("{:+}", hours * 3600));
        until_started_at(&store, &conn, hours).await;
        let within = if hours == 1 { ahead } else { Duration::ZERO };
        if !is_patient(&store, &conn, within).await {
            return Err(format!("the date is {hours} h ahead: a job was timed out"));
        }
        if form.is_long {
            pause(LEASE + TAKE_OVER).await;
            do_jobs(&store, &conn).await;
        }
        for (process, name) in processes.iter().zip(&names) {
            assert_eq!(name_of(&store, process.pid()).await, *name, "the date is {hours} h ahead");
        }
    }
    store.cancel(patient, Actor::cli(), Timestamp::from_millis(1)).await.unwrap();
    until_none(&store, &conn, OPEN_JOBS).await;
    let lost = "SELECT count(*) FROM jobs WHERE interrupted > 0 OR status <> 'completed'";
    assert_eq!(conn.query_row(lost, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "jobs were lost");
    for process in processes {
        process.wait();
    }
    watching.abort();
    println!("the date moved by +1 h, -1 h, -1 h, +1 h: both workers kept their leases");
    Ok(())
}
