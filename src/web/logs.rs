//! The page of log rows, with filters.

use super::app::{App, Program};
use super::base::{Link, link, query_text};
use super::caller::Signed;
use super::clocks::Clocks;
use super::components::{Way, empty, facets, level_badge, log_picture, pager, table};
use super::extract::{Query, given};
use super::face::Face;
use super::icon::{Icon, icon};
use super::log_sources;
use super::nav::{self, SCANNED, Tab};
use super::page::Frame;
use super::part::{LivePart, live_page, version};
use super::problem::{Problem, logged};
use super::session_file::download;
use crate::actions::logs::{self, LogExport, LogFile};
use crate::error::Code;
use crate::model::{Found, IssueId, Level, LogFilter, LogPicture, LogRow, Timestamp};
use crate::store::{ForeignLog, ScannedLog};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use futures_util::stream;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

pub(super) const PATH: &str = Tab::Logs.path();
pub(super) const PART_PATH: &str = "/logs/part";
pub(super) const EXPORT_PATH: &str = "/logs/export";
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
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
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
            since: given(self.since),
            until: given(self.until),
            ids: given(self.ids),
            log: given(self.log),
            ..self
        }
    }

    fn filter(&self, (clocks, now): (Clocks, Timestamp)) -> Result<LogFilter, Problem> {
        let ask = logs::LogsAsk {
            level: self.level.clone(),
            source: self.source.clone(),
            code: self.code.clone(),
            text: self.text.clone(),
            correlation_id: self.correlation_id.clone(),
            ids: self.ids.clone(),
            since: self.since.clone(),
            until: self.until.clone(),
            now,
            zone: clocks.zone_or_utc(),
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

/// The log that is asked for, and whether it is another program's.
fn asked_log(program: &Program, asked: &LogsQuery) -> (ScannedLog, bool) {
    let scanned = program.scanned.as_ref();
    match scanned.filter(|_| asked.log.as_deref() == Some(SCANNED)) {
        Some(log) => (ScannedLog::from(log), true),
        None => (ScannedLog::from(&program.logs), false),
    }
}

/// GET `/logs` and `/logs/part`: the newest rows that fit, and what they are about.
pub(super) async fn list(
    State(app): State<App>,
    who: Signed,
    Query(asked): Query<LogsQuery>,
) -> Result<Response, Problem> {
    let asked = asked.tidied();
    let program = app.web.program.as_ref().ok_or_else(|| Problem::of(Code::WebNotFound))?;
    let (log, is_foreign) = asked_log(program, &asked);
    let (now, clocks) = (app.web.clock.now(), who.clocks());
    let filter = asked.filter((clocks, now))?;
    let found = log.search(filter.clone()).await?;
    let known = app.web.store.issues_of_codes(codes(&found.rows)).await?;
    let content = html! {
        (rows(&found, &asked, &known, clocks))
        (more(&found, &asked))
    };
    // The picture is of the moment at which the page was opened: it does not move, and costs nothing while rows come in.
    let is_page = who.face() == Face::Page && asked.ids.is_none();
    let seen = if is_page {
        log.picture(LogFilter { before: None, ..filter }).await?
    } else {
        LogPicture::default()
    };
    let around = |part| {
        html! {
            @if let Some(log) = &program.scanned { (which(log, is_foreign)) }
            (ranges(&asked))
            div.cols.with-rail {
                (facets(&html! {}, &ways(&seen, &asked)))
                div.stack {
                    @if seen.counted > 0 { (log_picture(&seen, clocks, |since, until| span(&asked, since, until))) }
                    section.card { (filters(&asked, clocks)) (part) }
                }
            }
        }
    };
    let part = LivePart {
        id: "log-list",
        link: &asked.link(PART_PATH),
        version: version(&(found.rows.iter().map(|row| row.id).collect::<Vec<_>>(), &known)),
        content: &content,
    };
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Logs).acting(exports(&asked));
    Ok(live_page(&frame, Tab::Logs.title(), &part, around, (who.face(), asked.v.as_deref())))
}

/// The query of the address of a file.
#[derive(Deserialize)]
pub(super) struct FileQuery {
    /// `ndjson` or `csv`.
    #[serde(rename = "as")]
    form: String,
    /// Not empty if the file is to have all rows.
    #[serde(default)]
    whole: String,
}

/// GET `/logs/export`: the rows that fit, as a file. It is sent as it is read.
pub(super) async fn export(
    State(app): State<App>,
    who: Signed,
    Query(FileQuery { form, whole }): Query<FileQuery>,
    Query(asked): Query<LogsQuery>,
) -> Result<Response, Problem> {
    let asked = asked.tidied();
    let program = app.web.program.as_ref().ok_or_else(|| Problem::of(Code::WebNotFound))?;
    let file = LogFile::parse(&form)?;
    let (log, _) = asked_log(program, &asked);
    let now = app.web.clock.now();
    let place = Arc::clone(&app.tails).try_acquire_owned();
    let place = place.map_err(|_| Problem::of(Code::WebStreams))?;
    let export = LogExport::new(log, asked.filter((who.clocks(), now))?, file, !whole.is_empty());
    let parts = stream::unfold((export, place), async |(mut export, place)| {
        // A client sees that a file has no end when the connection ends without one.
        let part = match logged(export.next().await) {
            Some(part) => Ok(part?),
            None => Err(io::Error::other("the log cannot be read")),
        };
        Some((part, (export, place)))
    });
    let kind = match file {
        LogFile::Ndjson => "application/x-ndjson",
        LogFile::Csv => "text/csv; charset=utf-8",
    };
    let name = format!("logs-{}.{}", now.to_utc().format("%Y%m%d-%H%M%S"), file.ending());
    Ok(download(kind, &name, Body::from_stream(parts)))
}

/// The links to files of what is shown.
fn exports(asked: &LogsQuery) -> Markup {
    let asked = LogsQuery { before: None, ..asked.clone() };
    let file = |form: &str| asked.link(EXPORT_PATH).with(&[("as", form)]);
    html! {
        a.btn href=(file("ndjson")) download { (icon(Icon::FileText)) "Export" }
        a.btn href=(file("csv")) download { "CSV" }
    }
}

/// The same question about another span of time.
fn span(asked: &LogsQuery, since: Timestamp, until: Timestamp) -> Link {
    let at = |at: Timestamp| Some(at.to_utc().format("%Y-%m-%dT%H:%M:%SZ").to_string());
    LogsQuery { since: at(since), until: at(until), before: None, ..asked.clone() }.link(PATH)
}

/// The choice of a time, and the fields for any other.
fn ranges(asked: &LogsQuery) -> Markup {
    let way = |name: &str, since: Option<&str>| {
        let is_open = asked.until.is_none() && asked.since.as_deref() == since;
        let since = since.map(str::to_owned);
        let to = LogsQuery { since, until: None, before: None, ..asked.clone() }.link(PATH);
        html! { a href=(to) aria-current=[is_open.then_some("true")] { (name) } }
    };
    html! {
        div.actions.ranges {
            nav.seg aria-label="Time" {
                (way("1 h", Some("1h"))) (way("24 h", Some("24h"))) (way("7 d", Some("7d"))) (way("All", None))
            }
            @if asked.since.is_some() || asked.until.is_some() {
                span.sub {
                    @if let Some(since) = &asked.since { "from " (since) " " }
                    @if let Some(until) = &asked.until { "to " (until) }
                }
            }
            button.btn.open-facets type="button" popovertarget="facets" { (icon(Icon::Filter)) "Filters" }
        }
    }
}

/// The levels, sources and codes of what is shown, with their counts.
fn ways(seen: &LogPicture, asked: &LogsQuery) -> [(&'static str, Vec<Way>); 3] {
    let base = LogsQuery { before: None, ids: None, ..asked.clone() };
    let any = |name: &str, is_open, query: LogsQuery| Way {
        name: name.to_owned(),
        count: None,
        link: query.link(PATH),
        is_open,
    };
    let level = |(level, count): (&Level, &u64)| Way {
        name: level.to_string(),
        count: Some(*count),
        link: LogsQuery { level: Some(level.to_string()), ..base.clone() }.link(PATH),
        is_open: asked.level.as_deref() == Some(level.as_str()),
    };
    let mut levels =
        vec![any("Any", asked.level.is_none(), LogsQuery { level: None, ..base.clone() })];
    levels.extend(
        Level::ALL.iter().zip(&seen.levels).rev().filter(|(_, count)| **count > 0).map(level),
    );
    let named = |counts: &[(String, u64)],
                 open: Option<&str>,
                 with: fn(LogsQuery, Option<String>) -> LogsQuery| {
        let mut ways = Vec::new();
        if !counts.is_empty() || open.is_some() {
            ways.push(any("Any", open.is_none(), with(base.clone(), None)));
        }
        ways.extend(counts.iter().map(|(name, count)| Way {
            name: name.clone(),
            count: Some(*count),
            link: with(base.clone(), Some(name.clone())).link(PATH),
            is_open: open == Some(name),
        }));
        ways
    };
    let source = |query: LogsQuery, source| LogsQuery { source, ..query };
    let code = |query: LogsQuery, code| LogsQuery { code, ..query };
    [
        ("Level", if seen.counted > 0 { levels } else { Vec::new() }),
        ("Source", named(&seen.sources, asked.source.as_deref(), source)),
        ("Code", named(&seen.codes, asked.code.as_deref(), code)),
    ]
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

fn filters(asked: &LogsQuery, clocks: Clocks) -> Markup {
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
            (field("since", &format!("From ({}, or 24h)", clocks.name()), &asked.since))
            (field("until", &format!("To ({})", clocks.name()), &asked.until))
            @if let Some(ids) = &asked.ids { p.soft { "Only rows " (ids.replace(',', ", ")) " are shown." } }
            button.btn type="submit" { "Filter" }
            @if !asked.is_empty() { a.btn.btn-quiet href=(link(PATH)) { "Clear" } }
            a.btn.btn-quiet href=(link(log_sources::PATH)) { "Followed logs" }
        }
    }
}

fn rows(found: &Found<LogRow>, asked: &LogsQuery, known: &Known, clocks: Clocks) -> Markup {
    if !found.rows.is_empty() {
        let lines: Vec<_> = found.rows.iter().map(|row| line(row, asked, known, clocks)).collect();
        let time = format!("Time, {}", clocks.name());
        let columns = [time.as_str(), "Level", "Source", "Message", "Correlation id"];
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

/// A row on one line. Its message is cut at the edge, and stands there whole when it is opened, with what else the row holds.
fn line(row: &LogRow, asked: &LogsQuery, known: &Known, clocks: Clocks) -> Markup {
    let LogRow { id, row } = row;
    let coded = coded(&row.message);
    let message = coded.map_or(row.message.as_str(), |(_, rest)| rest.trim_start());
    let (first, rest) = message.split_once('\n').unwrap_or((message, ""));
    let rest = [Some(rest), row.extra_data.as_deref()].into_iter().flatten();
    let rest = rest.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n");
    let at = Timestamp::from_iso(&row.timestamp);
    html! {
        tr id={ "row-" (id) } {
            td title=[at.map(|at| clocks.exact(at))] {
                @match at { Some(at) => (clocks.millisecond(at)), None => (row.timestamp) }
            }
            td { (level_badge(row.level)) }
            td.source { (row.source) }
            td.note { div.line {
                @if let Some((code, _)) = coded {
                    @let same = LogsQuery { code: Some(code.to_owned()), log: asked.log.clone(), ..LogsQuery::default() };
                    @let issue = known.get(code).map(|id| nav::issue(*id));
                    @let title = if issue.is_some() { "The issue of this code".to_owned() } else { format!("Rows with {code}") };
                    a href=(issue.unwrap_or_else(|| same.link(PATH))) title=(title) { (code) }
                }
                details id={ "message-" (id) } {
                    summary { (first) @if !rest.is_empty() { span.soft { " · more" } } }
                    @if !rest.is_empty() { pre tabindex="0" { (rest) } }
                }
            } }
            td {
                @if let Some(correlation) = &row.correlation_id {
                    @let same = LogsQuery { correlation_id: Some(correlation.clone()), log: asked.log.clone(), ..LogsQuery::default() };
                    @if asked.correlation_id.is_some() { (correlation) } @else { a href=(same.link(PATH)) { (correlation) } }
                }
            }
        }
    }
}

/// The issues of error codes, as far as codes have one.
type Known = BTreeMap<String, IssueId>;

/// The error codes of rows.
fn codes(rows: &[LogRow]) -> Vec<String> {
    rows.iter().filter_map(|row| Some(coded(&row.row.message)?.0.to_owned())).collect()
}

/// A message that begins with an error code in brackets, as the code and the rest.
fn coded(message: &str) -> Option<(&str, &str)> {
    let (code, rest) = message.strip_prefix('[')?.split_once(']')?;
    let is_code = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    (code.len() < 64 && code.contains('-') && code.bytes().all(is_code)).then_some((code, rest))
}

fn more(found: &Found<LogRow>, asked: &LogsQuery) -> Markup {
    let first = asked.before.map(|_| LogsQuery { before: None, ..asked.clone() }.link(PATH));
    let next = found.next.map(|id| LogsQuery { before: Some(id), ..asked.clone() }.link(PATH));
    let text = if found.cut_short { "100,000 rows were looked through: go on" } else { "Older" };
    pager(first.as_ref(), next.as_ref().map(|next| (next, text)))
}
