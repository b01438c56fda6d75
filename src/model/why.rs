//! Why a job is not running: a pure function over what is stored, and the only words for it.

mod around;
mod gate;
#[cfg(feature = "web")]
mod short;

pub use around::{Circumstances, PutOff, UsageLimit};
pub use gate::{Gate, Opening, Wait};
#[cfg(feature = "web")]
pub use short::Short;

use super::server_facts::SILENT;
use super::{ConcurrencyKey, Job, JobId, KindFacts, OverBudget, Status, Timestamp, WaitsFor, Zone};
use crate::error::Code;
use std::collections::BTreeMap;
use std::fmt;

/// Why a job is not running: every gate that stands, in the order in which an operator would open them. `Display` says it
/// in a sentence or two.
#[derive(Clone, Debug, PartialEq)]
pub struct Why {
    /// Which job.
    pub id: JobId,
    /// Where it is in its life.
    pub status: Status,
    /// Whether somebody asked it to end, while it runs.
    pub asked_to_end: bool,
    /// By its row it runs, but no process is at work.
    pub deserted: bool,
    /// Why it is not over although it was asked to end, if its handler says that.
    pub outlives: Option<String>,
    /// When its latest attempt began.
    pub started_at: Option<Timestamp>,
    /// What keeps it from starting. Of a job that runs: what puts it off in a moment, because only its handler meets that.
    pub gates: Vec<Gate>,
    /// Jobs of its queue that start before it, counted up to 1,000; on a page with jobs of several queues, in each up to its part.
    pub ahead: u64,
    /// Whether there are that many or more.
    pub ahead_is_least: bool,
    /// Jobs of its queue that could start now.
    pub room: u64,
    /// By whose clocks its sentences tell times; of UTC until [`Why::by`] says others.
    pub zone: Zone,
}

/// Says why a job is not running.
pub fn why(job: &Job, around: &Circumstances, now: Timestamp) -> Why {
    let room = around.queue.as_ref().map_or(1, |queue| i64::from(queue.limit()) - queue.running);
    let waits = match job.status {
        Status::Scheduled | Status::Queued => true,
        Status::Running | Status::Completed | Status::Failed | Status::Cancelled => false,
    };
    let look = Look { job, around, now };
    let gates = match job.status {
        _ if waits => look.gates(),
        Status::Running => look.gates_of_handler().collect(),
        Status::Scheduled
        | Status::Queued
        | Status::Completed
        | Status::Failed
        | Status::Cancelled => Vec::new(),
    };
    Why {
        id: job.id,
        status: job.status,
        asked_to_end: job.status == Status::Running && job.cancel_requested_at.is_some(),
        deserted: job.status == Status::Running && around.deserted,
        outlives: outlives(job),
        started_at: job.started_at,
        gates,
        ahead: around.ahead,
        ahead_is_least: around.ahead_is_least,
        room: u64::try_from(room).unwrap_or(0),
        zone: Zone::default(),
    }
}

/// What a running job says of itself under a code: why it cannot end.
fn outlives(job: &Job) -> Option<String> {
    let says = job.progress.as_ref().filter(|_| job.status == Status::Running)?;
    let code = Code::AgentTree;
    says.starts_with(&format!("[{code}] ")).then(|| says.clone())
}

/// One look at a job that waits.
struct Look<'a> {
    job: &'a Job,
    around: &'a Circumstances,
    now: Timestamp,
}

