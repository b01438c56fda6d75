//! Which findings are new problems: tiers 1 and 2 of the de-duplication, as a pure function.

use super::fingerprint::fingerprint;
use crate::model::{Finding, Fingerprint, IssueId, KnownIssue};
use std::collections::{BTreeMap, HashMap};

/// What becomes of a scan's findings.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Triage {
    /// Findings that no known issue and no earlier finding of the scan covers.
    pub(super) new_issues: Vec<(Finding, Fingerprint)>,
    /// Known issues that were met again, with how many log rows.
    pub(super) seen_again: Vec<(IssueId, u64)>,
    /// Findings that were not filed.
    pub(super) duplicates_skipped: u64,
}

/// Whose problem a finding turned out to be.
#[derive(Clone, Copy)]
enum Owner {
    Known(IssueId),
    /// Index into `new_issues`.
    New(usize),
}

/// Compares the findings with the known issues and with each other.
///
/// Tier 1: an exact error code that an issue has. Tier 2: the fingerprint. The first match wins; a finding that
/// matches nothing becomes an issue, against which the following findings are compared too.
pub(super) fn triage(findings: Vec<Finding>, known: &[KnownIssue]) -> Triage {
    let mut by_code: HashMap<String, Owner> = HashMap::new();
    let mut by_print: HashMap<Fingerprint, Owner> = HashMap::new();
    for issue in known {
        let owner = Owner::Known(issue.id);
        by_print.entry(issue.fingerprint.clone()).or_insert(owner);
        for code in &issue.error_codes {
            by_code.entry(code.clone()).or_insert(owner);
        }
    }
    let mut done = Triage::default();
    let mut again: BTreeMap<i64, u64> = BTreeMap::new();
    for finding in findings {
        let print = print_of(&finding);
        let tier1 = finding.error_codes.iter().find_map(|code| by_code.get(code));
        let owner = tier1.or_else(|| by_print.get(&print)).copied();
        match owner {
            Some(Owner::Known(issue)) => *again.entry(issue.0).or_default() += finding.occurrences,
            Some(Owner::New(index)) => done.new_issues[index].0.occurrences += finding.occurrences,
            None => {
                let owner = Owner::New(done.new_issues.len());
                for code in &finding.error_codes {
                    by_code.insert(code.clone(), owner);
                }
                by_print.insert(print.clone(), owner);
                done.new_issues.push((finding, print));
                continue;
            }
        }
        done.duplicates_skipped += 1;
    }
    done.seen_again = again.into_iter().map(|(id, rows)| (IssueId(id), rows)).collect();
    done
}

/// What tier 2 recognises a finding by.
pub(super) fn print_of(finding: &Finding) -> Fingerprint {
    fingerprint(finding.classification, &finding.source, &finding.template)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Classification;

    fn finding(codes: &[&str], template: &str) -> Finding {
        Finding {
            classification: Classification::ServerBug,
            title: template.into(),
            body: String::new(),
            error_codes: codes.iter().map(|&c| c.into()).collect(),
            source: "shop".into(),
            template: template.into(),
            occurrences: 10,
            evidence: vec![1],
            last_seen: "2026-11-21T08:00:00.000Z".into(),
        }
    }

    fn known(id: i64, like: &Finding) -> KnownIssue {
        KnownIssue {
            id: IssueId(id),
            error_codes: like.error_codes.clone(),
            fingerprint: print_of(like),
        }
    }

    #[test]
    fn a_finding_like_no_other_becomes_an_issue() {
        let done = triage(vec![finding(&["A-BC-001"], "x"), finding(&[], "y")], &[]);
        assert_eq!((done.new_issues.len(), done.duplicates_skipped), (2, 0));
    }

    #[test]
    fn tier_1_skips_a_known_error_code_even_with_another_template() {
        let issue = known(7, &finding(&["A-BC-001"], "x"));
        let done = triage(vec![finding(&["A-BC-001"], "quite different")], &[issue]);
        assert_eq!((done.seen_again, done.duplicates_skipped), (vec![(IssueId(7), 10)], 1));
        assert!(done.new_issues.is_empty());
    }

    #[test]
    fn tier_2_skips_a_known_fingerprint_without_any_code() {
        let issue = known(8, &finding(&[], "x"));
        let done = triage(vec![finding(&[], "x"), finding(&[], "z")], &[issue]);
        assert_eq!(done.seen_again, vec![(IssueId(8), 10)]);
        assert_eq!(done.new_issues.len(), 1);
    }

    #[test]
    fn another_classification_or_source_is_another_problem() {
        let issue = known(9, &finding(&[], "x"));
        let misuse = Finding { classification: Classification::ClientMisuse, ..finding(&[], "x") };
        let elsewhere = Finding { source: "mail".into(), ..finding(&[], "x") };
        assert_eq!(triage(vec![misuse, elsewhere], &[issue]).new_issues.len(), 2);
    }

    #[test]
    fn findings_of_one_scan_are_compared_with_each_other() {
        let done = triage(vec![finding(&["A-BC-001"], "x"), finding(&["A-BC-001"], "y")], &[]);
        assert_eq!((done.new_issues.len(), done.duplicates_skipped), (1, 1));
        assert_eq!(done.new_issues[0].0.occurrences, 20);
    }
}
