//! The list of issues.

use super::super::components::{
    card, class_badge, empty, grouped, issue_number, issue_state, issue_trend, numbered_pager,
    sparkline, table, when,
};
use super::super::nav;
use super::super::slice::Slice;
use super::slices::{Lists, ListsQuery, page_with};
use crate::actions::issues::DAYS;
use crate::model::{Issue, IssueOrder, Timestamp};
use maud::{Markup, html};

/// The issues, in the order that was asked for.
pub(super) fn list(lists: &Lists, asked: &ListsQuery, now: Timestamp) -> Markup {
    let columns = ["Issue", "Class", "State", "30 days", "Seen"];
    let rows: Vec<_> = lists.issues.iter().map(|issue| row(issue, lists, now)).collect();
    let at = |Slice { page, size }| {
        page_with(&ListsQuery { issue_page: Some(page), issue_size: Some(size), ..asked.clone() })
    };
    card(
        "issues",
        "Issues",
        &orders(lists.issue_order, asked),
        &html! {
            @if lists.issue_total == 0 {
                (empty("No issues yet", &html! { "A scan files one for each problem it finds in the log." }))
            } @else {
                div.issues { (table("Issues", &columns, &rows)) }
                (numbered_pager("issues", lists.issue_slice, lists.issue_total, at))
            }
        },
    )
}

/// The choice of the order.
fn orders(open: IssueOrder, asked: &ListsQuery) -> Markup {
    let way = |order: IssueOrder, name: &str| {
        let issue_order = Some(order.as_str().to_owned());
        let link = page_with(&ListsQuery { issue_order, issue_page: None, ..asked.clone() });
        html! { a href=(link.at("issues")) aria-current=[(order == open).then_some("true")] { (name) } }
    };
    html! {
        div.seg role="group" aria-label="Order of the issues" {
            (way(IssueOrder::Occurrences, "Occurrences"))
            (way(IssueOrder::Newest, "Newest"))
            (way(IssueOrder::LastSeen, "Last seen"))
        }
    }
}

fn row(issue: &Issue, lists: &Lists, now: Timestamp) -> Markup {
    let none = vec![0; DAYS];
    let days = lists.days.get(&issue.id).unwrap_or(&none);
    html! {
        tr id={ "issue-" (issue.id.0) } {
            td.main {
                div.first {
                    a.title href=(nav::issue(issue.id)) { (issue.title) }
                    @if let Some(seen) = lists.seen.get(&issue.id) { (issue_trend(seen)) }
                }
                div.sub {
                    @match lists.decided.get(&issue.id).filter(|_| issue.number.is_none()) {
                        Some(decided) => (decided),
                        None => (issue_number(issue)),
                    }
                    @for code in &issue.error_codes { " · " a.over href=(nav::log_rows_with(lists.log, code)) { code { (code) } } }
                    @if let Some(author) = &issue.author { " · by " (author) " at the tracker" }
                    " · first " (when(issue.created_at, now)) " · last " (when(issue.last_seen_at, now))
                    @if let Some(duplicate) = &issue.duplicate_of { " · " (duplicate) }
                }
            }
            td { @if let Some(class) = issue.classification { (class_badge(class)) } }
            td { (issue_state(issue)) }
            td { (sparkline("spark-bad spark-days", &format!("Rows a day of {}, 30 days", issue.title), days)) }
            td.num data-label="seen" { b { (grouped(issue.occurrences)) } }
        }
    }
}
