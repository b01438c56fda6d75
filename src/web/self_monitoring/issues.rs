//! The list of issues.

use super::super::clocks::Clocks;
use super::super::components::{card, empty, numbered_pager, table, when};
use super::super::nav::{self, Tab};
use super::super::slice::Slice;
use super::super::text_link::may_link;
use super::slices::{Lists, ListsQuery, page_with};
use crate::actions::issues::{self, IssueDeed};
use crate::model::{Classification, Issue, IssueState, Role, SeenOverTime, Timestamp, Trend};
use maud::{Markup, html};

/// Hours of the chart in the list, and of the one of an issue.
const DAYS: i64 = 48;
const WEEK: i64 = 7 * 24;
/// The height of the bars, and the width of one bar with the space beside it, in units of the picture.
const HEIGHT: u64 = 24;
const STEP: i64 = 4;

/// The issues, newest first.
pub(super) fn list(lists: &Lists, asked: &ListsQuery, role: Role, now: Timestamp) -> Markup {
    let columns = ["Number", "Title", "State", "Class", "Codes", "Seen", "Created", "Last seen"];
    let rows: Vec<_> = {
        let issues = lists.issues.iter();
        issues.map(|issue| row(issue, lists, asked, (role, now))).collect()
    };
    let at = |Slice { page, size }| {
        page_with(&ListsQuery { issue_page: Some(page), issue_size: Some(size), ..asked.clone() })
    };
    card(
        "issues",
        "Issues",
        &html! {},
        &html! {
            @if lists.issue_total == 0 {
                (empty("No issues yet", &html! { "A scan files one for each problem it finds in the log." }))
            } @else {
                (table("Issues", &columns, &rows))
                (numbered_pager("issues", lists.issue_slice, lists.issue_total, at))
            }
        },
    )
}

fn row(issue: &Issue, lists: &Lists, asked: &ListsQuery, (role, now): (Role, Timestamp)) -> Markup {
    let (seen, log) = (lists.seen.get(&issue.id), lists.log);
    html! {
        tr {
            td {
                @match issue.url.as_deref().filter(|url| is_web_link(url)) {
                    Some(url) => a href=(url) rel="noreferrer" { (number(issue, lists)) },
                    None => { (number(issue, lists)) },
                }
            }
            td.note {
                details id={ "issue-" (issue.id.0) } {
                    summary.whole { (issue.title) }
                    @if let Some(author) = &issue.author { p { "An issue of " (author) " at the tracker." } }
                    @if let Some(duplicate) = &issue.duplicate_of { p { (duplicate) } }
                    @if issues::may(role) { (buttons(issue, asked)) }
                    @if let Some(seen) = seen {
                        p { (sentence(seen)) }
                        (hours("spark spark-week", "Rows an hour, the last seven days", seen, lists.clocks, (WEEK, now)))
                    }
                    @if !issue.evidence.is_empty() {
                        p { a href=(nav::log_rows(log, &issue.evidence)) { "Rows " (rows(&issue.evidence)) " in the log" } }
                    }
                    pre tabindex="0" { (issue.body) }
                }
            }
            td { (state(issue)) }
            td { @if let Some(class) = issue.classification { (class_badge(class)) } }
            td { @for code in &issue.error_codes { a href=(nav::log_rows_with(log, code)) { code { (code) } } " " } }
            td data-label="Seen" {
                (issue.occurrences) "×"
                @if let Some(seen) = seen {
                    " " (trend(seen.trend))
                    (hours("spark spark-days", "Rows an hour, the last two days", seen, lists.clocks, (DAYS, now)))
                }
            }
            td data-label="Created" { (when(issue.created_at, now)) }
            td data-label="Last" { (when(issue.last_seen_at, now)) }
        }
    }
}

/// The word for what is not as before.
fn trend(trend: Trend) -> Markup {
    let class = match trend {
        Trend::New => "badge tag-warn",
        Trend::Growing => "badge tag-bad",
        Trend::Gone => "badge",
        Trend::Steady => return html! {},
    };
    html! { span class=(class) { (trend) } }
}

