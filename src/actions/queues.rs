//! Actions on queues: limits, pauses, and the switch that stops them all.

#[cfg(feature = "web")]
mod line;

#[cfg(feature = "web")]
mod pauses;

#[cfg(feature = "web")]
pub use line::{QueueLine, line, lines, without_worker};
#[cfg(feature = "web")]
pub use pauses::{QueuePast, pauses};

use super::{Answer, Call, Right};
use crate::error::{Code, Error, Result};
use crate::model::{MAX_AT_ONCE, Pause, Queue, QueueState, Role, Timestamp, Zone};
use crate::store::Store;
use crate::warn_coded;
use crate::wire;
use std::time::Duration;

/// Longest reason of a pause, in characters: a page shows it on one or two lines.
pub const MAX_REASON: usize = 500;

/// The least role that may stop all queues and end the stop.
const STOPS: Role = Role::Admin;

/// The right to limit queues.
pub const LIMIT: Right = Right::new(Role::Operator, "set the limit of a queue");
/// The right to pause queues.
pub const PAUSE: Right = Right::new(Role::Operator, "pause a queue");
/// The right to resume queues.
pub const RESUME: Right = Right::new(Role::Operator, "resume a queue");
/// The right to stop everything.
pub const STOP_ALL: Right = Right::new(STOPS, "stop all queues");
/// The right to let everything go on.
pub const RESUME_ALL: Right = Right::new(STOPS, "end the stop of all queues");

/// Whether a person of this role may stop all queues and end the stop.
pub fn may_stop_all(role: Role) -> bool {
    STOP_ALL.is_of(role)
}

/// Whether a person of this role may limit, pause and resume a queue.
pub fn may_act(role: Role) -> bool {
    PAUSE.is_of(role)
}

/// Sets how many jobs of a queue may run at once.
#[derive(Clone, Debug)]
pub struct QueueLimit {
    /// The queue's name.
    pub queue: String,
    /// How many jobs; with 0 none is started. `None` is the queue's own default.
    pub limit: Option<u32>,
}

/// Starts nothing more of a queue; what runs goes on.
#[derive(Clone, Debug)]
pub struct QueuePause {
    /// The queue's name.
    pub queue: String,
    /// Why, for others to read.
    pub reason: String,
    /// After how long the queue goes on by itself. `None`: it stays paused until a person resumes it.
    pub length: Option<Duration>,
}

/// Reads a limit as people type it: a number, or `default` (or nothing) for the queue's own default.
///
/// # Errors
/// `JOB-VALUE-001` for anything else.
pub fn parse_limit(text: &str) -> Result<Option<u32>> {
    match text.trim() {
        "" | "default" => Ok(None),
        text => match text.parse() {
            Ok(limit @ 0..=MAX_AT_ONCE) => Ok(Some(limit)),
            Ok(_) | Err(_) => Err(limit_out_of_range(text)),
        },
    }
}

/// Reads how long a pause is: a number of minutes, or a length such as `2h`. An empty text means until a person resumes
/// the queue.
///
/// # Errors
/// `JOB-VALUE-001` for anything else, for zero and for more than ten years.
pub fn parse_pause(text: &str, queue: &str) -> Result<Option<Duration>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let length = if is_number { format!("{text}m") } else { text.to_owned() };
    super::length(&length, &format!("pause the queue {}", queue.trim())).map(Some)
}

/// How long a pause is that ends at eight in the morning of the next day, in this zone or in UTC.
pub fn until_morning(zone: Option<Zone>, now: Timestamp) -> Duration {
    let zone = zone.unwrap_or_else(|| Zone::from(chrono_tz::UTC));
    zone.tomorrow(8, now).since(now)
}

fn limit_out_of_range(limit: &str) -> Error {
    let takes = "it takes a number from 0 to 10000, or default";
    Error::new(Code::ModelInvalid, format!("set the limit of a queue to {limit:?}: {takes}"))
}

/// Sets how many jobs of a queue may run at once.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator; `QUEUE-NAME-001` for a queue that nobody has spoken of; `JOB-VALUE-001` for a
/// limit above 10,000.
pub async fn limit(store: &Store, call: &Call, request: QueueLimit) -> Result<Answer<wire::Queue>> {
    call.needs(LIMIT)?;
    if let Some(limit) = request.limit.filter(|limit| *limit > MAX_AT_ONCE) {
        return Err(limit_out_of_range(&limit.to_string()));
    }
    let queue = Queue::parse(request.queue.trim())?;
    store.set_queue_limit(queue.clone(), request.limit, call.actor(), call.now).await?;
    let (state, notes) = state(store, &queue, |state| state.operator_limit = request.limit).await;
    let sentence = match (request.limit, state.limit()) {
        (Some(0), _) => format!("The queue {queue} starts no job until its limit is raised."),
        (Some(limit), _) => format!("The queue {queue} runs {} at a time.", jobs_at_most(limit)),
        (None, limit) => {
            format!(
                "The queue {queue} runs as the program says: {} at a time.",
                jobs_at_most(limit)
            )
        }
    };
    Ok(Answer::new(wire::Queue::from(&state), sentence).with_notes(notes))
}

