//! Actions on schedules, which make jobs by the clock.
//!
//! The schedule of self-monitoring follows its settings only: every change of it here is refused with `SCHED-NAME-003`,
//! but it can be run at once.

mod plan;

pub use plan::{PlanTexts, RuleText};

use super::{Answer, Call, Right, kinds, ready, waiting};
use crate::error::{Code, Error, Result};
use crate::model::{
    CatchUp, Json, NewSchedule, Plan, PlanChange, PromptValues, Role, Schedule, ScheduleName,
    Timestamp, with_values,
};
use crate::store::Store;
use crate::wire;

/// The least role that may add, edit and remove a schedule.
const OWNS: Role = Role::Admin;
/// The least role that may run, pause and resume a schedule.
const ACTS: Role = Role::Operator;

/// The right to add schedules.
pub const ADD: Right = Right::new(OWNS, "add a schedule");
/// The right to change schedules.
pub const EDIT: Right = Right::new(OWNS, "change a schedule");
/// The right to remove schedules.
pub const REMOVE: Right = Right::new(OWNS, "remove a schedule");
/// The right to pause schedules.
pub const PAUSE: Right = Right::new(ACTS, "pause a schedule");
/// The right to resume schedules.
pub const RESUME: Right = Right::new(ACTS, "resume a schedule");
/// The right to make a job of a schedule now.
pub const RUN_NOW: Right = Right::new(ACTS, "run a schedule now");

/// Whether a person of this role may add, edit and remove a schedule.
pub fn may_change(role: Role) -> bool {
    EDIT.is_of(role)
}

/// Whether a person of this role may run, pause and resume a schedule.
pub fn may_act(role: Role) -> bool {
    PAUSE.is_of(role)
}

/// How many of the next occurrences an answer shows.
pub const NEXT: usize = 5;
/// How many decisions a schedule's story has.
const DECISIONS: usize = 20;

/// A request to add a schedule.
#[derive(Clone, Debug)]
pub struct ScheduleAdd {
    /// The schedule's name.
    pub name: String,
    /// What it does. The rule and the kind must be given; the other fields have defaults.
    pub plan: PlanTexts,
    /// Whether the person confirmed sessions without a sandbox.
    pub confirmed: bool,
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
/// `AUTH-ROLE-001` below the role admin; `JOB-VALUE-001` for a value that does not fit, and what [`kinds::check`]
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
    store.create_schedule(new, call.actor(), call.now).await?;
    let schedule = known(store, name.as_str(), doing).await?;
    let preview = wire::SchedulePreview::of(&schedule, NEXT, call.now);
    let sentence = does(&schedule, &preview);
    let notes = notes_on(store, call, &schedule, &preview).await;
    Ok(Answer::new(preview, sentence).with_notes(notes))
}

/// Changes the fields of a schedule that the request names. The occurrences of a new rule count from now on.
///
/// # Errors
/// `AUTH-ROLE-001` below the role admin; `SCHED-NAME-001` if no schedule has this name, `SCHED-NAME-003` for the reserved
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
    let sentence = does(&schedule, &preview);
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
/// `AUTH-ROLE-001` below the role admin; `SCHED-NAME-001` if no schedule has this name, `SCHED-NAME-003` for the reserved
/// name.
pub async fn remove(
    store: &Store,
    call: &Call,
    name: &str,
) -> Result<Answer<wire::ScheduleRemoved>> {
    call.needs(REMOVE)?;
    let doing = REMOVE.doing;
    let name = named(name, doing)?;
    store.remove_schedule(name.clone(), call.actor(), call.now).await?;
    let sentence = format!("The schedule {name} is removed; the jobs that it made stay.");
    Ok(Answer::new(wire::ScheduleRemoved { name: name.to_string() }, sentence))
}

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
/// `TRACK-REPO-001` as [`enqueue`](super::jobs::enqueue).
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
    let decisions = store.schedule_decisions(schedule.id, DECISIONS).await?;
    Ok(wire::ScheduleStory {
        preview: wire::SchedulePreview::of(&schedule, NEXT, now),
        decisions: decisions.iter().map(wire::ScheduleDecision::from).collect(),
    })
}

