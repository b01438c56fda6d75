//! What a run sees of the machine inside bubblewrap's sandbox, as the arguments of `bwrap`.
//!
//! *Source:* `bwrap(1)`. The environment is not passed as arguments, which every user of the machine can read: the
//! supervisor gives `bwrap` exactly the run's environment, and `bwrap` hands it on.

use std::path::{Path, PathBuf};

/// The most a private folder in memory may hold, in bytes: it must not fill the machine's memory.
const MAX_PRIVATE: &str = "268435456";

/// Folders that hold what belongs to people or to running programs: empty and private inside the sandbox.
const PRIVATE: [&str; 6] = ["/tmp", "/var/tmp", "/home", "/root", "/run", "/mnt"];

/// What a run sees of the machine: all of it, read-only, without homes and temporary files, but for what is named here.
///
/// Its working directory is always there, and may be written unless it is said otherwise. The network is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sandbox {
    /// Folders that are empty inside, such as the data directory.
    pub hidden: Vec<PathBuf>,
    /// Files and folders that can be read although they lie in a private or hidden folder.
    pub readable: Vec<PathBuf>,
    /// Folders that may be written besides the working directory.
    pub writable: Vec<PathBuf>,
    /// Whether the working directory may only be read.
    pub keep_working_dir: bool,
}

/// What is put at a path inside.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mount {
    Hidden,
    Readable,
    Writable,
}

/// `bwrap` and its arguments, up to and with the `--` after which the program follows.
///
/// `exists` tells whether a folder to be hidden is there: what is not there needs no hiding, and cannot be.
pub(super) fn arguments(
    bwrap: &Path,
    sandbox: &Sandbox,
    working_dir: &Path,
    exists: impl Fn(&Path) -> bool,
) -> Vec<String> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut argv = vec![text(bwrap)];
    let mut add = |words: &[&str]| argv.extend(words.iter().map(|word| (*word).to_owned()));
    // One namespace of processes: its end is the end of all of them, whatever they did to get away.
    add(&["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--new-session"]);
    add(&["--cap-drop", "ALL", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]);
    for (path, mount) in mounts(sandbox, working_dir) {
        let path = text(path);
        match mount {
            Mount::Hidden if exists(Path::new(&path)) => {
                add(&["--size", MAX_PRIVATE, "--tmpfs", &path]);
            }
            Mount::Hidden => {}
            Mount::Readable => add(&["--ro-bind", &path, &path]),
            Mount::Writable => add(&["--bind", &path, &path]),
        }
    }
    add(&["--chdir", &text(working_dir), "--"]);
    argv
}

/// What is put where. A folder comes before what lies in it, whatever each of them is: hiding the data directory holds
/// although the working directory is above it, and a job's own folder in it is there all the same.
fn mounts<'a>(sandbox: &'a Sandbox, working_dir: &'a Path) -> Vec<(&'a Path, Mount)> {
    let Sandbox { hidden, readable, writable, keep_working_dir } = sandbox;
    let of = |paths: &'a [PathBuf], mount| paths.iter().map(move |path| (path.as_path(), mount));
    let own = if *keep_working_dir { Mount::Readable } else { Mount::Writable };
    let mut mounts: Vec<_> = PRIVATE.iter().map(|path| (Path::new(*path), Mount::Hidden)).collect();
    mounts.extend(of(hidden, Mount::Hidden));
    mounts.extend(of(readable, Mount::Readable));
    mounts.push((working_dir, own));
    mounts.extend(of(writable, Mount::Writable));
    mounts.sort_by_key(|(path, mount)| (path.components().count(), *mount));
    mounts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(sandbox: &Sandbox, exists: impl Fn(&Path) -> bool) -> String {
        let bwrap = Path::new("/usr/bin/bwrap");
        arguments(bwrap, sandbox, Path::new("/data/jobs/1"), exists).join(" ")
    }

    #[test]
    fn the_whole_machine_is_read_only_and_the_working_directory_is_not() {
        let line = line(&Sandbox::default(), |_| true);
        assert!(line.starts_with("/usr/bin/bwrap --unshare-pid "), "{line}");
        assert!(
            line.ends_with(" --bind /data/jobs/1 /data/jobs/1 --chdir /data/jobs/1 --"),
            "{line}"
        );
        for part in ["--die-with-parent", "--new-session", "--ro-bind / /", "--cap-drop ALL"] {
            assert!(line.contains(part), "{part}: {line}");
        }
        for private in PRIVATE {
            assert!(line.contains(&format!("--size {MAX_PRIVATE} --tmpfs {private} ")), "{line}");
        }
        assert_eq!(line.matches("--bind").count(), 1, "nothing else may be written: {line}");
    }

    #[test]
    fn a_later_rule_opens_what_an_earlier_one_hides() {
        let sandbox = Sandbox {
            hidden: vec!["/data".into()],
            readable: vec!["/data/snapshot.db".into()],
            writable: vec!["/home/work".into()],
            ..Sandbox::default()
        };
        let line = line(&sandbox, |_| true);
        let at = |part: &str| line.find(part).unwrap_or_else(|| panic!("{part}: {line}"));
        assert!(at("--tmpfs /data") < at("--ro-bind /data/snapshot.db /data/snapshot.db"));
        assert!(at("--tmpfs /home") < at("--bind /home/work /home/work"));
        assert!(at("--tmpfs /data") < at("--bind /data/jobs/1"));
    }

    #[test]
    fn a_working_directory_opens_nothing_that_is_hidden_below_it() {
        let sandbox = Sandbox { hidden: vec!["/srv/app/data".into()], ..Sandbox::default() };
        let argv = arguments(Path::new("bwrap"), &sandbox, Path::new("/srv/app"), |_| true);
        let line = argv.join(" ");
        let at = |part: &str| line.find(part).unwrap_or_else(|| panic!("{part}: {line}"));
        assert!(at("--bind /srv/app /srv/app") < at("--tmpfs /srv/app/data"), "{line}");
    }

    #[test]
    fn a_working_directory_can_be_kept_from_writing() {
        let line = line(&Sandbox { keep_working_dir: true, ..Sandbox::default() }, |_| true);
        assert!(line.contains(" --ro-bind /data/jobs/1 /data/jobs/1 --chdir "), "{line}");
        assert!(!line.contains("--bind /data"), "{line}");
    }

    #[test]
    fn what_is_not_there_is_not_hidden() {
        let sandbox = Sandbox { hidden: vec!["/gone".into()], ..Sandbox::default() };
        let line = line(&sandbox, |path| path == Path::new("/tmp"));
        assert!(
            line.contains("--tmpfs /tmp ") && !line.contains("/home") && !line.contains("/gone")
        );
    }
}
