//! Two to four processes with handlers on one file, killed, stopped by signals and restarted under load.
//!
//! `LAMPLIGHTER_WORKERS=long cargo test --test it campaign -- --nocapture` runs 100,000 jobs and stands still for longer
//! than a lease; the short form is a part of every `cargo test`. The processes are this test binary itself.

use crate::support::planted as bugs;
use crate::support::{OPEN_JOBS, STUCK, foreign, open, until_none};
use lamplighter::clock::Clock;
use lamplighter::engine::Context;
use lamplighter::model::{
    Backoff, ConcurrencyKey, Kind, KindRules, NewJob, OnInterrupt, Outcome, Queue, Rate, Timestamp,
    Worker,
};
use lamplighter::store::Store;
use lamplighter::{Code, Engine};
use rusqlite::Connection;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

mod clocks;
mod date;
mod installation;
mod rate;
mod restores;

/// The test that is the child process where [`FOLDER`] is set.
const CHILD: &str = "campaign::a_process_ends_well_when_its_input_is_closed";
/// The folder in which a child process works.
const FOLDER: &str = "LAMPLIGHTER_CHILD_FOLDER";
/// How many hours its clock is ahead.
const AHEAD: &str = "LAMPLIGHTER_CHILD_AHEAD";
const HOUR: Duration = Duration::from_hours(1);
/// How long a job is put off, and the length of a rate.
const SHORT: Duration = Duration::from_secs(2);
/// What a process gives its jobs when it is asked to stop.
const GRACE: Duration = Duration::from_mins(1);
/// What is promised after a kill.
const TAKE_OVER: Duration = Duration::from_secs(3);
/// What is promised after a process began to stand still.
const LEASE: Duration = Duration::from_secs(30);
/// The limit of the queue `narrow`, over all processes.
const NARROW: u32 = 3;
/// Jobs that are open at least while processes are killed, stopped and restarted.
const LOAD: i64 = 1_000;
/// Whether jobs run in a worker's name.
const RUNS: &str = "SELECT EXISTS (SELECT 1 FROM jobs WHERE status = 'running' AND worker_id = ?1)";
/// Kinds that hold a key, with the key's limit.
const KEYED: [(&str, u32); 3] = [("keyed_1", 1), ("keyed_2", 2), ("keyed_3", 3)];

fn kind(name: &str) -> Kind {
    Kind::parse(name).unwrap()
}

fn narrow() -> Queue {
    Queue::parse("narrow").unwrap()
}

/// How much is done.
struct Form {
    is_long: bool,
    /// Jobs at least: there are more if the processes have done these before the last of them was restarted.
    jobs: usize,
    processes: usize,
}

impl Form {
    fn of_this_run() -> Self {
        let is_long = std::env::var("LAMPLIGHTER_WORKERS").is_ok_and(|form| form == "long");
        let (jobs, processes) = if is_long { (100_000, 4) } else { (2_000, 3) };
        Self { is_long, jobs, processes }
    }
}

/// The body of a child process: an engine that ends its jobs and then itself when its standard input is closed.
fn work(folder: &Path) {
    bugs::plant_what_was_asked_for();
    let mut threads = tokio::runtime::Builder::new_multi_thread();
    let runtime = threads.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = open(folder);
        let file = OpenOptions::new().append(true).create(true).open(folder.join("ledger"));
        let ledger = Arc::new(file.unwrap());
        let (clock, ticking) = clock();
        let mut builder = Engine::builder(store, clock).queue(narrow(), NARROW);
        for rules in kinds() {
            let ledger = Arc::clone(&ledger);
            builder = builder.kind(rules, move |context| run(context, Arc::clone(&ledger)));
        }
        let engine = builder.start().unwrap();
        let (closed, wait) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
            closed.send(()).unwrap();
        });
        wait.await.unwrap();
        engine.stop(GRACE).await;
        drop(ticking);
    });
}

