//! What Claude Code's command line really printed, and what became of each run.
//!
//! The streams are output of the program itself, versions 1.0.120, 2.0.30, 2.1.128 and 2.1.329, driven by a scripted model.

use lamplighter::agents::Exit;
use lamplighter::agents::claude::{
    Conclusion, End, Event, Lines, MAX_LINE_BYTES, OnDenial, Reader, Stop, Summary, Verdict,
    Version, verdict,
};
use lamplighter::model::{Outcome, RunEnding, Timestamp};
use proptest::prelude::*;
use std::path::PathBuf;
use std::time::Duration;

const NOW: Timestamp = Timestamp::from_millis(1_795_228_800_000);
const PLAIN: End = End {
    exit: Some(Exit::Code(0)),
    stop: None,
    stderr: "",
    structured: false,
    on_denial: OnDenial::Note,
    cost_before: 0.0,
    budget_usd: None,
    version: Version::OLDEST,
};
const EXIT_1: End = End { exit: Some(Exit::Code(1)), ..PLAIN };
const SCHEMA: End = End { structured: true, ..PLAIN };

/// A stream, how its program ended, and the conclusion, the ending, the cost, the turns and how the answer begins.
type Case = (&'static str, End<'static>, Conclusion, RunEnding, f64, u64, Option<&'static str>);

/// A run that could not report: what its only message has cost at least, and that it was one.
const CUT_COST: f64 = 0.00021;
const CUT_TURNS: u64 = 1;

fn cases() -> Vec<Case> {
    use Conclusion::{Done, Failed, Fatal};
    let limited = Conclusion::Limited { until: NOW.plus(Duration::from_mins(5)) };
    let refused = Conclusion::Limited { until: NOW.plus(Duration::from_mins(15)) };
    let killed = End { exit: Some(Exit::Signal(9)), ..PLAIN };
    let terminated = End { exit: Some(Exit::Code(143)), stop: Some(Stop::Cancelled), ..PLAIN };
    let resumed = End { cost_before: 0.0004, version: Version::OLDEST, ..PLAIN };
    let strict = End { on_denial: OnDenial::Fail, ..PLAIN };
    let schema_1 = End { structured: true, ..EXIT_1 };
    let hello = Some("Hello from the fake model.");
    let issues = Some("{\"issues\":[{\"title\":\"Boom\"");
    let prose = Some("I refuse to call the tool");
    let unscripted = Some("[fake_messages_api: the script has no");
    vec![
        ("bash_allowed", PLAIN, Done, RunEnding::Done, 0.0008, 2, Some("The log says:\nERROR|2")),
        ("bash_dontask_allowed", PLAIN, Done, RunEnding::Done, 0.0008, 2, Some("The log says:")),
        ("bash_noallow", PLAIN, Done, RunEnding::Denied, 0.0008, 2, Some("The log says:\nThis")),
        ("bash_noallow", strict, Failed, RunEnding::Denied, 0.0008, 2, Some("The log says:\nThis")),
        ("big_output", PLAIN, Done, RunEnding::Done, 0.0008, 2, Some("done")),
        ("bin_output", PLAIN, Done, RunEnding::Done, 0.0008, 2, Some("done")),
        ("budget", EXIT_1, Failed, RunEnding::Budget, 1.35, 3, None),
        (
            "denied_dontask",
            PLAIN,
            Done,
            RunEnding::Denied,
            0.0016,
            2,
            Some("Permission to use Bash"),
        ),
        ("drop", EXIT_1, Failed, RunEnding::Service, 0.0, 1, None),
        ("empty", PLAIN, Done, RunEnding::Done, 0.0008, 2, Some("after empty")),
        ("envtool", PLAIN, Done, RunEnding::Done, 0.0008, 2, Some("AI_AGENT=claude-code")),
        ("err400_credit", EXIT_1, refused, RunEnding::Billing, 0.0, 1, None),
        ("err400_long", EXIT_1, Fatal, RunEnding::Request, 0.0, 1, None),
        ("err401_r0", EXIT_1, refused, RunEnding::Authentication, 0.0, 1, None),
        ("err403", EXIT_1, refused, RunEnding::Authentication, 0.0, 1, None),
        ("err404", EXIT_1, Fatal, RunEnding::Request, 0.0, 1, None),
        ("err429", EXIT_1, limited, RunEnding::Limit, 0.0, 1, None),
        ("err429_then_ok", PLAIN, Done, RunEnding::Done, 0.0004, 1, Some("recovered")),
        ("err500", EXIT_1, Failed, RunEnding::Service, 0.0, 1, None),
        ("err529_then_ok", PLAIN, Done, RunEnding::Done, 0.0004, 1, Some("recovered")),
        ("fl_bare", PLAIN, Done, RunEnding::Done, 0.0004, 1, hello),
        ("int_tool", PLAIN, Failed, RunEnding::Interrupted, 0.0004, 3, None),
        ("kill_tool", killed, Failed, RunEnding::Killed, CUT_COST, CUT_TURNS, None),
        ("maxturns", EXIT_1, Failed, RunEnding::MaxTurns, 1.35, 4, None),
        ("mcp_broken", PLAIN, Done, RunEnding::Done, 0.0004, 1, hello),
        ("mcp_ok", PLAIN, Done, RunEnding::Done, 0.0008, 2, Some("rows for select 1")),
        ("midstream", PLAIN, Done, RunEnding::Done, 0.00061, 2, Some("second try")),
        ("nokey", EXIT_1, refused, RunEnding::Authentication, 0.0, 1, None),
        ("old_1.0.120_text", PLAIN, Done, RunEnding::Done, 0.0006, 1, hello),
        ("old_2.0.30_text", PLAIN, Done, RunEnding::Done, 0.0007, 1, unscripted),
        ("old_2.1.128_denied", PLAIN, Done, RunEnding::Denied, 0.0012, 2, Some("Permission to")),
        ("old_2.1.128_err429", EXIT_1, limited, RunEnding::Limit, 0.0, 1, None),
        ("partial", PLAIN, Done, RunEnding::Done, 0.0004, 1, hello),
        ("refusal", PLAIN, Done, RunEnding::Done, 0.0008, 2, Some("after refusal")),
        ("resume_unknown", EXIT_1, Fatal, RunEnding::NotStarted, 0.0, 0, None),
        ("schema_bad_then_ok", SCHEMA, Done, RunEnding::Done, 0.0008, 3, issues),
        ("schema_never", schema_1, Failed, RunEnding::Unstructured, 0.002, 6, None),
        ("schema_ok", SCHEMA, Done, RunEnding::Done, 0.0004, 2, issues),
        ("schema_prose", SCHEMA, Failed, RunEnding::Unstructured, 0.0008, 2, prose),
        ("sess_resume", resumed, Done, RunEnding::Done, 0.0004, 1, hello),
        ("stdin_prompt", PLAIN, Done, RunEnding::Done, 0.0004, 1, hello),
        ("term_tool", terminated, Failed, RunEnding::Cancelled, CUT_COST, CUT_TURNS, None),
        ("text", PLAIN, Done, RunEnding::Done, 0.0004, 1, hello),
        ("think", PLAIN, Done, RunEnding::Done, 0.0004, 1, Some("thought through")),
        ("tool_not_offered", PLAIN, Done, RunEnding::Denied, 0.00007, 2, Some("done")),
        ("tool_timeout", PLAIN, Done, RunEnding::Done, 0.0012, 3, unscripted),
        ("trunc", PLAIN, Done, RunEnding::Done, 0.00076, 1, Some("second try")),
    ]
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/claude-stream")
}

fn stream(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(format!("{name}.jsonl"))).unwrap()
}

