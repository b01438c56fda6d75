//! Starts runs, inside a sandbox where it is wanted and the machine offers one.

use super::command::find_program;
use super::run::{self, Run};
use super::wire::Order;
use super::words::in_folder;
use super::{
    AgentUser, ENTER, Exit, Isolation, Limits, MAX_STDIN, Marker, Sandbox, Spec, Trace, sandbox,
};
use crate::error::{Code, Error, Result};
use crate::files::FileStamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// The default time from the first signal to KILL; agent programs tell what they have cost and save their session in it.
/// It is a second shorter than the time that
/// a cancelled handler has, so that the job settles after the tree is gone.
pub const GRACE: Duration = Duration::from_secs(9);
/// How long the sandbox may take to show that it works; it takes some ten milliseconds.
const PROBE: Duration = Duration::from_secs(10);
/// How long the finding holds that the sandbox cannot be used; then it is tried again.
const BELIEVED: Duration = Duration::from_secs(30);
/// The highest number that a process gets in a namespace of its own which holds two or three.
const MAX_PROBE_PID: u32 = 9;

/// How runs are started here.
#[derive(Debug)]
pub struct Launcher {
    program: PathBuf,
    /// The file of the program, which is mounted into sandboxes, or why there is none. Where a newer version has taken its
    /// place, that one is.
    own: Result<PathBuf, String>,
    grace: Duration,
    bwrap: Option<PathBuf>,
    user: Option<AgentUser>,
    sandboxing: Mutex<Option<Tried>>,
}

/// Whether the machine offers the sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sandboxing {
    /// It was tried, and works.
    Usable {
        /// The program.
        bwrap: PathBuf,
    },
    /// It cannot be used.
    Unusable {
        /// Why not, for people.
        reason: String,
    },
}

/// What a try of the sandbox has found, when, and of which file.
#[derive(Debug)]
struct Tried {
    found: Sandboxing,
    at: Instant,
    file: Option<FileStamp>,
}

impl Launcher {
    /// Starts supervisors from this program's own file, even if that was replaced meanwhile by a newer version.
    ///
    /// Right for `lamplighter` itself; a program that embeds the library names one by [`Launcher::with_program`].
    pub fn new() -> Self {
        Self::with_program("/proc/self/exe")
    }

    /// Starts supervisors as `program supervise`; it has to call [`supervise`](super::supervise()) then, whatever words follow:
    /// with more of them it is called inside sandboxes.
    pub fn with_program(program: impl Into<PathBuf>) -> Self {
        let (program, sandboxing) = (program.into(), Mutex::default());
        // Nothing stands in for it: inside a sandbox `/proc/self/exe` would be bwrap's.
        let own = program.canonicalize().map_err(|error| {
            format!("the file of the program {} cannot be found: {error}", program.display())
        });
        Self { program, own, grace: GRACE, bwrap: None, user: None, sandboxing }
    }

    /// The same with another time from the first signal to KILL. Default [`GRACE`].
    #[must_use]
    pub fn with_grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// The same with `bwrap` in this place. Default: where this process's `PATH` has it.
    #[must_use]
    pub fn with_bwrap(self, bwrap: impl Into<PathBuf>) -> Self {
        Self { bwrap: Some(bwrap.into()), ..self }
    }

    /// The same with programs that run as this user. Default: as the server's. Only root can start programs as others.
    #[must_use]
    pub fn with_user(self, user: Option<AgentUser>) -> Self {
        Self { user, ..self }
    }

    /// As whom programs run, if not as the server's user.
    pub fn user(&self) -> Option<&AgentUser> {
        self.user.as_ref()
    }

