//! The pages of settings: the switch that stops everything, what the server is and has, and the settings by group.

mod check;
pub(super) mod checks;
pub(super) mod groups;
#[cfg(feature = "monitor")]
mod program;
mod sheet;

use super::answer::answered;
use super::app::App;
use super::base::link;
use super::caller::Signed;
use super::components::{card, confirm_stop, copy_button, settings_tabs, stopped_notice};
use super::extract::{Form, Query};
use super::nav::{self, Tab};
use super::page::{self, Frame};
use super::problem::Problem;
use super::setting::Said;
use crate::actions::queues;
use crate::model::{Pause, Role, Timestamp};
use axum::extract::State;
use axum::response::{Html, Response};
use groups::{SAVED, SettingsQuery};
use maud::{Markup, html};
use serde::Deserialize;
use std::path::Path;

pub(super) const PATH: &str = Tab::Settings.path();
pub(super) const STOP_PATH: &str = "/settings/stop-all";
pub(super) const RESUME_PATH: &str = "/settings/resume-all";
pub(super) const SYSTEM_PATH: &str = nav::SYSTEM;

/// The form that stops everything; it has the reason.
#[derive(Deserialize)]
pub(super) struct StopForm {
    #[serde(default)]
    reason: String,
}

/// GET `/settings`: the switch that stops everything, and the way to what is set elsewhere.
pub(super) async fn page(
    State(app): State<App>,
    who: Signed,
    Query(asked): Query<SettingsQuery>,
) -> Result<Html<String>, Problem> {
    let (store, role, now) = (&app.web.store, who.role(), app.web.clock.now());
    let stopped = store.stopped().await?;
    let running = store.overview(now).await?.running;
    let content = html! {
        (settings_tabs(&who, PATH, app.web.has_program()))
        (Said::saved(asked.saved.as_deref(), SAVED).banner())
        div.stack.narrow-page {
            (stop_card(stopped.as_ref(), running, role, now))
            @if app.web.has_program() {
                (card("elsewhere", "Self-monitoring", &html! {}, &html! {
                    p.card-body { "Whether and when scans run, with which model, and what they may cost, is set on the "
                        a href=(Tab::SelfMonitoring.link().under("configuration")) { "configuration of self-monitoring" } "." }
                }))
            }
        }
    };
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Settings);
    Ok(page::page(&frame, Tab::Settings.title(), &content))
}

/// GET `/settings/system`: the set-up check, the files, and how to back them up.
pub(super) async fn system(State(app): State<App>, who: Signed) -> Result<Html<String>, Problem> {
    let (_, checks) = checks::read(&app.web).await?;
    let content = html! {
        (settings_tabs(&who, SYSTEM_PATH, app.web.has_program()))
        div.stack.narrow-page {
            (checks)
            @if app.web.has_program() { (backup(app.web.store.folder())) }
        }
    };
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Settings);
    Ok(page::page(&frame, "System", &content))
}

/// Where the files lie, and the command that copies them while the server runs.
fn backup(folder: Option<&Path>) -> Markup {
    let content = html! {
        div.card-body.lines {
            @if let Some(folder) = folder { p { "Everything is kept in " code { (folder.display()) } "." } }
            p { "This command copies both databases, the prompts and the configuration into a new folder, as they are at one moment, and checks the copy. The server goes on:" }
            pre #backup-command tabindex="0" { "lamplighter db backup FOLDER" }
            p.soft { code { "lamplighter db restore FOLDER" } " puts a backup in the place of what is there, while no server runs." }
        }
    };
    card("backup", "Backup", &copy_button("backup-command", "The command"), &content)
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

/// The button that stops everything, with its question.
pub(super) fn stop_all_form(running: u64) -> Markup {
    let jobs = if running == 1 { "1 job".to_owned() } else { format!("{running} jobs") };
    let consequence = html! {
        "No queue starts a job any more until somebody resumes all. "
        strong { (jobs) } " running now " @if running == 1 { "is" } @else { "are" } " asked to end."
    };
    let form = html! {
        form.settings-form method="post" action=(link(STOP_PATH)) {
            div.setting {
                label.form-label for="stop-reason" { "Reason, shown to everybody" }
                input #stop-reason .form-control name="reason" maxlength=(queues::MAX_REASON) autocomplete="off";
            }
            div.actions { button.btn.btn-danger type="submit" { "Stop all now" } }
        }
    };
    confirm_stop("stop-all", "Stop all", &consequence, &form)
}

/// The card with the switch that stops everything or lets it go on.
fn stop_card(stopped: Option<&Pause>, running: u64, role: Role, now: Timestamp) -> Markup {
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
                    (stop_all_form(running))
                } @else {
                    p.soft { "Stopping all needs the role admin." }
                }
            }
        }
    };
    card("stop", "Stop all", &html! {}, &content)
}
