//! The frame of every page: head, navigation, title, help.

use super::app::Web;
use super::assets::ASSETS;
use super::base::{Link, link};
use super::caller::Signed;
use super::choices::Choices;
use super::clocks::Clocks;
use super::components::{Tone, dialog, notice};
use super::counts::NavCounts;
use super::icon::{Icon, icon, lamp};
use super::nav::{EVENTS, GROUPS, LOGOUT, OWN, Tab};
use crate::error::Code;
use crate::model::Timestamp;
use axum::response::Html;
use maud::{DOCTYPE, Markup, html};
use std::time::Duration;

/// The configuration of htmx: it does nothing that the content security policy forbids, and it shows the fragments of
/// errors.
const HTMX_CONFIG: &str = r#"{"defaultSettleDelay":0,"includeIndicatorStyles":false,"allowEval":false,"allowScriptTags":false,"selfRequestsOnly":true,"historyCacheSize":0,"responseHandling":[{"code":"204","swap":false},{"code":"[23]..","swap":true},{"code":"(400|401|403|409|413|422|429|503)","swap":true,"error":false},{"code":"[45]..","swap":false,"error":true}]}"#;

/// What surrounds the content of a page.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    /// Who is known. If nobody is, the page has no navigation.
    who: Option<Known>,
    /// Whether there are pages of sessions, scans, repositories and logs.
    has_program: bool,
    /// Whether a browser may load the files of the pages.
    has_files: bool,
    /// What stands over the content.
    reminders: Vec<Reminder>,
    /// The page of the navigation that is open.
    open: Option<Tab>,
    /// Whether nothing of the page changes while somebody looks at it.
    is_still: bool,
    /// How soon a browser without scripts loads the page again, if it does.
    reload: Option<Duration>,
    /// The time by the server's clock. The page's script tells relative times by it.
    now: Timestamp,
    /// What the person chose for all pages.
    choices: Choices,
    /// What the navigation counts.
    counts: NavCounts,
    /// The pages above this one.
    above: Vec<(Link, String)>,
    /// The heading, if it is more than the title.
    heading: Option<Markup>,
    /// What can be done on the page as a whole, beside the heading.
    actions: Option<Markup>,
}

/// What people should know whatever they look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reminder {
    /// Another process runs the engine.
    StandsBy,
    /// Agents run without a sandbox.
    Unboxed,
}

/// The person that a page is for.
#[derive(Clone, Debug)]
struct Known {
    name: String,
    /// Whether the person can sign out here.
    signs_out: bool,
}

impl Frame {
    /// The frame of a page outside the navigation.
    pub(super) fn new(web: &Web, who: Option<&Signed>) -> Self {
        Self {
            who: who
                .map(|who| Known { name: who.person.name.clone(), signs_out: who.login.is_some() }),
            has_program: web.has_program(),
            has_files: true,
            reminders: if who.is_some() { Reminder::of(web) } else { Vec::new() },
            open: None,
            is_still: false,
            reload: None,
            now: web.clock.now(),
            choices: who.map(|who| who.caller.choices).unwrap_or_default(),
            counts: who.map(|who| who.counts).unwrap_or_default(),
            ..Self::default()
        }
    }

    /// Whether the page has a navigation, which it has if somebody is signed in.
    pub(super) fn has_navigation(&self) -> bool {
        self.who.is_some()
    }

    /// The frame for somebody who may load nothing, not even a style sheet.
    pub(super) fn without_files(self) -> Self {
        Self { has_files: false, ..self }
    }

    /// Whether a browser may load the files of the pages.
    pub(super) fn has_files(&self) -> bool {
        self.has_files
    }

    /// The frame with this page of the navigation as the open one.
    pub(super) fn at(mut self, tab: Tab) -> Self {
        self.open = Some(tab);
        self
    }

    /// The frame of a page under others, which are named over its heading, the outermost first.
    pub(super) fn under(self, above: Vec<(Link, String)>) -> Self {
        Self { above, ..self }
    }

    /// The frame with a heading that is more than the page's title.
    pub(super) fn heading(self, heading: Markup) -> Self {
        Self { heading: Some(heading), ..self }
    }

    /// The frame with what can be done on the page as a whole.
    pub(super) fn acting(self, actions: Markup) -> Self {
        Self { actions: Some(actions), ..self }
    }

