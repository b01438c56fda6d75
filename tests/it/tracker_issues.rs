//! What the tracker has counts, and not what was once sent there: people's issues, those of another server, those that are
//! newer than a backup, those that were deleted. By the engine and the built-in analyzer against the fake GitHub.

use crate::support::github::{Exchange, FakeGitHub, Fault, On, REPOSITORY, TOKEN};
use crate::support::{foreign, now, open, until, until_none};
use lamplighter::Engine;
use lamplighter::clock::Clock;
use lamplighter::model::{
    Actor, IssueState, JobId, Json, Kind, Level, NewJob, NewLogRow, Queue, RemoteKind, ScanCounts,
    Status, Timestamp,
};
use lamplighter::monitor::{self, Tracking};
use lamplighter::store::{LogStore, OpenMode, Store};
use lamplighter::tracker::TokenSource;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A data directory whose issues go to a tracker.
pub struct Site {
    pub folder: TempDir,
    pub store: Store,
    logs: LogStore,
}

impl Site {
    pub fn new() -> Self {
        Self::within(tempfile::tempdir().unwrap())
    }

    pub fn within(folder: TempDir) -> Self {
        let store = open(folder.path());
        let logs = LogStore::open(&folder.path().join("logs.db"), OpenMode::Migrate).unwrap();
        Self { folder, store, logs }
    }

    /// A copy of both files as they are now.
    pub fn backup(&self) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        for file in ["lamplighter.db", "logs.db"] {
            let conn = rusqlite::Connection::open(self.folder.path().join(file)).unwrap();
            let to = copy.path().join(file);
            conn.execute("VACUUM INTO ?1", [to.to_str().unwrap()]).unwrap();
        }
        copy
    }

    pub async fn log(&self, messages: &[String]) {
        let row = |text: &String| NewLogRow::new(now().to_string(), Level::Error, "shop", text);
        self.logs.append(messages.iter().map(row).collect()).await.unwrap();
    }

    /// One scan of whatever is new, and what it has to file.
    pub async fn scan(&self, tracking: &Tracking) -> ScanCounts {
        let id = self.scan_as(tracking, "{}").await;
        self.store.committed_scan(id).await.unwrap().unwrap()
    }

    /// The same with this payload; answers which scan it was.
    pub async fn scan_as(&self, tracking: &Tracking, payload: &str) -> JobId {
        let builder = Engine::builder(self.store.clone(), Clock::system());
        let engine =
            monitor::register(builder, &self.store, &self.logs, None, tracking).start().unwrap();
        let payload = Json::parse(payload).unwrap();
        let job = NewJob { payload, ..NewJob::new(Kind::SELF_MONITORING) };
        let id = self.store.enqueue(job, now()).await.unwrap().id();
        let job = until(&self.store, id, |job| job.status.is_final()).await;
        assert_eq!(job.status, Status::Completed, "{job:?}");
        self.filed().await;
        engine.stop(Duration::from_secs(10)).await;
        id
    }

    /// Waits until nothing is filed any more, unless the queue is paused.
    pub async fn filed(&self) {
        let conn = foreign(self.folder.path());
        let sql = "SELECT count(*) FROM jobs WHERE kind = 'file_findings' AND finished_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM job_queues WHERE name = 'tracker' AND paused_at IS NOT NULL)";
        until_none(&self.store, &conn, sql).await;
    }
}

pub fn github(fake: &FakeGitHub, folder: &Path) -> Tracking {
    let token = TokenSource { variable: "GITHUB_TOKEN", env: |_| Some(TOKEN.into()), file: None };
    let repository = REPOSITORY.parse().unwrap();
    let (url, folder) = (fake.url().parse().unwrap(), folder.to_owned());
    Tracking::remote_of(RemoteKind::Github, url, Some(repository), token, folder, Clock::system())
}

pub fn fake() -> FakeGitHub {
    FakeGitHub::start(Clock::system(), Arc::default())
}

