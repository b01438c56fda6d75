//! Jobs that run after others: graphs by chance against a model of a few lines, and what people see of it.

use crate::support::{Played, START};
use lamplighter::model::{
    Actor, AttemptEnd, Job, JobError, JobId, Kind, KindRules, Lane, NewJob, Outcome, PollRequest,
    Queue, Status, Timestamp,
};
use lamplighter::store::Store;
use lamplighter::testing;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeMap;
use std::time::Duration;

/// Jobs of a graph.
const JOBS: usize = 1_000;
/// Graphs of a run of the test; `PROPTEST_CASES` makes a campaign.
const GRAPHS: u32 = 12;
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// What becomes of a job that starts, or that it is cancelled before.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Completes,
    CompletesAtLast,
    Fails,
    IsCancelled,
}

/// A job: its fate, and how far back those are that it runs after, each with whether it runs anyway.
#[derive(Clone, Debug)]
struct Node {
    fate: Fate,
    delay: u64,
    after: Vec<(usize, bool)>,
}

fn node() -> impl Strategy<Value = Node> {
    let fate = prop_oneof![
        40 => Just(Fate::Completes), 3 => Just(Fate::CompletesAtLast), 1 => Just(Fate::Fails),
        1 => Just(Fate::IsCancelled),
    ];
    // Its neighbour makes chains, the first job fans, and two of a few steps back diamonds.
    let back = prop_oneof![4 => Just(1_usize), 2 => 1..8_usize, 1 => 1..JOBS, 1 => Just(JOBS)];
    let after = prop::collection::vec((back, prop::bool::weighted(0.2)), 0..4);
    let delay = prop_oneof![9 => Just(0), 1 => 1..100_u64];
    (fate, delay, after).prop_map(|(fate, delay, after)| Node { fate, delay, after })
}

/// The jobs that the job at this place runs after.
fn earlier(at: usize, node: &Node) -> BTreeMap<usize, bool> {
    let mut earlier = BTreeMap::new();
    for (back, anyway) in node.after.iter().filter(|_| at > 0) {
        let anyway_too = earlier.entry(at.saturating_sub(*back)).or_insert(true);
        *anyway_too &= *anyway;
    }
    earlier
}

/// The model: how each job ends.
fn ends(nodes: &[Node]) -> Vec<Status> {
    let mut ends: Vec<Status> = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let is_bad = |(of, anyway): (usize, bool)| !anyway && ends[of] != Status::Completed;
        let is_broken = earlier(at, node).into_iter().any(is_bad);
        ends.push(match node.fate {
            Fate::IsCancelled => Status::Cancelled,
            _ if is_broken => Status::Cancelled,
            Fate::Fails => Status::Failed,
            Fate::Completes | Fate::CompletesAtLast => Status::Completed,
        });
    }
    ends
}

async fn play(nodes: &[Node]) {
    let folder = tempfile::tempdir().unwrap();
    let store = testing::store_in(folder.path()).unwrap();
    let ids = store_all(&store, nodes).await;
    for (id, _) in ids.iter().zip(nodes).filter(|(_, node)| node.fate == Fate::IsCancelled) {
        store.cancel(*id, Actor::cli(), START).await.unwrap();
    }
    let wanted = ends(nodes);
    let started = run_all(&store, nodes, &ids).await;
    for (at, id) in ids.iter().enumerate() {
        let job = store.job(*id).await.unwrap().unwrap();
        assert_eq!(job.status, wanted[at], "job {at} of {}", nodes.len());
        let never = job.status == Status::Cancelled;
        assert_eq!(started.contains_key(id), !never, "job {at}");
    }
    assert!(store.recount().await.unwrap().is_empty(), "the counts are exact");
}

async fn store_all(store: &Store, nodes: &[Node]) -> Vec<JobId> {
    let mut ids: Vec<JobId> = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let earlier = earlier(at, node);
        let of = |anyway: bool| {
            let ids = &ids;
            earlier.iter().filter(move |(_, is)| **is == anyway).map(move |(of, _)| ids[*of])
        };
        let run_at = (node.delay > 0).then(|| START.plus(Duration::from_secs(node.delay)));
        let job = NewJob { run_at, ..NewJob::new(kind()) };
        let job = job.after(of(false).collect::<Vec<_>>()).after_any(of(true).collect::<Vec<_>>());
        ids.push(store.enqueue(job, START).await.unwrap().id());
    }
    ids
}

