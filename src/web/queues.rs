//! The page of queues and workers: what waits and runs, the limits and pauses, and the processes that run the jobs.

mod forms;
mod workers;

use self::forms::{TOMORROW, done_notice, open_form};
use self::workers::workers_card;
use super::answer::answered;
use super::app::App;
use super::base::{Link, link};
use super::caller::Signed;
use super::components::{
    Measure, about, card, empty, grouped, meter, problem_notice, sparkline, stopped_notice, table,
    when, when_known,
};
use super::extract::{Form, Query};
use super::face::Face;
use super::icon::{Icon, icon};
use super::nav::{self, Tab};
use super::page::Frame;
use super::part::{LivePart, live_page, version};
use super::problem::Problem;
use super::settings::stop_all_form;
use crate::actions::Answer;
use crate::actions::queues::{self, QueueLimit, QueueLine, QueuePause};
use crate::model::{Filter, Queue, QueueState, Role, Status, Timestamp, Unplaced, Worker};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(super) const PATH: &str = Tab::Queues.path();
pub(super) const PART_PATH: &str = "/queues/part";
pub(super) const LIMIT_PATH: &str = "/queues/limit";
pub(super) const PAUSE_PATH: &str = "/queues/pause";
/// The form that sets a limit.
#[derive(Deserialize)]
pub(super) struct LimitForm {
    queue: String,
    /// The limit; an empty text is the queue's own default.
    limit: String,
}

/// The form that pauses a queue.
#[derive(Deserialize)]
pub(super) struct PauseForm {
    queue: String,
    #[serde(default)]
    reason: String,
    /// How long the pause is; an empty text is until a person resumes the queue.
    #[serde(default)]
    minutes: String,
}

/// The address's query.
#[derive(Default, Deserialize)]
pub(super) struct QueuesQuery {
    v: Option<String>,
    /// The queue whose row led to a form, or to which something was done.
    queue: Option<String>,
    /// The form that is open: `pause` or `limit`.
    open: Option<String>,
    /// What was done: `paused`, `resumed` or `limited`.
    done: Option<String>,
}

/// The page, saying what was done to a queue.
pub(super) fn page_after(queue: &str, done: &str) -> Link {
    link(PATH).with(&[("queue", queue), ("done", done)])
}

impl QueuesQuery {
    /// The query of the page with a form of a queue.
    fn open(queue: &str, form: &str) -> Self {
        Self { queue: Some(queue.to_owned()), open: Some(form.to_owned()), ..Self::default() }
    }
}

/// GET `/queues` and `/queues/part`.
pub(super) async fn list(
    State(app): State<App>,
    who: Signed,
    Query(asked): Query<QueuesQuery>,
) -> Result<Response, Problem> {
    shown_page(&app, &who, &asked, who.face(), None).await
}

/// POST `/queues/limit`.
pub(super) async fn limit(
    State(app): State<App>,
    who: Signed,
    Form(LimitForm { queue, limit }): Form<LimitForm>,
) -> Result<Response, Problem> {
    let asked = QueuesQuery::open(&queue, "limit");
    let done = async {
        let request = QueueLimit { queue, limit: queues::parse_limit(&limit)? };
        queues::limit(&app.web.store, &who.call(app.web.clock.now()), request).await
    };
    told(&app, &who, (asked, "limited"), done.await.map_err(Problem::from)).await
}

/// POST `/queues/pause`: pauses a queue. No further job of it starts, and what runs goes on.
pub(super) async fn pause(
    State(app): State<App>,
    who: Signed,
    Form(PauseForm { queue, reason, minutes }): Form<PauseForm>,
) -> Result<Response, Problem> {
    let asked = QueuesQuery::open(&queue, "pause");
    let done = async {
        let now = app.web.clock.now();
        let length = match minutes.as_str() {
            TOMORROW => Some(queues::until_morning(who.clocks().zone, now)),
            minutes => queues::parse_pause(minutes, &queue)?,
        };
        let request = QueuePause { queue, reason, length };
        queues::pause(&app.web.store, &who.call(now), request).await
    };
    told(&app, &who, (asked, "paused"), done.await.map_err(Problem::from)).await
}

