//! Several processes on one data directory: all work, one leads, and another one leads when it is gone (P27).

use crate::support::server::Server;
use crate::support::{foreign, in_time, now, open, store, until};
use lamplighter::Engine;
use lamplighter::clock::Clock;
use lamplighter::engine::Builder;
use lamplighter::model::{
    Job, JobId, Kind, KindRules, NewJob, Note, Outcome, Service, Status, Worker,
};
use lamplighter::store::Store;
use std::fs::File;
use std::future::Future;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::{Notify, mpsc};

/// How often the process that leads is killed.
const KILLS: usize = 10;
/// What P27 promises.
const TAKE_OVER: Duration = Duration::from_secs(3);
/// How long a leader may be silent.
const HUNG_AFTER: Duration = Duration::from_secs(30);
/// How long before a SIGSTOP its last heartbeat may have been.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(10);
/// Far beyond what the take-over from a hung process takes.
const STUCK: Duration = Duration::from_mins(2);
/// Log rows that make a scan long enough to be caught running.
const ROWS: u32 = 60_000;

/// Runs `what` while other programs' commits wake the store's listeners.
async fn watching<T>(store: &Store, what: impl Future<Output = T>) -> T {
    tokio::select! {
        done = what => done,
        ended = store.watch_foreign_commits() => panic!("the watch has ended: {ended:?}"),
    }
}

/// Waits until the workers are as they should be; wakes with every change of the store.
async fn workers(store: &Store, wanted: impl Fn(&[Worker]) -> bool) -> Vec<Worker> {
    let mut changes = store.changes();
    let wait = async {
        loop {
            changes.borrow_and_update();
            let workers = store.workers().await.unwrap();
            if wanted(&workers) {
                return workers;
            }
            changes.changed().await.unwrap();
        }
    };
    let Ok(workers) = tokio::time::timeout(STUCK, wait).await else {
        panic!("waited in vain; the workers are {:#?}", store.workers().await);
    };
    workers
}

fn leader(workers: &[Worker]) -> Option<u32> {
    workers.iter().find(|worker| worker.leads).map(|worker| worker.process.pid)
}

/// Starts a server and answers it with its process number, once it has said that it is there.
async fn start(store: &Store, data: &Path) -> (Server, u32) {
    let known = |workers: &[Worker]| -> Vec<_> { workers.iter().map(|w| w.id.clone()).collect() };
    let before = known(&store.workers().await.unwrap());
    let server = Server::start(data, &[]);
    let is_new = |worker: &&Worker| !before.contains(&worker.id);
    let workers = workers(store, |workers| workers.iter().any(|w| is_new(&w))).await;
    let pid = workers.iter().find(is_new).unwrap().process.pid;
    (server, pid)
}

/// A copy of the databases of a folder that is served.
fn copy(data: &Path, to: &Path) {
    for name in ["lamplighter.db", "logs.db"] {
        let target = to.join(name).into_os_string().into_string().unwrap();
        let conn = rusqlite::Connection::open(data.join(name)).unwrap();
        conn.execute("VACUUM INTO ?1", [target]).unwrap();
    }
}

/// Queues a scan as any program may.
fn enqueue_scan(data: &Path) -> JobId {
    let sql = "INSERT INTO jobs (kind) VALUES ('self_monitoring') RETURNING id";
    JobId(foreign(data).query_row(sql, [], |row| row.get(0)).unwrap())
}

fn signal(pid: u32, name: &str) {
    let done = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().unwrap();
    assert!(done.success(), "kill -{name} {pid}");
}

#[tokio::test]
async fn p27_after_each_of_ten_kills_of_the_leader_the_other_process_leads_within_3_s() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let store = open(data);
    watching(&store, async {
        let (mut holder, mut pid) = start(&store, data).await;
        workers(&store, |workers| leader(workers) == Some(pid)).await;
        let mut slowest = Duration::ZERO;
        for kill in 1..=KILLS {
            let (standby, next) = start(&store, data).await;
            let both = store.workers().await.unwrap();
            assert_eq!((leader(&both), both.len()), (Some(pid), 2), "{both:?}");
            let begun = Instant::now();
            holder.kill();
            let job = enqueue_scan(data);
            workers(&store, |workers| leader(workers) == Some(next)).await;
            let took = begun.elapsed();
            let job = until(&store, job, |job| job.status.is_final()).await;
            println!(
                "kill {kill}: took over after {took:?}, a new scan ended after {:?}",
                begun.elapsed()
            );
            assert_eq!(job.status, Status::Completed);
            assert!(took <= TAKE_OVER, "took {took:?}");
            slowest = slowest.max(took);
            let left = workers(&store, |workers| workers.len() == 1).await;
            assert_eq!(left[0].process.pid, next, "the row of the dead process is gone");
            (holder, pid) = (standby, next);
        }
        println!("{KILLS} kills: took over after {slowest:?} at most");
        assert_eq!(holder.terminate(), Some(0));
        assert!(store.workers().await.unwrap().is_empty(), "a clean stop leaves no row");
    })
    .await;
}