/// The events of a stream that comes in chunks of this many bytes.
fn events(bytes: &[u8], chunk: usize) -> Vec<Event> {
    let mut reader = Reader::default();
    let mut events: Vec<Event> = bytes.chunks(chunk).flat_map(|c| reader.push(c)).collect();
    events.extend(reader.finish());
    events
}

/// All that the lines of a stream tell.
fn summary(bytes: &[u8]) -> Summary {
    let mut summary = Summary::default();
    for line in Lines::default().push(bytes) {
        summary.see_line(&Reader::read_all(&line));
    }
    summary
}

fn judge(lines: &[&str], end: &End<'_>) -> Verdict {
    verdict(&summary((lines.join("\n") + "\n").as_bytes()), end, NOW)
}

#[test]
fn every_recorded_stream_comes_to_its_known_end() {
    let cases = cases();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(cases.iter().any(|case| case.0 == name), "nobody says how {name} ends");
    }
    for (name, end, conclusion, ending, cost, turns, answer) in cases {
        let events = events(&stream(name), usize::MAX);
        let told = verdict(&summary(&stream(name)), &end, NOW);
        println!(
            "{name:21} {:2} events  {:15} {:9} {:>8} {:>2} turns  {}",
            events.len(),
            told.ending.as_str(),
            format!("{:?}", told.conclusion).split(' ').next().unwrap(),
            told.cost.map(|cost| cost.usd).map_or("-".into(), |usd| format!("${usd:.5}")),
            told.num_turns.map_or("-".into(), |turns| turns.to_string()),
            told.message.lines().next().unwrap(),
        );
        assert_eq!((told.conclusion, told.ending), (conclusion, ending), "{name}");
        assert_eq!(told.num_turns, Some(turns), "{name}");
        let found = told.cost.unwrap();
        let had_no_time = ["kill_tool", "term_tool"].contains(&name);
        assert_eq!(found.is_at_least, had_no_time, "{name}: {found:?}");
        assert!((found.usd - cost).abs() < 1e-9, "{name}: {found:?}");
        let begins = answer.is_none_or(|text| told.response.as_deref().unwrap().starts_with(text));
        assert!(begins && answer.is_some() == told.response.is_some(), "{name}: {told:?}");
        assert_eq!(told.tokens.is_some(), told.num_turns.is_some(), "{name}");
        assert_eq!(told.structured.is_some(), ["schema_bad_then_ok", "schema_ok"].contains(&name));
        assert_eq!(told.session.as_deref().map(str::len), Some(36), "{name} has a session's id");
        assert!(!events.iter().any(|event| matches!(event, Event::Raw { .. })), "{name}");
        for event in &events {
            assert!(!event.label().is_empty() && !event.text().is_empty(), "{name}: {event:?}");
        }
    }
}

