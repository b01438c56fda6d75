//! `lamplighter serve`: the engine, the scans and the admin pages in one process.

mod greeting;
mod scanned;

use super::{Cli, JOBS_DB, LOGS_DB, old_demo};
use crate::agents::wall::Wall;
use crate::agents::{AgentUser, Launcher};
use crate::bulk;
use crate::clock::Clock;
use crate::config::{
    self, Config, LogFormat, SandboxChoice, TrackerKind, configuration, configuration_file,
};
use crate::demo;
use crate::engine::Engine;
use crate::environment;
use crate::error::{Code, Error, Result};
use crate::logs::{LogFiles, LogWriter, log_layer, redacted};
use crate::model::{Kind, LogSource, Timestamp};
use crate::monitor::intake::{Intake, Journal};
use crate::monitor::{self, Telling, Tracking};
use crate::repositories;
use crate::sessions::{self, AgentProgram, AgentState, Agents, Sandboxed};
use crate::store::{LogStore, OpenMode, ScannedLog, Store};
use crate::tracker::TokenSource;
use crate::warn_coded;
use crate::web::{self, Web};
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

/// How long running jobs may go on after SIGTERM (P22).
const GRACE: Duration = Duration::from_secs(30);
/// How long a stop may take in all, whatever other programs hold: what is not saved by then is settled by the next start.
const STOP_WITHIN: Duration = Duration::from_secs(43);
/// How long the services have when the server ends by an error.
const END_WITHIN: Duration = Duration::from_secs(5);
/// The demo's logs end now and begin this much earlier.
const DAY: Duration = Duration::from_hours(24);

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Address and port to listen on [default: 127.0.0.1:8745]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Configuration file [default: lamplighter.toml in the data directory, if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Serve a demo: a separate data directory with a week of a made-up shop's jobs and two days of its logs
    #[arg(long)]
    demo: bool,
}

pub(super) async fn run(cli: &Cli, arguments: Arguments) -> Result<()> {
    let clock = Clock::system();
    let data_dir = cli.data_dir(arguments.demo)?;
    let named = arguments.config.as_deref();
    let config = configuration(&data_dir, named, environment::variable, arguments.listen)?;
    let (store, logs) = open(&data_dir, arguments.demo, clock.now())?;
    let created = greeting::first_admin(&store, &clock).await?;
    refuse_exposure(&config, &store).await?;
    if arguments.demo {
        live(&store, &logs, clock.now()).await?;
    }
    let listener = TcpListener::bind(config.listen).await.map_err(|error| {
        Error::new(Code::WebServe, format!("listen on {}", config.listen)).because(error)
    })?;
    let file = configuration_file(&data_dir, arguments.config.as_deref());
    store.say(|facts| {
        facts.config = file.as_ref().map(|path| path.display().to_string());
        facts.listen = Some(config.listen.to_string());
    });
    let writer = start_logging(&config, logs.clone(), clock.clone());
    let agents = agents((&config, file), &store, &data_dir, &clock)?;
    if agents.sandbox == Sandboxed::Never {
        let code = Code::AgentUnboxed;
        warn_coded!(code, "{}: {} {}", code.title(), code.cause(), code.remedy());
    }
    let tracking = tracking(&config.tracker, &clock);
    let telling = telling(&agents, &logs, &tracking, arguments.demo);
    // It is said before anybody can ask for a scan.
    telling.tracker();
    let scanned = scanned::open(config.scanned_log, &data_dir, &store).await?;
    let log = scanned.as_ref().map_or_else(|| ScannedLog::from(&logs), ScannedLog::from);
    let engine = start_engine(&agents, log, &tracking, &clock, arguments.demo)?;
    // From here on a signal finds a server that ends in order.
    let signals = StopSignals::listen()?;
    let user = agents.launcher.user();
    greeting::say(&listener, &data_dir, &store, &clock, (created, user)).await?;
    tracing::info!("serving the pages on {}", config.listen);
    let mut intake = follow(&config.log_sources, &data_dir, &logs, &clock, &engine.leading());
    intake.prune(store.clone(), logs.clone(), &clock, &engine.leading());
    intake.inspect(&logs, &clock, &engine.leading());
    intake.file(store.clone(), tracking.clone(), &clock, &engine.leading());
    intake.tell(telling, &clock);
    let stop = CancellationToken::new();
    let options = web::Options {
        allowed_hosts: config.allowed_hosts,
        trusted_proxies: config.trusted_proxies,
        ..web::Options::default()
    };
    let pages = Web {
        store,
        clock: clock.clone(),
        options,
        leading: Some(engine.leading()),
        program: Some(web::Program {
            logs: logs.clone(),
            scanned,
            agents: Some(agents.clone()),
            tracking,
            demo: arguments.demo,
            log_sources: config.log_sources,
        }),
    };
    let met = meet_program(&agents, &clock, arguments.demo);
    let services = async {
        intake.stop().await;
        writer.stop().await;
    };
    let serving = Box::pin(beside(met, web::serve(listener, pages, stop.clone())));
    Box::pin(attend(engine, serving, services, &logs, (signals, stop))).await
}

