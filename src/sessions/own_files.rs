//! What the server uses itself, and what it keeps from runs: no run that may write works where it could change it.

use super::Agents;
use crate::agents::{Mounts, is_needed};
use crate::environment;
use crate::error::{Code, Error, Result};
use std::collections::HashSet;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Where programs are looked for if the server itself has no `PATH`.
pub(super) const PLAIN_PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// The most entries of a working directory that are compared with files of the server that have a second name.
const MAX_COMPARED: usize = 1_000_000;

/// What the server runs, reads, or looks into for it.
pub(super) struct OwnFiles {
    /// The data directory, the configuration, secrets, our program, the agent program and `bwrap`, and the folders of the server's
    /// `PATH`, whether they are there or not: each program of the server and of its agents is looked for in them.
    all: Vec<PathBuf>,
    /// The folder of the npm package to which the agent program belongs.
    package: Vec<PathBuf>,
}

impl OwnFiles {
    pub(super) fn of(agents: &Agents) -> Self {
        let path = environment::variable("PATH").unwrap_or_else(|| PLAIN_PATH.to_owned());
        let named = agents.program.path();
        let real = named.as_ref().and_then(|program| program.canonicalize().ok());
        let of_program = named.iter().chain(&real).flat_map(|program| program_files(program));
        let (package, programs): (Vec<_>, Vec<_>) = of_program.partition(|path| path.is_dir());
        let mut all = vec![agents.data_dir.clone(), agents.door.clone()];
        all.extend(agents.secrets.iter().cloned());
        all.extend(agents.config.clone());
        all.extend(programs);
        all.extend(agents.launcher.bwrap());
        all.extend(std::env::split_paths(&path).filter(|folder| !folder.as_os_str().is_empty()));
        all.extend(package.iter().cloned());
        Self { all, package }
    }

    /// Why no run may write in this folder, whose path has no links. `is_inside`: it is the run's own place in the data directory.
    pub(super) fn met_in(&self, folder: &Path, is_inside: bool) -> Option<String> {
        if let Some(package) = self.package.iter().find(|package| folder.starts_with(package)) {
            let why =
                format!("the agent program is in {}; name a folder outside", package.display());
            return Some(why);
        }
        if is_inside {
            return None;
        }
        let is_in_it = |own: &Path, how: &str| {
            Some(format!(
                "{}, which the server uses, is in it{how}; name a folder below it or beside it",
                own.display()
            ))
        };
        // A link on the way can be replaced as well as what it leads to.
        let both = self.all.iter().flat_map(|own| [std::path::absolute(own), own.canonicalize()]);
        let both: Vec<_> = both.flatten().collect();
        // Who may write in a folder may put something else in the place of what lies in it.
        if let Some(own) = both.iter().find(|own| own.starts_with(folder)) {
            return is_in_it(own, "");
        }
        let mounts = match Mounts::read() {
            Ok(mounts) => mounts,
            Err(error) => return Some(format!("what is mounted there cannot be read: {error}")),
        };
        let real = || self.all.iter().filter_map(|own| own.canonicalize().ok());
        if let Some(own) = real().find(|own| mounts.lead_to(folder, own)) {
            return is_in_it(&own, " by a second mount");
        }
        match second_name(folder, real()) {
            Ok(None) => None,
            Ok(Some((own, name))) => {
                is_in_it(&own, &format!(" as {}, a hard link", name.display()))
            }
            Err(error) => {
                Some(format!("whether a file of the server is in it is not known: {error}"))
            }
        }
    }
}

/// A file of the server's that has a second name within a folder, and that name. npm gives the agent program two.
fn second_name(
    folder: &Path,
    own: impl Iterator<Item = PathBuf>,
) -> io::Result<Option<(PathBuf, PathBuf)>> {
    let disk = folder.metadata()?.dev();
    let number = |path: PathBuf| {
        let found = path.metadata().ok()?;
        let is_it = found.is_file() && found.nlink() > 1 && found.dev() == disk;
        is_it.then_some((found.ino(), path))
    };
    let own: Vec<(u64, PathBuf)> = own.filter_map(number).collect();
    if own.is_empty() {
        return Ok(None);
    }
    let numbers: HashSet<u64> = own.iter().map(|(number, _)| *number).collect();
    let (mut folders, mut compared) = (vec![folder.to_owned()], 0);
    while let Some(next) = folders.pop() {
        let entries = match std::fs::read_dir(&next) {
            Ok(entries) => entries,
            // Nor can a run that is the server's user, and another one owns nothing of the server's.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => continue,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            compared += 1;
            if compared > MAX_COMPARED {
                return Err(io::Error::other("it has more than a million files"));
            }
            let Ok(found) = entry.metadata() else { continue };
            if found.is_dir() && found.dev() == disk {
                folders.push(entry.path());
            } else if found.is_file() && found.dev() == disk && numbers.contains(&found.ino()) {
                let met = own.into_iter().find(|(number, _)| *number == found.ino());
                return Ok(met.map(|(_, path)| (path, entry.path())));
            }
        }
    }
    Ok(None)
}

/// The files with secrets that the configuration names, and the folders in which they lie. Covered is the whole folder: a file that
/// is renewed while a run goes on is a new one at the same path, and what covered the old one is gone with it.
pub(super) struct Secrets(Vec<PathBuf>);

