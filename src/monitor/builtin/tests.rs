//! Tests of the built-in analyzer on rows of a made-up shop.

use super::*;
use crate::model::{Classification, Finding, Level, NewLogRow, Timestamp};
use crate::monitor::triage::MAX_TITLE;

fn row(id: i64, level: Level, message: &str) -> LogRow {
    let at = format!("2026-11-21T05:00:{:02}.000Z", id % 60);
    LogRow { id, row: NewLogRow::new(at, level, "shop.cart", message) }
}

fn findings(messages: &[&str]) -> Vec<Finding> {
    let mut analyzer = Analyzer::new(Vec::new());
    for (id, message) in (1..).zip(messages) {
        analyzer.push(&row(id, Level::Error, message));
    }
    analyzer.finish().findings
}

fn only(message: &str) -> Finding {
    let mut all = findings(&[message]);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn rows_with_one_code_or_one_template_are_one_finding() {
    let all = findings(&[
        "[SHOP-PAY-014] charge of order 1 failed",
        "cart 7 is lost",
        "[SHOP-PAY-014] refund of order 2 failed too",
        "cart 8 is lost",
        "cart 9 is lost",
    ]);
    let seen: Vec<_> = all.iter().map(|f| (f.occurrences, f.evidence.clone())).collect();
    assert_eq!(seen, [(3, vec![2, 4, 5]), (2, vec![1, 3])]);
    assert_eq!(all[1].error_codes, ["SHOP-PAY-014"]);
    assert_eq!(all[1].template, "[SHOP-PAY-014] charge of order <*> failed");
    assert_eq!(all[0].last_seen, "2026-11-21T05:00:05.000Z");
}

#[test]
fn the_same_words_of_another_source_are_another_finding() {
    let mut analyzer = Analyzer::new(Vec::new());
    analyzer.push(&row(1, Level::Error, "no room"));
    let mut other = row(2, Level::Error, "no room");
    other.row.source = "shop.mail".into();
    analyzer.push(&other);
    assert_eq!(analyzer.finish().findings.len(), 2);
}

#[test]
fn the_gravest_comes_first_then_the_most_frequent_then_the_oldest() {
    let mut analyzer = Analyzer::new(Vec::new());
    let levels = [Level::Warning, Level::Error, Level::Error, Level::Error, Level::Critical];
    for (id, (level, word)) in (1..).zip(levels.into_iter().zip(["w", "b", "a", "a", "c"])) {
        analyzer.push(&row(id, level, word));
    }
    analyzer.push(&row(6, Level::Error, "d"));
    let order: Vec<_> = analyzer.finish().findings.into_iter().map(|f| f.template).collect();
    assert_eq!(order, ["c", "a", "b", "d", "w"]);
}

#[test]
fn evidence_is_the_first_rows_and_the_latest() {
    let all = findings(&["lost"; 300]);
    assert_eq!(all[0].evidence, [1, 2, 3, 4, 300]);
    assert!(
        all[0]
            .body
            .contains("`shop.cart` logged this, at worst as ERROR, 300 times: rows 1 to 300")
    );
}

#[test]
fn groups_beyond_the_limit_are_counted_in_one_last_finding() {
    let mut analyzer = Analyzer::new(Vec::new());
    let name = |n: i64| n.to_string().bytes().map(|b| char::from(b + 50)).collect::<String>();
    for id in 1..=MAX_GROUPS as i64 + 7 {
        analyzer.push(&row(id, Level::Critical, &name(id)));
    }
    let all = analyzer.finish().findings;
    assert_eq!(all.len(), MAX_GROUPS + 1);
    let rest = &all[MAX_GROUPS];
    assert_eq!((rest.occurrences, rest.template.as_str()), (7, OVERFLOW));
    assert!(rest.title.chars().count() <= MAX_TITLE);
}

#[test]
fn names_make_one_finding_and_what_happened_makes_two() {
    let lines: Vec<String> = ["mail", "cache", "ldap", "vault", "wiki", "chat"]
        .iter()
        .flat_map(|host| [1, 137].map(|code| format!("server of {host} exited with code {code}")))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let all = findings(&lines);
    let seen: Vec<_> = all.iter().map(|f| (f.occurrences, f.title.as_str())).collect();
    let expected =
        [(6, "server of ‹mail› exited with code 1"), (6, "server of ‹mail› exited with code 137")];
    assert_eq!(seen, expected);
    assert!(all[0].known_as.contains(&"server of cache exited with code <*>".to_owned()));
}

#[test]
fn a_template_of_earlier_scans_keeps_what_it_was_known_by() {
    let known = |id, origin: &str, text: &str| KnownTemplate {
        id,
        source: "shop.cart".into(),
        origin: origin.into(),
        text: text.into(),
        grown: text.contains("<*>"),
        first_seen: Timestamp::default(),
    };
    let scan = |known: Vec<KnownTemplate>, messages: &[&str]| {
        let mut analyzer = Analyzer::new(known);
        for (id, message) in (1..).zip(messages) {
            analyzer.push(&row(id, Level::Error, message));
        }
        analyzer.finish()
    };
    // One name, as it was first; then another that makes it a place for names.
    let first = vec![known(4, "no user ann here", "no user ann here")];
    let grouped = scan(first, &["no user bob here"]);
    assert_eq!(grouped.findings.len(), 1);
    assert_eq!(grouped.findings[0].template, "no user ann here");
    assert_eq!(grouped.templates[0].known, [4]);
    assert_eq!(grouped.templates[0].text, "no user <*> here");
    assert!(grouped.templates[0].grown);
    // Two that turned out to be one: the older one counts, and both are told.
    let two = vec![
        known(4, "no user ann here", "no user <*> here"),
        known(9, "no user bob here", "no user <*> here"),
    ];
    let grouped = scan(two, &["no user cy here", "no user Dee Lee here"]);
    assert_eq!(grouped.findings.len(), 1, "{:?}", grouped.findings);
    assert_eq!(grouped.findings[0].template, "no user ann here");
    assert!(grouped.findings[0].known_as.contains(&"no user bob here".to_owned()));
    assert_eq!(grouped.templates[0].known, [4, 9]);
    assert_eq!(grouped.templates[0].hours.values().sum::<u64>(), 2);
}

#[test]
fn what_an_agent_finds_is_known_by_the_template_of_its_rows() {
    let mut analyzer = Analyzer::new(Vec::new());
    for (id, name) in (1..).zip(["ann", "bob", "cy", "dee"]) {
        analyzer.push(&row(id, Level::Error, &format!("no user {name} here")));
    }
    let grouped = analyzer.finish();
    let mut finding = only("no user bob here");
    grouped.identify(&mut finding, &[row(2, Level::Error, "no user bob here").row]);
    assert_eq!(finding.template, "no user <*> here");
    assert!(finding.known_as.contains(&"no user bob here".to_owned()));
}

#[test]
fn words_and_status_decide_the_classification() {
    use Classification::{ClientMisuse, DocumentationGap, ServerBug};
    for (message, expected) in [
        ("cart is gone", ServerBug),
        ("upstream answered 404", ServerBug),
        ("\"GET /a HTTP/1.1\" 503 12", ServerBug),
        ("bad token\nTraceback (most recent call last):\n  x", ServerBug),
        ("Malformed body at 7", ClientMisuse),
        ("missing required parameter `page`", ClientMisuse),
        ("10.0.0.1 \"GET /a HTTP/1.1\" 404 12", ClientMisuse),
        ("request refused, status=422", ClientMisuse),
        ("client 7 was refused: its key is expired", ClientMisuse),
        ("Unknown option \"x\" in a.toml", DocumentationGap),
        ("deprecated setting used, no documented replacement", DocumentationGap),
    ] {
        assert_eq!(only(message).classification, expected, "{message}");
    }
}

#[test]
fn a_title_is_one_readable_line_of_at_most_80_characters() {
    assert_eq!(only("[SHOP-PAY-014] order 7 of 'ann' failed\nx").title, "order 7 of 'ann' failed");
    assert_eq!(only("SHOP-PAY-014: order lost").title, "order lost");
    assert_eq!(only("ERROR [SHOP-PAY-014] order lost").title, "order lost");
    assert_eq!(only("lost after SHOP-PAY-014").title, "lost after SHOP-PAY-014");
    assert_eq!(only("[SHOP-PAY-014]").title, "A message without words");
    let long = only(&"größer ".repeat(40)).title;
    assert!(long.chars().count() <= MAX_TITLE && long.ends_with('…'));
}

#[test]
fn a_title_is_an_example_in_which_what_differs_is_marked() {
    let title = |messages: &[&str]| findings(messages).remove(0).title;
    assert_eq!(
        title(&["no option 'a' in line 3", "no option 'a' in line 9"]),
        "no option 'a' in line ‹3›"
    );
    assert_eq!(title(&["no option 'a'", "no option 'b'"]), "no option ‹'a'›");
    assert_eq!(title(&["port 80 is taken"; 3]), "port 80 is taken");
    assert_eq!(title(&["/srv/a.py:3: gone", "/srv/b.py:4: gone"]), "gone");
    assert_eq!(
        title(&["Invalid user ann from 10.0.0.1", "Invalid user bob from 10.0.0.2"]),
        "Invalid user ‹ann› from ‹10.0.0.1›"
    );
    assert_eq!(title(&["[error] shop: cart is locked"]), "shop: cart is locked");
    let gone = "/var/log/shop.log is not there";
    assert_eq!(title(&[&format!("ERROR {gone}")]), gone, "a path keeps its first stroke");
    assert_eq!(title(&["ERROR cart is locked user=ann"]), "cart is locked user=ann");
    assert_eq!(title(&["error in the cart"]), "error in the cart");
    assert_eq!(title(&["lost <*> of 'a' and 7"]), "lost <*> of <*> and <*>");
}

#[test]
fn one_code_said_in_two_ways_is_judged_and_titled_by_the_more_frequent() {
    let all = findings(&[
        "[SHOP-API-021] upstream is gone",
        "[SHOP-API-021] invalid token of client 7",
        "[SHOP-API-021] invalid token of client 9, see [SHOP-PAY-014]",
        "[SHOP-API-021] invalid token of client 8",
    ]);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].title, "invalid token of client ‹7›");
    assert_eq!(all[0].classification, Classification::ClientMisuse);
    assert_eq!(all[0].error_codes, ["SHOP-API-021"]);
    assert!(
        all[0]
            .body
            .contains("The same code also came as:\n\n- `shop.cart`: `[SHOP-API-021] upstream")
    );
}

