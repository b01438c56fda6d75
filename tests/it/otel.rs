//! Real SDKs of OpenTelemetry, of npm and of Python's index, send their logs to a server.

use crate::support::server::{Server, program};
use crate::support::skipped;
use lamplighter::model::{Level, LogFilter, LogRow};
use lamplighter::store::{LogStore, OpenMode};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The variable that names the folder of the SDKs: npm's packages in `npm`, a virtual environment of Python in `python`.
const SDKS: &str = "LAMPLIGHTER_TEST_OTEL";
/// Records that each sender sends: more than one batch of the SDKs, which is 512.
const COUNT: usize = 1_200;

fn sdks() -> Option<PathBuf> {
    let folder = std::env::var_os(SDKS).map(PathBuf::from);
    if folder.is_none() {
        skipped(&format!("{SDKS} names no folder with OpenTelemetry's SDKs"));
    }
    folder
}

fn python_of(sdks: &Path) -> PathBuf {
    sdks.join("python/bin/python")
}

/// A server, and the token of a sender.
fn server(data: &Path) -> (Server, String) {
    let server = Server::start(data, &[]);
    let line = ["tokens", "create", "sender", "--scopes", "logs:write"];
    let made = program(data).args(line).output().unwrap();
    (server, String::from_utf8(made.stdout).unwrap().trim().to_owned())
}

/// Has a sender send.
fn send(command: &mut Command, server: &Server, token: &str, packing: &str) {
    let command = command
        .arg(COUNT.to_string())
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &server.url)
        .env("OTEL_EXPORTER_OTLP_HEADERS", format!("authorization=Bearer%20{token}"))
        .env("OTEL_EXPORTER_OTLP_COMPRESSION", packing);
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{said}");
}

/// The rows of a source, oldest first.
async fn rows(data: &Path, source: &str) -> Vec<LogRow> {
    let logs = LogStore::open(&data.join("logs.db"), OpenMode::Current).unwrap();
    let source = Some(source.to_owned());
    let filter = LogFilter { source, limit: 2 * COUNT, ..LogFilter::default() };
    let mut rows = logs.search(filter).await.unwrap().rows;
    rows.reverse();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_for_node_sends_json_and_protobuf_packed_and_not() {
    let Some(sdks) = sdks() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (server, token) = server(folder.path());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/otel/send.mjs");
    for (kind, packing) in [("json", "none"), ("protobuf", "gzip")] {
        let mut node = Command::new("node");
        let node = node.arg(&script).arg(kind).current_dir(sdks.join("npm"));
        send(node, &server, &token, packing);
        let rows = rows(folder.path(), &format!("node-{kind}")).await;
        let said: Vec<_> = rows.iter().map(|row| row.row.message.clone()).collect();
        let sent: Vec<_> = (0..COUNT).map(|n| format!("order {n} of node")).collect();
        assert!(said == sent, "{kind}: {} rows, {:?}", said.len(), said.first());
        let second = &rows[1].row;
        assert_eq!((second.level, second.request_path.as_deref()), (Level::Error, Some("/cart")));
        let more: Value = serde_json::from_str(second.extra_data.as_ref().unwrap()).unwrap();
        assert_eq!((&more["n"], &more["list"]), (&1.into(), &vec!["a", "1"].into()));
        println!("npm, {kind}, packed with {packing}: {} of {COUNT} records", rows.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_for_python_sends_protobuf_and_an_exception_keeps_its_stack() {
    let Some(sdks) = sdks() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (server, token) = server(folder.path());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/otel/send.py");
    let mut python = Command::new(python_of(&sdks));
    send(python.arg(&script), &server, &token, "gzip");
    let kept = rows(folder.path(), "python").await;
    assert_eq!(kept.len(), COUNT);
    let (info, error) = (&kept[0].row, &kept[1].row);
    assert_eq!((info.level, info.message.as_str()), (Level::Info, "order 0 of python"));
    assert_eq!(error.level, Level::Error);
    let mut lines = error.message.lines();
    assert_eq!(lines.next(), Some("order 1 of python"));
    assert_eq!(lines.next(), Some("Traceback (most recent call last):"));
    assert_eq!(lines.last(), Some("KeyError: 'missing'"));
    println!("PyPI, protobuf, packed with gzip: {} of {COUNT} records", kept.len());
    send(Command::new(python_of(&sdks)).arg(&script), &server, "lmp_none", "none");
    assert_eq!(rows(folder.path(), "python").await.len(), COUNT, "a token that there is not");
}
