//! The Settings page: the set-up check, the switch that stops everything, and every setting.

mod check;
pub(super) mod checks;
#[cfg(feature = "monitor")]
mod program;

use super::answer::{answered, see_other};
use super::app::App;
use super::base::link;
use super::caller::Signed;
use super::components::{card, confirm, settings_tabs, stopped_notice, table};
use super::extract::{Form, Id, Query};
use super::face::Face;
use super::named::SettingText;
use super::nav::Tab;
use super::page::{self, Frame};
use super::problem::Problem;
use super::setting::{self, Field, Said, Sent};
use crate::actions::settings::SettingChange;
use crate::actions::{self, queues};
use crate::model::settings::is_of_engine;
use crate::model::{Pause, Role, SettingGroup, SettingState, Timestamp};
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

pub(super) const PATH: &str = Tab::Settings.path();
pub(super) const STOP_PATH: &str = "/settings/stop-all";
pub(super) const RESUME_PATH: &str = "/settings/resume-all";
/// The path of one setting. Every setting's name has a dot, which no other address here has.
pub(super) const SET_PATH: &str = "/settings/{name}";
/// What the page says after something was saved.
const SAVED: &[(&str, &str)] = &[("settings", "The setting is saved. It holds from now on.")];

/// The address's query.
#[derive(Deserialize)]
pub(super) struct SettingsQuery {
    saved: Option<String>,
}

/// The form that stops everything; it has the reason.
#[derive(Deserialize)]
pub(super) struct StopForm {
    #[serde(default)]
    reason: String,
}

/// GET `/settings`.
pub(super) async fn page(
    State(app): State<App>,
    who: Signed,
    Query(asked): Query<SettingsQuery>,
) -> Result<Html<String>, Problem> {
    whole(&app, &who, &Said::saved(asked.saved.as_deref(), SAVED)).await
}

async fn whole(app: &App, who: &Signed, said: &Said) -> Result<Html<String>, Problem> {
    let (store, role, now) = (&app.web.store, who.role(), app.web.clock.now());
    let (_, checks) = checks::read(&app.web).await?;
    let stopped = store.stopped().await?;
    let running = store.overview(now).await?.running;
    let mut all = store.all_settings().await?;
    all.retain(|state| app.web.has_program() || is_of_engine(state.setting));
    let content = html! {
        (settings_tabs(who, PATH))
        (said.banner())
        div.grid {
            div.wide { (checks) }
            div.wide { (stop_card(stopped.as_ref(), running, role, now)) }
            @for heading in SettingGroup::ALL {
                @if all.iter().any(|state| state.setting.group == heading) {
                    div.wide { (group(heading, &all, role, said)) }
                }
            }
        }
    };
    let frame = Frame::new(&app.web, Some(who)).at(Tab::Settings);
    Ok(page::page(&frame, Tab::Settings.title(), &content))
}

/// POST `/settings/{name}`: sets a setting, or takes it back to its default.
pub(super) async fn set(
    State(app): State<App>,
    who: Signed,
    Id(SettingText(key)): Id<SettingText>,
    Form(mut sent): Form<Sent>,
) -> Result<Response, Problem> {
    let setting = actions::settings::named(&key)?;
    let changes = if sent.iter().any(|(name, _)| name == "default") {
        vec![SettingChange::reset(setting.key)]
    } else {
        // A program may call the field `value` instead of the setting's name.
        for (name, _) in sent.iter_mut().filter(|(name, _)| name == "value") {
            setting.key.clone_into(name);
        }
        setting::wishes(&[setting], &sent)?
    };
    let call = who.call(app.web.clock.now());
    let outcome = setting::change(&app.web, &call, &changes).await?;
    let said = outcome.said;
    match who.face() {
        Face::Json => Ok(outcome.json),
        Face::Page if !said.is_refusal() => {
            let row = setting::id(setting.key);
            Ok(see_other(&link(PATH).with(&[("saved", "settings")]).at(&row)))
        }
        Face::Page => {
            let page = whole(&app, &who, &said).await?;
            Ok((said.status(), page).into_response())
        }
        Face::Fragment => {
            let all = app.web.store.all_settings().await?;
            let rows = all.iter().filter(|state| state.setting.key == setting.key);
            let rows: Vec<_> = rows.map(|state| row(state, who.role(), &said, true).0).collect();
            Ok((said.status(), Html(rows.concat())).into_response())
        }
    }
}

