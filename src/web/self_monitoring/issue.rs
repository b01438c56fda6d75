//! The page of one issue: how it stands, when it was met, its text and its log rows, what became of it, and what can be done.

use super::super::app::{App, Program};
use super::super::base::link;
use super::super::caller::Signed;
use super::super::clocks::Clocks;
use super::super::components::{
    DayBar, capital, card, class_badge, day_bars, empty, grouped, is_web_link, issue_number,
    issue_state, issue_steps, issue_trend, level_badge, rendered, table, when,
};
use super::super::extract::{Id, Query};
use super::super::nav::{self, ShownLog, Tab};
use super::super::page::Frame;
use super::super::part::{LivePart, Shown, live_page, version};
use super::super::problem::Problem;
use crate::actions::issues::{self, IssueDay, IssueDeed};
use crate::actions::{approvals, refile};
use crate::model::{
    FilingState, Issue, IssueId, IssueRecord, IssueState, IssueStep, LogFilter, LogRow, Role,
    SeenOverTime, Timestamp, Zone,
};
use crate::store::ScannedLog;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

pub(in crate::web) const PATH: &str = "/admin/self-monitoring/issues/{id}";
pub(in crate::web) const PART_PATH: &str = "/admin/self-monitoring/issues/{id}/part";
/// How many of its log rows the page shows. An issue names a handful.
const ROWS: usize = 20;
/// How many digits of a fingerprint the page shows.
const DIGITS: usize = 16;

/// What the page shows.
struct Seen {
    record: IssueRecord,
    steps: Vec<IssueStep>,
    days: Vec<IssueDay>,
    lately: Option<SeenOverTime>,
    log: ShownLog,
    rows: Vec<LogRow>,
    /// Whether there is an offer to file what is open elsewhere.
    is_offered: bool,
}

/// GET `/admin/self-monitoring/issues/{id}` and its part.
pub(in crate::web) async fn page(
    State(app): State<App>,
    who: Signed,
    Id(id): Id<IssueId>,
    Query(Shown { v: shown }): Query<Shown>,
) -> Result<Response, Problem> {
    let (role, now) = (who.role(), app.web.clock.now());
    let zone = who.clocks().zone_or_utc();
    let seen = read(&app, id, zone).await?;
    let content = html! {
        div.stack {
            (say(&seen, role, now))
            div.cols.cols-side {
                div.stack { (occurrences(&seen, zone)) (text(&seen.record)) (log_rows(&seen, who.clocks())) }
                div.stack { (facts(&seen, now)) (history(&seen.steps, now)) }
            }
        }
    };
    let Issue { title, .. } = &seen.record.issue;
    let part = LivePart {
        id: "issue",
        link: &nav::issue(id).under("part"),
        version: state(&seen),
        content: &content,
    };
    let list = Tab::SelfMonitoring.link();
    let above = vec![
        (list.clone(), Tab::SelfMonitoring.title().to_owned()),
        (list.at("issues"), "Issues".to_owned()),
    ];
    let frame = Frame::new(&app.web, Some(&who)).at(Tab::SelfMonitoring).under(above);
    let faced = (who.face(), shown.as_deref());
    Ok(live_page(&frame, title, &part, |part| part, faced))
}

async fn read(app: &App, id: IssueId, zone: Zone) -> Result<Seen, Problem> {
    let (store, now) = (&app.web.store, app.web.clock.now());
    let record = issues::record(store, id).await?;
    let steps = issues::steps(store, &record).await?;
    let days = issues::by_days(store, id, zone, now).await?;
    let lately = issues::over_time(store, std::slice::from_ref(&record.issue), now).await?;
    let (log, shown) = log_of(app.web.program.as_ref());
    let rows = match log {
        Some(log) => rows_of(&log, &record.issue).await?,
        None => Vec::new(),
    };
    let is_open = record.issue.state == IssueState::Open;
    let is_offered = is_open && refile::is_offered(store, id, now).await?;
    let lately = lately.into_values().next();
    Ok(Seen { record, steps, days, lately, log: shown, rows, is_offered })
}

/// The log that scans read.
fn log_of(program: Option<&Program>) -> (Option<ScannedLog>, ShownLog) {
    match program.map(|program| (program, program.scanned.as_ref())) {
        Some((_, Some(log))) => (Some(ScannedLog::from(log)), ShownLog::Scanned),
        Some((program, None)) => (Some(ScannedLog::from(&program.logs)), ShownLog::Own),
        None => (None, ShownLog::Own),
    }
}

