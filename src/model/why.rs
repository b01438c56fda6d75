//! Why a job is not running: a pure function over what is stored.

use super::{BlockedBy, Job, JobId, Pause, QueueState, Status, Timestamp};
use std::fmt;
use std::time::Duration;

/// A leader that was not heard of for longer is not at work (P15 does not hold then).
const LEADER_SILENT: Duration = Duration::from_secs(30);

/// What is stored around a job that decides when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// The last heartbeat of the process that runs the engine; `None`: there is none.
    pub leader_seen_at: Option<Timestamp>,
    /// The stop of all queues.
    pub stopped: Option<Pause>,
    /// Its queue, with counts; `None` before admission.
    pub queue: Option<QueueState>,
    /// Who holds its concurrency key, at most ten.
    pub key_holders: Vec<JobId>,
    /// Jobs of its queue that start before it, counted up to 1,000.
    pub ahead: u64,
    /// The budget that put it off last.
    pub budget: Option<String>,
}

/// Why a job is not running, the first reason that holds. `Display` says it in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It runs.
    Runs {
        /// Whether somebody asked it to end.
        asked_to_end: bool,
    },
    /// It is over.
    Final(Status),
    /// No process runs the engine.
    NoEngine {
        /// When the last one was heard of, if one did not end on purpose.
        seen_at: Option<Timestamp>,
    },
    /// Somebody stopped all queues.
    Stopped(Pause),
    /// Its time has not come.
    NotDue {
        /// When it comes.
        run_at: Timestamp,
        /// Whether it waits for a further attempt.
        again: bool,
    },
    /// A budget is used up until its time.
    OverBudget {
        /// When the budget's next period begins.
        run_at: Timestamp,
        /// Which budget.
        reason: String,
    },
    /// The engine has not looked at it yet.
    NotAdmitted,
    /// No process has a handler for its kind.
    NoHandler,
    /// Its concurrency key is held by as many jobs as may hold it.
    KeyHeld {
        /// The key.
        key: String,
        /// Who holds it, at most ten.
        holders: Vec<JobId>,
    },
    /// The database refused to start it; its history says why.
    Refused,
    /// Its queue is paused.
    QueuePaused(QueueState, Pause),
    /// As many jobs of its queue run as may.
    QueueFull(QueueState),
    /// It starts at once, after this many others.
    InLine {
        /// Counted up to 1,000.
        ahead: u64,
    },
}

/// Says why a job is not running.
pub fn why(job: &Job, around: Circumstances, now: Timestamp) -> Why {
    match job.status {
        Status::Running => {
            return Why::Runs { asked_to_end: job.cancel_requested_at.is_some() };
        }
        Status::Completed | Status::Failed | Status::Cancelled => return Why::Final(job.status),
        Status::Scheduled | Status::Queued => {}
    }
    if around.leader_seen_at.is_none_or(|at| now.since(at) > LEADER_SILENT) {
        return Why::NoEngine { seen_at: around.leader_seen_at };
    }
    if let Some(pause) = around.stopped {
        return Why::Stopped(pause);
    }
    if let Some(reason) = around.budget.filter(|_| job.run_at > now) {
        return Why::OverBudget { run_at: job.run_at, reason };
    }
    if job.run_at > now {
        // An attempt that was given back (snooze, limit) does not count, but has left its epoch.
        return Why::NotDue { run_at: job.run_at, again: job.epoch > 0 };
    }
    match job.blocked_by {
        Some(BlockedBy::New) => return Why::NotAdmitted,
        Some(BlockedBy::Kind) => return Why::NoHandler,
        Some(BlockedBy::Constraint) => return Why::Refused,
        Some(BlockedBy::Key) => {
            let key = job.concurrency_key.as_ref().map(ToString::to_string).unwrap_or_default();
            return Why::KeyHeld { key, holders: around.key_holders };
        }
        None => {}
    }
    match around.queue {
        None => Why::NotAdmitted,
        Some(mut queue) => match queue.pause.take() {
            Some(pause) => Why::QueuePaused(queue, pause),
            None if queue.running >= i64::from(queue.limit()) => Why::QueueFull(queue),
            None => Why::InLine { ahead: around.ahead },
        },
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runs { asked_to_end: false } => f.write_str("It runs."),
            Self::Runs { asked_to_end: true } => f.write_str("It runs, and was asked to end."),
            Self::Final(status) => write!(f, "It is over: {status}."),
            Self::NoEngine { seen_at: None } => {
                f.write_str("No server runs the engine; start one with `lamplighter serve`.")
            }
            Self::NoEngine { seen_at: Some(at) } => write!(
                f,
                "The server that runs the engine was last heard of at {at}; it hangs or is gone."
            ),
            Self::Stopped(pause) => {
                write!(f, "All queues were stopped by {}{}", pause.by, because(&pause.reason))
            }
            Self::NotDue { run_at, again: false } => write!(f, "It starts at {run_at}."),
            Self::NotDue { run_at, again: true } => write!(f, "It is tried again at {run_at}."),
            Self::OverBudget { run_at, reason } => write!(f, "It starts at {run_at}: {reason}."),
            Self::NotAdmitted => f.write_str("The engine has not looked at it yet."),
            Self::NoHandler => f.write_str("No running process has a handler for this kind."),
            Self::KeyHeld { key, holders } => {
                let holders: Vec<_> = holders.iter().map(|id| format!("job {id}")).collect();
                let holders = if holders.is_empty() {
                    "others that come first".to_owned()
                } else {
                    holders.join(", ")
                };
                write!(f, "Its concurrency key {key} is held by {holders}.")
            }
            Self::Refused => f.write_str(
                "The database refused to start it, see its history; it is tried again when a job of its kind ends.",
            ),
            Self::QueuePaused(queue, pause) => {
                let until = pause
                    .resume_at
                    .map_or_else(String::new, |at| format!(" until {at}"));
                write!(
                    f,
                    "Its queue {} was paused by {}{until}{}",
                    queue.name,
                    pause.by,
                    because(&pause.reason)
                )
            }
            Self::QueueFull(queue) => write!(
                f,
                "Its queue {} runs as many jobs as it may: {}.",
                queue.name,
                queue.limit()
            ),
            Self::InLine { ahead: 0 } => f.write_str("It is the next to start."),
            Self::InLine { ahead: 1000.. } => {
                f.write_str("At least 1,000 jobs of its queue start before it.")
            }
            Self::InLine { ahead: 1 } => f.write_str("One job of its queue starts before it."),
            Self::InLine { ahead } => write!(f, "{ahead} jobs of its queue start before it."),
        }
    }
}

