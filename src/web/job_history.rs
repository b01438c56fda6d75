//! The history of a job on its page: who made it, its steps, and how its last attempt began and ended.

use super::components::{Step, attempts, card, elapsed, folded, timeline};
use super::nav;
use crate::model::{Cause, Event, Job, JobMaker, Status, Timestamp, Trigger, by_whom};
use maud::{Markup, html};

/// The card with the history, the newest step first.
pub(super) fn history(job: &Job, maker: &JobMaker, events: &[Event], now: Timestamp) -> Markup {
    let made = Step {
        to: Status::Queued,
        at: job.created_at,
        title: html! { "Created" },
        detail: html! { (made_by(job, maker)) },
    };
    let mut steps = vec![made];
    for (at, event) in events.iter().enumerate() {
        let left_out = at.checked_sub(1).map_or(0, |before| event.left_out_after(&events[before]));
        if left_out > 0 {
            steps.push(Step {
                to: event.to,
                at: event.at,
                title: html! { "More steps" },
                detail: html! { (left_out) " steps before this time are not kept" },
            });
        }
        steps.push(step(event));
    }
    if let Some(at) = job.started_at {
        steps.push(Step {
            to: Status::Running,
            at,
            title: html! { "Attempt " (attempts(job)) " started" },
            detail: html! {},
        });
    }
    // Every other end of a job has an event of its own.
    if let (Some(at), Status::Completed) = (job.finished_at, job.status) {
        steps.push(Step {
            to: Status::Completed,
            at,
            title: html! { "Completed" },
            detail: html! { "after " (elapsed(job.started_at, Some(at), now)) },
        });
    }
    // The newest first, and of those of one moment the last.
    steps.reverse();
    steps.sort_by_key(|step| std::cmp::Reverse(step.at));
    card(
        "job-history",
        "History",
        &html! {},
        &html! {
            div.card-body { (timeline(&steps, now)) }
        },
    )
}

/// Who or what made a job.
fn made_by(job: &Job, maker: &JobMaker) -> Markup {
    html! {
        @if let Some(words) = maker.words() {
            (words)
            @if job.parent_id.is_some() { ", " }
        }
        @match (job.trigger, job.parent_id) {
            (Trigger::Manual | Trigger::Scheduled | Trigger::Api, _) if maker.words().is_some() => {},
            (Trigger::Manual, _) => "by a person",
            (Trigger::Scheduled, _) => "by its schedule",
            (Trigger::Api, _) => "by a program",
            (Trigger::Retry, Some(id)) => { "to run " a href=(nav::job(id)) { "job " (id) } " again" },
            (Trigger::Parent, Some(id)) => { "by " a href=(nav::job(id)) { "job " (id) } },
            (Trigger::Retry, None) => "to run a job again",
            (Trigger::Parent, None) => "by another job",
        }
    }
}

fn step(event: &Event) -> Step {
    let title = html! { (happened(event)) };
    let detail = html! {
        "by " (by_whom(&event.actor))
        // The error stands whole in a card of its own.
        @if let Some(detail) = &event.detail { ": " (folded(&format!("step-{}", event.number), detail)) }
    };
    Step { to: event.to, at: event.at, title, detail }
}

/// The cause of a step, as people read it. Other programs may have written words of their own.
fn happened(event: &Event) -> &str {
    match &event.cause {
        Ok(Cause::Retry) => "An attempt failed, another one follows",
        Ok(Cause::Failed) => "Failed for good: no attempt is left",
        Ok(Cause::Fatal) => "Failed for good: trying again does not help",
        Ok(Cause::Poison) => "Failed, it takes the server down",
        Ok(Cause::Interrupted) => "Interrupted",
        Ok(Cause::Snooze) => "Snoozed",
        Ok(Cause::Cancelled) => "Cancelled",
        Ok(Cause::After) => "Cancelled with a job before it",
        Ok(Cause::CancelRequested) => "Asked to end",
        Ok(Cause::Limited) => "Waits: the provider asked for it",
        Ok(Cause::Blocked) => "Kept waiting",
        Ok(Cause::Budget) => "Waits: a budget is spent",
        Ok(Cause::Resumed) => "Made due again",
        Ok(Cause::RunNow) => "Made due now",
        Ok(Cause::Rescheduled) => "Given another time",
        Ok(Cause::Edited) => "Changed",
        Err(word) => word,
    }
}