pub fn counted(exchanges: &[Exchange], method: &str) -> usize {
    exchanges.iter().filter(|exchange| exchange.method == method).count()
}

pub const CART: &str = "[CART-DB-001] cart is lost";

#[tokio::test(flavor = "multi_thread")]
async fn of_350_open_issues_of_people_and_of_another_server_none_is_filed_twice() {
    let long_ago = Timestamp::from_millis(now().millis() - 2 * 86_400_000);
    let clock = Clock::manual(long_ago);
    let fake = FakeGitHub::start(clock.clone(), Arc::default());
    for n in 0..345 {
        fake.add_issue("eve", &format!("Payments fail with SHOP-PAY-{n:03}"), "Please help.");
    }
    clock.advance(Duration::from_hours(48));
    let of_server = [
        "[CART-DB-001] cart is lost",
        "the printer is on fire",
        "no stock of lamps",
        "[AUTH-NAME-002] login refused",
        "index of pictures is empty",
    ];
    let of_server = of_server.map(ToOwned::to_owned);
    let other = Site::new();
    other.log(&of_server).await;
    let counts = other.scan(&github(&fake, other.folder.path())).await;
    assert_eq!(counts.issues_created, 5);
    let posts = counted(&fake.exchanges(), "POST");
    assert_eq!(posts, 5);

    let site = Site::new();
    let tracking = github(&fake, site.folder.path());
    let of_people = (0..345).step_by(5).map(|n| format!("[SHOP-PAY-{n:03}] payment {n} fails"));
    let problems: Vec<_> = of_people.chain(of_server).collect();
    let mut before = fake.exchanges().len();
    let mut asked = Vec::new();
    for round in 0..3 {
        site.log(&problems).await;
        let counts = site.scan(&tracking).await;
        assert_eq!((counts.issues_created, counts.duplicates_skipped), (0, 74), "{counts:?}");
        let exchanges = fake.exchanges();
        let lists = |exchange: &&Exchange| exchange.path.ends_with("/issues");
        asked.push(exchanges[before..].iter().filter(lists).count());
        if round > 0 {
            assert_eq!(exchanges.len() - before, 1, "{:#?}", &exchanges[before..]);
        }
        before = exchanges.len();
    }
    assert_eq!(
        asked,
        [8, 1, 1],
        "seven pages of open issues, one of closed ones; then one request"
    );
    assert_eq!(fake.exchanges().last().unwrap().status, 304);
    assert_eq!(counted(&fake.exchanges(), "POST"), posts, "nothing is filed twice");
    println!("350 open issues: 0 filed twice, list requests of three scans: {asked:?}");
    let (list, _) = site.store.issue_list(0, 500).await.unwrap();
    assert_eq!(list.len(), 74, "those that the scans have met");
    let known = site.store.recent_issues(home(&fake), now(), 1_000).await.unwrap();
    assert_eq!(known.len(), 350, "an agent is told of all of them");
}