fn kind() -> Kind {
    Kind::parse("node").unwrap()
}

/// Runs everything; answers in which order the jobs first started. No job may be left that waits.
async fn run_all(store: &Store, nodes: &[Node], ids: &[JobId]) -> BTreeMap<JobId, usize> {
    let rules = KindRules { max_attempts: 2, ..KindRules::new(kind()) };
    let played =
        Played::leading(store, "w", vec![rules], vec![(Queue::DEFAULT, 10_000)], START).await;
    let (mut now, mut started) = (START, BTreeMap::new());
    for _ in 0..20 * JOBS {
        let lane = Lane { queue: Queue::DEFAULT, running: 0, slots: Some(10_000) };
        let request = PollRequest { lanes: vec![lane], ..played.request(Vec::new()) };
        let polled = store.poll(request, now).await.unwrap();
        for job in &polled.claimed {
            let at = ids.iter().position(|id| *id == job.id).unwrap();
            for of in earlier(at, &nodes[at]).into_keys() {
                let before = store.job(ids[of]).await.unwrap().unwrap();
                assert!(before.status.is_final(), "job {at} started before job {of} was over");
            }
            let first = started.len();
            started.entry(job.id).or_insert(first);
        }
        let settled = polled.claimed.iter().map(|job| settle(store, nodes, ids, job, now));
        futures_util::future::join_all(settled).await;
        if polled.claimed.is_empty() && !polled.more && store.is_idle(now).await.unwrap() {
            match polled.wake_at {
                Some(next) => now = next,
                None => return started,
            }
        }
    }
    panic!("jobs are left that wait for ever");
}

async fn settle(store: &Store, nodes: &[Node], ids: &[JobId], job: &Job, now: Timestamp) {
    let at = ids.iter().position(|id| *id == job.id).unwrap();
    let error = || JobError { code: "TEST-RUN-001".into(), message: "by chance".into() };
    let outcome = match nodes[at].fate {
        Fate::CompletesAtLast if job.attempt == 1 => Outcome::Failed(error()),
        Fate::Completes | Fate::CompletesAtLast => Outcome::Done(1.into()),
        Fate::Fails => Outcome::Fatal(error()),
        Fate::IsCancelled => unreachable!("job {at} was cancelled before"),
    };
    let end = AttemptEnd::Answered(outcome);
    store.settle(job.lease().unwrap(), end, RETRY_AFTER, now).await.unwrap();
}

#[test]
fn graphs_of_a_thousand_jobs_end_as_a_model_says_and_no_job_waits_for_ever() {
    let mut config =
        Config { max_shrink_iters: 300, failure_persistence: None, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = GRAPHS;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let graphs = prop_oneof![
        3 => prop::collection::vec(node(), JOBS),
        1 => prop::collection::vec(node(), 1..40),
    ];
    let tested = TestRunner::new(config).run(&graphs, |nodes| {
        let run = std::panic::AssertUnwindSafe(|| runtime.block_on(play(&nodes)));
        std::panic::catch_unwind(run).map_err(|panic| {
            TestCaseError::fail(panic.downcast_ref::<String>().cloned().unwrap_or_default())
        })
    });
    tested.unwrap_or_else(|difference| panic!("{difference}"));
}

/// A chain, a fan and a fan-in of a thousand jobs, of which the first one fails.
#[tokio::test]
async fn the_failure_of_the_first_job_ends_a_chain_a_fan_and_their_join() {
    let node = |fate, after| Node { fate, delay: 0, after };
    let chain = (1..JOBS).map(|_| node(Fate::Completes, vec![(1, false)]));
    let fan = (1..JOBS).map(|at| node(Fate::Completes, vec![(at, false)]));
    let shapes: [Vec<Node>; 2] = [chain.collect(), fan.collect()];
    for shape in shapes {
        let mut nodes = vec![node(Fate::Fails, Vec::new())];
        nodes.extend(shape);
        nodes.push(node(Fate::Completes, (1..=100).map(|back| (back, back % 2 == 0)).collect()));
        nodes.push(node(Fate::Completes, (2..100).map(|back| (back, true)).collect()));
        assert_eq!(*ends(&nodes).last().unwrap(), Status::Completed);
        play(&nodes).await;
    }
}
