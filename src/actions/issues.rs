//! Actions on issues: closing, reopening, muting and unmuting one.

use super::{Answer, Call, Right};
use crate::error::{Code, Error, Result};
use crate::model::{
    Act, DeedFilter, FilingState, Issue, IssueChange, IssueId, IssueOrder, IssueRecord, IssueState,
    IssueStep, Role, SeenOverTime, Timestamp, WaitingFiling, Zone, zone_days,
};
use crate::store::Store;
use crate::wire;
use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

/// The right to close, reopen, mute and unmute issues.
pub const CHANGE: Right = Right::new(Role::Operator, "change an issue");

/// What a person does to an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueDeed {
    /// Close it: it was dealt with.
    Close,
    /// Close it: nobody will deal with it.
    CloseNotPlanned,
    /// Open it again.
    Reopen,
    /// Mute it: it is not a problem, and scans report it again only if it is seen ten times as often.
    Mute,
    /// Unmute it: it is a problem after all.
    Unmute,
}

impl IssueDeed {
    /// Every deed.
    pub const ALL: [Self; 5] =
        [Self::Close, Self::CloseNotPlanned, Self::Reopen, Self::Mute, Self::Unmute];

    /// The word for the deed in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::CloseNotPlanned => "not-planned",
            Self::Reopen => "reopen",
            Self::Mute => "mute",
            Self::Unmute => "unmute",
        }
    }

    const fn verb(self) -> &'static str {
        match self {
            Self::Close | Self::CloseNotPlanned => "close",
            Self::Reopen => "reopen",
            Self::Mute => "mute",
            Self::Unmute => "unmute",
        }
    }

    /// Whether only the issue's own tracker can do this.
    const fn is_of_the_tracker(self) -> bool {
        match self {
            Self::Close | Self::CloseNotPlanned | Self::Reopen => true,
            Self::Mute | Self::Unmute => false,
        }
    }

    fn sentence(self, id: IssueId) -> String {
        let id = id.0;
        match self {
            Self::Close => format!(
                "Issue {id} is closed as completed; a problem that comes back opens it again."
            ),
            Self::CloseNotPlanned => format!(
                "Issue {id} is closed as not planned; it stays quiet for 90 days after its last sighting."
            ),
            Self::Reopen => format!("Issue {id} is open again."),
            Self::Mute => format!(
                "Issue {id} is muted; scans report it again only if it is seen ten times as often."
            ),
            Self::Unmute => format!("Issue {id} is no longer muted; scans report it again."),
        }
    }
}

impl FromStr for IssueDeed {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|deed| deed.as_str() == text).ok_or_else(|| {
            let takes = "an issue is closed, reopened, muted or unmuted";
            Error::new(Code::ModelInvalid, format!("change an issue by the word {text:?}: {takes}"))
        })
    }
}

/// Whether a person of this role may change issues.
pub fn may(role: Role) -> bool {
    CHANGE.is_of(role)
}

/// What can be done to an issue as it is. An issue of another tracker is closed and reopened there; it is muted here.
pub fn deeds(issue: &Issue) -> Vec<IssueDeed> {
    let mut deeds = match (is_local(issue), issue.state) {
        (false, _) => vec![],
        (true, IssueState::Open) => vec![IssueDeed::Close, IssueDeed::CloseNotPlanned],
        (true, IssueState::Completed { .. } | IssueState::NotPlanned { .. }) => {
            vec![IssueDeed::Reopen]
        }
    };
    deeds.push(if issue.muted { IssueDeed::Unmute } else { IssueDeed::Mute });
    deeds
}

fn is_local(issue: &Issue) -> bool {
    issue.number.is_some() && issue.url.is_none()
}

/// Does this to an issue. An issue of another tracker is closed and reopened there; it is muted here.
///
/// # Errors
/// `AUTH-ROLE-001` below the role operator; `SCAN-ISSUE-001` for an id that no issue has; `SCAN-ISSUE-002` for an issue of another
/// tracker that is to be closed or reopened.
pub async fn change(
    store: &Store,
    call: &Call,
    id: IssueId,
    deed: IssueDeed,
) -> Result<Answer<wire::IssueChanged>> {
    call.needs(CHANGE)?;
    if deed.is_of_the_tracker() && !is_local(&find(store, id).await?) {
        let why = "it is one of another tracker and is opened and closed there";
        let doing = format!("{} issue {}: {why}", deed.verb(), id.0);
        return Err(Error::new(Code::IssueElsewhere, doing));
    }
    let change = match deed {
        IssueDeed::Close => IssueChange::State(IssueState::Completed { closed_at: call.now }),
        IssueDeed::CloseNotPlanned => {
            IssueChange::State(IssueState::NotPlanned { closed_at: call.now })
        }
        IssueDeed::Reopen => IssueChange::State(IssueState::Open),
        IssueDeed::Mute => IssueChange::Muted(true),
        IssueDeed::Unmute => IssueChange::Muted(false),
    };
    store.change_issue(id, change, call.actor(), call.now).await?;
    let value = wire::IssueChanged { issue: id.0.to_string(), done: deed.as_str() };
    Ok(Answer::new(value, deed.sentence(id)))
}

/// The issue of this id.
///
/// # Errors
/// `SCAN-ISSUE-001` for an id that no issue has.
pub async fn find(store: &Store, id: IssueId) -> Result<Issue> {
    let found = store.issue(id).await?;
    found.ok_or_else(|| Error::new(Code::IssueUnknown, format!("find issue {}", id.0)))
}

