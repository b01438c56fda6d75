//! The folder of a run, and what it is given of the machine: environment and sandbox.

use super::own_files::{OwnFiles, PLAIN_PATH, Secrets};
use super::{Agents, Sandboxed};
use crate::agents::broom::sweep_clean;
use crate::agents::loan::{hand_over, keep_out, let_enter};
use crate::agents::wall::{Entry, Wall};
use crate::agents::{
    AgentUser, ENTER, FolderId, Isolation, READ, Sandbox, View, create_job_dir, door,
};
use crate::environment;
use crate::error::{Code, Error, Result};
use crate::heavy::heavy;
use crate::model::Profile;
use crate::written::Written;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Folders in which no run may work: the kernel makes up their files, and some show the keys of other processes.
const UNREAL: [&str; 3] = ["/proc", "/sys", "/dev"];

/// The folder of a run's files: `jobs/<name>` in the data directory, which only the server's user may enter.
///
/// A session that continues another one has the same folder, because the program finds its earlier session by the folder.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The folder.
    pub(super) root: PathBuf,
    /// Where a run starts that names no directory.
    pub(super) work: PathBuf,
    data_dir: PathBuf,
    /// Where the sockets of the network wall are.
    wall: PathBuf,
    /// As whom runs work, if not as the server's user.
    user: Option<AgentUser>,
}

impl Place {
    /// Makes the folder, for the user as whom runs work.
    pub(super) fn create(data_dir: &Path, name: &str, user: Option<&AgentUser>) -> Result<Self> {
        let data_dir = std::path::absolute(data_dir).map_err(|error| {
            Error::new(Code::AgentStart, "find the data directory").because(error)
        })?;
        let root = data_dir.join("jobs").join(name);
        let inner = ["work", "home", "tmp", "config"].map(|folder| root.join(folder));
        let folders: Vec<_> = [root.clone()].into_iter().chain(inner).collect();
        for folder in &folders {
            create_job_dir(folder)?;
            // An earlier agent may have put a link in its place. The next agent must not follow it.
            if !folder.symlink_metadata().is_ok_and(|found| found.is_dir()) {
                let doing = format!("use the folder {}", folder.display());
                return Err(Error::new(Code::AgentStart, doing).because("it is a link"));
            }
        }
        let wall = data_dir.join("wall");
        let place = Self { work: root.join("work"), root, data_dir, wall, user: user.cloned() };
        for folder in &folders {
            place.give(folder)?;
        }
        Ok(place)
    }

    /// Takes away what an earlier run has left in the folder that the agent program would obey. No other run may have the folder.
    ///
    /// # Errors
    /// `AGENT-START-001` if something is left.
    pub(super) async fn sweep(&self) -> Result<()> {
        let root = self.root.clone();
        let swept = heavy(usize::MAX, move || sweep_clean(&root)).await;
        swept.map_err(|error| {
            let doing = format!("take away what an earlier run left in {}", self.root.display());
            Error::of_disk(Code::AgentStart, doing, error)
        })
    }

    /// Gives what is in the folder, or was made for the run, to the user as whom it works. What an earlier run has left there
    /// may belong to another one.
    pub(super) fn give(&self, path: &Path) -> Result<()> {
        // What lies elsewhere is somebody's, and stays theirs.
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if !environment::is_root() || !real(path).starts_with(real(&self.data_dir)) {
            return Ok(());
        }
        let user = self.user.as_ref().map_or((0, 0), |user| (user.uid, user.gid));
        hand_over(path, user).map_err(|error| {
            Error::of_disk(Code::AgentStart, format!("hand over {}", path.display()), error)
        })
    }

