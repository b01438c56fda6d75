//! Reads a repository's issues, people's and ours, before anything is decided or filed by them.
//!
//! *Invariant:* what this database remembers of the tracker is never taken for what is there. The first time every open
//! issue is read, then what has changed since; once a day every open one again, and one that is not listed any more is
//! asked for by its number.

use super::template::codes;
use super::tracking::{Site, Tracking};
use super::triage::QUIET;
use crate::clock::Clock;
use crate::error::Result;
use crate::model::{
    Classification, Failure, IssueMark, IssueOwner, IssueState, Marker, Reason, Timestamp,
    TrackerIssue, TrackerNews, TrackerReading,
};
use crate::redact::redactor;
use crate::store::Store;
use crate::tracker::{Client, CloseReason, Closed, RemoteIssue};
use crate::warn_coded;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// How much later than its own date the tracker may show a change.
const LATE: Duration = Duration::from_hours(1);
/// How often every open issue is read: what was deleted is in no list of changes.
const FULL_EVERY: Duration = Duration::from_hours(24);
/// How long what this process has read holds for what follows from it: a scan's filing, or its decision after its agent.
const FRESH: Duration = Duration::from_mins(1);
/// The most issues that are asked for one by one; the next day goes on.
const MAX_ASKED: usize = 100;
/// Longest title that is kept, in characters; GitHub takes 256.
const MAX_TITLE: usize = 256;
/// Who wrote an issue whose account is gone.
const NOBODY: &str = "ghost";
/// How a line of the issue's identity begins that names its codes.
const CODES: &str = "- Error codes: ";

/// Reads the tracker for a scan that is about to decide, or to tell its agent. Without an answer the scan goes by what was
/// read before, and what it finds is not filed before the tracker has answered.
pub(super) async fn refresh(store: &Store, tracking: &Tracking, clock: &Clock) -> Result<()> {
    let Ok(Some(site)) = tracking.remote() else { return Ok(()) };
    if let Err(failure) = read(store, site, clock).await? {
        warn_coded!(failure.reason.code(), "read the tracker's issues: {failure}");
    }
    Ok(())
}

