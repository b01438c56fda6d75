//! Waiting is worded once: whatever holds a scan, every page and command gives the same words for it, each reason is
//! named, and nothing that waits is said to start now.

use crate::support::server::{Browser, PASSWORD, program};
use crate::support::{Played, foreign, in_time, now, store};
use lamplighter::actions::people::Password;
use lamplighter::clock::Clock;
use lamplighter::model::{
    Actor, AttemptEnd, ConcurrencyKey, Gate, JobId, Kind, Lane, NewJob, Outcome, PollRequest,
    Queue, Why,
};
use lamplighter::monitor::{self, Tracking};
use lamplighter::store::{LogStore, OpenMode, Store};
use lamplighter::web::{self, Options, Web};
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const HOUR: Duration = Duration::from_hours(1);

/// What can be put around a scan, and the word of its gate.
const AROUND: [&str; 5] = ["queue_paused", "stopped", "queue_full", "budget", "no_handler"];

/// What the scan itself was put off by before.
#[derive(Clone, Copy, Debug, PartialEq)]
enum PutOff {
    Nothing,
    Time,
    UsageLimit,
}

/// A scan that waits, in a database whose engine is played by the test.
struct Scene {
    folder: tempfile::TempDir,
    store: Store,
    scan: JobId,
    worker: Played,
    put_off: PutOff,
    _lock: lamplighter::store::Leadership,
}

async fn enqueue(store: &Store) -> JobId {
    // Where it waits and which key it wants are known before a handler is.
    let scan = NewJob {
        queue: Some(Queue::AGENT),
        concurrency_key: Some(ConcurrencyKey::SELF_MONITORING),
        ..NewJob::new(Kind::SELF_MONITORING)
    };
    store.enqueue(scan, now()).await.unwrap().id()
}

/// Claims the scan that waits.
async fn claim(store: &Store, played: &Played, running: Vec<JobId>) -> lamplighter::model::Lease {
    let lanes = vec![Lane { queue: Queue::AGENT, running: 0, slots: Some(5) }];
    let request = PollRequest { lanes, ..played.request(running) };
    let polled = store.poll(request, now()).await.unwrap();
    polled.claimed.first().unwrap().lease().unwrap()
}

impl Scene {
    async fn set(put_off: PutOff, key_held: bool) -> Self {
        let (folder, store) = store();
        let (kinds, limits) = (vec![monitor::rules()], vec![(Queue::AGENT, 5)]);
        let worker = Played::leading(&store, "played", kinds, limits, now()).await;
        let lock = store.try_lead(&worker.worker).unwrap().unwrap();
        let until = now().plus(HOUR);
        let outcome = match put_off {
            PutOff::Nothing => None,
            PutOff::Time => Some(Outcome::Snooze(HOUR)),
            PutOff::UsageLimit => Some(Outcome::Limited { until, reason: "five hours".into() }),
        };
        let mut scan = None;
        if let Some(outcome) = outcome {
            scan = Some(enqueue(&store).await);
            let lease = claim(&store, &worker, vec![]).await;
            let end = AttemptEnd::Answered(outcome);
            store.settle(lease, end, Duration::from_secs(10), now()).await.unwrap();
        }
        if key_held {
            enqueue(&store).await;
            claim(&store, &worker, vec![]).await;
        }
        let scan = match scan {
            Some(scan) => scan,
            None => enqueue(&store).await,
        };
        let spent = "INSERT INTO job_spend VALUES (strftime('%s', 'now') / 86400, 'agent_session', 0, 20.5, 1)";
        foreign(folder.path()).execute(spent, []).unwrap();
        Self { folder, store, scan, worker, put_off, _lock: lock }
    }

    /// Puts these around the scan, and takes away the others.
    async fn around(&self, on: &[&str]) {
        let (store, is_on) = (&self.store, |gate| on.contains(&gate));
        let ada = || Actor { name: "ada".into(), ..Actor::cli() };
        if self.put_off != PutOff::UsageLimit {
            store.resume_queue(Queue::AGENT, ada(), now()).await.unwrap();
        }
        store.resume_all(ada(), now()).await.unwrap();
        if is_on("queue_paused") {
            let reason = "disk being moved".into();
            store.pause_queue(Queue::AGENT, reason, None, ada(), now()).await.unwrap();
        }
        if is_on("stopped") {
            store.stop_all("fire drill".into(), ada(), now()).await.unwrap();
        }
        let limit = if is_on("queue_full") { 0 } else { 5 };
        store.set_queue_limit(Queue::AGENT, Some(limit), ada(), now()).await.unwrap();
        let kind = if is_on("no_handler") { "x" } else { "self_monitoring" };
        foreign(self.folder.path()).execute("UPDATE job_kinds SET kind = ?1", [kind]).unwrap();
        let spends = is_on("budget").then(|| Kind::SELF_MONITORING.to_string());
        store.say(|facts| facts.spends = spends.into_iter().collect());
        store.beat(self.worker.worker.clone(), now()).await.unwrap();
    }

    async fn why(&self, id: JobId) -> Why {
        self.store.why(id, now()).await.unwrap().unwrap()
    }
}

