//! The crate's one error type and the registry of codes it carries.
//!
//! An [`Error`] says what was being done, carries a registered [`Code`] and keeps its source. Callers tell cases
//! apart by [`Error::code`] or by the predicates below; the text is for people. Answers that are expected (a row
//! that is not there, a queue that is full by design) are values, not errors.

mod class;
mod code;
mod coded;
#[cfg(feature = "monitor")]
mod input;
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
/// `Display` prints `[CODE] what was being done: why`; `{:#}` prints `[CODE]` with [`Error::sentence`] where that says it
/// all, and adds the code's title and remedy. `Debug` prints that too: a `fn main() -> Result` then shows it.
#[non_exhaustive]
pub struct Error {
    code: Code,
    doing: String,
    source: Option<Source>,
    /// Whether `doing` is a whole sentence.
    verbatim: bool,
    /// What is wrong with each field of the request.
    fields: Vec<FieldError>,
}

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The JSON pointer of the field.
    pub pointer: String,
    /// What is wrong with it: a sentence.
    pub detail: String,
}

impl Error {
    /// An error of `code` that happened while `doing` something, with no deeper cause.
    pub fn new(code: Code, doing: impl Into<String>) -> Self {
        Self { code, doing: doing.into(), source: None, verbatim: false, fields: Vec::new() }
    }

    /// An error of `code` that says just this sentence, for words that others rely on.
    pub fn saying(code: Code, sentence: impl Into<String>) -> Self {
        Self { verbatim: true, ..Self::new(code, sentence) }
    }

    /// The refusal of a request for each of these fields, in their order; `None` if there are none. `refused` has the JSON
    /// pointers of the fields.
    pub fn of_fields(refused: Vec<(String, Self)>) -> Option<Self> {
        let code = refused.first()?.1.code;
        let is_one_code = refused.iter().all(|(_, error)| error.code == code);
        let texts: Vec<_> = refused.iter().map(|(_, error)| error.text()).collect();
        let code = if is_one_code { code } else { Code::ModelInvalid };
        let error = Self::new(code, texts.join("; could not "));
        let each = refused.into_iter().map(|(pointer, error)| error.of_field(pointer));
        Some(Self { fields: each.flat_map(|error| error.fields).collect(), ..error })
    }

    /// The same refusal, of this field of the request: a JSON pointer.
    #[must_use]
    pub fn of_field(mut self, pointer: impl Into<String>) -> Self {
        self.fields = vec![FieldError { pointer: pointer.into(), detail: self.sentence() }];
        self
    }

    /// What is wrong with each field of the request, where it is known.
    pub fn fields(&self) -> &[FieldError] {
        &self.fields
    }

    /// The same error with the cause that led to it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error, saying first what the caller was doing; one of a whole sentence stays as it is.
    #[must_use]
    pub(crate) fn while_doing(mut self, doing: &str) -> Self {
        if self.verbatim {
            return self;
        }
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
        if !self.is_answer() {
            return self.code.cause().to_owned();
        }
        match self.text() {
            text if text.is_empty() => self.code.cause().to_owned(),
            text if self.verbatim => text,
            text if text.trim_end().ends_with('?') => format!("Could not {}", text.trim_end()),
            text => format!("Could not {}.", text.trim_end().trim_end_matches('.')),
        }
    }

    /// Whether it is told in full and is no line of the log: the caller alone caused it, or it was worded for the caller.
    pub fn is_answer(&self) -> bool {
        self.verbatim || self.class().is_refusal()
    }