/// The last decisions about the occurrences of a schedule, newest first.
///
/// # Errors
/// `SCHED-NAME-001` if there is none of this name.
pub async fn decisions(
    store: &Store,
    name: &str,
    limit: usize,
) -> Result<Vec<wire::ScheduleDecision>> {
    let schedule = known(store, name, "show the decisions of a schedule").await?;
    let decisions = store.schedule_decisions(schedule.id, limit).await?;
    Ok(decisions.iter().map(wire::ScheduleDecision::from).collect())
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
fn does(schedule: &Schedule, preview: &wire::SchedulePreview) -> String {
    let name = &schedule.name;
    let Ok(plan) = &schedule.plan else {
        return format!("The schedule {name} makes no jobs: what is stored cannot be read.");
    };
    let what = format!("makes a job of kind {} {}", plan.kind, plan.rule.in_words());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Class;
    use crate::model::Actor;
    use crate::testing;
    use std::time::Duration;

    /// 2027-01-15T08:00:00Z.
    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn house() -> (tempfile::TempDir, Store, Call) {
        let folder = tempfile::tempdir().unwrap();
        let store = testing::store_in(folder.path()).unwrap();
        (folder, store, Call::by_owner(NOW))
    }

    fn plan(rule: &str, kind: &str) -> PlanTexts {
        PlanTexts {
            rule: Some(RuleText::Line(rule.into())),
            kind: Some(kind.into()),
            ..PlanTexts::default()
        }
    }

    fn new(name: &str, plan: PlanTexts) -> ScheduleAdd {
        ScheduleAdd { name: name.into(), plan, confirmed: false }
    }

    fn change(name: &str, plan: PlanTexts) -> ScheduleEdit {
        ScheduleEdit { name: name.into(), plan, confirmed: false }
    }

    fn said<T: std::fmt::Debug>(done: Result<Answer<T>>) -> (Code, Class, String) {
        let error = done.unwrap_err();
        (error.code(), error.class(), error.sentence())
    }

    /// The schedule that settings edit, as they make it.
    async fn reserve(store: &Store) {
        let changes = vec![
            ("self_monitoring.enabled", Some(true.into())),
            ("self_monitoring.cadence", Some("30m".into())),
        ];
        store.change_settings(changes, Actor::cli(), NOW).await.unwrap();
    }

    #[tokio::test]
    async fn a_schedule_is_added_with_what_it_does_and_what_the_clocks_do_to_it() {
        let (_folder, store, call) = house();
        let nightly = plan("30 2 * * * Europe/Berlin", "report");
        let added = add(&store, &call, new("nightly", nightly.clone())).await.unwrap();
        assert_eq!(
            added.sentence,
            "The schedule nightly makes a job of kind report at 02:30 every day (Europe/Berlin); \
             the next is due Sat 2027-01-16 02:30:00 CET."
        );
        assert!(added.notes[0].starts_with("No process works"), "{:?}", added.notes);
        assert!(added.notes[1].starts_with("On 2027-03-28 02:30 does not exist"));
        assert_eq!((added.value.next.len(), added.value.warnings.len()), (NEXT, 2));
        let every = add(&store, &call, new("often", plan("15m", "report"))).await.unwrap();
        assert!(every.sentence.ends_with("the next is due Fri 2027-01-15 08:00:00 UTC."));
        assert_eq!(store.schedules(0, 10).await.unwrap().1, 2);
    }

    #[tokio::test]
    async fn what_cannot_be_added_is_refused_with_the_reason() {
        let (_folder, store, call) = house();
        let nightly = plan("30 2 * * * Europe/Berlin", "report");
        add(&store, &call, new("nightly", nightly.clone())).await.unwrap();
        let once = PlanTexts {
            rule: Some(RuleText::At { at: "2020-01-01T00:00:00Z".into(), zone: None }),
            ..plan("", "report")
        };
        for (request, refused) in [
            (
                new("Odd-Name", nightly.clone()),
                (
                    Code::ModelInvalid,
                    Class::Invalid,
                    "Could not read the schedule's name \"Odd-Name\": only a-z, 0-9 and _ are allowed.",
                ),
            ),
            (
                new("nightly", nightly.clone()),
                (
                    Code::ScheduleExists,
                    Class::Conflict,
                    "Could not add a schedule: there is a schedule nightly already.",
                ),
            ),
            (
                new("self_monitoring", nightly),
                (
                    Code::ScheduleReserved,
                    Class::Conflict,
                    "Could not add a schedule: its settings edit self_monitoring, and nothing else does.",
                ),
            ),
            (
                new("late", once),
                (
                    Code::ScheduleOver,
                    Class::Invalid,
                    "Could not add a schedule: the rule of late has no occurrence to come.",
                ),
            ),
            (
                new("x", PlanTexts { kind: None, ..plan("1h", "") }),
                (
                    Code::ModelInvalid,
                    Class::Invalid,
                    "Could not add a schedule: it needs a rule and a kind.",
                ),
            ),
            (
                new("x", PlanTexts { payload: Some("{}".into()), ..plan("1h", "golden_repo") }),
                (
                    Code::ModelInvalid,
                    Class::Invalid,
                    "Could not read the payload of a golden_repo: missing field `repository`.",
                ),
            ),
        ] {
            let (code, class, sentence) = said(add(&store, &call, request).await);
            assert_eq!((code, class, sentence.as_str()), refused);
        }
        assert_eq!(store.schedules(0, 10).await.unwrap().1, 1);
    }

    #[tokio::test]
    async fn an_edit_says_what_it_made_and_one_that_changes_nothing_says_that() {
        let (_folder, store, call) = house();
        add(&store, &call, new("nightly", plan("30 2 * * * UTC", "report"))).await.unwrap();
        let later = Call::by_owner(NOW.plus(Duration::from_mins(1)));
        let same = plan("30 2 * * * UTC", "report");
        let nothing = edit(&store, &later, change("nightly", same)).await.unwrap();
        assert_eq!(nothing.sentence, "The schedule nightly is as it was: nothing was changed.");
        assert!(!nothing.value.changed);
        assert_eq!(nothing.value.preview.schedule.updated_at, NOW.to_string());
        assert_eq!(store.deeds(10).await.unwrap().len(), 1, "nothing is no deed");
        let zone =
            PlanTexts { rule: Some(RuleText::Zone("Asia/Tokyo".into())), ..PlanTexts::default() };
        let moved = edit(&store, &later, change(" nightly ", zone)).await.unwrap();
        assert!(moved.value.changed);
        assert!(moved.sentence.contains("at 02:30 every day (Asia/Tokyo)"), "{}", moved.sentence);
        let lost = change("no_such", PlanTexts::default());
        assert_eq!(
            said(edit(&store, &call, lost).await),
            (
                Code::ScheduleUnknown,
                Class::NotFound,
                "Could not change a schedule: there is no schedule no_such.".into()
            )
        );
        let bad = PlanTexts { priority: Some("101".into()), ..PlanTexts::default() };
        assert_eq!(said(edit(&store, &call, change("nightly", bad)).await).1, Class::Invalid);
        let session = PlanTexts { kind: Some("agent_session".into()), ..PlanTexts::default() };
        assert_eq!(
            said(edit(&store, &call, change("nightly", session)).await).2,
            "Could not ask for a session: a prompt is required."
        );
        let over = plan("2020-01-01T00:00:00Z", "report");
        assert_eq!(
            said(edit(&store, &call, change("nightly", over)).await),
            (
                Code::ScheduleOver,
                Class::Invalid,
                "Could not change a schedule: the rule of nightly has no occurrence to come."
                    .into()
            )
        );
        let mut low = call.clone();
        low.who.role = Role::Operator;
        let refused = said(edit(&store, &low, change("nightly", PlanTexts::default())).await);
        assert_eq!((refused.0, refused.1), (Code::AuthRole, Class::Forbidden));
    }

    /// Also where the tier, not the payload, says that there is no sandbox.
    #[cfg(feature = "monitor")]
    #[tokio::test]
    async fn sessions_without_a_sandbox_are_run_by_hand_by_an_admin_alone_who_confirms_it_afresh() {
        use crate::actions::Proof;
        use crate::actions::settings::{self, SettingChange};
        let (_folder, store, owner) = house();
        let session = PlanTexts {
            payload: Some(r#"{"prompt":"look"}"#.into()),
            ..plan("30 2 * * * UTC", "agent_session")
        };
        add(&store, &owner, new("nightly", session)).await.unwrap();
        let schedule = known(&store, "nightly", "show a schedule").await.unwrap();
        assert!(!is_full(&store, &schedule).await.unwrap());
        let full = [SettingChange::set("agent.tier_1_profile", "full")];
        settings::change(&store, &owner, &full).await.unwrap();
        assert!(is_full(&store, &schedule).await.unwrap());

        let mut operator = owner.clone();
        operator.who.role = Role::Operator;
        let mut stale = owner.clone();
        stale.who.proof = Proof::Login(NOW.minus(Duration::from_mins(6)));
        let by = |confirmed| RunScheduleNow { confirmed, ..RunScheduleNow::default() };
        for (call, confirmed, code) in [
            (&operator, true, Code::AuthRole),
            (&owner, false, Code::ModelInvalid),
            (&stale, true, Code::AuthStale),
        ] {
            let refused = run_now(&store, call, "nightly", by(confirmed)).await.unwrap_err();
            assert_eq!(refused.code(), code, "{refused}");
        }
        assert_eq!(run_now(&store, &owner, "nightly", by(true)).await.unwrap().value.id, 1);
    }

    #[cfg(feature = "monitor")]
    #[tokio::test]
    async fn values_of_one_run_go_before_those_of_the_schedule_and_are_an_admins() {
        let (folder, store, owner) = house();
        let prompts = folder.path().join("prompts");
        std::fs::create_dir(&prompts).unwrap();
        let text = "---\nparameters: customer, days\n---\nLook at {{customer}} for {{days}} days.";
        std::fs::write(prompts.join("ask.md"), text).unwrap();
        let session = PlanTexts {
            payload: Some(r#"{"prompt_file":"ask","set":{"customer":"Ann","days":"7"}}"#.into()),
            ..plan("30 2 * * * UTC", "agent_session")
        };
        add(&store, &owner, new("weekly", session)).await.unwrap();
        add(&store, &owner, new("nightly", plan("30 2 * * * UTC", "report"))).await.unwrap();
        let with = |name: &str| RunScheduleNow {
            set: [(name.to_owned(), "Bob".to_owned())].into(),
            ..RunScheduleNow::default()
        };
        let made = run_now(&store, &owner, "weekly", with("customer")).await.unwrap();
        let job = store.job(crate::model::JobId(made.value.id)).await.unwrap().unwrap();
        let payload = Json::stored(&job.payload).value();
        assert_eq!(payload["set"], serde_json::json!({"customer": "Bob", "days": "7"}));
        let kept = known(&store, "weekly", "show a schedule").await.unwrap();
        assert!(kept.plan.unwrap().payload.as_str().contains("Ann"), "the schedule stays as it is");
        let mut operator = owner.clone();
        operator.who.role = Role::Operator;
        for (call, schedule, name, code) in [
            (&owner, "weekly", "nobody", Code::AgentPrompt),
            (&owner, "nightly", "customer", Code::ModelInvalid),
            (&operator, "weekly", "customer", Code::AuthRole),
        ] {
            let refused = run_now(&store, call, schedule, with(name)).await.unwrap_err();
            assert_eq!(refused.code(), code, "{refused}");
        }
    }

    #[tokio::test]
    async fn a_schedule_is_paused_resumed_run_and_removed() {
        let (_folder, store, call) = house();
        add(&store, &call, new("nightly", plan("30 2 * * * UTC", "report"))).await.unwrap();
        let paused = pause(&store, &call, "nightly").await.unwrap();
        assert_eq!(
            paused.sentence,
            "The schedule nightly makes no more jobs until a person resumes it."
        );
        let again = pause(&store, &call, "nightly").await.unwrap();
        assert_eq!(again.sentence, "The schedule nightly was paused already.");
        assert_eq!((again.value.paused, again.value.changed), (true, false));
        let call = Call { correlation_id: Some("request".into()), ..call };
        let run = run_now(&store, &call, "nightly", RunScheduleNow::default()).await.unwrap();
        let made = store.job(crate::model::JobId(1)).await.unwrap().unwrap();
        assert_eq!(made.correlation_id.as_deref(), Some("request"));
        assert_eq!(
            run.sentence,
            "Job 1 is made as the schedule nightly would make it; the times of the schedule stay as they are."
        );
        assert_eq!((run.value.id, run.notes.len()), (1, 1), "no server runs: {:?}", run.notes);
        let resumed = resume(&store, &call, "nightly").await.unwrap();
        assert_eq!(
            resumed.sentence,
            "The schedule nightly goes on; what fell into the pause is skipped."
        );
        let again = resume(&store, &call, "nightly").await.unwrap();
        assert_eq!(again.sentence, "The schedule nightly was not paused.");
        let all = PlanTexts { catch_up: Some("all:3".into()), ..PlanTexts::default() };
        edit(&store, &call, change("nightly", all)).await.unwrap();
        pause(&store, &call, "nightly").await.unwrap();
        let resumed = resume(&store, &call, "nightly").await.unwrap();
        assert!(resumed.sentence.contains("the newest 3 make a job each"), "{}", resumed.sentence);
        let removed = remove(&store, &call, "nightly").await.unwrap();
        assert_eq!(
            removed.sentence,
            "The schedule nightly is removed; the jobs that it made stay."
        );
        for name in ["nightly", "Odd-Name"] {
            for (done, doing) in [
                (remove(&store, &call, name).await.map(|_| ()), "remove a schedule"),
                (pause(&store, &call, name).await.map(|_| ()), "pause a schedule"),
                (resume(&store, &call, name).await.map(|_| ()), "resume a schedule"),
                (
                    run_now(&store, &call, name, RunScheduleNow::default()).await.map(|_| ()),
                    "run a schedule now",
                ),
                (
                    next(&store, name, 5, NOW).await.map(|_| ()),
                    "find the next occurrences of a schedule",
                ),
                (story(&store, name, NOW).await.map(|_| ()), "show a schedule"),
            ] {
                let error = done.unwrap_err();
                assert_eq!((error.code(), error.class()), (Code::ScheduleUnknown, Class::NotFound));
                let says = format!("Could not {doing}: there is no schedule {name}.");
                assert_eq!(error.sentence(), says);
            }
        }
    }

    #[tokio::test]
    async fn the_reserved_schedule_is_refused_at_every_door_but_can_be_run() {
        let (_folder, store, call) = house();
        reserve(&store).await;
        let name = "self_monitoring";
        let bad = PlanTexts { priority: Some("high".into()), ..PlanTexts::default() };
        for (done, doing) in [
            (edit(&store, &call, change(name, bad)).await.map(|_| ()), "change a schedule"),
            (remove(&store, &call, name).await.map(|_| ()), "remove a schedule"),
            (pause(&store, &call, name).await.map(|_| ()), "pause a schedule"),
            (resume(&store, &call, name).await.map(|_| ()), "resume a schedule"),
        ] {
            let error = done.unwrap_err();
            assert_eq!((error.code(), error.class()), (Code::ScheduleReserved, Class::Conflict));
            let says = format!(
                "Could not {doing}: its settings edit self_monitoring, and nothing else does."
            );
            assert_eq!(error.sentence(), says);
        }
        assert_eq!(
            run_now(&store, &call, name, RunScheduleNow::default()).await.unwrap().value.id,
            1
        );
    }

    #[tokio::test]
    async fn a_viewer_changes_no_schedule_and_an_operator_pauses_and_runs() {
        let (_folder, store, mut call) = house();
        add(&store, &call, new("nightly", plan("30 2 * * * UTC", "report"))).await.unwrap();
        for (role, refused) in [(Role::Viewer, true), (Role::Operator, false)] {
            call.who.role = role;
            for done in [
                pause(&store, &call, "nightly").await.map(|_| ()),
                resume(&store, &call, "nightly").await.map(|_| ()),
                run_now(&store, &call, "nightly", RunScheduleNow::default()).await.map(|_| ()),
            ] {
                assert_eq!(done.is_err_and(|e| e.code() == Code::AuthRole), refused, "{role:?}");
            }
            assert_eq!(said(remove(&store, &call, "nightly").await).0, Code::AuthRole);
            let (code, class, sentence) =
                said(add(&store, &call, new("x", plan("1h", "report"))).await);
            assert_eq!((code, class), (Code::AuthRole, Class::Forbidden));
            assert_eq!(
                sentence,
                format!(
                    "Could not add a schedule: your role is {}, and this needs the role admin.",
                    role.as_str()
                )
            );
        }
    }

    #[tokio::test]
    async fn a_story_tells_the_rule_the_next_five_and_what_was_decided() {
        let (_folder, store, call) = house();
        add(&store, &call, new("often", plan("15m", "report"))).await.unwrap();
        let told = story(&store, "often", NOW).await.unwrap();
        let json = serde_json::to_value(&told).unwrap();
        assert_eq!(json["words"], "every 15 minutes");
        assert_eq!(json["plan"]["rule"]["type"], "every");
        assert_eq!(json["next"].as_array().unwrap().len(), 5);
        assert_eq!(json["next"][0]["at"], NOW.to_string(), "due, and not looked at yet");
        assert_eq!(json["decisions"], serde_json::json!([]));
        assert_eq!(decisions(&store, "often", 5).await.unwrap().len(), 0);
    }
}
