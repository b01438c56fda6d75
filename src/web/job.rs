//! The page of one job: how it stands, its timeline, its payload and result, and the buttons for what can be done to it.

use super::answer::answered;
use super::app::App;
use super::base::Link;
use super::bulk_job::BulkJob;
use super::caller::Signed;
use super::clocks::Clocks;
use super::components::{
    attempts, attempts_in_time, card, confirm, confirm_stop, gates, job_as, job_sentence,
    main_run_form, pill, pretty, run_form, text_card, when_exactly,
};
use super::extract::{Id, Query};
use super::job_history::history;
use super::nav::{self, Tab};
use super::page::Frame;
use super::part::{LivePart, Shown, live_page, version};
use super::problem::Problem;
use crate::actions::jobs::{self, RunAgain};
use crate::model::{
    After, Attempt, BatchId, Event, Filter, Gate, Job, JobId, JobMaker, Kind, Neighbours, Retry,
    Role, ScheduleName, Status, Timestamp, Why,
};
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeSet;

pub(super) const CANCEL_PATH: &str = "/jobs/{id}/cancel";
pub(super) const RUN_AGAIN_PATH: &str = "/jobs/{id}/run-again";
pub(super) const RUN_NOW_PATH: &str = "/jobs/{id}/run-now";
pub(super) const DELETE_PATH: &str = "/jobs/{id}/delete";

/// The number up to which the jobs ahead of a waiting one are counted.
const MOST_AHEAD: u64 = 1000;
/// The number up to which the log rows of a job are counted.
const MOST_LOG_ROWS: usize = 1000;

/// The query of a button's address.
#[derive(Deserialize)]
pub(super) struct JobButton {
    /// `session` if the button is on a session's page.
    on: Option<String>,
    /// `full` if the person confirmed that the profile full has no sandbox.
    confirm: Option<String>,
    /// The newest job that runs this one again, as the page showed it. Without it the page showed none.
    seen: Option<i64>,
}

impl JobButton {
    /// The page to go on to.
    fn page_of(&self, id: JobId) -> Link {
        if self.on.as_deref() == Some("session") { nav::session(id) } else { nav::job(id) }
    }
}

/// POST `/jobs/{id}/cancel`: cancels a job that waits, or asks a running one to end.
pub(super) async fn cancel(
    State(app): State<App>,
    who: Signed,
    Id(id): Id<JobId>,
    Query(button): Query<JobButton>,
) -> Result<Response, Problem> {
    let answer = jobs::cancel(&app.web.store, &who.call(app.web.clock.now()), id.0).await?;
    Ok(answered(who.face(), &answer, &button.page_of(id)))
}

/// POST `/jobs/{id}/run-again`: stores a new job like this one, which must be over.
pub(super) async fn run_again(
    State(app): State<App>,
    who: Signed,
    Id(id): Id<JobId>,
    Query(button): Query<JobButton>,
) -> Result<Response, Problem> {
    let confirmed = button.confirm.as_deref() == Some("full");
    let request = RunAgain { id: id.0, confirmed, seen: Some(button.seen.unwrap_or(0)) };
    let answer = jobs::run_again(&app.web.store, &who.call(app.web.clock.now()), request).await?;
    Ok(answered(who.face(), &answer, &button.page_of(JobId(answer.value.id))))
}

/// POST `/jobs/{id}/run-now`: makes a waiting job due now.
pub(super) async fn run_now(
    State(app): State<App>,
    who: Signed,
    Id(id): Id<JobId>,
    Query(button): Query<JobButton>,
) -> Result<Response, Problem> {
    let answer = jobs::run_now(&app.web.store, &who.call(app.web.clock.now()), id.0).await?;
    Ok(answered(who.face(), &answer, &button.page_of(id)))
}

/// POST `/jobs/{id}/delete`: deletes a job that is over, with its history.
pub(super) async fn delete(
    State(app): State<App>,
    who: Signed,
    Id(id): Id<JobId>,
) -> Result<Response, Problem> {
    let answer = jobs::delete(&app.web.store, &who.call(app.web.clock.now()), id.0).await?;
    Ok(answered(who.face(), &answer, &Tab::Jobs.link()))
}

