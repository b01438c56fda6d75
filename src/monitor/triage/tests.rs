//! Every rule of the de-duplication, one sentence each.

mod templates;

use super::*;
use crate::model::{Classification, FindingTemplates};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
/// When the findings were logged: a minute ago.
const SEEN: &str = "2027-01-15T07:59:00.000Z";

fn finding(codes: &[&str], template: &str) -> Finding {
    Finding {
        classification: Classification::ServerBug,
        title: template.into(),
        body: format!("Body of {template}"),
        error_codes: codes.iter().map(|&c| c.into()).collect(),
        source: "shop".into(),
        template: template.into(),
        known_as: Vec::new(),
        occurrences: 10,
        evidence: vec![1],
        last_seen: SEEN.into(),
        source_files: Vec::new(),
        duplicate_of: None,
        templates: FindingTemplates::default(),
    }
}

fn known(id: i64, like: &Finding) -> KnownIssue {
    KnownIssue {
        id: IssueId(id),
        url: None,
        number: Some(100 + id),
        title: like.issue_title(),
        state: IssueState::Open,
        muted: false,
        ours: true,
        last_seen_at: before(Duration::from_hours(1)),
        error_codes: like.error_codes.clone(),
        fingerprints: prints_of(like),
        source: like.source.clone(),
        template: like.template.clone(),
        templates: Vec::new(),
        quiet: None,
    }
}

fn before(ago: Duration) -> Timestamp {
    NOW.minus(ago)
}

fn completed(id: i64, like: &Finding, ago: Duration) -> KnownIssue {
    KnownIssue { state: IssueState::Completed { closed_at: before(ago) }, ..known(id, like) }
}

fn not_planned(id: i64, like: &Finding, last_seen: Duration) -> KnownIssue {
    let closed_at = before(Duration::from_hours(24 * 200));
    let state = IssueState::NotPlanned { closed_at };
    KnownIssue { state, last_seen_at: before(last_seen), ..known(id, like) }
}

fn days(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}

/// Created, skipped, commented, reopened.
fn counts(done: &Triage) -> (usize, u64, u64, u64) {
    (done.new_issues.len(), done.skipped, done.commented, done.reopened)
}

/// What becomes of one finding.
fn of(finding: Finding, known: &[KnownIssue]) -> Triage {
    let done = triage(vec![finding], known, NOW);
    let (created, skipped, commented, reopened) = counts(&done);
    assert_eq!(created as u64 + skipped + commented + reopened, 1, "each finding is counted once");
    done
}

const LONG: &str = "mail to <*> could not be sent: relay refused";
const NEARLY: &str = "mail to <*> could not be sent: the relay refused";

#[test]
fn a_finding_like_no_other_becomes_an_issue() {
    let done = triage(vec![finding(&["AB-CD-001"], "x"), finding(&[], "y")], &[], NOW);
    assert_eq!(counts(&done), (2, 0, 0, 0));
    assert_eq!(done.new_issues[0].follows, None);
}

#[test]
fn tier_1_skips_a_known_error_code_even_with_another_template() {
    let issue = known(7, &finding(&["AB-CD-001"], "x"));
    let done = of(finding(&["AB-CD-001"], "quite different"), &[issue]);
    assert_eq!((counts(&done), done.seen_again), ((0, 1, 0, 0), vec![(IssueId(7), 10)]));
}