#[test]
fn a_stream_that_comes_byte_by_byte_is_the_same() {
    for (name, ..) in cases() {
        let bytes = stream(name);
        let whole = events(&bytes, usize::MAX);
        for chunk in [1, 7, 4096] {
            assert_eq!(events(&bytes, chunk), whole, "{name} in chunks of {chunk}");
        }
    }
}

#[test]
fn a_line_of_ten_megabytes_is_read_and_a_longer_one_is_cut_with_a_mark() {
    let line = |text: usize| {
        let text = "x".repeat(text);
        format!(r#"{{"type":"result","subtype":"success","is_error":false,"result":"{text}"}}"#)
    };
    let frame = line(0).len();
    let text = stream("text");
    let mut bytes = (line(MAX_LINE_BYTES - frame) + "\n").into_bytes();
    bytes.extend((line(MAX_LINE_BYTES - frame + 1) + "\n").into_bytes());
    bytes.extend(&text);
    let found = events(&bytes, 64 * 1024);
    assert!(matches!(&found[0], Event::Report(report)
        if report.text.as_ref().is_some_and(|text| text.len() == MAX_LINE_BYTES - frame)));
    assert!(matches!(&found[1], Event::Raw { text, dropped: 1 } if text.len() == MAX_LINE_BYTES));
    assert!(found[1].text().ends_with("… (cut, 1 bytes dropped)"));
    assert_eq!(found[2..], events(&text, usize::MAX));
}

#[test]
fn bytes_that_are_no_text_and_lines_that_are_no_json_lose_nothing_else() {
    let good = stream("text");
    let mut bytes = b"warn: \xff\xfe\x00 happened\r\n{\"type\":\"assistant\",\n".to_vec();
    bytes.extend(b"{\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"a\xffb\"}]}}\n");
    bytes.extend(&good);
    let found = events(&bytes, 3);
    let raw = |text: &str| Event::Raw { text: text.into(), dropped: 0 };
    assert_eq!(found[0], raw("warn: \u{fffd}\u{fffd}\0 happened"));
    assert_eq!(found[1], raw("{\"type\":\"assistant\","));
    assert_eq!(found[2], Event::Text { text: "a\u{fffd}b".into(), nested: false });
    assert_eq!(found[3..], events(&good, usize::MAX));
    let told = verdict(&Summary::of(&found), &PLAIN, NOW);
    assert_eq!((told.ending, told.cost.map(|cost| cost.usd)), (RunEnding::Done, Some(0.0004)));
}

#[test]
fn what_went_wrong_without_a_report_is_told_from_exit_and_stderr() {
    let fails = |exit, stderr| judge(&[], &End { exit, stderr, ..PLAIN });
    let told = fails(Some(Exit::Code(1)), "error: unknown option '--nope'\n");
    assert_eq!((told.conclusion, told.ending), (Conclusion::Fatal, RunEnding::NotStarted));
    assert!(told.message.ends_with("exit code 1: error: unknown option '--nope'"));
    assert_eq!(fails(Some(Exit::Code(137)), "").ending, RunEnding::Killed);
    assert_eq!(fails(Some(Exit::Code(0)), "").ending, RunEnding::NoReport);
    assert_eq!(fails(None, "").ending, RunEnding::NoReport);
    let told = fails(Some(Exit::Code(1)), "Invalid API key · Please run /login");
    let refused = Conclusion::Limited { until: NOW.plus(Duration::from_mins(15)) };
    assert_eq!((told.conclusion, told.ending), (refused, RunEnding::Authentication));
    let told = judge(&[&String::from_utf8(stream("kill_tool")).unwrap()], &EXIT_1);
    assert_eq!((told.conclusion, told.ending), (Conclusion::Failed, RunEnding::NoReport));
}

#[test]
fn a_success_that_did_not_exit_as_one_has_failed() {
    let text = String::from_utf8(stream("text")).unwrap();
    for (exit, ending) in [
        (Some(Exit::Code(1)), RunEnding::Failed),
        (Some(Exit::Code(137)), RunEnding::Killed),
        (Some(Exit::Signal(9)), RunEnding::Killed),
        (None, RunEnding::Failed),
    ] {
        let told = judge(&[&text], &End { exit, ..PLAIN });
        assert_eq!((told.conclusion, told.ending), (Conclusion::Failed, ending), "{exit:?}");
        assert_eq!(told.response.as_deref(), Some("Hello from the fake model."));
        assert_eq!(told.cost.map(|cost| cost.usd), Some(0.0004));
    }
}

#[test]
fn an_error_with_exit_code_0_is_a_failure() {
    let line = r#"{"type":"result","subtype":"success","is_error":true,"result":"API Error: 500"}"#;
    let told = judge(&[line], &PLAIN);
    assert_eq!((told.conclusion, told.ending), (Conclusion::Failed, RunEnding::Service));
    let line = r#"{"type":"result","subtype":"error_max_turns","num_turns":7}"#;
    let told = judge(&[line], &PLAIN);
    assert_eq!(
        (told.ending, told.num_turns, told.cost.map(|cost| cost.usd)),
        (RunEnding::MaxTurns, Some(7), None)
    );
}

#[test]
fn an_empty_result_falls_back_to_what_the_model_said_last() {
    let text =
        r#"{"type":"assistant","message":{"content":[{"type":"text","text":"All is well."}]}}"#;
    let result = r#"{"type":"result","subtype":"success","is_error":false,"result":" "}"#;
    let told = judge(&[text, result], &PLAIN);
    assert_eq!((told.ending, told.response.as_deref()), (RunEnding::Done, Some("All is well.")));
}

#[test]
fn a_usage_limit_parks_the_job_until_it_is_lifted() {
    let until = |minutes| Conclusion::Limited { until: NOW.plus(Duration::from_mins(minutes)) };
    let at = NOW.millis() / 1_000 + 3 * 3_600;
    let event = format!(
        r#"{{"type":"rate_limit_event","rate_limit_info":{{"status":"rejected","resetsAt":{at}}}}}"#
    );
    let failure = |text: &str| {
        format!(
            "{{\"type\":\"assistant\",\"error\":\"rate_limit\",\"message\":{{\"content\":[{{\"type\":\"text\",\"text\":\"{text}\"}}]}}}}\n\
             {{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":true,\"result\":\"{text}\"}}"
        )
    };
    // NOW is 2026-11-21T02:40:00Z.
    assert_eq!(NOW.to_string(), "2026-11-21T02:40:00.000Z");
    let session = failure("You've hit your session limit · resets 7am (Europe/Paris)");
    assert_eq!(judge(&[&session], &EXIT_1).conclusion, until(200));
    assert_eq!(judge(&[&event, &session], &EXIT_1).conclusion, until(180));
    let unclear =
        session.replace("rate_limit", "unknown").replace("hit your session limit", "to wait");
    assert_eq!(judge(&[&event, &unclear], &EXIT_1).conclusion, until(180));
    assert_eq!(judge(&[&unclear], &EXIT_1).ending, RunEnding::Service);
    let old = format!(
        r#"{{"type":"result","subtype":"success","is_error":false,"result":"Claude AI usage limit reached|{at}"}}"#
    );
    let told = judge(&[&old], &PLAIN);
    assert_eq!((told.conclusion, told.response), (until(180), None));
    assert!(told.message.ends_with("usage limit reached"), "no raw seconds: {}", told.message);
    let Outcome::Limited { reason, .. } = judge(&[&session], &EXIT_1).outcome(7.into()) else {
        panic!("not limited");
    };
    assert!(
        reason.starts_with(
            "[AGENT-LIMIT-001] The limit of the model's service is reached: You've hit"
        )
    );
    // A model that speaks of limits, and a warning, are no limit.
    let talk = r#"{"type":"result","subtype":"success","is_error":false,"result":"The usage limit reached by the API resets 3pm"}"#;
    let warning = event.replace("rejected", "allowed_warning");
    assert_eq!(judge(&[&warning, talk], &PLAIN).ending, RunEnding::Done);
}

#[test]
fn a_run_given_up_is_told_by_what_it_waited_for() {
    let retry = |error: &str, wait: u64| {
        format!(
            r#"{{"type":"system","subtype":"api_retry","attempt":1,"max_retries":10,"retry_delay_ms":{wait},"error_status":null,"error":"{error}"}}"#
        )
    };
    let stopped = |stop, line: &str| {
        judge(&[line], &End { stop: Some(stop), exit: Some(Exit::Code(143)), ..PLAIN })
    };
    let told = stopped(Stop::GaveUp, &retry("authentication_failed", 500));
    assert_eq!(told.ending, RunEnding::Authentication);
    assert!(told.message.contains("refused the key"), "{}", told.message);
    let Outcome::Limited { until, reason } = told.outcome(7.into()) else { panic!("not put off") };
    assert_eq!(until, NOW.plus(Duration::from_mins(15)));
    assert!(reason.starts_with("[AGENT-AUTH-001] "), "{reason}");
    let hour = Conclusion::Limited { until: NOW.plus(Duration::from_hours(1)) };
    for stop in [Stop::GaveUp, Stop::Idle, Stop::TimedOut] {
        assert_eq!(stopped(stop, &retry("rate_limit", 3_600_000)).conclusion, hour);
    }
    assert_eq!(stopped(Stop::Cancelled, &retry("rate_limit", 9)).ending, RunEnding::Cancelled);
    assert_eq!(stopped(Stop::Idle, &retry("unknown", 9)).ending, RunEnding::Idle);
    assert_eq!(stopped(Stop::TimedOut, "").ending, RunEnding::TimedOut);
    assert_eq!(stopped(Stop::OutputLimit, "").ending, RunEnding::OutputLimit);
    assert_eq!(stopped(Stop::Budget, "").ending, RunEnding::Budget);
    assert_eq!(stopped(Stop::Interrupted, "").ending, RunEnding::Interrupted);
}

/// Garbage, and garbage in the shape of events.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::sample::select(vec![
        "\"type\"",
        "\"subtype\"",
        "\"result\"",
        "\"assistant\"",
        "\"user\"",
        "\"system\"",
        "\"init\"",
        "\"message\"",
        "\"content\"",
        "\"error\"",
        "\"rate_limit_event\"",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\n",
        "null",
        "-1e308",
        "99999999999999999999",
        "\"\\ud83d\"",
        "\\",
        "\"",
        "resets 3pm (UTC)",
        "reset in 9999999999999999999h",
        "|1760000000",
        "ü",
        "\u{1f600}",
    ]);
    let words = prop::collection::vec(word, 0..60).prop_map(|words| words.concat().into_bytes());
    prop_oneof![prop::collection::vec(any::<u8>(), 0..400), words]
}