impl Secrets {
    pub(super) fn of(agents: &Agents) -> Self {
        let path = |secret: &PathBuf| [std::path::absolute(secret), secret.canonicalize()];
        Self(agents.secrets.iter().flat_map(path).flatten().collect())
    }

    /// The folders, without those that programs need.
    pub(super) fn folders(&self) -> impl Iterator<Item = PathBuf> {
        self.parents().filter(|folder| !is_needed(folder))
    }

    fn parents(&self) -> impl Iterator<Item = PathBuf> {
        let parents = self.0.iter().filter_map(|secret| secret.parent()?.canonicalize().ok());
        parents.collect::<Vec<_>>().into_iter()
    }

    /// Why no run in the sandbox may work in this folder.
    pub(super) fn met_in(&self, folder: &Path) -> Option<String> {
        let met = self.0.iter().find(|secret| secret.starts_with(folder))?;
        Some(format!(
            "{}, which holds a secret of the server, is in it; move that file into a folder of its own",
            met.display()
        ))
    }

    /// Refuses secrets that a run would see when they are renewed. Where runs are another user's, the kernel keeps them from a file
    /// that is private.
    ///
    /// # Errors
    /// `AGENT-START-001` with the file that is to be moved.
    pub(super) fn can_be_hidden(&self, other_user: bool) -> Result<()> {
        let open = |secret: &&PathBuf| {
            let folder = secret.parent().and_then(|folder| folder.canonicalize().ok());
            folder.is_some_and(|folder| is_needed(&folder))
        };
        match self.0.iter().find(open) {
            Some(secret) if !other_user => {
                let doing = format!("hide {} from a run", secret.display());
                let why = "programs need what is in its folder; move it into a folder of its own, for example \
                           /etc/lamplighter, and name it there";
                Err(Error::new(Code::AgentStart, doing).because(why))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// The files of the agent program that a run has to see: its own file, and the npm package to which it belongs.
pub(super) fn program_files(program: &Path) -> Vec<PathBuf> {
    let is_scope =
        |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('@'));
    let in_modules = |path: &Path| {
        path.parent().and_then(Path::file_name).is_some_and(|name| name == "node_modules")
    };
    let package = program.ancestors().skip(1).find(|folder| {
        let is_scoped = folder.parent().is_some_and(|scope| is_scope(scope) && in_modules(scope));
        is_scoped || (in_modules(folder) && !is_scope(folder))
    });
    package.map(Path::to_owned).into_iter().chain([program.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn of_the_program_its_package_is_seen_and_no_folder_beside_it() {
        let seen = |program: &str| {
            let files = program_files(Path::new(program));
            files.iter().map(|path| path.to_string_lossy().into_owned()).collect::<Vec<_>>()
        };
        let scoped = "/home/a/node_modules/@org/cli/bin/run";
        assert_eq!(seen(scoped), ["/home/a/node_modules/@org/cli", scoped]);
        let plain = "/opt/node_modules/cli/cli.js";
        assert_eq!(seen(plain), ["/opt/node_modules/cli", plain]);
        assert_eq!(seen("/home/a/bin/claude"), ["/home/a/bin/claude"]);
    }

    #[test]
    fn a_file_of_the_server_is_known_again_under_a_second_name() {
        let files = tempfile::tempdir().unwrap();
        let root = files.path().canonicalize().unwrap();
        let (shop, program) = (root.join("shop"), root.join("claude"));
        fs::create_dir_all(shop.join("deep/er")).unwrap();
        fs::write(&program, "").unwrap();
        let own = OwnFiles { all: vec![program.clone()], package: Vec::new() };
        assert_eq!(own.met_in(&shop, false), None);
        fs::hard_link(&program, root.join("claude.exe")).unwrap();
        assert_eq!(own.met_in(&shop, false), None, "the second name is elsewhere");
        fs::hard_link(&program, shop.join("deep/er/x")).unwrap();
        let why = own.met_in(&shop, false).unwrap();
        assert!(why.contains("is in it as") && why.contains("deep/er/x, a hard link"), "{why}");
        assert!(own.met_in(&root, false).unwrap().contains("is in it; name"));
    }

    #[test]
    fn a_secret_among_what_programs_need_is_to_be_moved_and_any_other_folder_is_hidden() {
        let of = |path: &str| Secrets(vec![path.into()]);
        for path in ["/etc/token", "/usr/bin/token", "/token"] {
            let error = of(path).can_be_hidden(false).unwrap_err().to_string();
            assert!(error.contains("move it into a folder of its own"), "{error}");
            assert!(of(path).can_be_hidden(true).is_ok() && of(path).folders().next().is_none());
        }
        let own = tempfile::tempdir().unwrap();
        let folder = own.path().canonicalize().unwrap();
        let secret = Secrets(vec![folder.join("token")]);
        assert!(secret.can_be_hidden(false).is_ok());
        assert_eq!(secret.folders().collect::<Vec<_>>(), std::slice::from_ref(&folder));
        assert!(secret.met_in(&folder).is_some() && secret.met_in(&folder.join("shop")).is_none());
    }
}
