//! Components: pure functions from data to markup, used by several pages.

use super::icon::{Icon, icon};
use crate::model::{Level, Status, Timestamp};
use maud::{Markup, Render, html};
use std::time::Duration;

/// Characters of a text that stay in a row; the rest opens on a click.
const HEAD: usize = 80;

/// A card: a titled section of a page.
pub(super) fn card(id: &str, title: &str, aside: &Markup, content: &Markup) -> Markup {
    html! {
        section.card id=(id) {
            div.card-header { h2.card-title { (title) } div.card-actions { (aside) } }
            (content)
        }
    }
}

/// A table with named columns in a frame that scrolls sideways by itself.
pub(super) fn table(label: &str, columns: &[&str], rows: &[Markup]) -> Markup {
    html! {
        div.table-responsive tabindex="0" role="region" aria-label=(label) {
            table.table.table-vcenter.card-table {
                thead { tr { @for column in columns { th scope="col" { (column) } } } }
                tbody { @for row in rows { (row) } }
            }
        }
    }
}

/// What stands where a list would, and what to do next.
pub(super) fn empty(title: &str, next: &Markup) -> Markup {
    html! {
        div.empty {
            div.empty-img { (icon(Icon::Inbox)) }
            p.empty-title { (title) }
            p.empty-subtitle.text-secondary { (next) }
        }
    }
}

/// A job's status as a word in its colour.
pub(super) fn badge(status: Status) -> Markup {
    html! { span class={ "badge badge-" (status) } { (status_word(status)) } }
}

