//! The crate's one error type and the registry of codes it carries.
//!
//! An [`Error`] says what was being done, carries a registered [`Code`] and keeps its source. Callers tell cases
//! apart by [`Error::code`] or by the predicates below; the text is for people. Answers that are expected (a row
//! that is not there, a queue that is full by design) are values, not errors.

mod code;

pub use code::Code;

#[doc(hidden)]
pub use tracing as __tracing;

use std::error::Error as StdError;
use std::fmt;

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn StdError + Send + Sync + 'static>;

/// What went wrong, while doing what, under which registered code.
///
/// `Display` prints `[CODE] what was being done: why`, and `{:#}` adds the code's title and remedy.
#[derive(Debug)]
#[non_exhaustive]
pub struct Error {
    code: Code,
    doing: String,
    source: Option<Source>,
}

impl Error {
    /// An error of `code` that happened while `doing` something, with no deeper cause.
    pub fn new(code: Code, doing: impl Into<String>) -> Self {
        Self { code, doing: doing.into(), source: None }
    }

    /// The same error with the cause that led to it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error, saying first what the caller was doing.
    #[must_use]
    pub(crate) fn while_doing(mut self, doing: &str) -> Self {
        self.doing = match self.doing.as_str() {
            "" => doing.to_owned(),
            deeper => format!("{doing}: {deeper}"),
        };
        self
    }

    /// The registered code: stable, documented, fit for a program to match on.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Whether the write may or may not have happened (P2, *unknown*). Every other failed write surely did not.
    pub fn is_outcome_unknown(&self) -> bool {
        self.code == Code::StoreOutcomeUnknown
    }

    /// Whether the caller wrote under a lease that it no longer holds; nothing was changed (P9).
    pub fn is_lease_lost(&self) -> bool {
        self.code == Code::StoreLeaseLost
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.code)?;
        if !self.doing.is_empty() {
            write!(f, " {}", self.doing)?;
        }
        let mut cause = self.source.as_deref().map(|s| s as &dyn StdError);
        while let Some(source) = cause {
            write!(f, ": {source}")?;
            // Some errors print their own cause too; once is enough.
            cause = source.source().filter(|next| !source.to_string().contains(&next.to_string()));
        }
        if f.alternate() {
            write!(f, "\n{}. {}", self.code.title(), self.code.remedy())?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|s| s as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_names_code_deed_and_every_cause() {
        let io = std::io::Error::other("disk on fire");
        let error = Error::new(Code::StoreIo, "open jobs.db").because(io);
        assert_eq!(error.to_string(), "[STORE-IO-001] open jobs.db: disk on fire");
        assert!(format!("{error:#}").ends_with(Code::StoreIo.remedy()));
    }
}