/// POST `/settings/stop-all`: stops every queue and asks running jobs to end.
pub(super) async fn stop_all(
    State(app): State<App>,
    who: Signed,
    Form(StopForm { reason }): Form<StopForm>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let answer = queues::stop_all(&app.web.store, &call, &reason).await?;
    Ok(answered(who.face(), &answer, &link(PATH)))
}

/// POST `/settings/resume-all`.
pub(super) async fn resume_all(State(app): State<App>, who: Signed) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let answer = queues::resume_all(&app.web.store, &call).await?;
    Ok(answered(who.face(), &answer, &link(PATH)))
}

/// The card with the switch that stops everything or lets it go on.
fn stop_card(stopped: Option<&Pause>, running: u64, role: Role, now: Timestamp) -> Markup {
    let jobs = |count: u64| if count == 1 { "1 job".to_owned() } else { format!("{count} jobs") };
    let content = html! {
        div.card-body.lines {
            @if let Some(pause) = stopped {
                (stopped_notice(pause, now))
                @if queues::may_stop_all(role) {
                    p { "Resume all lets every queue start jobs again; queues that were paused one by one stay so." }
                    form method="post" action=(link(RESUME_PATH)) {
                        button.btn.btn-primary type="submit" { "Resume all" }
                    }
                }
            } @else {
                p { "No queue starts a job any more until somebody resumes all, and what runs is asked to end. Nothing that waits is lost." }
                @if queues::may_stop_all(role) {
                    (confirm("stop-all", "Stop all", &html! {
                        strong { (jobs(running)) } " running now " @if running == 1 { "is" } @else { "are" }
                        " asked to end."
                    }, &html! {
                        form.settings-form method="post" action=(link(STOP_PATH)) {
                            div.setting {
                                label.form-label for="stop-reason" { "Reason" }
                                input #stop-reason .form-control name="reason" maxlength=(queues::MAX_REASON) autocomplete="off"
                                    placeholder="For people who wonder why nothing runs";
                            }
                            div.actions { button.btn.btn-danger type="submit" { "Stop all now" } }
                        }
                    }))
                } @else {
                    p.soft { "Stopping all needs the role admin." }
                }
            }
        }
    };
    card("stop", "Stop all", &html! {}, &content)
}

fn group(heading: SettingGroup, all: &[SettingState], role: Role, said: &Said) -> Markup {
    let of_group = all.iter().filter(|state| state.setting.group == heading);
    let rows: Vec<_> = of_group.map(|state| row(state, role, said, false)).collect();
    let (title, columns) = (heading.title(), ["Setting", "Value", "Takes", "Default"]);
    let id = format!("settings-{}", heading.as_str());
    card(&id, title, &html! {}, &table(title, &columns, &rows))
}

/// The row of a setting with its field. The answer to its form replaces the row and says what was saved.
fn row(state: &SettingState, role: Role, said: &Said, is_answer: bool) -> Markup {
    let setting = state.setting;
    let (id, key) = (setting::id(setting.key), setting.key);
    let action = link(PATH).under(key);
    html! {
        tr {
            td { label for=(id) { (setting.label) } br; code { (key) } }
            td.setting-cell {
                @if actions::settings::may_change(role) {
                    form method="post" action=(action) hx-post=(action) hx-target="closest tr" hx-swap="outerHTML" {
                        (Field { state, said }.line())
                        button.btn.btn-sm type="submit" aria-label={ "Save " (key) } { "Save" }
                        @if state.is_set {
                            button.btn.btn-sm type="submit" name="default" value="yes" aria-label={ "Default of " (key) } { "Default" }
                        }
                    }
                    (setting::not_taken(&id, said.wrong(key)))
                    @if is_answer { @if let Some(sentence) = said.sentence() { p.saved role="status" { (sentence) } } }
                } @else { (state.text()) }
            }
            td.note id={ (id) "-hint" } { (setting.takes()) }
            td data-label="Default" { (setting.default) }
        }
    }
}
