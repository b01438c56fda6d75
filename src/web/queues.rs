//! The page of queues and workers: what waits and runs, the limits and pauses, and the processes that run the jobs.

use super::answer::answered;
use super::app::App;
use super::base::{Link, link};
use super::caller::Signed;
use super::components::{card, empty, problem_notice, stopped_notice, table, when, when_known};
use super::extract::{Form, Query};
use super::face::Face;
use super::nav::{self, Tab};
use super::page::Frame;
use super::part::{LivePart, Shown, live_page, version};
use super::problem::Problem;
use crate::actions::Answer;
use crate::actions::queues::{self, QueueLimit, QueuePause};
use crate::model::{
    Filter, Job, Kind, Pause, Queue, QueueState, RegisteredKind, Role, Timestamp, Unplaced, Worker,
    differing,
};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

pub(super) const PATH: &str = Tab::Queues.path();
pub(super) const PART_PATH: &str = "/queues/part";
pub(super) const LIMIT_PATH: &str = "/queues/limit";
pub(super) const PAUSE_PATH: &str = "/queues/pause";
/// The most queues that are shown. A queue's name is a word in a program, so there are few.
const MAX_QUEUES: usize = 100;
/// The most running jobs of a queue that are named.
const HOLDERS: usize = 10;

/// A queue, the first job of its line, and its running jobs.
type Line = (QueueState, Option<Job>, Vec<Job>);

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

/// GET `/queues` and `/queues/part`.
pub(super) async fn list(
    State(app): State<App>,
    who: Signed,
    Query(Shown { v: shown }): Query<Shown>,
) -> Result<Response, Problem> {
    shown_page(&app, &who, (who.face(), shown.as_deref()), None).await
}

/// POST `/queues/limit`.
pub(super) async fn limit(
    State(app): State<App>,
    who: Signed,
    Form(LimitForm { queue, limit }): Form<LimitForm>,
) -> Result<Response, Problem> {
    let done = async {
        let request = QueueLimit { queue, limit: queues::parse_limit(&limit)? };
        queues::limit(&app.web.store, &who.call(app.web.clock.now()), request).await
    };
    told(&app, &who, done.await.map_err(Problem::from)).await
}

/// POST `/queues/pause`: pauses a queue. No further job of it starts, and what runs goes on.
pub(super) async fn pause(
    State(app): State<App>,
    who: Signed,
    Form(PauseForm { queue, reason, minutes }): Form<PauseForm>,
) -> Result<Response, Problem> {
    let done = async {
        let length = queues::parse_pause(&minutes, &queue)?;
        let request = QueuePause { queue, reason, length };
        queues::pause(&app.web.store, &who.call(app.web.clock.now()), request).await
    };
    told(&app, &who, done.await.map_err(Problem::from)).await
}

async fn told<T: Serialize>(
    app: &App,
    who: &Signed,
    done: Result<Answer<T>, Problem>,
) -> Result<Response, Problem> {
    match (done, who.face()) {
        (Ok(answer), face) => Ok(answered(face, &answer, &link(PATH))),
        (Err(problem), Face::Page) if problem.status().is_client_error() => {
            let page = shown_page(app, who, (Face::Page, None), Some(&problem)).await?;
            Ok((problem.status(), page).into_response())
        }
        (Err(problem), _) => Err(problem),
    }
}

/// The page, or its live part alone. If a form was refused, the page shows it again.
async fn shown_page(
    app: &App,
    who: &Signed,
    face: (Face, Option<&str>),
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let (store, now) = (&app.web.store, app.web.clock.now());
    let role = who.role();
    let mut lines: Vec<Line> = Vec::new();
    for queue in store.queues().await?.into_iter().take(MAX_QUEUES) {
        let (next, holders) = store.queue_line(queue.name.clone(), HOLDERS).await?;
        lines.push((queue, next, holders));
    }
    let (workers, unplaced) = (store.workers().await?, store.unplaced().await?);
    let kinds = store.registered_kinds().await?;
    let stopped = store.stopped().await?;
    let names: Vec<_> = lines.iter().map(|(queue, ..)| queue.name.clone()).collect();
    let content = html! {
        @if let Some(pause) = &stopped { (stopped_notice(pause, now)) }
        div.row.row-cards {
            div."col-12" { (queues_card(&lines, unplaced, role, now)) }
            div."col-12" { (workers_card(&workers, &kinds, now)) }
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
            stopped.map(|pause| pause.at),
        )),
        content: &content,
    };
    let around = |part| {
        html! {
            @if let Some(problem) = problem { (problem_notice(problem)) }
            (part)
            @if queues::may_act(role) && !names.is_empty() { div.below { (forms(&names)) } }
        }
    };
    let frame = Frame::new(&app.web, Some(who)).at(Tab::Queues);
    Ok(live_page(&frame, Tab::Queues.title(), &part, around, face))
}

