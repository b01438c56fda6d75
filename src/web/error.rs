//! The page of one error: what it says, how often it came, its jobs, and who wants to hear no more of it.

use super::answer::answered;
use super::app::App;
use super::caller::Signed;
use super::clocks::Clocks;
use super::components::{
    RowFacts, card, confirm, empty, error_bars, error_marks, grouped, job_rows, retry_button,
    sparkline, table, text_card, when,
};
use super::errors::ranges;
use super::extract::{Form, Id, Query, given};
use super::named::ErrorId;
use super::nav::{self, Tab};
use super::page::Frame;
use super::part::{LivePart, live_page, version};
use super::problem::Problem;
use crate::actions::errors::{self, MuteAsk, Range};
use crate::actions::{jobs, length};
use crate::model::{BulkAct, Filter, Job, JobErrorGroup, Role, Timestamp};
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

pub(super) const PATH: &str = "/errors/{fingerprint}";
pub(super) const PART_PATH: &str = "/errors/{fingerprint}/part";
pub(super) const MUTE_PATH: &str = "/errors/{fingerprint}/mute";
pub(super) const UNMUTE_PATH: &str = "/errors/{fingerprint}/unmute";
/// How many jobs the page names.
const ROWS: usize = 10;
/// The lengths of a mute that the form offers.
const LENGTHS: [(&str, &str); 4] =
    [("1h", "for 1 hour"), ("1d", "for 1 day"), ("7d", "for 7 days"), ("", "until I unmute it")];

/// The address's query.
#[derive(Default, Deserialize)]
pub(super) struct ErrorQuery {
    range: Option<String>,
    v: Option<String>,
}

/// The form that mutes.
#[derive(Deserialize)]
pub(super) struct MuteForm {
    /// For how long; an empty text: until somebody unmutes it.
    #[serde(default)]
    length: String,
}

/// POST `/errors/{fingerprint}/mute`.
pub(super) async fn mute(
    State(app): State<App>,
    who: Signed,
    Id(ErrorId(fingerprint)): Id<ErrorId>,
    Form(form): Form<MuteForm>,
) -> Result<Response, Problem> {
    let page = nav::error(&fingerprint);
    let length =
        given(Some(form.length)).map(|text| length(&text, errors::MUTE.doing)).transpose()?;
    let call = who.call(app.web.clock.now());
    let answer = errors::mute(&app.web.store, &call, MuteAsk { fingerprint, length }).await?;
    Ok(answered(who.face(), &answer, &page))
}

/// POST `/errors/{fingerprint}/unmute`.
pub(super) async fn unmute(
    State(app): State<App>,
    who: Signed,
    Id(ErrorId(fingerprint)): Id<ErrorId>,
) -> Result<Response, Problem> {
    let call = who.call(app.web.clock.now());
    let answer = errors::unmute(&app.web.store, &call, &fingerprint).await?;
    Ok(answered(who.face(), &answer, &nav::error(&fingerprint)))
}

/// GET `/errors/{fingerprint}` and its part.
pub(super) async fn page(
    State(app): State<App>,
    who: Signed,
    Id(ErrorId(fingerprint)): Id<ErrorId>,
    Query(query): Query<ErrorQuery>,
) -> Result<Response, Problem> {
    let range = Range::parse(query.range.as_deref())?;
    let (store, now) = (&app.web.store, app.web.clock.now());
    let error = errors::known(store, &fingerprint, range, now).await?;
    let filter = errors::still_failed(&error);
    let found = store.still_failed_jobs(fingerprint.clone(), ROWS).await?;
    let open = store.find_jobs(errors::open(&error), None, 1, now).await?;
    let tries_again = !open.rows.is_empty() || open.next.is_some();
    let own = nav::error(&fingerprint);
    let content = html! {
        (summary(&error, tries_again, who.role(), now))
        div.cols.cols-side {
            div.stack {
                (course(&error, range, who.clocks(), now))
                @if let Some(text) = found.first().and_then(|job| job.error.as_deref()) {
                    (text_card("error-example", "The newest in full", text))
                }
                (jobs_card(&error, &found, &filter, now))
            }
            div.stack { (facts(&error, range, now)) }
        }
    };
    let ids: Vec<_> = found.iter().map(|job| job.id.0).collect();
    let mute = error.mute.as_ref().map(|mute| (mute.by.clone(), mute.until));
    let part = LivePart {
        id: "error",
        link: &own.under("part").with(&[("range", range.as_str())]),
        version: version(&(error.failures, error.still_failed, tries_again, mute, ids)),
        content: &content,
    };
    let frame = Frame::new(&app.web, Some(&who))
        .at(Tab::Errors)
        .under(vec![(Tab::Errors.link(), Tab::Errors.title().to_owned())])
        .heading(html! { (error.title) " " (error_marks(&error, now)) });
    let around = |part| {
        html! {
            div.query { (ranges(range, |range| own.with(&[("range", range.as_str())]))) }
            (part)
        }
    };
    let title = format!("Error of {}", error.kind);
    Ok(live_page(&frame, &title, &part, around, (who.face(), query.v.as_deref())))
}