/// Its rows that are still there.
async fn rows_of(log: &ScannedLog, issue: &Issue) -> Result<Vec<LogRow>, Problem> {
    if issue.evidence.is_empty() {
        return Ok(Vec::new());
    }
    let filter = LogFilter { ids: issue.evidence.clone(), limit: ROWS, ..LogFilter::default() };
    Ok(log.search(filter).await?.rows)
}

/// What of it can change.
fn state(seen: &Seen) -> String {
    let Issue { number, occurrences, muted, title, body, .. } = &seen.record.issue;
    let steps: Vec<_> = seen.steps.iter().map(|step| (step.at, &step.said)).collect();
    let days: Vec<_> = seen.days.iter().map(|day| (day.from, day.rows)).collect();
    let rows: Vec<_> = seen.rows.iter().map(|row| row.id).collect();
    let said = seen.record.sentence();
    version(&(number, occurrences, muted, title, body, steps, days, (rows, said, seen.is_offered)))
}

/// How it stands, and what can be done.
fn say(seen: &Seen, role: Role, now: Timestamp) -> Markup {
    let issue = &seen.record.issue;
    html! {
        section #issue-say .card.say {
            p {
                @if let Some(class) = issue.classification { (class_badge(class)) " " }
                (seen.record.sentence()) " Last seen " (when(issue.last_seen_at, now)) "."
            }
            div.page-actions {
                @if let Some(url) = issue.url.as_deref().filter(|url| is_web_link(url)) {
                    a.btn.btn-sm href=(url) rel="noreferrer" { "Open at the tracker" }
                }
                @if let Some(waits) = seen.record.waiting() {
                    @let waits_for_us = waits.state == FilingState::AwaitingApproval;
                    a.btn.btn-sm.btn-primary[waits_for_us && approvals::may(role)] href=(link(nav::APPROVALS).at(&format!("filing-{}", waits.id.0))) {
                        @if waits_for_us && approvals::may(role) { "Approve or reject" } @else { "See what waits" }
                    }
                }
                @if seen.is_offered { a.btn.btn-sm href=(Tab::SelfMonitoring.link().at("refile-offer")) { "File it at the tracker in use" } }
                @if issues::may(role) { @for deed in issues::deeds(issue) { (button(issue.id, deed)) } }
            }
        }
    }
}

/// The button of a deed.
fn button(id: IssueId, deed: IssueDeed) -> Markup {
    let (word, effect) = match deed {
        IssueDeed::Close => ("Close as completed", "A problem that comes back opens it again"),
        IssueDeed::CloseNotPlanned => (
            "Close as not planned",
            "It stays quiet for 90 days after its last sighting, unless it is seen ten times as often",
        ),
        IssueDeed::Reopen => ("Reopen", "It counts as open again"),
        IssueDeed::Mute => {
            ("Not a problem (mute)", "It is reported again only if it is seen ten times as often")
        }
        IssueDeed::Unmute => ("Unmute", "It is reported again"),
    };
    html! {
        form method="post" action=(nav::issue(id).under(deed.as_str())) {
            button.btn.btn-sm type="submit" title=(effect) { (word) }
        }
    }
}

/// When it was met, by the days of the zone.
fn occurrences(seen: &Seen, zone: Zone) -> Markup {
    let code = seen.record.issue.error_codes.first();
    let bar = |day: &IssueDay| DayBar {
        word: zone.clock(day.from).format("%-d %b").to_string(),
        count: day.rows,
        link: code.map(|code| nav::log_rows_between(seen.log, code, (day.from, day.until))),
    };
    let bars: Vec<_> = seen.days.iter().map(bar).collect();
    let total: u64 = bars.iter().map(|bar| bar.count).sum();
    let numbers: Vec<_> = bars.iter().rev().filter(|bar| bar.count > 0).map(number).collect();
    let aside = html! {
        @if let Some(seen) = &seen.lately { (issue_trend(seen)) }
        span.sub { (grouped(total)) " rows in 30 days" }
    };
    let content = html! {
        div.card-body {
            @if total == 0 { p.soft { "No log row of it is counted in the last 30 days." } }
            @else {
                (day_bars("b-bad", "Rows by day", &bars))
                p.sub {
                    "Days of " (zone) "." @if code.is_some() { " A bar leads to its rows." }
                    @if let Some(seen) = &seen.lately { " " (capital(&seen.sentence())) "." }
                }
                details #issue-days { summary { "Numbers as a table" } (table("Rows by day", &["Day", "Rows"], &numbers)) }
            }
        }
    };
    card("issue-occurrences", "Occurrences", &aside, &content)
}

