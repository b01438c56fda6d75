//! What the processes and the machine of the simulation do, and other programs.

use super::{PROCESSES, Server, World, as_claimed, settle_one};
use crate::error::Result;
use crate::model::{
    Actor, AttemptEnd, BatchId, ConcurrencyKey, Job, JobError, JobId, Kind, Lane, Lease, NewJob,
    Outcome, PollRequest, Queue, SettleRequest, Status, Timestamp, UniqueKey,
};
use crate::store::core::{enqueue, poll, queues, settle};
use crate::store::sql::{self, jobs, lease, workers};
use std::sync::Arc;
use std::time::Duration;

impl World {
    pub(super) fn enqueue(&mut self) {
        let kinds = Arc::clone(&self.kinds);
        let kind = self.rng.choice(kinds.iter()).unwrap().kind.clone();
        let mut job = NewJob::new(kind);
        if self.rng.u8(..10) == 0 {
            job.kind = Kind::parse("unknown").unwrap();
        }
        if self.rng.u8(..4) == 0 {
            job.run_at =
                Some(Timestamp::from_millis(self.now + i64::from(self.rng.u32(..600_000))));
        }
        if self.rng.u8(..4) == 0 {
            job.unique_key = UniqueKey::parse(format!("u{}", self.rng.u8(..5))).ok();
            job.unique_window = (self.rng.u8(..3) == 0).then_some(Duration::from_mins(10));
        }
        if self.rng.u8(..3) == 0 {
            job.concurrency_key = ConcurrencyKey::parse(format!("k{}", self.rng.u8(..3))).ok();
        }
        job.priority = (self.rng.u8(..4) == 0).then(|| self.rng.i32(-5..=5));
        if self.rng.u8(..4) == 0 {
            let known: Vec<JobId> = (0..3).filter_map(|_| self.any_job()).collect();
            let anyway = self.rng.bool();
            *(if anyway { &mut job.after_any } else { &mut job.after }) = known;
            *self.done.entry("after").or_default() += 1;
        }
        if self.rng.u8(..4) == 0 {
            job.batch = self.batch();
        }
        let now = Timestamp::from_millis(self.now);
        if let Some(enqueued) = self.call(|tx| enqueue::enqueue(tx, &job, now)) {
            self.acknowledged.entry(enqueued.id().0).or_insert(Status::Queued);
        }
    }

    /// One of the newest batches, or a new one; now and then one is closed.
    fn batch(&mut self) -> Option<BatchId> {
        let now = Timestamp::from_millis(self.now);
        if self.rng.u8(..5) == 0 {
            let then = NewJob {
                payload: self.batches.len().into(),
                ..NewJob::new(Kind::parse("plain").unwrap())
            };
            let made = self.call(|tx| sql::batches::open(tx, "by chance", Some(&then), now));
            self.batches.extend(made);
        }
        let newest = self.batches.len().saturating_sub(4);
        let id = self.rng.choice(self.batches[newest..].iter().copied())?;
        if self.rng.u8(..8) == 0 {
            self.call(|tx| sql::batches::close(tx, id, now));
        }
        Some(id)
    }

    /// Takes in the jobs that were made when batches were finished, each once.
    pub(super) fn hear_of_followers(&mut self) {
        const SQL: &str = "SELECT then_id FROM job_batches WHERE then_id > ?1";
        let mut statement = self.conn.prepare_cached(SQL).unwrap();
        let ids = statement.query_map([self.last_follower], |row| row.get(0)).unwrap();
        for id in ids.collect::<rusqlite::Result<Vec<i64>>>().unwrap() {
            self.last_follower = self.last_follower.max(id);
            self.acknowledged.insert(id, Status::Queued);
            *self.done.entry("batches").or_default() += 1;
        }
    }