/// Fills the log and waits until a scan of it runs; then the leader is stopped by a signal. Again, if the scan was over
/// before the signal came.
async fn stop_in_the_middle_of_a_scan(store: &Store, data: &Path, leader: u32) -> Job {
    for round in 0..10 {
        let mut conn = rusqlite::Connection::open(data.join("logs.db")).unwrap();
        conn.busy_timeout(STUCK).unwrap();
        let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
        let sql = "INSERT INTO logs (timestamp, level, source, message) VALUES ('2026-11-21T08:00:00.000Z', 'ERROR', 'shop', ?1)";
        for row in 0..ROWS {
            let message = format!("[SHOP-PAY-{:03}] payment {row} failed", row % 40 + 40 * round);
            tx.execute(sql, [message]).unwrap();
        }
        tx.commit().unwrap();
        let id = enqueue_scan(data);
        until(store, id, |job| job.status != Status::Queued).await;
        signal(leader, "STOP");
        let job = store.job(id).await.unwrap().unwrap();
        if job.status == Status::Running {
            return job;
        }
        signal(leader, "CONT");
    }
    panic!("no scan was caught running");
}

/// Starts two servers, of which the first leads.
async fn start_two(store: &Store, data: &Path) -> [(Server, u32); 2] {
    let first = start(store, data).await;
    workers(store, |workers| leader(workers) == Some(first.1)).await;
    [first, start(store, data).await]
}

/// How often the log says that this process hung and was killed.
fn said_to_be_killed(data: &Path, pid: u32) -> i64 {
    let logs = rusqlite::Connection::open(data.join("logs.db")).unwrap();
    let sql = "SELECT count(*) FROM logs WHERE message LIKE '[ENGINE-LEAD-002] %' || ?1 || '%'";
    logs.query_row(sql, [format!("process {pid} ")], |row| row.get(0)).unwrap()
}

/// Stops the leader by a signal while it has the write lock of the database. Answers once nobody else can write.
fn stop_in_the_middle_of_a_write(data: &Path, leader: u32) {
    let mut conn = foreign(data);
    let is_stopped = || {
        let stat = std::fs::read_to_string(format!("/proc/{leader}/stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.starts_with('T')
    };
    for _ in 0..2_000 {
        // Rows of another program: each look for work admits some.
        conn.busy_timeout(STUCK).unwrap();
        let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
        for _ in 0..500 {
            tx.execute("INSERT INTO jobs (kind) VALUES ('nobodys')", []).unwrap();
        }
        tx.commit().unwrap();
        for _ in 0..20 {
            signal(leader, "STOP");
            while !is_stopped() {
                std::thread::yield_now();
            }
            // The other server's writes are short.
            conn.busy_timeout(Duration::from_secs(2)).unwrap();
            if conn.execute_batch("BEGIN IMMEDIATE").is_err() {
                return;
            }
            conn.execute_batch("ROLLBACK").unwrap();
            signal(leader, "CONT");
        }
    }
    panic!("it was never caught writing");
}

#[tokio::test]
async fn p27_a_leader_that_hangs_in_the_middle_of_a_write_is_killed_although_nobody_can_write() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let store = open(data);
    watching(&store, async {
        let [(hung, old), (standby, new)] = start_two(&store, data).await;
        stop_in_the_middle_of_a_write(data, old);
        let begun = Instant::now();
        workers(&store, |workers| leader(workers) == Some(new)).await;
        let took = begun.elapsed();
        println!(
            "took over from a process that was stopped in the middle of a write after {took:?}"
        );
        assert!(took <= HUNG_AFTER + TAKE_OVER, "took {took:?}");
        assert_eq!(hung.terminate(), None, "it was killed by a signal");
        assert_eq!(standby.terminate(), Some(0));
        assert_eq!(said_to_be_killed(data, old), 1, "it is said in the log, once");
    })
    .await;
}

#[tokio::test]
async fn p27_p9_a_leader_that_hangs_is_killed_after_30_s_and_its_job_ends_once_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let store = open(data);
    watching(&store, async {
        let [(hung, old), (standby, new)] = start_two(&store, data).await;
        // In a copy of the file both servers have a row whose beat stands still, although they live.
        let copied = tempfile::tempdir().unwrap();
        copy(data, copied.path());
        let copied_store = open(copied.path());
        let (of_copy, alone) = watching(&copied_store, start(&copied_store, copied.path())).await;
        let running = stop_in_the_middle_of_a_scan(&store, data, old).await;
        let begun = Instant::now();
        workers(&store, |workers| leader(workers) == Some(new)).await;
        let took = begun.elapsed();
        println!("took over from a stopped process after {took:?}");
        assert!(took + HEARTBEAT_EVERY >= HUNG_AFTER, "it was not given its 30 seconds");
        assert!(took <= HUNG_AFTER + TAKE_OVER, "took {took:?}");
        let ended = until(&store, running.id, |job| job.status.is_final()).await;
        assert_eq!((ended.status, ended.interrupted), (Status::Completed, 1));
        assert_eq!(ended.epoch, running.epoch.saturating_add(1), "claimed once more");
        // Going on now would be a late writer; but there is nobody left to go on.
        signal(old, "CONT");
        assert_eq!(hung.terminate(), None, "it was killed by a signal, it did not stop");
        let next = enqueue_scan(data);
        until(&store, next, |job| job.status == Status::Completed).await;
        assert_eq!(store.job(running.id).await.unwrap().unwrap(), ended);
        let left = workers(&store, |workers| workers.len() == 1).await;
        assert_eq!(leader(&left), Some(new));
        let left =
            watching(&copied_store, workers(&copied_store, |workers| workers.len() == 1)).await;
        assert_eq!(leader(&left), Some(alone), "the copy has judged both lost, and killed neither");
        assert_eq!(of_copy.terminate(), Some(0));
        assert_eq!(standby.terminate(), Some(0));
        assert_eq!(said_to_be_killed(data, old), 1, "it is said in the log, once");
    })
    .await;
}

