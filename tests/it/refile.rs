//! Another tracker or repository is named: what is open at the old one is offered, and filed at the new one once a person has
//! said yes, each problem once; a no is remembered. By the engine, the store and the real server against the fake GitHub.

use super::tracker_issues::{CART, Site, counted, fake, github, home};
use crate::support::github::{FakeGitHub, LOGIN, REPOSITORY, TOKEN};
use crate::support::server::{Browser, Server, program};
use crate::support::{foreign, now, until_none};
use lamplighter::clock::Clock;
use lamplighter::model::{Actor, FilingId, FilingPick, FilingVerdict, IssueHome, JobId, Timestamp};
use lamplighter::monitor::Tracking;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const PROBLEMS: [&str; 4] = [
    CART,
    "the printer is on fire",
    "no stock of lamps",
    "[AUTH-NAME-002] login of nobody refused",
];

/// A site whose own list has these problems.
async fn with_open(problems: &[&str]) -> Site {
    let site = Site::new();
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    site.log(&problems).await;
    assert_eq!(site.scan(&Tracking::Local).await.issues_created, problems.len() as u64);
    site
}

/// How many problems are offered for the repository of this GitHub, and whether a person has said yes.
async fn offered(site: &Site, fake: &FakeGitHub) -> (u64, bool) {
    let offer = site.store.refile_offer(home(fake)).await.unwrap();
    (offer.problems, offer.accepted)
}

async fn accept(site: &Site, fake: &FakeGitHub) -> u64 {
    site.store.ask_refiling(home(fake), Actor::cli(), now()).await.unwrap()
}

