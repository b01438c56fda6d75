//! The pages of settings by what they are about: a card with one form for each group, which sets all of what it changes or nothing.

use super::super::answer::see_other;
use super::super::app::App;
use super::super::base::{Link, link};
use super::super::caller::Signed;
use super::super::components::{Tone, capital, notice, problem_notice, separated, settings_tabs};
use super::super::extract::{Form, Id, Query};
use super::super::face::Face;
use super::super::named::SettingText;
use super::super::nav::{self, Tab};
use super::super::page::{self, Frame};
use super::super::problem::Problem;
use super::super::setting::{self, Field, Outcome, Said, Sent};
use super::PATH;
use super::sheet::Sheet;
use crate::actions;
use crate::actions::settings::SettingChange;
use crate::model::settings::{self, is_of_engine};
use crate::model::{Role, SettingGroup, SettingState};
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

#[cfg(feature = "monitor")]
pub(in crate::web) const AGENTS_PATH: &str = nav::AGENT_SETTINGS;
#[cfg(feature = "monitor")]
pub(in crate::web) const TRACKER_PATH: &str = nav::TRACKER_SETTINGS;
pub(in crate::web) const RETENTION_PATH: &str = nav::RETENTION_SETTINGS;
/// Where the form of a group is sent.
pub(in crate::web) const GROUP_PATH: &str = "/settings/groups/{name}";
/// The path of one setting. Every setting's name has a dot, which no other address here has.
pub(in crate::web) const SET_PATH: &str = "/settings/{name}";
/// What a page says after something was saved.
pub(super) const SAVED: &[(&str, &str)] = &[("settings", "Saved")];

/// The address's query.
#[derive(Deserialize)]
pub(in crate::web) struct SettingsQuery {
    pub(super) saved: Option<String>,
}

/// GET `/settings/agents`.
#[cfg(feature = "monitor")]
pub(in crate::web) async fn agents(
    State(app): State<App>,
    who: Signed,
    Query(asked): Query<SettingsQuery>,
) -> Result<Html<String>, Problem> {
    sheet(&app, &who, Sheet::Agents, (&Said::saved(asked.saved.as_deref(), SAVED), None)).await
}

/// GET `/settings/tracker`.
#[cfg(feature = "monitor")]
pub(in crate::web) async fn tracker(
    State(app): State<App>,
    who: Signed,
    Query(asked): Query<SettingsQuery>,
) -> Result<Html<String>, Problem> {
    sheet(&app, &who, Sheet::Tracker, (&Said::saved(asked.saved.as_deref(), SAVED), None)).await
}

/// GET `/settings/retention`.
pub(in crate::web) async fn retention(
    State(app): State<App>,
    who: Signed,
    Query(asked): Query<SettingsQuery>,
) -> Result<Html<String>, Problem> {
    sheet(&app, &who, Sheet::Retention, (&Said::saved(asked.saved.as_deref(), SAVED), None)).await
}

/// A page of settings, with what is said of a form that was sent, and why it was refused as a whole.
async fn sheet(
    app: &App,
    who: &Signed,
    sheet: Sheet,
    (said, refused): (&Said, Option<&Problem>),
) -> Result<Html<String>, Problem> {
    let all = states(app).await?;
    let content = html! {
        (settings_tabs(who, sheet.path(), app.web.has_program()))
        @if let Some(problem) = refused { (problem_notice(problem)) } @else { (said.banner()) }
        @for (key, why) in said.elsewhere(|key| sheet.groups().iter().any(|group| is_of(key, *group))) {
            (notice(Tone::Bad, &html! { code { (key) } " " (why) }, &html! {}))
        }
        div.stack.narrow-page {
            @for group in sheet.groups() { (card(*group, &all, who.role(), said)) }
            @if sheet.groups().is_empty() { p.soft { "Nothing to set here." } }
        }
    };
    let frame = Frame::new(&app.web, Some(who)).at(Tab::Settings);
    Ok(page::page(&frame, sheet.title(), &content))
}

fn is_of(key: &str, group: SettingGroup) -> bool {
    settings::named(key).is_some_and(|setting| setting.group == group)
}

/// The settings that this server has, as they are.
pub(super) async fn states(app: &App) -> Result<Vec<SettingState>, Problem> {
    let mut all = app.web.store.all_settings().await?;
    all.retain(|state| app.web.has_program() || is_of_engine(state.setting));
    Ok(all)
}

/// POST `/settings/groups/{group}`: sets what the form of a group changes, all of it or nothing.
pub(in crate::web) async fn set_group(
    State(app): State<App>,
    who: Signed,
    Id(group): Id<SettingGroup>,
    Form(sent): Form<Sent>,
) -> Result<Response, Problem> {
    let offered: Vec<_> = settings::ALL.iter().filter(|setting| setting.group == group).collect();
    let mut changes = setting::wishes(&offered, &sent)?;
    // What is so already is no change, whatever the form showed.
    let before = app.web.store.all_settings().await?;
    changes.retain(|change| {
        !before.iter().any(|state| state.setting.key == change.key && state.text() == change.text)
    });
    if actions::settings::may_change(who.role())
        && let Some(refused) = setting::overtaken(&changes, &sent, &before)
    {
        return told(&app, &who, (group, refused), None).await;
    }
    changed(&app, &who, (group, &changes), None).await
}