fn because(reason: &str) -> String {
    if reason.is_empty() { ".".to_owned() } else { format!(": {reason}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ConcurrencyKey, Kind, Queue, Trigger};

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn job() -> Job {
        Job {
            id: JobId(7),
            kind: Kind::parse("x").unwrap(),
            queue: Some(Queue::DEFAULT),
            priority: Some(0),
            status: Status::Queued,
            payload: "{}".into(),
            trigger: Trigger::Api,
            attempt: 0,
            max_attempts: Some(3),
            interrupted: 0,
            on_interrupt: None,
            epoch: 0,
            worker_id: None,
            unique_key: None,
            concurrency_key: Some(ConcurrencyKey::parse("printer").unwrap()),
            blocked_by: None,
            run_at: NOW,
            created_at: NOW,
            started_at: None,
            finished_at: None,
            timeout: None,
            cancel_requested_at: None,
            occurrence: None,
            progress: None,
            parent_id: None,
            correlation_id: None,
            result: None,
            error: None,
            error_code: None,
            counted: true,
        }
    }

    fn pause() -> Pause {
        Pause { at: NOW, by: "ada".into(), reason: "the disk is full".into(), resume_at: None }
    }

    fn around() -> Circumstances {
        let queue = QueueState {
            name: Queue::DEFAULT,
            engine_limit: Some(2),
            operator_limit: None,
            pause: None,
            scheduled: 0,
            queued: 1,
            running: 1,
        };
        Circumstances {
            leader_seen_at: Some(NOW),
            stopped: None,
            queue: Some(queue),
            key_holders: vec![JobId(3)],
            ahead: 4,
            budget: None,
        }
    }

    #[test]
    fn each_reason_is_said_and_the_stronger_one_goes_first() {
        let says = |job: Job, around: Circumstances| why(&job, around, NOW).to_string();
        assert_eq!(says(job(), around()), "4 jobs of its queue start before it.");
        let mut full = around();
        full.queue.as_mut().unwrap().operator_limit = Some(1);
        assert_eq!(says(job(), full.clone()), "Its queue default runs as many jobs as it may: 1.");
        full.queue.as_mut().unwrap().pause = Some(pause());
        assert_eq!(
            says(job(), full.clone()),
            "Its queue default was paused by ada: the disk is full"
        );
        let held = Job { blocked_by: Some(BlockedBy::Key), ..job() };
        assert_eq!(
            says(held.clone(), full.clone()),
            "Its concurrency key printer is held by job 3."
        );
        let later = Job { run_at: NOW.plus(Duration::from_secs(1)), ..held };
        assert!(says(later.clone(), full.clone()).starts_with("It starts at 1970"));
        full.stopped = Some(pause());
        assert_eq!(
            says(later.clone(), full.clone()),
            "All queues were stopped by ada: the disk is full"
        );
        full.leader_seen_at = None;
        assert!(says(later.clone(), full.clone()).starts_with("No server runs"));
        let running = Job { status: Status::Running, ..later };
        assert_eq!(says(running.clone(), full.clone()), "It runs.");
        let asked = Job { cancel_requested_at: Some(NOW), ..running };
        assert_eq!(says(asked, full), "It runs, and was asked to end.");
    }

    #[test]
    fn a_leader_that_has_been_silent_for_long_is_named() {
        let silent = Circumstances { leader_seen_at: Some(Timestamp::from_millis(0)), ..around() };
        assert!(matches!(why(&job(), silent, NOW), Why::NoEngine { seen_at: Some(_) }));
    }
}
