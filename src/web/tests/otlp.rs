//! Tests of the way in for logs of OpenTelemetry.

use super::tokens::{assert_problem, token, with, with_ada};
use super::*;
use crate::model::{Level, LogFilter, LogRow, Role};
use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::io::Write as _;

const LOGS: &str = "/v1/logs";
const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";

async fn send(site: &Site, token: &str, of: &str, body: impl Into<Bytes>) -> Answer {
    let request = with(Method::POST, LOGS, token).header("content-type", of);
    site.send(request.body(body.into().into()).unwrap()).await
}

async fn packed(site: &Site, token: &str, body: &[u8]) -> Answer {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(body).unwrap();
    let request = with(Method::POST, LOGS, token).header("content-type", JSON);
    let request = request.header("content-encoding", "gzip");
    site.send(request.body(gzip.finish().unwrap().into()).unwrap()).await
}

/// The rows of the log, oldest first.
async fn rows(site: &Site) -> Vec<LogRow> {
    let filter = LogFilter { limit: 1000, ..LogFilter::default() };
    let mut rows = site.logs().search(filter).await.unwrap().rows;
    rows.reverse();
    rows
}

fn text(text: &str) -> Value {
    json!({"stringValue": text})
}

/// A request with records of the service `shop`.
fn request(records: &Value) -> String {
    json!({"resourceLogs": [{
        "resource": {"attributes": [
            {"key": "service.name", "value": text("shop")},
            {"key": "host.name", "value": text("web-1")},
        ]},
        "scopeLogs": [{"scope": {"name": "shop.cart"}, "logRecords": records}],
    }]})
    .to_string()
}

#[tokio::test]
async fn a_record_becomes_a_row_with_what_it_states() {
    let site = with_ada(Role::Operator).await;
    let token = token(&site, "logs:write", None, None).await;
    let body = request(&json!([
        {
            "timeUnixNano": "1796000000123456789", "observedTimeUnixNano": "1796000009000000000",
            "severityNumber": 17, "severityText": "Error", "body": text("cart is locked"),
            "attributes": [
                {"key": "enduser.id", "value": {"intValue": "7"}},
                {"key": "url.path", "value": text("/cart")},
                {"key": "items", "value": {"arrayValue": {"values": [{"intValue": 1}, {"doubleValue": 0.5}, {"boolValue": true}]}}},
                {"key": "more", "value": {"kvlistValue": {"values": [{"key": "a", "value": {"bytesValue": "AQI="}}]}}},
            ],
            "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "eee19b7ec3c1b174",
        },
        {"observedTimeUnixNano": 1_796_000_009_000_000_000_u64, "severityNumber": "SEVERITY_NUMBER_WARN2", "body": {"kvlistValue": {"values": [{"key": "what", "value": text("queue is long")}]}}},
        {"severityText": "fatal", "eventName": "shop.stopped"},
        {"severityNumber": 18, "body": text("checkout failed"), "attributes": [
            {"key": "exception.type", "value": text("TypeError")},
            {"key": "exception.message", "value": text("x is undefined")},
            {"key": "exception.stacktrace", "value": text("TypeError: x is undefined\n    at pay (pay.js:3:1)")},
        ]},
        {"body": text("2026-12-01 10:00:00 ERROR [pool] no connection"), "attributes": null},
        {"severityNumber": 9, "body": null, "attributes": []},
    ]));
    let answer = send(&site, &token, JSON, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.header("content-type"), JSON);
    assert_eq!(answer.json()["partialSuccess"]["rejectedLogRecords"], "1");
    let rows = rows(&site).await;
    let seen: Vec<_> = rows.iter().map(|row| (row.row.level, row.row.message.as_str())).collect();
    let stack = "checkout failed\nTypeError: x is undefined\n    at pay (pay.js:3:1)";
    assert_eq!(
        seen,
        [
            (Level::Error, "cart is locked"),
            (Level::Warning, r#"{"what":"queue is long"}"#),
            (Level::Critical, "shop.stopped"),
            (Level::Error, stack),
            (Level::Error, "[pool] no connection"),
        ]
    );
    let first = &rows[0].row;
    assert_eq!(
        (first.timestamp.as_str(), first.source.as_str()),
        ("2026-11-30T00:53:20.123Z", "shop")
    );
    assert_eq!(first.correlation_id.as_deref(), Some("5b8efff798038103d269b633813fc60c"));
    assert_eq!(
        (first.user_id.as_deref(), first.request_path.as_deref()),
        (Some("7"), Some("/cart"))
    );
    let more: Value = serde_json::from_str(first.extra_data.as_ref().unwrap()).unwrap();
    assert_eq!(more["items"], json!([1, 0.5, true]));
    assert_eq!(more["more"], json!({"a": "AQI="}));
    assert_eq!(
        (&more["scope"], &more["span_id"]),
        (&json!("shop.cart"), &json!("eee19b7ec3c1b174"))
    );
    assert_eq!(more["resource"]["host.name"], "web-1");
    assert_eq!(rows[1].row.timestamp, "2026-11-30T00:53:29.000Z");
    assert_eq!(rows[2].row.timestamp, START.to_string());
    assert_eq!(rows[4].row.timestamp, "2026-12-01T10:00:00.000Z");
}

#[tokio::test]
async fn secrets_in_a_record_are_not_kept() {
    let site = with_ada(Role::Operator).await;
    let token = token(&site, "logs:write", None, None).await;
    let key = ["ghp", "_0123456789abcdefghijABCDEFGHIJ012345"].concat();
    let body = request(&json!([{"body": text(&format!("token {key}")), "attributes": [
        {"key": "header", "value": text(&format!("Authorization: Bearer {key}"))},
    ]}]));
    assert_eq!(packed(&site, &token, body.as_bytes()).await.status, StatusCode::OK);
    let rows = rows(&site).await;
    assert_eq!(rows.len(), 1);
    assert!(!format!("{rows:?}").contains(&key), "{rows:?}");
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_nothing_of_it_is_kept() {
    let site = with_ada(Role::Operator).await;
    let mine = token(&site, "logs:write", None, None).await;
    for body in [
        "",
        "{",
        "[]",
        "hello",
        r#"{"resourceLogs": 1}"#,
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"xyz"}]}]}]}"#,
    ] {
        assert_problem(&send(&site, &mine, JSON, body).await, 400, "WEB-INPUT-001");
    }
    let broken = send(&site, &mine, PROTOBUF, &b"\x0a\xff\xff\xff\xff\x0fx"[..]).await;
    assert_eq!((broken.status, broken.header("content-type")), (StatusCode::BAD_REQUEST, PROTOBUF));
    assert!(broken.body.contains("WEB-INPUT-001"), "{}", broken.body);
    // Whoever refuses it: the check of the token, its scopes, the name of the server.
    let unnamed = with(Method::POST, LOGS, &mine).header("content-type", PROTOBUF);
    let unnamed = unnamed.header("host", "evil.example").body("".into()).unwrap();
    let scopes = token(&site, "logs:read", None, None).await;
    for (answer, status, code) in [
        (send(&site, "lmp_none", PROTOBUF, "").await, 401, "AUTH-TOKEN-001"),
        (send(&site, &scopes, PROTOBUF, "").await, 403, "AUTH-TOKEN-002"),
        (site.send(unnamed).await, 421, "WEB-HOST-001"),
    ] {
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (status, PROTOBUF));
        // `message`, the second field of a status.
        assert!(answer.body.starts_with('\u{12}') && answer.body.contains(code), "{}", answer.body);
    }
    let plain = send(&site, &mine, "text/plain", "x").await;
    assert_problem(&plain, 415, "WEB-INPUT-001");
    let deep = format!(
        "{}{}",
        r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"a","value":"#.to_owned()
            + &r#"{"arrayValue":{"values":["#.repeat(1000),
        "}"
    );
    assert_problem(&send(&site, &mine, JSON, deep).await, 400, "WEB-INPUT-001");
    let bomb = vec![b' '; 5 * 1024 * 1024];
    assert_problem(&packed(&site, &mine, &bomb).await, 413, "JOB-SIZE-001");
    let other = token(&site, "logs:read,jobs:write", None, None).await;
    assert_problem(
        &send(&site, &other, JSON, request(&json!([{"body": text("x")}]))).await,
        403,
        "AUTH-TOKEN-002",
    );
    assert_problem(&send(&site, "lmp_none", JSON, "{}").await, 401, "AUTH-TOKEN-001");
    assert_eq!(rows(&site).await.len(), 0);
}