    /// Whether the sandbox can be used: tried by running something in it, and again when the file of bwrap is another one, when a
    /// run in it could not be begun, and after a while if it cannot be used.
    pub async fn sandboxing(&self) -> Sandboxing {
        let mut known = self.sandboxing.lock().await;
        let file = self.bwrap().and_then(|bwrap| FileStamp::of(&bwrap));
        if let Some(Tried { found, at, file: before }) = &*known {
            let holds = match found {
                Sandboxing::Usable { .. } => file.is_some(),
                Sandboxing::Unusable { .. } => at.elapsed() < BELIEVED,
            };
            if holds && file == *before {
                return found.clone();
            }
        }
        let found = self.try_sandbox().await;
        known.insert(Tried { found, at: Instant::now(), file }).found.clone()
    }

    /// Starts a program under a supervisor of its own. Returns when it runs.
    ///
    /// # Errors
    /// `AGENT-START-001` if it cannot be started, `AGENT-BOX-001` if the sandbox was demanded and cannot be used.
    ///
    /// # Cancel safety
    /// Dropped early, it leaves nothing running.
    pub async fn start(&self, spec: Spec) -> Result<Run> {
        let Isolation::Bwrap(sandbox) = &spec.isolation else {
            return self.begin(spec, None).await;
        };
        match self.sandboxing().await {
            Sandboxing::Usable { bwrap } => {
                let sandbox = sandbox.clone();
                match self.begin(spec, Some((&bwrap, sandbox))).await {
                    Ok(run) => Ok(run),
                    Err(error) => Err(self.why_not(error).await),
                }
            }
            Sandboxing::Unusable { reason } => Err(no_sandbox(reason)),
        }
    }

    /// Why a run could not be begun in the sandbox: the sandbox itself, if it cannot be used any more, else what was met.
    async fn why_not(&self, met: Error) -> Error {
        *self.sandboxing.lock().await = None;
        match self.sandboxing().await {
            Sandboxing::Usable { .. } => met,
            Sandboxing::Unusable { reason } => no_sandbox(reason),
        }
    }

    async fn begin(&self, spec: Spec, sandbox: Option<(&Path, Sandbox)>) -> Result<Run> {
        let Spec { argv, env, working_dir, folder, stdin, limits, isolation: _, marker } = spec;
        let name = argv.first().cloned().unwrap_or_default();
        let failed = || Error::new(Code::AgentStart, format!("start {name:?}"));
        if stdin.len() > MAX_STDIN {
            return Err(failed().because(format!("its input has more than {MAX_STDIN} bytes")));
        }
        if !working_dir.is_absolute() {
            return Err(failed().because("its working directory is not an absolute path"));
        }
        let wrapped = sandbox.is_some();
        self.admit(&argv, env.get("PATH"), wrapped).map_err(|why| failed().because(why))?;
        let order = Order {
            argv,
            env,
            working_dir,
            folder: folder.map(|folder| folder.to_string()),
            marker: marker.to_string(),
            wall: limits.wall,
            idle: limits.idle,
            heartbeats: limits.heartbeats.iter().map(|text| (*text).to_owned()).collect(),
            output: limits.output,
            resources: limits.resources,
            grace: self.grace,
            wrapped,
            user: self.user.clone(),
        };
        let begun = match sandbox {
            Some((bwrap, sandbox)) => {
                self.begin_inside(bwrap, &sandbox, order, &stdin, marker).await
            }
            None => self.begin_order(&order, &stdin, &marker).await,
        };
        begun.map_err(|error| error.while_doing(&format!("start {name:?}")))
    }

    async fn begin_order(&self, order: &Order, stdin: &[u8], marker: &Marker) -> Result<Run> {
        let working_dir = Some(order.working_dir.clone());
        let trace = Trace { marker: marker.clone(), main: None, working_dir };
        run::start(&self.program, order, stdin, trace).await
    }

    /// Starts the program of an order in the sandbox.
    async fn begin_inside(
        &self,
        bwrap: &Path,
        sandbox: &Sandbox,
        mut order: Order,
        stdin: &[u8],
        marker: Marker,
    ) -> Result<Run> {
        let failed = |why: String| Error::new(Code::AgentStart, "").because(why);
        if let (Some(user), Some(socket)) = (&self.user, &sandbox.passage) {
            let given = std::os::unix::fs::lchown(socket, Some(user.uid), Some(user.gid));
            given.map_err(|error| failed(error.to_string()))?;
        }
        order.argv = self.inside(bwrap, sandbox, &order).map_err(failed)?;
        self.begin_order(&order, stdin, &marker).await
    }

