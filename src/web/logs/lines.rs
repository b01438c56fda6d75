//! The rows of a log, a line each.

use super::super::clocks::Clocks;
use super::super::components::{empty, level_badge, pager, table};
use super::super::nav;
use super::asked::{self, LogsQuery};
use crate::model::{Found, IssueId, LogRow, Timestamp};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// The rows that were found, or what to do where there are none.
pub(super) fn rows(
    found: &Found<LogRow>,
    asked: &LogsQuery,
    known: &Known,
    clocks: Clocks,
) -> Markup {
    if !found.rows.is_empty() {
        return lines(&found.rows, asked, known, clocks);
    }
    none(asked)
}

/// How many characters of a correlation id a row shows; the whole is in its link and told on hover.
const SHORT_ID: usize = 8;

/// What to do where no row was found.
pub(super) fn none(asked: &LogsQuery) -> Markup {
    let filtered = !asked.is_empty();
    let next = html! {
        @if filtered {
            "Nothing fits these conditions. " a href=(asked.whole().link(asked::PATH)) { "Show all rows" }
        } @else {
            "The server's own lines appear here. Bring in others with "
            code { "lamplighter logs import FILE" } "."
        }
    };
    empty(if filtered { "No such rows" } else { "No log rows yet" }, &next)
}

/// The lines.
pub(super) fn lines(rows: &[LogRow], asked: &LogsQuery, known: &Known, clocks: Clocks) -> Markup {
    let lines: Vec<_> = rows.iter().map(|row| line(row, asked, known, clocks)).collect();
    let time = format!("Time, {}", clocks.name());
    let columns = [time.as_str(), "Level", "Source", "Message", "Request"];
    html! { div.log { (table("Log rows", &columns, &lines)) } }
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
            td.source title=(row.source) { (row.source) }
            td.note { div.line {
                @if let Some((code, _)) = coded {
                    @let same = LogsQuery { code: Some(code.to_owned()), log: asked.log.clone(), ..LogsQuery::default() };
                    @let issue = known.get(code).map(|id| nav::issue(*id));
                    @let title = if issue.is_some() { "The issue of this code".to_owned() } else { format!("Rows with {code}") };
                    a href=(issue.unwrap_or_else(|| same.link(asked::PATH))) title=(title) { (code) }
                }
                details id={ "message-" (id) } {
                    summary { (first) @if !rest.is_empty() { span.soft { " · more" } } }
                    @if !rest.is_empty() { pre tabindex="0" { (rest) } }
                }
            } }
            td {
                @if let Some(correlation) = &row.correlation_id {
                    @let same = LogsQuery { correlation_id: Some(correlation.clone()), log: asked.log.clone(), ..LogsQuery::default() };
                    @let short: String = correlation.chars().take(SHORT_ID).collect();
                    @if asked.correlation_id.is_some() { span title=(correlation) { (short) } }
                    @else { a href=(same.link(asked::PATH)) title={ "Rows of " (correlation) } { (short) } }
                }
            }
        }
    }
}

/// The issues of error codes, as far as codes have one.
pub(super) type Known = BTreeMap<String, IssueId>;

/// The error codes of rows.
pub(super) fn codes(rows: &[LogRow]) -> Vec<String> {
    rows.iter().filter_map(|row| Some(coded(&row.row.message)?.0.to_owned())).collect()
}

/// A message that begins with an error code in brackets, as the code and the rest.
fn coded(message: &str) -> Option<(&str, &str)> {
    let (code, rest) = message.strip_prefix('[')?.split_once(']')?;
    let is_code = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    (code.len() < 64 && code.contains('-') && code.bytes().all(is_code)).then_some((code, rest))
}

/// The ways to the rest of the rows.
pub(super) fn more(found: &Found<LogRow>, asked: &LogsQuery) -> Markup {
    let first = asked.before.map(|_| LogsQuery { before: None, ..asked.clone() }.link(asked::PATH));
    let next =
        found.next.map(|id| LogsQuery { before: Some(id), ..asked.clone() }.link(asked::PATH));
    let text = if found.cut_short { "100,000 rows were looked through: go on" } else { "Older" };
    pager(first.as_ref(), next.as_ref().map(|next| (next, text)))
}
