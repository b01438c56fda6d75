//! The page of one schedule: when it is due, what was decided, and the form that edits it.

use super::answer::answered;
use super::app::App;
use super::caller::Signed;
use super::clocks::Clocks;
use super::components::{
    STRIP, UPCOMING, badge, card, confirm, decision_word, empty, folded, length, outcome_strip,
    run_states, schedule_badge, schedule_buttons, schedule_state, table, when,
};
use super::extract::{Form, Id, Query};
use super::face::Face;
use super::nav::{self, Tab};
use super::new_schedule::{preview_card, refusal};
use super::page::Frame;
use super::part::{LivePart, Shown, live_page, version};
use super::plan_form::{Offered, PlanForm, overlap_words, plan_form};
use super::problem::Problem;
use crate::actions::schedules::{self, ScheduleEdit, Told};
use crate::model::{
    CatchUp, PastDecision, Plan, Role, Schedule, ScheduleName, Timestamp, Verdict, in_units,
};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

pub(super) const PATH: &str = "/schedules/{name}";
pub(super) const PART_PATH: &str = "/schedules/{name}/part";
pub(super) const EDIT_PATH: &str = "/schedules/{name}/edit";
pub(super) const REMOVE_PATH: &str = "/schedules/{name}/remove";
/// Largest body, in bytes: the longest payload with every byte of it as `%xx`, and the rest.
pub(super) const MAX_BODY_BYTES: usize = 1024 * 1024;
/// How many past occurrences the page lists: a day of half-hourly ones.
const DECISIONS: usize = 50;
/// How many of them it shows at once. The others unfold.
const SHOWN: usize = 10;

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
    if !fields.preview.is_empty() {
        return shown_page(&app, &who, name, (Face::Page, None), Some((&fields, None))).await;
    }
    let done = async {
        let request = ScheduleEdit {
            name: name.to_string(),
            confirmed: fields.confirmed(),
            plan: fields.texts()?,
        };
        schedules::edit(&app.web.store, &call, request).await
    };
    match (done.await, who.face()) {
        (Ok(answer), face) => Ok(answered(face, &answer, &nav::schedule(&name))),
        (Err(error), Face::Page) if error.class().is_refusal() => {
            let problem = Problem::from(error);
            let again = Some((&fields, Some(&problem)));
            let page = shown_page(&app, &who, name, (Face::Page, None), again).await?;
            Ok((problem.status(), page).into_response())
        }
        (Err(error), _) => Err(error.into()),
    }
}

/// POST `/schedules/{name}/remove`.
pub(super) async fn remove(
    State(app): State<App>,
    who: Signed,
    Id(name): Id<ScheduleName>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let removed = schedules::remove(&app.web.store, &call, name.as_str()).await?;
    Ok(answered(who.face(), &removed, &Tab::Schedules.link()))
}

/// The page, or its live part alone. `again` has a form that was sent, and why it was refused if it was.
async fn shown_page(
    app: &App,
    who: &Signed,
    name: ScheduleName,
    face: (Face, Option<&str>),
    again: Option<(&PlanForm, Option<&Problem>)>,
) -> Result<Response, Problem> {
    let schedule = schedules::known(&app.web.store, name.as_str(), "show a schedule").await?;
    let (role, now, clocks) = (who.role(), app.web.clock.now(), who.clocks());
    let store = &app.web.store;
    let decisions = store.schedule_decisions(schedule.id, STRIP).await?;
    let record = schedules::record(store, &schedule, DECISIONS, clocks.zone_or_utc(), now).await?;
    let is_full = schedules::is_full(store, &schedule).await?;
    let content = html! {
        div.grid {
            div.wide { (summary(&schedule, (&decisions, record.last.as_deref()), (is_full, role), (clocks, now))) }
            div { (next(&schedule, clocks, now)) }
            div { (facts(&schedule, now)) }
            div.wide { (log(&schedule, &decisions, &record.rows, (clocks, now))) }
        }
    };
    let part = LivePart {
        id: "schedule",
        link: &nav::schedule(&name).under("part"),
        version: version(&(
            schedule_state(&schedule),
            run_states(&decisions),
            record.rows.iter().map(|told| &told.says).collect::<Vec<_>>(),
        )),
        content: &content,
    };
    // If the stored plan cannot be read, the page says so above, and the form is empty.
    let stored = schedule.plan.as_ref().map(PlanForm::of).unwrap_or_default();
    let fields = again.map_or(&stored, |(fields, _)| fields);
    let is_form = schedules::may_own(role, &schedule);
    let offered = Offered::by(app).await?;
    let zone = clocks.zone;
    // The form is beside the live part, whose renewal would take away what somebody types.
    let around = |part| {
        html! {
            @if let Some((_, Some(problem))) = again { (refusal(&fields.rule, problem, now)) }
            (part)
            @if is_form && schedule.reserved {
                div.below { (of_settings(app.web.has_program())) }
            } @else if is_form {
                div.cols.cols-2.below.plan-cols {
                    div { (form(&schedule, (fields, &offered))) }
                    @let stored = schedule.plan.as_ref().ok().map(|plan| &plan.rule);
                    (preview_card((&fields.rule, stored), zone, now))
                }
            }
        }
    };
    let above = vec![(Tab::Schedules.link(), Tab::Schedules.title().to_owned())];
    let frame = Frame::new(&app.web, Some(who)).at(Tab::Schedules).under(above);
    let title = format!("Schedule {name}");
    Ok(live_page(&frame, &title, &part, around, face))
}

