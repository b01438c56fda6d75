//! What stands around the rows of a log: which log it is, the time, the views, the conditions, the files.

use super::super::base::link;
use super::super::clocks::Clocks;
use super::super::components::{Way, tabs};
use super::super::icon::{Icon, icon};
use super::super::log_sources;
use super::super::nav::SCANNED;
use super::asked::{EXPORT_PATH, LogsQuery, PATH, PATTERNS};
use crate::model::{Level, LogPicture};
use crate::store::ForeignLog;
use maud::{Markup, html};

/// The links to files of what is shown.
pub(super) fn exports(asked: &LogsQuery) -> Markup {
    let asked = LogsQuery { view: None, ..asked.anew() };
    let file = |form: &str| asked.link(EXPORT_PATH).with(&[("as", form)]);
    html! {
        a.btn href=(file("ndjson")) download { (icon(Icon::FileText)) "Export" }
        a.btn href=(file("csv")) download { "CSV" }
    }
}

/// The rows one by one, or grouped by what they say.
pub(super) fn views(asked: &LogsQuery) -> Markup {
    let way = |name: &str, view: Option<&str>, is_open| Way {
        name: name.to_owned(),
        count: None,
        link: LogsQuery { view: view.map(str::to_owned), ..asked.anew() }.link(PATH),
        is_open,
    };
    let is_grouped = asked.is_grouped();
    tabs("Views", &[way("Lines", None, !is_grouped), way("Patterns", Some(PATTERNS), is_grouped)])
}

/// The choice of a time, and the fields for any other.
pub(super) fn ranges(asked: &LogsQuery) -> Markup {
    let way = |name: &str, since: Option<&str>| {
        let is_open = asked.until.is_none() && asked.since.as_deref() == since;
        let since = since.map(str::to_owned);
        let to = LogsQuery { since, until: None, ..asked.anew() }.link(PATH);
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
pub(super) fn ways(seen: &LogPicture, asked: &LogsQuery) -> [(&'static str, Vec<Way>); 3] {
    let base = LogsQuery { ids: None, ..asked.anew() };
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
        (
            most_of("Source", "Source, the 12 with most rows", &seen.sources),
            named(&seen.sources, asked.source.as_deref(), source),
        ),
        (
            most_of("Code", "Code, the 12 with most rows", &seen.codes),
            named(&seen.codes, asked.code.as_deref(), code),
        ),
    ]
}

const _: () = assert!(LogPicture::NAMED == 12, "the heads of the names tell this number");

/// The head of names with their counts, which says so where there may be more names than those that are shown.
fn most_of(whole: &'static str, some: &'static str, shown: &[(String, u64)]) -> &'static str {
    if shown.len() < LogPicture::NAMED { whole } else { some }
}

/// Which log is shown, and the way to the other one.
pub(super) fn which(scanned: &ForeignLog, is_shown: bool) -> Markup {
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

/// The fields of the conditions.
pub(super) fn filters(asked: &LogsQuery, clocks: Clocks) -> Markup {
    let field = |name: &str, label: &str, value: &Option<String>| {
        html! {
            label { span { (label) } input.form-control type="text" name=(name) value=[value.as_deref()] maxlength="200"; }
        }
    };
    html! {
        form.filters.of-log method="get" action=(link(PATH)) {
            label.wide-field {
                span { "Text" }
                input.form-control type="search" name="text" value=[asked.text.as_deref()] maxlength="200";
            }
            label {
                span { "Level, at least" }
                select.form-select name="level" {
                    option value="" { "any" }
                    @for level in Level::ALL {
                        option value=(level) selected[asked.level.as_deref() == Some(level.as_str())] { (level) }
                    }
                }
            }
            @if let Some(view) = &asked.view { input type="hidden" name="view" value=(view); }
            @if let Some(log) = &asked.log { input type="hidden" name="log" value=(log); }
            (field("source", "Source", &asked.source))
            (field("code", "Error code", &asked.code))
            (field("correlation_id", "Correlation id", &asked.correlation_id))
            label {
                span { "From (" (clocks.name()) ")" }
                input.form-control type="text" name="since" value=[asked.since.as_deref()] maxlength="200" placeholder="14:00, or 24h";
            }
            (field("until", &format!("To ({})", clocks.name()), &asked.until))
            @if let Some(ids) = &asked.ids { p.soft { "Only rows " (ids.replace(',', ", ")) " are shown." } }
            div.actions {
                button.btn type="submit" { "Filter" }
                @if !asked.is_empty() { a.btn.btn-quiet href=(asked.whole().link(PATH)) { "Clear" } }
                a.btn.btn-quiet href=(link(log_sources::PATH)) { "Followed logs" }
            }
        }
    }
}