/// How often the problems of these issues were met over time, where that is known.
///
/// # Errors
/// Those of reading the database.
pub async fn over_time(
    store: &Store,
    issues: &[Issue],
    now: Timestamp,
) -> Result<BTreeMap<IssueId, SeenOverTime>> {
    let ids = issues.iter().map(|issue| issue.id).collect();
    let mut hours = store.issue_hours(ids, now.minus(SeenOverTime::SINCE)).await?;
    let seen = |issue: &Issue| {
        let hours = hours.remove(&issue.id)?;
        Some((issue.id, SeenOverTime::of(hours, issue.created_at, now)?))
    };
    Ok(issues.iter().filter_map(seen).collect())
}

/// The most texts for the tracker that are looked at for what became of them, and how far back those are that were rejected.
const MOST_FILINGS: usize = 500;
const REJECTED: Duration = Duration::from_hours(24 * 30);

/// What became of the text of each issue that its tracker does not have, in a few words: it waits for approval, or a person
/// rejected it.
///
/// # Errors
/// Those of reading the database.
pub async fn not_filed(store: &Store, now: Timestamp) -> Result<BTreeMap<IssueId, String>> {
    let rejected = store.rejected_filings(now.minus(REJECTED), MOST_FILINGS).await?;
    let waiting = store.waiting_filings(MOST_FILINGS).await?;
    let told = |filing: &WaitingFiling| {
        let words = match (filing.state, &filing.decided) {
            (FilingState::AwaitingApproval, _) => "Waits for approval".to_owned(),
            (FilingState::Rejected, Some((by, _))) => format!("Rejected by {by}"),
            (_, _) => return None,
        };
        Some((filing.issue, words))
    };
    let new = rejected.iter().chain(&waiting).filter(|filing| filing.act == Act::Open);
    Ok(new.filter_map(told).collect())
}

/// Days of the pictures of issues.
pub const DAYS: usize = 30;

/// Reads the order of a list of issues; nothing means by occurrences.
///
/// # Errors
/// `JOB-VALUE-001` for any other text.
pub fn order(text: Option<&str>) -> Result<IssueOrder> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    let Some(text) = text else { return Ok(IssueOrder::Occurrences) };
    text.parse().map_err(|()| {
        let why = format!(
            "list issues in the order {text:?}: it is one of occurrences, newest, last_seen"
        );
        Error::new(Code::ModelInvalid, why)
    })
}

/// How many log rows of these issues each of the last thirty 24 hours had, the newest last. An issue without rows is left out.
///
/// # Errors
/// Those of reading the database.
pub async fn days(
    store: &Store,
    issues: &[Issue],
    now: Timestamp,
) -> Result<BTreeMap<IssueId, Vec<u64>>> {
    let ids = issues.iter().map(|issue| issue.id).collect();
    let end = now.hour().plus(Duration::from_hours(1));
    let since = end.minus(Duration::from_hours(24) * DAYS as u32);
    store.issue_days(ids, since, DAYS).await
}

/// The issue of this id with what was done about it.
///
/// # Errors
/// `SCAN-ISSUE-001` for an id that no issue has.
pub async fn record(store: &Store, id: IssueId) -> Result<IssueRecord> {
    let found = store.issue_record(id).await?;
    found.ok_or_else(|| Error::new(Code::IssueUnknown, format!("find issue {}", id.0)))
}

/// The most rows of the audit log that are looked at for an issue.
const MOST_DEEDS: usize = 500;

/// What became of an issue, newest first. What people did is of the newest 100,000 rows of the audit log.
///
/// # Errors
/// Those of reading the database.
pub async fn steps(store: &Store, record: &IssueRecord) -> Result<Vec<IssueStep>> {
    let subject = format!("issue {}", record.issue.id.0);
    let filter =
        DeedFilter { subject: Some(subject.clone()), limit: MOST_DEEDS, ..DeedFilter::default() };
    let mut deeds = store.find_deeds(filter).await?.rows;
    deeds.retain(|deed| deed.subject == subject);
    // Newest first there; what comes later holds.
    deeds.reverse();
    Ok(record.steps(&deeds))
}

/// The log rows of an issue on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IssueDay {
    /// When the day begins.
    pub from: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// How many rows it had.
    pub rows: u64,
}

/// How many log rows of an issue each of the last days of a zone had, today last.
///
/// # Errors
/// Those of reading the database.
pub async fn by_days(
    store: &Store,
    id: IssueId,
    zone: Zone,
    now: Timestamp,
) -> Result<Vec<IssueDay>> {
    let since = now.minus(Duration::from_hours(24) * (DAYS as u32 - 1));
    let ends = zone_days(zone, since, now);
    let first = ends.first().copied().unwrap_or(since);
    let hours = store.issue_hours(vec![id], first).await?.remove(&id).unwrap_or_default();
    let day = |pair: &[Timestamp]| IssueDay {
        from: pair[0],
        until: pair[1],
        rows: hours.range(pair[0]..pair[1]).map(|(_, rows)| rows).sum(),
    };
    Ok(ends.windows(2).map(day).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::OpenMode;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[tokio::test]
    async fn an_issue_that_is_not_there_and_a_viewer_are_refused_whatever_the_deed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("jobs.db"), OpenMode::Migrate).unwrap();
        for deed in IssueDeed::ALL {
            let mut call = Call::by_owner(NOW);
            let refused = change(&store, &call, IssueId(7), deed).await.unwrap_err();
            assert_eq!(refused.code(), Code::IssueUnknown, "{deed:?}");
            call.who.role = Role::Viewer;
            let refused = change(&store, &call, IssueId(7), deed).await.unwrap_err();
            assert_eq!(refused.code(), Code::AuthRole, "{deed:?}");
            assert_eq!(deed.as_str().parse::<IssueDeed>().unwrap(), deed);
        }
        let refused = "paint".parse::<IssueDeed>().unwrap_err();
        assert_eq!(refused.code(), Code::ModelInvalid);
    }
}