fn summary(
    schedule: &Schedule,
    (decisions, last): (&[PastDecision], Option<&str>),
    (is_full, role): (bool, Role),
    (clocks, now): (Clocks, Timestamp),
) -> Markup {
    html! {
        section.card.say {
                    (schedule_badge(schedule, decisions))
                    p {
                        @match &schedule.plan {
                            Ok(plan) => { "Makes a job of kind " (plan.kind) " " (plan.rule.in_words_by(clocks.zone_or_utc())) "." },
                            Err(why) => span.bad { "Makes no jobs: it cannot be read. " (why) },
                        }
                        @if let Some(at) = schedule.paused_at {
                            @if schedule.reserved { " Switched off " } @else { " Paused " }
                            (when(at, now))
                            @if let Some(by) = &schedule.paused_by { " by " (by) }
                            "."
                        }
                        @if let Some(last) = last { " " (last) }
                    }
                    div.page-actions { (schedule_buttons(schedule, is_full, role, false)) }
        }
    }
}

fn next(schedule: &Schedule, clocks: Clocks, now: Timestamp) -> Markup {
    let Ok(plan) = &schedule.plan else { return html! {} };
    let upcoming: Vec<_> = schedule.upcoming(now).take(UPCOMING).collect();
    let is_paused = schedule.paused_at.is_some();
    // The reader's own clocks are told where they may show another time.
    let own = plan.rule.zone();
    let other = Some(clocks.zone_or_utc()).filter(|zone| *zone != own);
    let row = |at: &Timestamp| {
        html! {
            tr {
                td { (own.show(*at)) }
                @if let Some(zone) = other { td data-label=(zone.place()) { (zone.show(*at)) } }
                td data-label="Starts" { @if is_paused { "paused: would run " } (when(*at, now)) }
            }
        }
    };
    let rows: Vec<_> = upcoming.iter().map(row).collect();
    let yours = other.map(|zone| format!("In {zone}"));
    let named = format!("In {own}");
    let mut columns = vec![named.as_str()];
    columns.extend(yours.as_deref());
    columns.push("Starts");
    let content = html! {
        @if rows.is_empty() {
            (empty("No occurrence to come", &html! { "Give it another rule, or remove it." }))
        } @else {
            (table("Next five", &columns, &rows))
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
            dt { "Queue" } dd { @if let Some(queue) = &plan.queue { (queue) } @else { "the kind's default" } }
            dt { "Priority" } dd { @if let Some(priority) = plan.priority { (priority) } @else { "the kind's default" } }
            dt { "Missed ones" } dd { (catch_up(plan)) }
            dt { "Overlap" } dd { (overlap_words(plan.overlap)) }
            dt { "Last occurrence" } dd { @match schedule.last_at { Some(at) => (when(at, now)), None => "never" } }
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

fn log(
    schedule: &Schedule,
    decisions: &[PastDecision],
    rows: &[Told],
    (clocks, now): (Clocks, Timestamp),
) -> Markup {
    let rows: Vec<_> = rows.iter().map(|told| row(told, clocks, now)).collect();
    let columns = ["Planned", "What became of it", "Job", "Started", "Took"];
    let (shown, more) = rows.split_at(rows.len().min(SHOWN));
    let content = html! {
        @if rows.is_empty() {
            (empty("It has not run yet", &html! { "Each planned run leaves a line here: what was decided and why, when its job started, and how that ended." }))
        } @else {
            (table("Last runs", &columns, shown))
            @if !more.is_empty() {
                details #schedule-more {
                    summary.card-body { (more.len()) " more" }
                    (table("Runs before these", &columns, more))
                }
            }
        }
    };
    let id = format!("schedule-log-{}", schedule.id);
    let zone =
        html! { span.sub { "Times in " (clocks.name()) } (outcome_strip(decisions, clocks)) };
    card(&id, "Last runs", &zone, &content)
}

/// One occurrence: when it was planned, by the reader's clocks as all times of the table, and what became of it.
fn row(told: &Told, clocks: Clocks, now: Timestamp) -> Markup {
    let (class, word) = match told.decision {
        Some(decision) => (decision_class(decision), decision_word(decision)),
        None => ("badge tag-warn", "Not decided"),
    };
    html! {
        tr {
            td title=(clocks.exact(told.planned_at)) {
                (clocks.second(told.planned_at))
                div.sub { (when(told.planned_at, now)) }
            }
            td.note { span class=(class) { (word) } " " (told.says) }
            td data-label="Job" {
                @if let Some(id) = told.job_id { a href=(nav::job(id)) { "#" (id) } " " }
                @if let Some(status) = told.job_status { (badge(status)) }
                @else if told.job_id.is_some() { span.soft { "removed" } }
                @else { span.soft { "none" } }
            }
            td data-label="Started" {
                @if let Some(at) = told.started_at {
                    span title=(clocks.exact(at)) { (clocks.second(at)) }
                    div.sub { @match told.late() { Some(late) if told.is_late_or_missed => { (in_units(late)) " late" }, _ => "on time" } }
                } @else { span.soft { (not_started(told)) } }
            }
            td.num data-label="Took" { @match told.took() { Some(took) => (length(took)), None => span.soft { @if told.started_at.is_some() { "not over" } @else if told.job_id.is_some() && told.job_status.is_none() { "not known" } @else { "no time" } } } }
        }
    }
}

/// What the column of starts says of a run that has not started.
fn not_started(told: &Told) -> &'static str {
    match (told.decision, told.job_id, told.job_status) {
        (None, ..) => "not yet",
        // Its job is not kept any more.
        (Some(_), Some(_), None) => "not known",
        (Some(_), ..) if told.waits() => "not yet",
        (Some(_), ..) => "never",
    }
}

fn decision_class(decision: Verdict) -> &'static str {
    match decision {
        Verdict::Fired | Verdict::Merged => "badge",
        Verdict::CaughtUp => "badge tag-info",
        Verdict::Skipped => "badge tag-warn",
        Verdict::OverBudget => "badge tag-bad",
    }
}