    /// The frame of a page of which nothing changes by itself.
    pub(super) fn still(mut self) -> Self {
        self.is_still = true;
        self
    }

    /// The frame of a page that shows something going on: a browser without scripts loads it again after this time.
    pub(super) fn reloading(mut self, after: Option<Duration>) -> Self {
        self.reload = after;
        self
    }
}

impl Reminder {
    fn of(web: &Web) -> Vec<Self> {
        let all = [(web.stands_by(), Self::StandsBy), (web.is_unboxed(), Self::Unboxed)];
        all.into_iter().filter(|(is_so, _)| *is_so).map(|(_, reminder)| reminder).collect()
    }

    /// As it stands on the page that is open.
    fn shown(self, open: Option<Tab>) -> Markup {
        match self {
            Self::StandsBy => standing_by(),
            Self::Unboxed if open.is_some_and(shows_runs) => unboxed(),
            Self::Unboxed => html! {},
        }
    }
}

/// Whether a page is about what agents do.
const fn shows_runs(tab: Tab) -> bool {
    matches!(tab, Tab::Dashboard | Tab::Sessions | Tab::SelfMonitoring | Tab::Repositories)
}

/// Says that nothing but the agent program's own permissions holds an agent back.
fn unboxed() -> Markup {
    let code = Code::AgentUnboxed;
    let text =
        html! { b { (code.title()) ". " } (code.cause()) " " (code.remedy()) " " code { (code) } };
    notice(Tone::Bad, &text, &html! {})
}

/// A whole page as an answer.
pub(super) fn page(frame: &Frame, title: &str, content: &Markup) -> Html<String> {
    Html(layout(frame, title, content).into_string())
}

/// A whole page.
pub(super) fn layout(frame: &Frame, title: &str, content: &Markup) -> Markup {
    let live = frame.open.is_some() && !frame.is_still;
    html! {
        (DOCTYPE)
        html lang="en" data-theme=[frame.choices.theme] data-now=(frame.now.millis()) data-base=(link("/")) {
            (head(frame, title))
            body.bare[frame.who.is_none()] {
                a.skip href="#content" { "Skip to content" }
                @if let Some(who) = &frame.who { (navigation(frame, who)) }
                main #content tabindex="-1" hx-ext=[live.then_some("sse")]
                    sse-connect=[live.then(|| link(EVENTS))] sse-close=[live.then_some("end")] {
                    @if frame.has_navigation() { (page_top(frame, title, live)) }
                    div #page {
                        @for reminder in &frame.reminders { (reminder.shown(frame.open)) }
                        (content)
                    }
                    p #told .visually-hidden role="status" {}
                }
                (keys(frame))
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
            link rel="icon" href=(ASSETS.favicon.link());
            link rel="preload" href=(ASSETS.text_font.link()) as="font" type="font/woff2" crossorigin;
            link rel="stylesheet" href=(ASSETS.own_style.link());
            // The script is not deferred: it sets the theme before anything is painted.
            script src=(ASSETS.own_script.link()) {}
            script src=(ASSETS.htmx.link()) defer {}
            script src=(ASSETS.sse.link()) defer {}
            @if frame.open == Some(Tab::Sessions) { script src=(ASSETS.session_script.link()) defer {} }
        }
    }
}

fn navigation(frame: &Frame, who: &Known) -> Markup {
    html! {
        header.topbar {
            (brand())
            a.btn.btn-icon.btn-quiet href=(Tab::Jobs.link()) aria-label="Search jobs" { (icon(Icon::Search)) }
            button.btn.btn-icon.btn-quiet type="button" popovertarget="nav" aria-label="Menu" { (icon(Icon::Menu2)) }
        }
        // The same element is the menu of a narrow window: a popover opens without a script, too.
        aside #nav .side popover aria-label="Navigation" {
            (brand())
            nav aria-label="Pages" {
                @for (heading, tabs) in GROUPS {
                    @let shown: Vec<_> = tabs.iter().filter(|tab| frame.has_program || !tab.is_of_program()).collect();
                    @if !shown.is_empty() {
                        @if let Some(heading) = heading { p.group { (heading) } }
                        ul.end[tabs == [Tab::Settings]] { @for tab in shown { li { (way(frame, *tab)) } } }
                    }
                }
            }
            (account(who, Clocks { zone: frame.choices.zone }))
        }
    }
}

