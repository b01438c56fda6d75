//! The Settings page: whether all is set up, the switch that stops everything, every setting, and what people did.

pub(super) mod checks;

use super::answer::{answered, see_other};
use super::app::App;
use super::caller::Signed;
use super::components::{card, confirm, empty, folded, live, stopped_notice, table, when};
use super::extract::{Form, Id, Query};
use super::face::Face;
use super::nav::Tab;
use super::page::{self, Frame};
use super::part::{Shown, fresh, version};
use super::problem::Problem;
use super::setting::{self, Said, Sent};
use crate::actions::queues;
use crate::model::{Deed, Pause, Role, Setting, Timestamp};
use crate::monitor::settings;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

pub(super) const PATH: &str = Tab::Settings.path();
pub(super) const AUDIT_PATH: &str = "/settings/audit";
pub(super) const STOP_PATH: &str = "/settings/stop-all";
pub(super) const RESUME_PATH: &str = "/settings/resume-all";
/// Every setting's name has a dot, which no other address here has.
pub(super) const SET_PATH: &str = "/settings/{name}";
/// Rows of the audit log that are shown.
const DEEDS: usize = 50;
/// What the prefixes of settings stand for, in the order of the page.
const GROUPS: [(&str, &str); 4] = [
    ("self_monitoring", "Self-monitoring"),
    ("agent", "Agents"),
    ("golden_repo", "Golden repositories"),
    ("retention", "Retention"),
];

/// The address's query.
#[derive(Deserialize)]
pub(super) struct SettingsQuery {
    saved: Option<String>,
}

/// Why everything is to stop.
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
    whole(&app, &who, &Said::saved(asked.saved.as_deref())).await
}

async fn whole(app: &App, who: &Signed, said: &Said) -> Result<Html<String>, Problem> {
    let (store, role, now) = (&app.web.store, who.role(), app.web.clock.now());
    let (_, checks) = checks::read(&app.web).await?;
    let stopped = store.stopped().await?;
    let running = store.overview(now).await?.running;
    let values = settings::values(store).await?;
    let keys: Vec<_> = values.iter().map(|(setting, _)| setting.key).collect();
    let (_, deeds) = deeds(app).await?;
    let content = html! {
        (said.banner(&[("settings", "The setting is saved. It holds from now on.")], &keys))
        div.row.row-cards {
            div."col-12" { (checks) }
            div."col-12" { (stop_card(stopped.as_ref(), running, role, now)) }
            @for (prefix, title) in groups(&values) {
                div."col-12" { (group(prefix, title, &values, role, said)) }
            }
            div."col-12" { (deeds) }
        }
    };
    let frame = Frame::new(&app.web, Some(who)).at(Tab::Settings);
    Ok(page::page(&frame, Tab::Settings.title(), &content))
}

/// POST `/settings/{name}`: sets a setting, or takes it back to its default.
pub(super) async fn set(
    State(app): State<App>,
    who: Signed,
    Id(setting): Id<&'static Setting>,
    Form(mut sent): Form<Sent>,
) -> Result<Response, Problem> {
    let (store, now) = (&app.web.store, app.web.clock.now());
    let actor = who.actor();
    let said = if sent.iter().any(|(name, _)| name == "default") {
        settings::set(store, setting, None, actor, now).await?;
        Said::saved(Some("settings"))
    } else {
        // A program may call it what it is.
        for (name, _) in sent.iter_mut().filter(|(name, _)| name == "value") {
            setting.key.clone_into(name);
        }
        setting::change(&app.web, &[setting], &sent, &actor).await?
    };
    match who.face() {
        Face::Json => said.as_json(),
        Face::Page if !said.is_refusal() => {
            let row = setting::id(setting.key);
            Ok(see_other(&format!("{PATH}?saved=settings#{row}")))
        }
        Face::Page => {
            let page = whole(&app, &who, &said).await?;
            Ok((said.status(), page).into_response())
        }
        Face::Fragment => {
            let values = settings::values(store).await?;
            let value = values.iter().find(|(known, _)| known.key == setting.key);
            let value = value.map_or("", |(_, value)| value.as_str());
            let saved = !said.is_refusal();
            let row = row(setting, value, who.role(), &said, saved);
            Ok((said.status(), Html(row.into_string())).into_response())
        }
    }
}

/// POST `/settings/stop-all`: nothing starts any more, and what runs is asked to end.
pub(super) async fn stop_all(
    State(app): State<App>,
    who: Signed,
    Form(StopForm { reason }): Form<StopForm>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let answer = queues::stop_all(&app.web.store, &call, &reason).await?;
    Ok(answered(who.face(), &answer, PATH))
}

/// POST `/settings/resume-all`.
pub(super) async fn resume_all(State(app): State<App>, who: Signed) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let answer = queues::resume_all(&app.web.store, &call).await?;
    Ok(answered(who.face(), &answer, PATH))
}

/// GET `/settings/audit`: what people did, or 204 while it is as the caller shows it.
pub(super) async fn audit(
    State(app): State<App>,
    Query(Shown { v: shown }): Query<Shown>,
) -> Result<Response, Problem> {
    let (version, part) = deeds(&app).await?;
    Ok(fresh(&version, &part, shown.as_deref()))
}

