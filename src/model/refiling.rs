//! Problems whose issues are open at another home than the one where issues are filed now.
//!
//! That is another tracker, or another repository. An issue is known only where it can be seen, so a new home knows none of
//! them. The product offers to file them there, and a person says yes or no; both are remembered for that home. What is
//! filed again goes the way of a finding: what the new home knows already by a code or a fingerprint is not filed, and the
//! limits and approvals of new issues hold.

use super::{Classification, Fingerprint, IssueHome, IssueId, IssueMark, JobId};
use std::fmt;

/// A problem whose issue is open at another home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenElsewhere {
    /// The issue there.
    pub id: IssueId,
    /// The scan that found it, or met it first.
    pub scan: JobId,
    /// The title with its prefix and its code.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// Whether the body was made inert before.
    pub is_inert: bool,
    /// What kind of problem it is, if its title says it.
    pub classification: Option<Classification>,
    /// Its error codes.
    pub error_codes: Vec<String>,
    /// The fingerprints in its mark.
    pub fingerprints: Vec<Fingerprint>,
    /// The page there.
    pub url: Option<String>,
}

impl OpenElsewhere {
    /// The title without its prefix and without its code.
    pub fn own_title(&self) -> &str {
        let mut title = self.title.as_str();
        for class in Classification::ALL {
            title = title.strip_prefix(class.prefix()).map_or(title, str::trim_start);
        }
        let code = self.error_codes.iter().find_map(|code| title.strip_prefix(code.as_str()));
        code.unwrap_or(title).trim_start()
    }

    /// What the body says of the problem. A body that was read at a tracker begins with who filed it and ends with its mark.
    pub fn summary(&self) -> String {
        let Some(mark) = IssueMark::in_body(&self.body) else { return self.body.clone() };
        let body = mark.marker.cut_from(&self.body);
        match body.split_once("\n\n") {
            Some((head, rest)) if head.starts_with("- Server: ") => rest.to_owned(),
            Some(_) | None => body,
        }
    }
}

/// What a person can have filed at the home where issues are filed now.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RefileOffer {
    /// That home.
    pub home: IssueHome,
    /// Where the problems are open, each home once.
    pub from: Vec<IssueHome>,
    /// How many problems.
    pub problems: u64,
    /// Whether a person has said yes already.
    pub accepted: bool,
}

/// How many problems, in words.
pub fn problems(number: u64) -> String {
    if number == 1 { "1 open problem".to_owned() } else { format!("{number} open problems") }
}

impl fmt::Display for RefileOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { home, from, problems: number, accepted } = self;
        let (problems, home) = (problems(*number), home.name());
        let from = from.iter().map(IssueHome::name).collect::<Vec<_>>().join(" and ");
        let be = if *number == 1 { "is" } else { "are" };
        if *accepted {
            return write!(f, "{problems} of {from} {be} on the way to {home}.");
        }
        write!(f, "Issues are filed in {home} now. {problems} of {from} {be} not known there.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Marker;

    fn open(title: &str, body: &str) -> OpenElsewhere {
        OpenElsewhere {
            id: IssueId(1),
            scan: JobId(1),
            title: title.into(),
            body: body.into(),
            is_inert: false,
            classification: None,
            error_codes: vec!["CART-DB-001".into()],
            fingerprints: vec![],
            url: None,
        }
    }

    #[test]
    fn a_title_and_a_body_are_cut_down_to_what_they_say_of_the_problem() {
        assert_eq!(open("[BUG] CART-DB-001 Cart is lost", "").own_title(), "Cart is lost");
        assert_eq!(open("Cart is lost", "").own_title(), "Cart is lost");
        assert_eq!(open("", "It broke.\n\nTwice.").summary(), "It broke.\n\nTwice.");
        let mark = IssueMark { marker: Marker::new(1), fingerprints: vec![] };
        let filed = format!("- Server: `a`\n- Scan: `1`\n\nIt broke.\n\nTwice.\n\n{mark}\n");
        assert_eq!(open("", &filed).summary(), "It broke.\n\nTwice.");
    }

    #[test]
    fn an_offer_says_what_is_open_where() {
        let at = |text: &str| IssueHome::from_stored(text.to_owned());
        let offer = RefileOffer {
            home: at("github.com/ann/shop"),
            from: vec![IssueHome::local(), at("github.com/ann/old")],
            problems: 2,
            accepted: false,
        };
        let said = "Issues are filed in ann/shop now. 2 open problems of this server's own list and ann/old are not known there.";
        assert_eq!(offer.to_string(), said);
        let accepted = RefileOffer { accepted: true, problems: 1, ..offer };
        let said =
            "1 open problem of this server's own list and ann/old is on the way to ann/shop.";
        assert_eq!(accepted.to_string(), said);
    }
}