/// The product's name and sign.
pub(super) fn brand() -> Markup {
    html! { a.brand href=(Tab::Dashboard.link()) { (lamp()) span { "Lamplighter" } } }
}

/// The way to a page, with what waits there.
fn way(frame: &Frame, tab: Tab) -> Markup {
    let NavCounts { approvals, sessions, errors } = frame.counts;
    html! {
        a href=(tab.link()) data-key=(tab.key())
            aria-current=[(frame.open == Some(tab)).then_some("page")] {
            (icon(tab.icon())) span { (tab.title()) }
            @if tab == Tab::Errors && errors > 0 {
                span.count { (errors) span.visually-hidden { " new" } }
            }
            @if tab == Tab::Sessions && sessions > 0 {
                span.count.count-live { (sessions) span.visually-hidden { " running" } }
            }
            @if tab == Tab::SelfMonitoring && approvals > 0 {
                span.count.count-live { (approvals) span.visually-hidden { " to approve" } }
            }
        }
    }
}

fn account(who: &Known, clocks: Clocks) -> Markup {
    html! {
        div.account {
            p {
                @if who.signs_out { a href=(link(OWN)) { strong { (who.name) } } } @else { strong { (who.name) } }
                span #zone .sub { "Times in " (clocks.name()) }
            }
            button.btn.btn-icon.btn-quiet.scripted type="button" data-action="theme" aria-label="Light or dark" title="Light or dark" {
                (icon(Icon::SunMoon))
            }
            button.btn.btn-icon.btn-quiet.scripted type="button" data-dialog="keys" aria-label="Keys" title="Keys (?)" {
                (icon(Icon::Keyboard))
            }
            @if who.signs_out {
                form method="post" action=(link(LOGOUT)) {
                    button.btn.btn-icon.btn-quiet type="submit" aria-label="Sign out" title="Sign out" { (icon(Icon::Logout)) }
                }
            }
        }
    }
}

/// The heading of a page, the pages above it, and what can be done on it as a whole.
fn page_top(frame: &Frame, title: &str, live: bool) -> Markup {
    let is_paused = frame.choices.is_paused;
    html! {
        div.page-top {
            div.titles {
                @if !frame.above.is_empty() {
                    nav.crumbs aria-label="Above this page" { @for (link, name) in &frame.above { a href=(link) { (name) } } }
                }
                h1 { @if let Some(heading) = &frame.heading { (heading) } @else { (title) } }
            }
            div.page-actions {
                @if let Some(actions) = &frame.actions { (actions) }
                @if live {
                    button.live.scripted type="button" data-action="live" aria-pressed=(!is_paused) title="Updates of this page on or off (p)" {
                        @if is_paused { "Updates off" } @else { "Live" }
                    }
                }
            }
        }
    }
}

fn standing_by() -> Markup {
    let text = html! {
        b { "Standby." }
        " Another process leads the engine; this server runs jobs too, and takes over if that process ends."
    };
    notice(Tone::Info, &text, &html! {})
}

fn keys(frame: &Frame) -> Markup {
    let list = html! {
        dl.keys {
            dt { kbd { "?" } } dd { "these keys" }
            dt { kbd { "/" } } dd { "search" }
            dt { kbd { "j" } " " kbd { "k" } } dd { "next and previous row" }
            dt { kbd { "Enter" } } dd { "open the row" }
            dt { kbd { "x" } " " kbd { "Shift" } " " kbd { "x" } } dd { "select the row, select up to the row" }
            dt { kbd { "a" } } dd { "select all on the page" }
            dt { kbd { "r" } " " kbd { "c" } } dd { "retry, cancel what is selected: a preview first" }
            dt { kbd { "." } } dd { "show what is new" }
            dt { kbd { "p" } } dd { "updates on or off" }
            @for tab in Tab::shown(frame.has_program) {
                dt { kbd { "g" } " " kbd { (tab.key()) } } dd { (tab.title()) }
            }
            dt { kbd { "Esc" } } dd { "close, clear the selection" }
        }
    };
    dialog("keys", "Keys", &list, ("Close", &html! {}))
}
