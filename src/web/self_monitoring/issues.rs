//! The list of issues, and what an operator does to one.

use super::super::App;
use super::super::access::SignedIn;
use super::super::caller::Caller;
use super::super::page;
use super::super::respond::{self, Face, Problem};
use super::super::ui::{self, card, when};
use super::lists::{self, Asked, Lists, Slice, link};
use crate::error::Code;
use crate::model::{Classification, Issue, IssueChange, IssueId, IssueState, Role, Timestamp};
use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde_json::json;

pub(in crate::web) const CHANGE_PATH: &str = "/admin/self-monitoring/issues/{id}/{deed}";

/// POST `/admin/self-monitoring/issues/{id}/{deed}`: closes, opens, mutes or unmutes an issue.
pub(in crate::web) async fn change(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(signed_in): Extension<SignedIn>,
    path: Result<Path<(i64, String)>, PathRejection>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let unknown = || Problem::of(Code::IssueUnknown);
    let (Path((id, deed)), asked) = (path.map_err(|_| unknown())?, page::query(query)?);
    let now = app.web.clock.now();
    let change = match deed.as_str() {
        "close" => IssueChange::State(IssueState::Completed { closed_at: now }),
        "not-planned" => IssueChange::State(IssueState::NotPlanned { closed_at: now }),
        "reopen" => IssueChange::State(IssueState::Open),
        "mute" => IssueChange::Muted(true),
        "unmute" => IssueChange::Muted(false),
        _ => return Err(Problem::input("An issue is closed, reopened, muted or unmuted.")),
    };
    let actor = caller.acting_as(&signed_in.account.username);
    app.web.store.change_issue(IssueId(id), change, actor, now).await?;
    Ok(match caller.face {
        Face::Page => respond::see_other(&link(&asked)),
        Face::Json => Json(json!({"issue": id.to_string(), "done": deed})).into_response(),
        Face::Fragment => {
            let lists = lists::read(&app, &asked).await?;
            let section = lists::section(&lists, &asked, signed_in.account.role, now);
            Html(section.into_string()).into_response()
        }
    })
}

/// The issues, newest first.
pub(super) fn list(lists: &Lists, asked: &Asked, role: Role, now: Timestamp) -> Markup {
    let columns = ["Number", "Title", "State", "Class", "Codes", "Seen", "Created", "Last seen"];
    let rows: Vec<_> = lists.issues.iter().map(|issue| row(issue, asked, role, now)).collect();
    let Slice { page, size } = lists.issue_slice;
    let at = |page, size| {
        link(&Asked { issue_page: Some(page), issue_size: Some(size), ..asked.clone() })
    };
    card(
        "issues",
        "Issues",
        &html! {},
        &html! {
            @if lists.issue_total == 0 {
                (ui::empty("No issues yet", &html! { "A scan files one for each problem it finds in the log." }))
            } @else {
                (ui::table("Issues", &columns, &rows))
                (ui::numbered_pager("issues", page, size, lists.issue_total, at))
            }
        },
    )
}

fn row(issue: &Issue, asked: &Asked, role: Role, now: Timestamp) -> Markup {
    html! {
        tr {
            td {
                @match issue.url.as_deref().filter(|url| is_web_link(url)) {
                    Some(url) => a href=(url) rel="noreferrer" { (number(issue)) },
                    None => { (number(issue)) },
                }
            }
            td.note {
                details id={ "issue-" (issue.id.0) } {
                    summary.whole { (issue.title) }
                    @if role >= Role::Operator { (buttons(issue, asked)) }
                    pre { (issue.body) }
                }
            }
            td { (state(issue)) }
            td { (class_badge(issue.classification)) }
            td { @for code in &issue.error_codes { a href={ "/logs?code=" (code) } { code { (code) } } " " } }
            td data-label="Seen" { (issue.occurrences) "×" }
            td data-label="Created" { (when(issue.created_at, now)) }
            td data-label="Last" { (when(issue.last_seen_at, now)) }
        }
    }
}

fn state(issue: &Issue) -> Markup {
    let (class, word) = match issue.state {
        IssueState::Open => ("badge badge-running", "Open"),
        IssueState::Completed { .. } => ("badge badge-completed", "Closed, completed"),
        IssueState::NotPlanned { .. } => ("badge", "Closed, not planned"),
    };
    html! {
        span class=(class) { (word) }
        @if issue.muted { " " span.badge title="It is never reported again" { "Muted" } }
    }
}

/// What may be done to it. An issue of another tracker is opened and closed there; muting is ours alone.
fn buttons(issue: &Issue, asked: &Asked) -> Markup {
    let is_local = issue.number.is_some() && issue.url.is_none();
    let button = |deed: &str, word: &str, effect: &str| {
        let path = format!("{}/issues/{}/{deed}", super::PATH, issue.id.0);
        let action = page::link(&path, asked);
        html! {
            form method="post" action=(action) hx-post=(action) hx-target="#scan-lists" hx-swap="outerHTML" {
                button.btn.btn-sm type="submit" title=(effect) { (word) }
            }
        }
    };
    html! {
        div.actions.issue-actions {
            @if is_local && issue.state == IssueState::Open {
                (button("close", "Close as completed", "A problem that comes back opens it again"))
                (button("not-planned", "Close as not planned", "It stays quiet for 90 days after its last sighting"))
            } @else if is_local {
                (button("reopen", "Reopen", "It counts as open again"))
            }
            @if issue.muted {
                (button("unmute", "Unmute", "It is reported again"))
            } @else {
                (button("mute", "Not a problem (mute)", "It is never reported again"))
            }
        }
    }
}

/// The tracker's number, if it has one yet.
fn number(issue: &Issue) -> String {
    issue.number.map_or_else(|| "to be filed".to_owned(), |number| format!("#{number}"))
}

fn class_badge(class: Classification) -> Markup {
    let word = match class {
        Classification::ServerBug => "Server bug",
        Classification::ClientMisuse => "Client misuse",
        Classification::DocumentationGap => "Documentation gap",
    };
    html! { span class={ "badge badge-" (class.as_str()) } { (word) } }
}

/// Whether a stored link may become one: nothing but the web, in particular no `javascript:` (S16).
fn is_web_link(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}
