//! SQLite's errors as ours.

use crate::error::{Code, Error};
use rusqlite::ErrorCode;
use rusqlite::types::Type;

impl From<rusqlite::Error> for Error {
    /// The registered code by SQLite's own; what was being done is added by the call that ran the statement.
    fn from(source: rusqlite::Error) -> Self {
        use rusqlite::Error as Sql;
        let corrupt = matches!(
            source,
            Sql::FromSqlConversionFailure(..)
                | Sql::InvalidColumnType(..)
                | Sql::IntegralValueOutOfRange(..)
        );
        let code = match source.sqlite_error_code() {
            _ if corrupt => Code::StoreCorrupt,
            Some(ErrorCode::DiskFull) => Code::StoreFull,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Code::StoreBusy,
            Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig) => Code::StoreConstraint,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Code::StoreCorrupt,
            _ => Code::StoreIo,
        };
        Self::new(code, "").because(source)
    }
}

/// The error of a stored text that is none of ours, for `from_row` functions.
pub(super) fn unreadable(column: usize, what: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, format!("unknown {what}").into())
}