/// Serves until the server is to end, and ends it: the engine first, then the services.
async fn attend(
    mut engine: Engine,
    serving: impl Future<Output = Result<()>>,
    services: impl Future<Output = ()>,
    logs: &LogStore,
    (mut signals, stop): (StopSignals, CancellationToken),
) -> Result<()> {
    let mut served = pin!(serving);
    let (ended, limit) = tokio::select! {
        ended = served.as_mut() => {
            engine.stop(GRACE).await;
            (ended, END_WITHIN)
        }
        error = engine.ended() => (Err(error), END_WITHIN),
        // Log lines that are saved nowhere would hide what happens from now on.
        error = logs.trust_lost() => {
            engine.stop(Duration::ZERO).await;
            (Err(error), END_WITHIN)
        }
        () = signals.next() => {
            tracing::info!("the server stops: no new job is started, and running jobs have 30 seconds");
            stop.cancel();
            let stopped = async {
                let ended = tokio::join!(served, engine.stop(GRACE)).0;
                services.await;
                ended
            };
            return end_within(STOP_WITHIN, stopped, 0, &mut signals).await;
        }
    };
    let code = ended.as_ref().map_or_else(|error| error.class().exit_code(), |()| 0);
    let ending = async {
        services.await;
        ended
    };
    end_within(limit, ending, code, &mut signals).await
}

/// Waits for an orderly end, for so long and until a person asks again. Then the process ends at once, with what it was
/// doing: a thread that waits for another program's lock would keep it for as long as the lock is held. The next start
/// settles the jobs that run now.
async fn end_within(
    limit: Duration,
    ending: impl Future<Output = Result<()>>,
    code: u8,
    signals: &mut StopSignals,
) -> Result<()> {
    let why = tokio::select! {
        ended = ending => return ended,
        () = signals.next() => "it was asked to stop a second time",
        () = tokio::time::sleep(limit) => "another program holds a database, or a handler does not end",
    };
    end_at_once(why, code)
}

#[expect(clippy::exit, reason = "a thread that waits for a foreign lock must not keep the process")]
fn end_at_once(why: &str, code: u8) -> ! {
    tracing::info!("the server ends at once: {why}; the next start settles what ran");
    std::process::exit(code.into())
}

fn open(data_dir: &Path, is_demo: bool, now: Timestamp) -> Result<(Store, LogStore)> {
    let both = || {
        let store = Store::open(&data_dir.join(JOBS_DB), OpenMode::Migrate)?;
        Ok((store, LogStore::open(&data_dir.join(LOGS_DB), OpenMode::Migrate)?))
    };
    match both() {
        Err(refusal) if is_demo => {
            old_demo::set_aside(data_dir, refusal, now)?;
            both()
        }
        opened => opened,
    }
}

