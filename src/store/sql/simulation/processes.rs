//! How the processes of the simulation begin, end, stand still, lead and are judged lost.

use super::settle_one;
use super::{PROCESSES, Server, World};
use crate::model::{
    AttemptEnd, KindRules, Outcome, Process, ProcessFacts, Queue, Registration, Timestamp, WorkerId,
};
use crate::store::core;
use crate::store::sql::{jobs, unblock, workers};
use std::sync::Arc;
use std::time::Duration;

const DAY_MS: i64 = 24 * 3600 * 1000;

impl World {
    /// What a process does whose write was refused, for whatever reason: it looks whether it is lost, or leads no more.
    pub(super) fn heed(&mut self, at: usize) {
        let (worker, leads) = (self.server(at).worker.clone(), self.server(at).leads);
        if workers::expect_alive(&self.conn, &worker).is_err() {
            // Everything that it ran ends, and it begins anew.
            let lost = std::mem::take(&mut self.server(at).running);
            *self.done.entry("leases lost").or_default() += lost.len() as u64;
            self.stale.extend(lost);
            self.begin(at, Some(worker));
        } else if leads.is_some_and(|e| workers::expect_leader(&self.conn, &worker, e).is_err()) {
            self.server(at).leads = None;
        }
    }

    pub(super) fn crash(&mut self) {
        let victim = self.rng.usize(..PROCESSES);
        if let Some(process) = self.processes[victim].take() {
            self.stale.extend(process.running);
        }
    }

    /// A process ends on purpose: what it runs is queued again, and its row goes.
    pub(super) fn stop(&mut self) {
        let Some(at) = self.anybody() else { return };
        let (worker, now) = (self.server(at).worker.clone(), self.time(at));
        if let Some(epoch) = self.server(at).leads.take() {
            self.call(|tx| workers::resign(tx, &worker, epoch));
        }
        for id in self.server(at).running.iter().map(|lease| lease.id).collect::<Vec<_>>() {
            self.end(at, id, AttemptEnd::Stopped);
        }
        // What could not be saved is lost with the row.
        self.call(|tx| core::workers::retire(tx, &worker, now));
        let process = self.processes[at].take().unwrap();
        self.stale.extend(process.running);
    }

    pub(super) fn stand_still(&mut self) {
        if let Some(at) = self.anybody() {
            self.server(at).stands_still = true;
        }
    }

    /// P9: a process that stood still goes on, and first writes what it was about to write. If it was judged lost, nothing
    /// of that is saved, and it begins anew.
    pub(super) fn go_on(&mut self) {
        let still = |server: &Server| server.stands_still;
        let at = (0..PROCESSES).find(|at| self.processes[*at].as_ref().is_some_and(still));
        let Some(at) = at else { return };
        self.server(at).stands_still = false;
        let worker = self.server(at).worker.clone();
        let is_lost = workers::expect_alive(&self.conn, &worker).is_err();
        if let Some(lease) = self.server(at).running.first().cloned() {
            let now = self.time(at);
            let end = AttemptEnd::Answered(Outcome::Done("late".into()));
            let before = jobs::get(&self.conn, lease.id).unwrap();
            let wait = Duration::from_secs(10);
            let saved = self.call(|tx| settle_one(tx, &lease, end, wait, now));
            if is_lost {
                assert!(saved.is_none(), "P9: a worker that is lost wrote under {lease:?}");
                assert_eq!(jobs::get(&self.conn, lease.id).unwrap(), before, "P9");
            } else if saved.is_some() {
                self.server(at).running.retain(|held| held.id != lease.id);
                self.stale.push(lease);
            }
        }
        if is_lost {
            self.poll_as(at);
            let is_new = |server: &Server| server.worker != worker;
            assert!(self.processes[at].as_ref().is_none_or(is_new), "it works under a new name");
        }
    }

    /// The leader buries who crashed or stands still; where none leads, somebody takes the lead.
    pub(super) fn judge(&mut self) {
        let Some(at) = self.anybody() else { return };
        let (me, now) = (self.server(at).worker.clone(), self.time(at));
        let leader = workers::leader(&self.conn).unwrap();
        if leader.worker.as_ref() != Some(&me) {
            let is_leader = |server: &&Server| Some(&server.worker) == leader.worker.as_ref();
            let there = self.processes.iter().flatten().find(is_leader);
            if there.is_some_and(|server| !server.stands_still) {
                return;
            }
            // One that crashed is known to be dead; one that stands still is judged by the new leader.
            let died = leader.worker.clone().filter(|_| there.is_none());
            let lead =
                self.call(|tx| core::workers::lead(tx, &me, leader.epoch, died.as_ref(), now));
            let Some(epoch) = lead else { return self.heed(at) };
            self.server(at).leads = Some(epoch.expect("nobody was faster"));
        }
        let Some(epoch) = self.server(at).leads else { return };
        let lives = |id: &WorkerId| {
            let mut awake = self.processes.iter().flatten().filter(|server| !server.stands_still);
            awake.any(|server| server.worker == *id)
        };
        let rows = workers::all(&self.conn).unwrap();
        let gone = rows.into_iter().filter(|row| !lives(&row.id)).map(|row| (row.id, row.beat));
        let gone: Vec<_> = gone.collect();
        let buried = self.call(|tx| core::workers::bury(tx, (&me, epoch), &gone, now));
        if buried.is_none() {
            self.heed(at);
        }
    }

    pub(super) fn start(&mut self) {
        for at in 0..PROCESSES {
            if self.processes[at].is_none() {
                self.begin(at, None);
            }
        }
        self.judge();
    }

    /// A process registers; in vain if the commit fails.
    fn begin(&mut self, at: usize, replaces: Option<WorkerId>) {
        self.started += 1;
        let worker = WorkerId::parse(format!("w{}", self.started)).unwrap();
        let some = |rules: &&KindRules| ["plain", "rated", "keyed"].contains(&rules.kind.as_str());
        let kinds: Arc<[KindRules]> = if at + 1 == PROCESSES {
            self.kinds.iter().filter(some).cloned().collect()
        } else {
            Arc::clone(&self.kinds)
        };
        let now = match &self.processes[at] {
            Some(_) => self.time(at),
            None => Timestamp::from_millis(self.now),
        };
        let registration = Registration {
            worker: worker.clone(),
            process: Process { pid: 1, start: None },
            is_server: false,
            kinds: Arc::clone(&kinds),
            limits: vec![(Queue::DEFAULT, 5), (Queue::AGENT, 4)],
            slots: 10,
            replaces,
        };
        let registered = self.call(|tx| {
            core::workers::register(tx, &registration, &ProcessFacts::default(), "1:1", now)?;
            let mut after = Some(String::new());
            while let Some(from) = after {
                after = unblock::unblock(tx, &kinds, &from)?;
            }
            Ok(())
        });
        let skew_ms = self.processes[at].as_ref().map_or(0, |server| server.skew_ms);
        self.processes[at] = registered.map(|()| Server {
            worker,
            kinds,
            skew_ms,
            running: Vec::new(),
            leads: None,
            stands_still: false,
        });
    }

    pub(super) fn clock_jump(&mut self) {
        let jump = self.rng.i64(-DAY_MS..DAY_MS);
        let place = self.rng.usize(..PROCESSES);
        if let Some(process) = &mut self.processes[place] {
            process.skew_ms = if process.skew_ms == 0 { jump } else { 0 };
        }
    }
}
