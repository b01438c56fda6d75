//! Pausing a schedule, and having it go on.

use super::{PAUSE, RESUME, known, named};
use crate::actions::{Answer, Call};
use crate::error::Result;
use crate::model::CatchUp;
use crate::store::Store;
use crate::wire;

/// Pauses a schedule: it makes no jobs until a person resumes it.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator; `SCHED-NAME-001` if there is none of this name, `-003` for the reserved one.
pub async fn pause(store: &Store, call: &Call, name: &str) -> Result<Answer<wire::SchedulePaused>> {
    call.needs(PAUSE)?;
    let doing = PAUSE.doing;
    let name = named(name, doing)?;
    let changed = store.pause_schedule(name.clone(), call.actor(), call.now).await?;
    let sentence = if changed {
        format!("The schedule {name} makes no more jobs until a person resumes it.")
    } else {
        format!("The schedule {name} was paused already.")
    };
    let value = wire::SchedulePaused { name: name.to_string(), paused: true, changed };
    Ok(Answer::new(value, sentence))
}

/// Resumes a paused schedule. The occurrences of the pause are skipped, unless its catch-up is `all:N`.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator; `SCHED-NAME-001` if there is none of this name, `-003` for the reserved one.
pub async fn resume(
    store: &Store,
    call: &Call,
    name: &str,
) -> Result<Answer<wire::SchedulePaused>> {
    call.needs(RESUME)?;
    let doing = RESUME.doing;
    let before = known(store, name, doing).await?;
    let name = before.name.clone();
    let changed = store.resume_schedule(name.clone(), call.actor(), call.now).await?;
    let sentence = match before.plan.map(|plan| plan.catch_up) {
        _ if !changed => format!("The schedule {name} was not paused."),
        Ok(CatchUp::Once | CatchUp::Skip) => {
            format!("The schedule {name} goes on; what fell into the pause is skipped.")
        }
        Ok(CatchUp::All { max }) => format!(
            "The schedule {name} goes on; of what fell into the pause the newest {max} make a job each."
        ),
        Err(_) => {
            format!(
                "The schedule {name} is not paused any more, but makes no jobs: it cannot be read."
            )
        }
    };
    let value = wire::SchedulePaused { name: name.to_string(), paused: false, changed };
    Ok(Answer::new(value, sentence))
}
