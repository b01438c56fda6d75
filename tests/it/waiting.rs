//! Waiting is worded once: whatever holds a job, every page and command gives the same words for it, each reason is named,
//! and nothing that waits is said to start now.
//!
//! The table has every set of nine facts, 512, put as rows around two jobs of one database. What cannot exist is not in it:
//! - An approval is waited for by a `file_findings` job alone, so the 256 sets with it are looked at around such a job, and
//!   the other 256 around a scan. The cards of scans, their list and the button that asks for one are the scan's faces;
//!   both jobs have their page, their lists, the words of the command line, and the button that starts them.
//! - A budget holds the kinds of which the server says that they spend. The played server says it of both jobs.
//! - A limit outside pauses the queue, and so does a person: one row. Where both stand, the person has paused a queue in
//!   which the job was put off by the limit. The time of such a job is the limit's, so it is no gate of its own.
//!
//! The command line is asked by its own functions for the whole table, and as a process for a few sets.

use crate::support::server::{Browser, PASSWORD, program};
use crate::support::{Played, START, foreign, in_time, now, store};
use lamplighter::Code;
use lamplighter::actions::jobs;
use lamplighter::actions::people::Password;
use lamplighter::clock::Clock;
use lamplighter::model::{
    Actor, AttemptEnd, ConcurrencyKey, Gate, JobError, JobId, Kind, KindRules, Lane, NewJob,
    Outcome, PollRequest, Queue, Timestamp, Why, Zone,
};
use lamplighter::monitor::{self, Tracking};
use lamplighter::store::{LogStore, OpenMode, Store};
use lamplighter::web::{self, Options, Program, Web};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const HOUR: Duration = Duration::from_hours(1);

/// What can hold a job, by the words of its gates.
const FACTS: [&str; 9] = [
    "time",
    "queue_paused",
    "stopped",
    "queue_full",
    "key_held",
    "budget",
    "usage_limit",
    "no_handler",
    "approval",
];

/// A scan and a `file_findings` that wait, in a database whose engine is played by the test.
struct Scene {
    folder: tempfile::TempDir,
    store: Store,
    /// A connection that sets facts as rows.
    rows: Connection,
    now: Timestamp,
    scan: JobId,
    filing: JobId,
    worker: Played,
    _lock: lamplighter::store::Leadership,
}

/// The kind of the job that waits for approvals, as far as waiting goes.
fn filing_rules() -> KindRules {
    KindRules { queue: Queue::TRACKER, ..KindRules::new(Kind::FILE_FINDINGS) }
}

/// Two jobs that run and can hold a key, an issue with a text for the tracker, and one attempt behind each job that waits:
/// its time is the one that its handler asked for.
const AROUND: &str = "
    PRAGMA synchronous = OFF;
    INSERT INTO jobs (kind, queue, run_at) VALUES ('work', 'work', 0), ('work', 'work', 0);
    UPDATE jobs SET status = 'running', waits_for = NULL, worker_id = 'played', epoch = 1, attempt = 1, started_at = 1
    WHERE kind = 'work';
    INSERT INTO self_monitoring_issues (scan_id, tracker, number, title, body, classification, error_codes, source,
        template, source_files, evidence, occurrences, created_at, last_seen_at)
    VALUES (1, 'github', NULL, 'It broke', 'b', 'server_bug', '[]', 's', 't', '[]', '[]', 1, 1, 1);
    INSERT INTO filings (issue_id, scan_id, act, state, marker, title, body, created_at, updated_at)
    VALUES (1, 1, 'open', 'awaiting_approval', printf('%032x', 1), 'It broke', 'b', 1, 1);
    UPDATE jobs SET queue = 'tracker', concurrency_key = 'the_tracker', claim_order = NULL, waits_for = 'admission'
    WHERE kind = 'file_findings';
    UPDATE jobs SET priority = 0, max_attempts = 5, status = 'running', waits_for = NULL, worker_id = 'played',
        epoch = 1, attempt = 1, started_at = 1, key_slot = 0
    WHERE kind <> 'work';
    UPDATE jobs SET status = 'queued', waits_for = 'admission', worker_id = NULL, key_slot = NULL WHERE kind <> 'work';";

