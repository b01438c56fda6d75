//! The machine's date moves by an hour, a day and a year, forward and back, under a server and programs that embed the engine:
//! live, and while all of them are stopped.
//!
//! Before each move there is work of every sort that a wrong instant could hold up: jobs and scans that wait for a key, a
//! retry, a snooze, a job of a rate, a job whose process is killed, every kind of schedule. After it, all of it must run by
//! the new date, once. The short form moves the date while all of them are stopped, the long form also live.

use super::date::{library, set_date, shown};
use super::{Form, Process, STUCK, at_work, kind, name_of, narrow, pause, until_workers};
use crate::support::server::{Server, program};
use crate::support::{foreign, open, skipped};
use lamplighter::actions::Call;
use lamplighter::actions::settings::{SettingChange, change};
use lamplighter::clock::Clock;
use lamplighter::model::settings::{CADENCE, ENABLED};
use lamplighter::model::{
    Actor, ConcurrencyKey, JobId, Kind, NewJob, NewSchedule, Overlap, Plan, Queue, Rule,
    ScheduleName, Timestamp,
};
use lamplighter::store::Store;
use rusqlite::Connection;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// What is promised: everything runs so soon after the right time.
const SOON: Duration = Duration::from_secs(5);
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;
/// After so long every process sees the other date.
const SEEN: Duration = Duration::from_millis(1_500);
/// Jobs of queues that are paused while the date moves.
const HELD: usize = 9;
/// The schedules, and the seconds between two of their occurrences.
const SCHEDULES: [(&str, i64); 5] = [
    ("each_2_seconds", 2),
    ("each_minute", 60),
    ("hourly", HOUR),
    ("daily", DAY),
    ("self_monitoring", HOUR),
];

/// A server and two programs that embed the engine, which see another date than the machine has.
struct Office {
    data: PathBuf,
    date: PathBuf,
    library: PathBuf,
    store: Store,
    conn: Connection,
    server: Option<Server>,
    programs: Vec<Process>,
    /// Seconds from the machine's date.
    offset: i64,
    began: Instant,
    moves: i64,
    slowest: Duration,
    watching: tokio::task::JoinHandle<()>,
}

impl Office {
    async fn open(data: &Path, library: PathBuf) -> Self {
        let shown_date = data.join("date");
        set_date(&shown_date, "+0");
        let (store, conn) = (open(data), foreign(data));
        let heard = store.clone();
        let mut office = Self {
            data: data.to_owned(),
            date: shown_date,
            library,
            store,
            conn,
            server: None,
            programs: Vec::new(),
            offset: 0,
            began: Instant::now(),
            moves: 0,
            slowest: Duration::ZERO,
            watching: tokio::spawn(async move { drop(heard.watch_foreign_commits().await) }),
        };
        office.start().await;
        office.add_schedules().await;
        office
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(Clock::system().now().millis() + self.offset * 1_000)
    }

    fn env(&self, command: &mut Command) {
        shown(command, &self.library, &self.date);
    }

    async fn start(&mut self) {
        let mut command = program(&self.data);
        self.env(&mut command);
        self.server =
            Some(Server::launch(&self.data, &mut command, &[], Some("correct horse battery")));
        for _ in 0..2 {
            self.start_program().await;
        }
    }

    async fn start_program(&mut self) {
        let started = Process::start_with(&self.data, 0, |command| self.env(command));
        until_workers(&self.store, |workers| at_work(workers, started.pid())).await;
        self.programs.push(started);
    }

    async fn add_schedules(&self) {
        let cron = |text: &str, zone: &str| Rule::cron(text, zone).unwrap();
        for (name, rule) in [
            ("each_2_seconds", cron("*/2 * * * * *", "UTC")),
            ("each_minute", Rule::every(1, self.now()).unwrap()),
            ("hourly", cron("0 * * * *", "UTC")),
            ("daily", cron("30 2 * * *", "Europe/Berlin")),
            ("once", Rule::once(self.now().plus(Duration::from_secs(10))).unwrap()),
        ] {
            let plan = Plan {
                payload: 0.into(),
                overlap: Overlap::QueueAll,
                ..Plan::new(rule, kind("free"))
            };
            let new = NewSchedule { name: ScheduleName::parse(name).unwrap(), plan };
            self.store.create_schedule(new, Actor::cli(), self.now()).await.unwrap();
        }
        let changes =
            [SettingChange::set(CADENCE.key, "1h"), SettingChange::set(ENABLED.key, "true")];
        change(&self.store, &Call::by_owner(self.now()), &changes).await.unwrap();
    }

    async fn enqueue(&self, job: NewJob) -> JobId {
        self.store.enqueue(job, self.now()).await.unwrap().id()
    }