/// A field of protobuf with these bytes.
fn part(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let mut length = bytes.len();
    let mut part = vec![tag << 3 | 2];
    while length >= 0x80 {
        part.push(length as u8 | 0x80);
        length >>= 7;
    }
    part.push(length as u8);
    [part.as_slice(), bytes].concat()
}

#[tokio::test]
async fn a_small_request_takes_neither_much_memory_nor_much_of_the_disk() {
    let site = with_ada(Role::Operator).await;
    let token = token(&site, "logs:write", None, None).await;
    let of_records =
        |records: &[u8], resource: &[u8]| part(1, &[part(1, resource), part(2, records)].concat());
    // A record of two bytes would take some hundred in memory; so would a group of records.
    let empty = part(2, b"").repeat(1_500_000);
    let many = [of_records(&empty, b""), part(1, b"").repeat(100_000)];
    for body in many {
        let refused = send(&site, &token, PROTOBUF, body).await;
        assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", refused.body);
    }
    let braces = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{}]}}]}}]}}"#,
        "{},".repeat(600_000)
    );
    assert_eq!(send(&site, &token, JSON, braces).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    // What a resource says, once, would be kept with each record.
    let long = "n".repeat(1024 * 1024);
    let value = part(2, &part(1, long.as_bytes()));
    let resource = part(1, &[part(1, b"service.name"), value].concat());
    let record = part(2, &[part(5, &part(1, b"x")), vec![2 << 3, 9]].concat());
    let answer = send(&site, &token, PROTOBUF, of_records(&record.repeat(500), &resource)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let kept = rows(&site).await;
    assert_eq!(kept.len(), 500);
    let row = &kept[0].row;
    assert_eq!((row.source.len(), row.message.as_str()), (1024, "x"));
    assert!(row.extra_data.as_ref().unwrap().contains("dropped_bytes"), "{row:?}");
}

#[tokio::test]
async fn a_line_without_a_level_of_its_own_keeps_what_else_the_record_says() {
    let site = with_ada(Role::Operator).await;
    let token = token(&site, "logs:write", None, None).await;
    let body = request(&json!([{
        "body": text("2026-12-01 10:00:00 [http-1] WARN queue is long"),
        "attributes": [{"key": "log.file.name", "value": text("app.log")}],
        "spanId": "eee19b7ec3c1b174",
    }]));
    assert_eq!(send(&site, &token, JSON, body).await.status, StatusCode::OK);
    let rows = rows(&site).await;
    let row = &rows[0].row;
    assert_eq!(row.level, Level::Warning);
    let more: Value = serde_json::from_str(row.extra_data.as_ref().unwrap()).unwrap();
    assert_eq!(
        (&more["log.file.name"], &more["span_id"]),
        (&json!("app.log"), &json!("eee19b7ec3c1b174"))
    );
    assert_eq!(more["resource"]["host.name"], "web-1");
}
