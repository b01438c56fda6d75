//! What the hot paths cost: how many statements they run, whatever the number of jobs, and by which plans.
//!
//! `LAMPLIGHTER_BLESS=1 cargo test --lib store::sql::statements` writes plans.txt anew.

mod hot;
mod plans;

use super::simulation::database;
use super::{after, batches};
use crate::model::settings::BUDGET_DAY;
use crate::model::{
    Actor, AttemptEnd, ConcurrencyKey, Epoch, Job, Kind, KindRules, Lane, NewJob, Occurrence,
    Outcome, PollRequest, Polled, Process, ProcessFacts, Queue, Rate, Registration, SettleRequest,
    Timestamp, WorkerId,
};
use crate::store::core::{self, cancel, enqueue, poll, settle};
use crate::store::sqlite::Tx;
use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// The most statements of one poll, those of the counts and of the figures included, whatever the sets that each is run over.
const MOST: usize = 15;
const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// Jobs that one poll admits, finds due or puts off, of each at most.
const MAX_OF_EACH: usize = 1000;

thread_local! {
    static RUN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    /// How often all of them were run.
    static TIMES: Cell<usize> = const { Cell::new(0) };
}

/// Notes each statement that SQLite begins to run, once for all sets that it is run over; the statements of triggers come as
/// comments.
#[expect(clippy::needless_pass_by_value, reason = "SQLite's tracer wants it so")]
fn note(event: TraceEvent<'_>) {
    if let TraceEvent::Stmt(_, sql) = event
        && !sql.starts_with("--")
    {
        let sql = over_one_row(sql);
        TIMES.set(TIMES.get() + 1);
        RUN.with_borrow_mut(|run| {
            if !run.contains(&sql) {
                run.push(sql);
            }
        });
    }
}

/// A statement over a set of rows as it is over one of them.
fn over_one_row(sql: &str) -> String {
    let parts = sql.split_once("(VALUES ").and_then(|(head, set)| {
        let (rows, tail) = set.split_once(") m\n")?;
        Some((head, rows.split_inclusive(')').next()?, tail))
    });
    let of = |(head, row, tail)| format!("{head}(VALUES {row}) m\n{tail}");
    parts.map_or_else(|| sql.to_owned(), of)
}

/// A database with one worker, which leads.
struct World {
    conn: Connection,
    request: PollRequest,
}

fn kind(name: &str) -> Kind {
    Kind::parse(name).unwrap()
}