    /// Waits until what a query says of a job is so.
    async fn until(&self, what: &str, id: JobId, wanted: impl Fn(&str) -> bool) {
        let sql = format!("SELECT coalesce({what}, 'none') FROM jobs WHERE id = ?1");
        let (begun, mut changes) = (Instant::now(), self.store.changes());
        loop {
            changes.borrow_and_update();
            let found: String = self.conn.query_row(&sql, [id.0], |row| row.get(0)).unwrap();
            if wanted(&found) {
                return;
            }
            if begun.elapsed() > STUCK {
                let why = self.store.why(id, self.now()).await.unwrap();
                panic!("{what} of job {id} is {found} at {:+} s: {why:?}", self.offset);
            }
            changes.changed().await.unwrap();
        }
    }

    /// Work of each sort that is not done yet, by the date as it is; the job whose process is to be killed is the last.
    async fn prepare(&self) -> Vec<JobId> {
        let new = |name: &str| NewJob { payload: 0.into(), ..NewJob::new(kind(name)) };
        let mut ids = Vec::new();
        for queue in [narrow(), Queue::AGENT] {
            let why = "the date moves".to_owned();
            self.store.pause_queue(queue, why, None, Actor::cli(), self.now()).await.unwrap();
        }
        for _ in 0..3 {
            let key = ConcurrencyKey::parse("move").unwrap();
            let keyed = NewJob { concurrency_key: Some(key), ..new("keyed_1") };
            for job in [
                NewJob { queue: Some(narrow()), ..keyed },
                NewJob { queue: Some(narrow()), ..new("free") },
                NewJob::new(Kind::SELF_MONITORING),
            ] {
                ids.push(self.enqueue(job).await);
            }
        }
        assert_eq!(ids.len(), HELD);
        for id in &ids {
            self.until("waits_for", *id, |waits_for| waits_for != "admission").await;
        }
        for name in ["fails_once", "snoozes"] {
            ids.push(self.enqueue(new(name)).await);
            self.until("status", ids[ids.len() - 1], |status| status == "scheduled").await;
        }
        for _ in 0..2 {
            ids.push(self.enqueue(new("rated")).await);
        }
        self.until("status", ids[ids.len() - 2], |status| status == "completed").await;
        self.until("waits_for", ids[ids.len() - 1], |waits_for| waits_for == "rate").await;
        ids.push(self.enqueue(new("stays_once")).await);
        self.until("status", ids[ids.len() - 1], |status| status == "running").await;
        ids
    }

    /// Kills the program that runs the job.
    async fn kill_runner(&mut self, id: JobId) {
        let runner = "SELECT worker_id FROM jobs WHERE id = ?1";
        let runner: String = self.conn.query_row(runner, [id.0], |row| row.get(0)).unwrap();
        for at in 0..self.programs.len() {
            if name_of(&self.store, self.programs[at].pid()).await == runner {
                drop(self.programs.remove(at));
                return;
            }
        }
        panic!("no program has the name {runner}");
    }

    /// Moves the date, and judges what becomes of the work that was there.
    async fn moves_to(&mut self, offset: i64, live: bool) {
        let ids = self.prepare().await;
        let killed = ids[ids.len() - 1];
        let before = self.offset;
        self.kill_runner(killed).await;
        if live {
            set_date(&self.date, &format!("{offset:+}"));
            self.offset = offset;
            self.start_program().await;
            // Each process reads the date anew after a second at most.
            pause(SEEN).await;
            self.until_seen().await;
        } else {
            self.programs.drain(..).for_each(Process::wait);
            assert_eq!(self.server.take().unwrap().terminate(), Some(0));
            set_date(&self.date, &format!("{offset:+}"));
            self.offset = offset;
            self.start().await;
        }
        let begun = Instant::now();
        for queue in [narrow(), Queue::AGENT] {
            self.store.resume_queue(queue, Actor::cli(), self.now()).await.unwrap();
        }
        for id in &ids {
            self.until("status", *id, |status| status == "completed").await;
        }
        self.until_schedules_are_right().await;
        let took = begun.elapsed();
        self.slowest = self.slowest.max(took);
        self.moves += 1;
        let how = if live { "live" } else { "over a restart" };
        println!("the date moved {how} from {before:+} s to {offset:+} s: all ran after {took:?}");
        assert!(took < SOON, "{took:?}");
        let late = "SELECT count(*) FROM jobs WHERE id = ?1 AND abs(started_at - ?2) > 60000";
        // Those of the queues that were paused have not begun before.
        for id in &ids[..HELD] {
            let late: i64 =
                self.conn.query_row(late, (id.0, self.now().millis()), |row| row.get(0)).unwrap();
            assert_eq!(late, 0, "job {id} started by another date");
        }
    }

    /// Waits until jobs are started by the new date wherever they run.
    async fn until_seen(&self) {
        const STARTED: &str = "SELECT abs(started_at - ?2) < 60000 FROM jobs WHERE id = ?1";
        let begun = Instant::now();
        let mut seen = 0;
        while seen < 20 {
            let id = self.enqueue(NewJob { payload: 0.into(), ..NewJob::new(kind("free")) }).await;
            self.until("status", id, |status| status == "completed").await;
            let is_new: bool = self
                .conn
                .query_row(STARTED, (id.0, self.now().millis()), |row| row.get(0))
                .unwrap();
            seen = if is_new { seen + 1 } else { 0 };
            assert!(begun.elapsed() < STUCK, "the processes do not see the other date");
        }
    }

