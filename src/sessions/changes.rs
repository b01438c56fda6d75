//! What a run changes in the folder in which it works: the folder is looked at before the run and after it.
//!
//! `git` does the looking, with a repository of ours beside the run's own folder, whose work tree is the working directory.
//! The repository that the working directory may be is a store of objects for it, to spare copies, and nothing else.
//!
//! *Invariant:* nothing that lies in the working directory is obeyed. No configuration, hook or index of the folder is read;
//! its attributes name filters and drivers, and no configuration defines any. Where the machine offers the sandbox, `git` is
//! in it, sees the folder read-only and has no network. It has a limited time and a limited output.

use super::own_files::Secrets;
use super::{Agents, Sandboxed};
use crate::agents::loan::{hand_over, let_enter};
use crate::agents::{
    FolderId, Isolation, Limits, Marker, Sandbox, Sandboxing, Spec, create_job_dir, find_program,
};
use crate::engine::Context;
use crate::environment;
use crate::error::{Code, Error, Result};
use crate::files;
use crate::heavy::heavy;
use crate::model::{ChangedFile, FileChange, JobId, OpenRun, Profile, RunEnding, SessionChanges};
use crate::redact::redactor;
use crate::warn_coded;
use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long one look may take: no run waits longer for it.
const MOST_TIME: Duration = Duration::from_secs(15);
/// The longest patch that is kept, in bytes.
const MAX_PATCH: u64 = 512 * 1024;
/// The longest list of changed files that is read, in bytes.
const MAX_LIST: u64 = 4 * 1024 * 1024;
/// Changed files that are kept by name.
const MAX_FILES: usize = 500;
/// Why nothing is known of the changes of a run that its server ended.
const STOPPED: &str = "the server stopped during the run and did not wait for a comparison";
/// The exit code by which a script says that the folder could not be read.
const UNREADABLE: i32 = 3;

/// The beginning of both looks: a tree of all files of the folder but those that its `.gitignore` names; these files are always
/// part of it. A file that cannot be read is left out.
const TREE: &str = r#"
set -u
git="git -c core.fsmonitor=false -c core.hooksPath=/dev/null -c core.autocrlf=false -c core.compression=1 -c gc.auto=0
    -c core.untrackedCache=false -c core.attributesFile=/dev/null -c core.excludesFile=/dev/null
    -c advice.addEmbeddedRepo=false -c core.pager=cat -c core.logAllRefUpdates=false"
tree() {
  # Where an index names a repository within the folder, git would run a status in it, by that repository's own configuration.
  rm -f "$GIT_DIR/index"
  $git add --all --ignore-errors . >/dev/null 2>&1
  [ $? -le 1 ] || exit 3
  # A file that names what is left out is never left out itself, so that nobody hides a change without a trace.
  $git ls-files --others -z --exclude='!.gitignore' --exclude-per-directory=.gitignore -- ':(glob)**/.gitignore' 2>/dev/null |
    $git update-index --add -z --stdin >/dev/null 2>&1
  $git write-tree
}
"#;
/// The look before a run.
const BEFORE: &str = r#"
[ -s "$GIT_DIR/before" ] && exit 0
git init -q --template= "$FORMAT" >/dev/null 2>&1 || exit 3
mkdir -p "$GIT_DIR/info" "$GIT_DIR/objects/info"
# These win over every attribute that a file of the folder gives.
echo '* -text -filter -ident -working-tree-encoding !diff !eol' >"$GIT_DIR/info/attributes"
[ -z "$OBJECTS" ] || printf '%s\n' "$OBJECTS" >"$GIT_DIR/objects/info/alternates"
tree >"$GIT_DIR/before.new" && mv "$GIT_DIR/before.new" "$GIT_DIR/before"
"#;
/// The look after a run, and the comparison.
const AFTER: &str = r#"
before=$(cat "$GIT_DIR/before")
after=$(tree) || exit 3
compare() { $git diff-tree -r --no-renames --no-ext-diff --no-textconv --no-color "$@" "$before" "$after"; }
compare --name-status -z | head -c "$MAX_LIST" >"$GIT_DIR/status"
compare --numstat -z | head -c "$MAX_LIST" >"$GIT_DIR/numbers"
compare --patch | head -c "$MAX_PATCH" >"$GIT_DIR/patch"
"#;

