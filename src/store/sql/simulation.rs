//! A seeded simulation of the engine's every decision on a virtual clock.
//!
//! Three processes with handlers share one database. They crash, stand still, are judged lost, write late, lead one after
//! the other and disagree about the time, while people cancel, pause, schedule and edit.
//!
//! `cargo test --lib simulation -- --nocapture` prints what it did. A failure names its seed;
//! `LAMPLIGHTER_SIM_SEED=n` replays just that one, `LAMPLIGHTER_SIM_SEEDS` and `LAMPLIGHTER_SIM_STEPS` make a campaign.

mod checks;
mod deeds;
mod people;
#[cfg(debug_assertions)]
mod planted;
mod processes;
mod refused;

use crate::error::{Code, Error, Result};
use crate::model::{
    AttemptEnd, BatchId, ConcurrencyKey, Epoch, Job, Kind, KindRules, Lease, OnInterrupt, Queue,
    Rate, Retention, SettleRequest, Status, Timestamp, WorkerId,
};
use crate::store::core::settle;
use crate::store::sql::jobs;
use crate::store::sqlite::{Tx, run_bare, run_in_savepoint, take_back};
use fastrand::Rng;
use rusqlite::Connection;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// In a whole `cargo test`; a step of several processes does about three times the work of one.
const SEEDS: u64 = 80;
const STEPS: u64 = 2_000;
/// Processes that work at a time.
const PROCESSES: usize = 3;
/// Steps between two looks at every row.
const LOOK_EVERY: u64 = 100;

/// What must have happened in a run of at least twenty seeds.
const DEEDS: [&str; 29] = [
    "enqueue",
    "insert by another program",
    "poll",
    "settle",
    "cancel",
    "crash",
    "stop",
    "stand still",
    "go on",
    "judge",
    "start",
    "leases lost",
    "late write",
    "write in another's name",
    "claim before a cancel",
    "clock jump",
    "long wait",
    "pause, resume, limit",
    "stop all",
    "run again",
    "run now",
    "edit",
    "delete",
    "schedule",
    "prune",
    "after",
    "batches",
    "claims",
    "occurrences",
];

/// One of the processes.
struct Server {
    worker: WorkerId,
    kinds: Arc<[KindRules]>,
    /// How wrong its clock is.
    skew_ms: i64,
    /// What it believes to run.
    running: Vec<Lease>,
    /// The time of leading in which it believes that it leads.
    leads: Option<Epoch>,
    /// It does nothing until it goes on.
    stands_still: bool,
}

struct World {
    conn: Connection,
    rng: Rng,
    now: i64,
    kinds: Arc<[KindRules]>,
    /// The last one has handlers for some of the kinds only.
    processes: [Option<Server>; PROCESSES],
    started: u64,
    /// Leases that nobody holds any more, as far as their processes know.
    stale: Vec<Lease>,
    acknowledged: BTreeMap<i64, Status>,
    claims: HashSet<(i64, i64)>,
    done: HashMap<&'static str, u64>,
    /// Batches that were made.
    batches: Vec<BatchId>,
    /// The last job that was made because a batch was finished.
    last_follower: i64,
    /// Calls so far.
    calls: u64,
    /// By job and sequence.
    seen_events: HashSet<(i64, i64)>,
    /// Jobs that completed, failed and were cancelled, as the steps told it.
    told_ends: [u64; 3],
}

fn rules() -> Arc<[KindRules]> {
    let kind = |name| KindRules::new(Kind::parse(name).unwrap());
    let hour = Duration::from_hours(1);
    [
        KindRules { max_attempts: 2, ..kind("plain") },
        KindRules { rate: Some(Rate::per(hour, 20)), ..kind("rated") },
        KindRules { on_interrupt: OnInterrupt::Fail, max_attempts: 1, ..kind("once") },
        KindRules {
            key_limit: 2,
            queue: Queue::AGENT,
            rate: Some(Rate::per(hour, 3).by_key()),
            ..kind("keyed")
        },
        KindRules {
            queue: Queue::AGENT,
            concurrency_key: Some(ConcurrencyKey::SELF_MONITORING),
            retention: Retention::all(hour),
            ..kind("self_monitoring")
        },
    ]
    .into()
}