/// The answer to a form: the page that says what was done, or the form again and why not.
async fn told<T: Serialize>(
    app: &App,
    who: &Signed,
    (asked, word): (QueuesQuery, &str),
    done: Result<Answer<T>, Problem>,
) -> Result<Response, Problem> {
    match (done, who.face()) {
        (Ok(answer), face) => {
            let queue = asked.queue.unwrap_or_default();
            Ok(answered(face, &answer, &page_after(&queue, word)))
        }
        (Err(problem), Face::Page) if problem.status().is_client_error() => {
            let page = shown_page(app, who, &asked, Face::Page, Some(&problem)).await?;
            Ok((problem.status(), page).into_response())
        }
        (Err(problem), _) => Err(problem),
    }
}

/// The page, or its live part alone. If a form was refused, the page shows it again.
async fn shown_page(
    app: &App,
    who: &Signed,
    asked: &QueuesQuery,
    face: Face,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let (store, now) = (&app.web.store, app.web.clock.now());
    let role = who.role();
    let lines = queues::lines(store, now).await?;
    let (workers, unplaced) = (store.workers().await?, store.unplaced().await?);
    let kinds = store.registered_kinds().await?;
    let stopped = store.stopped().await?;
    let mut states = lines.iter().map(|line| &line.state);
    let chosen = states.find(|queue| asked.queue.as_deref() == Some(queue.name.as_str()));
    let content = html! {
        @if let Some(pause) = &stopped { (stopped_notice(pause, now)) }
        div.stack {
            (queues_card(&lines, unplaced, role, now))
            (workers_card(&workers, &kinds, now))
        }
    };
    let state_of = |worker: &Worker| (worker.process.pid, worker.leads, worker.lost_at.is_some());
    let leads: Vec<_> = workers.iter().map(state_of).collect();
    let registered: Vec<_> =
        kinds.iter().map(|kind| (kind.worker.as_str(), kind.rules.kind.as_str())).collect();
    let part = LivePart {
        id: "queue-list",
        link: &link(PART_PATH),
        version: version(&(
            lines.iter().map(state).collect::<Vec<_>>(),
            (leads, registered, unplaced.queued, unplaced.scheduled),
            stopped.as_ref().map(|pause| pause.at),
        )),
        content: &content,
    };
    let around = |part| {
        html! {
            @if let Some(problem) = problem { (problem_notice(problem)) }
            @if let Some(queue) = chosen {
                (done_notice(queue, asked.done.as_deref(), who.clocks()))
                @if queues::may_act(role) { (open_form(queue, asked.open.as_deref())) }
            }
            (part)
        }
    };
    let running: i64 = lines.iter().map(|line| line.state.running).sum();
    let stop_all = html! {
        @if queues::may_stop_all(role) && stopped.is_none() {
            (stop_all_form(u64::try_from(running).unwrap_or(0)))
        }
    };
    let frame = Frame::new(&app.web, Some(who)).at(Tab::Queues).acting(stop_all);
    let face = (face, asked.v.as_deref());
    Ok(live_page(&frame, Tab::Queues.title(), &part, around, face))
}

/// The part of a queue that can change.
fn state(line: &QueueLine) -> impl std::hash::Hash + use<> {
    let queue = &line.state;
    let pause = queue.pause.as_ref().map(|pause| (pause.at, pause.resume_at));
    let holders: Vec<_> = line.holders.iter().map(|job| job.id).collect();
    let slots = line.hour.iter().flat_map(|hour| &hour.slots);
    let hour: Vec<_> = slots.map(|slot| slot.figures.waits.count()).collect();
    let counts = (queue.queued, queue.scheduled, queue.running, hour, waited(line));
    let first = line.first.as_ref().map(|job| job.id);
    (counts, queue.limit(), pause, first, (holders, line.unhandled.clone()))
}

/// How long 95 of 100 had waited that started in the last hour.
fn waited(line: &QueueLine) -> Option<Duration> {
    line.hour.as_ref()?.total().waits.percentile(95)
}

/// How many jobs started in the last hour.
fn started(line: &QueueLine) -> u64 {
    line.hour.as_ref().map_or(0, |hour| hour.total().waits.count())
}

