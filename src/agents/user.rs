//! The user as which a server of root runs agents.
//!
//! *Source:* `passwd(5)`; `acl(5)` for who may do what with a file. Users that only a directory service knows are not looked
//! up: `agent.uid` names them by number.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The system user that agents get where there is one.
pub const AGENT_USER: &str = "lamplighter-agent";
/// The file of users.
const USERS: &str = "/etc/passwd";
/// The file of groups.
const GROUPS: &str = "/etc/group";

/// Reading, writing, entering: the bits of `rwx`.
pub(crate) const READ: u16 = 4;
pub(crate) const WRITE: u16 = 2;
pub(crate) const ENTER: u16 = 1;

/// The user as which agents run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentUser {
    /// Its number, never root's.
    pub uid: u32,
    /// The number of its group.
    pub gid: u32,
    /// Its name, if it has one.
    pub name: Option<String>,
}

impl AgentUser {
    /// The system user [`AGENT_USER`] if there is one, else the user of this number, whose group has the same number unless
    /// the file of users names another. `None` if neither is there.
    ///
    /// # Errors
    /// Those of the system if the files of users and groups cannot be read, and the number of a group without such a user:
    /// what is open to that group would be open to agents.
    pub fn find(uid: Option<u32>) -> io::Result<Option<Self>> {
        let read =
            |path| std::fs::read(path).map(|text| String::from_utf8_lossy(&text).into_owned());
        let user = Self::of(&read(USERS)?, uid);
        match &user {
            Some(Self { gid, name: None, .. }) if has_group(&read(GROUPS)?, *gid) => {
                let why =
                    format!("no user has the id {gid}, but a group has; name the id of a user");
                Err(io::Error::other(why))
            }
            Some(_) | None => Ok(user),
        }
    }

    fn of(users: &str, uid: Option<u32>) -> Option<Self> {
        let all = || users.lines().filter_map(Self::parse).filter(|user| user.uid != 0);
        if let Some(user) = all().find(|user| user.name.as_deref() == Some(AGENT_USER)) {
            return Some(user);
        }
        let uid = uid.filter(|uid| *uid != 0)?;
        let known = all().find(|user| user.uid == uid);
        Some(known.unwrap_or(Self { uid, gid: uid, name: None }))
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(Self { uid, gid, name: Some(name.to_owned()) })
    }

    /// Whether it may do this with a file or folder that it has reached.
    pub(crate) fn may(&self, path: &Path, wanted: u16) -> bool {
        system::rights(self, path).is_ok_and(|rights| rights & wanted == wanted)
    }

    /// The first folder on the way to a path that it may not enter.
    pub(crate) fn closed_above(&self, path: &Path) -> Option<PathBuf> {
        let mut above: Vec<_> = path.ancestors().skip(1).collect();
        above.reverse();
        let closed = above.into_iter().find(|folder| !self.may(folder, ENTER));
        closed.map(Path::to_owned)
    }
}

/// Whether a group has this number.
fn has_group(groups: &str, gid: u32) -> bool {
    groups.lines().any(|line| line.split(':').nth(2).and_then(|id| id.parse().ok()) == Some(gid))
}

impl fmt::Display for AgentUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(name),
            None => write!(f, "the user of id {}", self.uid),
        }
    }
}

#[cfg(target_os = "linux")]
mod system {
    use super::AgentUser;
    use crate::agents::acl::{ACCESS, Acl};
    use std::io;
    use std::os::unix::fs::MetadataExt as _;
    use std::path::Path;

    pub(super) fn rights(user: &AgentUser, path: &Path) -> io::Result<u16> {
        let found = path.metadata()?;
        let acl = Acl::read(path, ACCESS)?.unwrap_or_else(|| Acl::of_mode(found.mode()));
        Ok(acl.rights((user.uid, user.gid), (found.uid(), found.gid())))
    }
}

/// Elsewhere no server of root runs agents.
#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn rights(_: &super::AgentUser, _: &std::path::Path) -> std::io::Result<u16> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65533:nobody:/:/sbin/nologin\n\
        half a line\nann:x:1000:1001:Ann,,,:/home/ann:/bin/sh\n";

    #[test]
    fn agents_are_the_system_user_of_that_name_else_the_user_of_the_number_else_nobody() {
        let with_user = format!("{TABLE}lamplighter-agent:x:998:997::/:/usr/sbin/nologin\n");
        let user = AgentUser::of(&with_user, Some(1000)).unwrap();
        assert_eq!((user.uid, user.gid, user.to_string().as_str()), (998, 997, AGENT_USER));
        let user = AgentUser::of(TABLE, Some(1000)).unwrap();
        assert_eq!((user.uid, user.gid, user.to_string().as_str()), (1000, 1001, "ann"));
        let user = AgentUser::of(TABLE, Some(4242)).unwrap();
        assert_eq!((user.uid, user.gid), (4242, 4242));
        assert_eq!(user.to_string(), "the user of id 4242");
        assert_eq!(AgentUser::of(TABLE, None), None);
    }

    #[test]
    fn a_group_is_known_by_its_number() {
        let groups = "root:x:0:\nshadow:x:42:\nhalf a line\n";
        assert!(has_group(groups, 42) && has_group(groups, 0));
        assert!(!has_group(groups, 4242));
    }

    #[test]
    fn root_is_never_the_user_of_agents() {
        assert_eq!(AgentUser::of(TABLE, Some(0)), None);
        let named = "lamplighter-agent:x:0:0::/:/bin/sh\n";
        assert_eq!(AgentUser::of(named, None), None);
    }
}
