//! The sockets that lie in the file system. A process that sees the path of a socket can connect to it, read-only or not.
//!
//! *Source:* `proc(5)` on `/proc/net/unix`, whose last column is the path; `unix(7)`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The kernel's list of sockets.
const LIST: &str = "/proc/net/unix";
/// The column of the path.
const PATH_COLUMN: usize = 7;
/// Below this, a folder of a service that has a socket in it is the service's own: `/var/lib/mysql`, `/var/spool/postfix/private`.
const SERVICES: &str = "/var";
/// The parts that the path of such a folder has at least, its root among them.
const SERVICE_DEPTH: usize = 4;

/// The paths of the sockets that are served now. A list that cannot be read is an error: a run would see the sockets.
pub(super) fn served() -> std::io::Result<BTreeSet<PathBuf>> {
    Ok(paths(&std::fs::read(LIST)?))
}

/// A path need not be text.
fn paths(list: &[u8]) -> BTreeSet<PathBuf> {
    let path = |line: &[u8]| {
        // The path may hold spaces, and the columns before it are filled up with them.
        let mut rest = line;
        for _ in 0..PATH_COLUMN {
            rest = rest.trim_ascii_start();
            let end = rest.iter().position(u8::is_ascii_whitespace)?;
            rest = &rest[end + 1..];
        }
        rest.starts_with(b"/").then(|| PathBuf::from(OsStr::from_bytes(rest)))
    };
    list.split(|byte| *byte == b'\n').skip(1).filter_map(path).collect()
}

/// The folder that has to be hidden with a socket: a service that starts anew makes a new socket at the old path, and what
/// covered the old one is gone then.
pub(super) fn service_folder(socket: &Path) -> Option<&Path> {
    let folder = socket.parent()?;
    let is_own = folder.starts_with(SERVICES) && folder.components().count() >= SERVICE_DEPTH;
    is_own.then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_list_names_paths_and_abstract_names_and_sockets_without_one() {
        let list = b"Num       RefCount Protocol Flags    Type St Inode Path\n\
            0000000000000000: 00000002 00000000 00010000 0001 01 20817 /var/lib/my sql/s.sock\n\
            0000000000000000: 00000003 00000000 00000000 0001 03 1034267\n\
            0000000000000000: 00000002 00000000 00010000 0001 01  7 @/tmp/.X11-unix/X0\n\
            0000000000000000: 00000002 00000000 00000000 0002 01 9 /run/log\n\
            0000000000000000: 00000002 00000000 00010000 0001 01 21 /srv/\xff\xe9 s\n";
        let found: Vec<_> = paths(list).into_iter().collect();
        let no_text = Path::new(OsStr::from_bytes(b"/srv/\xff\xe9 s"));
        assert_eq!(found, [Path::new("/run/log"), no_text, Path::new("/var/lib/my sql/s.sock")]);
    }

    #[test]
    fn a_service_has_a_folder_of_its_own_and_a_folder_of_many_is_none() {
        let folder =
            |path| service_folder(Path::new(path)).map(|path| path.to_string_lossy().into_owned());
        assert_eq!(folder("/var/lib/mysql/mysql.sock").as_deref(), Some("/var/lib/mysql"));
        assert_eq!(
            folder("/var/spool/postfix/private/smtp").as_deref(),
            Some("/var/spool/postfix/private")
        );
        for path in ["/var/lib/s.sock", "/srv/app/s.sock", "/s.sock", "/opt/x/y/z/s.sock"] {
            assert_eq!(folder(path), None, "{path}");
        }
    }
}