impl Scene {
    async fn set(now: Timestamp) -> Self {
        let (folder, store) = store();
        let limits = [Queue::AGENT, Queue::TRACKER].map(|queue| (queue, 5)).into();
        // As a scan that only the agent may examine: a usage limit holds it.
        let scans = KindRules { runs_while_limited: false, ..monitor::rules() };
        let kinds = vec![scans, filing_rules()];
        let worker = Played::leading(&store, "played", kinds, limits, now).await;
        let lock = store.try_lead(&worker.worker).unwrap().unwrap();
        let scan = NewJob {
            queue: Some(Queue::AGENT),
            concurrency_key: Some(ConcurrencyKey::SELF_MONITORING),
            ..NewJob::new(Kind::SELF_MONITORING)
        };
        let scan = store.enqueue(scan, now).await.unwrap().id();
        let filing = store.enqueue(NewJob::new(Kind::FILE_FINDINGS), now).await.unwrap().id();
        let rows = foreign(folder.path());
        rows.execute_batch(&AROUND.replace("'played'", &format!("'{}'", worker.worker))).unwrap();
        rows.execute_batch("CREATE TEMP TABLE runs AS SELECT * FROM job_kinds").unwrap();
        Self { folder, store, rows, now, scan, filing, worker, _lock: lock }
    }

    /// Puts these facts around both jobs, and takes away the others.
    async fn around(&self, on: &[&str]) {
        let is_on = |fact| on.contains(&fact);
        self.rows.execute_batch("BEGIN").unwrap();
        self.set_queues(is_on("queue_paused"), is_on("usage_limit"), is_on("queue_full"));
        self.set_rest(is_on("stopped"), is_on("budget"), is_on("approval"));
        self.set_jobs(on);
        self.rows.execute_batch("COMMIT").unwrap();
        let runs = if is_on("no_handler") {
            "SELECT worker_id, 'x', '{}', registered_at FROM runs LIMIT 1"
        } else {
            "SELECT * FROM runs"
        };
        let set = format!("DELETE FROM job_kinds; INSERT INTO job_kinds {runs}");
        self.rows.execute_batch(&set).unwrap();
        let spending = [Kind::SELF_MONITORING, Kind::FILE_FINDINGS].map(|kind| kind.to_string());
        let spends = spending.into_iter().filter(|_| is_on("budget")).collect();
        self.store.say(|facts| facts.spends = spends);
        self.store.beat(self.worker.worker.clone(), self.now).await.unwrap();
    }

    fn set_queues(&self, paused: bool, limited: bool, full: bool) {
        let (at, until) = (self.now.millis(), self.now.plus(HOUR * 2).millis());
        let (by, reason, until) = match (paused, limited) {
            (true, _) => (Some("ada"), Some("disk being moved"), None),
            (false, true) => (Some("engine"), Some("five hours"), Some(until)),
            (false, false) => (None, None, None),
        };
        let sql = "
            INSERT INTO job_queues (name, operator_limit, paused_at, paused_by, pause_reason, resume_at)
            SELECT value, ?1, ?2, ?3, ?4, ?5 FROM json_each('[\"agent\", \"tracker\"]') WHERE TRUE
            ON CONFLICT (name) DO UPDATE SET
                operator_limit = excluded.operator_limit, paused_at = excluded.paused_at,
                paused_by = excluded.paused_by, pause_reason = excluded.pause_reason,
                resume_at = excluded.resume_at";
        let limit = if full { 0 } else { 5 };
        let at = by.is_some().then_some(at);
        self.rows.execute(sql, (limit, at, by, reason, until)).unwrap();
    }

    fn set_rest(&self, stopped: bool, over_budget: bool, approval: bool) {
        let stop = r#"
            INSERT INTO job_settings VALUES ('engine.stopped', '{"reason": "fire drill"}', ?1, 'ada')"#;
        self.rows.execute("DELETE FROM job_settings WHERE key = 'engine.stopped'", []).unwrap();
        if stopped {
            self.rows.execute(stop, [self.now.millis()]).unwrap();
        }
        self.rows.execute("DELETE FROM job_spend", []).unwrap();
        if over_budget {
            let spent =
                "INSERT INTO job_spend VALUES (?1 / 86400000, 'agent_session', 0, 20.5, 1, 0)";
            self.rows.execute(spent, [self.now.millis()]).unwrap();
        }
        let state = if approval { "awaiting_approval" } else { "filed" };
        self.rows.execute("UPDATE filings SET state = ?1", [state]).unwrap();
    }

