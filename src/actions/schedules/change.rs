//! Adding, changing and removing a schedule.

use super::{ADD, EDIT, NEXT, PlanTexts, REMOVE, does, known, notes_on, owned};
use crate::actions::{Answer, Call, kinds};
use crate::error::{Code, Error, Result};
use crate::model::{Json, NewSchedule, Plan, PlanChange, ScheduleName};
use crate::store::Store;
use crate::wire;

/// A request to add a schedule.
#[derive(Clone, Debug)]
pub struct ScheduleAdd {
    /// The schedule's name.
    pub name: String,
    /// What it does. The rule and the kind must be given; the other fields have defaults.
    pub plan: PlanTexts,
    /// Whether the person confirmed sessions without a sandbox.
    pub confirmed: bool,
    /// Whether it begins paused: it makes no jobs until a person resumes it.
    pub paused: bool,
}

/// A request to change a schedule.
#[derive(Clone, Debug)]
pub struct ScheduleEdit {
    /// The schedule's name.
    pub name: String,
    /// What is to be changed.
    pub plan: PlanTexts,
    /// Whether the person confirmed sessions without a sandbox.
    pub confirmed: bool,
}

/// Adds a schedule. Its occurrences count from now on, and the first one of an interval is due at once.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator, and where the jobs need more; `JOB-VALUE-001` for a value that does not fit, and what [`kinds::check`]
/// refuses; `SCHED-NAME-002` for a name that is taken, `SCHED-NAME-003` for the reserved name; `SCHED-RULE-002` for a
/// rule that is over; `SCHED-LIMIT-001` if there are 1,000 schedules already.
pub async fn add(
    store: &Store,
    call: &Call,
    request: ScheduleAdd,
) -> Result<Answer<wire::SchedulePreview>> {
    call.needs(ADD)?;
    let doing = ADD.doing;
    let name = ScheduleName::parse(request.name.trim())?;
    let change = request.plan.read(None, call.now)?;
    let mut plan = change.applied_to(None).ok_or_else(|| {
        Error::new(Code::ModelInvalid, format!("{doing}: it needs a rule and a kind"))
    })?;
    let asked = (&plan.kind, &plan.payload);
    plan.payload = kinds::check_asked(store, call, asked, request.confirmed, doing).await?;
    let new = NewSchedule { name: name.clone(), plan };
    if request.paused {
        store.create_paused_schedule(new, call.actor(), call.now).await?;
    } else {
        store.create_schedule(new, call.actor(), call.now).await?;
    }
    let schedule = known(store, name.as_str(), doing).await?;
    let preview = wire::SchedulePreview::of(&schedule, NEXT, call.now);
    let sentence = does(call, &schedule, &preview);
    let notes = notes_on(store, call, &schedule, &preview).await;
    Ok(Answer::new(preview, sentence).with_notes(notes))
}

/// Changes the fields of a schedule that the request names. The occurrences of a new rule count from now on.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator, and where the jobs need more; `SCHED-NAME-001` if no schedule has this name, `SCHED-NAME-003` for the reserved
/// name; `JOB-VALUE-001` for a value that does not fit, and what [`kinds::check`] refuses of a new kind or payload;
/// `SCHED-RULE-001` if the stored plan cannot be read and the request leaves out the rule or the kind; `SCHED-RULE-002`
/// for a rule that is over.
pub async fn edit(
    store: &Store,
    call: &Call,
    request: ScheduleEdit,
) -> Result<Answer<wire::ScheduleChanged>> {
    call.needs(EDIT)?;
    let doing = EDIT.doing;
    let before = known(store, &request.name, doing).await?;
    owned(call, &before)?;
    let name = before.name.clone();
    let change = if before.reserved {
        // The store refuses the change below, so that the caller hears of the reserved name and not of a value that does
        // not fit.
        PlanChange::default()
    } else {
        let plan = before.plan.as_ref().ok();
        let mut change = request.plan.read(plan.map(|plan| &plan.rule), call.now)?;
        if let Some(payload) = check_input(store, call, plan, (&change, request.confirmed)).await? {
            change.payload = Some(payload);
        }
        change
    };
    let changed = store.change_schedule(name.clone(), change, call.actor(), call.now).await?;
    let schedule = known(store, name.as_str(), doing).await?;
    let preview = wire::SchedulePreview::of(&schedule, NEXT, call.now);
    if !changed {
        let sentence = format!("The schedule {name} is as it was: nothing was changed.");
        return Ok(Answer::new(wire::ScheduleChanged { preview, changed }, sentence));
    }
    let sentence = does(call, &schedule, &preview);
    let notes = notes_on(store, call, &schedule, &preview).await;
    Ok(Answer::new(wire::ScheduleChanged { preview, changed }, sentence).with_notes(notes))
}

/// Checks the kind and the payload of the jobs if the change has new ones, and answers the payload as it is to be stored.
/// Those of a stored plan were checked when it was stored.
async fn check_input(
    store: &Store,
    call: &Call,
    before: Option<&Plan>,
    (change, confirmed): (&PlanChange, bool),
) -> Result<Option<Json>> {
    if change.kind.is_none() && change.payload.is_none() {
        return Ok(None);
    }
    let Some(after) = change.clone().applied_to(before.cloned()) else { return Ok(None) };
    let same = before.is_some_and(|old| old.kind == after.kind && old.payload == after.payload);
    if same {
        return Ok(None);
    }
    let asked = (&after.kind, &after.payload);
    kinds::check_asked(store, call, asked, confirmed, EDIT.doing).await.map(Some)
}

/// Removes a schedule and its decisions. The jobs that it made stay.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator, and where the jobs need more; `SCHED-NAME-001` if no schedule has this name, `SCHED-NAME-003` for the reserved
/// name.
pub async fn remove(
    store: &Store,
    call: &Call,
    name: &str,
) -> Result<Answer<wire::ScheduleRemoved>> {
    call.needs(REMOVE)?;
    let doing = REMOVE.doing;
    let before = known(store, name, doing).await?;
    owned(call, &before)?;
    let name = before.name;
    store.remove_schedule(name.clone(), call.actor(), call.now).await?;
    let sentence = format!("The schedule {name} is removed; the jobs that it made stay.");
    Ok(Answer::new(wire::ScheduleRemoved { name: name.to_string() }, sentence))
}
