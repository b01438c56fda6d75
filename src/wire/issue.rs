//! Issues, and what waits to go to the issue tracker.

use crate::model;
use serde::Serialize;

/// An issue.
#[derive(Clone, Debug, Serialize)]
pub struct Issue {
    /// Its id, which commands and addresses name.
    pub id: i64,
    /// The tracker's number; `null` before it is filed.
    pub number: Option<i64>,
    /// The tracker's page of it; `null` where issues are kept in the database.
    pub url: Option<String>,
    /// Its title.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// `open`, `completed` or `not_planned`.
    pub state: &'static str,
    /// When it was closed.
    pub closed_at: Option<String>,
    /// Whether somebody said that it is not a problem.
    pub muted: bool,
    /// What kind of problem it is, if its title says it.
    pub classification: Option<&'static str>,
    /// The person whose issue it is, if it is not ours.
    pub author: Option<String>,
    /// Its error codes.
    pub error_codes: Vec<String>,
    /// The number of the older issue of which it is or was a duplicate; `null` if it is none.
    pub duplicate_of: Option<i64>,
    /// What became of that, in a sentence.
    pub duplicate: Option<String>,
    /// Log rows that belonged to it so far.
    pub occurrences: u64,
    /// The scan that found it first, if one has.
    pub scan_id: Option<i64>,
    /// When it was filed.
    pub created_at: String,
    /// When a scan last met it.
    pub last_seen_at: String,
    /// Ids of log rows that show it.
    pub evidence: Vec<i64>,
    /// How often it was met over time, where that was asked and is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over_time: Option<IssueOverTime>,
}

impl Issue {
    /// The same with how often it was met over time.
    #[must_use]
    pub fn over_time(self, seen: Option<&model::SeenOverTime>) -> Self {
        let hour = |(hour, rows): (&model::Timestamp, &u64)| IssueHour {
            hour: hour.to_string(),
            rows: *rows,
        };
        let over_time = seen.map(|seen| IssueOverTime {
            trend: seen.trend.as_str(),
            rows_last_day: seen.day,
            rows_week_before: seen.week,
            hours: seen.hours.iter().map(hour).collect(),
        });
        Self { over_time, ..self }
    }
}

/// How often an issue's problem was met over time.
#[derive(Clone, Debug, Serialize)]
pub struct IssueOverTime {
    /// `new`, `growing`, `steady` or `gone`.
    pub trend: &'static str,
    /// Rows of the last 24 hours.
    pub rows_last_day: u64,
    /// Rows of the seven days before them.
    pub rows_week_before: u64,
    /// The hours of these days in which there were rows, oldest first.
    pub hours: Vec<IssueHour>,
}

/// The rows of an hour.
#[derive(Clone, Debug, Serialize)]
pub struct IssueHour {
    /// When it begins.
    pub hour: String,
    /// How many rows it had.
    pub rows: u64,
}

/// What was done to an issue.
#[derive(Clone, Debug, Serialize)]
pub struct IssueChanged {
    /// Its id.
    pub issue: String,
    /// What was done to it.
    pub done: &'static str,
}

/// What a person has decided about the problems that are open at another tracker or repository.
#[derive(Clone, Debug, Serialize)]
pub struct Refiling {
    /// Where issues are filed now: `local`, or `github.com/owner/name`.
    pub home: String,
    /// How many problems are open elsewhere.
    pub problems: u64,
    /// `asked` if they are filed there, too; `left` if they stay where they are.
    pub status: &'static str,
}

/// An act that waits to go to the tracker.
#[derive(Clone, Debug, Serialize)]
pub struct WaitingFiling {
    /// Its id.
    pub id: i64,
    /// What is to be done: `open`, `comment` or `reopen`.
    pub act: &'static str,
    /// How far it is.
    pub state: &'static str,
    /// The id of its issue.
    pub issue_id: i64,
    /// The title of that issue.
    pub issue_title: String,
    /// That issue's number at the tracker.
    pub number: Option<i64>,
    /// The scan that wants it.
    pub scan_id: i64,
    /// The title of a new issue.
    pub title: Option<String>,
    /// The exact text.
    pub body: String,
    /// Since when it waits.
    pub created_at: String,
    /// Why the tracker refused it last.
    pub error: Option<String>,
    /// Names the text as it is; a decision may say it, and is refused when the text has changed.
    pub version: String,
    /// Who approved or rejected it.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<String>,
}

/// What a person decided about such acts.
#[derive(Clone, Debug, Serialize)]
pub struct FilingsDecided {
    /// Their ids.
    pub filings: Vec<i64>,
    /// `approved`, `rejected`, `edited`, or `awaiting_approval` where a decision was taken back.
    pub status: &'static str,
}

impl From<&model::Issue> for Issue {
    fn from(issue: &model::Issue) -> Self {
        let (state, closed_at) = match issue.state {
            model::IssueState::Open => ("open", None),
            model::IssueState::Completed { closed_at } => ("completed", Some(closed_at)),
            model::IssueState::NotPlanned { closed_at } => ("not_planned", Some(closed_at)),
        };
        Self {
            id: issue.id.0,
            number: issue.number,
            url: issue.url.clone(),
            title: issue.title.clone(),
            body: issue.body.clone(),
            state,
            closed_at: closed_at.map(|at| at.to_string()),
            muted: issue.muted,
            classification: issue.classification.map(model::Classification::as_str),
            author: issue.author.clone(),
            error_codes: issue.error_codes.clone(),
            duplicate_of: issue.duplicate_of.as_ref().map(|of| of.number),
            duplicate: issue.duplicate_of.as_ref().map(ToString::to_string),
            occurrences: issue.occurrences,
            scan_id: issue.scan_id.map(|scan| scan.0),
            created_at: issue.created_at.to_string(),
            last_seen_at: issue.last_seen_at.to_string(),
            evidence: issue.evidence.clone(),
            over_time: None,
        }
    }
}

impl From<&model::WaitingFiling> for WaitingFiling {
    fn from(filing: &model::WaitingFiling) -> Self {
        Self {
            id: filing.id.0,
            act: filing.act.as_str(),
            state: filing.state.as_str(),
            issue_id: filing.issue.0,
            issue_title: filing.issue_title.clone(),
            number: filing.number,
            scan_id: filing.scan.0,
            title: filing.title.clone(),
            body: filing.body.clone(),
            created_at: filing.created_at.to_string(),
            error: filing.error.clone(),
            version: filing.version(),
            decided_by: filing.decided.as_ref().map(|(by, _)| by.clone()),
            decided_at: filing.decided.as_ref().map(|(_, at)| at.to_string()),
        }
    }
}