impl World {
    fn new(slots: u32) -> Self {
        let conn = database();
        let rules =
            |name| KindRules { queue: Queue::parse(name).unwrap(), ..KindRules::new(kind(name)) };
        let kinds = vec![
            rules("plain"),
            rules("keyed"),
            KindRules { rate: Some(Rate::per(Duration::from_secs(20), 1)), ..rules("rated") },
            KindRules { metered: true, ..rules("metered") },
            KindRules { concurrency_key: ConcurrencyKey::parse("fixed").ok(), ..rules("fixed") },
        ];
        let worker = WorkerId::parse("w").unwrap();
        let registration = Registration {
            worker: worker.clone(),
            process: Process { pid: 1, start: None },
            is_server: true,
            kinds: kinds.clone().into(),
            limits: Vec::new(),
            slots,
            replaces: None,
        };
        let tx = Tx::new(&conn);
        core::workers::register(&tx, &registration, &ProcessFacts::default(), "1:1", START)
            .unwrap();
        core::workers::lead(&tx, &worker, Epoch(0), None, START).unwrap();
        core::settings::set(&tx, BUDGET_DAY.key, &1.into(), &Actor::cli(), START).unwrap();
        let lanes = kinds.iter().map(|rules| Lane {
            queue: rules.queue.clone(),
            running: 0,
            slots: Some(slots),
        });
        let request = PollRequest {
            worker,
            lanes: lanes.collect(),
            kinds: kinds.clone().into(),
            running: Vec::new(),
            draining: false,
            leads: Some(Epoch(1)),
            swept: Vec::new(),
            abandoned: Vec::new(),
        };
        conn.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(note));
        Self { conn, request }
    }

    fn call<T>(&self, run: impl FnOnce(&Tx<'_>) -> crate::Result<T>) -> T {
        let tx = Tx::new(&self.conn);
        let answer = run(&tx).unwrap();
        tx.into_differences().write(&self.conn).unwrap();
        answer
    }

    fn add(&self, name: &str, run_at: Option<Timestamp>, key: Option<&str>) {
        let concurrency_key = key.map(|key| ConcurrencyKey::parse(key).unwrap());
        let job = NewJob { run_at, concurrency_key, ..NewJob::new(kind(name)) };
        self.call(|tx| enqueue::enqueue(tx, &job, START));
    }

    /// Polls; answers also which statements that took.
    fn poll(&self, request: &PollRequest, now: Timestamp) -> (Polled, Vec<String>) {
        RUN.take();
        TIMES.set(0);
        let polled = self.call(|tx| poll::poll(tx, request, now));
        // Ten sets of jobs at most are moved, 32 rows a run, and five lines are read.
        let jobs = polled.claimed.len() + 10 * MAX_OF_EACH;
        assert!(TIMES.get() <= MOST + 5 + jobs / 32, "{} runs", TIMES.get());
        (polled, RUN.take())
    }

    fn settle(&self, jobs: &[Job], now: Timestamp) -> Vec<String> {
        let outcome = |at: usize| match at % 3 {
            0 => Outcome::Done(1.into()),
            1 => Outcome::Failed("no".into()),
            _ => Outcome::Snooze(Duration::from_mins(1)),
        };
        let request = |(at, job): (usize, &Job)| SettleRequest {
            lease: job.lease().unwrap(),
            claimed: (at % 6 == 0).then(|| Arc::new(job.clone())),
            end: AttemptEnd::Answered(outcome(at)),
            print: None,
            retry_after: Duration::from_secs(10),
            now,
        };
        let requests: Vec<_> = jobs.iter().enumerate().map(request).collect();
        RUN.take();
        let answers = self.call(|tx| settle::settle(tx, &requests));
        assert!(answers.iter().all(Result::is_ok));
        RUN.take()
    }

    /// Jobs in each state: delayed ones that come due, new ones, some that wait for one key, metered ones of which a budget
    /// forbids the start, some without a handler, and some that can start. Answers the statements of the poll that meets
    /// them all, and what it claimed.
    fn everything(&self, many: u32) -> (Vec<Job>, Vec<String>) {
        let batch = Some(self.call(|tx| batches::open(tx, "all", None, START)));
        let counted = NewJob { batch, ..NewJob::new(kind("plain")) };
        for at in 0..many {
            self.add("plain", Some(START.plus(Duration::from_mins(1))), None);
            self.add("keyed", None, Some("one"));
            self.add("rated", None, None);
            self.call(|tx| enqueue::enqueue(tx, &counted, START));
            self.add("unknown", Some(START.plus(Duration::from_mins(1))), Some(&format!("k{at}")));
        }
        let idle = PollRequest { draining: true, ..self.request.clone() };
        while self.poll(&idle, START).0.more {}
        let mut metered = NewJob { run_at: Some(START), ..NewJob::new(kind("metered")) };
        metered.occurrence = Some(Occurrence { schedule_id: 1, at: START });
        self.call(|tx| enqueue::enqueue(tx, &metered, START));
        // The kind uses another key than this job asks for, and its limit has been raised.
        self.add("fixed", None, Some("two"));
        let spend = "INSERT INTO job_spend (day, kind, schedule_id, cost_usd, runs) VALUES (?1, 'metered', 0, 2.0, 1)";
        self.conn.execute(spend, [crate::model::day_of(START)]).unwrap();
        self.precede(many);
        for at in 0..many {
            self.add("plain", None, None);
            self.add("metered", None, None);
            self.add("keyed", None, Some(&format!("k{at}")));
            self.add("unknown", None, None);
            self.add("rated", None, None);
        }
        let mut request = self.request.clone();
        let (mut claimed, mut widest) = (Vec::new(), Vec::new());
        loop {
            let (polled, run) = self.poll(&request, START.plus(Duration::from_mins(1)));
            request.running.extend(polled.claimed.iter().map(|job| job.id));
            claimed.extend(polled.claimed);
            if run.len() > widest.len() {
                widest = run;
            }
            if !polled.more {
                return (claimed, widest);
            }
        }
    }

    /// Jobs that run after others, some of which have ended when the next poll looks.
    fn precede(&self, many: u32) {
        let id = |job: &NewJob| self.call(|tx| enqueue::enqueue(tx, job, START)).id();
        let plain = NewJob::new(kind("plain"));
        let first = NewJob { run_at: Some(START.plus(Duration::from_hours(9))), ..plain.clone() };
        let (first, open) = (id(&first), id(&first));
        for _ in 0..many {
            id(&plain.clone().after([first]));
            id(&plain.clone().after_any([first, open]));
        }
        self.call(|tx| cancel::cancel(tx, first, &Actor::cli(), START));
        while self.call(|tx| after::tell_ends(tx, 1000)) {}
    }

    fn count(&self, condition: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM jobs WHERE {condition}");
        self.conn.query_row(&sql, [], |row| row.get(0)).unwrap()
    }
}

