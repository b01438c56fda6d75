//! The three tiers of the de-duplication: a pure function says which findings are new problems.

mod prints;

pub(super) use prints::all_prints_of;

use super::similar::Likeness;
use super::template::MARKS;
use crate::model::{
    Finding, FindingVerdict, Fingerprint, IssueId, IssueState, KnownIssue, NewIssue, Remark,
    Timestamp, Triaged,
};
use prints::{own_prints_of, prints_of, shared};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

/// Longest title, in characters: what an issue list shows without wrapping.
pub(super) const MAX_TITLE: usize = 80;
/// How long a problem that was closed as not planned is left alone after it was last seen: a season.
pub(super) const QUIET: Duration = Duration::from_hours(90 * 24);

/// What becomes of a scan's findings.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Triage {
    /// Findings that no known issue and no earlier finding of the scan covers.
    pub(super) new_issues: Vec<NewIssue>,
    /// Known issues that were met again, with how many log rows.
    pub(super) seen_again: Vec<(IssueId, u64)>,
    /// What they are recognised by from now on.
    pub(super) learned: Vec<(IssueId, Vec<Fingerprint>)>,
    /// The templates that their rows belong to, by their places among those of the scan.
    pub(super) shown: Vec<(IssueId, Vec<usize>)>,
    /// What is said on known issues.
    pub(super) remarks: Vec<Remark>,
    /// Findings that need no act, because they are known (tiers 1 and 2, and muted issues).
    pub(super) skipped: u64,
    /// Findings that were commented on an issue that seems the same (tier 3).
    pub(super) commented: u64,
    /// Issues that are opened again.
    pub(super) reopened: u64,
    /// What became of each finding.
    pub(super) decisions: Vec<FindingVerdict>,
}

/// How a finding was recognised.
#[derive(Clone, Copy)]
struct Met {
    tier: Triaged,
    /// Whether its issue may be known by the finding's template from now on.
    learns: bool,
}

/// Whose problem a finding turned out to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// Index into `known`.
    Known(usize),
    /// Index into `new_issues`.
    New(usize),
}

/// Decides about each finding, against the known issues and against the findings before it. What is surely known goes
/// first, so that it makes no difference where it stood.
///
/// - **Tier 1**, an exact error code, and **tier 2**, a fingerprint or a template: what its issue says counts. Open or
///   muted: skipped. Closed as completed: opened again with a comment if the evidence is newer than that, else skipped.
///   Closed as not planned: skipped for 90 days after it was last seen, then a new issue that follows it. What is muted or
///   closed as not planned, and is met ten times as often as before, is told again.
/// - **Tier 3**, the agent's `duplicate_of` or [`Likeness`]: commented on that issue if it is open, skipped if it is muted and
///   no code is new. The agent's word alone never silences a finding: an issue that is closed or muted is only named as the
///   one before.
pub(super) fn triage(findings: Vec<Finding>, known: &[KnownIssue], now: Timestamp) -> Triage {
    let mut board = Board::new(known, now);
    board.shared = shared(&findings);
    let unknown: Vec<Finding> = findings.into_iter().filter_map(|f| board.place(f)).collect();
    for finding in unknown {
        if let Some(finding) = board.place(finding) {
            board.resemble(finding);
        }
    }
    board.finish()
}

struct Board<'a> {
    known: &'a [KnownIssue],
    now: Timestamp,
    by_code: HashMap<String, Vec<Owner>>,
    by_print: HashMap<Fingerprint, Vec<Owner>>,
    by_template: HashMap<i64, Vec<Owner>>,
    shared: HashSet<Fingerprint>,
    /// What open and muted issues, those opened again, and the new ones look like.
    likenesses: Vec<(Owner, Likeness)>,
    /// Closed issues that this scan opens again.
    reopened: HashSet<usize>,
    again: BTreeMap<i64, u64>,
    /// Titles of open issues and of those of this scan.
    titles: HashSet<String>,
    done: Triage,
}

