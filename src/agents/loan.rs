//! Lends a working directory to the user of agents while a run goes on.
//!
//! What the run leaves there belongs to the folder's owner afterwards.
//!
//! Lent is by an entry of access control lists, so that no file of the owner ever belongs to anybody else, and a run that is
//! cut off leaves nothing worse than such an entry. Given back is by owner: a file of the agents' user becomes the folder
//! owner's. A file with another name outside of the folder is left as it is, because that name would change hands with it. A
//! link is left as it is too: programs trust the links of people whom they know.

use super::acl::{ACCESS, Acl, DEFAULT};
use super::tree::{self, Found, Missed, walk};
use super::user::{AgentUser, ENTER, READ, WRITE};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Why somebody gets no right by an access control list, whose mask a mode sets too.
const HELD_BACK: &str =
    "the mask of its access control list holds others back; `chmod g+x` on it raises the mask";
/// The bits of a mode that say that the owner may run a file.
const OWNER_RUNS: u32 = 0o100;
/// The bit of a mode by which everybody may write.
const OTHERS_WRITE: u32 = 0o002;
/// The bits of a mode that are permissions.
const MODE: u32 = 0o7777;

/// A folder that is lent, as it is written down until it is given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Loan {
    /// Which folder, without links on the way.
    pub(crate) folder: PathBuf,
    /// Its number on its disk, and its owner: by these it is known again.
    inode: u64,
    owner: u32,
    group: u32,
    /// To whom.
    user: AgentUser,
    /// Whether the user has to be let in. If not, the folder was open to it before.
    lets_in: bool,
}

impl Loan {
    /// The loan of a folder; `None` if the folder is the user's own.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn of(folder: &Path, user: &AgentUser) -> io::Result<Option<Self>> {
        let found = folder.metadata()?;
        let loan = Self {
            folder: folder.to_owned(),
            inode: found.ino(),
            owner: found.uid(),
            group: found.gid(),
            user: user.clone(),
            lets_in: !user.may(folder, READ | WRITE | ENTER),
        };
        Ok(Some(loan).filter(|loan| loan.owner != user.uid))
    }

    /// Whether one of two folders is in the other.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.folder.starts_with(&other.folder) || other.folder.starts_with(&self.folder)
    }

    /// Lets the user read and write what the folder's owner has in it, but for what is `spared`.
    ///
    /// # Errors
    /// Those of the system: of one that keeps no access control lists `Unsupported`.
    pub(crate) fn begin(&self, spared: &[PathBuf]) -> io::Result<Missed> {
        if !self.lets_in {
            return Ok(Missed::default());
        }
        let spared = numbers(spared);
        let root = tree::hold(&self.folder)?;
        self.recognise(&tree::found(&root)?)?;
        let mut named_twice = 0_u64;
        let mut missed = walk(&root, &mut |found| {
            if spared.contains(&number(found)) {
                return Ok(false);
            }
            // What has a second name may be somebody else's file by that name.
            let is_single = found.is_file() && found.state.st_nlink == 1;
            named_twice += u64::from(found.is_file() && !is_single);
            if found.state.st_uid == self.owner && (found.is_folder() || is_single) {
                let runs = found.is_folder() || found.state.st_mode & OWNER_RUNS != 0;
                let right = READ | WRITE | if runs { ENTER } else { 0 };
                let path = found.path();
                let acl = Acl::read(&path, ACCESS)?;
                let mut acl = acl.unwrap_or_else(|| Acl::of_mode(found.state.st_mode));
                if !acl.grant(self.user.uid, right) {
                    let why = HELD_BACK;
                    return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
                }
                acl.write(&path, ACCESS)?;
            }
            Ok(true)
        })?;
        for _ in 0..named_twice {
            missed.add("a file that has a second name is lent to nobody");
        }
        Ok(missed)
    }

    /// Takes the rights of the user back, and gives the folder's owner what the user has left in it.
    ///
    /// # Errors
    /// Those of the system, and of another folder in this place.
    pub(crate) fn give_back(&self, spared: &[PathBuf]) -> io::Result<Missed> {
        let root = match tree::hold(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut missed = Missed::default();
                let uid = self.user.uid;
                missed.add(&format!(
                    "the folder is not there any more; if somebody has moved it, take the user out of its lists there \
                     (setfacl -R -x u:{uid} FOLDER) and own what is in it again"
                ));
                return Ok(missed);
            }
            root => root?,
        };
        self.recognise(&tree::found(&root)?)?;
        let open_to_all = tree::found(&root)?.state.st_mode & OTHERS_WRITE != 0;
        let spared = numbers(spared);
        let mut names = HashMap::new();
        let mut missed = walk(&root, &mut |found| {
            if spared.contains(&number(found)) {
                return Ok(false);
            }
            let is_left = found.state.st_uid == self.user.uid && !found.is_link();
            if is_left && is_whole(found, &mut names) {
                let group = (found.state.st_gid == self.user.gid).then_some(self.group);
                found.give(self.owner, group)?;
            }
            if !found.is_link() && (is_left || self.lets_in) {
                self.strip(found)?;
            }
            if is_left && !open_to_all {
                close_to_others(found)?;
            }
            Ok(true)
        })?;
        for _ in names {
            missed.add("a file has another name outside of the folder");
        }
        Ok(missed)
    }

    fn recognise(&self, root: &Found<'_>) -> io::Result<()> {
        if (root.state.st_ino, root.state.st_uid) == (self.inode, self.owner) {
            return Ok(());
        }
        Err(io::Error::other("another folder is in its place"))
    }

    /// Takes the user out of the lists of a file.
    fn strip(&self, found: &Found<'_>) -> io::Result<()> {
        let path = found.path();
        for list in [Some(ACCESS), found.is_folder().then_some(DEFAULT)].into_iter().flatten() {
            if let Some(mut acl) = Acl::read(&path, list)?
                && acl.revoke((self.user.uid, self.user.gid))
            {
                acl.write(&path, list)?;
            }
        }
        Ok(())
    }
}