fn agents(
    (config, file): (&Config, Option<PathBuf>),
    store: &Store,
    data_dir: &Path,
    clock: &Clock,
) -> Result<Agents> {
    let user = agent_user(config.agent.uid, data_dir)?;
    let launcher = Arc::new(Launcher::new().with_user(user));
    let env = environment::variable;
    Ok(Agents {
        store: store.clone(),
        program: AgentProgram::new(&config.agent.command, Arc::clone(&launcher), clock.clone()),
        launcher,
        door: std::env::current_exe().unwrap_or_default(),
        data_dir: std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned()),
        pass_env: config.agent.pass_env.clone(),
        resources: config.agent.resources,
        sandbox: match config.agent.sandbox {
            SandboxChoice::Bwrap => Sandboxed::Always,
            SandboxChoice::None => Sandboxed::Never,
        },
        wall: Wall::of_environment(env, config.agent.allow_hosts.clone())?,
        secrets: config.tracker.token_file.iter().cloned().collect(),
        config: file,
        working_dir: config.agent.working_dir.clone(),
        folders: config.agent.folders.clone(),
    })
}

/// As whom agents run, if this server is root's and there is another user for them.
///
/// # Errors
/// `CONFIG-VALUE-001` for an id that cannot be used: only root can start programs as others, and the user of the data
/// directory would own it.
fn agent_user(uid: Option<u32>, data_dir: &Path) -> Result<Option<AgentUser>> {
    use std::os::unix::fs::MetadataExt as _;
    let refused = |why: &str| Error::new(Code::ConfigInvalid, format!("use agent.uid: {why}"));
    if !environment::is_root() {
        let why = "only a server of root runs agents as another user";
        return if uid.is_some() { Err(refused(why)) } else { Ok(None) };
    }
    let user = AgentUser::find(uid).map_err(|error| refused(&error.to_string()))?;
    if let Some(user) = &user
        && data_dir.metadata().is_ok_and(|folder| folder.uid() == user.uid)
    {
        let why = format!("the data directory belongs to {user}; give it to root");
        return Err(refused(&why));
    }
    Ok(user)
}

/// The issue tracker of the configuration.
fn tracking(tracker: &config::Tracker, clock: &Clock) -> Tracking {
    let config::Tracker { kind, repository, api_url, token_file } = tracker.clone();
    match kind {
        TrackerKind::Local => Tracking::Local,
        TrackerKind::Remote(kind) => {
            let token = TokenSource {
                variable: kind.token_variable(),
                env: environment::variable,
                file: token_file,
            };
            let folder = std::env::current_dir().unwrap_or_default();
            Tracking::remote_of(kind, api_url, repository, token, folder, clock.clone())
        }
    }
}

fn start_engine(
    agents: &Agents,
    logs: ScannedLog,
    tracking: &Tracking,
    clock: &Clock,
    is_demo: bool,
) -> Result<Engine> {
    let builder = Engine::builder(agents.store.clone(), clock.clone());
    // The demo shows the built-in analyzer, and costs nothing.
    let scanning = Some(agents).filter(|_| !is_demo);
    let builder = monitor::register(builder, &agents.store, logs, scanning, tracking);
    let (left, now) = (agents.clone(), clock.clone());
    let builder = bulk::register(builder, &agents.store);
    let builder = repositories::register(builder, agents);
    let builder = sessions::register(builder, agents);
    let builder = if is_demo { demo::register(builder, &agents.store)? } else { builder };
    builder
        .of_the_server()
        .before_rescue([Kind::AGENT_SESSION, Kind::SELF_MONITORING, Kind::GOLDEN_REPO], move || {
            let (agents, clock) = (left.clone(), now.clone());
            async move { sessions::clear_leftovers(&agents, &clock).await }
        })
        .start()
}

/// What this server looks at to say what it can do.
fn telling(agents: &Agents, logs: &LogStore, tracking: &Tracking, is_demo: bool) -> Telling {
    Telling {
        store: agents.store.clone(),
        logs: logs.clone(),
        tracking: tracking.clone(),
        agents: agents.clone(),
        scans: !is_demo,
        scripted: is_demo.then(demo::agent_facts),
    }
}