const COLUMNS: [&str; 7] =
    ["Queue", "Running", "Waiting", "Started, 60 min", "A minute", "Wait p95", ""];

fn queues_card(lines: &[QueueLine], unplaced: Unplaced, role: Role, now: Timestamp) -> Markup {
    let mut rows: Vec<_> = lines.iter().map(|line| row(line, role, now)).collect();
    if !unplaced.is_empty() {
        rows.push(unplaced_row(unplaced, lines));
    }
    let running: i64 = lines.iter().map(|line| line.state.running).sum();
    let said = html! { @if !lines.is_empty() { span.sub { (lines.len()) " queues, " (grouped(running)) " running" } } };
    card(
        "queues",
        "Queues",
        &said,
        &html! {
            @if rows.is_empty() {
                (empty("No queue has had a job", &html! { "A queue appears as soon as a job or the engine names it." }))
            } @else {
                (table("Queues", &COLUMNS, &rows))
            }
        },
    )
}

/// The row of the jobs that belong to no queue yet.
fn unplaced_row(unplaced: Unplaced, lines: &[QueueLine]) -> Markup {
    // They are in none of the queues that there are.
    let queues: Vec<_> = lines.iter().map(|line| line.state.name.as_str()).collect();
    let others =
        if queues.is_empty() { String::new() } else { format!(" -queue:{}", queues.join(",")) };
    let of = |status: Status| Tab::Jobs.link().with(&[("q", format!("status:{status}{others}"))]);
    html! {
        tr {
            td.main { (Unplaced::WHY) }
            td { }
            td.num data-label="waiting" {
                @if unplaced.queued > 0 { a.over href=(of(Status::Queued)) { (grouped(unplaced.queued)) } } @else { "0" }
                @if unplaced.scheduled > 0 {
                    div.sub { a.over href=(of(Status::Scheduled)) { (grouped(unplaced.scheduled)) " later" } }
                }
            }
            td { }
            td { }
            td { }
            td { }
        }
    }
}

fn row(line: &QueueLine, role: Role, now: Timestamp) -> Markup {
    let queue = &line.state;
    let limit = i64::from(queue.limit());
    let percent = u64::try_from(queue.running.saturating_mul(100) / limit.max(1)).unwrap_or(0);
    let measure = if queue.pause.is_some() { Measure::Paused } else { Measure::Slots };
    html! {
        tr id={ "queue-" (queue.name) } {
            td.main {
                div.first {
                    a href=(nav::queue(&queue.name)) { (queue.name) }
                    @if queue.pause.is_some() { span.badge.tag-warn { (icon(Icon::PlayerPause)) "Paused" } }
                }
                div.sub { (second(line, now)) }
            }
            td.cell-meter data-label="running" {
                span.mono { (grouped(queue.running)) " / " (grouped(limit)) }
                (meter(measure, percent, &format!("{} of {limit} slots", queue.running)))
            }
            td.num data-label="waiting" {
                @if queue.queued > 0 { a.over href=(jobs_of(&queue.name, Status::Queued)) { (grouped(queue.queued)) } }
                @else { "0" }
                @if let Some(job) = &line.first { div.sub { "first " (when(job.run_at.max(job.created_at), now)) } }
                @if queue.scheduled > 0 {
                    div.sub { a.over href=(jobs_of(&queue.name, Status::Scheduled)) { (grouped(queue.scheduled)) " later" } }
                }
            }
            (hour_cells(line))
            td { (actions(queue, role)) }
        }
    }
}

/// One queue's counts, what keeps it and its buttons, above the page of its figures.
pub(super) fn say(line: &QueueLine, role: Role, now: Timestamp) -> Markup {
    html! { section.card { (table("Now", &COLUMNS, &[row(line, role, now)])) } }
}

/// What started in the last hour, and how long it had waited.
fn hour_cells(line: &QueueLine) -> Markup {
    let slots = line.hour.iter().flat_map(|hour| &hour.slots);
    let counts: Vec<_> = slots.map(|slot| slot.figures.waits.count()).collect();
    let look = if line.state.pause.is_some() { "spark-hour spark-quiet" } else { "spark-hour" };
    html! {
        td data-label="started, 60 min" {
            @if counts.is_empty() { span.soft { "none" } }
            @else { (sparkline(look, "Jobs started in each of the last 60 minutes", &counts)) }
        }
        td.num data-label="a minute" { (a_minute(started(line))) }
        td.num data-label="wait p95" { @if let Some(waited) = waited(line) { (about(Some(waited))) } @else { "none started" } }
    }
}

