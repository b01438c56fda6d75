//! Limits that the model, the schema and the faces have in common, each written once; a test holds the schema to them.

use super::Json;
use crate::error::{Code, Error, Result};
use std::ops::RangeInclusive;

/// Priorities that a job can have; the lowest number runs first.
pub const PRIORITIES: RangeInclusive<i32> = -100..=100;
/// How much waiting one level of priority outweighs, in milliseconds: ten minutes.
pub const PRIORITY_STEP_MS: i64 = 10 * 60 * 1000;
/// Most attempts that a job can have.
pub const MAX_ATTEMPTS: u32 = 1_000_000;
/// Largest payload, in bytes of JSON: larger input belongs in a file that the payload names.
pub const MAX_PAYLOAD_BYTES: usize = 256 * 1024;
/// Longest unique, concurrency or idempotency key, worker's name and correlation id, in bytes: room for a URL-like id,
/// small enough to index.
pub const MAX_KEY_BYTES: usize = 200;
/// Most tags that a job can have: a person reads them at a glance.
pub const MAX_TAGS: usize = 10;
/// Longest tag, in bytes.
pub const MAX_TAG_BYTES: usize = 64;
/// The largest limit of a queue and of a concurrency key: more jobs at once would be a flood and no queue.
pub const MAX_AT_ONCE: u32 = 10_000;

/// Most jobs that a job can be told to run after.
pub const MAX_AFTER: usize = 100;

/// Refuses a priority that no job can have. The text says why; the caller says first what it was doing.
///
/// # Errors
/// `JOB-VALUE-001` with the range.
pub(crate) fn check_priority(priority: i32) -> Result<()> {
    if PRIORITIES.contains(&priority) {
        return Ok(());
    }
    let (least, most) = (PRIORITIES.start(), PRIORITIES.end());
    let why = format!("a priority is a number from {least} to {most}, not {priority}");
    Err(Error::new(Code::ModelInvalid, why))
}

/// Refuses a payload that is too large, in the same way.
///
/// # Errors
/// `JOB-SIZE-001` over [`MAX_PAYLOAD_BYTES`].
pub(crate) fn check_payload(payload: &Json) -> Result<()> {
    let bytes = payload.as_str().len();
    if bytes <= MAX_PAYLOAD_BYTES {
        return Ok(());
    }
    let why = format!("a payload has at most {MAX_PAYLOAD_BYTES} bytes, and this one has {bytes}");
    Err(Error::new(Code::JobTooLarge, why))
}