impl Look<'_> {
    /// Every gate that stands, in the order of [`Gate`].
    fn gates(&self) -> Vec<Gate> {
        let around = self.around;
        let approval =
            (around.approvals > 0).then_some(Gate::Approval { findings: around.approvals });
        let reason = around.agent_missing.clone();
        [
            self.engine(),
            around.stopped.clone().map(Gate::Stopped),
            self.handler(),
            self.admission(),
            reason.map(|reason| Gate::AgentMissing { reason }),
            approval,
            self.refusal(),
            self.after(),
            self.time(),
            self.budget(),
        ]
        .into_iter()
        .chain(self.gates_of_handler().map(Some))
        .chain([self.usage_limit(), self.pause(), self.limit(), self.key(), self.rate()])
        .flatten()
        .collect()
    }

    /// Those that the handler of a session meets after the session was claimed, and that put it off.
    fn gates_of_handler(&self) -> impl Iterator<Item = Gate> {
        let reserved = self.around.set_aside;
        // A key that is held says the same.
        let folder = self.around.folder_held.clone().filter(|_| self.key().is_none());
        let folder = folder.map(|(by, says)| Gate::FolderHeld { by, says });
        reserved.map(|reserved| Gate::SetAside { reserved }).into_iter().chain(folder)
    }

    fn is_early(&self) -> bool {
        !self.job.is_due(self.now)
    }

    fn kind(&self) -> Option<&KindFacts> {
        self.around.kinds.iter().find(|kind| kind.kind == self.job.kind.as_str())
    }

    fn engine(&self) -> Option<Gate> {
        let seen_at = self.around.seen_at;
        let is_silent = seen_at.is_none_or(|at| self.now.since(at) > SILENT);
        is_silent.then(|| Gate::NoEngine { kind: self.job.kind.clone(), seen_at })
    }

    fn handler(&self) -> Option<Gate> {
        let known: Vec<_> = self.around.kinds.iter().map(|kind| kind.kind.clone()).collect();
        let is_missing = if known.is_empty() {
            self.job.waits_for == Some(WaitsFor::Handler)
        } else {
            self.kind().is_none()
        };
        is_missing.then(|| Gate::NoHandler { kind: self.job.kind.clone(), known })
    }

    /// Where no engine runs or no handler is there, that is the reason and not a gate of its own.
    fn admission(&self) -> Option<Gate> {
        let is_new = match self.job.waits_for {
            Some(WaitsFor::Admission) => true,
            // Those that it ran after are over: it is called up at once.
            Some(WaitsFor::After) => self.after().is_none(),
            // Its handler came with this process: it is called up at once.
            Some(WaitsFor::Handler) => self.handler().is_none(),
            Some(WaitsFor::Key | WaitsFor::Rate | WaitsFor::Constraint) | None => false,
        };
        let waits_for_a_look = is_new && !self.is_early();
        (waits_for_a_look && self.engine().is_none() && self.handler().is_none())
            .then_some(Gate::NotAdmitted)
    }

    fn refusal(&self) -> Option<Gate> {
        let reason = match &self.around.put_off {
            Some(PutOff::Refused(reason)) => Some(reason.clone()),
            Some(PutOff::Retry | PutOff::Snooze | PutOff::Limited(_) | PutOff::Budget(_))
            | None => None,
        };
        (self.job.waits_for == Some(WaitsFor::Constraint)).then_some(Gate::Refused { reason })
    }

    fn after(&self) -> Option<Gate> {
        let (open, count) = (self.around.after.clone(), self.around.after_open);
        (count > 0).then_some(Gate::After { open, count })
    }

    fn time(&self) -> Option<Gate> {
        let job = self.job;
        let wait = match &self.around.put_off {
            // A limit and a budget are gates of their own.
            Some(PutOff::Limited(_) | PutOff::Budget(_)) => return None,
            Some(PutOff::Retry) => Wait::Retry { attempt: job.attempt },
            // What it waits for is a gate of its own.
            Some(PutOff::Snooze)
                if self.waits_for_agent() || self.gates_of_handler().next().is_some() =>
            {
                return None;
            }
            Some(PutOff::Snooze) => Wait::Snooze { says: job.progress.clone() },
            Some(PutOff::Refused(_)) | None => Wait::Delay,
        };
        self.is_early().then_some(Gate::Time { until: job.run_at, wait })
    }

    fn waits_for_agent(&self) -> bool {
        let code = Code::AgentMissing;
        let says = self.job.progress.as_ref();
        let is_said = says.is_some_and(|says| says.starts_with(&format!("[{code}] ")));
        is_said && self.around.agent_missing.is_some()
    }

    /// A budget does not hold the job if the budget's period ends before the job's time comes.
    fn budget(&self) -> Option<Gate> {
        let over = self.around.over_budget.clone();
        let parked = match &self.around.put_off {
            Some(PutOff::Budget(reason)) if self.is_early() => Some(reason.clone()),
            Some(
                PutOff::Budget(_)
                | PutOff::Retry
                | PutOff::Snooze
                | PutOff::Limited(_)
                | PutOff::Refused(_),
            )
            | None => None,
        };
        if let Some(reason) = parked {
            let setting = over.and_then(|over| over.setting);
            return Some(Gate::OverBudget(OverBudget { until: self.job.run_at, reason, setting }));
        }
        over.filter(|over| over.until > self.job.run_at).map(Gate::OverBudget)
    }

    fn usage_limit(&self) -> Option<Gate> {
        let queue = self.around.queue.as_ref()?.name.clone();
        if let Some(UsageLimit { reason, until }) = self.around.usage_limit.clone() {
            return Some(Gate::UsageLimit { queue, reason, until });
        }
        // The queue goes on, but this job was put off when the limit was met.
        let until = Some(self.job.run_at);
        match self.around.put_off.clone() {
            Some(PutOff::Limited(reason)) if self.is_early() => {
                Some(Gate::UsageLimit { queue, reason, until })
            }
            Some(
                PutOff::Limited(_)
                | PutOff::Retry
                | PutOff::Snooze
                | PutOff::Budget(_)
                | PutOff::Refused(_),
            )
            | None => None,
        }
    }

    fn pause(&self) -> Option<Gate> {
        let queue = self.around.queue.as_ref()?;
        queue.pause.clone().map(|pause| Gate::QueuePaused(queue.name.clone(), pause))
    }

    fn limit(&self) -> Option<Gate> {
        let queue = self.around.queue.as_ref()?;
        let (limit, holders) = (queue.limit(), self.around.queue_holders.clone());
        (queue.running >= i64::from(limit)).then(|| Gate::QueueFull {
            queue: queue.name.clone(),
            limit,
            holders,
        })
    }

    fn key(&self) -> Option<Gate> {
        let of_kind = self.kind().and_then(|kind| kind.key.as_deref());
        let key = of_kind.or(self.job.concurrency_key.as_ref().map(ConcurrencyKey::as_str))?;
        let holders = self.around.key_holders.clone();
        // Without a process that runs the kind its limit is not known; a kind allows one holder by default.
        let limit = self.kind().map_or(1, |kind| u64::from(kind.key_limit));
        let is_held = match (self.job.waits_for, self.job.status) {
            (Some(WaitsFor::Key), _) => true,
            // It stands in line, and holds a slot of the key itself.
            (None, Status::Queued) => false,
            // It has not asked for the key yet.
            (
                Some(
                    WaitsFor::Admission
                    | WaitsFor::Handler
                    | WaitsFor::After
                    | WaitsFor::Rate
                    | WaitsFor::Constraint,
                )
                | None,
                Status::Scheduled
                | Status::Queued
                | Status::Running
                | Status::Completed
                | Status::Failed
                | Status::Cancelled,
            ) => self.around.key_held >= limit,
        };
        is_held.then(|| Gate::KeyHeld { key: key.to_owned(), holders })
    }

    fn rate(&self) -> Option<Gate> {
        let rate = self.kind().and_then(|kind| kind.rate);
        (self.job.waits_for == Some(WaitsFor::Rate)).then(|| Gate::RateReached {
            kind: self.job.kind.clone(),
            rate,
            until: self.around.rate_free_at,
        })
    }
}