/// Takes from everybody the right to write what a run has left, and what is made in it.
fn close_to_others(found: &Found<'_>) -> io::Result<()> {
    let path = found.path();
    let mode = found.state.st_mode & MODE;
    if mode & OTHERS_WRITE != 0 {
        fs::set_permissions(&path, Permissions::from_mode(mode & !OTHERS_WRITE))?;
    }
    if found.is_folder()
        && let Some(mut acl) = Acl::read(&path, DEFAULT)?
        && acl.take_from_others(WRITE)
    {
        acl.write(&path, DEFAULT)?;
    }
    Ok(())
}

/// Gives a folder and all in it that its owner has there, or a single file, to a user.
///
/// # Errors
/// Those of the system.
pub(crate) fn hand_over(path: &Path, (uid, gid): (u32, u32)) -> io::Result<()> {
    let root = tree::hold_any(path)?;
    let owner = tree::found(&root)?.state.st_uid;
    if owner == uid {
        return Ok(());
    }
    let mut names = HashMap::new();
    let give = &mut |found: &Found<'_>| {
        if found.state.st_uid == owner && is_whole(found, &mut names) {
            found.give(uid, Some(gid))?;
        }
        Ok(true)
    };
    if !tree::found(&root)?.is_folder() {
        return give(&tree::found(&root)?).map(drop);
    }
    walk(&root, give).map(drop)
}

/// Lets a user enter a folder, and see nothing of it but what the user can name, also where everybody may look into it.
///
/// # Errors
/// As [`Loan::begin`].
pub(crate) fn let_enter(folder: &Path, user: &AgentUser) -> io::Result<()> {
    let is_so = user.may(folder, ENTER) && !user.may(folder, READ) && !user.may(folder, WRITE);
    if is_so { Ok(()) } else { set(folder, user, ENTER) }
}

/// Keeps a user out of a file or folder, whatever its mode says.
///
/// # Errors
/// As [`Loan::begin`].
pub(crate) fn keep_out(path: &Path, user: &AgentUser) -> io::Result<()> {
    set(path, user, 0)
}