/// A folder that is looked at.
pub(super) struct Look {
    /// The folder.
    folder: PathBuf,
    /// By this it is known again.
    id: Option<FolderId>,
    /// Our repository: in a folder that no run may enter.
    repository: PathBuf,
    /// Why the first look failed.
    failed: Option<String>,
}

impl Look {
    /// Looks at the folder of a run that may write there. A look that fails never keeps a run from its work.
    pub(super) async fn before(
        agents: &Agents,
        context: &Context,
        profile: Profile,
        (folder, id): (&Path, Option<FolderId>),
    ) -> Option<Self> {
        match profile {
            Profile::Workspace | Profile::Full => {}
            Profile::Scan | Profile::ReadOnly => return None,
        }
        let mut look = Self {
            folder: folder.to_owned(),
            id,
            repository: repository(agents, context)?,
            failed: None,
        };
        look.failed = look.run(agents, BEFORE).await.err();
        Some(look)
    }

    /// Looks again, and keeps what the run has changed.
    pub(super) async fn after(
        look: Option<Self>,
        agents: &Agents,
        context: &Context,
        ending: RunEnding,
    ) {
        let Some(look) = look else { return };
        // A server that stops has seconds to end, and they belong to the records of its runs.
        let stops = context.stopping.is_cancelled();
        let found = if stops { Err(STOPPED.to_owned()) } else { look.compare(agents).await };
        let (changes, patch) =
            found.unwrap_or_else(|why| (SessionChanges::unknown(why), String::new()));
        let kept = agents.store.keep_changes(context.lease.clone(), changes, patch).await;
        if let Err(error) = kept {
            warn_coded!(error.code(), "session {}: {error}", context.job.id);
        }
        // A run that a limit ended goes on later, and is compared with its first beginning then.
        if ending != RunEnding::Limit {
            remove(&look.repository);
        }
    }

    /// Looks at the folder of a run whose server was killed: by now no process of the run is left. `None` for a run that might
    /// write nowhere.
    pub(super) async fn after_kill(
        agents: &Agents,
        run: &OpenRun,
    ) -> Option<(SessionChanges, String)> {
        if !run.may_write {
            return None;
        }
        let found = match Self::left_by(agents, run) {
            Ok(look) => look.compare(agents).await,
            Err(why) => Err(why),
        };
        Some(match found {
            Ok((changes, patch)) => (SessionChanges { is_late: true, ..changes }, patch),
            Err(why) => {
                let why = format!("the server was killed during the run, and {why}");
                (SessionChanges::unknown(why), String::new())
            }
        })
    }

    /// The first look of a run whose server was killed, as far as it came; else why there is none.
    fn left_by(agents: &Agents, run: &OpenRun) -> Result<Self, String> {
        if !run.is_own {
            return Err("it ran for another data directory, of which this one is a copy".to_owned());
        }
        let repository = repository_of(agents, run.id).map_err(|error| error.to_string())?;
        let is_whole =
            repository.join("before").symlink_metadata().is_ok_and(|file| file.len() > 0);
        if !is_whole {
            return Err("what was in the folder before the run is not known any more".to_owned());
        }
        let found = FolderId::open(&run.working_dir).map_err(|error| error.to_string());
        let (id, path) = found.map_err(|why| format!("its folder cannot be opened: {why}"))?;
        if path != run.working_dir {
            return Err("a link has taken the place of its folder".to_owned());
        }
        Ok(Self { folder: path, id: Some(id), repository, failed: None })
    }

    /// Removes what the first look of a run has left whose server was killed.
    pub(super) fn forget(agents: &Agents, run: &OpenRun) {
        match repository_of(agents, run.id) {
            Ok(repository) if run.is_own && repository.exists() => remove(&repository),
            Ok(_) | Err(_) => {}
        }
    }

    async fn compare(&self, agents: &Agents) -> Result<(SessionChanges, String), String> {
        if let Some(why) = &self.failed {
            return Err(why.clone());
        }
        self.run(agents, AFTER).await?;
        let repository = self.repository.clone();
        let read = move || read_changes(&repository).map_err(|error| error.to_string());
        heavy(MAX_PATCH as usize, read).await
    }

