//! Lines that look like what they are not: names like levels, dates in messages, objects like Docker's.

use super::kinds::said;
use super::{one, rows};
use crate::model::Level;

#[test]
fn a_program_of_its_own_may_call_its_message_log() {
    let own = r#"{"log":"cart is slow","time":"2026-11-21T05:29:51Z","level":"warn"}"#;
    assert_eq!(said(&format!("{own}\n{own}")), ["WARNING cart is slow"; 2]);
}

#[test]
fn a_line_of_docker_goes_on_only_as_a_whole_piece_or_by_a_mark() {
    let line = |log: &str, more: &str| {
        let log = serde_json::json!(log);
        format!("{{\"log\":{log},\"stream\":\"stdout\",\"time\":\"2026-11-21T05:29:51Z\"{more}}}")
    };
    let cut = format!("{}\n{}", line("ERROR cut off", ""), line("INFO up\n", ""));
    assert_eq!(said(&cut), ["ERROR cut off", "INFO up"]);
    let marked = [
        line("ERROR a", ",\"logtag\":\"P\""),
        line("b", ",\"logtag\":\"F\""),
        line("INFO up\n", ""),
    ];
    assert_eq!(said(&marked.join("\n")), ["ERROR ab", "INFO up"]);
    let whole = "x".repeat(16 * 1024);
    let pieces = [line(&whole, ""), line("end\n", ""), line("INFO up\n", "")];
    assert_eq!(said(&pieces.join("\n")), [format!("INFO {whole}end"), "INFO up".into()]);
    // What never ends is not one event.
    let endless = format!("{}\n", line("a", ",\"_p\":\"P\"")).repeat(10_001);
    assert_eq!(rows(&endless).len(), 2);
    assert_eq!(rows(&format!("x\n{}", " y\n".repeat(10_000))).len(), 2);
}

#[test]
fn a_line_in_an_old_encoding_keeps_its_time_and_its_level() {
    // `ОШИБКА: нет места на диске` in the code page 1251, read as UTF-8.
    let bytes = b"\xce\xd8\xc8\xc1\xca\xc0: \xed\xe5\xf2 \xec\xe5\xf1\xf2\xe0 \xed\xe0 \xe4\xe8\xf1\xea\xe5";
    let lost = String::from_utf8_lossy(bytes);
    let row = &rows(&format!("2026-11-21 05:29:51 ERROR {lost}"))[0];
    assert_eq!((row.timestamp.as_str(), row.level), ("2026-11-21T05:29:51.000Z", Level::Error));
    assert_eq!(row.message, lost);
    assert!(rows(&lost).is_empty());
}

#[test]
fn a_name_in_brackets_leaves_the_statement_to_the_level_behind_it() {
    for (line, level) in [
        ("[trace-9f2a] ERROR x", Level::Error),
        ("[trace:9f2a] ERROR x", Level::Error),
        ("[log-shipper] ERROR x", Level::Error),
        ("[config:db] ERROR x", Level::Error),
        ("[system] ERROR x", Level::Error),
        ("[system] [warn] x", Level::Warning),
        ("[error-handler] INFO ok", Level::Info),
        ("error-handler: started", Level::Info),
        ("error404: shown", Level::Info),
        ("[core:error] x", Level::Error),
        ("[debug2] x failed", Level::Debug),
        ("ERROR+4 x", Level::Error),
    ] {
        assert_eq!(one(line).level, level, "{line}");
        assert_eq!(one(&format!("2026-11-21 05:29:51 {line}")).level, level, "{line}");
    }
    let nested = "[system] ".repeat(50_000);
    assert_eq!(one(&nested).level, Level::Info);
}

#[test]
fn a_stated_level_beats_the_status_of_a_request() {
    for (level, text) in [
        (Level::Error, "ERROR \"GET /a HTTP/1.1\" 200 in 40 s"),
        (Level::Debug, "DEBUG \"GET /a HTTP/1.1\" 404 12"),
        (Level::Warning, "[INFO] \"GET /a HTTP/1.1\" 404 12"),
        (Level::Error, "\"GET /a HTTP/1.1\" 503 12"),
    ] {
        let row = one(&format!("2026-11-21 05:29:51 {text}"));
        assert_eq!((row.level, row.request_path.as_deref()), (level, Some("/a")), "{text}");
    }
}

