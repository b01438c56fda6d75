//! The frame of every page: head, navigation, title, help.

use super::access::SignedIn;
use super::assets::ASSETS;
use super::icon::{Icon, icon};
use super::respond::{Face, Problem};
use super::{
    Web, dashboard, jobs, live, logs, queues, repositories, schedules, self_monitoring, sessions,
    settings, ui,
};
use crate::model::Timestamp;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// How htmx behaves: nothing that the content security policy forbids, and error fragments are shown.
const HTMX_CONFIG: &str = r#"{"defaultSettleDelay":0,"includeIndicatorStyles":false,"allowEval":false,"allowScriptTags":false,"selfRequestsOnly":true,"historyCacheSize":0,"responseHandling":[{"code":"204","swap":false},{"code":"[23]..","swap":true},{"code":"(400|409|413|422|429|503)","swap":true,"error":true},{"code":"[45]..","swap":false,"error":true}]}"#;

/// Pages of the navigation, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Dashboard,
    Jobs,
    Schedules,
    Sessions,
    Logs,
    SelfMonitoring,
    Repositories,
    Queues,
    Settings,
}

impl Tab {
    const ALL: [Self; 9] = [
        Self::Dashboard,
        Self::Jobs,
        Self::Schedules,
        Self::Sessions,
        Self::Logs,
        Self::SelfMonitoring,
        Self::Repositories,
        Self::Queues,
        Self::Settings,
    ];

    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Dashboard => dashboard::PATH,
            Self::Jobs => jobs::PATH,
            Self::Schedules => schedules::PATH,
            Self::Sessions => sessions::PATH,
            Self::Logs => logs::PATH,
            Self::SelfMonitoring => self_monitoring::PATH,
            Self::Repositories => repositories::PATH,
            Self::Queues => queues::PATH,
            Self::Settings => settings::PATH,
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Dashboard => "Dashboard",
            Self::Jobs => "Jobs",
            Self::Schedules => "Schedules",
            Self::Sessions => "Sessions",
            Self::Logs => "Logs",
            Self::SelfMonitoring => "Self-Monitoring",
            Self::Repositories => "Repositories",
            Self::Queues => "Queues & workers",
            Self::Settings => "Settings",
        }
    }

    const fn icon(self) -> Icon {
        match self {
            Self::Dashboard => Icon::Dashboard,
            Self::Jobs => Icon::Jobs,
            Self::Schedules => Icon::Schedules,
            Self::Sessions => Icon::Sessions,
            Self::Logs => Icon::Logs,
            Self::SelfMonitoring => Icon::Monitor,
            Self::Repositories => Icon::Repositories,
            Self::Queues => Icon::Queues,
            Self::Settings => Icon::Settings,
        }
    }

    /// The letter that goes there after `g`.
    const fn key(self) -> &'static str {
        match self {
            Self::Dashboard => "d",
            Self::Jobs => "j",
            Self::Schedules => "c",
            Self::Sessions => "e",
            Self::Logs => "l",
            Self::SelfMonitoring => "s",
            Self::Repositories => "r",
            Self::Queues => "q",
            Self::Settings => "t",
        }
    }
}

/// What surrounds the content of a page.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    /// Who is signed in; without anybody there is no navigation.
    username: Option<String>,
    /// Whether another process runs the engine.
    standing_by: bool,
    /// The open page.
    open: Option<Tab>,
    /// How soon a browser without scripts loads the page again.
    reload: Option<Duration>,
    /// What the server's clock says; the page's script tells relative times by it.
    now: Timestamp,
}

impl Frame {
    /// The frame of a page outside the navigation.
    pub(super) fn new(web: &Web, signed_in: Option<&SignedIn>) -> Self {
        Self {
            username: signed_in.map(|s| s.account.username.clone()),
            standing_by: signed_in.is_some() && !*web.leading.borrow(),
            open: None,
            reload: None,
            now: web.clock.now(),
        }
    }

    /// Whether somebody is signed in.
    pub(super) fn has_navigation(&self) -> bool {
        self.username.is_some()
    }

    /// The same for a page of the navigation.
    pub(super) fn at(mut self, tab: Tab) -> Self {
        self.open = Some(tab);
        self
    }

    /// The same for a page that shows something going on.
    pub(super) fn reloading(mut self, after: Option<Duration>) -> Self {
        self.reload = after;
        self
    }
}

/// A whole page as an answer.
pub(super) fn page(frame: &Frame, title: &str, content: &Markup) -> Html<String> {
    Html(layout(frame, title, content).into_string())
}

/// A page with one live part: the whole page for a browser, with the part inside what `around` puts around it; the part
/// for htmx, and nothing for htmx while the part is as `shown` already.
pub(super) fn live_page(
    frame: &Frame,
    title: &str,
    part: &LivePart<'_>,
    around: impl FnOnce(Markup) -> Markup,
    (face, shown): (Face, Option<&str>),
) -> Response {
    if face == Face::Fragment && shown == Some(part.version.as_str()) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let content = ui::live(part.id, part.path, &part.version, part.content);
    match face {
        Face::Fragment => Html(content.into_string()).into_response(),
        Face::Page | Face::Json => page(frame, title, &around(content)).into_response(),
    }
}

/// A part alone, or nothing while it is as `shown` already.
pub(super) fn part(version: &str, part: &Markup, shown: Option<&str>) -> Response {
    if shown == Some(version) {
        return StatusCode::NO_CONTENT.into_response();
    }
    Html(part.clone().into_string()).into_response()
}

/// A part of a page that keeps itself fresh.
pub(super) struct LivePart<'a> {
    pub(super) id: &'a str,
    /// Where it is asked for again, with the page's own query.
    pub(super) path: &'a str,
    pub(super) version: String,
    pub(super) content: &'a Markup,
}

