//! The pages and an engine in the test's own process, whose scans wait until the test lets them go on and whose sessions
//! the test runs itself.

use super::server::{Browser, PASSWORD};
use super::{in_time, now};
use lamplighter::Engine;
use lamplighter::actions::people::Password;
use lamplighter::agents::Launcher;
use lamplighter::agents::wall::Wall;
use lamplighter::clock::Clock;
use lamplighter::engine::Context;
use lamplighter::model::{
    Actor, Kind, KindRules, LogRules, LogSource, OnInterrupt, Outcome, Queue,
};
use lamplighter::monitor::{self, Tracking};
use lamplighter::sessions::{AgentProgram, Agents, Sandboxed};
use lamplighter::store::{LogStore, OpenMode, Store};
use lamplighter::web::{self, Options, Program, Web};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What stands for the agent program: it tells a version that is accepted.
const AGENT: &str = "#!/bin/sh\necho '2.1.329 (Claude Code)'\n";

/// A session that was claimed, and where its outcome goes.
pub type Claimed = (Context, oneshot::Sender<Outcome>);

/// The pages and an engine whose scans wait for a permit each.
pub struct Site {
    pub url: String,
    pub gate: Arc<Semaphore>,
    /// The sessions that the engine claims.
    pub sessions: mpsc::UnboundedReceiver<Claimed>,
    engine: Engine,
    pages: JoinSet<()>,
    stop: CancellationToken,
}

impl Site {
    /// Starts both on the store of a folder, with an admin.
    pub async fn start(folder: &Path, store: &Store) -> Self {
        Self::start_with(folder, store, Options::default()).await
    }

    /// The same with options of the caller's.
    pub async fn start_with(folder: &Path, store: &Store, options: Options) -> Self {
        let hash = Password::read(PASSWORD, None).unwrap().hash().unwrap();
        store.create_first_admin(hash, Actor::cli(), now()).await.unwrap();
        let gate = Arc::new(Semaphore::new(0));
        let permits = Arc::clone(&gate);
        let (claimed, sessions) = mpsc::unbounded_channel::<Claimed>();
        let session = KindRules {
            queue: Queue::AGENT,
            max_attempts: 1,
            on_interrupt: OnInterrupt::Fail,
            metered: true,
            ..KindRules::new(Kind::AGENT_SESSION)
        };
        let engine = Engine::builder(store.clone(), Clock::system())
            .queue(Queue::AGENT, 1)
            .kind(monitor::rules(), move |_| {
                let permits = Arc::clone(&permits);
                async move {
                    permits.acquire().await.unwrap().forget();
                    Outcome::Done(true.into())
                }
            })
            .kind(session, move |context| {
                let (sender, outcome) = oneshot::channel();
                // A test that has no more use for its sessions leaves them running.
                drop(claimed.send((context, sender)));
                async move {
                    match outcome.await {
                        Ok(outcome) => outcome,
                        Err(_) => std::future::pending().await,
                    }
                }
            })
            .start()
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let pages = Web {
            store: store.clone(),
            clock: Clock::system(),
            options,
            leading: Some(engine.leading()),
            program: Some(Program {
                logs: LogStore::open(&folder.join("logs.db"), OpenMode::Migrate).unwrap(),
                scanned: None,
                agents: Some(agents(folder, store)),
                tracking: Tracking::Local,
                demo: false,
                log_sources: vec![
                    LogSource::File {
                        path: folder.join("shop.log"),
                        source: None,
                        rules: LogRules::new(Some("Europe/Berlin"), Some(r"^\d{4}-\d\d-\d\d "))
                            .unwrap(),
                    },
                    LogSource::File {
                        path: folder.join("lamplighter.db"),
                        source: None,
                        rules: LogRules::default(),
                    },
                    LogSource::Journal { unit: Some("nginx.service".into()), source: None },
                ],
            }),
        };
        let mut tasks = JoinSet::new();
        let stopped = stop.clone();
        tasks.spawn(async move { web::serve(listener, pages, stopped).await.unwrap() });
        Self { url, gate, sessions, engine, pages: tasks, stop }
    }

    /// A program's browser in which `admin` is signed in.
    pub async fn signed_in(&self) -> Browser {
        let url = self.url.clone();
        tokio::task::spawn_blocking(move || Browser::signed_in(&url)).await.unwrap()
    }

    pub async fn stop(mut self) {
        self.stop.cancel();
        in_time(self.pages.join_next()).await;
        self.engine.stop(Duration::ZERO).await;
    }
}

fn agents(folder: &Path, store: &Store) -> Agents {
    let program = folder.join("claude");
    std::fs::write(&program, AGENT).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let launcher = Arc::new(Launcher::with_program(env!("CARGO_BIN_EXE_lamplighter")));
    let program = program.to_string_lossy().into_owned();
    Agents {
        door: env!("CARGO_BIN_EXE_lamplighter").into(),
        store: store.clone(),
        program: AgentProgram::new(program, Arc::clone(&launcher), Clock::system()),
        launcher,
        data_dir: folder.to_owned(),
        pass_env: Vec::new(),
        resources: lamplighter::model::Resources::default(),
        wall: Wall::default(),
        sandbox: Sandboxed::Always,
        secrets: Vec::new(),
        config: None,
        working_dir: None,
        folders: Vec::new(),
    }
}
