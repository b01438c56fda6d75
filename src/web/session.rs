//! The page of one session: how it stands, its prompt, its answer, and its transcript as it grows.

use super::app::{App, Web};
use super::caller::Signed;
use super::changes::changes_card;
use super::components::{
    badge, card, continue_form, dialog, elapsed, grouped, headline, job_sentence, known, live,
    pill, pretty, session_cost, session_mark, session_meters, session_model, session_state,
    session_tier, session_turns, size, text_card, told_cost, trigger_badge, when, when_known,
};
use super::extract::{Id, Query};
use super::face::Face;
use super::job::{Again, retried, run_again_form};
use super::markdown::markdown;
use super::named::SessionId;
use super::nav::{self, Tab};
use super::page::Frame;
use super::part::{LivePart, fresh, live_page, version};
use super::problem::Problem;
use super::transcript::{self, Extent, Part};
use crate::actions::{jobs, sessions};
use crate::error::{Code, Result};
use crate::heavy::heavy;
use crate::model::{
    Cost, Event, Job, JobId, JobMaker, Profile, Role, ScheduleName, Session, SessionRequest,
    SessionRun, Status, Timestamp, Trigger, Why,
};
use crate::store::Store;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use std::time::Duration;

pub(super) const PAGE_PATH: &str = "/sessions/{id}";
pub(super) const PART_PATH: &str = "/sessions/{id}/part";
pub(super) const FOLLOW_UP_PATH: &str = "/sessions/{id}/follow-up";
/// The most sessions of one family whose cost is added up.
const MAX_FAMILY: usize = 50;
/// How soon a browser without scripts loads the page again while the session is not over.
const RELOAD: Duration = Duration::from_secs(5);

/// The address's query.
#[derive(Deserialize)]
pub(super) struct SessionQuery {
    /// A byte of the transcript. The page shows the transcript from the line of this byte on. Default: the end of the
    /// transcript.
    from: Option<u64>,
    v: Option<String>,
}

/// GET `/sessions/{id}` and `/sessions/{id}/part`. The part is all of the page but the transcript and the follow-up form.
pub(super) async fn page(
    State(app): State<App>,
    who: Signed,
    Id(SessionId(id)): Id<SessionId>,
    Query(asked): Query<SessionQuery>,
) -> Result<Response, Problem> {
    let (store, now, role) = (&app.web.store, app.web.clock.now(), who.role());
    let session = sessions::existing(store, id).await?;
    let job = jobs::known(store, id.0).await?;
    let zone = who.clocks().zone_or_utc();
    let why = store.why(id, now).await?.map(|why| why.by(zone));
    let again = Again {
        is_full: jobs::is_full(store, &job).await?,
        retry: jobs::retry(store, &job).await?,
    };
    let (family, maker) = (family(store, &session).await?, store.job_maker(id).await?);
    let changes = store.session_changes(id).await?;
    let is_cancelled = job.status == Status::Cancelled;
    let events = if is_cancelled { store.job_events(id).await? } else { Vec::new() };
    let run = session.run.clone();
    // Nobody has counted how long an answer is.
    let answers = heavy(usize::MAX, move || run.as_ref().map(answers)).await;
    let content = html! {
        div.grid {
            div.wide { (summary(&job, &again, (why.as_ref(), Event::cancelled_by(&events)), role, now)) }
            @if let Some(answers) = answers { (answers) }
            @if let Some(meters) = session_meters(&session, now) {
                section.card.wide #meters { div.card-body { (meters) } }
            }
            div.wide { (facts(&session, &maker, &family, now)) }
            @if let Some(prompt) = typed_prompt(&session) { div.wide { (text_card("prompt", "Prompt", prompt)) } }
            @if let Some(handoff) = handed_on(&session) { div.wide { (text_card("handed-on", "Handed on", handoff)) } }
            @if let Some(changes) = &changes { div.wide { (changes_card(id, changes)) } }
        }
    };
    let versioned = (
        session_state(&session),
        why.as_ref().map(ToString::to_string),
        family.iter().map(session_state).collect::<Vec<_>>(),
        changes.is_some(),
    );
    let part = LivePart {
        id: "session",
        link: &nav::session(id).under("part"),
        version: version(&versioned),
        content: &content,
    };
    let extent = Extent::of(&session);
    // The part has no transcript, because the transcript grows by itself.
    let (lines, earlier) = match who.face() {
        Face::Fragment => (Part::default(), None),
        Face::Page | Face::Json => {
            let lines = transcript::window(store, id, asked.from, extent).await?;
            let earlier = transcript::earlier(store, id, lines.start).await?;
            (lines, earlier)
        }
    };
    let (whole, at_end) = (session.clone(), asked.from.is_none());
    let transcript =
        heavy(usize::MAX, move || transcript_card(&whole, &lines, earlier, at_end)).await;
    let around = |part| {
        html! {
            (part)
            div.grid.below {
                div.wide { (transcript) }
                div.wide { (follow_up_part(store, &session, role).1) }
            }
            @if !extent.over && sessions::may_stop(role) { (stop_dialog(id)) }
        }
    };
    let frame = frame(&app.web, &who, &session, extent.over);
    let title = format!("Session {id}");
    Ok(live_page(&frame, &title, &part, around, (who.face(), asked.v.as_deref())))
}

