//! What waits for a person: one line each, with the reason, made from what was read.

use super::job::word_enum;
use super::{
    Budgets, JobErrorGroup, Kind, Pause, QueueState, Readiness, ScheduleName, ServiceRun, Spent,
    Timestamp, usd,
};
use std::time::Duration;

/// From which part of a budget on it is told.
const NEAR: f64 = 0.8;
/// How many runs of a schedule in a row must have failed.
pub const FAILED_IN_A_ROW: usize = 3;
/// Less free space than this is told: 5 GiB.
const LOW_DISK: u64 = 5 << 30;
/// The first job of a queue is late when it has waited so many times longer than is usual there, and no less than a minute.
const TIMES_LATE: u32 = 10;
/// So many failures of a new error in an hour are told, and more.
const BURST: u64 = 20;
const LATE: Duration = Duration::from_mins(1);
/// The same where nothing is known of what is usual.
const LATE_ANYWHERE: Duration = Duration::from_mins(10);

word_enum!(
    /// Why something is told, in the order in which it is.
    NeedRule {
        /// No process with an engine is at work.
        Engine = "engine",
        /// Texts wait for approval.
        Approvals = "approvals",
        /// The issue tracker does not answer, or refuses.
        Tracker = "tracker",
        /// The agent program or its sandbox cannot be used.
        Agent = "agent",
        /// A queue is paused.
        QueuePaused = "queue_paused",
        /// Jobs of a kind wait, and no process has a handler for it.
        NoWorker = "no_worker",
        /// A budget is nearly or wholly spent.
        Budget = "budget",
        /// The last runs of a schedule have failed.
        ScheduleFails = "schedule_fails",
        /// The first job of a queue waits much longer than is usual.
        QueueLate = "queue_late",
        /// Many attempts failed within an hour with an error that is new.
        NewError = "new_error",
        /// The disk is nearly full.
        DiskLow = "disk_low",
    }
);

/// Something that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Why it is told.
    pub rule: NeedRule,
    /// The queue, the kind, the schedule or the budget that it is about; empty where there is only one.
    pub subject: String,
    /// What is so, in a sentence without its full stop.
    pub what: String,
    /// Why, and what follows; may be empty.
    pub why: String,
    /// Since when, if that is known.
    pub since: Option<Timestamp>,
    /// When it ends by itself, if it does.
    pub until: Option<Timestamp>,
}

/// The waiting texts that [`Need::approvals`] is made of.
#[derive(Clone, Copy, Debug)]
pub struct WaitingApprovals {
    /// How many.
    pub count: u64,
    /// Whether there may be more.
    pub more: bool,
    /// Since when the oldest waits.
    pub oldest: Timestamp,
}

impl Need {
    fn new(rule: NeedRule, subject: &impl ToString, what: String, why: String) -> Self {
        Self { rule, subject: subject.to_string(), what, why, since: None, until: None }
    }

    fn since(self, at: Timestamp) -> Self {
        Self { since: Some(at), ..self }
    }

    /// What names it, the same as long as it lasts: the rule, and the subject after a colon.
    pub fn key(&self) -> String {
        let rule = self.rule.as_str();
        if self.subject.is_empty() { rule.to_owned() } else { format!("{rule}:{}", self.subject) }
    }

    /// No process with an engine works on the database.
    pub fn engine(seen_at: Option<Timestamp>) -> Self {
        let what = "No engine is running, so no job starts".to_owned();
        let need =
            Self::new(NeedRule::Engine, &"", what, "Start one with `lamplighter serve`.".into());
        seen_at.map_or(need.clone(), |at| need.since(at))
    }

    /// Texts wait for approval.
    pub fn approvals(waiting: WaitingApprovals) -> Self {
        let WaitingApprovals { count, more, oldest } = waiting;
        let what = match (count, more) {
            (1, false) => "1 finding waits for approval".to_owned(),
            (count, false) => format!("{count} findings wait for approval"),
            (count, true) => format!("{count} findings or more wait for approval"),
        };
        Self::new(NeedRule::Approvals, &"", what, "Nothing is filed until somebody decides.".into())
            .since(oldest)
    }

    /// The issue tracker gave no good answer when it was asked last, or findings cannot be taken to it.
    pub fn tracker(is_ready: Option<&Readiness>, answer: Option<&ServiceRun>) -> Option<Self> {
        let need = |what: &str, why| Self::new(NeedRule::Tracker, &"", what.to_owned(), why);
        if let Some(Readiness::NotReady { why, .. }) = is_ready {
            return Some(need("Findings cannot be taken to the issue tracker", why.clone()));
        }
        let answer = answer?;
        let why = answer.ended().err()?;
        Some(need("The issue tracker did not answer", why.to_owned()).since(answer.at()))
    }

