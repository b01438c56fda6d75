//! What a scan leaves behind: issues, acts at the tracker, counts and watermark, all or nothing.

use crate::support::{Played, START, foreign, now, store, until};
use lamplighter::clock::Clock;
use lamplighter::model::{
    Act, Actor, ApiUrl, AttemptEnd, Caps, Classification, Duplicates, FilingEvent, FilingId,
    FilingState, Finding, FindingTemplates, Fingerprint, IssueChange, IssueHome, IssueId,
    IssueMark, IssueOwner, IssueState, JobId, Kind, KindRules, KnownIssue, Lease, Level, Marker,
    NewIssue, NewJob, NewLogRow, Outcome, Place, Posting, Remark, RemoteKind, ScanCommit,
    ScanCounts, Status, Timestamp, Tracker, TrackerIssue, TrackerNews,
};
use lamplighter::monitor::Tracking;
use lamplighter::store::{LogStore, OpenMode, Store};
use lamplighter::{Code, Engine, monitor};
use rusqlite::Connection;
use std::time::Duration;

const GITHUB: Tracker = Tracker::Remote { kind: RemoteKind::Github, approval: false };

/// The repository of a shop at GitHub.
fn shop() -> IssueHome {
    IssueHome::at(&ApiUrl::default(), &"Ann/shop".parse().unwrap())
}

/// A scan that runs, as the worker that claimed it sees it.
async fn claimed(store: &Store) -> Lease {
    let job = NewJob::new(Kind::SELF_MONITORING);
    store.enqueue(job, START).await.unwrap();
    let kinds = vec![KindRules::new(Kind::SELF_MONITORING)];
    let request = Played::leading(store, "tests", kinds, vec![], START).await.request(vec![]);
    let polled = store.poll(request, START).await.unwrap();
    polled.claimed[0].lease().unwrap()
}

fn print(letter: &str) -> Fingerprint {
    Fingerprint::from_hex(letter.repeat(64))
}

fn new(title: &str, codes: &[&str], prints: &[&str]) -> NewIssue {
    let finding = Finding {
        classification: Classification::ClientMisuse,
        title: title.into(),
        body: format!("Body of {title}"),
        error_codes: codes.iter().map(|&code| code.into()).collect(),
        source: "shop".into(),
        template: "cart <*>".into(),
        known_as: Vec::new(),
        occurrences: 3,
        evidence: vec![1, 2],
        last_seen: START.to_string(),
        source_files: vec!["a.py".into()],
        duplicate_of: None,
        templates: FindingTemplates::default(),
    };
    NewIssue {
        finding,
        fingerprints: prints.iter().map(|letter| print(letter)).collect(),
        follows: None,
    }
}

fn remark(issue: i64, reopens: bool, prints: &[&str]) -> Remark {
    Remark {
        issue: IssueId(issue),
        reopens,
        unmutes: false,
        body: "Again.".into(),
        error_codes: Vec::new(),
        fingerprints: prints.iter().map(|letter| print(letter)).collect(),
        rows: 5,
    }
}

/// A commit with markers that no other commit has.
fn commit(salt: u8, new_issues: Vec<NewIssue>, remarks: Vec<Remark>) -> ScanCommit {
    let mut acts = 0..;
    let mut posting = |title: String, body: &String| Posting {
        marker: Marker::new(u128::from(salt) << 64 | acts.next().unwrap_or(0)),
        title,
        body: body.clone(),
        labels: vec!["bug".into()],
    };
    let opened = new_issues.into_iter().map(|new| {
        let posting = posting(new.finding.issue_title(), &new.finding.body);
        (new, posting)
    });
    let new_issues = opened.collect();
    let said = remarks.into_iter().map(|remark| {
        let posting = posting(String::new(), &remark.body);
        (remark, posting)
    });
    let remarks = said.collect();
    ScanCommit {
        log: "log".into(),
        log_id_start: 0,
        log_id_end: 40,
        log_row_end: None,
        counts: ScanCounts { rows_examined: 9, reopened: 1, rejected: 2, ..ScanCounts::default() },
        analyzer: "claude",
        fallback: None,
        model: Some("sonnet".into()),
        cost_usd: Some(0.25),
        rejections: vec!["finding 1 (\"x\"): no".into(), "finding 2 (\"y\"): no".into()],
        tracker: Tracker::Local,
        home: IssueHome::local(),
        new_issues,
        seen_again: Vec::new(),
        learned: Vec::new(),
        shown: Vec::new(),
        templates: Vec::new(),
        remarks,
        duplicates: Duplicates::default(),
        caps: Caps::default(),
        follow_up: false,
    }
}