/// The part of a queue that can change.
fn state((queue, next, holders): &Line) -> impl std::hash::Hash + use<> {
    let pause = queue.pause.as_ref().map(|pause| (pause.at, pause.resume_at));
    let holders: Vec<_> = holders.iter().map(|job| job.id).collect();
    let counts = (queue.queued, queue.scheduled, queue.running);
    (counts, queue.limit(), pause, next.as_ref().map(|job| job.id), holders)
}

fn queues_card(lines: &[Line], unplaced: Unplaced, role: Role, now: Timestamp) -> Markup {
    let columns = [
        "Queue",
        "Waiting",
        "Scheduled",
        "Running",
        "Limit",
        "First in line",
        "Running now",
        "State",
    ];
    let mut rows: Vec<_> = lines.iter().map(|line| row(line, role, now)).collect();
    if !unplaced.is_empty() {
        rows.push(unplaced_row(unplaced));
    }
    card(
        "queues",
        "Queues",
        &html! {},
        &html! {
            @if rows.is_empty() {
                (empty("No queues yet", &html! { "A queue is there as soon as a job or the engine names it." }))
            } @else {
                (table("Queues", &columns, &rows))
            }
        },
    )
}

/// The row of the jobs that belong to no queue yet.
fn unplaced_row(unplaced: Unplaced) -> Markup {
    html! {
        tr {
            td.note { (Unplaced::WHY) }
            td data-label="Waiting" { (unplaced.queued) }
            td data-label="Scheduled" { (unplaced.scheduled) }
            td data-label="Running" { "0" }
            td data-label="Limit" { "–" }
            td data-label="First" { "–" }
            td.note data-label="Running now" { }
            td { "–" }
        }
    }
}

fn row((queue, next, holders): &Line, role: Role, now: Timestamp) -> Markup {
    html! {
        tr {
            td { a href=(jobs_of(&queue.name)) { (queue.name) } }
            td data-label="Waiting" { (queue.queued) }
            td data-label="Scheduled" { (queue.scheduled) }
            td data-label="Running" { (queue.running) }
            td data-label="Limit" {
                (queue.limit())
                @if queue.operator_limit.is_some() { " " span.text-secondary { "set by a person" } }
            }
            td data-label="First" {
                @if let Some(job) = next {
                    a href=(nav::job(job.id)) { (job.id) } ", since " (when(job.run_at.max(job.created_at), now))
                } @else if queue.queued > 0 { "none: all that wait are blocked" } @else { "–" }
            }
            td.note data-label="Running now" {
                @for job in holders { a href=(nav::job(job.id)) { (job.id) } " " span.text-secondary { (job.kind) } " " }
                @if queue.running > holders.len() as i64 { "and more" }
            }
            td {
                @match &queue.pause {
                    Some(pause) => (paused(queue, pause, role, now)),
                    None => span.badge.badge-completed { "Open" },
                }
            }
        }
    }
}

/// The address of the list of jobs that wait and run in a queue.
fn jobs_of(queue: &Queue) -> Link {
    let running = Filter::default().queue(queue.clone());
    nav::jobs(&running)
}