#[expect(clippy::disallowed_methods, reason = "a database of this test's own, in memory")]
pub(super) fn database() -> Connection {
    let mut conn = Connection::open_in_memory().unwrap();
    conn.pragma_update(None, "foreign_keys", true).unwrap();
    crate::store::sqlite::open::tune(&conn).unwrap();
    crate::store::sqlite::open::apply(&mut conn, &crate::store::SCHEMA).unwrap();
    conn
}

/// The job as this lease claimed it, as its worker would have it in memory; `None` for one of two jobs: its row is read then.
fn as_claimed(conn: &Connection, lease: &Lease) -> Option<Arc<Job>> {
    let job = jobs::get(conn, lease.id).unwrap().filter(|_| lease.id.0 % 2 == 0)?;
    let (epoch, worker_id) = (lease.epoch, Some(lease.worker.clone()));
    Some(Arc::new(Job { status: Status::Running, epoch, worker_id, ..job }))
}

/// Ends one attempt.
fn settle_one(
    tx: &Tx<'_>,
    lease: &Lease,
    end: AttemptEnd,
    retry_after: Duration,
    now: Timestamp,
) -> Result<Status> {
    let (claimed, lease) = (as_claimed(tx, lease), lease.clone());
    let request = SettleRequest { lease, claimed, end, print: None, retry_after, now };
    settle::settle(tx, &[request])?.remove(0)
}

impl World {
    fn new(seed: u64) -> Self {
        let conn = database();
        Self {
            conn,
            rng: Rng::with_seed(seed),
            now: 1_800_000_000_000,
            kinds: rules(),
            processes: [const { None }; PROCESSES],
            started: 0,
            stale: Vec::new(),
            acknowledged: BTreeMap::new(),
            claims: HashSet::new(),
            done: HashMap::new(),
            batches: Vec::new(),
            last_follower: 0,
            seen_events: HashSet::new(),
            told_ends: [0; 3],
            calls: 0,
        }
    }

