//! Takes away what an earlier run has left in the folder of a run and the agent program would obey.
//!
//! A session that continues another one has its folder. The program takes settings from its configuration folder whatever its
//! arguments say, variables of the environment among them, so what a run that may only read has written there would hold for
//! one that may do everything. Each run finds its home and its folder for temporary files empty, and of its configuration
//! the files of sessions alone.
//!
//! *Invariants:* no link is followed. Each folder is held open while it is emptied, and however deep folders lie in each
//! other, none is reached by a long path or by a call within a call.

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, chmod, fstat, openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

/// Folders of a run in which nothing is kept.
const EMPTIED: [&str; 2] = ["home", "tmp"];
/// The folder with the program's configuration.
const CONFIG: &str = "config";
/// In that: a folder for each folder in which sessions worked, with a file for each session.
const SESSIONS: &str = "projects";
/// How the file of a session ends.
const SESSION_ENDS: &[u8] = b".jsonl";
/// A folder that is opened itself, and never what a link in its place leads to.
const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// The rights of the owner, which it takes to empty a folder.
const OWNER: u32 = 0o700;

/// Takes away what an earlier run has left in the folder of a run, but for the files of sessions.
///
/// # Errors
/// Those of the system; then something may be left.
pub(crate) fn sweep_clean(root: &Path) -> io::Result<()> {
    let root = rustix::fs::open(root, OFlags::RDONLY | FOLDER, Mode::empty())?;
    for name in EMPTIED {
        Broom::of(folder(&root, name)?).sweep(|_, _| false)?;
    }
    Broom::of(folder(&root, CONFIG)?).sweep_but_sessions()
}

/// Empties one folder.
struct Broom {
    top: OwnedFd,
    /// Folders that were found, which are moved into the one that is emptied.
    moved: Vec<String>,
    count: u64,
}

impl Broom {
    fn of(top: OwnedFd) -> Self {
        Self { top, moved: Vec::new(), count: 0 }
    }

    /// Takes away all that is in the folder, but for what is kept.
    fn sweep(mut self, keeps: fn(&[u8], FileType) -> bool) -> io::Result<()> {
        self.clear(None, keeps)?;
        self.finish()
    }

