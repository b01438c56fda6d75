//! A scan by an agent, but for the agent: the snapshot it may query, the prompt, and what is made of its answer.

use crate::support::{START, store};
use lamplighter::Code;
use lamplighter::model::{
    Actor, Classification, Finding, IssueHome, Level, NewLogRow, RowTemplate,
};
use lamplighter::monitor::agent::{Prepared, digest, prepare};
use lamplighter::monitor::{Window, prompt};
use lamplighter::redact::{REDACTED, redactor};
use lamplighter::store::{Grouping, LogStore, OpenMode, Snapshot, SnapshotPlan, Store};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::TempDir;

/// A data directory with a job database and a log.
struct Site {
    folder: TempDir,
    store: Store,
    logs: LogStore,
}

impl Site {
    async fn with(rows: Vec<NewLogRow>) -> Self {
        let (folder, store) = store();
        let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
        logs.append(rows).await.unwrap();
        Self { folder, store, logs }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("snapshot.db")
    }

    async fn snapshot(&self, after: i64, max_rows: u64) -> Snapshot {
        let upto = self.logs.last_id().await.unwrap();
        let grouping = Grouping::by(|row| RowTemplate {
            text: row.message.replace(|c: char| c.is_ascii_digit(), "#"),
            known_since: (row.level == Level::Warning).then_some(START),
        });
        let plan = SnapshotPlan { path: self.path(), after, upto, max_rows, grouping };
        self.logs.snapshot(plan).await.unwrap()
    }

    async fn prepared(&self) -> Option<Prepared> {
        let (logs, window) = Window::of(&self.store, &self.logs).await.unwrap();
        let at = (window, IssueHome::local());
        prepare(&self.store, &logs, at, (self.path(), None), START).await.unwrap()
    }
}

fn row(level: Level, message: &str) -> NewLogRow {
    NewLogRow::new(START.to_string(), level, "shop.cart", message)
}

fn of_request(level: Level, message: &str, request: &str) -> NewLogRow {
    NewLogRow { correlation_id: Some(request.into()), ..row(level, message) }
}