/// The same if it was not read just now.
pub(super) async fn refresh_old(store: &Store, tracking: &Tracking, clock: &Clock) -> Result<()> {
    match tracking.remote() {
        Ok(Some(site)) if !is_fresh(site, clock) => refresh(store, tracking, clock).await,
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Reads the tracker unless this process has just done so. Answers how many of our issues changed.
pub(super) async fn read_old(
    store: &Store,
    site: &Site,
    clock: &Clock,
) -> Result<Result<u64, Failure>> {
    if is_fresh(site, clock) {
        return Ok(Ok(0));
    }
    read(store, site, clock).await
}

fn is_fresh(site: &Site, clock: &Clock) -> bool {
    site.read_at().is_some_and(|at| clock.uptime().saturating_sub(at) < FRESH)
}

async fn read(store: &Store, site: &Site, clock: &Clock) -> Result<Result<u64, Failure>> {
    let (home, asked_at, begun) = (site.home.clone(), clock.now(), clock.uptime());
    let news = match ask(store, site, asked_at).await? {
        Ok(news) => news,
        Err(failure) => {
            store.tracker_refused(home, failure.to_string(), clock.now()).await?;
            return Ok(Err(failure));
        }
    };
    let kind = site.client.kind();
    let changed = store.take_tracker_news(kind, home, news, clock.now()).await?;
    site.was_read(begun);
    Ok(Ok(changed))
}

async fn ask(
    store: &Store,
    site: &Site,
    asked_at: Timestamp,
) -> Result<Result<TrackerNews, Failure>> {
    let before = store.tracker_reading(site.home.clone()).await?;
    let is_due = |at: Timestamp| at > asked_at || asked_at.since(at) >= FULL_EVERY;
    let listed = match before.newest {
        Some(newest) if !before.full_at.is_none_or(is_due) => {
            changes(&site.client, newest, &before).await
        }
        Some(_) | None => everything(store, site, asked_at).await?,
    };
    let Read { issues, gone, etag, is_full } = match listed {
        Ok(read) => read,
        Err(failure) => return Ok(Err(failure)),
    };
    let newest = issues.iter().map(|issue| issue.updated_at).max();
    let newest = newest.max(before.newest);
    // The tag is of the answer to one question, which is asked again only if nothing newer came.
    let etag = etag.filter(|_| newest == before.newest);
    Ok(match owned(store, site, issues).await? {
        Ok(issues) => Ok(TrackerNews { issues, gone, is_full, newest, etag, asked_at }),
        Err(failure) => Err(failure),
    })
}

/// What the tracker said.
#[derive(Default)]
struct Read {
    issues: Vec<RemoteIssue>,
    gone: Vec<i64>,
    etag: Option<String>,
    is_full: bool,
}

/// What has changed since the last change that was seen.
async fn changes(
    client: &Client,
    newest: Timestamp,
    before: &TrackerReading,
) -> Result<Read, Failure> {
    let since = newest.minus(LATE);
    let etag = before.etag.as_deref();
    Ok(match client.issues_changed_since(since, etag).await? {
        None => Read { etag: before.etag.clone(), ..Read::default() },
        Some(listed) => Read { issues: listed.issues, etag: listed.etag, ..Read::default() },
    })
}

/// Every open issue, what was closed within a season, and what became of those that should be open and are not listed.
async fn everything(
    store: &Store,
    site: &Site,
    asked_at: Timestamp,
) -> Result<Result<Read, Failure>> {
    let known = store.open_tracker_issues(site.home.clone()).await?;
    Ok(all(&site.client, known, asked_at).await)
}

async fn all(client: &Client, known: Vec<i64>, asked_at: Timestamp) -> Result<Read, Failure> {
    let mut read = Read { issues: client.open_issues().await?, is_full: true, ..Read::default() };
    read.issues.extend(client.issues_closed_since(asked_at.minus(QUIET)).await?);
    let listed: HashSet<i64> = read.issues.iter().map(|issue| issue.number).collect();
    for number in known.into_iter().filter(|n| !listed.contains(n)).take(MAX_ASKED) {
        match client.issue(number).await {
            Ok(issue) => read.issues.push(issue),
            Err(Failure { reason: Reason::NotFound | Reason::Gone | Reason::Moved, .. }) => {
                read.gone.push(number);
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(read)
}

/// Tells ours from people's. A marker counts in an issue that our token's user wrote, for people can copy one; whose the
/// token is, is asked only if there is a marker that this database has not filed itself.
async fn owned(
    store: &Store,
    site: &Site,
    issues: Vec<RemoteIssue>,
) -> Result<Result<Vec<TrackerIssue>, Failure>> {
    let marks: HashMap<i64, IssueMark> = issues
        .iter()
        .filter_map(|issue| Some((issue.number, IssueMark::in_body(&issue.body)?)))
        .collect();
    let markers = marks.values().map(|mark| mark.marker.clone()).collect();
    let filed: HashMap<Marker, i64> =
        store.filed_markers(site.home.clone(), markers).await?.into_iter().collect();
    let is_filed =
        |number: &i64, mark: &IssueMark| filed.get(&mark.marker).is_some_and(|n| n == number);
    let login = if marks.iter().all(|(number, mark)| is_filed(number, mark)) {
        None
    } else {
        match site.client.login().await {
            Ok(login) => login,
            Err(failure) => return Ok(Err(failure)),
        }
    };
    let is_by_us = |author: Option<&str>| login.is_none() || author == login.as_deref();
    let issues = issues.into_iter().map(|issue| {
        let mark = marks.get(&issue.number).filter(|mark| {
            let is_copy = filed.get(&mark.marker).is_some_and(|number| *number != issue.number);
            is_filed(&issue.number, mark) || !is_copy && is_by_us(issue.author.as_deref())
        });
        of(issue, mark.cloned())
    });
    Ok(Ok(issues.collect()))
}

fn of(issue: RemoteIssue, mark: Option<IssueMark>) -> TrackerIssue {
    let title: String = redactor().text(&issue.title).chars().take(MAX_TITLE).collect();
    let in_title = codes(&title);
    let of_body = issue.body.lines().find_map(|line| line.strip_prefix(CODES));
    let of_body = of_body.filter(|_| mark.is_some()).into_iter().flat_map(codes);
    let mut error_codes: Vec<String> = in_title.chain(of_body).map(ToOwned::to_owned).collect();
    error_codes.sort();
    error_codes.dedup();
    let class = Classification::ALL.into_iter().find(|class| title.starts_with(class.prefix()));
    let owner = match mark {
        Some(mark) => IssueOwner::Ours { mark, classification: class, body: issue.body },
        None => IssueOwner::Person(issue.author.unwrap_or_else(|| NOBODY.to_owned())),
    };
    let state = match issue.closed {
        None => IssueState::Open,
        Some(Closed { at: closed_at, reason: CloseReason::Completed }) => {
            IssueState::Completed { closed_at }
        }
        Some(Closed {
            at: closed_at,
            reason: CloseReason::NotPlanned | CloseReason::Duplicate,
        }) => IssueState::NotPlanned { closed_at },
    };
    let is_duplicate = issue.closed.is_some_and(|closed| closed.reason == CloseReason::Duplicate);
    let (number, url) = (issue.number, issue.url);
    TrackerIssue { number, url, title, state, is_duplicate, error_codes, owner }
}