impl Why {
    /// Whether the job starts now: no gate holds it, and its queue has room for it and for all jobs before it. A job that
    /// was just stored, at which the engine looks next, counts too.
    pub fn starts_now(&self) -> bool {
        self.waits()
            && self.ahead < self.room
            && self.gates.iter().all(|gate| *gate == Gate::NotAdmitted)
    }

    /// Whether the job starts now, or has started since this time: the engine may claim it before anybody has read why it
    /// would wait.
    pub fn starts_now_since(&self, asked: Timestamp) -> bool {
        let runs = self.status == Status::Running && !self.asked_to_end && self.gates.is_empty();
        self.starts_now() || (runs && self.started_at.is_some_and(|at| at >= asked))
    }

    /// Whether nothing holds it and no job starts before it.
    pub fn starts_next(&self) -> bool {
        self.waits() && self.gates.is_empty() && self.ahead == 0
    }

    /// The same without the gate that opens in a moment, where another one stands: of a job that was just stored it is no
    /// news that the engine is about to look at it.
    #[must_use]
    pub fn of_a_new_job(mut self) -> Self {
        if self.gates.len() > 1 {
            self.gates.retain(|gate| *gate != Gate::NotAdmitted);
        }
        self
    }

    /// The same with times by the clocks of a zone.
    #[must_use]
    pub fn by(self, zone: Zone) -> Self {
        Self { zone, ..self }
    }