/// GET `/jobs/{id}` and `/jobs/{id}/part`.
pub(super) async fn page(
    State(app): State<App>,
    who: Signed,
    Id(id): Id<JobId>,
    Query(Shown { v: shown }): Query<Shown>,
) -> Result<Response, Problem> {
    let store = &app.web.store;
    let job = jobs::known(store, id.0).await?;
    let events = store.job_events(job.id).await?;
    let kept = store.job_attempts(job.id).await?;
    let children = store.children(job.id).await?;
    let maker = store.job_maker(job.id).await?;
    let neighbours = store.neighbours(job.id).await?;
    let follows = store.batch_before(job.id).await?.map(|batch| batch.id);
    let now = app.web.clock.now();
    let zone = who.clocks().zone_or_utc();
    let why = store.why(job.id, now).await?.map(|why| why.by(zone));
    let again = Again {
        is_full: jobs::is_full(store, &job).await?,
        retry: jobs::retry(store, &job).await?,
    };
    let log_rows = match &job.correlation_id {
        Some(id) => app.web.log_rows_of(id, MOST_LOG_ROWS).await?,
        None => None,
    };
    let doing = BulkJob::of(store, &job, now).await?;
    let content = html! {
        (summary(&job, &again, (why.as_ref(), Event::cancelled_by(&events), &no_further(&job, &events, &kept)), who.role(), now))
        div.cols.cols-side {
            div.stack {
                @if let Some(doing) = &doing { (doing.cards(&job, who.role(), now)) }
                @if let Some(why) = why.as_ref().filter(|_| waits(&job)) { (why_card(&job, why, who.role(), now)) }
                @if let Some(in_time) = attempts_in_time(&job, &kept, who.clocks(), now) {
                    (card("job-attempts", "Attempts", &html! { span.sub { (attempts(&job)) } }, &in_time))
                }
                @if let Some(error) = &job.error { (text_card("job-error", "Error", error)) }
                (text_card("job-payload", "Payload", &pretty(&job.payload)))
                @if let Some(result) = &job.result { (text_card("job-result", "Result", &pretty(result))) }
                (history(&job, &maker, &events, now))
                (job_as(&job))
            }
            div.stack { (facts(&job, &maker, (&children, &neighbours, follows), (app.web.has_program(), log_rows), (who.clocks(), now))) }
        }
    };
    let part = LivePart {
        id: "job",
        link: &nav::job(id).under("part"),
        version: version(&(
            job.status,
            job.epoch,
            job.waits_for,
            events.last().map(|event| event.number),
            children.len(),
            (neighbours.before.len(), ends(&neighbours)),
            (&job.progress, again.retry, log_rows, doing.as_ref().map(BulkJob::state)),
            job.cancel_requested_at,
            why.as_ref().map(|why| (why.to_string(), why.ahead)),
        )),
        content: &content,
    };
    let frame = Frame::new(&app.web, Some(&who))
        .at(Tab::Jobs)
        .under(vec![(Tab::Jobs.link(), Tab::Jobs.title().to_owned())])
        .heading(html! { (job.kind) " " span.soft.mono { "#" (id) } });
    let title = format!("Job {id}");
    Ok(live_page(&frame, &title, &part, |part| part, (who.face(), shown.as_deref())))
}

/// Why a failed job is not tried again by itself, with a link to its error and the other jobs that met it.
fn no_further(job: &Job, events: &[Event], kept: &[Attempt]) -> Markup {
    let is_failed = job.status == Status::Failed;
    let cause = events.last().filter(|_| is_failed).and_then(|event| event.cause.as_ref().ok());
    let error = kept.last().filter(|_| is_failed).and_then(|last| last.fingerprint.as_deref());
    // The sentence before ends with the first line of the error, as its handler wrote it.
    let said = job.error.as_deref().and_then(|error| error.lines().next()).unwrap_or_default();
    let is_ended = said.trim_end().ends_with(['.', '!', '?']);
    let stop = if said.is_empty() || is_ended { " " } else { ". " };
    html! {
        @if let Some(why) = cause.and_then(|cause| cause.no_further()) { (stop) (why) }
        @if let Some(error) = error { " " a href=(nav::error(error)) { "All failures with this error" } "." }
    }
}

/// What a person who runs a job again is to know before.
pub(super) struct Again {
    /// Whether it is a session without a sandbox.
    pub(super) is_full: bool,
    /// The newest job that runs it again already.
    pub(super) retry: Option<Retry>,
}

fn summary(
    job: &Job,
    again: &Again,
    (why, cancelled_by, no_further): (Option<&Why>, Option<&str>, &Markup),
    role: Role,
    now: Timestamp,
) -> Markup {
    html! {
        section.card.say {
            (pill(job.status))
            p { (job_sentence(job, why, cancelled_by, now)) (no_further) (retried(again)) }
            @if jobs::may_act(role) { div.page-actions { (buttons(job, again, role, now)) } }
        }
    }
}

/// Why a waiting job has not begun: its gates, and what opens those that are shut.
fn why_card(job: &Job, why: &Why, role: Role, now: Timestamp) -> Markup {
    let shut = why.gates.len();
    let said = match shut {
        0 => "every gate is open".to_owned(),
        1 => "1 gate is shut".to_owned(),
        shut => format!("{shut} gates are shut"),
    };
    let content = html! { (gates(job, why, role, now)) (line(Some(why))) };
    card("job-why", "Why is it not running?", &html! { span.sub { (said) } }, &content)
}

