//! The codes of files and folders that somebody named.

use super::Code;
use std::io::ErrorKind;

impl Code {
    /// The code of a file or folder that somebody named and that cannot be read: of every kind of file the same for one that
    /// is not there and for one that this user may not read; `other` for any other failure.
    pub(crate) fn of_input(kind: ErrorKind, other: Self) -> Self {
        if kind == ErrorKind::NotFound {
            Self::InputMissing
        } else if kind == ErrorKind::PermissionDenied {
            Self::InputNoAccess
        } else {
            other
        }
    }
}
