//! What becomes of lines of every kind.

mod hostile;
mod kinds;
mod lookalikes;
mod ruled;

pub(in crate::logs) use hostile::PIECES;

use super::row::{CUT, MAX_EXTRA, MAX_MESSAGE};
use super::*;
use crate::model::{Level, NewLogRow};

fn defaults() -> Defaults {
    Defaults::new("app", "2026-11-21T08:00:00.000Z")
}

fn one(line: &str) -> NewLogRow {
    read_text(line, &defaults())
}

fn reader(text: &str) -> LineReader {
    LineReader::new(defaults(), Learned::of(text.as_bytes(), &defaults().timestamp))
}

fn rows(text: &str) -> Vec<NewLogRow> {
    let mut reader = reader(text);
    let mut rows: Vec<_> = text.lines().filter_map(|line| reader.push(line)).collect();
    rows.extend(reader.finish());
    rows
}

#[test]
fn a_line_of_journalctl_is_read() {
    let row =
        one(r#"{"MESSAGE":"disk full","PRIORITY":"3","__REALTIME_TIMESTAMP":"1795238991123456",
            "_SYSTEMD_UNIT":"nginx.service","_COMM":"nginx","_PID":"7"}"#);
    let mut expected =
        NewLogRow::new("2026-11-21T05:29:51.123Z", Level::Error, "nginx.service", "disk full");
    expected.extra_data = Some(r#"{"_COMM":"nginx","_PID":"7"}"#.into());
    assert_eq!(row, expected);
    let bytes = one(r#"{"MESSAGE":[104,105,255],"PRIORITY":7,"SYSLOG_IDENTIFIER":"su"}"#);
    assert_eq!((bytes.message.as_str(), bytes.level), ("hi\u{fffd}", Level::Debug));
    assert_eq!((bytes.source.as_str(), bytes.extra_data), ("su", None));
}

#[test]
fn a_line_of_tracing_is_read() {
    let row =
        one(r#"{"timestamp":"2026-11-21T05:29:51.123456Z","level":"WARN","target":"shop::cart",
            "fields":{"message":"slow","took_ms":7,"request_id":"r1"},"span":{"name":"s"}}"#);
    assert_eq!(row.timestamp, "2026-11-21T05:29:51.123Z");
    assert_eq!((row.level, row.source.as_str()), (Level::Warning, "shop::cart"));
    assert_eq!((row.message.as_str(), row.correlation_id.as_deref()), ("slow", Some("r1")));
    assert_eq!(row.extra_data.as_deref(), Some(r#"{"span":{"name":"s"},"took_ms":7}"#));
}

#[test]
fn general_json_is_read_with_numbers_for_time_and_level() {
    let row =
        one(r#"{"ts":1795238991.5,"level":50,"name":"shop","msg":"no","user_id":42,"path":"/a"}"#);
    assert_eq!(row.timestamp, "2026-11-21T05:29:51.500Z");
    assert_eq!((row.level, row.user_id.as_deref()), (Level::Error, Some("42")));
    assert_eq!((row.request_path.as_deref(), row.extra_data), (Some("/a"), None));
    let python = one(r#"{"time":"2026-11-21 05:29:51,250","levelname":"CRITICAL","message":"x"}"#);
    assert_eq!(python.timestamp, "2026-11-21T05:29:51.250Z");
    assert_eq!((python.level, python.source.as_str()), (Level::Critical, "app"));
    for ts in ["1795238991500", "1795238991500000", "1795238991500000000", "\"1795238991.5\""] {
        assert_eq!(one(&format!(r#"{{"ts":{ts},"msg":"x"}}"#)).timestamp, row.timestamp, "{ts}");
    }
}

#[test]
fn json_without_a_message_or_broken_json_is_its_own_message() {
    let row = one(r#"{"a":1,"level":"fatal","time":"soon"}"#);
    assert_eq!(
        (row.level, row.message.as_str()),
        (Level::Critical, r#"{"a":1,"level":"fatal","time":"soon"}"#)
    );
    assert_eq!(row.timestamp, defaults().timestamp);
    assert_eq!(one("{not json").message, "{not json");
    let big = format!(r#"{{"msg":"x","blob":"{}"}}"#, "y".repeat(MAX_EXTRA));
    assert_eq!(one(&big).extra_data.as_deref(), Some("{\"dropped_bytes\":65547}"));
}

#[test]
fn leading_times_of_all_shapes_become_iso_in_utc() {
    for (line, at) in [
        ("2026-11-21 05:29:51 x", "2026-11-21T05:29:51.000Z"),
        ("2026/11/21 05:29:51 x", "2026-11-21T05:29:51.000Z"),
        ("[2026-11-21 05:29:51] x", "2026-11-21T05:29:51.000Z"),
        ("2026-11-21 05:29:51,123 - x", "2026-11-21T05:29:51.123Z"),
        ("2026-11-21T05:29:51.123456Z  x", "2026-11-21T05:29:51.123Z"),
        ("2026-11-21T05:29:51.5+02:00 x", "2026-11-21T03:29:51.500Z"),
        ("2026-11-21 05:29:51 -0130 x", "2026-11-21T06:59:51.000Z"),
        ("2026-11-21 05:29:51 UTC x", "2026-11-21T05:29:51.000Z"),
    ] {
        let row = one(line);
        assert_eq!((row.timestamp.as_str(), row.message.as_str()), (at, "x"), "{line}");
    }
    for line in ["2026-13-21 05:29:51 x", "2026-11-21 25:29:51 x", "ä026-11-21", "12345"] {
        assert_eq!((one(line).timestamp, one(line).message.as_str()), (defaults().timestamp, line));
    }
}

#[test]
fn syslog_lines_give_their_program_and_take_the_year_of_the_file() {
    let row = one("Nov 21 05:29:51 web1 sshd[812]: error: no route");
    assert_eq!((row.timestamp.as_str(), row.source.as_str()), ("2026-11-21T05:29:51.000Z", "sshd"));
    assert_eq!((row.level, row.message.as_str()), (Level::Error, "no route"));
    let old = one("Dec  3 05:29:51 web1 kernel: up");
    assert_eq!(
        (old.timestamp.as_str(), old.source.as_str()),
        ("2025-12-03T05:29:51.000Z", "kernel")
    );
    let iso = one("2026-11-21T05:29:51+00:00 web1 cron[7]: ran");
    assert_eq!((iso.source.as_str(), iso.message.as_str()), ("cron", "ran"));
    let plain = one("2026-11-21T05:29:51Z Marking it done: all");
    assert_eq!((plain.source.as_str(), one("Marking it: all").source.as_str()), ("app", "app"));
}

#[test]
fn access_logs_give_time_path_and_a_level_by_status() {
    let line = |status| {
        format!(
            "::1 - - [21/Nov/2026:05:29:51 +0100] \"GET /a?t=ERROR HTTP/1.1\" {status} 12 \"-\" \"UA\""
        )
    };
    for (status, level) in [(200, Level::Info), (404, Level::Warning), (503, Level::Error)] {
        let row = one(&line(status));
        assert_eq!((row.level, row.request_path.as_deref()), (level, Some("/a")));
        assert_eq!(
            (row.timestamp.as_str(), row.message),
            ("2026-11-21T04:29:51.000Z", line(status))
        );
    }
}

#[test]
fn the_level_is_guessed_from_whole_words() {
    for (level, lines) in [
        (Level::Critical, "x CRITICAL y|[FATAL] y|level=fatal msg=x"),
        (
            Level::Error,
            "ERROR x|x [error] 1#0: y|error: x|ERROR:root:x|it failed|ValueError: x|a panic",
        ),
        (Level::Warning, "WARN x|warning: x|[warn] x|shop - WARNING - x"),
        (
            Level::Info,
            "x|INFO after ERROR|no errors|terror: x|ERRORS|0 failed|an error of mine|failed-over",
        ),
        (Level::Debug, "DEBUG x failed|[trace] x"),
    ] {
        for line in lines.split('|') {
            assert_eq!(one(line).level, level, "{line}");
        }
    }
}

#[test]
fn a_line_of_dpkg_is_info_with_its_time() {
    let row = one("2026-11-01 10:00:00 status half-configured libc6:amd64 2.36");
    let message = "status half-configured libc6:amd64 2.36";
    assert_eq!(row, NewLogRow::new("2026-11-01T10:00:00.000Z", Level::Info, "app", message));
}

#[test]
fn the_lines_of_a_trace_belong_to_the_row_before() {
    let python =
        "ERROR no\nTraceback (most recent call last):\n  File \"a.py\", line 3\n\nKeyError: 1";
    let rust =
        "WARN no\nthread 'a' panicked at src/a.rs:3:7:\nindex out\nstack backtrace:\n   0: main";
    let java = "ERROR x\n\tat a.B(C.java:1)\nCaused by: y\n    at d.E\n... 3 more";
    let all = rows(&format!("\u{feff}INFO up\n{python}\n{rust}\n{java}\nINFO down\n\n"));
    let found: Vec<_> = all.iter().map(|row| format!("{} {}", row.level, row.message)).collect();
    let python = python.replace("\n\n", "\n");
    let rust = rust.replace("WARN ", "WARNING ");
    assert_eq!(found, ["INFO up", &python, &rust, java, "INFO down"]);
}

#[test]
fn a_trace_behind_a_good_line_is_an_error_by_itself() {
    let all = rows("INFO up\nTraceback (most recent call last):\n  x\nKeyError: 1\nnext");
    let seen: Vec<_> = all.iter().map(|row| (row.level, row.message.lines().count())).collect();
    assert_eq!(seen, [(Level::Info, 1), (Level::Error, 3), (Level::Info, 1)]);
}

#[test]
fn a_trace_without_its_last_line_ends_at_the_next_row() {
    let trace = "Traceback (most recent call last):\n  x\n";
    for next in ["2026-11-21 05:29:51 up", r#"{"msg":"up"}"#] {
        assert_eq!(rows(&format!("{trace}{next}"))[1].message, "up");
    }
    assert_eq!(rows("  at a line with nothing before").len(), 1);
    assert!(rows("\n \n").is_empty());
}

#[test]
fn a_long_message_is_cut_and_says_so() {
    let single = one(&"ä".repeat(MAX_MESSAGE)).message;
    let joined = rows(&format!("x\n{}", format!("  {}\n", "ä".repeat(400)).repeat(200)));
    for message in [&single, &joined[0].message] {
        assert!(message.len() <= MAX_MESSAGE && message.len() > MAX_MESSAGE - 4);
        assert!(message.ends_with(CUT) && message.matches(CUT).count() == 1);
    }
    assert_eq!(joined.len(), 1);
}

#[test]
fn the_time_of_a_clock_that_was_not_set_is_no_time() {
    let found = rows(
        "2026-11-21 05:29:51 INFO a\n0000-00-00 00:00:00 ERROR b\n1970-01-01T00:00:07Z WARN c\n2026-11-21 05:29:52 INFO d\n",
    );
    let of = |row: &NewLogRow| (row.timestamp[11..19].to_owned(), row.level, row.message.clone());
    let expected = [
        ("05:29:51".to_owned(), Level::Info, "a".to_owned()),
        ("05:29:51".to_owned(), Level::Error, "b".to_owned()),
        ("05:29:51".to_owned(), Level::Warning, "c".to_owned()),
        ("05:29:52".to_owned(), Level::Info, "d".to_owned()),
    ];
    assert_eq!(found.iter().map(of).collect::<Vec<_>>(), expected);
    for line in [
        "0001-01-01T00:00:00Z ERROR x",
        r#"{"time":"0001-01-01T00:00:00Z","level":"error","msg":"x"}"#,
        r#"{"ts":0,"level":"error","msg":"x"}"#,
        r#"1.2.3.4 - - [01/Jan/1970:00:00:00 +0000] "GET / HTTP/1.1" 500 0"#,
    ] {
        let row = one(line);
        assert_eq!((row.timestamp, row.level), (defaults().timestamp, Level::Error), "{line}");
    }
    let other = one(r#"{"timestamp":"1970-01-01T00:00:00Z","ts":1795238991,"msg":"x"}"#);
    assert_eq!(other.timestamp, "2026-11-21T05:29:51.000Z");
}

#[test]
fn each_line_is_of_the_columns_of_the_header_before_it() {
    let found = rows(
        "#Fields: date time sc-status cs-uri-stem\n2026-11-21 05:29:51 404 /old\n#Date: x\n#Fields: date time cs-uri-stem sc-status\n2026-11-21 05:29:52 /new 500\n",
    );
    let of = |row: &NewLogRow| (row.request_path.clone().unwrap(), row.level);
    let expected = [("/old".to_owned(), Level::Warning), ("/new".to_owned(), Level::Error)];
    assert_eq!(found.iter().map(of).collect::<Vec<_>>(), expected);
}

#[test]
fn times_without_a_zone_are_of_the_zone_of_the_log() {
    let rules = LogRules::new(Some("Europe/Berlin"), None).unwrap();
    let read = |line: &str| read_text(line, &defaults().ruled(rules.clone())).timestamp;
    assert_eq!(read("2026-07-01 12:00:00 INFO x"), "2026-07-01T10:00:00.000Z");
    assert_eq!(read("2026-12-01 12:00:00 INFO x"), "2026-12-01T11:00:00.000Z");
    assert_eq!(read("2026-12-01T12:00:00+05:00 INFO x"), "2026-12-01T07:00:00.000Z");
    assert_eq!(read("Nov 20 12:00:00 host app[7]: x"), "2026-11-20T11:00:00.000Z");
    assert_eq!(read(r#"{"time":"2026-07-01T12:00:00","msg":"x"}"#), "2026-07-01T10:00:00.000Z");
    // What the clock jumps over, and of what it shows twice the first.
    assert_eq!(read("2026-03-29 02:30:00 INFO x"), "2026-03-29T01:30:00.000Z");
    assert_eq!(read("2026-10-25 02:30:00 INFO x"), "2026-10-25T00:30:00.000Z");
}
