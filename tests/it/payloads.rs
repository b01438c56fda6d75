//! Payloads come out as they went in, byte for byte, whichever way they take.

use crate::support::server::{Browser, Server, program};
use crate::support::{START, foreign, open, store};
use lamplighter::Code;
use lamplighter::model::{Actor, Enqueued, JobId, Json, Kind, NewJob};
use std::path::Path;
use std::process::Output;

/// Texts that no parser of doubles and maps gives back.
const EXACT: [&str; 5] = [
    r#"{"id":12345678901234567890123}"#,
    r#"{"id":18446744073709551616}"#,
    r#"{"a":1.10,"b":1e2,"c":-0,"d":100000000000000000000.0}"#,
    r#"{"b":1, "a":2,"a":3}"#,
    "[ \"\\u00e9\\/\",\n  7 ]",
];

fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder).args(arguments).output().unwrap()
}

/// What a command prints that must succeed.
fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    let (out, err) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {err}");
    out.trim_end().to_owned()
}

fn stored(folder: &Path, table: &str) -> String {
    let newest = format!("SELECT payload FROM {table} ORDER BY id DESC LIMIT 1");
    foreign(folder).query_row(&newest, [], |row| row.get(0)).unwrap()
}

#[test]
fn the_command_line_carries_a_payload_byte_for_byte_through_every_way_a_job_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    // It makes the database.
    drop(open(data));
    for (at, exact) in EXACT.iter().enumerate() {
        let id = said(data, &["jobs", "enqueue", "probe", exact]);
        assert_eq!(stored(data, "jobs"), *exact);
        assert!(said(data, &["jobs", "show", &id]).contains(exact.lines().next().unwrap()));
        let shown = said(data, &["--json", "jobs", "show", &id]);
        assert!(shown.contains(exact), "{shown}");
        said(data, &["jobs", "edit", &id, "--payload", "7"]);
        said(data, &["jobs", "edit", &id, "--payload", exact]);
        assert_eq!(stored(data, "jobs"), *exact);
        said(data, &["jobs", "cancel", &id]);
        said(data, &["jobs", "retry", &id]);
        assert_eq!(stored(data, "jobs"), *exact, "the same job once more");
        let name = format!("s{at}");
        said(
            data,
            &["schedules", "add", &name, "--every", "60", "--kind", "probe", "--payload", exact],
        );
        assert_eq!(stored(data, "job_schedules"), *exact);
        said(data, &["schedules", "edit", &name, "--priority", "7"]);
        assert_eq!(stored(data, "job_schedules"), *exact);
        let shown = said(data, &["--json", "schedules", "show", &name]);
        assert!(shown.contains(exact), "{shown}");
        said(data, &["schedules", "run-now", &name]);
        assert_eq!(stored(data, "jobs"), *exact, "a job of the schedule");
    }
    for bad in ["1E400", "{", "{'a':1}", "NaN", ""] {
        let refused = run(data, &["jobs", "enqueue", "probe", bad]);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(
            said.contains("[JOB-VALUE-001] Could not take the payload: it is no JSON"),
            "{bad}: {said}"
        );
    }
}

#[test]
fn the_pages_carry_a_payload_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let mut browser = Browser::signed_in(&server.url);
    let exact = EXACT[2];
    said(
        folder.path(),
        &["schedules", "add", "exact", "--every", "60", "--kind", "probe", "--payload", exact],
    );
    let page = browser.get("/schedules/exact", &[]).body;
    let shown = exact.replace('"', "&quot;");
    assert!(page.contains(&shown), "{page}");
    let form = [
        ("rule", "every 60"),
        ("kind", "probe"),
        ("payload", exact),
        ("queue", ""),
        ("priority", "5"),
        ("catch_up", "once"),
        ("overlap", "queue_one"),
        ("stagger", "0"),
    ];
    browser.post("/schedules/exact/edit", &form, &[]);
    assert_eq!(stored(folder.path(), "job_schedules"), exact);
    server.terminate();
}

#[tokio::test]
async fn another_number_beyond_64_bits_is_another_request_and_white_space_is_none() {
    let (_folder, store) = store();
    let request = |text: &str| NewJob {
        payload: Json::parse(text).unwrap(),
        idempotency_key: Some("order".into()),
        ..NewJob::new(Kind::named("probe"))
    };
    let first = store.enqueue(request("{\"id\":12345678901234567890123}"), START).await.unwrap();
    let same = store.enqueue(request("{ \"id\": 12345678901234567890123 }"), START).await.unwrap();
    assert_eq!(same, Enqueued::Existing(first.id()));
    let other = store.enqueue(request("{\"id\":12345678901234567890124}"), START).await;
    assert_eq!(other.unwrap_err().code(), Code::IdempotencyConflict);
}

#[tokio::test]
async fn what_another_program_has_stored_is_run_again_as_it_stands() {
    let (folder, store) = store();
    let exact = r#"{"far":1E400,"a":1,"a":2}"#;
    foreign(folder.path())
        .execute("INSERT INTO jobs (kind, payload) VALUES ('probe', ?1)", [exact])
        .unwrap();
    store.cancel(JobId(1), Actor::cli(), START).await.unwrap();
    let again = store.run_again(JobId(1), Actor::cli(), None, START).await.unwrap().id();
    assert_eq!(store.job(again).await.unwrap().unwrap().payload, exact);
}
