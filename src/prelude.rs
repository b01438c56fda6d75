//! What a program that embeds the engine names in nearly every file: `use lamplighter::prelude::*`.

pub use crate::clock::Clock;
pub use crate::engine::{Context, Engine, Handler};
pub use crate::jobs::{Jobs, Waited};
pub use crate::model::{
    Batch, BatchId, Enqueued, Filter, Job, JobId, Kind, KindRules, NewJob, NewSchedule, Outcome,
    Payload, Queue, Rate, Status, Timestamp,
};
pub use crate::store::{OpenMode, Store};
pub use serde::{Deserialize, Serialize};
pub use std::time::Duration;