/// Commits what a scan of its own leaves behind, and ends the scan.
async fn file(store: &Store, scan: ScanCommit) -> JobId {
    let lease = claimed(store).await;
    store.commit_scan(lease.clone(), scan, START).await.unwrap();
    let done = AttemptEnd::Answered(Outcome::Done(1.into()));
    store.settle(lease.clone(), done, Duration::from_secs(1), START).await.unwrap();
    lease.id
}

/// Leaves so many issues, up to 26, which wait for approval before GitHub is told of them.
pub(crate) async fn leave_many_for_approval(store: &Store, count: u8) {
    let letters: Vec<_> = (b'a'..b'a' + count).map(|byte| char::from(byte).to_string()).collect();
    let issues = letters.iter().map(|letter| new(&format!("part {letter} fails"), &[], &[letter]));
    let tracker = Tracker::Remote { kind: RemoteKind::Github, approval: true };
    file(store, ScanCommit { tracker, home: shop(), ..commit(1, issues.collect(), vec![]) }).await;
}

/// Leaves one issue with this text, which waits for approval before GitHub is told of it.
pub(crate) async fn leave_for_approval(store: &Store, body: &str) {
    let mut issue = new("the mail server refuses invoices", &[], &["a"]);
    issue.finding.body = body.into();
    let tracker = Tracker::Remote { kind: RemoteKind::Github, approval: true };
    file(store, ScanCommit { tracker, home: shop(), ..commit(1, vec![issue], vec![]) }).await;
}

