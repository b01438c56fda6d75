//! Turns SQLite's errors into ours.

use crate::error::{Code, Error};
use rusqlite::ErrorCode;
use rusqlite::types::Type;

/// What a busy database means, in our words.
const BUSY: &str = "another program holds it and did not let go in time";

impl From<rusqlite::Error> for Error {
    /// The registered code by SQLite's own; what was being done is added by the call that ran the statement.
    ///
    /// For a busy database SQLite's words are left out: "locked" would make a reader look for damage or permissions.
    fn from(source: rusqlite::Error) -> Self {
        use rusqlite::Error as Sql;
        let corrupt = matches!(
            source,
            Sql::FromSqlConversionFailure(..)
                | Sql::InvalidColumnType(..)
                | Sql::IntegralValueOutOfRange(..)
                | Sql::Utf8Error(..)
        );
        let code = match source.sqlite_error_code() {
            _ if corrupt => Code::StoreCorrupt,
            Some(ErrorCode::DiskFull) => Code::StoreFull,
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed,
            ) => return Self::new(Code::StoreBusy, "").because(BUSY),
            Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig) => Code::StoreConstraint,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Code::StoreDamaged,
            _ => Code::StoreIo,
        };
        Self::new(code, "").because(source)
    }
}

/// The error of a stored text that we do not know, for `from_row` functions.
pub(in crate::store) fn unreadable(column: usize, what: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, format!("unknown {what}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_text_is_a_row_that_cannot_be_read_and_no_fault_of_the_disk() {
        let invalid = String::from_utf8(vec![0xff]).unwrap_err().utf8_error();
        let source = rusqlite::Error::Utf8Error(4, invalid);
        assert_eq!(Error::from(source).code(), Code::StoreCorrupt);
    }

    #[test]
    fn a_busy_database_is_told_in_our_words() {
        for code in [rusqlite::ffi::SQLITE_BUSY, rusqlite::ffi::SQLITE_LOCKED] {
            let theirs = Some("database table is locked".to_owned());
            let source = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), theirs);
            let error = Error::from(source).while_doing("write");
            let text =
                "[STORE-BUSY-001] write: another program holds it and did not let go in time";
            assert_eq!(error.to_string(), text);
        }
    }
}
