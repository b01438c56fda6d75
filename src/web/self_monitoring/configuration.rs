//! The configuration of self-monitoring: whether and when scans run, by whom, with which model, and what they may cost.

use super::super::agent;
use super::super::app::{App, Web};
use super::super::base::link;
use super::super::components::{live, schedule_state, when_known};
use super::super::extract::Query;
use super::super::nav;
use super::super::part::{self, Shown};
use super::super::problem::Problem;
use super::super::setting::{Field, Said};
use crate::actions;
use crate::model::settings::{ANALYZER, BUDGET_DAY, BUDGET_MONTH, REPOSITORY_MODEL};
use crate::model::{Role, Schedule, ScheduleName, Setting, SettingGroup, SettingState, Timestamp};
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

/// The page that the section is on.
pub(in crate::web) const PATH: &str = "/admin/self-monitoring/configuration";
/// The address that the form posts to.
pub(in crate::web) const CHANGE_PATH: &str = "/admin/self-monitoring/settings";
pub(in crate::web) const CADENCE_PATH: &str = "/admin/self-monitoring/cadence";

/// What the page says after something was saved.
pub(super) const SAVED: &[(&str, &str)] =
    &[("settings", "The settings are saved. They hold from now on.")];
/// Settings of other groups that are shown here too, because scans and descriptions of repositories follow them.
const SHARED: [Setting; 3] = [REPOSITORY_MODEL, BUDGET_DAY, BUDGET_MONTH];

/// What the section shows.
pub(in crate::web) struct Configuration {
    settings: Vec<SettingState>,
    /// Why the agent program cannot be used.
    unready: Option<String>,
    is_demo: bool,
    schedule: Option<Schedule>,
}

/// Reads what is set.
pub(in crate::web) async fn read(web: &Web) -> Result<Configuration, Problem> {
    let mut settings = web.store.all_settings().await?;
    settings.retain(|state| is_shown(state.setting));
    Ok(Configuration {
        settings,
        unready: agent::unready(web).await,
        is_demo: web.program.as_ref().is_some_and(|program| program.demo),
        schedule: web.store.schedule(ScheduleName::SELF_MONITORING).await?,
    })
}

/// Whether a setting is shown here.
pub(super) fn is_shown(setting: &Setting) -> bool {
    let is_shared = SHARED.iter().any(|shared| shared.key == setting.key);
    setting.group == SettingGroup::SelfMonitoring || is_shared
}

/// GET `/admin/self-monitoring/cadence`: when the next scan runs by itself, or 204 while the caller shows that already.
pub(in crate::web) async fn cadence(
    State(app): State<App>,
    Query(Shown { v: shown }): Query<Shown>,
) -> Result<Response, Problem> {
    let schedule = app.web.store.schedule(ScheduleName::SELF_MONITORING).await?;
    let cadence = cadence_of(schedule.as_ref(), app.web.clock.now());
    Ok(part::fresh(&version(schedule.as_ref()), &cadence, shown.as_deref()))
}

fn version(schedule: Option<&Schedule>) -> String {
    part::version(&schedule.map(schedule_state))
}

/// Whether scans run by themselves, and when the next one does.
pub(super) fn cadence_of(schedule: Option<&Schedule>, now: Timestamp) -> Markup {
    let content = html! {
        @match schedule.map(|schedule| (&schedule.plan, schedule.paused_at, schedule.next(now))) {
            None | Some((_, Some(_), _)) => {
                span.badge { "Off" } " Scans run by Run Now only."
            }
            Some((Err(why), None, _)) => {
                span.badge.tag-bad { "Unreadable" } " " (why)
            }
            Some((Ok(plan), None, next_at)) => {
                span.badge.tag-ok { "On" } " " (plan.rule.in_words()) ", next scan " (when_known(next_at, now))
            }
        }
    };
    live("scan-cadence", &link(CADENCE_PATH), &version(schedule), &content)
}

/// The section: a form for admins, the values for others.
pub(in crate::web) fn section(
    configuration: &Configuration,
    role: Role,
    said: &Said,
    now: Timestamp,
) -> Markup {
    html! {
        section #configuration .card {
            div.card-header {
                h2.card-title { "Configuration" }
                (cadence_of(configuration.schedule.as_ref(), now))
            }
            div.card-body {
                (said.banner())
                @if actions::settings::may_change(role) { (form(configuration, said)) } @else { (facts(configuration)) }
            }
        }
    }
}

fn form(configuration: &Configuration, said: &Said) -> Markup {
    let is_amount = |state: &&SettingState| state.setting.values.range().is_some();
    let (amounts, others): (Vec<_>, Vec<_>) = configuration.settings.iter().partition(is_amount);
    let action = link(CHANGE_PATH);
    html! {
        form.settings-form method="post" action=(action) hx-post=(action) hx-target="#configuration"
            hx-swap="outerHTML" hx-disabled-elt="find button" {
            @for state in others {
                @if state.setting.key == ANALYZER.key {
                    div.setting {
                        (Field { state, said }.whole())
                        small.form-hint { "In use now: " (in_use(configuration)) "." }
                    }
                } @else { (Field { state, said }.whole()) }
            }
            div.setting-row { @for state in amounts { (Field { state, said }.whole()) } }
            p.sub { "Budgets and the model of repositories are those of the " a href=(link(nav::AGENT_SETTINGS)) { "settings of agents" } ": saved in either place, they hold in both." }
            div.actions { button.btn.btn-primary type="submit" { "Save" } }
        }
    }
}

/// The sentence that says who examines the rows of the next scan, as things are now.
fn in_use(Configuration { settings, unready, is_demo, .. }: &Configuration) -> String {
    let analyzer = settings.iter().find(|state| state.setting.key == ANALYZER.key);
    let analyzer = analyzer.map(SettingState::text).unwrap_or_default();
    match (analyzer.as_str(), unready) {
        _ if *is_demo => "the built-in analyzer, as always in the demo".to_owned(),
        ("builtin", _) => "the built-in analyzer".to_owned(),
        (_, None) => "the agent".to_owned(),
        ("agent", Some(why)) => format!("the agent, and scans will fail. {}", bare(why)),
        (_, Some(why)) => format!("the built-in analyzer. {}", bare(why)),
    }
}

/// A sentence without its full stop.
fn bare(sentence: &str) -> &str {
    sentence.trim_end_matches('.')
}

fn facts(configuration: &Configuration) -> Markup {
    html! {
        dl.facts {
            @for state in &configuration.settings {
                dt { (state.setting.label) } dd { (state.text()) }
                @if state.setting.key == ANALYZER.key { dt { "In use now" } dd { (in_use(configuration)) } }
            }
        }
        p.soft { "Changing them needs the role admin." }
    }
}