    /// Lets the user as whom runs work come to its folder, and to these files, where no sandbox leads there. It may enter the
    /// data directory by that, and is kept from all that is in it but the folders of runs.
    ///
    /// # Errors
    /// `AGENT-START-001` where a folder above the data directory is closed, or the file system keeps no access control lists.
    fn open_way(&self, readable: &[PathBuf]) -> Result<()> {
        let Some(user) = &self.user else { return Ok(()) };
        let doing = || format!("let {user} come to {}", self.root.display());
        if let Some(closed) = user.closed_above(&self.data_dir) {
            let why = format!("it may not enter {}", closed.display());
            return Err(Error::new(Code::AgentStart, doing()).because(why));
        }
        let jobs = self.data_dir.join("jobs");
        let on = |path: &Path, done: io::Result<()>| {
            done.map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", path.display()))
            })
        };
        let open = || -> io::Result<()> {
            for entry in std::fs::read_dir(&self.data_dir)? {
                let path = entry?.path();
                if path != jobs {
                    on(&path, keep_out(&path, user))?;
                }
            }
            on(&jobs, let_enter(&jobs, user))?;
            for folder in readable.iter().filter_map(|path| path.parent()) {
                if folder.starts_with(&jobs) {
                    on(folder, let_enter(folder, user))?;
                }
            }
            on(&self.data_dir, let_enter(&self.data_dir, user))
        };
        open().map_err(|error| Error::of_disk(Code::AgentStart, doing(), error))
    }

    /// Whether a run has to be let into its working directory to write there.
    pub(super) fn is_lent(&self, profile: Profile, working_dir: &Path) -> bool {
        self.user.is_some() && writes(profile) && !working_dir.starts_with(&self.root)
    }

    /// The directory that the request names, if a run of this profile may work in it.
    ///
    /// # Errors
    /// `AGENT-VALUE-001` with the reason.
    pub(super) fn working_dir(
        &self,
        agents: &Agents,
        profile: Profile,
        named: &Path,
    ) -> Result<(PathBuf, FolderId)> {
        let refused = |why: &str| {
            let doing = format!("work in {}", named.display());
            Error::new(Code::AgentValue, doing).because(why.to_owned())
        };
        let unfound = |error: io::Error| {
            let is_file = error.kind() == io::ErrorKind::NotADirectory;
            refused(&if is_file { "it is no folder".to_owned() } else { error.to_string() })
        };
        let way = Written::read(&self.data_dir).and_then(|written| written.way(named));
        let way = way.map_err(unfound)?;
        let (folder, path) = FolderId::open(named).map_err(unfound)?;
        if path != way {
            return Err(refused("something else has taken its place just now; try it again"));
        }
        let data_dir = self.data_dir.canonicalize().unwrap_or_else(|_| self.data_dir.clone());
        if !path.is_dir() {
            return Err(refused("it is no folder"));
        }
        if path == Path::new("/") || UNREAL.iter().any(|folder| path.starts_with(folder)) {
            return Err(refused("name a folder of files"));
        }
        if path.starts_with(&data_dir) && !path.starts_with(self.root.join("work")) {
            return Err(refused("it is in the server's own data directory"));
        }
        let is_free = profile == Profile::Full && self.user.is_none();
        if writes(profile) && !is_free {
            let is_inside = path.starts_with(&data_dir);
            if let Some(why) = OwnFiles::of(agents).met_in(&path, is_inside) {
                return Err(refused(&why));
            }
        }
        let is_bare = profile == Profile::Full || agents.sandbox == Sandboxed::Never;
        if !is_bare && let Some(why) = Secrets::of(agents).met_in(&path) {
            return Err(refused(&why));
        }
        let Some(user) = self.user.as_ref().filter(|_| !path.starts_with(&self.root)) else {
            return Ok((path, folder));
        };
        if !writes(profile) && !user.may(&path, READ | ENTER) {
            let why = format!(
                "agents run as {user}, who may not read it; let it: setfacl -R -m u:{}:rX {}",
                user.uid,
                path.display()
            );
            return Err(refused(&why));
        }
        if let Some(closed) = user.closed_above(&path).filter(|_| is_bare) {
            let why = format!(
                "agents run as {user}, who may not enter {}; let it: setfacl -m u:{}:x {}",
                closed.display(),
                user.uid,
                closed.display()
            );
            return Err(refused(&why));
        }
        Ok((path, folder))
    }

    /// Writes down that a run of this profile may write in this folder, before it can. No link in it is followed from then on.
    ///
    /// # Errors
    /// `AGENT-START-001` if it cannot be written down.
    pub(super) fn note_written(&self, profile: Profile, working_dir: &Path) -> Result<()> {
        if !writes(profile) || working_dir.starts_with(&self.root) {
            return Ok(());
        }
        Written::add(&self.data_dir, working_dir).map_err(|error| {
            let doing = format!("write down that a run works in {}", working_dir.display());
            Error::of_disk(Code::AgentStart, doing, error)
        })
    }

    /// How a run reaches the model's service. The network of profile `full` is its own affair.
    pub(super) fn entry(&self, agents: &Agents, profile: Profile) -> Entry<'_> {
        match (profile, agents.sandbox) {
            (Profile::Full, _) => Entry::Port { is_open: true },
            (_, Sandboxed::Never) => Entry::Port { is_open: false },
            (_, Sandboxed::Always) => Entry::Socket(&self.wall),
        }
    }

    /// The whole environment of a run, but for what its passage adds.
    ///
    /// *Source:* with these variables Claude Code connects to the model's service only, and keeps its files here.
    pub(super) fn environment(
        &self,
        agents: &Agents,
        profile: Profile,
    ) -> BTreeMap<String, String> {
        let own = |name: &str| environment::variable(name).filter(|value| !value.is_empty());
        let text = |folder: &str| self.root.join(folder).to_string_lossy().into_owned();
        let path = own("PATH").unwrap_or_else(|| PLAIN_PATH.to_owned());
        let home = match profile {
            // The server's own is closed to another user.
            Profile::Full => own("HOME").filter(|_| self.user.is_none()),
            Profile::Scan | Profile::ReadOnly | Profile::Workspace => None,
        };
        let path = if profile == Profile::Scan { format!("{}:{path}", text("bin")) } else { path };
        let mut env = BTreeMap::from([
            ("PATH".to_owned(), path),
            ("HOME".to_owned(), home.unwrap_or_else(|| text("home"))),
            ("TMPDIR".to_owned(), text("tmp")),
            ("CLAUDE_CODE_TMPDIR".to_owned(), text("tmp")),
            ("CLAUDE_CONFIG_DIR".to_owned(), text("config")),
        ]);
        for (name, value) in [
            ("LANG", "C.UTF-8"),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            ("DISABLE_TELEMETRY", "1"),
            ("DISABLE_AUTOUPDATER", "1"),
        ] {
            env.insert(name.to_owned(), value.to_owned());
        }
        if self.user.is_some() && writes(profile) {
            // The folder belongs to its owner, and git would take its settings from nobody else's folder.
            let words = [("COUNT", "1"), ("KEY_0", "safe.directory"), ("VALUE_0", "*")];
            for (name, value) in words {
                env.insert(format!("GIT_CONFIG_{name}"), value.to_owned());
            }
        }
        for name in agents.pass_env.iter().filter(|name| !Wall::owns(name)) {
            if let Some(value) = own(name) {
                // Nothing may override these variables: a scan's PATH leads to the query door.
                env.entry(name.clone()).or_insert(value);
            }
        }
        env
    }

    /// The isolation of a run from the rest of the machine. The run sees `readable` even in a hidden folder. `passage` is the
    /// socket that leads out of its network.
    ///
    /// # Errors
    /// As [`Place::open_way`].
    pub(super) fn isolation(
        &self,
        agents: &Agents,
        profile: Profile,
        working_dir: &Path,
        readable: Vec<PathBuf>,
        passage: Option<&Path>,
    ) -> Result<Isolation> {
        if profile == Profile::Full || agents.sandbox == Sandboxed::Never {
            self.open_way(&readable)?;
            return Ok(Isolation::None);
        }
        let is_own = working_dir.starts_with(&self.root);
        let secrets = Secrets::of(agents);
        secrets.can_be_hidden(self.user.is_some())?;
        let mut sandbox = match profile {
            // An agent that reads what strangers wrote into a log sees nothing else of the machine.
            Profile::Scan => {
                // A repository that it may check against may hold what is kept from every run.
                let shown = |path: &&PathBuf| readable.iter().any(|open| path.starts_with(open));
                let masked = agents.secrets.iter().filter(shown).cloned().collect();
                Sandbox { masked, ..door::sandbox(&self.data_dir, &self.root, readable) }
            }
            Profile::ReadOnly | Profile::Workspace | Profile::Full => Sandbox {
                hidden: [self.data_dir.clone()].into_iter().chain(secrets.folders()).collect(),
                masked: agents.secrets.clone(),
                readable,
                writable: vec![self.root.clone()],
                keep_working_dir: !is_own && profile != Profile::Workspace,
                ..Sandbox::default()
            },
        };
        sandbox.passage = passage.map(Path::to_owned);
        if let Some(user) = self.user.as_ref().filter(|_| sandbox.view == View::Machine) {
            // A folder that the user may not enter shows it nothing anyway. Hidden, it can be entered on the way to what is
            // opened below it.
            let open = sandbox.readable.iter().map(PathBuf::as_path).chain([working_dir]);
            let closed: Vec<_> = open.filter_map(|path| user.closed_above(path)).collect();
            sandbox.hidden.extend(closed);
        }
        Ok(Isolation::Bwrap(sandbox))
    }
}

/// Whether a run of this profile may write into a working directory that is not its own.
fn writes(profile: Profile) -> bool {
    match profile {
        Profile::Workspace | Profile::Full => true,
        Profile::Scan | Profile::ReadOnly => false,
    }
}
