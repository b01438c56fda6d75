//! Tests of issues that are known by the templates of their rows, and of their titles.

use super::*;

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
