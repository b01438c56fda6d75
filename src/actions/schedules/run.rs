//! Making one job as a schedule would make it.

use super::{RUN_NOW, hindrances, known};
use crate::actions::{Answer, Call, kinds, ready};
use crate::error::Result;
use crate::model::{PromptValues, Schedule, with_values};
use crate::store::Store;
use crate::wire;

/// What a person says with Run Now of a schedule.
#[derive(Clone, Debug, Default)]
pub struct RunScheduleNow {
    /// Whether the person has confirmed a session without a sandbox.
    pub confirmed: bool,
    /// Values for the parameters of its prompt file, in the place of those of the schedule.
    pub set: PromptValues,
}

/// Makes one job now as the schedule would make it. The next occurrences stay where they are. This works for a paused
/// schedule too. A session without a sandbox needs an admin with a fresh sign-in who has `confirmed` it, and values need an admin.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator, and for a session without a sandbox below admin; `AUTH-LOGIN-005` and
/// `JOB-VALUE-001` for such a session, and for values of what is no session; `AGENT-PROMPT-001` for values that the prompt does
/// not take; `SCHED-NAME-001` if no schedule has this name; `SCHED-RULE-001` if the stored
/// plan cannot be read; `JOB-LIMIT-001` if too many jobs of its kind wait; `AGENT-START-003`, `TRACK-AUTH-001` and
/// `TRACK-REPO-001` as [`enqueue`](crate::actions::jobs::enqueue).
pub async fn run_now(
    store: &Store,
    call: &Call,
    name: &str,
    RunScheduleNow { confirmed, set }: RunScheduleNow,
) -> Result<Answer<wire::ScheduleRun>> {
    call.needs(RUN_NOW)?;
    let doing = RUN_NOW.doing;
    let schedule = known(store, name, doing).await?;
    let name = &schedule.name;
    if let Ok(plan) = &schedule.plan {
        let payload = with_values(&plan.kind, &plan.payload, &set)?;
        let asked = (&plan.kind, &payload);
        if set.is_empty() {
            kinds::check_by_hand(store, call, asked, confirmed, doing).await?;
        } else {
            // Values are a part of the prompt.
            kinds::check_asked(store, call, asked, confirmed, doing).await?;
        }
        ready::check(store, call, asked).await?;
    }
    let (actor, correlation_id) = (call.actor(), call.correlation_id.clone());
    let id = store.run_schedule_now(name.clone(), set, actor, correlation_id, call.now).await?;
    let notes = hindrances(store, call, &schedule).await;
    let sentence = format!(
        "Job {id} is made as the schedule {name} would make it; the times of the schedule stay as they are."
    );
    let value = wire::ScheduleRun { id: id.0, schedule: name.to_string() };
    Ok(Answer::new(value, sentence).with_notes(notes))
}

/// Whether the schedule makes sessions without a sandbox. Running it by hand must be confirmed.
pub async fn is_full(store: &Store, schedule: &Schedule) -> Result<bool> {
    match &schedule.plan {
        Ok(plan) => kinds::is_full(store, (&plan.kind, &plan.payload)).await,
        Err(_) => Ok(false),
    }
}