pub fn home(fake: &FakeGitHub) -> lamplighter::model::IssueHome {
    let url = fake.url().parse().unwrap();
    lamplighter::model::IssueHome::at(&url, &REPOSITORY.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_backup_is_put_back_nothing_is_filed_twice() {
    let fake = fake();
    let site = Site::new();
    let problems = [CART, "the printer is on fire", "no stock of lamps"].map(ToOwned::to_owned);
    site.log(&problems).await;
    let before_the_scan = site.backup();
    let tracking = github(&fake, site.folder.path());
    let why = "a test".to_owned();
    site.store.pause_queue(Queue::TRACKER, why, None, Actor::cli(), now()).await.unwrap();
    assert_eq!(site.scan(&tracking).await.issues_created, 3);
    site.store.resume_queue(Queue::TRACKER, Actor::cli(), now()).await.unwrap();
    let before_the_filing = site.backup();
    site.log(&problems).await;
    assert_eq!(site.scan(&tracking).await.duplicates_skipped, 3);
    assert_eq!(counted(&fake.exchanges(), "POST"), 3);
    fake.close(2, "not_planned");

    for (backup, found) in [(before_the_scan, "as new"), (before_the_filing, "as waiting")] {
        let restored = Site::within(backup);
        let tracking = github(&fake, restored.folder.path());
        for _ in 0..3 {
            restored.log(&problems).await;
            let counts = restored.scan(&tracking).await;
            assert_eq!((counts.issues_created, counts.duplicates_skipped), (0, 3), "{found}");
        }
        let (issues, _) = restored.store.issue_list(0, 9).await.unwrap();
        let mut facts: Vec<_> =
            issues.iter().map(|i| (i.number, i.state == IssueState::Open)).collect();
        facts.sort_unstable();
        assert_eq!(facts, [(Some(1), true), (Some(2), false), (Some(3), true)], "{found}");
    }
    assert_eq!(counted(&fake.exchanges(), "POST"), 3, "nothing is filed twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issue_is_known_only_where_it_can_be_seen() {
    let fake = fake();
    let site = Site::new();
    let problem = [CART.to_owned()];
    site.log(&problem).await;
    assert_eq!(site.scan(&Tracking::Local).await.issues_created, 1);
    site.log(&problem).await;
    let tracking = github(&fake, site.folder.path());
    assert_eq!(site.scan(&tracking).await.issues_created, 1);
    assert_eq!(counted(&fake.exchanges(), "POST"), 1, "GitHub hears of it");
    site.log(&problem).await;
    assert_eq!(site.scan(&tracking).await.duplicates_skipped, 1);
    site.log(&problem).await;
    assert_eq!(site.scan(&Tracking::Local).await.duplicates_skipped, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_found_while_the_tracker_refused_is_not_filed_beside_what_it_has() {
    let fake = fake();
    let other = Site::new();
    let problems = [CART, "the printer is on fire"].map(ToOwned::to_owned);
    other.log(&problems[1..]).await;
    assert_eq!(other.scan(&github(&fake, other.folder.path())).await.issues_created, 1);
    fake.add_issue("eve", "CART-DB-001, again", "");
    // Two looks of the scan fail, and with the third one nobody knows who can read the issues.
    for (faults, waiting) in [(2, 0), (3, 2)] {
        let site = Site::new();
        let tracking = github(&fake, site.folder.path());
        for _ in 0..faults {
            fake.inject(On::Get, Fault::Broken);
        }
        site.log(&problems).await;
        let counts = site.scan(&tracking).await;
        let facts = (counts.issues_created, counts.waiting, fake.faults_left());
        assert_eq!(facts, (2, waiting, 0));
        site.log(&problems).await;
        let counts = site.scan(&tracking).await;
        assert_eq!((counts.issues_created, counts.duplicates_skipped), (0, 2));
        let conn = foreign(site.folder.path());
        let sql = "SELECT count(*) FROM filings WHERE state = 'rejected' AND error LIKE 'the tracker has%'";
        assert_eq!(conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 2);
    }
    assert_eq!(counted(&fake.exchanges(), "POST"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_at_the_tracker_is_closed_here_and_filed_again() {
    let fake = fake();
    let site = Site::new();
    let tracking = github(&fake, site.folder.path());
    let problem = [CART.to_owned()];
    site.log(&problem).await;
    assert_eq!(site.scan(&tracking).await.issues_created, 1);
    fake.delete(1);
    // A day later.
    foreign(site.folder.path()).execute_batch("UPDATE tracker_news SET full_at = 1").unwrap();
    site.log(&problem).await;
    assert_eq!(site.scan(&tracking).await.issues_created, 1);
    let (issues, _) = site.store.issue_list(0, 9).await.unwrap();
    let facts: Vec<_> = issues.iter().map(|i| (i.number, i.state == IssueState::Open)).collect();
    assert_eq!(facts, [(Some(2), true), (Some(1), false)]);
}
