//! The folders in which runs of agents may have written: who writes in a folder can lay links there, so none of them is followed.
//!
//! The list is a file of the data directory, which only grows: a link outlives the record of the run that made it. A folder is
//! on it before the first run writes there.

use crate::files;
use serde_json::Value;
use std::collections::{HashSet, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

/// The file of the list, in the data directory: a path in each line, as JSON.
const FILE: &str = "written";
/// The folders of runs, in the data directory.
const RUNS: &str = "jobs";
/// The longest list that is read, in bytes.
const MAX_LIST: u64 = 64 * 1024 * 1024;
/// Links that may lead to each other, as the kernel has it.
const MAX_LINKS: u32 = 40;

/// The folders in which runs may have written, those of runs among them.
#[derive(Debug)]
pub(crate) struct Written {
    folders: HashSet<PathBuf>,
    /// The same by disk and number: a folder may be mounted at a second place.
    numbers: HashSet<(u64, u64)>,
}

impl Written {
    /// Reads the list of a data directory.
    ///
    /// # Errors
    /// Those of the system. Without the list no path is to be trusted.
    pub(crate) fn read(data_dir: &Path) -> io::Result<Self> {
        let data_dir = data_dir.canonicalize()?;
        let mut folders = named(&data_dir)?;
        folders.insert(data_dir.join(RUNS));
        let found = folders.iter().filter_map(|folder| folder.metadata().ok());
        let numbers = found.map(|found| (found.dev(), found.ino())).collect();
        Ok(Self { folders, numbers })
    }

    /// Writes down that runs may write in a folder from now on, by its path without links.
    ///
    /// # Errors
    /// Those of the system, and a path that is no text.
    pub(crate) fn add(data_dir: &Path, folder: &Path) -> io::Result<()> {
        let known = named(data_dir)?;
        if folder.ancestors().any(|above| known.contains(above)) {
            return Ok(());
        }
        let path = folder.to_str().ok_or_else(|| io::Error::other("its path is no text"))?;
        // The line before it may have been cut off by a failure of the machine. One call writes it, so that two servers do not mix.
        let line = format!("\n{}\n", Value::from(path));
        let mut options = OpenOptions::new();
        let mut file = options.append(true).create(true).mode(0o600).open(data_dir.join(FILE))?;
        file.write_all(line.as_bytes())?;
        file.sync_all()?;
        File::open(data_dir)?.sync_all()
    }

    /// Whether a folder, whose path has no links, is one in which runs may have written, or lies in one.
    pub(crate) fn holds(&self, folder: &Path) -> bool {
        folder.ancestors().any(|above| {
            let number =
                || above.metadata().is_ok_and(|it| self.numbers.contains(&(it.dev(), it.ino())));
            self.folders.contains(above) || number()
        })
    }

    /// The path without links of what a path leads to. What comes after this look is seen by who opens that path: it has no
    /// links then either, or somebody has laid one since.
    ///
    /// # Errors
    /// Those of the system, and `InvalidInput` for a link that a run may have laid.
    pub(crate) fn way(&self, path: &Path) -> io::Result<PathBuf> {
        let (mut here, mut links) = (PathBuf::from("/"), 0);
        let mut steps: VecDeque<PathBuf> = steps(&std::path::absolute(path)?).collect();
        while let Some(step) = steps.pop_front() {
            if step == Path::new("..") {
                here.pop();
                continue;
            }
            let next = here.join(&step);
            if !next.symlink_metadata()?.is_symlink() {
                here = next;
                continue;
            }
            let target = next.read_link()?;
            if self.holds(&here) {
                let why = format!(
                    "{} is a link to {}, in a folder in which agents may have written; name what it leads to, if you mean that",
                    next.display(),
                    target.display()
                );
                return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(io::Error::other("too many links lead there"));
            }
            if target.is_absolute() {
                here = PathBuf::from("/");
            }
            for step in self::steps(&target).collect::<Vec<_>>().into_iter().rev() {
                steps.push_front(step);
            }
        }
        Ok(here)
    }

    /// Refuses a file that was opened for a log, or for one that was rotated, if a run may have put it there: behind a link, or
    /// as a second name of a file that lies elsewhere.
    ///
    /// # Errors
    /// As [`Written::way`], and `InvalidInput` for such a file.
    #[cfg(feature = "monitor")]
    pub(crate) fn admit(&self, log: &Path, opened: &File) -> io::Result<()> {
        let log = std::path::absolute(log)?;
        let folder = match self.way(&log) {
            Ok(way) => way.parent().map(Path::to_owned),
            // The log is gone, and read to its end.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                log.parent().map(|folder| self.way(folder)).transpose()?
            }
            Err(error) => return Err(error),
        };
        let Some(folder) = folder.filter(|folder| self.holds(folder)) else { return Ok(()) };
        let refused = |why: &str| {
            let why =
                format!("{why}, and the log lies in a folder in which agents may have written");
            Err(io::Error::new(io::ErrorKind::InvalidInput, why))
        };
        if !lies_in(opened, &folder)? {
            return refused("the file was reached by a link");
        }
        if opened.metadata()?.nlink() > 1 {
            return refused("the file has a second name");
        }
        Ok(())
    }
}