    /// Another program adds a job; with a unique key now and then, and does not look first whether somebody holds it.
    pub(super) fn foreign_insert(&mut self) {
        let sql = "INSERT INTO jobs (kind, run_at, unique_key) VALUES (?1, ?2, ?3)";
        let kind = self.rng.choice(["plain", "once", "self_monitoring", "unknown"]).unwrap();
        let key = (self.rng.u8(..3) == 0).then(|| format!("u{}", self.rng.u8(..5)));
        match self.conn.execute(sql, (kind, self.now, key)) {
            Ok(_) => {
                self.acknowledged.insert(self.conn.last_insert_rowid(), Status::Queued);
            }
            Err(error) => {
                assert!(error.to_string().contains("another job holds this unique key"), "{error}");
            }
        }
    }

    /// One of the processes that do not stand still.
    pub(super) fn anybody(&mut self) -> Option<usize> {
        let awake = |server: &Server| !server.stands_still;
        let awake = (0..PROCESSES).filter(|at| self.processes[*at].as_ref().is_some_and(awake));
        self.rng.choice(awake.collect::<Vec<_>>())
    }

    pub(super) fn server(&mut self, at: usize) -> &mut Server {
        self.processes[at].as_mut().unwrap()
    }

    fn count(&self, sql: &str, params: impl rusqlite::Params) -> u32 {
        self.conn.query_row(sql, params, |row| row.get(0)).unwrap()
    }

    fn request(&mut self, at: usize) -> PollRequest {
        let server = self.processes[at].as_ref().unwrap();
        let of_queue = |queue: &Queue| {
            let sql = "SELECT count(*) FROM jobs WHERE status = 'running' AND worker_id = ?1 AND queue = ?2";
            self.count(sql, (server.worker.as_str(), queue.as_str()))
        };
        let lane =
            |queue: Queue, slots| Lane { running: of_queue(&queue), queue, slots: Some(slots) };
        PollRequest {
            worker: server.worker.clone(),
            kinds: Arc::clone(&server.kinds),
            lanes: vec![lane(Queue::DEFAULT, 3), lane(Queue::AGENT, 4)],
            running: server.running.iter().map(|lease| lease.id).collect(),
            draining: false,
            leads: server.leads,
            swept: Vec::new(),
            abandoned: Vec::new(),
        }
    }

    pub(super) fn poll(&mut self) {
        if let Some(at) = self.anybody() {
            self.poll_as(at);
        }
    }

    pub(super) fn poll_as(&mut self, at: usize) {
        let now = self.time(at);
        let request = self.request(at);
        let polled = self.call(|tx| {
            workers::expect_alive(tx, &request.worker)?;
            if let Some(epoch) = request.leads {
                workers::expect_leader(tx, &request.worker, epoch)?;
            }
            poll::poll(tx, &request, now)
        });
        let Some(polled) = polled else { return self.heed(at) };
        self.hear_of_occurrences();
        for (job, _) in &polled.rescued {
            // One that was judged lost, and has not heard of it yet, runs nothing that is its own.
            let is_alive =
                |server: &Server| workers::expect_alive(&self.conn, &server.worker).is_ok();
            let has = |server: &Server| server.running.iter().any(|lease| lease.id == job.id);
            let runs = |server: &Server| has(server) && is_alive(server);
            let runs = self.processes.iter().flatten().any(runs);
            assert!(!runs, "job {} was rescued while it ran", job.id);
        }
        // One answer in thirty never reaches the process: what was claimed is then nobody's.
        let heard = self.rng.u8(..30) != 0;
        for job in polled.claimed {
            let lease = job.lease().unwrap();
            assert!(self.claims.insert((job.id.0, job.epoch)), "job {} was claimed twice", job.id);
            let is_own = request.kinds.iter().any(|rules| rules.kind == job.kind);
            assert!(is_own, "a process claimed a job of {}, which it has no handler for", job.kind);
            self.check_limit(job.queue.as_ref().unwrap());
            let held = if heard { &mut self.server(at).running } else { &mut self.stale };
            held.push(lease);
        }
        if !heard {
            return;
        }
        for id in polled.cancelled {
            self.end(at, id, AttemptEnd::Stopped);
        }
    }

