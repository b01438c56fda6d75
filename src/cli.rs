//! The command line: one subcommand a file. stdout is the answer, stderr the rest.
//!
//! Commands work on the data directory directly, with or without a running server: any process may enqueue (P27).

mod approvals;
mod audit;
mod batches;
mod db;
mod door;
mod input;
mod issues;
mod jobs;
mod logs;
mod old_demo;
mod output;
mod prompts;
mod queues;
mod repos;
mod run_now;
mod scans;
mod schedules;
mod serve;
mod sessions;
mod settings;
mod supervise;
mod tokens;
mod torture;
mod users;

use crate::actions::Answer;
use crate::backup;
use crate::clock::Clock;
use crate::config;
use crate::environment;
use crate::error::{Code, Error, Result};
use crate::files;
use crate::model::Timestamp;
use crate::redact::redactor;
use crate::store::{JOBS_FILE, LOGS_FILE, LogStore, OpenMode, Store};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use rustix::fs::{Access, access};
use serde::Serialize;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    name = "lamplighter",
    version,
    about = "A durable job queue in one binary and one SQLite file."
)]
struct Arguments {
    /// Folder of the databases [default: `$LAMPLIGHTER_DATA_DIR`, else lamplighter in the user's data folder]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Print JSON instead of a table
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server: the engine and the admin pages
    Serve(serve::Arguments),
    /// Queue a self-monitoring scan and print its id
    RunNow(run_now::Arguments),
    /// List, queue, change, cancel and delete jobs
    #[command(subcommand)]
    Jobs(jobs::Command),
    /// List, show and cancel batches of jobs
    #[command(subcommand)]
    Batches(batches::Command),
    /// List, add, edit and pause schedules
    #[command(subcommand)]
    Schedules(schedules::Command),
    /// List, limit and pause queues
    #[command(subcommand)]
    Queues(queues::Command),
    /// Run agent sessions, follow them, and show what they did and cost
    #[command(subcommand)]
    Sessions(sessions::Command),
    /// Register repositories and have the agent describe them
    #[command(subcommand)]
    Repos(repos::Command),
    /// List scans, and show what they found
    #[command(subcommand)]
    Scans(scans::Command),
    /// List, show, close, reopen and mute issues
    #[command(subcommand)]
    Issues(issues::Command),
    /// List, approve and reject the texts that wait to go to the issue tracker
    #[command(subcommand)]
    Approvals(approvals::Command),
    /// List, follow and import log lines, and group the lines of a log
    #[command(subcommand)]
    Logs(logs::Command),
    /// List prompt files; show and change the prompt of scans
    #[command(subcommand)]
    Prompts(prompts::Command),
    /// List and change settings; a running server follows at once
    #[command(subcommand)]
    Settings(settings::Command),
    /// Copy the data directory, put a copy in its place, and look at every page
    #[command(subcommand)]
    Db(db::Command),
    /// Ask whether this queue may be trusted on this disk: kill it at work, and look at the disk
    Torture(torture::Arguments),
    /// Work, and be killed; a torture starts it
    #[command(hide = true)]
    TortureWork(torture::Work),
    /// List what people did
    #[command(subcommand)]
    Audit(audit::Command),
    /// Add, list, change and remove accounts, and end their logins
    #[command(subcommand)]
    Users(users::Command),
    /// Make, list, rotate and revoke the tokens that programs show instead of a password
    #[command(subcommand)]
    Tokens(tokens::Command),
    /// Own the processes of one run; the server starts it
    #[command(hide = true)]
    Supervise {
        /// What it is in a sandbox; read by the supervisor itself
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
}

/// What the commands share.
struct Cli {
    data_dir: Option<PathBuf>,
    json: bool,
    clock: Clock,
}

impl Cli {
    fn data_dir(&self, demo: bool) -> Result<PathBuf> {
        let data_dir = config::data_dir(self.data_dir.clone(), environment::variable, demo)?;
        if data_dir.metadata().is_ok_and(|folder| files::others_may_write(&folder)) {
            let doing = format!("use the data directory {}", data_dir.display());
            return Err(Error::new(Code::ConfigWritable, doing));
        }
        // A restore that was cut off goes on before anything is opened.
        backup::finish(&data_dir)?;
        Ok(data_dir)
    }

