//! The page of one schedule: when it is due, what was decided, and the form that edits it.

use super::answer::answered;
use super::app::App;
use super::caller::Signed;
use super::components::{
    UPCOMING, as_typed, card, decision_strip, decision_word, empty, exact, folded, problem_notice,
    schedule_badge, schedule_buttons, schedule_state, table, when, when_known,
};
use super::extract::{Form, Id, Query};
use super::face::Face;
use super::nav::{self, Tab};
use super::page::Frame;
use super::part::{LivePart, Shown, live_page, version};
use super::problem::Problem;
use crate::actions::schedules::{self, PlanTexts, RuleText, ScheduleEdit};
use crate::model::{
    CatchUp, Overlap, PRIORITIES, PastDecision, Plan, Queue, Role, Schedule, ScheduleName,
    Timestamp, Verdict,
};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

pub(super) const PATH: &str = "/schedules/{name}";
pub(super) const PART_PATH: &str = "/schedules/{name}/part";
pub(super) const EDIT_PATH: &str = "/schedules/{name}/edit";
/// Largest body, in bytes: the longest payload with every byte of it as `%xx`, and the rest.
pub(super) const MAX_BODY_BYTES: usize = 1024 * 1024;
/// How many decisions the page lists: a day of half-hourly ones.
const DECISIONS: usize = 50;

/// GET `/schedules/{name}` and `/schedules/{name}/part`.
pub(super) async fn page(
    State(app): State<App>,
    who: Signed,
    Id(name): Id<ScheduleName>,
    Query(Shown { v: shown }): Query<Shown>,
) -> Result<Response, Problem> {
    shown_page(&app, &who, name, (who.face(), shown.as_deref()), None).await
}

/// POST `/schedules/{name}/edit`.
pub(super) async fn edit(
    State(app): State<App>,
    who: Signed,
    Id(name): Id<ScheduleName>,
    Form(fields): Form<PlanForm>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let request = ScheduleEdit {
        name: name.to_string(),
        confirmed: fields.confirm == "full",
        plan: fields.texts(),
    };
    match (schedules::edit(&app.web.store, &call, request).await, who.face()) {
        (Ok(answer), face) => Ok(answered(face, &answer, &nav::schedule(&name))),
        (Err(error), Face::Page) if error.class().is_refusal() => {
            let problem = Problem::from(error);
            let again = Some((&fields, &problem));
            let page = shown_page(&app, &who, name, (Face::Page, None), again).await?;
            Ok((problem.status(), page).into_response())
        }
        (Err(error), _) => Err(error.into()),
    }
}

/// What the form sends. Every field is text, so that a field that does not fit can be shown as it was typed.
#[derive(Default, Deserialize)]
pub(super) struct PlanForm {
    rule: String,
    kind: String,
    payload: String,
    queue: String,
    priority: String,
    catch_up: String,
    overlap: String,
    stagger: String,
    /// `full` if the person confirmed that sessions of the profile full have no sandbox.
    #[serde(default)]
    confirm: String,
}

impl PlanForm {
    fn of(plan: &Plan) -> Self {
        Self {
            rule: plan.rule.to_text(),
            kind: plan.kind.to_string(),
            payload: plan.payload.to_string(),
            queue: plan.queue.as_ref().map_or_else(String::new, Queue::to_string),
            priority: plan.priority.map_or_else(String::new, |priority| priority.to_string()),
            catch_up: plan.catch_up.to_string(),
            overlap: plan.overlap.to_string(),
            stagger: plan.stagger.as_secs().to_string(),
            confirm: String::new(),
        }
    }

    fn texts(&self) -> PlanTexts {
        PlanTexts {
            rule: Some(RuleText::Line(self.rule.clone())),
            kind: Some(self.kind.clone()),
            payload: Some(as_typed(&self.payload)),
            queue: Some(self.queue.clone()),
            priority: Some(self.priority.clone()),
            catch_up: Some(self.catch_up.clone()),
            overlap: Some(self.overlap.clone()),
            stagger: Some(self.stagger.clone()),
        }
    }
}