/// The sentence that names the job that runs this one again, if there is one.
pub(super) fn retried(again: &Again) -> Markup {
    html! {
        @if let Some(retry) = again.retry {
            " Retried as " a href=(nav::job(retry.id)) { "#" (retry.id) } ", which is " (retry.status) "."
        }
    }
}

/// The button that runs a job again. `on_session` says that the button is on the page of a session.
pub(super) fn run_again_form(job: &Job, again: &Again, on_session: bool) -> Markup {
    let seen = again.retry.map(|retry| retry.id.to_string());
    let action = nav::job(job.id)
        .under("run-again")
        .with(&[("on", on_session.then_some("session")), ("seen", seen.as_deref())]);
    if let (Status::Failed, Some(retry)) = (job.status, again.retry) {
        let consequence = html! {
            "Job " a href=(nav::job(retry.id)) { "#" (retry.id) } " was made from it already, and is " (retry.status)
            ". A further retry does the same work once more."
        };
        let form = run_form(&action, "Retry once more", None, again.is_full);
        return confirm("retry-again", "Retry", &consequence, &form);
    }
    if job.status == Status::Failed {
        return main_run_form(&action, "Retry", again.is_full);
    }
    // What completed or was cancelled has had its effect: nobody runs it once more by a slip.
    let consequence = html! { "A new job of the same kind with the same payload is made. What this one did stays done." };
    confirm(
        "run-copy",
        if again.is_full { "Run a copy without the sandbox" } else { "Run a copy" },
        &consequence,
        &run_form(&action, "Run the copy now", None, again.is_full),
    )
}

/// Whether jobs of the kind are made by a page of their own: a session from its prompt, an act from its preview.
fn is_ours(kind: &Kind) -> bool {
    [Kind::AGENT_SESSION, Kind::BULK_ACTION].contains(kind)
}

fn waits(job: &Job) -> bool {
    match job.status {
        Status::Scheduled | Status::Queued => true,
        Status::Running | Status::Completed | Status::Failed | Status::Cancelled => false,
    }
}

/// What keeps a waiting job from starting, what ends that, and the job's place in its queue's line.
fn line(why: Option<&Why>) -> Markup {
    let openings = why.map(Why::openings).unwrap_or_default();
    let holders: BTreeSet<_> =
        why.into_iter().flat_map(|why| &why.gates).flat_map(Gate::holders).copied().collect();
    let ahead = why.map_or(0, |why| why.ahead);
    if openings.is_empty() && holders.is_empty() && ahead == 0 {
        return html! {};
    }
    html! {
        div.card-footer.lines {
            @if !openings.is_empty() {
                ul #job-remedies { @for opening in &openings { li { (opening) } } }
            }
            @if !holders.is_empty() {
                p { "Held by " @for id in &holders { a href=(nav::job(*id)) { "job " (id) } " " } }
            }
            @match ahead {
                0 => {}
                1 => p #job-line { "One job of its queue starts before it." },
                _ => p #job-line { (ahead) @if ahead >= MOST_AHEAD { " or more" } " jobs of its queue start before it." },
            }
        }
    }
}

fn buttons(job: &Job, again: &Again, role: Role, now: Timestamp) -> Markup {
    let form = |deed: &str, word: &str| {
        html! {
            form method="post" action=(nav::job(job.id).under(deed)) {
                button.btn.btn-sm type="submit" { (word) }
            }
        }
    };
    let is_due = job.is_due(now);
    html! {
        @if job.status.is_final() {
            @if is_ours(&job.kind) || job.status == Status::Failed {
                @if jobs::may_run_again(role, &job.kind) { (run_again_form(job, again, false)) }
            }
            @if !is_ours(&job.kind) {
                a.btn.btn-sm href=(nav::job(job.id).under("copy")) { "Run a copy…" }
            }
            @if jobs::may_delete(role) {
                (confirm("delete-job", "Delete", &html! { "Its history, attempts and transcript go with it." },
                    &form("delete", "Delete now")))
            }
        } @else if job.cancel_requested_at.is_some() {
            p.soft { "It was asked to end." }
        } @else {
            @if waits(job) && !is_due { (form("run-now", "Run now")) }
            @if waits(job) && !is_ours(&job.kind) { a.btn.btn-sm href=(nav::job(job.id).under("edit")) { "Edit…" } }
            @if waits(job) {
                (confirm("cancel-job", "Cancel", &html! { "It does not start any more. A cancelled job stays so; a copy of it can be run." },
                    &form("cancel", "Cancel now")))
            } @else {
                (confirm_stop("cancel-job", "Stop", &html! { "Its handler is asked to end. What it has done stays done." },
                    &form("cancel", "Stop it now")))
            }
        }
    }
}