fn kinds() -> Vec<KindRules> {
    // A worker that is lost so often is the campaign's doing, not the job's.
    let rules = |name| KindRules { poison_after: 1_000, ..KindRules::new(kind(name)) };
    let mut kinds = vec![
        rules("free"),
        KindRules { queue: narrow(), ..rules("narrow") },
        KindRules { rate: Some(rate::rate()), ..rules(rate::RATED) },
        KindRules { on_interrupt: OnInterrupt::Fail, max_attempts: 1, ..rules("once") },
    ];
    let soon = Backoff { base: SHORT, cap: SHORT };
    kinds.push(KindRules { backoff: soon, ..rules("fails_once") });
    kinds.push(KindRules { rate: Some(Rate::per(SHORT, 1)), ..rules("rated") });
    kinds.extend(["snoozes", "stays_once"].map(rules));
    let limit = Some(HOUR / 2);
    kinds.push(KindRules { timeout: limit, idle_timeout: limit, ..rules("patient") });
    kinds.extend(KEYED.map(|(name, key_limit)| KindRules { key_limit, ..rules(name) }));
    kinds
}

/// Writes each run into the ledger: one line when it begins and one when it ends, each in one write.
async fn run(context: Context, ledger: Arc<File>) -> Outcome {
    let line = |what: &str| {
        let (id, epoch) = (context.job.id, context.job.epoch);
        let line = format!("{what} {id} {epoch}\n");
        assert_eq!((&*ledger).write(line.as_bytes()).unwrap(), line.len());
    };
    line("begin");
    match context.job.kind.as_str() {
        "fails_once" if context.job.attempt == 1 => return Outcome::from("not yet"),
        "snoozes" if context.job.epoch == 1 => return Outcome::Snooze(SHORT),
        // It runs until it is asked to end, and has completed then.
        "patient" => {
            context.cancelled.cancelled().await;
            return Outcome::Done(true.into());
        }
        "stays_once" if context.job.epoch == 1 => std::future::pending().await,
        _ => {}
    }
    let wait: u64 = context.payload().unwrap();
    pause(Duration::from_millis(wait)).await;
    line("end");
    Outcome::Done(true.into())
}

/// The machine's clock, or one that is hours ahead and jumps by one more after three seconds.
fn clock() -> (Clock, Option<tokio::task::JoinHandle<()>>) {
    let ahead = std::env::var(AHEAD).map_or(0, |hours| hours.parse::<u32>().unwrap());
    if ahead == 0 {
        return (Clock::system(), None);
    }
    let clock = Clock::manual(Clock::system().now().plus(HOUR * ahead));
    let moved = clock.clone();
    let ticking = tokio::spawn(async move {
        let (begun, mut shown) = (Instant::now(), Duration::ZERO);
        loop {
            pause(Duration::from_millis(20)).await;
            let mut real = begun.elapsed();
            if real > Duration::from_secs(3) {
                real += HOUR;
            }
            moved.advance(real.saturating_sub(shown));
            shown = real;
        }
    });
    (clock, Some(ticking))
}

/// A child process that works. Dropped, it is killed.
struct Process(Child);

impl Process {
    fn start(folder: &Path, ahead: u32) -> Self {
        Self::start_with(folder, ahead, |_| {})
    }

