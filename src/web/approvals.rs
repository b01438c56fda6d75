//! The page of the filings that wait for approval, each with its exact text.
//!
//! An admin approves, edits or rejects them, one by one or several together. A decision turns its own card into a line;
//! nothing else on the page moves.

use super::answer::answered;
use super::app::App;
use super::base::link;
use super::caller::Signed;
use super::components::{empty, problem_notice, rendered, when};
use super::extract::{Form, Id, Query};
use super::face::Face;
use super::icon::{Icon, icon};
use super::nav::{self, Tab};
use super::page::{Frame, page as whole_page};
use super::part::{LivePart, Shown, live_page, version};
use super::problem::Problem;
use super::self_monitoring::page::sections;
use crate::actions::approvals::{self, FilingEdit};
use crate::error::{Code, Error};
use crate::model::{
    Act, FilingId, FilingPick, FilingState, FilingVerdict, Timestamp, WaitingFiling,
};
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use std::str::FromStr;
use std::time::Duration;

pub(super) const PATH: &str = nav::APPROVALS;
pub(super) const PART_PATH: &str = "/admin/self-monitoring/approvals/part";
pub(super) const DECIDE_PATH: &str = "/admin/self-monitoring/approvals/decide";
pub(super) const APPROVE_PATH: &str = "/admin/self-monitoring/approvals/{id}/approve";
pub(super) const REJECT_PATH: &str = "/admin/self-monitoring/approvals/{id}/reject";
pub(super) const UNDO_PATH: &str = "/admin/self-monitoring/approvals/{id}/undo";
pub(super) const EDIT_PATH: &str = "/admin/self-monitoring/approvals/{id}/edit";
/// Largest body, in bytes: the longest text with every byte of it as `%xx`, and its title.
pub(super) const MAX_BODY_BYTES: usize = 256 * 1024;
/// The most filings that the page shows: more than anybody reads at a time.
const MAX_SHOWN: usize = 100;
/// For how long one stays on the page after somebody has decided, so that it is seen what became of it.
const DECIDED_FOR: Duration = Duration::from_hours(24);

/// A decision about one filing.
#[derive(Deserialize)]
pub(super) struct Decision {
    /// The version of the text that the button was drawn for.
    version: Option<String>,
}

/// An edited text.
#[derive(Deserialize)]
pub(super) struct Edited {
    version: Option<String>,
    title: Option<String>,
    body: String,
}

/// GET `/admin/self-monitoring/approvals` and its part.
pub(super) async fn page(
    State(app): State<App>,
    who: Signed,
    Query(Shown { v: shown }): Query<Shown>,
) -> Result<Response, Problem> {
    let (role, now) = (who.role(), app.web.clock.now());
    let filings = app.web.store.filings_on_show(now.minus(DECIDED_FOR), MAX_SHOWN).await?;
    let content = html! {
        @if filings.is_empty() {
            section.card { (empty("Nothing to approve", &html! {
                "New findings appear here before they are filed, where the setting " code { "tracker.approval" } " says so."
            })) }
        } @else {
            // A decision publishes a text: nothing here moves by itself while somebody looks.
            div.stack data-hold="still" { @for filing in &filings { (card(filing, None, &who, now)) } }
        }
    };
    let state = |filing: &WaitingFiling| {
        (filing.id.0, filing.state.as_str(), filing.version(), filing.error.clone())
    };
    let part = LivePart {
        id: "approvals",
        link: &link(PART_PATH),
        version: version(&filings.iter().map(state).collect::<Vec<_>>()),
        content: &content,
    };
    let waiting = filings.iter().filter(|one| one.state == FilingState::AwaitingApproval).count();
    let around = |part| {
        html! {
            (sections(who.counts.approvals, PATH))
            @if waiting > 1 && approvals::may(role) { (together()) }
            (part)
        }
    };
    Ok(live_page(&frame(&app, &who), TITLE, &part, around, (who.face(), shown.as_deref())))
}

const TITLE: &str = "Approvals";

fn frame(app: &App, who: &Signed) -> Frame {
    let above = vec![(Tab::SelfMonitoring.link(), Tab::SelfMonitoring.title().to_owned())];
    Frame::new(&app.web, Some(who)).at(Tab::SelfMonitoring).under(above)
}