#[test]
fn a_new_code_beside_a_known_one_is_said_on_its_issue_and_known_from_then_on() {
    let both = || finding(&["AB-CD-001", "AB-CD-002"], "quite different");
    let open = known(7, &finding(&["AB-CD-001"], "x"));
    let done = of(both(), std::slice::from_ref(&open));
    assert_eq!(counts(&done), (0, 0, 1, 0));
    let remark = &done.remarks[0];
    assert_eq!((remark.issue, remark.reopens), (IssueId(7), false));
    assert_eq!(remark.error_codes, ["AB-CD-002"]);
    assert!(remark.body.contains("AB-CD-002"), "{}", remark.body);
    assert_eq!(counts(&of(both(), &after(&[open], &done))), (0, 1, 0, 0));

    // Beside one that is left alone it is a problem of its own.
    let muted = KnownIssue { muted: true, ..known(7, &finding(&["AB-CD-001"], "x")) };
    for quiet in [muted, completed(7, &finding(&["AB-CD-001"], "x"), Duration::ZERO)] {
        let done = of(both(), std::slice::from_ref(&quiet));
        assert_eq!(counts(&done), (1, 0, 0, 0));
        assert_eq!(done.new_issues[0].finding.error_codes, ["AB-CD-002"]);
        assert_eq!(counts(&of(both(), &after(&[quiet], &done))), (0, 1, 0, 0));
    }
    // Of two findings of one scan the first has both codes.
    let done = triage(vec![finding(&["AB-CD-001"], "x"), both()], &[], NOW);
    assert_eq!(counts(&done), (1, 1, 0, 0));
    assert_eq!(done.new_issues[0].finding.error_codes, ["AB-CD-001", "AB-CD-002"]);
}

#[test]
fn a_persons_issue_is_known_by_its_code_and_never_opened_again() {
    let like = finding(&["AB-CD-001"], "x");
    let persons = |issue: KnownIssue| KnownIssue {
        ours: false,
        fingerprints: Vec::new(),
        source: String::new(),
        template: String::new(),
        ..issue
    };
    let open = persons(known(7, &like));
    let done = of(like.clone(), std::slice::from_ref(&open));
    assert_eq!((counts(&done), done.seen_again), ((0, 1, 0, 0), vec![(IssueId(7), 10)]));
    let named = Finding { duplicate_of: Some(107), ..finding(&[], "in other words") };
    let done = of(named, &[open]);
    assert_eq!((counts(&done), done.remarks[0].issue), ((0, 0, 1, 0), IssueId(7)));
    let done = of(like.clone(), &[persons(completed(7, &like, days(3)))]);
    assert_eq!((counts(&done), done.new_issues[0].follows), ((1, 0, 0, 0), Some(IssueId(7))));
}

#[test]
fn tier_2_skips_a_known_template_without_any_code() {
    let issue = known(8, &finding(&[], "x"));
    let done = triage(vec![finding(&[], "x"), finding(&[], "z")], &[issue], NOW);
    assert_eq!((counts(&done), &done.seen_again[..]), ((1, 1, 0, 0), &[(IssueId(8), 10)][..]));
}

#[test]
fn tier_2_skips_the_same_error_in_the_same_files_whatever_the_rows_say() {
    let broken = |title: &str, files: &[&str]| Finding {
        title: title.into(),
        source_files: files.iter().map(|&file| file.into()).collect(),
        ..finding(&[], title)
    };
    let issue = known(1, &broken("KeyError in cart", &["a.py", "b.py"]));
    let other = known(2, &broken("no file at all", &[]));
    let issues = [issue, other];
    assert_eq!(counts(&of(broken("lost: KeyError", &["b.py", "a.py"]), &issues)), (0, 1, 0, 0));
    for different in [
        broken("lost: KeyError", &["a.py"]),
        broken("lost: ValueError", &["a.py", "b.py"]),
        broken("another without a file", &[]),
    ] {
        assert_eq!(counts(&of(different, &issues)), (1, 0, 0, 0));
    }
}

#[test]
fn another_source_is_another_problem() {
    let issue = known(9, &finding(&[], "x"));
    let elsewhere = Finding { source: "mail".into(), ..finding(&[], "x") };
    assert_eq!(counts(&of(elsewhere, &[issue])), (1, 0, 0, 0));
}

#[test]
fn an_issue_that_is_still_to_be_filed_counts_as_open() {
    let pending = KnownIssue { number: None, ..known(1, &finding(&[], "x")) };
    assert_eq!(counts(&of(finding(&[], "x"), &[pending])), (0, 1, 0, 0));
}