    /// The jobs as the engine leaves them: in line, or where what holds them puts them.
    fn set_jobs(&self, on: &[&str]) {
        let is_on = |fact| on.contains(&fact);
        let (key_held, limited) = (is_on("key_held"), put_off_by_limit(on));
        let early = is_on("time") || limited;
        let free = "
            UPDATE jobs SET status = 'queued', waits_for = 'admission', claim_order = NULL, key_slot = NULL
            WHERE id IN (?1, ?2)";
        let ids = (self.scan.0, self.filing.0);
        self.rows.execute(free, ids).unwrap();
        self.rows.execute("DELETE FROM job_events WHERE job_id IN (?1, ?2)", ids).unwrap();
        let hold = "UPDATE jobs SET concurrency_key = NULL, key_slot = NULL WHERE kind = 'work'";
        self.rows.execute(hold, []).unwrap();
        if key_held {
            let hold = "
                UPDATE jobs
                SET concurrency_key = iif(id = (SELECT max(id) FROM jobs WHERE kind = 'work'),
                        'the_tracker', 'self_monitoring'), key_slot = 0
                WHERE kind = 'work'";
            self.rows.execute(hold, []).unwrap();
        }
        let because = if is_on("no_handler") { Some("handler") } else { key_held.then_some("key") };
        let waits_for = because.filter(|_| !early);
        let status = if early { "scheduled" } else { "queued" };
        let slot = (!early && waits_for.is_none()).then_some(0);
        let run_at = if early { self.now.plus(HOUR) } else { self.now }.millis();
        let order = slot.map(|_| run_at);
        let wait = "
            UPDATE jobs
            SET status = ?3, waits_for = ?4, key_slot = ?5, claim_order = ?6, run_at = ?7, parked_by = ?8, counted = 1
            WHERE id IN (?1, ?2)";
        let (scan, filing) = ids;
        let (cause, detail) = if limited { ("limited", "five hours") } else { ("snooze", "") };
        let parked_by = early.then_some(if limited { "limit" } else { "snooze" });
        let params = (scan, filing, status, waits_for, slot, order, run_at, parked_by);
        self.rows.execute(wait, params).unwrap();
        if early {
            let step = "
                INSERT INTO job_events (job_id, sequence, at, from_status, to_status, cause, actor, detail)
                SELECT id, 1, ?3, 'running', 'scheduled', ?4, 'played', ?5 FROM jobs
                WHERE id IN (?1, ?2)";
            self.rows.execute(step, (scan, filing, self.now.millis(), cause, detail)).unwrap();
        }
    }

    async fn why(&self, id: JobId) -> Why {
        self.store.why(id, self.now).await.unwrap().unwrap()
    }

    /// The job around which a set is looked at, and the gates that are to be named of it.
    fn looked_at(&self, on: &[&'static str]) -> (JobId, BTreeSet<&'static str>) {
        let id = if on.contains(&"approval") { self.filing } else { self.scan };
        let is_gate = |fact: &&&str| **fact != "time" || !put_off_by_limit(on);
        (id, on.iter().filter(is_gate).copied().collect())
    }
}

/// Whether the limit outside is told by the job's last step, because a person has paused the queue.
fn put_off_by_limit(on: &[&str]) -> bool {
    ["queue_paused", "usage_limit"].iter().all(|fact| on.contains(fact))
}

/// The pages of a scene, and somebody who is signed in.
async fn pages(scene: &Scene, clock: Clock) -> (JoinSet<()>, CancellationToken, Browser) {
    let hash = Password::read(PASSWORD, None).unwrap().hash().unwrap();
    scene.store.create_first_admin(hash, Actor::cli(), scene.now).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (leading, stop) = (watch::channel(true).1, CancellationToken::new());
    let pages = Web {
        store: scene.store.clone(),
        clock,
        options: Options::default(),
        leading: Some(leading),
        program: Some(Program {
            logs: LogStore::open(&scene.folder.path().join("logs.db"), OpenMode::Migrate).unwrap(),
            scanned: None,
            agents: None,
            tracking: Tracking::Local,
            demo: false,
            log_sources: Vec::new(),
        }),
    };
    let (mut tasks, stopped) = (JoinSet::new(), stop.clone());
    tasks.spawn(async move { web::serve(listener, pages, stopped).await.unwrap() });
    let browser = tokio::task::spawn_blocking(move || Browser::signed_in(&url)).await.unwrap();
    (tasks, stop, browser)
}

/// Every set of the facts.
fn sets() -> impl Iterator<Item = Vec<&'static str>> {
    let of =
        |bits: u32| (0..FACTS.len()).filter(|at| bits >> at & 1 == 1).map(|at| FACTS[at]).collect();
    (0..1_u32 << FACTS.len()).map(of)
}