/// Says which agent program is there, and asks for what waited for one. Without it everything else runs.
async fn meet_program(agents: &Agents, clock: &Clock, is_demo: bool) {
    if is_demo {
        tracing::info!("sessions are run by the demo's scripted agent, which starts no program");
        return;
    }
    match agents.program.state().await {
        AgentState::Ready { path, version } => {
            tracing::info!("the agent program is {} {version}", path.display());
            if let Some(reason) = agents.unboxed().await {
                let code = Code::AgentBox;
                warn_coded!(
                    code,
                    "no agent runs except by profile full: {reason}. {}",
                    code.remedy()
                );
            }
        }
        AgentState::Missing { reason } => tracing::info!("sessions of agents cannot run: {reason}"),
    }
    for missing in sessions::missing_gifts(agents) {
        let code = Code::AgentGiven;
        warn_coded!(code, "{missing} Sessions there are refused. {}", code.remedy());
    }
    if let Err(error) = repositories::complete(agents, clock.now()).await {
        warn_coded!(error.code(), "ask for descriptions of repositories: {error}");
    }
}

/// Serves, and meanwhile does something else that may take its time.
async fn beside<T>(other: impl Future<Output = ()>, serving: impl Future<Output = T>) -> T {
    let mut serving = pin!(serving);
    tokio::select! {
        ended = serving.as_mut() => ended,
        () = other => serving.await,
    }
}

/// We speak no TLS: off the loopback a proxy must, and somebody must be able to sign in.
async fn refuse_exposure(config: &Config, store: &Store) -> Result<()> {
    if config.listen.ip().is_loopback() {
        return Ok(());
    }
    if config.trusted_proxies.is_empty() || !store.has_admin().await? {
        return Err(Error::new(Code::ConfigExposed, format!("listen on {}", config.listen)));
    }
    Ok(())
}

/// Gives a demo its past: two days of logs at the first start, of which a scan has read the first, and what the shop has done since the last one.
async fn live(store: &Store, logs: &LogStore, now: Timestamp) -> Result<()> {
    if logs.last_id().await? == 0 {
        logs.append(demo::log(now.minus(DAY).hour())).await?;
        logs.append(monitor::demo::day(now.minus(DAY))).await?;
    }
    demo::live(store, logs, now).await
}

/// Starts following the logs of the configuration.
fn follow(
    sources: &[LogSource],
    data_dir: &Path,
    logs: &LogStore,
    clock: &Clock,
    leading: &watch::Receiver<bool>,
) -> Intake {
    let (mut files, mut journals) = (Vec::new(), Vec::new());
    for source in sources.iter().cloned() {
        match source {
            LogSource::File { path, source, rules } => {
                let log = LogFiles::new(path, source, logs.clone()).with_rules(rules);
                files.push(log.beside_runs_of(data_dir));
            }
            LogSource::Journal { unit, source } => {
                let path = std::env::var("PATH").unwrap_or_default();
                journals.push(Journal::new(unit, source, logs.clone(), Launcher::new(), path));
            }
        }
    }
    let mut intake = Intake::start(files, clock, leading);
    for journal in journals {
        intake.follow(journal, clock, leading);
    }
    intake
}

fn start_logging(config: &Config, logs: LogStore, clock: Clock) -> LogWriter {
    let (layer, writer) = log_layer(logs, clock);
    let default = if std::io::stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json };
    let stderr = tracing_subscriber::fmt::layer().with_writer(redacted(std::io::stderr));
    let stderr = match config.log_format.unwrap_or(default) {
        LogFormat::Text => stderr.boxed(),
        LogFormat::Json => stderr.json().boxed(),
    };
    let level = LevelFilter::from_level(config.log_level);
    tracing_subscriber::registry().with(stderr).with(layer).with(level).init();
    writer
}

/// The signals that ask the server to stop. None is missed from the moment on in which it listens.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn listen() -> Result<Self> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Error::new(Code::WebServe, "listen for signals").because(error))
        };
        let terminate = listen(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Returns when the next one comes. Cancel safe.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