#[test]
fn what_was_completed_is_opened_again_by_newer_evidence_only() {
    let closed = completed(3, &finding(&[], "x"), Duration::from_mins(2));
    let done = of(finding(&[], "x"), std::slice::from_ref(&closed));
    assert_eq!(counts(&done), (0, 0, 0, 1));
    let remark = &done.remarks[0];
    assert_eq!((remark.issue, remark.reopens, remark.rows), (IssueId(3), true, 10));
    assert!(remark.body.starts_with("It came back") && remark.body.ends_with("Body of x"));

    // Closed after the row was logged: old news.
    let later = completed(3, &finding(&[], "x"), Duration::from_secs(59));
    let done = of(finding(&[], "x"), &[later]);
    assert_eq!((counts(&done), done.seen_again), ((0, 1, 0, 0), vec![(IssueId(3), 10)]));

    let unreadable = Finding { last_seen: "yesterday".into(), ..finding(&[], "x") };
    assert_eq!(counts(&of(unreadable, &[closed])), (0, 0, 0, 1));
}

#[test]
fn one_scan_opens_an_issue_again_once() {
    let closed = completed(3, &finding(&["AB-CD-001"], "x"), days(1));
    let findings = vec![finding(&["AB-CD-001"], "x"), finding(&["AB-CD-001"], "y")];
    let done = triage(findings, &[closed], NOW);
    assert_eq!((counts(&done), done.remarks.len()), ((0, 1, 0, 1), 1));
}

#[test]
fn what_is_not_planned_is_quiet_for_90_days_after_its_last_sighting() {
    let seen_lately = not_planned(4, &finding(&["AB-CD-001"], "x"), days(90));
    let done = of(finding(&["AB-CD-001"], "y"), &[seen_lately]);
    assert_eq!((counts(&done), done.seen_again), ((0, 1, 0, 0), vec![(IssueId(4), 10)]));

    let long_ago =
        not_planned(4, &finding(&["AB-CD-001"], "x"), days(90) + Duration::from_millis(1));
    let done = triage(vec![finding(&[], "x"), finding(&["AB-CD-001"], "y")], &[long_ago], NOW);
    // Found by its template, the first becomes a new issue; its code is not the new issue's, so the second does too.
    assert_eq!(counts(&done), (2, 0, 0, 0));
    let first = &done.new_issues[0];
    assert_eq!(first.follows, Some(IssueId(4)));
    assert!(first.finding.body.starts_with("The same problem was #104 before."));
}

#[test]
fn an_open_issue_wins_over_a_closed_one_and_the_newest_closed_one_over_older_ones() {
    let like = finding(&["AB-CD-001"], "x");
    let old = completed(1, &like, days(9));
    let open = known(2, &like);
    let newest = not_planned(3, &like, days(1));
    let issues = [old.clone(), open, newest.clone()];
    assert_eq!(of(like.clone(), &issues).seen_again, [(IssueId(2), 10)]);
    assert_eq!(of(like.clone(), &[old, newest]).seen_again, [(IssueId(3), 10)]);
}

#[test]
fn whatever_is_muted_is_skipped_open_or_closed() {
    let like = finding(&[], LONG);
    for issue in [known(5, &like), completed(5, &like, days(1)), not_planned(5, &like, days(200))] {
        let muted = KnownIssue { muted: true, ..issue };
        for template in [LONG, NEARLY] {
            let done = of(finding(&[], template), std::slice::from_ref(&muted));
            assert_eq!((counts(&done), done.seen_again), ((0, 1, 0, 0), vec![(IssueId(5), 10)]));
        }
    }
}