/// Whether the kernel says that an open file lies, or lay, in a folder whose path has no links.
#[cfg(all(feature = "monitor", target_os = "linux"))]
fn lies_in(file: &File, folder: &Path) -> io::Result<bool> {
    use std::os::fd::AsRawFd as _;
    let place = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    Ok(place.parent() == Some(folder))
}

/// Elsewhere no run of an agent can be started.
#[cfg(all(feature = "monitor", not(target_os = "linux")))]
fn lies_in(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

/// The parts of a path, its root left out.
fn steps(path: &Path) -> impl Iterator<Item = PathBuf> {
    let parts = path.components();
    let parts = parts.filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
    parts.map(|part| PathBuf::from(part.as_os_str()))
}

/// The folders of the list.
fn named(data_dir: &Path) -> io::Result<HashSet<PathBuf>> {
    let mut text = String::new();
    match files::open_unlinked(&data_dir.join(FILE)) {
        Ok(file) => {
            file.take(MAX_LIST).read_to_string(&mut text)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // A line that was cut off is of a folder in which nobody has written: the run came after the line.
    let paths = text.lines().filter_map(|line| serde_json::from_str::<String>(line).ok());
    Ok(paths.map(PathBuf::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_link_is_followed_but_where_runs_may_have_written() {
        let files = tempfile::tempdir().unwrap();
        let root = files.path().canonicalize().unwrap();
        let [data, shop, other] = ["data", "shop", "other"].map(|name| root.join(name));
        for folder in [&data.join("jobs/7/work"), &shop.join("inner"), &other.join("deep")] {
            fs::create_dir_all(folder).unwrap();
        }
        symlink("../other/deep", shop.join("link")).unwrap();
        symlink(&shop, root.join("to-shop")).unwrap();
        symlink("/", data.join("jobs/7/work/all")).unwrap();
        let way = |path: PathBuf| Written::read(&data).unwrap().way(&path);
        assert_eq!(way(shop.join("link")).unwrap(), other.join("deep"));
        Written::add(&data, &shop).unwrap();
        Written::add(&data, &shop.join("inner")).unwrap();
        Written::add(&data, &root.join("a \"b\"\nc")).unwrap();
        assert_eq!(fs::read_to_string(data.join(FILE)).unwrap().lines().count(), 4, "two of them");
        for path in [shop.join("link"), root.join("to-shop/link"), data.join("jobs/7/work/all")] {
            let why = way(path.clone()).unwrap_err().to_string();
            assert!(why.contains("is a link to") && why.contains("may have written"), "{why}");
        }
        assert_eq!(way(root.join("to-shop/./inner/../inner")).unwrap(), shop.join("inner"));
        assert_eq!(way(other.join("deep")).unwrap(), other.join("deep"));
        assert_eq!(way(root.join("gone")).unwrap_err().kind(), io::ErrorKind::NotFound);
        symlink("round", root.join("round")).unwrap();
        assert!(way(root.join("round")).is_err());
    }

    #[test]
    fn a_list_that_cannot_be_read_is_an_error_and_one_that_was_cut_off_is_not() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join(FILE), "\n\"/a\"\n\n\"/b").unwrap();
        Written::add(data.path(), Path::new("/c/d")).unwrap();
        let written = Written::read(data.path()).unwrap();
        assert!(written.holds(Path::new("/c/d/e")) && written.holds(Path::new("/a")));
        assert!(!written.holds(Path::new("/c")) && !written.holds(Path::new("/b")));
        fs::remove_file(data.path().join(FILE)).unwrap();
        symlink("/etc/passwd", data.path().join(FILE)).unwrap();
        assert!(Written::read(data.path()).is_err());
        assert!(Written::add(data.path(), Path::new("/c/d")).is_err());
    }
}