/// The frame of the page: its heading is what was asked for.
fn frame(web: &Web, who: &Signed, session: &Session, is_over: bool) -> Frame {
    Frame::new(web, Some(who))
        .at(Tab::Sessions)
        .under(vec![(Tab::Sessions.link(), Tab::Sessions.title().to_owned())])
        .heading(html! { (headline(session)) " " span.soft.mono { "#" (session.id) } })
        .reloading((!is_over).then_some(RELOAD))
}

/// GET `/sessions/{id}/follow-up`: the form that continues the session. It is a part of its own, so that no change of the
/// rest takes away what somebody types.
pub(super) async fn follow_up(
    State(app): State<App>,
    who: Signed,
    Id(SessionId(id)): Id<SessionId>,
    Query(asked): Query<SessionQuery>,
) -> Result<Response, Problem> {
    let session = sessions::existing(&app.web.store, id).await?;
    let (version, part) = follow_up_part(&app.web.store, &session, who.role());
    Ok(fresh(&version, &part, asked.v.as_deref()))
}

fn follow_up_part(store: &Store, session: &Session, role: Role) -> (String, Markup) {
    let kept_by = sessions::why_not_continued(store, session);
    // While it goes on, and where it never began, nobody looks for a way to continue it.
    let is_over = session.status.is_final() && session.run.is_some();
    let shown = is_over && sessions::may_trigger(role);
    let full = session.run.as_ref().is_some_and(|run| run.profile == Some(Profile::Full));
    let content = html! {
        @if shown {
            @match &kept_by {
                None => (card("continue", "Continue", &html! {}, &html! { div.card-body { (continue_form(session.id, full)) } })),
                Some(why) => p.sub { "Nobody can continue it: " (why) "." },
            }
        }
    };
    let version = version(&(shown, &kept_by));
    let link = nav::session(session.id).under("follow-up");
    let part = live("follow-up", &link, &version, &content);
    (version, part)
}

fn summary(
    job: &Job,
    again: &Again,
    (why, cancelled_by): (Option<&Why>, Option<&str>),
    role: Role,
    now: Timestamp,
) -> Markup {
    let code = job.error_code.as_deref().filter(|_| job.status == Status::Failed);
    let known = code.and_then(|code| Code::ALL.iter().find(|known| known.as_str() == code));
    html! {
        section.card.say {
            (pill(job.status))
            p {
                (job_sentence(job, why, cancelled_by, now)) (retried(again))
                @if let Some(code) = code {
                    " " span.sub { code { (code) } @if let Some(code) = known { " " (code.remedy()) } }
                }
            }
            @if sessions::may_stop(role) { div.page-actions { (buttons(job, again, role)) } }
        }
    }
}

fn buttons(job: &Job, again: &Again, role: Role) -> Markup {
    html! {
        @match job.status {
            Status::Completed | Status::Failed | Status::Cancelled if !sessions::may_trigger(role) => {},
            Status::Completed | Status::Failed | Status::Cancelled => (run_again_form(job, again, true)),
            Status::Running if job.cancel_requested_at.is_some() => p.soft { "It was asked to stop." },
            Status::Running => {
                button.btn.btn-sm.btn-danger.scripted type="button" data-dialog="stop" { "Stop…" }
                noscript { (form(job.id, "cancel", "Stop")) }
            }
            Status::Scheduled | Status::Queued => (form(job.id, "cancel", "Cancel")),
        }
    }
}

fn form(id: JobId, deed: &str, word: &str) -> Markup {
    html! {
        form method="post" action=(nav::job(id).under(deed).with(&[("on", "session")])) {
            button.btn.btn-sm type="submit" { (word) }
        }
    }
}

