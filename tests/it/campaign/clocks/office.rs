//! A server and two programs that embed the engine, which see another date than the machine has, and their work.

use super::super::date::{set_date, shown};
use super::super::{Process, SHORT, STUCK, at_work, kind, name_of, narrow, until_workers};
use super::{DAY, HOUR, SOON};
use crate::support::server::{Server, program};
use crate::support::{foreign, open, until_none};
use lamplighter::actions::Call;
use lamplighter::actions::settings::{SettingChange, change};
use lamplighter::clock::Clock;
use lamplighter::model::settings::{ANALYZER, CADENCE, ENABLED};
use lamplighter::model::{
    Actor, ConcurrencyKey, JobId, Kind, NewJob, NewSchedule, Overlap, Plan, Queue, Rule,
    ScheduleName, Timestamp,
};
use lamplighter::store::Store;
use rusqlite::Connection;
use serde_json::json;
use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The agent program: a session is the shell script that its prompt is, a scan never ends by itself.
const AGENT: &str = r#"#!/bin/sh
if [ "$1" = --version ]; then echo "2.1.329 (Claude Code)"; exit; fi
case "$*" in *--json-schema*max_log_id_processed*) while :; do sleep 1; done ;; esac
eval "$(cat)"
echo '{"type":"result","subtype":"success","is_error":false,"num_turns":1,"duration_ms":1,"total_cost_usd":0,"result":"done","session_id":"67cf1229-f18b-4200-b873-0881f221331e","usage":{"input_tokens":1,"output_tokens":1}}'
"#;
/// The schedules, and the seconds between two of their occurrences.
const SCHEDULES: [(&str, i64); 5] = [
    ("each_2_seconds", 2),
    ("each_minute", 60),
    ("hourly", HOUR),
    ("daily", DAY),
    ("self_monitoring", HOUR),
];

/// What becomes of the server and the programs when the date moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// All work on; a session runs from before to after.
    Live,
    /// All see the date move, then the server is killed while it runs a scan.
    LiveAndKilled,
    /// All end well before.
    Restarted,
    /// The server is killed while it runs a scan, and all begin anew.
    KilledAndRestarted,
}

impl Way {
    fn is_live(self) -> bool {
        match self {
            Self::Live | Self::LiveAndKilled => true,
            Self::Restarted | Self::KilledAndRestarted => false,
        }
    }

    fn kills(self) -> bool {
        match self {
            Self::LiveAndKilled | Self::KilledAndRestarted => true,
            Self::Live | Self::Restarted => false,
        }
    }
}

/// Work that is not done when the date moves.
struct Prepared {
    /// What has not begun.
    waiting: Vec<JobId>,
    /// What has begun.
    begun: Vec<JobId>,
    /// The job whose program is to be killed.
    killed: JobId,
}