/// A log level as a word in its colour.
pub(super) fn level_badge(level: Level) -> Markup {
    html! { span class={ "badge badge-" (level.as_str().to_ascii_lowercase()) } { (level) } }
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

/// One step of a timeline.
pub(super) struct Step {
    /// The status it led to, for its colour.
    pub(super) to: Status,
    /// When.
    pub(super) at: Timestamp,
    /// What happened.
    pub(super) title: Markup,
    /// Who or what caused it, and more.
    pub(super) detail: Markup,
}

/// Steps in time, oldest first.
pub(super) fn timeline(steps: &[Step], now: Timestamp) -> Markup {
    html! {
        ol.trail {
            @for step in steps {
                li class={ "step-" (step.to) } {
                    div.step-title { (step.title) span.text-secondary { (when(step.at, now)) } }
                    div.text-secondary { (step.detail) }
                }
            }
        }
    }
}

/// A dialog that a button with `data-dialog` names opens, and that closes by Escape or its own button.
pub(super) fn dialog(id: &str, title: &str, content: &Markup) -> Markup {
    html! {
        dialog id=(id) aria-labelledby={ (id) "-title" } {
            form method="dialog" {
                div.dialog-head {
                    h2.card-title id={ (id) "-title" } { (title) }
                    button.btn.btn-sm type="submit" { "Close" }
                }
            }
            (content)
        }
    }
}

/// A deed behind its consequence: the button is in `form`, which unfolds, with or without scripts.
pub(super) fn confirm(id: &str, word: &str, consequence: &Markup, form: &Markup) -> Markup {
    html! {
        details.confirm id=(id) {
            summary.btn.btn-sm { (word) "…" }
            div { p { (consequence) } (form) }
        }
    }
}

/// Links to the rest of a list that goes by cursor: its start, and what comes after this slice.
pub(super) fn pager(first: Option<&str>, next: Option<(&str, &str)>) -> Markup {
    html! {
        @if first.is_some() || next.is_some() {
            nav.card-footer.pager aria-label="Parts of the list" {
                @if let Some(href) = first { a.btn.btn-sm href=(href) { "Newest" } }
                @if let Some((href, text)) = next { a.btn.btn-sm rel="next" href=(href) { (text) } }
            }
        }
    }
}

/// Sizes that a numbered list offers.
pub(super) const SIZES: [u64; 4] = [10, 20, 50, 100];

/// The foot of a numbered list: where one is, the pages beside it, and how long pages are.
pub(super) fn numbered_pager(
    what: &str,
    page: u64,
    size: u64,
    total: u64,
    link: impl Fn(u64, u64) -> String,
) -> Markup {
    let pages = total.div_ceil(size).max(1);
    let first = (page - 1) * size + 1;
    let last = (page * size).min(total);
    html! {
        div.card-footer.pager {
            p.text-secondary {
                @if first <= last { "Showing " (first) "-" (last) " of " (total) } @else { "Nothing on this page" }
            }
            nav aria-label={ "Pages of " (what) } {
                @if page > 1 { a.btn.btn-sm rel="prev" href=(link(page - 1, size)) { "Previous" } }
                @if page < pages { a.btn.btn-sm rel="next" href=(link(page + 1, size)) { "Next" } }
            }
            nav.sizes aria-label={ "Rows of " (what) } {
                span.text-secondary { "Rows" }
                @for offered in SIZES {
                    a href=(link(1, offered)) aria-current=[(offered == size).then_some("true")] { (offered) }
                }
            }
        }
    }
}

/// A part of a page that replaces itself when something has changed: `path` answers it anew, or 204 while `version`
/// is still what it would show.
pub(super) fn live(id: &str, path: &str, version: &str, content: &Markup) -> Markup {
    let sign = if path.contains('?') { '&' } else { '?' };
    html! {
        div id=(id) hx-get={ (path) (sign) "v=" (version) } hx-trigger="sse:change" hx-swap="outerHTML" {
            (content)
        }
    }
}

/// A text of any length: in one line if it is short, else behind its beginning.
pub(super) fn folded(id: &str, text: &str) -> Markup {
    let head: String = text.chars().take(HEAD).collect();
    html! {
        @if head.len() == text.len() && !text.contains('\n') {
            (text)
        } @else {
            details id=(id) {
                summary { (head.lines().next().unwrap_or_default()) "…" }
                pre { (text) }
            }
        }
    }
}

/// An instant relative to `now`, which the page's script keeps true, with the exact one on hover.
pub(super) fn when(at: Timestamp, now: Timestamp) -> Markup {
    html! { time datetime=(at) title=(exact(at)) { (relative(at, now)) } }
}

/// An instant to the second, with its zone.
pub(super) fn exact(at: Timestamp) -> String {
    at.to_utc().format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The same for an instant that may not have come yet.
pub(super) fn when_known(at: Option<Timestamp>, now: Timestamp) -> Markup {
    at.map_or_else(|| "–".render(), |at| when(at, now))
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

/// How long something took, or takes so far, which the page's script counts on; a dash before it began.
pub(super) fn elapsed(from: Option<Timestamp>, to: Option<Timestamp>, now: Timestamp) -> Markup {
    let text = duration(from, to, now);
    html! {
        @match (from, to) {
            (Some(from), None) => span data-since=(from.millis()) { (text) },
            _ => (text),
        }
    }
}

fn duration(from: Option<Timestamp>, to: Option<Timestamp>, now: Timestamp) -> String {
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

/// Bytes as people read them.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        1_048_576..1_073_741_824 => tenths(bytes, 1_048_576, "MiB"),
        _ => tenths(bytes, 1_073_741_824, "GiB"),
    }
}

fn tenths(bytes: u64, unit: u64, name: &str) -> String {
    format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit)
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

    #[test]
    fn a_numbered_pager_says_where_one_is() {
        let at = |page, total| {
            numbered_pager("scans", page, 20, total, |p, s| format!("/x?page={p}&size={s}"))
                .into_string()
        };
        assert!(at(1, 45).contains("Showing 1-20 of 45"));
        assert!(at(3, 45).contains("Showing 41-45 of 45"));
        assert!(at(3, 45).contains("rel=\"prev\"") && !at(3, 45).contains("rel=\"next\""));
        assert!(at(9, 45).contains("Nothing on this page"));
    }
}