fn paused(queue: &QueueState, pause: &Pause, role: Role, now: Timestamp) -> Markup {
    html! {
        span.badge.badge-warning { "Paused" } " by " (pause.by) " " (when(pause.at, now))
        @if pause.resume_at.is_some() { ", until " (when_known(pause.resume_at, now)) }
        @if !pause.reason.is_empty() { div.text-secondary.reason { (pause.reason) } }
        @if queues::may_act(role) {
            form method="post" action=(link(PATH).under(&queue.name).under("resume").with(&[("on", "queues")])) {
                button.btn.btn-sm type="submit" aria-label={ "Resume " (queue.name) } { "Resume" }
            }
        }
    }
}

/// The processes with an engine: what each does, and the kinds that it has handlers for.
fn workers_card(workers: &[Worker], kinds: &[RegisteredKind], now: Timestamp) -> Markup {
    let row = |worker: &Worker| {
        let names = kinds.iter().filter(|kind| kind.worker == worker.id);
        let mut names: Vec<_> = names.map(|kind| kind.rules.kind.as_str()).collect();
        names.sort_unstable();
        html! {
            tr {
                td { (worker.process.pid) }
                td {
                    @if worker.lost_at.is_some() { span.badge.badge-warning { "Lost" } }
                    @else if worker.leads { span.badge.badge-completed { "Leads" } }
                    @else { span.badge { "Works" } }
                }
                td.note data-label="Kinds" { @if names.is_empty() { "none" } @else { (names.join(", ")) } }
                td data-label="Version" { (worker.version) }
                td data-label="Since" { (when(worker.started_at, now)) }
                td data-label="Heartbeat" { (when(worker.heartbeat_at, now)) }
            }
        }
    };
    let rows: Vec<_> = workers.iter().map(row).collect();
    let differing = differing(kinds);
    let differing: Vec<_> = differing.iter().map(Kind::as_str).collect();
    card(
        "workers",
        "Workers",
        &html! {},
        &html! {
            @if rows.is_empty() {
                (empty("No worker", &html! { "Nothing runs the jobs of this database: start " code { "lamplighter serve" } ", or the program that has their handlers." }))
            } @else {
                (table("Workers", &["Process", "State", "Kinds", "Version", "Started", "Heartbeat"], &rows))
            }
            @if !differing.is_empty() {
                p.card-body {
                    "Two processes have different rules for " (differing.join(", "))
                    ": those of the process that registered last hold."
                }
            }
        },
    )
}

/// The forms for what an operator may change. They are beside the live part, whose renewal would take away what somebody
/// types.
fn forms(names: &[Queue]) -> Markup {
    let queue = |id: &str| {
        html! {
            div.setting {
                label.form-label for=(id) { "Queue" }
                select.form-select id=(id) name="queue" { @for name in names { option { (name) } } }
            }
        }
    };
    let field = |id: &str, name: &str, label: &str, hint: &str| {
        html! {
            div.setting {
                label.form-label for=(id) { (label) }
                input.form-control id=(id) name=(name) autocomplete="off" maxlength=(queues::MAX_REASON) aria-describedby={ (id) "-hint" };
                small.form-hint id={ (id) "-hint" } { (hint) }
            }
        }
    };
    let limit = html! {
        form.card-body.settings-form method="post" action=(link(LIMIT_PATH)) {
            div.setting-row {
                (queue("limit-queue"))
                (field("limit", "limit", "Limit", "How many of its jobs may run at once, 0 to 10000; empty: what the program says"))
            }
            div.actions { button.btn type="submit" { "Set limit" } }
        }
    };
    let pause = html! {
        form.card-body.settings-form method="post" action=(link(PAUSE_PATH)) {
            div.setting-row {
                (queue("pause-queue"))
                (field("pause-reason", "reason", "Reason", "Why, for others to read"))
                (field("pause-minutes", "minutes", "Minutes", "It goes on by itself after them (or after 2h, 1day); empty: until a person resumes it"))
            }
            div.actions { button.btn type="submit" { "Pause" } span.text-secondary { "Nothing more of it starts; what runs goes on." } }
        }
    };
    html! {
        div.row.row-cards {
            div."col-lg-6" { (card("queue-limit", "Limit", &html! {}, &limit)) }
            div."col-lg-6" { (card("queue-pause", "Pause", &html! {}, &pause)) }
        }
    }
}
