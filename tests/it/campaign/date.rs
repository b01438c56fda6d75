//! The machine's date moves by an hour, forward and back, under processes that work.
//!
//! `libfaketime` shows the processes another date than the machine has, and changes it while they run; how long a wait takes
//! (the monotonic clock) stays as it is, as when a person sets the date. The long form waits for longer than a lease after
//! each move.

use super::{Form, LEASE, Process, STUCK, TAKE_OVER, at_work, kind, name_of, pause, until_workers};
use crate::support::{OPEN_JOBS, foreign, open, skipped, until_none};
use lamplighter::clock::Clock;
use lamplighter::model::{NewJob, Timestamp};
use lamplighter::store::Store;
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Jobs that are made after each move of the date.
const JOBS: usize = 100;

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
        FROM (SELECT started_at FROM jobs ORDER BY id DESC LIMIT ?1)
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
    until_none(store, conn, OPEN_JOBS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p19_the_date_moves_an_hour_both_ways_and_nobody_loses_a_lease() {
    let Some(library) = library() else {
        return skipped(
            "the date of running programs cannot be moved: libfaketime is not installed",
        );
    };
    let form = Form::of_this_run();
    let folder = tempfile::tempdir().unwrap();
    let (data, store) = (folder.path(), open(folder.path()));
    let heard = store.clone();
    let watching = tokio::spawn(async move { heard.watch_foreign_commits().await });
    let clock_file = data.join("date");
    set_date(&clock_file, "+0");
    let start = || Process::start_with(data, 0, |command| shown(command, &library, &clock_file));
    let processes = [start(), start()];
    let mut names = Vec::new();
    for process in &processes {
        until_workers(&store, |workers| at_work(workers, process.pid())).await;
        names.push(name_of(&store, process.pid()).await);
    }
    let conn = foreign(data);
    do_jobs(&store, &conn).await;
    for hours in [1, 0, -1, 0] {
        set_date(&clock_file, &format!("{:+}", hours * 3600));
        until_started_at(&store, &conn, hours).await;
        if form.is_long {
            pause(LEASE + TAKE_OVER).await;
            do_jobs(&store, &conn).await;
        }
        for (process, name) in processes.iter().zip(&names) {
            assert_eq!(name_of(&store, process.pid()).await, *name, "the date is {hours} h ahead");
        }
    }
    let lost = "SELECT count(*) FROM jobs WHERE interrupted > 0 OR status <> 'completed'";
    assert_eq!(conn.query_row(lost, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "jobs were lost");
    for process in processes {
        process.wait();
    }
    watching.abort();
    println!("the date moved by +1 h, -1 h, -1 h, +1 h: both workers kept their leases");
}