/// The page, or its live part alone. `again` has a form that was refused, and why.
async fn shown_page(
    app: &App,
    who: &Signed,
    name: ScheduleName,
    face: (Face, Option<&str>),
    again: Option<(&PlanForm, &Problem)>,
) -> Result<Response, Problem> {
    let schedule = schedules::known(&app.web.store, name.as_str(), "show a schedule").await?;
    let decisions = app.web.store.schedule_decisions(schedule.id, DECISIONS).await?;
    let is_full = schedules::is_full(&app.web.store, &schedule).await?;
    let (role, now) = (who.role(), app.web.clock.now());
    let content = html! {
        div.grid {
            div.wide { (summary(&schedule, is_full, role, now)) }
            div { (next(&schedule, now)) }
            div { (facts(&schedule, now)) }
            div.wide { (log(&schedule, &decisions, now)) }
        }
    };
    let part = LivePart {
        id: "schedule",
        link: &nav::schedule(&name).under("part"),
        version: version(&schedule_state(&schedule)),
        content: &content,
    };
    // The form is beside the live part, whose renewal would take away what somebody types.
    let around = |part| {
        html! {
            div.grid {
                @if let Some((_, problem)) = again { div.wide { (problem_notice(problem)) } }
                div.wide { (part) }
                @if schedules::may_change(role) { div.wide { (form(&schedule, again.map(|(fields, _)| fields), app.web.has_program())) } }
            }
        }
    };
    let above = vec![(Tab::Schedules.link(), Tab::Schedules.title().to_owned())];
    let frame = Frame::new(&app.web, Some(who)).at(Tab::Schedules).under(above);
    let title = format!("Schedule {name}");
    Ok(live_page(&frame, &title, &part, around, face))
}

fn summary(schedule: &Schedule, is_full: bool, role: Role, now: Timestamp) -> Markup {
    html! {
        section.card.say {
                    (schedule_badge(schedule))
                    p {
                        @match &schedule.plan {
                            Ok(plan) => { "Makes a job of kind " (plan.kind) " " (plan.rule.in_words()) "." },
                            Err(why) => span.bad { "Makes no jobs: it cannot be read. " (why) },
                        }
                        @if let Some(at) = schedule.paused_at {
                            @if schedule.reserved { " Switched off " } @else { " Paused " }
                            (when(at, now))
                            @if let Some(by) = &schedule.paused_by { " by " (by) }
                            "."
                        }
                    }
                    div.page-actions { (schedule_buttons(schedule, is_full, role, false)) }
        }
    }
}

fn next(schedule: &Schedule, now: Timestamp) -> Markup {
    let Ok(plan) = &schedule.plan else { return html! {} };
    let upcoming: Vec<_> = schedule.upcoming(now).take(UPCOMING).collect();
    let row = |at: &Timestamp| {
        html! {
            tr {
                td {
                    (plan.rule.local(*at))
                    div.soft { (when(*at, now)) }
                }
                td data-label="UTC" { (at.to_utc().format("%Y-%m-%d %H:%M:%S")) }
            }
        }
    };
    let rows: Vec<_> = upcoming.iter().map(row).collect();
    let content = html! {
        @if rows.is_empty() {
            (empty("No occurrence to come", &html! { "Give it another rule, or remove it." }))
        } @else {
            (table("Next five", &["On its clocks", "UTC"], &rows))
        }
        @let warnings = schedule.warnings(now);
        @if !warnings.is_empty() {
            div.card-body.soft {
                @for warning in warnings { div { "Note: " (warning) "." } }
            }
        }
    };
    card("schedule-next", "Next five", &html! {}, &content)
}

fn facts(schedule: &Schedule, now: Timestamp) -> Markup {
    let Ok(plan) = &schedule.plan else { return html! {} };
    let content = html! {
        dl.card-body.facts {
            dt { "Rule" } dd { code { (plan.rule.to_text()) } }
            dt { "Payload" } dd { (folded("schedule-payload", &plan.payload.to_string())) }
            dt { "Queue" } dd { @if let Some(queue) = &plan.queue { (queue) } @else { "its kind's" } }
            dt { "Priority" } dd { @if let Some(priority) = plan.priority { (priority) } @else { "its kind's" } }
            dt { "Missed ones" } dd { (catch_up(plan)) }
            dt { "Overlap" } dd { (overlap(plan.overlap)) }
            dt { "Last occurrence" } dd { (when_known(schedule.last_at, now)) }
            dt { "Made" } dd { (when(schedule.created_at, now)) }
            dt { "Changed" } dd { (when(schedule.updated_at, now)) " by " (schedule.updated_by) }
        }
    };
    card("schedule-facts", "Facts", &html! {}, &content)
}

fn catch_up(plan: &Plan) -> String {
    let stagger = match plan.stagger.as_secs() {
        0 => String::new(),
        seconds => format!(", {seconds} s after one another"),
    };
    match plan.catch_up {
        CatchUp::Once => "one job for all of them".to_owned(),
        CatchUp::Skip => "no job".to_owned(),
        CatchUp::All { max } => format!("a job each, for the newest {max}{stagger}"),
    }
}

