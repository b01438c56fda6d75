//! All that is known of an issue, and what is said of it: one sentence, and the steps from the first finding on.

use super::job::word_enum;
use super::{
    Act, Classification, Deed, FilingId, FilingState, Fingerprint, Issue, IssueMark, IssueState,
    JobId, Timestamp,
};

word_enum!(
    /// In which order issues are listed.
    IssueOrder {
        /// Those that were met most often first.
        Occurrences = "occurrences",
        /// Those that were found last first.
        Newest = "newest",
        /// Those that a scan met last first.
        LastSeen = "last_seen",
    }
);

/// An issue with what was done about it at the tracker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueRecord {
    /// The issue.
    pub issue: Issue,
    /// What was done or is to be done at the tracker, oldest first: the newest [`IssueRecord::MOST_ACTS`].
    pub acts: Vec<IssueAct>,
    /// What it is recognised by.
    pub fingerprints: Vec<Fingerprint>,
}

/// Something that was done or is to be done at the tracker for an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueAct {
    /// Row id.
    pub id: FilingId,
    /// What.
    pub act: Act,
    /// How far it is.
    pub state: FilingState,
    /// The scan that wants it.
    pub scan: JobId,
    /// The page of the issue or comment, once it is filed.
    pub url: Option<String>,
    /// Why the tracker refused it last.
    pub error: Option<String>,
    /// Since when it waits.
    pub created_at: Timestamp,
    /// When its state changed last.
    pub updated_at: Timestamp,
    /// Who approved or rejected it, and when.
    pub decided: Option<(String, Timestamp)>,
}

/// What became of an issue in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueMove {
    /// It was found, or read at the tracker.
    Found,
    /// A person let a text go to the tracker.
    Approved,
    /// A person kept a text from it.
    Rejected,
    /// The tracker has it, or more of it.
    Filed,
    /// The tracker refused a text.
    Refused,
    /// It was closed.
    Closed,
    /// It was opened again.
    Reopened,
    /// It was muted or unmuted.
    Muted,
}

/// A step in the life of an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueStep {
    /// When.
    pub at: Timestamp,
    /// What became of it.
    pub to: IssueMove,
    /// What happened, in a few words.
    pub said: String,
    /// The scan that wanted it.
    pub scan: Option<JobId>,
    /// Its page at the tracker.
    pub url: Option<String>,
}

impl IssueRecord {
    /// The most acts that are told.
    pub const MOST_ACTS: usize = 100;

    /// What it is, how it stands, and what happens next.
    pub fn sentence(&self) -> String {
        let Issue { classification, occurrences, .. } = &self.issue;
        let what = match classification {
            Some(Classification::ServerBug) => "A server bug",
            Some(Classification::ClientMisuse) => "A client's misuse of the server",
            Some(Classification::DocumentationGap) => "A gap in the documentation",
            None => "A problem",
        };
        let often = match occurrences {
            0 => "seen in no log row yet".to_owned(),
            1 => "seen in one log row".to_owned(),
            many => format!("seen in {many} log rows"),
        };
        format!("{what}, {often}. {}", self.next())
    }

    /// How it stands and what happens next.
    fn next(&self) -> String {
        let Issue { number, url, state, muted, duplicate_of, .. } = &self.issue;
        if let Some(duplicate) = duplicate_of {
            return duplicate.to_string();
        }
        if *muted {
            return "It is muted: scans report it again only if it is seen ten times as often."
                .to_owned();
        }
        let name = number.map_or_else(|| "open".to_owned(), |number| format!("open as #{number}"));
        match state {
            IssueState::Completed { .. } => {
                "It is closed as completed. If it is seen again, a scan opens it again.".to_owned()
            }
            IssueState::NotPlanned { .. } => match self.rejected_by() {
                Some(by) => format!(
                    "{by} rejected it, so it is never filed, and the same problem stays quiet for 90 days."
                ),
                None => "It is closed as not planned. It stays quiet for 90 days after its last sighting, unless it is seen ten times as often.".to_owned(),
            },
            IssueState::Open => match self.unfinished() {
                Some(said) => said,
                None if url.is_some() => format!("It is {name} at the tracker, where people close it. Scans go on counting it."),
                None => format!("It is {name} until somebody closes it here. Scans go on counting it."),
            },
        }
    }

    /// Its text, without the line by which servers recognise it at the tracker.
    pub fn text(&self) -> String {
        let body = &self.issue.body;
        IssueMark::in_body(body).map_or_else(|| body.clone(), |mark| mark.marker.cut_from(body))
    }

    fn rejected_by(&self) -> Option<&str> {
        let open = self.acts.iter().find(|act| act.act == Act::Open)?;
        let (by, _) = open.decided.as_ref()?;
        (open.state == FilingState::Rejected).then_some(by.as_str())
    }

    /// The oldest act that is not done yet.
    pub fn waiting(&self) -> Option<&IssueAct> {
        let is_over =
            |act: &IssueAct| matches!(act.state, FilingState::Filed | FilingState::Rejected);
        self.acts.iter().find(|act| !is_over(act))
    }

