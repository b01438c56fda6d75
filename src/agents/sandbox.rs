//! The arguments of `bwrap`: what a run sees of the machine inside bubblewrap's sandbox.
//!
//! *Source:* `bwrap(1)`. The environment is not passed as arguments, which every user of the machine can read: the
//! supervisor gives `bwrap` exactly the run's environment, and `bwrap` hands it on.

use super::{AgentUser, words};
use std::cmp::Ordering;
use std::path::{Path, PathBuf};

/// The most that a private folder for temporary files may hold, in bytes: it is in memory, and must not fill that.
const MAX_TEMPORARY: &str = "268435456";
/// The same for a private folder that only stands for one that is hidden.
const MAX_PRIVATE: &str = "16777216";
/// The private folders that are for temporary files.
const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

/// Folders that hold what belongs to people, to running programs or to the machine's network: empty and private inside the
/// sandbox.
const PRIVATE: [&str; 8] =
    ["/tmp", "/var/tmp", "/var/spool", "/home", "/root", "/run", "/mnt", "/sys/class/net"];

/// What programs need to run and to trust a host by TLS, and no more: not `/etc` with its keys, not `/var` with its logs
/// and databases, not `/opt` and `/srv` with other people's applications.
const PROGRAMS: [&str; 18] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/group",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
];

/// Whether programs need what is in a folder, or above which it lies, so that it cannot be hidden from a run.
pub(crate) fn is_needed(folder: &Path) -> bool {
    PROGRAMS.iter().map(Path::new).any(|path| path.starts_with(folder) || folder.starts_with(path))
}

/// What a run sees of the machine: its [`View`], read-only and without homes and temporary files, plus what is named
/// here. Of two rules the one for the deeper folder holds.
///
/// The run always sees its working directory and may write there by default. Its network is its own and holds nothing; what
/// leads out of it is the `passage`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sandbox {
    /// How much of the machine there is.
    pub view: View,
    /// Folders that are empty inside, such as the data directory.
    pub hidden: Vec<PathBuf>,
    /// Files that are empty inside, such as one that holds a key.
    pub masked: Vec<PathBuf>,
    /// Files and folders that can be read, and never written, wherever they lie.
    pub readable: Vec<PathBuf>,
    /// Folders that may be written besides the working directory.
    pub writable: Vec<PathBuf>,
    /// Whether the working directory may only be read.
    pub keep_working_dir: bool,
    /// The socket of the run's [`Passage`](super::wall::Passage), its only way to a network.
    pub passage: Option<PathBuf>,
}

/// How much of the machine a run sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// All of it.
    #[default]
    Machine,
    /// Programs and what they need, for a run that must see nothing else.
    Programs,
}