impl<'a> Board<'a> {
    fn new(known: &'a [KnownIssue], now: Timestamp) -> Self {
        let mut board = Self {
            known,
            now,
            by_code: HashMap::new(),
            by_print: HashMap::new(),
            by_template: HashMap::new(),
            shared: HashSet::new(),
            likenesses: Vec::new(),
            reopened: HashSet::new(),
            again: BTreeMap::new(),
            titles: HashSet::new(),
            done: Triage::default(),
        };
        for (index, issue) in known.iter().enumerate() {
            board.register(Owner::Known(index), &issue.error_codes, &issue.fingerprints);
            board.register_templates(Owner::Known(index), &issue.templates);
            // A person's words are no template; those are found by codes, or by the agent.
            if board.is_live(index) {
                board.titles.insert(issue.title.clone());
            }
            if board.is_live(index) && issue.ours {
                board.liken(index);
            }
        }
        board
    }

    fn register(&mut self, owner: Owner, codes: &[String], prints: &[Fingerprint]) {
        for code in codes {
            self.by_code.entry(code.clone()).or_default().push(owner);
        }
        for print in prints {
            self.by_print.entry(print.clone()).or_default().push(owner);
        }
    }

    fn register_templates(&mut self, owner: Owner, templates: &[i64]) {
        for template in templates {
            self.by_template.entry(*template).or_default().push(owner);
        }
    }

    /// Has later findings compared with this issue by their words.
    fn liken(&mut self, index: usize) {
        let KnownIssue { source, error_codes, title, template, .. } = &self.known[index];
        let likeness = Likeness::new(source, error_codes, title, template);
        self.likenesses.push((Owner::Known(index), likeness));
    }

    /// Tiers 1 and 2. Answers the finding if nothing is surely the same.
    fn place(&mut self, finding: Finding) -> Option<Finding> {
        let prints = prints_of(&finding);
        match self.exact(&finding) {
            Some((Owner::New(index), met)) => {
                let more = self.unknown_codes(&finding);
                self.register(Owner::New(index), &more, &[]);
                let new = &mut self.done.new_issues[index].finding;
                new.occurrences += finding.occurrences;
                new.error_codes.extend(more);
                new.templates.join(&finding.templates);
                self.done.skipped += 1;
                self.decide(&finding, met.tier, None);
            }
            Some((Owner::Known(index), met)) => {
                self.show(index, &finding);
                self.meet(index, finding, prints, met);
            }
            None => return Some(finding),
        }
        None
    }

    /// The codes of a finding that no issue has: one that is known says nothing of the others beside it.
    fn unknown_codes(&self, finding: &Finding) -> Vec<String> {
        let is_new = |code: &&String| !self.by_code.contains_key(*code);
        finding.error_codes.iter().filter(is_new).cloned().collect()
    }

    /// Tiers 1 and 2: of all that match by more than a way of saying it, one that is open or muted, then one of this scan,
    /// then a closed one; of several, one by its code, then one of ours, then the newest.
    fn exact(&self, finding: &Finding) -> Option<(Owner, Met)> {
        let own = own_prints_of(finding).len();
        let prints = all_prints_of(finding);
        // How surely: by the code or the own print, by a way that is nobody else's, by another.
        let sure = |(at, print)| match (at < own, self.shared.contains(print)) {
            (true, _) => 2,
            (false, false) => 1,
            (false, true) => 0,
        };
        let by_code = finding.error_codes.iter().filter_map(|code| self.by_code.get(code));
        let by_code = by_code.flatten().map(|owner| (*owner, true, 2));
        let by_print = prints.iter().enumerate().flat_map(|(at, print)| {
            let owners = self.by_print.get(print).into_iter().flatten();
            owners.map(move |owner| (*owner, false, sure((at, print))))
        });
        let by_template = finding.templates.known.iter().flat_map(|template| {
            let owners = self.by_template.get(template).into_iter().flatten();
            owners.map(|owner| (*owner, false, 1))
        });
        let best = by_code.chain(by_print).chain(by_template).max_by_key(|(owner, coded, sure)| {
            let (state, ours, id) = match owner {
                Owner::Known(at) if self.is_live(*at) => {
                    (2, self.known[*at].ours, self.known[*at].id.0)
                }
                Owner::New(_) => (1, true, 0),
                Owner::Known(at) => (0, true, self.known[*at].id.0),
            };
            (*sure == 2, state, *coded, *sure, ours, id)
        });
        best.map(|(owner, coded, sure)| {
            let tier = if coded { Triaged::KnownCode } else { Triaged::KnownFingerprint };
            (owner, Met { tier, learns: sure > 0 })
        })
    }

