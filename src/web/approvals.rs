//! The page of the filings that wait for approval, each with its exact text. An admin approves, edits or rejects each.

use super::answer::answered;
use super::app::App;
use super::base::link;
use super::caller::Signed;
use super::components::{empty, when};
use super::extract::{Form, Id, Query};
use super::icon::{Icon, icon};
use super::nav::{self, Tab};
use super::page::Frame;
use super::part::{LivePart, Shown, live_page, version};
use super::problem::Problem;
use super::self_monitoring::page::sections;
use crate::actions::approvals::{self, FilingEdit};
use crate::model::{Act, FilingId, FilingState, Role, Timestamp, WaitingFiling};
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

pub(super) const PATH: &str = nav::APPROVALS;
pub(super) const PART_PATH: &str = "/admin/self-monitoring/approvals/part";
pub(super) const APPROVE_PATH: &str = "/admin/self-monitoring/approvals/{id}/approve";
pub(super) const REJECT_PATH: &str = "/admin/self-monitoring/approvals/{id}/reject";
pub(super) const EDIT_PATH: &str = "/admin/self-monitoring/approvals/{id}/edit";
/// Largest body, in bytes: the longest text with every byte of it as `%xx`, and its title.
pub(super) const MAX_BODY_BYTES: usize = 256 * 1024;
/// The most filings that the page shows: more than anybody reads at a time.
const MAX_SHOWN: usize = 100;

/// An edited text.
#[derive(Deserialize)]
pub(super) struct Edited {
    title: Option<String>,
    body: String,
}

/// GET `/admin/self-monitoring/approvals` and its part.
pub(super) async fn page(
    State(app): State<App>,
    who: Signed,
    Query(Shown { v: shown }): Query<Shown>,
) -> Result<Response, Problem> {
    let waiting = app.web.store.waiting_filings(MAX_SHOWN).await?;
    let (role, now) = (who.role(), app.web.clock.now());
    let content = html! {
        @if waiting.is_empty() {
            section.card { (empty("Nothing to approve", &html! {
                "New findings appear here before they are filed, where the setting " code { "tracker.approval" } " says so."
            })) }
        } @else {
            // A decision publishes a text: nothing here moves by itself while somebody looks.
            div.stack data-hold="still" { @for filing in &waiting { (card(filing, role, now)) } }
        }
    };
    let state = |filing: &WaitingFiling| {
        (
            filing.id.0,
            filing.state.as_str(),
            filing.title.clone(),
            filing.body.len(),
            filing.error.clone(),
        )
    };
    let part = LivePart {
        id: "approvals",
        link: &link(PART_PATH),
        version: version(&waiting.iter().map(state).collect::<Vec<_>>()),
        content: &content,
    };
    let above = vec![(Tab::SelfMonitoring.link(), Tab::SelfMonitoring.title().to_owned())];
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::SelfMonitoring).under(above);
    let title = "Approvals";
    let around = |part| html! { (sections(who.counts.approvals, PATH)) (part) };
    Ok(live_page(&frame, title, &part, around, (who.face(), shown.as_deref())))
}

fn card(filing: &WaitingFiling, role: Role, now: Timestamp) -> Markup {
    let waits = filing.state == FilingState::AwaitingApproval;
    html! {
        article.card id={ "filing-" (filing.id.0) } {
            div.card-header {
                h2.card-title { (filing.title.as_deref().unwrap_or(&filing.issue_title)) }
                span.badge { (what(filing)) }
            }
            div.card-body.lines {
                p.sub {
                    (how_far(filing)) " Found by " a href=(nav::job(filing.scan)) { "scan " (filing.scan) } ", "
                    (when(filing.created_at, now)) "."
                }
                @if let Some(error) = &filing.error { p.bad { (error) } }
                pre tabindex="0" aria-label={ "Text of " (filing.issue_title) } { (filing.body) }
                @if waits && approvals::may(role) { (decide(filing)) }
            }
        }
    }
}

fn what(filing: &WaitingFiling) -> String {
    let number = filing.number.map_or_else(String::new, |number| format!(" #{number}"));
    match filing.act {
        Act::Open => "New issue".to_owned(),
        Act::Comment => format!("Comment on{number} {}", filing.issue_title),
        Act::Reopen => format!("Open again{number} {}", filing.issue_title),
        Act::Close => format!("Close as a duplicate{number} {}", filing.issue_title),
    }
}

fn how_far(filing: &WaitingFiling) -> &'static str {
    match filing.state {
        FilingState::AwaitingApproval => "Waits for approval: nothing was sent.",
        FilingState::Pending => "Waits for its turn.",
        FilingState::Sending => "On its way; the tracker is asked before anything is sent again.",
        FilingState::Failed => "The tracker refused it; the server tries again.",
        FilingState::Filed => "Filed.",
        FilingState::Rejected => "Rejected.",
    }
}

fn decide(filing: &WaitingFiling) -> Markup {
    let path = |deed: &str| link(PATH).under(filing.id.0).under(deed);
    html! {
        div.actions {
            form method="post" action=(path("approve")) {
                button.btn type="submit" aria-label={ "Approve: " (filing.issue_title) } { (icon(Icon::Check)) "Approve" }
            }
            form method="post" action=(path("reject")) {
                button.btn.btn-quiet type="submit" aria-label={ "Reject: " (filing.issue_title) } { (icon(Icon::X)) "Reject" }
            }
        }
        details id={ "edit-" (filing.id.0) } {
            summary { "Edit the text" }
            form.fields method="post" action=(path("edit")) {
                @if let Some(title) = &filing.title {
                    label.form-label for={ "title-" (filing.id.0) } { "Title" }
                    input.form-control id={ "title-" (filing.id.0) } name="title" value=(title) maxlength="240" required;
                }
                label.form-label for={ "body-" (filing.id.0) } { "Text" }
                textarea.form-control id={ "body-" (filing.id.0) } name="body" rows="14" required { "\n" (filing.body) }
                button.btn.btn-sm type="submit" { "Save" }
            }
        }
    }
}

/// POST `/admin/self-monitoring/approvals/{id}/approve`.
pub(super) async fn approve(
    State(app): State<App>,
    who: Signed,
    Id(id): Id<FilingId>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let decided = approvals::approve(&app.web.store, &call, id).await?;
    Ok(answered(who.face(), &decided, &link(PATH)))
}

/// POST `/admin/self-monitoring/approvals/{id}/reject`.
pub(super) async fn reject(
    State(app): State<App>,
    who: Signed,
    Id(id): Id<FilingId>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let decided = approvals::reject(&app.web.store, &call, id).await?;
    Ok(answered(who.face(), &decided, &link(PATH)))
}

/// POST `/admin/self-monitoring/approvals/{id}/edit`.
pub(super) async fn edit(
    State(app): State<App>,
    who: Signed,
    Id(id): Id<FilingId>,
    Form(Edited { title, body }): Form<Edited>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let edited = approvals::edit(&app.web.store, &call, FilingEdit { id, title, body }).await?;
    Ok(answered(who.face(), &edited, &link(PATH)))
}