/// How many of a minute, of so many in an hour.
fn a_minute(in_an_hour: u64) -> String {
    match in_an_hour {
        600.. => grouped(in_an_hour / 60),
        0 => "0".to_owned(),
        1..6 => "under 0.1".to_owned(),
        6..600 => format!("{}.{}", in_an_hour / 60, in_an_hour % 60 / 6),
    }
}

/// What keeps a queue, or who runs in it.
fn second(line: &QueueLine, now: Timestamp) -> Markup {
    let QueueLine { state: queue, first, holders, unhandled, .. } = line;
    let is_stuck = first.is_none() && queue.queued > 0 && queue.pause.is_none();
    html! {
        @if let Some(pause) = &queue.pause {
            "by " (pause.by) @if !pause.reason.is_empty() { ": " (pause.reason) } " · " (when(pause.at, now))
            @if pause.resume_at.is_some() { " · resumes " (when_known(pause.resume_at, now)) }
        } @else if !holders.is_empty() {
            "Running: "
            @for (nth, job) in holders.iter().enumerate() {
                @if nth > 0 { ", " }
                a.over href=(nav::job(job.id)) { (job.kind) " #" (job.id) }
            }
            @if queue.running > holders.len() as i64 { " and more" }
        } @else if is_stuck && unhandled.is_empty() {
            "nothing ready; " (grouped(queue.queued)) " blocked, "
            a.over href=(jobs_of(&queue.name, Status::Queued)) { "show why" }
        } @else if unhandled.is_empty() { "nothing runs" }
        @if !unhandled.is_empty() {
            span.bad {
                @if !holders.is_empty() || queue.pause.is_some() { " · " }
                "No process handles "
                @for (nth, kind) in unhandled.iter().enumerate() { @if nth > 0 { ", " } span.mono { (kind) } }
            }
        }
        @if let Some(limit) = queue.operator_limit {
            " · limit " (limit) ", set by "
            @if let Some((by, at)) = &queue.limit_set { (by) " " (when(*at, now)) } @else { "a person" }
        }
    }
}

/// The buttons of a queue. The two with a question lead to their forms above the list, which no live part takes away.
fn actions(queue: &QueueState, role: Role) -> Markup {
    let to = |form: &str| link(PATH).with(&[("queue", queue.name.as_str()), ("open", form)]);
    html! {
        @if queues::may_act(role) {
            div.row-actions {
                @if queue.pause.is_some() {
                    form method="post" action=(link(PATH).under(&queue.name).under("resume").with(&[("on", "queues")])) {
                        button.btn.btn-sm type="submit" aria-label={ "Resume " (queue.name) } { (icon(Icon::PlayerPlay)) "Resume" }
                    }
                } @else {
                    a.btn.btn-sm href=(to("pause")) aria-label={ "Pause " (queue.name) } { (icon(Icon::PlayerPause)) "Pause…" }
                }
                a.btn.btn-sm.btn-quiet href=(to("limit")) aria-label={ "Limit of " (queue.name) } { "Limit…" }
            }
        }
    }
}

/// The list of a queue's jobs that wait.
fn jobs_of(queue: &Queue, status: Status) -> Link {
    nav::jobs(&Filter::default().queue(queue.clone()).status(status))
}

#[cfg(test)]
mod tests {
    use super::a_minute;

    #[test]
    fn jobs_a_minute_have_one_digit_behind_the_point_where_they_are_few() {
        for (in_an_hour, text) in [
            (0, "0"),
            (5, "under 0.1"),
            (6, "0.1"),
            (59, "0.9"),
            (60, "1.0"),
            (599, "9.9"),
            (600, "10"),
            (86_400, "1,440"),
        ] {
            assert_eq!(a_minute(in_an_hour), text, "{in_an_hour}");
        }
    }
}