    /// The agent program or the sandbox cannot be used.
    pub fn agent(agent: Option<&Readiness>, sandbox: Option<&Readiness>) -> Option<Self> {
        let fault = |is: Option<&Readiness>| match is {
            Some(Readiness::NotReady { why, .. }) => Some(why.clone()),
            Some(Readiness::Ready { .. }) | None => None,
        };
        let need = |what: &str, why| Self::new(NeedRule::Agent, &"", what.to_owned(), why);
        fault(agent)
            .map(|why| need("The agent program cannot be used", why))
            .or_else(|| fault(sandbox).map(|why| need("The sandbox cannot be used", why)))
    }

    /// A queue is paused.
    pub fn paused(queue: &QueueState) -> Option<Self> {
        let Pause { at, by, reason, resume_at } = queue.pause.as_ref()?;
        let waiting = queue.queued + queue.scheduled;
        let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        let jobs = if waiting == 1 { "1 job waits".into() } else { format!("{waiting} jobs wait") };
        let what = format!("Queue {} is paused", queue.name);
        let why = format!("By {by}{reason}. {jobs}.");
        let need = Self::new(NeedRule::QueuePaused, &queue.name, what, why).since(*at);
        Some(Self { until: *resume_at, ..need })
    }

    /// Jobs of a kind wait that nobody has a handler for.
    pub fn no_worker(kind: &Kind, waiting: i64) -> Self {
        let what = match waiting {
            1 => format!("1 {kind} job has no worker"),
            _ => format!("{waiting} {kind} jobs have no worker"),
        };
        let why = "Start a program that handles this kind, or cancel the jobs.".to_owned();
        Self::new(NeedRule::NoWorker, kind, what, why)
    }

    /// The budgets of which 80 % or more are spent.
    pub fn budgets(spent: Spent, budgets: Budgets) -> Vec<Self> {
        let near = |subject: &str, spent: f64, most: Option<f64>| {
            let most = most.filter(|most| *most > 0.0 && spent >= most * NEAR)?;
            let what = if spent >= most {
                format!("The agents' budget of the {subject} is spent")
            } else {
                let part = spent / most * 100.0;
                format!("Agents have spent {part:.0} % of the budget of the {subject}")
            };
            let why = format!("{} of {}.", usd(spent), usd(most));
            Some(Self::new(NeedRule::Budget, &subject, what, why))
        };
        let all = [near("day", spent.day, budgets.day), near("month", spent.month, budgets.month)];
        all.into_iter().flatten().collect()
    }

    /// So many of the last runs of a schedule have failed, the newest with this error.
    pub fn schedule_fails(name: &ScheduleName, times: usize, error: Option<&str>) -> Self {
        let what = format!("Schedule {name} failed {times} times in a row");
        let line = error.and_then(|error| error.lines().find(|line| !line.trim().is_empty()));
        let why = line.unwrap_or("No reason was given.").trim().to_owned();
        Self::new(NeedRule::ScheduleFails, name, what, why)
    }

    /// The first job of a queue has waited since then, much longer than is usual in it.
    pub fn late(
        queue: &QueueState,
        due: Timestamp,
        usual: Option<Duration>,
        now: Timestamp,
    ) -> Option<Self> {
        let most = usual.map_or(LATE_ANYWHERE, |usual| (usual * TIMES_LATE).max(LATE));
        if now.since(due) <= most || queue.pause.is_some() {
            return None;
        }
        let what = format!("Queue {} is slow", queue.name);
        let usual =
            usual.map_or_else(String::new, |usual| format!(" The usual p95 is {}.", short(usual)));
        let running = format!("{} of {} run.", queue.running, queue.limit());
        let why = format!("Its first job still waits. {running}{usual}");
        Some(Self::new(NeedRule::QueueLate, &queue.name, what, why).since(due))
    }

    /// More than 20 attempts failed within an hour with an error, and jobs of it are still failed.
    pub fn new_error(error: &JobErrorGroup) -> Option<Self> {
        let most = error.hours.values().copied().max().unwrap_or(0);
        if most <= BURST || error.still_failed == 0 {
            return None;
        }
        let (kind, failed) = (&error.kind, error.still_failed);
        let jobs = if failed == 1 { "job" } else { "jobs" };
        let what = format!("New error: {failed} {kind} {jobs} failed");
        let need = Self::new(NeedRule::NewError, &error.fingerprint, what, error.title.clone());
        Some(need.since(error.first_at))
    }

    /// So many bytes are free on the disk of the database.
    pub fn disk(free: u64) -> Option<Self> {
        let gib = |bytes: u64| format!("{}.{}", bytes >> 30, (bytes >> 20) % 1024 * 10 / 1024);
        let what = format!("{} GiB are free on the disk of the database", gib(free));
        let why =
            "A full disk stops all jobs. Remove files, or shorten what is kept in Settings.".into();
        (free < LOW_DISK).then(|| Self::new(NeedRule::DiskLow, &"", what, why))
    }
}

