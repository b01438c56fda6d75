//! Acts on many jobs: the bar over a list's selection, the preview that states the consequence, and the answer.

use super::answer::answered;
use super::app::App;
use super::base::{Link, link};
use super::caller::Signed;
use super::components::{RowFacts, Tone, card, grouped, job_rows, notice, problem_notice, table};
use super::extract::{Form, Query};
use super::face::Face;
use super::nav::{self, Tab};
use super::page::{self, Frame};
use super::problem::{Problem, logged};
use super::secret::correlation_id;
use crate::actions::bulk::{self, BulkAsk, Confirmed, Previewed};
use crate::actions::{jobs, priority};
use crate::model::{BulkAct, JobId, Role, Status};
use crate::store::Store;
use crate::wire;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};

pub(super) const PATH: &str = nav::BULK;
/// How many of the jobs a preview names.
const SAMPLE: usize = 5;

/// The longest name of a form, in characters.
const MAX_FORM: usize = 40;

/// What an address or a form says of an act: pairs, because a list's selection has a pair for each job.
type Pairs = Vec<(String, String)>;

/// The request that pairs stand for, and what the person confirmed.
struct Asked {
    ask: BulkAsk,
    confirmed: Confirmed,
}

impl Asked {
    fn read(pairs: &Pairs) -> Result<Self, Problem> {
        let value = |name: &str| {
            let found = pairs.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
        };
        let word = value("act").unwrap_or_default();
        let to = match (word, value("priority")) {
            ("set_priority", Some(text)) => Some(priority(text)?),
            _ => None,
        };
        let act = BulkAct::parse(word, to)
            .ok_or_else(|| Problem::input("There is no such act on many jobs."))?;
        let picked: Vec<_> = pairs.iter().filter(|(name, _)| name == "pick").collect();
        let query = if value("all").is_none() && !picked.is_empty() {
            let ids: Vec<_> = picked.iter().map(|(_, id)| id.trim()).collect();
            format!("id:{}", ids.join(","))
        } else {
            value("q").unwrap_or_default().to_owned()
        };
        let number = |name: &str| value(name).map(str::parse).transpose();
        let unfit = |_| Problem::input("A number of the form does not fit.");
        let confirmed = Confirmed {
            changes: number("changes").map_err(unfit)?.unwrap_or(0),
            typed: value("typed").map(str::to_owned),
            form: value("form").map(|form| form.chars().take(MAX_FORM).collect()),
        };
        let before = value("before").map(str::parse).transpose().map_err(unfit)?;
        let once_more = value("once_more").is_some();
        Ok(Self { ask: BulkAsk { query, act, before, once_more }, confirmed })
    }
}

/// GET `/jobs/bulk`: what an act would do to the jobs of a query, or to those that were selected.
pub(super) async fn preview(
    State(app): State<App>,
    who: Signed,
    Query(pairs): Query<Pairs>,
) -> Result<Html<String>, Problem> {
    let Asked { ask, .. } = Asked::read(&pairs)?;
    whole(&app, &who, &ask, None).await
}

/// POST `/jobs/bulk`: does what a preview showed.
pub(super) async fn act(
    State(app): State<App>,
    who: Signed,
    Form(pairs): Form<Pairs>,
) -> Result<Response, Problem> {
    let Asked { ask, confirmed } = Asked::read(&pairs)?;
    let call = who.call(app.web.clock.now());
    let done = bulk::act_confirmed(&app.web.store, &call, ask.clone(), &confirmed).await;
    match (done, who.face()) {
        (Ok(answer), face) => {
            let page = match answer.value.job_id {
                Some(id) => nav::job(JobId(id)),
                None => done_link(&app.web.store, &ask, &answer.value).await,
            };
            Ok(answered(face, &answer, &page))
        }
        (Err(error), Face::Page) if error.class().is_refusal() => {
            let problem = Problem::from(error);
            let page = whole(&app, &who, &ask, Some(&problem)).await?;
            Ok((problem.status(), page).into_response())
        }
        (Err(error), _) => Err(error.into()),
    }
}