/// The buttons for several at a time; each card has the box that picks it.
fn together() -> Markup {
    html! {
        form.pick-bar #decide method="post" action=(link(DECIDE_PATH)) {
            label.pick-all.scripted { input type="checkbox" data-pick-all="decide"; " Select all" }
            span.grow {}
            button.btn type="submit" name="verdict" value="approve" data-counts="Approve" { (icon(Icon::Check)) span { "Approve selected…" } }
            button.btn.btn-quiet type="submit" name="verdict" value="reject" data-counts="Reject" { (icon(Icon::X)) span { "Reject selected…" } }
        }
    }
}

/// A filing: its text with the buttons, or one line once somebody has decided. `refused` says why a button did nothing.
fn card(filing: &WaitingFiling, refused: Option<&Problem>, who: &Signed, now: Timestamp) -> Markup {
    let title = filing.title.as_deref().unwrap_or(&filing.issue_title);
    let waits = filing.state == FilingState::AwaitingApproval;
    let may = approvals::may(who.role());
    html! {
        article.card.decided[filing.decided.is_some()] id={ "filing-" (filing.id.0) }
            data-version={ (seen_as(filing)) "." (filing.version()) } {
            @if let Some(problem) = refused { (problem_notice(problem)) }
            @if let Some(line) = decided_line(filing, who, now) {
                (line)
            } @else {
                div.card-header {
                    @if waits && may {
                        input.pick type="checkbox" form="decide" name="pick" data-pick
                            value={ (filing.id.0) "." (filing.version()) } aria-label={ "Select: " (title) };
                    }
                    h2.card-title { (title) }
                    span.badge { (what(filing)) }
                }
                div.card-body.lines {
                    p.sub {
                        (how_far(filing)) " Goes to " (place(filing)) ". Found by " a href=(nav::job(filing.scan)) { "scan " (filing.scan) } ", "
                        (when(filing.created_at, now)) "."
                    }
                    @if let Some(error) = &filing.error { p.bad { (error) } }
                    (rendered(&format!("raw-{}", filing.id.0), &format!("Text of {}", filing.issue_title), (filing.title.as_deref(), &filing.body)))
                    @if waits && may { (decide_one(filing)) }
                }
            }
        }
    }
}

/// What a person sees of a filing: its way to the tracker after the approval is no other thing to them, so that nobody is told
/// of a change elsewhere after a decision of their own.
fn seen_as(filing: &WaitingFiling) -> &'static str {
    match (filing.state, &filing.decided) {
        (FilingState::Pending | FilingState::Sending | FilingState::Filed, Some(_)) => "approved",
        (state, _) => state.as_str(),
    }
}

/// Where a filing goes: a repository at its tracker, or the list of this server.
fn place(filing: &WaitingFiling) -> Markup {
    let home = &filing.home;
    if let Some((tracker, _)) = home.as_str().split_once('/') {
        html! { b { (home.name()) } " at " (tracker) }
    } else {
        html! { (home.name()) }
    }
}

/// What became of a filing that somebody has decided about.
fn decided_line(filing: &WaitingFiling, who: &Signed, now: Timestamp) -> Option<Markup> {
    let (by, at) = filing.decided.as_ref()?;
    let (shape, verdict) = match filing.state {
        FilingState::Rejected => (Icon::X, "Rejected"),
        FilingState::Pending | FilingState::Sending | FilingState::Filed => {
            (Icon::Check, "Approved")
        }
        FilingState::AwaitingApproval | FilingState::Failed => return None,
    };
    let by = if *by == who.person.name { "you" } else { by };
    let goes = match (filing.state, filing.number) {
        (FilingState::Pending, _) => html! { "goes to " (place(filing)) " next" },
        (FilingState::Sending, _) => html! { "on its way to " (place(filing)) },
        (FilingState::Filed, Some(number)) => {
            html! { "filed as " a href=(nav::issue(filing.issue)) { "#" (number) } " in " (place(filing)) }
        }
        (FilingState::Filed, None) => html! { "filed in " (place(filing)) },
        (_, _) => html! { "never filed" },
    };
    let may = approvals::may(who.role()) && filing.can_be_taken_back();
    let title = filing.title.as_deref().unwrap_or(&filing.issue_title);
    Some(html! {
        div.card-header {
            span data-fresh { (icon(shape)) } h2.card-title { (title) }
            span.sub data-fresh { (verdict) " by " (by) ", " (when(*at, now)) " · " (goes) }
            // What was sent cannot be taken back: the button goes in the moment in which it would do nothing any more.
            span data-fresh { @if may { (button(filing, "undo", None, &html! { "Undo" }, "Take it back")) } }
        }
    })
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
        FilingState::Failed => {
            "Not filed yet: the tracker did not take it. The server tries again by itself."
        }
        FilingState::Filed => "Filed.",
        FilingState::Rejected => "Rejected.",
    }
}