    fn decide(&mut self, finding: &Finding, verdict: Triaged, known: Option<usize>) {
        let issue = known.and_then(|index| self.known[index].number);
        let title = finding.issue_title();
        self.done.decisions.push(FindingVerdict { title, verdict, issue });
    }

    /// Whether a finding that belongs to this issue needs nothing more.
    fn is_live(&self, index: usize) -> bool {
        let issue = &self.known[index];
        issue.muted || issue.state == IssueState::Open || self.reopened.contains(&index)
    }

    /// A finding that surely belongs to this issue.
    fn meet(&mut self, index: usize, finding: Finding, prints: Vec<Fingerprint>, met: Met) {
        let issue = &self.known[index];
        if !self.reopened.contains(&index)
            && let Some(rows) =
                issue.quiet.as_ref().and_then(|quiet| quiet.grown(&finding.templates, self.now))
        {
            return self.raise(index, finding, prints, rows);
        }
        if issue.muted && !self.reopened.contains(&index) {
            return self.leave(index, finding, prints, met);
        }
        if self.is_live(index) {
            return self.meet_open(index, &finding, prints, met);
        }
        match issue.state {
            IssueState::Completed { closed_at } if is_newer(&finding, closed_at) && !issue.ours => {
                self.file(finding, prints, Some(index));
            }
            IssueState::Completed { closed_at } if is_newer(&finding, closed_at) => {
                self.reopened.insert(index);
                self.liken(index);
                self.done.reopened += 1;
                self.decide(&finding, Triaged::CameBack, Some(index));
                let why = "It came back after this issue was closed.";
                let codes = self.unknown_codes(&finding);
                self.remark(index, true, why, &finding, (codes, prints));
            }
            IssueState::NotPlanned { .. } if self.now.since(issue.last_seen_at) > QUIET => {
                self.file(finding, prints, Some(index));
            }
            IssueState::Open | IssueState::Completed { .. } | IssueState::NotPlanned { .. } => {
                self.leave(index, finding, prints, met);
            }
        }
    }

    /// A finding that surely belongs to an issue that people have set aside, and that is met ten times as often since.
    fn raise(&mut self, index: usize, finding: Finding, prints: Vec<Fingerprint>, rows: u64) {
        let issue = &self.known[index];
        if issue.number.is_none() || !issue.ours {
            return self.file(finding, prints, Some(index));
        }
        self.reopened.insert(index);
        if !issue.muted {
            self.liken(index);
        }
        self.done.reopened += 1;
        self.decide(&finding, Triaged::Grew, Some(index));
        let before = issue.quiet.as_ref().map_or(0, |quiet| quiet.before);
        let act = if issue.muted { "muted" } else { "closed as not planned" };
        let why = format!(
            "It was {act} when its busiest day had {before} log rows. One day since has had {rows}."
        );
        let codes = self.unknown_codes(&finding);
        self.remark(index, issue.state != IssueState::Open, &why, &finding, (codes, prints));
    }

