//! The page of the audit log: who did what, from where and when, with what was so before and after.

use super::app::App;
use super::base::{Link, link, query_text};
use super::caller::Signed;
use super::clocks::Clocks;
use super::components::{changed, empty, pager, problem_notice, settings_tabs, table, when};
use super::extract::{Query, given};
use super::face::Face;
use super::nav::{self, Tab};
use super::page::Frame;
use super::part::{LivePart, live_page, version};
use super::problem::{Problem, refused_as};
use crate::actions::audit::{self, DeedsAsk};
use crate::model::{BatchId, Deed, Found, IssueId, JobId, Queue, ScheduleName, Timestamp};
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

pub(super) const PART_PATH: &str = "/audit/part";
/// How many rows a page shows.
const ROWS: usize = 50;

/// The address's query.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(super) struct AuditQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    who: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<i64>,
    #[serde(skip_serializing)]
    v: Option<String>,
}

impl AuditQuery {
    /// The query without its empty fields, which a form sends too.
    fn tidied(self) -> Self {
        Self {
            who: given(self.who),
            what: given(self.what),
            subject: given(self.subject),
            since: given(self.since),
            until: given(self.until),
            ..self
        }
    }

    fn ask(&self) -> DeedsAsk {
        DeedsAsk {
            who: self.who.clone(),
            what: self.what.clone(),
            subject: self.subject.clone(),
            since: self.since.clone(),
            until: self.until.clone(),
            before: self.before,
            limit: ROWS,
        }
    }

    /// The same without the times that cannot be read.
    fn readable(&self, now: Timestamp) -> Self {
        let reads = |text: &String| {
            let one = Self { since: Some(text.clone()), ..Self::default() };
            audit::filter(one.ask(), now).is_ok()
        };
        Self {
            since: self.since.clone().filter(reads),
            until: self.until.clone().filter(reads),
            before: self.before.filter(|before| *before > 0),
            ..self.clone()
        }
    }

    fn link(&self, path: &str) -> Link {
        link(path).with(self)
    }

    fn is_empty(&self) -> bool {
        query_text(self).is_empty()
    }
}

/// GET `/audit` and `/audit/part`: the newest rows that fit.
pub(super) async fn page(
    State(app): State<App>,
    who: Signed,
    Query(asked): Query<AuditQuery>,
) -> Result<Response, Problem> {
    let (typed, now) = (asked.tidied(), app.web.clock.now());
    // A person whose filter cannot be read keeps it, and sees the rows of what of it can be.
    let (asked, problem) = match audit::filter(typed.ask(), now) {
        Err(error) if who.face() == Face::Page => (typed.readable(now), Some(Problem::from(error))),
        Ok(_) | Err(_) => (typed.clone(), None),
    };
    let found = app.web.store.find_deeds(audit::filter(asked.ask(), now)?).await?;
    let content = html! {
        (rows(&found, &asked, app.web.has_program(), (who.clocks(), now)))
        (more(&found, &asked))
    };
    let around = |part| {
        html! {
            (settings_tabs(&who, nav::AUDIT, app.web.has_program()))
            @if let Some(problem) = &problem { (problem_notice(problem)) }
            section.card #audit { (filters(&typed)) (part) }
        }
    };
    let part = LivePart {
        id: "audit-log",
        link: &asked.link(PART_PATH),
        version: version(&found.rows.iter().map(|deed| deed.id).collect::<Vec<_>>()),
        content: &content,
    };
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Settings);
    let shown = live_page(&frame, "Audit log", &part, around, (who.face(), asked.v.as_deref()));
    Ok(refused_as(problem.as_ref(), shown))
}