/// `bwrap` and its arguments, up to and with the `--` after which the program follows: our own program `own` comes first
/// inside, and becomes it. With a `user`, our program starts as root with the sole powers to become that user.
///
/// `real` answers a path without links in it, `None` if nothing is there: what is not there needs no hiding, and what
/// is reached by two names is not hidden by one.
pub(super) fn arguments(
    bwrap: &Path,
    own: &Path,
    sandbox: &Sandbox,
    (working_dir, user): (&Path, Option<&AgentUser>),
    real: impl Fn(&Path) -> Option<PathBuf>,
) -> Vec<String> {
    let mut argv = Line { words: vec![text(bwrap)], is_shared: user.is_some() };
    // All processes are in one namespace. When it ends, each of them ends, even one that tried to get away.
    argv.add(&["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net"]);
    argv.add(&["--die-with-parent", "--new-session", "--cap-drop", "ALL"]);
    if user.is_some() {
        argv.add(&["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]);
    }
    match sandbox.view {
        View::Machine => argv.add(&["--ro-bind", "/", "/"]),
        View::Programs => {
            for path in PROGRAMS {
                argv.bind("--ro-bind-try", path, Path::new(path));
            }
        }
    }
    // To root's processes the kernel's settings are writable without any capability, and one of them names a program
    // that the kernel starts outside.
    argv.add(&["--dev", "/dev", "--proc", "/proc", "--remount-ro", "/proc"]);
    argv.bind("--ro-bind", &text(own), Path::new(words::PROGRAM));
    if let Some(socket) = &sandbox.passage {
        argv.bind("--ro-bind", &text(socket), Path::new(words::SOCKET));
    }
    // Shared memory has a bound. The rest of `/dev` is in memory without one.
    argv.memory(MAX_TEMPORARY, "/dev/shm");
    argv.add(&["--remount-ro", "/dev"]);
    for (path, rule) in rules(sandbox, working_dir, &real) {
        let name = text(&path);
        match rule {
            Rule::Hide if TEMPORARY.contains(&name.as_str()) => argv.memory(MAX_TEMPORARY, &name),
            Rule::Hide => argv.memory(MAX_PRIVATE, &name),
            Rule::Mask => argv.bind("--ro-bind", "/dev/null", &path),
            Rule::Read => argv.bind("--ro-bind", &name, &path),
            Rule::Write => argv.bind("--bind", &name, &path),
        }
    }
    if sandbox.view == View::Programs {
        // The rest of the root folder is in memory, without a bound.
        argv.add(&["--remount-ro", "/"]);
    }
    let working_dir = real(working_dir).unwrap_or_else(|| working_dir.to_owned());
    // Root without its powers may not enter what belongs to the user: our program does, as that user.
    let start = if user.is_some() { "/".to_owned() } else { text(&working_dir) };
    argv.add(&["--chdir", &start, "--"]);
    argv.words.extend(words::words(user.map(|user| (user, &*working_dir))));
    argv.words
}

/// A command line as it grows.
struct Line {
    words: Vec<String>,
    /// Whether the program inside is another user than the one who makes the sandbox.
    is_shared: bool,
}

impl Line {
    fn add(&mut self, words: &[&str]) {
        self.words.extend(words.iter().map(|word| (*word).to_owned()));
    }

    /// Puts what is at `from` to a path. The folders that this needs would be closed to other users.
    fn bind(&mut self, how: &str, from: &str, path: &Path) {
        let folder = path.parent().filter(|folder| self.is_shared && *folder != Path::new("/"));
        if let Some(folder) = folder {
            self.add(&["--perms", "0755", "--dir", &text(folder)]);
        }
        self.add(&[how, from, &text(path)]);
    }

    /// Puts a folder in memory to a path, in which everybody may write.
    fn memory(&mut self, size: &str, path: &str) {
        if self.is_shared {
            self.add(&["--perms", "1777"]);
        }
        self.add(&["--size", size, "--tmpfs", path]);
    }
}

/// What becomes of a path. For one path the later of these holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    Hide,
    Write,
    Read,
    Mask,
}

/// Every rule, that of a folder before those of what is in it.
fn rules(
    sandbox: &Sandbox,
    working_dir: &Path,
    real: impl Fn(&Path) -> Option<PathBuf>,
) -> Vec<(PathBuf, Rule)> {
    let hidden = PRIVATE.iter().map(Path::new).chain(sandbox.hidden.iter().map(PathBuf::as_path));
    let mut rules: Vec<_> = hidden.filter_map(|path| Some((real(path)?, Rule::Hide))).collect();
    let masked = sandbox.masked.iter().filter_map(|path| Some((real(path)?, Rule::Mask)));
    rules.extend(masked);
    // A missing path stays as it is named: `bwrap` then refuses it, and nothing runs.
    let mut open = |path: &Path, rule| {
        rules.push((real(path).unwrap_or_else(|| path.to_owned()), rule));
    };
    sandbox.readable.iter().for_each(|path| open(path, Rule::Read));
    sandbox.writable.iter().for_each(|path| open(path, Rule::Write));
    open(working_dir, if sandbox.keep_working_dir { Rule::Read } else { Rule::Write });
    rules.sort_by(in_order);
    rules
}

/// A folder before what is in it, and of one path the rule that holds last.
fn in_order(one: &(PathBuf, Rule), other: &(PathBuf, Rule)) -> Ordering {
    let depth = |(path, rule): &(PathBuf, Rule)| (path.components().count(), *rule);
    depth(one).cmp(&depth(other))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(sandbox: &Sandbox, real: impl Fn(&Path) -> Option<PathBuf>) -> String {
        let bwrap = Path::new("/usr/bin/bwrap");
        arguments(bwrap, Path::new("/bin/ours"), sandbox, (Path::new("/data/jobs/1"), None), real)
            .join(" ")
    }

    /// A machine on which everything is there, without links.
    #[expect(clippy::unnecessary_wraps, reason = "it stands in for one that may find nothing")]
    fn plain(path: &Path) -> Option<PathBuf> {
        Some(path.to_owned())
    }

    #[test]
    fn the_whole_machine_is_read_only_and_the_working_directory_is_not() {
        let line = line(&Sandbox::default(), plain);
        assert!(line.starts_with("/usr/bin/bwrap --unshare-pid "), "{line}");
        assert!(
            line.ends_with(
                " --bind /data/jobs/1 /data/jobs/1 --chdir /data/jobs/1 -- /dev/lamplighter/program supervise wall --"
            ),
            "{line}"
        );
        for part in [
            "--die-with-parent",
            "--new-session",
            "--ro-bind / /",
            "--cap-drop ALL",
            "--unshare-net",
            "--ro-bind /bin/ours /dev/lamplighter/program",
            "--remount-ro /proc",
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
        for private in PRIVATE {
            let size = if TEMPORARY.contains(&private) { MAX_TEMPORARY } else { MAX_PRIVATE };
            assert!(line.contains(&format!("--size {size} --tmpfs {private} ")), "{line}");
        }
        assert!(
            line.contains(&format!("--size {MAX_TEMPORARY} --tmpfs /dev/shm --remount-ro /dev "))
        );
        assert_eq!(line.matches("--bind").count(), 1, "nothing else may be written: {line}");
    }

    #[test]
    fn a_masked_file_is_empty_inside_though_its_folder_is_there() {
        let masked = vec!["/etc/lamplighter/token".into()];
        let line = line(&Sandbox { masked, ..Sandbox::default() }, plain);
        assert!(line.contains(" --ro-bind /dev/null /etc/lamplighter/token "), "{line}");
    }

    #[test]
    fn of_two_rules_the_one_for_the_deeper_folder_holds() {
        let sandbox = Sandbox {
            hidden: vec!["/home/ann/data".into(), "/data".into()],
            readable: vec!["/data/jobs/1/in.db".into(), "/home/ann/data/read".into()],
            writable: vec!["/home/ann".into()],
            ..Sandbox::default()
        };
        let line = line(&sandbox, plain);
        let at = |part: &str| line.find(part).unwrap_or_else(|| panic!("{part}: {line}"));
        for (above, below) in [
            ("--tmpfs /home ", "--bind /home/ann "),
            ("--bind /home/ann ", "--tmpfs /home/ann/data "),
            ("--tmpfs /home/ann/data ", "--ro-bind /home/ann/data/read "),
            ("--tmpfs /data ", "--bind /data/jobs/1 "),
            ("--bind /data/jobs/1 ", "--ro-bind /data/jobs/1/in.db "),
        ] {
            assert!(at(above) < at(below), "{above}, {below}: {line}");
        }
    }

    #[test]
    fn a_working_directory_can_be_kept_and_opens_nothing_that_is_hidden_below_it() {
        let hidden = vec!["/data/jobs/1/db".into()];
        let line = line(&Sandbox { hidden, keep_working_dir: true, ..Sandbox::default() }, plain);
        let at = |part: &str| line.find(part).unwrap_or_else(|| panic!("{part}: {line}"));
        assert!(at("--ro-bind /data/jobs/1 ") < at("--tmpfs /data/jobs/1/db "), "{line}");
        assert!(!line.contains("--bind /data"), "{line}");
    }

    #[test]
    fn what_is_not_there_is_not_hidden_and_what_is_behind_a_link_is() {
        let sandbox = Sandbox { hidden: vec!["/gone".into()], ..Sandbox::default() };
        let real = |path: &Path| match path.to_str()? {
            "/home" => Some("/var/home".into()),
            "/data/jobs/1" => Some(path.to_owned()),
            _ => None,
        };
        let line = line(&sandbox, real);
        assert!(line.contains("--tmpfs /var/home ") && !line.contains(" /home "), "{line}");
        assert!(!line.contains("/gone") && !line.contains("/mnt"), "{line}");
    }

    #[test]
    fn the_view_of_programs_names_what_there_is_and_its_root_cannot_be_filled() {
        let line = line(&Sandbox { view: View::Programs, ..Sandbox::default() }, plain);
        assert!(line.contains(" --ro-bind-try /usr /usr ") && !line.contains(" / /"), "{line}");
        assert!(!line.contains(" /etc ") && !line.contains(" /var "), "{line}");
        assert!(line.find("--tmpfs /tmp").unwrap() < line.find("--remount-ro / ").unwrap());
    }

    #[test]
    fn the_socket_of_the_passage_is_mounted() {
        let passage = Some("/data/wall/7".into());
        let line = line(&Sandbox { passage, ..Sandbox::default() }, plain);
        assert!(line.contains(" --ro-bind /data/wall/7 /dev/lamplighter/wall "), "{line}");
    }

    #[test]
    fn another_user_finds_folders_it_may_enter_and_our_program_only_what_makes_it_that_user() {
        let user = AgentUser { uid: 998, gid: 997, name: None };
        let sandbox = Sandbox {
            hidden: vec!["/data".into()],
            masked: vec!["/etc/lamplighter/token".into()],
            ..Sandbox::default()
        };
        let line = arguments(
            Path::new("bwrap"),
            Path::new("/bin/ours"),
            &sandbox,
            (Path::new("/data/jobs/1"), Some(&user)),
            plain,
        );
        let line = line.join(" ");
        for part in [
            " --cap-drop ALL --cap-add CAP_SETUID --cap-add CAP_SETGID ",
            " --perms 0755 --dir /dev/lamplighter --ro-bind /bin/ours /dev/lamplighter/program ",
            " --perms 1777 --size 268435456 --tmpfs /dev/shm ",
            " --perms 1777 --size 16777216 --tmpfs /data ",
            " --perms 0755 --dir /data/jobs --bind /data/jobs/1 /data/jobs/1 ",
            " --perms 0755 --dir /etc/lamplighter --ro-bind /dev/null /etc/lamplighter/token ",
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert!(
            line.ends_with(
                " --chdir / -- /dev/lamplighter/program supervise wall 998:997 /data/jobs/1 --"
            ),
            "{line}"
        );
    }
}