    /// A finding that surely belongs to this open issue. Codes that are new go there with a comment.
    fn meet_open(&mut self, index: usize, finding: &Finding, prints: Vec<Fingerprint>, met: Met) {
        let codes = self.unknown_codes(finding);
        if codes.is_empty() {
            self.learn(index, prints, met);
            return self.skip(index, finding, met.tier);
        }
        self.done.commented += 1;
        self.decide(finding, Triaged::MoreCodes, Some(index));
        let why = format!("The same rows also show {}.", codes.join(", "));
        let prints = prints.into_iter().filter(|print| !self.by_print.contains_key(print));
        let prints = prints.collect();
        self.remark(index, false, &why, finding, (codes, prints));
    }

    /// A finding that belongs to an issue that is left alone. Codes beside it that are new are a problem of their own.
    fn leave(&mut self, index: usize, finding: Finding, prints: Vec<Fingerprint>, met: Met) {
        let codes = self.unknown_codes(&finding);
        if codes.is_empty() {
            self.learn(index, prints, met);
            return self.skip(index, &finding, met.tier);
        }
        let prints = prints.into_iter().filter(|print| !self.by_print.contains_key(print));
        let prints = prints.collect();
        self.file(Finding { error_codes: codes, ..finding }, prints, None);
    }

    /// Tier 3, and what no tier knows.
    fn resemble(&mut self, finding: Finding) {
        const SEEMS: &str = "This seems to be the same problem.";
        let prints = prints_of(&finding);
        let named = finding
            .duplicate_of
            .and_then(|number| self.known.iter().rposition(|issue| issue.number == Some(number)));
        if let Some(index) = named
            && self.is_live(index)
            && !self.known[index].muted
        {
            self.done.commented += 1;
            self.show(index, &finding);
            self.decide(&finding, Triaged::SeemsKnown, Some(index));
            let codes = self.unknown_codes(&finding);
            return self.remark(index, false, SEEMS, &finding, (codes, prints));
        }
        let Finding { source, error_codes, title, template, .. } = &finding;
        let likeness = Likeness::new(source, error_codes, title, template);
        let like = self.likenesses.iter().filter(|(_, other)| likeness.is_like(other));
        // A muted issue comes first, so that the order of findings cannot cause a comment.
        let muted =
            |owner: &Owner| matches!(owner, Owner::Known(index) if self.known[*index].muted);
        match like.map(|(owner, _)| *owner).min_by_key(|owner| !muted(owner)) {
            Some(Owner::Known(index)) if self.known[index].muted => {
                let met = Met { tier: Triaged::SeemsMuted, learns: true };
                self.leave(index, finding, prints, met);
            }
            Some(Owner::Known(index)) => {
                self.done.commented += 1;
                self.show(index, &finding);
                self.decide(&finding, Triaged::SeemsKnown, Some(index));
                let codes = self.unknown_codes(&finding);
                self.remark(index, false, SEEMS, &finding, (codes, prints));
            }
            Some(Owner::New(index)) => self.join(index, &finding, prints),
            None => {
                let owner = Owner::New(self.done.new_issues.len());
                self.likenesses.push((owner, likeness));
                self.file(finding, prints, named);
            }
        }
    }

    /// Has an issue recognised by a template that nobody else is recognised by. The structural print of a finding that is
    /// known by other things says too little: it would silence all else in the same file.
    fn learn(&mut self, index: usize, mut prints: Vec<Fingerprint>, met: Met) {
        prints.truncate(usize::from(met.learns));
        prints.retain(|print| !self.by_print.contains_key(print));
        if !prints.is_empty() {
            self.register(Owner::Known(index), &[], &prints);
            self.done.learned.push((self.known[index].id, prints));
        }
    }

    /// Notes which templates the rows of a known issue belong to.
    fn show(&mut self, index: usize, finding: &Finding) {
        if !finding.templates.met.is_empty() {
            self.done.shown.push((self.known[index].id, finding.templates.met.clone()));
        }
    }

    fn skip(&mut self, index: usize, finding: &Finding, tier: Triaged) {
        self.decide(finding, tier, Some(index));
        *self.again.entry(self.known[index].id.0).or_default() += finding.occurrences;
        self.done.skipped += 1;
    }

