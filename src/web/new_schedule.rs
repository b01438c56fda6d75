//! The page that asks for a schedule, and what a rule would mean while somebody types it.

use super::answer::answered;
use super::app::App;
use super::base::link;
use super::caller::Signed;
use super::components::{Tone, capital, card, notice, problem_notice, table, when};
use super::extract::{Form, Query};
use super::face::Face;
use super::nav::{self, Tab};
use super::page::{self, Frame};
use super::plan_form::{Offered, PlanForm, plan_form};
use super::problem::Problem;
use super::rule_form::RuleForm;
use super::schedules::NEW_PATH;
use crate::actions::schedules::{self, Preview, ScheduleAdd};
use crate::model::{Rule, ScheduleName, Timestamp, Zone};
use crate::wire;
use axum::Json;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

pub(super) const PATH: &str = NEW_PATH;
/// Largest body, in bytes: the longest payload with every byte of it as `%xx`, and the rest.
pub(super) const MAX_BODY_BYTES: usize = 1024 * 1024;

/// What the address of the page may say.
#[derive(Deserialize)]
pub(super) struct NewQuery {
    /// The kind that is chosen, with its example.
    kind: Option<String>,
}

/// GET `/schedules/new-schedule`.
pub(super) async fn form(
    State(app): State<App>,
    who: Signed,
    Query(NewQuery { kind }): Query<NewQuery>,
) -> Result<Html<String>, Problem> {
    let offered = Offered::by(&app).await?;
    let fields = PlanForm::fresh(who.caller.choices.zone, kind, &offered);
    Ok(whole(&app, &who, (&fields, &offered), None))
}

/// POST `/schedules/new-schedule`: stores the schedule and leads to its page, or shows what its rule means.
pub(super) async fn add(
    State(app): State<App>,
    who: Signed,
    Form(fields): Form<PlanForm>,
) -> Result<Response, Problem> {
    if !fields.preview.is_empty() {
        let offered = Offered::by(&app).await?;
        return Ok(whole(&app, &who, (&fields, &offered), None).into_response());
    }
    let call = who.call(app.web.clock.now());
    let done = async {
        let request = ScheduleAdd {
            name: fields.name.clone(),
            plan: fields.texts()?,
            confirmed: fields.confirmed(),
            paused: !fields.paused.is_empty(),
        };
        schedules::add(&app.web.store, &call, request).await
    };
    match (done.await, who.face()) {
        (Ok(answer), face) => {
            let name = ScheduleName::parse(&answer.value.schedule.name);
            let page = name.map_or_else(|_| Tab::Schedules.link(), |name| nav::schedule(&name));
            Ok(answered(face, &answer, &page))
        }
        (Err(error), Face::Page) if error.class().is_refusal() => {
            let problem = Problem::from(error);
            let offered = Offered::by(&app).await?;
            let page = whole(&app, &who, (&fields, &offered), Some(&problem));
            Ok((problem.status(), page).into_response())
        }
        (Err(error), _) => Err(error.into()),
    }
}

/// GET `/schedules/rule-preview`: what the rule of a form means. Nothing is stored.
pub(super) async fn preview(
    State(app): State<App>,
    who: Signed,
    Query(fields): Query<RuleForm>,
) -> Result<Response, Problem> {
    let now = app.web.clock.now();
    if who.face() == Face::Json {
        let seen = fields.text().and_then(|rule| schedules::preview(rule, now))?;
        let told = wire::RulePreview::of(&seen.rule, &seen.next, seen.warnings);
        return Ok(Json(told).into_response());
    }
    Ok(Html(previewed(&fields, who.caller.choices.zone, now).into_string()).into_response())
}

fn whole(
    app: &App,
    who: &Signed,
    (fields, offered): (&PlanForm, &Offered),
    refused: Option<&Problem>,
) -> Html<String> {
    let now = app.web.clock.now();
    let discard = html! { a.btn.btn-quiet href=(Tab::Schedules.link()) { "Discard" } };
    let form = plan_form(fields, offered, (&link(PATH), true), &discard);
    let content = html! {
        @if let Some(problem) = refused { (refusal(&fields.rule, problem, now)) }
        div.cols.cols-2.plan-cols {
            (card("schedule-new", "What and when", &html! {}, &form))
            (preview_card((&fields.rule, None), who.caller.choices.zone, now))
        }
    };
    let above = vec![(Tab::Schedules.link(), Tab::Schedules.title().to_owned())];
    let frame = Frame::new(&app.web, Some(who)).at(Tab::Schedules).under(above).still();
    page::page(&frame, "New schedule", &content)
}

/// Why a form was refused. If its rule is what is wrong, the notice goes once the preview can read the rule.
pub(super) fn refusal(fields: &RuleForm, problem: &Problem, now: Timestamp) -> Markup {
    let is_of_rule = fields.text().and_then(|rule| schedules::preview(rule, now)).is_err();
    html! { div data-refused=[is_of_rule.then_some("rule")] { (problem_notice(problem)) } }
}

/// The card beside a form that says what its rule means. Where the rule is the one that is stored, the page has its next
/// occurrences already.
pub(super) fn preview_card(
    (fields, stored): (&RuleForm, Option<&Rule>),
    zone: Option<Zone>,
    now: Timestamp,
) -> Markup {
    let shown = match fields.text().and_then(|rule| schedules::preview(rule, now)) {
        Ok(seen) if stored == Some(&seen.rule) => {
            html! { (in_words(&seen, zone)) p.card-body.soft { "This is the stored rule. Its next five are above." } }
        }
        _ => previewed(fields, zone, now),
    };
    card(
        "schedule-preview",
        "Preview",
        &html! { span.sub.scripted { "changes as you type" } },
        &html! { div #preview aria-live="polite" { (shown) } },
    )
}

/// What the rule of a form means, or why it means nothing.
fn previewed(fields: &RuleForm, zone: Option<Zone>, now: Timestamp) -> Markup {
    match fields.text().and_then(|rule| schedules::preview(rule, now)) {
        Ok(seen) => seen_rule(&seen, zone, now),
        Err(error) => html! { p.card-body.bad { (Problem::from(error).what()) } },
    }
}

/// A rule as a sentence, and what is odd about it.
fn in_words(seen: &Preview, zone: Option<Zone>) -> Markup {
    let rule = &seen.rule;
    let other = zone.filter(|zone| *zone != rule.zone());
    html! {
        div.card-body.lines data-cron=[rule.crontab()] {
            p.big { (capital(&rule.in_words_by(other.unwrap_or_default()))) }
            @for warning in &seen.warnings {
                (notice(Tone::Look, &html! { (capital(warning)) "." }, &html! {}))
            }
        }
    }
}

fn seen_rule(seen: &Preview, zone: Option<Zone>, now: Timestamp) -> Markup {
    let rule = &seen.rule;
    let own = rule.zone();
    // The viewer's own clocks are told where they show another time.
    let zone = zone.filter(|zone| *zone != own);
    let row = |at: &Timestamp| {
        html! {
            tr {
                td { (own.show(*at)) }
                @if let Some(zone) = zone { td data-label="Yours" { (zone.show(*at)) } }
                td data-label="Starts" { (when(*at, now)) }
            }
        }
    };
    let rows: Vec<_> = seen.next.iter().map(row).collect();
    let yours = zone.map(|zone| format!("Yours, {}", zone.place()));
    let place = own.place();
    let mut columns = vec![place.as_str()];
    columns.extend(yours.as_deref());
    columns.push("Starts");
    html! {
        (in_words(seen, zone))
        (table("Next five of this rule", &columns, &rows))
    }
}
