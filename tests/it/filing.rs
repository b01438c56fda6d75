//! Filing is crash-safe: every crash point × fault of the tracker × time until the restart, on a clock that skips.
//!
//! The driver and the client are the real ones, over loopback HTTP with kept-alive connections; what stands in are
//! GitHub and the table of filings. A crash drops the driver where it stands; a request that is on its way by then is
//! still done. What is saved is saved.

use crate::support::github::{FakeGitHub, Fault, LOGIN, On, Plug, REPOSITORY, TOKEN};
use crate::support::{START, foreign};
use lamplighter::Result;
use lamplighter::clock::Clock;
use lamplighter::error::{Code, Error};
use lamplighter::model::{
    Act, Actor, Filing, FilingId, FilingState, Fingerprint, IssueMark, Marker, REQUEST_LIMIT,
    RemoteKind,
};
use lamplighter::monitor::Filings;
use lamplighter::store::Store;
use lamplighter::tracker::{Client, Ending, Ledger, Options, TokenSource, file};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The table of filings: what was saved when the program crashed is there afterwards.
struct Table {
    row: Mutex<Filing>,
    plug: Arc<Plug>,
    /// The real table; `None`: the row above is all there is.
    rows: Option<Filings>,
}

impl Table {
    async fn maybe_crash(&self) {
        if self.plug.is_due() {
            self.plug.pull();
            // Whoever plays the case drops us now.
            std::future::pending::<()>().await;
        }
    }

    /// What the next start finds: a write that was on its way when the program crashed may have been done.
    async fn after_crash(&self) {
        let Some(rows) = &self.rows else { return };
        // The writer does one after the other, so that this one is the last.
        let last =
            rows.store.change_settings(vec![("tracker.server_name", None)], Actor::cli(), START);
        last.await.unwrap();
        let id = self.row.lock().unwrap().id;
        let found = rows.store.filing(id).await.unwrap().unwrap();
        *self.row.lock().unwrap() = found;
    }
}

impl Ledger for Table {
    async fn save(&self, filing: &Filing, was: FilingState) -> Result<()> {
        self.maybe_crash().await;
        if let Some(rows) = &self.rows {
            rows.save(filing, was).await?;
            let saved = rows.store.filing(filing.id).await?.unwrap();
            *self.row.lock().unwrap() = saved;
        } else {
            let mut row = self.row.lock().unwrap();
            if row.state != was {
                return Err(Error::new(Code::StoreLeaseLost, "save a filing"));
            }
            *row = filing.clone();
        }
        self.maybe_crash().await;
        Ok(())
    }
}

#[derive(Clone, Debug)]
struct Case {
    act: Act,
    /// What goes wrong, each with the next request of its kind.
    faults: Vec<(On, Fault)>,
    /// Moments until a crash; after it, moments until the next.
    crashes: Vec<usize>,
    /// How long the program is gone after a crash.
    gap: Duration,
    /// Whether what may have been sent is just sent again, as a simple program would.
    naive: bool,
}

/// What came of a case.
#[derive(Clone, Debug)]
struct Outcome {
    /// How often it is on the tracker.
    copies: usize,
    /// Whether it is said to be filed, under the right number.
    filed: bool,
    /// Whether every crash and fault of the case happened.
    complete: bool,
}

/// Attempts until a case is given up as lost; far more than any needs.
const MAX_ROUNDS: usize = 60;
/// How long a client waits for an answer that never comes. A busy machine may be slower than that with others too,
/// which makes a case longer and changes nothing about its end.
const IMPATIENT: Duration = Duration::from_millis(250);

fn client(fake: &FakeGitHub, clock: &Clock, limit: Duration) -> Client {
    let options = Options {
        api_url: fake.url().parse().unwrap(),
        repository: REPOSITORY.parse().unwrap(),
        token: TokenSource { variable: "GITHUB_TOKEN", env: |_| Some(TOKEN.into()), file: None },
        limit,
    };
    Client::new(RemoteKind::Github, options, clock.clone())
}

