//! The shape of GitHub's JSON, as far as we read it, and what we make of it.

use crate::model::{Failure, Place, Reason, Timestamp, Visibility};
use chrono::DateTime;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// An issue as the tracker has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteIssue {
    /// Its number.
    pub number: i64,
    /// Its page.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Markdown; empty if it has none.
    pub body: String,
    /// Who wrote it; `None` if the account is gone.
    pub author: Option<String>,
    /// Its labels' names.
    pub labels: Vec<String>,
    /// How it was closed; `None` while it is open.
    pub closed: Option<Closed>,
    /// Whether it is open because somebody opened it again.
    pub reopened: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When anything about it last changed.
    pub updated_at: Timestamp,
}

/// How an issue was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: CloseReason,
}

/// Why an issue was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The work was done, or nobody said why.
    Completed,
    /// Nobody will do it.
    NotPlanned,
    /// Another issue is about the same.
    Duplicate,
}

/// A comment as the tracker has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteComment {
    /// Its page.
    pub url: String,
    /// Markdown.
    pub body: String,
    /// Who wrote it; `None` if the account is gone.
    pub author: Option<String>,
}

impl RemoteIssue {
    pub(super) fn place(&self) -> Place {
        Place { number: self.number, url: self.url.clone() }
    }
}

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) login: String,
}

#[derive(Deserialize)]
pub(super) struct Repo {
    private: bool,
}

impl Repo {
    pub(super) fn visibility(&self) -> Visibility {
        if self.private { Visibility::Private } else { Visibility::Public }
    }
}

/// The fields that matter of an issue that we made. The issue is there even if the answer lacks other fields.
#[derive(Deserialize)]
pub(super) struct Made {
    pub(super) number: i64,
    pub(super) html_url: String,
    pub(super) user: Option<User>,
}

#[derive(Deserialize)]
pub(super) struct Issue {
    number: i64,
    html_url: String,
    title: String,
    body: Option<String>,
    user: Option<User>,
    labels: Vec<Label>,
    state: String,
    state_reason: Option<String>,
    created_at: String,
    updated_at: String,
    closed_at: Option<String>,
    pull_request: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Label {
    Name(String),
    Whole { name: Option<String> },
}

impl Issue {
    pub(super) fn is_pull_request(&self) -> bool {
        self.pull_request.is_some()
    }

    pub(super) fn into_issue(self) -> Result<RemoteIssue, Failure> {
        let created_at = instant(&self.created_at)?;
        let updated_at = instant(&self.updated_at)?;
        let closed = match self.state.as_str() {
            "open" => None,
            _ => Some(Closed {
                at: self.closed_at.as_deref().map_or(Ok(updated_at), instant)?,
                reason: match self.state_reason.as_deref() {
                    Some("not_planned") => CloseReason::NotPlanned,
                    Some("duplicate") => CloseReason::Duplicate,
                    Some(_) | None => CloseReason::Completed,
                },
            }),
        };
        let name = |label| match label {
            Label::Name(name) | Label::Whole { name: Some(name) } => Some(name),
            Label::Whole { name: None } => None,
        };
        Ok(RemoteIssue {
            number: self.number,
            url: self.html_url,
            title: self.title,
            body: self.body.unwrap_or_default(),
            author: self.user.map(|user| user.login),
            labels: self.labels.into_iter().filter_map(name).collect(),
            reopened: closed.is_none() && self.state_reason.as_deref() == Some("reopened"),
            closed,
            created_at,
            updated_at,
        })
    }
}

#[derive(Deserialize)]
pub(super) struct Comment {
    html_url: String,
    #[serde(default)]
    body: String,
    user: Option<User>,
}

impl From<Comment> for RemoteComment {
    fn from(comment: Comment) -> Self {
        Self {
            url: comment.html_url,
            body: comment.body,
            author: comment.user.map(|user| user.login),
        }
    }
}

fn instant(text: &str) -> Result<Timestamp, Failure> {
    let read = DateTime::parse_from_rfc3339(text).map_err(|error| Failure {
        reason: Reason::Garbled,
        outcome_unknown: false,
        said: format!("an instant of an issue: {error}"),
    })?;
    Ok(Timestamp::from_millis(read.timestamp_millis()))
}
