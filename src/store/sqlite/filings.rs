//! Rows of `filings`: acts at the tracker, written by the scan that decides them.

use crate::error::{Code, Error, Result};
use crate::model::{IssueId, JobId, Timestamp, Tracker};
use rusqlite::{Connection, named_params};

/// What is done at the tracker.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act<'a> {
    /// A new issue.
    Open { title: &'a str },
    /// A comment on an issue.
    Comment,
    /// A comment, and the issue is open again.
    Reopen,
}

/// An act before it has a row.
#[derive(Debug)]
pub(super) struct Filing<'a> {
    pub(super) scan: JobId,
    pub(super) issue: IssueId,
    pub(super) act: Act<'a>,
    pub(super) body: &'a str,
}

/// Stores an act: for GitHub to be done or to be approved first, for the local tracker as done. A new local issue is its
/// own row and needs none; an older issue of the local tracker stays there when GitHub is chosen.
pub(super) fn insert(
    conn: &Connection,
    filing: &Filing<'_>,
    tracker: Tracker,
    marker: Option<&String>,
    now: Timestamp,
) -> Result<()> {
    const SQL: &str = "
        INSERT INTO filings (issue_id, scan_id, act, state, marker, title, body, created_at, updated_at)
        SELECT :issue, :scan, :act, iif(tracker = 'local', 'filed', :state), :marker, :title, :body, :now, :now
        FROM self_monitoring_issues
        WHERE id = :issue";
    let (act, title) = match filing.act {
        Act::Open { title } => ("open", Some(title)),
        Act::Comment => ("comment", None),
        Act::Reopen => ("reopen", None),
    };
    let state = match tracker {
        Tracker::Local if title.is_some() => return Ok(()),
        Tracker::Local => "filed",
        Tracker::Github { approval: true } => "awaiting_approval",
        Tracker::Github { approval: false } => "pending",
    };
    let marker =
        marker.ok_or_else(|| Error::new(Code::ModelInvalid, "file an act without a marker"))?;
    conn.prepare_cached(SQL)?.execute(named_params! {
        ":issue": filing.issue.0,
        ":scan": filing.scan.0,
        ":act": act,
        ":state": state,
        ":marker": marker,
        ":title": title,
        ":body": filing.body,
        ":now": now.millis(),
    })?;
    Ok(())
}