fn stop_dialog(id: JobId) -> Markup {
    let content = html! { p { "The agent and every process that it has started are ended. What it has done stays done." } };
    let form_id = "stop-now";
    let last = html! { button.btn.btn-solid-danger type="submit" form=(form_id) { "Stop it now" } };
    let action = nav::job(id).under("cancel").with(&[("on", "session")]);
    html! {
        form id=(form_id) method="post" action=(action) {}
        (dialog("stop", &format!("Stop session {id}?"), &content, ("Go back", &last)))
    }
}

fn facts(session: &Session, maker: &JobMaker, family: &[Session], now: Timestamp) -> Markup {
    let none = SessionRun::default();
    let run = session.run.as_ref().unwrap_or(&none);
    let started = session.run.is_some();
    let asked = session.request.as_ref().and_then(SessionRequest::profile);
    let profile = if started { run.profile } else { asked };
    let unknown = if started { "unreadable" } else { "as the tier says" };
    html! {
        section #session-facts .card {
            div.card-header { h2.card-title { "Session" } }
            div.card-body.fact-columns {
                dl.facts {
                    dt { "Trigger" } dd { (trigger_badge(session.trigger)) }
                    (origin(session))
                    dt { "Tier" } dd { (session_tier(session)) }
                    dt { "Profile" } dd.bad[profile == Some(Profile::Full)] { (profile.map_or(unknown, Profile::as_str)) }
                    dt { "Model" } dd { (session_model(session).unwrap_or("as the tier says")) }
                    @if let Some(isolated) = run.isolated() { dt { "Isolation" } dd.bad[isolated.starts_with("none")] { (isolated) } }
                    @if let Some(version) = &run.agent_version { dt { "Agent" } dd { (version) } }
                    @if started { dt { "Working directory" } dd { code { (run.working_dir.display()) } } }
                    @if let Some(given) = &run.given { dt { "Given by it" } dd { (given.sentence()) } }
                }
                dl.facts {
                    dt { "Asked for" } dd { (when(session.created_at, now)) @if let Some(by) = maker.words() { " " (by) } }
                    dt { "Started" } dd { (when_known(session.started_at, now)) }
                    dt { "Duration" } dd { (elapsed(session.started_at, session.finished_at, now)) }
                    dt { "Turns" } dd { (session_turns(session)) }
                    dt { "Cost" } dd { (session_cost(session)) }
                    @if let (Some(read), Some(written)) = (run.input_tokens, run.output_tokens) {
                        dt { "Tokens" } dd { @if run.counts_at_least { "at least " } (grouped(read)) " read, " (grouped(written)) " written" }
                    }
                    @if let Some(note) = &run.note { dt { "Note" } dd { (note) } }
                    @if !run.refused.is_empty() {
                        dt { "Refused by the network wall" }
                        dd { @for one in &run.refused { div { (one.words()) } } }
                    }
                    // One that was stopped did not end by itself.
                    @if session.status.is_final() && session.status != Status::Cancelled { dt { "Exit code" } dd { (known(run.exit_code.map(i64::from))) } }
                }
                (relations(session, family))
            }
        }
    }
}

/// Where the prompt of a session came from, and what was given with it.
fn origin(session: &Session) -> Markup {
    let request = session.request.as_ref();
    let answer_of = session.run.as_ref().and_then(|run| run.answer_of);
    html! {
        @if let Some(name) = &session.schedule {
            dt { "Schedule" }
            dd {
                @match ScheduleName::parse(name.clone()) {
                    Ok(parsed) => a href=(nav::schedule(&parsed)) { (name) },
                    Err(_) => (name),
                }
            }
        }
        @if let Some(file) = request.and_then(|request| request.prompt_file.as_ref()) {
            dt { "Prompt file" } dd { code { (file) ".md" } }
        }
        @if let Some(values) = request.and_then(SessionRequest::values) {
            dt { "Values" } dd { code { (values) } }
        }
        @if let Some(id) = answer_of {
            dt { "Given the answer of" } dd { a href=(nav::session(id)) { "session " (id) } }
        }
    }
}

/// What the session of the tier below handed on to this one.
fn handed_on(session: &Session) -> Option<&str> {
    session.request.as_ref()?.handoff.as_deref()
}

