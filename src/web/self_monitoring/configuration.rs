//! The configuration of self-monitoring: whether and when scans run, by whom, with which model, and what they may cost.

use super::super::agent;
use super::super::app::{App, Web};
use super::super::components::{live, schedule_state, when_known};
use super::super::extract::Query;
use super::super::part::{self, Shown};
use super::super::problem::Problem;
use super::super::setting::{self, Field, Said};
use crate::model::{Role, Schedule, ScheduleName, Timestamp};
use crate::monitor::cadence::{CADENCE, ENABLED};
use crate::monitor::settings::{self, ANALYZER, SCAN_BUDGET, SCAN_MODEL};
use crate::repositories;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Where its form goes.
pub(in crate::web) const CHANGE_PATH: &str = "/admin/self-monitoring/settings";
pub(in crate::web) const CADENCE_PATH: &str = "/admin/self-monitoring/cadence";

/// Its settings by name.
pub(super) const KEYS: [&str; 8] = [
    ENABLED.key,
    CADENCE.key,
    ANALYZER.key,
    SCAN_MODEL.key,
    repositories::MODEL.key,
    SCAN_BUDGET.key,
    "agent.budget_day_usd",
    "agent.budget_month_usd",
];
/// Cadences that are offered, as people say them.
const CADENCES: [(&str, &str); 5] =
    [("15m", "15 min"), ("30m", "30 min"), ("1h", "1 h"), ("6h", "6 h"), ("24h", "24 h")];
const MODELS: [(&str, &str); 3] = [("opus", "Opus"), ("sonnet", "Sonnet"), ("haiku", "Haiku")];
const ANALYZERS: [(&str, &str); 3] =
    [("auto", "Automatic"), ("agent", "Agent"), ("builtin", "Built-in")];

/// What the section shows.
pub(in crate::web) struct Configuration {
    values: BTreeMap<&'static str, String>,
    /// Why the agent program cannot be used.
    unready: Option<String>,
    is_demo: bool,
    schedule: Option<Schedule>,
}

/// Reads what is set.
pub(in crate::web) async fn read(web: &Web) -> Result<Configuration, Problem> {
    let values = settings::values(&web.store).await?;
    Ok(Configuration {
        values: values.into_iter().map(|(setting, value)| (setting.key, value)).collect(),
        unready: agent::unready(web).await,
        is_demo: web.demo,
        schedule: web.store.schedule(ScheduleName::SELF_MONITORING).await?,
    })
}

/// GET `/admin/self-monitoring/cadence`: when the next scan runs by itself, or 204 while it is as the caller shows it.
pub(in crate::web) async fn cadence(
    State(app): State<App>,
    Query(Shown { v: shown }): Query<Shown>,
) -> Result<Response, Problem> {
    let schedule = app.web.store.schedule(ScheduleName::SELF_MONITORING).await?;
    let cadence = next(schedule.as_ref(), app.web.clock.now());
    Ok(part::fresh(&version(schedule.as_ref()), &cadence, shown.as_deref()))
}

fn version(schedule: Option<&Schedule>) -> String {
    part::version(&schedule.map(schedule_state))
}

/// Whether scans run by themselves, and when the next one does.
fn next(schedule: Option<&Schedule>, now: Timestamp) -> Markup {
    let content = html! {
        @match schedule.map(|schedule| (&schedule.plan, schedule.paused_at, schedule.next_at)) {
            None | Some((_, Some(_), _)) => {
                span.badge { "Off" } " Scans run by Run Now only."
            }
            Some((Err(why), None, _)) => {
                span.badge.badge-failed { "Unreadable" } " " (why)
            }
            Some((Ok(plan), None, next_at)) => {
                span.badge.badge-completed { "On" } " " (plan.rule.in_words()) ", next scan " (when_known(next_at, now))
            }
        }
    };
    live("scan-cadence", CADENCE_PATH, &version(schedule), &content)
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
                (next(configuration.schedule.as_ref(), now))
            }
            div.card-body {
                (said.banner(&[("settings", "The settings are saved. They hold from now on.")], &KEYS))
                @if role >= Role::Admin { (form(configuration, said)) } @else { (facts(configuration, said)) }
            }
        }
    }
}

fn field<'a>(
    configuration: &'a Configuration,
    key: &str,
    label: &'a str,
    said: &'a Said,
) -> Field<'a> {
    let setting = settings::named(key).expect("its keys are settings");
    Field { setting, label, value: &configuration.values[setting.key], said }
}

fn form(configuration: &Configuration, said: &Said) -> Markup {
    let field = |key, label| field(configuration, key, label, said);
    let model = Some("A model's full name");
    html! {
        form.settings-form method="post" action=(CHANGE_PATH) hx-post=(CHANGE_PATH) hx-target="#configuration"
            hx-swap="outerHTML" hx-disabled-elt="find button" {
            (field(ENABLED.key, "Scheduled scans").switch("Scan by itself, on the cadence"))
            (field(CADENCE.key, "Cadence").choice(&CADENCES, Some("Minutes, or crontab and zone: */15 8-18 * * 1-5 Europe/Berlin")))
            div.setting {
                (field(ANALYZER.key, "Analyzer").choice(&ANALYZERS, None))
                small.form-hint { "In use now: " (in_use(configuration)) "." }
            }
            (field(SCAN_MODEL.key, "Model of scans").choice(&MODELS, model))
            (field(repositories::MODEL.key, "Model of golden repositories").choice(&MODELS, model))
            div.setting-row {
                (field(SCAN_BUDGET.key, "Budget of a scan, $").text())
                (field("agent.budget_day_usd", "Budget of all agents a day, $").text())
                (field("agent.budget_month_usd", "Budget of all agents a month, $").text())
            }
            div.actions { button.btn.btn-primary type="submit" { "Save" } }
        }
    }
}

/// Who examines the rows of the next scan, as things are now.
fn in_use(Configuration { values, unready, is_demo, .. }: &Configuration) -> String {
    match (values[ANALYZER.key].as_str(), unready) {
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

fn facts(configuration: &Configuration, said: &Said) -> Markup {
    let fact = |key: &str, label: &str| {
        let field = field(configuration, key, label, said);
        html! { dt { (label) } dd { (setting::plain(field.value)) } }
    };
    html! {
        dl.facts {
            (fact(ENABLED.key, "Scheduled scans"))
            (fact(CADENCE.key, "Cadence"))
            (fact(ANALYZER.key, "Analyzer"))
            dt { "In use now" } dd { (in_use(configuration)) }
            (fact(SCAN_MODEL.key, "Model of scans"))
            (fact(repositories::MODEL.key, "Model of golden repositories"))
            (fact(SCAN_BUDGET.key, "Budget of a scan, $"))
            (fact("agent.budget_day_usd", "Budget of all agents a day, $"))
            (fact("agent.budget_month_usd", "Budget of all agents a month, $"))
        }
        p.text-secondary { "Changing them needs the role admin." }
    }
}
