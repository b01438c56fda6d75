//! Events whose beginnings an operator names.

use super::*;
use crate::logs::read::event::MAX_OPEN_LINES;

/// The messages of a text whose events begin so.
fn begun(begins: &str, text: &str) -> Vec<String> {
    let rules = LogRules::new(None, Some(begins)).unwrap();
    let learned = Learned::of(text.as_bytes(), &defaults().timestamp);
    let mut reader = LineReader::new(defaults().ruled(rules), learned);
    let mut rows: Vec<_> = text.lines().filter_map(|line| reader.push(line)).collect();
    rows.extend(reader.finish());
    rows.into_iter().map(|row| row.message).collect()
}

#[test]
fn lines_that_nobody_would_join_are_one_event_by_the_rule() {
    let text = "step 1 of the plan\nread 7 files\n{\"a\":1}\nlevel=info msg=done\nstep 2 of the plan\nERROR no\n";
    assert_eq!(rows(text).len(), 6);
    let expected = [
        "step 1 of the plan\nread 7 files\n{\"a\":1}\nlevel=info msg=done",
        "step 2 of the plan\nERROR no",
    ];
    assert_eq!(begun("^step ", text), expected);
}

#[test]
fn a_time_begins_no_event_where_the_rule_says_otherwise() {
    let text = "@ 2026-11-21 05:29:51 INFO dump\n2026-11-21 05:29:40 a\n2026-11-21 05:29:41 b\n@ 2026-11-21 05:29:52 INFO next\n";
    assert_eq!(rows(text).len(), 3);
    let found = begun("^@", text);
    assert_eq!(found.len(), 2);
    assert!(found[0].ends_with("INFO dump\n2026-11-21 05:29:40 a\n2026-11-21 05:29:41 b"));
}

#[test]
fn lines_that_the_reader_would_join_are_events_by_the_rule() {
    let text = "2026-11-21 05:29:51 ERROR no\nTraceback (most recent call last):\n  File \"a.py\", line 3\nKeyError: 1\n";
    assert_eq!(rows(text).len(), 1);
    assert_eq!(begun("^", text).len(), 4);
    // Of a file whose events are indented the reader joins nothing.
    let indented = "  a 1\n    b\n  a 2\n    b\n  a 3\n    b\n";
    assert_eq!((rows(indented).len(), begun("^  a", indented).len()), (6, 3));
}

#[test]
fn a_line_is_looked_at_without_colours_and_also_without_what_is_around_it() {
    assert_eq!(begun("^INFO", "\u{1b}[32mINFO\u{1b}[0m a\nb\nINFO c\n").len(), 2);
    let docker = |text: &str| {
        let line = serde_json::json!({"log": format!("{text}\n"), "stream": "stdout", "time": "2026-11-21T05:29:51Z"});
        format!("{line}\n")
    };
    let text: String = ["> a", "b", "> c", "d"].map(docker).concat();
    assert_eq!(begun("^>", &text), ["> a\nb", "> c\nd"]);
    assert_eq!(begun(r#"^\{"log":">"#, &text), ["> a\nb", "> c\nd"]);
    let syslog = "Nov 21 05:29:51 web app[7]: a\nNov 21 05:29:52 web app[8]: b\n";
    assert_eq!(begun(r"^Nov", syslog).len(), 2);
    // The rule beats what tells processes apart.
    assert_eq!(begun("^a", syslog), ["a\nb"]);
}

#[test]
fn pieces_of_one_line_stay_together() {
    let piece = |text: &str, mark: &str| format!("2026-11-21T05:29:51Z stdout {mark} {text}\n");
    let text = [piece("a long ", "P"), piece("line", "F"), piece("and", "F")].concat();
    assert_eq!(begun("^", &text), ["a long line", "and"]);
}

#[test]
fn an_empty_line_may_begin_an_event() {
    assert_eq!(begun("^$", "a\nb\n\nc\n\n\nd\ne\n"), ["a\nb", "c", "d\ne"]);
    assert_eq!(begun("^x", "x a\n\nb\n"), ["x a\nb"]);
}

#[test]
fn an_event_that_no_line_ends_is_cut() {
    let found = begun("^x", &"a\n".repeat(2 * MAX_OPEN_LINES + 1));
    assert_eq!(found.len(), 3);
    assert_eq!(found[0].lines().count(), MAX_OPEN_LINES);
}
