//! Answers as models give them, and as hostile ones could.

use super::*;
use crate::model::Classification;
use proptest::prelude::*;

fn good() -> Value {
    json!({
        "classification": "server_bug",
        "title": "Refunds fail",
        "body": "They do.",
        "error_codes": ["SHOP-PAY-014"],
        "source_log_ids": [3, 9],
        "source_files": ["b.py", "a.py", "b.py"],
        "duplicate_of": 12,
    })
}

fn answer(findings: &[Value]) -> Value {
    json!({"status": "success", "max_log_id_processed": 41, "issues_created": findings})
}

/// The good finding with one field replaced.
fn with(name: &str, value: Value) -> Value {
    let mut finding = good();
    finding[name] = value;
    finding
}

fn of(text: &str) -> Result<Reply> {
    parse(None, text)
}

#[test]
fn a_good_answer_is_read_as_it_stands() {
    let expected = Reply {
        max_log_id_processed: Some(41),
        proposals: vec![Proposal {
            classification: Classification::ServerBug,
            title: "Refunds fail".into(),
            body: "They do.".into(),
            error_codes: vec!["SHOP-PAY-014".into()],
            source_log_ids: vec![3, 9],
            source_files: vec!["a.py".into(), "b.py".into()],
            duplicate_of: Some(12),
            verified_at: Vec::new(),
        }],
        rejected: Rejected::default(),
    };
    let value = answer(&[good()]);
    assert_eq!(parse(Some(&value), "prose of the same answer").unwrap(), expected);
    assert_eq!(of(&value.to_string()).unwrap(), expected);
    assert_eq!(of(&serde_json::to_string_pretty(&value).unwrap()).unwrap(), expected);
}

#[test]
fn an_answer_is_found_in_what_models_put_around_it() {
    let value = answer(&[with("body", "Use `{ \"status\": 1 }` and \"}\" \\ {{".into())]);
    let expected = parse(Some(&value), "").unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    for text in [
        format!("```json\n{pretty}\n```"),
        format!("```\n{value}\n```\n"),
        format!("[info] {{warming up}}\nwarning: x\n{value}\nbye }}"),
        format!("Here you are: {value}. Anything else?"),
        format!("The shape is {}, so:\n{pretty}", json!({"status": "…", "issues_created": []})),
        format!("First I thought {}, but: {value}", answer(&[])),
        format!("{{\"answer\": {value}}}"),
        format!("\u{feff}{value}"),
    ] {
        assert_eq!(of(&text).unwrap(), expected, "{text}");
    }
    // What the agent's program took out is of another shape: the text counts.
    assert_eq!(parse(Some(&json!({"ok": true})), &value.to_string()).unwrap(), expected);
}

#[test]
fn what_the_agent_adds_is_ignored_and_what_it_may_leave_out_is_empty() {
    let finding = json!({"classification": "client_misuse", "title": "t", "body": "", "source_log_ids": [1],
        "error_codes": null, "severity": "high"});
    let text = json!({"status": "SUCCESS", "issues_created": [finding], "duplicates_skipped": 9})
        .to_string();
    let reply = of(&text).unwrap();
    assert_eq!((reply.max_log_id_processed, reply.rejected.count), (None, 0));
    assert!(reply.proposals[0].error_codes.is_empty() && reply.proposals[0].duplicate_of.is_none());
}

#[test]
fn a_finding_that_does_not_fit_is_rejected_and_the_others_go_on() {
    let long = "x".repeat(1_000_001);
    let cases = [
        (with("classification", "rm -rf".into()), "no classification \"rm -rf\""),
        (with("classification", long.clone().into()), "classification is longer than"),
        (with("classification", json!(7)), "classification is no text"),
        (with("title", long.clone().into()), "title is longer than 1000"),
        (with("title", " \u{200b}\n ".into()), "title is empty"),
        (with("title", "[BUG] ".into()), "title is empty"),
        (with("title", json!(null)), "title is no text"),
        (with("body", long.clone().into()), "body is longer than 32000"),
        (with("body", json!({})), "body is no text"),
        (with("error_codes", "SHOP-PAY-014".into()), "error_codes is no list"),
        (with("error_codes", json!([1])), "error_codes has an element that is no text"),
        (with("error_codes", json!(vec!["a"; 101])), "error_codes has more than"),
        (with("source_files", json!([long])), "source_files has an element of more than"),
        (with("source_log_ids", json!([])), "cites no log rows"),
        (with("source_log_ids", json!(null)), "source_log_ids is no list"),
        (with("source_log_ids", json!(["3"])), "no whole number"),
        (with("source_log_ids", json!([3.5])), "no whole number"),
        (with("source_log_ids", json!([1e300])), "no whole number"),
        (with("source_log_ids", json!(vec![1; 1_001])), "more than 1000"),
        (with("duplicate_of", "#1".into()), "duplicate_of is no number"),
        (json!("finding"), "no object"),
        (json!(null), "no object"),
    ];
    let mut findings = vec![good()];
    findings.extend(cases.iter().map(|(finding, _)| finding.clone()));
    findings.push(good());
    let reply = of(&format!("Here: {}", answer(&findings))).unwrap();
    assert_eq!(reply.proposals.len(), 2, "{:#?}", reply.rejected);
    assert_eq!(reply.rejected.count, cases.len() as u64);
    for ((index, (_, why)), said) in cases.iter().enumerate().zip(&reply.rejected.reasons) {
        assert!(said.starts_with(&format!("finding {} (", index + 2)), "{said}");
        assert!(said.contains(why) && said.len() < 500, "{said} says {why}");
    }
}