fn rules() -> KindRules {
    KindRules::new(Kind::parse("job").unwrap())
}

fn new_job() -> NewJob {
    NewJob::new(rules().kind)
}

#[tokio::test]
async fn every_process_is_a_row_and_the_leader_removes_those_that_are_gone() {
    let (folder, store): (TempDir, Store) = store();
    let first = Engine::builder(store.clone(), Clock::system()).start().unwrap();
    in_time(first.leading().wait_for(|leads| *leads)).await.unwrap();
    let other = open(folder.path());
    let second = Engine::builder(other.clone(), Clock::system()).start().unwrap();
    let both = watching(&store, workers(&store, |workers| workers.len() == 2)).await;
    assert_eq!(both.iter().map(|worker| worker.leads).collect::<Vec<_>>(), [true, false]);
    assert!(both.iter().all(|worker| worker.process.pid == std::process::id()));
    // A process that was killed while it stood by: its number is free again.
    let mut dead = Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    let sql = "INSERT INTO job_workers (id, pid, process_start, version, started_at, heartbeat_at)
               SELECT 'dead', ?1, process_start, version, started_at, heartbeat_at + 1000000000
               FROM job_workers LIMIT 1";
    foreign(folder.path()).execute(sql, [dead.id()]).unwrap();
    first.stop(Duration::ZERO).await;
    in_time(second.leading().wait_for(|leads| *leads)).await.unwrap();
    let left = watching(&other, workers(&other, |workers| workers.len() == 1)).await;
    assert_eq!((&left[0].id, left[0].leads), (&both[1].id, true));
    second.stop(Duration::ZERO).await;
    assert!(other.workers().await.unwrap().is_empty());
}

