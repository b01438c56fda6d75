//! Actions on schedules, which make jobs by the clock.
//!
//! The schedule of self-monitoring follows its settings only: every change of it here is refused with `SCHED-NAME-003`,
//! but it can be run at once.

mod change;
mod choice;
mod hold;
mod look;
mod plan;
mod preview;
mod record;
mod run;
#[cfg(test)]
mod tests;

pub use change::{ScheduleAdd, ScheduleEdit, add, edit, remove};
pub use choice::{RuleChoice, Runs};
pub use hold::{pause, resume};
pub use look::{decisions, next, story};
pub use plan::{PlanTexts, RuleText, prompt_apart};
pub use preview::{Preview, preview};
pub use record::{Record, Told, record};
pub use run::{RunScheduleNow, is_full, run_now};

use super::{Call, Right, kinds, waiting};
use crate::error::{Code, Error, Result};
use crate::model::{Role, Schedule, ScheduleName};
use crate::store::Store;
use crate::wire;

/// The least role that may do something to a schedule. What its jobs may need besides is asked for by their kind: a schedule
/// of sessions is an admin's.
const ACTS: Role = Role::Operator;

/// The right to add schedules.
pub const ADD: Right = Right::new(ACTS, "add a schedule");
/// The right to change schedules.
pub const EDIT: Right = Right::new(ACTS, "change a schedule");
/// The right to remove schedules.
pub const REMOVE: Right = Right::new(ACTS, "remove a schedule");
/// The right to pause schedules.
pub const PAUSE: Right = Right::new(ACTS, "pause a schedule");
/// The right to resume schedules.
pub const RESUME: Right = Right::new(ACTS, "resume a schedule");
/// The right to make a job of a schedule now.
pub const RUN_NOW: Right = Right::new(ACTS, "run a schedule now");

/// Whether a person of this role may add a schedule.
pub fn may_add(role: Role) -> bool {
    ADD.is_of(role)
}

/// Whether a person of this role may change and remove this schedule.
pub fn may_own(role: Role, schedule: &Schedule) -> bool {
    EDIT.is_of(role) && needed(schedule).is_none_or(|right| right.is_of(role))
}

/// Whether a person of this role may run, pause and resume a schedule.
pub fn may_act(role: Role) -> bool {
    PAUSE.is_of(role)
}

/// How many of the next occurrences an answer shows.
pub const NEXT: usize = 5;

/// The right that changing a schedule needs besides, because of what its jobs do. What cannot be read could be anything.
fn needed(schedule: &Schedule) -> Option<Right> {
    match &schedule.plan {
        Ok(plan) => kinds::right_of(&plan.kind),
        Err(_) => Some(Right::new(Role::Admin, "change what cannot be read")),
    }
}

/// Refuses a change of a schedule by somebody who may not ask for its jobs.
fn owned(call: &Call, schedule: &Schedule) -> Result<()> {
    needed(schedule).map_or(Ok(()), |right| call.needs(right))
}

/// The schedule of this name. `doing` is what a person wants of it, as "show a schedule".
///
/// # Errors
/// `SCHED-NAME-001` if there is none.
pub async fn known(store: &Store, name: &str, doing: &str) -> Result<Schedule> {
    let name = named(name, doing)?;
    let found = store.schedule(name.clone()).await?;
    found.ok_or_else(|| unknown(name.as_str(), doing))
}

/// Reads a schedule's name. A text that cannot be a name is answered like the name of a schedule that is not there.
fn named(name: &str, doing: &str) -> Result<ScheduleName> {
    ScheduleName::parse(name.trim()).map_err(|_| unknown(name.trim(), doing))
}

fn unknown(name: &str, doing: &str) -> Error {
    Error::new(Code::ScheduleUnknown, format!("{doing}: there is no schedule {name}"))
}

/// The sentence that says what a schedule does and when it is due.
fn does(call: &Call, schedule: &Schedule, preview: &wire::SchedulePreview) -> String {
    let name = &schedule.name;
    let Ok(plan) = &schedule.plan else {
        return format!("The schedule {name} makes no jobs: what is stored cannot be read.");
    };
    let what = format!("makes a job of kind {} {}", plan.kind, plan.rule.in_words_by(call.zone));
    match preview.next.first() {
        _ if schedule.paused_at.is_some() => {
            format!("The schedule {name} {what}, once a person resumes it.")
        }
        Some(next) => format!("The schedule {name} {what}; the next is due {}.", next.local),
        None => format!("The schedule {name} {what}; it has no occurrence to come."),
    }
}

/// The notes on a schedule: why its jobs will not start, and what changes of the clock do to its occurrences.
async fn notes_on(
    store: &Store,
    call: &Call,
    schedule: &Schedule,
    preview: &wire::SchedulePreview,
) -> Vec<String> {
    let mut notes = hindrances(store, call, schedule).await;
    notes.extend(preview.warnings.iter().map(|warning| sentence(warning)));
    notes
}

/// The notes on why its jobs will not start.
async fn hindrances(store: &Store, call: &Call, schedule: &Schedule) -> Vec<String> {
    match &schedule.plan {
        Ok(plan) => waiting::notes(store, &plan.kind, call.now).await,
        Err(_) => Vec::new(),
    }
}

/// The text as a sentence, with a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}
