//! Dry runs: what a scan says that files nothing.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a dry run would have done: its job's result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DryRun {
    /// Always true, so that the result says what it is.
    pub dry_run: bool,
    /// Log rows that the analyzer looked at.
    pub rows_examined: u64,
    /// What would become of each finding.
    pub would: Vec<FindingVerdict>,
    /// Why findings were rejected.
    pub rejected: Vec<String>,
}

impl DryRun {
    /// How many new issues it would have filed.
    pub fn would_file(&self) -> u64 {
        self.would.iter().filter(|one| one.verdict == FindingVerdict::FILED).count() as u64
    }
}

impl fmt::Display for DryRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dry run: {} would be filed.", self.would_file())
    }
}

/// What becomes of one finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingVerdict {
    /// The title of its issue to be.
    pub title: String,
    /// The act, and the tier that led to it.
    pub verdict: String,
    /// The number of the known issue that it belongs to.
    pub issue: Option<i64>,
}

impl FindingVerdict {
    /// The verdict of a finding that becomes a new issue.
    pub const FILED: &str = "new issue";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_says_how_many_issues_it_would_file() {
        let one = |verdict: &str| FindingVerdict {
            title: "[BUG] x".into(),
            verdict: verdict.into(),
            issue: None,
        };
        let would =
            vec![one(FindingVerdict::FILED), one("skipped: its error code is known (tier 1)")];
        let dry = DryRun { dry_run: true, would, ..DryRun::default() };
        assert_eq!(dry.to_string(), "Dry run: 1 would be filed.");
    }
}
