//! Colours, containers, JSON of all shapes, traces of all languages, levels of all spellings.

use super::{one, reader, rows};
use crate::model::{Level, NewLogRow};

/// Level and message of each row, as `ERROR message`; lines of a message joined by `|`.
pub(super) fn said(text: &str) -> Vec<String> {
    let said = |row: &NewLogRow| format!("{} {}", row.level, row.message.replace('\n', "|"));
    rows(text).iter().map(said).collect()
}

#[test]
fn coloured_lines_are_read_as_without_colours() {
    let plain = "2026-11-21T05:29:51.123Z ERROR shop::cart: cart is locked user=17
2026-11-21 05:29:52,550 WARN  [io.tracing] (exec-1) span queue full
[2026-11-21 05:29:53] production.ERROR: no such table
2026-11-21 05:29:54 INFO: 0 errors
info: started
error: boom at start";
    let coloured = "\x1b[2m2026-11-21T05:29:51.123Z\x1b[0m \x1b[31mERROR\x1b[0m \x1b[2mshop::cart\x1b[0m\x1b[2m:\x1b[0m cart is locked \x1b[3muser\x1b[0m\x1b[2m=\x1b[0m17
\x1b[33m2026-11-21 05:29:52,550 WARN  [io.tracing] (exec-1) span queue full\x1b[0m
[2026-11-21 05:29:53] \x1b[1;31mproduction.ERROR\x1b[0m: no such table
2026-11-21 05:29:54 \x1b[34mINFO:\x1b[0m 0 errors
\x1b[32minfo\x1b[39m: started
\x1b[31merror\x1b[39m: boom at start";
    assert_eq!(rows(coloured), rows(plain));
    assert_eq!(rows(&coloured.replace('\x1b', "#033")), rows(plain));
    assert_eq!(
        said(plain),
        [
            "ERROR shop::cart: cart is locked user=17",
            "WARNING [io.tracing] (exec-1) span queue full",
            "ERROR no such table",
            "INFO 0 errors",
            "INFO started",
            "ERROR boom at start"
        ]
    );
}

#[test]
fn a_colour_within_json_sets_a_level_apart() {
    for line in [
        r#"{"level":"info","message":"\u001b[31mERROR\u001b[39m queue is stuck"}"#,
        r#"{"message":"\u001b[31merror\u001b[39m: queue is stuck"}"#,
        r#"{"log":"\u001b[31mERROR\u001b[0m queue is stuck\n","stream":"stdout","time":"2026-11-21T05:29:51Z"}"#,
    ] {
        assert_eq!(said(line), ["ERROR queue is stuck"], "{line}");
    }
    let prose = r#"{"level":"info","message":"ERROR page was shown"}"#;
    assert_eq!(said(prose), ["INFO ERROR page was shown"]);
}

#[test]
fn what_docker_wraps_is_read_as_if_it_stood_alone() {
    let wrapped = |text: &str| {
        let line = serde_json::json!({"log": format!("{text}\n"), "stream": "stderr", "time": "2026-11-21T05:29:51.669794202Z"});
        one(&line.to_string())
    };
    for (text, expected) in [
        ("ERROR payment failed for order 18", (Level::Error, "payment failed for order 18")),
        ("WARN replica lags 40 s", (Level::Warning, "replica lags 40 s")),
        ("worker died of hunger", (Level::Info, "worker died of hunger")),
        (r#"{"level":"error","msg":"no cart"}"#, (Level::Error, "no cart")),
        ("2026-11-21 05:29:51,500 ERROR no cart", (Level::Error, "no cart")),
        ("time=2026-11-21T05:29:51Z level=error msg=\"no cart\"", (Level::Error, "no cart")),
    ] {
        let row = wrapped(text);
        assert_eq!((row.level, row.message.as_str()), expected, "{text}");
        assert!(row.timestamp.starts_with("2026-11-21T05:29:51."), "{row:?}");
    }
    // A program's clock whose zone nobody knows is not believed where it is hours away.
    assert_eq!(wrapped("2026-11-21 08:29:51 up").timestamp, "2026-11-21T05:29:51.669Z");
    assert_eq!(wrapped("2026-11-21 08:29:51+03:00 up").timestamp, "2026-11-21T05:29:51.000Z");
}

#[test]
fn json_gives_its_message_and_level_under_every_usual_name() {
    for (line, expected) in [
        (
            r#"{"@timestamp":"2026-11-21T05:29:51Z","@level":"error","@message":"vault is sealed","@module":"core"}"#,
            "ERROR vault is sealed",
        ),
        (
            r#"{"@t":"2026-11-21T05:29:51Z","@mt":"Order {Id} is unpaid","@l":"Error","Id":17,"@x":"System.IO.IOException: closed\n   at Shop.Pay()"}"#,
            "ERROR Order {Id} is unpaid|System.IO.IOException: closed|   at Shop.Pay()",
        ),
        (
            r#"{"level":"error","time":"2026-11-21T05:29:51Z","error":"dial tcp: connection refused"}"#,
            "ERROR dial tcp: connection refused",
        ),
        (
            r#"{"level":"error","time":"2026-11-21T05:29:51Z","err":{"type":"TypeError","message":"x is no function","stack":"TypeError: x is no function\n    at a.js:1:1"}}"#,
            "ERROR x is no function|TypeError: x is no function|    at a.js:1:1",
        ),
        (
            r#"{"version":"1.1","host":"web1","short_message":"disk is full","level":3,"timestamp":1795238991}"#,
            "ERROR disk is full",
        ),
        (
            r#"{"severityText":"ERROR","body":"queue is stuck","timeUnixNano":"1795238991000000000"}"#,
            "ERROR queue is stuck",
        ),
        (
            r#"{"SeverityNumber":17,"Body":{"stringValue":"lease expired"},"Timestamp":1795238991000000000}"#,
            "ERROR lease expired",
        ),
        (
            r#"{"severity":"ERROR","textPayload":"container was killed","timestamp":"2026-11-21T05:29:51Z"}"#,
            "ERROR container was killed",
        ),
        (
            r#"{"severity":"ERROR","jsonPayload":{"message":"cache is cold"},"timestamp":"2026-11-21T05:29:51Z"}"#,
            "ERROR cache is cold",
        ),
        (
            r#"{"log":{"level":"error"},"message":"nested","@timestamp":"2026-11-21T05:29:51.000Z"}"#,
            "ERROR nested",
        ),
        (r#"{"lvl":"eror","t":"2026-11-21T05:29:51Z","msg":"peer dropped"}"#, "ERROR peer dropped"),
        (
            r#"{"levelname":"ERROR","time":"2026-11-21 05:29:51","message":"py","exc_info":"Traceback (most recent call last):\n  File \"a.py\", line 3\nKeyError: 1"}"#,
            "ERROR py|Traceback (most recent call last):|  File \"a.py\", line 3|KeyError: 1",
        ),
        (
            r#"{"level":"ERROR","timestamp":"2026-11-21 05:29:51","message":{"text":"structured message","code":7}}"#,
            "ERROR structured message",
        ),
        (
            r#"{"level":"error","message":["array","message"],"timestamp":"2026-11-21T05:29:51Z"}"#,
            "ERROR array message",
        ),
        (
            r#"{"s":"E","c":"NETWORK","msg":"Connection ended","t":{"$date":"2026-11-21T05:29:51.000+00:00"}}"#,
            "ERROR Connection ended",
        ),
        (
            r#"{"when":"2026-11-21","who":7,"what":{"happened":"the lamp is out"},"date":"2026-11-21 05:29:51"}"#,
            "INFO the lamp is out",
        ),
    ] {
        assert_eq!(said(line), [expected], "{line}");
        assert!(one(line).timestamp.starts_with("2026-11-21T05:29:51."), "{line}");
    }
}

#[test]
fn a_printed_json_object_of_many_lines_is_one_event() {
    let text = "{\n  \"level\": \"error\",\n  \"msg\": \"no cart\"\n}\n{\n  \"level\": \"info\",\n  \"msg\": \"up\"\n}";
    assert_eq!(said(text), ["ERROR no cart", "INFO up"]);
}

#[test]
fn a_logged_exception_at_the_start_of_the_line_is_one_event_in_every_language() {
    let traces = [
        "java.lang.NumberFormatException: For input string: \"-db\"\n\tat a.B.c(B.java:65)\nCaused by: java.io.IOException: closed\n\tat d.E.f(E.java:12)\n\t... 3 more",
        "org.springframework.web.util.NestedServletException: Request processing failed\n\tat shop.Web.get(Web.java:9)",
        "TypeError: Cannot read properties of undefined (reading 'id')\n    at Object.handle (/srv/app/a.js:10:5)",
        "System.InvalidOperationException: no elements\n   at Shop.Cart.First() in /src/Cart.cs:line 12\n ---> System.IO.IOException: closed\n   --- End of inner exception stack trace ---",
        "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\nKeyError: 1\nDuring handling of the above exception, another exception occurred:\nTraceback (most recent call last):\n  File \"b.py\", line 4\nshop.CartError: 2",
        "app/cart.rb:7:in `get': no cart (RuntimeError)\n\tfrom app/web.rb:31:in `handle'",
        "goroutine 1 [running]:\nmain.main()\n\t/go/main.go:7 +0x1d\ncreated by main.start\n\t/go/main.go:3 +0x2a",
        "Stack trace:\n#0 /srv/web.php(31): f()\n#1 {main}\n  thrown in /srv/cart.php on line 7",
        "thread 'main' panicked at src/cart.rs:7:9:\nno cart\nstack backtrace:\n   0: main\nnote: run with `RUST_BACKTRACE=full`",
        "** (RuntimeError) no cart\n    (shop 0.1.0) lib/cart.ex:7: Shop.Cart.get/1",
        "terminate called after throwing an instance of 'std::runtime_error'\n  what():  no cart\nAborted (core dumped)",
    ];
    let dated = "2026-11-21 05:29:50 INFO up\n2026-11-21 05:29:51 ERROR cycle has ended:\n";
    for trace in traces {
        let text = format!("{dated}{trace}\n2026-11-21 05:29:52 INFO up again");
        let expected = format!("ERROR cycle has ended:|{}", trace.replace('\n', "|"));
        assert_eq!(said(&text), ["INFO up", &expected, "INFO up again"]);
        // Where no line is dated, an error takes the trace below it.
        let undated = format!("INFO up\nERROR cycle has ended:\n{trace}\nINFO up again");
        assert_eq!(said(&undated), ["INFO up", &expected, "INFO up again"]);
    }
}

#[test]
fn a_crash_behind_a_line_that_states_no_error_is_an_event_at_its_time() {
    let text = "2026-11-21 05:29:50 INFO up\n2026-11-21 05:29:51 INFO paid\npanic: nil map\ngoroutine 1 [running]:\nmain.main()\n\t/go/a.go:7 +0x1d\n2026-11-21 05:29:52 INFO up";
    let crash = "CRITICAL panic: nil map|goroutine 1 [running]:|main.main()|\t/go/a.go:7 +0x1d";
    assert_eq!(said(text), ["INFO up", "INFO paid", crash, "INFO up"]);
    assert_eq!(rows(text)[2].timestamp, "2026-11-21T05:29:51.000Z");
    // Pairs and JSON are whole in their line.
    let pairs = "level=error msg=\"no cart\"\nTraceback (most recent call last):\n  x\nKeyError: 1";
    assert_eq!(
        said(pairs),
        ["ERROR no cart", "ERROR Traceback (most recent call last):|  x|KeyError: 1"]
    );
}

#[test]
fn the_oops_of_a_kernel_is_one_event() {
    let oops = "[  1.123456] BUG: kernel NULL pointer dereference, address: 08\n[  1.123457] #PF: supervisor read access\n[  1.123458] CPU: 1 PID: 77 Comm: kworker\n[  1.123459]  do_work+0x1d/0x50\n[  1.123460] ---[ end trace 00 ]---\n[  2.123456] eth0: link is up";
    let said = said(oops);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("ERROR BUG: kernel NULL") && said[1] == "INFO eth0: link is up");
}

#[test]
fn channels_state_levels_and_words_of_sentences_do_not_beat_them() {
    let text = "[2026-11-21 05:29:51] production.ERROR: SQLSTATE[HY000]: no such table
[2026-11-21 05:29:52] local.INFO: Batch #1 processed: 100
[2026-11-21T05:29:53.123456] app.CRITICAL: Payment provider is gone [] []
[2026-11-21 05:29:54] production.WARNING: External Error: Some message";
    assert_eq!(
        said(text),
        [
            "ERROR SQLSTATE[HY000]: no such table",
            "INFO Batch #1 processed: 100",
            "CRITICAL Payment provider is gone [] []",
            "WARNING External Error: Some message"
        ]
    );
}

#[test]
fn what_is_stated_beats_what_is_guessed() {
    for (level, text) in [
        (Level::Info, "app=gw op=pay error=0000 took=3ms"),
        (Level::Info, "\"POST /api?levels=level%7Cerror HTTP/2.0\" 200 57074"),
        (Level::Info, "INFO 0 errors, 3 warnings"),
        (Level::Info, "level=info error=\"\" msg=\"job done\""),
        (Level::Info, "{\"level\":\"INFO\",\"message\":\"no error\"}"),
        (Level::Debug, "DEBUG statement: INSERT INTO error_log VALUES ('ERROR')"),
        (Level::Error, "severity=ERR msg=\"x\""),
        (Level::Error, "lvl=eror msg=\"x\""),
        (Level::Error, "Error handling request"),
        (Level::Error, "exception in thread main"),
        (Level::Error, "Out of memory: Killed process 7 (java)"),
        (Level::Critical, "fatal: not a git repository"),
        (Level::Info, "referrer: https://example.com/"),
        (Level::Error, "[ERR] boom"),
        (Level::Critical, "EMERG kernel down"),
        (Level::Info, "NOTICE config reloaded"),
        (Level::Error, "SEVERE: cannot bind"),
    ] {
        assert_eq!(one(&format!("2026-11-21 05:29:51 {text}")).level, level, "{text}");
    }
}

#[test]
fn pairs_give_their_time_and_keep_what_names_no_field() {
    let row = one(
        "time=\"2026-11-21T06:29:51+01:00\" level=warning msg=\"no \\\"cart\\\"\" request_id=r1 n=7",
    );
    assert_eq!((row.timestamp.as_str(), row.level), ("2026-11-21T05:29:51.000Z", Level::Warning));
    assert_eq!((row.message.as_str(), row.correlation_id.as_deref()), ("no \"cart\"", Some("r1")));
    assert_eq!(row.extra_data.as_deref(), Some("{\"n\":\"7\"}"));
}

#[test]
fn what_stands_before_the_level_is_kept_beside_the_message() {
    let row = one("2026-11-21 05:29:51 [http-1] WARN cart is slow");
    assert_eq!(
        (row.message.as_str(), row.extra_data.as_deref()),
        ("cart is slow", Some("{\"head\":\"[http-1]\"}"))
    );
    // An error code stays in the message.
    let coded = one("2026-11-21 05:29:51 [SHOP-PAY-001] ERROR is what it says");
    assert_eq!(coded.message, "[SHOP-PAY-001] ERROR is what it says");
}

#[test]
fn lines_that_are_no_text_are_counted_and_those_without_any_left_out() {
    let mut reader = reader("");
    let lines = [
        "caf\u{fffd} is closed",
        "\u{fffd}\u{fffd}\u{fffd}",
        "\0\0\0after a hole",
        "\0\0",
        "plain",
    ];
    let mut messages: Vec<_> =
        lines.iter().filter_map(|line| reader.push(line)).map(|row| row.message).collect();
    messages.extend(reader.finish().map(|row| row.message));
    assert_eq!(messages, ["caf\u{fffd} is closed", "after a hole", "plain"]);
    assert_eq!(reader.unread(), 4);
}