/// The jobs that were changed, or that a retry made, with what was done over them. If there are none, the list of the query.
async fn done_link(store: &Store, ask: &BulkAsk, done: &wire::BulkDone) -> Link {
    let changed: Vec<_> = done.ids.iter().copied().map(JobId).collect();
    let shown = match ask.act {
        // It is done, whatever a look at the new jobs says.
        BulkAct::Retry => {
            let new = logged(store.retries(changed).await).unwrap_or_default();
            new.into_values().map(|new| new.id).collect()
        }
        BulkAct::Delete => Vec::new(),
        BulkAct::Cancel | BulkAct::RunNow | BulkAct::SetPriority(_) => changed,
    };
    let ids: Vec<_> = shown.iter().map(ToString::to_string).collect();
    let query = if ids.is_empty() { ask.query.clone() } else { format!("id:{}", ids.join(",")) };
    let (act, changed) = (ask.act.as_str(), done.changed.to_string());
    link(Tab::Jobs.path()).with(&[("q", query.as_str()), ("did", act), ("n", &changed)])
}

/// What happened to jobs, behind their number.
pub(super) const fn done_word(act: BulkAct) -> &'static str {
    match act {
        BulkAct::Retry => "run again, each as a new job",
        BulkAct::Cancel => "cancelled, or asked to end",
        BulkAct::RunNow => "made due",
        BulkAct::Delete => "deleted",
        BulkAct::SetPriority(_) => "given another priority",
    }
}

/// What an act did, over the list from which it was asked for.
pub(super) fn did(word: &str, changed: u64) -> Option<Markup> {
    let act = BulkAct::parse(word, Some(0))?;
    let jobs = jobs_of(changed);
    let text = format!("{jobs} {}.", done_word(act));
    Some(notice(Tone::Ok, &html! { (text) }, &html! {}))
}

async fn whole(
    app: &App,
    who: &Signed,
    ask: &BulkAsk,
    problem: Option<&Problem>,
) -> Result<Html<String>, Problem> {
    let (store, now) = (&app.web.store, app.web.clock.now());
    let previewed = bulk::preview(store, &who.call(now), ask.clone()).await?;
    let sample = previewed.sample().iter().take(SAMPLE).cloned().collect::<Vec<_>>();
    let retries = jobs::retries(&app.web.store, &sample).await?;
    let facts = RowFacts { retries, ..RowFacts::default() };
    let changes = previewed.answer.value.changes;
    let content = html! {
        @if let Some(problem) = problem { (problem_notice(problem)) }
        div.stack.narrow-page {
            section #bulk-preview .card {
                div.card-body.stack {
                    p { (previewed.fit()) " " (consequence(ask.act)) }
                    p { "Jobs that match " code { (previewed.answer.value.query) } "." }
                    @for note in &previewed.answer.notes { (notice(Tone::Look, &html! { (note) }, &html! {})) }
                    (wider(ask, previewed.run_again()))
                    (errors(&previewed))
                    @if changes > 0 { (form(ask, &previewed)) }
                    @else { div.actions { a.btn href=(back(ask)) { "Back to the list" } } }
                }
            }
            @if !sample.is_empty() {
                (card("bulk-sample", "The newest of them", &html! { a.btn.btn-sm href=(back(ask)) { "Show all" } },
                    &job_rows(&sample, &facts, None, now)))
            }
        }
    };
    let above = vec![(Tab::Jobs.link(), Tab::Jobs.title().to_owned())];
    let frame = Frame::new(&app.web, Some(who)).at(Tab::Jobs).under(above).still();
    Ok(page::page(&frame, &question(ask.act, changes), &content))
}

/// The list from which the act was asked for.
fn back(ask: &BulkAsk) -> Link {
    Tab::Jobs.link().with(&[("q", &ask.query)])
}

/// What a retry leaves out because somebody has run it again already, and the way to a preview with it; or the way back.
fn wider(ask: &BulkAsk, left_out: u64) -> Markup {
    let to = |once_more: Option<&str>| {
        let asked =
            [("act", Some(ask.act.as_str())), ("q", Some(&ask.query)), ("once_more", once_more)];
        link(PATH).with(&asked)
    };
    html! {
        @if left_out > 0 {
            p #run-again {
                @if left_out == 1 { "One more was run again already and is left out. " }
                @else { (grouped(left_out)) " more were run again already and are left out. " }
                a href=(to(Some("1"))) {
                    @if left_out == 1 { "Run again also the one that was run again already" }
                    @else { "Run again also the " (grouped(left_out)) " that were run again already" }
                }
            }
        } @else if ask.once_more && ask.act == BulkAct::Retry {
            p #run-again {
                "Those that somebody has run again already are run once more. "
                a href=(to(None)) { "Only those that nobody has run again" }
            }
        }
    }
}