    /// Waits until the next occurrence of each schedule is one that its rule explains, and the quick one has made a job.
    async fn until_schedules_are_right(&self) {
        const NEXT: &str = "SELECT next_at FROM job_schedules WHERE name = ?1";
        const MADE: &str = "
            SELECT count(*)
            FROM jobs j
            JOIN job_schedules s ON s.id = j.schedule_id
            WHERE s.name = 'each_2_seconds' AND j.status = 'completed' AND abs(j.occurrence_at - ?1) < 10000";
        let (begun, mut changes) = (Instant::now(), self.store.changes());
        loop {
            changes.borrow_and_update();
            let now = self.now().millis();
            let is_right = |(name, seconds): &(&str, i64)| {
                let next: i64 = self.conn.query_row(NEXT, [name], |row| row.get(0)).unwrap();
                // A day with another clock has an hour more.
                let longest = seconds + if *seconds > 60 { HOUR } else { 1 };
                (-5_000..=longest * 1_000).contains(&(next - now))
            };
            let wrong: Vec<_> = SCHEDULES.iter().filter(|schedule| !is_right(schedule)).collect();
            let made: i64 = self.conn.query_row(MADE, [now], |row| row.get(0)).unwrap();
            if wrong.is_empty() && made > 0 {
                return;
            }
            assert!(begun.elapsed() < STUCK, "{wrong:?}, {made} made at {:+} s", self.offset);
            changes.changed().await.unwrap();
        }
    }

    fn was_interrupted(&self, id: &str) -> bool {
        let sql = "SELECT interrupted > 0 FROM jobs WHERE id = ?1";
        self.conn.query_row(sql, [id], |row| row.get(0)).unwrap()
    }

    /// A job and what has become of it.
    fn told(&self, id: &str) -> String {
        let sql = "SELECT concat_ws(' ', id, kind, status, 'epoch', epoch, 'attempt', attempt, 'interrupted', interrupted,
            (SELECT group_concat(concat_ws(' ', cause, at), ', ') FROM job_events WHERE job_id = jobs.id)) FROM jobs WHERE id = ?1";
        self.conn.query_row(sql, [id], |row| row.get(0)).unwrap()
    }

    /// Each run has begun once, each job has ended once, and no schedule has made more jobs than there were occurrences.
    fn judge(mut self) {
        self.watching.abort();
        self.programs.drain(..).for_each(Process::wait);
        assert_eq!(self.server.take().unwrap().terminate(), Some(0));
        let ledger = fs::read_to_string(self.data.join("ledger")).unwrap();
        let (mut begun, mut ended) = (HashSet::new(), HashSet::new());
        for line in ledger.lines() {
            let words: Vec<_> = line.split(' ').collect();
            match words[0] {
                "begin" => assert!(begun.insert((words[1], words[2])), "{line} twice"),
                // One whose process is killed between its end and its commit runs again (P7).
                _ => assert!(
                    ended.insert(words[1]) || self.was_interrupted(words[1]),
                    "job {} ended twice",
                    self.told(words[1])
                ),
            }
        }
        let made = "SELECT count(*) FROM jobs j JOIN job_schedules s ON s.id = j.schedule_id WHERE s.name = ?1";
        let made =
            |name: &str| self.conn.query_row(made, [name], |row| row.get::<_, i64>(0)).unwrap();
        let elapsed = i64::try_from(self.began.elapsed().as_secs()).unwrap();
        for (name, seconds) in SCHEDULES {
            // One at the first look, and one that was missed for each move.
            let most = elapsed / seconds + self.moves + 2;
            assert!((1..=most).contains(&made(name)), "{name} made {} of {most}", made(name));
        }
        assert_eq!(made("once"), 1);
        let (moves, slowest, jobs) = (self.moves, self.slowest, ended.len());
        println!(
            "{moves} moves of the date, {jobs} jobs of programs: all ran in {slowest:?} at most, none twice"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p19_all_that_waits_runs_by_the_new_date_after_it_moves_by_an_hour_a_day_and_a_year() {
    let Some(library) = library() else {
        return skipped(
            "the date of running programs cannot be moved: libfaketime is not installed",
        );
    };
    let folder = tempfile::tempdir().unwrap();
    let mut office = Office::open(folder.path(), library).await;
    let (live, stopped): (&[i64], &[i64]) = if Form::of_this_run().is_long {
        (&[HOUR, DAY, YEAR, -HOUR, -DAY], &[HOUR, DAY, YEAR, -HOUR, -DAY])
    } else {
        // Live moves are in `date.rs` too. On a busy machine a process may see this date later than the test takes it to.
        (&[], &[HOUR, -DAY, YEAR])
    };
    for (moves, is_live) in [(live, true), (stopped, false)] {
        for offset in moves {
            office.moves_to(*offset, is_live).await;
            office.moves_to(0, is_live).await;
        }
    }
    office.judge();
}
