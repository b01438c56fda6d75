//! Where issues can be seen: the list of this database, or one repository at a tracker.

use super::{ApiUrl, Repository};

/// The place in which an issue can be seen. An issue is known there and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IssueHome(String);

impl IssueHome {
    /// The issue list of the database.
    pub fn local() -> Self {
        Self("local".to_owned())
    }

    /// A repository at the tracker of this address. Trackers tell no upper from lower case in names.
    pub fn at(api_url: &ApiUrl, repository: &Repository) -> Self {
        Self(format!("{}/{}", api_url.web_host(), repository.as_str()).to_ascii_lowercase())
    }

    /// A tracker whose repository is not known: no issue is there.
    pub fn unknown() -> Self {
        Self("unknown".to_owned())
    }

    /// The word that is stored: `local`, or `github.com/owner/name`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for IssueHome {
    fn default() -> Self {
        Self::local()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_a_host_and_a_repository_without_regard_to_case() {
        let at = |repository: &str| {
            IssueHome::at(&ApiUrl::default(), &repository.parse().expect("a repository"))
        };
        assert_eq!(at("Ann/Shop").as_str(), "github.com/ann/shop");
        assert_eq!(at("ann/shop"), at("Ann/Shop"));
        assert_ne!(at("ann/other"), at("ann/shop"));
        assert_ne!(at("ann/shop"), IssueHome::local());
    }
}
