//! Dry runs: what a scan says that files nothing.

use super::job::word_enum;
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
        self.would.iter().filter(|one| one.verdict == Triaged::NewIssue).count() as u64
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
    #[serde(with = "word")]
    pub verdict: Triaged,
    /// The number of the known issue that it belongs to.
    pub issue: Option<i64>,
}

word_enum!(
    /// The act that a finding leads to, and the tier of the de-duplication that says so.
    Triaged {
        /// Nobody knows it.
        NewIssue = "new issue",
        /// Tier 1.
        KnownCode = "skipped: its error code is known (tier 1)",
        /// Tier 2.
        KnownFingerprint = "skipped: its fingerprint is known (tier 2)",
        /// Tier 1, and a code beside the one that is known is new.
        MoreCodes = "comment: its issue is open, and an error code is new (tier 1)",
        /// Tier 3.
        SeemsKnown = "comment: it seems to be a known problem (tier 3)",
        /// Tier 3, and people have muted the problem.
        SeemsMuted = "skipped: it seems to be a problem that is muted (tier 3)",
        /// Its issue was closed as completed before.
        CameBack = "opened again: it came back after it was closed",
        /// People said that it needs no work, and now it is seen ten times as often.
        Grew = "opened again: it is seen ten times as often as before people set it aside",
        /// No finding, but an issue of ours at the tracker.
        Duplicate = "closed: it is a duplicate of an older open issue",
    }
);

/// A verdict as a job's result has it.
mod word {
    use super::Triaged;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
    pub(super) fn serialize<S: Serializer>(verdict: &Triaged, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(verdict.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Triaged, D::Error> {
        let word = String::deserialize(from)?;
        word.parse().map_err(|()| D::Error::custom(format!("there is no verdict {word:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_says_how_many_issues_it_would_file() {
        let one = |verdict| FindingVerdict { title: "[BUG] x".into(), verdict, issue: None };
        let would = vec![one(Triaged::NewIssue), one(Triaged::KnownCode)];
        let dry = DryRun { dry_run: true, would, ..DryRun::default() };
        assert_eq!(dry.to_string(), "Dry run: 1 would be filed.");
    }

    #[test]
    fn a_verdict_is_its_words_in_a_result_and_other_words_are_refused() {
        for verdict in Triaged::ALL {
            let one = FindingVerdict { title: "x".into(), verdict: *verdict, issue: Some(7) };
            let stored = serde_json::to_value(&one).unwrap();
            assert_eq!(stored["verdict"], verdict.as_str());
            assert_eq!(serde_json::from_value::<FindingVerdict>(stored).unwrap(), one);
        }
        let other = serde_json::json!({"title": "x", "verdict": "eaten", "issue": null});
        let error = serde_json::from_value::<FindingVerdict>(other).unwrap_err();
        assert_eq!(error.to_string(), "there is no verdict \"eaten\"");
    }
}
