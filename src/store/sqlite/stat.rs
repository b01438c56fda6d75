//! The file at a path: which one it is and how long, and nothing else.
//!
//! Its times are not asked for. A kernel gives a file whose times were asked for an exact one at its next write, and a
//! sync has then to write the file's inode too: that doubles the time of a small commit.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What tells a file from every other one: its device and its inode.
pub(in crate::store) type Place = (u64, u64);

/// Where the file of these facts lies.
pub(in crate::store) fn place(data: &fs::Metadata) -> Place {
    (data.dev(), data.ino())
}

/// Where the file at a path lies, and how many bytes it has.
///
/// # Errors
/// As `stat`.
pub(super) fn stat(path: &Path) -> io::Result<(Place, u64)> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};
        use rustix::io::Errno;
        match statx(CWD, path, AtFlags::empty(), StatxFlags::INO | StatxFlags::SIZE) {
            Ok(data) => {
                let device = makedev(data.stx_dev_major, data.stx_dev_minor);
                return Ok(((device, data.stx_ino), data.stx_size));
            }
            // Some sandboxes know only the old call.
            Err(Errno::NOSYS | Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let data = fs::metadata(path)?;
    Ok((place(&data), data.len()))
}

#[cfg(test)]
mod tests {
    use super::{place, stat};
    use std::fs;
    use std::io::ErrorKind;

    #[test]
    fn a_file_is_the_one_that_its_facts_say_and_as_long() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        assert_eq!(stat(&path).unwrap_err().kind(), ErrorKind::NotFound);
        fs::write(&path, [7; 5000]).unwrap();
        let data = fs::metadata(&path).unwrap();
        assert_eq!(stat(&path).unwrap(), (place(&data), 5000));
        let below = stat(&path.join("y")).unwrap_err();
        assert_eq!(below.kind(), ErrorKind::NotADirectory);
    }
}