/// The server, the programs, and what is known of them.
pub(super) struct Office {
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
    pub(super) async fn open(data: &Path, library: PathBuf) -> Self {
        let shown_date = data.join("date");
        set_date(&shown_date, "+0");
        fs::write(data.join("agent"), AGENT).unwrap();
        fs::set_permissions(data.join("agent"), fs::Permissions::from_mode(0o755)).unwrap();
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

    pub(super) fn offset(&self) -> i64 {
        self.offset
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(Clock::system().now().millis() + self.offset * 1_000)
    }

    async fn start(&mut self) {
        self.start_server();
        for _ in 0..2 {
            self.start_program().await;
        }
    }

    fn start_server(&mut self) {
        let mut command = program(&self.data);
        shown(&mut command, &self.library, &self.date);
        command
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("LAMPLIGHTER_AGENT_COMMAND", self.data.join("agent"));
        self.server =
            Some(Server::launch(&self.data, &mut command, &[], Some("correct horse battery")));
    }

    async fn start_program(&mut self) {
        let see = |command: &mut Command| shown(command, &self.library, &self.date);
        let started = Process::start_with(&self.data, 0, see);
        until_workers(&self.store, |workers| at_work(workers, started.pid())).await;
        self.programs.push(started);
    }

    async fn set(&self, changes: &[SettingChange]) {
        change(&self.store, &Call::by_owner(self.now()), changes).await.unwrap();
    }

    async fn add_schedules(&self) {
        let cron = |text: &str, zone: &str| Rule::cron(text, zone).unwrap();
        for (name, rule) in [
            ("each_2_seconds", cron("*/2 * * * * *", "UTC")),
            ("each_minute", Rule::every(1, self.now()).unwrap()),
            ("hourly", cron("0 * * * *", "UTC")),
            ("daily", cron("30 2 * * *", "Europe/Berlin")),
        ] {
            self.add_schedule(name, rule).await;
        }
        self.set(&[
            SettingChange::set(CADENCE.key, "1h"),
            SettingChange::set(ENABLED.key, "true"),
            SettingChange::set(ANALYZER.key, "builtin"),
        ])
        .await;
    }

    async fn add_schedule(&self, name: &str, rule: Rule) {
        let plan =
            Plan { payload: 0.into(), overlap: Overlap::QueueAll, ..Plan::new(rule, kind("free")) };
        let new = NewSchedule { name: ScheduleName::parse(name).unwrap(), plan };
        self.store.create_schedule(new, Actor::cli(), self.now()).await.unwrap();
    }

    async fn enqueue(&self, job: NewJob) -> JobId {
        self.store.enqueue(job, self.now()).await.unwrap().id()
    }

    /// Queues a session that writes its number down, then does this.
    async fn enqueue_session(&self, script: &str) -> JobId {
        let ran = self.data.join("sessions");
        let prompt = format!("echo $LAMPLIGHTER_JOB >> {}; {script}", ran.display());
        let payload = json!({"prompt": prompt, "profile": "full"}).into();
        self.enqueue(NewJob { payload, ..NewJob::new(Kind::AGENT_SESSION) }).await
    }

    /// Waits until what a query says of a job is so, and answers it.
    async fn until(&self, what: &str, id: JobId, wanted: impl Fn(&str) -> bool) -> String {
        let sql = format!("SELECT coalesce({what}, 'none') FROM jobs WHERE id = ?1");
        let (begun, mut changes) = (Instant::now(), self.store.changes());
        loop {
            changes.borrow_and_update();
            let found: String = self.conn.query_row(&sql, [id.0], |row| row.get(0)).unwrap();
            if wanted(&found) {
                return found;
            }
            if begun.elapsed() > STUCK {
                let why = self.store.why(id, self.now()).await.unwrap();
                panic!("{what} is {found} at {:+} s: {why:?}, {}", self.offset, self.told(id));
            }
            changes.changed().await.unwrap();
        }
    }

    /// Starts a scan that an agent makes, which does not end by itself.
    async fn scan_by_agent(&self) -> JobId {
        const ROW: &str = "INSERT INTO logs (timestamp, level, source, message)
                           VALUES ('2026-11-28T10:00:00Z', 'ERROR', 'shop', 'no lamps are left')";
        const OPEN: &str =
            "SELECT count(*) FROM jobs WHERE kind = 'self_monitoring' AND finished_at IS NULL";
        const BY: &str = "CASE WHEN finished_at IS NOT NULL THEN 'nobody'
                          WHEN EXISTS (SELECT 1 FROM sessions WHERE job_id = jobs.id) THEN 'agent' END";
        // A scan of the schedule may read the row first; then the next one has nothing to read.
        loop {
            until_none(&self.store, &self.conn, OPEN).await;
            Connection::open(self.data.join("logs.db")).unwrap().execute(ROW, []).unwrap();
            self.set(&[SettingChange::set(ANALYZER.key, "agent")]).await;
            let id = self.enqueue(NewJob::new(Kind::SELF_MONITORING)).await;
            if self.until(BY, id, |by| by != "none").await == "agent" {
                return id;
            }
        }
    }

    fn go(&self) -> PathBuf {
        self.data.join("go")
    }

    /// Work of each sort that is not done yet, by the date as it is.
    async fn prepare(&self, way: Way) -> Prepared {
        let new = |name: &str| NewJob { payload: 0.into(), ..NewJob::new(kind(name)) };
        let (mut waiting, mut begun) = (Vec::new(), Vec::new());
        let why = "the date moves".to_owned();
        self.store
            .pause_queue(narrow(), why.clone(), None, Actor::cli(), self.now())
            .await
            .unwrap();
        // What holds the one place of the agents' queue.
        match way {
            Way::Live => {
                let go = self.go();
                let go = go.display();
                let wait = format!("while ! [ -e {go} ]; do sleep 0.05; done; rm {go}");
                begun.push(self.enqueue_session(&wait).await);
            }
            Way::LiveAndKilled | Way::KilledAndRestarted => {
                begun.push(self.scan_by_agent().await);
            }
            Way::Restarted => {
                let (by, now) = (Actor::cli(), self.now());
                self.store.pause_queue(Queue::AGENT, why, None, by, now).await.unwrap();
            }
        }
        for id in &begun {
            self.until("status", *id, |status| status == "running").await;
        }
        for _ in 0..2 {
            let key = ConcurrencyKey::parse("move").unwrap();
            let keyed = NewJob { concurrency_key: Some(key), ..new("keyed_1") };
            for job in [
                NewJob { queue: Some(narrow()), ..keyed },
                NewJob { queue: Some(narrow()), ..new("free") },
                NewJob::new(Kind::SELF_MONITORING),
            ] {
                waiting.push(self.enqueue(job).await);
            }
        }
        waiting.push(self.enqueue_session("").await);
        for id in &waiting {
            self.until("waits_for", *id, |waits_for| waits_for != "admission").await;
        }
        for job in [new("fails_once"), new("snoozes"), new("free").delay(SHORT)] {
            begun.push(self.enqueue(job).await);
            self.until("status", begun[begun.len() - 1], |status| status == "scheduled").await;
        }
        for _ in 0..2 {
            begun.push(self.enqueue(new("rated")).await);
        }
        self.until("status", begun[begun.len() - 2], |status| status == "completed").await;
        self.until("waits_for", begun[begun.len() - 1], |waits_for| waits_for == "rate").await;
        let killed = self.enqueue(new("stays_once")).await;
        self.until("status", killed, |status| status == "running").await;
        begun.push(killed);
        Prepared { waiting, begun, killed }
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

    /// Kills the server with the scan that an agent makes; when it is made again, it ends.
    async fn kill_server(&mut self) {
        self.server.take().unwrap().kill();
        self.set(&[SettingChange::set(ANALYZER.key, "builtin")]).await;
    }

    /// Moves the date to so many seconds from the machine's, and judges what becomes of the work that was there.
    pub(super) async fn moves_to(&mut self, offset: i64, way: Way) {
        let before = self.offset;
        let work = self.prepare(way).await;
        self.kill_runner(work.killed).await;
        if !way.is_live() {
            self.programs.drain(..).for_each(Process::wait);
            if way.kills() {
                self.kill_server().await;
            } else {
                assert_eq!(self.server.take().unwrap().terminate(), Some(0));
            }
        }
        // Whoever looks at the clock from here on sees the new date.
        set_date(&self.date, &format!("{offset:+}"));
        self.offset = offset;
        let moved = self.now();
        if way.is_live() {
            self.start_program().await;
            if way.kills() {
                self.kill_server().await;
                self.start_server();
            }
        } else {
            self.start().await;
        }
        let begun = Instant::now();
        let soon = self.now().plus(SOON);
        self.release(way).await;
        let once = format!("once_{}", self.moves);
        self.add_schedule(&once, Rule::once(self.now().plus(Duration::from_secs(1))).unwrap())
            .await;
        for id in work.begun.iter().chain(&work.waiting) {
            self.until("status", *id, |status| status == "completed").await;
        }
        self.until_schedules_are_right(&once).await;
        let took = begun.elapsed();
        self.slowest = self.slowest.max(took);
        self.moves += 1;
        println!("{way:?}, from {before:+} s to {offset:+} s: all ran after {took:?}");
        assert!(took < SOON, "{took:?}");
        for id in &work.waiting {
            let started = "SELECT started_at FROM jobs WHERE id = ?1";
            let started: i64 = self.conn.query_row(started, [id.0], |row| row.get(0)).unwrap();
            let is_right = (moved.millis()..soon.millis()).contains(&started);
            assert!(is_right, "not by the date from {moved} on: {}", self.told(*id));
        }
    }

    /// Lets the work go on.
    async fn release(&self, way: Way) {
        self.store.resume_queue(narrow(), Actor::cli(), self.now()).await.unwrap();
        match way {
            Way::Live => fs::write(self.go(), "").unwrap(),
            Way::LiveAndKilled | Way::KilledAndRestarted => {}
            Way::Restarted => {
                self.store.resume_queue(Queue::AGENT, Actor::cli(), self.now()).await.unwrap();
            }
        }
    }

    /// Waits until the next occurrence of each schedule is one that its rule explains, the quick one has made a job, and so
    /// has the one of a single time.
    async fn until_schedules_are_right(&self, once: &str) {
        const NEXT: &str = "SELECT next_at FROM job_schedules WHERE name = ?1";
        const MADE: &str = "
            SELECT count(DISTINCT s.name)
            FROM jobs j
            JOIN job_schedules s ON s.id = j.schedule_id
            WHERE s.name IN ('each_2_seconds', ?2) AND j.status = 'completed' AND abs(j.occurrence_at - ?1) < 10000";
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
            let made: i64 = self.conn.query_row(MADE, (now, once), |row| row.get(0)).unwrap();
            if wrong.is_empty() && made == 2 {
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
    fn told(&self, id: JobId) -> String {
        let sql = "SELECT concat_ws(' ', id, kind, status, 'epoch', epoch, 'attempt', attempt, 'interrupted', interrupted,
            'run_at', run_at, 'started_at', started_at,
            (SELECT group_concat(concat_ws(' ', cause, at), ', ') FROM job_events WHERE job_id = jobs.id)) FROM jobs WHERE id = ?1";
        self.conn.query_row(sql, [id.0], |row| row.get(0)).unwrap()
    }

    /// Each run has begun once, each job has ended once, and no schedule has made more jobs than there were occurrences.
    pub(super) fn judge(mut self) {
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
                    "ended twice: {}",
                    self.told(JobId(words[1].parse().unwrap()))
                ),
            }
        }
        let ran = fs::read_to_string(self.data.join("sessions")).unwrap();
        let mut sessions = HashSet::new();
        assert!(ran.lines().all(|id| sessions.insert(id)), "a session ran twice: {ran}");
        let count = |sql: &str| self.conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        let open = "SELECT count(*) FROM jobs WHERE finished_at IS NULL AND schedule_id IS NULL";
        assert_eq!(count(open), 0, "all that was prepared is over");
        let asked = count("SELECT count(*) FROM jobs WHERE kind = 'agent_session'");
        assert_eq!(usize::try_from(asked).unwrap(), sessions.len(), "each session ran");
        let made = "SELECT count(*) FROM jobs j JOIN job_schedules s ON s.id = j.schedule_id WHERE s.name = ?1";
        let made =
            |name: &str| self.conn.query_row(made, [name], |row| row.get::<_, i64>(0)).unwrap();
        let elapsed = i64::try_from(self.began.elapsed().as_secs()).unwrap();
        for (name, seconds) in SCHEDULES {
            // One at the first look, and one that was missed for each move.
            let most = elapsed / seconds + self.moves + 2;
            assert!((1..=most).contains(&made(name)), "{name} made {} of {most}", made(name));
        }
        for at in 0..self.moves {
            assert_eq!(made(&format!("once_{at}")), 1, "move {at}");
        }
        let scans = count("SELECT count(*) FROM self_monitoring_scans");
        let (moves, slowest, jobs) = (self.moves, self.slowest, ended.len());
        println!(
            "{moves} moves of the date, {jobs} jobs of programs, {scans} scans, {asked} sessions: all ran in {slowest:?} at most, none twice"
        );
    }
}