fn errors(previewed: &Previewed) -> Markup {
    let row = |error: &wire::BulkError| {
        html! { tr {
            td.main { div { (error.example.lines().next().unwrap_or_default()) } @if let Some(code) = &error.code { div.sub { code { (code) } } } }
            td.num data-label="jobs" { (grouped(error.count)) }
        } }
    };
    let rows: Vec<_> = previewed.answer.value.errors.iter().map(row).collect();
    html! { @if !rows.is_empty() { (table("Commonest errors", &["Commonest errors", "Jobs"], &rows)) } }
}

/// The form that does it. It names what was shown, so that nothing made later is touched.
fn form(ask: &BulkAsk, previewed: &Previewed) -> Markup {
    let value = &previewed.answer.value;
    let is_last = ask.act == BulkAct::Delete;
    html! {
        form #bulk-form .stack data-once method="post" action=(link(PATH)) {
            input type="hidden" name="act" value=(ask.act);
            input type="hidden" name="q" value=(ask.query);
            input type="hidden" name="before" value=(value.through_id + 1);
            input type="hidden" name="changes" value=(value.changes);
            input type="hidden" name="form" value=(correlation_id());
            @if ask.once_more { input type="hidden" name="once_more" value="1"; }
            @if let BulkAct::SetPriority(to) = ask.act { input type="hidden" name="priority" value=(to); }
            @if bulk::must_type(value.changes) {
                label.form-label for="typed" { "More than 100: type " (value.changes) " to go on" }
                input #typed .form-control name="typed" inputmode="numeric" autocomplete="off" autofocus required;
            }
            div.actions {
                a.btn href=(back(ask)) { "Go back" }
                button.btn.btn-primary[!is_last].btn-solid-danger[is_last] type="submit" { (label(ask.act, value.changes)) }
            }
        }
    }
}

fn jobs_of(count: u64) -> String {
    if count == 1 { "1 job".to_owned() } else { format!("{} jobs", grouped(count)) }
}

/// What the last button says.
fn label(act: BulkAct, count: u64) -> String {
    let jobs = jobs_of(count);
    match act {
        BulkAct::Cancel => format!("Cancel {jobs}"),
        BulkAct::Retry => format!("Retry {jobs}"),
        BulkAct::RunNow => format!("Run {jobs} now"),
        BulkAct::Delete => format!("Delete {jobs}"),
        BulkAct::SetPriority(to) => format!("Set the priority of {jobs} to {to}"),
    }
}

fn question(act: BulkAct, count: u64) -> String {
    format!("{}?", label(act, count))
}

fn consequence(act: BulkAct) -> &'static str {
    match act {
        BulkAct::Cancel => {
            "Jobs that wait do not start any more; those that run are asked to end. A cancelled job stays so; a copy of it can be run."
        }
        BulkAct::Retry => {
            "Each is run again as a new job with the same payload, from attempt 1 in its own queue. What the failed ones did stays done."
        }
        BulkAct::RunNow => "Their time is now. Limits, pauses and keys still hold.",
        BulkAct::Delete => {
            "Their history, attempts and transcripts go with them. Nobody can bring them back."
        }
        BulkAct::SetPriority(_) => "A lower number starts first.",
    }
}

/// The bar that appears with a selection of the list `q`. It is a plain form: its buttons lead to a preview.
pub(super) fn bar(query: &str, status: Option<Status>, total: Option<u64>, role: Role) -> Markup {
    let waits = !status.is_some_and(|status| status.is_final() || status == Status::Running);
    let is_over = status.is_none_or(Status::is_final);
    let is_open = !status.is_some_and(Status::is_final);
    let may_retry = is_over && status != Some(Status::Completed);
    let act = |act: &str, verb: &str, is_first: bool| {
        html! { button.btn.btn-sm.btn-primary[is_first] type="submit" name="act" value=(act) data-verb=(verb) { (verb) "…" } }
    };
    html! {
        @if jobs::may_act(role) {
            form #bulk .bulk method="get" action=(link(PATH)) data-total=[total] {
                input type="hidden" name="q" value=(query);
                strong data-count { "Selected" }
                label.all-match {
                    input.form-check-input type="checkbox" name="all" value="1";
                    @match total { Some(total) => { " All " (grouped(total)) " that match" }, None => " All that match" }
                }
                @if may_retry { (act("retry", "Retry", true)) }
                @if is_open { (act("cancel", "Cancel", false)) }
                @if waits {
                    (act("run_now", "Run now", false))
                    label.set-priority { "Priority " input.form-control type="number" name="priority" min="-100" max="100" value="0"; }
                    (act("set_priority", "Set priority", false))
                }
                @if is_over && jobs::may_delete(role) { (act("delete", "Delete", false)) }
                button.btn.btn-sm type="reset" { "Clear" }
            }
        }
    }
}
