//! The page of log rows, with filters.

use super::app::App;
use super::base::{Link, link, query_text};
use super::caller::Signed;
use super::components::{empty, folded, level_badge, pager, table};
use super::extract::{Query, given};
use super::log_sources;
use super::nav::{SCANNED, Tab};
use super::page::Frame;
use super::part::{LivePart, live_page, version};
use super::problem::Problem;
use crate::actions::logs;
use crate::error::Code;
use crate::model::{Found, Level, LogFilter, LogRow};
use crate::store::{ForeignLog, ScannedLog};
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

pub(super) const PATH: &str = Tab::Logs.path();
pub(super) const PART_PATH: &str = "/logs/part";
/// How many rows a page shows.
const ROWS: usize = 50;

/// The address's query.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(super) struct LogsQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ids: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<i64>,
    /// `scanned`: the log that scans read, where it is another program's.
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
    #[serde(skip_serializing)]
    v: Option<String>,
}

impl LogsQuery {
    /// The query without its empty fields, which a form sends too.
    fn tidied(self) -> Self {
        Self {
            level: given(self.level),
            source: given(self.source),
            code: given(self.code),
            text: given(self.text),
            correlation_id: given(self.correlation_id),
            ids: given(self.ids),
            log: given(self.log),
            ..self
        }
    }

    fn filter(&self) -> Result<LogFilter, Problem> {
        let ask = logs::LogsAsk {
            level: self.level.clone(),
            source: self.source.clone(),
            code: self.code.clone(),
            text: self.text.clone(),
            correlation_id: self.correlation_id.clone(),
            ids: self.ids.clone(),
            before: self.before,
            limit: ROWS,
        };
        Ok(logs::filter(ask)?)
    }

    fn link(&self, path: &str) -> Link {
        link(path).with(self)
    }

    fn is_empty(&self) -> bool {
        query_text(self).is_empty()
    }
}

/// GET `/logs` and `/logs/part`: the newest rows that fit.
pub(super) async fn list(
    State(app): State<App>,
    who: Signed,
    Query(asked): Query<LogsQuery>,
) -> Result<Response, Problem> {
    let asked = asked.tidied();
    let program = app.web.program.as_ref().ok_or_else(|| Problem::of(Code::WebNotFound))?;
    let scanned = program.scanned.as_ref();
    let foreign = scanned.filter(|_| asked.log.as_deref() == Some(SCANNED));
    let found = match foreign {
        Some(log) => ScannedLog::from(log).search(asked.filter()?).await?,
        None => program.logs.search(asked.filter()?).await?,
    };
    let content = html! {
        (rows(&found, &asked))
        (more(&found, &asked))
    };
    let around = |part| {
        html! {
            @if let Some(log) = scanned { (which(log, foreign.is_some())) }
            section.card { (filters(&asked)) (part) }
        }
    };
    let part = LivePart {
        id: "log-list",
        link: &asked.link(PART_PATH),
        version: version(&found.rows.iter().map(|row| row.id).collect::<Vec<_>>()),
        content: &content,
    };
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Logs);
    Ok(live_page(&frame, Tab::Logs.title(), &part, around, (who.face(), asked.v.as_deref())))
}

/// Which log is shown, and the way to the other one.
fn which(scanned: &ForeignLog, is_shown: bool) -> Markup {
    let other = LogsQuery { log: Some(SCANNED.to_owned()), ..LogsQuery::default() };
    html! {
        p.soft {
            @if is_shown {
                "These are the rows of " code { (scanned.table()) } ", which scans read. "
                a href=(link(PATH)) { "Show the server's own rows" }
            } @else {
                "These are the server's own rows. Scans read those of " code { (scanned.table()) } ". "
                a href=(other.link(PATH)) { "Show those" }
            }
        }
    }
}

fn filters(asked: &LogsQuery) -> Markup {
    let field = |name: &str, label: &str, value: &Option<String>| {
        html! {
            label { span { (label) } input.form-control type="text" name=(name) value=[value.as_deref()] maxlength="200"; }
        }
    };
    html! {
        form.filters method="get" action=(link(PATH)) {
            label {
                span { "Text" }
                input.form-control type="search" name="text" value=[asked.text.as_deref()] maxlength="200";
            }
            label {
                span { "Level" }
                select.form-select name="level" {
                    option value="" { "any" }
                    @for level in Level::ALL {
                        option value=(level) selected[asked.level.as_deref() == Some(level.as_str())] {
                            (level) @if level != Level::Critical { " and worse" }
                        }
                    }
                }
            }
            @if let Some(log) = &asked.log { input type="hidden" name="log" value=(log); }
            (field("source", "Source", &asked.source))
            (field("code", "Error code", &asked.code))
            (field("correlation_id", "Correlation id", &asked.correlation_id))
            @if let Some(ids) = &asked.ids { p.soft { "Only rows " (ids.replace(',', ", ")) " are shown." } }
            button.btn type="submit" { "Filter" }
            @if !asked.is_empty() { a.btn.btn-quiet href=(link(PATH)) { "Clear" } }
            a.btn.btn-quiet href=(link(log_sources::PATH)) { "Followed logs" }
        }
    }
}

fn rows(found: &Found<LogRow>, asked: &LogsQuery) -> Markup {
    if !found.rows.is_empty() {
        let lines: Vec<_> = found.rows.iter().map(|row| line(row, asked)).collect();
        let columns = ["Time", "Level", "Source", "Message", "Correlation id"];
        return html! { div.log { (table("Log rows", &columns, &lines)) } };
    }
    let filtered = !asked.is_empty();
    let next = html! {
        @if filtered {
            "Nothing fits these conditions. " a href=(link(PATH)) { "Show all rows" }
        } @else {
            "The server's own lines appear here. Bring in others with "
            code { "lamplighter logs import FILE" } "."
        }
    };
    empty(if filtered { "No such rows" } else { "No log rows yet" }, &next)
}

fn line(row: &LogRow, asked: &LogsQuery) -> Markup {
    let LogRow { id, row } = row;
    html! {
        tr id={ "row-" (id) } {
            td { (row.timestamp) }
            td { (level_badge(row.level)) }
            td.source { (row.source) }
            td.note {
                (folded(&format!("message-{id}"), &row.message))
                @if let Some(extra) = &row.extra_data {
                    details id={ "extra-" (id) } { summary.soft { "more" } pre tabindex="0" { (extra) } }
                }
            }
            td {
                @if let Some(correlation) = &row.correlation_id {
                    @let same = LogsQuery { correlation_id: Some(correlation.clone()), log: asked.log.clone(), ..LogsQuery::default() };
                    @if asked.correlation_id.is_some() { (correlation) } @else { a href=(same.link(PATH)) { (correlation) } }
                }
            }
        }
    }
}

fn more(found: &Found<LogRow>, asked: &LogsQuery) -> Markup {
    let first = asked.before.map(|_| LogsQuery { before: None, ..asked.clone() }.link(PATH));
    let next = found.next.map(|id| LogsQuery { before: Some(id), ..asked.clone() }.link(PATH));
    let text = if found.cut_short { "100,000 rows were looked through: go on" } else { "Older" };
    pager(first.as_ref(), next.as_ref().map(|next| (next, text)))
}