fn decide_one(filing: &WaitingFiling) -> Markup {
    let version = filing.version();
    let approve = html! { (icon(Icon::Check)) "Approve" };
    let reject = html! { (icon(Icon::X)) "Reject" };
    html! {
        div.actions {
            (button(filing, "approve", Some(&version), &approve, "Approve"))
            (button(filing, "reject", Some(&version), &reject, "Reject"))
        }
        details id={ "edit-" (filing.id.0) } {
            summary { "Edit the text" }
            form.fields method="post" action=(link(PATH).under(filing.id.0).under("edit")) {
                input type="hidden" name="version" value=(version);
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

/// A form with one button. Its answer takes the place of the card; without scripts the page comes anew, at the card.
fn button(
    filing: &WaitingFiling,
    deed: &str,
    version: Option<&str>,
    word: &Markup,
    says: &str,
) -> Markup {
    let action = link(PATH).under(filing.id.0).under(deed);
    let is_main = deed == "approve";
    html! {
        form method="post" action=(action) hx-post=(action) hx-target={ "#filing-" (filing.id.0) } hx-swap="outerHTML" {
            @if let Some(version) = version { input type="hidden" name="version" value=(version); }
            button.btn.btn-quiet[!is_main] type="submit" aria-label={ (says) ": " (filing.issue_title) } { (word) }
        }
    }
}

/// POST `/admin/self-monitoring/approvals/{id}/approve`.
pub(super) async fn approve(
    State(app): State<App>,
    who: Signed,
    Id(id): Id<FilingId>,
    Form(decision): Form<Decision>,
) -> Result<Response, Problem> {
    decide(&app, &who, FilingPick { id, version: decision.version }, FilingVerdict::Approve).await
}

/// POST `/admin/self-monitoring/approvals/{id}/reject`.
pub(super) async fn reject(
    State(app): State<App>,
    who: Signed,
    Id(id): Id<FilingId>,
    Form(decision): Form<Decision>,
) -> Result<Response, Problem> {
    decide(&app, &who, FilingPick { id, version: decision.version }, FilingVerdict::Reject).await
}

/// POST `/admin/self-monitoring/approvals/{id}/undo`.
pub(super) async fn undo(
    State(app): State<App>,
    who: Signed,
    Id(id): Id<FilingId>,
) -> Result<Response, Problem> {
    decide(&app, &who, FilingPick::of(id), FilingVerdict::TakeBack).await
}

/// Decides about one filing. htmx gets the card as it is now, also where the button was drawn for something else.
async fn decide(
    app: &App,
    who: &Signed,
    pick: FilingPick,
    verdict: FilingVerdict,
) -> Result<Response, Problem> {
    let (store, id) = (&app.web.store, pick.id);
    let call = who.call(app.web.clock.now());
    let place = link(PATH).at(&format!("filing-{}", id.0));
    let decided = approvals::decide(store, &call, vec![pick], verdict).await;
    if who.face() != Face::Fragment {
        return Ok(answered(who.face(), &decided?, &place));
    }
    let is_other = |error: &Error| {
        [Code::FilingChanged, Code::FilingDecided, Code::FilingSent].contains(&error.code())
    };
    let problem = match decided {
        Ok(_) => None,
        Err(error) if is_other(&error) => Some(Problem::from(error)),
        Err(error) => return Err(error.into()),
    };
    let Some(filing) = store.filing_text(id).await? else {
        return Err(Problem::of(Code::FilingUnknown));
    };
    let fresh = Html(card(&filing, problem.as_ref(), who, call.now).into_string());
    Ok(match problem {
        Some(problem) => (problem.status(), fresh).into_response(),
        None => fresh.into_response(),
    })
}

/// POST `/admin/self-monitoring/approvals/decide`: several at a time, after a page that names them.
pub(super) async fn decide_several(
    State(app): State<App>,
    who: Signed,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let named = |name: &'static str| {
        fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    };
    let verdict = named("verdict").next_back().and_then(|word| FilingVerdict::from_str(word).ok());
    let verdict = verdict.ok_or_else(|| Problem::input("The button says nothing to be done."))?;
    let picks: Option<Vec<_>> = named("pick").map(pick).collect();
    let picks = picks.ok_or_else(|| Problem::input("A selected text cannot be read."))?;
    let is_sure = who.face() == Face::Json || named("sure").next().is_some();
    if picks.len() > 1 && !is_sure {
        return Ok(question(&app, &who, &picks, verdict).await?.into_response());
    }
    if picks.is_empty() {
        return Err(Problem::input("Nothing is selected: tick the boxes of the texts first."));
    }
    let call = who.call(app.web.clock.now());
    let decided = approvals::decide(&app.web.store, &call, picks, verdict).await?;
    Ok(answered(who.face(), &decided, &link(PATH)))
}

/// A box of the page: the filing's id, a full stop, the version that was shown.
fn pick(text: &str) -> Option<FilingPick> {
    let (id, version) = text.split_once('.')?;
    Some(FilingPick { id: FilingId(id.parse().ok()?), version: Some(version.to_owned()) })
}

/// The page that names what is decided together, before it is.
async fn question(
    app: &App,
    who: &Signed,
    picks: &[FilingPick],
    verdict: FilingVerdict,
) -> Result<Html<String>, Problem> {
    let mut lines = Vec::with_capacity(picks.len());
    for pick in picks.iter().take(MAX_SHOWN) {
        let found = app.web.store.filing_text(pick.id).await?;
        let line = |filing: WaitingFiling| {
            let title = filing.title.as_deref().unwrap_or(&filing.issue_title);
            html! { (title) div.sub { (what(&filing)) ", in " (place(&filing)) } }
        };
        lines.extend(found.map(line));
    }
    let count = picks.len();
    let (ask, follows, word) = match verdict {
        FilingVerdict::Approve => (
            format!("Approve {count} findings?"),
            "They are filed as they were shown. Until one is sent it can be taken back.",
            format!("Approve {count}"),
        ),
        FilingVerdict::Reject => (
            format!("Reject {count} findings?"),
            "They are never filed, and the same problems stay quiet for 90 days.",
            format!("Reject {count}"),
        ),
        FilingVerdict::TakeBack => return Err(Problem::input("One is taken back at a time.")),
    };
    let content = html! {
        section.card {
            div.card-body.lines {
                p { (follows) }
                ul { @for line in &lines { li { (line) } } }
                form.actions method="post" action=(link(DECIDE_PATH)) {
                    @for FilingPick { id, version } in picks {
                        input type="hidden" name="pick" value={ (id.0) "." (version.as_deref().unwrap_or_default()) };
                    }
                    input type="hidden" name="sure" value="yes";
                    a.btn href=(link(PATH)) { "Go back" }
                    button.btn.btn-primary type="submit" name="verdict" value=(verdict.as_str()) { (word) }
                }
            }
        }
    };
    Ok(whole_page(&frame(app, who), &ask, &content))
}

/// POST `/admin/self-monitoring/approvals/{id}/edit`.
pub(super) async fn edit(
    State(app): State<App>,
    who: Signed,
    Id(id): Id<FilingId>,
    Form(Edited { version, title, body }): Form<Edited>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let request = FilingEdit { pick: FilingPick { id, version }, title, body };
    let edited = approvals::edit(&app.web.store, &call, request).await?;
    let place = link(PATH).at(&format!("filing-{}", id.0));
    Ok(answered(who.face(), &edited, &place))
}