/// The links to the session's job and to the sessions of its family.
fn relations(session: &Session, family: &[Session]) -> Markup {
    let other = |id: JobId| html! { a href=(nav::session(id)) { "session " (id) } " " };
    let is_session = |id: JobId| family.iter().any(|member| member.id == id);
    let children: Vec<_> =
        family.iter().filter(|member| member.parent_id == Some(session.id)).collect();
    let costs = family.iter().filter_map(|member| member.run.as_ref()?.cost());
    let spent = costs.fold(Cost::exactly(0.0), Cost::plus);
    html! {
        dl.facts {
            dt { "Job" } dd { a href=(nav::job(session.id)) { "job " (session.id) } }
            @if let Some(parent) = session.parent_id {
                dt { (came_from(session)) }
                dd { @if is_session(parent) { (other(parent)) } @else { a href=(nav::job(parent)) { "job " (parent) } } }
            }
            @if !children.is_empty() {
                dt { "Led to" }
                dd {
                    @for child in children { div { (other(child.id)) (badge(child.status)) (session_mark(child)) " tier " (session_tier(child)) @if let Some(cost) = told_cost(child) { ", " (cost) } } }
                }
            }
            @if family.len() > 1 { dt { "Chain cost" } dd { (spent) ", " (family.len()) " sessions" } }
        }
    }
}

fn came_from(session: &Session) -> &'static str {
    let continues = session.request.as_ref().is_some_and(|request| request.continues.is_some());
    match session.trigger {
        _ if continues => "Continues",
        Trigger::Retry => "Runs again",
        Trigger::Parent => "Handed on by",
        Trigger::Manual | Trigger::Scheduled | Trigger::Api => "Made by",
    }
}

/// The family of a session: the sessions that continue one another, with this one among them.
async fn family(store: &Store, session: &Session) -> Result<Vec<Session>> {
    let mut first = session.clone();
    for _ in 0..MAX_FAMILY {
        let Some(parent) = first.parent_id else { break };
        let Some(parent) = store.session(parent).await? else { break };
        first = parent;
    }
    let mut family = vec![first];
    let mut looked_at = 0;
    while looked_at < family.len() && family.len() < MAX_FAMILY {
        for child in store.children(family[looked_at].id).await? {
            family.extend(store.session(child).await?);
        }
        looked_at += 1;
    }
    Ok(family)
}

/// The session's prompt, if it is no file: a person typed it, here or in the schedule.
fn typed_prompt(session: &Session) -> Option<&str> {
    session.request.as_ref()?.prompt.as_deref()
}

fn answers(run: &SessionRun) -> Markup {
    html! {
        @if let Some(response) = &run.response {
            div.wide {
                (card("response", "Response", &html! {}, &html! { div.card-body.markdown { (markdown(response)) } }))
            }
        }
        @if let Some(structured) = &run.structured {
            div.wide { (text_card("structured", "Structured answer", &pretty(structured))) }
        }
    }
}

/// The card of the transcript. While the session is not over, its end grows by itself.
fn transcript_card(session: &Session, part: &Part, earlier: Option<u64>, at_end: bool) -> Markup {
    let none = SessionRun::default();
    let run = session.run.as_ref().unwrap_or(&none);
    let live = at_end && !session.status.is_final();
    let page = nav::session(session.id);
    let at = |byte: u64| page.with(&[("from", byte)]).at("transcript");
    let aside = html! {
        @if session.run.is_some() {
            a href=(page.under("transcript")) download { "Markdown" } " · "
            a href=(page.under("transcript").with(&[("as", "lines")])) download { "JSON lines" } " · "
        }
        @if live {
            button.btn.btn-sm.live-switch.scripted type="button" data-follow="" aria-pressed="true" { "Follow" }
        } @else {
            span.soft { (run.transcript_lines) " lines, " (size(run.transcript_bytes)) }
        }
    };
    let parts = html! {
        @if earlier.is_some() || part.end < run.transcript_bytes && !live {
            nav.card-footer.pager aria-label="Parts of the transcript" {
                @if let Some(earlier) = earlier {
                    a.btn.btn-sm href=(at(0)) { "Beginning" }
                    a.btn.btn-sm rel="prev" href=(at(earlier)) { "Earlier" }
                }
                @if part.end < run.transcript_bytes && !live {
                    a.btn.btn-sm rel="next" href=(at(part.end)) { "Later" }
                    a.btn.btn-sm href=(page.at("transcript")) { "End" }
                }
            }
        }
    };
    card(
        "transcript",
        "Transcript",
        &aside,
        &html! {
            (parts)
            ol.transcript tabindex="0" aria-label="Lines of the transcript"
                data-stream=[live.then(|| page.under("stream"))] data-after=[live.then_some(part.end)] {
                @for entry in &part.entries { (entry.rows()) }
            }
            p.card-body.transcript-empty { @if live { "Nothing yet. What the agent does appears here." } @else { "It printed nothing." } }
            @if run.transcript_dropped > 0 {
                p.card-body.bad { (size(run.transcript_dropped)) " more were printed and not kept." }
            }
        },
    )
}
