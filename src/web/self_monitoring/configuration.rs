//! The configuration of self-monitoring: whether and when scans run, by whom, with which model, and what they may cost.

use super::super::access::SignedIn;
use super::super::caller::Caller;
use super::super::page;
use super::super::respond::{self, Face, Problem};
use super::super::setting::{self, Field, Said, Sent};
use super::super::ui::{self, when_known};
use super::super::{App, Web, schedules, trigger};
use super::lists::Asked;
use super::{CADENCE_PATH, PATH, SETTINGS_PATH};
use crate::model::{Role, Schedule, ScheduleName, Timestamp};
use crate::monitor::cadence::{CADENCE, ENABLED};
use crate::monitor::settings::{self, ANALYZER, SCAN_BUDGET, SCAN_MODEL};
use crate::repositories;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Extension, Form, Query, State};
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Its settings by name. The first is set first: where it is refused, nothing is changed.
const KEYS: [&str; 8] = [
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
        unready: trigger::unready(web).await,
        is_demo: web.demo,
        schedule: web.store.schedule(ScheduleName::SELF_MONITORING).await?,
    })
}

/// POST `/admin/self-monitoring/settings`: sets what the form names, all of it or nothing.
pub(in crate::web) async fn change(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(signed_in): Extension<SignedIn>,
    form: Result<Form<Sent>, FormRejection>,
) -> Result<Response, Problem> {
    let sent = setting::sent(form)?;
    let offered: Vec<_> = KEYS.iter().filter_map(|key| settings::named(key)).collect();
    let actor = caller.acting_as(&signed_in.account.username);
    let said = setting::change(&app.web, &offered, &sent, &actor).await?;
    match caller.face {
        Face::Json => said.as_json(),
        Face::Page if !said.is_refusal() => {
            Ok(respond::see_other(&format!("{PATH}?saved=settings#configuration")))
        }
        Face::Page => {
            let page = super::whole(&app, &signed_in, &Asked::default(), &said).await?;
            Ok((said.status(), page).into_response())
        }
        Face::Fragment => {
            let (role, now) = (signed_in.account.role, app.web.clock.now());
            let section = section(&read(&app.web).await?, role, &said, now);
            Ok((said.status(), Html(section.into_string())).into_response())
        }
    }
}

/// GET `/admin/self-monitoring/cadence`: when the next scan runs by itself, or 204 while it is as the caller shows it.
pub(in crate::web) async fn cadence(
    State(app): State<App>,
    query: Result<Query<page::Shown>, QueryRejection>,
) -> Result<Response, Problem> {
    let shown = page::query(query)?.v;
    let schedule = app.web.store.schedule(ScheduleName::SELF_MONITORING).await?;
    let part = next(schedule.as_ref(), app.web.clock.now());
    Ok(page::part(&version(schedule.as_ref()), &part, shown.as_deref()))
}

fn version(schedule: Option<&Schedule>) -> String {
    page::version(&schedule.map(schedules::state))
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
    ui::live("scan-cadence", CADENCE_PATH, &version(schedule), &content)
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
        form.settings-form method="post" action=(SETTINGS_PATH) hx-post=(SETTINGS_PATH) hx-target="#configuration"
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
