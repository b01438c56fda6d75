//! The page of queues and workers: what waits and runs, the limits and pauses, and the processes that run the jobs.

use super::answer::answered;
use super::app::App;
use super::base::{Link, link};
use super::caller::Signed;
use super::clocks::Clocks;
use super::components::{
    Measure, Tone, card, empty, grouped, meter, notice, problem_notice, stopped_notice, table,
    when, when_known,
};
use super::extract::{Form, Query};
use super::face::Face;
use super::icon::{Icon, icon};
use super::nav::{self, Tab};
use super::page::Frame;
use super::part::{LivePart, live_page, version};
use super::problem::Problem;
use crate::actions::Answer;
use crate::actions::queues::{self, QueueLimit, QueuePause};
use crate::model::{
    Filter, Job, Kind, Queue, QueueState, RegisteredKind, Role, Status, Timestamp, Unplaced,
    Worker, differing,
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
    let mut lines: Vec<Line> = Vec::new();
    for queue in store.queues().await?.into_iter().take(MAX_QUEUES) {
        let (next, holders) = store.queue_line(queue.name.clone(), HOLDERS).await?;
        lines.push((queue, next, holders));
    }
    let (workers, unplaced) = (store.workers().await?, store.unplaced().await?);
    let kinds = store.registered_kinds().await?;
    let stopped = store.stopped().await?;
    let of_name = |(queue, ..): &&Line| asked.queue.as_deref() == Some(queue.name.as_str());
    let chosen = lines.iter().find(of_name).map(|(queue, ..)| queue);
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
            stopped.map(|pause| pause.at),
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
    let frame = Frame::new(&app.web, Some(who)).at(Tab::Queues);
    let face = (face, asked.v.as_deref());
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
    let columns = ["Queue", "Running", "Waiting", "Scheduled", ""];
    let mut rows: Vec<_> = lines.iter().map(|line| row(line, role, now)).collect();
    if !unplaced.is_empty() {
        rows.push(unplaced_row(unplaced));
    }
    let running: i64 = lines.iter().map(|(queue, ..)| queue.running).sum();
    let said = html! { @if !lines.is_empty() { span.sub { (lines.len()) " queues, " (grouped(running)) " running" } } };
    card(
        "queues",
        "Queues",
        &said,
        &html! {
            @if rows.is_empty() {
                (empty("No queue has had a job", &html! { "A queue appears as soon as a job or the engine names it." }))
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
            td.main { (Unplaced::WHY) }
            td { }
            td.num data-label="waiting" { (grouped(unplaced.queued)) }
            td.num data-label="scheduled" { (grouped(unplaced.scheduled)) }
            td { }
        }
    }
}

fn row(line: &Line, role: Role, now: Timestamp) -> Markup {
    let (queue, next, _) = line;
    let limit = i64::from(queue.limit());
    let percent = u64::try_from(queue.running.saturating_mul(100) / limit.max(1)).unwrap_or(0);
    let measure = if queue.pause.is_some() { Measure::Paused } else { Measure::Slots };
    html! {
        tr id={ "queue-" (queue.name) } {
            td.main {
                div.first {
                    a href=(jobs_of(&queue.name)) { (queue.name) }
                    @if queue.pause.is_some() { span.badge.tag-warn { (icon(Icon::PlayerPause)) "Paused" } }
                }
                div.sub { (second(line, now)) }
            }
            td.cell-meter data-label="running" {
                span.mono { (grouped(queue.running)) " / " (grouped(limit)) }
                (meter(measure, percent, &format!("{} of {limit} slots", queue.running)))
            }
            td.num data-label="waiting" {
                (grouped(queue.queued))
                @if let Some(job) = next { div.sub { "first " (when(job.run_at.max(job.created_at), now)) } }
            }
            td.num data-label="scheduled" { (grouped(queue.scheduled)) }
            td { (actions(queue, role)) }
        }
    }
}

/// What keeps a queue, or who runs in it.
fn second((queue, next, holders): &Line, now: Timestamp) -> Markup {
    let is_stuck = next.is_none() && queue.queued > 0 && queue.pause.is_none();
    html! {
        @if let Some(pause) = &queue.pause {
            "by " (pause.by) @if !pause.reason.is_empty() { ": " (pause.reason) } " · " (when(pause.at, now))
            @if pause.resume_at.is_some() { " · resumes " (when_known(pause.resume_at, now)) }
        } @else if !holders.is_empty() {
            "Held by "
            @for (nth, job) in holders.iter().enumerate() {
                @if nth > 0 { ", " }
                a.over href=(nav::job(job.id)) { (job.kind) " #" (job.id) }
            }
            @if queue.running > holders.len() as i64 { " and more" }
        } @else if is_stuck {
            @let waiting = Filter::default().queue(queue.name.clone()).status(Status::Queued);
            "nothing ready; " (grouped(queue.queued)) " blocked, " a.over href=(nav::jobs(&waiting)) { "show why" }
        } @else { "nothing runs" }
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

/// The address of the list of jobs that wait and run in a queue.
fn jobs_of(queue: &Queue) -> Link {
    let running = Filter::default().queue(queue.clone());
    nav::jobs(&running)
}

/// The processes with an engine: what each does, and the kinds that it has handlers for.
fn workers_card(workers: &[Worker], kinds: &[RegisteredKind], now: Timestamp) -> Markup {
    let row = |worker: &Worker| {
        let names = kinds.iter().filter(|kind| kind.worker == worker.id);
        let mut names: Vec<_> = names.map(|kind| kind.rules.kind.as_str()).collect();
        names.sort_unstable();
        html! {
            tr id={ "worker-" (worker.id.as_str()) } {
                td.main {
                    div.first {
                        span.title { "process " (worker.process.pid) }
                        @if worker.lost_at.is_some() { span.badge.tag-bad { "lost" } }
                        @else if worker.leads { span.badge.tag-ok { "leads" } }
                        @else { span.badge { "works" } }
                    }
                    div.sub { @if names.is_empty() { "no kinds" } @else { (names.join(", ")) } }
                }
                td.num data-label="slots" { (worker.slots) }
                td data-label="version" { (worker.version) }
                td.num data-label="started" { (when(worker.started_at, now)) }
                td.num data-label="heartbeat" { (when(worker.heartbeat_at, now)) }
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
                (empty("No worker", &html! { "No engine is running, so no job starts. Start one: " code { "lamplighter serve" } ", or the program that has the handlers." }))
            } @else {
                (table("Workers", &["Process", "Slots", "Version", "Started", "Heartbeat"], &rows))
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

/// The form that the address names, for its queue. It is beside the live part, whose renewal would take away what somebody
/// types.
fn open_form(queue: &QueueState, open: Option<&str>) -> Markup {
    let name = queue.name.as_str();
    let back = html! { a.btn.btn-quiet href=(link(PATH)) { "Leave it" } };
    let limit = || {
        let title = format!("Limit of {name}");
        let value = queue.operator_limit.map(|limit| limit.to_string());
        let form = html! {
            form.card-body.settings-form method="post" action=(link(LIMIT_PATH)) {
                input type="hidden" name="queue" value=(name);
                div.setting {
                    label.form-label for="limit" { "Jobs at a time" }
                    input #limit .form-control name="limit" value=[value] autocomplete="off" inputmode="numeric" maxlength="5" aria-describedby="limit-hint" autofocus;
                    small #limit-hint .form-hint { "0 to 10,000. Empty: the program's own limit." }
                }
                div.actions { button.btn.btn-primary type="submit" { "Set the limit of " (name) } (back) }
            }
        };
        card("queue-limit", &title, &html! {}, &form)
    };
    let pause = || {
        let title = format!("Pause {name}");
        let form = html! {
            form.card-body.settings-form method="post" action=(link(PAUSE_PATH)) {
                input type="hidden" name="queue" value=(name);
                p.sub { "Nothing more of it starts; what runs goes on." }
                div.setting-row {
                    div.setting {
                        label.form-label for="pause-reason" { "Reason" }
                        input #pause-reason .form-control name="reason" autocomplete="off" maxlength=(queues::MAX_REASON) aria-describedby="pause-reason-hint" autofocus;
                        small #pause-reason-hint .form-hint { "Everybody sees it." }
                    }
                    div.setting {
                        label.form-label for="pause-minutes" { "Resume" }
                        select #pause-minutes .form-select name="minutes" {
                            @for (length, words) in RESUMES { option value=(length) selected[length == USUAL] { (words) } }
                        }
                    }
                }
                div.actions { button.btn.btn-primary type="submit" { (title) } (back) }
            }
        };
        card("queue-pause", &title, &html! {}, &form)
    };
    html! {
        @match open {
            Some("pause") if queue.pause.is_none() => div.open-form { (pause()) },
            Some("limit") => div.open-form { (limit()) },
            _ => {}
        }
    }
}

/// What was done to a queue, as long as it is still so.
fn done_notice(queue: &QueueState, done: Option<&str>, clocks: Clocks) -> Markup {
    let name = html! { b { (queue.name) } };
    let text = match (done, &queue.pause) {
        (Some("paused"), Some(pause)) => {
            let until = pause.resume_at.map(|at| clocks.minute(at));
            html! { (name) " is paused until " (until.as_deref().unwrap_or("somebody resumes it")) "." }
        }
        (Some("resumed"), None) => html! { (name) " goes on: its jobs start again." },
        (Some("limited"), _) => {
            html! { (name) " runs at most " (grouped(queue.limit())) " at a time." }
        }
        _ => return html! {},
    };
    notice(Tone::Ok, &text, &html! {})
}

/// When a paused queue resumes by itself, as the form offers it.
const RESUMES: [(&str, &str); 5] = [
    ("", "when I say so"),
    ("15m", "in 15 min"),
    ("1h", "in 1 h"),
    ("8h", "in 8 h"),
    (TOMORROW, "tomorrow 08:00"),
];
/// The one that is chosen at first.
const USUAL: &str = "1h";
/// The value of the last of them, by the clocks of the person who pauses the queue.
const TOMORROW: &str = "tomorrow";
