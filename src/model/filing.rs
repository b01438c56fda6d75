//! The way of an accepted finding to the tracker: one pure decision, made anew after every crash.
//!
//! `pending → sending → filed | failed`: each step is committed before the next one is taken. The tracker gets a request
//! at most once, because no request is repeated in doubt. A server that finds a filing in `sending` waits until the
//! tracker must show everything that it has, looks for the filing's marker, and sends again only if the marker is not
//! there. A filing in `failed` was surely not done and is tried again, for ever (P24).

use super::digest::sha256_hex;
use super::job::word_enum;
use super::{Failure, IssueHome, IssueId, JobId, Marker, Reason, Timestamp};
use std::time::Duration;

/// The longest time that a request may take. After it the answer counts as lost.
pub const REQUEST_LIMIT: Duration = Duration::from_secs(30);
/// How long after `sent_at` a look at the tracker can be trusted: a request may take its longest time, and GitHub may show
/// what it took up to 60 s late.
pub const SETTLE: Duration = Duration::from_mins(1).saturating_add(REQUEST_LIMIT);
/// How far the tracker's clock may be off: a look goes this much further back than `sent_at`.
const SKEW: Duration = Duration::from_hours(24);

/// Row id of a filing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FilingId(pub i64);

word_enum!(
    /// What is to be done on the tracker.
    Act {
        /// A new issue.
        Open = "open",
        /// A comment on an issue that seems the same.
        Comment = "comment",
        /// An issue that was closed is open again, with a comment that says why.
        Reopen = "reopen",
        /// An issue of ours is closed as the duplicate of an older one, after a comment that says so.
        Close = "close",
    }
);

word_enum!(
    /// How far it is.
    FilingState {
        /// The request was not sent, or the tracker surely did not do it.
        Pending = "pending",
        /// It may have been sent; only a look tells.
        Sending = "sending",
        /// It is there.
        Filed = "filed",
        /// The tracker refused; it is tried again, and a person may have to mend something.
        Failed = "failed",
        /// A person must look at it first.
        AwaitingApproval = "awaiting_approval",
        /// A person rejected it.
        Rejected = "rejected",
    }
);

/// Where a filing is on the tracker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The issue's number.
    pub number: i64,
    /// The page of the issue or comment.
    pub url: String,
}

/// An act at the tracker that is not done, as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingFiling {
    /// Row id.
    pub id: FilingId,
    /// What is to be done.
    pub act: Act,
    /// How far it is.
    pub state: FilingState,
    /// The issue it is about.
    pub issue: IssueId,
    /// The title of that issue.
    pub issue_title: String,
    /// That issue's number at the tracker; `None` before it is there.
    pub number: Option<i64>,
    /// Where the issue is, or will be.
    pub home: IssueHome,
    /// The scan that wants it.
    pub scan: JobId,
    /// The title of a new issue.
    pub title: Option<String>,
    /// The exact text without the line of its marker.
    pub body: String,
    /// Since when it waits.
    pub created_at: Timestamp,
    /// Why the tracker refused it last.
    pub error: Option<String>,
    /// Who approved or rejected it, and when.
    pub decided: Option<(String, Timestamp)>,
    /// When it was last on its way.
    pub sent_at: Option<Timestamp>,
}

impl WaitingFiling {
    /// Names the text that a person is shown. A decision says it again, so that nobody publishes what they have not read.
    pub fn version(&self) -> String {
        let title = self.title.as_deref().unwrap_or_default();
        sha256_hex(&format!("{}\n{title}\n{}", self.act, self.body))[..16].to_owned()
    }

    /// Whether a decision about it can be taken back: nothing was sent, or nothing ever is.
    pub fn can_be_taken_back(&self) -> bool {
        let waits = self.state == FilingState::Pending && self.sent_at.is_none();
        self.decided.is_some() && (waits || self.state == FilingState::Rejected)
    }
}

word_enum!(
    /// What a person decides about an act.
    FilingVerdict {
        /// It goes to the tracker.
        Approve = "approve",
        /// It never does.
        Reject = "reject",
        /// It waits again: the decision is taken back.
        TakeBack = "take_back",
    }
);

/// An act that somebody decides about, with the version of the text that they were shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilingPick {
    /// Row id.
    pub id: FilingId,
    /// What [`WaitingFiling::version`] was; `None`: whatever it is now.
    pub version: Option<String>,
}