/// A length as "41 s" or "4 min".
fn short(length: Duration) -> String {
    match length.as_secs() {
        0 => format!("{} ms", length.as_millis().max(1)),
        seconds if seconds < 120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Queue;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn queue() -> QueueState {
        QueueState { queued: 3, ..QueueState::named(Queue::parse("mail").unwrap()) }
    }

    #[test]
    fn a_budget_is_told_from_80_percent_on() {
        let budgets = Budgets { day: Some(10.0), month: Some(100.0) };
        let told = |day, month| {
            let spent = Spent { day, month, schedule: 0.0 };
            let needs = Need::budgets(spent, budgets);
            needs.into_iter().map(|need| (need.key(), need.what)).collect::<Vec<_>>()
        };
        assert!(told(7.99, 79.0).is_empty());
        let near = "Agents have spent 85 % of the budget of the day".to_owned();
        assert_eq!(told(8.5, 10.0), [("budget:day".to_owned(), near)]);
        let spent = "The agents' budget of the month is spent".to_owned();
        assert_eq!(told(0.0, 100.0), [("budget:month".to_owned(), spent)]);
        let none = Budgets { day: None, month: None };
        assert!(Need::budgets(Spent { day: 9.0, ..Spent::default() }, none).is_empty());
    }

    #[test]
    fn a_queue_is_slow_by_what_is_usual_in_it_and_never_before_a_minute() {
        let queue = queue();
        let late = |waited, usual| {
            let due = NOW.minus(Duration::from_secs(waited));
            Need::late(&queue, due, usual, NOW).is_some()
        };
        let usual = |seconds| Some(Duration::from_secs(seconds));
        assert!(!late(60, usual(1)) && late(61, usual(1)));
        assert!(!late(400, usual(40)) && late(401, usual(40)));
        assert!(!late(600, None) && late(601, None));
        let pause = Pause { at: NOW, by: "ada".into(), reason: String::new(), resume_at: None };
        let paused = QueueState { pause: Some(pause), ..queue };
        assert_eq!(Need::late(&paused, NOW.minus(LATE_ANYWHERE * 2), None, NOW), None);
        let told = Need::paused(&paused).unwrap();
        assert_eq!(
            (told.key().as_str(), &*told.why),
            ("queue_paused:mail", "By ada. 3 jobs wait.")
        );
    }

    #[test]
    fn a_tracker_is_told_while_its_last_answer_was_none() {
        let (good, bad) = (
            ServiceRun::new::<&str>(NOW, Ok("it answered".into())),
            ServiceRun::new::<&str>(NOW, Err("connection refused")),
        );
        assert_eq!(Need::tracker(None, Some(&good)), None);
        let told = Need::tracker(None, Some(&bad)).unwrap();
        assert_eq!((told.why.as_str(), told.since), ("connection refused", Some(NOW)));
        let unready = Readiness::not_ready(None, "there is no token");
        assert_eq!(Need::tracker(Some(&unready), Some(&good)).unwrap().why, "there is no token");
    }

    #[test]
    fn a_disk_is_told_below_5_gib() {
        assert_eq!(Need::disk(5 << 30), None);
        let told = Need::disk((3 << 30) + (1 << 29)).unwrap();
        assert_eq!(told.what, "3.5 GiB are free on the disk of the database");
    }

    #[test]
    fn a_new_error_is_told_after_more_than_20_failures_within_an_hour() {
        let error = |counts: &[u64], still_failed| JobErrorGroup {
            fingerprint: "ab".into(),
            kind: Kind::parse("send_email").unwrap(),
            code: "JOB-RUN-001".into(),
            title: "SMTP 421 ‹…›".into(),
            first_at: NOW,
            last_at: NOW,
            failures: counts.iter().sum(),
            still_failed,
            hours: (0..).zip(counts).map(|(n, count)| (NOW.plus(LATE * n * 60), *count)).collect(),
            mute: None,
        };
        assert_eq!(Need::new_error(&error(&[20, 20], 40)), None);
        assert_eq!(Need::new_error(&error(&[21], 0)), None, "all are run again");
        let told = Need::new_error(&error(&[3, 140], 140)).unwrap();
        assert_eq!((told.key().as_str(), &*told.why), ("new_error:ab", "SMTP 421 ‹…›"));
        assert_eq!(told.what, "New error: 140 send_email jobs failed");
    }

    #[test]
    fn the_error_of_a_schedule_is_its_first_line() {
        let name = ScheduleName::parse("nightly").unwrap();
        let why = |error| Need::schedule_fails(&name, 6, error).why;
        assert_eq!(why(Some("\n  no space left \n at main")), "no space left");
        assert_eq!(why(None), "No reason was given.");
    }
}