#[test]
fn what_seems_muted_is_known_from_then_on_and_a_new_code_is_a_problem_of_its_own() {
    let in_file = |codes: &[&str], template: &str| Finding {
        source_files: vec!["a.py".into()],
        ..finding(codes, template)
    };
    let muted = KnownIssue { muted: true, ..known(1, &finding(&[], NEARLY)) };
    let other = in_file(&[], "mail to <*> could not be kept");
    for (codes, once) in [(&[][..], (1, 1, 0, 0)), (&["AB-CD-002"], (1, 1, 0, 0))] {
        let findings = vec![in_file(codes, LONG), other.clone()];
        let done = triage(findings.clone(), std::slice::from_ref(&muted), NOW);
        assert_eq!(counts(&done), once, "{codes:?}");
        let again = triage(findings, &after(std::slice::from_ref(&muted), &done), NOW);
        assert_eq!(counts(&again), (0, 2, 0, 0), "{codes:?}");
    }
}

#[test]
fn tier_3_comments_on_the_issue_that_the_agent_names() {
    let issue = known(6, &finding(&["AB-CD-001"], "x"));
    let repeated = Finding { duplicate_of: Some(106), ..finding(&[], "in other words") };
    let done = triage(vec![repeated.clone(), repeated], &[issue], NOW);
    // The second one has the fingerprint that the comment gave the issue.
    assert_eq!((counts(&done), done.remarks.len()), ((0, 1, 1, 0), 1));
    let remark = &done.remarks[0];
    assert_eq!((remark.issue, remark.reopens), (IssueId(6), false));
    assert_eq!(remark.fingerprints, prints_of(&finding(&[], "in other words")));
    assert!(remark.body.contains("**in other words**\n\nBody of in other words"));
}

#[test]
fn the_agents_word_alone_silences_nothing() {
    let like = finding(&[], "x");
    let muted = KnownIssue { muted: true, ..known(1, &like) };
    let issues = [muted, completed(2, &like, days(1)), not_planned(3, &like, days(1))];
    for (number, follows) in
        [(101, Some(1)), (102, Some(2)), (103, Some(3)), (999, None), (-1, None)]
    {
        let named = Finding { duplicate_of: Some(number), ..finding(&[], "hidden by a stranger") };
        let done = of(named, &issues);
        assert_eq!(counts(&done), (1, 0, 0, 0), "{number}");
        assert_eq!(done.new_issues[0].follows, follows.map(IssueId));
    }
}

#[test]
fn tier_3_comments_on_an_open_issue_in_nearly_the_same_words_and_on_no_closed_one() {
    let like = finding(&[], LONG);
    let done = of(finding(&[], NEARLY), &[known(1, &like)]);
    assert_eq!((counts(&done), done.remarks[0].issue), ((0, 0, 1, 0), IssueId(1)));
    for closed in [completed(1, &like, days(1)), not_planned(1, &like, days(1))] {
        assert_eq!(counts(&of(finding(&[], NEARLY), &[closed])), (1, 0, 0, 0));
    }
}

#[test]
fn findings_of_one_scan_are_compared_with_each_other_in_all_tiers() {
    let done = triage(
        vec![
            finding(&["AB-CD-001"], "x"),
            finding(&["AB-CD-001"], "y"),
            finding(&[], LONG),
            finding(&[], LONG),
            finding(&[], NEARLY),
            finding(&[], NEARLY),
        ],
        &[],
        NOW,
    );
    assert_eq!(counts(&done), (2, 3, 1, 0));
    assert_eq!(done.new_issues[0].finding.occurrences, 20);
    let mail = &done.new_issues[1];
    assert_eq!((mail.finding.occurrences, mail.fingerprints.len()), (40, 2));
    assert!(mail.finding.body.ends_with(&format!("\nPerhaps the same: {NEARLY} (log rows 1)\n")));
}

#[test]
fn of_two_open_issues_the_one_with_the_code_is_met() {
    let coded = known(1, &finding(&["AB-CD-001"], "x"));
    let templated = known(2, &finding(&[], "y"));
    let done = of(finding(&["AB-CD-001"], "y"), &[coded, templated]);
    assert_eq!(done.seen_again, [(IssueId(1), 10)]);
}

