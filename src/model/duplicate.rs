//! Open issues of ours that are one problem: the lowest number stays, and the others are closed as its duplicates.
//!
//! Two servers on one repository, a fresh data directory or a backup that was put back may file one problem twice. An
//! issue is a duplicate if the mark in its body shares a fingerprint with the mark of an older issue of ours that is open,
//! too. It is closed once, and only if people have had no hand in it: our token's account wrote it, and nobody else has
//! commented. What is kept open for such a reason says so, and is left alone from then on.

use super::{FilingState, IssueId, Marker, Posting};
use std::fmt;

/// How the comment begins that closes a duplicate. GitHub links the two issues by it.
const SAYS: &str = "Duplicate of #";

/// An open issue that is the duplicate of an older one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// Which issue.
    pub id: IssueId,
    /// Its number.
    pub number: i64,
    /// Its title.
    pub title: String,
    /// The number of the older issue, which stays open.
    pub of: i64,
}

impl Duplicate {
    /// What is said at the tracker before the issue is closed.
    pub fn posting(&self, marker: Marker) -> Posting {
        let body = format!("{SAYS}{}\n\n{marker}\n", self.of);
        Posting { marker, title: String::new(), body, labels: Vec::new() }
    }
}

/// Whether a comment of ours says of its issue that it is a duplicate.
pub fn says_duplicate(comment: &str) -> bool {
    comment.starts_with(SAYS)
}

/// What a scan does about the duplicates that it has found at the tracker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Duplicates {
    /// Those to close, each with what is said at the tracker.
    pub closing: Vec<(Duplicate, Posting)>,
    /// Why none is closed, in a sentence, if there are some.
    pub kept: Option<String>,
}

impl Duplicates {
    /// The same duplicates, all of which stay open for this reason.
    pub fn kept(found: &[Duplicate], why: &str) -> Self {
        let kept = (!found.is_empty()).then(|| sentence(found.len() as u64, why));
        Self { closing: Vec::new(), kept }
    }
}

/// What a person is told of duplicates that stay open.
pub(super) fn sentence(number: u64, why: &str) -> String {
    let stay = if number == 1 { "1 duplicate stays" } else { &format!("{number} duplicates stay") };
    format!("{stay} open: {}.", why.trim_end_matches('.'))
}

/// What became of an issue that is or was the duplicate of an older one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DuplicateOf {
    /// The number of the older one.
    pub number: i64,
    /// How far it is closed as a duplicate; `None` if this server need not close it.
    pub closing: Option<FilingState>,
    /// Whether it is open.
    pub is_open: bool,
    /// Why it stays open or why the tracker has refused, if the tracker or its issue says so.
    pub why: Option<String>,
}

impl fmt::Display for DuplicateOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, closing, is_open, why } = self;
        let because = |f: &mut fmt::Formatter<'_>, otherwise: &str| {
            let why = why.as_deref().unwrap_or(otherwise).trim_end_matches('.');
            if why.is_empty() { f.write_str(".") } else { write!(f, ": {why}.") }
        };
        match closing {
            Some(FilingState::Filed) | None if *is_open => write!(
                f,
                "It was closed as a duplicate of #{number} and opened again; it is left alone."
            ),
            Some(FilingState::Filed) | None => {
                write!(f, "It is closed as a duplicate of #{number}.")
            }
            Some(FilingState::AwaitingApproval) => {
                write!(f, "It is a duplicate of #{number}. Its closing waits for approval.")
            }
            Some(FilingState::Pending | FilingState::Sending | FilingState::Failed) => {
                write!(f, "It is to be closed as a duplicate of #{number}")?;
                because(f, "")
            }
            Some(FilingState::Rejected) => {
                write!(f, "It is a duplicate of #{number} and stays open")?;
                because(f, "a person has decided so")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_a_duplicate_is_a_sentence() {
        let said = |closing, is_open, why: Option<&str>| {
            let why = why.map(ToOwned::to_owned);
            DuplicateOf { number: 3, closing, is_open, why }.to_string()
        };
        let closed = "It is closed as a duplicate of #3.";
        assert_eq!(said(Some(FilingState::Filed), false, None), closed);
        assert_eq!(said(None, false, None), closed);
        let again = "It was closed as a duplicate of #3 and opened again; it is left alone.";
        assert_eq!(said(Some(FilingState::Filed), true, None), again);
        assert_eq!(
            said(Some(FilingState::Rejected), true, Some("eve has commented on it")),
            "It is a duplicate of #3 and stays open: eve has commented on it."
        );
        assert_eq!(
            said(Some(FilingState::Pending), true, None),
            "It is to be closed as a duplicate of #3."
        );
    }

    #[test]
    fn what_is_said_at_the_tracker_is_known_again() {
        let found = Duplicate { id: IssueId(1), number: 7, title: "x".into(), of: 3 };
        let posting = found.posting(Marker::new(5));
        assert!(posting.body.starts_with("Duplicate of #3\n") && says_duplicate(&posting.body));
        assert!(posting.marker.is_in(&posting.body));
        let kept = Duplicates::kept(&[found.clone(), found], "why.").kept.unwrap();
        assert_eq!(kept, "2 duplicates stay open: why.");
        assert_eq!(Duplicates::kept(&[], "why"), Duplicates::default());
    }
}
