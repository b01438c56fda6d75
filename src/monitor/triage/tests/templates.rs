//! Tests of issues that are known by the templates of their rows, and of their titles.

use super::*;
use crate::model::Quiet;

#[test]
fn an_issue_of_before_is_known_by_the_masks_of_its_rows_and_learns_the_template() {
    let said = Finding {
        known_as: vec!["no user ann here".into(), "no user bob here".into()],
        ..finding(&[], "no user <*> here")
    };
    let old = known(1, &finding(&[], "no user bob here"));
    let done = triage(vec![said.clone()], std::slice::from_ref(&old), NOW);
    assert_eq!(counts(&done), (0, 1, 0, 0));
    assert_eq!(done.learned, [(IssueId(1), prints_of(&said))]);
    // From then on without those names.
    let later = Finding { known_as: Vec::new(), ..said.clone() };
    assert_eq!(counts(&triage(vec![later], &after(&[old], &done), NOW)), (0, 1, 0, 0));
    // A new issue is given the template alone.
    assert_eq!(triage(vec![said.clone()], &[], NOW).new_issues[0].fingerprints, prints_of(&said));
}

#[test]
fn what_differs_in_a_number_that_says_what_happened_is_two_problems() {
    let mask = "the server of the shop exited with code <*> at night";
    let said = |code: u8| Finding {
        known_as: vec![mask.into()],
        ..finding(&[], &format!("the server of the shop exited with code {code} at night"))
    };
    let done = triage(vec![said(1), said(137)], &[], NOW);
    assert_eq!(counts(&done), (2, 0, 0, 0));
    // Both were one issue before.
    let old = known(1, &finding(&[], mask));
    let both = triage(vec![said(1), said(137)], std::slice::from_ref(&old), NOW);
    assert_eq!((counts(&both), both.learned), ((0, 2, 0, 0), Vec::new()));
    // One alone is learned, though not what its file says.
    let in_file = Finding { source_files: vec!["a.py".into()], ..said(1) };
    let learned = triage(vec![in_file], &[old], NOW).learned;
    assert_eq!(learned, [(IssueId(1), prints_of(&said(1)))]);
}

#[test]
fn the_own_template_says_more_than_a_way_of_saying_it() {
    let said = Finding { known_as: vec!["x".into()], ..finding(&[], "no user <*> here") };
    // The newer one is known by the way alone.
    let issues = [known(1, &said), known(2, &finding(&[], "x"))];
    let done = triage(vec![said.clone()], &issues, NOW);
    assert_eq!(done.seen_again, [(IssueId(1), 10)]);
    // It came back, though an open issue is known by the way.
    let issues = [completed(1, &said, days(3)), known(2, &finding(&[], "x"))];
    assert_eq!(counts(&of(said, &issues)), (0, 0, 0, 1));
}

#[test]
fn no_two_open_issues_have_one_title() {
    let titled =
        |template: &str| Finding { title: "cart is lost".into(), ..finding(&[], template) };
    let old = known(1, &titled("cart <*> lost"));
    let mut done = triage(vec![titled("a"), titled("b")], &[old], NOW);
    let second = done.new_issues.pop().unwrap().finding.title;
    let first = done.new_issues.pop().unwrap().finding.title;
    assert_eq!((first.as_str(), second.as_str()), ("cart is lost in shop", "cart is lost (2)"));
}

#[test]
fn a_problem_is_the_same_whatever_class_it_is_given() {
    let of_class = |classification| Finding { classification, ..finding(&[], "no user <*> here") };
    let issue = known(1, &of_class(Classification::ServerBug));
    for class in Classification::ALL {
        let done = of(of_class(class), std::slice::from_ref(&issue));
        assert_eq!((counts(&done), done.seen_again), ((0, 1, 0, 0), vec![(IssueId(1), 10)]));
    }
    // Two judgements of one scan are one issue, too.
    let both = vec![of_class(Classification::ServerBug), of_class(Classification::ClientMisuse)];
    assert_eq!(counts(&triage(both, &[], NOW)), (1, 1, 0, 0));
}

/// A finding whose rows belong to the template of this id.
fn of_template(id: i64, text: &str) -> Finding {
    let templates =
        FindingTemplates { met: vec![3], known: vec![id], ..FindingTemplates::default() };
    Finding { templates, ..finding(&[], text) }
}

#[test]
fn an_issue_is_known_by_the_templates_of_its_rows_whatever_became_of_their_texts() {
    let issue = KnownIssue { templates: vec![4], ..known(1, &finding(&[], "as it was")) };
    let done = of(of_template(4, "as it is"), std::slice::from_ref(&issue));
    assert_eq!((counts(&done), &done.shown), ((0, 1, 0, 0), &vec![(IssueId(1), vec![3])]));
    assert_eq!(counts(&of(of_template(5, "as it is"), std::slice::from_ref(&issue))), (1, 0, 0, 0));
    // What is surely another issue's stays with that one.
    let other = known(2, &finding(&[], "as it is"));
    let done = of(of_template(4, "as it is"), &[issue, other]);
    assert_eq!(done.seen_again, [(IssueId(2), 10)]);
}

/// A finding with so many rows an hour ago.
fn with_rows(rows: u64) -> Finding {
    let hours = [(Some(before(Duration::from_hours(1)).hour()), rows)].into();
    let templates = FindingTemplates { hours, ..FindingTemplates::default() };
    Finding { templates, occurrences: rows, ..finding(&[], "x") }
}

#[test]
fn what_people_set_aside_is_told_again_once_it_is_met_ten_times_as_often() {
    let quiet = |of_before: u64, since: u64| {
        let hours = [(days(3), of_before), (Duration::from_hours(2), since)];
        let hours = hours.map(|(ago, rows)| (before(ago).hour(), rows)).into();
        Some(Quiet::new(before(days(1)), &hours))
    };
    let muted = |quiet| KnownIssue { muted: true, quiet, ..known(1, &finding(&[], "x")) };
    // What the scans of a day have met counts together.
    for (quiet, rows, told) in [
        (quiet(5, 20), 29, false),
        (quiet(5, 20), 30, true),
        (quiet(0, 0), 900, false),
        (None, 900, false),
    ] {
        let done = of(with_rows(rows), &[muted(quiet)]);
        assert_eq!(counts(&done), if told { (0, 0, 0, 1) } else { (0, 1, 0, 0) }, "{rows}");
        let acts: Vec<_> = done.remarks.iter().map(|one| (one.unmutes, one.reopens)).collect();
        assert_eq!(acts, vec![(true, false); usize::from(told)]);
    }
    let closed = KnownIssue { quiet: quiet(5, 0), ..not_planned(1, &finding(&[], "x"), days(1)) };
    let done = of(with_rows(50), std::slice::from_ref(&closed));
    assert_eq!((counts(&done), done.remarks[0].reopens), ((0, 0, 0, 1), true));
    assert!(done.remarks[0].body.contains("had 5 log rows. One day since has had 50."));
    assert_eq!(done.decisions[0].verdict, Triaged::Grew);
    // One that cannot be opened from here is filed anew, and follows it.
    let elsewhere = KnownIssue { number: None, ..closed };
    assert_eq!(of(with_rows(50), &[elsewhere]).new_issues[0].follows, Some(IssueId(1)));
}