/// Stops everything, or lets it go on.
fn stop_card(stopped: Option<&Pause>, running: u64, role: Role, now: Timestamp) -> Markup {
    let jobs = |count: u64| if count == 1 { "1 job".to_owned() } else { format!("{count} jobs") };
    let content = html! {
        div.card-body.lines {
            @if let Some(pause) = stopped {
                (stopped_notice(pause, now))
                @if role >= Role::Admin {
                    p { "Resume all lets every queue start jobs again; queues that were paused one by one stay so." }
                    form method="post" action=(RESUME_PATH) {
                        button.btn.btn-primary type="submit" { "Resume all" }
                    }
                }
            } @else {
                p { "No queue starts a job any more until somebody resumes all, and what runs is asked to end. Nothing that waits is lost." }
                @if role >= Role::Admin {
                    (confirm("stop-all", "Stop all", &html! {
                        strong { (jobs(running)) } " running now " @if running == 1 { "is" } @else { "are" }
                        " asked to end."
                    }, &html! {
                        form.settings-form method="post" action=(STOP_PATH) {
                            div.setting {
                                label.form-label for="stop-reason" { "Reason" }
                                input #stop-reason .form-control name="reason" maxlength=(queues::MAX_REASON) autocomplete="off"
                                    placeholder="For whoever wonders why nothing runs";
                            }
                            div.actions { button.btn.btn-stop type="submit" { "Stop all now" } }
                        }
                    }))
                } @else {
                    p.text-secondary { "Stopping all needs the role admin." }
                }
            }
        }
    };
    card("stop", "Stop all", &html! {}, &content)
}

type Values = [(&'static Setting, String)];

fn prefix(setting: &Setting) -> &'static str {
    setting.key.split('.').next().unwrap_or_default()
}

/// The prefixes of these settings with their titles; one that has none stands for itself.
fn groups(values: &Values) -> Vec<(&'static str, &'static str)> {
    let mut groups: Vec<_> = GROUPS.to_vec();
    for (setting, _) in values {
        let prefix = prefix(setting);
        if !groups.iter().any(|(known, _)| *known == prefix) {
            groups.push((prefix, prefix));
        }
    }
    groups
}

fn group(name: &str, title: &str, values: &Values, role: Role, said: &Said) -> Markup {
    let of_group = values.iter().filter(|(setting, _)| prefix(setting) == name);
    let rows: Vec<_> =
        of_group.map(|(setting, value)| row(setting, value, role, said, false)).collect();
    let columns = ["Setting", "Value", "Takes", "Default"];
    card(&format!("settings-{name}"), title, &html! {}, &table(title, &columns, &rows))
}

/// A setting with its field. Its answer replaces the row, and says so if it was saved.
fn row(setting: &'static Setting, value: &str, role: Role, said: &Said, saved: bool) -> Markup {
    let (id, key) = (setting::id(setting.key), setting.key);
    let action = format!("{PATH}/{key}");
    let is_default = setting::plain(value) == setting.default;
    html! {
        tr {
            td { label for=(id) { code { (key) } } }
            td.setting-cell {
                @if role >= Role::Admin {
                    form method="post" action=(action) hx-post=(action) hx-target="closest tr" hx-swap="outerHTML" {
                        (setting::input(setting, value, said))
                        button.btn.btn-sm type="submit" aria-label={ "Save " (key) } { "Save" }
                        @if !is_default {
                            button.btn.btn-sm type="submit" name="default" value="yes" aria-label={ "Default of " (key) } { "Default" }
                        }
                    }
                    (setting::not_taken(&id, said.wrong(key)))
                    @if saved { p.saved role="status" { "Saved. It holds from now on." } }
                } @else { (setting::plain(value)) }
            }
            td.note id={ (id) "-hint" } { (setting.takes) }
            td data-label="Default" { (setting.default) }
        }
    }
}

/// The newest rows of the audit log, which keep themselves fresh.
async fn deeds(app: &App) -> Result<(String, Markup), Problem> {
    let (deeds, now) = (app.web.store.deeds(DEEDS).await?, app.web.clock.now());
    let version = version(&deeds.first().map(|deed| deed.id));
    let rows: Vec<_> = deeds.iter().map(|deed| deed_row(deed, now)).collect();
    let content = card(
        "audit",
        "What people did",
        &html! {},
        &html! {
            @if rows.is_empty() {
                (empty("Nothing yet", &html! { "Every change by a person leaves a row here: who, what, and from where." }))
            } @else {
                (table("Audit log", &["When", "Who", "From", "What", "Before", "After"], &rows))
            }
        },
    );
    Ok((version.clone(), live("audit-log", AUDIT_PATH, &version, &content)))
}

fn deed_row(deed: &Deed, now: Timestamp) -> Markup {
    let side_of = |side: &str, text: Option<&str>| {
        html! { @if let Some(text) = text { (folded(&format!("deed-{}-{side}", deed.id), text)) } @else { "–" } }
    };
    html! {
        tr {
            td { (when(deed.at, now)) }
            td { (deed.by.name) }
            td data-label="From" { (deed.by.remote.as_deref().unwrap_or("this machine")) }
            td.note { (deed.action) " " (deed.subject) }
            td.value data-label="Before" { (side_of("before", deed.before.as_deref())) }
            td.value data-label="After" { (side_of("after", deed.after.as_deref())) }
        }
    }
}