/// The version of what a part shows: a digest of the data it is made of.
pub(super) fn version(data: &impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    data.hash(&mut hasher);
    format!("{:x}", hasher.finish())
}

/// A whole page.
pub(super) fn layout(frame: &Frame, title: &str, content: &Markup) -> Markup {
    let live = frame.open.is_some();
    html! {
        (DOCTYPE)
        html lang="en" data-bs-theme="light" data-now=(frame.now.millis()) {
            (head(frame, title))
            body {
                a.skip href="#content" { "Skip to content" }
                div.page {
                    @if let Some(username) = &frame.username {
                        (navigation(frame, username))
                    }
                    div.page-wrapper {
                        @if frame.has_navigation() { (page_header(title, live)) }
                        main #content.page-body hx-ext=[live.then_some("sse")]
                            sse-connect=[live.then_some(live::PATH)] sse-close=[live.then_some("end")] {
                            div.container-xl {
                                @if frame.standing_by { (standing_by()) }
                                (content)
                            }
                        }
                    }
                }
                (keys())
            }
        }
    }
}

fn head(frame: &Frame, title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="htmx-config" content=(HTMX_CONFIG);
            @if let Some(after) = frame.reload {
                noscript { meta http-equiv="refresh" content=(after.as_secs()); }
            }
            title { (title) " · Lamplighter" }
            link rel="icon" href=(ASSETS.favicon.path);
            link rel="stylesheet" href=(ASSETS.tabler.path);
            link rel="stylesheet" href=(ASSETS.chart_style.path);
            link rel="stylesheet" href=(ASSETS.own_style.path);
            // Not deferred: it sets the theme before anything is painted.
            script src=(ASSETS.own_script.path) {}
            script src=(ASSETS.htmx.path) defer {}
            script src=(ASSETS.sse.path) defer {}
            @if frame.open == Some(Tab::Dashboard) { script src=(ASSETS.chart.path) defer {} }
            @if frame.open == Some(Tab::Sessions) { script src=(ASSETS.session_script.path) defer {} }
        }
    }
}

fn navigation(frame: &Frame, username: &str) -> Markup {
    html! {
        aside.sidebar aria-label="Navigation" {
            (brand())
            (links(frame))
            (account(username))
        }
        header.topbar {
            (brand())
            details #menu {
                summary aria-label="Menu" { (icon(Icon::Menu)) }
                div.menu { (links(frame)) (account(username)) }
            }
        }
    }
}

/// The product's name and sign.
pub(super) fn brand() -> Markup {
    html! { a.brand href=(Tab::Dashboard.path()) { (icon(Icon::Lamp)) span { "Lamplighter" } } }
}

fn links(frame: &Frame) -> Markup {
    html! {
        nav aria-label="Pages" {
            @for tab in Tab::ALL {
                a href=(tab.path()) data-key=(tab.key())
                    aria-current=[(frame.open == Some(tab)).then_some("page")] {
                    (icon(tab.icon())) span { (tab.title()) }
                }
            }
        }
    }
}

fn account(username: &str) -> Markup {
    html! {
        div.account {
            p.text-secondary { "Signed in as " strong { (username) } }
            button.tool.scripted type="button" data-action="theme" title="Light or dark" {
                (icon(Icon::Moon)) (icon(Icon::Sun)) span.visually-hidden { "Change the theme" }
            }
            button.tool.scripted type="button" data-dialog="keys" title="Keys" {
                (icon(Icon::Keyboard)) span.visually-hidden { "Show the keys" }
            }
            form method="post" action="/logout" {
                button.tool type="submit" {
                    (icon(Icon::Logout)) span { "Sign out" }
                }
            }
        }
    }
}

fn page_header(title: &str, live: bool) -> Markup {
    html! {
        div.page-header {
            div.container-xl {
                h1.page-title { (title) }
                @if live {
                    button.btn.btn-sm.live-switch.scripted type="button" data-action="live" aria-pressed="true" { "Live" }
                }
            }
        }
    }
}

fn standing_by() -> Markup {
    html! {
        div.alert.alert-warning role="status" {
            strong { "This server stands by." }
            " Another process runs the engine of this database; what is queued here runs there."
        }
    }
}

fn keys() -> Markup {
    let list = html! {
        dl.keys {
            dt { kbd { "?" } } dd { "these keys" }
            dt { kbd { "/" } } dd { "search" }
            @for tab in Tab::ALL {
                dt { kbd { "g" } " " kbd { (tab.key()) } } dd { (tab.title()) }
            }
            dt { kbd { "Esc" } } dd { "close" }
        }
    };
    ui::dialog("keys", "Keys", &list)
}

/// The parsed query of a page, or why it does not fit (400).
pub(super) fn query<T>(parsed: Result<Query<T>, QueryRejection>) -> Result<T, Problem> {
    let Query(value) =
        parsed.map_err(|_| Problem::input("A value in the address does not fit."))?;
    Ok(value)
}

/// A cursor from the address: the id that a slice of a list ends before.
pub(super) fn cursor(before: Option<i64>) -> Result<Option<i64>, Problem> {
    match before {
        Some(..=0) => Err(Problem::input("The cursor in the address is not above 0.")),
        Some(1..) | None => Ok(before),
    }
}

/// What a live part says it shows already: see [`live_page`].
#[derive(Deserialize)]
pub(super) struct Shown {
    pub(super) v: Option<String>,
}

/// A path with the query that `asked` stands for; the path alone where it asks for nothing.
pub(super) fn link(path: &str, asked: &impl Serialize) -> String {
    let query = serde_urlencoded::to_string(asked).unwrap_or_default();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// A condition from the address: a form sends empty fields too.
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}