    /// The command line that makes a sandbox, by what is on the machine now, and runs the program of an order in it.
    fn inside(
        &self,
        bwrap: &Path,
        sandbox: &Sandbox,
        order: &Order,
    ) -> Result<Vec<String>, String> {
        let own = self.own.as_ref().map_err(Clone::clone)?;
        let real = |path: &Path| path.canonicalize().ok();
        let place = (order.working_dir.as_path(), self.user.as_ref());
        let mut words = sandbox::arguments(bwrap, own, sandbox, place, real);
        in_folder(&mut words, order.folder.as_deref());
        words.extend_from_slice(&order.argv);
        Ok(words)
    }

    /// Says what keeps the user of programs from this one.
    fn admit(&self, argv: &[String], path: Option<&String>, wrapped: bool) -> Result<(), String> {
        let Some(user) = &self.user else { return Ok(()) };
        let own = self.own.as_ref().map_err(Clone::clone)?;
        if !user.may(own, ENTER) {
            return Err(format!("{user} may not run {}", own.display()));
        }
        let program = argv.first().filter(|_| !wrapped);
        let program = program.and_then(|name| find_program(name, path.map(AsRef::as_ref)));
        let Some(program) = program else { return Ok(()) };
        match user.closed_above(&program) {
            Some(folder) => Err(format!("{user} may not enter {}", folder.display())),
            None if !user.may(&program, ENTER) => {
                Err(format!("{user} may not run {}", program.display()))
            }
            None => Ok(()),
        }
    }

    /// Where `bwrap` is, if it is anywhere.
    pub(crate) fn bwrap(&self) -> Option<PathBuf> {
        let found = || find_program("bwrap", std::env::var_os("PATH").as_deref());
        self.bwrap.clone().or_else(found)
    }

    async fn try_sandbox(&self) -> Sandboxing {
        let Some(bwrap) = self.bwrap() else {
            let reason = "bwrap is not installed (Debian: apt-get install bubblewrap)".to_owned();
            return Sandboxing::Unusable { reason };
        };
        match self.probe(&bwrap).await {
            Ok(()) => Sandboxing::Usable { bwrap },
            Err(error) => Sandboxing::Unusable { reason: error.text() },
        }
    }

    /// Runs a shell in the sandbox, which tells its process number. The number is small if the shell is alone there.
    async fn probe(&self, bwrap: &Path) -> Result<()> {
        let spec = Spec {
            argv: ["/bin/sh", "-c", "echo $$"].map(str::to_owned).into(),
            env: BTreeMap::new(),
            working_dir: std::env::temp_dir(),
            folder: None,
            stdin: Vec::new(),
            limits: Limits { wall: PROBE, ..Limits::default() },
            isolation: Isolation::None,
            marker: Marker::random(),
        };
        let failed = || Error::new(Code::AgentBox, "try bwrap");
        let begun = self.begin(spec, Some((bwrap, Sandbox::default()))).await;
        let mut run = begun.map_err(|error| failed().because(error))?;
        let mut said = Vec::new();
        while let Some(chunk) = run.next().await {
            said.extend(chunk.bytes);
        }
        let ended = run.ended().await?;
        let said = String::from_utf8_lossy(&said);
        let pid = said.trim().parse::<u32>();
        if ended.exit == Some(Exit::Code(0)) && pid.is_ok_and(|pid| pid <= MAX_PROBE_PID) {
            return Ok(());
        }
        Err(failed().because(format!("{ended:?}, {}", said.trim())))
    }
}

fn no_sandbox(reason: String) -> Error {
    Error::new(Code::AgentBox, "start a program in the sandbox").because(reason)
}

impl Default for Launcher {
    fn default() -> Self {
        Self::new()
    }
}