#[test]
fn codes_further_on_in_equal_messages_are_problems_of_their_own() {
    let all = findings(&["cart is lost\nSHOP-PAY-001", "cart is lost\nSHOP-PAY-002"]);
    let codes: Vec<_> = all.iter().flat_map(|finding| &finding.error_codes).collect();
    assert_eq!(codes, ["SHOP-PAY-001", "SHOP-PAY-002"]);
}

#[test]
fn what_is_said_of_anything_is_no_way_to_know_a_problem() {
    let all = findings(&["7 failed", "8 failed"]);
    assert_eq!((all.len(), all[0].known_as.len()), (1, 0), "{:?}", all[0].known_as);
}

#[test]
fn the_body_cites_and_nothing_in_it_breaks_out() {
    let mut hostile =
        row(3, Level::Error, "bad\n````\n# @all\n  at src/cart.rs:42:7 (Cart.java:9)");
    hostile.row.request_path = Some("/cart`x`?secret=1".into());
    let mut analyzer = Analyzer::new(Vec::new());
    analyzer.push(&hostile);
    let body = analyzer.finish().findings.remove(0).body;
    assert_eq!(body.matches("\n`````").count(), 2);
    assert!(body.contains("Request paths: `/cart x`\n") && !body.contains("secret"));
    assert!(body.contains("Source files: `src/cart.rs:42`, `Cart.java:9`\n"));
    assert!(body.contains("at worst as ERROR, once: row 3 at `2026-"));
    assert!(body.contains("Log rows: 3\n\n## Likely cause\n\n"));
    let python = only("e\nTraceback (most recent call last):\n  File \"a/x.py\", line 3, in f");
    assert!(python.body.contains("Source files: `a/x.py:3`"));
}