async fn play(case: &Case, real: Option<&(TempDir, Store)>) -> Outcome {
    let clock = Clock::skipping(START);
    let plug = Arc::new(Plug::default());
    let fake = FakeGitHub::start(clock.clone(), Arc::clone(&plug));
    let marker = Marker::new(0x5eed);
    let known = busy_repository(&fake, case.act);
    for (on, fault) in &case.faults {
        fake.inject(*on, *fault);
    }
    let row = filing(case.act, &marker, known);
    let rows = real.map(|(folder, store)| {
        insert(folder, &row, &fake);
        Filings { store: store.clone(), clock: clock.clone() }
    });
    let table = Table { row: Mutex::new(row), plug: Arc::clone(&plug), rows };
    let is_slow = case.faults.iter().any(|(_, fault)| *fault == Fault::Slow);
    let limit = if is_slow { IMPATIENT } else { REQUEST_LIMIT };
    let mut github = client(&fake, &clock, limit);
    let mut crashes = case.crashes.iter();
    let mut pending = crashes.next();
    plug.arm(pending.copied());
    for _ in 0..MAX_ROUNDS {
        let mut row = table.row.lock().unwrap().clone();
        if case.naive && row.state == FilingState::Sending {
            row.state = FilingState::Pending;
            *table.row.lock().unwrap() = row.clone();
        }
        tokio::select! {
            biased;
            () = plug.crashed() => {
                table.after_crash().await;
                clock.advance(case.gap);
                github = client(&fake, &clock, limit);
                pending = crashes.next();
                plug.arm(pending.copied());
            }
            ended = file(row, &github, &table, &clock) => match ended.unwrap() {
                Ending::Rests => break,
                Ending::Waits(until) => clock.sleep_until(until).await,
                Ending::Failed(_) => clock.sleep(Duration::from_mins(1)).await,
            }
        }
    }
    plug.arm(None);
    let row = table.row.lock().unwrap().clone();
    let is_there = row.number.is_some_and(|number| {
        let issue = fake.issue(number);
        let wanted = if row.act == Act::Close { "closed" } else { "open" };
        row.act == Act::Comment || issue["state"] == wanted
    });
    Outcome {
        copies: fake.holding(&marker.to_string()),
        filed: row.state == FilingState::Filed && row.url.is_some() && is_there,
        complete: pending.is_none() && fake.faults_left() == 0,
    }
}

/// Makes a filing the only one of the real table, with its issue.
fn insert(folder: &TempDir, filing: &Filing, fake: &FakeGitHub) {
    let Filing { id, act, marker, title, body, labels, number, duplicate_of, .. } = filing;
    let page = number.map(|number| format!("{}/{REPOSITORY}/issues/{number}", fake.url()));
    let conn = foreign(folder.path());
    conn.execute_batch("PRAGMA foreign_keys = ON; DELETE FROM self_monitoring_issues").unwrap();
    conn.execute(
        "INSERT INTO self_monitoring_issues (
             id, scan_id, tracker, number, url, duplicate_of, title, body, classification, error_codes, source, template,
             evidence, occurrences, created_at, last_seen_at)
         VALUES (1, 1, 'github', ?1, ?2, ?3, 't', 'b', 'server_bug', '[]', 's', 't', '[]', 1, 0, 0)",
        (number, page, duplicate_of),
    )
    .unwrap();
    conn.execute(
        "INSERT INTO filings (id, issue_id, scan_id, act, state, marker, title, body, labels, created_at, updated_at)
         VALUES (?1, 1, 1, ?2, 'pending', ?3, ?4, ?5, ?6, 0, 0)",
        (
            id.0,
            act.as_str(),
            marker.as_str(),
            (*act == Act::Open).then_some(title),
            body,
            serde_json::json!(labels).to_string(),
        ),
    )
    .unwrap();
}