fn sentence(seen: &SeenOverTime) -> String {
    let sentence = seen.sentence();
    let mut letters = sentence.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).chain(['.']).collect()
}

fn rows(ids: &[i64]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// One bar for each of so many hours. The last bar is of the hour that runs.
fn hours(
    class: &str,
    label: &str,
    seen: &SeenOverTime,
    clocks: Clocks,
    (count, now): (i64, Timestamp),
) -> Markup {
    const HOUR: i64 = 60 * 60 * 1_000;
    let first = now.hour().millis() - (count - 1) * HOUR;
    let bars = seen.hours.range(Timestamp::from_millis(first)..);
    let most = bars.clone().map(|(_, rows)| *rows).max().unwrap_or(1).max(1);
    html! {
        svg class=(class) role="img" aria-label={ (label) ": " (most) " at most" }
            viewBox={ "0 0 " (count * STEP) " " (HEIGHT) } preserveAspectRatio="none" {
            @for (hour, rows) in bars {
                // A bar of few rows is seen, too.
                @let height = (rows * HEIGHT).div_ceil(most).max(1);
                rect x=((hour.millis() - first) / HOUR * STEP) y=(HEIGHT - height) width=(STEP - 1) height=(height) {
                    title { (clocks.minute(*hour)) ": " (rows) }
                }
            }
        }
    }
}

fn state(issue: &Issue) -> Markup {
    let (class, word) = match issue.state {
        IssueState::Open => ("badge tag-warn", "Open"),
        IssueState::Completed { .. } => ("badge tag-ok", "Closed, completed"),
        IssueState::NotPlanned { .. } if issue.duplicate_of.is_some() => {
            ("badge", "Closed, duplicate")
        }
        IssueState::NotPlanned { .. } => ("badge", "Closed, not planned"),
    };
    html! {
        span class=(class) { (word) }
        @if issue.muted { " " span.badge title="It is reported again only if it is met ten times as often" { "Muted" } }
    }
}

/// The buttons for what may be done to the issue.
fn buttons(issue: &Issue, asked: &ListsQuery) -> Markup {
    let button = |deed: IssueDeed| {
        let issues = Tab::SelfMonitoring.link().under("issues");
        let action = issues.under(issue.id.0).under(deed.as_str()).with(asked);
        let (word, effect) = words(deed);
        html! {
            form method="post" action=(action) hx-post=(action) hx-target="#scan-lists" hx-swap="outerHTML" {
                button.btn.btn-sm type="submit" title=(effect) { (word) }
            }
        }
    };
    html! {
        div.actions.issue-actions { @for deed in issues::deeds(issue) { (button(deed)) } }
    }
}

/// The word on the button of a deed, and what the deed leads to.
const fn words(deed: IssueDeed) -> (&'static str, &'static str) {
    match deed {
        IssueDeed::Close => ("Close as completed", "A problem that comes back opens it again"),
        IssueDeed::CloseNotPlanned => (
            "Close as not planned",
            "It stays quiet for 90 days after its last sighting, unless it is met ten times as often",
        ),
        IssueDeed::Reopen => ("Reopen", "It counts as open again"),
        IssueDeed::Mute => {
            ("Not a problem (mute)", "It is reported again only if it is met ten times as often")
        }
        IssueDeed::Unmute => ("Unmute", "It is reported again"),
    }
}

/// The number of the issue at its tracker, if it has one yet.
fn number(issue: &Issue, lists: &Lists) -> String {
    let decided = || lists.decided.get(&issue.id).cloned();
    let number = issue.number.map(|number| format!("#{number}"));
    number.or_else(decided).unwrap_or_else(|| "to be filed".to_owned())
}

fn class_badge(class: Classification) -> Markup {
    let word = match class {
        Classification::ServerBug => "Server bug",
        Classification::ClientMisuse => "Client misuse",
        Classification::DocumentationGap => "Documentation gap",
    };
    html! { span class={ "badge badge-" (class.as_str()) } { (word) } }
}

/// Whether a stored address may become a link: one of the public web may, and so neither `javascript:` nor this machine (S16).
fn is_web_link(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://")) && may_link(url)
}