    /// How the oldest act that is not done yet stands.
    fn unfinished(&self) -> Option<String> {
        let act = self.waiting()?;
        let what = match act.act {
            Act::Open => "It",
            Act::Comment => "A comment on it",
            Act::Reopen => "Its opening anew",
            Act::Close => "Its closing",
        };
        let how = match act.state {
            FilingState::AwaitingApproval => {
                "waits for approval. Nothing is sent before an admin approves it."
            }
            FilingState::Pending | FilingState::Sending => "goes to the tracker next.",
            FilingState::Failed => "was refused by the tracker. The server tries again.",
            FilingState::Filed | FilingState::Rejected => return None,
        };
        Some(format!("{what} {how}"))
    }

    /// What became of it, newest first; `deeds` is what the audit log has of it.
    pub fn steps(&self, deeds: &[Deed]) -> Vec<IssueStep> {
        let Issue { created_at, scan_id, author, state, .. } = &self.issue;
        let found = match (author, scan_id) {
            (Some(author), _) => format!("Opened by {author} at the tracker"),
            (None, Some(_)) => "Found".to_owned(),
            (None, None) => "Read at the tracker".to_owned(),
        };
        let mut steps = vec![IssueStep {
            at: *created_at,
            to: IssueMove::Found,
            said: found,
            scan: scan_id.filter(|_| author.is_none()),
            url: None,
        }];
        steps.extend(self.acts.iter().flat_map(|act| self.steps_of(act)));
        steps.extend(deeds.iter().filter_map(step_of));
        if let IssueState::Completed { closed_at } | IssueState::NotPlanned { closed_at } = state
            && !self.is_closed_here(*closed_at, &steps)
        {
            let said = "Closed at the tracker".to_owned();
            let to = IssueMove::Closed;
            steps.push(IssueStep { at: *closed_at, to, said, scan: None, url: None });
        }
        // What came at the same instant stays in its order: the last is what holds.
        steps.sort_by_key(|step| step.at);
        steps.reverse();
        steps
    }

    /// Whether a step tells already that it was closed then: a person did it here, or it is a duplicate.
    fn is_closed_here(&self, closed_at: Timestamp, steps: &[IssueStep]) -> bool {
        let is_duplicate =
            self.acts.iter().any(|act| act.act == Act::Close && act.state == FilingState::Filed);
        let is_told = |step: &IssueStep| {
            step.at == closed_at && matches!(step.to, IssueMove::Closed | IssueMove::Rejected)
        };
        is_duplicate || steps.iter().any(is_told)
    }

    fn steps_of(&self, act: &IssueAct) -> Vec<IssueStep> {
        let what = match act.act {
            Act::Open => "",
            Act::Comment => " a comment",
            Act::Reopen => " its opening anew",
            Act::Close => " its closing",
        };
        let step = |at, to, said: String| IssueStep { at, to, said, scan: None, url: None };
        let mut steps = Vec::new();
        if let Some((by, at)) = &act.decided {
            let (to, verb) = match act.state {
                FilingState::Rejected => (IssueMove::Rejected, "Rejected"),
                FilingState::AwaitingApproval
                | FilingState::Pending
                | FilingState::Sending
                | FilingState::Failed
                | FilingState::Filed => (IssueMove::Approved, "Approved"),
            };
            steps.push(step(*at, to, format!("{verb}{what} by {by}")));
        }
        match act.state {
            FilingState::Filed => {
                let number = self.issue.number.map_or_else(String::new, |n| format!(" as #{n}"));
                let (to, said) = match act.act {
                    Act::Open => (IssueMove::Filed, format!("Filed{number}")),
                    Act::Comment => (IssueMove::Filed, "Commented".to_owned()),
                    Act::Reopen => (IssueMove::Reopened, "Opened again".to_owned()),
                    Act::Close => (IssueMove::Closed, "Closed as a duplicate".to_owned()),
                };
                let done = step(act.updated_at, to, said);
                let scan = Some(act.scan).filter(|_| act.act != Act::Open);
                steps.push(IssueStep { url: act.url.clone(), scan, ..done });
            }
            FilingState::Failed => {
                let why = act.error.as_deref().unwrap_or("no reason was given");
                steps.push(step(act.updated_at, IssueMove::Refused, format!("Refused: {why}")));
            }
            FilingState::AwaitingApproval
            | FilingState::Pending
            | FilingState::Sending
            | FilingState::Rejected => {}
        }
        steps
    }
}

