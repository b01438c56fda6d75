//! Scans, what they find, and the issues the findings belong to.

use super::duplicate::sentence;
use super::{
    DryRun, DuplicateOf, Duplicates, Fingerprint, IssueHome, IssueId, JobId, Posting, RemoteKind,
    Status, Timestamp, Trigger,
};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Longest title of an issue, in characters: what trackers take with room to spare.
const MAX_ISSUE_TITLE: usize = 240;

/// What kind of problem a finding is; decides the issue's title prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Classification {
    /// The server is wrong.
    ServerBug,
    /// The caller of the server does something wrong.
    ClientMisuse,
    /// The documentation is wrong or missing.
    DocumentationGap,
}

impl Classification {
    /// Every classification.
    pub const ALL: [Self; 3] = [Self::ServerBug, Self::ClientMisuse, Self::DocumentationGap];

    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServerBug => "server_bug",
            Self::ClientMisuse => "client_misuse",
            Self::DocumentationGap => "documentation_gap",
        }
    }

    /// The prefix of the issue's title.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::ServerBug => "[BUG]",
            Self::ClientMisuse => "[CLIENT]",
            Self::DocumentationGap => "[DOCS]",
        }
    }
}

impl FromStr for Classification {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|c| c.as_str() == text).ok_or(())
    }
}

/// One observation of an analyzer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of problem it is.
    pub classification: Classification,
    /// One line without the prefix, at most 80 characters.
    pub title: String,
    /// Markdown: what happened, how often, and the evidence.
    pub body: String,
    /// Error codes (`AREA-TOPIC-NNN`) in the evidence, sorted, each once.
    pub error_codes: Vec<String>,
    /// The source of the most frequent evidence.
    pub source: String,
    /// The template of the most frequent evidence, by the text under which it was first known.
    pub template: String,
    /// What else it may be known by: templates that turned out to be this one, and the messages of its rows, each masked by
    /// itself.
    pub known_as: Vec<String>,
    /// How many rows belong to it.
    pub occurrences: u64,
    /// Ids of log rows that show it, oldest first, a handful.
    pub evidence: Vec<i64>,
    /// When its newest row was logged, as the log wrote it.
    pub last_seen: String,
    /// Source files that it names, sorted, each once, where an agent found it.
    pub source_files: Vec<String>,
    /// The number of the issue that an agent takes it for.
    pub duplicate_of: Option<i64>,
    /// The templates of its rows.
    pub templates: FindingTemplates,
}

/// The templates that the rows of a finding belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindingTemplates {
    /// Their places among those that the scan has met.
    pub met: Vec<usize>,
    /// What earlier scans know the most frequent of them as, by their ids: a row of another one may be cited beside it.
    pub known: Vec<i64>,
    /// How many rows each hour had, by its start; `None`: their time cannot be read.
    pub hours: BTreeMap<Option<Timestamp>, u64>,
}

impl FindingTemplates {
    /// Takes the rows of others besides.
    #[cfg(feature = "monitor")]
    pub(crate) fn join(&mut self, other: &Self) {
        self.met.extend(&other.met);
        for (hour, rows) in &other.hours {
            *self.hours.entry(*hour).or_default() += rows;
        }
    }
}

impl Finding {
    /// The title of its issue: the class's prefix, its error code if it has one, and its own title; at most 240
    /// characters.
    pub fn issue_title(&self) -> String {
        let code = self.error_codes.first().map(|code| format!(" {code}")).unwrap_or_default();
        let whole = format!("{}{code} {}", self.classification.prefix(), self.title);
        whole.chars().take(MAX_ISSUE_TITLE).collect()
    }
}

/// Whether an issue is open and, if not, why it was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueState {
    /// Open, or still to be filed.
    Open,
    /// Closed because it was dealt with.
    Completed {
        /// When.
        closed_at: Timestamp,
    },
    /// Closed because nobody will deal with it.
    NotPlanned {
        /// When.
        closed_at: Timestamp,
    },
}

/// What becomes of an issue by a person's hand, or at its tracker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueChange {
    /// It is opened or closed.
    State(IssueState),
    /// A person marks it as no problem (`true`), or takes that mark back (`false`).
    Muted(bool),
}

