//! What the page of a job of kind `bulk_action` shows: how far its act is, and the jobs that it changed or made.

use super::base::Link;
use super::bulk::done_word;
use super::components::{Measure, RowFacts, card, grouped, job_rows, meter};
use super::nav;
use super::problem::Problem;
use crate::actions::jobs;
use crate::bulk::{Progress, progress};
use crate::model::{BulkAct, Filter, Job, Role, Status, Timestamp};
use crate::store::Store;
use maud::{Markup, html};

/// How many of the jobs the page names.
const SAMPLE: usize = 5;

/// How far the job of an act is, and the jobs that the act changed or made: for its page.
pub(super) struct BulkJob {
    progress: Progress,
    /// The newest of the jobs.
    jobs: Vec<Job>,
}

impl BulkJob {
    /// Reads it; `None` of a job that is no act on many jobs.
    pub(super) async fn of(
        store: &Store,
        job: &Job,
        now: Timestamp,
    ) -> Result<Option<Self>, Problem> {
        let Some(progress) = progress(job) else { return Ok(None) };
        let jobs = if progress.is_listed() {
            store.find_jobs(Filter::default().bulk(job.id), None, SAMPLE, now).await?.rows
        } else {
            Vec::new()
        };
        Ok(Some(Self { progress, jobs }))
    }

    /// The part of it that can change.
    pub(super) fn state(&self) -> impl std::hash::Hash + use<> {
        self.jobs.iter().map(|job| (job.id.0, job.status, job.attempt)).collect::<Vec<_>>()
    }

    /// The cards of it.
    pub(super) fn cards(&self, job: &Job, role: Role, now: Timestamp) -> Markup {
        let all = nav::jobs(&Filter::default().bulk(job.id));
        let title = match self.progress.bulk.act {
            BulkAct::Retry => "The newest of the new jobs",
            BulkAct::Cancel | BulkAct::RunNow | BulkAct::Delete | BulkAct::SetPriority(_) => {
                "The newest of its jobs"
            }
        };
        html! {
            (progress_card(job, &self.progress, (!self.jobs.is_empty()).then_some(&all), role))
            @if !self.jobs.is_empty() {
                (card("bulk-jobs", title, &html! { a.btn.btn-sm href=(all) { "Show all" } },
                    &job_rows(&self.jobs, &RowFacts::default(), None, now)))
            }
        }
    }
}

/// How many jobs an act has changed, in its own word; `listed` is the list of them, if they can be listed.
fn progress_card(job: &Job, progress: &Progress, listed: Option<&Link>, role: Role) -> Markup {
    let Progress { bulk: act, changed, left_alone, percent } = progress;
    let label = format!("{percent} percent of the jobs were looked through");
    let cancelled = match listed {
        Some(_) => Filter::default().bulk(job.id),
        None => act.filter.clone().of_any_status(),
    };
    let cancelled = cancelled.status(Status::Cancelled);
    let did = format!("{} {}", grouped(*changed), done_word(act.act));
    let content = html! {
        div.card-body.lines {
            p { (label_of(act.act)) " of jobs that match " code { (act.filter) } }
            (meter(Measure::Slots, *percent, &label))
            p {
                @match listed { Some(all) => a href=(all) { (did) }, None => (did) }
                " · " (grouped(*left_alone)) " left alone · " (percent) " %"
            }
            @if act.act == BulkAct::Cancel && *changed > 0 && job.status.is_final() && jobs::may_act(role) {
                div.actions { a.btn.btn-sm href=(nav::bulk(BulkAct::Retry, &cancelled)) { "Run copies…" } }
            }
        }
    };
    card("bulk-progress", "How far it is", &html! {}, &content)
}

fn label_of(act: BulkAct) -> &'static str {
    match act {
        BulkAct::Cancel => "Cancellation",
        BulkAct::Retry => "Retry",
        BulkAct::RunNow => "Start",
        BulkAct::Delete => "Deletion",
        BulkAct::SetPriority(_) => "New priority",
    }
}
