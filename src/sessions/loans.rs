//! The working directories that are lent to the agents' user at present.
//!
//! Each is written down in the data directory before it is lent: what a killed server has lent is given back when the next
//! one starts.

use super::Agents;
use crate::agents::Marker;
use crate::agents::loan::Loan;
use crate::environment;
use crate::error::{Code, Error, Result, ignore};
use crate::files;
use crate::heavy::heavy;
use crate::warn_coded;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The folder of the loans, in the data directory.
const FOLDER: &str = "lent";
/// How the file of a loan ends whose run is over.
const OVER: &str = "over";
/// How the file of a loan ends that is being written.
const DRAFT: &str = "new";

/// One folder is lent or given back at a time, because two of them may be one in the other.
static ONE: Mutex<()> = Mutex::new(());

/// Lends a working directory to the agents' user, if there is one, for the run of this marker.
///
/// # Errors
/// `AGENT-LEND-001` if it cannot be lent; then nothing of it is.
pub(super) async fn lend(agents: &Agents, marker: &Marker, folder: &Path) -> Result<()> {
    let Some(user) = agents.launcher.user().cloned() else { return Ok(()) };
    let doing = format!("lend {} to {user}", folder.display());
    let failed = |error: io::Error| {
        let error = if error.kind() == io::ErrorKind::Unsupported {
            io::Error::new(error.kind(), "its file system keeps no access control lists")
        } else {
            error
        };
        Error::of_disk(Code::AgentLend, doing.clone(), error)
    };
    let Some(loan) = Loan::of(folder, &user).map_err(failed)? else { return Ok(()) };
    let (book, spared) = (Book::of(agents), spared(agents));
    let name = marker.to_string();
    let lent = heavy(usize::MAX, move || {
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        book.write(&name, &loan)?;
        let missed = loan.begin(&spared)?;
        if let Some(why) = missed.why {
            let code = Code::AgentLend;
            let (count, folder) = (missed.count, loan.folder.display());
            warn_coded!(code, "not all of {folder} is lent to the run, {count} missing: {why}");
        }
        Ok(())
    });
    let Err(error) = lent.await else { return Ok(()) };
    give_back(agents, marker).await;
    Err(failed(error))
}

/// Gives back what was lent to the run of this marker, unless another run still has it.
pub(super) async fn give_back(agents: &Agents, marker: &Marker) {
    let book = Book::of(agents);
    let name = marker.to_string();
    if agents.launcher.user().is_none() || !book.path(&name).exists() {
        return;
    }
    let spared = spared(agents);
    heavy(usize::MAX, move || {
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        book.end(Some(&name), &spared);
    })
    .await;
}

/// Gives back everything that is lent. No run may be at work.
pub(super) async fn give_back_all(agents: &Agents) {
    let (book, spared) = (Book::of(agents), spared(agents));
    if !environment::is_root() {
        if fs::read_dir(&book.0).is_ok_and(|mut loans| loans.next().is_some()) {
            let why = "only root can; start the server once as root";
            warn_coded!(Code::AgentLend, "give back what {} names: {why}", book.0.display());
        }
        return;
    }
    heavy(usize::MAX, move || {
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        book.end(None, &spared);
    })
    .await;
}

/// What is never lent, wherever it lies: the server's own data and the files with keys.
fn spared(agents: &Agents) -> Vec<PathBuf> {
    [agents.data_dir.clone()].into_iter().chain(agents.secrets.iter().cloned()).collect()
}

/// The folder of the loans.
struct Book(PathBuf);

impl Book {
    fn of(agents: &Agents) -> Self {
        Self(agents.data_dir.join(FOLDER))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, loan: &Loan) -> io::Result<()> {
        files::make_private_folder(&self.0)?;
        let draft = self.path(name).with_extension(DRAFT);
        let file = files::open_or_make(&draft)?;
        serde_json::to_writer(&file, loan)?;
        file.sync_all()?;
        fs::rename(&draft, self.path(name))?;
        fs::File::open(&self.0)?.sync_all()
    }

    /// Ends one loan, or all of them, and gives back each folder of which no part is lent any more.
    fn end(&self, name: Option<&str>, spared: &[PathBuf]) {
        let Ok(entries) = fs::read_dir(&self.0) else { return };
        let files: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        let (mut over, mut going) = (Vec::new(), Vec::new());
        for path in files {
            if path.extension() == Some(OsStr::new(DRAFT)) {
                // Nothing was lent yet.
                let removed = fs::remove_file(&path);
                ignore(removed, "the next loan that is given back meets it again");
                continue;
            }
            let Some(loan) = read(&path) else { continue };
            let is_named = name.is_none_or(|name| path.file_name() == Some(OsStr::new(name)));
            if is_named || path.extension() == Some(OsStr::new(OVER)) {
                over.push((path, loan));
            } else {
                going.push(loan);
            }
        }
        for (path, loan) in over {
            if going.iter().any(|other| other.overlaps(&loan)) {
                note(fs::rename(&path, path.with_extension(OVER)), &loan);
                continue;
            }
            match loan.give_back(spared) {
                Ok(missed) => {
                    if let Some(why) = missed.why {
                        let (count, folder) = (missed.count, loan.folder.display());
                        warn_coded!(
                            Code::AgentLend,
                            "not all of {folder} is given back, {count} missing: {why}"
                        );
                    }
                    note(fs::remove_file(&path), &loan);
                }
                // The next start tries it again.
                Err(error) => note(Err(error), &loan),
            }
        }
    }
}

fn read(path: &Path) -> Option<Loan> {
    let file = files::open_unlinked(path).ok()?;
    match serde_json::from_reader(file) {
        Ok(loan) => Some(loan),
        Err(error) => {
            warn_coded!(Code::AgentLend, "read {}: {error}", path.display());
            None
        }
    }
}

fn note(done: io::Result<()>, loan: &Loan) {
    if let Err(error) = done {
        warn_coded!(Code::AgentLend, "give back {}: {error}", loan.folder.display());
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::agents::{AgentUser, ENTER};
    use std::os::unix::fs::{PermissionsExt as _, chown};

    /// Only root can lend what is another's.
    #[test]
    fn a_folder_stays_lent_until_no_loan_in_it_or_above_it_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let shop = folder.path().canonicalize().unwrap().join("shop");
        let inner = shop.join("inner");
        fs::create_dir_all(&inner).unwrap();
        for path in [&shop, &inner] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
            if chown(path, Some(54_322), Some(54_322)).is_err() {
                return;
            }
        }
        let user = AgentUser { uid: 54_321, gid: 54_321, name: None };
        let book = Book(folder.path().join(FOLDER));
        for (name, path) in [("outer", &shop), ("below", &inner)] {
            let loan = Loan::of(path, &user).unwrap().unwrap();
            book.write(name, &loan).unwrap();
            assert!(loan.begin(&[]).unwrap().why.is_none());
        }
        book.end(Some("outer"), &[]);
        assert!(user.may(&shop, ENTER) && user.may(&inner, ENTER));
        assert!(book.path("outer.over").exists());
        book.end(Some("below"), &[]);
        assert!(!user.may(&shop, ENTER) && !user.may(&inner, ENTER));
        assert_eq!(fs::read_dir(&book.0).unwrap().count(), 0);
    }
}
