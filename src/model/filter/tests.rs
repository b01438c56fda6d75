//! The language of filters: every word, every refusal, and what is written is read as the same.

use super::*;
use crate::model::Timestamp;
use proptest::prelude::*;

fn parse(text: &str) -> Filter {
    Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Where a text is refused, and why.
fn refusal(text: &str) -> (usize, String) {
    let error = Filter::parse(text).expect_err(text);
    (error.column, error.reason)
}

#[test]
fn every_word_is_written_as_it_is_read() {
    for (text, canonical) in [
        ("", ""),
        ("  status:failed   kind:send_email ", "status:failed kind:send_email"),
        ("STATUS:Failed,queued", "status:failed,queued"),
        ("-queue:slow trigger:api,parent", "-queue:slow trigger:api,parent"),
        ("error~\"SMTP 421\" error:JOB-RUN-001", "error~\"SMTP 421\" error:JOB-RUN-001"),
        ("error~\"421\"", "error~421"),
        ("key:\"a,b\",c schedule:nightly", "key:\"a,b\",c schedule:nightly"),
        ("tag:billing,\"in the eu\"", "tag:billing,\"in the eu\""),
        ("#184302 id:1,2", "id:184302 id:1,2"),
        (".customer_id:1207", ".customer_id:1207"),
        ("payload.customer.id:1207,\"\\\"x\\\\\"", ".customer.id:1207,\"\\\"x\\\\\""),
        (".items.0.\"0\".\"a b\":x", ".items.0.\"0\".\"a b\":x"),
        ("since:120m until:2w", "since:2h before:14d"),
        ("since:2026-11-21", "since:2026-11-21T00:00:00.000Z"),
        ("before:2026-11-21T09:00:00+01:00", "before:2026-11-21T08:00:00.000Z"),
        (
            "attempt>2 attempt:1 took>90s waited<1h30m",
            "attempt>2 attempt:1 took>1m30s waited<1h30m",
        ),
        ("is:overdue,warning -is:warning", "is:overdue,warning -is:warning"),
        ("customer \"1207\" -\"SMTP 421\"", "customer 1207 -\"SMTP 421\""),
        (
            "12:30 \"a:b\" \"OR\" \"-x\" \"say \\\"hi\\\"\"",
            "\"12:30\" \"a:b\" \"OR\" \"-x\" \"say \\\"hi\\\"\"",
        ),
        ("Straße überfällig", "Straße überfällig"),
    ] {
        let filter = parse(text);
        assert_eq!(filter.to_string(), canonical);
        assert_eq!(parse(canonical), filter, "{canonical}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_its_column_and_a_hint() {
    for (text, column, reason) in [
        (
            "kind:x staus:failed",
            8,
            "there is no word staus:; did you mean status? The words are status, kind,",
        ),
        ("https://example.org", 1, "put text that has one in quotes"),
        ("batch:x", 7, "\"x\" is no batch's id"),
        ("by:anna", 1, "the audit log does"),
        (
            "ü status:faild",
            10,
            "status:faild is not known; did you mean failed? There are scheduled, queued,",
        ),
        ("trigger:cron", 9, "There are manual, scheduled, api, retry, parent"),
        ("is:late", 4, "There are overdue, warning"),
        ("kind:Send,x", 6, "\"Send\" is no name of a kind"),
        ("kind:", 6, "a value is missing"),
        ("kind:a,,b", 8, "a value is missing"),
        ("key:\"\"", 5, "a value is missing"),
        ("id:12a", 4, "\"12a\" is no job's id"),
        ("#x", 2, "\"x\" is no job's id"),
        ("kind>x", 1, "kind> is not known; kind: is"),
        ("error>3", 1, "error> is not known; error: and error~ are"),
        ("took:3s", 1, "took: is not known; took> and took< are"),
        ("payload:3", 8, "payload.name:value"),
        (".name", 6, ".name:value"),
        (".:3", 2, "must follow the dot"),
        (".\"a\\\"b\":3", 2, "has a quote"),
        ("since:2", 7, "neither a length of time"),
        ("since:2h,3h", 9, "since takes one value"),
        ("since:99999999w", 7, "neither a length"),
        ("took>5x", 6, "no length of time"),
        ("attempt>-1", 9, "is no number"),
        ("a OR b", 3, "OR joins nothing"),
        ("\"never closed", 1, "the quote is never closed"),
        ("\"\"", 1, "nothing between the quotes"),
        ("\"a\\n\"", 3, "stands before"),
        ("\"a\"b", 4, "a space must follow"),
        ("a\"b\"", 2, "a quote begins a term"),
        ("key:a\"b\"", 6, "a quote begins a value"),
        ("--x", 2, "one - is enough"),
        ("x -", 4, "a term must follow the -"),
    ] {
        let (at, why) = refusal(text);
        assert!(at == column && why.contains(reason), "{text}: column {at}: {why}");
    }
    let error = Error::from(Filter::parse("staus:failed").unwrap_err());
    assert_eq!(error.code(), Code::FilterInvalid);
    assert!(
        error.sentence().starts_with("Could not read the query: column 1: there is no word staus:")
    );
}

#[test]
fn a_text_of_any_length_is_read_or_refused_within_its_limits() {
    assert!(refusal(&"x".repeat(2001)).1.contains("longer than 2000 bytes"));
    assert!(Filter::parse(&"x ".repeat(32)).is_ok());
    assert_eq!(refusal(&"x ".repeat(33)).0, 65);
    let ids = vec!["1"; 201].join(",");
    assert!(refusal(&format!("id:{ids}")).1.contains("more than 200 values"));
    assert!(refusal(&format!("{}:1", ".a".repeat(17))).1.contains("more than 16 fields"));
    // Each backslash is written as two.
    assert!(refusal(&format!("key:{}", "\\".repeat(1500))).1.contains("longer than 2000 bytes"));
}

#[test]
fn a_length_stays_relative_and_is_counted_from_when_it_is_used() {
    let filter = parse("since:2h");
    let [Term { condition: Condition::Since(moment), .. }] = filter.terms() else {
        panic!("{filter}")
    };
    for now in [7_200_000, 9_000_000] {
        let since = moment.at(Timestamp::from_millis(now));
        assert_eq!(since, Timestamp::from_millis(now - 7_200_000));
    }
}

#[test]
fn a_bare_number_may_name_a_job_and_a_text_does_not() {
    for text in ["184302", "#184302", "id:184302"] {
        assert_eq!(parse(text).named_job(), Some(JobId(184_302)), "{text}");
    }
    for text in ["", "customer 1207", "id:1,2", "-7", "-#7", "0", "99999999999999999999"] {
        assert_eq!(parse(text).named_job(), None, "{text}");
    }
}

#[test]
fn every_word_that_is_listed_can_be_asked_for() {
    let value = |word: &str, operator: char| match (word, operator) {
        ("status", _) => "failed",
        ("trigger", _) => "api",
        ("since" | "before" | "until" | "took" | "waited", _) => "2h",
        ("is", _) => "overdue",
        ("payload", _) => "name:x",
        ("id" | "batch" | "bulk" | "attempt", _) => "7",
        (_, _) => "x",
    };
    let mut asked = 0;
    for (word, operators, about) in words() {
        assert!(!about.is_empty());
        for operator in operators.chars() {
            parse(&format!("{word}{operator}{}", value(word, operator)));
            asked += 1;
        }
    }
    assert!(asked > 18, "{asked}");
}

/// Any text of a value: everything that quoting must get right.
fn value() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z0-9_.:~<>#@/+-]{1,8}", "[ ,\"\\\\a-zäß\\t-]{1,8}", "\\PC{1,6}"]
}

fn condition() -> impl Strategy<Value = Condition> {
    let values = || prop::collection::vec(value(), 1..3);
    let names = || prop::collection::vec("[a-z0-9_]{1,6}", 1..3);
    let parsed = |text: &str| parse(text).terms()[0].condition.clone();
    let step = prop_oneof![
        "[^\"\\\\\\pC]{1,6}".prop_map(PathStep::Field),
        (0_u32..9).prop_map(PathStep::Element),
    ];
    let compare = prop_oneof![Just(">"), Just("<")];
    prop_oneof![
        prop::sample::subsequence(Status::ALL, 1..3).prop_map(Condition::Status),
        prop::sample::subsequence(Trigger::ALL, 1..3).prop_map(Condition::Trigger),
        prop::sample::subsequence(Mark::ALL, 1..2).prop_map(Condition::Is),
        names().prop_map(|names| Condition::Kind(
            names.into_iter().map(|name| Kind::parse(name).unwrap()).collect()
        )),
        values().prop_map(Condition::Key),
        values().prop_map(Condition::ErrorText),
        values().prop_map(Condition::ErrorCode),
        prop::collection::vec(1..i64::MAX, 1..3).prop_map(Condition::Id),
        prop::collection::vec(1..i64::MAX, 1..3).prop_map(Condition::Batch),
        prop::collection::vec(1..i64::MAX, 1..3).prop_map(Condition::Bulk),
        prop::collection::vec("[0-9a-f]{16}", 1..3).prop_map(Condition::ErrorGroup),
        (prop::collection::vec(step, 1..4), values())
            .prop_map(|(path, values)| Condition::Payload(path, values)),
        (-60_000_000_000_000..250_000_000_000_000_i64)
            .prop_map(move |at| parsed(&format!("since:{}", Timestamp::from_millis(at)))),
        (0..3_000_000_000_000_u64).prop_map(move |ms| parsed(&format!("before:{ms}ms"))),
        (compare, 0_u64..100_000_000).prop_map(move |(c, ms)| parsed(&format!("took{c}{ms}ms"))),
        (0_u32..1000).prop_map(|count| Condition::Attempt(Compare::Equal, count)),
        value().prop_map(Condition::Text),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same_filter(
        terms in prop::collection::vec((any::<bool>(), condition()), 0..6)
    ) {
        let terms = terms.into_iter().map(|(negated, condition)| Term { negated, condition });
        let filter = Filter { terms: terms.collect() };
        let text = filter.to_string();
        prop_assert_eq!(Filter::parse(&text), Ok(filter), "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused_and_what_is_read_stays_itself(text in "[ a-z:~<>.,#\"\\\\0-9-]{0,40}|\\PC{0,30}") {
        if let Ok(filter) = Filter::parse(&text) {
            prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
        }
    }
}