#[test]
fn a_level_is_no_host_and_no_program() {
    for (line, expected, source) in [
        ("Nov 21 05:29:51 WARN disk: nearly full", "WARNING disk: nearly full", "app"),
        ("Nov 21 05:29:51 ERROR cart: no cart", "ERROR cart: no cart", "app"),
        ("Nov 21 05:29:51 debug-1 cron: ran", "INFO ran", "cron"),
    ] {
        assert_eq!((said(line)[0].as_str(), one(line).source.as_str()), (expected, source));
    }
}

#[test]
fn fields_of_an_object_are_kept_whatever_they_are() {
    let extra = |line: &str| one(line).extra_data.unwrap_or_default();
    assert_eq!(extra(r#"{"msg":"x","fields":["a",1]}"#), r#"{"fields":["a",1]}"#);
    assert_eq!(
        extra(r#"{"msg":"x","id":1,"fields":{"id":2,"n":3}}"#),
        r#"{"fields":{"id":2},"id":1,"n":3}"#
    );
}

#[test]
fn the_last_column_takes_the_rest_and_a_quote_opens_at_its_start() {
    let text = "time,level,message
2026-11-21T05:29:51Z,error,no cart, no order, 5\" disk
2026-11-21T05:29:52Z,info,\"up, \"\"well\"\"
and good\"
2026-11-21T05:29:53Z,info, \"a, b\"
2026-11-21T05:29:54Z,info,down,,";
    assert_eq!(
        said(text),
        [
            "ERROR no cart, no order, 5\" disk",
            "INFO up, \"well\"|and good",
            "INFO a, b",
            "INFO down"
        ]
    );
}

#[test]
fn a_date_that_a_message_tells_of_is_not_its_time() {
    let row =
        one(r#"{"time":"2026-11-21T05:29:51Z","message":"2026-12-24T00:00:00Z is the last day"}"#);
    assert_eq!(row.timestamp, "2026-11-21T05:29:51.000Z");
    assert_eq!(row.message, "2026-12-24T00:00:00Z is the last day");
    let near = one(r#"{"time":"2026-11-21T05:29:51Z","message":"2026-11-21T05:29:50Z ERROR x"}"#);
    assert_eq!((near.timestamp.as_str(), near.level), ("2026-11-21T05:29:50.000Z", Level::Error));
}

#[test]
fn what_only_resembles_a_trace_is_an_event_by_itself() {
    let lines = ["INFO start", "#0 building with default", "SUMMARY: 3 passed", "exit status 1"];
    assert_eq!(rows(&lines.join("\n")).len(), lines.len());
    let node = "ERROR x\n    at a (/srv/a.js:1:1)\nNode.js v22.1.0\nINFO up";
    assert_eq!(said(node), ["ERROR x|    at a (/srv/a.js:1:1)|Node.js v22.1.0", "INFO up"]);
    let caused = "ERROR x\nCaused by: y\n... 3 more\nINFO up";
    assert_eq!(said(caused), ["ERROR x|Caused by: y|... 3 more", "INFO up"]);
}

#[test]
fn dates_are_read_in_their_order_and_within_reason() {
    assert_eq!(one("21.11.26 05:29:51 x").timestamp, "2026-11-21T05:29:51.000Z");
    for (line, message) in [
        // The zero of a clock that was not set stands where a time would.
        ("0001-01-01 00:00:00 x", "x"),
        ("9999-12-31 23:59:59 x", "9999-12-31 23:59:59 x"),
        ("9999999999999999999 x", "9999999999999999999 x"),
    ] {
        let row = one(line);
        assert_eq!(
            (row.timestamp.as_str(), row.message.as_str()),
            ("2026-11-21T08:00:00.000Z", message)
        );
    }
}