/// The answer to a query, a text a row.
fn rows(conn: &Connection, sql: &str) -> Vec<String> {
    let mut statement = conn.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

const FILINGS: &str = "SELECT concat_ws('|', issue_id, act, state, coalesce(title, '-'), body) FROM filings ORDER BY id";
const ISSUES: &str = "SELECT concat_ws('|', id, tracker, coalesce(number, '-'), state, occurrences) \
    FROM self_monitoring_issues ORDER BY id";
const PRINTS: &str = "SELECT concat_ws('|', substr(fingerprint, 1, 1), issue_id, open) \
    FROM self_monitoring_issue_fingerprints ORDER BY 1";

async fn known(store: &Store, codes: &[&str], prints: &[&str]) -> Vec<KnownIssue> {
    known_at(store, IssueHome::local(), codes, prints).await
}

async fn known_at(
    store: &Store,
    home: IssueHome,
    codes: &[&str],
    prints: &[&str],
) -> Vec<KnownIssue> {
    let codes = codes.iter().map(|&code| code.into()).collect();
    let prints = prints.iter().map(|letter| print(letter)).collect();
    store.known_issues(home, codes, (prints, Vec::new())).await.unwrap()
}

async fn set(store: &Store, id: i64, change: IssueChange) {
    store.change_issue(IssueId(id), change, Actor::cli(), START).await.unwrap();
}

fn completed() -> IssueChange {
    IssueChange::State(IssueState::Completed { closed_at: START })
}

#[tokio::test]
async fn the_local_tracker_does_at_once_what_a_scan_decides() {
    let (folder, store) = store();
    let conn = foreign(folder.path());
    let first = vec![new("one", &["SHOP-PAY-001"], &["a", "b"]), new("two", &[], &["c"])];
    file(&store, commit(1, first, vec![])).await;
    assert_eq!(rows(&conn, ISSUES), ["1|local|1|open|3", "2|local|2|open|3"]);
    assert_eq!(rows(&conn, PRINTS), ["a|1|1", "b|1|1", "c|2|1"]);

    set(&store, 1, completed()).await;
    assert_eq!(rows(&conn, PRINTS), ["a|1|0", "b|1|0", "c|2|1"]);
    let scan =
        file(&store, commit(2, vec![], vec![remark(1, true, &["d"]), remark(2, false, &["e"])]))
            .await;
    assert_eq!(rows(&conn, ISSUES), ["1|local|1|open|8", "2|local|2|open|8"]);
    assert_eq!(rows(&conn, PRINTS), ["a|1|1", "b|1|1", "c|2|1", "d|1|1", "e|2|1"]);
    assert_eq!(rows(&conn, FILINGS), ["1|reopen|filed|-|Again.", "2|comment|filed|-|Again."]);
    let of_scan = format!("SELECT count(*) || '' FROM filings WHERE scan_id = {scan}");
    assert_eq!(rows(&conn, &of_scan), ["2"]);
}

#[tokio::test]
async fn what_github_is_to_be_told_waits_with_a_marker_each() {
    for (tracker, state) in [
        (GITHUB, "pending"),
        (Tracker::Remote { kind: RemoteKind::Github, approval: true }, "awaiting_approval"),
    ] {
        let (folder, store) = store();
        let conn = foreign(folder.path());
        file(&store, commit(1, vec![new("mine", &[], &["a"])], vec![])).await;
        let acts = (vec![new("one", &["SHOP-PAY-001"], &["b"])], vec![remark(1, false, &[])]);
        file(&store, ScanCommit { tracker, home: shop(), ..commit(2, acts.0, acts.1) }).await;
        // What was the local tracker's stays there.
        assert_eq!(rows(&conn, ISSUES), ["1|local|1|open|8", "2|github|-|open|3"]);
        let open = format!("2|open|{state}|[CLIENT] SHOP-PAY-001 one|Body of one");
        assert_eq!(rows(&conn, FILINGS), [open, "1|comment|filed|-|Again.".into()]);
        let expected: Vec<String> = (0..2).map(|act| format!("{:016x}{act:016x}", 2)).collect();
        assert_eq!(rows(&conn, "SELECT marker FROM filings ORDER BY id"), expected);
        let issues = known_at(&store, shop(), &["SHOP-PAY-001"], &["a"]).await;
        let [issue] = &issues[..] else { panic!("it is known where it can be seen: {issues:?}") };
        assert_eq!((issue.number, issue.state), (None, IssueState::Open));
    }
}

#[tokio::test]
async fn new_issues_beyond_the_caps_of_a_scan_and_of_a_day_wait_for_approval() {
    let (folder, store) = store();
    let conn = foreign(folder.path());
    let caps = Caps { scan: 2, day: 3 };
    let prints = ["a", "b", "c", "d", "e", "f"];
    for (salt, prints) in (1..).zip(prints.chunks(3)) {
        let found = prints.iter().map(|letter| new(letter, &[], &[letter])).collect();
        file(
            &store,
            ScanCommit { tracker: GITHUB, home: shop(), caps, ..commit(salt, found, vec![]) },
        )
        .await;
    }
    let states = "SELECT state FROM filings ORDER BY id";
    let (go, stay) = ("pending", "awaiting_approval");
    assert_eq!(rows(&conn, states), [go, go, stay, go, stay, stay]);
    // One job is woken for all of them.
    let jobs = "SELECT kind || ' ' || status FROM jobs WHERE kind = 'file_findings'";
    assert_eq!(rows(&conn, jobs), ["file_findings queued"]);
}

#[tokio::test]
async fn news_of_the_tracker_spare_an_issue_that_is_to_be_opened_again() {
    let (folder, store) = store();
    let conn = foreign(folder.path());
    let found = vec![new("one", &[], &["a"]), new("two", &[], &["b"])];
    file(&store, ScanCommit { tracker: GITHUB, home: shop(), ..commit(1, found, vec![]) }).await;
    let page = |number: i64| format!("https://github.com/Ann/shop/issues/{number}");
    for number in 1..=2 {
        let filing = store.filing(FilingId(number)).await.unwrap().unwrap();
        let place = Place { number: 10 + number, url: page(10 + number) };
        let filed = filing.after(FilingEvent::Done(place), START);
        store.save_filing(filed.clone(), FilingState::Pending, START).await.unwrap();
        let again = store.save_filing(filed, FilingState::Pending, START).await.unwrap_err();
        assert!(again.is_lease_lost());
    }
    let shown = |number: i64, state| TrackerIssue {
        number,
        url: page(number),
        title: "x".into(),
        state,
        is_duplicate: false,
        error_codes: Vec::new(),
        owner: IssueOwner::Ours {
            mark: IssueMark { marker: Marker::new(0xff), fingerprints: Vec::new() },
            classification: None,
            body: String::new(),
        },
    };
    let closed = |number| shown(number, IssueState::Completed { closed_at: START });
    let later = START.plus(Duration::from_secs(5));
    let take_at = |issues, asked_at| {
        let news = TrackerNews { issues, asked_at, ..TrackerNews::default() };
        store.take_tracker_news(RemoteKind::Github, shop(), news, asked_at)
    };
    let take = |issues| take_at(issues, later);
    assert_eq!(take(vec![closed(11), closed(12)]).await.unwrap(), 2);
    assert_eq!(take(vec![closed(11), closed(12)]).await.unwrap(), 0);

    let reopened = vec![remark(1, true, &[])];
    file(&store, ScanCommit { tracker: GITHUB, home: shop(), ..commit(2, vec![], reopened) }).await;
    let bob = IssueHome::at(&ApiUrl::default(), &"bob/shop".parse().unwrap());
    let next = store.next_filing(shop(), FilingId(0)).await.unwrap().unwrap();
    assert_eq!((next.act, next.number), (Act::Reopen, Some(11)));
    assert_eq!(store.next_filing(bob, FilingId(0)).await.unwrap(), None, "not its issue");
    assert_eq!(take(vec![closed(11), shown(12, IssueState::Open)]).await.unwrap(), 1);
    assert_eq!(rows(&conn, "SELECT state FROM self_monitoring_issues"), ["open", "open"]);
    // Once it is open again there, what was read before is old news, and what is read later counts.
    let filed = next.after(FilingEvent::Done(Place { number: 11, url: page(11) }), later);
    store.save_filing(filed, FilingState::Pending, later).await.unwrap();
    assert_eq!(take(vec![closed(11)]).await.unwrap(), 0);
    let now = later.plus(Duration::from_secs(1));
    assert_eq!(take_at(vec![closed(11)], now).await.unwrap(), 1);
}

#[tokio::test]
async fn the_schema_refuses_a_second_opening_and_markers_that_are_none() {
    let (folder, store) = store();
    let conn = foreign(folder.path());
    let scan = ScanCommit {
        tracker: GITHUB,
        home: shop(),
        ..commit(1, vec![new("one", &[], &["a"])], vec![])
    };
    file(&store, scan).await;
    let insert = |act: &str, marker: &str| {
        let title = if act == "open" { "'t'" } else { "NULL" };
        conn.execute_batch(&format!(
            "INSERT INTO filings (issue_id, scan_id, act, state, marker, title, body, created_at, updated_at)
             VALUES (1, 1, '{act}', 'pending', '{marker}', {title}, 'b', 0, 0)"
        ))
    };
    let (taken, fresh) = (format!("{:016x}{:016x}", 1, 0), "f".repeat(32));
    for (act, marker) in [
        ("open", fresh.as_str()),
        ("comment", &taken),
        ("comment", "short"),
        ("comment", &"F".repeat(32)),
        ("comment", "0123456789abcdef<!-- -->"),
        ("burn", &fresh),
    ] {
        assert!(insert(act, marker).is_err(), "{act} {marker}");
    }
    insert("close", &"e".repeat(32)).unwrap();
    insert("close", &"d".repeat(32)).unwrap_err();
    insert("comment", &fresh).unwrap();
}

#[tokio::test]
async fn the_history_shows_every_count_and_why_findings_were_rejected() {
    let (_folder, store) = store();
    let scan = file(&store, commit(1, vec![], vec![])).await;
    let (history, _) = store.scan_history(0, 1).await.unwrap();
    assert_eq!(history[0].id, scan);
    assert_eq!((history[0].counts.reopened, history[0].counts.rejected), (1, 2));
    assert_eq!(history[0].rejections, commit(1, vec![], vec![]).rejections);
    assert_eq!(store.committed_scan(scan).await.unwrap().unwrap(), history[0].counts);
}

#[tokio::test]
async fn every_scan_is_a_row_of_its_view_whatever_its_status() {
    let (folder, store) = store();
    let acts = vec![new("one", &[], &["a"])];
    file(&store, ScanCommit { tracker: GITHUB, home: shop(), ..commit(1, acts, vec![]) }).await;
    let dry_run = NewJob {
        payload: serde_json::json!({"dry_run": true}).into(),
        ..NewJob::new(Kind::SELF_MONITORING)
    };
    for job in [NewJob::new(Kind::SELF_MONITORING), dry_run] {
        store.enqueue(job, START).await.unwrap();
    }
    let conn = foreign(folder.path());
    let sql =
        "SELECT concat_ws('|', id, status, dry_run, coalesce(rows_examined, '-'), acts_waiting)
        FROM self_monitoring_scans_full ORDER BY id";
    let scan = rows(&conn, "SELECT job_id || '' FROM self_monitoring_scans").remove(0);
    let all = rows(&conn, sql);
    assert_eq!(all[0], format!("{scan}|completed|0|9|1"));
    assert!(all[1].contains("|queued|0|-|0") && all[2].contains("|queued|1|-|0"), "{all:?}");
}

/// Every row that a scan may write.
fn everything(conn: &Connection) -> Vec<String> {
    let tables = [
        "self_monitoring_scans",
        "self_monitoring_issues",
        "self_monitoring_issue_codes",
        "self_monitoring_issue_fingerprints",
        "filings",
        "log_watermarks",
    ];
    let columns = |table: &str| {
        let sql = format!(
            "SELECT group_concat('\"' || name || '\"', ', ') FROM pragma_table_info('{table}')"
        );
        rows(conn, &sql).remove(0)
    };
    let of = |table| {
        rows(conn, &format!("SELECT '{table}|' || json_array({}) FROM {table}", columns(table)))
    };
    tables.into_iter().flat_map(of).collect()
}

#[tokio::test]
async fn p9_a_scan_without_its_lease_changes_nothing() {
    let (folder, store) = store();
    let conn = foreign(folder.path());
    file(&store, commit(1, vec![new("one", &[], &["a"])], vec![])).await;
    let lease = claimed(&store).await;
    let before = everything(&conn);
    let stale = Lease { epoch: lease.epoch + 1, ..lease };
    let scan =
        commit(2, vec![new("two", &["SHOP-PAY-001"], &["b"])], vec![remark(1, false, &["c"])]);
    let refused = store.commit_scan(stale, scan, START).await.unwrap_err();
    assert!(refused.is_lease_lost() && everything(&conn) == before, "{refused}");
}

#[tokio::test]
async fn an_issue_that_was_opened_meanwhile_refuses_its_double_and_the_whole_scan_with_it() {
    let (folder, store) = store();
    let conn = foreign(folder.path());
    file(&store, commit(1, vec![new("one", &[], &["a"])], vec![])).await;
    let lease = claimed(&store).await;
    let before = everything(&conn);
    let double = commit(
        2,
        vec![new("new", &[], &["b"]), new("double", &[], &["a"])],
        vec![remark(1, false, &["c"])],
    );
    let refused = store.commit_scan(lease, double, START).await.unwrap_err();
    assert_eq!(refused.code(), Code::StoreConstraint);
    assert_eq!(everything(&conn), before);
}

#[tokio::test]
async fn an_old_issue_that_is_opened_again_leaves_its_fingerprint_to_the_newer_one() {
    let (folder, store) = store();
    let conn = foreign(folder.path());
    file(&store, commit(1, vec![new("one", &[], &["a", "b"])], vec![])).await;
    set(&store, 1, completed()).await;
    file(&store, commit(2, vec![new("two", &[], &["a"])], vec![])).await;
    set(&store, 1, IssueChange::State(IssueState::Open)).await;
    assert_eq!(rows(&conn, PRINTS), ["a|1|0", "a|2|1", "b|1|1"]);
    // A fingerprint that belongs to another open issue is not taken from it by a remark.
    file(&store, commit(3, vec![], vec![remark(2, false, &["b", "c"])])).await;
    assert_eq!(rows(&conn, PRINTS), ["a|1|0", "a|2|1", "b|1|1", "c|2|1"]);
}

#[tokio::test]
async fn triage_is_told_of_closed_issues_that_match_and_of_all_that_are_open_or_muted() {
    let (_folder, store) = store();
    let issues = vec![
        new("by code", &["SHOP-PAY-001"], &["a"]),
        new("by print", &[], &["b", "c"]),
        new("unrelated", &[], &["d"]),
        new("muted", &[], &["e"]),
        new("open", &["SHOP-PAY-002"], &["f"]),
    ];
    file(&store, commit(1, issues, vec![])).await;
    let closed_at = now();
    for id in 1..=4 {
        set(&store, id, IssueChange::State(IssueState::NotPlanned { closed_at })).await;
    }
    set(&store, 4, IssueChange::Muted(true)).await;
    let found = known(&store, &["SHOP-PAY-001"], &["c"]).await;
    let ids: Vec<_> = found.iter().map(|issue| issue.id.0).collect();
    assert_eq!(ids, [1, 2, 4, 5]);
    assert_eq!(found[1].fingerprints, [print("b"), print("c")]);
    assert_eq!((found[1].state, found[2].muted), (IssueState::NotPlanned { closed_at }, true));
    let open = &found[3];
    assert_eq!((open.number, &open.title[..]), (Some(5), "[CLIENT] SHOP-PAY-002 open"));
    assert_eq!((&open.source[..], &open.template[..], open.muted), ("shop", "cart <*>", false));
    assert_eq!(open.last_seen_at, START);

    set(&store, 4, IssueChange::Muted(false)).await;
    assert_eq!(known(&store, &[], &[]).await.len(), 1);
    let recent = |since| store.recent_issues(IssueHome::local(), since, 3);
    let ids = |issues: Vec<KnownIssue>| issues.iter().map(|issue| issue.id.0).collect::<Vec<_>>();
    assert_eq!(ids(recent(START).await.unwrap()), [5]);
    assert_eq!(ids(recent(Timestamp::default()).await.unwrap()), [3, 4, 5]);
}

#[tokio::test]
async fn a_change_of_an_issue_is_audited_and_one_of_no_issue_is_refused() {
    let (folder, store) = store();
    file(&store, commit(1, vec![new("one", &[], &["a"])], vec![])).await;
    for change in [
        completed(),
        IssueChange::Muted(true),
        IssueChange::State(IssueState::Open),
        IssueChange::Muted(false),
    ] {
        set(&store, 1, change).await;
        let refused =
            store.change_issue(IssueId(9), change, Actor::cli(), START).await.unwrap_err();
        assert_eq!(refused.code(), Code::IssueUnknown);
    }
    let (issues, _) = store.issue_list(0, 9).await.unwrap();
    assert_eq!((issues[0].state, issues[0].muted), (IssueState::Open, false));
    let deeds =
        rows(&foreign(folder.path()), "SELECT action || ' ' || subject FROM job_audit ORDER BY id");
    assert_eq!(deeds, ["close issue 1", "mute issue 1", "reopen issue 1", "unmute issue 1"]);
}

/// One scan of whatever is new, by the engine and the built-in analyzer.
async fn scan(store: &Store, logs: &LogStore) -> ScanCounts {
    let builder = Engine::builder(store.clone(), Clock::system());
    let engine = monitor::register(builder, store, logs, None, &Tracking::Local).start().unwrap();
    let id = store.enqueue(NewJob::new(Kind::SELF_MONITORING), now()).await.unwrap().id();
    let job = until(store, id, |job| job.status.is_final()).await;
    assert_eq!(job.status, Status::Completed, "{job:?}");
    engine.stop(Duration::from_secs(10)).await;
    store.committed_scan(id).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_problem_that_comes_back_opens_its_issue_again_and_one_that_is_muted_stays_quiet() {
    let (folder, store) = store();
    let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
    let broken = |at: Timestamp| {
        vec![
            NewLogRow::new(at.to_string(), Level::Error, "shop", "cart 1 is lost"),
            NewLogRow::new(at.to_string(), Level::Error, "mail", "mail 1 is lost"),
        ]
    };
    // Created, skipped, commented, reopened.
    let counts = |c: ScanCounts| {
        (c.issues_created, c.duplicates_skipped, c.potential_duplicates_commented, c.reopened)
    };
    logs.append(broken(now())).await.unwrap();
    assert_eq!(counts(scan(&store, &logs).await), (2, 0, 0, 0));
    logs.append(broken(now())).await.unwrap();
    assert_eq!(counts(scan(&store, &logs).await), (0, 2, 0, 0));

    let closed_at = now();
    set(&store, 1, IssueChange::State(IssueState::Completed { closed_at })).await;
    set(&store, 2, IssueChange::State(IssueState::Completed { closed_at })).await;
    set(&store, 2, IssueChange::Muted(true)).await;
    let minute = Duration::from_mins(1);
    let stale = Timestamp::from_millis(closed_at.millis() - minute.as_millis() as i64);
    logs.append(broken(stale)).await.unwrap();
    assert_eq!(counts(scan(&store, &logs).await), (0, 2, 0, 0), "old news");
    logs.append(broken(closed_at.plus(minute))).await.unwrap();
    assert_eq!(counts(scan(&store, &logs).await), (0, 1, 0, 1));
    let (issues, _) = store.issue_list(0, 9).await.unwrap();
    let states: Vec<_> =
        issues.iter().map(|issue| (issue.id.0, issue.state, issue.occurrences)).collect();
    let closed = IssueState::Completed { closed_at };
    assert_eq!(states, [(2, closed, 4), (1, IssueState::Open, 4)]);
    let said = rows(&foreign(folder.path()), "SELECT act || ' ' || body FROM filings");
    assert!(said.len() == 1 && said[0].starts_with("reopen It came back after"), "{said:?}");
}