/// What a query answers, a text a row.
fn query(path: &Path, sql: &str) -> Vec<String> {
    let conn = Connection::open(path).unwrap();
    let mut statement = conn.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn a_snapshot_is_one_private_file_with_the_rows_above_the_watermark() {
    let site = Site::with(vec![
        row(Level::Error, "old trouble"),
        row(Level::Info, "all is well"),
        row(Level::Warning, "cart 1 is slow"),
        row(Level::Error, "cart 2 is lost"),
        row(Level::Warning, "cart 3 is slow"),
        row(Level::Debug, "nothing"),
    ])
    .await;
    let snapshot = site.snapshot(1, 50_000).await;
    let expected = Snapshot {
        path: site.path(),
        after: 1,
        end: 6,
        last_id: 5,
        more: false,
        rows: 3,
        context: 0,
        templates: 2,
    };
    assert_eq!(snapshot, expected);
    let sql = "SELECT concat_ws('|', id, timestamp, level, source, message, created_at > 0) FROM logs ORDER BY id";
    let at = START.to_string();
    assert_eq!(
        query(&site.path(), sql),
        [
            format!("3|{at}|WARNING|shop.cart|cart 1 is slow|1"),
            format!("4|{at}|ERROR|shop.cart|cart 2 is lost|1"),
            format!("5|{at}|WARNING|shop.cart|cart 3 is slow|1"),
        ]
    );
    let sql = "SELECT concat_ws('|', template, source, level, count, first_id, last_id, first_seen, last_seen, known_since)
        FROM templates ORDER BY 1";
    assert_eq!(
        query(&site.path(), sql),
        [
            format!("cart # is lost|shop.cart|ERROR|1|4|4|{at}|{at}"),
            format!("cart # is slow|shop.cart|WARNING|2|3|5|{at}|{at}|{at}"),
        ]
    );
    let sql = "SELECT concat_ws('|', message, template, h.count, h.hour = :at) FROM logs
        JOIN templates t ON t.id = logs.template_id JOIN template_hours h ON h.template_id = t.id ORDER BY logs.id";
    let hour = START.hour();
    assert_eq!(
        query(&site.path(), &sql.replace(":at", &format!("'{hour}'"))),
        [
            "cart 1 is slow|cart # is slow|2|1",
            "cart 2 is lost|cart # is lost|1|1",
            "cart 3 is slow|cart # is slow|2|1",
        ]
    );
    let columns = "SELECT name FROM pragma_table_info('logs') WHERE name <> 'template_id'";
    assert_eq!(query(&site.path(), columns), query(&site.folder.path().join("logs.db"), columns));

    let mode = std::fs::metadata(site.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let bytes = std::fs::read(site.path()).unwrap();
    assert_eq!((&bytes[68..72], &bytes[18..20]), (&b"LMPS"[..], &[1, 1][..]), "no WAL");
    let beside = names(site.folder.path());
    assert!(
        !beside.iter().any(|name| name.contains("snapshot.db") && name != "snapshot.db"),
        "{beside:?}"
    );

    // Again, over the first one.
    assert_eq!(site.snapshot(4, 50_000).await.rows, 1);
    assert_eq!(query(&site.path(), "SELECT message FROM logs"), ["cart 3 is slow"]);
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_made_leaves_nothing_behind() {
    let site = Site::with(vec![row(Level::Error, "x")]).await;
    std::fs::create_dir(site.path()).unwrap();
    let grouping = Grouping::by(|row| RowTemplate { text: row.message.clone(), known_since: None });
    let plan = SnapshotPlan { path: site.path(), after: 0, upto: 1, max_rows: 9, grouping };
    assert_eq!(site.logs.snapshot(plan).await.unwrap_err().code(), Code::StoreIo);
    assert!(!names(site.folder.path()).iter().any(|name| name.contains("snapshot.db.")));
}

#[tokio::test]
async fn the_oldest_rows_are_taken_and_it_is_said_that_more_remain() {
    let rows = (0..2_500).map(|n| row(Level::Warning, &format!("cart {n}")));
    let site = Site::with(rows.collect()).await;
    for (after, max_rows, rows, end, more) in [
        (0, 2_000, 2_000, 2_000, true),
        (0, 1_999, 1_999, 1_999, true),
        (0, 2_499, 2_499, 2_499, true),
        (0, 2_500, 2_500, 2_500, false),
        (500, 2_000, 2_000, 2_500, false),
        (2_500, 10, 0, 2_500, false),
        (0, 1, 1, 1, true),
    ] {
        let made = site.snapshot(after, max_rows).await;
        assert_eq!((made.rows, made.end, made.more), (rows, end, more), "{after} {max_rows}");
        assert_eq!(made.last_id, after + rows as i64);
    }
}

#[tokio::test]
async fn up_to_twenty_rows_of_the_same_request_come_along() {
    let mut rows = vec![of_request(Level::Info, "below the watermark", "r1")];
    rows.extend((0..30).map(|n| of_request(Level::Info, &format!("step {n}"), "r1")));
    rows.extend([
        of_request(Level::Info, "another request", "r2"),
        row(Level::Info, "no request"),
        of_request(Level::Error, "it broke", "r1"),
        of_request(Level::Warning, "it broke again", "r1"),
        of_request(Level::Debug, "after it", "r1"),
    ]);
    let site = Site::with(rows).await;
    let made = site.snapshot(1, 50_000).await;
    assert_eq!((made.rows, made.context, made.templates), (2, 20, 2));
    let said = query(&site.path(), "SELECT message FROM logs ORDER BY id");
    let steps: Vec<_> = (10..30).map(|n| format!("step {n}")).collect();
    assert_eq!(said[..20], steps);
    assert_eq!(said[20..], ["it broke", "it broke again"]);
}

#[tokio::test]
async fn no_secret_reaches_a_snapshot() {
    redactor().learn("a-secret-of-this-very-test");
    let token = format!("ghp_{}", "a1B2".repeat(9));
    let rows = vec![
        row(Level::Error, &format!("push with {token} failed")),
        of_request(Level::Error, "login password=hunter2hunter2 failed", "r1"),
        of_request(Level::Info, "a-secret-of-this-very-test", "r1"),
        // The cut would leave half of it.
        row(Level::Error, &format!("{}{token}", "x ".repeat(8_187))),
        NewLogRow {
            request_path: Some(format!("/?t={token}")),
            user_id: Some("a-secret-of-this-very-test".into()),
            extra_data: Some(json!({"password": "hunter2hunter2", "n": 7}).to_string()),
            ..row(Level::Error, "columns")
        },
    ];
    let site = Site::with(rows).await;
    assert_eq!(site.snapshot(0, 50_000).await.rows, 4);
    let bytes = std::fs::read(site.path()).unwrap();
    for secret in ["ghp_", "hunter2", "a-secret-of-this-very-test"] {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{secret}");
    }
    let kept = query(&site.path(), "SELECT message FROM logs WHERE id = 1");
    assert_eq!(kept, [format!("push with {REDACTED} failed")]);
    assert_eq!(
        query(&site.path(), "SELECT json_extract(extra_data, '$.n') || '' FROM logs WHERE id = 5"),
        ["7"]
    );
}

#[tokio::test]
async fn fifty_thousand_rows_are_copied_in_moments() {
    let rows = |n: usize| NewLogRow {
        correlation_id: Some(format!("r{}", n / 10)),
        ..row(
            if n.is_multiple_of(2) { Level::Error } else { Level::Info },
            &format!("cart {n} of user {} is lost", n * 7),
        )
    };
    let site = Site::with(Vec::new()).await;
    for chunk in 0..11 {
        let chunk: Vec<_> = (chunk * 10_000..(chunk + 1) * 10_000).map(rows).collect();
        site.logs.append(chunk).await.unwrap();
    }
    let begun = Instant::now();
    let made = site.snapshot(0, 50_000).await;
    println!(
        "snapshot: {} rows and {} of context in {:?}",
        made.rows,
        made.context,
        begun.elapsed()
    );
    assert_eq!((made.rows, made.context, made.templates > 0), (50_000, 40_000, true));
    assert!(made.more && begun.elapsed().as_secs() < 30);
}

#[tokio::test]
async fn nothing_to_look_at_needs_no_agent() {
    let site = Site::with(vec![row(Level::Info, "all is well")]).await;
    assert!(site.prepared().await.is_none() && !site.path().exists());
}

#[tokio::test]
async fn the_prompt_names_the_snapshot_its_tables_and_the_watermark_but_holds_no_row() {
    let site = Site::with(vec![row(Level::Error, "a very special sentence")]).await;
    let given = site.prepared().await.unwrap();
    assert!(given.prompt.contains(&format!("sqlite3 -json {} \"SELECT", site.path().display())));
    assert!(
        given.prompt.contains("CREATE TABLE templates (") && given.prompt.contains("ids above 0,")
    );
    assert!(!given.prompt.contains("special"));
    assert!(given.prompt.contains("<<<UNTRUSTED DATA\nUNTRUSTED DATA>>>"));
    assert!(given.prompt.ends_with(prompt::STANDARDS));
    assert_eq!(
        given.schema["required"],
        json!(["status", "max_log_id_processed", "issues_created"])
    );
}

#[tokio::test]
async fn an_edited_prompt_is_what_the_next_scan_uses_until_somebody_reverts_it() {
    let site = Site::with(vec![row(Level::Error, "x")]).await;
    let save = |text| prompt::save(&site.store, text, Actor::cli(), START);
    save(Some("Mine, {not_known}: {last_scan_log_id}")).await.unwrap();
    assert!(prompt::load(&site.store).await.unwrap().modified);
    assert!(
        site.prepared().await.unwrap().prompt.starts_with("Mine, {not_known}: 0\n\n# Standards")
    );
    save(Some("  ")).await.unwrap_err();
    assert!(prompt::load(&site.store).await.unwrap().text.starts_with("Mine"));
    for text in [None, Some(prompt::SHIPPED)] {
        save(Some("mine")).await.unwrap();
        save(text).await.unwrap();
        let shipped = prompt::Template { text: prompt::SHIPPED.into(), modified: false };
        assert_eq!(prompt::load(&site.store).await.unwrap(), shipped);
    }
}

/// The log of a shop in trouble: rows 1 to 8.
async fn shop() -> (Site, Snapshot) {
    let lost = |n: i32| row(Level::Error, &format!("[SHOP-CART-002] cart {n} is lost: KeyError"));
    let mut slow = row(Level::Warning, "cart 7 is slow, see [SHOP-PAY-014]");
    slow.timestamp = "2027-01-15T08:00:09.000Z".into();
    let site = Site::with(vec![
        lost(1),
        of_request(Level::Info, "cart opened", "r1"),
        lost(2),
        of_request(Level::Error, "```\n@all <b>obey</b>\u{202e}", "r1"),
        lost(3),
        lost(4),
        slow,
        row(Level::Info, "not in the snapshot"),
    ])
    .await;
    let snapshot = site.prepared().await.unwrap().snapshot;
    (site, snapshot)
}

fn proposal(title: &str, ids: &[i64]) -> Value {
    json!({
        "classification": "server_bug", "title": title, "body": "Carts are lost.", "error_codes": [],
        "source_log_ids": ids, "source_files": ["cart.py"],
    })
}

fn reply(findings: &[Value], max: &Value) -> Value {
    json!({"status": "success", "max_log_id_processed": max, "issues_created": findings})
}

async fn findings(snapshot: &Snapshot, proposals: &[Value]) -> Vec<Finding> {
    let value = reply(proposals, &7.into());
    let digest = digest(Some(&value), "", snapshot, None).await.unwrap();
    assert_eq!(digest.rejected.reasons, Vec::<String>::new());
    digest.findings
}

#[tokio::test]
async fn what_a_finding_rests_on_is_read_from_the_snapshot() {
    let (_site, snapshot) = shop().await;
    let named = Value::from(vec!["SHOP-PAY-014", "SHOP-MADE-001"]);
    let mut with_codes = proposal("Carts are slow", &[7, 1]);
    with_codes["error_codes"] = named;
    with_codes["duplicate_of"] = 5.into();
    let all = findings(&snapshot, &[proposal("Carts are lost", &[3, 1, 3]), with_codes]).await;

    let lost = &all[0];
    assert_eq!(lost.classification, Classification::ServerBug);
    // Two rows are cited, four have the template.
    assert_eq!((lost.occurrences, &lost.evidence[..]), (4, &[1, 3][..]));
    assert_eq!(lost.template, "[SHOP-CART-002] cart <*> is lost: KeyError");
    assert_eq!(
        (&lost.source[..], &lost.error_codes[..]),
        ("shop.cart", &["SHOP-CART-002".to_owned()][..])
    );
    assert_eq!((lost.last_seen.clone(), lost.source_files.len()), (START.to_string(), 1));
    assert!(
        lost.body.starts_with("Carts are lost.\n\n## Evidence\n\n```text\n1 "),
        "{}",
        lost.body
    );
    assert!(
        lost.body.ends_with("\n```\n\nLog rows: 1, 3\n") && lost.body.contains("cart 2 is lost")
    );

    let slow = &all[1];
    assert_eq!(slow.error_codes, ["SHOP-PAY-014"], "a code that no cited row holds is none");
    assert_eq!((slow.occurrences, slow.duplicate_of), (5, Some(5)));
    assert_eq!(slow.template, lost.template, "the most frequent one");
    assert_eq!(slow.last_seen, "2027-01-15T08:00:09.000Z");
}

#[tokio::test]
async fn a_row_of_context_may_be_cited_and_evidence_stays_in_its_block() {
    let (_site, snapshot) = shop().await;
    let mut open = proposal(&"long ".repeat(100), &[2, 4]);
    open["body"] = "Look:\n```sql\nSELECT 1".into();
    let all = findings(&snapshot, &[open, proposal("Carts open", &[2])]).await;
    assert!(all[0].body.starts_with("Look:\n```sql\nSELECT 1\n```\n\n## Evidence\n\n````text\n2 "));
    assert!(!all[0].body.contains('\u{202e}') && all[0].title.chars().count() <= 80);
    assert_eq!((all[1].occurrences, &all[1].template[..]), (1, "cart opened"));
}

#[tokio::test]
async fn a_finding_that_cites_what_was_not_examined_is_rejected_and_the_others_go_on() {
    let (_site, snapshot) = shop().await;
    let value = reply(
        &[
            proposal("beyond", &[1, 8]),
            proposal("negative", &[-1]),
            proposal("zero", &[0]),
            proposal("far", &[i64::MAX]),
            proposal("good", &[1]),
            json!({"classification": "rm -rf"}),
        ],
        &7.into(),
    );
    let digest = digest(None, &format!("```json\n{value}\n```"), &snapshot, None).await.unwrap();
    assert_eq!(digest.findings.len(), 1);
    assert_eq!(digest.rejected.count, 5);
    for said in ["\"beyond\": it cites log row 8,", "row -1,", "row 0,", "row 9223372036854775807,"]
    {
        assert!(
            digest.rejected.reasons.iter().any(|why| why.contains(said)),
            "{said} {:?}",
            digest.rejected
        );
    }
}

#[tokio::test]
async fn the_watermark_never_passes_the_snapshot_and_never_goes_back() {
    let (_site, snapshot) = shop().await;
    assert_eq!((snapshot.after, snapshot.last_id, snapshot.end), (0, 7, 8));
    let cut = Snapshot { more: true, ..snapshot.clone() };
    for (snapshot, said, end, follow_up) in [
        (&snapshot, json!(7), 7, false),
        (&snapshot, json!(8), 7, false),
        (&snapshot, json!(i64::MAX), 7, false),
        (&snapshot, json!(5), 5, true),
        (&snapshot, json!(0), 0, false),
        (&snapshot, json!(-9), 0, false),
        (&snapshot, json!("many"), 0, false),
        (&snapshot, json!(1e99), 0, false),
        (&cut, json!(7), 7, true),
        (&cut, json!(0), 0, false),
    ] {
        let done = digest(Some(&reply(&[], &said)), "", snapshot, None).await.unwrap();
        assert_eq!((done.end, done.follow_up), (end, follow_up), "{said}");
        let stays = done.rejected.reasons.iter().any(|why| why.contains("the same rows again"));
        assert_eq!(stays, end == 0, "{said}: that nobody has read the rows is told");
        assert_eq!(done.rejected.count, 0);
    }
}

#[tokio::test]
async fn an_answer_that_names_no_end_claims_to_have_read_nothing() {
    let (_site, snapshot) = shop().await;
    let value = json!({"status": "success", "issues_created": []});
    let done = digest(Some(&value), "", &snapshot, None).await.unwrap();
    assert_eq!((done.end, done.follow_up), (snapshot.after, false));
    let told = "the end of the answer: it names no max_log_id_processed, so the next scan examines the same rows again";
    assert_eq!(done.rejected.reasons, [told]);
    let later = Snapshot { after: 4, ..snapshot };
    let done = digest(Some(&reply(&[], &1.into())), "", &later, None).await.unwrap();
    assert_eq!(done.end, 4);
    assert!(done.rejected.reasons[0].contains("names 1 as the last row"), "{:?}", done.rejected);
}

#[tokio::test]
async fn a_secret_that_the_agent_repeats_goes_no_further() {
    let (_site, snapshot) = shop().await;
    let token = format!("ghp_{}", "z9Y8".repeat(9));
    let mut told = proposal(&format!("Token {token} leaks"), &[1]);
    told["body"] = format!("It is {token}.").into();
    let finding = &findings(&snapshot, &[told.clone()]).await[0];
    assert_eq!(finding.title, format!("Token {REDACTED} leaks"));
    assert!(finding.body.starts_with(&format!("It is {REDACTED}.")));
    told["source_log_ids"] = json!([99]);
    let done = digest(Some(&reply(&[told], &7.into())), "", &snapshot, None).await.unwrap();
    assert!(
        done.rejected.reasons[0].contains(REDACTED) && !done.rejected.reasons[0].contains("ghp_")
    );
}

#[tokio::test]
async fn a_snapshot_is_described_by_what_can_be_stored() {
    let (_site, snapshot) = shop().await;
    let stored = serde_json::to_string(&snapshot).unwrap();
    assert_eq!(serde_json::from_str::<Snapshot>(&stored).unwrap(), snapshot);
}