fn audited(site: &Site, action: &str) -> i64 {
    let sql = "SELECT count(*) FROM job_audit WHERE action = ?1";
    foreign(site.folder.path()).query_row(sql, [action], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_in_the_old_list_is_filed_in_the_new_repository_once_within_the_limits() {
    let fake = fake();
    let site = with_open(&PROBLEMS).await;
    let persons = fake.add_issue("eve", "Carts vanish: CART-DB-001", "Mine did.");
    let tracking = github(&fake, site.folder.path());
    let two = vec![("tracker.issues_per_scan", Some("2".parse().unwrap()))];
    site.store.change_settings(two, Actor::cli(), now()).await.unwrap();
    site.scan(&tracking).await;
    assert_eq!(counted(&fake.exchanges(), "POST"), 0, "nothing is filed before a person says so");
    // One of them is known there by a person's title.
    assert_eq!(offered(&site, &fake).await, (3, false));
    assert_eq!((accept(&site, &fake).await, offered(&site, &fake).await), (3, (3, true)));
    assert_eq!(accept(&site, &fake).await, 3, "to say it twice changes nothing");
    site.scan(&tracking).await;
    assert_eq!(offered(&site, &fake).await, (0, false));
    assert_eq!(counted(&fake.exchanges(), "POST"), 2);
    let waiting = site.store.waiting_filings(9).await.unwrap();
    assert_eq!(waiting.len(), 1, "beyond the limit a person looks first");
    site.store
        .decide_filings(
            FilingPick::all([waiting[0].id]),
            FilingVerdict::Approve,
            Actor::cli(),
            now(),
        )
        .await
        .unwrap();
    for _ in 0..2 {
        site.log(&PROBLEMS.map(ToOwned::to_owned)).await;
        let counts = site.scan(&tracking).await;
        assert_eq!((counts.issues_created, counts.duplicates_skipped), (0, 4), "{counts:?}");
        accept(&site, &fake).await;
        site.scan(&tracking).await;
    }
    let posts: Vec<_> =
        fake.exchanges().into_iter().filter(|asked| asked.method == "POST").collect();
    let titles: Vec<_> = posts.iter().map(|post| post.body["title"].as_str().unwrap()).collect();
    assert_eq!(titles.len(), 3, "{titles:#?}");
    for (title, problem) in titles.iter().zip(["printer", "stock", "AUTH-NAME-002"]) {
        assert!(title.starts_with("[BUG]") || title.starts_with("[CLIENT]"), "{title}");
        assert_eq!(title.matches(problem).count(), 1, "{title}");
    }
    for post in &posts {
        let body = post.request.as_ref().unwrap()["body"].as_str().unwrap();
        assert!(body.starts_with("- Server: `lamplighter`\n- Scan: `"), "{body}");
        assert!(body.contains("problem:") && !body.contains("\\\\"), "{body}");
    }
    assert_eq!(fake.comments(persons).len(), 0);
    assert_eq!(audited(&site, "refile"), 2, "a yes where nothing is open is none");
    println!(
        "refiled: 4 open, 1 known there, 3 filed once (1 of them after an approval), 0 filed twice"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_after_the_yes_loses_nothing_and_a_restored_backup_files_nothing_twice() {
    let fake = fake();
    let site = with_open(&PROBLEMS).await;
    let tracking = github(&fake, site.folder.path());
    accept(&site, &fake).await;
    // What the yes leaves behind when the server dies at once is all in the file.
    let killed = site.backup();
    site.scan(&tracking).await;
    assert_eq!(counted(&fake.exchanges(), "POST"), 4);
    let after = Site::within(killed);
    let again = github(&fake, after.folder.path());
    assert_eq!(offered(&after, &fake).await, (4, true));
    for _ in 0..2 {
        after.scan(&again).await;
    }
    assert_eq!(offered(&after, &fake).await, (0, false));
    assert_eq!(counted(&fake.exchanges(), "POST"), 4, "the new repository has them all");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_is_remembered_until_something_new_is_open_elsewhere_or_a_person_says_yes() {
    let fake = fake();
    let site = with_open(&PROBLEMS[..2]).await;
    let tracking = github(&fake, site.folder.path());
    let leave =
        async || site.store.leave_elsewhere(home(&fake), Actor::cli(), now()).await.unwrap();
    assert_eq!((leave().await, offered(&site, &fake).await), (2, (0, false)));
    assert_eq!(leave().await, 0);
    let reopened = Site::within(site.backup());
    assert_eq!(offered(&reopened, &fake).await, (0, false), "also after a restart");
    site.scan(&tracking).await;
    assert_eq!(counted(&fake.exchanges(), "POST"), 0);
    // Back in its own list something new turns up.
    site.log(&[PROBLEMS[2].to_owned()]).await;
    site.scan(&Tracking::Local).await;
    assert_eq!(offered(&site, &fake).await, (1, false));
    assert_eq!((audited(&site, "leave"), audited(&site, "refile")), (1, 0));
    assert_eq!(accept(&site, &fake).await, 3, "a yes takes all of them");
    site.scan(&tracking).await;
    assert_eq!(counted(&fake.exchanges(), "POST"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_repository_is_named_where_its_readers_are_and_muted_or_closed_problems_stay_there()
{
    for is_public in [false, true] {
        let (origin, fake) = (fake(), fake());
        let site = Site::new();
        let problems = PROBLEMS.map(ToOwned::to_owned);
        site.log(&problems).await;
        site.scan(&github(&origin, site.folder.path())).await;
        // Both stand-ins are on one host, so the old repository gets its name here.
        let page = "https://github.com/ann/old/issues/";
        foreign(site.folder.path())
            .execute_batch(&format!(
                "UPDATE self_monitoring_issues SET home = 'github.com/ann/old', url = '{page}' || number;
                 UPDATE self_monitoring_issue_fingerprints SET home = 'github.com/ann/old';
                 UPDATE self_monitoring_issues SET muted_at = 1 WHERE number = 3;
                 UPDATE self_monitoring_issues
                 SET state = 'closed', state_reason = 'completed', closed_at = 1 WHERE number = 4;"
            ))
            .unwrap();
        if is_public {
            fake.make_public();
        }
        let offer = site.store.refile_offer(home(&fake)).await.unwrap();
        assert_eq!((offer.problems, offer.from[0].name()), (2, "ann/old"));
        accept(&site, &fake).await;
        let tracking = github(&fake, site.folder.path());
        site.scan(&tracking).await;
        let waiting = site.store.waiting_filings(9).await.unwrap();
        assert_eq!(waiting.len(), if is_public { 2 } else { 0 });
        for filing in &waiting {
            let id: FilingId = filing.id;
            site.store
                .decide_filings(FilingPick::all([id]), FilingVerdict::Approve, Actor::cli(), now())
                .await
                .unwrap();
        }
        site.scan(&tracking).await;
        let posts = fake.exchanges();
        let posts: Vec<_> = posts.iter().filter(|asked| asked.method == "POST").collect();
        assert_eq!(posts.len(), 2);
        for post in posts {
            let body = post.request.as_ref().unwrap()["body"].as_str().unwrap();
            assert_eq!(body.contains(&format!("- Before: {page}")), !is_public, "{body}");
        }
        let (issues, _) = site.store.issue_list(0, 9).await.unwrap();
        let open_at_home = issues
            .iter()
            .filter(|issue| issue.url.as_ref().is_some_and(|url| url.starts_with(&fake.url())));
        assert_eq!(open_at_home.count(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_350_open_problems_each_is_filed_once_and_the_repository_is_read_as_before() {
    let clock = Clock::manual(Timestamp::from_millis(now().millis() - 2 * 86_400_000));
    let fake = FakeGitHub::start(clock.clone(), Arc::default());
    let site = with_open(&PROBLEMS[..1]).await;
    // 349 more of the same shape.
    foreign(site.folder.path())
        .execute_batch(
            "WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < 350)
             INSERT INTO self_monitoring_issues (
                 scan_id, tracker, home, number, title, body, classification, error_codes, source, template, evidence,
                 occurrences, created_at, last_seen_at)
             SELECT scan_id, tracker, home, n, '[BUG] SHOP-PAY-' || printf('%03d', n) || ' fails', body, classification,
                 '[\"SHOP-PAY-' || printf('%03d', n) || '\"]', source, template, evidence, 1, created_at, last_seen_at
             FROM self_monitoring_issues, n WHERE id = 1;
             INSERT INTO self_monitoring_issue_fingerprints (fingerprint, issue_id, home, open, marked)
             SELECT printf('%064x', id), id, home, 1, 1 FROM self_monitoring_issues WHERE id > 1;
             INSERT INTO self_monitoring_issue_codes (code, issue_id)
             SELECT error_codes ->> '$[0]', id FROM self_monitoring_issues WHERE id > 1;",
        )
        .unwrap();
    // The new repository has 340 of them, filed by another server of ours.
    for n in 2..342 {
        let mark = format!("<!-- lamplighter:{n:032x} problem:{n:064x} -->");
        fake.add_issue(
            LOGIN,
            &format!("[BUG] SHOP-PAY-{n:03} fails"),
            &format!("It fails.\n\n{mark}\n"),
        );
    }
    clock.advance(Duration::from_hours(48));
    fake.add_issue("eve", "Please add a dark theme", "");
    let tracking = github(&fake, site.folder.path());
    site.scan(&tracking).await;
    assert_eq!(accept(&site, &fake).await, 10, "the others are known there");
    site.scan(&tracking).await;
    let exchanges = fake.exchanges();
    let lists =
        exchanges.iter().filter(|asked| asked.path.ends_with("/issues") && asked.method == "GET");
    let (lists, posts) = (lists.count(), counted(&exchanges, "POST"));
    assert_eq!(
        (lists, posts),
        (9, 10),
        "seven pages of open issues, one of closed ones, then one request a scan"
    );
    assert_eq!(offered(&site, &fake).await, (0, false));
    println!("350 open problems, 340 known there: {posts} filed, {lists} list requests");
}

/// Has the server of this data directory file issues at the fake GitHub.
fn configure(data: &Path, fake: &FakeGitHub) {
    let token = data.join("token");
    fs::write(&token, TOKEN).unwrap();
    fs::set_permissions(&token, PermissionsExt::from_mode(0o600)).unwrap();
    let (url, token) = (fake.url(), token.display());
    let config = format!(
        "[tracker]\nkind = \"github\"\nrepository = \"{REPOSITORY}\"\napi_url = \"{url}\"\ntoken_file = '{token}'\n"
    );
    fs::write(data.join("lamplighter.toml"), config).unwrap();
}

/// What a command prints to its two outputs.
fn told(data: &Path, arguments: &[&str]) -> (String, String) {
    let output = program(data).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn page_and_command_line_offer_it_take_a_no_and_take_a_yes() {
    let fake = fake();
    let site = with_open(&PROBLEMS[..3]).await;
    let data = site.folder.path().to_owned();
    let (_, refused) = told(&data, &["issues", "refile"]);
    assert!(refused.contains("no running server says where issues are filed"), "{refused}");
    configure(&data, &fake);
    let start = || {
        let server = Server::start(&data, &[]);
        let browser = Browser::signed_in(&server.url);
        (server, browser)
    };
    let page = "/admin/self-monitoring";
    let as_browser = [("Accept", "text/html")];
    let said = "Issues are filed in ann/shop now. 3 open problems of this server's own list are not known there.";
    let (server, mut browser) = start();
    let shown = browser.get(page, &[]).body;
    assert!(shown.contains(said) && shown.contains("File 3 open problems in ann/shop"), "{shown}");
    assert_eq!(browser.post("/admin/self-monitoring/refile/leave", &[], &as_browser).status, 303);
    assert!(!browser.get(page, &[]).body.contains("refile-offer"));
    server.kill();
    let (server, mut browser) = start();
    assert!(!browser.get(page, &[]).body.contains("refile-offer"), "a no is remembered");
    let sql = "UPDATE issue_refilings SET left_upto = 0";
    foreign(&data).execute_batch(sql).unwrap();
    let (listed, note) = told(&data, &["issues", "list"]);
    assert!(listed.contains("printer") && note.contains(said), "{listed}{note}");
    let (yes, _) = told(&data, &["issues", "refile"]);
    assert!(yes.starts_with("3 open problems will be filed in ann/shop, except"), "{yes}");
    let conn = foreign(&data);
    let sql = "SELECT count(*) FROM jobs WHERE kind = 'file_findings' AND finished_at IS NULL";
    tokio::select! {
        ended = site.store.watch_foreign_commits() => panic!("{ended:?}"),
        () = until_none(&site.store, &conn, sql) => {}
    }
    assert_eq!(counted(&fake.exchanges(), "POST"), 3);
    assert!(!browser.get(page, &[]).body.contains("refile-offer"));
    let (nothing, _) = told(&data, &["issues", "refile", "--leave"]);
    assert!(nothing.starts_with("Every open problem is known in ann/shop"), "{nothing}");
    assert_eq!(site.store.scan(JobId(1)).await.unwrap().unwrap().became().unwrap(), "3 filed.");
    assert_eq!(IssueHome::local().name(), "this server's own list");
    server.kill();
}