fn set(path: &Path, user: &AgentUser, right: u16) -> io::Result<()> {
    let handle = tree::hold_any(path)?;
    let found = tree::found(&handle)?;
    if found.is_link() {
        return Ok(());
    }
    let mut acl = Acl::read(&found.path(), ACCESS)?;
    let acl = acl.get_or_insert_with(|| Acl::of_mode(found.state.st_mode));
    if !acl.grant(user.uid, right) {
        let why = HELD_BACK;
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    acl.write(&found.path(), ACCESS)
}

/// Whether this is the last of the names of a file; a folder has one.
fn is_whole(found: &Found<'_>, names: &mut HashMap<(u64, u64), u64>) -> bool {
    if found.is_folder() || found.state.st_nlink == 1 {
        return true;
    }
    let seen = names.entry(number(found)).or_default();
    *seen += 1;
    let is_last = *seen == found.state.st_nlink;
    if is_last {
        names.remove(&number(found));
    }
    is_last
}

/// What names a file on this machine.
fn number(found: &Found<'_>) -> (u64, u64) {
    (found.state.st_dev, found.state.st_ino)
}

fn numbers(paths: &[PathBuf]) -> HashSet<(u64, u64)> {
    let found = paths.iter().filter_map(|path| path.metadata().ok());
    found.map(|found| (found.dev(), found.ino())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{chown, symlink};

    const ANN: u32 = 54_322;

    /// A folder of Ann's with a file of hers, and its loan to a user; `None` if these tests are not root's.
    fn lent() -> Option<(tempfile::TempDir, Loan)> {
        let folder = tempfile::tempdir().unwrap();
        let shop = folder.path().canonicalize().unwrap().join("shop");
        fs::create_dir(&shop).unwrap();
        fs::write(shop.join("file"), "").unwrap();
        fs::set_permissions(shop.join("file"), fs::Permissions::from_mode(0o600)).unwrap();
        for path in [&shop, &shop.join("file")] {
            chown(path, Some(ANN), Some(ANN)).ok()?;
        }
        let user = AgentUser { uid: 54_321, gid: 54_321, name: None };
        let loan = Loan::of(&shop, &user).unwrap().unwrap();
        Some((folder, loan))
    }

    #[test]
    fn a_folder_that_has_taken_the_place_of_a_lent_one_is_left_alone() {
        let Some((_folder, loan)) = lent() else { return };
        let elsewhere = loan.folder.with_file_name("elsewhere");
        fs::rename(&loan.folder, &elsewhere).unwrap();
        let is_known = |loan: &Loan| loan.begin(&[]).is_ok() || loan.give_back(&[]).is_ok();
        let gone = loan.give_back(&[]).unwrap().why.unwrap();
        assert!(gone.starts_with("the folder is not there any more"), "{gone}");
        symlink(&elsewhere, &loan.folder).unwrap();
        assert!(!is_known(&loan), "a link");
        fs::remove_file(&loan.folder).unwrap();
        fs::create_dir(&loan.folder).unwrap();
        assert!(!is_known(&loan), "another folder");
        assert!(!loan.user.may(&elsewhere.join("file"), WRITE));
    }

    #[test]
    fn what_is_spared_is_neither_lent_nor_given_back() {
        let Some((_folder, loan)) = lent() else { return };
        let own = loan.folder.join("file");
        let data = loan.folder.join("data");
        fs::create_dir(&data).unwrap();
        fs::write(data.join("job"), "").unwrap();
        for path in [&data, &data.join("job")] {
            chown(path, Some(loan.user.uid), None).unwrap();
        }
        let spared = [data.clone()];
        assert!(loan.begin(&spared).unwrap().why.is_none());
        assert!(loan.user.may(&own, WRITE));
        assert!(loan.give_back(&spared).unwrap().why.is_none());
        assert!(!loan.user.may(&own, READ));
        assert_eq!(data.join("job").metadata().unwrap().uid(), loan.user.uid);
        assert!(loan.give_back(&[]).unwrap().why.is_none());
        assert_eq!(data.join("job").metadata().unwrap().uid(), ANN);
    }
}
