//! An installation with a server, a program that embeds the engine, agents and a tracker, of which there may be copies.

use super::{Process, STUCK, at_work, jobs, kind, pause, until_workers};
use crate::support::github::{FakeGitHub, REPOSITORY, TOKEN};
use crate::support::server::Server;
use crate::support::{foreign, in_time, now, open, run_now, until, until_none};
use lamplighter::actions::Call;
use lamplighter::actions::queues::{QueueLimit, limit};
use lamplighter::actions::settings::{SettingChange, change};
use lamplighter::clock::Clock;
use lamplighter::model::{
    Actor, JobId, Level, NewLogRow, NewSchedule, Overlap, Plan, Rule, ScheduleName, SessionRequest,
    Status,
};
use lamplighter::sessions::{self, Asked};
use lamplighter::store::{LogStore, OpenMode, Store};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Jobs that a program gets at a time.
const JOBS: usize = 60;
/// How long after the load begins a backup is made, and a kill comes, at most.
const LONGEST: u64 = 700;
/// Problems that come at a time, of which a scan tells the tracker.
const PROBLEMS: usize = 2;

/// What all installations have to do with: the tracker, the files beside them, and what has happened so far.
pub struct World {
    pub folder: PathBuf,
    fake: FakeGitHub,
    random: u64,
    /// Installations that were started so far.
    started: usize,
    pub problems: usize,
    jobs: usize,
    sessions: usize,
}

impl World {
    pub fn new(folder: &Path) -> Self {
        let fake = FakeGitHub::start(Clock::system(), std::sync::Arc::default());
        let token = folder.join("token");
        fs::write(&token, TOKEN).unwrap();
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
        let folder = folder.to_owned();
        Self { folder, fake, random: 20_261_128, started: 0, problems: 0, jobs: 0, sessions: 0 }
    }

    /// The configuration of the original, which a backup has too.
    fn configuration(&self) -> String {
        format!(
            "[agent]\nsandbox = \"none\"\n[tracker]\nkind = \"github\"\nrepository = \"{REPOSITORY}\"\n\
             api_url = \"{}\"\ntoken_file = '{}'\n",
            self.fake.url(),
            self.folder.join("token").display()
        )
    }

    /// A length up to the longest.
    pub fn moment(&mut self) -> Duration {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        Duration::from_millis((self.random >> 33) % LONGEST)
    }

    /// An agent program whose runs are told apart from those of any other installation. Its prompt is a number; one with the
    /// name of a file waits until that file is there.
    fn agent(&mut self) -> (PathBuf, PathBuf) {
        self.started += 1;
        let path = self.folder.join(format!("agent-{}", self.started));
        let ledger = path.with_extension("ledger");
        let id = "67cf1229-f18b-4200-b873-0881f221331e";
        let script = format!(
            r#"#!/bin/sh
if [ "$1" = --version ]; then echo "2.1.329 (Claude Code)"; exit; fi
echo '{{"type":"system","subtype":"init","session_id":"{id}","model":"stub-1","tools":[],"claude_code_version":"2.1.329"}}'
read number file
echo "$number $$" >> '{ledger}'
while [ "$file" ] && [ ! -e "$file" ]; do sleep 0.05; done
echo '{{"type":"result","subtype":"success","is_error":false,"num_turns":1,"duration_ms":1,"total_cost_usd":0,"result":"done","session_id":"{id}","usage":{{"input_tokens":1,"output_tokens":1}}}}'
"#,
            ledger = ledger.display()
        );
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        (path, ledger)
    }

    fn code(problem: usize) -> String {
        format!("SHOP-CART-{problem:03}")
    }

    /// The titles of the issues that were filed.
    pub fn titles(&self) -> Vec<String> {
        let asked = self.fake.exchanges().into_iter().filter(|asked| {
            (asked.method.as_str(), asked.path) == ("POST", "/repos/{owner}/{repo}/issues")
        });
        asked.map(|asked| asked.request.unwrap()["title"].as_str().unwrap().to_owned()).collect()
    }

    /// No problem has two issues, and each one that was looked for has one.
    pub fn check_issues(&self) {
        let titles = self.titles();
        for problem in 0..self.problems {
            let code = Self::code(problem);
            let filed = titles.iter().filter(|title| title.contains(&code)).count();
            assert_eq!(filed, 1, "issues with {code}: {titles:#?}");
        }
    }
}

/// A data directory and what works on it.
pub struct Installation {
    pub data: PathBuf,
    /// Where its agents say that they ran.
    pub agents: PathBuf,
    pub store: Store,
    logs: LogStore,
    server: Option<Server>,
    program: Option<Process>,
    watching: tokio::task::JoinHandle<()>,
}

