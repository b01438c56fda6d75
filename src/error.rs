//! The crate's one error type and the registry of codes it carries.
//!
//! An [`Error`] says what was being done, carries a registered [`Code`] and keeps its source. Callers tell cases
//! apart by [`Error::code`] or by the predicates below; the text is for people. Answers that are expected (a row
//! that is not there, a queue that is full by design) are values, not errors.

mod class;
mod code;
mod coded;
mod registry;

pub use class::Class;
pub use code::Code;

#[doc(hidden)]
pub use tracing as __tracing;

use std::error::Error as StdError;
use std::fmt;

/// Leaves a failure alone, because of `why`, and writes that into the log at debug.
pub(crate) fn ignore<T, E: fmt::Display>(result: Result<T, E>, why: &str) {
    if let Err(error) = result {
        tracing::debug!("a failure was left alone ({why}): {error}");
    }
}

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

    /// What kind of failure it is.
    pub fn class(&self) -> Class {
        self.code.class()
    }

    /// What happened, as every face says it: what could not be done and why if the caller caused it, else the usual cause
    /// of its code, which names neither a path nor a statement (S29).
    pub fn sentence(&self) -> String {
        if !self.class().is_refusal() {
            return self.code.cause().to_owned();
        }
        match self.text() {
            text if text.is_empty() => self.code.cause().to_owned(),
            text => format!("Could not {}.", text.trim_end_matches('.')),
        }
    }

    /// What was being done, and every cause, without the code.
    fn text(&self) -> String {
        let mut text = self.doing.clone();
        let mut cause = self.source.as_deref().map(|source| source as &dyn StdError);
        while let Some(source) = cause {
            // One of ours has a code of its own; the line begins with ours.
            let inner = source.downcast_ref::<Self>();
            let said = inner.map_or_else(|| source.to_string(), Self::text);
            if !text.is_empty() && !said.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&said);
            if inner.is_some() {
                break;
            }
            // Some errors print their own cause too; once is enough.
            cause = source.source().filter(|next| !said.contains(&next.to_string()));
        }
        text
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
        let text = self.text();
        if !text.is_empty() {
            write!(f, " {text}")?;
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

    #[test]
    fn a_refusal_says_its_own_words_and_any_other_error_those_of_its_code() {
        let refused = Error::new(Code::ModelInvalid, "set a limit to -1: it takes 0 to 10,000");
        assert_eq!(refused.sentence(), "Could not set a limit to -1: it takes 0 to 10,000.");
        let outer = Error::new(Code::AgentValue, "go on with session 7").because(refused);
        let said = "go on with session 7: set a limit to -1: it takes 0 to 10,000";
        assert_eq!(outer.sentence(), format!("Could not {said}."));
        assert_eq!(outer.to_string(), format!("[AGENT-VALUE-001] {said}"));
        assert_eq!(Error::new(Code::JobUnknown, "").sentence(), Code::JobUnknown.cause());
        let ours = Error::new(Code::StoreIo, "open /home/op/jobs.db").because("SELECT secret");
        assert_eq!(ours.sentence(), Code::StoreIo.cause());
    }
}