#[test]
fn a_poll_runs_at_most_fifteen_statements_whatever_it_admits_puts_off_and_claims() {
    let mut said = Vec::new();
    for many in [1, 100, 1000] {
        let world = World::new(10_000);
        let (_, run) = world.everything(many);
        println!("{many} jobs in each state: {} statements", run.len());
        assert!(run.len() <= MOST, "{} statements: {run:#?}", run.len());
        let many = i64::from(many);
        assert_eq!(world.count("parked_by = 'budget'"), many + 1, "the budget puts off all");
        assert_eq!(world.count("waits_for = 'key'"), many - 1, "one of the key starts");
        assert_eq!(world.count("waits_for = 'handler'"), 2 * many);
        assert_eq!(world.count("waits_for = 'rate'"), 2 * many - 1, "one in twenty seconds starts");
        assert_eq!(world.count("status = 'running'"), 4 * many + 3);
        assert_eq!(world.count("waits_for = 'after'"), many, "they wait for another one too");
        assert_eq!(world.count("status = 'cancelled'"), many + 1);
        said.push(run.len());
    }
    assert!(said.iter().all(|count| *count == said[0]), "{said:?}");
}

thread_local! {
    /// Hundreds of steps that SQLite's machine has made.
    static STEPS: Cell<u64> = const { Cell::new(0) };
}

/// The steps of SQLite's machine, in hundreds, of a poll that claims ten jobs and of their ends, beside so many others: ready
/// ones of the same instant, delayed ones, and those that wait for a key, a rate or a handler.
fn steps_beside(many: u32) -> u64 {
    let world = World::new(10);
    for at in 0..many {
        world.add("plain", None, None);
        world.add("plain", Some(START.plus(Duration::from_mins(60 + u64::from(at) % 7))), None);
        world.add("keyed", None, Some("one"));
        world.add("rated", None, None);
        world.add("unknown", None, None);
    }
    let idle = PollRequest { draining: true, ..world.request.clone() };
    while world.poll(&idle, START).0.more {}
    let stepped = || {
        STEPS.set(STEPS.get() + 1);
        false
    };
    world.conn.progress_handler(100, Some(stepped)).unwrap();
    STEPS.set(0);
    let (polled, _) = world.poll(&world.request, START);
    let plain: Vec<Job> =
        polled.claimed.into_iter().filter(|job| job.kind == kind("plain")).collect();
    assert_eq!(plain.len(), 10);
    world.settle(&plain, START);
    world.conn.progress_handler(0, None::<fn() -> bool>).unwrap();
    STEPS.get()
}

#[test]
fn a_claim_and_its_ends_cost_the_same_beside_a_hundred_jobs_and_beside_five_thousand() {
    let (few, many) = (steps_beside(100), steps_beside(5_000));
    println!("{few} hundred steps beside 100 jobs of each state, {many} beside 5,000");
    assert!(few > 0 && many <= few * 3 / 2, "{few} and {many} hundred steps");
}

#[test]
fn settlements_together_run_the_same_statements_as_one_by_itself() {
    let mut said = BTreeSet::new();
    for many in [3, 100, 1000] {
        let world = World::new(10_000);
        let (running, _) = world.everything(many);
        let run = world.settle(&running, START.plus(Duration::from_secs(90)));
        assert_eq!(world.count("status = 'running'"), 0);
        println!("{} settlements: {} statements", running.len(), run.len());
        assert!(run.len() <= MOST, "{run:#?}");
        said.insert(run.len());
    }
    assert_eq!(said.len(), 1, "{said:?}");
}
