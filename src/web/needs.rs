//! What waits for a person: its rows on the dashboard, each with the one thing to do about it, and what puts one off.

use super::answer::answered;
use super::app::App;
use super::base::link;
use super::caller::Signed;
use super::components::{NeedRow, needs_card, when, when_known};
use super::extract::Form;
use super::icon::Icon;
use super::nav::{self, Tab};
use super::problem::Problem;
use crate::actions::needs::{self, Needs};
use crate::actions::{length, queues};
use crate::model::{Filter, Kind, Need, NeedRule, Queue, Role, ScheduleName, Status, Timestamp};
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

pub(super) const PUT_OFF_PATH: &str = "/needs/put-off";

/// A pressed button: what is put off, and for how long.
#[derive(Deserialize)]
pub(super) struct PutOff {
    key: String,
    /// A length such as `1h`; empty: it is told again.
    #[serde(default)]
    length: String,
}

/// POST `/needs/put-off`.
pub(super) async fn put_off(
    State(app): State<App>,
    who: Signed,
    Form(PutOff { key, length: asked }): Form<PutOff>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let asked = Some(asked.trim()).filter(|asked| !asked.is_empty());
    let asked = asked.map(|asked| length(asked, "put it off")).transpose()?;
    let answer = needs::put_off(&app.web.store, &call, &key, asked).await?;
    Ok(answered(who.face(), &answer, &Tab::Dashboard.link()))
}

/// What waits, as the dashboard shows it; one line where nothing does.
pub(super) fn shown(needs: &Needs, role: Role, now: Timestamp) -> Markup {
    let rows: Vec<_> = needs.told.iter().map(|need| row(need, role, now)).collect();
    let put_off: Vec<_> = needs.put_off.iter().map(|one| put_off_row(one, role, now)).collect();
    needs_card(&rows, &put_off)
}

/// What of it can change.
pub(super) fn state(needs: &Needs) -> impl std::hash::Hash + use<'_> {
    let told: Vec<_> = needs.told.iter().map(|need| (need.key(), &need.what, &need.why)).collect();
    let put_off: Vec<_> = needs.put_off.iter().map(|(need, until)| (need.key(), *until)).collect();
    (told, put_off)
}

fn row(need: &Need, role: Role, now: Timestamp) -> NeedRow {
    let (shape, is_urgent) = picture(need.rule);
    NeedRow {
        icon: shape,
        is_urgent,
        what: html! { (need.what) },
        why: html! {
            (need.why) @if !need.why.ends_with(['.', '?', '!']) { "." }
            @if let Some(since) = need.since { " It began " (when(since, now)) "." }
            @if need.until.is_some() { " It ends by itself " (when_known(need.until, now)) "." }
        },
        action: html! { (remedy(need, role)) @if needs::may_put_off(role) { (later(need)) } },
    }
}

fn put_off_row((need, until): &(Need, Timestamp), role: Role, now: Timestamp) -> Markup {
    html! {
        (need.what) ", put off until " (when(*until, now)) " "
        @if needs::may_put_off(role) {
            form.inline method="post" action=(link(PUT_OFF_PATH)) {
                input type="hidden" name="key" value=(need.key());
                button.btn.btn-sm.btn-quiet type="submit" aria-label={ "Tell again: " (need.what) } { "Tell again" }
            }
        }
    }
}

/// The picture of a rule, and whether it is about something that fails now.
fn picture(rule: NeedRule) -> (Icon, bool) {
    match rule {
        NeedRule::Engine | NeedRule::Tracker => (Icon::AlertCircle, true),
        NeedRule::Approvals => (Icon::GitPullRequest, false),
        NeedRule::Agent => (Icon::Robot, true),
        NeedRule::QueuePaused => (Icon::PlayerPause, false),
        NeedRule::NoWorker => (Icon::CircleDotted, false),
        NeedRule::Budget => (Icon::AlertTriangle, false),
        NeedRule::ScheduleFails => (Icon::CalendarClock, true),
        NeedRule::QueueLate => (Icon::Clock, false),
        NeedRule::NewError => (Icon::CircleX, true),
        NeedRule::DiskLow => (Icon::AlertTriangle, true),
    }
}

/// The one thing to do about it.
fn remedy(need: &Need, role: Role) -> Markup {
    let open = |to: super::base::Link, word: &str| {
        html! { a.btn.btn-sm href=(to) aria-label={ (word) ": " (need.what) } { (word) } }
    };
    let waiting = Filter::default().status(Status::Queued);
    match need.rule {
        NeedRule::Approvals => open(link(nav::APPROVALS), "Review"),
        NeedRule::Engine | NeedRule::Tracker | NeedRule::Agent => {
            open(Tab::Settings.link(), "Open the check")
        }
        NeedRule::Budget => open(Tab::Settings.link(), "Change the limit"),
        NeedRule::DiskLow => open(Tab::Settings.link(), "Open settings"),
        NeedRule::NewError => open(nav::error(&need.subject), "Open error"),
        NeedRule::QueuePaused if queues::may_act(role) => {
            let action = Tab::Queues.link().under(&need.subject).under("resume");
            html! {
                form method="post" action=(action) {
                    button.btn.btn-sm type="submit" aria-label={ "Resume " (need.subject) } { "Resume" }
                }
            }
        }
        NeedRule::QueuePaused => open(Tab::Queues.link(), "Open"),
        NeedRule::NoWorker => html! {
            @if let Ok(kind) = Kind::parse(&need.subject) { (open(nav::jobs(&waiting.kind(kind)), "Show jobs")) }
        },
        NeedRule::QueueLate => html! {
            @if let Ok(queue) = Queue::parse(&need.subject) { (open(nav::jobs(&waiting.queue(queue)), "Show jobs")) }
        },
        NeedRule::ScheduleFails => html! {
            @if let Ok(name) = ScheduleName::parse(&need.subject) { (open(nav::schedule(&name), "Open")) }
        },
    }
}

/// The menu that puts it off.
fn later(need: &Need) -> Markup {
    let key = need.key();
    html! {
        details.menu id={ "put-off-" (key.replace(':', "-")) } {
            summary.btn.btn-sm.btn-quiet aria-label={ "Put off: " (need.what) } { "…" }
            form method="post" action=(link(PUT_OFF_PATH)) {
                input type="hidden" name="key" value=(key);
                button.btn.btn-sm.btn-quiet type="submit" name="length" value="1h" { "Put off for 1 h" }
                button.btn.btn-sm.btn-quiet type="submit" name="length" value="24h" { "Put off for 1 d" }
            }
        }
    }
}