impl FilingPick {
    /// The act of this id, whatever its text is now.
    pub fn of(id: FilingId) -> Self {
        Self { id, version: None }
    }

    /// The same of several.
    pub fn all(ids: impl IntoIterator<Item = FilingId>) -> Vec<Self> {
        ids.into_iter().map(Self::of).collect()
    }
}

/// One accepted finding on its way to the tracker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filing {
    /// Row id.
    pub id: FilingId,
    /// What is to be done.
    pub act: Act,
    /// How far it is.
    pub state: FilingState,
    /// What it is found by; stands in `body`.
    pub marker: Marker,
    /// The title of a new issue; empty otherwise.
    pub title: String,
    /// Markdown with the marker, as it is sent.
    pub body: String,
    /// Labels of a new issue; emptied if the tracker refuses them.
    pub labels: Vec<String>,
    /// The issue to comment on, to reopen or to close; of a new issue once it is filed.
    pub number: Option<i64>,
    /// The older issue of which that one is a duplicate, where it is to be closed.
    pub duplicate_of: Option<i64>,
    /// The page of the issue or comment once it is filed.
    pub url: Option<String>,
    /// When it was last on its way.
    pub sent_at: Option<Timestamp>,
    /// Why it is not filed yet.
    pub error: Option<String>,
}

/// What is to be done about a filing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is nothing to do: it is filed, or a person decides.
    Rest,
    /// There is nothing to do before this instant.
    Wait(Timestamp),
    /// Look for its marker among what is newer than this instant, and send only if it is not there.
    Look(Timestamp),
    /// Save [`Event::Begun`] and send.
    Send,
}

/// What happened to a filing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is about to be sent.
    Begun,
    /// The tracker took it, or it was found there.
    Done(Place),
    /// The tracker did not take it, or did not say so.
    Refused(Failure),
    /// Whether it is there could not be looked up, or what comes after it could not be done.
    Unseen(Failure),
    /// People have had a hand in the issue, so it is left alone, for this reason.
    Held(String),
}

impl Filing {
    /// What is to be done about it now.
    pub fn next(&self, now: Timestamp) -> Step {
        match self.state {
            FilingState::Pending | FilingState::Failed => Step::Send,
            FilingState::Sending => {
                let sent_at = self.sent_at.unwrap_or_default();
                let settled = sent_at.plus(SETTLE);
                if now < settled { Step::Wait(settled) } else { Step::Look(sent_at.minus(SKEW)) }
            }
            FilingState::Filed | FilingState::AwaitingApproval | FilingState::Rejected => {
                Step::Rest
            }
        }
    }

    /// The filing after something happened to it.
    #[must_use]
    pub fn after(&self, event: Event, now: Timestamp) -> Self {
        let same = self.clone();
        match event {
            Event::Begun => {
                Self { state: FilingState::Sending, sent_at: Some(now), error: None, ..same }
            }
            Event::Done(Place { number, url }) => Self {
                state: FilingState::Filed,
                number: Some(number),
                url: Some(url),
                error: None,
                ..same
            },
            Event::Held(why) => Self { state: FilingState::Rejected, error: Some(why), ..same },
            Event::Unseen(failure) => Self { error: Some(failure.to_string()), ..same },
            Event::Refused(failure) => {
                let error = Some(failure.to_string());
                if failure.outcome_unknown {
                    // It was on its way until now.
                    Self { state: FilingState::Sending, sent_at: Some(now), error, ..same }
                } else if self.is_about_labels(&failure) {
                    Self { state: FilingState::Pending, labels: Vec::new(), error, ..same }
                } else if matches!(failure.reason, Reason::RateLimited(_)) {
                    Self { state: FilingState::Pending, error, ..same }
                } else {
                    Self { state: FilingState::Failed, error, ..same }
                }
            }
        }
    }