fn number(bar: &DayBar) -> Markup {
    html! { tr {
        td data-label="" { @match &bar.link { Some(link) => a href=(link) { (bar.word) }, None => (bar.word) } }
        td.num data-label="rows" { (grouped(bar.count)) }
    } }
}

fn text(record: &IssueRecord) -> Markup {
    let label = format!("Text of {}", record.issue.title);
    let content =
        html! { div.card-body.lines { (rendered("issue-raw", &label, (None, &record.text()))) } };
    card("issue-text", "Text", &html! {}, &content)
}

/// The rows that show it, each a link to the row in the log.
fn log_rows(seen: &Seen, clocks: Clocks) -> Markup {
    let time = format!("Time, {}", clocks.name());
    let Issue { evidence, error_codes, .. } = &seen.record.issue;
    let row = |row: &LogRow| {
        html! { tr {
            @let at = Timestamp::from_iso(&row.row.timestamp);
            td title=[at.map(|at| clocks.exact(at))] {
                @match at { Some(at) => (clocks.second(at)), None => (row.row.timestamp) }
            }
            td { (level_badge(row.row.level)) }
            td.source { (row.row.source) }
            td.note { a href=(nav::log_rows(seen.log, &[row.id])) { (first_line(&row.row.message)) } }
        } }
    };
    let rows: Vec<_> = seen.rows.iter().map(row).collect();
    let all = html! {
        @for code in error_codes { a.btn.btn-sm.btn-quiet href=(nav::log_rows_with(seen.log, code)) { "All of " (code) } }
        @if !rows.is_empty() { a.btn.btn-sm.btn-quiet href=(nav::log_rows(seen.log, evidence)) { "These in Logs" } }
    };
    let content = html! {
        @if rows.is_empty() { (empty("No log rows", &html! { "The rows that showed it are not kept any more, or it was read at the tracker." })) }
        @else { div.log { (table("Log rows that show it", &[time.as_str(), "Level", "Source", "Message"], &rows)) } }
    };
    card("issue-rows", "Log rows", &all, &content)
}

/// The first line of a message, as long as a row is read.
fn first_line(message: &str) -> &str {
    let line = message.lines().next().unwrap_or_default();
    &line[..line.floor_char_boundary(300)]
}

fn facts(seen: &Seen, now: Timestamp) -> Markup {
    let IssueRecord { issue, fingerprints, .. } = &seen.record;
    let content = html! {
        dl.card-body.facts {
            dt { "Number" } dd { (issue_number(issue)) }
            dt { "State" } dd { (issue_state(issue)) }
            @if !issue.error_codes.is_empty() {
                dt { "Codes" } dd { @for code in &issue.error_codes { a href=(nav::log_rows_with(seen.log, code)) { code { (code) } } " " } }
            }
            @if let Some(scan) = issue.scan_id { dt { "First seen by" } dd { a href=(nav::job(scan)) { "scan " (scan) } } }
            @if let Some(author) = &issue.author { dt { "Author" } dd { (author) } }
            dt { "Created" } dd { (when(issue.created_at, now)) }
            dt { "Last seen" } dd { (when(issue.last_seen_at, now)) }
            dt { "Log rows" } dd { (grouped(issue.occurrences)) }
            @if !fingerprints.is_empty() {
                dt { "Fingerprints" }
                dd { @for print in fingerprints { code title=(print.as_str()) { (&print.as_str()[..print.as_str().floor_char_boundary(DIGITS)]) } " " } }
            }
        }
    };
    card("issue-facts", "Facts", &html! {}, &content)
}

fn history(steps: &[IssueStep], now: Timestamp) -> Markup {
    card(
        "issue-history",
        "History",
        &html! {},
        &html! { div.card-body { (issue_steps(steps, now)) } },
    )
}