    /// Runs a script of ours; says why it did not do its work.
    async fn run(&self, agents: &Agents, script: &str) -> Result<(), String> {
        let path = environment::variable("PATH").unwrap_or_default();
        if find_program("git", Some(path.as_ref())).is_none() {
            return Err("git is not on the server's PATH".to_owned());
        }
        let spec = Spec {
            argv: ["/bin/sh", "-c", &format!("{TREE}{script}")].map(str::to_owned).to_vec(),
            env: self.environment(path),
            working_dir: self.folder.clone(),
            folder: self.id,
            stdin: Vec::new(),
            limits: Limits {
                wall: MOST_TIME,
                idle: MOST_TIME,
                resources: agents.resources,
                ..Limits::default()
            },
            isolation: self.isolation(agents).await,
            marker: Marker::random(),
        };
        let mut run = agents.launcher.start(spec).await.map_err(|error| error.to_string())?;
        let ended = run.ended().await.map_err(|error| error.to_string())?;
        match ended.exit {
            Some(crate::agents::Exit::Code(0)) => Ok(()),
            Some(crate::agents::Exit::Code(UNREADABLE)) => {
                Err("git cannot read the folder".to_owned())
            }
            Some(_) | None => {
                let seconds = MOST_TIME.as_secs();
                Err(format!("the look at the folder was not over within {seconds} s, or failed"))
            }
        }
    }