/// The step that a row of the audit log tells of.
fn step_of(deed: &Deed) -> Option<IssueStep> {
    let (to, verb) = match deed.action.as_str() {
        "close" => (IssueMove::Closed, "Closed"),
        "reopen" => (IssueMove::Reopened, "Opened again"),
        "mute" => (IssueMove::Muted, "Muted"),
        "unmute" => (IssueMove::Muted, "Unmuted"),
        _ => return None,
    };
    let said = format!("{verb} by {}", deed.by.name);
    Some(IssueStep { at: deed.at, to, said, scan: None, url: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Actor, IssueId};

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn record(state: IssueState, acts: Vec<IssueAct>) -> IssueRecord {
        let issue = Issue {
            id: IssueId(7),
            number: None,
            url: None,
            title: "t".into(),
            body: "b".into(),
            state,
            muted: false,
            classification: Some(Classification::ServerBug),
            author: None,
            error_codes: vec![],
            duplicate_of: None,
            evidence: vec![],
            occurrences: 12,
            scan_id: Some(JobId(3)),
            created_at: at(10),
            last_seen_at: at(90),
        };
        IssueRecord { issue, acts, fingerprints: vec![] }
    }

    fn act(act: Act, state: FilingState, decided: Option<i64>) -> IssueAct {
        IssueAct {
            id: FilingId(1),
            act,
            state,
            scan: JobId(4),
            url: (state == FilingState::Filed).then(|| "https://github.com/x".to_owned()),
            error: (state == FilingState::Failed).then(|| "no answer".to_owned()),
            created_at: at(10),
            updated_at: at(30),
            decided: decided.map(|millis| ("ann".to_owned(), at(millis))),
        }
    }

    fn deed(action: &str, millis: i64) -> Deed {
        Deed {
            id: 1,
            at: at(millis),
            by: Actor { name: "bob".into(), remote: None },
            action: action.into(),
            subject: "issue 7".into(),
            before: None,
            after: None,
        }
    }

    #[test]
    fn the_sentence_says_what_it_is_and_what_happens_next() {
        let next = |record: &IssueRecord| {
            let said = record.sentence();
            said.strip_prefix("A server bug, seen in 12 log rows. ").unwrap().to_owned()
        };
        let open = |acts| record(IssueState::Open, acts);
        for (state, said) in [
            (
                FilingState::AwaitingApproval,
                "It waits for approval. Nothing is sent before an admin approves it.",
            ),
            (FilingState::Pending, "It goes to the tracker next."),
            (FilingState::Failed, "It was refused by the tracker. The server tries again."),
        ] {
            assert_eq!(next(&open(vec![act(Act::Open, state, None)])), said);
        }
        let filed = || act(Act::Open, FilingState::Filed, None);
        let mut here = open(vec![]);
        here.issue.number = Some(3);
        let said = "It is open as #3 until somebody closes it here. Scans go on counting it.";
        assert_eq!(next(&here), said);
        let mut there = open(vec![filed()]);
        (there.issue.number, there.issue.url) = (Some(162), Some("https://github.com/x".into()));
        let said =
            "It is open as #162 at the tracker, where people close it. Scans go on counting it.";
        assert_eq!(next(&there), said);
        there.acts.push(act(Act::Comment, FilingState::Pending, None));
        assert_eq!(next(&there), "A comment on it goes to the tracker next.");
        there.issue.muted = true;
        assert!(next(&there).starts_with("It is muted: "));
        let closed = IssueState::NotPlanned { closed_at: at(40) };
        let rejected = act(Act::Open, FilingState::Rejected, Some(40));
        let said = next(&record(closed, vec![rejected]));
        assert!(said.starts_with("ann rejected it, so it is never filed"), "{said}");
        assert!(next(&record(closed, vec![])).starts_with("It is closed as not planned. "));
    }

    #[test]
    fn the_steps_tell_who_decided_what_the_newest_first() {
        let acts = vec![
            act(Act::Open, FilingState::Filed, Some(20)),
            act(Act::Comment, FilingState::Failed, None),
        ];
        let mut record = record(IssueState::Completed { closed_at: at(70) }, acts);
        record.issue.number = Some(162);
        let said = |record: &IssueRecord, deeds: &[Deed]| -> Vec<String> {
            record.steps(deeds).into_iter().map(|step| step.said).collect()
        };
        let deeds = [deed("mute", 50), deed("edit", 55), deed("close", 70)];
        assert_eq!(
            said(&record, &deeds),
            [
                "Closed by bob",
                "Muted by bob",
                "Refused: no answer",
                "Filed as #162",
                "Approved by ann",
                "Found"
            ]
        );
        assert_eq!(said(&record, &[])[0], "Closed at the tracker", "nobody did it here");
        let step = record.steps(&deeds).pop().unwrap();
        assert_eq!((step.to, step.scan), (IssueMove::Found, Some(JobId(3))));
    }

    #[test]
    fn an_issue_that_was_rejected_is_not_said_to_be_closed_at_the_tracker() {
        let rejected = act(Act::Open, FilingState::Rejected, Some(40));
        let record = record(IssueState::NotPlanned { closed_at: at(40) }, vec![rejected]);
        let said: Vec<_> = record.steps(&[]).into_iter().map(|step| step.said).collect();
        assert_eq!(said, ["Rejected by ann", "Found"]);
        let closed = act(Act::Close, FilingState::Filed, None);
        let duplicate = self::record(IssueState::NotPlanned { closed_at: at(40) }, vec![closed]);
        let said: Vec<_> = duplicate.steps(&[]).into_iter().map(|step| step.said).collect();
        assert_eq!(said, ["Closed as a duplicate", "Found"]);
    }
}
