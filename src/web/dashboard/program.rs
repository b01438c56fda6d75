//! What the program adds to the start page: sessions, their spend, scans, and the state of the agent program.

use super::super::agent;
use super::super::app::{Program, Web};
use super::super::clocks::Clocks;
use super::super::components::{
    Tile, badge, card, confirm_stop, elapsed, first_sentence, headline, scan_lines, session_form,
    session_mark, session_meters, session_state, size, spend_lines, told_cost, told_turns,
    trigger_badge, when_known,
};
use super::super::nav::{self, Tab};
use super::super::part::version;
use super::super::problem::Problem;
use super::super::standing::Standing;
use super::More;
use crate::actions::sessions;
use crate::model::{QueueState, Role, Session, Timestamp, usd};
use maud::{Markup, html};

/// The form that asks for a session.
pub(super) async fn form(web: &Web, role: Role) -> Markup {
    session_form(role, agent::unready(web).await.as_deref())
}

/// What goes on beside the engine's own.
pub(super) async fn now(
    web: &Web,
    program: &Program,
    (role, clocks): (Role, Clocks),
) -> Result<More, Problem> {
    let (store, now) = (&web.store, web.clock.now());
    let unready = agent::unready(web).await;
    let standing = Standing::read(store, clocks, now).await?;
    let session = store.session_now().await?.0;
    let queue = agent::queue(store).await?;
    let (spent, budgets) = store.spent(None, now).await?;
    let pause = queue.as_ref().and_then(|queue| queue.pause.as_ref());
    let money = card(
        "spent",
        "Spend",
        &html! { a.btn.btn-sm.btn-quiet href=(Tab::Sessions.link()) { "By day" } },
        &html! {
            div.card-body { (spend_lines(spent, budgets)) }
        },
    );
    let today = Tile {
        label: "Agent spend today",
        figure: html! { (usd(spent.day)) },
        picture: html! {},
        foot: html! { @match budgets.day { Some(most) => { "of " (usd(most)) }, None => "no limit" } },
        link: Tab::Sessions.link(),
    };
    let most = |most: Option<f64>| most.map(f64::to_bits);
    Ok(More {
        tiles: vec![today],
        version: version(&(
            standing.state(),
            session.as_ref().map(session_state),
            queue.as_ref().map(|queue| queue.queued + queue.scheduled),
            pause.map(|pause| (pause.at, pause.resume_at)),
            (spent.day.to_bits(), spent.month.to_bits(), most(budgets.day), most(budgets.month)),
            &unready,
        )),
        facts: vec![
            ("Agent program", unready.unwrap_or_else(|| "ready".to_owned())),
            ("Log database", size(program.logs.bytes())),
        ],
        running: vec![session_card(session.as_ref(), queue.as_ref(), role, now)],
        cards: vec![scan_card(&standing, clocks, now), money],
    })
}

/// What was last beside the engine's own.
pub(super) async fn latest(web: &Web) -> Result<More, Problem> {
    let session = web.store.session_now().await?.1;
    Ok(More {
        version: version(&session.as_ref().map(session_state)),
        cards: session.iter().map(|session| latest_card(session, web.clock.now())).collect(),
        ..More::default()
    })
}

/// What a session said last: two lines of it, and all of it on hover.
fn last_line(text: &str) -> Markup {
    html! { p.last-line title=(text) { (text) } }
}

/// The session that runs, with what it does.
fn session_card(
    session: Option<&Session>,
    queue: Option<&QueueState>,
    role: Role,
    now: Timestamp,
) -> Markup {
    let waiting = queue.map_or(0, |queue| queue.queued + queue.scheduled);
    let content = html! {
        div.card-body.lines {
            @if let Some(session) = session {
                p {
                    (badge(session.status)) (session_mark(session)) " "
                    a href=(nav::session(session.id)) { "Session " (session.id) } " "
                    span.soft { (elapsed(session.started_at, None, now)) }
                }
                p { (headline(session)) }
                @if let Some(meters) = session_meters(session, now) { (meters) }
                (last_line(session.progress.as_deref().unwrap_or("It has said nothing yet.")))
                @if sessions::may_stop(role) && session.cancel_requested_at.is_none() { (stop(session)) }
            } @else {
                p.soft { "No session runs." }
            }
            @if waiting > 0 { p { "Waiting in its queue: " (waiting) } }
        }
    };
    card(
        "session-now",
        "Running session",
        &html! { a.btn.btn-sm.btn-quiet href=(Tab::Sessions.link()) { "Sessions" } },
        &content,
    )
}

/// The button that stops a session, after its consequence.
fn stop(session: &Session) -> Markup {
    let action = nav::job(session.id).under("cancel").with(&[("on", "session")]);
    let consequence = html! { "The agent and every process that it has started are ended. What it has done stays done." };
    let form = html! {
        form method="post" action=(action) {
            button.btn.btn-sm.btn-solid-danger type="submit" aria-label={ "Stop session " (session.id) " now" } { "Stop it now" }
        }
    };
    confirm_stop(&format!("stop-{}", session.id), "Stop", &consequence, &form)
}

fn latest_card(session: &Session, now: Timestamp) -> Markup {
    let run = session.run.as_ref();
    let answer = run.and_then(|run| run.response.as_deref()).unwrap_or_default();
    let said = session.error.as_deref().unwrap_or(answer);
    let said = first_sentence(said);
    let content = html! {
        div.card-body.lines {
            p {
                (badge(session.status)) (session_mark(session)) " "
                a href=(nav::session(session.id)) { "Session " (session.id) } " "
                (trigger_badge(session.trigger)) " "
                span.soft {
                    (when_known(session.finished_at, now))
                    @if let Some(turns) = told_turns(session) { ", " (turns) @if turns == "1" { " turn" } @else { " turns" } }
                    @if let Some(cost) = told_cost(session) { ", " (cost) }
                }
            }
            p { (headline(session)) }
            @if !said.is_empty() { (last_line(&said)) }
        }
    };
    card("latest-session", "Latest session", &html! {}, &content)
}

fn scan_card(standing: &Standing, clocks: Clocks, now: Timestamp) -> Markup {
    let open = html! { a.btn.btn-sm.btn-quiet href=(Tab::SelfMonitoring.link()) { "Open" } };
    card(
        "last-scan",
        "Self-monitoring",
        &open,
        &html! {
            div.card-body { (scan_lines(standing, clocks, now)) }
        },
    )
}