impl Installation {
    pub async fn start(world: &mut World, data: &Path) -> Self {
        let (agent, agents) = world.agent();
        let path = std::env::var("PATH").unwrap();
        let environment =
            [("PATH", path.as_str()), ("LAMPLIGHTER_AGENT_COMMAND", agent.to_str().unwrap())];
        let server = Server::start_in(data, &environment);
        let store = open(data);
        let logs = LogStore::open(&data.join("logs.db"), OpenMode::Current).unwrap();
        let heard = store.clone();
        let watching = tokio::spawn(async move { drop(heard.watch_foreign_commits().await) });
        let program = Process::start(data, 0);
        until_workers(&store, |workers| at_work(workers, program.pid())).await;
        let data = data.to_owned();
        Self { data, agents, store, logs, server: Some(server), program: Some(program), watching }
    }

    /// The original, whose settings and schedule each copy has too.
    pub async fn first(world: &mut World) -> Self {
        let data = world.folder.join("data");
        fs::create_dir(&data).unwrap();
        fs::write(data.join("lamplighter.toml"), world.configuration()).unwrap();
        let first = Self::start(world, &data).await;
        first.prepare().await;
        first
    }

    async fn prepare(&self) {
        let changes = [
            ("self_monitoring.analyzer", "builtin"),
            ("tracker.approval", "never"),
            ("tracker.issues_per_day", "1000"),
            ("agent.budget_day_usd", "0"),
        ];
        let changes = changes.map(|(key, value)| SettingChange::set(key, value));
        let call = Call::by_owner(now());
        change(&self.store, &call, &changes).await.unwrap();
        let queue = QueueLimit { queue: "agent".to_owned(), limit: Some(3) };
        limit(&self.store, &call, queue).await.unwrap();
        let rule = Rule::cron("* * * * * *", "UTC").unwrap();
        let plan =
            Plan { payload: 0.into(), overlap: Overlap::QueueAll, ..Plan::new(rule, kind("free")) };
        let new = NewSchedule { name: ScheduleName::parse("each_second").unwrap(), plan };
        self.store.create_schedule(new, Actor::cli(), now()).await.unwrap();
    }

    async fn session(&self, prompt: String) -> JobId {
        let (request, asked) = (SessionRequest::of(prompt), Asked::by(Actor::cli()));
        sessions::request(&self.store, request, asked, now()).await.unwrap()
    }

    /// Jobs of every kind, and sessions.
    pub async fn load(&self, world: &mut World) {
        for _ in 0..3 {
            self.store.enqueue_all(jobs(world.jobs, JOBS / 3), now()).await.unwrap();
            world.jobs += JOBS / 3;
            world.sessions += 1;
            self.session(world.sessions.to_string()).await;
        }
    }

    /// Has new problems, and asks for a scan.
    pub async fn has_problems(&self, world: &mut World) {
        world.problems += PROBLEMS;
        self.scan(world).await;
    }

    /// Logs the newest problems, as a program that still has them does, and asks for a scan.
    pub async fn scan(&self, world: &World) {
        let newest = world.problems.saturating_sub(2 * PROBLEMS)..world.problems;
        let text = |problem| format!("[{}] cart {problem} is lost", World::code(problem));
        let row = |problem| NewLogRow::new(now().to_string(), Level::Error, "shop", text(problem));
        self.logs.append(newest.map(row).collect()).await.unwrap();
        run_now(&self.store).await;
    }

    /// Starts an agent that goes on until a file is there; answers its session and its process.
    pub async fn hold(&self, world: &mut World) -> (JobId, PathBuf, u32) {
        world.sessions += 1;
        let file = world.folder.join(format!("go-on-{}", world.sessions));
        let id = self.session(format!("{} {}", world.sessions, file.display())).await;
        until(&self.store, id, |job| job.status == Status::Running).await;
        let (begun, wanted) = (Instant::now(), format!("{} ", world.sessions));
        loop {
            let ledger = fs::read_to_string(&self.agents).unwrap_or_default();
            if let Some(pid) = ledger.lines().find_map(|line| line.strip_prefix(&wanted)) {
                return (id, file, pid.parse().unwrap());
            }
            assert!(begun.elapsed() < STUCK, "the agent does not begin");
            pause(Duration::from_millis(20)).await;
        }
    }

    /// Waits until all that is there now is over.
    pub async fn until_over(&self) {
        let conn = foreign(&self.data);
        let last: i64 = conn.query_row("SELECT max(id) FROM jobs", [], |row| row.get(0)).unwrap();
        for what in [format!("id <= {last}"), "kind = 'file_findings'".to_owned()] {
            let sql = format!("SELECT count(*) FROM jobs WHERE finished_at IS NULL AND {what}");
            until_none(&self.store, &conn, &sql).await;
        }
    }

    /// Ends everything; the files are at rest then.
    pub async fn leave(mut self, is_killed: bool) -> PathBuf {
        let (server, program) = (self.server.take().unwrap(), self.program.take().unwrap());
        if is_killed {
            server.kill();
            drop(program);
        } else {
            program.wait();
            assert_eq!(server.terminate(), Some(0));
        }
        self.watching.abort();
        drop(in_time(self.watching).await);
        self.data
    }

    pub fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    pub fn program(&self) -> &Process {
        self.program.as_ref().unwrap()
    }
}