fn form(schedule: &Schedule, (fields, offered): (&PlanForm, &Offered)) -> Markup {
    let page = nav::schedule(&schedule.name);
    let consequence = html! {
        "The schedule " b { (schedule.name) } " and its decisions go for good. The jobs that it made stay."
    };
    let remove = html! {
        form method="post" action=(page.under("remove")) {
            button.btn.btn-sm.btn-solid-danger type="submit" { "Delete this schedule" }
        }
    };
    // A form does not contain another one, so the question stands in a card of its own.
    html! {
        (card("schedule-edit", "Edit", &html! {}, &plan_form(fields, offered, (&page.under("edit"), false), &html! {
            a.btn.btn-quiet href=(page) { "Discard" }
        })))
        section.card.below { div.card-body { (confirm("schedule-delete", "Delete", &consequence, &remove)) } }
    }
}

/// What stands in the place of the form of a schedule that settings edit.
fn of_settings(has_program: bool) -> Markup {
    let text = html! {
        p.card-body {
            "Its settings edit it: "
            @if has_program {
                "the " a href=(Tab::SelfMonitoring.link().under("configuration")) { "configuration of self-monitoring" } ", or "
            }
            code { "lamplighter settings set self_monitoring.cadence 30m" } "."
        }
    };
    card("schedule-edit", "Edit", &html! {}, &text)
}