/// POST `/settings/{name}`: sets a setting, or takes it back to its default.
pub(in crate::web) async fn set(
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
    changed(&app, &who, (setting.group, &changes), Some(setting.key)).await
}

/// Makes the changes and answers for the face that asked; `row` is the setting to lead a page to.
async fn changed(
    app: &App,
    who: &Signed,
    (group, changes): (SettingGroup, &[SettingChange]),
    row: Option<&str>,
) -> Result<Response, Problem> {
    let page = Sheet::of(group);
    let call = who.call(app.web.clock.now());
    match setting::change(&app.web, &call, changes).await {
        Ok(outcome) => told(app, who, (group, outcome), row).await,
        // What was typed stays where the password is asked for again.
        Err(problem)
            if who.face() == Face::Page && page.is_some() && problem.status().is_client_error() =>
        {
            let said = Said::typed(changes);
            let page = page.unwrap_or(Sheet::Agents);
            let shown = sheet(app, who, page, (&said, Some(&problem))).await?;
            Ok((problem.status(), shown).into_response())
        }
        Err(problem) => Err(problem),
    }
}

/// Tells the outcome to the face that asked; `row` is the setting to lead a page to.
async fn told(
    app: &App,
    who: &Signed,
    (group, outcome): (SettingGroup, Outcome),
    row: Option<&str>,
) -> Result<Response, Problem> {
    let page = Sheet::of(group);
    let said = outcome.said;
    match (who.face(), page) {
        (Face::Json, _) => Ok(outcome.json),
        (Face::Page, _) if !said.is_refusal() => {
            let saved = page_of(page).with(&[("saved", "settings")]);
            let id = row.map_or_else(|| card_id(group), setting::id);
            Ok(see_other(&saved.at(&id)))
        }
        (Face::Page, page) => {
            let page = sheet(app, who, page.unwrap_or(Sheet::Agents), (&said, None)).await?;
            Ok((said.status(), page).into_response())
        }
        (Face::Fragment, _) => {
            let card = card(group, &states(app).await?, who.role(), &said);
            Ok((said.status(), Html(card.into_string())).into_response())
        }
    }
}

/// The page that has the settings of a group. Those of self-monitoring are on its own page.
fn page_of(sheet: Option<Sheet>) -> Link {
    sheet.map_or_else(|| link(PATH), |sheet| link(sheet.path()))
}

fn card_id(group: SettingGroup) -> String {
    format!("settings-{}", group.as_str())
}

/// The card of a group: a form for admins, the values for others. The answer to its form takes its place.
fn card(group: SettingGroup, all: &[SettingState], role: Role, said: &Said) -> Markup {
    let states: Vec<_> = all.iter().filter(|state| state.setting.group == group).collect();
    let action = link(PATH).under("groups").under(group.as_str());
    let wrong = states.iter().filter(|state| said.wrong(state.setting.key).is_some()).count();
    let may_change = actions::settings::may_change(role);
    let rows = html! { @for state in &states { (row(state, may_change, said)) } };
    html! {
        section.card id=(card_id(group)) {
            div.card-header {
                h2.card-title { (group.title()) }
                @if let Some(sentence) = said.sentence() { p.saved role="status" { (sentence) } }
            }
            @if may_change {
                form data-unsaved method="post" action=(action) hx-post=(action) hx-target="closest section" hx-swap="outerHTML" {
                    // Enter in a field presses the first button of its form.
                    button.visually-hidden type="submit" tabindex="-1" aria-hidden="true" { "Save" }
                    div.settings { (rows) }
                    div.card-footer {
                        button.btn.btn-primary type="submit" { "Save" }
                        a.btn.btn-quiet href=(page_of(Sheet::of(group))) { "Discard" }
                        span.unsaved.end-auto role="status" {
                            @if wrong == 1 { "1 field needs a change" } @else if wrong > 1 { (wrong) " fields need a change" }
                        }
                    }
                }
            } @else {
                div.settings { (rows) }
            }
        }
    }
}

/// A setting: what it is, what it takes, and its field.
fn row(state: &SettingState, may_change: bool, said: &Said) -> Markup {
    let setting = state.setting;
    let (id, key) = (setting::id(setting.key), setting.key);
    let (reset, field) = (link(PATH).under(key), Field { state, said });
    html! {
        div.set {
            div {
                label.label for=(id) { (setting.label) }
                p.sub id={ (id) "-hint" } { @if setting.values.ends_a_run() { "It stops at this: " (separated(&setting.takes())) } @else { (capital(&separated(&setting.takes()))) } "; default: " (separated(setting.default_words())) ". " code { (key) } }
            }
            div.ctl {
                @if may_change {
                    div {
                        div.unit {
                            (field.line())
                            @if let Some(unit) = setting.values.unit() { span.sub { (unit) } }
                            @if state.is_set {
                                button.btn.btn-sm.btn-quiet type="submit" name="default" value="yes" formaction=(reset) hx-post=(reset)
                                    hx-target="closest section" hx-swap="outerHTML" aria-label={ "Default of " (key) } { "Default" }
                            }
                        }
                        (field.was())
                        (setting::not_taken(&id, said.wrong(key)))
                    }
                } @else { (state.text()) }
            }
        }
    }
}