fn jobs_at_most(limit: u32) -> String {
    if limit == 1 { "one job".to_owned() } else { format!("at most {limit} jobs") }
}

/// Starts nothing more of a queue; what runs goes on.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator; `QUEUE-NAME-001` for a queue that nobody has spoken of; `JOB-VALUE-001` for a
/// reason of more than 500 characters.
pub async fn pause(store: &Store, call: &Call, request: QueuePause) -> Result<Answer<wire::Queue>> {
    call.needs(PAUSE)?;
    let queue = Queue::parse(request.queue.trim())?;
    let reason = reason(&request.reason)?;
    let until = request.length.map(|length| call.now.plus(length));
    let pause = Pause { by: call.actor().name, reason, at: call.now, resume_at: until };
    let reason = pause.reason.clone();
    store.pause_queue(queue.clone(), reason, until, call.actor(), call.now).await?;
    let sentence = match until {
        Some(at) => {
            let at = call.zone.in_full(at);
            format!("The queue {queue} is paused until {at}; what runs goes on.")
        }
        None => {
            format!("The queue {queue} is paused until a person resumes it; what runs goes on.")
        }
    };
    let (state, notes) = state(store, &queue, |state| state.pause = Some(pause)).await;
    Ok(Answer::new(wire::Queue::from(&state), sentence).with_notes(notes))
}

fn reason(text: &str) -> Result<String> {
    let text = text.trim();
    if text.chars().count() > MAX_REASON {
        let why = format!("pause a queue: its reason has more than {MAX_REASON} characters");
        return Err(Error::new(Code::ModelInvalid, why));
    }
    Ok(text.to_owned())
}

/// Lets a paused queue go on.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator; `QUEUE-NAME-001` for a queue that nobody has spoken of.
pub async fn resume(store: &Store, call: &Call, queue: &str) -> Result<Answer<wire::QueueResumed>> {
    call.needs(RESUME)?;
    let queue = Queue::parse(queue.trim())?;
    let resumed = store.resume_queue(queue.clone(), call.actor(), call.now).await?;
    let sentence = if resumed {
        format!("The queue {queue} is resumed.")
    } else {
        format!("The queue {queue} was not paused.")
    };
    Ok(Answer::new(wire::QueueResumed { queue: queue.to_string(), resumed }, sentence))
}

/// Starts nothing more of any queue, and asks what runs to end.
///
/// # Errors
/// `AUTH-ROLE-001` below the role admin; `JOB-VALUE-001` for a reason of more than 500 characters.
pub async fn stop_all(store: &Store, call: &Call, why: &str) -> Result<Answer<wire::AllStopped>> {
    call.needs(STOP_ALL)?;
    let asked_to_end = store.stop_all(reason(why)?, call.actor(), call.now).await?;
    let sentence = match asked_to_end {
        0 => "All queues are stopped; no job was running.".to_owned(),
        1 => "All queues are stopped; one running job was asked to end.".to_owned(),
        more => format!("All queues are stopped; {more} running jobs were asked to end."),
    };
    Ok(Answer::new(wire::AllStopped { asked_to_end }, sentence))
}

/// Ends the stop of all queues; a queue that was paused separately stays paused.
///
/// # Errors
/// `AUTH-ROLE-001` below the role admin.
pub async fn resume_all(store: &Store, call: &Call) -> Result<Answer<wire::AllResumed>> {
    call.needs(RESUME_ALL)?;
    let resumed = store.resume_all(call.actor(), call.now).await?;
    let sentence = if resumed {
        "The queues go on; a queue that was paused separately stays paused."
    } else {
        "The queues were not stopped."
    };
    Ok(Answer::new(wire::AllResumed { resumed }, sentence))
}

/// The queue after a change of it, and what a person should know of that. The change is made: what cannot be read now is no
/// reason to say that it is not. `changed` makes the change where the queue cannot be read.
async fn state(
    store: &Store,
    queue: &Queue,
    changed: impl FnOnce(&mut QueueState),
) -> (QueueState, Vec<String>) {
    let found = store.queues().await;
    let found = found.map(|all| all.into_iter().find(|state| state.name == *queue));
    if let Ok(Some(state)) = found {
        return (state, Vec::new());
    }
    if let Err(error) = found {
        warn_coded!(Code::WebInternal, "the queue {queue} is changed, but cannot be read: {error}");
    }
    let mut state = QueueState::named(queue.clone());
    changed(&mut state);
    (state, vec![format!("What else is known of the queue {queue} cannot be read now.")])
}