    /// The limit of a queue of which a job was just claimed holds over all processes.
    fn check_limit(&self, queue: &Queue) {
        let limit = sql::queues::get(&self.conn, queue).unwrap().said_limit();
        let sql = "SELECT count(*) FROM jobs WHERE status = 'running' AND queue = ?1";
        let running = self.count(sql, [queue.as_str()]);
        assert!(limit.is_none_or(|limit| running <= limit), "{running} of {queue} run, {limit:?}");
    }

    pub(super) fn settle(&mut self) {
        let Some(at) = self.anybody() else { return };
        let running = self.server(at).running.clone();
        let Some(id) = self.rng.choice(running.iter().map(|lease| lease.id)) else { return };
        let error = || JobError { code: "SIM-RUN-001".into(), message: "by chance".into() };
        let until = Timestamp::from_millis(self.now + 60_000);
        let end = match self.rng.u8(..20) {
            0..12 => AttemptEnd::Answered(Outcome::Done(1.into())),
            12..15 => AttemptEnd::Answered(Outcome::Failed(error())),
            15 => AttemptEnd::Answered(Outcome::Fatal(error())),
            16 => AttemptEnd::Answered(Outcome::Snooze(Duration::from_secs(90))),
            17 => AttemptEnd::Answered(Outcome::Limited { until, reason: "by chance".into() }),
            18 => AttemptEnd::TimedOut(error()),
            _ => AttemptEnd::Stopped,
        };
        if self.rng.u8(..3) == 0 {
            self.end_together(at);
        } else {
            self.end(at, id, end);
        }
    }

    /// Ends all that runs in a process in one call, and with it something whose lease is over: that one alone is refused.
    fn end_together(&mut self, process: usize) {
        let now = self.time(process);
        let running = self.server(process).running.clone();
        let stale = self.rng.choice(self.stale.iter()).cloned();
        let is_held = |lease: &Lease| {
            jobs::get(&self.conn, lease.id).unwrap().as_ref().and_then(Job::lease).as_ref()
                == Some(lease)
        };
        let stale = stale.filter(|lease| !is_held(lease));
        let completes = self.rng.bool();
        let outcome =
            || if completes { Outcome::Done(1.into()) } else { Outcome::Failed("together".into()) };
        let request = |lease: &Lease| SettleRequest {
            lease: lease.clone(),
            claimed: as_claimed(&self.conn, lease),
            end: AttemptEnd::Answered(outcome()),
            print: None,
            retry_after: Duration::from_secs(10),
            now,
        };
        let requests: Vec<_> = running.iter().chain(&stale).map(request).collect();
        // The writer asks for each by itself where together they are refused.
        let together = self.call(|tx| settle::settle(tx, &requests));
        let answers = match together {
            Some(answers) => answers,
            None if completes => {
                let mut one = |request| self.call(|tx| settle::settle(tx, &[request])?.remove(0));
                let lost = |request: SettleRequest| {
                    one(request.clone()).ok_or_else(|| lease::lost(&request.lease))
                };
                requests.iter().cloned().map(lost).collect()
            }
            None => return,
        };
        assert_eq!(answers.len(), requests.len());
        let refused = answers.last().filter(|_| stale.is_some()).is_none_or(Result::is_err);
        assert!(refused, "P9: a stale lease wrote: {stale:?}");
        for (lease, answer) in running.iter().zip(&answers) {
            let is = jobs::get(&self.conn, lease.id).unwrap().unwrap().status;
            let told = answer.as_ref().copied().unwrap_or(is);
            assert_eq!(is, told, "P1: job {} was said to be {told} and is {is}", lease.id);
        }
        let ended = |lease: &Lease| {
            running.iter().zip(&answers).any(|(of, answer)| of == lease && answer.is_ok())
        };
        let over: Vec<Lease> = running.iter().filter(|lease| ended(lease)).cloned().collect();
        self.server(process).running.retain(|lease| !over.contains(lease));
        self.stale.extend(over);
    }

