//! A rate holds over processes that are killed and restarted while they use it up.

use super::{Process, STUCK, at_work, kind, until_workers};
use crate::support::{OPEN_JOBS, foreign, open, until_none};
use lamplighter::model::{NewJob, Rate, Timestamp};
use rusqlite::OptionalExtension;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// The kind with a rate, and the rate.
pub(super) const RATED: &str = "fifteen_a_second";
pub(super) const COUNT: u32 = 15;
const LENGTH: Duration = Duration::from_secs(1);
const JOBS: usize = 75;
const KILLS: usize = 2;

pub(super) fn rate() -> Rate {
    Rate::per(LENGTH, COUNT)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_of_which_one_is_killed_and_restarted_never_pass_a_rate() {
    // Every attempt of every job: those that are over, and the last one of each job.
    const STARTS: &str = "
        SELECT job_id, epoch, started_at FROM job_attempts WHERE started_at IS NOT NULL
        UNION
        SELECT id, epoch, started_at FROM jobs WHERE started_at IS NOT NULL";
    const RUNNING: &str = "
        SELECT w.pid
        FROM jobs j JOIN job_workers w ON w.id = j.worker_id
        WHERE j.status = 'running' AND w.lost_at IS NULL
        ORDER BY j.id DESC";
    let folder = tempfile::tempdir().unwrap();
    let (data, store) = (folder.path(), open(folder.path()));
    let heard = store.clone();
    let watching = tokio::spawn(async move { heard.watch_foreign_commits().await });
    let mut processes = [Process::start(data, 0), Process::start(data, 0)];
    for process in &processes {
        until_workers(&store, |workers| at_work(workers, process.pid())).await;
    }
    let new = |_| NewJob { payload: 200.into(), ..NewJob::new(kind(RATED)) };
    store.enqueue_all((0..JOBS).map(new).collect(), Timestamp::from_millis(1)).await.unwrap();
    let begun = Instant::now();
    let (conn, mut changes) = (foreign(data), store.changes());
    for _ in 0..KILLS {
        let process = loop {
            let running = conn.query_row(RUNNING, [], |row| row.get::<_, u32>(0));
            let running = running.optional().unwrap();
            // One that was killed has its row until it is judged lost.
            let mut alive = processes.iter_mut();
            if let Some(process) = alive.find(|process| Some(process.pid()) == running) {
                break process;
            }
            assert!(begun.elapsed() < STUCK, "no process runs jobs");
            changes.changed().await.unwrap();
        };
        process.signal("KILL");
        *process = Process::start(data, 0);
        let pid = process.pid();
        until_workers(&store, |workers| at_work(workers, pid)).await;
    }
    until_none(&store, &conn, OPEN_JOBS).await;
    let took = begun.elapsed();
    for process in processes {
        process.wait();
    }
    watching.abort();
    let mut statement = conn.prepare(STARTS).unwrap();
    let starts = statement.query_map([], |row| Ok((row.get(2)?, row.get(0)?, row.get(1)?)));
    let starts: BTreeSet<(i64, i64, i64)> = starts.unwrap().collect::<Result<_, _>>().unwrap();
    let starts: Vec<i64> = starts.into_iter().map(|(at, ..)| at).collect();
    for together in starts.windows(COUNT as usize + 1) {
        let within = together[COUNT as usize] - together[0];
        assert!(within >= LENGTH.as_millis() as i64, "{} starts within {within} ms", COUNT + 1);
    }
    assert!(starts.len() > JOBS, "a process was killed while it ran jobs");
    println!("{} starts of {JOBS} jobs in {took:?}, at most {COUNT} in {LENGTH:?}", starts.len());
}