/// Other people's issues and pull requests, so many that a list has several pages; answers the issue to comment on.
fn busy_repository(fake: &FakeGitHub, act: Act) -> Option<i64> {
    fake.limit_pages(2);
    // Both issues of a problem that was filed twice say so in their last lines.
    let ours = |nth: u128| {
        let fingerprints = vec![Fingerprint::from_hex("a".repeat(64))];
        let mark = IssueMark { marker: Marker::new(1_000 + nth), fingerprints };
        fake.add_issue(LOGIN, "ours", &format!("It broke.\n\n{mark}\n"))
    };
    let known = if act == Act::Close {
        ours(0);
        ours(1)
    } else {
        fake.add_issue("ann", "known", "")
    };
    for n in 0..3 {
        fake.add_issue("eve", "noise", "");
        fake.add_pull_request("eve", "");
        if act == Act::Close {
            fake.add_comment(known, LOGIN, &format!("{n}\n\n{}\n", Marker::new(n)));
        } else {
            fake.add_comment(known, "eve", &n.to_string());
        }
    }
    if act == Act::Reopen {
        fake.close(known, "completed");
    }
    (act != Act::Open).then_some(known)
}

fn filing(act: Act, marker: &Marker, number: Option<i64>) -> Filing {
    Filing {
        id: FilingId(1),
        act,
        state: FilingState::Pending,
        marker: marker.clone(),
        title: if act == Act::Open { "[BUG] It broke".into() } else { String::new() },
        body: format!("It broke.\n\n{marker}\n"),
        labels: if act == Act::Open { vec!["bug".into()] } else { Vec::new() },
        number,
        duplicate_of: (act == Act::Close).then_some(1),
        url: None,
        sent_at: None,
        error: None,
    }
}

/// What the tracker does to the filing's writes and to the looks after it.
fn faults() -> Vec<(&'static str, Vec<(On, Fault)>)> {
    const HOUR: Duration = Duration::from_hours(1);
    let post = |fault| vec![(On::Post, fault)];
    let look = |fault| vec![(On::Post, Fault::DroppedAfterCommit), (On::Get, fault)];
    let late = |seconds| post(Fault::LateCommit(Duration::from_secs(seconds)));
    vec![
        ("ok", vec![]),
        ("403 primary limit", post(Fault::PrimaryLimit(HOUR))),
        ("403 secondary limit", post(Fault::SecondaryLimit(Duration::from_mins(2)))),
        ("422", post(Fault::Invalid)),
        ("422 label", vec![(On::Post, Fault::LabelRefused)]),
        ("429", post(Fault::TooMany)),
        ("500", post(Fault::Broken)),
        ("502 after commit", post(Fault::BadGatewayAfterCommit)),
        ("dropped after commit", post(Fault::DroppedAfterCommit)),
        ("dropped before commit", post(Fault::DroppedBeforeCommit)),
        ("not GitHub's answer", post(Fault::Garbled)),
        ("late commit 1 s", late(1)),
        ("late commit 59 s", late(59)),
        ("late commit 60 s", late(60)),
        // On its way for all of the 30 s that a request may take, and then shown late.
        ("slow and late commit", late(90)),
        ("slow list", look(Fault::Slow)),
        ("limited list", look(Fault::PrimaryLimit(HOUR))),
        ("broken list", look(Fault::Broken)),
    ]
}

/// Every case of an act and a fault: no crash, a crash at each moment there is, and two crashes.
async fn cases_of(
    act: Act,
    faults: &[(On, Fault)],
    naive: bool,
    real: Option<&(TempDir, Store)>,
) -> Vec<(Case, Outcome)> {
    let gaps = [0, 61].map(Duration::from_secs);
    let case = |crashes: &[usize], gap| Case {
        act,
        faults: faults.to_vec(),
        crashes: crashes.to_vec(),
        gap,
        naive,
    };
    let mut played = Vec::new();
    let calm = case(&[], gaps[0]);
    played.push((calm.clone(), play(&calm, real).await));
    for gap in gaps {
        for moment in 0.. {
            let case = case(&[moment], gap);
            let outcome = play(&case, real).await;
            // Beyond the last moment nothing crashes any more.
            let crashed = outcome.complete;
            played.push((case, outcome));
            if !crashed {
                break;
            }
        }
    }
    for first in 1..5 {
        for second in [0, 2, 5] {
            let twice = case(&[first, second], [30, 3_600].map(Duration::from_secs)[first % 2]);
            let outcome = play(&twice, real).await;
            played.push((twice, outcome));
        }
    }
    played
}