/// What triage needs to know of an existing issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownIssue {
    /// Which issue.
    pub id: IssueId,
    /// The tracker's number; `None` while it is not filed.
    pub number: Option<i64>,
    /// The tracker's page of it; `None` for the local tracker.
    pub url: Option<String>,
    /// Title with its prefix.
    pub title: String,
    /// Whether it is open.
    pub state: IssueState,
    /// Whether somebody said that it is not a problem.
    pub muted: bool,
    /// Whether it is ours: a person's is never opened again by a scan.
    pub ours: bool,
    /// When a scan last met it.
    pub last_seen_at: Timestamp,
    /// Its error codes.
    pub error_codes: Vec<String>,
    /// Its fingerprints.
    pub fingerprints: Vec<Fingerprint>,
    /// The source of its most frequent evidence.
    pub source: String,
    /// The masked template of its most frequent evidence.
    pub template: String,
    /// The templates that its rows belonged to, by their ids.
    pub templates: Vec<i64>,
    /// How often it was met before and after people said that it needs no work: muted, or closed as not planned.
    pub quiet: Option<Quiet>,
}

/// How often a problem was met before and after people said that it needs no work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quiet {
    /// When they said it.
    pub since: Timestamp,
    /// Rows of its busiest day before.
    pub before: u64,
    /// Rows of each day after, by its number since 1970.
    pub days: BTreeMap<i64, u64>,
}

/// A day in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1_000;

impl Quiet {
    /// How often it must be met more than before to be told of again.
    pub const GROWTH: u64 = 10;

    /// The quiet since an instant, by the rows of each hour.
    pub fn new(since: Timestamp, hours: &BTreeMap<Timestamp, u64>) -> Self {
        let (mut before, mut days) = (BTreeMap::new(), BTreeMap::new());
        for (hour, rows) in hours {
            let days = if *hour < since { &mut before } else { &mut days };
            *days.entry(hour.millis().div_euclid(DAY)).or_default() += rows;
        }
        Self { since, before: before.into_values().max().unwrap_or(0), days }
    }

    /// The rows of the busiest day, with those that a scan has found now, if that is so many more than before.
    pub fn grown(&self, found: &FindingTemplates, now: Timestamp) -> Option<u64> {
        // Nobody knows how often it was met before, so that nobody knows that it grew.
        if self.before == 0 {
            return None;
        }
        let mut days = self.days.clone();
        for (hour, rows) in &found.hours {
            let hour = hour.unwrap_or(now).min(now);
            if hour >= self.since {
                *days.entry(hour.millis().div_euclid(DAY)).or_default() += rows;
            }
        }
        let busiest = days.into_values().max()?;
        (busiest >= self.before.saturating_mul(Self::GROWTH)).then_some(busiest)
    }
}

/// Where issues are filed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracker {
    /// The issue list of the database.
    Local,
    /// A tracker elsewhere.
    Remote {
        /// Which kind of one.
        kind: RemoteKind,
        /// Whether a person must approve what is filed.
        approval: bool,
    },
}

impl Tracker {
    /// The word stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Remote { kind, .. } => kind.as_str(),
        }
    }
}

/// A finding that becomes an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIssue {
    /// What was found.
    pub finding: Finding,
    /// What it is recognised by.
    pub fingerprints: Vec<Fingerprint>,
    /// The closed issue that the same problem had before.
    pub follows: Option<IssueId>,
}

/// A remark of a scan on an existing issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Which issue.
    pub issue: IssueId,
    /// Whether the issue is opened again.
    pub reopens: bool,
    /// Whether the issue is no longer muted.
    pub unmutes: bool,
    /// Markdown.
    pub body: String,
    /// The error codes that the issue is known by from now on, too.
    pub error_codes: Vec<String>,
    /// What the issue is recognised by from now on, too.
    pub fingerprints: Vec<Fingerprint>,
    /// How many log rows belong to it.
    pub rows: u64,
}

/// How many issues may be opened at a tracker, or closed as duplicates, without an approval; the others wait for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Of one scan.
    pub scan: u64,
    /// In 24 hours.
    pub day: u64,
}

impl Default for Caps {
    /// What a person can look through: ten of a scan, thirty a day.
    fn default() -> Self {
        Self { scan: 10, day: 30 }
    }
}