    /// The same for those of a list.
    #[must_use]
    pub fn all_by(whys: BTreeMap<JobId, Self>, zone: Zone) -> BTreeMap<JobId, Self> {
        whys.into_iter().map(|(id, why)| (id, why.by(zone))).collect()
    }

    /// Whether it waits: it has not begun, or was put off.
    pub fn waits(&self) -> bool {
        match self.status {
            Status::Scheduled | Status::Queued => true,
            Status::Running | Status::Completed | Status::Failed | Status::Cancelled => false,
        }
    }

    /// When the last of its gates opens by itself, if all of them do.
    pub fn until(&self) -> Option<Timestamp> {
        let times: Option<Vec<_>> = self.gates.iter().map(Gate::until).collect();
        times?.into_iter().max()
    }

    /// What opens its gates, in their order, each once.
    pub fn openings(&self) -> Vec<Opening> {
        let mut openings = Vec::new();
        for opening in self.gates.iter().map(|gate| gate.opening(self.id)) {
            if !openings.contains(&opening) {
                openings.push(opening);
            }
        }
        openings
    }

    /// One short line for lists and cards.
    pub fn headline(&self) -> String {
        match self.status {
            Status::Running if self.deserted => "was left by a process that is gone".to_owned(),
            Status::Running if self.asked_to_end => "runs, and was asked to end".to_owned(),
            Status::Running => "runs".to_owned(),
            Status::Completed | Status::Failed | Status::Cancelled => self.status.to_string(),
            Status::Scheduled | Status::Queued => match self.gates.as_slice() {
                [] if self.ahead == 0 => "is the next to start".to_owned(),
                [] => format!("waits: {}", self.line()),
                [gate] => format!("waits{}", gate.headline(self.zone)),
                [gate, more @ ..] => {
                    format!("waits{} (and {} more)", gate.headline(self.zone), more.len())
                }
            },
        }
    }

    /// How many jobs of its queue start before it, in a sentence, where something else holds it too: `Display` says it
    /// where nothing does.
    pub fn place_in_line(&self) -> Option<String> {
        let is_said = self.gates.is_empty() || self.ahead == 0;
        (self.waits() && !is_said).then(|| {
            let line = self.line();
            let (first, rest) = line.split_at(1);
            format!("{}{rest}.", first.to_uppercase())
        })
    }

    /// Its place in the line of its queue.
    fn line(&self) -> String {
        match self.ahead {
            0 => "it is the next to start".to_owned(),
            1 if !self.ahead_is_least => "one job of its queue starts before it".to_owned(),
            1000.. => "at least 1,000 jobs of its queue start before it".to_owned(),
            ahead if self.ahead_is_least => {
                format!("at least {ahead} jobs of its queue start before it")
            }
            ahead => format!("{ahead} jobs of its queue start before it"),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Status::Running if self.deserted => f.write_str(
                "It ran when its process was last heard of. No process is at work now: the next one that starts settles it.",
            ),
            Status::Running => {
                let asked = if self.asked_to_end { ", and was asked to end" } else { "" };
                write!(f, "It runs{asked}.")?;
                if let Some(gate) = self.gates.first() {
                    write!(f, " It is about to be put off: {}.", gate.clause(self.zone))?;
                }
                let Some(why) = &self.outlives else { return Ok(()) };
                write!(f, " It cannot end: {why}. {}", Code::AgentTree.remedy())
            }
            Status::Completed | Status::Failed | Status::Cancelled => {
                write!(f, "It is over: {}.", self.status)
            }
            Status::Scheduled | Status::Queued => match self.gates.as_slice() {
                [] => {
                    let line = self.line();
                    let (first, rest) = line.split_at(1);
                    write!(f, "{}{rest}.", first.to_uppercase())
                }
                [gate] => f.write_str(&gate.sentence(self.zone)),
                gates => {
                    let clauses: Vec<_> = gates.iter().map(|gate| gate.clause(self.zone)).collect();
                    let clauses = clauses.join("; ");
                    let end = if clauses.ends_with(['.', '!', '?']) { "" } else { "." };
                    write!(f, "{} things hold it: {clauses}{end}", count(gates.len()))
                }
            },
        }
    }
}