const fn overlap(overlap: Overlap) -> &'static str {
    match overlap {
        Overlap::QueueOne => "at most one job waits beside the running one",
        Overlap::QueueAll => "every occurrence makes a job",
        Overlap::Skip => "skipped while a job waits or runs",
    }
}

fn log(schedule: &Schedule, decisions: &[PastDecision], now: Timestamp) -> Markup {
    let row = |decision: &PastDecision| {
        html! {
            tr {
                td { (exact(decision.occurrence_at)) }
                td { span class=(decision_class(decision.decision)) { (decision_word(decision.decision)) } }
                td data-label="Decided" { (when(decision.decided_at, now)) }
                td data-label="Job" { @if let Some(id) = decision.job_id { a href=(nav::job(id)) { (id) } } @else { "–" } }
                td.note { (decision.detail) }
            }
        }
    };
    let rows: Vec<_> = decisions.iter().map(row).collect();
    let content = html! {
        @if rows.is_empty() {
            (empty("Nothing was decided yet", &html! { "Each occurrence leaves a line here: fired, caught up, merged or skipped, and why." }))
        } @else {
            (table("Decisions", &["Occurrence", "Decision", "Decided", "Job", "Why"], &rows))
        }
    };
    let id = format!("schedule-log-{}", schedule.id);
    card(&id, "Last decisions", &decision_strip(decisions), &content)
}

fn decision_class(decision: Verdict) -> &'static str {
    match decision {
        Verdict::Fired => "badge tag-ok",
        Verdict::CaughtUp => "badge tag-info",
        Verdict::Merged => "badge",
        Verdict::Skipped => "badge tag-warn",
        Verdict::OverBudget => "badge tag-bad",
    }
}

fn form(schedule: &Schedule, again: Option<&PlanForm>, has_program: bool) -> Markup {
    if schedule.reserved {
        return card(
            "schedule-edit",
            "Edit",
            &html! {},
            &html! {
                p.card-body {
                    "Its settings edit it: "
                    @if has_program {
                        "the " a href=(Tab::SelfMonitoring.link().at("configuration")) { "configuration of self-monitoring" } ", or "
                    }
                    code { "lamplighter settings set self_monitoring.cadence 30m" } "."
                }
            },
        );
    }
    // If the stored plan cannot be read, the page says so above, and the form is empty.
    let stored = schedule.plan.as_ref().map(PlanForm::of).unwrap_or_default();
    let fields = again.unwrap_or(&stored);
    let input = |name: &str, label: &str, value: &str, hint: &str| {
        html! {
            div.setting {
                label.form-label for={ "edit-" (name) } { (label) }
                input.form-control id={ "edit-" (name) } name=(name) value=(value) autocomplete="off"
                    aria-describedby={ "hint-" (name) };
                small.form-hint id={ "hint-" (name) } { (hint) }
            }
        }
    };
    let (least, most) = (PRIORITIES.start(), PRIORITIES.end());
    let priority = format!("{least} to {most}, lower runs first; empty: its kind's");
    let content = html! {
        form.card-body method="post" action=(nav::schedule(&schedule.name).under("edit")) {
            div.setting-row {
                (input("rule", "Rule", &fields.rule,
                    "15m, 6h, a crontab expression and a zone (30 2 * * 1-5 Europe/Berlin), or an instant (2027-01-15T08:00:00Z)"))
                (input("kind", "Kind", &fields.kind, "Which handler runs its jobs"))
                (input("catch_up", "Missed occurrences", &fields.catch_up, "once, skip or all:N"))
                div.setting {
                    label.form-label for="edit-overlap" { "Overlap" }
                    select #edit-overlap .form-select name="overlap" {
                        @for offered in [Overlap::QueueOne, Overlap::QueueAll, Overlap::Skip] {
                            option value=(offered) selected[fields.overlap == offered.as_str()] { (offered) ": " (overlap(offered)) }
                        }
                    }
                }
                (input("queue", "Queue", &fields.queue, "Empty: its kind's"))
                (input("priority", "Priority", &fields.priority, &priority))
                (input("stagger", "Stagger", &fields.stagger, "How long after one another caught-up jobs start: seconds, or 5m"))
                div.wide {
                    label.form-label for="edit-payload" { "Payload" }
                    textarea #edit-payload .form-control name="payload" rows="3" spellcheck="false" { (fields.payload) }
                }
                div.wide { button.btn.btn-primary type="submit" { "Save" } }
            }
        }
    };
    card("schedule-edit", "Edit", &html! {}, &content)
}