/// One tracked problem, as the issue list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Row id.
    pub id: IssueId,
    /// The tracker's number; `None` while it is not filed.
    pub number: Option<i64>,
    /// The tracker's page of it; `None` for the local tracker.
    pub url: Option<String>,
    /// Title with its prefix.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// Whether it is open.
    pub state: IssueState,
    /// Whether somebody said that it is not a problem.
    pub muted: bool,
    /// What kind of problem it is; `None` if a person's title does not say it.
    pub classification: Option<Classification>,
    /// The person whose issue it is; `None`: ours.
    pub author: Option<String>,
    /// Its error codes.
    pub error_codes: Vec<String>,
    /// The older issue of which it is or was a duplicate, and what became of that.
    pub duplicate_of: Option<DuplicateOf>,
    /// Ids of log rows that show it, oldest first, a handful.
    pub evidence: Vec<i64>,
    /// How many log rows belonged to it so far.
    pub occurrences: u64,
    /// The scan that made it or met it first; `None` if it was only read at the tracker.
    pub scan_id: Option<JobId>,
    /// When it was filed.
    pub created_at: Timestamp,
    /// When a scan last met it.
    pub last_seen_at: Timestamp,
}

/// What a scan did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanCounts {
    /// Log rows that the analyzer looked at.
    pub rows_examined: u64,
    /// Findings that became new issues.
    pub issues_created: u64,
    /// Findings that belong to a known issue (tiers 1 and 2).
    pub duplicates_skipped: u64,
    /// Findings commented on an issue that seems the same (tier 3).
    pub potential_duplicates_commented: u64,
    /// Closed issues that were opened again, because the problem came back.
    pub reopened: u64,
    /// Findings that the agent proposed and our code did not accept.
    pub rejected: u64,
    /// Acts at the tracker that are not done yet, for it is slow or somebody must approve of them: as of now, so not
    /// stored with the others.
    pub waiting: u64,
}

/// What became at the tracker of what a scan found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ScanFilings {
    /// Acts that are done.
    pub filed: u64,
    /// Acts that wait for a person's approval.
    pub awaiting: u64,
    /// Acts that wait for the tracker, which refused nothing of them.
    pub waiting: u64,
    /// Acts that the tracker refused; they are tried again.
    pub refused: u64,
    /// Acts that a person rejected, or whose issue the tracker has no longer.
    pub dropped: u64,
    /// Why the tracker refused last.
    pub why: Option<String>,
    /// Duplicates that are not closed, because people have had a hand in them.
    pub kept: u64,
    /// What people did to one of these; `None` if a person rejected to close them.
    pub kept_why: Option<String>,
}

/// What a person is told: `1 filed, 2 wait for approval, 1 refused by the tracker: …`.
impl fmt::Display for ScanFilings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { filed, awaiting, waiting, refused, dropped, why, .. } = self;
        let waits = |number: u64| if number == 1 { "waits" } else { "wait" };
        let parts = [
            (*filed, format!("{filed} filed")),
            (*awaiting, format!("{awaiting} {} for approval", waits(*awaiting))),
            (*waiting, format!("{waiting} {} for the tracker", waits(*waiting))),
            (*dropped, format!("{dropped} dropped")),
            (*refused, format!("{refused} refused by the tracker")),
        ];
        let parts = parts.into_iter().filter(|(number, _)| *number > 0).map(|(_, text)| text);
        match parts.collect::<Vec<_>>().join(", ").as_str() {
            "" => f.write_str("Nothing to file")?,
            parts => f.write_str(parts)?,
        }
        match why {
            Some(why) if *refused > 0 || *awaiting > 0 => write!(f, ": {why}"),
            Some(_) | None => Ok(()),
        }
    }
}

/// One scan as the history shows it: its job and, once it committed, what it did.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// Job and scan have one id.
    pub id: JobId,
    /// The job's status.
    pub status: Status,
    /// What made the job.
    pub trigger: Trigger,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
    /// What it did; zeros until it committed.
    pub counts: ScanCounts,
    /// What became of it at the tracker.
    pub filings: ScanFilings,
    /// Why it has closed no duplicates at the tracker, in a sentence, if there were some.
    pub duplicates_kept: Option<String>,
    /// Why findings were rejected.
    pub rejections: Vec<String>,
    /// Which analyzer examined the rows, `builtin` or `claude`; `None` until it committed.
    pub analyzer: Option<String>,
    /// Why the built-in analyzer took the agent's place, if it did.
    pub fallback: Option<String>,
    /// The agent's model, where one ran.
    pub model: Option<String>,
    /// What the agent's run cost.
    pub cost_usd: Option<f64>,
    /// Whether it had a run of the agent, which has a transcript.
    pub has_transcript: bool,
    /// What a dry run would have done. A dry run leaves nothing else behind.
    pub dry_run: Option<DryRun>,
}

