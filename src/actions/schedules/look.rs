//! What is told of a schedule: when it is due, and what was decided.

use super::{NEXT, known, record};
use crate::error::{Code, Error, Result};
use crate::model::{Schedule, Timestamp, Zone};
use crate::store::Store;
use crate::wire;

/// How many decisions a schedule's story has.
const DECISIONS: usize = 20;

/// A schedule with its next occurrences.
///
/// # Errors
/// `SCHED-NAME-001` if no schedule has this name; `SCHED-RULE-001` if the stored plan cannot be read.
pub async fn next(
    store: &Store,
    name: &str,
    count: usize,
    now: Timestamp,
) -> Result<wire::SchedulePreview> {
    let doing = "find the next occurrences of a schedule";
    let schedule = known(store, name, doing).await?;
    match &schedule.plan {
        Ok(_) => Ok(wire::SchedulePreview::of(&schedule, count, now)),
        Err(why) => {
            let unread = format!("{doing}: what is stored of {} cannot be read", schedule.name);
            Err(Error::new(Code::ScheduleUnreadable, unread).because(why.as_str()))
        }
    }
}

/// A schedule with its next occurrences and its last decisions.
///
/// # Errors
/// `SCHED-NAME-001` if there is none of this name.
pub async fn story(store: &Store, name: &str, now: Timestamp) -> Result<wire::ScheduleStory> {
    let schedule = known(store, name, "show a schedule").await?;
    let past = record(store, &schedule, DECISIONS, clocks_of(&schedule), now).await?;
    Ok(wire::ScheduleStory {
        preview: wire::SchedulePreview::of(&schedule, NEXT, now),
        last: past.last,
        decisions: past.rows.iter().map(wire::ScheduleDecision::from).collect(),
    })
}

/// What became of the last occurrences of a schedule, newest first.
///
/// # Errors
/// `SCHED-NAME-001` if there is none of this name.
pub async fn decisions(
    store: &Store,
    name: &str,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<wire::ScheduleDecision>> {
    let schedule = known(store, name, "show the decisions of a schedule").await?;
    let past = record(store, &schedule, limit, clocks_of(&schedule), now).await?;
    Ok(past.rows.iter().map(wire::ScheduleDecision::from).collect())
}

/// The clocks by which a schedule tells times where no reader has others.
fn clocks_of(schedule: &Schedule) -> Zone {
    schedule.plan.as_ref().map(|plan| plan.rule.zone()).unwrap_or_default()
}