/// The pages of a scene, and somebody who is signed in.
async fn pages(folder: &Path, store: &Store) -> (JoinSet<()>, CancellationToken, Browser) {
    let hash = Password::read(PASSWORD, None).unwrap().hash().unwrap();
    store.create_first_admin(hash, Actor::cli(), now()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (leading, stop) = (watch::channel(true).1, CancellationToken::new());
    let pages = Web {
        store: store.clone(),
        logs: LogStore::open(&folder.join("logs.db"), OpenMode::Migrate).unwrap(),
        clock: Clock::system(),
        options: Options::default(),
        leading,
        agents: None,
        tracking: Tracking::Local,
        demo: false,
    };
    let (mut tasks, stopped) = (JoinSet::new(), stop.clone());
    tasks.spawn(async move { web::serve(listener, pages, stopped).await.unwrap() });
    let browser = tokio::task::spawn_blocking(move || Browser::signed_in(&url)).await.unwrap();
    (tasks, stop, browser)
}

/// Nothing, each alone, each pair, and all of them.
fn sets() -> Vec<Vec<&'static str>> {
    let all = 0..1_u32 << AROUND.len();
    let wanted =
        all.filter(|bits| bits.count_ones() <= 2 || bits.count_ones() as usize == AROUND.len());
    let of = |bits: u32| {
        (0..AROUND.len()).filter(|at| bits >> at & 1 == 1).map(|at| AROUND[at]).collect()
    };
    wanted.map(of).collect()
}

async fn every_face_agrees(put_off: PutOff, key_held: bool) {
    let scene = Scene::set(put_off, key_held).await;
    let (mut tasks, stop, browser) = pages(scene.folder.path(), &scene.store).await;
    for on in sets() {
        // The limit is the queue's own pause, which a person's pause takes the place of.
        if put_off == PutOff::UsageLimit && on.contains(&"queue_paused") {
            continue;
        }
        scene.around(&on).await;
        let why = scene.why(scene.scan).await;
        let told = format!("{put_off:?}, key held: {key_held}, {on:?}: {why}");
        let words: Vec<_> = why.gates.iter().map(Gate::word).collect();
        let mut wanted = on.clone();
        wanted.extend((put_off == PutOff::Time).then_some("time"));
        wanted.extend((put_off == PutOff::UsageLimit).then_some("usage_limit"));
        wanted.extend(key_held.then_some("key_held"));
        assert!(wanted.iter().all(|gate| words.contains(gate)), "{told}: {words:?}");

        let (scan, mut browser, folder) =
            (scene.scan, browser.clone(), scene.folder.path().to_owned());
        let (faces, asked) = tokio::task::spawn_blocking(move || {
            let part = [("HX-Request", "true"), ("Accept", "text/html")];
            let mut page = |path: &str| browser.get(path, &part).body;
            let faces = [
                page("/admin/self-monitoring/status"),
                page("/admin/self-monitoring/lists"),
                page("/"),
                page(&format!("/jobs/{scan}")),
            ];
            let cli = program(&folder).args(["jobs", "why", &scan.to_string()]).output().unwrap();
            let cli = String::from_utf8(cli.stdout).unwrap();
            let json = [("Accept", "application/json")];
            let asked = browser.post("/admin/self-monitoring/run-now", &[], &json).body;
            ((faces, cli), asked)
        })
        .await
        .unwrap();
        let ([status, lists, dashboard, job], cli) = faces;
        let sentence = why.to_string();
        for (face, text) in [("status card", &status), ("dashboard", &dashboard)] {
            assert!(text.contains(&sentence), "{face}: {told}\n{text}");
        }
        assert!(lists.contains(&why.headline()), "list: {told}\n{lists}");
        // A job that waits for its time alone says so relative to now.
        if !matches!(why.gates.as_slice(), [Gate::Time { .. }]) {
            assert!(job.contains(&sentence), "job page: {told}\n{job}");
        }
        assert!(cli.contains(&sentence), "jobs why: {told}\n{cli}");

        let asked: serde_json::Value = serde_json::from_str(&asked).unwrap();
        let id = JobId(asked["scan_id"].as_str().unwrap().parse().unwrap());
        let why = scene.why(id).await.of_a_new_job();
        let answer = asked["answer"].as_str().unwrap();
        let starts = format!("Scan {id} starts now.");
        assert_eq!(answer == starts, why.starts_now(), "{answer}: {told}");
        assert!(why.starts_now() || answer.contains(&why.to_string()), "{answer}: {told}");
        assert!(
            (on.is_empty() && !key_held && put_off != PutOff::UsageLimit) || !why.starts_now(),
            "{answer}: {told}"
        );
        scene.store.cancel(id, Actor::cli(), now()).await.unwrap();
    }
    stop.cancel();
    in_time(tasks.join_next()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_was_never_put_off_waits_in_the_same_words_everywhere() {
    every_face_agrees(PutOff::Nothing, false).await;
    every_face_agrees(PutOff::Nothing, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_asked_to_be_called_later_waits_in_the_same_words_everywhere() {
    every_face_agrees(PutOff::Time, false).await;
    every_face_agrees(PutOff::Time, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_met_a_usage_limit_waits_in_the_same_words_everywhere() {
    every_face_agrees(PutOff::UsageLimit, false).await;
}