/// The jobs of these that are over.
fn ends(neighbours: &Neighbours) -> usize {
    neighbours.after.iter().filter(|after| after.ended_as.is_some()).count()
}

fn facts(
    job: &Job,
    maker: &JobMaker,
    (children, neighbours, follows): (&[JobId], &Neighbours, Option<BatchId>),
    (has_program, log_rows): (bool, Option<u64>),
    (clocks, now): (Clocks, Timestamp),
) -> Markup {
    let at = |time: Timestamp| when_exactly(time, clocks, now);
    card(
        "job-facts",
        "Facts",
        &html! {},
        &html! {
            dl.card-body.facts {
                dt { "Kind" } dd { a href=(nav::kind(&job.kind)) { (job.kind) } }
                @if has_program && job.kind == Kind::AGENT_SESSION {
                    dt { "Session" } dd { a href=(nav::session(job.id)) { "session " (job.id) } }
                }
                dt { "Queue" } dd { @if let Some(queue) = &job.queue { a href=(nav::queue(queue)) { (queue) } } @else { "not admitted yet" } }
                dt { "Priority" } dd { @if let Some(priority) = job.priority { (priority) } @else { "not yet known" } }
                dt { "Attempt" } dd { (attempts(job)) }
                @if job.interrupted > 0 { dt { "Interrupted" } dd { (job.interrupted) " times" } }
                dt { "Created" } dd { (at(job.created_at)) (made_by(maker)) }
                dt { "Earliest start" } dd { (at(job.run_at)) }
                @if let Some(started) = job.started_at { dt { "Started" } dd { (at(started)) } }
                @if let Some(finished) = job.finished_at { dt { "Finished" } dd { (at(finished)) } }
                @if let Some(key) = &job.unique_key { dt { "Unique key" } dd { (key.as_str()) } }
                @if let Some(key) = &job.concurrency_key { dt { "Concurrency key" } dd { (key.as_str()) } }
                @if !job.tags.is_empty() {
                    dt { "Tags" }
                    dd { @for tag in &job.tags { a href=(nav::jobs(&Filter::default().tag(tag))) { (tag) } " " } }
                }
                @if let Some(worker) = &job.worker_id { dt { "Worker" } dd { (worker.as_str()) } }
                @if let Some(code) = &job.error_code { dt { "Error code" } dd { code { (code) } } }
                @if let Some(id) = &job.correlation_id {
                    dt { "Correlation id" } dd { code { (id) } }
                    @match log_rows {
                        None | Some(0) => {},
                        Some(1) => { dt { "Log" } dd { a href=(nav::log_rows_of(id)) { "1 log row" } } },
                        Some(count) => {
                            dt { "Log" }
                            dd { a href=(nav::log_rows_of(id)) { (count) @if count >= MOST_LOG_ROWS as u64 { " or more" } " log rows" } }
                        },
                    }
                }
                @if let Some(batch) = job.batch_id {
                    dt { "Batch" }
                    dd { a href=(nav::batch(batch)) { "batch " (batch) } }
                }
                @if let Some(batch) = follows {
                    dt { "Follows" }
                    dd { a href=(nav::batch(batch)) { "batch " (batch) } }
                }
                @if let Some(parent) = job.parent_id { dt { "Made by" } dd { a href=(nav::job(parent)) { "job " (parent) } } }
                @if !neighbours.after.is_empty() {
                    dt { "Runs after" }
                    dd #job-after { @for after in &neighbours.after { (earlier(after)) " " } }
                }
                @if !neighbours.before.is_empty() {
                    dt { "Runs before" }
                    dd #job-before { @for id in &neighbours.before { a href=(nav::job(*id)) { "job " (id) } " " } }
                }
                @if !children.is_empty() {
                    dt { "Made" }
                    dd { @for child in children { a href=(nav::job(*child)) { "job " (child) } " " } }
                }
            }
        },
    )
}

/// Who made a job, with the way to its schedule.
fn made_by(maker: &JobMaker) -> Markup {
    let words = maker.words().unwrap_or_default();
    let schedule = maker.schedule.as_ref().and_then(|name| ScheduleName::parse(name.clone()).ok());
    // The words end with the schedule's name.
    let named = schedule.as_ref().and_then(|name| Some((words.strip_suffix(name.as_str())?, name)));
    html! {
        @match named {
            Some((before, name)) => { " " (before) a href=(nav::schedule(name)) { (name) } },
            None if !words.is_empty() => { " " (words) },
            None => {},
        }
    }
}

/// A job that another one runs after, with its end.
fn earlier(after: &After) -> Markup {
    html! {
        a href=(nav::job(after.id)) { "job " (after.id) }
        @match after.ended_as {
            Some(ended_as) => { " (" (ended_as) ")" },
            None if after.anyway => " (until it is over)",
            None => {},
        }
    }
}