    /// The job database, created if need be: for commands that begin something, which the next server then runs.
    fn store(&self) -> Result<Store> {
        let path = self.data_dir(false)?.join(JOBS_DB);
        reach_or_make(&path)?;
        Store::open(&path, OpenMode::Current)
    }

    /// The job database, if there is one: for commands that look at it or change what is there.
    fn existing_store(&self) -> Result<Store> {
        let path = self.data_dir(false)?.join(JOBS_DB);
        // That it was lost says more than that it is not there.
        Store::refuse_lost(&path)?;
        reach(&path)?;
        Store::open(&path, OpenMode::Current)
    }

    /// The time of this command.
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Prints what an action answered: its value with `--json`, else its sentence; notes go to standard error.
    fn say<T: Serialize>(&self, answer: &Answer<T>) -> Result<()> {
        if self.json {
            return output::json(&answer.as_wire());
        }
        answer.notes.iter().for_each(|note| output::note(note));
        output::line(&answer.sentence)
    }

    /// Prints what an action answered that made a job: its value with `--json`, else the job's id alone, for scripts; notes
    /// go to standard error.
    fn say_id<T: Serialize>(&self, answer: &Answer<T>, id: impl Display) -> Result<()> {
        if self.json {
            return output::json(&answer.as_wire());
        }
        output::note(&answer.sentence);
        answer.notes.iter().for_each(|note| output::note(note));
        output::line(id)
    }

    fn log_store(&self) -> Result<LogStore> {
        // Rows of the log show that there is a job database, so that one is made first.
        drop(self.store()?);
        let path = self.data_dir(false)?.join(LOGS_DB);
        reach_or_make(&path)?;
        LogStore::open(&path, OpenMode::Current)
    }