/// What the pages of one job show, and what was answered to the clicks.
struct Seen {
    /// Where the whole sentence must stand.
    sentences: Vec<(&'static str, String)>,
    /// Where a line has its beginning.
    headlines: Vec<(&'static str, String)>,
    /// The answer to *start it now*.
    start: serde_json::Value,
    /// The answer to *scan*, on the page of scans.
    scan: Option<serde_json::Value>,
}

fn look(browser: &mut Browser, id: JobId, is_scan: bool) -> Seen {
    let part = [("HX-Request", "true"), ("Accept", "text/html")];
    let mut page = |path: &str| browser.get(path, &part).body;
    let mut sentences = vec![("job page", page(&format!("/jobs/{id}/part")))];
    let mut headlines = vec![("list of jobs", page(&format!("/jobs/part?q=id%3A{id}")))];
    if is_scan {
        sentences.push(("status card", page("/admin/self-monitoring/status")));
        sentences.push(("dashboard", page("/dashboard/part?of=health")));
        headlines.push(("list of scans", page("/admin/self-monitoring/lists")));
    }
    let json = [("Accept", "application/json")];
    let mut click =
        |path: &str| serde_json::from_str(&browser.post(path, &[], &json).body).unwrap();
    let scan = is_scan.then(|| click("/admin/self-monitoring/run-now"));
    Seen { sentences, headlines, start: click(&format!("/jobs/{id}/run-now")), scan }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_set_of_nine_reasons_is_told_in_the_same_words_by_every_face() {
    let scene = Scene::set(START).await;
    let (mut tasks, stop, browser) = pages(&scene, Clock::manual(START)).await;
    let mut looked_at = 0;
    for on in sets() {
        scene.around(&on).await;
        let (id, wanted) = scene.looked_at(&on);
        let why = scene.why(id).await;
        let (sentence, headline) = (why.to_string(), why.headline());
        let told = format!("job {id}, {on:?}: {why}");
        let named: BTreeSet<_> = why.gates.iter().map(Gate::word).collect();
        assert_eq!(named, wanted, "{told}");
        assert!(why.gates.iter().all(|gate| says(&sentence, gate)), "{told}");
        assert_eq!(why.starts_now(), wanted.is_empty(), "{told}");

        let cli = jobs::why(&scene.store, id.0, scene.now).await.unwrap();
        assert_eq!(cli.sentence, sentence, "jobs why: {told}");
        let job = scene.store.job(id).await.unwrap().unwrap();
        let listed = jobs::waits(&scene.store, &[job], Zone::default(), scene.now).await.unwrap();
        assert_eq!(listed[&id], headline, "jobs list: {told}");

        let is_scan = id == scene.scan;
        let mut browser = browser.clone();
        let seen = tokio::task::spawn_blocking(move || look(&mut browser, id, is_scan));
        let seen = seen.await.unwrap();
        for (face, text) in &seen.sentences {
            assert!(text.contains(&sentence), "{face}: {told}\n{text}");
            assert!(!text.contains("starts now"), "{face}: {told}\n{text}");
        }
        for (face, text) in &seen.headlines {
            assert!(text.contains(&headline), "{face}: {told}\n{text}");
        }
        if let Some(asked) = seen.scan {
            let id = JobId(asked["scan_id"].as_str().unwrap().parse().unwrap());
            let starts = format!("Scan {id} starts now.");
            let starts = answers_truly(&scene, id, &asked, &starts).await;
            // The scan before it stands in line and has the key, unless its time has not come.
            assert_eq!(starts, on == ["time"], "{asked}: {told}");
            scene.store.cancel(id, Actor::cli(), scene.now).await.unwrap();
            // Lists show the newest.
            scene.store.delete_job(id, Actor::cli(), scene.now).await.unwrap();
        }
        let starts = answers_truly(&scene, id, &seen.start, "It starts now.").await;
        let (early, limited) = (on == ["time"], put_off_by_limit(&on));
        assert_eq!(starts, on.is_empty() || early, "{}: {told}", seen.start);
        assert!(!starts || !limited, "{told}");
        looked_at += 1;
    }
    assert_eq!(looked_at, 512);
    stop.cancel();
    in_time(tasks.join_next()).await;
}

/// Whether a sentence has the words of a gate.
fn says(sentence: &str, gate: &Gate) -> bool {
    sentence.contains(&gate.to_string()) || sentence == gate.sentence(Zone::default())
}

/// Holds the answer to a click to what holds the job now; answers whether it says that the job starts now.
async fn answers_truly(scene: &Scene, id: JobId, answer: &serde_json::Value, starts: &str) -> bool {
    let why = scene.why(id).await.of_a_new_job();
    let says = answer["answer"].as_str().unwrap();
    assert_eq!(says.contains(starts), why.starts_now(), "{says}: {why}");
    assert!(why.starts_now() || says.contains(&why.to_string()), "{says}: {why}");
    why.starts_now()
}

#[tokio::test]
async fn the_command_as_a_process_tells_the_whole_sentence() {
    let scene = Scene::set(now()).await;
    let alone = FACTS.map(|fact| vec![fact]);
    // At the machine's own time, of which a budget's day may end before the hour does.
    let all = FACTS.into_iter().filter(|fact| *fact != "time").collect();
    for on in alone.into_iter().chain([vec![], all]) {
        scene.around(&on).await;
        let (id, wanted) = scene.looked_at(&on);
        let why = scene.why(id).await;
        assert_eq!(why.gates.iter().map(Gate::word).collect::<BTreeSet<_>>(), wanted, "{why}");
        let (id, folder) = (id.to_string(), scene.folder.path());
        for (command, says) in [
            (&["jobs", "why", &id][..], why.to_string()),
            (&["jobs", "show", &id], why.to_string()),
            (&["jobs", "list", "--json"], why.headline()),
        ] {
            let out = program(folder).args(command).output().unwrap().stdout;
            let out = String::from_utf8(out).unwrap();
            assert!(out.contains(&says), "{command:?}: {on:?}: {says}\n{out}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_was_put_off_says_what_its_last_attempt_said() {
    let scene = Scene::set(START).await;
    scene.around(&[]).await;
    let (mut tasks, stop, browser) = pages(&scene, Clock::manual(START)).await;
    for (outcome, beside) in [
        (Outcome::Snooze(HOUR), None),
        (
            Outcome::Failed(JobError::new(Code::WebInternal, "no oil\nat the pump")),
            Some("said: [WEB-PAGE-001] no oil"),
        ),
        (Outcome::Limited { until: START.plus(HOUR), reason: "five hours".into() }, None),
    ] {
        let rules = KindRules { max_attempts: 3, ..KindRules::new(Kind::parse("lamp").unwrap()) };
        let id = scene.store.enqueue(NewJob::new(rules.kind.clone()), START).await.unwrap().id();
        let lanes = vec![Lane { queue: Queue::DEFAULT, running: 0, slots: Some(1) }];
        let played = Played::leading(&scene.store, "lamp", vec![rules], vec![], START).await;
        let request = PollRequest { lanes, ..played.request(vec![]) };
        let polled = scene.store.poll(request, START).await.unwrap();
        let lease = polled.claimed.first().unwrap().lease().unwrap();
        assert_eq!(lease.id, id);
        let end = AttemptEnd::Answered(outcome);
        scene.store.settle(lease, end, HOUR, START).await.unwrap();
        let why = scene.why(id).await.to_string();
        let mut browser = browser.clone();
        let path = format!("/jobs/{id}");
        let page = tokio::task::spawn_blocking(move || browser.get(&path, &[]).body);
        let page = page.await.unwrap();
        assert!(page.contains(&why) && page.contains("Its time comes "), "{why}\n{page}");
        assert!(beside.is_none_or(|beside| page.contains(beside)), "{why}\n{page}");
        scene.store.cancel(id, Actor::cli(), START).await.unwrap();
    }
    stop.cancel();
    in_time(tasks.join_next()).await;
}