/// A real stream with one place overwritten.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let names: Vec<_> = cases().iter().map(|case| case.0).collect();
    (prop::sample::select(names), any::<prop::sample::Index>(), garbage()).prop_map(
        |(name, at, garbage)| {
            let mut bytes = stream(name);
            let at = at.index(bytes.len());
            let end = (at + garbage.len()).min(bytes.len());
            bytes.splice(at..end, garbage);
            bytes
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_output_whatever_is_an_error_or_depends_on_its_chunks(
        bytes in prop_oneof![garbage(), damaged()],
        chunk in 1..200_usize,
        code in -1..260_i32,
        stderr in ".{0,80}",
    ) {
        let found = events(&bytes, chunk);
        prop_assert_eq!(&found, &events(&bytes, usize::MAX));
        for event in &found {
            prop_assert!(event.text().len() <= 10 * bytes.len() + 200);
        }
        let end = End { exit: Some(Exit::Code(code)), stderr: &stderr, ..PLAIN };
        let told = verdict(&Summary::of(&found), &end, NOW);
        if told.conclusion == Conclusion::Done {
            prop_assert_eq!(code, 0);
        }
    }
}

#[test]
fn a_run_that_took_no_turn_is_no_success() {
    let report = |turns: u64, text: &str| {
        format!(
            r#"{{"type":"result","subtype":"success","is_error":false,"num_turns":{turns},"result":"{text}","total_cost_usd":0}}"#
        )
    };
    let told = judge(&[&report(0, "")], &PLAIN);
    assert_eq!((told.conclusion, told.ending), (Conclusion::Failed, RunEnding::Nothing));
    assert_eq!(judge(&[&report(1, "")], &PLAIN).ending, RunEnding::Done, "it had its turn");
    // The answer of both versions to the prompt `/help`, which no model has seen.
    let own = report(0, "/help isn't available in this environment.");
    let told = judge(&[&own], &PLAIN);
    assert_eq!(told.ending, RunEnding::Nothing);
    assert!(told.message.contains("/help isn't available"), "{}", told.message);
}

#[test]
fn a_run_that_reported_its_success_and_only_waited_is_done_with_a_note() {
    let report = r#"{"type":"result","subtype":"success","is_error":false,"num_turns":2,"result":"mended","total_cost_usd":0.5}"#;
    let cut = r#"{"type":"result","subtype":"error_during_execution","is_error":true,"num_turns":0,"total_cost_usd":0.6,"terminal_reason":"aborted_tools"}"#;
    let busy = r#"{"type":"assistant","message":{"id":"m","model":"x","content":[{"type":"text","text":"more"}],"usage":{"input_tokens":1}}}"#;
    for stop in [Stop::TimedOut, Stop::Idle] {
        let end = End { stop: Some(stop), exit: Some(Exit::Code(0)), ..PLAIN };
        for lines in [[report].as_slice(), &[report, cut]] {
            let told = judge(lines, &end);
            assert_eq!((told.conclusion, told.ending), (Conclusion::Done, RunEnding::Done));
            assert_eq!(told.response.as_deref(), Some("mended"));
            assert!(told.note.unwrap().contains("only waited"));
        }
        assert_eq!(judge(&[report, cut], &end).cost.map(|cost| cost.usd), Some(0.6));
        assert_ne!(judge(&[report, busy, cut], &end).conclusion, Conclusion::Done, "it went on");
    }
    let stopped = End { stop: Some(Stop::Cancelled), ..PLAIN };
    assert_eq!(judge(&[report], &stopped).ending, RunEnding::Cancelled, "a person's stop is one");
}

#[test]
fn a_run_that_reports_more_than_its_budget_is_marked() {
    let report = r#"{"type":"result","subtype":"success","is_error":false,"num_turns":2,"result":"x","total_cost_usd":31}"#;
    let told = judge(&[report], &End { budget_usd: Some(0.5), ..PLAIN });
    assert_eq!(told.note.as_deref(), Some("The run cost $31.00, more than its budget of $0.50."));
    assert_eq!(judge(&[report], &End { budget_usd: Some(31.0), ..PLAIN }).note, None);
}