    /// The same, with more in its environment.
    fn start_with(folder: &Path, ahead: u32, more: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", CHILD, "--nocapture"])
            .env(FOLDER, folder)
            .env(AHEAD, ahead.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        more(&mut command);
        Self(command.spawn().unwrap())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let done = Command::new("kill").args([format!("-{name}"), pid]).status().unwrap();
        assert!(done.success(), "kill -{name}");
    }

    /// Closes its input: it ends its jobs, and then itself.
    fn ask_to_stop(&mut self) {
        drop(self.0.stdin.take());
    }

    fn wait(mut self) {
        self.ask_to_stop();
        assert!(self.0.wait().unwrap().success(), "it ends well");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already cannot be killed again.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Looks at the rows after each commit that it hears of, each look in one snapshot; answers how many looks there were.
async fn watch(folder: PathBuf, store: Store, stop: Arc<AtomicBool>) -> u64 {
    let (conn, mut changes, mut looks) = (foreign(&folder), store.changes(), 0);
    while !stop.load(Ordering::Relaxed) {
        changes.changed().await.unwrap();
        look(&conn);
        looks += 1;
    }
    looks
}

fn look(conn: &Connection) {
    const SQL: &str = "
        SELECT kind, concurrency_key, queue, count(*)
        FROM jobs
        WHERE status = 'running'
        GROUP BY kind, concurrency_key, queue";
    let mut statement = conn.prepare_cached(SQL).unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let (kind, queue): (String, String) = (row.get(0).unwrap(), row.get(2).unwrap());
        let (key, running): (Option<String>, u32) = (row.get(1).unwrap(), row.get(3).unwrap());
        if let Some((_, limit)) = KEYED.iter().find(|(name, _)| *name == kind) {
            assert!(running <= *limit, "{running} jobs of {kind} hold the key {key:?}");
        }
        assert!(queue != "narrow" || running <= NARROW, "{running} jobs of the queue narrow run");
    }
}

/// Jobs of the campaign from one on, each kind with its share.
fn jobs(from: usize, how_many: usize) -> Vec<NewJob> {
    let job = |at: usize| {
        let names = ["free", "narrow", "free", "once", "keyed_1", "free", "keyed_2", "keyed_3"];
        let name = names[at % names.len()];
        let key = KEYED.iter().any(|(keyed, _)| *keyed == name);
        // A key belongs to one kind, whose limit it has.
        let key = key.then(|| format!("{name}-{}", at / names.len() % 20));
        NewJob {
            concurrency_key: key.map(|key| ConcurrencyKey::parse(key).unwrap()),
            payload: (at % 7 * 5).into(),
            ..NewJob::new(kind(name))
        }
    };
    (from..from + how_many).map(job).collect()
}

/// Keeps [`LOAD`] jobs or more open until the last phase is over and there have been as many as the form wants; answers how
/// many there were.
async fn load(store: Store, least: usize, over: Arc<AtomicBool>) -> usize {
    let (mut made, mut changes) = (0, store.changes());
    while made < least || !over.load(Ordering::Relaxed) {
        // The counts know a job from its admission on; all that are final were admitted.
        let counts = store.job_counts().await.unwrap();
        let ended = counts.iter().filter(|count| count.status.is_final()).map(|count| count.count);
        if made as i64 - ended.sum::<i64>() < LOAD {
            store.enqueue_all(jobs(made, 500), Timestamp::from_millis(1)).await.unwrap();
            made += 500;
        } else {
            changes.changed().await.unwrap();
        }
    }
    made
}

/// Waits until this worker runs jobs.
async fn until_it_runs_jobs(store: &Store, data: &Path, name: &str) {
    let conn = foreign(data);
    let (begun, mut changes) = (Instant::now(), store.changes());
    while !conn.query_row(RUNS, [name], |row| row.get::<_, bool>(0)).unwrap() {
        assert!(begun.elapsed() < STUCK * 2, "{name} runs no job");
        changes.changed().await.unwrap();
    }
}

/// Stops a process by a signal while this one holds the write lock: had it the lock, nobody else could write until it goes on.
fn stop_outside_a_transaction(process: &Process, data: &Path) {
    let conn = foreign(data);
    conn.busy_timeout(STUCK).unwrap();
    conn.execute_batch("BEGIN IMMEDIATE").unwrap();
    process.signal("STOP");
    conn.execute_batch("ROLLBACK").unwrap();
}

/// Waits until the workers are as they should be, and answers how long that took.
async fn until_workers(store: &Store, wanted: impl Fn(&[Worker]) -> bool) -> Duration {
    let (begun, mut changes) = (Instant::now(), store.changes());
    let wait = async {
        loop {
            changes.borrow_and_update();
            if wanted(&store.workers().await.unwrap()) {
                return;
            }
            changes.changed().await.unwrap();
        }
    };
    let ended = tokio::time::timeout(STUCK * 2, wait).await;
    assert!(ended.is_ok(), "{:?}", store.workers().await.unwrap());
    begun.elapsed()
}

fn at_work(workers: &[Worker], pid: u32) -> bool {
    workers.iter().any(|worker| worker.process.pid == pid && worker.lost_at.is_none())
}

/// Waits until nothing runs in the name of this worker any more, the worker is lost or gone, and another one leads;
/// answers how long that took.
async fn until_rescued(store: &Store, data: &Path, name: &str) -> Duration {
    let conn = foreign(data);
    until_workers(store, |workers| {
        let lives = |worker: &Worker| worker.id.as_str() == name && worker.lost_at.is_none();
        let leads = workers.iter().any(|worker| worker.leads && worker.id.as_str() != name);
        let rescued = leads && !workers.iter().any(lives);
        rescued && !conn.query_row(RUNS, [name], |row| row.get::<_, bool>(0)).unwrap()
    })
    .await
}

async fn name_of(store: &Store, pid: u32) -> String {
    until_workers(store, |workers| at_work(workers, pid)).await;
    let workers = store.workers().await.unwrap();
    workers.iter().find(|worker| worker.process.pid == pid).unwrap().id.to_string()
}

/// What became of the campaign's jobs and runs.
fn judge(folder: &Path, jobs: usize) {
    let mut text = String::new();
    File::open(folder.join("ledger")).unwrap().read_to_string(&mut text).unwrap();
    let mut runs: HashMap<i64, (u32, u32)> = HashMap::new();
    for line in text.lines() {
        let words: Vec<_> = line.split(' ').collect();
        let (begun, ended) = runs.entry(words[1].parse().unwrap()).or_default();
        *(if words[0] == "begin" { begun } else { ended }) += 1;
    }
    let conn = foreign(folder);
    let sql = "SELECT id, kind, status, epoch, interrupted, error_code FROM jobs WHERE kind <> 'nobodys' ORDER BY id";
    let mut statement = conn.prepare(sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    let (mut seen, mut again, mut lost_once) = (0, 0, 0);
    while let Some(row) = rows.next().unwrap() {
        seen += 1;
        let id: i64 = row.get(0).unwrap();
        let (kind, status): (String, String) = (row.get(1).unwrap(), row.get(2).unwrap());
        let (epoch, interrupted): (u32, u32) = (row.get(3).unwrap(), row.get(4).unwrap());
        let (begun, ended) = runs.get(&id).copied().unwrap_or_default();
        let what = format!(
            "job {id} ({kind}) is {status}, epoch {epoch}, interrupted {interrupted}, begun {begun}, ended {ended}"
        );
        assert!(begun <= epoch, "a run without a claim: {what}");
        if kind == "once" && status == "failed" {
            // Its process died, or was asked to stop and cut it off when the grace was over (P22).
            let code: String = row.get(5).unwrap();
            assert!(code == Code::Interrupted.as_str() && begun <= 1, "{what}, {code}");
            lost_once += 1;
            continue;
        }
        assert_eq!(status, "completed", "{what}");
        assert!(ended >= 1, "completed without an end: {what}");
        if interrupted == 0 {
            // A process that stops in good order may have put it back before it began.
            assert!(ended == 1, "twice without a loss: {what}");
        }
        assert!(kind != "once" || (begun, ended) == (1, 1), "{what}");
        again += u32::from(interrupted > 0);
    }
    assert_eq!(seen, jobs, "none is missing");
    assert!(again + lost_once > 0, "processes were killed in the middle of jobs");
    println!("{jobs} jobs: {again} ran again after a loss, {lost_once} that must not were failed");
}

#[tokio::test]
async fn a_process_ends_well_when_its_input_is_closed() {
    if let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) {
        // A runtime of its own, as a program has it.
        let working = std::thread::spawn(move || work(&folder));
        return working.join().unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let heard = store.clone();
    let watching = tokio::spawn(async move { heard.watch_foreign_commits().await });
    let process = Process::start(folder.path(), 0);
    until_workers(&store, |workers| at_work(workers, process.pid())).await;
    process.wait();
    assert!(store.workers().await.unwrap().is_empty(), "it leaves no row");
    watching.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_lose_and_double_nothing_while_each_is_killed_stopped_and_restarted() {
    let form = Form::of_this_run();
    let folder = tempfile::tempdir().unwrap();
    let (data, store) = (folder.path(), open(folder.path()));
    let begun = Instant::now();
    let heard = store.clone();
    let watching = tokio::spawn(async move { heard.watch_foreign_commits().await });
    // Their clocks are up to two hours apart, and jump while they work.
    let start = |at: usize| Process::start(data, at as u32 % 3);
    let mut processes: Vec<Process> = (0..form.processes).map(start).collect();
    for process in &processes {
        until_workers(&store, |workers| at_work(workers, process.pid())).await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let looking = tokio::spawn(watch(data.to_owned(), store.clone(), Arc::clone(&stop)));
    let over = Arc::new(AtomicBool::new(false));
    let loading = tokio::spawn(load(store.clone(), form.jobs, Arc::clone(&over)));
    let mut slowest = Duration::ZERO;
    for at in 0..form.processes {
        // The leader is killed too, when its turn comes; a process without the lead shows that its jobs are rescued.
        let victim = &processes[at];
        let name = name_of(&store, victim.pid()).await;
        until_it_runs_jobs(&store, data, &name).await;
        victim.signal("KILL");
        let took = until_rescued(&store, data, &name).await;
        assert!(took <= TAKE_OVER, "rescued after {took:?}");
        slowest = slowest.max(took);
        processes[at] = start(at);
        until_workers(&store, |workers| at_work(workers, processes[at].pid())).await;
    }
    println!("{} kills: rescued and led again after {slowest:?} at most", form.processes);
    for process in &processes {
        stand_still(&store, data, process, &form).await;
    }
    for (at, process) in processes.iter_mut().enumerate() {
        // Rolling restart: the new one works while the old one ends its jobs.
        let mut old = std::mem::replace(process, start(at));
        old.ask_to_stop();
        let name = name_of(&store, process.pid()).await;
        until_it_runs_jobs(&store, data, &name).await;
        old.wait();
    }
    over.store(true, Ordering::Relaxed);
    let made = loading.await.unwrap();
    until_none(&store, &foreign(data), OPEN_JOBS).await;
    for process in processes {
        process.wait();
    }
    stop.store(true, Ordering::Relaxed);
    store.enqueue(NewJob::new(kind("nobodys")), Timestamp::from_millis(1)).await.unwrap();
    let looks = looking.await.expect("every look finds the limits kept");
    watching.abort();
    assert!(looks > 0, "somebody looked");
    judge(data, made);
    println!("{:?}, {looks} looks at the limits", begun.elapsed());
    assert!(store.workers().await.unwrap().is_empty(), "no row is left");
}

/// Lets time go by, which is what is tested here.
async fn pause(length: Duration) {
    Clock::system().sleep(length).await;
}

/// A process stands still: in the long form for two leases, so that its jobs run elsewhere meanwhile. Nobody kills it, and
/// it goes on working.
async fn stand_still(store: &Store, data: &Path, process: &Process, form: &Form) {
    let (pid, name) = (process.pid(), name_of(store, process.pid()).await);
    until_it_runs_jobs(store, data, &name).await;
    stop_outside_a_transaction(process, data);
    let begun = Instant::now();
    if form.is_long {
        let took = until_rescued(store, data, &name).await;
        println!("a process stood still: lost and rescued after {took:?}");
        assert!(took <= LEASE + TAKE_OVER, "took {took:?}");
        pause((LEASE * 2).saturating_sub(begun.elapsed())).await;
    } else {
        // Less than a lease: nothing is lost.
        pause(Duration::from_millis(300)).await;
    }
    process.signal("CONT");
    until_workers(store, |workers| at_work(workers, pid)).await;
    let again = name_of(store, pid).await;
    until_it_runs_jobs(store, data, &again).await;
    assert_eq!(again != name, form.is_long, "after a loss it works under a new name");
}
