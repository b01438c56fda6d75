//! Access control lists of files, as the kernel keeps them in extended attributes.
//!
//! *Source:* `acl(5)`, and `posix_acl_xattr.h` of the kernel: a version, then a tag, a right and a number for each entry.

use rustix::fs::{XattrFlags, getxattr, setxattr};
use rustix::io::Errno;
use std::io;
use std::path::Path;

/// Who may do what with a file.
pub(crate) const ACCESS: &str = "system.posix_acl_access";
/// What the files get that are made in a folder.
pub(crate) const DEFAULT: &str = "system.posix_acl_default";

const VERSION: u32 = 2;
const OWNER: u16 = 0x01;
const USER: u16 = 0x02;
const OWN_GROUP: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHERS: u16 = 0x20;
/// The number of an entry that names nobody.
const NOBODY: u32 = u32::MAX;
/// The most bytes of a list that the kernel hands out.
const MAX_BYTES: usize = 65_536;

/// One entry: its tag, the right, and whom it names. They stand in the order of the tags and numbers.
type Entry = (u16, u32, u16);

/// The list of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Acl(Vec<Entry>);

impl Acl {
    /// The list of a file, if it has one.
    ///
    /// # Errors
    /// Those of the system. A file system that keeps no lists has none.
    pub(crate) fn read(path: &Path, name: &str) -> io::Result<Option<Self>> {
        let mut bytes = Vec::with_capacity(MAX_BYTES);
        match getxattr(path, name, rustix::buffer::spare_capacity(&mut bytes)) {
            Ok(_) => Self::parse(&bytes).map(Some),
            Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes it.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn write(&self, path: &Path, name: &str) -> io::Result<()> {
        let mut bytes = VERSION.to_le_bytes().to_vec();
        for (tag, id, right) in &self.0 {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(right.to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        Ok(setxattr(path, name, &bytes, XattrFlags::empty())?)
    }

    /// The list that says what the bits of a mode say.
    pub(crate) fn of_mode(mode: u32) -> Self {
        let bits = |shift: u32| (mode >> shift & 7) as u16;
        Self(vec![
            (OWNER, NOBODY, bits(6)),
            (OWN_GROUP, NOBODY, bits(3)),
            (OTHERS, NOBODY, bits(0)),
        ])
    }

    /// Gives a user a right. `false`, and nothing is changed, if that would give others more than they have.
    pub(crate) fn grant(&mut self, uid: u32, right: u16) -> bool {
        let named = |entry: &Entry| matches!(entry.0, USER | OWN_GROUP | GROUP);
        match self.right(MASK, NOBODY) {
            Some(mask) if mask & right != right => return false,
            Some(_) => {}
            None => {
                let mask =
                    self.0.iter().filter(|entry| named(entry)).fold(right, |all, e| all | e.2);
                self.0.push((MASK, NOBODY, mask));
            }
        }
        self.0.retain(|entry| (entry.0, entry.1) != (USER, uid));
        self.0.push((USER, uid, right));
        self.0.sort_unstable();
        true
    }

    /// Takes from a user what [`Acl::grant`] gave, and what the user's own group was given; `false` if the list names neither.
    pub(crate) fn revoke(&mut self, (uid, gid): (u32, u32)) -> bool {
        let before = self.0.len();
        let named = [(USER, uid), (GROUP, gid)];
        self.0.retain(|entry| !named.contains(&(entry.0, entry.1)));
        let is_changed = self.0.len() < before;
        if is_changed && !self.0.iter().any(|entry| matches!(entry.0, USER | GROUP)) {
            self.0.retain(|entry| entry.0 != MASK);
        }
        is_changed
    }

    /// Takes a right from everybody who is not named; `false` if they had it not.
    pub(crate) fn take_from_others(&mut self, right: u16) -> bool {
        let mut others =
            self.0.iter_mut().filter(|entry| entry.0 == OTHERS && entry.2 & right != 0);
        others.next().map(|entry| entry.2 &= !right).is_some()
    }

    /// What a user of this group may do with a file of this owner and group.
    pub(crate) fn rights(&self, (uid, gid): (u32, u32), (owner, group): (u32, u32)) -> u16 {
        let mask = self.right(MASK, NOBODY).unwrap_or(7);
        if uid == owner {
            return self.right(OWNER, NOBODY).unwrap_or(0);
        }
        if let Some(right) = self.right(USER, uid) {
            return right & mask;
        }
        let own = self.right(OWN_GROUP, NOBODY).filter(|_| group == gid);
        let groups = own.into_iter().chain(self.right(GROUP, gid));
        match groups.reduce(|all, right| all | right) {
            Some(right) => right & mask,
            None => self.right(OTHERS, NOBODY).unwrap_or(0),
        }
    }

    fn right(&self, tag: u16, id: u32) -> Option<u16> {
        self.0.iter().find(|entry| (entry.0, entry.1) == (tag, id)).map(|entry| entry.2)
    }

    fn parse(bytes: &[u8]) -> io::Result<Self> {
        let broken =
            || io::Error::new(io::ErrorKind::InvalidData, "an access control list is broken");
        let (version, rest) = bytes.split_first_chunk().ok_or_else(broken)?;
        if u32::from_le_bytes(*version) != VERSION || rest.len() % 8 != 0 {
            return Err(broken());
        }
        let entry = |bytes: &[u8]| {
            let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
            let id = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
            (half(0), id, half(2))
        };
        Ok(Self(rest.chunks_exact(8).map(entry).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    const AGENT: u32 = 4242;

    #[test]
    fn what_a_user_is_given_goes_without_a_trace() {
        for mode in [0o600, 0o640, 0o644, 0o750, 0o755] {
            let before = Acl::of_mode(mode);
            let mut acl = before.clone();
            assert!(acl.grant(AGENT, 6));
            assert_eq!(acl.rights((AGENT, AGENT), (0, 0)) & 6, 6, "{mode:o}");
            let ann = (1, 1);
            assert_eq!(acl.rights(ann, (0, 1)), before.rights(ann, (0, 1)), "{mode:o}");
            assert!(acl.revoke((AGENT, AGENT)) && !acl.revoke((AGENT, AGENT)));
            assert_eq!(acl, before, "{mode:o}");
        }
    }

    #[test]
    fn nobody_else_gets_more_by_what_a_user_is_given() {
        // Bob's right is held down by the mask.
        let mut acl = Acl(vec![
            (OWNER, NOBODY, 6),
            (USER, 1000, 6),
            (OWN_GROUP, NOBODY, 0),
            (MASK, NOBODY, 4),
            (OTHERS, NOBODY, 0),
        ]);
        let before = acl.clone();
        assert!(!acl.grant(AGENT, 6));
        assert_eq!(acl, before);
        assert!(acl.grant(AGENT, 4) && acl.revoke((AGENT, AGENT)));
        assert_eq!(acl, before, "a mask that was there stays");
    }

    #[test]
    fn an_entry_for_a_user_goes_before_what_everybody_may() {
        let mut acl = Acl::of_mode(0o755);
        assert_eq!(acl.rights((AGENT, AGENT), (0, 0)), 5);
        assert!(acl.grant(AGENT, 0));
        assert_eq!(acl.rights((AGENT, AGENT), (0, 0)), 0);
        assert_eq!(acl.rights((AGENT, AGENT), (AGENT, 0)), 7, "the owner is the owner");
    }

    #[test]
    fn the_kernel_keeps_a_list_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(Acl::read(&path, ACCESS).unwrap(), None);
        let mut acl = Acl::of_mode(0o640);
        assert!(acl.grant(AGENT, 6));
        if let Err(error) = acl.write(&path, ACCESS) {
            assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{error}");
            return;
        }
        let mut kept = Acl::read(&path, ACCESS).unwrap().unwrap();
        assert_eq!(kept, acl);
        assert!(kept.revoke((AGENT, AGENT)));
        kept.write(&path, ACCESS).unwrap();
        assert_eq!(Acl::read(&path, ACCESS).unwrap(), None);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    }
}