    /// The same of a folder of configuration.
    fn sweep_but_sessions(mut self) -> io::Result<()> {
        let is_sessions =
            |name: &[u8], kind| name == SESSIONS.as_bytes() && kind == FileType::Directory;
        self.clear(None, is_sessions)?;
        match folder(&self.top, SESSIONS) {
            Ok(all) => {
                self.clear(Some(&all), |_, kind| kind == FileType::Directory)?;
                for name in names(&all)? {
                    let of_one = folder(&all, name.as_c_str())?;
                    let is_session = |name: &[u8], kind| {
                        name.ends_with(SESSION_ENDS) && kind == FileType::RegularFile
                    };
                    self.clear(Some(&of_one), is_session)?;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        self.finish()
    }

    /// Removes the files of a folder, by default of the one that is emptied, and moves its folders there.
    fn clear(
        &mut self,
        of: Option<&OwnedFd>,
        keeps: fn(&[u8], FileType) -> bool,
    ) -> io::Result<()> {
        let of = of.unwrap_or(&self.top);
        for name in names(of)? {
            let found = statat(of, name.as_c_str(), AtFlags::SYMLINK_NOFOLLOW)?;
            let kind = FileType::from_raw_mode(found.st_mode);
            if keeps(name.as_bytes(), kind) {
                continue;
            }
            if kind != FileType::Directory {
                unlinkat(of, name.as_c_str(), AtFlags::empty())?;
                continue;
            }
            // A folder that its owner may not write cannot be moved.
            drop(folder(of, name.as_c_str())?);
            let to = loop {
                let to = format!("swept-{}", self.count);
                self.count += 1;
                match statat(&self.top, to.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
                    Err(Errno::NOENT) => break to,
                    taken => {
                        taken?;
                    }
                }
            };
            renameat(of, name.as_c_str(), &self.top, to.as_str())?;
            self.moved.push(to);
        }
        Ok(())
    }

    /// Removes the folders that were moved, and those in them.
    fn finish(mut self) -> io::Result<()> {
        while let Some(name) = self.moved.pop() {
            let inner = folder(&self.top, name.as_str())?;
            self.clear(Some(&inner), |_, _| false)?;
            unlinkat(&self.top, name.as_str(), AtFlags::REMOVEDIR)?;
        }
        Ok(())
    }
}

/// Opens a folder in another one. A run may have closed it to its owner.
fn folder(of: &OwnedFd, name: impl rustix::path::Arg + Copy) -> io::Result<OwnedFd> {
    let held = openat(of, name, OFlags::PATH | FOLDER, Mode::empty())?;
    let path = format!("/proc/self/fd/{}", held.as_raw_fd());
    let mode = fstat(&held)?.st_mode;
    if mode & OWNER != OWNER {
        chmod(path.as_str(), Mode::from_raw_mode(mode | OWNER))?;
    }
    let open = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(&held, ".", open, Mode::empty())?)
}

fn names(folder: &OwnedFd) -> io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_bytes() != b"." && name.to_bytes() != b".." {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn of_an_earlier_run_the_files_of_sessions_stay_and_no_link_leads_the_broom_elsewhere() {
        let data = tempfile::tempdir().unwrap();
        let root = data.path().join("7");
        let other = data.path().join("other");
        for folder in ["config/projects/-srv-shop/memory/deep", "config/plugins/x", "home/.config"]
        {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for folder in [&root.join("tmp"), &root.join("work"), &other] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(other.join("file"), "").unwrap();
        let kept = "config/projects/-srv-shop/5f0c.jsonl";
        for file in [
            kept,
            "config/.claude.json",
            "config/settings.json",
            "config/swept-0",
            "config/projects/odd.jsonl",
            "config/projects/-srv-shop/CLAUDE.md",
            "config/projects/-srv-shop/memory/MEMORY.md",
            "config/plugins/x/odd.jsonl",
            "home/.bashrc",
            "home/.config/odd",
            "tmp/odd.node",
            "work/mine",
        ] {
            fs::write(root.join(file), "{}").unwrap();
        }
        for link in ["config/link", "config/projects/-link", "home/link", "tmp/link"] {
            symlink(&other, root.join(link)).unwrap();
        }
        symlink(other.join("file"), root.join("config/projects/-srv-shop/link.jsonl")).unwrap();
        let closed = root.join("config/plugins/x");
        fs::set_permissions(&closed, Permissions::from_mode(0o0)).unwrap();

        sweep_clean(&root).unwrap();
        let mut left = Vec::new();
        let mut open = vec![root.clone()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    open.push(entry.path());
                } else {
                    left.push(entry.path().strip_prefix(&root).unwrap().to_owned());
                }
            }
        }
        left.sort();
        assert_eq!(left, [Path::new(kept), Path::new("work/mine")]);
        assert!(other.join("file").exists());
        sweep_clean(&root).unwrap();
        assert!(root.join(kept).exists() && root.join("home").is_dir());
    }

    #[test]
    fn a_link_in_the_place_of_the_folder_of_sessions_or_of_configuration_is_not_followed() {
        let data = tempfile::tempdir().unwrap();
        let root = data.path().join("7");
        let other = data.path().join("other");
        fs::create_dir_all(other.join("-srv")).unwrap();
        fs::write(other.join("-srv/file"), "").unwrap();
        for folder in ["home", "tmp", "config"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        symlink(&other, root.join("config/projects")).unwrap();
        sweep_clean(&root).unwrap();
        assert!(root.join("config/projects").symlink_metadata().is_err());
        fs::remove_dir(root.join("config")).unwrap();
        symlink(&other, root.join("config")).unwrap();
        sweep_clean(&root).unwrap_err();
        assert!(other.join("-srv/file").exists());
    }

    #[test]
    fn folders_that_lie_deeper_in_each_other_than_a_path_is_long_are_taken_away() {
        let data = tempfile::tempdir().unwrap();
        for folder in ["home", "tmp", "config"] {
            fs::create_dir(data.path().join(folder)).unwrap();
        }
        let open = |of: &OwnedFd, name: &str| folder(of, name).unwrap();
        let root = rustix::fs::open(data.path(), OFlags::RDONLY | FOLDER, Mode::empty()).unwrap();
        let mut at = open(&root, "home");
        for _ in 0..3000 {
            rustix::fs::mkdirat(&at, "deeper", Mode::RWXU).unwrap();
            at = open(&at, "deeper");
        }
        sweep_clean(data.path()).unwrap();
        assert_eq!(fs::read_dir(data.path().join("home")).unwrap().count(), 0);
    }
}