fn summary(error: &JobErrorGroup, tries_again: bool, role: Role, now: Timestamp) -> Markup {
    let own = nav::error(&error.fingerprint);
    html! {
        section.card.say {
            p {
                @match error.still_failed {
                    0 => "No job is left failed with it. ",
                    1 => "One job is left failed with it. ",
                    count => { (grouped(count)) " jobs are left failed with it. " },
                }
                "Last seen " (when(error.last_at, now)) "."
                @if let Some(mute) = error.mute.as_ref().filter(|_| error.is_muted(now)) {
                    " Muted by " (mute.by)
                    @match mute.until { Some(until) => { ", ends " (when(until, now)) "." }, None => " until somebody unmutes it." }
                }
            }
            @if jobs::may_act(role) {
                div.page-actions {
                    (retry_button(error, role))
                    @if tries_again { a.btn.btn-sm href=(nav::bulk(BulkAct::Cancel, &errors::open(error))) { "Cancel those that try again…" } }
                    @if errors::may_mute(role) {
                        @if error.is_muted(now) {
                            form method="post" action=(own.under("unmute")) { button.btn.btn-sm type="submit" { "Unmute" } }
                        } @else {
                            (confirm("mute-error", "Mute", &html! { "It goes on being counted, and is not listed as active." }, &mute_form(error)))
                        }
                    }
                }
            }
        }
    }
}

fn mute_form(error: &JobErrorGroup) -> Markup {
    html! {
        form.actions method="post" action=(nav::error(&error.fingerprint).under("mute")) {
            select.form-select name="length" aria-label="How long" {
                @for (value, name) in LENGTHS { option value=(value) { (name) } }
            }
            button.btn.btn-sm type="submit" { "Mute it" }
        }
    }
}

/// How often it came, as a picture and as numbers.
fn course(error: &JobErrorGroup, range: Range, clocks: Clocks, now: Timestamp) -> Markup {
    let label = format!("Failures in the last {}", range.words());
    let row = |(hour, count): (&Timestamp, &u64)| {
        html! { tr {
            td data-label="hour" { (clocks.minute(*hour)) }
            td.num data-label="failures" { (grouped(*count)) }
        } }
    };
    let rows: Vec<_> = error.hours.iter().rev().map(row).collect();
    let hour = format!("Hour, {}", clocks.name());
    let content = html! {
        div.card-body {
            (sparkline("spark-bad spark-week", &label, &error_bars(error, range.length(), now)))
            details id="error-hours" {
                summary { "Numbers as a table" }
                (table("Failures by hour", &[&hour, "Failures"], &rows))
            }
        }
    };
    let aside = html! { span.sub { (grouped(error.in_range())) " in " (range.words()) } };
    card("error-course", "Failures", &aside, &content)
}

fn jobs_card(error: &JobErrorGroup, found: &[Job], filter: &Filter, now: Timestamp) -> Markup {
    let all = html! { a.btn.btn-sm href=(nav::jobs(filter)) { "Show jobs" } };
    let content = html! {
        @if found.is_empty() {
            (empty("No failed jobs left", &html! { "Jobs with this error were retried or removed. " a href=(nav::jobs(&errors::met(error))) { "Show all jobs that had it" } }))
        } @else {
            (job_rows(found, &RowFacts { are_of_one_error: true, ..RowFacts::default() }, None, now))
        }
    };
    card("error-jobs", "Failed jobs", &all, &content)
}

fn facts(error: &JobErrorGroup, range: Range, now: Timestamp) -> Markup {
    let content = html! {
        dl.card-body.facts {
            dt { "Kind" } dd { a href=(nav::kind(&error.kind)) { code { (error.kind) } } }
            dt { "Code" } dd { code { (error.code) } }
            dt { "First" } dd { (when(error.first_at, now)) }
            dt { "Last" } dd { (when(error.last_at, now)) }
            dt { "Failures in " (range.words()) } dd { (grouped(error.in_range())) }
            dt { "Failures ever" } dd { (grouped(error.failures)) }
            dt { "Fingerprint" } dd.mono { (error.fingerprint) }
        }
    };
    card("error-facts", "Facts", &html! {}, &content)
}