    /// The log database, if there is one.
    fn existing_log_store(&self) -> Result<LogStore> {
        let path = self.data_dir(false)?.join(LOGS_DB);
        reach(&path)?;
        LogStore::open(&path, OpenMode::Current)
    }
}

/// Whether this user can read and write the file at `path`. Nothing is opened: to close a file of a database ends the locks
/// on it that this process has.
///
/// # Errors
/// `CONFIG-DIR-002` if there is none, `CONFIG-DIR-003` if the system's permissions refuse it, `CONFIG-DIR-004` if what should be
/// a folder on the way is a file, `STORE-IO-001` for anything else.
fn reach(path: &Path) -> Result<()> {
    allowed(path, Access::READ_OK | Access::WRITE_OK, path)
}

/// The same, or, if there is no file, whether this user can make it: in its folder, or in the nearest one above that is there.
///
/// # Errors
/// As [`reach`], but none if there is no file yet.
fn reach_or_make(path: &Path) -> Result<()> {
    let is_missing =
        |found: &Result<()>| found.as_ref().is_err_and(|e| e.code() == Code::ConfigNoData);
    let found = reach(path);
    if !is_missing(&found) {
        return found;
    }
    let folders = path.ancestors().skip(1);
    let folders = folders.map(|folder| {
        let is_here = folder.as_os_str().is_empty();
        if is_here { Path::new(".") } else { folder }
    });
    let mut looked =
        folders.map(|folder| allowed(folder, Access::WRITE_OK | Access::EXEC_OK, path));
    looked.find(|found| !is_missing(found)).unwrap_or(Ok(()))
}

/// Whether the system allows this at `place`, for opening the file at `path`.
fn allowed(place: &Path, what: Access, path: &Path) -> Result<()> {
    access(place, what).map_err(|errno| {
        let error = io::Error::from(errno);
        let codes = [
            (io::ErrorKind::NotFound, Code::ConfigNoData),
            (io::ErrorKind::PermissionDenied, Code::ConfigNoAccess),
            (io::ErrorKind::NotADirectory, Code::ConfigNoFolder),
        ];
        let known = codes.iter().find(|(kind, _)| *kind == error.kind());
        let code = known.map_or(Code::StoreIo, |(_, code)| *code);
        Error::new(code, format!("open {}", path.display())).because(error)
    })
}

/// The job database's name in the data directory.
const JOBS_DB: &str = JOBS_FILE;
/// The log database's.
const LOGS_DB: &str = LOGS_FILE;
/// How long threads that wait for something may hold up the end of the program.
const SHUT_DOWN: std::time::Duration = std::time::Duration::from_secs(1);

/// Runs the program and answers its exit code: 0 done, else that of the error's [`Class`](crate::error::Class).
pub fn main() -> ExitCode {
    if let Some(arguments) = door::called() {
        return door::main(arguments);
    }
    let Arguments { data_dir, json, command } = match arguments() {
        Ok(arguments) => arguments,
        Err(error) => return not_run(&error),
    };
    if let Command::Serve(_) = command
        && let Err(error) = environment::hide_secrets()
    {
        return failed(&error);
    }
    redactor().learn_environment(environment::variables());
    let cli = Cli { data_dir, json, clock: Clock::system() };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let done = match runtime {
        Ok(runtime) => {
            let done = runtime.block_on(run(cli, command));
            // A thread that waits for a lock of another program keeps nobody waiting.
            runtime.shutdown_timeout(SHUT_DOWN);
            done
        }
        Err(error) => Err(Error::new(Code::WebServe, "start the runtime").because(error)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

#[expect(clippy::print_stderr, reason = "this is the program's last word")]
fn failed(error: &Error) -> ExitCode {
    eprintln!("lamplighter: {}", redactor().text(&format!("{error:#}")));
    ExitCode::from(error.class().exit_code())
}

fn arguments() -> std::result::Result<Arguments, clap::Error> {
    let matches = with_numbers(Arguments::command()).try_get_matches()?;
    Arguments::from_arg_matches(&matches)
}

/// Every value may be a number below zero: what takes the value says what it thinks of it.
fn with_numbers(command: clap::Command) -> clap::Command {
    let number = |argument: clap::Arg| {
        let takes_values = argument.get_action().takes_values();
        if takes_values { argument.allow_negative_numbers(true) } else { argument }
    };
    command.mut_args(number).mut_subcommands(with_numbers)
}

/// Prints the help or the version that was asked for, or why the arguments name no command.
#[expect(clippy::print_stderr, reason = "this is the program's last word")]
fn not_run(asked: &clap::Error) -> ExitCode {
    let is_mistake = asked.use_stderr();
    let printed = asked.print().and_then(|()| io::stdout().flush());
    match printed {
        Err(error) if !is_mistake && error.kind() != io::ErrorKind::BrokenPipe => {
            let error = Error::new(Code::CliOutput, "write to standard output").because(error);
            eprintln!("lamplighter: {error:#}");
            ExitCode::from(error.class().exit_code())
        }
        Ok(()) | Err(_) => ExitCode::from(u8::try_from(asked.exit_code()).unwrap_or(1)),
    }
}

async fn run(cli: Cli, command: Command) -> Result<()> {
    match command {
        Command::Serve(arguments) => serve::run(&cli, arguments).await,
        Command::RunNow(arguments) => run_now::run(&cli, &arguments).await,
        Command::Jobs(command) => jobs::run(&cli, command).await,
        Command::Batches(command) => batches::run(&cli, command).await,
        Command::Schedules(command) => schedules::run(&cli, command).await,
        Command::Queues(command) => queues::run(&cli, command).await,
        Command::Sessions(command) => sessions::run(&cli, command).await,
        Command::Repos(command) => repos::run(&cli, command).await,
        Command::Scans(command) => scans::run(&cli, command).await,
        Command::Issues(command) => issues::run(&cli, command).await,
        Command::Approvals(command) => approvals::run(&cli, command).await,
        Command::Logs(command) => logs::run(&cli, command).await,
        Command::Prompts(command) => prompts::run(&cli, command).await,
        Command::Settings(command) => settings::run(&cli, command).await,
        Command::Db(command) => db::run(&cli, command).await,
        Command::Audit(command) => audit::run(&cli, command).await,
        Command::Users(command) => users::run(&cli, command).await,
        Command::Tokens(command) => tokens::run(&cli, command).await,
        Command::Torture(arguments) => torture::run(&cli, &arguments).await,
        Command::TortureWork(work) => torture::work(&cli, &work).await,
        Command::Supervise { words: _ } => supervise::run().await,
    }
}