async fn campaign(naive: bool) -> Vec<(&'static str, Case, Outcome)> {
    let mut tasks = tokio::task::JoinSet::new();
    for act in [Act::Open, Act::Comment, Act::Reopen, Act::Close] {
        for (name, faults) in faults() {
            if act != Act::Open && name == "422 label" {
                continue;
            }
            tasks.spawn(async move { (name, cases_of(act, &faults, naive, None).await) });
        }
    }
    for (name, fault) in [
        ("reopening: 502", Fault::BadGatewayAfterCommit),
        ("reopening: dropped", Fault::DroppedBeforeCommit),
        ("reopening: limit", Fault::TooMany),
        ("reopening: 422", Fault::Invalid),
    ] {
        let faults = [(On::Patch, fault)];
        tasks.spawn(async move { (name, cases_of(Act::Reopen, &faults, naive, None).await) });
    }
    for (name, fault) in [
        ("closing: 502", Fault::BadGatewayAfterCommit),
        ("closing: dropped", Fault::DroppedBeforeCommit),
        ("closing: limit", Fault::TooMany),
        ("closing: 422", Fault::Invalid),
    ] {
        let faults = [(On::Patch, fault)];
        tasks.spawn(async move { (name, cases_of(Act::Close, &faults, naive, None).await) });
    }
    let mut all = Vec::new();
    while let Some(done) = tasks.join_next().await {
        let (name, cases) = done.unwrap();
        all.extend(cases.into_iter().map(|(case, outcome)| (name, case, outcome)));
    }
    all
}

