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

    /// The home of this word, as it was stored.
    pub fn from_stored(word: String) -> Self {
        Self(word)
    }

    /// What people call it: `owner/name`, or the list of this server.
    pub fn name(&self) -> &str {
        match self.0.split_once('/') {
            Some((_, repository)) => repository,
            None => "this server's own list",
        }
    }

    /// Whether issues can be there at all.
    pub fn is_known(&self) -> bool {
        *self != Self::unknown()
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
        let stored = IssueHome::from_stored(at("ann/shop").as_str().to_owned());
        assert_eq!((&stored, stored.name()), (&at("ann/shop"), "ann/shop"));
        assert_eq!(IssueHome::local().name(), "this server's own list");
        assert!(stored.is_known() && !IssueHome::unknown().is_known());
    }
}