    fn remark(
        &mut self,
        index: usize,
        reopens: bool,
        why: &str,
        finding: &Finding,
        (error_codes, fingerprints): (Vec<String>, Vec<Fingerprint>),
    ) {
        self.register(Owner::Known(index), &error_codes, &fingerprints);
        self.done.remarks.push(Remark {
            issue: self.known[index].id,
            reopens,
            unmutes: self.known[index].muted,
            body: format!("{why}\n\n**{}**\n\n{}", finding.title, finding.body),
            error_codes,
            fingerprints,
            rows: finding.occurrences,
        });
    }

    /// A finding that seems to be the same as an earlier one of this scan: a line there is its comment.
    fn join(&mut self, index: usize, finding: &Finding, prints: Vec<Fingerprint>) {
        self.decide(finding, Triaged::SeemsKnown, None);
        let codes = self.unknown_codes(finding);
        self.register(Owner::New(index), &codes, &prints);
        let issue = &mut self.done.new_issues[index];
        issue.finding.error_codes.extend(codes);
        let rows: Vec<String> = finding.evidence.iter().map(ToString::to_string).collect();
        let line =
            format!("\nPerhaps the same: {} (log rows {})\n", finding.title, rows.join(", "));
        issue.finding.body.push_str(&line);
        issue.finding.occurrences += finding.occurrences;
        issue.finding.templates.join(&finding.templates);
        for print in prints {
            if !issue.fingerprints.contains(&print) {
                issue.fingerprints.push(print);
            }
        }
        self.done.commented += 1;
    }

    /// Gives a finding a title that no open issue has.
    fn name(&mut self, finding: &mut Finding) {
        let title = std::mem::take(&mut finding.title);
        let places = [String::new(), format!(" in {}", finding.source)];
        let numbers = (2..).map(|n| format!(" ({n})"));
        for end in places.into_iter().chain(numbers) {
            let room = MAX_TITLE.saturating_sub(end.chars().count());
            finding.title = shortened(&title, room) + &end;
            if self.titles.insert(finding.issue_title()) {
                return;
            }
        }
    }

    fn file(
        &mut self,
        mut finding: Finding,
        fingerprints: Vec<Fingerprint>,
        follows: Option<usize>,
    ) {
        let owner = Owner::New(self.done.new_issues.len());
        self.name(&mut finding);
        self.decide(&finding, Triaged::NewIssue, follows);
        self.register(owner, &finding.error_codes, &fingerprints);
        self.register_templates(owner, &finding.templates.known);
        let follows = follows.map(|index| {
            let issue = &self.known[index];
            if let Some(number) = issue.number {
                finding.body =
                    format!("The same problem was #{number} before.\n\n{}", finding.body);
            }
            issue.id
        });
        self.done.new_issues.push(NewIssue { finding, fingerprints, follows });
    }

    fn finish(mut self) -> Triage {
        self.done.seen_again =
            self.again.into_iter().map(|(id, rows)| (IssueId(id), rows)).collect();
        self.done
    }
}

/// A title with at most so many characters, cut between two words.
pub(super) fn shortened(title: &str, most: usize) -> String {
    if title.chars().count() <= most {
        return title.to_owned();
    }
    let cut: String = title.chars().take(most.saturating_sub(1)).collect();
    let words = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    // A mark that is cut open says no more what it marks.
    let words = match words.rfind(MARKS.0) {
        Some(open) if !words[open..].contains(MARKS.1) => words[..open].trim_end(),
        Some(_) | None => words,
    };
    words.to_owned() + "…"
}

/// Whether a finding was seen after this instant. A row whose time cannot be read counts as new, as it is to the scan.
fn is_newer(finding: &Finding, than: Timestamp) -> bool {
    Timestamp::from_iso(&finding.last_seen).is_none_or(|seen| seen > than)
}

#[cfg(test)]
mod tests;