impl Scan {
    /// What became of its findings, in words; `None` before it committed, and of a dry run.
    pub fn became(&self) -> Option<String> {
        self.analyzer.as_ref()?;
        let ScanFilings { kept, kept_why, .. } = &self.filings;
        let mut became = format!("{}.", self.filings.to_string().trim_end_matches('.'));
        let why = kept_why.as_deref().unwrap_or("a person has decided so");
        let kept = (*kept > 0).then(|| sentence(*kept, why));
        for kept in self.duplicates_kept.iter().chain(&kept) {
            became.push(' ');
            became.push_str(kept);
        }
        Some(became)
    }

    /// Log rows that the analyzer looked at.
    pub fn rows_examined(&self) -> u64 {
        self.dry_run.as_ref().map_or(self.counts.rows_examined, |dry| dry.rows_examined)
    }
}

/// The state of self-monitoring that its page shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScanNow {
    /// The scan that runs.
    pub running: Option<Scan>,
    /// How many scans wait that start as soon as they can, those included that a budget or a limit has put off.
    pub waiting: u64,
    /// The one of them that starts first.
    pub first: Option<JobId>,
    /// The scan that ended last.
    pub last: Option<Scan>,
}

/// A template of a log that earlier scans have met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownTemplate {
    /// What it is known by, whatever becomes of its text.
    pub id: i64,
    /// The source of its rows.
    pub source: String,
    /// When its first row was logged.
    pub first_seen: Timestamp,
    /// Its text when it was first met, of which its fingerprint is made.
    pub origin: String,
    /// Its text now.
    pub text: String,
    /// Whether it was made of several texts, so that it is known which of its words are values.
    pub grown: bool,
}

/// What a scan has met of a template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenTemplate {
    /// The known templates that it is, the oldest first; none: it is new.
    pub known: Vec<i64>,
    /// The source of its rows.
    pub source: String,
    /// Its text now.
    pub text: String,
    /// Whether it was made of several texts.
    pub grown: bool,
    /// How many rows each hour had, by its start. A row whose time cannot be read counts for the hour of the scan.
    pub hours: BTreeMap<Option<Timestamp>, u64>,
}

/// Everything a scan leaves behind, written in one transaction.
#[derive(Clone, Debug)]
pub struct ScanCommit {
    /// Identity of the log database.
    pub log: String,
    /// The watermark before: rows above it were examined.
    pub log_id_start: i64,
    /// The watermark after: the last row examined.
    pub log_id_end: i64,
    /// Of another program's log, a digest of that row.
    pub log_row_end: Option<String>,
    /// What it did.
    pub counts: ScanCounts,
    /// Which analyzer ran: `builtin` or `claude`.
    pub analyzer: &'static str,
    /// Why the built-in analyzer took the agent's place, if it did.
    pub fallback: Option<String>,
    /// The agent's model, where one ran.
    pub model: Option<String>,
    /// What the agent's run cost.
    pub cost_usd: Option<f64>,
    /// Why findings were rejected.
    pub rejections: Vec<String>,
    /// Where its issues go.
    pub tracker: Tracker,
    /// Where they can be seen then.
    pub home: IssueHome,
    /// Findings that become issues, each with what is said at the tracker.
    pub new_issues: Vec<(NewIssue, Posting)>,
    /// Known issues that were met again, with how many rows.
    pub seen_again: Vec<(IssueId, u64)>,
    /// What known issues that were met are recognised by from now on.
    pub learned: Vec<(IssueId, Vec<Fingerprint>)>,
    /// The templates of the rows.
    pub templates: Vec<SeenTemplate>,
    /// Known issues whose rows belong to some of these templates, by their places.
    pub shown: Vec<(IssueId, Vec<usize>)>,
    /// Comments on known issues, each with what is said at the tracker.
    pub remarks: Vec<(Remark, Posting)>,
    /// The duplicates at the tracker.
    pub duplicates: Duplicates,
    /// How much of it may go without anybody's approval.
    pub caps: Caps,
    /// Whether rows remain that a further scan must examine.
    pub follow_up: bool,
}
