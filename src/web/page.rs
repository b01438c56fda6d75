//! The frame of every page, and the small components that several pages use.

use super::access::SignedIn;
use super::respond::Problem;
use super::{Web, assets, jobs, self_monitoring};
use crate::model::{Status, Timestamp};
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::response::Html;
use maud::{DOCTYPE, Markup, html};
use std::time::Duration;

/// Pages of the navigation, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Jobs,
    SelfMonitoring,
}

impl Tab {
    const ALL: [Self; 2] = [Self::Jobs, Self::SelfMonitoring];

    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Jobs => jobs::PATH,
            Self::SelfMonitoring => self_monitoring::PATH,
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Jobs => "Jobs",
            Self::SelfMonitoring => "Self-Monitoring",
        }
    }
}

/// What surrounds the content of a page.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// Who is signed in; without anybody there is no navigation.
    username: Option<String>,
    /// Whether another process runs the engine.
    standing_by: bool,
    /// The open page.
    open: Option<Tab>,
    /// How soon the browser loads the page again.
    reload: Option<Duration>,
}

impl Frame {
    /// The frame of a page outside the navigation.
    pub(super) fn new(web: &Web, signed_in: Option<&SignedIn>) -> Self {
        Self {
            username: signed_in.map(|s| s.account.username.clone()),
            standing_by: signed_in.is_some() && !*web.leading.borrow(),
            open: None,
            reload: None,
        }
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

/// A whole page.
pub(super) fn layout(frame: &Frame, title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if let Some(after) = frame.reload {
                    meta http-equiv="refresh" content=(after.as_secs());
                }
                title { (title) " · Lamplighter" }
                link rel="stylesheet" href=(assets::stylesheet_path());
            }
            body {
                @if let Some(username) = &frame.username {
                    (header(frame, username))
                }
                main {
                    @if frame.standing_by {
                        div.notice role="status" {
                            strong { "This server stands by." }
                            " Another process runs the engine of this database; what is queued here runs there."
                        }
                    }
                    (content)
                }
            }
        }
    }
}

fn header(frame: &Frame, username: &str) -> Markup {
    html! {
        header.top {
            span.brand { "Lamplighter" }
            nav aria-label="Pages" {
                @for tab in Tab::ALL {
                    a href=(tab.path()) aria-current=[(frame.open == Some(tab)).then_some("page")] {
                        (tab.title())
                    }
                }
            }
            form.account method="post" action="/logout" {
                span { (username) }
                button.plain type="submit" { "Sign out" }
            }
        }
    }
}

/// A job's status as a word in its colour.
pub(super) fn badge(status: Status) -> Markup {
    html! { span class={ "badge badge-" (status) } { (status_word(status)) } }
}

/// A status as people read it.
pub(super) const fn status_word(status: Status) -> &'static str {
    match status {
        Status::Scheduled => "Scheduled",
        Status::Queued => "Queued",
        Status::Running => "Running",
        Status::Completed => "Completed",
        Status::Failed => "Failed",
        Status::Cancelled => "Cancelled",
    }
}

/// An instant relative to `now`, with the exact one on hover.
pub(super) fn when(at: Timestamp, now: Timestamp) -> Markup {
    let exact = at.to_utc().format("%Y-%m-%d %H:%M:%S UTC").to_string();
    html! { time datetime=(at) title=(exact) { (relative(at, now)) } }
}

/// The same for an instant that may not have come yet.
pub(super) fn when_known(at: Option<Timestamp>, now: Timestamp) -> Markup {
    html! {
        @match at {
            Some(at) => (when(at, now)),
            None => "–",
        }
    }
}

fn relative(at: Timestamp, now: Timestamp) -> String {
    let (past, future) = (now.since(at), at.since(now));
    if future > Duration::from_secs(1) {
        format!("in {}", coarse(future))
    } else if past < Duration::from_secs(1) {
        "just now".to_owned()
    } else {
        format!("{} ago", coarse(past))
    }
}

/// One number and one unit.
fn coarse(length: Duration) -> String {
    match length.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds @ 3600..86400 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86400),
    }
}

/// How long something took, or takes so far; a dash before it began.
pub(super) fn duration(from: Option<Timestamp>, to: Option<Timestamp>, now: Timestamp) -> String {
    let Some(from) = from else {
        return "–".to_owned();
    };
    let length = to.unwrap_or(now).since(from);
    match (length.as_millis(), length.as_secs()) {
        (millis @ 0..1000, _) => format!("{millis} ms"),
        (millis, 0..60) => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        (_, seconds @ 60..3600) => format!("{} min {} s", seconds / 60, seconds % 60),
        (_, seconds) => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
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

/// Links to the rest of a list: its start, and what comes after this slice.
pub(super) fn pager(first: Option<&str>, next: Option<&str>) -> Markup {
    html! {
        @if first.is_some() || next.is_some() {
            nav.pager aria-label="Parts of the list" {
                @if let Some(href) = first { a href=(href) { "Newest" } }
                @if let Some(href) = next { a rel="next" href=(href) { "Older" } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_largest_fitting_unit() {
        let now = Timestamp::from_millis(1_000_000_000_000);
        let ago =
            |seconds: i64| relative(Timestamp::from_millis(now.millis() - seconds * 1000), now);
        assert_eq!(ago(0), "just now");
        assert_eq!(ago(59), "59 s ago");
        assert_eq!(ago(60), "1 min ago");
        assert_eq!(ago(7200), "2 h ago");
        assert_eq!(ago(172_800), "2 d ago");
        assert_eq!(ago(-300), "in 5 min");
        let took = |millis| duration(Some(now), Some(now.plus(Duration::from_millis(millis))), now);
        assert_eq!(took(350), "350 ms");
        assert_eq!(took(1_250), "1.2 s");
        assert_eq!(took(125_000), "2 min 5 s");
        assert_eq!(took(3_780_000), "1 h 3 min");
    }
}