fn filters(asked: &AuditQuery) -> Markup {
    let field = |name: &str, label: &str, value: &Option<String>, example: &str| {
        html! {
            label {
                span { (label) }
                input.form-control type="text" name=(name) value=[value.as_deref()] maxlength="200" placeholder=(example)
                    autocomplete="off" autocapitalize="none" spellcheck="false";
            }
        }
    };
    html! {
        form.filters method="get" action=(link(nav::AUDIT)) {
            (field("who", "Who", &asked.who, "admin"))
            (field("what", "What", &asked.what, "sign in"))
            (field("subject", "Subject", &asked.subject, "queue agent"))
            (field("since", "Since", &asked.since, "2h, 2026-11-21"))
            (field("until", "Until", &asked.until, "1h, 2026-11-22"))
            button.btn type="submit" { "Filter" }
            @if !asked.is_empty() { a.btn.btn-quiet href=(link(nav::AUDIT)) { "Clear" } }
        }
    }
}

fn rows(
    found: &Found<Deed>,
    asked: &AuditQuery,
    has_program: bool,
    (clocks, now): (Clocks, Timestamp),
) -> Markup {
    if !found.rows.is_empty() {
        // Rows are stored one after another. Where a clock was set back meanwhile, the times of these are in order all the same.
        let mut deeds: Vec<_> = found.rows.iter().collect();
        deeds.sort_by_key(|deed| std::cmp::Reverse((deed.at, deed.id)));
        let lines: Vec<_> =
            deeds.into_iter().map(|deed| line(deed, has_program, clocks, now)).collect();
        let columns = ["When", "Who", "From", "What", "What changed"];
        return table("Audit log", &columns, &lines);
    }
    let filtered = !asked.is_empty();
    let next = html! {
        @if filtered {
            "Nothing fits these conditions. " a href=(link(nav::AUDIT)) { "Show all rows" }
        } @else {
            "Every change by a person leaves a row here: who, what, and from where."
        }
    };
    empty(if filtered { "No such rows" } else { "Nothing yet" }, &next)
}

fn line(deed: &Deed, has_program: bool, clocks: Clocks, now: Timestamp) -> Markup {
    let change = match (deed.action.as_str(), &deed.before, &deed.after) {
        ("resume", Some(reason), None) => html! { "resumed; it was paused: " (reason) },
        (_, before, after) => {
            changed(&format!("deed-{}", deed.id), before.as_deref(), after.as_deref())
        }
    };
    let theirs = AuditQuery { who: Some(deed.by.name.clone()), ..AuditQuery::default() };
    html! {
        tr {
            td { (when(deed.at, now)) div.sub { (clocks.minute(deed.at)) } }
            td { a href=(theirs.link(nav::AUDIT)) { (deed.by.name) } }
            td data-label="From" { (deed.by.remote.as_deref().unwrap_or("this machine")) }
            td.what {
                strong { (deed.action) } " "
                @match about(&deed.subject, has_program) { Some(page) => a href=(page) { (deed.subject) }, None => (deed.subject) }
            }
            td.note data-label="changed" { (change) }
        }
    }
}

/// The page of what a row is about, if it has one: a queue, a schedule, a job, a batch, an issue, or a text to approve.
fn about(subject: &str, has_program: bool) -> Option<Link> {
    let (what, rest) = subject.split_once(' ')?;
    let name = rest.split([' ', ':']).next()?;
    let number = || name.parse::<i64>().ok();
    match what {
        "job" => Some(nav::job(JobId(number()?))),
        "batch" => Some(nav::batch(BatchId(number()?))),
        "queue" => Some(nav::queue(&Queue::parse(name).ok()?)),
        "schedule" => Some(nav::schedule(&ScheduleName::parse(name).ok()?)),
        "issue" if has_program => Some(nav::issue(IssueId(number()?))),
        "filing" if has_program => Some(link(nav::APPROVALS).at(&format!("filing-{}", number()?))),
        _ => None,
    }
}

fn more(found: &Found<Deed>, asked: &AuditQuery) -> Markup {
    let first = asked.before.map(|_| AuditQuery { before: None, ..asked.clone() }.link(nav::AUDIT));
    let next =
        found.next.map(|id| AuditQuery { before: Some(id), ..asked.clone() }.link(nav::AUDIT));
    let text = if found.cut_short { "100,000 rows were looked through: go on" } else { "Older" };
    pager(first.as_ref(), next.as_ref().map(|next| (next, text)))
}
