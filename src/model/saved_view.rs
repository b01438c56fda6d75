//! Saved views: queries of a list that people keep under a name, each for themselves.

use super::job::word_enum;
use crate::error::{Code, Error, Result};

/// The longest name, in characters: it stands in a narrow column.
const MAX_NAME: usize = 60;

word_enum!(
    /// A list whose queries can be kept.
    ListPage {
        /// The list of jobs.
        Jobs = "jobs",
        /// The list of sessions.
        Sessions = "sessions",
    }
);

/// A query under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedView {
    /// Row id.
    pub id: i64,
    /// The list that it is of.
    pub page: ListPage,
    /// The name that a person gave it.
    pub name: String,
    /// The query, in the language of the lists.
    pub query: String,
}

impl SavedView {
    /// The most views that a person keeps of one list: more than anybody reads.
    pub const MOST: usize = 20;

    /// A name as it is kept.
    ///
    /// # Errors
    /// `JOB-VALUE-001` for an empty one, one of more than 60 characters, and one with control characters.
    pub fn name(text: &str) -> Result<String> {
        let name = text.trim();
        let refuse = |why: &str| Error::new(Code::ModelInvalid, format!("save a view: {why}"));
        if name.is_empty() {
            return Err(refuse("it needs a name"));
        }
        if name.chars().count() > MAX_NAME {
            return Err(refuse("its name has 60 characters at most"));
        }
        if name.contains(char::is_control) {
            return Err(refuse("its name is one line of text"));
        }
        Ok(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_at_most_60_characters() {
        assert_eq!(SavedView::name("  Failed mails ").unwrap(), "Failed mails");
        assert_eq!(SavedView::name(&"ü".repeat(60)).unwrap().chars().count(), 60);
        for bad in ["", "   ", "a\nb", &"x".repeat(61)] {
            assert_eq!(SavedView::name(bad).unwrap_err().code(), Code::ModelInvalid, "{bad:?}");
        }
    }
}