/// The known issues as they are after a scan.
fn after(known: &[KnownIssue], done: &Triage) -> Vec<KnownIssue> {
    let mut issues = known.to_vec();
    for remark in &done.remarks {
        let issue = issues.iter_mut().find(|issue| issue.id == remark.issue).unwrap();
        issue.fingerprints.extend(remark.fingerprints.clone());
        issue.error_codes.extend(remark.error_codes.clone());
        issue.last_seen_at = NOW;
        if remark.reopens {
            issue.state = IssueState::Open;
        }
    }
    for (id, fingerprints) in &done.learned {
        let issue = issues.iter_mut().find(|issue| issue.id == *id).unwrap();
        issue.fingerprints.extend(fingerprints.clone());
    }
    for (id, _) in &done.seen_again {
        issues.iter_mut().find(|issue| issue.id == *id).unwrap().last_seen_at = NOW;
    }
    for (id, new) in (1_000..).zip(&done.new_issues) {
        let fingerprints = new.fingerprints.clone();
        issues.push(KnownIssue {
            fingerprints,
            last_seen_at: NOW,
            ..self::known(id, &new.finding)
        });
    }
    issues
}

fn findings() -> impl Strategy<Value = Finding> {
    let codes = prop::sample::subsequence(vec!["AB-CD-001", "AB-CD-002"], 0..=2);
    let templates =
        prop::sample::select(vec!["x", "y", LONG, NEARLY, "mail to <*> could not be kept"]);
    let files = prop::sample::subsequence(vec!["a.py", "b.py"], 0..=1);
    let duplicate_of = prop::option::of(100..108_i64);
    (codes, templates, files, duplicate_of).prop_map(|(codes, template, files, duplicate_of)| {
        let source_files = files.into_iter().map(str::to_owned).collect();
        Finding { source_files, duplicate_of, ..finding(&codes, template) }
    })
}

fn issues() -> impl Strategy<Value = Vec<KnownIssue>> {
    let one = (findings(), 0..4, any::<bool>()).prop_map(|(like, state, muted)| {
        let issue = match state {
            0 => known(0, &like),
            1 => completed(0, &like, Duration::from_secs(1)),
            2 => completed(0, &like, days(1)),
            _ => not_planned(0, &like, days(if muted { 10 } else { 200 })),
        };
        KnownIssue { muted: muted && state != 3, ..issue }
    });
    prop::collection::vec(one, 0..6).prop_map(|issues| {
        let numbered =
            |(id, issue)| KnownIssue { id: IssueId(id), number: Some(100 + id), ..issue };
        (1..).zip(issues).map(numbered).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_finding_is_counted_once_and_the_same_again_is_all_skipped(
        findings in prop::collection::vec(findings(), 0..8),
        known in issues(),
    ) {
        let done = triage(findings.clone(), &known, NOW);
        let (created, skipped, commented, reopened) = counts(&done);
        prop_assert_eq!(created as u64 + skipped + commented + reopened, findings.len() as u64);
        let mut prints: Vec<_> = done.new_issues.iter().flat_map(|new| &new.fingerprints).collect();
        let all = prints.len();
        prints.sort_by_key(|print| print.as_str());
        prints.dedup();
        prop_assert_eq!(prints.len(), all, "no fingerprint opens two issues");

        let again = triage(findings.clone(), &after(&known, &done), NOW);
        prop_assert_eq!(counts(&again), (0, findings.len() as u64, 0, 0));
    }
}

#[test]
fn the_same_input_gives_the_same_answer() {
    let findings: Vec<_> = ["a", LONG, "b", NEARLY].map(|template| finding(&[], template)).into();
    let issues = [known(1, &findings[2]), completed(2, &findings[0], days(3))];
    let once = triage(findings.clone(), &issues, NOW);
    assert_eq!(once, triage(findings, &issues, NOW));
}