    /// What was being done, and every cause, without the code.
    pub(crate) fn text(&self) -> String {
        let mut text = self.doing.clone();
        let mut cause = self.source.as_deref().map(|source| source as &dyn StdError);
        while let Some(source) = cause {
            // The inner error has its own code; the line begins with the code of the outer one.
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

    /// The error of a file or a folder that could not be written: `STORE-FULL-001` if the disk, or the user's share of it, is full, else
    /// this code.
    #[cfg(feature = "agents")]
    pub(crate) fn of_disk(code: Code, doing: impl Into<String>, error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        let is_full = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
        Self::new(if is_full { Code::StoreFull } else { code }, doing).because(error)
    }

    /// Whether the database or the disk refuses for a time: another program holds it, the disk is full or fails. The same call
    /// may succeed later.
    #[cfg(feature = "agents")]
    pub(crate) fn is_passing_refusal(&self) -> bool {
        use Code::{StoreBusy, StoreFull, StoreIo, StoreOutcomeUnknown, StoreWalFull};
        [StoreBusy, StoreFull, StoreIo, StoreOutcomeUnknown, StoreWalFull].contains(&self.code)
    }

    /// Whether the caller wrote under a lease that it no longer holds; nothing was changed (P9).
    pub fn is_lease_lost(&self) -> bool {
        self.code == Code::StoreLeaseLost
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that may begin with this code in brackets, without it: whoever shows the code beside the text says it once.
pub(crate) fn without_code<'a>(text: &'a str, code: Option<&str>) -> &'a str {
    let rest = code.and_then(|code| text.strip_prefix('[')?.strip_prefix(code)?.strip_prefix("] "));
    rest.unwrap_or(text)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A person at the command line owns the machine, and is told of a failure of ours in full, too.
        let text = if f.alternate() && self.is_answer() { self.sentence() } else { self.text() };
        write!(f, "[{}]", self.code)?;
        if !text.is_empty() {
            write!(f, " {text}")?;
        }
        if f.alternate() {
            // The title is for a text that does not say it.
            let (title, remedy) = (self.code.title(), self.code.remedy());
            let title = if text.contains(title) { String::new() } else { format!("{title}. ") };
            write!(f, "\n{title}{remedy}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:#}")
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
    fn a_main_that_returns_an_error_shows_its_code_and_what_helps() {
        let shown = format!("{:?}", Error::new(Code::StoreUnfit, "open app.db"));
        assert!(shown.starts_with("[STORE-FILE-006] open app.db\n"), "{shown}");
        assert!(shown.ends_with(Code::StoreUnfit.remedy()), "{shown}");
    }

    #[test]
    fn display_names_code_deed_and_every_cause() {
        let io = std::io::Error::other("disk on fire");
        let error = Error::new(Code::StoreIo, "open jobs.db").because(io);
        assert_eq!(error.to_string(), "[STORE-IO-001] open jobs.db: disk on fire");
        assert!(format!("{error:#}").ends_with(Code::StoreIo.remedy()));
    }

    #[test]
    fn a_title_and_a_code_that_a_text_says_itself_are_not_said_again() {
        let code = Code::AgentDenied;
        let error = Error::saying(code, format!("Session 3 is done. {}: Bash.", code.title()));
        let shown = format!("{error:#}");
        assert_eq!(shown.matches(code.title()).count(), 1, "{shown}");
        assert!(shown.ends_with(code.remedy()), "{shown}");
        for (text, code, wanted) in [
            ("[A-1] why", Some("A-1"), "why"),
            ("[A-1] why", Some("A-2"), "[A-1] why"),
            ("[A-1] why", None, "[A-1] why"),
            ("why", Some("A-1"), "why"),
            ("[A-1", Some("A-1"), "[A-1"),
        ] {
            assert_eq!(without_code(text, code), wanted);
        }
    }

    #[test]
    fn refusals_of_fields_come_together_each_with_its_own_sentence() {
        let refused = |key: &str, code| {
            (format!("/{key}"), Error::new(code, format!("set {key}: it takes a number")))
        };
        assert!(Error::of_fields(Vec::new()).is_none());
        let one = Error::of_fields(vec![refused("a", Code::TrackerNoRepository)]).unwrap();
        assert_eq!(one.code(), Code::TrackerNoRepository);
        assert_eq!(one.sentence(), "Could not set a: it takes a number.");
        let both = vec![refused("a", Code::TrackerNoRepository), refused("b", Code::ModelInvalid)];
        let both = Error::of_fields(both).unwrap();
        assert_eq!(both.code(), Code::ModelInvalid);
        let said = "Could not set a: it takes a number; could not set b: it takes a number.";
        assert_eq!(both.sentence(), said);
        let field = FieldError {
            pointer: "/b".to_owned(),
            detail: "Could not set b: it takes a number.".to_owned(),
        };
        assert_eq!(both.fields()[1], field);
    }

    #[test]
    fn a_refusal_says_its_own_words_and_any_other_error_those_of_its_code() {
        let refused = Error::new(Code::ModelInvalid, "set a limit to -1: it takes 0 to 10,000");
        assert_eq!(refused.sentence(), "Could not set a limit to -1: it takes 0 to 10,000.");
        let outer = Error::new(Code::AgentValue, "go on with session 7").because(refused);
        let said = "go on with session 7: set a limit to -1: it takes 0 to 10,000";
        assert_eq!(outer.sentence(), format!("Could not {said}."));
        assert_eq!(outer.to_string(), format!("[AGENT-VALUE-001] {said}"));
        let lines =
            Error::new(Code::ConfigInvalid, "read a.toml").because("line 1\n  |\nno value\n");
        assert_eq!(lines.sentence(), "Could not read a.toml: line 1\n  |\nno value.");
        assert_eq!(Error::new(Code::JobUnknown, "").sentence(), Code::JobUnknown.cause());
        let ours = Error::new(Code::StoreIo, "open /home/op/jobs.db").because("SELECT secret");
        assert_eq!(ours.sentence(), Code::StoreIo.cause());
    }
}