#[test]
fn findings_beyond_the_hundredth_are_rejected_and_counted() {
    let of = |findings: &[Value]| of(&answer(findings).to_string()).unwrap();
    let reply = of(&vec![good(); 103]);
    assert_eq!((reply.proposals.len(), reply.rejected.count), (100, 3));
    let flood = of(&vec![json!(1); 1_000_000]).rejected;
    assert_eq!((flood.count, flood.reasons.len()), (1_000_000, 100));
}

#[test]
fn a_title_is_one_line_without_what_our_code_puts_before_it() {
    for (title, expected) in [
        ("[BUG] Refunds fail", "Refunds fail"),
        ("[CLIENT] [SHOP-PAY-014] Refunds fail", "Refunds fail"),
        ("SHOP-PAY-014: Refunds fail", "Refunds fail"),
        ("Refunds\n\tfail\u{202e} \u{0} often", "Refunds fail often"),
        ("Refunds fail with SHOP-PAY-014", "Refunds fail with SHOP-PAY-014"),
        ("SHOP-PAY-014", "SHOP-PAY-014"),
    ] {
        let reply = of(&answer(&[with("title", title.into())]).to_string()).unwrap();
        assert_eq!(reply.proposals[0].title, expected);
    }
}

#[test]
fn codes_of_another_shape_are_no_codes() {
    let codes = json!(["shop-pay-014", "SHOP-PAY-014", "SHOP-PAY-0144", "x", "SHOP-PAY-014"]);
    let reply = of(&answer(&[with("error_codes", codes)]).to_string()).unwrap();
    assert_eq!(reply.proposals[0].error_codes, ["SHOP-PAY-014"]);
}

#[test]
fn an_answer_without_sense_is_an_error_with_its_beginning() {
    let garbage = "I could not do it. ".repeat(100) + "password=hunter2hunter2";
    for text in [
        String::new(),
        garbage,
        "{}".into(),
        "[]".into(),
        "null".into(),
        "{\"status\":\"success\"}".into(),
        "{\"status\":\"done\",\"issues_created\":[]}".into(),
        "{\"status\":1,\"issues_created\":[]}".into(),
        answer(&[good()]).to_string()[1..].to_owned().replace("status", "state"),
        "{".repeat(100_000),
        " ".repeat(9 * 1024 * 1024),
    ] {
        let error = of(&text).unwrap_err();
        assert_eq!(error.code(), Code::ScanReply);
        let said = error.to_string();
        assert!(said.chars().count() < MAX_SHOWN + 200, "{said}");
        let begin: String = text.trim().chars().take(18).collect();
        assert!(said.contains(&begin), "{said}");
    }
    let secret = of("no, password=hunter2hunter2").unwrap_err().to_string();
    assert!(secret.contains("no, password=") && !secret.contains("hunter2"), "{secret}");
}

#[test]
fn an_agent_that_failed_fails_the_scan_with_its_reason() {
    for status in ["error", "failure", "FAILED"] {
        let text = json!({"status": status, "error": "the file is locked\u{202e}", "issues_created": [good()]});
        let error = parse(Some(&text), "").unwrap_err();
        assert_eq!(error.code(), Code::ScanAgent);
        assert!(error.to_string().ends_with(": the file is locked"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_panic_and_an_answer_survives_any_text_before_it(noise in "\\PC{0,200}") {
        drop(of(&noise));
        let value = answer(&[good()]);
        // Noise that opens a string or an object which takes the answer in is another answer.
        let text = format!("{}\n{value}", noise.replace(['"', '{'], " "));
        prop_assert_eq!(of(&text).unwrap(), parse(Some(&value), "").unwrap());
    }

    #[test]
    fn any_value_in_any_field_is_accepted_or_rejected_and_counted(
        name in prop::sample::select(vec![
            "classification", "title", "body", "error_codes", "source_log_ids", "source_files", "duplicate_of",
        ]),
        value in prop::sample::select(vec![
            json!(null), json!(true), json!(-1), json!(0.5), json!(u64::MAX), json!(""), json!("server_bug"),
            json!([]), json!([null]), json!([[1]]), json!([-5]), json!({"a": []}),
        ]),
    ) {
        let reply = of(&answer(&[good(), with(name, value)]).to_string()).unwrap();
        prop_assert_eq!(reply.proposals.len() as u64 + reply.rejected.count, 2);
        prop_assert_eq!(&reply.proposals[0].title, "Refunds fail");
    }
}

#[test]
fn the_places_at_which_a_finding_was_verified_are_read_in_every_usual_form() {
    let of = |value: Value| {
        let read = parse(Some(&answer(&[with("verified_at", value)])), "").unwrap();
        let places = read.proposals[0].verified_at.iter();
        places.map(|place| format!("{}:{}", place.file, place.line)).collect::<Vec<_>>()
    };
    let whole =
        json!([{"file": "src/a.rs", "line": 7}, "src/b.rs:9", {"file": "c.rs", "line": "3"}]);
    assert_eq!(of(whole), ["src/a.rs:7", "src/b.rs:9", "c.rs:3"]);
    assert_eq!(of(json!({"file": "src/a.rs", "line": 7})), ["src/a.rs:7"]);
    assert_eq!(of(json!("src/a.rs:7")), ["src/a.rs:7"]);
    assert!(of(json!([])).is_empty() && of(json!(null)).is_empty());
    // What is no place is the place of no file, so that it is counted.
    assert_eq!(of(json!([7, "src/a.rs", {"line": 1}, {"file": "x", "line": -1}])), [":0"; 4]);
    assert_eq!(of(json!(vec!["a:1"; 900])).len(), 20);
    assert!(schema(true).to_string().contains("verified_at"));
    assert!(!schema(false).to_string().contains("verified_at"));
}