    pub(super) fn end(&mut self, process: usize, id: JobId, end: AttemptEnd) {
        let now = self.time(process);
        let running = &mut self.processes[process].as_mut().unwrap().running;
        let Some(place) = running.iter().position(|lease| lease.id == id) else { return };
        let lease = running[place].clone();
        let wait = Duration::from_secs(10);
        if self.call(|tx| settle_one(tx, &lease, end, wait, now)).is_some() {
            let running = &mut self.processes[process].as_mut().unwrap().running;
            running.retain(|lease| lease.id != id);
            self.stale.push(lease);
        }
    }

    /// Takes in the jobs that occurrences made.
    fn hear_of_occurrences(&mut self) {
        const SQL: &str = "SELECT id FROM jobs WHERE schedule_id IS NOT NULL AND id > ?1";
        let newest = self.acknowledged.keys().next_back().copied().unwrap_or(0);
        let mut statement = self.conn.prepare_cached(SQL).unwrap();
        let ids = statement.query_map([newest], |row| row.get(0)).unwrap();
        for id in ids.collect::<rusqlite::Result<Vec<i64>>>().unwrap() {
            self.acknowledged.insert(id, Status::Queued);
            *self.done.entry("occurrences").or_default() += 1;
        }
    }

    pub(super) fn long_wait(&mut self) {
        self.now += self.rng.i64(0..3 * 3600 * 1000);
    }

    pub(super) fn first_open(&self) -> String {
        let sql = format!(
            "SELECT {} FROM jobs WHERE finished_at IS NULL AND kind <> 'unknown' LIMIT 1",
            jobs::COLUMNS
        );
        let job = self.conn.query_row(&sql, [], jobs::from_row).unwrap();
        format!("at {}: {job:#?}", self.now)
    }

    /// P6: with the clocks right and nothing in the way, everything comes to its end.
    pub(super) fn drain(&mut self) {
        for process in self.processes.iter_mut().flatten() {
            (process.skew_ms, process.stands_still) = (0, false);
        }
        self.conn.execute("UPDATE job_batches SET held = 0 WHERE open > 0", []).unwrap();
        self.conn
            .execute("UPDATE job_schedules SET paused_at = 0, paused_by = 'drain'", [])
            .unwrap();
        let open = "
            WITH RECURSIVE stuck (id) AS (
                SELECT id FROM jobs WHERE kind = 'unknown' AND finished_at IS NULL
                UNION
                SELECT a.job_id FROM stuck s JOIN job_after a ON a.after_id = s.id AND a.ended_as IS NULL)
            SELECT 1 FROM jobs WHERE finished_at IS NULL AND id NOT IN (SELECT id FROM stuck)";
        for _ in 0..1_000 {
            self.hear_of_followers();
            if !self.conn.prepare_cached(open).unwrap().exists([]).unwrap() {
                return;
            }
            self.now += 3600 * 1000;
            self.start();
            let now = Timestamp::from_millis(self.now);
            for queue in [Queue::DEFAULT, Queue::AGENT] {
                self.call(|tx| queues::set_limit(tx, &queue, None, &Actor::cli(), now));
                self.call(|tx| queues::resume(tx, &queue, &Actor::cli(), now));
            }
            for at in 0..PROCESSES {
                if self.processes[at].is_none() {
                    continue;
                }
                self.poll_as(at);
                let Some(server) = &self.processes[at] else { continue };
                for id in server.running.iter().map(|lease| lease.id).collect::<Vec<_>>() {
                    self.end(at, id, AttemptEnd::Answered(Outcome::Done(1.into())));
                }
            }
        }
        panic!("jobs were left waiting for ever: {}", self.first_open());
    }
}