/// An engine whose handler says that it runs, and ends when it is let.
fn held(
    name: &'static str,
    store: &Store,
    entered: &mpsc::UnboundedSender<(&'static str, JobId)>,
) -> (Builder, Arc<Notify>) {
    let (entered, release) = (entered.clone(), Arc::new(Notify::new()));
    let let_go = Arc::clone(&release);
    let builder = Engine::builder(store.clone(), Clock::system()).kind(rules(), move |context| {
        entered.send((name, context.job.id)).unwrap();
        let let_go = Arc::clone(&let_go);
        async move {
            let_go.notified().await;
            Outcome::Done(name.into())
        }
    });
    (builder, release)
}

#[tokio::test]
async fn p9_a_leader_whose_lock_is_worth_nothing_any_more_leads_no_more_and_works_on() {
    let (folder, store) = store();
    let (enter, mut entered) = mpsc::unbounded_channel();
    let (builder, release) = held("first", &store, &enter);
    let first = builder.start().unwrap();
    let id = store.enqueue(new_job(), now()).await.unwrap().id();
    assert_eq!(in_time(entered.recv()).await, Some(("first", id)));
    // Somebody tidies up too much.
    std::fs::remove_file(folder.path().join("lamplighter.lock")).unwrap();
    let other = open(folder.path());
    let second = Engine::builder(other.clone(), Clock::system()).start().unwrap();
    in_time(second.leading().wait_for(|leads| *leads)).await.unwrap();
    in_time(first.leading().wait_for(|leads| !*leads)).await.unwrap();
    // It has its lease and goes on with what it runs, and with what the new leader admits.
    release.notify_one();
    let done = until(&other, id, |job| job.status.is_final()).await;
    assert_eq!((done.status, done.interrupted), (Status::Completed, 0));
    let next = store.enqueue(new_job(), now()).await.unwrap().id();
    assert_eq!(in_time(entered.recv()).await, Some(("first", next)));
    release.notify_one();
    until(&other, next, |job| job.status == Status::Completed).await;
    second.stop(Duration::from_secs(1)).await;
    in_time(first.leading().wait_for(|leads| *leads)).await.unwrap();
    first.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_lock_that_a_dead_leader_has_left_takes_the_lead_from_nobody_who_leads_without_it() {
    let (folder, store) = store();
    let path = folder.path().join("lamplighter.lock");
    let (first, second) = (open(folder.path()), open(folder.path()));
    let before = Engine::builder(store.clone(), Clock::system()).start().unwrap();
    in_time(before.leading().wait_for(|leads| *leads)).await.unwrap();
    let start = store.workers().await.unwrap().remove(0).process.start;
    before.stop(Duration::ZERO).await;
    // The leader was killed, and something else holds its lock for a moment: a look at it, or a program it had started.
    let mut dead = Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    let rows = foreign(folder.path());
    let sql = "INSERT INTO job_workers (id, pid, process_start, version, started_at, heartbeat_at)
               VALUES ('dead', ?1, ?2, '0', 0, 0)";
    rows.execute(sql, (dead.id(), start)).unwrap();
    rows.execute("UPDATE job_leader SET epoch = epoch + 1, worker_id = 'dead'", []).unwrap();
    std::fs::write(&path, "dead").unwrap();
    let lock = File::open(&path).unwrap();
    lock.try_lock().unwrap();
    let first = Engine::builder(first, Clock::system()).start().unwrap();
    in_time(first.leading().wait_for(|leads| *leads)).await.unwrap();
    lock.unlock().unwrap();
    let standby = Engine::builder(second.clone(), Clock::system()).start().unwrap();
    let stands_by = async {
        while !second.says().services.contains_key(&Service::Standby.to_string()) {
            assert!(!*standby.leading().borrow(), "it took the lead from one that lives");
            tokio::task::yield_now().await;
        }
    };
    in_time(stands_by).await;
    assert!(*first.leading().borrow() && !*standby.leading().borrow());
    first.stop(Duration::ZERO).await;
    in_time(standby.leading().wait_for(|leads| *leads)).await.unwrap();
    standby.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn p9_a_worker_that_was_judged_lost_ends_its_handlers_writes_nothing_and_works_under_a_new_name()
 {
    let (folder, store) = store();
    let (enter, mut entered) = mpsc::unbounded_channel();
    let (builder, release) = held("lost", &store, &enter);
    let engine = builder.start().unwrap();
    let id = store.enqueue(new_job(), now()).await.unwrap().id();
    assert_eq!(in_time(entered.recv()).await, Some(("lost", id)));
    let before = store.workers().await.unwrap().remove(0);
    // Another process judges so.
    foreign(folder.path()).execute("UPDATE job_workers SET lost_at = 1", []).unwrap();
    release.notify_one();
    // The handler's answer, if it came to that, was refused; the job runs again under the new name.
    assert_eq!(in_time(entered.recv()).await, Some(("lost", id)));
    let again = until(&store, id, |job| job.status == Status::Running).await;
    assert_eq!((again.epoch, again.interrupted), (2, 1));
    let before = before.id;
    assert_ne!(again.worker_id.as_ref(), Some(&before));
    release.notify_one();
    let done = until(&store, id, |job| job.status.is_final()).await;
    assert_eq!((done.status, done.epoch), (Status::Completed, 2));
    let left = workers(&store, |workers| workers.len() == 1).await;
    assert_ne!(left[0].id, before, "the row of the lost one is gone");
    engine.stop(Duration::ZERO).await;
    assert!(store.workers().await.unwrap().is_empty());
}

/// Rolling restart: the new process works while the old one ends its jobs.
#[tokio::test]
async fn p22_a_process_that_stops_gives_up_the_lead_at_once_and_settles_while_the_next_one_works() {
    let (folder, store) = store();
    let (enter, mut entered) = mpsc::unbounded_channel();
    let (builder, release) = held("old", &store, &enter);
    let old = builder.start().unwrap();
    let slow = store.enqueue(new_job(), now()).await.unwrap().id();
    assert_eq!(in_time(entered.recv()).await, Some(("old", slow)));
    let other = open(folder.path());
    let (builder, release_new) = held("new", &other, &enter);
    let new = builder.start().unwrap();
    let stopping = tokio::spawn(old.stop(STUCK));
    in_time(new.leading().wait_for(|leads| *leads)).await.unwrap();
    let next = other.enqueue(new_job(), now()).await.unwrap().id();
    assert_eq!(in_time(entered.recv()).await, Some(("new", next)));
    release_new.notify_one();
    until(&other, next, |job| job.status == Status::Completed).await;
    assert_eq!(other.job(slow).await.unwrap().unwrap().status, Status::Running);
    release.notify_one();
    let done = until(&other, slow, |job| job.status.is_final()).await;
    assert_eq!((done.status, done.epoch, done.interrupted), (Status::Completed, 1, 0));
    in_time(stopping).await.unwrap();
    new.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_program_lets_a_server_lead_and_leads_again_when_the_server_is_gone() {
    let (folder, store) = store();
    watching(&store, async {
        let done = |_| async { Outcome::Done(true.into()) };
        let own = Engine::builder(store.clone(), Clock::system()).kind(rules(), done);
        let own = own.start().unwrap();
        let mut leading = own.leading();
        in_time(leading.wait_for(|leads| *leads)).await.unwrap();
        let (server, pid) = start(&store, folder.path()).await;
        workers(&store, |workers| leader(workers) == Some(pid)).await;
        in_time(leading.wait_for(|leads| !*leads)).await.unwrap();
        // Each runs its own kinds, and the server admits for both.
        let id = store.enqueue(new_job(), now()).await.unwrap().id();
        until(&store, id, |job| job.status == Status::Completed).await;
        let scan = enqueue_scan(folder.path());
        until(&store, scan, |job| job.status == Status::Completed).await;
        let begun = Instant::now();
        server.kill();
        in_time(leading.wait_for(|leads| *leads)).await.unwrap();
        assert!(begun.elapsed() <= TAKE_OVER, "took {:?}", begun.elapsed());
        own.stop(Duration::ZERO).await;
    })
    .await;
}

#[tokio::test]
async fn each_process_runs_its_own_kinds_whichever_leads_and_a_kind_that_another_one_runs_is_no_missing_one()
 {
    let (folder, store) = store();
    let kind = |name| Kind::parse(name).unwrap();
    let runs = |store: &Store, name: &'static str| {
        Engine::builder(store.clone(), Clock::system())
            .kind(KindRules::new(kind(name)), move |_| async move { Outcome::Done(name.into()) })
            .start()
            .unwrap()
    };
    let first = runs(&store, "mail");
    in_time(first.leading().wait_for(|leads| *leads)).await.unwrap();
    let other = open(folder.path());
    let second = runs(&other, "print");
    watching(&store, workers(&store, |workers| workers.len() == 2)).await;
    assert!(store.notes_for(&kind("print"), now()).await.unwrap().is_empty());
    for name in ["print", "mail"] {
        let id = store.enqueue(NewJob::new(kind(name)), now()).await.unwrap().id();
        let done = until(&store, id, |job| job.status.is_final()).await;
        assert_eq!(done.result, Some(format!("{name:?}")));
    }
    // The one that goes takes its kind with it; the other one leads.
    first.stop(Duration::ZERO).await;
    in_time(second.leading().wait_for(|leads| *leads)).await.unwrap();
    let id = other.enqueue(NewJob::new(kind("print")), now()).await.unwrap().id();
    until(&other, id, |job| job.status == Status::Completed).await;
    let notes = other.notes_for(&kind("mail"), now()).await.unwrap();
    assert_eq!(notes, [Note::NoHandler(kind("mail"))]);
    second.stop(Duration::ZERO).await;
}