    /// One call as the writer runs it: every other one as the first of its transaction, the others in a savepoint; and its
    /// counts written before the commit. One in fifty fails after all that it did, and its caller is told that nothing was
    /// saved.
    fn call<T>(&mut self, run: impl FnOnce(&Tx<'_>) -> Result<T>) -> Option<T> {
        let fails = self.rng.u8(..50) == 0;
        let mut answer = None;
        self.conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut run = Some(run);
        self.calls += 1;
        let is_first = self.calls.is_multiple_of(2);
        let as_writer = if is_first { run_bare } else { run_in_savepoint };
        let done = as_writer(&self.conn, &mut |tx| {
            answer = run.take().map(|run| run(tx)).transpose()?;
            if fails { Err(Error::new(Code::StoreIo, "by chance")) } else { Ok(()) }
        });
        if let Ok((_, differences)) = &done {
            differences.write(&self.conn).unwrap();
            for step in differences.steps() {
                let final_ones = [Status::Completed, Status::Failed, Status::Cancelled];
                for (told, status) in self.told_ends.iter_mut().zip(final_ones) {
                    *told += u64::from(step.to == status);
                }
            }
        }
        if is_first && done.is_err() {
            take_back(&self.conn);
        } else {
            self.conn.execute_batch("COMMIT").unwrap();
        }
        if let Err(error) = &done {
            let expected = [
                Code::StoreLeaseLost,
                Code::EngineLost,
                Code::EngineReplaced,
                Code::JobNotFinal,
                Code::JobNotWaiting,
                Code::ScheduleOver,
                Code::BatchOver,
            ];
            let by_chance = fails && error.code() == Code::StoreIo;
            assert!(by_chance || expected.contains(&error.code()), "{error}");
        }
        answer.filter(|_| done.is_ok())
    }

    fn time(&self, process: usize) -> Timestamp {
        let skew = self.processes[process].as_ref().map_or(0, |process| process.skew_ms);
        Timestamp::from_millis(self.now + skew)
    }

    fn step(&mut self) {
        self.now += i64::from(self.rng.u16(..2_000));
        let (name, act): (_, fn(&mut Self)) = match self.rng.u8(..120) {
            0..22 => ("enqueue", Self::enqueue),
            22..26 => ("insert by another program", Self::foreign_insert),
            26..52 => ("poll", Self::poll),
            52..78 => ("settle", Self::settle),
            78..82 => ("cancel", Self::cancel),
            82..84 => ("crash", Self::crash),
            84..87 => ("start", Self::start),
            87..89 => ("late write", Self::late_write),
            89 => ("write in another's name", Self::write_in_anothers_name),
            90..92 => ("clock jump", Self::clock_jump),
            92..94 => ("long wait", Self::long_wait),
            94..97 => ("pause, resume, limit", Self::operate),
            97..98 => ("stop all", Self::stop_all),
            98 => ("run again", Self::run_again),
            99..101 => ("schedule", Self::schedule),
            101..103 => ("run now", Self::run_now),
            103..106 => ("edit", Self::edit),
            106 => ("delete", Self::delete),
            107 => ("prune", Self::prune),
            108..110 => ("stop", Self::stop),
            110..112 => ("stand still", Self::stand_still),
            112..115 => ("go on", Self::go_on),
            _ => ("judge", Self::judge),
        };
        *self.done.entry(name).or_default() += 1;
        act(self);
        self.hear_of_followers();
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

fn simulate(seed: u64, steps: u64) -> HashMap<&'static str, u64> {
    play(World::new(seed), steps, |_| {})
}

/// Plays a world to its end, and says of each step that it begins.
fn play(mut world: World, steps: u64, begins: impl Fn(u64)) -> HashMap<&'static str, u64> {
    world.start();
    for step in 0..steps {
        begins(step);
        world.step();
        if step % LOOK_EVERY == 0 {
            world.check();
        }
    }
    world.drain();
    world.check();
    *world.done.entry("claims").or_default() += world.claims.len() as u64;
    world.done
}

/// Bears P6, P7, P8, P9, P10, P12, P19 and P27, among all that the engine promises: the clocks of its processes jump by up to a day.
#[test]
fn whatever_happens_every_promise_of_the_engine_holds() {
    let steps = number("LAMPLIGHTER_SIM_STEPS").unwrap_or(STEPS);
    let seeds: Vec<u64> = match number("LAMPLIGHTER_SIM_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("LAMPLIGHTER_SIM_SEEDS").unwrap_or(SEEDS)).collect(),
    };
    let halves = seeds.chunks(seeds.len().div_ceil(2));
    let sums = std::thread::scope(|scope| {
        let run = |half: &[u64]| {
            half.iter()
                .map(|seed| {
                    let done = std::panic::catch_unwind(|| simulate(*seed, steps));
                    done.unwrap_or_else(|_| {
                        panic!(
                            "replay with LAMPLIGHTER_SIM_SEED={seed} LAMPLIGHTER_SIM_STEPS={steps}"
                        )
                    })
                })
                .collect::<Vec<_>>()
        };
        let threads: Vec<_> = halves.map(|half| scope.spawn(move || run(half))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("see above")).collect::<Vec<_>>()
    });
    let mut total = BTreeMap::<_, u64>::new();
    for (what, times) in sums.into_iter().flatten() {
        *total.entry(what).or_default() += times;
    }
    println!("{} seeds x {steps} steps: {total:?}", seeds.len());
    for what in DEEDS {
        assert!(
            total.get(what).is_some_and(|times| *times > 0) || seeds.len() < 20,
            "nothing of {what}"
        );
    }
}