/// A small number as a sentence begins with it.
fn count(number: usize) -> String {
    const WORDS: [&str; 11] = [
        "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve",
    ];
    let word = number.checked_sub(2).and_then(|at| WORDS.get(at));
    word.map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Kind, KindRules, Pause, Queue, QueueState};
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const LATER: Timestamp = Timestamp::from_millis(2_000_000);
    const MIDNIGHT: Timestamp = Timestamp::from_millis(3_000_000);

    fn job() -> Job {
        Job {
            id: JobId(7),
            concurrency_key: Some(ConcurrencyKey::parse("printer").unwrap()),
            ..Job::for_tests()
        }
    }

    fn pause(by: &str, reason: &str) -> Pause {
        Pause { at: NOW, by: by.into(), reason: reason.into(), resume_at: None }
    }

    fn kind(name: &str) -> KindFacts {
        KindFacts::of(&KindRules::new(Kind::parse(name).unwrap()))
    }

    /// Nothing holds the job.
    fn around() -> Circumstances {
        let queue = QueueState {
            name: Queue::DEFAULT,
            engine_limit: Some(2),
            operator_limit: None,
            limit_set: None,
            slots: 0,
            pause: None,
            scheduled: 0,
            queued: 1,
            running: 1,
        };
        Circumstances {
            seen_at: Some(NOW),
            kinds: vec![kind("x")],
            queue: Some(queue),
            queue_holders: vec![JobId(3)],
            ..Circumstances::default()
        }
    }

    type Close = fn(&mut Job, &mut Circumstances);

    /// Every gate that circumstances of any kind can close, in their order: its word, its clause, and what closes it.
    const GATES: [(&str, &str, Close); 10] = [
        ("stopped", "all queues were stopped by ada: fire drill", |_, around| {
            around.stopped = Some(pause("ada", "fire drill"));
        }),
        ("no_handler", "no worker handles x (workers handle y)", |_, around| {
            around.kinds = vec![kind("y")];
        }),
        ("approval", "2 findings wait for a person's approval", |_, around| around.approvals = 2),
        ("after", "it runs after job 5, job 6 and 3 more", |_, around| {
            (around.after, around.after_open) = (vec![JobId(5), JobId(6)], 5);
        }),
        ("time", "it starts at 1 Jan 00:33:20 UTC", |job, _| {
            (job.status, job.run_at, job.waits_for) = (Status::Scheduled, LATER, None);
        }),
        (
            "budget",
            "it waits until 1 Jan 00:50:00 UTC: the budget of today is used up",
            |_, around| {
                let reason = "the budget of today is used up".to_owned();
                let setting = Some("agent.budget_day_usd");
                around.over_budget = Some(OverBudget { until: MIDNIGHT, reason, setting });
            },
        ),
        (
            "usage_limit",
            "the queue default waits until 1 Jan 00:50:00 UTC for a limit to be lifted: five hours",
            |_, around| {
                around.usage_limit =
                    Some(UsageLimit { reason: "five hours".into(), until: Some(MIDNIGHT) });
            },
        ),
        ("queue_paused", "the queue default is paused by bob: disk being moved", |_, around| {
            around.queue.as_mut().unwrap().pause = Some(pause("bob", "disk being moved."));
        }),
        ("queue_full", "the queue default is full, 1 at a time: job 3", |_, around| {
            around.queue.as_mut().unwrap().operator_limit = Some(1);
        }),
        ("key_held", "its concurrency key printer is held by job 4", |job, around| {
            job.waits_for = (job.status == Status::Queued).then_some(WaitsFor::Key);
            (around.key_holders, around.key_held) = (vec![JobId(4)], 1);
        }),
    ];

    #[test]
    fn every_set_of_gates_is_told_whole_in_order_and_only_the_empty_one_starts() {
        for set in 0..1_u32 << GATES.len() {
            let closed: Vec<_> =
                (0..GATES.len()).filter(|at| set >> at & 1 == 1).map(|at| GATES[at]).collect();
            let (mut job, mut around) = (job(), around());
            for (_, _, close) in &closed {
                close(&mut job, &mut around);
            }
            let why = why(&job, &around, NOW);
            let words: Vec<_> = why.gates.iter().map(Gate::word).collect();
            let wanted: Vec<_> = closed.iter().map(|(word, ..)| *word).collect();
            assert_eq!(words, wanted);
            let (said, headline) = (why.to_string(), why.headline());
            assert_eq!(said == "It is the next to start.", closed.is_empty(), "{said}");
            assert_eq!(headline == "is the next to start", closed.is_empty(), "{headline}");
            assert_eq!(why.starts_now(), closed.is_empty(), "{said}");
            for (word, clause, _) in &closed {
                let lower = said.to_lowercase();
                assert_eq!(lower.matches(&clause.to_lowercase()).count(), 1, "{word}: {said}");
            }
            let many = ["Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten"];
            match closed.len() {
                0 | 1 => assert!(!said.contains("things hold it"), "{said}"),
                more => assert!(said.starts_with(many[more - 2]), "{said}"),
            }
            assert!(said.ends_with('.') && !said.contains(".;") && !said.contains(".."), "{said}");
            let openings = why.openings();
            assert!(openings.len() <= closed.len() && openings.is_empty() == closed.is_empty());
            assert!(openings.iter().all(|opening| opening.to_string().ends_with('.')));
        }
    }

    #[test]
    fn a_gate_names_who_holds_it_until_when_and_what_opens_it() {
        let told = |close: Close| {
            let (mut job, mut around) = (job(), around());
            close(&mut job, &mut around);
            let gate = why(&job, &around, NOW).gates.remove(0);
            (gate.holders().to_vec(), gate.until(), gate.opening(JobId(7)))
        };
        let of = |word: &str| told(GATES.iter().find(|gate| gate.0 == word).unwrap().2);
        let none = Vec::new();
        assert_eq!(of("stopped"), (none.clone(), None, Opening::ResumeAll));
        let register = Opening::RegisterHandler(Kind::parse("x").unwrap());
        assert_eq!(of("no_handler"), (none.clone(), None, register));
        assert_eq!(of("approval"), (none.clone(), None, Opening::Approve));
        let earlier = vec![JobId(5), JobId(6)];
        assert_eq!(of("after"), (earlier, None, Opening::AwaitEarlier));
        assert_eq!(of("time"), (none.clone(), Some(LATER), Opening::RunNow(JobId(7))));
        let raise = Opening::RaiseBudget(Some("agent.budget_day_usd"));
        assert_eq!(of("budget"), (none.clone(), Some(MIDNIGHT), raise));
        let resume = Opening::ResumeQueue(Queue::DEFAULT);
        assert_eq!(of("usage_limit"), (none.clone(), Some(MIDNIGHT), resume.clone()));
        assert_eq!(of("queue_paused"), (none, None, resume));
        let raise = Opening::RaiseLimit(Queue::DEFAULT);
        assert_eq!(of("queue_full"), (vec![JobId(3)], None, raise));
        let cancel = Opening::CancelHolder(vec![JobId(4)]);
        assert_eq!(of("key_held"), (vec![JobId(4)], None, cancel));
    }

    #[test]
    fn processes_that_are_gone_or_have_been_silent_for_long_are_named_first() {
        let silent = Circumstances { seen_at: Some(Timestamp::from_millis(0)), ..around() };
        let hangs = why(&job(), &silent, NOW);
        let seen_at = Some(Timestamp::from_millis(0));
        assert_eq!(hangs.gates, [Gate::NoEngine { kind: job().kind, seen_at }]);
        assert_eq!(hangs.openings(), [Opening::EndProcess]);
        let mut none = Circumstances { seen_at: None, kinds: Vec::new(), ..around() };
        none.stopped = Some(pause("ada", "x"));
        let new = Job { waits_for: Some(WaitsFor::Admission), ..job() };
        let said = why(&new, &none, NOW).to_string();
        assert_eq!(
            said,
            "Two things hold it: no process runs jobs; all queues were stopped by ada: x."
        );
    }

    #[test]
    fn what_put_a_job_off_is_told_once_as_what_it_is() {
        let put_off = |put_off| Circumstances { put_off: Some(put_off), ..around() };
        let progress = Some("The printer is warm in an hour.".to_owned());
        let later = Job { status: Status::Scheduled, run_at: LATER, attempt: 2, progress, ..job() };
        let said = |around: &Circumstances| {
            let why = why(&later, around, NOW);
            assert_eq!(why.gates.len(), 1, "{why}");
            (why.to_string(), why.headline())
        };
        let at = "1 Jan 00:33:20 UTC";
        let (retry, short) = said(&put_off(PutOff::Retry));
        assert_eq!(retry, format!("Attempt 2 failed and it is tried again at {at}."));
        assert_eq!(short, format!("waits until {at}: attempt 2 failed"));
        let (snooze, _) = said(&put_off(PutOff::Snooze));
        assert_eq!(
            snooze,
            format!("It asked to be tried again at {at}: The printer is warm in an hour.")
        );
        let (limited, _) = said(&put_off(PutOff::Limited(String::new())));
        assert_eq!(
            limited,
            format!("The queue default waits until {at} for a limit to be lifted.")
        );
        let (budget, short) = said(&put_off(PutOff::Budget("the budget is used up".into())));
        assert_eq!(budget, format!("It waits until {at}: the budget is used up."));
        assert_eq!(short, format!("waits until {at}: the budget is used up"));
    }

    #[test]
    fn a_budget_that_is_renewed_before_its_time_comes_does_not_hold_a_job() {
        let (mut waits, mut around) = (job(), around());
        GATES[5].2(&mut waits, &mut around);
        let late = Job {
            status: Status::Scheduled,
            run_at: MIDNIGHT.plus(Duration::from_secs(1)),
            ..waits
        };
        let words: Vec<_> = why(&late, &around, NOW).gates.iter().map(Gate::word).collect();
        assert_eq!(words, ["time"]);
    }

    #[test]
    fn a_job_that_was_just_stored_starts_now_if_only_the_look_is_missing_and_there_is_room() {
        let new = Job { waits_for: Some(WaitsFor::Admission), ..job() };
        let seen = why(&new, &around(), NOW);
        assert_eq!(seen.to_string(), "It was just added, and is placed within a second.");
        assert!(seen.starts_now() && seen.starts_now_since(NOW));
        let claimed = Job { status: Status::Running, started_at: Some(NOW), ..job() };
        let seen = why(&claimed, &around(), NOW);
        assert!(!seen.starts_now() && seen.starts_now_since(NOW));
        assert!(!seen.starts_now_since(NOW.plus(Duration::from_millis(1))), "it ran before");
        let behind = Circumstances { ahead: 1, ..around() };
        let far = Circumstances { ahead: 100, ahead_is_least: true, ..around() };
        let far = why(&Job::for_tests(), &far, NOW).headline();
        assert_eq!(far, "waits: at least 100 jobs of its queue start before it");
        assert!(!why(&new, &behind, NOW).starts_now(), "the queue has room for one");
        let line = why(&job(), &behind, NOW);
        assert_eq!(line.to_string(), "One job of its queue starts before it.");
        let unrun = Job { waits_for: Some(WaitsFor::Handler), ..job() };
        assert_eq!(why(&unrun, &around(), NOW).gates, [Gate::NotAdmitted], "its handler is there");
    }

    #[test]
    fn a_job_that_does_not_wait_has_no_gates() {
        let mut stopped = around();
        stopped.stopped = Some(pause("ada", "x"));
        let running = Job { status: Status::Running, ..job() };
        assert_eq!(why(&running, &stopped, NOW).to_string(), "It runs.");
        let gone = Circumstances { deserted: true, ..stopped.clone() };
        let left = why(&running, &gone, NOW);
        assert!(left.to_string().ends_with("the next one that starts settles it."), "{left}");
        assert_eq!(left.headline(), "was left by a process that is gone");
        let asked = Job { cancel_requested_at: Some(NOW), ..running };
        assert_eq!(why(&asked, &stopped, NOW).to_string(), "It runs, and was asked to end.");
        let over = Job { status: Status::Failed, ..asked };
        assert_eq!(why(&over, &stopped, NOW).to_string(), "It is over: failed.");
        assert_eq!(why(&over, &stopped, NOW).headline(), "failed");
    }
}