    /// The whole environment of `git`: nothing of the server's, of its user's or of the machine's configuration.
    fn environment(&self, path: String) -> BTreeMap<String, String> {
        let objects = objects(&self.folder);
        let format = match &objects {
            Some((_, true)) => "--object-format=sha256",
            Some((_, false)) | None => "--object-format=sha1",
        };
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let objects = objects.map_or_else(String::new, |(path, _)| text(&path));
        let pairs = [
            ("PATH", path),
            ("HOME", text(&self.repository)),
            // The limit of a disk's last room holds for the disk of this folder too.
            ("TMPDIR", text(&self.repository)),
            ("GIT_DIR", text(&self.repository)),
            ("GIT_WORK_TREE", text(&self.folder)),
            ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
            ("GIT_CONFIG_GLOBAL", "/dev/null".to_owned()),
            ("GIT_ATTR_NOSYSTEM", "1".to_owned()),
            ("GIT_NO_LAZY_FETCH", "1".to_owned()),
            ("GIT_NO_REPLACE_OBJECTS", "1".to_owned()),
            ("GIT_ALLOW_PROTOCOL", "none".to_owned()),
            ("GIT_TERMINAL_PROMPT", "0".to_owned()),
            ("GIT_PAGER", "cat".to_owned()),
            ("LC_ALL", "C".to_owned()),
            ("OBJECTS", objects),
            ("FORMAT", format.to_owned()),
            ("MAX_LIST", MAX_LIST.to_string()),
            // One byte more than is kept tells whether there is more.
            ("MAX_PATCH", (MAX_PATCH + 1).to_string()),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The sandbox, whatever the profile of the run, where the machine offers one.
    async fn isolation(&self, agents: &Agents) -> Isolation {
        let closed = agents.launcher.user().and_then(|user| user.closed_above(&self.folder));
        match agents.launcher.sandboxing().await {
            Sandboxing::Usable { .. } => Isolation::Bwrap(Sandbox {
                // A folder that the user of agents may not enter is hidden, so that what is in it can be reached.
                hidden: [agents.data_dir.clone()]
                    .into_iter()
                    .chain(Secrets::of(agents).folders())
                    .chain(closed)
                    .collect(),
                masked: agents.secrets.clone(),
                writable: vec![self.repository.clone()],
                keep_working_dir: true,
                ..Sandbox::default()
            }),
            Sandboxing::Unusable { .. } => Isolation::None,
        }
    }
}

/// Where our repository is.
fn repository_of(agents: &Agents, id: JobId) -> io::Result<PathBuf> {
    let data_dir = std::path::absolute(&agents.data_dir)?;
    Ok(data_dir.join("jobs").join(format!("{id}-changes")).join("git"))
}

/// Removes our repository with the folder in which it is.
fn remove(repository: &Path) {
    if let Some(folder) = repository.parent()
        && let Err(error) = std::fs::remove_dir_all(folder)
    {
        warn_coded!(crate::Code::AgentStart, "remove the folder {}: {error}", folder.display());
    }
}

/// Makes the folder of our repository. Its name is more than a number: it goes when its job is over.
fn repository(agents: &Agents, context: &Context) -> Option<PathBuf> {
    let repository = repository_of(agents, context.job.id).ok()?;
    let made = create_job_dir(&repository).and_then(|()| hand_on(agents, &repository));
    if let Err(error) = made {
        warn_coded!(error.code(), "session {}: {error}", context.job.id);
        return None;
    }
    Some(repository)
}

/// Gives the repository to the user as whom `git` runs. The folder in which it is stays ours, so that no link takes its place.
fn hand_on(agents: &Agents, repository: &Path) -> Result<()> {
    let Some(user) = agents.launcher.user() else { return Ok(()) };
    let given = hand_over(repository, (user.uid, user.gid));
    let given = given.and_then(|()| match repository.parent() {
        Some(folder) if agents.sandbox == Sandboxed::Never => let_enter(folder, user),
        Some(_) | None => Ok(()),
    });
    given.map_err(|error| {
        Error::of_disk(Code::AgentStart, format!("hand over {}", repository.display()), error)
    })
}

/// Where the folder keeps git's objects, if it is a repository, and whether their names are of SHA-256. Links are not followed.
fn objects(folder: &Path) -> Option<(PathBuf, bool)> {
    let git = folder.join(".git");
    let objects = git.join("objects");
    let is_folder = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.is_dir());
    let is_plain = !objects.to_str()?.contains(['\n', '"', ':']);
    if !is_plain || !is_folder(&git) || !is_folder(&objects) {
        return None;
    }
    // The format stands in the configuration, of which this word alone is read.
    let config = bounded(&git.join("config"), 64 * 1024).unwrap_or_default();
    let config = String::from_utf8_lossy(&config).to_ascii_lowercase();
    let is_sha256 = config.lines().any(|line| {
        let line: String = line.split_whitespace().collect();
        line == "objectformat=sha256"
    });
    Some((objects, is_sha256))
}

/// The first bytes of a plain file.
fn bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    files::open_unlinked(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads what the comparison has left, and removes secrets from it.
fn read_changes(repository: &Path) -> io::Result<(SessionChanges, String)> {
    let read = |name: &str, most: u64| bounded(&repository.join(name), most);
    let patch = read("patch", MAX_PATCH + 1)?;
    let is_cut = patch.len() as u64 > MAX_PATCH;
    let mut text = String::from_utf8_lossy(&patch).into_owned();
    redactor().clean(&mut text);
    text.truncate(text.floor_char_boundary(MAX_PATCH as usize));
    let mut changes = changes(&read("status", MAX_LIST)?, &read("numbers", MAX_LIST)?);
    for file in &mut changes.files {
        redactor().clean(&mut file.path);
    }
    changes.patch_bytes = text.len() as u64;
    changes.patch_is_cut = is_cut;
    Ok((changes, text))
}

/// Reads the lists of `--name-status -z` and `--numstat -z`: the same files in the same order.
fn changes(status: &[u8], numbers: &[u8]) -> SessionChanges {
    let mut all = SessionChanges::default();
    let mut counts = numbers.split(|byte| *byte == 0).map(|line| {
        let mut parts = line.splitn(3, |byte| *byte == b'\t');
        let mut number = || std::str::from_utf8(parts.next()?).ok()?.parse::<u64>().ok();
        (number(), number())
    });
    let mut words = status.split(|byte| *byte == 0);
    while let (Some(how), Some(path)) = (words.next(), words.next()) {
        let (added, removed) = counts.next().unwrap_or_default();
        all.count += 1;
        all.added += added.unwrap_or(0);
        all.removed += removed.unwrap_or(0);
        if all.files.len() < MAX_FILES {
            let how = match how.first() {
                Some(b'A') => FileChange::Added,
                Some(b'D') => FileChange::Removed,
                Some(_) | None => FileChange::Changed,
            };
            let path = String::from_utf8_lossy(path).into_owned();
            all.files.push(ChangedFile { path, how, added, removed });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_of_git_are_read_whatever_bytes_a_name_has() {
        let found =
            changes(b"A\0a\tb\nc\0M\0pic\0D\0\xff\0", b"3\t0\ta\tb\nc\0-\t-\tpic\x000\t7\t\xff\0");
        let file = |path: &str, how, added, removed| ChangedFile {
            path: path.into(),
            how,
            added,
            removed,
        };
        let files = [
            file("a\tb\nc", FileChange::Added, Some(3), Some(0)),
            file("pic", FileChange::Changed, None, None),
            file("\u{fffd}", FileChange::Removed, Some(0), Some(7)),
        ];
        assert_eq!(found.files, files);
        assert_eq!((found.count, found.added, found.removed), (3, 3, 7));
        assert_eq!(changes(b"", b""), SessionChanges::default());
    }
}