    /// Whether it may be sent without its labels. A refused label must not make a filing fail.
    fn is_about_labels(&self, failure: &Failure) -> bool {
        let to_blame = match failure.reason {
            Reason::Forbidden => true,
            Reason::Invalid => failure.said.to_lowercase().contains("label"),
            Reason::NoToken
            | Reason::Unauthorised
            | Reason::RateLimited(_)
            | Reason::NotFound
            | Reason::Gone
            | Reason::Moved
            | Reason::Server
            | Reason::Network
            | Reason::Garbled => false,
        };
        to_blame && !self.labels.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn filing(state: FilingState) -> Filing {
        Filing {
            id: FilingId(1),
            act: Act::Open,
            state,
            marker: Marker::new(7),
            title: "[BUG] x".into(),
            body: "x".into(),
            labels: vec!["bug".into()],
            number: None,
            duplicate_of: None,
            url: None,
            sent_at: Some(NOW),
            error: None,
        }
    }

    fn refused(reason: Reason, said: &str) -> Event {
        let outcome_unknown = matches!(reason, Reason::Server | Reason::Network);
        Event::Refused(Failure { reason, outcome_unknown, said: said.into() })
    }

    #[test]
    fn what_may_have_been_sent_is_looked_for_once_the_tracker_must_show_it() {
        let sending = filing(FilingState::Sending);
        let settled = NOW.plus(SETTLE);
        assert_eq!(sending.next(NOW), Step::Wait(settled));
        assert_eq!(sending.next(Timestamp::from_millis(settled.millis() - 1)), Step::Wait(settled));
        let day_before = Timestamp::from_millis(NOW.millis() - 24 * 60 * 60 * 1000);
        assert_eq!(sending.next(settled), Step::Look(day_before));
    }

    #[test]
    fn what_is_there_or_a_persons_to_decide_rests_and_the_rest_is_sent() {
        use FilingState::{AwaitingApproval, Failed, Filed, Pending, Rejected};
        for state in [Filed, AwaitingApproval, Rejected] {
            assert_eq!(filing(state).next(NOW), Step::Rest);
        }
        for state in [Pending, Failed] {
            assert_eq!(filing(state).next(NOW), Step::Send);
        }
    }

    #[test]
    fn an_unknown_outcome_stays_in_doubt_from_the_moment_it_was_learnt() {
        let later = NOW.plus(Duration::from_secs(30));
        for reason in [Reason::Server, Reason::Network] {
            let after = filing(FilingState::Sending).after(refused(reason, "bad gateway"), later);
            assert_eq!((after.state, after.sent_at), (FilingState::Sending, Some(later)));
            assert!(after.error.unwrap().contains("bad gateway"));
        }
    }

    #[test]
    fn a_look_that_failed_changes_nothing_but_what_is_said() {
        let sending = filing(FilingState::Sending);
        let failure = Failure { reason: Reason::Gone, outcome_unknown: false, said: "410".into() };
        let after = sending.after(Event::Unseen(failure), NOW.plus(SETTLE));
        assert!(after.error.as_ref().is_some_and(|error| error.contains("410")));
        assert_eq!(Filing { error: None, ..after }, sending);
    }

    #[test]
    fn what_people_have_had_a_hand_in_rests_and_says_why() {
        let held = filing(FilingState::Pending).after(Event::Held("eve has commented".into()), NOW);
        assert_eq!(
            (held.next(NOW), held.error.as_deref()),
            (Step::Rest, Some("eve has commented"))
        );
    }

    #[test]
    fn labels_that_cannot_be_set_are_dropped_and_nothing_else_is() {
        let sending = filing(FilingState::Sending);
        for event in [refused(Reason::Forbidden, ""), refused(Reason::Invalid, "Label too long")] {
            let after = sending.after(event.clone(), NOW);
            assert_eq!((after.state, after.labels.len()), (FilingState::Pending, 0));
            assert_eq!(after.after(event, NOW).state, FilingState::Failed);
        }
        let after = sending.after(refused(Reason::Invalid, "title is missing"), NOW);
        assert_eq!((after.state, after.labels.len()), (FilingState::Failed, 1));
        let after = sending.after(refused(Reason::RateLimited(NOW), "slow down"), NOW);
        assert_eq!((after.state, after.labels.len()), (FilingState::Pending, 1));
    }

    #[test]
    fn a_marker_is_a_line_of_its_own() {
        let marker = Marker::new(0xabc);
        assert_eq!(Marker::from_hex(marker.as_str()).as_ref(), Some(&marker));
        assert!(marker.is_in(&format!("text\r\n\r\n{marker}\r\n")));
        assert!(!marker.is_in(&format!("text {marker}")));
        assert!(!marker.is_in(&format!("{}", Marker::new(0xabd))));
        assert_eq!(Marker::from_hex("ABC"), None);
    }

    #[test]
    fn every_word_is_read_back() {
        for state in FilingState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        for act in Act::ALL {
            assert_eq!(act.as_str().parse(), Ok(*act));
        }
        assert!("sent".parse::<FilingState>().is_err());
    }
}
