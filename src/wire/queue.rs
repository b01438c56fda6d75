//! Queues as programs are told them: their counts, limits and pauses.

use crate::model;
use serde::Serialize;

/// A queue.
#[derive(Clone, Debug, Serialize)]
pub struct Queue {
    /// Its name.
    pub queue: String,
    /// How many of its jobs may run at once.
    pub limit: u32,
    /// The same as an operator has set it, if one has.
    pub operator_limit: Option<u32>,
    /// Jobs that run.
    pub running: i64,
    /// Jobs that may start as soon as there is room, or that something holds.
    pub queued: i64,
    /// Jobs that wait for their time.
    pub scheduled: i64,
    /// Why nothing of it is started.
    pub paused: Option<Pause>,
}

/// A pause of one queue, or the stop of all.
#[derive(Clone, Debug, Serialize)]
pub struct Pause {
    /// Since when.
    pub at: String,
    /// Who ordered it.
    pub by: String,
    /// Why; empty if no reason was given.
    pub reason: String,
    /// When it ends by itself.
    pub resume_at: Option<String>,
}

/// A queue that was told to go on.
#[derive(Clone, Debug, Serialize)]
pub struct QueueResumed {
    /// Its name.
    pub queue: String,
    /// Whether it was paused.
    pub resumed: bool,
}

/// The stop of all queues.
#[derive(Clone, Debug, Serialize)]
pub struct AllStopped {
    /// Running jobs that were asked to end.
    pub asked_to_end: usize,
}

/// The end of the stop of all queues.
#[derive(Clone, Debug, Serialize)]
pub struct AllResumed {
    /// Whether they were stopped.
    pub resumed: bool,
}

/// The waiting jobs that are in no queue.
#[derive(Clone, Debug, Serialize)]
pub struct QueueNone {
    /// `null`.
    pub queue: Option<String>,
    /// Why they are in none.
    pub why: &'static str,
    /// Jobs that wait for the engine's look, or for a handler.
    pub queued: i64,
    /// Jobs that wait for their time.
    pub scheduled: i64,
}

impl From<model::Unplaced> for QueueNone {
    fn from(unplaced: model::Unplaced) -> Self {
        let model::Unplaced { queued, scheduled } = unplaced;
        Self { queue: None, why: model::Unplaced::WHY, queued, scheduled }
    }
}

impl From<&model::QueueState> for Queue {
    fn from(state: &model::QueueState) -> Self {
        Self {
            queue: state.name.to_string(),
            limit: state.limit(),
            operator_limit: state.operator_limit,
            running: state.running,
            queued: state.queued,
            scheduled: state.scheduled,
            paused: state.pause.as_ref().map(Pause::from),
        }
    }
}

impl From<&model::Pause> for Pause {
    fn from(pause: &model::Pause) -> Self {
        Self {
            at: pause.at.to_string(),
            by: pause.by.clone(),
            reason: pause.reason.clone(),
            resume_at: pause.resume_at.map(|at| at.to_string()),
        }
    }
}
