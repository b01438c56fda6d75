//! The page of log rows, with filters: the rows one by one, or grouped by what they say.

mod around;
mod asked;
mod lines;
mod patterns;

pub(super) use asked::EXPORT_PATH;
pub(super) use asked::PART_PATH;
pub(super) use asked::PATH;

use super::app::{App, Program};
use super::caller::Signed;
use super::components::{facets, log_picture, problem_notice};
use super::extract::Query;
use super::face::Face;
use super::nav::{SCANNED, Tab};
use super::page::{Frame, page};
use super::part::{LivePart, live_page, version};
use super::problem::{Problem, logged, refused_as};
use super::session_file::download_as_read;
use crate::actions::logs::{LogExport, LogFile};
use crate::error::Code;
use crate::model::{LogFilter, LogPicture};
use crate::store::ScannedLog;
use around::{exports, filters, ranges, views, ways, which};
use asked::{LogsQuery, span};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use lines::{codes, more, rows};
use maud::html;
use serde::Deserialize;
use std::io;
use std::sync::Arc;

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
    let typed = asked.tidied();
    let program = app.web.program.as_ref().ok_or_else(|| Problem::of(Code::WebNotFound))?;
    let (log, is_foreign) = asked_log(program, &typed);
    let (now, clocks) = (app.web.clock.now(), who.clocks());
    // A person whose filter cannot be read keeps it, and sees the rows of what of it can be.
    let (asked, problem) = match typed.filter((clocks, now)) {
        Err(problem) if who.face() == Face::Page => (typed.readable((clocks, now)), Some(problem)),
        Ok(_) | Err(_) => (typed.clone(), None),
    };
    let filter = asked.filter((clocks, now))?;
    // The picture is of the moment at which the page was opened: it does not move, and costs nothing while rows come in.
    let is_page = who.face() == Face::Page && asked.ids.is_none();
    let seen = if is_page {
        log.picture(LogFilter { before: None, ..filter.clone() }).await?
    } else {
        LogPicture::default()
    };
    let around = |part| {
        html! {
            @if let Some(problem) = &problem { (problem_notice(problem)) }
            @if let Some(log) = &program.scanned { (which(log, is_foreign)) }
            (ranges(&asked))
            div.cols.with-rail {
                (facets(&html! {}, &ways(&seen, &asked)))
                div.stack {
                    @if seen.counted > 0 { (log_picture(&seen, clocks, |since, until| span(&asked, since, until))) }
                    section.card { (views(&asked)) (filters(&typed, clocks)) (part) }
                }
            }
        }
    };
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::Logs).acting(exports(&asked));
    if asked.is_grouped() {
        // The rows are not grouped again with each one that comes in.
        let of = (&app.web.store, &log);
        let view = patterns::view(of, &asked, (filter, &seen), (clocks, now)).await?;
        let grouped = page(&frame.still(), Tab::Logs.title(), &around(view)).into_response();
        return Ok(refused_as(problem.as_ref(), grouped));
    }
    let found = log.search(filter).await?;
    let known = app.web.store.issues_of_codes(codes(&found.rows)).await?;
    let content = html! {
        (rows(&found, &asked, &known, clocks))
        (more(&found, &asked))
    };
    let part = LivePart {
        id: "log-list",
        link: &asked.link(PART_PATH),
        version: version(&(found.rows.iter().map(|row| row.id).collect::<Vec<_>>(), &known)),
        content: &content,
    };
    let shown =
        live_page(&frame, Tab::Logs.title(), &part, around, (who.face(), asked.v.as_deref()));
    Ok(refused_as(problem.as_ref(), shown))
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
    Ok(download_as_read(kind, &name, parts))
}