/// The filing half of P24; one open issue for each problem is in `issues.rs`.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_finding_is_filed_once_whatever_crashes_and_fails() {
    let begun = Instant::now();
    let played = campaign(false).await;
    let wrong: Vec<_> = played.iter().filter(|(_, _, o)| o.copies != 1 || !o.filed).collect();
    let duplicates: usize = played.iter().map(|(_, _, o)| o.copies.saturating_sub(1)).sum();
    let lost = played.iter().filter(|(_, _, o)| o.copies == 0 || !o.filed).count();
    println!(
        "filing campaign: {} cases, {duplicates} duplicates, {lost} lost, {:.1} s",
        played.len(),
        begun.elapsed().as_secs_f64()
    );
    assert!(wrong.is_empty(), "{} wrong, such as {:#?}", wrong.len(), wrong[0]);
    assert!(played.len() >= 1_000, "only {} cases", played.len());
    let mut crashes: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, case, outcome) in &played {
        *crashes.entry(name).or_default() +=
            usize::from(outcome.complete && !case.crashes.is_empty());
    }
    // A fault on the list happens only where a look is made, and a crash before the write does not spare it.
    assert!(crashes.values().all(|crashes| *crashes >= 12), "{crashes:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_real_table_keeps_what_the_campaign_needs() {
    let wanted = ["ok", "422 label", "429", "502 after commit", "late commit 60 s", "limited list"];
    let mut tasks = tokio::task::JoinSet::new();
    for act in [Act::Open, Act::Comment, Act::Reopen, Act::Close] {
        for (name, faults) in faults() {
            if !wanted.contains(&name) || act != Act::Open && name == "422 label" {
                continue;
            }
            tasks.spawn(async move {
                let folder = tempfile::tempdir().unwrap();
                let store = lamplighter::testing::store_in(folder.path()).unwrap();
                cases_of(act, &faults, false, Some(&(folder, store))).await
            });
        }
    }
    let played = tasks.join_all().await.concat();
    let wrong: Vec<_> = played.iter().filter(|(_, o)| o.copies != 1 || !o.filed).collect();
    println!("filing campaign on the real table: {} cases, {} wrong", played.len(), wrong.len());
    assert!(wrong.is_empty() && played.len() >= 500, "{}: {:#?}", played.len(), wrong.first());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_looking_first_findings_are_filed_twice() {
    let faults = [(On::Post, Fault::DroppedAfterCommit)];
    let calm = |naive| Case {
        act: Act::Open,
        faults: faults.to_vec(),
        crashes: vec![],
        gap: Duration::ZERO,
        naive,
    };
    assert_eq!(play(&calm(false), None).await.copies, 1);
    assert!(play(&calm(true), None).await.copies > 1, "the campaign would not notice a duplicate");
    let after_crash = cases_of(Act::Open, &[], true, None).await;
    let twice = after_crash.iter().filter(|(_, outcome)| outcome.copies > 1).count();
    println!("naive filing: {twice} of {} crashes without any fault file twice", after_crash.len());
    assert!(twice > 0);
}

#[tokio::test]
async fn labels_that_are_refused_are_left_out() {
    for fault in [Fault::LabelRefused, Fault::LabelForbidden] {
        let clock = Clock::skipping(START);
        let fake = FakeGitHub::start(clock.clone(), Arc::default());
        fake.inject(On::Post, fault);
        let row = filing(Act::Open, &Marker::new(1), None);
        let table = Table { row: Mutex::new(row.clone()), plug: Arc::default(), rows: None };
        let ending =
            file(row, &client(&fake, &clock, REQUEST_LIMIT), &table, &clock).await.unwrap();
        assert_eq!(ending, Ending::Rests);
        let row = table.row.lock().unwrap().clone();
        assert_eq!((row.state, row.labels.len(), row.error), (FilingState::Filed, 0, None));
    }
}

#[tokio::test]
async fn a_limit_says_until_when_it_waits_and_what_is_refused_says_why() {
    let clock = Clock::skipping(START);
    let fake = FakeGitHub::start(clock.clone(), Arc::default());
    let row = filing(Act::Open, &Marker::new(1), None);
    let table = Table { row: Mutex::new(row.clone()), plug: Arc::default(), rows: None };
    let github = client(&fake, &clock, REQUEST_LIMIT);
    fake.inject(On::Post, Fault::PrimaryLimit(Duration::from_mins(30)));
    let ending = file(row, &github, &table, &clock).await.unwrap();
    assert_eq!(ending, Ending::Waits(START.plus(Duration::from_mins(30))));
    let row = table.row.lock().unwrap().clone();
    assert_eq!(row.state, FilingState::Pending);
    assert!(row.error.as_ref().unwrap().contains("rate limit"), "{row:?}");

    fake.inject(On::Post, Fault::Invalid);
    let ending = file(row, &github, &table, &clock).await.unwrap();
    assert!(matches!(ending, Ending::Failed(_)), "{ending:?}");
    let row = table.row.lock().unwrap().clone();
    assert_eq!(row.state, FilingState::Failed);
    assert!(row.error.unwrap().contains("Validation Failed"));
}

#[tokio::test]
async fn a_filing_that_somebody_else_has_taken_is_not_sent() {
    let clock = Clock::skipping(START);
    let fake = FakeGitHub::start(clock.clone(), Arc::default());
    let row = filing(Act::Open, &Marker::new(1), None);
    let taken = Filing { state: FilingState::Sending, ..row.clone() };
    let table = Table { row: Mutex::new(taken), plug: Arc::default(), rows: None };
    let lost = file(row, &client(&fake, &clock, REQUEST_LIMIT), &table, &clock).await.unwrap_err();
    assert!(lost.is_lease_lost());
    assert_eq!(fake.exchanges().len(), 0);
}

#[tokio::test]
async fn what_a_person_decides_is_left_to_them() {
    let clock = Clock::skipping(START);
    let fake = FakeGitHub::start(clock.clone(), Arc::default());
    for state in [FilingState::AwaitingApproval, FilingState::Rejected, FilingState::Filed] {
        let row = Filing { state, ..filing(Act::Open, &Marker::new(1), None) };
        let table = Table { row: Mutex::new(row.clone()), plug: Arc::default(), rows: None };
        let ending =
            file(row, &client(&fake, &clock, REQUEST_LIMIT), &table, &clock).await.unwrap();
        assert_eq!(ending, Ending::Rests);
    }
    assert_eq!(fake.exchanges().len(), 0);
}
